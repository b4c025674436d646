//! How a program of this folder is called and what it answers. Nothing of a particular program enters here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bashkit::{Builtin, BuiltinContext, ExecResult, async_trait};
use jiff::Timestamp;

use super::questions::{self, Questions};
use super::quote::{always, typographic};
use super::screen::Screen;
use crate::practice::clock::Clock;
use crate::practice::compute::host::Seat;
use crate::practice::compute::patience::give_way;
use crate::practice::compute::users::Accounts;
use crate::practice::storage::{Errno, Use, View};

/// The umask of a fresh session, which a view has too.
pub(super) const UMASK: u32 = 0o022;
/// The variable in which the shell keeps what `umask` set, in octal; a subshell has its own.
const UMASK_VARIABLE: &str = "_UMASK";

/// What `umask` set in this shell.
pub(super) fn umask(variables: &HashMap<String, String>) -> u32 {
    let umask = variables.get(UMASK_VARIABLE);
    let umask = umask.and_then(|umask| u32::from_str_radix(umask, 8).ok());
    umask.unwrap_or(UMASK)
}

/// One invocation of a program.
#[derive(Clone)]
pub(super) struct Call {
    /// What it was called as.
    pub program: &'static str,
    /// Arguments without the name.
    pub args: Vec<String>,
    /// Exported variables.
    pub env: HashMap<String, String>,
    /// Absolute working directory.
    pub cwd: String,
    /// The caller's login name.
    pub user: String,
    /// The namespace with the caller's permissions.
    pub view: View,
    /// Account time when it was called.
    pub now: Timestamp,
    /// Whether standard output is the terminal.
    pub to_screen: bool,
    /// Standard input.
    pub stdin: String,
    /// Bits that what is made does not get.
    pub umask: u32,
    /// Takes what it asks, if its input is a terminal; otherwise the answers are on standard input.
    pub questions: Option<Questions>,
}

impl Call {
    /// A path as the view wants it: absolute, without `.`, `..` and doubled slashes.
    pub fn path(&self, operand: &str) -> String {
        absolute(&self.cwd, operand)
    }

    /// Waits until nothing holds up what this invocation is about: its operands, and what is below them when it goes
    /// through trees. The work itself waits for nothing.
    pub async fn pass(&self) {
        if NAMELESS.contains(&self.program) {
            return;
        }
        let words = self.args.iter().filter(|word| !word.starts_with('-'));
        let mut operands: Vec<String> = words.map(|word| self.path(word)).collect();
        if OWNERS.contains(&self.program) && !operands.is_empty() {
            operands.remove(0);
        }
        if operands.is_empty() && WALKERS.contains(&self.program) {
            operands.push(self.cwd.clone());
        }
        let walks = WALKERS.contains(&self.program) || self.args.iter().any(|word| is_deep(word));
        for (at, path) in operands.iter().enumerate() {
            self.view.pass(path, Use::Look).await;
            let copied_to = self.program == "cp" && at + 1 == operands.len();
            if copied_to || CHANGERS.contains(&self.program) {
                self.view.pass(path, Use::Change).await;
            }
            if walks {
                self.view.pass_below(path).await;
            }
        }
    }

    /// The same invocation with other arguments.
    pub fn with_args(&self, args: Vec<String>) -> Self {
        Self {
            args,
            ..self.clone()
        }
    }

    /// Names of users and groups at this moment.
    pub fn accounts(&self) -> Accounts {
        Accounts::read(&self.view)
    }

    /// A name in quotation marks of the caller's language environment, as most messages have it.
    pub fn quote(&self, name: &str) -> String {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .filter_map(|variable| self.env.get(*variable))
            .find(|value| !value.is_empty())
            .map(|value| value.to_ascii_lowercase())
            .unwrap_or_default();
        if locale.contains("utf-8") || locale.contains("utf8") {
            typographic(name)
        } else {
            always(name)
        }
    }
}

/// Programs whose operands are no paths.
const NAMELESS: &[&str] = &[
    "groupadd", "groupdel", "groups", "id", "passwd", "usermod", "whoami",
];
/// Programs whose first operand is no path.
const OWNERS: &[&str] = &["chgrp", "chmod", "chown"];
/// Programs that look at what is below their operands in any case.
const WALKERS: &[&str] = &["dir", "du", "ls", "vdir"];
/// Programs that change what their operands name.
const CHANGERS: &[&str] = &[
    "chgrp", "chmod", "chown", "install", "ln", "link", "mkdir", "mktemp", "mv", "rm", "rmdir",
    "touch", "unlink",
];

