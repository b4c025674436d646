//! What the options of `ls` ask for: which files, in which order, in which shape. Nothing is printed here.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::Entry;
use super::layout::Layout;
use crate::practice::compute::commands::files::options::{
    Given, Syntax, flag, letter, perhaps, value,
};
use crate::practice::compute::commands::files::program::{Call, Report};
use crate::practice::compute::commands::files::quote::{always, double, when_needed};
use crate::practice::storage::{Attr, NodeType};

pub(super) const SYNTAX: Syntax = Syntax {
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
pub(super) enum Quoting {
    Literal,
    WhenNeeded,
    Always,
    Double,
}

/// How dates are shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Dates {
    Locale,
    Full,
    LongIso,
    /// `--time-style=+FORMAT`
    Format(String),
}

#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub(super) struct Settings {
    pub all: bool,
    pub dots: bool,
    pub directory: bool,
    pub recursive: bool,
    reverse: bool,
    pub inode: bool,
    pub blocks: bool,
    pub numeric: bool,
    pub owner: bool,
    pub group: bool,
    pub human: bool,
    pub classify: bool,
    slashes: bool,
    pub follow: bool,
    pub follow_operands: bool,
    directories_first: bool,
    pub layout: Layout,
    order: Order,
    stamp: Stamp,
    pub quoting: Quoting,
    pub dates: Dates,
    pub width: usize,
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
        // Writing to a string does not fail.
        let _ = write!(text, "\n  - {}", call.quote(known));
    }
    report.misuse(call, &text, 2);
    None
}

/// The shape of the listing. `-1` does not undo `-l`.
fn layout(call: &Call, given: &Given, long: bool) -> Layout {
    let shapes = [
        "columns",
        "across",
        "one per line",
        "long",
        "numeric-uid-gid",
    ];
    match given.last(&shapes) {
        Some("columns") => Layout::Down,
        Some("across") => Layout::Across,
        _ if long => Layout::Long,
        None if call.to_screen => Layout::Down,
        _ => Layout::Lines,
    }
}

fn order(call: &Call, given: &Given, long: bool, report: &mut Report) -> Option<Order> {
    let orders = [
        "by time",
        "by size",
        "unsorted",
        "unsorted, all",
        "by version",
        "by extension",
        "sort",
    ];
    Some(match given.last(&orders) {
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
    })
}

fn quoting(call: &Call, given: &Given, report: &mut Report) -> Option<Quoting> {
    Some(
        match given.last(&["literal", "quote-name", "quoting-style"]) {
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
        },
    )
}

fn dates(given: &Given) -> Dates {
    let last = given.last(&["full-time", "time-style"]);
    match (last, given.value("time-style")) {
        (Some("full-time"), _) | (_, Some("full-iso")) => Dates::Full,
        (_, Some("long-iso")) => Dates::LongIso,
        (_, Some(style)) => match style.strip_prefix('+') {
            Some(format) => Dates::Format(format.to_owned()),
            None => Dates::Locale,
        },
        _ => Dates::Locale,
    }
}

impl Settings {
    /// What the options ask for; complains and gives `None` where they make no sense.
    pub fn of(call: &Call, given: &Given, report: &mut Report) -> Option<Self> {
        let long = given.has("long")
            || given.has("without owner")
            || given.has("without group")
            || given.has("numeric-uid-gid")
            || given.has("full-time");
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
            layout: layout(call, given, long),
            order: order(call, given, long, report)?,
            stamp: if given.has("change time") {
                Stamp::Changed
            } else if given.has("access time") {
                Stamp::Accessed
            } else {
                Stamp::Modified
            },
            quoting: quoting(call, given, report)?,
            dates: dates(given),
            width,
        })
    }

    /// The time of a file that is shown, and sorted by.
    pub fn time(&self, attr: &Attr) -> jiff::Timestamp {
        match self.stamp {
            Stamp::Modified => attr.modified,
            Stamp::Accessed => attr.accessed,
            Stamp::Changed => attr.changed,
        }
    }

    /// The order in which two things are listed.
    pub fn compare(&self, one: &Entry, other: &Entry) -> Ordering {
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

    /// A name as it is shown.
    pub fn shown(&self, name: &str) -> String {
        match self.quoting {
            Quoting::Literal => name.to_owned(),
            Quoting::WhenNeeded => when_needed(name),
            Quoting::Always => always(name),
            Quoting::Double => double(name),
        }
    }

    /// The character that `-F` and `-p` add.
    pub fn indicator(&self, attr: &Attr) -> &'static str {
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
