//! `chown` and `chgrp`.

use super::options::{Given, Syntax, flag, letter, value};
use super::program::{Call, Report, join};
use super::quote::always;
use crate::practice::compute::users::Accounts;
use crate::practice::storage::{Errno, NodeType};

const OPTIONS: &[super::options::Opt] = &[
    flag("c", "changes"),
    flag("f", "silent"),
    flag("", "quiet"),
    flag("v", "verbose"),
    flag("", "dereference"),
    flag("h", "no-dereference"),
    flag("R", "recursive"),
    letter("H", "enter operands"),
    letter("L", "enter links"),
    letter("P", "enter no links"),
    value("", "reference"),
    value("", "from"),
    flag("", "preserve-root"),
    flag("", "no-preserve-root"),
];

const CHOWN: Syntax = Syntax {
    operands: "[OWNER][:[GROUP]] FILE...",
    about: "Change the owner and/or group of each FILE to OWNER and/or GROUP.",
    options: OPTIONS,
    misuse: 1,
    strict: false,
};

const CHGRP: Syntax = Syntax {
    operands: "GROUP FILE...",
    about: "Change the group of each FILE to GROUP.",
    options: OPTIONS,
    misuse: 1,
    strict: false,
};

/// Owner and group to be set; `None`: left as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Owner {
    /// User id.
    pub uid: Option<u32>,
    /// Group id.
    pub gid: Option<u32>,
}

/// A number as it is given for an id.
pub(super) fn numeric(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// A group by name or number.
pub(super) fn group(text: &str, accounts: &Accounts) -> Option<u32> {
    accounts.group(text).or_else(|| numeric(text))
}

impl Owner {
    /// `user`, `user:group`, `user:` (its login group), `:group`; `Err`: what is wrong with it.
    fn parse(text: &str, call: &Call, accounts: &Accounts) -> Result<Self, String> {
        // The dot is the old separator: taken only if there is no user of that name.
        let whole = accounts.user(text).is_some();
        let (user, group_name) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None if !whole => match text.split_once('.') {
                Some((user, group)) => (user, Some(group)),
                None => (text, None),
            },
            None => (text, None),
        };
        let mut owner = Self::default();
        if !user.is_empty() {
            let known = accounts.user(user);
            let uid = known
                .as_ref()
                .map(|known| known.identity.uid)
                .or_else(|| numeric(user.strip_prefix('+').unwrap_or(user)));
            let Some(uid) = uid else {
                return Err(format!("invalid user: {}", call.quote(text)));
            };
            owner.uid = Some(uid);
            if group_name == Some("") {
                let Some(known) = known else {
                    return Err(format!("invalid spec: {}", call.quote(text)));
                };
                owner.gid = Some(known.identity.gid);
            }
        }
        if let Some(name) = group_name.filter(|name| !name.is_empty()) {
            let Some(gid) = group(name.strip_prefix('+').unwrap_or(name), accounts) else {
                return Err(format!("invalid group: {}", call.quote(text)));
            };
            owner.gid = Some(gid);
        }
        Ok(owner)
    }
}

struct Change<'a> {
    call: &'a Call,
    accounts: &'a Accounts,
    owner: Owner,
    from: Owner,
    follow: bool,
    /// Which links a recursion enters.
    enters: Option<&'static str>,
    recursive: bool,
    silent: bool,
    /// `-v` tells everything, `-c` what changed.
    verbose: bool,
    changes: bool,
    /// `ownership` or `group`.
    what: &'static str,
}

pub(super) fn chown(call: &Call, report: &mut Report) {
    let Some(mut given) = CHOWN.read(call, report) else {
        return;
    };
    let accounts = call.accounts();
    let Some(owner) = requested(call, &mut given, report, |text| {
        Owner::parse(text, call, &accounts)
    }) else {
        return;
    };
    let from = match given
        .value("from")
        .map(|text| Owner::parse(text, call, &accounts))
    {
        None => Owner::default(),
        Some(Ok(from)) => from,
        Some(Err(why)) => return report.complain(call, &why, 1),
    };
    change(call, &given, owner, from, "ownership", report);
}

pub(super) fn chgrp(call: &Call, report: &mut Report) {
    let Some(mut given) = CHGRP.read(call, report) else {
        return;
    };
    let accounts = call.accounts();
    let Some(mut owner) = requested(call, &mut given, report, |text| {
        if text.is_empty() {
            return Ok(Owner::default());
        }
        group(text, &accounts)
            .map(|gid| Owner {
                uid: None,
                gid: Some(gid),
            })
            .ok_or_else(|| format!("invalid group: {}", call.quote(text)))
    }) else {
        return;
    };
    owner.uid = None;
    change(call, &given, owner, Owner::default(), "group", report);
}

