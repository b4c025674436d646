//! EC2: network interfaces as XML.

use super::listing::{Described, Field, maybe, one, tag_set, time};
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::interfaces::{Interface, Owner};
use crate::practice::world::{Tags, World};

impl Described for Interface {
    const FIELDS: &'static [Field<Self>] = &[
        ("network-interface-id", |_, one_| one(&one_.id)),
        ("subnet-id", |_, one_| one(&one_.subnet)),
        ("vpc-id", |_, one_| one(&one_.vpc)),
        ("availability-zone", |_, one_| one(&one_.zone)),
        ("description", |_, one_| one(&one_.description)),
        ("group-id", |_, one_| one_.groups.clone()),
        ("group-name", |world, one_| group_names(world, one_)),
        ("private-ip-address", |_, one_| one(one_.private_address)),
        ("addresses.private-ip-address", |_, one_| {
            one(one_.private_address)
        }),
        ("association.public-ip", |_, one_| {
            maybe(one_.public_address)
        }),
        ("attachment.instance-id", |_, one_| maybe(instance(one_))),
        ("attachment.attachment-id", |_, one_| {
            maybe(attachment(one_))
        }),
        ("interface-type", |_, one_| one(kind(one_))),
        ("mac-address", |_, one_| one(&one_.mac)),
        ("owner-id", |world, _| one(&world.place.account_id)),
        ("requester-managed", |_, one_| one(managed(one_))),
        ("status", |_, one_| one(status(one_))),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> Tags {
        self.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.interface(id).cloned()
    }

    fn all(world: &World) -> Vec<Self> {
        world.interfaces.values().cloned().collect()
    }

    fn element(&self, world: &World, item: Element) -> Element {
        let name = world.private_dns_name(self.private_address);
        let item = item
            .text("networkInterfaceId", &self.id)
            .text("subnetId", &self.subnet)
            .text("vpcId", &self.vpc)
            .text("availabilityZone", &self.zone)
            .text("description", &self.description)
            .text("ownerId", &world.place.account_id)
            .text("requesterManaged", managed(self))
            .text("status", status(self))
            .text("macAddress", &self.mac)
            .text("privateIpAddress", self.private_address)
            .text("privateDnsName", &name)
            .text("sourceDestCheck", true)
            .child(groups(world, self));
        let item = match attached(self, false) {
            Some(attachment) => item.child(attachment),
            None => item,
        };
        let item = match association(world, self) {
            Some(association) => item.child(association),
            None => item,
        };
        let item = item
            .list("privateIpAddressesSet", "item", [self], |item, one| {
                let item = item
                    .text("privateIpAddress", one.private_address)
                    .text("privateDnsName", &name)
                    .text("primary", true);
                match association(world, one) {
                    Some(association) => item.child(association),
                    None => item,
                }
            })
            .text("interfaceType", kind(self));
        tag_set(item, &self.tags)
    }
}

fn group_names(world: &World, interface: &Interface) -> Vec<String> {
    interface
        .groups
        .iter()
        .filter_map(|group| Some(world.groups.get(group)?.name.clone()))
        .collect()
}

fn instance(interface: &Interface) -> Option<&String> {
    match &interface.owner {
        Owner::Instance { id, .. } => Some(id),
        _ => None,
    }
}

fn attachment(interface: &Interface) -> Option<&String> {
    match &interface.owner {
        Owner::Instance { attachment, .. } | Owner::MountTarget { attachment, .. } => {
            Some(attachment)
        }
        Owner::Nobody => None,
    }
}

fn managed(interface: &Interface) -> bool {
    matches!(interface.owner, Owner::MountTarget { .. })
}

fn kind(interface: &Interface) -> &'static str {
    if managed(interface) {
        "efs"
    } else {
        "interface"
    }
}

fn status(interface: &Interface) -> &'static str {
    match interface.owner {
        Owner::Nobody => "available",
        _ => "in-use",
    }
}

/// Its groups as `groupSet`.
pub fn groups(world: &World, interface: &Interface) -> Element {
    let items = interface.groups.iter().map(|group| {
        let name = world.groups.get(group).map(|group| &group.name);
        Element::new("item")
            .text("groupId", group)
            .maybe("groupName", name)
    });
    Element::new("groupSet").children(items)
}

/// How it is attached. Whoever asks about an instance knows which one that is, and is not told.
pub fn attached(interface: &Interface, of_instance: bool) -> Option<Element> {
    let element = Element::new("attachment").text("attachmentId", attachment(interface)?);
    Some(match &interface.owner {
        Owner::Instance { id, attached, .. } => element
            .maybe("instanceId", (!of_instance).then_some(id))
            .text("deviceIndex", 0)
            .text("networkCardIndex", 0)
            .text("status", "attached")
            .text("attachTime", time(*attached))
            .text("deleteOnTermination", true),
        _ => element
            .text("instanceOwnerId", "amazon-aws")
            .text("deviceIndex", 1)
            .text("status", "attached")
            .text("deleteOnTermination", false),
    })
}

/// Its public address.
pub fn association(world: &World, interface: &Interface) -> Option<Element> {
    let address = interface.public_address?;
    let named = world.vpcs.get(&interface.vpc)?.dns_hostnames;
    let name = if named {
        world.public_dns_name(address)
    } else {
        String::new()
    };
    Some(
        Element::new("association")
            .text("publicIp", address)
            .text("publicDnsName", name)
            .text("ipOwnerId", "amazon"),
    )
}
