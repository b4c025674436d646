//! How `ls` lays out what it lists: long lines, columns, one name per line. It decides nothing about what is listed.

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::Entry;
use super::settings::{Dates, Quoting, Settings};
use crate::practice::compute::users::Accounts;
use crate::practice::storage::{Attr, NodeType};

use super::super::times::{formatted, full, listed, long_iso};

/// The shape of a listing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Long,
    Lines,
    /// Columns, sorted downwards.
    Down,
    /// Columns, sorted across.
    Across,
}

/// Bytes of a filesystem block.
const BLOCK: u64 = 4096;
/// Shortest column: one character and two spaces.
const MIN_COLUMN: usize = 3;

/// Space that something takes, in blocks of 1024 bytes: whole blocks of 4096, a short link none.
pub(in super::super) fn blocks(attr: &Attr) -> u64 {
    match attr.node_type {
        NodeType::File | NodeType::Directory => attr.size.div_ceil(BLOCK) * (BLOCK / 1024),
        NodeType::Symlink | NodeType::Fifo | NodeType::Device | NodeType::Block => 0,
    }
}

/// A number of blocks as `total` and `-s` show it.
pub(super) fn block_count(blocks: u64, human: bool) -> String {
    if human {
        human_readable(blocks * 1024)
    } else {
        blocks.to_string()
    }
}

/// `512`, `4.0K`, `12M`: rounded up, one decimal below ten.
pub(in super::super) fn human_readable(bytes: u64) -> String {
    if bytes < 1024 {
        return bytes.to_string();
    }
    let mut unit = 1024_u128;
    let bytes = u128::from(bytes);
    for name in ["K", "M", "G", "T", "P", "E"] {
        let tenths = (bytes * 10).div_ceil(unit);
        if tenths < 100 {
            return format!("{}.{}{name}", tenths / 10, tenths % 10);
        }
        let whole = bytes.div_ceil(unit);
        if whole < 1024 || name == "E" {
            return format!("{whole}{name}");
        }
        unit *= 1024;
    }
    bytes.to_string()
}

fn size(attr: &Attr, human: bool) -> String {
    if let Some((major, minor)) = attr.device {
        return format!("{major}, {minor:>3}");
    }
    if human {
        human_readable(attr.size)
    } else {
        attr.size.to_string()
    }
}

fn date(attr: &Attr, settings: &Settings, now: Timestamp) -> String {
    let at = settings.time(attr);
    match &settings.dates {
        Dates::Locale => listed(at, now),
        Dates::Full => full(at),
        Dates::LongIso => long_iso(at),
        Dates::Format(format) => formatted(at, format).unwrap_or_default(),
    }
}

/// Names as they are shown; where some are quoted the others are indented, so that all begin in one column.
fn shown(entries: &[Entry], settings: &Settings) -> Vec<String> {
    let mut names: Vec<String> = entries
        .iter()
        .map(|entry| settings.shown(&entry.name))
        .collect();
    if settings.quoting == Quoting::WhenNeeded
        && settings.layout != Layout::Lines
        && names.iter().any(|name| name.starts_with(['\'', '"']))
    {
        for name in &mut names {
            if !name.starts_with(['\'', '"']) {
                name.insert(0, ' ');
            }
        }
    }
    names
}

fn widest<'a>(texts: impl Iterator<Item = &'a String>) -> usize {
    texts.map(|text| text.width()).max().unwrap_or(0)
}

/// Inode and blocks before a name, when they are asked for.
fn prefixes(entries: &[Entry], settings: &Settings) -> Vec<String> {
    let inodes: Vec<String> = entries
        .iter()
        .map(|entry| entry.attr.ino.to_string())
        .collect();
    let sizes: Vec<String> = entries
        .iter()
        .map(|entry| block_count(blocks(&entry.attr), settings.human))
        .collect();
    let (inode_width, size_width) = (widest(inodes.iter()), widest(sizes.iter()));
    inodes
        .iter()
        .zip(&sizes)
        .map(|(inode, size)| {
            let mut text = String::new();
            if settings.inode {
                text.push_str(&format!("{inode:>inode_width$} "));
            }
            if settings.blocks {
                text.push_str(&format!("{size:>size_width$} "));
            }
            text
        })
        .collect()
}

