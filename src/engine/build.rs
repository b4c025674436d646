//! From what is wanted to what must be done next: prepare, create, follow, find the machines, open the terminals.
//!
//! `pursue` runs after every event and starts whatever is missing and not under way; so a failure, a restart or a
//! change of mind needs no path of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::effect::{Effect, NewStack};
use super::event::{Failure, FailureClass, Ground, Machine, StackSeen};
use super::ledger::Life;
use super::stack::Stack;
use super::view::{Phase, Target, TerminalState, Trouble};
use super::{Engine, Setup, Side};
use crate::template::{self, ResourceInfo, Stage};

/// Something that is asked for at most once at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    Preparing,
    Creating,
    Deleting,
    Terminating,
    Cancelling,
    Proposing,
    Updating,
    Watching,
    Finding,
    Listing,
    /// The guard is being made, its lease moved, or it is taken away.
    Guarding,
    /// A wake-up has been asked for.
    Waking,
}

/// What is under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Busy(BTreeSet<Task>);

impl Busy {
    pub(super) fn begin(&mut self, task: Task) {
        self.0.insert(task);
    }

    pub(super) fn end(&mut self, task: Task) {
        self.0.remove(&task);
    }

    pub(super) fn with(&self, task: Task) -> bool {
        self.0.contains(&task)
    }
}

/// The resources that a stack of this lab has at a stage.
pub(super) fn plan(setup: &Setup, stage: Stage) -> Vec<ResourceInfo> {
    let email = setup.progress.alarm_email.as_deref().unwrap_or_default();
    template::resources(stage, &[("AlarmEmail", email)]).unwrap_or_default()
}

impl Engine {
    /// Who is mailed when an alarm goes off.
    pub(super) fn alarm_email(&self) -> Option<&str> {
        self.setup.progress.alarm_email.as_deref()
    }

    /// Starts whatever is missing.
    pub(super) fn pursue(&mut self, effects: &mut Vec<Effect>) {
        if !self.held_up() {
            self.pursue_phase(effects);
        }
        // Last, because it may have begun to wait just now, with nothing under way that would wake it.
        self.set_alarm(effects);
    }

