//! What a policy of IAM allows: documents, and requests held against them. Where policies and requests come from, and how
//! a refusal is worded, stays outside.
//!
//! After "Policy evaluation logic" and "IAM JSON policy elements" of the IAM user guide.

mod condition;
mod document;
mod pattern;

use std::collections::BTreeMap;

use self::document::{Effect, Policy, Statement};
pub use self::pattern::Pattern;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// `ec2:CreateSnapshot`
    pub action: String,
    /// ARN; `None` for an action that is about no single resource, which only `*` covers.
    pub resource: Option<String>,
    /// What conditions look at.
    pub context: Context,
}

/// Keys of a request and their values; case does not matter in keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    /// Sets a key to one value.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.0.insert(key.to_ascii_lowercase(), vec![value.into()]);
    }

    /// Sets a key to a set of values.
    pub fn set_all(&mut self, key: &str, values: Vec<String>) {
        self.0.insert(key.to_ascii_lowercase(), values);
    }

    /// The values of a key, if it is there.
    fn get(&self, key: &str) -> Option<&[String]> {
        self.0.get(&key.to_ascii_lowercase()).map(Vec::as_slice)
    }
}

/// What policies say to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may be.
    Allowed,
    /// A statement forbids it.
    Forbidden,
    /// No statement of the identity's policies allows it.
    NotAllowed,
    /// The identity's policies allow it, but not its boundary.
    OutOfBounds,
}

/// Holds a request against the policies of an identity and its boundary.
pub fn decide(policies: &[&str], boundary: Option<&str>, request: &Request) -> Decision {
    // What is stored was checked when it came; what cannot be read gives no right.
    let read = |text: &str| Policy::parse(text).unwrap_or_default();
    let own: Vec<Policy> = policies.iter().map(|text| read(text)).collect();
    let bounds: Option<Vec<Policy>> = boundary.map(|text| vec![read(text)]);
    let says =
        |policies: &[Policy], effect| policies.iter().any(|policy| policy.says(effect, request));
    let bounded = bounds.as_deref();
    if says(&own, Effect::Deny) || bounded.is_some_and(|bounds| says(bounds, Effect::Deny)) {
        Decision::Forbidden
    } else if !says(&own, Effect::Allow) {
        Decision::NotAllowed
    } else if bounded.is_some_and(|bounds| !says(bounds, Effect::Allow)) {
        Decision::OutOfBounds
    } else {
        Decision::Allowed
    }
}

/// Refuses a document that is no policy of an identity, in IAM's words.
pub fn check(document: &str) -> Result<(), String> {
    Policy::parse(document)?.check_identity()
}

/// Refuses a document that does not say who may assume a role, in IAM's words.
pub fn check_trust(document: &str) -> Result<(), String> {
    Policy::parse(document)?.check_trust()
}

/// Whether a trust policy lets this service assume the role.
pub fn trusts(document: &str, service: &str) -> bool {
    let request = Request {
        action: "sts:AssumeRole".into(),
        ..Request::default()
    };
    let Ok(policy) = Policy::parse(document) else {
        return false;
    };
    let says = |effect| {
        policy.statements.iter().any(|statement| {
            statement.effect == effect
                && statement.names_service(service)
                && statement.acts_on(&request.action)
                && policy.holds(statement, &request)
        })
    };
    says(Effect::Allow) && !says(Effect::Deny)
}

impl Policy {
    fn says(&self, effect: Effect, request: &Request) -> bool {
        self.statements.iter().any(|statement| {
            statement.effect == effect
                && statement.acts_on(&request.action)
                && self.covers(statement, request)
                && self.holds(statement, request)
        })
    }

    fn covers(&self, statement: &Statement, request: &Request) -> bool {
        let matches = |patterns: &[String]| {
            patterns.iter().any(|one| match &request.resource {
                _ if one == "*" => true,
                None => false,
                Some(resource) => self
                    .pattern(one, request)
                    .is_some_and(|pattern| pattern.matches(resource)),
            })
        };
        match (&statement.resources, &statement.not_resources) {
            (Some(those), _) => matches(those),
            (None, Some(not)) => !matches(not),
            (None, None) => false,
        }
    }

    fn holds(&self, statement: &Statement, request: &Request) -> bool {
        statement
            .conditions
            .iter()
            .all(|condition| condition.holds(&request.context, self.variables))
    }

    /// `None` when a variable in it has no value.
    fn pattern(&self, text: &str, request: &Request) -> Option<pattern::Pattern> {
        pattern::Pattern::new(text, self.variables.then_some(&request.context))
    }
}

impl Statement {
    fn acts_on(&self, action: &str) -> bool {
        // "The prefix and the action name are case insensitive."
        let action = action.to_ascii_lowercase();
        let matches = |patterns: &[String]| {
            patterns.iter().any(|one| {
                pattern::Pattern::new(&one.to_ascii_lowercase(), None)
                    .is_some_and(|pattern| pattern.matches(&action))
            })
        };
        match (&self.actions, &self.not_actions) {
            (Some(those), _) => matches(those),
            (None, Some(not)) => !matches(not),
            (None, None) => false,
        }
    }
}

#[cfg(test)]
mod tests;
