//! Every key of the program in one table: what it does, where, and how the footer and the help name it.
//! What an act then does is decided by the screen that has the focus, not here.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::lesson::schema::Side;

/// Who has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The lesson.
    Lesson,
    /// The line on which an answer is typed.
    Answer,
    /// A machine's terminal.
    Shell,
    /// Something to read.
    Reader,
    /// The glossary, in which every letter belongs to the search.
    Glossary,
    /// The list of lessons.
    Lessons,
    /// The question how to leave.
    Leave,
    /// A yes-or-no question.
    Confirm,
    /// The first screen.
    Welcome,
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// The obvious next thing.
    Enter,
    /// Do this step for me.
    RunForMe,
    /// One more hint.
    Hint,
    /// Put the practice account's clock forward.
    Forward,
    /// One step back.
    Back,
    /// One step on.
    Next,
    /// Answer with this option, from 1.
    Choose(u8),
    /// Begin to type an answer.
    Answer,
    /// Try again what failed.
    Retry,
    /// The whole story of what failed, or of what is missing.
    Details,
    /// Read the step on the whole screen.
    Read,
    /// Copy the command.
    Copy,
    /// List the lessons.
    Lessons,
    /// What the terms mean.
    Glossary,
    /// What the lab costs, item by item.
    Owed,
    /// Give the keys to a machine's terminal.
    Focus(Side),
    /// Give the keys to whatever comes next.
    Cycle,
    /// Take the keys back from a terminal or from the answer line.
    Release,
    /// One line or entry up.
    Up,
    /// One line or entry down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// Scroll a terminal back.
    ScrollBack,
    /// Scroll a terminal forward.
    ScrollForward,
    /// Forget what became of an entry.
    Forget,
    /// Show what belongs to an entry.
    Open,
    /// Hide what belongs to an entry.
    Shut,
    /// Delete what the lab made.
    CleanUp,
    /// Keep the lab as it is and leave.
    Keep,
    /// Go on with the lab listed first.
    Resume,
    /// Yes.
    Yes,
    /// Leave what is on top.
    Close,
    /// Show the keys.
    Help,
    /// Leave the program.
    Quit,
    /// Stop the program until the shell continues it.
    Suspend,
    /// Draw everything again.
    Redraw,
}

/// One key with its modifiers.
type Press = (KeyModifiers, KeyCode);

