//! The lease: nothing is built without a guard, it is renewed while the learner works, and taken away last.

use super::*;
use crate::engine::effect::GuardWish;

const TTL: SignedDuration = SignedDuration::from_hours(4);
/// In the account's time, which passes twenty times as fast.
const LEASE: SignedDuration = SignedDuration::from_hours(80);

fn arm() -> Effect {
    Effect::Guard(GuardWish::Arm(LEASE))
}

fn renew() -> Effect {
    Effect::Guard(GuardWish::Renew(LEASE))
}

fn disarm() -> Effect {
    Effect::Guard(GuardWish::Disarm)
}

impl Lab {
    /// With a guard, as labs are unless their learners say otherwise.
    fn guarded(lesson: &str, ledger: Ledger) -> Self {
        let mut lab = Self::with(lesson, ledger);
        lab.engine.setup.ttl = Some(TTL);
        lab
    }

    /// Its stack is being made.
    fn building() -> Self {
        let mut lab = Self::guarded("share", Ledger::default());
        lab.hears(What::Began);
        lab.hears(What::Prepared(Ok(ground())));
        lab.hears(What::Armed(Ok(())));
        lab.hears(What::StackRequested(Ok(ID.to_owned())));
        lab
    }

    fn later(&mut self, time: SignedDuration, what: What) -> Vec<Effect> {
        self.at += time;
        self.hears(what)
    }
}

fn standing() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.there("efslab-7f3k-lab", ID);
    ledger
}

#[test]
fn nothing_is_built_before_the_guard_is_armed() {
    let mut lab = Lab::guarded("share", Ledger::default());
    lab.hears(What::Began);
    assert_eq!(lab.hears(What::Prepared(Ok(ground()))), [arm()]);
    assert_eq!(lab.engine.view().removes_itself, None);
    let effects = lab.hears(What::Armed(Ok(())));
    let created = effects
        .iter()
        .any(|effect| matches!(effect, Effect::CreateStack(_)));
    assert!(created, "{effects:?}");
}

#[test]
fn a_guard_that_cannot_be_made_stops_the_lab_until_the_learner_tries_again() {
    let mut lab = Lab::guarded("share", Ledger::default());
    lab.hears(What::Began);
    lab.hears(What::Prepared(Ok(ground())));
    let effects = lab.hears(What::Armed(Err(failure(FailureClass::Denied))));
    assert_eq!(effects, []);
    let trouble = lab.engine.view().trouble.unwrap();
    assert_eq!(trouble.retry.as_deref(), Some("make the guard again"));
    assert_eq!(lab.wishes(Command::Retry), [arm()]);
}

#[test]
fn whoever_wants_no_guard_gets_none() {
    let mut lab = Lab::at("share");
    lab.hears(What::Began);
    let effects = lab.hears(What::Prepared(Ok(ground())));
    assert!(matches!(&effects[..], [Effect::CreateStack(_)]));
    lab.hears(What::StackRequested(Ok(ID.to_owned())));
    assert_eq!(lab.engine.view().removes_itself, None);
}

#[test]
fn the_lease_ends_when_it_was_asked_for_and_is_renewed_at_half_time_while_the_learner_works() {
    let mut lab = Lab::building();
    let ends = lab.engine.view().removes_itself.unwrap();
    // It was asked for one event before the answer, two before now.
    assert_eq!(ends, lab.at - SignedDuration::from_secs(2) + TTL);
    assert_eq!(lab.wishes(Command::Hint), []);
    let renewed = lab.later(TTL / 2, What::Woke);
    assert_eq!(renewed, [renew()]);
    assert_eq!(lab.wishes(Command::Hint), [], "one at a time");
    lab.hears(What::Renewed(Ok(())));
    assert!(lab.engine.view().removes_itself.unwrap() > ends + TTL / 3);
}

#[test]
fn somebody_who_is_away_is_not_taken_for_somebody_who_works() {
    let mut lab = Lab::building();
    lab.later(TTL / 2, What::Woke);
    lab.hears(What::Renewed(Ok(())));
    let woken = lab.later(TTL / 2, What::Woke);
    assert!(!woken.contains(&renew()), "{woken:?}");
    // She is back in time.
    assert_eq!(lab.wishes(Command::Hint), [renew()]);
}

#[test]
fn where_time_jumps_the_lease_is_renewed_at_its_half_as_long_as_the_learner_was_seen_in_hers() {
    let mut lab = Lab::building();
    assert_eq!(lab.hears(What::HalfTime), [renew()]);
    assert_eq!(lab.hears(What::HalfTime), [], "it is being renewed");
    lab.hears(What::Renewed(Ok(())));
    assert_eq!(lab.hears(What::HalfTime), [renew()], "again and again");
    lab.hears(What::Renewed(Ok(())));
    let effects = lab.later(TTL, What::HalfTime);
    assert!(!effects.contains(&renew()), "she has gone: {effects:?}");
}

#[test]
fn a_lab_that_is_resumed_gets_a_new_lease_and_one_without_a_guard_gets_one() {
    let mut lab = Lab::guarded("share", standing());
    assert!(lab.hears(What::Began).contains(&renew()));
    let effects = lab.hears(What::Renewed(Err(failure(FailureClass::NotFound))));
    assert_eq!(effects, [arm()]);
}

#[test]
fn a_lease_that_is_over_is_told_and_not_renewed_again() {
    let mut lab = Lab::guarded("share", standing());
    lab.hears(What::Began);
    let effects = lab.hears(What::Renewed(Err(failure(FailureClass::Refused))));
    assert_eq!(effects, []);
    let view = lab.engine.view();
    assert!(view.trouble.is_some() && view.removes_itself.is_none());
    assert!(!lab.wishes(Command::Hint).contains(&renew()));
}

