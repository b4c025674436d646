//! What a screen or a dialog is to the program: it takes acts and news, and draws itself. No screen's own matter enters.

use std::borrow::Cow;
use std::sync::Arc;

use crossterm::event::KeyEvent;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};

use super::Chosen;
use super::keymap::{Act, Scope};
use super::look::Look;
use crate::engine::command::{Command, TerminalOutput};
use crate::engine::view::View;

/// A screen or a dialog. Only the topmost one gets keys; all get news and all are drawn, the lowest first.
pub(super) trait Layer {
    /// Which keys hold here.
    fn scope(&self) -> Scope;
    /// What the footer calls this act now; `None`: it makes no sense now.
    fn label(&self, act: Act, usual: &'static str) -> Option<Cow<'static, str>>;
    /// How the footer names the keys of this act now.
    fn keys(&self, _act: Act, usual: &'static str) -> Cow<'static, str> {
        usual.into()
    }
    /// A key of the keymap.
    fn act(&mut self, act: Act, cx: &mut Context) -> Flow;
    /// A key that the keymap does not know in this scope.
    fn key(&mut self, _key: KeyEvent, _cx: &mut Context) -> Flow {
        Flow::Stay
    }
    /// Pasted text.
    fn paste(&mut self, _text: &str, _cx: &mut Context) -> Flow {
        Flow::Stay
    }
    /// Something happened that no key asked for.
    fn news(&mut self, _news: &News<'_>, _cx: &mut Context) -> Flow {
        Flow::Stay
    }
    /// Draws itself into `area`; answers where the cursor is to be shown, if anywhere.
    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, cx: &Context) -> Option<Position>;
    /// When what it shows changes by the mere passing of time.
    fn changes_at(&self, _now: Timestamp) -> Option<Timestamp> {
        None
    }
}

/// What becomes of a layer.
pub(super) enum Flow {
    /// It stays.
    Stay,
    /// It goes.
    Close,
    /// Another one comes on top of it.
    Open(Box<dyn Layer>),
}

/// Something that happened without a key.
pub(super) enum News<'a> {
    /// The lab changed.
    View(&'a Arc<View>),
    /// A machine printed something.
    Output(&'a TerminalOutput),
    /// The screen has another size now (see [`Context::size`]).
    Size,
}

/// What a layer wants from the outside.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    /// A wish to the lab.
    Command(Command),
    /// The first screen's answer.
    Choose(Chosen),
    /// Text to the clipboard of the learner's terminal.
    Copy(String),
    /// Stop the program until the shell continues it.
    Suspend,
    /// Draw everything again.
    Redraw,
    /// End at once, whatever the lab says.
    End,
}

/// What all layers share.
pub(super) struct Context {
    /// Characters and colours.
    pub look: Look,
    /// The time that is shown.
    pub now: Timestamp,
    /// Where times of day are told.
    pub zone: TimeZone,
    /// The whole screen's.
    pub size: Size,
    /// Said in the footer until the next key.
    pub notice: Option<Cow<'static, str>>,
    /// Not yet carried out, in order.
    pub(super) effects: Vec<Effect>,
    /// Whether the lab was asked to end.
    pub leaving: bool,
}

impl Context {
    /// Asks the lab for something.
    pub(super) fn command(&mut self, command: Command) {
        self.effect(Effect::Command(command));
    }

    /// Asks for something outside of all layers.
    pub(super) fn effect(&mut self, effect: Effect) {
        self.leaving |= effect == Effect::Command(Command::Leave);
        self.effects.push(effect);
    }

    /// Says something in the footer until the next key.
    pub(super) fn notice(&mut self, text: impl Into<Cow<'static, str>>) {
        self.notice = Some(text.into());
    }

    /// The area in which layers draw: all but the footer.
    pub(super) fn body(&self) -> Rect {
        Rect::new(0, 0, self.size.width, self.size.height.saturating_sub(1))
    }
}
