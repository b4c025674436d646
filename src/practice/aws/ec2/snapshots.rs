//! EC2: EBS snapshots.

use super::listing::{Described, Field, one, tag_set, time};
use super::tags::specified;
use crate::practice::account::Account;
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::volumes::Snapshot;
use crate::practice::world::{Tags, World};

impl Described for Snapshot {
    const FIELDS: &'static [Field<Self>] = &[
        ("snapshot-id", |_, snapshot| one(&snapshot.id)),
        ("volume-id", |_, snapshot| one(&snapshot.volume)),
        ("volume-size", |_, snapshot| one(snapshot.size)),
        ("description", |_, snapshot| one(&snapshot.description)),
        ("encrypted", |_, snapshot| one(snapshot.encrypted)),
        ("owner-id", |world, _| one(&world.place.account_id)),
        ("progress", |world, snapshot| {
            one(format!("{}%", snapshot.progress(world.now)))
        }),
        ("start-time", |_, snapshot| one(time(snapshot.started))),
        ("status", |world, snapshot| one(snapshot.status(world.now))),
        ("storage-tier", |_, _| one("standard")),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> Tags {
        self.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.snapshot(id).cloned()
    }

    fn all(world: &World) -> Vec<Self> {
        world.snapshots.values().cloned().collect()
    }

    fn element(&self, world: &World, item: Element) -> Element {
        let completed = self.is_completed(world.now);
        let item = item
            .text("snapshotId", &self.id)
            .text("volumeId", &self.volume)
            .text("status", self.status(world.now))
            .text("startTime", time(self.started))
            .text("progress", format!("{}%", self.progress(world.now)))
            .text("ownerId", &world.place.account_id)
            .text("volumeSize", self.size)
            .text("description", &self.description)
            .text("encrypted", self.encrypted)
            .text("storageTier", "standard")
            .maybe("completionTime", completed.then(|| time(self.completes)))
            .maybe("fullSnapshotSizeInBytes", completed.then_some(self.bytes));
        tag_set(item, &self.tags)
    }
}

/// DescribeSnapshots, of the account's own: other owners' snapshots, Amazon's too, are not offered here.
pub fn describe(world: &World, mut params: Params, response: Element) -> Result<Element, AwsError> {
    for name in ["Owner", "RestorableBy"] {
        let owners = params.texts(name)?;
        if let Some(other) = owners
            .iter()
            .find(|owner| *owner != "self" && **owner != world.place.account_id)
        {
            return Err(params.invalid(name, other));
        }
    }
    super::listing::describe::<Snapshot>(world, params, "SnapshotId", response, "snapshotSet")
}

/// CreateSnapshot. The content is kept before the answer: it is that of this moment.
pub fn create(
    account: &Account,
    mut params: Params,
    response: Element,
    dry: bool,
) -> Result<Element, AwsError> {
    let volume = params.needed("VolumeId")?;
    let description = params.text("Description").unwrap_or_default();
    if let Some(location) = params.text("Location").filter(|place| place != "regional") {
        return Err(params.invalid("Location", &location));
    }
    let tags = specified(&mut params, "snapshot")?;
    params.finish()?;
    account.write(|world| {
        let id = world.create_snapshot(&volume, &description, tags)?;
        if dry {
            // An error takes everything back that was done.
            return Err(super::would_have());
        }
        if let Some(hosts) = account.hosts() {
            let bytes = hosts
                .take_snapshot(&volume, &id)
                .map_err(|why| AwsError::client("SnapshotLimitExceeded", why))?;
            world.snapshot_taken(&id, bytes);
        }
        let made = world.snapshot(&id)?;
        Ok(made.element(world, response))
    })
}
