//! What a lesson may say beyond its types: references that lead somewhere, answers that can be given, hints that are there.
//!
//! Pure judgement on one lesson; nothing here reads a file.

use std::collections::BTreeSet;

use crate::template::{self, Stage};

use super::check::{self, Need};
use super::diagram::{diagram, diagrams};
use super::facts::{self, PLACEHOLDERS};
use super::outline;
use super::positions::Positions;
use super::problem::Problem;
use super::schema::{Action, Lesson, Step};
use super::sight::Panel;

mod answers;
mod checks;

/// States that CloudWatch knows (API reference, SetAlarmState).
const ALARM_STATES: [&str; 3] = ["OK", "ALARM", "INSUFFICIENT_DATA"];
/// Every step has this many hints.
const HINTS: usize = 3;

/// Everything that is wrong with a lesson that could be read.
pub(super) fn validate(file: &str, lesson: &Lesson, positions: &Positions) -> Vec<Problem> {
    let mut found = Findings {
        file,
        line: Some(1),
        prefix: String::new(),
        problems: Vec::new(),
    };
    whole(lesson, &mut found);

    let mut ids = BTreeSet::new();
    let mut built = lesson.stage.is_some();
    let mut stage = lesson.stage;
    for (index, step) in lesson.steps.iter().enumerate() {
        found.line = positions.step(index);
        found.prefix = format!("step `{}`: ", step.id);
        if !ids.insert(&step.id) {
            found.add("an earlier step has this id too; expected one of its own");
        }
        built |= builds(&step.solution);
        stage = stage.max(highest(&step.solution));
        texts(step, &mut found);
        references(step, &mut found);
        others(step, &lesson.steps[..index], &mut found);
        looks(step, stage, &mut found);
        checks::validate(step, built, &mut found);
        actions(step, built, &mut found);
        answers::validate(step, &mut found);
    }
    found.problems
}

/// Problems found so far, and where one is looking.
struct Findings<'a> {
    file: &'a str,
    line: Option<usize>,
    prefix: String,
    problems: Vec<Problem>,
}

impl Findings<'_> {
    fn add(&mut self, what: impl AsRef<str>) {
        self.problems.push(Problem {
            file: self.file.to_owned(),
            line: self.line,
            what: format!("{}{}", self.prefix, what.as_ref()),
        });
    }

    /// Adds unless it holds.
    fn expect(&mut self, holds: bool, otherwise: impl AsRef<str>) {
        if !holds {
            self.add(otherwise);
        }
    }
}

/// The lesson's own fields.
fn whole(lesson: &Lesson, found: &mut Findings) {
    found.expect(
        is_id(&lesson.id),
        format!(
            "the id `{}` is not made of lower-case words; expected one such as share-files",
            lesson.id
        ),
    );
    found.expect(lesson.number > 0, "number is 0; expected one from 1");
    found.expect(
        lesson.minutes > 0,
        "minutes is 0; expected how long a learner takes",
    );
    found.expect(
        !lesson.title.trim().is_empty(),
        "title is empty; expected a few words",
    );
    found.expect(
        !lesson.objectives.is_empty(),
        "objectives is empty; expected what the learner can do afterwards",
    );
    found.expect(
        !lesson.steps.is_empty(),
        "steps is empty; expected at least one",
    );
    if let Some(stage) = lesson.stage
        && let Err(error) = template::render(stage)
    {
        found.add(format!(
            "stage: {error}; expected one that `efslab template` can print"
        ));
    }
}

/// Whether `id` is made of lower-case words joined by hyphens.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.split('-').all(|word| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
}

/// What must be there, and placeholders in whatever the learner reads.
fn texts(step: &Step, found: &mut Findings) {
    found.expect(
        is_id(&step.id),
        "the id is not made of lower-case words; expected one such as first-login",
    );
    for (name, text) in [
        ("title", &step.title),
        ("text", &step.text),
        ("action", &step.action),
        ("debrief", &step.debrief),
    ] {
        found.expect(
            !text.trim().is_empty(),
            format!("{name} is empty; expected words for the learner"),
        );
    }
    found.expect(
        step.action.trim().lines().count() <= 1,
        "action has several lines; expected one sentence",
    );
    found.expect(
        step.hints.len() == HINTS,
        format!("hints has {}; expected {HINTS}", step.hints.len()),
    );
    found.expect(
        step.hints.iter().all(|hint| !hint.trim().is_empty()),
        "a hint is empty; expected words that help",
    );

    let mut shown: Vec<&str> = vec![&step.title, &step.text, &step.action, &step.debrief];
    shown.extend(step.changed.as_deref());
    shown.extend(step.measures.iter().map(|measure| measure.label.as_str()));
    shown.extend(step.commands.iter().map(String::as_str));
    shown.extend(step.hints.iter().map(String::as_str));
    for action in each(&step.solution).chain(each(&step.wrong)) {
        match action {
            Action::Answer(text) | Action::Type { line: text, .. } => shown.push(text),
            _ => {}
        }
    }
    if let Some(question) = &step.question {
        shown.push(&question.ask);
        for choice in &question.options {
            shown.extend([choice.text.as_str(), choice.because.as_str()]);
        }
    }
    for text in shown {
        placeholders(text, found);
    }
}

fn placeholders(text: &str, found: &mut Findings) {
    for name in facts::names(text) {
        found.expect(
            facts::known(name).is_some(),
            format!(
                "there is no placeholder {{{name}}}; expected one of {}",
                listed(PLACEHOLDERS.iter().map(|place| place.name))
            ),
        );
    }
}

