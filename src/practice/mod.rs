//! The practice account: an AWS of one's own on 127.0.0.1, reached only over HTTP and SSH.
//!
//! It speaks the AWS wire protocols (`aws`), runs stacks (`cfn`), boots instances as virtual Linux hosts (`compute`)
//! and keeps their files (`storage`). Nothing of the lab's own modules may enter here: the account knows AWS, not efslab.

mod account;
mod aws;
mod cfn;
pub mod clock;
pub mod compute;
mod driver;
mod error;
pub mod faults;
mod hosts;
mod policy;
mod private;
mod reset;
mod sessions;
mod sshd;
mod states;
mod storage;
mod store;
mod surroundings;
mod uuid;
mod world;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::account::Account;
use self::clock::{Clock, Pace};
use self::compute::{Fleet, Surroundings};
use self::faults::Faults;
use self::hosts::{Hosts, Machines};
use self::storage::Files;
use self::store::{Identity, Store};
pub use self::store::{StoreError, is_served};
use self::world::World;
use self::world::place::is_region;

/// The region of an account that is told none.
const DEFAULT_REGION: &str = "us-east-1";
/// How often the time is written down while it passes by itself.
const KEEP_TIME: Duration = Duration::from_secs(5);
/// For requests under way to be answered when the account stops.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// How an account is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it is kept: made, for its owner only, if it is not there.
    pub data_dir: PathBuf,
    /// On which port; `None`: on the one it had last, or on any that is free.
    pub port: Option<u16>,
    /// How fast its time passes.
    pub pace: Pace,
    /// Its region; `None`: the one it has, or us-east-1.
    pub region: Option<String>,
    /// Makes ids and addresses the same every time.
    pub seed: Option<u64>,
    /// What goes wrong by itself.
    pub faults: Arc<Faults>,
}

/// Why an account could not be served.
#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    /// Its data could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The port is taken.
    #[error("port {port} on 127.0.0.1 is in use by another program")]
    PortInUse {
        /// The port asked for.
        port: u16,
    },
    /// The port cannot be had for another reason.
    #[error("could not listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port asked for; 0 for any.
        port: u16,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The name is no region's.
    #[error("{0} is not the name of a region")]
    NoRegion(String),
    /// An account stays in its region.
    #[error(
        "this practice account is in {has}, not in {wanted}; use another data directory, or reset it"
    )]
    OtherRegion {
        /// Its region.
        has: String,
        /// The one asked for.
        wanted: String,
    },
    /// Its hosts could not be made.
    #[error("the hosts of the practice account could not be made: {0}")]
    Hosts(String),
    /// What ran could not be started again.
    #[error("the practice account could not be resumed: {0}")]
    Resume(String),
}

/// An account that is being served. Dropped without [`Running::stop`] it stops as if killed, which loses nothing that
/// was acknowledged.
pub struct Running {
    /// `http://127.0.0.1:PORT`
    pub endpoint_url: String,
    /// `AKIA…`; there is no session token.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// Twelve digits.
    pub account_id: String,
    /// e.g. `us-east-1`.
    pub region: String,
    account: Arc<Account>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// The account's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.account.clock.clone()
    }

    /// Stops serving: requests under way are answered, hosts shut down, files and time are written.
    pub async fn stop(mut self) {
        self.stop.cancel();
        for task in std::mem::take(&mut self.tasks) {
            let abort = task.abort_handle();
            // One that panicked has said so; a client that does not let go is left.
            if tokio::time::timeout(LAST_ANSWERS, task).await.is_err() {
                abort.abort();
            }
        }
        if let Some(hosts) = self.account.hosts() {
            hosts.shut_down().await;
        }
        if let Err(error) = self.account.keep_time() {
            tracing::warn!(%error, "the account's time could not be written down");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        for task in &self.tasks {
            task.abort();
        }
        // Before the account goes: what a script is refused by an account that is gone must not count as its end.
        if let Some(hosts) = self.account.hosts() {
            hosts.cut_off();
        }
    }
}

fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Serves the account of `options`; returns once it answers.
pub async fn start(options: Options) -> Result<Running, PracticeError> {
    serve(options, |clock, directory, surroundings| {
        let files = Files::open(directory).map_err(|error| error.to_string())?;
        let fleet = Fleet::new(clock, files.clone(), surroundings);
        Ok(Box::new(Machines { fleet, files }))
    })
    .await
}

