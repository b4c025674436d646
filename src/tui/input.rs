//! What comes from outside the lab: keys, sizes, pastes and signals, as one stream that tests replace. No reaction enters.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use crossterm::event::{Event, EventStream};
use futures::{Stream, StreamExt};
use tokio::signal::unix::{Signal, SignalKind, signal};

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

/// The terminal's events and this process's signals.
pub struct Inputs {
    events: EventStream,
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
        Ok(Self {
            events: EventStream::new(),
            signals,
        })
    }
}

impl Stream for Inputs {
    type Item = io::Result<Input>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        for (signal, input) in &mut self.signals {
            if let Poll::Ready(Some(())) = signal.poll_recv(cx) {
                return Poll::Ready(Some(Ok(input.clone())));
            }
        }
        self.events
            .poll_next_unpin(cx)
            .map(|event| event.map(|event| event.map(Input::Terminal)))
    }
}
