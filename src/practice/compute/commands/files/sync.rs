//! `sync`: everything written so far is on disk when it returns.

use bashkit::{Builtin, BuiltinContext, ExecResult, async_trait};

use crate::practice::compute::host::Seat;

/// `sync`, for one shell.
pub(super) struct Sync {
    pub seat: Seat,
}

#[async_trait]
impl Builtin for Sync {
    async fn execute(&self, _ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let files = self.seat.host.files.clone();
        // The disk is the learner's own, and may be slow.
        let flushed = tokio::task::spawn_blocking(move || files.flush()).await;
        let why = match flushed {
            Ok(Ok(())) => return Ok(ExecResult::default()),
            Ok(Err(why)) => why.to_string(),
            Err(why) => why.to_string(),
        };
        Ok(ExecResult::err(format!("sync: error syncing: {why}\n"), 1))
    }
}
