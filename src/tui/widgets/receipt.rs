//! The receipt: what is left per resource type, how that is known, what the lab cost.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::engine::view::{Listing, Receipt, ReceiptRow, Target};
use crate::tui::look::{Look, Tone};
use crate::tui::text;
use crate::tui::widgets::blocks::behind;

/// The first sentence: whether anything is left.
pub(in crate::tui) fn headline(receipt: &Receipt) -> (Tone, &'static str) {
    let left = receipt
        .rows
        .iter()
        .any(|row| matches!(row.answer, Listing::Left(_) | Listing::Kept(_)));
    match (left, receipt.is_clean()) {
        (true, _) => (Tone::Bad, "Something is left."),
        (false, true) => (Tone::Good, "Nothing is left."),
        (false, false) => (Tone::Warn, "Some of it could not be verified."),
    }
}

/// The whole receipt: a table where the height allows, else running text where that fits; where nothing does, the table,
/// which is easier to scroll through.
pub(in crate::tui) fn lines(
    receipt: &Receipt,
    target: &Target,
    zone: &TimeZone,
    (width, height): (u16, u16),
    look: Look,
) -> Vec<Line<'static>> {
    let (tone, said) = headline(receipt);
    let mut lines = vec![Line::styled(
        said,
        look.style(tone).patch(look.style(Tone::Strong)),
    )];
    lines.extend(text::paragraphs(
        &asked(receipt, zone),
        width,
        look,
        Style::new(),
    ));
    lines.push(Line::default());
    let mut cost = text::paragraphs(&cost(receipt, target), width, look, Style::new());
    cost.extend(notes(receipt, width, look));
    let room = usize::from(height).saturating_sub(lines.len() + cost.len() + 1);
    let table = table(&receipt.rows, width, look);
    let running = running(&receipt.rows, width, look);
    lines.extend(if table.len() > room && running.len() <= room {
        running
    } else {
        table
    });
    lines.push(Line::default());
    lines.extend(cost);
    lines
}

fn asked(receipt: &Receipt, zone: &TimeZone) -> String {
    let regions = if receipt.regions.len() == 1 {
        "region"
    } else {
        "regions"
    };
    let times = if receipt.passes == 1 {
        "once".to_owned()
    } else {
        format!("{} times", receipt.passes)
    };
    format!(
        "Account {}, {regions} {}, everything asked {times}, last at {}.",
        receipt.account,
        receipt.regions.join(", "),
        time_of_day(receipt.asked, zone)
    )
}

fn time_of_day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

fn cost(receipt: &Receipt, target: &Target) -> String {
    match target {
        Target::Practice { .. } => {
            "This lab cost nothing: the practice account is a model on this computer.".to_owned()
        }
        Target::Aws { .. } => format!("This lab cost about {:.2} USD.", receipt.cost),
    }
}

/// Rows it would like to have in a box of this inner width, borders included.
pub(in crate::tui) fn wants(receipt: &Receipt, width: u16, look: Look) -> u16 {
    let rows = table(&receipt.rows, width, look).len() + notes(receipt, width, look).count();
    text::count(rows + 8)
}

/// Why something is left, a paragraph each.
fn notes(receipt: &Receipt, width: u16, look: Look) -> impl Iterator<Item = Line<'static>> {
    let notes = receipt.notes.iter();
    notes.flat_map(move |note| text::paragraphs(note, width, look, Style::new()))
}

fn table(rows: &[ReceiptRow], width: u16, look: Look) -> Vec<Line<'static>> {
    let kind = rows
        .iter()
        .map(|row| row.kind.len())
        .max()
        .unwrap_or(0)
        .max(4);
    let head = format!("{:kind$}  {:>7}  {:>7}  asked by", "", "left", "deleted");
    let mut lines = vec![Line::styled(
        text::clip(&head, width),
        look.style(Tone::Quiet),
    )];
    for row in rows {
        let (tone, left) = left(&row.answer);
        lines.push(Line::from(vec![
            Span::raw(format!("{:kind$}  ", row.kind)),
            Span::styled(format!("{left:>7}"), look.style(tone)),
            Span::raw(format!("  {:>7}  ", row.deleted)),
            Span::styled(
                text::clip(
                    &row.asked,
                    width.saturating_sub(u16::try_from(kind + 20).unwrap_or(u16::MAX)),
                ),
                look.style(Tone::Quiet),
            ),
        ]));
        if let Some(detail) = detail(&row.answer) {
            let names = text::paragraphs(&detail, width.saturating_sub(4), look, look.style(tone));
            lines.extend(names.into_iter().map(|line| behind("    ", line)));
        }
    }
    lines
}

fn running(rows: &[ReceiptRow], width: u16, look: Look) -> Vec<Line<'static>> {
    // One glued word for each type, so that wrapping keeps a number with its noun.
    let items = rows.iter().map(|row| {
        let deleted = if row.deleted > 0 {
            format!("\u{a0}({}\u{a0}deleted)", row.deleted)
        } else {
            String::new()
        };
        format!(
            "{}\u{a0}{}{deleted}",
            row.kind.replace(' ', "\u{a0}"),
            left(&row.answer).1
        )
    });
    let mut lines = text::paragraphs(
        &items.collect::<Vec<_>>().join(", "),
        width,
        look,
        Style::new(),
    );
    for row in rows {
        if let Some(detail) = detail(&row.answer) {
            let label = Span::styled(format!("{}:", row.kind), look.style(left(&row.answer).0));
            lines.extend(text::labelled(&label, &detail, width, look, Style::new()));
        }
    }
    lines
}

fn left(answer: &Listing) -> (Tone, String) {
    match answer {
        Listing::Empty => (Tone::Good, "0".to_owned()),
        Listing::Left(names) => (Tone::Bad, names.len().to_string()),
        Listing::Kept(names) => (Tone::Warn, names.len().to_string()),
        Listing::CouldNotTell(_) => (Tone::Warn, "unknown".to_owned()),
    }
}

fn detail(answer: &Listing) -> Option<String> {
    match answer {
        Listing::Empty => None,
        Listing::Left(names) => Some(names.join(", ")),
        Listing::Kept(names) => Some(format!("kept: {}", names.join(", "))),
        Listing::CouldNotTell(why) => Some(format!("could not tell: {why}")),
    }
}
