//! What is said of a lab that stays behind: what of it is there, what that costs, when it removes itself, how to go on or end
//! it. Only words: nothing is looked at here.

use jiff::tz::TimeZone;

use super::program;
use crate::engine::view::{Of, Phase, View};
use crate::journal::{self, Place};

/// What stays, a sentence or two.
pub(super) fn left(lab: &journal::Lab, view: &View) -> String {
    let id = &lab.id;
    let made = made(view);
    let gone = matches!(&view.phase, Phase::CleanedUp(receipt) if receipt.is_clean());
    let cleans = matches!(view.phase, Phase::CleaningUp { .. } | Phase::CleanedUp(_));
    if gone || view.stack.is_none() && !cleans {
        return format!("{id} is kept; it has nothing in the account.\n");
    }
    if cleans && made.is_empty() {
        // What has not been looked at may be there.
        return unknown(lab) + "\n";
    }
    let hour = view.owed.as_ref().filter(|owed| owed.of == Of::Standing);
    let hour = hour.map_or(view.cost_per_hour, |owed| owed.per_hour);
    let there = match &lab.place {
        Place::Aws { region, .. } => {
            format!(
                "{id} still stands in AWS, {region}{made}, and costs about {hour:.2} USD an hour."
            )
        }
        Place::Embedded { .. } => format!(
            "{id} is kept{made}; its practice account stands still until you come back. It costs nothing; in AWS it would be about {hour:.2} USD an hour."
        ),
        Place::Endpoint { url, .. } => format!(
            "{id} still stands in the practice account at {url}{made}. It costs nothing; in AWS it would be about {hour:.2} USD an hour."
        ),
    };
    // Where time stands still no lease ends.
    let runs_on = !matches!(lab.place, Place::Embedded { .. });
    let until = view.removes_itself.filter(|_| runs_on);
    let until = until.map(|at| at.to_zoned(TimeZone::system()));
    let until = until.map_or_else(String::new, |at| {
        format!(" It removes itself at {}.", at.strftime("%H:%M on %-d %B"))
    });
    format!("{there}{until}\n")
}

/// The same, and what to type, where something was begun and not ended.
pub(super) fn unfinished(lab: &journal::Lab, view: &View) -> String {
    let (id, program) = (&lab.id, program::name());
    let left = left(lab, view);
    let cleans = matches!(view.phase, Phase::CleaningUp { .. } | Phase::CleanedUp(_));
    let resume = if cleans {
        String::new()
    } else {
        format!("  {program} resume --lab {id}   goes on with it\n")
    };
    format!("{left}{resume}  {program} cleanup {id}   removes everything, with proof\n")
}

/// Of a lab of which nobody knows what is there.
pub(super) fn unknown(lab: &journal::Lab) -> String {
    let whom = match &lab.place {
        Place::Aws { region, .. } => format!("AWS, {region}, where it costs money"),
        Place::Embedded { .. } | Place::Endpoint { .. } => "its practice account".to_owned(),
    };
    format!("{} may still be in {whom}.", lab.id)
}

/// ` (2 instances, 1 filesystem)`
fn made(view: &View) -> String {
    let made = view.made().into_iter();
    let words: Vec<_> = made
        .map(|(count, noun)| {
            let plural = if count == 1 { "" } else { "s" };
            format!("{count} {noun}{plural}")
        })
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join(", "))
    }
}
