//! A host's mount table: which tree is seen where.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::errno::{Errno, Outcome};
use super::gate::{Gate, Use};
use super::identity::Identity;
use super::inode::Ino;
use super::performance::PageCache;
use super::tree::{ROOT, Tree};
use super::walk::{Found, Last, Place, directory, walk};

/// What is mounted, and how.
#[derive(Clone)]
pub struct MountSpec {
    /// `fs-0a1….efs.us-east-1.amazonaws.com:/`, `/dev/nvme0n1p1`, `proc` …
    pub source: String,
    /// Absolute path of the mount point.
    pub target: String,
    /// `nfs4`, `xfs`, `proc`, `tmpfs` …
    pub fstype: String,
    /// As `/proc/mounts` shows them: `rw,relatime,vers=4.1,…`.
    pub options: String,
    /// The tree.
    pub tree: Arc<Tree>,
    /// Capacity as `df` shows it, in bytes.
    pub capacity: u64,
    /// Bytes of it that are in use before any of its files here: what no practice instance has of a real system.
    pub own: u64,
}

/// One line of the table.
pub type Mount = MountSpec;

impl MountSpec {
    /// Whether it is mounted read-only.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.has_option("ro")
    }

    /// What is mounted holds no more than `df` shows; what shows nothing is no storage.
    fn limit(&self) {
        if self.capacity > 0 {
            self.tree
                .set_capacity(self.capacity.saturating_sub(self.own));
        }
    }

    /// Whether it is mounted with this option.
    #[must_use]
    pub fn has_option(&self, option: &str) -> bool {
        self.options.split(',').any(|given| given == option)
    }
}

/// A mount with its place among the others.
#[derive(Clone)]
pub(super) struct Mounted {
    pub spec: MountSpec,
    /// The directory of the tree that is seen at the mount point.
    base: Ino,
    /// Unlike any other's in the table.
    id: u64,
    /// The directory it hides: the mount that is in, and its inode there. The first mount hides none.
    hides: Option<(u64, Ino)>,
    /// What holds up its users.
    gate: Option<Arc<dyn Gate>>,
    /// Counts at the tree while it is mounted.
    _connection: Arc<()>,
}

impl Mounted {
    /// Whether both are the same mount, not only the same tree.
    pub fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// What stands before it, if it is closed now.
    pub fn closed(&self, purpose: Use) -> Option<&Arc<dyn Gate>> {
        self.gate.as_ref().filter(|gate| !gate.is_open(purpose))
    }

    /// Whoever does not wait gets no further when it is closed.
    pub fn admit(&self, purpose: Use) -> Outcome<()> {
        match self.closed(purpose) {
            Some(_) => Err(Errno::Io),
            None => Ok(()),
        }
    }
}

/// The table as of one moment.
#[derive(Clone)]
pub(super) struct Table {
    root: Arc<Mounted>,
    others: Arc<Vec<Arc<Mounted>>>,
}

impl Table {
    /// What is seen at the root.
    pub fn root(&self) -> Found {
        self.over(Found {
            mount: self.root.clone(),
            ino: ROOT,
        })
    }

    /// What is mounted over a directory, or the directory itself, if nothing is.
    pub fn over(&self, mut found: Found) -> Found {
        while let Some(mount) = self
            .others
            .iter()
            .find(|mount| mount.hides == Some((found.mount.id, found.ino)))
        {
            found = Found {
                ino: mount.base,
                mount: mount.clone(),
            };
        }
        found
    }

    /// Whether this path, or something below it, is a mount point.
    pub fn covers(&self, path: &str) -> bool {
        self.others
            .iter()
            .any(|mount| is_below(&mount.spec.target, path))
    }

    /// Whether no mount holds anybody up.
    pub fn is_open(&self, purpose: Use) -> bool {
        self.all().all(|mount| mount.closed(purpose).is_none())
    }

    /// What holds up whoever goes through everything below this path, without the path itself.
    pub fn closed_below(&self, path: &str) -> Option<Arc<dyn Gate>> {
        let mut below = self
            .others
            .iter()
            .filter(|mount| is_below(&mount.spec.target, path));
        below.find_map(|mount| mount.closed(Use::Look).cloned())
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Mounted>> {
        std::iter::once(&self.root).chain(self.others.iter())
    }
}

/// A host's mounts; later ones hide earlier ones. All views of the host share it.
pub struct MountTable {
    table: RwLock<Table>,
    cache: Mutex<PageCache>,
}

impl MountTable {
    /// A table with the root filesystem (its target is `/`).
    #[must_use]
    pub fn new(root: MountSpec) -> Self {
        root.limit();
        let root = Mounted {
            _connection: root.tree.connect(),
            spec: root,
            base: ROOT,
            id: 0,
            hides: None,
            gate: None,
        };
        Self {
            table: RwLock::new(Table {
                root: Arc::new(root),
                others: Arc::default(),
            }),
            cache: Mutex::default(),
        }
    }

    /// The host's page cache.
    pub(super) fn cache(&self) -> MutexGuard<'_, PageCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Table {
        self.table
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Mounts; the mount point must be a directory. Whether the caller may is asked elsewhere.
    /// A target reached through links becomes the directory they lead to.
    pub fn mount(&self, spec: MountSpec) -> Outcome<()> {
        self.put(spec, ROOT, None)
    }

    /// The same for what may hold up its users.
    pub fn mount_behind(&self, spec: MountSpec, gate: Arc<dyn Gate>) -> Outcome<()> {
        self.put(spec, ROOT, Some(gate))
    }

