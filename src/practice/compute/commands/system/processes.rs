//! What runs: ps and top. Services are the model's only processes besides whoever asks.

use std::fmt::Write as _;

use async_trait::async_trait;
use jiff::Timestamp;

use super::hardware::summary;
use super::program::{Call, Ended, Program};
use super::services::{self, State};
use super::table::{Align, columns};
use crate::practice::compute::host::Seat;

struct Process {
    pid: u32,
    user: String,
    terminal: String,
    command: String,
    since: Timestamp,
    /// On the terminal of whoever asks, and his.
    own: bool,
}

/// The kernel starts the first; services follow in order; then whoever asks.
fn processes(seat: &Seat, asking: &str) -> Vec<Process> {
    let root = |pid, command: &str| Process {
        pid,
        user: "root".to_owned(),
        terminal: "?".to_owned(),
        command: command.to_owned(),
        since: seat.host.powered_on(),
        own: false,
    };
    let first = if seat.host.spec.edition.has_systemd() {
        "/usr/lib/systemd/systemd --switched-root --system --deserialize=32"
    } else {
        "/sbin/init"
    };
    let mut all = vec![root(1, first)];
    for service in services::of(&seat.host) {
        let runs = !service.once && services::state(&seat.host, service) != State::Inactive;
        if runs {
            let command = services::process(&seat.host, service);
            all.push(root(services::pid(service), command));
        }
    }
    for process in seat.host.processes.all() {
        all.push(Process {
            pid: process.pid,
            user: process.user.clone(),
            terminal: process
                .terminal
                .map_or_else(|| "?".to_owned(), |number| format!("pts/{number}")),
            command: process.command(),
            since: process.since,
            own: process.user == seat.user.name && process.terminal == seat.process.terminal,
        });
    }
    // Whoever asks runs in a shell that is listed; its number is the next.
    all.push(Process {
        pid: all.last().map_or(1, |last| last.pid) + 1,
        user: seat.user.name.clone(),
        terminal: seat
            .process
            .terminal
            .map_or_else(|| "?".to_owned(), |number| format!("pts/{number}")),
        command: asking.to_owned(),
        since: seat.host.clock.now(),
        own: true,
    });
    all
}

/// `ps`
pub struct Ps;

#[async_trait]
impl Program for Ps {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let chosen = match Chosen::read(call.args) {
            Ok(chosen) => chosen,
            Err(what) => return call.fail(1, what).await,
        };
        let letters = chosen.letters.clone();
        if let Some(letter) = letters.chars().find(|one| !"auxefwl".contains(*one)) {
            let what =
                format!("error: a practice instance's ps knows aux, -e and -f, not {letter}");
            return call.fail(1, what).await;
        }
        let every = letters.contains(['e', 'x', 'a']);
        let asking = format!("ps {}", call.args.join(" "));
        let mut all = processes(seat, asking.trim_end());
        chosen.sort(&mut all);
        let is_chosen = |one: &&Process| match &chosen.pids {
            Some(pids) => pids.contains(&one.pid),
            None => {
                let of_user = |users: &Vec<String>| users.contains(&one.user);
                chosen.users.as_ref().map_or(every || one.own, of_user)
            }
        };
        let shown: Vec<_> = all.iter().filter(is_chosen).collect();
        let status = i32::from(shown.is_empty());
        if !chosen.columns.is_empty() {
            call.out(chosen.table(&shown)).await?;
            return Ok(status);
        }
        let (rows, shape) = usual(&letters, shown.into_iter());
        call.out(columns(&rows, &shape)).await?;
        Ok(status)
    }
}

