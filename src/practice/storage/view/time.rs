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
use crate::practice::storage::performance::{LARGEST, Request};
use crate::practice::storage::tree::Tree;
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
    /// One block after the other, read ahead and written behind: [`View::end_stream`] says when it is over.
    Stream,
    /// Past the cache, waiting for each block (`O_DIRECT`).
    Direct,
    /// Through the cache, waiting until each block is stored (`O_SYNC`).
    Stored,
}

/// A piece as large as a pipe's buffer is followed by the rest, as far as a program copies its input to a file: what the
/// shell's redirections write at a time.
const PIECE: u64 = 4096;

/// What whoever uses a view has waited for so far.
pub(super) struct Line {
    due: Timestamp,
    /// Until when the server, or the volume, is at work on what was streamed.
    streamed: Timestamp,
    /// Of what is streamed, what no operation was sent for yet.
    gathered: Option<Gathered>,
    /// Only the time of what is done here counts: the program's own computing goes on beside it.
    alone: bool,
}

/// What was done with the bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moved {
    Read,
    Written,
}

/// Bytes of a file beside each other that go over the wire together.
struct Gathered {
    tree: Arc<Tree>,
    ino: Ino,
    what: Moved,
    /// Where the next byte belongs.
    end: u64,
    bytes: u64,
}

impl Gathered {
    fn request(&self, bytes: u64) -> Request {
        match self.what {
            Moved::Read => Request::Read(bytes),
            Moved::Written => Request::Write(bytes),
        }
    }

    fn is_of(&self, tree: &Arc<Tree>, ino: Ino) -> bool {
        Arc::ptr_eq(&self.tree, tree) && self.ino == ino
    }
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

