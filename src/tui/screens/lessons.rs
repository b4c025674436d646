//! The list of lessons and their steps, to go to any. What going there does is the opener's matter.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::engine::view::{LessonRow, Mark, StepRow};
use crate::tui::keymap::{Act, Scope};
use crate::tui::layer::{Context, Effect, Flow, Layer, News};
use crate::tui::look::{Look, Tone};
use crate::tui::screens::confirm::Confirm;
use crate::tui::screens::reader::{Scroll, page};
use crate::tui::text;

/// What going to a step (from 0) of a lesson does.
type Go = fn(&LessonRow, usize) -> Effect;

/// What forgetting a lesson, or one of its steps (from 0), does.
type Forget = fn(&LessonRow, Option<usize>) -> Effect;

/// The list.
pub(in crate::tui) struct Lessons {
    rows: Vec<LessonRow>,
    /// The lesson where the learner stands.
    here: Option<String>,
    marked: usize,
    /// The marked step of the marked lesson, where its steps are shown.
    step: Option<usize>,
    scroll: Scroll,
    go: Go,
    /// `None`: nothing has become of any step yet.
    forget: Option<Forget>,
}

impl Lessons {
    /// With the lesson of this id marked.
    pub(in crate::tui) fn new(rows: Vec<LessonRow>, here: Option<String>, go: Go) -> Self {
        let marked = rows
            .iter()
            .position(|row| Some(&row.id) == here.as_ref())
            .unwrap_or(0);
        Self {
            rows,
            here,
            marked,
            step: None,
            scroll: Scroll::default(),
            go,
            forget: None,
        }
    }

    /// With a way to begin a lesson or a step anew.
    pub(in crate::tui) fn with_forget(self, forget: Forget) -> Self {
        Self {
            forget: Some(forget),
            ..self
        }
    }

    /// Begins the marked step anew, or asks whether to forget the marked lesson.
    fn forget(&self, cx: &mut Context) -> Flow {
        let (Some(forget), Some(row)) = (self.forget, self.rows.get(self.marked)) else {
            return Flow::Stay;
        };
        if self.step.is_some() {
            cx.effect(forget(row, self.step));
            return Flow::Close;
        }
        let ask = format!(
            "Reset lesson {}, {}? Its answers, hints, verdicts and measurements are forgotten. What is on the machines \
             stays.",
            row.number, row.title
        );
        Flow::Open(Box::new(Confirm::new(ask, forget(row, None))))
    }

    fn steps(&self) -> usize {
        self.rows.get(self.marked).map_or(0, |row| row.steps.len())
    }

    /// Moves the mark; inside an opened lesson over its steps, else over lessons.
    fn walk(&mut self, down: bool) {
        let (at, last) = match self.step {
            Some(step) => (step, self.steps().saturating_sub(1)),
            None => (self.marked, self.rows.len().saturating_sub(1)),
        };
        let to = if down {
            (at + 1).min(last)
        } else {
            at.saturating_sub(1)
        };
        match &mut self.step {
            Some(step) => *step = to,
            None => self.marked = to,
        }
    }

    /// The list as lines, and which of them is marked.
    fn lines(&self, width: u16, look: Look) -> (Vec<Line<'static>>, usize) {
        let mut lines = Vec::new();
        let mut marked_line = 0;
        let title = self
            .rows
            .iter()
            .map(|row| text::width(&row.title))
            .max()
            .unwrap_or(0)
            .min(width.saturating_sub(32));
        for (index, row) in self.rows.iter().enumerate() {
            let marked = index == self.marked;
            if marked {
                marked_line = lines.len();
            }
            lines.push(self.lesson_line(row, marked && self.step.is_none(), title, look));
            if let (true, Some(at)) = (marked, self.step) {
                marked_line = lines.len() + at;
                let steps = row.steps.iter().enumerate();
                lines.extend(
                    steps.map(|(number, step)| step_line(number, step, number == at, width, look)),
                );
            }
        }
        (lines, marked_line)
    }

