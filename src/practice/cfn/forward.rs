//! How an update gets on: what is new is made, what differs is changed or replaced, each after what it depends on.
//!
//! What is not needed any more stays until everything else is done; that is `cleanup`.

use jiff::Timestamp;

use super::create;
use super::next::Next;
use super::template::{DeletionPolicy, Template};
use super::types::Progress;
use super::wanted::{self, Wanted};
use super::{back, changes, diff, durations, modify, types};
use crate::practice::error::AwsError;
use crate::practice::world::stacks::change_sets::Execution;
use crate::practice::world::stacks::updates::{How, Part};
use crate::practice::world::stacks::{
    Resource, ResourceStatus, StackStatus, Step, Whereabouts, resource_key,
};
use crate::practice::world::{Tags, World};

/// Brings an update as far as it can get by now. Answers when the next thing is due.
pub fn advance(world: &mut World, stack: &str, template: &Template) -> Option<Timestamp> {
    let next = loop {
        let before = over(world, stack);
        let mut next = Next::default();
        for logical_id in create::logical_ids(world, stack) {
            begin(world, stack, &logical_id, template);
            create::make(world, stack, &logical_id, template, &mut next);
            create::await_it(world, stack, &logical_id, &mut next);
            change(world, stack, &logical_id, template, &mut next);
        }
        let failed = world.resources_of(stack).iter().any(|one| failed(one));
        // What is done now may let others begin.
        if failed || over(world, stack) == before {
            break next;
        }
    };
    let resources = world.resources_of(stack);
    if resources.iter().any(|one| failed(one)) {
        fail(world, stack, None);
        return None;
    }
    if resources.iter().all(|one| one.step == Step::Over) {
        finish(world, stack, template);
        return None;
    }
    next.0
}

/// How many resources of a stack the running operation is through with.
pub fn over(world: &World, stack: &str) -> usize {
    let resources = world.resources_of(stack);
    resources
        .iter()
        .filter(|one| one.step == Step::Over)
        .count()
}

/// Whether the update of a resource has failed. What failed in an earlier operation does not count.
fn failed(resource: &Resource) -> bool {
    let taken_part = match resource.part {
        Some(Part::Added) => true,
        Some(Part::Kept { change, .. }) => change.is_some(),
        _ => false,
    };
    taken_part && resource.status.is_failure()
}

/// A resource's turn comes when everything it depends on is as it is to be.
fn begin(world: &mut World, stack: &str, logical_id: &str, template: &Template) {
    let key = resource_key(stack, logical_id);
    let Some(resource) = world.resources.get(&key) else {
        return;
    };
    let is_done = |first: &String| {
        let first = world.resources.get(&resource_key(stack, first));
        first.is_some_and(|first| first.step == Step::Over)
    };
    if resource.step != Step::Idle || !resource.depends_on.iter().all(is_done) {
        return;
    }
    let added = resource.part == Some(Part::Added);
    if added {
        create::take_up(world, &key);
        world.resource_event(stack, logical_id, ResourceStatus::CreateInProgress, None);
        return;
    }
    match look(world, stack, logical_id, template) {
        Ok(None) => {
            if let Some(resource) = world.resources.get_mut(&key) {
                resource.step = Step::Over;
            }
        }
        Ok(Some(how)) => {
            create::take_up(world, &key);
            set_change(world, &key, how);
            let reason = (how == How::Replaced).then(|| {
                "Requested update requires the creation of a new physical resource; hence creating one."
                    .to_owned()
            });
            world.resource_event(stack, logical_id, ResourceStatus::UpdateInProgress, reason);
            if how == How::Replaced
                && let Some(name) = keeps_name(world, stack, logical_id, template)
            {
                refuse(
                    world,
                    stack,
                    logical_id,
                    format!(
                        "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and update the stack again."
                    ),
                );
            }
        }
        Err(error) => {
            set_change(world, &key, How::InPlace);
            refuse(world, stack, logical_id, error.message);
        }
    }
}

