//! Something longer to read, on the whole screen and without a border, so that it can also be marked and copied there.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

use crate::engine::view::Block;
use crate::tui::keymap::{Act, Scope};
use crate::tui::layer::{Context, Flow, Layer};
use crate::tui::look::{Look, Tone};
use crate::tui::text;
use crate::tui::widgets::blocks;

/// A text of a given width.
type Lines = Box<dyn Fn(u16, &Context) -> Vec<Line<'static>>>;

/// A title and a text, scrolled.
pub(in crate::tui) struct Reader {
    title: String,
    lines: Lines,
    scroll: Scroll,
}

impl Reader {
    /// Shows these blocks.
    pub(in crate::tui) fn new(title: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self::of(title, move |width, cx| {
            blocks::lines(&blocks, width, cx.look)
        })
    }

    /// Shows what these lines are for the width of the screen.
    pub(in crate::tui) fn of(
        title: impl Into<String>,
        lines: impl Fn(u16, &Context) -> Vec<Line<'static>> + 'static,
    ) -> Self {
        Self {
            title: title.into(),
            lines: Box::new(lines),
            scroll: Scroll::default(),
        }
    }
}

impl Layer for Reader {
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
        let lines = (self.lines)(area.width.saturating_sub(2), cx);
        page(frame, area, &self.title, lines, &mut self.scroll, cx.look);
        None
    }
}

/// How far a text is scrolled; knows its end once the text has been drawn.
#[derive(Debug, Default)]
pub(in crate::tui) struct Scroll {
    pub at: u16,
    lines: u16,
    page: u16,
}

impl Scroll {
    /// Scrolls, if that is what is asked for.
    pub(in crate::tui) fn act(&mut self, act: Act) {
        let page = self.page.saturating_sub(1).max(1);
        self.at = match act {
            Act::Up => self.at.saturating_sub(1),
            Act::Down => self.at.saturating_add(1),
            Act::PageUp => self.at.saturating_sub(page),
            Act::PageDown => self.at.saturating_add(page),
            _ => self.at,
        }
        .min(self.lines.saturating_sub(self.page));
    }

    /// The text has so many lines, so many of them fit: stays within it.
    pub(in crate::tui) fn fit(&mut self, lines: usize, page: u16) {
        self.lines = text::count(lines);
        self.page = page;
        self.at = self.at.min(self.lines.saturating_sub(page));
    }

    /// Whether there is more than fits.
    pub(in crate::tui) fn overflows(&self) -> bool {
        self.lines > self.page
    }

    /// Scrolls as little as is needed to show these lines, their beginning first of all.
    pub(in crate::tui) fn show(&mut self, from: u16, until: u16) {
        self.at = self.at.max(until.saturating_sub(self.page)).min(from);
    }

    /// `lines 1-8 of 20, PgDn for more`, where there is more than fits; shorter where the whole is narrow.
    pub(in crate::tui) fn note(&self, width: u16) -> String {
        let last = self.at.saturating_add(self.page).min(self.lines);
        let (short, long) = if last < self.lines {
            ("PgDn", "PgDn for more")
        } else {
            ("PgUp", "PgUp goes back")
        };
        match width {
            _ if !self.overflows() => String::new(),
            ..60 => format!("{last}/{} {short}", self.lines),
            _ => format!("lines {}-{last} of {}, {long}", self.at + 1, self.lines),
        }
    }

    /// The footer's word for a key that scrolls or closes.
    pub(in crate::tui) fn label(&self, act: Act, usual: &'static str) -> Option<Cow<'static, str>> {
        (act != Act::PageDown || self.at.saturating_add(self.page) < self.lines)
            .then_some(usual.into())
    }
}

/// A title and the lines under it that fit.
pub(in crate::tui) fn page(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    lines: Vec<Line<'static>>,
    scroll: &mut Scroll,
    look: Look,
) {
    frame.render_widget(Clear, area);
    let body = Rect {
        x: area.x + 1,
        y: area.y + 2,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    };
    scroll.fit(lines.len(), body.height);
    let note = scroll.note(area.width);
    let room = area.width.saturating_sub(text::width(&note) + 4);
    let title = text::clip(title, room);
    let gap = usize::from(
        area.width
            .saturating_sub(text::width(&title) + text::width(&note) + 2),
    );
    let head = Line::styled(
        format!(" {title}{}{note} ", " ".repeat(gap)),
        look.badge(Tone::Strong),
    );
    frame.render_widget(head, Rect { height: 1, ..area });
    frame.render_widget(Paragraph::new(lines).scroll((scroll.at, 0)), body);
}
