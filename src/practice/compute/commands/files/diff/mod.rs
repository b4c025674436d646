//! `diff`: files and directories compared. How lines are matched and shown is in `lines`.

mod lines;

use std::time::Duration;

use bashkit::{Builtin, BuiltinContext, ExecResult, async_trait};

use self::lines::{Alike, Style};
use super::glob::fits;
use super::options::{Given, Syntax, flag, letter, perhaps, value};
use super::program::{Call, Report, absolute, base, join};
use super::times::full;
use crate::practice::compute::host::Seat;
use crate::practice::storage::{Attr, NodeType};

const SYNTAX: Syntax = Syntax {
    operands: "FILES",
    about: "Compare FILES line by line.",
    options: &[
        flag("a", "text"),
        flag("b", "ignore-space-change"),
        perhaps("", "color"),
        value("x", "exclude"),
        flag("i", "ignore-case"),
        flag("N", "new-file"),
        flag("q", "brief"),
        flag("r", "recursive"),
        flag("s", "report-identical-files"),
        letter("u", "unified-three"),
        value("U", "unified"),
        flag("w", "ignore-all-space"),
    ],
    misuse: 2,
    strict: false,
};

/// Lines around a change, where nothing else is asked for.
const CONTEXT: usize = 3;
/// Status when the two differ, and when that could not be told.
const DIFFERENT: i32 = 1;
const TROUBLE: i32 = 2;

/// `diff`, for one shell.
pub(super) struct Diff {
    pub seat: Seat,
}

#[async_trait]
impl Builtin for Diff {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let host = &self.seat.host;
        let call = Call {
            program: "diff",
            args: ctx.args.to_vec(),
            env: ctx.env.clone(),
            cwd: absolute("/", &ctx.cwd.to_string_lossy()),
            user: self.seat.user.name.clone(),
            view: self.seat.view(),
            now: host.clock.now(),
            to_screen: false,
            stdin: String::new(),
            umask: super::program::umask(ctx.variables),
            questions: None,
        };
        call.pass().await;
        let mut report = Report::default();
        let mut out = Vec::new();
        if let Some(given) = SYNTAX.read(&call, &mut report) {
            let typed = call
                .args
                .iter()
                .filter(|arg| arg.starts_with('-') && *arg != "-");
            let mut comparison = Comparison {
                call: &call,
                given: &given,
                typed: typed.cloned().collect(),
                style: style(&given),
                alike: Alike {
                    case: given.has("ignore-case"),
                    space: given.has("ignore-space-change"),
                    all_space: given.has("ignore-all-space"),
                },
                stdin: ctx.stdin_bytes().unwrap_or_default(),
                out: Vec::new(),
            };
            match given.operands.as_slice() {
                [one, other] => comparison.operands(one, other, &mut report),
                [] => misused(&call, "missing operand after 'diff'", &mut report),
                [one] => {
                    let text = format!("missing operand after '{one}'");
                    misused(&call, &text, &mut report);
                }
                [_, _, extra, ..] => {
                    let text = format!("extra operand '{extra}'");
                    misused(&call, &text, &mut report);
                }
            }
            out = comparison.out;
        }
        out.extend_from_slice(report.out.as_bytes());
        call.view.settle(Duration::ZERO).await;
        Ok(ExecResult {
            stdout: out.into(),
            stderr: report.err.into(),
            exit_code: report.code,
            ..ExecResult::default()
        })
    }
}

/// A wrong use; each line begins with the name, other than elsewhere.
fn misused(call: &Call, text: &str, report: &mut Report) {
    report.complain(call, text, TROUBLE);
    report.complain(call, "Try 'diff --help' for more information.", TROUBLE);
}

fn style(given: &Given) -> Style {
    match (given.value("unified"), given.has("unified-three")) {
        (Some(lines), _) => Style::Unified(lines.parse().unwrap_or(CONTEXT)),
        (None, true) => Style::Unified(CONTEXT),
        (None, false) => Style::Normal,
    }
}

struct Comparison<'a> {
    call: &'a Call,
    given: &'a Given,
    /// Options as they were typed, for the line above each pair of files.
    typed: Vec<String>,
    style: Style,
    alike: Alike,
    stdin: &'a [u8],
    out: Vec<u8>,
}

/// One side of a pair.
struct Side {
    name: String,
    /// `None`: it is not there, and stands for an empty one.
    attr: Option<Attr>,
    bytes: Vec<u8>,
}

