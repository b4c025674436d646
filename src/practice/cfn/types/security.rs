//! `AWS::EC2::` security group, its rules as resources of their own, key pair.

use super::{
    Change, Progress, Request, ResourceType, at_once, gone_at_once, gone_is_deleted, id, invalid,
    own_id,
};
use crate::practice::cfn::schema::{Kind, Properties, Property, TAGS, optional, required};
use crate::practice::error::AwsError;
use crate::practice::world::security::{Peer, Permission, Rule, Way, ports, protocol};
use crate::practice::world::stacks::Resource;
use crate::practice::world::{Tags, World};

/// Inline ingress rule.
const IN: &[Property] = &[
    required("IpProtocol", Kind::Text).replaces(),
    optional("FromPort", Kind::Integer).replaces(),
    optional("ToPort", Kind::Integer).replaces(),
    optional("CidrIp", Kind::Text).replaces(),
    optional("CidrIpv6", Kind::Text).replaces(),
    optional("SourceSecurityGroupId", Kind::Text).replaces(),
    optional("SourceSecurityGroupName", Kind::Unsupported),
    optional("SourceSecurityGroupOwnerId", Kind::Unsupported),
    optional("SourcePrefixListId", Kind::Unsupported),
    optional("Description", Kind::Text).uninterrupted(),
];

/// Inline egress rule.
const OUT: &[Property] = &[
    required("IpProtocol", Kind::Text).replaces(),
    optional("FromPort", Kind::Integer).replaces(),
    optional("ToPort", Kind::Integer).replaces(),
    optional("CidrIp", Kind::Text).replaces(),
    optional("CidrIpv6", Kind::Text).replaces(),
    optional("DestinationSecurityGroupId", Kind::Text).replaces(),
    optional("DestinationPrefixListId", Kind::Unsupported),
    optional("Description", Kind::Text).uninterrupted(),
];

pub static SECURITY_GROUP: ResourceType = ResourceType {
    name: "AWS::EC2::SecurityGroup",
    properties: &[
        required("GroupDescription", Kind::Text).replaces(),
        optional("GroupName", Kind::Text).replaces().naming(),
        optional("VpcId", Kind::Text).replaces(),
        optional("SecurityGroupIngress", Kind::List(&Kind::Object(IN))).uninterrupted(),
        optional("SecurityGroupEgress", Kind::List(&Kind::Object(OUT))).uninterrupted(),
        optional("Tags", TAGS).uninterrupted(),
    ],
    attributes: &["GroupId", "Id", "VpcId"],
    create: create_group,
    settled: at_once,
    attribute: |world, resource, name| match name {
        "VpcId" => world
            .groups
            .get(id(resource))
            .map(|group| group.vpc.clone().into()),
        _ => own_id(world, resource, name),
    },
    update: Some(update_group),
    tags: Some(|world, id| Some(&mut world.groups.get_mut(id)?.tags)),
    delete: |world, resource| gone_is_deleted(world.delete_group(id(resource))),
    gone: gone_at_once,
};

fn create_group(world: &mut World, request: &Request) -> Result<String, AwsError> {
    let properties = request.properties;
    let vpc = properties
        .text("VpcId")
        .ok_or_else(|| AwsError::client("VPCIdNotSpecified", "No default VPC for this user"))?;
    let name = match properties.text("GroupName") {
        Some(name) => name,
        None => generated_name(world, request),
    };
    let group = world.create_group(
        &vpc,
        &name,
        &properties.needed("GroupDescription"),
        request.tags.clone(),
    )?;
    let own = |way| {
        if way == Way::Out && properties.objects("SecurityGroupEgress").is_empty() {
            return Ok(Vec::new());
        }
        rules(properties, way)
    };
    let (ingress, egress) = (own(Way::In)?, own(Way::Out)?);
    if !egress.is_empty() {
        // Own egress rules stand instead of the one that lets everything out.
        world.revoke(&group, Way::Out, &everything())?;
    }
    for (way, rules) in [(Way::In, ingress), (Way::Out, egress)] {
        for (admits, description) in rules {
            world.allow(&group, way, admits, description, Tags::new())?;
        }
    }
    Ok(group)
}

fn everything() -> Permission {
    Permission::everything(Peer::Range(crate::practice::world::cidr::Cidr::EVERYWHERE))
}

/// A rule as it is written in a template.
type Inline = (Permission, Option<String>);

/// The rules that a group is to have one way; with no egress rules of its own, the one that lets everything out.
fn rules(properties: Properties<'_>, way: Way) -> Result<Vec<Inline>, AwsError> {
    let (name, peer) = match way {
        Way::In => ("SecurityGroupIngress", "SourceSecurityGroupId"),
        Way::Out => ("SecurityGroupEgress", "DestinationSecurityGroupId"),
    };
    let rules = properties.objects(name);
    if way == Way::Out && rules.is_empty() {
        return Ok(vec![(everything(), None)]);
    }
    rules
        .into_iter()
        .map(|rule| permission(rule, peer))
        .collect()
}

/// Rules that others have added (by hand, or as resources of their own) stay.
fn update_group(world: &mut World, change: &Change) -> Result<Progress, AwsError> {
    let group = id(change.resource);
    for way in [Way::In, Way::Out] {
        let (before, after) = (rules(change.before, way)?, rules(change.after, way)?);
        let among =
            |rules: &[Inline], one: &Permission| rules.iter().any(|(other, _)| other == one);
        for (admits, description) in &after {
            if !among(&before, admits) {
                world.allow(group, way, admits.clone(), description.clone(), Tags::new())?;
            } else if !before.contains(&(admits.clone(), description.clone())) {
                describe(world, group, description.as_ref(), |rule| {
                    rule.way == way && rule.admits == *admits
                });
            }
        }
        for (admits, _) in &before {
            if !among(&after, admits) {
                gone_is_deleted(world.revoke(group, way, admits))?;
            }
        }
    }
    Ok(Progress::Done)
}

