//! systemctl and service: asking about services and changing them. The services are in `services`.

use async_trait::async_trait;
use std::fmt::Write as _;

use super::fstab;
use super::power;
use super::program::{Call, Ended, Program};
use super::services::{self, SERVICES, Service, State};
use crate::practice::compute::host::{Host, Seat};
use crate::practice::storage::Mount;

/// `systemctl`
pub struct Systemctl;

/// Exit statuses of systemctl(1).
const NOT_RUNNING: i32 = 3;
const NO_UNIT: i32 = 4;
const NOT_LOADED: i32 = 5;

#[async_trait]
impl Program for Systemctl {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut quiet = false;
        let mut now = false;
        let mut words = Vec::new();
        let mut args = call.args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-q" | "--quiet" => quiet = true,
                "--now" => now = true,
                "--failed" => words.push("--failed"),
                "--no-pager" | "-l" | "--full" | "--no-block" | "--system" | "-a" | "--all"
                | "--no-legend" | "--plain" | "--no-ask-password" => {}
                "-t" | "-n" | "-o" => _ = args.next(),
                _ if arg.starts_with("--type=")
                    || arg.starts_with("--lines=")
                    || arg.starts_with("--state=")
                    || arg.starts_with("--no-pager") => {}
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    return call.unknown_option(1, arg).await;
                }
                _ => words.push(arg.as_str()),
            }
        }
        let Some((command, units)) = words.split_first() else {
            return list(seat, call).await;
        };
        let run = Run {
            seat,
            call,
            quiet,
            now,
        };
        match *command {
            "list-units" | "list-unit-files" => list(seat, call).await,
            // Nothing here fails.
            "--failed" => {
                call.done("  UNIT LOAD ACTIVE SUB DESCRIPTION\n0 loaded units listed.")
                    .await
            }
            // The timers of the image do nothing that could be seen here.
            "list-timers" => {
                call.done("NEXT LEFT LAST PASSED UNIT ACTIVATES\n\n0 timers listed.")
                    .await
            }
            "is-system-running" => call.done("running").await,
            "daemon-reload" | "daemon-reexec" | "reset-failed" => {
                if run.is_root() {
                    Ok(0)
                } else {
                    run.denied("reload daemon").await
                }
            }
            "poweroff" | "halt" | "reboot" => power::off(seat, call, command).await,
            "is-active" | "is-enabled" | "is-failed" | "status" | "show" | "cat" | "start"
            | "stop" | "restart" | "try-restart" | "reload" | "reload-or-restart" | "enable"
            | "disable" => run.each(command, units).await,
            other => call.fail(1, format!("Unknown command verb {other}.")).await,
        }
    }
}

struct Run<'a> {
    seat: &'a Seat,
    call: &'a Call<'a>,
    quiet: bool,
    now: bool,
}

