//! The bytes of a file: cheap to clone, cheap to extend. No attributes, no names.

use std::sync::Arc;

/// Bytes in one chunk. Large enough that a file of hundreds of megabytes has few chunks, small enough that copying
/// the last one before an append (when somebody else holds it) costs nothing one would notice.
pub(super) const CHUNK: usize = 64 * 1024;

/// One chunk; all but the last of a file are full.
pub(super) type Chunk = Arc<Vec<u8>>;

/// Bytes of a file. Cloning is cheap; a writer copies only the chunk it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    chunks: Arc<Vec<Chunk>>,
    len: u64,
}

impl Content {
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

    /// A copy of all bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.len).unwrap_or_default());
        for chunk in self.chunks.iter() {
            bytes.extend_from_slice(chunk);
        }
        bytes
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
            Arc::make_mut(last).extend_from_slice(fits);
            more = rest;
        }
        chunks.extend(more.chunks(CHUNK).map(|bytes| Arc::new(bytes.to_vec())));
    }

    /// The chunks from this one on.
    pub(super) fn chunks_from(&self, first: usize) -> &[Chunk] {
        self.chunks.get(first..).unwrap_or_default()
    }

    /// The chunk in which the byte after the last one will be.
    pub(super) fn tail(&self) -> usize {
        usize::try_from(self.len / CHUNK as u64).unwrap_or(usize::MAX)
    }
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
        if bytes.is_empty() || bytes.len() > CHUNK {
            return bytes.as_slice().into();
        }
        Self {
            len: bytes.len() as u64,
            chunks: Arc::new(vec![Arc::new(bytes)]),
        }
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Content};
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
            assert!(Arc::ptr_eq(one, other));
        }
    }
}
