//! `useradd`, `userdel`, `usermod`, `passwd`: users of the guest, in its own files.

use super::copy::{Copier, Manner};
use super::database::{Database, home_parent, valid_name};
use super::options::{Given, Syntax, flag, letter, value};
use super::program::{Call, Report, join};
use super::rm::remove_tree;

/// Permissions of a new home (`HOME_MODE` of /etc/login.defs on Amazon Linux).
const HOME_MODE: u32 = 0o700;
/// What a new home begins with.
const SKELETON: &str = "/etc/skel";

const USERADD: Syntax = Syntax {
    operands: "LOGIN",
    about: "Create a new user.",
    options: &[
        value("c", "comment"),
        value("d", "home-dir"),
        value("b", "base-dir"),
        value("e", "expiredate"),
        value("g", "gid"),
        value("G", "groups"),
        value("k", "skel"),
        flag("m", "create-home"),
        flag("M", "no-create-home"),
        flag("N", "no-user-group"),
        flag("o", "non-unique"),
        value("p", "password"),
        flag("r", "system"),
        value("s", "shell"),
        value("u", "uid"),
        flag("U", "user-group"),
    ],
    misuse: 2,
    strict: false,
};

const USERDEL: Syntax = Syntax {
    operands: "LOGIN",
    about: "Delete a user.",
    options: &[flag("f", "force"), flag("r", "remove")],
    misuse: 2,
    strict: false,
};

const USERMOD: Syntax = Syntax {
    operands: "LOGIN",
    about: "Change a user.",
    options: &[
        flag("a", "append"),
        value("c", "comment"),
        value("d", "home"),
        value("g", "gid"),
        value("G", "groups"),
        value("l", "login"),
        flag("L", "lock"),
        flag("m", "move-home"),
        flag("o", "non-unique"),
        value("s", "shell"),
        value("u", "uid"),
        flag("U", "unlock"),
    ],
    misuse: 2,
    strict: false,
};

const PASSWD: Syntax = Syntax {
    operands: "[LOGIN]",
    about: "Lock and unlock passwords. Logins here are by key, so no password can be set.",
    options: &[
        flag("d", "delete"),
        flag("l", "lock"),
        flag("S", "status"),
        flag("u", "unlock"),
        letter("f", "force"),
        flag("", "stdin"),
    ],
    misuse: 2,
    strict: false,
};

/// The one login name that is given.
fn login<'a>(call: &Call, given: &'a Given, report: &mut Report) -> Option<&'a str> {
    if let [name] = given.operands.as_slice() {
        return Some(name);
    }
    report
        .err
        .push_str(&format!("Usage: {} [options] LOGIN\n", call.program));
    report.code = 2;
    None
}

/// Names of the groups of a list; complains about one that is not there.
fn groups(
    call: &Call,
    database: &Database,
    list: &str,
    report: &mut Report,
) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for name in list.split(',').filter(|name| !name.is_empty()) {
        let Some(line) = database.group(name) else {
            report.complain(call, &format!("group '{name}' does not exist"), 6);
            return None;
        };
        names.push(line[0].clone());
    }
    Some(names)
}

pub(super) fn useradd(call: &Call, report: &mut Report) {
    let Some(given) = USERADD.read(call, report) else {
        return;
    };
    let Some(name) = login(call, &given, report) else {
        return;
    };
    let Some(mut database) = Database::open(call, report) else {
        return;
    };
    if !valid_name(name) {
        let text = format!("invalid user name '{name}': use --badname to ignore");
        return report.complain(call, &text, 3);
    }
    if database.user(name).is_some() {
        return report.complain(call, &format!("user '{name}' already exists"), 9);
    }
    let service = given.has("system");
    let uid = match given.value("uid") {
        None => database.free_id(service, None, false),
        Some(text) => {
            let Ok(uid) = text.parse::<u32>() else {
                return report.complain(call, &format!("invalid user ID '{text}'"), 3);
            };
            if database.has_uid(uid) && !given.has("non-unique") {
                return report.complain(call, &format!("UID {uid} is not unique"), 4);
            }
            uid
        }
    };
    let supplementary = match given.value("groups") {
        None => Vec::new(),
        Some(list) => match groups(call, &database, list, report) {
            Some(names) => names,
            None => return,
        },
    };
    let gid = match given.value("gid") {
        Some(group) => {
            let Some(line) = database.group(group) else {
                return report.complain(call, &format!("group '{group}' does not exist"), 6);
            };
            line[2].clone()
        }
        // Group 100, `users`, is the one for all.
        None if given.has("no-user-group") => "100".to_owned(),
        None => {
            if database.group(name).is_some() {
                let text = format!(
                    "group {name} exists - if you want to add this user to that group, use the -g option."
                );
                return report.complain(call, &text, 9);
            }
            let gid = database.free_id(service, Some(uid), true);
            database.add_group(name, gid);
            gid.to_string()
        }
    };
    let home = match (given.value("home-dir"), given.value("base-dir")) {
        (Some(home), _) => home.to_owned(),
        (None, Some(base)) => join(base, name),
        (None, None) => format!("/home/{name}"),
    };
    let shell = given.value("shell").unwrap_or("/bin/bash");
    let comment = given.value("comment").unwrap_or_default();
    let line = [name, "x", &uid.to_string(), &gid, comment, &home, shell];
    database.add_user(line.iter().map(|field| (*field).to_owned()).collect(), call);
    database.set_groups(name, &supplementary, true);
    if !database.save(call, report) {
        return;
    }
    // Amazon Linux makes homes unless told otherwise (`CREATE_HOME yes`), but not those of services.
    let makes = given
        .last(&["create-home", "no-create-home"])
        .map_or(!service, |last| last == "create-home");
    if makes {
        let owner = (uid, gid.parse().unwrap_or(uid));
        make_home(
            call,
            &home,
            given.value("skel").unwrap_or(SKELETON),
            owner,
            report,
        );
    }
}

