//! What a terminal's grid can take: the least size of one and the one character that must never get to its parser. The
//! screen's panes and the transcripts of the checks share it, so that neither breaks where the other does not. No
//! drawing, no session and no evidence enters.

use std::num::NonZeroU16;

/// The variation selector that asks for the wide form of the character before it (U+FE0F). Terminals disagree about its
/// width, and the parser (vt100 0.18.1) panics on it at the right edge of the last row, so it never gets there.
const WIDENS: &[u8] = "\u{fe0f}".as_bytes();

/// Rows and columns that the parser can work with: it (vt100 0.18.1) panics on a wide character where there is but one
/// column, hence a least of two.
#[must_use]
pub fn size(rows: u16, columns: u16) -> (NonZeroU16, NonZeroU16) {
    let at_least =
        |least: u16, length: u16| NonZeroU16::new(length.max(least)).unwrap_or(NonZeroU16::MIN);
    (at_least(1, rows), at_least(2, columns))
}

/// Takes out of a terminal's output what its parser must not see.
#[derive(Debug, Clone, Default)]
pub struct Sieve {
    /// How many bytes of what widens a character the output ended with.
    held: usize,
}

impl Sieve {
    /// The output without what widens a character, also where that is split between two reads.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut kept = Vec::with_capacity(bytes.len() + self.held);
        for &byte in bytes {
            if byte != WIDENS[self.held] {
                kept.extend(&WIDENS[..std::mem::take(&mut self.held)]);
            }
            if byte == WIDENS[self.held] {
                self.held = (self.held + 1) % WIDENS.len();
            } else {
                kept.push(byte);
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_widens_is_taken_out_however_it_arrives_and_nothing_else_is() {
        let whole = "a❤\u{fe0f}b\u{ff21}\u{fe0e}".as_bytes();
        for split in 0..=whole.len() {
            let mut sieve = Sieve::default();
            let mut kept = sieve.pass(&whole[..split]);
            kept.extend(sieve.pass(&whole[split..]));
            assert_eq!(kept, "a❤b\u{ff21}\u{fe0e}".as_bytes(), "split at {split}");
        }
    }

    #[test]
    fn no_grid_is_narrower_than_a_wide_character() {
        let (rows, columns) = size(0, 1);
        assert_eq!((rows.get(), columns.get()), (1, 2));
    }
}
