//! `stat`: what an inode tells, in its default layout or in a format.

use super::ls::blocks;
use super::options::{Syntax, flag, value};
use super::program::{Call, Report};
use super::quote::always;
use super::times::full;
use crate::practice::compute::users::Accounts;
use crate::practice::storage::{Attr, NodeType};

const SYNTAX: Syntax = Syntax {
    operands: "FILE...",
    about: "Display file status.",
    options: &[
        flag("f", "file-system"),
        flag("L", "dereference"),
        value("c", "format"),
        value("", "printf"),
        flag("t", "terse"),
    ],
    misuse: 1,
    strict: false,
};

/// One thing that was asked about.
struct Subject<'a> {
    name: &'a str,
    attr: Attr,
    target: Option<String>,
    device: u64,
    mount: String,
}

pub(super) fn run(call: &Call, report: &mut Report) {
    let Some(given) = SYNTAX.read(call, report) else {
        return;
    };
    if given.operands.is_empty() {
        report.misuse(call, "missing operand", 1);
        return;
    }
    if given.has("file-system") {
        let format = given.value("format").or(given.value("printf"));
        super::filesystem::run(call, &given.operands, format, report);
        return;
    }
    let accounts = call.accounts();
    for name in &given.operands {
        let path = call.path(name);
        let follow = given.has("dereference") || name.ends_with('/');
        let found = if name.is_empty() {
            Err(crate::practice::storage::Errno::NotFound)
        } else if follow {
            call.view.stat(&path)
        } else {
            call.view.lstat(&path)
        };
        let attr = match found {
            Ok(attr) => attr,
            Err(why) => {
                report.complain(call, &format!("cannot statx {}: {why}", always(name)), 1);
                continue;
            }
        };
        let holding = call.view.table().holding(&path);
        let subject = Subject {
            name,
            target: (attr.node_type == NodeType::Symlink)
                .then(|| call.view.link_target(&path).ok())
                .flatten(),
            device: device(&holding.target, call),
            mount: holding.target,
            attr,
        };
        match (given.last(&["format", "printf", "terse"]), &given) {
            (Some("format"), given) => {
                let format = given.value("format").unwrap_or_default();
                subject.format(format, false, &accounts, &mut report.out);
                report.out.push('\n');
            }
            (Some("printf"), given) => {
                let format = given.value("printf").unwrap_or_default();
                subject.format(format, true, &accounts, &mut report.out);
            }
            (Some(_), _) => {
                subject.format(
                    "%n %s %b %f %u %g %D %i %h %t %T %X %Y %Z %W %o",
                    false,
                    &accounts,
                    &mut report.out,
                );
                report.out.push('\n');
            }
            (None, _) => subject.describe(&accounts, &mut report.out),
        }
    }
}

/// A number for the filesystem that is mounted there: its place in the mount table.
fn device(target: &str, call: &Call) -> u64 {
    let at = call
        .view
        .table()
        .mounts()
        .iter()
        .position(|mount| mount.target == target)
        .unwrap_or(0);
    // As Linux numbers filesystems without a block device, from 0:33 or so on.
    33 + at as u64
}

/// As `stat` names file types.
fn type_name(attr: &Attr) -> &'static str {
    match attr.node_type {
        NodeType::File if attr.size == 0 => "regular empty file",
        NodeType::File => "regular file",
        NodeType::Directory => "directory",
        NodeType::Symlink => "symbolic link",
        NodeType::Fifo => "fifo",
        NodeType::Device => "character special file",
        NodeType::Block => "block special file",
    }
}

/// Permission bits with the type, as `st_mode` has them.
fn raw_mode(attr: &Attr) -> u32 {
    let file_type = match attr.node_type {
        NodeType::File => 0o100_000,
        NodeType::Directory => 0o040_000,
        NodeType::Symlink => 0o120_000,
        NodeType::Fifo => 0o010_000,
        NodeType::Device => 0o020_000,
        NodeType::Block => 0o060_000,
    };
    file_type | attr.mode
}