/// The new owner: from `--reference` or the first operand, which is taken away.
fn requested(
    call: &Call,
    given: &mut Given,
    report: &mut Report,
    parse: impl Fn(&str) -> Result<Owner, String>,
) -> Option<Owner> {
    let owner = if let Some(reference) = given.value("reference") {
        match call.view.stat(&call.path(reference)) {
            Ok(attr) => Ok(Owner {
                uid: Some(attr.uid),
                gid: Some(attr.gid),
            }),
            Err(why) => Err(format!(
                "failed to get attributes of {}: {why}",
                always(reference)
            )),
        }
    } else if given.operands.is_empty() {
        report.misuse(call, "missing operand", 1);
        return None;
    } else {
        let first = given.operands.remove(0);
        if given.operands.is_empty() {
            report.misuse(
                call,
                &format!("missing operand after {}", call.quote(&first)),
                1,
            );
            return None;
        }
        parse(&first)
    };
    match owner {
        Ok(_) if given.operands.is_empty() => {
            report.misuse(call, "missing operand", 1);
            None
        }
        Ok(owner) => Some(owner),
        Err(why) => {
            report.complain(call, &why, 1);
            None
        }
    }
}

fn change(
    call: &Call,
    given: &Given,
    owner: Owner,
    from: Owner,
    what: &'static str,
    report: &mut Report,
) {
    let accounts = call.accounts();
    let recursive = given.has("recursive");
    let links = given
        .last(&["enter operands", "enter links", "enter no links"])
        .or(recursive.then_some("enter no links"));
    if recursive && links == Some("enter no links") && given.has("dereference") {
        return report.complain(call, "-R --dereference requires either -H or -L", 1);
    }
    let change = Change {
        call,
        accounts: &accounts,
        owner,
        from,
        // In a recursion links themselves are changed, unless links are entered too.
        follow: given.last(&["dereference", "no-dereference"]) != Some("no-dereference")
            && (!given.has("recursive") || links != Some("enter no links")),
        enters: links,
        recursive: given.has("recursive"),
        silent: given.has("silent") || given.has("quiet"),
        verbose: given.has("verbose"),
        changes: given.has("changes"),
        what,
    };
    for operand in &given.operands {
        change.one(operand, &call.path(operand), true, report);
    }
}

impl Change<'_> {
    fn one(&self, shown: &str, path: &str, operand: bool, report: &mut Report) {
        let view = &self.call.view;
        let mut attr = match view.lstat(path) {
            Ok(attr) => attr,
            Err(why) => return self.fail("cannot access", shown, why, report),
        };
        let link = attr.node_type == NodeType::Symlink;
        let follow = self.follow && link;
        if follow {
            match view.stat(path) {
                Ok(target) => attr = target,
                Err(why) => return self.fail("cannot dereference", shown, why, report),
            }
        }
        let enters = match self.enters {
            Some("enter links") => true,
            Some("enter operands") => operand,
            _ => false,
        };
        if self.recursive && attr.is_dir() && (!link || enters) {
            match view.list(path) {
                Ok(entries) => {
                    for (name, _) in entries {
                        self.one(&join(shown, &name), &join(path, &name), false, report);
                    }
                }
                Err(why) => self.fail("cannot read directory", shown, why, report),
            }
        }
        let applies = self.from.uid.is_none_or(|uid| uid == attr.uid)
            && self.from.gid.is_none_or(|gid| gid == attr.gid);
        if !applies {
            return;
        }
        if let Err(why) = view.set_owner(path, self.owner.uid, self.owner.gid, follow) {
            let doing = format!("changing {} of", self.what);
            return self.fail(&doing, shown, why, report);
        }
        let changed = self.owner.uid.is_some_and(|uid| uid != attr.uid)
            || self.owner.gid.is_some_and(|gid| gid != attr.gid);
        if self.verbose || (self.changes && changed) {
            self.tell(shown, (attr.uid, attr.gid), changed, report);
        }
    }

    fn tell(&self, shown: &str, old: (u32, u32), changed: bool, report: &mut Report) {
        let name = |uid: u32, gid: u32| match (self.what, self.owner.uid, self.owner.gid) {
            ("group", ..) | (_, None, _) => self.accounts.group_name(gid),
            (_, Some(_), None) => self.accounts.user_name(uid),
            (_, Some(_), Some(_)) => format!(
                "{}:{}",
                self.accounts.user_name(uid),
                self.accounts.group_name(gid)
            ),
        };
        let what = if self.owner.uid.is_none() {
            "group"
        } else {
            self.what
        };
        let new = name(
            self.owner.uid.unwrap_or(old.0),
            self.owner.gid.unwrap_or(old.1),
        );
        let shown = always(shown);
        report.line(&if changed {
            format!(
                "changed {what} of {shown} from {} to {new}",
                name(old.0, old.1)
            )
        } else {
            format!("{what} of {shown} retained as {new}")
        });
    }

    fn fail(&self, doing: &str, shown: &str, why: Errno, report: &mut Report) {
        if self.silent {
            report.code = report.code.max(1);
        } else {
            report.refuse(self.call, doing, shown, why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::numeric;

    #[test]
    fn ids_are_digits_only() {
        assert_eq!(numeric("1000"), Some(1000));
        assert_eq!(numeric(""), None);
        assert_eq!(numeric("-1"), None);
        assert_eq!(numeric("10a"), None);
        assert_eq!(numeric("99999999999"), None);
    }
}
