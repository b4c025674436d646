//! Account time: how fast it passes, and who waits for it.
//!
//! Nothing here knows what the waiting is for.
//!
//! At pace `max` time jumps only while some activity is blocked (asleep or waiting) and none is awake. Three rules keep
//! a jump from overtaking work that is about to happen: a sleeper counts as awake from the instant its deadline fires,
//! a waiting activity counts as awake from the instant its waker is called, and a jump ends at the first deadline.

mod pace;

use std::collections::{BTreeSet, HashMap};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

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

/// A timer further away than this only says that somebody will change something first.
const FAR: Duration = Duration::from_hours(24);

/// How many pauses of one activity are blocked, and how many are about to go on.
#[derive(Default)]
struct Tally {
    blocked: usize,
    active: usize,
    /// Of the blocked ones, how many wait for somebody outside: whatever else it does (a job in the background that
    /// nobody polls meanwhile), the activity is at rest.
    idle: usize,
}

impl Tally {
    fn awake(&self) -> bool {
        self.idle == 0 && (self.blocked == 0 || self.active > 0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Being polled.
    Polled,
    /// Polled and not ready.
    Blocked,
    /// Its deadline fired or its waker was called; about to be polled.
    Woken,
}

/// What a pause is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Sleeps, or waits for something inside the account.
    Wait,
    /// Waits for somebody outside the account.
    Idle,
    /// Work whose parts may pause: itself it never does.
    Work,
}

struct Pause {
    activity: Option<u64>,
    kind: Kind,
    phase: Phase,
    /// Its waker was called while it was being polled.
    woken_again: bool,
    fired: bool,
    deadline: Option<Duration>,
    waker: Option<Waker>,
}

struct State {
    pace: Pace,
    start: Timestamp,
    /// Account time after `start` at which it stands still for ever.
    limit: Duration,
    /// Account time passed since `start`, up to `running`.
    elapsed: Duration,
    /// Since when time passes on top of `elapsed`; `None` while it stands still.
    running: Option<Instant>,
    activities: HashMap<u64, Tally>,
    /// Activities that wait for somebody outside.
    idle: usize,
    /// Activities awake, and idle sleepers that have fired and not gone on yet.
    awake: usize,
    pauses: HashMap<u64, Pause>,
    /// Who sleeps until when, in the order in which they fire.
    deadlines: BTreeSet<(Duration, u64)>,
    next_id: u64,
    /// Until then time jumps wherever nobody is awake, at whatever pace.
    hurried: Option<Duration>,
    /// How often time has jumped.
    jumps: u64,
    driven: bool,
}

impl State {
    /// The time that is so far away, if the clock goes so far.
    fn reachable(&self, by: Duration) -> Result<Duration, PastHorizon> {
        let to = self.elapsed_now().saturating_add(by);
        if to > self.limit {
            return Err(PastHorizon(self.at(self.limit)));
        }
        Ok(to)
    }

    /// What the driver's timer depends on.
    fn pulse(&self) -> (bool, Option<Duration>, u64) {
        (self.running.is_some(), self.next_deadline(), self.jumps)
    }

    /// Makes it this late, unless it is later.
    fn jump(&mut self, to: Duration) {
        self.jumps += 1;
        self.elapsed = self.elapsed_now().max(to);
        self.running = self.running.map(|_| Instant::now());
    }

