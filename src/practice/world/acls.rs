//! Network ACLs: numbered entries at the edge of a subnet, which look at every packet and remember none.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::cidr::Cidr;
use super::security::{Traffic, Way};
use super::vpc::{in_use, not_found};
use super::{Tags, World};
use crate::practice::error::AwsError;

/// Highest number of an entry; the one that denies the rest has the next (VPC user guide, "Network ACL rules").
pub const LAST_ENTRY: u32 = 32_766;
/// Ports from which Linux opens connections (`ip_local_port_range`): answers go there.
const EPHEMERAL: [u16; 2] = [32_768, 60_999];

/// A network ACL.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NetworkAcl {
    /// `acl-…`
    pub id: String,
    /// Its VPC.
    pub vpc: String,
    /// `aclassoc-…` by subnet.
    pub associations: BTreeMap<String, String>,
    // Those that were stored before there were others are the default ones of their VPCs.
    /// Whether it came with its VPC, goes with it, and has the subnets that are given no other.
    #[serde(default = "yes")]
    pub is_default: bool,
    /// By direction and number.
    #[serde(default = "everything", with = "listed")]
    pub entries: Entries,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

/// Entries by direction and number.
pub type Entries = BTreeMap<(Way, u32), Entry>;

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Lets through what it is about; else it drops that.
    pub allow: bool,
    /// IANA's number, or -1 for all.
    pub protocol: i16,
    /// The other side.
    pub cidr: Cidr,
    /// Of TCP and UDP: from, to.
    pub ports: Option<(u16, u16)>,
    /// Of ICMP: type and code, -1 for all.
    pub icmp: Option<(i16, i16)>,
}

/// Maps with such keys are no JSON; a list of pairs is.
mod listed {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::Entries;

    pub fn serialize<S: Serializer>(entries: &Entries, to: S) -> Result<S::Ok, S::Error> {
        entries.iter().collect::<Vec<_>>().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Entries, D::Error> {
        Vec::deserialize(from).map(|pairs: Vec<_>| pairs.into_iter().collect())
    }
}

fn yes() -> bool {
    true
}

/// What default ACLs have: they let everything through.
pub fn everything() -> Entries {
    let entry = Entry {
        allow: true,
        protocol: -1,
        cidr: Cidr::EVERYWHERE,
        ports: None,
        icmp: None,
    };
    [Way::In, Way::Out]
        .map(|way| ((way, 100), entry.clone()))
        .into()
}

/// One packet of a connection.
#[derive(Debug, Clone, Copy)]
enum Packet {
    /// To this port.
    Tcp(u16),
    /// Of this type.
    Icmp(i16),
}

/// What asks, and all that may be answered to it.
fn packets(traffic: Traffic) -> (Packet, Vec<Packet>) {
    match traffic {
        Traffic::Tcp(port) => (Packet::Tcp(port), EPHEMERAL.map(Packet::Tcp).into()),
        // Echo request and echo reply.
        Traffic::Ping => (Packet::Icmp(8), vec![Packet::Icmp(0)]),
    }
}

impl Entry {
    fn is_about(&self, packet: Packet, address: Ipv4Addr) -> bool {
        self.cidr.contains(address)
            && match (packet, self.protocol) {
                (_, -1) => true,
                (Packet::Tcp(port), 6) => self
                    .ports
                    .is_none_or(|(from, to)| (from..=to).contains(&port)),
                (Packet::Icmp(kind), 1) => self
                    .icmp
                    .is_none_or(|(wanted, _)| [-1, kind].contains(&wanted)),
                _ => false,
            }
    }
}

impl NetworkAcl {
    /// Whether a packet with this other side gets through: the entry with the lowest number that is about it decides.
    fn passes(&self, way: Way, packet: Packet, address: Ipv4Addr) -> bool {
        let mut entries = self.entries.iter().filter(|((of, _), _)| *of == way);
        let decides = entries.find(|(_, entry)| entry.is_about(packet, address));
        decides.is_some_and(|(_, entry)| entry.allow)
    }
}

impl World {
    /// The network ACL with this id.
    pub fn network_acl(&self, id: &str) -> Result<&NetworkAcl, AwsError> {
        self.network_acls
            .get(id)
            .ok_or_else(|| not_found("InvalidNetworkAclID.NotFound", "networkAcl", id))
    }

    /// Makes a network ACL, which lets nothing through at first.
    pub fn create_network_acl(&mut self, vpc: &str, tags: Tags) -> Result<String, AwsError> {
        self.vpc(vpc)?;
        Ok(self.add_network_acl(vpc, None, tags))
    }