    /// The same for one directory of the tree, by its number; of what is beside it nothing is seen.
    pub fn mount_directory_behind(
        &self,
        spec: MountSpec,
        directory: Ino,
        gate: Arc<dyn Gate>,
    ) -> Outcome<()> {
        self.put(spec, directory, Some(gate))
    }

    /// Mounts a directory that is seen already in a second place.
    pub fn bind(&self, source: &str, target: &str) -> Outcome<()> {
        let (found, _) = directory(&self.now(), source)?;
        let spec = MountSpec {
            target: target.to_owned(),
            ..found.mount.spec.clone()
        };
        self.put(spec, found.ino, found.mount.gate.clone())
    }

    /// Makes what is mounted last at this path read-only, or not; `Errno::Invalid` when nothing is.
    pub fn remount(&self, target: &str, read_only: bool) -> Outcome<()> {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let target = directory(&table, target).map_or(target.to_owned(), |(_, path)| path);
        let change = |mount: &mut Arc<Mounted>| {
            let mount = Arc::make_mut(mount);
            let mut words: Vec<_> = mount.spec.options.split(',').collect();
            words.retain(|word| !matches!(*word, "ro" | "rw"));
            words.insert(0, if read_only { "ro" } else { "rw" });
            mount.spec.options = words.join(",");
        };
        let last = Arc::make_mut(&mut table.others)
            .iter_mut()
            .rfind(|mount| mount.spec.target == target);
        if let Some(mount) = last {
            change(mount);
        } else if target == table.root.spec.target {
            change(&mut table.root);
        } else {
            return Err(Errno::Invalid);
        }
        Ok(())
    }

    fn put(&self, mut spec: MountSpec, base: Ino, gate: Option<Arc<dyn Gate>>) -> Outcome<()> {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let (found, path) = directory(&table, &spec.target)?;
        spec.target = path;
        spec.limit();
        let id = table.others.last().map_or(0, |last| last.id) + 1;
        Arc::make_mut(&mut table.others).push(Arc::new(Mounted {
            _connection: spec.tree.connect(),
            spec,
            base,
            id,
            hides: Some((found.mount.id, found.ino)),
            gate,
        }));
        Ok(())
    }

    /// Unmounts what is mounted last at this path; `Errno::Invalid` when nothing is, `Errno::Busy` when something is mounted below.
    pub fn unmount(&self, target: &str) -> Outcome<()> {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        // A mount point that another host has removed from under it is still unmounted by its name.
        let target = directory(&table, target).map_or(target.to_owned(), |(_, path)| path);
        let last = table
            .others
            .iter()
            .rfind(|mount| mount.spec.target == target);
        let tree = last.map(|mount| Arc::as_ptr(&mount.spec.tree).addr());
        let Some(id) = last.map(|mount| mount.id) else {
            let root = target == table.root.spec.target;
            return Err(if root { Errno::Busy } else { Errno::Invalid });
        };
        let inside = |mount: &Arc<Mounted>| mount.hides.is_some_and(|(within, _)| within == id);
        if table.others.iter().any(inside) {
            return Err(Errno::Busy);
        }
        Arc::make_mut(&mut table.others).retain(|mount| mount.id != id);
        // What nothing refers to any more is not kept in memory.
        if let Some(tree) = tree {
            self.cache().forget_all_of(tree);
        }
        Ok(())
    }

    /// What stands before what is mounted last at this path.
    #[must_use]
    pub fn gate(&self, target: &str) -> Option<Arc<dyn Gate>> {
        let table = self.now();
        let mut mounts = table.others.iter();
        let last = mounts.rfind(|mount| mount.spec.target == target)?;
        last.gate.clone()
    }

    /// What is mounted from this source has another size now.
    pub fn resize(&self, source: &str, capacity: u64) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        for mount in Arc::make_mut(&mut table.others) {
            if mount.spec.source == source {
                Arc::make_mut(mount).spec.capacity = capacity;
            }
        }
    }

    /// All mounts, oldest first.
    #[must_use]
    pub fn mounts(&self) -> Vec<Mount> {
        self.now().all().map(|mount| mount.spec.clone()).collect()
    }

    /// The mount that holds this absolute path (links are followed), or the nearest directory above it that there is.
    #[must_use]
    pub fn holding(&self, path: &str) -> Mount {
        let table = self.now();
        let mut path = path;
        while !path.is_empty() {
            let place = walk(&table, &Identity::ROOT, path, Last::Follow);
            if let Ok(Place {
                found: Some(found), ..
            }) = place
            {
                return found.mount.spec.clone();
            }
            path = path.rsplit_once('/').map_or("", |(above, _)| above);
        }
        table.root().mount.spec.clone()
    }

    /// The text of `/proc/mounts`.
    #[must_use]
    pub fn proc_mounts(&self) -> String {
        let mut text = String::new();
        for mount in self.mounts() {
            for field in [&mount.source, &mount.target, &mount.fstype, &mount.options] {
                text.push_str(&escaped(field));
                text.push(' ');
            }
            text.push_str("0 0\n");
        }
        text
    }
}

/// What would end a field of `/proc/mounts`, as octal numbers.
fn escaped(field: &str) -> String {
    field
        .replace('\\', "\\134")
        .replace(' ', "\\040")
        .replace('\t', "\\011")
        .replace('\n', "\\012")
}

fn is_below(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || dir == "/")
}
