//! A machine's terminal: bytes in, cells out. Whatever the machine prints stays inside: titles, clipboard requests and
//! the like are dropped by the parser, and only cells are ever drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::{Color, Modifier, Style};

use crate::grid::{self, Sieve};
use crate::tui::encode::Modes;
use crate::tui::keymap::Act;

/// Lines that can be scrolled back to.
const SCROLLBACK: usize = 2_000;

/// One terminal.
pub(in crate::tui) struct Pane {
    parser: vt100::Parser<Replies>,
    sieve: Sieve,
}

/// What a terminal answers when a program asks it something. Fixed forms only: no answer repeats what was printed.
#[derive(Default)]
struct Replies(Vec<u8>);

impl vt100::Callbacks for Replies {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        intermediate: Option<u8>,
        _: Option<u8>,
        parameters: &[&[u16]],
        letter: char,
    ) {
        let first = parameters
            .first()
            .and_then(|p| p.first())
            .copied()
            .unwrap_or(0);
        match (intermediate, letter, first) {
            // Device status: well; cursor position; device attributes: a VT102.
            (None, 'n', 5) => self.0.extend(b"\x1b[0n"),
            (None, 'n', 6) => {
                let (row, column) = screen.cursor_position();
                self.0
                    .extend(format!("\x1b[{};{}R", row + 1, column + 1).bytes());
            }
            (None, 'c', 0) => self.0.extend(b"\x1b[?6c"),
            _ => {}
        }
    }
}

impl Pane {
    /// Empty, of this size.
    pub(in crate::tui) fn new(size: Size) -> Self {
        let (rows, columns) = grid::size(size.height, size.width);
        Self {
            parser: vt100::Parser::new_with_callbacks(
                rows,
                columns,
                SCROLLBACK,
                Replies::default(),
            ),
            sieve: Sieve::default(),
        }
    }

    /// Columns and rows.
    pub(in crate::tui) fn size(&self) -> Size {
        let (rows, columns) = self.parser.screen().size();
        Size::new(columns.get(), rows.get())
    }

    /// Takes what the machine printed; answers what the terminal replies to it.
    pub(in crate::tui) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let harmless = self.sieve.pass(bytes);
        self.parser.process(&harmless);
        std::mem::take(&mut self.parser.callbacks_mut().0)
    }

    /// A new session begins.
    pub(in crate::tui) fn clear(&mut self) {
        *self = Self::new(self.size());
    }

    /// It has this size now.
    pub(in crate::tui) fn resize(&mut self, size: Size) {
        if size != self.size() {
            let (rows, columns) = grid::size(size.height, size.width);
            self.parser.set_size(rows, columns);
        }
    }

    /// Scrolls, if that is what is asked for: by a line, or by half of what is shown.
    pub(in crate::tui) fn act(&mut self, act: Act) {
        let half = usize::from(self.size().height / 2).max(1);
        let screen = self.parser.screen_mut();
        let at = screen.scrollback();
        screen.set_scrollback(match act {
            Act::Up => at.saturating_add(1),
            Act::Down => at.saturating_sub(1),
            Act::PageUp | Act::ScrollBack => at.saturating_add(half),
            Act::PageDown | Act::ScrollForward => at.saturating_sub(half),
            _ => at,
        });
    }

    /// Whether there are lines above what is shown.
    pub(in crate::tui) fn has_more(&self) -> bool {
        let screen = self.parser.screen();
        screen.scrollback() < screen.scrollback_len()
    }

    /// Back to where the machine prints.
    pub(in crate::tui) fn follow(&mut self) {
        self.parser.screen_mut().set_scrollback(0);
    }

    /// Lines it is scrolled back.
    pub(in crate::tui) fn scrolled(&self) -> usize {
        self.parser.screen().scrollback()
    }

    /// What the program in it asked for.
    pub(in crate::tui) fn modes(&self) -> Modes {
        let screen = self.parser.screen();
        Modes {
            application_cursor: screen.application_cursor(),
            bracketed_paste: screen.bracketed_paste(),
        }
    }

    /// Draws the cells; answers where the cursor is, if it shows.
    pub(in crate::tui) fn draw(&self, area: Rect, buffer: &mut Buffer) -> Option<Position> {
        let screen = self.parser.screen();
        let size = self.size();
        for row in 0..area.height.min(size.height) {
            for column in 0..area.width.min(size.width) {
                let Some(cell) = screen.cell(row, column) else {
                    continue;
                };
                if cell.is_wide_continuation() {
                    continue;
                }
                let Some(target) = buffer.cell_mut((area.x + column, area.y + row)) else {
                    continue;
                };
                target.set_symbol(if cell.has_contents() {
                    cell.contents()
                } else {
                    " "
                });
                target.set_style(style(cell));
            }
        }
        let (row, column) = screen.cursor_position();
        let inside = row < area.height && column < area.width;
        (inside && !screen.hide_cursor() && screen.scrollback() == 0)
            .then(|| Position::new(area.x + column, area.y + row))
    }
}

