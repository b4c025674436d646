//! The time that reading and writing take whoever uses a view. How fast a share or a volume is does not enter here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::View;
use crate::practice::storage::content::Content;
use crate::practice::storage::errno::Outcome;
use crate::practice::storage::gate::Patience;
use crate::practice::storage::inode::{Ino, NodeType};
use crate::practice::storage::mounts::Mounted;
use crate::practice::storage::performance::Request;
use crate::practice::storage::walk::{Found, Last};

/// Bytes a second that a small machine moves in its memory (estimate).
const MEMORY: u64 = 4 << 30;
/// How far a volume may be behind with what programs have written before they must wait: a fifth of the memory of a
/// t3.micro (`vm.dirty_ratio`), at the rate of the volume.
const BEHIND: Duration = Duration::from_millis(1500);

/// How far reading ahead and writing behind hide what a program does between two blocks (a window of 15 `rsize`, the
/// kernel's for NFS, at the rate of one client).
const AHEAD: Duration = Duration::from_millis(30);

/// How bytes are read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A file is opened, read or written, and closed.
    Whole,
    /// One block after the other, read ahead and written behind.
    Stream,
    /// Past the cache, waiting for each block (`O_DIRECT`).
    Direct,
    /// Through the cache, waiting until each block is stored (`O_SYNC`).
    Stored,
}

/// What whoever uses a view has waited for so far.
#[derive(Debug)]
pub(super) struct Line {
    due: Timestamp,
    /// Until when the server, or the volume, is at work on what was streamed.
    streamed: Timestamp,
    /// Only the time of what is done here counts: the program's own computing goes on beside it.
    alone: bool,
}

/// What was done with the bytes of a file.
#[derive(Debug, Clone, Copy)]
enum Moved {
    Read,
    Written,
}

impl View {
    /// The same, taking the time that reading and writing take: [`View::settle`] waits for it.
    #[must_use]
    pub fn timed(mut self, patience: Arc<dyn Patience>) -> Self {
        self.patience = Some(patience);
        let (due, alone) = (self.now(), false);
        self.line = Some(Arc::new(Mutex::new(Line::new(due, alone))));
        self
    }

    /// The same for one program that does nothing else: what it computes takes no time.
    #[must_use]
    pub fn timed_alone(mut self) -> Self {
        let (due, alone) = (self.now(), true);
        self.line = Some(Arc::new(Mutex::new(Line::new(due, alone))));
        self
    }

