//! Advisory locks on whole files (`flock`), seen by every host that has the tree mounted, as EFS does it. How long
//! somebody waits for one stays outside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::inode::Ino;

/// Who holds a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holders {
    /// One, alone.
    One,
    /// So many together.
    Some(usize),
}

/// The locks of one tree.
#[derive(Debug, Default)]
pub struct Locks {
    held: Mutex<BTreeMap<Ino, Holders>>,
    freed: Notify,
}

impl Locks {
    /// Takes a lock, alone or together with others who want it so; `None`: somebody is in the way.
    pub fn take(self: &Arc<Self>, ino: Ino, alone: bool) -> Option<Lock> {
        let mut held = self.held();
        let holders = match (held.get(&ino), alone) {
            (None, true) => Holders::One,
            (None, false) => Holders::Some(1),
            (Some(Holders::Some(others)), false) => Holders::Some(others + 1),
            (Some(_), _) => return None,
        };
        held.insert(ino, holders);
        Some(Lock {
            locks: Arc::clone(self),
            ino,
        })
    }

    /// Whenever one is given back after this was called.
    pub fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<Ino, Holders>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lock; dropped, it is given back: with its process, and with the host of that.
#[derive(Debug)]
pub struct Lock {
    locks: Arc<Locks>,
    ino: Ino,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut held = self.locks.held();
        match held.get_mut(&self.ino) {
            Some(Holders::Some(others)) if *others > 1 => *others -= 1,
            _ => drop(held.remove(&self.ino)),
        }
        drop(held);
        self.locks.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Locks;

    #[test]
    fn one_alone_or_several_together_hold_a_file() {
        let locks = Arc::new(Locks::default());
        let alone = locks.take(1, true).unwrap();
        assert!(locks.take(1, true).is_none() && locks.take(1, false).is_none());
        assert!(locks.take(2, true).is_some());
        drop(alone);
        let (one, other) = (locks.take(1, false).unwrap(), locks.take(1, false).unwrap());
        drop(one);
        assert!(locks.take(1, true).is_none());
        drop(other);
        assert!(locks.take(1, true).is_some());
    }
}
