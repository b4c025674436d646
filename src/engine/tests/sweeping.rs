//! What a cleanup removes beside the stacks: what still writes, volumes, snapshots; and what it leaves alone.

mod orphans;

use super::*;
use crate::engine::effect::Removal;
use crate::engine::event::{Instance, Volume, VolumeState};

/// Ids of one kind.
fn ids(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn instances(names: &[&str], ends: bool) -> Remains {
    let instance = |&id: &&str| Instance {
        id: id.to_owned(),
        ends,
    };
    Remains {
        instances: Some(names.iter().map(instance).collect()),
        ..Remains::default()
    }
}

fn snapshots(names: &[&str]) -> Remains {
    Remains {
        snapshots: ids(names),
        ..instances(&[], false)
    }
}

fn volume(id: &str, stack: Option<&str>, state: VolumeState) -> Remains {
    let volume = Volume {
        id: id.to_owned(),
        stack: stack.map(str::to_owned),
        state,
    };
    Remains {
        volumes: vec![volume],
        ..instances(&[], false)
    }
}

/// A pass that lists what remains: it asks for others, too, as a short look does not.
fn listed(mut remains: Remains) -> Inventory {
    remains.others.get_or_insert_default();
    let row = |kind: &str, ids: Vec<String>| InventoryRow {
        kind: kind.to_owned(),
        asked: "ec2".to_owned(),
        answer: if ids.is_empty() {
            Listing::Empty
        } else {
            Listing::Left(ids)
        },
    };
    let names = |all: &Option<Vec<Instance>>| {
        let all = all.iter().flatten();
        all.map(|one| one.id.clone()).collect()
    };
    let volumes = remains.volumes.iter().map(|one| one.id.clone()).collect();
    let others = remains.others.iter().flatten();
    let others = others.map(|one| one.id.clone()).collect();
    Inventory {
        rows: vec![
            row("instances", names(&remains.instances)),
            row("volumes", volumes),
            row("snapshots", remains.snapshots.clone()),
            row("others", others),
        ],
        remains,
        ..inventory(Listing::Empty)
    }
}

/// A cleanup of a lab whose stack is gone, which sees this.
fn sweeping(remains: Remains) -> (Lab, Vec<Effect>) {
    let mut lab = Lab::at("cleanup");
    lab.hears(What::Began);
    lab.wishes(Command::CleanUp);
    let effects = lab.hears(What::InventoryTaken(listed(remains)));
    (lab, effects)
}

impl Lab {
    fn removes(&mut self, removal: Removal, outcome: Result<(), Failure>) -> Vec<Effect> {
        self.hears(What::Removed { removal, outcome })
    }

    /// The pause is over.
    fn wakes(&mut self) -> Vec<Effect> {
        self.at += SignedDuration::from_secs(5);
        self.hears(What::Woke)
    }

    fn passes(&mut self, remains: &Remains) -> Vec<Effect> {
        self.hears(What::InventoryTaken(listed(remains.clone())))
    }

    fn doing(&self) -> String {
        match self.engine.view().phase {
            Phase::CleaningUp { doing, .. } => doing,
            other => panic!("{other:?}"),
        }
    }

    fn receipt(&self) -> crate::engine::view::Receipt {
        self.engine.receipt().unwrap().clone()
    }
}

fn removals(effects: &[Effect]) -> Vec<Removal> {
    let removal = |effect: &Effect| match effect {
        Effect::Remove(removal) => Some(removal.clone()),
        _ => None,
    };
    effects.iter().filter_map(removal).collect()
}

fn snapshot(id: &str) -> Removal {
    Removal::Snapshot(id.to_owned())
}

fn asks_everything(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::TakeInventory(_)])
}

fn looks(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::LookAtRemains(_)])
}

fn deletes_the_stack(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::DeleteStack { stack }] if stack == ID)
}

#[test]
fn when_nobody_could_tell_which_instances_there_are_it_wakes_to_ask_again() {
    let unknown = Remains {
        instances: None,
        ..Remains::default()
    };
    let (mut lab, effects) = sweeping(unknown);
    assert!(matches!(&effects[..], [Effect::WakeAt(_)]), "{effects:?}");
    let effects = lab.wakes();
    assert!(asks_everything(&effects), "{effects:?}");
}

