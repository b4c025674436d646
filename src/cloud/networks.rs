//! What is in a lab's network: its interfaces, which EFS makes without a tag, and what others have put there, which is in the
//! way of its deletion. Nothing is changed here.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    Filter, NetworkInterface, Reservation, RouteTable, SecurityGroup, Subnet, Tag,
};

use super::failure::classify;
use super::machines::filter;
use super::orphans::Tagged;
use super::remains::{STACK_TAG, is_of, running, tag};
use super::session::Cloud;
use super::stack::LAB_TAG;
use crate::engine::effect::Known;
use crate::engine::event::Failure;

/// How EFS describes the interface of a mount target.
const OF_EFS: &str = "EFS mount target for ";

/// What was found in the networks of a lab.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Networks {
    /// Interfaces that go with the lab.
    pub(super) interfaces: Vec<String>,
    /// Those among them that carry the lab's tag.
    pub(super) tagged: Vec<Tagged>,
    /// What does not, by its id.
    pub(super) foreign: Vec<String>,
}

/// Collects the items of one paged listing.
macro_rules! all {
    ($tried:literal, $request:expr) => {{
        let mut found = Vec::new();
        let mut pages = $request.into_paginator().items().send();
        while let Some(item) = pages.next().await {
            found.push(item.map_err(|error| classify($tried, &error))?);
        }
        found
    }};
}

/// Whose things are: a lab's tag, or CloudFormation's own of one of its stacks, which nobody can take away.
struct Owner<'a> {
    lab: &'a str,
    stacks: &'a [String],
}

impl Owner<'_> {
    fn has(&self, tags: &[Tag]) -> bool {
        let of_stack = tag(tags, STACK_TAG);
        is_of(tags, self.lab)
            || of_stack.is_some_and(|stack| self.stacks.iter().any(|known| known == stack))
    }
}

impl Cloud {
    /// What is in the VPCs that were found and in those that were known; and any interface with the lab's tag.
    pub(super) async fn networks(
        &self,
        lab: &str,
        found: &Result<Vec<String>, Failure>,
        known: &Known,
    ) -> Result<Networks, Failure> {
        // Where nobody knows which VPCs there are, nobody knows what is in them.
        let found = found.as_ref().map_err(Failure::clone)?;
        let vpcs: BTreeSet<&String> = found.iter().chain(&known.vpcs).collect();
        let owner = Owner {
            lab,
            stacks: &known.stacks,
        };
        let tagged = self
            .interfaces_where(filter(&format!("tag:{LAB_TAG}"), lab))
            .await?;
        let mut networks = Networks {
            interfaces: tagged.iter().filter_map(id_of).collect(),
            tagged: tagged
                .iter()
                .filter_map(|one| Tagged::of(lab, one.network_interface_id(), one.tag_set()))
                .collect(),
            foreign: Vec::new(),
        };
        for vpc in vpcs {
            self.network(vpc, &owner, &mut networks).await?;
        }
        Ok(networks)
    }

    async fn network(
        &self,
        vpc: &str,
        owner: &Owner<'_>,
        networks: &mut Networks,
    ) -> Result<(), Failure> {
        let ec2 = &self.ec2;
        let within = || filter("vpc-id", vpc);
        let interfaces = self.interfaces_where(within()).await?;
        let reservations = all!("list instances", ec2.describe_instances().filters(within()));
        let groups = all!(
            "list security groups",
            ec2.describe_security_groups().filters(within())
        );
        let subnets = all!("list subnets", ec2.describe_subnets().filters(within()));
        let tables = all!(
            "list route tables",
            ec2.describe_route_tables().filters(within())
        );
        let instances = reservations.iter().flat_map(Reservation::instances);
        let instances: Vec<String> = instances
            .filter(|one| !owner.has(one.tags()))
            .filter_map(|one| Some(running(one)?.id))
            .collect();
        for interface in &interfaces {
            let id = id_of(interface);
            if is_foreign(interface, owner) {
                networks.foreign.extend(id);
            } else if !of_one_of(interface, &instances)
                && id
                    .as_ref()
                    .is_some_and(|id| !networks.interfaces.contains(id))
            {
                networks.interfaces.extend(id);
            }
        }
        let groups = groups.iter().filter(|one| {
            // Every network has one, with which it goes.
            one.group_name() != Some("default") && !owner.has(one.tags())
        });
        let tables = tables.iter().filter(|one| {
            let main = |link: &aws_sdk_ec2::types::RouteTableAssociation| link.main() == Some(true);
            !one.associations().iter().any(main) && !owner.has(one.tags())
        });
        let subnets = subnets.iter().filter(|one| !owner.has(one.tags()));
        let foreign = &mut networks.foreign;
        foreign.extend(instances);
        foreign.extend(
            groups
                .filter_map(SecurityGroup::group_id)
                .map(str::to_owned),
        );
        foreign.extend(subnets.filter_map(Subnet::subnet_id).map(str::to_owned));
        foreign.extend(
            tables
                .filter_map(RouteTable::route_table_id)
                .map(str::to_owned),
        );
        Ok(())
    }

    async fn interfaces_where(&self, filter: Filter) -> Result<Vec<NetworkInterface>, Failure> {
        let request = self.ec2.describe_network_interfaces().filters(filter);
        Ok(all!("list network interfaces", request))
    }
}

fn id_of(interface: &NetworkInterface) -> Option<String> {
    interface.network_interface_id().map(str::to_owned)
}

/// Whether it is the interface of one of these instances, with which it goes.
fn of_one_of(interface: &NetworkInterface, instances: &[String]) -> bool {
    let attachment = interface.attachment();
    let holder = attachment.and_then(|one| one.instance_id());
    holder.is_some_and(|holder| instances.iter().any(|id| id == holder))
}

/// Whether somebody else has made it. That of an instance goes with it, that of a mount target with the filesystem.
fn is_foreign(interface: &NetworkInterface, owner: &Owner<'_>) -> bool {
    let attachment = interface.attachment();
    let of_instance = attachment.is_some_and(|one| one.instance_id().is_some());
    let of_efs = interface
        .description()
        .is_some_and(|text| text.starts_with(OF_EFS));
    !of_instance && !of_efs && !owner.has(interface.tag_set())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::NetworkInterfaceAttachment;

    use super::*;

    #[test]
    fn an_interface_is_foreign_unless_it_is_tagged_or_goes_with_an_instance_or_a_mount_target() {
        let stacks = ["arn:stack/1".to_owned()];
        let owner = Owner {
            lab: "lab-7f3k",
            stacks: &stacks,
        };
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let foreign = |interface: NetworkInterface| is_foreign(&interface, &owner);
        let bare = NetworkInterface::builder;
        let held = NetworkInterfaceAttachment::builder()
            .instance_id("i-1")
            .build();
        assert!(foreign(bare().build()));
        assert!(foreign(bare().description("ELB app/mine").build()));
        assert!(foreign(bare().tag_set(tag(LAB_TAG, "lab-7f3k2")).build()));
        assert!(foreign(
            bare().tag_set(tag(STACK_TAG, "arn:stack/2")).build()
        ));
        assert!(!foreign(bare().tag_set(tag(LAB_TAG, "lab-7f3k")).build()));
        assert!(!foreign(
            bare().tag_set(tag(STACK_TAG, "arn:stack/1")).build()
        ));
        assert!(!foreign(bare().attachment(held).build()));
        assert!(!foreign(
            bare()
                .description("EFS mount target for fs-1 (fsmt-1)")
                .build()
        ));
    }
}
