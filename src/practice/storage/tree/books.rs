//! What a tree keeps, and the steps its operations are made of. Whoever calls holds the lock.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::practice::storage::errno::{Errno, Outcome};
use crate::practice::storage::identity::{Access, Identity};
use crate::practice::storage::inode::{Ino, Inode, Kind};

/// `NAME_MAX` of Linux.
const NAME_MAX: usize = 255;

/// `S_ISVTX`: in such a directory only owners remove entries.
const STICKY: u32 = 0o1000;

pub(super) struct State {
    pub inodes: HashMap<Ino, Inode>,
    pub next: Ino,
    /// Bytes in regular files.
    pub used: u64,
    /// Changed since the last flush.
    pub touched: BTreeSet<Ino>,
    /// Removed since the last flush.
    pub gone: BTreeSet<Ino>,
}

impl State {
    pub fn get(&self, ino: Ino) -> Outcome<&Inode> {
        self.inodes.get(&ino).ok_or(Errno::NotFound)
    }

    pub fn touch(&mut self, ino: Ino) -> Outcome<&mut Inode> {
        let inode = self.inodes.get_mut(&ino).ok_or(Errno::NotFound)?;
        self.touched.insert(ino);
        Ok(inode)
    }

    pub fn entry(&self, dir: Ino, name: &str) -> Outcome<Ino> {
        match &self.get(dir)?.kind {
            Kind::Directory { entries, .. } => {
                entries.get(name).copied().ok_or(if name.len() > NAME_MAX {
                    Errno::NameTooLong
                } else {
                    Errno::NotFound
                })
            }
            _ => Err(Errno::NotDirectory),
        }
    }

    pub fn add_entry(
        &mut self,
        dir: Ino,
        name: &str,
        ino: Ino,
        is_directory: bool,
        now: Timestamp,
    ) -> Outcome<()> {
        let inode = self.touch(dir)?;
        let Kind::Directory { entries, .. } = &mut inode.kind else {
            return Err(Errno::NotDirectory);
        };
        entries.insert(name.to_owned(), ino);
        inode.links += u32::from(is_directory);
        inode.modified = now;
        inode.changed = now;
        Ok(())
    }

    pub fn drop_entry(
        &mut self,
        dir: Ino,
        name: &str,
        is_directory: bool,
        now: Timestamp,
    ) -> Outcome<()> {
        let inode = self.touch(dir)?;
        let Kind::Directory { entries, .. } = &mut inode.kind else {
            return Err(Errno::NotDirectory);
        };
        entries.remove(name);
        inode.links = inode.links.saturating_sub(u32::from(is_directory));
        inode.modified = now;
        inode.changed = now;
        Ok(())
    }

    pub fn may_remove(&self, who: &Identity, dir: Ino, ino: Ino) -> Outcome<()> {
        let parent = self.get(dir)?;
        permit(who, parent, Access::Execute)?;
        permit(who, parent, Access::Write)?;
        if parent.mode & STICKY != 0 && !who.is_root() && who.uid != parent.uid {
            owner_only(who, self.get(ino)?)?;
        }
        Ok(())
    }

    pub fn remove(
        &mut self,
        who: &Identity,
        dir: Ino,
        name: &str,
        recursive: bool,
        now: Timestamp,
    ) -> Outcome<()> {
        let ino = self.entry(dir, name)?;
        self.may_remove(who, dir, ino)?;
        let inode = self.get(ino)?;
        let is_directory = matches!(inode.kind, Kind::Directory { .. });
        if let Kind::Directory { entries, .. } = &inode.kind
            && !entries.is_empty()
        {
            if !recursive {
                return Err(Errno::NotEmpty);
            }
            permit(who, inode, Access::Read)?;
            let names: Vec<String> = entries.keys().cloned().collect();
            for name in names {
                self.remove(who, ino, &name, true, now)?;
            }
        }
        self.drop_entry(dir, name, is_directory, now)?;
        let inode = self.touch(ino)?;
        inode.changed = now;
        inode.links = if is_directory {
            0
        } else {
            inode.links.saturating_sub(1)
        };
        if inode.links == 0
            && let Some(inode) = self.inodes.remove(&ino)
        {
            self.used -= file_bytes(&inode.kind);
            self.touched.remove(&ino);
            self.gone.insert(ino);
        }
        Ok(())
    }

    /// Whether `dir` is `ancestor` or somewhere below it.
    pub fn is_within(&self, mut dir: Ino, ancestor: Ino) -> bool {
        loop {
            if dir == ancestor {
                return true;
            }
            match self.get(dir).map(|inode| &inode.kind) {
                Ok(Kind::Directory { parent, .. }) if *parent != dir => dir = *parent,
                _ => return false,
            }
        }
    }
}

pub(super) fn permit(who: &Identity, inode: &Inode, access: Access) -> Outcome<()> {
    let directory = matches!(inode.kind, Kind::Directory { .. });
    if who.may(access, inode.uid, inode.gid, inode.mode, directory) {
        Ok(())
    } else {
        Err(Errno::Access)
    }
}

pub(super) fn owner_only(who: &Identity, inode: &Inode) -> Outcome<()> {
    if who.is_root() || who.uid == inode.uid {
        Ok(())
    } else {
        Err(Errno::NotPermitted)
    }
}

pub(super) fn valid_name(name: &str) -> Outcome<()> {
    if name.is_empty() || name == "." || name == ".." || name.contains('/') {
        Err(Errno::Invalid)
    } else if name.len() > NAME_MAX {
        Err(Errno::NameTooLong)
    } else {
        Ok(())
    }
}

pub(super) fn file_bytes(kind: &Kind) -> u64 {
    match kind {
        Kind::File(content) => content.len(),
        _ => 0,
    }
}
