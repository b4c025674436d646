//! head: the first lines or bytes of each file.

use std::collections::VecDeque;

use async_trait::async_trait;

use super::{EXHAUSTED, Feed, KEPT_MAX, PIECE, count, quoted};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::storage::{Content, Errno};

/// `head`
pub struct Head;

/// In what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Lines,
    Bytes,
}

impl Unit {
    /// As messages name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Bytes => "bytes",
        }
    }
}

/// When names are printed above what is in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headers {
    Several,
    Never,
    Always,
}

/// What is wanted.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    unit: Unit,
    number: u64,
    /// All but the last so many.
    but_last: bool,
    headers: Headers,
    operands: Vec<String>,
}

/// Why the arguments are no good.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// An option that there is not.
    Option(String),
    /// A whole line.
    Line(String),
}

/// Options of head and tail with a value: its letter and the value, or the rest.
pub(super) fn valued<'a>(
    arg: &'a str,
    rest: &mut impl Iterator<Item = &'a String>,
    program: &str,
) -> Result<Option<(char, &'a str)>, Bad> {
    let missing = |what: String| {
        Bad::Line(format!(
            "{program}: {what}\nTry '{program} --help' for more information."
        ))
    };
    for (long, letter) in [
        ("--lines", 'n'),
        ("--bytes", 'c'),
        ("--sleep-interval", 's'),
        ("--pid", 'p'),
    ] {
        if letter != 'n' && letter != 'c' && program == "head" {
            continue;
        }
        if arg == long {
            let value = rest
                .next()
                .ok_or_else(|| missing(format!("option '{long}' requires an argument")))?;
            return Ok(Some((letter, value)));
        }
        if let Some(value) = arg
            .strip_prefix(long)
            .and_then(|rest| rest.strip_prefix('='))
        {
            return Ok(Some((letter, value)));
        }
    }
    let known: &[char] = if program == "head" {
        &['n', 'c']
    } else {
        &['n', 'c', 's']
    };
    // `-qn 3`: letters without a value may stand before it.
    let Some(cluster) = arg
        .strip_prefix('-')
        .filter(|letters| !letters.starts_with('-'))
    else {
        return Ok(None);
    };
    let Some(at) = cluster.find(known) else {
        return Ok(None);
    };
    if at != 0 {
        return Ok(None);
    }
    let letter = cluster.chars().next().unwrap_or('n');
    let value = &cluster[1..];
    if !value.is_empty() {
        return Ok(Some((letter, value)));
    }
    let value = rest
        .next()
        .ok_or_else(|| missing(format!("option requires an argument -- '{letter}'")))?;
    Ok(Some((letter, value)))
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, Bad> {
        let mut wanted = Self {
            unit: Unit::Lines,
            number: 10,
            but_last: false,
            headers: Headers::Several,
            operands: Vec::new(),
        };
        let split = super::tail::apart(args, "qvz", "nc");
        let mut rest = split.iter();
        while let Some(arg) = rest.next() {
            if arg == "--" {
                wanted.operands.extend(rest.cloned());
                break;
            }
            if let Some((letter, value)) = valued(arg, &mut rest, "head")? {
                wanted.unit = if letter == 'n' {
                    Unit::Lines
                } else {
                    Unit::Bytes
                };
                wanted.number(value)?;
                continue;
            }
            match arg.as_str() {
                "-q" | "--quiet" | "--silent" => wanted.headers = Headers::Never,
                "-v" | "--verbose" => wanted.headers = Headers::Always,
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    // `head -5`
                    if !arg[1..].starts_with(|first: char| first.is_ascii_digit()) {
                        return Err(Bad::Option(arg.clone()));
                    }
                    wanted.unit = Unit::Lines;
                    wanted.number(&arg[1..])?;
                }
                _ => wanted.operands.push(arg.clone()),
            }
        }
        if wanted.operands.is_empty() {
            wanted.operands.push("-".to_owned());
        }
        Ok(wanted)
    }

    fn number(&mut self, value: &str) -> Result<(), Bad> {
        let (but_last, digits) = match value.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, value.strip_prefix('+').unwrap_or(value)),
        };
        let what = self.unit.name();
        let bad = || Bad::Line(format!("head: invalid number of {what}: ‘{value}’"));
        self.number = count(digits).ok_or_else(bad)?;
        self.but_last = but_last;
        Ok(())
    }
}

#[async_trait]
impl Program for Head {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(Bad::Option(option)) => return call.unknown_option(1, &option).await,
            Err(Bad::Line(line)) => return call.fail(1, line).await,
        };
        let mut status = 0;
        let mut first = true;
        for operand in &wanted.operands {
            let feed = match Feed::open(seat, call, operand).await {
                Ok(feed) => Ok(feed),
                Err(Errno::IsDirectory) => Err(None),
                Err(why) => Err(Some(why)),
            };
            if let Err(Some(why)) = feed {
                let name = quoted(operand);
                let line = format!("head: cannot open {name} for reading: {why}");
                status = call.fail(1, line).await?;
                continue;
            }
            if heads(wanted.headers, wanted.operands.len()) {
                call.out(header(operand, first)).await?;
            }
            first = false;
            let done = match feed {
                Ok(feed) => shown(feed, &wanted).await?,
                Err(_) => Err(Errno::IsDirectory.to_string()),
            };
            if let Err(why) = done {
                let line = if why == EXHAUSTED {
                    format!("head: {why}")
                } else {
                    format!("head: error reading {}: {why}", quoted(operand))
                };
                status = call.fail(1, line).await?;
            }
        }
        Ok(status)
    }
}

