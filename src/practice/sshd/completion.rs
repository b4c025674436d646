//! What Tab does at the prompt of a practice instance: completes the names of commands and files as bash does without
//! its optional completions. Text and a view of the files in, keys and choices out.

use crate::practice::storage::View;

/// Where programs are, for whoever logs in.
const PROGRAMS: &[&str] = &["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin"];
/// Commands of the shell itself.
const BUILTINS: &[&str] = &[
    "alias", "bg", "break", "case", "cd", "command", "continue", "declare", "do", "done", "elif",
    "else", "esac", "eval", "exec", "exit", "export", "fg", "for", "function", "help", "history",
    "if", "jobs", "local", "logout", "printf", "pushd", "popd", "pwd", "read", "return", "set",
    "shift", "source", "then", "time", "times", "trap", "type", "ulimit", "umask", "unalias",
    "unset", "until", "wait", "while",
];
/// Commands whose first operand is a command.
const BEFORE_COMMANDS: &[&str] = &[
    "!", "command", "do", "else", "exec", "if", "nohup", "sudo", "then", "time", "type", "until",
    "which", "while", "{",
];
/// Ends of the prompts that a line can stand behind; the first one on it counts.
const PROMPT_ENDS: &[&str] = &["]$ ", "]# ", "> "];
/// What a name needs a backslash for, outside quotes.
const SPECIAL: &str = " \t\\'\"$`!&;|<>()*?[]{}#~";
/// Blanks between two columns of choices.
const GAP: usize = 2;

/// What Tab does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// Types this.
    Keys(String),
    /// Several names are possible, and nothing can be typed that all have in common.
    Choices(Vec<String>),
    /// Nothing fits.
    Nothing,
}

/// Completes what stands left of the cursor.
pub fn complete(view: &View, home: &str, directory: &str, line: &str) -> Completion {
    let word = Word::last_of(typed(line));
    let names = if word.is_command && !word.text.contains('/') {
        commands(view, &word.text)
    } else {
        files(view, home, directory, &word)
    };
    let base = word.text.rsplit('/').next().unwrap_or_default();
    match &names[..] {
        [] => Completion::Nothing,
        [name] => {
            let rest = word.quoted(&name[base.len()..]);
            let end = if name.ends_with('/') {
                String::new()
            } else {
                word.quote.map_or_else(String::new, String::from) + " "
            };
            Completion::Keys(rest + &end)
        }
        [first, others @ ..] => {
            let common = others.iter().fold(first.as_str(), |common, name| {
                let same = common.char_indices().zip(name.chars());
                let mut apart = same.skip_while(|((_, one), other)| one == other);
                let at = apart
                    .next()
                    .map_or(common.len().min(name.len()), |((at, _), _)| at);
                &common[..at]
            });
            if common.len() > base.len() {
                Completion::Keys(word.quoted(&common[base.len()..]))
            } else {
                Completion::Choices(names)
            }
        }
    }
}

/// The line that is typed, up to the cursor, with its prompt: it may have been wrapped.
pub fn line_to(rows: &[String], row: usize, column: usize, width: usize) -> String {
    let before = |text: &String, len: usize| -> String {
        // Blanks at the end of a row are not in it.
        let text: String = text.chars().take(len).collect();
        format!("{text:len$}")
    };
    let mut line = rows
        .get(row)
        .map(|text| before(text, column))
        .unwrap_or_default();
    for above in rows.iter().take(row).rev() {
        if is_prompt(&line) || above.chars().count() < width {
            break;
        }
        line.insert_str(0, above);
    }
    line
}

/// Whether a row begins with a prompt.
fn is_prompt(row: &str) -> bool {
    row.starts_with('[') && (row.contains("]$ ") || row.contains("]# ")) || row.starts_with("> ")
}

/// The line without its prompt.
fn typed(line: &str) -> &str {
    let ends = PROMPT_ENDS.iter();
    let end = ends.filter_map(|end| line.find(end).map(|at| at + end.len()));
    &line[end.min().unwrap_or(0)..]
}

/// The word that the cursor is behind.
#[derive(Debug, Default)]
struct Word {
    /// Without quotes and backslashes.
    text: String,
    /// The quote that is still open.
    quote: Option<char>,
    /// It begins with a quoted character: then a tilde is one.
    is_quoted: bool,
    /// A command is expected here.
    is_command: bool,
    /// The command that it is an operand of.
    command: String,
}

