//! What CloudWatch is told of a filesystem: one record a minute, of which the metrics are made. Publishing them does not
//! enter here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::line::nanoseconds;

/// Records of so many minutes are kept: CloudWatch keeps one-minute data for 15 days.
pub const MINUTES_KEPT: i64 = 15 * 24 * 60;
/// Operations a second of General Purpose mode, in units of which a read takes one and any other operation five:
/// 35,000 reads or 7,000 others (<https://docs.aws.amazon.com/efs/latest/ug/limits.html>).
const OPERATIONS: u64 = 35_000;
const WRITE_UNITS: u64 = 5;

/// One minute of one filesystem.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// `DataReadIOBytes`, sum.
    pub read_bytes: u64,
    /// `DataWriteIOBytes`, sum.
    pub write_bytes: u64,
    /// `MetadataIOBytes`, sum.
    pub metadata_bytes: u64,
    /// Read operations: `DataReadIOBytes`, sample count.
    pub reads: u64,
    /// Write operations.
    pub writes: u64,
    /// Metadata operations.
    pub metadata: u64,
    /// `BurstCreditBalance` after the last operation, in bytes.
    pub credits: u64,
    /// `PermittedThroughput` then, in bytes a second.
    pub permitted: u64,
    /// `ClientConnections`: most at a time.
    pub connections: u64,
}

impl Minute {
    /// `TotalIOBytes`, sum.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.read_bytes + self.write_bytes + self.metadata_bytes
    }

    /// `MeteredIOBytes`, sum: reads count a third.
    #[must_use]
    pub fn metered_bytes(&self) -> u64 {
        self.read_bytes.div_ceil(3) + self.write_bytes + self.metadata_bytes
    }

    /// `PercentIOLimit`, average of the minute; General Purpose mode only.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a percentage")]
    pub fn percent_io_limit(&self) -> f64 {
        let units = self.reads + WRITE_UNITS * (self.writes + self.metadata);
        units as f64 * 100.0 / (60 * OPERATIONS) as f64
    }
}

/// All minutes of a filesystem in which something happened.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    minutes: BTreeMap<i64, Minute>,
    unwritten: BTreeSet<i64>,
}

impl Meter {
    /// What was kept: minutes since 1970 and their records.
    pub fn restore(minutes: impl IntoIterator<Item = (i64, Minute)>) -> Self {
        Self {
            minutes: minutes.into_iter().collect(),
            unwritten: BTreeSet::new(),
        }
    }

    /// Adds what was transferred from one instant to another, evenly; operations count in the first minute, the state
    /// of the filesystem in the last.
    pub fn add(&mut self, from: Timestamp, to: Timestamp, what: &Minute) {
        let (first, last) = (minute(from), minute(to.max(from)));
        let whole = nanoseconds(from, to);
        let share = |amount: u64, until: u128| match whole {
            0 => amount,
            _ => u64::try_from(u128::from(amount) * until / whole).unwrap_or(amount),
        };
        let mut done = (0, 0, 0);
        for number in first..=last {
            let until = start(number + 1).map_or(whole, |end| nanoseconds(from, end).min(whole));
            let now = (
                share(what.read_bytes, until),
                share(what.write_bytes, until),
                share(what.metadata_bytes, until),
            );
            let one = self.minutes.entry(number).or_default();
            one.read_bytes += now.0 - done.0;
            one.write_bytes += now.1 - done.1;
            one.metadata_bytes += now.2 - done.2;
            one.credits = what.credits;
            one.permitted = what.permitted;
            one.connections = one.connections.max(what.connections);
            done = now;
            self.unwritten.insert(number);
        }
        let one = self.minutes.entry(first).or_default();
        one.reads += what.reads;
        one.writes += what.writes;
        one.metadata += what.metadata;
        self.minutes = self.minutes.split_off(&(last - MINUTES_KEPT));
    }

    /// The minutes that end after `from` and begin before `to`, each with its beginning.
    pub fn between(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, Minute)> + '_ {
        let range = minute(from)..minute(to).max(minute(from)) + 1;
        self.minutes
            .range(range)
            .filter_map(|(number, one)| Some((start(*number)?, *one)))
            .filter(move |(start, _)| *start < to)
    }

    /// Whether everything was taken out to be written.
    pub fn is_written(&self) -> bool {
        self.unwritten.is_empty()
    }

    /// Takes out the minutes that changed since the last time.
    pub fn take_unwritten(&mut self) -> Vec<(i64, Minute)> {
        let numbers = std::mem::take(&mut self.unwritten);
        numbers
            .into_iter()
            .filter_map(|number| Some((number, *self.minutes.get(&number)?)))
            .collect()
    }

    /// These could not be written.
    pub fn return_unwritten(&mut self, numbers: impl IntoIterator<Item = i64>) {
        self.unwritten.extend(numbers);
    }
}

/// Minutes since 1970.
fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

/// When a minute begins.
fn start(minute: i64) -> Option<Timestamp> {
    Timestamp::from_second(minute.checked_mul(60)?).ok()
}
