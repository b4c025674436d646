//! CloudFormation's DescribeChangeSet and ListChangeSets.

use super::show::{page, parameters, tags, time};
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::stacks::OnFailure;
use crate::practice::world::stacks::change_sets::{
    Action, ChangeSet, Detail, Replacement, ResourceChange, Source,
};

pub(super) fn describe(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("ChangeSetName")?;
    let stack = params.text("StackName");
    let values = params.boolean("IncludePropertyValues")? == Some(true);
    let one = world.change_set(stack.as_deref(), &name)?;
    let keyed = one
        .changes
        .iter()
        .map(|change| (change.logical_id.clone(), change))
        .collect();
    let (changes, next) = page(keyed, params)?;
    let result = summary(result, one)
        .child(parameters(&one.version.parameters))
        .child(Element::new("NotificationARNs"))
        .child(Element::new("RollbackConfiguration"))
        .texts("Capabilities", "member", &one.version.capabilities)
        .child(tags(&one.version.tags))
        .maybe("OnStackFailure", one.on_failure.map(on_failure));
    Ok(result
        .list("Changes", "member", changes, |item, change| {
            item.text("Type", "Resource")
                .child(resource_change(change, values))
        })
        .maybe("NextToken", next))
}

pub(super) fn list(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("StackName")?;
    let stack = world
        .find_stack(&name)
        .ok_or_else(|| AwsError::validation(format!("Stack [{name}] does not exist")))?;
    let keyed = world
        .change_sets_of(&stack.id)
        .map(|one| (one.name.clone(), one))
        .collect();
    let (sets, next) = page(keyed, params)?;
    Ok(result
        .list("Summaries", "member", sets, summary)
        .maybe("NextToken", next))
}

/// What a description and a line of a list have in common.
fn summary(item: Element, one: &ChangeSet) -> Element {
    item.text("StackId", &one.stack)
        .text("StackName", &one.stack_name)
        .text("ChangeSetId", &one.id)
        .text("ChangeSetName", &one.name)
        .text("ExecutionStatus", one.execution.name())
        .text("Status", one.status.name())
        .maybe("StatusReason", one.reason.as_ref())
        .text("CreationTime", time(one.created))
        .maybe("Description", one.description.as_ref())
        .text("IncludeNestedStacks", false)
}

fn on_failure(what: OnFailure) -> &'static str {
    match what {
        OnFailure::Rollback => "ROLLBACK",
        OnFailure::Delete => "DELETE",
        OnFailure::DoNothing => "DO_NOTHING",
    }
}

fn resource_change(change: &ResourceChange, values: bool) -> Element {
    let (action, replacement) = match change.action {
        Action::Add => ("Add", None),
        Action::Remove => ("Remove", None),
        Action::Modify(Replacement::False) => ("Modify", Some("False")),
        Action::Modify(Replacement::Conditional) => ("Modify", Some("Conditional")),
        Action::Modify(Replacement::True) => ("Modify", Some("True")),
    };
    Element::new("ResourceChange")
        .maybe("PolicyAction", change.policy.as_ref())
        .text("Action", action)
        .text("LogicalResourceId", &change.logical_id)
        .maybe("PhysicalResourceId", change.physical_id.as_ref())
        .text("ResourceType", &change.kind)
        .maybe("Replacement", replacement)
        .texts("Scope", "member", change.scope())
        .list("Details", "member", &change.details, |item, one| {
            let (source, entity) = match &one.source {
                Source::Direct => ("DirectModification", None),
                Source::Parameter(name) => ("ParameterReference", Some(name)),
                Source::Resource(name) => ("ResourceReference", Some(name)),
                Source::Attribute(name) => ("ResourceAttribute", Some(name)),
            };
            item.child(target(one, values))
                .text(
                    "Evaluation",
                    if one.is_static { "Static" } else { "Dynamic" },
                )
                .text("ChangeSource", source)
                .maybe("CausingEntity", entity)
        })
}

fn target(one: &Detail, values: bool) -> Element {
    let target = Element::new("Target")
        .text("Attribute", one.attribute())
        .maybe("Name", one.property.as_ref())
        .text("RequiresRecreation", &one.recreation);
    if !values {
        return target;
    }
    let name = one.property.as_deref().unwrap_or("Tags");
    let (before, after) = &one.values;
    let kind = match (before, after) {
        (None, Some(_)) => "Add",
        (Some(_), None) => "Remove",
        _ => "Modify",
    };
    target
        .text("Path", format!("/Properties/{name}"))
        .maybe("BeforeValue", before.as_ref())
        .maybe("AfterValue", after.as_ref())
        .text("AttributeChangeType", kind)
}
