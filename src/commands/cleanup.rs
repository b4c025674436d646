//! `efslab cleanup`: deletes everything a lab made, and proves it per resource type.

use std::fs;
use std::sync::Arc;

use futures::FutureExt as _;
use miette::{IntoDiagnostic as _, miette};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use super::lab::{self, Front};
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
}

/// Cleans these labs up, or every one that is not clean.
pub(super) fn run(common: &Common, ids: &[String], how: How) -> miette::Result<Outcome> {
    let journal = Arc::new(site::open_journal(common)?);
    let labs = if ids.is_empty() {
        journal
            .labs()
            .into_diagnostic()?
            .into_iter()
            .filter(|lab| how.all || !lab.clean)
            .collect()
    } else {
        ids.iter()
            .map(|id| lab::find(&journal, Some(id)))
            .collect::<miette::Result<Vec<_>>>()?
    };
    if labs.is_empty() {
        super::print(if how.json {
            "[]\n"
        } else {
            "There is no lab to clean up.\n"
        })?;
        return Ok(Outcome::Done);
    }
    if !how.yes && !how.dry_run && !confirmed(&labs)? {
        super::print("Nothing was changed.\n")?;
        return Ok(Outcome::Failed);
    }
    super::runtime()?.block_on(these(common, &journal, &labs, how))
}

/// Cleans these labs up, one after the other.
pub(super) async fn these(
    common: &Common,
    journal: &Arc<Journal>,
    labs: &[journal::Lab],
    how: How,
) -> miette::Result<Outcome> {
    // Between two labs, too.
    let mut interrupts = signal(SignalKind::interrupt()).into_diagnostic()?;
    let mut outcome = Outcome::Done;
    let mut rows = Vec::new();
    for lab in labs {
        let row = match one(common, journal, lab, how).await {
            Ok((one, row)) => {
                outcome = outcome.and(one);
                row
            }
            // One lab that cannot be asked must not keep the others.
            Err(report) => {
                super::complain(&format!("{}: {report:?}\n", lab.id));
                outcome = outcome.and(Outcome::Unverified);
                json!({ "lab": lab.id, "clean": false, "error": report.to_string() })
            }
        };
        rows.push(row);
        if interrupts.recv().now_or_never().is_some() {
            outcome = outcome.and(Outcome::Interrupted(SignalKind::interrupt().as_raw_value()));
        }
        if matches!(outcome, Outcome::Interrupted(_)) {
            break;
        }
    }
    if how.json {
        let text = serde_json::to_string_pretty(&rows).into_diagnostic()?;
        super::print(&format!("{text}\n"))?;
    }
    Ok(outcome)
}

/// One lab, from its driver's lock to its receipt; answers also what a machine reads of it.
async fn one(
    common: &Common,
    journal: &Arc<Journal>,
    lab: &journal::Lab,
    how: How,
) -> miette::Result<(Outcome, serde_json::Value)> {
    let site = Site::open(common, &site::way(common, lab)?).await?;
    if how.dry_run {
        let known = lab::known(journal, lab, &site)?;
        let inventory = site.cloud.inventory(&lab.id, &known).await;
        site.close().await;
        return planned(&lab.id, &inventory, how.json);
    }
    let result = drive(journal, lab, &site, how).await;
    site.close().await;
    let (outcome, receipt) = result?;
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
    let driven = lab::take(journal, lab, site, lab::lessons()?, None)?;
    let (wires, front) = lab::wires(&driven.engine);
    let (ending, receipt) = tokio::join!(
        runtime::drive(driven.engine, driven.parts, wires),
        watch(front, how.json)
    );
    let ending = ending.into_diagnostic()?;
    if let Some(signal) = ending.signal {
        super::complain(&format!(
            "interrupted: run `efslab cleanup {}` again to finish\n",
            lab.id
        ));
        return Ok((Outcome::Interrupted(signal), None));
    }
    let receipt = receipt?;
    let Some(receipt) = receipt else {
        return Ok((Outcome::Unverified, None));
    };
    if !how.json {
        super::print(&plain::receipt::text(&receipt))?;
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
fn confirmed(labs: &[journal::Lab]) -> miette::Result<bool> {
    use std::io::{BufRead as _, IsTerminal as _};
    if labs
        .iter()
        .all(|lab| !matches!(lab.place, journal::Place::Aws { .. }))
    {
        // Nothing in a practice account is worth a question.
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(miette!(
            help = "pass --yes",
            "cleaning up an AWS account asks first, and there is no terminal"
        ));
    }
    let names: Vec<&str> = labs.iter().map(|lab| lab.id.as_str()).collect();
    super::complain(&format!(
        "Delete everything of {} in AWS? [y/N] ",
        names.join(", ")
    ));
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .into_diagnostic()?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
