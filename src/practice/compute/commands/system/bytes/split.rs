//! split: a file in several.

use async_trait::async_trait;

use super::{Feed, PIECE, count, quoted};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::storage::{Content, Errno, Use, View};

/// `split`
pub struct Split;

/// How large a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Lines(u64),
    Bytes(u64),
    /// So many parts of the same size.
    Of(u64),
}

#[derive(Debug)]
struct Wanted {
    part: Part,
    numeric: bool,
    digits: Option<usize>,
    suffix: String,
    verbose: bool,
    input: String,
    prefix: String,
}

enum Bad {
    Option(String),
    Line(String),
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, Bad> {
        let mut wanted = Self {
            part: Part::Lines(1000),
            numeric: false,
            digits: None,
            suffix: String::new(),
            verbose: false,
            input: "-".to_owned(),
            prefix: "x".to_owned(),
        };
        let mut operands = Vec::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ if arg.starts_with("--") => (arg.as_str(), None),
                _ if arg.len() > 2 && arg.starts_with('-') && "lbna".contains(&arg[1..2]) => {
                    (&arg[..2], Some(arg[2..].to_owned()))
                }
                _ => (arg.as_str(), None),
            };
            let mut value = || inline.clone().or_else(|| args.next().cloned());
            let positive = |what: &str, text: Option<String>| {
                let text = text.unwrap_or_default();
                let number = count(&text).filter(|number| *number > 0);
                number
                    .ok_or_else(|| Bad::Line(format!("split: invalid number of {what}: ‘{text}’")))
            };
            match name {
                "-l" | "--lines" => wanted.part = Part::Lines(positive("lines", value())?),
                "-b" | "--bytes" => wanted.part = Part::Bytes(positive("bytes", value())?),
                "-n" | "--number" => wanted.part = Part::Of(positive("chunks", value())?),
                "-a" | "--suffix-length" => {
                    let digits = positive("suffix length", value())?;
                    wanted.digits = usize::try_from(digits).ok().filter(|digits| *digits < 64);
                }
                "-d" | "--numeric-suffixes" => wanted.numeric = true,
                "--additional-suffix" => wanted.suffix = value().unwrap_or_default(),
                "--verbose" => wanted.verbose = true,
                "--" => operands.extend(args.by_ref().cloned()),
                _ if name.len() > 1 && name.starts_with('-') => {
                    let digits = &name[1..];
                    // `split -100`
                    match count(digits).filter(|lines| *lines > 0) {
                        Some(lines) if inline.is_none() => wanted.part = Part::Lines(lines),
                        _ => return Err(Bad::Option(arg.clone())),
                    }
                }
                _ => operands.push(arg.clone()),
            }
        }
        if let Some(extra) = operands.get(2) {
            return Err(Bad::Line(format!(
                "split: extra operand ‘{extra}’\nTry 'split --help' for more information."
            )));
        }
        let mut operands = operands.into_iter();
        wanted.input = operands.next().unwrap_or(wanted.input);
        wanted.prefix = operands.next().unwrap_or(wanted.prefix);
        Ok(wanted)
    }

    /// The name of a part; `None` when there are no more names.
    fn name(&self, number: u64) -> Option<String> {
        let base: u64 = if self.numeric { 10 } else { 26 };
        let digit = |value: u64| {
            let first = if self.numeric { b'0' } else { b'a' };
            char::from(first + u8::try_from(value).unwrap_or_default())
        };
        let (length, mut left) = match self.digits {
            Some(length) => (length, number),
            None => grown(base, number),
        };
        let mut suffix = Vec::new();
        for _ in 0..length {
            suffix.push(digit(left % base));
            left /= base;
        }
        if left > 0 {
            return None;
        }
        // Names that have grown longer begin with the last digit, so that they come after the others.
        if self.digits.is_none() && length > 2 {
            suffix.extend(std::iter::repeat_n(digit(base - 1), length - 2));
        }
        let suffix: String = suffix.into_iter().rev().collect();
        Some(format!("{}{suffix}{}", self.prefix, self.suffix))
    }
}

/// How many digits, after how many times the last one, a number has if names grow: aa … yz, zaaa … zyzz, zzaaaa ….
fn grown(base: u64, mut number: u64) -> (usize, u64) {
    let mut block = (base - 1) * base;
    let mut length = 2;
    while number >= block && length < 16 {
        number -= block;
        block *= base;
        length += 1;
    }
    (length, number)
}