impl Comparison<'_> {
    fn line(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'\n');
    }

    fn stat(&self, name: &str) -> Result<Attr, String> {
        let found = self.call.view.stat(&self.call.path(name));
        found.map_err(|why| format!("{name}: {why}"))
    }

    fn is_dir(&self, name: &str) -> bool {
        name != "-" && self.stat(name).is_ok_and(|attr| attr.is_dir())
    }

    fn operands(&mut self, one: &str, other: &str, report: &mut Report) {
        match (self.is_dir(one), self.is_dir(other)) {
            (true, true) => self.directories(one, other, report),
            // A file and a directory: the file of that name in it.
            (true, false) => self.files(&join(one, base(other)), other, false, report),
            (false, true) => self.files(one, &join(other, base(one)), false, report),
            (false, false) => self.files(one, other, false, report),
        }
    }

    fn directories(&mut self, one: &str, other: &str, report: &mut Report) {
        let mut names = Vec::new();
        for directory in [one, other] {
            match self.call.view.list(&self.call.path(directory)) {
                Ok(entries) => names.push(entries),
                Err(why) => {
                    return report.complain(self.call, &format!("{directory}: {why}"), TROUBLE);
                }
            }
        }
        let has = |side: usize, name: &str| names[side].iter().any(|(other, _)| other == name);
        let mut all: Vec<String> = names.concat().into_iter().map(|(name, _)| name).collect();
        all.sort_unstable();
        all.dedup();
        let excluded: Vec<&str> = self
            .given
            .options
            .iter()
            .filter(|(option, _)| *option == "exclude")
            .map(|(_, pattern)| pattern.as_str())
            .collect();
        all.retain(|name| !excluded.iter().any(|pattern| fits(pattern, name, false)));
        for name in all {
            let (left, right) = (join(one, &name), join(other, &name));
            match (has(0, &name), has(1, &name)) {
                (true, true) => self.pair(&left, &right, report),
                (here, _) if self.given.has("new-file") => {
                    let there = if here { &left } else { &right };
                    if self.is_dir(there) {
                        // The missing directory is an empty one.
                        self.alone(there, here, report);
                    } else {
                        self.files(&left, &right, true, report);
                    }
                }
                (here, _) => {
                    let directory = if here { one } else { other };
                    self.line(&format!(
                        "Only in {}: {name}",
                        directory.trim_end_matches('/')
                    ));
                    report.code = report.code.max(DIFFERENT);
                }
            }
        }
    }

    /// A directory that only one side has, with `-N`.
    fn alone(&mut self, directory: &str, left: bool, report: &mut Report) {
        if !self.given.has("recursive") {
            return;
        }
        let entries = self.call.view.list(&self.call.path(directory));
        for (name, attr) in entries.unwrap_or_default() {
            let path = join(directory, &name);
            if attr.is_dir() {
                self.alone(&path, left, report);
            } else if left {
                self.files(&path, &format!("{path}\0"), true, report);
            } else {
                self.files(&format!("{path}\0"), &path, true, report);
            }
        }
    }

    /// Two entries of one name in two directories.
    fn pair(&mut self, left: &str, right: &str, report: &mut Report) {
        let kinds = (self.stat(left), self.stat(right));
        let (one, other) = match kinds {
            (Ok(one), Ok(other)) => (one, other),
            (Err(text), _) | (_, Err(text)) => {
                return report.complain(self.call, &text, TROUBLE);
            }
        };
        match (one.is_dir(), other.is_dir()) {
            (true, true) if self.given.has("recursive") => self.directories(left, right, report),
            (true, true) => self.line(&format!("Common subdirectories: {left} and {right}")),
            (false, false) => self.files(left, right, true, report),
            _ => {
                let text = format!(
                    "File {left} is a {} while file {right} is a {}",
                    kind(&one),
                    kind(&other)
                );
                self.line(&text);
                report.code = report.code.max(DIFFERENT);
            }
        }
    }

    fn side(&self, name: &str) -> Result<Side, String> {
        if name == "-" {
            return Ok(Side {
                name: name.to_owned(),
                attr: None,
                bytes: self.stdin.to_vec(),
            });
        }
        let shown = name.trim_end_matches('\0').to_owned();
        let attr = match self.stat(name) {
            Ok(attr) => attr,
            Err(_) if self.given.has("new-file") => {
                return Ok(Side {
                    name: shown,
                    attr: None,
                    bytes: Vec::new(),
                });
            }
            Err(text) => return Err(text),
        };
        let bytes = self.call.view.read(&self.call.path(name));
        Ok(Side {
            bytes: bytes.map_err(|why| format!("{name}: {why}"))?,
            attr: Some(attr),
            name: shown,
        })
    }

    /// Two files; `below`: found in directories, so that their names are told.
    fn files(&mut self, left: &str, right: &str, below: bool, report: &mut Report) {
        let sides = match (self.side(left), self.side(right)) {
            (Ok(one), Ok(other)) => [one, other],
            (one, other) => {
                for text in [one.err(), other.err()].into_iter().flatten() {
                    report.complain(self.call, &text, TROUBLE);
                }
                return;
            }
        };
        let [one, other] = &sides;
        let hunks = self.alike.changes(&one.bytes, &other.bytes);
        if one.bytes == other.bytes || hunks.is_empty() {
            if self.given.has("report-identical-files") {
                self.line(&format!(
                    "Files {} and {} are identical",
                    one.name, other.name
                ));
            }
            return;
        }
        report.code = report.code.max(DIFFERENT);
        let binary = |side: &Side| side.bytes.contains(&0) && !self.given.has("text");
        if self.given.has("brief") {
            self.line(&format!("Files {} and {} differ", one.name, other.name));
            return;
        }
        if binary(one) || binary(other) {
            self.line(&format!(
                "Binary files {} and {} differ",
                one.name, other.name
            ));
            return;
        }
        if below {
            let options: String = self
                .typed
                .iter()
                .map(|option| format!(" {option}"))
                .collect();
            self.line(&format!("diff{options} {} {}", one.name, other.name));
        }
        if let Style::Unified(_) = self.style {
            for (sign, side) in [("---", one), ("+++", other)] {
                let at = side.attr.map_or(self.call.now, |attr| attr.modified);
                // What is not there is as old as time.
                let missing = side.attr.is_none() && side.name != "-";
                let at = if missing {
                    jiff::Timestamp::UNIX_EPOCH
                } else {
                    at
                };
                self.line(&format!("{sign} {}\t{}", side.name, full(at)));
            }
        }
        self.style
            .show(&hunks, &one.bytes, &other.bytes, &mut self.out);
    }
}

fn kind(attr: &Attr) -> &'static str {
    match attr.node_type {
        NodeType::Directory => "directory",
        NodeType::File if attr.size == 0 => "regular empty file",
        NodeType::File => "regular file",
        NodeType::Symlink => "symbolic link",
        NodeType::Fifo => "fifo",
        NodeType::Device => "character special file",
        NodeType::Block => "block special file",
    }
}
