//! A host's namespace as one user sees it: paths, links, permissions. All paths absolute.

mod attributes;
mod time;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use self::time::Line;
use super::content::Content;
use super::entries::Replace;
use super::errno::{Errno, Outcome};
use super::gate::{Patience, Use};
use super::identity::{Access, Identity};
use super::inode::{Attr, Control, Endless, Generator, Ino, Kind, NodeType};
use super::locks::Locks;
use super::mounts::{MountTable, Table};
use super::performance::Request;
use super::shellfs::Clobber;
use super::tree::Usage;
use super::walk::{Entry, Found, Last, Place, held_up, walk};

pub use self::time::Manner;

/// The umask of a fresh login on Amazon Linux.
const UMASK: u32 = 0o022;
/// How often a path is looked up anew because what it led to went away meanwhile. Each time somebody else got ahead,
/// so a thousand times in a row means that something else is wrong.
const LOOKUPS_MAX: usize = 1000;
/// Most bytes of a file that a program reads into memory at once: a file of zeros may be larger than all memory there is.
const COPY_MAX: u64 = 256 * 1024 * 1024;
/// Bytes that a disk gives at once, as the kernel's endless devices do here.
const DEVICE_MAX: u64 = 1024 * 1024;

/// The namespace as one user sees it. Cheap to clone; clones share the umask. Implements bashkit's `FileSystem`.
#[derive(Clone)]
pub struct View {
    table: Arc<MountTable>,
    identity: Identity,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    umask: Arc<AtomicU32>,
    /// Whoever uses it waits for what it does.
    line: Option<Arc<Mutex<Line>>>,
    patience: Option<Arc<dyn Patience>>,
    /// Of the shell that uses it.
    clobber: Arc<Clobber>,
}

impl View {
    /// The namespace of `table` for `identity`; new files get `0o666 & !umask`, directories `0o777 & !umask` with umask 022.
    pub fn new(
        table: Arc<MountTable>,
        identity: Identity,
        now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        Self {
            table,
            identity,
            now,
            umask: Arc::new(AtomicU32::new(UMASK)),
            line: None,
            patience: None,
            clobber: Arc::default(),
        }
    }

    /// The same for another user.
    #[must_use]
    pub fn with_identity(&self, identity: Identity) -> Self {
        Self::new(self.table.clone(), identity, self.now.clone())
    }

    /// Who.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The mount table.
    #[must_use]
    pub fn table(&self) -> &Arc<MountTable> {
        &self.table
    }

    /// Permission bits that what is made from now on does not get.
    pub fn set_umask(&self, mask: u32) {
        self.umask.store(mask & 0o777, Ordering::Relaxed);
    }

    /// These bits.
    #[must_use]
    pub fn umask(&self) -> u32 {
        self.umask.load(Ordering::Relaxed)
    }

    pub(super) fn clobber(&self) -> &Clobber {
        &self.clobber
    }

    fn masked(&self, mode: u32) -> u32 {
        mode & !self.umask()
    }

    /// Account time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// The same for somebody who waits in front of a closed mount.
    #[must_use]
    pub fn patient(mut self, patience: Arc<dyn Patience>) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Waits until nothing on the way to a path holds this user up. An operation that comes right after it gets through,
    /// or fails as one does that was given up.
    pub async fn pass(&self, path: &str, purpose: Use) {
        self.pass_on(path, Last::Follow, purpose).await;
    }

    /// The same for a name itself, wherever it links to.
    pub async fn pass_entry(&self, path: &str, purpose: Use) {
        self.pass_on(path, Last::Entry, purpose).await;
    }

    async fn pass_on(&self, path: &str, last: Last, purpose: Use) {
        let Some(patience) = &self.patience else {
            return;
        };
        patience.turn().await;
        loop {
            let table = self.table.now();
            if table.is_open(purpose) {
                return;
            }
            let gate = held_up(&table, &self.identity, path, last, purpose);
            let Some(gate) = gate else { return };
            if gate.pass(purpose, &**patience).await.is_err() {
                return;
            }
            self.was_held_up();
        }
    }

    /// The same for all that is mounted below a path.
    pub async fn pass_below(&self, path: &str) {
        let Some(patience) = &self.patience else {
            return;
        };
        while let Some(gate) = self.table.now().closed_below(path) {
            if gate.pass(Use::Look, &**patience).await.is_err() {
                return;
            }
        }
    }

