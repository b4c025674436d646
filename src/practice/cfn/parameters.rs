//! The values that a stack's parameters have: given ones and defaults, held against their declarations.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::template::{ParameterDefinition, Template};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::images::public_parameter;

/// Limits of template parameters ("AWS CloudFormation quotas").
const MAX_PARAMETERS: usize = 200;
const MAX_VALUE: usize = 4096;
/// Bytes of a compiled pattern: a hundred times what one for an address takes, and little enough for two hundred of them.
const PATTERN_MAX: usize = 256 * 1024;

/// A parameter's text and what `Ref` gives: a string, or a list for list types.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterValue {
    /// As given.
    pub text: String,
    /// What Systems Manager has under that name, for types that are looked up there.
    pub resolved: Option<String>,
    /// As referred to.
    pub value: Value,
}

/// Resolves all parameters of a template; `existing` is asked whether AWS-specific values exist.
pub fn resolve(
    template: &Template,
    given: &BTreeMap<String, String>,
    existing: &World,
) -> Result<BTreeMap<String, ParameterValue>, AwsError> {
    if template.parameters.len() > MAX_PARAMETERS {
        return Err(AwsError::validation(format!(
            "Template format error: Number of parameters, {}, is greater than maximum allowed, {MAX_PARAMETERS}",
            template.parameters.len()
        )));
    }
    let unknown: Vec<&str> = given
        .keys()
        .map(String::as_str)
        .filter(|name| !template.parameters.contains_key(*name))
        .collect();
    if !unknown.is_empty() {
        return Err(AwsError::validation(format!(
            "Parameters: [{}] do not exist in the template",
            unknown.join(", ")
        )));
    }
    let mut missing = Vec::new();
    let mut values = BTreeMap::new();
    for (name, definition) in &template.parameters {
        let Some(text) = given.get(name).or(definition.default.as_ref()) else {
            missing.push(name.as_str());
            continue;
        };
        values.insert(name.clone(), value(name, definition, text, existing)?);
    }
    if !missing.is_empty() {
        return Err(AwsError::validation(format!(
            "Parameters: [{}] must have values",
            missing.join(", ")
        )));
    }
    Ok(values)
}

/// Checks the type of a declared parameter, and its default.
pub fn check(name: &str, definition: &ParameterDefinition) -> Result<(), AwsError> {
    let (element, _) = element(&definition.kind);
    let stored = definition.kind == STORED_NAME;
    if !(stored || matches!(element, "String" | "Number") || existing_kind(element)) {
        return Err(AwsError::validation(format!(
            "Template format error: Unrecognized parameter type: {}",
            definition.kind
        )));
    }
    if let Some(pattern) = &definition.allowed_pattern {
        whole(pattern).map_err(|_| {
            AwsError::validation(format!(
                "Template format error: Parameter {name}: AllowedPattern is not a regular expression"
            ))
        })?;
    }
    Ok(())
}

/// Type of the name of a parameter of Systems Manager.
const STORED_NAME: &str = "AWS::SSM::Parameter::Name";

/// The type of what Systems Manager has under the name that is given, for types that are looked up there.
fn stored(kind: &str) -> Option<&str> {
    kind.strip_prefix("AWS::SSM::Parameter::Value<")?
        .strip_suffix('>')
}

/// The type of one element, and whether the parameter is a list of them.
fn element(kind: &str) -> (&str, bool) {
    match stored(kind).unwrap_or(kind) {
        "CommaDelimitedList" => ("String", true),
        kind => kind
            .strip_prefix("List<")
            .and_then(|kind| kind.strip_suffix('>'))
            .map_or((kind, false), |element| (element, true)),
    }
}

fn existing_kind(kind: &str) -> bool {
    matches!(
        kind,
        "AWS::EC2::AvailabilityZone::Name"
            | "AWS::EC2::Image::Id"
            | "AWS::EC2::Instance::Id"
            | "AWS::EC2::KeyPair::KeyName"
            | "AWS::EC2::SecurityGroup::Id"
            | "AWS::EC2::SecurityGroup::GroupName"
            | "AWS::EC2::Subnet::Id"
            | "AWS::EC2::VPC::Id"
            | "AWS::EC2::Volume::Id"
    )
}

fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(PATTERN_MAX)
        .build()
}

