//! A tree made again from its rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::budget::{Budget, Held};
use super::changes::{Alarm, Changes};
use super::database::{FilesError, Sort, Stored};
use super::inode::{Inode, Kind, NodeType, metered};
use super::performance::{Meter, Share, Throughput};
use super::store::Store;
use super::tree::{Limits, ROOT, State, Tree};

impl Tree {
    /// What was stored, on disk entirely; changes are noted from now on. Counts and links are not stored but counted.
    pub(super) fn restore(
        id: &str,
        sort: Sort,
        stored: Stored,
        alarm: Alarm,
        budget: Arc<Budget>,
    ) -> Result<Self, FilesError> {
        let mut state = State::empty(Limits::default());
        state.held = Held::of(Some(budget));
        for (ino, (record, content)) in stored.inodes {
            let (kind, links) = match record.node_type {
                NodeType::Directory => {
                    let directory = Kind::Directory {
                        parent: ROOT,
                        entries: BTreeMap::new(),
                    };
                    state.directories += 1;
                    (directory, 2)
                }
                NodeType::Symlink => (Kind::Symlink(record.target.unwrap_or_default()), 0),
                NodeType::Fifo => (Kind::Fifo(content), 0),
                NodeType::File | NodeType::Device | NodeType::Block => (Kind::File(content), 0),
            };
            state.used += kind.used();
            state.metered += metered(kind.used());
            state.linked += kind.linked();
            state.held.admit(kind.held());
            state.next = state.next.max(ino + 1);
            let inode = Inode {
                kind,
                uid: record.uid,
                gid: record.gid,
                mode: record.mode,
                links,
                accessed: record.accessed,
                modified: record.modified,
                changed: record.changed,
                version: 0,
            };
            state.inodes.insert(ino, inode);
        }
        let torn = |what: String| FilesError::Corrupt(format!("a tree with {what}"));
        if !state.inodes.get(&ROOT).is_some_and(Inode::is_dir) {
            return Err(torn("no root".to_owned()));
        }
        // With one name each, the way up from any directory that can be reached ends at the root.
        let mut placed = BTreeSet::from([ROOT]);
        for (dir, name, ino) in stored.names {
            let Some(inode) = state.inodes.get_mut(&ino) else {
                return Err(torn(format!(
                    "{name:?} naming inode {ino}, which is not there"
                )));
            };
            let directory = inode.is_dir();
            if directory && !placed.insert(ino) {
                return Err(torn(format!(
                    "a second name, {name:?}, for directory {ino}"
                )));
            }
            match &mut inode.kind {
                Kind::Directory { parent, .. } => *parent = dir,
                _ => inode.links += 1,
            }
            let Some(Inode {
                kind: Kind::Directory { entries, .. },
                links,
                ..
            }) = state.inodes.get_mut(&dir)
            else {
                return Err(torn(format!("{name:?} in {dir}, which is no directory")));
            };
            entries.insert(name, ino);
            *links += u32::from(directory);
            state.names += 1;
        }
        state.changes = Some(Changes::new(alarm));
        let store = match sort {
            Sort::Disk | Sort::Volume | Sort::Snapshot => Store::volume(),
            Sort::Share => {
                let new = || Throughput::new(Timestamp::UNIX_EPOCH);
                let throughput = stored.throughput.unwrap_or_else(new);
                Store::share(Share::restore(throughput, Meter::restore(stored.minutes)))
            }
        };
        Ok(Self::of(id.to_owned(), state).on(store))
    }
}
