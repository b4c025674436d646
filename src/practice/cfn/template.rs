//! A template's sections as types. Whether its parts agree with each other is decided in `check`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::document::{self, scalar};
use crate::practice::error::AwsError;

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Template {
    /// Free text.
    pub description: Option<String>,
    /// By name.
    pub parameters: BTreeMap<String, ParameterDefinition>,
    /// Two levels of keys, then a scalar or a list of them.
    pub mappings: BTreeMap<String, Value>,
    /// By name.
    pub conditions: BTreeMap<String, Value>,
    /// By logical id.
    pub resources: BTreeMap<String, ResourceDefinition>,
    /// By name.
    pub outputs: BTreeMap<String, OutputDefinition>,
}

/// A parameter as declared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParameterDefinition {
    /// `String`, `AWS::EC2::Image::Id`, …
    pub kind: String,
    /// Used when none is given.
    pub default: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Never shown.
    pub no_echo: bool,
    /// The only ones.
    pub allowed_values: Option<Vec<String>>,
    /// A regular expression that must match as a whole.
    pub allowed_pattern: Option<String>,
    /// Said when a constraint is broken.
    pub constraint_description: Option<String>,
    /// Characters.
    pub min_length: Option<usize>,
    /// Characters.
    pub max_length: Option<usize>,
    /// Of a number.
    pub min_value: Option<f64>,
    /// Of a number.
    pub max_value: Option<f64>,
}

/// A resource as declared.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceDefinition {
    /// `AWS::EC2::VPC`.
    pub kind: String,
    /// Unresolved.
    pub properties: Value,
    /// Logical ids.
    pub depends_on: Vec<String>,
    /// Made only if this condition holds.
    pub condition: Option<String>,
    /// Unresolved `ResourceSignal`: count and timeout.
    pub signals: Option<(Value, Value)>,
    /// What happens to it with its stack.
    pub deletion_policy: DeletionPolicy,
    /// What happens to it when an update replaces it.
    pub replace_policy: DeletionPolicy,
}

/// What happens to a resource when it leaves the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// Goes.
    Delete,
    /// Stays.
    Retain,
    /// Stays, but goes when its creation is rolled back.
    RetainExceptOnCreate,
    /// Goes, and a snapshot of it stays.
    Snapshot,
}

impl DeletionPolicy {
    /// Whether a resource that was made stays; not so if the very operation that made it is rolled back.
    pub fn keeps(self, made_in_vain: bool) -> bool {
        match self {
            Self::Delete | Self::Snapshot => false,
            Self::Retain => true,
            Self::RetainExceptOnCreate => !made_in_vain,
        }
    }
}

/// An output as declared.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputDefinition {
    /// Unresolved.
    pub value: Value,
    /// Free text.
    pub description: Option<String>,
    /// Shown only if this condition holds.
    pub condition: Option<String>,
}

fn wrong(what: impl std::fmt::Display) -> AwsError {
    AwsError::validation(format!("Template format error: {what}"))
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, AwsError> {
        let Value::Object(mut sections) = document::parse(text)? else {
            return Err(wrong("unsupported structure."));
        };
        if let Some(version) = sections.remove("AWSTemplateFormatVersion")
            && scalar(&version).as_deref() != Some("2010-09-09")
        {
            return Err(wrong(
                "Template format version is not supported. Use 2010-09-09.",
            ));
        }
        sections.remove("Metadata");
        let description = match sections.remove("Description") {
            None => None,
            Some(Value::String(text)) if text.len() <= 1024 => Some(text),
            Some(Value::String(_)) => {
                return Err(wrong("Description must be at most 1024 bytes long."));
            }
            Some(_) => return Err(wrong("Description must be a string.")),
        };
        let parameters = section(&mut sections, "Parameters", parameter)?;
        let mappings = section(&mut sections, "Mappings", |_, value| Ok(value))?;
        let conditions = section(&mut sections, "Conditions", |_, value| Ok(value))?;
        let resources = section(&mut sections, "Resources", resource)?;
        let outputs = section(&mut sections, "Outputs", output)?;
        if let Some(name) = sections.keys().next() {
            return Err(AwsError::validation(match name.as_str() {
                "Transform" | "Rules" | "Hooks" => {
                    format!("The practice account does not support the template section {name}")
                }
                _ => format!("Invalid template property or properties [{name}]"),
            }));
        }
        for (section, count, most) in [
            ("resources", resources.len(), 500),
            ("outputs", outputs.len(), 200),
            ("mappings", mappings.len(), 200),
        ] {
            // "AWS CloudFormation quotas".
            if count > most {
                return Err(wrong(format!(
                    "Number of {section}, {count}, is greater than maximum allowed, {most}"
                )));
            }
        }
        if resources.is_empty() {
            return Err(wrong("At least one Resources member must be defined."));
        }
        for (section, names) in [
            ("Parameters", parameters.keys().collect::<Vec<_>>()),
            ("Resources", resources.keys().collect()),
            ("Outputs", outputs.keys().collect()),
        ] {
            let bad = |name: &&&String| {
                name.is_empty()
                    || name.len() > 255
                    || !name.chars().all(|c| c.is_ascii_alphanumeric())
            };
            if let Some(name) = names.iter().find(bad) {
                return Err(wrong(format!(
                    "{section} name '{name}' is non alphanumeric."
                )));
            }
        }
        if let Some(name) = parameters.keys().find(|name| resources.contains_key(*name)) {
            return Err(wrong(format!(
                "Duplicate name '{name}' in the Parameters and Resources sections of the template"
            )));
        }
        Ok(Self {
            description,
            parameters,
            mappings,
            conditions,
            resources,
            outputs,
        })
    }
}

