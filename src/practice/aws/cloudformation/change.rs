//! CloudFormation's operations that change a stack which is there: updates, change sets, and how they are taken back.

use super::given;
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::cfn::changes::{self, NewChangeSet};
use crate::practice::cfn::update::{self, Asked};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::stacks::OnFailure;

fn asked(params: &mut Params) -> Result<Asked, AwsError> {
    given::nobody_told(params)?;
    Ok(Asked {
        template: given::new_template(params)?,
        parameters: given::parameters(params)?,
        tags: given::tags(params)?,
        capabilities: params.texts("Capabilities")?,
    })
}

pub(super) fn update(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    let asked = asked(params)?;
    let keep_failures = params.boolean("DisableRollback")? == Some(true);
    let token = given::token(params, "ClientRequestToken")?;
    let id = update::update(world, &name, asked, keep_failures, token)?;
    Ok(result.text("StackId", id))
}

pub(super) fn cancel(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    update::cancel(world, &name, given::token(params, "ClientRequestToken")?)?;
    Ok(result)
}

pub(super) fn roll_back(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    let id = update::roll_back(world, &name, given::token(params, "ClientRequestToken")?)?;
    Ok(result.text("StackId", id))
}

/// `ResourcesToSkip` is not offered: what is skipped would no longer be what the stack says.
pub(super) fn continue_rollback(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    update::continue_rollback(world, &name, given::token(params, "ClientRequestToken")?)?;
    Ok(result)
}

pub(super) fn create_set(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let stack = params.needed("StackName")?;
    let name = params.needed("ChangeSetName")?;
    let creates = match params.text("ChangeSetType").as_deref() {
        None | Some("UPDATE") => false,
        Some("CREATE") => true,
        Some(other) => {
            return Err(given::not_among(
                other,
                "changeSetType",
                "IMPORT, UPDATE, CREATE",
            ));
        }
    };
    let on_failure = match params.text("OnStackFailure").as_deref() {
        None => None,
        Some("ROLLBACK") => Some(OnFailure::Rollback),
        Some("DO_NOTHING") => Some(OnFailure::DoNothing),
        Some("DELETE") if creates => Some(OnFailure::Delete),
        Some("DELETE") => {
            return Err(AwsError::validation(
                "OnStackFailure DELETE can only be specified for change sets that create a stack.",
            ));
        }
        Some(other) => {
            return Err(given::not_among(
                other,
                "onStackFailure",
                "DO_NOTHING, ROLLBACK, DELETE",
            ));
        }
    };
    // Neither nested stacks nor imports are there: only what asks for none is accepted.
    if params.boolean("IncludeNestedStacks")? == Some(true) {
        return Err(params.invalid("IncludeNestedStacks", "true"));
    }
    let new = NewChangeSet {
        name,
        stack,
        creates,
        role: given::role(params)?,
        asked: asked(params)?,
        description: params.text("Description"),
        on_failure,
        token: given::token(params, "ClientToken")?,
    };
    let (id, stack) = changes::create(world, new)?;
    Ok(result.text("Id", id).text("StackId", stack))
}

pub(super) fn execute_set(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("ChangeSetName")?;
    let stack = params.text("StackName");
    let keep_failures = params.boolean("DisableRollback")? == Some(true);
    let token = given::token(params, "ClientRequestToken")?;
    changes::execute(world, stack.as_deref(), &name, keep_failures, token)?;
    Ok(result)
}

pub(super) fn delete_set(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("ChangeSetName")?;
    let stack = params.text("StackName");
    changes::delete(world, stack.as_deref(), &name)?;
    Ok(result)
}
