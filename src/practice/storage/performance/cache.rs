//! The page cache of a host: which bytes are read again without asking whoever stores them. The bytes themselves are in
//! the trees; what they cost to fetch does not enter here.

use std::collections::{BTreeMap, HashMap};

use super::known::KnownAttributes;

/// Bytes that are cached and given up together; of each the beginning is cached, up to some byte.
const BLOCK: u64 = 1024 * 1024;
/// Memory for it, in bytes: of the 1 GiB of a t3.micro what the kernel and the services leave.
const CAPACITY: u64 = 700 * 1024 * 1024;
/// Blocks at most, so that many small files do not cost the program what they would cost the host.
const BLOCKS: usize = 20_000;

/// A file: its filesystem, unlike any other of the host, and its number there.
pub type File = (usize, u64);
/// A block of a file.
pub type Block = (File, u64);

/// What is cached.
#[derive(Debug)]
pub struct PageCache {
    capacity: u64,
    held: u64,
    clock: u64,
    files: HashMap<File, Cached>,
    /// By when they were last used.
    order: BTreeMap<u64, Block>,
    /// Attributes.
    pub attributes: KnownAttributes,
}

#[derive(Debug, Default)]
struct Cached {
    /// Of the content that is cached; another one's is not this one.
    version: u64,
    /// By number: bytes from its beginning, and when it was last used.
    blocks: BTreeMap<u64, (u64, u64)>,
}

impl Default for PageCache {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl PageCache {
    /// A cache for so many bytes.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        Self {
            capacity,
            held: 0,
            clock: 0,
            files: HashMap::new(),
            order: BTreeMap::new(),
            attributes: KnownAttributes::default(),
        }
    }

    /// Bytes that are cached.
    #[cfg(test)]
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Reads a range of a file whose content is of this version: tells how many bytes of it had to be fetched. They
    /// are cached from now on.
    pub fn read(&mut self, file: File, version: u64, from: u64, len: u64) -> u64 {
        self.expect(file, version);
        let mut missing = 0;
        for (block, start, end) in parts(from, len) {
            let there = self.valid(file, block);
            missing += end.saturating_sub(start.max(there));
            // What is read behind a gap is fetched and not kept: a block is cached from its beginning.
            let valid = if start <= there {
                end.max(there)
            } else {
                there
            };
            self.keep(file, version, block, valid);
        }
        missing
    }

    /// Whether these bytes are in it.
    #[cfg(test)]
    #[must_use]
    pub fn has(&self, file: File, version: u64, from: u64, len: u64) -> bool {
        let current = self
            .files
            .get(&file)
            .is_some_and(|one| one.version == version);
        current && parts(from, len).all(|(block, _, end)| end <= self.valid(file, block))
    }

    /// A range was written, which made `before` into `after`.
    pub fn write(&mut self, file: File, before: u64, after: u64, from: u64, len: u64) {
        self.expect(file, before);
        if let Some(cached) = self.files.get_mut(&file) {
            cached.version = after;
        }
        for (block, start, end) in parts(from, len) {
            let there = self.valid(file, block);
            let valid = if start <= there {
                end.max(there)
            } else {
                there
            };
            self.keep(file, after, block, valid);
        }
    }

    /// Forgets a file's content.
    pub fn forget(&mut self, file: File) {
        if let Some(cached) = self.files.remove(&file) {
            for (valid, used) in cached.blocks.into_values() {
                self.held -= valid;
                self.order.remove(&used);
            }
        }
    }

    /// Forgets a filesystem.
    pub fn forget_all_of(&mut self, filesystem: usize) {
        let files: Vec<File> = self
            .files
            .keys()
            .filter(|file| file.0 == filesystem)
            .copied()
            .collect();
        for file in files {
            self.forget(file);
        }
        self.attributes.forget_all_of(filesystem);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new(self.capacity);
    }

    /// Forgets what is of another version.
    fn expect(&mut self, file: File, version: u64) {
        if self
            .files
            .get(&file)
            .is_some_and(|one| one.version != version)
        {
            self.forget(file);
        }
    }

    fn valid(&self, file: File, block: u64) -> u64 {
        let blocks = self.files.get(&file).map(|one| &one.blocks);
        blocks
            .and_then(|blocks| blocks.get(&block))
            .map_or(0, |(valid, _)| *valid)
    }

    fn keep(&mut self, file: File, version: u64, block: u64, valid: u64) {
        if valid == 0 {
            return;
        }
        self.clock += 1;
        let cached = self.files.entry(file).or_default();
        cached.version = version;
        let old = cached.blocks.insert(block, (valid, self.clock));
        self.order.insert(self.clock, (file, block));
        self.held += valid;
        if let Some((valid, used)) = old {
            self.held -= valid;
            self.order.remove(&used);
        }
        while self.held > self.capacity || self.order.len() > BLOCKS {
            let Some((_, (file, block))) = self.order.pop_first() else {
                break;
            };
            let Some(cached) = self.files.get_mut(&file) else {
                continue;
            };
            if let Some((valid, _)) = cached.blocks.remove(&block) {
                self.held -= valid;
            }
            if cached.blocks.is_empty() {
                self.files.remove(&file);
            }
        }
    }
}

/// The blocks of a range: number, and where in the block the range begins and ends.
fn parts(from: u64, len: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    let end = from.saturating_add(len);
    let blocks = if len == 0 {
        0..0
    } else {
        from / BLOCK..end.div_ceil(BLOCK)
    };
    blocks.map(move |block| {
        let start = block * BLOCK;
        (block, from.saturating_sub(start), (end - start).min(BLOCK))
    })
}
