//! What an instance can reach in its network: names, routes to the internet, security groups.

use std::net::Ipv4Addr;

use super::World;
use super::efs::LifeCycle;
use super::instances::State;
use super::interfaces::{Interface, Owner};
use super::security::{Peer, Permission, Way};
use crate::practice::compute::Reach;

impl World {
    /// The address that `name` has for an instance, as Amazon's resolver in its VPC answers.
    pub fn resolve(&self, instance: &str, name: &str) -> Option<Ipv4Addr> {
        let interface = self.interface_of(instance)?;
        if !self.vpcs.get(&interface.vpc)?.dns_support {
            return None;
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let suffix = format!(".efs.{}.{}", self.place.region, self.place.url_suffix());
        if let Some(host) = name.strip_suffix(&suffix) {
            // With a zone in front a name means that zone's mount target, without one the asking instance's own.
            let (zone, file_system) = host
                .split_once('.')
                .unwrap_or((interface.zone.as_str(), host));
            return self
                .mount_targets_of(file_system)
                .find(|target| {
                    target.zone == zone
                        && target.vpc == interface.vpc
                        && target.state == LifeCycle::Available
                })
                .map(|target| target.address);
        }
        self.interfaces
            .values()
            .filter(|one| one.vpc == interface.vpc)
            .find(|one| {
                self.private_dns_name(one.private_address) == name
                    || one
                        .public_address
                        .is_some_and(|address| self.public_dns_name(address) == name)
            })
            .map(|one| one.private_address)
    }

    /// Whether an instance can open connections to the internet: a public address, and a route to an attached gateway.
    pub fn reaches_internet(&self, instance: &str) -> bool {
        let Some(interface) = self.interface_of(instance) else {
            return false;
        };
        let routed = self
            .effective_route_table(&interface.subnet)
            .and_then(|table| table.routes.get(&super::cidr::Cidr::EVERYWHERE))
            .and_then(|gateway| self.gateways.get(gateway))
            .is_some_and(|gateway| gateway.vpc.as_ref() == Some(&interface.vpc));
        let out = |address: Ipv4Addr| self.admitted(interface, Way::Out, 443, address, &[]);
        interface.public_address.is_some() && routed && out(Ipv4Addr::new(203, 0, 113, 1))
    }

    /// What answers when an instance connects to `address:port`.
    pub fn reach(&self, instance: &str, address: Ipv4Addr, port: u16) -> Reach {
        let Some(from) = self.interface_of(instance) else {
            return Reach::Filtered;
        };
        let inside = self
            .interfaces
            .values()
            .find(|one| one.vpc == from.vpc && one.private_address == address);
        let outside = || {
            self.interfaces
                .values()
                .find(|one| one.public_address == Some(address))
                .filter(|_| self.reaches_internet(instance))
        };
        // From outside the VPC the source is its public address, and groups mean nothing.
        let (to, source, groups): (_, _, &[String]) = match (inside, from.public_address) {
            (Some(to), _) => (to, from.private_address, &from.groups),
            (None, Some(public)) => match outside() {
                Some(to) => (to, public, &[]),
                None => return Reach::Filtered,
            },
            (None, None) => return Reach::Filtered,
        };
        let same = from.id == to.id;
        let peers = if inside.is_some() {
            &to.groups[..]
        } else {
            &[]
        };
        let admitted = self.admitted(from, Way::Out, port, address, peers)
            && self.admitted(to, Way::In, port, source, groups);
        if !same && !admitted {
            return Reach::Filtered;
        }
        self.listener(to, port)
    }

    /// Whether one of the interface's rules admits the connection with a peer of that address and those groups.
    fn admitted(
        &self,
        interface: &Interface,
        way: Way,
        port: u16,
        address: Ipv4Addr,
        groups: &[String],
    ) -> bool {
        let admits = |permission: &Permission| {
            permission.admits_tcp(port)
                && match &permission.peer {
                    Peer::Range(range) => range.contains(address),
                    Peer::Range6(_) => false,
                    Peer::Group(group) => groups.contains(group),
                }
        };
        interface
            .groups
            .iter()
            .filter_map(|group| self.groups.get(group))
            .any(|group| group.rules(way).any(|rule| admits(&rule.admits)))
    }

    fn listener(&self, to: &Interface, port: u16) -> Reach {
        match &to.owner {
            Owner::MountTarget { id, .. } => {
                let target = self
                    .mount_targets
                    .get(id)
                    .filter(|target| target.state == LifeCycle::Available);
                match target {
                    Some(target) if port == 2049 => Reach::Nfs {
                        file_system_id: target.file_system.clone(),
                    },
                    Some(_) => Reach::Refused,
                    None => Reach::Filtered,
                }
            }
            Owner::Instance { id, .. } => {
                let running = self
                    .instances
                    .get(id)
                    .is_some_and(|instance| instance.state == State::Running);
                match (running, port) {
                    (true, 22) => Reach::Open,
                    (true, _) => Reach::Refused,
                    (false, _) => Reach::Filtered,
                }
            }
            Owner::Nobody => Reach::Filtered,
        }
    }
}
