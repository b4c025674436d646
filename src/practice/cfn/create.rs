//! How a stack's creation gets on: resources whose dependencies are there are begun, made, and awaited.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::document::scalar;
use super::live::Live;
use super::next::Next;
use super::schema::Properties;
use super::template::Template;
use super::types::{self, Request, Settled};
use super::wanted::Wanted;
use super::{changes, durations, permissions, signals, start};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::stacks::change_sets::Execution;
use crate::practice::world::stacks::updates::How;
use crate::practice::world::stacks::{
    OnFailure, Output, Resource, ResourceStatus, StackStatus, Step, resource_key,
};

/// Brings a creation as far as it can get by now. Answers when the next thing is due.
pub fn advance(world: &mut World, stack: &str, template: &Template) -> Option<Timestamp> {
    let mut next = Next::default();
    for logical_id in logical_ids(world, stack) {
        begin(world, stack, &logical_id);
        make(world, stack, &logical_id, template, &mut next);
        await_it(world, stack, &logical_id, &mut next);
    }
    let resources = world.resources_of(stack);
    let failed = resources
        .iter()
        .any(|resource| resource.status == ResourceStatus::CreateFailed);
    let complete = resources
        .iter()
        .all(|resource| resource.status == ResourceStatus::CreateComplete);
    // What has just been completed may let others begin.
    let more = resources.iter().any(|resource| {
        resource.status == ResourceStatus::Waiting && is_free(world, stack, &resource.depends_on)
    });
    if failed {
        fail(world, stack, None);
        return None;
    }
    if complete {
        finish(world, stack, template);
        return None;
    }
    if more {
        return advance(world, stack, template);
    }
    let found = world.stacks.get(stack)?;
    if let Some(minutes) = found.timeout_minutes {
        let until = found.created + SignedDuration::from_mins(i64::from(minutes));
        if world.now >= until {
            start::cancel(world, stack);
            fail(
                world,
                stack,
                Some("Stack creation time exceeded the specified timeout."),
            );
            return None;
        }
        next.at(until);
    }
    next.0
}

/// Logical ids of a stack, in their order.
pub fn logical_ids(world: &World, stack: &str) -> Vec<String> {
    world
        .resources_of(stack)
        .into_iter()
        .map(|resource| resource.logical_id.clone())
        .collect()
}

fn is_free(world: &World, stack: &str, depends_on: &[String]) -> bool {
    depends_on.iter().all(|first| {
        world
            .resources
            .get(&resource_key(stack, first))
            .is_some_and(|first| first.status == ResourceStatus::CreateComplete)
    })
}

/// A resource's turn comes when everything it depends on is there.
fn begin(world: &mut World, stack: &str, logical_id: &str) {
    let key = resource_key(stack, logical_id);
    let free = world.resources.get(&key).is_some_and(|resource| {
        resource.status == ResourceStatus::Waiting && is_free(world, stack, &resource.depends_on)
    });
    if !free {
        return;
    }
    take_up(world, &key);
    world.resource_event(stack, logical_id, ResourceStatus::CreateInProgress, None);
}

/// A resource's turn has come.
pub fn take_up(world: &mut World, key: &str) {
    let now = world.now;
    if let Some(resource) = world.resources.get_mut(key) {
        resource.step = Step::Begun;
        resource.began = now;
        resource.due = now + durations::TO_REQUEST;
    }
}

/// The service is asked.
pub fn make(
    world: &mut World,
    stack: &str,
    logical_id: &str,
    template: &Template,
    next: &mut Next,
) {
    let key = resource_key(stack, logical_id);
    let Some(resource) = world.resources.get(&key) else {
        return;
    };
    if !is_made(resource) || resource.step != Step::Begun {
        return;
    }
    if resource.due > world.now {
        next.at(resource.due);
        return;
    }
    let (kind, status) = (resource.kind.clone(), resource.status);
    match world.attempt(|world| ask(world, stack, logical_id, template)) {
        Ok(physical_id) => {
            let now = world.now;
            if let Some(resource) = world.resources.get_mut(&key) {
                resource.physical_id = Some(physical_id);
                resource.step = Step::Asked;
                resource.began = now;
                resource.due = now + durations::creation(&kind);
            }
            world.resource_event(
                stack,
                logical_id,
                status,
                Some("Resource creation Initiated".into()),
            );
        }
        Err(error) => {
            let reason = refusal(world, &kind, &error);
            end(world, stack, logical_id, Err(reason));
        }
    }
}

/// Whether it is being made: for the first time, or in place of another.
fn is_made(resource: &Resource) -> bool {
    match resource.status {
        ResourceStatus::CreateInProgress => true,
        ResourceStatus::UpdateInProgress => resource.change() == Some(How::Replaced),
        _ => false,
    }
}

/// It is there, or will never be.
fn end(world: &mut World, stack: &str, logical_id: &str, result: Result<(), String>) {
    let key = resource_key(stack, logical_id);
    let Some(resource) = world.resources.get_mut(&key) else {
        return;
    };
    resource.step = Step::Over;
    let updates = resource.status == ResourceStatus::UpdateInProgress;
    let (status, reason) = match (result, updates) {
        (Ok(()), false) => (ResourceStatus::CreateComplete, None),
        (Ok(()), true) => (ResourceStatus::UpdateComplete, None),
        (Err(why), false) => (ResourceStatus::CreateFailed, Some(why)),
        (Err(why), true) => (ResourceStatus::UpdateFailed, Some(why)),
    };
    world.resource_event(stack, logical_id, status, reason);
}

