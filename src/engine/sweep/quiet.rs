//! Before a stack is deleted: no update is under way, and nothing writes any more.

use super::super::build::Task;
use super::super::cleanup::BETWEEN;
use super::super::effect::Effect;
use super::super::event::{Failure, FailureClass, Instance};
use super::super::view::Trouble;
use super::super::{ATTEMPTS, Engine};
use super::{LOOK, SHORTEST_LOOK, count, obstacle};

impl Engine {
    /// Stacks with an update under way.
    pub(in crate::engine) fn take_in_updates(&mut self, updating: Vec<(String, String)>) {
        if let Some(cleanup) = &mut self.cleanup {
            cleanup.sweep.updating = updating.into_iter().collect();
        }
    }

    /// Sees to it that no stack is being updated. `true`: that is not done yet.
    pub(in crate::engine) fn end_updates(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(cleanup) = &mut self.cleanup else {
            return false;
        };
        let sweep = &mut cleanup.sweep;
        let Some((stack, status)) = sweep.updating.first_key_value() else {
            return false;
        };
        let stack = stack.clone();
        // The only status in which an update can be cancelled (API reference, CancelUpdateStack).
        if status == "UPDATE_IN_PROGRESS" && sweep.cancelled.insert(stack.clone()) {
            self.say("cancelling the update of the stack, which cannot be deleted before");
            self.busy.begin(Task::Cancelling);
            effects.push(Effect::CancelUpdate { stack });
        } else {
            self.say("waiting for the update of the stack to end, which cannot be deleted before");
            if !self.busy.with(Task::Watching) {
                self.busy.begin(Task::Watching);
                effects.push(Effect::WatchStack { stack });
            }
        }
        true
    }

    /// No update is under way there any more.
    pub(in crate::engine) fn update_ended(&mut self, stack: &str) {
        if let Some(cleanup) = &mut self.cleanup {
            cleanup.sweep.updating.remove(stack);
        }
    }

    pub(in crate::engine) fn update_cancelled(
        &mut self,
        stack: &str,
        outcome: Result<(), Failure>,
    ) {
        self.busy.end(Task::Cancelling);
        let Err(failure) = outcome else {
            self.worked();
            return;
        };
        match failure.class {
            FailureClass::Credentials => self.give_up(&failure),
            FailureClass::NotFound => self.update_ended(stack),
            FailureClass::Transient if self.may_try_again(stack, &failure) => {
                if let Some(cleanup) = &mut self.cleanup {
                    cleanup.sweep.cancelled.remove(stack);
                }
            }
            // It is too late to cancel it, or not allowed: it ends by itself.
            _ => {}
        }
    }

    /// Sees to it that nothing writes any more: a volume that is mounted keeps its stack from being deleted, and a backup
    /// job goes on making snapshots. `true`: that is not done yet.
    pub(in crate::engine) fn end_instances(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(sweep) = self.cleanup.as_mut().map(|cleanup| &mut cleanup.sweep) else {
            return false;
        };
        if sweep.leave_instances {
            return false;
        }
        let Some(instances) = &sweep.remains.instances else {
            return self.looks_for_instances();
        };
        if instances.is_empty() {
            return false;
        }
        let runs = |one: &&Instance| !one.ends && !sweep.terminated.contains(&one.id);
        let running: Vec<String> = instances
            .iter()
            .filter(runs)
            .map(|one| one.id.clone())
            .collect();
        let all = instances.iter().map(|one| one.id.clone()).collect();
        if running.is_empty() {
            self.await_instances(all, effects)
        } else {
            let said = count(running.len(), "instance");
            self.say(&format!(
                "terminating {said}: what still writes holds its disk and makes snapshots"
            ));
            self.busy.begin(Task::Terminating);
            effects.push(Effect::Terminate { instances: running });
            true
        }
    }

    /// Nobody could tell which instances there are: whether that is asked once more.
    fn looks_for_instances(&mut self) -> bool {
        let Some(cleanup) = &mut self.cleanup else {
            return false;
        };
        let attempts = cleanup
            .sweep
            .attempts
            .entry("listing".to_owned())
            .or_default();
        *attempts += 1;
        let again = *attempts < ATTEMPTS;
        cleanup.sweep.leave_instances = !again;
        cleanup.asks = again;
        if again {
            self.say("looking for instances that still write");
            self.pause_for(BETWEEN);
        }
        again
    }

    fn await_instances(&mut self, instances: Vec<String>, effects: &mut Vec<Effect>) -> bool {
        if self.is_stuck() {
            let stuck = obstacle(
                "could not terminate every instance",
                "it was asked for and does not happen".to_owned(),
                "Look at them in the EC2 console, then clean up again.",
            );
            self.leave_instances(instances, stuck);
            return false;
        }
        let verb = if instances.len() == 1 { "is" } else { "are" };
        self.say(&format!(
            "waiting until {} {verb} terminated: a disk in use cannot be detached",
            count(instances.len(), "instance")
        ));
        self.look_at_remains(effects);
        true
    }

    /// Their termination is hopeless; the deletion of the stack is tried all the same.
    fn leave_instances(&mut self, instances: Vec<String>, why: Trouble) {
        if let Some(cleanup) = &mut self.cleanup {
            let sweep = &mut cleanup.sweep;
            sweep.leave_instances = true;
            sweep.waiting = None;
            let each = instances.into_iter().map(|id| (id, why.clone()));
            sweep.hopeless.extend(each);
        }
        self.trouble = Some(why);
    }

    pub(in crate::engine) fn terminated(
        &mut self,
        instances: Vec<String>,
        outcome: Result<(), Failure>,
    ) {
        self.busy.end(Task::Terminating);
        let Some(sweep) = self.cleanup.as_mut().map(|cleanup| &mut cleanup.sweep) else {
            return;
        };
        let Err(failure) = outcome else {
            sweep.terminated.extend(instances);
            sweep.waiting = None;
            sweep.progress = true;
            self.worked();
            self.pause_for(self.paced(LOOK, SHORTEST_LOOK));
            return;
        };
        match failure.class {
            FailureClass::Credentials => self.give_up(&failure),
            FailureClass::Transient if self.may_try_again("instances", &failure) => {}
            // One of them is gone already: which, is seen by looking.
            FailureClass::NotFound if self.may_try_again("instances", &failure) => {
                if let Some(cleanup) = &mut self.cleanup {
                    cleanup.sweep.remains.instances = None;
                }
            }
            _ => self.leave_instances(instances, Trouble::from(&failure)),
        }
    }
}
