//! What carries the engine: one dispatcher that linearizes all events, an executor for effects, and the tasks between.

mod account;
mod executor;
mod follow;
mod guard;
mod listen;
mod shell;
mod transcript;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

pub use executor::{Executor, Parts};

use crate::engine::Engine;
use crate::engine::command::{Command, TerminalOutput};
use crate::engine::event::{Event, Machine, What};
use crate::engine::view::{Phase, Receipt, View};
use crate::journal::JournalError;
use crate::lesson::schema::Action;
use crate::ssh::config::Door;

/// How the lab is reached, where that differs by target.
pub trait Route: Send + Sync + 'static {
    /// The address from which SSH must be admitted, as `a.b.c.d/32`.
    fn own_cidr(&self) -> BoxFuture<'_, Result<String, String>>;
    /// Where a machine's sshd is.
    fn door<'a>(&'a self, machine: &'a Machine) -> BoxFuture<'a, Result<Door, String>>;
    /// How often the stack is looked at while an operation runs: about two seconds of the target's time.
    fn looks_every(&self) -> Duration;
    /// Waits until it is `at` there, where time can jump: from then on it does not before what is answered is dropped.
    fn instant(&self, at: Timestamp) -> BoxFuture<'_, Result<Hold, String>>;
    /// Whether time there can jump, so that no clock here tells how late it is.
    fn jumps(&self) -> bool;
    /// The time there.
    fn now(&self) -> BoxFuture<'_, Result<Timestamp, String>>;
    /// Puts the clock there forward, and lets happen what happens meanwhile.
    fn forward(&self, by: Duration) -> BoxFuture<'_, Result<(), String>>;
}

/// Time stands still in the target as long as this is there.
pub type Hold = Box<dyn Send + Sync>;

/// The dispatcher's side of the channels to a front end.
#[derive(Debug)]
pub struct Wires {
    /// The newest view.
    pub views: watch::Sender<Arc<View>>,
    /// Bytes for the terminals; a full channel makes the machines wait, not the lab.
    pub output: mpsc::Sender<TerminalOutput>,
    /// The learner's wishes.
    pub commands: mpsc::Receiver<Command>,
    /// What the unattended run does in the learner's place.
    pub acts: mpsc::Receiver<Vec<Action>>,
    /// The signals that end the session, taken since before it began: one that comes meanwhile is not lost.
    pub stop: Signals,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// The last view.
    pub view: Arc<View>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// The last receipt, clean or not, when there was a cleanup.
    pub receipt: Option<Receipt>,
}

/// Drives the lab until it is over, a signal comes, or the front end is gone.
///
/// # Errors
/// When the journal cannot be written: then nothing more is done.
pub async fn drive(mut engine: Engine, parts: Parts, wires: Wires) -> Result<Ending, JournalError> {
    let Wires {
        views,
        output,
        mut commands,
        mut acts,
        mut stop,
    } = wires;
    let (events, mut outcomes) = mpsc::channel(64);
    let mut executor = Executor::new(parts, events, output);
    let mut next = What::Began;
    let signal = 'session: loop {
        for effect in engine.handle(Event {
            at: Timestamp::now(),
            what: next,
        }) {
            if let Err(error) = executor.execute(effect) {
                break 'session Err(error);
            }
        }
        let view = engine.view();
        let over = view.phase == Phase::Over;
        views.send_if_modified(|shown| {
            let changed = **shown != view;
            if changed {
                *shown = Arc::new(view);
            }
            changed
        });
        if over {
            break Ok(None);
        }
        next = tokio::select! {
            biased;
            signal = stop.next() => break Ok(Some(signal)),
            command = commands.recv() => match command {
                Some(command) => What::Command(command),
                None => break Ok(None),
            },
            Some(actions) = acts.recv() => What::Act(actions),
            event = outcomes.recv() => match event {
                Some(what) => what,
                None => break Ok(None),
            },
        };
    };
    executor.shut_down().await;
    let view = views.borrow().clone();
    Ok(Ending {
        view,
        signal: signal?,
        receipt: engine.receipt().cloned(),
    })
}

/// The signals that end a session; a second one is not needed, since ending never waits long.
#[derive(Debug)]
pub struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
    hang_up: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Takes them from now on: none of them ends the program by itself any more.
    #[must_use]
    pub fn listen() -> Self {
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
            hang_up: signal(SignalKind::hangup()).ok(),
        }
    }

    /// The number of the next one.
    pub async fn next(&mut self) -> i32 {
        async fn one(signal: &mut Option<tokio::signal::unix::Signal>, number: i32) -> i32 {
            match signal {
                Some(signal) => {
                    signal.recv().await;
                    number
                }
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            number = one(&mut self.interrupt, 2) => number,
            number = one(&mut self.terminate, 15) => number,
            number = one(&mut self.hang_up, 1) => number,
        }
    }
}
