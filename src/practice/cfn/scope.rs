//! What the names in a template mean while a stack is worked on, and the intrinsic functions evaluated there.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Map, Value};

use super::document::scalar;
use super::parameters::ParameterValue;
use super::template::Template;
use crate::practice::world::place::Place;

/// Looks up a resource: `Ref` without an attribute, `Fn::GetAtt` with one.
pub type Lookup<'a> = dyn Fn(&str, Option<&str>) -> Result<Value, String> + 'a;

/// The names of one stack.
pub struct Scope<'a> {
    /// Its template.
    pub template: &'a Template,
    /// Values of its parameters.
    pub parameters: &'a BTreeMap<String, ParameterValue>,
    /// Conditions decided so far.
    pub conditions: &'a BTreeMap<String, bool>,
    /// Account and region.
    pub place: &'a Place,
    /// Its name and ARN.
    pub stack: (&'a str, &'a str),
    /// Its resources.
    pub resources: &'a Lookup<'a>,
}

/// Pseudo parameters, but for `AWS::NoValue`.
pub const PSEUDO: [&str; 7] = [
    "AWS::AccountId",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// Bytes of a text that a function makes. User data, the longest that anything takes, has 16 KiB.
const TEXT_MAX: usize = 1024 * 1024;

/// Means: leave this out.
pub const NO_VALUE: &str = "AWS::NoValue";

/// An object with one member, as every intrinsic function is written.
pub fn function(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let (name, argument) = members.iter().next()?;
    (name == "Ref" || name == "Condition" || name.starts_with("Fn::")).then_some((name, argument))
}

impl Scope<'_> {
    /// The value with every function in it evaluated; `None` where it is left out.
    pub fn evaluate(&self, value: &Value) -> Result<Option<Value>, String> {
        if let Some((name, argument)) = function(value) {
            return self.call(name, argument);
        }
        Ok(Some(match value {
            Value::Array(items) => {
                let mut kept = Vec::with_capacity(items.len());
                for item in items {
                    kept.extend(self.evaluate(item)?);
                }
                Value::Array(kept)
            }
            Value::Object(members) => {
                let mut kept = Map::new();
                for (key, member) in members {
                    if let Some(member) = self.evaluate(member)? {
                        kept.insert(key.clone(), member);
                    }
                }
                Value::Object(kept)
            }
            plain => plain.clone(),
        }))
    }

    /// The value as text.
    pub fn text(&self, value: &Value, where_: &str) -> Result<String, String> {
        self.evaluate(value)?
            .as_ref()
            .and_then(scalar)
            .ok_or_else(|| format!("Template error: every {where_} argument must be a string."))
    }

    fn list(&self, value: &Value, where_: &str) -> Result<Vec<Value>, String> {
        match self.evaluate(value)? {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(format!(
                "Template error: every {where_} object requires a list of values."
            )),
        }
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Option<Value>, String> {
        let value = match name {
            "Ref" => return self.reference(argument),
            "Fn::GetAtt" => {
                let (resource, attribute) = get_att_parts(argument)?;
                let attribute = self.text(attribute, "Fn::GetAtt")?;
                (self.resources)(resource, Some(&attribute))?
            }
            "Fn::Sub" => self.substitute(argument)?.into(),
            "Fn::Join" => self.join(argument)?.into(),
            "Fn::Select" => self.select(argument)?,
            "Fn::Split" => {
                let [delimiter, text] = arguments(argument, name)?;
                let delimiter = self.text(delimiter, name)?;
                if delimiter.is_empty() {
                    return Err("Template error: Fn::Split delimiter can not be empty.".into());
                }
                let text = self.text(text, name)?;
                text.split(&delimiter).map(Value::from).collect()
            }
            "Fn::Base64" => BASE64_STANDARD.encode(self.text(argument, name)?).into(),
            "Fn::GetAZs" => {
                let region = self.text(argument, name)?;
                if !region.is_empty() && region != self.place.region {
                    return Err(format!(
                        "Template error: Fn::GetAZs: the practice account has no region {region}"
                    ));
                }
                let zones = self.place.zones();
                zones
                    .into_iter()
                    .map(|zone| Value::from(zone.name))
                    .collect()
            }
            "Fn::FindInMap" => self.find_in_map(argument)?,
            "Fn::Cidr" => self.cidr(argument)?,
            "Fn::If" => {
                let [condition, yes, no] = arguments(argument, name)?;
                let condition = condition.as_str().unwrap_or_default();
                let branch = if self.condition(condition)? { yes } else { no };
                return self.evaluate(branch);
            }
            "Condition" | "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" => {
                self.holds_function(name, argument)?.into()
            }
            other => return Err(format!("Template error: unsupported function: {other}")),
        };
        Ok(Some(value))
    }

    fn reference(&self, argument: &Value) -> Result<Option<Value>, String> {
        let name = argument
            .as_str()
            .ok_or("Template format error: All Ref references must be of type string")?;
        if name == NO_VALUE {
            return Ok(None);
        }
        if let Some(parameter) = self.parameters.get(name) {
            return Ok(Some(parameter.value.clone()));
        }
        let value = match name {
            "AWS::AccountId" => self.place.account_id.as_str().into(),
            "AWS::NotificationARNs" => Value::Array(Vec::new()),
            "AWS::Partition" => self.place.partition().into(),
            "AWS::Region" => self.place.region.as_str().into(),
            "AWS::StackName" => self.stack.0.into(),
            "AWS::StackId" => self.stack.1.into(),
            "AWS::URLSuffix" => self.place.url_suffix().into(),
            resource => (self.resources)(resource, None)?,
        };
        Ok(Some(value))
    }

    fn substitute(&self, argument: &Value) -> Result<String, String> {
        let (text, map) = sub_parts(argument)?;
        let mut result = String::with_capacity(text.len());
        for part in sub_tokens(text) {
            let name = match part {
                Token::Text(text) => {
                    result.push_str(text);
                    continue;
                }
                Token::Name(name) => name,
            };
            let own = map.and_then(|map| map.get(name));
            let value = match (own, name.split_once('.')) {
                (Some(own), _) => self.evaluate(own)?,
                (None, Some((resource, attribute))) => {
                    Some((self.resources)(resource, Some(attribute))?)
                }
                (None, None) => self.reference(&Value::from(name))?,
            };
            let value = value.as_ref().and_then(scalar).ok_or_else(|| {
                format!("Template error: variable {name} in Fn::Sub expression does not resolve to a string")
            })?;
            result.push_str(&value);
            fits(result.len())?;
        }
        Ok(result)
    }

    fn join(&self, argument: &Value) -> Result<String, String> {
        let [delimiter, items] = arguments(argument, "Fn::Join")?;
        let delimiter = self.text(delimiter, "Fn::Join")?;
        let items = self.list(items, "Fn::Join")?;
        let items: Option<Vec<String>> = items.iter().map(scalar).collect();
        let joined = items.as_deref().unwrap_or_default();
        let length: usize = joined.iter().map(|item| item.len() + delimiter.len()).sum();
        fits(length)?;
        items.map(|items| items.join(&delimiter)).ok_or_else(|| {
            "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.".into()
        })
    }

    fn select(&self, argument: &Value) -> Result<Value, String> {
        let [index, items] = arguments(argument, "Fn::Select")?;
        let index = self.text(index, "Fn::Select")?;
        let items = self.list(items, "Fn::Select")?;
        index
            .parse::<usize>()
            .ok()
            .and_then(|index| items.get(index).cloned())
            .ok_or_else(|| {
                format!(
                    "Template error: Fn::Select cannot select nonexistent value at index {index}"
                )
            })
    }

    fn find_in_map(&self, argument: &Value) -> Result<Value, String> {
        let [map, first, second] = arguments(argument, "Fn::FindInMap")?;
        let map = self.text(map, "Fn::FindInMap")?;
        let first = self.text(first, "Fn::FindInMap")?;
        let second = self.text(second, "Fn::FindInMap")?;
        self.template
            .mappings
            .get(&map)
            .and_then(|found| found.get(&first)?.get(&second))
            .cloned()
            .ok_or_else(|| {
                format!("Template error: Unable to get mapping for {map}::{first}::{second}")
            })
    }

    fn cidr(&self, argument: &Value) -> Result<Value, String> {
        let wrong = || {
            "Template error: Fn::Cidr expects a block, a count from 1 to 256, and the number of subnet bits".to_owned()
        };
        let number = |value| {
            self.text(value, "Fn::Cidr")?
                .parse::<u32>()
                .map_err(|_| wrong())
        };
        let (block, count, bits) = match argument.as_array().map(Vec::as_slice) {
            // "The number of subnet bits …; the default is 8" (template reference, Fn::Cidr).
            Some([block, count]) => (block, number(count)?, 8),
            Some([block, count, bits]) => (block, number(count)?, number(bits)?),
            _ => return Err(wrong()),
        };
        let block = self.text(block, "Fn::Cidr")?;
        let (address, prefix) = block.split_once('/').ok_or_else(wrong)?;
        let address: std::net::Ipv4Addr = address.parse().map_err(|_| wrong())?;
        let prefix: u32 = prefix.parse().map_err(|_| wrong())?;
        let room = 32_u32.checked_sub(prefix).ok_or_else(wrong)?;
        let fits = bits <= room && u64::from(count) << bits <= 1_u64 << room;
        if !(1..=256).contains(&count) || !fits {
            return Err(wrong());
        }
        let base = u64::from(u32::from(address)) >> room << room;
        (0..u64::from(count))
            .map(|number| {
                let start = u32::try_from(base + (number << bits)).map_err(|_| wrong())?;
                let start = std::net::Ipv4Addr::from(start);
                Ok(Value::from(format!("{start}/{}", 32 - bits)))
            })
            .collect()
    }

    /// Whether a named condition holds.
    pub fn condition(&self, name: &str) -> Result<bool, String> {
        self.conditions
            .get(name)
            .copied()
            .ok_or_else(|| format!("Template format error: Unresolved condition {name}"))
    }

    /// Whether a condition expression holds.
    pub fn holds(&self, expression: &Value) -> Result<bool, String> {
        let wrong = || {
            "Template format error: Every Condition member must be a condition function.".to_owned()
        };
        let (name, argument) = function(expression).ok_or_else(wrong)?;
        self.holds_function(name, argument)
    }

    fn holds_function(&self, name: &str, argument: &Value) -> Result<bool, String> {
        let operands = || {
            argument
                .as_array()
                .filter(|operands| (2..=10).contains(&operands.len()))
                .ok_or_else(|| {
                    format!("Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters.")
                })
        };
        match name {
            "Condition" => self.condition(argument.as_str().unwrap_or_default()),
            "Fn::Equals" => {
                let [left, right] = arguments(argument, name)?;
                let (left, right) = (self.evaluate(left)?, self.evaluate(right)?);
                let plain = |value: &Option<Value>| value.as_ref().and_then(scalar);
                Ok(match (plain(&left), plain(&right)) {
                    (Some(left), Some(right)) => left == right,
                    _ => left == right,
                })
            }
            "Fn::Not" => {
                let [operand] = arguments(argument, name)?;
                Ok(!self.holds(operand)?)
            }
            "Fn::And" => operands()?
                .iter()
                .try_fold(true, |all, one| Ok(self.holds(one)? && all)),
            "Fn::Or" => operands()?
                .iter()
                .try_fold(false, |any, one| Ok(self.holds(one)? || any)),
            other => Err(format!(
                "Template format error: {other} is not a condition function."
            )),
        }
    }
}

/// A template of 50 kilobytes can ask for texts that fill the memory.
fn fits(length: usize) -> Result<(), String> {
    if length > TEXT_MAX {
        return Err("Template error: the practice account makes no text of more than 1 MiB".into());
    }
    Ok(())
}

/// The arguments of a function that takes exactly `N`.
pub fn arguments<'a, const N: usize>(
    argument: &'a Value,
    name: &str,
) -> Result<[&'a Value; N], String> {
    argument
        .as_array()
        .map(|items| items.iter().collect::<Vec<_>>())
        .and_then(|items| items.try_into().ok())
        .ok_or_else(|| format!("Template error: every {name} object requires {N} parameters."))
}

