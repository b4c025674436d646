//! Commands that loops are made of, so written that a loop without end can be interrupted: the shell itself does not
//! give way between commands at a prompt, so now and then these do. What is slow by itself does not enter here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bashkit::{BashBuilder, Builtin, BuiltinContext, ExecResult};

/// After so many commands of a loop others may run: at a few microseconds each, well below a millisecond.
const ROUNDS: u32 = 32;

/// Registers them. They share their count.
pub fn register(builder: BashBuilder) -> BashBuilder {
    let rounds = Arc::new(AtomicU32::new(0));
    let constant = |status| {
        Box::new(Constant {
            status,
            rounds: Arc::clone(&rounds),
        })
    };
    builder
        .builtin(":", constant(0))
        .builtin("true", constant(0))
        .builtin("false", constant(1))
        .builtin("echo", Box::new(Echo { rounds }))
}

async fn give_way(rounds: &AtomicU32) {
    if rounds
        .fetch_add(1, Ordering::Relaxed)
        .is_multiple_of(ROUNDS)
    {
        tokio::task::yield_now().await;
    }
}

/// `true`, `false`, `:`
struct Constant {
    status: i32,
    rounds: Arc<AtomicU32>,
}

#[bashkit::async_trait]
impl Builtin for Constant {
    async fn execute(&self, _ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        give_way(&self.rounds).await;
        Ok(ExecResult {
            exit_code: self.status,
            ..ExecResult::default()
        })
    }
}

/// `echo`
struct Echo {
    rounds: Arc<AtomicU32>,
}

#[bashkit::async_trait]
impl Builtin for Echo {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        give_way(&self.rounds).await;
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
