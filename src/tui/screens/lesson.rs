//! The lab's screen: the step, the work beside or below it, and who has the keys. Dialogs are layers of their own.

mod labels;
mod next;
mod typing;
mod work;

use std::borrow::Cow;
use std::sync::Arc;

use crossterm::event::KeyEvent;
use jiff::{SignedDuration, Timestamp};
use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::Line;
use ratatui::widgets::Clear;

use crate::engine::command::Command;
use crate::engine::view::{
    Block, CausalityView, Phase, Purpose, QuestionView, StepState, StepView, TerminalState, View,
    Work,
};
use crate::lesson::schema::Side;
use crate::tui::app::MINIMUM;
use crate::tui::keymap::{Act, Scope};
use crate::tui::layer::{Context, Effect, Flow, Layer, News};
use crate::tui::layout::{self, Need, Places};
use crate::tui::screens::confirm::Confirm;
use crate::tui::screens::glossary::Glossary;
use crate::tui::screens::leave::Leave;
use crate::tui::screens::lessons::Lessons;
use crate::tui::screens::owed::OwedScreen;
use crate::tui::screens::reader::{Reader, Scroll};
use crate::tui::widgets::answer::AnswerLine;
use crate::tui::widgets::lesson_text::{self, Part};
use crate::tui::widgets::pane::Pane;
use crate::tui::widgets::{blocks, header, receipt};

/// Who has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Lesson,
    Answer,
    Shell(Side),
}

/// What the keys that scroll move while the lesson has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scrolls {
    Lesson,
    Receipt,
    /// The terminal used last.
    Terminal,
}

/// The lab's screen.
pub(in crate::tui) struct LessonScreen {
    view: Arc<View>,
    focus: Focus,
    /// The terminal that had the keys last.
    last: Side,
    panes: [Pane; 2],
    /// The size that the lab was told the terminals have.
    told: Option<Size>,
    typed: AnswerLine,
    scroll: Scroll,
    /// How far the receipt is scrolled.
    receipt: Scroll,
    /// What has just been added to the text and must be seen.
    reveal: Option<Part>,
    /// What the step was about before the lab came to its end.
    about: Work,
    /// When the learner asked for a verdict: how many had been given, and how the step stood.
    asked: Option<(u32, StepState)>,
}

impl LessonScreen {
    /// At the step where the lab stands.
    pub(in crate::tui) fn new(view: Arc<View>) -> Self {
        let size = Size::new(80, 24);
        Self {
            about: view.step.work,
            asked: None,
            reveal: to_reveal(&view),
            view,
            focus: Focus::Lesson,
            last: Side::A,
            panes: [Pane::new(size), Pane::new(size)],
            told: None,
            typed: AnswerLine::default(),
            scroll: Scroll::default(),
            receipt: Scroll::default(),
        }
    }

    fn passed(&self) -> bool {
        matches!(self.view.step.state, StepState::Passed(_))
    }

    fn terminal(&self, side: Side) -> &TerminalState {
        &self.view.machines[layout::index(side)].terminal
    }

    /// The question, while an answer to it is still taken.
    fn open_question(&self) -> Option<&QuestionView> {
        self.view
            .step
            .question
            .as_ref()
            .filter(|question| !self.passed() || question.purpose == Purpose::Calculation)
            .filter(|_| self.view.phase == Phase::Learning)
    }

    /// Whether the answer was a guess and has been given: what comes next is to measure.
    fn guessed(&self) -> bool {
        self.open_question().is_some_and(|question| {
            question.purpose == Purpose::Guess && question.answered.is_some()
        })
    }

    /// What `t` would try again.
    fn retry(&self) -> Option<&str> {
        self.view.trouble.as_ref()?.retry.as_deref()
    }

    /// Whether nothing comes before this step.
    fn is_first(&self) -> bool {
        let step = &self.view.step;
        let first = self.view.lessons.first();
        step.number <= 1 && first.is_none_or(|lesson| lesson.id == step.lesson)
    }

