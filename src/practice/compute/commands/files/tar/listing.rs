//! The lines of `tar tv`, whose columns grow with what was shown before.

use jiff::Timestamp;
use tar::EntryType;

use super::super::times::long_iso;

/// Width that owner and size have together at first, as GNU tar begins.
const FIRST: usize = 19;

/// The column so far.
pub(super) struct Listing {
    width: usize,
}

impl Default for Listing {
    fn default() -> Self {
        Self { width: FIRST }
    }
}

/// A member as it is shown.
pub(super) struct Member<'a> {
    pub kind: EntryType,
    pub mode: u32,
    pub user: String,
    pub group: String,
    pub size: u64,
    pub modified: Timestamp,
    pub name: &'a str,
    pub link: Option<&'a str>,
}

impl Listing {
    /// One line.
    pub fn line(&mut self, member: &Member<'_>) -> String {
        let owner = format!("{}/{}", member.user, member.group);
        let size = member.size.to_string();
        let taken = owner.chars().count() + size.len() + 1;
        self.width = self.width.max(taken);
        let link = match (member.kind, member.link) {
            (EntryType::Symlink, Some(link)) => format!(" -> {link}"),
            (EntryType::Link, Some(link)) => format!(" link to {link}"),
            _ => String::new(),
        };
        format!(
            "{} {owner} {:pad$}{size} {} {}{link}",
            permissions(member.kind, member.mode),
            "",
            long_iso(member.modified),
            member.name,
            pad = self.width - taken
        )
    }
}

fn permissions(kind: EntryType, mode: u32) -> String {
    let letter = match kind {
        EntryType::Directory => 'd',
        EntryType::Symlink => 'l',
        EntryType::Link => 'h',
        EntryType::Fifo => 'p',
        EntryType::Char => 'c',
        EntryType::Block => 'b',
        _ => '-',
    };
    let mut text = String::from(letter);
    for (shift, special, set, bare) in [
        (6, 0o4000, 's', 'S'),
        (3, 0o2000, 's', 'S'),
        (0, 0o1000, 't', 'T'),
    ] {
        let bits = mode >> shift;
        text.push(if bits & 4 == 0 { '-' } else { 'r' });
        text.push(if bits & 2 == 0 { '-' } else { 'w' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => set,
            (true, false) => bare,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}
