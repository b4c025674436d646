//! What every command here is made of: a program that gets its call, writes, and ends with a status.
//!
//! What a particular command does stays outside.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bashkit::{
    BashBuilder, Builtin, BuiltinContext, BuiltinRegistry, Command, CommandContext, CommandInput,
    CommandOutput, CommandStatus, ExecOptions, ExecResult,
};
use tokio_util::task::TaskTracker;

use crate::practice::compute::commands::files::{OnScreen, Screen};
use crate::practice::compute::commands::inner::{Output, execute_tracked};
use crate::practice::compute::host::Seat;
use crate::practice::compute::keyboard::{AtKeyboard, Keyboard};
use crate::practice::compute::patience::give_way;
use crate::practice::compute::processes::Process;
use crate::practice::compute::typed::keyboard;

/// Status of a program that cannot start another (timeout(1), sudo(8) differ little).
const NO_PROCESS: i32 = 125;

/// How a program ends: its exit status. `Err` ends the whole script, and is only for output that cannot be written.
pub type Ended = bashkit::Result<i32>;

/// A program of a host.
#[async_trait]
pub trait Program: Send + Sync + 'static {
    /// Runs once.
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended;
}

/// With what a program is called, and where its output goes. Output appears at once, not when the program ends.
pub struct Call<'a> {
    /// The name it is called by; several programs have more than one.
    pub name: &'a str,
    /// Arguments, without the name.
    pub args: &'a [String],
    /// Exported variables.
    pub env: &'a HashMap<String, String>,
    cwd: &'a Path,
    /// The terminal that its output goes straight to.
    screen: Option<&'a Process>,
    stdin: &'a CommandInput,
    keyboard: Option<Arc<Keyboard>>,
    stdout: &'a CommandOutput,
    stderr: &'a CommandOutput,
}

impl Call<'_> {
    /// Writes to standard output as it is.
    pub async fn out(&self, bytes: impl AsRef<[u8]>) -> bashkit::Result<()> {
        self.stdout.write_all(bytes.as_ref()).await
    }

    /// Writes to standard error as it is.
    pub async fn err(&self, bytes: impl AsRef<[u8]>) -> bashkit::Result<()> {
        self.stderr.write_all(bytes.as_ref()).await
    }

    /// Whether standard output is the terminal.
    pub fn on_screen(&self) -> bool {
        self.screen.is_some()
    }

    /// Writes to standard output what is to be seen at once: the shell of a terminal shows the rest when a program ends.
    pub async fn shown_now(&self, bytes: impl AsRef<[u8]>) -> bashkit::Result<()> {
        match self.screen {
            Some(screen) => {
                screen.show(&String::from_utf8_lossy(bytes.as_ref()));
                Ok(())
            }
            None => self.out(bytes).await,
        }
    }

    /// The same for standard error.
    pub async fn said_now(&self, bytes: impl AsRef<[u8]>) -> bashkit::Result<()> {
        match self.screen {
            Some(_) => self.shown_now(bytes).await,
            None => self.err(bytes).await,
        }
    }

    /// Writes a line to standard error.
    pub async fn complain(&self, line: impl Display) -> bashkit::Result<()> {
        self.err(format!("{line}\n")).await
    }

    /// Writes a line to standard output and ends well.
    pub async fn done(&self, line: impl Display) -> Ended {
        self.out(format!("{line}\n")).await?;
        Ok(0)
    }

    /// Writes a line to standard error and ends with this status.
    pub async fn fail(&self, status: i32, line: impl Display) -> Ended {
        self.complain(line).await?;
        Ok(status)
    }

    /// Ends as GNU programs do when an argument is no option of theirs.
    pub async fn unknown_option(&self, status: i32, argument: &str) -> Ended {
        let name = self.name;
        let what = match argument.strip_prefix("--") {
            Some(_) => format!("unrecognized option '{argument}'"),
            None => format!(
                "invalid option -- '{}'",
                argument.chars().nth(1).unwrap_or('-')
            ),
        };
        self.fail(
            status,
            format!("{name}: {what}\nTry '{name} --help' for more information."),
        )
        .await
    }

    /// What comes next of standard input; `None` at its end.
    pub async fn chunk(&self) -> bashkit::Result<Option<Vec<u8>>> {
        self.stdin.read_chunk().await
    }

    /// Standard input to its end.
    pub async fn input(&self) -> bashkit::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(chunk) = self.stdin.read_chunk().await? {
            all.extend(chunk);
        }
        Ok(all)
    }

    /// The answer to a question: a line typed at the terminal, or standard input.
    pub async fn answer(&self, seat: &Seat) -> bashkit::Result<Vec<u8>> {
        let given = self.input().await?;
        match &self.keyboard {
            Some(keyboard) if given.is_empty() => {
                let line = seat.activity.idle(keyboard.line(false)).await;
                Ok(line.unwrap_or_default().into_bytes())
            }
            _ => Ok(given),
        }
    }

    /// Runs a command line in a shell of its own, where this one is, and answers with its status; `None` when the time
    /// was up first.
    pub async fn shell(
        &self,
        seat: &Seat,
        script: &str,
        limit: Option<Duration>,
    ) -> bashkit::Result<Option<i32>> {
        if seat.host.processes.is_full() {
            let what = format!(
                "{}: fork system call failed: Resource temporarily unavailable",
                self.name
            );
            return self.fail(NO_PROCESS, what).await.map(Some);
        }
        // It waits by itself while this one waits for it.
        let inner = Seat {
            activity: Arc::new(seat.host.clock.activity()),
            ..seat.clone()
        };
        let builder = seat.host.shell_in(
            Some(&self.cwd()),
            &seat.user,
            seat.session,
            Arc::clone(&inner.activity),
        );
        let shell = self
            .env
            .iter()
            .fold(builder, |builder, (name, value)| builder.env(name, value))
            .build();
        let output = Output::Live(self.stdout, self.stderr);
        let options = ExecOptions::new().stdin(self.input().await?);
        let running = TaskTracker::new();
        let work = execute_tracked(&inner, shell, script.to_owned(), options, &output, &running);
        let work = Box::pin(work);
        let ended = match limit {
            Some(limit) => seat.activity.wait_at_most(limit, work).await,
            None => Some(seat.activity.wait(work).await),
        };
        // It has been told to end, and what it held (a lock) is free when this one goes on.
        running.close();
        running.wait().await;
        ended
            .transpose()
            .map(|ended| ended.map(|(_, status)| status))
    }

    /// The working directory.
    pub fn cwd(&self) -> String {
        self.cwd.to_string_lossy().into_owned()
    }

    /// A path as the kernel would take it from here: absolute, without `.` and `..`.
    pub fn path(&self, path: &str) -> String {
        absolute(self.cwd, path)
    }
}