fn set_change(world: &mut World, key: &str, how: How) {
    let part = world
        .resources
        .get_mut(key)
        .and_then(|one| one.part.as_mut());
    if let Some(Part::Kept { change, .. }) = part {
        *change = Some(how);
    }
}

/// What is to be done with a resource that is in both templates, if anything.
fn look(
    world: &World,
    stack: &str,
    logical_id: &str,
    template: &Template,
) -> Result<Option<How>, AwsError> {
    let Some(resource) = world.resources.get(&resource_key(stack, logical_id)) else {
        return Ok(None);
    };
    let wanted = Wanted::of(world, stack, logical_id, template)?;
    let changed = diff::changed(wanted.kind, &resource.properties, &wanted.properties);
    let replaces = changed.iter().any(|property| {
        let of = |properties: &serde_json::Value| properties.get(property.name).cloned();
        let (before, after) = (of(&resource.properties), of(&wanted.properties));
        property.update.replaces(before.as_ref(), after.as_ref())
    });
    if replaces {
        return Ok(Some(How::Replaced));
    }
    let tagged = wanted.kind.tags.is_some() && tags_before(world, resource) != wanted.tags;
    Ok((tagged || !changed.is_empty()).then_some(How::InPlace))
}

/// The tags that a resource was given last.
fn tags_before(world: &World, resource: &Resource) -> Tags {
    let Some(stack) = world.stacks.get(&resource.stack) else {
        return Tags::new();
    };
    let of_stack = match &stack.update {
        Some(update) => &update.before.tags,
        None => &stack.tags,
    };
    wanted::tags(of_stack, stack, &resource.logical_id, &resource.properties)
}

/// The name of its own that a resource would have to share with the one that replaces it.
fn keeps_name(world: &World, stack: &str, logical_id: &str, template: &Template) -> Option<String> {
    let resource = world.resources.get(&resource_key(stack, logical_id))?;
    let wanted = Wanted::of(world, stack, logical_id, template).ok()?;
    let named = wanted
        .kind
        .properties
        .iter()
        .find(|property| property.is_name)?;
    let before = resource.properties.get(named.name)?;
    let after = wanted.properties.get(named.name)?;
    diff::same(named.name, Some(before), Some(after))
        .then(|| super::document::scalar(after))
        .flatten()
}

fn refuse(world: &mut World, stack: &str, logical_id: &str, reason: String) {
    if let Some(resource) = world.resources.get_mut(&resource_key(stack, logical_id)) {
        resource.step = Step::Over;
    }
    world.resource_event(
        stack,
        logical_id,
        ResourceStatus::UpdateFailed,
        Some(reason),
    );
}

/// A change in place, from the request to its end.
fn change(world: &mut World, stack: &str, logical_id: &str, template: &Template, next: &mut Next) {
    let key = resource_key(stack, logical_id);
    let Some(resource) = world.resources.get(&key).cloned() else {
        return;
    };
    if resource.status != ResourceStatus::UpdateInProgress
        || resource.change() != Some(How::InPlace)
    {
        return;
    }
    if resource.due > world.now {
        next.at(resource.due);
        return;
    }
    match resource.step {
        Step::Idle | Step::Over => {}
        Step::Asked => {
            if let Some(resource) = world.resources.get_mut(&key) {
                resource.step = Step::Over;
            }
            world.resource_event(stack, logical_id, ResourceStatus::UpdateComplete, None);
        }
        Step::Begun | Step::Changing => {
            let before = tags_before(world, &resource);
            let done = Wanted::of(world, stack, logical_id, template).and_then(|wanted| {
                let tags = (&before, &wanted.tags);
                let progress = world.attempt(|world| {
                    modify::in_place(world, &resource, &wanted.properties, tags)
                })?;
                Ok((progress, wanted.properties))
            });
            let now = world.now;
            match done {
                Ok((progress, properties)) => {
                    if let Some(found) = world.resources.get_mut(&key) {
                        found.step = Step::Changing;
                        if progress == Progress::Done {
                            found.step = Step::Asked;
                            found.properties = properties;
                            found.due = now + durations::change(&found.kind);
                            next.at(found.due);
                        }
                    }
                }
                Err(error) => {
                    let reason = create::refusal(world, &resource.kind, &error);
                    refuse(world, stack, logical_id, reason);
                }
            }
        }
    }
}

