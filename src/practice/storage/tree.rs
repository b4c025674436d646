//! One filesystem: an inode tree with POSIX permissions. Paths, mounts and users' names stay outside.
//!
//! Every operation takes the tree's lock once, so it happens entirely or not at all, whoever else works in the tree.
//! Entries of directories are changed in `entries`, attributes in `attributes`; here is what they stand on.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;

use super::budget::{Budget, Held};
use super::changes::Changes;
use super::content::{CHUNK, Content, chunk_of};
use super::errno::{Errno, Outcome};
use super::identity::{Access, Identity};
use super::inode::{Attr, Block, Ino, Inode, Kind, metered};
use super::locks::Locks;
use super::store::Store;
use super::superblock::Superblock;

/// The root directory's number.
pub const ROOT: Ino = 1;

/// Largest file, in bytes: that of EFS, 47.9 TiB (<https://docs.aws.amazon.com/efs/latest/ug/limits.html>).
const FILE_MAX: u64 = 52_673_613_135_872;

/// Bytes a named pipe holds before a writer would block; `/proc/sys/fs/pipe-max-size` on Linux.
const PIPE_CAPACITY: u64 = 1024 * 1024;

/// How much one tree may hold, whatever capacity `df` shows: it lives in the program's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of content in memory; zeros take next to none.
    pub bytes: u64,
    /// Inodes, and names.
    pub inodes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 512 * 1024 * 1024,
            inodes: 200_000,
        }
    }
}

/// What is in a tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in regular files.
    pub bytes: u64,
    /// Inodes that are not directories.
    pub files: u64,
    /// Directories, the root too.
    pub directories: u64,
}

/// One filesystem; shared by whoever mounts it.
pub struct Tree {
    id: String,
    state: RwLock<State>,
    /// What it is stored on.
    pub(super) store: Store,
    connections: Arc<()>,
    /// Who holds which file.
    pub(super) locks: Arc<Locks>,
}

/// What the lock guards.
pub(super) struct State {
    pub inodes: HashMap<Ino, Inode>,
    /// Numbers are never given twice, so a number found a moment ago is either still the same inode or gone.
    pub next: Ino,
    /// Names in all directories.
    pub names: u64,
    /// Directories, the root too.
    pub directories: u64,
    /// Bytes in regular files.
    pub used: u64,
    /// What all inodes are metered at.
    pub metered: u64,
    /// Bytes in targets of symbolic links.
    pub linked: u64,
    /// All bytes of content: of pipes and link targets too.
    pub held: Held,
    pub limits: Limits,
    /// Bytes that regular files may have together, zeros too: the size of what it is stored on.
    pub capacity: u64,
    /// Of that, what only root may use.
    pub reserved: u64,
    /// What is not on disk yet; `None` in a tree that is never stored.
    pub changes: Option<Changes>,
}

impl Tree {
    /// An empty tree that lives only in memory (`tmpfs`, `proc`); its root is root's, with this mode.
    #[must_use]
    pub fn volatile(id: impl Into<String>, mode: u32, born: Timestamp) -> Self {
        Self::limited(id, mode, born, Limits::default())
    }

    /// The same, holding at most so much.
    #[must_use]
    pub fn limited(id: impl Into<String>, mode: u32, born: Timestamp, limits: Limits) -> Self {
        let mut state = State::empty(limits);
        state.inodes.insert(ROOT, Inode::root(mode, born));
        state.directories = 1;
        state.metered = metered(0);
        Self::of(id.into(), state)
    }

    /// A tree of the same content, which goes its own way from now on; bytes are shared until somebody writes.
    pub(super) fn fork(&self, id: &str) -> Self {
        let state = self.seen();
        let copy = State {
            inodes: state.inodes.clone(),
            changes: None,
            held: state.held.copy(),
            ..*state
        };
        Self::of(id.to_owned(), copy)
    }

    pub(super) fn of(id: String, state: State) -> Self {
        Self {
            id,
            state: RwLock::new(state),
            store: Store::Memory,
            connections: Arc::default(),
            locks: Arc::default(),
        }
    }

