//! cmp: where two files differ.

use async_trait::async_trait;

use super::{Feed, PIECE, count, shown};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::storage::Content;

/// `cmp`
pub struct Cmp;

/// Exit status when something is wrong; 1 is that they differ.
const TROUBLE: i32 = 2;

#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    silent: bool,
    all: bool,
    bytes: bool,
    skip: [u64; 2],
    limit: Option<u64>,
    files: Vec<String>,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self::default();
        let mut operands = Vec::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-s" | "--quiet" | "--silent" => wanted.silent = true,
                "-l" | "--verbose" => wanted.all = true,
                "-b" | "--print-bytes" => wanted.bytes = true,
                "-bl" | "-lb" => (wanted.all, wanted.bytes) = (true, true),
                "-n" | "--bytes" => wanted.limit = Some(number("--bytes", args.next())?),
                "-i" | "--ignore-initial" => wanted.skip(args.next())?,
                _ if arg.starts_with("--bytes=") => {
                    wanted.limit = Some(number("--bytes", Some(&arg[8..].to_owned()))?);
                }
                _ if arg.starts_with("-n") => {
                    wanted.limit = Some(number("--bytes", Some(&arg[2..].to_owned()))?);
                }
                _ if arg.starts_with("-i") => wanted.skip(Some(&arg[2..].to_owned()))?,
                _ if arg.len() > 1 && arg.starts_with('-') => return Err(arg.clone()),
                _ => operands.push(arg.clone()),
            }
        }
        for (place, skip) in operands.iter().skip(2).take(2).enumerate() {
            wanted.skip[place] = number("SKIP", Some(skip))?;
        }
        wanted.files = operands;
        Ok(wanted)
    }

    fn skip(&mut self, value: Option<&String>) -> Result<(), String> {
        let text = value.cloned().unwrap_or_default();
        let (one, other) = text.split_once(':').unwrap_or((&text, &text));
        self.skip = [
            number("--ignore-initial", Some(&one.to_owned()))?,
            number("--ignore-initial", Some(&other.to_owned()))?,
        ];
        Ok(())
    }
}

/// The error is a whole line, unlike an option's.
fn number(option: &str, value: Option<&String>) -> Result<u64, String> {
    let value = value.map_or("", String::as_str);
    count(value).ok_or_else(|| format!("cmp: invalid {option} value '{value}'"))
}

#[async_trait]
impl Program for Cmp {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let help = "cmp: Try 'cmp --help' for more information.";
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(why) if why.starts_with("cmp: ") => {
                return call.fail(TROUBLE, format!("{why}\n{help}")).await;
            }
            Err(option) => return call.unknown_option(TROUBLE, &option).await,
        };
        let [one, other] = match &wanted.files[..] {
            [] => {
                let line = format!("cmp: missing operand after 'cmp'\n{help}");
                return call.fail(TROUBLE, line).await;
            }
            [one] => [one.as_str(), "-"],
            [one, other, ..] => [one.as_str(), other.as_str()],
        };
        let mut sides = Vec::new();
        for (operand, skip) in [one, other].into_iter().zip(wanted.skip) {
            match Feed::open(seat, call, operand).await {
                Ok(feed) => sides.push(Side::of(feed, skip)),
                Err(_) if wanted.silent => return Ok(TROUBLE),
                Err(why) => {
                    let line = format!("cmp: {}: {why}", shown(operand));
                    return call.fail(TROUBLE, line).await;
                }
            }
        }
        let Ok([a, b]) = <[Side<'_>; 2]>::try_from(sides) else {
            return Ok(TROUBLE);
        };
        compare(call, &wanted, [a, b], [one, other]).await
    }
}

/// One of the two, with what was read of it and not compared yet.
struct Side<'a> {
    feed: Feed<'a>,
    skip: u64,
    left: Content,
}

impl<'a> Side<'a> {
    fn of(feed: Feed<'a>, skip: u64) -> Self {
        Self {
            feed,
            skip,
            left: Content::default(),
        }
    }

