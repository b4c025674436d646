//! Files that a shell holds open by number, as far as `flock` asks for them: `exec 9>lock; flock -n 9` and
//! `( flock 9; … ) 9>lock`. The shell library keeps its descriptors to itself, so scripts tell when they open and close
//! one. What a lock is does not enter here.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bashkit::parser::{Command, CompoundCommand, Parser, Redirect, RedirectKind, Word, WordPart};
use bashkit::{BashBuilder, Builtin, BuiltinContext, ExecResult, async_trait};

use super::host::Seat;
use super::syntax::{each, start};
use crate::practice::storage::Lock;

/// Notes what is opened and closed; its name cannot be typed as one word without quotes.
const NOTE: &str = "descriptor of a file";
/// Below are standard input, output and error.
const FIRST: i32 = 3;

/// Has a shell note its descriptors.
pub fn register(builder: BashBuilder, seat: &Seat) -> BashBuilder {
    builder.builtin(NOTE, Box::new(Note { seat: seat.clone() }))
}

/// The descriptors of a process.
#[derive(Debug, Default)]
pub struct Descriptors(Mutex<BTreeMap<i32, Open>>);

#[derive(Debug)]
struct Open {
    path: String,
    lock: Option<Lock>,
}

impl Descriptors {
    /// The file behind a descriptor.
    #[must_use]
    pub fn path(&self, number: i32) -> Option<String> {
        self.open().get(&number).map(|open| open.path.clone())
    }

    /// It holds this lock from now on, or none.
    pub fn hold(&self, number: i32, lock: Option<Lock>) {
        if let Some(open) = self.open().get_mut(&number) {
            open.lock = lock;
        }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<i32, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `NUMBER FILE`: opened; `NUMBER`: closed; `NUMBER STATUS` of a negative number: closed with the group whose status it is.
struct Note {
    seat: Seat,
}

#[async_trait]
impl Builtin for Note {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let descriptors = &self.seat.process.descriptors;
        let number = |text: &String| text.parse::<i32>().unwrap_or_default();
        let mut status = 0;
        match ctx.args {
            [closed] => drop(descriptors.open().remove(&number(closed))),
            [group, ended] if number(group) < 0 => {
                descriptors.open().remove(&-number(group));
                status = number(ended);
            }
            [opened, file] => {
                let path = match file.strip_prefix('/') {
                    Some(_) => file.clone(),
                    None => format!("{}/{file}", ctx.cwd.display()),
                };
                let open = Open { path, lock: None };
                descriptors.open().insert(number(opened), open);
            }
            _ => {}
        }
        Ok(ExecResult {
            exit_code: status,
            ..ExecResult::default()
        })
    }
}

/// The script, in which every descriptor is noted that may be locked.
pub fn with_descriptors(script: String) -> String {
    let locks = script.contains("flock");
    if !locks && !script.contains("exec ") {
        return script;
    }
    let Ok(parsed) = Parser::new(&script).parse() else {
        return script;
    };
    let mut notes = Vec::new();
    each(&parsed.commands, &mut |command| match command {
        Command::Simple(simple) if simple.args.is_empty() && simple.name.to_string() == "exec" => {
            let at = simple.span.start.offset;
            notes.extend(simple.redirects.iter().filter_map(|redirect| {
                let (number, what) = noted(redirect)?;
                let file = what.map_or_else(String::new, |file| format!(" {file}"));
                Some((at, format!("'{NOTE}' {number}{file} && ")))
            }));
        }
        Command::Compound(compound, redirects) if locks => {
            let (CompoundCommand::Subshell(body) | CompoundCommand::BraceGroup(body)) = compound
            else {
                return;
            };
            for redirect in redirects {
                if let Some((number, Some(file))) = noted(redirect)
                    && let Some((first, last)) = inside(&script, body, number)
                {
                    notes.push((first, format!("'{NOTE}' {number} {file}; ")));
                    notes.push((last, format!("\n'{NOTE}' -{number} $?\n")));
                }
            }
        }
        _ => {}
    });
    if notes.is_empty() {
        return script;
    }
    notes.sort_by_key(|(at, _)| *at);
    let mut text = script.clone();
    for (at, note) in notes.into_iter().rev() {
        text.insert_str(at, &note);
    }
    if Parser::new(&text).parse().is_ok() {
        text
    } else {
        script
    }
}

/// The number of a descriptor that is opened, with its file, or closed.
fn noted(redirect: &Redirect) -> Option<(i32, Option<String>)> {
    let number = redirect.fd.filter(|number| *number >= FIRST)?;
    match redirect.kind {
        RedirectKind::Output
        | RedirectKind::Clobber
        | RedirectKind::Append
        | RedirectKind::Input
        | RedirectKind::ReadWrite => Some((number, Some(source(&redirect.target)?))),
        RedirectKind::DupOutput | RedirectKind::DupInput => {
            (redirect.target.to_string() == "-").then_some((number, None))
        }
        _ => None,
    }
}

/// A word as it can be written again; `None` for one that would do something twice.
fn source(word: &Word) -> Option<String> {
    let mut text = String::new();
    for part in &word.parts {
        match part {
            WordPart::Literal(letters) if letters.starts_with('~') && !word.quoted => {
                return None;
            }
            WordPart::Literal(letters) => {
                text.push_str(&format!("'{}'", letters.replace('\'', "'\\''")));
            }
            WordPart::Variable(name) => text.push_str(&format!("\"${{{name}}}\"")),
            _ => return None,
        }
    }
    Some(text)
}

/// Where the first command of a group begins, and where the group is closed: before its redirection, and where that is
/// the parser does not tell.
fn inside(script: &str, body: &[Command], number: i32) -> Option<(usize, usize)> {
    let first = start(body.first()?)?;
    let closes = |(at, _): &(usize, &str)| {
        let rest = script[at + 1..].trim_start_matches([' ', '\t']);
        rest.strip_prefix(&number.to_string())
            .is_some_and(|rest| rest.starts_with(['<', '>']))
    };
    let mut closed = script.get(first..)?.match_indices([')', '}']);
    let mut closed = closed.by_ref().map(|(at, letter)| (first + at, letter));
    closed.find(closes).map(|(at, _)| (first, at))
}

#[cfg(test)]
mod tests {
    use super::with_descriptors;

    #[test]
    fn what_is_opened_and_closed_is_noted_before_it_is_done() {
        for (script, expected) in [
            (
                "exec 9>/tmp/lock; flock -n 9",
                "'descriptor of a file' 9 '/tmp/lock' && exec 9>/tmp/lock; flock -n 9",
            ),
            (
                "exec 200>>\"$HOME/l\" || exit 1",
                "'descriptor of a file' 200 \"${HOME}\"'/l' && exec 200>>\"$HOME/l\" || exit 1",
            ),
            ("ls; exec 9>&-", "ls; 'descriptor of a file' 9 && exec 9>&-"),
            (
                "( flock 9; ls -l ) 9>l; ls",
                "( 'descriptor of a file' 9 'l'; flock 9; ls -l \n'descriptor of a file' -9 $?\n) 9>l; ls",
            ),
        ] {
            assert_eq!(with_descriptors(script.to_owned()), expected);
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for script in [
            "exec ls",
            "exec > log 2>&1",
            "( ls ) 9>l",
            "exec 9>$(mktemp)",
            "echo 'exec 9>l'",
            "( flock 9",
        ] {
            assert_eq!(with_descriptors(script.to_owned()), script);
        }
    }
}
