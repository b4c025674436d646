//! tail: the last lines or bytes of each file. Following them is in `follow`.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;

use super::follow::{Followed, follow};
use super::head::{Bad, Headers, Unit, header, heads, newlines, valued};
use super::{EXHAUSTED, Feed, KEPT_MAX, PIECE, count, quoted};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::commands::system::time::interval;
use crate::practice::compute::host::Seat;
use crate::practice::storage::{Content, Errno};

/// `tail`
pub struct Tail;

/// How often a file is looked at that is followed (`-s`).
const INTERVAL: Duration = Duration::from_secs(1);

/// What is wanted.
#[derive(Debug, PartialEq)]
pub(super) struct Wanted {
    unit: Unit,
    number: u64,
    /// From this one on, counted from 1.
    from: bool,
    pub headers: Headers,
    /// `-f`
    pub follow: bool,
    /// `--retry`, and by name: `-F`.
    pub retry: bool,
    pub interval: Duration,
    pub operands: Vec<String>,
}

/// Letters in one argument, each in one of its own, as far as they are known: `-fn` becomes `-f -n`.
pub(super) fn apart(args: &[String], flags: &str, valued: &str) -> Vec<String> {
    let mut split = Vec::new();
    let mut ended = false;
    let mut value = false;
    for arg in args {
        let letters = arg.strip_prefix('-').unwrap_or_default();
        let is_option = !ended && !value && !letters.is_empty() && !letters.starts_with('-');
        ended |= !value && arg == "--";
        value = false;
        if !is_option || !letters.starts_with(|first| flags.contains(first)) {
            value = is_option && letters.len() == 1 && valued.contains(letters)
                || !ended && matches!(arg.as_str(), "--lines" | "--bytes" | "--sleep-interval");
            split.push(arg.clone());
            continue;
        }
        let known = letters
            .find(|letter| !flags.contains(letter))
            .unwrap_or(letters.len());
        split.extend(letters[..known].chars().map(|letter| format!("-{letter}")));
        if known < letters.len() {
            split.push(format!("-{}", &letters[known..]));
            value = letters.len() == known + 1 && valued.contains(&letters[known..]);
        }
    }
    split
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, Bad> {
        let mut wanted = Self {
            unit: Unit::Lines,
            number: 10,
            from: false,
            headers: Headers::Several,
            follow: false,
            retry: false,
            interval: INTERVAL,
            operands: Vec::new(),
        };
        let split = apart(args, "fFqvz", "ncs");
        let mut rest = split.iter();
        while let Some(arg) = rest.next() {
            if arg == "--" {
                wanted.operands.extend(rest.cloned());
                break;
            }
            if let Some((letter, value)) = valued(arg, &mut rest, "tail")? {
                match letter {
                    's' => {
                        wanted.interval = interval(value).ok_or_else(|| {
                            Bad::Line(format!("tail: invalid number of seconds: ‘{value}’"))
                        })?;
                    }
                    // It waits for no other program.
                    'p' => {}
                    _ => {
                        wanted.unit = if letter == 'n' {
                            Unit::Lines
                        } else {
                            Unit::Bytes
                        };
                        wanted.number(value)?;
                    }
                }
                continue;
            }
            match arg.as_str() {
                "-q" | "--quiet" | "--silent" => wanted.headers = Headers::Never,
                "-v" | "--verbose" => wanted.headers = Headers::Always,
                "-f" | "--follow" | "--follow=descriptor" => wanted.follow = true,
                "-F" => (wanted.follow, wanted.retry) = (true, true),
                // By name; here a name is what is followed in any case.
                "--follow=name" => wanted.follow = true,
                "--retry" => wanted.retry = true,
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    // `tail -5`, `tail -5f`
                    let digits = arg[1..].trim_end_matches('f');
                    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
                        return Err(Bad::Option(arg.clone()));
                    }
                    wanted.follow |= digits.len() + 1 < arg.len();
                    wanted.unit = Unit::Lines;
                    wanted.number(digits)?;
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
        let (from, digits) = match value.strip_prefix('+') {
            Some(digits) => (true, digits),
            None => (false, value.strip_prefix('-').unwrap_or(value)),
        };
        let what = self.unit.name();
        let bad = || Bad::Line(format!("tail: invalid number of {what}: ‘{value}’"));
        self.number = count(digits).ok_or_else(bad)?;
        self.from = from;
        Ok(())
    }
}

#[async_trait]
impl Program for Tail {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(Bad::Option(option)) => return call.unknown_option(1, &option).await,
            Err(Bad::Line(line)) => return call.fail(1, line).await,
        };
        let mut status = 0;
        let mut first = true;
        let mut followed = Vec::new();
        for operand in &wanted.operands {
            let opened = Feed::open(seat, call, operand).await;
            match &opened {
                Err(why) if *why != Errno::IsDirectory => {
                    let name = quoted(operand);
                    let line = format!("tail: cannot open {name} for reading: {why}");
                    status = call.fail(1, line).await?;
                    if wanted.retry {
                        followed.push(Followed::absent(operand));
                    }
                    continue;
                }
                _ => {}
            }
            if heads(wanted.headers, wanted.operands.len()) {
                call.shown_now(header(operand, first)).await?;
            }
            first = false;
            let Ok(feed) = opened else {
                let line = format!("tail: error reading {}: Is a directory", quoted(operand));
                status = call.fail(1, line).await?;
                continue;
            };
            if operand != "-"
                && let Some(content) = feed.content()
            {
                followed.push(Followed::at(operand, content.len()));
            }
            let done = match feed.content().cloned() {
                Some(content) => of_file(feed, &content, &wanted).await?,
                None => of_pipe(feed, &wanted).await?,
            };
            if let Err(why) = done {
                let line = if why == EXHAUSTED {
                    format!("tail: {why}")
                } else {
                    format!("tail: error reading {}: {why}", quoted(operand))
                };
                status = call.fail(1, line).await?;
            }
        }
        if wanted.follow && followed.is_empty() && wanted.operands.iter().any(|one| one != "-") {
            return call.fail(1, "tail: no files remaining").await;
        }
        if wanted.follow && !followed.is_empty() {
            return follow(seat, call, &wanted, followed).await;
        }
        Ok(status)
    }
}

