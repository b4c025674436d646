//! Checks of what a terminal has shown, and of what a machine says when it is asked.

use super::{RemoteCommand, RemoteOutput, Transcript, Verdict};
use crate::lesson::schema::Side;

pub(super) fn terminal(
    on: Side,
    ways: &[String],
    shows: &[String],
    transcript: &Transcript,
) -> Verdict {
    let mut last = None;
    for typed in transcript
        .typed()
        .filter(|typed| ways.iter().any(|way| typed.is(way)))
    {
        let command = excerpt(typed.command, "");
        if let (Some(line), Some(part)) = (typed.shows(shows), shows.first()) {
            let line = excerpt(line, part);
            return Verdict::Passed(format!("`{command}` on {on} shows {line}"));
        }
        if shows.is_empty() && !typed.is_unknown() {
            return Verdict::Passed(format!("`{command}` was run on {on}"));
        }
        last = Some(typed);
    }
    let Some(typed) = last else {
        let way = ways.first().map_or("", String::as_str);
        return Verdict::NotYet(format!("`{way}` has not been run on {on} in this step"));
    };
    let command = excerpt(typed.command, "");
    let expected = shows.join(" … ");
    Verdict::NotYet(
        match typed.output.iter().find(|line| !line.trim().is_empty()) {
            Some(line) if shows.is_empty() => {
                format!("`{command}` on {on} shows `{}`", excerpt(line, ""))
            }
            Some(line) => format!(
                "`{command}` on {on} shows `{}`, not {expected}",
                excerpt(line, "")
            ),
            None => format!("`{command}` on {on} shows nothing yet; {expected} is expected"),
        },
    )
}

/// A line, or when it is long the part that matters.
fn excerpt<'a>(line: &'a str, part: &'a str) -> &'a str {
    const LONG: usize = 60;
    if line.chars().count() <= LONG {
        line.trim()
    } else if part.is_empty() {
        let end = line
            .char_indices()
            .nth(LONG)
            .map_or(line.len(), |(at, _)| at);
        line[..end].trim()
    } else {
        part
    }
}

pub(super) fn remote(
    command: &RemoteCommand,
    shows: Option<&str>,
    otherwise: &str,
    outcome: Option<&Result<RemoteOutput, String>>,
) -> Verdict {
    let on = command.on;
    let asked = asked(&command.run);
    match (outcome, shows) {
        (None, _) => Verdict::CouldNotCheck(format!("{on} has not been asked yet (`{asked}`)")),
        (Some(Err(why)), _) => {
            Verdict::CouldNotCheck(format!("{on} could not be asked (`{asked}`): {why}"))
        }
        (Some(Ok(output)), Some(part)) => {
            match output.stdout.lines().find(|line| line.contains(part)) {
                Some(line) => Verdict::Passed(format!("{on} says {}", excerpt(line, part))),
                None => {
                    let first = output.stdout.lines().find(|line| !line.trim().is_empty());
                    let shown = first.map_or_else(
                        || "nothing".to_owned(),
                        |line| format!("`{}`", excerpt(line, "")),
                    );
                    Verdict::NotYet(format!("{otherwise} (`{asked}` on {on} shows {shown})"))
                }
            }
        }
        (Some(Ok(output)), None) if output.status == 0 => {
            Verdict::Passed(format!("{on} confirms it (`{asked}`: exit status 0)"))
        }
        (Some(Ok(output)), None) => Verdict::NotYet(format!(
            "{otherwise} (`{asked}` on {on}: exit status {})",
            output.status
        )),
    }
}

/// A command that was run on a machine, in one line; the beginning tells which it was.
fn asked(run: &str) -> String {
    const LONG: usize = 40;
    let line = run.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONG) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
