//! Which properties of a resource differ. What is done about it does not enter here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::scalar;
use super::schema::{Properties, Property};
use super::types::ResourceType;
use super::wanted::TAGS;

/// The properties that differ, in the order of the type's list.
pub fn changed(kind: &ResourceType, before: &Value, after: &Value) -> Vec<&'static Property> {
    let (before, after) = (Properties::new(before), Properties::new(after));
    kind.properties
        .iter()
        .filter(|property| {
            !same(
                property.name,
                before.get(property.name),
                after.get(property.name),
            )
        })
        .collect()
}

/// Whether a property has one value: scalars count as text, and tags have no order.
pub fn same(name: &str, before: Option<&Value>, after: Option<&Value>) -> bool {
    match (before, after) {
        (None, None) => true,
        (Some(before), Some(after)) if TAGS.contains(&name) => by_key(before) == by_key(after),
        (Some(before), Some(after)) => alike(before, after),
        _ => false,
    }
}

fn by_key(tags: &Value) -> BTreeMap<String, String> {
    tags.as_array()
        .into_iter()
        .flatten()
        .map(Properties::new)
        .map(|tag| (tag.needed("Key"), tag.needed("Value")))
        .collect()
}

fn alike(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len()
                && before
                    .iter()
                    .zip(after)
                    .all(|(before, after)| alike(before, after))
        }
        (Value::Object(before), Value::Object(after)) => {
            before.len() == after.len()
                && before
                    .iter()
                    .all(|(key, value)| after.get(key).is_some_and(|other| alike(value, other)))
        }
        _ => scalar(before) == scalar(after),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_its_text_and_tags_have_no_order() {
        let tags = |one: &str, two: &str| {
            let tag = |key: &str| json!({"Key": key, "Value": key});
            json!([tag(one), tag(two)])
        };
        let differ =
            |name: &str, before: Value, after: Value| !same(name, Some(&before), Some(&after));
        assert!(!differ("Index", json!([{"a": "0"}]), json!([{"a": 0}])));
        assert!(!differ("Tags", tags("a", "b"), tags("b", "a")));
        assert!(differ("Groups", json!(["a", "b"]), json!(["b", "a"])));
        assert!(differ("Groups", json!(["a"]), json!(["a", "a"])));
        assert!(differ("Open", json!({"a": 1}), json!({"a": 1, "b": 1})));
        assert!(!same("Open", None, Some(&json!(false))));
    }
}
