//! What a tree is made of: inodes, their attributes and their content. No names of owners, no paths.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::content::Content;
use super::errno::Outcome;

/// Number of an inode within its tree.
pub type Ino = u64;

/// Makes the content of a generated file anew at each read.
pub type Generator = Arc<dyn Fn() -> Vec<u8> + Send + Sync>;

/// Makes a piece of what a device has without end.
pub type Endless = Arc<dyn Fn() -> Content + Send + Sync>;

/// Does something with what is written to a file of `/proc`. It may not look at the tree that it is in.
pub type Control = Arc<dyn Fn(&[u8]) -> Outcome<()> + Send + Sync>;

/// A disk, as whoever reads and writes its bytes has it.
pub trait Block: Send + Sync {
    /// Major and minor number.
    fn number(&self) -> (u32, u32);
    /// All its bytes.
    fn read(&self) -> Outcome<Content>;
    /// Puts content in the place of what is at this byte.
    fn write(&self, from: u64, content: &Content) -> Outcome<()>;
}

/// What an inode is, with what is particular to that.
#[derive(Clone)]
pub enum Kind {
    /// A regular file.
    File(Content),
    /// A directory; its own number stands for the parent of the root.
    Directory {
        /// The directory this one is in.
        parent: Ino,
        /// Names and what they are names of.
        entries: BTreeMap<String, Ino>,
    },
    /// A symbolic link and its target.
    Symlink(String),
    /// A named pipe; the bytes in it.
    Fifo(Content),
    /// A file of `/proc`: made when it is read, and never kept.
    Generated(Generator),
    /// A file of `/proc` that does something with what is written to it.
    Control(Control),
    /// A character device that swallows what is written and gives back what the generator makes.
    Device(Endless),
    /// A character device that is read from the generator, and has no room for what is written.
    Full(Endless),
    /// A block device.
    Block(Arc<dyn Block>),
}

impl Kind {
    /// A directory with nothing in it; what it is in, the tree says that it is put into.
    #[must_use]
    pub fn directory() -> Self {
        Self::Directory {
            parent: 0,
            entries: BTreeMap::new(),
        }
    }

    /// Its type, without the content.
    #[must_use]
    pub fn node_type(&self) -> NodeType {
        match self {
            Self::File(_) | Self::Generated(_) | Self::Control(_) => NodeType::File,
            Self::Directory { .. } => NodeType::Directory,
            Self::Symlink(_) => NodeType::Symlink,
            Self::Fifo(_) => NodeType::Fifo,
            Self::Device(_) | Self::Full(_) => NodeType::Device,
            Self::Block(_) => NodeType::Block,
        }
    }

    /// Size as `stat` tells it.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::File(content) => content.len(),
            Self::Symlink(target) => target.len() as u64,
            // One block, as ext4 and EFS show a small directory.
            Self::Directory { .. } => 4096,
            Self::Fifo(_)
            | Self::Generated(_)
            | Self::Control(_)
            | Self::Device(_)
            | Self::Full(_)
            | Self::Block(_) => 0,
        }
    }
}

/// Bytes of an inode of EFS beside its content, and the increments in which content counts, one at least
/// (<https://docs.aws.amazon.com/efs/latest/ug/metered-sizes.html>). A large directory would count more (estimate: it
/// does not here).
pub(super) const INODE: u64 = 2048;
pub(super) const INCREMENT: u64 = 4096;

/// What an inode with so many bytes of content is metered at.
pub(super) fn metered(content: u64) -> u64 {
    INODE + content.div_ceil(INCREMENT).max(1).saturating_mul(INCREMENT)
}

/// The type of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeType {
    /// Regular file.
    File,
    /// Directory.
    Directory,
    /// Symbolic link.
    Symlink,
    /// Named pipe.
    Fifo,
    /// Character device.
    Device,
    /// Block device.
    Block,
}

impl NodeType {
    /// The letter `ls -l` begins a line with.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::File => '-',
            Self::Directory => 'd',
            Self::Symlink => 'l',
            Self::Fifo => 'p',
            Self::Device => 'c',
            Self::Block => 'b',
        }
    }
}

/// One inode.
#[derive(Clone)]
pub(super) struct Inode {
    pub kind: Kind,
    pub uid: u32,
    pub gid: u32,
    /// Permission bits with setuid, setgid and sticky; without the type.
    pub mode: u32,
    /// Names it has; a directory counts its own `.` and the `..` of its subdirectories too.
    pub links: u32,
    pub accessed: Timestamp,
    pub modified: Timestamp,
    pub changed: Timestamp,
    /// How often its content changed since the program began; not stored.
    pub version: u64,
}

impl Inode {
    pub fn attr(&self, ino: Ino) -> Attr {
        Attr {
            ino,
            node_type: self.kind.node_type(),
            size: self.kind.size(),
            uid: self.uid,
            gid: self.gid,
            mode: self.mode,
            links: self.links,
            accessed: self.accessed,
            modified: self.modified,
            changed: self.changed,
            device: match &self.kind {
                Kind::Block(block) => Some(block.number()),
                _ => None,
            },
        }
    }
}

/// What `stat` tells of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attr {
    /// Number within the tree.
    pub ino: Ino,
    /// File, directory, …
    pub node_type: NodeType,
    /// Bytes.
    pub size: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits, at most `0o7777`.
    pub mode: u32,
    /// Number of names.
    pub links: u32,
    /// Last explicit access time; reading does not move it (`noatime`).
    pub accessed: Timestamp,
    /// When the content last changed.
    pub modified: Timestamp,
    /// When the inode last changed.
    pub changed: Timestamp,
    /// Major and minor number of a block device.
    pub device: Option<(u32, u32)>,
}

impl Attr {
    /// Whether it is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.node_type == NodeType::Directory
    }

    /// Ten characters as `ls -l` shows them: `drwxr-xr-x`.
    #[must_use]
    pub fn permissions(&self) -> String {
        let mut text = String::with_capacity(10);
        text.push(self.node_type.letter());
        for (shift, special, set) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
            let bits = self.mode >> shift;
            text.push(if bits & 4 != 0 { 'r' } else { '-' });
            text.push(if bits & 2 != 0 { 'w' } else { '-' });
            text.push(match (self.mode & special != 0, bits & 1 != 0) {
                (true, true) => set,
                (true, false) => set.to_ascii_uppercase(),
                (false, true) => 'x',
                (false, false) => '-',
            });
        }
        text
    }
}
