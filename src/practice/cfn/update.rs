//! How updates begin, are cancelled and rolled back: a request is checked as a whole, then written down.
//!
//! Nothing is changed here but what the stack is made from; how it gets on is in `forward`, `back` and `cleanup`.

use std::collections::BTreeMap;

use super::capabilities;
use super::check::{self, Checked};
use super::plan::{self, Plan};
use super::template::Template;
use super::{back, changes, start};
use crate::practice::error::AwsError;
use crate::practice::world::stacks::updates::{Part, Update, Version};
use crate::practice::world::stacks::{
    Resource, ResourceStatus, Stack, StackStatus, Step, Whereabouts,
};
use crate::practice::world::{Tags, World};

/// What a stack is to be made from.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Template text; none: the stack's own.
    pub template: Option<String>,
    /// By name; none: the value that it has.
    pub parameters: BTreeMap<String, Option<String>>,
    /// None: those it has.
    pub tags: Option<Tags>,
    /// Acknowledged.
    pub capabilities: Vec<String>,
}

/// What is asked for, with everything in it that is to stay as it is, and checked.
pub fn resolve(world: &World, stack: &Stack, asked: Asked) -> Result<(Version, Checked), AwsError> {
    let template = asked.template.unwrap_or_else(|| stack.template.clone());
    start::check_size(&template)?;
    let mut given = BTreeMap::new();
    for (key, value) in asked.parameters {
        let value = match value {
            Some(value) => value,
            None => previous(stack, &key)?,
        };
        given.insert(key, value);
    }
    let checked = check::all(
        Template::parse(&template)?,
        &given,
        (&stack.name, &stack.id),
        world,
    )?;
    capabilities::check(&checked, &asked.capabilities)?;
    let version = Version {
        description: checked.template.description.clone(),
        parameters: start::parameters(&checked),
        tags: asked.tags.unwrap_or_else(|| stack.tags.clone()),
        capabilities: asked.capabilities,
        template,
    };
    Ok((version, checked))
}

fn previous(stack: &Stack, key: &str) -> Result<String, AwsError> {
    let found = stack.parameters.iter().find(|one| one.key == key);
    found
        .map(|one| one.value.clone())
        .ok_or_else(|| no_previous(key))
}

/// Says that a parameter has no value that could be used again.
pub fn no_previous(key: &str) -> AwsError {
    AwsError::validation(format!(
        "Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
    ))
}

/// The stack with this name or ARN, if it may be updated now.
pub fn updatable(world: &World, name: &str) -> Result<Stack, AwsError> {
    let stack = world
        .find_stack(name)
        .filter(|stack| stack.status != StackStatus::DeleteComplete)
        .ok_or_else(|| AwsError::validation(format!("Stack [{name}] does not exist")))?;
    if !stack.status.may_be_updated() {
        return Err(AwsError::validation(format!(
            "Stack:{} is in {} state and can not be updated.",
            stack.id,
            stack.status.name()
        )));
    }
    Ok(stack.clone())
}

/// Refuses a plan of which something cannot be done.
pub fn possible(plan: &Plan) -> Result<(), AwsError> {
    if plan.refused.is_empty() {
        return Ok(());
    }
    Err(AwsError::validation(plan.refused.join("; ")))
}

/// Whether this token has asked for this very thing before.
pub fn is_repeated(stack: &Stack, token: Option<&String>, what: &str) -> Result<bool, AwsError> {
    match token.and_then(|token| stack.tokens.get(token)) {
        None => Ok(false),
        Some(before) if before == what => Ok(true),
        Some(_) => Err(AwsError::client(
            "TokenAlreadyExistsException",
            "A client request token already exists.",
        )),
    }
}

/// Begins to update a stack without a change set. Answers with its ARN.
pub fn update(
    world: &mut World,
    name: &str,
    asked: Asked,
    keep_failures: bool,
    token: Option<String>,
) -> Result<String, AwsError> {
    let repeated = world.find_stack(name).map(|stack| {
        is_repeated(stack, token.as_ref(), "UpdateStack").map(|is| is.then(|| stack.id.clone()))
    });
    if let Some(id) = repeated.transpose()?.flatten() {
        return Ok(id);
    }
    let stack = updatable(world, name)?;
    let (version, checked) = resolve(world, &stack, asked)?;
    let plan = plan::plan(world, &stack, &version, &checked)?;
    if plan.is_empty() {
        return Err(AwsError::validation("No updates are to be performed."));
    }
    possible(&plan)?;
    remember(world, &stack.id, token, "UpdateStack");
    begin(world, &stack.id, version, &checked, keep_failures);
    changes::outdate(world, &stack.id);
    Ok(stack.id)
}

/// Writes down who has asked for what.
pub fn remember(world: &mut World, stack: &str, token: Option<String>, what: &str) {
    if let Some(stack) = world.stacks.get_mut(stack) {
        if let Some(token) = &token {
            stack.tokens.insert(token.clone(), what.to_owned());
        }
        stack.client_request_token = token;
    }
}

