//! Services of a host: which there are, which run, which start at power on. What systemctl prints stays outside.
//!
//! Both states are files, as with systemd: a link below /etc for what is enabled, a record below /run for what was
//! started or stopped since power on, which is when /run is emptied. Without a record a service is as it was at power on.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::journal;
use crate::practice::compute::cron;
use crate::practice::compute::edition::Edition;
use crate::practice::compute::host::Host;
use crate::practice::storage::Outcome;

/// A service that an instance can have.
#[derive(Debug)]
pub struct Service {
    /// Without `.service`.
    pub name: &'static str,
    /// One line.
    pub description: &'static str,
    /// The package that brings it; `None`: the image.
    pub package: Option<&'static str>,
    /// Whether it is enabled when it is new.
    pub enabled: bool,
    /// Whether it can read its configuration anew.
    pub reloads: bool,
    /// Its main program, for `status`.
    pub command: &'static str,
    /// Runs once and is done, so it is never stopped.
    pub once: bool,
    /// The only edition that has it; `None`: both.
    pub edition: Option<Edition>,
}

impl Service {
    /// Whether an edition has it.
    pub fn is_of(&self, edition: Edition) -> bool {
        self.edition.is_none_or(|only| only == edition)
    }
}

const fn service(name: &'static str, description: &'static str, command: &'static str) -> Service {
    Service {
        name,
        description,
        package: None,
        enabled: true,
        reloads: false,
        command,
        once: false,
        edition: None,
    }
}

/// Of Amazon Linux 2023 alone.
const fn of_2023(mut service: Service) -> Service {
    service.edition = Some(Edition::Of2023);
    service
}

/// Of the Amazon Linux AMI alone.
const fn of_2018(mut service: Service) -> Service {
    service.edition = Some(Edition::Of2018);
    service
}

/// All services that can be there.
pub static SERVICES: &[Service] = &[
    of_2023(service(
        "chronyd",
        "NTP client/server",
        "/usr/sbin/chronyd -F 2",
    )),
    Service {
        once: true,
        ..service(
            "cloud-final",
            "Execute cloud user/final scripts",
            "/usr/bin/cloud-init modules --mode=final",
        )
    },
    Service {
        once: true,
        ..service(
            "cloud-init",
            "Initial cloud-init job (metadata service crawler)",
            "/usr/bin/cloud-init init",
        )
    },
    Service {
        package: Some("cronie"),
        reloads: true,
        ..service("crond", "Command Scheduler", "/usr/sbin/crond -n")
    },
    of_2023(Service {
        reloads: true,
        ..service(
            "dbus-broker",
            "D-Bus System Message Bus",
            "/usr/bin/dbus-broker-launch --scope system --audit",
        )
    }),
    of_2018(service(
        "messagebus",
        "The D-Bus systemwide message bus",
        "dbus-daemon --system",
    )),
    of_2018(Service {
        once: true,
        ..service(
            "network",
            "Bring up/down networking",
            "/sbin/dhclient -q eth0",
        )
    }),
    of_2018(service(
        "ntpd",
        "NTP daemon",
        "ntpd -u ntp:ntp -p /var/run/ntpd.pid -g",
    )),
    Service {
        package: Some("rpcbind"),
        enabled: false,
        ..service("rpcbind", "RPC Bind", "/usr/bin/rpcbind -w -f")
    },
    of_2018(service(
        "rsyslog",
        "Enhanced system logging",
        "/sbin/rsyslogd -i /var/run/syslogd.pid -c 5",
    )),
    Service {
        reloads: true,
        ..service("sshd", "OpenSSH server daemon", "/usr/sbin/sshd -D")
    },
    of_2023(service(
        "systemd-journald",
        "Journal Service",
        "/usr/lib/systemd/systemd-journald",
    )),
    of_2023(Service {
        reloads: true,
        ..service(
            "systemd-networkd",
            "Network Configuration",
            "/usr/lib/systemd/systemd-networkd",
        )
    }),
];

