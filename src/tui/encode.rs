//! Keys and pasted text as the bytes that a program in a terminal expects (xterm's encodings).
//! Which keys are not sent at all is the keymap's business.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What the program in the pane asked its terminal for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Modes {
    /// Arrow keys, Home and End are sent as `ESC O x`.
    pub application_cursor: bool,
    /// Pasted text comes between markers.
    pub bracketed_paste: bool,
}

/// The bytes of a key; nothing for a key that no terminal sends.
pub(super) fn key(event: KeyEvent, modes: Modes) -> Vec<u8> {
    let modifiers = event.modifiers;
    let alt = modifiers.contains(KeyModifiers::ALT);
    let bytes = match event.code {
        KeyCode::Char(c) if modifiers.contains(KeyModifiers::CONTROL) => control(c),
        KeyCode::Char(c) => c.to_string().into_bytes(),
        KeyCode::Enter => vec![b'\r'],
        KeyCode::Tab => vec![b'\t'],
        KeyCode::Backspace if modifiers.contains(KeyModifiers::CONTROL) => vec![0x08],
        KeyCode::Backspace => vec![0x7f],
        KeyCode::Esc => vec![0x1b],
        KeyCode::Null => vec![0],
        KeyCode::BackTab => return b"\x1b[Z".to_vec(),
        code => return special(code, modifiers, modes),
    };
    if alt && !bytes.is_empty() {
        [&[0x1b], bytes.as_slice()].concat()
    } else {
        bytes
    }
}

/// Ctrl with a character; 2 to 8 and `?` as on a VT220, which is also how terminals report the codes beyond letters.
fn control(character: char) -> Vec<u8> {
    let byte = match character.to_ascii_lowercase() {
        c @ 'a'..='z' => c as u8 & 0x1f,
        ' ' | '@' | '2' | '`' => 0,
        '[' | '3' => 0x1b,
        '\\' | '4' | '|' => 0x1c,
        ']' | '5' => 0x1d,
        '^' | '6' | '~' => 0x1e,
        '_' | '7' | '/' | '-' => 0x1f,
        '?' | '8' => 0x7f,
        c => return c.to_string().into_bytes(),
    };
    vec![byte]
}

/// Keys that are sent as escape sequences.
fn special(code: KeyCode, modifiers: KeyModifiers, modes: Modes) -> Vec<u8> {
    let modifier = 1
        + u8::from(modifiers.contains(KeyModifiers::SHIFT))
        + 2 * u8::from(modifiers.contains(KeyModifiers::ALT))
        + 4 * u8::from(modifiers.contains(KeyModifiers::CONTROL));
    let cursor = |letter: char| match modifier {
        1 if modes.application_cursor => format!("\x1bO{letter}"),
        1 => format!("\x1b[{letter}"),
        _ => format!("\x1b[1;{modifier}{letter}"),
    };
    let numbered = |number: u8| match modifier {
        1 => format!("\x1b[{number}~"),
        _ => format!("\x1b[{number};{modifier}~"),
    };
    let function = |letter: char| match modifier {
        1 => format!("\x1bO{letter}"),
        _ => format!("\x1b[1;{modifier}{letter}"),
    };
    let sequence = match code {
        KeyCode::Up => cursor('A'),
        KeyCode::Down => cursor('B'),
        KeyCode::Right => cursor('C'),
        KeyCode::Left => cursor('D'),
        KeyCode::KeypadBegin => cursor('E'),
        KeyCode::End => cursor('F'),
        KeyCode::Home => cursor('H'),
        KeyCode::Insert => numbered(2),
        KeyCode::Delete => numbered(3),
        KeyCode::PageUp => numbered(5),
        KeyCode::PageDown => numbered(6),
        KeyCode::F(1) => function('P'),
        KeyCode::F(2) => function('Q'),
        KeyCode::F(3) => function('R'),
        KeyCode::F(4) => function('S'),
        KeyCode::F(5) => numbered(15),
        KeyCode::F(n @ 6..=10) => numbered(n + 11),
        KeyCode::F(n @ 11..=12) => numbered(n + 12),
        _ => return Vec::new(),
    };
    sequence.into_bytes()
}

