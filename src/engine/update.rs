//! Bringing the standing stack to a later stage: a change set that is shown first, then its execution. What would replace
//! a machine or the filesystem is refused.

use super::Engine;
use super::build::{self, Task};
use super::effect::{Effect, NewStage};
use super::event::{Change, ChangeSet, Failure, FailureClass};
use super::view::{ProposalView, ProposedRow, Trouble};
use crate::template::{self, Stage};

/// An update of the stack, from its proposal on.
#[derive(Debug, Clone)]
pub(super) struct Update {
    pub(super) stage: Stage,
    pub(super) proposed: ChangeSet,
    /// Its execution was accepted.
    pub(super) accepted: bool,
}

impl Update {
    /// How many resources it does this to.
    pub(super) fn count(&self, action: &str) -> usize {
        let changes = self.proposed.changes.iter();
        changes.filter(|change| change.action == action).count()
    }
}

/// Resources that must stay what they are: they hold what the learner has made.
const PRECIOUS: [&str; 2] = ["AWS::EC2::Instance", "AWS::EFS::FileSystem"];

impl Engine {
    /// How far the complete stack stands; `None` while it does not.
    pub(super) fn standing(&self) -> Option<Stage> {
        let stack = self.stack.as_ref().filter(|stack| stack.is_standing())?;
        Some(Stage::of_outputs(stack.outputs.keys().map(String::as_str)))
    }

    /// Whether the stack is complete and stands at least there.
    pub(super) fn stands_at(&self, stage: Stage) -> bool {
        self.standing().is_some_and(|standing| standing >= stage)
    }

    /// Whether an update was accepted that is not seen to have begun.
    pub(super) fn is_about_to_update(&self) -> bool {
        let accepted = self.update.as_ref().filter(|update| update.accepted);
        accepted.is_some_and(|update| !self.stands_at(update.stage))
    }

    /// The change set that leads to this stage, while it waits to be carried out.
    pub(super) fn proposal(&self, stage: Stage) -> Option<&ChangeSet> {
        let open = self.update.as_ref().filter(|update| !update.accepted);
        open.filter(|update| update.stage == stage)
            .map(|update| &update.proposed)
    }

    /// Brings the standing stack on, if that is wanted: `carried_out` is the stage that is to stand, `shown` the one whose
    /// change set is to be looked at first.
    pub(super) fn pursue_update(
        &mut self,
        carried_out: Option<Stage>,
        shown: Option<Stage>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(stage) = carried_out.max(shown) else {
            return;
        };
        let id = self.ledger.current().and_then(|entry| entry.id.clone());
        let (Some(standing), Some(stack)) = (self.standing(), id) else {
            return;
        };
        let tasks = [
            Task::Proposing,
            Task::Updating,
            Task::Watching,
            Task::Deleting,
        ];
        if standing >= stage || tasks.iter().any(|task| self.busy.with(*task)) {
            return;
        }
        match &self.update {
            Some(update) if update.accepted => {
                // Accepted but not seen yet: look again, not at once.
                self.pause = self.at.checked_add(super::cleanup::BETWEEN).ok();
                self.busy.begin(Task::Watching);
                effects.push(Effect::WatchStack { stack });
            }
            Some(update) if update.stage == stage => {
                if carried_out.is_some_and(|wanted| wanted >= stage) {
                    self.busy.begin(Task::Updating);
                    effects.push(Effect::CarryOut {
                        stack,
                        change_set: update.proposed.id.clone(),
                    });
                }
            }
            _ => {
                self.update = None;
                self.busy.begin(Task::Proposing);
                effects.push(Effect::ProposeUpdate(NewStage {
                    stack,
                    stage,
                    alarm_email: self.alarm_email().map(str::to_owned),
                }));
            }
        }
    }

    pub(super) fn update_proposed(&mut self, stage: Stage, outcome: Result<ChangeSet, Failure>) {
        self.busy.end(Task::Proposing);
        self.step.new_evidence();
        let proposed = match outcome {
            Ok(proposed) => proposed,
            Err(failure) => {
                self.in_the_way(&failure, "ask for the change set again");
                return;
            }
        };
        self.worked();
        let lost = proposed.changes.iter().find(|change| {
            PRECIOUS.contains(&change.kind.as_str())
                && (change.replaces || change.action == "Remove")
        });
        if let Some(lost) = lost {
            self.trouble = Some(Trouble {
                what: format!("the update would replace {}", lost.logical_id),
                why: "what is on it would be lost".to_owned(),
                remedy: "Nothing was changed. Clean up and begin a new lab if you need this stage."
                    .to_owned(),
                retry: Some("ask for the change set again".to_owned()),
            });
            return;
        }
        self.update = Some(Update {
            stage,
            proposed,
            accepted: false,
        });
    }

    pub(super) fn update_accepted(
        &mut self,
        stack: &str,
        outcome: Result<(), Failure>,
        effects: &mut Vec<Effect>,
    ) {
        self.busy.end(Task::Updating);
        self.step.new_evidence();
        // It may have been accepted before, and the answer lost: then it is looked at.
        let accepted = match &outcome {
            Ok(()) => true,
            Err(failure) => failure.class == FailureClass::Exists,
        };
        match outcome {
            Err(failure) if !accepted => {
                // Another one is proposed in its place.
                self.update = None;
                self.in_the_way(&failure, "ask for the change set again");
            }
            _ => {
                self.worked();
                let Some(update) = &mut self.update else {
                    return;
                };
                update.accepted = true;
                let plan = build::plan(&self.setup, update.stage);
                let at = self.at;
                if let Some(stack) = &mut self.stack {
                    stack.goes_on(plan, at);
                }
                self.busy.begin(Task::Watching);
                effects.push(Effect::WatchStack {
                    stack: stack.to_owned(),
                });
            }
        }
    }

    /// The stack has come to rest: what that says of the update.
    pub(super) fn update_settled(&mut self, status: &str) {
        let Some(update) = &self.update else { return };
        if !update.accepted {
            return;
        }
        if status.starts_with("UPDATE_ROLLBACK") {
            let cause = self.stack.as_ref().and_then(|stack| stack.cause.clone());
            self.update = None;
            self.trouble = Some(Trouble {
                what: format!("the update ended in {status}"),
                why: cause.unwrap_or_else(|| "no event says why".to_owned()),
                remedy: "The stack is as it was before, and so is /home.".to_owned(),
                retry: Some("ask for the change set again".to_owned()),
            });
        } else if self.stands_at(update.stage) {
            self.update = None;
        }
    }

    /// The change set as a front end shows it, while nothing has been carried out.
    pub(super) fn proposal_view(&self) -> Option<ProposalView> {
        let update = self.update.as_ref().filter(|update| !update.accepted)?;
        let row = |change: &Change| ProposedRow {
            action: change.action.clone(),
            logical_id: change.logical_id.clone(),
            kind: change.kind.clone(),
            purpose: template::purpose(&change.logical_id)
                .unwrap_or_default()
                .to_owned(),
            replaces: change.replaces,
        };
        Some(ProposalView {
            stage: update.stage.to_string(),
            rows: update.proposed.changes.iter().map(row).collect(),
        })
    }
}