#[test]
fn what_still_writes_is_terminated_before_the_stack_is_deleted() {
    let mut lab = Lab::with_terminals();
    lab.wishes(Command::CleanUp);
    let effects = lab.passes(&instances(&["i-A", "i-B"], false));
    let both = ids(&["i-A", "i-B"]);
    assert_eq!(
        effects,
        [Effect::Terminate {
            instances: both.clone()
        }]
    );
    assert!(lab.doing().starts_with("terminating 2 instances"));
    let accepted = What::Terminated {
        instances: both,
        outcome: Ok(()),
    };
    assert!(matches!(&lab.hears(accepted)[..], [Effect::WakeAt(_)]));
    assert!(looks(&lab.wakes()));
    assert!(lab.doing().starts_with("waiting until 2 instances are"));
    // Whatever is listed meanwhile: the same instance is not terminated twice.
    lab.hears(What::RemainsSeen(Ok(instances(&["i-A"], false))));
    assert!(looks(&lab.wakes()));
    lab.hears(What::RemainsSeen(Ok(instances(&["i-A"], true))));
    assert!(looks(&lab.wakes()));
    lab.hears(What::RemainsSeen(Ok(instances(&[], false))));
    assert!(deletes_the_stack(&lab.wakes()));
}

#[test]
fn an_instance_that_cannot_be_terminated_does_not_keep_the_stack_from_being_deleted() {
    for class in [FailureClass::Denied, FailureClass::Refused] {
        let mut lab = Lab::with_terminals();
        lab.wishes(Command::CleanUp);
        lab.passes(&instances(&["i-A"], false));
        let effects = lab.hears(What::Terminated {
            instances: ids(&["i-A"]),
            outcome: Err(failure(class)),
        });
        assert!(deletes_the_stack(&effects), "{effects:?}");
        assert_eq!(lab.engine.view().trouble.unwrap().why, "because");
    }
    // Nor one that is asked to and does not.
    let mut lab = Lab::with_terminals();
    lab.wishes(Command::CleanUp);
    let mut effects = lab.passes(&instances(&["i-A"], true));
    for _ in 0..10 {
        if deletes_the_stack(&effects) {
            return;
        }
        assert!(looks(&effects), "{effects:?}");
        lab.hears(What::RemainsSeen(Ok(instances(&["i-A"], true))));
        effects = lab.wakes();
    }
    panic!("it is waited for for ever");
}

#[test]
fn a_throttled_termination_is_asked_for_again_after_a_while() {
    let mut lab = Lab::with_terminals();
    lab.wishes(Command::CleanUp);
    lab.passes(&instances(&["i-A"], false));
    let effects = lab.hears(What::Terminated {
        instances: ids(&["i-A"]),
        outcome: Err(failure(FailureClass::Transient)),
    });
    assert!(matches!(&effects[..], [Effect::WakeAt(_)]), "{effects:?}");
    assert!(matches!(&lab.wakes()[..], [Effect::Terminate { .. }]));
}

#[test]
fn an_update_is_cancelled_and_waited_for_before_anything_else() {
    let mut lab = Lab::with_terminals();
    lab.wishes(Command::CleanUp);
    let mut found = listed(instances(&["i-A"], false));
    found.updating = vec![(ID.to_owned(), "UPDATE_IN_PROGRESS".to_owned())];
    let cancel = Effect::CancelUpdate {
        stack: ID.to_owned(),
    };
    assert_eq!(lab.hears(What::InventoryTaken(found)), [cancel]);
    let accepted = What::UpdateCancelled {
        stack: ID.to_owned(),
        outcome: Ok(()),
    };
    assert!(watched(&lab.hears(accepted)));
    assert_eq!(lab.hears(looked("UPDATE_ROLLBACK_IN_PROGRESS")), []);
    assert!(lab.doing().starts_with("waiting for the update"));
    let effects = lab.hears(looked("UPDATE_ROLLBACK_COMPLETE"));
    assert!(
        matches!(&effects[..], [Effect::Terminate { .. }]),
        "{effects:?}"
    );
}

