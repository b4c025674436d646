//! `chmod`: permission bits, by the rules of owners.

use super::modes::Mode;
use super::options::{Syntax, flag, value};
use super::program::{Call, Report, join};
use super::quote::always;
use crate::practice::storage::{Attr, NodeType};

const SYNTAX: Syntax = Syntax {
    operands: "MODE FILE...",
    about: "Change the mode of each FILE to MODE.",
    options: &[
        flag("c", "changes"),
        flag("f", "silent"),
        flag("", "quiet"),
        flag("v", "verbose"),
        flag("R", "recursive"),
        value("", "reference"),
        flag("", "preserve-root"),
        flag("", "no-preserve-root"),
    ],
    misuse: 1,
    strict: false,
};

struct Change<'a> {
    call: &'a Call,
    mode: Mode,
    recursive: bool,
    silent: bool,
    verbose: bool,
    changes: bool,
}

pub(super) fn run(call: &Call, report: &mut Report) {
    // `chmod -w file`: what looks like an option and is a mode is one.
    let minus = call.args.iter().position(|arg| is_mode(arg));
    let mut lifted = Vec::new();
    let call = &match minus {
        Some(at) if !call.args[..at].iter().any(|arg| arg == "--") => {
            let mut args = call.args.clone();
            lifted.push(args.remove(at));
            call.with_args(args)
        }
        _ => call.with_args(call.args.clone()),
    };
    let Some(mut given) = SYNTAX.read(call, report) else {
        return;
    };
    given.operands.splice(0..0, lifted);
    let mode = if let Some(reference) = given.value("reference") {
        match call.view.stat(&call.path(reference)) {
            Ok(attr) => Mode::Octal {
                bits: attr.mode,
                exact: true,
            },
            Err(why) => {
                return report.refuse(call, "failed to get attributes of", reference, why);
            }
        }
    } else if given.operands.is_empty() {
        return report.misuse(call, "missing operand", 1);
    } else {
        let text = given.operands.remove(0);
        if given.operands.is_empty() {
            let text = format!("missing operand after {}", call.quote(&text));
            return report.misuse(call, &text, 1);
        }
        match Mode::parse(&text) {
            Some(mode) => mode,
            None => {
                return report.misuse(call, &format!("invalid mode: {}", call.quote(&text)), 1);
            }
        }
    };
    if given.operands.is_empty() {
        return report.misuse(call, "missing operand", 1);
    }
    let change = Change {
        call,
        mode,
        recursive: given.has("recursive"),
        silent: given.has("silent") || given.has("quiet"),
        verbose: given.has("verbose"),
        changes: given.has("changes"),
    };
    for operand in &given.operands {
        change.operand(operand, report);
    }
}

fn is_mode(arg: &str) -> bool {
    arg.len() > 1
        && arg.starts_with('-')
        && arg[1..].starts_with(['r', 'w', 'x', 'X', 's', 't', 'u', 'g', 'o'])
        && Mode::parse(arg).is_some()
}

impl Change<'_> {
    fn operand(&self, shown: &str, report: &mut Report) {
        let path = self.call.path(shown);
        let view = &self.call.view;
        match view.stat(&path) {
            Ok(attr) => self.one(shown, &path, attr, report),
            Err(why) => {
                if self.silent {
                    report.code = 1;
                } else if view
                    .lstat(&path)
                    .is_ok_and(|attr| attr.node_type == NodeType::Symlink)
                {
                    let text = format!("cannot operate on dangling symlink {}", always(shown));
                    report.complain(self.call, &text, 1);
                } else {
                    report.refuse(self.call, "cannot access", shown, why);
                }
            }
        }
    }

    fn one(&self, shown: &str, path: &str, attr: Attr, report: &mut Report) {
        let view = &self.call.view;
        let mode = self.mode.apply(attr.mode, attr.is_dir(), self.call.umask);
        match view.set_mode(path, mode) {
            Ok(()) => self.tell(shown, attr.mode, mode, report),
            Err(_) if self.silent => report.code = 1,
            Err(why) => report.refuse(self.call, "changing permissions of", shown, why),
        }
        if !self.recursive || !attr.is_dir() {
            return;
        }
        match view.list(path) {
            Ok(entries) => {
                for (name, attr) in entries {
                    // Links met on the way are left alone.
                    if attr.node_type != NodeType::Symlink {
                        self.one(&join(shown, &name), &join(path, &name), attr, report);
                    }
                }
            }
            Err(_) if self.silent => report.code = 1,
            Err(why) => report.refuse(self.call, "cannot read directory", shown, why),
        }
    }

    fn tell(&self, shown: &str, old: u32, new: u32, report: &mut Report) {
        let shown = always(shown);
        if old != new && (self.verbose || self.changes) {
            report.line(&format!(
                "mode of {shown} changed from {old:04o} ({}) to {new:04o} ({})",
                letters(old),
                letters(new)
            ));
        } else if self.verbose {
            report.line(&format!(
                "mode of {shown} retained as {new:04o} ({})",
                letters(new)
            ));
        }
    }
}

/// `rwxr-xr-x`
pub(super) fn letters(mode: u32) -> String {
    let mut text = String::with_capacity(9);
    for (shift, special, set) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => set,
            (true, false) => set.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}
