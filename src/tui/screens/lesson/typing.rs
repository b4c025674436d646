//! What the learner types: into a machine's shell, or as the answer to a question. Lesson keys are handled elsewhere.

use crossterm::event::{KeyCode, KeyEvent};

use super::{Focus, LessonScreen};
use crate::engine::command::{Command, TerminalOutput};
use crate::engine::view::{Phase, TerminalState};
use crate::lesson::schema::Side;
use crate::tui::encode;
use crate::tui::layer::Context;
use crate::tui::layout;
use crate::tui::widgets::lesson_text::Part;
use crate::tui::widgets::{stack, terminals};

impl LessonScreen {
    pub(super) fn wants_typed_answer(&self) -> bool {
        self.open_question()
            .is_some_and(|question| question.options.is_empty())
    }

    pub(super) fn print(&mut self, output: &TerminalOutput, cx: &mut Context) {
        let pane = &mut self.panes[layout::index(output.on)];
        match &output.bytes {
            None => pane.clear(),
            Some(bytes) => {
                let bytes = pane.feed(bytes);
                if !bytes.is_empty() {
                    cx.command(Command::Input {
                        on: output.on,
                        bytes,
                    });
                }
            }
        }
    }

    pub(super) fn type_answer(&mut self) {
        self.focus = Focus::Answer;
        self.typed.open = true;
        self.reveal = Some(Part::Question);
    }

    pub(super) fn choose(&mut self, number: u8, cx: &mut Context) {
        match self.open_question() {
            Some(question) if question.options.is_empty() => {
                self.type_answer();
                self.typed.paste(&number.to_string());
            }
            Some(question) if usize::from(number) <= question.options.len() => {
                cx.command(Command::Answer(number.to_string()));
            }
            Some(question) => {
                cx.notice(format!("there are answers 1 to {}", question.options.len()));
            }
            None => cx.notice("there is no question to answer"),
        }
    }

    pub(super) fn focus(&mut self, side: Side, cx: &mut Context) {
        if *self.terminal(side) == TerminalState::Closed || self.view.phase != Phase::Learning {
            let why = match &self.view.stack {
                _ if self.view.phase != Phase::Learning => "it is gone, or going",
                Some(stack) if stack::runs(stack) && stack::goes(stack) => {
                    "the stack is being deleted"
                }
                Some(stack) if stack::runs(stack) => "the stack is still being built",
                Some(_) => "it opens when a step needs it",
                None => "there is no stack yet",
            };
            cx.notice(format!(
                "machine {} has no terminal now: {why}",
                terminals::name(side)
            ));
        } else {
            self.focus = Focus::Shell(side);
            self.last = side;
        }
    }

    /// Keys for a machine's shell.
    pub(super) fn shell_key(&mut self, side: Side, key: KeyEvent, cx: &mut Context) {
        match self.terminal(side) {
            TerminalState::Open => {
                let pane = &mut self.panes[layout::index(side)];
                pane.follow();
                let bytes = encode::key(key, pane.modes());
                if !bytes.is_empty() {
                    cx.command(Command::Input { on: side, bytes });
                }
            }
            TerminalState::Ended(_) if key.code == KeyCode::Enter => {
                cx.command(Command::Reconnect(side));
            }
            TerminalState::Ended(_) => {
                cx.notice("the session has ended: Enter opens it again, Ctrl-] goes back");
            }
            TerminalState::Connecting | TerminalState::Closed => {
                cx.notice("still connecting; Ctrl-] goes back");
            }
        }
    }

    /// Pasted text, for whoever has the keys.
    pub(super) fn take_paste(&mut self, pasted: &str, cx: &mut Context) {
        match self.focus {
            Focus::Shell(side) if *self.terminal(side) == TerminalState::Open => {
                let pane = &mut self.panes[layout::index(side)];
                pane.follow();
                let bytes = encode::paste(pasted, pane.modes());
                cx.command(Command::Input { on: side, bytes });
            }
            Focus::Shell(_) => cx.notice("there is no session to paste into"),
            Focus::Answer => self.typed.paste(pasted),
            Focus::Lesson if self.wants_typed_answer() => {
                self.type_answer();
                self.typed.paste(pasted);
            }
            Focus::Lesson => cx.notice("to paste into a terminal, press F2 or F3 first"),
        }
    }
}
