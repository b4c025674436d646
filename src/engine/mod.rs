//! The lab as a state machine without IO: `handle(Event) -> Vec<Effect>`. Effects are data; time comes in with events.
//!
//! Neither tokio nor a clock, neither SDK nor terminal may enter.

pub mod command;
pub mod effect;
pub mod event;
pub mod ledger;
pub mod view;

mod build;
mod causality;
mod charts;
mod cleanup;
mod deeds;
mod doing;
mod lease;
mod looking;
mod money;
mod panels;
mod position;
mod proof;
mod render;
mod stack;
mod step;
mod sweep;
mod update;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use build::Task;
use command::Command;
use effect::{Effect, Progress};
use event::{Event, Failure, Ground, Machine, TerminalNews, What};
pub use lease::TTL;
use ledger::Ledger;
use view::{Phase, Receipt, Target, TerminalState, Trouble};

use crate::lesson::arithmetic::Prices;
use crate::lesson::check::Transcript;
use crate::lesson::schema::{Action, Lesson, Side};
use crate::template::Stage;

/// What an engine is made with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// `lab-7f3k`
    pub lab: String,
    /// Where it runs.
    pub target: Target,
    /// How much faster than AWS the target runs; `None`: as fast as can be.
    pub faster: Option<f64>,
    /// When the lab was made.
    pub made: Timestamp,
    /// All lessons, in order.
    pub lessons: Arc<[Lesson]>,
    /// Where the learner stood, or where to begin.
    pub progress: Progress,
    /// Stacks that the journal knows.
    pub ledger: Ledger,
    /// The ground of the stack that stands since an earlier session, and when it was asked for.
    pub standing: Option<(Ground, Timestamp)>,
    /// How long the lab lives after its learner was last seen; `None`: it has no guard, and removes itself never.
    pub ttl: Option<SignedDuration>,
    /// Paths that lesson texts name.
    pub paths: Paths,
    /// List prices of AWS, also where nothing is billed; `None`: unknown.
    pub prices: Option<Prices>,
}

/// Paths that lesson texts may name.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    /// The private key.
    pub key: String,
    /// The generated ssh_config.
    pub ssh_config: String,
}

/// The name of a lab's stack derives from the lab's id, so that it is found even when the journal is lost.
#[must_use]
pub fn stack_name(lab: &str) -> String {
    format!("efslab-{}-lab", lab.strip_prefix("lab-").unwrap_or(lab))
}

/// The name of the stack of a lab's guard, and of its schedule and state machine.
#[must_use]
pub fn guard_name(lab: &str) -> String {
    format!("efslab-{}-guard", lab.strip_prefix("lab-").unwrap_or(lab))
}

/// How often something that failed for a passing reason is tried again before the learner is asked.
const ATTEMPTS: u32 = 5;

/// The lab.
#[derive(Debug)]
pub struct Engine {
    setup: Setup,
    /// Time of the last event.
    at: Timestamp,
    position: position::Position,
    step: step::Current,
    doing: Option<doing::Doing>,
    ground: Option<Ground>,
    stack: Option<stack::Stack>,
    update: Option<update::Update>,
    ledger: Ledger,
    machines: BTreeMap<Side, Machine>,
    terminals: BTreeMap<Side, TerminalState>,
    texts: BTreeMap<Side, Transcript>,
    /// What they showed in this step before they were cleared or opened anew.
    wiped: BTreeMap<Side, Transcript>,
    /// How many times a step was begun; transcripts carry it.
    mark: u64,
    /// How many times a measurement of causality was begun; its lines carry it.
    measurements: u64,
    /// Work under way, so that nothing is asked for twice.
    busy: build::Busy,
    /// Passing failures in a row, and when to go on.
    setbacks: u32,
    pause: Option<Timestamp>,
    trouble: Option<Trouble>,
    phase: Phase,
    cleanup: Option<cleanup::Cleanup>,
    lease: lease::Lease,
    looking: looking::Looking,
    /// Files of the step that are there, or on their way (`false`).
    brought: BTreeMap<String, bool>,
    /// The last receipt of this session.
    receipt: Option<Receipt>,
    spent: Spent,
}