/// Files and other steps.
fn others(step: &Step, before: &[Step], found: &mut Findings) {
    for name in &step.brings {
        found.expect(
            template::file(&format!("scripts/{name}")).is_some(),
            format!("there is no file `{name}` to bring; expected one of assets/scripts"),
        );
    }
    if let Some(from) = &step.timed_from {
        found.expect(
            before.iter().any(|step| step.id == *from),
            format!("timed_from names `{from}`; expected the id of an earlier step"),
        );
    }
}

/// What is looked at, and how far the clock may be put forward. `stage`: how far the stack stands in this step.
fn looks(step: &Step, stage: Option<Stage>, found: &mut Findings) {
    found.expect(
        step.forward != Some(0),
        "forward is 0; expected minutes, or nothing",
    );
    let twice = |(at, panel): (usize, &Panel)| step.shows[..at].contains(panel);
    found.expect(
        !step.shows.iter().enumerate().any(twice),
        "shows names something twice; expected each once",
    );
    found.expect(
        step.shows.is_empty() || stage.is_some(),
        "shows something of an account in which nothing stands; expected `stage` in the lesson, or a Build before",
    );
    // What is brought names the disk.
    found.expect(
        step.brings.is_empty() || stage >= Some(Stage::Backup),
        "brings files for a disk that is not there; expected `stage: backup` in the lesson, or a Build before",
    );
}

/// The highest stage that actions build.
fn highest(actions: &[Action]) -> Option<Stage> {
    let stages = each(actions).filter_map(|action| match action {
        Action::Build { stage } => Some(*stage),
        _ => None,
    });
    stages.max()
}

/// Rows, diagram and fragment.
fn references(step: &Step, found: &mut Findings) {
    found.expect(
        !step.rows.is_empty(),
        "rows is empty; expected the rows of the outline that it teaches",
    );
    for row in &step.rows {
        found.expect(
            outline::is_row(row),
            format!(
                "the outline has no row `{row}`; expected one of {}",
                listed(outline::ROWS.iter().copied())
            ),
        );
    }
    if let Some(name) = &step.diagram {
        found.expect(
            diagram(name).is_some(),
            format!(
                "there is no diagram `{name}`; expected one of {}",
                listed(diagrams().iter().map(|(name, _)| *name))
            ),
        );
    }
    if let Some(name) = &step.fragment {
        found.expect(
            template::fragment(name).is_some(),
            format!(
                "there is no fragment `{name}`; expected one of {}",
                listed(
                    template::fragments()
                        .iter()
                        .chain(template::scripts())
                        .map(|(name, _)| *name)
                )
            ),
        );
    }
}

/// Solution and wrong answer: there, different, and possible.
fn actions(step: &Step, built: bool, found: &mut Findings) {
    for (name, actions) in [("solution", &step.solution), ("wrong", &step.wrong)] {
        found.expect(
            !actions.is_empty(),
            format!("{name} is empty; expected at least one action"),
        );
        let built = built || builds(actions);
        for action in each(actions) {
            match action {
                Action::Type { line, .. } => {
                    found.expect(
                        built,
                        format!(
                            "{name} types on a machine that is not there; expected `stage: share` in the lesson, or a \
                             Build before"
                        ),
                    );
                    found.expect(
                        !line.trim().is_empty() && line.lines().count() == 1,
                        format!("{name} types an empty or a broken line; expected one line"),
                    );
                }
                Action::Build { stage } | Action::Propose { stage } => {
                    if let Err(error) = template::render(*stage) {
                        found.add(format!(
                            "{name}: {error}; expected a stage that `efslab template` can print"
                        ));
                    }
                }
                Action::Stop { .. }
                | Action::Start { .. }
                | Action::Interrupt { .. }
                | Action::Restore {} => found.expect(
                    built,
                    format!(
                        "{name} does something with a machine that is not there; expected `stage` in the lesson, or a \
                         Build before"
                    ),
                ),
                Action::Forward { minutes } => found.expect(
                    *minutes > 0,
                    format!("{name} puts the clock forward by nothing; expected minutes from 1"),
                ),
                Action::SetAlarm { id, state } => found.expect(
                    !id.is_empty() && ALARM_STATES.contains(&state.as_str()),
                    format!(
                        "{name} sets an alarm to `{state}`; expected an id and one of {}",
                        listed(ALARM_STATES.into_iter())
                    ),
                ),
                Action::Causality {} => found.expect(
                    check::needs(step)
                        .iter()
                        .any(|need| matches!(need, Need::Causality { .. })),
                    format!("{name} lets the machines answer each other for nothing; expected a check Causality"),
                ),
                _ => {}
            }
        }
    }
    found.expect(
        step.solution.is_empty() || step.solution != step.wrong,
        "wrong is the same as solution; expected a mistake that must not pass",
    );
}

/// The actions, those for one target only among them.
fn each(actions: &[Action]) -> Box<dyn Iterator<Item = &Action> + '_> {
    Box::new(actions.iter().flat_map(|action| match action {
        Action::OnPractice(inner) | Action::OnAws(inner) => each(inner),
        other => Box::new(std::iter::once(other)),
    }))
}

fn builds(actions: &[Action]) -> bool {
    actions
        .iter()
        .any(|action| matches!(action, Action::Build { .. }))
}

/// `a, b, c`.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
