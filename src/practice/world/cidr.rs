//! IPv4 address ranges. Nothing of VPCs or rules enters here.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `10.0.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    network: u32,
    prefix: u8,
}

impl Cidr {
    /// `0.0.0.0/0`.
    pub const EVERYWHERE: Self = Self {
        network: 0,
        prefix: 0,
    };

    /// Bits of the network part.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether the address lies in it.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address) & mask(self.prefix) == self.network
    }

    /// Whether all of `other` lies in it.
    pub fn covers(self, other: Self) -> bool {
        other.prefix >= self.prefix && self.contains(Ipv4Addr::from(other.network))
    }

    /// Whether they have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// Addresses that AWS gives to interfaces: without the first four and the last one of a subnet
    /// (VPC user guide, "Subnet sizing for IPv4").
    pub fn usable(self) -> impl Iterator<Item = Ipv4Addr> {
        let last = self.network | !mask(self.prefix);
        (self.network.saturating_add(4)..last).map(Ipv4Addr::from)
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.network), self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is not an IPv4 address range");
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address: Ipv4Addr = address.parse().map_err(|_| wrong())?;
        let prefix: u8 = prefix.parse().map_err(|_| wrong())?;
        if prefix > 32 {
            return Err(wrong());
        }
        Ok(Self {
            network: u32::from(address) & mask(prefix),
            prefix,
        })
    }
}

impl TryFrom<String> for Cidr {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_cover_contain_and_overlap() {
        assert!(cidr("0.0.0.0/0").contains([203, 0, 113, 9].into()));
        assert!(cidr("10.0.0.0/16").covers(cidr("10.0.1.0/24")));
        assert!(!cidr("10.0.1.0/24").covers(cidr("10.0.0.0/16")));
        assert!(!cidr("10.0.1.0/24").overlaps(cidr("10.0.2.0/24")));
        assert_eq!(cidr("10.0.1.77/24").to_string(), "10.0.1.0/24");
        assert!("10.0.0.0/33".parse::<Cidr>().is_err());
    }

    #[test]
    fn a_subnet_gives_neither_its_first_four_addresses_nor_its_last() {
        let usable: Vec<_> = cidr("10.0.0.0/28").usable().collect();
        assert_eq!(usable.len(), 11);
        assert_eq!(usable[0], Ipv4Addr::new(10, 0, 0, 4));
        assert_eq!(usable[10], Ipv4Addr::new(10, 0, 0, 14));
    }
}
