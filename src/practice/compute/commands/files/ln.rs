//! `ln`.

use super::destination::OPTIONS as DESTINATION;
use super::options::{Syntax, flag};
use super::program::{Call, Report, base, join, parent};
use super::quote::always;
use crate::practice::storage::{Errno, NodeType};

const SYNTAX: Syntax = Syntax {
    operands: "TARGET... LINK",
    about: "Create a link to TARGET, or links to the TARGETs in a directory.",
    options: &[
        flag("f", "force"),
        flag("L", "logical"),
        flag("n", "no-dereference"),
        flag("P", "physical"),
        flag("r", "relative"),
        flag("s", "symbolic"),
        flag("v", "verbose"),
        DESTINATION[0],
        DESTINATION[1],
    ],
    misuse: 1,
    strict: false,
};

pub(super) fn run(call: &Call, report: &mut Report) {
    let Some(given) = SYNTAX.read(call, report) else {
        return;
    };
    let mut targets = given.operands.clone();
    let directory = |name: &str| {
        let path = call.path(name);
        let found = if given.has("no-dereference") {
            call.view.lstat(&path)
        } else {
            call.view.stat(&path)
        };
        found.is_ok_and(|attr| attr.is_dir())
    };
    let Some(first) = targets.first().cloned() else {
        return report.misuse(call, "missing file operand", 1);
    };
    let into = if let Some(into) = given.value("target-directory") {
        if !directory(into) {
            let text = format!("target {} is not a directory", always(into));
            return report.complain(call, &text, 1);
        }
        Some(into.to_owned())
    } else if targets.len() == 1 {
        // One operand: a link of the same name here.
        Some(".".to_owned())
    } else {
        let last = targets.pop().unwrap_or_default();
        if given.has("no-target-directory") {
            if targets.len() > 1 {
                return report.misuse(call, &format!("extra operand {}", always(&last)), 1);
            }
            return link(call, &given, &first, &last, report);
        }
        if directory(&last) {
            Some(last)
        } else if targets.len() > 1 {
            let text = format!("target {} is not a directory", always(&last));
            return report.complain(call, &text, 1);
        } else {
            return link(call, &given, &first, &last, report);
        }
    };
    let into = into.unwrap_or_default();
    for target in &targets {
        let name = if into == "." {
            base(target).to_owned()
        } else {
            join(&into, base(target))
        };
        // GNU shows the directory that was named, also where it is the current one.
        let name = if targets.len() == 1 && given.operands.len() == 1 {
            format!("./{name}")
        } else {
            name
        };
        link(call, &given, target, &name, report);
    }
}

fn link(call: &Call, given: &super::options::Given, target: &str, name: &str, report: &mut Report) {
    let view = &call.view;
    let (source, path) = (call.path(target), call.path(name));
    let symbolic = given.has("symbolic");
    let kind = if symbolic { "symbolic" } else { "hard" };
    let mut source_path = source;
    if !symbolic {
        let found = match view.lstat(&source_path) {
            Ok(attr) if attr.node_type == NodeType::Symlink && given.has("logical") => {
                if let Ok(text) = view.link_target(&source_path) {
                    source_path = super::program::absolute(parent(&source_path), &text);
                }
                view.lstat(&source_path)
            }
            found => found,
        };
        match found {
            Ok(attr) if attr.is_dir() => {
                let text = format!("{target}: hard link not allowed for directory");
                return report.complain(call, &text, 1);
            }
            Ok(_) => {}
            Err(why) => return report.refuse(call, "failed to access", target, why),
        }
    }
    if given.has("force") && view.lstat(&path).is_ok_and(|attr| !attr.is_dir()) {
        if !symbolic && source_path == path {
            let text = format!("{} and {} are the same file", always(target), always(name));
            return report.complain(call, &text, 1);
        }
        if let Err(why) = view.remove_one(&path)
            && why != Errno::NotFound
        {
            return report.refuse(call, "cannot remove", name, why);
        }
    }
    let text = if symbolic && given.has("relative") {
        relative(parent(&path), &source_path)
    } else {
        target.to_owned()
    };
    let made = if symbolic {
        view.make_symlink(&text, &path)
    } else {
        view.link(&source_path, &path)
    };
    match made {
        Ok(()) => {
            if given.has("verbose") {
                let arrow = if symbolic { "->" } else { "=>" };
                report.line(&format!("{} {arrow} {}", always(name), always(&text)));
            }
        }
        // Where both ends matter, both are shown.
        Err(why) if !symbolic && why != Errno::Exists => {
            let text = format!(
                "failed to create hard link {} => {}: {why}",
                always(name),
                always(target)
            );
            report.complain(call, &text, 1);
        }
        Err(why) => report.refuse(call, &format!("failed to create {kind} link"), name, why),
    }
}

const LINK: Syntax = Syntax {
    operands: "FILE1 FILE2",
    about: "Create a link named FILE2 to an existing FILE1.",
    options: &[],
    misuse: 1,
    strict: false,
};

/// `link`: the system call of that name, and nothing around it.
pub(super) fn plain(call: &Call, report: &mut Report) {
    let Some(given) = LINK.read(call, report) else {
        return;
    };
    match given.operands.as_slice() {
        [] => report.misuse(call, "missing operand", 1),
        [one] => {
            let text = format!("missing operand after {}", call.quote(one));
            report.misuse(call, &text, 1);
        }
        [target, name] => {
            if let Err(why) = call.view.link(&call.path(target), &call.path(name)) {
                let text = format!(
                    "cannot create link {} to {}: {why}",
                    always(name),
                    always(target)
                );
                report.complain(call, &text, 1);
            }
        }
        [_, _, extra, ..] => {
            report.misuse(call, &format!("extra operand {}", call.quote(extra)), 1);
        }
    }
}

/// The way from a directory to a path, both absolute.
pub(super) fn relative(from: &str, to: &str) -> String {
    let split = |path: &str| -> Vec<String> {
        path.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (from, to) = (split(from), split(to));
    let common = from
        .iter()
        .zip(&to)
        .take_while(|(one, other)| one == other)
        .count();
    let mut parts = vec!["..".to_owned(); from.len() - common];
    parts.extend_from_slice(&to[common..]);
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn relative_targets_go_up_only_as_far_as_needed() {
        assert_eq!(relative("/home/a", "/home/b/x"), "../b/x");
        assert_eq!(relative("/", "/etc/hosts"), "etc/hosts");
        assert_eq!(relative("/a/b", "/a/b"), ".");
    }
}
