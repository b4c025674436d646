//! `realpath`: the name of a file without links, `.` and `..`.

use super::ln::relative;
use super::options::{Syntax, flag, value};
use super::program::{Call, Report, absolute, join, parent};
use crate::practice::storage::{Errno, NodeType, Outcome, View};

const SYNTAX: Syntax = Syntax {
    operands: "FILE...",
    about: "Print the resolved absolute file name; all but the last component must exist.",
    options: &[
        flag("e", "canonicalize-existing"),
        flag("m", "canonicalize-missing"),
        flag("L", "logical"),
        flag("P", "physical"),
        flag("q", "quiet"),
        flag("s", "strip"),
        flag("", "no-symlinks"),
        value("", "relative-to"),
        flag("z", "zero"),
    ],
    misuse: 1,
    strict: false,
};

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// What need not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// Everything must.
    None,
    /// The last component.
    Last,
    /// Any component.
    Any,
}

pub(super) fn run(call: &Call, report: &mut Report) {
    let Some(given) = SYNTAX.read(call, report) else {
        return;
    };
    if given.operands.is_empty() {
        return report.misuse(call, "missing operand", 1);
    }
    let missing = match given.last(&["canonicalize-existing", "canonicalize-missing"]) {
        Some("canonicalize-existing") => Missing::None,
        Some(_) => Missing::Any,
        None => Missing::Last,
    };
    let end = if given.has("zero") { '\0' } else { '\n' };
    let mut from = None;
    if let Some(directory) = given.value("relative-to") {
        match resolve(&call.view, &call.path(directory), missing) {
            Ok(path) => from = Some(path),
            Err(why) => return report.complain(call, &format!("{directory}: {why}"), 1),
        }
    }
    for operand in &given.operands {
        let path = if operand.starts_with('/') {
            operand.clone()
        } else {
            join(&call.cwd, operand)
        };
        let resolved = if operand.is_empty() {
            Err(Errno::NotFound)
        } else if given.has("strip") || given.has("no-symlinks") {
            Ok(absolute("/", &path))
        } else {
            resolve(&call.view, &path, missing)
        };
        match resolved {
            Ok(path) => {
                let path = match &from {
                    Some(from) => relative(from, &path),
                    None => path,
                };
                report.out.push_str(&format!("{path}{end}"));
            }
            Err(_) if given.has("quiet") => report.code = 1,
            Err(why) => report.complain(call, &format!("{operand}: {why}"), 1),
        }
    }
}

/// An absolute path without links.
pub(super) fn resolve(view: &View, path: &str, missing: Missing) -> Outcome<String> {
    let split = |path: &str| -> Vec<String> {
        path.rsplit('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .map(str::to_owned)
            .collect()
    };
    let mut pending = split(path);
    let mut done = String::from("/");
    let mut links = 0;
    while let Some(part) = pending.pop() {
        if part == ".." {
            done = parent(&done).to_owned();
            continue;
        }
        let next = join(&done, &part);
        match view.lstat(&next) {
            Ok(attr) if attr.node_type == NodeType::Symlink => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::Loop);
                }
                let target = view.link_target(&next)?;
                if target.starts_with('/') {
                    "/".clone_into(&mut done);
                }
                pending.extend(split(&target));
            }
            Ok(attr) => {
                if !pending.is_empty() && !attr.is_dir() && missing != Missing::Any {
                    return Err(Errno::NotDirectory);
                }
                done = next;
            }
            Err(Errno::NotFound | Errno::NotDirectory) if missing == Missing::Any => done = next,
            Err(Errno::NotFound) if missing == Missing::Last && pending.is_empty() => done = next,
            Err(why) => return Err(why),
        }
    }
    Ok(done)
}
