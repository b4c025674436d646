//! Instance profiles, and which instance has which.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Role, check_name, check_path, conflict, exists, no_such};
use crate::practice::error::AwsError;
use crate::practice::world::instances::State;
use crate::practice::world::{Tags, World};

/// From an association to the credentials in the instance's metadata (an estimate: EC2 documents "several seconds").
const TO_CREDENTIALS: SignedDuration = SignedDuration::from_secs(5);

/// An instance profile: what carries a role to an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstanceProfile {
    /// `AIPA…`
    pub id: String,
    /// Unique in the account.
    pub name: String,
    /// `/`, or `/division/`.
    pub path: String,
    /// Name of its role; IAM allows no more than one.
    pub role: Option<String>,
    /// When.
    pub created: Timestamp,
    /// Tags.
    pub tags: Tags,
}

/// A profile on an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Association {
    /// `iip-assoc-…`
    pub id: String,
    /// Name of the profile.
    pub profile: String,
    /// Id of the profile: one that was deleted and made again is another.
    pub profile_id: String,
    /// ARN of the profile.
    pub arn: String,
    /// Since when.
    pub since: Timestamp,
    /// Whether the instance was launched with it, so that it is there from the first moment.
    pub at_launch: bool,
}

impl Association {
    /// Whether the instance's metadata tell of it by now.
    pub fn is_complete(&self, now: Timestamp) -> bool {
        self.at_launch || now >= self.since + TO_CREDENTIALS
    }
}

impl InstanceProfile {
    /// Its ARN in this account.
    pub fn arn(&self, world: &World) -> String {
        world.iam_arn("instance-profile", &self.path, &self.name)
    }
}

impl World {
    /// The profile with this name.
    pub fn instance_profile(&self, name: &str) -> Result<&InstanceProfile, AwsError> {
        self.instance_profiles
            .get(name)
            .ok_or_else(|| no_such(format!("Instance Profile {name} cannot be found.")))
    }

    /// Profiles that carry this role.
    pub fn profiles_of<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a InstanceProfile> {
        self.instance_profiles
            .values()
            .filter(move |profile| profile.role.as_deref() == Some(role))
    }

    /// Makes a profile without a role.
    pub fn create_instance_profile(
        &mut self,
        name: &str,
        path: Option<String>,
        tags: Tags,
    ) -> Result<(), AwsError> {
        check_name(name, "instanceProfileName", 128)?;
        let path = check_path(path)?;
        if self.instance_profiles.contains(name) {
            return Err(exists(format!("Instance Profile {name} already exists.")));
        }
        let profile = InstanceProfile {
            id: self.iam_id("AIPA"),
            name: name.to_owned(),
            path,
            role: None,
            created: self.now,
            tags,
        };
        self.instance_profiles.insert(name, profile);
        Ok(())
    }

    /// Puts a role into a profile that has none.
    pub fn add_role_to_profile(&mut self, profile: &str, role: &str) -> Result<(), AwsError> {
        self.instance_profile(profile)?;
        self.role(role)?;
        let Some(found) = self.instance_profiles.get_mut(profile) else {
            return Ok(());
        };
        if found.role.is_some() {
            return Err(AwsError::with_status(
                409,
                "LimitExceeded",
                "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
            ));
        }
        found.role = Some(role.to_owned());
        Ok(())
    }

    /// Takes a role out of a profile.
    pub fn remove_role_from_profile(&mut self, profile: &str, role: &str) -> Result<(), AwsError> {
        self.instance_profile(profile)?;
        let found = self.instance_profiles.get_mut(profile);
        match found.filter(|found| found.role.as_deref() == Some(role)) {
            Some(found) => {
                found.role = None;
                Ok(())
            }
            None => Err(no_such(format!(
                "The role with name {role} cannot be found."
            ))),
        }
    }

    /// Deletes a profile without a role. IAM does not look whether an instance has it.
    pub fn delete_instance_profile(&mut self, name: &str) -> Result<(), AwsError> {
        if self.instance_profile(name)?.role.is_some() {
            return Err(conflict("remove roles from instance profile"));
        }
        self.instance_profiles.remove(name);
        Ok(())
    }

    /// The association with a profile named by its name or ARN, as EC2 takes it.
    pub fn association(&mut self, profile: &str, at_launch: bool) -> Result<Association, AwsError> {
        let by_arn = profile.starts_with("arn:");
        let found = self
            .instance_profiles
            .values()
            .find(|one| {
                if by_arn {
                    one.arn(self) == profile
                } else {
                    one.name == profile
                }
            })
            .ok_or_else(|| {
                let (member, what) = if by_arn {
                    ("arn", "ARN")
                } else {
                    ("name", "name")
                };
                AwsError::client(
                    "InvalidParameterValue",
                    format!(
                        "Value ({profile}) for parameter iamInstanceProfile.{member} is invalid. Invalid IAM Instance Profile {what}"
                    ),
                )
            })?;
        let (profile, profile_id, arn) = (found.name.clone(), found.id.clone(), found.arn(self));
        Ok(Association {
            id: self.id("iip-assoc"),
            profile,
            profile_id,
            arn,
            since: self.now,
            at_launch,
        })
    }

    /// Gives an instance a profile.
    pub fn associate_profile(
        &mut self,
        instance: &str,
        profile: &str,
    ) -> Result<Association, AwsError> {
        let found = self.instance(instance)?;
        if !matches!(found.state, State::Running | State::Stopped) {
            return Err(AwsError::client(
                "IncorrectInstanceState",
                format!("The instance '{instance}' is not in the 'running' or 'stopped' states."),
            ));
        }
        if let Some(already) = &found.profile {
            return Err(AwsError::client(
                "IncorrectState",
                format!(
                    "There is an existing association for instance {instance}: {}",
                    already.id
                ),
            ));
        }
        let association = self.association(profile, false)?;
        if let Some(instance) = self.instances.get_mut(instance) {
            instance.profile = Some(association.clone());
        }
        Ok(association)
    }

    /// Takes a profile from its instance. Answers with the instance and what it had.
    pub fn disassociate_profile(&mut self, id: &str) -> Result<(String, Association), AwsError> {
        let has = |one: &Option<Association>| one.as_ref().is_some_and(|one| one.id == id);
        let instance = self.instances.values().find(|one| has(&one.profile));
        let instance = instance.map(|one| one.id.clone());
        let taken = instance.and_then(|instance| {
            let taken = self.instances.get_mut(&instance)?.profile.take()?;
            Some((instance, taken))
        });
        taken.ok_or_else(|| {
            AwsError::client(
                "NoSuchAssociation",
                format!("An invalid association-id of '{id}' was given"),
            )
        })
    }

    /// What an instance's metadata tell of its profile: the profile, and the role that it carries, if there is one.
    pub fn profile_on(&self, instance: &str) -> Option<(&Association, Option<&Role>)> {
        let association = self.instances.get(instance)?.profile.as_ref()?;
        if !association.is_complete(self.now) {
            return None;
        }
        let profile = self.instance_profiles.get(&association.profile);
        let role = profile
            .filter(|profile| profile.id == association.profile_id)
            .and_then(|profile| self.roles.get(profile.role.as_ref()?));
        Some((association, role))
    }
}
