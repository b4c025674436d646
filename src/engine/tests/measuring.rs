//! Guessing, measuring, calculating: what counts, and what is shown of it.

use super::*;
use crate::engine::view::{Bar, BarKind, PanelContent, Purpose};
use crate::lesson::calculator::Calculator;
use crate::lesson::reading::Reading;
use crate::lesson::schema::{Measure, Question, Rule};

const DD: &str = "dd of=big";

fn measuring() -> Lesson {
    let question = |ask: &str| {
        Some(Question {
            ask: ask.to_owned(),
            options: Vec::new(),
        })
    };
    let solution = vec![
        Action::Answer("60".to_owned()),
        Action::Type {
            on: Side::A,
            line: DD.to_owned(),
            meanwhile: false,
        },
    ];
    let write = Step {
        question: question("How fast?"),
        measures: vec![Measure {
            id: "write".to_owned(),
            label: "write".to_owned(),
            on: Side::A,
            typed: DD.into(),
            reads: Reading::Dd {},
            rule: Some(Rule::BurstWrite {}),
        }],
        ..step("write", Check::Measured {}, solution)
    };
    let calculator = Check::Calculator {
        of: Calculator::Bill { per_gb: 0.30 },
    };
    let bill = Step {
        question: question("How much?"),
        results: true,
        ..step("bill", calculator, vec![Action::Answer("5".to_owned())])
    };
    lesson(6, "measure", Some(Stage::Share), vec![write, bill])
}

/// At the measuring step, both terminals at their prompts.
fn lab() -> Lab {
    let mut all = lessons();
    all.insert(2, measuring());
    let mut lab = Lab::of(all, "measure", Ledger::default());
    lab.open_terminals();
    lab
}

fn bars(lab: &Lab) -> Vec<(BarKind, u32)> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small figures"
    )]
    let bar = |bar: &Bar| (bar.kind, bar.value.round() as u32);
    let charts = lab.engine.view().step.charts;
    charts
        .iter()
        .flat_map(|chart| &chart.bars)
        .map(bar)
        .collect()
}

fn measures(lab: &mut Lab) {
    let ran = format!("{PROMPT}{DD}");
    let end = "1073741824 bytes (1.1 GB, 1.0 GiB) copied, 10.74 s, 100 MB/s";
    lab.shows(Side::A, &[&ran, "1024+0 records out", end, PROMPT]);
}

#[test]
fn who_guessed_and_then_measured_sees_guess_measurement_and_rule() {
    let mut lab = lab();
    let view = lab.engine.view().step;
    assert_eq!(view.action, "Guess first, with Enter: How fast?");
    assert_eq!(view.question.unwrap().purpose, Purpose::Guess);
    lab.wishes(Command::Answer("60".to_owned()));
    assert_eq!(
        lab.state(),
        StepState::Open,
        "a guess is not right or wrong"
    );
    assert_eq!(lab.engine.view().step.action, "Do it.");
    assert_eq!(
        bars(&lab),
        [(BarKind::Guess, 60)],
        "the rule would give it away"
    );
    measures(&mut lab);
    assert_eq!(
        lab.state(),
        StepState::Passed("write: 100 MB/s; you guessed 60".to_owned())
    );
    let all = [
        (BarKind::Guess, 60),
        (BarKind::Measured, 100),
        (BarKind::Documented, 105),
    ];
    assert_eq!(bars(&lab), all);
    lab.wishes(Command::Answer("100".to_owned()));
    assert_eq!(bars(&lab), all, "nobody guesses afterwards");
}

#[test]
fn what_was_measured_before_the_guess_does_not_count() {
    let mut lab = lab();
    measures(&mut lab);
    lab.wishes(Command::Enter);
    assert_eq!(
        lab.state(),
        StepState::NotYet("guess first, then measure".to_owned())
    );
    let effects = lab.wishes(Command::Answer("60".to_owned()));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::MarkTerminals(_))),
        "{effects:?}"
    );
    assert_eq!(lab.state(), StepState::Open);
    measures(&mut lab);
    assert!(
        matches!(lab.state(), StepState::Passed(_)),
        "{:?}",
        lab.state()
    );
}

#[test]
fn a_guess_that_is_no_number_is_asked_for_again() {
    let mut lab = lab();
    lab.wishes(Command::Answer("fast".to_owned()));
    assert_eq!(
        lab.state(),
        StepState::NotYet("`fast` is no guess: a number above 0 is".to_owned())
    );
    lab.wishes(Command::Answer("60".to_owned()));
    assert_eq!(lab.state(), StepState::Open);
}

#[test]
fn whoever_has_guessed_keeps_the_guess_when_the_rest_is_done_for_her() {
    let mut lab = lab();
    lab.wishes(Command::Answer("80".to_owned()));
    lab.shows(Side::A, &[PROMPT]);
    let effects = lab.wishes(Command::RunForMe);
    let types = |effect: &Effect| matches!(effect, Effect::Input { on: Side::A, bytes } if bytes == b"dd of=big\r");
    assert!(effects.iter().any(types), "{effects:?}");
    measures(&mut lab);
    assert_eq!(
        lab.state(),
        StepState::Passed("write: 100 MB/s; you guessed 80".to_owned())
    );
}

#[test]
fn what_was_measured_is_shown_again_where_the_lesson_sums_up() {
    let mut lab = lab();
    lab.wishes(Command::Answer("60".to_owned()));
    measures(&mut lab);
    lab.wishes(Command::Enter);
    assert_eq!(
        bars(&lab),
        [
            (BarKind::Guess, 60),
            (BarKind::Measured, 100),
            (BarKind::Documented, 105)
        ]
    );
    let panels = lab.engine.view().step.panels;
    let PanelContent::Table(table) = &panels[0].content else {
        panic!("{panels:?}");
    };
    let row = ["A: write", "MB/s", "60", "100", "105"];
    assert_eq!(table.rows, [row.map(str::to_owned).to_vec()]);
}

#[test]
fn a_calculator_calculates_as_often_as_one_likes() {
    let mut lab = lab();
    lab.wishes(Command::Next);
    for (answer, told) in [
        ("5", "5 GB x 0.30 USD = 1.50 USD a month"),
        ("10", "10 GB x 0.30 USD = 3.00 USD a month"),
        ("much", "10 GB x 0.30 USD = 3.00 USD a month"),
    ] {
        lab.wishes(Command::Answer(answer.to_owned()));
        assert_eq!(lab.state(), StepState::Passed(told.to_owned()));
    }
}
