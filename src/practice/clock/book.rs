//! The clock's book: who is awake, who waits, who sleeps until when, and what time does then. No task and no waiting: whoever
//! changes it holds the lock, and wakes whom it names.

use std::collections::{BTreeSet, HashMap};
use std::task::Waker;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::{Pace, PastHorizon};

/// A timer further away than this only says that somebody will change something first.
const FAR: Duration = Duration::from_hours(24);

/// How many pauses of one activity are blocked, and how many are about to go on.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) blocked: usize,
    pub(super) active: usize,
    /// Of the blocked ones, how many wait for somebody outside: whatever else it does (a job in the background that
    /// nobody polls meanwhile), the activity is at rest.
    pub(super) idle: usize,
}

impl Tally {
    pub(super) fn awake(&self) -> bool {
        self.idle == 0 && (self.blocked == 0 || self.active > 0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Being polled.
    Polled,
    /// Polled and not ready.
    Blocked,
    /// Its deadline fired or its waker was called; about to be polled.
    Woken,
}

/// What a pause is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sleeps, or waits for something inside the account.
    Wait,
    /// Waits for somebody outside the account.
    Idle,
    /// Work whose parts may pause: itself it never does.
    Work,
}

pub(super) struct Pause {
    pub(super) activity: Option<u64>,
    pub(super) kind: Kind,
    pub(super) phase: Phase,
    /// Its waker was called while it was being polled.
    pub(super) woken_again: bool,
    pub(super) fired: bool,
    pub(super) deadline: Option<Duration>,
    pub(super) waker: Option<Waker>,
}

pub(super) struct State {
    pub(super) pace: Pace,
    pub(super) start: Timestamp,
    /// Account time after `start` at which it stands still for ever.
    pub(super) limit: Duration,
    /// Account time passed since `start`, up to `running`.
    pub(super) elapsed: Duration,
    /// Since when time passes on top of `elapsed`; `None` while it stands still.
    pub(super) running: Option<Instant>,
    pub(super) activities: HashMap<u64, Tally>,
    /// Activities that wait for somebody outside.
    pub(super) idle: usize,
    /// Activities awake, and idle sleepers that have fired and not gone on yet.
    pub(super) awake: usize,
    pub(super) pauses: HashMap<u64, Pause>,
    /// Who sleeps until when, in the order in which they fire.
    pub(super) deadlines: BTreeSet<(Duration, u64)>,
    pub(super) next_id: u64,
    /// Until then time jumps wherever nobody is awake, at whatever pace.
    pub(super) hurried: Option<Duration>,
    /// How often time has jumped.
    pub(super) jumps: u64,
    pub(super) driven: bool,
}

impl State {
    /// The time that is so far away, if the clock goes so far.
    pub(super) fn reachable(&self, by: Duration) -> Result<Duration, PastHorizon> {
        let to = self.elapsed_now().saturating_add(by);
        if to > self.limit {
            return Err(PastHorizon(self.at(self.limit)));
        }
        Ok(to)
    }

    /// What the driver's timer depends on.
    pub(super) fn pulse(&self) -> (bool, Option<Duration>, u64) {
        (self.running.is_some(), self.next_deadline(), self.jumps)
    }

    /// Makes it this late, unless it is later.
    pub(super) fn jump(&mut self, to: Duration) {
        self.jumps += 1;
        self.elapsed = self.elapsed_now().max(to);
        self.running = self.running.map(|_| Instant::now());
    }

    pub(super) fn at(&self, elapsed: Duration) -> Timestamp {
        let elapsed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
        self.start.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn rate(&self) -> f64 {
        match self.pace {
            Pace::Times(times) => times,
            Pace::Max => 1.0,
        }
    }

    pub(super) fn elapsed_now(&self) -> Duration {
        let Some(since) = self.running else {
            return self.elapsed;
        };
        let wall = since.elapsed();
        let passed =
            Duration::try_from_secs_f64(wall.as_secs_f64() * self.rate()).unwrap_or(Duration::MAX);
        self.elapsed.saturating_add(passed).min(self.limit)
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Wall time until the earliest deadline is reached by passing; `None` while time stands still.
    pub(super) fn wall_time_to_next(&self) -> Option<Duration> {
        self.running?;
        let left = self.next_deadline()?.saturating_sub(self.elapsed_now());
        Some(
            Duration::try_from_secs_f64(left.as_secs_f64() / self.rate())
                .map_or(FAR, |d| d.min(FAR)),
        )
    }

    pub(super) fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn begin_activity(&mut self) -> u64 {
        let id = self.take_id();
        self.activities.insert(id, Tally::default());
        self.awake += 1;
        id
    }

    pub(super) fn end_activity(&mut self, id: u64) {
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

    pub(super) fn mark(&mut self, pause: u64, kind: Kind) {
        if let Some(pause) = self.pauses.get_mut(&pause) {
            pause.kind = kind;
        }
    }

    pub(super) fn begin_pause(&mut self, activity: Option<u64>, sleep: Option<Duration>) -> u64 {
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
    pub(super) fn end_pause(&mut self, id: u64) -> Option<Waker> {
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

    pub(super) fn set_phase(&mut self, id: u64, phase: Phase) {
        let Some(pause) = self.pauses.get_mut(&id) else {
            return;
        };
        let (activity, kind, before) = (pause.activity, pause.kind, pause.phase);
        pause.phase = phase;
        // Up before down, so that the activity does not seem to wake or fall asleep in between.
        self.count(activity, phase, kind, 1);
        self.count(activity, before, kind, -1);
    }

    pub(super) fn count(&mut self, activity: Option<u64>, phase: Phase, kind: Kind, by: isize) {
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
    pub(super) fn destination(&self) -> Option<Duration> {
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
    pub(super) fn settle(&mut self) -> Vec<Waker> {
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

    pub(super) fn fire_due(&mut self, due: &mut Vec<Waker>) {
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
