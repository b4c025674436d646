//! `sudo`: who may run what as whom, by the rules of /etc/sudoers. No passwords: there are none here.

use std::collections::BTreeMap;

use bashkit::async_trait;

use super::become_user::{Change, What};
use super::options::{Given, Syntax, flag, letter, value};
use super::program::Call;
use super::switch::{Invocation, Switcher};
use crate::practice::compute::commands::inner::Output;
use crate::practice::compute::host::Seat;
use crate::practice::compute::users::{Accounts, User};

const SYNTAX: Syntax = Syntax {
    operands: "[VAR=value]... COMMAND [ARGUMENT]...",
    about: "Execute a command as another user.",
    options: &[
        flag("A", "askpass"),
        flag("b", "background"),
        flag("E", "preserve-env"),
        value("g", "group"),
        flag("H", "set-home"),
        flag("i", "login"),
        flag("K", "remove-timestamp"),
        flag("k", "reset-timestamp"),
        flag("l", "list"),
        flag("n", "non-interactive"),
        flag("P", "preserve-groups"),
        value("p", "prompt"),
        flag("S", "stdin"),
        flag("s", "shell"),
        value("u", "user"),
        flag("v", "validate"),
        letter("V", "version"),
    ],
    misuse: 1,
    strict: true,
};

/// Variables that the policy of Amazon Linux lets through (`env_keep`).
const KEPT: &[&str] = &[
    "COLORS",
    "DISPLAY",
    "HOSTNAME",
    "HISTSIZE",
    "KDEDIR",
    "LS_COLORS",
    "MAIL",
    "QTDIR",
    "USERNAME",
    "LANG",
    "LC_ADDRESS",
    "LC_CTYPE",
    "LC_COLLATE",
    "LC_IDENTIFICATION",
    "LC_MEASUREMENT",
    "LC_MESSAGES",
    "LC_MONETARY",
    "LC_NAME",
    "LC_NUMERIC",
    "LC_PAPER",
    "LC_TELEPHONE",
    "LC_TIME",
    "LC_ALL",
    "LANGUAGE",
    "LINGUAS",
    "XAUTHORITY",
    "TERM",
    "COLUMNS",
    "LINES",
    "TZ",
];

/// The PATH of what runs (`secure_path`).
const SECURE_PATH: &str = "/sbin:/bin:/usr/sbin:/usr/bin";

/// `sudo`.
pub(super) struct Sudo;

#[async_trait]
impl Switcher for Sudo {
    const NAME: &'static str = "sudo";
    const SYNTAX: Syntax = SYNTAX;

    fn runs(&self, seat: &Seat, given: &Given) -> Option<(User, Vec<String>)> {
        let accounts = Accounts::read(&seat.host.root());
        let user = find(&accounts, given.value("user").unwrap_or("root"))?;
        let (_, words) = split_assignments(&given.operands);
        let plain = !["login", "shell", "list", "group"]
            .iter()
            .any(|name| given.has(name));
        (plain && permitted(seat, &accounts)).then_some((user, words))
    }

