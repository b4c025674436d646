//! Listening to a remote command: each of its lines is an event, and so is its end.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::executor::passing;
use crate::engine::event::{Heard, What};
use crate::lesson::schema::Side;
use crate::ssh::SshError;
use crate::ssh::link::Link;

/// Runs it until it ends or the lab no longer listens.
pub(super) async fn listen(
    on: Side,
    id: u64,
    run: String,
    link: Option<Arc<Link>>,
    events: mpsc::Sender<What>,
) {
    let heard = |news| What::Heard { on, id, news };
    let ended = async {
        let link = link.ok_or_else(|| SshError::Command("there is no connection".to_owned()))?;
        let mut listening = link.listen(&run).await?;
        while let Some(line) = listening.line().await? {
            if events.send(heard(Heard::Line(line))).await.is_err() {
                break;
            }
        }
        listening.end().await
    };
    let ended = (ended.await).map_err(|error| passing(&format!("ask {on}"), error.to_string()));
    // Nobody listens when the session is over.
    let _ = events.send(heard(Heard::Ended(ended))).await;
}
