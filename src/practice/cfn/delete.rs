//! How a deletion or a rollback gets on: resources that nothing depends on any more are deleted, and awaited.

use jiff::Timestamp;

use super::next::Next;
use super::template::{DeletionPolicy, Template};
use super::{changes, create, durations, permissions, types};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::stacks::{Resource, ResourceStatus, StackStatus, Step, Whereabouts};

/// Brings a deletion as far as it can get by now. Answers when the next thing is due.
pub fn advance(world: &mut World, stack: &str, template: &Template) -> Option<Timestamp> {
    let mut next = Next::default();
    for place in [Whereabouts::LeftOver, Whereabouts::Stack] {
        sweep(world, stack, place, Some(template), &mut next);
    }
    let places = [Whereabouts::LeftOver, Whereabouts::Stack];
    let resources: Vec<&Resource> = places
        .into_iter()
        .flat_map(|place| place.of(world, stack))
        .map(|(_, resource)| resource)
        .collect();
    if resources.iter().any(|resource| in_progress(resource)) {
        return next.0;
    }
    let failed = failed(&resources);
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
    if status == StackStatus::DeleteComplete {
        changes::forget(world, stack);
    }
    world.stack_event(stack, status, reason);
    None
}

/// Deletes what an update has left over, as far as that can get by now. `None`: all of it is over.
pub fn advance_left_over(world: &mut World, stack: &str) -> Option<Next> {
    let mut next = Next::default();
    sweep(world, stack, Whereabouts::LeftOver, None, &mut next);
    let left = Whereabouts::LeftOver.of(world, stack);
    let runs = left.iter().any(|(_, resource)| in_progress(resource));
    runs.then_some(next)
}

/// Brings the deletion of resources in one place as far as it can get by now; without a template none is kept.
fn sweep(
    world: &mut World,
    stack: &str,
    place: Whereabouts,
    template: Option<&Template>,
    next: &mut Next,
) {
    loop {
        let before = over(world, stack, place);
        let keys: Vec<String> = place
            .of(world, stack)
            .into_iter()
            .map(|(key, _)| key.clone())
            .collect();
        *next = Next::default();
        for key in &keys {
            begin(world, place, key, template);
            let dues = [
                ask(world, place, key, template),
                await_it(world, place, key),
            ];
            for due in dues.into_iter().flatten() {
                next.at(due);
            }
        }
        // What is gone now may let others go.
        if over(world, stack, place) == before {
            return;
        }
    }
}

/// Logical ids of those that could not be deleted.
pub fn failed<'a>(resources: &[&'a Resource]) -> Vec<&'a str> {
    resources
        .iter()
        .filter(|resource| resource.status == ResourceStatus::DeleteFailed)
        .map(|resource| resource.logical_id.as_str())
        .collect()
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

fn over(world: &World, stack: &str, place: Whereabouts) -> usize {
    place
        .of(world, stack)
        .iter()
        .filter(|(_, resource)| resource.step == Step::Over)
        .count()
}

fn in_progress(resource: &Resource) -> bool {
    resource.status == ResourceStatus::DeleteInProgress
}

/// A resource's turn comes when nothing that depends on it is there any more.
fn begin(world: &mut World, place: Whereabouts, key: &str, template: Option<&Template>) {
    let Some(resource) = place.table(world).get(key) else {
        return;
    };
    let needed = |(_, other): &(&String, &Resource)| {
        // What an update leaves over is tried in any case: it will not be tried again.
        let stays = place == Whereabouts::Stack && other.status == ResourceStatus::DeleteFailed;
        other.depends_on.contains(&resource.logical_id) && (other.step != Step::Over || stays)
    };
    if resource.step != Step::Idle
        || in_progress(resource)
        || place.of(world, &resource.stack).iter().any(needed)
    {
        return;
    }
    let created = matches!(
        resource.status,
        ResourceStatus::CreateComplete
            | ResourceStatus::UpdateComplete
            | ResourceStatus::UpdateFailed
    );
    let there = resource.physical_id.is_some();
    let policy = template
        .and_then(|template| template.resources.get(&resource.logical_id))
        .map_or(DeletionPolicy::Delete, |definition| {
            definition.deletion_policy
        });
    let rollback = world
        .stacks
        .get(&resource.stack)
        .is_some_and(|stack| stack.status == StackStatus::RollbackInProgress);
    let kept = place == Whereabouts::Stack && created && policy.keeps(rollback);
    let now = world.now;
    let (step, status) = match (there, kept) {
        (true, true) => (Step::Over, ResourceStatus::DeleteSkipped),
        (true, false) => (Step::Begun, ResourceStatus::DeleteInProgress),
        (false, _) => (Step::Over, ResourceStatus::DeleteComplete),
    };
    if let Some(resource) = place.table_mut(world).get_mut(key) {
        resource.step = step;
        resource.began = now;
        resource.due = now + durations::TO_REQUEST;
    }
    world.event_of(place, key, status, None);
}

/// The service is asked; a refusal that may pass is waited out for a while.
fn ask(
    world: &mut World,
    place: Whereabouts,
    key: &str,
    template: Option<&Template>,
) -> Option<Timestamp> {
    let resource = place.table(world).get(key)?.clone();
    if !in_progress(&resource) || resource.step != Step::Begun {
        return None;
    }
    if resource.due > world.now {
        return Some(resource.due);
    }
    let kind = types::find(&resource.kind)?;
    let now = world.now;
    let definition = template.and_then(|template| template.resources.get(&resource.logical_id));
    let snapshot = place == Whereabouts::Stack
        && definition.is_some_and(|one| one.deletion_policy == DeletionPolicy::Snapshot);
    let delete = |world: &mut World| {
        permissions::may_delete(world, &resource)?;
        if snapshot {
            types::keep_snapshot(world, &resource)?;
        }
        (kind.delete)(world, &resource)
    };
    match world.attempt(delete) {
        Ok(()) => {
            let found = place.table_mut(world).get_mut(key)?;
            found.step = Step::Asked;
            found.due = now + durations::deletion(&resource.kind);
            Some(found.due)
        }
        Err(error) if may_pass(&error) && now < resource.began + durations::PATIENCE => {
            let found = place.table_mut(world).get_mut(key)?;
            found.due = now + durations::RETRY;
            Some(found.due)
        }
        Err(error) => {
            let reason = create::refusal(world, &resource.kind, &error);
            place.table_mut(world).get_mut(key)?.step = Step::Over;
            world.event_of(place, key, ResourceStatus::DeleteFailed, Some(reason));
            None
        }
    }
}

/// Whether what is in the way may go away by itself.
fn may_pass(error: &AwsError) -> bool {
    matches!(
        error.code.as_ref(),
        "DependencyViolation"
            | "FileSystemInUse"
            | "IncorrectFileSystemLifeCycleState"
            | "IncorrectState"
            | "SnapshotCreationPerVolumeRateExceeded"
            | "VolumeInUse"
    )
}

/// Whether it is gone.
fn await_it(world: &mut World, place: Whereabouts, key: &str) -> Option<Timestamp> {
    let resource = place.table(world).get(key)?;
    if !in_progress(resource) || resource.step != Step::Asked {
        return None;
    }
    if resource.due > world.now {
        return Some(resource.due);
    }
    let gone = types::find(&resource.kind).is_none_or(|kind| (kind.gone)(world, resource));
    if gone {
        place.table_mut(world).get_mut(key)?.step = Step::Over;
        world.event_of(place, key, ResourceStatus::DeleteComplete, None);
    }
    None
}
