//! `efslab doctor`: whether everything the lab needs is there, and what to do where it is not.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use super::{Outcome, site};
use crate::cli::Common;
use crate::{ssh, tui};

/// Looks at each thing. A state directory that is not there yet is made, with an empty journal: whether that can be done is asked.
pub(super) fn run(common: &Common) -> miette::Result<Outcome> {
    let mut text = String::new();
    let mut outcome = Outcome::Done;
    let mut say = |what: &str, found: Result<String, String>| {
        let _ = match found {
            Ok(how) => writeln!(text, "ok       {what}: {how}"),
            Err(why) => {
                outcome = Outcome::Failed;
                writeln!(text, "problem  {what}: {why}")
            }
        };
    };
    say(
        "OpenSSH client",
        ssh::keys::client_version().map_err(|error| error.to_string()),
    );
    say(
        "state directory",
        site::open_journal(common)
            .map_err(|error| format!("{error:?}"))
            .and_then(|_| {
                site::state_directory(common)
                    .map(|dir| dir.display().to_string())
                    .map_err(|error| error.to_string())
            }),
    );
    say(
        "SSH sockets",
        ssh::masters::directory("doctor")
            .map_err(|error| error.to_string())
            .map(|dir| {
                ssh::masters::forget(&dir);
                dir.parent()
                    .map(|dir| dir.display().to_string())
                    .unwrap_or_default()
            }),
    );
    say("terminal", terminal());
    super::print(&text)?;
    Ok(outcome)
}

fn terminal() -> Result<String, String> {
    if !std::io::stdout().is_terminal() {
        return Ok("standard output is none; `efslab run` works without".to_owned());
    }
    let (columns, rows) = crossterm::terminal::size().map_err(|error| error.to_string())?;
    match tui::size_error(columns, rows) {
        None => Ok(format!("{columns} x {rows}")),
        Some(why) => Err(why.to_string()),
    }
}
