//! Stacks, their resources, events and wait handles as records. How a stack gets on is decided elsewhere.

pub mod change_sets;
mod status;
pub mod updates;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::status::{ResourceStatus, StackStatus};
use self::updates::{Part, Update};
use super::table::Table;
use super::{Tags, World};
use crate::practice::error::AwsError;

/// A stack, deleted ones included.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stack {
    /// `arn:aws:cloudformation:…:stack/NAME/UUID`
    pub id: String,
    /// May be used again once the stack is deleted.
    pub name: String,
    /// Of the template.
    pub description: Option<String>,
    /// As it was given.
    pub template: String,
    /// In the order of the template's names.
    pub parameters: Vec<Parameter>,
    /// Given with the stack; every resource that can have tags gets them.
    pub tags: Tags,
    /// Acknowledged by the caller.
    pub capabilities: Vec<String>,
    /// What to do when something cannot be created.
    pub on_failure: OnFailure,
    /// Until creation counts as failed.
    pub timeout_minutes: Option<u32>,
    /// Of the operation that runs or ran last.
    pub client_request_token: Option<String>,
    /// Of its creation; a second request with it is the same request.
    pub creation_token: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When its last update began.
    #[serde(default)]
    pub updated: Option<Timestamp>,
    /// The update that runs, or whose rollback has failed.
    #[serde(default)]
    pub update: Option<Box<Update>>,
    /// ARN of the change set that was executed last.
    #[serde(default)]
    pub change_set: Option<String>,
    /// What each token of a client has asked for: a second request with it is the same request.
    #[serde(default)]
    pub tokens: BTreeMap<String, String>,
    /// When its deletion began.
    pub deleted: Option<Timestamp>,
    /// ARN of the service role as which CloudFormation works on it, from the operation on that has named it.
    #[serde(default)]
    pub role: Option<String>,
    /// Id of the role whose session asked for the last operation; none: the account's owner.
    #[serde(default, alias = "deleted_by")]
    pub asked_by: Option<String>,
    /// Whether it is protected against deletion.
    #[serde(default)]
    pub protected: bool,
    /// State.
    pub status: StackStatus,
    /// Why.
    pub reason: Option<String>,
    /// Once it is complete.
    pub outputs: Vec<Output>,
    /// Events so far.
    pub events: u64,
}

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Name.
    pub key: String,
    /// As given, or the default.
    pub value: String,
    /// What Systems Manager had under that name when it was looked up.
    #[serde(default)]
    pub resolved: Option<String>,
    /// Never shown.
    pub no_echo: bool,
}

/// An output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Name.
    pub key: String,
    /// Value.
    pub value: String,
    /// Free text.
    pub description: Option<String>,
}

/// What to do when something cannot be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    /// Delete what was made, keep the stack.
    Rollback,
    /// Delete what was made, and the stack.
    Delete,
    /// Leave everything as it is.
    DoNothing,
}

/// A resource of a stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Resource {
    /// ARN of its stack.
    pub stack: String,
    /// Name in the template.
    pub logical_id: String,
    /// `AWS::EC2::VPC`.
    pub kind: String,
    /// Once it has been begun.
    pub physical_id: Option<String>,
    /// State.
    pub status: ResourceStatus,
    /// Why.
    pub reason: Option<String>,
    /// When its state changed.
    pub updated: Timestamp,
    /// Logical ids that must be there first.
    pub depends_on: Vec<String>,
    /// How far the running operation has come with it.
    pub step: Step,
    /// When the next thing is to be done with it, at the earliest.
    pub due: Timestamp,
    /// When the running creation or deletion began.
    pub began: Timestamp,
    /// Resolved properties.
    pub properties: Value,
    /// Signals it waits for before it counts as created, and how many seconds at most.
    pub signals_wanted: Option<(u32, i64)>,
    /// Signals received, by their unique id: whether of success, and the reason given.
    pub signals: BTreeMap<String, (bool, String)>,
    /// Its part in the update that runs, or whose rollback has failed.
    #[serde(default)]
    pub part: Option<Part>,
}

/// How far an operation has come with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Its turn has not come.
    Idle,
    /// It is in progress; the service has not been asked yet.
    Begun,
    /// The service is changing it, in more than one step.
    Changing,
    /// The service has been asked.
    Asked,
    /// The operation is through with it.
    Over,
}

/// An event of a stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// Unique.
    pub id: String,
    /// ARN of the stack.
    pub stack: String,
    /// Name of the stack.
    pub stack_name: String,
    /// Resource, or the stack's name for the stack itself.
    pub logical_id: String,
    /// Empty before there is one.
    pub physical_id: String,
    /// `AWS::CloudFormation::Stack` for the stack itself.
    pub kind: String,
    /// When.
    pub time: Timestamp,
    /// State reached.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// Resolved properties, JSON.
    pub properties: Option<String>,
    /// Of the operation.
    pub client_request_token: Option<String>,
}

/// Where a wait condition's messages arrive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WaitHandle {
    /// Secret part of its address.
    pub token: String,
    /// ARN of its stack.
    pub stack: String,
    /// Messages by their unique id.
    pub messages: BTreeMap<String, Message>,
}

