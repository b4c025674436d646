//! Copying trees with what belongs to them: content, owners, permissions, times, links. `cp`, `mv` and `install` tell it how.

use std::collections::{BTreeMap, BTreeSet};

use super::program::{Call, Report, join};
use super::quote::always;
use crate::practice::storage::{Attr, Content, Errno, Kind, NodeType, Outcome};

/// Which links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    /// All.
    Always,
    /// Those that are named as operands.
    Operands,
    /// None.
    Never,
}

/// What to do with a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    /// Write over it.
    Replace,
    /// Remove it when it cannot be written.
    Force,
    /// Leave it.
    Keep,
    /// Replace it if it is older.
    Update,
    /// Ask on standard input.
    Ask,
}

/// What a copy makes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Makes {
    /// A file with the same content.
    Content,
    /// Another name of the same file.
    HardLink,
    /// A link to it.
    SymbolicLink,
}

/// How a copy is made.
#[derive(Debug, Clone, Copy)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own of cp"
)]
pub(super) struct Manner {
    pub recursive: bool,
    pub follow: Follow,
    pub existing: Existing,
    pub makes: Makes,
    pub mode: bool,
    pub owner: bool,
    pub times: bool,
    pub links: bool,
    pub verbose: bool,
    pub one_file_system: bool,
    /// `mv`: words of `-v` and of refusals differ.
    pub moving: bool,
}

impl Manner {
    /// As `mv` copies to another filesystem, and `cp -a`.
    pub const ARCHIVE: Self = Self {
        recursive: true,
        follow: Follow::Never,
        existing: Existing::Force,
        makes: Makes::Content,
        mode: true,
        owner: true,
        times: true,
        links: true,
        verbose: false,
        one_file_system: false,
        moving: false,
    };
}

/// A copy under way.
pub(super) struct Copier<'a> {
    call: &'a Call,
    manner: Manner,
    /// What files with several names were copied to, by mount and inode.
    copied: BTreeMap<(String, u64), String>,
    /// What was made by this very run, so that a second source of the same name does not destroy the first.
    made: BTreeSet<String>,
    /// Answers on standard input.
    answers: std::vec::IntoIter<String>,
}

impl<'a> Copier<'a> {
    pub fn new(call: &'a Call, manner: Manner) -> Self {
        let answers: Vec<String> = call.stdin.lines().map(str::to_owned).collect();
        Self {
            call,
            manner,
            copied: BTreeMap::new(),
            made: BTreeSet::new(),
            answers: answers.into_iter(),
        }
    }

    /// Copies `from` to the name `to` (both as they were typed). Returns whether all of it was copied.
    pub fn copy(&mut self, from: &str, to: &str, report: &mut Report) -> bool {
        self.one(from, to, None, report)
    }

    /// Whether each step is told.
    pub fn verbose(&self) -> bool {
        self.manner.verbose
    }

    /// Asks on standard error; no answer means no.
    pub fn asks(&mut self, question: &str, report: &mut Report) -> bool {
        report
            .err
            .push_str(&format!("{}: {question} ", self.call.program));
        let answer = match &self.call.questions {
            Some(questions) => questions.ask(report),
            None => self.answers.next(),
        };
        answer.is_some_and(|answer| answer.starts_with(['y', 'Y']))
    }

    /// `within`: the mount that the operand is on; `None` for the operand itself.
    fn one(&mut self, from: &str, to: &str, within: Option<&str>, report: &mut Report) -> bool {
        let (call, manner) = (self.call, self.manner);
        let (source, target) = (call.path(from), call.path(to));
        let follow = match manner.follow {
            Follow::Always => true,
            Follow::Operands => within.is_none(),
            Follow::Never => from.ends_with('/'),
        };
        let found = if from.is_empty() {
            Err(Errno::NotFound)
        } else if follow {
            call.view.stat(&source)
        } else {
            call.view.lstat(&source)
        };
        let attr = match found {
            Ok(attr) => attr,
            Err(why) => return self.refuse("cannot stat", from, why, report),
        };
        let mount = call.view.table().holding(&source).target;
        if manner.one_file_system && within.is_some_and(|within| within != mount) {
            return true;
        }
        if attr.is_dir() {
            if !manner.recursive {
                let text = format!("-r not specified; omitting directory {}", always(from));
                report.complain(call, &text, 1);
                return false;
            }
            return self.directory(from, to, &attr, &mount, report);
        }
        let existing = match call.view.lstat(&target) {
            Ok(existing) => Some(existing),
            Err(Errno::NotFound) => None,
            Err(why) => {
                return self.refuse("cannot stat", to, why, report);
            }
        };
        if let Some(existing) = existing
            && !self.may_replace(from, to, &attr, &existing, report)
        {
            return self.manner.existing != Existing::Replace && report.code == 0;
        }
        let done = self.file(from, to, &attr, (mount, attr.ino), existing, report);
        if done {
            self.made.insert(target);
        }
        done
    }

