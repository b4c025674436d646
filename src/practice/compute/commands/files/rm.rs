//! `rm` and `rmdir`.

use super::options::{Syntax, flag, letter, perhaps};
use super::program::{Call, Report, base, join, parent};
use super::quote::always;
use crate::practice::storage::{Attr, Errno, NodeType};

const RM: Syntax = Syntax {
    operands: "[FILE]...",
    about: "Remove (unlink) the FILE(s).",
    options: &[
        flag("d", "dir"),
        flag("f", "force"),
        letter("i", "ask"),
        letter("I", "ask once"),
        perhaps("", "interactive"),
        flag("rR", "recursive"),
        flag("v", "verbose"),
        flag("", "one-file-system"),
        perhaps("", "preserve-root"),
        flag("", "no-preserve-root"),
    ],
    misuse: 1,
    strict: false,
};

const RMDIR: Syntax = Syntax {
    operands: "DIRECTORY...",
    about: "Remove the DIRECTORY(ies), if they are empty.",
    options: &[
        flag("p", "parents"),
        flag("v", "verbose"),
        flag("", "ignore-fail-on-non-empty"),
    ],
    misuse: 1,
    strict: false,
};

struct Removal<'a> {
    call: &'a Call,
    recursive: bool,
    directories: bool,
    force: bool,
    ask: bool,
    verbose: bool,
    answers: std::vec::IntoIter<String>,
}

pub(super) fn rm(call: &Call, report: &mut Report) {
    let Some(given) = RM.read(call, report) else {
        return;
    };
    let force = given.last(&["force", "ask", "interactive"]) == Some("force");
    if given.operands.is_empty() {
        if !force {
            report.misuse(call, "missing operand", 1);
        }
        return;
    }
    let recursive = given.has("recursive");
    let answers: Vec<String> = call.stdin.lines().map(str::to_owned).collect();
    let mut removal = Removal {
        call,
        recursive,
        directories: given.has("dir"),
        force,
        ask: matches!(
            given.last(&["force", "ask", "interactive"]),
            Some("ask" | "interactive")
        ),
        verbose: given.has("verbose"),
        answers: answers.into_iter(),
    };
    if given.has("ask once") && (recursive || given.operands.len() > 3) {
        let (count, how) = (
            given.operands.len(),
            if recursive { " recursively" } else { "" },
        );
        let things = if count == 1 { "argument" } else { "arguments" };
        if !removal.asks(&format!("remove {count} {things}{how}?"), report) {
            return;
        }
    }
    for operand in &given.operands {
        removal.operand(operand, !given.has("no-preserve-root"), report);
    }
}

/// Removes a tree that was copied elsewhere.
pub(super) fn remove_tree(call: &Call, name: &str, verbose: bool, report: &mut Report) {
    let mut removal = Removal {
        call,
        recursive: true,
        directories: false,
        force: true,
        ask: false,
        verbose,
        answers: Vec::new().into_iter(),
    };
    removal.operand(name, true, report);
}

