//! CloudFormation's operations on templates: ValidateTemplate, GetTemplate, GetTemplateSummary.

use super::given;
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::cfn::template::{ParameterDefinition, Template};
use crate::practice::cfn::{capabilities, check, start};
use crate::practice::error::AwsError;
use crate::practice::world::World;

pub(super) fn validate(
    _: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let body = given::template_body(params)?;
    start::check_size(&body)?;
    let template = Template::parse(&body)?;
    check::template(&template)?;
    let result = match capabilities::needed(template.resources.values()) {
        Some(needed) => result
            .texts("Capabilities", "member", [needed.capability])
            .text("CapabilitiesReason", needed.reason()),
        None => result,
    };
    Ok(result
        .maybe("Description", template.description.as_ref())
        .list(
            "Parameters",
            "member",
            &template.parameters,
            |item, (name, definition)| declared(item, name, definition),
        ))
}

fn declared(item: Element, name: &str, definition: &ParameterDefinition) -> Element {
    item.text("ParameterKey", name)
        .maybe("DefaultValue", definition.default.as_ref())
        .text("NoEcho", definition.no_echo)
        .maybe("Description", definition.description.as_ref())
}

pub(super) fn get(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    // Nothing transforms a template here, so both stages are the same text.
    match params.text("TemplateStage").as_deref() {
        None | Some("Original" | "Processed") => {}
        Some(other) => {
            return Err(given::not_among(
                other,
                "templateStage",
                "Original, Processed",
            ));
        }
    }
    let stack = params.text("StackName");
    let template = match params.text("ChangeSetName") {
        Some(name) => &world.change_set(stack.as_deref(), &name)?.version.template,
        None => {
            &world
                .stack(&stack.ok_or_else(|| params.missing("StackName"))?)?
                .template
        }
    };
    Ok(result.text("TemplateBody", template).texts(
        "StagesAvailable",
        "member",
        ["Original", "Processed"],
    ))
}

pub(super) fn summary(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let body = match (params.text("StackName"), given::template(params)?) {
        (Some(_), Some(_)) => {
            return Err(AwsError::validation(
                "You can specify only one of the following parameters: StackName, TemplateBody, TemplateURL.",
            ));
        }
        (Some(name), None) => world.stack(&name)?.template.clone(),
        (None, Some(body)) => body,
        (None, None) => {
            return Err(AwsError::validation(
                "Either StackName, Template URL or Template Body must be specified.",
            ));
        }
    };
    start::check_size(&body)?;
    let template = Template::parse(&body)?;
    check::template(&template)?;
    let mut kinds: Vec<&str> = template
        .resources
        .values()
        .map(|one| one.kind.as_str())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    Ok(result
        .list(
            "Parameters",
            "member",
            &template.parameters,
            |item, (name, definition)| {
                let allowed = definition.allowed_values.iter().flatten();
                declared(item, name, definition)
                    .text("ParameterType", &definition.kind)
                    .child(Element::new("ParameterConstraints").texts(
                        "AllowedValues",
                        "member",
                        allowed,
                    ))
            },
        )
        .maybe("Description", template.description.as_ref())
        .texts("ResourceTypes", "member", kinds)
        .text("Version", "2010-09-09"))
}
