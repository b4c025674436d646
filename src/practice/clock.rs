//! Account time: how fast it passes, and who waits for it.
//!
//! Nothing here knows what the waiting is for.
//!
//! At pace `max` time jumps only while some activity is blocked (asleep or waiting) and none is awake. Three rules keep
//! a jump from overtaking work that is about to happen: a sleeper counts as awake from the instant its deadline fires,
//! a waiting activity counts as awake from the instant its waker is called, and a jump ends at the first deadline.

mod book;
mod pace;

use std::collections::{BTreeSet, HashMap};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use self::book::{Kind, Phase, State};
pub use self::pace::{NoPace, Pace};

/// How far a clock goes from where it starts: further than any exercise, and so near that whoever adds to its time
/// (a lease, a timeout) still has a date.
const HORIZON: SignedDuration = SignedDuration::from_hours(50 * 8766);
/// No clock goes past the year 9899, wherever it starts; jiff's dates end with 9999.
const LATEST: Timestamp = Timestamp::constant(250_246_627_200, 0);

/// Why time was not moved.
#[derive(Debug, thiserror::Error)]
#[error("account time ends at {0}: it cannot be moved past that")]
pub struct PastHorizon(Timestamp);

/// The account's clock; clones share it.
#[derive(Clone)]
pub struct Clock {
    inner: Arc<Inner>,
}

impl Clock {
    /// A clock that shows `start` now. An account that is opened again starts at the time it last persisted.
    #[must_use]
    pub fn new(pace: Pace, start: Timestamp) -> Self {
        let running = match pace {
            Pace::Times(_) => Some(Instant::now()),
            Pace::Max => None,
        };
        let end = HORIZON.min(LATEST.duration_since(start));
        let state = State {
            pace,
            start,
            limit: Duration::try_from(end).unwrap_or_default(),
            elapsed: Duration::ZERO,
            running,
            activities: HashMap::new(),
            idle: 0,
            awake: 0,
            pauses: HashMap::new(),
            deadlines: BTreeSet::new(),
            next_id: 0,
            hurried: None,
            jumps: 0,
            driven: false,
        };
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(state),
                changed: Notify::new(),
            }),
        }
    }

    /// Account time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let state = self.inner.lock();
        state.at(state.elapsed_now())
    }

    /// The pace it was made with.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.inner.lock().pace
    }

    /// Moves account time forward by hand; every deadline passed fires, in order. Not past the horizon.
    pub fn advance(&self, by: Duration) -> Result<(), PastHorizon> {
        self.inner.change(|state| {
            let to = state.reachable(by)?;
            state.jump(to);
            Ok(())
        })
    }

    /// Moves account time forward as fast as what happens meanwhile allows: whoever sleeps wakes at its own time, and what
    /// it does then is done then. What computes without end is overtaken: when in so much wall time (`patience`) less
    /// than a tenth of the way was gone, so that this takes ten times that at most.
    pub async fn hurry(&self, by: Duration, patience: Duration) -> Result<(), PastHorizon> {
        let pause = {
            self.inner.lock().reachable(by)?;
            let pause = PauseGuard::new(&self.inner, None, Some(by));
            self.inner.change(|state| {
                let end = state.pauses.get(&pause.id).and_then(|pause| pause.deadline);
                state.hurried = state.hurried.max(end);
            });
            pause
        };
        let mut before = self.now();
        loop {
            let arrived = poll_fn(|cx| pause.poll(cx, |_| Poll::<()>::Pending));
            if tokio::time::timeout(patience, arrived).await.is_ok() {
                return Ok(());
            }
            let now = self.now();
            if now.duration_since(before).unsigned_abs() < by / 10 {
                break;
            }
            before = now;
        }
        self.inner.change(|state| {
            if let Some(end) = state.hurried.take() {
                state.jump(end);
            }
        });
        Ok(())
    }

    /// Begins a piece of work: it counts as computing until dropped, except while it sleeps or waits.
    ///
    /// One activity is one thread of work: two things that block independently take two activities.
    #[must_use]
    pub fn activity(&self) -> Activity {
        let id = self.inner.change(State::begin_activity);
        Activity {
            inner: Arc::clone(&self.inner),
            id,
        }
    }

    /// Sleeps without counting as work: for cron, leases, and anything that recurs. Never makes time jump by itself.
    pub async fn sleep_idle(&self, d: Duration) {
        drop(self.rest(d).await);
    }

    /// Like [`Clock::sleep_idle`], and hands over an activity that is awake since the instant the deadline fired, so
    /// that what is to be done at that time is done at that time.
    pub async fn rest(&self, d: Duration) -> Activity {
        rest(PauseGuard::new(&self.inner, None, Some(d))).await
    }
}

