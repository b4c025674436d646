//! What the lab has cost so far and what it goes on to cost, estimated from list prices and from what stands.

use std::sync::OnceLock;

use super::event::Ground;
use super::view::{Of, Owed, Phase, RowState, Target};
use super::{Engine, Spent};
use crate::lesson::arithmetic::{Billable, HOURS_PER_MONTH, Prices};
use crate::template::{self, Stage};

/// Size of the root volume of an instance, in GB: the default of the Amazon Linux 2023 image.
const ROOT_GB: f64 = 8.0;
/// Size of the backup volume as the template makes it, in GB.
const BACKUP_GB: f64 = 5.0;
/// Size of the shared filesystem, in GB: a few small files; EFS meters at least some kilobytes per file.
const SHARED_GB: f64 = 0.001;
/// What the lab takes where nothing else was found yet.
const USUAL_TYPE: &str = "t3.micro";

impl Engine {
    /// Brings the sum up to now, then notes the present rate.
    pub(super) fn count_money(&mut self) {
        let dollars = self.spent_so_far();
        self.spent = Spent {
            dollars,
            per_hour: self.per_hour(),
            since: Some(self.at),
        };
    }

    /// US dollars up to the last event.
    pub(super) fn spent_so_far(&self) -> f64 {
        let hours = self.spent.since.map_or(0.0, |since| {
            self.at.duration_since(since).as_secs_f64() / 3600.0
        });
        self.spent.dollars + self.spent.per_hour * hours
    }

    /// US dollars an hour as things stand; nothing is billed on practice.
    pub(super) fn per_hour(&self) -> f64 {
        match (&self.setup.prices, &self.setup.target) {
            (Some(prices), Target::Aws { .. }) => self
                .standing_to_pay()
                .map_or(0.0, |billable| prices.per_hour(&billable)),
            _ => 0.0,
        }
    }

    /// What is owed for what stands; while nothing does, what the lab would cost once it is built.
    pub(super) fn owed(&self) -> Option<Owed> {
        let prices = self.setup.prices.as_ref()?;
        Some(match self.standing_to_pay() {
            Some(billable) => Owed::new(prices, Of::Standing, &billable),
            None => Owed::of_stage(prices, Stage::Share, USUAL_TYPE),
        })
    }

    /// What is there to be paid for. A stack that is being made counts as if it stood, one that is being deleted as far as
    /// it is not gone yet.
    fn standing_to_pay(&self) -> Option<Billable> {
        let standing = self.setup.standing.as_ref().map(|(ground, _)| ground);
        let ground = self.ground.as_ref().or(standing)?;
        let gone = matches!(&self.phase, Phase::CleanedUp(receipt) if receipt.is_clean());
        if self.ledger.plan().next().is_none() || gone {
            return None;
        }
        let Some(stack) = &self.stack else {
            return Some(of_stage(Stage::Share, &ground.instance_type));
        };
        let rows = stack.view(self.setup.faster, None).rows;
        let there = rows.iter().filter(|row| row.state != RowState::Deleted);
        let mut billable = of_kinds(there.map(|row| row.kind.as_str()), &ground.instance_type);
        // One that is stopped keeps its disk, but runs no more and gives its address back.
        let resting = self.machines.values().filter(|it| it.state == "stopped");
        for _ in resting {
            billable.instances.pop();
            billable.public_addresses = billable.public_addresses.saturating_sub(1);
        }
        Some(billable)
    }
}

impl Owed {
    /// What a complete stack of this stage costs, with instances of this type.
    #[must_use]
    pub fn of_stage(prices: &Prices, stage: Stage, instance_type: &str) -> Self {
        Self::new(prices, Of::OnceBuilt, &of_stage(stage, instance_type))
    }

    fn new(prices: &Prices, of: Of, billable: &Billable) -> Self {
        let per_hour = prices.per_hour(billable);
        Self {
            of,
            items: prices.items(billable),
            per_hour,
            day: per_hour * 24.0,
            month: per_hour * HOURS_PER_MONTH,
            region: prices.region.clone(),
            date: prices.date.clone(),
            sources: prices.sources.clone(),
        }
    }
}

/// US dollars an hour of a stack on this ground, before it has been looked at.
pub(super) fn rate(prices: Option<&Prices>, target: &Target, ground: &Ground) -> f64 {
    match (prices, target) {
        (Some(prices), Target::Aws { .. }) => {
            prices.per_hour(&of_stage(Stage::Share, &ground.instance_type))
        }
        _ => 0.0,
    }
}

/// What a complete stack of this stage has to be paid for.
fn of_stage(stage: Stage, instance_type: &str) -> Billable {
    // Read once: the screen wants to know it after every key.
    static KINDS: [OnceLock<Vec<String>>; 3] = [const { OnceLock::new() }; 3];
    let kinds = KINDS[stage as usize].get_or_init(|| {
        let resources = template::resources(stage, &[]).unwrap_or_default();
        resources.into_iter().map(|it| it.kind).collect()
    });
    of_kinds(kinds.iter().map(String::as_str), instance_type)
}

/// What resources of these kinds have to be paid for.
fn of_kinds<'a>(kinds: impl Iterator<Item = &'a str>, instance_type: &str) -> Billable {
    let mut billable = Billable::default();
    for kind in kinds {
        match kind {
            "AWS::EC2::Instance" => {
                billable.instances.push(instance_type.to_owned());
                billable.public_addresses += 1;
                billable.volumes_gb.push(ROOT_GB);
            }
            "AWS::EC2::Volume" => {
                billable.volumes_gb.push(BACKUP_GB);
                // Snapshots are outside the stack, and AWS does not tell how much they hold: the first one at most all
                // of the volume, the others what has changed.
                billable.snapshot_gb += BACKUP_GB;
            }
            "AWS::EFS::FileSystem" => billable.shared_gb.push(SHARED_GB),
            "AWS::CloudWatch::Alarm" => billable.alarms += 1,
            _ => {}
        }
    }
    billable
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::load;

    #[test]
    fn the_backup_volume_is_reckoned_as_the_template_makes_it() {
        let fragment = template::fragment("backup").unwrap();
        assert!(fragment.contains(&format!("Size: {BACKUP_GB}\n")));
    }

    #[test]
    fn each_stage_adds_what_it_adds_to_the_bill() {
        let prices = load::prices().unwrap();
        let month = |stage| Owed::of_stage(&prices, stage, "t3.micro").month;
        let added = |to, from| month(to) - month(from);
        let alarms = 2.0 * prices.alarm_month;
        assert!((added(Stage::Alarms, Stage::Share) - alarms).abs() < 1e-9);
        let backup = BACKUP_GB * (prices.volume_gb_month + prices.snapshot_gb_month);
        assert!((added(Stage::Backup, Stage::Alarms) - backup).abs() < 1e-9);
    }

    #[test]
    fn a_forgotten_lab_is_a_machine_month_not_a_file_month() {
        let owed = Owed::of_stage(&load::prices().unwrap(), Stage::Share, "t3.micro");
        // 730 x (2 x 0.0104 + 2 x 0.005) + 16 x 0.08 + 0.001 x 0.30
        assert!((owed.month - 23.7643).abs() < 1e-3, "{}", owed.month);
        assert!((owed.day - owed.per_hour * 24.0).abs() < 1e-9);
    }
}
