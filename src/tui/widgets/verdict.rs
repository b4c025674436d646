//! What must be seen without scrolling: what went wrong, how the step stands with its evidence, and the next action.
//! Words come from the view; here they only get their shape.

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::engine::view::{StepState, Trouble};
use crate::tui::look::{Look, Tone};
use crate::tui::text;

/// How the step stands; no line while it has not been checked. `due`: when what it waits for usually is there.
pub(in crate::tui) fn state(
    state: &StepState,
    due: Option<Timestamp>,
    now: Timestamp,
    width: u16,
    look: Look,
) -> Vec<Line<'static>> {
    let (tone, word, said) = match state {
        StepState::Open => return Vec::new(),
        StepState::Working { what, since } => (
            Tone::Busy,
            format!("working {}", text::clock(now.duration_since(*since))),
            what,
        ),
        StepState::NotYet(missing) => (Tone::Warn, "not done yet".to_owned(), missing),
        StepState::Converging(awaited) => (Tone::Busy, converging(due, now), awaited),
        StepState::CouldNotCheck(why) => (Tone::Warn, "could not check".to_owned(), why),
        StepState::Passed(evidence) => (Tone::Good, "passed".to_owned(), evidence),
    };
    let badge = Span::styled(format!(" {word} "), look.badge(tone));
    text::labelled(&badge, said, width, look, Style::new())
}

/// How long what is on its way takes yet, as far as that can be told.
fn converging(due: Option<Timestamp>, now: Timestamp) -> String {
    match due.map(|due| due.duration_since(now)) {
        Some(left) if left.is_positive() => {
            format!("still converging (about {})", text::roughly(left))
        }
        Some(_) => "still converging (longer than usual)".to_owned(),
        None => "still converging".to_owned(),
    }
}

/// What went wrong, why, and what to do.
pub(in crate::tui) fn trouble(trouble: &Trouble, width: u16, look: Look) -> Vec<Line<'static>> {
    let badge = Span::styled(" trouble ", look.badge(Tone::Bad));
    let mut lines = text::labelled(&badge, &trouble.what, width, look, look.style(Tone::Strong));
    let mut add = |label: &'static str, said: &str| {
        if !said.is_empty() {
            let label = Span::styled(label, look.style(Tone::Strong));
            lines.extend(text::labelled(&label, said, width, look, Style::new()));
        }
    };
    add("why:", &trouble.why);
    add("do:", &trouble.remedy);
    lines
}

/// The next action, marked so that the eye finds it.
pub(in crate::tui) fn action(said: &str, width: u16, look: Look) -> Vec<Line<'static>> {
    let mark = Span::styled(">", look.style(Tone::Good).patch(look.style(Tone::Strong)));
    text::labelled(&mark, said, width, look, look.style(Tone::Strong))
}
