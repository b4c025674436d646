//! The screen driven by key strings over a terminal in memory. Only what a learner could see and press enters.

mod behaviour;
mod fixtures;
mod looped;
mod panels;
mod properties;
mod snapshots;
mod terminals;
mod ways;

use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::app::App;
use super::chosen::Welcome;
use super::layer::{Effect, News};
use super::look::Look;
use super::screens::lesson::LessonScreen;
use super::screens::welcome::WelcomeScreen;
use crate::engine::command::{Command, TerminalOutput};
use crate::engine::view::View;
use crate::lesson::schema::Side;

/// What most tests look like.
const LOOK: Look = Look {
    unicode: true,
    colour: true,
};

/// The program without a terminal, at a standing clock.
struct Drive {
    app: App,
    terminal: Terminal<TestBackend>,
    now: Timestamp,
}

impl Drive {
    /// The lab's screen.
    fn lab(view: View, width: u16, height: u16) -> Self {
        Self::over(
            Box::new(LessonScreen::new(Arc::new(view))),
            width,
            height,
            LOOK,
        )
    }

    /// The first screen.
    fn welcome(welcome: Welcome, width: u16, height: u16) -> Self {
        Self::over(Box::new(WelcomeScreen::new(welcome)), width, height, LOOK)
    }

    fn over(base: Box<dyn super::layer::Layer>, width: u16, height: u16, look: Look) -> Self {
        let now = fixtures::now();
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let app = App::new(base, look, now, TimeZone::UTC, Size::new(width, height));
        Self { app, terminal, now }
    }

    /// Presses these keys, separated by spaces: `F2`, `C-c`, `A-b`, `S-PgUp`, `Enter`, `Space`, else one character each.
    fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            self.app.event(&Event::Key(press(key)), self.now);
        }
        self
    }

    fn paste(&mut self, text: &str) -> &mut Self {
        self.app.event(&Event::Paste(text.to_owned()), self.now);
        self
    }

    fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.terminal.backend_mut().resize(width, height);
        self.app.event(&Event::Resize(width, height), self.now);
        self
    }

    fn show(&mut self, view: View) -> &mut Self {
        self.app.news(&News::View(&Arc::new(view)));
        self
    }

    fn print(&mut self, on: Side, bytes: &[u8]) -> &mut Self {
        self.app.news(&News::Output(&TerminalOutput {
            on,
            bytes: Some(bytes.to_vec()),
        }));
        self
    }

    /// What was wished for since this was last asked.
    fn effects(&mut self) -> Vec<Effect> {
        self.app.effects()
    }

    /// The commands among it, without the sizes that every start tells.
    fn sent(&mut self) -> Vec<Command> {
        let commands = self
            .effects()
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Command(command) => Some(command),
                _ => None,
            });
        commands
            .filter(|command| !matches!(command, Command::Resize { .. }))
            .collect()
    }

    /// What the terminal shows, right ends trimmed; the cursor is `█`.
    fn screen(&mut self) -> String {
        self.terminal.draw(|frame| self.app.draw(frame)).unwrap();
        let backend = self.terminal.backend();
        let cursor = backend.cursor_visible().then(|| backend.cursor_position());
        let buffer = backend.buffer();
        let mut text = String::new();
        for y in 0..buffer.area.height {
            let mut row = String::new();
            let mut hidden = 0;
            for x in 0..buffer.area.width {
                let symbol = buffer[(x, y)].symbol();
                if hidden > 0 {
                    hidden -= 1;
                } else if cursor == Some((x, y).into()) {
                    row.push('█');
                } else {
                    row.push_str(symbol);
                    hidden = super::text::width(symbol).saturating_sub(1);
                }
            }
            text.push_str(row.trim_end());
            text.push('\n');
        }
        text
    }

    fn footer(&mut self) -> String {
        self.screen()
            .lines()
            .last()
            .unwrap_or_default()
            .trim()
            .to_owned()
    }
}

/// A key by its name.
fn press(name: &str) -> KeyEvent {
    let (modifiers, name) = match name.split_at_checked(2) {
        Some(("C-", rest)) if !rest.is_empty() => (KeyModifiers::CONTROL, rest),
        Some(("A-", rest)) if !rest.is_empty() => (KeyModifiers::ALT, rest),
        Some(("S-", rest)) if !rest.is_empty() => (KeyModifiers::SHIFT, rest),
        _ => (KeyModifiers::NONE, name),
    };
    let code = match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Space" => KeyCode::Char(' '),
        "Backspace" => KeyCode::Backspace,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        _ => match name
            .strip_prefix('F')
            .and_then(|number| number.parse().ok())
        {
            Some(number) => KeyCode::F(number),
            None => KeyCode::Char(name.chars().next().expect("a key has a name")),
        },
    };
    KeyEvent::new(code, modifiers)
}

fn typed(on: Side, text: &str) -> Command {
    Command::Input {
        on,
        bytes: text.as_bytes().to_vec(),
    }
}

/// The line that says what to do next, on a screen where it needs but one.
fn action(view: View) -> String {
    let screen = Drive::lab(view, 109, 50).screen();
    let marked = screen
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("> "));
    // The option that was chosen is marked the same way, but has a number.
    marked
        .map(str::trim)
        .find(|line| !line.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or_else(|| panic!("no action in\n{screen}"))
        .to_owned()
}
