//! Network interfaces: where an instance or a mount target has its address and its security groups.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::vpc::Subnet;
use super::{Tags, World};
use crate::practice::error::AwsError;

/// A network interface.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Interface {
    /// `eni-…`
    pub id: String,
    /// Its subnet.
    pub subnet: String,
    /// The subnet's VPC.
    pub vpc: String,
    /// The subnet's zone.
    pub zone: String,
    /// In the subnet.
    pub private_address: Ipv4Addr,
    /// Mapped to it now.
    pub public_address: Option<Ipv4Addr>,
    /// Security groups.
    pub groups: Vec<String>,
    /// Who has it.
    pub owner: Owner,
    /// Free text.
    pub description: String,
    /// `02:…`
    pub mac: String,
    /// Tags.
    pub tags: Tags,
}

/// Who has an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// Nobody: it can be deleted.
    Nobody,
    /// The first interface of an instance; it goes with the instance.
    Instance {
        /// `i-…`
        id: String,
        /// `eni-attach-…`
        attachment: String,
        /// When.
        attached: Timestamp,
    },
    /// A mount target; only EFS can delete it.
    MountTarget {
        /// `fsmt-…`
        id: String,
        /// `eni-attach-…`
        attachment: String,
    },
}

impl World {
    /// The interface with this id.
    pub fn interface(&self, id: &str) -> Result<&Interface, AwsError> {
        self.interfaces.get(id).ok_or_else(|| {
            AwsError::client(
                "InvalidNetworkInterfaceID.NotFound",
                format!("The networkInterface ID '{id}' does not exist"),
            )
        })
    }

    /// Makes an interface in a subnet, at `address` or at a free one; without groups it has the VPC's default group.
    pub fn create_interface(
        &mut self,
        subnet: &str,
        address: Option<Ipv4Addr>,
        groups: Vec<String>,
        description: String,
    ) -> Result<String, AwsError> {
        let subnet = self.subnet(subnet)?.clone();
        let groups = if groups.is_empty() {
            self.default_group(&subnet.vpc)
                .map(|group| group.id.clone())
                .into_iter()
                .collect()
        } else {
            groups
        };
        self.check_groups(&groups, &subnet)?;
        let private_address = self.private_address(&subnet.id, address)?;
        let id = self.id("eni");
        let mac: Vec<String> = (0..5).map(|_| format!("{:02x}", self.below(256))).collect();
        self.interfaces.insert(
            &id,
            Interface {
                id: id.clone(),
                subnet: subnet.id,
                vpc: subnet.vpc,
                zone: subnet.zone,
                private_address,
                public_address: None,
                groups,
                owner: Owner::Nobody,
                description,
                mac: format!("02:{}", mac.join(":")),
                tags: Tags::new(),
            },
        );
        Ok(id)
    }

    /// Groups of an interface are of its VPC.
    fn check_groups(&self, groups: &[String], subnet: &Subnet) -> Result<(), AwsError> {
        for group in groups {
            if self.group(group)?.vpc != subnet.vpc {
                return Err(AwsError::client(
                    "InvalidParameter",
                    format!(
                        "Security group {group} and subnet {} belong to different networks.",
                        subnet.id
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Gives an interface other groups; with none it has the VPC's default group.
    pub fn set_groups(&mut self, id: &str, mut groups: Vec<String>) -> Result<(), AwsError> {
        let subnet = self.subnet(&self.interface(id)?.subnet)?.clone();
        if groups.is_empty() {
            groups.extend(
                self.default_group(&subnet.vpc)
                    .map(|group| group.id.clone()),
            );
        }
        self.check_groups(&groups, &subnet)?;
        if let Some(interface) = self.interfaces.get_mut(id) {
            interface.groups = groups;
        }
        Ok(())
    }

    fn private_address(
        &mut self,
        subnet: &str,
        wanted: Option<Ipv4Addr>,
    ) -> Result<Ipv4Addr, AwsError> {
        let taken: BTreeSet<Ipv4Addr> = self
            .interfaces
            .values()
            .filter(|interface| interface.subnet == subnet)
            .map(|interface| interface.private_address)
            .collect();
        let cidr = self.subnet(subnet)?.cidr;
        if let Some(address) = wanted {
            if !cidr.contains(address) {
                return Err(AwsError::client(
                    "InvalidParameterValue",
                    format!("Address {address} does not fall within the subnet's address range"),
                ));
            }
            if taken.contains(&address) {
                return Err(AwsError::client(
                    "InvalidIPAddress.InUse",
                    format!("Address {address} is in use."),
                ));
            }
            return Ok(address);
        }
        // A /16 has 65,531 of them: enough to look at, no more than one screen of names to draw from.
        let free: Vec<Ipv4Addr> = cidr
            .usable()
            .filter(|address| !taken.contains(address))
            .take(251)
            .collect();
        if free.is_empty() {
            return Err(AwsError::client(
                "InsufficientFreeAddressesInSubnet",
                format!(
                    "The specified subnet '{subnet}' does not have enough free addresses to satisfy the request."
                ),
            ));
        }
        Ok(free[self.below(free.len())])
    }

    /// Addresses of a subnet that no interface has.
    pub fn free_addresses(&self, subnet: &super::vpc::Subnet) -> usize {
        let all = 2_usize.pow(32 - u32::from(subnet.cidr.prefix())) - 5;
        all - self
            .interfaces
            .values()
            .filter(|interface| interface.subnet == subnet.id)
            .count()
    }

    /// Deletes an interface that nobody has.
    pub fn delete_interface(&mut self, id: &str) -> Result<(), AwsError> {
        match &self.interface(id)?.owner {
            Owner::Nobody => {
                self.interfaces.remove(id);
                Ok(())
            }
            Owner::MountTarget { .. } => Err(AwsError::client(
                "OperationNotPermitted",
                "You are not allowed to manage 'ela-attach' attachments.",
            )),
            Owner::Instance { .. } => Err(AwsError::client(
                "InvalidParameterValue",
                format!("Network interface '{id}' is currently in use."),
            )),
        }
    }

    /// The first interface of an instance.
    pub fn interface_of(&self, instance: &str) -> Option<&Interface> {
        self.interfaces
            .get(&self.instances.get(instance)?.interface)
    }
}