/// Serves an account with the hosts that `hosts` makes.
async fn serve(
    options: Options,
    hosts: impl FnOnce(Clock, &Path, Arc<dyn Surroundings>) -> Result<Box<dyn Hosts>, String>,
) -> Result<Running, PracticeError> {
    let store = Store::open(&options.data_dir)?;
    let mut identity = identity(&store, options.region)?;
    let (listener, port) = listen(options.port, identity.port).await?;
    identity.port = Some(port);
    store.keep_identity(&identity)?;

    let now = store.time()?.unwrap_or_else(Timestamp::now);
    let clock = Clock::new(options.pace, now);
    let mut world = World::new(identity.place.clone(), now, options.seed);
    store.load(&mut world)?;
    let (changes, news) = tokio::sync::mpsc::unbounded_channel();
    let account = Arc::new(Account::new(
        identity.clone(),
        clock.clone(),
        endpoint(port),
        world,
        store,
        options.faults,
        changes,
    ));
    let view = Arc::new(surroundings::View(Arc::downgrade(&account)));
    let hosts = hosts(clock, &options.data_dir, view).map_err(PracticeError::Hosts)?;
    account.populate(hosts);
    driver::resume(&account)
        .await
        .map_err(|error| PracticeError::Resume(error.to_string()))?;

    let stop = CancellationToken::new();
    let router = aws::router(Arc::downgrade(&account));
    let router = router.into_make_service_with_connect_info::<aws::Cut>();
    let server = axum::serve(aws::Lines(listener), router)
        .with_graceful_shutdown(stop.clone().cancelled_owned());
    let tasks = vec![
        tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the practice account stopped serving");
            }
        }),
        tokio::spawn(until(
            stop.clone(),
            driver::drive(Arc::clone(&account), news),
        )),
        tokio::spawn(until(stop.clone(), keep_time(Arc::clone(&account)))),
        tokio::spawn(until(stop.clone(), aws::watch_alarms(Arc::clone(&account)))),
        tokio::spawn(until(
            stop.clone(),
            aws::watch_schedules(Arc::clone(&account)),
        )),
        tokio::spawn(until(stop.clone(), states::drive(Arc::clone(&account)))),
    ];
    Ok(Running {
        endpoint_url: endpoint(port),
        access_key_id: identity.access_key_id,
        secret_access_key: identity.secret_access_key,
        account_id: identity.place.account_id,
        region: identity.place.region,
        account,
        stop,
        tasks,
    })
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// Account time must not go back further than this when the account is killed.
async fn keep_time(account: Arc<Account>) {
    let mut kept = account.clock.now();
    loop {
        tokio::time::sleep(KEEP_TIME).await;
        let now = account.clock.now();
        if now == kept {
            continue;
        }
        kept = now;
        if let Err(error) = account.keep_time() {
            tracing::warn!(%error, "the account's time could not be written down");
        }
    }
}

fn identity(store: &Store, wanted: Option<String>) -> Result<Identity, PracticeError> {
    if let Some(region) = wanted.as_ref().filter(|region| !is_region(region)) {
        return Err(PracticeError::NoRegion(region.clone()));
    }
    match (store.identity()?, wanted) {
        (Some(identity), Some(wanted)) if identity.place.region != wanted => {
            Err(PracticeError::OtherRegion {
                has: identity.place.region,
                wanted,
            })
        }
        (Some(identity), _) => Ok(identity),
        (None, wanted) => Ok(Identity::random(
            wanted.unwrap_or_else(|| DEFAULT_REGION.to_owned()),
        )),
    }
}

/// Listens on the port asked for, else on the last one, else on any.
async fn listen(
    wanted: Option<u16>,
    last: Option<u16>,
) -> Result<(TcpListener, u16), PracticeError> {
    let bind = async |port: u16| {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let port = listener.local_addr()?.port();
        std::io::Result::Ok((listener, port))
    };
    if wanted.is_none()
        && let Some(last) = last
        && let Ok(bound) = bind(last).await
    {
        return Ok(bound);
    }
    let port = wanted.unwrap_or(0);
    bind(port).await.map_err(|source| {
        if source.kind() == std::io::ErrorKind::AddrInUse {
            PracticeError::PortInUse { port }
        } else {
            PracticeError::Listen { port, source }
        }
    })
}

#[cfg(test)]
mod tests;
