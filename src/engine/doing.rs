//! Doing a step's actions in the learner's place: typing into the terminals, building, answering, cleaning up.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::effect::Effect;
use super::view::{Phase, TerminalState};
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
    pub(super) since: Timestamp,
}

/// What the next action waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Waiting {
    Nothing,
    /// The prompt after a typed line; that many lines had been entered before.
    Prompt {
        on: Side,
        entered: usize,
    },
}

impl Doing {
    /// The stage that the remaining actions need.
    pub(super) fn stage(&self) -> Option<Stage> {
        self.actions
            .iter()
            .filter_map(|action| match action {
                Action::Build { stage } => Some(*stage),
                Action::Type { .. } => Some(Stage::Share),
                Action::Answer(_) | Action::CleanUp {} => None,
            })
            .max()
    }

    /// Whether something remains to be typed.
    pub(super) fn types(&self) -> bool {
        self.actions
            .iter()
            .any(|action| matches!(action, Action::Type { .. }))
            || matches!(self.waiting, Waiting::Prompt { .. })
    }

    /// What is being done, in a few words.
    pub(super) fn what(&self) -> String {
        match (&self.waiting, self.actions.front()) {
            (Waiting::Prompt { on, .. }, _) => format!("waiting for {on}"),
            (_, Some(Action::Type { on, .. })) => format!("opening the terminal of {on}"),
            (_, Some(Action::Build { .. })) => "building the stack".to_owned(),
            (_, Some(Action::CleanUp {})) => "cleaning up".to_owned(),
            (_, Some(Action::Answer(_)) | None) => "answering".to_owned(),
        }
    }
}

impl Engine {
    /// Begins these actions; what was being done before is given up.
    pub(super) fn act(&mut self, actions: Vec<Action>) {
        self.doing = Some(Doing {
            actions: actions.into(),
            waiting: Waiting::Nothing,
            since: self.at,
        });
    }

    /// Goes on with what is being done, as far as it can be done now.
    pub(super) fn go_on_doing(&mut self, effects: &mut Vec<Effect>) {
        while let Some(doing) = self.doing.take() {
            match self.one_more(doing, effects) {
                Ok(Some(doing)) => self.doing = Some(doing),
                Ok(None) => {
                    // All done: the verdict is due.
                    self.decide();
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
        if let Waiting::Prompt { on, entered } = doing.waiting {
            let ended = matches!(self.terminals.get(&on), Some(TerminalState::Ended(_)));
            let answered = self
                .texts
                .get(&on)
                .is_some_and(|text| text.awaits_input() && text.typed().count() > entered);
            if !ended && !answered {
                return Err(doing);
            }
            doing.waiting = Waiting::Nothing;
        }
        let Some(action) = doing.actions.pop_front() else {
            return Ok(None);
        };
        match action {
            Action::Answer(ref answer) => {
                let facts = self.facts();
                if facts::names(answer).any(|name| facts.get(name).is_none()) {
                    doing.actions.push_front(action);
                    return Err(doing);
                }
                self.answer(answer);
            }
            Action::Type { on, ref line } => {
                let ready =
                    self.is_open(on) && self.texts.get(&on).is_some_and(Transcript::awaits_input);
                if !ready {
                    doing.actions.push_front(action);
                    return Err(doing);
                }
                let mut bytes = fill(line, &self.facts()).into_bytes();
                bytes.push(b'\r');
                effects.push(Effect::Input { on, bytes });
                let entered = self.texts.get(&on).map_or(0, |text| text.typed().count());
                doing.waiting = Waiting::Prompt { on, entered };
            }
            Action::Build { .. } => {
                let settled = self
                    .stack
                    .as_ref()
                    .is_some_and(super::stack::Stack::is_settled);
                if !settled {
                    doing.actions.push_front(action);
                    return Err(doing);
                }
            }
            Action::CleanUp {} => match self.phase {
                Phase::Learning => {
                    self.begin_cleanup();
                    self.pursue(effects);
                    doing.actions.push_front(action);
                    return Err(doing);
                }
                Phase::CleaningUp { .. } => {
                    doing.actions.push_front(action);
                    return Err(doing);
                }
                Phase::CleanedUp(_) | Phase::Over => {}
            },
        }
        Ok(Some(doing))
    }
}
