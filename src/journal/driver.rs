//! Who drives a lab: a lock that the kernel takes back when the program dies. Only the lock lives here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;

use rustix::fs::{FlockOperation, flock};

/// The right to drive one lab; given back when dropped, or by the kernel when the program dies.
#[derive(Debug)]
pub struct Driver {
    lock: File,
}

/// What came of asking for the right to drive.
pub(super) enum Asked {
    /// It is ours.
    Given(Driver),
    /// The process of this id has it.
    Taken(String),
}

impl Driver {
    /// Asks for the right that `file` stands for.
    pub(super) fn ask(file: &Path) -> io::Result<Asked> {
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(file)?;
        while flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            if held(&lock) {
                return Ok(Asked::Taken(written(file)));
            }
            // Only somebody who looks, as `seen` does; that takes a moment.
            thread::yield_now();
        }
        lock.set_len(0)?;
        (&lock).write_all(std::process::id().to_string().as_bytes())?;
        Ok(Asked::Given(Self { lock }))
    }

    /// The process that has the right that `file` stands for; looking is in nobody's way.
    pub(super) fn seen(file: &Path) -> Option<String> {
        let lock = File::open(file).ok()?;
        held(&lock).then(|| written(file))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Said aloud: a child that is just being started still has a copy of the file for a moment.
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}

/// Whether a driver holds it. Lookers share it, so that they never take one another for a driver.
fn held(lock: &File) -> bool {
    let shared = flock(lock, FlockOperation::NonBlockingLockShared);
    let held = shared.is_err();
    if !held {
        // A failure leaves it shared, which ends with the file.
        let _ = flock(lock, FlockOperation::Unlock);
    }
    held
}

fn written(file: &Path) -> String {
    fs::read_to_string(file)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn given(file: &Path) -> bool {
        matches!(Driver::ask(file).unwrap(), Asked::Given(_))
    }

    #[test]
    fn one_drives_and_the_others_learn_who() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("driver");
        assert_eq!(Driver::seen(&file), None);
        assert!(!file.exists(), "looking leaves nothing");
        let me = std::process::id().to_string();
        let Asked::Given(driver) = Driver::ask(&file).unwrap() else {
            panic!("nobody else drives");
        };
        assert!(matches!(Driver::ask(&file).unwrap(), Asked::Taken(pid) if pid == me));
        assert_eq!(Driver::seen(&file), Some(me));
        drop(driver);
        assert_eq!(Driver::seen(&file), None);
        assert!(given(&file));
    }

    #[test]
    fn whoever_looks_keeps_nobody_from_driving() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("driver");
        assert!(given(&file));
        let enough = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !enough.load(Ordering::Relaxed) {
                        Driver::seen(&file);
                    }
                });
            }
            let refused = (0..200).filter(|_| !given(&file)).count();
            enough.store(true, Ordering::Relaxed);
            assert_eq!(refused, 0);
        });
    }
}
