//! All trees of the account, durable in `files.db`.
//!
//! What changes in a tree is written by one thread, at the latest a second later; deletions, new disks and notes are
//! written before the call returns. One transaction holds the changes of all trees, each as of one moment.

mod volumes;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;

use super::budget::Budget;
use super::changes::Alarm;
pub use super::database::FilesError;
use super::database::{
    Database, Sort, add_tree, delete_note, remove_tree, set_note, set_superblock, store,
};
use super::errno::Outcome;
use super::inode::metered;
use super::performance::{Mode, Share};
use super::store::Store;
use super::superblock::Superblock;
use super::tree::{Limits, Tree};

/// How long changes gather before they are written. With the time to write them it must stay within the second that
/// the account promises.
const GATHER: Duration = Duration::from_millis(500);

/// What all trees of the account hold together at most: a laptop has room for it beside its other work.
const BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// All trees of the account. Clones share them.
#[derive(Clone)]
pub struct Files {
    inner: Arc<Inner>,
}

/// Ends the flusher, and writes the rest, with the last clone.
struct Inner {
    shared: Arc<Shared>,
    flusher: Option<JoinHandle<()>>,
    budget: Arc<Budget>,
    born: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

struct Shared {
    open: Mutex<Open>,
    bell: Arc<Bell>,
}

/// The database, and the trees that were used since it was opened.
struct Open {
    database: Database,
    trees: BTreeMap<(Sort, String), (i64, Arc<Tree>)>,
}

/// Tells the flusher what there is to do.
#[derive(Default)]
struct Bell {
    state: Mutex<BellState>,
    rung: Condvar,
}

#[derive(Default)]
struct BellState {
    changes: bool,
    /// What there is need not gather.
    hurry: bool,
    stop: bool,
}

impl Files {
    /// Opens `files.db` below this directory, or makes it; starts the flusher (dirty inodes reach the disk within a second).
    pub fn open(directory: &Path) -> Result<Self, FilesError> {
        Self::open_at(directory, Arc::new(Timestamp::now))
    }

