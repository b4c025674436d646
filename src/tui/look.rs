//! How things look: which characters and colours this terminal gets, and what each meaning looks like.
//! No layout and no state may enter.
//!
//! Only the sixteen colours that every terminal's own theme defines are used, on its own background, so that light and
//! dark terminals both stay readable; meaning is in the words first.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a piece of text means; how it looks follows from the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Ordinary text.
    Plain,
    /// A heading, or what matters most on its line.
    Strong,
    /// Less important than what is around it.
    Quiet,
    /// Done, passed, nothing left.
    Good,
    /// Being worked on.
    Busy,
    /// Not done yet, or known only in part.
    Warn,
    /// Failed.
    Bad,
    /// Something one would type.
    Code,
    /// A key to press.
    Key,
}

/// Which characters and colours the terminal gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Characters beyond ASCII; without them every symbol has an ASCII stand-in.
    pub unicode: bool,
    /// Colours; without them bold, underlined and reversed text remain.
    pub colour: bool,
}

impl Look {
    /// As the environment asks: `NO_COLOR` (<https://no-color.org>) and the locale's character set.
    #[must_use]
    pub fn from_env() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    /// As these environment variables ask.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        // POSIX: the first of these that is set and not empty decides.
        let locale = set("LC_ALL")
            .or_else(|| set("LC_CTYPE"))
            .or_else(|| set("LANG"));
        let unicode = locale.is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        Self {
            unicode,
            colour: set("NO_COLOR").is_none(),
        }
    }

    /// The style of running text.
    pub(super) fn style(self, tone: Tone) -> Style {
        let style = Style::new();
        let style = match tone {
            Tone::Plain => style,
            Tone::Strong | Tone::Key => style.add_modifier(Modifier::BOLD),
            Tone::Quiet => style.add_modifier(Modifier::DIM),
            Tone::Good => style.fg(Color::Green),
            Tone::Busy | Tone::Code => style.fg(Color::Cyan),
            Tone::Warn => style.fg(Color::Yellow),
            Tone::Bad => style.fg(Color::Red).add_modifier(Modifier::BOLD),
        };
        if self.colour {
            style
        } else {
            Style {
                fg: None,
                bg: None,
                ..style
            }
        }
    }

    /// The style of a word that must be seen from afar: a badge.
    pub(super) fn badge(self, tone: Tone) -> Style {
        let background = match tone {
            Tone::Good => Color::Green,
            Tone::Busy | Tone::Code => Color::Cyan,
            Tone::Warn => Color::Yellow,
            Tone::Bad => Color::Red,
            Tone::Plain | Tone::Strong | Tone::Quiet | Tone::Key => {
                return Style::new().add_modifier(Modifier::REVERSED);
            }
        };
        if self.colour {
            Style::new().fg(Color::Black).bg(background)
        } else {
            Style::new().add_modifier(Modifier::REVERSED)
        }
    }

    /// The border of a box; its shape says whether the box has the focus.
    pub(super) fn border(focused: bool) -> border::Set<'static> {
        if focused {
            border::THICK
        } else {
            border::PLAIN
        }
    }

    /// Makes a drawn frame safe and plain enough for this terminal: the last thing done to every frame.
    ///
    /// Whatever a machine or a file printed, no control character reaches the terminal, half of a wide character
    /// never hides its neighbour, and neither colours nor symbols appear that the terminal was not to get.
    pub(super) fn finish(self, buffer: &mut Buffer) {
        let area = buffer.area;
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                let followed_by_text = x + 1 >= area.right() || buffer[(x + 1, y)].symbol() != " ";
                self.finish_cell(&mut buffer[(x, y)], followed_by_text);
            }
        }
    }

    /// Whether the terminal shows more than ASCII.
    pub(super) fn is_unicode(self) -> bool {
        self.unicode
    }

    fn finish_cell(self, cell: &mut Cell, followed_by_text: bool) {
        if !self.colour {
            cell.fg = Color::Reset;
            cell.bg = Color::Reset;
        }
        let symbol = cell.symbol();
        if symbol.len() == 1 && !symbol.as_bytes()[0].is_ascii_control() {
            return;
        }
        let mut plain = String::with_capacity(symbol.len());
        for character in symbol.chars() {
            if character.is_control() || formats(character) {
                continue;
            }
            plain.push(if self.unicode {
                character
            } else {
                ascii(character)
            });
            if !self.unicode {
                break;
            }
        }
        let width = plain.width();
        if width == 0 || width > 2 || (width == 2 && followed_by_text) {
            plain.clear();
            plain.push(if width == 0 { ' ' } else { '?' });
        }
        if plain != symbol {
            cell.set_symbol(&plain);
        }
    }
}

