//! Change sets: how they are asked for, worked out as time passes, executed and deleted.

use std::collections::BTreeMap;

use super::check::{self, Checked};
use super::next::Next;
use super::plan;
use super::template::Template;
use super::update::{self, Asked};
use super::{durations, permissions, start};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::stacks::change_sets::{
    ChangeSet, ChangeSetStatus, Execution, ResourceChange,
};
use crate::practice::world::stacks::updates::Version;
use crate::practice::world::stacks::{OnFailure, Stack, StackStatus};

/// Said of a change set that would change nothing; tools look for these very words.
const NOTHING: &str = "The submitted information didn't contain changes. Submit different information to create a change set.";

/// What a change set is made with.
#[derive(Debug, Clone)]
pub struct NewChangeSet {
    /// Name.
    pub name: String,
    /// Name or ARN of the stack.
    pub stack: String,
    /// Whether it creates the stack.
    pub creates: bool,
    /// What the stack would be made from.
    pub asked: Asked,
    /// Free text.
    pub description: Option<String>,
    /// ARN of the service role that the stack gets with it.
    pub role: Option<String>,
    /// What to do when something fails on the way.
    pub on_failure: Option<OnFailure>,
    /// Makes the request idempotent.
    pub token: Option<String>,
}

/// Begins to make a change set. Answers with its ARN and the stack's.
pub fn create(world: &mut World, new: NewChangeSet) -> Result<(String, String), AwsError> {
    start::check_name(&new.name, "changeSetName")?;
    if let Some(other) = world.find_change_set(Some(&new.stack), &new.name) {
        if new.token.is_some() && other.token == new.token {
            return Ok((other.id.clone(), other.stack.clone()));
        }
        return Err(AwsError::client(
            "AlreadyExistsException",
            format!("ChangeSet {} already exists", new.name),
        ));
    }
    if let Some(role) = &new.role {
        permissions::check_role(world, role)?;
    }
    let stack = if new.creates {
        reviewed(world, &new)?
    } else {
        update::updatable(world, &new.stack)?
    };
    let (version, _) = update::resolve(world, &stack, new.asked)?;
    let uuid = world.uuid();
    let id = world
        .place
        .arn("cloudformation", &format!("changeSet/{}/{uuid}", new.name));
    world.change_sets.insert(
        &id,
        ChangeSet {
            id: id.clone(),
            name: new.name,
            stack: stack.id.clone(),
            stack_name: stack.name,
            description: new.description,
            creates: new.creates,
            created: world.now,
            token: new.token,
            version,
            role: new.role,
            on_failure: new.on_failure,
            status: ChangeSetStatus::CreatePending,
            reason: None,
            execution: Execution::Unavailable,
            due: world.now + durations::CHANGE_SET_PENDING,
            changes: Vec::new(),
        },
    );
    Ok((id, stack.id))
}

/// The stack of which nothing is there yet; it is made if need be.
fn reviewed(world: &mut World, new: &NewChangeSet) -> Result<Stack, AwsError> {
    if let Some(stack) = world.find_stack(&new.stack) {
        if stack.status == StackStatus::ReviewInProgress {
            return Ok(stack.clone());
        }
        return Err(AwsError::validation(format!(
            "Stack [{}] already exists and cannot be created again with the changeSet [{}].",
            new.stack, new.name
        )));
    }
    start::check_name(&new.stack, "stackName")?;
    let id = start::new_id(world, &new.stack);
    let nothing = Version {
        template: String::new(),
        description: None,
        parameters: Vec::new(),
        tags: new.asked.tags.clone().unwrap_or_default(),
        capabilities: Vec::new(),
    };
    let stack = start::empty(id.clone(), new.stack.clone(), nothing, world.now);
    world.stacks.insert(&id, stack.clone());
    world.stack_event(
        &id,
        StackStatus::ReviewInProgress,
        Some("User Initiated".into()),
    );
    Ok(stack)
}

/// Works out the change sets whose time has come.
pub fn advance(world: &mut World) -> Next {
    let mut next = Next::default();
    let made: Vec<ChangeSet> = world
        .change_sets
        .values()
        .filter(|one| one.status.in_progress())
        .cloned()
        .collect();
    for one in made {
        if one.due > world.now {
            next.at(one.due);
            continue;
        }
        let now = world.now;
        if one.status == ChangeSetStatus::CreatePending {
            let due = now + durations::CHANGE_SET;
            if let Some(found) = world.change_sets.get_mut(&one.id) {
                found.status = ChangeSetStatus::CreateInProgress;
                found.due = due;
            }
            next.at(due);
            continue;
        }
        let worked_out = work_out(world, &one);
        let Some(found) = world.change_sets.get_mut(&one.id) else {
            continue;
        };
        match worked_out {
            Ok(changes) => {
                found.status = ChangeSetStatus::CreateComplete;
                found.execution = Execution::Available;
                found.changes = changes;
            }
            Err(error) => {
                found.status = ChangeSetStatus::Failed;
                found.reason = Some(error.message);
            }
        }
    }
    next
}