/// Money: what was spent up to a moment, and at which rate since.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    dollars: f64,
    per_hour: f64,
    since: Option<Timestamp>,
}

impl Engine {
    /// An engine that stands where `setup` says.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let position = position::Position::recovered(&setup.lessons, &setup.progress);
        let step = step::Current::of(
            position.step(&setup.lessons),
            position.record(&setup.lessons),
        );
        let terminals = [Side::A, Side::B]
            .map(|side| (side, TerminalState::Closed))
            .into();
        let spent = Spent {
            dollars: 0.0,
            per_hour: setup.standing.as_ref().map_or(0.0, |(ground, _)| {
                money::rate(setup.prices.as_ref(), &setup.target, ground)
            }),
            since: setup.standing.as_ref().map(|(_, since)| *since),
        };
        Self {
            at: setup.made,
            position,
            step,
            doing: None,
            ground: None,
            stack: None,
            update: None,
            ledger: setup.ledger.clone(),
            machines: BTreeMap::new(),
            terminals,
            texts: BTreeMap::new(),
            wiped: BTreeMap::new(),
            mark: 0,
            measurements: 0,
            busy: build::Busy::default(),
            setbacks: 0,
            pause: None,
            trouble: None,
            phase: Phase::Learning,
            cleanup: None,
            lease: lease::Lease::default(),
            looking: looking::Looking::default(),
            brought: BTreeMap::new(),
            receipt: None,
            spent,
            setup,
        }
    }

    /// The last receipt of this session, clean or not.
    #[must_use]
    pub fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_ref()
    }

    /// Takes one event in; what it returns is to be done, in this order.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        self.at = self.at.max(event.at);
        let mut effects = Vec::new();
        self.take(event.what, &mut effects);
        self.pursue(&mut effects);
        self.go_on_doing(&mut effects);
        self.look_for_evidence(&mut effects);
        self.count_money();
        effects
    }

    fn take(&mut self, what: What, effects: &mut Vec<Effect>) {
        match what {
            What::Began => {
                self.is_active();
                self.began(effects);
            }
            What::Command(command) => {
                self.is_active();
                self.command(command, effects);
            }
            What::Act(actions) => {
                self.is_active();
                self.act(actions);
            }
            What::Prepared(outcome) => self.prepared(outcome, effects),
            What::StackRequested(outcome) => self.stack_requested(outcome),
            What::StackSeen { stack, outcome } => self.stack_seen(&stack, outcome, effects),
            What::DeletionRequested { stack, outcome } => {
                self.deletion_requested(&stack, outcome, effects);
            }
            What::UpdateProposed { stage, outcome } => self.update_proposed(stage, outcome),
            What::UpdateAccepted { stack, outcome } => {
                self.update_accepted(&stack, outcome, effects);
            }
            What::MachinesSeen(outcome) => self.machines_seen(outcome),
            What::Terminal { on, news } => self.terminal_news(on, news),
            What::Probed { on, run, outcome } => self.step.probed(on, run, outcome),
            What::Looked {
                sight,
                now,
                outcome,
            } => self.looked(sight, now, outcome),
            What::Done { deed, outcome } => self.deed_done(&deed, outcome),
            What::Forwarded(outcome) => self.forwarded(outcome),
            What::Brought { name, outcome } => self.file_brought(&name, outcome),
            What::Heard { on, id, news } => self.heard(on, id, news),
            What::InventoryTaken(inventory) => self.inventory_taken(inventory, effects),
            What::RemainsSeen(outcome) => self.remains_seen(outcome, effects),
            What::Terminated { instances, outcome } => self.terminated(instances, outcome),
            What::UpdateCancelled { stack, outcome } => self.update_cancelled(&stack, outcome),
            What::Removed { removal, outcome } => self.removed(&removal, outcome),
            What::Armed(outcome) => self.armed(outcome),
            What::Renewed(outcome) => self.renewed(outcome),
            What::PutBack(outcome) => self.guard_put_back(outcome),
            What::HalfTime => self.half_time_came(effects),
            What::Disarmed(outcome) => self.disarmed(outcome),
            What::Woke => {
                // Early, because the pause has become longer or the clock was set: the alarm is set again.
                self.busy.end(Task::Waking);
                self.looking.woke(self.at);
                if self.pause.is_some_and(|until| until <= self.at) {
                    self.pause = None;
                }
            }
        }
    }

    fn command(&mut self, command: Command, effects: &mut Vec<Effect>) {
        match command {
            Command::Enter => self.enter(effects),
            Command::Hint => {
                let hints = self.step_now().hints.len();
                self.step.hints = (self.step.hints + 1).min(hints);
                self.save(effects);
            }
            Command::RunForMe => {
                let solution = match self.lesson_now().stage.filter(|_| self.awaits_consent()) {
                    // What the screen says `r` does now, and nothing else.
                    Some(stage) => vec![Action::Build { stage }],
                    None => self.solution(),
                };
                self.act(self.up_to_what_takes_time(solution));
            }
            Command::Next => self.go_on(effects),
            Command::Back => self.move_to(self.position.before(&self.setup.lessons), effects),
            Command::Goto { lesson, step } => {
                self.move_to(position::find(&self.setup.lessons, &lesson, step), effects);
            }
            Command::Redo { lesson, step } => self.redo(&lesson, step, effects),
            Command::Reset { lesson } => self.reset(&lesson, effects),
            Command::Answer(answer) => {
                self.answer(&answer, effects);
                self.save(effects);
                // A guess is not right or wrong.
                if self.step_now().measures.is_empty() || self.guess().is_none() {
                    self.decide();
                } else {
                    self.step.forget_verdict();
                }
            }
            Command::Input { on, bytes } => effects.push(Effect::Input { on, bytes }),
            Command::Resize { rows, columns } => effects.push(Effect::Resize { rows, columns }),
            Command::Reconnect(on) => {
                self.terminals.insert(on, TerminalState::Closed);
                self.machines.clear();
            }
            Command::Retry => self.retry(),
            Command::Forward => {
                if let Some(minutes) = self.forwards() {
                    self.let_time_pass(minutes);
                }
            }
            Command::CleanUp => self.begin_cleanup(effects),
            Command::Leave => {
                effects.push(Effect::CloseTerminals);
                self.phase = Phase::Over;
            }
        }
    }

    /// By how many minutes the learner may put the clock forward now.
    fn forwards(&self) -> Option<u32> {
        let practice = matches!(self.setup.target, Target::Practice { .. });
        let learning = self.phase == Phase::Learning;
        self.step_now().forward.filter(|_| practice && learning)
    }

    /// What solves the step; a guess that was made stands.
    fn solution(&self) -> Vec<Action> {
        let guessed = !self.step_now().measures.is_empty() && self.guess().is_some();
        let mut solution = self.step_now().solution.clone();
        solution.retain(|action| !(guessed && matches!(action, Action::Answer(_))));
        solution
    }

    /// The learner asks for the verdict, or goes on when it has been given.
    fn enter(&mut self, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::CleanedUp(ref receipt)
                if receipt.is_clean() && self.position.after(&self.setup.lessons).is_none() =>
            {
                effects.push(Effect::CloseTerminals);
                self.phase = Phase::Over;
            }
            _ if self.step.passed().is_some() => {
                self.move_to(self.position.after(&self.setup.lessons), effects);
            }
            _ => {
                // Whoever asks for the verdict does the rest herself.
                if self.doing.as_ref().is_some_and(doing::Doing::is_held) {
                    self.doing = None;
                }
                self.decide();
            }
        }
    }

    fn began(&mut self, effects: &mut Vec<Effect>) {
        if self.setup.progress.leaving {
            self.begin_cleanup(effects);
        } else {
            self.save(effects);
        }
        if let Some(entry) = self.ledger.current() {
            // Whatever the journal says of it, AWS is asked.
            let stack = entry.id.clone().unwrap_or_else(|| entry.name.clone());
            let name = entry.name.clone();
            self.follow(&name, Stage::Share);
            self.busy.begin(Task::Watching);
            effects.push(Effect::WatchStack { stack });
        }
    }

    fn terminal_news(&mut self, on: Side, news: TerminalNews) {
        match news {
            TerminalNews::Opened => {
                self.setbacks = 0;
                self.terminals.insert(on, TerminalState::Open);
                // A new session: what the one before showed says nothing of its prompt.
                self.wipe(on);
            }
            // What was still on its way when the step began belongs to the one before.
            TerminalNews::Text { mark, .. } if mark < self.mark => {}
            TerminalNews::Text { text, .. } => {
                if self.texts.get(&on).is_some_and(|it| !text.continues(it)) {
                    self.wipe(on);
                }
                self.texts.insert(on, text);
                self.step.new_evidence();
            }
            TerminalNews::Ended(why) => {
                self.terminals.insert(on, TerminalState::Ended(why));
            }
        }
    }

    /// Puts aside what a terminal has shown so far.
    fn wipe(&mut self, on: Side) {
        if let Some(before) = self.texts.remove(&on) {
            self.wiped.entry(on).or_default().extend(&before.entered());
        }
    }

    /// A failure: a passing one is tried again after a while, any other needs the learner.
    fn failed(&mut self, failure: &Failure, again: &str) {
        self.setbacks += 1;
        let passing = failure.class == event::FailureClass::Transient && self.setbacks < ATTEMPTS;
        if passing {
            let wait = SignedDuration::from_millis(500 << self.setbacks.min(6));
            self.pause = Some(self.at.saturating_add(wait).unwrap_or(Timestamp::MAX));
        }
        self.trouble = Some(Trouble {
            what: format!("could not {}", failure.tried),
            why: failure.why.clone(),
            remedy: failure.class.remedy().to_owned(),
            retry: (!passing).then(|| again.to_owned()),
        });
    }

    /// Something worked: whatever was in the way is over.
    fn worked(&mut self) {
        self.setbacks = 0;
        self.trouble = None;
    }

    fn retry(&mut self) {
        self.trouble = None;
        self.setbacks = 0;
        self.pause = None;
        if let Some(stack) = &mut self.stack {
            stack.try_again();
        }
        if let Some(cleanup) = &mut self.cleanup {
            cleanup.try_again();
        }
        if let Some(doing) = &mut self.doing {
            doing.try_again();
        }
        self.brought.retain(|_, there| *there);
        for state in self.terminals.values_mut() {
            if matches!(state, TerminalState::Ended(_)) {
                *state = TerminalState::Closed;
            }
        }
    }

    /// Whether the engine waits: for a moment to pass, or for the learner to mend something.
    fn held_up(&self) -> bool {
        self.pause.is_some()
            || self
                .trouble
                .as_ref()
                .is_some_and(|trouble| trouble.retry.is_some())
    }

    fn save(&self, effects: &mut Vec<Effect>) {
        let leaving = match &self.phase {
            Phase::CleaningUp { .. } => true,
            Phase::CleanedUp(receipt) => !receipt.is_clean(),
            Phase::Learning => false,
            // Leaving the program is not leaving the lab.
            Phase::Over => return,
        };
        let mut progress = self
            .position
            .progress(&self.setup.lessons, &self.step, leaving);
        progress.alarm_email = self.alarm_email().map(str::to_owned);
        effects.push(Effect::SaveProgress(progress));
    }
}