    /// The same, with the clock that tells when a new tree's root was made.
    pub fn open_at(
        directory: &Path,
        born: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Result<Self, FilesError> {
        let shared = Arc::new(Shared {
            open: Mutex::new(Open {
                database: Database::open(directory)?,
                trees: BTreeMap::new(),
            }),
            bell: Arc::default(),
        });
        let flusher = std::thread::Builder::new()
            .name("files.db".to_owned())
            .spawn({
                let shared = shared.clone();
                move || shared.flush_on_changes()
            })
            .map_err(FilesError::Thread)?;
        Ok(Self {
            inner: Arc::new(Inner {
                shared,
                flusher: Some(flusher),
                budget: Budget::new(BYTES_MAX),
                born,
            }),
        })
    }

    /// The filesystem of this id (`fs-…`); made empty (root owned by root, 0755) when there is none yet.
    pub fn share(&self, id: &str) -> Result<Arc<Tree>, FilesError> {
        let mut open = self.inner.shared.lock();
        match self.inner.load(&mut open, Sort::Share, id)? {
            Some(tree) => Ok(tree),
            None => self
                .inner
                .adopt(&mut open, Sort::Share, self.inner.empty(id), None),
        }
    }

    /// Throughput and meter of a filesystem as of this moment.
    pub fn traffic(&self, id: &str) -> Result<Option<Share>, FilesError> {
        let mut open = self.inner.shared.lock();
        let tree = self.inner.load(&mut open, Sort::Share, id)?;
        Ok(tree.and_then(|tree| tree.share()))
    }

    /// Changes the throughput mode of a filesystem.
    pub fn set_throughput_mode(&self, id: &str, mode: Mode) -> Result<(), FilesError> {
        self.share(id)?.set_throughput_mode(mode);
        Ok(())
    }

    /// Forgets a filesystem.
    pub fn delete_share(&self, id: &str) -> Result<(), FilesError> {
        self.inner.shared.lock().delete(Sort::Share, id)
    }

    /// What a filesystem is metered at, in bytes; an empty one when there is none of this id.
    #[must_use]
    pub fn metered_bytes(&self, id: &str) -> u64 {
        let open = self.inner.shared.lock();
        if let Some((_, tree)) = open.trees.get(&(Sort::Share, id.to_owned())) {
            return tree.metered_bytes();
        }
        let stored = || match open.database.find(Sort::Share, id)? {
            Some(tree) => open.database.metered_bytes(tree),
            None => Ok(metered(0)),
        };
        stored().unwrap_or_else(|error| {
            tracing::warn!(%error, id, "the size of a filesystem is not known");
            metered(0)
        })
    }

    /// The root disk of this instance, if it has one.
    pub fn disk(&self, instance_id: &str) -> Result<Option<Arc<Tree>>, FilesError> {
        let mut open = self.inner.shared.lock();
        self.inner.load(&mut open, Sort::Disk, instance_id)
    }

    /// A root disk with the content of an image, as the image is now; an older disk is forgotten.
    pub fn create_disk_from(
        &self,
        instance_id: &str,
        image: &Tree,
    ) -> Result<Arc<Tree>, FilesError> {
        let disk = image.fork(instance_id).on(Store::volume());
        let mut open = self.inner.shared.lock();
        self.inner.adopt(&mut open, Sort::Disk, disk, None)
    }

    /// A filesystem in memory (`tmpfs`, `proc`), which is never stored but counts with all others.
    pub fn volatile(&self, id: &str, mode: u32, limits: Limits) -> Outcome<Tree> {
        let tree = Tree::limited(id, mode, (self.inner.born)(), limits);
        tree.charge(self.inner.budget.clone())?;
        Ok(tree)
    }

    /// Forgets a disk.
    pub fn delete_disk(&self, instance_id: &str) -> Result<(), FilesError> {
        self.inner.shared.lock().delete(Sort::Disk, instance_id)
    }

    /// Forgets every filesystem, disk, volume and snapshot whose id is not `known`, as kills may leave them.
    pub fn retain(&self, known: impl Fn(&str) -> bool) -> Result<(), FilesError> {
        let mut open = self.inner.shared.lock();
        let trees = open.database.trees()?;
        for (sort, name) in trees.into_iter().filter(|(_, name)| !known(name)) {
            tracing::info!(
                name,
                "files that nothing in the account knows are forgotten"
            );
            open.delete(sort, &name)?;
        }
        Ok(())
    }

    /// A small record kept beside the trees (host specs, ports), written at once.
    pub fn set_note(&self, key: &str, value: &str) -> Result<(), FilesError> {
        let mut open = self.inner.shared.lock();
        open.database.write(|to| set_note(to, key, value))
    }

    /// The record, if there is one.
    pub fn note(&self, key: &str) -> Result<Option<String>, FilesError> {
        self.inner.shared.lock().database.note(key)
    }

    /// Forgets the record.
    pub fn delete_note(&self, key: &str) -> Result<(), FilesError> {
        let mut open = self.inner.shared.lock();
        open.database.write(|from| delete_note(from, key))
    }

    /// All records whose key begins so.
    pub fn notes(&self, prefix: &str) -> Result<Vec<(String, String)>, FilesError> {
        self.inner.shared.lock().database.notes(prefix)
    }

    /// Writes everything that is not written yet; returns when it is on disk.
    pub fn flush(&self) -> Result<(), FilesError> {
        self.inner.shared.lock().flush()
    }

    /// Has what is not written yet written now, without waiting for it.
    pub fn hasten(&self) {
        (self.inner.shared.bell).ring(|state| state.hurry = state.changes);
    }

    /// Ends as a killed process does: what is not written yet is lost.
    #[cfg(test)]
    pub(in crate::practice) fn kill(self) {
        let mut open = self.inner.shared.lock();
        for (_, tree) in std::mem::take(&mut open.trees).into_values() {
            tree.forget_changes();
        }
    }
}

impl Inner {
    /// The tree, if there is one; read from the database at its first use.
    fn load(
        &self,
        open: &mut Open,
        sort: Sort,
        name: &str,
    ) -> Result<Option<Arc<Tree>>, FilesError> {
        let key = (sort, name.to_owned());
        if let Some((_, tree)) = open.trees.get(&key) {
            return Ok(Some(tree.clone()));
        }
        let Some(id) = open.database.find(sort, name)? else {
            return Ok(None);
        };
        let stored = open.database.load(id)?;
        let tree = Arc::new(Tree::restore(
            name,
            sort,
            stored,
            self.alarm(),
            self.budget.clone(),
        )?);
        open.trees.insert(key, (id, tree.clone()));
        Ok(Some(tree))
    }