impl Run<'_> {
    fn is_root(&self) -> bool {
        self.seat.user.identity.is_root()
    }

    async fn denied(&self, what: &str) -> Ended {
        let line = format!("Failed to {what}: Access denied\nSee system logs for details.");
        self.call.fail(NO_UNIT, line).await
    }

    async fn each(&self, command: &str, units: &[&str]) -> Ended {
        if units.is_empty() {
            return self.call.fail(1, "Too few arguments.").await;
        }
        let mut ended = 0;
        for unit in units {
            let status = match services::find(&self.seat.host, unit) {
                Some(service) => self.one(command, service).await?,
                None => match mount_of(&self.seat.host, unit) {
                    Some(mount) => self.mounted(command, unit, &mount).await?,
                    None => self.unknown(command, unit).await?,
                },
            };
            // For questions one good answer is enough only where all are good; systemctl keeps the worst.
            ended = ended.max(status);
        }
        Ok(ended)
    }

    /// A mount is a unit, too: what fstab or somebody by hand has mounted.
    async fn mounted(&self, command: &str, unit: &str, mount: &Mount) -> Ended {
        match command {
            "is-active" => {
                self.tell("active").await?;
                Ok(0)
            }
            "status" => {
                let Mount { source, target, .. } = mount;
                let (entries, _) = fstab::read(&self.seat.host);
                let loaded = if entries.iter().any(|entry| entry.target == *target) {
                    "/etc/fstab; generated"
                } else {
                    "/proc/self/mountinfo"
                };
                let text = format!(
                    "● {unit} - {target}\n     Loaded: loaded ({loaded})\n     Active: active (mounted)\n      Where: {target}\n       What: {source}"
                );
                self.call.done(text).await
            }
            _ => {
                let what = format!(
                    "Failed to {command} {unit}: a practice instance has mount and umount for that."
                );
                self.call.fail(1, what).await
            }
        }
    }

    async fn unknown(&self, command: &str, unit: &str) -> Ended {
        let unit = if unit.contains('.') {
            unit.to_owned()
        } else {
            format!("{unit}.service")
        };
        match command {
            "is-active" | "is-failed" => {
                self.tell("inactive").await?;
                Ok(if command == "is-failed" {
                    1
                } else {
                    NOT_RUNNING
                })
            }
            "is-enabled" => {
                let what =
                    format!("Failed to get unit file state for {unit}: No such file or directory");
                self.call.fail(1, what).await
            }
            "status" => {
                let what = format!("Unit {unit} could not be found.");
                self.call.fail(NO_UNIT, what).await
            }
            "enable" | "disable" => {
                let what = format!("Failed to {command} unit: Unit file {unit} does not exist.");
                self.call.fail(1, what).await
            }
            _ => {
                let what = format!("Failed to {command} {unit}: Unit {unit} not found.");
                self.call.fail(NOT_LOADED, what).await
            }
        }
    }

    async fn tell(&self, word: &str) -> bashkit::Result<()> {
        if self.quiet {
            return Ok(());
        }
        self.call.out(format!("{word}\n")).await
    }

    async fn one(&self, command: &str, service: &Service) -> Ended {
        let host = &self.seat.host;
        let state = services::state(host, service);
        let active = matches!(state, State::Active(_));
        let enabled = services::is_enabled(host, service);
        match command {
            "is-active" => {
                self.tell(if active { "active" } else { "inactive" })
                    .await?;
                return Ok(if active { 0 } else { NOT_RUNNING });
            }
            "is-failed" => {
                self.tell(if active { "active" } else { "inactive" })
                    .await?;
                return Ok(1);
            }
            "is-enabled" => {
                self.tell(if enabled { "enabled" } else { "disabled" })
                    .await?;
                return Ok(i32::from(!enabled));
            }
            "status" => {
                self.call.out(self.status(service, state, enabled)).await?;
                return Ok(if active { 0 } else { NOT_RUNNING });
            }
            "cat" => {
                let kind = if service.once { "oneshot" } else { "simple" };
                let text = format!(
                    "# {}\n[Unit]\nDescription={}\n\n[Service]\nType={kind}\nExecStart={}\n\n[Install]\nWantedBy=multi-user.target",
                    services::unit_file(&self.seat.host, service),
                    service.description,
                    service.command
                );
                return self.call.done(text).await;
            }
            "show" => {
                let text = format!(
                    "Id={}.service\nActiveState={}\nUnitFileState={}",
                    service.name,
                    if active { "active" } else { "inactive" },
                    if enabled { "enabled" } else { "disabled" }
                );
                return self.call.done(text).await;
            }
            _ => {}
        }
        if !self.is_root() {
            return self
                .denied(&format!("{command} {}.service", service.name))
                .await;
        }
        let wanted = match command {
            "start" | "restart" | "reload-or-restart" => Some(true),
            "try-restart" if active => Some(true),
            "stop" => Some(false),
            "reload" if !service.reloads => {
                let what = format!(
                    "Failed to reload {0}.service: Job type reload is not applicable for unit {0}.service.",
                    service.name
                );
                return self.call.fail(1, what).await;
            }
            "reload" if !active => {
                let what = format!("{}.service is not active, cannot reload.", service.name);
                return self.call.fail(1, what).await;
            }
            "enable" | "disable" => {
                let changed = services::set_enabled(host, service, command == "enable");
                return self.enabled(command, service, changed).await;
            }
            _ => None,
        };
        let Some(wanted) = wanted else { return Ok(0) };
        // What runs already is not started again, and keeps its time.
        if command == "start" && active {
            return Ok(0);
        }
        match services::set_active(host, service, wanted) {
            Ok(()) => Ok(0),
            Err(error) => {
                let what = format!("Failed to {command} {}.service: {error}", service.name);
                self.call.fail(1, what).await
            }
        }
    }

    async fn enabled(
        &self,
        command: &str,
        service: &Service,
        changed: crate::practice::storage::Outcome<bool>,
    ) -> Ended {
        let changed = match changed {
            Ok(changed) => changed,
            Err(error) => {
                let what = format!("Failed to {command} unit: {error}");
                return self.call.fail(1, what).await;
            }
        };
        if changed && !self.quiet {
            let (link, file) = (
                services::link(&self.seat.host, service),
                services::unit_file(&self.seat.host, service),
            );
            let line = if command == "enable" {
                format!("Created symlink {link} → {file}.")
            } else {
                format!("Removed \"{link}\".")
            };
            self.call.complain(line).await?;
        }
        if self.now
            && let Err(error) = services::set_active(&self.seat.host, service, command == "enable")
        {
            let what = format!("Failed to start {}.service: {error}", service.name);
            return self.call.fail(1, what).await;
        }
        Ok(0)
    }

    fn status(&self, service: &Service, state: State, enabled: bool) -> String {
        let word = if enabled { "enabled" } else { "disabled" };
        let preset = if service.enabled {
            "enabled"
        } else {
            "disabled"
        };
        let file = services::unit_file(&self.seat.host, service);
        let (dot, line) = match state {
            State::Active(since) => {
                let ago = self
                    .seat
                    .host
                    .clock
                    .now()
                    .duration_since(since)
                    .as_secs()
                    .max(0);
                let sub = if service.once { "exited" } else { "running" };
                let since = since.strftime("%a %Y-%m-%d %H:%M:%S UTC");
                (
                    '●',
                    format!("active ({sub}) since {since}; {} ago", ago_text(ago)),
                )
            }
            State::Inactive => ('○', "inactive (dead)".to_owned()),
        };
        format!(
            "{dot} {}.service - {}\n     Loaded: loaded ({file}; {word}; preset: {preset})\n     Active: {line}\n    Process: {}\n",
            service.name, service.description, service.command
        )
    }
}

