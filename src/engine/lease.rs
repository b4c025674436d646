//! The lease of a lab, and the guard that removes the lab when it is over: armed before anything is built, renewed while
//! the learner works, taken away last.

use jiff::{SignedDuration, Timestamp};

use super::build::Task;
use super::cleanup::{BETWEEN, Role};
use super::effect::{Effect, GuardWish};
use super::event::{Failure, FailureClass, Inventory};
use super::view::{Listing, Phase, Trouble};
use super::{ATTEMPTS, Engine};

/// How long a lab lives after its learner was last seen, unless she says otherwise.
pub const TTL: SignedDuration = SignedDuration::from_hours(4);
/// Until a renewal that failed for a passing reason is tried again.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Said of what is left of a guard that was not taken away.
const STAYS: &str =
    "it stays as long as something of the lab is left, and goes on trying to remove that";

/// What is said of what is left of a guard that was taken away, again and again.
const LISTED: &str = "it was taken away, and is listed all the same";

/// What is known of the guard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Guard {
    /// Nothing yet: another session may have made it.
    #[default]
    Unknown,
    /// There is none.
    Missing,
    /// It waits for the end of the lease.
    Armed,
    /// It has begun to remove the lab.
    Removing,
}

/// The lease.
#[derive(Debug, Clone, Default)]
pub(super) struct Lease {
    guard: Guard,
    /// When it ends, by the learner's clock.
    until: Option<Timestamp>,
    /// When the request under way was made: the lease that it gives is counted from there.
    asked: Option<Timestamp>,
    /// When the learner last did anything.
    active: Option<Timestamp>,
    /// Not renewed before.
    not_before: Option<Timestamp>,
    /// When somebody wakes us for it.
    alarm: Option<Timestamp>,
}

impl Engine {
    /// The learner did something.
    pub(super) fn is_active(&mut self) {
        self.lease.active = Some(self.at);
    }

    /// When the lab removes itself, by the learner's clock; `None`: never, or nothing stands.
    pub(super) fn lease_ends(&self) -> Option<Timestamp> {
        self.lease.until.filter(|_| self.ledger.current().is_some())
    }

    /// Whether the guard is being made before anything is built.
    pub(super) fn is_arming(&self) -> bool {
        self.busy.with(Task::Guarding) && self.ledger.current().is_none() && self.cleanup.is_none()
    }

    /// How long a lease is in the target's time.
    fn account_time(&self, ttl: SignedDuration) -> SignedDuration {
        let factor = self.setup.faster.unwrap_or(1.0);
        SignedDuration::try_from_secs_f64(ttl.as_secs_f64() * factor).unwrap_or(ttl)
    }

    /// Sees to it that the guard is armed before anything is built. `true`: it is, or the learner wants none.
    pub(super) fn is_guarded(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(ttl) = self.setup.ttl else {
            return true;
        };
        if self.lease.guard == Guard::Armed {
            return true;
        }
        if !self.busy.with(Task::Guarding) {
            self.ask_for(GuardWish::Arm(self.account_time(ttl)), effects);
        }
        false
    }

    fn ask_for(&mut self, wish: GuardWish, effects: &mut Vec<Effect>) {
        self.busy.begin(Task::Guarding);
        self.lease.asked = Some(self.at);
        effects.push(Effect::Guard(wish));
    }

    /// While something stands: renews the lease when half of it has passed and the learner is there; makes the guard of a
    /// lab that has none.
    pub(super) fn pursue_lease(&mut self, effects: &mut Vec<Effect>) {
        let Some(ttl) = self.setup.ttl else { return };
        if self.ledger.current().is_none() || self.busy.with(Task::Guarding) {
            return;
        }
        self.lease.alarm = self.lease.alarm.filter(|alarm| *alarm > self.at);
        match self.lease.guard {
            Guard::Removing => {}
            Guard::Missing => self.ask_for(GuardWish::Arm(self.account_time(ttl)), effects),
            Guard::Unknown if self.may_renew() => {
                self.ask_for(GuardWish::Renew(self.account_time(ttl)), effects);
            }
            Guard::Armed if self.may_renew() && self.is_due(ttl) => {
                self.ask_for(GuardWish::Renew(self.account_time(ttl)), effects);
            }
            Guard::Unknown | Guard::Armed => self.set_lease_alarm(ttl, effects),
        }
    }

