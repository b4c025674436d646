//! Doing a step's actions in the learner's place: typing into the terminals, building, answering, cleaning up.

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;

use super::effect::Effect;
use super::view::{Phase, Target, TerminalState, Trouble};
use super::{Engine, Side};
use crate::lesson::check::Transcript;
use crate::lesson::facts::{self, fill};
use crate::lesson::schema::Action;
use crate::template::Stage;

/// Actions under way.
#[derive(Debug, Clone)]
pub(super) struct Doing {
    actions: VecDeque<Action>,
    waiting: Waiting,
    /// Terminals that had ended and were opened again for it.
    opened: BTreeSet<Side>,
    pub(super) since: Timestamp,
    /// It is only to make time pass: no verdict is asked for.
    in_passing: bool,
}

/// What the next action waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Waiting {
    Nothing,
    /// A typed line; that many had been entered before.
    Line {
        on: Side,
        entered: usize,
        /// Until it is done and the prompt is there again, and not only until the machine has it.
        done: bool,
    },
    /// The machine to come to its prompt, whatever the learner does there.
    Shell(Side),
    /// The receipt of the cleanup that was begun.
    Receipt,
    /// A deed in the account, or the clock: its outcome.
    Deed,
    /// That was done.
    DeedDone,
    /// That failed: until the learner wishes to try again.
    Mending,
}

/// What came of an action.
enum Act {
    Done,
    /// It cannot be done yet, or not be finished.
    Wait,
    /// It cannot be done, and why is told: nothing else is done either.
    Over,
}

impl Act {
    fn once(done: bool) -> Self {
        if done { Self::Done } else { Self::Wait }
    }
}

impl Doing {
    /// The stage that the remaining actions need.
    pub(super) fn stage(&self) -> Option<Stage> {
        self.actions
            .iter()
            .filter_map(|action| match action {
                Action::Build { stage } => Some(*stage),
                Action::Answer(_) | Action::CleanUp {} | Action::Forward { .. } => None,
                _ => Some(Stage::Share),
            })
            .max()
    }

    /// The stage whose change set is to be looked at now.
    pub(super) fn proposes(&self) -> Option<Stage> {
        match self.actions.front() {
            Some(Action::Propose { stage }) => Some(*stage),
            _ => None,
        }
    }

    /// Whether something remains to be typed.
    pub(super) fn types(&self) -> bool {
        self.actions
            .iter()
            .any(|action| matches!(action, Action::Type { .. }))
            || matches!(self.waiting, Waiting::Line { .. })
    }

    /// Begins again with what has failed.
    pub(super) fn try_again(&mut self) {
        if self.waiting == Waiting::Mending {
            self.waiting = Waiting::Nothing;
        }
    }

    /// What it waited for came about, or not.
    pub(super) fn answered(&mut self, done: bool) {
        if self.waiting == Waiting::Deed {
            self.waiting = if done {
                Waiting::DeedDone
            } else {
                Waiting::Mending
            };
        }
    }

    /// Whether it cannot go on before the learner has done something.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.waiting, Waiting::Shell(_))
    }

    /// What is being done, in a few words.
    pub(super) fn what(&self) -> String {
        match (&self.waiting, self.actions.front()) {
            (Waiting::Line { on, .. }, _) => format!("waiting for {on}"),
            (Waiting::Mending, _) => "what failed can be tried again".to_owned(),
            (_, Some(Action::Forward { minutes })) => {
                format!("putting the clock forward by {minutes} min")
            }
            (_, Some(Action::SetAlarm { id, state })) => {
                format!("setting {id} to {state}, as a test")
            }
            (_, Some(Action::Stop { on })) => format!("stopping {on}"),
            (_, Some(Action::Start { on })) => format!("starting {on}"),
            (_, Some(Action::Restore {})) => "making a disk from the snapshot".to_owned(),
            (_, Some(Action::Discard {})) => "deleting that disk".to_owned(),
            (_, Some(Action::Interrupt { on })) => format!("pressing Ctrl-C on {on}"),
            (Waiting::Shell(on), _) => {
                format!("{on} is not at its prompt: finish there, or press Ctrl-C in it")
            }
            (_, Some(Action::Type { on, .. })) => format!("opening the terminal of {on}"),
            (_, Some(Action::Build { .. })) => "building the stack".to_owned(),
            (_, Some(Action::Propose { .. })) => "asking what would change".to_owned(),
            (_, Some(Action::Causality {})) => "letting A and B answer each other".to_owned(),
            (_, Some(Action::CleanUp {})) => "cleaning up".to_owned(),
            (_, Some(Action::Answer(_) | Action::OnPractice(_) | Action::OnAws(_)) | None) => {
                "answering".to_owned()
            }
        }
    }
}

