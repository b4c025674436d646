//! `cp`.

use super::copy::{Copier, Existing, Follow, Makes, Manner};
use super::destination::{Destination, OPTIONS as DESTINATION};
use super::options::{Given, Syntax, flag, letter, perhaps, value};
use super::program::{Call, Report};

const SYNTAX: Syntax = Syntax {
    operands: "SOURCE... DEST",
    about: "Copy SOURCE to DEST, or multiple SOURCE(s) to DIRECTORY.",
    options: &[
        flag("a", "archive"),
        letter("d", "links as links"),
        flag("f", "force"),
        flag("i", "interactive"),
        letter("H", "follow operands"),
        flag("l", "link"),
        flag("L", "dereference"),
        flag("n", "no-clobber"),
        flag("P", "no-dereference"),
        letter("p", "keep"),
        perhaps("", "preserve"),
        value("", "no-preserve"),
        flag("rR", "recursive"),
        perhaps("", "reflink"),
        value("", "sparse"),
        flag("s", "symbolic-link"),
        flag("u", "update"),
        flag("v", "verbose"),
        flag("x", "one-file-system"),
        DESTINATION[0],
        DESTINATION[1],
        flag("", "strip-trailing-slashes"),
        flag("", "remove-destination"),
    ],
    misuse: 1,
    strict: false,
};

pub(super) fn run(call: &Call, report: &mut Report) {
    let Some(given) = SYNTAX.read(call, report) else {
        return;
    };
    let Some(manner) = manner(call, &given, report) else {
        return;
    };
    let Some((sources, destination)) = Destination::of(call, &given, report) else {
        return;
    };
    let mut copier = Copier::new(call, manner);
    for source in &sources {
        copier.copy(source, &destination.name_for(source), report);
    }
}

/// What the options ask for.
fn manner(call: &Call, given: &Given, report: &mut Report) -> Option<Manner> {
    let recursive = given.has("recursive") || given.has("archive");
    let mut manner = Manner {
        recursive,
        follow: if recursive || given.has("link") {
            Follow::Never
        } else {
            Follow::Always
        },
        existing: Existing::Replace,
        makes: Makes::Content,
        mode: false,
        owner: false,
        times: false,
        links: false,
        verbose: given.has("verbose"),
        one_file_system: given.has("one-file-system"),
        moving: false,
    };
    for (name, text) in &given.options {
        match *name {
            "archive" => {
                manner = Manner {
                    existing: manner.existing,
                    makes: manner.makes,
                    verbose: manner.verbose,
                    one_file_system: manner.one_file_system,
                    ..Manner::ARCHIVE
                };
            }
            "links as links" => {
                manner.follow = Follow::Never;
                manner.links = true;
            }
            "force" | "remove-destination" if manner.existing == Existing::Replace => {
                manner.existing = Existing::Force;
            }
            "interactive" => manner.existing = Existing::Ask,
            "no-clobber" => manner.existing = Existing::Keep,
            "update" => manner.existing = Existing::Update,
            "follow operands" => manner.follow = Follow::Operands,
            "dereference" => manner.follow = Follow::Always,
            "no-dereference" => manner.follow = Follow::Never,
            "link" => manner.makes = Makes::HardLink,
            "symbolic-link" => manner.makes = Makes::SymbolicLink,
            "keep" => keep(&mut manner, "mode,ownership,timestamps", true).ok()?,
            "preserve" => {
                let list = if text.is_empty() {
                    "mode,ownership,timestamps"
                } else {
                    text
                };
                if let Err(unknown) = keep(&mut manner, list, true) {
                    unknown_attribute(call, &unknown, "--preserve", report);
                    return None;
                }
            }
            "no-preserve" => {
                if let Err(unknown) = keep(&mut manner, text, false) {
                    unknown_attribute(call, &unknown, "--no-preserve", report);
                    return None;
                }
            }
            _ => {}
        }
    }
    Some(manner)
}

fn unknown_attribute(call: &Call, unknown: &str, option: &str, report: &mut Report) {
    let mut text = format!(
        "invalid argument {} for {}\nValid arguments are:",
        call.quote(unknown),
        call.quote(option)
    );
    for attribute in [
        "mode",
        "timestamps",
        "ownership",
        "links",
        "context",
        "xattr",
        "all",
    ] {
        text.push_str(&format!("\n  - {}", call.quote(attribute)));
    }
    report.misuse(call, &text, 1);
}

/// Turns the attributes of a list on or off; `Err`: the one that is unknown.
fn keep(manner: &mut Manner, list: &str, on: bool) -> Result<(), String> {
    for attribute in list.split(',') {
        match attribute {
            "mode" => manner.mode = on,
            "ownership" => manner.owner = on,
            "timestamps" => manner.times = on,
            "links" => manner.links = on,
            // The tree has neither.
            "context" | "xattr" => {}
            "all" => {
                manner.mode = on;
                manner.owner = on;
                manner.times = on;
                manner.links = on;
            }
            unknown => return Err(unknown.to_owned()),
        }
    }
    Ok(())
}
