//! The glossary, searched by typing. What the terms mean is the lessons' matter.

use std::borrow::Cow;

use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::lesson::glossary::{self, Term};
use crate::tui::keymap::{Act, Scope};
use crate::tui::layer::{Context, Flow, Layer};
use crate::tui::look::{Look, Tone};
use crate::tui::screens::reader::{Scroll, page};
use crate::tui::text;
use crate::tui::widgets::answer::AnswerLine;

/// Before what is looked for.
const LABEL: &str = "Find: ";
/// Wider text is hard to read.
const READABLE: u16 = 96;

/// The screen.
pub(in crate::tui) struct Glossary {
    terms: Vec<Term>,
    /// What went wrong with reading them.
    problem: Option<String>,
    wanted: AnswerLine,
    scroll: Scroll,
}

impl Glossary {
    /// All terms.
    pub(in crate::tui) fn new() -> Self {
        let (terms, problem) = match glossary::terms() {
            Ok(terms) => (terms, None),
            Err(problem) => (Vec::new(), Some(problem.to_string())),
        };
        Self {
            terms,
            problem,
            wanted: AnswerLine::default(),
            scroll: Scroll::default(),
        }
    }

    fn lines(&self, width: u16, look: Look) -> Vec<Line<'static>> {
        let found = glossary::search(&self.terms, &self.wanted.text());
        let mut lines = Vec::new();
        for term in &found {
            let name = Span::styled(format!("{}:", term.title()), look.style(Tone::Strong));
            lines.extend(text::entry(&name, &term.means, width, look));
        }
        if found.is_empty() {
            let said = self.problem.as_deref();
            let none = "No term has that in its name or meaning: take a shorter part of it.";
            lines.extend(text::paragraphs(
                said.unwrap_or(none),
                width,
                look,
                Style::new(),
            ));
        }
        lines
    }
}

impl Layer for Glossary {
    fn scope(&self) -> Scope {
        Scope::Glossary
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

    fn key(&mut self, key: KeyEvent, _cx: &mut Context) -> Flow {
        self.wanted.key(key);
        self.scroll.at = 0;
        Flow::Stay
    }

    fn paste(&mut self, text: &str, _cx: &mut Context) -> Flow {
        self.wanted.paste(text);
        self.scroll.at = 0;
        Flow::Stay
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, cx: &Context) -> Option<Position> {
        let width = area.width.saturating_sub(2);
        let lines = self.lines(width.min(READABLE), cx.look);
        page(frame, area, "Glossary", lines, &mut self.scroll, cx.look);
        let label = text::width(LABEL);
        let (typed, cursor) = self.wanted.shown(width.saturating_sub(label + 1));
        let line = Line::from(vec![
            Span::styled(LABEL, cx.look.style(Tone::Key)),
            Span::raw(typed),
        ]);
        let place = Rect {
            x: area.x + 1,
            y: area.y + 1,
            width,
            height: 1,
        };
        frame.render_widget(line, place);
        Some(Position::new(place.x + label + cursor, place.y))
    }
}
