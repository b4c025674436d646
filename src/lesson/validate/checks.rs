//! Whether a step's check, or one within it, can ever be decided. Judges checks only, not what solves them.

use crate::lesson::calculator::Calculator;
use crate::lesson::facts;
use crate::lesson::schema::{Check, Question, Step};
use crate::template;

use super::{ALARM_STATES, Findings, is_id, placeholders};

/// Writes in each direction of which one sees the end: seven a second are usual.
const WRITES_MOST: u32 = 1000;

/// `built`: the machines are there when the step is checked.
pub(super) fn validate(step: &Step, built: bool, found: &mut Findings) {
    one(&step.check, step, built, found);
    measures(step, found);
}

fn one(check: &Check, step: &Step, built: bool, found: &mut Findings) {
    let question = step.question.as_ref();
    match check {
        Check::Answer { option } => {
            asked("Answer", question, found);
            let options = question.map_or(0, |question| question.options.len());
            found.expect(
                question.is_none() || (1..=options).contains(option),
                format!(
                    "check Answer wants option {option} of {options}; expected one from 1 to {options}"
                ),
            );
        }
        Check::Number { is, within } => {
            typed_answer("Number", question, found);
            found.expect(
                is.is_finite() && within.is_finite() && *within >= 0.0,
                "check Number cannot be met; expected finite numbers and `within` from 0",
            );
        }
        Check::Calculator { of } => {
            typed_answer("Calculator", question, found);
            if let Calculator::Bill { per_gb } = of {
                found.expect(
                    per_gb.is_finite() && *per_gb > 0.0,
                    "check Calculator has no price; expected `per_gb` above 0",
                );
            }
        }
        Check::Measured {} => {
            machines("Measured", built, found);
            if question.is_some() {
                typed_answer("Measured", question, found);
            }
            found.expect(
                !step.measures.is_empty(),
                "check Measured has nothing to measure; expected `measures` in the step",
            );
        }
        Check::Fact { is } => {
            typed_answer("Fact", question, found);
            placeholders(is, found);
            found.expect(
                facts::names(is).next().is_some(),
                format!(
                    "check Fact compares with `{is}`; expected a placeholder such as {{b.address}}"
                ),
            );
        }
        Check::Stack { stage } | Check::Proposed { stage } => {
            if let Err(error) = template::render(*stage) {
                found.add(format!(
                    "check Stack: {error}; expected a stage that `efslab template` can print"
                ));
            }
        }
        Check::Terminal { typed, shows, .. } => {
            machines("Terminal", built, found);
            found.expect(
                !typed.0.is_empty() && typed.0.iter().all(|way| !way.trim().is_empty()),
                "check Terminal has an empty `typed`; expected a command, or several to choose from",
            );
            for part in &shows.0 {
                placeholders(part, found);
            }
        }
        Check::Remote {
            run,
            shows,
            otherwise,
            ..
        } => {
            machines("Remote", built, found);
            found.expect(
                !run.trim().is_empty() && !otherwise.trim().is_empty(),
                "check Remote has an empty `run` or `otherwise`; expected a command and what to say when it fails",
            );
            placeholders(shows.as_deref().unwrap_or_default(), found);
        }
        Check::Causality { .. }
        | Check::Alarm { .. }
        | Check::Metric { .. }
        | Check::Snapshots { .. }
        | Check::Taken { .. }
        | Check::Pinned {}
        | Check::Volume { .. }
        | Check::Restored { .. }
        | Check::Machine { .. } => of_sights(check, built, found),
        Check::NothingLeft {} => {}
        Check::All(checks) => {
            found.expect(
                !checks.is_empty(),
                "check All is empty; expected at least one check",
            );
            for inner in checks {
                one(inner, step, built, found);
            }
        }
    }
}

/// What the step measures: each can be told from the others, and is read from some command.
fn measures(step: &Step, found: &mut Findings) {
    for (at, measure) in step.measures.iter().enumerate() {
        found.expect(
            is_id(&measure.id)
                && step.measures[..at]
                    .iter()
                    .all(|other| other.id != measure.id),
            format!(
                "the measure `{}` has no id of its own made of lower-case words",
                measure.id
            ),
        );
        found.expect(
            !measure.label.trim().is_empty() && !measure.typed.0.is_empty(),
            "a measure has an empty `label` or `typed`; expected words for the chart and a command",
        );
    }
    found.expect(
        step.measures.is_empty() || takes(&step.check),
        "nothing waits for its measures; expected a check Measured",
    );
}

/// Whether a measurement is waited for.
fn takes(check: &Check) -> bool {
    match check {
        Check::Measured {} => true,
        Check::All(checks) => checks.iter().any(takes),
        _ => false,
    }
}

fn asked(kind: &str, question: Option<&Question>, found: &mut Findings) {
    found.expect(
        question.is_some(),
        format!("check {kind} needs a question; expected `question`"),
    );
}

fn typed_answer(kind: &str, question: Option<&Question>, found: &mut Findings) {
    asked(kind, question, found);
    found.expect(
        question.is_none_or(|question| question.options.is_empty()),
        format!("check {kind} is for a typed answer; expected a question without options"),
    );
}

/// Checks of what is looked at: the account, and how soon one machine sees what the other writes.
fn of_sights(check: &Check, built: bool, found: &mut Findings) {
    match check {
        Check::Causality { writes } => {
            machines("Causality", built, found);
            found.expect(
                (1..=WRITES_MOST).contains(writes),
                format!(
                    "check Causality wants {writes} writes; expected a number from 1 to {WRITES_MOST}"
                ),
            );
        }
        Check::Alarm { id, state } => found.expect(
            !id.is_empty() && ALARM_STATES.contains(&state.as_str()),
            "check Alarm needs an id and a state; expected OK, ALARM or INSUFFICIENT_DATA",
        ),
        Check::Metric { above, .. } => found.expect(
            *above >= 0.0,
            "check Metric passes without anything counted; expected `above` from 0",
        ),
        Check::Snapshots { at_least } => found.expect(
            *at_least > 0,
            "check Snapshots passes without any; expected at_least from 1",
        ),
        Check::Taken { .. } => machines("Taken", built, found),
        Check::Volume { gib } => found.expect(
            *gib > 0,
            "check Volume passes with any disk; expected `gib` from 1",
        ),
        Check::Machine { state, .. } => found.expect(
            ["running", "stopped"].contains(&state.as_str()),
            "check Machine needs a state; expected running or stopped",
        ),
        // There is nothing in them that could be wrong.
        _ => {}
    }
}

fn machines(kind: &str, built: bool, found: &mut Findings) {
    found.expect(
        built,
        format!(
            "check {kind} needs the machines; expected `stage: share` in the lesson, or a Build in the solution of \
             this step or an earlier one"
        ),
    );
}
