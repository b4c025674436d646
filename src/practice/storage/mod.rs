//! Files of the account: EFS filesystems, root disks, volumes and snapshots as inode trees, durable in SQLite.
//!
//! A [`Tree`] is one filesystem. A share is one tree mounted by many hosts; a disk is one tree of one host. A host's
//! [`MountTable`] joins trees into a namespace, and a [`View`] is that namespace as one user sees it. Nothing here
//! knows instances, networks or the AWS wire.

mod attributes;
mod budget;
mod changes;
mod content;
mod database;
mod entries;
mod errno;
mod files;
mod gate;
mod identity;
mod inode;
mod locks;
mod mounts;
mod performance;
mod restore;
mod shellfs;
mod store;
mod superblock;
mod tree;
mod view;
mod walk;

#[cfg(test)]
mod tests;

pub use content::Content;
pub use errno::{Errno, Outcome};
pub use files::{Files, FilesError};
pub use gate::{Gate, Patience, Use};
pub use identity::{Access, Identity};
pub use inode::{Attr, Block, Endless, Ino, Kind, NodeType};
pub use locks::{Lock, Locks};
pub use mounts::{Mount, MountSpec, MountTable};
pub use performance::{Minute, Mode, Rates, Share, Standing, Tally, Throughput};
pub use superblock::Superblock;
pub use tree::{Limits, Tree};
pub use view::{Manner, View};
