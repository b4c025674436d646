//! `id`, `whoami`, `groups`: who somebody is.

use super::options::{Syntax, flag};
use super::program::{Call, Report};
use crate::practice::compute::users::Accounts;
use crate::practice::storage::Identity;

const ID: Syntax = Syntax {
    operands: "[USER]...",
    about: "Print user and group information for each specified USER, or for the current user.",
    options: &[
        flag("g", "group"),
        flag("G", "groups"),
        flag("n", "name"),
        flag("r", "real"),
        flag("u", "user"),
        flag("z", "zero"),
        flag("Z", "context"),
        flag("a", "ignored"),
    ],
    misuse: 1,
    strict: false,
};

const NONE: &[super::options::Opt] = &[];

const WHOAMI: Syntax = Syntax {
    operands: "",
    about: "Print the user name associated with the current effective user ID.",
    options: NONE,
    misuse: 1,
    strict: false,
};

const GROUPS: Syntax = Syntax {
    operands: "[USERNAME]...",
    about: "Print group memberships for each USERNAME or, if no USERNAME is specified, for the current process.",
    options: NONE,
    misuse: 1,
    strict: false,
};

/// All groups of somebody, the primary one first.
fn all_groups(identity: &Identity) -> Vec<u32> {
    let mut groups = vec![identity.gid];
    for gid in &identity.groups {
        if !groups.contains(gid) {
            groups.push(*gid);
        }
    }
    groups
}

pub(super) fn id(call: &Call, report: &mut Report) {
    let Some(given) = ID.read(call, report) else {
        return;
    };
    let choices = ["user", "group", "groups"]
        .iter()
        .filter(|choice| given.has(choice))
        .count();
    if choices > 1 {
        return report.complain(call, "cannot print \"only\" of more than one choice", 1);
    }
    if choices == 0 && (given.has("name") || given.has("real")) {
        return report.complain(
            call,
            "cannot print only names or real IDs in default format",
            1,
        );
    }
    let accounts = call.accounts();
    let mut identities = Vec::new();
    for name in &given.operands {
        let numeric = || name.parse().ok().and_then(|uid| accounts.user_of(uid));
        match accounts.user(name).or_else(numeric) {
            Some(user) => identities.push(user.identity),
            None => report.complain(call, &format!("{}: no such user", call.quote(name)), 1),
        }
    }
    if given.operands.is_empty() {
        identities.push(call.view.identity().clone());
    }
    let named = given.has("name");
    let user = |uid: u32| {
        if named {
            accounts.user_name(uid)
        } else {
            uid.to_string()
        }
    };
    let group = |gid: u32| {
        if named {
            accounts.group_name(gid)
        } else {
            gid.to_string()
        }
    };
    for identity in &identities {
        let line = match given.last(&["user", "group", "groups"]) {
            Some("user") => user(identity.uid),
            Some("group") => group(identity.gid),
            Some(_) => {
                let groups: Vec<String> = all_groups(identity).into_iter().map(group).collect();
                groups.join(" ")
            }
            None => full(identity, &accounts),
        };
        report.line(&line);
    }
}

/// `uid=1000(ec2-user) gid=1000(ec2-user) groups=1000(ec2-user),10(wheel)`
fn full(identity: &Identity, accounts: &Accounts) -> String {
    let named = |id: u32, name: String| {
        if name == id.to_string() {
            name
        } else {
            format!("{id}({name})")
        }
    };
    let groups: Vec<String> = all_groups(identity)
        .into_iter()
        .map(|gid| named(gid, accounts.group_name(gid)))
        .collect();
    format!(
        "uid={} gid={} groups={}",
        named(identity.uid, accounts.user_name(identity.uid)),
        named(identity.gid, accounts.group_name(identity.gid)),
        groups.join(",")
    )
}

pub(super) fn whoami(call: &Call, report: &mut Report) {
    let Some(given) = WHOAMI.read(call, report) else {
        return;
    };
    if let Some(extra) = given.operands.first() {
        return report.misuse(call, &format!("extra operand {}", call.quote(extra)), 1);
    }
    let uid = call.view.identity().uid;
    match call.accounts().user_of(uid) {
        Some(user) => report.line(&user.name),
        None => report.complain(call, &format!("cannot find name for user ID {uid}"), 1),
    }
}

pub(super) fn groups(call: &Call, report: &mut Report) {
    let Some(given) = GROUPS.read(call, report) else {
        return;
    };
    let accounts = call.accounts();
    let names = |identity: &Identity| {
        let names: Vec<String> = all_groups(identity)
            .into_iter()
            .map(|gid| accounts.group_name(gid))
            .collect();
        names.join(" ")
    };
    if given.operands.is_empty() {
        return report.line(&names(call.view.identity()));
    }
    for name in &given.operands {
        match accounts.user(name) {
            Some(user) => report.line(&format!("{name} : {}", names(&user.identity))),
            None => report.complain(call, &format!("{}: no such user", call.quote(name)), 1),
        }
    }
}