/// A message to a wait condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `SUCCESS`, else `FAILURE`.
    pub success: bool,
    /// Free text.
    pub reason: String,
    /// Free text.
    pub data: String,
}

/// Where a resource is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// In its stack, by its logical id.
    Stack,
    /// Beside it: an update has no use for it any more, and it is to be deleted.
    LeftOver,
}

impl Whereabouts {
    /// The records there.
    pub fn table(self, world: &World) -> &Table<Resource> {
        match self {
            Self::Stack => &world.resources,
            Self::LeftOver => &world.left_over,
        }
    }

    /// The records there, to change.
    pub fn table_mut(self, world: &mut World) -> &mut Table<Resource> {
        match self {
            Self::Stack => &mut world.resources,
            Self::LeftOver => &mut world.left_over,
        }
    }

    /// Resources of a stack that are recorded there, with their keys.
    pub fn of<'a>(self, world: &'a World, stack: &str) -> Vec<(&'a String, &'a Resource)> {
        self.table(world).beginning_with(&resource_key(stack, ""))
    }
}

/// Key of a resource's record.
pub fn resource_key(stack: &str, logical_id: &str) -> String {
    format!("{stack}/{logical_id}")
}

impl World {
    /// The stack with this ARN, or the one that has this name now.
    pub fn find_stack(&self, name_or_id: &str) -> Option<&Stack> {
        if name_or_id.starts_with("arn:") {
            return self.stacks.get(name_or_id);
        }
        self.stacks
            .values()
            .find(|stack| stack.name == name_or_id && stack.status != StackStatus::DeleteComplete)
    }

    /// The same, or CloudFormation's usual sentence.
    pub fn stack(&self, name_or_id: &str) -> Result<&Stack, AwsError> {
        self.find_stack(name_or_id).ok_or_else(|| {
            AwsError::validation(format!("Stack with id {name_or_id} does not exist"))
        })
    }

    /// Resources of a stack, by logical id.
    pub fn resources_of(&self, stack: &str) -> Vec<&Resource> {
        self.resources
            .beginning_with(&resource_key(stack, ""))
            .into_iter()
            .map(|(_, resource)| resource)
            .collect()
    }

    /// Events of a stack, oldest first.
    pub fn events_of(&self, stack: &str) -> Vec<(&String, &Event)> {
        self.events.beginning_with(&resource_key(stack, ""))
    }

    /// Records that a resource's state changed, and why.
    pub fn resource_event(
        &mut self,
        stack: &str,
        logical_id: &str,
        status: ResourceStatus,
        reason: Option<String>,
    ) {
        let key = resource_key(stack, logical_id);
        self.event_of(Whereabouts::Stack, &key, status, reason);
    }

    /// Records that the state of a resource, in the stack or left over, changed, and why.
    pub fn event_of(
        &mut self,
        place: Whereabouts,
        key: &str,
        status: ResourceStatus,
        reason: Option<String>,
    ) {
        let now = self.now;
        let Some(resource) = place.table_mut(self).get_mut(key) else {
            return;
        };
        resource.status = status;
        resource.reason.clone_from(&reason);
        resource.updated = now;
        let stack = resource.stack.clone();
        let subject = Subject {
            id: String::new(),
            logical_id: resource.logical_id.clone(),
            physical_id: resource.physical_id.clone().unwrap_or_default(),
            kind: resource.kind.clone(),
            properties: (!resource.properties.is_null()).then(|| resource.properties.to_string()),
        };
        let id = format!("{}-{}", subject.logical_id, self.uuid());
        self.add_event(&stack, Subject { id, ..subject }, status.name(), reason);
    }

    /// Records that a stack's state changed, and why.
    pub fn stack_event(&mut self, stack: &str, status: StackStatus, reason: Option<String>) {
        let Some(found) = self.stacks.get_mut(stack) else {
            return;
        };
        found.status = status;
        found.reason.clone_from(&reason);
        let name = found.name.clone();
        let id = self.uuid();
        self.add_event(
            stack,
            Subject {
                id,
                logical_id: name,
                physical_id: stack.to_owned(),
                kind: "AWS::CloudFormation::Stack".into(),
                properties: None,
            },
            status.name(),
            reason,
        );
    }

    fn add_event(&mut self, stack: &str, subject: Subject, status: &str, reason: Option<String>) {
        let time = self.now;
        let Some(found) = self.stacks.get_mut(stack) else {
            return;
        };
        found.events += 1;
        let key = format!("{stack}/{:08}", found.events);
        let event = Event {
            id: subject.id,
            stack: stack.to_owned(),
            stack_name: found.name.clone(),
            logical_id: subject.logical_id,
            physical_id: subject.physical_id,
            kind: subject.kind,
            time,
            status: status.to_owned(),
            reason,
            properties: subject.properties,
            client_request_token: found.client_request_token.clone(),
        };
        self.events.insert(key, event);
    }
}

/// Whom an event is about.
struct Subject {
    id: String,
    logical_id: String,
    physical_id: String,
    kind: String,
    properties: Option<String>,
}