/// Writes an update down as begun.
pub fn begin(
    world: &mut World,
    stack: &str,
    version: Version,
    checked: &Checked,
    keep_failures: bool,
) {
    let now = world.now;
    if let Some(found) = world.stacks.get_mut(stack) {
        found.update = Some(Box::new(Update {
            before: found.version(),
            keep_failures,
        }));
        found.set_version(version);
        found.updated = Some(now);
    }
    let keys: Vec<String> = keys(world, stack);
    for key in keys {
        let Some(resource) = world.resources.get_mut(&key) else {
            continue;
        };
        match checked.dependencies.get(&resource.logical_id) {
            Some(depends_on) => {
                let before = Box::new(resource.state());
                resource.part = Some(Part::Kept {
                    before,
                    change: None,
                });
                resource.depends_on = depends_on.iter().cloned().collect();
                resource.step = Step::Idle;
            }
            None => {
                resource.part = Some(Part::Removed);
                resource.step = Step::Over;
            }
        }
    }
    start::add_resources(world, stack, checked);
    world.stack_event(
        stack,
        StackStatus::UpdateInProgress,
        Some("User Initiated".into()),
    );
}

/// Keys of the records of a stack's resources.
pub fn keys(world: &World, stack: &str) -> Vec<String> {
    Whereabouts::Stack
        .of(world, stack)
        .into_iter()
        .map(|(key, _)| key.clone())
        .collect()
}

/// Cancels an update: it is rolled back.
pub fn cancel(world: &mut World, name: &str, token: Option<String>) -> Result<(), AwsError> {
    let stack = world.stack(name)?;
    let id = stack.id.clone();
    if is_repeated(stack, token.as_ref(), "CancelUpdateStack")? {
        return Ok(());
    }
    if stack.status != StackStatus::UpdateInProgress {
        return Err(AwsError::validation(
            "CancelUpdateStack cannot be called from current stack status",
        ));
    }
    remember(world, &id, token, "CancelUpdateStack");
    back::begin(world, &id, "User Initiated");
    Ok(())
}

/// Rolls a creation or an update back that has failed and was left as it was. Answers with the stack's ARN.
pub fn roll_back(world: &mut World, name: &str, token: Option<String>) -> Result<String, AwsError> {
    let stack = world.stack(name)?;
    let id = stack.id.clone();
    if is_repeated(stack, token.as_ref(), "RollbackStack")? {
        return Ok(id);
    }
    let status = stack.status;
    if !matches!(
        status,
        StackStatus::CreateFailed | StackStatus::UpdateFailed
    ) {
        return Err(AwsError::validation(format!(
            "Stack:{id} is in {} state and can not be rolled back.",
            status.name()
        )));
    }
    remember(world, &id, token, "RollbackStack");
    if status == StackStatus::CreateFailed {
        start::rewind(world, &id);
        let why = Some("User Initiated".to_owned());
        world.stack_event(&id, StackStatus::RollbackInProgress, why);
    } else {
        back::begin(world, &id, "User Initiated");
    }
    Ok(id)
}

/// Goes on with a rollback that has failed.
pub fn continue_rollback(
    world: &mut World,
    name: &str,
    token: Option<String>,
) -> Result<(), AwsError> {
    let stack = world.stack(name)?;
    let id = stack.id.clone();
    if is_repeated(stack, token.as_ref(), "ContinueUpdateRollback")? {
        return Ok(());
    }
    if stack.status != StackStatus::UpdateRollbackFailed {
        return Err(AwsError::validation(format!(
            "Stack:{id} is in {} state and can not continue rolling back.",
            stack.status.name()
        )));
    }
    remember(world, &id, token, "ContinueUpdateRollback");
    for key in keys(world, &id) {
        if let Some(resource) = world.resources.get_mut(&key)
            && resource.status == ResourceStatus::UpdateFailed
        {
            resource.step = Step::Idle;
        }
    }
    world.stack_event(
        &id,
        StackStatus::UpdateRollbackInProgress,
        Some("User Initiated".into()),
    );
    Ok(())
}

/// Before the deletion of a stack whose update or rollback has failed: there is nothing to go back to any more.
pub fn give_up(world: &mut World, stack: &str) {
    if let Some(found) = world.stacks.get_mut(stack)
        && let Some(update) = found.update.take()
        && found.status == StackStatus::UpdateRollbackFailed
    {
        found.set_version(update.before);
    }
    for key in keys(world, stack) {
        let Some(resource) = world.resources.get_mut(&key) else {
            continue;
        };
        let part = resource.part.take();
        if let Some(Part::Kept { before, .. }) = part
            && before.physical_id != resource.physical_id
        {
            let mut old: Resource = resource.clone();
            old.set_state(*before);
            old.step = Step::Idle;
            world.leave_over(old);
        }
    }
}