    /// Half of the lease is over by an account's clock that jumps, a loop that sleeps on an instance may have had it pass in a
    /// moment: it is renewed as long as the learner was seen in the last of her own hours.
    pub(super) fn half_time_came(&mut self, effects: &mut Vec<Effect>) {
        let Some(ttl) = self.setup.ttl else { return };
        let seen = self.lease.active.and_then(|at| at.checked_add(ttl).ok());
        let there = seen.is_some_and(|until| until > self.at);
        let armed = self.lease.guard == Guard::Armed && !self.busy.with(Task::Guarding);
        if there && armed && self.phase == Phase::Learning {
            self.ask_for(GuardWish::Renew(self.account_time(ttl)), effects);
        }
    }

    fn may_renew(&self) -> bool {
        self.lease.not_before.is_none_or(|at| at <= self.at)
    }

    fn half_time(&self, ttl: SignedDuration) -> Option<Timestamp> {
        self.lease.until?.checked_sub(ttl / 2).ok()
    }

    /// Whether half of the lease has passed, and the learner was there in it.
    fn is_due(&self, ttl: SignedDuration) -> bool {
        let half = self.half_time(ttl).is_some_and(|half| half <= self.at);
        let begun = self
            .lease
            .until
            .and_then(|until| until.checked_sub(ttl).ok());
        let there = self.lease.active.zip(begun);
        half && there.is_some_and(|(active, begun)| active > begun)
    }

    /// Asks to be woken when the lease may have to be renewed.
    fn set_lease_alarm(&mut self, ttl: SignedDuration, effects: &mut Vec<Effect>) {
        let next = self.lease.not_before.filter(|at| *at > self.at);
        let next = next.or_else(|| self.half_time(ttl).filter(|half| *half > self.at));
        if let Some(next) = next.filter(|_| self.lease.alarm.is_none()) {
            self.lease.alarm = Some(next);
            effects.push(Effect::WakeAt(next));
        }
    }

    /// The lease begins anew with the request that was answered.
    fn leased(&mut self) {
        self.lease.guard = Guard::Armed;
        self.lease.not_before = None;
        let from = self.lease.asked.unwrap_or(self.at);
        self.lease.until = self.setup.ttl.and_then(|ttl| from.checked_add(ttl).ok());
    }

    pub(super) fn armed(&mut self, outcome: Result<(), Failure>) {
        self.busy.end(Task::Guarding);
        match outcome {
            Ok(()) => {
                self.worked();
                self.leased();
            }
            // Nothing is built without it.
            Err(failure) => self.in_the_way(&failure, "make the guard again"),
        }
    }

    pub(super) fn renewed(&mut self, outcome: Result<(), Failure>) {
        self.busy.end(Task::Guarding);
        let Err(failure) = outcome else {
            self.leased();
            return;
        };
        match failure.class {
            FailureClass::NotFound => self.lease.guard = Guard::Missing,
            FailureClass::Refused => {
                self.lease.guard = Guard::Removing;
                self.lease.until = None;
                self.tell_of_lease(&failure);
            }
            _ => {
                self.lease.not_before = self.at.checked_add(AGAIN).ok();
                self.tell_of_lease(&failure);
            }
        }
    }

    /// Says what became of the lease, unless something else is in the way.
    fn tell_of_lease(&mut self, failure: &Failure) {
        if self.trouble.is_none() && self.cleanup.is_none() {
            self.trouble = Some(Trouble::from(failure));
        }
    }

    /// The lab's stack is gone: whatever guard there was may be gone, too.
    pub(super) fn forget_lease(&mut self) {
        self.lease.guard = Guard::Unknown;
        self.lease.until = None;
    }