fn section<T>(
    sections: &mut Map<String, Value>,
    name: &str,
    read: impl Fn(&str, Value) -> Result<T, AwsError>,
) -> Result<BTreeMap<String, T>, AwsError> {
    match sections.remove(name) {
        None => Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries
            .into_iter()
            .map(|(key, value)| {
                let read = read(&key, value)?;
                Ok((key, read))
            })
            .collect(),
        Some(_) => Err(wrong(format!("{name} must be an object."))),
    }
}

fn parameter(name: &str, value: Value) -> Result<ParameterDefinition, AwsError> {
    let Value::Object(members) = value else {
        return Err(wrong(format!(
            "Every Parameters member must be an object: {name}."
        )));
    };
    let mut read = ParameterDefinition::default();
    for (key, value) in members {
        let text = || {
            scalar(&value)
                .ok_or_else(|| wrong(format!("Every {key} member must be a string. ({name})")))
        };
        let number = || {
            text()?
                .parse::<f64>()
                .map_err(|_| wrong(format!("Parameter {name}: {key} must be a number.")))
        };
        let length = || {
            text()?
                .parse::<usize>()
                .map_err(|_| wrong(format!("Parameter {name}: {key} must be a whole number.")))
        };
        match key.as_str() {
            "Type" => read.kind = text()?,
            "Default" => read.default = Some(text()?),
            "Description" => read.description = Some(text()?),
            "NoEcho" => read.no_echo = text()? == "true",
            "AllowedPattern" => read.allowed_pattern = Some(text()?),
            "ConstraintDescription" => read.constraint_description = Some(text()?),
            "MinLength" => read.min_length = Some(length()?),
            "MaxLength" => read.max_length = Some(length()?),
            "MinValue" => read.min_value = Some(number()?),
            "MaxValue" => read.max_value = Some(number()?),
            "AllowedValues" => {
                let values = value
                    .as_array()
                    .and_then(|values| values.iter().map(scalar).collect::<Option<Vec<String>>>());
                read.allowed_values = Some(values.ok_or_else(|| {
                    wrong(format!(
                        "Parameter {name}: AllowedValues must be a list of strings."
                    ))
                })?);
            }
            _ => {
                return Err(AwsError::validation(format!(
                    "Invalid template parameter property '{key}'"
                )));
            }
        }
    }
    if read.kind.is_empty() {
        return Err(wrong("Every Parameters object must contain a Type member."));
    }
    Ok(read)
}

