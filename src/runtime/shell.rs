//! One machine's live terminal: bytes to the front end, text to the engine, keys to the machine.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::transcript::Recorder;
use crate::engine::command::TerminalOutput;
use crate::engine::event::{TerminalNews, What};
use crate::lesson::schema::Side;
use crate::ssh::link::Link;
use crate::ssh::terminal::{Said, Size, Terminal};

/// Output counts as settled when nothing has come for this long …
const QUIET: Duration = Duration::from_millis(15);
/// … or when it has been coming for this long.
const LONG: Duration = Duration::from_millis(200);
/// Chunks of up to 64 KiB between the pty and the front end.
const CHUNKS: usize = 16;

/// What can be asked of a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// Type.
    Input(Vec<u8>),
    /// New size.
    Resize(Size),
    /// The step with this number begins.
    Mark(u64),
}

/// How a shell begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begin {
    pub(super) size: Size,
    /// The step it begins in.
    pub(super) mark: u64,
}

/// Where a shell's news go.
#[derive(Debug, Clone)]
pub(super) struct Ears {
    pub(super) events: mpsc::Sender<What>,
    pub(super) output: mpsc::Sender<TerminalOutput>,
}

/// Runs a terminal over `link` until its session ends or nobody asks any more. However it ends, it is told: a pane whose
/// session is gone must say so and offer another one.
pub(super) async fn run(
    side: Side,
    link: Arc<Link>,
    begin: Begin,
    wishes: mpsc::UnboundedReceiver<Ask>,
    ears: Ears,
) {
    let events = ears.events.clone();
    tell_its_end(side, &events, attend(side, link, begin, wishes, ears)).await;
}

/// Runs a session that answers why it ended, if that is news, and tells it; a session that panics has ended too.
async fn tell_its_end(
    side: Side,
    events: &mpsc::Sender<What>,
    session: impl Future<Output = Option<String>>,
) {
    let why = AssertUnwindSafe(session)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Some("a fault in efslab, not in the machine".to_owned()));
    if let Some(why) = why {
        let news = TerminalNews::Ended(why);
        let _ = events.send(What::Terminal { on: side, news }).await;
    }
}

/// The session itself; `None`: it was given up because nobody asks any more.
async fn attend(
    side: Side,
    link: Arc<Link>,
    Begin { size, mut mark }: Begin,
    mut wishes: mpsc::UnboundedReceiver<Ask>,
    ears: Ears,
) -> Option<String> {
    let news = async |news| {
        let _ = ears.events.send(What::Terminal { on: side, news }).await;
    };
    let (mouth, mut said) = mpsc::channel(CHUNKS);
    let terminal = match Terminal::open(&link, size, mouth) {
        Ok(terminal) => terminal,
        Err(error) => return Some(error.to_string()),
    };
    let _ = ears
        .output
        .send(TerminalOutput {
            on: side,
            bytes: None,
        })
        .await;
    news(TerminalNews::Opened).await;
    let mut recorder = Recorder::new(size);
    let mut unsettled: Option<(Instant, Instant)> = None;
    loop {
        let settled = async {
            match unsettled {
                Some((first, last)) => {
                    tokio::time::sleep_until((last + QUIET).min(first + LONG)).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            wish = wishes.recv() => match wish {
                Some(Ask::Input(bytes)) => { let _ = terminal.type_in(bytes); }
                Some(Ask::Resize(size)) => { terminal.resize(size); recorder.resize(size); }
                Some(Ask::Mark(number)) => {
                    mark = number;
                    recorder.restart();
                    news(TerminalNews::Text { mark, text: recorder.transcript() }).await;
                }
                None => return None,
            },
            heard = said.recv() => match heard {
                Some(Said::Bytes(bytes)) => {
                    recorder.feed(&bytes);
                    let now = Instant::now();
                    unsettled = Some((unsettled.map_or(now, |(first, _)| first), now));
                    let _ = ears.output.send(TerminalOutput { on: side, bytes: Some(bytes) }).await;
                }
                Some(Said::Ended(why)) => {
                    news(TerminalNews::Text { mark, text: recorder.transcript() }).await;
                    return Some(why);
                }
                None => return Some("its output ended".to_owned()),
            },
            () = settled => {
                unsettled = None;
                news(TerminalNews::Text { mark, text: recorder.transcript() }).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(session: impl Future<Output = Option<String>>) -> Option<What> {
        let (events, mut news) = mpsc::channel(1);
        tell_its_end(Side::B, &events, session).await;
        drop(events);
        news.recv().await
    }

    fn ended(why: &str) -> What {
        What::Terminal {
            on: Side::B,
            news: TerminalNews::Ended(why.to_owned()),
        }
    }

    #[tokio::test]
    async fn a_session_that_ends_says_so_also_when_it_panics() {
        assert_eq!(
            told(async { Some("you logged out".to_owned()) }).await,
            Some(ended("you logged out"))
        );
        assert_eq!(
            told(async { panic!("a parser's corner") }).await,
            Some(ended("a fault in efslab, not in the machine"))
        );
    }

    #[tokio::test]
    async fn a_session_that_was_given_up_is_no_news() {
        assert_eq!(told(async { None }).await, None);
    }
}
