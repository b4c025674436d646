//! What the machine has and how busy it is: free, uptime, dmesg.

use std::fmt::Write as _;
use std::time::Duration;

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use crate::practice::compute::host::{Host, Seat};

/// `free`
pub struct Free;

#[async_trait]
impl Program for Free {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut unit: fn(u64) -> String = |kib| kib.to_string();
        for arg in call.args {
            unit = match arg.as_str() {
                "-h" | "--human" => human,
                "-m" | "--mebi" => |kib| (kib >> 10).to_string(),
                "-g" | "--gibi" => |kib| (kib >> 20).to_string(),
                "-k" | "--kibi" => |kib| kib.to_string(),
                "-b" | "--bytes" => |kib| (kib << 10).to_string(),
                _ => return call.unknown_option(1, arg).await,
            };
        }
        let text = seat.host.root().read("/proc/meminfo").unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let of = |name: &str| field(&text, name);
        let (total, free) = (of("MemTotal"), of("MemFree"));
        let cached = of("Buffers") + of("Cached");
        let used = total.saturating_sub(free + cached);
        let available = of("MemAvailable").max(free);
        let mut out = format!(
            "{:<7}{:>13}{:>12}{:>12}{:>12}{:>12}{:>12}\n",
            "", "total", "used", "free", "shared", "buff/cache", "available"
        );
        let _ = writeln!(
            out,
            "{:<7}{:>13}{:>12}{:>12}{:>12}{:>12}{:>12}",
            "Mem:",
            unit(total),
            unit(used),
            unit(free),
            unit(of("Shmem")),
            unit(cached),
            unit(available)
        );
        let _ = writeln!(
            out,
            "{:<7}{:>13}{:>12}{:>12}",
            "Swap:",
            unit(0),
            unit(0),
            unit(0)
        );
        call.out(out).await?;
        Ok(0)
    }
}

/// A value of /proc/meminfo in KiB.
fn field(meminfo: &str, name: &str) -> u64 {
    meminfo
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// As `free -h` shows KiB: `922Mi`, `1.5Gi`.
fn human(kib: u64) -> String {
    let mut tenths = kib * 10;
    for unit in ["Ki", "Mi", "Gi"] {
        if tenths < 10_240 {
            return match tenths {
                0 => "0B".to_owned(),
                1..100 if unit != "Ki" => format!("{}.{}{unit}", tenths / 10, tenths % 10),
                _ => format!("{}{unit}", tenths / 10),
            };
        }
        tenths /= 1024;
    }
    format!("{}.{}Ti", tenths / 10, tenths % 10)
}

/// `uptime`
pub struct Uptime;

#[async_trait]
impl Program for Uptime {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let host = &seat.host;
        match call.args {
            [] => call.done(summary(seat)).await,
            [option] if matches!(option.as_str(), "-p" | "--pretty") => {
                let minutes = host.uptime().as_secs() / 60;
                let text = format!("up {} hours, {} minutes", minutes / 60, minutes % 60);
                call.done(text).await
            }
            [option] if matches!(option.as_str(), "-s" | "--since") => {
                let up = jiff::SignedDuration::try_from(host.uptime()).unwrap_or_default();
                let since = host.clock.now() - up;
                call.done(since.strftime("%Y-%m-%d %H:%M:%S")).await
            }
            [option, ..] => call.unknown_option(1, option).await,
        }
    }
}

/// The line of uptime, and the first of top.
pub fn summary(seat: &Seat) -> String {
    let users = match seat.host.logins.all().len() {
        1 => "1 user".to_owned(),
        count => format!("{count} users"),
    };
    format!(
        " {} up {},  {users},  load average: 0.00, 0.00, 0.00",
        seat.host.clock.now().strftime("%H:%M:%S"),
        up(seat.host.uptime())
    )
}

fn up(uptime: Duration) -> String {
    let minutes = uptime.as_secs() / 60;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let clock = if hours == 0 {
        format!("{minutes} min")
    } else {
        format!("{hours:2}:{minutes:02}")
    };
    match days {
        0 => clock,
        1 => format!("1 day, {clock}"),
        _ => format!("{days} days, {clock}"),
    }
}

/// `dmesg`: the kernel's lines of the console.
pub struct Dmesg;

#[async_trait]
impl Program for Dmesg {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        if let Some(arg) = call
            .args
            .iter()
            .find(|arg| !matches!(arg.as_str(), "-T" | "-H" | "-k" | "--ctime"))
        {
            return call.unknown_option(1, arg).await;
        }
        if !seat.user.identity.is_root() {
            return call
                .fail(
                    1,
                    "dmesg: read kernel buffer failed: Operation not permitted",
                )
                .await;
        }
        call.out(kernel_lines(&seat.host)).await?;
        Ok(0)
    }
}

fn kernel_lines(host: &Host) -> String {
    let shown = host.console_text();
    shown
        .split_inclusive('\n')
        .filter(|line| line.starts_with('['))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{field, human, up};

    #[test]
    fn memory_is_read_in_kib_and_shown_in_units() {
        assert_eq!(
            field("MemTotal:         944140 kB\nMemFree: 5 kB\n", "MemFree"),
            5
        );
        assert_eq!(field("MemTotalX: 7 kB\n", "MemTotal"), 0);
        assert_eq!(human(944_140), "922Mi");
        assert_eq!(human(8_000_000), "7.6Gi");
        assert_eq!(human(0), "0B");
        assert_eq!(human(512), "512Ki");
    }

    #[test]
    fn uptime_is_in_minutes_hours_and_days() {
        assert_eq!(up(Duration::from_mins(5)), "5 min");
        assert_eq!(up(Duration::from_mins(181)), " 3:01");
        assert_eq!(up(Duration::from_hours(48)), "2 days, 0 min");
    }
}
