//! Everything that carries a lab's tag and is neither instance nor volume nor snapshot: what there is of each kind, and what
//! is in its networks. Nothing is changed here.

use aws_sdk_efs::types::FileSystemDescription;

use super::failure::classify;
use super::inventory::{absent_or, kept, named, row};
use super::machines::filter;
use super::networks::Networks;
use super::orphans::{Listed, Tagged};
use super::remains::STACK_TAG;
use super::session::Cloud;
use super::stack::LAB_TAG;
use crate::engine::effect::{Known, OrphanKind};
use crate::engine::event::{Failure, InventoryRow};
use crate::engine::stack_name;

/// Each kind in the order of the receipt: what it is called, and the call that lists it.
const KINDS: [(OrphanKind, &str, &str); 10] = [
    (OrphanKind::Alarm, "alarms", "cloudwatch:DescribeAlarms"),
    (
        OrphanKind::FileSystem,
        "filesystems",
        "elasticfilesystem:DescribeFileSystems",
    ),
    (
        OrphanKind::MountTarget,
        "mount targets",
        "elasticfilesystem:DescribeMountTargets",
    ),
    (
        OrphanKind::Interface,
        "network interfaces",
        "ec2:DescribeNetworkInterfaces",
    ),
    (
        OrphanKind::SecurityGroup,
        "security groups",
        "ec2:DescribeSecurityGroups",
    ),
    (OrphanKind::KeyPair, "key pairs", "ec2:DescribeKeyPairs"),
    (
        OrphanKind::RouteTable,
        "route tables",
        "ec2:DescribeRouteTables",
    ),
    (
        OrphanKind::Gateway,
        "internet gateways",
        "ec2:DescribeInternetGateways",
    ),
    (OrphanKind::Subnet, "subnets", "ec2:DescribeSubnets"),
    (OrphanKind::Network, "VPCs", "ec2:DescribeVpcs"),
];

/// What was found of each kind, or why that could not be told.
pub(super) struct Things {
    listed: Vec<(OrphanKind, Result<Vec<Tagged>, Failure>)>,
    networks: Result<Networks, Failure>,
}

impl Things {
    /// What carries the lab's tag, as far as it could be listed.
    pub(super) fn tagged(&self) -> Listed {
        let each = self.listed.iter();
        let each = each.map(|(kind, all)| (*kind, all.iter().flatten().cloned().collect()));
        let interfaces = self.networks.iter().flat_map(|found| &found.tagged);
        each.chain([(OrphanKind::Interface, interfaces.cloned().collect())])
            .collect()
    }

    /// What others have put into the networks.
    pub(super) fn foreign(&self) -> Vec<String> {
        let networks = self.networks.iter();
        networks.flat_map(|found| &found.foreign).cloned().collect()
    }

    /// A row for each kind; and one of what is not the lab's.
    pub(super) fn rows(&self) -> Vec<InventoryRow> {
        let answer = |kind: OrphanKind| match kind {
            OrphanKind::Interface => self.in_networks(|found| &found.interfaces),
            kind => {
                let listed = self.listed.iter().find(|(one, _)| *one == kind);
                listed.map_or_else(|| Ok(Vec::new()), |(_, all)| named(all, |it| &it.id))
            }
        };
        let rows = KINDS.map(|(kind, name, asked)| row(name, asked, answer(kind)));
        let others = kept(
            "others in its VPCs",
            "ec2:DescribeSubnets and others, by VPC",
            self.in_networks(|found| &found.foreign),
        );
        rows.into_iter().chain([others]).collect()
    }

    fn in_networks(&self, of: impl Fn(&Networks) -> &Vec<String>) -> Result<Vec<String>, Failure> {
        let found = self.networks.as_ref().map_err(Failure::clone)?;
        Ok(of(found).clone())
    }
}

/// Collects what one paged EC2 listing yields of a lab.
macro_rules! listed {
    ($tried:literal, $lab:expr, $request:expr, $id:ident) => {
        async {
            let mut found = Vec::new();
            let mut pages = $request.into_paginator().items().send();
            while let Some(item) = pages.next().await {
                let item = item.map_err(|error| classify($tried, &error))?;
                found.extend(Tagged::of($lab, item.$id(), item.tags()));
            }
            Ok::<Vec<Tagged>, Failure>(found)
        }
    };
}

