//! Whether a command line reads its standard input. The shell takes input as a whole before it starts, and a client at a
//! keyboard never ends its input: so only a command that reads waits for the end.

use bashkit::analysis::{AnalyzedCommand, analyze};

/// Commands that read standard input when they are given no file; with how many operands they no longer do.
const READERS: &[(&str, usize)] = &[
    ("awk", 2),
    ("base64", 1),
    ("cat", 1),
    ("cksum", 1),
    ("cmp", 2),
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
    ("sha224sum", 1),
    ("sha256sum", 1),
    ("sha384sum", 1),
    ("sha512sum", 1),
    ("sort", 1),
    ("split", 1),
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
#[must_use]
pub fn is_read_by(line: &str) -> bool {
    let Ok(found) = analyze(&without_fed(line)) else {
        return false;
    };
    found.commands.iter().any(command_reads)
}

fn command_reads(command: &AnalyzedCommand) -> bool {
    let Some(name) = command.name.as_deref() else {
        return false;
    };
    let args: Vec<&str> = command
        .args
        .iter()
        .map(|arg| arg.as_deref().unwrap_or("x"))
        .collect();
    reads(name, &args)
}

/// Whether a command with these arguments reads standard input.
#[must_use]
pub fn reads(name: &str, args: &[&str]) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    let is_operand = |arg: &&&str| !arg.starts_with('-') || **arg == "-";
    let operands = args.iter().filter(is_operand).count();
    match name {
        "bash" | "sh" => match args
            .iter()
            .position(|arg| arg.ends_with('c') && arg.starts_with('-'))
        {
            Some(at) => args.get(at + 1).is_some_and(|line| is_read_by(line)),
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
                name.is_some_and(|name| reads(name, args.unwrap_or_default()))
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

/// Commands of ours that take what a pipe holds when they start, and never read it.
const DEAF: &[&str] = &["file", "find", "journalctl", "ping", "seq", "top", "yes"];

/// Whether it is certain that a command with these arguments reads nothing, though the shell would give it all that a
/// pipe holds. Of those that the shell treats well by itself nothing is said.
#[must_use]
pub fn ignores(name: &str, args: &[&str]) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    let has = |wanted: &[&str]| args.iter().any(|arg| wanted.contains(arg));
    match name {
        "sudo" | "timeout" | "flock" => wrapped(args).is_some_and(|(inner, args)| {
            !inner.contains('/') && !SHELLS.contains(&inner) && !reads(inner, args)
        }),
        "curl" => !args.iter().any(|arg| *arg == "-" || arg.contains("@-")),
        "dd" => args.iter().any(|arg| arg.starts_with("if=")),
        "dnf" | "yum" => has(&["-y", "--assumeyes", "list", "info", "repolist", "search"]),
        "logger" => args.iter().any(|arg| !arg.starts_with('-')),
        _ => match TAKERS.iter().find(|(taker, _)| *taker == name) {
            Some((_, valued)) => !reads(name, &without_values(args, valued)),
            None => DEAF.contains(&name),
        },
    }
}

/// Commands that take what a pipe holds when they start, and read it only when they are given no file; with their options
/// whose value may be the next word.
const TAKERS: &[(&str, &str)] = &[
    ("cat", ""),
    ("cmp", "in"),
    ("egrep", "ABCDdefm"),
    ("fgrep", "ABCDdefm"),
    ("grep", "ABCDdefm"),
    ("head", "cn"),
    ("md5sum", ""),
    ("sha1sum", ""),
    ("sha224sum", ""),
    ("sha256sum", ""),
    ("sha384sum", ""),
    ("sha512sum", ""),
    ("split", "Cablnt"),
    ("tail", "cns"),
    ("wc", ""),
];

/// The arguments without the words that are the values of options.
fn without_values<'a>(args: &[&'a str], valued: &str) -> Vec<&'a str> {
    let mut words = args.iter();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        kept.push(*word);
        let takes_next = word.starts_with('-')
            && !word.starts_with("--")
            && word.ends_with(|last| valued.contains(last));
        if takes_next {
            words.next();
        }
    }
    kept
}

/// Commands that run what they read, or what nobody sees from here.
const SHELLS: &[&str] = &["bash", "sh", "su", "xargs", "env", "eval"];

/// The command that a wrapper runs: the first word after its options and what belongs to them.
fn wrapped<'a>(args: &'a [&'a str]) -> Option<(&'a str, &'a [&'a str])> {
    // What has a value of its own, for sudo, timeout and flock.
    const VALUES: &[&str] = &["-u", "-g", "-p", "-k", "-s", "-w", "-E"];
    let mut rest = args;
    let mut skipped = false;
    while let [first, tail @ ..] = rest {
        let is_duration = first.starts_with(|letter: char| letter.is_ascii_digit());
        if first.starts_with('-') {
            rest = match tail {
                // sudo's -E and -s have none; then the word after them begins with no digit.
                [value, tail @ ..]
                    if VALUES.contains(first)
                        && (matches!(*first, "-u" | "-g" | "-p")
                            || value.starts_with(|letter: char| letter.is_ascii_digit())) =>
                {
                    tail
                }
                _ => tail,
            };
        } else if !skipped && (is_duration || first.starts_with('/')) {
            skipped = true;
            rest = tail;
        } else if first.contains('=') {
            rest = tail;
        } else {
            return Some((first, tail));
        }
    }
    None
}

/// Whether this is a name of a command that is known here.
#[must_use]
pub fn is_command(name: &str) -> bool {
    is_known(name) || DEAF.contains(&name)
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
    use super::{ignores, is_read_by};

    #[test]
    fn only_what_reads_waits_for_input() {
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
            assert!(is_read_by(line), "{line}");
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
            assert!(!is_read_by(line), "{line}");
        }
    }

    #[test]
    fn only_what_certainly_reads_nothing_is_said_to_ignore_its_input() {
        let ignoring = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            ignores(words[0], &words[1..])
        };
        for line in [
            "sudo mount -a",
            "sudo -u bob touch x",
            "timeout 5 nc -z host 2049",
            "flock /run/lock date",
            "cat /etc/hosts",
            "grep root /etc/passwd",
            "curl -s http://169.254.169.254/",
            "dd if=/dev/zero of=x",
            "find /mnt -name x",
            "head -n 1 f",
            "wc -l f",
            "md5sum f",
            "dnf -y install x",
        ] {
            assert!(ignoring(line), "{line}");
        }
        for line in [
            "sudo tee x",
            "sudo -u bob cat",
            "sudo bash",
            "sudo ./script",
            "timeout 5 cat",
            "cat",
            "cat - x",
            "grep root",
            "grep -A 1 root",
            "head -n 1",
            "tail -n +2",
            "wc -l",
            "curl -d @- x",
            "dd of=x",
            "dnf install x",
            "date",
        ] {
            assert!(!ignoring(line), "{line}");
        }
    }
}
