//! Making the target what the source is: one entry after the other. What is printed of it is put together here; the
//! file list and the figures are not.

use std::collections::BTreeMap;

use super::attributes::Changes;
use super::figures::{Figures, number};
use super::filter::Filter;
use super::list::{Entry, complaint};
use super::options::Options;
use crate::practice::storage::{Attr, Content, Errno, Kind, NodeType, Outcome, View};

/// Lines for standard output and standard error.
#[derive(Debug, Default)]
pub struct Said {
    pub out: Vec<String>,
    pub err: Vec<String>,
}

/// One copy.
pub struct Transfer<'a> {
    pub view: &'a View,
    pub options: &'a Options,
    pub filter: &'a Filter,
    pub figures: Figures,
    /// Whether anything could not be done.
    pub partial: bool,
    /// Entries in all, for `--progress`.
    pub total: usize,
    done: usize,
    /// With `-H`: of a file with several names, the last one's target and shown name. It is copied.
    leaders: BTreeMap<(String, u64), (String, String)>,
    /// The other names, which are made at the end.
    later: Vec<Entry>,
    /// Directories, whose times and permissions are set when nothing more goes into them.
    directories: Vec<(String, Attr)>,
    /// What directories were before anything in them was deleted.
    pub(super) before: BTreeMap<String, Attr>,
    /// The target itself, if it was made for this copy.
    pub made: Option<String>,
}

impl<'a> Transfer<'a> {
    pub fn new(
        view: &'a View,
        options: &'a Options,
        filter: &'a Filter,
        entries: &[Entry],
    ) -> Self {
        let mut leaders = BTreeMap::new();
        let named_twice =
            |entry: &&Entry| options.hard_links && entry.attr.links > 1 && !entry.attr.is_dir();
        for entry in entries.iter().filter(named_twice) {
            let id = (view.table().holding(&entry.source).target, entry.attr.ino);
            leaders.insert(id, (entry.target.clone(), entry.name.clone()));
        }
        Self {
            view,
            options,
            filter,
            figures: Figures::default(),
            partial: false,
            total: entries.len(),
            done: 0,
            leaders,
            later: Vec::new(),
            directories: Vec::new(),
            before: BTreeMap::new(),
            made: None,
        }
    }

    pub(super) fn fail(&mut self, said: &mut Said, role: &str, failed: &str, why: Errno) {
        said.err.push(complaint(role, failed, why));
        self.partial = true;
    }

    fn tell(&self, said: &mut Said, changes: Changes, update: char, entry: &Entry, tail: &str) {
        let name = entry.shown();
        if self.options.itemize {
            let flags = changes.itemized(update, entry.attr.node_type);
            said.out.push(format!("{flags} {name}{tail}"));
        } else if self.options.verbose > 0 || self.options.progress {
            said.out.push(format!("{name}{tail}"));
        }
    }

    /// Brings one entry over. `Err`: the copy ends here, told already.
    pub fn entry(&mut self, entry: &Entry, said: &mut Said) -> Result<(), ()> {
        self.done += 1;
        let target = &entry.target;
        let existing = match self.view.lstat(target) {
            Ok(_) if self.made.as_ref() == Some(target) => None,
            Ok(existing) => Some(self.before.get(target).copied().unwrap_or(existing)),
            Err(Errno::NotFound | Errno::NotDirectory) => None,
            Err(why) => {
                let failed = format!("recv_generator: failed to stat \"{target}\"");
                self.fail(said, "generator", &failed, why);
                return Ok(());
            }
        };
        if existing.is_none() && self.options.existing
            || existing.is_some() && self.options.ignore_existing && !entry.attr.is_dir()
        {
            return Ok(());
        }
        let same_kind = existing.filter(|existing| existing.node_type == entry.attr.node_type);
        if let (Some(other), None) = (existing, same_kind)
            && !self.make_way(entry, &other, said)
        {
            return Ok(());
        }
        let mut changes = self.compare(&entry.attr, same_kind.as_ref());
        match entry.attr.node_type {
            NodeType::Directory => self.directory(entry, changes, said),
            NodeType::File => return self.file(entry, changes, same_kind, said),
            NodeType::Symlink | NodeType::Fifo | NodeType::Device | NodeType::Block => {
                let link = entry.link.clone().unwrap_or_default();
                let present = same_kind.is_some()
                    && (entry.link.is_none() || self.view.link_target(target) == Ok(link.clone()));
                if !present {
                    changes.content = true;
                    if !self.options.dry_run
                        && let Err(why) = self.special(target, &link, same_kind, entry)
                    {
                        let failed = match entry.attr.node_type {
                            NodeType::Symlink => {
                                format!("symlink \"{target}\" -> \"{link}\" failed")
                            }
                            _ => format!("mknod \"{target}\" failed"),
                        };
                        self.fail(said, "generator", &failed, why);
                        return Ok(());
                    }
                    if same_kind.is_none() {
                        self.figures.created.add(entry.attr.node_type);
                    }
                    self.figures.change();
                    let tail = entry.link.as_ref().map(|link| format!(" -> {link}"));
                    self.tell(said, changes, 'c', entry, &tail.unwrap_or_default());
                }
                self.attributes(target, &entry.attr, said);
            }
        }
        Ok(())
    }

