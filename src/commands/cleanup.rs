//! `efslab cleanup`: deletes everything a lab made, and proves it per resource type.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{FutureExt as _, StreamExt as _};
use miette::{IntoDiagnostic as _, miette};
use serde_json::json;

use super::Outcome;
use super::farewell;
use super::lab::{self, Front};
use super::leftovers::{self, Found, Leftover, Sites};
use super::program;
use super::site::{self, Site};
use crate::cli::Common;
use crate::engine::command::Command;
use crate::engine::event::Inventory;
use crate::engine::view::{Listing, Phase, Receipt};
use crate::journal::{self, Journal};
use crate::{plain, runtime};

/// How to clean up.
#[derive(Debug, Clone, Copy, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "one per flag of the command line"
)]
pub(super) struct How {
    pub(super) all: bool,
    pub(super) dry_run: bool,
    pub(super) json: bool,
    pub(super) yes: bool,
    /// Which lab a line is about is to be said.
    pub(super) several: bool,
}

/// Labs at a time: each asks and waits more than it does, and the clients slow down together when a service asks for it.
const AT_A_TIME: usize = 5;

/// Cleans these labs up, or every one that is not clean; with `--all` also those that nobody has written down here.
pub(super) fn run(common: &Common, ids: &[String], how: How) -> miette::Result<Outcome> {
    let journal = Arc::new(site::open_journal(common)?);
    super::runtime()?.block_on(async {
        let mut sites = Sites::default();
        let outcome = chosen(common, &journal, &mut sites, ids, how).await;
        sites.close().await;
        outcome
    })
}

async fn chosen(
    common: &Common,
    journal: &Arc<Journal>,
    sites: &mut Sites,
    ids: &[String],
    how: How,
) -> miette::Result<Outcome> {
    let mut found = if how.all {
        leftovers::everywhere(common, journal, sites).await?
    } else if ids.is_empty() {
        let mut labs = journal.labs().into_diagnostic()?;
        labs.retain(|lab| !lab.clean);
        Found::of(labs.into_iter().map(Leftover::ours).collect())
    } else {
        leftovers::named(common, journal, sites, ids).await?
    };
    let unseen = found.unseen.iter();
    let unseen = unseen.map(|(id, why)| json!({ "lab": id, "clean": false, "error": why }));
    let unseen: Vec<_> = unseen.collect();
    if found.labs.is_empty() {
        if how.json {
            tell_rows(&unseen)?;
        } else {
            super::print(&leftovers::none(common, how.all, &found))?;
        }
        return Ok(found.outcome);
    }
    let mut spared = Vec::new();
    if !how.dry_run {
        spared = leftovers::spare(&mut found, how)?;
        let labs: Vec<&journal::Lab> = found.labs.iter().map(|one| &one.lab).collect();
        if !how.yes && !labs.is_empty() && !confirmed(&labs)? {
            super::print("Nothing was changed.\n")?;
            return Ok(Outcome::Failed);
        }
        for one in found.labs.iter().filter(|one| one.stranger) {
            // Whoever is interrupted now finds it here the next time, and goes on.
            journal.adopt(&one.lab).into_diagnostic()?;
        }
    }
    let labs: Vec<journal::Lab> = found.labs.iter().map(|one| one.lab.clone()).collect();
    let (outcome, mut rows) = all(common, journal, sites, &labs, how).await?;
    rows.extend(spared.iter().map(|one| {
        let why = one.used.as_deref();
        json!({ "lab": one.lab.id, "clean": false, "spared": why })
    }));
    rows.extend(unseen);
    if how.json {
        tell_rows(&rows)?;
    }
    let left = if spared.is_empty() {
        Outcome::Done
    } else {
        Outcome::Left
    };
    Ok(outcome.and(found.outcome).and(left))
}

/// Cleans these labs up, whose driver is free.
pub(super) async fn these(
    common: &Common,
    journal: &Arc<Journal>,
    labs: &[journal::Lab],
    how: How,
) -> miette::Result<Outcome> {
    let mut sites = Sites::default();
    let done = all(common, journal, &mut sites, labs, how).await;
    sites.close().await;
    let (outcome, rows) = done?;
    if how.json {
        tell_rows(&rows)?;
    }
    Ok(outcome)
}

