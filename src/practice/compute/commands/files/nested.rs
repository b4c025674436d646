//! Shells inside the shell of a terminal: `sudo -i`, `su -`. bashkit's terminal feeds one shell only, so that shell
//! hands the lines typed after `sudo -i` on to the shell of the other user, until that one exits.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bashkit::hooks::HookAction;
use bashkit::parser::{Command, Parser, WordPart};
use bashkit::{
    Bash, BashBuilder, Builtin, BuiltinContext, ExecOptions, ExecResult, ExecutionExtensions,
    ExecutionPlan, async_trait,
};

use super::become_user::PROFILES;
use super::editors::Eyes;
use super::program::base;
use super::screen::alone;
use crate::practice::compute::commands::inner::{Output, execute};
use crate::practice::compute::host::{Seat, Session};
use crate::practice::compute::keyboard::AtKeyboard;
use crate::practice::compute::processes::Process;
use crate::practice::compute::users::User;

/// The command that a typed line becomes; its name cannot be typed as one word without quotes.
const LINE: &str = "line of the inner shell";
/// The command that gives `$?` of the line before to the next; each line is a run of its own.
const STATUS: &str = "status of the line before";

/// The command that a plain `bash` becomes.
const OPEN: &str = "shell inside the shell";

/// One shell that stays.
pub(super) struct Frame {
    seat: Seat,
    user: User,
    login: bool,
    env: BTreeMap<String, String>,
    cwd: String,
    /// Taken while it runs; a line that was interrupted loses it, and the next line begins with a fresh one.
    bash: Option<Bash>,
    exited: Arc<AtomicBool>,
    /// `$?`
    status: i32,
}

impl Frame {
    pub fn new(
        seat: &Seat,
        user: User,
        login: bool,
        env: BTreeMap<String, String>,
        cwd: String,
    ) -> Self {
        Self {
            seat: seat.clone(),
            user,
            login,
            env,
            cwd,
            bash: None,
            exited: Arc::default(),
            status: 0,
        }
    }

    fn build(&self) -> Bash {
        let exited = Arc::clone(&self.exited);
        let mut builder = self
            .seat
            .host
            .shell_in(
                Some(&self.cwd),
                &self.user,
                self.seat.session,
                self.seat.activity.clone(),
            )
            .builtin(STATUS, Box::new(Status))
            .on_exit(Box::new(move |event| {
                exited.store(true, Ordering::Relaxed);
                HookAction::Continue(event)
            }));
        for (name, value) in &self.env {
            builder = builder.env(name, value);
        }
        let mut bash = builder.build();
        bash.set_interactive(true);
        bash
    }

    /// A plain shell of the same user in it.
    fn inside(&self) -> Self {
        let (user, env) = (self.user.clone(), self.env.clone());
        Self::new(&self.seat, user, false, env, self.cwd.clone())
    }

    /// `[root@ip-10-0-1-12 ~]# `, with nothing left to expand.
    fn prompt(&self) -> String {
        let place = match self.cwd.strip_prefix(&self.user.home) {
            Some("") => "~".to_owned(),
            Some(rest) if rest.starts_with('/') && self.user.home != "/" => format!("~{rest}"),
            _ => self.cwd.clone(),
        };
        let sign = if self.user.identity.is_root() {
            '#'
        } else {
            '$'
        };
        format!(
            "[{}@{} {place}]{sign} ",
            self.user.name,
            self.seat.host.hostname()
        )
        .replace('\\', "\\\\")
    }
}

#[derive(Default)]
struct State {
    frames: Vec<Frame>,
    /// The prompt of the terminal's own shell while another one is shown.
    prompt: Option<String>,
    /// Whether the line that runs is one command alone.
    alone: bool,
}

/// The shells inside the shell of one terminal.
#[derive(Clone, Default)]
pub(super) struct Nest {
    state: Arc<Mutex<State>>,
    /// The terminal's own shell.
    process: Option<Arc<Process>>,
    /// Those of the terminal's own shell.
    pub eyes: Eyes,
}

