//! What carries a lab's tag and is of no stack that is there: somebody has kept it when the stack was deleted, or made it by
//! hand. Here it is told apart, and removed one by one.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudformation::types::StackStatus;
use aws_sdk_ec2::types::{InternetGateway, Tag};

use super::failure::classify;
use super::inventory::absent_or;
use super::remains::{STACK_TAG, is_of, tag};
use super::session::Cloud;
use crate::engine::effect::OrphanKind;
use crate::engine::event::{Failure, Orphan, Volume};

/// Something with the lab's tag, and the stack that CloudFormation says has made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tagged {
    pub(super) id: String,
    pub(super) stack: Option<String>,
}

impl Tagged {
    /// What EC2 lists for a lab. The filter has said that it is of the lab; what may be destroyed is looked at twice.
    pub(super) fn of(lab: &str, id: Option<&str>, tags: &[Tag]) -> Option<Self> {
        is_of(tags, lab).then_some(())?;
        Some(Self {
            id: id?.to_owned(),
            stack: tag(tags, STACK_TAG).map(str::to_owned),
        })
    }
}

/// Things by their kind, as far as they could be listed.
pub(super) type Listed = Vec<(OrphanKind, Vec<Tagged>)>;

impl Cloud {
    /// Takes from these the stacks that are gone: what they made does not go with them any more. Of those `found` it is known
    /// that they are there.
    pub(super) async fn without_gone_stacks(
        &self,
        listed: Listed,
        volumes: &mut [Volume],
        found: &BTreeSet<&String>,
    ) -> Result<Vec<Orphan>, Failure> {
        let things = listed.iter().flat_map(|(_, things)| things);
        let named = things.filter_map(|one| one.stack.clone());
        let named: BTreeSet<String> = named
            .chain(volumes.iter().filter_map(|one| one.stack.clone()))
            .collect();
        let mut gone = BTreeMap::new();
        for stack in named {
            let is_gone = !found.contains(&stack) && self.is_gone(&stack).await?;
            gone.insert(stack, is_gone);
        }
        let standing =
            |stack: Option<String>| stack.filter(|one| !gone.get(one).copied().unwrap_or_default());
        for volume in volumes {
            volume.stack = standing(volume.stack.take());
        }
        let each = listed
            .into_iter()
            .flat_map(|(kind, things)| things.into_iter().map(move |one| (kind, one)));
        Ok(each
            .map(|(kind, one)| Orphan {
                kind,
                id: one.id,
                stack: standing(one.stack),
            })
            .collect())
    }

    /// Whether a stack is not there any more.
    async fn is_gone(&self, stack: &str) -> Result<bool, Failure> {
        let asked = self.cloudformation.describe_stacks().stack_name(stack);
        match asked.send().await {
            Ok(described) => Ok(described
                .stacks()
                .iter()
                .all(|one| one.stack_status() == Some(&StackStatus::DeleteComplete))),
            Err(error) => absent_or("look at a stack", &error).map(|()| true),
        }
    }

    /// Asks for its deletion. Success means accepted.
    pub(super) async fn remove_orphan(&self, kind: OrphanKind, id: &str) -> Result<(), Failure> {
        macro_rules! delete {
            ($what:literal, $request:expr) => {{
                let asked = $request.send().await;
                asked
                    .map(drop)
                    .map_err(|error| classify(concat!("delete the ", $what), &error))
            }};
        }
        let (ec2, efs) = (&self.ec2, &self.efs);
        match kind {
            OrphanKind::Alarm => {
                delete!("alarm", self.cloudwatch.delete_alarms().alarm_names(id))
            }
            OrphanKind::KeyPair => delete!("key pair", ec2.delete_key_pair().key_pair_id(id)),
            OrphanKind::MountTarget => {
                delete!(
                    "mount target",
                    efs.delete_mount_target().mount_target_id(id)
                )
            }
            OrphanKind::FileSystem => {
                delete!("filesystem", efs.delete_file_system().file_system_id(id))
            }
            OrphanKind::Interface => {
                let delete = ec2.delete_network_interface();
                delete!("network interface", delete.network_interface_id(id))
            }
            OrphanKind::SecurityGroup => {
                delete!("security group", ec2.delete_security_group().group_id(id))
            }
            OrphanKind::Subnet => delete!("subnet", ec2.delete_subnet().subnet_id(id)),
            OrphanKind::Gateway => {
                self.detach_gateway(id).await?;
                let delete = ec2.delete_internet_gateway();
                delete!("internet gateway", delete.internet_gateway_id(id))
            }
            OrphanKind::RouteTable => {
                delete!("route table", ec2.delete_route_table().route_table_id(id))
            }
            OrphanKind::Network => delete!("VPC", ec2.delete_vpc().vpc_id(id)),
        }
    }

    /// Takes an internet gateway from its VPC.
    async fn detach_gateway(&self, id: &str) -> Result<(), Failure> {
        let tried = "detach the internet gateway";
        let asked = self.ec2.describe_internet_gateways();
        let seen = asked.internet_gateway_ids(id).send().await;
        let seen = seen.map_err(|error| classify(tried, &error))?;
        let gateways = seen.internet_gateways().iter();
        for attachment in gateways.flat_map(InternetGateway::attachments) {
            let detach = self.ec2.detach_internet_gateway().internet_gateway_id(id);
            let detach = detach.set_vpc_id(attachment.vpc_id().map(str::to_owned));
            let detached = detach.send().await;
            detached.map_err(|error| classify(tried, &error))?;
        }
        Ok(())
    }
}
