//! What would change in a stack if it were made from something else. Nothing is changed here.
//!
//! Resources are looked at in the order of their dependencies: what becomes of one decides what its references are worth.

mod reasons;

use std::collections::{BTreeMap, BTreeSet};

use super::behaviour::Recreation;
use super::check::Checked;
use super::live::Live;
use super::modify;
use super::template::{DeletionPolicy, ResourceDefinition, Template};
use super::types;
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::stacks::change_sets::{
    Action, Detail, Replacement, ResourceChange, Source,
};
use crate::practice::world::stacks::updates::Version;
use crate::practice::world::stacks::{Resource, Stack, resource_key};

/// What would change.
#[derive(Debug)]
pub struct Plan {
    /// In resources, by logical id.
    pub changes: Vec<ResourceChange>,
    /// In the stack itself: its tags or outputs.
    pub of_stack: bool,
    /// What the practice account cannot do, in sentences.
    pub refused: Vec<String>,
}

impl Plan {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && !self.of_stack
    }
}

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Same,
    InPlace,
    Conditional,
    Replaced,
    Added,
}

/// Works out what would change.
pub fn plan(
    world: &World,
    stack: &Stack,
    version: &Version,
    checked: &Checked,
) -> Result<Plan, AwsError> {
    let old = Template::parse(&stack.template)?;
    let mut renewed = stack.clone();
    renewed.set_version(version.clone());
    let look = Look {
        live: Live::new(world, &renewed, &checked.template).map_err(AwsError::validation)?,
        old: &old,
        checked,
        parameters: changed_parameters(stack, version),
        tags: stack.tags != version.tags,
    };
    let mut changes = Vec::new();
    let mut refused = Vec::new();
    let mut retyped = Vec::new();
    let mut fates: BTreeMap<&str, Fate> = BTreeMap::new();
    for logical_id in in_order(&checked.dependencies) {
        let Some(definition) = checked.template.resources.get(logical_id) else {
            continue;
        };
        let current = world.resources.get(&resource_key(&stack.id, logical_id));
        let Some(current) = current else {
            fates.insert(logical_id, Fate::Added);
            changes.push(ResourceChange {
                logical_id: logical_id.to_owned(),
                physical_id: None,
                kind: definition.kind.clone(),
                action: Action::Add,
                policy: None,
                details: Vec::new(),
            });
            continue;
        };
        if current.kind != definition.kind {
            retyped.push(logical_id.to_owned());
            continue;
        }
        let (fate, change) = look.at(current, definition, &fates, &mut refused);
        fates.insert(logical_id, fate);
        changes.extend(change);
    }
    if !retyped.is_empty() {
        return Err(AwsError::validation(format!(
            "Update of resource type is not permitted. The new template modifies resource type of the following resources: [{}]",
            retyped.join(", ")
        )));
    }
    for current in world.resources_of(&stack.id) {
        if checked.dependencies.contains_key(&current.logical_id) {
            continue;
        }
        let definition = old.resources.get(&current.logical_id);
        let policy = match definition.map(|one| one.deletion_policy) {
            None | Some(DeletionPolicy::Delete) => "Delete",
            Some(DeletionPolicy::Snapshot) => "Snapshot",
            Some(DeletionPolicy::Retain | DeletionPolicy::RetainExceptOnCreate) => "Retain",
        };
        changes.push(ResourceChange {
            logical_id: current.logical_id.clone(),
            physical_id: current.physical_id.clone(),
            kind: current.kind.clone(),
            action: Action::Remove,
            policy: Some(policy.into()),
            details: Vec::new(),
        });
    }
    changes.sort_by(|one, other| one.logical_id.cmp(&other.logical_id));
    let outputs = old.outputs != checked.template.outputs;
    Ok(Plan {
        changes,
        of_stack: outputs || stack.tags != version.tags,
        refused,
    })
}

