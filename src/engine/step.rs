//! The current step: its answer, hints and verdict, and the evidence that is gathered for it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::causality::Causality;
use super::effect::{Effect, StepProgress};
use super::event::{Failure, Ran};
use super::stack::ASKED;
use super::view::{Listing, Mark, Phase, Receipt, StepState};
use super::{Engine, Side};
use crate::lesson::check::{
    self, Evidence, Facts, MachineFacts, Need, Proposed, ReceiptState, RemoteCommand, RemoteOutput,
    StackState, Verdict,
};
use crate::lesson::facts::fill;
use crate::lesson::schema::{Check, Step};
use crate::template::Stage;

/// What is known of the step the learner stands at.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) hints: usize,
    pub(super) answer: Option<String>,
    /// The learner went on without it; of no account once it has passed.
    skipped: bool,
    pub(super) verdict: Option<Verdict>,
    pub(super) verdicts: u32,
    /// What was measured, once it has passed.
    pub(super) measured: BTreeMap<String, f64>,
    /// When it was passed.
    pub(super) passed_at: Option<Timestamp>,
    /// The snapshot that the step was about, to be kept in mind.
    pub(super) snapshot: Option<String>,
    /// How soon each machine sees what the other writes.
    pub(super) causality: Causality,
    /// The learner awaits the verdict: it must be given even if it is bad.
    awaited: bool,
    needs: Vec<Need>,
    remote: BTreeMap<RemoteCommand, Result<RemoteOutput, String>>,
    probing: BTreeSet<RemoteCommand>,
    /// Counts pieces of evidence, so that each is judged once and none is missed while a machine is being asked.
    evidence: u64,
    judged: u64,
    probed: u64,
}

impl Current {
    /// A step as one comes to it.
    pub(super) fn of(step: &Step, record: Option<&StepProgress>) -> Self {
        Self {
            hints: record.map_or(0, |record| record.hints),
            answer: record.and_then(|record| record.answer.clone()),
            skipped: record.is_some_and(|record| record.skipped),
            verdict: record
                .and_then(|record| record.passed.clone())
                .map(Verdict::Passed),
            verdicts: 0,
            measured: record.map_or_else(BTreeMap::new, |record| record.measured.clone()),
            passed_at: record.and_then(|record| record.passed_at),
            snapshot: record.and_then(|record| record.snapshot.clone()),
            causality: Causality::default(),
            awaited: false,
            needs: check::needs(step),
            remote: BTreeMap::new(),
            probing: BTreeSet::new(),
            evidence: 1,
            judged: 0,
            probed: 0,
        }
    }

    /// What was said of the step so far no longer holds, unless it has passed.
    pub(super) fn forget_verdict(&mut self) {
        if self.passed().is_none() {
            self.verdict = None;
        }
    }

    /// Something that may matter to the check has changed.
    pub(super) fn new_evidence(&mut self) {
        self.evidence += 1;
    }

    /// The evidence, once it has passed.
    pub(super) fn passed(&self) -> Option<&str> {
        match &self.verdict {
            Some(Verdict::Passed(evidence)) => Some(evidence),
            _ => None,
        }
    }

    /// What the check looks at.
    pub(super) fn needs(&self) -> impl Iterator<Item = &Need> {
        self.needs.iter()
    }

    /// What became of it so far.
    pub(super) fn mark(&self) -> Mark {
        match (self.passed(), self.skipped) {
            (Some(_), _) => Mark::Passed,
            (None, true) => Mark::Skipped,
            (None, false) => Mark::Open,
        }
    }

    /// The learner goes on, passed or not.
    pub(super) fn skip(&mut self) {
        self.skipped = true;
    }

    /// Whether the check looks at a machine.
    pub(super) fn needs_machines(&self) -> bool {
        self.needs.iter().any(|need| {
            matches!(
                need,
                Need::Transcript(_) | Need::Remote(_) | Need::Causality { .. }
            )
        })
    }

    /// Whether the check looks at how soon writes are seen.
    pub(super) fn needs_causality(&self) -> bool {
        self.needs()
            .any(|need| matches!(need, Need::Causality { .. }))
    }

    /// Whether the check looks at the receipt.
    pub(super) fn needs_receipt(&self) -> bool {
        self.needs.contains(&Need::Receipt)
    }

    /// Whether the check looks at the stack.
    pub(super) fn needs_stack(&self) -> bool {
        self.needs.contains(&Need::Stack)
    }

    /// Whether a verdict is being worked on.
    pub(super) fn is_checking(&self) -> bool {
        self.awaited && !self.probing.is_empty()
    }

    pub(super) fn probed(&mut self, on: Side, run: String, outcome: Result<Ran, Failure>) {
        let command = RemoteCommand { on, run };
        if !self.probing.remove(&command) {
            return;
        }
        let outcome = outcome.map_err(|failure| failure.why).and_then(|ran| {
            let status = ran
                .status
                .ok_or_else(|| "a signal ended the command".to_owned())?;
            Ok(RemoteOutput {
                status,
                stdout: ran.stdout,
            })
        });
        self.remote.insert(command, outcome);
    }