fn tell_rows(rows: &[serde_json::Value]) -> miette::Result<()> {
    let text = serde_json::to_string_pretty(rows).into_diagnostic()?;
    super::print(&format!("{text}\n"))
}

/// Cleans these labs up, some at a time; answers also what a machine reads of each.
async fn all(
    common: &Common,
    journal: &Arc<Journal>,
    sites: &mut Sites,
    labs: &[journal::Lab],
    how: How,
) -> miette::Result<(Outcome, Vec<serde_json::Value>)> {
    let mut wanted = Vec::new();
    for lab in labs {
        // A lab whose place cannot be had says so in its turn.
        wanted.extend(site::way(common, lab).ok());
    }
    sites.open(common, wanted).await;
    // Between two labs, too.
    let signals = Mutex::new(runtime::Signals::listen());
    let interrupted = || {
        let mut signals = signals.lock().unwrap_or_else(PoisonError::into_inner);
        signals.next().now_or_never()
    };
    let over = AtomicBool::new(false);
    let how = How {
        several: labs.len() > 1,
        ..how
    };
    let (sites, over, interrupted) = (&*sites, &over, &interrupted);
    let each = futures::stream::iter(labs.iter().map(|lab| async move {
        if over.load(Ordering::Relaxed) {
            return None;
        }
        if let Some(number) = interrupted() {
            over.store(true, Ordering::Relaxed);
            let row = json!({ "lab": lab.id, "clean": false });
            return Some((Outcome::Interrupted(number), row));
        }
        let mut done = match one(common, journal, sites, lab, how).await {
            Ok(done) => done,
            // One lab that cannot be asked must not keep the others.
            Err(report) => {
                super::complain(&format!("{}: {report:?}\n", lab.id));
                let why = report.to_string();
                let row = json!({ "lab": lab.id, "clean": false, "error": why });
                (Outcome::Unverified, row)
            }
        };
        if let Some(number) = interrupted() {
            done.0 = done.0.and(Outcome::Interrupted(number));
        }
        if matches!(done.0, Outcome::Interrupted(_)) {
            over.store(true, Ordering::Relaxed);
        }
        Some(done)
    }));
    let done: Vec<_> = each.buffered(AT_A_TIME).collect().await;
    let done: Vec<_> = done.into_iter().flatten().collect();
    let outcome = done
        .iter()
        .fold(Outcome::Done, |outcome, (one, _)| outcome.and(*one));
    Ok((outcome, done.into_iter().map(|(_, row)| row).collect()))
}

/// One lab, from its driver's lock to its receipt; answers also what a machine reads of it.
async fn one(
    common: &Common,
    journal: &Arc<Journal>,
    sites: &Sites,
    lab: &journal::Lab,
    how: How,
) -> miette::Result<(Outcome, serde_json::Value)> {
    let site = sites.at(&site::way(common, lab)?)?;
    if how.dry_run {
        let known = lab::known(journal, lab, site)?;
        let inventory = site.cloud.inventory(&lab.id, &known).await;
        return planned(&lab.id, &inventory, how.json);
    }
    let (outcome, receipt) = drive(journal, lab, site, how).await?;
    let clean = receipt.as_ref().is_some_and(Receipt::is_clean);
    Ok((
        outcome,
        json!({ "lab": lab.id, "clean": clean, "receipt": receipt }),
    ))
}

/// What a cleanup would delete.
fn planned(
    lab: &str,
    inventory: &Inventory,
    quiet: bool,
) -> miette::Result<(Outcome, serde_json::Value)> {
    let mut text = format!("{lab}: would delete\n");
    let mut plan = serde_json::Map::new();
    let mut outcome = match inventory.account {
        Some(_) => Outcome::Done,
        None => Outcome::Unverified,
    };
    for row in &inventory.rows {
        plan.insert(row.kind.clone(), json!(row.answer));
        match &row.answer {
            Listing::Empty => {}
            Listing::Left(ids) => text.push_str(&format!("  {}: {}\n", row.kind, ids.join(", "))),
            Listing::Kept(ids) => {
                text.push_str(&format!("  {}, to be left: {}\n", row.kind, ids.join(", ")));
            }
            Listing::CouldNotTell(why) => {
                outcome = Outcome::Unverified;
                text.push_str(&format!("  {}: could not tell: {why}\n", row.kind));
            }
        }
    }
    if !quiet {
        super::print(&text)?;
    }
    Ok((outcome, json!({ "lab": lab, "would_delete": plan })))
}

