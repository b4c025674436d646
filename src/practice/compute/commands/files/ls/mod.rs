//! `ls`: what it lists, and in which order. How lines and columns are laid out is in `layout`.

mod layout;

pub(super) use self::layout::blocks;

use std::cmp::Ordering;

use self::layout::{Layout, long, names};
use super::options::{Given, Syntax, flag, letter, perhaps, value};
use super::program::{Call, Report, join};
use super::quote::{always, double, when_needed};
use crate::practice::compute::users::Accounts;
use crate::practice::storage::{Attr, NodeType};

const SYNTAX: Syntax = Syntax {
    operands: "[FILE]...",
    about: "List information about the FILEs (the current directory by default).",
    options: &[
        flag("a", "all"),
        flag("A", "almost-all"),
        letter("C", "columns"),
        letter("c", "change time"),
        flag("d", "directory"),
        letter("f", "unsorted, all"),
        flag("F", "classify"),
        letter("g", "without owner"),
        flag("G", "no-group"),
        flag("h", "human-readable"),
        flag("H", "dereference-command-line"),
        flag("i", "inode"),
        flag("k", "kibibytes"),
        letter("l", "long"),
        flag("L", "dereference"),
        flag("n", "numeric-uid-gid"),
        flag("N", "literal"),
        letter("o", "without group"),
        letter("p", "slashes"),
        flag("Q", "quote-name"),
        flag("r", "reverse"),
        flag("R", "recursive"),
        flag("s", "size"),
        letter("S", "by size"),
        letter("t", "by time"),
        letter("u", "access time"),
        letter("U", "unsorted"),
        letter("v", "by version"),
        value("w", "width"),
        letter("x", "across"),
        letter("X", "by extension"),
        letter("1", "one per line"),
        perhaps("", "color"),
        flag("", "full-time"),
        flag("", "group-directories-first"),
        value("", "time-style"),
        value("", "sort"),
        value("", "quoting-style"),
        value("T", "tabsize"),
    ],
    misuse: 2,
    strict: false,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Name,
    Time,
    Size,
    Extension,
    Version,
    None,
}

/// Which time of a file is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stamp {
    Modified,
    Accessed,
    Changed,
}

/// How names are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Literal,
    WhenNeeded,
    Always,
    Double,
}

/// How dates are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dates {
    Locale,
    Full,
    LongIso,
}

struct Settings {
    all: bool,
    dots: bool,
    directory: bool,
    recursive: bool,
    reverse: bool,
    inode: bool,
    blocks: bool,
    numeric: bool,
    owner: bool,
    group: bool,
    human: bool,
    classify: bool,
    slashes: bool,
    follow: bool,
    follow_operands: bool,
    directories_first: bool,
    layout: Layout,
    order: Order,
    stamp: Stamp,
    quoting: Quoting,
    dates: Dates,
    width: usize,
}

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

/// Complains about a word that is none of those an option knows.
fn invalid<T>(
    call: &Call,
    word: &str,
    option: &str,
    valid: &[&str],
    report: &mut Report,
) -> Option<T> {
    let mut text = format!(
        "invalid argument {} for {}\nValid arguments are:",
        call.quote(word),
        call.quote(option)
    );
    for known in valid {
        text.push_str(&format!("\n  - {}", call.quote(known)));
    }
    report.misuse(call, &text, 2);
    None
}

