//! The terminal as the screen's two acts share it: taken once, given back once. No lesson and no view enters.

use std::error::Error;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::Event;
use futures::{Stream, StreamExt as _};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::layout::{Position, Rect, Size};
use ratatui::widgets::{Paragraph, Wrap};
use ratatui::{Frame, Terminal};

use super::app::{App, MINIMUM};
use super::guard::Guard;
use super::input::{Input, Inputs};
use super::keymap::{self, Act, Scope};
use super::look::Look;
use super::outlet::Outlet;

/// What Ctrl-C is where the terminal makes a signal of it (SIGINT).
const INTERRUPT: i32 = 2;
/// What the kernel sends when a terminal is closed (SIGHUP).
const HANGUP: i32 = 1;

/// Why there is no screen, or no longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuiError {
    /// Nobody would see it.
    #[error("{0}; `efslab run` does the lab without a screen")]
    NoTerminal(&'static str),
    /// There is no room for it.
    #[error(
        "the terminal has {columns} columns and {rows} rows, the lab needs {} and {}: enlarge it, or use `efslab run`",
        MINIMUM.width,
        MINIMUM.height
    )]
    TooSmall {
        /// As they are.
        columns: u16,
        /// As they are.
        rows: u16,
    },
    /// The terminal failed.
    #[error("failed to use the terminal")]
    Terminal(#[source] Box<dyn Error + Send + Sync>),
    /// A signal asked the program to end; the exit code is 128 and this number.
    #[error("ended by signal {0}")]
    Signal(i32),
}

impl TuiError {
    /// Of the terminal.
    pub(super) fn terminal(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Terminal(Box::new(error))
    }
}

/// What to say of a terminal in which the lab cannot begin; `None`: it is large enough.
#[must_use]
pub fn size_error(columns: u16, rows: u16) -> Option<TuiError> {
    (columns < MINIMUM.width || rows < MINIMUM.height)
        .then_some(TuiError::TooSmall { columns, rows })
}

/// A terminal, what is typed into it, and how it likes to be drawn.
pub struct Screen<B: Backend, I> {
    terminal: Terminal<B>,
    pub(super) inputs: I,
    clipboard: Box<dyn Write + Send>,
    clock: fn() -> Timestamp,
    zone: TimeZone,
    look: Look,
    /// Set once nobody is behind the terminal any more.
    gone: Arc<AtomicBool>,
    // Last, so that whatever the others still write goes to the screen and not to the shell.
    guard: Option<Guard>,
}

/// The learner's own terminal.
pub type LiveScreen = Screen<CrosstermBackend<BufWriter<Outlet>>, Inputs>;

impl LiveScreen {
    /// Takes the terminal; it is given back when the screen is dropped, on a panic and on a signal.
    ///
    /// Must be called within a tokio runtime, on the thread that will show the screen.
    ///
    /// # Errors
    /// Standard input or output is no terminal, it is too dumb or too small, or it failed.
    pub fn enter() -> Result<Self, TuiError> {
        if !io::stdin().is_terminal() {
            return Err(TuiError::NoTerminal("standard input is not a terminal"));
        }
        if !io::stdout().is_terminal() {
            return Err(TuiError::NoTerminal("standard output is not a terminal"));
        }
        if std::env::var("TERM").is_ok_and(|term| term == "dumb" || term.is_empty()) {
            return Err(TuiError::NoTerminal(
                "this terminal (TERM) can only print lines",
            ));
        }
        // A pty that was never given a size says 0x0; then there is nothing to go by.
        if let Ok((columns, rows)) = crossterm::terminal::size()
            && let Some(error) = size_error(columns, rows).filter(|_| columns > 0)
        {
            return Err(error);
        }
        let inputs = Inputs::listen().map_err(TuiError::terminal)?;
        let guard = Guard::take().map_err(TuiError::terminal)?;
        // One write for each frame: standard output alone would flush every kilobyte.
        let outlet = Outlet::new();
        let gone = outlet.gone();
        let backend = CrosstermBackend::new(BufWriter::with_capacity(1 << 16, outlet));
        let mut screen = Screen::over(backend, inputs, Look::from_env())?;
        screen.zone = TimeZone::system();
        screen.clock = Timestamp::now;
        screen.clipboard = Box::new(Outlet::new());
        screen.gone = gone;
        screen.guard = Some(guard);
        Ok(screen)
    }
}