/// How a service is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It runs, since then.
    Active(Timestamp),
    /// It does not.
    Inactive,
}

/// The one service that does something here.
const CROND: &str = "crond";

/// Starts what has something to do, at power on.
pub fn start_enabled(host: &Arc<Host>) {
    if is_active(host, CROND) {
        cron::start(host);
    }
}

/// Where an edition writes down what is enabled, what of the image is not, and what was started or stopped.
struct Places {
    enabled: &'static str,
    disabled: &'static str,
    records: &'static str,
}

const SYSTEMD: Places = Places {
    enabled: "/etc/systemd/system/multi-user.target.wants",
    disabled: "/etc/systemd/system-preset",
    records: "/run/systemd/units",
};
const INIT: Places = Places {
    enabled: "/etc/rc.d/rc3.d",
    disabled: "/etc/rc.d/rc3.d",
    records: "/run/subsys",
};

fn places(host: &Host) -> &'static Places {
    if host.spec.edition.has_systemd() {
        &SYSTEMD
    } else {
        &INIT
    }
}

/// Where it is written that a service was started or stopped.
fn record(host: &Host, service: &Service) -> String {
    format!("{}/{}.service", places(host).records, service.name)
}

/// The number of a service's main process.
pub fn pid(service: &Service) -> u32 {
    let place = SERVICES.iter().take_while(|one| one.name != service.name);
    (1600..)
        .step_by(37)
        .zip(place)
        .last()
        .map_or(1600, |(pid, _)| pid + 37)
}

/// What a service's main process is called in a list of processes.
pub fn process(host: &Host, service: &Service) -> &'static str {
    match service.edition {
        // Before systemd they go to the background by themselves, without being told.
        None if !host.spec.edition.has_systemd() => {
            service.command.split(' ').next().unwrap_or_default()
        }
        _ => service.command,
    }
}

/// The services that this host has.
pub fn of(host: &Host) -> impl Iterator<Item = &'static Service> {
    SERVICES
        .iter()
        .filter(|service| find(host, service.name).is_some())
}

/// The service of this name, with or without `.service`, if this host has it.
pub fn find(host: &Host, name: &str) -> Option<&'static Service> {
    let name = name.strip_suffix(".service").unwrap_or(name);
    SERVICES
        .iter()
        .find(|service| service.name == name)
        .filter(|service| {
            service.is_of(host.spec.edition)
                && service
                    .package
                    .is_none_or(|package| host.has_package(package))
        })
}

/// Whether the service of this name runs on a host.
pub fn is_active(host: &Host, name: &str) -> bool {
    find(host, name).is_some_and(|service| matches!(state(host, service), State::Active(_)))
}

/// How a service is.
pub fn state(host: &Host, service: &Service) -> State {
    let up = i64::try_from(host.uptime().as_secs()).unwrap_or(i64::MAX);
    let booted = host.clock.now() - SignedDuration::from_secs(up);
    let record = host
        .root()
        .read(&record(host, service))
        .ok()
        .and_then(|bytes| parse(&String::from_utf8_lossy(&bytes)));
    match record {
        Some((at, true)) => State::Active(at),
        None if is_enabled(host, service) => State::Active(booted),
        Some((_, false)) | None => State::Inactive,
    }
}

/// The services of a package that has just been installed do not run until somebody starts them.
pub fn installed(host: &Host, package: &str) {
    let disk = host.root();
    for service in SERVICES.iter().filter(|one| one.package == Some(package)) {
        let path = record(host, service);
        if disk.stat(&path).is_ok() {
            continue;
        }
        let record = format!("inactive {}\n", host.clock.now());
        let noted = disk
            .make_dirs(places(host).records)
            .and_then(|()| disk.write(&path, record.as_bytes()));
        if let Err(error) = noted {
            tracing::debug!(%error, path, "that a service does not run was not noted");
        }
    }
}

