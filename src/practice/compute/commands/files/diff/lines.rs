//! Which lines of two texts were changed, and the two ways of showing it. Files and their names do not enter here.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// What is overlooked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Alike {
    pub case: bool,
    pub space: bool,
    pub all_space: bool,
}

/// How changes are shown.
#[derive(Debug, Clone, Copy)]
pub(super) enum Style {
    Normal,
    /// With this many lines around each change.
    Unified(usize),
}

/// Lines that were replaced, and by which; either may be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub old: Range<usize>,
    pub new: Range<usize>,
}

/// Lines with their ends.
fn split(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

impl Alike {
    /// The changes from one text to another, in order.
    pub fn changes(self, old: &[u8], new: &[u8]) -> Vec<Change> {
        let keys =
            |text| -> Vec<Vec<u8>> { split(text).into_iter().map(|line| self.key(line)).collect() };
        let (old, new) = (keys(old), keys(new));
        let mut changes: Vec<Change> = Vec::new();
        for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
            if matches!(op, DiffOp::Equal { .. }) {
                continue;
            }
            let (before, after) = (op.old_range(), op.new_range());
            match changes.last_mut() {
                Some(last) if last.old.end == before.start && last.new.end == after.start => {
                    last.old.end = before.end;
                    last.new.end = after.end;
                }
                _ => changes.push(Change {
                    old: before,
                    new: after,
                }),
            }
        }
        // As GNU diff does: what could stand earlier or later is shown at its last place.
        for at in (0..changes.len()).rev() {
            let (old_limit, new_limit) =
                changes.get(at + 1).map_or((old.len(), new.len()), |next| {
                    (next.old.start, next.new.start)
                });
            let change = &mut changes[at];
            if change.old.is_empty() {
                while change.new.end < new_limit && new[change.new.start] == new[change.new.end] {
                    slide(change);
                }
            } else if change.new.is_empty() {
                while change.old.end < old_limit && old[change.old.start] == old[change.old.end] {
                    slide(change);
                }
            }
        }
        changes
    }

    fn key(self, line: &[u8]) -> Vec<u8> {
        let mut line = line.to_vec();
        if self.case {
            line.make_ascii_lowercase();
        }
        if self.all_space {
            line.retain(|byte| !byte.is_ascii_whitespace());
        } else if self.space {
            line = line.trim_ascii_end().to_vec();
            let mut after_space = false;
            line.retain_mut(|byte| {
                let is_space = byte.is_ascii_whitespace();
                let keep = !(is_space && after_space);
                after_space = is_space;
                if is_space {
                    *byte = b' ';
                }
                keep
            });
        }
        line
    }
}

fn slide(change: &mut Change) {
    for range in [&mut change.old, &mut change.new] {
        range.start += 1;
        range.end += 1;
    }
}

impl Style {
    /// Shows the changes from one text to another.
    pub fn show(self, changes: &[Change], old: &[u8], new: &[u8], out: &mut Vec<u8>) {
        let (old, new) = (split(old), split(new));
        match self {
            Self::Normal => {
                for change in changes {
                    normal(change, &old, &new, out);
                }
            }
            Self::Unified(context) => {
                let mut rest = changes;
                while let Some(first) = rest.first() {
                    // Changes with no more than their two contexts between them share a hunk.
                    let together = rest
                        .windows(2)
                        .take_while(|pair| pair[1].old.start - pair[0].old.end <= 2 * context)
                        .count()
                        + 1;
                    let (hunk, after) = rest.split_at(together);
                    unified(first, hunk, context, &old, &new, out);
                    rest = after;
                }
            }
        }
    }
}

fn put(out: &mut Vec<u8>, sign: &str, line: &[u8]) {
    out.extend_from_slice(sign.as_bytes());
    out.extend_from_slice(line);
    if !line.ends_with(b"\n") {
        out.extend_from_slice(b"\n\\ No newline at end of file\n");
    }
}

/// `3`, `3,5`; where there is no line, the one before.
fn place(range: &Range<usize>) -> String {
    match range.len() {
        0 => range.start.to_string(),
        1 => (range.start + 1).to_string(),
        _ => format!("{},{}", range.start + 1, range.end),
    }
}

