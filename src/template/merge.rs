//! Merging of fragments, key by key. Knows YAML values only: no CloudFormation enters here.

use serde_yaml::{Mapping, Value};

use super::TemplateError;

/// Merges named fragments, in order, into one mapping.
///
/// Mappings merge at every level; whatever else two fragments both have must be equal.
pub(super) fn merge(fragments: &[(&str, Value)]) -> Result<Value, TemplateError> {
    let mut merged = Value::Mapping(Mapping::new());
    for (at, (name, fragment)) in fragments.iter().enumerate() {
        let mut path = Vec::new();
        add(&mut merged, fragment, &mut path).map_err(|Clash| {
            let earlier = fragments[..at]
                .iter()
                .find(|(_, value)| holds(value, &path))
                .map_or("an earlier fragment", |(name, _)| name);
            TemplateError::Clash {
                path: path.join("."),
                first: earlier.to_owned(),
                second: (*name).to_owned(),
            }
        })?;
    }
    Ok(merged)
}

/// Two fragments say different things under the path that was being walked.
struct Clash;

/// Adds `more` to `base`; after a clash `path` is left where it happened.
fn add(base: &mut Value, more: &Value, path: &mut Vec<String>) -> Result<(), Clash> {
    match (base, more) {
        (Value::Mapping(base), Value::Mapping(more)) => {
            for (key, value) in more {
                path.push(shown(key));
                match base.get_mut(key) {
                    Some(present) => add(present, value, path)?,
                    None => {
                        base.insert(key.clone(), value.clone());
                    }
                }
                path.pop();
            }
            Ok(())
        }
        (base, more) if base == more => Ok(()),
        _ => Err(Clash),
    }
}

/// Whether `value` has something at `path`.
fn holds(value: &Value, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    let Value::Mapping(mapping) = value else {
        return false;
    };
    mapping
        .iter()
        .any(|(key, value)| shown(key) == *first && holds(value, rest))
}

/// A key as an error shows it.
fn shown(key: &Value) -> String {
    match key {
        Value::String(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn yaml(text: &str) -> Value {
        serde_yaml::from_str(text).unwrap()
    }

    fn clash(first: &str, second: &str) -> String {
        merge(&[("one", yaml(first)), ("two", yaml(second))])
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn mappings_merge_at_every_level() {
        let merged = merge(&[
            ("one", yaml("Resources: {A: {Type: x}}")),
            (
                "two",
                yaml("Resources: {B: {Type: y}, A: {DependsOn: B}}\nOutputs: {O: 1}"),
            ),
        ])
        .unwrap();
        assert_eq!(
            merged,
            yaml("Resources: {A: {Type: x, DependsOn: B}, B: {Type: y}}\nOutputs: {O: 1}")
        );
    }

    #[test]
    fn a_clash_names_both_fragments_and_the_path() {
        insta::assert_snapshot!(
            clash("Resources: {A: {Type: x}}", "Resources: {A: {Type: y}}"),
            @"the fragments one and two disagree about Resources.A.Type"
        );
        insta::assert_snapshot!(
            clash("Outputs: {O: [1]}", "Outputs: {O: [1, 2]}"),
            @"the fragments one and two disagree about Outputs.O"
        );
        insta::assert_snapshot!(
            clash("Outputs: {O: {Value: 1}}", "Outputs: {O: !Ref A}"),
            @"the fragments one and two disagree about Outputs.O"
        );
    }

    #[test]
    fn a_clash_names_the_fragment_that_said_it_first() {
        let error = merge(&[
            ("one", yaml("A: 1")),
            ("two", yaml("B: {C: 1}")),
            ("three", yaml("B: {C: 2}")),
        ])
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the fragments two and three disagree about B.C"
        );
    }

    /// Mappings of few keys, so that they often overlap.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (0..3u8).prop_map(Value::from),
            prop::collection::vec(0..3u8, 0..3).prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 3, mapping_of)
    }

    fn mapping_of(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
        prop::collection::btree_map("[abc]", value, 0..3)
            .prop_map(|map| map.into_iter().map(|(k, v)| (Value::from(k), v)).collect())
            .prop_map(Value::Mapping)
    }

    proptest! {
        #[test]
        fn merging_a_fragment_again_changes_nothing(one in mapping_of(value()), two in mapping_of(value())) {
            if let Ok(merged) = merge(&[("one", one.clone()), ("two", two.clone())]) {
                let again = merge(&[("one", one), ("two", two.clone()), ("again", two)]).unwrap();
                prop_assert_eq!(again, merged);
            }
        }

        #[test]
        fn the_order_of_fragments_never_decides_what_is_said(one in mapping_of(value()), two in mapping_of(value())) {
            let forth = merge(&[("one", one.clone()), ("two", two.clone())]);
            let back = merge(&[("two", two), ("one", one)]);
            // Equality of mappings ignores the order of keys.
            prop_assert_eq!(forth.ok(), back.ok());
        }
    }
}
