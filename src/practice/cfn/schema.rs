//! Properties of resource types as data, and values held against them.

use serde_json::{Map, Value};

use super::behaviour::Update;
use super::document::scalar;
use super::scope;

/// A property.
#[derive(Debug, Clone, Copy)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Must be given.
    pub required: bool,
    /// What a change of it does to the resource; said of those of the resource itself, not of their parts.
    pub update: Update,
    /// It is the resource's own name, which no other can have as long as the resource is there.
    pub is_name: bool,
}

/// What a property holds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A string; numbers and booleans count as one.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A list.
    List(&'static Kind),
    /// An object.
    Object(&'static [Property]),
    /// An object with any members, or its JSON as a string.
    Document,
    /// Must not be given: known to AWS, not to the practice account.
    Unsupported,
}

/// A property that may be given.
pub const fn optional(name: &'static str, kind: Kind) -> Property {
    Property {
        name,
        kind,
        required: false,
        update: Update::Unknown,
        is_name: false,
    }
}

/// A property that must be given.
pub const fn required(name: &'static str, kind: Kind) -> Property {
    Property {
        name,
        kind,
        required: true,
        update: Update::Unknown,
        is_name: false,
    }
}

/// Tags as most types write them.
pub const TAGS: Kind = Kind::List(&Kind::Object(&[
    required("Key", Kind::Text),
    required("Value", Kind::Text),
]));

/// What is wrong with the properties, as CloudFormation lists it. A function's value is not known and counts as right.
pub fn problems(properties: &[Property], given: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    object("#", properties, given, &mut problems);
    problems
}

fn object(path: &str, properties: &[Property], given: &Value, problems: &mut Vec<String>) {
    let Some(members) = given.as_object() else {
        problems.push(format!(
            "{path}: expected type: JSONObject, found: {}",
            type_of(given)
        ));
        return;
    };
    for key in members.keys() {
        if !properties.iter().any(|property| property.name == key) {
            problems.push(format!("{path}: extraneous key [{key}] is not permitted"));
        }
    }
    for property in properties {
        match members.get(property.name) {
            Some(value) => check(
                &format!("{path}/{}", property.name),
                property.kind,
                value,
                problems,
            ),
            None if property.required => {
                problems.push(format!(
                    "{path}: required key [{}] not found",
                    property.name
                ));
            }
            None => {}
        }
    }
}

fn check(path: &str, kind: Kind, value: &Value, problems: &mut Vec<String>) {
    if let Some((name, argument)) = scope::function(value) {
        if let (Kind::Unsupported, _) = (kind, name) {
            problems.push(unsupported(path));
        } else if name == "Fn::If"
            && let Some([_, yes, no]) = argument.as_array().map(Vec::as_slice)
        {
            check(path, kind, yes, problems);
            check(path, kind, no, problems);
        }
        return;
    }
    let mut expected = |what: &str| {
        problems.push(format!(
            "{path}: expected type: {what}, found: {}",
            type_of(value)
        ));
    };
    match kind {
        Kind::Text if scalar(value).is_none() => expected("String"),
        Kind::Integer if integer(value).is_none() => expected("Integer"),
        Kind::Boolean if boolean(value).is_none() => expected("Boolean"),
        Kind::Document if !value.is_object() && !value.is_string() => expected("JSONObject"),
        Kind::OneOf(allowed) => match scalar(value) {
            None => expected("String"),
            Some(text) if !allowed.contains(&text.as_str()) => {
                problems.push(format!("{path}: {text} is not a valid enum value"));
            }
            Some(_) => {}
        },
        Kind::List(kind) => match value.as_array() {
            None => expected("JSONArray"),
            Some(items) => {
                for (index, item) in items.iter().enumerate() {
                    check(&format!("{path}/{index}"), *kind, item, problems);
                }
            }
        },
        Kind::Object(properties) => object(path, properties, value, problems),
        Kind::Unsupported => problems.push(unsupported(path)),
        Kind::Text | Kind::Integer | Kind::Boolean | Kind::Document => {}
    }
}

fn unsupported(path: &str) -> String {
    format!("{path}: not supported by the practice account")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(_) => "Number",
        Value::String(_) => "String",
        Value::Array(_) => "JSONArray",
        Value::Object(_) => "JSONObject",
    }
}

fn integer(value: &Value) -> Option<i64> {
    scalar(value)?.parse().ok()
}

fn boolean(value: &Value) -> Option<bool> {
    scalar(value)?.parse().ok()
}

/// Resolved properties, to read.
#[derive(Clone, Copy)]
pub struct Properties<'a>(Option<&'a Map<String, Value>>);

impl<'a> Properties<'a> {
    /// Those of this object.
    pub fn new(value: &'a Value) -> Self {
        Self(value.as_object())
    }

    /// A value.
    pub fn get(self, name: &str) -> Option<&'a Value> {
        self.0?.get(name)
    }

    /// A string.
    pub fn text(self, name: &str) -> Option<String> {
        self.get(name).and_then(scalar)
    }

    /// A string that the schema requires.
    pub fn needed(self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// A whole number.
    pub fn integer(self, name: &str) -> Option<i64> {
        self.get(name).and_then(integer)
    }

    /// `true` or `false`.
    pub fn boolean(self, name: &str) -> Option<bool> {
        self.get(name).and_then(boolean)
    }

    /// Strings of a list.
    pub fn texts(self, name: &str) -> Vec<String> {
        self.items(name).filter_map(scalar).collect()
    }

    /// Objects of a list.
    pub fn objects(self, name: &str) -> Vec<Properties<'a>> {
        self.items(name).map(Properties::new).collect()
    }

    /// An object.
    pub fn object(self, name: &str) -> Properties<'a> {
        Self(self.get(name).and_then(Value::as_object))
    }

    /// A document, as JSON.
    pub fn document(self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text.clone()),
            value => Some(value.to_string()),
        }
    }

    /// Whether it is there.
    pub fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and texts of all members.
    pub fn texts_by_name(self) -> Vec<(String, String)> {
        self.0
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), scalar(value)?)))
            .collect()
    }

    fn items(self, name: &str) -> impl Iterator<Item = &'a Value> {
        self.get(name)
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
    }
}
