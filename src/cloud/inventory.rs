//! Asks every resource type what is left of a lab. An answer is *empty*, *these*, or *could not tell*; never a guess.

use std::future::Future;

use aws_sdk_cloudformation::types::StackStatus;
use aws_sdk_ec2::types::Filter;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::failure::classify;
use super::machines::filter;
use super::session::Cloud;
use super::stack::LAB_TAG;
use crate::engine::effect::Known;
use crate::engine::event::{Failure, FailureClass, Inventory, InventoryRow};
use crate::engine::view::Listing;

/// Collects the ids that one paged EC2 listing yields.
macro_rules! listed {
    ($tried:literal, $request:expr, $item:ident => $id:expr) => {
        async {
            let mut ids = Vec::new();
            let mut pages = $request.into_paginator().items().send();
            while let Some($item) = pages.next().await {
                let $item = $item.map_err(|error| classify($tried, &error))?;
                ids.extend($id);
            }
            Ok::<Vec<String>, Failure>(ids)
        }
    };
}

impl Cloud {
    /// One pass over every resource type that a lab can make. Never fails as a whole: what could not be told is said so.
    ///
    /// Things are found by the lab's tag; things that carry no tag of ours (mount targets, their interfaces) by the ids in
    /// `known` and by the VPCs found.
    pub async fn inventory(&self, lab: &str, known: &Known) -> Inventory {
        let tag = || filter(&format!("tag:{LAB_TAG}"), lab);
        let ec2 = &self.ec2;
        let (account, stacks, instances, volumes, snapshots, file_systems) = tokio::join!(
            self.account(),
            self.lab_stacks(lab, &known.stacks),
            listed!("list instances", ec2.describe_instances().filters(tag()).filters(not_terminated()), reservation =>
                reservation.instances().iter().filter_map(|it| it.instance_id().map(str::to_owned)).collect::<Vec<_>>()),
            listed!("list volumes", ec2.describe_volumes().filters(tag()), it => it.volume_id().map(str::to_owned)),
            listed!("list snapshots", ec2.describe_snapshots().owner_ids("self").filters(tag()), it =>
                it.snapshot_id().map(str::to_owned)),
            self.lab_file_systems(lab, &known.file_systems),
        );
        let (vpcs, subnets, gateways, route_tables, groups, keys) = tokio::join!(
            listed!("list VPCs", ec2.describe_vpcs().filters(tag()), it => it.vpc_id().map(str::to_owned)),
            listed!("list subnets", ec2.describe_subnets().filters(tag()), it => it.subnet_id().map(str::to_owned)),
            listed!("list internet gateways", ec2.describe_internet_gateways().filters(tag()), it =>
                it.internet_gateway_id().map(str::to_owned)),
            listed!("list route tables", ec2.describe_route_tables().filters(tag()), it =>
                it.route_table_id().map(str::to_owned)),
            listed!("list security groups", ec2.describe_security_groups().filters(tag()), it =>
                it.group_id().map(str::to_owned)),
            self.lab_key_pairs(lab),
        );
        let (mount_targets, interfaces) = tokio::join!(
            self.mount_targets(&file_systems, &known.file_systems),
            self.interfaces(lab, &vpcs, &known.vpcs),
        );
        let ids = stacks.clone().unwrap_or_default();
        Inventory {
            account: account.ok(),
            region: self.region.clone(),
            rows: vec![
                row("stacks", "cloudformation:DescribeStacks", stacks),
                row("instances", "ec2:DescribeInstances", instances),
                row("volumes", "ec2:DescribeVolumes", volumes),
                row("snapshots", "ec2:DescribeSnapshots", snapshots),
                row(
                    "filesystems",
                    "elasticfilesystem:DescribeFileSystems",
                    file_systems,
                ),
                row(
                    "mount targets",
                    "elasticfilesystem:DescribeMountTargets",
                    mount_targets,
                ),
                row(
                    "network interfaces",
                    "ec2:DescribeNetworkInterfaces",
                    interfaces,
                ),
                row("security groups", "ec2:DescribeSecurityGroups", groups),
                row("key pairs", "ec2:DescribeKeyPairs", keys),
                row("route tables", "ec2:DescribeRouteTables", route_tables),
                row(
                    "internet gateways",
                    "ec2:DescribeInternetGateways",
                    gateways,
                ),
                row("subnets", "ec2:DescribeSubnets", subnets),
                row("VPCs", "ec2:DescribeVpcs", vpcs),
            ],
            stacks: ids,
        }
    }