    async fn run(
        &self,
        seat: &Seat,
        given: Given,
        invocation: Invocation,
        output: &Output<'_>,
    ) -> bashkit::Result<i32> {
        let host = &seat.host;
        let call = invocation.call;
        let accounts = call.accounts();
        let named = given.value("user").unwrap_or("root");
        let Some(user) = find(&accounts, named) else {
            let line = format!("sudo: unknown user {named}");
            return output.complain(&line, 1).await;
        };
        let me = &seat.user;
        if !permitted(seat, &accounts) {
            if given.has("non-interactive") {
                return output.complain("sudo: a password is required", 1).await;
            }
            if given.has("list") {
                let line = format!(
                    "Sorry, user {} may not run sudo on {}.",
                    me.name,
                    host.hostname()
                );
                return output.complain(&line, 1).await;
            }
            let line = format!("{} is not in the sudoers file.", me.name);
            return output.complain(&line, 1).await;
        }
        if given.has("list") {
            let text = format!(
                "User {} may run the following commands on {}:\n    (ALL) NOPASSWD: ALL\n",
                me.name,
                host.hostname()
            );
            output.out(text.as_bytes()).await?;
            return Ok(0);
        }
        let (variables, words) = split_assignments(&given.operands);
        let login = given.has("login");
        let what = match (login || given.has("shell"), words.is_empty()) {
            (true, true) => What::Shell,
            (true, false) => What::Line(line(&words), Vec::new()),
            (false, false) => What::Program(words.clone()),
            (false, true) if nothing_to_do(&given) => return Ok(0),
            (false, true) => {
                return output.complain("usage: sudo [-AbEHknPS] [-g group] [-p prompt] [-u user] [VAR=value] [-i | -s] [command [arg ...]]", 1).await;
            }
        };
        let change = Change {
            program: "sudo",
            seat,
            env: environment(&call, &given, &user, me, &words, variables),
            user: as_group(user, &given, &accounts),
            login,
            cwd: call.cwd.clone(),
            stdin: invocation.stdin,
            on_screen: invocation.on_screen,
            keyboard: invocation.keyboard,
            nest: invocation.nest,
            depth: invocation.depth,
        };
        Box::pin(change.run(what, output)).await
    }
}

/// `-v`, `-k` and `-K` need no command, and there is no timestamp to renew.
fn nothing_to_do(given: &Given) -> bool {
    ["validate", "reset-timestamp", "remove-timestamp", "version"]
        .iter()
        .any(|name| given.has(name))
}

/// A user by name or `#number`.
fn find(accounts: &Accounts, name: &str) -> Option<User> {
    match name.strip_prefix('#') {
        Some(number) => accounts.user_of(number.parse().ok()?),
        None => accounts.user(name),
    }
}

/// The user with the group that `-g` names.
fn as_group(mut user: User, given: &Given, accounts: &Accounts) -> User {
    if let Some(gid) = given.value("group").and_then(|name| {
        accounts
            .group(name)
            .or_else(|| name.strip_prefix('#')?.parse().ok())
    }) {
        user.identity.gid = gid;
    }
    user
}

/// Leading `VAR=value` words, and the rest.
fn split_assignments(operands: &[String]) -> (BTreeMap<String, String>, Vec<String>) {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let mut variables = BTreeMap::new();
    let mut words = operands.iter();
    let mut rest = words.as_slice();
    while let Some((name, value)) = words.next().and_then(|word| word.split_once('=')) {
        if !is_name(name) {
            break;
        }
        variables.insert(name.to_owned(), value.to_owned());
        rest = words.as_slice();
    }
    (variables, rest.to_vec())
}

/// Words as one line for a shell: everything quoted but `$`, as sudo hands them to `sh -c`.
fn line(words: &[String]) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| {
            word.chars()
                .flat_map(|c| {
                    let plain = c.is_alphanumeric() || "_-$".contains(c);
                    (!plain).then_some('\\').into_iter().chain([c])
                })
                .collect()
        })
        .collect();
    quoted.join(" ")
}

