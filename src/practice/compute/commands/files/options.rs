//! Options as GNU `getopt_long` reads them: clusters, long names and their beginnings, operands in between.

use super::program::{Call, Report};

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    /// `--color` or `--color=auto`.
    Perhaps,
}

/// One option of a program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opt {
    /// Letters that mean it.
    letters: &'static str,
    /// Its long name; what the program asks for.
    name: &'static str,
    takes: Takes,
    /// Whether `--name` can be typed.
    long: bool,
}

/// `-r`, `--recursive`.
pub(super) const fn flag(letters: &'static str, name: &'static str) -> Opt {
    Opt {
        letters,
        name,
        takes: Takes::Nothing,
        long: true,
    }
}

/// An option that has no long name; `name` is what the program calls it.
pub(super) const fn letter(letters: &'static str, name: &'static str) -> Opt {
    Opt {
        letters,
        name,
        takes: Takes::Nothing,
        long: false,
    }
}

/// `-m MODE`, `--mode=MODE`.
pub(super) const fn value(letters: &'static str, name: &'static str) -> Opt {
    Opt {
        letters,
        name,
        takes: Takes::Value,
        long: true,
    }
}

/// `-t STAMP`: a value, but no long name.
pub(super) const fn letter_value(letters: &'static str, name: &'static str) -> Opt {
    Opt {
        letters,
        name,
        takes: Takes::Value,
        long: false,
    }
}

/// `--color`, `--color=WHEN`.
pub(super) const fn perhaps(letters: &'static str, name: &'static str) -> Opt {
    Opt {
        letters,
        name,
        takes: Takes::Perhaps,
        long: true,
    }
}

/// Which options a program knows.
pub(super) struct Syntax {
    /// Operands as the first line of `--help` shows them.
    pub operands: &'static str,
    /// One sentence about the program.
    pub about: &'static str,
    /// The options.
    pub options: &'static [Opt],
    /// Exit status after a wrong use.
    pub misuse: i32,
    /// Whether options end at the first operand (`sudo`).
    pub strict: bool,
}

/// What was given.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Options in their order, with their values (empty without one).
    pub options: Vec<(&'static str, String)>,
    /// The rest.
    pub operands: Vec<String>,
}

impl Given {
    /// Whether the option was given.
    pub fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(given, _)| *given == name)
    }

    /// The value given last.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.options
            .iter()
            .rev()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value.as_str())
    }

    /// Which of these was given last.
    pub fn last<'a>(&self, names: &[&'a str]) -> Option<&'a str> {
        self.options
            .iter()
            .rev()
            .find_map(|(given, _)| names.iter().find(|name| *name == given).copied())
    }
}

impl Syntax {
    /// Reads the arguments; `None` when the program is to end (wrong use, `--help`, `--version`), which the report tells.
    pub fn read(&self, call: &Call, report: &mut Report) -> Option<Given> {
        let mut given = Given::default();
        let mut args = call.args.iter();
        while let Some(arg) = args.next() {
            if arg == "--" {
                given.operands.extend(args.cloned());
                break;
            }
            let known = if let Some(long) = arg.strip_prefix("--") {
                self.long(call, report, long, &mut args, &mut given)
            } else if arg.len() > 1 && arg.starts_with('-') {
                self.cluster(call, report, &arg[1..], &mut args, &mut given)
            } else {
                given.operands.push(arg.clone());
                if self.strict {
                    given.operands.extend(args.cloned());
                    break;
                }
                true
            };
            if !known {
                return None;
            }
        }
        Some(given)
    }

    fn long<'a>(
        &self,
        call: &Call,
        report: &mut Report,
        text: &str,
        args: &mut impl Iterator<Item = &'a String>,
        given: &mut Given,
    ) -> bool {
        let (name, inline) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let long = || self.options.iter().filter(|option| option.long);
        let option = if let Some(option) = long().find(|option| option.name == name) {
            option
        } else {
            let mut candidates: Vec<&str> = long()
                .map(|option| option.name)
                .chain(["help", "version"])
                .filter(|candidate| candidate.starts_with(name))
                .collect();
            candidates.dedup();
            match candidates.as_slice() {
                ["help"] => return self.help(call, report),
                ["version"] => {
                    report.line(&format!("{} (practice account)", call.program));
                    return false;
                }
                [one] => {
                    let Some(option) = long().find(|option| option.name == *one) else {
                        return false;
                    };
                    option
                }
                [] => {
                    report.misuse(
                        call,
                        &format!("unrecognized option '--{text}'"),
                        self.misuse,
                    );
                    return false;
                }
                many => {
                    let list: Vec<String> = many.iter().map(|name| format!("'--{name}'")).collect();
                    report.misuse(
                        call,
                        &format!(
                            "option '--{text}' is ambiguous; possibilities: {}",
                            list.join(" ")
                        ),
                        self.misuse,
                    );
                    return false;
                }
            }
        };
        let value = match (option.takes, inline) {
            (Takes::Nothing, Some(_)) => {
                report.misuse(
                    call,
                    &format!("option '--{}' doesn't allow an argument", option.name),
                    self.misuse,
                );
                return false;
            }
            (Takes::Value, None) => {
                let Some(value) = args.next() else {
                    report.misuse(
                        call,
                        &format!("option '--{}' requires an argument", option.name),
                        self.misuse,
                    );
                    return false;
                };
                value.clone()
            }
            (_, inline) => inline.unwrap_or_default(),
        };
        given.options.push((option.name, value));
        true
    }

    fn cluster<'a>(
        &self,
        call: &Call,
        report: &mut Report,
        letters: &str,
        args: &mut impl Iterator<Item = &'a String>,
        given: &mut Given,
    ) -> bool {
        for (at, c) in letters.char_indices() {
            let Some(option) = self.options.iter().find(|o| o.letters.contains(c)) else {
                report.misuse(call, &format!("invalid option -- '{c}'"), self.misuse);
                return false;
            };
            if option.takes != Takes::Value {
                given.options.push((option.name, String::new()));
                continue;
            }
            let rest = &letters[at + c.len_utf8()..];
            let value = if rest.is_empty() {
                let Some(value) = args.next() else {
                    report.misuse(
                        call,
                        &format!("option requires an argument -- '{c}'"),
                        self.misuse,
                    );
                    return false;
                };
                value.clone()
            } else {
                rest.to_owned()
            };
            given.options.push((option.name, value));
            return true;
        }
        true
    }

    fn help(&self, call: &Call, report: &mut Report) -> bool {
        report.line(&format!(
            "Usage: {} [OPTION]... {}\n{}\n",
            call.program, self.operands, self.about
        ));
        for option in self.options {
            let mut names: Vec<String> = option.letters.chars().map(|c| format!("-{c}")).collect();
            if option.long {
                names.push(match option.takes {
                    Takes::Nothing => format!("--{}", option.name),
                    Takes::Value => format!("--{}=VALUE", option.name),
                    Takes::Perhaps => format!("--{}[=VALUE]", option.name),
                });
            }
            report.line(&format!("  {}", names.join(", ")));
        }
        false
    }
}
