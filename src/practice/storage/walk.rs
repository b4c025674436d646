//! From a path to an inode: links, mounts and the right to pass. It changes nothing.

use std::sync::Arc;

use super::errno::{Errno, Outcome};
use super::identity::Identity;
use super::inode::{Attr, Ino, NodeType};
use super::mounts::{Attached, MountTable};
use super::tree::Tree;

/// `MAXSYMLINKS` of Linux.
const MAX_LINKS: usize = 40;

/// An inode in the namespace.
#[derive(Clone)]
pub(super) struct Place {
    pub mount: Arc<Attached>,
    pub ino: Ino,
}

impl Place {
    pub fn tree(&self) -> &Arc<Tree> {
        &self.mount.spec.tree
    }

    pub fn attr(&self) -> Outcome<Attr> {
        self.tree().attr(self.ino)
    }

    /// The tree, unless it is mounted read-only.
    pub fn writable(&self) -> Outcome<&Arc<Tree>> {
        if self.mount.spec.has_option("ro") {
            return Err(Errno::ReadOnly);
        }
        Ok(self.tree())
    }
}

/// Where a path ends: the directory, the name in it, and what has that name, if anything.
pub(super) struct Spot {
    pub parent: Place,
    /// Empty for the root and for what ends in `..`.
    pub name: String,
    pub here: Option<Place>,
}

impl Spot {
    pub fn existing(self) -> Outcome<Place> {
        self.here.ok_or(Errno::NotFound)
    }

    /// The directory and name to create at; an error if the name is taken or there is none.
    pub fn vacant(self) -> Outcome<(Place, String)> {
        if self.here.is_some() || self.name.is_empty() {
            Err(Errno::Exists)
        } else {
            Ok((self.parent, self.name))
        }
    }
}

/// What the path leads to.
pub(super) fn existing(
    table: &MountTable,
    who: &Identity,
    path: &str,
    follow: bool,
) -> Outcome<Place> {
    walk(table, who, path, follow)?.existing()
}

/// Walks a path. Links on the way are followed, the last component only if `follow`.
pub(super) fn walk(table: &MountTable, who: &Identity, path: &str, follow: bool) -> Outcome<Spot> {
    let mut pending: Vec<String> = components(path).rev().map(str::to_owned).collect();
    // Directories walked through, so that `..` leaves a mount by the way it was entered.
    let mut trail: Vec<(Place, String)> = Vec::new();
    let mut here = table.root();
    let mut links = 0;
    while let Some(name) = pending.pop() {
        match name.as_str() {
            "." => continue,
            ".." => {
                if let Some((up, _)) = trail.pop() {
                    here = up;
                }
                continue;
            }
            _ => {}
        }
        if !here.attr()?.is_dir() {
            return Err(Errno::NotDirectory);
        }
        let last = pending.is_empty();
        let ino = match here.tree().lookup(who, here.ino, &name) {
            Ok(ino) => ino,
            Err(Errno::NotFound) if last => {
                return Ok(Spot {
                    parent: here,
                    name,
                    here: None,
                });
            }
            Err(errno) => return Err(errno),
        };
        let next = Place {
            mount: Arc::clone(&here.mount),
            ino,
        };
        if next.attr()?.node_type == NodeType::Symlink && (follow || !last) {
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::Loop);
            }
            let target = next.tree().read_link(ino)?;
            if target.starts_with('/') {
                here = table.root();
                trail.clear();
            }
            pending.extend(components(&target).rev().map(str::to_owned));
            continue;
        }
        trail.push((here, name));
        here = table.over(next);
    }
    let (parent, name) = trail.pop().unwrap_or_else(|| (here.clone(), String::new()));
    Ok(Spot {
        parent,
        name,
        here: Some(here),
    })
}

pub(super) fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}
