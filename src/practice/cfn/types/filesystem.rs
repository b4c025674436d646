//! `AWS::EFS::FileSystem` and `AWS::EFS::MountTarget`.

use super::{ResourceType, Settled, gone_is_deleted, id, invalid};
use crate::practice::cfn::schema::{Kind, Properties, TAGS, optional, required};
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
        ),
        optional("Encrypted", Kind::Boolean),
        optional("FileSystemPolicy", Kind::Unsupported),
        optional("FileSystemProtection", Kind::Unsupported),
        optional("FileSystemTags", TAGS),
        optional("KmsKeyId", Kind::Unsupported),
        optional("LifecyclePolicies", Kind::List(&LIFECYCLE)),
        optional("PerformanceMode", Kind::OneOf(&["generalPurpose", "maxIO"])),
        optional("ProvisionedThroughputInMibps", Kind::Text),
        optional("ReplicationConfiguration", Kind::Unsupported),
        optional(
            "ThroughputMode",
            Kind::OneOf(&["bursting", "elastic", "provisioned"]),
        ),
    ],
    attributes: &["Arn", "FileSystemId"],
    create: |world, request| {
        let properties = request.properties;
        let or = |name, usual: &str| properties.text(name).unwrap_or(usual.into());
        let mibps = properties
            .text("ProvisionedThroughputInMibps")
            .map(|mibps| mibps.parse())
            .transpose()
            .map_err(|_| invalid("invalid ProvisionedThroughputInMibps"))?;
        let settings = Settings {
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
        };
        let token = format!("{}-{}", request.logical_id, request.stack);
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
    delete: |world, resource| gone_is_deleted(world.delete_file_system(id(resource))),
    gone: |world, resource| !world.file_systems.contains(id(resource)),
};

pub static MOUNT_TARGET: ResourceType = ResourceType {
    name: "AWS::EFS::MountTarget",
    properties: &[
        required("FileSystemId", Kind::Text),
        optional("IpAddress", Kind::Text),
        required("SecurityGroups", Kind::List(&Kind::Text)),
        required("SubnetId", Kind::Text),
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
    delete: |world, resource| gone_is_deleted(world.delete_mount_target(id(resource))),
    gone: |world, resource| !world.mount_targets.contains(id(resource)),
};
