//! A [`View`] in the form in which the shell wants a filesystem. Translation only: no rule of its own.
//!
//! The shell puts its own link-following layer on top, and expects `stat` not to follow the last component.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bashkit::{DirEntry, FileSystem, FileSystemExt, FileType, FsUsage, Metadata, Result};
use jiff::Timestamp;

use super::errno::Errno;
use super::inode::{Attr, Content, Kind, NodeType};
use super::view::View;

impl From<Errno> for bashkit::Error {
    fn from(errno: Errno) -> Self {
        std::io::Error::from(errno).into()
    }
}

fn text(path: &Path) -> std::result::Result<&str, Errno> {
    path.to_str().ok_or(Errno::NotFound)
}

fn metadata(attr: &Attr) -> Metadata {
    Metadata {
        file_type: match attr.node_type {
            NodeType::File | NodeType::Device => FileType::File,
            NodeType::Directory => FileType::Directory,
            NodeType::Symlink => FileType::Symlink,
            NodeType::Fifo => FileType::Fifo,
        },
        size: attr.size,
        mode: attr.mode,
        modified: attr.modified.into(),
        created: attr.changed.into(),
    }
}

#[bashkit::async_trait]
impl FileSystemExt for View {
    fn usage(&self) -> FsUsage {
        FsUsage {
            total_bytes: self.used_bytes("/").unwrap_or_default(),
            ..FsUsage::default()
        }
    }

    async fn mkfifo(&self, path: &Path, mode: u32) -> Result<()> {
        Ok(self.make(text(path)?, Kind::Fifo(Content::default()), mode)?)
    }

    fn backend_kind(&self) -> &'static str {
        "inode tree"
    }
}

#[bashkit::async_trait]
impl FileSystem for View {
    async fn read_file(&self, path: &Path) -> Result<Vec<u8>> {
        Ok(self.read(text(path)?)?)
    }

    async fn write_file(&self, path: &Path, content: &[u8]) -> Result<()> {
        Ok(self.write(text(path)?, content)?)
    }

    async fn append_file(&self, path: &Path, content: &[u8]) -> Result<()> {
        Ok(self.append(text(path)?, content)?)
    }

    async fn mkdir(&self, path: &Path, recursive: bool) -> Result<()> {
        let path = text(path)?;
        Ok(if recursive {
            self.make_dirs(path)
        } else {
            self.make_dir(path)
        }?)
    }

    async fn remove(&self, path: &Path, recursive: bool) -> Result<()> {
        let path = text(path)?;
        Ok(if recursive {
            self.remove_all(path)
        } else {
            self.remove_one(path)
        }?)
    }

    async fn stat(&self, path: &Path) -> Result<Metadata> {
        Ok(metadata(&View::lstat(self, text(path)?)?))
    }

    async fn read_dir(&self, path: &Path) -> Result<Vec<DirEntry>> {
        let entries = self.list(text(path)?)?;
        Ok(entries
            .into_iter()
            .map(|(name, attr)| DirEntry {
                name,
                metadata: metadata(&attr),
            })
            .collect())
    }

    async fn exists(&self, path: &Path) -> Result<bool> {
        match View::lstat(self, text(path)?) {
            Ok(_) => Ok(true),
            Err(Errno::NotFound | Errno::NotDirectory) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let (from, to) = (text(from)?, text(to)?);
        match self.rename_one(from, to) {
            // As `mv` does it.
            Err(Errno::CrossDevice) => Ok(self.move_across(from, to)?),
            other => Ok(other?),
        }
    }

    async fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        let (from, to) = (text(from)?, text(to)?);
        let mode = View::stat(self, from)?.mode;
        let content = self.content(from)?;
        Ok(self.write_with_mode(to, content.as_bytes(), mode)?)
    }

    async fn symlink(&self, target: &Path, link: &Path) -> Result<()> {
        Ok(self.make_symlink(text(target)?, text(link)?)?)
    }

    async fn read_link(&self, path: &Path) -> Result<PathBuf> {
        Ok(self.link_target(text(path)?)?.into())
    }

    async fn chmod(&self, path: &Path, mode: u32) -> Result<()> {
        Ok(self.set_mode(text(path)?, mode & 0o7777)?)
    }

    async fn set_modified_time(&self, path: &Path, time: SystemTime) -> Result<()> {
        let modified = Timestamp::try_from(time).map_err(|_| Errno::Invalid)?;
        Ok(self.set_modified(text(path)?, modified)?)
    }
}
