//! `AWS::EC2::` VPC, internet gateway, attachment, subnet, route table, route, association.

use serde_json::{Value, json};

use super::{
    Progress, Request, ResourceType, at_once, gone_at_once, gone_is_deleted, id, invalid, own_id,
};
use crate::practice::cfn::behaviour::{Update, in_place};
use crate::practice::cfn::schema::{Kind, TAGS, optional, required};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::cidr::Cidr;

pub(super) fn cidr(text: &str) -> Result<Cidr, AwsError> {
    text.parse().map_err(|_| {
        invalid(format!(
            "Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        ))
    })
}

pub static VPC: ResourceType = ResourceType {
    name: "AWS::EC2::VPC",
    properties: &[
        required("CidrBlock", Kind::Text).replaces(),
        optional("EnableDnsSupport", Kind::Boolean).uninterrupted(),
        optional("EnableDnsHostnames", Kind::Boolean).uninterrupted(),
        optional("InstanceTenancy", Kind::OneOf(&["default"]))
            .update(Update::Conditional(in_place)),
        optional("Ipv4IpamPoolId", Kind::Unsupported),
        optional("Ipv4NetmaskLength", Kind::Unsupported),
        optional("Tags", TAGS).uninterrupted(),
    ],
    attributes: &[
        "CidrBlock",
        "DefaultNetworkAcl",
        "DefaultSecurityGroup",
        "VpcId",
    ],
    create: |world, request| {
        let range = cidr(&request.properties.needed("CidrBlock"))?;
        let id = world.create_vpc(range, request.tags.clone())?;
        if let Some(vpc) = world.vpcs.get_mut(&id) {
            vpc.dns_support = request
                .properties
                .boolean("EnableDnsSupport")
                .unwrap_or(true);
            vpc.dns_hostnames = request
                .properties
                .boolean("EnableDnsHostnames")
                .unwrap_or(false);
        }
        Ok(id)
    },
    settled: at_once,
    attribute: |world, resource, name| {
        let vpc = world.vpcs.get(id(resource))?;
        Some(match name {
            "CidrBlock" => vpc.cidr.to_string().into(),
            "DefaultNetworkAcl" => {
                let mut acls = world.network_acls.values();
                acls.find(|acl| acl.vpc == vpc.id)?.id.clone().into()
            }
            "DefaultSecurityGroup" => world.default_group(&vpc.id)?.id.clone().into(),
            "VpcId" => vpc.id.clone().into(),
            _ => return None,
        })
    },
    update: Some(|world, change| {
        if let Some(vpc) = world.vpcs.get_mut(id(change.resource)) {
            vpc.dns_support = change.after.boolean("EnableDnsSupport").unwrap_or(true);
            vpc.dns_hostnames = change.after.boolean("EnableDnsHostnames").unwrap_or(false);
        }
        Ok(Progress::Done)
    }),
    tags: Some(|world, id| Some(&mut world.vpcs.get_mut(id)?.tags)),
    delete: |world, resource| gone_is_deleted(world.delete_vpc(id(resource))),
    gone: gone_at_once,
};

pub static INTERNET_GATEWAY: ResourceType = ResourceType {
    name: "AWS::EC2::InternetGateway",
    properties: &[optional("Tags", TAGS).uninterrupted()],
    attributes: &["InternetGatewayId"],
    create: |world, request| Ok(world.create_gateway(request.tags.clone())),
    settled: at_once,
    attribute: own_id,
    update: None,
    tags: Some(|world, id| Some(&mut world.gateways.get_mut(id)?.tags)),
    delete: |world, resource| gone_is_deleted(world.delete_gateway(id(resource))),
    gone: gone_at_once,
};

pub static GATEWAY_ATTACHMENT: ResourceType = ResourceType {
    name: "AWS::EC2::VPCGatewayAttachment",
    properties: &[
        required("VpcId", Kind::Text).replaces(),
        required("InternetGatewayId", Kind::Text).uninterrupted(),
        optional("VpnGatewayId", Kind::Unsupported),
    ],
    attributes: &["AttachmentType"],
    create: |world, request| {
        let vpc = request.properties.needed("VpcId");
        world.attach_gateway(&request.properties.needed("InternetGatewayId"), &vpc)?;
        Ok(format!("IGW|{vpc}"))
    },
    settled: at_once,
    attribute: |_, _, _| Some(json!("IGW")),
    update: Some(|world, change| {
        let vpc = change.after.needed("VpcId");
        world.detach_gateway(&change.before.needed("InternetGatewayId"), &vpc)?;
        world.attach_gateway(&change.after.needed("InternetGatewayId"), &vpc)?;
        Ok(Progress::Done)
    }),
    tags: None,
    delete: |world, resource| {
        let vpc = id(resource).trim_start_matches("IGW|");
        let attached = world
            .gateways
            .values()
            .find(|gateway| gateway.vpc.as_deref() == Some(vpc))
            .map(|gateway| gateway.id.clone());
        match attached {
            Some(gateway) => gone_is_deleted(world.detach_gateway(&gateway, vpc)),
            None => Ok(()),
        }
    },
    gone: gone_at_once,
};

pub static SUBNET: ResourceType = ResourceType {
    name: "AWS::EC2::Subnet",
    properties: &[
        required("VpcId", Kind::Text).replaces(),
        required("CidrBlock", Kind::Text).replaces(),
        optional("AvailabilityZone", Kind::Text).replaces(),
        optional("AvailabilityZoneId", Kind::Unsupported),
        optional("MapPublicIpOnLaunch", Kind::Boolean).uninterrupted(),
        optional("AssignIpv6AddressOnCreation", Kind::Unsupported),
        optional("Ipv6CidrBlock", Kind::Unsupported),
        optional("Tags", TAGS).uninterrupted(),
    ],
    attributes: &[
        "AvailabilityZone",
        "AvailabilityZoneId",
        "CidrBlock",
        "NetworkAclAssociationId",
        "SubnetId",
        "VpcId",
    ],
    create: |world, request| {
        let properties = request.properties;
        let id = world.create_subnet(
            &properties.needed("VpcId"),
            cidr(&properties.needed("CidrBlock"))?,
            properties.text("AvailabilityZone"),
            request.tags.clone(),
        )?;
        if let Some(subnet) = world.subnets.get_mut(&id) {
            subnet.map_public_ip = properties.boolean("MapPublicIpOnLaunch").unwrap_or(false);
        }
        Ok(id)
    },
    settled: at_once,
    attribute: |world, resource, name| {
        let subnet = world.subnets.get(id(resource))?;
        Some(match name {
            "AvailabilityZone" => subnet.zone.clone().into(),
            "AvailabilityZoneId" => world.place.zone(&subnet.zone)?.id.into(),
            "CidrBlock" => subnet.cidr.to_string().into(),
            "NetworkAclAssociationId" => {
                let mut acls = world.network_acls.values();
                acls.find_map(|acl| acl.associations.get(&subnet.id))?
                    .clone()
                    .into()
            }
            "SubnetId" => subnet.id.clone().into(),
            "VpcId" => subnet.vpc.clone().into(),
            _ => return None,
        })
    },
    update: Some(|world, change| {
        if let Some(subnet) = world.subnets.get_mut(id(change.resource)) {
            subnet.map_public_ip = change.after.boolean("MapPublicIpOnLaunch").unwrap_or(false);
        }
        Ok(Progress::Done)
    }),
    tags: Some(|world, id| Some(&mut world.subnets.get_mut(id)?.tags)),
    delete: |world, resource| gone_is_deleted(world.delete_subnet(id(resource))),
    gone: gone_at_once,
};

pub static ROUTE_TABLE: ResourceType = ResourceType {
    name: "AWS::EC2::RouteTable",
    properties: &[
        required("VpcId", Kind::Text).replaces(),
        optional("Tags", TAGS).uninterrupted(),
    ],
    attributes: &["RouteTableId"],
    create: |world, request| {
        world.create_route_table(&request.properties.needed("VpcId"), request.tags.clone())
    },
    settled: at_once,
    attribute: own_id,
    update: None,
    tags: Some(|world, id| Some(&mut world.route_tables.get_mut(id)?.tags)),
    delete: |world, resource| gone_is_deleted(world.delete_route_table(id(resource))),
    gone: gone_at_once,
};

pub static ROUTE: ResourceType = ResourceType {
    name: "AWS::EC2::Route",
    properties: &[
        required("RouteTableId", Kind::Text).replaces(),
        required("DestinationCidrBlock", Kind::Text).replaces(),
        required("GatewayId", Kind::Text).uninterrupted(),
        optional("DestinationIpv6CidrBlock", Kind::Unsupported),
        optional("DestinationPrefixListId", Kind::Unsupported),
        optional("InstanceId", Kind::Unsupported),
        optional("NatGatewayId", Kind::Unsupported),
        optional("NetworkInterfaceId", Kind::Unsupported),
        optional("TransitGatewayId", Kind::Unsupported),
        optional("VpcEndpointId", Kind::Unsupported),
        optional("VpcPeeringConnectionId", Kind::Unsupported),
    ],
    attributes: &["CidrBlock"],
    create: create_route,
    settled: at_once,
    attribute: |_, resource, _| id(resource).split_once('|').map(|(_, to)| Value::from(to)),
    update: Some(|world, change| {
        let (table, to) = (
            change.after.needed("RouteTableId"),
            change.after.needed("DestinationCidrBlock"),
        );
        let to = cidr(&to)?;
        world.delete_route(&table, to)?;
        world.create_route(&table, to, &change.after.needed("GatewayId"))?;
        Ok(Progress::Done)
    }),
    tags: None,
    delete: |world, resource| {
        let Some((table, to)) = id(resource).split_once('|') else {
            return Ok(());
        };
        gone_is_deleted(world.delete_route(table, cidr(to)?))
    },
    gone: gone_at_once,
};

fn create_route(world: &mut World, request: &Request) -> Result<String, AwsError> {
    let table = request.properties.needed("RouteTableId");
    let to = cidr(&request.properties.needed("DestinationCidrBlock"))?;
    world.create_route(&table, to, &request.properties.needed("GatewayId"))?;
    Ok(format!("{table}|{to}"))
}

pub static SUBNET_ROUTE_TABLE_ASSOCIATION: ResourceType = ResourceType {
    name: "AWS::EC2::SubnetRouteTableAssociation",
    properties: &[
        required("RouteTableId", Kind::Text).replaces(),
        required("SubnetId", Kind::Text).replaces(),
    ],
    attributes: &["Id"],
    create: |world, request| {
        world.associate_route_table(
            &request.properties.needed("RouteTableId"),
            &request.properties.needed("SubnetId"),
        )
    },
    settled: at_once,
    attribute: own_id,
    update: None,
    tags: None,
    delete: |world, resource| gone_is_deleted(world.disassociate_route_table(id(resource))),
    gone: gone_at_once,
};