/// Starts or stops a service.
pub fn set_active(host: &Arc<Host>, service: &Service, active: bool) -> Outcome<()> {
    let disk = host.root();
    disk.make_dirs(places(host).records)?;
    let word = if active { "active" } else { "inactive" };
    let text = format!("{word} {}\n", host.clock.now());
    disk.write(&record(host, service), text.as_bytes())?;
    // Scripts of init say it only to whoever runs them.
    if host.spec.edition.has_systemd() {
        let done = if active { "Started" } else { "Stopped" };
        let text = format!("{done} {}.service - {}.", service.name, service.description);
        journal::log(host, "systemd[1]", &text);
    }
    if service.name == CROND {
        if active {
            cron::start(host);
        } else {
            cron::stop(host);
        }
    }
    Ok(())
}

fn parse(record: &str) -> Option<(Timestamp, bool)> {
    let (word, at) = record.trim().split_once(' ')?;
    Some((at.parse().ok()?, word == "active"))
}

/// Whether a service starts at power on.
pub fn is_enabled(host: &Host, service: &Service) -> bool {
    let disk = host.root();
    let linked = disk.lstat(&link(host, service)).is_ok();
    let denied = disk.lstat(&denial(host, service)).is_ok();
    linked || service.enabled && !denied
}

/// Makes a service start at power on, or not; `false` when that is so already.
pub fn set_enabled(host: &Arc<Host>, service: &Service, enabled: bool) -> Outcome<bool> {
    if is_enabled(host, service) == enabled {
        return Ok(false);
    }
    let disk = host.root();
    if enabled {
        disk.make_dirs(places(host).enabled)?;
        if disk.lstat(&link(host, service)).is_err() {
            disk.make_symlink(&unit_file(host, service), &link(host, service))?;
        }
        if disk.lstat(&denial(host, service)).is_ok() {
            disk.remove_one(&denial(host, service))?;
        }
    } else {
        if disk.lstat(&link(host, service)).is_ok() {
            disk.remove_one(&link(host, service))?;
        }
        if service.enabled {
            disk.make_dirs(places(host).disabled)?;
            let text = format!("disable {}.service\n", service.name);
            disk.write(&denial(host, service), text.as_bytes())?;
        }
    }
    Ok(true)
}

/// Where the link of an enabled service is.
pub fn link(host: &Host, service: &Service) -> String {
    let enabled = places(host).enabled;
    if host.spec.edition.has_systemd() {
        format!("{enabled}/{}.service", service.name)
    } else {
        format!("{enabled}/S90{}", service.name)
    }
}

/// Where a service's unit file is, or its script.
pub fn unit_file(host: &Host, service: &Service) -> String {
    if host.spec.edition.has_systemd() {
        format!("/usr/lib/systemd/system/{}.service", service.name)
    } else {
        format!("/etc/rc.d/init.d/{}", service.name)
    }
}

/// Where it is written that a service of the image shall not start.
fn denial(host: &Host, service: &Service) -> String {
    let disabled = places(host).disabled;
    if host.spec.edition.has_systemd() {
        format!("{disabled}/50-{}.preset", service.name)
    } else {
        format!("{disabled}/K60{}", service.name)
    }
}

#[cfg(test)]
mod tests {
    use super::{SERVICES, parse};

    #[test]
    fn a_record_says_what_and_since_when() {
        let (at, active) = parse("active 2026-01-05T12:00:00Z\n").unwrap();
        assert!(active);
        assert_eq!(at.to_string(), "2026-01-05T12:00:00Z");
        assert!(!parse("inactive 2026-01-05T12:00:00Z").unwrap().1);
        assert!(parse("active").is_none() && parse("active yesterday").is_none());
    }

    #[test]
    fn services_are_listed_once_and_in_order() {
        assert!(SERVICES.windows(2).all(|two| two[0].name < two[1].name));
    }
}