/// Pasted text: line ends as Enter sends them, and nothing that could end the paste early or act as a key.
pub(super) fn paste(text: &str, modes: Modes) -> Vec<u8> {
    let text = text.replace("\r\n", "\r").replace('\n', "\r");
    let harmless: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\r' | '\t'))
        .collect();
    if modes.bracketed_paste {
        format!("\x1b[200~{harmless}\x1b[201~").into_bytes()
    } else {
        harmless.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(code: KeyCode, modifiers: KeyModifiers) -> String {
        String::from_utf8(key(KeyEvent::new(code, modifiers), Modes::default())).unwrap()
    }

    #[test]
    fn keys_are_sent_as_xterm_sends_them() {
        let (none, ctrl, alt, shift) = (
            KeyModifiers::NONE,
            KeyModifiers::CONTROL,
            KeyModifiers::ALT,
            KeyModifiers::SHIFT,
        );
        for (code, modifiers, bytes) in [
            (KeyCode::Char('a'), none, "a"),
            (KeyCode::Char('é'), none, "é"),
            (KeyCode::Char('c'), ctrl, "\x03"),
            (KeyCode::Char('d'), ctrl, "\x04"),
            (KeyCode::Char(' '), ctrl, "\0"),
            (KeyCode::Char('4'), ctrl, "\x1c"),
            (KeyCode::Char('7'), ctrl, "\x1f"),
            (KeyCode::Char('b'), alt, "\x1bb"),
            (KeyCode::Char('b'), alt | ctrl, "\x1b\x02"),
            (KeyCode::Enter, none, "\r"),
            (KeyCode::Enter, alt, "\x1b\r"),
            (KeyCode::Backspace, none, "\x7f"),
            (KeyCode::Backspace, alt, "\x1b\x7f"),
            (KeyCode::Tab, none, "\t"),
            (KeyCode::BackTab, shift, "\x1b[Z"),
            (KeyCode::Esc, none, "\x1b"),
            (KeyCode::Up, none, "\x1b[A"),
            (KeyCode::Left, ctrl, "\x1b[1;5D"),
            (KeyCode::Home, none, "\x1b[H"),
            (KeyCode::Delete, none, "\x1b[3~"),
            (KeyCode::PageUp, ctrl, "\x1b[5;5~"),
            (KeyCode::F(1), none, "\x1bOP"),
            (KeyCode::F(5), none, "\x1b[15~"),
            (KeyCode::F(6), none, "\x1b[17~"),
            (KeyCode::F(10), none, "\x1b[21~"),
            (KeyCode::F(11), none, "\x1b[23~"),
            (KeyCode::F(12), shift, "\x1b[24;2~"),
            (KeyCode::CapsLock, none, ""),
        ] {
            assert_eq!(sent(code, modifiers), bytes, "{code:?} {modifiers:?}");
        }
    }

    #[test]
    fn application_cursor_mode_changes_only_plain_cursor_keys() {
        let modes = Modes {
            application_cursor: true,
            bracketed_paste: false,
        };
        assert_eq!(
            key(KeyEvent::new(KeyCode::Up, KeyModifiers::NONE), modes),
            b"\x1bOA"
        );
        assert_eq!(
            key(KeyEvent::new(KeyCode::End, KeyModifiers::NONE), modes),
            b"\x1bOF"
        );
        assert_eq!(
            key(KeyEvent::new(KeyCode::Up, KeyModifiers::CONTROL), modes),
            b"\x1b[1;5A"
        );
    }

    #[test]
    fn a_paste_cannot_end_its_own_brackets() {
        let bracketed = Modes {
            application_cursor: false,
            bracketed_paste: true,
        };
        assert_eq!(
            paste("a\x1b[201~\nb\x03", bracketed),
            b"\x1b[200~a[201~\rb\x1b[201~"
        );
        assert_eq!(paste("ls\r\npwd\n", Modes::default()), b"ls\rpwd\r");
    }
}
