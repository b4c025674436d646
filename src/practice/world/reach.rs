//! What an instance can reach in its network: names, routes to the internet, security groups.

use std::net::Ipv4Addr;

use super::World;
use super::efs::LifeCycle;
use super::instances::State;
use super::interfaces::{Interface, Owner};
use super::security::{Peer, Permission, Traffic, Way};
use crate::practice::compute::Reach;

impl World {
    /// The address that `name` has for an instance, as Amazon's resolver in its VPC answers.
    pub fn resolve(&self, instance: &str, name: &str) -> Option<Ipv4Addr> {
        let interface = self.interface_of(instance)?;
        let vpc = self.vpcs.get(&interface.vpc)?;
        if !vpc.dns_support {
            return None;
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let suffix = format!(".efs.{}.{}", self.place.region, self.place.url_suffix());
        if let Some(host) = name.strip_suffix(&suffix) {
            // "To use DNS names, the VPC must have DNS hostnames enabled" (EFS user guide, "Mounting with an IP
            // address").
            if !vpc.dns_hostnames {
                return None;
            }
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
        let outside = Ipv4Addr::new(203, 0, 113, 1);
        let https = Traffic::Tcp(443);
        self.is_routed(interface, outside)
            && self.acl_passes(&interface.subnet, Way::Out, https, outside)
            && self.admitted(interface, Way::Out, https, outside, &[])
    }

    /// Whether a connection from this address outside gets to a port of an instance. Answers go back by the same way,
    /// so it needs a route; groups are stateful and need no rule for them.
    pub fn admits(&self, instance: &str, from: Ipv4Addr, port: u16) -> bool {
        self.interface_of(instance).is_some_and(|interface| {
            let traffic = Traffic::Tcp(port);
            self.is_routed(interface, from)
                && self.acl_passes(&interface.subnet, Way::In, traffic, from)
                && self.admitted(interface, Way::In, traffic, from, &[])
        })
    }

    /// Whether there is a way between an interface and this address outside: a public address, and the most specific
    /// route leads to an attached gateway.
    fn is_routed(&self, interface: &Interface, address: Ipv4Addr) -> bool {
        let gateway = self
            .effective_route_table(&interface.subnet)
            .and_then(|table| {
                let covering = table.routes.iter().filter(|(to, _)| to.contains(address));
                covering.max_by_key(|(to, _)| to.prefix())
            })
            .and_then(|(_, gateway)| self.gateways.get(gateway));
        interface.public_address.is_some()
            && gateway.is_some_and(|gateway| gateway.vpc.as_ref() == Some(&interface.vpc))
    }

    /// What answers when an instance connects to `address:port`.
    pub fn reach(&self, instance: &str, address: Ipv4Addr, port: u16) -> Reach {
        match self.passes(instance, address, Traffic::Tcp(port)) {
            Some(to) => self.listener(to, port),
            None => Reach::Filtered,
        }
    }

    /// Whether an instance that pings an address hears from it. Mount targets do not answer.
    pub fn pings(&self, instance: &str, address: Ipv4Addr) -> bool {
        let to = self.passes(instance, address, Traffic::Ping);
        to.is_some_and(|to| match &to.owner {
            Owner::Instance { id, .. } => self
                .instances
                .get(id)
                .is_some_and(|instance| instance.state == State::Running),
            Owner::MountTarget { .. } | Owner::Nobody => false,
        })
    }

    /// The interface with this address, if the traffic of an instance gets there.
    fn passes(&self, instance: &str, address: Ipv4Addr, traffic: Traffic) -> Option<&Interface> {
        let from = self.interface_of(instance)?;
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
            (None, Some(public)) => (outside()?, public, &[]),
            (None, None) => return None,
        };
        let same = from.id == to.id;
        let peers = if inside.is_some() {
            &to.groups[..]
        } else {
            &[]
        };
        let admitted = self.admitted(from, Way::Out, traffic, address, peers)
            && self.admitted(to, Way::In, traffic, source, groups);
        // ACLs are at the edges of subnets: within one they see nothing.
        let passed = inside.is_some() && from.subnet == to.subnet
            || self.acl_passes(&from.subnet, Way::Out, traffic, address)
                && self.acl_passes(&to.subnet, Way::In, traffic, source);
        (same || admitted && passed).then_some(to)
    }

    /// Whether one of the interface's rules admits the connection with a peer of that address and those groups.
    fn admitted(
        &self,
        interface: &Interface,
        way: Way,
        traffic: Traffic,
        address: Ipv4Addr,
        groups: &[String],
    ) -> bool {
        let admits = |permission: &Permission| {
            permission.admits(traffic)
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::practice::world::Tags;
    use crate::practice::world::cidr::Cidr;
    use crate::practice::world::efs::Settings;
    use crate::practice::world::instances::{
        Launch, MetadataOptions, Power, RootVolume, ShutdownBehavior,
    };
    use crate::practice::world::place::Place;

    /// Two zones, an instance and a mount target in each.
    struct Net {
        world: World,
        gateway: String,
        vpc: String,
        table: String,
        clients: String,
        doors: String,
        instances: Vec<String>,
        targets: Vec<String>,
        files: String,
    }

    fn range(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    fn net() -> Net {
        let place = Place {
            account_id: "123456789012".into(),
            region: "us-east-1".into(),
        };
        let mut world = World::new(place, Timestamp::UNIX_EPOCH, Some(7));
        let vpc = world.create_vpc(range("10.0.0.0/16"), Tags::new()).unwrap();
        world.vpcs.get_mut(&vpc).unwrap().dns_hostnames = true;
        let gateway = world.create_gateway(Tags::new());
        let table = world.create_route_table(&vpc, Tags::new()).unwrap();
        let clients = world
            .create_group(&vpc, "clients", "c", Tags::new())
            .unwrap();
        let doors = world.create_group(&vpc, "doors", "d", Tags::new()).unwrap();
        let settings = Settings {
            encrypted: false,
            performance_mode: "generalPurpose".into(),
            throughput_mode: crate::practice::world::throughput::ThroughputMode::Bursting,
            backup_policy: "DISABLED".into(),
            lifecycle: Vec::new(),
        };
        let files = world
            .create_file_system("t", settings, Tags::new())
            .unwrap();
        pass(&mut world);
        let (mut instances, mut targets) = (Vec::new(), Vec::new());
        for (number, zone) in [(1, "us-east-1a"), (2, "us-east-1b")] {
            let cidr = range(&format!("10.0.{number}.0/24"));
            let subnet = world
                .create_subnet(&vpc, cidr, Some(zone.into()), Tags::new())
                .unwrap();
            world.associate_route_table(&table, &subnet).unwrap();
            let target = world.create_mount_target(&files, &subnet, None, vec![doors.clone()]);
            targets.push(target.unwrap());
            let launch = Launch {
                image: "ami-0ef51ab2023000001".into(),
                kind: "t3.micro".into(),
                key_name: None,
                subnet,
                private_address: None,
                public: Some(true),
                groups: vec![clients.clone()],
                user_data: Vec::new(),
                metadata: MetadataOptions {
                    tokens: "required".into(),
                    hop_limit: 2,
                    endpoint: "enabled".into(),
                    tags: "disabled".into(),
                },
                profile: None,
                credits: None,
                on_shutdown: ShutdownBehavior::Stop,
                root: RootVolume::default(),
                tag_volume: false,
                tags: Tags::new(),
            };
            let instance = world.launch(launch).unwrap();
            world.power_done(&instance, Power::On);
            instances.push(instance);
        }
        pass(&mut world);
        Net {
            world,
            gateway,
            vpc,
            table,
            clients,
            doors,
            instances,
            targets,
            files,
        }
    }

    fn pass(world: &mut World) {
        world.now += jiff::SignedDuration::from_mins(5);
        world.advance_efs();
    }

    fn allow(net: &mut Net, group: &str, port: i32, peer: Peer) {
        let admits = Permission {
            protocol: "tcp".into(),
            ports: Some((port, port)),
            peer,
        };
        net.world
            .allow(group, Way::In, admits, None, Tags::new())
            .unwrap();
    }

    #[test]
    fn the_filesystems_name_means_the_mount_target_of_ones_own_zone() {
        let mut net = net();
        let name = format!("{}.efs.us-east-1.amazonaws.com", net.files);
        for (instance, target) in net.instances.iter().zip(&net.targets) {
            let address = net.world.mount_target(target).unwrap().address;
            assert_eq!(net.world.resolve(instance, &name), Some(address));
        }
        let other = net.world.mount_target(&net.targets[1]).unwrap().address;
        let zoned = format!("us-east-1b.{name}");
        assert_eq!(net.world.resolve(&net.instances[0], &zoned), Some(other));
        // Without DNS hostnames in the VPC the filesystem has no name, though its hosts have theirs.
        let vpc = net.vpc.clone();
        net.world.vpcs.get_mut(&vpc).unwrap().dns_hostnames = false;
        assert_eq!(net.world.resolve(&net.instances[0], &zoned), None);
        let neighbour = net.world.interface_of(&net.instances[1]).unwrap();
        let host = net.world.private_dns_name(neighbour.private_address);
        assert!(net.world.resolve(&net.instances[0], &host).is_some());
        net.world.vpcs.get_mut(&vpc).unwrap().dns_hostnames = true;
        let gone = net.targets[0].clone();
        net.world.delete_mount_target(&gone).unwrap();
        assert_eq!(net.world.resolve(&net.instances[0], &name), None);
    }

    #[test]
    fn a_ping_needs_a_rule_of_its_own_and_a_machine_that_runs() {
        let mut net = net();
        let other = net
            .world
            .instance(&net.instances[1])
            .unwrap()
            .private_address;
        assert!(!net.world.pings(&net.instances[0], other));
        let ping = Permission {
            protocol: "icmp".into(),
            ports: Some((8, -1)),
            peer: Peer::Group(net.clients.clone()),
        };
        let clients = net.clients.clone();
        net.world
            .allow(&clients, Way::In, ping, None, Tags::new())
            .unwrap();
        assert!(net.world.pings(&net.instances[0], other));
        let target = net.world.mount_target(&net.targets[0]).unwrap().address;
        assert!(!net.world.pings(&net.instances[0], target));
        let id = net.instances[1].clone();
        net.world.instances.get_mut(&id).unwrap().state = State::Stopped;
        assert!(!net.world.pings(&net.instances[0], other));
    }

    #[test]
    fn nfs_is_reached_only_with_the_group_that_the_mount_target_admits() {
        let mut net = net();
        let address = net.world.mount_target(&net.targets[0]).unwrap().address;
        let from = net.instances[0].clone();
        assert_eq!(net.world.reach(&from, address, 2049), Reach::Filtered);
        let (doors, clients) = (net.doors.clone(), net.clients.clone());
        allow(&mut net, &doors, 2049, Peer::Group(clients.clone()));
        let file_system_id = net.files.clone();
        assert_eq!(
            net.world.reach(&from, address, 2049),
            Reach::Nfs { file_system_id }
        );
        assert_eq!(net.world.reach(&from, address, 22), Reach::Filtered);
        let interface = net.world.interface_of(&from).unwrap().id.clone();
        net.world.interfaces.get_mut(&interface).unwrap().groups = vec![doors];
        assert_eq!(net.world.reach(&from, address, 2049), Reach::Filtered);
    }

    #[test]
    fn without_a_rule_that_lets_it_out_nothing_gets_out() {
        let mut net = net();
        let (doors, clients) = (net.doors.clone(), net.clients.clone());
        allow(&mut net, &doors, 2049, Peer::Group(clients.clone()));
        let everything = Permission::everything(Peer::Range(Cidr::EVERYWHERE));
        net.world.revoke(&clients, Way::Out, &everything).unwrap();
        let address = net.world.mount_target(&net.targets[0]).unwrap().address;
        assert_eq!(
            net.world.reach(&net.instances[0], address, 2049),
            Reach::Filtered
        );
    }

    #[test]
    fn who_comes_from_outside_needs_a_rule_an_address_and_a_route_to_an_attached_gateway() {
        let mut net = net();
        let to = net.instances[0].clone();
        let admits = |net: &Net| net.world.admits(&to, Ipv4Addr::LOCALHOST, 22);
        let (gateway, vpc, table) = (net.gateway.clone(), net.vpc.clone(), net.table.clone());
        let clients = net.clients.clone();
        allow(&mut net, &clients, 22, Peer::Range(range("127.0.0.1/32")));
        assert!(!admits(&net));
        net.world.attach_gateway(&gateway, &vpc).unwrap();
        assert!(!admits(&net));
        net.world
            .create_route(&table, Cidr::EVERYWHERE, &gateway)
            .unwrap();
        assert!(admits(&net));
        // Another's address is not the learner's.
        assert!(!net.world.admits(&to, Ipv4Addr::new(198, 51, 100, 7), 22));
        let ssh = Permission {
            protocol: "tcp".into(),
            ports: Some((22, 22)),
            peer: Peer::Range(range("127.0.0.1/32")),
        };
        net.world.revoke(&clients, Way::In, &ssh).unwrap();
        assert!(!admits(&net));
        allow(&mut net, &clients, 22, Peer::Range(Cidr::EVERYWHERE));
        assert!(admits(&net));
        let interface = net.world.interface_of(&to).unwrap().id.clone();
        let interface = net.world.interfaces.get_mut(&interface).unwrap();
        interface.public_address = None;
        assert!(!admits(&net));
    }

    #[test]
    fn a_host_that_does_not_start_again_is_stopped_and_one_that_never_did_ends() {
        let mut net = net();
        let (old, new) = (net.instances[0].clone(), net.instances[1].clone());
        net.world.power_failed(&old, "its disk is gone");
        let instance = net.world.instance(&old).unwrap();
        assert_eq!((instance.state, instance.power), (State::Stopped, None));
        let reason = instance.reason.clone().unwrap().1;
        assert_eq!(reason, "Server.InternalError: its disk is gone");
        let interface = net.world.interface_of(&old).unwrap();
        assert_eq!(interface.public_address, None);
        net.world.start_instance(&old).unwrap();
        net.world.instances.get_mut(&new).unwrap().launched_once = false;
        net.world.power_failed(&new, "no image");
        assert_eq!(net.world.instance(&new).unwrap().state, State::ShuttingDown);
    }

    #[test]
    fn a_neighbour_is_reached_inside_and_over_the_internet_once_there_is_a_way() {
        let mut net = net();
        let clients = net.clients.clone();
        allow(&mut net, &clients, 22, Peer::Range(range("10.0.1.0/24")));
        let (from, to) = (net.instances[0].clone(), net.instances[1].clone());
        let neighbour = net.world.interface_of(&to).unwrap().clone();
        let inside = neighbour.private_address;
        assert_eq!(net.world.reach(&from, inside, 22), Reach::Open);
        allow(&mut net, &clients, 80, Peer::Range(Cidr::EVERYWHERE));
        assert_eq!(net.world.reach(&from, inside, 80), Reach::Refused);
        let outside = neighbour.public_address.unwrap();
        assert!(!net.world.reaches_internet(&from));
        assert_eq!(net.world.reach(&from, outside, 80), Reach::Filtered);
        let (gateway, vpc, table) = (net.gateway.clone(), net.vpc.clone(), net.table.clone());
        net.world.attach_gateway(&gateway, &vpc).unwrap();
        net.world
            .create_route(&table, Cidr::EVERYWHERE, &gateway)
            .unwrap();
        assert!(net.world.reaches_internet(&from));
        assert_eq!(net.world.reach(&from, outside, 80), Reach::Refused);
        // The rule for SSH names private addresses; from outside the source is the public one.
        assert_eq!(net.world.reach(&from, outside, 22), Reach::Filtered);
        let name = net.world.private_dns_name(inside);
        assert_eq!(net.world.resolve(&from, &name), Some(inside));
    }
}
