//! The server of a mounted share, as the kernel of the host that mounted it knows it: it answers, or its users wait.
//! How a share gets mounted stays outside.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::{Notify, watch};

use super::{journal, network};
use crate::practice::compute::Reach;
use crate::practice::compute::host::Host;
use crate::practice::storage::{Errno, Gate, Outcome, Patience, Use};

/// Where NFS listens.
pub const PORT: u16 = 2049;
/// Longer no request is waited for before it counts as unanswered (nfs(5), `timeo`).
const LONGEST: Duration = Duration::from_mins(10);

/// How patient a mount is with its server.
#[derive(Debug, Clone, Copy)]
pub struct Temper {
    /// For ever; else until its requests are unanswered.
    pub hard: bool,
    /// Until a request that is not answered is sent again, in tenths of a second.
    pub timeout: u64,
    /// How often it is sent again.
    pub retransmissions: u64,
}

impl Temper {
    /// After this a request counts as unanswered: the kernel's major timeout, `timeo` for the first try and for each
    /// that follows (`xprt_reset_majortimeo`).
    fn unanswered(self) -> Duration {
        let tenths = self
            .timeout
            .saturating_mul(self.retransmissions.saturating_add(1));
        Duration::from_millis(tenths.saturating_mul(100)).min(LONGEST)
    }
}

/// One server of a host.
pub struct Server {
    host: Weak<Host>,
    name: String,
    address: Ipv4Addr,
    share: String,
    temper: Temper,
    changes: watch::Receiver<u64>,
    given_up: Notify,
    state: Mutex<State>,
}

struct State {
    /// What was found at this change of the account.
    found: Option<(u64, bool)>,
    /// The kernel has complained about it.
    silent: bool,
}

impl Server {
    /// The server of a share, by the name and the address it is mounted under.
    pub fn new(
        host: &Arc<Host>,
        name: &str,
        address: Ipv4Addr,
        share: String,
        temper: Temper,
    ) -> Self {
        Self {
            host: Arc::downgrade(host),
            name: name.to_owned(),
            address,
            share,
            temper,
            changes: host.surroundings.changes(),
            given_up: Notify::new(),
            state: Mutex::new(State {
                found: None,
                silent: false,
            }),
        }
    }

    /// Whether it answers, asked anew after every change of the account.
    fn answers(&self) -> bool {
        let Some(host) = self.host.upgrade() else {
            return true;
        };
        let change = *self.changes.borrow();
        if let Some((_, found)) = self.state(|state| state.found.filter(|(at, _)| *at == change)) {
            return found;
        }
        let found = network::reach(&host, self.address, PORT);
        let answers =
            matches!(found, Reach::Nfs { file_system_id } if file_system_id == self.share);
        self.state(|state| state.found = Some((change, answers)));
        answers
    }

    fn state<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A line of the kernel, once, until the state is another.
    fn complain(&self, silent: bool) {
        let changed = self.state(|state| std::mem::replace(&mut state.silent, silent) != silent);
        let Some(host) = self.host.upgrade().filter(|_| changed) else {
            return;
        };
        let what = match (silent, self.temper.hard) {
            (false, _) => "OK",
            (true, true) => "not responding, still trying",
            (true, false) => "not responding, timed out",
        };
        let line = format!("nfs: server {} {what}", self.name);
        host.console_line(&line);
        journal::log(&host, "kernel", &line);
    }

    /// Waits until it answers.
    fn until_answered(&self) -> BoxFuture<'_, ()> {
        let mut changes = self.changes.clone();
        Box::pin(async move {
            changes.mark_unchanged();
            while !self.answers() {
                if changes.changed().await.is_err() {
                    // Nothing changes any more.
                    std::future::pending::<()>().await;
                }
            }
        })
    }
}

#[async_trait]
impl Gate for Server {
    fn is_open(&self, _purpose: Use) -> bool {
        self.answers()
    }

    async fn pass(&self, _purpose: Use, patience: &dyn Patience) -> Outcome<()> {
        let given_up = self.given_up.notified();
        let answered = async {
            let limit = Some(self.temper.unanswered());
            if !patience.wait(limit, self.until_answered()).await {
                self.complain(true);
                if !self.temper.hard {
                    return Err(Errno::Io);
                }
                patience.wait(None, self.until_answered()).await;
            }
            self.complain(false);
            Ok(())
        };
        tokio::select! {
            answered = answered => answered,
            () = given_up => Err(Errno::Io),
        }
    }

    fn give_up(&self) {
        self.given_up.notify_waiters();
    }
}