/// Whether a character has no shape of its own but changes how others are arranged: direction overrides, joiners and
/// variation selectors, about which terminals disagree, so that the rest of the row would move.
fn formats(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0000}'..='\u{e0fff}')
}

/// The ASCII character that stands for this one.
fn ascii(character: char) -> char {
    match character {
        ' '..='~' => character,
        '\u{a0}' => ' ',
        '━' | '═' => '=',
        '│' | '╎' | '┆' | '┊' => '|',
        '─' | '╌' | '┄' | '┈' | '–' | '—' | '‐' | '‑' | '−' => '-',
        '┃' | '║' | '┏' | '┓' | '┗' | '┛' | '╔' | '╗' | '╚' | '╝' | '\u{2580}'..='\u{259f}' => {
            '#'
        }
        '\u{2500}'..='\u{257f}' => '+',
        '…' | '·' => '.',
        '•' | '●' | '◆' | '■' | '×' => '*',
        '→' | '▶' | '►' | '▸' | '›' | '⇒' => '>',
        '←' | '◀' | '◄' | '‹' | '⇐' => '<',
        '↑' | '▲' => '^',
        '↓' | '▼' => 'v',
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        '≈' => '~',
        _ if character.width() == Some(0) => ' ',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    fn look(pairs: &[(&str, &str)]) -> Look {
        Look::of(|name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn the_first_locale_variable_that_says_something_decides() {
        assert!(look(&[("LANG", "de_DE.UTF-8")]).unicode);
        assert!(look(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")]).unicode);
        assert!(!look(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]).unicode);
        assert!(!look(&[]).unicode);
    }

    #[test]
    fn no_color_counts_only_when_it_is_not_empty() {
        assert!(look(&[("NO_COLOR", "")]).colour);
        assert!(!look(&[("NO_COLOR", "1")]).colour);
    }

    fn finished(look: Look, symbols: &[&str]) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, u16::try_from(symbols.len()).unwrap(), 1));
        for (cell, symbol) in buffer.content.iter_mut().zip(symbols) {
            cell.set_symbol(symbol);
        }
        look.finish(&mut buffer);
        buffer.content.iter().map(Cell::symbol).collect()
    }

    #[test]
    fn control_and_direction_characters_never_reach_the_terminal() {
        let look = Look {
            unicode: true,
            colour: true,
        };
        assert_eq!(
            finished(
                look,
                &["\u{1b}", "\u{9b}", "a\u{202e}", "\u{200d}", "e\u{301}"]
            ),
            "  a e\u{301}"
        );
    }

    #[test]
    fn a_wide_character_with_no_room_gives_way() {
        let look = Look {
            unicode: true,
            colour: true,
        };
        assert_eq!(finished(look, &["漢", " ", "漢", "x", "漢"]), "漢 ?x?");
    }

    #[test]
    fn without_unicode_every_symbol_has_a_stand_in() {
        let look = Look {
            unicode: false,
            colour: true,
        };
        assert_eq!(
            finished(look, &["┏", "━", "┐", "│", "…", "é", "→"]),
            "#=+|.?>"
        );
    }

    #[test]
    fn without_colour_no_tone_and_no_badge_has_any() {
        let look = Look {
            unicode: true,
            colour: false,
        };
        for tone in [
            Tone::Good,
            Tone::Busy,
            Tone::Warn,
            Tone::Bad,
            Tone::Code,
            Tone::Key,
        ] {
            for style in [look.style(tone), look.badge(tone)] {
                assert_eq!((style.fg, style.bg), (None, None), "{tone:?}");
            }
        }
    }
}
