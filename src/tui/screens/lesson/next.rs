//! What the learner is to do next, in one sentence: the author's, unless something must be mended or waited for first.

use super::{Focus, LessonScreen};
use crate::engine::view::{MachineView, Mark, Phase, QuestionView, StepState, TerminalState, Work};
use crate::tui::text;
use crate::tui::widgets::stack;

impl LessonScreen {
    /// What the learner is to do next: the author's sentence, unless something must be mended or waited for first.
    pub(super) fn action(&self) -> String {
        let again = self.retry().map(|retry| {
            // What must be mended comes before whatever waits for it.
            format!("Press t to try again ({retry}).")
        });
        match (&self.view.phase, again) {
            (Phase::CleaningUp { .. }, Some(again)) => again,
            (Phase::CleaningUp { .. }, None) => "Nothing to do: it ends with a receipt.".to_owned(),
            (Phase::CleanedUp(receipt), _) if !receipt.is_clean() => {
                "Press r to clean up again, or q to leave.".to_owned()
            }
            _ if self.passed() && matches!(self.focus, Focus::Shell(_)) => {
                "Press Ctrl-], then Enter to continue.".to_owned()
            }
            (Phase::CleanedUp(_), _) if self.passed() && self.is_last() => {
                let rows = self.view.lessons.iter();
                match rows.map(|row| row.count(Mark::Skipped)).sum() {
                    0 => "That was the last step: press Enter to end.".to_owned(),
                    skipped => format!(
                        "That was the last step, {} skipped (l lists them): press Enter to end.",
                        text::plural(skipped, "step")
                    ),
                }
            }
            _ if self.passed() => "Press Enter to continue.".to_owned(),
            (Phase::CleanedUp(_), _) => {
                "The lab is gone: q ends; `efslab start` begins another.".to_owned()
            }
            (_, Some(again)) => again,
            (_, None) => self
                .waiting()
                .unwrap_or_else(|| self.view.step.action.clone()),
        }
    }

    /// What is to be done, or not, while the lab is at work; `None`: it is the learner's turn.
    fn waiting(&self) -> Option<String> {
        let meanwhile = "read on, or press n to go ahead.";
        let step = &self.view.step;
        if self.view.arming {
            return Some(format!(
                "Nothing to do: first a guard is made, which removes the lab should you forget it; {meanwhile}"
            ));
        }
        if step.work == Work::Stack
            && let Some(stack) = self.view.stack.as_ref().filter(|stack| stack::runs(stack))
        {
            let what = if stack::goes(stack) {
                "deleted"
            } else {
                "built"
            };
            return Some(match self.unanswered() {
                Some(question) if question.options.is_empty() => {
                    format!("The stack is being {what}. Meanwhile answer the question.")
                }
                Some(question) => format!(
                    "The stack is being {what}. Meanwhile answer the question (1-{}).",
                    question.options.len()
                ),
                None => format!("Nothing to do: the stack is being {what}; {meanwhile}"),
            });
        }
        if matches!(step.state, StepState::Working { .. }) {
            return Some("Wait a moment, or press n to go ahead.".to_owned());
        }
        let opens = |machine: &MachineView| {
            matches!(
                machine.terminal,
                TerminalState::Closed | TerminalState::Connecting
            )
        };
        (matches!(step.work, Work::Terminals | Work::Causality)
            && self.view.machines.iter().any(opens))
        .then(|| format!("Nothing to do: the terminals are being opened; {meanwhile}"))
    }

    /// The question, while no answer was given that may be right.
    fn unanswered(&self) -> Option<&QuestionView> {
        let wrong = matches!(self.view.step.state, StepState::NotYet(_));
        self.open_question()
            .filter(|question| question.answered.is_none() || wrong)
    }
}
