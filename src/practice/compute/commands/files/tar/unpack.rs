//! Listing an archive, and taking files out of it.

use std::io::Read as _;

use jiff::Timestamp;
use tar::{Archive, Entry, EntryType};

use super::super::glob::fits;
use super::super::program::{absolute, parent};
use super::archive::{expanded, is_gzip};
use super::listing::Member;
use super::options::Action;
use super::{Fatal, Run};
use crate::practice::storage::{Content, Errno, Kind, Outcome};

/// What a header says.
struct Found {
    kind: EntryType,
    name: String,
    link: Option<String>,
    mode: u32,
    uid: u32,
    gid: u32,
    user: String,
    group: String,
    modified: Timestamp,
}

/// A directory that gets its mode and times when nothing more is put into it.
struct Pending {
    path: String,
    mode: u32,
    modified: Timestamp,
}

impl Run<'_> {
    /// `tar -t` and `tar -x`
    pub(super) fn unpack(&mut self, stdin: &[u8]) -> Result<(), Fatal> {
        let bytes = self.load(stdin)?;
        let mut archive = Archive::new(bytes.as_slice());
        let garbled = "This does not look like a tar archive";
        let Ok(entries) = archive.entries() else {
            return Err(self.fatal(garbled));
        };
        let mut to = self.cwd.clone();
        for step in &self.options.directories {
            to = absolute(&to, step);
            if !self.view.stat(&to).is_ok_and(|attr| attr.is_dir()) {
                let text = format!("{step}: Cannot open: No such file or directory");
                return Err(self.fatal(&text));
            }
        }
        let mut wanted: Vec<(String, bool)> = self
            .options
            .operands
            .iter()
            .map(|operand| (operand.name.trim_end_matches('/').to_owned(), false))
            .collect();
        let mut directories = Vec::new();
        for entry in entries {
            let Ok(mut entry) = entry else {
                self.complain(garbled);
                break;
            };
            let Some(found) = self.found(&entry) else {
                continue;
            };
            if !self.chosen(&found.name, &mut wanted) || self.excludes(&found.name) {
                continue;
            }
            self.tell(&found, entry.size());
            if self.options.action == Action::Extract
                && let Err(text) = self.take(&mut entry, &found, &to, &mut directories)
            {
                self.complain(&format!("{}: {text}", found.name));
            }
        }
        for Pending {
            path,
            mode,
            modified,
        } in directories.into_iter().rev()
        {
            let times = (!self.options.touch).then_some(modified);
            let set = self
                .view
                .set_mode(&path, mode)
                .and_then(|()| self.view.set_times(&path, None, times));
            if let Err(why) = set {
                self.complain(&format!("{path}: Cannot change mode: {why}"));
            }
        }
        for (name, seen) in wanted {
            if !seen {
                self.complain(&format!("{name}: Not found in archive"));
            }
        }
        Ok(())
    }

    /// The archive's bytes, unpacked.
    fn load(&mut self, stdin: &[u8]) -> Result<Vec<u8>, Fatal> {
        let bytes = match self.file() {
            None => stdin.to_vec(),
            Some(path) => match self.view.read(&path) {
                Ok(bytes) => bytes,
                Err(why) => {
                    let text = format!("{}: Cannot open: {why}", self.typed());
                    return Err(self.fatal(&text));
                }
            },
        };
        // A compressed file is recognized; a compressed stream must be announced.
        if is_gzip(&bytes) && (self.options.gzip || self.file().is_some()) {
            return expanded(&bytes).map_err(|why| self.fatal(&format!("gzip: stdin: {why}")));
        }
        if self.options.gzip {
            self.err.push_str("\ngzip: stdin: not in gzip format\n");
            return Err(self.fatal("Child returned status 1"));
        }
        Ok(bytes)
    }

    fn found(&self, entry: &Entry<'_, &[u8]>) -> Option<Found> {
        let header = entry.header();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let number = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
        let (uid, gid) = (number(header.uid().ok())?, number(header.gid().ok())?);
        let name = |name: Option<&[u8]>, number: u32| match name {
            Some(name) if !name.is_empty() && !self.options.numeric => text(name),
            _ => number.to_string(),
        };
        let modified = i64::try_from(header.mtime().ok()?).ok()?;
        Some(Found {
            kind: header.entry_type(),
            name: text(&entry.path_bytes()),
            link: entry.link_name_bytes().map(|link| text(&link)),
            mode: header.mode().ok()? & 0o7777,
            uid,
            gid,
            user: name(header.username_bytes(), uid),
            group: name(header.groupname_bytes(), gid),
            modified: Timestamp::from_second(modified).ok()?,
        })
    }

    /// Whether a member is among those asked for, which is then noted.
    fn chosen(&self, name: &str, wanted: &mut [(String, bool)]) -> bool {
        if wanted.is_empty() {
            return true;
        }
        let name = name.trim_end_matches('/');
        let mut chosen = false;
        for (pattern, seen) in wanted {
            let fitting = name == pattern
                || name
                    .strip_prefix(pattern.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
                || self.options.wildcards && fits(pattern, name, false);
            *seen |= fitting;
            chosen |= fitting;
        }
        chosen
    }

    fn tell(&mut self, found: &Found, size: u64) {
        let details = usize::from(self.options.action == Action::Extract);
        let names = self.options.action == Action::List || self.options.verbose > 0;
        if self.options.verbose > details {
            let line = self.listing.line(&Member {
                kind: found.kind,
                mode: found.mode,
                user: found.user.clone(),
                group: found.group.clone(),
                size,
                modified: found.modified,
                name: &found.name,
                link: found.link.as_deref(),
            });
            self.show(&line);
        } else if names {
            self.show(&found.name);
        }
    }

    /// Takes one member out; what cannot be done, as tar words it.
    fn take(
        &mut self,
        entry: &mut Entry<'_, &[u8]>,
        found: &Found,
        to: &str,
        directories: &mut Vec<Pending>,
    ) -> Result<(), String> {
        let name = self.member_name(&found.name);
        if name.split('/').any(|part| part == "..") {
            return Err("Member name contains '..'".to_owned());
        }
        let kept: Vec<&str> = name
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .skip(self.options.strip)
            .collect();
        if kept.is_empty() && self.options.strip > 0 {
            return Ok(());
        }
        let path = absolute(to, &kept.join("/"));
        if self.options.to_stdout {
            entry
                .read_to_end(&mut self.out)
                .map_err(|why| why.to_string())?;
            return Ok(());
        }
        let is_root = self.view.identity().is_root();
        let mode = if self.options.permissions || is_root {
            found.mode
        } else {
            found.mode & 0o777 & !self.umask
        };
        self.view
            .make_dirs(parent(&path))
            .map_err(|why| format!("Cannot open: {why}"))?;
        if found.kind == EntryType::Directory {
            match self.view.make_dir(&path) {
                // What is there keeps its mode, as tar leaves it to whoever made it.
                Err(Errno::Exists) if self.view.stat(&path).is_ok_and(|attr| attr.is_dir()) => {}
                Err(why) => return Err(format!("Cannot mkdir: {why}")),
                Ok(()) => {
                    self.own(&path, found)?;
                    // Until it is full its owner must be able to write to it.
                    let set = self.view.set_mode(&path, mode | 0o700);
                    set.map_err(|why| format!("Cannot change mode: {why}"))?;
                    directories.push(Pending {
                        path,
                        mode,
                        modified: found.modified,
                    });
                }
            }
            return Ok(());
        }
        let existing = self.view.lstat(&path);
        if existing.is_ok() && self.options.keep {
            return Err("Cannot open: File exists".to_owned());
        }
        if existing.is_ok_and(|attr| !attr.is_dir())
            && let Err(why) = self.view.remove_one(&path)
        {
            return Err(format!("Cannot open: {why}"));
        }
        let link = found.link.as_deref().unwrap_or_default();
        match found.kind {
            EntryType::Symlink => {
                self.view
                    .make_symlink(link, &path)
                    .map_err(|why| format!("Cannot create symlink to ‘{link}’: {why}"))?;
                self.own(&path, found)
            }
            EntryType::Link => self
                .view
                .link(&absolute(to, link), &path)
                .map_err(|why| format!("Cannot hard link to ‘{link}’: {why}")),
            EntryType::Fifo => {
                let made = self.view.make(&path, Kind::Fifo(Content::default()), mode);
                made.map_err(|why| format!("Cannot mkfifo: {why}"))?;
                self.own(&path, found)
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let mut bytes = Vec::new();
                entry
                    .read_to_end(&mut bytes)
                    .map_err(|why| why.to_string())?;
                self.view
                    .put(&path, &Content::from(bytes), 0o600)
                    .map_err(|why| format!("Cannot open: {why}"))?;
                self.own(&path, found)?;
                self.finish(&path, mode, found)
                    .map_err(|why| format!("Cannot change mode: {why}"))
            }
            _ => Err("a practice instance's tar makes no devices".to_owned()),
        }
    }

    fn finish(&self, path: &str, mode: u32, found: &Found) -> Outcome<()> {
        self.view.set_mode(path, mode)?;
        let times = (!self.options.touch).then_some(found.modified);
        self.view.set_times(path, None, times)
    }

    /// Gives it to its owner, as root does unless told otherwise: by name where that is known here.
    fn own(&self, path: &str, found: &Found) -> Result<(), String> {
        let is_root = self.view.identity().is_root();
        if !self.options.owner.unwrap_or(is_root) {
            return Ok(());
        }
        let uid = self
            .accounts
            .user(&found.user)
            .map(|user| user.identity.uid);
        let gid = self.accounts.group(&found.group);
        self.view
            .set_owner(
                path,
                Some(uid.unwrap_or(found.uid)),
                Some(gid.unwrap_or(found.gid)),
                false,
            )
            .map_err(|why| {
                format!(
                    "Cannot change ownership to uid {}, gid {}: {why}",
                    found.uid, found.gid
                )
            })
    }
}
