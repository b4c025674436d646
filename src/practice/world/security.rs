//! Security groups and their rules.

use serde::{Deserialize, Serialize};

use super::cidr::Cidr;
use super::{Tags, World};
use crate::practice::error::AwsError;

/// Name of the group that every VPC is made with.
const DEFAULT: &str = "default";

/// A security group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// `sg-…`
    pub id: String,
    /// Its VPC.
    pub vpc: String,
    /// Unique in its VPC.
    pub name: String,
    /// Cannot be changed.
    pub description: String,
    /// In the order they were added.
    pub rules: Vec<Rule>,
    /// Tags.
    pub tags: Tags,
}

/// A rule that lets traffic through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `sgr-…`
    pub id: String,
    /// Which way.
    pub way: Way,
    /// What it admits.
    pub admits: Permission,
    /// Free text.
    pub description: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// Direction, seen from the interface that has the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Way {
    /// To it.
    In,
    /// From it.
    Out,
}

/// Protocol, ports and peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
    pub protocol: String,
    /// First and last port (or ICMP type and code); `None` for all protocols.
    pub ports: Option<(i32, i32)>,
    /// Who is on the other side.
    pub peer: Peer,
}

/// The other side of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Peer {
    /// These addresses.
    Range(Cidr),
    /// These IPv6 addresses, as given; nothing in the account has one.
    Range6(String),
    /// Interfaces with this group.
    Group(String),
}

/// What wants to get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// A TCP connection to this port.
    Tcp(u16),
    /// An ICMP echo request.
    Ping,
}

impl SecurityGroup {
    /// Whether it came with its VPC and goes with it.
    pub fn is_default(&self) -> bool {
        self.name == DEFAULT
    }

    /// Rules of one direction.
    pub fn rules(&self, way: Way) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.way == way)
    }
}

impl Permission {
    /// All traffic with `peer`.
    pub fn everything(peer: Peer) -> Self {
        Self {
            protocol: "-1".into(),
            ports: None,
            peer,
        }
    }

    /// Whether this traffic is meant.
    pub fn admits(&self, traffic: Traffic) -> bool {
        match (self.protocol.as_str(), self.ports, traffic) {
            ("-1", ..) | ("tcp", None, Traffic::Tcp(_)) => true,
            ("tcp", Some((from, to)), Traffic::Tcp(port)) => (from..=to).contains(&i32::from(port)),
            // Type 8, "echo request", or all of them.
            ("icmp", ports, Traffic::Ping) => ports.is_none_or(|(kind, _)| matches!(kind, 8 | -1)),
            _ => false,
        }
    }
}

/// `tcp` of `6` and the like; an error for a protocol that EC2 does not know.
pub fn protocol(name: &str) -> Result<String, AwsError> {
    let known = match name.to_ascii_lowercase().as_str() {
        "-1" | "all" => "-1".to_owned(),
        "tcp" | "6" => "tcp".to_owned(),
        "udp" | "17" => "udp".to_owned(),
        "icmp" | "1" => "icmp".to_owned(),
        "icmpv6" | "58" => "icmpv6".to_owned(),
        number if number.parse::<u8>().is_ok() => number.to_owned(),
        _ => {
            return Err(AwsError::client(
                "InvalidPermission.Malformed",
                format!("Unsupported IP protocol \"{name}\""),
            ));
        }
    };
    Ok(known)
}

/// The ports that a rule of this protocol has; an error where they make no sense.
pub fn ports(
    protocol: &str,
    from: Option<i32>,
    to: Option<i32>,
) -> Result<Option<(i32, i32)>, AwsError> {
    let invalid = |text: String| AwsError::client("InvalidParameterValue", text);
    match protocol {
        "tcp" | "udp" => {
            let (Some(from), Some(to)) = (from, to) else {
                return Err(AwsError::client(
                    "MissingParameter",
                    "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
                ));
            };
            if (from, to) == (-1, -1) {
                return Ok(Some((0, 65_535)));
            }
            if !(0..=65_535).contains(&from) || !(0..=65_535).contains(&to) {
                return Err(invalid(format!("TCP/UDP port ({from}) out of range")));
            }
            if from > to {
                return Err(invalid(format!("Invalid TCP/UDP port range ({from}:{to})")));
            }
            Ok(Some((from, to)))
        }
        "icmp" | "icmpv6" => Ok(Some((from.unwrap_or(-1), to.unwrap_or(-1)))),
        _ => Ok(None),
    }
}

impl World {
    /// The group with this id.
    pub fn group(&self, id: &str) -> Result<&SecurityGroup, AwsError> {
        self.groups.get(id).ok_or_else(|| {
            AwsError::client(
                "InvalidGroup.NotFound",
                format!("The security group '{id}' does not exist"),
            )
        })
    }

    /// The group that the VPC was made with.
    pub fn default_group(&self, vpc: &str) -> Option<&SecurityGroup> {
        self.groups
            .values()
            .find(|group| group.vpc == vpc && group.is_default())
    }

