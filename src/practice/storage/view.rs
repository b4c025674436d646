//! A host's namespace as one user sees it: paths, links, permissions. All paths absolute.

use std::sync::Arc;

use jiff::Timestamp;

use super::errno::Outcome;
use super::identity::Identity;
use super::inode::{Attr, Generator};
use super::mounts::MountTable;

/// The namespace as one user sees it. Cheap to clone. Implements bashkit's `FileSystem`.
#[derive(Clone)]
pub struct View {}

impl View {
    /// The namespace of `table` for `identity`; new files get `0o666 & !umask`, directories `0o777 & !umask` with umask 022.
    pub fn new(
        _table: Arc<MountTable>,
        _identity: Identity,
        _now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        todo!()
    }
    /// The same for another user.
    pub fn with_identity(&self, _identity: Identity) -> Self {
        todo!()
    }
    /// Who.
    pub fn identity(&self) -> &Identity {
        todo!()
    }
    /// The mount table.
    pub fn table(&self) -> &Arc<MountTable> {
        todo!()
    }
    /// Follows links.
    pub fn stat(&self, _path: &str) -> Outcome<Attr> {
        todo!()
    }
    /// Does not follow the last link.
    pub fn lstat(&self, _path: &str) -> Outcome<Attr> {
        todo!()
    }
    /// Names in a directory with their attributes (not followed), sorted, without `.` and `..`.
    pub fn list(&self, _path: &str) -> Outcome<Vec<(String, Attr)>> {
        todo!()
    }
    /// Whole content.
    pub fn read(&self, _path: &str) -> Outcome<Vec<u8>> {
        todo!()
    }
    /// Replaces or makes.
    pub fn write(&self, _path: &str, _bytes: &[u8]) -> Outcome<()> {
        todo!()
    }
    /// Appends or makes.
    pub fn append(&self, _path: &str, _bytes: &[u8]) -> Outcome<()> {
        todo!()
    }
    /// Makes one directory.
    pub fn make_dir(&self, _path: &str) -> Outcome<()> {
        todo!()
    }
    /// Makes a directory and its parents.
    pub fn make_dirs(&self, _path: &str) -> Outcome<()> {
        todo!()
    }
    /// Removes a file, link or empty directory.
    pub fn remove_one(&self, _path: &str) -> Outcome<()> {
        todo!()
    }
    /// Renames within one mount (`Errno::CrossDevice` otherwise).
    pub fn rename_one(&self, _from: &str, _to: &str) -> Outcome<()> {
        todo!()
    }
    /// Hard link.
    pub fn link(&self, _old: &str, _new: &str) -> Outcome<()> {
        todo!()
    }
    /// Symbolic link.
    pub fn make_symlink(&self, _target: &str, _link: &str) -> Outcome<()> {
        todo!()
    }
    /// Target of a symbolic link.
    pub fn link_target(&self, _path: &str) -> Outcome<String> {
        todo!()
    }
    /// Mode bits, follows links.
    pub fn set_mode(&self, _path: &str, _mode: u32) -> Outcome<()> {
        todo!()
    }
    /// Owner and group (`None`: as it is); `follow`: of what a link names.
    pub fn set_owner(
        &self,
        _path: &str,
        _uid: Option<u32>,
        _gid: Option<u32>,
        _follow: bool,
    ) -> Outcome<()> {
        todo!()
    }
    /// Modification time.
    pub fn set_modified(&self, _path: &str, _at: Timestamp) -> Outcome<()> {
        todo!()
    }
    /// A file whose content is made at each read (for `/proc`).
    pub fn make_generated(&self, _path: &str, _content: Generator) -> Outcome<()> {
        todo!()
    }
    /// Bytes used in the tree that holds this path.
    pub fn used_bytes(&self, _path: &str) -> Outcome<u64> {
        todo!()
    }
}