    pub(super) fn state(&self) -> Option<StepState> {
        Some(match self.verdict.as_ref()? {
            Verdict::Passed(evidence) => StepState::Passed(evidence.clone()),
            Verdict::NotYet(why) => StepState::NotYet(why.clone()),
            Verdict::Converging(what) => StepState::Converging(what.clone()),
            Verdict::CouldNotCheck(why) => StepState::CouldNotCheck(why.clone()),
        })
    }
}

impl Engine {
    /// Takes an answer, as it was typed or as the step's solution has it.
    pub(super) fn answer(&mut self, answer: &str, effects: &mut Vec<Effect>) {
        let guesses = !self.step_now().measures.is_empty();
        let passed = self.step.passed().is_some();
        if guesses && passed {
            // Who knows the result guesses no more.
            return;
        }
        self.step.answer = Some(fill(answer, &self.facts()));
        if guesses {
            // What was measured before the guess does not count.
            self.begin_transcripts(effects);
        }
        if passed && let Check::Calculator { .. } = self.step_now().check {
            let verdict = check::evaluate(self.step_now(), &self.evidence());
            if let Verdict::Passed(_) = verdict {
                self.step.verdict = Some(verdict);
            }
            self.step.verdicts += 1;
        }
    }

    /// Decides the step's check for the learner, now or once the machines have been asked again.
    pub(super) fn decide(&mut self) {
        if self.step.passed().is_none() {
            self.step.awaited = true;
            self.step.new_evidence();
        }
    }

    /// Called after every event: passes the step the moment the evidence is there.
    pub(super) fn look_for_evidence(&mut self, effects: &mut Vec<Effect>) {
        while self.step.passed().is_none()
            && self.doing.as_ref().is_none_or(super::doing::Doing::is_held)
            && self.step.probing.is_empty()
            && self.step.judged < self.step.evidence
        {
            self.judge(effects);
        }
    }

    fn judge(&mut self, effects: &mut Vec<Effect>) {
        let verdict = check::evaluate(self.step_now(), &self.evidence());
        // Machines are asked only when everything that is known without asking already holds.
        if matches!(verdict, Verdict::CouldNotCheck(_)) && self.probe(effects) {
            return;
        }
        // Answers of machines are as old as the question; what came after it is judged with fresh ones.
        self.step.judged = if self.step.remote.is_empty() {
            self.step.evidence
        } else {
            self.step.probed
        };
        self.step.remote.clear();
        match verdict {
            Verdict::Passed(told) => {
                let figures = check::figures(self.step_now(), &self.evidence());
                let measures = self.step_now().measures.iter();
                self.step.measured = (measures.zip(figures))
                    .filter_map(|(measure, figure)| Some((measure.id.clone(), figure?)))
                    .collect();
                self.step.passed_at = Some(self.at);
                self.step.snapshot = check::snapshot_taken(self.step_now(), &self.evidence());
                self.step.verdict = Some(Verdict::Passed(told + &self.took()));
                self.step.verdicts += 1;
                self.step.awaited = false;
                self.save(effects);
            }
            // A plain "not yet" that nobody asked for is no news; a changed reason for one that was shown is.
            other if self.step.awaited || self.step.verdict.is_some() => {
                self.step.verdict = Some(other);
                self.step.verdicts += 1;
                self.step.awaited = false;
            }
            _ => {}
        }
    }

    /// How long it has taken since the step that this one is timed from.
    fn took(&self) -> String {
        let (lesson, step) = (self.lesson_now(), self.step_now());
        let since = step.timed_from.as_deref().and_then(|id| {
            let from = lesson.steps.iter().find(|step| step.id == id)?;
            self.position.record_of(lesson, from)?.passed_at
        });
        since.map_or_else(String::new, |since| {
            let seconds = self.at.duration_since(since).as_secs();
            format!("; it took {} min {:02} s", seconds / 60, seconds % 60)
        })
    }

    /// The newest snapshot that can be used.
    fn newest_snapshot(&self) -> Option<String> {
        let complete = self
            .looking
            .snapshots()
            .iter()
            .rfind(|one| one.is_complete());
        complete.map(|one| one.id.clone())
    }

    /// The snapshot in mind: the one that an earlier step of the lesson has kept, or the newest. While one is to be pinned
    /// nothing is lost yet: where the job was quicker than the learner, and pruned it, the newest has all that it had.
    fn snapshot(&self) -> Option<String> {
        let lesson = self.lesson_now();
        let mut records = (lesson.steps.iter())
            .take(self.position.place.step)
            .filter_map(|step| self.position.record_of(lesson, step)?.snapshot.clone());
        let kept = records.next_back().filter(|kept| {
            let listed = self.looking.snapshots();
            let pins = self.step_now().check.pins();
            !pins || listed.is_empty() || listed.iter().any(|one| one.id == *kept)
        });
        kept.or_else(|| self.newest_snapshot())
    }