    /// Whether what is there may be written over; complains where it may not.
    fn may_replace(
        &mut self,
        from: &str,
        to: &str,
        attr: &Attr,
        existing: &Attr,
        report: &mut Report,
    ) -> bool {
        let call = self.call;
        let (source, target) = (call.path(from), call.path(to));
        let into = call.view.stat(&target).unwrap_or(*existing);
        if into.is_dir() && (existing.is_dir() || attr.node_type != NodeType::Symlink) {
            let text = format!(
                "cannot overwrite directory {} with non-directory",
                always(to)
            );
            report.complain(call, &text, 1);
            return false;
        }
        let holding = |path: &str| call.view.table().holding(path).target;
        let same = source == target
            || (attr.ino == into.ino
                && holding(&source) == holding(&target)
                && attr.node_type == into.node_type);
        match self.manner.existing {
            Existing::Keep => return false,
            Existing::Update if existing.modified >= attr.modified => return false,
            _ => {}
        }
        if same && self.manner.makes == Makes::Content && !self.relink(attr, &target) {
            let text = format!("{} and {} are the same file", always(from), always(to));
            report.complain(call, &text, 1);
            return false;
        }
        if self.made.contains(&target) {
            let text = format!(
                "will not overwrite just-created {} with {}",
                always(to),
                always(from)
            );
            report.complain(call, &text, 1);
            return false;
        }
        if self.manner.existing == Existing::Ask {
            return self.asks(&format!("overwrite {}?", always(to)), report);
        }
        true
    }

    /// With `-a`, two names of one file may be copied onto two names of its copy.
    fn relink(&self, attr: &Attr, target: &str) -> bool {
        self.manner.links && attr.links > 1 && self.copied.values().any(|path| path == target)
    }

    fn file(
        &mut self,
        from: &str,
        to: &str,
        attr: &Attr,
        identity: (String, u64),
        existing: Option<Attr>,
        report: &mut Report,
    ) -> bool {
        let (call, manner) = (self.call, self.manner);
        let view = &call.view;
        let (source, target) = (call.path(from), call.path(to));
        let link = attr.node_type == NodeType::Symlink;
        let linked = (manner.links && attr.links > 1)
            .then(|| self.copied.get(&identity).cloned())
            .flatten();
        // What is no regular file, and what is to become a name of another file, takes the place of what was there.
        let replaces = link
            || linked.is_some()
            || manner.makes != Makes::Content
            || existing.is_some_and(|existing| manner.links && existing.links > 1);
        let mut exists = existing.is_some();
        if exists && replaces {
            let forced = manner.makes == Makes::Content || manner.existing == Existing::Force;
            if forced && let Err(why) = view.remove_one(&target) {
                return self.refuse("cannot remove", to, why, report);
            }
            exists = !forced;
        }
        if manner.verbose {
            let word = if manner.moving { "copied " } else { "" };
            report.line(&format!("{word}{} -> {}", always(from), always(to)));
        }
        if let Some(first) = linked {
            return match view.link(&first, &target) {
                Ok(()) => true,
                Err(why) => self.no_link(to, &first, why, report),
            };
        }
        match manner.makes {
            Makes::HardLink => {
                return match view.link(&source, &target) {
                    Ok(()) => true,
                    Err(why) => self.no_link(to, from, why, report),
                };
            }
            Makes::SymbolicLink => {
                return match view.make_symlink(from, &target) {
                    Ok(()) => true,
                    Err(why) => self.refuse("cannot create symbolic link", to, why, report),
                };
            }
            Makes::Content => {}
        }
        if link {
            let made = view
                .link_target(&source)
                .and_then(|text| view.make_symlink(&text, &target));
            if let Err(why) = made {
                return self.refuse("cannot create symbolic link", to, why, report);
            }
        } else if manner.recursive && attr.node_type == NodeType::Fifo {
            if let Err(why) = view.make(&target, Kind::Fifo(Content::default()), attr.mode) {
                return self.refuse("cannot create fifo", to, why, report);
            }
        } else if manner.recursive && matches!(attr.node_type, NodeType::Device | NodeType::Block) {
            return self.refuse(
                "cannot create special file",
                to,
                Errno::NotPermitted,
                report,
            );
        } else {
            let content = match view.content(&source) {
                Ok(content) => content,
                Err(why) => {
                    let text = format!("cannot open {} for reading: {why}", always(from));
                    report.complain(call, &text, 1);
                    return false;
                }
            };
            let written = if to.ends_with('/') {
                Err(Errno::NotDirectory)
            } else {
                self.write(&target, &content, exists)
            };
            if let Err(why) = written {
                return self.refuse("cannot create regular file", to, why, report);
            }
            if !exists && !manner.mode {
                // A new file has the permissions of its source, except what the umask takes away.
                let wanted = attr.mode & 0o777 & !call.umask;
                if let Err(why) = view.set_mode(&target, wanted) {
                    return self.refuse("setting permissions for", to, why, report);
                }
            }
        }
        if attr.links > 1 {
            self.copied.insert(identity, target);
        }
        self.preserve(to, attr, report)
    }

