//! Writing here and seeing there: what is begun, what counts of what the machines print, and what is told.

use super::*;
use crate::engine::event::{Heard, Ran};
use crate::engine::view::{CausalityView, Work};
use crate::lesson::schema::{Choice, Question};

/// Measured, then asked; two writes each way.
fn causality() -> Lesson {
    let choice = |text: &str| Choice {
        text: text.to_owned(),
        because: format!("{text}!"),
    };
    let check = Check::All(vec![
        Check::Causality { writes: 2 },
        Check::Answer { option: 2 },
    ]);
    let solution = vec![Action::Causality {}, Action::Answer("2".to_owned())];
    let soon = Step {
        question: Some(Question {
            ask: "And?".to_owned(),
            options: vec![choice("no"), choice("yes")],
        }),
        ..step("soon", check, solution)
    };
    lesson(6, "soon", Some(Stage::Share), vec![soon])
}

fn lab() -> Lab {
    let mut all = lessons();
    all.insert(2, causality());
    let mut lab = Lab::of(all, "soon", Ledger::default());
    lab.open_terminals();
    lab
}

/// What both machines are asked to run: id and command, of A and of B.
fn listened(effects: &[Effect]) -> Option<(u64, [&str; 2])> {
    match effects {
        [
            Effect::Listen {
                on: Side::A,
                id,
                run: a,
            },
            Effect::Listen {
                on: Side::B,
                id: same,
                run: b,
            },
        ] if id == same => Some((*id, [a, b])),
        _ => None,
    }
}

fn begun(lab: &mut Lab) -> u64 {
    let effects = lab.wishes(Command::RunForMe);
    listened(&effects)
        .unwrap_or_else(|| panic!("{effects:?}"))
        .0
}

impl Lab {
    fn prints(&mut self, on: Side, id: u64, line: &str) -> Vec<Effect> {
        let news = Heard::Line(line.to_owned());
        self.hears(What::Heard { on, id, news })
    }

    fn ends(&mut self, on: Side, id: u64, status: i32, stderr: &str) -> Vec<Effect> {
        let news = Heard::Ended(Ok(Ran {
            status: Some(status),
            stdout: String::new(),
            stderr: stderr.to_owned(),
        }));
        self.hears(What::Heard { on, id, news })
    }

    fn causality(&self) -> CausalityView {
        self.engine.view().step.causality.unwrap()
    }

    fn seen(&self) -> [usize; 2] {
        self.causality().ways.map(|way| way.seen)
    }
}

#[test]
fn both_machines_run_the_same_script_each_in_its_part() {
    let mut lab = lab();
    assert_eq!(lab.engine.view().step.work, Work::Causality);
    assert_eq!(lab.causality().writes, None);
    let effects = lab.wishes(Command::RunForMe);
    let (_, [a, b]) = listened(&effects).unwrap();
    let (inputs, script) = a.split_once('\n').unwrap();
    assert!(inputs.ends_with("SIDE=a OTHER=b WRITES=2"), "{inputs}");
    assert_eq!(Some(script), crate::template::file("scripts/beat.sh"));
    assert_eq!(b, a.replace("SIDE=a OTHER=b", "SIDE=b OTHER=a"));
    assert!(matches!(lab.state(), StepState::Working { .. }));
    assert_eq!(lab.causality().writes, Some(Side::A), "A begins");
    let again = lab.wishes(Command::RunForMe);
    assert_eq!(again, [], "one measurement at a time");
}

#[test]
fn what_one_side_saw_lights_up_and_it_is_its_turn_to_write() {
    let mut lab = lab();
    let id = begun(&mut lab);
    lab.prints(Side::B, id, "beat 1 1000000 6400000");
    let view = lab.causality();
    assert_eq!(view.writes, Some(Side::B));
    assert_eq!((view.ways[0].seen, view.ways[0].last), (1, Some(5400)));
    assert_eq!(view.ways[1].last, None);
    assert_eq!(view.histogram.last().unwrap().counts, [1, 0]);
}

#[test]
fn after_the_measurement_the_question_is_for_the_learner() {
    let mut lab = lab();
    let id = begun(&mut lab);
    for number in [1, 2] {
        for on in [Side::B, Side::A] {
            lab.prints(on, id, &format!("beat {number} 1000000 6400000"));
        }
    }
    assert_eq!(
        lab.state(),
        StepState::NotYet("the question has no answer yet".to_owned())
    );
    let view = lab.engine.view().step;
    assert!(
        view.action.contains("answer the question"),
        "{}",
        view.action
    );
    assert_eq!(lab.causality().writes, None);
    lab.wishes(Command::Answer("2".to_owned()));
    assert_eq!(
        lab.state(),
        StepState::Passed(
            "2 writes each way: A to B median 5.4 ms, 95 % within 5.4 ms; B to A median 5.4 ms, 95 % within 5.4 ms; yes!"
                .to_owned()
        )
    );
    // What comes in late changes nothing.
    lab.ends(Side::A, id, 1, "late");
    assert_eq!(lab.engine.view().trouble, None);
    assert_eq!(lab.seen(), [2, 2]);
}