impl<B: Backend<Error: Send + Sync + 'static>, I> Screen<B, I> {
    /// A screen over any terminal and any source of keys. Times of day are told in UTC; nothing is copied anywhere.
    ///
    /// # Errors
    /// The terminal cannot tell its size.
    pub fn over(backend: B, inputs: I, look: Look) -> Result<Self, TuiError> {
        let terminal = Terminal::new(backend).map_err(TuiError::terminal)?;
        Ok(Self {
            terminal,
            inputs,
            clipboard: Box::new(io::sink()),
            clock: Timestamp::now,
            zone: TimeZone::UTC,
            look,
            gone: Arc::default(),
            guard: None,
        })
    }

    /// The same with another clock and another clipboard.
    #[must_use]
    pub fn with(self, clock: fn() -> Timestamp, clipboard: Box<dyn Write + Send>) -> Self {
        Self {
            clipboard,
            clock,
            ..self
        }
    }

    /// What the terminal shows, for tests.
    pub fn backend(&self) -> &B {
        self.terminal.backend()
    }

    /// Shows one sentence while nothing else can be shown, e.g. what is being started.
    ///
    /// # Errors
    /// The terminal failed.
    pub fn say(&mut self, sentence: &str) -> Result<(), TuiError> {
        let look = self.look;
        self.show(|frame| {
            let text = Paragraph::new(format!(" efslab\n\n {sentence}")).wrap(Wrap { trim: false });
            frame.render_widget(text, frame.area());
            look.finish(frame.buffer_mut());
        })
    }

    /// Shows one sentence until `work` is done. Whoever does not want to wait for it can leave.
    ///
    /// # Errors
    /// The terminal failed; or Ctrl-C, `q` (both as the signal 2 would) or a signal ended the waiting.
    pub async fn say_while<T>(
        &mut self,
        sentence: &str,
        work: impl Future<Output = T>,
    ) -> Result<T, TuiError>
    where
        I: Stream<Item = io::Result<Input>> + Unpin,
    {
        let said = format!("{sentence}\n\n q or Ctrl-C: do not wait for it");
        let mut work = pin!(work);
        loop {
            self.say(&said)?;
            let input = tokio::select! {
                done = &mut work => return Ok(done),
                input = self.inputs.next() => input,
            };
            match input {
                // Without input there is nobody who could end it.
                None => return Ok(work.await),
                Some(Err(error)) => return Err(TuiError::terminal(error)),
                Some(Ok(Input::Ended(signal))) => return Err(TuiError::Signal(signal)),
                Some(Ok(Input::Continued)) => self.retake()?,
                Some(Ok(Input::Terminal(Event::Key(key)))) => {
                    match keymap::act(Scope::Welcome, key) {
                        Some(Act::Quit) => return Err(TuiError::Signal(INTERRUPT)),
                        Some(Act::Suspend) => self.suspend()?,
                        Some(Act::Redraw) => self.clear()?,
                        _ => {}
                    }
                }
                Some(Ok(Input::Terminal(_))) => {}
            }
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(super) fn zone(&self) -> TimeZone {
        self.zone.clone()
    }

    pub(super) fn look(&self) -> Look {
        self.look
    }

    pub(super) fn size(&self) -> Result<Size, TuiError> {
        self.terminal.size().map_err(TuiError::terminal)
    }

    pub(super) fn draw(&mut self, app: &mut App) -> Result<(), TuiError> {
        self.show(|frame| app.draw(frame))
    }

    fn show(&mut self, picture: impl FnOnce(&mut Frame)) -> Result<(), TuiError> {
        self.terminal.draw(picture).map_err(TuiError::terminal)?;
        if self.gone.load(Ordering::SeqCst) {
            return Err(TuiError::Signal(HANGUP));
        }
        Ok(())
    }

    /// Everything is drawn anew next time.
    pub(super) fn clear(&mut self) -> Result<(), TuiError> {
        // `Terminal::clear` would ask the terminal for its cursor and take keys for the answer.
        let area = Rect::from((Position::ORIGIN, self.size()?));
        self.terminal.resize(area).map_err(TuiError::terminal)
    }

    /// Asks the terminal to put a text on the learner's clipboard (OSC 52). Whether it does, it does not say.
    pub(super) fn copy(&mut self, text: &str) -> Result<(), TuiError> {
        let sequence = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
        self.clipboard
            .write_all(sequence.as_bytes())
            .and_then(|()| self.clipboard.flush())
            .map_err(TuiError::terminal)
    }

    /// Gives the terminal to the shell until the shell continues the program.
    pub(super) fn suspend(&mut self) -> Result<(), TuiError> {
        if let Some(guard) = &self.guard {
            guard.suspend().map_err(TuiError::terminal)?;
        }
        self.clear()
    }

    /// The program was stopped and goes on.
    pub(super) fn retake(&mut self) -> Result<(), TuiError> {
        if let Some(guard) = &self.guard {
            guard.retake().map_err(TuiError::terminal)?;
        }
        self.clear()
    }
}
