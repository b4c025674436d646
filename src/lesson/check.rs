//! Deciding a check from evidence. Nothing here gathers evidence: `needs` says what to gather, `evaluate` judges it.

use std::collections::BTreeMap;

use crate::template::Stage;

use super::delays::{self, BothWays};
use super::facts::fill;
pub use super::facts::{Facts, MachineFacts, PLACEHOLDERS};
use super::schema::{Check, Measure, Side, Step};
use super::sight::{Sight, Sights};
pub use super::transcript::Transcript;
pub use answers::{chosen, parse_number};

/// Something to find out before a check can be decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// The learner's answer to the step's question.
    Answer,
    /// How the stack stands, and the facts that come with it.
    Stack,
    /// What this machine's terminal has shown since the step began.
    Transcript(Side),
    /// The outcome of this command.
    Remote(RemoteCommand),
    /// So many writes of each machine, seen on the other.
    Causality {
        /// In each direction.
        writes: u32,
    },
    /// Whether anything billable is left.
    Receipt,
    /// This of the account.
    Sight(Sight),
}

/// A command that only reads, to be run with `sh -c` as ec2-user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemoteCommand {
    /// Where.
    pub on: Side,
    /// For `sh -c`.
    pub run: String,
}

/// How a remote command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteOutput {
    /// Exit status.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
}

/// How the lab's stack stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StackState {
    /// Not asked, or the asking failed: why.
    CouldNotTell(String),
    /// There is none.
    #[default]
    Absent,
    /// An operation that brings it forward is running: `CREATE_IN_PROGRESS, 12 of 20`.
    Underway(String),
    /// Complete at this stage.
    Standing(Stage),
    /// An operation failed, or it is being or has been deleted: what happened.
    Broken(String),
}

/// What is known of what is left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ReceiptState {
    /// Nothing has been deleted yet.
    #[default]
    None,
    /// Deleting or verifying: what is being done.
    Underway(String),
    /// Every listing came back empty; how that is known, in a few words.
    Clean(String),
    /// These are left, in a few words.
    Left(String),
    /// Some listing could not be had: which, and why.
    CouldNotTell(String),
}

/// All that is known when a step is checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// The last answer to the step's question: an option's number (from 1) or its text, or what was typed.
    pub answer: Option<String>,
    /// How the stack stands.
    pub stack: StackState,
    /// Facts of the running lab.
    pub facts: Facts,
    /// Terminal A, since the step began.
    pub a: Transcript,
    /// Terminal B, since the step began.
    pub b: Transcript,
    /// Outcomes of remote commands; `Err` says why one could not be run.
    pub remote: BTreeMap<RemoteCommand, Result<RemoteOutput, String>>,
    /// What is left.
    pub receipt: ReceiptState,
    /// What of the account was looked at.
    pub sights: Sights,
    /// How soon each machine saw what the other wrote.
    pub seen: BothWays,
    /// The change set that waits to be carried out, or is.
    pub proposed: Option<Proposed>,
}

/// A change set, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposed {
    /// Where it leads.
    pub stage: Stage,
    /// Resources it adds.
    pub added: usize,
    /// Resources it changes.
    pub changed: usize,
}

impl Evidence {
    fn transcript(&self, side: Side) -> &Transcript {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }
}

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Done: the evidence.
    Passed(String),
    /// Not done: what is missing.
    NotYet(String),
    /// Not done, but on its way without the learner: what is awaited.
    Converging(String),
    /// Unknown: why.
    CouldNotCheck(String),
}

/// What must be found out to decide the check of this step, without doubles.
#[must_use]
pub fn needs(step: &Step) -> Vec<Need> {
    let mut needs = Vec::new();
    collect_needs(&step.check, step, &mut needs);
    needs
}

