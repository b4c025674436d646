//! `du`: the space that files take, in blocks.

use std::collections::BTreeSet;

use super::glob::fits;
use super::ls::{blocks, human_readable};
use super::options::{Given, Syntax, flag, value};
use super::program::{Call, Report, base, join};
use crate::practice::storage::{Attr, NodeType};

const SYNTAX: Syntax = Syntax {
    operands: "[FILE]...",
    about: "Summarize disk usage of the set of FILEs, recursively for directories.",
    options: &[
        flag("0", "null"),
        flag("a", "all"),
        flag("", "apparent-size"),
        flag("b", "bytes"),
        flag("c", "total"),
        value("d", "max-depth"),
        flag("D", "dereference-args"),
        value("", "exclude"),
        flag("h", "human-readable"),
        flag("k", "kibibytes"),
        flag("l", "count-links"),
        flag("L", "dereference"),
        flag("m", "mebibytes"),
        flag("P", "no-dereference"),
        flag("s", "summarize"),
        flag("S", "separate-dirs"),
        flag("x", "one-file-system"),
    ],
    misuse: 1,
    strict: false,
};

struct Survey<'a> {
    call: &'a Call,
    given: Given,
    most: usize,
    /// Files with several names count once.
    counted: BTreeSet<(String, u64)>,
}

pub(super) fn run(call: &Call, report: &mut Report) {
    let Some(given) = SYNTAX.read(call, report) else {
        return;
    };
    let depth = given.value("max-depth").map(str::to_owned);
    let most = match depth {
        None if given.has("summarize") => 0,
        None => usize::MAX,
        Some(text) => match text.parse() {
            Ok(0) if given.has("summarize") => 0,
            Ok(_) if given.has("summarize") => {
                let text = format!("warning: summarizing conflicts with --max-depth={text}");
                return report.misuse(call, &text, 1);
            }
            Ok(depth) => depth,
            Err(_) => {
                return report.misuse(
                    call,
                    &format!("invalid maximum depth {}", call.quote(&text)),
                    1,
                );
            }
        },
    };
    if given.has("summarize") && given.has("all") {
        return report.misuse(call, "cannot both summarize and show all entries", 1);
    }
    let mut operands = given.operands.clone();
    if operands.is_empty() {
        operands.push(".".to_owned());
    }
    let sums = given.has("total");
    let mut survey = Survey {
        call,
        given,
        most,
        counted: BTreeSet::new(),
    };
    let mut total = 0;
    for operand in &operands {
        total += survey.operand(operand, report);
    }
    if sums {
        survey.tell(total, "total", report);
    }
}

impl Survey<'_> {
    fn operand(&mut self, operand: &str, report: &mut Report) -> u64 {
        let path = self.call.path(operand);
        let view = &self.call.view;
        let follow = self.given.has("dereference")
            || self.given.has("dereference-args")
            || operand.ends_with('/');
        let found = if follow {
            view.stat(&path)
        } else {
            view.lstat(&path)
        };
        match found {
            Ok(attr) => {
                let mount = view.table().holding(&path).target;
                self.one(operand, &path, &attr, 0, &mount, report)
            }
            Err(why) => {
                report.refuse(self.call, "cannot access", operand, why);
                0
            }
        }
    }

    /// Bytes of one thing and all below it; tells those that are to be told.
    fn one(
        &mut self,
        shown: &str,
        path: &str,
        attr: &Attr,
        depth: usize,
        top: &str,
        report: &mut Report,
    ) -> u64 {
        let excluded = self.given.value("exclude").is_some_and(|pattern| {
            fits(pattern, base(shown), false) || fits(pattern, shown, false)
        });
        let mount = self.call.view.table().holding(path).target;
        if excluded || (self.given.has("one-file-system") && mount != top) {
            return 0;
        }
        let several = attr.links > 1 && attr.node_type != NodeType::Directory;
        if several && !self.given.has("count-links") && !self.counted.insert((mount, attr.ino)) {
            return 0;
        }
        let mut sum = if self.given.has("bytes") || self.given.has("apparent-size") {
            attr.size
        } else {
            blocks(attr) * 1024
        };
        if attr.is_dir() {
            match self.call.view.list(path) {
                Ok(entries) => {
                    for (name, attr) in entries {
                        let (shown, path) = (join(shown, &name), join(path, &name));
                        let below = self.one(&shown, &path, &attr, depth + 1, top, report);
                        if !(self.given.has("separate-dirs") && attr.is_dir()) {
                            sum += below;
                        }
                    }
                }
                Err(why) => report.refuse(self.call, "cannot read directory", shown, why),
            }
        }
        let told = depth == 0 || attr.is_dir() || self.given.has("all");
        if told && depth <= self.most {
            self.tell(sum, shown, report);
        }
        sum
    }

    fn tell(&self, bytes: u64, shown: &str, report: &mut Report) {
        let size = match self
            .given
            .last(&["bytes", "human-readable", "kibibytes", "mebibytes"])
        {
            Some("bytes") => bytes.to_string(),
            Some("human-readable") => human_readable(bytes),
            Some("mebibytes") => bytes.div_ceil(1 << 20).to_string(),
            _ => bytes.div_ceil(1 << 10).to_string(),
        };
        let end = if self.given.has("null") { '\0' } else { '\n' };
        report.out.push_str(&format!("{size}\t{shown}{end}"));
    }
}