impl Engine {
    /// Begins these actions; what was being done before is given up.
    pub(super) fn act(&mut self, actions: Vec<Action>) {
        let over = matches!(self.phase, Phase::CleanedUp(_) | Phase::Over);
        let actions = self.meant_for_here(actions);
        let needs_stack =
            |action: &Action| !matches!(action, Action::Answer(_) | Action::CleanUp {});
        if over && actions.iter().any(needs_stack) {
            // The lab is gone; nothing of it is built again behind a receipt.
            return;
        }
        self.doing = Some(Doing {
            actions: actions.into(),
            waiting: Waiting::Nothing,
            opened: BTreeSet::new(),
            since: self.at,
            in_passing: false,
        });
    }

    /// Puts the clock forward by so many minutes. A verdict is asked for only if nothing is missing that time does not
    /// bring.
    pub(super) fn let_time_pass(&mut self, minutes: u32) {
        let unanswered = self.step_now().question.is_some() && self.step.answer.is_none();
        self.act(vec![Action::Forward { minutes }]);
        if let Some(doing) = &mut self.doing {
            doing.in_passing = unanswered;
        }
    }

    /// The actions that are for the target of this lab.
    fn meant_for_here(&self, actions: Vec<Action>) -> Vec<Action> {
        let practice = matches!(self.setup.target, Target::Practice { .. });
        let each = |action| match action {
            Action::OnPractice(inner) => {
                if practice {
                    inner
                } else {
                    Vec::new()
                }
            }
            Action::OnAws(inner) => {
                if practice {
                    Vec::new()
                } else {
                    inner
                }
            }
            Action::Forward { .. } if !practice => Vec::new(),
            other => vec![other],
        };
        actions.into_iter().flat_map(each).collect()
    }

    /// What is done at a time: what a stack is built for is for the learner to find out once it stands, and what a
    /// measurement means once it has been made.
    pub(super) fn up_to_what_takes_time(&self, mut actions: Vec<Action>) -> Vec<Action> {
        let takes_time = |action: &Action| match action {
            Action::Build { stage } => !self.stands_at(*stage),
            Action::Causality {} => !self.has_measured_causality(),
            _ => false,
        };
        if let Some(at) = actions.iter().position(takes_time) {
            actions.truncate(at + 1);
        }
        actions
    }

    /// Goes on with what is being done, as far as it can be done now.
    pub(super) fn go_on_doing(&mut self, effects: &mut Vec<Effect>) {
        while let Some(doing) = self.doing.take() {
            let in_passing = doing.in_passing;
            match self.one_more(doing, effects) {
                Ok(Some(doing)) => self.doing = Some(doing),
                Ok(None) => {
                    // All done: the verdict is due.
                    if !in_passing {
                        self.decide();
                    }
                    return;
                }
                Err(waiting) => {
                    self.doing = Some(waiting);
                    return;
                }
            }
        }
    }

