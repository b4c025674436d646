//! `su`: another user's shell. Root may; nobody else has a password to give.

use std::collections::BTreeMap;

use bashkit::async_trait;

use super::become_user::{Change, What};
use super::options::{Given, Syntax, flag, value};
use super::program::base;
use super::switch::{Invocation, Switcher};
use crate::practice::compute::commands::inner::Output;
use crate::practice::compute::host::Seat;

const SYNTAX: Syntax = Syntax {
    operands: "[-] [USER [ARGUMENT]...]",
    about: "Change the effective user ID and group ID to that of USER, root by default.",
    options: &[
        value("c", "command"),
        flag("f", "fast"),
        flag("l", "login"),
        flag("mp", "preserve-environment"),
        value("s", "shell"),
        flag("P", "pty"),
    ],
    misuse: 1,
    strict: false,
};

/// `su`.
pub(super) struct Su;

#[async_trait]
impl Switcher for Su {
    const NAME: &'static str = "su";
    const SYNTAX: Syntax = SYNTAX;

    async fn run(
        &self,
        seat: &Seat,
        given: Given,
        invocation: Invocation,
        output: &Output<'_>,
    ) -> bashkit::Result<i32> {
        let call = invocation.call;
        let mut operands = given.operands.clone();
        let mut login = given.has("login");
        if operands.first().is_some_and(|first| first == "-") {
            operands.remove(0);
            login = true;
        }
        let name = if operands.is_empty() {
            "root".to_owned()
        } else {
            operands.remove(0)
        };
        let Some(user) = call.accounts().user(&name) else {
            let line = format!(
                "su: user {name} does not exist or the user entry does not contain all the required fields"
            );
            return output.complain(&line, 1).await;
        };
        if !seat.user.identity.is_root() {
            if let Some(keyboard) = &invocation.keyboard {
                output.err(b"Password: ").await?;
                seat.activity.idle(keyboard.line(true)).await;
            }
            return output.complain("su: Authentication failure", 1).await;
        }
        let shell = given.value("shell").unwrap_or(&user.shell);
        if shell.ends_with("nologin") || shell.ends_with("/false") {
            let line = "This account is currently not available.\n";
            output.out(line.as_bytes()).await?;
            return Ok(1);
        }
        let what = match given.value("command") {
            Some(line) => {
                if operands.is_empty() {
                    operands.push(base(shell).to_owned());
                }
                What::Line(line.to_owned(), operands)
            }
            None if operands.is_empty() => What::Shell,
            // Arguments go to the shell: `su user -- -c line`, `su user script`.
            None => {
                operands.insert(0, "bash".to_owned());
                What::Program(operands)
            }
        };
        let keeps = given.has("preserve-environment") && !login;
        let env: BTreeMap<String, String> = call
            .env
            .iter()
            .filter(|(name, _)| match name.as_str() {
                "TERM" | "COLUMNS" | "LINES" | "LANG" => true,
                "HOME" | "USER" | "LOGNAME" | "SHELL" => keeps,
                "UID" | "EUID" | "PS1" | "PWD" | "OLDPWD" => false,
                // Without a login, everything else stays.
                _ => !login,
            })
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let change = Change {
            program: "su",
            seat,
            user,
            login,
            env,
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