/// Whether an option means all that is below a directory: `-r`, `-R`, `-a`, together with others or not.
fn is_deep(word: &str) -> bool {
    match word.strip_prefix("--") {
        Some(long) => matches!(long, "recursive" | "archive"),
        None => word
            .strip_prefix('-')
            .is_some_and(|letters| letters.contains(['r', 'R', 'a'])),
    }
}

/// `path` seen from `cwd`, without `.`, `..` and doubled slashes.
pub(super) fn absolute(cwd: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let base = if path.starts_with('/') { "" } else { cwd };
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The name of `name` in the directory `directory`.
pub(super) fn join(directory: &str, name: &str) -> String {
    if directory.ends_with('/') {
        format!("{directory}{name}")
    } else {
        format!("{directory}/{name}")
    }
}

/// The directory that a normalized path is in.
pub(super) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

/// The last part of an operand, trailing slashes left out.
pub(super) fn base(operand: &str) -> &str {
    let trimmed = operand.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/";
    }
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}

/// What a program printed and the status it ends with.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Exit status.
    pub code: i32,
}

impl Report {
    /// A complaint, `program: text`, and the status it leads to if none was worse.
    pub fn complain(&mut self, call: &Call, text: &str, code: i32) {
        self.err.push_str(call.program);
        self.err.push_str(": ");
        self.err.push_str(text);
        self.err.push('\n');
        self.code = self.code.max(code);
    }

    /// `program: cannot do 'name': why`, status 1.
    pub fn refuse(&mut self, call: &Call, what: &str, name: &str, why: Errno) {
        self.complain(call, &format!("{what} {}: {why}", always(name)), 1);
    }

    /// One line of output.
    pub fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// A complaint with the pointer to `--help` that follows a wrong use.
    pub fn misuse(&mut self, call: &Call, text: &str, code: i32) {
        self.complain(call, text, code);
        self.err.push_str(&format!(
            "Try '{} --help' for more information.\n",
            call.program
        ));
    }
}

/// What a program does.
pub(super) type Run = fn(&Call, &mut Report);

/// A program as the shell knows it.
pub(super) struct Program {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub run: Run,
    /// Who runs it.
    pub user: String,
    /// The namespace as that user sees it.
    pub view: Arc<dyn Fn() -> View + Send + Sync>,
    /// Account time.
    pub clock: Clock,
    /// Where its output goes.
    pub screen: Screen,
    /// Who runs it at a terminal.
    pub terminal: Option<Seat>,
}

impl Program {
    /// Whether it may ask whoever is at the terminal.
    fn asks(&self, ctx: &BuiltinContext<'_>) -> bool {
        questions::may_ask(self.name, ctx.args)
            && ctx.stdin.is_none()
            && self.screen.has_whole(self.name)
    }
}

#[async_trait]
impl Builtin for Program {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let view = (self.view)();
        let umask = umask(ctx.variables);
        view.set_umask(umask);
        let call = Call {
            program: self.name,
            args: ctx.args.to_vec(),
            env: ctx.env.clone(),
            cwd: absolute("/", &ctx.cwd.to_string_lossy()),
            user: self.user.clone(),
            view,
            umask,
            now: self.clock.now(),
            to_screen: self.screen.shows(self.name, &ctx),
            stdin: ctx.stdin_text_lossy().unwrap_or_default().into_owned(),
            questions: None,
        };
        give_way(&self.clock).await;
        call.pass().await;
        let view = call.view.clone();
        let report = match &self.terminal {
            Some(seat) if self.asks(&ctx) => questions::run(seat, call, self.run).await,
            _ => {
                let mut report = Report::default();
                (self.run)(&call, &mut report);
                report
            }
        };
        // The time of what was read and written.
        view.settle(Duration::ZERO).await;
        Ok(ExecResult {
            stdout: report.out.into(),
            stderr: report.err.into(),
            exit_code: report.code,
            ..ExecResult::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{absolute, base, join, parent};

    #[test]
    fn paths_are_taken_from_the_working_directory_and_normalized() {
        assert_eq!(absolute("/home/a", "b/./c//d"), "/home/a/b/c/d");
        assert_eq!(absolute("/home/a", "../.."), "/");
        assert_eq!(absolute("/home/a", "/x/../y"), "/y");
        assert_eq!(absolute("/", "../../x"), "/x");
        assert_eq!(join("/", "x"), "/x");
        assert_eq!(parent("/x"), "/");
        assert_eq!(parent("/x/y"), "/x");
        assert_eq!(base("a/b//"), "b");
        assert_eq!(base("///"), "/");
    }
}
