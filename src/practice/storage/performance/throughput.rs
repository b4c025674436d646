//! Throughput of an EFS filesystem as its documentation gives it: baseline, floor, burst and credits. What is read and
//! written, and by whom, does not enter here.
//!
//! <https://docs.aws.amazon.com/efs/latest/ug/performance.html> ("Bursting throughput"): the baseline is 50 KiB/s for
//! each GiB stored, at least 1 MiB/s; up to 1 TiB a filesystem bursts to 100 MiB/s, a larger one to 100 MiB/s for each
//! TiB; a new one has 2.1 TiB of credits, which is also what can be saved, for each TiB above the first; credits are
//! earned at 50 KiB/s for each GiB (the floor earns none) and spent by what is metered; reads are metered at a third. What
//! is stored counts in metered bytes ("How Amazon EFS reports file system and object sizes"). A provisioned rate is had
//! "independent of the file system's size or burst credit balance", or the bursting one where that is the larger.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::line::{Line, NANO, nanoseconds};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;
const TIB: u64 = 1024 * GIB;

/// Baseline for each GiB stored, in bytes a second.
const BASELINE_PER_GIB: u64 = 50 * KIB;
/// What every filesystem may have without credits, in bytes a second (since June 2020).
const FLOOR: u64 = MIB;
/// Burst of a filesystem up to 1 TiB, and of each TiB of a larger one, in bytes a second.
const BURST_PER_TIB: u64 = 100 * MIB;
/// 2.1 TiB in bytes, rounded as `BurstCreditBalance` shows it for a new filesystem.
const CREDITS_PER_TIB: u64 = 2_308_974_418_330;
/// Elastic throughput, in bytes a second that are metered: 1 GiB/s of writes, and with that 3 GiB/s of reads, which is
/// the default quota of most Regions (<https://docs.aws.amazon.com/efs/latest/ug/limits.html>; larger Regions have more,
/// which no client of a lab gets to see: one gets 500 MiB/s).
const ELASTIC: u64 = GIB;

/// A read byte is one third of a metered byte; work is counted in thirds.
pub(super) const THIRDS: u64 = 3;

/// Throughput mode of a filesystem.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// By what is stored, with credits.
    #[default]
    Bursting,
    /// As much as the quota of the Region, without credits.
    Elastic,
    /// So many metered bytes a second whatever is stored; more, if what is stored gives more ("Provisioned
    /// throughput").
    Provisioned(u64),
}

/// What a filesystem of some size is granted, in metered bytes a second but for the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// At which credits are earned.
    pub earned: u64,
    /// Without credits.
    pub baseline: u64,
    /// With credits.
    pub burst: u64,
    /// Most credits it may save, in bytes.
    pub cap: u64,
}

impl Rates {
    /// Of a filesystem in bursting mode that stores so many bytes.
    #[must_use]
    pub fn of(stored: u64) -> Self {
        let by = |amount: u64, each: u64| {
            let scaled = u128::from(stored) * u128::from(amount) / u128::from(each);
            u64::try_from(scaled).unwrap_or(u64::MAX)
        };
        let earned = by(BASELINE_PER_GIB, GIB);
        Self {
            earned,
            baseline: earned.max(FLOOR),
            burst: by(BURST_PER_TIB, TIB).max(BURST_PER_TIB),
            cap: by(CREDITS_PER_TIB, TIB).max(CREDITS_PER_TIB),
        }
    }

    /// Credits that a nanosecond of bursting costs beyond what it earns, as work.
    fn drain(&self) -> u128 {
        let thirds = THIRDS * self.burst.saturating_sub(self.earned);
        u128::from(thirds).max(1)
    }
}

/// The throughput of one filesystem: its credits, and until when it is busy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throughput {
    mode: Mode,
    /// Billionths of thirds of bytes.
    credits: u128,
    line: Line,
}

impl Throughput {
    /// Of a filesystem that is made at this instant.
    #[must_use]
    pub fn new(made: Timestamp) -> Self {
        Self {
            mode: Mode::default(),
            credits: work(CREDITS_PER_TIB),
            line: Line::free_at(made),
        }
    }

