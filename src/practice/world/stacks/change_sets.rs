//! Change sets as records: what would change in a stack, and what it would be made from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::OnFailure;
use super::updates::Version;
use crate::practice::error::AwsError;
use crate::practice::world::World;

/// A change set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeSet {
    /// `arn:aws:cloudformation:…:changeSet/NAME/UUID`
    pub id: String,
    /// Unique in its stack.
    pub name: String,
    /// ARN of its stack.
    pub stack: String,
    /// Name of its stack.
    pub stack_name: String,
    /// Free text.
    pub description: Option<String>,
    /// Whether it creates its stack.
    pub creates: bool,
    /// When it was asked for.
    pub created: Timestamp,
    /// Makes the request idempotent.
    pub token: Option<String>,
    /// What the stack would be made from.
    pub version: Version,
    /// ARN of the service role that the stack gets with it.
    #[serde(default)]
    pub role: Option<String>,
    /// What to do when something fails on the way; none: as the stack says.
    pub on_failure: Option<OnFailure>,
    /// State.
    pub status: ChangeSetStatus,
    /// Why.
    pub reason: Option<String>,
    /// Whether it can be executed.
    pub execution: Execution,
    /// When its state changes, if it is not settled.
    pub due: Timestamp,
    /// What would change, by logical id.
    pub changes: Vec<ResourceChange>,
}

/// State of a change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeSetStatus {
    /// Asked for.
    CreatePending,
    /// Being worked out.
    CreateInProgress,
    /// Worked out.
    CreateComplete,
    /// Changes nothing, or cannot be done.
    Failed,
}

impl ChangeSetStatus {
    /// As CloudFormation names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreatePending => "CREATE_PENDING",
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::CreateComplete => "CREATE_COMPLETE",
            Self::Failed => "FAILED",
        }
    }

    /// Whether it is still being made.
    pub fn in_progress(self) -> bool {
        matches!(self, Self::CreatePending | Self::CreateInProgress)
    }
}

/// Whether a change set can be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Execution {
    /// Not (yet).
    Unavailable,
    /// It can.
    Available,
    /// It is being executed.
    InProgress,
    /// It has been.
    Complete,
    /// It has been, in vain.
    Failed,
    /// The stack has changed since.
    Obsolete,
}

impl Execution {
    /// As CloudFormation names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "UNAVAILABLE",
            Self::Available => "AVAILABLE",
            Self::InProgress => "EXECUTE_IN_PROGRESS",
            Self::Complete => "EXECUTE_COMPLETE",
            Self::Failed => "EXECUTE_FAILED",
            Self::Obsolete => "OBSOLETE",
        }
    }
}

/// What would happen to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceChange {
    /// Name in the template.
    pub logical_id: String,
    /// Of one that is there.
    pub physical_id: Option<String>,
    /// `AWS::EC2::VPC`.
    pub kind: String,
    /// What.
    pub action: Action,
    /// What becomes of one that goes: `Delete`, `Retain`, `ReplaceAndDelete`, `ReplaceAndRetain`.
    pub policy: Option<String>,
    /// What of it.
    pub details: Vec<Detail>,
}

/// What would happen to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// It is made.
    Add,
    /// It is changed, and replaced or not.
    Modify(Replacement),
    /// It is deleted.
    Remove,
}

/// Whether a resource that is changed is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Replacement {
    /// It stays the same one.
    False,
    /// Not known before.
    Conditional,
    /// A new one is made.
    True,
}

/// Why something of a resource would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Name of the property; none for tags.
    pub property: Option<String>,
    /// `Never`, `Conditionally`, `Always`.
    pub recreation: String,
    /// Whether it is certain.
    pub is_static: bool,
    /// Where the change comes from.
    pub source: Source,
    /// JSON of the value before and after; none where it is not there or not known.
    pub values: (Option<String>, Option<String>),
}

/// Where a change comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The template itself.
    Direct,
    /// A parameter.
    Parameter(String),
    /// `Ref` of a resource.
    Resource(String),
    /// `Fn::GetAtt` of a resource: `Name.Attribute`.
    Attribute(String),
}

impl ResourceChange {
    /// What of it would change: `Properties`, `Tags`.
    pub fn scope(&self) -> Vec<&'static str> {
        let mut scope = Vec::new();
        for detail in &self.details {
            let attribute = detail.attribute();
            if !scope.contains(&attribute) {
                scope.push(attribute);
            }
        }
        scope
    }
}

impl Detail {
    /// `Properties` or `Tags`.
    pub fn attribute(&self) -> &'static str {
        if self.property.is_some() {
            "Properties"
        } else {
            "Tags"
        }
    }
}

impl World {
    /// Change sets of a stack.
    pub fn change_sets_of<'a>(&'a self, stack: &'a str) -> impl Iterator<Item = &'a ChangeSet> {
        self.change_sets
            .values()
            .filter(move |one| one.stack == stack)
    }

    /// The change set with this ARN, or the one with this name in this stack.
    pub fn find_change_set(&self, stack: Option<&str>, name: &str) -> Option<&ChangeSet> {
        if name.starts_with("arn:") {
            return self.change_sets.get(name);
        }
        let stack = &self.find_stack(stack?)?.id;
        self.change_sets_of(stack).find(|one| one.name == name)
    }

    /// The same, or CloudFormation's sentence.
    pub fn change_set(&self, stack: Option<&str>, name: &str) -> Result<&ChangeSet, AwsError> {
        if !name.starts_with("arn:") {
            let Some(stack) = stack else {
                return Err(AwsError::validation(
                    "StackName must be specified if ChangeSetName is not specified as an ARN.",
                ));
            };
            if self.find_stack(stack).is_none() {
                return Err(AwsError::validation(format!(
                    "Stack [{stack}] does not exist"
                )));
            }
        }
        self.find_change_set(stack, name).ok_or_else(|| {
            AwsError::with_status(
                404,
                "ChangeSetNotFound",
                format!("ChangeSet [{name}] does not exist"),
            )
        })
    }
}
