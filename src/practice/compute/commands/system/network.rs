//! Names and connections as programs of a host use them. What is said over a connection stays outside.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::practice::compute::Reach;
use crate::practice::compute::host::Host;

/// A name's address: `/etc/hosts` first, then the resolver of the VPC. An address stands for itself.
pub fn resolve(host: &Arc<Host>, name: &str) -> Option<Ipv4Addr> {
    if let Ok(address) = name.parse() {
        return Some(address);
    }
    let hosts = host.root().read("/etc/hosts").unwrap_or_default();
    in_hosts(&String::from_utf8_lossy(&hosts), name)
        .or_else(|| own_name(host, name))
        .or_else(|| host.surroundings.resolve(&host.spec.instance_id, name))
}

/// What answers at an address.
pub fn reach(host: &Arc<Host>, address: Ipv4Addr, port: u16) -> Reach {
    if address.is_loopback() {
        return if port == 22 {
            Reach::Open
        } else {
            Reach::Refused
        };
    }
    host.surroundings
        .reach(&host.spec.instance_id, address, port)
}

/// glibc's `myhostname` module knows the host's own name without asking anybody.
fn own_name(host: &Host, name: &str) -> Option<Ipv4Addr> {
    match name {
        "localhost" => Some(Ipv4Addr::LOCALHOST),
        _ if name == host.hostname() || name == host.domain_name() => {
            Some(host.spec.private_address)
        }
        _ => None,
    }
}

fn in_hosts(hosts: &str, name: &str) -> Option<Ipv4Addr> {
    hosts.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address: Ipv4Addr = words.next()?.parse().ok()?;
        words
            .any(|word| word.eq_ignore_ascii_case(name))
            .then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::in_hosts;

    #[test]
    fn the_hosts_file_names_addresses_and_ignores_comments() {
        let hosts = "127.0.0.1 localhost # home\n::1 localhost6\n10.0.0.9 share Share.local\n# 10.0.0.8 gone\n";
        assert_eq!(in_hosts(hosts, "localhost"), Some(Ipv4Addr::LOCALHOST));
        assert_eq!(
            in_hosts(hosts, "share.local"),
            Some(Ipv4Addr::new(10, 0, 0, 9))
        );
        assert_eq!(in_hosts(hosts, "gone"), None);
        assert_eq!(in_hosts(hosts, "home"), None);
    }
}