impl Word {
    fn last_of(typed: &str) -> Self {
        let mut word = Self {
            is_command: true,
            ..Self::default()
        };
        let mut chars = typed.chars();
        while let Some(one) = chars.next() {
            match (word.quote, one) {
                (Some(quote), _) if one == quote => word.quote = None,
                (None, '\'' | '"') => {
                    word.is_quoted |= word.text.is_empty();
                    word.quote = Some(one);
                }
                (None | Some('"'), '\\') => {
                    word.is_quoted |= word.text.is_empty();
                    word.text.extend(chars.next());
                }
                (Some(_), _) => word.text.push(one),
                (None, ' ' | '\t') => word = word.next(),
                (None, ';' | '|' | '&' | '(' | '`') => {
                    word = Self {
                        is_command: true,
                        ..Self::default()
                    };
                }
                (None, '<' | '>') => {
                    word = Self {
                        command: "<".to_owned(),
                        ..Self::default()
                    };
                }
                // A value, as in `if=/dev/zero`.
                (None, '=') => {
                    word.text.clear();
                    word.is_command = false;
                }
                (None, _) => word.text.push(one),
            }
        }
        word
    }

    /// The word after this one.
    fn next(self) -> Self {
        if self.text.is_empty() {
            return self;
        }
        let leads = self.is_command && BEFORE_COMMANDS.contains(&self.text.as_str());
        // `sudo -u bob command`: what follows options is taken for files, as bash does with them.
        Self {
            is_command: leads,
            command: if self.is_command {
                self.text
            } else {
                self.command
            },
            ..Self::default()
        }
    }

    /// A part of a name as it has to be typed here.
    fn quoted(&self, name: &str) -> String {
        let special = match self.quote {
            None => SPECIAL,
            Some('"') => "\"$`\\",
            Some(_) => "",
        };
        let mut text = String::new();
        for one in name.chars() {
            if special.contains(one) {
                text.push('\\');
            }
            text.push(one);
        }
        text
    }
}

/// Names of commands that begin so.
fn commands(view: &View, begin: &str) -> Vec<String> {
    let listed = PROGRAMS
        .iter()
        .filter_map(|directory| view.list(directory).ok());
    let programs = listed.flatten().map(|(name, _)| name);
    let builtins = BUILTINS.iter().map(|name| (*name).to_owned());
    let fits = |name: &String| !begin.is_empty() && name.starts_with(begin);
    sorted(programs.chain(builtins).filter(fits).collect())
}

