//! `AWS::EC2::Volume` and `AWS::EC2::VolumeAttachment`.

use super::{Change, Progress, ResourceType, Settled, gone_is_deleted, id, invalid, own_id};
use crate::practice::cfn::schema::{Kind, Properties, TAGS, optional, required};
use crate::practice::error::AwsError;
use crate::practice::world::stacks::Resource;
use crate::practice::world::volumes::attachments::Detachment;
use crate::practice::world::volumes::modifications::Wish;
use crate::practice::world::volumes::{Attachment, Link, NewVolume, VolumeState};
use crate::practice::world::{Tags, World};

pub static VOLUME: ResourceType = ResourceType {
    name: "AWS::EC2::Volume",
    properties: &[
        optional("AutoEnableIO", Kind::Unsupported),
        required("AvailabilityZone", Kind::Text).replaces(),
        optional("Encrypted", Kind::Boolean).replaces(),
        optional("Iops", Kind::Integer).uninterrupted(),
        optional("KmsKeyId", Kind::Unsupported),
        optional("MultiAttachEnabled", Kind::OneOf(&["false"])).uninterrupted(),
        optional("OutpostArn", Kind::Unsupported),
        optional("Size", Kind::Integer).uninterrupted(),
        optional("SnapshotId", Kind::Text).replaces(),
        optional("SourceVolumeId", Kind::Unsupported),
        optional("Tags", TAGS).uninterrupted(),
        optional("Throughput", Kind::Integer).uninterrupted(),
        optional("VolumeInitializationRate", Kind::Unsupported),
        optional("VolumeType", Kind::Text).uninterrupted(),
    ],
    attributes: &["VolumeId"],
    create: |world, request| {
        let properties = request.properties;
        world.create_volume(NewVolume {
            zone: properties.needed("AvailabilityZone"),
            size: number(properties, "Size")?,
            kind: properties.text("VolumeType"),
            iops: number(properties, "Iops")?,
            throughput: number(properties, "Throughput")?,
            snapshot: properties.text("SnapshotId"),
            encrypted: properties.boolean("Encrypted").unwrap_or(false),
            token: None,
            tags: request.tags.clone(),
        })
    },
    settled: |world, resource| match world.volumes.get(id(resource)).map(|one| one.state) {
        Some(VolumeState::Available) => Settled::Yes,
        Some(VolumeState::Creating(at)) => Settled::NotYet(Some(at)),
        _ => Settled::Failed("Volume does not exist".into()),
    },
    attribute: own_id,
    update: Some(update),
    tags: Some(|world, id| Some(&mut world.volumes.get_mut(id)?.tags)),
    delete: |world, resource| {
        if is_going(world, id(resource)) {
            return Ok(());
        }
        gone_is_deleted(world.delete_volume(id(resource)))
    },
    gone: |world, resource| !world.volumes.contains(id(resource)),
};

/// A change of size, type or performance counts as done when the volume is what it was to become.
fn update(world: &mut World, change: &Change) -> Result<Progress, AwsError> {
    let (id, after) = (id(change.resource), change.after);
    if change.first && change.touches(&["Iops", "Size", "Throughput", "VolumeType"]) {
        let wish = Wish {
            size: number(after, "Size")?,
            kind: after.text("VolumeType"),
            iops: number(after, "Iops")?,
            throughput: number(after, "Throughput")?,
        };
        world.modify_volume(id, &wish)?;
    }
    let last = world.volume(id)?.modifications.last();
    Ok(match last {
        Some(last) if !last.effective => Progress::Waiting,
        _ => Progress::Done,
    })
}

fn is_going(world: &World, id: &str) -> bool {
    let state = world.volumes.get(id).map(|volume| volume.state);
    matches!(state, Some(VolumeState::Deleting(_)))
}

/// A number of a property, if it is one that EBS could mean.
fn number(properties: Properties<'_>, name: &str) -> Result<Option<u32>, AwsError> {
    let given = properties.integer(name);
    given
        .map(|number| {
            let why = || invalid(format!("Invalid value '{number}' for {name}."));
            u32::try_from(number).map_err(|_| why())
        })
        .transpose()
}

/// Keeps a volume as a snapshot before it is deleted (`DeletionPolicy: Snapshot`).
pub fn keep(world: &mut World, resource: &Resource) -> Result<(), AwsError> {
    let volume = id(resource);
    if is_going(world, volume) || !world.volumes.contains(volume) {
        return Ok(());
    }
    // With the tags that one gave to it; CloudFormation's own go with the stack.
    let own = |tags: &Tags| -> Tags {
        let own = tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
        own.map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    let tags = own(&world.volume(volume)?.tags);
    world.create_snapshot(volume, "", tags).map(drop)
}

pub static VOLUME_ATTACHMENT: ResourceType = ResourceType {
    name: "AWS::EC2::VolumeAttachment",
    properties: &[
        required("Device", Kind::Text).replaces(),
        optional("EbsCardIndex", Kind::Unsupported),
        required("InstanceId", Kind::Text).replaces(),
        required("VolumeId", Kind::Text).replaces(),
    ],
    attributes: &[],
    create: |world, request| {
        let properties = request.properties;
        let volume = properties.needed("VolumeId");
        let instance = properties.needed("InstanceId");
        world.attach_volume(&volume, &instance, &properties.needed("Device"))?;
        Ok(format!("{volume}|{instance}"))
    },
    settled: |world, resource| match attachment(world, resource).map(|one| one.state) {
        Some(Link::Attached) => Settled::Yes,
        Some(Link::Attaching(at)) => Settled::NotYet(Some(at)),
        _ => Settled::Failed("Volume attachment does not exist".into()),
    },
    attribute: super::no_attribute,
    update: None,
    tags: None,
    delete: |world, resource| {
        if attachment(world, resource).is_none() {
            return Ok(());
        }
        let (volume, instance) = parts(resource);
        let wanted = Detachment {
            instance: Some(instance.to_owned()),
            ..Detachment::default()
        };
        gone_is_deleted(world.detach_volume(volume, &wanted).map(drop))
    },
    // A volume that is still mounted is not.
    gone: |world, resource| attachment(world, resource).is_none(),
};

fn parts(resource: &Resource) -> (&str, &str) {
    id(resource).split_once('|').unwrap_or_default()
}

fn attachment<'a>(world: &'a World, resource: &Resource) -> Option<&'a Attachment> {
    let (volume, instance) = parts(resource);
    let attachment = world.volumes.get(volume)?.attachment.as_ref()?;
    (attachment.instance == instance).then_some(attachment)
}
