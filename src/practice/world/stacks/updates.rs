//! What an update remembers while it runs: what the stack and its resources were before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Parameter, Resource, Stack};
use crate::practice::world::{Tags, World};

/// An update that runs, or whose rollback has failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// What the stack goes back to when it fails.
    pub before: Version,
    /// When it fails, everything stays as it is by then.
    pub keep_failures: bool,
}

/// What a stack is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Template text.
    pub template: String,
    /// Of the template.
    pub description: Option<String>,
    /// In the order of their names.
    pub parameters: Vec<Parameter>,
    /// Tags of the stack.
    pub tags: Tags,
    /// Acknowledged by the caller.
    pub capabilities: Vec<String>,
}

/// A resource's part in an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// It is new.
    Added,
    /// It is in both templates.
    Kept {
        /// What it was.
        before: Box<Before>,
        /// What is done to it; none until its turn, or where nothing of it changes.
        change: Option<How>,
    },
    /// It is not in the new template, and goes once everything else is done.
    Removed,
}

/// How a resource is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// It stays the same one.
    InPlace,
    /// Another is made.
    Replaced,
}

/// What a resource was before an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Physical id.
    pub physical_id: Option<String>,
    /// Resolved properties.
    pub properties: Value,
    /// Logical ids that it needed.
    pub depends_on: Vec<String>,
    /// Signals it waited for.
    pub signals_wanted: Option<(u32, i64)>,
    /// Signals it had.
    pub signals: BTreeMap<String, (bool, String)>,
}

impl Stack {
    /// What it is made from now.
    pub fn version(&self) -> Version {
        Version {
            template: self.template.clone(),
            description: self.description.clone(),
            parameters: self.parameters.clone(),
            tags: self.tags.clone(),
            capabilities: self.capabilities.clone(),
        }
    }

    /// It is made from something else.
    pub fn set_version(&mut self, version: Version) {
        self.template = version.template;
        self.description = version.description;
        self.parameters = version.parameters;
        self.tags = version.tags;
        self.capabilities = version.capabilities;
    }
}

impl Resource {
    /// What it is now.
    pub fn state(&self) -> Before {
        Before {
            physical_id: self.physical_id.clone(),
            properties: self.properties.clone(),
            depends_on: self.depends_on.clone(),
            signals_wanted: self.signals_wanted,
            signals: self.signals.clone(),
        }
    }

    /// It is what it was.
    pub fn set_state(&mut self, before: Before) {
        self.physical_id = before.physical_id;
        self.properties = before.properties;
        self.depends_on = before.depends_on;
        self.signals_wanted = before.signals_wanted;
        self.signals = before.signals;
    }

    /// What the running update does to it.
    pub fn change(&self) -> Option<How> {
        match self.part {
            Some(Part::Kept { change, .. }) => change,
            _ => None,
        }
    }

    /// What it was before the running update.
    pub fn before(&self) -> Option<&Before> {
        match &self.part {
            Some(Part::Kept { before, .. }) => Some(before),
            _ => None,
        }
    }
}

impl World {
    /// Puts a resource beside its stack, to be deleted there. Answers with the key of its record.
    pub fn leave_over(&mut self, resource: Resource) -> String {
        // One logical id may leave more than one behind.
        let key = format!(
            "{}/{}/{}",
            resource.stack,
            resource.logical_id,
            resource.physical_id.as_deref().unwrap_or_default()
        );
        self.left_over.insert(&key, resource);
        key
    }
}
