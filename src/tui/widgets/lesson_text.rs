//! The lesson pane: the step's text, scrolled, and under it what never scrolls away. What the next action is was decided
//! elsewhere.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use crate::engine::view::{StepState, View};
use crate::tui::look::{Look, Tone};
use crate::tui::screens::reader::Scroll;
use crate::tui::text;
use crate::tui::widgets::answer::AnswerLine;
use crate::tui::widgets::frame::{boxed, corner};
use crate::tui::widgets::{blocks, chart, panel, question, verdict};

/// Wider text is hard to read.
const READABLE: u16 = 96;

/// A part of the text that was added and is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Part {
    /// What was seen of the account.
    Panels,
    /// The last hint.
    Hint,
    /// The question with what was said of the answer.
    Question,
    /// Figures and debrief.
    Debrief,
}

/// What the pane shows.
pub(in crate::tui) struct Pane<'a> {
    pub view: &'a View,
    /// What is being typed; `None`: the question, if there is one, is shown elsewhere.
    pub typed: Option<&'a AnswerLine>,
    pub action: &'a str,
    /// Whether charts and tables are shown here.
    pub figures: bool,
    /// Whether the keys are the lesson's.
    pub focused: bool,
    /// In a box of its own.
    pub boxed: bool,
    pub now: Timestamp,
    pub look: Look,
}

/// The whole step without any screen's limits: text, hints, question, debrief, then trouble and verdict.
pub(in crate::tui) fn whole(
    view: &View,
    now: Timestamp,
    width: u16,
    look: Look,
) -> Vec<Line<'static>> {
    let pane = Pane {
        view,
        typed: Some(&AnswerLine::default()),
        action: "",
        figures: true,
        focused: false,
        boxed: false,
        now,
        look,
    };
    let width = width.min(READABLE);
    let mut lines = pane.text(width).lines;
    let trouble = view.trouble.iter();
    let mut said: Vec<_> = trouble
        .flat_map(|trouble| verdict::trouble(trouble, width, look))
        .collect();
    said.extend(verdict::state(
        &view.step.state,
        view.step.due,
        now,
        width,
        look,
    ));
    if !said.is_empty() {
        lines.push(Line::default());
        lines.extend(said);
    }
    lines
}

