//! One filesystem: an inode tree with POSIX permissions. Paths, mounts and users' names stay outside.

use super::inode::Ino;

/// The root directory's number.
pub const ROOT: Ino = 1;

/// One filesystem; shared by whoever mounts it.
pub struct Tree {}
