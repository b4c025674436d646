//! What happens in the account by itself as its time passes: stacks get on, instances are powered on and off.
//!
//! One loop decides, from the world alone; so everything goes on after a kill where it was.

mod volumes;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::account::Account;
use super::clock::Activity;
use super::compute::{Edition, HostSpec, MetadataService};
use super::error::AwsError;
use super::hosts::Hosts;
use super::storage::Mode;
use super::world::World;
use super::world::images;
use super::world::instances::{Instance, Power, State};
use super::world::throughput::ThroughputMode;

/// Wall time until a change that could not be written down is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What is to be done with which host now.
type Due = Vec<(Instance, Power)>;

/// Hosts that are being powered on or off right now.
type Busy = Arc<Mutex<HashSet<String>>>;

/// Drives the account until it is dropped. A panic is a bug, but no reason to leave an account whose stacks stand still:
/// what is due is in the world, so the loop begins again.
pub async fn drive(account: Arc<Account>, mut changes: UnboundedReceiver<Activity>) {
    // A change that panicked half way is taken back by the next.
    while AssertUnwindSafe(go_on(&account, &mut changes))
        .catch_unwind()
        .await
        .is_err()
    {
        tracing::error!("what drives the account has panicked; it begins again");
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}

/// Drives until nobody can change anything any more.
async fn go_on(account: &Arc<Account>, changes: &mut UnboundedReceiver<Activity>) {
    let busy = Busy::default();
    let mut tasks = JoinSet::new();
    let mut activity = account.clock.activity();
    loop {
        let (due, next) = advance(account, &busy);
        for (instance, power) in due {
            let claim = Claim::on(&busy, &instance.id);
            tasks.spawn(switch(
                Arc::clone(account),
                claim,
                instance,
                power,
                account.clock.activity(),
            ));
        }
        while tasks.try_join_next().is_some() {}
        let Ok(next) = next else {
            // The disk is full, or worse: whoever asks is told so, and it is tried again.
            tokio::time::sleep(AFTER_FAILURE).await;
            continue;
        };
        match next {
            // Nothing is awaited: time may stand still. The activity that comes with a change is awake since then.
            None => {
                drop(activity);
                match changes.recv().await {
                    Some(change) => activity = change,
                    None => return,
                }
            }
            Some(next) => {
                let wait = Duration::try_from(next.duration_since(account.clock.now()))
                    .unwrap_or_default();
                activity.wait_at_most(wait, changes.recv()).await;
            }
        }
        while changes.try_recv().is_ok() {}
    }
}

/// The right to switch a host; nobody else has it until it is dropped.
struct Claim {
    busy: Busy,
    instance: String,
}

impl Claim {
    fn on(busy: &Busy, instance: &str) -> Self {
        busy_set(busy).insert(instance.to_owned());
        Self {
            busy: Arc::clone(busy),
            instance: instance.to_owned(),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        busy_set(&self.busy).remove(&self.instance);
    }
}

fn busy_set(busy: &Busy) -> std::sync::MutexGuard<'_, HashSet<String>> {
    busy.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Brings the world to where it has got by now: what is to be switched, and when the next thing is due.
fn advance(account: &Account, busy: &Busy) -> (Due, Result<Option<Timestamp>, AwsError>) {
    let (forgotten, kept) = forget_files(account);
    let modes = set_throughput(account);
    let contents = volumes::tend(account);
    let advanced = account.advance(|state| {
        let world = &mut state.world;
        contents.note(world);
        world.advance_volumes();
        world.forget_ended_instances();
        world.forget_file_systems(&forgotten);
        world.throughput_applied(&modes);
        world.advance_efs();
        let stacks = state.engine.advance(world);
        // One whose time has come since it was looked has its turn at once.
        let late = (!world.file_systems_going().is_empty()).then_some(world.now);
        let late = late.or(contents.is_late(world).then_some(world.now));
        let next = [stacks, next_by_itself(world), world.volumes_due(), late];
        Ok(next.into_iter().flatten().min())
    });
    volumes::show(account);
    // Everything else has got on; files that are still there have their turn again.
    let advanced = kept.map_or(advanced, Err);
    if let Err(error) = &advanced {
        tracing::error!(%error, "the account could not get on");
    }
    let due = account.read(|world| {
        let busy = busy_set(busy);
        world
            .instances
            .values()
            .filter(|instance| !busy.contains(&instance.id))
            .filter_map(|instance| {
                let (power, at) = instance.power?;
                (at <= world.now).then(|| (instance.clone(), power))
            })
            .collect()
    });
    (due, advanced)
}

/// Forgets the files of filesystems whose deletion is over. The records go after them: after a kill in between it is
/// done again. Answers with those that are forgotten, and why one is not.
fn forget_files(account: &Account) -> (Vec<String>, Option<AwsError>) {
    let mut going = account.read(World::file_systems_going);
    let mut kept = None;
    if let Some(hosts) = account.hosts() {
        going.retain(|id| match hosts.forget_files(id) {
            Ok(()) => true,
            Err(why) => {
                let why = format!("the files of {id} are still there: {why}");
                kept = Some(AwsError::internal(why));
                false
            }
        });
    }
    (going, kept)
}

/// Has the files of filesystems served in the throughput mode that was set: those for which that is done. What fails is
/// tried again with whatever happens next.
fn set_throughput(account: &Account) -> Vec<(String, ThroughputMode)> {
    let mut modes = account.read(World::throughput_to_apply);
    if let Some(hosts) = account.hosts() {
        modes.retain(|(id, mode)| {
            let mode = match mode {
                ThroughputMode::Bursting => Mode::Bursting,
                ThroughputMode::Elastic => Mode::Elastic,
                ThroughputMode::Provisioned(rate) => Mode::Provisioned(*rate),
            };
            let set = hosts.set_throughput(id, mode);
            if let Err(why) = &set {
                tracing::warn!(why, id, "a throughput mode could not be set");
            }
            set.is_ok()
        });
    }
    modes
}

fn next_by_itself(world: &World) -> Option<Timestamp> {
    let instances = world
        .instances
        .values()
        .filter_map(|instance| instance.power.map(|(_, at)| at));
    // Status checks under way are an operation too: somebody may wait for them.
    let checks = world
        .instances
        .values()
        .filter(|instance| instance.state == State::Running)
        .map(Instance::status_ok_at);
    let file_systems = world
        .file_systems
        .values()
        .filter_map(|one| one.state.due());
    let mount_targets = world
        .mount_targets
        .values()
        .filter_map(|one| one.state.due());
    instances
        .chain(checks)
        .chain(file_systems)
        .chain(mount_targets)
        .filter(|at| *at > world.now)
        .min()
}

/// Does with a host what is to be done, and writes down that it was.
async fn switch(
    account: Arc<Account>,
    claim: Claim,
    instance: Instance,
    power: Power,
    activity: Activity,
) {
    let done = match account.hosts() {
        Some(hosts) => flip(hosts, &account, &instance, power).await,
        None => Err("the account has no hosts".into()),
    };
    // An account that was reset meanwhile knows nothing of it.
    let forgotten = account.read(|world| !world.instances.contains(&instance.id));
    if forgotten && let Some(hosts) = account.hosts() {
        hosts.terminate(&instance.id).await;
    }
    let written = account.write(|world| {
        match &done {
            Ok(shown) => {
                world.power_done(&instance.id, power);
                if let Some(shown) = shown
                    && let Some(instance) = world.instances.get_mut(&instance.id)
                {
                    // The host has forgotten it; EC2 still tells while the instance is listed.
                    instance.console = Some(shown.clone());
                }
            }
            Err(why) => world.power_failed(&instance.id, why),
        }
        // Free for the next switch at the very moment at which the world says that this one is over: before, it would
        // be begun again.
        drop(claim);
        Ok(())
    });
    if let Err(error) = written {
        tracing::error!(%error, instance = instance.id, "a switch could not be written down");
    }
    drop(activity);
}

/// Answers, at the end of a host, with what its console had shown.
async fn flip(
    hosts: &dyn Hosts,
    account: &Account,
    instance: &Instance,
    power: Power,
) -> Result<Option<String>, String> {
    match power {
        Power::On if instance.launched_once => hosts.start(&instance.id).await?,
        Power::On => hosts.launch(spec(account, instance)).await?,
        Power::Off => hosts.stop(&instance.id).await,
        Power::Cycle => hosts.restart(&instance.id).await?,
        Power::End => return Ok(Some(hosts.terminate(&instance.id).await)),
    }
    Ok(None)
}

/// Forgets what a kill has left behind, and powers on what ran when the account stopped serving.
pub async fn resume(account: &Arc<Account>) -> Result<(), AwsError> {
    let Some(hosts) = account.hosts() else {
        return Ok(());
    };
    let known = account.read(|world| {
        let ended = |one: &&Instance| one.state == State::Terminated;
        let instances = world.instances.values().filter(|one| !ended(one));
        let instances = instances.map(|one| one.id.clone());
        let volumes = world.volumes.ids().into_iter().chain(world.snapshots.ids());
        // A snapshot that is deleted is still to be copied to the volumes that are made from it.
        let copied = world.volumes_to_fill().into_iter().map(|(_, from)| from);
        let files = world.file_systems.ids().into_iter();
        instances
            .chain(files)
            .chain(volumes)
            .chain(copied)
            .collect()
    });
    if let Err(why) = hosts.retain(&known) {
        // They cost room, and nothing else; next time they are looked for again.
        tracing::warn!(
            why,
            "files that nothing in the account knows are still there"
        );
    }
    let running: Vec<Instance> = account.read(|world| {
        let runs = |instance: &&Instance| instance.state == State::Running;
        world.instances.values().filter(runs).cloned().collect()
    });
    for instance in running {
        if let Err(why) = hosts.start(&instance.id).await {
            tracing::warn!(
                why,
                instance = instance.id,
                "a host could not be started again"
            );
            account.write(|world| {
                world.power_failed(&instance.id, &why);
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Images that the account does not know are those of the textbook's time.
fn edition(image: &str) -> Edition {
    if images::is_listed(image) {
        Edition::Of2023
    } else {
        Edition::Of2018
    }
}

fn spec(account: &Account, instance: &Instance) -> HostSpec {
    HostSpec {
        instance_id: instance.id.clone(),
        region: account.identity.place.region.clone(),
        zone: instance.zone.clone(),
        instance_type: instance.kind.clone(),
        image_id: instance.image.clone(),
        edition: edition(&instance.image),
        private_address: instance.private_address,
        authorized_keys: instance.authorized_keys.clone(),
        user_data: instance.user_data.clone(),
        account_id: account.identity.place.account_id.clone(),
        metadata: MetadataService {
            enabled: instance.metadata.endpoint == "enabled",
            tokens_required: instance.metadata.tokens == "required",
            tags: instance.metadata.tags == "enabled",
        },
    }
}
