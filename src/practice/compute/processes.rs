//! The shells that run on a host, as its other users see them: who, on which terminal, standing where. What they run is
//! the shells' own business.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures::task::AtomicWaker;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::descriptors::Descriptors;
use super::keyboard::Keyboard;

/// Processes of the boot have lower numbers.
const FIRST: u32 = 2301;
/// `kernel.pid_max` of a machine with two processors; after it numbers begin again.
const LAST: u32 = 32_768;

/// So many shells a machine with 1 GiB can have at once; the next is refused.
const MOST: usize = 400;

/// A shell that runs.
#[derive(Debug)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The name of its user.
    pub user: String,
    /// Its terminal: `0` is pts/0.
    pub terminal: Option<u32>,
    /// Since when it runs.
    pub since: Timestamp,
    state: Mutex<State>,
    /// What its terminal shows at once, and what a program on it says that was interrupted.
    unshown: Mutex<Unshown>,
    /// That its terminal was looked at.
    looked: Notify,
    /// Who looks at its terminal.
    watcher: AtomicWaker,
    /// What is typed at its terminal while programs run.
    pub keyboard: Arc<Keyboard>,
    /// What it holds open by number.
    pub descriptors: Descriptors,
    signals: watch::Sender<i32>,
    table: Weak<Mutex<Table>>,
}

/// What programs say past the shell.
#[derive(Debug, Default)]
struct Unshown {
    live: String,
    /// How often the terminal has been looked at.
    looks: u64,
    /// Nobody will look at it any more.
    deserted: bool,
    last_words: String,
}

#[derive(Debug)]
struct State {
    command: String,
    directory: String,
}

impl Process {
    /// As `ps` shows it.
    #[must_use]
    pub fn command(&self) -> String {
        self.state().command.clone()
    }

    /// What it is called from now on.
    pub fn set_command(&self, command: &str) {
        command.clone_into(&mut self.state().command);
    }

    /// Its working directory, absolute.
    #[must_use]
    pub fn directory(&self) -> String {
        self.state().directory.clone()
    }

    /// It stands there from now on.
    pub fn stand(&self, directory: &str) {
        let mut state = self.state();
        if state.directory != directory {
            directory.clone_into(&mut state.directory);
        }
    }

    /// Says this on behalf of a program that is interrupted and cannot write any more: whoever interrupts the shell
    /// shows it after that.
    pub fn leave(&self, words: &str) {
        self.unshown().last_words.push_str(words);
    }

    /// Takes what was said at an interruption.
    #[must_use]
    pub fn take_last_words(&self) -> String {
        std::mem::take(&mut self.unshown().last_words)
    }

    /// Has the terminal show this now: what a program writes otherwise is shown when it ends, if it is the shell of a
    /// terminal that runs it.
    pub fn show(&self, text: &str) {
        self.unshown().live.push_str(text);
    }

    /// The same after all that its shell has written until now. Only for the shell of a terminal, which is looked at.
    pub async fn show_in_order(&self, text: &str) {
        let before = self.unshown().looks;
        loop {
            let looked = self.looked.notified();
            {
                let mut unshown = self.unshown();
                if unshown.deserted {
                    return;
                }
                if unshown.looks != before {
                    unshown.live.push_str(text);
                    break;
                }
            }
            self.watcher.wake();
            looked.await;
        }
        self.watcher.wake();
    }

    /// Takes what the terminal is to show now.
    #[must_use]
    pub fn take_live(&self) -> String {
        std::mem::take(&mut self.unshown().live)
    }

    /// Notes that whoever looks at the terminal has seen what its shell has written until now.
    pub fn look(&self) {
        self.unshown().looks += 1;
        self.looked.notify_waiters();
    }

    /// Whoever looks at the terminal is told when there is something to be seen.
    pub fn watch(&self, waker: &std::task::Waker) {
        self.watcher.register(waker);
    }

    /// Nobody looks at the terminal any more.
    pub fn desert(&self) {
        self.unshown().deserted = true;
        self.looked.notify_waiters();
    }

    fn unshown(&self) -> MutexGuard<'_, Unshown> {
        self.unshown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends it a signal, by number.
    pub fn signal(&self, signal: i32) {
        self.signals.send_replace(signal);
    }

    /// Waits for a signal.
    pub async fn signalled(&self) -> i32 {
        let mut signals = self.signals.subscribe();
        let signal = signals.wait_for(|signal| *signal != 0).await;
        match signal.ok().map(|signal| *signal) {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table.running.remove(&self.pid);
        }
    }
}

/// What is known of a shell before it runs.
#[derive(Debug, Clone, Default)]
pub struct Birth {
    /// The name of its user.
    pub user: String,
    /// Its terminal.
    pub terminal: Option<u32>,
    /// As `ps` shows it.
    pub command: String,
    /// Where it begins.
    pub directory: String,
}

#[derive(Debug)]
struct Table {
    running: BTreeMap<u32, Weak<Process>>,
    next: u32,
}

/// All shells of a host.
#[derive(Debug)]
pub struct Processes {
    table: Arc<Mutex<Table>>,
}

impl Default for Processes {
    fn default() -> Self {
        let table = Table {
            running: BTreeMap::new(),
            next: FIRST,
        };
        Self {
            table: Arc::new(Mutex::new(table)),
        }
    }
}

impl Processes {
    /// Begins one; it is listed until the last reference to it is dropped.
    #[must_use]
    pub fn begin(&self, birth: Birth, since: Timestamp) -> Arc<Process> {
        let mut table = self.table();
        while table.running.contains_key(&table.next) {
            table.next = following(table.next);
        }
        let pid = table.next;
        table.next = following(pid);
        let process = Arc::new(Process {
            pid,
            user: birth.user,
            terminal: birth.terminal,
            since,
            state: Mutex::new(State {
                command: birth.command,
                directory: birth.directory,
            }),
            unshown: Mutex::default(),
            looked: Notify::new(),
            watcher: AtomicWaker::new(),
            keyboard: Arc::default(),
            descriptors: Descriptors::default(),
            signals: watch::Sender::new(0),
            table: Arc::downgrade(&self.table),
        });
        table.running.insert(pid, Arc::downgrade(&process));
        process
    }

    /// All that run, by number.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Process>> {
        self.table()
            .running
            .values()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// Whether there can be no more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.table().running.len() >= MOST
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn following(pid: u32) -> u32 {
    if pid < LAST { pid + 1 } else { FIRST }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Birth, Processes};

    #[test]
    fn a_process_is_listed_while_it_is_held() {
        let all = Processes::default();
        let first = all.begin(Birth::default(), Timestamp::UNIX_EPOCH);
        let second = all.begin(Birth::default(), Timestamp::UNIX_EPOCH);
        assert!(first.pid < second.pid);
        second.stand("/mnt");
        drop(first);
        let left = all.all();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].directory(), "/mnt");
    }
}
