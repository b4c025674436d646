//! `AWS::EC2::Instance`.

mod update;

use std::net::Ipv4Addr;

use serde_json::Value;

use super::{Request, ResourceType, Settled, gone_is_deleted, id, invalid};
use crate::practice::cfn::behaviour::{Update, in_place};
use crate::practice::cfn::schema::{Kind, Properties, TAGS, optional, required};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::images;
use crate::practice::world::instances::{
    Launch, MetadataOptions, RootVolume, ShutdownBehavior, State,
};
use crate::practice::world::power::Why;
use crate::practice::world::stacks::Resource;

use self::update::{devices_replace, update, user_data};

const SWITCH: Kind = Kind::OneOf(&["enabled", "disabled"]);

pub static INSTANCE: ResourceType = ResourceType {
    name: "AWS::EC2::Instance",
    properties: &[
        required("ImageId", Kind::Text).replaces(),
        optional("InstanceType", Kind::Text)
            .update(Update::Missing(&Update::Conditional(in_place))),
        optional("AvailabilityZone", Kind::Text).replaces(),
        optional(
            "BlockDeviceMappings",
            Kind::List(&Kind::Object(&[
                required("DeviceName", Kind::Text),
                required(
                    "Ebs",
                    Kind::Object(&[
                        optional("VolumeSize", Kind::Integer),
                        optional("VolumeType", Kind::OneOf(&["gp2", "gp3"])),
                        optional("Encrypted", Kind::Boolean),
                        optional("DeleteOnTermination", Kind::Boolean),
                        optional("Iops", Kind::Unsupported),
                        optional("KmsKeyId", Kind::Unsupported),
                        optional("SnapshotId", Kind::Unsupported),
                    ]),
                ),
                optional("NoDevice", Kind::Unsupported),
                optional("VirtualName", Kind::Unsupported),
            ])),
        )
        .update(Update::Conditional(devices_replace)),
        optional(
            "CreditSpecification",
            Kind::Object(&[optional(
                "CPUCredits",
                Kind::OneOf(&["standard", "unlimited"]),
            )]),
        )
        .uninterrupted(),
        optional("DisableApiTermination", Kind::OneOf(&["false"])).uninterrupted(),
        optional("EbsOptimized", Kind::Boolean).update(Update::Conditional(in_place)),
        optional("IamInstanceProfile", Kind::Text).uninterrupted(),
        optional(
            "InstanceInitiatedShutdownBehavior",
            Kind::OneOf(&["stop", "terminate"]),
        )
        .uninterrupted(),
        optional("KeyName", Kind::Text).replaces(),
        optional("LaunchTemplate", Kind::Unsupported).replaces(),
        optional(
            "MetadataOptions",
            Kind::Object(&[
                optional("HttpEndpoint", SWITCH),
                optional("HttpPutResponseHopLimit", Kind::Integer),
                optional("HttpTokens", Kind::OneOf(&["optional", "required"])),
                optional("HttpProtocolIpv6", Kind::OneOf(&["disabled"])),
                optional("InstanceMetadataTags", SWITCH),
            ]),
        )
        .update(Update::Missing(&Update::NoInterruption)),
        optional("Monitoring", Kind::OneOf(&["false"])).uninterrupted(),
        optional(
            "NetworkInterfaces",
            Kind::List(&Kind::Object(&[
                required("DeviceIndex", Kind::Integer),
                optional("AssociatePublicIpAddress", Kind::Boolean),
                optional("DeleteOnTermination", Kind::OneOf(&["true"])),
                optional("Description", Kind::Text),
                optional("GroupSet", Kind::List(&Kind::Text)),
                optional("NetworkInterfaceId", Kind::Unsupported),
                optional("PrivateIpAddress", Kind::Text),
                optional("SubnetId", Kind::Text),
            ])),
        )
        .replaces(),
        optional("PrivateIpAddress", Kind::Text).replaces(),
        optional("PropagateTagsToVolumeOnCreation", Kind::Boolean).uninterrupted(),
        optional("SecurityGroupIds", Kind::List(&Kind::Text)).update(Update::Conditional(in_place)),
        optional("SecurityGroups", Kind::Unsupported),
        optional("SourceDestCheck", Kind::OneOf(&["true"])).uninterrupted(),
        optional("SubnetId", Kind::Text).replaces(),
        optional("Tags", TAGS).uninterrupted(),
        optional("UserData", Kind::Text).update(Update::Conditional(in_place)),
        optional(
            "Volumes",
            Kind::List(&Kind::Object(&[
                required("Device", Kind::Text),
                required("VolumeId", Kind::Text),
            ])),
        )
        .update(Update::Missing(&Update::NoInterruption)),
    ],
    attributes: &[
        "AvailabilityZone",
        "InstanceId",
        "PrivateDnsName",
        "PrivateIp",
        "PublicDnsName",
        "PublicIp",
        "VpcId",
    ],
    create,
    settled,
    attribute,
    update: Some(update),
    tags: Some(|world, id| Some(&mut world.instances.get_mut(id)?.tags)),
    delete: |world, resource| {
        gone_is_deleted(
            world
                .terminate_instance(id(resource), Why::Request)
                .map(|_| ()),
        )
    },
    gone: |world, resource| {
        world
            .instances
            .get(id(resource))
            .is_none_or(|instance| instance.state == State::Terminated)
    },
};

