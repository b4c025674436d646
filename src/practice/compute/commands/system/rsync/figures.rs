//! Counts and sizes as rsync prints them at the end.

use std::fmt::Write as _;
use std::time::Duration;

use crate::practice::storage::NodeType;

/// Bytes that an entry of the file list takes on the wire beside its name, and those around a file that is sent: by
/// measurement of rsync 3.5 over small trees, as is what comes back.
const LISTED: u64 = 18;
const SENT: u64 = 45;
const ANSWERED: u64 = 20;
const ANSWERED_OTHER: u64 = 7;
/// What passes when there is nothing to do.
const GREETING: u64 = 17;

/// How many of each kind.
#[derive(Debug, Default, Clone, Copy)]
pub struct Kinds {
    files: u64,
    directories: u64,
    links: u64,
    specials: u64,
}

impl Kinds {
    pub fn add(&mut self, kind: NodeType) {
        match kind {
            NodeType::File => self.files += 1,
            NodeType::Directory => self.directories += 1,
            NodeType::Symlink => self.links += 1,
            NodeType::Fifo | NodeType::Device | NodeType::Block => self.specials += 1,
        }
    }

    /// `13 (reg: 8, dir: 4, link: 1)`
    fn show(self, human: bool) -> String {
        let kinds = [
            ("reg", self.files),
            ("dir", self.directories),
            ("link", self.links),
            ("special", self.specials),
        ];
        let total = kinds.iter().map(|(_, count)| count).sum();
        let parts: Vec<String> = kinds
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{name}: {}", number(*count, human)))
            .collect();
        let total = number(total, human);
        if parts.is_empty() {
            total
        } else {
            format!("{total} ({})", parts.join(", "))
        }
    }
}

/// What was done.
#[derive(Debug, Default)]
pub struct Figures {
    pub listed: Kinds,
    pub created: Kinds,
    pub deleted: Kinds,
    /// Files whose content was sent.
    pub transferred: u64,
    /// Bytes of all files, of those that were sent, and those that went over.
    pub size: u64,
    pub transferred_size: u64,
    sent: u64,
    received: u64,
}

impl Figures {
    /// An entry of the file list.
    pub fn list(&mut self, name: &str, kind: NodeType, size: u64) {
        self.listed.add(kind);
        let base = name.rsplit('/').next().unwrap_or(name);
        self.sent += LISTED + base.len() as u64;
        if kind != NodeType::Directory {
            self.size += size;
        }
    }

    /// A file whose content is sent.
    pub fn transfer(&mut self, size: u64, dry: bool) {
        self.transferred += 1;
        self.transferred_size += size;
        self.sent += if dry { 3 } else { SENT + size };
        self.received += if dry { 3 } else { ANSWERED };
    }

    /// Something else that is made or changed.
    pub fn change(&mut self) {
        self.received += ANSWERED_OTHER;
    }

    /// The block of `--stats`.
    pub fn stats(&self, human: bool, dry: bool) -> String {
        let n = |value| number(value, human);
        let literal = if dry { 0 } else { self.transferred_size };
        let mut text = String::from("\n");
        for line in [
            format!("Number of files: {}", self.listed.show(human)),
            format!("Number of created files: {}", self.created.show(human)),
            format!("Number of deleted files: {}", self.deleted.show(human)),
            format!(
                "Number of regular files transferred: {}",
                n(self.transferred)
            ),
            format!("Total file size: {} bytes", n(self.size)),
            format!(
                "Total transferred file size: {} bytes",
                n(self.transferred_size)
            ),
            format!("Literal data: {} bytes", n(literal)),
            "Matched data: 0 bytes".to_owned(),
            "File list size: 0".to_owned(),
            "File list generation time: 0.001 seconds".to_owned(),
            "File list transfer time: 0.000 seconds".to_owned(),
            format!("Total bytes sent: {}", n(self.sent())),
            format!("Total bytes received: {}", n(self.received())),
        ] {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{line}");
        }
        text
    }

    fn sent(&self) -> u64 {
        GREETING + self.sent
    }

    fn received(&self) -> u64 {
        GREETING + self.received
    }

    /// The two lines at the end.
    pub fn summary(&self, took: Duration, human: bool, dry: bool) -> String {
        let (sent, received) = (self.sent(), self.received());
        // Whole seconds and a half, so that nothing is divided by zero.
        let seconds = float(took.as_secs()) + 0.5;
        let rate = float(sent + received) / seconds;
        let speedup = float(self.size) / float(sent + received);
        let dry = if dry { " (DRY RUN)" } else { "" };
        format!(
            "\nsent {} bytes  received {} bytes  {} bytes/sec\ntotal size is {}  speedup is {}{dry}\n",
            number(sent, human),
            number(received, human),
            rate_text(rate, human),
            number(self.size, human),
            grouped(&format!("{speedup:.2}")),
        )
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "shown with three digits, or below 2^53 anyway"
)]
fn float(value: u64) -> f64 {
    value as f64
}

fn rate_text(rate: f64, human: bool) -> String {
    if human && rate >= 1000.0 {
        scaled(rate)
    } else {
        grouped(&format!("{rate:.2}"))
    }
}

/// `1,234`, or `1.23K`.
pub fn number(value: u64, human: bool) -> String {
    if human && value >= 1000 {
        scaled(float(value))
    } else {
        grouped(&value.to_string())
    }
}

fn scaled(value: f64) -> String {
    let units = ["K", "M", "G", "T"];
    let mut value = value / 1000.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.2}{}", units[unit])
}

/// Commas between thousands, left of a point.
fn grouped(digits: &str) -> String {
    let (whole, fraction) = match digits.find('.') {
        Some(at) => digits.split_at(at),
        None => (digits, ""),
    };
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

#[cfg(test)]
mod tests {
    use super::{grouped, number};

    #[test]
    fn thousands_have_commas_or_units() {
        assert_eq!(grouped("1234567.89"), "1,234,567.89");
        assert_eq!(number(999, true), "999");
        assert_eq!(number(1000, false), "1,000");
        assert_eq!(number(1770, true), "1.77K");
        assert_eq!(number(1_073_741_824, true), "1.07G");
    }
}
