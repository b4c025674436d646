//! The CloudFormation template, merged from one fragment per chapter listing. Pure: text in, text out.

mod assets;
mod conditions;
mod graph;
mod merge;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_yaml::Value;
use serde_yaml::value::TaggedValue;

pub use assets::{file, files, fragment, fragments, purpose, script, scripts};
pub use conditions::Given;

/// `CreateStack` takes no longer `TemplateBody` than this, in bytes.
pub const TEMPLATE_LIMIT: usize = 51_200;

/// EC2 takes no longer user data than this, in bytes before base64.
pub const USER_DATA_LIMIT: usize = 16 * 1024;

/// Bytes to allow for what replaces one `${…}`: the longest is the wait handle's presigned URL, about 400.
const SUBSTITUTED: usize = 512;

/// How much of the stack stands. Stages are cumulative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Network, filesystem, mount targets, instances.
    Share,
    /// And alarms.
    Alarms,
    /// And the backup volume, its role and attachment.
    Backup,
}

impl Stage {
    /// How far a complete stack stands, by the names of its outputs: each stage adds one of its own.
    pub fn of_outputs<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let told = |name| match name {
            "BackupVolumeId" => Self::Backup,
            "CreditsAlarm" => Self::Alarms,
            _ => Self::Share,
        };
        names.into_iter().map(told).max().unwrap_or(Self::Share)
    }

    /// Whether CloudFormation wants to be told that the template makes roles.
    #[must_use]
    pub fn makes_roles(self) -> bool {
        self >= Self::Backup
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Share => "share",
            Self::Alarms => "alarms",
            Self::Backup => "backup",
        })
    }
}

/// Why there is no template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A fragment is no YAML.
    #[error("the fragment {fragment} is not valid YAML")]
    Syntax {
        /// Its name.
        fragment: String,
        /// Line and column.
        source: serde_yaml::Error,
    },
    /// Two fragments say different things.
    #[error("the fragments {first} and {second} disagree about {path}")]
    Clash {
        /// Keys from the root, joined by dots.
        path: String,
        /// The fragment that said it first.
        first: String,
        /// The one that contradicts it.
        second: String,
    },
    /// An `!Include` of a file that is not embedded.
    #[error("the fragment {fragment} includes {path}, which is no script of assets/scripts")]
    UnknownInclude {
        /// The fragment's name.
        fragment: String,
        /// As it is written there.
        path: String,
    },
    /// A reference to nothing.
    #[error("{resource} refers to {name}, which no fragment declares")]
    UnknownReference {
        /// Logical id of the resource.
        resource: String,
        /// The missing name.
        name: String,
    },
    /// Resources that need each other.
    #[error("these resources wait for each other: {}", .resources.join(", "))]
    Cycle {
        /// Logical ids.
        resources: Vec<String>,
    },
    /// Longer than CloudFormation takes.
    #[error("the template has {0} bytes, CloudFormation takes {TEMPLATE_LIMIT}")]
    TooLong(usize),
    /// Longer than EC2 takes.
    #[error("the user data of {resource} may reach {bytes} bytes, EC2 takes {USER_DATA_LIMIT}")]
    UserDataTooLong {
        /// Logical id of the instance.
        resource: String,
        /// Upper estimate.
        bytes: usize,
    },
    /// The merged value cannot be written as YAML.
    #[error("the template cannot be written")]
    Write(#[source] serde_yaml::Error),
}

/// One resource of the template, for the progress view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceInfo {
    /// `MountTargetA`.
    pub logical_id: String,
    /// `AWS::EFS::MountTarget`.
    pub kind: String,
    /// Logical ids of the resources that must stand first, explicit and by reference.
    pub depends_on: Vec<String>,
    /// A few words; empty when `assets/stack/purposes.yaml` has none.
    pub purpose: &'static str,
}

/// The template of a stage: one YAML document, the same bytes every time.
///
/// # Errors
/// When the embedded fragments do not make a template that AWS would take.
pub fn render(stage: Stage) -> Result<String, TemplateError> {
    let template = merged(stage)?;
    graph::in_creation_order(&template)?;
    check_user_data(&template)?;
    let text = serde_yaml::to_string(&template).map_err(TemplateError::Write)?;
    if text.len() > TEMPLATE_LIMIT {
        return Err(TemplateError::TooLong(text.len()));
    }
    Ok(text)
}