#[test]
fn what_cleans_up_behind_an_update_is_only_waited_for() {
    for status in [
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    ] {
        let mut lab = Lab::with_terminals();
        lab.wishes(Command::CleanUp);
        let mut found = listed(instances(&[], false));
        found.updating = vec![(ID.to_owned(), status.to_owned())];
        assert!(watched(&lab.hears(What::InventoryTaken(found))), "{status}");
        // Failed or not: it can be deleted now.
        let effects = lab.hears(looked("UPDATE_ROLLBACK_FAILED"));
        assert!(deletes_the_stack(&effects), "{effects:?}");
    }
}

#[test]
fn a_deletion_that_is_refused_makes_it_look_again_for_what_is_in_the_way() {
    let mut lab = Lab::with_terminals();
    lab.wishes(Command::CleanUp);
    assert!(deletes_the_stack(&lab.passes(&instances(&[], false))));
    let refused = What::DeletionRequested {
        stack: ID.to_owned(),
        outcome: Err(failure(FailureClass::Refused)),
    };
    lab.hears(refused);
    assert!(asks_everything(&lab.wakes()));
    let mut found = listed(instances(&[], false));
    found.updating = vec![(
        ID.to_owned(),
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS".to_owned(),
    )];
    assert!(watched(&lab.hears(What::InventoryTaken(found))));
}

#[test]
fn nothing_of_a_stack_that_stands_is_swept() {
    let mut lab = Lab::with_terminals();
    lab.wishes(Command::CleanUp);
    let mut found = volume("vol-1", Some(ID), VolumeState::Free);
    found.snapshots = ids(&["snap-1"]);
    assert!(deletes_the_stack(&lab.passes(&found)));
    lab.hears(What::DeletionRequested {
        stack: ID.to_owned(),
        outcome: Ok(()),
    });
    let effects = lab.hears(looked("DELETE_COMPLETE"));
    assert!(matches!(effects.last(), Some(Effect::TakeInventory(_))));
    // Now it is an orphan; volumes first.
    let effects = lab.passes(&found);
    let volume = Removal::Volume("vol-1".to_owned());
    assert_eq!(removals(&effects), [volume, snapshot("snap-1")]);
}

#[test]
fn a_volume_is_detached_then_deleted_then_waited_for() {
    let on = || "i-other".to_owned();
    let (mut lab, effects) = sweeping(volume("vol-1", None, VolumeState::Attached(on())));
    let detach = Removal::Detachment("vol-1".to_owned());
    assert_eq!(removals(&effects), std::slice::from_ref(&detach));
    assert_eq!(lab.doing(), "detaching vol-1 from i-other");
    assert!(looks(&lab.removes(detach, Ok(()))));
    lab.hears(What::RemainsSeen(Ok(volume(
        "vol-1",
        None,
        VolumeState::Detaching(on()),
    ))));
    assert!(looks(&lab.wakes()));
    lab.hears(What::RemainsSeen(Ok(volume(
        "vol-1",
        None,
        VolumeState::Free,
    ))));
    let delete = Removal::Volume("vol-1".to_owned());
    assert_eq!(removals(&lab.wakes()), std::slice::from_ref(&delete));
    assert!(looks(&lab.removes(delete, Ok(()))));
    lab.hears(What::RemainsSeen(Ok(instances(&[], false))));
    assert!(asks_everything(&lab.wakes()));
    lab.passes(&instances(&[], false));
    lab.passes(&instances(&[], false));
    let receipt = lab.receipt();
    assert!(receipt.is_clean());
    assert_eq!(receipt.rows[1].deleted, 1);
}

