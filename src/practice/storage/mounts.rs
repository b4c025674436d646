//! A host's mount table: which tree is seen where.

use std::sync::Arc;

use super::errno::Outcome;
use super::tree::Tree;

/// What is mounted, and how.
#[derive(Clone)]
pub struct MountSpec {
    /// `fs-0a1….efs.us-east-1.amazonaws.com:/`, `/dev/nvme0n1p1`, `proc` …
    pub source: String,
    /// Absolute path of the mount point.
    pub target: String,
    /// `nfs4`, `xfs`, `proc`, `tmpfs` …
    pub fstype: String,
    /// As `/proc/mounts` shows them: `rw,relatime,vers=4.1,…`.
    pub options: String,
    /// The tree.
    pub tree: Arc<Tree>,
    /// Capacity as `df` shows it, in bytes.
    pub capacity: u64,
}

/// One line of the table.
pub type Mount = MountSpec;

/// A host's mounts; later ones hide earlier ones. All views of the host share it.
pub struct MountTable {}

impl MountTable {
    /// A table with the root filesystem (its target is `/`).
    pub fn new(_root: MountSpec) -> Self {
        todo!()
    }
    /// Mounts; the mount point must be a directory.
    pub fn mount(&self, _spec: MountSpec) -> Outcome<()> {
        todo!()
    }
    /// Unmounts what is mounted last at this path; `Errno::Invalid` when nothing is, `Errno::Busy` when something is mounted below.
    pub fn unmount(&self, _target: &str) -> Outcome<()> {
        todo!()
    }
    /// All mounts, oldest first.
    pub fn mounts(&self) -> Vec<Mount> {
        todo!()
    }
    /// The mount that holds this absolute, normalized path.
    pub fn holding(&self, _path: &str) -> Mount {
        todo!()
    }
}
