//! Route tables: routes, and the subnets that follow them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cidr::Cidr;
use super::vpc::{in_use, not_found};
use super::{Tags, World};
use crate::practice::error::AwsError;

/// Routes and the subnets that follow them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RouteTable {
    /// `rtb-…`
    pub id: String,
    /// Its VPC.
    pub vpc: String,
    /// `rtbassoc-…` by which it is the VPC's main table.
    pub main: Option<String>,
    /// Gateway by destination; the local route is not listed here.
    pub routes: BTreeMap<Cidr, String>,
    /// Subnet by `rtbassoc-…`.
    pub associations: BTreeMap<String, String>,
    /// Tags.
    pub tags: Tags,
}

impl World {
    /// The route table with this id.
    pub fn route_table(&self, id: &str) -> Result<&RouteTable, AwsError> {
        self.route_tables
            .get(id)
            .ok_or_else(|| not_found("InvalidRouteTableID.NotFound", "routeTable", id))
    }

    /// Makes a route table in a VPC.
    pub fn create_route_table(&mut self, vpc: &str, tags: Tags) -> Result<String, AwsError> {
        self.vpc(vpc)?;
        Ok(self.add_route_table(vpc, None, tags))
    }

    pub(super) fn add_route_table(
        &mut self,
        vpc: &str,
        main: Option<String>,
        tags: Tags,
    ) -> String {
        let id = self.id("rtb");
        self.route_tables.insert(
            &id,
            RouteTable {
                id: id.clone(),
                vpc: vpc.to_owned(),
                main,
                routes: BTreeMap::new(),
                associations: BTreeMap::new(),
                tags,
            },
        );
        id
    }

    /// Deletes a route table that no subnet follows.
    pub fn delete_route_table(&mut self, id: &str) -> Result<(), AwsError> {
        let table = self.route_table(id)?;
        if table.main.is_some() || !table.associations.is_empty() {
            return Err(in_use("routeTable", id));
        }
        self.route_tables.remove(id);
        Ok(())
    }

    /// Adds a route to an internet gateway.
    pub fn create_route(&mut self, table: &str, to: Cidr, gateway: &str) -> Result<(), AwsError> {
        let found = self.route_table(table)?;
        if found.routes.contains_key(&to) {
            return Err(AwsError::client(
                "RouteAlreadyExists",
                format!("The route identified by {to} already exists."),
            ));
        }
        if self.vpc(&found.vpc)?.cidr.covers(to) {
            return Err(AwsError::client(
                "InvalidParameterValue",
                format!(
                    "Route destination {to} lies in the network's own range and cannot have this target."
                ),
            ));
        }
        if self.gateway(gateway)?.vpc.as_ref() != Some(&found.vpc) {
            return Err(AwsError::client(
                "InvalidParameterValue",
                format!(
                    "route table {table} and network gateway {gateway} belong to different networks"
                ),
            ));
        }
        if let Some(found) = self.route_tables.get_mut(table) {
            found.routes.insert(to, gateway.to_owned());
        }
        Ok(())
    }

    /// Takes a route out.
    pub fn delete_route(&mut self, table: &str, to: Cidr) -> Result<(), AwsError> {
        self.route_table(table)?;
        let gone = self
            .route_tables
            .get_mut(table)
            .and_then(|found| found.routes.remove(&to));
        gone.map(|_| ()).ok_or_else(|| {
            AwsError::client(
                "InvalidRoute.NotFound",
                format!("no route with destination-cidr-block {to} in route table {table}"),
            )
        })
    }

    /// Lets a subnet follow a table. Answers with the association's id.
    pub fn associate_route_table(&mut self, table: &str, subnet: &str) -> Result<String, AwsError> {
        let vpc = self.route_table(table)?.vpc.clone();
        if self.subnet(subnet)?.vpc != vpc {
            return Err(AwsError::client(
                "InvalidParameterValue",
                format!("Route table {table} and subnet {subnet} belong to different networks"),
            ));
        }
        if self
            .route_tables
            .values()
            .any(|other| other.associations.values().any(|one| one == subnet))
        {
            return Err(AwsError::client(
                "Resource.AlreadyAssociated",
                format!(
                    "the specified association for route table {table} conflicts with an existing association"
                ),
            ));
        }
        let id = self.id("rtbassoc");
        if let Some(found) = self.route_tables.get_mut(table) {
            found.associations.insert(id.clone(), subnet.to_owned());
        }
        Ok(id)
    }

    /// Ends an association.
    pub fn disassociate_route_table(&mut self, association: &str) -> Result<(), AwsError> {
        for id in self.route_tables.ids() {
            let holds = self
                .route_tables
                .get(&id)
                .is_some_and(|table| table.associations.contains_key(association));
            if holds && let Some(table) = self.route_tables.get_mut(&id) {
                table.associations.remove(association);
                return Ok(());
            }
        }
        Err(AwsError::client(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{association}' does not exist"),
        ))
    }

    /// The table a subnet follows: its own, else the VPC's main one.
    pub fn effective_route_table(&self, subnet: &str) -> Option<&RouteTable> {
        let own = |table: &&RouteTable| table.associations.values().any(|one| one == subnet);
        let vpc = &self.subnets.get(subnet)?.vpc;
        self.route_tables.values().find(own).or_else(|| {
            self.route_tables
                .values()
                .find(|table| table.main.is_some() && &table.vpc == vpc)
        })
    }
}
