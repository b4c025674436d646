//! Taking everything down, and proving it: stop what still writes, delete every stack of the ledger and of the tag, sweep
//! what no stack owns, then ask every resource type until two passes in a row are empty.

use std::collections::{BTreeMap, BTreeSet};

use super::build::Task;
use super::effect::Effect;
use super::event::{Failure, FailureClass};
use super::ledger::Life;
use super::sweep::Sweep;
use super::view::{Phase, TerminalState, Trouble};
use super::{ATTEMPTS, Engine};
use jiff::SignedDuration;

/// Said while a stack is deleted; how far it has come is seen from its resources.
const DELETING: &str = "deleting the stack";
/// So many looks at a stack must show that its deletion was accepted: half a minute.
const UNSEEN: u32 = 60;
/// Between two passes that were not both empty.
pub(super) const BETWEEN: SignedDuration = SignedDuration::from_millis(500);

/// A cleanup under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Cleanup {
    /// Passes in all; those in a row that left no question; those in a row that brought nothing.
    pub(super) passes: u32,
    pub(super) explained: u32,
    pub(super) in_vain: u32,
    /// What the passes found, by kind: what is not listed at the end has been deleted.
    pub(super) found: BTreeMap<String, BTreeSet<String>>,
    /// What is stopped and removed one by one.
    pub(super) sweep: Sweep,
    /// Looks at a stack that did not show that its deletion was accepted.
    unseen: u32,
    /// Failed deletions of stacks.
    pub(super) failures: u32,
    /// Others have put something into the lab's network.
    pub(super) obstructed: bool,
    /// Everything is to be asked before anything else is done.
    pub(super) asks: bool,
    /// What is known of the role with which the lab's stack was made.
    pub(super) role: Role,
    /// Stacks are not tried any more, and why.
    pub(super) given_up: Option<Trouble>,
    /// The guard is there, and nothing else: its turn has come.
    pub(super) guard: bool,
    /// How often the guard was taken away: a listing may be late.
    pub(super) disarmed: u32,
    /// Why the guard could not be taken away.
    pub(super) keeps_guard: Option<String>,
    /// An account answered that is not the lab's.
    pub(super) stranger: Option<String>,
}

/// The role with which CloudFormation works on the lab's stack, as far as a cleanup has to mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Role {
    /// Nothing speaks against it.
    #[default]
    There,
    /// It is gone: the guard, to which it belongs, must be put back first.
    Gone,
    /// The guard was put back, and has another one.
    PutBack,
}

impl Cleanup {
    pub(super) fn try_again(&mut self) {
        *self = Self {
            found: std::mem::take(&mut self.found),
            ..Self::default()
        };
    }
}

