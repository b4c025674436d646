//! A thread for each shell that somebody has: what one computes holds up nobody else, and commands may be nested as
//! deeply as the limits of the shell allow. What runs on it stays outside.

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// For a shell in a shell in a shell. Only what is used of it takes memory.
const STACK: usize = 256 * 1024 * 1024;

/// Does work on a thread of its own; `None` when there is none to be had. Dropped, it ends the work where that waits.
pub async fn on_its_own<T: Send + 'static>(
    name: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let runtime = tokio::runtime::Handle::current();
    let (send, receive) = oneshot::channel();
    let dropped = CancellationToken::new();
    let stop = dropped.clone();
    let spawned = std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK)
        .spawn(move || {
            if let Some(done) = runtime.block_on(stop.run_until_cancelled_owned(work)) {
                // Nobody may wait for it any more.
                let _ = send.send(done);
            }
        });
    if let Err(why) = spawned {
        tracing::warn!(%why, name, "no thread for a shell");
        return None;
    }
    let _ends = dropped.drop_guard();
    receive.await.ok()
}
