//! The resource types the stack engine knows: one small unit each, one file per family.
//!
//! A unit says which properties and attributes its type has, and creates and deletes through the world's rules.

mod acl;
mod filesystem;
mod guards;
mod identity;
mod instance;
mod monitoring;
mod network;
mod notification;
mod security;
mod volume;
mod wait;

pub use volume::keep as keep_snapshot;
pub use wait::token as handle_token;

use jiff::Timestamp;
use serde_json::Value;

use super::schema::{Properties, Property};
use crate::practice::error::AwsError;
use crate::practice::world::stacks::Resource;
use crate::practice::world::{Tags, World};

/// A resource type.
pub struct ResourceType {
    /// `AWS::EC2::VPC`.
    pub name: &'static str,
    /// Properties it may have.
    pub properties: &'static [Property],
    /// What `Fn::GetAtt` can ask for.
    pub attributes: &'static [&'static str],
    /// Begins to make one. Answers with its physical id.
    pub create: fn(&mut World, &Request) -> Result<String, AwsError>,
    /// Whether it is there.
    pub settled: fn(&World, &Resource) -> Settled,
    /// An attribute of one that is there.
    pub attribute: fn(&World, &Resource, &str) -> Option<Value>,
    /// Brings one that is there to properties which do not replace it; none where only tags can be changed. Called again until it is done, perhaps by a
    /// program that was started meanwhile: how far it has come is read from the world.
    pub update: Option<InPlace>,
    /// Its tags, of types whose tags can be changed.
    pub tags: Option<for<'a> fn(&'a mut World, &str) -> Option<&'a mut Tags>>,
    /// Begins to delete it. One that is gone already counts as deleted.
    pub delete: fn(&mut World, &Resource) -> Result<(), AwsError>,
    /// Whether it is gone.
    pub gone: fn(&World, &Resource) -> bool,
}

/// Changes one in place, as far as that can get by now.
pub type InPlace = fn(&mut World, &Change) -> Result<Progress, AwsError>;

/// What is to be made.
pub struct Request<'a> {
    /// Resolved.
    pub properties: Properties<'a>,
    /// The stack's, CloudFormation's own, and the resource's; without those of types that have none.
    pub tags: Tags,
    /// ARN of the stack.
    pub stack: &'a str,
    /// Name of the stack.
    pub stack_name: &'a str,
    /// Name in the template.
    pub logical_id: &'a str,
}

/// What is to be changed in place. Tags are not among it: the engine changes them itself.
pub struct Change<'a> {
    /// As it is recorded.
    pub resource: &'a Resource,
    /// Resolved, as it was made or changed last.
    pub before: Properties<'a>,
    /// Resolved, as it is to be.
    pub after: Properties<'a>,
    /// Names of properties that differ.
    pub changed: &'a [&'static str],
    /// Whether this is the first call.
    pub first: bool,
}

impl Change<'_> {
    /// Whether one of these properties differs.
    fn touches(&self, names: &[&str]) -> bool {
        self.changed.iter().any(|name| names.contains(name))
    }
}

/// How far a change in place has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It is done.
    Done,
    /// Call again when anything changes.
    Waiting,
}

/// Whether something that was begun is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is.
    Yes,
    /// Not yet; look again then, or when anything changes.
    NotYet(Option<Timestamp>),
    /// It will never be.
    Failed(String),
}

/// All types.
static TYPES: &[&ResourceType] = &[
    &network::VPC,
    &network::INTERNET_GATEWAY,
    &network::GATEWAY_ATTACHMENT,
    &network::SUBNET,
    &network::ROUTE_TABLE,
    &network::ROUTE,
    &network::SUBNET_ROUTE_TABLE_ASSOCIATION,
    &acl::NETWORK_ACL,
    &acl::ENTRY,
    &acl::SUBNET_ASSOCIATION,
    &security::SECURITY_GROUP,
    &security::INGRESS,
    &security::EGRESS,
    &security::KEY_PAIR,
    &instance::INSTANCE,
    &volume::VOLUME,
    &volume::VOLUME_ATTACHMENT,
    &filesystem::FILE_SYSTEM,
    &filesystem::MOUNT_TARGET,
    &monitoring::ALARM,
    &notification::TOPIC,
    &notification::SUBSCRIPTION,
    &identity::ROLE,
    &identity::POLICY,
    &identity::MANAGED_POLICY,
    &identity::INSTANCE_PROFILE,
    &guards::STATE_MACHINE,
    &guards::SCHEDULE,
    &wait::HANDLE,
    &wait::CONDITION,
];

/// The type with this name.
pub fn find(name: &str) -> Option<&'static ResourceType> {
    TYPES.iter().copied().find(|kind| kind.name == name)
}

/// Names of all types.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|kind| kind.name)
}

/// For types that are there as soon as they are made.
fn at_once(_: &World, _: &Resource) -> Settled {
    Settled::Yes
}

/// For types that are gone as soon as they are deleted.
fn gone_at_once(_: &World, _: &Resource) -> bool {
    true
}

/// For types without attributes.
fn no_attribute(_: &World, _: &Resource, _: &str) -> Option<Value> {
    None
}

/// For types whose only attribute is their physical id.
fn own_id(_: &World, resource: &Resource, _: &str) -> Option<Value> {
    resource.physical_id.clone().map(Value::from)
}

/// What was not found is gone, which is what a deletion wants.
fn gone_is_deleted(result: Result<(), AwsError>) -> Result<(), AwsError> {
    match result {
        Err(error)
            if error.code.ends_with("NotFound")
                || matches!(
                    error.code.as_ref(),
                    "Gateway.NotAttached" | "NoSuchEntity" | "ResourceNotFoundException"
                ) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// The physical id of a resource that was begun.
fn id(resource: &Resource) -> &str {
    resource.physical_id.as_deref().unwrap_or_default()
}

/// Says that there is one of this name.
fn already_exists(name: &str) -> AwsError {
    AwsError::client("AlreadyExists", format!("{name} already exists"))
}

/// Says that a property's value makes no sense.
fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidParameterValue", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::cfn::behaviour::Update;
    use crate::practice::cfn::modify;
    use crate::practice::cfn::schema::Kind;

    #[test]
    fn every_property_that_can_be_given_says_what_its_change_does() {
        for kind in TYPES {
            let given = kind.properties.iter();
            let given = given.filter(|property| !matches!(property.kind, Kind::Unsupported));
            for property in given {
                let named = format!("{} {}", kind.name, property.name);
                assert!(!matches!(property.update, Update::Unknown), "{named}");
                let refused = matches!(property.update, Update::Missing(_));
                assert_eq!(modify::is_missing(kind, property), refused, "{named}");
            }
        }
    }
}