fn work_out(world: &World, one: &ChangeSet) -> Result<Vec<ResourceChange>, AwsError> {
    let stack = world.stack(&one.stack)?;
    let checked = checked(world, stack, &one.version)?;
    if one.creates {
        return Ok(plan::creation(&checked));
    }
    let stack = update::updatable(world, &one.stack)?;
    let plan = plan::plan(world, &stack, &one.version, &checked)?;
    if plan.is_empty() {
        return Err(AwsError::validation(NOTHING));
    }
    update::possible(&plan)?;
    Ok(plan.changes)
}

/// The template of a version, held against its parameters again.
fn checked(world: &World, stack: &Stack, version: &Version) -> Result<Checked, AwsError> {
    let given: BTreeMap<String, String> = version
        .parameters
        .iter()
        .map(|one| (one.key.clone(), one.value.clone()))
        .collect();
    check::all(
        Template::parse(&version.template)?,
        &given,
        (&stack.name, &stack.id),
        world,
    )
}

/// Begins to execute a change set.
pub fn execute(
    world: &mut World,
    stack: Option<&str>,
    name: &str,
    keep_failures: bool,
    token: Option<String>,
) -> Result<(), AwsError> {
    let one = world.change_set(stack, name)?.clone();
    let found = world.stack(&one.stack)?.clone();
    let what = format!("ExecuteChangeSet {}", one.id);
    if update::is_repeated(&found, token.as_ref(), &what)? {
        return Ok(());
    }
    if one.execution != Execution::Available {
        let (kind, status) = if one.status == ChangeSetStatus::CreateComplete {
            ("execution status", one.execution.name())
        } else {
            ("status", one.status.name())
        };
        return Err(AwsError::client(
            "InvalidChangeSetStatus",
            format!(
                "ChangeSet [{}] cannot be executed in its current {kind} of [{status}]",
                one.id
            ),
        ));
    }
    let keep_failures = keep_failures || one.on_failure == Some(OnFailure::DoNothing);
    let checked = checked(world, &found, &one.version)?;
    if one.creates {
        if let Some(found) = world.stacks.get_mut(&one.stack) {
            found.set_version(one.version);
            found.on_failure = match one.on_failure {
                _ if keep_failures => OnFailure::DoNothing,
                Some(on_failure) => on_failure,
                None => OnFailure::Rollback,
            };
        }
        update::remember(world, &one.stack, token, &what);
        start::add_resources(world, &one.stack, &checked);
        let reason = Some("User Initiated".into());
        world.stack_event(&one.stack, StackStatus::CreateInProgress, reason);
    } else {
        update::updatable(world, &one.stack)?;
        update::remember(world, &one.stack, token, &what);
        update::begin(world, &one.stack, one.version, &checked, keep_failures);
    }
    // "CloudFormation deletes all other change sets" (API reference, ExecuteChangeSet).
    let others: Vec<String> = world
        .change_sets_of(&one.stack)
        .filter(|other| other.id != one.id)
        .map(|other| other.id.clone())
        .collect();
    for other in others {
        world.change_sets.remove(&other);
    }
    if let Some(found) = world.change_sets.get_mut(&one.id) {
        found.execution = Execution::InProgress;
    }
    if let Some(found) = world.stacks.get_mut(&one.stack) {
        found.change_set = Some(one.id);
        found.role = one.role.or(found.role.take());
    }
    Ok(())
}

/// Deletes a change set; one that is not there is gone already.
pub fn delete(world: &mut World, stack: Option<&str>, name: &str) -> Result<(), AwsError> {
    let one = match world.change_set(stack, name) {
        Ok(one) => one,
        Err(error) if error.code == "ChangeSetNotFound" => return Ok(()),
        Err(error) => return Err(error),
    };
    if one.execution == Execution::InProgress {
        return Err(AwsError::client(
            "InvalidChangeSetStatus",
            format!(
                "ChangeSet [{}] cannot be deleted in its current execution status of [{}]",
                one.id,
                one.execution.name()
            ),
        ));
    }
    let id = one.id.clone();
    world.change_sets.remove(&id);
    Ok(())
}

/// The stack is updated without a change set: none of those it has is right any more.
pub fn outdate(world: &mut World, stack: &str) {
    set_execution(world, stack, Execution::Obsolete, |one| {
        one.execution == Execution::Available
    });
}

/// The execution of a change set has come to its end.
pub fn executed(world: &mut World, stack: &str, how: Execution) {
    set_execution(world, stack, how, |one| {
        one.execution == Execution::InProgress
    });
}

fn set_execution(
    world: &mut World,
    stack: &str,
    execution: Execution,
    is_meant: impl Fn(&ChangeSet) -> bool,
) {
    let meant: Vec<String> = world
        .change_sets_of(stack)
        .filter(|one| is_meant(one))
        .map(|one| one.id.clone())
        .collect();
    for id in meant {
        if let Some(found) = world.change_sets.get_mut(&id) {
            found.execution = execution;
        }
    }
}

/// The stack is gone, and its change sets with it.
pub fn forget(world: &mut World, stack: &str) {
    let gone: Vec<String> = world
        .change_sets_of(stack)
        .map(|one| one.id.clone())
        .collect();
    for id in gone {
        world.change_sets.remove(&id);
    }
}
