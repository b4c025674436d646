//! wc: lines, words, bytes, characters and the longest line.

use async_trait::async_trait;

use super::{Feed, PIECE, shown};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::storage::{Errno, NodeType};

/// `wc`
pub struct Wc;

/// Columns of tabulators.
const TABULATOR: u64 = 8;
/// Width of a column when it is not known how large a number may become.
const UNKNOWN: usize = 7;

/// Which numbers are printed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "five independent options")]
struct Columns {
    lines: bool,
    words: bool,
    chars: bool,
    bytes: bool,
    longest: bool,
}

impl Columns {
    fn read(args: &[String]) -> Result<(Self, Vec<String>), String> {
        let mut columns = Self::default();
        let mut operands = Vec::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--" => operands.extend(args.by_ref().cloned()),
                "--lines" => columns.lines = true,
                "--words" => columns.words = true,
                "--chars" => columns.chars = true,
                "--bytes" => columns.bytes = true,
                "--max-line-length" => columns.longest = true,
                _ if arg.starts_with("--") => return Err(arg.clone()),
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    for letter in arg[1..].chars() {
                        let column = match letter {
                            'l' => &mut columns.lines,
                            'w' => &mut columns.words,
                            'm' => &mut columns.chars,
                            'c' => &mut columns.bytes,
                            'L' => &mut columns.longest,
                            _ => return Err(format!("-{letter}")),
                        };
                        *column = true;
                    }
                }
                _ => operands.push(arg.clone()),
            }
        }
        if columns == Self::default() {
            (columns.lines, columns.words, columns.bytes) = (true, true, true);
        }
        Ok((columns, operands))
    }

    fn of(self, counts: &Counts) -> Vec<u64> {
        let all = [
            (self.lines, counts.lines),
            (self.words, counts.words),
            (self.chars, counts.chars),
            (self.bytes, counts.bytes),
            (self.longest, counts.longest),
        ];
        let wanted = all.into_iter().filter(|(wanted, _)| *wanted);
        wanted.map(|(_, number)| number).collect()
    }

    /// Whether it is enough to know how large a file is.
    fn only_bytes(self) -> bool {
        let bytes = Self {
            bytes: true,
            ..Self::default()
        };
        self == bytes
    }
}

/// What was counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    lines: u64,
    words: u64,
    chars: u64,
    bytes: u64,
    longest: u64,
    inside: bool,
    column: u64,
}

impl Counts {
    fn take(&mut self, part: &[u8], columns: Columns) {
        self.bytes += part.len() as u64;
        if !(columns.words || columns.chars || columns.longest) {
            self.lines += super::head::newlines(part);
            return;
        }
        for byte in part {
            // What continues a character of UTF-8 is none of its own.
            let begins = byte & 0xc0 != 0x80;
            self.chars += u64::from(begins);
            match byte {
                b'\n' | b'\r' | 0x0c => {
                    self.lines += u64::from(*byte == b'\n');
                    self.longest = self.longest.max(self.column);
                    (self.column, self.inside) = (0, false);
                }
                b'\t' => {
                    self.column = (self.column / TABULATOR + 1) * TABULATOR;
                    self.inside = false;
                }
                b' ' => (self.column, self.inside) = (self.column + 1, false),
                0x0b => self.inside = false,
                // What cannot be seen is no word.
                0..0x20 | 0x7f => {}
                _ => {
                    self.words += u64::from(!self.inside);
                    self.inside = true;
                    self.column += u64::from(begins);
                }
            }
        }
    }

    fn ended(mut self) -> Self {
        self.longest = self.longest.max(self.column);
        self
    }

    fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.words += other.words;
        self.chars += other.chars;
        self.bytes += other.bytes;
        self.longest = self.longest.max(other.longest);
    }
}

