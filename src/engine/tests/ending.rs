//! A cleanup comes to its end in any account, even in one where nothing that is asked for ever happens.

use std::collections::VecDeque;

use super::properties::volume_state;
use super::*;
use crate::engine::effect::{GuardWish, OrphanKind, Removal};
use crate::engine::event::{Instance, Orphan, Volume, VolumeState};
use crate::engine::view::Receipt;

/// Far more events than the most patient cleanup of a handful of things needs.
const EVENTS: usize = 5_000;

/// What comes of a request, every time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// It is accepted and happens.
    Happens,
    /// It is accepted, and nothing changes.
    Vain,
    Fails(FailureClass),
}

/// An account that does what it does every time.
#[derive(Debug, Clone)]
struct World {
    stack: bool,
    updating: bool,
    guard: bool,
    foreign: bool,
    /// The listings answer.
    tells: bool,
    account: bool,
    remains: Remains,
    deletion: Fate,
    cancelling: Fate,
    termination: Fate,
    removal: Fate,
    disarming: Fate,
    looking: Fate,
    watching: Fate,
    /// What a stack shows that is not deleted.
    status: &'static str,
}

impl World {
    fn answers(&mut self, effect: Effect) -> Option<What> {
        Some(match effect {
            Effect::TakeInventory(_) => What::InventoryTaken(self.inventory()),
            Effect::LookAtRemains(_) => {
                // Listings have no order, and a short look does not ask for others.
                let remains = &mut self.remains;
                remains.volumes.reverse();
                remains.snapshots.reverse();
                remains.instances.iter_mut().for_each(|all| all.reverse());
                let seen = Remains {
                    others: None,
                    ..remains.clone()
                };
                What::RemainsSeen(self.looking.of(seen))
            }
            Effect::DeleteStack { stack } => {
                self.stack &= self.deletion != Fate::Happens;
                What::DeletionRequested {
                    stack,
                    outcome: self.deletion.of(()),
                }
            }
            Effect::WatchStack { stack } => {
                let status = if self.updating {
                    "UPDATE_ROLLBACK_COMPLETE"
                } else {
                    self.status
                };
                // An update ends by itself.
                self.updating = false;
                let there = self.stack.then(|| seen(status));
                // A stack is looked at for as long as it takes: what passes is waited out.
                if self.watching == Fate::Fails(FailureClass::Transient) {
                    self.watching = Fate::Happens;
                }
                What::StackSeen {
                    stack,
                    outcome: self.watching.of(there),
                }
            }
            Effect::CancelUpdate { stack } => {
                self.updating &= self.cancelling != Fate::Happens;
                What::UpdateCancelled {
                    stack,
                    outcome: self.cancelling.of(()),
                }
            }
            Effect::Terminate { instances } => {
                if self.termination == Fate::Happens {
                    self.remains.instances = Some(Vec::new());
                }
                What::Terminated {
                    instances,
                    outcome: self.termination.of(()),
                }
            }
            Effect::Remove(removal) => {
                if self.removal == Fate::Happens {
                    self.lets_go(&removal);
                }
                What::Removed {
                    removal,
                    outcome: self.removal.of(()),
                }
            }
            Effect::Guard(GuardWish::Disarm) => {
                self.guard &= self.disarming != Fate::Happens;
                What::Disarmed(self.disarming.of(()))
            }
            Effect::Guard(GuardWish::PutBack) => What::PutBack(self.disarming.of(())),
            _ => return None,
        })
    }

    fn lets_go(&mut self, removal: &Removal) {
        let id = removal.id();
        match removal {
            Removal::Detachment(_) => {
                let volumes = self.remains.volumes.iter_mut();
                let detached = volumes.filter(|one| one.id == id);
                detached.for_each(|one| one.state = VolumeState::Free);
            }
            Removal::Volume(_) => self.remains.volumes.retain(|one| one.id != id),
            Removal::Snapshot(_) => self.remains.snapshots.retain(|one| one != id),
            Removal::Orphan(..) => {
                let others = self.remains.others.iter_mut();
                others.for_each(|all| all.retain(|one| one.id != id));
            }
        }
    }

