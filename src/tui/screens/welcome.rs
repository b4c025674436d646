//! The first screen: where to run, which lab to continue. Everything it says was given to it; it waits for nothing.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::engine::view::{Block, LessonRow};
use crate::tui::chosen::{Chosen, LabRow, Place, PlaceRow, Welcome};
use crate::tui::keymap::{Act, Scope};
use crate::tui::layer::{Context, Effect, Flow, Layer};
use crate::tui::look::{Look, Tone};
use crate::tui::screens::confirm::Confirm;
use crate::tui::screens::lessons::Lessons;
use crate::tui::screens::reader::Reader;
use crate::tui::text;

/// The first screen.
pub(in crate::tui) struct WelcomeScreen {
    welcome: Welcome,
    marked: usize,
}

/// What a line of the first screen stands for.
enum Entry<'a> {
    Start(Place, &'a PlaceRow),
    Resume(&'a LabRow),
}

impl WelcomeScreen {
    /// With the practice account marked.
    pub(in crate::tui) fn new(welcome: Welcome) -> Self {
        Self { welcome, marked: 0 }
    }

    fn entry(&self, index: usize) -> Option<Entry<'_>> {
        match index {
            0 => Some(Entry::Start(Place::Practice, &self.welcome.practice)),
            1 => Some(Entry::Start(Place::Aws, &self.welcome.aws)),
            lab => self.welcome.labs.get(lab - 2).map(Entry::Resume),
        }
    }

    /// The marked lab, else the latest.
    fn lab(&self) -> Option<&LabRow> {
        match self.entry(self.marked) {
            Some(Entry::Resume(lab)) => Some(lab),
            _ => self.welcome.labs.first(),
        }
    }

    fn enter(&self, cx: &mut Context) {
        match self.entry(self.marked) {
            Some(Entry::Start(place, row)) if row.ready => {
                cx.effect(Effect::Choose(Chosen::Start {
                    place,
                    lesson: None,
                }));
            }
            Some(Entry::Start(_, row)) => {
                cx.notice(format!("not possible now: {} (press d)", row.state));
            }
            Some(Entry::Resume(lab)) => cx.effect(Effect::Choose(Chosen::Resume {
                lab: lab.id.clone(),
            })),
            None => {}
        }
    }

    fn details(&self) -> Reader {
        let mut blocks = Vec::new();
        for (name, row) in [
            ("Practice account", &self.welcome.practice),
            ("AWS account", &self.welcome.aws),
        ] {
            blocks.push(Block::Text(format!("{name}: {}, {}", row.about, row.state)));
            blocks.extend(row.details.iter().cloned().map(Block::Text));
        }
        Reader::new("Where a lab can run", blocks)
    }

    fn lines(&self, width: u16, look: Look) -> Vec<Line<'static>> {
        let strong = look.style(Tone::Strong);
        let pitch = "Share a home directory between two machines, for real, and leave no bill.";
        let mut lines = text::paragraphs(pitch, width, look, Style::new());
        lines.extend([
            Line::default(),
            Line::styled("Where should the lab run?", strong),
        ]);
        let add = |lines: &mut Vec<Line<'static>>,
                   index: usize,
                   name: &str,
                   said: &str,
                   state: Span<'static>| {
            let marked = index == self.marked;
            let mark = if marked { ">" } else { " " };
            let label = Span::styled(
                format!("{mark} {name:<16} "),
                if marked { strong } else { Style::new() },
            );
            let mut entry = text::labelled(&label, said, width, look, Style::new());
            let fits = entry.last().is_some_and(|last| {
                text::line_width(last) + text::width(&state.content) + 3 <= width
            });
            match entry.last_mut() {
                Some(last) if fits => last.spans.extend([Span::raw("   "), state]),
                _ => entry.push(Line::from(vec![Span::raw(" ".repeat(20)), state])),
            }
            lines.extend(entry);
        };
        for (index, name, row) in [
            (0, "Practice account", &self.welcome.practice),
            (1, "AWS account", &self.welcome.aws),
        ] {
            let tone = if row.ready { Tone::Good } else { Tone::Warn };
            add(
                &mut lines,
                index,
                name,
                &row.about,
                Span::styled(format!("({})", row.state), look.style(tone)),
            );
        }
        if !self.welcome.labs.is_empty() {
            lines.extend([Line::default(), Line::styled("Or continue?", strong)]);
        }
        for (index, lab) in self.welcome.labs.iter().enumerate() {
            let said = format!("{}, {}, {}", lab.lesson, lab.step, lab.target);
            add(
                &mut lines,
                index + 2,
                &lab.id,
                &said,
                Span::styled(format!("({})", lab.when), look.style(Tone::Quiet)),
            );
        }
        lines
    }
}

