//! yes, seq and cat: what they write has no end of its own, so it goes out as it comes, and whoever takes it sets the pace.

use std::fmt::Write as _;
use std::time::Duration;

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::compute::patience::give_way;
use crate::practice::storage::{Content, Errno, NodeType, Use};

/// Bytes that go out at once.
const BLOCK: usize = 64 * 1024;

/// `yes`
pub struct Yes;

#[async_trait]
impl Program for Yes {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let line = match call.args {
            [] => "y\n".to_owned(),
            words => words.join(" ") + "\n",
        };
        let block = line.repeat((BLOCK / line.len()).max(1));
        loop {
            give_way(&seat.host.clock).await;
            call.out(&block).await?;
        }
    }
}

/// `seq`
pub struct Seq;

/// What is counted.
#[derive(Debug, PartialEq)]
struct Counted {
    /// In units of the last decimal.
    first: i128,
    step: i128,
    last: i128,
    decimals: usize,
    separator: String,
    equal_width: bool,
}

/// A number in units of its last decimal, and how many it has.
fn number(text: &str) -> Option<(i128, usize)> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.trim_start_matches(['-', '+']);
    let fits = digits.len() + decimals.len() <= 30 && !(digits.is_empty() && decimals.is_empty());
    let all = digits.bytes().chain(decimals.bytes());
    if !fits || !all.clone().all(|digit| digit.is_ascii_digit()) || whole.len() > digits.len() + 1 {
        return None;
    }
    let value: i128 = format!("0{digits}{decimals}").parse().ok()?;
    let value = if whole.starts_with('-') {
        -value
    } else {
        value
    };
    Some((value, decimals.len()))
}

impl Counted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut separator = "\n";
        let mut equal_width = false;
        let mut operands = Vec::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-w" | "--equal-width" => equal_width = true,
                "-s" | "--separator" => {
                    separator = args.next().ok_or("option requires an argument -- 's'")?;
                }
                _ if arg.starts_with("-s") => separator = &arg[2..],
                _ if arg.starts_with("--separator=") => separator = &arg[12..],
                _ if number(arg).is_some() => operands.push(arg.as_str()),
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    return Err(format!(
                        "invalid option -- '{}'",
                        arg.trim_start_matches('-')
                    ));
                }
                _ => return Err(format!("invalid floating point argument: ‘{arg}’")),
            }
        }
        let (first, step, last) = match operands[..] {
            [last] => ("1", "1", last),
            [first, last] => (first, "1", last),
            [first, step, last] => (first, step, last),
            [] => return Err("missing operand".to_owned()),
            [_, _, _, extra, ..] => return Err(format!("extra operand ‘{extra}’")),
        };
        let parsed = [first, step, last].map(|text| number(text).unwrap_or_default());
        let decimals = parsed[0].1.max(parsed[1].1);
        let finest = decimals.max(parsed[2].1);
        let scaled = parsed.map(|(value, own)| value * 10_i128.pow(power(finest - own)));
        if scaled[1] == 0 {
            return Err(format!("invalid Zero increment value: ‘{step}’"));
        }
        // What is finer in the last one is not shown.
        let unit = 10_i128.pow(power(finest - decimals));
        Ok(Self {
            first: scaled[0] / unit,
            step: scaled[1] / unit,
            last: scaled[2].div_euclid(unit),
            decimals,
            separator: separator.to_owned(),
            equal_width,
        })
    }

    fn shown(&self, value: i128, width: usize) -> String {
        let unit = 10_i128.pow(power(self.decimals));
        let mut text = (value.abs() / unit).to_string();
        if self.decimals > 0 {
            let _ = write!(
                text,
                ".{:0width$}",
                value.abs() % unit,
                width = self.decimals
            );
        }
        let sign = if value < 0 { "-" } else { "" };
        format!(
            "{sign}{text:0>width$}",
            width = width.saturating_sub(sign.len())
        )
    }
}

fn power(decimals: usize) -> u32 {
    u32::try_from(decimals).unwrap_or(u32::MAX)
}

