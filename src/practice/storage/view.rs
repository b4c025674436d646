//! The namespace of a host as one user sees it: paths, symbolic links, mounts and permissions together.
//!
//! Paths are absolute. Nothing here knows shells.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;

use super::errno::{Errno, Outcome};
use super::identity::{Access, Identity};
use super::inode::{Attr, Content, Generator, Ino, Kind, NodeType};
use super::mounts::MountTable;
use super::tree::{ROOT, Tree};
use super::walk::{self, Place, Spot, components};

/// The umask of a fresh session.
const UMASK: u32 = 0o022;

/// The namespace as one user sees it. Cheap to clone; clones share the umask. Implements bashkit's `FileSystem`.
#[derive(Clone)]
pub struct View {
    table: Arc<MountTable>,
    who: Identity,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    umask: Arc<AtomicU32>,
}

impl View {
    /// The namespace of `table` for `identity`; new files get `0o666 & !umask`, directories `0o777 & !umask` with umask 022.
    #[must_use]
    pub fn new(
        table: Arc<MountTable>,
        identity: Identity,
        now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        Self {
            table,
            who: identity,
            now,
            umask: Arc::new(AtomicU32::new(UMASK)),
        }
    }

    /// The same for another user.
    #[must_use]
    pub fn with_identity(&self, identity: Identity) -> Self {
        Self::new(Arc::clone(&self.table), identity, Arc::clone(&self.now))
    }