#[test]
fn a_renewal_that_failed_for_a_passing_reason_is_tried_again_in_a_while() {
    let mut lab = Lab::building();
    lab.wishes(Command::Hint);
    lab.later(TTL / 2, What::Woke);
    let effects = lab.hears(What::Renewed(Err(failure(FailureClass::Transient))));
    assert!(matches!(&effects[..], [Effect::WakeAt(_)]), "{effects:?}");
    assert!(!lab.wishes(Command::Hint).contains(&renew()));
    let woken = lab.later(SignedDuration::from_mins(2), What::Woke);
    assert_eq!(woken, [renew()]);
}

/// A pass that lists the guard, and these instances that nobody can terminate.
fn listing(guard: &[&str], volumes: &[&str]) -> Inventory {
    let row = |kind: &str, ids: &[&str]| InventoryRow {
        kind: kind.to_owned(),
        asked: kind.to_owned(),
        answer: if ids.is_empty() {
            Listing::Empty
        } else {
            Listing::Left(ids.iter().map(|id| (*id).to_owned()).collect())
        },
    };
    Inventory {
        rows: vec![row("stacks", guard), row("volumes", volumes)],
        guard: guard.iter().map(|id| (*id).to_owned()).collect(),
        ..inventory(Listing::Empty)
    }
}

fn cleaning() -> Lab {
    let mut lab = Lab::guarded("cleanup", Ledger::default());
    lab.hears(What::Began);
    lab.wishes(Command::CleanUp);
    lab
}

#[test]
fn the_guard_goes_last_and_is_proved_to_be_gone() {
    let mut lab = cleaning();
    let left = lab.hears(What::InventoryTaken(listing(&[GUARD], &["vol-1"])));
    assert!(!left.contains(&disarm()), "{left:?}");
    lab.at += SignedDuration::from_secs(5);
    lab.hears(What::Woke);
    let alone = lab.hears(What::InventoryTaken(listing(&[GUARD], &[])));
    assert_eq!(alone, [disarm()]);
    let asked = lab.hears(What::Disarmed(Ok(())));
    assert!(matches!(&asked[..], [Effect::TakeInventory(_)]));
    lab.hears(What::InventoryTaken(listing(&[], &[])));
    lab.hears(What::InventoryTaken(listing(&[], &[])));
    let receipt = lab.engine.receipt().unwrap();
    assert!(receipt.is_clean());
    assert_eq!(receipt.rows[0].deleted, 1);
}

#[test]
fn a_guard_that_resists_is_left_with_its_reason() {
    let mut lab = cleaning();
    for _ in 0..40 {
        lab.at += SignedDuration::from_mins(1);
        lab.hears(What::Woke);
        lab.hears(What::InventoryTaken(listing(&[GUARD], &[])));
        lab.hears(What::Disarmed(Err(failure(FailureClass::Refused))));
        if lab.engine.receipt().is_some() {
            break;
        }
    }
    let receipt = lab.engine.receipt().unwrap();
    assert!(!receipt.is_clean());
    assert!(
        receipt.notes.iter().any(|note| note.contains("because")),
        "{receipt:?}"
    );
}

/// A cleanup whose stack cannot be deleted, because its role is gone.
fn without_role() -> (Lab, Vec<Effect>) {
    let mut lab = Lab::guarded("share", standing());
    lab.hears(What::Began);
    lab.hears(What::Renewed(Ok(())));
    lab.hears(looked("CREATE_COMPLETE"));
    lab.wishes(Command::CleanUp);
    lab.hears(What::InventoryTaken(inventory(Listing::Left(vec![
        "i-A".to_owned(),
    ]))));
    let effects = lab.hears(refused(FailureClass::Role));
    (lab, effects)
}

fn refused(class: FailureClass) -> What {
    What::DeletionRequested {
        stack: ID.to_owned(),
        outcome: Err(failure(class)),
    }
}

#[test]
fn a_stack_whose_role_went_with_the_guard_is_deleted_once_the_guard_is_put_back() {
    let (mut lab, effects) = without_role();
    assert_eq!(effects, [Effect::Guard(GuardWish::PutBack)]);
    let Phase::CleaningUp { doing, .. } = lab.engine.view().phase else {
        panic!("{:?}", lab.engine.view().phase)
    };
    assert!(doing.contains("putting the guard back"), "{doing}");
    let delete = Effect::DeleteStack {
        stack: ID.to_owned(),
    };
    assert_eq!(
        lab.hears(What::PutBack(Ok(()))),
        std::slice::from_ref(&delete)
    );

    // Once is enough: another refusal is one like any other, and ends some time.
    for _ in 0..10 {
        let mut effects = lab.hears(refused(FailureClass::Role));
        lab.at += SignedDuration::from_secs(60);
        effects.extend(lab.hears(What::Woke));
        let asked = inventory(Listing::Left(vec!["i-A".to_owned()]));
        effects.extend(lab.hears(What::InventoryTaken(asked)));
        assert!(!effects.contains(&Effect::Guard(GuardWish::PutBack)));
        if matches!(lab.engine.view().phase, Phase::CleanedUp(_)) {
            return;
        }
    }
    panic!("{:?}", lab.engine.view().phase);
}

#[test]
fn whoever_may_not_put_the_guard_back_reads_so_in_the_receipt() {
    let (mut lab, _) = without_role();
    lab.hears(What::PutBack(Err(failure(FailureClass::Denied))));
    let left = inventory(Listing::Left(vec!["i-A".to_owned()]));
    lab.hears(What::InventoryTaken(left));
    let receipt = lab.engine.receipt().unwrap();
    assert!(!receipt.is_clean());
    let notes = receipt.notes.join(" ");
    assert!(
        notes.contains("because") && notes.contains("permission"),
        "{notes}"
    );
}
