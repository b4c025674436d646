//! Making, linking, removing and renaming the entries of directories.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::errno::{Errno, Outcome};
use super::identity::{Access, Identity};
use super::inode::{Attr, Ino, Inode, Kind, metered};
use super::tree::{ROOT, State, Tree};

/// Longest name, in bytes: `NAME_MAX` of Linux.
const NAME_MAX: usize = 255;
/// Longest target of a symbolic link: `PATH_MAX` of Linux less the final zero.
const TARGET_MAX: usize = 4095;
/// Names one inode may have: the limit of ext4.
const LINK_MAX: u32 = 65_000;

/// What becomes of an entry that has the new name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// It is replaced.
    IfThere,
    /// The rename fails: `RENAME_NOREPLACE` of Linux.
    Never,
}

impl Tree {
    /// Makes an entry that is not there yet, owned by the caller; a directory begins empty. `mode` is final but for what
    /// the directory it is made in gives on.
    pub fn make(
        &self,
        who: &Identity,
        dir: Ino,
        name: &str,
        kind: Kind,
        mode: u32,
        now: Timestamp,
    ) -> Outcome<Attr> {
        check_name(name)?;
        let mut state = self.changed();
        state.vacant(who, dir, name)?;
        let kind = fresh(kind, dir)?;
        if state.inodes.len() as u64 >= state.limits.inodes {
            return Err(Errno::NoSpace);
        }
        let parent = state.get(dir)?;
        // A setgid directory gives its group to what is made in it, and itself to directories.
        let inherits = parent.mode & 0o2000 != 0;
        let directory = matches!(kind, Kind::Directory { .. });
        let inode = Inode {
            uid: who.uid,
            gid: if inherits { parent.gid } else { who.gid },
            mode: mode & 0o7777 | if inherits && directory { 0o2000 } else { 0 },
            links: if directory { 2 } else { 1 },
            accessed: now,
            modified: now,
            changed: now,
            version: 1,
            kind,
        };
        state.fit(who, inode.kind.used())?;
        state.grow(inode.kind.held())?;
        let ino = state.next;
        state.next += 1;
        state.used += inode.kind.used();
        state.metered += metered(inode.kind.used());
        state.linked += inode.kind.linked();
        let attr = inode.attr(ino);
        state.inodes.insert(ino, inode);
        state.mark_content(ino, 0);
        if directory {
            state.directories += 1;
            state.get_mut(dir)?.links += 1;
        }
        state.enter(dir, name, ino, now)?;
        Ok(attr)
    }

    /// Gives an inode one more name.
    pub fn link(
        &self,
        who: &Identity,
        ino: Ino,
        dir: Ino,
        name: &str,
        now: Timestamp,
    ) -> Outcome<()> {
        check_name(name)?;
        let mut state = self.changed();
        let inode = state.get(ino)?;
        // `fs.protected_hardlinks`, on by default: others' files only if one could as well have copied and changed them.
        let own = who.is_root() || who.uid == inode.uid;
        let open = matches!(inode.kind, Kind::File(_))
            && inode.mode & 0o4000 == 0
            && inode.mode & 0o2010 != 0o2010
            && inode.permits(who, Access::Read)
            && inode.permits(who, Access::Write);
        let (directory, links) = (inode.is_dir(), inode.links);
        state.vacant(who, dir, name)?;
        if directory || !(own || open) {
            return Err(Errno::NotPermitted);
        }
        if links >= LINK_MAX {
            return Err(Errno::TooManyLinks);
        }
        let inode = state.get_mut(ino)?;
        inode.links += 1;
        inode.changed = now;
        state.mark(ino);
        state.enter(dir, name, ino, now)
    }

    /// Removes a name; of a directory only when it is empty. The inode goes with its last name.
    pub fn remove(&self, who: &Identity, dir: Ino, name: &str, now: Timestamp) -> Outcome<()> {
        check_name(name)?;
        let mut state = self.changed();
        let ino = state.removable(who, dir, name)?;
        if !state.is_vacant(ino)? {
            return Err(Errno::NotEmpty);
        }
        state.leave(dir, name, now)?;
        state.release(ino, dir, now)
    }

    /// Moves an entry; what is at the new name may be replaced if it is of the same sort (and empty).
    pub fn rename(
        &self,
        who: &Identity,
        from: (Ino, &str),
        to: (Ino, &str),
        existing: Replace,
        now: Timestamp,
    ) -> Outcome<()> {
        check_name(from.1)?;
        check_name(to.1)?;
        let mut state = self.changed();
        state.permit(who, Access::Execute, from.0)?;
        state.permit(who, Access::Execute, to.0)?;
        let moved = state.child(from.0, from.1)?.ok_or(Errno::NotFound)?;
        let replaced = state.child(to.0, to.1)?;
        if replaced.is_some() && existing == Replace::Never {
            return Err(Errno::Exists);
        }
        let directory = state.get(moved)?.is_dir();
        if directory && state.is_within(to.0, moved)? {
            return Err(Errno::Invalid);
        }
        if replaced == Some(moved) {
            // Two names of one inode: nothing to do, says POSIX.
            return Ok(());
        }
        state.removable(who, from.0, from.1)?;
        match replaced {
            Some(replaced) => {
                state.removable(who, to.0, to.1)?;
                match (directory, state.get(replaced)?.is_dir()) {
                    (true, false) => return Err(Errno::NotDirectory),
                    (false, true) => return Err(Errno::IsDirectory),
                    _ => {}
                }
                if !state.is_vacant(replaced)? {
                    return Err(Errno::NotEmpty);
                }
            }
            None => state.permit(who, Access::Write, to.0)?,
        }
        if directory && from.0 != to.0 {
            // Its `..` changes.
            state.permit(who, Access::Write, moved)?;
        }
        if let Some(replaced) = replaced {
            state.leave(to.0, to.1, now)?;
            state.release(replaced, to.0, now)?;
        }
        state.leave(from.0, from.1, now)?;
        state.enter(to.0, to.1, moved, now)?;
        if directory && from.0 != to.0 {
            if let Kind::Directory { parent, .. } = &mut state.get_mut(moved)?.kind {
                *parent = to.0;
            }
            state.get_mut(from.0)?.links -= 1;
            state.get_mut(to.0)?.links += 1;
        }
        state.get_mut(moved)?.changed = now;
        state.mark(moved);
        Ok(())
    }
}

