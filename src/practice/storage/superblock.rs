//! What an ext4 filesystem says of itself: its name, its size, and what of it files can have. Its files are in a tree.
//!
//! The figures are those of mke2fs(8) with the configuration of Amazon Linux, for filesystems from 1 GiB to 4 TiB: blocks
//! of 4 KiB, an inode for each 16 KiB, groups of 32,768 blocks, a table of group descriptors that may grow.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Bytes in a block.
pub const BLOCK: u64 = 4096;
/// Blocks in a group, of which one bitmap keeps account.
const GROUP: u64 = 8 * BLOCK;
/// Inodes of a group: one for 16 KiB.
const INODES: u64 = GROUP * BLOCK / 16_384;
/// Bytes of an inode.
const INODE: u64 = 256;
/// Group descriptors in a block: 64 bytes each.
const DESCRIPTORS: u64 = BLOCK / 64;
/// Most blocks of group descriptors that are kept for growth: what one block can point to.
const RESERVED_MOST: u64 = BLOCK / 4;
/// Most blocks with which the table is reckoned to grow.
const BLOCKS_MOST: u64 = 0xffff_ffff;
/// Blocks of a new filesystem that hold something: its root and `lost+found`.
const FIRST: u64 = 6;
/// Percent that only root may use.
const RESERVED: u64 = 5;
/// Inodes that no file has: ten of the filesystem's own, and `lost+found`.
const INODES_TAKEN: u64 = 11;

/// A superblock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superblock {
    /// A UUID.
    pub uuid: String,
    /// Volume name; empty: none.
    pub label: String,
    /// Its size, which may be less than that of the device.
    pub blocks: u64,
    /// Blocks that only root may use.
    pub reserved: u64,
    journal: u64,
    /// Blocks of group descriptors in each copy, used and kept for growth.
    table: u64,
    /// When it was made.
    pub made: Timestamp,
    /// When it was last written.
    pub written: Timestamp,
    /// When it was last mounted, and where.
    pub mounted: Option<(Timestamp, String)>,
    /// How often it was mounted since it was checked.
    pub mounts: u32,
    /// When it was last checked.
    pub checked: Timestamp,
}

impl Superblock {
    /// A new filesystem on so many bytes.
    #[must_use]
    pub fn new(bytes: u64, uuid: String, label: String, now: Timestamp) -> Self {
        let blocks = bytes / BLOCK;
        let first = groups(blocks).div_ceil(DESCRIPTORS);
        let grown = groups(blocks.saturating_mul(1024).min(BLOCKS_MOST)).div_ceil(DESCRIPTORS);
        Self {
            uuid,
            label,
            blocks,
            reserved: blocks * RESERVED / 100,
            journal: journal(blocks),
            table: first + grown.saturating_sub(first).min(RESERVED_MOST),
            made: now,
            written: now,
            mounted: None,
            mounts: 0,
            checked: now,
        }
    }

    /// Makes it as large as its device; the device must not be smaller.
    pub fn grow(&mut self, bytes: u64, now: Timestamp) {
        let blocks = bytes / BLOCK;
        // The share of root stays what it was.
        self.reserved = self.reserved * blocks / self.blocks.max(1);
        self.blocks = blocks;
        self.written = now;
    }

    /// Blocks that files cannot have: journal, tables of inodes, bitmaps, copies of the superblock.
    #[must_use]
    pub fn overhead(&self) -> u64 {
        let groups = groups(self.blocks);
        let copies = (0..groups).filter(|group| has_copy(*group)).count() as u64;
        self.journal + groups * (INODES * INODE / BLOCK + 2) + copies * (1 + self.table)
    }

    /// Bytes for files, as `df` shows its size.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        (self.blocks - self.overhead().min(self.blocks)) * BLOCK
    }

    /// Bytes that only root may use.
    #[must_use]
    pub fn reserved_bytes(&self) -> u64 {
        self.reserved * BLOCK
    }

    /// Bytes that the kernel keeps for itself (`ext4_calculate_resv_clusters`).
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        (self.blocks / 50).min(4096) * BLOCK
    }

    /// Bytes that it uses itself, as `df` shows a new one.
    #[must_use]
    pub const fn used_at_first() -> u64 {
        FIRST * BLOCK
    }

    /// Bytes of its own structures that are written, without the empty ones.
    #[must_use]
    pub fn written_at_first(&self) -> u64 {
        // What mke2fs says it has written ("Lifetime writes") of 5 GiB, by its groups.
        64 * 1024 * groups(self.blocks)
    }

    /// Blocks that are free when files have so many bytes.
    #[must_use]
    pub fn free_blocks(&self, used: u64) -> u64 {
        let free = self.capacity().saturating_sub(Self::used_at_first() + used);
        free / BLOCK
    }

    /// Inodes, and those that are free when so many are files.
    #[must_use]
    pub fn inodes(&self, files: u64) -> (u64, u64) {
        let all = groups(self.blocks) * INODES;
        (all, all.saturating_sub(INODES_TAKEN + files))
    }

    /// Groups of blocks.
    #[must_use]
    pub fn groups(&self) -> u64 {
        groups(self.blocks)
    }

    /// Blocks of the journal.
    #[must_use]
    pub fn journal(&self) -> u64 {
        self.journal
    }

    /// Blocks of group descriptors: those in use, and those kept for growth.
    #[must_use]
    pub fn descriptors(&self) -> (u64, u64) {
        let used = self.groups().div_ceil(DESCRIPTORS);
        (used, self.table.saturating_sub(used))
    }

    /// Blocks on which copies of the superblock are.
    #[must_use]
    pub fn copies(&self) -> Vec<u64> {
        let groups = 1..self.groups();
        groups
            .filter(|group| has_copy(*group))
            .map(|group| group * GROUP)
            .collect()
    }
}

fn groups(blocks: u64) -> u64 {
    blocks.div_ceil(GROUP)
}

/// `sparse_super`: the first two groups, and powers of three, five and seven.
fn has_copy(group: u64) -> bool {
    let power = |base: u64| {
        let mut number = base;
        while number < group {
            number *= base;
        }
        number == group
    };
    group < 2 || power(3) || power(5) || power(7)
}

/// Blocks of the journal that mke2fs makes by default (`ext2fs_default_journal_size`).
fn journal(blocks: u64) -> u64 {
    const MI: u64 = 1024 * 1024;
    match blocks * BLOCK / MI {
        ..128 => 1024,
        128..1024 => 4096,
        1024..2048 => 8192,
        2048..16_384 => 16_384,
        16_384..32_768 => 32_768,
        32_768..65_536 => 65_536,
        65_536..131_072 => 131_072,
        _ => 262_144,
    }
}

#[cfg(test)]
mod tests;