fn style(cell: &vt100::Cell) -> Style {
    let mut modifiers = Modifier::empty();
    modifiers.set(Modifier::BOLD, cell.bold());
    modifiers.set(Modifier::DIM, cell.dim());
    modifiers.set(Modifier::ITALIC, cell.italic());
    modifiers.set(Modifier::UNDERLINED, cell.underline());
    modifiers.set(Modifier::REVERSED, cell.inverse());
    Style::new()
        .fg(color(cell.fgcolor()))
        .bg(color(cell.bgcolor()))
        .add_modifier(modifiers)
}

fn color(color: vt100::Color) -> Color {
    match color {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(pane: &Pane) -> Vec<String> {
        let area = Rect::from((Position::ORIGIN, pane.size()));
        let mut buffer = Buffer::empty(area);
        pane.draw(area, &mut buffer);
        let row = |y| {
            (0..area.width)
                .map(|x| buffer[(x, y)].symbol().to_owned())
                .collect::<String>()
        };
        (0..area.height)
            .map(|y| row(y).trim_end().to_owned())
            .collect()
    }

    #[test]
    fn titles_and_clipboard_requests_stay_inside() {
        let mut pane = Pane::new(Size::new(10, 2));
        let replies = pane.feed(b"\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1b]52;c;?\x07\x1b[21tok");
        assert_eq!(
            (shown(&pane), replies),
            (vec!["ok".to_owned(), String::new()], Vec::new())
        );
    }

    #[test]
    fn a_program_that_asks_for_the_cursor_gets_an_answer() {
        let mut pane = Pane::new(Size::new(10, 4));
        assert_eq!(
            pane.feed(b"\r\nab\x1b[6n\x1b[5n\x1b[c"),
            b"\x1b[2;3R\x1b[0n\x1b[?6c"
        );
    }

    #[test]
    fn a_character_that_asks_to_be_wide_stays_narrow_however_it_arrives() {
        let whole = "a❤\u{fe0f}b\u{ff21}".as_bytes();
        for split in 0..whole.len() {
            let mut pane = Pane::new(Size::new(10, 1));
            pane.feed(&whole[..split]);
            pane.feed(&whole[split..]);
            assert_eq!(shown(&pane), ["a❤b\u{ff21}"], "split at {split}");
        }
    }

    #[test]
    fn one_can_scroll_back_and_typing_follows_again() {
        let mut pane = Pane::new(Size::new(10, 2));
        pane.feed(b"1\r\n2\r\n3\r\n4");
        assert_eq!(shown(&pane), ["3", "4"]);
        pane.act(Act::ScrollBack);
        assert_eq!(
            (shown(&pane), pane.scrolled()),
            (vec!["2".into(), "3".into()], 1)
        );
        pane.feed(b"\r\n5");
        assert_eq!(
            shown(&pane),
            ["2", "3"],
            "what one reads does not move away"
        );
        pane.follow();
        assert_eq!(shown(&pane), ["4", "5"]);
    }

    #[test]
    fn a_new_session_begins_on_an_empty_screen_of_the_same_size() {
        let mut pane = Pane::new(Size::new(7, 3));
        pane.feed(b"\x1b[?1049hold\x1b[?1h");
        pane.clear();
        assert_eq!(
            (shown(&pane).concat(), pane.size(), pane.modes()),
            (String::new(), Size::new(7, 3), Modes::default())
        );
    }

    /// Bytes that look like what terminals get, so that the parser's corners are reached.
    fn terminal_bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            "(\u{1b}\\[[?>=!]?[0-9;]{0,8}[@-~]){1,4}".prop_map(String::into_bytes),
            "\u{1b}[ -~]".prop_map(String::into_bytes),
            "[漢é❤\u{fe0f}\u{200d}\u{301}a👩 \r\n\t\u{8}]{0,12}".prop_map(String::into_bytes),
            "\u{1b}\\](0|2|52|4);[a-z;]{0,8}(\u{7}|\u{1b}\\\\)".prop_map(String::into_bytes),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn no_bytes_and_no_size_break_a_terminal(
            steps in prop::collection::vec((terminal_bytes(), 1u16..60, 1u16..30, any::<bool>()), 1..6)
        ) {
            let mut pane = Pane::new(Size::new(38, 10));
            for (bytes, width, height, back) in steps {
                pane.feed(&bytes);
                pane.act(if back { Act::PageUp } else { Act::Down });
                shown(&pane);
                pane.resize(Size::new(width, height));
                shown(&pane);
            }
        }
    }
}