#[test]
fn who_asks_to_have_the_rest_done_gets_the_answer_and_no_second_measurement() {
    let mut lab = lab();
    let id = begun(&mut lab);
    for on in [Side::A, Side::B] {
        for number in [1, 2] {
            lab.prints(on, id, &format!("beat {number} 0 2000000"));
        }
    }
    assert_eq!(lab.wishes(Command::RunForMe), []);
    assert!(matches!(lab.state(), StepState::Passed(_)));
}

#[test]
fn only_the_next_number_of_the_present_measurement_counts() {
    let mut lab = lab();
    let id = begun(&mut lab);
    for line in [
        "beat 2 0 2000000",
        "beat 0 0 2000000",
        "beat one 0 1",
        "rm: cannot remove",
        "",
    ] {
        assert_eq!(lab.prints(Side::B, id, line), []);
    }
    lab.prints(Side::B, id + 1, "beat 1 0 2000000");
    assert_eq!(lab.seen(), [0, 0]);
    lab.prints(Side::B, id, "beat 1 0 2000000");
    lab.prints(Side::B, id, "beat 1 0 9000000");
    assert_eq!(lab.seen(), [1, 0]);
}

#[test]
fn a_measurement_that_breaks_off_is_begun_again_by_itself_and_then_on_demand() {
    let mut lab = lab();
    let mut id = begun(&mut lab);
    lab.prints(Side::B, id, "beat 1 0 2000000");
    // What works in between counts as success: five failures in a row are too many.
    for attempt in 1..=5 {
        lab.ends(Side::B, id, 1, "nothing came from the other side\n");
        assert_eq!(lab.seen(), [0, 0], "from the beginning");
        let trouble = lab.engine.view().trouble.unwrap();
        assert_eq!(trouble.why, "nothing came from the other side");
        assert_eq!(trouble.retry.is_some(), attempt == 5);
        // The other half ends a little later, which is no news.
        lab.ends(Side::A, id, 1, "nothing came from the other side\n");
        let effects = if attempt == 5 {
            lab.wishes(Command::Retry)
        } else {
            lab.at += SignedDuration::from_secs(60);
            lab.hears(What::Woke)
        };
        let next = listened(&effects)
            .unwrap_or_else(|| panic!("{attempt}: {effects:?}"))
            .0;
        assert!(next > id);
        id = next;
    }
    lab.prints(Side::B, id, "beat 1 0 2000000");
    assert_eq!(lab.engine.view().trouble, None);
}

#[test]
fn commands_that_end_well_but_too_early_have_failed() {
    let mut lab = lab();
    let id = begun(&mut lab);
    lab.ends(Side::B, id, 0, "");
    assert_eq!(lab.engine.view().trouble, None, "A may still print");
    lab.ends(Side::A, id, 0, "");
    let trouble = lab.engine.view().trouble.unwrap();
    assert_eq!(trouble.why, "it ended before all was measured");
}

#[test]
fn a_connection_that_is_lost_is_told() {
    let mut lab = lab();
    let id = begun(&mut lab);
    let news = Heard::Ended(Err(failure(FailureClass::Transient)));
    lab.hears(What::Heard {
        on: Side::A,
        id,
        news,
    });
    let trouble = lab.engine.view().trouble.unwrap();
    assert_eq!(trouble.what, "could not measure on A");
}

#[test]
fn a_terminal_that_ended_is_opened_again_before_anything_is_measured() {
    let mut lab = lab();
    let news = TerminalNews::Ended("closed".to_owned());
    lab.hears(What::Terminal { on: Side::B, news });
    let effects = lab.wishes(Command::RunForMe);
    assert_eq!(effects, [Effect::OpenTerminal(Side::B)]);
    let news = TerminalNews::Opened;
    let effects = lab.hears(What::Terminal { on: Side::B, news });
    assert!(listened(&effects).is_some(), "{effects:?}");
}

#[test]
fn whoever_leaves_the_step_begins_anew() {
    let mut lab = lab();
    let id = begun(&mut lab);
    lab.prints(Side::B, id, "beat 1 0 2000000");
    lab.wishes(Command::Back);
    lab.wishes(Command::Next);
    assert_eq!(lab.seen(), [0, 0]);
    lab.prints(Side::B, id, "beat 1 0 2000000");
    assert_eq!(lab.seen(), [0, 0], "an old measurement is not listened to");
    assert!(begun(&mut lab) > id);
}
