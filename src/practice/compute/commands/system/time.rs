//! sleep and timeout, in account time.

use std::time::Duration;

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;

/// `sleep`
pub struct Sleep;

#[async_trait]
impl Program for Sleep {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut total = Duration::ZERO;
        if call.args.is_empty() {
            let what = "sleep: missing operand\nTry 'sleep --help' for more information.";
            return call.fail(1, what).await;
        }
        for arg in call.args {
            if arg.len() > 1 && arg.starts_with('-') {
                return call.unknown_option(1, arg).await;
            }
            let Some(one) = interval(arg) else {
                let what = format!(
                    "sleep: invalid time interval ‘{arg}’\nTry 'sleep --help' for more information."
                );
                return call.fail(1, what).await;
            };
            total = total.saturating_add(one);
        }
        seat.activity.sleep(total).await;
        Ok(0)
    }
}

/// A length of time as coreutils take it: `10`, `0.5`, `2m`, `1h`, `1d`.
pub fn interval(text: &str) -> Option<Duration> {
    let (number, unit) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1.0),
        (at, 'm') => (&text[..at], 60.0),
        (at, 'h') => (&text[..at], 3600.0),
        (at, 'd') => (&text[..at], 86_400.0),
        _ => (text, 1.0),
    };
    if matches!(number, "inf" | "infinity") {
        return Some(FOREVER);
    }
    // Rust's numbers know words and signs that are no interval.
    if !number.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let seconds: f64 = number.parse().ok()?;
    Some(Duration::try_from_secs_f64(seconds * unit).map_or(FOREVER, |one| one.min(FOREVER)))
}

/// Longer than any account lives, and short enough for a clock to add.
const FOREVER: Duration = Duration::from_hours(100 * 365 * 24);

/// `timeout`
pub struct Timeout;

/// Exit statuses of timeout(1).
const TIMED_OUT: i32 = 124;
const MISUSED: i32 = 125;

#[async_trait]
impl Program for Timeout {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut args = call.args.iter();
        let mut preserve = false;
        let mut signal = 15;
        let limit = loop {
            let Some(arg) = args.next() else {
                let what = "timeout: missing operand\nTry 'timeout --help' for more information.";
                return call.fail(MISUSED, what).await;
            };
            match arg.as_str() {
                "--preserve-status" => preserve = true,
                "--foreground" | "-v" | "--verbose" => {}
                "-k" => _ = args.next(),
                "-s" => {
                    if args.next().is_some_and(|name| is_kill(name)) {
                        signal = 9;
                    }
                }
                _ if arg.starts_with("--signal=") => {
                    if is_kill(&arg[9..]) {
                        signal = 9;
                    }
                }
                _ if arg.starts_with("--kill-after=") => {}
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    return call.unknown_option(MISUSED, arg).await;
                }
                _ => {
                    if let Some(limit) = interval(arg) {
                        break limit;
                    }
                    let what = format!("timeout: invalid time interval ‘{arg}’");
                    return call.fail(MISUSED, what).await;
                }
            }
        };
        let words: Vec<_> = args.map(|word| quoted(word)).collect();
        if words.is_empty() {
            let what = "timeout: missing operand\nTry 'timeout --help' for more information.";
            return call.fail(MISUSED, what).await;
        }
        let script = words.join(" ");
        let limit = Some(limit).filter(|limit| !limit.is_zero());
        let ended = Box::pin(call.shell(seat, &script, limit)).await?;
        Ok(match ended {
            Some(status) => status,
            None if preserve || signal == 9 => 128 + signal,
            None => TIMED_OUT,
        })
    }
}

fn is_kill(signal: &str) -> bool {
    matches!(signal, "KILL" | "SIGKILL" | "9")
}

/// A word that the shell takes as it is.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{interval, quoted};

    #[test]
    fn intervals_have_fractions_and_units() {
        assert_eq!(interval("10"), Some(Duration::from_secs(10)));
        assert_eq!(interval(".5"), Some(Duration::from_millis(500)));
        assert_eq!(interval("1.5m"), Some(Duration::from_secs(90)));
        assert_eq!(interval("2h"), Some(Duration::from_hours(2)));
        assert_eq!(interval("1d"), Some(Duration::from_hours(24)));
    }

    #[test]
    fn what_is_no_interval_is_none() {
        for text in ["", "s", "soon", "-1", "1x", "nan", "+"] {
            assert_eq!(interval(text), None, "{text}");
        }
    }

    #[test]
    fn endless_sleep_can_be_added_to_a_clock() {
        let endless = interval("infinity").unwrap();
        assert_eq!(interval("1e300"), Some(endless));
    }

    #[test]
    fn quotes_survive_quoting() {
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
