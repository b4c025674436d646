//! What a terminal has shown since the current step began, as lines of text: the evidence of terminal checks.

use crate::grid::{self, Sieve};
use crate::lesson::check::Transcript;
use crate::ssh::terminal::Size;

/// Lines kept beyond the screen. A step's evidence is a few lines; a learner who lists a large directory still has them.
const LINES: usize = 5_000;

/// Follows one terminal.
pub(super) struct Recorder {
    screen: vt100::Parser,
    sieve: Sieve,
}

impl Recorder {
    /// A terminal of this size that shows nothing.
    pub(super) fn new(size: Size) -> Self {
        let (rows, columns) = grid::size(size.rows, size.columns);
        Self {
            screen: vt100::Parser::new(rows, columns, LINES),
            sieve: Sieve::default(),
        }
    }

    /// Takes output in.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.screen.process(&self.sieve.pass(bytes));
    }

    /// The terminal has this size now.
    pub(super) fn resize(&mut self, size: Size) {
        let (rows, columns) = grid::size(size.rows, size.columns);
        self.screen.screen_mut().set_size(rows, columns);
    }

    /// Forgets everything but the line that the cursor is on: the prompt at which the next step begins.
    pub(super) fn restart(&mut self) {
        let screen = self.screen.screen();
        let (rows, columns) = screen.size();
        let (row, column) = screen.cursor_position();
        let prompt = screen.contents_between(row, 0, row, column);
        self.screen = vt100::Parser::new(rows, columns, LINES);
        self.screen.process(prompt.as_bytes());
    }

    /// Everything since the last restart.
    pub(super) fn transcript(&mut self) -> Transcript {
        let columns = self.screen.screen().size().1.get();
        let height = usize::from(self.screen.screen().size().0.get());
        let mut rows = Vec::new();
        let screen = self.screen.screen_mut();
        let mut back = screen.scrollback_len();
        // The window that begins `back` lines before the screen, one screen at a time, then the screen itself.
        loop {
            screen.set_scrollback(back);
            let fresh = if back == 0 { height } else { back.min(height) };
            for (at, text) in screen.rows(0, columns).take(fresh).enumerate() {
                let wrapped = u16::try_from(at).is_ok_and(|at| screen.row_wrapped(at));
                rows.push((text, wrapped));
            }
            if back == 0 {
                break;
            }
            back -= fresh;
        }
        while rows.last().is_some_and(|(text, _)| text.is_empty()) {
            rows.pop();
        }
        Transcript::of_rows(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder() -> Recorder {
        Recorder::new(Size {
            rows: 4,
            columns: 30,
        })
    }

    #[test]
    fn lines_that_left_the_screen_are_still_there_in_order() {
        let mut recorder = recorder();
        for line in 0..11 {
            recorder.feed(format!("line {line}\r\n").as_bytes());
        }
        let expected: Vec<String> = (0..11).map(|line| format!("line {line}")).collect();
        assert_eq!(recorder.transcript().lines(), expected);
    }

    #[test]
    fn a_step_begins_with_the_prompt_and_without_what_was_before() {
        let mut recorder = recorder();
        recorder
            .feed(b"[ec2-user@ip-10-0-1-12 ~]$ ls\r\ni-was-here\r\n[ec2-user@ip-10-0-1-12 ~]$ ");
        recorder.restart();
        recorder.feed(b"pwd\r\n/home\r\n");
        assert_eq!(
            recorder.transcript().lines(),
            ["[ec2-user@ip-10-0-1-12 ~]$ pwd", "/home"]
        );
    }

    #[test]
    fn a_character_that_asks_to_be_wide_at_the_edge_breaks_nothing() {
        let mut recorder = recorder();
        recorder.feed("\x1b[4;30H❤\u{fe0f}".as_bytes());
        let rest = "\u{fe0f}".as_bytes();
        recorder.feed("\x1b[4;30H❤".as_bytes());
        recorder.feed(&rest[..1]);
        recorder.feed(&rest[1..]);
        assert_eq!(
            recorder.transcript().lines().last().map(|line| line.trim()),
            Some("❤")
        );
        let mut narrow = Recorder::new(Size {
            rows: 0,
            columns: 0,
        });
        narrow.feed("漢".as_bytes());
        narrow.resize(Size {
            rows: 1,
            columns: 1,
        });
        narrow.feed("漢".as_bytes());
    }
}
