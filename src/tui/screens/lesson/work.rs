//! The work beside or below the lesson: question, stack, terminals, cleanup and receipt. No key is handled here.

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{Focus, LessonScreen, Scrolls};
use crate::engine::view::{PanelContent, PanelView, Phase, StackView, StepState, Work};
use crate::tui::layer::Context;
use crate::tui::layout::{self, Need};
use crate::tui::look::{Look, Tone};
use crate::tui::text;
use crate::tui::widgets::frame::{boxed, corner};
use crate::tui::widgets::terminals::{self, Attention};
use crate::tui::widgets::{causality, chart, panel, question, receipt, stack, verdict};

/// Rows in which a stack still says something: what it works on, what waits, how long. One that is not there needs one.
fn least(stack: Option<&StackView>) -> u16 {
    if stack.is_some() { 3 } else { 1 }
}

/// What of the step stands in the work pane, so that the lesson's text need not show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// The question: alone, or under the stack where that leaves room for both.
    pub(super) question: bool,
    /// Charts and tables, under the question.
    pub(super) figures: bool,
}

impl LessonScreen {
    pub(super) fn need(&self, cx: &Context, width: u16) -> Need {
        let (work, inner) = (self.view.step.work, width.saturating_sub(4));
        match (&self.view.phase, work) {
            _ if self.everything() => Need::Everything,
            (Phase::CleanedUp(receipt), _) => Need::Rows(receipt::wants(receipt, inner, cx.look)),
            _ if matches!(self.focus, Focus::Shell(_)) => Need::Terminals,
            (_, Work::Question) => match self.question_rows(inner, cx) {
                0 => Need::Nothing,
                rows => Need::Rows(rows + 2),
            },
            (_, Work::Stack) => {
                let question = match self.question_rows(inner, cx) {
                    0 => 0,
                    rows => rows + 1,
                };
                Need::Rows(stack::wants(self.view.stack.as_ref()).saturating_add(question))
            }
            (_, Work::Receipt) => {
                let said = text::count(self.before_cleanup(inner, cx).len());
                let stack = self.view.stack.as_ref();
                Need::Rows(said + stack.map_or(2, |stack| stack::wants(Some(stack))))
            }
            (_, Work::Causality) => {
                Need::Rows(causality::wants(self.view.step.causality.as_ref()) + 2)
            }
            (_, Work::Terminals) if !layout::is_wide(width) && self.is_watched() => Need::Nothing,
            (_, Work::Terminals) => Need::Terminals,
        }
    }

    /// Whether the step is about curves that move while the learner lets time pass. Where the terminals leave no room for
    /// them they are seen while something is typed.
    fn is_watched(&self) -> bool {
        let step = &self.view.step;
        let is_drawn = |panel: &PanelView| matches!(panel.content, PanelContent::Graphs(_));
        step.forward.is_some()
            && step.panels.iter().any(is_drawn)
            && !matches!(step.state, StepState::Working { .. })
    }

