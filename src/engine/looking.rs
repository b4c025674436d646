//! Looking at the account for a step: what its check needs and its panels show, again and again until it is done.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::effect::{Effect, Look};
use super::event::Failure;
use super::view::{Target, TerminalState};
use super::{Engine, Side};
use crate::lesson::check::Need;
use crate::lesson::sight::{Seen, Sight, Sights, SnapshotSeen, VolumeSeen};

/// How long until the account is looked at again (learner's time). A call of metrics costs money on AWS, where a
/// datapoint comes once a minute.
const AWS: SignedDuration = SignedDuration::from_secs(5);
const AWS_METRICS: SignedDuration = SignedDuration::from_secs(60);
/// A practice account costs nothing to ask, and is asked more often the faster it runs.
const PRACTICE: SignedDuration = SignedDuration::from_secs(1);
const FAST_PRACTICE: SignedDuration = SignedDuration::from_millis(100);

/// Outputs of the stack that name its alarms.
const ALARMS: [&str; 2] = ["CreditsAlarm", "IoLimitAlarm"];

/// What was seen, what is being looked at, and when it was looked at last.
#[derive(Debug, Clone, Default)]
pub(super) struct Looking {
    pub(super) sights: Sights,
    /// The account's time at the last look.
    pub(super) now: Option<Timestamp>,
    busy: BTreeSet<Sight>,
    last: BTreeMap<Sight, Timestamp>,
    /// When it wakes up for the next look.
    armed: Option<Timestamp>,
}

impl Looking {
    /// Whatever was seen may have changed.
    pub(super) fn again(&mut self) {
        self.last.clear();
    }

    /// Another step begins: what was seen before says nothing of it.
    pub(super) fn forget(&mut self) {
        self.sights.clear();
        self.last.clear();
    }

    /// When it was last looked at, by the learner's clock.
    pub(super) fn last(&self, sight: Sight) -> Option<Timestamp> {
        self.last.get(&sight).copied()
    }

    pub(super) fn woke(&mut self, at: Timestamp) {
        self.armed = self.armed.filter(|until| *until > at);
    }

    pub(super) fn snapshots(&self) -> &[SnapshotSeen] {
        match self.sights.get(&Sight::Snapshots) {
            Some(Ok(Seen::Snapshots(snapshots))) => snapshots,
            _ => &[],
        }
    }

    pub(super) fn volumes(&self) -> &[VolumeSeen] {
        match self.sights.get(&Sight::Volumes) {
            Some(Ok(Seen::Volumes(volumes))) => volumes,
            _ => &[],
        }
    }
}

impl Engine {
    /// What is to be looked at for the step as it stands.
    fn wanted_sights(&self) -> BTreeSet<Sight> {
        if self.step.passed().is_some() {
            return BTreeSet::new();
        }
        let needs = self.step.needs().filter_map(|need| match need {
            Need::Sight(sight) => Some(*sight),
            _ => None,
        });
        let shown = self.step_now().shows.iter().map(|panel| panel.sight());
        let mut sights: BTreeSet<_> = needs.chain(shown).collect();
        if self.names("{snapshot}") {
            sights.insert(Sight::Snapshots);
        }
        if self.names("{restored}") {
            sights.insert(Sight::Volumes);
        }
        sights
    }

    /// Whether the step's commands or solution name this.
    fn names(&self, placeholder: &str) -> bool {
        let step = self.step_now();
        let commands = step.commands.iter().any(|text| text.contains(placeholder));
        commands || format!("{:?}", step.solution).contains(placeholder)
    }

    /// Looks at what is due, and sets the alarm for the next look.
    pub(super) fn pursue_looks(&mut self, effects: &mut Vec<Effect>) {
        let id = self.ledger.current().and_then(|entry| entry.id.clone());
        let (Some(stack), Some(standing)) = (id, &self.stack) else {
            return;
        };
        if !standing.is_standing() {
            return;
        }
        let output = |name: &str| standing.outputs.get(name).cloned();
        let alarms = ALARMS
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), output(name)?)))
            .collect();
        let look = |sight| Look {
            sight,
            stack: stack.clone(),
            file_system: self.ledger.known().file_systems.last().cloned(),
            alarms: BTreeMap::clone(&alarms),
        };
        let mut next: Option<Timestamp> = None;
        let mut begun = Vec::new();
        for sight in self.wanted_sights() {
            if self.looking.busy.contains(&sight) {
                continue;
            }
            let due = self.looking.last.get(&sight).map(|last| {
                let every = self.every(sight);
                last.checked_add(every).unwrap_or(Timestamp::MAX)
            });
            match due.filter(|due| *due > self.at) {
                Some(due) => next = Some(next.map_or(due, |next| next.min(due))),
                None => {
                    effects.push(Effect::Look(look(sight)));
                    begun.push(sight);
                }
            }
        }
        self.looking.busy.extend(begun);
        if let Some(next) = next
            && self.looking.armed.is_none_or(|armed| armed > next)
        {
            self.looking.armed = Some(next);
            effects.push(Effect::WakeAt(next));
        }
    }

    fn every(&self, sight: Sight) -> SignedDuration {
        match (&self.setup.target, sight) {
            (Target::Practice { .. }, _) => self.paced(AWS_METRICS, FAST_PRACTICE).min(PRACTICE),
            (Target::Aws { .. }, Sight::Metrics) => AWS_METRICS,
            (Target::Aws { .. }, _) => AWS,
        }
    }

    pub(super) fn looked(
        &mut self,
        sight: Sight,
        now: Option<Timestamp>,
        outcome: Result<Seen, Failure>,
    ) {
        self.looking.busy.remove(&sight);
        self.looking.last.insert(sight, self.at);
        self.looking.now = now.or(self.looking.now);
        if let Ok(Seen::Machines(seen)) = &outcome {
            self.machines_look(seen);
        }
        let outcome = outcome.map_err(|failure| format!("{}: {}", failure.tried, failure.why));
        self.looking.sights.insert(sight, outcome);
        self.step.new_evidence();
    }

    /// A machine that runs again has another address: its terminal is opened anew.
    fn machines_look(&mut self, seen: &BTreeMap<Side, (String, Option<String>)>) {
        for (side, (state, address)) in seen {
            let known = self.machines.get(side);
            let moved = known.is_some_and(|machine| machine.address != *address);
            if state == "running" && address.is_some() && moved {
                self.machines.clear();
                if matches!(self.terminals.get(side), Some(TerminalState::Ended(_))) {
                    self.terminals.insert(*side, TerminalState::Closed);
                }
                return;
            }
        }
    }
}
