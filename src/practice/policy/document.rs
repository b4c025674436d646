//! Policy documents, read strictly: whatever IAM would refuse is refused in its words.

use serde_json::{Map, Value};

use super::condition::Condition;

/// A policy.
#[derive(Debug, Default)]
pub struct Policy {
    /// Its statements.
    pub statements: Vec<Statement>,
    /// Whether it knows variables: only version 2012-10-17 does.
    pub variables: bool,
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It forbids.
    Deny,
}

/// A statement.
#[derive(Debug)]
pub struct Statement {
    /// What it does.
    pub effect: Effect,
    /// Those actions.
    pub actions: Option<Vec<String>>,
    /// All but those.
    pub not_actions: Option<Vec<String>>,
    /// Those resources.
    pub resources: Option<Vec<String>>,
    /// All but those.
    pub not_resources: Option<Vec<String>>,
    /// All of which must hold.
    pub conditions: Vec<Condition>,
    principals: Option<Vec<(String, String)>>,
}

const SYNTAX: &str = "Syntax errors in policy.";

impl Policy {
    /// Reads a document.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|_| "This policy contains invalid Json")?;
        let Value::Object(mut members) = value else {
            return Err(SYNTAX.into());
        };
        let variables = match members.remove("Version") {
            None => false,
            Some(Value::String(version)) if version == "2008-10-17" => false,
            Some(Value::String(version)) if version == "2012-10-17" => true,
            Some(_) => return Err("Syntax errors in policy: unknown version.".into()),
        };
        if !matches!(members.remove("Id"), None | Some(Value::String(_))) {
            return Err(SYNTAX.into());
        }
        let statements = match members.remove("Statement") {
            Some(Value::Array(statements)) => statements,
            Some(one @ Value::Object(_)) => vec![one],
            _ => return Err(SYNTAX.into()),
        };
        if !members.is_empty() || statements.is_empty() {
            return Err(SYNTAX.into());
        }
        let statements: Vec<Statement> = statements
            .into_iter()
            .map(Statement::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            statements,
            variables,
        })
    }

    /// Refuses one that an identity cannot have.
    pub fn check_identity(&self) -> Result<(), String> {
        for statement in &self.statements {
            if statement.principals.is_some() {
                return Err("Policy document should not specify a principal.".into());
            }
            let resources = statement.resources.iter().chain(&statement.not_resources);
            let resources: Vec<&String> = resources.flatten().collect();
            if resources.is_empty() {
                return Err("Policy statement must contain resources.".into());
            }
            for resource in resources {
                let parts = resource.splitn(6, ':').count();
                if resource != "*" && (!resource.starts_with("arn:") || parts < 6) {
                    return Err(format!(
                        "Resource {resource} must be in ARN format or \"*\"."
                    ));
                }
            }
        }
        Ok(())
    }

    /// Refuses one that does not say who may assume a role.
    pub fn check_trust(&self) -> Result<(), String> {
        for statement in &self.statements {
            if statement.principals.is_none() {
                return Err("Missing required field Principal".into());
            }
            if statement.resources.is_some() || statement.not_resources.is_some() {
                return Err("Has prohibited field Resource".into());
            }
            let actions = statement.actions.iter().chain(&statement.not_actions);
            if actions.flatten().any(|action| {
                let action = action.to_ascii_lowercase();
                action != "*" && !action.starts_with("sts:")
            }) {
                return Err("AssumeRole policy may only specify STS AssumeRole actions.".into());
            }
        }
        Ok(())
    }
}

impl Statement {
    fn parse(value: Value) -> Result<Self, String> {
        let Value::Object(mut members) = value else {
            return Err(SYNTAX.into());
        };
        if !matches!(members.remove("Sid"), None | Some(Value::String(_))) {
            return Err(SYNTAX.into());
        }
        let effect = match members.remove("Effect") {
            Some(Value::String(effect)) if effect == "Allow" => Effect::Allow,
            Some(Value::String(effect)) if effect == "Deny" => Effect::Deny,
            _ => return Err(SYNTAX.into()),
        };
        let actions = texts(&mut members, "Action")?;
        let not_actions = texts(&mut members, "NotAction")?;
        let named = actions.iter().chain(&not_actions).flatten();
        match (&actions, &not_actions) {
            (None, None) => return Err("Policy statement must contain actions.".into()),
            (Some(_), Some(_)) => return Err(SYNTAX.into()),
            _ => {}
        }
        for action in named {
            let vendor = action.split_once(':').map(|(vendor, _)| vendor);
            if action != "*" && vendor.is_none_or(str::is_empty) {
                return Err(
                    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
                        .into(),
                );
            }
        }
        let resources = texts(&mut members, "Resource")?;
        let not_resources = texts(&mut members, "NotResource")?;
        if resources.is_some() && not_resources.is_some() {
            return Err(SYNTAX.into());
        }
        let principals = members.remove("Principal").map(principals).transpose()?;
        let conditions = match members.remove("Condition") {
            None => Vec::new(),
            Some(Value::Object(block)) => conditions(block)?,
            Some(_) => return Err(SYNTAX.into()),
        };
        // NotPrincipal, too: nothing in scope has a policy of its own.
        if !members.is_empty() {
            return Err(SYNTAX.into());
        }
        Ok(Self {
            effect,
            actions,
            not_actions,
            resources,
            not_resources,
            conditions,
            principals,
        })
    }

    /// Whether this service is among its principals.
    pub fn names_service(&self, service: &str) -> bool {
        self.principals.iter().flatten().any(|(kind, name)| {
            (kind == "Service" && name == service) || (kind == "AWS" && name == "*")
        })
    }
}

/// A text or a list of texts.
fn texts(members: &mut Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, String> {
    members.remove(name).map(list).transpose()
}

fn list(value: Value) -> Result<Vec<String>, String> {
    let items = match value {
        Value::Array(items) => items,
        one => vec![one],
    };
    items
        .into_iter()
        .map(|item| match item {
            Value::String(text) => Ok(text),
            _ => Err(SYNTAX.to_owned()),
        })
        .collect()
}

/// Kind and name of each.
fn principals(value: Value) -> Result<Vec<(String, String)>, String> {
    match value {
        Value::String(all) if all == "*" => Ok(vec![("AWS".into(), all)]),
        Value::Object(kinds) => {
            let mut found = Vec::new();
            for (kind, names) in kinds {
                if !matches!(
                    kind.as_str(),
                    "AWS" | "Service" | "Federated" | "CanonicalUser"
                ) {
                    return Err(SYNTAX.into());
                }
                found.extend(list(names)?.into_iter().map(|name| (kind.clone(), name)));
            }
            Ok(found)
        }
        _ => Err("Invalid principal in policy".into()),
    }
}

fn conditions(block: Map<String, Value>) -> Result<Vec<Condition>, String> {
    let mut found = Vec::new();
    for (operator, keys) in block {
        let Value::Object(keys) = keys else {
            return Err(SYNTAX.into());
        };
        for (key, values) in keys {
            let items = match values {
                Value::Array(items) => items,
                one => vec![one],
            };
            let values = items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text),
                    Value::Bool(truth) => Ok(truth.to_string()),
                    Value::Number(number) => Ok(number.to_string()),
                    _ => Err(SYNTAX.to_owned()),
                })
                .collect::<Result<_, _>>()?;
            found.push(Condition::new(&operator, key, values)?);
        }
    }
    Ok(found)
}