impl Removal<'_> {
    fn asks(&mut self, question: &str, report: &mut Report) -> bool {
        report
            .err
            .push_str(&format!("{}: {question} ", self.call.program));
        let answer = match &self.call.questions {
            Some(questions) => questions.ask(report),
            None => self.answers.next(),
        };
        answer.is_some_and(|answer| answer.starts_with(['y', 'Y']))
    }

    fn operand(&mut self, name: &str, preserve_root: bool, report: &mut Report) {
        let path = self.call.path(name);
        if self.recursive && preserve_root && path == "/" && !matches!(base(name), "." | "..") {
            report.complain(
                self.call,
                "it is dangerous to operate recursively on '/'",
                1,
            );
            report.complain(
                self.call,
                "use --no-preserve-root to override this failsafe",
                1,
            );
            return;
        }
        if self.recursive && matches!(base(name), "." | "..") {
            let text = format!(
                "refusing to remove '.' or '..' directory: skipping {}",
                always(name)
            );
            return report.complain(self.call, &text, 1);
        }
        match self.call.view.lstat(&path) {
            Ok(attr) => {
                self.one(name, &path, attr, report);
            }
            Err(why) if self.is_gone(why) => {}
            Err(why) => report.refuse(self.call, "cannot remove", name, why),
        }
    }

    /// With -f what is not there is as good as removed, also when somebody else removed it since it was found.
    fn is_gone(&self, why: Errno) -> bool {
        self.force && matches!(why, Errno::NotFound | Errno::NotDirectory)
    }

    /// Removes one thing; whether it is gone.
    fn one(&mut self, name: &str, path: &str, attr: Attr, report: &mut Report) -> bool {
        let call = self.call;
        if attr.is_dir() {
            if !self.recursive && !self.directories {
                report.refuse(call, "cannot remove", name, Errno::IsDirectory);
                return false;
            }
            if self.recursive && !self.empty(name, path, report) {
                return false;
            }
        }
        if self.ask {
            let what = match attr.node_type {
                NodeType::Directory => "directory",
                NodeType::Symlink => "symbolic link",
                NodeType::Fifo => "fifo",
                NodeType::Device => "character special file",
                NodeType::Block => "block special file",
                NodeType::File if attr.size == 0 => "regular empty file",
                NodeType::File => "regular file",
            };
            if !self.asks(&format!("remove {what} {}?", always(name)), report) {
                return false;
            }
        }
        if let Err(why) = call.view.remove_one(path) {
            if !self.is_gone(why) {
                report.refuse(call, "cannot remove", name, why);
            }
            return self.is_gone(why);
        }
        if self.verbose {
            let what = if attr.is_dir() { "directory " } else { "" };
            report.line(&format!("removed {what}{}", always(name)));
        }
        true
    }

    /// Removes what is in a directory; what stays keeps the directory, without another word.
    fn empty(&mut self, name: &str, path: &str, report: &mut Report) -> bool {
        match self.call.view.list(path) {
            Ok(entries) => {
                if self.ask
                    && !entries.is_empty()
                    && !self.asks(&format!("descend into directory {}?", always(name)), report)
                {
                    return false;
                }
                let mut empty = true;
                for (entry, attr) in entries {
                    empty &= self.one(&join(name, &entry), &join(path, &entry), attr, report);
                }
                empty
            }
            Err(why) if self.is_gone(why) => true,
            // An unreadable directory that is empty can be removed all the same.
            Err(why) => match self.call.view.remove_one(path) {
                Ok(()) => false,
                Err(_) => {
                    report.refuse(self.call, "cannot remove", name, why);
                    false
                }
            },
        }
    }
}

const UNLINK: Syntax = Syntax {
    operands: "FILE",
    about: "Remove the specified FILE.",
    options: &[],
    misuse: 1,
    strict: false,
};

/// `unlink`: the system call of that name, and nothing around it.
pub(super) fn unlink(call: &Call, report: &mut Report) {
    let Some(given) = UNLINK.read(call, report) else {
        return;
    };
    match given.operands.as_slice() {
        [] => report.misuse(call, "missing operand", 1),
        [name] => {
            let path = call.path(name);
            let removed = match call.view.lstat(&path) {
                Ok(attr) if attr.is_dir() => Err(Errno::IsDirectory),
                Ok(_) => call.view.remove_one(&path),
                Err(why) => Err(why),
            };
            if let Err(why) = removed {
                report.refuse(call, "cannot unlink", name, why);
            }
        }
        [_, extra, ..] => report.misuse(call, &format!("extra operand {}", call.quote(extra)), 1),
    }
}

pub(super) fn rmdir(call: &Call, report: &mut Report) {
    let Some(given) = RMDIR.read(call, report) else {
        return;
    };
    if given.operands.is_empty() {
        return report.misuse(call, "missing operand", 1);
    }
    for operand in &given.operands {
        let mut name = operand.trim_end_matches('/');
        loop {
            if !remove_directory(call, name, &given, report) || !given.has("parents") {
                break;
            }
            let up = parent(name);
            if !name.contains('/') || up == "/" {
                break;
            }
            name = up;
        }
    }
}

fn remove_directory(
    call: &Call,
    name: &str,
    given: &super::options::Given,
    report: &mut Report,
) -> bool {
    if given.has("verbose") {
        report.line(&format!("rmdir: removing directory, {}", always(name)));
    }
    let path = call.path(name);
    let removed = match call.view.lstat(&path) {
        Ok(attr) if !attr.is_dir() => Err(Errno::NotDirectory),
        Ok(_) if base(name) == "." => Err(Errno::Invalid),
        Ok(_) => call.view.remove_one(&path),
        Err(why) => Err(why),
    };
    match removed {
        Ok(()) => true,
        Err(Errno::NotEmpty) if given.has("ignore-fail-on-non-empty") => false,
        Err(why) => {
            report.refuse(call, "failed to remove", name, why);
            false
        }
    }
}
