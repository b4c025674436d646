//! Giving way: the shell itself does not between commands, so what it runs does now and then. Then a loop without end
//! can be interrupted, and one that nobody interrupts gets the share of a small machine. What is slow by itself does not
//! enter here.

use std::cell::Cell;
use std::time::{Duration, Instant};

use bashkit::{BashBuilder, Builtin, BuiltinContext, ExecResult};

use crate::practice::clock::Clock;

/// After so many commands of a loop others may run: at a few microseconds each, well below a millisecond.
const ROUNDS: u32 = 32;
/// Who has not given way for so long has waited for something meanwhile, and is no loop that only computes.
const PAUSE: Duration = Duration::from_millis(50);
/// For so long of wall time a shell may compute at full speed. After it, what is left is what a t3.micro has without
/// CPU credits: a fifth of one processor (2 of 10 %).
const BURST: Duration = Duration::from_secs(30);
/// Rests so many times as long as it computes.
const REST: u32 = 4;

/// Registers what gives way.
#[must_use]
pub fn register(builder: BashBuilder, clock: &Clock) -> BashBuilder {
    let constant = |status| {
        Box::new(Constant {
            status,
            clock: clock.clone(),
        })
    };
    let echo = Echo {
        clock: clock.clone(),
    };
    builder
        .builtin(":", constant(0))
        .builtin("true", constant(0))
        .builtin("false", constant(1))
        .builtin("echo", Box::new(echo))
}

thread_local! {
    /// What has been computed on this thread, and nearly every shell has one of its own.
    static TURNS: Cell<Turns> = const { Cell::new(Turns { rounds: 0, busy: None }) };
}

#[derive(Clone, Copy)]
struct Turns {
    rounds: u32,
    /// Since when it computes, and when it last gave way.
    busy: Option<(Instant, Instant)>,
}

impl Turns {
    /// One command more. `Some`: it is others' turn, and this long.
    fn round(&mut self) -> Option<Duration> {
        self.rounds = self.rounds.wrapping_add(1);
        if !self.rounds.is_multiple_of(ROUNDS) {
            return None;
        }
        let now = Instant::now();
        let (since, last) = self
            .busy
            .filter(|(_, last)| now.duration_since(*last) < PAUSE)
            .unwrap_or((now, now));
        let rest = if now.duration_since(since) < BURST {
            Duration::ZERO
        } else {
            now.duration_since(last) * REST
        };
        self.busy = Some((since, now + rest));
        Some(rest)
    }
}

/// Lets others run, now and then. Account time is not moved by it.
pub async fn give_way(clock: &Clock) {
    let mut turns = TURNS.get();
    let rest = turns.round();
    TURNS.set(turns);
    match rest {
        None => {}
        Some(Duration::ZERO) => tokio::task::yield_now().await,
        Some(rest) => {
            let _awake = clock.activity();
            tokio::time::sleep(rest).await;
        }
    }
}

/// `true`, `false`, `:`
struct Constant {
    status: i32,
    clock: Clock,
}

#[bashkit::async_trait]
impl Builtin for Constant {
    async fn execute(&self, _ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        give_way(&self.clock).await;
        Ok(ExecResult {
            exit_code: self.status,
            ..ExecResult::default()
        })
    }
}

/// `echo`
struct Echo {
    clock: Clock,
}

#[bashkit::async_trait]
impl Builtin for Echo {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        give_way(&self.clock).await;
        Ok(ExecResult {
            stdout: said(ctx.args).into(),
            ..ExecResult::default()
        })
    }
}

/// What bash's echo writes for these arguments.
fn said(args: &[String]) -> Vec<u8> {
    let (mut newline, mut escapes) = (true, false);
    let mut words = args;
    while let [first, rest @ ..] = words {
        // Anything else that begins with a dash is text.
        let Some(letters) = first.strip_prefix('-').filter(|letters| {
            !letters.is_empty() && letters.bytes().all(|letter| b"neE".contains(&letter))
        }) else {
            break;
        };
        for letter in letters.bytes() {
            match letter {
                b'n' => newline = false,
                b'e' => escapes = true,
                _ => escapes = false,
            }
        }
        words = rest;
    }
    let text = words.join(" ");
    let (mut bytes, more) = if escapes {
        unescaped(&text)
    } else {
        (text.into_bytes(), true)
    };
    if newline && more {
        bytes.push(b'\n');
    }
    bytes
}

/// The text with its escapes replaced; `false` when `\c` said that nothing more is to be written.
fn unescaped(text: &str) -> (Vec<u8>, bool) {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let [letter, tail @ ..] = rest else {
            bytes.push(b'\\');
            break;
        };
        rest = tail;
        match letter {
            b'a' => bytes.push(0x07),
            b'b' => bytes.push(0x08),
            b'c' => return (bytes, false),
            b'e' | b'E' => bytes.push(0x1b),
            b'f' => bytes.push(0x0c),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'v' => bytes.push(0x0b),
            b'\\' => bytes.push(b'\\'),
            b'0' => byte(&mut bytes, &mut rest, 8, 3, b"\\0"),
            b'x' => byte(&mut bytes, &mut rest, 16, 2, b"\\x"),
            b'u' => character(&mut bytes, &mut rest, 4, b"\\u"),
            b'U' => character(&mut bytes, &mut rest, 8, b"\\U"),
            other => bytes.extend([b'\\', *other]),
        }
    }
    (bytes, true)
}

/// Takes at most `most` digits off the front; `None` when there is none.
fn number(rest: &mut &[u8], base: u32, most: usize) -> Option<u32> {
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(base);
    let length = rest.iter().take(most).take_while(is_digit).count();
    let (digits, tail) = rest.split_at(length);
    let value = std::str::from_utf8(digits).ok()?;
    *rest = tail;
    u32::from_str_radix(value, base).ok()
}

fn byte(bytes: &mut Vec<u8>, rest: &mut &[u8], base: u32, most: usize, as_is: &[u8]) {
    match number(rest, base, most) {
        // `\0777` wraps, as in bash.
        Some(value) => bytes.push(value.to_le_bytes()[0]),
        None if base == 8 => bytes.push(0),
        None => bytes.extend(as_is),
    }
}

fn character(bytes: &mut Vec<u8>, rest: &mut &[u8], most: usize, as_is: &[u8]) {
    match number(rest, 16, most).and_then(char::from_u32) {
        Some(character) => bytes.extend(character.encode_utf8(&mut [0; 4]).bytes()),
        None => bytes.extend(as_is),
    }
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn echo_writes_what_bash_writes() {
        for (line, expected) in [
            ("a b", "a b\n"),
            ("-n a", "a"),
            ("-nz a", "-nz a\n"),
            ("- a", "- a\n"),
            ("-ne a\\tb", "a\tb"),
            ("-e -E a\\tb", "a\\tb\n"),
            ("a\\tb", "a\\tb\n"),
            ("-e a\\cb", "a"),
            ("-e \\x41\\0101\\u00e9\\q\\", "AAé\\q\\\n"),
            ("", "\n"),
        ] {
            let args: Vec<String> = line.split_terminator(' ').map(str::to_owned).collect();
            assert_eq!(
                String::from_utf8(said(&args)).unwrap(),
                expected,
                "{line:?}"
            );
        }
    }
}
