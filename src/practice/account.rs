//! The account while it is served: its world, its clock, its hosts, and the one way in which the world is changed.
//!
//! A change is on disk before the caller hears of it. The wire does not enter here.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::cfn::Engine;
use super::clock::{Activity, Clock};
use super::error::AwsError;
use super::faults::Faults;
use super::hosts::Hosts;
use super::store::{Identity, Store};
use super::world::World;

/// The account.
pub struct Account {
    /// Who it is.
    pub identity: Identity,
    /// Its time.
    pub clock: Clock,
    /// Counts the changes of its world, for those who look again after each.
    pub generation: watch::Sender<u64>,
    /// What goes wrong by itself.
    pub faults: Arc<Faults>,
    state: Mutex<State>,
    hosts: OnceLock<Box<dyn Hosts>>,
    changes: UnboundedSender<Activity>,
}

/// What is changed together.
pub struct State {
    /// What exists.
    pub world: World,
    /// The stack engine.
    pub engine: Engine,
    store: Store,
}

impl Account {
    /// The account with this world. `changes` is told of every change, by an activity that lasts until it is looked at.
    pub fn new(
        identity: Identity,
        clock: Clock,
        endpoint: String,
        mut world: World,
        store: Store,
        faults: Arc<Faults>,
        changes: UnboundedSender<Activity>,
    ) -> Self {
        world.endpoint = endpoint;
        world.faults = Arc::clone(&faults);
        Self {
            identity,
            clock,
            generation: watch::Sender::new(0),
            faults,
            state: Mutex::new(State {
                world,
                engine: Engine::default(),
                store,
            }),
            hosts: OnceLock::new(),
            changes,
        }
    }

    /// Gives the account its hosts.
    pub fn populate(&self, hosts: Box<dyn Hosts>) {
        // Only ever called once, before anything is served.
        let _ = self.hosts.set(hosts);
    }

    /// Its hosts. None before it is served.
    pub fn hosts(&self) -> Option<&dyn Hosts> {
        self.hosts.get().map(AsRef::as_ref)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the world.
    pub fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        let mut state = self.state();
        state.world.now = self.clock.now();
        look(&state.world)
    }

    /// Changes the world: as a whole, durably, or not at all.
    pub fn write<T>(
        &self,
        change: impl FnOnce(&mut World) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        let (result, touched) = self.change(|state| change(&mut state.world));
        if touched {
            // Nobody listens any more when the account has stopped.
            let _ = self.changes.send(self.clock.activity());
        }
        result
    }

    /// Volumes and snapshots whose contents nothing needs any more.
    pub fn take_discarded(&self) -> Vec<String> {
        let mut state = self.state();
        // Left over only by a change that panicked half way.
        state.world.take_back();
        state.world.take_discarded()
    }

    /// Has whoever is told of changes look again: something happened on a host.
    pub fn look_again(&self) {
        let _ = self.changes.send(self.clock.activity());
    }

    /// Changes the world without telling of it: for the one who is told.
    pub fn advance<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        self.change(change).0
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, AwsError>,
    ) -> (Result<T, AwsError>, bool) {
        let mut state = self.state();
        // Left over only by a change that panicked half way.
        state.world.take_back();
        state.world.now = self.clock.now();
        let result = change(&mut state).and_then(|value| state.commit().map(|()| value));
        let touched = result.is_ok() && state.world.is_touched();
        if result.is_ok() {
            state.world.keep();
            if touched {
                self.generation.send_modify(|generation| *generation += 1);
            }
        } else {
            state.world.take_back();
        }
        (result, touched)
    }

    /// Writes the time down, so that it does not go back when the account is killed.
    pub fn keep_time(&self) -> Result<(), rusqlite::Error> {
        let now = self.clock.now();
        self.state().store.commit(&[], now)
    }
}

impl State {
    fn commit(&mut self) -> Result<(), AwsError> {
        if !self.world.is_touched() {
            return Ok(());
        }
        let rows = self.world.touched().map_err(AwsError::internal)?;
        self.store.commit(&rows, self.world.now).map_err(|error| {
            AwsError::internal(format!("the change could not be written down: {error}"))
        })
    }
}
