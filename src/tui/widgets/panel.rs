//! What was seen of the account: tables, and figures over time. Words and numbers tell everything; curves only show it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget as _};

use crate::engine::view::{Curve, Graph, PanelContent, PanelView, Table};
use crate::lesson::throughput::shown;
use crate::tui::look::{Look, Tone};
use crate::tui::text;

/// Rows of a graph with its axes.
const ROWS: u16 = 8;
/// Columns beyond which a graph tells no more.
const MOST: u16 = 100;
/// Blanks between two columns of a table.
const GAP: u16 = 2;

/// All panels, an empty line between two.
pub(in crate::tui) fn lines(panels: &[PanelView], width: u16, look: Look) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for panel in panels {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        let strong = look.style(Tone::Strong);
        lines.push(Line::styled(text::clip(&panel.title, width), strong));
        let quiet = look.style(Tone::Quiet);
        match &panel.content {
            PanelContent::Waiting => {
                lines.push(Line::styled("waiting for the first answer", quiet));
            }
            PanelContent::CouldNotTell(why) => {
                let label = Span::styled("could not tell:", look.style(Tone::Warn));
                lines.extend(text::labelled(&label, why, width, look, Style::new()));
            }
            PanelContent::Table(table) => lines.extend(table_lines(table, width, look)),
            PanelContent::Graphs(graphs) => {
                for graph in graphs {
                    lines.extend(graph_lines(graph, width, look));
                }
            }
        }
    }
    lines
}

/// Rows under their heads; the last column takes what is left, and goes below where nothing is.
fn table_lines(table: &Table, width: u16, look: Look) -> Vec<Line<'static>> {
    let quiet = look.style(Tone::Quiet);
    if table.rows.is_empty() {
        let mut lines = vec![Line::styled("none yet", quiet)];
        lines.extend(note(table, width, look));
        return lines;
    }
    let column = |at: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(at));
        let widest = cells
            .chain(table.head.get(at))
            .map(|cell| text::width(cell));
        widest.max().unwrap_or(0)
    };
    let (last, others) = match table.head.len() {
        0 => return Vec::new(),
        count => (count - 1, count - 1),
    };
    let widths: Vec<u16> = (0..others).map(column).collect();
    let before: u16 = widths.iter().map(|width| width + GAP).sum();
    let row = |cells: &[String], style: Style| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}", width = usize::from(width + GAP)));
        }
        let end = cells.get(last).map_or("", String::as_str);
        let room = width.saturating_sub(before);
        if text::width(end) <= room {
            line.push_str(end);
            return vec![Line::styled(text::clip(&line, width), style)];
        }
        let mut lines = vec![Line::styled(text::clip(line.trim_end(), width), style)];
        let under = text::paragraphs(end, width.saturating_sub(2), look, quiet);
        lines.extend(under.into_iter().map(|line| {
            let mut spans = vec![Span::raw("  ")];
            spans.extend(line.spans);
            Line::from(spans).style(quiet)
        }));
        lines
    };
    let mut lines = row(&table.head, quiet);
    lines.truncate(1);
    for cells in &table.rows {
        lines.extend(row(cells, Style::new()));
    }
    lines.extend(note(table, width, look));
    lines
}

fn note(table: &Table, width: u16, look: Look) -> Vec<Line<'static>> {
    let quiet = look.style(Tone::Quiet);
    let note = table.note.as_deref().unwrap_or_default();
    text::paragraphs(note, width, look, quiet)
}

