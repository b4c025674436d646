//! A lab put together: journal, place, engine and executor of one lab.

use std::sync::Arc;

use jiff::Timestamp;
use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use rand::RngExt as _;
use tokio::sync::{mpsc, watch};

use super::site::Site;
use crate::engine::command::{Command, TerminalOutput};
use crate::engine::effect::{Known, Progress};
use crate::engine::ledger::{Entry, Ledger, Life};
use crate::engine::view::View;
use crate::engine::{Engine, Paths, Setup};
use crate::journal::{self, Driver, Journal, Place, StackRecord};
use crate::lesson::catalog::Catalog;
use crate::lesson::schema::{Action, Lesson};
use crate::runtime::{Parts, Signals, Wires};
use crate::ssh::keys::Files;
use crate::ssh::masters;

/// Letters and digits that nobody mistakes for one another.
const ID_LETTERS: &[u8] = b"23456789abcdefghjkmnpqrstvwxyz";

/// The channels of a front end.
pub(super) struct Front {
    pub(super) views: watch::Receiver<Arc<View>>,
    pub(super) output: mpsc::Receiver<TerminalOutput>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) acts: mpsc::Sender<Vec<Action>>,
}

/// A lab that this program drives.
pub(super) struct Driven {
    pub(super) engine: Engine,
    pub(super) parts: Parts,
    /// Held as long as the lab is driven.
    pub(super) driver: Driver,
}

/// Writes down a new lab at `place`.
pub(super) fn make(journal: &Journal, place: &Place) -> miette::Result<journal::Lab> {
    let taken = journal.labs().into_diagnostic()?;
    let mut random = rand::rng();
    let id = loop {
        let letters: String = (0..4)
            .map(|_| char::from(ID_LETTERS[random.random_range(0..ID_LETTERS.len())]))
            .collect();
        let id = format!("lab-{letters}");
        if taken.iter().all(|lab| lab.id != id) {
            break id;
        }
    };
    journal
        .add_lab(&id, place, Timestamp::now())
        .into_diagnostic()?;
    journal.lab(&id).into_diagnostic()
}

/// The lab of this id; without one, that which was driven last and is not cleaned up.
pub(super) fn find(journal: &Journal, id: Option<&str>) -> miette::Result<journal::Lab> {
    let labs = journal.labs().into_diagnostic()?;
    match id {
        Some(id) => {
            let full = full_id(id);
            labs.into_iter().find(|lab| lab.id == full).ok_or_else(|| {
                miette!(
                    help = "`efslab status` lists the labs",
                    "there is no lab {id} here"
                )
            })
        }
        None => labs.into_iter().find(|lab| !lab.clean).ok_or_else(|| {
            miette!(
                help = "`efslab start` begins one",
                "there is no lab to go on with"
            )
        }),
    }
}

/// `7f3k` and `lab-7f3k` are one.
pub(super) fn full_id(id: &str) -> String {
    if id.starts_with("lab-") {
        id.to_owned()
    } else {
        format!("lab-{id}")
    }
}

/// The lessons inside this program.
pub(super) fn lessons() -> miette::Result<Arc<[Lesson]>> {
    Catalog::embedded()
        .map(|catalog| catalog.lessons().to_vec().into())
        .into_diagnostic()
}

/// Takes the lab for this program and puts it together; `progress` overrides where the journal says the learner stands.
pub(super) fn take(
    journal: &Arc<Journal>,
    lab: &journal::Lab,
    site: &Site,
    lessons: Arc<[Lesson]>,
    progress: Option<Progress>,
) -> miette::Result<Driven> {
    let driver = journal.drive(&lab.id).map_err(|error| {
        miette!(
            help = "work there, or end that program first; `efslab status` and `efslab ssh` work beside it",
            "{error}"
        )
    })?;
    let known = known(journal, lab, site)?;
    journal.touch(&lab.id, Timestamp::now()).into_diagnostic()?;
    let files = Files::below(&journal.lab_directory(&lab.id).into_diagnostic()?);
    let sockets = masters::directory(&lab.id)
        .into_diagnostic()
        .wrap_err("no place for SSH sockets")?;
    // What a killed program left.
    masters::end_all(&sockets);
    let stacks = journal.stacks(&lab.id).into_diagnostic()?;
    let mut progress = progress.unwrap_or_else(|| lab.progress.clone());
    if site.alarm_email.is_some() {
        progress.alarm_email.clone_from(&site.alarm_email);
    }
    let engine = Engine::new(Setup {
        lab: lab.id.clone(),
        target: site.target.clone(),
        faster: site.faster,
        made: lab.made,
        lessons,
        progress,
        ledger: ledger(&stacks, known),
        standing: stacks
            .iter()
            .rev()
            .find(|stack| !stack.gone && !stack.refused)
            .map(|stack| (stack.wanted.ground.clone(), stack.asked)),
        ttl: site.ttl,
        paths: Paths {
            key: files.key().display().to_string(),
            ssh_config: files.config().display().to_string(),
        },
        prices: Some(site.prices.clone()),
    });
    let parts = Parts {
        lab: lab.id.clone(),
        journal: Arc::clone(journal),
        cloud: site.cloud.clone(),
        route: Arc::clone(&site.route),
        files,
        sockets,
    };
    Ok(Driven {
        engine,
        parts,
        driver,
    })
}

/// What is known of the lab, if the account that answered is the one it is in.
pub(super) fn known(journal: &Journal, lab: &journal::Lab, site: &Site) -> miette::Result<Known> {
    let known = journal.known(&lab.id).into_diagnostic()?;
    match &known.account {
        Some(account) if *account != site.account => Err(miette!(
            help = "use the credentials it was made with, for example with --profile; nothing was changed",
            "{} is in account {account}, and account {} answered",
            lab.id,
            site.account
        )),
        _ => Ok(known),
    }
}

/// The channels between a lab and its front end.
pub(super) fn wires(engine: &Engine) -> (Wires, Front) {
    let (views, seen) = watch::channel(Arc::new(engine.view()));
    let (output, shown) = mpsc::channel(64);
    let (commands, wished) = mpsc::channel(64);
    let (acts, done) = mpsc::channel(4);
    (
        Wires {
            views,
            output,
            commands: wished,
            acts: done,
            stop: Signals::listen(),
        },
        Front {
            views: seen,
            output: shown,
            commands,
            acts,
        },
    )
}

/// The lab's stacks as the journal knows them.
fn ledger(stacks: &[StackRecord], known: Known) -> Ledger {
    let entries = stacks
        .iter()
        .map(|record| Entry {
            name: record.wanted.name.clone(),
            life: match (&record.id, record.refused, record.gone) {
                (_, true, _) => Life::Refused,
                (_, _, true) => Life::Gone,
                (Some(_), ..) => Life::There,
                (None, ..) => Life::Asked,
            },
            id: record.id.clone(),
        })
        .collect();
    Ledger::recovered(entries, known)
}
