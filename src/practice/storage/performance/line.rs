//! A line that serves one thing after the other at a rate. What is served, and who sets the rate, does not enter here.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Nanoseconds in a second: work is counted in billionths of its unit, so that a rate in units a second is the same
/// number of work a nanosecond and nothing is rounded on the way.
pub(super) const NANO: u128 = 1_000_000_000;

/// Until when a line is taken, and what is left of the nanosecond in which it becomes free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    /// Everything accepted so far is served by then.
    pub at: Timestamp,
    /// Work that the last nanosecond has room for. It makes parts take exactly the time of the whole.
    spare: u64,
}

impl Line {
    /// A line that is free from this instant on.
    pub fn free_at(at: Timestamp) -> Self {
        Self { at, spare: 0 }
    }

    /// Nanoseconds that passed without work before `at`; the line is free then.
    pub fn idle_until(&mut self, at: Timestamp) -> u128 {
        let idle = nanoseconds(self.at, at);
        if idle > 0 {
            *self = Self::free_at(at);
        }
        idle
    }

    /// What is left to do of `work` once the room of the last nanosecond is used.
    pub fn use_spare(&mut self, work: u128) -> u128 {
        let used = work.min(u128::from(self.spare));
        self.spare -= u64::try_from(used).unwrap_or(self.spare);
        work - used
    }

    /// Serves `work` at `rate` a nanosecond, as `use_spare` left it; tells how many nanoseconds that takes.
    pub fn serve(&mut self, work: u128, rate: u64) -> u128 {
        if work == 0 {
            return 0;
        }
        let rate = u128::from(rate.max(1));
        let took = work.div_ceil(rate);
        self.pass(took);
        self.spare = u64::try_from(took * rate - work).unwrap_or_default();
        took
    }

    /// So many nanoseconds are over.
    pub fn pass(&mut self, nanoseconds: u128) {
        self.at = after(self.at, nanoseconds);
    }
}

/// From one instant to a later one; 0 when it is not later.
pub(super) fn nanoseconds(from: Timestamp, to: Timestamp) -> u128 {
    u128::try_from(to.as_nanosecond() - from.as_nanosecond()).unwrap_or_default()
}

/// The instant so much later; never past the end of time.
pub(super) fn after(at: Timestamp, nanoseconds: u128) -> Timestamp {
    let seconds = i64::try_from(nanoseconds / NANO).unwrap_or(i64::MAX);
    let rest = i32::try_from(nanoseconds % NANO).unwrap_or_default();
    at.checked_add(SignedDuration::new(seconds, rest))
        .unwrap_or(Timestamp::MAX)
}
