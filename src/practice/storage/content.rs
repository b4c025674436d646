//! The bytes of a file: cheap to clone, cheap to extend, and zeros cost nothing. No attributes, no names.

use std::ops::Range;
use std::sync::Arc;

/// Bytes in one chunk. Large enough that a file of hundreds of megabytes has few chunks, small enough that copying
/// the last one before an append (when somebody else holds it) costs nothing one would notice.
pub(super) const CHUNK: usize = 64 * 1024;
const CHUNK_BYTES: u64 = CHUNK as u64;

/// What a chunk of zeros counts as held: its place in the list of chunks, with room for copies of it.
const HOLE: u64 = 64;

static ZEROS: [u8; CHUNK] = [0; CHUNK];

/// One chunk; all but the last of a file are full.
#[derive(Debug, Clone)]
pub(super) enum Chunk {
    /// Bytes.
    Data(Arc<Vec<u8>>),
    /// So many zeros.
    Hole(usize),
}

impl Chunk {
    fn of(bytes: &[u8]) -> Self {
        if is_zeros(bytes) {
            Self::Hole(bytes.len())
        } else {
            Self::Data(Arc::new(bytes.to_vec()))
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Data(bytes) => bytes,
            Self::Hole(len) => &ZEROS[..*len],
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Data(bytes) => bytes.len(),
            Self::Hole(len) => *len,
        }
    }

    fn held(&self) -> u64 {
        match self {
            Self::Data(bytes) => bytes.len() as u64,
            Self::Hole(len) => HOLE.min(*len as u64),
        }
    }

    fn extend(&mut self, more: &[u8]) {
        match self {
            Self::Data(bytes) => Arc::make_mut(bytes).extend_from_slice(more),
            Self::Hole(len) if is_zeros(more) => *len += more.len(),
            Self::Hole(len) => *self = Self::Data(Arc::new([&ZEROS[..*len], more].concat())),
        }
    }
}

/// Whether there is nothing but zeros; at most a chunk at a time, by comparing memory.
fn is_zeros(bytes: &[u8]) -> bool {
    bytes == &ZEROS[..bytes.len()]
}

/// Bytes of a file. Cloning is cheap; a writer copies only the chunk it changes.
#[derive(Debug, Clone, Default)]
pub struct Content {
    chunks: Arc<Vec<Chunk>>,
    len: u64,
    held: u64,
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        let mut both = self.chunks.iter().zip(other.chunks.iter());
        self.len == other.len && both.all(|(one, other)| one.bytes() == other.bytes())
    }
}

impl Eq for Content {}

impl Content {
    /// So many zeros.
    #[must_use]
    pub fn zeros(len: u64) -> Self {
        let mut content = Self::default();
        content.append_zeros(len);
        content
    }

    /// What so many zeros count as held, at most, when they are added to other content.
    pub(super) fn held_by_zeros(len: u64) -> u64 {
        // A chunk that has bytes already holds its zeros too.
        len.min(CHUNK_BYTES) + len / CHUNK_BYTES * HOLE
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it is known to be zeros throughout, and holds none of them.
    #[must_use]
    pub fn is_hole(&self) -> bool {
        self.chunks
            .iter()
            .all(|chunk| matches!(chunk, Chunk::Hole(_)))
    }

    /// Bytes of memory that it takes; less than its length where there are zeros.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held
    }

