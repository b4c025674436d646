//! EC2: security groups and their rules.

use super::listing::{Described, Field, one, tag_set};
use super::tags::specified;
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::security::{
    Peer, Permission, Rule, SecurityGroup, Way, ports, protocol,
};
use crate::practice::world::{Tags, World};

impl Described for SecurityGroup {
    const FIELDS: &'static [Field<Self>] = &[
        ("group-id", |_, group| one(&group.id)),
        ("group-name", |_, group| one(&group.name)),
        ("description", |_, group| one(&group.description)),
        ("vpc-id", |_, group| one(&group.vpc)),
        ("owner-id", |world, _| one(&world.place.account_id)),
        ("ip-permission.cidr", |_, group| ranges(group, Way::In)),
        ("ip-permission.from-port", |_, group| {
            port(group, Way::In, |ports| ports.0)
        }),
        ("ip-permission.to-port", |_, group| {
            port(group, Way::In, |ports| ports.1)
        }),
        ("ip-permission.protocol", |_, group| {
            protocols(group, Way::In)
        }),
        ("ip-permission.group-id", |_, group| peers(group, Way::In)),
        ("egress.ip-permission.cidr", |_, group| {
            ranges(group, Way::Out)
        }),
        ("egress.ip-permission.protocol", |_, group| {
            protocols(group, Way::Out)
        }),
        ("egress.ip-permission.group-id", |_, group| {
            peers(group, Way::Out)
        }),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> Tags {
        self.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.group(id).cloned()
    }

    fn all(world: &World) -> Vec<Self> {
        world.groups.values().cloned().collect()
    }

    fn element(&self, world: &World, item: Element) -> Element {
        let arn = world
            .place
            .arn("ec2", &format!("security-group/{}", self.id));
        let item = item
            .text("ownerId", &world.place.account_id)
            .text("groupId", &self.id)
            .text("securityGroupArn", arn)
            .text("groupName", &self.name)
            .text("groupDescription", &self.description)
            .text("vpcId", &self.vpc)
            .child(permissions(world, self, Way::In, "ipPermissions"))
            .child(permissions(world, self, Way::Out, "ipPermissionsEgress"));
        tag_set(item, &self.tags)
    }
}

fn ranges(group: &SecurityGroup, way: Way) -> Vec<String> {
    let range = |rule: &Rule| match &rule.admits.peer {
        Peer::Range(range) => Some(range.to_string()),
        _ => None,
    };
    group.rules(way).filter_map(range).collect()
}

fn peers(group: &SecurityGroup, way: Way) -> Vec<String> {
    let peer = |rule: &Rule| match &rule.admits.peer {
        Peer::Group(peer) => Some(peer.clone()),
        _ => None,
    };
    group.rules(way).filter_map(peer).collect()
}

fn protocols(group: &SecurityGroup, way: Way) -> Vec<String> {
    group
        .rules(way)
        .map(|rule| rule.admits.protocol.clone())
        .collect()
}

fn port(group: &SecurityGroup, way: Way, which: fn((i32, i32)) -> i32) -> Vec<String> {
    group
        .rules(way)
        .filter_map(|rule| Some(which(rule.admits.ports?).to_string()))
        .collect()
}

/// Rules of one direction, those with the same protocol and ports together.
fn permissions(world: &World, group: &SecurityGroup, way: Way, name: &str) -> Element {
    let mut kinds: Vec<(&str, Option<(i32, i32)>)> = Vec::new();
    for rule in group.rules(way) {
        let kind = (rule.admits.protocol.as_str(), rule.admits.ports);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let items = kinds.into_iter().map(|(protocol, ports)| {
        let same = |rule: &&Rule| rule.admits.protocol == protocol && rule.admits.ports == ports;
        let rules: Vec<&Rule> = group.rules(way).filter(same).collect();
        let mut groups = Element::new("groups");
        let mut v4 = Element::new("ipRanges");
        let mut v6 = Element::new("ipv6Ranges");
        for rule in rules {
            let item = Element::new("item");
            let described = |item: Element| item.maybe("description", rule.description.as_ref());
            match &rule.admits.peer {
                Peer::Group(peer) => {
                    let item = item
                        .text("userId", &world.place.account_id)
                        .text("groupId", peer);
                    groups = groups.child(described(item));
                }
                Peer::Range(range) => v4 = v4.child(described(item.text("cidrIp", range))),
                Peer::Range6(range) => v6 = v6.child(described(item.text("cidrIpv6", range))),
            }
        }
        Element::new("item")
            .text("ipProtocol", protocol)
            .maybe("fromPort", ports.map(|ports| ports.0))
            .maybe("toPort", ports.map(|ports| ports.1))
            .child(groups)
            .child(v4)
            .child(v6)
            .child(Element::new("prefixListIds"))
    });
    Element::new(name).children(items)
}

/// A rule, together with its group.
pub struct GroupRule {
    group: String,
    rule: Rule,
}

impl Described for GroupRule {
    const FIELDS: &'static [Field<Self>] = &[
        ("group-id", |_, one_| one(&one_.group)),
        ("security-group-rule-id", |_, one_| one(&one_.rule.id)),
    ];

    fn key(&self) -> &str {
        &self.rule.id
    }

    fn tags(&self) -> Tags {
        self.rule.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        Self::all(world)
            .into_iter()
            .find(|one| one.rule.id == id)
            .ok_or_else(|| {
                AwsError::client(
                    "InvalidSecurityGroupRuleId.NotFound",
                    format!("The security group rule ID '{id}' does not exist"),
                )
            })
    }

    fn all(world: &World) -> Vec<Self> {
        let mut all: Vec<Self> = world
            .groups
            .values()
            .flat_map(|group| {
                group.rules.iter().map(|rule| Self {
                    group: group.id.clone(),
                    rule: rule.clone(),
                })
            })
            .collect();
        all.sort_by(|left, right| left.rule.id.cmp(&right.rule.id));
        all
    }

    fn element(&self, world: &World, item: Element) -> Element {
        rule_element(world, &self.group, &self.rule, item)
    }
}