    /// The charts and tables of the step.
    fn figures(&self, width: u16, look: Look) -> Vec<Line<'static>> {
        let step = &self.view.step;
        let mut lines = panel::lines(&step.panels, width, look);
        let charts = chart::lines(&step.charts, width, look);
        if !lines.is_empty() && !charts.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(charts);
        lines
    }

    /// What a cleanup is about to do.
    fn before_cleanup(&self, width: u16, cx: &Context) -> Vec<Line<'static>> {
        let said = if self.view.stack.is_some() {
            "A cleanup deletes all of this, and every snapshot the lab made, then asks until nothing is left."
        } else {
            "Nothing is built. A cleanup asks all the same, until every answer is: none."
        };
        text::paragraphs(said, width, cx.look, cx.look.style(Tone::Strong))
    }

    /// Rows of the question, if there is one.
    fn question_rows(&self, width: u16, cx: &Context) -> u16 {
        self.view.step.question.as_ref().map_or(0, |asked| {
            let state = &self.view.step.state;
            let (lines, _) = question::lines(asked, state, &self.typed, width, cx.look);
            text::count(lines.len())
        })
    }

    /// What of the step the work shows in this place; `beside`: it stands beside the text, and not below it.
    pub(super) fn shown_in(&self, work: Rect, need: Need, beside: bool, cx: &Context) -> Shown {
        let inner = Size::new(work.width.saturating_sub(4), work.height.saturating_sub(2));
        let question = self.asks_in(inner, need, cx);
        let figures = question && beside && self.view.step.work == Work::Question && {
            let rows = self.question_rows(inner.width, cx) + 1;
            let figures = text::count(self.figures(inner.width, cx.look).len());
            figures > 0 && rows.saturating_add(figures) <= inner.height
        };
        Shown { question, figures }
    }

    fn asks_in(&self, inner: Size, need: Need, cx: &Context) -> bool {
        match (need, self.view.step.work) {
            (Need::Terminals | Need::Everything, _) => false,
            _ if self.view.phase != Phase::Learning => false,
            (_, Work::Question) => true,
            (_, Work::Stack) => {
                let rows = self.question_rows(inner.width, cx);
                let stack = least(self.view.stack.as_ref());
                rows > 0 && rows + 1 + stack <= inner.height
            }
            (_, Work::Terminals | Work::Causality | Work::Receipt) => false,
        }
    }

    pub(super) fn draw_work(
        &mut self,
        frame: &mut Frame<'_>,
        area: Rect,
        need: Need,
        shown: Shown,
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
        let title = match (&view.phase, view.step.work) {
            (Phase::CleaningUp { .. }, _) => vec!["Cleaning up".into()],
            (Phase::CleanedUp(_), _) => vec!["Receipt".into()],
            (_, Work::Question) => vec!["Question".into()],
            (_, Work::Causality) => causality::title(view.step.causality.as_ref(), cx.look),
            _ => stack::title(view.stack.as_ref(), cx.look),
        };
        let focused = shown.question && self.focus == Focus::Answer;
        let inner = boxed(frame, area, title, focused, cx.look);
        let inner = Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(2),
            ..inner
        };
        let (lines, typing) = self.work_lines(inner.as_size(), shown, cx);
        // What was said of an answer stands at the end of the question, and with figures there is room for all of it.
        let answered = view
            .step
            .question
            .as_ref()
            .is_some_and(|question| question.answered.is_some());
        let at = if matches!(view.phase, Phase::CleanedUp(_)) {
            self.receipt.fit(lines.len(), inner.height);
            let note = if self.scrolls() == Scrolls::Receipt {
                self.receipt.note(area.width)
            } else if self.receipt.overflows() {
                "v shows all of it".to_owned()
            } else {
                String::new()
            };
            corner(frame, area, &note, cx.look);
            self.receipt.at
        } else if answered && shown.question && !shown.figures {
            text::count(lines.len()).saturating_sub(inner.height)
        } else {
            0
        };
        frame.render_widget(Paragraph::new(lines).scroll((at, 0)), inner);
        let (row, column) = typing.filter(|_| focused)?;
        (row >= at && row - at < inner.height)
            .then(|| Position::new(inner.x + column, inner.y + row - at))
    }

    fn work_lines(
        &self,
        size: Size,
        shown: Shown,
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
        let mut lines = match (&view.phase, view.step.work) {
            (Phase::CleanedUp(receipt), _) => {
                receipt::lines(receipt, &view.target, &cx.zone, (width, height), cx.look)
            }
            (
                Phase::CleaningUp {
                    doing,
                    since,
                    share,
                },
                _,
            ) => {
                let state = StepState::Working {
                    what: doing.clone(),
                    since: *since,
                };
                let mut lines = verdict::state(&state, None, cx.now, width, cx.look);
                if let Some(share) = share {
                    let left = share.estimate().unwrap_or_default();
                    let room = usize::from(width).saturating_sub(left.len() + 4).min(40);
                    lines.push(format!("{}  {left}", share.bar(room)).into());
                }
                lines.push(Line::default());
                lines.extend(stack_lines(height.saturating_sub(text::count(lines.len()))));
                lines
            }
            (_, Work::Question) => Vec::new(),
            (_, Work::Causality) => {
                let shown = view.step.causality.as_ref();
                shown.map_or_else(Vec::new, |it| causality::lines(it, width, height, cx.look))
            }
            (_, Work::Receipt) => {
                let mut lines = self.before_cleanup(width, cx);
                if view.stack.is_some() {
                    lines.extend(stack_lines(height.saturating_sub(text::count(lines.len()))));
                }
                lines
            }
            _ if shown.question => {
                let question = self.question_rows(width, cx) + 1;
                let mut lines = stack_lines(height.saturating_sub(question));
                lines.push(Line::default());
                lines
            }
            _ => stack_lines(height),
        };
        let Some(asked) = view.step.question.as_ref().filter(|_| shown.question) else {
            return (lines, None);
        };
        let above = text::count(lines.len());
        let (question, typing) =
            question::lines(asked, &view.step.state, &self.typed, width, cx.look);
        lines.extend(question);
        if shown.figures {
            lines.push(Line::default());
            lines.extend(self.figures(width, cx.look));
        }
        (
            lines,
            typing.map(|(row, column)| (above.saturating_add(row), column)),
        )
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
