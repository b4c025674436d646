//! Tags of EC2's resources, whatever they are. What a tag means does not enter here.

use super::{Tags, World};
use crate::practice::error::AwsError;

/// Tags that a resource may have (EC2 user guide, "Tag restrictions").
const MOST: usize = 50;
/// Characters of a key and of a value.
const KEY: usize = 127;
const VALUE: usize = 255;

/// Checks the tags that somebody gives to a resource.
pub fn check(tags: &Tags) -> Result<(), AwsError> {
    if tags.len() > MOST {
        return Err(AwsError::client(
            "TagLimitExceeded",
            format!("You have reached the maximum number of tags per resource: {MOST}"),
        ));
    }
    for (key, value) in tags {
        check_key(key)?;
        if key.chars().count() > KEY || value.chars().count() > VALUE {
            return Err(invalid(format!(
                "Tag key exceeds the maximum length of {KEY} characters, or its value that of {VALUE}: '{key}'"
            )));
        }
    }
    Ok(())
}

fn check_key(key: &str) -> Result<(), AwsError> {
    if key.is_empty() {
        return Err(invalid("Tag keys may not be empty"));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(invalid(format!(
            "Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use"
        )));
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidParameterValue", message)
}

impl World {
    /// Adds tags to a resource, or replaces those of the same keys.
    pub fn add_tags(&mut self, id: &str, more: &Tags) -> Result<(), AwsError> {
        for key in more.keys() {
            check_key(key)?;
        }
        let tags = self.tags_of(id)?;
        let mut all: Tags = tags
            .iter()
            .filter(|(key, _)| !key.starts_with("aws:"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        all.extend(more.clone());
        check(&all)?;
        tags.extend(more.clone());
        Ok(())
    }

    /// Takes tags from a resource: those with this key, and with this value if one is given; without any key all of
    /// one's own.
    pub fn remove_tags(
        &mut self,
        id: &str,
        which: &[(String, Option<String>)],
    ) -> Result<(), AwsError> {
        for (key, _) in which {
            check_key(key)?;
        }
        let tags = self.tags_of(id)?;
        tags.retain(|key, value| {
            let named = |(wanted, with): &(String, Option<String>)| {
                wanted == key && with.as_ref().is_none_or(|with| with == value)
            };
            let goes = which.is_empty() || which.iter().any(named);
            key.starts_with("aws:") || !goes
        });
        Ok(())
    }

    fn tags_of(&mut self, id: &str) -> Result<&mut Tags, AwsError> {
        let prefix = id.split('-').next().unwrap_or_default();
        let (found, kind) = match prefix {
            "i" => (
                self.instances.get_mut(id).map(|one| &mut one.tags),
                "InstanceID",
            ),
            "vol" => (self.volumes.get_mut(id).map(|one| &mut one.tags), "Volume"),
            "snap" => (
                self.snapshots.get_mut(id).map(|one| &mut one.tags),
                "Snapshot",
            ),
            "vpc" => (self.vpcs.get_mut(id).map(|one| &mut one.tags), "VpcID"),
            "subnet" => (
                self.subnets.get_mut(id).map(|one| &mut one.tags),
                "SubnetID",
            ),
            "igw" => (
                self.gateways.get_mut(id).map(|one| &mut one.tags),
                "InternetGatewayID",
            ),
            "rtb" => (
                self.route_tables.get_mut(id).map(|one| &mut one.tags),
                "RouteTableID",
            ),
            "sg" => (self.groups.get_mut(id).map(|one| &mut one.tags), "Group"),
            "eni" => (
                self.interfaces.get_mut(id).map(|one| &mut one.tags),
                "NetworkInterfaceID",
            ),
            "key" => {
                let name = self.key_pairs.values().find(|one| one.id == id);
                let name = name.map(|one| one.name.clone());
                let found = name.and_then(|name| self.key_pairs.get_mut(&name));
                (found.map(|one| &mut one.tags), "KeyPair")
            }
            _ => {
                return Err(AwsError::client(
                    "InvalidID",
                    format!("The ID '{id}' is not valid"),
                ));
            }
        };
        found.ok_or_else(|| {
            AwsError::client(
                format!("Invalid{kind}.NotFound"),
                format!("The ID '{id}' does not exist"),
            )
        })
    }
}
