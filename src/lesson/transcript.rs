//! Reading a terminal: which commands were typed at the prompt and what they showed. Text only: no terminal, no escapes.

/// A terminal's text as one sees it, oldest line first.
///
/// To judge a step, give it only what appeared since the step began (with the prompt line that was on screen then).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    /// Whole lines: what was wrapped over several rows of the screen is one line here.
    lines: Vec<String>,
}

/// A command that was typed and entered at a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed<'a> {
    /// As typed.
    pub command: &'a str,
    /// The lines up to the next prompt.
    pub output: &'a [String],
}

impl Transcript {
    /// From whole lines.
    #[must_use]
    pub fn of_lines<S: Into<String>>(lines: impl IntoIterator<Item = S>) -> Self {
        Self {
            lines: lines.into_iter().map(Into::into).collect(),
        }
    }

    /// From the rows of a screen, each with whether the terminal noted that it goes on in the next row.
    #[must_use]
    pub fn of_rows(rows: impl IntoIterator<Item = (String, bool)>) -> Self {
        let mut lines: Vec<String> = Vec::new();
        let mut goes_on = false;
        for (row, wrapped) in rows {
            match lines.last_mut() {
                Some(line) if goes_on => line.push_str(&row),
                _ => lines.push(row),
            }
            goes_on = wrapped;
        }
        Self { lines }
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether the last line is a prompt with nothing typed after it.
    #[must_use]
    pub fn awaits_input(&self) -> bool {
        self.lines
            .iter()
            .rev()
            .find(|line| !line.trim().is_empty())
            .and_then(|line| prompt(line))
            == Some("")
    }

    /// Every command that was typed and entered, oldest first.
    pub fn typed(&self) -> impl Iterator<Item = Typed<'_>> {
        let prompts: Vec<(usize, &str)> = self
            .lines
            .iter()
            .enumerate()
            .filter_map(|(at, line)| Some((at, prompt(line)?)))
            .collect();
        let ends: Vec<usize> = prompts
            .iter()
            .skip(1)
            .map(|(at, _)| *at)
            .chain([self.lines.len()])
            .collect();
        prompts
            .into_iter()
            .zip(ends)
            .filter_map(move |((at, command), end)| {
                // Without a line below it Enter has not been pressed yet.
                let entered = !command.is_empty() && at + 1 < self.lines.len();
                entered.then(|| Typed {
                    command,
                    output: &self.lines[at + 1..end],
                })
            })
    }
}

impl Typed<'_> {
    /// Whether it begins with `words`, or one of the commands joined in it by `;`, `&&`, `||` or `&` does.
    #[must_use]
    pub fn begins_with(&self, words: &str) -> bool {
        joined(self.command).any(|command| begins_with(command, words))
    }

    /// The first line of output that contains `part`.
    #[must_use]
    pub fn shows(&self, part: &str) -> Option<&str> {
        self.output
            .iter()
            .find(|line| line.contains(part))
            .map(String::as_str)
    }
}

/// What was typed after the prompt of a line; `None` when the line has no prompt.
///
/// Known are `[user@host dir]$ `, `user@host:dir$ ` and `bash-5.2$ `, with `#` for root.
fn prompt(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let end = if line.starts_with('[') {
        // The directory may have blanks.
        let close = line.find(']')?;
        line[..close].contains('@').then_some(close + 1)?
    } else {
        let end = line.find(['$', '#'])?;
        let head = &line[..end];
        let known = head.contains('@') || head.starts_with("bash-") || head.starts_with("sh-");
        (known && !head.contains(char::is_whitespace)).then_some(end)?
    };
    let rest = &line[end..];
    let typed = rest.strip_prefix(['$', '#'])?;
    (typed.is_empty() || typed.starts_with(' ')).then(|| typed.trim())
}

/// A command line from the start of each command that is joined in it: of `a; b` it is `a; b` and `b`.
fn joined(line: &str) -> impl Iterator<Item = &str> {
    let mut quote = None;
    let mut starts = vec![0];
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, ';' | '&') => starts.push(at + 1),
            (None, '|') if line[at + 1..].starts_with('|') || line[..at].ends_with('|') => {
                starts.push(at + 1);
            }
            _ => {}
        }
    }
    starts.into_iter().map(|at| &line[at..])
}

