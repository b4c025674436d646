//! All keys, written from the keymap itself.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::keymap::{Act, BINDINGS, Binding, Scope};
use crate::tui::layer::{Context, Flow, Layer};
use crate::tui::look::{Look, Tone};
use crate::tui::screens::reader::{Scroll, page};
use crate::tui::text;

/// The parts of the help, in order.
const PARTS: [(Scope, &str); 4] = [
    (Scope::Lesson, "In the lesson"),
    (
        Scope::Shell,
        "In a machine's terminal, where every other key goes to its shell",
    ),
    (Scope::Answer, "While typing an answer"),
    (Scope::Lessons, "In the list of lessons"),
];

/// The list of keys.
pub(in crate::tui) struct Help {
    scroll: Scroll,
}

impl Help {
    /// From its beginning.
    pub(in crate::tui) fn new() -> Self {
        Self {
            scroll: Scroll::default(),
        }
    }
}

impl Layer for Help {
    fn scope(&self) -> Scope {
        Scope::Reader
    }

    fn label(&self, act: Act, usual: &'static str) -> Option<Cow<'static, str>> {
        self.scroll.label(act, usual)
    }

    fn act(&mut self, act: Act, _cx: &mut Context) -> Flow {
        if act == Act::Close {
            return Flow::Close;
        }
        self.scroll.act(act);
        Flow::Stay
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, cx: &Context) -> Option<Position> {
        page(
            frame,
            area,
            "Keys",
            lines(area.width.saturating_sub(2), cx.look),
            &mut self.scroll,
            cx.look,
        );
        None
    }
}

fn lines(width: u16, look: Look) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (scope, title) in PARTS {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(text::paragraphs(
            title,
            width,
            look,
            look.style(Tone::Strong),
        ));
        let bindings = BINDINGS
            .iter()
            .filter(|binding| binding.scopes.contains(&scope));
        lines.extend(bindings.flat_map(|binding| entry(binding, width, look)));
    }
    lines
}

fn entry(binding: &Binding, width: u16, look: Look) -> Vec<Line<'static>> {
    let label = Span::styled(format!("  {:<11}", binding.keys), look.style(Tone::Key));
    text::labelled(&label, binding.help, width, look, Style::new())
}