#[test]
fn a_volume_that_is_still_mounted_elsewhere_is_named_and_never_taken_by_force() {
    let stays = volume("vol-1", None, VolumeState::Detaching("i-other".to_owned()));
    let (mut lab, mut effects) = sweeping(stays.clone());
    for _ in 0..10 {
        if !looks(&effects) {
            break;
        }
        lab.hears(What::RemainsSeen(Ok(stays.clone())));
        effects = lab.wakes();
    }
    assert!(asks_everything(&effects), "{effects:?}");
    lab.passes(&stays);
    lab.passes(&stays);
    let receipt = lab.receipt();
    assert!(!receipt.is_clean());
    let note = &receipt.notes[0];
    assert!(
        note.starts_with("vol-1") && note.contains("i-other") && note.contains("umount"),
        "{note}"
    );
}

#[test]
fn a_volume_of_a_stack_that_is_not_the_labs_is_left() {
    let foreign = volume("vol-1", Some("arn:of/another/stack"), VolumeState::Free);
    let (mut lab, effects) = sweeping(foreign.clone());
    assert!(asks_everything(&effects), "{effects:?}");
    lab.passes(&foreign);
    let receipt = lab.receipt();
    assert!(!receipt.is_clean());
    assert!(receipt.notes[0].contains("arn:of/another/stack"));
}