async fn rest(pause: PauseGuard) -> Activity {
    poll_fn(|cx| pause.poll(cx, |_| Poll::<()>::Pending)).await;
    let inner = Arc::clone(&pause.inner);
    let id = inner.change(State::begin_activity);
    Activity { inner, id }
}

/// Work in progress on account time. While it is awake at pace `max`, time does not jump.
pub struct Activity {
    inner: Arc<Inner>,
    id: u64,
}

impl Activity {
    /// Sleeps in account time. The activity is awake again the instant its deadline fires, so that nothing jumps in between.
    pub async fn sleep(&self, d: Duration) {
        let pause = PauseGuard::new(&self.inner, Some(self.id), Some(d));
        poll_fn(|cx| pause.poll(cx, |_| Poll::<()>::Pending)).await;
    }

    /// Waits for something other than the clock (a signal, another operation); time may jump meanwhile.
    pub async fn wait<F: Future>(&self, f: F) -> F::Output {
        let mut f = pin!(f);
        let pause = PauseGuard::new(&self.inner, Some(self.id), None);
        poll_fn(|cx| {
            match pause.poll(cx, |waker| f.as_mut().poll(&mut Context::from_waker(waker))) {
                Poll::Ready(Some(output)) => Poll::Ready(output),
                // Without a deadline nothing fires.
                Poll::Ready(None) | Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Waits for `f` at most `d` of account time; `None` when the time was up first.
    pub async fn wait_at_most<F: Future>(&self, d: Duration, f: F) -> Option<F::Output> {
        let mut f = pin!(f);
        let pause = PauseGuard::new(&self.inner, Some(self.id), Some(d));
        poll_fn(|cx| pause.poll(cx, |waker| f.as_mut().poll(&mut Context::from_waker(waker)))).await
    }
}

impl Activity {
    /// Waits for somebody outside the account (a person at a prompt, a client's input), who is in no hurry: until then
    /// this activity is neither awake nor blocked, so that an idle terminal does not make time jump, nor hold it up.
    pub async fn idle<F: Future>(&self, f: F) -> F::Output {
        self.pause(Kind::Idle, f).await
    }

    /// Computes: while `f` is being polled, or is about to be, this activity is awake, whatever parts of it sleep or wait
    /// beside the others. Between, it is what its parts are.
    pub async fn compute<F: Future>(&self, f: F) -> F::Output {
        self.pause(Kind::Work, f).await
    }

    async fn pause<F: Future>(&self, kind: Kind, f: F) -> F::Output {
        let mut f = pin!(f);
        let pause = PauseGuard::new(&self.inner, Some(self.id), None);
        self.inner.change(|state| state.mark(pause.id, kind));
        poll_fn(|cx| {
            match pause.poll(cx, |waker| f.as_mut().poll(&mut Context::from_waker(waker))) {
                Poll::Ready(Some(output)) => Poll::Ready(output),
                // Without a deadline nothing fires.
                Poll::Ready(None) | Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Ends this piece of work and rests until the next: what recurs goes round with it, since between ending one
    /// activity and calling [`Clock::rest`] time could jump.
    pub async fn rest(self, d: Duration) -> Self {
        let pause = PauseGuard::new(&self.inner, None, Some(d));
        drop(self);
        rest(pause).await
    }
}

impl std::fmt::Debug for Activity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Activity").field(&self.id).finish()
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        self.inner.change(|state| state.end_activity(self.id));
    }
}

struct Inner {
    state: Mutex<State>,
    /// The earliest deadline or the speed of time changed: the driver sets its timer anew.
    changed: Notify,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, lets time do what follows from it, then wakes whom it concerns, unlocked.
    fn change<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let before = state.pulse();
        let value = f(&mut state);
        let due = state.settle();
        let after = state.pulse();
        drop(state);
        for waker in due {
            waker.wake();
        }
        if before != after {
            self.changed.notify_one();
        }
        value
    }

    /// Sees to it that deadlines fire when time reaches them by passing rather than by jumping.
    fn ensure_driven(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        {
            let mut state = self.lock();
            if state.driven {
                return;
            }
            state.driven = true;
        }
        // Made here and not in the task, so that the flag falls even if the runtime ends before it runs once.
        let driver = Driver(Arc::downgrade(self));
        runtime.spawn(driver.run());
    }
}

/// The task that sleeps in wall time until the earliest deadline; it lives while there is a deadline.
struct Driver(Weak<Inner>);

impl Driver {
    async fn run(mut self) {
        loop {
            let Some(inner) = self.0.upgrade() else {
                return;
            };
            let delay = {
                let mut state = inner.lock();
                if state.deadlines.is_empty() {
                    state.driven = false;
                    self.0 = Weak::new();
                    return;
                }
                state.wall_time_to_next()
            };
            match delay {
                Some(delay) => {
                    tokio::select! {
                        () = tokio::time::sleep(delay) => {}
                        () = inner.changed.notified() => {}
                    }
                }
                None => inner.changed.notified().await,
            }
            inner.change(|_| ());
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The runtime that ran it ended: whoever sleeps next, on another, starts another.
        if let Some(inner) = self.0.upgrade() {
            inner.lock().driven = false;
        }
    }
}

/// One sleep or wait, registered from its first poll until it is over or dropped.
struct PauseGuard {
    inner: Arc<Inner>,
    id: u64,
}

impl PauseGuard {
    fn new(inner: &Arc<Inner>, activity: Option<u64>, sleep: Option<Duration>) -> Self {
        let id = inner.change(|state| state.begin_pause(activity, sleep));
        if sleep.is_some() {
            inner.ensure_driven();
        }
        Self {
            inner: Arc::clone(inner),
            id,
        }
    }

    /// Polls `f` first, so that what is ready at the deadline counts as in time. `Ready(None)`: the deadline fired.
    fn poll<T>(&self, cx: &Context<'_>, f: impl FnOnce(&Waker) -> Poll<T>) -> Poll<Option<T>> {
        self.inner.change(|state| {
            state.set_phase(self.id, Phase::Polled);
            if let Some(pause) = state.pauses.get_mut(&self.id) {
                pause.woken_again = false;
            }
        });
        let waker = Waker::from(Arc::new(PauseWaker {
            inner: Arc::downgrade(&self.inner),
            id: self.id,
            task: cx.waker().clone(),
        }));
        if let Poll::Ready(value) = f(&waker) {
            return Poll::Ready(Some(value));
        }
        let task = cx.waker().clone();
        let (fired, stale) = self.inner.change(|state| {
            let Some(pause) = state.pauses.get_mut(&self.id) else {
                return (true, None);
            };
            if pause.fired {
                return (true, None);
            }
            let stale = pause.waker.replace(task);
            let phase = if pause.woken_again {
                Phase::Woken
            } else {
                Phase::Blocked
            };
            state.set_phase(self.id, phase);
            (false, stale)
        });
        drop(stale);
        if fired {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    }
}

impl Drop for PauseGuard {
    fn drop(&mut self) {
        drop(self.inner.change(|state| state.end_pause(self.id)));
    }
}

/// Marks the pause as awake before the task that will go on is scheduled.
struct PauseWaker {
    inner: Weak<Inner>,
    id: u64,
    task: Waker,
}

impl Wake for PauseWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(inner) = self.inner.upgrade() {
            inner.change(|state| match state.pauses.get_mut(&self.id) {
                Some(pause) if pause.phase == Phase::Polled => pause.woken_again = true,
                Some(pause) if pause.phase == Phase::Blocked => {
                    state.set_phase(self.id, Phase::Woken);
                }
                _ => {}
            });
        }
        self.task.wake_by_ref();
    }
}

#[cfg(test)]
mod tests;
