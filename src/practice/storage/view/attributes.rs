//! Owners, modes and times of what a path leads to.

use jiff::Timestamp;

use super::View;
use crate::practice::storage::errno::Outcome;
use crate::practice::storage::inode::{Attr, NodeType};
use crate::practice::storage::performance::Request;
use crate::practice::storage::walk::{Found, Last};

impl View {
    /// Mode bits, follows links.
    pub fn set_mode(&self, path: &str, mode: u32) -> Outcome<()> {
        self.at(path, Last::Follow, |found| {
            let Found { mount, ino } = found.writable()?;
            let tree = &mount.spec.tree;
            tree.set_mode(&self.identity, *ino, mode, self.now())?;
            self.ask(mount, Request::Change);
            Ok(())
        })
    }

    /// Owner and group (`None`: as it is); `follow`: of what a link names.
    pub fn set_owner(
        &self,
        path: &str,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Outcome<()> {
        let last = if follow { Last::Follow } else { Last::Keep };
        self.at(path, last, |found| {
            let Found { mount, ino } = found.writable()?;
            let tree = &mount.spec.tree;
            tree.set_owner(&self.identity, *ino, uid, gid, self.now())?;
            self.ask(mount, Request::Change);
            Ok(())
        })
    }

    /// Modification time; follows links.
    pub fn set_modified(&self, path: &str, at: Timestamp) -> Outcome<()> {
        self.set_times(path, None, Some(at))
    }

    /// Access and modification time (`None`: as it is); follows links.
    pub fn set_times(
        &self,
        path: &str,
        accessed: Option<Timestamp>,
        modified: Option<Timestamp>,
    ) -> Outcome<()> {
        self.at(path, Last::Follow, |found| {
            let Found { mount, ino } = found.writable()?;
            let tree = &mount.spec.tree;
            tree.set_times(&self.identity, *ino, accessed, modified, self.now())?;
            self.ask(mount, Request::Change);
            Ok(())
        })
    }

    /// Gives what is there (not followed) owner, mode and times of `attr`, as `cp -p` does: the owner as far as the
    /// caller may, and without him no setuid and setgid, which would give away the caller's own rights.
    pub fn copy_attributes(&self, attr: &Attr, to: &str) -> Outcome<()> {
        self.at(to, Last::Keep, |found| {
            let Found { mount, ino } = found.writable()?;
            let (tree, who, now) = (&mount.spec.tree, &self.identity, self.now());
            let owned = tree.set_owner(who, *ino, Some(attr.uid), Some(attr.gid), now);
            if attr.node_type != NodeType::Symlink {
                let kept = if owned.is_ok() { 0o7777 } else { 0o1777 };
                tree.set_mode(who, *ino, attr.mode & kept, now)?;
            }
            let (accessed, modified) = (Some(attr.accessed), Some(attr.modified));
            tree.set_times(who, *ino, accessed, modified, now)?;
            self.ask(mount, Request::Change);
            Ok(())
        })
    }
}
