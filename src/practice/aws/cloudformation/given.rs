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

/// The client's token, which makes a repeated request the same request.
pub(super) fn token(params: &mut Params, name: &str) -> Result<Option<String>, AwsError> {
    let Some(token) = params.text(name) else {
        return Ok(None);
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let good =
        token.chars().all(letters) && (1..=128).contains(&token.len()) && !token.starts_with('-');
    if good {
        return Ok(Some(token));
    }
    Err(AwsError::validation(format!(
        "1 validation error detected: Value '{token}' at 'clientRequestToken' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9][-a-zA-Z0-9]*"
    )))
}

/// Nobody is told of events; that nobody shall be may be said.
pub(super) fn nobody_told(params: &mut Params) -> Result<(), AwsError> {
    match params.texts("NotificationARNs")?.first() {
        None => Ok(()),
        Some(topic) => Err(AwsError::validation(format!(
            "NotificationARNs is not supported: the practice account tells nobody of a stack's events, not {topic}"
        ))),
    }
}

/// Tags of a stack, and characters of their keys ("AWS CloudFormation quotas"; API reference, Tag).
const MAX_TAGS: usize = 50;
const MAX_KEY: usize = 128;

/// Tags; none where nothing is said of them.
pub(super) fn tags(params: &mut Params) -> Result<Option<Tags>, AwsError> {
    if !params.has("Tags") {
        return Ok(None);
    }
    let mut tags = Tags::new();
    let list = params.list("Tags")?;
    if list.len() > MAX_TAGS {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to {MAX_TAGS}"
        )));
    }
    for (number, mut tag) in (1..).zip(list) {
        let key = tag.needed("Key")?;
        let bound = match key.chars().count() {
            0 => Some("greater than or equal to 1".to_owned()),
            1..=MAX_KEY => None,
            _ => Some(format!("less than or equal to {MAX_KEY}")),
        };
        if let Some(bound) = bound {
            return Err(AwsError::validation(format!(
                "1 validation error detected: Value '{key}' at 'tags.{number}.member.key' failed to satisfy constraint: Member must have length {bound}"
            )));
        }
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