/// Whether names are printed above.
pub(super) fn heads(headers: Headers, operands: usize) -> bool {
    match headers {
        Headers::Several => operands > 1,
        Headers::Never => false,
        Headers::Always => true,
    }
}

/// The line above what is in a file.
pub(super) fn header(operand: &str, first: bool) -> String {
    let name = if operand == "-" {
        "standard input"
    } else {
        operand
    };
    let gap = if first { "" } else { "\n" };
    format!("{gap}==> {name} <==\n")
}

async fn shown(mut feed: Feed<'_>, wanted: &Wanted) -> bashkit::Result<Result<(), String>> {
    if wanted.but_last {
        return but_last(feed, wanted).await;
    }
    let mut left = wanted.number;
    while left > 0 {
        let most = match wanted.unit {
            Unit::Bytes => left,
            // A line is seldom longer than a page.
            Unit::Lines => left.saturating_mul(4096),
        };
        let piece = match feed.next(most).await? {
            Ok(piece) if piece.is_empty() => break,
            Ok(piece) => piece,
            Err(why) => return Ok(Err(why.to_string())),
        };
        for part in piece.parts() {
            let end = match wanted.unit {
                Unit::Bytes => {
                    let end = part.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    left -= end as u64;
                    end
                }
                Unit::Lines => lines(part, &mut left),
            };
            feed.call.out(&part[..end]).await?;
            if left == 0 {
                break;
            }
        }
    }
    Ok(Ok(()))
}

/// Where in a part the last of so many lines ends; counts them down.
fn lines(part: &[u8], left: &mut u64) -> usize {
    for (at, _) in part.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        *left -= 1;
        if *left == 0 {
            return at + 1;
        }
    }
    part.len()
}

/// Writes everything but the last so many lines or bytes: what may be among the last is kept back.
async fn but_last(mut feed: Feed<'_>, wanted: &Wanted) -> bashkit::Result<Result<(), String>> {
    // What is kept, and how many of what is counted each piece has.
    let mut kept: VecDeque<(Content, u64)> = VecDeque::new();
    let (mut counted, mut bytes) = (0_u64, 0_u64);
    loop {
        let piece = match feed.next(PIECE).await? {
            Ok(piece) => piece,
            Err(why) => return Ok(Err(why.to_string())),
        };
        if piece.is_empty() {
            break;
        }
        let has = units(&piece, wanted.unit);
        counted += has;
        bytes += piece.held();
        kept.push_back((piece, has));
        // A piece goes once so many follow it, and a line that is not ended yet may follow them.
        while kept
            .front()
            .is_some_and(|(_, has)| counted - has > wanted.number)
        {
            let Some((piece, has)) = kept.pop_front() else {
                break;
            };
            counted -= has;
            bytes -= piece.held();
            for part in piece.parts() {
                feed.call.out(part).await?;
            }
        }
        if bytes > KEPT_MAX {
            return Ok(Err(EXHAUSTED.to_owned()));
        }
    }
    // What is left holds the last ones.
    let unended = wanted.unit == Unit::Lines
        && kept
            .back()
            .and_then(|(piece, _)| piece.slice(piece.len() - 1, 1).to_vec().pop())
            .is_some_and(|last| last != b'\n');
    let total = counted + u64::from(unended);
    let mut left = total.saturating_sub(wanted.number);
    for (piece, _) in kept {
        for part in piece.parts() {
            if left == 0 {
                return Ok(Ok(()));
            }
            let end = match wanted.unit {
                Unit::Bytes => {
                    let end = part.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    left -= end as u64;
                    end
                }
                Unit::Lines => lines(part, &mut left),
            };
            feed.call.out(&part[..end]).await?;
        }
    }
    Ok(Ok(()))
}

fn units(piece: &Content, unit: Unit) -> u64 {
    match unit {
        Unit::Bytes => piece.len(),
        Unit::Lines => piece.parts().map(newlines).sum(),
    }
}

/// Line ends in bytes.
pub(super) fn newlines(part: &[u8]) -> u64 {
    part.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

#[cfg(test)]
mod tests {
    use super::{Bad, Headers, Unit, Wanted};

    fn wanted(line: &str) -> Result<Wanted, Bad> {
        let args: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Wanted::read(&args)
    }

    #[test]
    fn a_number_is_given_in_many_ways() {
        for line in ["-n 5 f", "-n5 f", "-5 f", "--lines=5 f", "--lines 5 f"] {
            let wanted = wanted(line).unwrap();
            assert_eq!((wanted.unit, wanted.number), (Unit::Lines, 5), "{line}");
            assert_eq!(wanted.operands, ["f"]);
        }
        let bytes = wanted("-qc 1K").unwrap();
        assert_eq!((bytes.unit, bytes.number), (Unit::Bytes, 1024));
        assert_eq!(bytes.headers, Headers::Never);
        let rest = wanted("-n -3").unwrap();
        assert!(rest.but_last && rest.number == 3);
    }

    #[test]
    fn what_head_does_not_know_is_refused() {
        assert_eq!(wanted("-x"), Err(Bad::Option("-x".to_owned())));
        let Err(Bad::Line(line)) = wanted("-n soon") else {
            panic!("taken");
        };
        assert_eq!(line, "head: invalid number of lines: ‘soon’");
    }
}
