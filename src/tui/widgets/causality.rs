//! Who writes, who sees it and when, and how long it took in a hundred cases: two arrows, and under them a histogram of
//! both directions. Words and numbers tell everything; arrows and bars only show it.

use ratatui::text::{Line, Span};

use crate::engine::view::{CausalityView, WayView};
use crate::lesson::delays::shown;
use crate::tui::look::{Look, Tone};
use crate::tui::text;

/// Rows of arrows, heading, what is usual and at most six of a histogram.
const ROWS: u16 = 11;
/// Columns of an arrow between its ends.
const ARROW: usize = 8;
/// Columns of a count before its bar, with its space.
const COUNT: u16 = 4;
const MEDIAN: &str = "median";
const UPPER: &str = "95 % within";
/// Longer bars tell no more.
const MOST: u16 = 40;

/// How many rows it wants: few before there is something to see, then always the same.
pub(in crate::tui) fn wants(view: Option<&CausalityView>) -> u16 {
    let begun =
        view.is_some_and(|it| it.writes.is_some() || it.ways.iter().any(|way| way.seen > 0));
    if begun { ROWS } else { 2 }
}

/// What happens now, for the title.
pub(in crate::tui) fn title(view: Option<&CausalityView>, look: Look) -> Vec<Span<'static>> {
    let (tone, said) = match view {
        Some(view) if view.is_complete() => (Tone::Good, "Measured, in both directions".to_owned()),
        Some(CausalityView {
            writes: Some(side),
            ways,
            ..
        }) => {
            let way = ways.iter().find(|way| way.from == *side);
            let watches = way.map_or(*side, |way| way.to);
            (Tone::Busy, format!("{side} writes, {watches} watches"))
        }
        _ => (Tone::Strong, "Not measured yet: r begins".to_owned()),
    };
    vec![Span::styled(said, look.style(tone))]
}

/// Lines for so much room, with an empty one between parts where there is more than it wants.
pub(in crate::tui) fn lines(
    view: &CausalityView,
    width: u16,
    height: u16,
    look: Look,
) -> Vec<Line<'static>> {
    let mut lines: Vec<_> = (view.ways.iter())
        .map(|way| arrow(view, way, width, look))
        .collect();
    let below = histogram(view, width, look);
    if height > ROWS && !below.is_empty() {
        lines.push(Line::default());
    }
    lines.extend(below);
    lines
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

/// A heading, what is usual, and a row for each bucket, with count and bar for each direction.
fn histogram(view: &CausalityView, width: u16, look: Look) -> Vec<Line<'static>> {
    if view.histogram.is_empty() {
        return Vec::new();
    }
    let labels = view.histogram.iter().map(|row| text::width(&row.label));
    let label = labels.fold(text::width(UPPER), u16::max) + 2;
    let half = width.saturating_sub(label) / 2;
    let row = |name: &str, cells: [Span<'static>; 2]| {
        let name = format!("{name:<width$}", width = usize::from(label));
        let mut spans = vec![Span::raw(name)];
        for cell in cells {
            let gap = half.saturating_sub(text::width(&cell.content));
            spans.extend([cell, Span::raw(" ".repeat(usize::from(gap)))]);
        }
        Line::from(spans)
    };
    let [to_b, to_a] = &view.ways;
    let said = |tone, cell: fn(&WayView) -> String| {
        [to_b, to_a].map(|way| Span::styled(cell(way), look.style(tone)))
    };
    let delay = |micros: Option<i64>| micros.map_or_else(String::new, shown);
    let figures =
        |cell: fn(&WayView) -> Option<i64>| [to_b, to_a].map(|way| Span::raw(delay(cell(way))));
    let mut lines = vec![
        row(
            "",
            said(Tone::Strong, |way| format!("{} to {}", way.from, way.to)),
        ),
        row(MEDIAN, figures(|way| way.median)),
        row(UPPER, figures(|way| way.upper)),
    ];
    let counts = view.histogram.iter().flat_map(|row| row.counts);
    let most = counts.max().unwrap_or(0);
    let room = half.saturating_sub(COUNT + 1).min(MOST);
    for bucket in &view.histogram {
        let cells = bucket.counts.map(|count| {
            let bar = "█".repeat(length(count, most, room));
            Span::styled(format!("{count:>3} {bar}"), look.style(Tone::Good))
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
