//! A receipt as lines: what was asked, what the answer was, what it means.

use std::fmt::Write as _;

use crate::engine::view::{Listing, Receipt};

/// The receipt, ending in a line feed.
#[must_use]
pub fn text(receipt: &Receipt) -> String {
    let mut text = String::new();
    let asked = receipt
        .asked
        .to_zoned(jiff::tz::TimeZone::system())
        .strftime("%H:%M:%S");
    let verdict = if receipt.is_clean() {
        "Nothing is left."
    } else if receipt
        .rows
        .iter()
        .any(|row| matches!(row.answer, Listing::Left(_) | Listing::Kept(_)))
    {
        "Something is left."
    } else {
        "It could not be verified."
    };
    let _ = writeln!(
        text,
        "{verdict}  Account {}, region {}, asked {} times, last {asked}",
        receipt.account,
        receipt.regions.join(", "),
        receipt.passes,
    );
    let width = receipt
        .rows
        .iter()
        .map(|row| row.kind.len())
        .max()
        .unwrap_or(0);
    for row in &receipt.rows {
        let answer = match &row.answer {
            Listing::Empty => "0".to_owned(),
            Listing::Left(ids) => format!("{} LEFT: {}", ids.len(), ids.join(", ")),
            Listing::Kept(ids) => format!("{} KEPT: {}", ids.len(), ids.join(", ")),
            Listing::CouldNotTell(why) => format!("could not tell: {why}"),
        };
        let deleted = if row.deleted > 0 {
            format!("  ({} deleted)", row.deleted)
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "  {:width$}  {answer}{deleted}  [{}]",
            row.kind, row.asked
        );
    }
    for note in &receipt.notes {
        let _ = writeln!(text, "{note}");
    }
    if receipt.cost > 0.0 {
        let _ = writeln!(text, "This lab cost about {:.2} USD.", receipt.cost);
    }
    text
}
