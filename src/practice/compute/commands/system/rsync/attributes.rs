//! Owner, group, permissions and times: whether they differ, how that is shown, and how they are kept.

use super::copy::{Said, Transfer};
use crate::practice::storage::{Attr, NodeType};

/// What differs between a source and its target.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Changes {
    pub new: bool,
    pub content: bool,
    pub size: bool,
    pub time: bool,
    pub permissions: bool,
    pub owner: bool,
    pub group: bool,
}

impl Changes {
    pub(super) fn any(self) -> bool {
        self.new || self.content || self.attributes()
    }

    pub(super) fn attributes(self) -> bool {
        self.time || self.permissions || self.owner || self.group
    }

    /// The eleven characters of `-i`.
    pub(super) fn itemized(self, update: char, kind: NodeType) -> String {
        let kind = match kind {
            NodeType::File => 'f',
            NodeType::Directory => 'd',
            NodeType::Symlink => 'L',
            NodeType::Fifo => 'S',
            NodeType::Device | NodeType::Block => 'D',
        };
        if self.new {
            return format!("{update}{kind}+++++++++");
        }
        let flag = |on, letter| if on { letter } else { '.' };
        format!(
            "{update}{kind}{}{}{}{}{}{}...",
            flag(self.content && !self.size && !self.time, 'c'),
            flag(self.size, 's'),
            flag(self.time, 't'),
            flag(self.permissions, 'p'),
            flag(self.owner, 'o'),
            flag(self.group, 'g'),
        )
    }
}

impl Transfer<'_> {
    /// What differs. Times are compared by the second, as rsync does.
    pub(super) fn compare(&self, attr: &Attr, existing: Option<&Attr>) -> Changes {
        let Some(existing) = existing else {
            return Changes {
                new: true,
                ..Changes::default()
            };
        };
        let options = self.options;
        let is_link = attr.node_type == NodeType::Symlink;
        let is_dir = attr.is_dir();
        let root = self.view.identity().is_root();
        Changes {
            new: false,
            content: false,
            size: attr.node_type == NodeType::File && attr.size != existing.size,
            time: options.times
                && !(is_dir && options.omit_dir_times)
                && attr.modified.as_second() != existing.modified.as_second(),
            permissions: options.permissions && !is_link && attr.mode != existing.mode,
            owner: options.owner && root && attr.uid != existing.uid,
            group: options.group && attr.gid != existing.gid && self.may_give(attr.gid),
        }
    }

    /// Root gives to any group, everybody else to his own.
    pub(super) fn may_give(&self, gid: u32) -> bool {
        let who = self.view.identity();
        who.is_root() || who.gid == gid || who.groups.contains(&gid)
    }

    /// Gives a target what is to be kept of its source.
    pub(super) fn attributes(&mut self, target: &str, attr: &Attr, said: &mut Said) {
        if self.options.dry_run {
            return;
        }
        let options = self.options;
        let Ok(now) = self.view.lstat(target) else {
            return;
        };
        let uid = (options.owner && self.view.identity().is_root() && now.uid != attr.uid)
            .then_some(attr.uid);
        let gid =
            (options.group && now.gid != attr.gid && self.may_give(attr.gid)).then_some(attr.gid);
        if (uid.is_some() || gid.is_some())
            && let Err(why) = self.view.set_owner(target, uid, gid, false)
        {
            let verb = if uid.is_some() { "chown" } else { "chgrp" };
            self.fail(
                said,
                "receiver",
                &format!("{verb} \"{target}\" failed"),
                why,
            );
        }
        if attr.node_type == NodeType::Symlink {
            return self.link_times(target, attr, said);
        }
        if options.permissions
            && let Err(why) = self.view.set_mode(target, attr.mode)
        {
            self.fail(
                said,
                "receiver",
                &format!("failed to set permissions on \"{target}\""),
                why,
            );
        }
        if options.times
            && !(attr.is_dir() && options.omit_dir_times)
            && let Err(why) = self.view.set_times(target, None, Some(attr.modified))
        {
            self.fail(
                said,
                "receiver",
                &format!("failed to set times on \"{target}\""),
                why,
            );
        }
    }

    /// Of a link all is set at once.
    fn link_times(&mut self, target: &str, attr: &Attr, said: &mut Said) {
        if !self.options.times {
            return;
        }
        let kept = self.view.lstat(target).map(|now| Attr {
            modified: attr.modified,
            accessed: attr.accessed,
            ..now
        });
        let set = kept.and_then(|kept| self.view.copy_attributes(&kept, target));
        if let Err(why) = set {
            self.fail(
                said,
                "receiver",
                &format!("failed to set times on \"{target}\""),
                why,
            );
        }
    }
}
