//! Volumes and snapshots among the trees. A volume without a tree is blank; a snapshot is a copy of the rows of its
//! volume, which shares all bytes with it, and is never read into memory.

use std::sync::Arc;

use super::super::database::{Sort, add_tree, copy_tree, remove_tree, set_superblock};
use super::super::errno::Errno;
use super::super::identity::Identity;
use super::super::inode::Kind;
use super::super::store::Store;
use super::super::superblock::Superblock;
use super::super::tree::{ROOT, Tree};
use super::{Files, FilesError, Open};

/// Bytes of `files.db` from which on no snapshot is made: each keeps what its volume overwrites, and that takes the
/// learner's disk.
const SNAPSHOTS_UNTIL: u64 = 3 * 1024 * 1024 * 1024;

impl Files {
    /// What the filesystem on a volume says of itself; `None`: the volume is blank.
    pub fn superblock(&self, volume: &str) -> Result<Option<Superblock>, FilesError> {
        let open = self.inner.shared.lock();
        match open.database.find(Sort::Volume, volume)? {
            Some(tree) => open.database.superblock(tree),
            None => Ok(None),
        }
    }

    /// Changes what the filesystem on a volume says of itself; nothing happens where there is none.
    pub fn set_superblock(&self, volume: &str, superblock: &Superblock) -> Result<(), FilesError> {
        let mut open = self.inner.shared.lock();
        let Some(tree) = open.database.find(Sort::Volume, volume)? else {
            return Ok(());
        };
        open.database
            .write(|to| set_superblock(to, tree, superblock))
    }

    /// The files on a volume; `None`: it is blank.
    pub fn volume(&self, volume: &str) -> Result<Option<Arc<Tree>>, FilesError> {
        let mut open = self.inner.shared.lock();
        let key = (Sort::Volume, volume.to_owned());
        if !open.trees.contains_key(&key)
            && let Some(tree) = open.database.find(Sort::Volume, volume)?
            && !self.inner.budget.fits(open.database.held_bytes(tree)?)
        {
            return Err(FilesError::Full(Errno::NoMemory));
        }
        self.inner.load(&mut open, Sort::Volume, volume)
    }

    /// Makes a filesystem on a volume; what was there is forgotten.
    pub fn format(&self, volume: &str, superblock: &Superblock) -> Result<(), FilesError> {
        let tree = Tree::volatile(volume, 0o755, superblock.made).on(Store::volume());
        let made = tree.make(
            &Identity::ROOT,
            ROOT,
            "lost+found",
            Kind::directory(),
            0o700,
            superblock.made,
        );
        made.map_err(FilesError::Full)?;
        let mut open = self.inner.shared.lock();
        self.inner
            .adopt(&mut open, Sort::Volume, tree, Some(superblock))
            .map(drop)
    }

    /// Makes a volume blank.
    pub fn wipe(&self, volume: &str) -> Result<(), FilesError> {
        self.inner.shared.lock().delete(Sort::Volume, volume)
    }

    /// Keeps what is on a volume now as a snapshot, in place of an older one of the same name. Answers with the bytes of
    /// its blocks that hold something.
    pub fn snapshot(&self, volume: &str, snapshot: &str) -> Result<u64, FilesError> {
        let mut open = self.inner.shared.lock();
        if open.database.size()? > SNAPSHOTS_UNTIL {
            return Err(FilesError::Full(Errno::NoSpace));
        }
        // Everything up to this moment; the lock keeps the rows as they are then.
        open.flush()?;
        open.copy((Sort::Volume, volume), (Sort::Snapshot, snapshot))?;
        let Some(tree) = open.database.find(Sort::Snapshot, snapshot)? else {
            return Ok(0);
        };
        let own = open.database.superblock(tree)?;
        let own = own.map_or(0, |superblock| superblock.written_at_first());
        Ok(open.database.metered_bytes(tree)? + own)
    }

    /// Puts on a volume what a snapshot has.
    pub fn fill(&self, volume: &str, snapshot: &str) -> Result<(), FilesError> {
        let mut open = self.inner.shared.lock();
        open.copy((Sort::Snapshot, snapshot), (Sort::Volume, volume))
    }

    /// Forgets what is in a volume or a snapshot.
    pub fn forget_content(&self, id: &str) -> Result<(), FilesError> {
        let mut open = self.inner.shared.lock();
        open.delete(Sort::Volume, id)?;
        open.delete(Sort::Snapshot, id)
    }

    /// Gives the memory back that the files of a volume take, if nobody has it mounted. They are on the disk.
    pub fn put_away(&self, volume: &str) -> Result<(), FilesError> {
        let mut open = self.inner.shared.lock();
        let key = (Sort::Volume, volume.to_owned());
        let idle = |open: &Open| {
            let tree = open.trees.get(&key);
            tree.is_some_and(|(_, tree)| Arc::strong_count(tree) == 1)
        };
        if idle(&open) {
            open.flush()?;
            open.trees.remove(&key);
        }
        Ok(())
    }
}

impl Open {
    /// Makes one tree what another is; a blank one makes it blank. Nothing of the second may be in use.
    fn copy(&mut self, from: (Sort, &str), into: (Sort, &str)) -> Result<(), FilesError> {
        let source = self.database.find(from.0, from.1)?;
        let old = self.database.find(into.0, into.1)?;
        self.database.write(|to| {
            if let Some(old) = old {
                remove_tree(to, old)?;
            }
            if let Some(source) = source {
                let tree = add_tree(to, into.0, into.1)?;
                copy_tree(to, source, tree)?;
            }
            Ok(())
        })?;
        if let Some((_, tree)) = self.trees.remove(&(into.0, into.1.to_owned())) {
            tree.forget_changes();
        }
        Ok(())
    }
}