impl Nest {
    /// A nest for this shell: lines go to the innermost shell while there is one. Only terminals have one.
    pub fn of(builder: BashBuilder, seat: &Seat, eyes: Eyes) -> (BashBuilder, Self) {
        let nest = Self {
            process: seat
                .process
                .terminal
                .is_some()
                .then(|| Arc::clone(&seat.process)),
            eyes,
            ..Self::default()
        };
        if seat.session != Session::Interactive {
            return (builder, nest);
        }
        let reader = nest.clone();
        let builder = builder
            .before_exec(Box::new(move |mut input| {
                input.script = reader.line(input.script);
                HookAction::Continue(input)
            }))
            .builtin(LINE, Box::new(nest.clone()))
            .builtin(
                OPEN,
                Box::new(Open {
                    seat: seat.clone(),
                    nest: nest.clone(),
                }),
            );
        (builder, nest)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the terminal's own shell runs for a line that was typed.
    fn line(&self, script: String) -> String {
        let mut state = self.lock();
        state.alone = alone(&script);
        if state.frames.is_empty() && opens_shell(&script) {
            return format!("'{OPEN}'");
        }
        // What cannot be parsed is left as it is: the terminal asks for the rest of it, or complains.
        if state.frames.is_empty() || Parser::new(&script).parse().is_err() {
            return script;
        }
        format!("'{LINE}' '{}'", script.replace('\'', "'\\''"))
    }

    /// The nest, if the line that runs is one command alone: then what comes after it may go to another shell.
    pub fn if_alone(&self) -> Option<Self> {
        self.lock().alone.then(|| self.clone())
    }

    /// Puts a shell on top.
    pub fn push(&self, frame: Frame) {
        self.lock().frames.push(frame);
    }

    /// Shows the prompt of the innermost shell, or the terminal's own again.
    pub fn show_prompt(
        &self,
        variables: &mut HashMap<String, String>,
        env: &HashMap<String, String>,
    ) {
        let mut state = self.lock();
        let inner = state.frames.last().map(Frame::prompt);
        match inner {
            Some(prompt) => {
                if state.prompt.is_none() {
                    let own = variables.get("PS1").or_else(|| env.get("PS1")).cloned();
                    state.prompt = Some(own.unwrap_or_default());
                }
                variables.insert("PS1".to_owned(), prompt);
            }
            None => {
                if let Some(own) = state.prompt.take() {
                    variables.insert("PS1".to_owned(), own);
                }
            }
        }
    }

    /// How the terminal's own shell runs an editor for the innermost one, if this line is that and nothing else.
    fn edits(&self, script: &str) -> Option<ExecutionPlan> {
        let state = self.lock();
        let frame = state.frames.last()?;
        let mut words = literal(script, &frame.user.home)?;
        if words.first().is_some_and(|word| word == "sudo") && frame.user.identity.is_root() {
            words.remove(0);
        }
        let view = frame.seat.view_of(&frame.user);
        self.eyes.lend(view, &frame.cwd, &words, None)
    }

    /// Runs a line in the innermost shell.
    async fn run(
        &self,
        script: &str,
        columns: Option<&String>,
        output: &Output<'_>,
    ) -> bashkit::Result<i32> {
        let (depth, seat, mut bash, fresh, before) = {
            let mut state = self.lock();
            if opens_shell(script)
                && let Some(frame) = state.frames.last().map(Frame::inside)
            {
                state.frames.push(frame);
                return Ok(0);
            }
            let depth = state.frames.len();
            let Some(frame) = state.frames.last_mut() else {
                return Ok(0);
            };
            match frame.bash.take() {
                Some(bash) => (depth, frame.seat.clone(), bash, false, frame.status),
                None => (depth, frame.seat.clone(), frame.build(), frame.login, 0),
            }
        };
        if fresh {
            let options = ExecOptions::new();
            (bash, _) = execute(&seat, bash, PROFILES.to_owned(), options, output).await?;
        }
        if let Some(columns) = columns {
            bash.set_env("COLUMNS", columns);
        }
        let mut extensions = ExecutionExtensions::new();
        if let Some(process) = &self.process {
            extensions = extensions.with(AtKeyboard {
                keyboard: Arc::clone(&process.keyboard),
                alone: false,
            });
        }
        if alone(script) {
            extensions = extensions.with(self.clone());
        }
        let options = ExecOptions::new().extensions(extensions);
        let script = match before {
            0 => script.to_owned(),
            before => format!("'{STATUS}' {before}\n{script}"),
        };
        let (bash, status) = execute(&seat, bash, script, options, output).await?;
        let exited = self.put_back(depth, bash, status);
        if let Some(login) = exited {
            output
                .err(if login { b"logout\n" } else { b"exit\n" })
                .await?;
        }
        Ok(status)
    }

    /// Gives a frame its shell back; a frame whose shell has exited goes. `Some(whether it was a login)` if it did.
    fn put_back(&self, depth: usize, bash: Bash, status: i32) -> Option<bool> {
        let mut state = self.lock();
        let frame = state.frames.get_mut(depth.checked_sub(1)?)?;
        if frame.exited.load(Ordering::Relaxed) {
            let login = frame.login;
            state.frames.truncate(depth - 1);
            return Some(login);
        }
        frame.cwd = text(&bash.shell_state_view().cwd);
        frame.bash = Some(bash);
        frame.status = status;
        None
    }
}

/// Whether a line opens another shell of the same user.
fn opens_shell(script: &str) -> bool {
    let words = literal(script, "").unwrap_or_default();
    let name = words.first().map(|name| base(name));
    matches!(name, Some("bash" | "sh")) && words.iter().skip(1).all(|word| word == "-i")
}

/// Opens another shell of the same user.
struct Open {
    seat: Seat,
    nest: Nest,
}

#[async_trait]
impl Builtin for Open {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let user = self.seat.user.clone();
        let own = ["PS1", "PWD", "OLDPWD"];
        let env = ctx
            .env
            .iter()
            .filter(|(name, _)| !own.contains(&name.as_str()));
        let env = env
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let frame = Frame::new(&self.seat, user, false, env, text(ctx.cwd));
        self.nest.push(frame);
        self.nest.show_prompt(ctx.variables, ctx.env);
        Ok(ExecResult::default())
    }
}

