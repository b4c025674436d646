//! `groupadd`, `groupdel`: groups of the guest, in its own files.

use super::database::{Database, valid_name};
use super::options::{Given, Syntax, flag, value};
use super::program::{Call, Report};

const GROUPADD: Syntax = Syntax {
    operands: "GROUP",
    about: "Create a new group.",
    options: &[
        flag("f", "force"),
        value("g", "gid"),
        flag("o", "non-unique"),
        flag("r", "system"),
    ],
    misuse: 2,
    strict: false,
};

const GROUPDEL: Syntax = Syntax {
    operands: "GROUP",
    about: "Delete a group.",
    options: &[flag("f", "force")],
    misuse: 2,
    strict: false,
};

fn name<'a>(call: &Call, given: &'a Given, report: &mut Report) -> Option<&'a str> {
    if let [name] = given.operands.as_slice() {
        return Some(name);
    }
    report
        .err
        .push_str(&format!("Usage: {} [options] GROUP\n", call.program));
    report.code = 2;
    None
}

pub(super) fn groupadd(call: &Call, report: &mut Report) {
    let Some(given) = GROUPADD.read(call, report) else {
        return;
    };
    let Some(name) = name(call, &given, report) else {
        return;
    };
    let Some(mut database) = Database::open(call, report) else {
        return;
    };
    if !valid_name(name) {
        return report.complain(call, &format!("'{name}' is not a valid group name"), 3);
    }
    if database.group.iter().any(|line| line[0] == name) {
        if !given.has("force") {
            report.complain(call, &format!("group '{name}' already exists"), 9);
        }
        return;
    }
    let gid = match given.value("gid") {
        None => database.free_id(given.has("system"), None, true),
        Some(text) => {
            let Ok(gid) = text.parse::<u32>() else {
                return report.complain(call, &format!("invalid group ID '{text}'"), 3);
            };
            if database.has_gid(gid) && !given.has("non-unique") {
                return report.complain(call, &format!("GID '{gid}' already exists"), 4);
            }
            gid
        }
    };
    database.add_group(name, gid);
    database.save(call, report);
}

pub(super) fn groupdel(call: &Call, report: &mut Report) {
    let Some(given) = GROUPDEL.read(call, report) else {
        return;
    };
    let Some(name) = name(call, &given, report) else {
        return;
    };
    let Some(mut database) = Database::open(call, report) else {
        return;
    };
    let Some(line) = database.group.iter().find(|line| line[0] == name) else {
        return report.complain(call, &format!("group '{name}' does not exist"), 6);
    };
    if let Some(user) = line.get(2).and_then(|gid| database.primary_of(gid))
        && !given.has("force")
    {
        let text = format!("cannot remove the primary group of user '{user}'");
        return report.complain(call, &text, 8);
    }
    database.remove_group(name);
    database.save(call, report);
}