/// The usual columns for these letters: rows, the heading first, and how wide each column is.
fn usual<'a>(
    letters: &str,
    shown: impl Iterator<Item = &'a Process>,
) -> (Vec<Vec<String>>, Vec<(Align, usize)>) {
    let mut rows = Vec::new();
    let shape = if letters.contains('u') {
        rows.push(
            ["USER", "PID", "TTY", "STAT", "START", "TIME", "COMMAND"]
                .map(str::to_owned)
                .to_vec(),
        );
        rows.extend(shown.map(|one| {
            [
                one.user.clone(),
                one.pid.to_string(),
                one.terminal.clone(),
                "S".to_owned(),
                one.since.strftime("%H:%M").to_string(),
                "0:00".to_owned(),
                one.command.clone(),
            ]
            .to_vec()
        }));
        vec![
            (Align::Left, 8),
            (Align::Right, 7),
            (Align::Left, 8),
            (Align::Left, 4),
            (Align::Right, 5),
            (Align::Right, 6),
            (Align::Left, 0),
        ]
    } else if letters.contains('f') {
        rows.push(
            ["UID", "PID", "TTY", "TIME", "CMD"]
                .map(str::to_owned)
                .to_vec(),
        );
        rows.extend(shown.map(|one| {
            [
                one.user.clone(),
                one.pid.to_string(),
                one.terminal.clone(),
                "00:00:00".to_owned(),
                one.command.clone(),
            ]
            .to_vec()
        }));
        vec![
            (Align::Left, 8),
            (Align::Right, 7),
            (Align::Left, 8),
            (Align::Right, 8),
            (Align::Left, 0),
        ]
    } else {
        rows.push(["PID", "TTY", "TIME", "CMD"].map(str::to_owned).to_vec());
        rows.extend(shown.map(|one| {
            let program = one.command.split(' ').next().unwrap_or_default();
            let name = program
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .trim_start_matches('-');
            [
                one.pid.to_string(),
                one.terminal.clone(),
                "00:00:00".to_owned(),
                name.to_owned(),
            ]
            .to_vec()
        }));
        vec![
            (Align::Right, 7),
            (Align::Left, 8),
            (Align::Right, 8),
            (Align::Left, 0),
        ]
    };
    (rows, shape)
}

/// What is asked for beside the letters.
#[derive(Default)]
struct Chosen {
    letters: String,
    pids: Option<Vec<u32>>,
    users: Option<Vec<String>>,
    /// Names of columns, and what stands above them.
    columns: Vec<(String, String)>,
    by: Vec<(String, bool)>,
}

