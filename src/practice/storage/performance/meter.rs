//! What CloudWatch is told of a filesystem: one record a minute, of which the metrics are made. Publishing them does not
//! enter here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::operation::{Operation, Sort};
use super::throughput::{Rates, THIRDS};

/// Records of so many minutes are kept: CloudWatch keeps one-minute data for 15 days.
pub const MINUTES_KEPT: i64 = 15 * 24 * 60;
/// Operations a second of General Purpose mode, in units of which one that reads takes one and one that writes five:
/// 35,000 reads or 7,000 writes, of data or metadata (<https://docs.aws.amazon.com/efs/latest/ug/limits.html>, "Quotas
/// for Amazon EFS file systems").
const OPERATIONS: u64 = 35_000;
const WRITE_UNITS: u64 = 5;

/// Operations of one sort in one minute, as CloudWatch's statistics tell of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many: the sample count.
    pub count: u64,
    /// Their bytes: the sum.
    pub sum: u64,
    /// Bytes of the smallest; 0 when there was none.
    pub smallest: u64,
    /// Bytes of the largest.
    pub largest: u64,
}

impl Tally {
    fn add(&mut self, bytes: u64, count: u64) {
        if count == 0 {
            return;
        }
        self.smallest = match self.count {
            0 => bytes,
            _ => self.smallest.min(bytes),
        };
        self.largest = self.largest.max(bytes);
        self.sum += bytes * count;
        self.count += count;
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.count, other.count) {
            (_, 0) => self,
            (0, _) => other,
            _ => Self {
                count: self.count + other.count,
                sum: self.sum + other.sum,
                smallest: self.smallest.min(other.smallest),
                largest: self.largest.max(other.largest),
            },
        }
    }
}

/// How a filesystem stands at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// When.
    pub at: Timestamp,
    /// `BurstCreditBalance`, in bytes.
    pub credits: u64,
    /// `PermittedThroughput`, in metered bytes a second.
    pub permitted: u64,
    /// What it stores, in metered bytes: at the rate of that it earns credits.
    pub stored: u64,
    /// `ClientConnections`.
    pub connections: u64,
}

impl Standing {
    /// Burst credits at a later instant, if nothing was asked of the filesystem in between.
    #[must_use]
    pub fn credits_at(&self, later: Timestamp) -> u64 {
        let rates = Rates::of(self.stored);
        let rested = super::line::nanoseconds(self.at, later);
        let earned = rested * u128::from(rates.earned) / super::line::NANO;
        let credits = u128::from(self.credits) + earned;
        let credits = u64::try_from(credits).unwrap_or(u64::MAX);
        credits.min(rates.cap.max(self.credits))
    }
}

/// One minute of one filesystem, with the operations that were done in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Minute {
    /// `DataReadIOBytes`.
    pub reads: Tally,
    /// `DataWriteIOBytes`.
    pub writes: Tally,
    /// `MetadataIOBytes`.
    pub metadata: Tally,
    /// Of the metadata operations, those that change something.
    pub changes: u64,
    /// `MeteredIOBytes`, in thirds of bytes: reads count a third.
    pub metered_thirds: Tally,
    /// After the last operation.
    pub standing: Option<Standing>,
    /// `ClientConnections`: most at a time.
    pub connections: u64,
}

impl Minute {
    /// `TotalIOBytes`.
    #[must_use]
    pub fn total(&self) -> Tally {
        self.reads.and(self.writes).and(self.metadata)
    }

    /// `MeteredIOBytes`, sum, rounded up.
    #[must_use]
    pub fn metered_bytes(&self) -> u64 {
        self.metered_thirds.sum.div_ceil(THIRDS)
    }

    /// `PercentIOLimit`, average of the minute; General Purpose mode only.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a percentage")]
    pub fn percent_io_limit(&self) -> f64 {
        let reading = self.reads.count + self.metadata.count - self.changes;
        let writing = self.writes.count + self.changes;
        (reading + WRITE_UNITS * writing) as f64 * 100.0 / (60 * OPERATIONS) as f64
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

    /// Adds so many operations of one kind, the last of which was done when the filesystem stood so.
    pub fn add(&mut self, operation: Operation, count: u64, standing: Standing) {
        let number = minute_of_end(standing.at);
        let one = self.minutes.entry(number).or_default();
        let tally = match operation.sort {
            Sort::Read => &mut one.reads,
            Sort::Write => &mut one.writes,
            Sort::Look | Sort::Change => &mut one.metadata,
        };
        tally.add(operation.bytes, count);
        one.changes += if operation.sort == Sort::Change {
            count
        } else {
            0
        };
        one.metered_thirds.add(operation.thirds(), count);
        one.connections = one.connections.max(standing.connections);
        one.standing = Some(standing);
        self.unwritten.insert(number);
        let oldest = number - MINUTES_KEPT;
        if self
            .minutes
            .first_key_value()
            .is_some_and(|(first, _)| *first < oldest)
        {
            self.minutes = self.minutes.split_off(&oldest);
        }
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

    /// How the filesystem stood when its last operation before this instant was done.
    #[must_use]
    pub fn standing_before(&self, at: Timestamp) -> Option<Standing> {
        self.minutes
            .range(..=minute(at))
            .rev()
            .filter_map(|(_, one)| one.standing)
            .find(|standing| standing.at <= at)
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

/// The minute in which something was done that was over at this instant.
fn minute_of_end(at: Timestamp) -> i64 {
    let before = at.as_nanosecond() - 1;
    i64::try_from(before.div_euclid(60_000_000_000)).unwrap_or_default()
}

/// When the minute is over in which something begins at this instant.
pub(super) fn end_of_minute(at: Timestamp) -> Timestamp {
    start(minute(at) + 1).unwrap_or(Timestamp::MAX)
}

/// When a minute begins.
fn start(minute: i64) -> Option<Timestamp> {
    Timestamp::from_second(minute.checked_mul(60)?).ok()
}