    /// Removes what is there but is of another kind.
    fn make_way(&mut self, entry: &Entry, other: &Attr, said: &mut Said) -> bool {
        let empty = !other.is_dir()
            || self
                .view
                .list(&entry.target)
                .is_ok_and(|entries| entries.is_empty());
        if !empty && !self.options.delete {
            said.out
                .push(format!("cannot delete non-empty directory: {}", entry.name));
            said.err.push(format!(
                "could not make way for new {}: {}",
                match entry.attr.node_type {
                    NodeType::Symlink => "symlink",
                    NodeType::File => "regular file",
                    NodeType::Directory => "directory",
                    NodeType::Fifo | NodeType::Device | NodeType::Block => "special file",
                },
                entry.name
            ));
            self.partial = true;
            return false;
        }
        if empty {
            // Without a word, as it is replaced.
            return self.options.dry_run || self.view.remove_one(&entry.target).is_ok();
        }
        self.delete(&entry.target, &entry.name, other, said)
    }

    fn directory(&mut self, entry: &Entry, changes: Changes, said: &mut Said) {
        let target = &entry.target;
        if changes.new {
            let made = self.made.as_ref() == Some(target);
            if !self.options.dry_run
                && !made
                && let Err(why) = self
                    .view
                    .make_dir_with_mode(target, entry.attr.mode | 0o700)
            {
                let failed = format!("recv_generator: mkdir \"{target}\" failed");
                self.fail(said, "generator", &failed, why);
                return;
            }
            self.figures.created.add(NodeType::Directory);
        }
        if changes.any() {
            self.figures.change();
            self.tell(
                said,
                changes,
                if changes.new { 'c' } else { '.' },
                entry,
                "",
            );
        }
        self.directories.push((target.clone(), entry.attr));
    }

    fn special(
        &self,
        target: &str,
        link: &str,
        existing: Option<Attr>,
        entry: &Entry,
    ) -> Outcome<()> {
        if existing.is_some() {
            self.view.remove_one(target)?;
        }
        match entry.attr.node_type {
            NodeType::Symlink => self.view.make_symlink(link, target),
            _ => self
                .view
                .make(target, Kind::Fifo(Content::default()), entry.attr.mode),
        }
    }

