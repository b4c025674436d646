//! One EFS filesystem as its clients feel it: throughput, latency, and the meter. Files do not enter here.

use jiff::Timestamp;

use super::meter::{Meter, Minute, Standing, end_of_minute};
use super::operation::{Operation, Request};
use super::throughput::{Mode, Throughput};

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
    /// it is done, without the latency. Each operation counts in the minute in which it is done.
    pub fn serve(
        &mut self,
        now: Timestamp,
        request: Request,
        stored: u64,
        connections: u64,
    ) -> Timestamp {
        let mut served = now;
        for (operation, count) in request.operations() {
            let mut left = count;
            while left > 0 {
                let (part, at) = self.serve_some(now, operation, left, stored);
                let standing = Standing {
                    at,
                    credits: self.throughput.credits(at, stored),
                    permitted: self.throughput.permitted(at, stored),
                    stored,
                    connections,
                };
                self.meter.add(operation, part, standing);
                self.changed = true;
                served = at;
                left -= part;
            }
        }
        let wire = now.checked_add(request.on_the_wire());
        served.max(wire.unwrap_or(Timestamp::MAX))
    }

    /// Serves as many of these operations as are done within the minute, and one at least: how many, and until when.
    fn serve_some(
        &mut self,
        now: Timestamp,
        operation: Operation,
        most: u64,
        stored: u64,
    ) -> (u64, Timestamp) {
        let begun = self.throughput.busy_until().max(now);
        let thirds = operation.thirds();
        let room = self.throughput.room(now, end_of_minute(begun), stored);
        let part = (room / thirds.max(1)).clamp(1, most);
        let at = self
            .throughput
            .serve(now, thirds.saturating_mul(part), stored);
        (part, at)
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
