//! What a client asks of a filesystem, and what each operation counts. When it is served does not enter here.

use std::time::Duration;

use super::throughput::THIRDS;

/// Latency of a Regional filesystem in General Purpose mode: reads "as low as" 250 microseconds (metadata too), writes
/// 2.7 milliseconds (<https://docs.aws.amazon.com/efs/latest/ug/performance.html>, "Performance summary").
const READ_LATENCY: Duration = Duration::from_micros(250);
const WRITE_LATENCY: Duration = Duration::from_micros(2700);
/// What one client gets at most, in metered bytes a second: 500 MiB/s "after applying a 1/3 metering rate for read
/// requests" (<https://docs.aws.amazon.com/efs/latest/ug/limits.html>, "Quotas for NFS clients").
const CLIENT: u64 = 500 * 1024 * 1024;
/// What the network of a small instance carries at most, in bytes a second: 5 Gbit/s, of all T3 types up to `xlarge`
/// (<https://aws.amazon.com/ec2/instance-types/t3/>).
const NETWORK: u64 = 5_000_000_000 / 8;
/// "Every NFS request is accounted for as 4 KB of throughput, or its actual request and response size, whichever is
/// larger", and the discount of reads never goes below that (the same guide, "Performance modes" and "Throughput
/// modes").
const SMALLEST: u64 = 4096;
/// Largest operation of a client: `rsize` and `wsize` of the recommended mount options.
pub const LARGEST: u64 = 1024 * 1024;

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// So many bytes that it does not have.
    Read(u64),
    /// To take so many bytes.
    Write(u64),
    /// Names and attributes, without changing them.
    Look,
    /// To change names or attributes.
    Change,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Reads data.
    Read,
    /// Writes data.
    Write,
    /// Reads metadata.
    Look,
    /// Writes metadata.
    Change,
}

/// One operation on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// What it does.
    pub sort: Sort,
    /// Its bytes.
    pub bytes: u64,
}

impl Operation {
    /// What it is metered at, in thirds of bytes.
    #[must_use]
    pub fn thirds(self) -> u64 {
        let weight = match self.sort {
            Sort::Read => 1,
            _ => THIRDS,
        };
        self.bytes
            .saturating_mul(weight)
            .max(THIRDS.saturating_mul(SMALLEST))
    }
}

impl Request {
    /// From when the server has the request until it begins to answer.
    #[must_use]
    pub fn latency(self) -> Duration {
        match self {
            Self::Read(_) | Self::Look => READ_LATENCY,
            Self::Write(_) | Self::Change => WRITE_LATENCY,
        }
    }

    /// The operations it takes, and how many of each.
    #[must_use]
    pub fn operations(self) -> [(Operation, u64); 2] {
        let (sort, bytes) = match self {
            Self::Read(bytes) => (Sort::Read, bytes),
            Self::Write(bytes) => (Sort::Write, bytes),
            Self::Look | Self::Change => {
                let sort = if self == Self::Look {
                    Sort::Look
                } else {
                    Sort::Change
                };
                let bytes = SMALLEST;
                return [
                    (Operation { sort, bytes }, 1),
                    (Operation { sort, bytes }, 0),
                ];
            }
        };
        let whole = Operation {
            sort,
            bytes: LARGEST,
        };
        let rest = Operation {
            sort,
            bytes: bytes % LARGEST,
        };
        [(whole, bytes / LARGEST), (rest, u64::from(rest.bytes > 0))]
    }

    /// The shortest time in which one client moves the bytes.
    #[must_use]
    pub fn on_the_wire(self) -> Duration {
        let time = |amount: u64, rate: u64| {
            let nanoseconds = u128::from(amount) * 1_000_000_000 / u128::from(rate);
            Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
        };
        match self {
            Self::Read(bytes) => time(bytes / THIRDS, CLIENT).max(time(bytes, NETWORK)),
            Self::Write(bytes) => time(bytes, CLIENT).max(time(bytes, NETWORK)),
            Self::Look | Self::Change => Duration::ZERO,
        }
    }
}
