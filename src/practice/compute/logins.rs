//! Who is logged in on a terminal, and the record of boots and logins that `who` and `last` read. Who may log in is
//! decided elsewhere.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::host::Host;

/// Where boots and logins are written down. The real file has records of numbers; this one has lines.
const RECORD: &str = "/var/log/wtmp";

/// Somebody on a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// `0` is pts/0.
    pub terminal: u32,
    /// Where from.
    pub from: Ipv4Addr,
    /// Since when.
    pub since: Timestamp,
}

/// Who is logged in.
#[derive(Debug, Default)]
pub struct Logins {
    open: Mutex<BTreeMap<u32, Login>>,
}

impl Logins {
    /// All, by terminal.
    #[must_use]
    pub fn all(&self) -> Vec<Login> {
        self.open().values().cloned().collect()
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u32, Login>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A login that ends when this is dropped.
pub struct Stay {
    host: Arc<Host>,
    /// Its terminal.
    pub terminal: u32,
}

impl Stay {
    /// Begins one on the first free terminal.
    #[must_use]
    pub fn begin(host: &Arc<Host>, user: &str, from: Ipv4Addr) -> Self {
        let mut open = host.logins.open();
        let most = u32::try_from(open.len()).unwrap_or(u32::MAX);
        let free = (0..most).find(|terminal| !open.contains_key(terminal));
        let terminal = free.unwrap_or(most);
        let login = Login {
            user: user.to_owned(),
            terminal,
            from,
            since: host.clock.now(),
        };
        open.insert(terminal, login);
        drop(open);
        note(host, &format!("login {user} pts/{terminal} {from}"));
        Self {
            host: Arc::clone(host),
            terminal,
        }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.host.logins.open().remove(&self.terminal);
        // What the power ends leaves no line of its own; `down` is the end of all.
        if !self.host.power.is_cancelled() {
            note(&self.host, &format!("logout pts/{}", self.terminal));
        }
    }
}

/// The machine has come up.
pub fn booted(host: &Host) {
    note(host, &format!("boot {}", host.spec.edition.kernel()));
}

/// The machine goes down as it should.
pub fn going_down(host: &Host) {
    note(host, "down");
}

fn note(host: &Host, what: &str) {
    let line = format!("{} {what}\n", host.clock.now().as_second());
    if let Err(why) = host.root().append(RECORD, line.as_bytes()) {
        tracing::debug!(%why, "a login was not written down");
    }
}

/// How a stay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It has not.
    Still,
    /// By a logout, or at the next boot.
    At(Timestamp),
    /// The machine went down as it should.
    Down(Timestamp),
    /// The machine went away under it.
    Crash(Timestamp),
}

/// One line of `last`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `ec2-user`, `reboot`.
    pub user: String,
    /// `pts/0`, `system boot`.
    pub terminal: String,
    /// The address, or the version of the kernel.
    pub from: String,
    /// When it began.
    pub since: Timestamp,
    /// When it ended.
    pub end: End,
}

/// What is written down on this host, oldest first, and when the record begins.
#[must_use]
pub fn history(host: &Host) -> (Vec<Entry>, Option<Timestamp>) {
    let text = host.root().read_text(RECORD).unwrap_or_default();
    parse(&text)
}

fn parse(text: &str) -> (Vec<Entry>, Option<Timestamp>) {
    let mut entries: Vec<Entry> = Vec::new();
    let mut first = None;
    // Whatever is open ends with one of these.
    let close = |entries: &mut Vec<Entry>, is: &dyn Fn(&Entry) -> bool, end: End| {
        for entry in entries.iter_mut() {
            if entry.end == End::Still && is(entry) {
                entry.end = end;
            }
        }
    };
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let Some((at, what)) = words.split_first() else {
            continue;
        };
        let Some(at) = at
            .parse()
            .ok()
            .and_then(|at| Timestamp::from_second(at).ok())
        else {
            continue;
        };
        first = first.or(Some(at));
        let entry = |user: &str, terminal: &str, from: &str| Entry {
            user: user.to_owned(),
            terminal: terminal.to_owned(),
            from: from.to_owned(),
            since: at,
            end: End::Still,
        };
        match what {
            ["boot", release] => {
                close(
                    &mut entries,
                    &|entry| entry.user != "reboot",
                    End::Crash(at),
                );
                close(&mut entries, &|_| true, End::At(at));
                entries.push(entry("reboot", "system boot", release));
            }
            ["down"] => close(&mut entries, &|_| true, End::Down(at)),
            ["login", user, terminal, from] => entries.push(entry(user, terminal, from)),
            ["logout", terminal] => {
                close(
                    &mut entries,
                    &|entry| entry.terminal == *terminal,
                    End::At(at),
                );
            }
            _ => {}
        }
    }
    (entries, first)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{End, parse};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_stay_ends_with_a_logout_with_the_machine_or_with_the_next_boot() {
        let (entries, first) = parse(
            "10 boot 6.1\n20 login bob pts/0 10.0.0.1\n30 logout pts/0\n40 login eve pts/0 10.0.0.2\n50 down\n\
             60 boot 6.1\n70 login bob pts/0 10.0.0.1\n80 boot 6.1\n90 login bob pts/1 10.0.0.1\n",
        );
        let ends: Vec<End> = entries.iter().map(|entry| entry.end).collect();
        assert_eq!(
            ends,
            [
                End::Down(at(50)),
                End::At(at(30)),
                End::Down(at(50)),
                End::At(at(80)),
                End::Crash(at(80)),
                End::Still,
                End::Still
            ]
        );
        assert_eq!(first, Some(at(10)));
    }
}