    /// Whether nothing comes after this step.
    fn is_last(&self) -> bool {
        let step = &self.view.step;
        let last = self.view.lessons.last();
        step.number >= step.of && last.is_none_or(|lesson| lesson.id == step.lesson)
    }

    /// Whether everything is being deleted: until that has ended there is nowhere to go.
    fn is_cleaning_up(&self) -> bool {
        matches!(self.view.phase, Phase::CleaningUp { .. })
    }

    /// Whether the end of the lab takes the whole screen: the step is not about it.
    fn everything(&self) -> bool {
        self.view.phase != Phase::Learning && self.about != Work::Receipt && !self.passed()
    }

    fn renew(&mut self, view: &Arc<View>) {
        let old = std::mem::replace(&mut self.view, Arc::clone(view));
        let (before, step) = (&old.step, &view.step);
        if (&before.lesson, before.number) != (&step.lesson, step.number) {
            self.asked = None;
            self.scroll.at = 0;
            self.typed = AnswerLine::default();
            self.reveal = to_reveal(view);
            self.panes.iter_mut().for_each(Pane::follow);
        } else if !matches!(before.state, StepState::Passed(_)) && self.passed() {
            self.reveal = Some(Part::Debrief);
        } else if step.hints.len() > before.hints.len() {
            self.reveal = Some(Part::Hint);
        } else if is_measured(step) && !is_measured(before) {
            self.reveal = Some(Part::Question);
        } else if before.question != step.question {
            if self.guessed() {
                // What is to be done next stands above.
                self.focus = Focus::Lesson;
                self.scroll.at = 0;
            } else {
                self.reveal = Some(Part::Question);
            }
        } else if step.verdicts > before.verdicts && is_missing_an_answer(step) {
            self.reveal = Some(Part::Question);
        } else if is_awaited(step) && !is_awaited(before) {
            self.reveal = Some(Part::Panels);
        }
        if view.phase == Phase::Learning {
            self.about = step.work;
        }
        match self.focus {
            Focus::Answer if !self.wants_typed_answer() || self.passed() && !self.typed.open => {
                self.focus = Focus::Lesson;
            }
            Focus::Shell(side) if self.is_lost(side, &old) || view.phase != Phase::Learning => {
                self.focus = Focus::Lesson;
            }
            _ => {}
        }
    }

    /// Whether a terminal went away; one that ended and is opened again is closed in between.
    fn is_lost(&self, side: Side, old: &View) -> bool {
        let before = &old.machines[layout::index(side)].terminal;
        *self.terminal(side) == TerminalState::Closed
            && matches!(before, TerminalState::Open | TerminalState::Connecting)
    }

    /// Terminals follow the screen's size, whether they are shown just now or not, so that no step resizes them.
    fn resize(&mut self, cx: &mut Context) {
        let size = layout::terminal_size(cx.body());
        let usable = cx.size.width >= MINIMUM.width && cx.size.height >= MINIMUM.height;
        if usable && self.told != Some(size) {
            self.told = Some(size);
            self.panes.iter_mut().for_each(|pane| pane.resize(size));
            cx.command(Command::Resize {
                rows: size.height,
                columns: size.width,
            });
        }
    }

    fn enter(&mut self, cx: &mut Context) -> Flow {
        match (self.focus, &self.view.phase) {
            (Focus::Answer, _) => {
                let answer = self.typed.text();
                if answer.is_empty() {
                    cx.notice("type an answer first, or press Esc");
                } else {
                    cx.command(Command::Answer(answer));
                    self.typed = AnswerLine::default();
                }
            }
            (_, Phase::CleaningUp { .. }) => cx.notice("cleaning up goes on by itself"),
            (_, Phase::CleanedUp(_)) if !self.passed() => return self.quit(cx),
            // Also after a wrong answer: another one is wanted, not the same verdict again.
            _ if self.wants_typed_answer() && !self.passed() && !self.guessed() => {
                self.type_answer();
            }
            _ if self.open_question().is_some()
                && !self.passed()
                && self.view.step.work == Work::Question =>
            {
                cx.notice("press the number of your answer");
            }
            _ => {
                self.asked = Some((self.view.step.verdicts, self.view.step.state.clone()));
                cx.command(Command::Enter);
            }
        }
        Flow::Stay
    }