    fn lesson_line(&self, row: &LessonRow, marked: bool, title: u16, look: Look) -> Line<'static> {
        let (passed, skipped) = (row.count(Mark::Passed), row.count(Mark::Skipped));
        let of = row.steps.len();
        let (tone, word) = match (passed, skipped) {
            (0, 0) => (Tone::Plain, text::plural(of, "step")),
            (all, _) if all == of => (Tone::Good, "done".to_owned()),
            (0, some) => (Tone::Warn, format!("{some} of {of} skipped")),
            (some, 0) => (Tone::Busy, format!("{some} of {of} done")),
            (some, left) => (Tone::Busy, format!("{some} of {of} done, {left} skipped")),
        };
        let here = if Some(&row.id) == self.here.as_ref() {
            "  you are here"
        } else {
            ""
        };
        let style = if marked {
            look.style(Tone::Strong)
        } else {
            Style::new()
        };
        let mark = if marked { ">" } else { " " };
        let name = text::clip(&row.title, title);
        let pad = " ".repeat(usize::from(title.saturating_sub(text::width(&name))));
        Line::from(vec![
            Span::styled(
                format!(
                    "{mark} {:>2}  {name}{pad}  {:>3} min  ",
                    row.number, row.minutes
                ),
                style,
            ),
            Span::styled(word, look.style(tone)),
            Span::styled(here, look.style(Tone::Strong)),
        ])
    }
}

fn step_line(number: usize, step: &StepRow, marked: bool, width: u16, look: Look) -> Line<'static> {
    let mark = if marked { ">" } else { " " };
    let (word, tone) = match step.mark {
        Mark::Passed => ("done   ", Tone::Good),
        Mark::Skipped => ("skipped", Tone::Warn),
        Mark::Open => ("       ", Tone::Plain),
    };
    let style = if marked {
        look.style(Tone::Strong)
    } else {
        Style::new()
    };
    Line::from(vec![
        Span::styled(format!("    {mark} "), style),
        Span::styled(word, look.style(tone)),
        Span::styled(
            text::clip(
                &format!("  {}  {}", number + 1, step.title),
                width.saturating_sub(13),
            ),
            style,
        ),
    ])
}

impl Layer for Lessons {
    fn scope(&self) -> Scope {
        Scope::Lessons
    }

    fn label(&self, act: Act, usual: &'static str) -> Option<Cow<'static, str>> {
        match act {
            Act::Open if self.step.is_some() || self.steps() == 0 => None,
            Act::Forget if self.forget.is_none() => None,
            Act::Forget if self.step.is_some() => Some("redo this step".into()),
            Act::Forget => Some("reset this lesson".into()),
            act => self.scroll.label(act, usual),
        }
    }

    fn act(&mut self, act: Act, cx: &mut Context) -> Flow {
        match act {
            Act::Up => self.walk(false),
            Act::Down => self.walk(true),
            Act::Open if self.steps() > 0 => {
                let unpassed = self.rows[self.marked]
                    .steps
                    .iter()
                    .position(|step| step.mark != Mark::Passed);
                self.step.get_or_insert(unpassed.unwrap_or(0));
            }
            Act::Shut => self.step = None,
            Act::Forget => return self.forget(cx),
            Act::Enter => {
                if let Some(row) = self.rows.get(self.marked) {
                    cx.effect((self.go)(row, self.step.unwrap_or(0)));
                }
                return Flow::Close;
            }
            Act::Close => return Flow::Close,
            act => self.scroll.act(act),
        }
        Flow::Stay
    }

    fn news(&mut self, news: &News<'_>, _cx: &mut Context) -> Flow {
        if let News::View(view) = news {
            self.rows.clone_from(&view.lessons);
            self.marked = self.marked.min(self.rows.len().saturating_sub(1));
            self.step = self
                .step
                .map(|step| step.min(self.steps().saturating_sub(1)));
        }
        Flow::Stay
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, cx: &Context) -> Option<Position> {
        let (lines, marked) = self.lines(area.width.saturating_sub(2), cx.look);
        self.scroll.fit(lines.len(), area.height.saturating_sub(2));
        self.scroll
            .show(text::count(marked), text::count(marked + 1));
        page(frame, area, "Lessons", lines, &mut self.scroll, cx.look);
        None
    }
}
