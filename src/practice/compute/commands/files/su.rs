//! `su`: another user's shell. Root may; nobody else has a password to give.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use bashkit::{
    Builtin, BuiltinContext, Command, CommandContext, CommandStatus, ExecResult, async_trait,
};

use super::become_user::{Change, Depth, Output, What, depth};
use super::nested::Nest;
use super::options::{Syntax, flag, value};
use super::program::{Call, Report, UMASK, absolute};
use super::screen::Screen;
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

/// `su`, for one shell.
#[derive(Clone)]
pub(super) struct Su {
    pub seat: Seat,
    pub screen: Screen,
    pub nest: Nest,
}

struct Invocation {
    args: Vec<String>,
    env: HashMap<String, String>,
    cwd: String,
    stdin: Vec<u8>,
    nest: Option<Nest>,
    depth: Depth,
}

#[async_trait]
impl Command for Su {
    async fn execute(&self, ctx: CommandContext<'_>) -> bashkit::Result<CommandStatus> {
        let mut stdin = Vec::new();
        while let Some(chunk) = ctx.stdin.read_chunk().await? {
            stdin.extend(chunk);
        }
        let invocation = Invocation {
            args: ctx.args.to_vec(),
            env: ctx.env.clone(),
            cwd: absolute("/", &ctx.cwd.to_string_lossy()),
            stdin,
            nest: None,
            depth: depth(ctx.execution_extension::<Depth>()),
        };
        let output = Output::Live(&ctx.stdout, &ctx.stderr);
        let status = self.run(invocation, &output).await?;
        Ok(CommandStatus::with_code(status))
    }
}

#[async_trait]
impl Builtin for Su {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let inherited = ctx
            .execution_extension::<Nest>()
            .and_then(|nest| nest.try_with(Clone::clone).ok());
        let invocation = Invocation {
            args: ctx.args.to_vec(),
            env: ctx.env.clone(),
            cwd: absolute("/", &ctx.cwd.to_string_lossy()),
            stdin: ctx.stdin_bytes().unwrap_or_default().to_vec(),
            nest: inherited.clone().or_else(|| self.nest.if_alone()),
            depth: depth(ctx.execution_extension::<Depth>()),
        };
        let output = Output::Kept(Mutex::default());
        let status = ctx
            .run_budgeted(Box::pin(self.run(invocation, &output)))
            .await??;
        if inherited.is_none() {
            self.nest.show_prompt(ctx.variables, ctx.env);
        }
        Ok(output.finish(status))
    }
}

impl Su {
    async fn run(&self, invocation: Invocation, output: &Output<'_>) -> bashkit::Result<i32> {
        let host = &self.seat.host;
        let call = Call {
            program: "su",
            args: invocation.args,
            env: invocation.env,
            cwd: invocation.cwd,
            user: self.seat.user.name.clone(),
            view: host.view(&self.seat.user),
            now: host.clock.now(),
            to_screen: false,
            stdin: String::new(),
            umask: UMASK,
        };
        let mut report = Report::default();
        let Some(given) = SYNTAX.read(&call, &mut report) else {
            output.out(report.out.as_bytes()).await?;
            output.err(report.err.as_bytes()).await?;
            return Ok(report.code);
        };
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
        if !self.seat.user.identity.is_root() {
            return output.complain("su: Authentication failure", 1).await;
        }
        let shell = given.value("shell").unwrap_or(&user.shell);
        if shell.ends_with("nologin") || shell.ends_with("/false") {
            let line = "This account is currently not available.";
            return output.complain(line, 1).await;
        }
        let what = match given.value("command") {
            Some(line) => What::Line(line.to_owned(), operands),
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
            seat: &self.seat,
            user,
            login,
            env,
            cwd: call.cwd.clone(),
            stdin: invocation.stdin,
            on_screen: self.screen.lists("su"),
            nest: invocation.nest,
            depth: invocation.depth,
        };
        change.run(what, output).await
    }
}