#[async_trait]
impl Program for Wc {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let (columns, operands) = match Columns::read(call.args) {
            Ok(read) => read,
            Err(option) => return call.unknown_option(1, &option).await,
        };
        let width = width(seat, call, columns, &operands);
        let print = |counts: &Counts, name: &str| {
            let numbers: Vec<String> = columns
                .of(counts)
                .iter()
                .map(|number| format!("{number:>width$}"))
                .collect();
            let gap = if name.is_empty() { "" } else { " " };
            format!("{}{gap}{name}\n", numbers.join(" "))
        };
        if operands.is_empty() {
            return match counted(seat, call, "-", columns).await? {
                (counts, None) => {
                    call.out(print(&counts, "")).await?;
                    Ok(0)
                }
                (_, Some(why)) => call.fail(1, format!("wc: standard input: {why}")).await,
            };
        }
        let (mut total, mut status) = (Counts::default(), 0);
        for operand in &operands {
            let (counts, why) = counted(seat, call, operand, columns).await?;
            if let Some(why) = why {
                let line = format!("wc: {}: {why}", shown(operand));
                status = call.fail(1, line).await?;
                // A directory can be opened; it cannot be read.
                if why != Errno::IsDirectory {
                    continue;
                }
            }
            total.add(&counts);
            call.out(print(&counts, operand)).await?;
        }
        if operands.len() > 1 {
            call.out(print(&total, "total")).await?;
        }
        Ok(status)
    }
}

async fn counted(
    seat: &Seat,
    call: &Call<'_>,
    operand: &str,
    columns: Columns,
) -> bashkit::Result<(Counts, Option<Errno>)> {
    let mut counts = Counts::default();
    let mut feed = match Feed::open(seat, call, operand).await {
        Ok(feed) => feed,
        Err(why) => return Ok((counts, Some(why))),
    };
    if columns.only_bytes()
        && let Some(content) = feed.content()
    {
        counts.bytes = content.len();
        return Ok((counts, None));
    }
    loop {
        match feed.next(PIECE).await? {
            Ok(piece) if piece.is_empty() => return Ok((counts.ended(), None)),
            Ok(piece) => {
                for part in piece.parts() {
                    counts.take(part, columns);
                }
            }
            Err(why) => return Ok((counts.ended(), Some(why))),
        }
    }
}

/// As wide as the size of all files together needs, which no number exceeds.
fn width(seat: &Seat, call: &Call<'_>, columns: Columns, operands: &[String]) -> usize {
    if operands.len() <= 1 && columns.of(&Counts::default()).len() == 1 {
        return 1;
    }
    if operands.is_empty() {
        return UNKNOWN;
    }
    let view = seat.host.view(&seat.user);
    let (mut total, mut least) = (0_u64, 1);
    for (place, operand) in operands.iter().enumerate() {
        match view.stat(&call.path(operand)) {
            _ if operand == "-" => least = UNKNOWN,
            Ok(attr) if attr.node_type == NodeType::File => total = total.saturating_add(attr.size),
            Ok(_) => least = UNKNOWN,
            Err(_) if place == 0 && operands.len() == 1 => return 1,
            Err(_) => {}
        }
    }
    total.to_string().len().max(least)
}

#[cfg(test)]
mod tests {
    use super::{Columns, Counts};

    fn counts(text: &[u8]) -> Counts {
        let (columns, _) = Columns::read(&["-lwmcL".to_owned()]).unwrap();
        let mut counts = Counts::default();
        // In pieces, as it may come.
        for part in text.chunks(3) {
            counts.take(part, columns);
        }
        counts.ended()
    }

    #[test]
    fn what_is_counted_does_not_depend_on_the_pieces_it_comes_in() {
        let one = counts("one  two\tthree\nfünf wörter\n\nx".as_bytes());
        assert_eq!((one.lines, one.words, one.chars), (3, 6, 29));
        assert_eq!((one.bytes, one.longest), (31, 21));
        let zeros = counts(&[0; 100]);
        assert_eq!((zeros.lines, zeros.words, zeros.bytes), (0, 0, 100));
    }
}
