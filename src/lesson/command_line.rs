//! Reading a typed line as a shell does, as far as judging a step needs it. Text only: nothing is run or expanded here.

/// What Amazon Linux lets one type in place of a command (`/etc/profile.d/colorls.sh`).
const SHORTHANDS: [(&str, &str); 2] = [("ll", "ls"), ("l.", "ls")];

/// One command of a line, without what joins it to the next.
#[derive(Debug, Default, PartialEq, Eq)]
struct Simple {
    /// Program and arguments, and the files that it reads its input from; without quotes.
    words: Vec<String>,
    /// The files that its output goes to.
    written: Vec<String>,
}

/// Whether one of the commands in `line` is what `pattern` describes.
///
/// The first word of a pattern is the program, the others must be among its arguments: `ls -d` is `ls -l -d /home` too.
/// `> FILE` is any command whose output goes to that file. A path is the same however it is written: `FILE`, `./FILE`,
/// `~/FILE`. The argument `~` says that the command is about the home: it names that or nothing.
pub(super) fn describes(pattern: &str, line: &str) -> bool {
    commands(line).iter().any(|command| command.is(pattern))
}

impl Simple {
    fn is(&self, pattern: &str) -> bool {
        let mut wanted = pattern.split_whitespace();
        match wanted.next() {
            None => false,
            Some(">") => wanted.all(|file| self.written.iter().any(|it| place(it) == place(file))),
            Some(program) => {
                let mut words = self.words.iter().skip_while(|word| is_assignment(word));
                words.next().is_some_and(|it| unabridged(it) == program) && {
                    let arguments: Vec<&String> = words.collect();
                    wanted.all(|word| has(&arguments, word))
                }
            }
        }
    }
}

fn has(arguments: &[&String], wanted: &str) -> bool {
    if wanted == "~" {
        return arguments
            .iter()
            .filter(|argument| !argument.starts_with('-'))
            .all(|argument| place(argument) == "~");
    }
    arguments
        .iter()
        .any(|argument| place(argument) == place(wanted))
}

fn unabridged(program: &str) -> &str {
    SHORTHANDS
        .iter()
        .find_map(|(short, long)| (*short == program).then_some(*long))
        .unwrap_or(program)
}

/// `NAME=value`, as it may stand before a program.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// A path as seen from the home of ec2-user, where the terminals begin; the home itself is `~`.
fn place(path: &str) -> String {
    let path = match path.trim_end_matches('/') {
        "" => path,
        trimmed => trimmed,
    };
    for home in ["/home/ec2-user", "$HOME", "${HOME}", "~", "."] {
        match path.strip_prefix(home) {
            Some("") => return "~".to_owned(),
            Some(rest) if rest.starts_with('/') => return rest.trim_start_matches('/').to_owned(),
            _ => {}
        }
    }
    match (path.strip_prefix('~'), path.strip_prefix("../")) {
        (Some(below), _) | (_, Some(below)) => format!("/home/{below}"),
        _ => path.to_owned(),
    }
}

/// The commands of a line.
fn commands(line: &str) -> Vec<Simple> {
    let mut reader = Reader::default();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => reader.extend(chars.next()),
            '\'' => {
                reader.extend(None);
                reader.extend(chars.by_ref().take_while(|c| *c != '\''));
            }
            '"' => {
                reader.extend(None);
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    let escaped = if c == '\\' { chars.next() } else { None };
                    reader.extend(escaped.or(Some(c)));
                }
            }
            // What is put in for it nobody knows; blanks, bars and semicolons in it are not this line's.
            '$' if chars.peek() == Some(&'(') => {
                let mut depth = 0_usize;
                reader.extend(Some(c));
                for c in chars.by_ref() {
                    reader.extend(Some(c));
                    depth = match c {
                        '(' => depth + 1,
                        ')' => depth.saturating_sub(1),
                        _ => depth,
                    };
                    if depth == 0 {
                        break;
                    }
                }
            }
            '`' => {
                reader.extend(Some(c));
                reader.extend(chars.by_ref().take_while(|c| *c != '`'));
            }
            '#' if reader.word.is_none() => break,
            ';' | '|' | '(' | ')' => reader.end_command(),
            '&' if chars.peek() == Some(&'>') => reader.end_word(),
            '&' => reader.end_command(),
            '>' => {
                let mut target = reader.redirected();
                while let Some(c) = chars.next_if(|c| matches!(c, '>' | '|' | '&')) {
                    if c == '&' {
                        target = Target::Nowhere;
                    }
                }
                reader.next = target;
            }
            '<' => reader.end_word(),
            c if c.is_whitespace() => reader.end_word(),
            c => reader.extend(Some(c)),
        }
    }
    reader.end_command();
    reader.done
}

/// What the next word is.
#[derive(Debug, Default)]
enum Target {
    #[default]
    Argument,
    /// A file that output goes to.
    Output,
    /// A file or descriptor that says nothing of the output: `2>/dev/null`, `>&2`.
    Nowhere,
}

#[derive(Debug, Default)]
struct Reader {
    done: Vec<Simple>,
    now: Simple,
    /// The word that has begun.
    word: Option<String>,
    next: Target,
}

