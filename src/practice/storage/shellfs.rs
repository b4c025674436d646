//! A [`View`] as bashkit's filesystem.
//!
//! bashkit puts a layer of its own on top that follows links; below it, `stat` tells of a link itself. Nothing but the
//! translation of types enters here.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use async_trait::async_trait;
use bashkit::{DirEntry, FileSystem, FileSystemExt, FileType, FsLimits, FsUsage, Metadata, Result};
use jiff::Timestamp;

use super::content::Content;
use super::errno::{Errno, Outcome};
use super::gate::Use;
use super::inode::{Attr, Kind, NodeType};
use super::view::View;

/// A path as the tree takes it.
fn text(path: &Path) -> std::io::Result<&str> {
    path.to_str().ok_or_else(|| Errno::Invalid.into())
}

fn metadata(attr: &Attr) -> Metadata {
    Metadata {
        file_type: match attr.node_type {
            // A device is read and written as a file.
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

impl From<Errno> for bashkit::Error {
    fn from(errno: Errno) -> Self {
        std::io::Error::from(errno).into()
    }
}

fn told<T>(done: Outcome<T>) -> Result<T> {
    Ok(done?)
}

#[async_trait]
impl FileSystemExt for View {
    fn usage(&self) -> FsUsage {
        let usage = self.usage_at("/").unwrap_or_default();
        FsUsage::new(usage.bytes, usage.files, usage.directories)
    }

    async fn mkfifo(&self, path: &Path, mode: u32) -> Result<()> {
        self.pass(text(path)?, Use::Change).await;
        told(self.make(text(path)?, Kind::Fifo(Content::default()), mode))
    }

    fn limits(&self) -> FsLimits {
        let root = self.table().holding("/");
        FsLimits::unlimited()
            .max_total_bytes(root.capacity)
            .max_file_size(root.tree.limits().bytes)
    }

    fn backend_kind(&self) -> &'static str {
        "inode-tree"
    }
}

#[async_trait]
impl FileSystem for View {
    async fn read_file(&self, path: &Path) -> Result<Vec<u8>> {
        self.pass(text(path)?, Use::Look).await;
        let read = self.read(text(path)?);
        self.settle().await;
        told(read)
    }

    async fn write_file(&self, path: &Path, content: &[u8]) -> Result<()> {
        self.pass(text(path)?, Use::Change).await;
        let written = self.write(text(path)?, content);
        self.settle().await;
        told(written)
    }

    async fn append_file(&self, path: &Path, content: &[u8]) -> Result<()> {
        self.pass(text(path)?, Use::Change).await;
        let written = self.append(text(path)?, content);
        self.settle().await;
        told(written)
    }

    async fn mkdir(&self, path: &Path, recursive: bool) -> Result<()> {
        self.pass_entry(text(path)?, Use::Change).await;
        let path = text(path)?;
        told(if recursive {
            self.make_dirs(path)
        } else {
            self.make_dir(path)
        })
    }

    async fn remove(&self, path: &Path, recursive: bool) -> Result<()> {
        self.pass_entry(text(path)?, Use::Change).await;
        let path = text(path)?;
        told(if recursive {
            self.remove_all(path)
        } else {
            self.remove_one(path)
        })
    }

    async fn stat(&self, path: &Path) -> Result<Metadata> {
        self.pass_entry(text(path)?, Use::Look).await;
        told(View::lstat(self, text(path)?).map(|attr| metadata(&attr)))
    }

    async fn read_dir(&self, path: &Path) -> Result<Vec<DirEntry>> {
        self.pass(text(path)?, Use::Look).await;
        let entries = told(self.list(text(path)?))?;
        let entries = entries.into_iter().map(|(name, attr)| DirEntry {
            metadata: metadata(&attr),
            name,
        });
        Ok(entries.collect())
    }

    async fn exists(&self, path: &Path) -> Result<bool> {
        self.pass_entry(text(path)?, Use::Look).await;
        match View::lstat(self, text(path)?) {
            Ok(_) => Ok(true),
            Err(Errno::NotFound | Errno::NotDirectory) => Ok(false),
            Err(errno) => told(Err(errno)),
        }
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.pass_entry(text(from)?, Use::Change).await;
        self.pass_entry(text(to)?, Use::Change).await;
        told(self.rename_one(text(from)?, text(to)?))
    }

    async fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        self.pass(text(from)?, Use::Look).await;
        self.pass(text(to)?, Use::Change).await;
        let (from, to) = (text(from)?, text(to)?);
        let copied = View::stat(self, from).and_then(|attr| {
            let content = self.content(from)?;
            self.put(to, &content, attr.mode & 0o777)
        });
        self.settle().await;
        told(copied)
    }

    async fn symlink(&self, target: &Path, link: &Path) -> Result<()> {
        self.pass_entry(text(link)?, Use::Change).await;
        told(self.make_symlink(text(target)?, text(link)?))
    }

    async fn read_link(&self, path: &Path) -> Result<PathBuf> {
        self.pass_entry(text(path)?, Use::Look).await;
        told(self.link_target(text(path)?).map(PathBuf::from))
    }

    async fn chmod(&self, path: &Path, mode: u32) -> Result<()> {
        self.pass(text(path)?, Use::Change).await;
        told(self.set_mode(text(path)?, mode))
    }

    async fn set_modified_time(&self, path: &Path, time: SystemTime) -> Result<()> {
        self.pass(text(path)?, Use::Change).await;
        let time = Timestamp::try_from(time).map_err(|_| std::io::Error::from(Errno::Invalid))?;
        told(self.set_modified(text(path)?, time))
    }
}