    /// Asks the machines what the check still needs of them; `false` when there is nothing (more) to ask.
    fn probe(&mut self, effects: &mut Vec<Effect>) -> bool {
        let wanted: Vec<RemoteCommand> = self
            .step
            .needs
            .iter()
            .filter_map(|need| match need {
                Need::Remote(command) if !self.step.remote.contains_key(command) => {
                    Some(command.clone())
                }
                _ => None,
            })
            .filter(|command| self.is_open(command.on))
            .collect();
        if self.step.remote.is_empty() {
            self.step.probed = self.step.evidence;
        }
        for command in wanted {
            effects.push(Effect::Probe {
                on: command.on,
                run: command.run.clone(),
            });
            self.step.probing.insert(command);
        }
        !self.step.probing.is_empty()
    }

    /// All that is known now.
    pub(super) fn evidence(&self) -> Evidence {
        let text = |side| {
            let mut all = self.wiped.get(&side).cloned().unwrap_or_default();
            if let Some(shown) = self.texts.get(&side) {
                all.extend(shown);
            }
            all
        };
        Evidence {
            answer: self.step.answer.clone(),
            stack: self.stack_state(),
            facts: self.facts(),
            a: text(Side::A),
            b: text(Side::B),
            remote: self.step.remote.clone(),
            receipt: self.receipt_state(),
            sights: self.looking.sights.clone(),
            seen: self.step.causality.seen.clone(),
            proposed: self.update.as_ref().map(|update| Proposed {
                stage: update.stage,
                added: update.count("Add"),
                changed: update.count("Modify"),
            }),
        }
    }

    fn stack_state(&self) -> StackState {
        let Some(stack) = &self.stack else {
            return match &self.trouble {
                Some(trouble) => StackState::CouldNotTell(trouble.why.clone()),
                None => StackState::Absent,
            };
        };
        match stack.status.as_str() {
            _ if self.is_about_to_update() => StackState::Underway("the update".to_owned()),
            _ if stack.is_standing() => {
                StackState::Standing(self.standing().unwrap_or(Stage::Share))
            }
            status
                if status.ends_with("_IN_PROGRESS")
                    && !status.contains("DELETE")
                    && !status.contains("ROLLBACK") =>
            {
                StackState::Underway(status.to_owned())
            }
            ASKED => StackState::Underway(ASKED.to_owned()),
            status => StackState::Broken(stack.cause.clone().unwrap_or_else(|| status.to_owned())),
        }
    }

    fn receipt_state(&self) -> ReceiptState {
        match &self.phase {
            Phase::CleaningUp { doing, .. } => ReceiptState::Underway(doing.clone()),
            Phase::CleanedUp(receipt) => judged(receipt),
            Phase::Learning | Phase::Over => ReceiptState::None,
        }
    }

    /// What lesson texts may name.
    pub(super) fn facts(&self) -> Facts {
        let machine = |side| {
            let machine = self.machines.get(&side);
            MachineFacts {
                address: machine.and_then(|machine| machine.address.clone()),
                zone: machine.map(|machine| machine.zone.clone()),
                name: machine.and_then(|machine| machine.host_name.clone()),
                instance: machine.map(|machine| machine.instance_id.clone()),
            }
        };
        let output = |name| {
            let stack = self.stack.as_ref();
            stack.and_then(|stack| stack.outputs.get(name).cloned())
        };
        let known = self.ledger.known();
        Facts {
            lab: Some(self.setup.lab.clone()),
            stack: Some(self.stack_name()),
            guard: Some(super::guard_name(&self.setup.lab)),
            region: Some(self.region().to_owned()),
            file_system: known.file_systems.last().cloned(),
            owed_month: self.owed().map(|owed| format!("{:.2}", owed.month)),
            a: machine(Side::A),
            b: machine(Side::B),
            credits_alarm: output("CreditsAlarm"),
            volume: output("BackupVolumeId"),
            snapshot: self.snapshot(),
            restored: (self.looking.volumes().iter())
                .find(|one| one.is_restored())
                .map(|one| one.id.clone()),
            key: Some(self.setup.paths.key.clone()),
            ssh_config: Some(self.setup.paths.ssh_config.clone()),
        }
    }
}

/// A receipt as evidence.
fn judged(receipt: &Receipt) -> ReceiptState {
    let mut left = Vec::new();
    let mut unknown = Vec::new();
    for row in &receipt.rows {
        match &row.answer {
            Listing::Empty => {}
            Listing::Left(ids) | Listing::Kept(ids) => {
                left.push(format!("{} {}", ids.len(), row.kind));
            }
            Listing::CouldNotTell(why) => unknown.push(format!("{}: {why}", row.kind)),
        }
    }
    if !left.is_empty() {
        ReceiptState::Left(left.join(", "))
    } else if !unknown.is_empty() {
        ReceiptState::CouldNotTell(unknown.join("; "))
    } else {
        ReceiptState::Clean(format!(
            "{} listings, asked {} times, all empty",
            receipt.rows.len(),
            receipt.passes
        ))
    }
}
