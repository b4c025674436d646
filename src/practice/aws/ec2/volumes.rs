//! EC2: EBS volumes, their attachments and modifications.

use super::listing::{Described, Field, Listing, maybe, one, tag_set, time};
use super::tags::specified;
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::volumes::attachments::Detachment;
use crate::practice::world::volumes::modifications::{Modification, Wish};
use crate::practice::world::volumes::{Attachment, NewVolume, Volume};
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
        ("attachment.status", |_, volume| {
            maybe(volume.attachment.as_ref().map(|one| one.state.name()))
        }),
        ("attachment.attach-time", |_, volume| {
            maybe(volume.attachment.as_ref().map(|one| time(one.attached)))
        }),
        ("attachment.delete-on-termination", |_, volume| {
            maybe(
                volume
                    .attachment
                    .as_ref()
                    .map(|one| one.delete_on_termination),
            )
        }),
        ("create-time", |_, volume| one(time(volume.created))),
        ("encrypted", |_, volume| one(volume.encrypted)),
        ("multi-attach-enabled", |_, _| one(false)),
        ("size", |_, volume| one(volume.size)),
        ("snapshot-id", |_, volume| one(&volume.snapshot)),
        ("status", |_, volume| one(volume.status())),
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
            .text("status", self.status())
            .text("createTime", time(self.created))
            .list("attachmentSet", "item", &self.attachment, |item, one| {
                attachment(item, &self.id, one, one.state.name())
            })
            .text("volumeType", &self.kind)
            .text("iops", self.iops)
            .maybe("throughput", self.throughput)
            .text("encrypted", self.encrypted)
            .text("multiAttachEnabled", false);
        tag_set(item, &self.tags)
    }
}

fn attachment(item: Element, volume: &str, one: &Attachment, status: &str) -> Element {
    item.text("volumeId", volume)
        .text("instanceId", &one.instance)
        .text("device", &one.device)
        .text("status", status)
        .text("attachTime", time(one.attached))
        .text("deleteOnTermination", one.delete_on_termination)
}

/// DescribeVolumes.
pub fn describe(world: &World, mut params: Params, response: Element) -> Result<Element, AwsError> {
    params.boolean("IncludeManagedResources")?;
    super::listing::describe::<Volume>(world, params, "VolumeId", response, "volumeSet")
}

/// CreateVolume.
pub fn create(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let (zone, zone_id) = (
        params.text("AvailabilityZone"),
        params.text("AvailabilityZoneId"),
    );
    let zone = match (zone, zone_id) {
        (Some(zone), None) => zone,
        (None, Some(id)) => {
            let zones = world.place.zones();
            let found = zones.into_iter().find(|zone| zone.id == id);
            found.map(|zone| zone.name).ok_or_else(|| {
                AwsError::client(
                    "InvalidZone.NotFound",
                    format!("The zone '{id}' does not exist."),
                )
            })?
        }
        (None, None) => return Err(params.missing("availabilityZone")),
        (Some(_), Some(_)) => {
            return Err(AwsError::client(
                "InvalidParameterCombination",
                "The parameters AvailabilityZone and AvailabilityZoneId cannot be used together",
            ));
        }
    };
    if params.boolean("MultiAttachEnabled")?.unwrap_or(false) {
        return Err(params.invalid("multiAttachEnabled", "true"));
    }
    let wanted = NewVolume {
        zone,
        size: params.number("Size")?,
        kind: params.text("VolumeType"),
        iops: params.number("Iops")?,
        throughput: params.number("Throughput")?,
        snapshot: params.text("SnapshotId").filter(|id| !id.is_empty()),
        encrypted: params.boolean("Encrypted")?.unwrap_or(false),
        token: params.text("ClientToken"),
        tags: specified(&mut params, "volume")?,
    };
    params.finish()?;
    let id = world.create_volume(wanted)?;
    let volume = world.volume(&id)?;
    Ok(volume.element(world, response))
}