impl Settings {
    #[allow(clippy::too_many_lines, reason = "one line or two per option of ls")]
    fn of(call: &Call, given: &Given, report: &mut Report) -> Option<Self> {
        let long = given.has("long")
            || given.has("without owner")
            || given.has("without group")
            || given.has("numeric-uid-gid")
            || given.has("full-time");
        // `-1` does not undo `-l`.
        let layout = match given.last(&[
            "columns",
            "across",
            "one per line",
            "long",
            "numeric-uid-gid",
        ]) {
            Some("columns") => Layout::Down,
            Some("across") => Layout::Across,
            _ if long => Layout::Long,
            Some(_) => Layout::Lines,
            None if call.to_screen => Layout::Down,
            None => Layout::Lines,
        };
        let order = match given.last(&[
            "by time",
            "by size",
            "unsorted",
            "unsorted, all",
            "by version",
            "by extension",
            "sort",
        ]) {
            Some("by time") => Order::Time,
            Some("by size") => Order::Size,
            Some("unsorted" | "unsorted, all") => Order::None,
            Some("by version") => Order::Version,
            Some("by extension") => Order::Extension,
            Some("sort") => match given.value("sort").unwrap_or_default() {
                "time" => Order::Time,
                "size" => Order::Size,
                "none" => Order::None,
                "extension" => Order::Extension,
                "version" => Order::Version,
                "name" => Order::Name,
                other => {
                    let valid = ["none", "time", "size", "extension", "version"];
                    return invalid(call, other, "--sort", &valid, report);
                }
            },
            // Without -l, -u and -c are about the order.
            _ if !long && (given.has("access time") || given.has("change time")) => Order::Time,
            _ => Order::Name,
        };
        let quoting = match given.last(&["literal", "quote-name", "quoting-style"]) {
            Some("literal") => Quoting::Literal,
            Some("quote-name") => Quoting::Double,
            Some(_) => match given.value("quoting-style").unwrap_or_default() {
                "literal" => Quoting::Literal,
                "shell-escape" | "shell" => Quoting::WhenNeeded,
                "shell-escape-always" | "shell-always" => Quoting::Always,
                "c" | "escape" => Quoting::Double,
                other => {
                    let valid = [
                        "literal",
                        "shell",
                        "shell-always",
                        "shell-escape",
                        "shell-escape-always",
                        "c",
                        "escape",
                    ];
                    return invalid(call, other, "--quoting-style", &valid, report);
                }
            },
            None if call.to_screen => Quoting::WhenNeeded,
            None => Quoting::Literal,
        };
        let dates = match (
            given.last(&["full-time", "time-style"]),
            given.value("time-style"),
        ) {
            (Some("full-time"), _) | (_, Some("full-iso")) => Dates::Full,
            (_, Some("long-iso")) => Dates::LongIso,
            _ => Dates::Locale,
        };
        let width = given
            .value("width")
            .or_else(|| call.env.get("COLUMNS").map(String::as_str))
            .and_then(|width| width.parse().ok())
            .unwrap_or(80);
        Some(Self {
            all: given.has("all") || given.has("almost-all") || given.has("unsorted, all"),
            dots: given.last(&["all", "almost-all", "unsorted, all"]) != Some("almost-all")
                && (given.has("all") || given.has("unsorted, all")),
            directory: given.has("directory"),
            recursive: given.has("recursive"),
            reverse: given.has("reverse"),
            inode: given.has("inode"),
            blocks: given.has("size"),
            numeric: given.has("numeric-uid-gid"),
            owner: !given.has("without owner"),
            group: !given.has("no-group") && !given.has("without group"),
            human: given.has("human-readable"),
            classify: given.has("classify"),
            slashes: given.has("slashes"),
            follow: given.has("dereference"),
            follow_operands: given.has("dereference-command-line"),
            directories_first: given.has("group-directories-first"),
            layout,
            order,
            stamp: if given.has("change time") {
                Stamp::Changed
            } else if given.has("access time") {
                Stamp::Accessed
            } else {
                Stamp::Modified
            },
            quoting,
            dates,
            width,
        })
    }

    fn time(&self, attr: &Attr) -> jiff::Timestamp {
        match self.stamp {
            Stamp::Modified => attr.modified,
            Stamp::Accessed => attr.accessed,
            Stamp::Changed => attr.changed,
        }
    }

    fn compare(&self, one: &Entry, other: &Entry) -> Ordering {
        let by_name = || one.name.cmp(&other.name);
        let order = match self.order {
            Order::None => return Ordering::Equal,
            Order::Name => by_name(),
            Order::Time => self
                .time(&other.attr)
                .cmp(&self.time(&one.attr))
                .then_with(by_name),
            Order::Size => other.attr.size.cmp(&one.attr.size).then_with(by_name),
            Order::Extension => extension(&one.name)
                .cmp(extension(&other.name))
                .then_with(by_name),
            Order::Version => version(&one.name)
                .cmp(&version(&other.name))
                .then_with(by_name),
        };
        let order = if self.reverse { order.reverse() } else { order };
        if self.directories_first {
            let file = |entry: &Entry| !entry.is_dir();
            file(one).cmp(&file(other)).then(order)
        } else {
            order
        }
    }

    fn shown(&self, name: &str) -> String {
        match self.quoting {
            Quoting::Literal => name.to_owned(),
            Quoting::WhenNeeded => when_needed(name),
            Quoting::Always => always(name),
            Quoting::Double => double(name),
        }
    }

    /// The character that `-F` and `-p` add.
    fn indicator(&self, attr: &Attr) -> &'static str {
        match attr.node_type {
            NodeType::Directory if self.classify || self.slashes => "/",
            _ if !self.classify => "",
            NodeType::Symlink => "@",
            NodeType::Fifo => "|",
            NodeType::File if attr.mode & 0o111 != 0 => "*",
            _ => "",
        }
    }
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

fn extension(name: &str) -> &str {
    name.rfind('.').map_or("", |at| &name[at..])
}

/// A name cut into text and numbers, so that `v9` comes before `v10`.
fn version(name: &str) -> Vec<(String, u128)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (head, tail) = rest.split_at(text);
        let digits = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        parts.push((head.to_owned(), tail[..digits].parse().unwrap_or(0)));
        rest = &tail[digits..];
    }
    parts
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

    fn operand(&self, name: &str) -> Result<Entry, crate::practice::storage::Errno> {
        let path = self.call.path(name);
        let settings = self.settings;
        // A link to a directory is entered, unless it is to be shown itself.
        let enters = settings.layout != Layout::Long && !settings.directory && !settings.classify;
        let follow = settings.follow || settings.follow_operands || name.ends_with('/');
        let view = &self.call.view;
        if name.is_empty() {
            return Err(crate::practice::storage::Errno::NotFound);
        }
        let mut attr = view.lstat(&path)?;
        if attr.node_type == NodeType::Symlink {
            match view.stat(&path) {
                Ok(followed) if follow || (enters && followed.is_dir()) => attr = followed,
                Err(why) if follow => return Err(why),
                _ => {}
            }
        } else if name.ends_with('/') && !attr.is_dir() {
            return Err(crate::practice::storage::Errno::NotDirectory);
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
