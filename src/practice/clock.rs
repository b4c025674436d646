//! Account time: how fast it passes, and who waits for it.
//!
//! Nothing here knows what the waiting is for.

use std::time::Duration;

use jiff::Timestamp;

/// How fast account time passes against wall time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// So many account seconds per wall second; 1 is real time.
    Times(f64),
    /// Time jumps to the next deadline whenever an operation or a command on an instance waits and nothing computes;
    /// while something computes it passes at wall speed; while nothing waits it stands still.
    Max,
}

/// The account's clock; clones share it.
#[derive(Clone)]
pub struct Clock {}

impl Clock {
    /// A clock that shows `start` now.
    pub fn new(_pace: Pace, _start: Timestamp) -> Self {
        todo!()
    }
    /// Account time.
    pub fn now(&self) -> Timestamp {
        todo!()
    }
    /// The pace it was made with.
    pub fn pace(&self) -> Pace {
        todo!()
    }
    /// Moves account time forward by hand; every deadline passed fires, in order.
    pub fn advance(&self, _by: Duration) {
        todo!()
    }
    /// Begins a piece of work: it counts as computing until dropped, except while it sleeps or waits.
    pub fn activity(&self) -> Activity {
        todo!()
    }
    /// Sleeps without counting as work: for cron, leases, and anything that recurs. Never makes time jump by itself.
    pub async fn sleep_idle(&self, _d: Duration) {
        todo!()
    }
}

/// Work in progress on account time. While it is awake at pace `max`, time does not jump.
pub struct Activity {}

impl Activity {
    /// Sleeps in account time. The activity is awake again the instant its deadline fires, so that nothing jumps in between.
    pub async fn sleep(&self, _d: Duration) {
        todo!()
    }
    /// Waits for something other than the clock (a signal, another operation); time may jump meanwhile.
    pub async fn wait<F: Future>(&self, _f: F) -> F::Output {
        todo!()
    }
    /// Waits for `f` at most `d` of account time; `None` when the time was up first.
    pub async fn wait_at_most<F: Future>(&self, _d: Duration, _f: F) -> Option<F::Output> {
        todo!()
    }
}
