//! The stack of layers: who gets which event, what is drawn, when the next frame is due. Without terminal, channel or
//! clock, so that a test drives it with keys and reads the screen.

use std::time::Duration;

use crossterm::event::{Event, KeyEvent, KeyEventKind};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::layout::{Alignment, Position, Rect, Size};
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph, Wrap};

use super::keymap::{self, Act};
use super::layer::{Context, Effect, Flow, Layer, News};
use super::look::Look;
use super::screens::help::help;
use super::widgets::footer;

/// Below this there is no room for a lesson and two terminals.
pub(super) const MINIMUM: Size = Size {
    width: 40,
    height: 12,
};

/// The program's screen as it stands.
pub(super) struct App {
    layers: Vec<Box<dyn Layer>>,
    cx: Context,
    stale: bool,
}

impl App {
    /// With this screen at the bottom.
    pub(super) fn new(
        base: Box<dyn Layer>,
        look: Look,
        now: Timestamp,
        zone: TimeZone,
        size: Size,
    ) -> Self {
        let cx = Context {
            look,
            now,
            zone,
            size,
            notice: None,
            effects: Vec::new(),
            leaving: false,
        };
        let mut app = Self {
            layers: vec![base],
            cx,
            stale: true,
        };
        app.news(&News::Size);
        app
    }

    /// A key, a paste or a new size.
    pub(super) fn event(&mut self, event: &Event, now: Timestamp) {
        self.cx.now = now;
        match event {
            // A release exists only where the keyboard protocol reports it; the press has been handled.
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(*key),
            Event::Paste(text) => {
                self.cx.notice = None;
                self.stale = true;
                self.on_top(|layer, cx| layer.paste(text, cx));
            }
            Event::Resize(width, height) => self.resize(Size::new(*width, *height)),
            _ => {}
        }
    }

    /// The screen has this size now.
    pub(super) fn resize(&mut self, size: Size) {
        self.cx.size = size;
        self.news(&News::Size);
    }

    /// Something happened that no key asked for.
    pub(super) fn news(&mut self, news: &News<'_>) {
        self.stale = true;
        let mut index = 0;
        while let Some(layer) = self.layers.get_mut(index) {
            match layer.news(news, &mut self.cx) {
                // The screen at the bottom stays.
                Flow::Close if self.layers.len() > 1 => drop(self.layers.remove(index)),
                Flow::Stay | Flow::Close => index += 1,
                Flow::Open(layer) => {
                    self.layers.push(layer);
                    index += 1;
                }
            }
        }
    }

    fn key(&mut self, key: KeyEvent) {
        let Some(scope) = self.layers.last().map(|layer| layer.scope()) else {
            return;
        };
        let act = keymap::act(scope, key);
        // What goes to a machine's shell changes nothing here until the machine answers.
        self.stale |= act.is_some() || scope != keymap::Scope::Shell || self.cx.notice.is_some();
        self.cx.notice = None;
        match act {
            Some(Act::Help) => self.layers.push(Box::new(help())),
            Some(Act::Suspend) => self.cx.effect(Effect::Suspend),
            Some(Act::Redraw) => self.cx.effect(Effect::Redraw),
            Some(act) => self.on_top(|layer, cx| layer.act(act, cx)),
            None => self.on_top(|layer, cx| layer.key(key, cx)),
        }
        self.stale |= self.cx.notice.is_some();
    }

    fn on_top(&mut self, handle: impl FnOnce(&mut dyn Layer, &mut Context) -> Flow) {
        let Some(layer) = self.layers.last_mut() else {
            return;
        };
        match handle(layer.as_mut(), &mut self.cx) {
            Flow::Close if self.layers.len() > 1 => drop(self.layers.pop()),
            Flow::Stay | Flow::Close => {}
            Flow::Open(layer) => self.layers.push(layer),
        }
    }

    /// What the layers want from the outside since this was last asked.
    pub(super) fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.cx.effects)
    }

    /// Whether the screen shows something else than it should.
    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// The next frame differs from what was drawn.
    pub(super) fn spoil(&mut self, now: Timestamp) {
        self.cx.now = now;
        self.stale = true;
    }

    /// How long what is shown stays true while nothing happens.
    pub(super) fn lasts(&self, now: Timestamp) -> Option<Duration> {
        let next = self
            .layers
            .iter()
            .filter_map(|layer| layer.changes_at(now))
            .min()?;
        Some(Duration::try_from(next.duration_since(now)).unwrap_or_default())
    }

    /// Draws everything.
    pub(super) fn draw(&mut self, frame: &mut Frame<'_>) {
        self.stale = false;
        let area = frame.area();
        if area.width < MINIMUM.width || area.height < MINIMUM.height {
            draw_too_small(frame, area);
        } else if let Some(cursor) = self.draw_layers(frame, area) {
            frame.set_cursor_position(cursor);
        }
        self.cx.look.finish(frame.buffer_mut());
    }

    fn draw_layers(&mut self, frame: &mut Frame<'_>, area: Rect) -> Option<Position> {
        let body = Rect {
            height: area.height - 1,
            ..area
        };
        let mut cursor = None;
        for layer in &mut self.layers {
            cursor = layer.draw(frame, body, &self.cx);
        }
        let footer = Rect {
            y: body.bottom(),
            height: 1,
            ..area
        };
        if let Some(top) = self.layers.last() {
            frame.render_widget(Clear, footer);
            frame.render_widget(footer::line(top.as_ref(), &self.cx, footer.width), footer);
        }
        cursor
    }
}

/// A sentence instead of a broken layout.
fn draw_too_small(frame: &mut Frame<'_>, area: Rect) {
    let text = format!(
        "Too small: {}x{}. Enlarge to {}x{}. The lab goes on.",
        area.width, area.height, MINIMUM.width, MINIMUM.height
    );
    let text = Paragraph::new(Line::raw(text))
        .wrap(Wrap { trim: true })
        .alignment(Alignment::Left);
    frame.render_widget(text, area);
}