/// `path` seen from `cwd`: absolute and normalized.
pub fn absolute(cwd: &Path, path: &str) -> String {
    let mut normal = PathBuf::from("/");
    for part in cwd.join(path).components() {
        match part {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    normal.to_string_lossy().into_owned()
}

/// A program with the seat that calls it, as the shell wants it.
pub struct Seated {
    /// Who calls.
    pub seat: Seat,
    /// What is called.
    pub program: Arc<dyn Program>,
    /// What the shell shows on its terminal.
    pub screen: Screen,
}

#[async_trait]
impl Command for Seated {
    async fn execute(&self, ctx: CommandContext<'_>) -> bashkit::Result<CommandStatus> {
        let given = ctx
            .execution_extension::<AtKeyboard>()
            .and_then(|given| given.try_with(Clone::clone).ok());
        // Programs of packages are registered under a key, not under their name.
        let name = ctx.name.strip_prefix(KEY).unwrap_or(ctx.name);
        let reads = given.as_ref().is_some_and(|given| given.alone)
            || self.seat.process.keyboard.is_input_of(name);
        let on_screen = self.seat.process.terminal.is_some()
            && (ctx.execution_extension::<OnScreen>().is_some() || self.screen.lists(name));
        let call = Call {
            keyboard: reads.then(|| keyboard(&self.seat, given.as_ref())),
            name,
            screen: on_screen.then_some(&*self.seat.process),
            args: ctx.args,
            env: ctx.env,
            cwd: ctx.cwd,
            stdin: &ctx.stdin,
            stdout: &ctx.stdout,
            stderr: &ctx.stderr,
        };
        self.seat.process.stand(&call.cwd());
        give_way(&self.seat.host.clock).await;
        let status = self.program.run(&self.seat, &call).await?;
        Ok(CommandStatus::with_code(status))
    }
}

/// A program that reads nothing: the shell keeps for others what there is to read. What it writes comes when it ends.
pub struct Deaf(Arc<dyn Builtin>);

impl Deaf {
    /// Adds it to a shell.
    pub fn register(builder: BashBuilder, name: &str, program: Seated) -> BashBuilder {
        let alone = BuiltinRegistry::new();
        alone.insert_command(name, program);
        match alone.lookup(name) {
            Some(command) => builder.builtin(name, Box::new(Self(command))),
            None => builder,
        }
    }
}

#[async_trait]
impl Builtin for Deaf {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        self.0.execute(ctx).await
    }
}

/// What a registered name begins with when only a file on the disk calls the program.
const KEY: &str = "program ";

/// The name under which a program is registered that exists only where its file is: the shell finds no command of
/// that name, searches the PATH, finds the file, and the file's content names the key.
pub fn key(program: &str) -> String {
    format!("{KEY}{program}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::absolute;

    #[test]
    fn paths_are_seen_from_the_working_directory() {
        let cwd = Path::new("/home/ec2-user");
        assert_eq!(absolute(cwd, "a/./b"), "/home/ec2-user/a/b");
        assert_eq!(absolute(cwd, "../../.."), "/");
        assert_eq!(absolute(cwd, "/mnt//x/"), "/mnt/x");
    }
}