/// `-l`: one line each.
pub(super) fn long(
    entries: &[Entry],
    settings: &Settings,
    accounts: &Accounts,
    now: Timestamp,
    out: &mut String,
) {
    let column =
        |text: &dyn Fn(&Entry) -> String| -> Vec<String> { entries.iter().map(text).collect() };
    let links = column(&|entry| entry.attr.links.to_string());
    let owners = column(&|entry| {
        if settings.numeric {
            entry.attr.uid.to_string()
        } else {
            accounts.user_name(entry.attr.uid)
        }
    });
    let groups = column(&|entry| {
        if settings.numeric {
            entry.attr.gid.to_string()
        } else {
            accounts.group_name(entry.attr.gid)
        }
    });
    let sizes = column(&|entry| size(&entry.attr, settings.human));
    let dates = column(&|entry| date(&entry.attr, settings, now));
    let names = shown(entries, settings);
    let prefixes = prefixes(entries, settings);
    let (links_width, owner_width, group_width, size_width, date_width) = (
        widest(links.iter()),
        widest(owners.iter()),
        widest(groups.iter()),
        widest(sizes.iter()),
        widest(dates.iter()),
    );
    // Numbers stand to the right, names to the left.
    let owned = |text: &str, width: usize| {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            format!("{text:>width$} ")
        } else {
            format!("{text:<width$} ")
        }
    };
    for (at, entry) in entries.iter().enumerate() {
        out.push_str(&prefixes[at]);
        out.push_str(&entry.attr.permissions());
        out.push_str(&format!(" {:>links_width$} ", links[at]));
        if settings.owner {
            out.push_str(&owned(&owners[at], owner_width));
        }
        if settings.group {
            out.push_str(&owned(&groups[at], group_width));
        }
        out.push_str(&format!(
            "{:>size_width$} {:>date_width$} {}",
            sizes[at], dates[at], names[at]
        ));
        if let Some((target, followed)) = &entry.target {
            out.push_str(&format!(" -> {}", settings.shown(target)));
            if let Some(attr) = followed {
                out.push_str(settings.indicator(attr));
            }
        } else {
            out.push_str(settings.indicator(&entry.attr));
        }
        out.push('\n');
    }
}

/// Names alone, in columns or one per line.
pub(super) fn names(entries: &[Entry], settings: &Settings, out: &mut String) {
    let cells: Vec<String> = prefixes(entries, settings)
        .into_iter()
        .zip(shown(entries, settings))
        .zip(entries)
        .map(|((prefix, name), entry)| format!("{prefix}{name}{}", settings.indicator(&entry.attr)))
        .collect();
    if settings.layout == Layout::Lines {
        for cell in &cells {
            out.push_str(cell);
            out.push('\n');
        }
        return;
    }
    let across = settings.layout == Layout::Across;
    let widths: Vec<usize> = cells.iter().map(|cell| cell.width()).collect();
    let columns = columns(&widths, settings.width, across);
    let rows = cells.len().div_ceil(columns.len().max(1));
    for row in 0..rows {
        let mut line = String::new();
        for (column, width) in columns.iter().enumerate() {
            let at = if across {
                row * columns.len() + column
            } else {
                column * rows + row
            };
            let Some(cell) = cells.get(at) else { break };
            let next = if across { at + 1 } else { at + rows };
            line.push_str(cell);
            if next < cells.len() && column + 1 < columns.len() {
                line.push_str(&" ".repeat(width.saturating_sub(widths[at])));
            }
        }
        out.push_str(&line);
        out.push('\n');
    }
}

/// Widths of the columns, for as many as fit on a line: each as wide as its widest cell, two spaces between.
fn columns(widths: &[usize], line: usize, across: bool) -> Vec<usize> {
    // Width 0 means no limit.
    let line = if line == 0 { usize::MAX } else { line };
    let most = widths.len().min((line / MIN_COLUMN).max(1));
    for count in (1..=most).rev() {
        let rows = widths.len().div_ceil(count);
        let mut columns = vec![MIN_COLUMN; count];
        for (at, width) in widths.iter().enumerate() {
            let column = if across { at % count } else { at / rows };
            let gap = if column + 1 == count { 0 } else { 2 };
            columns[column] = columns[column].max(width + gap);
        }
        if columns.iter().sum::<usize>() < line || count == 1 {
            // Sorted downwards, the last columns may be empty.
            if !across {
                columns.truncate(widths.len().div_ceil(rows));
            }
            return columns;
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::{columns, human_readable};

    #[test]
    fn sizes_for_people_are_rounded_up() {
        for (bytes, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1025, "1.1K"),
            (10_189, "10K"),
            (10_241, "11K"),
            (1_048_575, "1.0M"),
            (1_048_576, "1.0M"),
            (1_073_741_824, "1.0G"),
        ] {
            assert_eq!(human_readable(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn as_many_columns_as_fit_are_used() {
        assert_eq!(columns(&[5; 8], 80, false), [7, 7, 7, 7, 7, 7, 7, 5]);
        assert_eq!(columns(&[5; 8], 20, false), [7, 7, 5]);
        assert_eq!(columns(&[100, 3], 80, false), [100]);
        assert!(columns(&[], 80, false).is_empty());
    }
}
