//! Taking the lab down: what is deleted, what is asked, and what the receipt may claim.

use super::*;
use crate::engine::view::RowState;

#[test]
fn a_cleanup_ends_only_after_the_stack_is_gone_and_two_empty_listings() {
    let mut lab = Lab::with_terminals();
    let effects = lab.wishes(Command::CleanUp);
    assert!(
        matches!(
            &effects[..],
            [Effect::CloseTerminals, Effect::TakeInventory(_)]
        ),
        "{effects:?}"
    );
    let effects = lab.hears(What::InventoryTaken(inventory(Listing::Left(vec![
        "i-A".to_owned(),
    ]))));
    assert_eq!(
        effects,
        [Effect::DeleteStack {
            stack: ID.to_owned()
        }]
    );
    assert!(watched(&lab.hears(What::DeletionRequested {
        stack: ID.to_owned(),
        outcome: Ok(())
    })));
    let effects = lab.hears(looked("DELETE_COMPLETE"));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::TakeInventory(_))),
        "{effects:?}"
    );
    let effects = lab.hears(What::InventoryTaken(inventory(Listing::Empty)));
    assert!(
        matches!(&effects[..], [Effect::TakeInventory(_)]),
        "once is not enough: {effects:?}"
    );
    lab.hears(What::InventoryTaken(inventory(Listing::Empty)));
    let Phase::CleanedUp(receipt) = lab.engine.view().phase else {
        panic!("{:?}", lab.engine.view().phase)
    };
    assert!(receipt.is_clean());
    assert_eq!(receipt.rows[0].deleted, 1);
}

#[test]
fn what_could_not_be_told_is_never_called_gone() {
    let mut lab = Lab::at("cleanup");
    lab.hears(What::Began);
    lab.wishes(Command::CleanUp);
    for _ in 0..40 {
        lab.hears(What::InventoryTaken(inventory(Listing::CouldNotTell(
            "throttled".to_owned(),
        ))));
        lab.at += SignedDuration::from_secs(60);
        lab.hears(What::Woke);
    }
    let Phase::CleanedUp(receipt) = lab.engine.view().phase else {
        panic!("{:?}", lab.engine.view().phase)
    };
    assert!(!receipt.is_clean());
    assert!(
        matches!(lab.state(), StepState::CouldNotCheck(_) | StepState::Open),
        "{:?}",
        lab.state()
    );
}

#[test]
fn another_account_than_the_labs_proves_nothing() {
    let mut lab = Lab::with_terminals();
    lab.wishes(Command::CleanUp);
    let mut stranger = inventory(Listing::Empty);
    stranger.account = Some("999999999999".to_owned());
    lab.hears(What::InventoryTaken(stranger));
    let Phase::CleanedUp(receipt) = lab.engine.view().phase else {
        panic!("{:?}", lab.engine.view().phase)
    };
    assert!(
        matches!(&receipt.rows[0].answer, Listing::CouldNotTell(why) if why.contains("999999999999"))
    );
}

#[test]
fn what_was_called_gone_and_is_listed_again_is_deleted_again() {
    let mut lab = Lab::with_terminals();
    lab.wishes(Command::Back);
    lab.hears(told(Ok(None)));
    lab.wishes(Command::CleanUp);
    let mut found = inventory(Listing::Left(vec!["i-A".to_owned()]));
    found.stacks = vec![ID.to_owned()];
    assert_eq!(
        lab.hears(What::InventoryTaken(found)),
        [Effect::DeleteStack {
            stack: ID.to_owned()
        }]
    );
}

#[test]
fn a_stack_that_is_found_although_nobody_answered_is_written_down() {
    let mut lab = Lab::at("share");
    lab.hears(What::Began);
    lab.hears(What::Prepared(Ok(ground())));
    lab.hears(What::StackRequested(Err(failure(FailureClass::Exists))));
    let effects = lab.hears(What::StackSeen {
        stack: "efslab-7f3k-lab".to_owned(),
        outcome: Ok(Some(seen("CREATE_IN_PROGRESS"))),
    });
    assert_eq!(
        effects,
        [Effect::SaveFound {
            name: "efslab-7f3k-lab".to_owned(),
            id: ID.to_owned()
        }]
    );
}

