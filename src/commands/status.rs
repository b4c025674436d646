//! `efslab status`: which labs there are, and what of them may still be standing. Reads the journal only, beside a driver.

use std::fmt::Write as _;

use miette::{IntoDiagnostic as _, miette};

use super::{Outcome, program, site};
use crate::cli::Common;
use crate::engine::view::Owed;
use crate::journal::{Journal, JournalError, Lab, Place, StackRecord};
use crate::lesson::arithmetic::Prices;
use crate::lesson::load;

/// Says it.
pub(super) fn run(common: &Common, json: bool) -> miette::Result<Outcome> {
    let journal = site::open_journal(common)?;
    let labs = journal.labs().into_diagnostic()?;
    if json {
        let rows = labs
            .iter()
            .map(|lab| row(&journal, lab))
            .collect::<Result<Vec<_>, _>>()
            .into_diagnostic()?;
        super::print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&rows).into_diagnostic()?
        ))?;
        return Ok(Outcome::Done);
    }
    if labs.is_empty() {
        super::print("There is no lab yet. `efslab start` begins one.\n")?;
        return Ok(Outcome::Done);
    }
    let prices = load::prices().map_err(|problem| miette!("{problem}"))?;
    let mut text = String::new();
    for lab in &labs {
        let stacks = standing(&journal, lab).into_diagnostic()?;
        let place = match &lab.place {
            Place::Embedded { region } => format!("practice, {region}"),
            Place::Endpoint { url, region } => format!("practice at {url}, {region}"),
            Place::Aws { region, .. } => format!("AWS, {region}"),
        };
        let driven = if journal.driven_by(&lab.id).is_some() {
            ", being driven now"
        } else {
            ""
        };
        let state = match (lab.clean, stacks.is_empty()) {
            (true, _) => "cleaned up, nothing is left".to_owned(),
            (false, true) if journal.asked_for_guard(&lab.id).into_diagnostic()? => {
                "at most its guard is in the account, which costs nothing".to_owned()
            }
            (false, true) => "nothing in the account".to_owned(),
            (false, false) => format!(
                "in the account: stack {}\n    {}",
                stacks
                    .iter()
                    .map(|stack| stack.id.as_ref().unwrap_or(&stack.wanted.name).as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
                owed(&lab.place, &prices, &stacks)
            ),
        };
        let lesson = if lab.progress.lesson.is_empty() {
            "not begun"
        } else {
            &lab.progress.lesson
        };
        let _ = writeln!(
            text,
            "{}  ({place})  {lesson}, step {}{driven}: {state}",
            lab.id,
            lab.progress.step + 1
        );
    }
    if labs.iter().any(|lab| !lab.clean) {
        text.push_str("`efslab resume` goes on with the first, `efslab cleanup` removes what is left, with proof.\n");
    }
    super::print(&text)?;
    Ok(Outcome::Done)
}

/// Said with any other command: what still stands in AWS and is billed, with nobody at it. `None`: nothing does, as far as this
/// state directory knows, which is only read.
pub(super) fn reminder(common: &Common) -> Option<String> {
    let directory = site::state_directory(common).ok()?;
    if !directory.join("journal.db").exists() {
        return None;
    }
    // What is wrong with a journal is told by the commands that need it.
    let journal = Journal::open(&directory).ok()?;
    let prices = load::prices().ok()?;
    let mut text = String::new();
    for lab in journal.labs().ok()? {
        let Place::Aws { region, .. } = &lab.place else {
            continue;
        };
        let stacks = standing(&journal, &lab).ok()?;
        if lab.clean || stacks.is_empty() || journal.driven_by(&lab.id).is_some() {
            continue;
        }
        let _ = writeln!(
            text,
            "{} still stands in AWS, {region}, and {}: `{again} resume` goes on with it, `{again} cleanup` removes it",
            lab.id,
            owed(&lab.place, &prices, &stacks),
            again = program::name()
        );
    }
    Some(text).filter(|text| !text.is_empty())
}

/// What these stacks cost as they were built; what a lesson has added since is little, and only the account knows it.
fn owed(place: &Place, prices: &Prices, stacks: &[StackRecord]) -> String {
    let each = |stack: &StackRecord| {
        Owed::of_stage(
            prices,
            stack.wanted.stage,
            &stack.wanted.ground.instance_type,
        )
    };
    let [hour, day, month] = stacks.iter().map(each).fold([0.0; 3], |sum, owed| {
        [
            sum[0] + owed.per_hour,
            sum[1] + owed.day,
            sum[2] + owed.month,
        ]
    });
    let whom = match place {
        Place::Aws { .. } => "costs",
        Place::Embedded { .. } | Place::Endpoint { .. } => "costs 0.00 USD here; on AWS",
    };
    format!(
        "{whom} at least {hour:.4} USD an hour, {day:.2} a day, {month:.2} a month (list prices of {}, {})",
        prices.region, prices.date
    )
}

fn row(journal: &Journal, lab: &Lab) -> Result<serde_json::Value, JournalError> {
    Ok(serde_json::json!({
        "lab": lab.id,
        "place": lab.place,
        "lesson": lab.progress.lesson,
        "step": lab.progress.step + 1,
        "driven_by": journal.driven_by(&lab.id),
        "clean": lab.clean,
        "stacks": standing(journal, lab)?
            .into_iter()
            .map(|stack| stack.id.unwrap_or(stack.wanted.name))
            .collect::<Vec<_>>(),
    }))
}

/// Stacks that may be there.
fn standing(journal: &Journal, lab: &Lab) -> Result<Vec<StackRecord>, JournalError> {
    let mut stacks = journal.stacks(&lab.id)?;
    stacks.retain(|stack| !stack.gone && !stack.refused);
    Ok(stacks)
}