#[async_trait]
impl Program for Split {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(Bad::Option(option)) => return call.unknown_option(1, &option).await,
            Err(Bad::Line(line)) => return call.fail(1, line).await,
        };
        let mut feed = match Feed::open(seat, call, &wanted.input).await {
            Ok(feed) => feed,
            Err(Errno::IsDirectory) => {
                let line = format!("split: {}: Is a directory", wanted.input);
                return call.fail(1, line).await;
            }
            Err(why) => {
                let name = quoted(&wanted.input);
                let line = format!("split: cannot open {name} for reading: {why}");
                return call.fail(1, line).await;
            }
        };
        let mut part = wanted.part;
        if let Part::Of(parts) = part {
            let Some(len) = feed.content().map(Content::len) else {
                let line = format!("split: {}: cannot determine file size", wanted.input);
                return call.fail(1, line).await;
            };
            part = Part::Bytes((len / parts).max(1));
        }
        let mut parts = Parts {
            call,
            wanted: &wanted,
            view: seat.view(),
            number: 0,
            open: None,
        };
        let mut left = 0;
        loop {
            let mut piece = match feed.next(PIECE).await? {
                Ok(piece) if piece.is_empty() => return Ok(0),
                Ok(piece) => piece,
                Err(why) => {
                    let line = format!("split: {}: {why}", wanted.input);
                    return call.fail(1, line).await;
                }
            };
            while !piece.is_empty() {
                if left == 0 {
                    left = match part {
                        Part::Lines(size) | Part::Bytes(size) | Part::Of(size) => size,
                    };
                    // The last part takes the rest.
                    if matches!(wanted.part, Part::Of(of) if parts.number + 1 == of) {
                        left = u64::MAX;
                    }
                    parts.open = None;
                }
                let end = match part {
                    Part::Lines(_) => lines(&piece, &mut left),
                    Part::Bytes(_) | Part::Of(_) => {
                        let end = left.min(piece.len());
                        left -= end;
                        end
                    }
                };
                if let Err(line) = parts.add(&piece.slice(0, end)).await? {
                    return call.fail(1, line).await;
                }
                piece = piece.slice(end, u64::MAX);
            }
        }
    }
}

/// Where the last of so many lines ends; counts them down.
fn lines(piece: &Content, left: &mut u64) -> u64 {
    let mut at = 0;
    for part in piece.parts() {
        for (place, _) in part.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            *left -= 1;
            if *left == 0 {
                return at + place as u64 + 1;
            }
        }
        at += part.len() as u64;
    }
    at
}

/// The files that are made.
struct Parts<'a> {
    call: &'a Call<'a>,
    wanted: &'a Wanted,
    view: View,
    number: u64,
    open: Option<String>,
}

impl Parts<'_> {
    /// Adds to the file that is open, or begins the next.
    async fn add(&mut self, content: &Content) -> bashkit::Result<Result<(), String>> {
        let done = if let Some(path) = &self.open {
            self.view.pass(path, Use::Change).await;
            let name = quoted(path.rsplit('/').next().unwrap_or_default());
            let added = self.view.append_content(path, content);
            added.map_err(|why| format!("split: {name}: {why}"))
        } else {
            let Some(name) = self.wanted.name(self.number) else {
                return Ok(Err("split: output file suffixes exhausted".to_owned()));
            };
            self.number += 1;
            if self.wanted.verbose {
                let line = format!("creating file {}", quoted(&name));
                self.call.done(line).await?;
            }
            let path = self.call.path(&name);
            self.view.pass(&path, Use::Change).await;
            let made = self.view.put(&path, content, 0o666);
            self.open = Some(path);
            made.map_err(|why| format!("split: {name}: {why}"))
        };
        self.view.settle(super::GATHERED).await;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn names_grow_when_there_are_many() {
        let wanted = |line: &str| {
            let args: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            Wanted::read(&args).unwrap_or_else(|_| panic!("{line}"))
        };
        let letters = wanted("-l 5");
        let names: Vec<_> = [0, 1, 26, 649, 650, 651]
            .map(|number| letters.name(number).unwrap())
            .to_vec();
        assert_eq!(names, ["xaa", "xab", "xba", "xyz", "xzaaa", "xzaab"]);
        let numbers = wanted("-d -a 2 -b 1M f part-");
        assert_eq!(numbers.name(7).as_deref(), Some("part-07"));
        assert_eq!(numbers.name(100), None);
    }
}