/// Where an instance is put, from the properties themselves or from its first interface.
struct Placement {
    subnet: Option<String>,
    groups: Vec<String>,
    address: Option<String>,
    public: Option<bool>,
}

fn placement(properties: Properties<'_>) -> Result<Placement, AwsError> {
    let interfaces = properties.objects("NetworkInterfaces");
    match interfaces[..] {
        [] => Ok(Placement {
            subnet: properties.text("SubnetId"),
            groups: properties.texts("SecurityGroupIds"),
            address: properties.text("PrivateIpAddress"),
            public: None,
        }),
        [first] if first.integer("DeviceIndex") == Some(0) => {
            if properties.has("SubnetId") || properties.has("SecurityGroupIds") {
                return Err(AwsError::client(
                    "InvalidParameterCombination",
                    "Network interfaces and an instance-level subnet ID may not be specified on the same request",
                ));
            }
            Ok(Placement {
                subnet: first.text("SubnetId"),
                groups: first.texts("GroupSet"),
                address: first.text("PrivateIpAddress"),
                public: first.boolean("AssociatePublicIpAddress"),
            })
        }
        _ => Err(AwsError::client(
            "Unsupported",
            "the practice account gives an instance one network interface, with device index 0",
        )),
    }
}

fn create(world: &mut World, request: &Request) -> Result<String, AwsError> {
    let properties = request.properties;
    let placement = placement(properties)?;
    let subnet = placement
        .subnet
        .ok_or_else(|| AwsError::client("VPCIdNotSpecified", "No default VPC for this user"))?;
    let zone = &world.subnet(&subnet)?.zone;
    if properties
        .text("AvailabilityZone")
        .is_some_and(|wanted| wanted != *zone)
    {
        return Err(invalid(format!(
            "The subnet '{subnet}' is not in the requested availability zone"
        )));
    }
    let private_address = placement
        .address
        .map(|address| address.parse::<Ipv4Addr>())
        .transpose()
        .map_err(|_| invalid("Invalid value for parameter privateIpAddress"))?;
    let user_data = user_data(properties)?;
    let kind = properties.text("InstanceType").unwrap_or("m1.small".into());
    let id = world.launch(Launch {
        image: properties.needed("ImageId"),
        key_name: properties.text("KeyName"),
        subnet,
        private_address,
        public: placement.public,
        groups: placement.groups,
        user_data,
        metadata: metadata(
            properties.object("MetadataOptions"),
            &properties.needed("ImageId"),
        ),
        profile: properties.text("IamInstanceProfile"),
        credits: Some(credits(properties, &kind)),
        kind,
        on_shutdown: on_shutdown(properties),
        root: root_volume(properties)?,
        tag_volume: properties
            .boolean("PropagateTagsToVolumeOnCreation")
            .unwrap_or(false),
        tags: request.tags.clone(),
    })?;
    for volume in properties.objects("Volumes") {
        world.attach_at_launch(&volume.needed("VolumeId"), &id, &volume.needed("Device"))?;
    }
    Ok(id)
}

