//! VPCs, subnets, internet gateways, network ACLs.

use serde::{Deserialize, Serialize};

use super::cidr::Cidr;
use super::{Tags, World, acls};
use crate::practice::error::AwsError;

/// A virtual network.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vpc {
    /// `vpc-…`
    pub id: String,
    /// Its addresses.
    pub cidr: Cidr,
    /// `vpc-cidr-assoc-…`
    pub cidr_association: String,
    /// Amazon's resolver answers in it.
    pub dns_support: bool,
    /// Instances with public addresses have public names.
    pub dns_hostnames: bool,
    /// Tags.
    pub tags: Tags,
}

/// A part of a VPC in one zone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subnet {
    /// `subnet-…`
    pub id: String,
    /// Its VPC.
    pub vpc: String,
    /// Its addresses.
    pub cidr: Cidr,
    /// `us-east-1a`.
    pub zone: String,
    /// New interfaces of instances get a public address.
    pub map_public_ip: bool,
    /// Tags.
    pub tags: Tags,
}

/// The door to the internet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InternetGateway {
    /// `igw-…`
    pub id: String,
    /// The VPC it is attached to.
    pub vpc: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// Says that something depends on it.
pub(super) fn in_use(kind: &str, id: &str) -> AwsError {
    AwsError::client(
        "DependencyViolation",
        format!("The {kind} '{id}' has dependencies and cannot be deleted."),
    )
}

/// Says that it does not exist.
pub(super) fn not_found(code: &'static str, kind: &str, id: &str) -> AwsError {
    AwsError::client(code, format!("The {kind} ID '{id}' does not exist"))
}

impl World {
    /// The VPC with this id.
    pub fn vpc(&self, id: &str) -> Result<&Vpc, AwsError> {
        self.vpcs
            .get(id)
            .ok_or_else(|| not_found("InvalidVpcID.NotFound", "vpc", id))
    }

    /// The subnet with this id.
    pub fn subnet(&self, id: &str) -> Result<&Subnet, AwsError> {
        self.subnets
            .get(id)
            .ok_or_else(|| not_found("InvalidSubnetID.NotFound", "subnet", id))
    }

    /// The internet gateway with this id.
    pub fn gateway(&self, id: &str) -> Result<&InternetGateway, AwsError> {
        self.gateways
            .get(id)
            .ok_or_else(|| not_found("InvalidInternetGatewayID.NotFound", "internetGateway", id))
    }

    /// Makes a VPC with what AWS makes with it: a main route table, a network ACL, a default security group.
    pub fn create_vpc(&mut self, cidr: Cidr, tags: Tags) -> Result<String, AwsError> {
        if !(16..=28).contains(&cidr.prefix()) {
            return Err(AwsError::client(
                "InvalidVpc.Range",
                format!("The CIDR '{cidr}' is invalid."),
            ));
        }
        let id = self.id("vpc");
        let cidr_association = self.id("vpc-cidr-assoc");
        self.vpcs.insert(
            &id,
            Vpc {
                id: id.clone(),
                cidr,
                cidr_association,
                dns_support: true,
                dns_hostnames: false,
                tags,
            },
        );
        let main = self.id("rtbassoc");
        self.add_route_table(&id, Some(main), Tags::new());
        self.add_network_acl(&id, Some(acls::everything()), Tags::new());
        self.create_default_group(&id);
        Ok(id)
    }

    /// Deletes a VPC and what came with it.
    pub fn delete_vpc(&mut self, id: &str) -> Result<(), AwsError> {
        self.vpc(id)?;
        let used = self.subnets.values().any(|subnet| subnet.vpc == id)
            || self
                .gateways
                .values()
                .any(|gateway| gateway.vpc.as_deref() == Some(id))
            || self
                .groups
                .values()
                .any(|group| group.vpc == id && !group.is_default())
            || self
                .interfaces
                .values()
                .any(|interface| interface.vpc == id)
            || self
                .route_tables
                .values()
                .any(|table| table.vpc == id && table.main.is_none())
            || self.has_own_acl(id);
        if used {
            return Err(AwsError::client(
                "DependencyViolation",
                format!("The vpc '{id}' has dependencies and cannot be deleted."),
            ));
        }
        remove_where(&mut self.route_tables, |table| table.vpc == id);
        remove_where(&mut self.network_acls, |acl| acl.vpc == id);
        remove_where(&mut self.groups, |group| group.vpc == id);
        self.vpcs.remove(id);
        Ok(())
    }

