//! What there is to copy: the file list, in rsync's order. Nothing is changed here.

use std::collections::BTreeSet;

use super::filter::Filter;
use super::options::Options;
use crate::practice::storage::{Access, Attr, Errno, NodeType, View};

/// One entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// As it is shown: seen from the top of what is copied, `.` for that itself.
    pub name: String,
    /// Where it is, and where it goes.
    pub source: String,
    pub target: String,
    pub attr: Attr,
    /// Of a symbolic link.
    pub link: Option<String>,
}

impl Entry {
    /// With the slash of a directory.
    pub fn shown(&self) -> String {
        if self.attr.is_dir() {
            format!("{}/", self.name)
        } else {
            self.name.clone()
        }
    }
}

/// The whole list, and what went wrong.
#[derive(Debug, Default)]
pub struct List {
    pub entries: Vec<Entry>,
    /// Complaints for standard error; any makes the copy a partial one.
    pub errors: Vec<String>,
    /// Directories that are left out, as they are told.
    pub directories: Vec<String>,
    /// What else is told and left out.
    pub notes: Vec<String>,
    /// Of those, what counts as listed all the same: name, kind and size.
    pub skipped: Vec<(String, NodeType, u64)>,
    /// Whether a directory could not be read, so that nobody knows what is missing from the list.
    pub gaps: bool,
    /// Names already taken, as several sources may have the same.
    taken: BTreeSet<String>,
}

/// What a list is made by.
pub struct Lister<'a> {
    pub view: &'a View,
    pub options: &'a Options,
    pub filter: &'a Filter,
}

impl Lister<'_> {
    /// Adds a source as it was typed, at this path, going to this directory (or to `as_file`, its name there).
    pub fn add(&self, list: &mut List, typed: &str, source: &str, to: &str, as_file: Option<&str>) {
        let contents = typed.ends_with('/') || typed.ends_with("/.") || matches!(typed, "." | "..");
        let found = if self.options.copy_links || contents {
            self.view.stat(source)
        } else {
            self.view.lstat(source)
        };
        let attr = match found {
            Ok(attr) => attr,
            Err(why) => {
                let failed = format!("link_stat \"{source}\" failed");
                list.errors.push(complaint("sender", &failed, why));
                return;
            }
        };
        let base = source.rsplit('/').next().unwrap_or_default();
        let (name, target) = if contents && attr.is_dir() || base.is_empty() {
            (".".to_owned(), to.to_owned())
        } else {
            (base.to_owned(), join(to, as_file.unwrap_or(base)))
        };
        if attr.is_dir() && !self.options.recursive {
            list.directories.push(format!("skipping directory {name}"));
            return;
        }
        if contents
            && attr.is_dir()
            && let Err(why) = self.view.check(source, Access::Execute)
        {
            let failed = format!("change_dir \"{source}\" failed");
            list.errors.push(complaint("sender", &failed, why));
            return;
        }
        let mount = self.view.table().holding(source).target;
        self.visit(list, &name, source, &target, attr, &mount);
    }

    fn visit(
        &self,
        list: &mut List,
        name: &str,
        source: &str,
        target: &str,
        attr: Attr,
        mount: &str,
    ) {
        let is_dir = attr.is_dir();
        if name != "." && self.filter.excludes(name, is_dir) || !list.taken.insert(name.to_owned())
        {
            return;
        }
        let mut link = None;
        match attr.node_type {
            NodeType::Symlink if self.options.links => {
                link = self.view.link_target(source).ok();
            }
            NodeType::Fifo if self.options.specials => {}
            NodeType::File | NodeType::Directory => {}
            NodeType::Symlink | NodeType::Fifo | NodeType::Device | NodeType::Block => {
                list.notes
                    .push(format!("skipping non-regular file \"{name}\""));
                list.skipped
                    .push((name.to_owned(), attr.node_type, attr.size));
                return;
            }
        }
        list.entries.push(Entry {
            name: name.to_owned(),
            source: source.to_owned(),
            target: target.to_owned(),
            attr,
            link,
        });
        if !is_dir {
            return;
        }
        let children = match self.view.list(source) {
            Ok(children) => children,
            Err(why) => {
                list.gaps = true;
                let failed = format!("opendir \"{source}\" failed");
                list.errors.push(complaint("sender", &failed, why));
                return;
            }
        };
        for (child, mut attr) in children {
            let path = join(source, &child);
            if self.options.copy_links && attr.node_type == NodeType::Symlink {
                match self.view.stat(&path) {
                    Ok(followed) => attr = followed,
                    Err(_) => {
                        list.errors
                            .push(format!("symlink has no referent: \"{path}\""));
                        continue;
                    }
                }
            }
            let crosses = attr.is_dir() && self.view.table().holding(&path).target != mount;
            if !(self.options.one_file_system && crosses) {
                let (name, target) = (below(name, &child), join(target, &child));
                self.visit(list, &name, &path, &target, attr, mount);
            }
        }
    }
}

impl List {
    /// Puts the entries of all sources into rsync's order: a directory, the files in it, and then its directories.
    pub fn sort(&mut self) {
        self.entries.sort_by(|one, other| key(one).cmp(&key(other)));
    }
}

/// The parts of a name, each with whether it is a directory.
fn key(entry: &Entry) -> Vec<(bool, &str)> {
    let parts: Vec<&str> = entry.name.split('/').filter(|part| *part != ".").collect();
    let last = parts.len().saturating_sub(1);
    let is_dir = |at| at < last || entry.attr.is_dir();
    parts
        .into_iter()
        .enumerate()
        .map(|(at, part)| (is_dir(at), part))
        .collect()
}

/// The shown name of what is in a directory.
pub fn below(directory: &str, name: &str) -> String {
    if directory == "." {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}

/// A path in a directory.
pub fn join(directory: &str, name: &str) -> String {
    if directory.ends_with('/') {
        format!("{directory}{name}")
    } else {
        format!("{directory}/{name}")
    }
}

/// What one of rsync's three processes says.
pub fn complaint(role: &str, failed: &str, why: Errno) -> String {
    format!("rsync: [{role}] {failed}: {why} ({})", code(why))
}

/// The number of an error on Linux.
fn code(why: Errno) -> u8 {
    match why {
        Errno::NotPermitted => 1,
        Errno::NotFound => 2,
        Errno::NoMemory => 12,
        Errno::Access => 13,
        Errno::Busy => 16,
        Errno::Exists => 17,
        Errno::CrossDevice => 18,
        Errno::NotDirectory => 20,
        Errno::IsDirectory => 21,
        Errno::Invalid => 22,
        Errno::TooLarge => 27,
        Errno::NoSpace => 28,
        Errno::ReadOnly => 30,
        Errno::TooManyLinks => 31,
        Errno::NameTooLong => 36,
        Errno::NotEmpty => 39,
        Errno::Loop => 40,
        Errno::Stale => 116,
        Errno::Io => 5,
    }
}