    /// `entries` of a VPC's default one.
    pub(super) fn add_network_acl(
        &mut self,
        vpc: &str,
        entries: Option<Entries>,
        tags: Tags,
    ) -> String {
        let id = self.id("acl");
        self.network_acls.insert(
            &id,
            NetworkAcl {
                id: id.clone(),
                vpc: vpc.to_owned(),
                associations: BTreeMap::new(),
                is_default: entries.is_some(),
                entries: entries.unwrap_or_default(),
                tags,
            },
        );
        id
    }

    /// Deletes a network ACL that has no subnet.
    pub fn delete_network_acl(&mut self, id: &str) -> Result<(), AwsError> {
        let acl = self.network_acl(id)?;
        if acl.is_default {
            return Err(AwsError::client(
                "InvalidParameterValue",
                "cannot delete default network ACL",
            ));
        }
        if !acl.associations.is_empty() {
            return Err(in_use("networkAcl", id));
        }
        self.network_acls.remove(id);
        Ok(())
    }

    /// Adds an entry.
    pub fn create_acl_entry(
        &mut self,
        acl: &str,
        way: Way,
        number: u32,
        entry: Entry,
    ) -> Result<(), AwsError> {
        if !(1..=LAST_ENTRY).contains(&number) {
            return Err(AwsError::client(
                "InvalidParameterValue",
                format!(
                    "Value ({number}) for parameter ruleNumber is invalid. It must be between 1 and {LAST_ENTRY}"
                ),
            ));
        }
        if self.network_acl(acl)?.entries.contains_key(&(way, number)) {
            return Err(AwsError::client(
                "NetworkAclEntryAlreadyExists",
                format!("The network acl entry identified by {number} already exists."),
            ));
        }
        self.set_acl_entry(acl, way, number, Some(entry))
    }

    /// Replaces an entry, or removes it.
    pub fn set_acl_entry(
        &mut self,
        acl: &str,
        way: Way,
        number: u32,
        entry: Option<Entry>,
    ) -> Result<(), AwsError> {
        self.network_acl(acl)?;
        if let Some(acl) = self.network_acls.get_mut(acl) {
            match entry {
                Some(entry) => acl.entries.insert((way, number), entry),
                None => acl.entries.remove(&(way, number)),
            };
        }
        Ok(())
    }

    /// Gives a subnet this network ACL; `None`: its VPC's default one. Answers with the id of the new association.
    pub fn associate_acl(&mut self, subnet: &str, acl: Option<&str>) -> Result<String, AwsError> {
        let vpc = self.subnet(subnet)?.vpc.clone();
        let acl = match acl {
            Some(acl) => self.network_acl(acl)?,
            None => {
                let mut defaults = self.network_acls.values().filter(|acl| acl.is_default);
                let found = defaults.find(|acl| acl.vpc == vpc);
                found.ok_or_else(|| AwsError::internal(format!("{vpc} has no network ACL")))?
            }
        };
        if acl.vpc != vpc {
            return Err(AwsError::client(
                "InvalidParameterValue",
                format!(
                    "networkAcl {} and subnet {subnet} belong to different networks",
                    acl.id
                ),
            ));
        }
        let acl = acl.id.clone();
        self.leave_acl(subnet);
        let association = self.id("aclassoc");
        if let Some(acl) = self.network_acls.get_mut(&acl) {
            acl.associations
                .insert(subnet.to_owned(), association.clone());
        }
        Ok(association)
    }

    /// The subnet of an association.
    pub fn subnet_of_acl_association(&self, association: &str) -> Option<String> {
        self.network_acls.values().find_map(|acl| {
            let mut of = acl.associations.iter();
            let (subnet, _) = of.find(|(_, id)| *id == association)?;
            Some(subnet.clone())
        })
    }

    /// Takes a subnet from the ACL that has it.
    pub(super) fn leave_acl(&mut self, subnet: &str) {
        let having: Vec<String> = self
            .network_acls
            .values()
            .filter(|acl| acl.associations.contains_key(subnet))
            .map(|acl| acl.id.clone())
            .collect();
        for id in having {
            if let Some(acl) = self.network_acls.get_mut(&id) {
                acl.associations.remove(subnet);
            }
        }
    }

    /// Whether a subnet's ACL lets a connection through that is begun in this direction, and what is answered to it.
    pub(super) fn acl_passes(
        &self,
        subnet: &str,
        way: Way,
        traffic: Traffic,
        address: Ipv4Addr,
    ) -> bool {
        let (asks, answers) = packets(traffic);
        let back = match way {
            Way::In => Way::Out,
            Way::Out => Way::In,
        };
        let of_subnet = |acl: &&NetworkAcl| acl.associations.contains_key(subnet);
        let Some(acl) = self.network_acls.values().find(of_subnet) else {
            return false;
        };
        acl.passes(way, asks, address)
            && answers
                .into_iter()
                .all(|answer| acl.passes(back, answer, address))
    }