/// Whether `command` begins with `words` and these end at a word boundary; blanks count as one.
fn begins_with(command: &str, words: &str) -> bool {
    let mut command = command.trim_start();
    for word in words.split_whitespace() {
        let Some(rest) = command.strip_prefix(word) else {
            return false;
        };
        if !(rest.is_empty()
            || rest.starts_with(|c: char| c.is_whitespace() || ";&|<>)".contains(c)))
        {
            return false;
        }
        command = rest.trim_start();
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROMPT: &str = "[ec2-user@ip-10-0-1-12 ~]$ ";

    fn commands(lines: &[&str]) -> Vec<(String, Vec<String>)> {
        Transcript::of_lines(lines.iter().copied())
            .typed()
            .map(|typed| (typed.command.to_owned(), typed.output.to_vec()))
            .collect()
    }

    #[test]
    fn a_command_has_the_output_up_to_the_next_prompt() {
        let lines = [
            "Last login: today",
            "[ec2-user@ip-10-0-1-12 ~]$ pwd",
            "/home/ec2-user",
            "[ec2-user@ip-10-0-1-12 ~]$ ls",
            "[ec2-user@ip-10-0-1-12 ~]$ ",
        ];
        assert_eq!(
            commands(&lines),
            [
                ("pwd".to_owned(), vec!["/home/ec2-user".to_owned()]),
                ("ls".to_owned(), vec![])
            ]
        );
    }

    #[test]
    fn a_terminal_awaits_input_when_its_last_line_is_a_bare_prompt() {
        for (lines, awaits) in [
            (vec![], false),
            (vec![PROMPT], true),
            (vec!["a", "[ec2-user@ip-10-0-1-12 ~]$", "", " "], true),
            (vec!["[ec2-user@ip-10-0-1-12 ~]$ l"], false),
            (vec![PROMPT, "still running"], false),
        ] {
            assert_eq!(
                Transcript::of_lines(lines.clone()).awaits_input(),
                awaits,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn a_line_that_was_not_entered_is_no_command() {
        assert_eq!(commands(&["[ec2-user@ip-10-0-1-12 ~]$ ls"]), []);
    }

    #[test]
    fn prompts_are_recognized_liberally_and_output_is_not_taken_for_one() {
        for (line, typed) in [
            ("[ec2-user@ip-10-0-1-12 ~]$ ls", Some("ls")),
            ("[ec2-user@ip-10-0-1-12 my dir]$ ls -l", Some("ls -l")),
            ("[root@ip-10-0-1-12 ~]# ls", Some("ls")),
            ("ec2-user@ip-10-0-1-12:~$ ls", Some("ls")),
            ("bash-5.2$ ls", Some("ls")),
            ("[ec2-user@ip-10-0-1-12 ~]$", Some("")),
            ("[ec2-user@ip-10-0-1-12 ~]$ echo $HOME", Some("echo $HOME")),
            ("[1]+ Done   sleep 1", None),
            ("costs 5 $ a month", None),
            ("# a comment", None),
            ("me@example.com", None),
            ("you have $ 5", None),
            ("", None),
        ] {
            assert_eq!(prompt(line), typed, "{line}");
        }
    }

    #[test]
    fn commands_are_compared_word_by_word() {
        for (command, words, is) in [
            ("ls", "ls", true),
            ("ls -l", "ls", true),
            ("  ls   -l", "ls -l", true),
            ("lsblk", "ls", false),
            ("ls -la", "ls -l", false),
            ("ls>x", "ls", true),
            ("cd /; ls", "ls", true),
            ("cd / && ls", "ls", true),
            ("false || ls", "ls", true),
            ("echo 'a; ls'", "ls", false),
            ("echo ls", "ls", false),
            ("mount | grep nfs4", "mount | grep nfs4", true),
            ("mount | grep nfs4", "grep nfs4", false),
            ("sleep 1; mount | grep nfs4", "mount | grep nfs4", true),
            ("", "ls", false),
        ] {
            let typed = Typed {
                command,
                output: &[],
            };
            assert_eq!(typed.begins_with(words), is, "{command:?} {words:?}");
        }
    }

    #[test]
    fn a_command_that_is_wrapped_over_rows_is_read_as_one() {
        // As a pane of 38 columns shows it.
        let rows = [
            ("[ec2-user@ip-172-31-38-12 ~]$ touch i-", true),
            ("was-here", false),
            ("[ec2-user@ip-172-31-38-12 ~]$ ", false),
        ]
        .map(|(row, wrapped)| (row.to_owned(), wrapped));
        let transcript = Transcript::of_rows(rows);
        let typed: Vec<_> = transcript.typed().map(|typed| typed.command).collect();
        assert_eq!(typed, ["touch i-was-here"]);
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(rows in prop::collection::vec((".{0,40}", any::<bool>()), 0..12)) {
            let transcript = Transcript::of_rows(rows);
            for typed in transcript.typed() {
                prop_assert!(!typed.command.is_empty());
                prop_assert!(!typed.begins_with("no-such-command"));
            }
        }

        #[test]
        fn wrapping_never_changes_what_was_typed(
            commands in prop::collection::vec("[a-z]{1,8}( [a-z]{1,12}){0,5}", 1..6),
            columns in 30..80_usize,
        ) {
            let mut rows = Vec::new();
            for command in &commands {
                let line: Vec<char> = format!("{PROMPT}{command}").chars().collect();
                let pieces = line.chunks(columns).count();
                for (at, piece) in line.chunks(columns).enumerate() {
                    rows.push((piece.iter().collect::<String>(), at + 1 < pieces));
                }
                rows.push(("output".to_owned(), false));
            }
            rows.push((PROMPT.to_owned(), false));
            let transcript = Transcript::of_rows(rows);
            let typed: Vec<_> = transcript.typed().map(|typed| typed.command.to_owned()).collect();
            prop_assert_eq!(typed, commands);
        }

        #[test]
        fn the_output_of_a_command_is_never_that_of_another(
            outputs in prop::collection::vec(prop::collection::vec("[a-z]{0,20}", 1..4), 1..5),
        ) {
            let mut lines = Vec::new();
            for (at, output) in outputs.iter().enumerate() {
                lines.push(format!("{PROMPT}command{at}"));
                lines.extend(output.iter().cloned());
            }
            let transcript = Transcript::of_lines(lines);
            let read: Vec<Vec<String>> = transcript.typed().map(|typed| typed.output.to_vec()).collect();
            prop_assert_eq!(read, outputs);
        }
    }
}