    /// The same, stored on this.
    pub(super) fn on(mut self, store: Store) -> Self {
        self.store = store;
        self
    }

    /// Counts as a connection until it is dropped.
    pub(super) fn connect(&self) -> Arc<()> {
        Arc::clone(&self.connections)
    }

    /// Hosts that have it mounted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        Arc::strong_count(&self.connections).saturating_sub(1) as u64
    }

    /// Changes with the content of a file; 0 when there is none.
    pub(super) fn version(&self, ino: Ino) -> u64 {
        self.seen().get(ino).map_or(0, |inode| inode.version)
    }

    /// Which filesystem it is: `fs-…` for a share, the instance's id for its root disk.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    // A panic while the lock is held would be a bug in this folder alone; what the tree holds is still the best there is.
    pub(super) fn seen(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn changed(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an inode is.
    pub fn attr(&self, ino: Ino) -> Outcome<Attr> {
        Ok(self.seen().get(ino)?.attr(ino))
    }

    /// What a name in a directory stands for; the caller must be able to pass through the directory.
    pub fn lookup(&self, who: &Identity, dir: Ino, name: &str) -> Outcome<Attr> {
        let state = self.seen();
        state.permit(who, Access::Execute, dir)?;
        let ino = state.child(dir, name)?.ok_or(Errno::NotFound)?;
        Ok(state.get(ino)?.attr(ino))
    }

    /// Whether the caller may pass through this directory.
    pub fn pass(&self, who: &Identity, dir: Ino) -> Outcome<()> {
        self.seen().permit(who, Access::Execute, dir)
    }

    /// Whether the caller may do this with an inode.
    pub fn check(&self, who: &Identity, ino: Ino, access: Access) -> Outcome<()> {
        let permitted = self.seen().get(ino)?.permits(who, access);
        permitted.then_some(()).ok_or(Errno::Access)
    }

    /// Whether it is a file made anew at each read.
    pub fn is_generated(&self, ino: Ino) -> Outcome<bool> {
        Ok(matches!(self.seen().get(ino)?.kind, Kind::Generated(_)))
    }

    /// Target of a symbolic link.
    pub fn target(&self, ino: Ino) -> Outcome<String> {
        match &self.seen().get(ino)?.kind {
            Kind::Symlink(target) => Ok(target.clone()),
            _ => Err(Errno::Invalid),
        }
    }

    /// Names in a directory with what they stand for, sorted; needs read and, for the attributes, execute permission.
    pub fn list(&self, who: &Identity, dir: Ino) -> Outcome<Vec<(String, Attr)>> {
        let state = self.seen();
        let entries = state.entries(dir)?;
        state.permit(who, Access::Read, dir)?;
        if !entries.is_empty() {
            state.permit(who, Access::Execute, dir)?;
        }
        entries
            .iter()
            .map(|(name, &ino)| Ok((name.clone(), state.get(ino)?.attr(ino))))
            .collect()
    }

    /// Whole content. What was in a pipe is taken out of it.
    pub fn read(&self, who: &Identity, ino: Ino) -> Outcome<Content> {
        if let Some(block) = self.block(who, Access::Read, ino)? {
            return block.read();
        }
        let generator = {
            let state = self.seen();
            match &state.get(ino)?.kind {
                Kind::Directory { .. } => return Err(Errno::IsDirectory),
                Kind::Symlink(_) => return Err(Errno::Loop),
                Kind::File(content) => {
                    let content = content.clone();
                    state.permit(who, Access::Read, ino)?;
                    return Ok(content);
                }
                Kind::Generated(generator) => {
                    state.permit(who, Access::Read, ino)?;
                    Some(generator.clone())
                }
                Kind::Device(endless) | Kind::Full(endless) => {
                    let endless = endless.clone();
                    state.permit(who, Access::Read, ino)?;
                    return Ok(endless());
                }
                Kind::Fifo(_) => None,
                Kind::Control(_) | Kind::Block(_) => return Err(Errno::Invalid),
            }
        };
        match generator {
            // Made without the lock: a generator may look at this very tree.
            Some(generator) => Ok(generator().into()),
            None => self.drain(who, ino),
        }
    }

    /// The block device that this inode is, if it is one and the caller may do this with it. It is used without the lock:
    /// it may change what is in this very tree.
    fn block(&self, who: &Identity, access: Access, ino: Ino) -> Outcome<Option<Arc<dyn Block>>> {
        let state = self.seen();
        let Kind::Block(block) = &state.get(ino)?.kind else {
            return Ok(None);
        };
        state.permit(who, access, ino)?;
        Ok(Some(Arc::clone(block)))
    }

    fn drain(&self, who: &Identity, ino: Ino) -> Outcome<Content> {
        let mut state = self.changed();
        state.permit(who, Access::Read, ino)?;
        match &mut state.get_mut(ino)?.kind {
            Kind::Fifo(held) => {
                let content = std::mem::take(held);
                state.held.shrink(content.len());
                Ok(content)
            }
            _ => Err(Errno::Invalid),
        }
    }

    /// Replaces the content (a pipe gets it added).
    pub fn write(&self, who: &Identity, ino: Ino, content: Content, now: Timestamp) -> Outcome<()> {
        if let Some(block) = self.block(who, Access::Write, ino)? {
            return block.write(0, &content);
        }
        let mut state = self.changed();
        state.writable(who, ino)?;
        match &state.get(ino)?.kind {
            Kind::File(_) => {
                state.modify(who, ino, now, 0, content.len(), content.held(), |file| {
                    *file = content;
                })
            }
            _ => state.feed(ino, &content, now),
        }
    }

    /// Adds content at the end; tells where that was.
    pub fn append(&self, who: &Identity, ino: Ino, more: &Content, now: Timestamp) -> Outcome<u64> {
        if let Some(block) = self.block(who, Access::Write, ino)? {
            return block.write(0, more).map(|()| 0);
        }
        let mut state = self.changed();
        state.writable(who, ino)?;
        match &state.get(ino)?.kind {
            Kind::File(old) => {
                let (end, tail) = (old.len(), old.tail());
                let held = old.held() + more.held();
                state.modify(who, ino, now, tail, end + more.len(), held, |file| {
                    file.append_content(more);
                })?;
                Ok(end)
            }
            _ => state.feed(ino, more, now).map(|()| 0),
        }
    }

    /// Puts content in the place of what is at this byte of a file; what lies between its end and that becomes zeros.
    pub fn overwrite(
        &self,
        who: &Identity,
        ino: Ino,
        from: u64,
        content: &Content,
        now: Timestamp,
    ) -> Outcome<()> {
        if let Some(block) = self.block(who, Access::Write, ino)? {
            return block.write(from, content);
        }
        let mut state = self.changed();
        state.writable(who, ino)?;
        match &state.get(ino)?.kind {
            Kind::File(old) => {
                let end = from.checked_add(content.len()).ok_or(Errno::TooLarge)?;
                if end > FILE_MAX {
                    return Err(Errno::TooLarge);
                }
                let (len, first) = (old.len().max(end), chunk_of(from.min(old.len())));
                let gap = from.saturating_sub(old.len()) / CHUNK as u64 * 64;
                let held = old.held() + content.held() + gap;
                state.modify(who, ino, now, first, len, held, |file| {
                    file.overwrite(from, content);
                })
            }
            _ => state.feed(ino, content, now),
        }
    }

    /// Makes a file so long.
    pub fn resize(&self, who: &Identity, ino: Ino, len: u64, now: Timestamp) -> Outcome<()> {
        let mut state = self.changed();
        state.writable(who, ino)?;
        let Kind::File(old) = &state.get(ino)?.kind else {
            return Err(Errno::Invalid);
        };
        if len > FILE_MAX {
            return Err(Errno::TooLarge);
        }
        let first = chunk_of(len.min(old.len()));
        let held = old.held() + Content::held_by_zeros(len.saturating_sub(old.len()));
        state.modify(who, ino, now, first, len, held, |file| {
            *file = file.slice(0, len);
            file.append_zeros(len - file.len());
        })
    }

    /// Bytes that its regular files may have together from now on.
    pub(super) fn set_capacity(&self, bytes: u64) {
        self.changed().capacity = bytes;
    }

    /// Gives files the room that this filesystem has for them.
    pub fn set_room(&self, superblock: &Superblock) {
        let mut state = self.changed();
        let own = Superblock::used_at_first() + superblock.kept_bytes();
        state.capacity = superblock.capacity().saturating_sub(own);
        state.reserved = superblock.reserved_bytes();
    }

    /// Bytes in regular files.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.seen().used
    }

    /// What all that is in it is metered at, as EFS counts.
    #[must_use]
    pub fn metered_bytes(&self) -> u64 {
        self.seen().metered
    }

    /// What is in it.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let state = self.seen();
        Usage {
            bytes: state.used,
            files: state.inodes.len() as u64 - state.directories,
            directories: state.directories,
        }
    }

    /// What it may hold.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.seen().limits
    }

    /// Nothing more is made or written in it from now on.
    pub fn seal(&self) {
        self.changed().limits = Limits {
            bytes: 0,
            inodes: 0,
        };
    }

    /// Counts what it holds on a budget, if it fits there.
    pub(super) fn charge(&self, budget: Arc<Budget>) -> Outcome<()> {
        self.changed().held.moved_to(budget)
    }
}

