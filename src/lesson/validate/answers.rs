//! Questions and the answers that solution and wrong give to them: the one must pass, the other must not.

use crate::lesson::check::{chosen, parse_number};
use crate::lesson::schema::{Action, Check, Question, Step};

use super::Findings;

pub(super) fn validate(step: &Step, found: &mut Findings) {
    let checks = leaves(&step.check);
    let asks = (checks.iter()).any(|check| on_answer(check) || matches!(check, Check::Measured {}));
    if let Some(question) = &step.question {
        form(question, found);
        found.expect(
            asks,
            "no check looks at the answer; expected a check Answer, Number, Calculator, Measured or Fact",
        );
    } else {
        let mut actions = step.solution.iter().chain(&step.wrong);
        found.expect(
            !actions.any(|action| matches!(action, Action::Answer(_))),
            "solution or wrong answers where nothing is asked; expected `question`",
        );
    }
    let solves = checks
        .iter()
        .all(|check| passes(check, &step.solution, step));
    found.expect(
        solves || step.solution.is_empty(),
        "solution does not do what its check asks for; expected the right answer, Build, Causality or CleanUp",
    );
    // Only when the check asks for nothing but answers is it certain that a wrong with right answers passes.
    let only_answers = !checks.is_empty() && checks.iter().all(|check| on_answer(check));
    found.expect(
        !(only_answers && checks.iter().all(|check| passes(check, &step.wrong, step))),
        "wrong gives the right answer; expected one that must not pass",
    );
}

fn form(question: &Question, found: &mut Findings) {
    found.expect(
        question.ask.trim_end().ends_with('?'),
        "the question has no question mark; expected one at its end",
    );
    found.expect(
        question.options.len() != 1,
        "the question has one option; expected none or at least two",
    );
    for choice in &question.options {
        found.expect(
            !choice.text.trim().is_empty() && !choice.because.trim().is_empty(),
            "an option is empty; expected `text` and `because`",
        );
    }
}

/// Whether a check is decided by the answer alone.
fn on_answer(check: &Check) -> bool {
    matches!(
        check,
        Check::Answer { .. } | Check::Number { .. } | Check::Calculator { .. } | Check::Fact { .. }
    )
}

/// The checks within a check.
fn leaves(check: &Check) -> Vec<&Check> {
    match check {
        Check::All(checks) => checks.iter().flat_map(leaves).collect(),
        other => vec![other],
    }
}

/// Whether these actions do what the check asks for, as far as that can be said without running them.
fn passes(check: &Check, actions: &[Action], step: &Step) -> bool {
    let answer = actions.iter().rev().find_map(|action| match action {
        Action::Answer(answer) => Some(answer.as_str()),
        _ => None,
    });
    match check {
        Check::Answer { option } => {
            let options = step.question.iter().flat_map(|question| &question.options);
            answer.and_then(|answer| chosen(answer, options.map(|choice| choice.text.as_str())))
                == Some(*option)
        }
        Check::Number { is, within } => answer
            .and_then(parse_number)
            .is_some_and(|number| (number - is).abs() <= within + 1e-9),
        Check::Calculator { .. } => answer.and_then(parse_number).is_some_and(|it| it > 0.0),
        Check::Measured {} => {
            step.question.is_none()
                || answer
                    .and_then(parse_number)
                    .is_some_and(|guess| guess > 0.0)
        }
        Check::Fact { is } => answer == Some(is.as_str()),
        Check::NothingLeft {} => actions.contains(&Action::CleanUp {}),
        // The stack may stand already, and what a command will show only a machine knows.
        Check::Causality { .. } => actions.contains(&Action::Causality {}),
        Check::Proposed { stage } => actions.contains(&Action::Propose { stage: *stage }),
        Check::Stack { .. }
        | Check::Terminal { .. }
        | Check::Remote { .. }
        | Check::Alarm { .. }
        | Check::Metric { .. }
        | Check::Snapshots { .. }
        | Check::Taken { .. }
        | Check::Pinned {}
        | Check::Volume { .. }
        | Check::Restored { .. }
        | Check::Machine { .. } => true,
        Check::All(checks) => checks.iter().all(|check| passes(check, actions, step)),
    }
}
