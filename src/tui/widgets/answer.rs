//! The line on which an answer is typed: a text, a cursor and the usual editing keys. Nothing about questions enters.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::text;

/// Longer answers than this are no answers.
const LONGEST: usize = 200;

/// A line being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::tui) struct AnswerLine {
    text: Vec<char>,
    cursor: usize,
    /// The keys are this line's.
    pub open: bool,
}

impl AnswerLine {
    /// What has been typed.
    pub(in crate::tui) fn text(&self) -> String {
        self.text.iter().collect::<String>().trim().to_owned()
    }

    /// An editing key; others change nothing.
    pub(in crate::tui) fn key(&mut self, key: KeyEvent) {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if control => {
                drop(self.text.drain(..std::mem::take(&mut self.cursor)));
            }
            KeyCode::Char('k') if control => self.text.truncate(self.cursor),
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.text.len(),
            KeyCode::Char(c) if !control && !key.modifiers.contains(KeyModifiers::ALT) => {
                self.insert(c);
            }
            KeyCode::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.cursor);
            }
            KeyCode::Delete if self.cursor < self.text.len() => drop(self.text.remove(self.cursor)),
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(self.text.len()),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => {}
        }
    }

    /// Pasted text becomes part of the line.
    pub(in crate::tui) fn paste(&mut self, text: &str) {
        text.trim().chars().for_each(|c| self.insert(c));
    }

    fn insert(&mut self, character: char) {
        if self.text.len() < LONGEST && !character.is_control() {
            self.text.insert(self.cursor, character);
            self.cursor += 1;
        }
    }

    /// What fits into `width` columns around the cursor, and the cursor's column in it.
    pub(in crate::tui) fn shown(&self, width: u16) -> (String, u16) {
        let mut start = 0;
        let before =
            |start: usize| text::width(&self.text[start..self.cursor].iter().collect::<String>());
        while start < self.cursor && before(start) > width {
            start += 1;
        }
        (
            text::clip(
                &self.text[start..].iter().collect::<String>(),
                width.saturating_add(1),
            ),
            before(start),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(keys: &[KeyCode]) -> AnswerLine {
        let mut line = AnswerLine::default();
        for &code in keys {
            line.key(KeyEvent::new(code, KeyModifiers::NONE));
        }
        line
    }

    #[test]
    fn one_can_correct_a_typing_mistake() {
        use KeyCode::{Backspace, Char, Delete, End, Home, Left};
        let line = line(&[
            Char('1'),
            Char('x'),
            Char('5'),
            Left,
            Backspace,
            Home,
            Delete,
            Char('2'),
            End,
            Char('0'),
        ]);
        assert_eq!(line.text(), "250");
    }

    #[test]
    fn a_long_line_shows_where_one_types() {
        let mut line = AnswerLine::default();
        line.paste("abcdefghij\n");
        assert_eq!(line.shown(4), ("ghij".to_owned(), 4));
        line.key(KeyEvent::new(KeyCode::Home, KeyModifiers::NONE));
        assert_eq!(line.shown(4), ("abcd…".to_owned(), 0));
    }
}