impl Cloud {
    /// Lists all of it.
    pub(super) async fn things(&self, lab: &str, known: &Known) -> Things {
        let tag = || filter(&format!("tag:{LAB_TAG}"), lab);
        let ec2 = &self.ec2;
        let (vpcs, subnets, gateways, route_tables, groups, keys, alarms, file_systems) = tokio::join!(
            listed!("list VPCs", lab, ec2.describe_vpcs().filters(tag()), vpc_id),
            listed!(
                "list subnets",
                lab,
                ec2.describe_subnets().filters(tag()),
                subnet_id
            ),
            listed!(
                "list internet gateways",
                lab,
                ec2.describe_internet_gateways().filters(tag()),
                internet_gateway_id
            ),
            listed!(
                "list route tables",
                lab,
                ec2.describe_route_tables().filters(tag()),
                route_table_id
            ),
            listed!(
                "list security groups",
                lab,
                ec2.describe_security_groups().filters(tag()),
                group_id
            ),
            self.lab_key_pairs(lab),
            self.lab_alarms(lab),
            self.lab_file_systems(lab, &known.file_systems),
        );
        let networks = named(&vpcs, |it| &it.id);
        let (mount_targets, networks) = tokio::join!(
            self.mount_targets(&file_systems, &known.file_systems),
            self.networks(lab, &networks, known),
        );
        Things {
            listed: vec![
                (OrphanKind::Alarm, alarms),
                (OrphanKind::KeyPair, keys),
                (OrphanKind::MountTarget, mount_targets),
                (OrphanKind::FileSystem, file_systems),
                (OrphanKind::SecurityGroup, groups),
                (OrphanKind::Subnet, subnets),
                (OrphanKind::Gateway, gateways),
                (OrphanKind::RouteTable, route_tables),
                (OrphanKind::Network, vpcs),
            ],
            networks,
        }
    }

    /// Alarms with the lab's tag among those that bear the name of its stack, as CloudFormation names them: a list of
    /// alarms tells no tags, and an account may have thousands.
    async fn lab_alarms(&self, lab: &str) -> Result<Vec<Tagged>, Failure> {
        let tried = "list alarms";
        let mut found = Vec::new();
        let mut pages = self
            .cloudwatch
            .describe_alarms()
            .alarm_name_prefix(format!("{}-", stack_name(lab)))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify(tried, &error))?;
            for alarm in page.metric_alarms() {
                let (Some(name), Some(arn)) = (alarm.alarm_name(), alarm.alarm_arn()) else {
                    continue;
                };
                match self
                    .cloudwatch
                    .list_tags_for_resource()
                    .resource_arn(arn)
                    .send()
                    .await
                {
                    Ok(tags) => {
                        let value = |key: &str| {
                            let mut tags = tags.tags().iter();
                            let tag = tags.find(|tag| tag.key() == Some(key));
                            tag.and_then(|tag| tag.value()).map(str::to_owned)
                        };
                        if value(LAB_TAG).as_deref() == Some(lab) {
                            found.push(Tagged {
                                id: name.to_owned(),
                                stack: value(STACK_TAG),
                            });
                        }
                    }
                    Err(error) => absent_or(tried, &error)?,
                }
            }
        }
        Ok(found)
    }

    /// All filesystems: EFS cannot filter by tag.
    pub(super) async fn file_systems(&self) -> Result<Vec<FileSystemDescription>, Failure> {
        let all = self.efs.describe_file_systems().into_paginator().items();
        let all: Result<Vec<_>, _> = all.send().collect().await;
        all.map_err(|error| classify("list filesystems", &error))
    }

    /// Filesystems with the lab's tag, and the known ones.
    async fn lab_file_systems(&self, lab: &str, known: &[String]) -> Result<Vec<Tagged>, Failure> {
        let mut systems = Vec::new();
        for found in self.file_systems().await? {
            let value = |key: &str| {
                let tag = found.tags().iter().find(|tag| tag.key() == key);
                tag.map(|tag| tag.value().to_owned())
            };
            let ours = value(LAB_TAG).as_deref() == Some(lab);
            if ours || known.iter().any(|id| id == found.file_system_id()) {
                systems.push(Tagged {
                    stack: value(STACK_TAG),
                    id: found.file_system_id,
                });
            }
        }
        Ok(systems)
    }

    /// Mount targets of these filesystems; a filesystem that is gone has none.
    async fn mount_targets(
        &self,
        found: &Result<Vec<Tagged>, Failure>,
        known: &[String],
    ) -> Result<Vec<Tagged>, Failure> {
        // Where nobody knows which filesystems there are, nobody knows their mount targets.
        let found = found.as_ref().map_err(Failure::clone)?;
        let tried = "list mount targets";
        let mut targets = Vec::new();
        let also = known
            .iter()
            .filter(|id| found.iter().all(|one| one.id != **id));
        let also = also.map(|id| Tagged {
            id: id.clone(),
            stack: None,
        });
        for file_system in found.iter().cloned().chain(also) {
            let mut pages = self
                .efs
                .describe_mount_targets()
                .file_system_id(&file_system.id)
                .into_paginator()
                .items()
                .send();
            while let Some(target) = pages.next().await {
                match target {
                    // It has no tags: it goes with whatever its filesystem goes with.
                    Ok(target) => targets.push(Tagged {
                        id: target.mount_target_id().to_owned(),
                        stack: file_system.stack.clone(),
                    }),
                    Err(error) => {
                        absent_or(tried, &error)?;
                        break;
                    }
                }
            }
        }
        Ok(targets)
    }

    async fn lab_key_pairs(&self, lab: &str) -> Result<Vec<Tagged>, Failure> {
        let answer = self
            .ec2
            .describe_key_pairs()
            .filters(filter(&format!("tag:{LAB_TAG}"), lab))
            .send()
            .await
            .map_err(|error| classify("list key pairs", &error))?;
        let pairs = answer.key_pairs().iter();
        Ok(pairs
            .filter_map(|pair| Tagged::of(lab, pair.key_pair_id(), pair.tags()))
            .collect())
    }
}
