//! What several operations take alike: templates, parameters, tags, failure options. What is done with it does not enter.

use std::collections::BTreeMap;

use crate::practice::aws::params::Params;
use crate::practice::error::AwsError;
use crate::practice::world::Tags;

/// A template in the request; no other place is there to take one from.
pub(super) fn template(params: &mut Params) -> Result<Option<String>, AwsError> {
    if params.text("TemplateURL").is_some() {
        return Err(AwsError::validation(
            "the practice account has no S3: give the template as TemplateBody",
        ));
    }
    Ok(params.text("TemplateBody"))
}

/// A template that must be there.
pub(super) fn template_body(params: &mut Params) -> Result<String, AwsError> {
    template(params)?.ok_or_else(|| {
        AwsError::validation("Either Template URL or Template Body must be specified.")
    })
}

/// A new template, or with `UsePreviousTemplate` the one that the stack has.
pub(super) fn new_template(params: &mut Params) -> Result<Option<String>, AwsError> {
    let previous = params.boolean("UsePreviousTemplate")? == Some(true);
    match (template(params)?, previous) {
        (Some(_), true) => Err(AwsError::validation(
            "You cannot specify both usePreviousTemplate and Template Body/Template URL.",
        )),
        (None, false) => Err(AwsError::validation(
            "Either Template URL or Template Body must be specified.",
        )),
        (template, _) => Ok(template),
    }
}

/// Parameters by name; none where the stack's own value is to be used.
pub(super) fn parameters(
    params: &mut Params,
) -> Result<BTreeMap<String, Option<String>>, AwsError> {
    let mut parameters = BTreeMap::new();
    for mut parameter in params.list("Parameters")? {
        let key = parameter.needed("ParameterKey")?;
        let previous = parameter.boolean("UsePreviousValue")? == Some(true);
        let value = parameter.text("ParameterValue");
        if previous && value.is_some() {
            return Err(AwsError::validation(format!(
                "Invalid input for parameter key {key}. Cannot specify usePreviousValue as true and non empty value for a parameter"
            )));
        }
        let value = (!previous).then(|| value.unwrap_or_default());
        parameters.insert(key, value);
        parameter.finish()?;
    }
    Ok(parameters)
}

/// Tags; none where nothing is said of them.
pub(super) fn tags(params: &mut Params) -> Result<Option<Tags>, AwsError> {
    if !params.has("Tags") {
        return Ok(None);
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
    Ok(Some(tags))
}

/// The service role that is named.
pub(super) fn role(params: &mut Params) -> Result<Option<String>, AwsError> {
    let role = params.text("RoleARN");
    if let Some(short) = role.as_ref().filter(|role| role.len() < 20) {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{short}' at 'roleARN' failed to satisfy constraint: Member must have length greater than or equal to 20"
        )));
    }
    Ok(role)
}

/// Says that a value is none of an enumeration's.
pub(super) fn not_among(value: &str, what: &str, values: &str) -> AwsError {
    AwsError::validation(format!(
        "1 validation error detected: Value '{value}' at '{what}' failed to satisfy constraint: Member must satisfy enum value set: [{values}]"
    ))
}
