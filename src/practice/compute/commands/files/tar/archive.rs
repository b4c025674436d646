//! The bytes of an archive: blocks in GNU's format, compressed or not. Which files are in it does not enter here.

use std::io::{self, Read as _, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

use crate::practice::storage::Content;

/// What everything is rounded up to.
const BLOCK: usize = 512;
/// An archive is a whole number of these (20 blocks, tar's blocking factor).
const RECORD: usize = 20 * BLOCK;
/// Bytes of a name that a header has room for; a longer one stands in a member of its own before it.
const NAME: usize = 100;
/// The name of such a member.
const LONG_NAME: &str = "././@LongLink";
/// A compressed archive may be this large, unpacked: a small machine's memory, which must hold it here.
const EXPANDED_MAX: u64 = 512 * 1024 * 1024;

/// Content that can be written to piece by piece.
struct Sink(Content);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum To {
    Plain(Sink),
    Gzip(Box<GzEncoder<Sink>>),
}

/// An archive that grows.
pub(super) struct Writer {
    to: To,
    written: usize,
}

impl Writer {
    /// An archive that begins with these members of another.
    pub fn new(gzip: bool, before: &[u8]) -> io::Result<Self> {
        let sink = Sink(Content::default());
        let mut writer = Self {
            to: if gzip {
                To::Gzip(Box::new(GzEncoder::new(sink, Compression::default())))
            } else {
                To::Plain(sink)
            },
            written: 0,
        };
        writer.raw(before)?;
        Ok(writer)
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len();
        match &mut self.to {
            To::Plain(sink) => sink.write_all(bytes),
            To::Gzip(encoder) => encoder.write_all(bytes),
        }
    }

    fn round_up(&mut self, to: usize) -> io::Result<()> {
        let missing = self.written.next_multiple_of(to) - self.written;
        self.raw(&vec![0; missing])
    }

    /// A member: its header, but for the names, and what is in it.
    pub fn member(
        &mut self,
        mut header: Header,
        name: &str,
        link: Option<&str>,
        data: &Content,
    ) -> io::Result<()> {
        self.long(b'K', link.unwrap_or_default())?;
        self.long(b'L', name)?;
        let fields = header.as_old_mut();
        fill(&mut fields.name, name);
        fill(&mut fields.linkname, link.unwrap_or_default());
        header.set_size(data.len());
        header.set_cksum();
        self.raw(header.as_bytes())?;
        for part in data.parts() {
            self.raw(part)?;
        }
        self.round_up(BLOCK)
    }

    /// A name that is too long for a header.
    fn long(&mut self, kind: u8, name: &str) -> io::Result<()> {
        if name.len() <= NAME {
            return Ok(());
        }
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::new(kind));
        header.set_size(name.len() as u64 + 1);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        fill(&mut header.as_old_mut().name, LONG_NAME);
        header.set_cksum();
        self.raw(header.as_bytes())?;
        self.raw(name.as_bytes())?;
        self.raw(&[0])?;
        self.round_up(BLOCK)
    }

    /// The whole archive.
    pub fn finish(mut self) -> io::Result<Content> {
        self.raw(&[0; 2 * BLOCK])?;
        self.round_up(RECORD)?;
        match self.to {
            To::Plain(sink) => Ok(sink.0),
            To::Gzip(encoder) => Ok(encoder.finish()?.0),
        }
    }
}

fn fill(field: &mut [u8; NAME], text: &str) {
    let length = text.len().min(NAME);
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
}

/// Whether it is compressed.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// What a compressed archive unpacks to; an error also when that is too much.
pub(super) fn expanded(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(EXPANDED_MAX + 1)
        .read_to_end(&mut all)?;
    if all.len() as u64 > EXPANDED_MAX {
        return Err(io::Error::other("too large for this instance"));
    }
    Ok(all)
}

/// How many bytes of an archive its members are, without the end mark.
pub(super) fn members_end(bytes: &[u8]) -> io::Result<usize> {
    let mut end = 0;
    for entry in tar::Archive::new(bytes).entries()? {
        let entry = entry?;
        let size = usize::try_from(entry.size()).map_err(io::Error::other)?;
        let start = usize::try_from(entry.raw_file_position()).map_err(io::Error::other)?;
        end = start + size.next_multiple_of(BLOCK);
    }
    Ok(end.min(bytes.len()))
}
