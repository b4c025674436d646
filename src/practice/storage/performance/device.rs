//! A gp3 volume at its baseline. What is on it does not enter here.
//!
//! <https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html>: 3,000 IOPS and 125 MiB/s whatever its size,
//! without credits; an operation has at most 256 KiB.

use jiff::Timestamp;

use super::line::{Line, NANO};

/// Bytes a second.
const RATE: u64 = 125 * 1024 * 1024;
/// Operations a second.
const OPERATIONS: u64 = 3000;
/// Largest operation, in bytes: larger ones are split, and small ones beside each other merged, up to that.
const OPERATION: u64 = 256 * 1024;

/// A volume: until when it is busy.
#[derive(Debug, Clone)]
pub struct Device {
    line: Line,
}

impl Device {
    /// One that is idle.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            line: Line::free_at(now),
        }
    }

    /// Everything accepted so far is done by then.
    #[must_use]
    pub fn busy_until(&self) -> Timestamp {
        self.line.at
    }

    /// Accepts so many bytes beside each other at `now`; tells when that is done.
    pub fn serve(&mut self, now: Timestamp, bytes: u64) -> Timestamp {
        self.line.idle_until(now);
        let by_bytes = u128::from(bytes) * NANO;
        let operations = bytes.div_ceil(OPERATION);
        let by_operations =
            u128::from(operations) * u128::from(RATE) * NANO / u128::from(OPERATIONS);
        let left = self.line.use_spare(by_bytes.max(by_operations));
        self.line.serve(left, RATE);
        self.line.at
    }
}
