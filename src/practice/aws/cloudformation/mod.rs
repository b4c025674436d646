//! AWS CloudFormation: which operation is which, and those that change something.

mod change;
mod given;
mod sets;
mod show;
mod templates;

use std::collections::BTreeSet;

use super::access::{Ask, Caller, Refusal};
use super::params::{Dialect, Params};
use super::protocol::Answer;
use super::xml::Element;
use crate::practice::account::Account;
use crate::practice::cfn::signals;
use crate::practice::cfn::start::{self, NewStack};
use crate::practice::cfn::update;
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::stacks::OnFailure;

/// Of answers.
pub const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
const VERSION: &str = "2010-05-15";

/// An operation: what it does with the world and its parameters, and the result.
type Operation = fn(&mut World, &mut Params, Element) -> Result<Element, AwsError>;

/// Name, and what it does.
const OPERATIONS: [(&str, Operation); 23] = [
    ("CancelUpdateStack", change::cancel),
    ("ContinueUpdateRollback", change::continue_rollback),
    ("CreateChangeSet", change::create_set),
    ("CreateStack", create),
    ("DeleteChangeSet", change::delete_set),
    ("DeleteStack", delete),
    ("DescribeChangeSet", sets::describe),
    ("DescribeStackEvents", show::events),
    ("DescribeStackResource", show::resource),
    ("DescribeStackResources", show::resources),
    ("DescribeStacks", show::stacks),
    ("ExecuteChangeSet", change::execute_set),
    ("GetStackPolicy", show::policy),
    ("GetTemplate", templates::get),
    ("GetTemplateSummary", templates::summary),
    ("ListChangeSets", sets::list),
    ("ListStackResources", show::list_resources),
    ("ListStacks", show::list_stacks),
    ("RollbackStack", change::roll_back),
    ("SignalResource", signal),
    ("UpdateStack", change::update),
    ("UpdateTerminationProtection", protect),
    ("ValidateTemplate", templates::validate),
];

/// Those after which CloudFormation works on a stack.
const BEGIN: [&str; 7] = [
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "CreateStack",
    "DeleteStack",
    "ExecuteChangeSet",
    "RollbackStack",
    "UpdateStack",
];

/// Answers a CloudFormation request.
pub fn answer(account: &Account, caller: &Caller, form: &[u8]) -> Result<Answer, AwsError> {
    let mut params = Params::parse(form, Dialect::Query)?;
    let (action, version) = params.operation()?;
    let (name, operation) = OPERATIONS
        .iter()
        .find(|(name, _)| *name == action && version == VERSION)
        .ok_or_else(|| {
            AwsError::client(
                "InvalidAction",
                format!("Could not find operation {action} for version {version}"),
            )
        })?;
    let mut asked = Params::parse(form, Dialect::Query)?;
    let (about, passed) = (asked.text("StackName"), asked.text("RoleARN"));
    account.write(|world| {
        caller.may(world, Refusal::Query, |world| {
            let ask = Ask::new(format!("cloudformation:{name}"));
            let ask = match about {
                Some(stack) => about_stack(world, ask, stack),
                None => ask,
            };
            let pass = passed.map(|role| {
                let pass = Ask::new("iam:PassRole").on(role);
                pass.with("iam:PassedToService", "cloudformation.amazonaws.com")
            });
            std::iter::once(ask).chain(pass).collect()
        })?;
        // A change set keeps its role until it is executed.
        let role = match *name {
            "ContinueUpdateRollback"
            | "CreateStack"
            | "DeleteStack"
            | "RollbackStack"
            | "UpdateStack" => given::role(&mut params)?,
            _ => None,
        };
        let before = BEGIN.contains(name).then(|| begun(world));
        let result = Element::new(format!("{name}Result"));
        let result = operation(world, &mut params, result)?;
        if let Some(before) = before {
            for (stack, _) in begun(world).difference(&before) {
                start::acts_as(world, stack, role.clone(), caller.role_id())?;
            }
        }
        params.finish()?;
        Ok(Answer::Query(name, result))
    })
}

/// A stack by its name is the one of that name; one that does not exist could have any id.
fn about_stack(world: &World, ask: Ask, name_or_id: String) -> Ask {
    match world.find_stack(&name_or_id) {
        Some(stack) => ask.on(&stack.id).tagged("cloudformation", &stack.tags),
        None if name_or_id.starts_with("arn:") => ask.on(name_or_id),
        None => ask.on(world
            .place
            .arn("cloudformation", &format!("stack/{name_or_id}/*"))),
    }
}

/// Stacks with how many events each has: whatever begins has one.
fn begun(world: &World) -> BTreeSet<(String, u64)> {
    let stacks = world.stacks.values();
    stacks
        .map(|stack| (stack.id.clone(), stack.events))
        .collect()
}

fn create(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    let template = given::template_body(params)?;
    let parameters = given::parameters(params)?
        .into_iter()
        .map(|(key, value)| match value {
            Some(value) => Ok((key, value)),
            None => Err(update::no_previous(&key)),
        })
        .collect::<Result<_, _>>()?;
    let tags = given::tags(params)?.unwrap_or_default();
    let disable_rollback = params.boolean("DisableRollback")?;
    let on_failure = match (params.text("OnFailure").as_deref(), disable_rollback) {
        (Some(_), Some(_)) => {
            return Err(AwsError::validation(
                "You cannot specify both the DisableRollback and OnFailure parameters.",
            ));
        }
        (None | Some("ROLLBACK"), None | Some(false)) => OnFailure::Rollback,
        (Some("DO_NOTHING"), _) | (None, Some(true)) => OnFailure::DoNothing,
        (Some("DELETE"), _) => OnFailure::Delete,
        (Some(other), _) => {
            return Err(given::not_among(
                other,
                "onFailure",
                "DO_NOTHING, ROLLBACK, DELETE",
            ));
        }
    };
    let timeout_minutes: Option<u32> = params.number("TimeoutInMinutes")?;
    if timeout_minutes == Some(0) {
        return Err(AwsError::validation(
            "1 validation error detected: Value '0' at 'timeoutInMinutes' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ));
    }
    given::nobody_told(params)?;
    let new = NewStack {
        name,
        template,
        parameters,
        tags,
        capabilities: params.texts("Capabilities")?,
        on_failure,
        timeout_minutes,
        protected: params.boolean("EnableTerminationProtection")? == Some(true),
        token: given::token(params, "ClientRequestToken")?,
    };
    let id = start::create(world, new)?;
    Ok(result.text("StackId", id))
}

fn delete(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    // Keeping resources or forcing leaves billable things behind; the practice account does not offer it.
    let token = given::token(params, "ClientRequestToken")?;
    start::delete(world, &name, token)?;
    Ok(result)
}

fn protect(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    let protected = params
        .boolean("EnableTerminationProtection")?
        .ok_or_else(|| params.missing("EnableTerminationProtection"))?;
    let id = start::protect(world, &name, protected)?;
    Ok(result.text("StackId", id))
}

fn signal(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let (stack, resource) = (
        params.needed("StackName")?,
        params.needed("LogicalResourceId")?,
    );
    let (id, status) = (params.needed("UniqueId")?, params.needed("Status")?);
    let success = match status.as_str() {
        "SUCCESS" => true,
        "FAILURE" => false,
        other => return Err(given::not_among(other, "status", "SUCCESS, FAILURE")),
    };
    signals::signal(world, &stack, &resource, &id, success, "")?;
    Ok(result)
}
