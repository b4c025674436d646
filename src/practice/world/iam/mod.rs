//! IAM as far as instances need it: roles with their policies, managed policies, instance profiles.
//!
//! What a policy means is decided in `policy`; here is only what exists and what may be deleted.

mod managed;
mod profiles;

pub use managed::{ManagedPolicy, policy_document};
pub use profiles::{Association, InstanceProfile};

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Tags, World};
use crate::practice::error::AwsError;
use crate::practice::policy;

/// A role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Role {
    /// `AROA…`
    pub id: String,
    /// Unique in the account.
    pub name: String,
    /// `/`, or `/division/`.
    pub path: String,
    /// Who may assume it: a policy as JSON.
    pub trust: String,
    /// Free text.
    pub description: String,
    /// Inline policies: JSON by name.
    pub policies: BTreeMap<String, String>,
    /// ARNs of managed policies.
    pub attached: BTreeSet<String>,
    /// ARN of the managed policy beyond which no other reaches.
    pub boundary: Option<String>,
    /// Seconds.
    pub max_session: u32,
    /// When.
    pub created: Timestamp,
    /// Tags.
    pub tags: Tags,
}

/// What a role is made with.
#[derive(Debug, Clone, Default)]
pub struct NewRole {
    /// Unique in the account.
    pub name: String,
    /// `/` when not given.
    pub path: Option<String>,
    /// A policy as JSON.
    pub trust: String,
    /// Free text.
    pub description: String,
    /// ARN of a managed policy.
    pub boundary: Option<String>,
    /// Seconds; an hour when not given.
    pub max_session: Option<u32>,
    /// Tags.
    pub tags: Tags,
}

/// The service that assumes the roles of instance profiles.
const EC2: &str = "ec2.";

impl Role {
    /// Its ARN in this account.
    pub fn arn(&self, world: &World) -> String {
        world.iam_arn("role", &self.path, &self.name)
    }

    /// Whether its trust policy lets EC2 assume it for an instance.
    pub fn trusts_ec2(&self, world: &World) -> bool {
        let service = format!("{EC2}{}", world.place.url_suffix());
        // China's policies may name the service either way.
        policy::trusts(&self.trust, &service) || self.trusts(EC2.trim_end_matches('.'))
    }

    /// Whether its trust policy lets a service (`states`) assume it.
    pub fn trusts(&self, service: &str) -> bool {
        policy::trusts(&self.trust, &format!("{service}.amazonaws.com"))
    }

    /// The policies that give it rights.
    pub fn documents<'a>(&'a self, world: &'a World) -> Vec<&'a str> {
        let attached = self.attached.iter();
        self.policies
            .values()
            .map(String::as_str)
            .chain(attached.filter_map(|arn| policy_document(world, arn)))
            .collect()
    }
}

/// Says that something is not there.
pub fn no_such(message: String) -> AwsError {
    AwsError::with_status(404, "NoSuchEntity", message)
}

/// Says that something is there already.
fn exists(message: String) -> AwsError {
    AwsError::with_status(409, "EntityAlreadyExists", message)
}

/// Says what must go first.
fn conflict(first: &str) -> AwsError {
    AwsError::with_status(
        409,
        "DeleteConflict",
        format!("Cannot delete entity, must {first} first."),
    )
}

/// Refuses a name that IAM refuses (IAM API reference: `[\w+=,.@-]+`).
fn check_name(name: &str, member: &str, longest: usize) -> Result<(), AwsError> {
    let letters = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if name.is_empty() || !name.chars().all(letters) {
        return Err(AwsError::validation(format!(
            "The specified value for {member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        )));
    }
    if name.len() > longest {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length less than or equal to {longest}"
        )));
    }
    Ok(())
}

/// Refuses a path that IAM refuses.
fn check_path(path: Option<String>) -> Result<String, AwsError> {
    let path = path.unwrap_or_else(|| "/".to_owned());
    let visible = path.chars().all(|c| ('!'..='~').contains(&c));
    if path.starts_with('/') && path.ends_with('/') && visible && path.len() <= 512 {
        Ok(path)
    } else {
        Err(AwsError::validation(
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
        ))
    }
}

/// Refuses a session that is too short or too long.
fn check_session(seconds: Option<u32>) -> Result<u32, AwsError> {
    let seconds = seconds.unwrap_or(3600);
    if (3600..=43_200).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(AwsError::validation(format!(
            "1 validation error detected: Value '{seconds}' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between 3600 and 43200"
        )))
    }
}

fn check_trust(document: &str) -> Result<(), AwsError> {
    policy::check_trust(document).map_err(|why| AwsError::client("MalformedPolicyDocument", why))
}

/// Refuses a document that is no policy.
fn check_document(document: &str) -> Result<(), AwsError> {
    policy::check(document).map_err(|why| AwsError::client("MalformedPolicyDocument", why))
}

