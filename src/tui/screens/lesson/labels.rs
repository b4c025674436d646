//! Which keys work now, and what they do in the words of the footer.

use std::borrow::Cow;

use super::{Focus, LessonScreen};
use crate::engine::view::{Phase, StepState, TerminalState, Work};
use crate::tui::keymap::Act;
use crate::tui::layout;
use crate::tui::widgets::blocks;

impl LessonScreen {
    /// What a key does now; `None`: nothing.
    pub(super) fn label_of(&self, act: Act, usual: &'static str) -> Option<Cow<'static, str>> {
        let step = &self.view.step;
        let gone = match &self.view.phase {
            Phase::CleanedUp(receipt) => Some(receipt.is_clean()),
            _ => None,
        };
        match (act, gone) {
            (Act::RunForMe, Some(clean)) => return (!clean).then(|| "clean up again".into()),
            (Act::Enter, Some(true)) if !self.passed() || self.is_last() => {
                return Some("end".into());
            }
            (Act::Enter, Some(false)) if !self.passed() => return Some("leave".into()),
            (Act::Retry, _) => return self.retry().map(|_| usual.into()),
            (Act::Details, _) => return self.view.trouble.as_ref().map(|_| usual.into()),
            (Act::Read, Some(_)) | (Act::Help | Act::Quit | Act::Owed | Act::Glossary, _) => {
                return Some(usual.into());
            }
            _ if self.everything() => return None,
            _ => {}
        }
        let options = self
            .open_question()
            .filter(|question| !question.options.is_empty());
        let works = match act {
            Act::Enter if self.focus == Focus::Lesson && self.passed() => {
                return Some("continue".into());
            }
            Act::Enter if self.focus == Focus::Lesson && options.is_some() => {
                step.work != Work::Question
            }
            Act::Enter
                if self.focus == Focus::Lesson && self.wants_typed_answer() && !self.guessed() =>
            {
                return Some("answer".into());
            }
            Act::Enter if self.focus == Focus::Lesson => !self.is_cleaning_up(),
            Act::Back => !self.is_first() && !self.is_cleaning_up(),
            Act::Next => !self.is_last() && !self.is_cleaning_up(),
            Act::Lessons => !self.is_cleaning_up(),
            Act::Choose(_) => options.is_some(),
            Act::Hint if step.hints_of > 0 && !self.passed() => {
                return Some(format!("hint {}/{}", step.hints.len(), step.hints_of).into());
            }
            Act::Answer if self.wants_typed_answer() && self.passed() => {
                return Some("another number".into());
            }
            Act::Answer if self.guessed() => return Some("guess again".into()),
            Act::Answer | Act::Hint => false,
            Act::RunForMe => {
                !self.passed()
                    && !self.is_cleaning_up()
                    && !matches!(step.state, StepState::Working { .. })
            }
            Act::Forward => {
                return step
                    .forward
                    .map(|minutes| format!("{minutes} min on").into());
            }
            Act::Copy => !blocks::commands(&step.blocks).is_empty(),
            Act::Focus(side) => {
                *self.terminal(side) != TerminalState::Closed && self.focus != Focus::Shell(side)
            }
            Act::ScrollBack => self.panes[layout::index(self.last)].has_more(),
            Act::Release if self.passed() => return Some("back: the step is passed".into()),
            _ => true,
        };
        works.then_some(usual.into())
    }
}
