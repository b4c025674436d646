//! From what is wanted to what must be done next: prepare, create, follow, find the machines, open the terminals.
//!
//! `pursue` runs after every event and starts whatever is missing and not under way; so a failure, a restart or a
//! change of mind needs no path of its own.

use std::collections::BTreeMap;

use super::effect::{Effect, NewStack};
use super::event::{Failure, FailureClass, Ground, Machine, StackSeen};
use super::stack::Stack;
use super::view::{Phase, Target, TerminalState, Trouble};
use super::{Engine, Side};
use crate::template::{self, Stage};

/// What is under way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Busy {
    pub(super) preparing: bool,
    pub(super) creating: bool,
    pub(super) deleting: bool,
    pub(super) watching: bool,
    pub(super) finding: bool,
    pub(super) listing: bool,
    /// When the present wake-up was asked for.
    pub(super) waking: bool,
}

impl Engine {
    /// Starts whatever is missing.
    pub(super) fn pursue(&mut self, effects: &mut Vec<Effect>) {
        self.set_alarm(effects);
        if self.held_up() {
            return;
        }
        match self.phase {
            Phase::Learning => {
                if let Some(stage) = self.wanted() {
                    self.pursue_stack(stage, effects);
                }
                if self.wants_terminals() {
                    self.pursue_terminals(effects);
                }
            }
            Phase::CleaningUp { .. } => self.pursue_cleanup(effects),
            Phase::CleanedUp(_) | Phase::Over => {}
        }
    }

    /// Asks to be woken when the pause is over.
    fn set_alarm(&mut self, effects: &mut Vec<Effect>) {
        match self.pause {
            Some(until) if !self.busy.waking => {
                self.busy.waking = true;
                effects.push(Effect::WakeAt(until));
            }
            Some(_) => {}
            None => self.busy.waking = false,
        }
    }

    /// The stage that must stand for what the learner does now.
    fn wanted(&self) -> Option<Stage> {
        let doing = self.doing.as_ref().and_then(super::doing::Doing::stage);
        self.lesson_now().stage.max(doing)
    }

    fn wants_terminals(&self) -> bool {
        self.step.needs_machines() || self.doing.as_ref().is_some_and(super::doing::Doing::types)
    }

    fn pursue_stack(&mut self, stage: Stage, effects: &mut Vec<Effect>) {
        if self.stack.is_some() || self.busy.creating {
            return;
        }
        let Some(ground) = self.ground.clone() else {
            if !self.busy.preparing {
                self.busy.preparing = true;
                effects.push(Effect::Prepare);
            }
            return;
        };
        let name = self.stack_name();
        self.ledger.asked(&name);
        self.follow(&name, stage);
        self.busy.creating = true;
        effects.push(Effect::CreateStack(NewStack { name, stage, ground }));
    }

    fn pursue_terminals(&mut self, effects: &mut Vec<Effect>) {
        let complete = self.stack.as_ref().is_some_and(|stack| stack.status == "CREATE_COMPLETE");
        let (true, Some(stack)) = (complete, self.ledger.current().and_then(|entry| entry.id.clone())) else { return };
        if self.machines.len() < 2 {
            if !self.busy.finding {
                self.busy.finding = true;
                let host_keys =
                    self.stack.as_ref().and_then(|stack| stack.outputs.get("HostKeys").cloned()).unwrap_or_default();
                effects.push(Effect::FindMachines { stack, host_keys });
            }
            return;
        }
        for side in [Side::A, Side::B] {
            if self.terminals.get(&side) == Some(&TerminalState::Closed) {
                self.terminals.insert(side, TerminalState::Connecting);
                effects.push(Effect::OpenTerminal(side));
            }
        }
    }

    pub(super) fn prepared(&mut self, outcome: Result<Ground, Failure>, effects: &mut Vec<Effect>) {
        self.busy.preparing = false;
        match outcome {
            Ok(ground) => {
                self.worked();
                if self.ledger.saw_account(&ground.account) {
                    effects.push(Effect::SaveKnown(self.ledger.known().clone()));
                }
                self.ground = Some(ground);
            }
            Err(failure) => self.failed(&failure, "look around in the account again"),
        }
    }

