//! What the deletion of a stack does not do, or cannot do while it is disturbed: what is known of it, what is hopeless,
//! how patiently it is waited for. Stacks themselves do not enter here.

mod quiet;
mod removing;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::build::Task;
use super::effect::{Effect, Removal};
use super::event::{Failure, FailureClass, Orphan, Remains, VolumeState};
use super::view::{Share, Trouble};
use super::{ATTEMPTS, Engine};

/// Removals under way at a time, as long as the service does not ask for patience: it gives a caller five calls a second
/// that change something, once those saved up are spent (EC2 developer guide, "Request throttling").
const AT_A_TIME: usize = 5;
/// Between two looks at what is on its way, in the target's time.
const LOOK: SignedDuration = SignedDuration::from_secs(2);
const SHORTEST_LOOK: SignedDuration = SignedDuration::from_millis(50);
/// How long nothing may change before it is called stuck, in the target's time: an instance shuts down within a minute or
/// two, a volume that is not mounted is detached within seconds (estimates).
const STUCK: SignedDuration = SignedDuration::from_mins(10);
const SHORTEST_STUCK: SignedDuration = SignedDuration::from_secs(30);
/// From so many on, one is told how far it has come.
const MANY: usize = 20;
/// A shorter time says nothing of how long the rest takes.
const FIRST_ESTIMATE: SignedDuration = SignedDuration::from_secs(2);

/// What is being removed, as far as it was seen.
#[derive(Debug, Clone)]
pub(super) struct Sweep {
    /// Updates that keep a stack from being deleted, with their status; those that were cancelled.
    updating: BTreeMap<String, String>,
    cancelled: BTreeSet<String>,
    /// What was seen last and is to go; what has been done since is taken off.
    remains: Remains,
    /// Instances whose termination was accepted.
    terminated: BTreeSet<String>,
    /// Their termination is not waited for any longer.
    leave_instances: bool,
    /// Removals that were accepted: what they were for may still be listed for a while.
    accepted: BTreeSet<Removal>,
    /// Removals under way, and how many there may be.
    under_way: BTreeSet<String>,
    at_a_time: usize,
    /// Snapshots that there were to delete, and since when that is done.
    snapshots: usize,
    since: Option<Timestamp>,
    /// Failed attempts, by what they were for.
    attempts: BTreeMap<String, u32>,
    /// What is not tried any more, and why.
    hopeless: BTreeMap<String, Trouble>,
    /// Since when it was only waited.
    waiting: Option<Timestamp>,
    /// Nothing is tried any more.
    stopped: bool,
    /// Something went since everything was asked.
    pub(super) progress: bool,
}

impl Default for Sweep {
    fn default() -> Self {
        Self {
            updating: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            remains: nothing(),
            terminated: BTreeSet::new(),
            leave_instances: false,
            accepted: BTreeSet::new(),
            under_way: BTreeSet::new(),
            at_a_time: AT_A_TIME,
            snapshots: 0,
            since: None,
            attempts: BTreeMap::new(),
            hopeless: BTreeMap::new(),
            waiting: None,
            stopped: false,
            progress: false,
        }
    }
}

/// Nothing remains, as far as one can tell.
fn nothing() -> Remains {
    Remains {
        instances: Some(Vec::new()),
        ..Remains::default()
    }
}

impl Sweep {
    /// Whether it is known why this is left.
    pub(super) fn is_hopeless(&self, id: &str) -> bool {
        self.hopeless.contains_key(id)
    }

    /// This is left, and it is known why.
    pub(super) fn give_up_on(&mut self, id: &str, why: &str) {
        let remedy = "Clean up again once that is gone.";
        let obstacle = obstacle("not deleted", why.to_owned(), remedy);
        self.hopeless.insert(id.to_owned(), obstacle);
    }

    /// Whether something is still to be done.
    pub(super) fn is_pending(&self) -> bool {
        let instances = self.remains.instances.as_ref();
        !self.leave_instances && instances.is_none_or(|all| !all.is_empty())
            || !self.under_way.is_empty()
            || self.removables().next().is_some()
    }