    /// StackIds that carry the lab's tag, or are known, and are not deleted.
    async fn lab_stacks(&self, lab: &str, known: &[String]) -> Result<Vec<String>, Failure> {
        let tried = "list stacks";
        let mut ids = Vec::new();
        let mut pages = self
            .cloudformation
            .describe_stacks()
            .into_paginator()
            .items()
            .send();
        while let Some(stack) = pages.next().await {
            let stack = stack.map_err(|error| classify(tried, &error))?;
            let ours = stack
                .tags()
                .iter()
                .any(|tag| tag.key() == Some(LAB_TAG) && tag.value() == Some(lab));
            if let (true, Some(id)) = (
                ours || known.iter().any(|id| stack.stack_id() == Some(id)),
                stack.stack_id(),
            ) {
                ids.push(id.to_owned());
            }
        }
        for id in known
            .iter()
            .filter(|id| !ids.contains(id))
            .cloned()
            .collect::<Vec<_>>()
        {
            match self
                .cloudformation
                .describe_stacks()
                .stack_name(&id)
                .send()
                .await
            {
                Ok(found) => {
                    let stands = |status: &StackStatus| *status != StackStatus::DeleteComplete;
                    if found
                        .stacks()
                        .iter()
                        .filter_map(|stack| stack.stack_status())
                        .any(stands)
                    {
                        ids.push(id);
                    }
                }
                Err(error) => absent_or(tried, &error)?,
            }
        }
        Ok(ids)
    }

    /// Filesystems with the lab's tag; EFS cannot filter by tag, so all are read. The known ones are asked for by id.
    async fn lab_file_systems(&self, lab: &str, known: &[String]) -> Result<Vec<String>, Failure> {
        let tried = "list filesystems";
        let mut ids = Vec::new();
        let mut pages = self
            .efs
            .describe_file_systems()
            .into_paginator()
            .items()
            .send();
        while let Some(found) = pages.next().await {
            let found = found.map_err(|error| classify(tried, &error))?;
            let ours = found
                .tags()
                .iter()
                .any(|tag| tag.key() == LAB_TAG && tag.value() == lab);
            if ours || known.iter().any(|id| id == found.file_system_id()) {
                ids.push(found.file_system_id().to_owned());
            }
        }
        Ok(ids)
    }

    /// Mount targets of these filesystems; a filesystem that is gone has none.
    async fn mount_targets(
        &self,
        found: &Result<Vec<String>, Failure>,
        known: &[String],
    ) -> Result<Vec<String>, Failure> {
        // Where nobody knows which filesystems there are, nobody knows their mount targets.
        let found = found.as_ref().map_err(Failure::clone)?;
        let tried = "list mount targets";
        let mut ids = Vec::new();
        let also = known.iter().filter(|id| !found.contains(id));
        for file_system in found.iter().chain(also) {
            let mut pages = self
                .efs
                .describe_mount_targets()
                .file_system_id(file_system)
                .into_paginator()
                .items()
                .send();
            while let Some(target) = pages.next().await {
                match target {
                    Ok(target) => ids.push(target.mount_target_id().to_owned()),
                    Err(error) => {
                        absent_or(tried, &error)?;
                        break;
                    }
                }
            }
        }
        Ok(ids)
    }

    /// Interfaces in the lab's VPCs (EFS makes some that carry no tag), and any with the tag.
    async fn interfaces(
        &self,
        lab: &str,
        found: &Result<Vec<String>, Failure>,
        known: &[String],
    ) -> Result<Vec<String>, Failure> {
        let found = found.as_ref().map_err(Failure::clone)?;
        let tag = filter(&format!("tag:{LAB_TAG}"), lab);
        let mut ids = self.interfaces_where(tag).await?;
        for vpc in found
            .iter()
            .chain(known.iter().filter(|id| !found.contains(id)))
        {
            for id in self.interfaces_where(filter("vpc-id", vpc)).await? {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        Ok(ids)
    }

    fn interfaces_where(
        &self,
        filter: Filter,
    ) -> impl Future<Output = Result<Vec<String>, Failure>> {
        let request = self.ec2.describe_network_interfaces().filters(filter);
        listed!("list network interfaces", request, it => it.network_interface_id().map(str::to_owned))
    }

    async fn lab_key_pairs(&self, lab: &str) -> Result<Vec<String>, Failure> {
        let answer = self
            .ec2
            .describe_key_pairs()
            .filters(filter(&format!("tag:{LAB_TAG}"), lab))
            .send()
            .await
            .map_err(|error| classify("list key pairs", &error))?;
        Ok(answer
            .key_pairs()
            .iter()
            .filter_map(|pair| pair.key_pair_id().map(str::to_owned))
            .collect())
    }
}

/// A row of the inventory.
fn row(kind: &str, asked: &str, answer: Result<Vec<String>, Failure>) -> InventoryRow {
    let answer = match answer {
        Ok(ids) if ids.is_empty() => Listing::Empty,
        Ok(ids) => Listing::Left(ids),
        Err(failure) => Listing::CouldNotTell(failure.why),
    };
    InventoryRow {
        kind: kind.to_owned(),
        asked: asked.to_owned(),
        answer,
    }
}

/// `Ok` when the service says that there is no such thing; otherwise the failure.
fn absent_or<E, R>(tried: &str, error: &SdkError<E, R>) -> Result<(), Failure>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let failure = classify(tried, error);
    if failure.class == FailureClass::NotFound {
        Ok(())
    } else {
        Err(failure)
    }
}

/// Terminated instances stay listed for about an hour and bill nothing.
fn not_terminated() -> Filter {
    Filter::builder()
        .name("instance-state-name")
        .set_values(Some(
            ["pending", "running", "shutting-down", "stopping", "stopped"]
                .map(str::to_owned)
                .to_vec(),
        ))
        .build()
}
