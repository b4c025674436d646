//! `touch`.

use jiff::Timestamp;

use super::options::{Syntax, flag, letter, letter_value, value};
use super::program::{Call, Report};
use super::times::{date, stamp};
use crate::practice::storage::{Access, Attr, Errno, NodeType};

const SYNTAX: Syntax = Syntax {
    operands: "FILE...",
    about: "Update the access and modification times of each FILE to the current time.",
    options: &[
        letter("a", "access"),
        flag("c", "no-create"),
        value("d", "date"),
        letter("f", "ignored"),
        flag("h", "no-dereference"),
        letter("m", "modification"),
        value("r", "reference"),
        letter_value("t", "stamp"),
        value("", "time"),
    ],
    misuse: 1,
    strict: false,
};

pub(super) fn run(call: &Call, report: &mut Report) {
    let Some(given) = SYNTAX.read(call, report) else {
        return;
    };
    let sources = ["date", "reference", "stamp"]
        .iter()
        .filter(|name| given.has(name))
        .count();
    // A date may be relative to a reference; the other pairs contradict each other.
    if sources > 1 && given.has("stamp") {
        return report.misuse(call, "cannot specify times from more than one source", 1);
    }
    let mut at = call.now;
    if let Some(reference) = given.value("reference") {
        match call.view.stat(&call.path(reference)) {
            Ok(attr) => at = attr.modified,
            Err(why) => return report.refuse(call, "failed to get attributes of", reference, why),
        }
    }
    if let Some(text) = given.value("stamp") {
        match stamp(text, call.now) {
            Some(told) => at = told,
            None => {
                let text = format!("invalid date format {}", call.quote(text));
                return report.complain(call, &text, 1);
            }
        }
    }
    if let Some(text) = given.value("date") {
        match date(text, at) {
            Some(told) => at = told,
            None => {
                let text = format!("invalid date format {}", call.quote(text));
                return report.complain(call, &text, 1);
            }
        }
    }
    if given.operands.is_empty() {
        return report.misuse(call, "missing file operand", 1);
    }
    let only = |letter, word: &str| {
        given.has(letter)
            || given
                .value("time")
                .is_some_and(|time| word.split(' ').any(|name| name == time))
    };
    let (access, modification) = (
        only("access", "access atime use"),
        only("modification", "modify mtime"),
    );
    let touch = Touch {
        call,
        at,
        told: sources > 0,
        accessed: access || !modification,
        modified: modification || !access,
        no_create: given.has("no-create"),
        links: given.has("no-dereference"),
    };
    for operand in &given.operands {
        if let Err((what, why)) = touch.one(operand) {
            report.refuse(call, what, operand, why);
        }
    }
}

struct Touch<'a> {
    call: &'a Call,
    at: Timestamp,
    /// Whether a time was given: "now" may be set by whoever may write, another time only by the owner.
    told: bool,
    accessed: bool,
    modified: bool,
    no_create: bool,
    /// Whether a link itself is meant.
    links: bool,
}

impl Touch<'_> {
    fn one(&self, operand: &str) -> Result<(), (&'static str, Errno)> {
        let path = self.call.path(operand);
        let view = &self.call.view;
        let cannot = |why| ("cannot touch", why);
        // An empty name names nothing.
        if operand.is_empty() {
            return Err(cannot(Errno::NotFound));
        }
        let found = if self.links {
            view.lstat(&path)
        } else {
            view.stat(&path)
        };
        match found {
            Err(Errno::NotFound) if self.no_create || self.links => return Ok(()),
            Ok(attr) if attr.node_type == NodeType::Symlink => {
                let times = Attr {
                    accessed: if self.accessed {
                        self.at
                    } else {
                        attr.accessed
                    },
                    modified: if self.modified {
                        self.at
                    } else {
                        attr.modified
                    },
                    ..attr
                };
                let set = view.copy_attributes(&times, &path);
                return set.map_err(|why| ("setting times of", why));
            }
            Err(Errno::NotFound) if operand.ends_with('/') => return Err(cannot(Errno::NotFound)),
            Err(Errno::NotFound) => {
                view.append(&path, &[]).map_err(cannot)?;
                if !self.told {
                    return Ok(());
                }
            }
            Err(why) => return Err(cannot(why)),
            Ok(attr) if operand.ends_with('/') && !attr.is_dir() => {
                return Err(cannot(Errno::NotDirectory));
            }
            Ok(attr) => {
                let who = view.identity();
                if !who.is_root() && who.uid != attr.uid {
                    view.check(&path, Access::Write).map_err(cannot)?;
                    if self.told {
                        return Err(("setting times of", Errno::NotPermitted));
                    }
                }
            }
        }
        view.set_times(
            &path,
            self.accessed.then_some(self.at),
            self.modified.then_some(self.at),
        )
        .map_err(|why| ("setting times of", why))
    }
}