impl Engine {
    /// Begins to take everything down.
    pub(super) fn begin_cleanup(&mut self, effects: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::CleaningUp { .. } | Phase::Over) {
            return;
        }
        self.doing = None;
        self.trouble = None;
        self.pause = None;
        self.setbacks = 0;
        self.cleanup = Some(Cleanup::default());
        self.say("looking at what is there");
        // Whoever is killed now wants to go on with this, not to have it all built again.
        self.save(effects);
    }

    /// What cannot be mended by trying again ends the cleanup with a receipt of what is left.
    pub(super) fn give_up(&mut self, failure: &Failure) {
        self.failed(failure, "");
        if let Some(trouble) = &mut self.trouble
            && trouble.retry.take().is_some()
            && let Some(cleanup) = &mut self.cleanup
        {
            cleanup.given_up = Some(trouble.clone());
            if failure.class == FailureClass::Credentials {
                // Nothing else would be answered either.
                cleanup.sweep.stop();
            }
        }
    }

    /// Starts whatever the cleanup needs next.
    pub(super) fn pursue_cleanup(&mut self, effects: &mut Vec<Effect>) {
        let first = [
            Task::Listing,
            Task::Creating,
            Task::Updating,
            Task::Deleting,
            Task::Terminating,
            Task::Cancelling,
            Task::Guarding,
        ];
        if first.iter().any(|task| self.busy.with(*task)) {
            return;
        }
        let Some(cleanup) = &self.cleanup else { return };
        let (begins, asks) = (cleanup.passes == 0, cleanup.asks);
        let stacks = cleanup.given_up.is_none();
        if begins {
            self.close_terminals(effects);
        }
        if begins || asks {
            self.ask_everything(effects);
            return;
        }
        let busy = stacks && self.end_updates(effects)
            || self.end_instances(effects)
            || self.sweep(effects)
            || stacks && self.put_guard_back(effects)
            || stacks && self.delete_stacks(effects)
            || self.disarm(effects);
        if !busy {
            self.ask_everything(effects);
        }
    }

    /// Deletes what the plan holds, the newest first. `true`: that is not done yet.
    fn delete_stacks(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(entry) = self.ledger.plan().next().cloned() else {
            return false;
        };
        match (entry.id, entry.life) {
            (Some(id), Life::There) => {
                self.say(DELETING);
                self.busy.begin(Task::Deleting);
                effects.push(Effect::DeleteStack { stack: id });
            }
            // Its deletion was accepted in an earlier session, or nobody knows whether it was ever made: look.
            (id, _) if !self.busy.with(Task::Watching) => {
                self.say(DELETING);
                self.busy.begin(Task::Watching);
                effects.push(Effect::WatchStack {
                    stack: id.unwrap_or(entry.name),
                });
            }
            _ => {}
        }
        true
    }

    /// Asks for one more pass.
    fn ask_everything(&mut self, effects: &mut Vec<Effect>) {
        if let Some(cleanup) = &mut self.cleanup {
            cleanup.asks = false;
        }
        self.busy.begin(Task::Listing);
        effects.push(Effect::TakeInventory(self.ledger.known().clone()));
    }

    fn close_terminals(&mut self, effects: &mut Vec<Effect>) {
        effects.push(Effect::CloseTerminals);
        for state in self.terminals.values_mut() {
            *state = TerminalState::Closed;
        }
    }

    pub(super) fn deletion_requested(
        &mut self,
        stack: &str,
        outcome: Result<(), Failure>,
        effects: &mut Vec<Effect>,
    ) {
        self.busy.end(Task::Deleting);
        match outcome {
            Ok(()) => {
                self.worked();
                self.ledger.deleting(stack);
                if self.stack.is_none() {
                    let name = self.stack_name();
                    self.follow(&name, crate::template::Stage::Share);
                }
            }
            Err(failure) if failure.class == FailureClass::NotFound => {
                self.stack_gone(stack, effects);
                // It was listed: whether it is again is seen by looking.
                if self.cleanup.is_some() && !self.looks_again() {
                    self.give_up(&failure);
                }
            }
            Err(failure) if failure.class == FailureClass::Role && self.role_is_gone() => {}
            Err(failure)
                if matches!(failure.class, FailureClass::Refused | FailureClass::Role)
                    && self.looks_again() => {}
            Err(failure) if self.cleanup.is_some() => self.give_up(&failure),
            Err(failure) => self.failed(&failure, "delete the stack again"),
        }
    }

    /// The stack cannot be deleted because its role is gone: whether putting the guard back may mend that.
    fn role_is_gone(&mut self) -> bool {
        let role = self.cleanup.as_mut().map(|cleanup| &mut cleanup.role);
        let first = role.filter(|role| **role == Role::There);
        first.map(|role| *role = Role::Gone).is_some()
    }

    /// A deletion was refused: whether everything is asked once more, to see what is in its way.
    fn looks_again(&mut self) -> bool {
        let Some(cleanup) = &mut self.cleanup else {
            return false;
        };
        cleanup.failures += 1;
        let again = cleanup.failures < ATTEMPTS;
        if again {
            cleanup.asks = true;
            self.pause = self.at.checked_add(BETWEEN).ok();
        }
        again
    }

    /// The stack cannot be looked at, and not for a passing reason.
    pub(super) fn look_failed(&mut self, failure: &Failure) {
        if matches!(self.phase, Phase::CleaningUp { .. }) {
            self.give_up(failure);
        } else {
            self.failed(failure, "look at the stack again");
        }
    }

    /// The deletion was accepted and is not seen yet: looked at again, not at once; after a while it is asked for again.
    pub(super) fn deletion_unseen(&mut self, id: &str) {
        self.pause = self.at.checked_add(BETWEEN).ok();
        let Some(cleanup) = &mut self.cleanup else {
            return;
        };
        cleanup.unseen += 1;
        if cleanup.unseen >= UNSEEN {
            cleanup.unseen = 0;
            self.deletion_failed(id);
        }
    }

    pub(super) fn deletion_failed(&mut self, id: &str) {
        self.ledger.still_there(id);
        let failures = match &mut self.cleanup {
            Some(cleanup) => {
                cleanup.failures += 1;
                cleanup.failures
            }
            None => ATTEMPTS,
        };
        if failures < ATTEMPTS {
            self.pause = self
                .at
                .checked_add(BETWEEN * 2_i32.saturating_pow(failures))
                .ok();
            if let Some(cleanup) = &mut self.cleanup {
                // What is in its way is seen by looking.
                cleanup.asks = true;
            }
        } else {
            let remedy = "Remove what is named above, then try again; nothing is forgotten until it is gone.";
            let mut trouble = self.not_deleted(remedy);
            match &mut self.cleanup {
                Some(cleanup) => cleanup.given_up = Some(trouble.clone()),
                None => trouble.retry = Some("delete the stack again".to_owned()),
            }
            self.trouble = Some(trouble);
        }
    }

    /// What others have put into the network of a stack that could not be deleted will not go by itself, and is not touched.
    pub(super) fn see_what_obstructs(&mut self, foreign: &[String]) {
        let obstructed = !foreign.is_empty() && self.ledger.plan().next().is_some();
        let remedy = "Others have put something into its network, which is named above: once that is gone, clean up again.";
        let trouble = self.not_deleted(remedy);
        if let Some(cleanup) = &mut self.cleanup {
            cleanup.obstructed = !foreign.is_empty();
        }
        if let Some(cleanup) = &mut self.cleanup
            && obstructed
            && cleanup.failures > 0
            && cleanup.given_up.is_none()
        {
            cleanup.given_up = Some(trouble.clone());
            self.trouble = Some(trouble);
        }
    }

    fn not_deleted(&self, remedy: &str) -> Trouble {
        let cause = self.stack.as_ref().and_then(|stack| stack.cause.clone());
        Trouble {
            what: "the stack could not be deleted".to_owned(),
            why: cause.unwrap_or_else(|| "no event says why".to_owned()),
            remedy: remedy.to_owned(),
            retry: None,
        }
    }

    /// Says what is being done.
    pub(super) fn say(&mut self, doing: &str) {
        let since = match &self.phase {
            Phase::CleaningUp { since, .. } => *since,
            _ => self.at,
        };
        self.phase = Phase::CleaningUp {
            doing: doing.to_owned(),
            since,
            share: (self.cleanup.as_ref()).and_then(|cleanup| cleanup.sweep.share(self.at)),
        };
    }
}