fn rule_element(world: &World, group: &str, rule: &Rule, item: Element) -> Element {
    let (from, to) = rule.admits.ports.unwrap_or((-1, -1));
    let arn = world
        .place
        .arn("ec2", &format!("security-group-rule/{}", rule.id));
    let item = item
        .text("securityGroupRuleId", &rule.id)
        .text("securityGroupRuleArn", arn)
        .text("groupId", group)
        .text("groupOwnerId", &world.place.account_id)
        .text("isEgress", rule.way == Way::Out)
        .text("ipProtocol", &rule.admits.protocol)
        .text("fromPort", from)
        .text("toPort", to);
    let item = match &rule.admits.peer {
        Peer::Range(range) => item.text("cidrIpv4", range),
        Peer::Range6(range) => item.text("cidrIpv6", range),
        Peer::Group(peer) => item.child(
            Element::new("referencedGroupInfo")
                .text("groupId", peer)
                .text("userId", &world.place.account_id),
        ),
    };
    tag_set(
        item.maybe("description", rule.description.as_ref()),
        &rule.tags,
    )
}

/// AuthorizeSecurityGroupIngress.
pub fn authorize(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let group = params.needed("GroupId")?;
    let wanted = wanted(&mut params)?;
    let tags = specified(&mut params, "security-group-rule")?;
    params.finish()?;
    let mut rules = Vec::new();
    for (admits, description) in wanted {
        let id = world.allow(&group, Way::In, admits, description, tags.clone())?;
        let found = world.group(&group)?.rules.iter().find(|rule| rule.id == id);
        rules.extend(found.cloned());
    }
    Ok(response
        .text("return", true)
        .list("securityGroupRuleSet", "item", &rules, |item, rule| {
            rule_element(world, &group, rule, item)
        }))
}

/// RevokeSecurityGroupIngress.
pub fn revoke(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let group = params.needed("GroupId")?;
    let rules = params.texts("SecurityGroupRuleId")?;
    let wanted = if rules.is_empty() {
        wanted(&mut params)?
    } else {
        Vec::new()
    };
    params.finish()?;
    for rule in rules {
        world.revoke_rule(&group, Way::In, &rule)?;
    }
    for (admits, _) in wanted {
        world.revoke(&group, Way::In, &admits)?;
    }
    Ok(response.text("return", true))
}

/// The rules that a request names, in the old form with one range or as `IpPermissions`.
fn wanted(params: &mut Params) -> Result<Vec<(Permission, Option<String>)>, AwsError> {
    let mut wanted = Vec::new();
    if let Some(range) = params.text("CidrIp") {
        let name = params.needed("IpProtocol")?;
        let protocol = protocol(&name)?;
        let ports = ports(
            &protocol,
            params.number("FromPort")?,
            params.number("ToPort")?,
        )?;
        let peer = peer_range(&range)?;
        wanted.push((
            Permission {
                protocol,
                ports,
                peer,
            },
            None,
        ));
    }
    for mut permission in params.list("IpPermissions")? {
        let protocol = protocol(&permission.needed("IpProtocol")?)?;
        let ports = ports(
            &protocol,
            permission.number("FromPort")?,
            permission.number("ToPort")?,
        )?;
        let mut peers = Vec::new();
        for mut range in permission.list("IpRanges")? {
            let cidr = range.needed("CidrIp")?;
            peers.push((peer_range(&cidr)?, range.text("Description")));
            range.finish()?;
        }
        for mut range in permission.list("Ipv6Ranges")? {
            let peer = Peer::Range6(range.needed("CidrIpv6")?);
            peers.push((peer, range.text("Description")));
            range.finish()?;
        }
        // The model's name is Groups, and UserIdGroupPairs what clients call it.
        for mut pair in permission.list("Groups")? {
            let peer = Peer::Group(pair.needed("GroupId")?);
            pair.text("UserId");
            peers.push((peer, pair.text("Description")));
            pair.finish()?;
        }
        permission.finish()?;
        wanted.extend(peers.into_iter().map(|(peer, description)| {
            let admits = Permission {
                protocol: protocol.clone(),
                ports,
                peer,
            };
            (admits, description)
        }));
    }
    if wanted.is_empty() {
        return Err(params.missing("ipPermissions"));
    }
    Ok(wanted)
}

fn peer_range(text: &str) -> Result<Peer, AwsError> {
    text.parse().map(Peer::Range).map_err(|_| {
        AwsError::client(
            "InvalidParameterValue",
            format!("CIDR block {text} is malformed"),
        )
    })
}
