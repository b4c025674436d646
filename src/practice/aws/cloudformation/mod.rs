//! AWS CloudFormation: which operation is which, and those that change something.

mod show;

use std::collections::BTreeMap;

use super::params::{Dialect, Params};
use super::protocol::Answer;
use super::xml::Element;
use crate::practice::account::Account;
use crate::practice::cfn::start::{self, NewStack};
use crate::practice::cfn::{check, template::Template};
use crate::practice::error::AwsError;
use crate::practice::world::stacks::OnFailure;
use crate::practice::world::{Tags, World};

/// Of answers.
pub const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
const VERSION: &str = "2010-05-15";

/// An operation: what it does with the world and its parameters, and the result.
type Operation = fn(&mut World, &mut Params, Element) -> Result<Element, AwsError>;

/// Name, and what it does.
const OPERATIONS: [(&str, Operation); 10] = [
    ("CreateStack", create),
    ("DeleteStack", delete),
    ("DescribeStackEvents", show::events),
    ("DescribeStackResource", show::resource),
    ("DescribeStackResources", show::resources),
    ("DescribeStacks", show::stacks),
    ("GetTemplate", show::template),
    ("ListStackResources", show::list_resources),
    ("ListStacks", show::list_stacks),
    ("ValidateTemplate", validate),
];

/// Answers a CloudFormation request.
pub fn answer(account: &Account, form: &[u8]) -> Result<Answer, AwsError> {
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
    account.write(|world| {
        let result = Element::new(format!("{name}Result"));
        let result = operation(world, &mut params, result)?;
        params.finish()?;
        Ok(Answer::Query(name, result))
    })
}

fn template_body(params: &mut Params) -> Result<String, AwsError> {
    if params.text("TemplateURL").is_some() {
        return Err(AwsError::validation(
            "the practice account has no S3: give the template as TemplateBody",
        ));
    }
    params.text("TemplateBody").ok_or_else(|| {
        AwsError::validation("Either Template URL or Template Body must be specified.")
    })
}

fn create(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    let template = template_body(params)?;
    let mut parameters = BTreeMap::new();
    for mut parameter in params.list("Parameters")? {
        let key = parameter.needed("ParameterKey")?;
        if parameter.boolean("UsePreviousValue")? == Some(true) {
            return Err(AwsError::validation(format!(
                "Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
            )));
        }
        parameters.insert(key, parameter.text("ParameterValue").unwrap_or_default());
        parameter.finish()?;
    }
    let mut tags = Tags::new();
    for mut tag in params.list("Tags")? {
        let key = tag.needed("Key")?;
        if key.starts_with("aws:") {
            return Err(AwsError::validation(
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
        tags.insert(key, tag.needed("Value")?);
        tag.finish()?;
    }
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
            return Err(AwsError::validation(format!(
                "1 validation error detected: Value '{other}' at 'onFailure' failed to satisfy constraint: Member must satisfy enum value set: [DO_NOTHING, ROLLBACK, DELETE]"
            )));
        }
    };
    let timeout_minutes: Option<u32> = params.number("TimeoutInMinutes")?;
    if timeout_minutes == Some(0) {
        return Err(AwsError::validation(
            "1 validation error detected: Value '0' at 'timeoutInMinutes' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ));
    }
    no_role(params)?;
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
    no_role(params)?;
    let token = params.text("ClientRequestToken");
    start::delete(world, &name, token)?;
    Ok(result)
}

/// There are no roles yet: a stack that seems to run as one would mislead.
fn no_role(params: &mut Params) -> Result<(), AwsError> {
    match params.text("RoleARN") {
        None => Ok(()),
        Some(role) => Err(AwsError::validation(format!(
            "RoleARN is not supported: the practice account has no roles, not even {role}"
        ))),
    }
}

fn validate(_: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let body = template_body(params)?;
    start::check_size(&body)?;
    let template = Template::parse(&body)?;
    check::template(&template)?;
    Ok(result
        .maybe("Description", template.description.as_ref())
        .list(
            "Parameters",
            "member",
            &template.parameters,
            |item, (name, definition)| {
                item.text("ParameterKey", name)
                    .maybe("DefaultValue", definition.default.as_ref())
                    .text("NoEcho", definition.no_echo)
                    .maybe("Description", definition.description.as_ref())
            },
        ))
}