impl State {
    pub fn empty(limits: Limits) -> Self {
        Self {
            inodes: HashMap::new(),
            next: ROOT + 1,
            names: 0,
            directories: 0,
            used: 0,
            metered: 0,
            linked: 0,
            held: Held::default(),
            limits,
            capacity: u64::MAX,
            reserved: 0,
            changes: None,
        }
    }

    pub fn get(&self, ino: Ino) -> Outcome<&Inode> {
        self.inodes.get(&ino).ok_or(Errno::Stale)
    }

    pub fn get_mut(&mut self, ino: Ino) -> Outcome<&mut Inode> {
        self.inodes.get_mut(&ino).ok_or(Errno::Stale)
    }

    pub fn entries(&self, dir: Ino) -> Outcome<&BTreeMap<String, Ino>> {
        match &self.get(dir)?.kind {
            Kind::Directory { entries, .. } => Ok(entries),
            _ => Err(Errno::NotDirectory),
        }
    }

    pub fn entries_mut(&mut self, dir: Ino) -> Outcome<&mut BTreeMap<String, Ino>> {
        match &mut self.get_mut(dir)?.kind {
            Kind::Directory { entries, .. } => Ok(entries),
            _ => Err(Errno::NotDirectory),
        }
    }

    pub fn child(&self, dir: Ino, name: &str) -> Outcome<Option<Ino>> {
        Ok(self.entries(dir)?.get(name).copied())
    }

