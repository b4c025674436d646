//! Putting files into an archive.

use std::collections::BTreeMap;

use tar::{EntryType, Header};

use super::super::glob::fits;
use super::super::program::{absolute, join};
use super::archive::{Writer, is_gzip, members_end};
use super::listing::Member;
use super::{Fatal, Run};
use crate::practice::storage::{Attr, Content, NodeType};

/// Where a file with several names was put first.
type Links = BTreeMap<(String, u64), String>;

impl Run<'_> {
    /// `tar -c`
    pub(super) fn create(&mut self) -> Result<(), Fatal> {
        let named = |ending| self.typed().ends_with(ending);
        let gzip = self.options.gzip || self.options.auto && (named(".gz") || named(".tgz"));
        // The file is made before anything is read, so that one that cannot be made costs nothing.
        if let Some(path) = self.file()
            && let Err(why) = self.view.write(&path, &[])
        {
            let text = format!("{}: Cannot open: {why}", self.typed());
            return Err(self.fatal(&text));
        }
        self.fill(gzip, &[])
    }

    /// `tar -r`
    pub(super) fn append(&mut self) -> Result<(), Fatal> {
        let mut before = Vec::new();
        if let Some(path) = self.file()
            && self.view.stat(&path).is_ok()
        {
            before = self.view.read(&path).map_err(|why| {
                let text = format!("{}: Cannot open: {why}", self.typed());
                self.fatal(&text)
            })?;
        }
        if is_gzip(&before) || self.options.gzip {
            return Err(self.fatal("Cannot update compressed archives"));
        }
        let end = members_end(&before)
            .map_err(|_| self.fatal("This does not look like a tar archive"))?;
        self.fill(false, &before[..end])
    }

    fn fill(&mut self, gzip: bool, before: &[u8]) -> Result<(), Fatal> {
        let mut links = Links::new();
        let mut writer = Writer::new(gzip, before).map_err(|why| self.fatal(&format!("{why}")))?;
        for operand in self.options.operands.clone() {
            let mut directory = self.cwd.clone();
            for step in &operand.directories {
                directory = absolute(&directory, step);
            }
            if !self.view.stat(&directory).is_ok_and(|attr| attr.is_dir()) {
                let text = format!("{directory}: Cannot open: No such file or directory");
                return Err(self.fatal(&text));
            }
            let path = absolute(&directory, &operand.name);
            let name = match operand.name.trim_end_matches('/') {
                "" => "/",
                name => name,
            };
            self.add(&mut writer, &mut links, name, &path, None)?;
        }
        let content = writer
            .finish()
            .map_err(|why| self.fatal(&format!("{why}")))?;
        self.store(&content)
    }

    fn add_directory(
        &mut self,
        writer: &mut Writer,
        links: &mut Links,
        (name, path): (&str, &str),
        attr: &Attr,
        mount: &str,
    ) -> Result<(), Fatal> {
        let member = self.member_name(&format!("{name}/").replace("//", "/"));
        self.write(
            writer,
            EntryType::Directory,
            attr,
            &member,
            None,
            &Content::default(),
        )?;
        if !self.options.recursion {
            return Ok(());
        }
        let entries = match self.view.list(path) {
            Ok(entries) => entries,
            Err(why) => {
                self.complain(&format!("{name}: Cannot open: {why}"));
                return Ok(());
            }
        };
        for (child, _) in entries {
            let (name, path) = (join(name, &child), join(path, &child));
            self.add(writer, links, &name, &path, Some(mount))?;
        }
        Ok(())
    }

    /// Adds a file, or a directory with all that is in it. `within`: the mount that the operand is on.
    fn add(
        &mut self,
        writer: &mut Writer,
        links: &mut Links,
        name: &str,
        path: &str,
        within: Option<&str>,
    ) -> Result<(), Fatal> {
        if self.excludes(name) {
            return Ok(());
        }
        let found = if self.options.dereference {
            self.view.stat(path)
        } else {
            self.view.lstat(path)
        };
        let attr = match found {
            Ok(attr) => attr,
            Err(why) => {
                self.complain(&format!("{name}: Cannot stat: {why}"));
                return Ok(());
            }
        };
        if self.file().is_some_and(|file| file == path) {
            self.say(&format!("{name}: file is the archive; not dumped"));
            return Ok(());
        }
        let mount = self.view.table().holding(path).target;
        if self.options.one_file_system && within.is_some_and(|within| within != mount) {
            self.say(&format!(
                "{name}/: file is on a different filesystem; not dumped"
            ));
            return Ok(());
        }
        if attr.is_dir() {
            return self.add_directory(writer, links, (name, path), &attr, &mount);
        }
        let member = self.member_name(name);
        if attr.links > 1 {
            let id = (mount, attr.ino);
            if let Some(first) = links.get(&id) {
                let first = first.clone();
                return self.write(
                    writer,
                    EntryType::Link,
                    &attr,
                    &member,
                    Some(&first),
                    &Content::default(),
                );
            }
            links.insert(id, member.clone());
        }
        match attr.node_type {
            NodeType::Symlink => {
                let target = self.view.link_target(path).unwrap_or_default();
                self.write(
                    writer,
                    EntryType::Symlink,
                    &attr,
                    &member,
                    Some(&target),
                    &Content::default(),
                )
            }
            NodeType::Fifo => self.write(
                writer,
                EntryType::Fifo,
                &attr,
                &member,
                None,
                &Content::default(),
            ),
            NodeType::Device | NodeType::Block => {
                self.complain(&format!(
                    "{name}: a practice instance's tar takes no devices"
                ));
                Ok(())
            }
            NodeType::File | NodeType::Directory => match self.view.content(path) {
                Ok(bytes) => self.write(writer, EntryType::Regular, &attr, &member, None, &bytes),
                Err(why) => {
                    self.complain(&format!("{name}: Cannot open: {why}"));
                    Ok(())
                }
            },
        }
    }

    /// A pattern fits a whole name, or what follows any of its slashes.
    pub(super) fn excludes(&self, name: &str) -> bool {
        let name = name.trim_end_matches('/');
        let ends = name.match_indices('/').map(|(at, _)| &name[at + 1..]);
        let tails: Vec<&str> = [name].into_iter().chain(ends).collect();
        self.options.exclude.iter().any(|pattern| {
            let pattern = pattern.trim_end_matches('/');
            tails.iter().any(|tail| fits(pattern, tail, false))
        })
    }

    fn write(
        &mut self,
        writer: &mut Writer,
        kind: EntryType,
        attr: &Attr,
        name: &str,
        link: Option<&str>,
        data: &Content,
    ) -> Result<(), Fatal> {
        let user = self.accounts.user_name(attr.uid);
        let group = self.accounts.group_name(attr.gid);
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(attr.mode);
        header.set_uid(attr.uid.into());
        header.set_gid(attr.gid.into());
        header.set_mtime(attr.modified.as_second().try_into().unwrap_or_default());
        // A number stands for an owner without a name, and for one whose name is too long.
        if !self.options.numeric {
            let _ = header.set_username(&user);
            let _ = header.set_groupname(&group);
        }
        match self.options.verbose {
            0 => {}
            1 => self.show(name),
            _ => {
                let line = self.listing.line(&Member {
                    kind,
                    mode: attr.mode,
                    user,
                    group,
                    size: data.len(),
                    modified: attr.modified,
                    name,
                    link,
                });
                self.show(&line);
            }
        }
        writer
            .member(header, name, link, data)
            .map_err(|why| self.fatal(&format!("{why}")))
    }
}
