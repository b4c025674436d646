//! shutdown, poweroff, halt, reboot: how an instance turns itself off.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::journal;
use super::program::{Call, Ended, Program};
use crate::practice::clock::Activity;
use crate::practice::compute::host::{Host, Seat};
use crate::practice::compute::logins;

/// `poweroff`, `halt`, `reboot`
pub struct PowerOff;

/// What may be said to them without changing what they do here.
const OPTIONS: [&str; 8] = [
    "-f",
    "--force",
    "-p",
    "--poweroff",
    "-d",
    "--no-wtmp",
    "--no-wall",
    "-n",
];

#[async_trait]
impl Program for PowerOff {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        if let Some(option) = call
            .args
            .iter()
            .find(|arg| !OPTIONS.contains(&arg.as_str()))
        {
            return call.unknown_option(1, option).await;
        }
        off(seat, call, call.name).await
    }
}

/// Turns the host off at once, as `what` (`poweroff`, `halt`, `reboot`) says.
pub async fn off(seat: &Seat, call: &Call<'_>, what: &str) -> Ended {
    if !seat.user.identity.is_root() {
        let line = format!("Call to {what} failed: Access denied");
        return call.fail(1, line).await;
    }
    let mode = if what == "reboot" {
        Mode::Reboot
    } else {
        Mode::PowerOff
    };
    now(&seat.host, mode).await;
    Ok(0)
}

/// What comes after the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    PowerOff,
    Reboot,
}

impl Mode {
    /// As /run/systemd/shutdown/scheduled has it.
    fn word(self) -> &'static str {
        match self {
            Self::PowerOff => "poweroff",
            Self::Reboot => "reboot",
        }
    }
}

/// What an orderly end leaves behind, and then the end.
async fn now(host: &Arc<Host>, mode: Mode) {
    let (said, shown) = match mode {
        Mode::PowerOff => ("System is powering down.", "Powering off."),
        Mode::Reboot => ("System is rebooting.", "Rebooting."),
    };
    let (who, last) = if host.spec.edition.has_systemd() {
        (
            "systemd-logind[1633]",
            format!("systemd-shutdown[1]: {shown}"),
        )
    } else {
        ("shutdown[1633]", shown.to_owned())
    };
    journal::log(host, who, said);
    logins::going_down(host);
    host.console_line(&last);
    let id = &host.spec.instance_id;
    match mode {
        Mode::PowerOff => host.surroundings.powered_off(id).await,
        Mode::Reboot => host.surroundings.rebooted(id).await,
    }
}

/// `shutdown`
pub struct Shutdown;

#[derive(Debug, PartialEq, Eq)]
enum When {
    In(Duration),
    /// At this time of the day, or of the next one.
    At(Time),
    Cancel,
}

#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    when: When,
    mode: Mode,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, Option<String>> {
        let mut wanted = Self {
            // shutdown(8): without a time it is in one minute.
            when: When::In(Duration::from_mins(1)),
            mode: Mode::PowerOff,
        };
        let mut timed = false;
        for arg in args {
            match arg.as_str() {
                "-h" | "-P" | "-H" | "--poweroff" | "--halt" | "--no-wall" => {}
                "-r" | "--reboot" => wanted.mode = Mode::Reboot,
                "-c" => wanted.when = When::Cancel,
                _ if arg.starts_with('-') => return Err(Some(arg.clone())),
                // What follows the time is a message to users.
                _ if timed => {}
                _ => {
                    timed = true;
                    wanted.when = time(arg).ok_or(None)?;
                }
            }
        }
        Ok(wanted)
    }
}

/// `now`, `+5`, `5`, `23:00`
fn time(text: &str) -> Option<When> {
    if text == "now" {
        return Some(When::In(Duration::ZERO));
    }
    if let Some((hour, minute)) = text.split_once(':') {
        let time = Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?;
        return Some(When::At(time));
    }
    let minutes: u64 = text.strip_prefix('+').unwrap_or(text).parse().ok()?;
    Some(When::In(Duration::from_secs(minutes.saturating_mul(60))))
}

/// From now until it is this time of the day the next time.
fn until(now: Timestamp, time: Time) -> Duration {
    let here = now.to_zoned(TimeZone::UTC);
    let today = here.date().to_datetime(time);
    let at = [Ok(today), today.checked_add(jiff::Span::new().days(1))]
        .into_iter()
        .flatten()
        .find(|at| *at > here.datetime());
    let at = at.and_then(|at| at.to_zoned(TimeZone::UTC).ok());
    at.and_then(|at| Duration::try_from(at.timestamp().duration_since(now)).ok())
        .unwrap_or_default()
}