fn value(
    name: &str,
    definition: &ParameterDefinition,
    text: &str,
    existing: &World,
) -> Result<ParameterValue, AwsError> {
    let (kind, list) = element(&definition.kind);
    let looked_up = stored(&definition.kind).is_some();
    if text.len() > MAX_VALUE {
        return Err(AwsError::validation(format!(
            "Parameter '{name}' must contain at most {MAX_VALUE} bytes"
        )));
    }
    let is_stored_name = looked_up || definition.kind == STORED_NAME;
    let resolved = if is_stored_name {
        Some(public_parameter(text).ok_or_else(|| {
            AwsError::validation(format!(
                "Unable to fetch parameters [{text}] from parameter store for this account."
            ))
        })?)
    } else {
        None
    };
    let resolved = resolved.filter(|_| looked_up);
    if !list || looked_up {
        constraints(name, definition, text)?;
    }
    if looked_up {
        allowed(name, definition, text)?;
    }
    let checked = resolved.as_deref().unwrap_or(text);
    let parts: Vec<&str> = if list {
        checked.split(',').map(str::trim).collect()
    } else {
        vec![checked]
    };
    for part in &parts {
        if !looked_up {
            allowed(name, definition, part)?;
        }
        if kind == "Number" && part.parse::<f64>().is_err() {
            return Err(AwsError::validation(format!(
                "Parameter '{name}' must be a number."
            )));
        }
        if existing_kind(kind) && !exists(existing, kind, part) {
            return Err(AwsError::validation(format!(
                "Parameter validation failed: parameter value {part} for parameter name {name} does not exist. Rollback requested by user."
            )));
        }
    }
    Ok(known(definition, text, resolved))
}

fn allowed(name: &str, definition: &ParameterDefinition, value: &str) -> Result<(), AwsError> {
    match &definition.allowed_values {
        Some(allowed) if !allowed.iter().any(|one| one == value) => {
            let said = format!(
                "Parameter '{name}' must be one of AllowedValues [{}]",
                allowed.join(", ")
            );
            Err(broken(name, definition, said))
        }
        _ => Ok(()),
    }
}

/// The value of a parameter that has been checked, and looked up, already.
pub fn known(
    definition: &ParameterDefinition,
    text: &str,
    resolved: Option<String>,
) -> ParameterValue {
    let meant = resolved.as_deref().unwrap_or(text);
    let value = if element(&definition.kind).1 {
        meant
            .split(',')
            .map(|part| Value::from(part.trim()))
            .collect()
    } else {
        Value::from(meant)
    };
    ParameterValue {
        text: text.to_owned(),
        resolved,
        value,
    }
}

fn broken(name: &str, definition: &ParameterDefinition, said: String) -> AwsError {
    AwsError::validation(match &definition.constraint_description {
        Some(why) => format!("Parameter {name} failed to satisfy constraint: {why}"),
        None => said,
    })
}

fn constraints(name: &str, definition: &ParameterDefinition, text: &str) -> Result<(), AwsError> {
    let refuse = |said: String| Err(broken(name, definition, said));
    let length = text.chars().count();
    if let Some(least) = definition.min_length.filter(|least| length < *least) {
        return refuse(format!(
            "Parameter '{name}' must contain at least {least} characters"
        ));
    }
    if let Some(most) = definition.max_length.filter(|most| length > *most) {
        return refuse(format!(
            "Parameter '{name}' must contain at most {most} characters"
        ));
    }
    if let Some(pattern) = &definition.allowed_pattern
        && !whole(pattern).is_ok_and(|whole| whole.is_match(text))
    {
        return refuse(format!("Parameter '{name}' must match pattern {pattern}"));
    }
    if let Ok(number) = text.parse::<f64>() {
        if let Some(least) = definition.min_value.filter(|least| number < *least) {
            return refuse(format!(
                "Parameter '{name}' must be a number not less than {least}"
            ));
        }
        if let Some(most) = definition.max_value.filter(|most| number > *most) {
            return refuse(format!(
                "Parameter '{name}' must be a number not greater than {most}"
            ));
        }
    }
    Ok(())
}

fn exists(world: &World, kind: &str, value: &str) -> bool {
    match kind {
        "AWS::EC2::AvailabilityZone::Name" => world.place.zone(value).is_some(),
        // Any well-formed id: the textbook's images of 2018 can be launched too.
        "AWS::EC2::Image::Id" => value.strip_prefix("ami-").is_some_and(|digits| {
            matches!(digits.len(), 8 | 17) && digits.chars().all(|c| c.is_ascii_hexdigit())
        }),
        "AWS::EC2::Instance::Id" => world.instances.contains(value),
        "AWS::EC2::KeyPair::KeyName" => world.key_pairs.contains(value),
        "AWS::EC2::SecurityGroup::Id" => world.groups.contains(value),
        "AWS::EC2::SecurityGroup::GroupName" => {
            world.groups.values().any(|group| group.name == value)
        }
        "AWS::EC2::Subnet::Id" => world.subnets.contains(value),
        "AWS::EC2::VPC::Id" => world.vpcs.contains(value),
        "AWS::EC2::Volume::Id" => world.volumes.contains(value),
        _ => true,
    }
}
