//! The list of lessons and their steps, to go to any. What going there does is the opener's matter.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::engine::view::LessonRow;
use crate::tui::keymap::{Act, Scope};
use crate::tui::layer::{Context, Effect, Flow, Layer, News};
use crate::tui::look::{Look, Tone};
use crate::tui::screens::reader::{Scroll, page};
use crate::tui::text;

/// What going to a step (from 0) of a lesson does.
type Go = fn(&LessonRow, usize) -> Effect;

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
        }
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
                lines.extend(row.steps.iter().enumerate().map(|(step, (title, passed))| {
                    step_line(step, title, *passed, step == at, width, look)
                }));
            }
        }
        (lines, marked_line)
    }

    fn lesson_line(&self, row: &LessonRow, marked: bool, title: u16, look: Look) -> Line<'static> {
        let passed = row.steps.iter().filter(|(_, passed)| *passed).count();
        let (tone, word) = match passed {
            0 => (Tone::Plain, text::plural(row.steps.len(), "step")),
            all if all == row.steps.len() => (Tone::Good, "done".to_owned()),
            some => (Tone::Busy, format!("{some} of {} done", row.steps.len())),
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

fn step_line(
    step: usize,
    title: &str,
    passed: bool,
    marked: bool,
    width: u16,
    look: Look,
) -> Line<'static> {
    let mark = if marked { ">" } else { " " };
    let (word, tone) = if passed {
        ("done", Tone::Good)
    } else {
        ("    ", Tone::Plain)
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
                &format!("  {}  {title}", step + 1),
                width.saturating_sub(10),
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
                    .position(|(_, passed)| !passed);
                self.step.get_or_insert(unpassed.unwrap_or(0));
            }
            Act::Shut => self.step = None,
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