/// Where a shutdown that is to come is written down.
const SCHEDULED: &str = "/run/systemd/shutdown/scheduled";

#[async_trait]
impl Program for Shutdown {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(Some(argument)) => return call.unknown_option(1, &argument).await,
            Err(None) => {
                let what = "Failed to parse time specification";
                return call.fail(1, what).await;
            }
        };
        if !seat.user.identity.is_root() {
            return call.fail(1, "Failed to set wall message, ignoring: Access denied\nFailed to schedule shutdown: Access denied").await;
        }
        let host = &seat.host;
        let disk = host.root();
        let delay = match wanted.when {
            When::Cancel => {
                if disk.lstat(SCHEDULED).is_ok()
                    && let Err(error) = disk.remove_one(SCHEDULED)
                {
                    return call.fail(1, format!("Failed to cancel: {error}")).await;
                }
                return Ok(0);
            }
            When::In(delay) => delay,
            When::At(time) => until(host.clock.now(), time),
        };
        if delay.is_zero() {
            now(host, wanted.mode).await;
            return Ok(0);
        }
        let at = host.clock.now() + jiff::SignedDuration::try_from(delay).unwrap_or_default();
        let word = wanted.mode.word();
        let record = format!("USEC={}\nMODE={word}\n", at.as_microsecond());
        let kept = disk
            .make_dirs("/run/systemd/shutdown")
            .and_then(|()| disk.write(SCHEDULED, record.as_bytes()));
        if let Err(error) = kept {
            return call
                .fail(1, format!("Failed to schedule shutdown: {error}"))
                .await;
        }
        // Awake until it rests, so that no time passes before.
        let activity = host.clock.activity();
        tokio::spawn(later(
            Arc::downgrade(host),
            activity,
            delay,
            record,
            wanted.mode,
        ));
        let what = match wanted.mode {
            Mode::PowerOff => "Shutdown",
            Mode::Reboot => "Reboot",
        };
        let at = at.strftime("%a %Y-%m-%d %H:%M:%S UTC");
        call.complain(format!(
            "{what} scheduled for {at}, use 'shutdown -c' to cancel."
        ))
        .await?;
        Ok(0)
    }
}

/// Turns the host off after a while, if that is still what is written down and the host still runs.
async fn later(host: Weak<Host>, activity: Activity, delay: Duration, record: String, mode: Mode) {
    let activity = activity.rest(delay).await;
    if let Some(host) = host.upgrade()
        && host
            .root()
            .read(SCHEDULED)
            .is_ok_and(|found| found == record.as_bytes())
    {
        now(&host, mode).await;
    }
    drop(activity);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::civil::time;

    use super::{Mode, Wanted, When, until};

    fn read(line: &str) -> Result<Wanted, Option<String>> {
        let args: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Wanted::read(&args)
    }

    #[test]
    fn the_time_is_now_or_in_minutes_and_a_minute_without_one() {
        let when = |line: &str| read(line).map(|wanted| wanted.when);
        assert_eq!(when("-h now"), Ok(When::In(Duration::ZERO)));
        assert_eq!(when("+5 going down"), Ok(When::In(Duration::from_mins(5))));
        assert_eq!(when(""), Ok(When::In(Duration::from_mins(1))));
        assert_eq!(when("-c"), Ok(When::Cancel));
        assert_eq!(read("-r now").unwrap().mode, Mode::Reboot);
        assert_eq!(when("-h 23:00"), Ok(When::At(time(23, 0, 0, 0))));
    }

    #[test]
    fn other_times_are_refused() {
        assert_eq!(read("25:00"), Err(None));
        assert_eq!(read("soon"), Err(None));
        assert_eq!(read("-z"), Err(Some("-z".to_owned())));
    }

    #[test]
    fn a_time_that_has_passed_today_is_tomorrows() {
        let now = "2026-01-05T12:00:00Z".parse().unwrap();
        assert_eq!(until(now, time(12, 30, 0, 0)), Duration::from_mins(30));
        assert_eq!(until(now, time(11, 0, 0, 0)), Duration::from_hours(23));
        assert_eq!(until(now, time(12, 0, 0, 0)), Duration::from_hours(24));
    }
}