    fn pursue_phase(&mut self, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::Learning => {
                if let (None, Some(entry)) = (&self.stack, self.ledger.current()) {
                    // Something is there that nobody follows: another stack beside it would be one too many.
                    let name = entry.name.clone();
                    self.follow(&name, Stage::Share);
                }
                self.pursue_lease(effects);
                if self.stack.is_some() {
                    self.pursue_standing(effects);
                    let shown = self.doing.as_ref().and_then(super::doing::Doing::proposes);
                    self.pursue_update(self.wanted(), shown, effects);
                } else if let Some(stage) = self.wanted() {
                    self.pursue_missing(stage, effects);
                }
                if self.wanted().is_some()
                    && self.pursue_machines(effects)
                    && self.wants_terminals()
                {
                    self.open_terminals(effects);
                }
                self.pursue_looks(effects);
                self.bring_files(effects);
            }
            Phase::CleaningUp { .. } => self.pursue_cleanup(effects),
            Phase::CleanedUp(_) | Phase::Over => {}
        }
    }

    /// Asks to be woken when the pause is over.
    fn set_alarm(&mut self, effects: &mut Vec<Effect>) {
        match self.pause {
            Some(until) if !self.busy.with(Task::Waking) => {
                self.busy.begin(Task::Waking);
                effects.push(Effect::WakeAt(until));
            }
            Some(_) => {}
            None => self.busy.end(Task::Waking),
        }
    }

    /// The stage that must stand for what the learner does now.
    fn wanted(&self) -> Option<Stage> {
        let doing = self.doing.as_ref().and_then(super::doing::Doing::stage);
        let lesson = self
            .lesson_now()
            .stage
            .filter(|_| self.ledger.current().is_some() || !self.costs());
        lesson.max(doing)
    }

    /// Whether what is built is billed.
    fn costs(&self) -> bool {
        matches!(self.setup.target, Target::Aws { .. })
    }

    /// Whether the lesson needs a stack that would be billed and that the learner has not asked for: walking through the
    /// lessons starts no meter.
    pub(super) fn awaits_consent(&self) -> bool {
        self.lesson_now().stage.is_some()
            && self.wanted().is_none()
            && self.phase == Phase::Learning
    }

    fn wants_terminals(&self) -> bool {
        self.step.needs_machines() || self.doing.as_ref().is_some_and(super::doing::Doing::types)
    }

    /// There is a stack, or should be: follow it until it settles; one that failed goes, so that it can be built again.
    fn pursue_standing(&mut self, effects: &mut Vec<Effect>) {
        let (Some(stack), Some(entry)) = (&self.stack, self.ledger.current()) else {
            self.stack = None;
            return;
        };
        if [Task::Creating, Task::Watching, Task::Deleting]
            .iter()
            .any(|task| self.busy.with(*task))
        {
            return;
        }
        let failed = stack.has_failed();
        match &entry.id {
            Some(id) if failed && entry.life == Life::There => {
                effects.push(Effect::DeleteStack { stack: id.clone() });
                self.busy.begin(Task::Deleting);
            }
            _ if stack.is_settled() && !failed => {}
            id => {
                let stack = id.clone().unwrap_or_else(|| entry.name.clone());
                effects.push(Effect::WatchStack { stack });
                self.busy.begin(Task::Watching);
            }
        }
    }

    /// There is none and one is wanted.
    fn pursue_missing(&mut self, stage: Stage, effects: &mut Vec<Effect>) {
        if self.busy.with(Task::Creating) {
            return;
        }
        let Some(ground) = self.ground.clone() else {
            if !self.busy.with(Task::Preparing) {
                self.busy.begin(Task::Preparing);
                effects.push(Effect::Prepare);
            }
            return;
        };
        if !self.is_guarded(effects) {
            return;
        }
        let name = self.stack_name();
        self.ledger.asked(&name);
        self.follow(&name, stage);
        self.busy.begin(Task::Creating);
        effects.push(Effect::CreateStack(NewStack {
            name,
            stage,
            ground,
            alarm_email: self.alarm_email().map(str::to_owned),
        }));
    }

    /// Finds the machines of a complete stack; `true` once both are known.
    fn pursue_machines(&mut self, effects: &mut Vec<Effect>) -> bool {
        if self.machines.len() == 2 {
            return true;
        }
        let id = self.ledger.current().and_then(|entry| entry.id.clone());
        if let (Some(stack), Some(id)) = (&self.stack, id)
            && stack.is_standing()
            && !self.busy.with(Task::Finding)
        {
            let host_keys = stack.outputs.get("HostKeys").cloned().unwrap_or_default();
            effects.push(Effect::FindMachines {
                stack: id,
                host_keys,
            });
            self.busy.begin(Task::Finding);
        }
        false
    }

    fn open_terminals(&mut self, effects: &mut Vec<Effect>) {
        for side in [Side::A, Side::B] {
            let stopped = self.machines.get(&side).filter(|machine| {
                machine.address.is_none()
                    && matches!(machine.state.as_str(), "stopped" | "stopping")
            });
            if let Some(machine) = stopped {
                let why = format!("the instance is {}", machine.state);
                self.terminals.insert(side, TerminalState::Ended(why));
            } else if self.terminals.get(&side) == Some(&TerminalState::Closed) {
                self.terminals.insert(side, TerminalState::Connecting);
                effects.push(Effect::OpenTerminal(side));
            }
        }
    }

    pub(super) fn prepared(&mut self, outcome: Result<Ground, Failure>, effects: &mut Vec<Effect>) {
        self.busy.end(Task::Preparing);
        match outcome {
            Ok(ground) => {
                self.worked();
                if self.ledger.saw_account(&ground.account) {
                    effects.push(Effect::SaveKnown(self.ledger.known().clone()));
                }
                self.ground = Some(ground);
            }
            Err(failure) => self.in_the_way(&failure, "look around in the account again"),
        }
    }

    pub(super) fn stack_requested(&mut self, outcome: Result<String, Failure>) {
        self.busy.end(Task::Creating);
        let name = self.stack_name();
        match outcome {
            Ok(id) => {
                self.worked();
                self.ledger.there(&name, &id);
            }
            Err(failure) => {
                // Only a clear refusal says that nothing was made; anything else leaves it open, and AWS is asked.
                if failure.class == FailureClass::Exists {
                    return;
                }
                if matches!(
                    failure.class,
                    FailureClass::Refused
                        | FailureClass::Denied
                        | FailureClass::Role
                        | FailureClass::Local
                ) {
                    self.ledger.refused(&name);
                    self.stack = None;
                }
                self.in_the_way(&failure, "ask for the stack again");
            }
        }
    }

    /// A failure that keeps the lab from being built; whoever takes it down need not mind.
    pub(super) fn in_the_way(&mut self, failure: &Failure, again: &str) {
        if self.phase == Phase::Learning {
            self.failed(failure, again);
        }
    }

    pub(super) fn stack_seen(
        &mut self,
        stack: &str,
        outcome: Result<Option<StackSeen>, Failure>,
        effects: &mut Vec<Effect>,
    ) {
        self.step.new_evidence();
        match outcome {
            Ok(Some(seen)) => {
                self.worked();
                self.found(&seen.id, effects);
                let mut learned = false;
                for event in &seen.news {
                    if let Some(id) = &event.physical_id {
                        learned |= self.ledger.saw_resource(&event.kind, id);
                    }
                }
                let ended = !seen.status.ends_with("_IN_PROGRESS");
                let (id, status) = (seen.id.clone(), seen.status.clone());
                let at = self.at;
                if let Some(stack) = &mut self.stack {
                    stack.saw(seen, at);
                    let stage = Stage::of_outputs(stack.outputs.keys().map(String::as_str));
                    let plan = plan(&self.setup, stage);
                    if stack.is_settled() && stack.planned() < plan.len() {
                        // Another session brought it there.
                        stack.consists_of(plan);
                    }
                }
                if learned {
                    effects.push(Effect::SaveKnown(self.ledger.known().clone()));
                }
                if ended {
                    self.busy.end(Task::Watching);
                    self.update_ended(&id);
                    self.stack_settled(&id, &status, effects);
                }
            }
            Ok(None) => {
                self.busy.end(Task::Watching);
                self.stack_gone(stack, effects);
            }
            Err(failure) => {
                // The watch itself goes on; only the learner must know why nothing moves.
                if failure.class == FailureClass::Transient {
                    self.trouble = Some(Trouble {
                        what: format!("could not {}", failure.tried),
                        why: failure.why.clone(),
                        remedy: failure.class.remedy().to_owned(),
                        retry: None,
                    });
                    return;
                }
                self.busy.end(Task::Watching);
                self.look_failed(&failure);
            }
        }
    }

    fn stack_settled(&mut self, id: &str, status: &str, effects: &mut Vec<Effect>) {
        match status {
            "DELETE_COMPLETE" => self.stack_gone(id, effects),
            "DELETE_FAILED" => self.deletion_failed(id),
            _ if self.ledger.is_deleting(id) => self.deletion_unseen(id),
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE" => {
                self.update_settled(status);
            }
            _ if matches!(self.phase, Phase::CleaningUp { .. }) => {}
            _ => {
                let cause = self.stack.as_ref().and_then(|stack| stack.cause.clone());
                self.trouble = Some(Trouble {
                    what: format!("the stack ended in {status}"),
                    why: cause.unwrap_or_else(|| "no event says why".to_owned()),
                    remedy: "Nothing of it can be used: it is deleted, then built again."
                        .to_owned(),
                    retry: Some("delete it and build it again".to_owned()),
                });
            }
        }
    }

    /// A stack of the lab is there; its id is written down if no answer has told it.
    pub(super) fn found(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let name = self.stack_name();
        if self.ledger.there(&name, id) {
            effects.push(Effect::SaveFound {
                name,
                id: id.to_owned(),
            });
        }
    }

    pub(super) fn stack_gone(&mut self, name_or_id: &str, effects: &mut Vec<Effect>) {
        self.ledger.gone(name_or_id);
        self.update_ended(name_or_id);
        effects.push(Effect::SaveGone {
            stack: name_or_id.to_owned(),
        });
        if self.ledger.current().is_some() {
            // Another one stands: what was looked at was not the lab's present stack.
            return;
        }
        self.machines.clear();
        self.forget_lease();
        if !matches!(self.phase, Phase::CleaningUp { .. }) {
            self.stack = None;
        }
    }

    pub(super) fn machines_seen(&mut self, outcome: Result<BTreeMap<Side, Machine>, Failure>) {
        self.busy.end(Task::Finding);
        match outcome {
            Ok(machines) if machines.len() == 2 => {
                self.worked();
                self.machines = machines;
                self.step.new_evidence();
            }
            Ok(machines) => {
                let failure = Failure {
                    tried: "find both instances".to_owned(),
                    why: format!("{} of 2 are there", machines.len()),
                    class: FailureClass::NotFound,
                };
                self.in_the_way(&failure, "look for the instances again");
            }
            Err(failure) => self.in_the_way(&failure, "look for the instances again"),
        }
    }

    /// Begins to follow a stack of this name.
    pub(super) fn follow(&mut self, name: &str, stage: Stage) {
        let plan = plan(&self.setup, stage);
        self.stack = Some(Stack::new(name, plan, self.at));
    }

    pub(super) fn is_open(&self, side: Side) -> bool {
        self.terminals.get(&side) == Some(&TerminalState::Open)
    }

    /// The name of the lab's stack.
    pub(super) fn stack_name(&self) -> String {
        super::stack_name(&self.setup.lab)
    }

    pub(super) fn region(&self) -> &str {
        match &self.setup.target {
            Target::Practice { region, .. } | Target::Aws { region, .. } => region,
        }
    }
}