impl Chosen {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut chosen = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (arg.as_str(), None),
            };
            let flags = name.trim_start_matches('-');
            let (name, inline) = match flags.chars().last() {
                // `-eo pid,cmd`, `-o pid=`, `-p1`
                Some('o') if !name.starts_with("--") && name.len() > 2 => {
                    chosen.letters.push_str(&flags[..flags.len() - 1]);
                    ("-o", inline)
                }
                _ if name.len() > 2 && (name.starts_with("-o") || name.starts_with("-p")) => {
                    (&name[..2], Some(name[2..].to_owned()))
                }
                _ => (name, inline),
            };
            let mut value = || {
                let missing = || format!("error: {name} needs a value");
                inline
                    .clone()
                    .or_else(|| args.next().cloned())
                    .ok_or_else(missing)
            };
            match name {
                "-p" | "p" | "--pid" => {
                    let given = value()?;
                    let pids: Result<Vec<u32>, _> =
                        given.split([',', ' ']).map(str::parse).collect();
                    let bad = |_| "error: process ID list syntax error".to_owned();
                    chosen
                        .pids
                        .get_or_insert_default()
                        .extend(pids.map_err(bad)?);
                }
                "-u" | "-U" | "--user" => {
                    let given = value()?;
                    let users = given.split(',').map(str::to_owned);
                    chosen.users.get_or_insert_default().extend(users);
                }
                "-o" | "o" | "--format" => chosen.names(&value()?)?,
                "--sort" => {
                    for key in value()?.split(',') {
                        let name = key.trim_start_matches(['+', '-']);
                        chosen.by.push((name.to_owned(), key.starts_with('-')));
                    }
                }
                "--no-headers" | "--no-heading" => {
                    for (_, title) in &mut chosen.columns {
                        title.clear();
                    }
                }
                "-w" | "-ww" | "--forest" => {}
                _ => chosen.letters.push_str(flags),
            }
        }
        Ok(chosen)
    }

    fn names(&mut self, list: &str) -> Result<(), String> {
        for word in list.split([',', ' ']).filter(|word| !word.is_empty()) {
            let (name, title) = word.split_once('=').unwrap_or((word, "\0"));
            let usual = match name {
                "pid" => "PID",
                "ppid" => "PPID",
                "user" | "euser" | "uname" => "USER",
                "tty" | "tt" | "tname" => "TTY",
                "stat" | "s" | "state" => "STAT",
                "time" | "cputime" => "TIME",
                "etime" => "ELAPSED",
                "lstart" => "STARTED",
                "start" | "stime" => "STARTED",
                "cmd" => "CMD",
                "comm" | "ucmd" => "COMMAND",
                "args" | "command" => "COMMAND",
                "%cpu" | "pcpu" => "%CPU",
                "%mem" | "pmem" => "%MEM",
                _ => {
                    return Err(format!(
                        "error: unknown user-defined format specifier \"{name}\""
                    ));
                }
            };
            let title = if title == "\0" { usual } else { title };
            self.columns.push((name.to_owned(), title.to_owned()));
        }
        Ok(())
    }

    fn sort(&self, all: &mut [Process]) {
        for (name, falling) in self.by.iter().rev() {
            match name.as_str() {
                "pid" => all.sort_by_key(|one| one.pid),
                "user" => all.sort_by(|one, other| one.user.cmp(&other.user)),
                "start_time" | "lstart" | "etime" => all.sort_by_key(|one| one.since),
                "cmd" | "comm" | "args" => {
                    all.sort_by(|one, other| one.command.cmp(&other.command));
                }
                // Nobody uses processor or memory to speak of.
                _ => continue,
            }
            if *falling {
                all.reverse();
            }
        }
    }

    fn table(&self, shown: &[&Process]) -> String {
        let now = shown.iter().map(|one| one.since).max().unwrap_or_default();
        let mut rows = Vec::new();
        if self.columns.iter().any(|(_, title)| !title.is_empty()) {
            rows.push(
                self.columns
                    .iter()
                    .map(|(_, title)| title.clone())
                    .collect(),
            );
        }
        for one in shown {
            let cell = |(name, _): &(String, String)| match name.as_str() {
                "pid" => one.pid.to_string(),
                "ppid" => if one.pid == 1 { "0" } else { "1" }.to_owned(),
                "user" | "euser" | "uname" => one.user.clone(),
                "tty" | "tt" | "tname" => one.terminal.clone(),
                "stat" | "s" | "state" => "S".to_owned(),
                "time" | "cputime" => "00:00:00".to_owned(),
                "%cpu" | "pcpu" | "%mem" | "pmem" => "0.0".to_owned(),
                "start" | "stime" => one.since.strftime("%H:%M").to_string(),
                "lstart" => one.since.strftime("%a %b %e %H:%M:%S %Y").to_string(),
                "etime" => {
                    let seconds = now.duration_since(one.since).as_secs().max(0);
                    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
                        (0, minutes, seconds) => format!("{minutes:02}:{seconds:02}"),
                        (hours, minutes, seconds) => {
                            format!("{hours:02}:{minutes:02}:{seconds:02}")
                        }
                    }
                }
                "comm" | "ucmd" => {
                    let program = one.command.split(' ').next().unwrap_or_default();
                    let name = program.rsplit('/').next().unwrap_or_default();
                    name.trim_start_matches('-').to_owned()
                }
                _ => one.command.clone(),
            };
            rows.push(self.columns.iter().map(cell).collect());
        }
        let shape = |(name, _): &(String, String)| match name.as_str() {
            "pid" | "ppid" => (Align::Right, 7),
            "time" | "cputime" => (Align::Right, 8),
            "etime" => (Align::Right, 11),
            "%cpu" | "pcpu" | "%mem" | "pmem" => (Align::Right, 4),
            "user" | "euser" | "uname" | "tty" | "tt" | "tname" => (Align::Left, 8),
            _ => (Align::Left, 0),
        };
        let shape: Vec<_> = self.columns.iter().map(shape).collect();
        columns(&rows, &shape)
    }
}

/// `top`: one picture, as with `-b -n 1`; it does not move.
pub struct Top;

#[async_trait]
impl Program for Top {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut out = format!("top -{}\n\n", summary(seat));
        out.push_str("    PID USER      COMMAND\n");
        for process in processes(seat, "top") {
            let _ = writeln!(
                out,
                "{:>7} {:<9} {}",
                process.pid, process.user, process.command
            );
        }
        call.out(out).await?;
        Ok(0)
    }
}