/// A rule as a resource of its own has nothing that can be changed but its description.
fn update_rule(world: &mut World, change: &Change) -> Result<Progress, AwsError> {
    let rule = id(change.resource);
    let group = change.after.needed("GroupId");
    world.group(&group)?;
    let description = change.after.text("Description");
    describe(world, &group, description.as_ref(), |one| one.id == rule);
    Ok(Progress::Done)
}

fn describe(
    world: &mut World,
    group: &str,
    description: Option<&String>,
    is_meant: impl Fn(&Rule) -> bool,
) {
    let rules = world.groups.get_mut(group).map(|group| &mut group.rules);
    for rule in rules.into_iter().flatten().filter(|rule| is_meant(rule)) {
        rule.description = description.cloned();
    }
}

/// `stack-LogicalId-1A2B3C4D5E6F`.
pub(super) fn generated_name(world: &mut World, request: &Request) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let suffix: String = (0..12)
        .map(|_| char::from(DIGITS[world.below(DIGITS.len())]))
        .collect();
    format!("{}-{}-{suffix}", request.stack_name, request.logical_id)
}

fn permission(rule: Properties<'_>, group: &str) -> Result<(Permission, Option<String>), AwsError> {
    let protocol = protocol(&rule.needed("IpProtocol"))?;
    let port = |name| rule.integer(name).and_then(|port| i32::try_from(port).ok());
    let ports = ports(&protocol, port("FromPort"), port("ToPort"))?;
    let range = rule.text("CidrIp");
    let range6 = rule.text("CidrIpv6");
    let peer = match (range, range6, rule.text(group)) {
        (Some(range), None, None) => Peer::Range(
            range
                .parse()
                .map_err(|_| invalid(format!("CIDR block {range} is malformed")))?,
        ),
        (None, Some(range), None) => Peer::Range6(range),
        (None, None, Some(peer)) => Peer::Group(peer),
        (None, None, None) => {
            return Err(invalid(format!(
                "Invalid value 'Must specify exactly one of CidrIp, CidrIpv6 or {group}' for ipPermissions."
            )));
        }
        _ => {
            return Err(invalid(format!(
                "Only one of CidrIp, CidrIpv6 and {group} can be specified"
            )));
        }
    };
    let admits = Permission {
        protocol,
        ports,
        peer,
    };
    Ok((admits, rule.text("Description")))
}

pub static INGRESS: ResourceType = ResourceType {
    name: "AWS::EC2::SecurityGroupIngress",
    properties: &[
        required("GroupId", Kind::Text).replaces(),
        optional("GroupName", Kind::Unsupported),
        IN[0],
        IN[1],
        IN[2],
        IN[3],
        IN[4],
        IN[5],
        IN[6],
        IN[7],
        IN[8],
        IN[9],
    ],
    attributes: &["Id"],
    create: |world, request| create_rule(world, request, Way::In, "SourceSecurityGroupId"),
    settled: at_once,
    attribute: own_id,
    update: Some(update_rule),
    tags: None,
    delete: |world, resource| delete_rule(world, resource, Way::In),
    gone: gone_at_once,
};

pub static EGRESS: ResourceType = ResourceType {
    name: "AWS::EC2::SecurityGroupEgress",
    properties: &[
        required("GroupId", Kind::Text).replaces(),
        OUT[0],
        OUT[1],
        OUT[2],
        OUT[3],
        OUT[4],
        OUT[5],
        OUT[6],
        OUT[7],
    ],
    attributes: &["Id"],
    create: |world, request| create_rule(world, request, Way::Out, "DestinationSecurityGroupId"),
    settled: at_once,
    attribute: own_id,
    update: Some(update_rule),
    tags: None,
    delete: |world, resource| delete_rule(world, resource, Way::Out),
    gone: gone_at_once,
};

fn create_rule(
    world: &mut World,
    request: &Request,
    way: Way,
    group: &str,
) -> Result<String, AwsError> {
    let (admits, description) = permission(request.properties, group)?;
    let of = request.properties.needed("GroupId");
    world.allow(&of, way, admits, description, Tags::new())
}

fn delete_rule(world: &mut World, resource: &Resource, way: Way) -> Result<(), AwsError> {
    let of = Properties::new(&resource.properties).needed("GroupId");
    gone_is_deleted(world.revoke_rule(&of, way, id(resource)))
}

pub static KEY_PAIR: ResourceType = ResourceType {
    name: "AWS::EC2::KeyPair",
    properties: &[
        required("KeyName", Kind::Text).replaces().naming(),
        required("PublicKeyMaterial", Kind::Text).replaces(),
        optional("KeyType", Kind::Unsupported),
        optional("KeyFormat", Kind::Unsupported),
        optional("Tags", TAGS).replaces(),
    ],
    attributes: &["KeyFingerprint", "KeyPairId"],
    create: |world, request| {
        let name = request.properties.needed("KeyName");
        let material = request.properties.needed("PublicKeyMaterial");
        world.import_key_pair(&name, &material, request.tags.clone())?;
        Ok(name)
    },
    settled: at_once,
    attribute: |world, resource, name| {
        let pair = world.key_pairs.get(id(resource))?;
        Some(match name {
            "KeyFingerprint" => pair.fingerprint.clone().into(),
            "KeyPairId" => pair.id.clone().into(),
            _ => return None,
        })
    },
    update: None,
    tags: None,
    delete: |world, resource| {
        world.key_pairs.remove(id(resource));
        Ok(())
    },
    gone: gone_at_once,
};
