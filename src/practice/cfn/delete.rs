//! How a deletion or a rollback gets on: resources that nothing depends on any more are deleted, and awaited.

use jiff::Timestamp;

use super::template::{DeletionPolicy, Template};
use super::{create, durations, types};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::stacks::{Resource, ResourceStatus, StackStatus, Step, resource_key};

/// Brings a deletion as far as it can get by now. Answers when the next thing is due.
pub fn advance(world: &mut World, stack: &str, template: &Template) -> Option<Timestamp> {
    let next = loop {
        let before = over(world, stack);
        let mut next: Option<Timestamp> = None;
        let ids: Vec<String> = world
            .resources_of(stack)
            .into_iter()
            .map(|resource| resource.logical_id.clone())
            .collect();
        for logical_id in &ids {
            begin(world, stack, logical_id, template);
            for due in [
                ask(world, stack, logical_id),
                await_it(world, stack, logical_id),
            ] {
                next = [next, due].into_iter().flatten().min();
            }
        }
        // What is gone now may let others go.
        if over(world, stack) == before {
            break next;
        }
    };
    let resources = world.resources_of(stack);
    if resources.iter().any(|resource| in_progress(resource)) {
        return next;
    }
    let failed: Vec<&str> = resources
        .iter()
        .filter(|resource| resource.status == ResourceStatus::DeleteFailed)
        .map(|resource| resource.logical_id.as_str())
        .collect();
    let rollback = world.stacks.get(stack)?.status == StackStatus::RollbackInProgress;
    let (status, reason) = match (failed.is_empty(), rollback) {
        (true, true) => (StackStatus::RollbackComplete, None),
        (true, false) => (StackStatus::DeleteComplete, None),
        (false, rollback) => {
            let status = if rollback {
                StackStatus::RollbackFailed
            } else {
                StackStatus::DeleteFailed
            };
            let reason = format!(
                "The following resource(s) failed to delete: [{}]. ",
                failed.join(", ")
            );
            (status, Some(reason))
        }
    };
    world.stack_event(stack, status, reason);
    None
}

/// Nothing more is deleted: what is to be kept is not known.
pub fn fail(world: &mut World, stack: &str, why: String) {
    let rollback = world
        .stacks
        .get(stack)
        .is_some_and(|stack| stack.status == StackStatus::RollbackInProgress);
    let status = if rollback {
        StackStatus::RollbackFailed
    } else {
        StackStatus::DeleteFailed
    };
    world.stack_event(stack, status, Some(why));
}

fn over(world: &World, stack: &str) -> usize {
    world
        .resources_of(stack)
        .iter()
        .filter(|resource| resource.step == Step::Over)
        .count()
}

fn in_progress(resource: &Resource) -> bool {
    resource.status == ResourceStatus::DeleteInProgress
}

/// A resource's turn comes when nothing that depends on it is there any more.
fn begin(world: &mut World, stack: &str, logical_id: &str, template: &Template) {
    let key = resource_key(stack, logical_id);
    let Some(resource) = world.resources.get(&key) else {
        return;
    };
    let needed = |other: &&Resource| {
        other.depends_on.iter().any(|first| first == logical_id)
            && (other.step != Step::Over || other.status == ResourceStatus::DeleteFailed)
    };
    if resource.step != Step::Idle
        || in_progress(resource)
        || world.resources_of(stack).iter().any(needed)
    {
        return;
    }
    let created = resource.status == ResourceStatus::CreateComplete;
    let there = resource.physical_id.is_some();
    let policy = template
        .resources
        .get(logical_id)
        .map_or(DeletionPolicy::Delete, |definition| {
            definition.deletion_policy
        });
    let rollback = world
        .stacks
        .get(stack)
        .is_some_and(|stack| stack.status == StackStatus::RollbackInProgress);
    let kept = match policy {
        DeletionPolicy::Delete => false,
        DeletionPolicy::Retain => created,
        DeletionPolicy::RetainExceptOnCreate => created && !rollback,
    };
    let now = world.now;
    let (step, status) = match (there, kept) {
        (true, true) => (Step::Over, ResourceStatus::DeleteSkipped),
        (true, false) => (Step::Begun, ResourceStatus::DeleteInProgress),
        (false, _) => (Step::Over, ResourceStatus::DeleteComplete),
    };
    if let Some(resource) = world.resources.get_mut(&key) {
        resource.step = step;
        resource.began = now;
        resource.due = now + durations::TO_REQUEST;
    }
    world.resource_event(stack, logical_id, status, None);
}

/// The service is asked; a refusal that may pass is waited out for a while.
fn ask(world: &mut World, stack: &str, logical_id: &str) -> Option<Timestamp> {
    let key = resource_key(stack, logical_id);
    let resource = world.resources.get(&key)?.clone();
    if !in_progress(&resource) || resource.step != Step::Begun {
        return None;
    }
    if resource.due > world.now {
        return Some(resource.due);
    }
    let kind = types::find(&resource.kind)?;
    let now = world.now;
    match world.attempt(|world| (kind.delete)(world, &resource)) {
        Ok(()) => {
            let found = world.resources.get_mut(&key)?;
            found.step = Step::Asked;
            found.due = now + durations::deletion(&resource.kind);
            Some(found.due)
        }
        Err(error) if may_pass(&error) && now < resource.began + durations::PATIENCE => {
            let found = world.resources.get_mut(&key)?;
            found.due = now + durations::RETRY;
            Some(found.due)
        }
        Err(error) => {
            let reason = create::refusal(world, &resource.kind, &error);
            world.resources.get_mut(&key)?.step = Step::Over;
            world.resource_event(
                stack,
                logical_id,
                ResourceStatus::DeleteFailed,
                Some(reason),
            );
            None
        }
    }
}

/// Whether what is in the way may go away by itself.
fn may_pass(error: &AwsError) -> bool {
    matches!(
        error.code.as_ref(),
        "DependencyViolation" | "FileSystemInUse" | "IncorrectFileSystemLifeCycleState"
    )
}

/// Whether it is gone.
fn await_it(world: &mut World, stack: &str, logical_id: &str) -> Option<Timestamp> {
    let key = resource_key(stack, logical_id);
    let resource = world.resources.get(&key)?;
    if !in_progress(resource) || resource.step != Step::Asked {
        return None;
    }
    if resource.due > world.now {
        return Some(resource.due);
    }
    let gone = types::find(&resource.kind).is_none_or(|kind| (kind.gone)(world, resource));
    if gone {
        world.resources.get_mut(&key)?.step = Step::Over;
        world.resource_event(stack, logical_id, ResourceStatus::DeleteComplete, None);
    }
    None
}