    fn inventory(&self) -> Inventory {
        let row = |kind: &str, ids: Vec<String>| InventoryRow {
            kind: kind.to_owned(),
            asked: "ec2".to_owned(),
            answer: match (self.tells, ids.is_empty()) {
                (false, _) => Listing::CouldNotTell("nobody says".to_owned()),
                (true, true) => Listing::Empty,
                (true, false) => Listing::Left(ids),
            },
        };
        let one = |there: bool, id: &str| Vec::from_iter(there.then(|| id.to_owned()));
        let remains = &self.remains;
        let names = |ids: &mut dyn Iterator<Item = &String>| ids.cloned().collect::<Vec<_>>();
        let instances = remains.instances.iter().flatten();
        let others = remains.others.iter().flatten();
        let mut rows = vec![
            row("instances", names(&mut instances.map(|one| &one.id))),
            row(
                "volumes",
                names(&mut remains.volumes.iter().map(|one| &one.id)),
            ),
            row("snapshots", names(&mut remains.snapshots.iter())),
            row("others", names(&mut others.map(|one| &one.id))),
            row("stacks", one(self.stack, ID)),
            row("schedules", one(self.guard, GUARD)),
        ];
        if self.foreign {
            let kept = Listing::Kept(vec!["sg-theirs".to_owned()]);
            rows.last_mut().unwrap().answer = kept;
        }
        let status = "UPDATE_IN_PROGRESS".to_owned();
        Inventory {
            account: self.account.then(|| "123456789012".to_owned()),
            rows,
            stacks: one(self.stack, ID),
            updating: self
                .updating
                .then(|| (ID.to_owned(), status))
                .into_iter()
                .collect(),
            foreign: one(self.foreign, "sg-theirs"),
            guard: one(self.guard, GUARD),
            remains: remains.clone(),
            ..inventory(Listing::Empty)
        }
    }
}

impl Fate {
    fn of<T>(self, answer: T) -> Result<T, Failure> {
        match self {
            Self::Fails(class) => Err(failure(class)),
            Self::Happens | Self::Vain => Ok(answer),
        }
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Happens),
        2 => Just(Fate::Vain),
        1 => Just(Fate::Fails(FailureClass::Transient)),
        1 => Just(Fate::Fails(FailureClass::Credentials)),
        1 => Just(Fate::Fails(FailureClass::Denied)),
        1 => Just(Fate::Fails(FailureClass::NotFound)),
        1 => Just(Fate::Fails(FailureClass::Refused)),
        1 => Just(Fate::Fails(FailureClass::Exists)),
        1 => Just(Fate::Fails(FailureClass::Role)),
    ]
}

fn remains() -> impl Strategy<Value = Remains> {
    let volume = (
        volume_state(),
        prop::option::of(prop_oneof![Just(ID), Just("arn:of/another/stack")]),
    );
    let volumes = prop::collection::vec(volume, 0..3).prop_map(|all| {
        let volume = |(number, (state, stack)): (usize, (VolumeState, Option<&str>))| Volume {
            id: format!("vol-{number}"),
            stack: stack.map(str::to_owned),
            state,
        };
        all.into_iter().enumerate().map(volume).collect()
    });
    let ends = prop::collection::vec(prop::bool::ANY, 0..3);
    let instance = prop::option::of(ends).prop_map(|known| {
        let instance = |(number, ends)| Instance {
            id: format!("i-{number}"),
            ends,
        };
        known.map(|all| all.into_iter().enumerate().map(instance).collect())
    });
    let snapshots =
        (0..3_usize).prop_map(|count| (0..count).map(|it| format!("snap-{it}")).collect());
    let kind = prop_oneof![
        Just(OrphanKind::FileSystem),
        Just(OrphanKind::Network),
        Just(OrphanKind::KeyPair)
    ];
    let others = prop::option::of(prop::collection::vec(kind, 0..3)).prop_map(|known| {
        let orphan = |(number, kind)| Orphan {
            kind,
            id: format!("orphan-{number}"),
            stack: None,
        };
        known.map(|kinds| kinds.into_iter().enumerate().map(orphan).collect())
    });
    (instance, volumes, snapshots, others).prop_map(|(instances, volumes, snapshots, others)| {
        Remains {
            instances,
            volumes,
            snapshots,
            others,
        }
    })
}