    /// Takes in what a listing shows of the guard. It goes last, and only if nothing else is left.
    pub(super) fn take_in_guard(&mut self, inventory: &Inventory) {
        let Some(cleanup) = &mut self.cleanup else {
            return;
        };
        let guard = &inventory.guard;
        let settled = |hopeless: bool, answer: &Listing| match answer {
            Listing::Empty | Listing::Kept(_) => true,
            Listing::CouldNotTell(_) => false,
            Listing::Left(ids) => ids
                .iter()
                .all(|id| guard.contains(id) || hopeless && cleanup.sweep.is_hopeless(id)),
        };
        let alone = inventory.rows.iter().all(|row| settled(false, &row.answer));
        let kept = inventory.rows.iter().all(|row| settled(true, &row.answer));
        let gives_up = cleanup.keeps_guard.clone();
        let tries = gives_up.is_none() && cleanup.given_up.is_none();
        // Its schedule goes with its stack, or nobody knows whose it is.
        cleanup.guard = alone && inventory.has_guard() && tries;
        if kept && !cleanup.guard {
            let why = gives_up.as_deref().unwrap_or(STAYS);
            for id in guard {
                cleanup.sweep.give_up_on(id, why);
            }
        }
    }

    /// Makes the guard anew when the role is gone without which the lab's stack cannot be deleted. `true`: that is not done
    /// yet.
    pub(super) fn put_guard_back(&mut self, effects: &mut Vec<Effect>) -> bool {
        let gone = (self.cleanup.as_ref()).is_some_and(|cleanup| cleanup.role == Role::Gone);
        if gone {
            self.say(
                "putting the guard back: it was deleted before the stack, which cannot go without the guard's role",
            );
            self.ask_for(GuardWish::PutBack, effects);
        }
        gone
    }

    pub(super) fn guard_put_back(&mut self, outcome: Result<(), Failure>) {
        self.busy.end(Task::Guarding);
        match outcome {
            Ok(()) => {
                self.worked();
                if let Some(cleanup) = &mut self.cleanup {
                    cleanup.role = Role::PutBack;
                    cleanup.sweep.progress = true;
                }
            }
            Err(failure) if failure.class == FailureClass::Credentials => self.give_up(&failure),
            // It is asked for again, after a while.
            Err(failure) if self.may_try_again("role", &failure) => {}
            Err(failure) => self.give_up(&failure),
        }
    }

    /// Takes the guard away, when nothing else is left. `true`: that is not done yet.
    pub(super) fn disarm(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(cleanup) = &mut self.cleanup else {
            return false;
        };
        if !std::mem::take(&mut cleanup.guard) {
            return false;
        }
        self.say("taking away the guard that would have removed the lab");
        self.busy.begin(Task::Guarding);
        effects.push(Effect::Guard(GuardWish::Disarm));
        true
    }

    pub(super) fn disarmed(&mut self, outcome: Result<(), Failure>) {
        self.busy.end(Task::Guarding);
        let Err(failure) = outcome else {
            self.forget_lease();
            self.lease.guard = Guard::Missing;
            self.worked();
            if let Some(cleanup) = &mut self.cleanup {
                cleanup.disarmed += 1;
                cleanup.sweep.progress = true;
                if cleanup.disarmed >= ATTEMPTS {
                    cleanup.keeps_guard = Some(LISTED.to_owned());
                } else if cleanup.disarmed > 1 {
                    let wait = BETWEEN * 2_i32.saturating_pow(cleanup.disarmed);
                    self.pause = self.at.checked_add(wait).ok();
                }
            }
            return;
        };
        match failure.class {
            FailureClass::Credentials => self.give_up(&failure),
            // The next listing shows it, and it is tried again.
            _ if self.may_try_again("guard", &failure) => {}
            _ => {
                self.trouble = Some(Trouble::from(&failure));
                if let Some(cleanup) = &mut self.cleanup {
                    cleanup.keeps_guard = Some(failure.why);
                }
            }
        }
    }
}
