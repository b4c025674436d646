//! `mkdir`, and the way in which directories on the way are made.

use super::modes::Mode;
use super::options::{Syntax, flag, letter, value};
use super::program::{Call, Report};
use super::quote::always;
use crate::practice::storage::Errno;

const SYNTAX: Syntax = Syntax {
    operands: "DIRECTORY...",
    about: "Create the DIRECTORY(ies), if they do not already exist.",
    options: &[
        value("m", "mode"),
        flag("p", "parents"),
        flag("v", "verbose"),
        letter("Z", "context"),
    ],
    misuse: 1,
    strict: false,
};

pub(super) fn run(call: &Call, report: &mut Report) {
    let Some(given) = SYNTAX.read(call, report) else {
        return;
    };
    if given.operands.is_empty() {
        return report.misuse(call, "missing operand", 1);
    }
    let mode = match given.value("mode").map(|text| (text, Mode::parse(text))) {
        None => None,
        // A mode is told from that of a directory which everybody may use.
        Some((_, Some(mode))) => Some(mode.apply(0o777, true, call.umask)),
        Some((text, None)) => {
            return report.complain(call, &format!("invalid mode {}", call.quote(text)), 1);
        }
    };
    for operand in &given.operands {
        let made = if given.has("parents") {
            with_parents(call, operand, given.has("verbose"), report)
        } else {
            make(call, operand, given.has("verbose"), report)
        };
        let path = call.path(operand);
        if let (Made::New, Some(mode)) = (made, mode)
            && let Err(why) = call.view.set_mode(&path, mode)
        {
            let text = format!("cannot set permissions of {}: {why}", call.quote(operand));
            report.complain(call, &text, 1);
        }
    }
}

/// What came of making a directory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// It is there, and was not before.
    New,
    /// It was there.
    Old,
    /// It is not.
    Not,
}

fn make(call: &Call, name: &str, verbose: bool, report: &mut Report) -> Made {
    match call.view.make_dir(&call.path(name)) {
        Ok(()) => {
            tell(call, name, verbose, report);
            Made::New
        }
        Err(why) => refuse(call, name, why, report),
    }
}

fn tell(call: &Call, name: &str, verbose: bool, report: &mut Report) {
    if verbose {
        report.line(&format!(
            "{}: created directory {}",
            call.program,
            always(name)
        ));
    }
}

fn refuse(call: &Call, name: &str, why: Errno, report: &mut Report) -> Made {
    let text = format!("cannot create directory {}: {why}", call.quote(name));
    report.complain(call, &text, 1);
    Made::Not
}

/// Makes a directory and those above it; an existing one is fine.
pub(super) fn with_parents(call: &Call, name: &str, verbose: bool, report: &mut Report) -> Made {
    let mut made = Made::Old;
    let ends: Vec<usize> = name
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([name.len()])
        .filter(|end| *end > 0)
        .collect();
    let last = ends.len().saturating_sub(1);
    for (at, end) in ends.into_iter().enumerate() {
        let part = &name[..end];
        let path = call.path(part);
        match call.view.stat(&path) {
            Ok(attr) if attr.is_dir() => made = Made::Old,
            Ok(_) if at == last => return refuse(call, part, Errno::Exists, report),
            Ok(_) => return refuse(call, part, Errno::NotDirectory, report),
            Err(Errno::NotFound) => match call.view.make_dir(&path) {
                Ok(()) => {
                    tell(call, part, verbose, report);
                    made = Made::New;
                }
                // Somebody else was faster.
                Err(Errno::Exists) if call.view.stat(&path).is_ok_and(|attr| attr.is_dir()) => {
                    made = Made::Old;
                }
                Err(why) => return refuse(call, part, why, report),
            },
            Err(why) => return refuse(call, part, why, report),
        }
    }
    if name.is_empty() {
        return refuse(call, name, Errno::NotFound, report);
    }
    made
}
