//! tail -f: what is added to files, as it is added, in account time.

use std::time::Duration;

use super::head::{header, heads};
use super::quoted;
use super::tail::Wanted;
use crate::practice::compute::commands::system::program::{Call, Ended};
use crate::practice::compute::host::Seat;
use crate::practice::storage::{Errno, Manner, Use};

/// Account time may stand still while somebody looks at a file; then it is looked at this often (wall time).
const STANDSTILL: Duration = Duration::from_millis(100);

/// A file that is followed.
pub(super) struct Followed {
    operand: String,
    /// How far it was shown; `None`: it is not there.
    shown: Option<u64>,
    /// Which file of that name it is.
    ino: Option<u64>,
}

impl Followed {
    /// Shown up to here.
    pub fn at(operand: &str, shown: u64) -> Self {
        Self {
            operand: operand.to_owned(),
            shown: Some(shown),
            ino: None,
        }
    }

    /// Not there yet.
    pub fn absent(operand: &str) -> Self {
        Self {
            operand: operand.to_owned(),
            shown: None,
            ino: None,
        }
    }
}

/// Shows what is added until it is interrupted, or nothing is left to follow.
pub(super) async fn follow(
    seat: &Seat,
    call: &Call<'_>,
    wanted: &Wanted,
    mut files: Vec<Followed>,
) -> Ended {
    let mut last = files.len() - 1;
    loop {
        for (place, file) in files.iter_mut().enumerate() {
            let view = seat.view();
            let path = call.path(&file.operand);
            view.pass(&path, Use::Look).await;
            let attr = view.stat(&path);
            let name = quoted(&file.operand);
            let attr = match attr {
                Ok(attr) => attr,
                Err(why) => {
                    // By descriptor, a file that was removed is still there, and nothing is added to it any more.
                    if wanted.retry && file.shown.take().is_some() {
                        call.said_now(format!("tail: {name} has become inaccessible: {why}\n"))
                            .await?;
                    }
                    continue;
                }
            };
            match (file.shown, file.ino) {
                (None, _) => {
                    call.said_now(format!("tail: {name} has appeared;  following new file\n"))
                        .await?;
                    file.shown = Some(0);
                }
                (Some(_), Some(ino)) if ino != attr.ino => {
                    if !wanted.retry {
                        continue;
                    }
                    call.said_now(format!(
                        "tail: {name} has been replaced;  following new file\n"
                    ))
                    .await?;
                    file.shown = Some(0);
                }
                _ => {}
            }
            file.ino = Some(attr.ino);
            let mut shown = file.shown.unwrap_or_default();
            if attr.size < shown {
                call.said_now(format!("tail: {}: file truncated\n", file.operand))
                    .await?;
                shown = 0;
            }
            file.shown = Some(attr.size);
            if attr.size == shown {
                continue;
            }
            let content = match view.open(&path) {
                Ok(content) => content,
                Err(Errno::NotFound) => continue,
                Err(why) => {
                    call.said_now(format!("tail: error reading {name}: {why}\n"))
                        .await?;
                    continue;
                }
            };
            let more = content.slice(shown, u64::MAX);
            file.shown = Some(content.len());
            // What it says of the time is all that can fail: the file may be gone again.
            let _ = view.read_part(&path, shown, more.len(), Manner::Whole);
            view.settle(Duration::ZERO).await;
            if place != last && heads(wanted.headers, wanted.operands.len()) {
                call.shown_now(header(&file.operand, false)).await?;
            }
            last = place;
            for part in more.parts() {
                call.shown_now(part).await?;
            }
        }
        pause(seat, call, wanted.interval).await;
    }
}

/// Waits between two looks at what is followed.
pub async fn pause(seat: &Seat, call: &Call<'_>, interval: Duration) {
    if !call.on_screen() {
        seat.activity.sleep(interval).await;
        return;
    }
    // Time is not made to pass for somebody who only looks.
    let clock = &seat.host.clock;
    let pause = async {
        tokio::select! {
            () = clock.sleep_idle(interval) => {}
            () = tokio::time::sleep(STANDSTILL) => {}
        }
    };
    seat.activity.idle(pause).await;
}
