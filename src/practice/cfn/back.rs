//! How an update is rolled back: what was changed is changed back, what was replaced is what it was.
//!
//! What was made meanwhile stays until everything else is done; that is `cleanup`.

use jiff::Timestamp;

use super::forward::{self, leave};
use super::next::Next;
use super::template::{DeletionPolicy, Template};
use super::types::Progress;
use super::{changes, create, durations, modify, start, update, wanted};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::stacks::change_sets::Execution;
use crate::practice::world::stacks::updates::{How, Part};
use crate::practice::world::stacks::{Resource, ResourceStatus, StackStatus, Step, resource_key};

/// Begins to roll an update back.
pub fn begin(world: &mut World, stack: &str, why: &str) {
    start::cancel(world, stack);
    for key in update::keys(world, stack) {
        if let Some(resource) = world.resources.get_mut(&key) {
            resource.step = match resource.change() {
                Some(_) => Step::Idle,
                None => Step::Over,
            };
        }
    }
    changes::executed(world, stack, Execution::Failed);
    world.stack_event(
        stack,
        StackStatus::UpdateRollbackInProgress,
        Some(why.to_owned()),
    );
}

/// Brings a rollback as far as it can get by now; without a template nothing that was made is kept. Answers when the
/// next thing is due.
pub fn advance(world: &mut World, stack: &str, template: Option<&Template>) -> Option<Timestamp> {
    let next = loop {
        let before = forward::over(world, stack);
        let mut next = Next::default();
        for logical_id in create::logical_ids(world, stack) {
            take_up(world, stack, &logical_id);
            undo(world, stack, &logical_id, &mut next);
        }
        // What is done now may let others begin.
        if forward::over(world, stack) == before {
            break next;
        }
    };
    let resources = world.resources_of(stack);
    if resources
        .iter()
        .any(|one| one.status == ResourceStatus::UpdateInProgress)
    {
        return next.0;
    }
    let failed: Vec<&str> = resources
        .iter()
        .filter(|one| one.step == Step::Over && one.change().is_some())
        .filter(|one| one.status == ResourceStatus::UpdateFailed)
        .map(|one| one.logical_id.as_str())
        .collect();
    if failed.is_empty() {
        finish(world, stack, template);
    } else {
        let reason = format!(
            "The following resource(s) failed to update: [{}]. ",
            failed.join(", ")
        );
        world.stack_event(stack, StackStatus::UpdateRollbackFailed, Some(reason));
    }
    None
}

/// A resource's turn comes when everything it depended on is what it was.
fn take_up(world: &mut World, stack: &str, logical_id: &str) {
    let key = resource_key(stack, logical_id);
    let Some(resource) = world.resources.get(&key) else {
        return;
    };
    let is_done = |first: &String| {
        let first = world.resources.get(&resource_key(stack, first));
        first.is_none_or(|first| {
            first.step == Step::Over && (first.change().is_none() || !first.status.is_failure())
        })
    };
    let free = resource
        .before()
        .is_some_and(|before| before.depends_on.iter().all(is_done));
    if resource.step != Step::Idle || !free {
        return;
    }
    create::take_up(world, &key);
    world.resource_event(stack, logical_id, ResourceStatus::UpdateInProgress, None);
}

fn undo(world: &mut World, stack: &str, logical_id: &str, next: &mut Next) {
    let key = resource_key(stack, logical_id);
    let Some(resource) = world.resources.get(&key).cloned() else {
        return;
    };
    let (Some(how), Some(before)) = (resource.change(), resource.before().cloned()) else {
        return;
    };
    if resource.status != ResourceStatus::UpdateInProgress {
        return;
    }
    if resource.due > world.now {
        next.at(resource.due);
        return;
    }
    match (resource.step, how) {
        (Step::Idle | Step::Over, _) => {}
        (Step::Asked, _) => {
            if let Some(found) = world.resources.get_mut(&key) {
                found.step = Step::Over;
            }
            world.resource_event(stack, logical_id, ResourceStatus::UpdateComplete, None);
        }
        (_, How::Replaced) => {
            if resource.physical_id != before.physical_id {
                leave(world, resource, false);
            }
            let due = world.now + durations::TO_REQUEST;
            if let Some(found) = world.resources.get_mut(&key) {
                found.set_state(before);
                found.step = Step::Asked;
                found.due = due;
            }
            next.at(due);
        }
        (_, How::InPlace) => match world.attempt(|world| change_back(world, &resource)) {
            Ok(progress) => {
                let now = world.now;
                if let Some(found) = world.resources.get_mut(&key) {
                    found.step = Step::Changing;
                    if progress == Progress::Done {
                        found.step = Step::Asked;
                        found.due = now + durations::change(&found.kind);
                        found.set_state(before);
                        next.at(found.due);
                    }
                }
            }
            Err(error) => {
                let reason = create::refusal(world, &resource.kind, &error);
                if let Some(found) = world.resources.get_mut(&key) {
                    found.step = Step::Over;
                }
                world.resource_event(
                    stack,
                    logical_id,
                    ResourceStatus::UpdateFailed,
                    Some(reason),
                );
            }
        },
    }
}

fn change_back(world: &mut World, resource: &Resource) -> Result<Progress, AwsError> {
    let (Some(stack), Some(before)) = (world.stacks.get(&resource.stack), resource.before()) else {
        return Ok(Progress::Done);
    };
    let Some(update) = &stack.update else {
        return Ok(Progress::Done);
    };
    let tags =
        |of_stack, properties| wanted::tags(of_stack, stack, &resource.logical_id, properties);
    let now = tags(&stack.tags, &resource.properties);
    let then = tags(&update.before.tags, &before.properties);
    modify::in_place(world, resource, &before.properties, (&now, &then))
}

/// Everything is what it was; what was made meanwhile can go.
fn finish(world: &mut World, stack: &str, template: Option<&Template>) {
    if let Some(found) = world.stacks.get_mut(stack)
        && let Some(update) = found.update.take()
    {
        found.set_version(update.before);
    }
    world.stack_event(
        stack,
        StackStatus::UpdateRollbackCompleteCleanupInProgress,
        None,
    );
    for key in update::keys(world, stack) {
        let Some(resource) = world.resources.get_mut(&key) else {
            continue;
        };
        match resource.part.take() {
            Some(Part::Kept { before, .. }) => resource.depends_on = before.depends_on,
            Some(Part::Added) => {
                let policy = template.and_then(|one| one.resources.get(&resource.logical_id));
                let policy = policy.map_or(DeletionPolicy::Delete, |one| one.deletion_policy);
                let kept = policy.keeps(true) && resource.status == ResourceStatus::CreateComplete;
                let begun = resource.status != ResourceStatus::Waiting;
                let gone = world.resources.remove(&key).filter(|_| begun);
                if let Some(gone) = gone {
                    leave(world, gone, kept);
                }
            }
            Some(Part::Removed) | None => {}
        }
    }
}
