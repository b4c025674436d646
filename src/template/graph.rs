//! Which resource needs which, read from a merged template's references. Nothing here changes a template.

use std::collections::BTreeSet;

use serde_yaml::{Mapping, Value};

use super::TemplateError;

/// A resource and the resources that must stand before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub logical_id: String,
    pub kind: String,
    /// Explicit (`DependsOn`) and by reference, in the template's order, without doubles.
    pub depends_on: Vec<String>,
}

/// All resources, each after those it needs; otherwise in the template's order.
pub(super) fn in_creation_order(template: &Value) -> Result<Vec<Node>, TemplateError> {
    let empty = Mapping::new();
    let section = |name: &str| template.get(name).and_then(Value::as_mapping);
    let resources = section("Resources").unwrap_or(&empty);
    let parameters = section("Parameters").unwrap_or(&empty);

    let mut waiting = Vec::new();
    for (id, resource) in resources {
        let id = id.as_str().unwrap_or_default();
        let mut names = BTreeSet::new();
        references(resource, &mut names);
        match resource.get("DependsOn") {
            Some(Value::String(name)) => {
                names.insert(name.clone());
            }
            Some(Value::Sequence(list)) => {
                names.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            _ => {}
        }
        if let Some(name) = names.iter().find(|name| {
            !name.starts_with("AWS::")
                && !resources.contains_key(name.as_str())
                && !parameters.contains_key(name.as_str())
        }) {
            return Err(TemplateError::UnknownReference {
                resource: id.to_owned(),
                name: name.clone(),
            });
        }
        waiting.push(Node {
            logical_id: id.to_owned(),
            kind: resource
                .get("Type")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            depends_on: resources
                .keys()
                .filter_map(Value::as_str)
                .filter(|key| names.contains(*key))
                .map(str::to_owned)
                .collect(),
        });
    }

    let mut placed: Vec<Node> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|node| {
            node.depends_on
                .iter()
                .all(|need| placed.iter().any(|done| done.logical_id == *need))
        });
        match ready {
            Some(at) => placed.push(waiting.remove(at)),
            None => {
                return Err(TemplateError::Cycle {
                    resources: waiting.into_iter().map(|node| node.logical_id).collect(),
                });
            }
        }
    }
    Ok(placed)
}

/// Collects the logical ids and parameters that `value` refers to, in short or in long form.
fn references(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            refer(tag.trim_start_matches('!'), &tagged.value, names);
        }
        Value::Mapping(mapping) => {
            for (key, value) in mapping {
                let key = key.as_str().unwrap_or_default();
                refer(key.strip_prefix("Fn::").unwrap_or(key), value, names);
            }
        }
        Value::Sequence(list) => list.iter().for_each(|value| references(value, names)),
        _ => {}
    }
}

/// Collects from the argument of a function (or, if it is none that refers to something, from within it).
fn refer(function: &str, argument: &Value, names: &mut BTreeSet<String>) {
    match (function, argument) {
        ("Ref", Value::String(name)) => {
            names.insert(name.clone());
        }
        ("GetAtt", Value::String(path)) => {
            names.insert(path.split('.').next().unwrap_or_default().to_owned());
        }
        ("GetAtt", Value::Sequence(parts)) => {
            names.extend(parts.first().and_then(Value::as_str).map(str::to_owned));
        }
        ("Sub", Value::String(text)) => names.extend(placeholders(text).map(str::to_owned)),
        ("Sub", Value::Sequence(parts)) => {
            let own = parts.get(1).and_then(Value::as_mapping);
            if let Some(text) = parts.first().and_then(Value::as_str) {
                names.extend(
                    placeholders(text)
                        .filter(|name| !own.is_some_and(|own| own.contains_key(*name)))
                        .map(str::to_owned),
                );
            }
            if let Some(own) = own {
                own.values().for_each(|value| references(value, names));
            }
        }
        _ => references(argument, names),
    }
}

/// The names in a `Sub` text: of `${FileSystem.Arn}` it is `FileSystem`; `${!literal}` is none.
pub(super) fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|rest| {
        let name = rest.split_once('}')?.0.trim();
        (!name.starts_with('!')).then(|| name.split('.').next().unwrap_or(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(text: &str) -> Result<Vec<(String, Vec<String>)>, String> {
        in_creation_order(&serde_yaml::from_str(text).unwrap())
            .map(|nodes| {
                nodes
                    .into_iter()
                    .map(|node| (node.logical_id, node.depends_on))
                    .collect()
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_way_to_refer_counts_as_a_dependency() {
        let ways = [
            "DependsOn: T",
            "DependsOn: [T]",
            "Properties: {P: !Ref T}",
            "Properties: {P: {Ref: T}}",
            "Properties: {P: [{Q: !GetAtt T.Arn}]}",
            "Properties: {P: {'Fn::GetAtt': [T, Arn]}}",
            "Properties: {P: !GetAtt [T, Arn]}",
            "Properties: {P: !Sub 'x-${T.Arn}-${!S}-${AWS::Region}'}",
            "Properties: {P: {'Fn::Sub': '${T}'}}",
            "Properties: {P: !Sub ['${x}', {x: !Ref T}]}",
            "Properties: {P: {'Fn::Base64': {'Fn::Join': ['', [!Sub '${T}']]}}}",
        ];
        for way in ways {
            let text = format!("Resources: {{S: {{Type: s, {way}}}, T: {{Type: t}}}}");
            assert_eq!(
                order(&text).unwrap(),
                [
                    ("T".to_owned(), vec![]),
                    ("S".to_owned(), vec!["T".to_owned()])
                ],
                "{way}"
            );
        }
    }

    #[test]
    fn parameters_are_no_dependencies() {
        let text =
            "Parameters: {P: {Type: String}}\nResources: {S: {Type: s, Properties: {Q: !Ref P}}}";
        assert_eq!(order(text).unwrap(), [("S".to_owned(), vec![])]);
    }

    #[test]
    fn an_unknown_name_and_a_cycle_are_errors() {
        insta::assert_snapshot!(
            order("Resources: {S: {Properties: {Q: !Ref Gone}}}").unwrap_err(),
            @"S refers to Gone, which no fragment declares"
        );
        insta::assert_snapshot!(
            order("Resources: {S: {DependsOn: T}, T: {DependsOn: S}, U: {}}").unwrap_err(),
            @"these resources wait for each other: S, T"
        );
    }
}
