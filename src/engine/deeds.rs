//! Deeds in the account that are not the stack's, the clock, and files for the machines: asked for, and what came of it.

use super::effect::{Deed, Effect};
use super::event::{Failure, Machine};
use super::{Engine, Side};
use crate::lesson::facts::fill;
use crate::lesson::schema::Action;
use crate::template;

impl Engine {
    /// What an action asks for; `None` as long as something is not known that it needs.
    pub(super) fn effect_of(&self, action: &Action) -> Option<Effect> {
        let machine = |side: Side| self.machines.get(&side);
        let instance = |machine: &Machine| machine.instance_id.clone();
        Some(Effect::Do(match action {
            Action::Forward { minutes } => return Some(Effect::Forward(*minutes)),
            Action::SetAlarm { id, state } => Deed::SetAlarm {
                name: self.stack.as_ref()?.outputs.get(id)?.clone(),
                state: state.clone(),
            },
            Action::Stop { on } => Deed::Stop {
                instance: instance(machine(*on)?),
            },
            Action::Start { on } => Deed::Start {
                instance: instance(machine(*on)?),
            },
            Action::Restore {} => Deed::Restore {
                snapshot: self.facts().snapshot?,
                zone: machine(Side::A)?.zone.clone(),
                instance: instance(machine(Side::A)?),
            },
            Action::Discard {} => Deed::Discard,
            _ => return None,
        }))
    }

    pub(super) fn deed_done(&mut self, deed: &Deed, outcome: Result<(), Failure>) {
        let again = match deed {
            Deed::SetAlarm { .. } => "set the alarm again",
            Deed::Stop { .. } => "stop the instance again",
            Deed::Start { .. } => "start the instance again",
            Deed::Restore { .. } => "make the disk again",
            Deed::Discard => "delete the disk again",
        };
        self.answered(outcome, again);
    }

    pub(super) fn forwarded(&mut self, outcome: Result<(), Failure>) {
        self.answered(outcome, "put the clock forward again");
    }

    fn answered(&mut self, outcome: Result<(), Failure>, again: &str) {
        // Whatever came of it, the account may look otherwise now.
        self.looking.again();
        self.step.new_evidence();
        if let Some(doing) = &mut self.doing {
            doing.answered(outcome.is_ok());
        }
        match outcome {
            Ok(()) => self.worked(),
            Err(failure) => self.in_the_way(&failure, again),
        }
    }

    /// Puts the step's files into the home directory, once there is a way to it.
    pub(super) fn bring_files(&mut self, effects: &mut Vec<Effect>) {
        if !self.is_open(Side::A) || self.facts().volume.is_none() {
            return;
        }
        for name in &self.step_now().brings.clone() {
            let Some(text) = template::file(&format!("scripts/{name}")) else {
                continue;
            };
            if !self.brought.contains_key(name) {
                self.brought.insert(name.clone(), false);
                effects.push(Effect::Bring {
                    on: Side::A,
                    name: name.clone(),
                    text: fill(text, &self.facts()),
                });
            }
        }
    }

    /// Whether the step's files are where they are needed.
    pub(super) fn has_brought_all(&self) -> bool {
        let files = &self.step_now().brings;
        files
            .iter()
            .all(|name| self.brought.get(name) == Some(&true))
    }

    pub(super) fn file_brought(&mut self, name: &str, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) => {
                self.brought.insert(name.to_owned(), true);
            }
            Err(failure) => self.in_the_way(&failure, &format!("bring {name} again")),
        }
    }
}
