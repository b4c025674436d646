//! The keyboard of a terminal, for programs that read it while they run: `cat > f`, the questions of dnf. It edits lines
//! as a terminal does that is in no special mode. Where keys come from, and what reads them, stays outside.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Ctrl-D, Ctrl-U and the two keys that delete.
const END: u8 = 0x04;
const KILL: u8 = 0x15;
const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;
/// Takes a character back from the screen.
const ERASE: &[u8] = b"\x08 \x08";

/// Given to a shell inside a shell: the keyboard that its programs read.
#[derive(Clone)]
pub struct AtKeyboard {
    /// The terminal's.
    pub keyboard: Arc<Keyboard>,
    /// Whether the shell runs but one program, whose input is the terminal.
    pub alone: bool,
}

/// What is typed while programs run.
#[derive(Debug, Default)]
pub struct Keyboard {
    state: Mutex<State>,
    typed: Notify,
    wanted: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The line being typed.
    line: Vec<char>,
    /// Lines that nobody has read yet; `None`: the end of the input.
    lines: VecDeque<Option<String>>,
    readers: usize,
    silent: bool,
    /// Programs of the line that runs whose input is the terminal.
    expected: BTreeSet<String>,
}

impl Keyboard {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The programs of the line that runs now whose input is the terminal.
    pub fn expect(&self, programs: BTreeSet<String>) {
        self.state().expected = programs;
    }

    /// Whether this is one of them.
    pub fn is_input_of(&self, program: &str) -> bool {
        self.state().expected.contains(program)
    }

    /// Whether a program waits for a key.
    pub fn is_wanted(&self) -> bool {
        let state = self.state();
        state.readers > 0 && state.lines.is_empty()
    }

    /// Waits until a program waits for a key.
    pub async fn wanted(&self) {
        while !self.is_wanted() {
            self.wanted.notified().await;
        }
    }

    /// Reads a line with its end; `None` at the end of the input. What is typed `silent`ly is not shown.
    pub async fn line(&self, silent: bool) -> Option<String> {
        let _reader = Reader::begin(self, silent);
        loop {
            if let Some(line) = self.state().lines.pop_front() {
                return line;
            }
            self.wanted.notify_one();
            self.typed.notified().await;
        }
    }

    /// Takes keys; what the terminal shows of them.
    pub fn press(&self, keys: &[u8]) -> Vec<u8> {
        let mut state = self.state();
        let mut shown = Vec::new();
        for key in String::from_utf8_lossy(keys).chars() {
            match u8::try_from(key) {
                Ok(b'\r' | b'\n') => {
                    let mut line: String = state.line.drain(..).collect();
                    line.push('\n');
                    state.lines.push_back(Some(line));
                    shown.extend(b"\r\n");
                }
                Ok(END) => {
                    let line: String = state.line.drain(..).collect();
                    let line = Some(line).filter(|line| !line.is_empty());
                    state.lines.push_back(line);
                }
                Ok(KILL) => {
                    let erased = state.line.drain(..).count();
                    if !state.silent {
                        shown.extend(ERASE.repeat(erased));
                    }
                }
                Ok(BACKSPACE | DELETE) => {
                    if state.line.pop().is_some() && !state.silent {
                        shown.extend(ERASE);
                    }
                }
                Ok(control) if control < b' ' && control != b'\t' => {}
                _ => {
                    state.line.push(key);
                    if !state.silent {
                        shown.extend(key.encode_utf8(&mut [0; 4]).bytes());
                    }
                }
            }
        }
        drop(state);
        self.typed.notify_one();
        shown
    }

    /// Forgets what was typed and not read, as Ctrl-C has it.
    pub fn forget(&self) {
        let mut state = self.state();
        state.line.clear();
        state.lines.clear();
    }
}

/// A program that reads.
struct Reader<'a>(&'a Keyboard);

impl<'a> Reader<'a> {
    fn begin(keyboard: &'a Keyboard, silent: bool) -> Self {
        let mut state = keyboard.state();
        state.readers += 1;
        state.silent = silent;
        drop(state);
        Self(keyboard)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.readers = state.readers.saturating_sub(1);
        state.silent = false;
    }
}

#[cfg(test)]
mod tests {
    use super::Keyboard;

    #[tokio::test]
    async fn lines_are_edited_before_they_are_read() {
        let keyboard = Keyboard::default();
        assert_eq!(keyboard.press(b"ab\x7fc\r"), b"ab\x08 \x08c\r\n");
        keyboard.press(b"xy\x15z\x04\x04");
        assert_eq!(keyboard.line(false).await.as_deref(), Some("ac\n"));
        assert_eq!(keyboard.line(false).await.as_deref(), Some("z"));
        assert_eq!(keyboard.line(false).await, None);
        keyboard.press(b"gone\r");
        keyboard.forget();
        assert!(!keyboard.is_wanted());
        let (line, shown) = futures::join!(keyboard.line(true), async {
            keyboard.wanted().await;
            keyboard.press(b"secret\r")
        });
        assert_eq!(
            (line.as_deref(), shown.as_slice()),
            (Some("secret\n"), &b"\r\n"[..])
        );
    }
}