    /// Who.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.who
    }

    /// The mount table.
    #[must_use]
    pub fn table(&self) -> &Arc<MountTable> {
        &self.table
    }

    /// Bits that are taken from the mode of what is created.
    pub fn set_umask(&self, mask: u32) {
        self.umask.store(mask & 0o777, Ordering::Relaxed);
    }

    fn masked(&self, mode: u32) -> u32 {
        mode & !self.umask.load(Ordering::Relaxed)
    }

    fn now(&self) -> Timestamp {
        (self.now)()
    }

    fn walk(&self, path: &str, follow: bool) -> Outcome<Spot> {
        walk::walk(&self.table, &self.who, path, follow)
    }

    fn existing(&self, path: &str, follow: bool) -> Outcome<Place> {
        walk::existing(&self.table, &self.who, path, follow)
    }

    /// Follows links.
    pub fn stat(&self, path: &str) -> Outcome<Attr> {
        self.existing(path, true)?.attr()
    }

    /// Does not follow the last link.
    pub fn lstat(&self, path: &str) -> Outcome<Attr> {
        self.existing(path, false)?.attr()
    }

    /// Whether the user may do `access`.
    pub fn check(&self, path: &str, access: Access) -> Outcome<()> {
        let place = self.existing(path, true)?;
        place.tree().check(&self.who, place.ino, access)
    }

    /// Names in a directory with their attributes (not followed; of what is mounted, where it is), sorted, without `.` and `..`.
    pub fn list(&self, path: &str) -> Outcome<Vec<(String, Attr)>> {
        let dir = self.existing(path, true)?;
        let mut entries = dir.tree().list(&self.who, dir.ino)?;
        for (_, attr) in entries.iter_mut().filter(|(_, attr)| attr.is_dir()) {
            let place = self.table.over(Place {
                mount: Arc::clone(&dir.mount),
                ino: attr.ino,
            });
            if place.mount.id != dir.mount.id {
                *attr = place.attr()?;
            }
        }
        Ok(entries)
    }

    /// Whole content.
    pub fn read(&self, path: &str) -> Outcome<Vec<u8>> {
        Ok(self.content(path)?.to_vec())
    }

    /// Whole content, not copied.
    pub fn content(&self, path: &str) -> Outcome<Content> {
        let place = self.existing(path, true)?;
        place.tree().read(&self.who, place.ino)
    }

    /// Content of a text file; bytes that are no text are replaced.
    pub fn read_text(&self, path: &str) -> Outcome<String> {
        Ok(String::from_utf8_lossy(self.content(path)?.as_bytes()).into_owned())
    }

    /// Replaces or makes.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Outcome<()> {
        self.write_with_mode(path, bytes, 0o666)
    }

    /// Makes a file with this mode (less the umask), or replaces the content of the one that is there.
    pub fn write_with_mode(&self, path: &str, bytes: &[u8], mode: u32) -> Outcome<()> {
        let spot = self.walk(path, true)?;
        if let Some(place) = &spot.here {
            return place
                .writable()?
                .write(&self.who, self.now(), place.ino, bytes);
        }
        self.create_file(spot, bytes, mode)
    }

    /// Appends or makes.
    pub fn append(&self, path: &str, bytes: &[u8]) -> Outcome<()> {
        let spot = self.walk(path, true)?;
        if let Some(place) = &spot.here {
            return place
                .writable()?
                .append(&self.who, self.now(), place.ino, bytes);
        }
        self.create_file(spot, bytes, 0o666)
    }

    fn create_file(&self, spot: Spot, bytes: &[u8], mode: u32) -> Outcome<()> {
        let (parent, name) = spot.vacant()?;
        let kind = Kind::File(bytes.to_vec().into());
        let tree = parent.writable()?;
        tree.create(
            &self.who,
            self.now(),
            parent.ino,
            &name,
            kind,
            self.masked(mode),
        )?;
        Ok(())
    }

    /// Makes an inode of any kind under a free name; of a directory the entries are ignored.
    pub fn make(&self, path: &str, kind: Kind, mode: u32) -> Outcome<()> {
        let (parent, name) = self.walk(path, false)?.vacant()?;
        let mode = match kind {
            Kind::Symlink(_) => 0o777,
            _ => self.masked(mode),
        };
        parent
            .writable()?
            .create(&self.who, self.now(), parent.ino, &name, kind, mode)?;
        Ok(())
    }

    /// Makes one directory.
    pub fn make_dir(&self, path: &str) -> Outcome<()> {
        self.make_dir_with_mode(path, 0o777)
    }

    /// Makes one directory with this mode, less the umask.
    pub fn make_dir_with_mode(&self, path: &str, mode: u32) -> Outcome<()> {
        let kind = Kind::Directory {
            parent: ROOT,
            entries: BTreeMap::new(),
        };
        self.make(path, kind, mode)
    }

    /// Makes a directory and its parents.
    pub fn make_dirs(&self, path: &str) -> Outcome<()> {
        let mut sofar = String::new();
        let mut pending = components(path).peekable();
        while let Some(component) = pending.next() {
            sofar.push('/');
            sofar.push_str(component);
            match self.stat(&sofar) {
                Ok(attr) if attr.is_dir() => {}
                Ok(_) if pending.peek().is_none() => return Err(Errno::Exists),
                Ok(_) => return Err(Errno::NotDirectory),
                Err(Errno::NotFound) => match self.make_dir(&sofar) {
                    // Another host was quicker.
                    Ok(()) | Err(Errno::Exists) => {}
                    Err(errno) => return Err(errno),
                },
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Removes a file, link or empty directory.
    pub fn remove_one(&self, path: &str) -> Outcome<()> {
        self.unlink(path, false)
    }

    /// Removes a file, or a directory with all that is in it, as far as the user may.
    pub fn remove_all(&self, path: &str) -> Outcome<()> {
        self.unlink(path, true)
    }

    fn unlink(&self, path: &str, recursive: bool) -> Outcome<()> {
        let spot = self.walk(path, false)?;
        let (name, parent) = (spot.name.clone(), spot.parent.clone());
        let place = spot.existing()?;
        if name.is_empty() || place.mount.id != parent.mount.id || self.has_mount_below(&place) {
            return Err(Errno::Busy);
        }
        parent
            .writable()?
            .remove(&self.who, self.now(), parent.ino, &name, recursive)
    }

    /// Whether another mount covers a directory below this one.
    fn has_mount_below(&self, place: &Place) -> bool {
        self.table.attached().iter().any(|mount| {
            let above = format!("{}/..", mount.spec.target);
            walk::existing(&self.table, &Identity::ROOT, &above, true).is_ok_and(|above| {
                above.mount.id == place.mount.id && is_below(above.tree(), above.ino, place.ino)
            }) && mount.id != place.mount.id
        })
    }

    /// Renames within one mount (`Errno::CrossDevice` otherwise).
    pub fn rename_one(&self, from: &str, to: &str) -> Outcome<()> {
        let source = self.walk(from, false)?;
        let target = self.walk(to, false)?;
        let covered = |spot: &Spot| {
            spot.here
                .as_ref()
                .is_some_and(|p| p.mount.id != spot.parent.mount.id)
        };
        if source.name.is_empty() || target.name.is_empty() || covered(&source) || covered(&target)
        {
            return Err(Errno::Busy);
        }
        if source.here.is_none() {
            return Err(Errno::NotFound);
        }
        if source.parent.mount.id != target.parent.mount.id {
            return Err(Errno::CrossDevice);
        }
        source.parent.writable()?.rename(
            &self.who,
            self.now(),
            (source.parent.ino, &source.name),
            (target.parent.ino, &target.name),
        )
    }

    /// Moves a file or directory to another filesystem: copies it with all attributes, then removes it.
    pub fn move_across(&self, from: &str, to: &str) -> Outcome<()> {
        let attr = self.lstat(from)?;
        if attr.is_dir() {
            self.make_dir_with_mode(to, 0o700)?;
            for (name, _) in self.list(from)? {
                self.move_across(&format!("{from}/{name}"), &format!("{to}/{name}"))?;
            }
            self.copy_attributes(&attr, to)?;
        } else {
            self.copy_node(from, to)?;
        }
        self.remove_one(from)
    }

    /// Copies what is not a directory, with mode, times and (for root) owner: what `cp -a` does with it.
    pub fn copy_node(&self, from: &str, to: &str) -> Outcome<()> {
        let attr = self.lstat(from)?;
        if self.lstat(to).is_ok_and(|existing| !existing.is_dir()) {
            self.remove_one(to)?;
        }
        match attr.node_type {
            NodeType::Directory => return Err(Errno::IsDirectory),
            NodeType::Symlink => self.make_symlink(&self.link_target(from)?, to)?,
            NodeType::Fifo => self.make(to, Kind::Fifo(Content::default()), attr.mode)?,
            NodeType::File | NodeType::Device => {
                self.write_with_mode(to, self.content(from)?.as_bytes(), 0o600)?;
            }
        }
        self.copy_attributes(&attr, to)
    }

    /// Gives `to` the owner (as far as the user may), mode and times of `attr`.
    pub fn copy_attributes(&self, attr: &Attr, to: &str) -> Outcome<()> {
        let place = self.existing(to, false)?;
        let (tree, now) = (place.writable()?, self.now());
        let owned = tree.set_owner(&self.who, now, place.ino, Some(attr.uid), Some(attr.gid));
        if attr.node_type != NodeType::Symlink {
            // Without the owner the set-id bits would give away the copier's rights.
            let mode = if owned.is_ok() {
                attr.mode
            } else {
                attr.mode & 0o1777
            };
            tree.set_mode(&self.who, now, place.ino, mode)?;
        }
        tree.set_times(
            &self.who,
            now,
            place.ino,
            Some(attr.accessed),
            Some(attr.modified),
        )
    }

    /// Hard link.
    pub fn link(&self, old: &str, new: &str) -> Outcome<()> {
        let place = self.existing(old, false)?;
        let (parent, name) = self.walk(new, false)?.vacant()?;
        if place.mount.id != parent.mount.id {
            return Err(Errno::CrossDevice);
        }
        parent
            .writable()?
            .link(&self.who, self.now(), place.ino, parent.ino, &name)
    }

    /// Symbolic link.
    pub fn make_symlink(&self, target: &str, link: &str) -> Outcome<()> {
        self.make(link, Kind::Symlink(target.to_owned()), 0o777)
    }

    /// Target of a symbolic link.
    pub fn link_target(&self, path: &str) -> Outcome<String> {
        let place = self.existing(path, false)?;
        place.tree().read_link(place.ino)
    }

    /// Mode bits, follows links.
    pub fn set_mode(&self, path: &str, mode: u32) -> Outcome<()> {
        let place = self.existing(path, true)?;
        place
            .writable()?
            .set_mode(&self.who, self.now(), place.ino, mode)
    }

    /// Owner and group (`None`: as it is); `follow`: of what a link names.
    pub fn set_owner(
        &self,
        path: &str,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Outcome<()> {
        let place = self.existing(path, follow)?;
        place
            .writable()?
            .set_owner(&self.who, self.now(), place.ino, uid, gid)
    }

    /// Modification time.
    pub fn set_modified(&self, path: &str, at: Timestamp) -> Outcome<()> {
        self.set_times(path, None, Some(at))
    }

    /// Access and modification time.
    pub fn set_times(
        &self,
        path: &str,
        accessed: Option<Timestamp>,
        modified: Option<Timestamp>,
    ) -> Outcome<()> {
        let place = self.existing(path, true)?;
        place
            .writable()?
            .set_times(&self.who, self.now(), place.ino, accessed, modified)
    }

    /// A file whose content is made at each read (for `/proc`).
    pub fn make_generated(&self, path: &str, content: Generator) -> Outcome<()> {
        self.make(path, Kind::Generated(content), 0o444)
    }

    /// A character device that swallows what is written; what is read from it is made at each read.
    pub fn make_device(&self, path: &str, content: Generator) -> Outcome<()> {
        self.make(path, Kind::Device(content), 0o666)?;
        self.set_mode(path, 0o666)
    }

    /// Bytes used in the tree that holds this path.
    pub fn used_bytes(&self, path: &str) -> Outcome<u64> {
        Ok(self.existing(path, true)?.tree().used_bytes())
    }
}

fn is_below(tree: &Tree, mut dir: Ino, ancestor: Ino) -> bool {
    loop {
        if dir == ancestor {
            return true;
        }
        match tree.parent(dir) {
            Ok(parent) if parent != dir => dir = parent,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests;
