//! What has the lab's tag and no stack, and what others have put into its network: the one goes, the other is named.

use std::slice;

use super::*;
use crate::engine::effect::OrphanKind;
use crate::engine::event::Orphan;

fn others(things: &[(OrphanKind, &str, Option<&str>)]) -> Remains {
    let each = things.iter().map(|(kind, id, stack)| Orphan {
        kind: *kind,
        id: (*id).to_owned(),
        stack: stack.map(str::to_owned),
    });
    Remains {
        others: Some(each.collect()),
        ..instances(&[], false)
    }
}

fn orphan(kind: OrphanKind, id: &str) -> Removal {
    Removal::Orphan(kind, id.to_owned())
}

#[test]
fn what_has_lost_its_stack_goes_kind_by_kind_once_what_needs_it_is_seen_to_be_gone() {
    let network = (OrphanKind::Network, "vpc-1", None);
    let system = (OrphanKind::FileSystem, "fs-1", None);
    let target = (OrphanKind::MountTarget, "fsmt-1", None);
    let (mut lab, effects) = sweeping(others(&[network, system, target]));
    let first = orphan(OrphanKind::MountTarget, "fsmt-1");
    assert_eq!(removals(&effects), slice::from_ref(&first));
    assert_eq!(lab.doing(), "deleting 3 things without a stack");
    // Accepted is not gone.
    let effects = lab.removes(first, Ok(()));
    assert!(matches!(&effects[..], [Effect::WakeAt(_)]), "{effects:?}");
    assert!(asks_everything(&lab.wakes()));
    let effects = lab.passes(&others(&[network, system, target]));
    assert!(matches!(&effects[..], [Effect::WakeAt(_)]), "{effects:?}");
    lab.wakes();
    let effects = lab.passes(&others(&[network, system]));
    let second = orphan(OrphanKind::FileSystem, "fs-1");
    assert_eq!(removals(&effects), slice::from_ref(&second));
    lab.removes(second, Ok(()));
    lab.wakes();
    let third = orphan(OrphanKind::Network, "vpc-1");
    let effects = lab.passes(&others(&[network]));
    assert_eq!(removals(&effects), slice::from_ref(&third));
    // Something lingers in it: that passes.
    lab.removes(third.clone(), Err(failure(FailureClass::Refused)));
    assert_eq!(removals(&lab.wakes()), slice::from_ref(&third));
    lab.removes(third, Ok(()));
    lab.wakes();
    lab.passes(&others(&[]));
    lab.passes(&others(&[]));
    assert!(lab.receipt().is_clean(), "{:?}", lab.receipt());
}

#[test]
fn what_cannot_be_deleted_for_too_long_is_left_with_the_reason_and_the_rest_goes() {
    let network = (OrphanKind::Network, "vpc-1", None);
    let (mut lab, effects) = sweeping(others(&[network]));
    let removal = orphan(OrphanKind::Network, "vpc-1");
    assert_eq!(removals(&effects), slice::from_ref(&removal));
    for _ in 0..1000 {
        lab.removes(removal.clone(), Err(failure(FailureClass::Refused)));
        if removals(&lab.wakes()).is_empty() {
            break;
        }
    }
    lab.passes(&others(&[network]));
    lab.passes(&others(&[network]));
    let notes = lab.receipt().notes.concat();
    assert!(
        notes.contains("vpc-1: ") && notes.contains("because"),
        "{notes}"
    );
}

#[test]
fn what_a_standing_stack_of_somebody_else_has_made_is_not_touched() {
    let group = (OrphanKind::SecurityGroup, "sg-1", Some("arn:stack/other"));
    let (_, effects) = sweeping(others(&[group]));
    assert_eq!(removals(&effects), []);
}

/// A lab whose stack could not be deleted, when that was found out.
fn failed() -> Lab {
    let mut lab = Lab::with_terminals();
    lab.wishes(Command::CleanUp);
    lab.passes(&others(&[]));
    lab.hears(What::DeletionRequested {
        stack: ID.to_owned(),
        outcome: Ok(()),
    });
    lab.hears(looked("DELETE_FAILED"));
    assert!(asks_everything(&lab.wakes()));
    lab
}

#[test]
fn what_is_the_labs_and_in_the_way_of_its_stack_is_removed_and_the_deletion_tried_again() {
    let by_hand = (OrphanKind::SecurityGroup, "sg-1", None);
    let of_stack = (OrphanKind::Network, "vpc-1", Some(ID));
    let mut lab = failed();
    let effects = lab.passes(&others(&[by_hand, of_stack]));
    let removal = orphan(OrphanKind::SecurityGroup, "sg-1");
    assert_eq!(removals(&effects), slice::from_ref(&removal));
    lab.removes(removal, Ok(()));
    lab.wakes();
    let effects = lab.passes(&others(&[of_stack]));
    assert!(deletes_the_stack(&effects), "{effects:?}");
}

#[test]
fn what_others_put_into_the_network_is_named_after_one_failed_deletion_and_never_removed() {
    let mut lab = failed();
    let mut found = listed(others(&[(OrphanKind::Network, "vpc-1", Some(ID))]));
    found.foreign = ids(&["sg-9"]);
    found.rows.push(InventoryRow {
        kind: "others in its VPCs".to_owned(),
        asked: "ec2".to_owned(),
        answer: Listing::Kept(ids(&["sg-9"])),
    });
    let effects = lab.hears(What::InventoryTaken(found));
    assert_eq!(removals(&effects), []);
    let receipt = lab.receipt();
    assert!(!receipt.is_clean());
    assert!(
        receipt.notes[0].starts_with("sg-9: in the network of this lab"),
        "{:?}",
        receipt.notes
    );
    assert!(receipt.notes[1].contains("could not be deleted"));
}
