//! `mktemp`: a file or directory that is its owner's alone, under a name nobody can guess.

use rand::RngExt as _;

use super::options::{Syntax, flag, letter, perhaps, value};
use super::program::{Call, Report, join};
use crate::practice::storage::Errno;

const SYNTAX: Syntax = Syntax {
    operands: "[TEMPLATE]",
    about: "Create a temporary file or directory, safely, and print its name.",
    options: &[
        flag("d", "directory"),
        value("p", "directory for it"),
        flag("q", "quiet"),
        value("", "suffix"),
        letter("t", "in the temporary directory"),
        perhaps("", "tmpdir"),
        flag("u", "dry-run"),
    ],
    misuse: 1,
    strict: false,
};

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Names tried before giving up.
const TRIES: usize = 100;

pub(super) fn run(call: &Call, report: &mut Report) {
    let Some(given) = SYNTAX.read(call, report) else {
        return;
    };
    if given.operands.len() > 1 {
        return report.misuse(call, "too many templates", 1);
    }
    let temporary = || {
        let told = call.env.get("TMPDIR").filter(|told| !told.is_empty());
        told.cloned().unwrap_or_else(|| "/tmp".to_owned())
    };
    let template = given
        .operands
        .first()
        .map_or("tmp.XXXXXXXXXX", String::as_str);
    let directory = match given.last(&["directory for it", "tmpdir", "in the temporary directory"])
    {
        Some("in the temporary directory") => Some(temporary()),
        Some(option) => {
            let told = given.value(option).unwrap_or_default();
            Some(if told.is_empty() {
                temporary()
            } else {
                told.to_owned()
            })
        }
        None if given.operands.is_empty() => Some(temporary()),
        None => None,
    };
    let suffix = given.value("suffix").unwrap_or_default();
    let (stem, rest) = match template.rfind('X') {
        Some(last) if suffix.is_empty() => template.split_at(last + 1),
        _ => (template, ""),
    };
    let tail = format!("{rest}{suffix}");
    let places = stem.len() - stem.trim_end_matches('X').len();
    if places < 3 {
        return report.complain(
            call,
            &format!("too few X's in template {}", call.quote(template)),
            1,
        );
    }
    let named = |name: &str| {
        directory
            .as_ref()
            .map_or(name.to_owned(), |directory| join(directory, name))
    };
    let mut why = Errno::Exists;
    for _ in 0..TRIES {
        let random: String = (0..places)
            .map(|_| char::from(LETTERS[rand::rng().random_range(0..LETTERS.len())]))
            .collect();
        let name = named(&format!("{}{random}{tail}", &stem[..stem.len() - places]));
        let path = call.path(&name);
        if call.view.lstat(&path).is_ok() {
            continue;
        }
        let made = if given.has("dry-run") {
            Ok(())
        } else if given.has("directory") {
            call.view.make_dir_with_mode(&path, 0o700)
        } else {
            call.view.write_with_mode(&path, &[], 0o600)
        };
        match made {
            Ok(()) => return report.line(&name),
            Err(errno) => {
                why = errno;
                if errno != Errno::Exists {
                    break;
                }
            }
        }
    }
    if given.has("quiet") {
        report.code = 1;
        return;
    }
    let what = if given.has("directory") {
        "directory"
    } else {
        "file"
    };
    let text = format!(
        "failed to create {what} via template {}: {why}",
        call.quote(&named(template))
    );
    report.complain(call, &text, 1);
}
