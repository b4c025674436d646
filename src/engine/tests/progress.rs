//! What becomes of a step: passed, skipped, done once more, forgotten with its whole lesson; and that it is written down.

use super::*;
use crate::engine::view::Mark;

/// What is written down after this wish.
fn written(lab: &mut Lab, command: Command) -> Progress {
    lab.at += SignedDuration::from_secs(1);
    let event = Event {
        at: lab.at,
        what: What::Command(command),
    };
    let effects = lab.engine.handle(event).into_iter().rev();
    let saved = effects.filter_map(|effect| match effect {
        Effect::SaveProgress(progress) => Some(progress),
        _ => None,
    });
    saved.take(1).next().expect("progress is written down")
}

fn marks(lab: &Lab) -> Vec<Vec<Mark>> {
    let lessons = lab.engine.view().lessons;
    let marks =
        |row: &crate::engine::view::LessonRow| row.steps.iter().map(|step| step.mark).collect();
    lessons.iter().map(marks).collect()
}

/// At the first step, which has been answered, hinted and passed.
fn passed() -> Lab {
    let mut lab = Lab::at("why");
    lab.hears(What::Began);
    lab.wishes(Command::Hint);
    lab.wishes(Command::Answer("1.50".to_owned()));
    assert!(matches!(lab.state(), StepState::Passed(_)));
    lab
}

fn redo(lesson: &str) -> Command {
    Command::Redo {
        lesson: lesson.to_owned(),
        step: 0,
    }
}

fn reset(lesson: &str) -> Command {
    Command::Reset {
        lesson: lesson.to_owned(),
    }
}

#[test]
fn who_goes_on_without_a_step_has_skipped_it_and_not_passed_it() {
    let mut lab = Lab::at("why");
    lab.hears(What::Began);
    assert_eq!(marks(&lab)[0], [Mark::Open]);
    let progress = written(&mut lab, Command::Next);
    assert_eq!(marks(&lab)[0], [Mark::Skipped]);
    let record = progress.steps.iter().find(|it| it.lesson == "why").unwrap();
    assert!(record.skipped && record.passed.is_none(), "{record:?}");
    // Whoever comes back and does it has done it.
    lab.wishes(Command::Back);
    assert_eq!(marks(&lab)[0], [Mark::Skipped]);
    lab.wishes(Command::Answer("1.50".to_owned()));
    let progress = written(&mut lab, Command::Enter);
    assert_eq!(marks(&lab)[0], [Mark::Passed]);
    assert!(progress.steps.iter().all(|record| !record.skipped));
}

#[test]
fn to_look_elsewhere_is_not_to_skip_and_nothing_comes_after_the_last_step() {
    let mut lab = Lab::at("share");
    lab.hears(What::Began);
    lab.wishes(Command::Back);
    lab.wishes(Command::Goto {
        lesson: "cleanup".to_owned(),
        step: 0,
    });
    lab.wishes(Command::Next);
    assert_eq!(marks(&lab), vec![vec![Mark::Open]; 3]);
}

#[test]
fn a_skipped_step_is_still_skipped_after_the_lab_was_resumed() {
    let mut lab = Lab::at("why");
    lab.hears(What::Began);
    let progress = written(&mut lab, Command::Next);
    let mut setup = lab.engine.setup.clone();
    setup.progress = progress;
    lab.engine = Engine::new(setup);
    assert_eq!(marks(&lab)[0], [Mark::Skipped]);
}

#[test]
fn a_step_that_is_done_once_more_begins_without_answer_hint_and_verdict() {
    let mut lab = passed();
    lab.wishes(Command::Enter);
    let progress = written(&mut lab, redo("why"));
    let step = lab.engine.view().step;
    assert_eq!((step.lesson.as_str(), step.state), ("why", StepState::Open));
    assert_eq!(step.hints, Vec::<String>::new());
    assert_eq!(step.question.and_then(|question| question.answered), None);
    let why = progress.steps.iter().find(|it| it.lesson == "why").unwrap();
    assert_eq!((&why.passed, why.hints, &why.answer), (&None, 0, &None));
    lab.wishes(Command::Answer("1.50".to_owned()));
    assert!(matches!(lab.state(), StepState::Passed(_)));
}

#[test]
fn what_was_typed_before_does_not_count_when_a_step_is_done_once_more() {
    let mut lab = Lab::with_terminals();
    let done = [format!("{PROMPT}ls"), "i-was-here".to_owned()];
    let done = [done[0].as_str(), done[1].as_str(), PROMPT];
    lab.shows(Side::B, &done);
    let effects = lab.wishes(redo("share"));
    assert!(
        matches!(&effects[..], [Effect::MarkTerminals(_)]),
        "the terminals begin anew, nothing on the machines changes: {effects:?}"
    );
    lab.wishes(Command::Enter);
    assert!(
        matches!(lab.state(), StepState::NotYet(_)),
        "{:?}",
        lab.state()
    );
}

#[test]
fn a_lesson_that_is_reset_is_forgotten_and_no_other() {
    let mut lab = passed();
    lab.wishes(Command::Next);
    lab.wishes(Command::Next);
    assert_eq!(marks(&lab), [[Mark::Passed], [Mark::Skipped], [Mark::Open]]);
    let progress = written(&mut lab, reset("why"));
    assert_eq!(marks(&lab), [[Mark::Open], [Mark::Skipped], [Mark::Open]]);
    assert_eq!(lab.engine.view().step.lesson, "cleanup");
    assert!(progress.steps.iter().all(|record| record.lesson != "why"));
}

#[test]
fn whoever_resets_her_own_lesson_stands_at_its_beginning() {
    let mut lessons = lessons();
    let again = lessons[0].steps[0].clone();
    lessons[0].steps.push(Step {
        id: "again".to_owned(),
        ..again
    });
    let mut lab = Lab::of(lessons, "why", Ledger::default());
    lab.hears(What::Began);
    lab.wishes(Command::Answer("1.50".to_owned()));
    lab.wishes(Command::Enter);
    assert_eq!(lab.engine.view().step.number, 2);
    written(&mut lab, reset("why"));
    assert_eq!(lab.engine.view().step.number, 1);
    assert_eq!(marks(&lab)[0], [Mark::Open, Mark::Open]);
    assert_eq!(lab.state(), StepState::Open);
}

#[test]
fn while_everything_is_deleted_nothing_is_forgotten() {
    let mut lab = passed();
    lab.wishes(Command::CleanUp);
    for command in [redo("why"), reset("why"), redo("nothing"), reset("nothing")] {
        lab.wishes(command);
        assert_eq!(marks(&lab)[0], [Mark::Passed]);
    }
}