/// What would be made where nothing is yet.
pub fn creation(checked: &Checked) -> Vec<ResourceChange> {
    let kinds = &checked.template.resources;
    let add = |logical_id: &String| ResourceChange {
        logical_id: logical_id.clone(),
        physical_id: None,
        kind: kinds[logical_id].kind.clone(),
        action: Action::Add,
        policy: None,
        details: Vec::new(),
    };
    checked.dependencies.keys().map(add).collect()
}

fn changed_parameters(stack: &Stack, version: &Version) -> BTreeSet<String> {
    version
        .parameters
        .iter()
        .filter(|new| {
            let old = stack.parameters.iter().find(|old| old.key == new.key);
            old.is_none_or(|old| old != *new)
        })
        .map(|new| new.key.clone())
        .collect()
}

/// Each name after those it depends on.
fn in_order(dependencies: &BTreeMap<String, BTreeSet<String>>) -> Vec<&str> {
    let mut order: Vec<&str> = Vec::with_capacity(dependencies.len());
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    loop {
        let before = order.len();
        for (name, first) in dependencies {
            let free = first.iter().all(|first| placed.contains(first.as_str()));
            if free && placed.insert(name) {
                order.push(name);
            }
        }
        if order.len() == before {
            return order;
        }
    }
}

/// Looks at the resources that are in both templates.
struct Look<'a> {
    live: Live<'a>,
    old: &'a Template,
    checked: &'a Checked,
    parameters: BTreeSet<String>,
    tags: bool,
}

impl Look<'_> {
    /// What becomes of a resource, and why.
    fn at(
        &self,
        current: &Resource,
        definition: &ResourceDefinition,
        fates: &BTreeMap<&str, Fate>,
        refused: &mut Vec<String>,
    ) -> (Fate, Option<ResourceChange>) {
        let Some(kind) = types::find(&current.kind) else {
            return (Fate::Same, None);
        };
        let mut details = Vec::new();
        let mut replacement = Replacement::False;
        let mut missing = Vec::new();
        for property in kind.properties {
            let found = self.property(property, current, definition, fates);
            if found.is_empty() {
                continue;
            }
            let certain = found.iter().any(|detail| detail.is_static);
            let sure = certain || found.iter().any(|detail| detail.source == Source::Direct);
            if sure && modify::is_missing(kind, property) {
                missing.push(format!(
                    "{}: {}",
                    current.logical_id,
                    modify::cannot(kind.name, property.name)
                ));
            }
            replacement = replacement.max(match (property.update.recreation(), certain) {
                (Recreation::Always, true) => Replacement::True,
                (Recreation::Always, false) | (Recreation::Conditionally, _) => {
                    Replacement::Conditional
                }
                (Recreation::Never, _) => Replacement::False,
            });
            details.extend(found);
        }
        let tagged = details.iter().any(|detail| detail.property.is_none());
        if self.tags && kind.tags.is_some() && !tagged {
            details.push(tags_of_stack());
        }
        if details.is_empty() {
            return (Fate::Same, None);
        }
        // What is made anew has not to be changed.
        if replacement != Replacement::True {
            refused.append(&mut missing);
        }
        let fate = match replacement {
            Replacement::True => Fate::Replaced,
            Replacement::Conditional => Fate::Conditional,
            Replacement::False => Fate::InPlace,
        };
        let policy = (replacement != Replacement::False).then(|| {
            let kept = definition.replace_policy != DeletionPolicy::Delete;
            if kept {
                "ReplaceAndRetain"
            } else {
                "ReplaceAndDelete"
            }
            .to_owned()
        });
        let change = ResourceChange {
            logical_id: current.logical_id.clone(),
            physical_id: current.physical_id.clone(),
            kind: current.kind.clone(),
            action: Action::Modify(replacement),
            policy,
            details,
        };
        (fate, Some(change))
    }
}

/// The tags of the stack itself have changed, and every resource wears them.
fn tags_of_stack() -> Detail {
    Detail {
        property: None,
        recreation: "Never".into(),
        is_static: true,
        source: Source::Direct,
        values: (None, None),
    }
}