fn collect_needs(check: &Check, step: &Step, needs: &mut Vec<Need>) {
    let mut add = |need| {
        if !needs.contains(&need) {
            needs.push(need);
        }
    };
    match check {
        Check::Answer { .. } | Check::Number { .. } | Check::Calculator { .. } => {
            add(Need::Answer);
        }
        Check::Measured {} => {
            if step.question.is_some() {
                add(Need::Answer);
            }
            for measure in &step.measures {
                add(Need::Transcript(measure.on));
            }
        }
        Check::Fact { .. } => {
            add(Need::Answer);
            add(Need::Stack);
        }
        Check::Stack { .. } | Check::Proposed { .. } => add(Need::Stack),
        Check::Terminal { on, .. } => add(Need::Transcript(*on)),
        Check::Remote { on, run, .. } => add(Need::Remote(RemoteCommand {
            on: *on,
            run: run.clone(),
        })),
        Check::Alarm { .. } => add(Need::Sight(Sight::Alarms)),
        Check::Metric { .. } => add(Need::Sight(Sight::Metrics)),
        Check::Snapshots { .. } | Check::Taken { .. } | Check::Pinned {} => {
            add(Need::Sight(Sight::Snapshots));
        }
        Check::Volume { .. } | Check::Restored { .. } => add(Need::Sight(Sight::Volumes)),
        Check::Machine { .. } => add(Need::Sight(Sight::Machines)),
        Check::Causality { writes } => add(Need::Causality { writes: *writes }),
        Check::NothingLeft {} => add(Need::Receipt),
        Check::All(checks) => (checks.iter()).for_each(|check| collect_needs(check, step, needs)),
    }
}

/// Decides a step's check.
#[must_use]
pub fn evaluate(step: &Step, evidence: &Evidence) -> Verdict {
    decide(&step.check, step, evidence)
}

/// What the step's measures have come to so far, in their order.
#[must_use]
pub fn figures(step: &Step, evidence: &Evidence) -> Vec<Option<f64>> {
    let figure = |measure: &Measure| {
        let typed: Vec<_> = evidence.transcript(measure.on).typed().collect();
        typed
            .iter()
            .rev()
            .filter(|typed| measure.typed.0.iter().any(|way| typed.is(way)))
            .find_map(|typed| measure.reads.read(typed))
    };
    step.measures.iter().map(figure).collect()
}

/// The snapshot that the step's check is about, and that is to be kept in mind.
#[must_use]
pub fn snapshot_taken(step: &Step, evidence: &Evidence) -> Option<String> {
    fn within(check: &Check, evidence: &Evidence) -> Option<String> {
        match check {
            Check::Taken { on } => account::named(*on, evidence).map(str::to_owned),
            Check::Pinned {} => evidence.facts.snapshot.clone(),
            Check::All(checks) => checks.iter().find_map(|check| within(check, evidence)),
            _ => None,
        }
    }
    within(&step.check, evidence)
}

fn decide(check: &Check, step: &Step, evidence: &Evidence) -> Verdict {
    let question = step.question.as_ref();
    match check {
        Check::Answer { option } => answers::choice(*option, question, evidence),
        Check::Number { is, within } => answers::number(*is, *within, evidence),
        Check::Calculator { of } => answers::calculation(*of, evidence),
        Check::Measured {} => answers::measured(step, evidence),
        Check::Fact { is } => answers::fact(is, evidence),
        Check::Stack { stage } => stack(*stage, &evidence.stack),
        Check::Proposed { stage } => proposed(*stage, evidence),
        Check::Terminal { on, typed, shows } => {
            let shows: Vec<String> = (shows.0.iter())
                .map(|part| fill(part, &evidence.facts))
                .collect();
            machines::terminal(*on, &typed.0, &shows, evidence.transcript(*on))
        }
        Check::Remote {
            on,
            run,
            shows,
            otherwise,
            awaited,
        } => {
            let command = RemoteCommand {
                on: *on,
                run: run.clone(),
            };
            let shows = shows.as_ref().map(|part| fill(part, &evidence.facts));
            let outcome = evidence.remote.get(&command);
            match machines::remote(&command, shows.as_deref(), otherwise, outcome) {
                Verdict::NotYet(why) if *awaited => Verdict::Converging(why),
                verdict => verdict,
            }
        }
        Check::Alarm { id, state } => account::alarm(id, state, evidence),
        Check::Metric { metric, above } => account::metric(*metric, *above, evidence),
        Check::Snapshots { at_least } => account::snapshots(*at_least, evidence),
        Check::Taken { on } => account::taken(*on, evidence),
        Check::Pinned {} => account::pinned(evidence),
        Check::Volume { gib } => account::volume(*gib, evidence),
        Check::Restored { attached } => account::restored(*attached, evidence),
        Check::Machine { on, state } => account::machine(*on, state, evidence),
        Check::Causality { writes } => delays::judged(*writes, &evidence.seen),
        Check::NothingLeft {} => nothing_left(&evidence.receipt),
        Check::All(checks) => all(checks.iter().map(|check| decide(check, step, evidence))),
    }
}

