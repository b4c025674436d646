//! Volumes and snapshots that no stack owns: removed a few at a time; one that fails does not stop the rest.

use super::super::Engine;
use super::super::effect::{Effect, Removal};
use super::super::event::{Failure, FailureClass, VolumeState};
use super::super::view::Trouble;
use super::{AT_A_TIME, LOOK, SHORTEST_LOOK, obstacle};

impl Engine {
    /// Removes what no stack owns. `true`: that is not done yet.
    pub(in crate::engine) fn sweep(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(sweep) = self.cleanup.as_mut().map(|cleanup| &mut cleanup.sweep) else {
            return false;
        };
        let room = sweep.at_a_time.saturating_sub(sweep.under_way.len());
        let removals: Vec<Removal> = sweep
            .removables()
            .filter(|(id, _)| !sweep.under_way.contains(*id))
            .filter_map(|(_, removal)| removal)
            .take(room)
            .collect();
        let waits = removals.is_empty() && sweep.under_way.is_empty();
        if waits && sweep.removables().next().is_none() {
            return false;
        }
        for removal in &removals {
            // What is refused for now is asked for again and again.
            if !matches!(removal, Removal::Orphan(..)) {
                sweep.waiting = None;
            }
            if matches!(removal, Removal::Snapshot(_)) {
                sweep.since.get_or_insert(self.at);
            }
            sweep.under_way.insert(removal.id().to_owned());
        }
        let doing = sweep.doing();
        effects.extend(removals.into_iter().map(Effect::Remove));
        self.say(&doing);
        !waits || self.await_removals(effects)
    }

    /// Only what is on its way is left.
    fn await_removals(&mut self, effects: &mut Vec<Effect>) -> bool {
        if !self.is_stuck() {
            self.await_remains(effects);
            return true;
        }
        let Some(sweep) = self.cleanup.as_mut().map(|cleanup| &mut cleanup.sweep) else {
            return false;
        };
        let stuck: Vec<(String, Trouble)> = sweep
            .removables()
            .map(|(id, _)| (id.to_owned(), stuck(sweep.volume(id))))
            .collect();
        self.trouble = stuck.last().map(|(_, trouble)| trouble.clone());
        if let Some(cleanup) = &mut self.cleanup {
            cleanup.sweep.hopeless.extend(stuck);
        }
        false
    }

    /// Looks again: at all there is, where a short look would not show it.
    fn await_remains(&mut self, effects: &mut Vec<Effect>) {
        let at = self.at;
        match &mut self.cleanup {
            Some(cleanup) if cleanup.sweep.only_others() => {
                cleanup.sweep.waiting.get_or_insert(at);
                cleanup.asks = true;
                self.pause_for(self.paced(LOOK, SHORTEST_LOOK));
            }
            _ => self.look_at_remains(effects),
        }
    }

    pub(in crate::engine) fn removed(&mut self, removal: &Removal, outcome: Result<(), Failure>) {
        let Some(sweep) = self.cleanup.as_mut().map(|cleanup| &mut cleanup.sweep) else {
            return;
        };
        let id = removal.id().to_owned();
        sweep.under_way.remove(&id);
        let Err(failure) = outcome else {
            sweep.progress = true;
            sweep.accepted.insert(removal.clone());
            sweep.at_a_time = (sweep.at_a_time + 1).min(AT_A_TIME);
            match removal {
                Removal::Snapshot(_) => sweep.is_gone(&id),
                // It is seen to be gone before what it needs is tried.
                Removal::Orphan(..) => sweep.waiting = None,
                Removal::Volume(_) => sweep.volume_is(&id, VolumeState::Changing),
                Removal::Detachment(_) => {
                    if let Some(VolumeState::Attached(from)) = sweep.volume(&id).cloned() {
                        sweep.volume_is(&id, VolumeState::Detaching(from));
                    }
                }
            }
            if sweep.hopeless.is_empty() {
                self.worked();
            }
            return;
        };
        match (failure.class, removal) {
            (
                FailureClass::NotFound,
                Removal::Snapshot(_) | Removal::Volume(_) | Removal::Orphan(..),
            ) => {
                let times = sweep.attempts.entry(id.clone()).or_default();
                *times += 1;
                // Either this answer or the listing that showed it is late; it is asked for once more.
                if *times > 1 {
                    sweep.accepted.insert(removal.clone());
                }
                sweep.is_gone(&id);
            }
            (FailureClass::Credentials, _) => self.give_up(&failure),
            (FailureClass::Transient, _) => {
                // Slower from now on, whatever comes of this one.
                sweep.at_a_time = (sweep.at_a_time / 2).max(1);
                if !self.may_try_again(&id, &failure) {
                    self.leave(&id, &failure);
                }
            }
            // Something is in its way that may be going: the interface of a mount target stays for a while.
            (FailureClass::Refused, Removal::Orphan(..)) => self.is_in_use(&id, &failure),
            // Its state was another one than it seemed: looked at again.
            (
                FailureClass::NotFound | FailureClass::Refused,
                Removal::Detachment(_) | Removal::Volume(_),
            ) if self.may_try_again(&id, &failure) => {
                if let Some(cleanup) = &mut self.cleanup {
                    cleanup.sweep.volume_is(&id, VolumeState::Changing);
                }
            }
            _ => self.leave(&id, &failure),
        }
    }

    /// It cannot go now: whether it is tried again, after a while.
    fn is_in_use(&mut self, id: &str, failure: &Failure) {
        let obstructed = (self.cleanup.as_ref()).is_some_and(|cleanup| cleanup.obstructed);
        if obstructed || self.is_stuck() {
            self.leave(id, failure);
            return;
        }
        let at = self.at;
        if let Some(cleanup) = &mut self.cleanup {
            cleanup.sweep.waiting.get_or_insert(at);
        }
        self.trouble = Some(Trouble::from(failure));
        self.pause_for(self.paced(LOOK, SHORTEST_LOOK));
    }

    /// This one is not tried any more; the others are.
    fn leave(&mut self, id: &str, failure: &Failure) {
        let trouble = Trouble::from(failure);
        if let Some(cleanup) = &mut self.cleanup {
            let hopeless = &mut cleanup.sweep.hopeless;
            hopeless.insert(id.to_owned(), trouble.clone());
        }
        self.trouble = Some(trouble);
    }
}

/// Of what stays as it is for too long; a volume in this state.
fn stuck(state: Option<&VolumeState>) -> Trouble {
    let what = "not deleted";
    match state {
        Some(VolumeState::Detaching(from) | VolumeState::Attached(from)) => obstacle(
            what,
            format!("{from} does not let go of it, it is probably still mounted there"),
            "Unmount it there (umount), then clean up again: to take it by force can destroy data.",
        ),
        _ => obstacle(
            what,
            "it is asked for, and nothing changes".to_owned(),
            "Look at it in the EC2 console, then clean up again.",
        ),
    }
}