    /// `Ok(Some)`: one action was done; `Ok(None)`: that was the last; `Err`: nothing can be done now.
    fn one_more(
        &mut self,
        mut doing: Doing,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<Doing>, Doing> {
        if let Waiting::Line { on, entered, done } = doing.waiting {
            let ended = matches!(self.terminals.get(&on), Some(TerminalState::Ended(_)));
            let answered = self.texts.get(&on).is_some_and(|text| {
                // The echo of a line without output has nothing below it yet.
                let answered = text.typed().count() > entered;
                if done {
                    answered && text.awaits_input()
                } else {
                    answered || !text.awaits_input()
                }
            });
            if !ended && !answered {
                return Err(doing);
            }
            doing.waiting = Waiting::Nothing;
        }
        let Some(action) = doing.actions.pop_front() else {
            return Ok(None);
        };
        match self.try_action(&action, &mut doing, effects) {
            Act::Done => Ok(Some(doing)),
            Act::Over => Ok(None),
            Act::Wait => {
                doing.actions.push_front(action);
                Err(doing)
            }
        }
    }

    fn try_action(&mut self, action: &Action, doing: &mut Doing, effects: &mut Vec<Effect>) -> Act {
        match action {
            Action::Answer(answer) => {
                let facts = self.facts();
                if facts::names(answer).any(|name| facts.get(name).is_none()) {
                    return Act::Wait;
                }
                self.answer(answer, effects);
                Act::Done
            }
            Action::Type {
                on,
                line,
                meanwhile,
            } => self.type_line((*on, line), !meanwhile, doing, effects),
            Action::Propose { stage } => {
                Act::once(self.proposal(*stage).is_some() || self.stands_at(*stage))
            }
            // One that failed is deleted and built again once the learner has read why.
            Action::Build { stage } => {
                Act::once(self.stands_at(*stage) && !self.is_about_to_update())
            }
            Action::Interrupt { on } => {
                effects.push(Effect::Input {
                    on: *on,
                    bytes: vec![0x03],
                });
                Act::Done
            }
            Action::OnPractice(_) | Action::OnAws(_) => Act::Done,
            Action::Forward { .. }
            | Action::SetAlarm { .. }
            | Action::Stop { .. }
            | Action::Start { .. }
            | Action::Restore {}
            | Action::Discard {} => match doing.waiting {
                Waiting::DeedDone => {
                    doing.waiting = Waiting::Nothing;
                    Act::Done
                }
                Waiting::Nothing => {
                    if let Some(effect) = self.effect_of(action) {
                        effects.push(effect);
                        doing.waiting = Waiting::Deed;
                    }
                    Act::Wait
                }
                _ => Act::Wait,
            },
            Action::Causality {} => {
                for on in [Side::A, Side::B] {
                    if !self.reopen(on, doing, effects) {
                        return Act::Over;
                    }
                }
                if self.has_measured_causality() {
                    return Act::Done;
                }
                let open = self.is_open(Side::A) && self.is_open(Side::B);
                if open && !self.step.causality.is_running() && !self.held_up() {
                    self.measure_causality(effects);
                }
                Act::Wait
            }
            Action::CleanUp {} => {
                let clean = match &self.phase {
                    Phase::CleanedUp(receipt) => receipt.is_clean(),
                    Phase::Learning | Phase::CleaningUp { .. } | Phase::Over => false,
                };
                if doing.waiting != Waiting::Receipt && !clean {
                    self.begin_cleanup(effects);
                    self.pursue(effects);
                    doing.waiting = Waiting::Receipt;
                }
                if matches!(self.phase, Phase::CleaningUp { .. }) {
                    return Act::Wait;
                }
                doing.waiting = Waiting::Nothing;
                Act::Done
            }
        }
    }

    /// Types a line once the machine is at its prompt; `done`: what follows waits until it is there again.
    fn type_line(
        &mut self,
        (on, line): (Side, &str),
        done: bool,
        doing: &mut Doing,
        effects: &mut Vec<Effect>,
    ) -> Act {
        if !self.reopen(on, doing, effects) {
            return Act::Over;
        }
        if !self.has_brought_all() {
            return Act::Wait;
        }
        let at_prompt = self.texts.get(&on).is_some_and(Transcript::awaits_input);
        if !self.is_open(on) || !at_prompt {
            doing.waiting = if self.is_open(on) && self.texts.contains_key(&on) {
                Waiting::Shell(on)
            } else {
                Waiting::Nothing
            };
            return Act::Wait;
        }
        let mut bytes = fill(line, &self.facts()).into_bytes();
        bytes.push(b'\r');
        effects.push(Effect::Input { on, bytes });
        let entered = self.texts.get(&on).map_or(0, |text| text.typed().count());
        doing.waiting = Waiting::Line { on, entered, done };
        Act::Done
    }

    /// Opens a terminal that has ended again, once; `false`: it has ended again, and that is told.
    fn reopen(&mut self, on: Side, doing: &mut Doing, effects: &mut Vec<Effect>) -> bool {
        let Some(TerminalState::Ended(why)) = self.terminals.get(&on) else {
            return true;
        };
        if !doing.opened.insert(on) {
            self.trouble = Some(Trouble {
                what: format!("could not work on {on}"),
                why: why.clone(),
                remedy: "Nothing of the step is lost; see what ended it.".to_owned(),
                retry: Some(format!("open the terminal of {on} again")),
            });
            return false;
        }
        self.terminals.insert(on, TerminalState::Closed);
        // Of a machine that was stopped it is asked anew whether it runs, and where.
        if (self.machines.get(&on)).is_some_and(|machine| machine.address.is_none()) {
            self.machines.clear();
        }
        self.pursue(effects);
        true
    }
}
