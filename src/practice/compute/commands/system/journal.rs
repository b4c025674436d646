//! The journal of a host: what programs and services have said. logger writes it, journalctl shows it.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bytes;
use super::program::{Call, Ended, Program};
use super::time::interval;
use crate::practice::compute::commands::files;
use crate::practice::compute::host::{Host, Seat};

/// Where it is kept, as lines.
const JOURNAL: &str = "/var/log/journal/messages";
/// Where it is without systemd: what rsyslog writes.
const MESSAGES: &str = "/var/log/messages";

/// Adds a line of `who` (`sshd`, `systemd`).
pub fn log(host: &Host, who: &str, text: &str) {
    let disk = host.root();
    let at = host.clock.now().strftime("%b %d %H:%M:%S");
    let name = host.hostname();
    let lines: Vec<_> = text
        .lines()
        .map(|line| format!("{at} {name} {who}: {line}\n"))
        .collect();
    let written = if host.spec.edition.has_systemd() {
        let made = disk.make_dirs("/var/log/journal");
        made.and_then(|()| disk.append(JOURNAL, lines.concat().as_bytes()))
    } else {
        disk.append(MESSAGES, lines.concat().as_bytes())
    };
    if let Err(error) = written {
        tracing::debug!(%error, "a line of the journal was lost");
    }
}

/// `logger`
pub struct Logger;

#[async_trait]
impl Program for Logger {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut tag = seat.user.name.clone();
        let mut echo = false;
        let mut words = Vec::new();
        let mut args = call.args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-t" | "--tag" => match args.next() {
                    Some(text) => tag.clone_from(text),
                    None => return call.unknown_option(1, arg).await,
                },
                "-p" | "--priority" => _ = args.next(),
                "-s" | "--stderr" => echo = true,
                "-i" | "--" => {}
                _ if arg.len() > 1 && arg.starts_with('-') && words.is_empty() => {
                    return call.unknown_option(1, arg).await;
                }
                _ => words.push(arg.as_str()),
            }
        }
        let text = if words.is_empty() {
            String::from_utf8_lossy(&call.input().await?).into_owned()
        } else {
            words.join(" ")
        };
        if echo {
            call.complain(format!("{tag}: {text}")).await?;
        }
        log(&seat.host, &tag, &text);
        Ok(0)
    }
}

/// `journalctl`
pub struct Journalctl;

#[async_trait]
impl Program for Journalctl {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut units = Vec::new();
        let mut count = None;
        let (mut reverse, mut follow) = (false, false);
        let mut bounds = Vec::new();
        let mut args = call.args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-u" | "--unit" | "-t" | "--identifier" => match args.next() {
                    Some(unit) => units.push(unit.trim_end_matches(".service").to_owned()),
                    None => return call.unknown_option(1, arg).await,
                },
                "-n" | "--lines" => {
                    count = args.next().and_then(|text| text.parse().ok()).or(Some(10));
                }
                "-r" | "--reverse" => reverse = true,
                "--no-pager" | "-b" | "--boot" | "-x" | "-e" | "-q" | "-a" | "-l" | "-xe" => {}
                "-f" | "--follow" => follow = true,
                "-k" | "--dmesg" => units.push("kernel".to_owned()),
                "-S" | "--since" | "-U" | "--until" => {
                    let Some(text) = args.next() else {
                        return call.unknown_option(1, arg).await;
                    };
                    bounds.push((matches!(arg.as_str(), "-S" | "--since"), text.as_str()));
                }
                _ => match arg.split_once('=') {
                    Some(("--unit" | "--identifier", unit)) => {
                        units.push(unit.trim_end_matches(".service").to_owned());
                    }
                    Some(("--since", text)) => bounds.push((true, text)),
                    Some(("--until", text)) => bounds.push((false, text)),
                    Some(("--lines", text)) => count = text.parse().ok(),
                    _ => match arg.strip_prefix("-n").and_then(|text| text.parse().ok()) {
                        Some(number) => count = Some(number),
                        None => return call.unknown_option(1, arg).await,
                    },
                },
            }
        }
        // Only root and the groups adm, systemd-journal and wheel may read all of it.
        let identity = &seat.user.identity;
        if !identity.is_root() && ![4, 10, 190].iter().any(|group| identity.in_group(*group)) {
            return call
                .fail(
                    1,
                    "No journal files were opened due to insufficient permissions.",
                )
                .await;
        }
        let text = seat.host.root().read(JOURNAL).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let now = seat.host.clock.now();
        let mut span = (Timestamp::MIN, Timestamp::MAX);
        for (is_first, text) in bounds {
            let Some(at) = moment(text, now) else {
                let what = format!("Failed to parse timestamp: {text}");
                return call.fail(1, what).await;
            };
            if is_first {
                span.0 = at;
            } else {
                span.1 = at;
            }
        }
        let dated = within(&text, span, now);
        if follow {
            let lines = selected(&dated, &units, count.or(Some(10)), false);
            for line in lines {
                call.shown_now(format!("{line}\n")).await?;
            }
            return followed(seat, call, &units, text.len()).await;
        }
        let lines = selected(&dated, &units, count, reverse);
        if lines.is_empty() {
            return call.done("-- No entries --").await;
        }
        call.done(lines.join("\n")).await
    }
}