impl Subject<'_> {
    fn quoted(&self) -> String {
        match &self.target {
            Some(target) => format!("{} -> {}", always(self.name), always(target)),
            None => always(self.name),
        }
    }

    fn describe(&self, accounts: &Accounts, out: &mut String) {
        let name = match &self.target {
            Some(target) => format!("{} -> {target}", self.name),
            None => self.name.to_owned(),
        };
        out.push_str(&format!("  File: {name}\n"));
        self.format(
            "  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\n\
             Device: %Dh/%dd\tInode: %-10i  Links: %h\n\
             Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\n\
             Access: %x\nModify: %y\nChange: %z\n Birth: %w\n",
            false,
            accounts,
            out,
        );
    }

    /// Fills a format; with `escapes`, backslashes are read as `--printf` does.
    fn format(&self, format: &str, escapes: bool, accounts: &Accounts, out: &mut String) {
        let mut chars = format.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' if escapes => match chars.next() {
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some('\\') | None => out.push('\\'),
                    Some('"') => out.push('"'),
                    Some('0') => out.push('\0'),
                    Some(other) => {
                        out.push('\\');
                        out.push(other);
                    }
                },
                '%' => {
                    let mut left = false;
                    let mut zero = false;
                    while let Some(sign) = chars.next_if(|c| "-0#+ ".contains(*c)) {
                        left |= sign == '-';
                        zero |= sign == '0';
                    }
                    let number = |chars: &mut std::iter::Peekable<std::str::Chars>| {
                        let mut digits = String::new();
                        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                            digits.push(digit);
                        }
                        digits.parse::<usize>().ok()
                    };
                    let width = number(&mut chars).unwrap_or(0);
                    let precision = chars.next_if_eq(&'.').and_then(|_| number(&mut chars));
                    let Some(directive) = chars.next() else {
                        out.push('%');
                        break;
                    };
                    let mut text = self.directive(directive, accounts);
                    if let Some(precision) = precision
                        && !directive.is_ascii_digit()
                    {
                        text = text.chars().take(precision).collect();
                    }
                    out.push_str(&match (left, zero) {
                        (true, _) => format!("{text:<width$}"),
                        (false, true) => format!("{text:0>width$}"),
                        (false, false) => format!("{text:>width$}"),
                    });
                }
                c => out.push(c),
            }
        }
    }

    fn directive(&self, directive: char, accounts: &Accounts) -> String {
        let attr = &self.attr;
        match directive {
            'a' => format!("{:o}", attr.mode),
            'A' => attr.permissions(),
            'b' => (blocks(attr) * 2).to_string(),
            'B' => "512".to_owned(),
            'd' => self.device.to_string(),
            'D' => format!("{:x}", self.device),
            'f' => format!("{:x}", raw_mode(attr)),
            'F' => type_name(attr).to_owned(),
            'g' => attr.gid.to_string(),
            'G' => accounts.group_name(attr.gid),
            'h' => attr.links.to_string(),
            'i' => attr.ino.to_string(),
            'm' => self.mount.clone(),
            'n' => self.name.to_owned(),
            'N' => self.quoted(),
            'o' => "4096".to_owned(),
            's' => attr.size.to_string(),
            't' | 'T' => "0".to_owned(),
            'u' => attr.uid.to_string(),
            'U' => accounts.user_name(attr.uid),
            // The tree does not keep when a file was made.
            'w' => "-".to_owned(),
            'W' => "0".to_owned(),
            'x' => full(attr.accessed),
            'X' => attr.accessed.as_second().to_string(),
            'y' => full(attr.modified),
            'Y' => attr.modified.as_second().to_string(),
            'z' => full(attr.changed),
            'Z' => attr.changed.as_second().to_string(),
            '%' => "%".to_owned(),
            _ => "?".to_owned(),
        }
    }
}