#[test]
fn snapshots_are_deleted_a_few_at_a_time_and_one_that_fails_does_not_stop_the_rest() {
    let names: Vec<String> = (0..40).map(|number| format!("snap-{number:02}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut lab, effects) = sweeping(snapshots(&all));
    let mut waiting = removals(&effects);
    assert_eq!(waiting.len(), 5);
    assert_eq!(lab.doing(), "deleting 40 snapshots, 0 done");
    let mut asked = waiting.clone();
    let mut said = std::collections::BTreeSet::new();
    while let Some(removal) = waiting.pop() {
        let outcome = if removal.id() == "snap-03" {
            Err(failure(FailureClass::Denied))
        } else {
            Ok(())
        };
        let effects = lab.removes(removal, outcome);
        let next = removals(&effects);
        assert!(waiting.len() + next.len() <= 5, "never more at a time");
        asked.extend(next.clone());
        waiting.extend(next);
        if asks_everything(&effects) {
            break;
        }
        said.insert(lab.doing());
    }
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 40);
    assert!(said.len() < 14, "not a line for each: {said:?}");
    let left = snapshots(&["snap-03"]);
    lab.passes(&left);
    lab.passes(&left);
    let receipt = lab.receipt();
    assert_eq!(
        (&receipt.rows[2].answer, receipt.rows[2].deleted),
        (&Listing::Left(ids(&["snap-03"])), 39)
    );
    let note = &receipt.notes[0];
    assert!(
        note.starts_with("snap-03") && note.contains("because") && note.contains("permission"),
        "{note}"
    );
}

#[test]
fn throttling_slows_it_down_and_ends_nothing() {
    let (mut lab, effects) = sweeping(snapshots(&["s1", "s2", "s3", "s4", "s5", "s6", "s7"]));
    let first = removals(&effects);
    let mut effects = Vec::new();
    for removal in first {
        effects = lab.removes(removal, Err(failure(FailureClass::Transient)));
        assert_eq!(removals(&effects), [], "not before the pause is over");
    }
    assert!(lab.engine.pause.is_some(), "{effects:?}");
    // One after the other, then a little faster.
    let mut waiting = removals(&lab.wakes());
    assert_eq!(waiting.len(), 1);
    let mut most = 0;
    while let Some(removal) = waiting.pop() {
        waiting.extend(removals(&lab.removes(removal, Ok(()))));
        most = most.max(waiting.len());
    }
    assert!((2..=5).contains(&most), "{most}");
    lab.passes(&snapshots(&[]));
    lab.passes(&snapshots(&[]));
    assert!(lab.receipt().is_clean());
    assert_eq!(lab.receipt().rows[2].deleted, 7);
}

#[test]
fn what_is_gone_already_counts_as_gone() {
    let mut found = volume("vol-1", None, VolumeState::Free);
    found.snapshots = ids(&["snap-1"]);
    let (mut lab, effects) = sweeping(found);
    let mut effects = effects;
    for removal in removals(&effects) {
        effects = lab.removes(removal, Err(failure(FailureClass::NotFound)));
    }
    assert!(asks_everything(&effects), "{effects:?}");
    lab.passes(&snapshots(&[]));
    lab.passes(&snapshots(&[]));
    assert!(lab.receipt().is_clean() && lab.engine.view().trouble.is_none());
}

#[test]
fn credentials_that_expire_in_the_middle_end_it_with_an_honest_receipt() {
    let (mut lab, effects) = sweeping(snapshots(&["s1", "s2"]));
    let mut effects = effects;
    for removal in removals(&effects) {
        effects = lab.removes(removal, Err(failure(FailureClass::Credentials)));
    }
    assert!(asks_everything(&effects), "{effects:?}");
    let mut unknown = listed(snapshots(&[]));
    unknown.account = None;
    for row in &mut unknown.rows {
        row.answer = Listing::CouldNotTell("expired".to_owned());
    }
    lab.hears(What::InventoryTaken(unknown));
    let receipt = lab.receipt();
    assert!(!receipt.is_clean());
    assert!(receipt.notes.concat().contains("Renew your credentials"));
}

#[test]
fn snapshots_without_the_tag_are_listed_and_left_in_plain_words() {
    let mut lab = Lab::at("cleanup");
    lab.hears(What::Began);
    lab.wishes(Command::CleanUp);
    let mut found = listed(snapshots(&[]));
    found.rows.push(InventoryRow {
        kind: "untagged snapshots".to_owned(),
        asked: "ec2".to_owned(),
        answer: Listing::Kept(ids(&["snap-9"])),
    });
    let effects = lab.hears(What::InventoryTaken(found.clone()));
    assert!(asks_everything(&effects), "asked twice, removed never");
    lab.hears(What::InventoryTaken(found));
    let receipt = lab.receipt();
    assert!(!receipt.is_clean());
    assert!(
        receipt.notes[0].starts_with("snap-9") && receipt.notes[0].contains("left"),
        "{:?}",
        receipt.notes
    );
}

#[test]
fn a_volume_that_was_seen_is_remembered_for_its_snapshots() {
    let mut lab = Lab::at("cleanup");
    lab.hears(What::Began);
    lab.wishes(Command::CleanUp);
    let effects = lab.engine.handle(Event {
        at: lab.at,
        what: What::InventoryTaken(listed(volume("vol-1", None, VolumeState::Free))),
    });
    let saved = effects.iter().find_map(|effect| match effect {
        Effect::SaveKnown(known) => Some(known.volumes.clone()),
        _ => None,
    });
    assert_eq!(saved, Some(ids(&["vol-1"])));
}

/// An account as far as a cleanup sees it; things take a look or two to go.
struct World {
    stack: bool,
    instances: Vec<(String, u8)>,
    volumes: Vec<(String, VolumeState, u8)>,
    snapshots: Vec<String>,
}

impl World {
    fn new() -> Self {
        let free = |id: &str| (id.to_owned(), VolumeState::Free, 2);
        let held = VolumeState::Attached("i-other".to_owned());
        Self {
            stack: true,
            instances: vec![("i-A".to_owned(), 3), ("i-B".to_owned(), 3)],
            volumes: vec![free("vol-1"), ("vol-2".to_owned(), held, 2)],
            snapshots: (0..8).map(|number| format!("snap-{number}")).collect(),
        }
    }

    fn remains(&mut self) -> Remains {
        for (_, looks) in &mut self.instances {
            // 3: runs.
            if *looks < 3 {
                *looks = looks.saturating_sub(1);
            }
        }
        self.instances.retain(|(_, looks)| *looks > 0);
        for (_, state, looks) in &mut self.volumes {
            *looks = looks.saturating_sub(1);
            if *looks == 0 && matches!(state, VolumeState::Detaching(_)) {
                *state = VolumeState::Free;
            }
        }
        self.volumes
            .retain(|(_, state, looks)| *looks > 0 || *state != VolumeState::Changing);
        Remains {
            instances: Some(
                self.instances
                    .iter()
                    .map(|(id, looks)| Instance {
                        id: id.clone(),
                        ends: *looks < 3,
                    })
                    .collect(),
            ),
            volumes: self
                .volumes
                .iter()
                .map(|(id, state, _)| Volume {
                    id: id.clone(),
                    stack: None,
                    state: state.clone(),
                })
                .collect(),
            snapshots: self.snapshots.clone(),
            others: None,
        }
    }

    /// Carries an effect out; what the engine hears of it, if it lives to hear it.
    fn does(&mut self, effect: &Effect) -> Option<What> {
        Some(match effect {
            Effect::TakeInventory(_) => {
                let mut found = listed(self.remains());
                found.stacks = self.stack.then(|| ID.to_owned()).into_iter().collect();
                What::InventoryTaken(found)
            }
            Effect::LookAtRemains(_) => What::RemainsSeen(Ok(self.remains())),
            Effect::Terminate { instances } => {
                for (id, looks) in &mut self.instances {
                    if instances.contains(id) {
                        *looks = (*looks).min(2);
                    }
                }
                What::Terminated {
                    instances: instances.clone(),
                    outcome: Ok(()),
                }
            }
            Effect::DeleteStack { stack } => {
                assert_eq!(self.instances, [], "something still writes");
                self.stack = false;
                What::DeletionRequested {
                    stack: stack.clone(),
                    outcome: Ok(()),
                }
            }
            Effect::WatchStack { stack } => What::StackSeen {
                stack: stack.clone(),
                outcome: Ok(self.stack.then(|| seen("CREATE_COMPLETE"))),
            },
            Effect::Remove(removal) => {
                assert!(!self.stack, "a stack still stands");
                let volume = self.volumes.iter_mut().find(|one| one.0 == removal.id());
                let there = match (removal, volume) {
                    (Removal::Detachment(_), Some(volume)) => {
                        *volume = (
                            volume.0.clone(),
                            VolumeState::Detaching("i-other".to_owned()),
                            2,
                        );
                        true
                    }
                    (Removal::Volume(_), Some(volume)) => {
                        let there = volume.1 == VolumeState::Free;
                        *volume = (volume.0.clone(), VolumeState::Changing, 2);
                        there
                    }
                    (Removal::Snapshot(id), _) => {
                        let before = self.snapshots.len();
                        self.snapshots.retain(|one| one != id);
                        self.snapshots.len() < before
                    }
                    _ => false,
                };
                What::Removed {
                    removal: removal.clone(),
                    outcome: if there {
                        Ok(())
                    } else {
                        Err(failure(FailureClass::NotFound))
                    },
                }
            }
            Effect::WakeAt(_) => What::Woke,
            _ => return None,
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever the moment of death, before or after what was being done: the next cleanup finishes.
    #[test]
    fn killed_at_any_point_again_and_again_it_ends_with_nothing_left(deaths in prop::collection::vec(1usize..12, 0..8)) {
        let mut world = World::new();
        let mut deaths = deaths.into_iter();
        let mut known = Known::default();
        'lives: loop {
            let entry = Entry {
                name: "efslab-7f3k-lab".to_owned(),
                id: Some(ID.to_owned()),
                life: Life::There,
            };
            let mut lab = Lab::with("cleanup", Ledger::recovered(vec![entry], known.clone()));
            let mut left = deaths.next();
            let mut todo: std::collections::VecDeque<Effect> = lab.hears(What::Began).into();
            todo.extend(lab.wishes(Command::CleanUp));
            for _ in 0..400 {
                let Some(effect) = todo.pop_front() else { break };
                lab.at += SignedDuration::from_secs(1);
                let outcome = world.does(&effect);
                if let Some(steps) = &mut left {
                    *steps -= 1;
                    if *steps == 0 {
                        // It was done, and nobody has heard of it.
                        known = lab.engine.ledger.known().clone();
                        continue 'lives;
                    }
                }
                if let Some(what) = outcome {
                    todo.extend(lab.hears(what));
                }
            }
            let receipt = lab.engine.receipt();
            prop_assert!(receipt.is_some_and(crate::engine::view::Receipt::is_clean), "{receipt:?}");
            prop_assert!(!world.stack && world.volumes.is_empty() && world.snapshots.is_empty() && world.instances.is_empty());
            break;
        }
    }
}