/// Resource and attribute of a `Fn::GetAtt`.
pub fn get_att_parts(argument: &Value) -> Result<(&str, &Value), String> {
    let wrong = "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute";
    let [resource, attribute] = arguments(argument, "Fn::GetAtt").map_err(|_| wrong)?;
    let resource = resource
        .as_str()
        .filter(|name| !name.is_empty())
        .ok_or(wrong)?;
    if attribute.as_str() == Some("") {
        return Err(wrong.into());
    }
    Ok((resource, attribute))
}

/// Variables of a `Fn::Sub`'s own.
type Variables = Map<String, Value>;

/// Text and own variables of a `Fn::Sub`.
pub fn sub_parts(argument: &Value) -> Result<(&str, Option<&Variables>), String> {
    let wrong = "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string";
    match argument {
        Value::String(text) => Ok((text, None)),
        Value::Array(items) => match &items[..] {
            [Value::String(text), Value::Object(map)] => Ok((text, Some(map))),
            _ => Err(wrong.into()),
        },
        _ => Err(wrong.into()),
    }
}

/// A piece of a `Fn::Sub` text.
#[derive(Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// As it stands.
    Text(&'a str),
    /// `${Name}` or `${Name.Attribute}`.
    Name(&'a str),
}

/// The pieces of a `Fn::Sub` text; `${!x}` stands for `${x}`.
pub fn sub_tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            break;
        };
        let inside = &rest[start + 2..start + length];
        tokens.push(Token::Text(&rest[..start]));
        match inside.strip_prefix('!') {
            Some(literal) => {
                tokens.push(Token::Text("${"));
                tokens.push(Token::Text(literal));
                tokens.push(Token::Text("}"));
            }
            None => tokens.push(Token::Name(inside.trim())),
        }
        rest = &rest[start + length + 1..];
    }
    tokens.push(Token::Text(rest));
    tokens
}
