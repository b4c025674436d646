//! What the lab has cost so far, estimated from list prices and from what stands.

use super::event::Ground;
use super::view::Phase;
use super::{Engine, Spent};
use crate::lesson::arithmetic::{Billable, Prices};

/// Size of the root volume of an instance, in GB: the default of the Amazon Linux 2023 image.
const ROOT_GB: f64 = 8.0;
/// Size of the shared filesystem, in GB: a few small files; EFS meters at least some kilobytes per file.
const SHARED_GB: f64 = 0.001;

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

    /// US dollars an hour as things stand. A stack that is being made or deleted is counted as if it stood.
    pub(super) fn per_hour(&self) -> f64 {
        let standing = self.setup.standing.as_ref().map(|(ground, _)| ground);
        let Some(ground) = self.ground.as_ref().or(standing) else {
            return 0.0;
        };
        let gone = matches!(&self.phase, Phase::CleanedUp(receipt) if receipt.is_clean());
        if self.ledger.plan().next().is_none() || gone {
            return 0.0;
        }
        rate(self.setup.prices.as_ref(), ground)
    }
}

/// US dollars an hour of a stack on this ground.
pub(super) fn rate(prices: Option<&Prices>, ground: &Ground) -> f64 {
    prices.map_or(0.0, |prices| {
        let billable = Billable {
            instances: vec![ground.instance_type.clone(); 2],
            public_addresses: 2,
            volume_gb: 2.0 * ROOT_GB,
            shared_gb: SHARED_GB,
            ..Billable::default()
        };
        prices.per_hour(&billable).usd
    })
}
