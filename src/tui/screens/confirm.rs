//! A yes-or-no question before something that cannot be undone.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use crate::tui::keymap::{Act, Scope};
use crate::tui::layer::{Context, Effect, Flow, Layer};
use crate::tui::look::Tone;
use crate::tui::text;
use crate::tui::widgets::frame::dialog;

/// The question, and what a yes does.
pub(in crate::tui) struct Confirm {
    ask: String,
    yes: Option<Effect>,
}

impl Confirm {
    /// Asks; only a yes does it.
    pub(in crate::tui) fn new(ask: String, yes: Effect) -> Self {
        Self {
            ask,
            yes: Some(yes),
        }
    }
}

impl Layer for Confirm {
    fn scope(&self) -> Scope {
        Scope::Confirm
    }

    fn label(&self, _act: Act, usual: &'static str) -> Option<Cow<'static, str>> {
        Some(usual.into())
    }

    fn act(&mut self, act: Act, cx: &mut Context) -> Flow {
        match act {
            Act::Yes => {
                if let Some(effect) = self.yes.take() {
                    cx.effect(effect);
                }
            }
            Act::Close => {}
            _ => return Flow::Stay,
        }
        Flow::Close
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, cx: &Context) -> Option<Position> {
        let width = 56.min(area.width.saturating_sub(4));
        let mut lines = text::paragraphs(&self.ask, width, cx.look, Style::new());
        lines.push(Line::default());
        lines.push(Line::styled("y yes   n no", cx.look.style(Tone::Key)));
        dialog(frame, area, "Sure?", lines, width, cx.look);
        None
    }
}
