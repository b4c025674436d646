//! What things cost. The practice model has its own figures: comparing the two must mean something.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Hours in a month, as AWS counts them: 8,760 / 12.
pub const HOURS_PER_MONTH: f64 = 730.0;

/// List prices in US dollars, and since when they are known.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The region they hold for; others differ by some per cent.
    pub region: String,
    /// As known on this day, `YYYY-MM-DD`.
    pub date: String,
    /// The pages that are the authority for them.
    pub sources: Vec<String>,
    /// An hour of a running instance, by type.
    pub instance_hour: BTreeMap<String, f64>,
    /// An hour of one public IPv4 address in use.
    pub public_address_hour: f64,
    /// A GB-month of an EBS volume of type gp3.
    pub volume_gb_month: f64,
    /// A GB-month stored in an EFS filesystem.
    pub shared_gb_month: f64,
    /// A GB-month of changed blocks in EBS snapshots.
    pub snapshot_gb_month: f64,
    /// A month of one alarm.
    pub alarm_month: f64,
}

/// What exists and is billed as long as it does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Billable {
    /// Types of the running instances, one entry each.
    pub instances: Vec<String>,
    /// Public IPv4 addresses in use.
    pub public_addresses: u32,
    /// GB of each EBS volume, as provisioned; those of stopped instances too.
    pub volumes_gb: Vec<f64>,
    /// GB stored in each filesystem.
    pub shared_gb: Vec<f64>,
    /// GB of changed blocks in snapshots.
    pub snapshot_gb: f64,
    /// Alarms.
    pub alarms: u32,
}

/// One line of what is owed.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// `2 instances t3.micro, running`.
    pub what: String,
    /// `0.0104 USD an hour each`.
    pub price: String,
    /// US dollars an hour; `None`: no price is known.
    pub per_hour: Option<f64>,
}

impl Prices {
    /// What there is to pay for while all of this exists, one line for each kind that is there.
    #[must_use]
    pub fn items(&self, billable: &Billable) -> Vec<Item> {
        let mut items = Vec::new();
        let mut kinds = BTreeMap::<&str, f64>::new();
        for kind in &billable.instances {
            *kinds.entry(kind).or_default() += 1.0;
        }
        for (kind, count) in kinds {
            let price = self.instance_hour.get(kind);
            items.push(Item {
                what: format!("{} {kind}, running", counted(count, "instance")),
                price: price.map_or_else(
                    || "no price is known".to_owned(),
                    |price| format!("{price} USD an hour each"),
                ),
                per_hour: price.map(|price| count * price),
            });
        }
        let mut add = |what: String, price: String, per_hour| {
            items.push(Item {
                what,
                price,
                per_hour: Some(per_hour),
            });
        };
        if billable.public_addresses > 0 {
            let count = f64::from(billable.public_addresses);
            let price = self.public_address_hour;
            add(
                counted(count, "public address"),
                format!("{price} USD an hour each"),
                count * price,
            );
        }
        let stored = [
            ("volume", &billable.volumes_gb, self.volume_gb_month),
            ("filesystem", &billable.shared_gb, self.shared_gb_month),
        ];
        for (noun, sizes, price) in stored {
            if !sizes.is_empty() {
                let gb: f64 = sizes.iter().sum();
                let count = f64::from(u32::try_from(sizes.len()).unwrap_or(u32::MAX));
                add(
                    format!("{}, {gb} GB", counted(count, noun)),
                    format!("{price:.2} USD a month per GB"),
                    gb * price / HOURS_PER_MONTH,
                );
            }
        }
        if billable.snapshot_gb > 0.0 {
            let (gb, price) = (billable.snapshot_gb, self.snapshot_gb_month);
            add(
                format!("snapshots, {gb} GB at most at first"),
                format!("{price:.2} USD a month per GB"),
                gb * price / HOURS_PER_MONTH,
            );
        }
        if billable.alarms > 0 {
            let (count, price) = (f64::from(billable.alarms), self.alarm_month);
            add(
                counted(count, "alarm"),
                format!("{price:.2} USD a month each"),
                count * price / HOURS_PER_MONTH,
            );
        }
        items
    }

    /// US dollars an hour while all of this exists, without what has no known price.
    #[must_use]
    pub fn per_hour(&self, billable: &Billable) -> f64 {
        let items = self.items(billable);
        items.iter().filter_map(|item| item.per_hour).sum()
    }
}

/// `1 volume`, `2 addresses`.
fn counted(count: f64, noun: &str) -> String {
    match (count > 1.0, noun.ends_with('s')) {
        (false, _) => format!("{count} {noun}"),
        (true, false) => format!("{count} {noun}s"),
        (true, true) => format!("{count} {noun}es"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;

    fn prices() -> Prices {
        load::prices().unwrap()
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn nothing_costs_nothing() {
        assert_eq!(prices().items(&Billable::default()), []);
        assert!(close(prices().per_hour(&Billable::default()), 0.0));
    }

    #[test]
    fn an_hour_of_the_lab_counts_addresses_and_disks_too() {
        let cost = prices().per_hour(&Billable {
            instances: vec!["t3.micro".to_owned(); 2],
            public_addresses: 2,
            volumes_gb: vec![8.0; 2],
            ..Billable::default()
        });
        // 2 x 0.0104 + 2 x 0.005 + 16 x 0.08 / 730
        assert!(close(cost, 0.0308 + 1.28 / 730.0), "{cost}");
    }

    #[test]
    fn what_is_billed_by_the_month_is_spread_over_its_hours() {
        let cost = prices().per_hour(&Billable {
            shared_gb: vec![730.0],
            snapshot_gb: 730.0,
            alarms: 73,
            ..Billable::default()
        });
        assert!(close(cost, 0.30 + 0.05 + 0.01), "{cost}");
    }

    #[test]
    fn an_instance_type_without_a_price_is_named_not_guessed() {
        let billable = Billable {
            instances: vec!["x9.huge".to_owned(), "t3.micro".to_owned()],
            ..Billable::default()
        };
        assert!(close(prices().per_hour(&billable), 0.0104));
        let items = prices().items(&billable);
        let unpriced = items.iter().find(|item| item.per_hour.is_none());
        assert_eq!(unpriced.unwrap().what, "1 instance x9.huge, running");
    }

    #[test]
    fn each_line_says_how_many_of_what_at_which_price() {
        let items = prices().items(&Billable {
            instances: vec!["t3.micro".to_owned(); 2],
            public_addresses: 2,
            volumes_gb: vec![8.0, 8.0, 5.0],
            shared_gb: vec![0.001],
            snapshot_gb: 5.0,
            alarms: 2,
        });
        let told: Vec<_> = items
            .iter()
            .map(|item| format!("{}: {}", item.what, item.price))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        2 instances t3.micro, running: 0.0104 USD an hour each
        2 public addresses: 0.005 USD an hour each
        3 volumes, 21 GB: 0.08 USD a month per GB
        1 filesystem, 0.001 GB: 0.30 USD a month per GB
        snapshots, 5 GB at most at first: 0.05 USD a month per GB
        2 alarms: 0.10 USD a month each
        ");
    }
}