    pub fn permit(&self, who: &Identity, access: Access, ino: Ino) -> Outcome<()> {
        let inode = self.get(ino)?;
        if access == Access::Execute && !inode.is_dir() {
            // Only directories are passed through.
            return Err(Errno::NotDirectory);
        }
        if inode.permits(who, access) {
            Ok(())
        } else {
            Err(Errno::Access)
        }
    }

    fn writable(&self, who: &Identity, ino: Ino) -> Outcome<()> {
        match self.get(ino)?.kind {
            Kind::Directory { .. } => Err(Errno::IsDirectory),
            Kind::Symlink(_) => Err(Errno::Loop),
            _ => self.permit(who, Access::Write, ino),
        }
    }

    /// Makes room for so many bytes more.
    pub fn grow(&mut self, more: u64) -> Outcome<()> {
        if self.held.bytes().saturating_add(more) > self.limits.bytes {
            return Err(Errno::NoSpace);
        }
        self.held.grow(more)
    }

    /// Whether so many bytes more have room on what it is stored on.
    pub fn fit(&self, who: &Identity, more: u64) -> Outcome<()> {
        let kept = if who.is_root() { 0 } else { self.reserved };
        let room = self.capacity.saturating_sub(kept);
        let fits = self
            .used
            .saturating_add(self.linked)
            .checked_add(more)
            .is_some_and(|used| used <= room);
        // Who adds nothing needs no room.
        (fits || more == 0).then_some(()).ok_or(Errno::NoSpace)
    }