/// Starting with a lesson means starting in the practice account; AWS is chosen on this screen.
fn start(lesson: &LessonRow, _step: usize) -> Effect {
    Effect::Choose(Chosen::Start {
        place: Place::Practice,
        lesson: Some(lesson.id.clone()),
    })
}

fn start_in_aws(lesson: &LessonRow, _step: usize) -> Effect {
    Effect::Choose(Chosen::Start {
        place: Place::Aws,
        lesson: Some(lesson.id.clone()),
    })
}

impl Layer for WelcomeScreen {
    fn scope(&self) -> Scope {
        Scope::Welcome
    }

    fn label(&self, act: Act, usual: &'static str) -> Option<Cow<'static, str>> {
        match act {
            Act::Resume | Act::CleanUp if self.welcome.labs.is_empty() => None,
            Act::Enter if self.marked > 1 => Some("resume".into()),
            Act::Resume if self.marked > 1 => None,
            _ => Some(usual.into()),
        }
    }

    fn act(&mut self, act: Act, cx: &mut Context) -> Flow {
        match act {
            Act::Up => self.marked = self.marked.saturating_sub(1),
            Act::Down => self.marked = (self.marked + 1).min(self.welcome.labs.len() + 1),
            Act::Enter => self.enter(cx),
            Act::Resume => match self.lab() {
                Some(lab) => cx.effect(Effect::Choose(Chosen::Resume {
                    lab: lab.id.clone(),
                })),
                None => cx.notice("there is no lab to continue"),
            },
            Act::CleanUp => match self.lab() {
                Some(lab) => {
                    let ask = format!(
                        "Delete everything that {} made ({})? That ends this lab.",
                        lab.id, lab.target
                    );
                    let yes = Effect::Choose(Chosen::CleanUp {
                        lab: lab.id.clone(),
                    });
                    return Flow::Open(Box::new(Confirm::new(ask, yes)));
                }
                None => cx.notice("there is no lab to clean up"),
            },
            Act::Details => return Flow::Open(Box::new(self.details())),
            Act::Lessons => {
                let in_aws = self.marked == 1 && self.welcome.aws.ready;
                let go = if in_aws { start_in_aws } else { start };
                return Flow::Open(Box::new(Lessons::new(
                    self.welcome.lessons.clone(),
                    None,
                    go,
                )));
            }
            Act::Quit => cx.effect(Effect::Choose(Chosen::Quit)),
            _ => {}
        }
        Flow::Stay
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, cx: &Context) -> Option<Position> {
        let version = format!("v{} ", self.welcome.version);
        let gap = usize::from(area.width.saturating_sub(7 + text::width(&version)));
        let head = Line::styled(
            format!(" efslab{}{version}", " ".repeat(gap)),
            cx.look.badge(Tone::Strong),
        );
        frame.render_widget(head, Rect { height: 1, ..area });
        let body = Rect {
            x: area.x + 1,
            y: area.y + 2,
            width: area.width.saturating_sub(2),
            height: area.height.saturating_sub(2),
        };
        let lines = self.lines(body.width, cx.look);
        // The marked line stays visible when there are more labs than rows.
        let over = usize::from(text::count(lines.len()).saturating_sub(body.height));
        let scroll = match self.marked {
            0 | 1 => 0,
            marked => text::count(over * marked / (self.welcome.labs.len() + 1)),
        };
        frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)), body);
        None
    }
}
