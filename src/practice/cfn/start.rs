//! How stack operations begin: a request is checked as a whole, then written down. Nothing is created here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::check::{self, Checked};
use super::template::Template;
use super::{capabilities, create, permissions, update};
use crate::practice::error::AwsError;
use crate::practice::world::stacks::updates::{Part, Version};
use crate::practice::world::stacks::{
    OnFailure, Parameter, Resource, ResourceStatus, Stack, StackStatus, Step, resource_key,
};
use crate::practice::world::{Tags, World};

/// Bytes of a template given in the request ("AWS CloudFormation quotas").
pub const MAX_TEMPLATE: usize = 51_200;

/// What a stack is created with.
#[derive(Debug, Clone)]
pub struct NewStack {
    /// Name.
    pub name: String,
    /// Template text.
    pub template: String,
    /// By name.
    pub parameters: BTreeMap<String, String>,
    /// Tags.
    pub tags: Tags,
    /// Acknowledged.
    pub capabilities: Vec<String>,
    /// What to do when something cannot be created.
    pub on_failure: OnFailure,
    /// Until creation counts as failed.
    pub timeout_minutes: Option<u32>,
    /// Whether it is protected against deletion.
    pub protected: bool,
    /// Makes the request idempotent.
    pub token: Option<String>,
}

/// Begins to create a stack. Answers with its ARN.
pub fn create(world: &mut World, new: NewStack) -> Result<String, AwsError> {
    check_name(&new.name, "stackName")?;
    check_size(&new.template)?;
    if let Some(existing) = world.find_stack(&new.name) {
        if new.token.is_some() && existing.creation_token == new.token {
            return Ok(existing.id.clone());
        }
        return Err(AwsError::client(
            "AlreadyExistsException",
            format!("Stack [{}] already exists", new.name),
        ));
    }
    let id = new_id(world, &new.name);
    let checked = check::all(
        Template::parse(&new.template)?,
        &new.parameters,
        (&new.name, &id),
        world,
    )?;
    capabilities::check(&checked, &new.capabilities)?;
    let version = Version {
        template: new.template,
        description: checked.template.description.clone(),
        parameters: parameters(&checked),
        tags: new.tags,
        capabilities: new.capabilities,
    };
    let mut stack = empty(id.clone(), new.name, version, world.now);
    stack.on_failure = new.on_failure;
    stack.timeout_minutes = new.timeout_minutes;
    stack.protected = new.protected;
    stack.creation_token.clone_from(&new.token);
    world.stacks.insert(&id, stack);
    update::remember(world, &id, new.token, "CreateStack");
    add_resources(world, &id, &checked);
    world.stack_event(
        &id,
        StackStatus::CreateInProgress,
        Some("User Initiated".into()),
    );
    Ok(id)
}

/// A fresh ARN for a stack of this name.
pub fn new_id(world: &mut World, name: &str) -> String {
    let uuid = world.uuid();
    world
        .place
        .arn("cloudformation", &format!("stack/{name}/{uuid}"))
}

/// A stack of which nothing is there yet.
pub fn empty(id: String, name: String, version: Version, now: Timestamp) -> Stack {
    Stack {
        id,
        name,
        description: version.description,
        template: version.template,
        parameters: version.parameters,
        tags: version.tags,
        capabilities: version.capabilities,
        on_failure: OnFailure::Rollback,
        timeout_minutes: None,
        client_request_token: None,
        creation_token: None,
        created: now,
        updated: None,
        update: None,
        change_set: None,
        tokens: BTreeMap::new(),
        deleted: None,
        role: None,
        asked_by: None,
        protected: false,
        status: StackStatus::CreateInProgress,
        reason: None,
        outputs: Vec::new(),
        events: 0,
    }
}

/// The values of a template's parameters as a stack keeps them.
pub fn parameters(checked: &Checked) -> Vec<Parameter> {
    checked
        .parameters
        .iter()
        .map(|(key, value)| Parameter {
            no_echo: checked
                .template
                .parameters
                .get(key)
                .is_some_and(|definition| definition.no_echo),
            value: value.text.clone(),
            resolved: value.resolved.clone(),
            key: key.clone(),
        })
        .collect()
}

/// Writes down the resources that the stack has not yet: none of them has been begun.
pub fn add_resources(world: &mut World, stack: &str, checked: &Checked) {
    let now = world.now;
    let updates = world
        .stacks
        .get(stack)
        .is_some_and(|stack| stack.update.is_some());
    for (logical_id, depends_on) in &checked.dependencies {
        let key = resource_key(stack, logical_id);
        if world.resources.contains(&key) {
            continue;
        }
        world.resources.insert(
            key,
            Resource {
                stack: stack.to_owned(),
                logical_id: logical_id.clone(),
                kind: checked.template.resources[logical_id].kind.clone(),
                physical_id: None,
                status: ResourceStatus::Waiting,
                reason: None,
                updated: now,
                depends_on: depends_on.iter().cloned().collect(),
                step: Step::Idle,
                due: now,
                began: now,
                properties: Value::Null,
                signals_wanted: None,
                signals: BTreeMap::new(),
                part: updates.then_some(Part::Added),
            },
        );
    }
}

