//! What an NFS client believes of names and attributes without asking again, and for how long. What it believes does not
//! enter here: the trees tell the truth.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::cache::File;

/// How long attributes are believed at least, as a mount without options has it: nfs(5), `acregmin` and `acdirmin`. (For
/// what does not change it becomes longer on Linux, up to a minute.)
const FILE: SignedDuration = SignedDuration::from_secs(3);
const DIRECTORY: SignedDuration = SignedDuration::from_secs(30);
/// Inodes at most; a host with more has its memory for other things.
const INODES: usize = 20_000;

/// Until when which attributes are believed.
#[derive(Debug, Default)]
pub struct KnownAttributes {
    until: HashMap<File, Timestamp>,
}

impl KnownAttributes {
    /// Whether the attributes of this inode need not be asked for; if they must be, they are known from now on.
    pub fn knows(&mut self, inode: File, directory: bool, now: Timestamp) -> bool {
        if self.until.get(&inode).is_some_and(|until| now < *until) {
            return true;
        }
        if self.until.len() >= INODES {
            self.until.clear();
        }
        let time = if directory { DIRECTORY } else { FILE };
        let until = now.checked_add(time).unwrap_or(Timestamp::MAX);
        self.until.insert(inode, until);
        false
    }

    /// Forgets a filesystem.
    pub fn forget_all_of(&mut self, filesystem: usize) {
        self.until.retain(|inode, _| inode.0 != filesystem);
    }
}