#[async_trait]
impl Program for Seq {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let counted = match Counted::read(call.args) {
            Ok(counted) => counted,
            Err(what) => {
                let line = format!("seq: {what}\nTry 'seq --help' for more information.");
                return call.fail(1, line).await;
            }
        };
        let widest = [counted.first, counted.last].map(|value| counted.shown(value, 0).len());
        let width = if counted.equal_width {
            widest[0].max(widest[1])
        } else {
            0
        };
        let mut value = counted.first;
        let mut block = String::new();
        let mut any = false;
        while (counted.step > 0 && value <= counted.last)
            || (counted.step < 0 && value >= counted.last)
        {
            if any {
                block.push_str(&counted.separator);
            }
            any = true;
            block.push_str(&counted.shown(value, width));
            value += counted.step;
            if block.len() >= BLOCK {
                give_way(&seat.host.clock).await;
                call.out(std::mem::take(&mut block)).await?;
            }
        }
        if any {
            block.push('\n');
        }
        call.out(block).await?;
        Ok(0)
    }
}

/// `cat`
pub struct Cat;

/// How text is changed on its way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Shown {
    numbers: bool,
    numbers_of_text: bool,
    squeeze: bool,
    ends: bool,
    tabs: bool,
    others: bool,
}

impl Shown {
    fn read(args: &[String]) -> Result<(Self, Vec<&str>), String> {
        let mut shown = Self::default();
        let mut operands = Vec::new();
        let mut only_operands = false;
        for arg in args {
            if only_operands || arg == "-" || !arg.starts_with('-') {
                operands.push(arg.as_str());
                continue;
            }
            match arg.as_str() {
                "--" => only_operands = true,
                "--number" => shown.numbers = true,
                "--number-nonblank" => shown.numbers_of_text = true,
                "--squeeze-blank" => shown.squeeze = true,
                "--show-ends" => shown.ends = true,
                "--show-tabs" => shown.tabs = true,
                "--show-nonprinting" => shown.others = true,
                "--show-all" => shown.all("vET"),
                _ if arg.starts_with("--") => return Err(arg.clone()),
                letters => {
                    let known = |letter| "AbeEnstTuv".contains(letter);
                    if let Some(letter) = letters.chars().skip(1).find(|one| !known(*one)) {
                        return Err(format!("-{letter}"));
                    }
                    shown.all(&letters[1..]);
                }
            }
        }
        Ok((shown, operands))
    }

    fn all(&mut self, letters: &str) {
        for letter in letters.chars() {
            match letter {
                'A' => self.all("vET"),
                'e' => self.all("vE"),
                't' => self.all("vT"),
                'b' => self.numbers_of_text = true,
                'n' => self.numbers = true,
                's' => self.squeeze = true,
                'E' => self.ends = true,
                'T' => self.tabs = true,
                'v' => self.others = true,
                _ => {}
            }
        }
    }
}

/// Text on its way, line by line over all files.
#[derive(Default)]
struct Writer {
    shown: Shown,
    line: u64,
    blank: usize,
    /// In the middle of a line.
    inside: bool,
}

impl Writer {
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.shown == Shown::default() {
            return bytes.to_vec();
        }
        let mut out = Vec::with_capacity(bytes.len() * 2);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let begins = !self.inside;
            self.inside = !ended;
            let blank = begins && text.is_empty();
            self.blank = if blank { self.blank + 1 } else { 0 };
            if self.shown.squeeze && self.blank > 1 {
                continue;
            }
            let numbered = if self.shown.numbers_of_text {
                !blank
            } else {
                self.shown.numbers
            };
            if begins && numbered {
                self.line += 1;
                out.extend(format!("{:>6}\t", self.line).into_bytes());
            }
            for byte in text {
                self.byte(*byte, &mut out);
            }
            if ended {
                if self.shown.ends {
                    out.push(b'$');
                }
                out.push(b'\n');
            }
        }
        out
    }

    fn byte(&self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b'\t' if self.shown.tabs => out.extend(b"^I"),
            b'\t' => out.push(byte),
            _ if !self.shown.others => out.push(byte),
            128.. => {
                out.extend(b"M-");
                match byte - 128 {
                    low @ 0..32 => out.extend([b'^', low + 64]),
                    127 => out.extend(b"^?"),
                    low => out.push(low),
                }
            }
            0..32 => out.extend([b'^', byte + 64]),
            127 => out.extend(b"^?"),
            _ => out.push(byte),
        }
    }
}

