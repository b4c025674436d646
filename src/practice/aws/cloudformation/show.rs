//! CloudFormation's Describe, List and Get operations.

use jiff::Timestamp;

use super::super::paging;
use super::super::params::Params;
use super::super::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::stacks::{
    OnFailure, Parameter, Resource, ResourceStatus, Stack, StackStatus, Whereabouts, resource_key,
};
use crate::practice::world::{Tags, World};

/// Items on a page (CloudFormation API reference: at most 100, or 1 MB).
const PAGE: usize = 100;

pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

pub(super) fn page<T>(
    items: Vec<(String, T)>,
    params: &mut Params,
) -> Result<(Vec<T>, Option<String>), AwsError> {
    let token = params.text("NextToken");
    paging::page(items, PAGE, token.as_deref())
        .ok_or_else(|| AwsError::validation("Invalid value for NextToken"))
}

pub(super) fn stacks(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let wanted = match params.text("StackName") {
        Some(name) => vec![world.stack(&name)?],
        None => world
            .stacks
            .values()
            .filter(|stack| stack.status != StackStatus::DeleteComplete)
            .collect(),
    };
    let keyed = wanted
        .into_iter()
        .map(|one| (one.id.clone(), one))
        .collect();
    let (stacks, next) = page(keyed, params)?;
    Ok(result
        .list("Stacks", "member", stacks, stack)
        .maybe("NextToken", next))
}

fn stack(item: Element, stack: &Stack) -> Element {
    let disable_rollback = stack.on_failure == OnFailure::DoNothing;
    item.text("StackId", &stack.id)
        .text("StackName", &stack.name)
        .maybe("Description", stack.description.as_ref())
        .maybe("ChangeSetId", stack.change_set.as_ref())
        .child(parameters(&stack.parameters))
        .text("CreationTime", time(stack.created))
        .maybe("LastUpdatedTime", stack.updated.map(time))
        .maybe("DeletionTime", stack.deleted.map(time))
        .child(Element::new("RollbackConfiguration"))
        .text("StackStatus", stack.status.name())
        .maybe("StackStatusReason", stack.reason.as_ref())
        .text("DisableRollback", disable_rollback)
        .child(Element::new("NotificationARNs"))
        .maybe("TimeoutInMinutes", stack.timeout_minutes)
        .texts("Capabilities", "member", &stack.capabilities)
        .list("Outputs", "member", &stack.outputs, |item, one| {
            item.text("OutputKey", &one.key)
                .text("OutputValue", &one.value)
                .maybe("Description", one.description.as_ref())
        })
        .child(tags(&stack.tags))
        .maybe("RoleARN", stack.role.as_ref())
        .text("EnableTerminationProtection", stack.protected)
        .child(Element::new("DriftInformation").text("StackDriftStatus", "NOT_CHECKED"))
}

pub(super) fn parameters(parameters: &[Parameter]) -> Element {
    Element::new("Parameters").children(parameters.iter().map(|one| {
        let shown = if one.no_echo { "****" } else { &one.value };
        Element::new("member")
            .text("ParameterKey", &one.key)
            .text("ParameterValue", shown)
            .maybe("ResolvedValue", one.resolved.as_ref())
    }))
}

pub(super) fn tags(tags: &Tags) -> Element {
    Element::new("Tags").children(
        tags.iter()
            .map(|(key, value)| Element::new("member").text("Key", key).text("Value", value)),
    )
}

pub(super) fn list_stacks(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let wanted = params.texts("StackStatusFilter")?;
    let keyed = world
        .stacks
        .values()
        .filter(|stack| wanted.is_empty() || wanted.iter().any(|one| one == stack.status.name()))
        .map(|stack| (stack.id.clone(), stack))
        .collect();
    let (stacks, next) = page(keyed, params)?;
    Ok(result
        .list("StackSummaries", "member", stacks, |item, stack| {
            item.text("StackId", &stack.id)
                .text("StackName", &stack.name)
                .maybe("TemplateDescription", stack.description.as_ref())
                .text("CreationTime", time(stack.created))
                .maybe("LastUpdatedTime", stack.updated.map(time))
                .maybe("DeletionTime", stack.deleted.map(time))
                .text("StackStatus", stack.status.name())
                .maybe("StackStatusReason", stack.reason.as_ref())
                .child(Element::new("DriftInformation").text("StackDriftStatus", "NOT_CHECKED"))
        })
        .maybe("NextToken", next))
}

