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
    /// GB of EBS volumes, as provisioned.
    pub volume_gb: f64,
    /// GB stored in the filesystem.
    pub shared_gb: f64,
    /// GB of changed blocks in snapshots.
    pub snapshot_gb: f64,
    /// Alarms.
    pub alarms: u32,
}

/// An hour's cost.
#[derive(Debug, Clone, PartialEq)]
pub struct HourlyCost {
    /// US dollars an hour.
    pub usd: f64,
    /// Instance types without a known price, which `usd` leaves out.
    pub unpriced: Vec<String>,
}

impl Prices {
    /// What an hour costs while all of this exists.
    #[must_use]
    pub fn per_hour(&self, billable: &Billable) -> HourlyCost {
        let mut usd = f64::from(billable.public_addresses) * self.public_address_hour;
        let mut unpriced = Vec::new();
        for kind in &billable.instances {
            match self.instance_hour.get(kind) {
                Some(price) => usd += price,
                None => unpriced.push(kind.clone()),
            }
        }
        let monthly = billable.volume_gb * self.volume_gb_month
            + billable.shared_gb * self.shared_gb_month
            + billable.snapshot_gb * self.snapshot_gb_month
            + f64::from(billable.alarms) * self.alarm_month;
        usd += monthly / HOURS_PER_MONTH;
        HourlyCost { usd, unpriced }
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
        let cost = prices().per_hour(&Billable::default());
        assert!(close(cost.usd, 0.0));
        assert!(cost.unpriced.is_empty());
    }

    #[test]
    fn an_hour_of_the_lab_counts_addresses_and_disks_too() {
        let cost = prices().per_hour(&Billable {
            instances: vec!["t3.micro".to_owned(); 2],
            public_addresses: 2,
            volume_gb: 16.0,
            ..Billable::default()
        });
        // 2 x 0.0104 + 2 x 0.005 + 16 x 0.08 / 730
        assert!(close(cost.usd, 0.0308 + 1.28 / 730.0), "{}", cost.usd);
    }

    #[test]
    fn what_is_billed_by_the_month_is_spread_over_its_hours() {
        let cost = prices().per_hour(&Billable {
            shared_gb: 730.0,
            snapshot_gb: 730.0,
            alarms: 73,
            ..Billable::default()
        });
        assert!(close(cost.usd, 0.30 + 0.05 + 0.01), "{}", cost.usd);
    }

    #[test]
    fn an_instance_type_without_a_price_is_named_not_guessed() {
        let cost = prices().per_hour(&Billable {
            instances: vec!["x9.huge".to_owned(), "t3.micro".to_owned()],
            ..Billable::default()
        });
        assert!(close(cost.usd, 0.0104));
        assert_eq!(cost.unpriced, ["x9.huge"]);
    }
}
