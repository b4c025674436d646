//! Changing who owns an inode, who may use it, and its times.

use jiff::Timestamp;

use super::errno::{Errno, Outcome};
use super::identity::{Access, Identity};
use super::inode::{Ino, Inode};
use super::tree::Tree;

impl Tree {
    /// Sets the permission bits; for the owner and the superuser.
    pub fn set_mode(&self, who: &Identity, ino: Ino, mode: u32, now: Timestamp) -> Outcome<()> {
        self.change(ino, now, |inode| {
            owner_only(who, inode)?;
            inode.mode = mode & 0o7777;
            if !who.is_root() && !who.in_group(inode.gid) {
                inode.mode &= !0o2000;
            }
            Ok(())
        })
    }

    /// Sets owner and group (`None`: as it is). Only the superuser gives files away; an owner chooses among his groups.
    pub fn set_owner(
        &self,
        who: &Identity,
        ino: Ino,
        uid: Option<u32>,
        gid: Option<u32>,
        now: Timestamp,
    ) -> Outcome<()> {
        self.change(ino, now, |inode| {
            if !who.is_root() {
                let owner = who.uid == inode.uid;
                let same_uid = uid.is_none_or(|uid| owner && uid == inode.uid);
                let own_gid =
                    gid.is_none_or(|gid| owner && (gid == inode.gid || who.in_group(gid)));
                if !same_uid || !own_gid {
                    return Err(Errno::NotPermitted);
                }
            }
            inode.uid = uid.unwrap_or(inode.uid);
            inode.gid = gid.unwrap_or(inode.gid);
            if !inode.is_dir() {
                inode.drop_privileges();
            }
            Ok(())
        })
    }

    /// Sets access and modification time; for the owner and the superuser.
    pub fn set_times(
        &self,
        who: &Identity,
        ino: Ino,
        accessed: Option<Timestamp>,
        modified: Option<Timestamp>,
        now: Timestamp,
    ) -> Outcome<()> {
        self.change(ino, now, |inode| {
            owner_only(who, inode)?;
            inode.accessed = accessed.unwrap_or(inode.accessed);
            inode.modified = modified.unwrap_or(inode.modified);
            Ok(())
        })
    }

    /// Sets both times to now; for whoever owns it or may write it.
    pub fn touch(&self, who: &Identity, ino: Ino, now: Timestamp) -> Outcome<()> {
        self.change(ino, now, |inode| {
            if !inode.permits(who, Access::Write) && owner_only(who, inode).is_err() {
                return Err(Errno::Access);
            }
            inode.accessed = now;
            inode.modified = now;
            Ok(())
        })
    }

    fn change(
        &self,
        ino: Ino,
        now: Timestamp,
        change: impl FnOnce(&mut Inode) -> Outcome<()>,
    ) -> Outcome<()> {
        let mut state = self.changed();
        let inode = state.get_mut(ino)?;
        change(inode)?;
        inode.changed = now;
        state.mark(ino);
        Ok(())
    }
}

fn owner_only(who: &Identity, inode: &Inode) -> Outcome<()> {
    if who.is_root() || who.uid == inode.uid {
        Ok(())
    } else {
        Err(Errno::NotPermitted)
    }
}