    /// Sees to it that there is something to compare, unless the end is reached.
    async fn fill(&mut self) -> bashkit::Result<Result<(), String>> {
        while self.left.is_empty() {
            match self.feed.next(PIECE).await? {
                Ok(piece) if piece.is_empty() => break,
                Ok(piece) => {
                    let skipped = self.skip.min(piece.len());
                    self.skip -= skipped;
                    self.left = if skipped == 0 {
                        piece
                    } else {
                        piece.slice(skipped, u64::MAX)
                    };
                }
                Err(why) => return Ok(Err(why.to_string())),
            }
        }
        Ok(Ok(()))
    }

    fn take(&mut self, len: u64) -> Content {
        let taken = self.left.slice(0, len);
        self.left = self.left.slice(len, u64::MAX);
        taken
    }
}

async fn compare(
    call: &Call<'_>,
    wanted: &Wanted,
    mut sides: [Side<'_>; 2],
    names: [&str; 2],
) -> Ended {
    let (mut at, mut lines, mut status) = (0_u64, 0_u64, 0);
    let mut started = true;
    let sizes = sides
        .iter()
        .map(|side| side.feed.content().map(Content::len));
    let width = sizes
        .flatten()
        .min()
        .map_or(1, |size| size.to_string().len());
    loop {
        let room = wanted.limit.map_or(PIECE, |limit| limit - at);
        if room == 0 {
            return Ok(status);
        }
        for (side, name) in sides.iter_mut().zip(names) {
            if let Err(why) = side.fill().await? {
                return call
                    .fail(TROUBLE, format!("cmp: {}: {why}", shown(name)))
                    .await;
            }
        }
        let len = sides[0].left.len().min(sides[1].left.len()).min(room);
        if len == 0 {
            let ended = [sides[0].left.is_empty(), sides[1].left.is_empty()];
            if ended == [true, true] {
                return Ok(status);
            }
            if wanted.silent {
                return Ok(1);
            }
            let name = names[usize::from(ended[1])];
            let line = match at {
                0 => format!("cmp: EOF on {name} which is empty"),
                _ if wanted.all => format!("cmp: EOF on {name} after byte {at}"),
                _ if started => format!("cmp: EOF on {name} after byte {at}, line {lines}"),
                _ => format!("cmp: EOF on {name} after byte {at}, in line {}", lines + 1),
            };
            return call.fail(1, line).await;
        }
        let (one, other) = (sides[0].take(len), sides[1].take(len));
        if one != other || one.len() != other.len() {
            let (one, other) = (one.to_vec(), other.to_vec());
            let mut out = String::new();
            for (place, (a, b)) in one.iter().zip(&other).enumerate() {
                if a != b {
                    if wanted.silent {
                        return Ok(1);
                    }
                    status = 1;
                    let byte = at + place as u64 + 1;
                    let both = format!(" {a:3o} {} {b:3o} {}", printed(*a), printed(*b));
                    if !wanted.all {
                        let [name, with] = names;
                        let line = lines + super::head::newlines(&one[..place]) + 1;
                        let bytes = if wanted.bytes {
                            format!(" is{both}")
                        } else {
                            String::new()
                        };
                        let what = format!("{name} {with} differ: byte {byte}, line {line}{bytes}");
                        call.done(what).await?;
                        return Ok(1);
                    }
                    out.push_str(&if wanted.bytes {
                        format!(
                            "{byte:>width$} {a:3o} {:<4} {b:3o} {}\n",
                            printed(*a),
                            printed(*b)
                        )
                    } else {
                        format!("{byte:>width$} {a:3o} {b:3o}\n")
                    });
                }
            }
            call.out(out).await?;
        }
        at += len;
        lines += one.parts().map(super::head::newlines).sum::<u64>();
        started = one.slice(len - 1, 1).to_vec() == b"\n";
    }
}

/// A byte as `cat -v` shows it.
fn printed(byte: u8) -> String {
    let (mark, low) = if byte < 128 {
        ("", byte)
    } else {
        ("M-", byte - 128)
    };
    match low {
        127 => format!("{mark}^?"),
        0..32 => format!("{mark}^{}", char::from(low + 64)),
        _ => format!("{mark}{}", char::from(low)),
    }
}
