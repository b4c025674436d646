//! `efslab status`: which labs there are, and what of them may still be standing. Reads the journal only, beside a driver.

use std::fmt::Write as _;

use miette::{IntoDiagnostic as _, miette};

use super::{Outcome, program, site};
use crate::cli::Common;
use crate::engine::view::{Listing, Owed, Receipt};
use crate::journal::{Journal, JournalError, Lab, Place, StackRecord};
use crate::lesson::arithmetic::Prices;
use crate::lesson::load;

/// Kinds of a receipt that cost nothing (docs/GUARD.md).
const FREE: [&str; 3] = ["schedules", "state machines", "roles, profiles, policies"];

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
        let state = known(&journal, lab).into_diagnostic()?;
        let driven = if journal.driven_by(&lab.id).is_some() {
            ", being driven now"
        } else {
            ""
        };
        let lesson = if lab.progress.lesson.is_empty() {
            "not begun"
        } else {
            &lab.progress.lesson
        };
        let _ = writeln!(
            text,
            "{}  ({})  {lesson}, step {}{driven}: {}",
            lab.id,
            lab.place,
            lab.progress.step + 1,
            state.told(&lab.place, &prices)
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
    let again = program::name();
    let mut text = String::new();
    for lab in journal.labs().ok()? {
        if !matches!(lab.place, Place::Aws { .. }) || journal.driven_by(&lab.id).is_some() {
            continue;
        }
        let id = &lab.id;
        let place = &lab.place;
        let _ = match known(&journal, &lab).ok()? {
            State::Clean | State::Nothing | State::Guard => continue,
            State::Unproved(unproved) if !unproved.may_cost() => continue,
            State::Stands(stacks) => writeln!(
                text,
                "{id} still stands in {place}, as far as is known here, and {}: `{again} resume` goes on with it, `{again} cleanup` removes it",
                owed(place, &prices, &stacks),
            ),
            state @ (State::Unproved(_) | State::Unknown) => writeln!(
                text,
                "{id} may still cost money in {place}: {}. `{again} cleanup` goes on",
                state.told(place, &prices),
            ),
        };
    }
    Some(text).filter(|text| !text.is_empty())
}

/// What the journal knows of what is left of a lab.
enum State {
    /// A cleanup has proved that nothing is.
    Clean,
    /// Nothing was ever made.
    Nothing,
    /// At most its guard was made.
    Guard,
    /// These stacks may be there.
    Stands(Vec<StackRecord>),
    /// The last cleanup has not proved it.
    Unproved(Unproved),
    /// There was a stack, or a cleanup was begun, and no cleanup has ended.
    Unknown,
}

/// Of which kinds a cleanup has not proved that nothing is left.
#[derive(Default)]
struct Unproved {
    /// These were still there.
    left: Vec<String>,
    /// These are perhaps not the lab's.
    kept: Vec<String>,
    untold: Vec<String>,
}

impl Unproved {
    fn of(receipt: Receipt) -> Self {
        let mut unproved = Self::default();
        for row in receipt.rows {
            let kinds = match row.answer {
                Listing::Empty => continue,
                Listing::Left(_) => &mut unproved.left,
                Listing::Kept(_) => &mut unproved.kept,
                Listing::CouldNotTell(_) => &mut unproved.untold,
            };
            kinds.push(row.kind);
        }
        unproved
    }

    /// Whether it may be billed, and somebody has to see to it. What was named and kept is its owner's.
    fn may_cost(&self) -> bool {
        let costs = |kind: &String| !FREE.contains(&kind.as_str());
        self.left.iter().chain(&self.untold).any(costs)
    }
}

fn known(journal: &Journal, lab: &Lab) -> Result<State, JournalError> {
    if lab.clean {
        return Ok(State::Clean);
    }
    let mut stacks = journal.stacks(&lab.id)?;
    stacks.retain(|stack| !stack.refused);
    let begun = lab.progress.leaving || !stacks.is_empty();
    stacks.retain(|stack| !stack.gone);
    if !stacks.is_empty() {
        return Ok(State::Stands(stacks));
    }
    if !begun {
        let guard = journal.asked_for_guard(&lab.id)?;
        return Ok(if guard { State::Guard } else { State::Nothing });
    }
    Ok(match journal.present_receipt(&lab.id)? {
        Some(receipt) if !receipt.is_clean() => State::Unproved(Unproved::of(receipt)),
        _ => State::Unknown,
    })
}

impl State {
    /// In words.
    fn told(&self, place: &Place, prices: &Prices) -> String {
        match self {
            Self::Clean => "cleaned up, nothing is left".to_owned(),
            Self::Nothing => "nothing in the account".to_owned(),
            Self::Guard => "at most its guard is in the account, which costs nothing".to_owned(),
            Self::Stands(stacks) => {
                let id = |stack: &StackRecord| {
                    let id = stack.id.as_ref().unwrap_or(&stack.wanted.name);
                    id.clone()
                };
                let ids: Vec<String> = stacks.iter().map(id).collect();
                let owed = owed(place, prices, stacks);
                format!("in the account: stack {}\n    {owed}", ids.join(", "))
            }
            Self::Unproved(Unproved { left, kept, untold }) => {
                let say = |what: &str, kinds: &[String]| {
                    (!kinds.is_empty()).then(|| format!("{what} {}", kinds.join(", ")))
                };
                let said = [
                    say("has left", left),
                    say("has named and kept", kept),
                    say("could not tell of", untold),
                ];
                let said: Vec<String> = said.into_iter().flatten().collect();
                format!("its last cleanup {}", said.join(", "))
            }
            Self::Unknown => "no cleanup has proved yet that nothing is left".to_owned(),
        }
    }
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
    let state = known(journal, lab)?;
    let (mut stacks, mut unproved) = (Vec::new(), Unproved::default());
    let word = match state {
        State::Clean => "clean",
        State::Nothing => "nothing",
        State::Guard => "guard",
        State::Stands(known) => {
            let id = |stack: StackRecord| stack.id.unwrap_or(stack.wanted.name);
            stacks = known.into_iter().map(id).collect();
            "stands"
        }
        State::Unproved(kinds) => {
            unproved = kinds;
            "unproved"
        }
        State::Unknown => "unknown",
    };
    Ok(serde_json::json!({
        "lab": lab.id,
        "place": lab.place,
        "lesson": lab.progress.lesson,
        "step": lab.progress.step + 1,
        "driven_by": journal.driven_by(&lab.id),
        "clean": lab.clean,
        "state": word,
        "stacks": stacks,
        "left": unproved.left,
        "kept": unproved.kept,
        "could_not_tell": unproved.untold,
    }))
}
