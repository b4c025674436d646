//! The work beside or below the lesson: question, stack, terminals, cleanup and receipt. No key is handled here.

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{Focus, LessonScreen};
use crate::engine::view::{Phase, StepState, Work};
use crate::tui::layer::Context;
use crate::tui::layout::Need;
use crate::tui::look::Tone;
use crate::tui::text;
use crate::tui::widgets::frame::boxed;
use crate::tui::widgets::terminals::{self, Attention};
use crate::tui::widgets::{question, receipt, stack, verdict};

impl LessonScreen {
    pub(super) fn need(&self, cx: &Context, width: u16) -> Need {
        let work = self.view.step.work;
        match (&self.view.phase, work) {
            _ if self.everything() => Need::Everything,
            (Phase::CleanedUp(receipt), _) => Need::Rows(receipt::wants(receipt)),
            _ if matches!(self.focus, Focus::Shell(_)) => Need::Terminals,
            (_, Work::Question) => match &self.view.step.question {
                None => Need::Nothing,
                Some(asked) => {
                    let (lines, _) =
                        question::lines(asked, &self.typed, width.saturating_sub(4), cx.look);
                    Need::Rows(text::count(lines.len() + 2))
                }
            },
            (_, Work::Stack | Work::Receipt) => Need::Rows(stack::wants(self.view.stack.as_ref())),
            (_, Work::Terminals) => Need::Terminals,
        }
    }

    pub(super) fn draw_work(
        &mut self,
        frame: &mut Frame<'_>,
        area: Rect,
        need: Need,
        cx: &Context,
    ) -> Option<Position> {
        if area.height < 3 {
            return None;
        }
        if need == Need::Terminals {
            let focused = match self.focus {
                Focus::Shell(side) => Some(side),
                Focus::Lesson | Focus::Answer => None,
            };
            let attention = Attention {
                focused,
                last: self.last,
            };
            return terminals::draw(
                frame,
                area,
                &self.view.machines,
                &self.panes,
                attention,
                cx.look,
            );
        }
        let view = Arc::clone(&self.view);
        let (title, focused) = match (&view.phase, view.step.work) {
            (Phase::CleaningUp { .. }, _) => (vec!["Cleaning up".into()], false),
            (Phase::CleanedUp(_), _) => (vec!["Receipt".into()], false),
            (_, Work::Question) => (vec!["Question".into()], self.focus == Focus::Answer),
            _ => (stack::title(view.stack.as_ref(), cx.look), false),
        };
        let inner = boxed(frame, area, title, focused, cx.look);
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        let (lines, typing) = self.work_lines(inner.as_size(), cx);
        // What was said of an answer stands at the end of the question.
        let answered = view
            .step
            .question
            .as_ref()
            .is_some_and(|question| question.answered.is_some());
        let over = text::count(lines.len()).saturating_sub(inner.height);
        let at = if answered && view.step.work == Work::Question {
            over
        } else {
            0
        };
        frame.render_widget(Paragraph::new(lines).scroll((at, 0)), inner);
        let (row, column) = typing.filter(|_| focused)?;
        (row >= at && row - at < inner.height)
            .then(|| Position::new(inner.x + column, inner.y + row - at))
    }

    pub(super) fn work_lines(
        &self,
        size: Size,
        cx: &Context,
    ) -> (Vec<Line<'static>>, Option<(u16, u16)>) {
        let (view, width, height) = (&self.view, size.width, size.height);
        let stack_lines = |height| {
            stack::lines(
                view.stack.as_ref(),
                &view.target,
                cx.now,
                (width, height),
                cx.look,
            )
        };
        let lines = match (&view.phase, view.step.work) {
            (Phase::CleanedUp(receipt), _) => {
                receipt::lines(receipt, &view.target, &cx.zone, (width, height), cx.look)
            }
            (Phase::CleaningUp { doing, since }, _) => {
                let state = StepState::Working {
                    what: doing.clone(),
                    since: *since,
                };
                let mut lines = verdict::state(&state, cx.now, width, cx.look);
                lines.push(Line::default());
                lines.extend(stack_lines(height.saturating_sub(text::count(lines.len()))));
                lines
            }
            (_, Work::Question) => match &view.step.question {
                Some(asked) => return question::lines(asked, &self.typed, width, cx.look),
                None => Vec::new(),
            },
            (_, Work::Receipt) => {
                let said = "A cleanup deletes all of this, and every snapshot the lab made, then asks until nothing is left.";
                let mut lines = text::paragraphs(said, width, cx.look, cx.look.style(Tone::Strong));
                lines.extend(stack_lines(height.saturating_sub(text::count(lines.len()))));
                lines
            }
            _ => stack_lines(height),
        };
        (lines, None)
    }

    /// Whether something is shown that counts seconds.
    pub(super) fn counts_seconds(&self) -> bool {
        let building = self.view.stack.as_ref().is_some_and(stack::runs);
        match &self.view.phase {
            Phase::CleaningUp { .. } => true,
            Phase::CleanedUp(_) | Phase::Over => false,
            Phase::Learning => {
                matches!(self.view.step.state, StepState::Working { .. })
                    || (building && matches!(self.view.step.work, Work::Stack | Work::Receipt))
            }
        }
    }
}