    /// A copy of all bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.len).unwrap_or_default());
        for chunk in self.chunks.iter() {
            bytes.extend_from_slice(chunk.bytes());
        }
        bytes
    }

    /// Its parts, in order; together they are all its bytes.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks.iter().map(Chunk::bytes)
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, mut more: &[u8]) {
        if more.is_empty() {
            return;
        }
        self.len += more.len() as u64;
        let chunks = Arc::make_mut(&mut self.chunks);
        if let Some(last) = chunks.last_mut()
            && last.len() < CHUNK
        {
            let (fits, rest) = more.split_at(more.len().min(CHUNK - last.len()));
            self.held -= last.held();
            last.extend(fits);
            self.held += last.held();
            more = rest;
        }
        for bytes in more.chunks(CHUNK) {
            let chunk = Chunk::of(bytes);
            self.held += chunk.held();
            chunks.push(chunk);
        }
    }

    /// Adds other content at the end; whole chunks are shared with it.
    pub fn append_content(&mut self, more: &Self) {
        if !self.len.is_multiple_of(CHUNK_BYTES) {
            for chunk in more.chunks.iter() {
                match chunk {
                    Chunk::Hole(zeros) => self.append_zeros(*zeros as u64),
                    Chunk::Data(bytes) => self.append(bytes),
                }
            }
            return;
        }
        Arc::make_mut(&mut self.chunks).extend(more.chunks.iter().cloned());
        self.len += more.len;
        self.held += more.held;
    }

    /// Adds so many zeros at the end.
    pub fn append_zeros(&mut self, mut more: u64) {
        let missing = within_most((CHUNK_BYTES - self.len % CHUNK_BYTES) % CHUNK_BYTES);
        let fits = missing.min(within_most(more));
        self.append(&ZEROS[..fits]);
        more -= fits as u64;
        if more == 0 {
            return;
        }
        let chunks = Arc::make_mut(&mut self.chunks);
        self.len += more;
        while more > 0 {
            let hole = Chunk::Hole(within_most(more));
            more -= hole.len() as u64;
            self.held += hole.held();
            chunks.push(hole);
        }
    }

    /// At most `len` bytes from `from` on.
    #[must_use]
    pub fn slice(&self, from: u64, len: u64) -> Self {
        let end = from.saturating_add(len).min(self.len);
        let mut slice = Self::default();
        let mut from = from.min(end);
        while from < end {
            let Some(at) = index(from) else { break };
            let whole = index(end - from).unwrap_or_default();
            if within(from) == 0 && whole > 0 && slice.len.is_multiple_of(CHUNK_BYTES) {
                let Some(run) = self.chunks.get(at..at + whole) else {
                    break;
                };
                Arc::make_mut(&mut slice.chunks).extend_from_slice(run);
                let bytes = whole as u64 * CHUNK_BYTES;
                slice.len += bytes;
                slice.held += run.iter().map(Chunk::held).sum::<u64>();
                from += bytes;
                continue;
            }
            let Some(chunk) = self.chunks.get(at) else {
                break;
            };
            let start = within(from);
            let stop = chunk.len().min(start + within_most(end - from));
            slice.append_chunk(chunk, start..stop);
            from += (stop - start) as u64;
        }
        slice
    }

    fn append_chunk(&mut self, chunk: &Chunk, part: Range<usize>) {
        match chunk {
            Chunk::Hole(_) => self.append_zeros(part.len() as u64),
            whole if part == (0..whole.len()) => self.append_content(&Self::of_one(whole.clone())),
            Chunk::Data(bytes) => self.append(&bytes[part]),
        }
    }

    /// Puts other content in the place of what is at `from`; a gap before it becomes zeros.
    pub fn overwrite(&mut self, from: u64, other: &Self) {
        self.append_zeros(from.saturating_sub(self.len));
        let end = from + other.len;
        let whole = from.is_multiple_of(CHUNK_BYTES)
            && (other.len.is_multiple_of(CHUNK_BYTES) || end >= self.len);
        if whole && let Some(first) = index(from) {
            let chunks = Arc::make_mut(&mut self.chunks);
            let last = chunks.len().min(first + other.chunks.len());
            let old = chunks.splice(first..last, other.chunks.iter().cloned());
            let old: u64 = old.map(|chunk| chunk.held()).sum();
            self.held = self.held - old + other.held;
            self.len = self.len.max(end);
            return;
        }
        let rest = self.slice(end, u64::MAX);
        *self = self.slice(0, from);
        self.append_content(other);
        self.append_content(&rest);
    }

    fn of_one(chunk: Chunk) -> Self {
        Self {
            len: chunk.len() as u64,
            held: chunk.held(),
            chunks: Arc::new(vec![chunk]),
        }
    }

    /// The chunks from this one on.
    pub(super) fn chunks_from(&self, first: usize) -> &[Chunk] {
        self.chunks.get(first..).unwrap_or_default()
    }

    /// The chunk in which the byte after the last one will be.
    pub(super) fn tail(&self) -> usize {
        chunk_of(self.len)
    }
}

/// The chunk that this byte is in.
pub(super) fn chunk_of(byte: u64) -> usize {
    index(byte).unwrap_or(usize::MAX)
}

fn index(byte: u64) -> Option<usize> {
    usize::try_from(byte / CHUNK_BYTES).ok()
}

/// Where in its chunk a byte is.
fn within(byte: u64) -> usize {
    usize::try_from(byte % CHUNK_BYTES).unwrap_or_default()
}

