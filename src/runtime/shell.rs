//! One machine's live terminal: bytes to the front end, text to the engine, keys to the machine.

use std::sync::Arc;
use std::time::Duration;

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

/// Runs a terminal over `link` until its session ends or nobody asks any more.
pub(super) async fn run(
    side: Side,
    link: Arc<Link>,
    Begin { size, mut mark }: Begin,
    mut wishes: mpsc::UnboundedReceiver<Ask>,
    ears: Ears,
) {
    let news = async |news| {
        let _ = ears.events.send(What::Terminal { on: side, news }).await;
    };
    let (mouth, mut said) = mpsc::channel(CHUNKS);
    let terminal = match Terminal::open(&link, size, mouth) {
        Ok(terminal) => terminal,
        Err(error) => return news(TerminalNews::Ended(error.to_string())).await,
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
                None => return,
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
                    return news(TerminalNews::Ended(why)).await;
                }
                None => return,
            },
            () = settled => {
                unsettled = None;
                news(TerminalNews::Text { mark, text: recorder.transcript() }).await;
            }
        }
    }
}
