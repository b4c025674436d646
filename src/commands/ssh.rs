//! `efslab ssh`: the learner's own client, with the lab's configuration.

use std::os::unix::process::CommandExt as _;

use miette::{IntoDiagnostic as _, miette};

use super::{Outcome, embedded, lab, program, site};
use crate::cli::{Common, Machine};
use crate::journal::Place;
use crate::lesson::schema::Side;
use crate::ssh::{self, keys};

/// Becomes `ssh`.
pub(super) fn run(
    common: &Common,
    machine: Machine,
    id: Option<&str>,
    command: &[String],
) -> miette::Result<Outcome> {
    let journal = site::open_journal(common)?;
    let lab = lab::find(&journal, id)?;
    let files = keys::Files::below(&journal.lab_directory(&lab.id).into_diagnostic()?);
    if !files.config().exists() {
        return Err(miette!(
            help = "`efslab resume share-files` builds and opens them",
            "the machines of {} have not been opened yet",
            lab.id
        ));
    }
    if matches!(lab.place, Place::Embedded { .. })
        && embedded::running_at(&site::practice_directory(common)?).is_none()
    {
        return Err(miette!(
            help = "run `efslab resume` in another terminal first, then try again",
            "the machines of {} are in the practice account, which is not running now",
            lab.id
        ));
    }
    program::ssh_client().into_diagnostic()?;
    let side = match machine {
        Machine::A => Side::A,
        Machine::B => Side::B,
    };
    let error = std::process::Command::new("ssh")
        .arg("-F")
        .arg(files.config())
        .arg(ssh::alias(side))
        .args(command)
        .exec();
    Err(miette!("could not become ssh: {error}"))
}