fn normal(change: &Change, old: &[&[u8]], new: &[&[u8]], out: &mut Vec<u8>) {
    let letter = match (change.old.is_empty(), change.new.is_empty()) {
        (true, _) => 'a',
        (false, true) => 'd',
        (false, false) => 'c',
    };
    let head = format!("{}{letter}{}\n", place(&change.old), place(&change.new));
    out.extend_from_slice(head.as_bytes());
    for line in &old[change.old.clone()] {
        put(out, "< ", line);
    }
    if letter == 'c' {
        out.extend_from_slice(b"---\n");
    }
    for line in &new[change.new.clone()] {
        put(out, "> ", line);
    }
}

/// `-3,7`, `-3`; where there is no line, the one before.
fn span(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => (range.start + 1).to_string(),
        length => format!("{},{length}", range.start + 1),
    }
}

fn unified(
    first: &Change,
    hunk: &[Change],
    context: usize,
    old: &[&[u8]],
    new: &[&[u8]],
    out: &mut Vec<u8>,
) {
    let last = hunk.last().unwrap_or(first);
    let before = context.min(first.old.start);
    let after = context.min(old.len() - last.old.end);
    let whole_old = first.old.start - before..last.old.end + after;
    let whole_new = first.new.start - before..last.new.end + after;
    let head = format!("@@ -{} +{} @@\n", span(&whole_old), span(&whole_new));
    out.extend_from_slice(head.as_bytes());
    let mut at = whole_old.start;
    for change in hunk {
        for line in &old[at..change.old.start] {
            put(out, " ", line);
        }
        for line in &old[change.old.clone()] {
            put(out, "-", line);
        }
        for line in &new[change.new.clone()] {
            put(out, "+", line);
        }
        at = change.old.end;
    }
    for line in &old[at..whole_old.end] {
        put(out, " ", line);
    }
}

#[cfg(test)]
mod tests {
    use super::{Alike, Style};

    fn shown(style: Style, old: &str, new: &str) -> String {
        let changes = Alike::default().changes(old.as_bytes(), new.as_bytes());
        let mut out = Vec::new();
        style.show(&changes, old.as_bytes(), new.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn changes_are_shown_in_the_normal_form() {
        assert_eq!(
            shown(Style::Normal, "a\nb\nc\nd\n", "a\nB\nc\nd\ne\n"),
            "2c2\n< b\n---\n> B\n4a5\n> e\n"
        );
        assert_eq!(shown(Style::Normal, "a\nb\n", "b\n"), "1d0\n< a\n");
        assert_eq!(
            shown(Style::Normal, "a", "a\n"),
            "1c1\n< a\n\\ No newline at end of file\n---\n> a\n"
        );
    }

    #[test]
    fn changes_far_apart_are_hunks_of_their_own() {
        let old: String = (1..20).map(|n| format!("{n}\n")).collect();
        let new = old.replace("2\n3\n", "3\n").replace("18\n", "x\n");
        assert_eq!(
            shown(Style::Unified(1), &old, &new),
            "@@ -1,3 +1,2 @@\n 1\n-2\n 3\n@@ -17,3 +16,3 @@\n 17\n-18\n+x\n 19\n"
        );
    }

    #[test]
    fn what_repeats_is_shown_at_its_last_place() {
        assert_eq!(shown(Style::Normal, "x\na\n", "x\nx\na\n"), "1a2\n> x\n");
    }

    #[test]
    fn blanks_and_case_can_be_overlooked() {
        let changed = |alike: Alike, old: &str, new: &str| {
            !alike.changes(old.as_bytes(), new.as_bytes()).is_empty()
        };
        let space = Alike {
            space: true,
            ..Alike::default()
        };
        assert!(!changed(space, "a  b \n", "a\tb\n"));
        assert!(changed(space, "ab\n", "a b\n"));
        let all_space = Alike {
            all_space: true,
            ..Alike::default()
        };
        assert!(!changed(all_space, "ab\n", "a b\n"));
        let case = Alike {
            case: true,
            ..Alike::default()
        };
        assert!(!changed(case, "A\n", "a\n"));
    }
}
