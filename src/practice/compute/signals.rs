//! Signals between the shells of a host: `kill` with the number of one that `ps` shows. What a shell does about one is
//! its traps' business.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::BuildHasher;
use std::sync::Arc;

use bashkit::hooks::{HookAction, ToolEvent};
use bashkit::{Bash, BashBuilder};

use super::host::Seat;

/// Signals by name, as far as somebody sends them by hand.
const NAMES: &[(&str, i32)] = &[
    ("HUP", HANG_UP),
    ("INT", INTERRUPT),
    ("QUIT", 3),
    ("KILL", KILL),
    ("USR1", 10),
    ("USR2", 12),
    ("TERM", TERMINATE),
];
/// `SIGHUP`
pub const HANG_UP: i32 = 1;
/// `SIGINT`
pub const INTERRUPT: i32 = 2;
/// `SIGKILL`
pub const KILL: i32 = 9;
const TERMINATE: i32 = 15;
/// The shell itself, which is always there: what `kill` is told when its signals are on their way already.
const SELF: &str = "1";

/// Reads along for `kill`: the shell's own knows nothing but its own jobs.
#[must_use]
pub fn register(builder: BashBuilder, seat: &Seat) -> BashBuilder {
    let seat = seat.clone();
    builder.before_tool(Box::new(move |event| {
        HookAction::Continue(read(&seat, event))
    }))
}

fn read(seat: &Seat, mut event: ToolEvent) -> ToolEvent {
    if event.name != "kill" {
        return event;
    }
    let Some((signal, targets)) = parse(&event.args) else {
        return event;
    };
    let all = seat.host.processes.all();
    let mut sent = false;
    event.args.retain(|arg| {
        let Some(pid) = targets
            .contains(arg)
            .then(|| arg.parse::<u32>().ok())
            .flatten()
        else {
            return true;
        };
        let allowed = |user: &str| seat.user.identity.is_root() || user == seat.user.name;
        let found = all.iter().find(|one| one.pid == pid && allowed(&one.user));
        // One's own shell is signalled from inside.
        let Some(process) = found.filter(|one| !Arc::ptr_eq(one, &seat.process)) else {
            return true;
        };
        process.signal(signal);
        sent = true;
        false
    });
    if sent && !event.args.iter().any(|arg| targets.contains(arg)) {
        event.args = vec!["-0".to_owned(), SELF.to_owned()];
    }
    event
}

/// The signal and the operands of a call of `kill`; `None` when it sends nothing.
fn parse(args: &[String]) -> Option<(i32, Vec<String>)> {
    let mut signal = TERMINATE;
    let mut args = args.iter();
    let mut targets = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-l" | "-L" => return None,
            "-s" | "-n" => signal = number(args.next()?)?,
            "--" => {}
            _ if targets.is_empty() && arg.len() > 1 && arg.starts_with('-') => {
                signal = number(&arg[1..])?;
            }
            _ => targets.push(arg.clone()),
        }
    }
    (signal > 0).then_some((signal, targets))
}

fn number(text: &str) -> Option<i32> {
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let known = NAMES.iter().find(|(known, _)| *known == name);
    known
        .map(|(_, number)| *number)
        .or_else(|| name.parse().ok())
}

/// What is to be run in a shell that a signal has come to, after what it was doing: its traps, then its end. Traps of a
/// script do not outlive it, so they are set again.
#[must_use]
pub fn last_words(traps: &HashMap<String, String, impl BuildHasher>, signal: i32) -> String {
    let mut text = String::new();
    for (name, command) in traps {
        if !matches!(name.as_str(), "DEBUG" | "ERR" | "RETURN") {
            // Writing to a string does not fail.
            let _ = writeln!(text, "trap -- '{}' {name}", command.replace('\'', r"'\''"));
        }
    }
    let _ = write!(text, "kill -{signal} $$; exit {}", 128 + signal);
    text
}

/// A script that a command line runs as the only thing it does: like bash, which then becomes that command, a shell runs
/// it itself, so that its traps are the shell's.
pub struct Script {
    /// Its text.
    pub text: String,
    /// `$0`
    pub name: String,
    /// `$1` …
    pub args: Vec<String>,
}

impl Script {
    /// The script, if the line is one.
    pub async fn of(shell: &Bash, line: &str) -> Option<Self> {
        use bashkit::parser::{Command, Parser, WordPart};
        let parsed = Parser::new(line).parse().ok()?;
        let [Command::Simple(simple)] = parsed.commands.as_slice() else {
            return None;
        };
        if !simple.redirects.is_empty() || !simple.assignments.is_empty() {
            return None;
        }
        let mut words = Vec::new();
        for word in std::iter::once(&simple.name).chain(&simple.args) {
            let [WordPart::Literal(text)] = word.parts.as_slice() else {
                return None;
            };
            if !word.quoted && text.contains(['*', '?', '[', '{', '~']) {
                return None;
            }
            words.push(text.clone());
        }
        let called = matches!(
            words.first()?.as_str(),
            "bash" | "sh" | "/bin/bash" | "/bin/sh" | "/usr/bin/bash" | "/usr/bin/sh"
        );
        if called {
            words.remove(0);
        }
        let (name, args) = words.split_first()?;
        if name.starts_with('-') || !name.contains('/') {
            return None;
        }
        let path = shell.shell_state_view().cwd.join(name);
        let fs = shell.fs();
        let meta = fs.stat(&path).await.ok()?;
        if !called && meta.mode & 0o111 == 0 {
            return None;
        }
        let text = String::from_utf8(fs.read_file(&path).await.ok()?).ok()?;
        let shebang = text.lines().next().unwrap_or_default();
        let shells = [
            "#!/bin/bash",
            "#!/bin/sh",
            "#!/usr/bin/env bash",
            "#!/usr/bin/bash",
        ];
        if !called && !shells.contains(&shebang.trim_end()) {
            return None;
        }
        Some(Self {
            text,
            name: name.clone(),
            args: args.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn parsed(line: &str) -> Option<(i32, Vec<String>)> {
        let args: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        parse(&args)
    }

    #[test]
    fn a_signal_is_named_in_many_ways() {
        for line in [
            "5 6",
            "-15 5 6",
            "-TERM 5 6",
            "-s SIGTERM 5 6",
            "-n 15 -- 5 6",
        ] {
            let (signal, targets) = parsed(line).unwrap();
            assert_eq!((signal, targets.join(" ").as_str()), (15, "5 6"), "{line}");
        }
        assert_eq!(parsed("-9 7").unwrap().0, 9);
        assert_eq!(parsed("-l"), None);
        assert_eq!(parsed("-0 7"), None);
        assert_eq!(parsed("-NONE 7"), None);
    }
}
