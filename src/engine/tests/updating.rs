//! Bringing the standing stack to a later stage: shown first, carried out when that is wanted, never at the cost of what
//! the learner has made.

use super::*;
use crate::engine::effect::NewStage;
use crate::engine::event::{Change, ChangeSet};

const SET: &str = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/one/1";

fn change(action: &str, id: &str, kind: &str, replaces: bool) -> Change {
    Change {
        action: action.to_owned(),
        logical_id: id.to_owned(),
        kind: kind.to_owned(),
        replaces,
    }
}

fn proposed(changes: Vec<Change>) -> What {
    What::UpdateProposed {
        stage: Stage::Alarms,
        outcome: Ok(ChangeSet {
            id: SET.to_owned(),
            changes,
        }),
    }
}

fn alarm() -> Change {
    change("Add", "CreditsAlarm", "AWS::CloudWatch::Alarm", false)
}

fn accepted(outcome: Result<(), Failure>) -> What {
    What::UpdateAccepted {
        stack: ID.to_owned(),
        outcome,
    }
}

/// A look that finds the stack at the alarms stage.
fn updated(status: &str) -> What {
    let mut seen = seen(status);
    seen.outputs
        .insert("CreditsAlarm".to_owned(), "efslab-alarm".to_owned());
    told(Ok(Some(seen)))
}

/// At a step that shows the change set; the next carries it out.
fn lab() -> Lab {
    let stage = Stage::Alarms;
    let look = step(
        "look",
        Check::Proposed { stage },
        vec![Action::Propose { stage }],
    );
    let build = step(
        "build",
        Check::Stack { stage },
        vec![Action::Build { stage }],
    );
    let mut all = lessons();
    all.insert(
        2,
        lesson(7, "alarms", Some(Stage::Share), vec![look, build]),
    );
    let mut lab = Lab::of(all, "alarms", Ledger::default());
    lab.open_terminals();
    lab
}

fn proposes() -> Effect {
    Effect::ProposeUpdate(NewStage {
        stack: ID.to_owned(),
        stage: Stage::Alarms,
        alarm_email: None,
    })
}

fn carries_out() -> Effect {
    Effect::CarryOut {
        stack: ID.to_owned(),
        change_set: SET.to_owned(),
    }
}

fn watches() -> Effect {
    Effect::WatchStack {
        stack: ID.to_owned(),
    }
}

fn is_passed(lab: &Lab) -> bool {
    matches!(lab.state(), StepState::Passed(_))
}

#[test]
fn an_update_is_shown_before_it_is_carried_out() {
    let mut lab = lab();
    assert_eq!(lab.wishes(Command::RunForMe), [proposes()]);
    assert_eq!(lab.hears(proposed(vec![alarm()])), []);
    assert!(is_passed(&lab), "{:?}", lab.state());
    let shown = lab.engine.view().stack.unwrap().proposal.unwrap();
    assert_eq!(shown.rows[0].logical_id, "CreditsAlarm");

    lab.wishes(Command::Enter);
    assert!(!is_passed(&lab));
    assert_eq!(lab.wishes(Command::RunForMe), [carries_out()]);
    assert_eq!(lab.hears(accepted(Ok(()))), [watches()]);
    lab.hears(looked("UPDATE_IN_PROGRESS"));
    assert!(!is_passed(&lab));
    lab.hears(updated("UPDATE_COMPLETE"));
    assert!(is_passed(&lab), "{:?}", lab.state());
    assert_eq!(lab.engine.view().stack.unwrap().proposal, None);
}

#[test]
fn whoever_builds_at_once_has_the_change_set_made_and_carried_out() {
    let mut lab = lab();
    lab.wishes(Command::Next);
    assert_eq!(lab.wishes(Command::RunForMe), [proposes()]);
    assert_eq!(lab.hears(proposed(vec![alarm()])), [carries_out()]);
}

#[test]
fn nothing_is_updated_that_nobody_asked_for() {
    let mut lab = lab();
    assert_eq!(lab.wishes(Command::Enter), []);
    lab.wishes(Command::RunForMe);
    lab.hears(proposed(vec![alarm()]));
    assert_eq!(
        lab.wishes(Command::Enter).len(),
        1,
        "only the step's begin is marked"
    );
    assert_eq!(lab.wishes(Command::Enter), []);
}

#[test]
fn what_would_replace_a_machine_or_the_files_is_refused() {
    for lost in [
        change("Modify", "EC2InstanceA", "AWS::EC2::Instance", true),
        change("Modify", "FileSystem", "AWS::EFS::FileSystem", true),
        change("Remove", "FileSystem", "AWS::EFS::FileSystem", false),
    ] {
        let mut lab = lab();
        lab.wishes(Command::Next);
        lab.wishes(Command::RunForMe);
        assert_eq!(lab.hears(proposed(vec![alarm(), lost])), []);
        let trouble = lab.engine.view().trouble.unwrap();
        assert!(trouble.what.contains("would replace"), "{trouble:?}");
    }
}

#[test]
fn a_machine_that_is_changed_in_place_stays() {
    let mut lab = lab();
    lab.wishes(Command::Next);
    lab.wishes(Command::RunForMe);
    let profile = change("Modify", "EC2InstanceA", "AWS::EC2::Instance", false);
    assert_eq!(lab.hears(proposed(vec![profile])), [carries_out()]);
}

#[test]
fn an_update_that_was_rolled_back_leaves_the_stack_as_it_was() {
    let mut lab = lab();
    lab.wishes(Command::Next);
    lab.wishes(Command::RunForMe);
    lab.hears(proposed(vec![alarm()]));
    lab.hears(accepted(Ok(())));
    lab.hears(looked("UPDATE_ROLLBACK_IN_PROGRESS"));
    let effects = lab.hears(looked("UPDATE_ROLLBACK_COMPLETE"));
    assert_eq!(effects, [], "nothing is deleted");
    let trouble = lab.engine.view().trouble.unwrap();
    assert!(trouble.remedy.contains("/home"), "{trouble:?}");
    assert_eq!(lab.wishes(Command::Retry), [proposes()]);
}

#[test]
fn an_update_that_is_not_seen_yet_is_looked_for_again() {
    let mut lab = lab();
    lab.wishes(Command::Next);
    lab.wishes(Command::RunForMe);
    lab.hears(proposed(vec![alarm()]));
    lab.hears(accepted(Ok(())));
    let effects = lab.hears(looked("CREATE_COMPLETE"));
    assert_eq!(effects[..1], [watches()]);
    assert!(matches!(&effects[1..], [Effect::WakeAt(_)]), "{effects:?}");
    assert!(!is_passed(&lab));
}

#[test]
fn a_lost_answer_to_the_execution_is_settled_by_looking() {
    let mut lab = lab();
    lab.wishes(Command::Next);
    lab.wishes(Command::RunForMe);
    lab.hears(proposed(vec![alarm()]));
    assert_eq!(
        lab.hears(accepted(Err(failure(FailureClass::Exists)))),
        [watches()]
    );
}

#[test]
fn a_refused_execution_is_told_and_another_change_set_asked_for_only_on_wish() {
    let mut lab = lab();
    lab.wishes(Command::Next);
    lab.wishes(Command::RunForMe);
    lab.hears(proposed(vec![alarm()]));
    assert_eq!(lab.hears(accepted(Err(failure(FailureClass::Refused)))), []);
    assert!(lab.engine.view().trouble.is_some());
    assert_eq!(lab.wishes(Command::Retry), [proposes()]);
}
