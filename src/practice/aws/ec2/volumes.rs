//! EC2: EBS volumes and snapshots as XML.

use super::listing::{Described, Field, maybe, one, tag_set, time};
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::volumes::{Snapshot, Volume};
use crate::practice::world::{Tags, World};

impl Described for Volume {
    const FIELDS: &'static [Field<Self>] = &[
        ("volume-id", |_, volume| one(&volume.id)),
        ("availability-zone", |_, volume| one(&volume.zone)),
        ("attachment.instance-id", |_, volume| {
            maybe(volume.attachment.as_ref().map(|one| &one.instance))
        }),
        ("attachment.device", |_, volume| {
            maybe(volume.attachment.as_ref().map(|one| &one.device))
        }),
        ("attachment.delete-on-termination", |_, volume| {
            maybe(
                volume
                    .attachment
                    .as_ref()
                    .map(|one| one.delete_on_termination),
            )
        }),
        ("encrypted", |_, volume| one(volume.encrypted)),
        ("size", |_, volume| one(volume.size)),
        ("snapshot-id", |_, volume| one(&volume.snapshot)),
        ("status", |_, volume| one(status(volume))),
        ("volume-type", |_, volume| one(&volume.kind)),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> Tags {
        self.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.volume(id).cloned()
    }

    fn all(world: &World) -> Vec<Self> {
        world.volumes.values().cloned().collect()
    }

    fn element(&self, _: &World, item: Element) -> Element {
        let item = item
            .text("volumeId", &self.id)
            .text("size", self.size)
            .text("snapshotId", &self.snapshot)
            .text("availabilityZone", &self.zone)
            .text("status", status(self))
            .text("createTime", time(self.created))
            .list("attachmentSet", "item", &self.attachment, |item, one| {
                item.text("volumeId", &self.id)
                    .text("instanceId", &one.instance)
                    .text("device", &one.device)
                    .text("status", "attached")
                    .text("attachTime", time(one.attached))
                    .text("deleteOnTermination", one.delete_on_termination)
            })
            .text("volumeType", &self.kind)
            .text("iops", self.iops)
            .maybe("throughput", self.throughput)
            .text("encrypted", self.encrypted)
            .text("multiAttachEnabled", false);
        tag_set(item, &self.tags)
    }
}

fn status(volume: &Volume) -> &'static str {
    if volume.attachment.is_some() {
        "in-use"
    } else {
        "available"
    }
}

impl Described for Snapshot {
    const FIELDS: &'static [Field<Self>] = &[
        ("snapshot-id", |_, snapshot| one(&snapshot.id)),
        ("volume-id", |_, snapshot| one(&snapshot.volume)),
        ("volume-size", |_, snapshot| one(snapshot.size)),
        ("description", |_, snapshot| one(&snapshot.description)),
        ("encrypted", |_, snapshot| one(snapshot.encrypted)),
        ("owner-id", |world, _| one(&world.place.account_id)),
        ("status", |_, _| one("completed")),
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
        let item = item
            .text("snapshotId", &self.id)
            .text("volumeId", &self.volume)
            .text("status", "completed")
            .text("startTime", time(self.started))
            .text("progress", "100%")
            .text("ownerId", &world.place.account_id)
            .text("volumeSize", self.size)
            .text("description", &self.description)
            .text("encrypted", self.encrypted)
            .text("storageTier", "standard");
        tag_set(item, &self.tags)
    }
}

/// DescribeSnapshots, of the account's own: other owners' snapshots, Amazon's too, are not offered here.
pub fn snapshots(
    world: &World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let owners = params.texts("Owner")?;
    if let Some(other) = owners
        .iter()
        .find(|owner| *owner != "self" && **owner != world.place.account_id)
    {
        return Err(params.invalid("Owner", other));
    }
    super::listing::describe::<Snapshot>(world, params, "SnapshotId", response, "snapshotSet")
}
