//! One filesystem: an inode tree whose operations obey POSIX permissions. It knows no paths beyond one name, no mounts,
//! and not how it is kept.

mod books;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use self::books::{State, file_bytes, owner_only, permit, valid_name};
use super::errno::{Errno, Outcome};
use super::identity::{Access, Identity};
use super::inode::{Attr, Content, Ino, Inode, Kind};

/// The root directory of every tree.
pub const ROOT: Ino = 1;

/// `S_ISGID`: what is created in such a directory inherits its group.
const SETGID: u32 = 0o2000;

/// One filesystem; whoever mounts it shares it.
pub struct Tree {
    id: String,
    state: Mutex<State>,
    /// Called when something becomes dirty; `None` for a tree that lives in memory only.
    dirty: Option<Arc<Notify>>,
}

/// What changed in a tree since it was last asked.
pub(super) struct Changes {
    pub next: Ino,
    pub touched: Vec<(Ino, Inode)>,
    pub gone: Vec<Ino>,
}

impl Tree {
    /// An empty tree that is never written down: its root belongs to root, with this mode.
    #[must_use]
    pub fn volatile(id: impl Into<String>, mode: u32, at: Timestamp) -> Self {
        let mut tree = Self::restore(id.into(), HashMap::new(), ROOT + 1, None);
        tree.plant(mode, at);
        tree
    }

    /// An empty tree that asks to be flushed by `dirty`.
    pub(super) fn durable(id: String, mode: u32, at: Timestamp, dirty: Arc<Notify>) -> Self {
        let mut tree = Self::restore(id, HashMap::new(), ROOT + 1, Some(dirty));
        tree.plant(mode, at);
        tree
    }

    /// A tree as it was written down.
    pub(super) fn restore(
        id: String,
        inodes: HashMap<Ino, Inode>,
        next: Ino,
        dirty: Option<Arc<Notify>>,
    ) -> Self {
        let used = inodes.values().map(|inode| file_bytes(&inode.kind)).sum();
        Self {
            id,
            state: Mutex::new(State {
                inodes,
                next,
                used,
                touched: BTreeSet::new(),
                gone: BTreeSet::new(),
            }),
            dirty,
        }
    }