async fn drive(
    journal: &Arc<Journal>,
    lab: &journal::Lab,
    site: &Site,
    how: How,
) -> miette::Result<(Outcome, Option<Receipt>)> {
    // Before anybody can see that this one drives.
    let stop = runtime::Signals::listen();
    let driven = lab::take(journal, lab, site, lab::lessons()?, None)?;
    let (wires, front) = lab::wires(&driven.engine);
    let wires = runtime::Wires { stop, ..wires };
    let (ending, receipt) = tokio::join!(
        runtime::drive(driven.engine, driven.parts, wires),
        watch(front, how.json)
    );
    let ending = ending.into_diagnostic()?;
    if let Some(signal) = ending.signal {
        let left = farewell::unfinished(lab, &ending.view);
        super::complain(&format!("interrupted: {left}"));
        return Ok((Outcome::Interrupted(signal), None));
    }
    let receipt = receipt?;
    let Some(receipt) = receipt else {
        return Ok((Outcome::Unverified, None));
    };
    if !how.json {
        let mut text = plain::receipt::text(&receipt);
        if how.several {
            text.insert_str(0, &format!("{}: ", lab.id));
        }
        super::print(&text)?;
    }
    forget(journal, &lab.id, &receipt)?;
    drop(driven.driver);
    Ok((judged(&receipt), Some(receipt)))
}

/// Asks for the cleanup, tells how it goes, and answers the receipt.
async fn watch(front: Front, quiet: bool) -> miette::Result<Option<Receipt>> {
    let Front {
        mut views,
        mut output,
        commands,
        acts,
    } = front;
    let drain = tokio::spawn(async move { while output.recv().await.is_some() {} });
    let mut progress = plain::progress::Progress::default();
    let mut receipt = None;
    if commands.send(Command::CleanUp).await.is_ok() {
        loop {
            let view = views.borrow_and_update().clone();
            if let Some(line) = progress.news(&view).filter(|_| !quiet) {
                super::print(&line)?;
            }
            if let Phase::CleanedUp(found) = &view.phase {
                receipt = Some(found.clone());
                break;
            }
            if views.changed().await.is_err() {
                break;
            }
        }
    }
    let _ = commands.send(Command::Leave).await;
    drop(acts);
    drain.abort();
    Ok(receipt)
}

/// What a receipt means for the exit code.
pub(super) fn judged(receipt: &Receipt) -> Outcome {
    receipt.rows.iter().fold(Outcome::Done, |outcome, row| {
        outcome.and(match row.answer {
            Listing::Empty => Outcome::Done,
            Listing::Left(_) | Listing::Kept(_) => Outcome::Left,
            Listing::CouldNotTell(_) => Outcome::Unverified,
        })
    })
}

/// Removes the key and the SSH files of a lab that is proved to be gone; its journal and receipt stay.
pub(super) fn forget(journal: &Journal, lab: &str, receipt: &Receipt) -> miette::Result<()> {
    if receipt.is_clean() {
        let directory = journal.lab_directory(lab).into_diagnostic()?;
        fs::remove_dir_all(&directory)
            .map_err(|error| miette!("could not remove {}: {error}", directory.display()))?;
    }
    Ok(())
}

/// Asks on the terminal; without one, `--yes` is needed.
fn confirmed(labs: &[&journal::Lab]) -> miette::Result<bool> {
    if labs
        .iter()
        .all(|lab| !matches!(lab.place, journal::Place::Aws { .. }))
    {
        // Nothing in a practice account is worth a question.
        return Ok(true);
    }
    if !program::asks() {
        return Err(miette!(
            help = "pass --yes",
            "cleaning up an AWS account asks first, and there is no terminal"
        ));
    }
    let names: Vec<&str> = labs.iter().map(|lab| lab.id.as_str()).collect();
    program::agrees(&format!(
        "Delete everything of {} in AWS?",
        names.join(", ")
    ))
}