#[test]
fn whoever_dies_while_cleaning_up_goes_on_cleaning_up() {
    let mut lab = Lab::with_terminals();
    lab.at += SignedDuration::from_secs(1);
    let effects = lab.engine.handle(Event {
        at: lab.at,
        what: What::Command(Command::CleanUp),
    });
    let saved = effects.iter().rev().find_map(|effect| match effect {
        Effect::SaveProgress(progress) => Some(progress.clone()),
        _ => None,
    });
    let entry = Entry {
        name: "efslab-7f3k-lab".to_owned(),
        id: Some(ID.to_owned()),
        life: Life::There,
    };
    let mut lab = Lab::with("share", Ledger::recovered(vec![entry], Known::default()));
    lab.engine.setup.progress = saved.unwrap();
    let effects = lab.hears(What::Began);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::TakeInventory(_))),
        "{effects:?}"
    );
    let effects = lab.hears(looked("DELETE_COMPLETE"));
    let effects = [
        effects,
        lab.hears(What::InventoryTaken(inventory(Listing::Empty))),
    ]
    .concat();
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Prepare | Effect::CreateStack(_))),
        "nothing is built again: {effects:?}"
    );
}

/// A cleanup whose stack is listed and whose deletion ends as `outcome` says.
fn deletion(outcome: &Result<(), Failure>) -> Lab {
    let mut lab = Lab::with_terminals();
    lab.wishes(Command::CleanUp);
    lab.hears(What::InventoryTaken(inventory(Listing::Left(vec![
        "i-A".to_owned(),
    ]))));
    lab.hears(What::DeletionRequested {
        stack: ID.to_owned(),
        outcome: outcome.clone(),
    });
    lab
}

#[test]
fn a_stack_that_cannot_be_deleted_ends_the_cleanup_with_a_receipt_of_what_is_left() {
    let mut lab = deletion(&Err(failure(FailureClass::Denied)));
    let left = inventory(Listing::Left(vec!["i-A".to_owned()]));
    lab.hears(What::InventoryTaken(left.clone()));
    let receipt = lab.engine.receipt().unwrap().clone();
    assert_eq!(
        receipt.rows[0].answer,
        Listing::Left(vec!["i-A".to_owned()])
    );
    let trouble = lab.engine.view().trouble.unwrap();
    assert_eq!(trouble.why, "because");

    // The same with AWS's own refusal, time after time.
    let mut lab = deletion(&Ok(()));
    for _ in 0..10 {
        lab.hears(looked("DELETE_FAILED"));
        lab.at += SignedDuration::from_secs(60);
        lab.hears(What::Woke);
        lab.hears(What::DeletionRequested {
            stack: ID.to_owned(),
            outcome: Ok(()),
        });
    }
    lab.hears(What::InventoryTaken(left));
    assert!(!lab.engine.receipt().unwrap().is_clean());
}

#[test]
fn a_receipt_that_is_not_clean_ends_nothing_and_the_cleanup_can_be_asked_for_again() {
    let mut lab = Lab::at("cleanup");
    lab.hears(What::Began);
    lab.wishes(Command::RunForMe);
    let mut stranger = inventory(Listing::Empty);
    stranger.account = None;
    for _ in 0..40 {
        lab.hears(What::InventoryTaken(stranger.clone()));
        lab.at += SignedDuration::from_secs(60);
        lab.hears(What::Woke);
    }
    assert!(lab.engine.receipt().is_some_and(|it| !it.is_clean()));
    lab.wishes(Command::Enter);
    assert!(
        matches!(lab.engine.view().phase, Phase::CleanedUp(_)),
        "Enter is no way out of a lab that is not proved gone"
    );
    let effects = lab.wishes(Command::RunForMe);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::TakeInventory(_))),
        "{effects:?}"
    );
}

#[test]
fn one_empty_pass_is_not_enough_however_late_it_comes() {
    let mut lab = Lab::at("cleanup");
    lab.hears(What::Began);
    lab.wishes(Command::CleanUp);
    for _ in 0..9 {
        lab.hears(What::InventoryTaken(inventory(Listing::CouldNotTell(
            "throttled".to_owned(),
        ))));
        lab.at += SignedDuration::from_secs(60);
        lab.hears(What::Woke);
    }
    lab.hears(What::InventoryTaken(inventory(Listing::Empty)));
    assert_eq!(lab.engine.receipt(), None);
    lab.hears(What::InventoryTaken(inventory(Listing::Empty)));
    assert!(lab.engine.receipt().unwrap().is_clean());
}

