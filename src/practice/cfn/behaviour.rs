//! What a change of a property does to its resource, as CloudFormation's template reference documents it: data only.
//!
//! The values are those of "Update requires" in each type's page; how an update is carried out does not enter here.

use serde_json::Value;

use super::schema::Property;

/// What a change of a property does.
#[derive(Debug, Clone, Copy)]
pub enum Update {
    /// "No interruption": the resource is changed while it works.
    NoInterruption,
    /// "Replacement": a new one is made, and the old one deleted.
    Replacement,
    /// "Conditional": decided from the value before and after (none where it is not given). `true`: replaced.
    Conditional(fn(Option<&Value>, Option<&Value>) -> bool),
    /// "Updates are not supported."
    Never,
    /// Documented so, but the practice account cannot do it yet and refuses it by name.
    Missing(&'static Update),
    /// Nobody has said yet; refused by name.
    Unknown,
}

/// Whether a change makes a new resource, in the words of a change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recreation {
    /// Never.
    Never,
    /// It depends.
    Conditionally,
    /// Always.
    Always,
}

impl Update {
    /// What a change set says of it.
    pub fn recreation(self) -> Recreation {
        match self {
            Self::Replacement => Recreation::Always,
            Self::Conditional(_) => Recreation::Conditionally,
            Self::Missing(documented) => documented.recreation(),
            Self::NoInterruption | Self::Never | Self::Unknown => Recreation::Never,
        }
    }

    /// Whether this change makes a new resource.
    pub fn replaces(self, before: Option<&Value>, after: Option<&Value>) -> bool {
        match self {
            Self::Replacement => true,
            Self::Conditional(decide) => decide(before, after),
            _ => false,
        }
    }

    /// Whether the practice account refuses it.
    pub fn is_missing(self) -> bool {
        matches!(self, Self::Missing(_) | Self::Unknown)
    }
}

/// A condition that never asks for a new resource here: what it depends on on AWS does not exist in the account
/// (instances whose root device is an instance store, EC2-Classic).
pub fn in_place(_: Option<&Value>, _: Option<&Value>) -> bool {
    false
}

impl Property {
    /// With this behaviour.
    pub const fn update(mut self, update: Update) -> Self {
        self.update = update;
        self
    }

    /// "No interruption".
    pub const fn uninterrupted(self) -> Self {
        self.update(Update::NoInterruption)
    }

    /// "Replacement".
    pub const fn replaces(self) -> Self {
        self.update(Update::Replacement)
    }

    /// "Updates are not supported."
    pub const fn fixed(self) -> Self {
        self.update(Update::Never)
    }

    /// It is the resource's own name.
    pub const fn naming(mut self) -> Self {
        self.is_name = true;
        self
    }
}