    pub(super) fn stack_requested(&mut self, outcome: Result<String, Failure>) {
        self.busy.creating = false;
        let name = self.stack_name();
        match outcome {
            Ok(id) => {
                self.worked();
                self.ledger.there(&name, &id);
            }
            Err(failure) => {
                // Only a clear refusal says that nothing was made; anything else leaves it open, and AWS is asked.
                if matches!(failure.class, FailureClass::Refused | FailureClass::Denied | FailureClass::Local) {
                    self.ledger.refused(&name);
                    self.stack = None;
                }
                self.failed(&failure, "ask for the stack again");
            }
        }
    }

    pub(super) fn stack_seen(&mut self, outcome: Result<Option<StackSeen>, Failure>, effects: &mut Vec<Effect>) {
        self.step.new_evidence();
        match outcome {
            Ok(Some(seen)) => {
                self.worked();
                self.ledger.there(&self.stack_name(), &seen.id);
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
                }
                if learned {
                    effects.push(Effect::SaveKnown(self.ledger.known().clone()));
                }
                if ended {
                    self.busy.watching = false;
                    self.stack_settled(&id, &status, effects);
                }
            }
            Ok(None) => {
                self.busy.watching = false;
                self.stack_absent(effects);
            }
            Err(failure) => {
                // The watch itself goes on; only the learner must know why nothing moves.
                if failure.class == FailureClass::Transient {
                    return;
                }
                self.busy.watching = false;
                self.failed(&failure, "look at the stack again");
            }
        }
    }

    fn stack_settled(&mut self, id: &str, status: &str, effects: &mut Vec<Effect>) {
        match status {
            "DELETE_COMPLETE" => self.stack_gone(id, effects),
            "DELETE_FAILED" => self.deletion_failed(id),
            // The deletion was accepted but is not seen yet: look again, not at once.
            _ if self.ledger.is_deleting(id) => self.pause = self.at.checked_add(super::cleanup::BETWEEN).ok(),
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" => {}
            _ if matches!(self.phase, Phase::CleaningUp { .. }) => {}
            _ => {
                let cause = self.stack.as_ref().and_then(|stack| stack.cause.clone());
                self.trouble = Some(Trouble {
                    what: format!("the stack ended in {status}"),
                    why: cause.unwrap_or_else(|| "no event says why".to_owned()),
                    remedy: "Nothing of it can be used: delete it, then build it again.".to_owned(),
                    retry: None,
                });
            }
        }
    }

    /// AWS says that there is no such stack.
    fn stack_absent(&mut self, effects: &mut Vec<Effect>) {
        if let Some(entry) = self.ledger.current() {
            let name_or_id = entry.id.clone().unwrap_or_else(|| entry.name.clone());
            self.stack_gone(&name_or_id, effects);
        }
    }

    pub(super) fn stack_gone(&mut self, name_or_id: &str, effects: &mut Vec<Effect>) {
        self.ledger.gone(name_or_id);
        effects.push(Effect::SaveGone { stack: name_or_id.to_owned() });
        self.machines.clear();
        if !matches!(self.phase, Phase::CleaningUp { .. }) {
            self.stack = None;
        }
    }

    pub(super) fn machines_seen(&mut self, outcome: Result<BTreeMap<Side, Machine>, Failure>) {
        self.busy.finding = false;
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
                self.failed(&failure, "look for the instances again");
            }
            Err(failure) => self.failed(&failure, "look for the instances again"),
        }
    }

    /// Begins to follow a stack of this name.
    pub(super) fn follow(&mut self, name: &str, stage: Stage) {
        let plan = template::resources(stage).unwrap_or_default();
        self.stack = Some(Stack::new(name, plan, self.at));
    }

    pub(super) fn is_open(&self, side: Side) -> bool {
        self.terminals.get(&side) == Some(&TerminalState::Open)
    }

    /// The stack's name derives from the lab's id, so that it is found even when the journal is lost.
    pub(super) fn stack_name(&self) -> String {
        let short = self.setup.lab.strip_prefix("lab-").unwrap_or(&self.setup.lab);
        format!("efslab-{short}-lab")
    }

    pub(super) fn region(&self) -> &str {
        match &self.setup.target {
            Target::Practice { region, .. } | Target::Aws { region, .. } => region,
        }
    }
}
