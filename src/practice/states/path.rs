//! Reference paths and payload templates of the Amazon States Language, in its JSONPath form. Of paths only members and
//! indices are known, of intrinsic functions only `States.Array`; anything else is refused by name.

use serde_json::{Map, Value};

/// `$.Stacks[0].StackId`, or `$$.State.EnteredTime`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    text: String,
    of_context: bool,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Member(String),
    Index(usize),
}

impl Path {
    /// `$`
    pub fn root() -> Self {
        Self {
            text: "$".into(),
            of_context: false,
            parts: Vec::new(),
        }
    }

    /// Reads a path.
    pub fn read(text: &str) -> Result<Self, String> {
        let unknown =
            || format!("The value '{text}' is not a reference path of members and indices");
        let (of_context, mut rest) = match text.strip_prefix("$$") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('$').ok_or_else(unknown)?),
        };
        let mut parts = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, left) = after.split_at(end);
                let letters = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
                if name.is_empty() || !name.chars().all(letters) {
                    return Err(unknown());
                }
                parts.push(Part::Member(name.to_owned()));
                rest = left;
            } else {
                let after = rest.strip_prefix('[').ok_or_else(unknown)?;
                let (index, left) = after.split_once(']').ok_or_else(unknown)?;
                parts.push(Part::Index(index.parse().map_err(|_| unknown())?));
                rest = left;
            }
        }
        Ok(Self {
            text: text.to_owned(),
            of_context,
            parts,
        })
    }

    /// What is there, if anything.
    pub fn find<'a>(&self, data: Data<'a>) -> Option<&'a Value> {
        let root = if self.of_context {
            data.context
        } else {
            data.input
        };
        self.parts.iter().try_fold(root, |value, part| match part {
            Part::Member(name) => value.get(name),
            Part::Index(index) => value.get(index),
        })
    }

    /// What is there, or the error of a path that leads nowhere.
    pub fn value(&self, data: Data<'_>) -> Result<Value, String> {
        self.find(data).cloned().ok_or_else(|| {
            format!(
                "The JSONPath '{}' specified could not be found in the input",
                self.text
            )
        })
    }

    /// Puts a value there; objects on the way are made. Only members, not of the context.
    pub fn put(&self, target: &mut Value, value: Value) -> Result<(), String> {
        let mut place = target;
        for part in &self.parts {
            let Part::Member(name) = part else {
                return Err(format!("nothing can be put at '{}'", self.text));
            };
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place = match place {
                Value::Object(members) => members.entry(name.clone()).or_insert(Value::Null),
                _ => return Err(format!("nothing can be put at '{}'", self.text)),
            };
        }
        *place = value;
        Ok(())
    }

    /// Whether something can be put there.
    pub fn is_place(&self) -> bool {
        !self.of_context
            && self
                .parts
                .iter()
                .all(|part| matches!(part, Part::Member(_)))
    }
}

/// What paths lead into.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    /// `$`
    pub input: &'a Value,
    /// `$$`
    pub context: &'a Value,
}

/// `Parameters` or `ResultSelector`: a value some of whose members are paths.
#[derive(Debug, Clone, PartialEq)]
pub enum Template {
    /// As it is.
    Plain(Value),
    /// What a path leads to.
    Path(Path),
    /// `States.Array(…)`
    Array(Vec<Path>),
    /// Members.
    Object(Vec<(String, Template)>),
    /// Items.
    List(Vec<Template>),
}

impl Template {
    /// Reads a template.
    pub fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    let Some(name) = name.strip_suffix(".$") else {
                        return Ok((name.clone(), Self::read(value)?));
                    };
                    let text = value
                        .as_str()
                        .ok_or_else(|| format!("The value of '{name}.$' must be a string"))?;
                    Ok((name.to_owned(), Self::dynamic(text)?))
                });
                Ok(Self::Object(members.collect::<Result<_, String>>()?))
            }
            Value::Array(items) => {
                let items = items.iter().map(Self::read);
                Ok(Self::List(items.collect::<Result<_, String>>()?))
            }
            plain => Ok(Self::Plain(plain.clone())),
        }
    }

    fn dynamic(text: &str) -> Result<Self, String> {
        let Some(call) = text.strip_prefix("States.") else {
            return Ok(Self::Path(Path::read(text)?));
        };
        let arguments = call
            .strip_prefix("Array(")
            .and_then(|rest| rest.strip_suffix(')'))
            .ok_or_else(|| {
                format!("the practice account does not have the intrinsic function of '{text}'")
            })?;
        let paths = arguments.split(',').map(|one| Path::read(one.trim()));
        Ok(Self::Array(paths.collect::<Result<_, String>>()?))
    }

    /// The value with all paths followed.
    pub fn fill(&self, data: Data<'_>) -> Result<Value, String> {
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Path(path) => path.value(data)?,
            Self::Array(paths) => {
                let values = paths.iter().map(|path| path.value(data));
                Value::Array(values.collect::<Result<_, String>>()?)
            }
            Self::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), value.fill(data)?)));
                Value::Object(members.collect::<Result<_, String>>()?)
            }
            Self::List(items) => {
                let items = items.iter().map(|item| item.fill(data));
                Value::Array(items.collect::<Result<_, String>>()?)
            }
        })
    }

    /// Names of its members, if it is an object.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let members = match self {
            Self::Object(members) => members.as_slice(),
            _ => &[],
        };
        members.iter().map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_into_the_input_and_into_the_context() {
        let (input, context) = (
            json!({"Stacks": [{"Id": "s"}]}),
            json!({"State": {"Name": "x"}}),
        );
        let data = Data {
            input: &input,
            context: &context,
        };
        let found = |text: &str| Path::read(text).unwrap().value(data);
        assert_eq!(found("$.Stacks[0].Id"), Ok(json!("s")));
        assert_eq!(found("$$.State.Name"), Ok(json!("x")));
        assert_eq!(found("$"), Ok(input.clone()));
        assert!(found("$.Stacks[1]").is_err());
        for unknown in ["Stacks", "$.a[*]", "$..a", "$.a[?(@.b)]", "$.", "$.a[0"] {
            assert!(Path::read(unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn a_result_is_put_where_the_path_says() {
        let mut value = json!({"a": 1});
        let put =
            |value: &mut Value, path: &str, what: Value| Path::read(path).unwrap().put(value, what);
        put(&mut value, "$.b.c", json!(2)).unwrap();
        assert_eq!(value, json!({"a": 1, "b": {"c": 2}}));
        put(&mut value, "$", json!(3)).unwrap();
        assert_eq!(value, json!(3));
        assert!(!Path::read("$.a[0]").unwrap().is_place());
    }

    #[test]
    fn templates_are_filled() {
        let (input, context) = (json!({"id": "i-1"}), json!({}));
        let data = Data {
            input: &input,
            context: &context,
        };
        let template = Template::read(&json!({
            "InstanceIds.$": "States.Array($.id)",
            "Filters": [{"Name": "x", "Values.$": "$"}],
        }));
        assert_eq!(
            template.unwrap().fill(data),
            Ok(
                json!({"InstanceIds": ["i-1"], "Filters": [{"Name": "x", "Values": {"id": "i-1"}}]})
            )
        );
        let unknown = Template::read(&json!({"a.$": "States.Format('{}', $.b)"}));
        assert!(unknown.unwrap_err().contains("States.Format"));
    }
}