/// What is mounted at the place that a unit's name stands for: `home.mount`, `mnt-backup.mount`, `-.mount`.
fn mount_of(host: &Host, unit: &str) -> Option<Mount> {
    let name = unit.strip_suffix(".mount")?;
    let escaped = |target: &str| match target {
        "/" => "-".to_owned(),
        _ => target
            .trim_start_matches('/')
            .replace('-', "\\x2d")
            .replace('/', "-"),
    };
    let mut mounts = host.mounts.mounts().into_iter();
    mounts.rfind(|mount| escaped(&mount.target) == name)
}

/// `2h 5min`, `3min 4s`, `7s`: the two largest units, as systemd says how long ago something was.
fn ago_text(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}min {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

async fn list(seat: &Seat, call: &Call<'_>) -> Ended {
    let mut text =
        String::from("  UNIT                        LOAD   ACTIVE   SUB     DESCRIPTION\n");
    let mut count = 0;
    for service in SERVICES {
        if services::find(&seat.host, service.name).is_none() {
            continue;
        }
        count += 1;
        let (active, sub) = match services::state(&seat.host, service) {
            State::Active(_) if service.once => ("active", "exited"),
            State::Active(_) => ("active", "running"),
            State::Inactive => ("inactive", "dead"),
        };
        let unit = format!("{}.service", service.name);
        let _ = writeln!(
            text,
            "  {unit:<27} loaded {active:<8} {sub:<7} {}",
            service.description
        );
    }
    let _ = writeln!(text, "\n{count} loaded units listed.");
    call.out(text).await?;
    Ok(0)
}

/// `service NAME COMMAND`: the old way to say it.
pub struct ServiceProgram;

#[async_trait]
impl Program for ServiceProgram {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let [name, command] = call.args else {
            let usage = "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]";
            return call.fail(1, usage).await;
        };
        call.complain(format!(
            "Redirecting to /bin/systemctl {command} {name}.service"
        ))
        .await?;
        let run = Run {
            seat,
            call,
            quiet: false,
            now: false,
        };
        match command.as_str() {
            "status" | "start" | "stop" | "restart" | "reload" => run.each(command, &[name]).await,
            other => call.fail(2, format!("Unknown command verb {other}.")).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ago_text;

    #[test]
    fn how_long_ago_is_said_in_two_units() {
        assert_eq!(ago_text(7), "7s");
        assert_eq!(ago_text(184), "3min 4s");
        assert_eq!(ago_text(7500), "2h 5min");
        assert_eq!(ago_text(200_000), "2 days");
    }
}