    /// Makes a group whose only rule lets everything out.
    pub fn create_group(
        &mut self,
        vpc: &str,
        name: &str,
        description: &str,
        tags: Tags,
    ) -> Result<String, AwsError> {
        self.vpc(vpc)?;
        if name.eq_ignore_ascii_case(DEFAULT) || name.starts_with("sg-") {
            return Err(AwsError::client(
                "InvalidParameterValue",
                format!("Cannot use reserved security group name: {name}"),
            ));
        }
        if self
            .groups
            .values()
            .any(|group| group.vpc == vpc && group.name == name)
        {
            return Err(AwsError::client(
                "InvalidGroup.Duplicate",
                format!("The security group '{name}' already exists for VPC '{vpc}'"),
            ));
        }
        let id = self.add_group(vpc, name, description, tags);
        let everywhere = everywhere();
        self.allow(
            &id,
            Way::Out,
            Permission::everything(everywhere),
            None,
            Tags::new(),
        )?;
        Ok(id)
    }

    /// The group a VPC is made with: its members reach each other, and everything.
    pub(super) fn create_default_group(&mut self, vpc: &str) {
        let id = self.add_group(vpc, DEFAULT, "default VPC security group", Tags::new());
        for (way, peer) in [(Way::In, Peer::Group(id.clone())), (Way::Out, everywhere())] {
            let rule = Rule {
                id: self.id("sgr"),
                way,
                admits: Permission::everything(peer),
                description: None,
                tags: Tags::new(),
            };
            if let Some(group) = self.groups.get_mut(&id) {
                group.rules.push(rule);
            }
        }
    }

    fn add_group(&mut self, vpc: &str, name: &str, description: &str, tags: Tags) -> String {
        let id = self.id("sg");
        self.groups.insert(
            &id,
            SecurityGroup {
                id: id.clone(),
                vpc: vpc.to_owned(),
                name: name.to_owned(),
                description: description.to_owned(),
                rules: Vec::new(),
                tags,
            },
        );
        id
    }

    /// Deletes a group that no interface has and no other group names.
    pub fn delete_group(&mut self, id: &str) -> Result<(), AwsError> {
        if self.group(id)?.is_default() {
            return Err(AwsError::client(
                "CannotDelete",
                format!(
                    "the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"
                ),
            ));
        }
        let names = |rule: &Rule| matches!(&rule.admits.peer, Peer::Group(peer) if peer == id);
        let used = self
            .interfaces
            .values()
            .any(|interface| interface.groups.iter().any(|group| group == id))
            || self
                .groups
                .values()
                .any(|group| group.id != id && group.rules.iter().any(names));
        if used {
            return Err(AwsError::client(
                "DependencyViolation",
                format!("resource {id} has a dependent object"),
            ));
        }
        self.groups.remove(id);
        Ok(())
    }

    /// Adds a rule. Answers with its id.
    pub fn allow(
        &mut self,
        group: &str,
        way: Way,
        admits: Permission,
        description: Option<String>,
        tags: Tags,
    ) -> Result<String, AwsError> {
        let found = self.group(group)?;
        if let Peer::Group(peer) = &admits.peer {
            self.group(peer)?;
        }
        if found.rules(way).any(|rule| rule.admits == admits) {
            return Err(AwsError::client(
                "InvalidPermission.Duplicate",
                format!(
                    "the specified rule \"{}\" already exists",
                    describe(&admits)
                ),
            ));
        }
        let id = self.id("sgr");
        let rule = Rule {
            id: id.clone(),
            way,
            admits,
            description,
            tags,
        };
        if let Some(found) = self.groups.get_mut(group) {
            found.rules.push(rule);
        }
        Ok(id)
    }

    /// Takes out the rule that admits exactly this.
    pub fn revoke(&mut self, group: &str, way: Way, admits: &Permission) -> Result<(), AwsError> {
        let id = self
            .group(group)?
            .rules(way)
            .find(|rule| rule.admits == *admits)
            .map(|rule| rule.id.clone());
        let missing = || {
            AwsError::client(
                "InvalidPermission.NotFound",
                "The specified rule does not exist in this security group.",
            )
        };
        self.revoke_rule(group, way, &id.ok_or_else(missing)?)
    }

    /// Takes out the rule with this id.
    pub fn revoke_rule(&mut self, group: &str, way: Way, rule: &str) -> Result<(), AwsError> {
        let there = self.group(group)?.rules(way).any(|one| one.id == rule);
        if !there {
            return Err(AwsError::client(
                "InvalidSecurityGroupRuleId.NotFound",
                format!("The security group rule ID '{rule}' does not exist"),
            ));
        }
        if let Some(found) = self.groups.get_mut(group) {
            found.rules.retain(|one| one.id != rule);
        }
        Ok(())
    }
}

fn everywhere() -> Peer {
    Peer::Range(Cidr::EVERYWHERE)
}

/// The rule in the words of EC2's error messages.
fn describe(admits: &Permission) -> String {
    let peer = match &admits.peer {
        Peer::Range(range) => range.to_string(),
        Peer::Range6(range) => range.clone(),
        Peer::Group(group) => group.clone(),
    };
    match admits.ports {
        Some((from, to)) => format!(
            "peer: {peer}, {}, from port: {from}, to port: {to}, ALLOW",
            admits.protocol.to_uppercase()
        ),
        None => format!("peer: {peer}, ALL, ALLOW"),
    }
}