/// Where in a file what is wanted begins.
fn beginning(content: &Content, wanted: &Wanted) -> u64 {
    let len = content.len();
    match (wanted.unit, wanted.from) {
        (Unit::Bytes, false) => len.saturating_sub(wanted.number),
        (Unit::Bytes, true) => wanted.number.saturating_sub(1).min(len),
        (Unit::Lines, true) => after_lines(content, wanted.number.saturating_sub(1)),
        (Unit::Lines, false) => before_lines(content, wanted.number),
    }
}

/// The byte after so many lines.
fn after_lines(content: &Content, lines: u64) -> u64 {
    let mut left = lines;
    let mut at = 0;
    if left == 0 {
        return 0;
    }
    for part in content.parts() {
        for (place, _) in part.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            left -= 1;
            if left == 0 {
                return at + place as u64 + 1;
            }
        }
        at += part.len() as u64;
    }
    content.len()
}

/// The byte where the last so many lines begin.
fn before_lines(content: &Content, lines: u64) -> u64 {
    if lines == 0 {
        return content.len();
    }
    let mut left = lines;
    let mut end = content.len();
    // The end of the last line does not begin another.
    let ended = content.slice(end.saturating_sub(1), 1).to_vec() == b"\n";
    let mut stop = end - u64::from(ended);
    while end > 0 {
        let start = (end - 1) / PIECE * PIECE;
        let piece = content.slice(start, stop - start).to_vec();
        for place in (0..piece.len()).rev() {
            if piece[place] == b'\n' {
                left -= 1;
                if left == 0 {
                    return start + place as u64 + 1;
                }
            }
        }
        (end, stop) = (start, start);
    }
    0
}

