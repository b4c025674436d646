//! Changes one resource in place: its tags, and the properties that its type can change. Events do not enter here.

use serde_json::Value;

use super::behaviour::Update;
use super::diff;
use super::permissions;
use super::schema::{Properties, Property};
use super::types::{self, Change, Progress, ResourceType};
use super::wanted::TAGS;
use crate::practice::error::AwsError;
use crate::practice::world::stacks::{Resource, Step};
use crate::practice::world::{Tags, World};

/// Brings a resource to these properties and from the tags `before` to those `after`. Called again until it is done.
pub fn in_place(
    world: &mut World,
    resource: &Resource,
    properties: &Value,
    (before, after): (&Tags, &Tags),
) -> Result<Progress, AwsError> {
    let kind = types::find(&resource.kind)
        .ok_or_else(|| AwsError::internal("the resource type is unknown"))?;
    let changed: Vec<_> = diff::changed(kind, &resource.properties, properties)
        .into_iter()
        .filter(|property| !(kind.tags.is_some() && TAGS.contains(&property.name)))
        .collect();
    if let Some(property) = changed.iter().find(|one| is_missing(kind, one)) {
        return Err(AwsError::validation(cannot(&resource.kind, property.name)));
    }
    if changed
        .iter()
        .any(|one| matches!(one.update, Update::Never))
    {
        return Err(AwsError::validation(format!(
            "Update to resource type {} is not supported.",
            resource.kind
        )));
    }
    let names: Vec<&'static str> = changed.iter().map(|property| property.name).collect();
    let tagged = kind.tags.is_some() && before != after;
    permissions::may_update(world, resource, properties, &names, tagged)?;
    let id = resource.physical_id.as_deref().unwrap_or_default();
    if let Some(tags_of) = kind.tags {
        let tags = tags_of(world, id).ok_or_else(|| {
            AwsError::validation(format!(
                "Resource of type '{}' with identifier '{id}' was not found.",
                resource.kind
            ))
        })?;
        tags.retain(|key, _| !before.contains_key(key) || after.contains_key(key));
        for (key, value) in after {
            if before.get(key) != Some(value) {
                tags.insert(key.clone(), value.clone());
            }
        }
    }
    let (false, Some(update)) = (changed.is_empty(), kind.update) else {
        return Ok(Progress::Done);
    };
    update(
        world,
        &Change {
            resource,
            before: Properties::new(&resource.properties),
            after: Properties::new(properties),
            changed: &names,
            first: resource.step == Step::Begun,
        },
    )
}

/// Whether the practice account cannot change a property, which does not replace the resource.
pub fn is_missing(kind: &ResourceType, property: &Property) -> bool {
    if kind.tags.is_some() && TAGS.contains(&property.name) {
        return false;
    }
    match property.update {
        Update::Never | Update::Replacement => false,
        update => update.is_missing() || kind.update.is_none(),
    }
}

/// Says that the practice account cannot change a property.
pub fn cannot(kind: &str, property: &str) -> String {
    format!("the practice account cannot change {property} of {kind} in place yet")
}
