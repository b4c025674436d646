//! shutdown, poweroff, halt, reboot: how an instance turns itself off.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use crate::practice::clock::Activity;
use crate::practice::compute::host::{Host, Seat};

/// `poweroff`, `halt`, `reboot`
pub struct PowerOff;

#[async_trait]
impl Program for PowerOff {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        off(seat, call, call.name).await
    }
}

/// Turns the host off at once, as `what` (`poweroff`, `halt`, `reboot`) says.
pub async fn off(seat: &Seat, call: &Call<'_>, what: &str) -> Ended {
    if !seat.user.identity.is_root() {
        let line = format!("Call to {what} failed: Access denied");
        return call.fail(1, line).await;
    }
    if what == "reboot" {
        return refuse_reboot(call).await;
    }
    now(&seat.host).await;
    Ok(0)
}

async fn refuse_reboot(call: &Call<'_>) -> Ended {
    let what = "a practice instance cannot restart by itself: stop it and start it again";
    call.fail(1, format!("{}: {what}", call.name)).await
}

async fn now(host: &Arc<Host>) {
    host.console("systemd-shutdown: Powering off.\n");
    host.surroundings.powered_off(&host.spec.instance_id).await;
}

/// `shutdown`
pub struct Shutdown;

#[derive(Debug, PartialEq, Eq)]
enum When {
    In(Duration),
    Cancel,
}

#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    when: When,
    reboot: bool,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, Option<String>> {
        let mut wanted = Self {
            // shutdown(8): without a time it is in one minute.
            when: When::In(Duration::from_mins(1)),
            reboot: false,
        };
        let mut timed = false;
        for arg in args {
            match arg.as_str() {
                "-h" | "-P" | "-H" | "--poweroff" | "--halt" | "--no-wall" => {}
                "-r" | "--reboot" => wanted.reboot = true,
                "-c" => wanted.when = When::Cancel,
                _ if arg.starts_with('-') => return Err(Some(arg.clone())),
                // What follows the time is a message to users.
                _ if timed => {}
                _ => {
                    timed = true;
                    let minutes = match arg.as_str() {
                        "now" => 0,
                        text => text
                            .strip_prefix('+')
                            .unwrap_or(text)
                            .parse::<u64>()
                            .map_err(|_| None)?,
                    };
                    wanted.when = When::In(Duration::from_secs(minutes.saturating_mul(60)));
                }
            }
        }
        Ok(wanted)
    }
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
                let what = "Failed to parse time specification; a practice instance takes 'now' and '+minutes'";
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
            When::In(_) if wanted.reboot => return refuse_reboot(call).await,
            When::In(delay) => delay,
        };
        if delay.is_zero() {
            now(host).await;
            return Ok(0);
        }
        let at = host.clock.now() + jiff::SignedDuration::try_from(delay).unwrap_or_default();
        let record = format!("USEC={}\nMODE=poweroff\n", at.as_microsecond());
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
        tokio::spawn(later(Arc::downgrade(host), activity, delay, record));
        let at = at.strftime("%a %Y-%m-%d %H:%M:%S UTC");
        call.complain(format!(
            "Shutdown scheduled for {at}, use 'shutdown -c' to cancel."
        ))
        .await?;
        Ok(0)
    }
}

/// Turns the host off after a while, if that is still what is written down and the host still runs.
async fn later(host: Weak<Host>, activity: Activity, delay: Duration, record: String) {
    let activity = activity.rest(delay).await;
    if let Some(host) = host.upgrade()
        && host
            .root()
            .read(SCHEDULED)
            .is_ok_and(|found| found == record.as_bytes())
    {
        now(&host).await;
    }
    drop(activity);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Wanted, When};

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
        assert!(read("-r now").unwrap().reboot);
    }

    #[test]
    fn other_times_are_refused() {
        assert_eq!(read("23:00"), Err(None));
        assert_eq!(read("-z"), Err(Some("-z".to_owned())));
    }
}