fn environment(
    call: &Call,
    given: &Given,
    user: &User,
    me: &User,
    words: &[String],
    variables: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let login = given.has("login");
    let all = given.has("preserve-env");
    let mut env: BTreeMap<String, String> = call
        .env
        .iter()
        .filter(|(name, _)| KEPT.contains(&name.as_str()) || (all && !own(name)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if !login {
        env.insert("PATH".to_owned(), SECURE_PATH.to_owned());
    }
    let command = if words.is_empty() {
        user.shell.clone()
    } else {
        words.join(" ")
    };
    for (name, value) in [
        ("SUDO_COMMAND", command),
        ("SUDO_USER", me.name.clone()),
        ("SUDO_UID", me.identity.uid.to_string()),
        ("SUDO_GID", me.identity.gid.to_string()),
    ] {
        env.insert(name.to_owned(), value);
    }
    env.extend(variables);
    env
}

/// Variables that are the other user's own, whatever the caller has.
fn own(name: &str) -> bool {
    matches!(
        name,
        "HOME"
            | "USER"
            | "LOGNAME"
            | "SHELL"
            | "PATH"
            | "PS1"
            | "PWD"
            | "OLDPWD"
            | "UID"
            | "EUID"
            | "MAIL"
    )
}

/// Whether the caller may: root, the first user, members of wheel, and whoever a rule for all commands names.
fn permitted(seat: &Seat, accounts: &Accounts) -> bool {
    let me = &seat.user;
    if me.identity.is_root() || me.name == "ec2-user" {
        return true;
    }
    let groups = &accounts
        .user(&me.name)
        .unwrap_or_else(|| me.clone())
        .identity;
    let names: Vec<String> = groups
        .groups
        .iter()
        .chain([&groups.gid])
        .map(|gid| accounts.group_name(*gid))
        .collect();
    if names.iter().any(|name| name == "wheel") {
        return true;
    }
    let root = seat.host.root();
    let mut rules = root.read_text("/etc/sudoers").unwrap_or_default();
    for (name, _) in root.list("/etc/sudoers.d").unwrap_or_default() {
        // As sudo: files with a dot or a tilde are backups.
        if !name.contains('.') && !name.ends_with('~') {
            rules.push('\n');
            rules.push_str(
                &root
                    .read_text(&format!("/etc/sudoers.d/{name}"))
                    .unwrap_or_default(),
            );
        }
    }
    rules.lines().any(|rule| allows(rule, &me.name, &names))
}

/// Whether a rule lets this user run every command as anybody.
fn allows(rule: &str, user: &str, groups: &[String]) -> bool {
    let rule = rule.split('#').next().unwrap_or_default();
    let Some((who, what)) = rule.split_once(char::is_whitespace) else {
        return false;
    };
    let names = match who.strip_prefix('%') {
        Some(group) => groups.iter().any(|name| name == group),
        None => who == user || who == "ALL",
    };
    let what: String = what.split_whitespace().collect();
    names
        && what.starts_with("ALL=")
        && (what.ends_with(")ALL") || what.ends_with(":ALL") || what == "ALL=ALL")
}

#[cfg(test)]
mod tests {
    use super::{allows, line, split_assignments};

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn assignments_before_the_command_are_its_variables() {
        let (variables, rest) = split_assignments(&words("A=1 B= ls C=3"));
        assert_eq!(variables.get("A").map(String::as_str), Some("1"));
        assert_eq!(variables.get("B").map(String::as_str), Some(""));
        assert_eq!(rest, words("ls C=3"));
        assert_eq!(split_assignments(&words("1A=1 ls")).1, words("1A=1 ls"));
        assert!(split_assignments(&words("A=1")).1.is_empty());
    }

    #[test]
    fn a_login_shell_gets_words_it_reads_back_as_they_were() {
        let given = vec![
            "echo".to_owned(),
            "a b".to_owned(),
            "$HOME".to_owned(),
            "x;y".to_owned(),
        ];
        assert_eq!(line(&given), "echo a\\ b $HOME x\\;y");
    }

    #[test]
    fn rules_name_users_and_groups() {
        let groups = [String::from("dev")];
        assert!(allows("alice ALL=(ALL) NOPASSWD:ALL", "alice", &groups));
        assert!(allows("%dev\tALL=(ALL)\tALL", "alice", &groups));
        assert!(!allows("bob ALL=(ALL) ALL", "alice", &groups));
        assert!(!allows("# alice ALL=(ALL) ALL", "alice", &groups));
        assert!(!allows("alice ALL=(ALL) /usr/bin/ls", "alice", &groups));
        assert!(!allows("Defaults env_reset", "alice", &groups));
    }
}
