//! Asks every resource type what is left of a lab. An answer is *empty*, *these*, or *could not tell*; never a guess.
//!
//! Roles, instance profiles, policies, topics and subscriptions are asked of the stacks, which alone make them: what a stack that is
//! deleted says of its resources stands for ninety days (a client for each service would double what is built).

use std::collections::BTreeSet;

use aws_sdk_cloudformation::types::{ResourceStatus, Stack, StackStatus};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::failure::classify;
use super::session::Cloud;
use super::stack::lab_of;
use crate::engine::effect::Known;
use crate::engine::event::{
    Failure, FailureClass, Instance, Inventory, InventoryRow, Remains, Volume,
};
use crate::engine::guard_name;
use crate::engine::view::Listing;

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
        let (account, stacks, instances, volumes, things, (schedules, machines)) = tokio::join!(
            self.account(),
            self.lab_stacks(lab, &known.stacks),
            self.lab_instances(lab, &known.stacks),
            self.lab_volumes(lab),
            self.things(lab, known),
            self.guard_parts(lab),
        );
        // Snapshots may carry no tag: they are looked for by the volumes there were, and those there are.
        let there = volumes.iter().flatten().map(|volume| &volume.id);
        let disks: BTreeSet<String> = known.volumes.iter().chain(there).cloned().collect();
        let snapshots = self.lab_snapshots(lab, &Vec::from_iter(disks)).await;
        let ids = |all: Vec<(String, StackStatus)>| all.into_iter().map(|(id, _)| id).collect();
        let guards = format!(":stack/{}/", guard_name(lab));
        let (guard, standing) = apart(&stacks, &guards);
        let mut guard: Vec<String> = ids(guard);
        guard.extend(schedules.iter().chain(&machines).flatten().cloned());
        let tagged = snapshots.as_ref().map(|found| found.tagged.clone());
        let tagged = tagged.map_err(Failure::clone);
        let mut remains = remains_of(&instances, &volumes, &tagged);
        let others = snapshots.map(|found| found.others);
        let there = stacks.iter().flatten().map(|(id, _)| id).collect();
        let orphans = self.without_gone_stacks(things.tagged(), &mut remains.volumes, &there);
        // Where that cannot be told, it is seen the next time.
        remains.others = orphans.await.ok();
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
            ]
            .into_iter()
            .chain(things.rows())
            .chain([
                row("schedules", "scheduler:ListSchedules", schedules),
                row("state machines", "states:ListStateMachines", machines),
            ])
            .chain(of_parts)
            .collect(),
            foreign: things.foreign(),
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
        let roles = of_kinds(&[
            "AWS::IAM::Role",
            "AWS::IAM::InstanceProfile",
            "AWS::IAM::ManagedPolicy",
        ]);
        let topics = of_kinds(&["AWS::SNS::Topic", "AWS::SNS::Subscription"]);
        let all = parts.iter().flatten();
        let of_guard = all.filter(|part| part.stack.contains(guards));
        (
            of_guard.map(|part| part.id.clone()).collect(),
            [
                row("roles, profiles, policies", asked, roles),
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
pub(super) fn row(kind: &str, asked: &str, answer: Result<Vec<String>, Failure>) -> InventoryRow {
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
pub(super) fn absent_or<E>(tried: &str, error: &SdkError<E, HttpResponse>) -> Result<(), Failure>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
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
pub(super) fn named<T>(
    listed: &Result<Vec<T>, Failure>,
    id: impl Fn(&T) -> &String,
) -> Result<Vec<String>, Failure> {
    let ids = |all: &Vec<T>| all.iter().map(|one| id(one).clone()).collect();
    listed.as_ref().map(ids).map_err(Failure::clone)
}

/// A row of what has to do with the lab without carrying its tag: it is named, and left.
pub(super) fn kept(kind: &str, asked: &str, answer: Result<Vec<String>, Failure>) -> InventoryRow {
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