fn world() -> impl Strategy<Value = World> {
    let is = prop::collection::vec(prop::bool::ANY, 4);
    let answers = (prop::bool::weighted(0.9), prop::bool::weighted(0.9));
    let fates = prop::collection::vec(fate(), 7);
    let status = prop_oneof![
        Just("DELETE_FAILED"),
        Just("CREATE_COMPLETE"),
        Just("UPDATE_ROLLBACK_FAILED"),
    ];
    let drawn = (is, answers, fates, remains(), status);
    drawn.prop_map(|(is, (tells, account), fates, remains, status)| World {
        status,
        stack: is[0],
        updating: is[0] && is[1],
        guard: is[2],
        foreign: is[3],
        tells,
        account,
        remains,
        deletion: fates[0],
        cancelling: fates[1],
        termination: fates[2],
        removal: fates[3],
        disarming: fates[4],
        looking: fates[5],
        watching: fates[6],
    })
}

/// Cleans up there; answers the receipt, or why there is none.
fn cleaned(world: &mut World) -> Result<Receipt, String> {
    let mut lab = Lab::at("cleanup");
    let mut wake = None;
    let mut due = VecDeque::from(lab.hears(What::Began));
    due.extend(lab.wishes(Command::CleanUp));
    for _ in 0..EVENTS {
        if let Phase::CleanedUp(receipt) = lab.engine.view().phase {
            return Ok(receipt);
        }
        let what = match due.pop_front() {
            Some(Effect::WakeAt(at)) => {
                wake = Some(at);
                continue;
            }
            Some(effect) => world.answers(effect),
            None => {
                let at = wake.take().ok_or("it waits for nothing")?;
                lab.at = lab.at.max(at);
                Some(What::Woke)
            }
        };
        due.extend(what.into_iter().flat_map(|what| lab.hears(what)));
    }
    Err(format!("it does not end: {:?}", lab.engine.view().phase))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_cleanup_ends_in_any_account_and_claims_nothing_that_it_did_not_see(world in world()) {
        let mut after = world.clone();
        let receipt = cleaned(&mut after).map_err(|why| TestCaseError::fail(format!("{why} in {after:?}")))?;
        if receipt.is_clean() {
            let left = after.inventory();
            prop_assert!(left.account.is_some());
            prop_assert!(left.rows.iter().all(|row| row.answer == Listing::Empty), "{left:?}");
        }
    }

    #[test]
    fn where_everything_happens_that_is_asked_for_nothing_is_left(world in world()) {
        let mut world = World {
            foreign: false,
            tells: true,
            account: true,
            deletion: Fate::Happens,
            cancelling: Fate::Happens,
            termination: Fate::Happens,
            removal: Fate::Happens,
            disarming: Fate::Happens,
            looking: Fate::Happens,
            watching: Fate::Happens,
            ..world
        };
        // What is on its way arrives; what is another stack's is not the lab's to delete.
        world.remains.instances = world.remains.instances.map(|all| {
            let runs = |one| Instance { ends: false, ..one };
            all.into_iter().map(runs).collect()
        });
        for volume in &mut world.remains.volumes {
            volume.stack = None;
            volume.state = VolumeState::Free;
        }
        let receipt = cleaned(&mut world).map_err(TestCaseError::fail)?;
        prop_assert!(receipt.is_clean(), "{receipt:?}");
    }
}
