//! Asks every resource type what is left of a lab. An answer is *empty*, *these*, or *could not tell*; never a guess.
//!
//! Roles, instance profiles, topics and subscriptions are asked of the stacks, which alone make them: what a stack that is
//! deleted says of its resources stands for ninety days (a client for each service would double what is built).

use std::collections::BTreeSet;

use aws_sdk_cloudformation::types::{ResourceStatus, Stack, StackStatus};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::failure::classify;
use super::machines::filter;
use super::orphans::Tagged;
use super::remains::STACK_TAG;
use super::session::Cloud;
use super::stack::{LAB_TAG, lab_of};
use crate::engine::effect::{Known, OrphanKind};
use crate::engine::event::{
    Failure, FailureClass, Instance, Inventory, InventoryRow, Remains, Volume,
};
use crate::engine::view::Listing;
use crate::engine::{guard_name, stack_name};

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
    /// One pass over every resource type that a lab can make. Never fails as a whole: what could not be told is said so.
    ///
    /// Things are found by the lab's tag; things that carry no tag of ours (mount targets, their interfaces) by the ids in
    /// `known` and by the VPCs found.
    #[must_use]
    pub fn inventory<'a>(&'a self, lab: &'a str, known: &'a Known) -> BoxFuture<'a, Inventory> {
        // A dozen calls under way at a time are large: they live on the heap.
        self.ask_everything(lab, known).boxed()
    }

    async fn ask_everything(&self, lab: &str, known: &Known) -> Inventory {
        let tag = || filter(&format!("tag:{LAB_TAG}"), lab);
        let ec2 = &self.ec2;
        let (account, stacks, instances, volumes, alarms, file_systems) = tokio::join!(
            self.account(),
            self.lab_stacks(lab, &known.stacks),
            self.lab_instances(lab, &known.stacks),
            self.lab_volumes(lab),
            self.lab_alarms(lab),
            self.lab_file_systems(lab, &known.file_systems),
        );
        // Snapshots may carry no tag: they are looked for by the volumes there were, and those there are.
        let there = volumes.iter().flatten().map(|volume| &volume.id);
        let disks: BTreeSet<String> = known.volumes.iter().chain(there).cloned().collect();
        let disks = Vec::from_iter(disks);
        let (snapshots, vpcs, subnets, gateways, route_tables, groups, keys) = tokio::join!(
            self.lab_snapshots(lab, &disks),
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
        );
        let networks = named(&vpcs, |it| &it.id);
        let (mount_targets, networks, (schedules, machines)) = tokio::join!(
            self.mount_targets(&file_systems, &known.file_systems),
            self.networks(lab, &networks, known),
            self.guard_parts(lab),
        );
        let ids = |all: Vec<(String, StackStatus)>| all.into_iter().map(|(id, _)| id).collect();
        let guards = format!(":stack/{}/", guard_name(lab));
        let (guard, standing) = apart(&stacks, &guards);
        let mut guard: Vec<String> = ids(guard);
        guard.extend(schedules.iter().chain(&machines).flatten().cloned());
        let tagged = snapshots.as_ref().map(|found| found.tagged.clone());
        let tagged = tagged.map_err(Failure::clone);
        let mut remains = remains_of(&instances, &volumes, &tagged);
        let others = snapshots.map(|found| found.others);
        let (interfaces, tied, strangers) = match networks {
            Ok(found) => (Ok(found.interfaces), found.tagged, Ok(found.foreign)),
            Err(failure) => (Err(failure.clone()), Vec::new(), Err(failure)),
        };
        let listed = [
            (OrphanKind::Alarm, &alarms),
            (OrphanKind::KeyPair, &keys),
            (OrphanKind::MountTarget, &mount_targets),
            (OrphanKind::FileSystem, &file_systems),
            (OrphanKind::SecurityGroup, &groups),
            (OrphanKind::Subnet, &subnets),
            (OrphanKind::Gateway, &gateways),
            (OrphanKind::RouteTable, &route_tables),
            (OrphanKind::Network, &vpcs),
        ];
        let listed =
            listed.map(|(kind, all)| (kind, all.as_ref().ok().cloned().unwrap_or_default()));
        let listed = listed
            .into_iter()
            .chain([(OrphanKind::Interface, tied)])
            .collect();
        let there = stacks.iter().flatten().map(|(id, _)| id).collect();
        let orphans = self.without_gone_stacks(listed, &mut remains.volumes, &there);
        // Where that cannot be told, it is seen the next time.
        remains.others = Some(orphans.await.unwrap_or_default());
        let foreign = strangers.clone().unwrap_or_default();
        let (roles, of_parts) = self.rows_of_parts(&stacks, &known.stacks, &guards).await;
        guard.extend(roles);
        Inventory {
            account: account.ok(),
            region: self.region.clone(),
            rows: [
                row("stacks", "cloudformation:DescribeStacks", stacks.map(ids)),
                row(
                    "instances",
                    "ec2:DescribeInstances",
                    named(&instances, |it| &it.id),
                ),
                row(
                    "volumes",
                    "ec2:DescribeVolumes",
                    named(&volumes, |it| &it.id),
                ),
                row("snapshots", "ec2:DescribeSnapshots", tagged),
                kept("untagged snapshots", "ec2:DescribeSnapshots", others),
                row(
                    "alarms",
                    "cloudwatch:DescribeAlarms",
                    named(&alarms, |it| &it.id),
                ),
                row(
                    "filesystems",
                    "elasticfilesystem:DescribeFileSystems",
                    named(&file_systems, |it| &it.id),
                ),
                row(
                    "mount targets",
                    "elasticfilesystem:DescribeMountTargets",
                    named(&mount_targets, |it| &it.id),
                ),
                row(
                    "network interfaces",
                    "ec2:DescribeNetworkInterfaces",
                    interfaces,
                ),
                row(
                    "security groups",
                    "ec2:DescribeSecurityGroups",
                    named(&groups, |it| &it.id),
                ),
                row(
                    "key pairs",
                    "ec2:DescribeKeyPairs",
                    named(&keys, |it| &it.id),
                ),
                row(
                    "route tables",
                    "ec2:DescribeRouteTables",
                    named(&route_tables, |it| &it.id),
                ),
                row(
                    "internet gateways",
                    "ec2:DescribeInternetGateways",
                    named(&gateways, |it| &it.id),
                ),
                row(
                    "subnets",
                    "ec2:DescribeSubnets",
                    named(&subnets, |it| &it.id),
                ),
                row("VPCs", "ec2:DescribeVpcs", named(&vpcs, |it| &it.id)),
                kept(
                    "others in its VPCs",
                    "ec2:DescribeSubnets and others, by VPC",
                    strangers,
                ),
                row("schedules", "scheduler:ListSchedules", schedules),
                row("state machines", "states:ListStateMachines", machines),
            ]
            .into_iter()
            .chain(of_parts)
            .collect(),
            foreign,
            guard,
            stacks: ids(standing.clone()),
            updating: standing.into_iter().filter_map(updating).collect(),
            remains,
        }
    }

    /// Stacks that carry the lab's tag, or are known, and are not deleted; with their status.
    async fn lab_stacks(
        &self,
        lab: &str,
        known: &[String],
    ) -> Result<Vec<(String, StackStatus)>, Failure> {
        let tried = "list stacks";
        let mut found: Vec<(String, StackStatus)> = Vec::new();
        for stack in self.stacks().await? {
            let ours = lab_of(&stack) == Some(lab);
            if ours || known.iter().any(|id| stack.stack_id() == Some(id)) {
                found.extend(seen(&stack));
            }
        }
        for id in known {
            if found.iter().any(|(other, _)| other == id) {
                continue;
            }
            match self
                .cloudformation
                .describe_stacks()
                .stack_name(id)
                .send()
                .await
            {
                Ok(asked) => found.extend(asked.stacks().iter().filter_map(seen)),
                Err(error) => absent_or(tried, &error)?,
            }
        }
        Ok(found)
    }

    /// The rows of what only stacks make; and what of it belongs to the guard's stack, with which it goes.
    async fn rows_of_parts(
        &self,
        found: &Result<Vec<(String, StackStatus)>, Failure>,
        known: &[String],
        guards: &str,
    ) -> (Vec<String>, [InventoryRow; 2]) {
        let parts = self.stack_parts(found, known).await;
        let of_kinds = |kinds: &[&str]| {
            let parts = parts.as_ref().map_err(Failure::clone)?;
            let wanted = parts.iter().filter(|it| kinds.contains(&it.kind.as_str()));
            Ok(wanted.map(|part| part.id.clone()).collect())
        };
        let asked = "cloudformation:DescribeStackResources";
        let roles = of_kinds(&["AWS::IAM::Role", "AWS::IAM::InstanceProfile"]);
        let topics = of_kinds(&["AWS::SNS::Topic", "AWS::SNS::Subscription"]);
        let all = parts.iter().flatten();
        let of_guard = all.filter(|part| part.stack.contains(guards));
        (
            of_guard.map(|part| part.id.clone()).collect(),
            [
                row("roles and profiles", asked, roles),
                row("topics", asked, topics),
            ],
        )
    }

    /// What is there of the resources that only a stack makes and only a stack is asked for: of the stacks found, and of those
    /// that were known and are gone.
    async fn stack_parts(
        &self,
        found: &Result<Vec<(String, StackStatus)>, Failure>,
        known: &[String],
    ) -> Result<Vec<Part>, Failure> {
        let tried = "list what stacks have made";
        let found = found.as_ref().map_err(Failure::clone)?;
        let there = found.iter().map(|(id, _)| id);
        let stacks: BTreeSet<&String> = there.chain(known).collect();
        let mut parts = Vec::new();
        for stack in stacks {
            let asked = self.cloudformation.describe_stack_resources();
            let described = match asked.stack_name(stack).send().await {
                Ok(described) => described,
                Err(error) => {
                    absent_or(tried, &error)?;
                    continue;
                }
            };
            let there = described
                .stack_resources()
                .iter()
                .filter(|it| it.resource_status() != Some(&ResourceStatus::DeleteComplete));
            parts.extend(there.filter_map(|one| {
                Some(Part {
                    stack: stack.clone(),
                    kind: one.resource_type()?.to_owned(),
                    id: one
                        .physical_resource_id()
                        .filter(|id| !id.is_empty())?
                        .to_owned(),
                })
            }));
        }
        Ok(parts)
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

    /// Filesystems with the lab's tag; EFS cannot filter by tag, so all are read. The known ones are asked for by id.
    async fn lab_file_systems(&self, lab: &str, known: &[String]) -> Result<Vec<Tagged>, Failure> {
        let tried = "list filesystems";
        let mut systems = Vec::new();
        let mut pages = self
            .efs
            .describe_file_systems()
            .into_paginator()
            .items()
            .send();
        while let Some(found) = pages.next().await {
            let found = found.map_err(|error| classify(tried, &error))?;
            let id = found.file_system_id();
            let value = |key: &str| {
                let tag = found.tags().iter().find(|tag| tag.key() == key);
                tag.map(|tag| tag.value().to_owned())
            };
            if value(LAB_TAG).as_deref() == Some(lab) || known.iter().any(|known| known == id) {
                systems.push(Tagged {
                    id: id.to_owned(),
                    stack: value(STACK_TAG),
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

/// Stacks and their status.
type Stacks = Vec<(String, StackStatus)>;

/// The stacks of a guard, and the others.
fn apart(listed: &Result<Stacks, Failure>, guards: &str) -> (Stacks, Stacks) {
    let all = listed.iter().flatten().cloned();
    all.partition(|(id, _)| id.contains(guards))
}

/// What is stopped or removed one by one, as far as it could be listed.
fn remains_of(
    instances: &Result<Vec<Instance>, Failure>,
    volumes: &Result<Vec<Volume>, Failure>,
    snapshots: &Result<Vec<String>, Failure>,
) -> Remains {
    Remains {
        instances: instances.as_ref().ok().cloned(),
        volumes: volumes.as_ref().ok().cloned().unwrap_or_default(),
        snapshots: snapshots.as_ref().ok().cloned().unwrap_or_default(),
        others: None,
    }
}

/// Something that a stack has made, and that is there.
struct Part {
    stack: String,
    kind: String,
    id: String,
}

/// A row of the inventory.
fn row(kind: &str, asked: &str, answer: Result<Vec<String>, Failure>) -> InventoryRow {
    let answer = match answer {
        Ok(ids) if ids.is_empty() => Listing::Empty,
        Ok(ids) => Listing::Left(ids),
        Err(failure) => Listing::CouldNotTell(unknown(&failure, asked)),
    };
    InventoryRow {
        kind: kind.to_owned(),
        asked: asked.to_owned(),
        answer,
    }
}

/// Why something could not be told; and what helps, where somebody can help.
fn unknown(failure: &Failure, asked: &str) -> String {
    let why = &failure.why;
    match failure.class {
        FailureClass::Denied => format!(
            "{why} (allow {asked} to these credentials, or use others with --profile, and clean up again)"
        ),
        _ => why.clone(),
    }
}

/// `Ok` when the service says that there is no such thing; otherwise the failure.
pub(super) fn absent_or<E, R>(tried: &str, error: &SdkError<E, R>) -> Result<(), Failure>
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

/// A stack that is not deleted, and its status.
fn seen(stack: &Stack) -> Option<(String, StackStatus)> {
    let status = stack.stack_status()?;
    let stands = *status != StackStatus::DeleteComplete;
    stands.then(|| Some((stack.stack_id()?.to_owned(), status.clone())))?
}

/// A stack with an update under way.
fn updating((id, status): (String, StackStatus)) -> Option<(String, String)> {
    let status = status.as_str();
    let updates = status.contains("UPDATE") && status.ends_with("_IN_PROGRESS");
    updates.then(|| (id, status.to_owned()))
}

/// The ids of what was listed.
fn named<T>(
    listed: &Result<Vec<T>, Failure>,
    id: impl Fn(&T) -> &String,
) -> Result<Vec<String>, Failure> {
    let ids = |all: &Vec<T>| all.iter().map(|one| id(one).clone()).collect();
    listed.as_ref().map(ids).map_err(Failure::clone)
}

/// A row of what has to do with the lab without carrying its tag: it is named, and left.
fn kept(kind: &str, asked: &str, answer: Result<Vec<String>, Failure>) -> InventoryRow {
    let mut row = row(kind, asked, answer);
    if let Listing::Left(ids) = row.answer {
        row.answer = Listing::Kept(ids);
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_asked_says_what_to_allow() {
        let of = |class| {
            let failure = Failure {
                tried: "list schedules".to_owned(),
                why: "AccessDeniedException: not authorized".to_owned(),
                class,
            };
            let row = row("schedules", "scheduler:ListSchedules", Err(failure));
            match row.answer {
                Listing::CouldNotTell(why) => why,
                answer => panic!("{answer:?}"),
            }
        };
        assert!(of(FailureClass::Denied).contains("allow scheduler:ListSchedules to these"));
        assert!(!of(FailureClass::Transient).contains("allow"));
    }
}
