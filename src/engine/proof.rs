//! What listings prove: passes over everything that could be left, and the receipt they end in.

use std::collections::BTreeSet;

use super::Engine;
use super::cleanup::{BETWEEN, Cleanup};
use super::effect::Effect;
use super::event::Inventory;
use super::view::{Listing, Phase, Receipt, ReceiptRow, Trouble};

/// Passes that must be empty in a row: the backup job, or a service that is slow to tell, may add one after the first.
const EMPTY_PASSES: u32 = 2;
/// How often in a row a listing that could not be had, or that still shows something of which nobody knows why, is asked
/// for again before that is the answer.
const PATIENCE: u32 = 10;

/// What is said of snapshots that are of the lab's volumes but do not carry its tag.
const KEPT: &str = "taken of a volume of this lab, but without its tag, so that somebody else may want them: they are left. \
    Look at them with `aws ec2 describe-snapshots`, and delete those that nobody needs with `aws ec2 delete-snapshot`.";
/// What is said of what is in the lab's network without being of the lab.
const FOREIGN: &str = "in the network of this lab, but without its tag, so that somebody else may need them: they are left, and \
    the network cannot be deleted before they are gone.";

/// What is said of a schedule where the guard's stack, with which it goes, is gone.
const LOOSE: &str = "named as the guard of this lab, whose stack is gone, so that nothing says for certain whose it is: it is \
    left, and costs nothing. `aws scheduler delete-schedule` deletes it.";
/// What is said of a state machine there.
const MACHINE: &str = "a state machine of this lab's guard, whose stack is gone: it is left, and costs nothing. \
    `aws stepfunctions delete-state-machine` deletes it.";

impl Engine {
    pub(super) fn inventory_taken(&mut self, inventory: Inventory, effects: &mut Vec<Effect>) {
        self.busy.end(super::build::Task::Listing);
        self.step.new_evidence();
        for id in &inventory.stacks {
            self.found(id, effects);
        }
        let account = self.known_account();
        let Some(cleanup) = &mut self.cleanup else {
            return;
        };
        cleanup.passes += 1;
        cleanup.found(&inventory);
        if let (Some(account), Some(ground)) = (&inventory.account, account) {
            cleanup.stranger = (*account != ground).then(|| account.clone());
        }
        if cleanup.stranger.is_some() {
            self.end_cleanup(inventory, effects);
            return;
        }
        self.take_in_updates(inventory.updating.clone());
        self.see_what_obstructs(&inventory.foreign);
        self.take_in(inventory.remains.clone(), effects);
        self.take_in_guard(&inventory);
        let stacks_remain = self.ledger.plan().next().is_some();
        let Some(cleanup) = &mut self.cleanup else {
            return;
        };
        let explained = inventory
            .rows
            .iter()
            .all(|row| cleanup.is_explained(&row.answer))
            && inventory.account.is_some();
        if explained {
            cleanup.explained += 1;
        } else {
            cleanup.explained = 0;
            cleanup.in_vain += 1;
        }
        if std::mem::take(&mut cleanup.sweep.progress) {
            cleanup.in_vain = 0;
        }
        let pending = cleanup.sweep.is_pending() || cleanup.guard;
        let proved = cleanup.explained >= EMPTY_PASSES;
        let in_vain = cleanup.in_vain >= PATIENCE && cleanup.explained == 0;
        // Not even who has given up calls it empty after one look.
        let once = cleanup.explained == 1 && inventory.is_empty();
        let given_up = cleanup.given_up.is_some() && (stacks_remain || !once);
        let over = given_up || !stacks_remain && (proved || in_vain);
        let again = cleanup.explained == 0;
        if pending {
            // It is seen to next.
        } else if over {
            self.end_cleanup(inventory, effects);
        } else if !stacks_remain && again {
            self.say("asking again");
            self.pause = self.at.checked_add(BETWEEN).ok();
        } else if !stacks_remain {
            self.say("asking a second time");
        }
    }

    fn end_cleanup(&mut self, inventory: Inventory, effects: &mut Vec<Effect>) {
        let Some(cleanup) = &self.cleanup else { return };
        let receipt = self.receipt_of(cleanup, inventory);
        effects.push(Effect::SaveReceipt(receipt.clone()));
        self.receipt = Some(receipt.clone());
        self.phase = Phase::CleanedUp(receipt);
        self.count_money();
        self.save(effects);
    }