fn on_shutdown(properties: Properties<'_>) -> ShutdownBehavior {
    let wanted = properties.text("InstanceInitiatedShutdownBehavior");
    match wanted.as_deref() {
        Some("terminate") => ShutdownBehavior::Terminate,
        _ => ShutdownBehavior::Stop,
    }
}

/// T2 defaults to standard, later ones to unlimited (EC2 user guide, "Burstable performance instances").
fn credits(properties: Properties<'_>, kind: &str) -> String {
    let usual = if kind.starts_with("t2.") {
        "standard"
    } else {
        "unlimited"
    };
    let wanted = properties.object("CreditSpecification").text("CPUCredits");
    wanted.unwrap_or_else(|| usual.into())
}

/// What is not said is as the image has it: Amazon Linux 2023 answers only version 2, and two hops away; older images
/// answer version 1 as well.
fn metadata(options: Properties<'_>, image: &str) -> MetadataOptions {
    let or = |name, usual: &str| options.text(name).unwrap_or(usual.into());
    let (tokens, hops) = if images::is_listed(image) {
        ("required", 2)
    } else {
        ("optional", 1)
    };
    MetadataOptions {
        tokens: or("HttpTokens", tokens),
        hop_limit: options
            .integer("HttpPutResponseHopLimit")
            .and_then(|hops| u8::try_from(hops).ok())
            .unwrap_or(hops),
        endpoint: or("HttpEndpoint", "enabled"),
        tags: or("InstanceMetadataTags", "disabled"),
    }
}

fn root_volume(properties: Properties<'_>) -> Result<RootVolume, AwsError> {
    let mut root = RootVolume::default();
    for mapping in properties.objects("BlockDeviceMappings") {
        let device = mapping.needed("DeviceName");
        if device != "/dev/xvda" {
            return Err(AwsError::client(
                "Unsupported",
                format!("the practice account maps only the root device /dev/xvda, not {device}"),
            ));
        }
        let ebs = mapping.object("Ebs");
        if let Some(size) = ebs.integer("VolumeSize") {
            root.size = u32::try_from(size)
                .ok()
                .filter(|size| (root.size..=16_384).contains(size))
                .ok_or_else(|| {
                    AwsError::client(
                        "InvalidBlockDeviceMapping",
                        format!(
                            "Volume of size {size}GB is smaller than snapshot, expect size>= {}GB",
                            root.size
                        ),
                    )
                })?;
        }
        root.kind = ebs.text("VolumeType").unwrap_or(root.kind);
        root.encrypted = ebs.boolean("Encrypted").unwrap_or(root.encrypted);
        root.delete_on_termination = ebs.boolean("DeleteOnTermination").unwrap_or(true);
    }
    Ok(root)
}

fn settled(world: &World, resource: &Resource) -> Settled {
    match world.instances.get(id(resource)) {
        Some(instance) => match instance.state {
            State::Running => Settled::Yes,
            State::Pending => Settled::NotYet(None),
            // One that ran and signalled may be stopped by the time it is looked at.
            State::Stopping | State::Stopped if instance.launched_once => Settled::Yes,
            _ => Settled::Failed(format!(
                "Instance {} failed to stabilize. Current state: {}. Reason: {}",
                instance.id,
                instance.state.parts().0,
                instance
                    .reason
                    .as_ref()
                    .map_or("unknown", |(_, message)| message)
            )),
        },
        None => Settled::Failed("Instance does not exist".into()),
    }
}

fn attribute(world: &World, resource: &Resource, name: &str) -> Option<Value> {
    let instance = world.instances.get(id(resource))?;
    let interface = world.interface_of(&instance.id);
    let public = interface.and_then(|interface| interface.public_address);
    Some(match name {
        "AvailabilityZone" => instance.zone.clone().into(),
        "InstanceId" => instance.id.clone().into(),
        "PrivateDnsName" => world.private_dns_name(instance.private_address).into(),
        "PrivateIp" => instance.private_address.to_string().into(),
        "PublicDnsName" => {
            let named = world.vpcs.get(&instance.vpc)?.dns_hostnames;
            let name = public
                .filter(|_| named)
                .map(|address| world.public_dns_name(address));
            name.unwrap_or_default().into()
        }
        "PublicIp" => public
            .map(|address| address.to_string())
            .unwrap_or_default()
            .into(),
        "VpcId" => instance.vpc.clone().into(),
        _ => return None,
    })
}