fn make_home(call: &Call, home: &str, skeleton: &str, owner: (u32, u32), report: &mut Report) {
    let view = &call.view;
    if view.stat(home).is_ok() {
        report.complain(
            call,
            &format!("warning: the home directory {home} already exists."),
            0,
        );
        return report.complain(call, "Not copying any file from skel directory into it.", 0);
    }
    if home_parent(call, home).is_none() || view.make_dir(home).is_err() {
        return report.complain(call, &format!("cannot create directory {home}"), 12);
    }
    if view.stat(skeleton).is_ok() {
        let mut copier = Copier::new(call, Manner::ARCHIVE);
        copier.copy(&join(skeleton, "."), home, report);
    }
    // The files are as old as those of the skeleton, the home is as old as the user.
    let made = own(call, home, owner)
        .and_then(|()| view.set_mode(home, HOME_MODE))
        .and_then(|()| view.set_times(home, Some(call.now), Some(call.now)));
    if let Err(why) = made {
        report.complain(call, &format!("cannot set the owner of {home}: {why}"), 12);
    }
}

/// Gives a tree to somebody.
fn own(call: &Call, path: &str, owner: (u32, u32)) -> crate::practice::storage::Outcome<()> {
    let view = &call.view;
    if view.lstat(path)?.is_dir() {
        for (name, _) in view.list(path)? {
            own(call, &join(path, &name), owner)?;
        }
    }
    view.set_owner(path, Some(owner.0), Some(owner.1), false)
}

pub(super) fn userdel(call: &Call, report: &mut Report) {
    let Some(given) = USERDEL.read(call, report) else {
        return;
    };
    let Some(name) = login(call, &given, report) else {
        return;
    };
    let Some(mut database) = Database::open(call, report) else {
        return;
    };
    let Some(line) = database.user(name).cloned() else {
        return report.complain(call, &format!("user '{name}' does not exist"), 6);
    };
    if database.remove_user(name) {
        let text = format!("group {name} not removed because it has other members.");
        report.complain(call, &text, 0);
    }
    if !database.save(call, report) || !given.has("remove") {
        return;
    }
    let home = line.get(5).cloned().unwrap_or_default();
    match call.view.lstat(&home) {
        Err(_) => {
            report.complain(
                call,
                &format!("{name} home directory ({home}) not found"),
                0,
            );
        }
        Ok(attr) if line.get(2) != Some(&attr.uid.to_string()) && !given.has("force") => {
            let text = format!("{home} not owned by {name}, not removing");
            report.complain(call, &text, 12);
        }
        Ok(_) => remove_tree(call, &home, false, report),
    }
}

