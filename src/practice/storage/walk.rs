//! Finding what a path leads to, through links and mounts, with the caller's permissions on the way.

use std::sync::Arc;

use super::errno::{Errno, Outcome};
use super::gate::{Gate, Use};
use super::identity::Identity;
use super::inode::{Ino, NodeType};
use super::mounts::{Mounted, Table};

/// Links followed on one way: `MAXSYMLINKS` of Linux.
const LINKS_MAX: usize = 40;
/// Longest path, in bytes: `PATH_MAX` of Linux less the final zero.
const PATH_MAX: usize = 4095;

/// What to do with a link at the end of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// Go on to what it leads to.
    Follow,
    /// Stop at it, unless a slash behind it asks for the directory.
    Keep,
    /// Stop at it in any case: the entry itself is to be made, removed or renamed.
    Entry,
}

/// Where a path ends.
pub(super) struct Place {
    /// The directory the last name is in, if the path ends with a name.
    pub entry: Option<Entry>,
    /// What the path leads to, if it is there.
    pub found: Option<Found>,
    /// The path without links, `.` and `..`.
    pub path: String,
    /// Whether the path ends with a slash, so that it can only mean a directory.
    pub slash: bool,
}

/// A name in a directory.
pub(super) struct Entry {
    pub mount: Arc<Mounted>,
    pub dir: Ino,
    pub name: String,
}

/// An inode of a mounted tree.
#[derive(Clone)]
pub(super) struct Found {
    pub mount: Arc<Mounted>,
    pub ino: Ino,
}

impl Place {
    /// What is there.
    pub fn found(&self) -> Outcome<&Found> {
        self.found.as_ref().ok_or(Errno::NotFound)
    }
}

impl Found {
    /// The same, if it may be changed.
    pub fn writable(&self) -> Outcome<&Self> {
        if self.mount.spec.is_read_only() {
            return Err(Errno::ReadOnly);
        }
        self.mount.admit(Use::Change)?;
        Ok(self)
    }
}

/// The way from the root to where the walk stands: directories, and their names but for the root's.
struct Way {
    root: Found,
    steps: Vec<(String, Found)>,
}

impl Way {
    fn here(&self) -> &Found {
        self.steps.last().map_or(&self.root, |(_, found)| found)
    }

    fn path(&self) -> String {
        if self.steps.is_empty() {
            return "/".to_owned();
        }
        let mut path = String::new();
        for (name, _) in &self.steps {
            path.push('/');
            path.push_str(name);
        }
        path
    }

    fn path_to(&self, name: &str) -> String {
        let mut path = self.path();
        if !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(name);
        path
    }
}

/// Walks an absolute path. A closed gate on the way, or before what is there, is an error.
pub(super) fn walk(table: &Table, who: &Identity, path: &str, last: Last) -> Outcome<Place> {
    go(table, who, path, last, &mut None)
}

/// The closed gate at which somebody who walks this path is held up, if there is one.
pub(super) fn held_up(
    table: &Table,
    who: &Identity,
    path: &str,
    last: Last,
    purpose: Use,
) -> Option<Arc<dyn Gate>> {
    let mut held = None;
    let place = go(table, who, path, last, &mut held);
    if held.is_some() || purpose == Use::Look {
        return held;
    }
    let place = place.ok()?;
    let mount = match (&place.found, &place.entry) {
        (Some(found), _) => &found.mount,
        (None, Some(entry)) => &entry.mount,
        (None, None) => return None,
    };
    mount.closed(purpose).cloned()
}

fn go(
    table: &Table,
    who: &Identity,
    path: &str,
    last: Last,
    held: &mut Option<Arc<dyn Gate>>,
) -> Outcome<Place> {
    if !path.starts_with('/') {
        return Err(if path.is_empty() {
            Errno::NotFound
        } else {
            Errno::Invalid
        });
    }
    if path.len() > PATH_MAX {
        return Err(Errno::NameTooLong);
    }
    let mut slash = path.len() > 1 && path.ends_with('/');
    let mut links = 0;
    let mut pending = names(path);
    let mut way = Way {
        root: table.root(),
        steps: Vec::new(),
    };
    let mut named = false;
    while let Some(name) = pending.pop() {
        let here = way.here().clone();
        if let Some(gate) = here.mount.closed(Use::Look) {
            *held = Some(Arc::clone(gate));
            return Err(Errno::Io);
        }
        let tree = &here.mount.spec.tree;
        named = name != "." && name != "..";
        if !named {
            tree.pass(who, here.ino)?;
            if name == ".." {
                way.steps.pop();
            }
            continue;
        }
        let end = pending.is_empty();
        let attr = match tree.lookup(who, here.ino, &name) {
            Err(Errno::NotFound) if end => {
                return Ok(Place {
                    path: way.path_to(&name),
                    entry: Some(Entry {
                        mount: here.mount,
                        dir: here.ino,
                        name,
                    }),
                    found: None,
                    slash,
                });
            }
            attr => attr?,
        };
        let follow = !end || last == Last::Follow || slash && last == Last::Keep;
        if attr.node_type == NodeType::Symlink && follow {
            links += 1;
            if links > LINKS_MAX {
                return Err(Errno::Loop);
            }
            let target = tree.target(attr.ino)?;
            if target.starts_with('/') {
                way.steps.clear();
            }
            slash |= end && target.ends_with('/');
            pending.extend(names(&target));
            continue;
        }
        if !attr.is_dir() && end && slash {
            return Err(Errno::NotDirectory);
        }
        let mut next = Found {
            mount: here.mount,
            ino: attr.ino,
        };
        if attr.is_dir() {
            next = table.over(next);
        }
        way.steps.push((name, next));
    }
    let path = way.path();
    let found = way.here().clone();
    if let Some(gate) = found.mount.closed(Use::Look) {
        *held = Some(Arc::clone(gate));
        return Err(Errno::Io);
    }
    let entry = match way.steps.pop() {
        Some((name, _)) if named => Some(Entry {
            mount: way.here().mount.clone(),
            dir: way.here().ino,
            name,
        }),
        _ => None,
    };
    Ok(Place {
        entry,
        found: Some(found),
        path,
        slash,
    })
}

/// The directory a path leads to, as the superuser finds it, and its path without links.
pub(super) fn directory(table: &Table, path: &str) -> Outcome<(Found, String)> {
    let place = walk(table, &Identity::ROOT, path, Last::Follow)?;
    let found = place.found()?;
    if !found.mount.spec.tree.attr(found.ino)?.is_dir() {
        return Err(Errno::NotDirectory);
    }
    Ok((found.clone(), place.path))
}

/// The names a path is made of, the first one last.
fn names(path: &str) -> Vec<String> {
    path.rsplit('/')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