#[async_trait]
impl Program for Cat {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let (shown, operands) = match Shown::read(call.args) {
            Ok(read) => read,
            Err(option) => return call.unknown_option(1, &option).await,
        };
        let mut writer = Writer {
            shown,
            ..Writer::default()
        };
        let operands = if operands.is_empty() {
            vec!["-"]
        } else {
            operands
        };
        let mut status = 0;
        for operand in operands {
            if operand == "-" {
                while let Some(chunk) = call.chunk().await? {
                    call.out(writer.take(&chunk)).await?;
                }
                continue;
            }
            if let Err(why) = file(seat, call, operand, &mut writer).await? {
                status = call.fail(1, format!("cat: {operand}: {why}")).await?;
            }
        }
        Ok(status)
    }
}

async fn file(
    seat: &Seat,
    call: &Call<'_>,
    operand: &str,
    writer: &mut Writer,
) -> bashkit::Result<Result<(), Errno>> {
    let (view, path) = (seat.view(), call.path(operand));
    view.pass(&path, Use::Look).await;
    let attr = match view.stat(&path) {
        Ok(attr) if attr.is_dir() => return Ok(Err(Errno::IsDirectory)),
        Ok(attr) => attr,
        Err(why) => return Ok(Err(why)),
    };
    loop {
        let content: Content = match view.content(&path) {
            Ok(content) => content,
            Err(why) => return Ok(Err(why)),
        };
        view.settle(Duration::ZERO).await;
        for part in content.parts() {
            for block in part.chunks(BLOCK) {
                give_way(&seat.host.clock).await;
                call.out(writer.take(block)).await?;
            }
        }
        // A device gives more for ever, unless it has nothing to give.
        if attr.node_type != NodeType::Device || content.is_empty() {
            return Ok(Ok(()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Counted, Shown, Writer};

    fn args(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn counted(line: &str) -> String {
        let counted = Counted::read(&args(line)).unwrap();
        let width = if counted.equal_width { 5 } else { 0 };
        [counted.first, counted.step, counted.last]
            .map(|value| counted.shown(value, width))
            .join(" ")
    }

    #[test]
    fn numbers_are_counted_in_their_own_decimals() {
        assert_eq!(counted("5"), "1 1 5");
        assert_eq!(counted("-3 2 10"), "-3 2 10");
        assert_eq!(counted("0 .25 1"), "0.00 0.25 1.00");
        assert_eq!(counted("1 2.9"), "1 1 2");
        assert_eq!(counted("-w 8 10"), "00008 00001 00010");
        assert!(Counted::read(&args("1 0 2")).is_err());
        assert!(Counted::read(&args("x")).is_err());
        assert!(Counted::read(&args("")).is_err());
    }

    #[test]
    fn text_is_shown_as_the_options_say() {
        let text = b"a\tb\n\n\n\n\x01\xc3\n";
        for (options, expected) in [
            (
                "-n",
                "     1\ta\tb\n     2\t\n     3\t\n     4\t\n     5\t\u{1}\u{fffd}\n",
            ),
            ("-bs", "     1\ta\tb\n\n     2\t\u{1}\u{fffd}\n"),
            ("-A", "a^Ib$\n$\n$\n$\n^AM-C$\n"),
        ] {
            let options = args(options);
            let (shown, _) = Shown::read(&options).unwrap();
            let mut writer = Writer {
                shown,
                ..Writer::default()
            };
            // In pieces, as it may come.
            let out = [writer.take(&text[..2]), writer.take(&text[2..])].concat();
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