/// The words of a line that is one command with nothing to be expanded but `~/`.
fn literal(script: &str, home: &str) -> Option<Vec<String>> {
    let parsed = Parser::new(script).parse().ok()?;
    let [Command::Simple(simple)] = parsed.commands.as_slice() else {
        return None;
    };
    if !simple.redirects.is_empty() || !simple.assignments.is_empty() {
        return None;
    }
    [&simple.name]
        .into_iter()
        .chain(&simple.args)
        .map(|word| {
            let mut text = String::new();
            for part in &word.parts {
                let WordPart::Literal(literal) = part else {
                    return None;
                };
                text.push_str(literal);
            }
            if !word.quoted && text.contains(['*', '?', '[', '{']) {
                return None;
            }
            Some(match text.strip_prefix("~/") {
                Some(rest) if !word.quoted => format!("{home}/{rest}"),
                _ => text,
            })
        })
        .collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[async_trait]
impl Builtin for Nest {
    async fn execution_plan(
        &self,
        ctx: &BuiltinContext<'_>,
    ) -> bashkit::Result<Option<ExecutionPlan>> {
        Ok(ctx.args.first().and_then(|line| self.edits(line)))
    }

    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let output = self
            .process
            .as_deref()
            .map_or_else(|| Output::Kept(Mutex::default()), Output::Screen);
        let line = ctx.args.first().map(String::as_str).unwrap_or_default();
        let status = ctx
            .run_budgeted(Box::pin(self.run(line, ctx.env.get("COLUMNS"), &output)))
            .await??;
        self.show_prompt(ctx.variables, ctx.env);
        Ok(output.finish(status))
    }
}

/// Ends with the status it is given.
struct Status;

#[async_trait]
impl Builtin for Status {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let status = ctx.args.first().and_then(|status| status.parse().ok());
        Ok(ExecResult {
            exit_code: status.unwrap_or_default(),
            ..ExecResult::default()
        })
    }
}
