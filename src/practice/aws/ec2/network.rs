//! EC2: VPCs, subnets, internet gateways, route tables, network ACLs as XML.

use super::listing::{Described, Field, maybe, one, tag_set};
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::acls::{Entry, LAST_ENTRY, NetworkAcl};
use crate::practice::world::cidr::Cidr;
use crate::practice::world::routes::RouteTable;
use crate::practice::world::security::Way;
use crate::practice::world::vpc::{InternetGateway, Subnet, Vpc};
use crate::practice::world::{Tags, World};

impl Described for Vpc {
    const FIELDS: &'static [Field<Self>] = &[
        ("vpc-id", |_, vpc| one(&vpc.id)),
        ("cidr", |_, vpc| one(vpc.cidr)),
        ("cidr-block-association.cidr-block", |_, vpc| one(vpc.cidr)),
        ("is-default", |_, _| one(false)),
        ("isDefault", |_, _| one(false)),
        ("owner-id", |world, _| one(&world.place.account_id)),
        ("state", |_, _| one("available")),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> Tags {
        self.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.vpc(id).cloned()
    }

    fn all(world: &World) -> Vec<Self> {
        world.vpcs.values().cloned().collect()
    }

    fn element(&self, world: &World, item: Element) -> Element {
        let item = item
            .text("vpcId", &self.id)
            .text("ownerId", &world.place.account_id)
            .text("state", "available")
            .text("cidrBlock", self.cidr)
            .list("cidrBlockAssociationSet", "item", [self], |item, vpc| {
                item.text("cidrBlock", vpc.cidr)
                    .text("associationId", &vpc.cidr_association)
                    .child(Element::new("cidrBlockState").text("state", "associated"))
            })
            .text("dhcpOptionsId", "default")
            .text("instanceTenancy", "default")
            .text("isDefault", false);
        tag_set(item, &self.tags)
    }
}

impl Described for Subnet {
    const FIELDS: &'static [Field<Self>] = &[
        ("subnet-id", |_, subnet| one(&subnet.id)),
        ("vpc-id", |_, subnet| one(&subnet.vpc)),
        ("availability-zone", |_, subnet| one(&subnet.zone)),
        ("availabilityZone", |_, subnet| one(&subnet.zone)),
        ("cidr", |_, subnet| one(subnet.cidr)),
        ("cidr-block", |_, subnet| one(subnet.cidr)),
        ("cidrBlock", |_, subnet| one(subnet.cidr)),
        ("default-for-az", |_, _| one(false)),
        ("map-public-ip-on-launch", |_, subnet| {
            one(subnet.map_public_ip)
        }),
        ("owner-id", |world, _| one(&world.place.account_id)),
        ("state", |_, _| one("available")),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> Tags {
        self.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.subnet(id).cloned()
    }

    fn all(world: &World) -> Vec<Self> {
        world.subnets.values().cloned().collect()
    }

    fn element(&self, world: &World, item: Element) -> Element {
        let arn = world.place.arn("ec2", &format!("subnet/{}", self.id));
        let item = item
            .text("subnetId", &self.id)
            .text("subnetArn", arn)
            .text("state", "available")
            .text("ownerId", &world.place.account_id)
            .text("vpcId", &self.vpc)
            .text("cidrBlock", self.cidr)
            .child(Element::new("ipv6CidrBlockAssociationSet"))
            .text("availableIpAddressCount", world.free_addresses(self))
            .text("availabilityZone", &self.zone)
            .maybe(
                "availabilityZoneId",
                world.place.zone(&self.zone).map(|zone| zone.id),
            )
            .text("defaultForAz", false)
            .text("mapPublicIpOnLaunch", self.map_public_ip)
            .text("assignIpv6AddressOnCreation", false);
        tag_set(item, &self.tags)
    }
}

impl Described for InternetGateway {
    const FIELDS: &'static [Field<Self>] = &[
        ("internet-gateway-id", |_, gateway| one(&gateway.id)),
        ("attachment.vpc-id", |_, gateway| {
            maybe(gateway.vpc.as_ref())
        }),
        ("attachment.state", |_, gateway| {
            maybe(gateway.vpc.as_ref().map(|_| "available"))
        }),
        ("owner-id", |world, _| one(&world.place.account_id)),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> Tags {
        self.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.gateway(id).cloned()
    }

    fn all(world: &World) -> Vec<Self> {
        world.gateways.values().cloned().collect()
    }

    fn element(&self, world: &World, item: Element) -> Element {
        let item = item
            .text("internetGatewayId", &self.id)
            .text("ownerId", &world.place.account_id)
            .list("attachmentSet", "item", &self.vpc, |item, vpc| {
                item.text("vpcId", vpc).text("state", "available")
            });
        tag_set(item, &self.tags)
    }
}