impl Reader {
    /// Adds to the word, which begins if it has not.
    fn extend(&mut self, text: impl IntoIterator<Item = char>) {
        self.word.get_or_insert_default().extend(text);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            match std::mem::take(&mut self.next) {
                Target::Argument => self.now.words.push(word),
                Target::Output => self.now.written.push(word),
                Target::Nowhere => {}
            }
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.next = Target::Argument;
        self.done.push(std::mem::take(&mut self.now));
    }

    /// At a `>`: where it leads, by the number that may stand before it.
    fn redirected(&mut self) -> Target {
        let number = |word: &String| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
        match self.word.take_if(|word| number(word)).as_deref() {
            None => {
                self.end_word();
                Target::Output
            }
            Some("1") => Target::Output,
            Some(_) => Target::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_names_the_program_and_some_of_its_arguments() {
        for (line, pattern, is) in [
            ("ls", "ls", true),
            ("ls -l", "ls", true),
            ("  ls   -l", "ls -l", true),
            ("ls /home -d -l", "ls -l -d", true),
            ("lsblk", "ls", false),
            ("ls -la", "ls -l", false),
            ("ls>x", "ls", true),
            ("\\ls", "ls", true),
            ("LANG=C ls", "ls", true),
            ("ll", "ls", true),
            ("l.", "ls", true),
            ("ll /home/ann", "ls /home/ann", true),
            ("cd /; ls", "ls", true),
            ("cd / && ls", "ls", true),
            ("false || ls", "ls", true),
            ("(cd /; ls)", "ls", true),
            ("mount | grep nfs4", "mount", true),
            ("mount | grep nfs4", "grep nfs4", true),
            ("echo 'a; ls'", "ls", false),
            ("echo \"a; ls\"", "ls", false),
            ("echo $(cd /; ls)", "ls", false),
            ("echo `cd /; ls`", "ls", false),
            ("echo ls", "ls", false),
            ("# ls", "ls", false),
            ("echo a#; ls", "ls", true),
            ("", "ls", false),
            ("ls", "", false),
        ] {
            assert_eq!(describes(pattern, line), is, "{line:?} {pattern:?}");
        }
    }

    #[test]
    fn a_file_is_the_same_however_it_is_written() {
        for file in [
            "i-was-here",
            "./i-was-here",
            "~/i-was-here",
            "/home/ec2-user/i-was-here",
            "$HOME/i-was-here",
            "\"$HOME\"/i-was-here",
            "\"${HOME}/i-was-here\"",
            "'i-was-here'",
            "i-was\\-here",
        ] {
            assert!(
                describes("touch i-was-here", &format!("touch {file}")),
                "{file}"
            );
        }
        for file in [
            "i-was-ther",
            "/i-was-here",
            "x/i-was-here",
            "~ann/i-was-here",
        ] {
            assert!(
                !describes("touch i-was-here", &format!("touch {file}")),
                "{file}"
            );
        }
        for home in ["/home/ann", "/home/ann/", "~ann", "~ann/", "../ann"] {
            assert!(
                describes("ls /home/ann", &format!("ls -a {home}")),
                "{home}"
            );
        }
        assert!(!describes("ls /home/ann", "ls /home"));
    }

    #[test]
    fn a_redirection_is_known_by_the_file_that_the_output_goes_to() {
        for (line, is) in [
            (">i-was-here", true),
            ("> i-was-here", true),
            (":>i-was-here", true),
            ("echo x > i-was-here", true),
            ("echo x>>~/i-was-here", true),
            ("echo x >| i-was-here", true),
            ("echo x 1>i-was-here", true),
            ("echo x &> i-was-here", true),
            ("echo greetings from $(hostname) > i-was-here", true),
            ("cd && echo 'a > b' > i-was-here && ls", true),
            ("echo x 2> i-was-here", false),
            ("echo x >&2 i-was-here", false),
            ("echo x > other i-was-here", false),
            ("echo '> i-was-here'", false),
            ("echo x \\> i-was-here", false),
            ("cat < i-was-here", false),
            ("cat i-was-here > copy", false),
        ] {
            assert_eq!(describes("> i-was-here", line), is, "{line:?}");
        }
        assert!(describes("cat i-was-here", "cat < i-was-here"));
        assert!(describes("ls", "ls 2>/dev/null"));
        assert!(describes("ls ~", "ls 2>/dev/null"));
    }

    #[test]
    fn the_home_is_meant_by_its_names_and_by_none() {
        for (line, is) in [
            ("ls", true),
            ("ls -la", true),
            ("ll", true),
            ("ls ~", true),
            ("ls -a .", true),
            ("ls ./", true),
            ("ls $HOME", true),
            ("ls /home/ec2-user/", true),
            ("ls /", false),
            ("ls /etc", false),
            ("ls ~ /etc", false),
            ("ls ~ann", false),
            ("ls ..", false),
        ] {
            assert_eq!(describes("ls ~", line), is, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn any_line_can_be_read(line in ".{0,60}", odd in "[ \"'`$()\\\\><|&;#a2~/.]{0,40}") {
            for line in [line, odd] {
                prop_assert!(!describes("no-such-command", &line));
            }
        }

        #[test]
        fn plain_words_are_read_as_they_are(words in prop::collection::vec("[a-z0-9-]{1,8}", 1..6)) {
            let read = commands(&words.join("  "));
            prop_assert_eq!(read, [Simple { words, written: vec![] }]);
        }
    }
}
