//! What may hold up whoever uses a mount, and how they wait for it. Why it is closed, an unreachable server or a frozen
//! filesystem, stays outside.

use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;

use super::errno::Outcome;

/// What somebody is about to do with a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Look at names, attributes or content.
    Look,
    /// Change any of them.
    Change,
}

/// How somebody waits, in account time.
#[async_trait]
pub trait Patience: Send + Sync {
    /// Lets others run, now and then: called at every operation.
    async fn turn(&self) {}
    /// Lets so much time pass.
    async fn sleep(&self, time: Duration);
    /// Waits for something other than the clock; `false` when the time was up first.
    async fn wait(&self, at_most: Option<Duration>, event: BoxFuture<'_, ()>) -> bool;
}

/// Stands before a mount. What does not wait in front of a closed one fails with [`Errno::Io`](super::Errno::Io).
#[async_trait]
pub trait Gate: Send + Sync {
    /// Whether one gets through now. Asked at every operation, so it must be quick.
    fn is_open(&self, purpose: Use) -> bool;
    /// Waits until one gets through, or gives up: then the operation fails.
    async fn pass(&self, purpose: Use, patience: &dyn Patience) -> Outcome<()>;
    /// Whoever waits now gives up (`umount -f`).
    fn give_up(&self) {}
}