fn resource(name: &str, value: Value) -> Result<ResourceDefinition, AwsError> {
    let object = || {
        wrong(format!(
            "[/Resources/{name}] resource definition is malformed"
        ))
    };
    let Value::Object(mut members) = value else {
        return Err(object());
    };
    let Some(kind) = members.remove("Type").as_ref().and_then(scalar) else {
        return Err(wrong(format!(
            "[/Resources/{name}] Every Resources object must contain a Type member."
        )));
    };
    let properties = match members.remove("Properties") {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(properties @ Value::Object(_)) => properties,
        Some(_) => return Err(object()),
    };
    let depends_on = match members.remove("DependsOn") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many
            .iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("Every DependsOn value must be a string."))?,
        Some(_) => return Err(wrong("Every DependsOn value must be a string.")),
    };
    let condition = match members.remove("Condition") {
        None => None,
        Some(Value::String(condition)) => Some(condition),
        Some(_) => return Err(wrong("Every Condition member must be a string.")),
    };
    let deletion_policy = policy(
        name,
        &kind,
        "DeletionPolicy",
        members.remove("DeletionPolicy"),
    )?;
    let replace_policy = members.remove("UpdateReplacePolicy");
    let replace_policy = policy(name, &kind, "UpdateReplacePolicy", replace_policy)?;
    let signals = creation_policy(name, members.remove("CreationPolicy"))?;
    // Free data, for whoever reads the template.
    members.remove("Metadata");
    if let Some(other) = members.keys().next() {
        return Err(AwsError::validation(if other == "UpdatePolicy" {
            format!("{other} of {name}: the practice account does not support it")
        } else {
            format!("Invalid template resource property '{other}'")
        }));
    }
    Ok(ResourceDefinition {
        kind,
        properties,
        depends_on,
        condition,
        signals,
        deletion_policy,
        replace_policy,
    })
}

fn policy(
    name: &str,
    kind: &str,
    key: &str,
    policy: Option<Value>,
) -> Result<DeletionPolicy, AwsError> {
    let Some(policy) = policy else {
        return Ok(DeletionPolicy::Delete);
    };
    match (scalar(&policy).as_deref(), key) {
        (Some("Delete"), _) => Ok(DeletionPolicy::Delete),
        (Some("Retain"), _) => Ok(DeletionPolicy::Retain),
        (Some("RetainExceptOnCreate"), "DeletionPolicy") => {
            Ok(DeletionPolicy::RetainExceptOnCreate)
        }
        (Some("Snapshot"), "DeletionPolicy") if kind == "AWS::EC2::Volume" => {
            Ok(DeletionPolicy::Snapshot)
        }
        (Some("Snapshot"), "DeletionPolicy") => Err(wrong(format!(
            "Template error: resource type {kind} does not support deletion policy Snapshot"
        ))),
        (other, key) => Err(wrong(format!(
            "Unrecognized {key} {} for resource {name}",
            other.unwrap_or_default()
        ))),
    }
}

fn creation_policy(name: &str, policy: Option<Value>) -> Result<Option<(Value, Value)>, AwsError> {
    let unsupported = |key: &str| {
        AwsError::validation(format!(
            "CreationPolicy of {name}: the practice account does not support {key}"
        ))
    };
    let Some(policy) = policy else {
        return Ok(None);
    };
    let Value::Object(mut members) = policy else {
        return Err(wrong(format!(
            "CreationPolicy of {name} must be an object."
        )));
    };
    let signal = members.remove("ResourceSignal").unwrap_or(Value::Null);
    if let Some(key) = members.keys().next() {
        return Err(unsupported(key));
    }
    let mut signal = match signal {
        Value::Object(members) => members,
        Value::Null => Map::new(),
        _ => {
            return Err(wrong(format!(
                "ResourceSignal of {name} must be an object."
            )));
        }
    };
    // One signal within five minutes unless said otherwise (CloudFormation user guide, "CreationPolicy attribute").
    let count = signal.remove("Count").unwrap_or_else(|| 1.into());
    let timeout = signal.remove("Timeout").unwrap_or_else(|| "PT5M".into());
    match signal.keys().next() {
        Some(key) => Err(unsupported(key)),
        None => Ok(Some((count, timeout))),
    }
}

fn output(name: &str, value: Value) -> Result<OutputDefinition, AwsError> {
    let Value::Object(mut members) = value else {
        return Err(wrong(format!("Output {name} is malformed.")));
    };
    let Some(value) = members.remove("Value") else {
        return Err(wrong(format!(
            "Every Outputs member must contain a Value object. ({name})"
        )));
    };
    let description = members.remove("Description").as_ref().and_then(scalar);
    let condition = members.remove("Condition").as_ref().and_then(scalar);
    if let Some(key) = members.keys().next() {
        return Err(AwsError::validation(format!(
            "Output {name}: the practice account does not support {key}"
        )));
    }
    Ok(OutputDefinition {
        value,
        description,
        condition,
    })
}