    fn plant(&mut self, mode: u32, now: Timestamp) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let root = Inode {
            kind: Kind::Directory {
                parent: ROOT,
                entries: BTreeMap::new(),
            },
            uid: 0,
            gid: 0,
            mode,
            links: 2,
            accessed: now,
            modified: now,
            changed: now,
        };
        state.inodes.insert(ROOT, root);
        state.touched.insert(ROOT);
    }

    /// Which filesystem this is: `fs-…` for a share, the instance id for a root disk.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Bytes in regular files.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.lock().used
    }

    /// Number of inodes.
    #[must_use]
    pub fn inode_count(&self) -> u64 {
        self.lock().inodes.len() as u64
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, f: impl FnOnce(&mut State) -> Outcome<T>) -> Outcome<T> {
        let mut state = self.lock();
        let result = f(&mut state);
        let dirty = !(state.touched.is_empty() && state.gone.is_empty());
        drop(state);
        if let Some(notify) = self.dirty.as_ref().filter(|_| dirty) {
            notify.notify_one();
        }
        result
    }

    /// Attributes of an inode.
    pub fn attr(&self, ino: Ino) -> Outcome<Attr> {
        self.lock().get(ino).map(|inode| inode.attr(ino))
    }

    /// Whether `who` may do `access` with the inode.
    pub fn check(&self, who: &Identity, ino: Ino, access: Access) -> Outcome<()> {
        self.lock()
            .get(ino)
            .and_then(|inode| permit(who, inode, access))
    }

    /// The inode of a name in a directory that `who` may pass through.
    pub fn lookup(&self, who: &Identity, dir: Ino, name: &str) -> Outcome<Ino> {
        let state = self.lock();
        permit(who, state.get(dir)?, Access::Execute)?;
        state.entry(dir, name)
    }

    /// The directory that `dir` is in.
    pub fn parent(&self, dir: Ino) -> Outcome<Ino> {
        match &self.lock().get(dir)?.kind {
            Kind::Directory { parent, .. } => Ok(*parent),
            _ => Err(Errno::NotDirectory),
        }
    }

    /// Names in a directory with their attributes, in the order of the names.
    pub fn list(&self, who: &Identity, dir: Ino) -> Outcome<Vec<(String, Attr)>> {
        let state = self.lock();
        let inode = state.get(dir)?;
        let Kind::Directory { entries, .. } = &inode.kind else {
            return Err(Errno::NotDirectory);
        };
        permit(who, inode, Access::Read)?;
        entries
            .iter()
            .map(|(name, ino)| Ok((name.clone(), state.get(*ino)?.attr(*ino))))
            .collect()
    }

    /// Makes a new inode under a name that is still free. `mode` is final: the umask has been applied.
    pub fn create(
        &self,
        who: &Identity,
        now: Timestamp,
        dir: Ino,
        name: &str,
        kind: Kind,
        mode: u32,
    ) -> Outcome<Ino> {
        self.change(|state| {
            valid_name(name)?;
            let parent = state.get(dir)?;
            let Kind::Directory { entries, .. } = &parent.kind else {
                return Err(Errno::NotDirectory);
            };
            permit(who, parent, Access::Execute)?;
            if entries.contains_key(name) {
                return Err(Errno::Exists);
            }
            permit(who, parent, Access::Write)?;
            let inherited = parent.mode & SETGID != 0;
            let gid = if inherited { parent.gid } else { who.gid };
            let (kind, mode, links) = match kind {
                Kind::Directory { .. } => {
                    let kind = Kind::Directory {
                        parent: dir,
                        entries: BTreeMap::new(),
                    };
                    (kind, mode | if inherited { SETGID } else { 0 }, 2)
                }
                other => (other, mode, 1),
            };
            let ino = state.next;
            state.next += 1;
            state.used += file_bytes(&kind);
            let inode = Inode {
                kind,
                uid: who.uid,
                gid,
                mode,
                links,
                accessed: now,
                modified: now,
                changed: now,
            };
            let is_directory = matches!(inode.kind, Kind::Directory { .. });
            state.inodes.insert(ino, inode);
            state.touched.insert(ino);
            state.add_entry(dir, name, ino, is_directory, now)?;
            Ok(ino)
        })
    }

    /// Gives an inode that is not a directory one more name.
    pub fn link(
        &self,
        who: &Identity,
        now: Timestamp,
        ino: Ino,
        dir: Ino,
        name: &str,
    ) -> Outcome<()> {
        self.change(|state| {
            valid_name(name)?;
            if matches!(state.get(ino)?.kind, Kind::Directory { .. }) {
                return Err(Errno::NotPermitted);
            }
            permit(who, state.get(dir)?, Access::Execute)?;
            if state.entry(dir, name).is_ok() {
                return Err(Errno::Exists);
            }
            permit(who, state.get(dir)?, Access::Write)?;
            state.add_entry(dir, name, ino, false, now)?;
            let inode = state.touch(ino)?;
            inode.links += 1;
            inode.changed = now;
            Ok(())
        })
    }

    /// Content of a file, pipe or device.
    pub fn read(&self, who: &Identity, ino: Ino) -> Outcome<Content> {
        let generator = {
            let state = self.lock();
            let inode = state.get(ino)?;
            if matches!(inode.kind, Kind::Directory { .. }) {
                return Err(Errno::IsDirectory);
            }
            permit(who, inode, Access::Read)?;
            match &inode.kind {
                Kind::File(content) | Kind::Fifo(content) => return Ok(content.clone()),
                Kind::Symlink(_) => return Err(Errno::Loop),
                Kind::Directory { .. } => return Err(Errno::IsDirectory),
                Kind::Generated(generator) | Kind::Device(generator) => Arc::clone(generator),
            }
        };
        // Unlocked: what it generates may look at this tree.
        Ok(generator().into())
    }

    /// Replaces the content of a file.
    pub fn write(&self, who: &Identity, now: Timestamp, ino: Ino, bytes: &[u8]) -> Outcome<()> {
        self.put(who, now, ino, |content| *content = bytes.to_vec().into())
    }

    /// Adds to the content of a file.
    pub fn append(&self, who: &Identity, now: Timestamp, ino: Ino, bytes: &[u8]) -> Outcome<()> {
        self.put(who, now, ino, |content| content.append(bytes))
    }

    fn put(
        &self,
        who: &Identity,
        now: Timestamp,
        ino: Ino,
        f: impl FnOnce(&mut Content),
    ) -> Outcome<()> {
        self.change(|state| {
            let inode = state.get(ino)?;
            if matches!(inode.kind, Kind::Directory { .. }) {
                return Err(Errno::IsDirectory);
            }
            permit(who, inode, Access::Write)?;
            if matches!(inode.kind, Kind::Device(_)) {
                return Ok(());
            }
            let before = file_bytes(&inode.kind);
            let inode = state.touch(ino)?;
            match &mut inode.kind {
                Kind::File(content) | Kind::Fifo(content) => f(content),
                Kind::Generated(_) => return Err(Errno::Access),
                Kind::Symlink(_) => return Err(Errno::Loop),
                Kind::Directory { .. } | Kind::Device(_) => return Err(Errno::IsDirectory),
            }
            inode.modified = now;
            inode.changed = now;
            // A writer who is not root takes the set-id bits away (POSIX `write`).
            if !who.is_root() {
                inode.mode &= 0o1777;
            }
            let after = file_bytes(&inode.kind);
            state.used = state.used + after - before;
            Ok(())
        })
    }

    /// Target of a symbolic link.
    pub fn read_link(&self, ino: Ino) -> Outcome<String> {
        match &self.lock().get(ino)?.kind {
            Kind::Symlink(target) => Ok(target.clone()),
            _ => Err(Errno::Invalid),
        }
    }

    /// Removes a name. A directory must be empty, unless `recursive`: then what is in it goes first, as far as `who` may.
    pub fn remove(
        &self,
        who: &Identity,
        now: Timestamp,
        dir: Ino,
        name: &str,
        recursive: bool,
    ) -> Outcome<()> {
        self.change(|state| state.remove(who, dir, name, recursive, now))
    }

    /// Moves a name within this tree; what the new name was of is replaced, if the types allow it.
    pub fn rename(
        &self,
        who: &Identity,
        now: Timestamp,
        from: (Ino, &str),
        to: (Ino, &str),
    ) -> Outcome<()> {
        self.change(|state| {
            valid_name(to.1)?;
            let ino = state.entry(from.0, from.1)?;
            state.may_remove(who, from.0, ino)?;
            permit(who, state.get(to.0)?, Access::Execute)?;
            permit(who, state.get(to.0)?, Access::Write)?;
            let moving_dir = matches!(state.get(ino)?.kind, Kind::Directory { .. });
            if moving_dir && state.is_within(to.0, ino) {
                return Err(Errno::Invalid);
            }
            if let Ok(existing) = state.entry(to.0, to.1) {
                if existing == ino {
                    return Ok(());
                }
                match (&state.get(existing)?.kind, moving_dir) {
                    (Kind::Directory { .. }, false) => return Err(Errno::IsDirectory),
                    (Kind::Directory { entries, .. }, true) if !entries.is_empty() => {
                        return Err(Errno::NotEmpty);
                    }
                    (Kind::Directory { .. }, true) | (_, false) => {}
                    (_, true) => return Err(Errno::NotDirectory),
                }
                state.remove(who, to.0, to.1, false, now)?;
            }
            state.drop_entry(from.0, from.1, moving_dir, now)?;
            state.add_entry(to.0, to.1, ino, moving_dir, now)?;
            let inode = state.touch(ino)?;
            inode.changed = now;
            if let Kind::Directory { parent, .. } = &mut inode.kind {
                *parent = to.0;
            }
            Ok(())
        })
    }

    /// Changes the permission bits; only the owner and root may.
    pub fn set_mode(&self, who: &Identity, now: Timestamp, ino: Ino, mode: u32) -> Outcome<()> {
        self.change(|state| {
            let inode = state.get(ino)?;
            owner_only(who, inode)?;
            let keeps_setgid = who.is_root() || who.in_group(inode.gid);
            let inode = state.touch(ino)?;
            inode.mode = mode & if keeps_setgid { 0o7777 } else { 0o5777 };
            inode.changed = now;
            Ok(())
        })
    }

    /// Changes owner and group: root any, an owner the group to one of his own.
    pub fn set_owner(
        &self,
        who: &Identity,
        now: Timestamp,
        ino: Ino,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> Outcome<()> {
        self.change(|state| {
            let inode = state.get(ino)?;
            if !who.is_root() {
                let same_uid = uid.is_none_or(|uid| uid == inode.uid);
                let own_gid = gid.is_none_or(|gid| gid == inode.gid || who.in_group(gid));
                if who.uid != inode.uid || !same_uid || !own_gid {
                    return Err(Errno::NotPermitted);
                }
            }
            let directory = matches!(inode.kind, Kind::Directory { .. });
            let inode = state.touch(ino)?;
            inode.uid = uid.unwrap_or(inode.uid);
            inode.gid = gid.unwrap_or(inode.gid);
            if !directory && !who.is_root() {
                inode.mode &= 0o1777;
            }
            inode.changed = now;
            Ok(())
        })
    }

    /// Sets access and modification times; the owner may always, others (to now) if they may write.
    pub fn set_times(
        &self,
        who: &Identity,
        now: Timestamp,
        ino: Ino,
        accessed: Option<Timestamp>,
        modified: Option<Timestamp>,
    ) -> Outcome<()> {
        self.change(|state| {
            let inode = state.get(ino)?;
            if owner_only(who, inode).is_err() {
                permit(who, inode, Access::Write)?;
            }
            let inode = state.touch(ino)?;
            inode.accessed = accessed.unwrap_or(inode.accessed);
            inode.modified = modified.unwrap_or(inode.modified);
            inode.changed = now;
            Ok(())
        })
    }

    /// A tree of the same content under another name: inodes are copied, file bytes shared until somebody writes.
    pub(super) fn fork(&self, id: String, dirty: Option<Arc<Notify>>) -> Self {
        let state = self.lock();
        let copy = Self::restore(id, state.inodes.clone(), state.next, dirty);
        drop(state);
        {
            let mut fresh = copy.lock();
            fresh.touched = fresh.inodes.keys().copied().collect();
        }
        copy
    }

    /// Takes what is to be written down; what fails to be must be given back with [`Tree::give_back`].
    pub(super) fn take_changes(&self) -> Option<Changes> {
        let mut state = self.lock();
        if state.touched.is_empty() && state.gone.is_empty() {
            return None;
        }
        let touched = std::mem::take(&mut state.touched);
        let gone = std::mem::take(&mut state.gone);
        Some(Changes {
            next: state.next,
            touched: touched
                .into_iter()
                .filter_map(|ino| Some((ino, state.inodes.get(&ino)?.clone())))
                .collect(),
            gone: gone.into_iter().collect(),
        })
    }

    /// Marks as changed again what could not be written down.
    pub(super) fn give_back(&self, changes: &Changes) {
        let mut state = self.lock();
        for (ino, _) in &changes.touched {
            if state.inodes.contains_key(ino) {
                state.touched.insert(*ino);
            }
        }
        state.gone.extend(&changes.gone);
    }
}

#[cfg(test)]
mod tests;
