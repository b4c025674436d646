//! Taking everything down, and proving it: delete every stack of the ledger and of the tag, then ask every resource type
//! until two passes in a row are empty.

use super::build::Task;
use super::effect::Effect;
use super::event::{Failure, FailureClass, Inventory};
use super::ledger::Life;
use super::view::{Listing, Phase, Receipt, ReceiptRow, TerminalState, Trouble};
use super::{ATTEMPTS, Engine};
use jiff::SignedDuration;

/// Passes that must be empty in a row: the backup job, or a service that is slow to tell, may add one after the first.
const EMPTY_PASSES: u32 = 2;
/// How often a listing that could not be had, or that still shows something, is asked for again before that is the answer.
const PATIENCE: u32 = 10;
/// Between two passes that were not both empty.
pub(super) const BETWEEN: SignedDuration = SignedDuration::from_millis(500);

/// A cleanup under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Cleanup {
    /// Passes in all, and empty ones in a row.
    passes: u32,
    empty: u32,
    /// What the first pass found, by kind: so many have been deleted at the end.
    found: Vec<(String, usize)>,
    /// Failed deletions.
    failures: u32,
    /// Nothing more is tried: one last pass says what is left.
    given_up: bool,
    /// An account answered that is not the lab's.
    stranger: Option<String>,
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
    fn give_up(&mut self, failure: &Failure) {
        self.failed(failure, "");
        if let Some(trouble) = &mut self.trouble
            && trouble.retry.take().is_some()
            && let Some(cleanup) = &mut self.cleanup
        {
            cleanup.given_up = true;
        }
    }

    /// Starts whatever the cleanup needs next.
    pub(super) fn pursue_cleanup(&mut self, effects: &mut Vec<Effect>) {
        if self.busy.with(Task::Listing)
            || self.busy.with(Task::Creating)
            || self.busy.with(Task::Deleting)
        {
            return;
        }
        let Some(cleanup) = &self.cleanup else { return };
        if cleanup.passes == 0 {
            self.close_terminals(effects);
            self.ask_everything(effects);
            return;
        }
        let next = self
            .ledger
            .plan()
            .next()
            .filter(|_| !cleanup.given_up)
            .cloned();
        match next {
            Some(entry) => match (entry.id, entry.life) {
                (Some(id), Life::There) => {
                    self.say("deleting the stack");
                    self.busy.begin(Task::Deleting);
                    effects.push(Effect::DeleteStack { stack: id });
                }
                // Its deletion was accepted in an earlier session, or nobody knows whether it was ever made: look.
                (id, _) if !self.busy.with(Task::Watching) => {
                    self.busy.begin(Task::Watching);
                    effects.push(Effect::WatchStack {
                        stack: id.unwrap_or(entry.name),
                    });
                }
                _ => {}
            },
            None => self.ask_everything(effects),
        }
    }

    fn ask_everything(&mut self, effects: &mut Vec<Effect>) {
        self.busy.begin(Task::Listing);
        effects.push(Effect::TakeInventory(self.ledger.known().clone()));
    }

    fn close_terminals(&mut self, effects: &mut Vec<Effect>) {
        effects.push(Effect::CloseTerminals);
        for state in self.terminals.values_mut() {
            *state = TerminalState::Closed;
        }
    }

    pub(super) fn deletion_requested(&mut self, stack: &str, outcome: Result<(), Failure>) {
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
            Err(failure) if failure.class == FailureClass::NotFound => self.ledger.gone(stack),
            Err(failure) if self.cleanup.is_some() => self.give_up(&failure),
            Err(failure) => self.failed(&failure, "delete the stack again"),
        }
    }

    /// The stack cannot be looked at, and not for a passing reason.
    pub(super) fn look_failed(&mut self, failure: &Failure) {
        if matches!(self.phase, Phase::CleaningUp { .. }) {
            self.give_up(failure);
        } else {
            self.failed(failure, "look at the stack again");
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
            if let Some(stack) = &mut self.stack {
                stack.try_again();
            }
        } else {
            let cause = self.stack.as_ref().and_then(|stack| stack.cause.clone());
            self.trouble = Some(Trouble {
                what: "the stack could not be deleted".to_owned(),
                why: cause.unwrap_or_else(|| "no event says why".to_owned()),
                remedy: "Remove what is named above, then try again; nothing is forgotten until it is gone.".to_owned(),
                retry: match &mut self.cleanup {
                    Some(cleanup) => {
                        cleanup.given_up = true;
                        None
                    }
                    None => Some("delete the stack again".to_owned()),
                },
            });
        }
    }

    pub(super) fn inventory_taken(&mut self, inventory: Inventory, effects: &mut Vec<Effect>) {
        self.busy.end(Task::Listing);
        self.step.new_evidence();
        for id in &inventory.stacks {
            self.found(id, effects);
        }
        let Some(mut cleanup) = self.cleanup.take() else {
            return;
        };
        cleanup.passes += 1;
        for row in &inventory.rows {
            if let Listing::Left(ids) = &row.answer {
                match cleanup.found.iter_mut().find(|(kind, _)| *kind == row.kind) {
                    Some((_, count)) => *count = (*count).max(ids.len()),
                    None => cleanup.found.push((row.kind.clone(), ids.len())),
                }
            }
        }
        if let (Some(account), Some(ground)) = (&inventory.account, self.known_account()) {
            cleanup.stranger = (*account != ground).then(|| account.clone());
        }
        let empty = inventory
            .rows
            .iter()
            .all(|row| row.answer == Listing::Empty)
            && inventory.account.is_some();
        cleanup.empty = if empty && cleanup.stranger.is_none() {
            cleanup.empty + 1
        } else {
            0
        };
        let stacks_remain = self.ledger.plan().next().is_some();
        let proved = cleanup.empty >= EMPTY_PASSES;
        let in_vain = cleanup.passes >= PATIENCE && cleanup.empty == 0;
        let over = cleanup.given_up || !stacks_remain && (proved || in_vain);
        if over || cleanup.stranger.is_some() {
            let receipt = self.receipt_of(&cleanup, inventory);
            effects.push(Effect::SaveReceipt(receipt.clone()));
            self.receipt = Some(receipt.clone());
            self.phase = Phase::CleanedUp(receipt);
            self.count_money();
            self.save(effects);
        } else if !stacks_remain && cleanup.empty == 0 {
            self.say("asking again");
            self.pause = self.at.checked_add(BETWEEN).ok();
        } else if !stacks_remain {
            self.say("asking a second time");
        }
        self.cleanup = Some(cleanup);
    }

    fn receipt_of(&self, cleanup: &Cleanup, inventory: Inventory) -> Receipt {
        let deleted = |kind: &str, answer: &Listing| {
            let before = cleanup
                .found
                .iter()
                .find(|(found, _)| found == kind)
                .map_or(0, |(_, count)| *count);
            match answer {
                Listing::Empty => before,
                Listing::Left(ids) => before.saturating_sub(ids.len()),
                Listing::CouldNotTell(_) => 0,
            }
        };
        let unknown = match (&cleanup.stranger, &inventory.account) {
            (Some(account), _) => Some(format!(
                "account {account} answered, which is not the lab's"
            )),
            (None, None) => Some("the account did not say who it is".to_owned()),
            _ => self
                .ledger
                .current()
                .map(|entry| format!("{} was not seen to go", entry.name)),
        };
        let rows = inventory
            .rows
            .into_iter()
            .map(|row| {
                let answer = match &unknown {
                    Some(why) if row.answer == Listing::Empty => Listing::CouldNotTell(why.clone()),
                    _ => row.answer,
                };
                ReceiptRow {
                    deleted: deleted(&row.kind, &answer),
                    kind: row.kind,
                    asked: row.asked,
                    answer,
                }
            })
            .collect();
        Receipt {
            account: self
                .known_account()
                .or(inventory.account)
                .unwrap_or_else(|| "unknown".to_owned()),
            regions: vec![inventory.region],
            rows,
            passes: cleanup.passes,
            asked: self.at,
            cost: self.spent_so_far(),
        }
    }

    /// The account the lab is in, as the first answer said.
    fn known_account(&self) -> Option<String> {
        self.ledger.known().account.clone()
    }

    /// Says what is being done.
    fn say(&mut self, doing: &str) {
        let since = match &self.phase {
            Phase::CleaningUp { since, .. } => *since,
            _ => self.at,
        };
        self.phase = Phase::CleaningUp {
            doing: doing.to_owned(),
            since,
        };
    }
}