    /// When everything done so far is done, in account time; `None`: it takes no time.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        Some(self.line()?.due)
    }

    /// Waits until everything done so far is done.
    pub async fn settle(&self) {
        let owed = self.owed();
        if let Some(patience) = self.patience.as_ref().filter(|_| !owed.is_zero()) {
            patience.sleep(owed).await;
        }
    }

    /// The time that this user has waited elsewhere has passed for what comes next.
    pub(super) fn was_held_up(&self) {
        let now = self.now();
        if let Some(mut line) = self.line() {
            line.due = line.due.max(now);
        }
    }

    /// How long to wait until everything done so far is done.
    #[must_use]
    pub fn owed(&self) -> Duration {
        let owed = self.due().map(|due| due.duration_since(self.now()));
        owed.and_then(|owed| Duration::try_from(owed).ok())
            .unwrap_or_default()
    }

    fn line(&self) -> Option<MutexGuard<'_, Line>> {
        let line = self.line.as_ref()?;
        Some(line.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Content of what is there, not read yet: [`View::read_part`] tells what of it is.
    pub fn open(&self, path: &str) -> Outcome<Content> {
        self.at(path, Last::Follow, |found| {
            let content = found.mount.spec.tree.read(&self.identity, found.ino)?;
            self.ask(&found.mount, Request::Look);
            Ok(content)
        })
    }

    /// Takes the time of reading a part of a file.
    pub fn read_part(&self, path: &str, from: u64, len: u64, manner: Manner) -> Outcome<()> {
        self.at(path, Last::Follow, |found| {
            self.moved(found, Moved::Read, from, len, manner);
            Ok(())
        })
    }

    /// Puts content in the place of what is at this byte of a file that is there.
    pub fn overwrite(
        &self,
        path: &str,
        from: u64,
        content: &Content,
        manner: Manner,
    ) -> Outcome<()> {
        self.at(path, Last::Follow, |found| {
            let Found { mount, ino } = found.writable()?;
            let tree = &mount.spec.tree;
            tree.overwrite(&self.identity, *ino, from, content, self.now())?;
            self.moved(found, Moved::Written, from, content.len(), manner);
            Ok(())
        })
    }

    /// Waits until what was written to a file is stored (`fsync`).
    pub fn flush(&self, path: &str) -> Outcome<()> {
        self.at(path, Last::Follow, |found| {
            if let Some(mut line) = self.line() {
                let start = line.start(self.now());
                if let Some(stored) = found.mount.spec.tree.stored_by(start) {
                    line.wait(stored.at, stored.latency);
                }
            }
            Ok(())
        })
    }

    /// Gives up what the host has cached (`/proc/sys/vm/drop_caches`).
    pub fn drop_caches(&self) {
        self.table.cache().clear();
    }

    /// What was read of a file that is there.
    pub(super) fn was_read(&self, found: &Found, len: u64) {
        self.ask(&found.mount, Request::Look);
        self.moved(found, Moved::Read, 0, len, Manner::Whole);
    }

    /// What was written to a file that is there.
    pub(super) fn was_written(&self, mount: &Arc<Mounted>, ino: Ino, from: u64, len: u64) {
        let found = Found {
            mount: mount.clone(),
            ino,
        };
        self.moved(&found, Moved::Written, from, len, Manner::Whole);
    }

    /// Takes the time of looking at, or changing, names and attributes.
    pub(super) fn ask(&self, mount: &Mounted, request: Request) {
        let Some(mut line) = self.line() else {
            return;
        };
        let start = line.start(self.now());
        if let Some(served) = mount.spec.tree.serve(start, request) {
            line.wait(served.at, served.latency);
        }
    }

    fn moved(&self, found: &Found, what: Moved, from: u64, len: u64, manner: Manner) {
        let tree = &found.mount.spec.tree;
        let file = tree.attr(found.ino);
        let Some(mut line) = self.line() else {
            return;
        };
        // What is no file is made and forgotten in memory.
        let stored =
            tree.takes_time() && file.is_ok_and(|attr| attr.node_type == NodeType::File) && len > 0;
        let start = line.start(self.now());
        line.wait(start, memory(len));
        if !stored {
            return;
        }
        let key = (Arc::as_ptr(tree).addr(), found.ino);
        let version = tree.version(found.ino);
        let mut cache = self.table.cache();
        let request = match what {
            Moved::Read if manner == Manner::Direct => Request::Read(len),
            Moved::Read => match cache.read(key, version, from, len) {
                0 => return,
                missing => Request::Read(missing),
            },
            Moved::Written => {
                if manner == Manner::Direct {
                    cache.forget(key);
                } else {
                    cache.write(key, version.saturating_sub(1), version, from, len);
                }
                Request::Write(len)
            }
        };
        drop(cache);
        let asked = match manner {
            Manner::Stream => line.streamed.max(start.checked_sub(AHEAD).unwrap_or(start)),
            _ => start,
        };
        let Some(served) = tree.serve(asked, request) else {
            return;
        };
        line.streamed = served.at;
        let waits = matches!(manner, Manner::Direct | Manner::Stored);
        match what {
            Moved::Written if !served.remote && !waits => {
                let soon = served.at.checked_sub(BEHIND).unwrap_or(start);
                line.wait(soon, Duration::ZERO);
            }
            _ if waits || manner == Manner::Whole => line.wait(served.at, served.latency),
            _ => line.wait(served.at, Duration::ZERO),
        }
    }
}

impl Line {
    fn new(due: Timestamp, alone: bool) -> Self {
        let streamed = due;
        Self {
            due,
            streamed,
            alone,
        }
    }

    /// When what is done now begins.
    fn start(&mut self, now: Timestamp) -> Timestamp {
        if !self.alone {
            self.due = self.due.max(now);
        }
        self.due
    }

    fn wait(&mut self, until: Timestamp, latency: Duration) {
        let until = until.checked_add(latency).unwrap_or(Timestamp::MAX);
        self.due = self.due.max(until);
    }
}

fn memory(bytes: u64) -> Duration {
    let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(MEMORY);
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}
