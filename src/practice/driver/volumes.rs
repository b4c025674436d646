//! What the account does with the contents of volumes and snapshots, and with the hosts that have them. When is decided
//! in the world.

use super::super::account::Account;
use super::super::surroundings;
use super::super::world::World;
use super::super::world::instances::State;

/// What was done.
#[derive(Default)]
pub struct Done {
    /// Volumes and snapshots whose contents were looked after, whether that went well or not.
    attempted: Vec<String>,
    filled: Vec<String>,
    /// Snapshots, and their bytes.
    taken: Vec<(String, u64)>,
    /// Volumes, and whether their instances have let go of them.
    released: Vec<(String, bool)>,
}

impl Done {
    /// Notes it.
    pub fn note(&self, world: &mut World) {
        for volume in &self.filled {
            world.volume_filled(volume);
        }
        for (snapshot, bytes) in &self.taken {
            world.snapshot_taken(snapshot, *bytes);
        }
        for (volume, gone) in &self.released {
            world.volume_released(volume, *gone);
        }
    }
}

/// Does what is to be done now: copies contents, asks hosts to let go of volumes, forgets what is gone.
pub fn tend(account: &Account) -> Done {
    let mut done = Done::default();
    let Some(hosts) = account.hosts() else {
        return done;
    };
    let (fill, take, release) = account.read(|world| {
        (
            world.volumes_to_fill(),
            world.snapshots_to_take(),
            world.volumes_to_release(),
        )
    });
    for (volume, snapshot) in fill {
        done.attempted.push(volume.clone());
        match hosts.fill_volume(&volume, &snapshot) {
            Ok(()) => done.filled.push(volume),
            Err(why) => tracing::warn!(why, volume, snapshot, "a volume could not be filled"),
        }
    }
    for (snapshot, volume) in take {
        done.attempted.push(snapshot.clone());
        match hosts.take_snapshot(&volume, &snapshot) {
            Ok(bytes) => done.taken.push((snapshot, bytes)),
            Err(why) => tracing::warn!(why, volume, snapshot, "a snapshot could not be taken"),
        }
    }
    for (volume, instance, force) in release {
        let gone = hosts.release(&instance, &volume, force);
        done.released.push((volume, gone));
    }
    done
}

impl Done {
    /// Whether something is due that was not when this was done.
    pub fn is_late(&self, world: &World) -> bool {
        let fill = world.volumes_to_fill().into_iter();
        let take = world.snapshots_to_take().into_iter();
        // What failed waits for the next change: its time is always.
        let new = |(id, _): (String, String)| !self.attempted.contains(&id);
        world.releases_late() || fill.chain(take).any(new)
    }
}

/// Shows running hosts the volumes that they have, and forgets the contents of those that are gone.
pub fn show(account: &Account) {
    let Some(hosts) = account.hosts() else {
        return;
    };
    let shown: Vec<_> = account.read(|world| {
        let running = world
            .instances
            .values()
            .filter(|one| matches!(one.state, State::Pending | State::Running));
        running
            .flat_map(|one| {
                let disks = surroundings::disks(world, &one.id);
                disks.into_iter().map(|disk| (one.id.clone(), disk))
            })
            .filter(|(_, disk)| !disk.root)
            .collect()
    });
    for (instance, disk) in shown {
        hosts.attach(&instance, &disk);
    }
    for id in account.take_discarded() {
        if let Err(why) = hosts.forget_content(&id) {
            // It is looked for again when the account starts.
            tracing::warn!(why, id, "the content of something deleted is still there");
        }
    }
}
