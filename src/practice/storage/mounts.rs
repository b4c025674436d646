//! Which tree is mounted where: the mount table of one host. It enforces nothing and knows no users.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::errno::{Errno, Outcome};
use super::identity::Identity;
use super::inode::Ino;
use super::tree::{ROOT, Tree};
use super::walk::{self, Place};

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
}

impl MountSpec {
    /// Whether it was mounted with this option.
    #[must_use]
    pub fn has_option(&self, option: &str) -> bool {
        self.options.split(',').any(|given| given == option)
    }
}

/// One line of the table.
pub type Mount = MountSpec;

/// A mount in its place.
pub(super) struct Attached {
    /// Grows with every mount on this host; unique.
    pub id: u64,
    pub spec: MountSpec,
    /// The directory it covers: mount and inode. `None` for the root.
    covers: Option<(u64, Ino)>,
}

/// A host's mounts; later ones hide earlier ones. All views of the host share it.
pub struct MountTable {
    state: RwLock<State>,
}

struct State {
    next: u64,
    mounts: Vec<Arc<Attached>>,
}

impl MountTable {
    /// A table with the root filesystem (its target is `/`).
    #[must_use]
    pub fn new(root: MountSpec) -> Self {
        let root = Arc::new(Attached {
            id: 0,
            spec: root,
            covers: None,
        });
        Self {
            state: RwLock::new(State {
                next: 1,
                mounts: vec![root],
            }),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Mounts; the mount point must be a directory. Whether the caller may is asked elsewhere.
    pub fn mount(&self, spec: MountSpec) -> Outcome<()> {
        let place = walk::existing(self, &Identity::ROOT, &spec.target, true)?;
        if !place.attr()?.is_dir() {
            return Err(Errno::NotDirectory);
        }
        let mut state = self.write();
        let id = state.next;
        state.next += 1;
        state.mounts.push(Arc::new(Attached {
            id,
            spec,
            covers: Some((place.mount.id, place.ino)),
        }));
        Ok(())
    }

    /// Unmounts what is mounted last at this path; `Errno::Invalid` when nothing is, `Errno::Busy` when something is mounted below.
    pub fn unmount(&self, target: &str) -> Outcome<()> {
        let mut state = self.write();
        let found = state
            .mounts
            .iter()
            .rposition(|mount| mount.spec.target == target);
        let at = found.ok_or(Errno::Invalid)?;
        let id = state.mounts[at].id;
        let inside = |mount: &Arc<Attached>| mount.covers.is_some_and(|(outer, _)| outer == id);
        if id == 0 || state.mounts.iter().any(inside) {
            return Err(Errno::Busy);
        }
        state.mounts.remove(at);
        Ok(())
    }

    /// All mounts, oldest first.
    #[must_use]
    pub fn mounts(&self) -> Vec<Mount> {
        self.attached()
            .iter()
            .map(|mount| mount.spec.clone())
            .collect()
    }

    /// The mount that holds this absolute, normalized path, or the nearest directory above that there is.
    #[must_use]
    pub fn holding(&self, path: &str) -> Mount {
        let mut path = path;
        loop {
            if let Ok(place) = walk::existing(self, &Identity::ROOT, path, true) {
                return place.mount.spec.clone();
            }
            match path.rsplit_once('/') {
                Some((above, _)) if !above.is_empty() => path = above,
                _ => return self.root().mount.spec.clone(),
            }
        }
    }

    /// Whether this tree is mounted somewhere here.
    #[must_use]
    pub fn has_tree(&self, tree: &Arc<Tree>) -> bool {
        self.read()
            .mounts
            .iter()
            .any(|mount| Arc::ptr_eq(&mount.spec.tree, tree))
    }

    /// `/proc/mounts`.
    #[must_use]
    pub fn proc_mounts(&self) -> String {
        let lines = self.mounts().into_iter().map(|mount| {
            format!(
                "{} {} {} {} 0 0\n",
                octal(&mount.source),
                octal(&mount.target),
                mount.fstype,
                octal(&mount.options)
            )
        });
        lines.collect()
    }

    pub(super) fn attached(&self) -> Vec<Arc<Attached>> {
        self.read().mounts.clone()
    }

    /// The root directory of the namespace.
    pub(super) fn root(&self) -> Place {
        let mount = Arc::clone(&self.read().mounts[0]);
        self.over(Place { mount, ino: ROOT })
    }

    /// What is mounted on a directory, the latest if several are, or the directory itself.
    pub(super) fn over(&self, mut place: Place) -> Place {
        let state = self.read();
        // The root covers nothing; most lookups end here without a search.
        if state.mounts.len() == 1 {
            return place;
        }
        loop {
            let here = Some((place.mount.id, place.ino));
            match state.mounts.iter().rev().find(|mount| mount.covers == here) {
                Some(mount) => {
                    place = Place {
                        mount: Arc::clone(mount),
                        ino: ROOT,
                    };
                }
                None => return place,
            }
        }
    }
}

/// Blanks as `/proc/mounts` escapes them.
fn octal(text: &str) -> String {
    text.replace('\\', "\\134")
        .replace(' ', "\\040")
        .replace('\t', "\\011")
}