    /// A verdict that is the same as before is one nevertheless: whoever asked for it is told.
    fn tell_same_verdict(&mut self, cx: &mut Context) {
        let step = &self.view.step;
        let given = |(verdicts, _): &mut (u32, StepState)| step.verdicts > *verdicts;
        if let Some((_, before)) = self.asked.take_if(given)
            && before == step.state
            && !matches!(before, StepState::Open | StepState::Passed(_))
        {
            cx.notice("checked again just now: it stands as before");
        }
    }

    fn quit(&self, cx: &mut Context) -> Flow {
        match &self.view.phase {
            // The lab was asked to end and has not yet: whoever insists does not wait for it.
            _ if cx.leaving => cx.effect(Effect::End),
            Phase::CleanedUp(receipt) if receipt.is_clean() => cx.command(Command::Leave),
            Phase::CleaningUp { .. } => {
                let ask = "Cleaning up is under way. Leave now? What is left then stays until `efslab cleanup`.";
                return Flow::Open(Box::new(Confirm::new(
                    ask.to_owned(),
                    Effect::Command(Command::Leave),
                )));
            }
            _ => return Flow::Open(Box::new(Leave::new(Arc::clone(&self.view)))),
        }
        Flow::Stay
    }

    /// The lesson, as far as it is longer than its place; else what stands beside or below it.
    fn scrolls(&self) -> Scrolls {
        match &self.view.phase {
            Phase::CleanedUp(_) if self.everything() || !self.scroll.overflows() => {
                Scrolls::Receipt
            }
            Phase::Learning
                if self.view.step.work == Work::Terminals && !self.scroll.overflows() =>
            {
                Scrolls::Terminal
            }
            _ => Scrolls::Lesson,
        }
    }

    fn scroll(&mut self, act: Act) {
        match self.scrolls() {
            Scrolls::Lesson => self.scroll.act(act),
            Scrolls::Receipt => self.receipt.act(act),
            Scrolls::Terminal => self.panes[layout::index(self.last)].act(act),
        }
    }

    fn copy(&self, cx: &mut Context) -> Flow {
        let commands = blocks::commands(&self.view.step.blocks);
        let Some(first) = commands.first() else {
            cx.notice("this step has no command to copy");
            return Flow::Stay;
        };
        cx.effect(Effect::Copy(first.clone()));
        let said = "The first command is on your clipboard, if your terminal lets programs copy. If not, mark it here.";
        let shown = vec![Block::Text(said.to_owned()), Block::Commands(commands)];
        Flow::Open(Box::new(Reader::new("Commands of this step", shown)))
    }

    /// Everything that this screen can show of the step, or of the lab's end where that has taken its place.
    fn read(&self) -> Flow {
        let (view, step_too) = (Arc::clone(&self.view), !self.everything());
        let title = if step_too {
            view.step.title.clone()
        } else {
            "Receipt".to_owned()
        };
        let lines = move |width, cx: &Context| {
            let mut lines = Vec::new();
            if step_too {
                lines.extend(lesson_text::whole(&view, cx.now, width, cx.look));
            }
            if let Phase::CleanedUp(proof) = &view.phase {
                if !lines.is_empty() {
                    lines.push(Line::default());
                }
                let size = (width, u16::MAX);
                lines.extend(receipt::lines(proof, &view.target, &cx.zone, size, cx.look));
            }
            lines
        };
        Flow::Open(Box::new(Reader::of(title, lines)))
    }

