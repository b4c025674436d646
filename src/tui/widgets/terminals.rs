//! Two terminals in their boxes, with what is to be known of each: machine, session, focus. No key is handled here.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;
use ratatui::widgets::{Clear, Paragraph};

use crate::engine::view::{MachineView, TerminalState};
use crate::lesson::schema::Side;
use crate::tui::layout;
use crate::tui::look::{Look, Tone};
use crate::tui::text;
use crate::tui::widgets::frame::{boxed, corner};
use crate::tui::widgets::pane::Pane;

/// Which terminal has the keys, and which is shown where there is room for one only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) struct Attention {
    /// Has the keys.
    pub focused: Option<Side>,
    /// Had them last.
    pub last: Side,
}

/// Draws both, or the one that fits; answers where the cursor is.
pub(in crate::tui) fn draw(
    frame: &mut Frame<'_>,
    work: Rect,
    machines: &[MachineView; 2],
    panes: &[Pane; 2],
    attention: Attention,
    look: Look,
) -> Option<Position> {
    let boxes = layout::terminals(work);
    let alone = boxes[0] == boxes[1];
    let mut cursor = None;
    for side in [Side::A, Side::B] {
        if alone && side != attention.last {
            continue;
        }
        let index = layout::index(side);
        let focused = attention.focused == Some(side);
        let shown = draw_one(
            frame,
            boxes[index],
            &machines[index],
            &panes[index],
            focused,
            alone,
            look,
        );
        if focused {
            cursor = shown;
        }
    }
    cursor
}

fn draw_one(
    frame: &mut Frame<'_>,
    area: Rect,
    machine: &MachineView,
    pane: &Pane,
    focused: bool,
    alone: bool,
    look: Look,
) -> Option<Position> {
    let title = title(machine, focused, area.width.saturating_sub(4));
    let tone = if focused { Tone::Strong } else { Tone::Plain };
    let inner = boxed(
        frame,
        area,
        vec![Span::styled(title, look.style(tone))],
        focused,
        look,
    );
    let cursor = match &machine.terminal {
        TerminalState::Open | TerminalState::Ended(_) => pane.draw(inner, frame.buffer_mut()),
        TerminalState::Closed | TerminalState::Connecting => None,
    };
    if let Some((tone, said)) = session(machine, focused) {
        let lines = text::paragraphs(&said, inner.width, look, look.style(tone));
        let height = text::count(lines.len()).min(inner.height);
        let place = Rect {
            y: inner.bottom() - height,
            height,
            ..inner
        };
        frame.render_widget(Clear, place);
        frame.render_widget(Paragraph::new(lines).style(Style::new()), place);
    }
    let scrolled = pane.scrolled();
    if scrolled > 0 {
        corner(
            frame,
            area,
            &format!("{} back, Alt-PgDn", text::plural(scrolled, "line")),
            look,
        );
    } else if alone {
        corner(
            frame,
            area,
            if machine.side == Side::A {
                "F3 shows B"
            } else {
                "F2 shows A"
            },
            look,
        );
    }
    let running = machine.terminal == TerminalState::Open;
    cursor.filter(|_| running)
}

/// `A  us-east-1a 203.0.113.10`, and how to get out of it.
fn title(machine: &MachineView, focused: bool, width: u16) -> String {
    let name = name(machine.side);
    let place = [machine.zone.as_deref(), machine.address.as_deref()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    let candidates = if focused {
        [
            format!("{name}  {place}  keys go here, Ctrl-] back"),
            format!("{name}  keys go here, Ctrl-] back"),
        ]
    } else {
        [
            format!("{name}  {place}"),
            format!("{name}  {}", machine.zone.as_deref().unwrap_or_default()),
        ]
    };
    let fits = candidates.iter().find(|title| text::width(title) <= width);
    text::clip(fits.unwrap_or(&candidates[1]).trim_end(), width)
}

/// What to say where there is no live session.
fn session(machine: &MachineView, focused: bool) -> Option<(Tone, String)> {
    let key = match (focused, machine.side) {
        (true, _) => "Enter",
        (false, Side::A) => "F2, then Enter,",
        (false, Side::B) => "F3, then Enter,",
    };
    match &machine.terminal {
        TerminalState::Open => None,
        TerminalState::Closed => Some((
            Tone::Quiet,
            "No session yet: it opens when the machine runs.".to_owned(),
        )),
        TerminalState::Connecting => Some((Tone::Busy, "connecting with ssh".to_owned())),
        TerminalState::Ended(why) => Some((
            Tone::Warn,
            format!("Session ended: {why}. {key} opens it again."),
        )),
    }
}

/// `A`.
pub(in crate::tui) fn name(side: Side) -> &'static str {
    match side {
        Side::A => "A",
        Side::B => "B",
    }
}
