//! How stack operations begin: a request is checked as a whole, then written down. Nothing is created here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::check;
use super::template::Template;
use crate::practice::error::AwsError;
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
    /// Makes the request idempotent.
    pub token: Option<String>,
}

/// Begins to create a stack. Answers with its ARN.
pub fn create(world: &mut World, new: NewStack) -> Result<String, AwsError> {
    check_name(&new.name)?;
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
    let uuid = world.uuid();
    let id = world
        .place
        .arn("cloudformation", &format!("stack/{}/{uuid}", new.name));
    let checked = check::all(
        Template::parse(&new.template)?,
        &new.parameters,
        (&new.name, &id),
        world,
    )?;
    let parameters = checked
        .parameters
        .into_iter()
        .map(|(key, value)| Parameter {
            no_echo: checked
                .template
                .parameters
                .get(&key)
                .is_some_and(|definition| definition.no_echo),
            value: value.text,
            key,
        })
        .collect();
    world.stacks.insert(
        &id,
        Stack {
            id: id.clone(),
            name: new.name,
            description: checked.template.description.clone(),
            template: new.template,
            parameters,
            tags: new.tags,
            capabilities: new.capabilities,
            on_failure: new.on_failure,
            timeout_minutes: new.timeout_minutes,
            client_request_token: new.token.clone(),
            creation_token: new.token,
            created: world.now,
            deleted: None,
            status: StackStatus::CreateInProgress,
            reason: None,
            outputs: Vec::new(),
            events: 0,
        },
    );
    for (logical_id, depends_on) in checked.dependencies {
        let kind = checked.template.resources[&logical_id].kind.clone();
        world.resources.insert(
            resource_key(&id, &logical_id),
            Resource {
                stack: id.clone(),
                logical_id,
                kind,
                physical_id: None,
                status: ResourceStatus::Waiting,
                reason: None,
                updated: world.now,
                depends_on: depends_on.into_iter().collect(),
                step: Step::Idle,
                due: world.now,
                began: world.now,
                properties: Value::Null,
                signals_wanted: None,
                signals: BTreeMap::new(),
            },
        );
    }
    world.stack_event(
        &id,
        StackStatus::CreateInProgress,
        Some("User Initiated".into()),
    );
    Ok(id)
}

/// Begins to delete a stack; one that is gone or going is left alone.
pub fn delete(world: &mut World, name_or_id: &str, token: Option<String>) {
    let Some(stack) = world.find_stack(name_or_id) else {
        return;
    };
    if matches!(
        stack.status,
        StackStatus::DeleteInProgress | StackStatus::DeleteComplete
    ) {
        return;
    }
    let (id, status) = (stack.id.clone(), stack.status);
    let now = world.now;
    if let Some(stack) = world.stacks.get_mut(&id) {
        stack.deleted = Some(now);
        stack.client_request_token = token;
    }
    if status == StackStatus::CreateInProgress {
        cancel(world, &id);
    }
    // What a rollback is deleting right now goes on; everything else has its turn again.
    rewind(world, &id);
    world.stack_event(
        &id,
        StackStatus::DeleteInProgress,
        Some("User Initiated".into()),
    );
}

/// Creations in progress are given up.
pub fn cancel(world: &mut World, stack: &str) {
    let running: Vec<String> = world
        .resources_of(stack)
        .into_iter()
        .filter(|resource| resource.status == ResourceStatus::CreateInProgress)
        .map(|resource| resource.logical_id.clone())
        .collect();
    for logical_id in running {
        world.resource_event(
            stack,
            &logical_id,
            ResourceStatus::CreateFailed,
            Some("Resource creation cancelled".into()),
        );
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
pub fn check_name(name: &str) -> Result<(), AwsError> {
    let letters = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !letters {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )));
    }
    if name.len() > 128 {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must have length less than or equal to 128"
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