impl Described for RouteTable {
    const FIELDS: &'static [Field<Self>] = &[
        ("route-table-id", |_, table| one(&table.id)),
        ("vpc-id", |_, table| one(&table.vpc)),
        ("association.main", |_, table| one(table.main.is_some())),
        ("association.route-table-id", |_, table| one(&table.id)),
        ("association.route-table-association-id", |_, table| {
            table
                .associations
                .keys()
                .chain(&table.main)
                .cloned()
                .collect()
        }),
        ("association.subnet-id", |_, table| {
            table.associations.values().cloned().collect()
        }),
        ("owner-id", |world, _| one(&world.place.account_id)),
        ("route.destination-cidr-block", |_, table| {
            table.routes.keys().map(ToString::to_string).collect()
        }),
        ("route.gateway-id", |_, table| {
            table
                .routes
                .values()
                .cloned()
                .chain(["local".into()])
                .collect()
        }),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> Tags {
        self.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.route_table(id).cloned()
    }

    fn all(world: &World) -> Vec<Self> {
        world.route_tables.values().cloned().collect()
    }

    fn element(&self, world: &World, item: Element) -> Element {
        let local = world
            .vpcs
            .get(&self.vpc)
            .map(|vpc| (vpc.cidr.to_string(), "local", "active", "CreateRouteTable"));
        let own = self.routes.iter().map(|(to, gateway)| {
            let attached = world
                .gateways
                .get(gateway)
                .is_some_and(|gateway| gateway.vpc.as_ref() == Some(&self.vpc));
            let state = if attached { "active" } else { "blackhole" };
            (to.to_string(), gateway.as_str(), state, "CreateRoute")
        });
        let main = self.main.iter().map(|id| (id, None));
        let subnets = self
            .associations
            .iter()
            .map(|(id, subnet)| (id, Some(subnet)));
        let item = item
            .text("routeTableId", &self.id)
            .text("vpcId", &self.vpc)
            .text("ownerId", &world.place.account_id)
            .list(
                "routeSet",
                "item",
                local.into_iter().chain(own),
                |item, (to, gateway, state, origin)| {
                    item.text("destinationCidrBlock", to)
                        .text("gatewayId", gateway)
                        .text("state", state)
                        .text("origin", origin)
                },
            )
            .list(
                "associationSet",
                "item",
                main.chain(subnets),
                |item, (id, subnet)| {
                    item.text("routeTableAssociationId", id)
                        .text("routeTableId", &self.id)
                        .maybe("subnetId", subnet)
                        .text("main", subnet.is_none())
                        .child(Element::new("associationState").text("state", "associated"))
                },
            )
            .child(Element::new("propagatingVgwSet"));
        tag_set(item, &self.tags)
    }
}

impl Described for NetworkAcl {
    const FIELDS: &'static [Field<Self>] = &[
        ("network-acl-id", |_, acl| one(&acl.id)),
        ("vpc-id", |_, acl| one(&acl.vpc)),
        ("association.subnet-id", |_, acl| {
            acl.associations.keys().cloned().collect()
        }),
        ("default", |_, acl| one(acl.is_default)),
        ("owner-id", |world, _| one(&world.place.account_id)),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> Tags {
        self.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.network_acl(id).cloned()
    }

    fn all(world: &World) -> Vec<Self> {
        world.network_acls.values().cloned().collect()
    }

    fn element(&self, world: &World, item: Element) -> Element {
        let item = item
            .text("networkAclId", &self.id)
            .text("vpcId", &self.vpc)
            .text("ownerId", &world.place.account_id)
            .text("default", self.is_default)
            .list("entrySet", "item", shown(self), acl_entry)
            .list(
                "associationSet",
                "item",
                &self.associations,
                |item, (subnet, id)| {
                    item.text("networkAclAssociationId", id)
                        .text("networkAclId", &self.id)
                        .text("subnetId", subnet)
                },
            );
        tag_set(item, &self.tags)
    }
}

/// Its entries, and those that deny the rest, which every ACL has: `None`.
fn shown(acl: &NetworkAcl) -> Vec<(Way, u32, Option<&Entry>)> {
    let mut entries = Vec::new();
    for way in [Way::Out, Way::In] {
        let own = acl.entries.iter().filter(|((of, _), _)| *of == way);
        entries.extend(own.map(|((way, number), entry)| (*way, *number, Some(entry))));
        entries.push((way, LAST_ENTRY + 1, None));
    }
    entries
}

fn acl_entry(item: Element, (way, number, entry): (Way, u32, Option<&Entry>)) -> Element {
    let pair =
        |item: Element, name: &str, (first, last): (&str, &str), of: Option<(i64, i64)>| match of {
            Some((from, to)) => item.child(Element::new(name).text(first, from).text(last, to)),
            None => item,
        };
    let allow = entry.is_some_and(|entry| entry.allow);
    let item = item
        .text("ruleNumber", number)
        .text("protocol", entry.map_or(-1, |entry| entry.protocol))
        .text("ruleAction", if allow { "allow" } else { "deny" })
        .text("egress", way == Way::Out)
        .text(
            "cidrBlock",
            entry.map_or(Cidr::EVERYWHERE, |entry| entry.cidr),
        );
    let ports = entry.and_then(|entry| entry.ports);
    let item = pair(
        item,
        "portRange",
        ("from", "to"),
        ports.map(|(from, to)| (from.into(), to.into())),
    );
    let icmp = entry.and_then(|entry| entry.icmp);
    pair(
        item,
        "icmpTypeCode",
        ("type", "code"),
        icmp.map(|(kind, code)| (kind.into(), code.into())),
    )
}