impl State {
    /// Whether the caller may make this entry, and it is not there.
    fn vacant(&self, who: &Identity, dir: Ino, name: &str) -> Outcome<()> {
        self.permit(who, Access::Execute, dir)?;
        if self.child(dir, name)?.is_some() {
            return Err(Errno::Exists);
        }
        self.permit(who, Access::Write, dir)?;
        if self.names >= self.limits.inodes {
            return Err(Errno::NoSpace);
        }
        Ok(())
    }

    /// What this entry stands for, if the caller may remove it.
    fn removable(&self, who: &Identity, dir: Ino, name: &str) -> Outcome<Ino> {
        self.permit(who, Access::Execute, dir)?;
        let ino = self.child(dir, name)?.ok_or(Errno::NotFound)?;
        self.permit(who, Access::Write, dir)?;
        let (parent, inode) = (self.get(dir)?, self.get(ino)?);
        let sticky = parent.mode & 0o1000 != 0;
        if sticky && !who.is_root() && who.uid != inode.uid && who.uid != parent.uid {
            return Err(Errno::NotPermitted);
        }
        Ok(ino)
    }

    /// Whether it is no directory, or an empty one.
    fn is_vacant(&self, ino: Ino) -> Outcome<bool> {
        Ok(match &self.get(ino)?.kind {
            Kind::Directory { entries, .. } => entries.is_empty(),
            _ => true,
        })
    }

    /// Whether a directory is another one or somewhere below it.
    fn is_within(&self, mut dir: Ino, ancestor: Ino) -> Outcome<bool> {
        loop {
            if dir == ancestor {
                return Ok(true);
            }
            match self.get(dir)?.kind {
                Kind::Directory { parent, .. } if dir != ROOT => dir = parent,
                _ => return Ok(false),
            }
        }
    }

    fn enter(&mut self, dir: Ino, name: &str, ino: Ino, now: Timestamp) -> Outcome<()> {
        self.entries_mut(dir)?.insert(name.to_owned(), ino);
        self.names += 1;
        self.entries_changed(dir, name, now)
    }

    fn leave(&mut self, dir: Ino, name: &str, now: Timestamp) -> Outcome<()> {
        self.entries_mut(dir)?.remove(name);
        self.names -= 1;
        self.entries_changed(dir, name, now)
    }

    fn entries_changed(&mut self, dir: Ino, name: &str, now: Timestamp) -> Outcome<()> {
        let parent = self.get_mut(dir)?;
        parent.modified = now;
        parent.changed = now;
        self.mark(dir);
        self.mark_name(dir, name);
        Ok(())
    }

    /// Takes one name from an inode that had it in `dir`.
    fn release(&mut self, ino: Ino, dir: Ino, now: Timestamp) -> Outcome<()> {
        self.mark(ino);
        let inode = self.get_mut(ino)?;
        let directory = inode.is_dir();
        if inode.links > 1 && !directory {
            inode.links -= 1;
            inode.changed = now;
            return Ok(());
        }
        if let Some(gone) = self.inodes.remove(&ino) {
            self.held.shrink(gone.kind.held());
            self.used -= gone.kind.used();
            self.metered -= metered(gone.kind.used());
            self.linked -= gone.kind.linked();
        }
        if directory {
            self.directories -= 1;
            self.get_mut(dir)?.links -= 1;
        }
        Ok(())
    }
}

/// What is put into the tree: a directory begins empty, whatever it is given.
fn fresh(kind: Kind, parent: Ino) -> Outcome<Kind> {
    match kind {
        Kind::Directory { .. } => Ok(Kind::Directory {
            parent,
            entries: BTreeMap::new(),
        }),
        Kind::Symlink(target) if target.is_empty() => Err(Errno::NotFound),
        Kind::Symlink(target) if target.len() > TARGET_MAX => Err(Errno::NameTooLong),
        other => Ok(other),
    }
}

impl Kind {
    /// Bytes it holds in memory, for the limit.
    pub(super) fn held(&self) -> u64 {
        match self {
            Self::File(content) => content.held(),
            // Little enough to count whole.
            Self::Fifo(content) => content.len(),
            Self::Symlink(target) => target.len() as u64,
            _ => 0,
        }
    }

    /// Bytes of the target, if it is a symbolic link.
    pub(super) fn linked(&self) -> u64 {
        match self {
            Self::Symlink(target) => target.len() as u64,
            _ => 0,
        }
    }

    /// Bytes of it that count as stored.
    pub(super) fn used(&self) -> u64 {
        match self {
            Self::File(content) => content.len(),
            _ => 0,
        }
    }
}

fn check_name(name: &str) -> Outcome<()> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(Errno::Invalid);
    }
    if name.len() > NAME_MAX {
        return Err(Errno::NameTooLong);
    }
    Ok(())
}
