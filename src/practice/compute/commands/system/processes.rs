//! What runs: ps and top. Services are the model's only processes besides whoever asks.

use std::fmt::Write as _;

use async_trait::async_trait;
use jiff::Timestamp;

use super::hardware::summary;
use super::program::{Call, Ended, Program};
use super::services::{self, SERVICES, State};
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
    let mut all = vec![root(
        1,
        "/usr/lib/systemd/systemd --switched-root --system --deserialize=32",
    )];
    for (place, service) in (0..).zip(SERVICES) {
        let runs = services::find(&seat.host, service.name).is_some()
            && !service.once
            && services::state(&seat.host, service) != State::Inactive;
        if runs {
            all.push(root(1600 + 37 * place, service.command));
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
        let letters: String = call.args.concat().replace('-', "");
        if let Some(letter) = letters.chars().find(|one| !"auxefwl".contains(*one)) {
            let what =
                format!("error: a practice instance's ps knows aux, -e and -f, not {letter}");
            return call.fail(1, what).await;
        }
        let every = letters.contains(['e', 'x', 'a']);
        let asking = format!("ps {}", call.args.join(" "));
        let all = processes(seat, asking.trim_end());
        let shown = all.iter().filter(|one| every || one.own);
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
        call.out(columns(&rows, &shape)).await?;
        Ok(0)
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
