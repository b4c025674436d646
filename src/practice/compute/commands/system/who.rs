//! who and last: who is on the machine, and who was. What they read is kept elsewhere.

use std::fmt::Write as _;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::hardware::summary;
use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::compute::logins::{self, End, Entry};

/// `who`
pub struct Who;

#[async_trait]
impl Program for Who {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let host = &seat.host;
        let mut boot = false;
        let mut heading = false;
        let mut quick = false;
        for arg in call.args {
            match arg.as_str() {
                "-b" | "--boot" => boot = true,
                "-H" | "--heading" => heading = true,
                "-q" | "--count" => quick = true,
                // Alone: whoever is on this terminal; nobody here is on another's.
                "-u" | "-s" | "--short" | "--users" => {}
                _ => return call.unknown_option(1, arg).await,
            }
        }
        if boot {
            let at = host.powered_on().strftime("%Y-%m-%d %H:%M");
            return call.done(format!("         system boot  {at}")).await;
        }
        let logins = host.logins.all();
        let mut text = String::new();
        if quick {
            let names: Vec<&str> = logins.iter().map(|login| login.user.as_str()).collect();
            let _ = writeln!(text, "{}\n# users={}", names.join(" "), names.len());
        } else {
            if heading {
                text.push_str("NAME     LINE         TIME             COMMENT\n");
            }
            for login in logins {
                let _ = writeln!(
                    text,
                    "{:<8} pts/{:<8} {} ({})",
                    login.user,
                    login.terminal,
                    login.since.strftime("%Y-%m-%d %H:%M"),
                    login.from
                );
            }
        }
        call.out(text).await?;
        Ok(0)
    }
}

/// `w`
pub struct W;

#[async_trait]
impl Program for W {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut heading = true;
        for arg in call.args {
            match arg.as_str() {
                "-h" | "--no-header" => heading = false,
                _ => return call.unknown_option(1, arg).await,
            }
        }
        let mut text = String::new();
        if heading {
            let _ = writeln!(text, "{}", summary(seat));
            text.push_str("USER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT\n");
        }
        let own = seat.process.terminal;
        for login in seat.host.logins.all() {
            let what = if own == Some(login.terminal) {
                "w"
            } else {
                "-bash"
            };
            let _ = writeln!(
                text,
                "{:<8} pts/{:<4} {:<16} {:<8} 0.00s  0.00s  0.00s {what}",
                login.user,
                login.terminal,
                login.from.to_string(),
                login.since.strftime("%H:%M")
            );
        }
        call.out(text).await?;
        Ok(0)
    }
}

/// `last`
pub struct Last;

#[async_trait]
impl Program for Last {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut most = usize::MAX;
        let mut names = Vec::new();
        let mut args = call.args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-n" => match args.next().and_then(|text| text.parse().ok()) {
                    Some(number) => most = number,
                    None => return call.unknown_option(1, arg).await,
                },
                "-x" | "-w" | "-a" | "-i" => {}
                _ => match arg.strip_prefix('-') {
                    Some(digits) => match digits.trim_start_matches('n').parse() {
                        Ok(number) => most = number,
                        Err(_) => return call.unknown_option(1, arg).await,
                    },
                    None => names.push(arg.as_str()),
                },
            }
        }
        let (entries, first) = logins::history(&seat.host);
        let wanted = |entry: &&Entry| {
            names.is_empty()
                || names.contains(&entry.user.as_str())
                || names.contains(&entry.terminal.as_str())
        };
        let mut text: String = entries
            .iter()
            .rev()
            .filter(wanted)
            .take(most)
            .map(line)
            .collect();
        let begins = first.unwrap_or_else(|| seat.host.clock.now());
        let _ = writeln!(
            text,
            "\nwtmp begins {}",
            begins.strftime("%a %b %e %H:%M:%S %Y")
        );
        call.out(text).await?;
        Ok(0)
    }
}

fn line(entry: &Entry) -> String {
    let from: String = entry.from.chars().take(16).collect();
    let since = entry.since.strftime("%a %b %e %H:%M");
    let is_boot = entry.user == "reboot";
    let end = match entry.end {
        End::Still if is_boot => "  still running".to_owned(),
        End::Still => "  still logged in".to_owned(),
        End::At(at) => ended(&at.strftime("%H:%M").to_string(), entry.since, at),
        End::Down(at) if is_boot => ended(&at.strftime("%H:%M").to_string(), entry.since, at),
        End::Down(at) => ended("down ", entry.since, at),
        End::Crash(at) => ended("crash", entry.since, at),
    };
    format!(
        "{:<8} {:<12} {from:<16} {since}{end}\n",
        entry.user, entry.terminal
    )
}

/// ` - 12:30  (00:30)`, with days in front from the first on.
fn ended(how: &str, since: Timestamp, at: Timestamp) -> String {
    let length = at.duration_since(since).max(SignedDuration::ZERO);
    let minutes = length.as_mins();
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    if days > 0 {
        format!(" - {how} ({days}+{hours:02}:{minutes:02})")
    } else {
        format!(" - {how}  ({hours:02}:{minutes:02})")
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::ended;

    #[test]
    fn how_long_it_was_is_in_hours_and_minutes_after_days() {
        let at = |minutes: i64| Timestamp::from_second(minutes * 60).unwrap();
        assert_eq!(ended("12:30", at(0), at(30)), " - 12:30  (00:30)");
        assert_eq!(ended("crash", at(0), at(1441)), " - crash (1+00:01)");
    }
}
