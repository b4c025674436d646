//! How a stack's creation gets on: resources whose dependencies are there are begun, made, and awaited.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::document::scalar;
use super::live::Live;
use super::schema::Properties;
use super::template::Template;
use super::types::{self, Request, Settled};
use super::{durations, signals, start};
use crate::practice::error::AwsError;
use crate::practice::world::stacks::{
    OnFailure, Output, ResourceStatus, StackStatus, Step, resource_key,
};
use crate::practice::world::{Tags, World};

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

/// The earliest of some times.
#[derive(Default)]
struct Next(Option<Timestamp>);

impl Next {
    fn at(&mut self, time: Timestamp) {
        self.0 = Some(self.0.map_or(time, |next| next.min(time)));
    }
}

fn logical_ids(world: &World, stack: &str) -> Vec<String> {
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
    let now = world.now;
    if let Some(resource) = world.resources.get_mut(&key) {
        resource.step = Step::Begun;
        resource.began = now;
        resource.due = now + durations::TO_REQUEST;
    }
    world.resource_event(stack, logical_id, ResourceStatus::CreateInProgress, None);
}

/// The service is asked.
fn make(world: &mut World, stack: &str, logical_id: &str, template: &Template, next: &mut Next) {
    let key = resource_key(stack, logical_id);
    let Some(resource) = world.resources.get(&key) else {
        return;
    };
    if resource.status != ResourceStatus::CreateInProgress || resource.step != Step::Begun {
        return;
    }
    if resource.due > world.now {
        next.at(resource.due);
        return;
    }
    let kind = resource.kind.clone();
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
                ResourceStatus::CreateInProgress,
                Some("Resource creation Initiated".into()),
            );
        }
        Err(error) => {
            let reason = refusal(world, &kind, &error);
            world.resource_event(
                stack,
                logical_id,
                ResourceStatus::CreateFailed,
                Some(reason),
            );
        }
    }
}

fn ask(
    world: &mut World,
    stack: &str,
    logical_id: &str,
    template: &Template,
) -> Result<String, AwsError> {
    let found = world
        .stacks
        .get(stack)
        .cloned()
        .ok_or_else(|| AwsError::internal("the stack has no record"))?;
    let definition = template
        .resources
        .get(logical_id)
        .ok_or_else(|| AwsError::internal("the template has no such resource"))?;
    let kind = types::find(&definition.kind)
        .ok_or_else(|| AwsError::internal("the resource type is unknown"))?;
    let live = Live::new(world, &found, template).map_err(AwsError::validation)?;
    let resolve = |value| live.evaluate(value).map_err(AwsError::validation);
    let properties = resolve(&definition.properties)?.unwrap_or_default();
    let signals_wanted = match &definition.signals {
        None => None,
        Some((count, timeout)) => Some(signals::wanted(
            resolve(count)?.as_ref().and_then(scalar),
            resolve(timeout)?.as_ref().and_then(scalar),
        )?),
    };
    // Functions have values now that the first check could not know.
    let problems = super::schema::problems(kind.properties, &properties);
    if !problems.is_empty() {
        return Err(AwsError::validation(format!(
            "Properties validation failed for resource {logical_id} with message:\n{}",
            problems.join("\n")
        )));
    }
    let mut tags = found.tags.clone();
    tags.extend(own_tags(&properties));
    tags.extend([
        ("aws:cloudformation:stack-name".into(), found.name.clone()),
        ("aws:cloudformation:stack-id".into(), found.id.clone()),
        (
            "aws:cloudformation:logical-id".into(),
            logical_id.to_owned(),
        ),
    ]);
    let physical_id = (kind.create)(
        world,
        &Request {
            properties: Properties::new(&properties),
            tags,
            stack: &found.id,
            stack_name: &found.name,
            logical_id,
        },
    )?;
    if let Some(resource) = world.resources.get_mut(&resource_key(stack, logical_id)) {
        resource.properties = properties;
        resource.signals_wanted = signals_wanted;
    }
    Ok(physical_id)
}

fn own_tags(properties: &Value) -> Tags {
    let properties = Properties::new(properties);
    ["Tags", "FileSystemTags"]
        .into_iter()
        .flat_map(|name| properties.objects(name))
        .map(|tag| (tag.needed("Key"), tag.needed("Value")))
        .collect()
}

/// A service's refusal in the words of a stack event.
pub fn refusal(world: &mut World, kind: &str, error: &AwsError) -> String {
    let service = match kind {
        kind if kind.starts_with("AWS::EC2::") => "Ec2",
        kind if kind.starts_with("AWS::EFS::") => "Efs",
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
fn await_it(world: &mut World, stack: &str, logical_id: &str, next: &mut Next) {
    let Some(resource) = world.resources.get(&resource_key(stack, logical_id)) else {
        return;
    };
    if resource.status != ResourceStatus::CreateInProgress || resource.step != Step::Asked {
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
        Settled::Yes => {
            world.resource_event(stack, logical_id, ResourceStatus::CreateComplete, None);
        }
        Settled::NotYet(Some(at)) => next.at(at),
        Settled::NotYet(None) => {}
        Settled::Failed(reason) => {
            world.resource_event(
                stack,
                logical_id,
                ResourceStatus::CreateFailed,
                Some(reason),
            );
        }
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
    world.stack_event(stack, status, Some(reason));
}

/// Everything is there: the outputs can be said.
fn finish(world: &mut World, stack: &str, template: &Template) {
    match outputs(world, stack, template) {
        Ok(outputs) => {
            if let Some(stack) = world.stacks.get_mut(stack) {
                stack.outputs = outputs;
            }
            world.stack_event(stack, StackStatus::CreateComplete, None);
        }
        Err(reason) => fail(world, stack, Some(&reason)),
    }
}

fn outputs(world: &World, stack: &str, template: &Template) -> Result<Vec<Output>, String> {
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
