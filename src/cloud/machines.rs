//! Where the lab's two instances are now: after a stop their address is another one, and the stack's output stays stale.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, IpPermission, IpRange};

use super::failure::classify;
use super::session::Cloud;
use crate::engine::event::{Failure, FailureClass, Machine};
use crate::lesson::schema::Side;

/// Logical ids of the two instances in the template.
const SIDES: [(Side, &str); 2] = [(Side::A, "EC2InstanceA"), (Side::B, "EC2InstanceB")];

impl Cloud {
    /// The instances of this stack, by side; terminated ones are left out.
    pub async fn machines(&self, stack_id: &str) -> Result<BTreeMap<Side, Machine>, Failure> {
        let tried = "find the instances";
        let mut machines = BTreeMap::new();
        let mut pages = self
            .ec2
            .describe_instances()
            .filters(filter("tag:aws:cloudformation:stack-id", stack_id))
            .filters(
                Filter::builder()
                    .name("instance-state-name")
                    .set_values(Some(
                        ["pending", "running", "stopping", "stopped"]
                            .map(str::to_owned)
                            .to_vec(),
                    ))
                    .build(),
            )
            .into_paginator()
            .items()
            .send();
        while let Some(reservation) = pages.next().await {
            let reservation = reservation.map_err(|error| classify(tried, &error))?;
            for instance in reservation.instances() {
                let logical = instance
                    .tags()
                    .iter()
                    .find(|tag| tag.key() == Some("aws:cloudformation:logical-id"))
                    .and_then(|tag| tag.value());
                let Some((side, _)) = SIDES.iter().find(|(_, name)| logical == Some(*name)) else {
                    continue;
                };
                let machine = Machine {
                    instance_id: instance.instance_id().unwrap_or_default().to_owned(),
                    zone: instance
                        .placement()
                        .and_then(|placement| placement.availability_zone())
                        .unwrap_or_default()
                        .to_owned(),
                    address: instance.public_ip_address().map(str::to_owned),
                    host_name: instance
                        .private_dns_name()
                        .and_then(|name| name.split('.').next())
                        .map(str::to_owned),
                    state: instance
                        .state()
                        .and_then(|state| state.name())
                        .map(|name| name.as_str().to_owned())
                        .unwrap_or_default(),
                };
                machines.insert(*side, machine);
            }
        }
        Ok(machines)
    }

    /// Admits SSH from `cidr` and no longer from anywhere else, in the lab's SSH group. Does nothing when it is so already.
    pub async fn admit_ssh_from(&self, stack_id: &str, cidr: &str) -> Result<(), Failure> {
        let tried = "admit SSH from your present address";
        let groups = self
            .ec2
            .describe_security_groups()
            .filters(filter("tag:aws:cloudformation:stack-id", stack_id))
            .filters(filter(
                "tag:aws:cloudformation:logical-id",
                "SshSecurityGroup",
            ))
            .send()
            .await
            .map_err(|error| classify(tried, &error))?;
        let Some(group) = groups.security_groups().first() else {
            return Err(Failure {
                tried: tried.to_owned(),
                why: "the stack has no SSH group".to_owned(),
                class: FailureClass::NotFound,
            });
        };
        let id = group.group_id().unwrap_or_default();
        let present: Vec<&str> = group
            .ip_permissions()
            .iter()
            .filter(|permission| permission.from_port() == Some(22))
            .flat_map(IpPermission::ip_ranges)
            .filter_map(IpRange::cidr_ip)
            .collect();
        if !present.contains(&cidr) {
            self.ec2
                .authorize_security_group_ingress()
                .group_id(id)
                .ip_permissions(ssh_from(cidr))
                .send()
                .await
                .map_err(|error| classify(tried, &error))?;
        }
        for stale in present.into_iter().filter(|range| *range != cidr) {
            self.ec2
                .revoke_security_group_ingress()
                .group_id(id)
                .ip_permissions(ssh_from(stale))
                .send()
                .await
                .map_err(|error| classify(tried, &error))?;
        }
        Ok(())
    }
}

/// TCP 22 from this range.
fn ssh_from(cidr: &str) -> IpPermission {
    IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(22)
        .to_port(22)
        .ip_ranges(
            IpRange::builder()
                .cidr_ip(cidr)
                .description("the learner")
                .build(),
        )
        .build()
}

/// `Name=…,Values=…`
pub(super) fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}
