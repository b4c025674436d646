//! EC2: instances and their status as XML.

use super::interfaces::{association, attached, groups};
use super::listing::{Described, Field, Listing, maybe, one, tag_set, time};
use super::profiles;
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::images;
use crate::practice::world::instances::{Instance, State};
use crate::practice::world::interfaces::Interface;
use crate::practice::world::{Tags, World};

impl Described for Instance {
    const FIELDS: &'static [Field<Self>] = &[
        ("instance-id", |_, one_| one(&one_.id)),
        ("instance-state-name", |_, one_| one(one_.state.parts().0)),
        ("instance-state-code", |_, one_| one(one_.state.parts().1)),
        ("instance-type", |_, one_| one(&one_.kind)),
        ("image-id", |_, one_| one(&one_.image)),
        ("availability-zone", |_, one_| one(&one_.zone)),
        ("vpc-id", |_, one_| {
            maybe((one_.state != State::Terminated).then_some(&one_.vpc))
        }),
        ("subnet-id", |_, one_| {
            maybe((one_.state != State::Terminated).then_some(&one_.subnet))
        }),
        ("key-name", |_, one_| maybe(one_.key_name.as_ref())),
        ("private-ip-address", |_, one_| one(one_.private_address)),
        ("ip-address", |world, one_| {
            maybe(
                world
                    .interface_of(&one_.id)
                    .and_then(|interface| interface.public_address),
            )
        }),
        ("dns-name", |world, one_| {
            let public = world
                .interface_of(&one_.id)
                .and_then(|interface| interface.public_address);
            maybe(public.map(|address| world.public_dns_name(address)))
        }),
        ("private-dns-name", |world, one_| {
            one(world.private_dns_name(one_.private_address))
        }),
        ("instance.group-id", group_ids),
        ("group-id", group_ids),
        ("network-interface.network-interface-id", |_, one_| {
            one(&one_.interface)
        }),
        ("block-device-mapping.volume-id", |world, one_| {
            let attached = world.volumes_of(&one_.id);
            attached.map(|(volume, _)| volume.id.clone()).collect()
        }),
        ("iam-instance-profile.arn", |_, one_| {
            maybe(one_.profile.as_ref().map(|one| &one.arn))
        }),
        ("iam-instance-profile.id", |_, one_| {
            maybe(one_.profile.as_ref().map(|one| &one.profile_id))
        }),
        ("iam-instance-profile.name", |_, one_| {
            maybe(one_.profile.as_ref().map(|one| &one.profile))
        }),
        ("reservation-id", |_, one_| one(&one_.reservation)),
        ("owner-id", |world, _| one(&world.place.account_id)),
        ("root-device-type", |_, _| one("ebs")),
        ("architecture", |_, one_| one(architecture(one_))),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> Tags {
        self.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.instance(id).cloned()
    }

    fn all(world: &World) -> Vec<Self> {
        world.instances.values().cloned().collect()
    }

    /// As an item of `reservationSet`: every instance has a reservation of its own.
    fn element(&self, world: &World, item: Element) -> Element {
        item.text("reservationId", &self.reservation)
            .text("ownerId", &world.place.account_id)
            .child(Element::new("groupSet"))
            .list("instancesSet", "item", [self], |item, one| {
                instance(world, one, item)
            })
    }
}

fn group_ids(world: &World, instance: &Instance) -> Vec<String> {
    world
        .interface_of(&instance.id)
        .map(|interface| interface.groups.clone())
        .unwrap_or_default()
}

fn architecture(instance: &Instance) -> &'static str {
    images::instance_type(&instance.kind).map_or("x86_64", |kind| kind.architecture)
}

/// `instanceState` and the like.
pub fn state(name: &str, state: State) -> Element {
    let (text, code) = state.parts();
    Element::new(name).text("code", code).text("name", text)
}

