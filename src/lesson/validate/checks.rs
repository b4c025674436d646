//! Whether a step's check, or one within it, can ever be decided. Judges checks only, not what solves them.

use crate::lesson::facts;
use crate::lesson::schema::{Check, Question, Step};
use crate::template;

use super::{Findings, placeholders};

/// `built`: the machines are there when the step is checked.
pub(super) fn validate(step: &Step, built: bool, found: &mut Findings) {
    one(&step.check, step.question.as_ref(), built, found);
}

fn one(check: &Check, question: Option<&Question>, built: bool, found: &mut Findings) {
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
        Check::Bill { per_gb } => {
            typed_answer("Bill", question, found);
            found.expect(
                per_gb.is_finite() && *per_gb > 0.0,
                "check Bill has no price; expected `per_gb` above 0",
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
        Check::Stack { stage } => {
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
        Check::NothingLeft {} => {}
        Check::All(checks) => {
            found.expect(
                !checks.is_empty(),
                "check All is empty; expected at least one check",
            );
            for inner in checks {
                one(inner, question, built, found);
            }
        }
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

fn machines(kind: &str, built: bool, found: &mut Findings) {
    found.expect(
        built,
        format!(
            "check {kind} needs the machines; expected `stage: share` in the lesson, or a Build in the solution of \
             this step or an earlier one"
        ),
    );
}
