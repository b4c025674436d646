//! One EFS filesystem as its clients feel it: throughput, latency, and the meter. Files do not enter here.

use std::time::Duration;

use jiff::Timestamp;

use super::meter::{Meter, Minute};
use super::throughput::{Mode, THIRDS, Throughput};

/// Latency of a Regional filesystem: reads from 250 microseconds (metadata too), writes from 2.7 milliseconds
/// (<https://docs.aws.amazon.com/efs/latest/ug/performance.html>, "Performance summary").
const READ_LATENCY: Duration = Duration::from_micros(250);
const WRITE_LATENCY: Duration = Duration::from_micros(2700);
/// What one client gets at most, in bytes a second (<https://docs.aws.amazon.com/efs/latest/ug/limits.html>: 500 MiB/s).
const CLIENT: u64 = 500 * 1024 * 1024;
/// What a metadata operation is metered as, in bytes: one block, as the smallest operation is (estimate).
const METADATA: u64 = 4096;
/// Largest operation of a client: `rsize` and `wsize` of the recommended mount options.
const OPERATION: u64 = 1024 * 1024;

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

impl Request {
    /// From when the server has the request until it begins to answer.
    #[must_use]
    pub fn latency(self) -> Duration {
        match self {
            Self::Read(_) | Self::Look => READ_LATENCY,
            Self::Write(_) | Self::Change => WRITE_LATENCY,
        }
    }

    /// Metered thirds of bytes.
    fn thirds(self) -> u64 {
        match self {
            Self::Read(bytes) => bytes,
            Self::Write(bytes) => THIRDS.saturating_mul(bytes),
            Self::Look | Self::Change => THIRDS * METADATA,
        }
    }

    fn metered(self) -> Minute {
        let mut minute = Minute::default();
        match self {
            Self::Read(bytes) => {
                minute.read_bytes = bytes;
                minute.reads = bytes.div_ceil(OPERATION);
            }
            Self::Write(bytes) => {
                minute.write_bytes = bytes;
                minute.writes = bytes.div_ceil(OPERATION);
            }
            Self::Look | Self::Change => {
                minute.metadata_bytes = METADATA;
                minute.metadata = 1;
            }
        }
        minute
    }

    /// The shortest time in which one client moves the bytes.
    fn on_the_wire(self) -> Duration {
        match self {
            Self::Read(bytes) | Self::Write(bytes) => {
                let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(CLIENT);
                Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
            }
            Self::Look | Self::Change => Duration::ZERO,
        }
    }
}

/// A filesystem that serves.
#[derive(Debug, Clone)]
pub struct Share {
    throughput: Throughput,
    meter: Meter,
    /// Its state changed since it was taken out to be written.
    changed: bool,
}

impl Share {
    /// A new one.
    #[must_use]
    pub fn new(made: Timestamp) -> Self {
        Self::restore(Throughput::new(made), Meter::default())
    }

    /// One that was there before.
    #[must_use]
    pub fn restore(throughput: Throughput, meter: Meter) -> Self {
        Self {
            throughput,
            meter,
            changed: false,
        }
    }

    /// Serves a request that comes at `now`, while so many bytes are stored and so many clients connected; tells when
    /// it is done, without the latency.
    pub fn serve(
        &mut self,
        now: Timestamp,
        request: Request,
        stored: u64,
        connections: u64,
    ) -> Timestamp {
        let from = self.throughput.busy_until().max(now);
        let served = self.throughput.serve(now, request.thirds(), stored);
        let record = Minute {
            credits: self.throughput.credits(served, stored),
            permitted: self.throughput.permitted(served, stored),
            connections,
            ..request.metered()
        };
        self.meter.add(from, served, &record);
        self.changed = true;
        let wire = now.checked_add(request.on_the_wire());
        served.max(wire.unwrap_or(Timestamp::MAX))
    }

    /// Its throughput.
    #[must_use]
    pub fn throughput(&self) -> &Throughput {
        &self.throughput
    }

    /// What was metered.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Changes the throughput mode.
    pub fn set_mode(&mut self, mode: Mode) {
        self.changed |= self.throughput.mode() != mode;
        self.throughput.set_mode(mode);
    }

    /// Whether there is anything to be written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        !self.changed && self.meter.is_written()
    }

    /// Takes out what changed since the last time, to be written.
    pub fn take_unwritten(&mut self) -> Option<(Throughput, Vec<(i64, Minute)>)> {
        if self.is_written() {
            return None;
        }
        self.changed = false;
        Some((self.throughput.clone(), self.meter.take_unwritten()))
    }

    /// These could not be written.
    pub fn return_unwritten(&mut self, minutes: impl IntoIterator<Item = i64>) {
        self.changed = true;
        self.meter.return_unwritten(minutes);
    }
}