    /// Makes a subnet; without `zone` in the region's first one.
    pub fn create_subnet(
        &mut self,
        vpc: &str,
        cidr: Cidr,
        zone: Option<String>,
        tags: Tags,
    ) -> Result<String, AwsError> {
        let network = self.vpc(vpc)?.cidr;
        if !network.covers(cidr) || cidr.prefix() > 28 {
            return Err(AwsError::client(
                "InvalidSubnet.Range",
                format!("The CIDR '{cidr}' is invalid."),
            ));
        }
        if self
            .subnets
            .values()
            .any(|other| other.vpc == vpc && other.cidr.overlaps(cidr))
        {
            return Err(AwsError::client(
                "InvalidSubnet.Conflict",
                format!("The CIDR '{cidr}' conflicts with another subnet"),
            ));
        }
        let zones = self.place.zones();
        let zone = match zone {
            Some(name) => self.place.zone(&name).ok_or_else(|| {
                let names: Vec<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
                AwsError::client(
                    "InvalidParameterValue",
                    format!(
                        "Value ({name}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: {}.",
                        names.join(", ")
                    ),
                )
            })?,
            None => zones[0].clone(),
        };
        let id = self.id("subnet");
        self.subnets.insert(
            &id,
            Subnet {
                id: id.clone(),
                vpc: vpc.to_owned(),
                cidr,
                zone: zone.name,
                map_public_ip: false,
                tags,
            },
        );
        self.associate_acl(&id, None)?;
        Ok(id)
    }

    /// Deletes a subnet without interfaces.
    pub fn delete_subnet(&mut self, id: &str) -> Result<(), AwsError> {
        self.subnet(id)?;
        if self
            .interfaces
            .values()
            .any(|interface| interface.subnet == id)
        {
            return Err(in_use("subnet", id));
        }
        for table in self.route_tables.ids() {
            if let Some(table) = self.route_tables.get_mut(&table) {
                table.associations.retain(|_, subnet| subnet != id);
            }
        }
        self.leave_acl(id);
        self.subnets.remove(id);
        Ok(())
    }

    /// Makes an internet gateway.
    pub fn create_gateway(&mut self, tags: Tags) -> String {
        let id = self.id("igw");
        self.gateways.insert(
            &id,
            InternetGateway {
                id: id.clone(),
                vpc: None,
                tags,
            },
        );
        id
    }

    /// Attaches a gateway to a VPC.
    pub fn attach_gateway(&mut self, id: &str, vpc: &str) -> Result<(), AwsError> {
        self.vpc(vpc)?;
        if self.gateway(id)?.vpc.is_some() {
            return Err(AwsError::client(
                "Resource.AlreadyAssociated",
                format!("resource {id} is already attached to network {vpc}"),
            ));
        }
        if self
            .gateways
            .values()
            .any(|gateway| gateway.vpc.as_deref() == Some(vpc))
        {
            return Err(AwsError::client(
                "InvalidParameterValue",
                format!("Network {vpc} already has an internet gateway attached"),
            ));
        }
        if let Some(gateway) = self.gateways.get_mut(id) {
            gateway.vpc = Some(vpc.to_owned());
        }
        Ok(())
    }

    /// Detaches a gateway from a VPC in which no interface has a public address.
    pub fn detach_gateway(&mut self, id: &str, vpc: &str) -> Result<(), AwsError> {
        if self.gateway(id)?.vpc.as_deref() != Some(vpc) {
            return Err(AwsError::client(
                "Gateway.NotAttached",
                format!("resource {id} is not attached to network {vpc}"),
            ));
        }
        if self
            .interfaces
            .values()
            .any(|interface| interface.vpc == vpc && interface.public_address.is_some())
        {
            return Err(AwsError::client(
                "DependencyViolation",
                format!(
                    "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
                ),
            ));
        }
        if let Some(gateway) = self.gateways.get_mut(id) {
            gateway.vpc = None;
        }
        Ok(())
    }

    /// Deletes a gateway that is not attached.
    pub fn delete_gateway(&mut self, id: &str) -> Result<(), AwsError> {
        if self.gateway(id)?.vpc.is_some() {
            return Err(in_use("internetGateway", id));
        }
        self.gateways.remove(id);
        Ok(())
    }
}

/// Takes out every record for which `gone` holds.
fn remove_where<T: Clone>(table: &mut super::table::Table<T>, gone: impl Fn(&T) -> bool) {
    for id in table.ids() {
        if table.get(&id).is_some_and(&gone) {
            table.remove(&id);
        }
    }
}
