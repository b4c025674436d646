//! Figures as bars, one under the other: who guessed, what was measured, what is documented. Words and numbers tell
//! everything; the bars only show it.

use ratatui::text::{Line, Span};

use crate::engine::view::{BarKind, Chart};
use crate::lesson::throughput::shown;
use crate::tui::look::{Look, Tone};
use crate::tui::text;

/// Narrower bars tell nothing.
const LEAST: u16 = 10;
/// Longer ones tell no more.
const MOST: u16 = 40;

/// All charts, an empty line between two.
pub(in crate::tui) fn lines(charts: &[Chart], width: u16, look: Look) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for chart in charts {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(chart_lines(chart, width, look));
    }
    lines
}

fn chart_lines(chart: &Chart, width: u16, look: Look) -> Vec<Line<'static>> {
    let figures: Vec<String> = chart.bars.iter().map(|bar| shown(bar.value)).collect();
    let widest = |texts: &mut dyn Iterator<Item = u16>| texts.max().unwrap_or(0);
    let labels = widest(&mut chart.bars.iter().map(|bar| text::width(&bar.label)));
    let numbers = widest(&mut figures.iter().map(|figure| text::width(figure)));
    let beside = width.saturating_sub(labels + numbers + 3);
    // Where there is no room beside them, labels stand above their bars.
    let above = beside < LEAST;
    let room = if above {
        width.saturating_sub(numbers + 3)
    } else {
        beside
    }
    .min(MOST);
    let most = chart.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let title = format!("In {}:", chart.unit);
    let mut lines = vec![Line::styled(title, look.style(Tone::Strong))];
    for (bar, figure) in chart.bars.iter().zip(figures) {
        let (tone, symbol) = match bar.kind {
            BarKind::Guess => (Tone::Warn, '▒'),
            BarKind::Measured => (Tone::Good, '█'),
            BarKind::Documented => (Tone::Quiet, '░'),
        };
        let bar_line: String = std::iter::repeat_n(symbol, length(bar.value, most, room)).collect();
        let bar_line = Span::styled(bar_line, look.style(tone));
        let number = Span::styled(
            format!("{figure:>width$} ", width = usize::from(numbers)),
            look.style(Tone::Strong),
        );
        if above {
            let label = text::clip(&bar.label, width);
            lines.push(Line::from(label));
            lines.push(Line::from(vec![Span::raw("  "), number, bar_line]));
        } else {
            let label = format!("{:<width$}  ", bar.label, width = usize::from(labels));
            lines.push(Line::from(vec![Span::raw(label), number, bar_line]));
        }
    }
    lines
}

/// Columns of a bar: something for everything above zero.
fn length(value: f64, most: f64, room: u16) -> usize {
    if value <= 0.0 || most <= 0.0 {
        return 0;
    }
    let exact = value / most * f64::from(room);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the width of a screen"
    )]
    let columns = exact.round().clamp(1.0, f64::from(room.max(1))) as usize;
    columns
}
