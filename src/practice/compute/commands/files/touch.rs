//! `touch`.

use super::options::{Syntax, flag, letter, letter_value, value};
use super::program::{Call, Report};
use super::quote::always;
use super::times::{date, stamp};
use crate::practice::storage::Errno;

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
    // Access times are kept by no mount here (noatime): only -a alone leaves the modification time.
    let modifies = given.last(&["access"]).is_none()
        || given.has("modification")
        || matches!(given.value("time"), Some("modify" | "mtime"));
    for operand in &given.operands {
        one(
            call,
            operand,
            at,
            sources > 0,
            modifies,
            given.has("no-create"),
            report,
        );
    }
}

fn one(
    call: &Call,
    operand: &str,
    at: jiff::Timestamp,
    told: bool,
    modifies: bool,
    no_create: bool,
    report: &mut Report,
) {
    let path = call.path(operand);
    let view = &call.view;
    match view.stat(&path) {
        Err(Errno::NotFound) if no_create => return,
        Err(Errno::NotFound) => {
            let made = if operand.is_empty() || operand.ends_with('/') {
                Err(Errno::NotFound)
            } else {
                view.append(&path, &[])
            };
            if let Err(why) = made {
                return report.refuse(call, "cannot touch", operand, why);
            }
            if !told {
                return;
            }
        }
        Err(why) => return report.refuse(call, "cannot touch", operand, why),
        Ok(attr) if operand.ends_with('/') && !attr.is_dir() => {
            return report.refuse(call, "cannot touch", operand, Errno::NotDirectory);
        }
        Ok(_) => {}
    }
    if !modifies {
        return;
    }
    match view.set_modified(&path, at) {
        Ok(()) => {}
        // "Now" may be set by whoever may write; another time only by the owner.
        Err(why) => {
            let what = if told {
                "setting times of"
            } else {
                "cannot touch"
            };
            report.complain(call, &format!("{what} {}: {why}", always(operand)), 1);
        }
    }
}