/// Names in the directory that the word tells, that begin as the word ends; directories with a slash behind them.
fn files(view: &View, home: &str, directory: &str, word: &Word) -> Vec<String> {
    let (place, begin) = match word.text.rfind('/') {
        Some(at) => word.text.split_at(at + 1),
        None => ("", word.text.as_str()),
    };
    let place = match place.strip_prefix("~/") {
        Some(rest) if !word.is_quoted => format!("{home}/{rest}"),
        _ if place.starts_with('/') => place.to_owned(),
        _ => format!("{directory}/{place}"),
    };
    let directories_only = matches!(word.command.as_str(), "cd" | "rmdir" | "pushd");
    let listed = view.list(&place).unwrap_or_default();
    let names = listed.into_iter().filter_map(|(name, attr)| {
        let hidden = name.starts_with('.') && !begin.starts_with('.');
        if hidden || !name.starts_with(begin) {
            return None;
        }
        // A link is as what it leads to.
        let is_dir = attr.is_dir()
            || view
                .stat(&format!("{place}{name}"))
                .is_ok_and(|attr| attr.is_dir());
        match (is_dir, directories_only) {
            (true, _) => Some(name + "/"),
            (false, false) => Some(name),
            (false, true) => None,
        }
    });
    sorted(names.collect())
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

/// Choices in columns, filled downwards, for a screen so wide; each line ends with a carriage return and a line feed.
pub fn columns(names: &[String], width: usize) -> String {
    let widest = names.iter().map(|name| name.chars().count()).max();
    let column = widest.unwrap_or(0) + GAP;
    let across = (width / column).max(1);
    let rows = names.len().div_ceil(across);
    let mut text = String::new();
    for row in 0..rows {
        let line: String = names
            .iter()
            .skip(row)
            .step_by(rows)
            .map(|name| format!("{name:column$}"))
            .collect();
        text.push_str(line.trim_end());
        text.push_str("\r\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{Completion, columns, complete, line_to};
    use crate::practice::storage::{Identity, MountSpec, MountTable, Tree, View};

    const HOME: &str = "/home/ec2-user";

    fn view() -> View {
        let born = jiff::Timestamp::UNIX_EPOCH;
        let table = MountTable::new(MountSpec {
            source: "none".to_owned(),
            target: "/".to_owned(),
            fstype: "tmpfs".to_owned(),
            options: "rw".to_owned(),
            tree: Arc::new(Tree::volatile("disk", 0o755, born)),
            capacity: 1 << 30,
            own: 0,
        });
        let view = View::new(Arc::new(table), Identity::ROOT, Arc::new(move || born));
        for path in ["/usr/bin", "/usr/sbin", HOME, "/home/ec2-user/docs"] {
            view.make_dirs(path).unwrap();
        }
        for program in ["/usr/bin/touch", "/usr/bin/tail", "/usr/sbin/fsfreeze"] {
            view.write(program, b"").unwrap();
        }
        let files = [
            ".bashrc",
            "docs/a",
            "déjà-vu",
            "i was",
            "i-was-here",
            "part-1",
            "part-2",
        ];
        for file in files {
            view.write(&format!("{HOME}/{file}"), b"").unwrap();
        }
        view
    }

    fn keys(line: &str) -> String {
        match complete(&view(), HOME, HOME, line) {
            Completion::Keys(keys) => keys,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn choices(line: &str) -> Vec<String> {
        match complete(&view(), HOME, HOME, line) {
            Completion::Choices(choices) => choices,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_only_name_that_fits_is_typed_to_its_end() {
        for (line, typed) in [
            ("[ec2-user@ip-10-0-1-78 ~]$ tou", "ch "),
            ("[root@ip-10-0-1-78 ~]# sudo fsf", "reeze "),
            ("cat do", "cs/"),
            ("cat ~/docs/", "a "),
            ("cat /home/ec2-user/i-", "was-here "),
            ("cat i\\ ", "was "),
            ("cat 'i ", "was' "),
            ("dd if=docs", "/"),
            ("ls|tou", "ch "),
            ("echo x >do", "cs/"),
            ("ls .b", "ashrc "),
            ("cat dé", "jà-vu "),
            ("cd ", "docs/"),
        ] {
            assert_eq!(keys(line), typed, "{line}");
        }
    }

    #[test]
    fn what_several_names_have_in_common_is_typed_and_the_names_are_shown_after_that() {
        assert_eq!(keys("cat p"), "art-");
        assert_eq!(choices("cat part-"), ["part-1", "part-2"]);
    }

    #[test]
    fn several_names_are_choices() {
        assert_eq!(choices("cat i"), ["i was", "i-was-here"]);
        assert_eq!(
            choices("ls "),
            [
                "docs/",
                "déjà-vu",
                "i was",
                "i-was-here",
                "part-1",
                "part-2"
            ]
        );
        for nothing in ["cat nothing", "nothing", "", "cd i-w", "cat '~/do"] {
            let done = complete(&view(), HOME, HOME, nothing);
            assert_eq!(done, Completion::Nothing, "{nothing}");
        }
    }

    #[test]
    fn a_line_that_is_wrapped_is_read_from_its_prompt_to_the_cursor() {
        let rows = [
            "echo [x]$ ".to_owned(),
            "[ec2-user@ip ~]$ ls".to_owned(),
            "/home".to_owned(),
        ];
        assert_eq!(line_to(&rows, 1, 19, 19), "[ec2-user@ip ~]$ ls");
        assert_eq!(line_to(&rows, 1, 18, 40), "[ec2-user@ip ~]$ l");
        assert_eq!(line_to(&rows, 2, 6, 19), "[ec2-user@ip ~]$ ls/home ");
        assert_eq!(line_to(&rows, 2, 5, 40), "/home");
    }

    #[test]
    fn choices_fill_columns_downwards() {
        let names: Vec<String> = ["a", "bb", "c", "d", "e"].map(str::to_owned).to_vec();
        assert_eq!(columns(&names, 12), "a   c   e\r\nbb  d\r\n");
        assert_eq!(columns(&names, 1), "a\r\nbb\r\nc\r\nd\r\ne\r\n");
        assert_eq!(columns(&[], 80), "");
    }

    proptest! {
        #[test]
        fn whatever_is_typed_completes_without_harm(line in "[ -~é\\t]{0,40}") {
            let _ = complete(&view(), HOME, HOME, &line);
        }
    }
}