impl Pane<'_> {
    /// Draws it; answers where in it an answer is typed, if that is visible.
    pub(in crate::tui) fn draw(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        scroll: &mut Scroll,
        reveal: Option<Part>,
    ) -> Option<Position> {
        if area.height < 2 {
            return None;
        }
        let title = &self.view.step.title;
        let strong = self.look.style(Tone::Strong);
        let body = if self.boxed {
            boxed(
                frame,
                area,
                vec![Span::styled(
                    text::clip(title, area.width.saturating_sub(4)),
                    strong,
                )],
                self.focused,
                self.look,
            )
        } else {
            frame.render_widget(Clear, area);
            Rect {
                y: area.y + 1,
                height: area.height - 1,
                ..area
            }
        };
        let inner = Rect {
            x: body.x + 1,
            width: body.width.saturating_sub(2).min(READABLE),
            ..body
        };
        let pinned = self.pinned(inner.width, inner.height);
        let room = Rect {
            height: inner.height - text::count(pinned.len()),
            ..inner
        };
        let Text {
            lines,
            parts,
            typing,
        } = self.text(inner.width);
        scroll.fit(lines.len(), room.height);
        if let Some((_, from, until)) = parts.iter().rfind(|(part, ..)| Some(*part) == reveal) {
            scroll.show(*from, *until);
        }
        let at = scroll.at;
        frame.render_widget(Paragraph::new(lines).scroll((at, 0)), room);
        frame.render_widget(
            Paragraph::new(pinned),
            Rect {
                y: room.bottom(),
                height: inner.height - room.height,
                ..inner
            },
        );
        let note = scroll.note(if self.boxed { 60 } else { area.width });
        if self.boxed {
            corner(frame, area, &note, self.look);
        } else {
            self.draw_title(frame, Rect { height: 1, ..area }, title, &note);
        }
        let (row, column) = typing?;
        (row >= at && row - at < room.height)
            .then(|| Position::new(room.x + column, room.y + row - at))
    }

    /// Draws only what never scrolls away, at the lower end of `area`, without the state of a step that is not shown.
    /// Answers the rest of `area`.
    pub(in crate::tui) fn draw_pinned(&self, frame: &mut Frame<'_>, area: Rect) -> Rect {
        let width = area.width.saturating_sub(2);
        let trouble = self
            .view
            .trouble
            .iter()
            .flat_map(|trouble| verdict::trouble(trouble, width, self.look));
        let lines: Vec<_> = trouble
            .chain(verdict::action(self.action, width, self.look))
            .collect();
        let height = text::count(lines.len()).min(area.height / 2);
        let rest = Rect {
            height: area.height - height,
            ..area
        };
        frame.render_widget(
            Paragraph::new(lines),
            Rect {
                x: area.x + 1,
                y: rest.bottom(),
                width,
                height,
            },
        );
        rest
    }

    fn draw_title(&self, frame: &mut Frame<'_>, area: Rect, title: &str, note: &str) {
        let room = area.width.saturating_sub(text::width(note) + 4);
        let title = text::clip(title, room);
        let gap = area
            .width
            .saturating_sub(text::width(&title) + text::width(note) + 2);
        let mut style = self.look.style(Tone::Strong);
        if self.focused {
            style = style.add_modifier(ratatui::style::Modifier::UNDERLINED);
        }
        let line = Line::from(vec![
            Span::raw(" "),
            Span::styled(title, style),
            Span::raw(" ".repeat(usize::from(gap))),
            Span::styled(note.to_owned(), self.look.style(Tone::Quiet)),
        ]);
        frame.render_widget(line, area);
    }

    /// Trouble, verdict and action: as much as fits, the action first of all, then what went wrong.
    fn pinned(&self, width: u16, height: u16) -> Vec<Line<'static>> {
        let height = usize::from(height);
        let mut action = verdict::action(self.action, width, self.look);
        let mut state = verdict::state(
            &self.view.step.state,
            self.view.step.due,
            self.now,
            width,
            self.look,
        );
        let mut trouble = self.view.trouble.as_ref().map_or_else(Vec::new, |trouble| {
            verdict::trouble(trouble, width, self.look)
        });
        action.truncate(height);
        let rest = height - action.len();
        let room = rest - state.len().min(1).min(rest);
        if trouble.len() > room {
            trouble.truncate(room.saturating_sub(1));
            if room > 0 {
                trouble.push(Line::styled(
                    "e: read all of it",
                    self.look.style(Tone::Key),
                ));
            }
        }
        state.truncate(rest - trouble.len());
        trouble.into_iter().chain(state).chain(action).collect()
    }

    /// All lines, and what is where among them.
    fn text(&self, width: u16) -> Text {
        let (step, look) = (&self.view.step, self.look);
        let mut text = Text {
            lines: blocks::lines(&step.blocks, width, look),
            ..Text::default()
        };
        let panels = panel::lines(&step.panels, width, look);
        if self.figures && !panels.is_empty() {
            text.add(Part::Panels, panels);
        }
        for (index, hint) in step.hints.iter().enumerate() {
            let label = Span::styled(
                format!("Hint {} of {}:", index + 1, step.hints_of),
                look.style(Tone::Strong),
            );
            text.add(
                Part::Hint,
                text::labelled(&label, hint, width, look, Style::new()),
            );
        }
        if let (Some(typed), Some(asked)) = (self.typed, &step.question) {
            let (lines, typing) = question::lines(asked, &step.state, typed, width, look);
            let from = text.add(Part::Question, lines);
            text.typing = typing.map(|(row, column)| (from + row, column));
        }
        let mut results = Vec::new();
        if self.figures {
            results = chart::lines(&step.charts, width, look);
        }
        let debrief = match &step.state {
            StepState::Passed(_) => step.debrief.as_deref(),
            _ => None,
        };
        if let Some(debrief) = debrief {
            if !results.is_empty() {
                results.push(Line::default());
            }
            let label = Span::styled("Why:", look.style(Tone::Strong));
            results.extend(text::labelled(&label, debrief, width, look, Style::new()));
        }
        if !results.is_empty() {
            text.add(Part::Debrief, results);
        }
        text
    }
}

/// The text of a step.
#[derive(Default)]
struct Text {
    lines: Vec<Line<'static>>,
    /// First line of each part and the line after its last.
    parts: Vec<(Part, u16, u16)>,
    /// Row and column where an answer is typed.
    typing: Option<(u16, u16)>,
}

impl Text {
    /// Adds a part after an empty line; answers its first line.
    fn add(&mut self, part: Part, lines: Vec<Line<'static>>) -> u16 {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        let from = text::count(self.lines.len());
        self.lines.extend(lines);
        self.parts.push((part, from, text::count(self.lines.len())));
        from
    }
}
