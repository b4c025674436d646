//! What holds whatever happens, in any order.

use super::*;
use crate::engine::effect::{OrphanKind, Removal};
use crate::engine::event::{Instance, Orphan, Volume, VolumeState};

fn class() -> impl Strategy<Value = FailureClass> {
    prop_oneof![
        Just(FailureClass::Transient),
        Just(FailureClass::Credentials),
        Just(FailureClass::Denied),
        Just(FailureClass::Refused),
        Just(FailureClass::Exists),
        Just(FailureClass::Local),
    ]
}

pub(super) fn volume_state() -> impl Strategy<Value = VolumeState> {
    prop_oneof![
        Just(VolumeState::Free),
        Just(VolumeState::Attached("i-2".to_owned())),
        Just(VolumeState::Detaching("i-2".to_owned())),
        Just(VolumeState::Changing),
    ]
}

fn remains() -> impl Strategy<Value = Remains> {
    let instance = prop::bool::ANY.prop_map(|ends| Instance {
        id: "i-1".to_owned(),
        ends,
    });
    let volume = volume_state().prop_map(|state| Volume {
        id: "vol-1".to_owned(),
        stack: None,
        state,
    });
    let some = prop::option::of(prop::collection::vec(instance, 0..2));
    let volumes = prop::collection::vec(volume, 0..2);
    let snapshots = prop::collection::vec(Just("snap-1".to_owned()), 0..2);
    let kind = prop_oneof![Just(OrphanKind::FileSystem), Just(OrphanKind::Network)];
    let other = kind.prop_map(|kind| Orphan {
        kind,
        id: "orphan-1".to_owned(),
        stack: None,
    });
    let others = prop::option::of(prop::collection::vec(other, 0..2));
    (some, volumes, snapshots, others).prop_map(|(instances, volumes, snapshots, others)| Remains {
        instances,
        volumes,
        snapshots,
        others,
    })
}

/// Anything that can happen, in any order: the outside world owes the engine no good manners.
fn what() -> impl Strategy<Value = What> {
    let status = prop_oneof![
        Just("CREATE_IN_PROGRESS"),
        Just("CREATE_COMPLETE"),
        Just("CREATE_FAILED"),
        Just("ROLLBACK_COMPLETE"),
        Just("DELETE_IN_PROGRESS"),
        Just("DELETE_FAILED"),
        Just("DELETE_COMPLETE"),
    ];
    let command = prop_oneof![
        Just(Command::Enter),
        Just(Command::Hint),
        Just(Command::RunForMe),
        Just(Command::Next),
        Just(Command::Back),
        Just(Command::Retry),
        Just(Command::CleanUp),
        Just(Command::Reconnect(Side::A)),
        "[0-9.]{0,4}".prop_map(Command::Answer),
    ];
    let news = prop_oneof![
        Just(TerminalNews::Opened),
        Just(TerminalNews::Ended("gone".to_owned())),
        Just(TerminalNews::Text {
            mark: 9,
            text: Transcript::of_lines([PROMPT])
        }),
    ];
    let listing = prop_oneof![
        Just(Listing::Empty),
        Just(Listing::Left(vec!["i-1".to_owned()])),
        Just(Listing::CouldNotTell("throttled".to_owned())),
    ];
    let outcome = prop_oneof![
        2 => Just(Ok(())),
        1 => class().prop_map(|class| Err(failure(class))),
        1 => Just(Err(failure(FailureClass::NotFound))),
    ];
    let removal = prop_oneof![
        Just(Removal::Detachment("vol-1".to_owned())),
        Just(Removal::Volume("vol-1".to_owned())),
        Just(Removal::Snapshot("snap-1".to_owned())),
        Just(Removal::Orphan(OrphanKind::Network, "orphan-1".to_owned())),
    ];
    let removed = (removal, outcome.clone())
        .prop_map(|(removal, outcome)| What::Removed { removal, outcome });
    let terminated = outcome.clone().prop_map(|outcome| What::Terminated {
        instances: vec!["i-1".to_owned()],
        outcome,
    });
    let cancelled = outcome.prop_map(|outcome| What::UpdateCancelled {
        stack: ID.to_owned(),
        outcome,
    });
    let disturbed = (remains(), prop::bool::ANY).prop_map(|(remains, updates)| {
        let status = "UPDATE_IN_PROGRESS".to_owned();
        What::InventoryTaken(Inventory {
            updating: updates
                .then(|| (ID.to_owned(), status))
                .into_iter()
                .collect(),
            remains,
            ..inventory(Listing::Left(vec!["i-1".to_owned()]))
        })
    });
    prop_oneof![
        2 => removed,
        1 => terminated,
        1 => cancelled,
        2 => disturbed,
        2 => remains().prop_map(|remains| What::RemainsSeen(Ok(remains))),
        1 => class().prop_map(|class| What::RemainsSeen(Err(failure(class)))),
        4 => command.prop_map(What::Command),
        1 => class().prop_map(|class| What::Prepared(Err(failure(class)))),
        2 => Just(What::Prepared(Ok(ground()))),
        1 => class().prop_map(|class| What::StackRequested(Err(failure(class)))),
        2 => Just(What::StackRequested(Ok(ID.to_owned()))),
        6 => status.prop_map(looked),
        1 => Just(told(Ok(None))),
        1 => class().prop_map(|class| told(Err(failure(class)))),
        1 => class().prop_map(|class| What::DeletionRequested { stack: ID.to_owned(), outcome: Err(failure(class)) }),
        1 => Just(What::DeletionRequested { stack: ID.to_owned(), outcome: Ok(()) }),
        1 => Just(What::MachinesSeen(Ok(machines()))),
        2 => news.prop_map(|news| What::Terminal { on: Side::A, news }),
        3 => listing.prop_map(|listing| What::InventoryTaken(inventory(listing))),
        2 => Just(What::Woke),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_a_stack_stays_in_the_plan_until_aws_says_it_is_gone(events in prop::collection::vec(what(), 0..60)) {
        let mut lab = Lab::at("share");
        lab.hears(What::Began);
        // Whether AWS has told us of the stack and has not told us since that it is gone.
        let mut standing = false;
        for what in events {
            match &what {
                What::StackRequested(Ok(_)) => standing = true,
                What::StackSeen { outcome: Ok(Some(look)), .. } => standing = look.status != "DELETE_COMPLETE",
                What::StackSeen { outcome: Ok(None), .. } => standing = false,
                What::DeletionRequested { outcome: Err(failure), .. } if failure.class == FailureClass::NotFound => {
                    standing = false;
                }
                _ => {}
            }
            let told = standing;
            let effects = lab.hears(what);
            let creates = effects.iter().filter(|effect| matches!(effect, Effect::CreateStack(_))).count();
            prop_assert!(creates <= 1, "one stack at a time");
            let view = lab.engine.view();
            if let Phase::CleanedUp(receipt) = &view.phase {
                let open = lab.engine.ledger.plan().any(|entry| entry.life != Life::Asked);
                prop_assert!(!(receipt.is_clean() && open), "a clean receipt over an open plan");
                break;
            }
            if told && creates > 0 {
                let count = lab.engine.ledger.plan().count();
                prop_assert!(count <= 1, "a second stack was asked for beside one that stands");
            }
        }
    }
}