/// The last value of each curve in words, then the curves.
fn graph_lines(graph: &Graph, width: u16, look: Look) -> Vec<Line<'static>> {
    let tones = [Tone::Good, Tone::Warn, Tone::Strong];
    let known = |curve: &&Curve| !curve.points.is_empty();
    let curves: Vec<&Curve> = graph.curves.iter().filter(known).collect();
    if curves.is_empty() {
        let said = format!("no datapoint in {} yet", graph.unit);
        return vec![Line::styled(said, look.style(Tone::Quiet))];
    }
    let mut lines = Vec::new();
    let mut told = Line::from(format!("{}, last:", graph.unit));
    for (at, curve) in curves.iter().enumerate() {
        let value = curve.points.last().map_or(0.0, |(_, value)| *value);
        let comma = if at + 1 < curves.len() { "," } else { "" };
        let said = format!(" {} {}{comma}", curve.name, shown(value));
        if told.width() + said.len() > usize::from(width) {
            lines.push(std::mem::take(&mut told));
        }
        told.push_span(Span::styled(said, look.style(tones[at % tones.len()])));
    }
    lines.push(told);
    let stacked = stacked(&curves, graph.stacked);
    let first = stacked
        .iter()
        .flatten()
        .map(|(at, _)| *at)
        .fold(0.0, f64::min);
    let most = stacked
        .iter()
        .flatten()
        .map(|(_, value)| *value)
        .fold(0.0, f64::max);
    if first >= 0.0 {
        // A single datapoint is told, not drawn.
        return lines;
    }
    let marker = if look.is_unicode() {
        Marker::Braille
    } else {
        Marker::Dot
    };
    let datasets = stacked.iter().enumerate().map(|(at, points)| {
        Dataset::default()
            .marker(marker)
            .graph_type(GraphType::Line)
            .style(look.style(tones[at % tones.len()]))
            .data(points)
    });
    let quiet = look.style(Tone::Quiet);
    let top = if most > 0.0 { most } else { 1.0 };
    let times = Axis::default()
        .bounds([first, 0.0])
        .labels([ago(first), ago(first / 2.0), "last".to_owned()])
        .style(quiet);
    let values = Axis::default()
        .bounds([0.0, top * 1.05])
        .labels(["0".to_owned(), shown(top)])
        .style(quiet);
    let area = Rect::new(0, 0, width.min(MOST), ROWS);
    let mut buffer = Buffer::empty(area);
    // The upper curve of a stack is drawn first, so that the lower ones stay seen.
    let chart = Chart::new(datasets.rev().collect())
        .x_axis(times)
        .y_axis(values);
    chart.legend_position(None).render(area, &mut buffer);
    lines.extend(rows(&buffer));
    lines
}

/// Each curve on top of those before it, if it is a stack.
fn stacked(curves: &[&Curve], stack: bool) -> Vec<Vec<(f64, f64)>> {
    let mut stacked: Vec<Vec<(f64, f64)>> = Vec::new();
    for curve in curves {
        let below = stacked.last().filter(|_| stack);
        let points = curve.points.iter().map(|(at, value)| {
            let under = below.and_then(|points| {
                let mut same = points.iter();
                same.find(|(other, _)| (other - at).abs() < 0.5)
            });
            (*at, value + under.map_or(0.0, |(_, value)| *value))
        });
        let points = points.collect();
        stacked.push(points);
    }
    stacked
}

/// `-8 h`, `-45 min`
fn ago(minutes: f64) -> String {
    if minutes <= -120.0 {
        format!("{:.0} h", minutes / 60.0)
    } else {
        format!("{minutes:.0} min")
    }
}

/// A drawn area as lines.
fn rows(buffer: &Buffer) -> Vec<Line<'static>> {
    let area = buffer.area;
    let row = |y| {
        let mut spans: Vec<Span<'static>> = Vec::new();
        for x in 0..area.width {
            let Some(cell) = buffer.cell((x, y)) else {
                continue;
            };
            match spans.last_mut().filter(|span| span.style == cell.style()) {
                Some(span) => span.content.to_mut().push_str(cell.symbol()),
                None => spans.push(Span::styled(cell.symbol().to_owned(), cell.style())),
            }
        }
        Line::from(spans)
    };
    (0..area.height).map(row).collect()
}