/// AttachVolume.
pub fn attach(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let id = params.needed("VolumeId")?;
    let instance = params.needed("InstanceId")?;
    let device = params.needed("Device")?;
    params.finish()?;
    world.attach_volume(&id, &instance, &device)?;
    match &world.volume(&id)?.attachment {
        Some(one) => Ok(attachment(response, &id, one, one.state.name())),
        None => Ok(response),
    }
}

/// DetachVolume.
pub fn detach(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let id = params.needed("VolumeId")?;
    let wanted = Detachment {
        instance: params.text("InstanceId"),
        device: params.text("Device"),
        force: params.boolean("Force")?.unwrap_or(false),
    };
    params.finish()?;
    let one = world.detach_volume(&id, &wanted)?;
    Ok(attachment(response, &id, &one, "detaching"))
}

/// A modification, as it is listed.
#[derive(Clone)]
struct Modified {
    volume: String,
    modification: Modification,
    tags: Tags,
}

impl Modified {
    /// The last of a volume, if it was ever modified.
    fn of(volume: &Volume) -> Option<Self> {
        Some(Self {
            volume: volume.id.clone(),
            modification: volume.modifications.last()?.clone(),
            tags: volume.tags.clone(),
        })
    }
}

impl Described for Modified {
    const FIELDS: &'static [Field<Self>] = &[
        ("volume-id", |_, one_| one(&one_.volume)),
        ("modification-state", |_, one_| {
            one(one_.modification.state())
        }),
        ("original-size", |_, one_| {
            one(one_.modification.original.size)
        }),
        ("original-volume-type", |_, one_| {
            one(&one_.modification.original.kind)
        }),
        ("target-size", |_, one_| one(one_.modification.target.size)),
        ("target-volume-type", |_, one_| {
            one(&one_.modification.target.kind)
        }),
        ("start-time", |_, one_| one(time(one_.modification.started))),
    ];

    fn key(&self) -> &str {
        &self.volume
    }

    fn tags(&self) -> Tags {
        self.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        Self::of(world.volume(id)?).ok_or_else(|| {
            AwsError::client(
                "InvalidVolumeModification.NotFound",
                format!("Modification for volume '{id}' does not exist."),
            )
        })
    }

    fn all(world: &World) -> Vec<Self> {
        world.volumes.values().filter_map(Self::of).collect()
    }

    fn element(&self, world: &World, item: Element) -> Element {
        let one = &self.modification;
        item.text("volumeId", &self.volume)
            .text("modificationState", one.state())
            .text("targetSize", one.target.size)
            .text("targetIops", one.target.iops)
            .text("targetVolumeType", &one.target.kind)
            .maybe("targetThroughput", one.target.throughput)
            .text("targetMultiAttachEnabled", false)
            .text("originalSize", one.original.size)
            .text("originalIops", one.original.iops)
            .text("originalVolumeType", &one.original.kind)
            .maybe("originalThroughput", one.original.throughput)
            .text("originalMultiAttachEnabled", false)
            .text("progress", one.progress(world.now))
            .text("startTime", time(one.started))
            .maybe("endTime", one.ended.map(time))
    }
}

/// ModifyVolume.
pub fn modify(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let id = params.needed("VolumeId")?;
    if params.boolean("MultiAttachEnabled")?.unwrap_or(false) {
        return Err(params.invalid("multiAttachEnabled", "true"));
    }
    let wish = Wish {
        size: params.number("Size")?,
        kind: params.text("VolumeType"),
        iops: params.number("Iops")?,
        throughput: params.number("Throughput")?,
    };
    params.finish()?;
    world.modify_volume(&id, &wish)?;
    let modified = Modified::find(world, &id)?;
    Ok(response.child(modified.element(world, Element::new("volumeModification"))))
}

/// DescribeVolumesModifications.
pub fn modifications(
    world: &World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    params.boolean("IncludeManagedResources")?;
    let listing = Listing::take(&mut params, "VolumeId")?;
    params.finish()?;
    let (items, next) = listing.choose::<Modified>(world)?;
    Ok(response
        .list("volumeModificationSet", "item", items, |item, one| {
            one.element(world, item)
        })
        .maybe("nextToken", next))
}
