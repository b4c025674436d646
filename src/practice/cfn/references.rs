//! Which names a part of a template refers to. Nothing is evaluated here but the choice of a branch.

use std::collections::BTreeMap;

use serde_json::Value;

use super::scope::{self, Token};

/// A name that is referred to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// `Ref`.
    Name(String),
    /// `Fn::GetAtt`; no attribute where it is itself computed.
    Attribute(String, Option<String>),
    /// A condition.
    Condition(String),
    /// A mapping.
    Mapping(String),
}

/// Every name in `value`. With `conditions`, only the branch of an `Fn::If` that counts is looked at.
pub fn of(
    value: &Value,
    conditions: Option<&BTreeMap<String, bool>>,
) -> Result<Vec<Reference>, String> {
    let mut found = Vec::new();
    collect(value, conditions, &mut found)?;
    Ok(found)
}

fn collect(
    value: &Value,
    conditions: Option<&BTreeMap<String, bool>>,
    found: &mut Vec<Reference>,
) -> Result<(), String> {
    let Some((name, argument)) = scope::function(value) else {
        match value {
            Value::Array(items) => {
                for item in items {
                    collect(item, conditions, found)?;
                }
            }
            Value::Object(members) => {
                for member in members.values() {
                    collect(member, conditions, found)?;
                }
            }
            _ => {}
        }
        return Ok(());
    };
    match name {
        "Ref" => {
            let name = argument
                .as_str()
                .ok_or("Template format error: All Ref references must be of type string")?;
            found.push(Reference::Name(name.to_owned()));
        }
        "Condition" => {
            let name = argument
                .as_str()
                .ok_or("Template format error: Every Condition member must be a string.")?;
            found.push(Reference::Condition(name.to_owned()));
        }
        "Fn::GetAtt" => {
            let (resource, attribute) = scope::get_att_parts(argument)?;
            let known = attribute.as_str().map(str::to_owned);
            found.push(Reference::Attribute(resource.to_owned(), known));
            collect(attribute, conditions, found)?;
        }
        "Fn::Sub" => {
            let (text, map) = scope::sub_parts(argument)?;
            for token in scope::sub_tokens(text) {
                let Token::Name(name) = token else { continue };
                let letters = |c: char| c.is_ascii_alphanumeric() || "_.:".contains(c);
                if name.is_empty() || !name.chars().all(letters) {
                    return Err("Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons".into());
                }
                if map.is_some_and(|map| map.contains_key(name)) {
                    continue;
                }
                found.push(match name.split_once('.') {
                    Some((resource, attribute)) => {
                        Reference::Attribute(resource.to_owned(), Some(attribute.to_owned()))
                    }
                    None => Reference::Name(name.to_owned()),
                });
            }
            for member in map.into_iter().flat_map(|map| map.values()) {
                collect(member, conditions, found)?;
            }
        }
        "Fn::If" => {
            let [condition, yes, no] = scope::arguments(argument, name)?;
            let condition = condition
                .as_str()
                .ok_or("Template error: every Fn::If object requires the name of a condition.")?;
            found.push(Reference::Condition(condition.to_owned()));
            let decided = conditions.and_then(|conditions| conditions.get(condition));
            if decided != Some(&false) {
                collect(yes, conditions, found)?;
            }
            if decided != Some(&true) {
                collect(no, conditions, found)?;
            }
        }
        "Fn::FindInMap" => {
            let arguments: [&Value; 3] = scope::arguments(argument, name)?;
            if let Some(map) = arguments[0].as_str() {
                found.push(Reference::Mapping(map.to_owned()));
            }
            collect(argument, conditions, found)?;
        }
        "Fn::Join" | "Fn::Select" | "Fn::Split" | "Fn::Base64" | "Fn::GetAZs" | "Fn::Cidr"
        | "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" => collect(argument, conditions, found)?,
        other => {
            return Err(format!(
                "Template error: the practice account does not support the function {other}"
            ));
        }
    }
    Ok(())
}