/// A number of bytes, at most a chunk.
fn within_most(bytes: u64) -> usize {
    usize::try_from(bytes.min(CHUNK_BYTES)).unwrap_or(CHUNK)
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Self {
        let mut content = Self::default();
        content.append(bytes);
        content
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() || bytes.len() > CHUNK || is_zeros(&bytes) {
            return bytes.as_slice().into();
        }
        Self::of_one(Chunk::Data(Arc::new(bytes)))
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Chunk, Content};
    use proptest::prelude::*;
    use std::sync::Arc;

    #[test]
    fn appends_give_the_same_content_as_one_write() {
        let bytes: Vec<u8> = (0..=250).cycle().take(3 * CHUNK + 17).collect();
        let whole = Content::from(bytes.clone());
        let mut grown = Content::default();
        for part in bytes.chunks(1000) {
            grown.append(part);
        }
        assert_eq!(grown, whole);
        assert_eq!(grown.to_vec(), bytes);
        assert_eq!(grown.len(), bytes.len() as u64);
        assert_eq!(grown.chunks_from(0).len(), 4);
    }

    #[test]
    fn a_clone_does_not_see_later_appends_and_shares_all_full_chunks() {
        let mut content = Content::from(vec![7; 2 * CHUNK + 1]);
        let before = content.clone();
        content.append(b"more");
        assert_eq!(before.len(), 2 * CHUNK as u64 + 1);
        assert_eq!(content.len(), before.len() + 4);
        for (one, other) in before
            .chunks_from(0)
            .iter()
            .zip(content.chunks_from(0))
            .take(2)
        {
            let (Chunk::Data(one), Chunk::Data(other)) = (one, other) else {
                panic!("no bytes in {one:?} or {other:?}");
            };
            assert!(Arc::ptr_eq(one, other));
        }
    }

    #[test]
    fn zeros_hold_next_to_nothing_however_they_come() {
        let gib = 1 << 30;
        let content = Content::zeros(gib);
        assert_eq!(content.len(), gib);
        assert_eq!(content.held(), 64 * gib / CHUNK as u64);
        let mut written = Content::default();
        for _ in 0..64 {
            written.append(&vec![0; 1024 * 1024]);
        }
        assert_eq!(written, Content::zeros(64 * 1024 * 1024));
        assert_eq!(written.held(), Content::zeros(64 * 1024 * 1024).held());
        written.append(b"x");
        written.append(&[0; 5]);
        assert_eq!(
            written.slice(64 * 1024 * 1024 - 1, 9).to_vec(),
            b"\0x\0\0\0\0\0"
        );
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let len = prop_oneof![
            0..20_usize,
            CHUNK - 3..CHUNK + 3,
            1..3 * CHUNK,
            Just(2 * CHUNK)
        ];
        (len, 0..3_u8).prop_map(|(len, fill)| {
            let at = |at: usize| {
                if fill == 2 {
                    u8::try_from(at % 251).unwrap()
                } else {
                    fill
                }
            };
            (0..len).map(at).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn content_is_changed_as_a_plain_list_of_bytes_would_be(
            steps in prop::collection::vec((0..4_u8, piece(), 0..4 * CHUNK, any::<bool>()), 1..12),
        ) {
            let (mut content, mut bytes) = (Content::default(), Vec::new());
            for (what, piece, at, aligned) in steps {
                let at = if aligned { at / CHUNK * CHUNK } else { at };
                match what {
                    0 => {
                        content.append(&piece);
                        bytes.extend(&piece);
                    }
                    1 => {
                        content.append_content(&Content::from(piece.clone()));
                        bytes.extend(&piece);
                    }
                    2 => {
                        content.overwrite(at as u64, &Content::from(piece.clone()));
                        bytes.resize(bytes.len().max(at + piece.len()).max(at), 0);
                        bytes[at..at + piece.len()].copy_from_slice(&piece);
                    }
                    _ => {
                        content = content.slice(at as u64, piece.len() as u64);
                        let from = at.min(bytes.len());
                        bytes = bytes[from..bytes.len().min(from + piece.len())].to_vec();
                    }
                }
                prop_assert_eq!(content.len(), bytes.len() as u64);
                prop_assert!(content.to_vec() == bytes, "bytes differ");
                let held: u64 = content.chunks_from(0).iter().map(Chunk::held).sum();
                prop_assert_eq!(content.held(), held);
                let full = content.chunks_from(0).iter().rev().skip(1);
                prop_assert!(full.clone().all(|chunk| chunk.len() == CHUNK));
            }
        }
    }
}
