//! What a stack's creator must acknowledge: that the template gives rights.

use std::collections::BTreeSet;

use super::check::Checked;
use super::template::ResourceDefinition;
use crate::practice::error::AwsError;

/// Types that may give rights, each with the property that names one ("Acknowledging IAM resources in CloudFormation
/// templates").
const TYPES: [(&str, Option<&str>); 4] = [
    ("AWS::IAM::InstanceProfile", Some("InstanceProfileName")),
    ("AWS::IAM::ManagedPolicy", Some("ManagedPolicyName")),
    ("AWS::IAM::Policy", None),
    ("AWS::IAM::Role", Some("RoleName")),
];

/// With names of one's own; it includes the other.
const NAMED: &str = "CAPABILITY_NAMED_IAM";
const UNNAMED: &str = "CAPABILITY_IAM";

/// A capability that resources need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// `CAPABILITY_IAM`
    pub capability: &'static str,
    kinds: BTreeSet<String>,
}

impl Needed {
    /// As ValidateTemplate says it.
    pub fn reason(&self) -> String {
        let kinds: Vec<&str> = self.kinds.iter().map(String::as_str).collect();
        format!(
            "The following resource(s) require capabilities: [{}]",
            kinds.join(", ")
        )
    }
}

/// What these resources need, if they need anything.
pub fn needed<'a>(resources: impl IntoIterator<Item = &'a ResourceDefinition>) -> Option<Needed> {
    let mut kinds = BTreeSet::new();
    let mut capability = UNNAMED;
    for resource in resources {
        let Some((_, name)) = TYPES.iter().find(|(kind, _)| *kind == resource.kind) else {
            continue;
        };
        kinds.insert(resource.kind.clone());
        if name.is_some_and(|name| resource.properties.get(name).is_some()) {
            capability = NAMED;
        }
    }
    (!kinds.is_empty()).then_some(Needed { capability, kinds })
}

/// Refuses a stack whose creator has not acknowledged what it needs.
pub fn check(checked: &Checked, acknowledged: &[String]) -> Result<(), AwsError> {
    let resources = checked.dependencies.keys();
    let resources = resources.filter_map(|name| checked.template.resources.get(name));
    let Some(needed) = needed(resources) else {
        return Ok(());
    };
    let enough = |one: &String| one == needed.capability || one == NAMED;
    if acknowledged.iter().any(enough) {
        Ok(())
    } else {
        Err(AwsError::client(
            "InsufficientCapabilitiesException",
            format!("Requires capabilities : [{}]", needed.capability),
        ))
    }
}
