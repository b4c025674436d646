//! `find -printf` and `find -ls`: what is told of a file, and how.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Met;
use crate::practice::compute::commands::files::ls::blocks;
use crate::practice::compute::commands::files::program::{Call, base};
use crate::practice::compute::commands::files::times;
use crate::practice::compute::users::Accounts;
use crate::practice::storage::NodeType;

/// One line as `ls -dils` has it.
pub(super) fn list(met: &Met<'_>, call: &Call, accounts: &Accounts) -> String {
    let attr = &met.attr;
    let arrow = link(met, call)
        .map(|target| format!(" -> {target}"))
        .unwrap_or_default();
    format!(
        "{:>9} {:>6} {} {:>3} {:<8} {:<8} {:>8} {} {}{arrow}\n",
        attr.ino,
        blocks(attr),
        attr.permissions(),
        attr.links,
        accounts.user_name(attr.uid),
        accounts.group_name(attr.gid),
        attr.size,
        times::listed(attr.modified, call.now),
        met.shown,
    )
}

fn link(met: &Met<'_>, call: &Call) -> Option<String> {
    (met.attr.node_type == NodeType::Symlink)
        .then(|| call.view.link_target(&met.path).ok())
        .flatten()
}

/// Fills a format.
pub(super) fn fill(format: &str, met: &Met<'_>, call: &Call, accounts: &Accounts) -> String {
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('a') => out.push('\x07'),
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('0') => out.push('\0'),
                Some('c') => return out,
                Some('\\') | None => out.push('\\'),
                Some(other) => out.extend(['\\', other]),
            },
            '%' => {
                let left = chars.next_if_eq(&'-').is_some();
                let mut width = String::new();
                while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                    width.push(digit);
                }
                let width: usize = width.parse().unwrap_or(0);
                let Some(directive) = chars.next() else {
                    out.push('%');
                    break;
                };
                let text = match directive {
                    'A' | 'C' | 'T' => {
                        let at = match directive {
                            'A' => met.attr.accessed,
                            'C' => met.attr.changed,
                            _ => met.attr.modified,
                        };
                        time(at, chars.next().unwrap_or('c'))
                    }
                    directive => tell(directive, met, call, accounts),
                };
                out.push_str(&if left {
                    format!("{text:<width$}")
                } else {
                    format!("{text:>width$}")
                });
            }
            c => out.push(c),
        }
    }
    out
}

fn tell(directive: char, met: &Met<'_>, call: &Call, accounts: &Accounts) -> String {
    let attr = &met.attr;
    match directive {
        'p' => met.shown.clone(),
        'f' => base(&met.shown).to_owned(),
        'h' => match met.shown.trim_end_matches('/').rsplit_once('/') {
            Some(("", _)) => String::new(),
            Some((above, _)) => above.to_owned(),
            None => ".".to_owned(),
        },
        'P' => met
            .shown
            .strip_prefix(met.root)
            .unwrap_or_default()
            .trim_start_matches('/')
            .to_owned(),
        'H' => met.root.to_owned(),
        'd' => met.depth.to_string(),
        's' => attr.size.to_string(),
        'k' => blocks(attr).to_string(),
        'b' => (blocks(attr) * 2).to_string(),
        'm' => format!("{:o}", attr.mode),
        'M' => attr.permissions(),
        'u' => accounts.user_name(attr.uid),
        'g' => accounts.group_name(attr.gid),
        'U' => attr.uid.to_string(),
        'G' => attr.gid.to_string(),
        'i' => attr.ino.to_string(),
        'n' => attr.links.to_string(),
        'l' => link(met, call).unwrap_or_default(),
        'F' => call.view.table().holding(&met.path).fstype,
        'y' => letter(attr.node_type).to_string(),
        'Y' => match call.view.stat(&met.path) {
            Ok(target) => letter(target.node_type).to_string(),
            Err(_) => "N".to_owned(),
        },
        't' => time(attr.modified, 'c'),
        'a' => time(attr.accessed, 'c'),
        'c' => time(attr.changed, 'c'),
        '%' => "%".to_owned(),
        other => format!("%{other}"),
    }
}

fn letter(node_type: NodeType) -> char {
    match node_type {
        NodeType::File => 'f',
        other => other.letter(),
    }
}

/// One time, by a letter of `strftime` or one of find's own.
fn time(at: Timestamp, letter: char) -> String {
    let zoned = at.to_zoned(TimeZone::UTC);
    let nanos = format!("{:09}0", zoned.subsec_nanosecond());
    let plain = |format: &str| times::formatted(at, format).unwrap_or_default();
    match letter {
        '@' => format!("{}.{nanos}", at.as_second()),
        '+' => format!("{}.{nanos}", plain("%Y-%m-%d+%H:%M:%S")),
        'S' => format!("{}.{nanos}", plain("%S")),
        'T' => format!("{}.{nanos}", plain("%H:%M:%S")),
        'c' => format!("{}.{nanos} {}", plain("%a %b %e %H:%M:%S"), plain("%Y")),
        letter if "aAbBdDeFHIjklmMpRuUVwWyYZ".contains(letter) => plain(&format!("%{letter}")),
        other => other.to_string(),
    }
}