/// Notes as whom CloudFormation does what has just begun: as the service role that is named or the stack has, or without
/// one as whoever asks. A role that cannot be assumed is refused.
pub fn acts_as(
    world: &mut World,
    stack: &str,
    named: Option<String>,
    caller: Option<&str>,
) -> Result<(), AwsError> {
    if let Some(stack) = world.stacks.get_mut(stack) {
        stack.asked_by = caller.map(str::to_owned);
        stack.role = named.or(stack.role.take());
    }
    let role = world
        .stacks
        .get(stack)
        .and_then(|stack| stack.role.as_ref());
    role.map_or(Ok(()), |role| permissions::check_role(world, role))
}

/// Protects a stack against deletion, or no more. Answers with its ARN.
pub fn protect(world: &mut World, name_or_id: &str, protected: bool) -> Result<String, AwsError> {
    let stack = world.stack(name_or_id)?;
    let (id, status) = (stack.id.clone(), stack.status);
    if matches!(
        status,
        StackStatus::DeleteInProgress | StackStatus::DeleteComplete
    ) {
        return Err(AwsError::validation(format!(
            "Termination protection cannot be updated while stack [{name_or_id}] is in {} state",
            status.name()
        )));
    }
    if let Some(stack) = world.stacks.get_mut(&id) {
        stack.protected = protected;
    }
    Ok(id)
}

/// Begins to delete a stack; one that is gone or going is left alone.
pub fn delete(world: &mut World, name_or_id: &str, token: Option<String>) -> Result<(), AwsError> {
    let Some(stack) = world.find_stack(name_or_id) else {
        return Ok(());
    };
    if matches!(
        stack.status,
        StackStatus::DeleteInProgress | StackStatus::DeleteComplete
    ) {
        return Ok(());
    }
    // Once it has failed, another try is one, whatever its token.
    update::is_repeated(stack, token.as_ref(), "DeleteStack")?;
    if stack.protected {
        return Err(AwsError::validation(format!(
            "Stack [{name_or_id}] cannot be deleted while TerminationProtection is enabled"
        )));
    }
    if stack.status.updates() {
        return Err(AwsError::validation(format!(
            "Stack [{name_or_id}] cannot be deleted while in status {}",
            stack.status.name()
        )));
    }
    let (id, status) = (stack.id.clone(), stack.status);
    let now = world.now;
    if let Some(stack) = world.stacks.get_mut(&id) {
        stack.deleted = Some(now);
    }
    update::remember(world, &id, token, "DeleteStack");
    if status == StackStatus::CreateInProgress {
        cancel(world, &id);
    }
    update::give_up(world, &id);
    // What a rollback is deleting right now goes on; everything else has its turn again.
    rewind(world, &id);
    world.stack_event(
        &id,
        StackStatus::DeleteInProgress,
        Some("User Initiated".into()),
    );
    Ok(())
}

/// Creations and changes in progress are given up.
pub fn cancel(world: &mut World, stack: &str) {
    for logical_id in create::logical_ids(world, stack) {
        let key = resource_key(stack, &logical_id);
        let Some(resource) = world.resources.get_mut(&key) else {
            continue;
        };
        let (status, what) = match resource.status {
            ResourceStatus::CreateInProgress => (ResourceStatus::CreateFailed, "creation"),
            ResourceStatus::UpdateInProgress => (ResourceStatus::UpdateFailed, "update"),
            _ => continue,
        };
        resource.step = Step::Over;
        let reason = format!("Resource {what} cancelled");
        world.resource_event(stack, &logical_id, status, Some(reason));
    }
}

/// Before a deletion: no resource has had its turn yet, but those that are being deleted.
pub fn rewind(world: &mut World, stack: &str) {
    let keys: Vec<String> = world
        .resources_of(stack)
        .into_iter()
        .filter(|resource| resource.status != ResourceStatus::DeleteInProgress)
        .map(|resource| resource_key(stack, &resource.logical_id))
        .collect();
    for key in keys {
        if let Some(resource) = world.resources.get_mut(&key) {
            resource.step = match resource.status {
                ResourceStatus::Waiting
                | ResourceStatus::DeleteComplete
                | ResourceStatus::DeleteSkipped => Step::Over,
                _ => Step::Idle,
            };
        }
    }
}

/// Refuses a name that CloudFormation refuses.
pub fn check_name(name: &str, what: &str) -> Result<(), AwsError> {
    let letters = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !letters {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{name}' at '{what}' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )));
    }
    if name.len() > 128 {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{name}' at '{what}' failed to satisfy constraint: Member must have length less than or equal to 128"
        )));
    }
    Ok(())
}

/// Refuses a template that is too long.
pub fn check_size(template: &str) -> Result<(), AwsError> {
    if template.is_empty() {
        return Err(AwsError::validation(
            "1 validation error detected: Value '' at 'templateBody' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ));
    }
    if template.len() > MAX_TEMPLATE {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to {MAX_TEMPLATE}"
        )));
    }
    Ok(())
}