/// How often a journal that is followed is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Shows what is added to the journal until it is interrupted.
async fn followed(seat: &Seat, call: &Call<'_>, units: &[String], mut shown: usize) -> Ended {
    loop {
        bytes::pause(seat, call, INTERVAL).await;
        let text = seat.host.root().read(JOURNAL).unwrap_or_default();
        let more = String::from_utf8_lossy(text.get(shown..).unwrap_or_default()).into_owned();
        shown = text.len();
        for line in selected(&more, units, None, false) {
            call.shown_now(format!("{line}\n")).await?;
        }
    }
}

/// What `--since` and `--until` take: `today`, `-1h`, `10 min ago`, `09:00`, or what `date -d` takes.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let midnight = |days: i64| {
        let today = now.as_second().div_euclid(86_400);
        Timestamp::from_second((today + days) * 86_400).ok()
    };
    match text {
        "now" => return Some(now),
        "today" => return midnight(0),
        "yesterday" => return midnight(-1),
        "tomorrow" => return midnight(1),
        _ => {}
    }
    if let Some(span) = text.strip_prefix('-').and_then(interval) {
        return now.checked_sub(span).ok();
    }
    files::instant(text, now)
}

/// The lines of a time. They carry no year: it is this one, or the last if they would be later than now.
fn within(text: &str, (since, until): (Timestamp, Timestamp), now: Timestamp) -> String {
    if (since, until) == (Timestamp::MIN, Timestamp::MAX) {
        return text.to_owned();
    }
    let year = now.to_zoned(TimeZone::UTC).year();
    let at = |line: &str| {
        let stamp = line.get(..15)?;
        let of = |year: i16| {
            let text = format!("{year} {stamp}");
            let read = jiff::civil::DateTime::strptime("%Y %b %d %H:%M:%S", text).ok()?;
            Some(read.to_zoned(TimeZone::UTC).ok()?.timestamp())
        };
        of(year).filter(|at| *at <= now).or_else(|| of(year - 1))
    };
    let shown = |line: &&str| at(line).is_some_and(|at| at >= since && at <= until);
    text.split_inclusive('\n').filter(shown).collect()
}

fn selected<'a>(
    text: &'a str,
    units: &[String],
    count: Option<usize>,
    reverse: bool,
) -> Vec<&'a str> {
    let of = |line: &&str| {
        let who = line.split_whitespace().nth(4).unwrap_or_default();
        let who = who
            .trim_end_matches(':')
            .split('[')
            .next()
            .unwrap_or_default();
        units.is_empty() || units.iter().any(|unit| unit.eq_ignore_ascii_case(who))
    };
    let mut lines: Vec<_> = text.lines().filter(of).collect();
    if let Some(count) = count {
        lines.drain(..lines.len().saturating_sub(count));
    }
    if reverse {
        lines.reverse();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::selected;

    #[test]
    fn lines_are_chosen_by_unit_and_counted_from_the_end() {
        let text = "Jan 05 12:00:00 ip sshd[1]: a\nJan 05 12:00:01 ip root: b\nJan 05 12:00:02 ip sshd: c\n";
        assert_eq!(selected(text, &["sshd".to_owned()], None, false).len(), 2);
        assert_eq!(
            selected(text, &[], Some(1), false),
            ["Jan 05 12:00:02 ip sshd: c"]
        );
        assert_eq!(
            selected(text, &[], Some(2), true)[1],
            "Jan 05 12:00:01 ip root: b"
        );
        assert!(selected(text, &["crond".to_owned()], None, false).is_empty());
    }
}
