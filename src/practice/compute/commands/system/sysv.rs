//! service, chkconfig and runlevel, as they are before systemd: services begun by init from scripts in /etc/init.d. The
//! services themselves are in `services`.

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use super::services::{self, SERVICES, Service, State};
use crate::practice::compute::edition::Edition;
use crate::practice::compute::host::{Host, Seat};

/// Exit statuses of init scripts (Linux Standard Base, "Init Script Actions").
const UNKNOWN: i32 = 1;
const USAGE: i32 = 2;
const NO_RIGHT: i32 = 4;
const NOT_RUNNING: i32 = 3;

/// `service NAME COMMAND`
pub struct SysvService;

#[async_trait]
impl Program for SysvService {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let usage = "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]";
        let words: Vec<&str> = call.args.iter().map(String::as_str).collect();
        match words[..] {
            ["--status-all"] => {
                for service in services::of(&seat.host).filter(|one| !one.once) {
                    call.out(status(&seat.host, service).1).await?;
                }
                Ok(0)
            }
            [name, command] => match services::find(&seat.host, name) {
                Some(service) => act(seat, call, service, command).await,
                None => {
                    call.fail(UNKNOWN, format!("{name}: unrecognized service"))
                        .await
                }
            },
            _ => call.fail(USAGE, usage).await,
        }
    }
}

async fn act(seat: &Seat, call: &Call<'_>, service: &Service, command: &str) -> Ended {
    let host = &seat.host;
    match command {
        "status" => {
            let (code, text) = status(host, service);
            call.out(text).await?;
            Ok(code)
        }
        "start" | "stop" | "restart" | "condrestart" | "try-restart" | "reload"
        | "force-reload" => {
            if !seat.user.identity.is_root() {
                return call.fail(NO_RIGHT, "You need to be root to do that.").await;
            }
            let runs = services::state(host, service) != State::Inactive;
            let (stops, starts) = match command {
                "start" => (false, true),
                "stop" => (true, false),
                "restart" => (true, true),
                // Only what runs.
                _ => (runs, runs),
            };
            if stops {
                let done = runs && services::set_active(host, service, false).is_ok();
                call.out(line("Stopping", service, done)).await?;
            }
            if starts {
                let done = services::set_active(host, service, true).is_ok();
                call.out(line("Starting", service, done)).await?;
            }
            Ok(i32::from(command == "stop" && !runs))
        }
        _ => {
            let name = service.name;
            let usage = format!("Usage: {name} {{start|stop|status|restart|condrestart|reload}}");
            call.fail(USAGE, usage).await
        }
    }
}

/// `Starting crond:                                           [  OK  ]`, with the outcome where init scripts have it.
fn line(what: &str, service: &Service, done: bool) -> String {
    let outcome = if done { "[  OK  ]" } else { "[FAILED]" };
    format!("{:<60}{outcome}\n", format!("{what} {}: ", service.name))
}

fn status(host: &Host, service: &Service) -> (i32, String) {
    let name = service.name;
    match services::state(host, service) {
        State::Active(_) => {
            let pid = services::pid(service);
            (0, format!("{name} (pid  {pid}) is running...\n"))
        }
        State::Inactive => (NOT_RUNNING, format!("{name} is stopped\n")),
    }
}

/// `chkconfig`
pub struct Chkconfig;

#[async_trait]
impl Program for Chkconfig {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut words: Vec<&str> = call.args.iter().map(String::as_str).collect();
        if let [first, ..] = words[..]
            && first == "--level"
        {
            words.drain(..words.len().min(2));
        }
        let host = &seat.host;
        let missing = async |name: &str| {
            let what =
                format!("error reading information on service {name}: No such file or directory");
            call.fail(1, what).await
        };
        match words[..] {
            [] | ["--list"] => {
                for service in services::of(host) {
                    call.out(levels(host, service)).await?;
                }
                Ok(0)
            }
            ["--list", name] => match services::find(host, name) {
                Some(service) => {
                    call.out(levels(host, service)).await?;
                    Ok(0)
                }
                None => missing(name).await,
            },
            // Without a word it is a question.
            [name] if !name.starts_with('-') => match services::find(host, name) {
                Some(service) => Ok(i32::from(!services::is_enabled(host, service))),
                None => missing(name).await,
            },
            [name, word @ ("on" | "off")] | [word @ ("--add" | "--del"), name] => {
                let Some(service) = services::find(host, name) else {
                    return missing(name).await;
                };
                if !seat.user.identity.is_root() {
                    return call
                        .fail(
                            1,
                            "You do not have enough privileges to perform this operation.",
                        )
                        .await;
                }
                let on = matches!(word, "on" | "--add");
                match services::set_enabled(host, service, on) {
                    Ok(_) => Ok(0),
                    Err(error) => call.fail(1, format!("{name}: {error}")).await,
                }
            }
            _ => {
                let usage = "usage:   chkconfig [--list] [--type <type>] [name]\n         chkconfig --add <name>\n         chkconfig --del <name>\n         chkconfig [--level <levels>] [--type <type>] <name> <on|off|reset|resetpriorities>";
                call.fail(1, usage).await
            }
        }
    }
}

/// The levels in which a service runs, of which 2 to 5 are alike here.
fn levels(host: &Host, service: &Service) -> String {
    let on = if services::is_enabled(host, service) {
        "on"
    } else {
        "off"
    };
    let level = |number: u8| {
        format!(
            "\t{number}:{}",
            if (2..=5).contains(&number) { on } else { "off" }
        )
    };
    let levels: String = (0..=6).map(level).collect();
    format!("{:<15}{levels}\n", service.name)
}

/// `runlevel`
pub struct Runlevel;

#[async_trait]
impl Program for Runlevel {
    async fn run(&self, _: &Seat, call: &Call<'_>) -> Ended {
        call.done("N 3").await
    }
}

/// The scripts that stand for the services of an image: path and content, to be made executable.
pub fn scripts() -> impl Iterator<Item = (String, String)> {
    let services = SERVICES.iter().filter(|one| one.is_of(Edition::Of2018));
    services.map(|one| {
        (
            format!("/etc/rc.d/init.d/{}", one.name),
            format!(
                "#!/bin/bash\n# chkconfig: 2345 90 60\n# description: {}\nexec /sbin/service {} \"$@\"\n",
                one.description, one.name
            ),
        )
    })
}
