//! Who writes, who sees it and when, and how long it took in a hundred cases: two arrows, and under them a histogram of
//! both directions. Words and numbers tell everything; arrows and bars only show it.

use ratatui::text::{Line, Span};

use crate::engine::view::{CausalityView, WayView};
use crate::lesson::delays::shown;
use crate::tui::look::{Look, Tone};
use crate::tui::text;

/// Rows that it takes when all is measured: state, arrows, heading, what is usual, at most six rows of a histogram.
pub(in crate::tui) const ROWS: u16 = 11;
/// Columns of an arrow between its ends.
const ARROW: usize = 8;
/// Columns of a count at the end of a bar, with its space.
const COUNT: u16 = 5;
/// Longer bars tell no more.
const MOST: u16 = 40;

/// As many lines as `height` has room for, with empty ones between parts where there is more.
pub(in crate::tui) fn lines(
    view: &CausalityView,
    width: u16,
    height: u16,
    look: Look,
) -> Vec<Line<'static>> {
    let mut lines = vec![state(view, look)];
    let airy = height >= ROWS + 2;
    let gap = |lines: &mut Vec<Line<'static>>| {
        if airy {
            lines.push(Line::default());
        }
    };
    gap(&mut lines);
    lines.extend(view.ways.iter().map(|way| arrow(view, way, width, look)));
    gap(&mut lines);
    lines.extend(histogram(view, width, look));
    lines
}

/// What happens now.
fn state(view: &CausalityView, look: Look) -> Line<'static> {
    let (tone, said) = match view.writes {
        Some(side) => {
            let other = view.ways.iter().find(|way| way.from == side);
            let watches = other.map_or(side, |way| way.to);
            (Tone::Busy, format!("{side} writes, {watches} watches."))
        }
        None if view.ways.iter().any(|way| way.seen == 0) => (
            Tone::Plain,
            format!(
                "Nothing is measured yet: r lets A and B write {} times each.",
                view.wanted
            ),
        ),
        None => (Tone::Good, "Measured, in both directions.".to_owned()),
    };
    Line::styled(said, look.style(tone))
}

/// `A ------> B   57 of 100   the last lit up on B after 6.3 ms`
fn arrow(view: &CausalityView, way: &WayView, width: u16, look: Look) -> Line<'static> {
    let now = view.writes == Some(way.from);
    // What has just lit up; while the next is on its way there, it waits.
    let lit = way.last.is_some() && !now;
    let shaft = (if now { "═" } else { "─" }).repeat(ARROW);
    let end = |side, tone| Span::styled(format!("{side}"), look.style(tone));
    let writer = end(way.from, if now { Tone::Busy } else { Tone::Plain });
    let watcher = end(way.to, if lit { Tone::Good } else { Tone::Plain });
    let tone = if now { Tone::Busy } else { Tone::Quiet };
    let shaft = Span::styled(format!(" {shaft}► "), look.style(tone));
    let counted = format!("   {:>3} of {}", way.seen, view.wanted);
    let said = match way.last {
        Some(last) => format!("   the last lit up on {} after {}", way.to, shown(last)),
        None => String::new(),
    };
    let room = width.saturating_sub(text::count(ARROW) + 5 + text::width(&counted));
    Line::from(vec![
        writer,
        shaft,
        watcher,
        Span::raw(counted),
        Span::raw(text::clip(&said, room)),
    ])
}

/// A heading, what is usual, and a row for each bucket, with a bar for each direction.
fn histogram(view: &CausalityView, width: u16, look: Look) -> Vec<Line<'static>> {
    if view.histogram.is_empty() {
        return Vec::new();
    }
    let labels = view.histogram.iter().map(|row| text::width(&row.label));
    let label = labels.max().unwrap_or(0) + 2;
    let half = width.saturating_sub(label) / 2;
    let row = |label_text: &str, cells: [Span<'static>; 2]| {
        let mut spans = vec![Span::raw(padded(label_text, label))];
        for cell in cells {
            let gap = half.saturating_sub(text::width(&cell.content));
            spans.extend([cell, Span::raw(" ".repeat(usize::from(gap)))]);
        }
        Line::from(spans)
    };
    let told = |tone, cell: &dyn Fn(&WayView) -> String| {
        let [one, other] = &view.ways;
        [one, other].map(|way| {
            let clipped = text::clip(&cell(way), half.saturating_sub(1));
            Span::styled(clipped, look.style(tone))
        })
    };
    let mut lines = vec![
        row(
            "",
            told(Tone::Strong, &|way| format!("{} to {}", way.from, way.to)),
        ),
        row(
            "",
            told(Tone::Plain, &|way| way.told.clone().unwrap_or_default()),
        ),
    ];
    let counts = view.histogram.iter().flat_map(|row| row.counts);
    let most = counts.max().unwrap_or(0);
    let room = half.saturating_sub(COUNT).min(MOST);
    for bucket in &view.histogram {
        let cells = bucket.counts.map(|count| {
            let bar = "█".repeat(length(count, most, room));
            Span::styled(format!("{bar} {count}"), look.style(Tone::Good))
        });
        lines.push(row(&bucket.label, cells));
    }
    lines
}

/// Columns of a bar: something for everything above zero.
fn length(count: usize, most: usize, room: u16) -> usize {
    let exact = (count * usize::from(room)).div_ceil(most.max(1));
    if count > 0 { exact.max(1) } else { 0 }
}

fn padded(label: &str, width: u16) -> String {
    format!("{label:<width$}", width = usize::from(width))
}