    fn empty(&self, id: &str) -> Tree {
        let share = Share::new(Timestamp::UNIX_EPOCH);
        Tree::volatile(id, 0o755, (self.born)()).on(Store::share(share))
    }

    /// Takes a new tree in place of whatever had its name; it is on disk before anybody has it.
    fn adopt(
        &self,
        open: &mut Open,
        sort: Sort,
        tree: Tree,
        superblock: Option<&Superblock>,
    ) -> Result<Arc<Tree>, FilesError> {
        tree.charge(self.budget.clone()).map_err(FilesError::Full)?;
        let tree = Arc::new(tree);
        let name = tree.id();
        tree.track(self.alarm());
        let batch = tree.take_changes();
        let old = open.database.find(sort, name)?;
        let id = open.database.write(|to| {
            if let Some(old) = old {
                remove_tree(to, old)?;
            }
            let id = add_tree(to, sort, name)?;
            store(to, id, &batch)?;
            if let Some(superblock) = superblock {
                set_superblock(to, id, superblock)?;
            }
            Ok(id)
        })?;
        let key = (sort, name.to_owned());
        if let Some((_, old)) = open.trees.insert(key, (id, tree.clone())) {
            old.forget_changes();
        }
        Ok(tree)
    }

    fn alarm(&self) -> Alarm {
        let bell = self.shared.bell.clone();
        Arc::new(move || bell.ring(|state| state.changes = true))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.bell.ring(|state| state.stop = true);
        if let Some(flusher) = self.flusher.take()
            && flusher.join().is_err()
        {
            tracing::error!("the thread that writes files.db has panicked");
        }
        if let Err(error) = self.shared.lock().flush() {
            tracing::error!(%error, "the last changes to files are lost");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes changes a moment after they come, until told to stop.
    fn flush_on_changes(&self) {
        while self.bell.wait_for_changes() {
            if let Err(error) = self.lock().flush() {
                // They are kept, and come again with the next ones; at the latest when the account stops.
                tracing::warn!(%error, "changes to files could not be written; trying again");
                self.bell.ring(|state| state.changes = true);
            }
        }
    }
}

impl Open {
    fn flush(&mut self) -> Result<(), FilesError> {
        let mut batches: Vec<_> = self
            .trees
            .values()
            .map(|(id, tree)| (*id, tree.clone(), tree.take_changes()))
            .collect();
        batches.retain(|(_, _, batch)| !batch.is_empty());
        if batches.is_empty() {
            return Ok(());
        }
        let written = self.database.write(|to| {
            batches
                .iter()
                .try_for_each(|(id, _, batch)| store(to, *id, batch))
        });
        if written.is_err() {
            for (_, tree, batch) in batches {
                tree.return_changes(batch);
            }
        }
        written
    }

    fn delete(&mut self, sort: Sort, name: &str) -> Result<(), FilesError> {
        if let Some(id) = self.database.find(sort, name)? {
            self.database.write(|from| remove_tree(from, id))?;
            // It is gone, whether the room comes back or not.
            if let Err(error) = self.database.shrink() {
                tracing::warn!(%error, "files.db did not get smaller");
            }
        }
        // Whoever still has it mounted keeps a tree in memory that is written nowhere.
        if let Some((_, tree)) = self.trees.remove(&(sort, name.to_owned())) {
            tree.forget_changes();
        }
        Ok(())
    }
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, BellState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self, what: impl FnOnce(&mut BellState)) {
        what(&mut self.lock());
        self.rung.notify_all();
    }

    /// Waits until there are changes, then until they have gathered; false: stop.
    fn wait_for_changes(&self) -> bool {
        let quiet = |state: &mut BellState| !state.changes && !state.stop;
        let state = self
            .rung
            .wait_while(self.lock(), quiet)
            .unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .rung
            .wait_timeout_while(state, GATHER, |state| !state.stop && !state.hurry)
            .unwrap_or_else(PoisonError::into_inner);
        state.changes = false;
        state.hurry = false;
        !state.stop
    }
}
