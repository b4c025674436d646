//! AWS CloudFormation: which operation is which, and those that change something.

mod change;
mod given;
mod sets;
mod show;
mod templates;

use super::access::{Ask, Caller, Refusal};
use super::params::{Dialect, Params};
use super::protocol::Answer;
use super::xml::Element;
use crate::practice::account::Account;
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
const OPERATIONS: [(&str, Operation); 20] = [
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
    ("GetTemplate", templates::get),
    ("GetTemplateSummary", templates::summary),
    ("ListChangeSets", sets::list),
    ("ListStackResources", show::list_resources),
    ("ListStacks", show::list_stacks),
    ("RollbackStack", change::roll_back),
    ("UpdateStack", change::update),
    ("ValidateTemplate", templates::validate),
];

/// Answers a CloudFormation request.
pub fn answer(account: &Account, caller: &Caller, form: &[u8]) -> Result<Answer, AwsError> {
    let mut params = Params::parse(form, Dialect::Query)?;
    let action = params.text("Action").unwrap_or_default();
    let version = params.text("Version").unwrap_or_default();
    let (name, operation) = OPERATIONS
        .iter()
        .find(|(name, _)| *name == action && version == VERSION)
        .ok_or_else(|| {
            AwsError::client(
                "InvalidAction",
                format!("Could not find operation {action} for version {version}"),
            )
        })?;
    let about = Params::parse(form, Dialect::Query)?.text("StackName");
    account.write(|world| {
        caller.may(world, Refusal::Query, |world| {
            let ask = Ask::new(format!("cloudformation:{name}"));
            vec![match about.clone() {
                Some(stack) => about_stack(world, ask, stack),
                None => ask,
            }]
        })?;
        if let ("DeleteStack", Some(stack)) = (*name, &about) {
            start::deleted_by(world, stack, caller.role_id());
        }
        let result = Element::new(format!("{name}Result"));
        let result = operation(world, &mut params, result)?;
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
    given::no_role(params)?;
    // Nothing in scope is protected or tells anyone: only what changes nothing is accepted.
    if params.boolean("EnableTerminationProtection")? == Some(true) {
        return Err(params.invalid("EnableTerminationProtection", "true"));
    }
    let new = NewStack {
        name,
        template,
        parameters,
        tags,
        capabilities: params.texts("Capabilities")?,
        on_failure,
        timeout_minutes,
        token: params.text("ClientRequestToken"),
    };
    let id = start::create(world, new)?;
    Ok(result.text("StackId", id))
}

fn delete(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    // Keeping resources or forcing leaves billable things behind; the practice account does not offer it.
    given::no_role(params)?;
    let token = params.text("ClientRequestToken");
    start::delete(world, &name, token)?;
    Ok(result)
}
