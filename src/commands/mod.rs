//! One file per command, and the wiring of the parts: the only place where the lab and the practice account meet.

mod cleanup;
mod control;
mod doctor;
mod embedded;
mod farewell;
mod lab;
mod learn;
mod leftovers;
mod lessons;
mod log;
mod practice;
mod program;
mod run;
mod site;
mod ssh;
mod status;

use std::io::{self, Write as _};

use miette::{IntoDiagnostic as _, WrapErr as _};

use crate::cli::{Cli, Command, Stage};
use crate::template;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done; for a cleanup: verified empty.
    Done,
    /// Failed.
    Failed,
    /// Something is left, and was listed.
    Left,
    /// It could not be verified.
    Unverified,
    /// A signal ended it.
    Interrupted(i32),
}

impl Outcome {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Left => 3,
            Self::Unverified => 4,
            Self::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(1),
        }
    }

    /// The graver of two outcomes: something left before not verified before failed.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let gravity = |outcome| match outcome {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Unverified => 2,
            Self::Left => 3,
            Self::Interrupted(_) => 4,
        };
        if gravity(other) > gravity(self) {
            other
        } else {
            self
        }
    }
}

/// Does what the command line says.
///
/// # Errors
/// When it cannot be done; the report says what, why and what to do.
pub fn run(cli: Cli) -> miette::Result<Outcome> {
    // The terminal wraps better than a guess at its width, and names with hyphens stay whole. Fails only if set before.
    let _ = miette::set_hook(Box::new(|_| {
        Box::new(miette::MietteHandlerOpts::new().wrap_lines(false).build())
    }));
    let common = cli.common;
    log::begin(&common);
    if reminds(&cli.command)
        && let Some(reminder) = status::reminder(&common)
    {
        complain(&reminder);
    }
    match cli.command {
        Command::Start { lesson, yes } => learn::start(&common, lesson.as_deref(), yes),
        Command::Resume { lesson, lab, yes } => {
            learn::resume(&common, lesson.as_deref(), lab.as_deref(), yes)
        }
        Command::Cleanup {
            labs,
            all,
            dry_run,
            json,
            yes,
        } => cleanup::run(
            &common,
            &labs,
            cleanup::How {
                all,
                dry_run,
                json,
                yes,
                ..cleanup::How::default()
            },
        ),
        Command::Run { lessons, keep, yes } => run::run(&common, &lessons, keep, yes),
        Command::Status { json } => status::run(&common, json),
        Command::Doctor => doctor::run(&common),
        Command::Ssh {
            machine,
            lab,
            command,
        } => ssh::run(&common, machine, lab.as_deref(), &command),
        Command::Lessons { what } => lessons::run(&what),
        Command::Template { stage } => print_template(stage),
        Command::Practice { what } => practice::run(&common, what),
    }
}

/// Whether a command tells of forgotten labs: those that are about the labs there are tell more themselves.
fn reminds(command: &Command) -> bool {
    match command {
        Command::Cleanup { .. }
        | Command::Resume { .. }
        | Command::Status { .. }
        | Command::Ssh { .. } => false,
        Command::Start { .. }
        | Command::Run { .. }
        | Command::Doctor
        | Command::Lessons { .. }
        | Command::Template { .. }
        | Command::Practice { .. } => true,
    }
}

fn print_template(stage: Stage) -> miette::Result<Outcome> {
    let text = match stage {
        Stage::Share => template::render(template::Stage::Share),
        Stage::Alarms => template::render(template::Stage::Alarms),
        Stage::Backup => template::render(template::Stage::Backup),
        Stage::Guard => template::guard(),
    };
    print(&text.into_diagnostic()?)?;
    Ok(Outcome::Done)
}

/// Writes to standard output; a reader that has gone (`| head`, a closed window) is not an error.
fn print(text: &str) -> miette::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error)
            if error.kind() != io::ErrorKind::BrokenPipe
                && error.raw_os_error() != Some(rustix::io::Errno::IO.raw_os_error()) =>
        {
            Err(error)
                .into_diagnostic()
                .wrap_err("could not write to standard output")
        }
        _ => Ok(()),
    }
}

/// Writes to standard error, if anybody is there: unlike `eprint!`, whose panic would cost what is still to be done.
pub fn complain(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// A runtime for one command. Two workers: the machine's work is elsewhere, in ssh and in the account.
fn runtime() -> miette::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .into_diagnostic()
        .wrap_err("could not start the runtime")
}
