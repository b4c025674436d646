//! `flock`: runs a command while a file is locked, or locks a file that the shell holds open. On a share the lock holds for
//! every instance that has it mounted.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use super::time::{interval, quoted};
use crate::practice::compute::host::Seat;
use crate::practice::storage::{Errno, Ino, Lock, Locks, Use};

/// Exit statuses of flock(1): those of sysexits(3).
const USAGE: i32 = 64;
const NO_DATA: i32 = 65;
const NO_INPUT: i32 = 66;

/// `flock`
pub struct Flock;

#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    alone: bool,
    /// How long to wait; `None`: for ever.
    patience: Option<Duration>,
    conflict: i32,
    unlock: bool,
    what: What,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    /// A file while a command runs.
    File { path: String, command: String },
    /// The file that the shell holds open so, until it is closed.
    Descriptor(i32),
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, (i32, String)> {
        let misuse = |what: String| {
            let hint = "Try 'flock --help' for more information.";
            (USAGE, format!("flock: {what}\n{hint}"))
        };
        let (mut alone, mut patience, mut conflict, mut unlock) = (true, None, 1, false);
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
                "-u" | "--unlock" => unlock = true,
                _ if word.len() > 1 && word.starts_with('-') => {
                    return Err(misuse(format!("unrecognized option '{word}'")));
                }
                _ => break word.clone(),
            }
        };
        let rest: Vec<&String> = words.collect();
        let what = match rest.as_slice() {
            [] => match file.parse() {
                Ok(number) if file.bytes().all(|byte| byte.is_ascii_digit()) => {
                    What::Descriptor(number)
                }
                _ => return Err(misuse(format!("bad file descriptor: '{file}'"))),
            },
            [option, line] if matches!(option.as_str(), "-c" | "--command") => What::File {
                path: file,
                command: (*line).clone(),
            },
            words => {
                let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                What::File {
                    path: file,
                    command: words.join(" "),
                }
            }
        };
        Ok(Self {
            alone,
            patience,
            conflict,
            unlock,
            what,
        })
    }

    /// Takes the lock of a file; `None`: somebody had it for as long as was waited.
    async fn take(&self, seat: &Seat, locks: &Arc<Locks>, ino: Ino) -> Option<Lock> {
        let taken = async {
            loop {
                let freed = locks.freed();
                if let Some(lock) = locks.take(ino, self.alone) {
                    break lock;
                }
                freed.await;
            }
        };
        match self.patience {
            None => Some(seat.activity.wait(taken).await),
            Some(Duration::ZERO) => Arc::clone(locks).take(ino, self.alone),
            Some(patience) => seat.activity.wait_at_most(patience, taken).await,
        }
    }
}

#[async_trait]
impl Program for Flock {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err((status, what)) => return call.fail(status, what).await,
        };
        match &wanted.what {
            What::File { path, command } => {
                let (locks, ino) = match found(seat, &call.path(path)).await {
                    Ok(found) => found,
                    Err(why) => {
                        let what = format!("flock: cannot open lock file {path}: {why}");
                        return call.fail(NO_INPUT, what).await;
                    }
                };
                let Some(lock) = wanted.take(seat, &locks, ino).await else {
                    return Ok(wanted.conflict);
                };
                let status = Box::pin(call.shell(seat, command, None)).await;
                drop(lock);
                Ok(status?.unwrap_or_default())
            }
            What::Descriptor(number) => {
                let descriptors = &seat.process.descriptors;
                let Some(path) = descriptors.path(*number) else {
                    let what = format!("flock: {number}: Bad file descriptor");
                    return call.fail(NO_DATA, what).await;
                };
                // One that is there is changed into the other, as flock(2) does it: by giving it back first.
                descriptors.hold(*number, None);
                if wanted.unlock {
                    return Ok(0);
                }
                let (locks, ino) = match found(seat, &path).await {
                    Ok(found) => found,
                    Err(why) => return call.fail(NO_DATA, format!("flock: {number}: {why}")).await,
                };
                let Some(lock) = wanted.take(seat, &locks, ino).await else {
                    return Ok(wanted.conflict);
                };
                descriptors.hold(*number, Some(lock));
                Ok(0)
            }
        }
    }
}

/// The locks that a file has a place in; it is made when it is not there.
async fn found(seat: &Seat, path: &str) -> Result<(Arc<Locks>, Ino), Errno> {
    let view = seat.view();
    view.pass(path, Use::Change).await;
    match view.stat(path) {
        Err(Errno::NotFound) => view.touch(path)?,
        found => drop(found?),
    }
    view.locks(path)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{USAGE, Wanted, What};

    fn read(line: &str) -> Result<Wanted, i32> {
        let args: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Wanted::read(&args).map_err(|(status, _)| status)
    }

    #[test]
    fn options_come_before_the_file_and_the_command_after_it() {
        let wanted = read("-s -w 5 -E 9 /run/x rsync -a b").unwrap();
        assert!(!wanted.alone);
        assert_eq!(wanted.patience, Some(Duration::from_secs(5)));
        assert_eq!(wanted.conflict, 9);
        let file = |path: &str, command: &str| What::File {
            path: path.to_owned(),
            command: command.to_owned(),
        };
        assert_eq!(wanted.what, file("/run/x", "'rsync' '-a' 'b'"));
        assert_eq!(read("-n x -c true").unwrap().what, file("x", "true"));
        assert_eq!(read("-n x").unwrap_err(), USAGE);
        assert_eq!(read("-n 9").unwrap().what, What::Descriptor(9));
        assert!(read("-u 9").unwrap().unlock);
        assert_eq!(read("").unwrap_err(), USAGE);
    }
}
