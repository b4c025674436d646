//! Reading a terminal: which commands were typed at the prompt and what they showed. Text only: no terminal, no escapes.

use super::command_line;

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

/// Lines that are kept of screens that are gone.
const KEPT: usize = 5000;

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

    /// Whether this is what `earlier` has become by more lines, and not another screen: `clear` and a new session begin anew.
    #[must_use]
    pub fn continues(&self, earlier: &Self) -> bool {
        let shown = earlier
            .lines
            .iter()
            .rposition(|line| !line.trim().is_empty());
        let Some(last) = shown else { return true };
        self.lines.len() > last && self.lines[..last] == earlier.lines[..last]
    }

    /// Without a last line that is still being typed.
    #[must_use]
    pub fn entered(&self) -> Self {
        let shown = self.lines.iter().rposition(|line| !line.trim().is_empty());
        let typing = shown.filter(|last| prompt(&self.lines[*last]).is_some());
        Self {
            lines: self.lines[..typing.unwrap_or(self.lines.len())].to_vec(),
        }
    }

    /// Adds what was seen later. Only so many lines are kept, the latest.
    pub fn extend(&mut self, later: &Self) {
        self.lines.extend_from_slice(&later.lines);
        let excess = self.lines.len().saturating_sub(KEPT);
        self.lines.drain(..excess);
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
    /// Whether one of its commands is what the pattern of a lesson describes, such as `touch i-was-here` or `> i-was-here`.
    #[must_use]
    pub fn is(&self, pattern: &str) -> bool {
        command_line::describes(pattern, self.command)
    }

    /// The first line of output that has all of these parts; complaints that only repeat what was typed do not count.
    #[must_use]
    pub fn shows<S: AsRef<str>>(&self, parts: &[S]) -> Option<&str> {
        self.output
            .iter()
            .filter(|line| !line.ends_with(": No such file or directory"))
            .find(|line| parts.iter().all(|part| line.contains(part.as_ref())))
            .map(String::as_str)
    }

    /// Whether the shell knew no such command.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.output
            .iter()
            .any(|line| line.ends_with(": command not found"))
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
    fn more_lines_continue_a_screen_and_a_cleared_one_begins_anew() {
        let of = |lines: &[&str]| Transcript::of_lines(lines.iter().copied());
        let before = of(&["$ pwd", "/home", "$ ", ""]);
        assert!(before.continues(&of(&[])));
        assert!(before.continues(&before));
        assert!(of(&["$ pwd", "/home", "$ ls", "a"]).continues(&before));
        assert!(!of(&["$ "]).continues(&before));
        assert!(
            of(&["[a@b ~]$ l"]).continues(&of(&["[a@b ~]$ ls"])),
            "who deletes a letter is on the same screen"
        );
        let typing = of(&["[a@b ~]$ pwd", "/home", "[a@b ~]$ ls"]);
        assert_eq!(typing.entered(), of(&["[a@b ~]$ pwd", "/home"]));
        assert!(!of(&["$ ls", "a", "$ "]).continues(&before));
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
    fn a_complaint_that_repeats_what_was_typed_shows_nothing() {
        let said = |line: &str| Transcript::of_lines([format!("{PROMPT}ls x"), line.to_owned()]);
        for (line, shows, unknown) in [
            ("x", true, false),
            (
                "ls: cannot access 'x': No such file or directory",
                false,
                false,
            ),
            ("bash: x: command not found", true, true),
            (
                "ls: cannot open directory 'x': Permission denied",
                true,
                false,
            ),
        ] {
            let transcript = said(line);
            let typed = transcript.typed().next().unwrap();
            assert_eq!(typed.shows(&["x"]).is_some(), shows, "{line}");
            assert_eq!(typed.is_unknown(), unknown, "{line}");
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
                prop_assert!(!typed.is("no-such-command"));
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
