//! `mv`: renames, and copies and removes where the new name is on another filesystem.

use super::copy::{Copier, Existing, Manner};
use super::destination::{Destination, OPTIONS as DESTINATION};
use super::options::{Syntax, flag};
use super::program::{Call, Report, join};
use super::quote::always;
use super::rm::remove_tree;
use crate::practice::storage::Errno;

const SYNTAX: Syntax = Syntax {
    operands: "SOURCE... DEST",
    about: "Rename SOURCE to DEST, or move SOURCE(s) to DIRECTORY.",
    options: &[
        flag("f", "force"),
        flag("i", "interactive"),
        flag("n", "no-clobber"),
        flag("u", "update"),
        flag("v", "verbose"),
        DESTINATION[0],
        DESTINATION[1],
        flag("", "strip-trailing-slashes"),
    ],
    misuse: 1,
    strict: false,
};

pub(super) fn run(call: &Call, report: &mut Report) {
    let Some(given) = SYNTAX.read(call, report) else {
        return;
    };
    let existing = match given.last(&["force", "interactive", "no-clobber"]) {
        Some("no-clobber") => Existing::Keep,
        Some("interactive") => Existing::Ask,
        _ if given.has("update") => Existing::Update,
        _ => Existing::Force,
    };
    let verbose = given.has("verbose");
    let Some((sources, destination)) = Destination::of(call, &given, report) else {
        return;
    };
    let manner = Manner {
        verbose,
        moving: true,
        ..Manner::ARCHIVE
    };
    let mut copier = Copier::new(call, manner);
    for source in &sources {
        let target = destination.name_for(source);
        one(
            call,
            source,
            &target,
            existing,
            verbose,
            &mut copier,
            report,
        );
    }
}

fn one(
    call: &Call,
    source: &str,
    target: &str,
    existing: Existing,
    verbose: bool,
    copier: &mut Copier,
    report: &mut Report,
) {
    let (from, to) = (call.path(source), call.path(target));
    let view = &call.view;
    let attr = match view.lstat(&from) {
        Ok(attr) => attr,
        Err(why) => return report.refuse(call, "cannot stat", source, why),
    };
    if to.starts_with(&join(&from, "")) && attr.is_dir() {
        let text = format!(
            "cannot move {} to a subdirectory of itself, {}",
            always(source),
            always(target)
        );
        return report.complain(call, &text, 1);
    }
    let there = view.lstat(&to).ok();
    if let Some(there) = there {
        let holding = |path: &str| view.table().holding(path).target;
        let same = from == to || (there.ino == attr.ino && holding(&from) == holding(&to));
        if same {
            let text = format!(
                "{} and {} are the same file",
                always(source),
                always(target)
            );
            return report.complain(call, &text, 1);
        }
        match existing {
            Existing::Keep => return,
            Existing::Update if there.modified >= attr.modified => return,
            _ => {}
        }
        if there.is_dir() && !attr.is_dir() {
            let text = format!(
                "cannot overwrite directory {} with non-directory",
                always(target)
            );
            return report.complain(call, &text, 1);
        }
        if !there.is_dir() && attr.is_dir() {
            let text = format!(
                "cannot overwrite non-directory {} with directory {}",
                always(target),
                always(source)
            );
            return report.complain(call, &text, 1);
        }
        if existing == Existing::Ask
            && !copier.asks(&format!("overwrite {}?", always(target)), report)
        {
            return;
        }
    }
    // Another host may make it meanwhile.
    let renamed = match existing {
        Existing::Keep if there.is_none() => view.rename_new(&from, &to),
        _ => view.rename_one(&from, &to),
    };
    match renamed {
        Err(Errno::Exists) if existing == Existing::Keep => {}
        Ok(()) => {
            if verbose {
                report.line(&format!("renamed {} -> {}", always(source), always(target)));
            }
        }
        Err(Errno::CrossDevice) => across(call, source, target, there.is_some(), copier, report),
        Err(why) => {
            let why = if target.ends_with('/') && there.is_none() && !attr.is_dir() {
                Errno::NotDirectory
            } else {
                why
            };
            let text = format!(
                "cannot move {} to {}: {why}",
                always(source),
                always(target)
            );
            report.complain(call, &text, 1);
        }
    }
}

/// Moves to another filesystem. What could not be copied whole is not removed.
fn across(
    call: &Call,
    source: &str,
    target: &str,
    exists: bool,
    copier: &mut Copier,
    report: &mut Report,
) {
    if exists && let Err(why) = call.view.remove_one(&call.path(target)) {
        let text = format!(
            "inter-device move failed: {} to {}; unable to remove target: {why}",
            always(source),
            always(target)
        );
        return report.complain(call, &text, 1);
    }
    if copier.copy(source, target, report) {
        remove_tree(call, source, copier.verbose(), report);
    }
}