fn stack(stage: Stage, state: &StackState) -> Verdict {
    match state {
        StackState::Standing(stands) if *stands >= stage => Verdict::Passed(format!(
            "the stack is complete (DescribeStacks: StackStatus, and Outputs of the {stands} stage)"
        )),
        StackState::Standing(stands) => Verdict::NotYet(format!(
            "the stack stands at the {stands} stage, not at {stage} yet (DescribeStacks: Outputs)"
        )),
        StackState::Absent => Verdict::NotYet("there is no stack yet".to_owned()),
        StackState::Underway(what) => Verdict::Converging(format!("the stack: {what}")),
        StackState::Broken(what) => Verdict::NotYet(format!("the stack does not stand: {what}")),
        StackState::CouldNotTell(why) => {
            Verdict::CouldNotCheck(format!("the stack could not be asked: {why}"))
        }
    }
}

fn proposed(stage: Stage, evidence: &Evidence) -> Verdict {
    match (&evidence.proposed, &evidence.stack) {
        (Some(proposed), _) if proposed.stage >= stage => Verdict::Passed(format!(
            "the change set adds {} resources and changes {}, in place",
            proposed.added, proposed.changed
        )),
        (_, StackState::Standing(stands)) if *stands >= stage => {
            Verdict::Passed(format!("the stack stands at the {stands} stage already"))
        }
        (_, StackState::Standing(_)) => Verdict::NotYet("there is no change set yet".to_owned()),
        (_, state) => self::stack(stage, state),
    }
}

fn nothing_left(receipt: &ReceiptState) -> Verdict {
    match receipt {
        ReceiptState::None => Verdict::NotYet("the lab is still there".to_owned()),
        ReceiptState::Underway(what) => Verdict::Converging(what.clone()),
        ReceiptState::Clean(how) => Verdict::Passed(how.clone()),
        ReceiptState::Left(what) => Verdict::NotYet(format!("left: {what}")),
        ReceiptState::CouldNotTell(why) => Verdict::CouldNotCheck(why.clone()),
    }
}

/// All must pass. One that surely fails decides; then one that is unknown; then one that is on its way.
fn all(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut evidence = Vec::new();
    let mut unknown = None;
    let mut awaited = None;
    for verdict in verdicts {
        match verdict {
            Verdict::Passed(what) => evidence.push(what),
            Verdict::NotYet(_) => return verdict,
            Verdict::CouldNotCheck(_) => unknown = unknown.or(Some(verdict)),
            Verdict::Converging(_) => awaited = awaited.or(Some(verdict)),
        }
    }
    unknown.or(awaited).unwrap_or_else(|| {
        // Some are whole sentences.
        let parts: Vec<&str> = evidence
            .iter()
            .map(|what| what.trim_end_matches('.'))
            .collect();
        Verdict::Passed(parts.join("; "))
    })
}

mod account;
mod answers;
mod machines;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod tests;
