//! Boxes: a border whose shape tells who has the focus, and a title. No content enters.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::tui::layout::inside;
use crate::tui::look::{Look, Tone};
use crate::tui::text;

/// Draws an empty box; answers the room in it.
pub(in crate::tui) fn boxed(
    frame: &mut Frame<'_>,
    area: Rect,
    title: Vec<Span<'static>>,
    focused: bool,
    look: Look,
) -> Rect {
    let tone = if focused { Tone::Strong } else { Tone::Plain };
    let mut line = Line::raw(" ");
    line.spans.extend(title);
    line.push_span(Span::raw(" "));
    let block = Block::bordered()
        .border_set(Look::border(focused))
        .border_style(look.style(tone))
        .title_top(line);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    inside(area)
}

/// Writes on the right end of a box's lower border.
pub(in crate::tui) fn corner(frame: &mut Frame<'_>, area: Rect, note: &str, look: Look) {
    let note = text::clip(note, area.width.saturating_sub(6));
    if note.is_empty() || area.height == 0 {
        return;
    }
    let width = text::width(&note) + 2;
    let place = Rect {
        x: area.right() - width - 1,
        y: area.bottom() - 1,
        width,
        height: 1,
    };
    frame.render_widget(
        Span::styled(format!(" {note} "), look.style(Tone::Quiet)),
        place,
    );
}

/// Draws a dialog of these lines, which were made for this width, in the middle.
pub(in crate::tui) fn dialog(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &'static str,
    lines: Vec<Line<'static>>,
    width: u16,
    look: Look,
) {
    let place = centred(area, width + 2, text::count(lines.len()));
    let inner = boxed(frame, place, vec![title.into()], true, look);
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The middle of an area, for a dialog of this inner size.
fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let width = (width + 2).min(area.width);
    let height = (height + 2).min(area.height);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}
