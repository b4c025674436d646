//! The journal of a host: what programs and services have said. logger writes it, journalctl shows it.

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use crate::practice::compute::host::{Host, Seat};

/// Where it is kept, as lines.
const JOURNAL: &str = "/var/log/journal/messages";

/// Adds a line of `who` (`sshd`, `systemd`).
pub fn log(host: &Host, who: &str, text: &str) {
    let disk = host.root();
    let at = host.clock.now().strftime("%b %d %H:%M:%S");
    let name = host.hostname();
    let lines: Vec<_> = text
        .lines()
        .map(|line| format!("{at} {name} {who}: {line}\n"))
        .collect();
    let written = disk
        .make_dirs("/var/log/journal")
        .and_then(|()| disk.append(JOURNAL, lines.concat().as_bytes()));
    if let Err(error) = written {
        tracing::debug!(%error, "a line of the journal was lost");
    }
}

/// `logger`
pub struct Logger;

#[async_trait]
impl Program for Logger {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut tag = seat.user.name.clone();
        let mut echo = false;
        let mut words = Vec::new();
        let mut args = call.args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-t" | "--tag" => match args.next() {
                    Some(text) => tag.clone_from(text),
                    None => return call.unknown_option(1, arg).await,
                },
                "-p" | "--priority" => _ = args.next(),
                "-s" | "--stderr" => echo = true,
                "-i" | "--" => {}
                _ if arg.len() > 1 && arg.starts_with('-') && words.is_empty() => {
                    return call.unknown_option(1, arg).await;
                }
                _ => words.push(arg.as_str()),
            }
        }
        let text = if words.is_empty() {
            String::from_utf8_lossy(&call.input().await?).into_owned()
        } else {
            words.join(" ")
        };
        if echo {
            call.complain(format!("{tag}: {text}")).await?;
        }
        log(&seat.host, &tag, &text);
        Ok(0)
    }
}

/// `journalctl`
pub struct Journalctl;

#[async_trait]
impl Program for Journalctl {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut units = Vec::new();
        let mut count = None;
        let mut reverse = false;
        let mut args = call.args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-u" | "--unit" | "-t" | "--identifier" => match args.next() {
                    Some(unit) => units.push(unit.trim_end_matches(".service").to_owned()),
                    None => return call.unknown_option(1, arg).await,
                },
                "-n" | "--lines" => {
                    count = args.next().and_then(|text| text.parse().ok()).or(Some(10));
                }
                "-r" | "--reverse" => reverse = true,
                "--no-pager" | "-b" | "--boot" | "-x" | "-e" | "-q" | "-a" | "-l" | "-xe" => {}
                "-f" | "--follow" => {
                    let what = "journalctl: a practice instance cannot follow its journal";
                    return call.fail(1, what).await;
                }
                _ => match arg.strip_prefix("--unit=") {
                    Some(unit) => units.push(unit.trim_end_matches(".service").to_owned()),
                    None => return call.unknown_option(1, arg).await,
                },
            }
        }
        // Only root and the groups adm, systemd-journal and wheel may read all of it.
        let identity = &seat.user.identity;
        if !identity.is_root() && ![4, 10, 190].iter().any(|group| identity.in_group(*group)) {
            return call
                .fail(
                    1,
                    "No journal files were opened due to insufficient permissions.",
                )
                .await;
        }
        let text = seat.host.root().read(JOURNAL).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines = selected(&text, &units, count, reverse);
        if lines.is_empty() {
            return call.done("-- No entries --").await;
        }
        call.done(lines.join("\n")).await
    }
}

fn selected<'a>(
    text: &'a str,
    units: &[String],
    count: Option<usize>,
    reverse: bool,
) -> Vec<&'a str> {
    let of = |line: &&str| {
        let who = line.split_whitespace().nth(4).unwrap_or_default();
        let who = who
            .trim_end_matches(':')
            .split('[')
            .next()
            .unwrap_or_default();
        units.is_empty() || units.iter().any(|unit| unit.eq_ignore_ascii_case(who))
    };
    let mut lines: Vec<_> = text.lines().filter(of).collect();
    if let Some(count) = count {
        lines.drain(..lines.len().saturating_sub(count));
    }
    if reverse {
        lines.reverse();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::selected;

    #[test]
    fn lines_are_chosen_by_unit_and_counted_from_the_end() {
        let text = "Jan 05 12:00:00 ip sshd[1]: a\nJan 05 12:00:01 ip root: b\nJan 05 12:00:02 ip sshd: c\n";
        assert_eq!(selected(text, &["sshd".to_owned()], None, false).len(), 2);
        assert_eq!(
            selected(text, &[], Some(1), false),
            ["Jan 05 12:00:02 ip sshd: c"]
        );
        assert_eq!(
            selected(text, &[], Some(2), true)[1],
            "Jan 05 12:00:01 ip root: b"
        );
        assert!(selected(text, &["crond".to_owned()], None, false).is_empty());
    }
}
