//! A [`View`] as bashkit's filesystem.
//!
//! bashkit puts a layer of its own on top that follows links; below it, `stat` tells of a link itself. Nothing but the
//! translation of types enters here.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bashkit::hooks::HookAction;
use bashkit::{
    BashBuilder, DirEntry, FileSystem, FileSystemExt, FileType, FsLimits, FsUsage, Metadata, Result,
};
use jiff::Timestamp;

use super::content::Content;
use super::errno::{Errno, Outcome};
use super::gate::Use;
use super::inode::{Attr, Kind, NodeType};
use super::view::View;

/// How a shell with `set -o noclobber` makes a file only where there is none: bashkit looks, and then writes, as two
/// steps between which another host may make it. So the write is told what was seen just before.
#[derive(Debug, Default)]
pub(super) struct Clobber {
    /// The option was set once.
    refused: AtomicBool,
    /// What was not there when it was looked at last.
    absent: Mutex<Option<String>>,
}

impl Clobber {
    fn looked(&self, path: &str, found: &Outcome<Attr>) {
        if !self.refused.load(Ordering::Relaxed) {
            return;
        }
        let mut absent = self.absent.lock().unwrap_or_else(PoisonError::into_inner);
        // Before it writes, bashkit looks again, at the file and at all that leads to it: the first look counts.
        let is_on_the_way = |absent: &str| Path::new(absent).starts_with(path);
        if matches!(found, Err(Errno::NotFound)) {
            *absent = Some(path.to_owned());
        } else if !absent.as_deref().is_some_and(is_on_the_way) {
            *absent = None;
        }
    }

    /// Whether this must still not be there.
    fn is_absent(&self, path: &str) -> bool {
        let mut absent = self.absent.lock().unwrap_or_else(PoisonError::into_inner);
        absent.take().is_some_and(|absent| absent == path)
    }
}

impl View {
    /// Gives a shell this view for its files.
    #[must_use]
    pub fn serve_shell(self, builder: BashBuilder) -> BashBuilder {
        let view = self.clone();
        let builder = builder.before_tool(Box::new(move |event| {
            let names = ["noclobber", "-C"];
            if event.name == "set" && event.args.iter().any(|arg| names.contains(&arg.as_str())) {
                view.clobber().refused.store(true, Ordering::Relaxed);
            }
            HookAction::Continue(event)
        }));
        builder.fs(Arc::new(self))
    }
}

/// A path as the tree takes it.
fn text(path: &Path) -> std::io::Result<&str> {
    path.to_str().ok_or_else(|| Errno::Invalid.into())
}

fn metadata(attr: &Attr) -> Metadata {
    Metadata {
        file_type: match attr.node_type {
            // A device is read and written as a file.
            NodeType::File | NodeType::Device | NodeType::Block => FileType::File,
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

/// Time that may gather while a program writes piece by piece.
const GATHERED: Duration = Duration::from_millis(1);

impl View {
    /// Tells what came of something, once the time that it took has passed.
    async fn told<T>(&self, done: Outcome<T>) -> Result<T> {
        self.settle(Duration::ZERO).await;
        Ok(done?)
    }
}

#[async_trait]
impl FileSystemExt for View {
    fn usage(&self) -> FsUsage {
        let usage = self.usage_at("/").unwrap_or_default();
        FsUsage::new(usage.bytes, usage.files, usage.directories)
    }

    async fn mkfifo(&self, path: &Path, mode: u32) -> Result<()> {
        self.pass(text(path)?, Use::Change).await;
        self.told(self.make(text(path)?, Kind::Fifo(Content::default()), mode))
            .await
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
        self.told(self.read(text(path)?)).await
    }

    async fn write_file(&self, path: &Path, content: &[u8]) -> Result<()> {
        let path = text(path)?;
        self.pass(path, Use::Change).await;
        let written = if self.clobber().is_absent(path) {
            self.create_new(path, &content.into())
        } else {
            self.write(path, content)
        };
        self.told(written).await
    }

    async fn append_file(&self, path: &Path, content: &[u8]) -> Result<()> {
        self.pass(text(path)?, Use::Change).await;
        let written = self.append(text(path)?, content);
        self.settle(GATHERED).await;
        Ok(written?)
    }

    async fn mkdir(&self, path: &Path, recursive: bool) -> Result<()> {
        self.pass_entry(text(path)?, Use::Change).await;
        let path = text(path)?;
        let made = if recursive {
            self.make_dirs(path)
        } else {
            self.make_dir(path)
        };
        self.told(made).await
    }

    async fn remove(&self, path: &Path, recursive: bool) -> Result<()> {
        self.pass_entry(text(path)?, Use::Change).await;
        let path = text(path)?;
        let removed = if recursive {
            self.remove_all(path)
        } else {
            self.remove_one(path)
        };
        self.told(removed).await
    }

    async fn stat(&self, path: &Path) -> Result<Metadata> {
        let path = text(path)?;
        self.pass_entry(path, Use::Look).await;
        let found = View::lstat(self, path);
        self.clobber().looked(path, &found);
        self.told(found.map(|attr| metadata(&attr))).await
    }

    async fn read_dir(&self, path: &Path) -> Result<Vec<DirEntry>> {
        self.pass(text(path)?, Use::Look).await;
        let entries = self.told(self.list(text(path)?)).await?;
        let entries = entries.into_iter().map(|(name, attr)| DirEntry {
            metadata: metadata(&attr),
            name,
        });
        Ok(entries.collect())
    }

    async fn exists(&self, path: &Path) -> Result<bool> {
        self.pass_entry(text(path)?, Use::Look).await;
        let found = match View::lstat(self, text(path)?) {
            Ok(_) => Ok(true),
            Err(Errno::NotFound | Errno::NotDirectory) => Ok(false),
            Err(errno) => Err(errno),
        };
        self.told(found).await
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.pass_entry(text(from)?, Use::Change).await;
        self.pass_entry(text(to)?, Use::Change).await;
        self.told(self.rename_one(text(from)?, text(to)?)).await
    }

    async fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        self.pass(text(from)?, Use::Look).await;
        self.pass(text(to)?, Use::Change).await;
        let (from, to) = (text(from)?, text(to)?);
        let copied = View::stat(self, from).and_then(|attr| {
            let content = self.content(from)?;
            self.put(to, &content, attr.mode & 0o777)
        });
        self.told(copied).await
    }

    async fn symlink(&self, target: &Path, link: &Path) -> Result<()> {
        self.pass_entry(text(link)?, Use::Change).await;
        self.told(self.make_symlink(text(target)?, text(link)?))
            .await
    }

    async fn read_link(&self, path: &Path) -> Result<PathBuf> {
        self.pass_entry(text(path)?, Use::Look).await;
        self.told(self.link_target(text(path)?).map(PathBuf::from))
            .await
    }

    async fn chmod(&self, path: &Path, mode: u32) -> Result<()> {
        self.pass(text(path)?, Use::Change).await;
        self.told(self.set_mode(text(path)?, mode)).await
    }

    async fn set_modified_time(&self, path: &Path, time: SystemTime) -> Result<()> {
        self.pass(text(path)?, Use::Change).await;
        let time = Timestamp::try_from(time).map_err(|_| std::io::Error::from(Errno::Invalid))?;
        self.told(self.set_modified(text(path)?, time)).await
    }
}