    /// VPCs with network ACLs of their own cannot be deleted.
    pub(super) fn has_own_acl(&self, vpc: &str) -> bool {
        let own = |acl: &NetworkAcl| acl.vpc == vpc && !acl.is_default;
        self.network_acls.values().any(own)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::place::Place;
    use super::*;

    fn world() -> (World, String, String) {
        let place = Place {
            account_id: "123456789012".into(),
            region: "us-east-1".into(),
        };
        let mut world = World::new(place, Timestamp::UNIX_EPOCH, Some(7));
        let vpc = world
            .create_vpc("10.0.0.0/16".parse().unwrap(), Tags::new())
            .unwrap();
        let subnet = world
            .create_subnet(&vpc, "10.0.1.0/24".parse().unwrap(), None, Tags::new())
            .unwrap();
        (world, vpc, subnet)
    }

    fn entry(allow: bool, protocol: i16, ports: Option<(u16, u16)>) -> Entry {
        Entry {
            allow,
            protocol,
            cidr: Cidr::EVERYWHERE,
            ports,
            icmp: None,
        }
    }

    const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
    const SSH: Traffic = Traffic::Tcp(22);

    #[test]
    fn a_new_acl_lets_nothing_through_and_answers_need_an_entry_of_their_own() {
        let (mut world, vpc, subnet) = world();
        let passes = |world: &World| world.acl_passes(&subnet, Way::In, SSH, OUTSIDE);
        assert!(passes(&world));
        let acl = world.create_network_acl(&vpc, Tags::new()).unwrap();
        world.associate_acl(&subnet, Some(&acl)).unwrap();
        assert!(!passes(&world));
        let ssh = entry(true, 6, Some((22, 22)));
        world.create_acl_entry(&acl, Way::In, 100, ssh).unwrap();
        assert!(!passes(&world), "nothing remembers who has asked");
        let answers = entry(true, 6, Some((1024, 65_535)));
        world
            .create_acl_entry(&acl, Way::Out, 100, answers)
            .unwrap();
        assert!(passes(&world));
        assert!(!world.acl_passes(&subnet, Way::In, Traffic::Ping, OUTSIDE));
    }

    #[test]
    fn the_entry_with_the_lowest_number_decides() {
        let (mut world, vpc, subnet) = world();
        let acl = world.create_network_acl(&vpc, Tags::new()).unwrap();
        world.associate_acl(&subnet, Some(&acl)).unwrap();
        for way in [Way::In, Way::Out] {
            let all = entry(true, -1, None);
            world.create_acl_entry(&acl, way, 200, all).unwrap();
        }
        let no_ssh = entry(false, 6, Some((22, 22)));
        world
            .create_acl_entry(&acl, Way::In, 100, no_ssh.clone())
            .unwrap();
        let passes = |world: &World, traffic| world.acl_passes(&subnet, Way::In, traffic, OUTSIDE);
        assert!(
            !passes(&world, SSH)
                && passes(&world, Traffic::Tcp(80))
                && passes(&world, Traffic::Ping)
        );
        let twice = world
            .create_acl_entry(&acl, Way::In, 100, no_ssh)
            .unwrap_err();
        assert_eq!(twice.code, "NetworkAclEntryAlreadyExists");
        world.set_acl_entry(&acl, Way::In, 100, None).unwrap();
        assert!(passes(&world, SSH));
    }

    #[test]
    fn a_subnet_is_never_without_one_and_one_in_use_stays() {
        let (mut world, vpc, subnet) = world();
        let acl = world.create_network_acl(&vpc, Tags::new()).unwrap();
        let association = world.associate_acl(&subnet, Some(&acl)).unwrap();
        assert_eq!(
            world.subnet_of_acl_association(&association),
            Some(subnet.clone())
        );
        let refused = world.delete_network_acl(&acl).unwrap_err();
        assert_eq!(refused.code, "DependencyViolation");
        world.associate_acl(&subnet, None).unwrap();
        world.delete_subnet(&subnet).unwrap();
        assert_eq!(
            world.delete_vpc(&vpc).unwrap_err().code,
            "DependencyViolation"
        );
        world.delete_network_acl(&acl).unwrap();
        let default = world.network_acls.ids().remove(0);
        assert_eq!(
            world.delete_network_acl(&default).unwrap_err().code,
            "InvalidParameterValue"
        );
        world.delete_vpc(&vpc).unwrap();
        assert!(world.network_acls.ids().is_empty());
    }

    #[test]
    fn one_that_was_stored_before_there_were_entries_is_its_vpcs_default() {
        let stored =
            r#"{"id": "acl-1", "vpc": "vpc-1", "associations": {"subnet-1": "aclassoc-1"}}"#;
        let acl: NetworkAcl = serde_json::from_str(stored).unwrap();
        assert!(acl.is_default && acl.entries == everything());
        let again = serde_json::from_str::<NetworkAcl>(&serde_json::to_string(&acl).unwrap());
        assert_eq!(again.unwrap().entries, acl.entries);
    }
}