    /// Its mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Changes its mode; credits stay as they are.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// Everything accepted so far is served by then.
    #[must_use]
    pub fn busy_until(&self) -> Timestamp {
        self.line.at
    }

    /// Burst credits in bytes, at `now` or when the filesystem has served everything, whichever is later.
    #[must_use]
    pub fn credits(&self, now: Timestamp, stored: u64) -> u64 {
        let mut later = self.clone();
        later.rest_until(now, stored);
        u64::try_from(later.credits / work(1)).unwrap_or(u64::MAX)
    }

    /// What it may have at that time, in metered bytes a second.
    #[must_use]
    pub fn permitted(&self, now: Timestamp, stored: u64) -> u64 {
        if let Some(rate) = self.flat(stored) {
            return rate;
        }
        let rates = Rates::of(stored);
        if self.credits(now, stored) > 0 {
            rates.burst
        } else {
            rates.baseline
        }
    }

    /// Its rate, if that does not depend on credits.
    fn flat(&self, stored: u64) -> Option<u64> {
        match self.mode {
            Mode::Bursting => None,
            Mode::Elastic => Some(ELASTIC),
            Mode::Provisioned(rate) => (rate >= Rates::of(stored).baseline).then_some(rate),
        }
    }

    /// Accepts so many thirds of metered bytes at `now`, behind what it has accepted before; tells when they are served.
    pub fn serve(&mut self, now: Timestamp, thirds: u64, stored: u64) -> Timestamp {
        self.rest_until(now, stored);
        let work = u128::from(thirds) * NANO;
        if let Some(rate) = self.flat(stored) {
            let left = self.line.use_spare(work);
            self.line.serve(left, THIRDS * rate);
        } else {
            self.burst(work, stored);
        }
        self.line.at
    }

    /// Thirds of metered bytes that it can serve until then, of what comes at `now` behind what it has accepted before;
    /// rounded down.
    #[must_use]
    pub fn room(&self, now: Timestamp, until: Timestamp, stored: u64) -> u64 {
        let mut later = self.clone();
        later.rest_until(now, stored);
        let span = nanoseconds(later.line.at, until);
        let work = if let Some(rate) = self.flat(stored) {
            span * u128::from(THIRDS * rate)
        } else {
            let rates = Rates::of(stored);
            let with_credits = (later.credits / rates.drain()).min(span);
            with_credits * u128::from(THIRDS * rates.burst)
                + (span - with_credits) * u128::from(THIRDS * rates.baseline)
        };
        u64::try_from(work / NANO).unwrap_or(u64::MAX)
    }

    fn burst(&mut self, work: u128, stored: u64) {
        let rates = Rates::of(stored);
        let (burst, baseline) = (THIRDS * rates.burst, THIRDS * rates.baseline);
        let earned = u128::from(THIRDS * rates.earned);
        let left = self.line.use_spare(work);
        self.credits = self.credits.saturating_sub(work - left);
        if left == 0 {
            return;
        }
        let took = left.div_ceil(u128::from(burst));
        if self.credits + took * earned >= left {
            self.line.serve(left, burst);
            self.credits = (self.credits + took * earned).saturating_sub(left);
            return;
        }
        // Until the credits are gone, and then without.
        let until = self.credits / rates.drain();
        self.line.pass(until);
        self.credits = 0;
        self.line
            .serve(left.saturating_sub(until * u128::from(burst)), baseline);
    }

    /// Earns until then, unless it is busy.
    fn rest_until(&mut self, now: Timestamp, stored: u64) {
        let rates = Rates::of(stored);
        let idle = self.line.idle_until(now);
        let earned = idle * u128::from(THIRDS * rates.earned);
        // What was saved when more was stored is kept.
        let cap = work(rates.cap).max(self.credits);
        self.credits = (self.credits + earned).min(cap);
    }

    /// The same, with fewer credits.
    #[cfg(test)]
    pub fn with_credits(mut self, bytes: u64) -> Self {
        self.credits = work(bytes);
        self
    }
}

/// Metered bytes as work.
fn work(bytes: u64) -> u128 {
    u128::from(bytes) * u128::from(THIRDS) * NANO
}