    /// Waits until everything done so far is done, if that takes longer than this.
    pub async fn settle(&self, longer_than: Duration) {
        let owed = self.owed();
        if let Some(patience) = self.patience.as_ref().filter(|_| owed > longer_than) {
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

    /// Takes the time of reading a part of what a filesystem is stored on, past the filesystem.
    pub fn read_device(&self, tree: &Arc<Tree>, from: u64, len: u64) {
        let now = self.now();
        if let Some(mut line) = self.line() {
            let start = line.start(now);
            line.wait(start, memory(len));
            if tree.takes_time() {
                // No file has this number.
                line.gather(start, (tree, 0), Moved::Read, from, len, len);
            }
        }
    }

    /// Takes the time of moving so many bytes from here to there in memory: into a pipe.
    pub fn copied(&self, len: u64) {
        let now = self.now();
        if let Some(mut line) = self.line() {
            let start = line.start(now);
            line.wait(start, memory(len));
        }
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
                let start = line.send(start, Duration::ZERO).max(start);
                if let Some(stored) = found.mount.spec.tree.stored_by(start) {
                    line.wait(stored.at, stored.latency);
                }
            }
            Ok(())
        })
    }

    /// Everything that was streamed is sent: the file is closed.
    pub fn end_stream(&self) {
        if let Some(mut line) = self.line() {
            let start = line.start(self.now());
            line.send(start, Duration::ZERO);
        }
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

    /// What was added at the end of a file that is there: either a file opened, written and closed, or a piece of what
    /// comes through a pipe.
    pub(super) fn was_appended(&self, mount: &Arc<Mounted>, ino: Ino, from: u64, len: u64) {
        let tree = &mount.spec.tree;
        let follows = self.line().is_some_and(|line| {
            let gathered = line.gathered.as_ref();
            gathered.is_some_and(|one| one.is_of(tree, ino) && one.end == from)
        });
        if !follows {
            self.ask(mount, Request::Look);
        }
        let found = Found {
            mount: mount.clone(),
            ino,
        };
        if len == PIECE || follows {
            self.moved(&found, Moved::Written, from, len, Manner::Stream);
        } else {
            self.moved(&found, Moved::Written, from, len, Manner::Whole);
        }
        if follows
            && len < PIECE
            && let Some(mut line) = self.line()
        {
            let start = line.start(self.now());
            line.send(start, Request::Write(0).latency());
        }
    }

    /// Takes the time of asking for the attributes of what is there, unless the host knows them.
    pub(super) fn looked_at(&self, found: &Found) {
        let tree = &found.mount.spec.tree;
        if self.line.is_none() || !tree.is_share() {
            return;
        }
        let directory = tree.attr(found.ino).is_ok_and(|attr| attr.is_dir());
        let inode = (Arc::as_ptr(tree).addr(), found.ino);
        let known = self
            .table
            .cache()
            .attributes
            .knows(inode, directory, self.now());
        if !known {
            self.ask(&found.mount, Request::Look);
        }
    }

    /// Takes the time of looking at, or changing, names and attributes.
    pub(super) fn ask(&self, mount: &Mounted, request: Request) {
        let tree = &mount.spec.tree;
        if !tree.takes_time() {
            return;
        }
        let Some(mut line) = self.line() else {
            return;
        };
        let start = line.start(self.now());
        let start = line.send(start, Request::Write(0).latency()).max(start);
        if let Some(served) = tree.serve(start, request) {
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
        let bytes = match what {
            Moved::Read if manner == Manner::Direct => len,
            Moved::Read => match cache.read(key, version, from, len) {
                0 => return,
                missing => missing,
            },
            Moved::Written => {
                if manner == Manner::Direct {
                    cache.forget(key);
                } else {
                    cache.write(key, version.saturating_sub(1), version, from, len);
                }
                len
            }
        };
        drop(cache);
        if manner == Manner::Stream {
            line.gather(start, (tree, found.ino), what, from, len, bytes);
            return;
        }
        let start = line.send(start, Duration::ZERO).max(start);
        let request = match what {
            Moved::Read => Request::Read(bytes),
            Moved::Written => Request::Write(bytes),
        };
        let Some(served) = tree.serve(start, request) else {
            return;
        };
        if what == Moved::Written && !served.remote && manner == Manner::Whole {
            line.wait(behind(served.at, start), Duration::ZERO);
        } else {
            line.wait(served.at, served.latency);
        }
    }
}

impl Line {
    fn new(due: Timestamp, alone: bool) -> Self {
        let streamed = due;
        Self {
            due,
            streamed,
            gathered: None,
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

    /// Adds what was streamed to what goes over the wire together, and sends as many full operations as there are.
    fn gather(
        &mut self,
        start: Timestamp,
        (tree, ino): (&Arc<Tree>, Ino),
        what: Moved,
        from: u64,
        len: u64,
        bytes: u64,
    ) {
        let follows = |one: &Gathered| one.is_of(tree, ino) && one.what == what && one.end == from;
        if !self.gathered.as_ref().is_some_and(follows) {
            self.send(start, Duration::ZERO);
        }
        let gathered = self.gathered.get_or_insert_with(|| Gathered {
            tree: Arc::clone(tree),
            ino,
            what,
            end: from,
            bytes: 0,
        });
        gathered.end = from.saturating_add(len);
        gathered.bytes += bytes;
        let full = gathered.bytes / LARGEST * LARGEST;
        gathered.bytes -= full;
        if full > 0 {
            let (request, tree) = (gathered.request(full), Arc::clone(tree));
            self.stream(start, &tree, request);
        }
    }

    /// Sends what has gathered, and has whoever waits for the answer wait so much longer; tells until when that is.
    fn send(&mut self, start: Timestamp, latency: Duration) -> Timestamp {
        if let Some(gathered) = self.gathered.take()
            && gathered.bytes > 0
        {
            self.stream(start, &gathered.tree, gathered.request(gathered.bytes));
            if gathered.what == Moved::Written {
                self.wait(self.due, latency);
            }
        }
        self.due
    }

    /// What is streamed is asked for ahead, and written behind.
    fn stream(&mut self, start: Timestamp, tree: &Tree, request: Request) {
        let asked = start.checked_sub(AHEAD).unwrap_or(start);
        let Some(served) = tree.serve(self.streamed.max(asked), request) else {
            return;
        };
        self.streamed = served.at;
        let until = match request {
            Request::Write(_) if !served.remote => behind(served.at, start),
            _ => served.at,
        };
        self.wait(until, Duration::ZERO);
    }
}

impl Drop for Line {
    /// What was written is sent, whatever becomes of the one who wrote it.
    fn drop(&mut self) {
        self.send(self.due, Duration::ZERO);
    }
}

/// Until when somebody waits who has written to a volume that is done at this time.
fn behind(done: Timestamp, start: Timestamp) -> Timestamp {
    done.checked_sub(BEHIND).unwrap_or(start)
}

fn memory(bytes: u64) -> Duration {
    let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(MEMORY);
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}