    /// Nothing more is tried.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.remains = nothing();
    }

    /// Why these are left, a sentence for each reason.
    pub(super) fn reasons(&self, left: &BTreeSet<&str>) -> Vec<String> {
        let mut reasons: Vec<(&Trouble, Vec<&str>)> = Vec::new();
        for (id, obstacle) in &self.hopeless {
            if !left.contains(id.as_str()) {
                continue;
            }
            match reasons.iter_mut().find(|(known, _)| *known == obstacle) {
                Some((_, ids)) => ids.push(id),
                None => reasons.push((obstacle, vec![id])),
            }
        }
        reasons
            .into_iter()
            .map(|(trouble, ids)| format!("{}: {}", ids.join(", "), trouble.sentence()))
            .collect()
    }

    /// What can be removed now, volumes first; `None` beside one that is only waited for.
    fn removables(&self) -> impl Iterator<Item = (&str, Option<Removal>)> {
        let volumes = self.remains.volumes.iter().map(|volume| {
            let removal = match volume.state {
                VolumeState::Free => Some(Removal::Volume(volume.id.clone())),
                VolumeState::Attached(_) => Some(Removal::Detachment(volume.id.clone())),
                VolumeState::Detaching(_) | VolumeState::Changing => None,
            };
            (volume.id.as_str(), removal)
        });
        let snapshots = self.remains.snapshots.iter();
        let snapshots = snapshots.map(|id| (id.as_str(), Some(Removal::Snapshot(id.clone()))));
        // What is needed by others goes after them.
        let first = self.others().map(|one| one.kind).min();
        let others = self.others().filter(move |one| Some(one.kind) == first);
        let others = others.map(|one| {
            let removal = Removal::Orphan(one.kind, one.id.clone());
            (one.id.as_str(), Some(removal))
        });
        volumes
            .chain(snapshots)
            .chain(others)
            .filter(|(id, _)| !self.is_hopeless(id))
            .map(|(id, removal)| (id, removal.filter(|it| !self.accepted.contains(it))))
    }

    fn volume(&self, id: &str) -> Option<&VolumeState> {
        let volume = self.remains.volumes.iter().find(|one| one.id == id);
        volume.map(|volume| &volume.state)
    }

    /// The state of a volume is known better now.
    fn volume_is(&mut self, id: &str, state: VolumeState) {
        if let Some(volume) = self.remains.volumes.iter_mut().find(|one| one.id == id) {
            volume.state = state;
        }
    }

    fn is_gone(&mut self, id: &str) {
        self.remains.volumes.retain(|volume| volume.id != id);
        self.remains.snapshots.retain(|snapshot| snapshot != id);
        if let Some(others) = &mut self.remains.others {
            others.retain(|orphan| orphan.id != id);
        }
    }

    /// Whether nothing but this kind of thing is left to be removed.
    fn only_others(&self) -> bool {
        let there = |id: &String| !self.is_hopeless(id);
        let volumes = self.remains.volumes.iter().map(|one| &one.id);
        !volumes.chain(&self.remains.snapshots).any(there)
    }

    /// Orphans that are still to be deleted.
    fn others(&self) -> impl Iterator<Item = &Orphan> {
        let others = self.remains.others.iter().flatten();
        others.filter(|one| !self.is_hopeless(&one.id))
    }

    /// Snapshots that are still to be deleted.
    fn snapshots_left(&self) -> usize {
        let left = self.remains.snapshots.iter();
        left.filter(|id| !self.is_hopeless(id)).count()
    }

    /// How many of many snapshots are deleted at `now`. How long the rest takes is said once a twentieth is done and that
    /// took more than a moment: before, it is a guess.
    pub(super) fn share(&self, now: Timestamp) -> Option<Share> {
        let left = self.snapshots_left();
        let began = self.since.filter(|_| left > 0 && self.snapshots >= MANY)?;
        let done = self.snapshots.saturating_sub(left);
        let took = now.duration_since(began);
        let known = done >= self.snapshots.div_ceil(20) && took >= FIRST_ESTIMATE;
        let each = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        Some(Share {
            done,
            of: self.snapshots,
            left: known.then(|| took / each(done) * each(left)),
        })
    }

    /// What is being done, in words.
    fn doing(&self) -> String {
        let mut said = Vec::new();
        let mut volumes = 0;
        for volume in &self.remains.volumes {
            if self.is_hopeless(&volume.id) {
                continue;
            }
            match &volume.state {
                VolumeState::Attached(from) | VolumeState::Detaching(from) => {
                    said.push(format!("detaching {} from {from}", volume.id));
                }
                VolumeState::Free | VolumeState::Changing => volumes += 1,
            }
        }
        if volumes > 0 {
            said.push(format!("deleting {}", count(volumes, "volume")));
        }
        let others = self.others().count();
        if others > 0 {
            said.push(format!(
                "deleting {} without a stack",
                count(others, "thing")
            ));
        }
        let left = self.snapshots_left();
        if left > 0 {
            let mut text = format!("deleting {}", count(self.snapshots, "snapshot"));
            if self.snapshots >= MANY {
                // In tenths: whoever reads line by line does not want a line for each.
                let tenth = self.snapshots.div_ceil(10);
                let done = self.snapshots.saturating_sub(left) / tenth * tenth;
                text.push_str(&format!(", {done} done"));
            }
            said.push(text);
        }
        said.join(", ")
    }
}

/// `1 snapshot`, `3 snapshots`.
fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