pub(super) fn events(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    let stack = world
        .find_stack(&name)
        .ok_or_else(|| AwsError::validation(format!("Stack [{name}] does not exist")))?;
    // Newest first: keys that grow as the numbers of the events fall.
    let keyed = world
        .events_of(&stack.id)
        .into_iter()
        .enumerate()
        .rev()
        .map(|(number, (_, event))| (format!("{:08}", 99_999_999 - number), event))
        .collect();
    let (events, next) = page(keyed, params)?;
    Ok(result
        .list("StackEvents", "member", events, |item, one| {
            item.text("StackId", &one.stack)
                .text("EventId", &one.id)
                .text("StackName", &one.stack_name)
                .text("LogicalResourceId", &one.logical_id)
                .text("PhysicalResourceId", &one.physical_id)
                .text("ResourceType", &one.kind)
                .text("Timestamp", time(one.time))
                .text("ResourceStatus", &one.status)
                .maybe("ResourceStatusReason", one.reason.as_ref())
                .maybe("ResourceProperties", one.properties.as_ref())
                .maybe("ClientRequestToken", one.client_request_token.as_ref())
        })
        .maybe("NextToken", next))
}

/// GetStackPolicy: no operation here gives a stack one, and then there is nothing to show.
pub(super) fn policy(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    world.stack(&params.needed("StackName")?)?;
    Ok(result)
}

/// Resources that have been begun, which are those that are shown; one that an update takes away as long as it goes.
fn shown<'a>(world: &'a World, stack: &str) -> Vec<&'a Resource> {
    let mut resources = world.resources_of(stack);
    for (_, gone) in Whereabouts::LeftOver.of(world, stack) {
        if !resources
            .iter()
            .any(|one| one.logical_id == gone.logical_id)
        {
            resources.push(gone);
        }
    }
    resources.retain(|resource| resource.status != ResourceStatus::Waiting);
    resources.sort_by(|one, other| one.logical_id.cmp(&other.logical_id));
    resources
}

fn drift() -> Element {
    Element::new("DriftInformation").text("StackResourceDriftStatus", "NOT_CHECKED")
}

pub(super) fn resources(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.text("StackName");
    let physical = params.text("PhysicalResourceId");
    let logical = params.text("LogicalResourceId");
    let stack = match (name, &physical) {
        (Some(_), Some(_)) => {
            return Err(AwsError::validation(
                "Only one of StackName and PhysicalResourceId can be specified",
            ));
        }
        (Some(name), None) => world.stack(&name)?,
        (None, Some(physical)) => {
            let owns = |resource: &&Resource| resource.physical_id.as_ref() == Some(physical);
            let found = world.resources.values().find(owns).ok_or_else(|| {
                AwsError::validation(format!("Stack for {physical} does not exist"))
            })?;
            world.stack(&found.stack)?
        }
        (None, None) => return Err(params.missing("StackName")),
    };
    let mut resources = shown(world, &stack.id);
    if let Some(logical) = logical {
        resources.retain(|resource| resource.logical_id == logical);
    }
    // This operation answers with the first hundred only.
    resources.truncate(PAGE);
    Ok(
        result.list("StackResources", "member", resources, |item, one| {
            item.text("StackName", &stack.name)
                .text("StackId", &stack.id)
                .text("LogicalResourceId", &one.logical_id)
                .maybe("PhysicalResourceId", one.physical_id.as_ref())
                .text("ResourceType", &one.kind)
                .text("Timestamp", time(one.updated))
                .text("ResourceStatus", one.status.name())
                .maybe("ResourceStatusReason", one.reason.as_ref())
                .child(drift())
        }),
    )
}

pub(super) fn list_resources(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    let stack = world.stack(&name)?;
    let keyed = shown(world, &stack.id)
        .into_iter()
        .map(|one| (one.logical_id.clone(), one))
        .collect();
    let (resources, next) = page(keyed, params)?;
    Ok(result
        .list(
            "StackResourceSummaries",
            "member",
            resources,
            |item, one| {
                item.text("LogicalResourceId", &one.logical_id)
                    .maybe("PhysicalResourceId", one.physical_id.as_ref())
                    .text("ResourceType", &one.kind)
                    .text("LastUpdatedTimestamp", time(one.updated))
                    .text("ResourceStatus", one.status.name())
                    .maybe("ResourceStatusReason", one.reason.as_ref())
                    .child(drift())
            },
        )
        .maybe("NextToken", next))
}

pub(super) fn resource(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    let logical = params.needed("LogicalResourceId")?;
    let stack = world
        .find_stack(&name)
        .ok_or_else(|| AwsError::validation(format!("Stack '{name}' does not exist")))?;
    let found = world
        .resources
        .get(&resource_key(&stack.id, &logical))
        .filter(|resource| resource.status != ResourceStatus::Waiting)
        .ok_or_else(|| {
            AwsError::validation(format!(
                "Resource {logical} does not exist for stack {name}"
            ))
        })?;
    Ok(result.child(
        Element::new("StackResourceDetail")
            .text("StackName", &stack.name)
            .text("StackId", &stack.id)
            .text("LogicalResourceId", &found.logical_id)
            .maybe("PhysicalResourceId", found.physical_id.as_ref())
            .text("ResourceType", &found.kind)
            .text("LastUpdatedTimestamp", time(found.updated))
            .text("ResourceStatus", found.status.name())
            .maybe("ResourceStatusReason", found.reason.as_ref())
            .text("Metadata", "{}")
            .child(drift()),
    ))
}
