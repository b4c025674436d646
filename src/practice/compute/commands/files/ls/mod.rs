//! `ls`: what it lists. What its options mean is in `settings`, how lines and columns are laid out in `layout`.

mod layout;
mod settings;

pub(super) use self::layout::{blocks, human_readable};

use self::layout::{Layout, long, names};
use self::settings::{SYNTAX, Settings};
use super::program::{Call, Report, join};
use super::quote::always;
use crate::practice::compute::users::Accounts;
use crate::practice::storage::{Attr, Errno, NodeType};

/// One thing to be shown.
struct Entry {
    /// As it was named or as its directory has it.
    name: String,
    /// Absolute path.
    path: String,
    attr: Attr,
    /// What a link names, and whether that exists.
    target: Option<(String, Option<Attr>)>,
}

/// `dir`: `ls` in columns.
pub(super) fn dir(call: &Call, report: &mut Report) {
    with(call, "-C", report);
}

/// `vdir`: `ls` in long lines.
pub(super) fn vdir(call: &Call, report: &mut Report) {
    with(call, "-l", report);
}

fn with(call: &Call, option: &str, report: &mut Report) {
    let mut args = vec![option.to_owned()];
    args.extend_from_slice(&call.args);
    run(&call.with_args(args), report);
}

pub(super) fn run(call: &Call, report: &mut Report) {
    let Some(given) = SYNTAX.read(call, report) else {
        return;
    };
    let Some(settings) = Settings::of(call, &given, report) else {
        return;
    };
    let accounts = call.accounts();
    let mut listing = Listing {
        call,
        settings: &settings,
        accounts: &accounts,
        begun: false,
    };
    listing.operands(&given.operands, report);
}

impl Entry {
    /// A directory, or a link to one.
    fn is_dir(&self) -> bool {
        self.attr.is_dir()
            || self
                .target
                .as_ref()
                .and_then(|(_, attr)| *attr)
                .is_some_and(|attr| attr.is_dir())
    }
}

struct Listing<'a> {
    call: &'a Call,
    settings: &'a Settings,
    accounts: &'a Accounts,
    /// Whether something was printed: the next directory is set off by an empty line.
    begun: bool,
}

impl Listing<'_> {
    fn operands(&mut self, operands: &[String], report: &mut Report) {
        let here = [".".to_owned()];
        let named: &[String] = if operands.is_empty() { &here } else { operands };
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        let mut missed = false;
        for name in named {
            match self.operand(name) {
                Ok(entry) if entry.attr.is_dir() && !self.settings.directory => {
                    directories.push(entry);
                }
                Ok(entry) => files.push(entry),
                Err(why) => {
                    missed = true;
                    let text = format!("cannot access {}: {why}", always(name));
                    report.complain(self.call, &text, 2);
                }
            }
        }
        files.sort_by(|one, other| self.settings.compare(one, other));
        directories.sort_by(|one, other| self.settings.compare(one, other));
        if !files.is_empty() {
            self.print(&files, report);
            self.begun = true;
        }
        let headed =
            self.settings.recursive || missed || !files.is_empty() || directories.len() > 1;
        for directory in directories {
            self.directory(&directory.name, &directory.path, headed, 2, report);
        }
    }

    fn operand(&self, name: &str) -> Result<Entry, Errno> {
        let path = self.call.path(name);
        let settings = self.settings;
        // A link to a directory is entered, unless it is to be shown itself.
        let enters = settings.layout != Layout::Long && !settings.directory && !settings.classify;
        let follow = settings.follow || settings.follow_operands || name.ends_with('/');
        let view = &self.call.view;
        if name.is_empty() {
            return Err(Errno::NotFound);
        }
        let mut attr = view.lstat(&path)?;
        if attr.node_type == NodeType::Symlink {
            match view.stat(&path) {
                Ok(followed) if follow || (enters && followed.is_dir()) => attr = followed,
                Err(why) if follow => return Err(why),
                _ => {}
            }
        } else if name.ends_with('/') && !attr.is_dir() {
            return Err(Errno::NotDirectory);
        }
        Ok(self.entry(name.to_owned(), path, attr))
    }

    fn entry(&self, name: String, path: String, attr: Attr) -> Entry {
        let target = (attr.node_type == NodeType::Symlink)
            .then(|| self.call.view.link_target(&path).ok())
            .flatten()
            .map(|target| (target, self.call.view.stat(&path).ok()));
        Entry {
            name,
            path,
            attr,
            target,
        }
    }

    fn directory(&mut self, name: &str, path: &str, headed: bool, code: i32, report: &mut Report) {
        let listed = match self.call.view.list(path) {
            Ok(listed) => listed,
            Err(why) => {
                let text = format!("cannot open directory {}: {why}", always(name));
                report.complain(self.call, &text, code);
                return;
            }
        };
        if headed {
            if self.begun {
                report.out.push('\n');
            }
            report.line(&format!("{}:", self.settings.shown(name)));
        }
        self.begun = true;
        let mut entries = Vec::new();
        if self.settings.dots {
            for dot in [".", ".."] {
                let of = self.call.path(&join(path, dot));
                if let Ok(attr) = self.call.view.stat(&of) {
                    entries.push(self.entry(dot.to_owned(), of, attr));
                }
            }
        }
        for (entry, attr) in listed {
            if entry.starts_with('.') && !self.settings.all {
                continue;
            }
            let of = join(path, &entry);
            let attr = if self.settings.follow {
                self.call.view.stat(&of).unwrap_or(attr)
            } else {
                attr
            };
            entries.push(self.entry(entry, of, attr));
        }
        entries.sort_by(|one, other| self.settings.compare(one, other));
        if self.settings.layout == Layout::Long || self.settings.blocks {
            let blocks = entries
                .iter()
                .map(|entry| layout::blocks(&entry.attr))
                .sum();
            report.line(&format!(
                "total {}",
                layout::block_count(blocks, self.settings.human)
            ));
        }
        self.print(&entries, report);
        if self.settings.recursive {
            for entry in &entries {
                if entry.attr.is_dir() && entry.name != "." && entry.name != ".." {
                    let below = join(name, &entry.name);
                    self.directory(&below, &entry.path, true, 1, report);
                }
            }
        }
    }

    fn print(&self, entries: &[Entry], report: &mut Report) {
        if self.settings.layout == Layout::Long {
            long(
                entries,
                self.settings,
                self.accounts,
                self.call.now,
                &mut report.out,
            );
        } else {
            names(entries, self.settings, &mut report.out);
        }
    }
}