/// One row of the table.
pub(super) struct Binding {
    /// Where it holds.
    pub scopes: &'static [Scope],
    /// Any of these.
    presses: &'static [Press],
    /// How the keys are named.
    pub keys: &'static str,
    /// What the footer calls it; empty: the footer leaves it out.
    pub label: &'static str,
    /// What the help says of it.
    pub help: &'static str,
    /// What it asks for. A digit of [`Act::Choose`] is the key's own.
    pub act: Act,
    /// Which goes first when the footer has no room: the highest.
    pub rank: u8,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
const ALT: KeyModifiers = KeyModifiers::ALT;

const fn key(character: char) -> Press {
    (NONE, KeyCode::Char(character))
}

const fn ctrl(character: char) -> Press {
    (CTRL, KeyCode::Char(character))
}

const fn code(code: KeyCode) -> Press {
    (NONE, code)
}

/// Ctrl-] and how terminals send it: the byte 0x1d, which reads as Ctrl-5.
const CTRL_BRACKET: &[Press] = &[ctrl(']'), ctrl('5')];
const ENTER: &[Press] = &[code(KeyCode::Enter)];
const UP: &[Press] = &[code(KeyCode::Up)];
const DOWN: &[Press] = &[code(KeyCode::Down)];
const PAGE_UP: &[Press] = &[code(KeyCode::PageUp)];
const PAGE_DOWN: &[Press] = &[code(KeyCode::PageDown), key(' ')];
/// xterm, Konsole and others keep Shift with these keys for their own scrollback, so Alt does the same.
const SCROLL_BACK: &[Press] = &[(ALT, KeyCode::PageUp), (SHIFT, KeyCode::PageUp)];
const SCROLL_FORWARD: &[Press] = &[(ALT, KeyCode::PageDown), (SHIFT, KeyCode::PageDown)];
const DIGITS: &[Press] = &[
    key('1'),
    key('2'),
    key('3'),
    key('4'),
    key('5'),
    key('6'),
    key('7'),
    key('8'),
    key('9'),
];
const CLOSE: &[Press] = &[code(KeyCode::Esc), key('q'), ctrl('c')];

const LESSON: &[Scope] = &[Scope::Lesson];
const SHELL: &[Scope] = &[Scope::Shell];

const fn row(
    scopes: &'static [Scope],
    presses: &'static [Press],
    (keys, label, help): (&'static str, &'static str, &'static str),
    act: Act,
    rank: u8,
) -> Binding {
    Binding {
        scopes,
        presses,
        keys,
        label,
        help,
        act,
        rank,
    }
}

/// The table. Where two rows could match, the first one wins; the footer shows them in this order.
#[rustfmt::skip] // one or two lines for each key, so that the table can be read as one
pub(super) const BINDINGS: &[Binding] = &[
    row(LESSON, ENTER, ("Enter", "check", "check this step; when it is passed, go on"), Act::Enter, 0),
    row(LESSON, &[key('t')], ("t", "try again", "try again what failed last"), Act::Retry, 0),
    row(LESSON, &[key('e')], ("e", "explain", "read the whole of what went wrong"), Act::Details, 2),
    row(LESSON, DIGITS, ("1-9", "answer", "answer a question with that option"), Act::Choose(0), 1),
    row(LESSON, &[key('a')], ("a", "type answer", "type the answer to a question"), Act::Answer, 1),
    row(LESSON, &[key('h')], ("h", "hint", "show one more hint"), Act::Hint, 2),
    row(LESSON, &[key('r')], ("r", "run it", "have this step done for you, visibly"), Act::RunForMe, 2),
    row(LESSON, &[key('f')], ("f", "fast forward", "put the practice account's clock forward, where a step says so"), Act::Forward, 1),
    row(LESSON, &[key('b')], ("b", "back", "one step back"), Act::Back, 4),
    row(LESSON, &[key('n')], ("n", "next", "one step on, passed or not"), Act::Next, 3),
    row(LESSON, &[key('c')], ("c", "copy", "show the step's commands and copy the first"), Act::Copy, 6),
    row(LESSON, &[key('v')], ("v", "view", "read all of this step on the whole screen"), Act::Read, 8),
    row(LESSON, &[key('l')], ("l", "lessons", "all lessons and steps, to go to any"), Act::Lessons, 7),
    row(LESSON, &[key('g')], ("g", "glossary", "what the terms mean"), Act::Glossary, 9),
    row(LESSON, &[key('$')], ("$", "cost", "what you owe, item by item, and if you walk away"), Act::Owed, 8),

    row(&[Scope::Lesson, Scope::Answer], &[code(KeyCode::F(2))],
        ("F2", "A", "type in the terminal of machine A"), Act::Focus(Side::A), 2),
    row(&[Scope::Lesson, Scope::Answer], &[code(KeyCode::F(3))],
        ("F3", "B", "type in the terminal of machine B"), Act::Focus(Side::B), 2),

    row(LESSON, &[code(KeyCode::Tab)], ("Tab", "", "to the answer line, or to the terminal used last"), Act::Cycle, 9),
    row(LESSON, UP, ("Up", "", "scroll a line up"), Act::Up, 9),
    row(LESSON, DOWN, ("Down", "", "scroll a line down"), Act::Down, 9),
    row(LESSON, PAGE_UP, ("PgUp", "", "scroll a page up: the lesson, else the terminal used last"), Act::PageUp, 9),
    row(LESSON, PAGE_DOWN, ("PgDn", "", "scroll a page down (Space too)"), Act::PageDown, 9),
    row(LESSON, SCROLL_BACK, ("Alt-PgUp", "", "scroll the terminal used last back"), Act::ScrollBack, 9),
    row(LESSON, SCROLL_FORWARD, ("Alt-PgDn", "", "scroll the terminal used last forward"), Act::ScrollForward, 9),

    row(&[Scope::Answer], ENTER, ("Enter", "answer", "give the answer"), Act::Enter, 0),
    row(&[Scope::Answer], &[code(KeyCode::Esc), ctrl(']'), ctrl('5'), ctrl('c'), code(KeyCode::Tab)],
        ("Esc", "back to the lesson's keys", "stop typing the answer"), Act::Release, 0),

    row(SHELL, CTRL_BRACKET, ("Ctrl-]", "back to the lesson", "give the keys back to the lesson"), Act::Release, 0),
    row(SHELL, &[code(KeyCode::F(2))], ("F2", "A", "type in A instead"), Act::Focus(Side::A), 1),
    row(SHELL, &[code(KeyCode::F(3))], ("F3", "B", "type in B instead"), Act::Focus(Side::B), 1),
    row(SHELL, SCROLL_BACK,
        ("Alt-PgUp", "scroll back", "scroll the terminal back (Shift-PgUp too, where yours passes it on)"),
        Act::ScrollBack, 3),
    row(SHELL, SCROLL_FORWARD, ("Alt-PgDn", "", "scroll the terminal forward"), Act::ScrollForward, 3),

    row(&[Scope::Welcome], ENTER, ("Enter", "start", "do what is marked"), Act::Enter, 0),
    row(&[Scope::Welcome], &[key('e')], ("e", "resume", "go on with the lab listed first"), Act::Resume, 1),
    row(&[Scope::Welcome], &[key('l')], ("l", "lessons", "all lessons; start with any"), Act::Lessons, 2),
    row(&[Scope::Welcome], &[key('c')], ("c", "clean up", "delete everything a lab made"), Act::CleanUp, 3),
    row(&[Scope::Welcome], &[key('d')], ("d", "details", "what each place needs and lacks"), Act::Details, 3),

    row(&[Scope::Lessons], ENTER, ("Enter", "go there", "go to the marked lesson or step"), Act::Enter, 0),
    row(&[Scope::Lessons], &[code(KeyCode::Right), key('+')],
        ("Right", "steps", "show the lesson's steps"), Act::Open, 1),
    row(&[Scope::Lessons], &[code(KeyCode::Left), key('-')], ("Left", "", "hide the lesson's steps"), Act::Shut, 1),
    row(&[Scope::Lessons], &[key('x')],
        ("x", "reset", "forget the progress of the marked lesson, or redo the marked step"), Act::Forget, 1),

    row(&[Scope::Leave], &[key('c')], ("c", "clean up", "delete everything, with proof"), Act::CleanUp, 1),
    row(&[Scope::Leave], &[key('k'), ctrl('c')], ("k", "keep it", "leave; the lab stays as it is"), Act::Keep, 1),
    row(&[Scope::Leave], ENTER, ("Enter", "choose", "do what is marked"), Act::Enter, 0),
    row(&[Scope::Leave], &[code(KeyCode::Esc), key('q'), key('w')],
        ("Esc", "keep working", "back to the lesson"), Act::Close, 0),
    row(&[Scope::Leave], &[key('$')], ("$", "cost", "what you owe, item by item"), Act::Owed, 2),

    row(&[Scope::Confirm], &[key('y')], ("y", "yes", "do it"), Act::Yes, 0),
    row(&[Scope::Confirm], &[key('n'), code(KeyCode::Esc), key('q'), ctrl('c')],
        ("n", "no", "leave it"), Act::Close, 0),

    row(&[Scope::Welcome, Scope::Lessons, Scope::Leave, Scope::Reader], UP, ("Up", "", "up"), Act::Up, 9),
    row(&[Scope::Welcome, Scope::Lessons, Scope::Leave, Scope::Reader], DOWN, ("Down", "", "down"), Act::Down, 9),

    row(&[Scope::Lessons, Scope::Reader], PAGE_UP, ("PgUp", "", "a page up"), Act::PageUp, 9),
    row(&[Scope::Lessons, Scope::Reader], PAGE_DOWN, ("PgDn", "more", "a page down (Space too)"), Act::PageDown, 2),
    row(&[Scope::Lessons, Scope::Reader], CLOSE, ("Esc", "close", "close this"), Act::Close, 0),

    row(&[Scope::Glossary], &[code(KeyCode::Esc), ctrl('c')],
        ("Esc", "close", "close this"), Act::Close, 0),
    row(&[Scope::Glossary], UP, ("Up", "", "up"), Act::Up, 9),
    row(&[Scope::Glossary], DOWN, ("Down", "", "down"), Act::Down, 9),
    row(&[Scope::Glossary], PAGE_UP, ("PgUp", "", "a page up"), Act::PageUp, 9),
    row(&[Scope::Glossary], &[code(KeyCode::PageDown)], ("PgDn", "more", "a page down"), Act::PageDown, 2),

    row(&[Scope::Reader], &[code(KeyCode::Enter), key('?')], ("Enter", "", "close this"), Act::Close, 9),

    row(&[Scope::Lesson, Scope::Welcome], &[key('?'), code(KeyCode::F(1))],
        ("?", "keys", "this list of keys"), Act::Help, 0),
    row(&[Scope::Lesson, Scope::Welcome], &[key('q'), ctrl('c')],
        ("q", "quit", "leave; asks what becomes of the lab"), Act::Quit, 0),
    row(&[Scope::Lesson, Scope::Welcome], &[ctrl('z')],
        ("Ctrl-Z", "", "stop the program until the shell's fg"), Act::Suspend, 9),
    row(&[Scope::Lesson, Scope::Welcome], &[ctrl('l')], ("Ctrl-L", "", "draw the screen again"), Act::Redraw, 9),
];

/// What this key asks for in this scope, if anything.
pub(super) fn act(scope: Scope, event: KeyEvent) -> Option<Act> {
    let press = normal(event);
    let binding = BINDINGS
        .iter()
        .find(|b| b.scopes.contains(&scope) && b.presses.contains(&press))?;
    Some(match (binding.act, press.1) {
        (Act::Choose(_), KeyCode::Char(digit)) => Act::Choose(
            digit
                .to_digit(10)
                .and_then(|d| u8::try_from(d).ok())
                .unwrap_or(0),
        ),
        (act, _) => act,
    })
}

/// Letters mean the same with Caps Lock on, and the Shift that a symbol needs is not a modifier.
fn normal(event: KeyEvent) -> Press {
    let modifiers =
        event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
    match event.code {
        KeyCode::Char(c) => (
            modifiers - KeyModifiers::SHIFT,
            KeyCode::Char(c.to_ascii_lowercase()),
        ),
        code => (modifiers, code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPES: [Scope; 9] = [
        Scope::Lesson,
        Scope::Answer,
        Scope::Shell,
        Scope::Reader,
        Scope::Glossary,
        Scope::Lessons,
        Scope::Leave,
        Scope::Confirm,
        Scope::Welcome,
    ];

    #[test]
    fn every_key_does_what_its_row_says() {
        for binding in BINDINGS {
            for scope in binding.scopes {
                for (modifiers, code) in binding.presses {
                    let act = act(*scope, KeyEvent::new(*code, *modifiers)).unwrap();
                    let same = act == binding.act
                        || matches!((act, binding.act), (Act::Choose(_), Act::Choose(_)));
                    assert!(
                        same,
                        "{} in {scope:?} does {act:?}, its row says {:?}",
                        binding.keys, binding.act
                    );
                }
            }
        }
    }

    #[test]
    fn every_scope_has_a_way_out_in_the_footer() {
        for scope in SCOPES {
            let out = |b: &&Binding| matches!(b.act, Act::Quit | Act::Close | Act::Release);
            let way = BINDINGS
                .iter()
                .filter(out)
                .find(|b| b.scopes.contains(&scope) && b.rank == 0);
            assert!(way.is_some_and(|b| !b.label.is_empty()), "{scope:?}");
        }
    }

    #[test]
    fn ctrl_bracket_is_known_however_the_terminal_sends_it() {
        for character in [']', '5'] {
            let event = KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL);
            assert_eq!(act(Scope::Shell, event), Some(Act::Release));
        }
    }

    #[test]
    fn capital_letters_and_shifted_symbols_are_the_same_keys() {
        let event = |c, m| KeyEvent::new(KeyCode::Char(c), m);
        assert_eq!(
            act(Scope::Lesson, event('H', KeyModifiers::SHIFT)),
            Some(Act::Hint)
        );
        assert_eq!(
            act(Scope::Lesson, event('?', KeyModifiers::SHIFT)),
            Some(Act::Help)
        );
        assert_eq!(act(Scope::Lesson, event('h', KeyModifiers::ALT)), None);
        assert_eq!(
            act(Scope::Lesson, event('3', KeyModifiers::NONE)),
            Some(Act::Choose(3))
        );
    }
}