/// The template of the guard, which is a stack of its own: it removes the lab when its lease is over. It makes a role.
///
/// # Errors
/// When the embedded file does not make a template that AWS would take.
pub fn guard() -> Result<String, TemplateError> {
    let (name, text) = assets::GUARD;
    let template = parse(name, text)?;
    graph::in_creation_order(&template)?;
    let text = serde_yaml::to_string(&template).map_err(TemplateError::Write)?;
    // CloudFormation reads YAML 1.1, where a plain OFF is false; what is written here is 1.2, where it is a word.
    let text = text.replace("Mode: OFF\n", "Mode: \"OFF\"\n");
    if text.len() > TEMPLATE_LIMIT {
        return Err(TemplateError::TooLong(text.len()));
    }
    Ok(text)
}

/// The resources of a stage, each after those it depends on: those that a stack with these parameters makes.
///
/// # Errors
/// As [`render`].
pub fn resources(stage: Stage, given: &Given) -> Result<Vec<ResourceInfo>, TemplateError> {
    let template = merged(stage)?;
    let is_made = |id: &str| {
        let resource = template.get("Resources").and_then(|all| all.get(id));
        resource.is_none_or(|resource| conditions::is_made(&template, resource, given))
    };
    Ok(graph::in_creation_order(&template)?
        .into_iter()
        .filter(|node| is_made(&node.logical_id))
        .map(|node| ResourceInfo {
            purpose: purpose(&node.logical_id).unwrap_or_default(),
            depends_on: node
                .depends_on
                .into_iter()
                .filter(|id| is_made(id))
                .collect(),
            logical_id: node.logical_id,
            kind: node.kind,
        })
        .collect())
}

/// The fragments of a stage with their scripts, as one value.
fn merged(stage: Stage) -> Result<Value, TemplateError> {
    let parsed = assets::of_stage(stage)
        .iter()
        .map(|(name, text)| parse(name, text).map(|value| (*name, value)))
        .collect::<Result<Vec<_>, _>>()?;
    merge::merge(&parsed)
}

/// Parses one fragment and puts its scripts in place.
fn parse(name: &str, text: &str) -> Result<Value, TemplateError> {
    let value = serde_yaml::from_str(text).map_err(|source| TemplateError::Syntax {
        fragment: name.to_owned(),
        source,
    })?;
    include(name, value)
}

/// Replaces every `!Include PATH` by the text of that script.
fn include(fragment: &str, value: Value) -> Result<Value, TemplateError> {
    Ok(match value {
        Value::Tagged(tagged) if tagged.tag == "Include" => {
            let path = tagged.value.as_str().unwrap_or_default();
            assets::included(path)
                .ok_or_else(|| TemplateError::UnknownInclude {
                    fragment: fragment.to_owned(),
                    path: path.to_owned(),
                })?
                .into()
        }
        Value::Tagged(tagged) => Value::Tagged(Box::new(TaggedValue {
            tag: tagged.tag,
            value: include(fragment, tagged.value)?,
        })),
        Value::Mapping(mapping) => Value::Mapping(
            mapping
                .into_iter()
                .map(|(key, value)| Ok((key, include(fragment, value)?)))
                .collect::<Result<_, TemplateError>>()?,
        ),
        Value::Sequence(list) => Value::Sequence(
            list.into_iter()
                .map(|value| include(fragment, value))
                .collect::<Result<_, _>>()?,
        ),
        scalar => scalar,
    })
}

/// Refuses user data that could grow over EC2's limit once its references are filled in.
fn check_user_data(template: &Value) -> Result<(), TemplateError> {
    let resources = template.get("Resources").and_then(Value::as_mapping);
    for (id, resource) in resources.into_iter().flatten() {
        let user_data = resource
            .get("Properties")
            .and_then(|properties| properties.get("UserData"));
        let bytes = user_data.map_or(0, length);
        if bytes > USER_DATA_LIMIT {
            return Err(TemplateError::UserDataTooLong {
                resource: id.as_str().unwrap_or_default().to_owned(),
                bytes,
            });
        }
    }
    Ok(())
}

/// Upper estimate of the bytes that a value made of `Join`, `Sub` and text becomes.
fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Sequence(list) => list.iter().map(length).sum(),
        Value::Mapping(mapping) => mapping.values().map(length).sum(),
        Value::Tagged(tagged) => {
            let names = tagged
                .value
                .as_str()
                .map_or(1, |text| graph::placeholders(text).count());
            length(&tagged.value) + names * SUBSTITUTED
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