/// Nothing more is changed: it is changed back, or left as it is.
pub fn fail(world: &mut World, stack: &str, why: Option<String>) {
    let of = |status: ResourceStatus| {
        let resources = world.resources_of(stack);
        let ids: Vec<&str> = resources
            .iter()
            .filter(|one| failed(one) && one.status == status)
            .map(|one| one.logical_id.as_str())
            .collect();
        ids.join(", ")
    };
    let said = |ids: &str, what: &str| {
        (!ids.is_empty()).then(|| format!("The following resource(s) failed to {what}: [{ids}]. "))
    };
    let reason = why.unwrap_or_else(|| {
        let created = said(&of(ResourceStatus::CreateFailed), "create");
        let updated = said(&of(ResourceStatus::UpdateFailed), "update");
        created.into_iter().chain(updated).collect()
    });
    let keep = world
        .stacks
        .get(stack)
        .and_then(|stack| stack.update.as_ref())
        .is_some_and(|update| update.keep_failures);
    if keep {
        super::start::cancel(world, stack);
        changes::executed(world, stack, Execution::Failed);
        world.stack_event(stack, StackStatus::UpdateFailed, Some(reason));
    } else {
        back::begin(world, stack, &reason);
    }
}

/// Everything is as it is to be: the outputs can be said, and what is not needed any more can go.
fn finish(world: &mut World, stack: &str, template: &Template) {
    let outputs = match create::outputs(world, stack, template) {
        Ok(outputs) => outputs,
        Err(why) => return fail(world, stack, Some(why)),
    };
    let Some(found) = world.stacks.get_mut(stack) else {
        return;
    };
    found.outputs = outputs;
    let old = found.update.take();
    changes::executed(world, stack, Execution::Complete);
    world.stack_event(stack, StackStatus::UpdateCompleteCleanupInProgress, None);
    let old = old.and_then(|update| Template::parse(&update.before.template).ok());
    for key in super::update::keys(world, stack) {
        let Some(resource) = world.resources.get_mut(&key) else {
            continue;
        };
        let part = resource.part.take();
        match part {
            Some(Part::Kept { before, .. }) if before.physical_id != resource.physical_id => {
                let mut gone = resource.clone();
                gone.set_state(*before);
                let policy = template.resources.get(&gone.logical_id);
                let policy = policy.map_or(DeletionPolicy::Delete, |one| one.replace_policy);
                leave(world, gone, policy.keeps(false));
            }
            Some(Part::Removed) => {
                let old = old
                    .as_ref()
                    .and_then(|old| old.resources.get(&resource.logical_id));
                let policy = old.map_or(DeletionPolicy::Delete, |one| one.deletion_policy);
                if let Some(gone) = world.resources.remove(&key) {
                    // What cannot be kept as a snapshot is kept itself.
                    let lost = policy == DeletionPolicy::Snapshot
                        && types::keep_snapshot(world, &gone).is_err();
                    leave(world, gone, policy.keeps(false) || lost);
                }
            }
            _ => {}
        }
    }
}

/// A resource leaves the stack: to be deleted, or to stay by itself.
pub fn leave(world: &mut World, mut resource: Resource, kept: bool) {
    resource.part = None;
    resource.step = Step::Idle;
    let key = world.leave_over(resource);
    if kept {
        world.event_of(
            Whereabouts::LeftOver,
            &key,
            ResourceStatus::DeleteSkipped,
            None,
        );
        world.left_over.remove(&key);
    }
}
