//! Public addresses of the account, from the ranges reserved for documentation (RFC 5737), which nobody can own.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::World;
use crate::practice::error::AwsError;

/// TEST-NET-3, then -2, then -1.
const RANGES: [[u8; 3]; 3] = [[203, 0, 113], [198, 51, 100], [192, 0, 2]];

impl World {
    /// A public address that no interface has now.
    pub fn free_public_address(&mut self) -> Result<Ipv4Addr, AwsError> {
        let taken: BTreeSet<Ipv4Addr> = self
            .interfaces
            .values()
            .filter_map(|interface| interface.public_address)
            .collect();
        for [a, b, c] in RANGES {
            let free: Vec<Ipv4Addr> = (1..255)
                .map(|d| Ipv4Addr::new(a, b, c, d))
                .filter(|address| !taken.contains(address))
                .collect();
            if !free.is_empty() {
                return Ok(free[self.below(free.len())]);
            }
        }
        Err(AwsError::client(
            "InsufficientAddressCapacity",
            "Insufficient address capacity.",
        ))
    }

    /// `ec2-203-0-113-5.compute-1.amazonaws.com`.
    pub fn public_dns_name(&self, address: Ipv4Addr) -> String {
        let dashed = address.to_string().replace('.', "-");
        let zone = match self.place.region.as_str() {
            "us-east-1" => "compute-1".to_owned(),
            region => format!("{region}.compute"),
        };
        format!("ec2-{dashed}.{zone}.{}", self.place.url_suffix())
    }

    /// `ip-10-0-1-5.ec2.internal`.
    pub fn private_dns_name(&self, address: Ipv4Addr) -> String {
        let dashed = address.to_string().replace('.', "-");
        match self.place.region.as_str() {
            "us-east-1" => format!("ip-{dashed}.ec2.internal"),
            region => format!("ip-{dashed}.{region}.compute.internal"),
        }
    }
}
