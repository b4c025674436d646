//! `AWS::EC2::NetworkAcl`, its entries, and which subnets have it.

use serde_json::Value;

use super::{
    Progress, Request, ResourceType, at_once, gone_at_once, gone_is_deleted, id, invalid, own_id,
};
use crate::practice::cfn::schema::{Kind, Properties, TAGS, optional, required};
use crate::practice::error::AwsError;
use crate::practice::world::acls::Entry;
use crate::practice::world::security::Way;

const RANGE: Kind = Kind::Object(&[
    optional("From", Kind::Integer),
    optional("To", Kind::Integer),
]);
const ICMP: Kind = Kind::Object(&[
    optional("Code", Kind::Integer),
    optional("Type", Kind::Integer),
]);

pub static NETWORK_ACL: ResourceType = ResourceType {
    name: "AWS::EC2::NetworkAcl",
    properties: &[
        optional("Tags", TAGS).uninterrupted(),
        required("VpcId", Kind::Text).replaces(),
    ],
    attributes: &["Id"],
    create: |world, request| {
        world.create_network_acl(&request.properties.needed("VpcId"), request.tags.clone())
    },
    settled: at_once,
    attribute: own_id,
    update: None,
    tags: Some(|world, id| Some(&mut world.network_acls.get_mut(id)?.tags)),
    delete: |world, resource| gone_is_deleted(world.delete_network_acl(id(resource))),
    gone: gone_at_once,
};

pub static ENTRY: ResourceType = ResourceType {
    name: "AWS::EC2::NetworkAclEntry",
    properties: &[
        optional("CidrBlock", Kind::Text).uninterrupted(),
        optional("Egress", Kind::Boolean).replaces(),
        optional("Icmp", ICMP).uninterrupted(),
        optional("Ipv6CidrBlock", Kind::Unsupported),
        required("NetworkAclId", Kind::Text).replaces(),
        optional("PortRange", RANGE).uninterrupted(),
        required("Protocol", Kind::Integer).uninterrupted(),
        required("RuleAction", Kind::OneOf(&["allow", "deny"])).uninterrupted(),
        required("RuleNumber", Kind::Integer).replaces(),
    ],
    attributes: &["Id"],
    create: create_entry,
    settled: at_once,
    attribute: own_id,
    update: Some(|world, change| {
        if let Some((acl, way, number)) = parts(id(change.resource)) {
            let entry = entry(change.after)?;
            world.set_acl_entry(acl, way, number, Some(entry))?;
        }
        Ok(Progress::Done)
    }),
    tags: None,
    delete: |world, resource| match parts(id(resource)) {
        Some((acl, way, number)) => gone_is_deleted(world.set_acl_entry(acl, way, number, None)),
        None => Ok(()),
    },
    gone: gone_at_once,
};

fn create_entry(
    world: &mut crate::practice::world::World,
    request: &Request,
) -> Result<String, AwsError> {
    let properties = request.properties;
    let acl = properties.needed("NetworkAclId");
    let way = match properties.boolean("Egress") {
        Some(true) => Way::Out,
        Some(false) | None => Way::In,
    };
    let number = properties.integer("RuleNumber").unwrap_or_default();
    let number = u32::try_from(number).unwrap_or_default();
    world.create_acl_entry(&acl, way, number, entry(properties)?)?;
    let way = if way == Way::Out { "egress" } else { "ingress" };
    Ok(format!("{acl}|{way}|{number}"))
}

/// ACL, direction and number in a physical id.
fn parts(id: &str) -> Option<(&str, Way, u32)> {
    let mut parts = id.split('|');
    let acl = parts.next()?;
    let way = match parts.next()? {
        "egress" => Way::Out,
        _ => Way::In,
    };
    Some((acl, way, parts.next()?.parse().ok()?))
}

fn entry(properties: Properties<'_>) -> Result<Entry, AwsError> {
    let protocol = properties.integer("Protocol").unwrap_or(-1);
    let protocol = i16::try_from(protocol)
        .ok()
        .filter(|one| (-1..=255).contains(one));
    let protocol = protocol.ok_or_else(|| invalid("Invalid value for protocol."))?;
    let cidr = properties.text("CidrBlock").ok_or_else(|| {
        AwsError::client(
            "MissingParameter",
            "The request must contain the parameter cidrBlock or ipv6CidrBlock",
        )
    })?;
    let pair = |name: &str, first: &str, last: &str| {
        let part = properties.object(name);
        Some((part.integer(first)?, part.integer(last)?))
    };
    let ports = pair("PortRange", "From", "To");
    // Ports are required for TCP and UDP (EC2 API reference, CreateNetworkAclEntry).
    if matches!(protocol, 6 | 17) && ports.is_none() {
        return Err(AwsError::client(
            "InvalidParameterCombination",
            "The parameter portRange is required for TCP and UDP",
        ));
    }
    let port = |port: i64| {
        u16::try_from(port).map_err(|_| invalid(format!("Invalid value '{port}' for portRange.")))
    };
    let kind = |kind: i64| {
        i16::try_from(kind)
            .map_err(|_| invalid(format!("Invalid value '{kind}' for icmpTypeCode.")))
    };
    Ok(Entry {
        allow: properties.text("RuleAction").as_deref() == Some("allow"),
        protocol,
        cidr: super::network::cidr(&cidr)?,
        ports: ports
            .map(|(from, to)| Ok::<_, AwsError>((port(from)?, port(to)?)))
            .transpose()?,
        icmp: pair("Icmp", "Type", "Code")
            .map(|(of, code)| Ok::<_, AwsError>((kind(of)?, kind(code)?)))
            .transpose()?,
    })
}

pub static SUBNET_ASSOCIATION: ResourceType = ResourceType {
    name: "AWS::EC2::SubnetNetworkAclAssociation",
    properties: &[
        required("NetworkAclId", Kind::Text).replaces(),
        required("SubnetId", Kind::Text).replaces(),
    ],
    attributes: &["AssociationId"],
    create: |world, request| {
        let acl = request.properties.needed("NetworkAclId");
        world.associate_acl(&request.properties.needed("SubnetId"), Some(&acl))
    },
    settled: at_once,
    attribute: |_, resource, _| resource.physical_id.clone().map(Value::from),
    update: None,
    tags: None,
    // A subnet is never without one: it gets back the default one of its VPC.
    delete: |world, resource| match world.subnet_of_acl_association(id(resource)) {
        Some(subnet) => world.associate_acl(&subnet, None).map(drop),
        None => Ok(()),
    },
    gone: gone_at_once,
};