    fn receipt_of(&self, cleanup: &Cleanup, inventory: Inventory) -> Receipt {
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
        let mut notes = cleanup.notes(&inventory);
        let rows: Vec<ReceiptRow> = inventory
            .rows
            .into_iter()
            .map(|row| {
                let answer = match &unknown {
                    Some(why) if row.answer == Listing::Empty => Listing::CouldNotTell(why.clone()),
                    _ => row.answer,
                };
                ReceiptRow {
                    deleted: cleanup.deleted(&row.kind, &answer),
                    kind: row.kind,
                    asked: row.asked,
                    answer,
                }
            })
            .collect();
        notes.extend(unknown_still(&rows));
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
            notes,
        }
    }

    /// The account the lab is in, as the first answer said.
    fn known_account(&self) -> Option<String> {
        self.ledger.known().account.clone()
    }
}

/// What is said of kinds that could not be told.
fn unknown_still(rows: &[ReceiptRow]) -> Option<String> {
    let untold = rows.iter();
    let untold = untold.filter(|row| matches!(row.answer, Listing::CouldNotTell(_)));
    let kinds: Vec<&str> = untold.map(|row| row.kind.as_str()).collect();
    (!kinds.is_empty()).then(|| {
        format!(
            "Whether any {} are left is not known; what is left may go on costing money. Clean up again once they can be asked.",
            kinds.join(", ")
        )
    })
}

impl Cleanup {
    /// Why something is left, in sentences.
    fn notes(&self, inventory: &Inventory) -> Vec<String> {
        let mut left = BTreeSet::new();
        let (mut kept, mut foreign) = (Vec::new(), Vec::new());
        let (mut loose, mut machines) = (Vec::new(), Vec::new());
        let guard_is_gone = !inventory.has_guard() && !inventory.could_not_tell("stacks");
        for row in &inventory.rows {
            match &row.answer {
                Listing::Left(ids) if guard_is_gone && row.kind == "schedules" => {
                    loose.extend(ids.iter().map(String::as_str));
                }
                Listing::Left(ids) if guard_is_gone && row.kind == "state machines" => {
                    machines.extend(ids.iter().map(String::as_str));
                }
                Listing::Left(ids) => left.extend(ids.iter().map(String::as_str)),
                Listing::Kept(ids) => {
                    for id in ids {
                        let list = if inventory.foreign.contains(id) {
                            &mut foreign
                        } else {
                            &mut kept
                        };
                        list.push(id.as_str());
                    }
                }
                Listing::Empty | Listing::CouldNotTell(_) => {}
            }
        }
        let mut notes = self.sweep.reasons(&left);
        let listed = [
            (kept, KEPT),
            (foreign, FOREIGN),
            (loose, LOOSE),
            (machines, MACHINE),
        ];
        for (ids, why) in listed {
            if !ids.is_empty() {
                notes.push(format!("{}: {why}", ids.join(", ")));
            }
        }
        notes.extend(self.given_up.as_ref().map(Trouble::sentence));
        notes
    }

    /// Remembers what a pass found, by kind.
    fn found(&mut self, inventory: &Inventory) {
        for row in &inventory.rows {
            if let Listing::Left(ids) = &row.answer {
                let found = self.found.entry(row.kind.clone()).or_default();
                found.extend(ids.iter().cloned());
            }
        }
    }

    /// How many of a kind are gone, to judge by the last answer.
    fn deleted(&self, kind: &str, answer: &Listing) -> usize {
        let Some(found) = self.found.get(kind) else {
            return 0;
        };
        match answer {
            Listing::Empty | Listing::Kept(_) => found.len(),
            Listing::Left(ids) => found.iter().filter(|id| !ids.contains(id)).count(),
            Listing::CouldNotTell(_) => 0,
        }
    }

    /// Whether asking again would bring nothing else: nothing is left, or it is known why.
    fn is_explained(&self, answer: &Listing) -> bool {
        match answer {
            Listing::Empty | Listing::Kept(_) => true,
            Listing::Left(ids) => ids.iter().all(|id| self.sweep.is_hopeless(id)),
            Listing::CouldNotTell(_) => false,
        }
    }
}