    fn at(&self, elapsed: Duration) -> Timestamp {
        let elapsed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
        self.start.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn rate(&self) -> f64 {
        match self.pace {
            Pace::Times(times) => times,
            Pace::Max => 1.0,
        }
    }

    fn elapsed_now(&self) -> Duration {
        let Some(since) = self.running else {
            return self.elapsed;
        };
        let wall = since.elapsed();
        let passed =
            Duration::try_from_secs_f64(wall.as_secs_f64() * self.rate()).unwrap_or(Duration::MAX);
        self.elapsed.saturating_add(passed).min(self.limit)
    }

    fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Wall time until the earliest deadline is reached by passing; `None` while time stands still.
    fn wall_time_to_next(&self) -> Option<Duration> {
        self.running?;
        let left = self.next_deadline()?.saturating_sub(self.elapsed_now());
        Some(
            Duration::try_from_secs_f64(left.as_secs_f64() / self.rate())
                .map_or(FAR, |d| d.min(FAR)),
        )
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn begin_activity(&mut self) -> u64 {
        let id = self.take_id();
        self.activities.insert(id, Tally::default());
        self.awake += 1;
        id
    }

    fn end_activity(&mut self, id: u64) {
        let Some(tally) = self.activities.remove(&id) else {
            return;
        };
        if tally.awake() {
            self.awake -= 1;
        }
        if tally.idle > 0 {
            self.idle -= 1;
        }
    }

    fn mark(&mut self, pause: u64, kind: Kind) {
        if let Some(pause) = self.pauses.get_mut(&pause) {
            pause.kind = kind;
        }
    }

    fn begin_pause(&mut self, activity: Option<u64>, sleep: Option<Duration>) -> u64 {
        let id = self.take_id();
        // What would end beyond the horizon does not end.
        let deadline = sleep
            .map(|d| self.elapsed_now().saturating_add(d))
            .filter(|at| *at <= self.limit);
        if let Some(at) = deadline {
            self.deadlines.insert((at, id));
        }
        let pause = Pause {
            activity,
            kind: Kind::Wait,
            phase: Phase::Polled,
            woken_again: false,
            fired: false,
            deadline,
            waker: None,
        };
        self.count(activity, Phase::Polled, Kind::Wait, 1);
        self.pauses.insert(id, pause);
        id
    }

    /// Returns the waker, to be dropped unlocked: with it a task may go, and with that other pauses.
    fn end_pause(&mut self, id: u64) -> Option<Waker> {
        let pause = self.pauses.remove(&id)?;
        self.count(pause.activity, pause.phase, pause.kind, -1);
        if pause.activity.is_none() && pause.fired {
            self.awake -= 1;
        }
        if let Some(at) = pause.deadline {
            self.deadlines.remove(&(at, id));
        }
        pause.waker
    }

    fn set_phase(&mut self, id: u64, phase: Phase) {
        let Some(pause) = self.pauses.get_mut(&id) else {
            return;
        };
        let (activity, kind, before) = (pause.activity, pause.kind, pause.phase);
        pause.phase = phase;
        // Up before down, so that the activity does not seem to wake or fall asleep in between.
        self.count(activity, phase, kind, 1);
        self.count(activity, before, kind, -1);
    }

    fn count(&mut self, activity: Option<u64>, phase: Phase, kind: Kind, by: isize) {
        if kind == Kind::Work && phase == Phase::Blocked {
            return;
        }
        let Some(tally) = activity.and_then(|id| self.activities.get_mut(&id)) else {
            return;
        };
        let before = tally.awake();
        let counter = match phase {
            Phase::Blocked => &mut tally.blocked,
            Phase::Polled | Phase::Woken => &mut tally.active,
        };
        *counter = counter.saturating_add_signed(by);
        if kind == Kind::Idle && phase == Phase::Blocked {
            let at_rest = tally.idle > 0;
            tally.idle = tally.idle.saturating_add_signed(by);
            match (at_rest, tally.idle > 0) {
                (false, true) => self.idle += 1,
                (true, false) => self.idle -= 1,
                _ => {}
            }
        }
        match (before, tally.awake()) {
            (true, false) => self.awake -= 1,
            (false, true) => self.awake += 1,
            _ => {}
        }
    }

    /// Where time jumps to now.
    fn destination(&self) -> Option<Duration> {
        if self.awake > 0 {
            return None;
        }
        let next = self.next_deadline();
        match self.hurried {
            Some(end) => Some(next.map_or(end, |at| at.min(end))),
            None if self.pace == Pace::Max && self.activities.len() > self.idle => next,
            None => None,
        }
    }

    /// What follows from the present state: deadlines that have passed fire; at pace `max` time runs, stands or jumps.
    fn settle(&mut self) -> Vec<Waker> {
        let mut due = Vec::new();
        self.fire_due(&mut due);
        if let Some(at) = self.destination() {
            self.jump(at);
            self.fire_due(&mut due);
        }
        self.hurried = self.hurried.filter(|end| *end > self.elapsed_now());
        if self.pace == Pace::Max {
            match (self.awake > 0, self.running) {
                (true, None) => self.running = Some(Instant::now()),
                (false, Some(_)) => {
                    self.elapsed = self.elapsed_now();
                    self.running = None;
                }
                _ => {}
            }
        }
        due
    }

    fn fire_due(&mut self, due: &mut Vec<Waker>) {
        let now = self.elapsed_now();
        while let Some(&(at, id)) = self.deadlines.first()
            && at <= now
        {
            self.deadlines.pop_first();
            let Some(pause) = self.pauses.get_mut(&id) else {
                continue;
            };
            pause.fired = true;
            pause.deadline = None;
            due.extend(pause.waker.take());
            if pause.activity.is_none() {
                self.awake += 1;
            }
            if self
                .pauses
                .get(&id)
                .is_some_and(|p| p.phase == Phase::Blocked)
            {
                self.set_phase(id, Phase::Woken);
            }
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
