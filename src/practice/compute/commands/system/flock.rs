//! `flock`: runs a command while a file is locked. On a share the lock holds for every instance that has it mounted.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use super::time::{interval, quoted};
use crate::practice::compute::host::Seat;
use crate::practice::storage::{Errno, Use};

/// Exit statuses of flock(1): those of sysexits(3).
const USAGE: i32 = 64;
const NO_INPUT: i32 = 66;
const UNAVAILABLE: i32 = 69;

/// `flock`
pub struct Flock;

#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    alone: bool,
    /// How long to wait; `None`: for ever.
    patience: Option<Duration>,
    conflict: i32,
    file: String,
    command: String,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, (i32, String)> {
        let misuse = |what: String| {
            let hint = "Try 'flock --help' for more information.";
            (USAGE, format!("flock: {what}\n{hint}"))
        };
        let (mut alone, mut patience, mut conflict) = (true, None, 1);
        let mut words = args.iter();
        let file = loop {
            let Some(word) = words.next() else {
                return Err(misuse(
                    "requires file descriptor, file or directory".to_owned(),
                ));
            };
            let mut value = || {
                let missing = || misuse(format!("option requires an argument -- '{word}'"));
                words.next().ok_or_else(missing)
            };
            match word.as_str() {
                "-s" | "--shared" => alone = false,
                "-x" | "-e" | "--exclusive" => alone = true,
                "-n" | "--nb" | "--nonblock" => patience = Some(Duration::ZERO),
                "-w" | "--wait" | "--timeout" => {
                    let text = value()?;
                    let bad = || misuse(format!("invalid timeout value: '{text}'"));
                    patience = Some(interval(text).ok_or_else(bad)?);
                }
                "-E" | "--conflict-exit-code" => {
                    let text = value()?;
                    let bad = |_| misuse(format!("invalid exit code: '{text}'"));
                    conflict = text.parse().map_err(bad)?;
                }
                "-o" | "--close" | "-F" | "--no-fork" | "--verbose" => {}
                "-u" | "--unlock" => {}
                _ if word.len() > 1 && word.starts_with('-') => {
                    return Err(misuse(format!("unrecognized option '{word}'")));
                }
                _ => break word.clone(),
            }
        };
        let rest: Vec<&String> = words.collect();
        let command = match rest.as_slice() {
            [] if file.bytes().all(|byte| byte.is_ascii_digit()) => {
                let what =
                    format!("flock: {file}: a practice instance locks files by their names only");
                return Err((UNAVAILABLE, what));
            }
            [] => return Err(misuse(format!("bad file descriptor: '{file}'"))),
            [option, line] if matches!(option.as_str(), "-c" | "--command") => (*line).clone(),
            words => {
                let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                words.join(" ")
            }
        };
        Ok(Self {
            alone,
            patience,
            conflict,
            file,
            command,
        })
    }
}

#[async_trait]
impl Program for Flock {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err((status, what)) => return call.fail(status, what).await,
        };
        let (view, path) = (seat.view(), call.path(&wanted.file));
        view.pass(&path, Use::Change).await;
        let made = match view.stat(&path) {
            Err(Errno::NotFound) => view.touch(&path),
            found => found.map(|_| ()),
        };
        let (locks, ino) = match made.and_then(|()| view.locks(&path)) {
            Ok(found) => found,
            Err(why) => {
                let what = format!("flock: cannot open lock file {}: {why}", wanted.file);
                return call.fail(NO_INPUT, what).await;
            }
        };
        let taken = async {
            loop {
                let freed = locks.freed();
                if let Some(lock) = locks.take(ino, wanted.alone) {
                    break lock;
                }
                freed.await;
            }
        };
        let lock = match wanted.patience {
            None => Some(seat.activity.wait(taken).await),
            Some(Duration::ZERO) => Arc::clone(&locks).take(ino, wanted.alone),
            Some(patience) => seat.activity.wait_at_most(patience, taken).await,
        };
        let Some(lock) = lock else {
            return Ok(wanted.conflict);
        };
        let status = Box::pin(call.shell(seat, &wanted.command, None)).await;
        drop(lock);
        Ok(status?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{UNAVAILABLE, USAGE, Wanted};

    fn read(line: &str) -> Result<Wanted, i32> {
        let args: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Wanted::read(&args).map_err(|(status, _)| status)
    }

    #[test]
    fn options_come_before_the_file_and_the_command_after_it() {
        let wanted = read("-s -w 5 -E 9 /run/x rsync -a b").unwrap();
        assert!(!wanted.alone);
        assert_eq!(wanted.patience, Some(Duration::from_secs(5)));
        assert_eq!((wanted.conflict, wanted.file.as_str()), (9, "/run/x"));
        assert_eq!(wanted.command, "'rsync' '-a' 'b'");
        assert_eq!(read("-n x -c true").unwrap().command, "true");
        assert_eq!(read("-n x").unwrap_err(), USAGE);
        assert_eq!(read("-n 9").unwrap_err(), UNAVAILABLE);
        assert_eq!(read("").unwrap_err(), USAGE);
    }
}