    /// Writes content; with `-f` what cannot be written is made anew.
    fn write(&self, target: &str, content: &Content, exists: bool) -> Outcome<()> {
        let view = &self.call.view;
        match view.put(target, content, 0o666) {
            Err(Errno::Access) if exists && self.manner.existing == Existing::Force => {
                view.remove_one(target)?;
                view.put(target, content, 0o666)
            }
            outcome => outcome,
        }
    }

    fn directory(
        &mut self,
        from: &str,
        to: &str,
        attr: &Attr,
        mount: &str,
        report: &mut Report,
    ) -> bool {
        let (call, manner) = (self.call, self.manner);
        let view = &call.view;
        let (source, target) = (call.path(from), call.path(to));
        if target != source && target.starts_with(&join(&source, "")) {
            let text = format!(
                "cannot copy a directory, {}, into itself, {}",
                always(from),
                always(to)
            );
            report.complain(call, &text, 1);
            return false;
        }
        let fresh = match view.lstat(&target) {
            Ok(existing) if existing.is_dir() => false,
            Ok(existing) => {
                let entered = existing.node_type == NodeType::Symlink
                    && manner.follow != Follow::Never
                    && view.stat(&target).is_ok_and(|attr| attr.is_dir());
                if !entered {
                    let text = format!(
                        "cannot overwrite non-directory {} with directory {}",
                        always(to),
                        always(from)
                    );
                    report.complain(call, &text, 1);
                    return false;
                }
                false
            }
            Err(Errno::NotFound) => {
                if let Err(why) = view.make_dir(&target) {
                    return self.refuse("cannot create directory", to, why, report);
                }
                true
            }
            Err(why) => return self.refuse("cannot stat", to, why, report),
        };
        if source == target {
            let text = format!("{} and {} are the same file", always(from), always(to));
            report.complain(call, &text, 1);
            return false;
        }
        if fresh && manner.verbose {
            let line = format!("{} -> {}", always(from), always(to));
            report.line(&if manner.moving {
                format!("created directory {}", always(to))
            } else {
                line
            });
        }
        // While it is being filled its owner must be able to write to it, whatever its permissions will be.
        if fresh && let Err(why) = view.set_mode(&target, 0o700 | (attr.mode & 0o777 & !call.umask))
        {
            return self.refuse("setting permissions for", to, why, report);
        }
        let mut whole = true;
        match view.list(&source) {
            Ok(entries) => {
                for (name, _) in entries {
                    whole &= self.one(&join(from, &name), &join(to, &name), Some(mount), report);
                }
            }
            Err(why) => whole = self.refuse("cannot access", from, why, report),
        }
        if fresh && !manner.mode {
            let wanted = attr.mode & 0o7777 & !0o6000 & !call.umask;
            if let Err(why) = view.set_mode(&target, wanted) {
                return self.refuse("setting permissions for", to, why, report);
            }
        }
        self.preserve(to, attr, report) && whole
    }

    /// Gives the copy what is to be kept: owner before permissions, since a change of owner takes setuid away.
    fn preserve(&self, to: &str, attr: &Attr, report: &mut Report) -> bool {
        let (call, manner) = (self.call, self.manner);
        let view = &call.view;
        let target = call.path(to);
        if attr.node_type == NodeType::Symlink {
            // Of a link all is set at once; its permissions mean nothing.
            if manner.owner
                && manner.times
                && let Err(why) = view.copy_attributes(attr, &target)
            {
                return self.refuse("failed to preserve ownership for", to, why, report);
            }
            return true;
        }
        if manner.times
            && let Err(why) = view.set_times(&target, Some(attr.accessed), Some(attr.modified))
        {
            return self.refuse("preserving times for", to, why, report);
        }
        let mut mode = attr.mode;
        if manner.owner
            && let Err(why) = view.set_owner(&target, Some(attr.uid), Some(attr.gid), false)
        {
            if view.identity().is_root() {
                return self.refuse("failed to preserve ownership for", to, why, report);
            }
            // Who is not root keeps what he can, silently; setuid for another owner would be a hole.
            let group = view.set_owner(&target, None, Some(attr.gid), false);
            if attr.uid != view.identity().uid || group.is_err() {
                mode &= !0o6000;
            }
        }
        if manner.mode
            && let Err(why) = view.set_mode(&target, mode)
        {
            return self.refuse("preserving permissions for", to, why, report);
        }
        true
    }

    fn no_link(&self, to: &str, from: &str, why: Errno, report: &mut Report) -> bool {
        let text = format!(
            "cannot create hard link {} to {}: {why}",
            always(to),
            always(from)
        );
        report.complain(self.call, &text, 1);
        false
    }

    fn refuse(&self, what: &str, name: &str, why: Errno, report: &mut Report) -> bool {
        report.refuse(self.call, what, name, why);
        false
    }
}