#[test]
fn what_fails_only_for_the_lessons_does_not_hold_up_a_cleanup() {
    let mut lab = Lab::at("share");
    lab.hears(What::Began);
    lab.hears(What::Prepared(Ok(ground())));
    lab.hears(What::StackRequested(Ok(ID.to_owned())));
    lab.hears(looked("CREATE_COMPLETE"));
    lab.wishes(Command::CleanUp);
    lab.hears(What::MachinesSeen(Err(failure(FailureClass::Local))));
    let effects = lab.hears(What::InventoryTaken(inventory(Listing::Empty)));
    assert_eq!(
        effects,
        [Effect::DeleteStack {
            stack: ID.to_owned()
        }]
    );
}

#[test]
fn a_cleanup_is_not_held_up_by_what_was_being_typed() {
    let mut lab = Lab::with_terminals();
    let ended = || What::Terminal {
        on: Side::A,
        news: TerminalNews::Ended("connection lost".to_owned()),
    };
    lab.hears(ended());
    lab.wishes(Command::RunForMe);
    lab.wishes(Command::CleanUp);
    lab.hears(ended());
    assert_eq!(
        lab.hears(What::InventoryTaken(inventory(Listing::Empty))),
        [Effect::DeleteStack {
            stack: ID.to_owned()
        }]
    );
}

#[test]
fn behind_a_clean_receipt_nothing_is_built_again() {
    let mut lab = Lab::at("share");
    lab.hears(What::Began);
    lab.wishes(Command::CleanUp);
    lab.hears(What::InventoryTaken(inventory(Listing::Empty)));
    lab.hears(What::InventoryTaken(inventory(Listing::Empty)));
    assert!(lab.engine.receipt().unwrap().is_clean());
    lab.wishes(Command::RunForMe);
    assert!(
        !matches!(lab.state(), StepState::Working { .. }),
        "{:?}",
        lab.state()
    );
}

#[test]
fn what_a_stack_has_beside_what_was_planned_is_shown_with_it() {
    let mut lab = deletion(&Ok(()));
    let planned = lab.engine.view().stack.unwrap().rows;
    let mut look = seen("DELETE_IN_PROGRESS");
    look.news = vec![StackEvent {
        logical_id: "OfAnOlderLab".to_owned(),
        kind: "AWS::EC2::Volume".to_owned(),
        physical_id: Some("vol-1".to_owned()),
        status: "DELETE_COMPLETE".to_owned(),
        reason: None,
        at: Timestamp::UNIX_EPOCH,
    }];
    lab.hears(told(Ok(Some(look))));
    let rows = lab.engine.view().stack.unwrap().rows;
    assert_eq!(rows.len(), planned.len() + 1);
    let other = rows.last().unwrap();
    assert_eq!(other.logical_id, "OfAnOlderLab");
    assert_eq!(other.state, RowState::Deleted);
    assert_eq!(other.physical_id.as_deref(), Some("vol-1"));
}

#[test]
fn why_a_deletion_failed_is_told_and_not_what_failed_before_it() {
    let mut lab = deletion(&Ok(()));
    let event = |id: &str, kind: &str, status: &str, reason: &str| StackEvent {
        logical_id: id.to_owned(),
        kind: kind.to_owned(),
        physical_id: None,
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        at: Timestamp::UNIX_EPOCH,
    };
    let stack = "AWS::CloudFormation::Stack";
    let mut look = seen("DELETE_FAILED");
    look.news = vec![
        event(
            "Subnet",
            "AWS::EC2::Subnet",
            "CREATE_FAILED",
            "no such range",
        ),
        event("s", stack, "ROLLBACK_IN_PROGRESS", "as said"),
        event("s", stack, "DELETE_IN_PROGRESS", "User Initiated"),
        event("VPC", "AWS::EC2::VPC", "DELETE_FAILED", "it is in use"),
        event("s", stack, "DELETE_FAILED", "as said"),
    ];
    lab.hears(told(Ok(Some(look))));
    let cause = lab.engine.view().stack.unwrap().cause;
    assert_eq!(cause.as_deref(), Some("VPC: it is in use"));
}
