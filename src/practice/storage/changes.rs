//! What of a tree is not on disk yet. How it gets there does not enter here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::content::Chunk;
use super::inode::{Ino, Inode, Kind, NodeType};
use super::store::Traffic;
use super::tree::{State, Tree};

/// Called when a tree that was on disk entirely no longer is.
pub(super) type Alarm = Arc<dyn Fn() + Send + Sync>;

/// Inodes and names that changed since the last batch.
pub(super) struct Changes {
    noted: Noted,
    alarm: Alarm,
}

/// What changed, as numbers and names only.
#[derive(Default)]
pub(super) struct Noted {
    /// With the first chunk whose bytes changed, if any did.
    inodes: HashMap<Ino, Option<usize>>,
    names: HashSet<(Ino, String)>,
}

impl Noted {
    fn is_empty(&self) -> bool {
        self.inodes.is_empty() && self.names.is_empty()
    }

    fn add(&mut self, ino: Ino, chunk: Option<usize>) {
        let first = self.inodes.entry(ino).or_default();
        *first = match (*first, chunk) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

/// An inode as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub node_type: NodeType,
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
    /// Of a symbolic link.
    pub target: Option<String>,
    pub accessed: Timestamp,
    pub modified: Timestamp,
    pub changed: Timestamp,
}

/// Chunks that replace whatever was stored from `first` on.
pub(super) struct Bytes {
    /// Of the whole file.
    pub size: u64,
    pub first: usize,
    pub chunks: Vec<Chunk>,
}

/// An inode that changed, with what of its bytes did.
pub(super) type Changed = (Record, Option<Bytes>);

/// The changes of one tree, as of one moment.
#[derive(Default)]
pub(super) struct Batch {
    /// What each changed inode is now; `None`: nothing that is stored.
    pub inodes: Vec<(Ino, Option<Changed>)>,
    /// What each changed name stands for now.
    pub names: Vec<(Ino, String, Option<Ino>)>,
    /// What was metered, if it is a share.
    pub traffic: Option<Traffic>,
    noted: Noted,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.noted.is_empty() && self.traffic.is_none()
    }
}

impl Changes {
    pub fn new(alarm: Alarm) -> Self {
        Self {
            noted: Noted::default(),
            alarm,
        }
    }
}

impl State {
    fn note(&mut self, note: impl FnOnce(&mut Noted)) {
        if let Some(changes) = &mut self.changes {
            let clean = changes.noted.is_empty();
            note(&mut changes.noted);
            if clean {
                (changes.alarm)();
            }
        }
    }

    /// There is something to write, beside what is noted.
    pub fn alarm(&self) {
        if let Some(changes) = &self.changes {
            (changes.alarm)();
        }
    }

    /// Notes that attributes of an inode changed, or that it came or went.
    pub fn mark(&mut self, ino: Ino) {
        self.note(|noted| noted.add(ino, None));
    }

    /// Notes that an inode's content changed from this chunk on.
    pub fn mark_content(&mut self, ino: Ino, chunk: usize) {
        self.note(|noted| noted.add(ino, Some(chunk)));
    }

    /// Notes that a name came, went, or stands for something else.
    pub fn mark_name(&mut self, dir: Ino, name: &str) {
        self.note(|noted| {
            noted.names.insert((dir, name.to_owned()));
        });
    }

    fn stored(&self, ino: Ino) -> Option<&Inode> {
        self.inodes.get(&ino).filter(|inode| {
            !matches!(
                inode.kind,
                Kind::Generated(_)
                    | Kind::Control(_)
                    | Kind::Device(_)
                    | Kind::Full(_)
                    | Kind::Block(_)
            )
        })
    }
}

impl Tree {
    /// Begins to note changes; the whole tree counts as changed.
    pub(super) fn track(&self, alarm: Alarm) {
        let mut state = self.changed();
        state.changes = Some(Changes::new(alarm));
        let inodes: Vec<Ino> = state.inodes.keys().copied().collect();
        for ino in inodes {
            state.mark_content(ino, 0);
            let names: Vec<String> = match state.entries(ino) {
                Ok(entries) => entries.keys().cloned().collect(),
                Err(_) => Vec::new(),
            };
            for name in names {
                state.mark_name(ino, &name);
            }
        }
    }

    /// Stops noting changes: the tree is stored no more.
    pub(super) fn forget_changes(&self) {
        self.changed().changes = None;
    }

    /// Takes out what changed since the last time, all as of this moment.
    pub(super) fn take_changes(&self) -> Batch {
        let mut state = self.changed();
        let Some(changes) = &mut state.changes else {
            return Batch::default();
        };
        let noted = std::mem::take(&mut changes.noted);
        let inodes = noted.inodes.iter().map(|(&ino, &first)| {
            let inode = state.stored(ino);
            (ino, inode.map(|inode| (record(inode), bytes(inode, first))))
        });
        let names = noted.names.iter().map(|(dir, name)| {
            let ino = state.child(*dir, name).ok().flatten();
            let ino = ino.filter(|&ino| state.stored(ino).is_some());
            (*dir, name.clone(), ino)
        });
        Batch {
            inodes: inodes.collect(),
            names: names.collect(),
            traffic: self.take_traffic(),
            noted,
        }
    }

    /// Puts back what could not be stored; the next batch has it again, as it is then.
    pub(super) fn return_changes(&self, batch: Batch) {
        if let Some(traffic) = &batch.traffic {
            self.return_traffic(traffic);
        }
        self.changed().note(|noted| {
            for (ino, first) in batch.noted.inodes {
                noted.add(ino, first);
            }
            noted.names.extend(batch.noted.names);
        });
    }
}

fn record(inode: &Inode) -> Record {
    Record {
        node_type: inode.kind.node_type(),
        uid: inode.uid,
        gid: inode.gid,
        mode: inode.mode,
        target: match &inode.kind {
            Kind::Symlink(target) => Some(target.clone()),
            _ => None,
        },
        accessed: inode.accessed,
        modified: inode.modified,
        changed: inode.changed,
    }
}

/// The bytes of a regular file from a chunk on. Those in a pipe go with the machine, as they do on Linux.
fn bytes(inode: &Inode, first: Option<usize>) -> Option<Bytes> {
    match (&inode.kind, first) {
        (Kind::File(content), Some(first)) => Some(Bytes {
            size: content.len(),
            first,
            chunks: content.chunks_from(first).to_vec(),
        }),
        _ => None,
    }
}
