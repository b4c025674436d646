//! How `sudo` and `su` are called: from a terminal's shell, whose prompt may change, or from a script, whose output
//! appears as it comes. Who may become whom does not enter here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bashkit::{
    Builtin, BuiltinContext, Command, CommandContext, CommandStatus, ExecResult, ExecutionPlan,
    async_trait,
};

use super::become_user::{Depth, depth};
use super::nested::Nest;
use super::options::{Given, Syntax};
use super::program::{Call, Report, UMASK, absolute};
use super::screen::Screen;
use crate::practice::compute::commands::inner::Output;
use crate::practice::compute::host::{Seat, Session};
use crate::practice::compute::keyboard::{AtKeyboard, Keyboard};
use crate::practice::compute::typed::keyboard;
use crate::practice::compute::users::User;

/// One shell's way to become others.
#[derive(Clone)]
pub(super) struct Switch<P> {
    pub seat: Seat,
    pub screen: Screen,
    pub nest: Nest,
    pub program: P,
}

/// `sudo` or `su`: whom to become, and for what.
#[async_trait]
pub(super) trait Switcher: Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
    /// Its options.
    const SYNTAX: Syntax;

    /// The words that are a command, and for whom, if it is nothing else that is asked for.
    fn runs(&self, _seat: &Seat, _given: &Given) -> Option<(User, Vec<String>)> {
        None
    }

    /// Runs once; the exit status.
    async fn run(
        &self,
        seat: &Seat,
        given: Given,
        invocation: Invocation,
        output: &Output<'_>,
    ) -> bashkit::Result<i32>;
}

/// One call.
pub(super) struct Invocation {
    pub call: Call,
    pub stdin: Vec<u8>,
    /// Whether what it runs has the terminal.
    pub on_screen: bool,
    /// The terminal's, if that is its input.
    pub keyboard: Option<Arc<Keyboard>>,
    /// Where a shell that stays can be left.
    pub nest: Option<Nest>,
    pub depth: Depth,
}

impl<P: Switcher> Switch<P> {
    /// Adds it to a shell. On a terminal the prompt may change; elsewhere output is to appear as it comes.
    pub fn register(self, builder: bashkit::BashBuilder) -> bashkit::BashBuilder {
        match self.seat.session {
            Session::Interactive => builder.builtin(P::NAME, Box::new(self)),
            Session::Batch => builder.command(P::NAME, self),
        }
    }

    fn call(&self, args: &[String], env: &HashMap<String, String>, cwd: &std::path::Path) -> Call {
        let host = &self.seat.host;
        Call {
            program: P::NAME,
            args: args.to_vec(),
            env: env.clone(),
            cwd: absolute("/", &cwd.to_string_lossy()),
            user: self.seat.user.name.clone(),
            view: host.view(&self.seat.user),
            now: host.clock.now(),
            to_screen: false,
            stdin: String::new(),
            umask: UMASK,
            questions: None,
        }
    }

    async fn run(&self, invocation: Invocation, output: &Output<'_>) -> bashkit::Result<i32> {
        let mut report = Report::default();
        let Some(given) = P::SYNTAX.read(&invocation.call, &mut report) else {
            output.out(report.out.as_bytes()).await?;
            output.err(report.err.as_bytes()).await?;
            return Ok(report.code);
        };
        self.program
            .run(&self.seat, given, invocation, output)
            .await
    }
}

#[async_trait]
impl<P: Switcher> Command for Switch<P> {
    async fn execute(&self, ctx: CommandContext<'_>) -> bashkit::Result<CommandStatus> {
        let mut stdin = Vec::new();
        while let Some(chunk) = ctx.stdin.read_chunk().await? {
            stdin.extend(chunk);
        }
        let invocation = Invocation {
            call: self.call(ctx.args, ctx.env, ctx.cwd),
            stdin,
            on_screen: false,
            keyboard: None,
            nest: None,
            depth: depth(ctx.execution_extension::<Depth>()),
        };
        let output = Output::Live(&ctx.stdout, &ctx.stderr);
        let status = self.run(invocation, &output).await?;
        Ok(CommandStatus::with_code(status))
    }
}

#[async_trait]
impl<P: Switcher> Builtin for Switch<P> {
    async fn execution_plan(
        &self,
        ctx: &BuiltinContext<'_>,
    ) -> bashkit::Result<Option<ExecutionPlan>> {
        let call = self.call(ctx.args, ctx.env, ctx.cwd);
        let plan = || {
            let given = P::SYNTAX.read(&call, &mut Report::default())?;
            let (user, words) = self.program.runs(&self.seat, &given)?;
            let view = self.seat.view_of(&user);
            let eyes = &self.nest.eyes;
            eyes.lend(view, &call.cwd, &words, ctx.stdin.cloned())
        };
        Ok(plan())
    }

    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let inherited = ctx
            .execution_extension::<Nest>()
            .and_then(|nest| nest.try_with(Clone::clone).ok());
        let invocation = Invocation {
            call: self.call(ctx.args, ctx.env, ctx.cwd),
            stdin: ctx.stdin_bytes().unwrap_or_default().to_vec(),
            on_screen: self.screen.shows(P::NAME, &ctx),
            keyboard: (ctx.stdin.is_none() && self.seat.process.keyboard.is_input_of(P::NAME))
                .then(|| {
                    let given = ctx
                        .execution_extension::<AtKeyboard>()
                        .and_then(|given| given.try_with(Clone::clone).ok());
                    keyboard(&self.seat, given.as_ref())
                }),
            nest: inherited.clone().or_else(|| self.nest.if_alone()),
            depth: depth(ctx.execution_extension::<Depth>()),
        };
        // Then what it writes appears as it comes, and in order.
        let whole = self.screen.has_whole(P::NAME)
            && inherited.is_none()
            && self.seat.process.terminal.is_some();
        let output = if whole {
            Output::Screen(&self.seat.process)
        } else {
            Output::Kept(Mutex::default())
        };
        let status = ctx
            .run_budgeted(Box::pin(self.run(invocation, &output)))
            .await??;
        // A shell inside shows its prompt itself.
        if inherited.is_none() {
            self.nest.show_prompt(ctx.variables, ctx.env);
        }
        Ok(output.finish(status))
    }
}