    fn explain(&self, cx: &mut Context) -> Flow {
        let Some(trouble) = &self.view.trouble else {
            cx.notice("nothing went wrong");
            return Flow::Stay;
        };
        let mut said = vec![
            trouble.what.clone(),
            format!("Why: {}", trouble.why),
            format!("Do: {}", trouble.remedy),
        ];
        said.extend(
            trouble
                .retry
                .iter()
                .map(|retry| format!("`t` tries again: {retry}")),
        );
        Flow::Open(Box::new(Reader::new(
            "What went wrong",
            said.into_iter().map(Block::Text).collect(),
        )))
    }
}

/// Whether both machines have seen all that the other wrote: then comes the question.
fn is_measured(step: &StepView) -> bool {
    let causality = step.causality.as_ref();
    causality.is_some_and(CausalityView::is_complete)
}

/// Whether the step was judged, and a question of it has no answer yet.
fn is_missing_an_answer(step: &StepView) -> bool {
    let question = step.question.as_ref();
    let open = question.is_some_and(|question| question.answered.is_none());
    open && matches!(step.state, StepState::NotYet(_))
}

/// Whether the lab or AWS is at work on the step: what comes of it is seen in the panels.
fn is_awaited(step: &StepView) -> bool {
    let state = &step.state;
    matches!(state, StepState::Working { .. } | StepState::Converging(_)) && !step.panels.is_empty()
}

/// What of a step is to be seen when one comes to it. A build takes minutes and its question is meant for them, so that
/// it must not wait below the end of the text, where there is no room for it under the stack.
fn to_reveal(view: &View) -> Option<Part> {
    (view.step.work == Work::Stack && view.step.question.is_some()).then_some(Part::Question)
}

impl Layer for LessonScreen {
    fn scope(&self) -> Scope {
        match self.focus {
            Focus::Lesson => Scope::Lesson,
            Focus::Answer => Scope::Answer,
            Focus::Shell(_) => Scope::Shell,
        }
    }