pub(super) fn usermod(call: &Call, report: &mut Report) {
    let Some(given) = USERMOD.read(call, report) else {
        return;
    };
    let Some(name) = login(call, &given, report) else {
        return;
    };
    let Some(mut database) = Database::open(call, report) else {
        return;
    };
    let Some(before) = database.user(name).cloned() else {
        return report.complain(call, &format!("user '{name}' does not exist"), 6);
    };
    if given.has("append") && !given.has("groups") {
        return report.complain(call, "-a flag is only allowed with the -G flag", 2);
    }
    if given.options.is_empty() {
        return report.complain(call, "no flags given", 2);
    }
    if let Some(list) = given.value("groups") {
        let Some(names) = groups(call, &database, list, report) else {
            return;
        };
        database.set_groups(name, &names, given.has("append"));
    }
    let mut line = before.clone();
    line.resize(7, String::new());
    if let Some(group) = given.value("gid") {
        let Some(gid) = database.group(group).map(|line| line[2].clone()) else {
            return report.complain(call, &format!("group '{group}' does not exist"), 6);
        };
        line[3] = gid;
    }
    if let Some(text) = given.value("uid") {
        let Ok(uid) = text.parse::<u32>() else {
            return report.complain(call, &format!("invalid user ID '{text}'"), 3);
        };
        if database.has_uid(uid) && before[2] != *text && !given.has("non-unique") {
            return report.complain(call, &format!("UID '{uid}' already exists"), 4);
        }
        line[2] = uid.to_string();
    }
    for (option, field) in [("comment", 4), ("home", 5), ("shell", 6)] {
        if let Some(text) = given.value(option) {
            text.clone_into(&mut line[field]);
        }
    }
    let after = line.clone();
    if let Some(entry) = database.user_mut(name) {
        *entry = line;
    }
    if given.has("lock") || given.has("unlock") {
        lock(&mut database, name, given.has("lock"));
    }
    if let Some(new) = given.value("login") {
        if !valid_name(new) {
            return report.complain(call, &format!("invalid user name '{new}'"), 3);
        }
        if database.user(new).is_some() {
            return report.complain(call, &format!("user '{new}' already exists"), 9);
        }
        database.rename_user(name, new);
    }
    if database.save(call, report) {
        follow(call, &before, &after, given.has("move-home"), report);
    }
}

/// Moves the home with its name, and gives its files to the new id.
fn follow(call: &Call, before: &[String], after: &[String], moves: bool, report: &mut Report) {
    let (old, new) = (&before[5], &after[5]);
    if moves && old != new && call.view.stat(old).is_ok() {
        let moved = match call.view.rename_one(old, new) {
            Err(crate::practice::storage::Errno::CrossDevice) => {
                let mut copier = Copier::new(call, Manner::ARCHIVE);
                if copier.copy(old, new, report) {
                    remove_tree(call, old, false, report);
                }
                Ok(())
            }
            outcome => outcome,
        };
        if let Err(why) = moved {
            let text = format!("cannot rename directory {old} to {new}: {why}");
            return report.complain(call, &text, 12);
        }
    }
    if before[2] != after[2]
        && let (Ok(from), Ok(to)) = (before[2].parse(), after[2].parse())
        && let Err(why) = hand_over(call, new, from, to)
    {
        report.complain(
            call,
            &format!("failed to change ownership of the home directory: {why}"),
            12,
        );
    }
}

/// Files of one user id become those of another.
fn hand_over(call: &Call, path: &str, from: u32, to: u32) -> crate::practice::storage::Outcome<()> {
    let view = &call.view;
    let attr = view.lstat(path)?;
    if attr.is_dir() {
        for (name, _) in view.list(path)? {
            hand_over(call, &join(path, &name), from, to)?;
        }
    }
    if attr.uid == from {
        view.set_owner(path, Some(to), None, false)?;
    }
    Ok(())
}

fn lock(database: &mut Database, name: &str, locked: bool) {
    if let Some(password) = database.password_mut(name) {
        let open = password.trim_start_matches('!').to_owned();
        *password = if locked || open.is_empty() {
            format!("!!{open}")
        } else {
            open
        };
    }
}

pub(super) fn passwd(call: &Call, report: &mut Report) {
    let Some(given) = PASSWD.read(call, report) else {
        return;
    };
    let name = given.operands.first().unwrap_or(&call.user).clone();
    let Some(choice) = given.last(&["delete", "lock", "status", "unlock"]) else {
        return report.complain(
            call,
            "logins to this host are by key, and sudo asks for no password: there is none to change",
            1,
        );
    };
    if !call.view.identity().is_root() {
        return report.complain(call, "Only root can do that.", 1);
    }
    let Some(mut database) = Database::open(call, report) else {
        return;
    };
    if database.user(&name).is_none() {
        return report.complain(call, &format!("Unknown user name '{name}'."), 1);
    }
    match choice {
        "status" => {
            let locked = database
                .password_mut(&name)
                .is_none_or(|password| password.starts_with('!') || password.starts_with('*'));
            let state = if locked { "LK" } else { "NP" };
            let told = if locked {
                "(Password locked.)"
            } else {
                "(Empty password.)"
            };
            return report.line(&format!("{name} {state} {told}"));
        }
        "delete" => {
            if let Some(password) = database.password_mut(&name) {
                password.clear();
            }
            report.line(&format!("Removing password for user {name}."));
        }
        choice => {
            let locks = choice == "lock";
            lock(&mut database, &name, locks);
            let doing = if locks { "Locking" } else { "Unlocking" };
            report.line(&format!("{doing} password for user {name}."));
        }
    }
    if database.save(call, report) {
        report.line("passwd: Success");
    }
}
