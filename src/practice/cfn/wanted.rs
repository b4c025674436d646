//! What a template wants of one resource now: its properties resolved, its signals, its tags. Nothing is made here.

use serde_json::Value;

use super::document::scalar;
use super::live::Live;
use super::schema::{self, Properties};
use super::signals;
use super::template::Template;
use super::types::{self, ResourceType};
use crate::practice::error::AwsError;
use crate::practice::world::stacks::Stack;
use crate::practice::world::{Tags, World};

/// Properties in which types have their tags.
pub const TAGS: [&str; 2] = ["Tags", "FileSystemTags"];

/// What a resource is to be.
pub struct Wanted {
    /// Its type.
    pub kind: &'static ResourceType,
    /// Resolved.
    pub properties: Value,
    /// Signals it waits for when it is made, and how many seconds at most.
    pub signals: Option<(u32, i64)>,
    /// The stack's, its own, and CloudFormation's.
    pub tags: Tags,
}

impl Wanted {
    /// What the template wants of this resource now that everything it depends on is there.
    pub fn of(
        world: &World,
        stack: &str,
        logical_id: &str,
        template: &Template,
    ) -> Result<Self, AwsError> {
        let found = world
            .stacks
            .get(stack)
            .ok_or_else(|| AwsError::internal("the stack has no record"))?;
        let definition = template
            .resources
            .get(logical_id)
            .ok_or_else(|| AwsError::internal("the template has no such resource"))?;
        let kind = types::find(&definition.kind)
            .ok_or_else(|| AwsError::internal("the resource type is unknown"))?;
        let live = Live::new(world, found, template).map_err(AwsError::validation)?;
        let resolve = |value| live.evaluate(value).map_err(AwsError::validation);
        let properties = resolve(&definition.properties)?.unwrap_or_default();
        let signals = match &definition.signals {
            None => None,
            Some((count, timeout)) => Some(signals::wanted(
                resolve(count)?.as_ref().and_then(scalar),
                resolve(timeout)?.as_ref().and_then(scalar),
            )?),
        };
        // Functions have values now that the first check could not know.
        let problems = schema::problems(kind.properties, &properties);
        if !problems.is_empty() {
            return Err(AwsError::validation(format!(
                "Properties validation failed for resource {logical_id} with message:\n{}",
                problems.join("\n")
            )));
        }
        let tags = tags(&found.tags, found, logical_id, &properties);
        Ok(Self {
            kind,
            properties,
            signals,
            tags,
        })
    }
}

/// The tags of a resource: those of its stack, its own, and CloudFormation's.
pub fn tags(of_stack: &Tags, stack: &Stack, logical_id: &str, properties: &Value) -> Tags {
    let mut tags = of_stack.clone();
    let properties = Properties::new(properties);
    let own = TAGS.into_iter().flat_map(|name| properties.objects(name));
    tags.extend(own.map(|tag| (tag.needed("Key"), tag.needed("Value"))));
    tags.extend([
        ("aws:cloudformation:stack-name".into(), stack.name.clone()),
        ("aws:cloudformation:stack-id".into(), stack.id.clone()),
        (
            "aws:cloudformation:logical-id".into(),
            logical_id.to_owned(),
        ),
    ]);
    tags
}
