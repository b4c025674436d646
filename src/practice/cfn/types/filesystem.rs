//! `AWS::EFS::FileSystem` and `AWS::EFS::MountTarget`.

use super::{Change, Progress, ResourceType, Settled, gone_is_deleted, id, invalid};
use crate::practice::cfn::schema::{Kind, Properties, TAGS, optional, required};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::efs::{LifeCycle, Settings};
use crate::practice::world::throughput::ThroughputMode;

const LIFECYCLE: Kind = Kind::Object(&[
    optional("TransitionToIA", Kind::Text),
    optional("TransitionToArchive", Kind::Text),
    optional("TransitionToPrimaryStorageClass", Kind::Text),
]);

pub static FILE_SYSTEM: ResourceType = ResourceType {
    name: "AWS::EFS::FileSystem",
    properties: &[
        optional("AvailabilityZoneName", Kind::Unsupported),
        optional(
            "BackupPolicy",
            Kind::Object(&[required("Status", Kind::OneOf(&["DISABLED", "ENABLED"]))]),
        )
        .uninterrupted(),
        optional("Encrypted", Kind::Boolean).replaces(),
        optional("FileSystemPolicy", Kind::Unsupported),
        optional("FileSystemProtection", Kind::Unsupported),
        optional("FileSystemTags", TAGS).uninterrupted(),
        optional("KmsKeyId", Kind::Unsupported),
        optional("LifecyclePolicies", Kind::List(&LIFECYCLE)).uninterrupted(),
        optional("PerformanceMode", Kind::OneOf(&["generalPurpose", "maxIO"])).replaces(),
        optional("ProvisionedThroughputInMibps", Kind::Text).uninterrupted(),
        optional("ReplicationConfiguration", Kind::Unsupported),
        optional(
            "ThroughputMode",
            Kind::OneOf(&["bursting", "elastic", "provisioned"]),
        )
        .uninterrupted(),
    ],
    attributes: &["Arn", "FileSystemId"],
    create: |world, request| {
        let settings = settings(request.properties)?;
        // Another each time: one that replaces another is not the same request.
        let token = format!("{}-{}", request.logical_id, world.uuid());
        world.create_file_system(&token, settings, request.tags.clone())
    },
    settled: |world, resource| match world.file_systems.get(id(resource)).map(|one| one.state) {
        Some(LifeCycle::Available) => Settled::Yes,
        Some(state) => Settled::NotYet(state.due()),
        None => Settled::Failed("File system does not exist".into()),
    },
    attribute: |world, resource, name| {
        let id = id(resource);
        Some(match name {
            "Arn" => world
                .place
                .arn("elasticfilesystem", &format!("file-system/{id}"))
                .into(),
            "FileSystemId" => id.into(),
            _ => return None,
        })
    },
    update: Some(update_file_system),
    tags: Some(|world, id| Some(&mut world.file_systems.get_mut(id)?.tags)),
    delete: |world, resource| gone_is_deleted(world.delete_file_system(id(resource))),
    gone: |world, resource| !world.file_systems.contains(id(resource)),
};

fn settings(properties: Properties<'_>) -> Result<Settings, AwsError> {
    let or = |name, usual: &str| properties.text(name).unwrap_or(usual.into());
    let mibps = properties
        .text("ProvisionedThroughputInMibps")
        .map(|mibps| mibps.parse())
        .transpose()
        .map_err(|_| invalid("invalid ProvisionedThroughputInMibps"))?;
    Ok(Settings {
        encrypted: properties.boolean("Encrypted").unwrap_or(false),
        performance_mode: or("PerformanceMode", "generalPurpose"),
        throughput_mode: ThroughputMode::new(&or("ThroughputMode", "bursting"), mibps)?,
        backup_policy: properties
            .object("BackupPolicy")
            .text("Status")
            .unwrap_or("DISABLED".into()),
        lifecycle: properties
            .objects("LifecyclePolicies")
            .into_iter()
            .flat_map(Properties::texts_by_name)
            .collect(),
    })
}

/// A throughput mode takes a while, and so does one that was set just before.
fn update_file_system(world: &mut World, change: &Change) -> Result<Progress, AwsError> {
    let id = id(change.resource);
    let found = world.file_system(id)?;
    if matches!(found.state, LifeCycle::Updating(_)) {
        return Ok(Progress::Waiting);
    }
    let wanted = settings(change.after)?;
    if found.settings.throughput_mode != wanted.throughput_mode {
        let mode = wanted.throughput_mode;
        world.update_file_system(id, Some(mode.name()), mode.mibps())?;
        return Ok(Progress::Waiting);
    }
    if let Some(found) = world.file_systems.get_mut(id) {
        found.settings = wanted;
    }
    Ok(Progress::Done)
}

pub static MOUNT_TARGET: ResourceType = ResourceType {
    name: "AWS::EFS::MountTarget",
    properties: &[
        required("FileSystemId", Kind::Text).replaces(),
        optional("IpAddress", Kind::Text).replaces(),
        required("SecurityGroups", Kind::List(&Kind::Text)).uninterrupted(),
        required("SubnetId", Kind::Text).replaces(),
    ],
    attributes: &["Id", "IpAddress"],
    create: |world, request| {
        let properties = request.properties;
        let address = properties
            .text("IpAddress")
            .map(|address| address.parse())
            .transpose()
            .map_err(|_| invalid("invalid IpAddress"))?;
        world.create_mount_target(
            &properties.needed("FileSystemId"),
            &properties.needed("SubnetId"),
            address,
            properties.texts("SecurityGroups"),
        )
    },
    settled: |world, resource| match world.mount_targets.get(id(resource)).map(|one| one.state) {
        Some(LifeCycle::Available) => Settled::Yes,
        Some(state) => Settled::NotYet(state.due()),
        None => Settled::Failed("Mount target does not exist".into()),
    },
    attribute: |world, resource, name| {
        let target = world.mount_targets.get(id(resource))?;
        Some(match name {
            "Id" => target.id.clone().into(),
            "IpAddress" => target.address.to_string().into(),
            _ => return None,
        })
    },
    update: Some(|world, change| {
        let interface = world.mount_target(id(change.resource))?.interface.clone();
        world.set_groups(&interface, change.after.texts("SecurityGroups"))?;
        Ok(Progress::Done)
    }),
    tags: None,
    delete: |world, resource| gone_is_deleted(world.delete_mount_target(id(resource))),
    gone: |world, resource| !world.mount_targets.contains(id(resource)),
};