    /// Follows links.
    pub fn stat(&self, path: &str) -> Outcome<Attr> {
        self.at(path, Last::Follow, |found| self.attr(found))
    }

    fn attr(&self, found: &Found) -> Outcome<Attr> {
        let attr = found.mount.spec.tree.attr(found.ino)?;
        self.looked_at(found);
        Ok(attr)
    }

    /// Does not follow the last link.
    pub fn lstat(&self, path: &str) -> Outcome<Attr> {
        self.at(path, Last::Keep, |found| self.attr(found))
    }

    /// The path with all links followed, without `.` and `..`; what it names must be there.
    pub fn canonical(&self, path: &str) -> Outcome<String> {
        self.lookup(path, Last::Follow, |_, place| {
            place.found().map(|_| place.path.clone())
        })
    }

    /// Whether the caller may do this with what is there (follows links).
    pub fn check(&self, path: &str, access: Access) -> Outcome<()> {
        self.at(path, Last::Follow, |found| {
            if access == Access::Write {
                found.writable()?;
            }
            let tree = &found.mount.spec.tree;
            tree.check(&self.identity, found.ino, access)
        })
    }

    /// Names in a directory with their attributes (not followed), sorted, without `.` and `..`.
    pub fn list(&self, path: &str) -> Outcome<Vec<(String, Attr)>> {
        self.lookup(path, Last::Follow, |table, place| {
            let Found { mount, ino } = place.found()?;
            let mut entries = mount.spec.tree.list(&self.identity, *ino)?;
            self.ask(mount, Request::Look);
            if table.covers(&place.path) {
                for (_, attr) in entries.iter_mut().filter(|(_, attr)| attr.is_dir()) {
                    let over = table.over(Found {
                        mount: mount.clone(),
                        ino: attr.ino,
                    });
                    if !over.mount.is(mount) {
                        *attr = over.mount.spec.tree.attr(over.ino)?;
                    }
                }
            }
            Ok(entries)
        })
    }

    /// Whole content.
    pub fn read(&self, path: &str) -> Outcome<Vec<u8>> {
        let content = self.content(path)?;
        if content.len() > COPY_MAX {
            // Of a disk, as of an endless device, whoever reads all at once gets a part.
            return match self.stat(path)?.node_type {
                NodeType::Block => Ok(content.slice(0, DEVICE_MAX).to_vec()),
                _ => Err(Errno::NoMemory),
            };
        }
        Ok(content.to_vec())
    }

    /// Whole content, without copying it.
    pub fn content(&self, path: &str) -> Outcome<Content> {
        self.at(path, Last::Follow, |found| {
            let content = found.mount.spec.tree.read(&self.identity, found.ino)?;
            self.was_read(found, content.len());
            Ok(content)
        })
    }

    /// Content of a text file; bytes that are no text are replaced.
    pub fn read_text(&self, path: &str) -> Outcome<String> {
        Ok(match String::from_utf8(self.read(path)?) {
            Ok(text) => text,
            Err(bytes) => String::from_utf8_lossy(bytes.as_bytes()).into_owned(),
        })
    }