/// Asks for what the template wants, and records it. Answers with the physical id.
pub fn ask(
    world: &mut World,
    stack: &str,
    logical_id: &str,
    template: &Template,
) -> Result<String, AwsError> {
    let wanted = Wanted::of(world, stack, logical_id, template)?;
    let stack_name = world
        .stacks
        .get(stack)
        .map(|stack| stack.name.clone())
        .unwrap_or_default();
    let subject = (stack, logical_id, wanted.kind.name);
    permissions::may_create(world, subject, &wanted.properties, &wanted.tags)?;
    let physical_id = (wanted.kind.create)(
        world,
        &Request {
            properties: Properties::new(&wanted.properties),
            tags: wanted.tags,
            stack,
            stack_name: &stack_name,
            logical_id,
        },
    )?;
    if let Some(resource) = world.resources.get_mut(&resource_key(stack, logical_id)) {
        resource.properties = wanted.properties;
        resource.signals_wanted = wanted.signals;
        resource.signals = BTreeMap::new();
    }
    Ok(physical_id)
}

/// A service's refusal in the words of a stack event.
pub fn refusal(world: &mut World, kind: &str, error: &AwsError) -> String {
    let service = match kind {
        kind if kind.starts_with("AWS::EC2::") => "Ec2",
        kind if kind.starts_with("AWS::EFS::") => "Efs",
        kind if kind.starts_with("AWS::IAM::") => "Iam",
        _ => return error.message.clone(),
    };
    if error.code == "ValidationError" {
        return error.message.clone();
    }
    format!(
        "{} (Service: {service}, Status Code: {}, Request ID: {}) (Error Code: {})",
        error.message,
        error.status,
        world.uuid(),
        error.code
    )
}

/// Whether it is there, and has been signalled.
pub fn await_it(world: &mut World, stack: &str, logical_id: &str, next: &mut Next) {
    let Some(resource) = world.resources.get(&resource_key(stack, logical_id)) else {
        return;
    };
    if !is_made(resource) || resource.step != Step::Asked {
        return;
    }
    if resource.due > world.now {
        next.at(resource.due);
        return;
    }
    let settled =
        types::find(&resource.kind).map_or(Settled::Yes, |kind| (kind.settled)(world, resource));
    let settled = match settled {
        Settled::Yes => signals::received(resource, world.now),
        other => other,
    };
    match settled {
        Settled::Yes => end(world, stack, logical_id, Ok(())),
        Settled::NotYet(Some(at)) => next.at(at),
        Settled::NotYet(None) => {}
        Settled::Failed(reason) => end(world, stack, logical_id, Err(reason)),
    }
}

/// Nothing more is created; what happens to the rest is as the stack was told.
pub fn fail(world: &mut World, stack: &str, why: Option<&str>) {
    start::cancel(world, stack);
    let failed: Vec<String> = world
        .resources_of(stack)
        .into_iter()
        .filter(|resource| resource.status == ResourceStatus::CreateFailed)
        .map(|resource| resource.logical_id.clone())
        .collect();
    let Some(on_failure) = world.stacks.get(stack).map(|stack| stack.on_failure) else {
        return;
    };
    let what = why.map_or_else(
        || {
            format!(
                "The following resource(s) failed to create: [{}].",
                failed.join(", ")
            )
        },
        str::to_owned,
    );
    let (status, reason) = match on_failure {
        OnFailure::DoNothing => (StackStatus::CreateFailed, what),
        OnFailure::Rollback => (
            StackStatus::RollbackInProgress,
            format!("{what} Rollback requested by user."),
        ),
        OnFailure::Delete => (
            StackStatus::DeleteInProgress,
            format!("{what} Delete requested by user."),
        ),
    };
    if status == StackStatus::DeleteInProgress {
        let now = world.now;
        if let Some(stack) = world.stacks.get_mut(stack) {
            stack.deleted = Some(now);
        }
    }
    start::rewind(world, stack);
    changes::executed(world, stack, Execution::Failed);
    world.stack_event(stack, status, Some(reason));
}

/// Everything is there: the outputs can be said.
fn finish(world: &mut World, stack: &str, template: &Template) {
    match outputs(world, stack, template) {
        Ok(outputs) => {
            if let Some(stack) = world.stacks.get_mut(stack) {
                stack.outputs = outputs;
            }
            changes::executed(world, stack, Execution::Complete);
            world.stack_event(stack, StackStatus::CreateComplete, None);
        }
        Err(reason) => fail(world, stack, Some(&reason)),
    }
}

/// The outputs as they are now.
pub fn outputs(world: &World, stack: &str, template: &Template) -> Result<Vec<Output>, String> {
    let Some(found) = world.stacks.get(stack) else {
        return Ok(Vec::new());
    };
    let live = Live::new(world, found, template)?;
    let mut outputs = Vec::new();
    for (key, definition) in &template.outputs {
        if !live.included(definition.condition.as_ref()) {
            continue;
        }
        let value = live.evaluate(&definition.value)?;
        let value = value.as_ref().and_then(scalar).ok_or_else(|| {
            "Template format error: Output values must be of type String.".to_owned()
        })?;
        outputs.push(Output {
            key: key.clone(),
            value,
            description: definition.description.clone(),
        });
    }
    Ok(outputs)
}