impl World {
    /// A fresh id as IAM makes them: prefix and seventeen letters of base 32.
    pub fn iam_id(&mut self, prefix: &str) -> String {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let tail = (0..17).map(|_| char::from(LETTERS[self.below(LETTERS.len())]));
        let tail: String = tail.collect();
        format!("{prefix}{tail}")
    }

    /// The ARN of something of IAM's, which is in no region.
    pub fn iam_arn(&self, kind: &str, path: &str, name: &str) -> String {
        format!(
            "arn:{}:iam::{}:{kind}{path}{name}",
            self.place.partition(),
            self.place.account_id
        )
    }

    /// The role with this name.
    pub fn role(&self, name: &str) -> Result<&Role, AwsError> {
        self.roles
            .get(name)
            .ok_or_else(|| no_such(format!("The role with name {name} cannot be found.")))
    }

    fn role_mut(&mut self, name: &str) -> Result<&mut Role, AwsError> {
        self.roles
            .get_mut(name)
            .ok_or_else(|| no_such(format!("The role with name {name} cannot be found.")))
    }

    /// The role with this id: one that was deleted and made again is another.
    pub fn role_by_id(&self, id: &str) -> Option<&Role> {
        self.roles.values().find(|role| role.id == id)
    }

    /// The role with this ARN.
    pub fn role_by_arn(&self, arn: &str) -> Option<&Role> {
        self.roles.values().find(|role| role.arn(self) == arn)
    }

    /// Whether a role is there that this service (`states`) may assume.
    pub fn lets_assume(&self, arn: &str, service: &str) -> bool {
        self.role_by_arn(arn)
            .is_some_and(|role| role.trusts(service))
    }

    /// Makes a role.
    pub fn create_role(&mut self, new: NewRole) -> Result<(), AwsError> {
        check_name(&new.name, "roleName", 64)?;
        let path = check_path(new.path)?;
        if self.roles.contains(&new.name) {
            return Err(exists(format!(
                "Role with name {} already exists.",
                new.name
            )));
        }
        check_trust(&new.trust)?;
        if let Some(boundary) = &new.boundary {
            self.attachable(boundary)?;
        }
        let max_session = check_session(new.max_session)?;
        let role = Role {
            id: self.iam_id("AROA"),
            name: new.name.clone(),
            path,
            trust: new.trust,
            description: new.description,
            policies: BTreeMap::new(),
            attached: BTreeSet::new(),
            boundary: new.boundary,
            max_session,
            created: self.now,
            tags: new.tags,
        };
        self.roles.insert(new.name, role);
        Ok(())
    }

    /// Changes what can be changed of a role that stays the same.
    pub fn change_role(
        &mut self,
        name: &str,
        trust: String,
        description: String,
        boundary: Option<String>,
        max_session: Option<u32>,
    ) -> Result<(), AwsError> {
        self.role(name)?;
        check_trust(&trust)?;
        if let Some(boundary) = &boundary {
            self.attachable(boundary)?;
        }
        let max_session = check_session(max_session)?;
        let role = self.role_mut(name)?;
        role.trust = trust;
        role.description = description;
        role.boundary = boundary;
        role.max_session = max_session;
        Ok(())
    }

    /// Gives a role an inline policy, or replaces it.
    pub fn put_role_policy(
        &mut self,
        role: &str,
        name: &str,
        document: String,
    ) -> Result<(), AwsError> {
        check_name(name, "policyName", 128)?;
        self.role(role)?;
        check_document(&document)?;
        self.role_mut(role)?
            .policies
            .insert(name.to_owned(), document);
        Ok(())
    }

    /// Takes an inline policy from a role.
    pub fn delete_role_policy(&mut self, role: &str, name: &str) -> Result<(), AwsError> {
        let removed = self.role_mut(role)?.policies.remove(name);
        removed
            .map(|_| ())
            .ok_or_else(|| no_such(format!("The role policy with name {name} cannot be found.")))
    }

    /// Attaches a managed policy to a role; once more changes nothing.
    pub fn attach_role_policy(&mut self, role: &str, arn: &str) -> Result<(), AwsError> {
        self.role(role)?;
        self.attachable(arn)?;
        self.role_mut(role)?.attached.insert(arn.to_owned());
        Ok(())
    }

    /// Detaches a managed policy from a role.
    pub fn detach_role_policy(&mut self, role: &str, arn: &str) -> Result<(), AwsError> {
        if self.role_mut(role)?.attached.remove(arn) {
            Ok(())
        } else {
            Err(no_such(format!("Policy {arn} was not found.")))
        }
    }

    /// Deletes a role that nothing hangs on.
    pub fn delete_role(&mut self, name: &str) -> Result<(), AwsError> {
        let role = self.role(name)?;
        if self.profiles_of(name).next().is_some() {
            return Err(conflict("remove roles from instance profile"));
        }
        if !role.attached.is_empty() {
            return Err(conflict("detach all policies"));
        }
        if !role.policies.is_empty() {
            return Err(conflict("delete policies"));
        }
        self.roles.remove(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
