//! What a tree is stored on, and how long it takes there. How a host caches does not enter here.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::performance::{Device, Minute, Mode, Request, Share, Throughput};
use super::tree::Tree;

/// From when a volume has a request until it is done, beside the time of the transfer (estimate: gp3 is documented as
/// "single-digit milliseconds"; half of one is what one sees).
const VOLUME_LATENCY: Duration = Duration::from_micros(500);

/// What a tree is stored on.
pub(super) enum Store {
    /// Memory: nothing takes time.
    Memory,
    /// EFS.
    Share(Box<Mutex<Share>>),
    /// A gp3 volume.
    Volume(Mutex<Device>),
}

impl Store {
    /// EFS, with what is known of it.
    pub fn share(share: Share) -> Self {
        Self::Share(Box::new(Mutex::new(share)))
    }

    /// An idle volume.
    pub fn volume() -> Self {
        Self::Volume(Mutex::new(Device::new(Timestamp::UNIX_EPOCH)))
    }
}

/// When something is done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Served {
    /// All bytes are where they belong.
    pub at: Timestamp,
    /// What somebody who waits for the answer waits longer.
    pub latency: Duration,
    /// Whether a client that is not told to waits for what it writes.
    pub remote: bool,
}

/// What of a share is to be written: its throughput, and minutes of its meter.
pub(super) type Traffic = (Throughput, Vec<(i64, Minute)>);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tree {
    /// Whether what is read and written takes time.
    pub(super) fn takes_time(&self) -> bool {
        !matches!(self.store, Store::Memory)
    }

    /// Whether it is EFS, where names and attributes are asked for over the network.
    pub(super) fn is_share(&self) -> bool {
        matches!(self.store, Store::Share(_))
    }

    /// Serves a request that comes at this time; `None`: it takes none.
    pub(super) fn serve(&self, at: Timestamp, request: Request) -> Option<Served> {
        match &self.store {
            Store::Memory => None,
            Store::Volume(device) => {
                let bytes = match request {
                    Request::Read(bytes) | Request::Write(bytes) => bytes,
                    // The host knows names and attributes, and keeps a log of their changes.
                    Request::Look | Request::Change => return None,
                };
                Some(Served {
                    at: locked(device).serve(at, bytes),
                    latency: VOLUME_LATENCY,
                    remote: false,
                })
            }
            Store::Share(share) => {
                let stored = self.metered_bytes();
                let mut share = locked(share);
                let written = share.is_written();
                let served = Served {
                    at: share.serve(at, request, stored, self.connections()),
                    latency: request.latency(),
                    remote: true,
                };
                drop(share);
                if written {
                    self.seen().alarm();
                }
                Some(served)
            }
        }
    }

    /// Everything written so far is stored by then, with the time of the answer.
    pub(super) fn stored_by(&self, at: Timestamp) -> Option<Served> {
        let (busy, latency) = match &self.store {
            Store::Memory => return None,
            Store::Volume(device) => (locked(device).busy_until(), VOLUME_LATENCY),
            // A client has waited for what it wrote; only the answer is missing.
            Store::Share(_) => (at, Request::Write(0).latency()),
        };
        Some(Served {
            at: busy.max(at),
            latency,
            remote: matches!(self.store, Store::Share(_)),
        })
    }

    /// EFS behind this tree, as of this moment: throughput and meter; `None`: it is no share.
    #[must_use]
    pub fn share(&self) -> Option<Share> {
        match &self.store {
            Store::Share(share) => Some(locked(share).clone()),
            _ => None,
        }
    }

    /// Changes the throughput mode of a share.
    pub fn set_throughput_mode(&self, mode: Mode) {
        if let Store::Share(share) = &self.store {
            locked(share).set_mode(mode);
            self.seen().alarm();
        }
    }

    /// Has this share write so much at this time; for tests, which cannot wait for so many bytes.
    #[cfg(test)]
    pub fn spend(&self, at: Timestamp, bytes: u64) -> Timestamp {
        let served = self.serve(at, Request::Write(bytes));
        served.map_or(at, |served| served.at)
    }

    pub(super) fn take_traffic(&self) -> Option<Traffic> {
        match &self.store {
            Store::Share(share) => locked(share).take_unwritten(),
            _ => None,
        }
    }

    pub(super) fn return_traffic(&self, traffic: &Traffic) {
        if let Store::Share(share) = &self.store {
            locked(share).return_unwritten(traffic.1.iter().map(|(minute, _)| *minute));
        }
    }
}