async fn of_file(
    mut feed: Feed<'_>,
    content: &Content,
    wanted: &Wanted,
) -> bashkit::Result<Result<(), String>> {
    feed.seek(beginning(content, wanted));
    loop {
        match feed.next(PIECE).await? {
            Ok(piece) if piece.is_empty() => return Ok(Ok(())),
            Ok(piece) => {
                for part in piece.parts() {
                    feed.call.shown_now(part).await?;
                }
            }
            Err(why) => return Ok(Err(why.to_string())),
        }
    }
}

/// Of what has no end yet, as much is kept as may be among the last.
async fn of_pipe(mut feed: Feed<'_>, wanted: &Wanted) -> bashkit::Result<Result<(), String>> {
    let mut kept: VecDeque<(Content, u64)> = VecDeque::new();
    let (mut counted, mut held) = (0_u64, 0_u64);
    // What is still to be left out (`+N`).
    let mut skip = wanted.number.saturating_sub(1);
    loop {
        let piece = match feed.next(PIECE).await? {
            Ok(piece) => piece,
            Err(why) => return Ok(Err(why.to_string())),
        };
        if piece.is_empty() {
            break;
        }
        if wanted.from {
            let from = match wanted.unit {
                Unit::Bytes => skip.min(piece.len()),
                Unit::Lines => after_lines(&piece, skip),
            };
            skip = match wanted.unit {
                Unit::Bytes => skip - from,
                Unit::Lines => skip.saturating_sub(piece.parts().map(newlines).sum()),
            };
            for part in piece.slice(from, u64::MAX).parts() {
                feed.call.out(part).await?;
            }
            continue;
        }
        let has = match wanted.unit {
            Unit::Bytes => piece.len(),
            Unit::Lines => piece.parts().map(newlines).sum(),
        };
        (counted, held) = (counted + has, held + piece.held());
        kept.push_back((piece, has));
        // One more line end than lines: the one before the first of them.
        while let Some((first, has)) = kept.front()
            && counted - has > wanted.number
        {
            (counted, held) = (counted - has, held - first.held());
            kept.pop_front();
        }
        if held > KEPT_MAX {
            return Ok(Err(EXHAUSTED.to_owned()));
        }
    }
    let mut last = Content::default();
    for (piece, _) in &kept {
        last.append_content(piece);
    }
    drop(kept);
    for part in last.slice(beginning(&last, wanted), u64::MAX).parts() {
        feed.call.shown_now(part).await?;
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::{Content, Unit, Wanted, after_lines, before_lines};

    fn wanted(line: &str) -> Wanted {
        let args: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Wanted::read(&args).unwrap()
    }

    #[test]
    fn options_are_taken_apart_and_together() {
        for line in ["-f -n 5 log", "-fn5 log", "-5f log", "-fn 5 log"] {
            let wanted = wanted(line);
            assert!(wanted.follow && !wanted.retry, "{line}");
            assert_eq!((wanted.unit, wanted.number), (Unit::Lines, 5), "{line}");
            assert_eq!(wanted.operands, ["log"], "{line}");
        }
        assert!(wanted("-F log").retry);
        let from = wanted("-c +3 log");
        assert!(from.from && from.unit == Unit::Bytes && from.number == 3);
    }

    #[test]
    fn lines_are_counted_from_either_end() {
        for text in ["a\nbb\nccc\n", "a\nbb\nccc"] {
            let content = Content::from(text);
            let last = |lines| before_lines(&content, lines);
            assert_eq!(
                [last(0), last(1), last(2), last(3), last(4)],
                [text.len() as u64, 5, 2, 0, 0],
                "{text:?}"
            );
        }
        let content = Content::from("a\nbb\nccc");
        let after = |lines| after_lines(&content, lines);
        assert_eq!([after(0), after(1), after(2), after(3)], [0, 2, 5, 8]);
        assert_eq!(before_lines(&Content::default(), 3), 0);
        let long = Content::from(vec![b'x'; 3_000_000]);
        assert_eq!(before_lines(&long, 1), 0);
    }
}