impl Engine {
    /// Takes in what was seen of what is removed one by one.
    pub(super) fn take_in(&mut self, mut remains: Remains, effects: &mut Vec<Effect>) {
        let Some(cleanup) = &mut self.cleanup else {
            return;
        };
        let mut learned = false;
        for volume in &remains.volumes {
            learned |= self.ledger.saw_resource("AWS::EC2::Volume", &volume.id);
        }
        if learned {
            effects.push(Effect::SaveKnown(self.ledger.known().clone()));
        }
        let sweep = &mut cleanup.sweep;
        if sweep.stopped {
            return;
        }
        // A short look does not ask for them.
        remains.others = remains.others.or_else(|| sweep.remains.others.clone());
        if cleanup.given_up.is_some() || self.ledger.plan().next().is_none() {
            // What belongs to a stack goes with it; what belonged to one of the lab's that is gone is an orphan.
            let ledger = &self.ledger;
            remains.volumes.retain(|volume| {
                let Some(stack) = &volume.stack else {
                    return true;
                };
                if !ledger.plan().any(|entry| entry.id.as_ref() == Some(stack))
                    && !ledger.is_gone(stack)
                {
                    let foreign = obstacle(
                        "not deleted",
                        format!("it belongs to {stack}, which is no stack of the lab"),
                        "Delete that stack, or take the lab's tag from the volume.",
                    );
                    sweep.hopeless.insert(volume.id.clone(), foreign);
                }
                ledger.is_gone(stack)
            });
            if let Some(others) = &mut remains.others {
                others.retain(|one| one.stack.as_ref().is_none_or(|stack| ledger.is_gone(stack)));
            }
        } else {
            remains.volumes.clear();
            remains.snapshots.clear();
            // What is the lab's without being its stack's may be what is in the way of the stack.
            if let Some(others) = &mut remains.others {
                others.retain(|one| one.stack.is_none() && cleanup.failures > 0);
            }
        }
        // Listings have no order.
        remains.sort();
        if remains != sweep.remains {
            sweep.waiting = None;
        }
        sweep.snapshots = sweep.snapshots.max(remains.snapshots.len());
        sweep.remains = remains;
    }

    pub(super) fn remains_seen(
        &mut self,
        outcome: Result<Remains, Failure>,
        effects: &mut Vec<Effect>,
    ) {
        self.busy.end(Task::Listing);
        let failure = match outcome {
            Ok(remains) => {
                self.take_in(remains, effects);
                self.pause_for(self.paced(LOOK, SHORTEST_LOOK));
                return;
            }
            Err(failure) => failure,
        };
        if failure.class == FailureClass::Credentials {
            self.give_up(&failure);
        } else if !self.may_try_again("look", &failure)
            && let Some(cleanup) = &mut self.cleanup
        {
            // The last listings say what is left.
            cleanup.sweep.stop();
            self.trouble = Some(Trouble::from(&failure));
        }
    }

    fn look_at_remains(&mut self, effects: &mut Vec<Effect>) {
        self.busy.begin(Task::Listing);
        effects.push(Effect::LookAtRemains(self.ledger.known().clone()));
        if let Some(cleanup) = &mut self.cleanup {
            cleanup.sweep.waiting.get_or_insert(self.at);
        }
    }

    /// Counts a failure that must not stop the rest, and tells it; `true`: it is worth another attempt, after a while.
    pub(super) fn may_try_again(&mut self, what: &str, failure: &Failure) -> bool {
        let Some(cleanup) = &mut self.cleanup else {
            return false;
        };
        let attempts = cleanup.sweep.attempts.entry(what.to_owned()).or_default();
        *attempts += 1;
        let wait = SignedDuration::from_millis(500 << (*attempts).min(6));
        let again = *attempts < ATTEMPTS
            && !matches!(failure.class, FailureClass::Denied | FailureClass::Local);
        if again {
            self.pause_for(wait);
            self.trouble = Some(Trouble::from(failure));
        }
        again
    }

    /// Whether it was only waited for so long that nothing will come of it.
    fn is_stuck(&self) -> bool {
        let since = self
            .cleanup
            .as_ref()
            .and_then(|cleanup| cleanup.sweep.waiting);
        since.is_some_and(|since| self.at.duration_since(since) > self.paced(STUCK, SHORTEST_STUCK))
    }

    /// How long that takes by the learner's clock, in a target that runs faster than AWS.
    pub(super) fn paced(&self, time: SignedDuration, least: SignedDuration) -> SignedDuration {
        let seconds = self
            .setup
            .faster
            .map_or(0.0, |times| time.as_secs_f64() / times);
        SignedDuration::try_from_secs_f64(seconds)
            .unwrap_or(time)
            .max(least)
    }

    fn pause_for(&mut self, wait: SignedDuration) {
        self.pause = self.at.checked_add(wait).ok();
    }
}

impl From<&Failure> for Trouble {
    fn from(failure: &Failure) -> Self {
        Self {
            what: format!("could not {}", failure.tried),
            why: failure.why.clone(),
            remedy: failure.class.remedy().to_owned(),
            retry: None,
        }
    }
}

/// An obstacle that no service has told of.
fn obstacle(what: &str, why: String, remedy: &str) -> Trouble {
    Trouble {
        what: what.to_owned(),
        why,
        remedy: remedy.to_owned(),
        retry: None,
    }
}
