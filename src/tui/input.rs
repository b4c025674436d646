//! What comes from outside the lab: keys, sizes, pastes and signals, as one stream that tests replace. No reaction enters.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use crossterm::event::{Event, EventStream};
use futures::{Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

/// Something from the terminal or the operating system.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// From the terminal.
    Terminal(Event),
    /// A signal that asks the program to end, by number.
    Ended(i32),
    /// The process was stopped and goes on; the terminal may have been used meanwhile.
    Continued,
}

type Keys = mpsc::UnboundedReceiver<io::Result<Event>>;

/// The terminal's events and this process's signals.
pub struct Inputs {
    keys: Keys,
    /// Dropped with the rest, which ends the reading.
    _reading: oneshot::Sender<()>,
    signals: Vec<(Signal, Input)>,
}

impl Inputs {
    /// Listens from now on.
    pub(super) fn listen() -> io::Result<Self> {
        let ends = [
            SignalKind::terminate(),
            SignalKind::hangup(),
            SignalKind::interrupt(),
        ];
        let mut signals = Vec::new();
        for kind in ends {
            signals.push((signal(kind)?, Input::Ended(kind.as_raw_value())));
        }
        let continued = SignalKind::from_raw(rustix::process::Signal::CONT.as_raw());
        signals.push((signal(continued)?, Input::Continued));
        let (keys, reading) = read()?;
        Ok(Self {
            keys,
            _reading: reading,
            signals,
        })
    }
}

/// Keys and what else the terminal tells, until the other end is dropped.
///
/// On a thread of its own: crossterm 0.29 reads a terminal that is gone again and again without ever coming back from it,
/// and whoever waits there never hears of the signal that was sent with it.
fn read() -> io::Result<(Keys, oneshot::Sender<()>)> {
    let (told, keys) = mpsc::unbounded_channel();
    let (reading, mut ended) = oneshot::channel::<()>();
    let runtime = Handle::current();
    let listen = async move {
        let mut events = EventStream::new();
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                _ = &mut ended => None,
            };
            let Some(event) = event else { break };
            if told.send(event).is_err() {
                break;
            }
        }
    };
    thread::Builder::new()
        .name("keys".into())
        .spawn(move || runtime.block_on(listen))?;
    Ok((keys, reading))
}

impl Stream for Inputs {
    type Item = io::Result<Input>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        for (signal, input) in &mut self.signals {
            if let Poll::Ready(Some(())) = signal.poll_recv(cx) {
                return Poll::Ready(Some(Ok(input.clone())));
            }
        }
        self.keys
            .poll_recv(cx)
            .map(|event| event.map(|event| event.map(Input::Terminal)))
    }
}
