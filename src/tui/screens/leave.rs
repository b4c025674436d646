//! The question how to leave: clean up, keep the lab, or go on working. It says what keeping costs.

use std::borrow::Cow;
use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::engine::command::Command;
use crate::engine::view::{Phase, Target, View};
use crate::tui::keymap::{Act, Scope};
use crate::tui::layer::{Context, Flow, Layer, News};
use crate::tui::look::Tone;
use crate::tui::screens::owed::OwedScreen;
use crate::tui::text;
use crate::tui::widgets::frame::dialog;
use crate::tui::widgets::header;

/// Hours of a day, and of a month as AWS's own price pages count it (730).
const DAY: f64 = 24.0;
const MONTH: f64 = 730.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    CleanUp,
    Keep,
    Stay,
}

const WAYS: [Way; 3] = [Way::CleanUp, Way::Keep, Way::Stay];

/// The dialog.
pub(in crate::tui) struct Leave {
    view: Arc<View>,
    marked: usize,
}

impl Leave {
    /// About this lab. What is marked at first is the way that costs nothing and loses nothing: on AWS to clean up, in
    /// practice to keep.
    pub(in crate::tui) fn new(view: Arc<View>) -> Self {
        let marked = usize::from(matches!(view.target, Target::Practice { .. }));
        Self { view, marked }
    }

    fn choose(way: Way, cx: &mut Context) -> Flow {
        match way {
            Way::CleanUp => cx.command(Command::CleanUp),
            Way::Keep => cx.command(Command::Leave),
            Way::Stay => {}
        }
        Flow::Close
    }

    fn lines(&self, width: u16, cx: &Context) -> Vec<Line<'static>> {
        let look = cx.look;
        let mut lines = text::paragraphs(&stands(&self.view), width, look, Style::new());
        lines.push(Line::default());
        for (index, way) in WAYS.into_iter().enumerate() {
            let marked = index == self.marked;
            let mark = if marked { ">" } else { " " };
            let (name, meaning) = describe(way, &self.view, cx);
            let tone = if marked { Tone::Strong } else { Tone::Plain };
            let label = Span::styled(format!("{mark} {name:<13}"), look.style(tone));
            lines.extend(text::labelled(&label, &meaning, width, look, Style::new()));
        }
        lines
    }
}

impl Layer for Leave {
    fn scope(&self) -> Scope {
        Scope::Leave
    }

    fn label(&self, _act: Act, usual: &'static str) -> Option<Cow<'static, str>> {
        Some(usual.into())
    }

    fn act(&mut self, act: Act, cx: &mut Context) -> Flow {
        match act {
            Act::Up => self.marked = self.marked.saturating_sub(1),
            Act::Down => self.marked = (self.marked + 1).min(WAYS.len() - 1),
            Act::Enter => return Self::choose(WAYS[self.marked], cx),
            Act::CleanUp => return Self::choose(Way::CleanUp, cx),
            Act::Keep => return Self::choose(Way::Keep, cx),
            Act::Owed => return Flow::Open(Box::new(OwedScreen::new(Arc::clone(&self.view)))),
            Act::Close => return Flow::Close,
            _ => {}
        }
        Flow::Stay
    }

    fn news(&mut self, news: &News<'_>, _cx: &mut Context) -> Flow {
        if let News::View(view) = news {
            self.view = Arc::clone(view);
            if !matches!(view.phase, Phase::Learning) && !matches!(view.phase, Phase::CleanedUp(_))
            {
                return Flow::Close;
            }
        }
        Flow::Stay
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, cx: &Context) -> Option<Position> {
        let width = 68.min(area.width.saturating_sub(4));
        let lines = self.lines(width, cx);
        dialog(frame, area, "Leave", lines, width, cx.look);
        None
    }
}

/// What runs, where, at which price.
fn stands(view: &View) -> String {
    let made = made(view);
    match &view.target {
        Target::Practice { .. } if made.is_empty() => format!(
            "{} has nothing running in the practice account on this computer.",
            view.lab
        ),
        Target::Practice { .. } => {
            format!(
                "{} runs in the practice account on this computer{made}. It costs nothing.",
                view.lab
            )
        }
        Target::Aws { .. } if view.cost_per_hour > 0.0 || !made.is_empty() => {
            format!(
                "{} is still running in AWS{made}: {:.2} USD per hour.",
                view.lab, view.cost_per_hour
            )
        }
        Target::Aws { .. } => format!("{} has nothing running in AWS yet.", view.lab),
    }
}

/// ` (2 instances, 1 filesystem)`: what costs money, as far as the stack says it exists.
fn made(view: &View) -> String {
    let made = view.made().into_iter();
    let words: Vec<_> = made
        .map(|(count, noun)| text::plural(count, noun))
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join(", "))
    }
}

fn describe(way: Way, view: &View, cx: &Context) -> (&'static str, String) {
    match (way, &view.target) {
        (Way::CleanUp, _) => (
            "Clean up now",
            "deletes everything it made, with proof, then ends".to_owned(),
        ),
        (Way::Keep, Target::Aws { .. })
            if view.cost_per_hour > 0.0 && view.removes_itself.is_some() =>
        {
            let until = header::lease_time(view, cx).unwrap_or_default();
            let month = view.cost_per_hour * MONTH;
            (
                "Keep it",
                format!(
                    "until {until}, then it removes itself, unless `efslab resume` goes on here (a month of it is {month:.0} USD)"
                ),
            )
        }
        (Way::Keep, Target::Aws { .. }) if view.cost_per_hour > 0.0 => {
            let hour = view.cost_per_hour;
            let owed = format!(
                "{:.2} USD a day, {:.0} USD a month",
                hour * DAY,
                hour * MONTH
            );
            (
                "Keep it",
                format!("`efslab resume` goes on here; until then {owed}"),
            )
        }
        (Way::Keep, _) => (
            "Keep it",
            "leaves it as it is; `efslab resume` goes on here".to_owned(),
        ),
        (Way::Stay, _) => ("Keep working", "back to the lesson".to_owned()),
    }
}
