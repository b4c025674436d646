//! One loop that takes whatever comes first (a key, a view, a machine's output, the clock), hands it to the app, carries
//! out what the app wants and draws when something changed. No screen's own matter enters.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use ratatui::backend::Backend;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::app::App;
use super::chosen::Chosen;
use super::input::Input;
use super::layer::{Effect, Layer, News};
use super::screen::{Screen, TuiError};
use crate::engine::command::{Command, TerminalOutput};
use crate::engine::view::{Phase, View};

/// The lab as the screen sees it.
#[derive(Debug)]
pub struct Front {
    /// The lab as it is.
    pub views: watch::Receiver<Arc<View>>,
    /// What the machines print.
    pub output: mpsc::Receiver<TerminalOutput>,
    /// What the learner wants.
    pub commands: mpsc::Sender<Command>,
}

/// While a machine prints without pause, this often is often enough to draw (a 120 Hz display).
const FRAME: Duration = Duration::from_millis(8);
/// Bytes of output taken at once before anything else gets its turn: a millisecond or two of parsing.
const BATCH: usize = 1 << 17;

/// Shows this screen until an effect or the lab ends it. Answers what was chosen, if the screen offers a choice.
pub(super) async fn drive<B, I>(
    screen: &mut Screen<B, I>,
    base: Box<dyn Layer>,
    front: Option<Front>,
) -> Result<Option<Chosen>, TuiError>
where
    B: Backend<Error: Send + Sync + 'static>,
    I: Stream<Item = io::Result<Input>> + Unpin,
{
    let (mut news, commands) = match front {
        Some(Front {
            views,
            output,
            commands,
        }) => (Some((views, output)), Some(commands)),
        None => (None, None),
    };
    let mut app = App::new(
        base,
        screen.look(),
        screen.now(),
        screen.zone(),
        screen.size()?,
    );
    let mut outbox = Outbox::default();
    // From when on the next frame may be drawn.
    let mut due = Instant::now();
    loop {
        if app.is_stale() && Instant::now() >= due {
            app.spoil(screen.now());
            screen.draw(&mut app)?;
            due = Instant::now() + FRAME;
        }
        for effect in app.effects() {
            match effect {
                Effect::Command(command) => outbox.put(command),
                Effect::Choose(chosen) => return Ok(Some(chosen)),
                Effect::Copy(text) => screen.copy(&text)?,
                Effect::Suspend => {
                    screen.suspend()?;
                    app.spoil(screen.now());
                }
                Effect::Redraw => {
                    screen.clear()?;
                    app.spoil(screen.now());
                }
                Effect::End => return Ok(None),
            }
        }
        let lasts = app.lasts(screen.now());
        let happened = tokio::select! {
            input = screen.inputs.next() => Happened::Input(input),
            news = next_news(news.as_mut()) => news,
            sent = send_first(commands.as_ref(), &mut outbox) => Happened::Sent(sent),
            () = sleep_until(due), if app.is_stale() => Happened::Time,
            () = sleep(lasts.unwrap_or_default()), if lasts.is_some() => {
                app.spoil(screen.now());
                Happened::Time
            }
        };
        match happened {
            Happened::Input(Some(Ok(Input::Terminal(event)))) => {
                app.event(&event, screen.now());
                // What a key changes is seen at once, not with the next frame of a machine that prints without pause.
                due = Instant::now();
            }
            Happened::Input(Some(Ok(Input::Ended(signal)))) => {
                return Err(TuiError::Signal(signal));
            }
            Happened::Input(Some(Ok(Input::Continued))) => {
                screen.retake()?;
                app.resize(screen.size()?);
            }
            Happened::Input(Some(Err(error))) => return Err(TuiError::terminal(error)),
            // No more input and nobody at the other end: there is nothing left to show.
            Happened::Input(None) | Happened::Gone | Happened::Sent(Err(Gone)) => return Ok(None),
            Happened::View(view) if view.phase == Phase::Over => return Ok(None),
            Happened::View(view) => app.news(&News::View(&view)),
            Happened::Output(first) => {
                app.news(&News::Output(&first));
                let Some((_, output)) = news.as_mut() else {
                    continue;
                };
                let mut taken = first.bytes.map_or(0, |bytes| bytes.len());
                while taken < BATCH
                    && let Ok(next) = output.try_recv()
                {
                    app.news(&News::Output(&next));
                    taken += next.bytes.map_or(1, |bytes| bytes.len() + 1);
                }
            }
            Happened::Sent(Ok(())) | Happened::Time => {}
        }
    }
}

enum Happened {
    Input(Option<io::Result<Input>>),
    View(Arc<View>),
    Output(TerminalOutput),
    Sent(Result<(), Gone>),
    Time,
    Gone,
}

/// Nobody is at the other end.
struct Gone;

type Views = watch::Receiver<Arc<View>>;
type Output = mpsc::Receiver<TerminalOutput>;

/// The next view or output; never, where there is no lab.
async fn next_news(news: Option<&mut (Views, Output)>) -> Happened {
    let Some((views, output)) = news else {
        return std::future::pending().await;
    };
    tokio::select! {
        changed = views.changed() => match changed {
            Ok(()) => Happened::View(views.borrow_and_update().clone()),
            Err(_) => Happened::Gone,
        },
        Some(output) = output.recv() => Happened::Output(output),
    }
}

/// Sends the first command that waits, once there is room for it; nothing is lost when this is given up before.
async fn send_first(
    commands: Option<&mpsc::Sender<Command>>,
    outbox: &mut Outbox,
) -> Result<(), Gone> {
    let (Some(commands), false) = (commands, outbox.0.is_empty()) else {
        return std::future::pending().await;
    };
    let permit = commands.reserve().await.map_err(|_| Gone)?;
    if let Some(command) = outbox.0.pop_front() {
        permit.send(command);
    }
    Ok(())
}

/// Commands that wait until the lab takes them.
#[derive(Default)]
struct Outbox(VecDeque<Command>);

impl Outbox {
    /// Typed bytes join those that still wait for the same machine, and only the last of several sizes counts: so a
    /// long paste or a dragged window edge never piles up, and no command is dropped.
    fn put(&mut self, command: Command) {
        match (self.0.back_mut(), command) {
            (
                Some(Command::Input { on, bytes }),
                Command::Input {
                    on: side,
                    bytes: more,
                },
            ) if *on == side => {
                bytes.extend(more);
            }
            (
                Some(Command::Resize { rows, columns }),
                Command::Resize {
                    rows: r,
                    columns: c,
                },
            ) => {
                (*rows, *columns) = (r, c);
            }
            (_, command) => self.0.push_back(command),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::schema::Side;

    fn typed(on: Side, text: &str) -> Command {
        Command::Input {
            on,
            bytes: text.as_bytes().to_vec(),
        }
    }

    #[test]
    fn what_waits_is_joined_but_never_reordered() {
        let mut outbox = Outbox::default();
        let size = |rows| Command::Resize { rows, columns: 80 };
        for command in [
            typed(Side::A, "l"),
            typed(Side::A, "s"),
            typed(Side::B, "w"),
            size(3),
            size(4),
            Command::Hint,
            typed(Side::B, "x"),
        ] {
            outbox.put(command);
        }
        assert_eq!(
            Vec::from(outbox.0),
            [
                typed(Side::A, "ls"),
                typed(Side::B, "w"),
                size(4),
                Command::Hint,
                typed(Side::B, "x")
            ]
        );
    }
}