    /// Changes the content of a regular file, from this chunk on: it has `len` bytes afterwards, and holds at most so
    /// many.
    #[allow(
        clippy::too_many_arguments,
        reason = "what changes, and what of it is known before"
    )]
    fn modify(
        &mut self,
        who: &Identity,
        ino: Ino,
        now: Timestamp,
        chunk: usize,
        len: u64,
        held: u64,
        change: impl FnOnce(&mut Content),
    ) -> Outcome<()> {
        let Kind::File(old) = &self.get(ino)?.kind else {
            return Err(Errno::Invalid);
        };
        let (old, before) = (old.len(), old.held());
        self.fit(who, len.saturating_sub(old))?;
        self.grow(held.saturating_sub(before))?;
        let inode = self.get_mut(ino)?;
        let mut after = before;
        if let Kind::File(content) = &mut inode.kind {
            change(content);
            after = content.held();
        }
        if !who.is_root() {
            inode.drop_privileges();
        }
        inode.modified = now;
        inode.changed = now;
        inode.version += 1;
        // A chunk of zeros in which something is written holds more than both did; that much is let through.
        let granted = before.max(held);
        self.held.shrink(granted.saturating_sub(after));
        self.held.admit(after.saturating_sub(granted));
        self.used = self.used - old + len;
        self.metered = self.metered - metered(old) + metered(len);
        self.mark_content(ino, chunk);
        Ok(())
    }

    /// Writes to what is no regular file.
    fn feed(&mut self, ino: Ino, more: &Content, now: Timestamp) -> Outcome<()> {
        let inode = self.get(ino)?;
        match &inode.kind {
            // As most of /proc answers; a writable one (`/proc/sys/vm/drop_caches`) takes it.
            Kind::Generated(_) if inode.mode & 0o222 == 0 => return Err(Errno::Invalid),
            Kind::Fifo(held) => {
                if held.len() + more.len() > PIPE_CAPACITY {
                    return Err(Errno::NoSpace);
                }
                // At most that: zeros hold less.
                self.grow(more.len())?;
            }
            // Who opens it to write writes nothing yet.
            Kind::Full(_) if !more.is_empty() => return Err(Errno::NoSpace),
            Kind::Control(_) if more.is_empty() => return Ok(()),
            Kind::Control(control) => return control(&more.to_vec()),
            _ => return Ok(()),
        }
        let inode = self.get_mut(ino)?;
        inode.modified = now;
        if let Kind::Fifo(held) = &mut inode.kind {
            held.append_content(more);
        }
        Ok(())
    }
}

impl Inode {
    pub fn root(mode: u32, born: Timestamp) -> Self {
        Self {
            kind: Kind::Directory {
                parent: ROOT,
                entries: BTreeMap::new(),
            },
            uid: 0,
            gid: 0,
            mode,
            links: 2,
            accessed: born,
            modified: born,
            changed: born,
            version: 0,
        }
    }

    pub fn is_dir(&self) -> bool {
        matches!(self.kind, Kind::Directory { .. })
    }

    pub fn permits(&self, who: &Identity, access: Access) -> bool {
        who.may(access, self.uid, self.gid, self.mode, self.is_dir())
    }

    /// What changing a program's content or owner takes from it: setuid, and setgid where it is not a lock mark.
    pub fn drop_privileges(&mut self) {
        self.mode &= !0o4000;
        if self.mode & 0o010 != 0 {
            self.mode &= !0o2000;
        }
    }
}