    /// Replaces or makes.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Outcome<()> {
        self.write_with_mode(path, bytes, 0o666)
    }

    /// Replaces, or makes with these permission bits (less the umask).
    pub fn write_with_mode(&self, path: &str, bytes: &[u8], mode: u32) -> Outcome<()> {
        self.put(path, &bytes.into(), mode)
    }

    /// The same with content that need not be copied.
    pub fn put(&self, path: &str, content: &Content, mode: u32) -> Outcome<()> {
        self.lookup(path, Last::Follow, |_, place| match &place.found {
            Some(found) => {
                let Found { mount, ino } = found.writable()?;
                let tree = &mount.spec.tree;
                tree.write(&self.identity, *ino, content.clone(), self.now())?;
                // It is opened, and cut off.
                self.ask(mount, Request::Change);
                self.was_written(mount, *ino, 0, content.len());
                Ok(())
            }
            None => self.make_file(place, content.clone(), mode),
        })
    }

    /// Appends or makes.
    pub fn append(&self, path: &str, bytes: &[u8]) -> Outcome<()> {
        self.append_content(path, &bytes.into())
    }

    /// The same with content that need not be copied.
    pub fn append_content(&self, path: &str, content: &Content) -> Outcome<()> {
        self.lookup(path, Last::Follow, |_, place| match &place.found {
            Some(found) => {
                let Found { mount, ino } = found.writable()?;
                let tree = &mount.spec.tree;
                let end = tree.append(&self.identity, *ino, content, self.now())?;
                self.was_appended(mount, *ino, end, content.len());
                Ok(())
            }
            None => self.make_file(place, content.clone(), 0o666),
        })
    }

    /// Makes a file so long: what is behind that is cut off, what is missing becomes zeros. No byte of it is moved.
    pub fn resize(&self, path: &str, len: u64) -> Outcome<()> {
        self.at(path, Last::Follow, |found| {
            let Found { mount, ino } = found.writable()?;
            mount
                .spec
                .tree
                .resize(&self.identity, *ino, len, self.now())?;
            self.ask(mount, Request::Change);
            Ok(())
        })
    }

    /// Makes an empty file, or sets its times to now; whoever may write a file may do that.
    pub fn touch(&self, path: &str) -> Outcome<()> {
        self.lookup(path, Last::Follow, |_, place| match &place.found {
            Some(found) => {
                let Found { mount, ino } = found.writable()?;
                mount.spec.tree.touch(&self.identity, *ino, self.now())?;
                self.ask(mount, Request::Change);
                Ok(())
            }
            None => self.make_file(place, Content::default(), 0o666),
        })
    }

    /// Makes an inode of any kind under a free name, with these permission bits (less the umask); a directory begins empty.
    #[allow(clippy::needless_pass_by_value, reason = "what is made is given away")]
    pub fn make(&self, path: &str, kind: Kind, mode: u32) -> Outcome<()> {
        let mode = match kind {
            // Nobody looks at a link's mode, and nothing changes it.
            Kind::Symlink(_) => 0o777,
            _ => self.masked(mode),
        };
        self.make_exactly(path, kind, mode)
    }

    /// Makes one directory.
    pub fn make_dir(&self, path: &str) -> Outcome<()> {
        self.make_dir_with_mode(path, 0o777)
    }

    /// Makes one directory with these permission bits (less the umask).
    pub fn make_dir_with_mode(&self, path: &str, mode: u32) -> Outcome<()> {
        self.make(path, Kind::directory(), mode)
    }

    /// Makes a directory and its parents.
    pub fn make_dirs(&self, path: &str) -> Outcome<()> {
        let ends = path.match_indices('/').map(|(slash, _)| slash).skip(1);
        for end in ends.chain([path.len()]) {
            let part = &path[..end];
            match self.stat(part) {
                Ok(attr) if attr.is_dir() => {}
                Ok(_) if end < path.len() => return Err(Errno::NotDirectory),
                Ok(_) => return Err(Errno::Exists),
                Err(Errno::NotFound) => match self.make_dir(part) {
                    // Somebody else was faster.
                    Err(Errno::Exists) if self.stat(part).is_ok_and(|attr| attr.is_dir()) => {}
                    made => made?,
                },
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Removes a file, link or empty directory.
    pub fn remove_one(&self, path: &str) -> Outcome<()> {
        self.lookup(path, Last::Entry, |table, place| {
            place.found()?;
            let entry = movable(table, place)?;
            let tree = &entry.mount.spec.tree;
            tree.remove(&self.identity, entry.dir, &entry.name, self.now())?;
            self.ask(&entry.mount, Request::Change);
            Ok(())
        })
    }

    /// Removes a file or link, or a directory with all that is in it, as far as the caller may.
    pub fn remove_all(&self, path: &str) -> Outcome<()> {
        let path = path.trim_end_matches('/');
        let mut pending = vec![path.to_owned()];
        while let Some(path) = pending.last().cloned() {
            match self.remove_one(&path) {
                Err(Errno::NotEmpty) => {
                    let entries = self.list(&path)?;
                    pending.extend(entries.iter().map(|(name, _)| format!("{path}/{name}")));
                }
                // Gone meanwhile; only what was asked for itself must have been there.
                Err(Errno::NotFound) if pending.len() > 1 => {
                    pending.pop();
                }
                done => {
                    done?;
                    pending.pop();
                }
            }
        }
        Ok(())
    }

    /// Renames within one mount (`Errno::CrossDevice` otherwise).
    pub fn rename_one(&self, from: &str, to: &str) -> Outcome<()> {
        self.rename_or(from, to, Replace::IfThere)
    }

    /// Renames where nothing has the new name.
    pub fn rename_new(&self, from: &str, to: &str) -> Outcome<()> {
        self.rename_or(from, to, Replace::Never)
    }

    fn rename_or(&self, from: &str, to: &str, existing: Replace) -> Outcome<()> {
        self.lookup(from, Last::Entry, |table, from| {
            let found = from.found()?;
            let to = walk(table, &self.identity, to, Last::Entry)?;
            let source = movable(table, from)?;
            let target = movable(table, &to)?;
            if !source.mount.is(&target.mount) {
                return Err(Errno::CrossDevice);
            }
            let directory = found.mount.spec.tree.attr(found.ino)?.is_dir();
            if to.slash && to.found.is_none() && !directory {
                return Err(Errno::NotDirectory);
            }
            source.mount.spec.tree.rename(
                &self.identity,
                (source.dir, &source.name),
                (target.dir, &target.name),
                existing,
                self.now(),
            )?;
            self.ask(&source.mount, Request::Change);
            Ok(())
        })
    }

    /// Hard link.
    pub fn link(&self, old: &str, new: &str) -> Outcome<()> {
        self.lookup(old, Last::Keep, |table, old| {
            let old = old.found()?;
            let new = walk(table, &self.identity, new, Last::Entry)?;
            let entry = vacant(&new, false)?;
            if !old.mount.is(&entry.mount) {
                return Err(Errno::CrossDevice);
            }
            let tree = &entry.mount.spec.tree;
            tree.link(&self.identity, old.ino, entry.dir, &entry.name, self.now())?;
            self.ask(&entry.mount, Request::Change);
            Ok(())
        })
    }

    /// Symbolic link.
    pub fn make_symlink(&self, target: &str, link: &str) -> Outcome<()> {
        self.make(link, Kind::Symlink(target.to_owned()), 0o777)
    }

    /// Target of a symbolic link.
    pub fn link_target(&self, path: &str) -> Outcome<String> {
        self.at(path, Last::Keep, |found| {
            found.mount.spec.tree.target(found.ino)
        })
    }

    /// A file whose content is made at each read (for `/proc`), 0444; an older one at this path is replaced.
    /// Written to, it refuses, unless its mode is changed: then it takes what is written and forgets it.
    pub fn make_generated(&self, path: &str, content: Generator) -> Outcome<()> {
        self.make_virtual(path, Kind::Generated(content), 0o444)
    }

    /// A file that does something with what is written to it, with these permission bits; it cannot be read.
    pub fn make_control(&self, path: &str, control: Control, mode: u32) -> Outcome<()> {
        self.make_exactly(path, Kind::Control(control), mode)
    }

    /// A character device that swallows what is written and is read from the generator, 0666; an older one is replaced.
    pub fn make_device(&self, path: &str, content: Endless) -> Outcome<()> {
        self.make_virtual(path, Kind::Device(content), 0o666)
    }

    /// The same, with no room for what is written (`/dev/full`).
    pub fn make_full_device(&self, path: &str, content: Endless) -> Outcome<()> {
        self.make_virtual(path, Kind::Full(content), 0o666)
    }

    /// The locks of the tree that holds this path, and what is to be locked there.
    pub fn locks(&self, path: &str) -> Outcome<(Arc<Locks>, Ino)> {
        self.at(path, Last::Follow, |found| {
            Ok((Arc::clone(&found.mount.spec.tree.locks), found.ino))
        })
    }

    /// Bytes used in the tree that holds this path.
    pub fn used_bytes(&self, path: &str) -> Outcome<u64> {
        Ok(self.usage_at(path)?.bytes)
    }

    /// What is in the tree that holds this path.
    pub fn usage_at(&self, path: &str) -> Outcome<Usage> {
        self.at(path, Last::Follow, |found| {
            Ok(found.mount.spec.tree.usage())
        })
    }

    /// Does something with what a path leads to.
    fn at<T>(
        &self,
        path: &str,
        last: Last,
        operation: impl Fn(&Found) -> Outcome<T>,
    ) -> Outcome<T> {
        self.lookup(path, last, |_, place| operation(place.found()?))
    }

    /// Looks a path up and does something there; again, if what was there went away in between.
    fn lookup<T>(
        &self,
        path: &str,
        last: Last,
        operation: impl Fn(&Table, &Place) -> Outcome<T>,
    ) -> Outcome<T> {
        for _ in 0..LOOKUPS_MAX {
            let table = self.table.now();
            let done = walk(&table, &self.identity, path, last)
                .and_then(|place| operation(&table, &place));
            if !matches!(done, Err(Errno::Stale)) {
                return done;
            }
        }
        Err(Errno::Stale)
    }

    fn make_exactly(&self, path: &str, kind: Kind, mode: u32) -> Outcome<()> {
        self.lookup(path, Last::Entry, move |_, place| {
            let entry = vacant(place, matches!(kind, Kind::Directory { .. }))?;
            let tree = &entry.mount.spec.tree;
            tree.make(
                &self.identity,
                entry.dir,
                &entry.name,
                kind.clone(),
                mode,
                self.now(),
            )?;
            self.ask(&entry.mount, Request::Change);
            Ok(())
        })
    }

    /// Makes a file under a free name, with this content, as one step (`O_EXCL`).
    pub fn create_new(&self, path: &str, content: &Content) -> Outcome<()> {
        self.lookup(path, Last::Entry, |_, place| {
            vacant(place, false)?;
            self.make_new(place, content.clone(), 0o666)
        })
    }

    /// Makes the file that was not found where a path, with its links followed, ends.
    fn make_file(&self, place: &Place, content: Content, mode: u32) -> Outcome<()> {
        match self.make_new(place, content, mode) {
            // Somebody else was faster: look again, and find it.
            Err(Errno::Exists) => Err(Errno::Stale),
            made => made,
        }
    }

    fn make_new(&self, place: &Place, content: Content, mode: u32) -> Outcome<()> {
        if place.slash {
            return Err(Errno::IsDirectory);
        }
        let entry = vacant(place, false)?;
        let tree = &entry.mount.spec.tree;
        let len = content.len();
        let (kind, mode) = (Kind::File(content), self.masked(mode));
        let (who, now) = (&self.identity, self.now());
        let made = tree.make(who, entry.dir, &entry.name, kind, mode, now)?;
        self.ask(&entry.mount, Request::Change);
        self.was_written(&entry.mount, made.ino, 0, len);
        Ok(())
    }

    #[allow(clippy::needless_pass_by_value, reason = "what is made is given away")]
    fn make_virtual(&self, path: &str, kind: Kind, mode: u32) -> Outcome<()> {
        match self.lstat(path) {
            Ok(attr) if attr.node_type == NodeType::Device => self.remove_one(path)?,
            Ok(attr) if attr.node_type == NodeType::File && self.is_generated(path)? => {
                self.remove_one(path)?;
            }
            _ => {}
        }
        self.make_exactly(path, kind, mode)
    }

    fn is_generated(&self, path: &str) -> Outcome<bool> {
        self.at(path, Last::Keep, |found| {
            found.mount.spec.tree.is_generated(found.ino)
        })
    }
}

/// The entry to be made, if it is not there and its filesystem may be written.
fn vacant(place: &Place, directory: bool) -> Outcome<&Entry> {
    if place.found.is_some() {
        return Err(Errno::Exists);
    }
    let entry = place.entry.as_ref().ok_or(Errno::Exists)?;
    if place.slash && !directory {
        return Err(Errno::NotFound);
    }
    writable(entry)
}

/// The entry to be removed, renamed or replaced, if no mount depends on it and its filesystem may be written.
fn movable<'a>(table: &Table, place: &'a Place) -> Outcome<&'a Entry> {
    let entry = place.entry.as_ref().ok_or(Errno::Busy)?;
    if table.covers(&place.path) {
        return Err(Errno::Busy);
    }
    writable(entry)
}

fn writable(entry: &Entry) -> Outcome<&Entry> {
    if entry.mount.spec.is_read_only() {
        return Err(Errno::ReadOnly);
    }
    entry.mount.admit(Use::Change)?;
    Ok(entry)
}