fn instance(world: &World, instance: &Instance, item: Element) -> Element {
    let interface = world.interface_of(&instance.id);
    let public = interface.and_then(|interface| interface.public_address);
    let named = world
        .vpcs
        .get(&instance.vpc)
        .is_some_and(|vpc| vpc.dns_hostnames);
    let public_name = public
        .filter(|_| named)
        .map(|address| world.public_dns_name(address))
        .unwrap_or_default();
    let private_name = interface
        .map(|interface| world.private_dns_name(interface.private_address))
        .unwrap_or_default();
    let (_, message) = instance.reason.clone().unwrap_or_default();
    let nitro = images::instance_type(&instance.kind).is_some_and(|kind| kind.nitro);
    let item = item
        .text("instanceId", &instance.id)
        .text("imageId", &instance.image)
        .child(state("instanceState", instance.state))
        .text("privateDnsName", private_name)
        .text("dnsName", public_name)
        .text("reason", message)
        .maybe("keyName", instance.key_name.as_ref())
        .text("amiLaunchIndex", 0)
        .child(Element::new("productCodes"))
        .text("instanceType", &instance.kind)
        .text("launchTime", time(instance.launched))
        .child(
            Element::new("placement")
                .text("availabilityZone", &instance.zone)
                .text("groupName", "")
                .text("tenancy", "default"),
        )
        .child(Element::new("monitoring").text("state", "disabled"));
    let item = match interface {
        Some(interface) => attached_parts(world, instance, interface, item),
        None => item.child(Element::new("groupSet")),
    };
    let item = match &instance.reason {
        Some((code, message)) => item.child(
            Element::new("stateReason")
                .text("code", code)
                .text("message", message),
        ),
        None => item,
    };
    let options = &instance.metadata;
    let item = item
        .text("architecture", architecture(instance))
        .text("rootDeviceType", "ebs")
        .text("rootDeviceName", &instance.root_device)
        .child(block_devices(world, instance));
    let item = match instance
        .profile
        .as_ref()
        .filter(|_| instance.state != State::Terminated)
    {
        Some(association) => item.child(profiles::profile(association)),
        None => item,
    };
    let item = item
        .text("virtualizationType", "hvm")
        .text("hypervisor", "xen")
        .text("enaSupport", nitro)
        .text("ebsOptimized", false)
        .text("platformDetails", "Linux/UNIX")
        .text("usageOperation", "RunInstances")
        .child(
            Element::new("metadataOptions")
                .text("state", "applied")
                .text("httpTokens", &options.tokens)
                .text("httpPutResponseHopLimit", options.hop_limit)
                .text("httpEndpoint", &options.endpoint)
                .text("httpProtocolIpv6", "disabled")
                .text("instanceMetadataTags", &options.tags),
        );
    tag_set(item, &instance.tags)
}

/// What it has only while it has an interface.
fn attached_parts(
    world: &World,
    instance: &Instance,
    interface: &Interface,
    item: Element,
) -> Element {
    let item = item
        .text("subnetId", &instance.subnet)
        .text("vpcId", &instance.vpc)
        .text("privateIpAddress", interface.private_address)
        .maybe("ipAddress", interface.public_address)
        .text("sourceDestCheck", true)
        .child(groups(world, interface));
    item.list("networkInterfaceSet", "item", [interface], |item, one| {
        let name = world.private_dns_name(one.private_address);
        let item = item
            .text("networkInterfaceId", &one.id)
            .text("subnetId", &one.subnet)
            .text("vpcId", &one.vpc)
            .text("description", &one.description)
            .text("ownerId", &world.place.account_id)
            .text("status", "in-use")
            .text("macAddress", &one.mac)
            .text("privateIpAddress", one.private_address)
            .text("privateDnsName", &name)
            .text("sourceDestCheck", true)
            .text("interfaceType", "interface")
            .child(groups(world, one));
        let item = item
            .children(attached(one, true))
            .children(association(world, one));
        item.list("privateIpAddressesSet", "item", [one], |item, one| {
            item.text("privateIpAddress", one.private_address)
                .text("privateDnsName", &name)
                .text("primary", true)
                .children(association(world, one))
        })
    })
}

/// What is attached to an instance, `blockDeviceMapping`.
pub fn block_devices(world: &World, instance: &Instance) -> Element {
    let attached = world.volumes_of(&instance.id);
    Element::new("blockDeviceMapping").children(attached.map(|(volume, attachment)| {
        Element::new("item")
            .text("deviceName", &attachment.device)
            .child(
                Element::new("ebs")
                    .text("volumeId", &volume.id)
                    .text("status", attachment.state.name())
                    .text("attachTime", time(attachment.attached))
                    .text("deleteOnTermination", attachment.delete_on_termination),
            )
    }))
}

/// DescribeInstances.
pub fn describe(world: &World, mut params: Params, response: Element) -> Result<Element, AwsError> {
    params.boolean("IncludeManagedResources")?;
    super::listing::describe::<Instance>(world, params, "InstanceId", response, "reservationSet")
}

/// DescribeInstanceStatus: running instances, or all.
pub fn describe_status(
    world: &World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let all = params.boolean("IncludeAllInstances")?.unwrap_or(false);
    let listing = Listing::take(&mut params, "InstanceId")?;
    params.finish()?;
    let (mut instances, next) = listing.choose::<Instance>(world)?;
    instances.retain(|instance| all || instance.state == State::Running);
    Ok(response
        .list("instanceStatusSet", "item", &instances, |item, one| {
            let status = match one.state {
                State::Running if world.now >= one.status_ok_at() => "ok",
                State::Running => "initializing",
                _ => "not-applicable",
            };
            let summary = |name: &str| {
                let details = match status {
                    "ok" => Some("passed"),
                    "initializing" => Some("initializing"),
                    _ => None,
                };
                Element::new(name).text("status", status).list(
                    "details",
                    "item",
                    details,
                    |item, details| item.text("name", "reachability").text("status", details),
                )
            };
            item.text("instanceId", &one.id)
                .text("availabilityZone", &one.zone)
                .child(state("instanceState", one.state))
                .child(summary("systemStatus"))
                .child(summary("instanceStatus"))
        })
        .maybe("nextToken", next))
}
