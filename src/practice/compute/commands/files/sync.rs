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
        Ok(match self.seat.host.settle().await {
            Ok(()) => ExecResult::default(),
            Err(why) => ExecResult::err(format!("sync: error syncing: {why}\n"), 1),
        })
    }
}