    fn label(&self, act: Act, usual: &'static str) -> Option<Cow<'static, str>> {
        self.label_of(act, usual)
    }

    fn keys(&self, act: Act, usual: &'static str) -> Cow<'static, str> {
        match (act, &self.view.step.question) {
            (Act::Choose(_), Some(question)) => format!("1-{}", question.options.len()).into(),
            _ => usual.into(),
        }
    }

    fn act(&mut self, act: Act, cx: &mut Context) -> Flow {
        match act {
            Act::Enter => return self.enter(cx),
            Act::Quit => return self.quit(cx),
            Act::Copy => return self.copy(cx),
            Act::Read => return self.read(),
            Act::Details => return self.explain(cx),
            Act::Glossary => return Flow::Open(Box::new(Glossary::new())),
            Act::Owed => return Flow::Open(Box::new(OwedScreen::new(Arc::clone(&self.view)))),
            Act::Back | Act::Next | Act::Lessons | Act::RunForMe if self.is_cleaning_up() => {
                cx.notice("cleaning up goes on by itself");
            }
            Act::Lessons => {
                let go = |lesson: &crate::engine::view::LessonRow, step| {
                    Effect::Command(Command::Goto {
                        lesson: lesson.id.clone(),
                        step,
                    })
                };
                let forget = |lesson: &crate::engine::view::LessonRow, step: Option<usize>| {
                    let lesson = lesson.id.clone();
                    Effect::Command(match step {
                        Some(step) => Command::Redo { lesson, step },
                        None => Command::Reset { lesson },
                    })
                };
                let here = Some(self.view.step.lesson.clone());
                let lessons = Lessons::new(self.view.lessons.clone(), here, go);
                return Flow::Open(Box::new(lessons.with_forget(forget)));
            }
            Act::RunForMe => match &self.view.phase {
                Phase::CleanedUp(receipt) if receipt.is_clean() => cx.notice("the lab is gone"),
                Phase::CleanedUp(_) => cx.command(Command::CleanUp),
                _ => {
                    // What is typed is to be seen.
                    self.panes.iter_mut().for_each(Pane::follow);
                    cx.command(Command::RunForMe);
                }
            },
            Act::Back if self.is_first() => cx.notice("this is the first step of all"),
            Act::Next if self.is_last() => cx.notice("this is the last step of all"),
            Act::Back => cx.command(Command::Back),
            Act::Next => cx.command(Command::Next),
            Act::Hint if self.view.step.hints.len() >= self.view.step.hints_of => {
                self.reveal = Some(Part::Hint);
                cx.notice("that was the last hint; r does the step for you");
            }
            Act::Hint => cx.command(Command::Hint),
            Act::Forward if self.view.step.forward.is_some() => cx.command(Command::Forward),
            Act::Forward => cx.notice("there is nothing to fast-forward to in this step"),
            Act::Retry if self.retry().is_some() => cx.command(Command::Retry),
            Act::Retry => cx.notice("there is nothing to try again"),
            Act::Choose(number) => self.choose(number, cx),
            Act::Answer | Act::Cycle if self.wants_typed_answer() => self.type_answer(),
            Act::Answer => cx.notice("there is no question that is answered by typing"),
            Act::Focus(side) => self.focus(side, cx),
            Act::Cycle => self.focus(self.last, cx),
            Act::Release => {
                self.focus = Focus::Lesson;
                self.typed.open = false;
            }
            Act::ScrollBack | Act::ScrollForward => {
                self.panes[layout::index(self.last)].act(act);
            }
            act => self.scroll(act),
        }
        Flow::Stay
    }

    fn key(&mut self, key: KeyEvent, cx: &mut Context) -> Flow {
        match self.focus {
            Focus::Lesson => {}
            Focus::Answer => self.typed.key(key),
            Focus::Shell(side) => self.shell_key(side, key, cx),
        }
        Flow::Stay
    }

    fn paste(&mut self, pasted: &str, cx: &mut Context) -> Flow {
        self.take_paste(pasted, cx);
        Flow::Stay
    }

    fn news(&mut self, news: &News<'_>, cx: &mut Context) -> Flow {
        match news {
            News::View(view) => {
                self.renew(view);
                self.tell_same_verdict(cx);
            }
            News::Output(output) => self.print(output, cx),
            News::Size => self.resize(cx),
        }
        Flow::Stay
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, cx: &Context) -> Option<Position> {
        frame.render_widget(Clear, area);
        let need = self.need(cx, area.width);
        let widest = blocks::widest(&self.view.step.blocks);
        let Places {
            header,
            lesson,
            mut work,
            boxed,
        } = layout::places(area, need, widest);
        frame.render_widget(header::line(&self.view, header.width, cx), header);
        let shown = self.shown_in(work, need, boxed, cx);
        let asks = shown.question;
        let pane = lesson_text::Pane {
            view: &self.view,
            typed: (!asks).then_some(&self.typed),
            action: &self.action(),
            figures: !shown.figures,
            focused: self.focus == Focus::Lesson || (self.focus == Focus::Answer && !asks),
            boxed,
            now: cx.now,
            look: cx.look,
        };
        let typing = match need {
            Need::Everything => {
                work = pane.draw_pinned(frame, work);
                None
            }
            _ => pane.draw(frame, lesson, &mut self.scroll, self.reveal.take()),
        };
        let cursor = self.draw_work(frame, work, need, shown, cx);
        match self.focus {
            Focus::Answer => cursor.or(typing),
            Focus::Lesson | Focus::Shell(_) => cursor,
        }
    }

    fn changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let every = if self.counts_seconds() { 1 } else { 60 };
        let passed = now.duration_since(self.view.started).as_secs();
        let next = SignedDuration::from_secs((passed.div_euclid(every) + 1) * every);
        self.view.started.checked_add(next).ok()
    }
}
