//! `install`: copies files, or makes directories, with owner and permissions set.

use super::copy::{Copier, Existing, Follow, Makes, Manner};
use super::destination::{Destination, OPTIONS as DESTINATION};
use super::mkdir::{Made, with_parents};
use super::modes::Mode;
use super::options::{Given, Syntax, flag, letter, value};
use super::owner::{group, numeric};
use super::program::{Call, Report, parent};
use super::quote::always;

const SYNTAX: Syntax = Syntax {
    operands: "SOURCE... DEST",
    about: "Copy files to DEST, or with -d create directories, setting permissions and owner.",
    options: &[
        letter("c", "ignored"),
        flag("C", "compare"),
        flag("d", "directory"),
        letter("D", "make leading directories"),
        value("g", "group"),
        value("m", "mode"),
        value("o", "owner"),
        flag("p", "preserve-timestamps"),
        flag("s", "strip"),
        flag("v", "verbose"),
        DESTINATION[0],
        DESTINATION[1],
    ],
    misuse: 1,
    strict: false,
};

/// What an installed thing gets.
struct Finish {
    mode: u32,
    uid: Option<u32>,
    gid: Option<u32>,
}

pub(super) fn run(call: &Call, report: &mut Report) {
    let Some(given) = SYNTAX.read(call, report) else {
        return;
    };
    let Some(finish) = finish(call, &given, report) else {
        return;
    };
    if given.has("directory") {
        if given.operands.is_empty() {
            return report.misuse(call, "missing file operand", 1);
        }
        for operand in &given.operands {
            if with_parents(call, operand, given.has("verbose"), report) != Made::Not {
                finish.apply(call, operand, report);
            }
        }
        return;
    }
    if given.has("make leading directories")
        && let [_, .., last] = given.operands.as_slice()
    {
        let leading = last.trim_end_matches('/');
        let leading = if last.ends_with('/') {
            leading
        } else {
            parent(leading)
        };
        let within = last.contains('/') || given.has("target-directory");
        if within && with_parents(call, leading, given.has("verbose"), report) == Made::Not {
            return;
        }
    }
    let Some((sources, destination)) = Destination::of(call, &given, report) else {
        return;
    };
    let manner = Manner {
        recursive: false,
        follow: Follow::Always,
        existing: Existing::Force,
        makes: Makes::Content,
        mode: false,
        owner: false,
        times: given.has("preserve-timestamps"),
        links: false,
        verbose: given.has("verbose"),
        one_file_system: false,
        moving: false,
    };
    let mut copier = Copier::new(call, manner);
    for source in &sources {
        let target = destination.name_for(source);
        if call
            .view
            .stat(&call.path(source))
            .is_ok_and(|attr| attr.is_dir())
        {
            report.complain(call, &format!("omitting directory {}", always(source)), 1);
        } else if copier.copy(source, &target, report) {
            finish.apply(call, &target, report);
        }
    }
}

fn finish(call: &Call, given: &Given, report: &mut Report) -> Option<Finish> {
    let accounts = call.accounts();
    let mode = match given.value("mode") {
        None => 0o755,
        Some(text) => {
            let Some(mode) = Mode::parse(text) else {
                report.complain(call, &format!("invalid mode {}", call.quote(text)), 1);
                return None;
            };
            mode.apply(0, given.has("directory"), 0)
        }
    };
    let uid = match given.value("owner") {
        None => None,
        Some(name) => {
            let uid = accounts
                .user(name)
                .map(|user| user.identity.uid)
                .or_else(|| numeric(name));
            if uid.is_none() {
                report.complain(call, &format!("invalid user {}", call.quote(name)), 1);
                return None;
            }
            uid
        }
    };
    let gid = match given.value("group") {
        None => None,
        Some(name) => {
            let gid = group(name, &accounts);
            if gid.is_none() {
                report.complain(call, &format!("invalid group {}", call.quote(name)), 1);
                return None;
            }
            gid
        }
    };
    Some(Finish { mode, uid, gid })
}

impl Finish {
    fn apply(&self, call: &Call, name: &str, report: &mut Report) {
        let path = call.path(name);
        if (self.uid.is_some() || self.gid.is_some())
            && let Err(why) = call.view.set_owner(&path, self.uid, self.gid, false)
        {
            report.refuse(call, "cannot change ownership of", name, why);
        }
        if let Err(why) = call.view.set_mode(&path, self.mode) {
            report.refuse(call, "cannot change permissions of", name, why);
        }
    }
}
