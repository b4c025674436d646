//! Whether a command line reads its standard input. The shell takes input as a whole before it starts, and a client at a
//! keyboard never ends its input: so only a command that reads waits for the end.

use bashkit::Bash;
use bashkit::analysis::AnalyzedCommand;

/// Commands that read standard input when they are given no file; with how many operands they no longer do.
const READERS: &[(&str, usize)] = &[
    ("awk", 2),
    ("base64", 1),
    ("cat", 1),
    ("cksum", 1),
    ("cut", 1),
    ("egrep", 2),
    ("fgrep", 2),
    ("gawk", 2),
    ("grep", 2),
    ("gunzip", 1),
    ("gzip", 1),
    ("head", 1),
    ("hexdump", 1),
    ("jq", 2),
    ("md5sum", 1),
    ("nl", 1),
    ("od", 1),
    ("rev", 1),
    ("sed", 2),
    ("sha1sum", 1),
    ("sha256sum", 1),
    ("sha512sum", 1),
    ("sort", 1),
    ("tac", 1),
    ("tail", 1),
    ("uniq", 1),
    ("wc", 1),
    ("xxd", 1),
    ("zcat", 1),
];

/// Commands that read standard input whatever they are given.
const ALWAYS: &[&str] = &["dd", "mapfile", "read", "readarray", "tee", "tr", "xargs"];

/// Commands that run the command in their arguments.
const WRAPPERS: &[&str] = &[
    "command", "env", "exec", "nice", "nohup", "setsid", "stdbuf", "sudo", "time", "timeout",
];

/// Whether the line may read its input. When in doubt it does not: who pipes something in ends it anyway.
pub fn is_read_by(shell: &Bash, line: &str) -> bool {
    let Ok(found) = shell.analyze(&without_fed(line)) else {
        return false;
    };
    found.commands.iter().any(|command| reads(shell, command))
}

fn reads(shell: &Bash, command: &AnalyzedCommand) -> bool {
    let Some(name) = command.name.as_deref() else {
        return false;
    };
    let args: Vec<&str> = command
        .args
        .iter()
        .map(|arg| arg.as_deref().unwrap_or("x"))
        .collect();
    call_reads(shell, name, &args)
}

fn call_reads(shell: &Bash, name: &str, args: &[&str]) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    let is_operand = |arg: &&&str| !arg.starts_with('-') || **arg == "-";
    let operands = args.iter().filter(is_operand).count();
    match name {
        "bash" | "sh" => match args
            .iter()
            .position(|arg| arg.ends_with('c') && arg.starts_with('-'))
        {
            Some(at) => args.get(at + 1).is_some_and(|line| is_read_by(shell, line)),
            None => operands == 0,
        },
        "tar" => {
            args.iter()
                .any(|arg| *arg == "-" || arg.trim_start_matches('-').starts_with('x'))
                && !args
                    .iter()
                    .any(|arg| arg.trim_start_matches('-').contains('f') && !args.contains(&"-"))
        }
        // Options of the wrapper may have values of their own: the command is the first word that is one.
        _ if WRAPPERS.contains(&name) => {
            args.iter().position(|arg| is_known(arg)).is_some_and(|at| {
                let (name, args) = (args.get(at), args.get(at + 1..));
                name.is_some_and(|name| call_reads(shell, name, args.unwrap_or_default()))
            })
        }
        _ if ALWAYS.contains(&name) => {
            name != "dd" || !args.iter().any(|arg| arg.starts_with("if="))
        }
        _ => {
            READERS
                .iter()
                .any(|(reader, enough)| *reader == name && operands < *enough)
                || (READERS.iter().any(|(reader, _)| *reader == name) && args.contains(&"-"))
        }
    }
}

fn is_known(name: &str) -> bool {
    matches!(name, "bash" | "sh" | "tar")
        || WRAPPERS.contains(&name)
        || ALWAYS.contains(&name)
        || READERS.iter().any(|(reader, _)| *reader == name)
}

/// The line without the commands that a pipe feeds.
fn without_fed(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut fed = false;
    let mut quote = None;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let mut keep = |letter: char| {
            if !fed {
                kept.push(letter);
            }
        };
        match (quote, letter) {
            (None | Some('"'), '\\') => {
                keep(letter);
                if let Some(next) = letters.next() {
                    keep(next);
                }
            }
            (None, '\'' | '"') => {
                quote = Some(letter);
                keep(letter);
            }
            (Some(open), letter) => {
                if open == letter {
                    quote = None;
                }
                keep(letter);
            }
            (None, '|') if letters.peek() != Some(&'|') => {
                fed = true;
                letters.next_if_eq(&'&');
            }
            (None, '|') => {
                letters.next();
                fed = false;
                kept.push_str("||");
            }
            (None, ';' | '&' | '\n' | ')' | '}') => {
                fed = false;
                kept.push(letter);
            }
            (None, letter) => keep(letter),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use bashkit::Bash;

    use super::is_read_by;

    #[test]
    fn only_what_reads_waits_for_input() {
        let shell = Bash::new();
        for line in [
            "cat",
            "cat > /tmp/x",
            "cd /tmp && cat -",
            "grep x",
            "bash",
            "bash -s",
            "sh -c 'cat > y'",
            "sudo tee /etc/x",
            "while read -r line; do echo $line; done",
            "sudo -u root cat",
            "tar xf -",
            "dd of=/tmp/x",
        ] {
            assert!(is_read_by(&shell, line), "{line}");
        }
        for line in [
            "ls",
            "cat /etc/passwd",
            "ls | cat",
            "ls | grep x | wc -l",
            "grep root /etc/passwd",
            "echo 'cat | x'; true",
            "bash -c 'ls /home'",
            "bash script.sh",
            "false || ls",
            "dd if=/dev/zero of=x",
            "sudo cat /etc/shadow",
            "tar cf x.tar y",
        ] {
            assert!(!is_read_by(&shell, line), "{line}");
        }
    }
}