    fn file(
        &mut self,
        entry: &Entry,
        mut changes: Changes,
        existing: Option<Attr>,
        said: &mut Said,
    ) -> Result<(), ()> {
        let target = &entry.target;
        let newer = existing.is_some_and(|existing| existing.modified > entry.attr.modified);
        if self.options.update && newer {
            return Ok(());
        }
        if self.options.hard_links && entry.attr.links > 1 {
            let mount = self.view.table().holding(&entry.source).target;
            let leader = self.leaders.get(&(mount, entry.attr.ino));
            if leader.is_some_and(|(leader, _)| leader != target) {
                self.later.push(entry.clone());
                return Ok(());
            }
        }
        let content = || self.view.content(&entry.source);
        changes.content = match existing {
            None => true,
            Some(_) if self.options.ignore_times || changes.size => true,
            Some(_) if self.options.checksum => content().ok() != self.view.content(target).ok(),
            Some(_) if self.options.size_only => false,
            Some(existing) => entry.attr.modified.as_second() != existing.modified.as_second(),
        };
        if !changes.content {
            if changes.attributes() {
                if self.options.itemize {
                    self.tell(said, changes, '.', entry, "");
                }
                self.attributes(target, &entry.attr, said);
            } else if self.options.verbose > 1 {
                said.out.push(format!("{} is uptodate", entry.name));
            }
            return Ok(());
        }
        let content = match content() {
            Ok(content) => content,
            Err(why) => {
                let failed = format!("send_files failed to open \"{}\"", entry.source);
                self.fail(said, "sender", &failed, why);
                return Ok(());
            }
        };
        self.tell(said, changes, '>', entry, "");
        self.figures.transfer(content.len(), self.options.dry_run);
        if existing.is_none() {
            self.figures.created.add(NodeType::File);
        }
        if self.options.dry_run {
            return Ok(());
        }
        if self.options.progress {
            said.out.push(format!(
                "\r{:>15} 100%    0.00kB/s    0:00:00 (xfr#{}, to-chk={}/{})",
                number(content.len(), self.options.human),
                self.figures.transferred,
                self.total - self.done,
                self.total
            ));
        }
        // Under another name until it is whole, so that nobody finds half of it.
        let (directory, name) = target.rsplit_once('/').unwrap_or_default();
        let partial = format!("{directory}/.{name}.{}", suffix(self.figures.transferred));
        let mode = existing.map_or(entry.attr.mode, |existing| existing.mode);
        if let Err(why) = self.view.put(&partial, &content, mode & 0o777) {
            if why == Errno::NoSpace {
                // What was written of it goes; the file that was there stays.
                let _ = self.view.remove_one(&partial);
                let failed = format!("write failed on \"{target}\"");
                self.fail(said, "receiver", &failed, why);
                return Err(());
            }
            self.fail(
                said,
                "receiver",
                &format!("mkstemp \"{partial}\" failed"),
                why,
            );
            return Ok(());
        }
        if let Some(existing) = existing {
            // Without -p the permissions of the file that was there stay.
            let _ = self.view.set_mode(&partial, existing.mode);
        }
        self.attributes(&partial, &entry.attr, said);
        if let Err(why) = self.view.rename_one(&partial, target) {
            let failed = format!("rename \"{partial}\" -> \"{}\"", entry.name);
            self.fail(said, "receiver", &failed, why);
            let _ = self.view.remove_one(&partial);
        }
        Ok(())
    }

    /// Makes a further name of a file that has been copied.
    fn hard_link(&mut self, entry: &Entry, said: &mut Said) {
        let mount = self.view.table().holding(&entry.source).target;
        let leader = self.leaders.get(&(mount, entry.attr.ino)).cloned();
        let Some((first, shown)) = leader else {
            return;
        };
        let first = first.as_str();
        let existing = self.view.lstat(&entry.target).ok();
        let changes = self.compare(&entry.attr, existing.as_ref());
        let of_first = self.view.lstat(first).ok();
        let linked = existing
            .zip(of_first)
            .is_some_and(|(one, other)| one.ino == other.ino);
        if linked {
            return;
        }
        if !self.options.dry_run {
            let made = match existing {
                Some(_) => self.view.remove_one(&entry.target),
                None => Ok(()),
            }
            .and_then(|()| self.view.link(first, &entry.target));
            if let Err(why) = made {
                let failed = format!("link \"{}\" => {shown} failed", entry.target);
                return self.fail(said, "generator", &failed, why);
            }
        }
        if existing.is_none() {
            self.figures.created.add(NodeType::File);
        }
        self.figures.change();
        self.tell(said, changes, 'h', entry, &format!(" => {shown}"));
    }

    /// Makes the further names, and finishes the directories, the deepest first.
    pub fn finish(&mut self, said: &mut Said) {
        for entry in std::mem::take(&mut self.later) {
            self.hard_link(&entry, said);
        }
        for (path, attr) in std::mem::take(&mut self.directories).into_iter().rev() {
            self.attributes(&path, &attr, said);
        }
    }
}

/// Six letters that no other file of this copy has.
fn suffix(mut number: u64) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut text = String::new();
    for _ in 0..6 {
        let at = usize::try_from(number % LETTERS.len() as u64).unwrap_or_default();
        text.push(char::from(LETTERS[at]));
        number /= LETTERS.len() as u64;
    }
    text
}
