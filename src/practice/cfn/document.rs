//! Template text to JSON: YAML with CloudFormation's short-form tags, or JSON. What a template means does not enter here.

use saphyr_parser::{Event, Parser};
use serde_json::{Map, Number, Value};

use crate::practice::error::AwsError;

/// The text as JSON, short forms (`!Ref x`) made long (`{"Ref": "x"}`).
pub fn parse(text: &str) -> Result<Value, AwsError> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| {
            malformed(&format!(
                "JSON not well-formed. (line {}, column {})",
                error.line(),
                error.column()
            ))
        });
    }
    no_aliases(text)?;
    let yaml: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| {
        let place = error.location().map_or_else(
            || format!("({error})"),
            |at| format!("(line {}, column {})", at.line(), at.column()),
        );
        malformed(&format!("YAML not well-formed. {place}"))
    })?;
    to_json(yaml)
}

/// CloudFormation allows no aliases; and what a few kilobytes of them stand for can fill the memory.
fn no_aliases(text: &str) -> Result<(), AwsError> {
    // Without an anchor no alias means anything.
    if !text.contains('&') {
        return Ok(());
    }
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::Alias(_), _)) => {
                return Err(AwsError::validation(
                    "Template error: YAML aliases are not allowed in CloudFormation templates",
                ));
            }
            Ok(_) => {}
            Err(error) => {
                let at = error.marker();
                let place = format!("(line {}, column {})", at.line(), at.col() + 1);
                return Err(malformed(&format!("YAML not well-formed. {place}")));
            }
        }
    }
    Ok(())
}

fn malformed(what: &str) -> AwsError {
    AwsError::validation(format!("Template format error: {what}"))
}

fn to_json(yaml: serde_yaml::Value) -> Result<Value, AwsError> {
    use serde_yaml::Value as Yaml;
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => number_to_json(&number),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => {
            Value::Array(items.into_iter().map(to_json).collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let key = match key {
                    Yaml::String(key) => key,
                    Yaml::Number(key) => key.to_string(),
                    Yaml::Bool(key) => key.to_string(),
                    _ => return Err(malformed("every key must be a string.")),
                };
                map.insert(key, to_json(value)?);
            }
            Value::Object(map)
        }
        Yaml::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            let name = name.trim_start_matches('!');
            let value = to_json(tagged.value)?;
            let (key, value) = match (name, value) {
                ("Ref" | "Condition", value) => (name.to_owned(), value),
                ("GetAtt", Value::String(path)) => ("Fn::GetAtt".to_owned(), get_att(&path)),
                (name, value) => (format!("Fn::{name}"), value),
            };
            Value::Object(Map::from_iter([(key, value)]))
        }
    })
}

/// `A.B.C` as `["A", "B.C"]`.
pub fn get_att(path: &str) -> Value {
    let (resource, attribute) = path.split_once('.').unwrap_or((path, ""));
    Value::Array(vec![resource.into(), attribute.into()])
}

fn number_to_json(number: &serde_yaml::Number) -> Value {
    number
        .as_i64()
        .map(Number::from)
        .or_else(|| number.as_u64().map(Number::from))
        .or_else(|| number.as_f64().and_then(Number::from_f64))
        .map_or(Value::Null, Value::Number)
}

/// A scalar as text, as CloudFormation treats every scalar; `None` for lists, maps and null.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_forms_become_long_ones() {
        let parsed = parse(
            "a: !Ref X\nb: !GetAtt X.Y.Z\nc: !Join [',', [!Ref P, 1, true]]\nd: !Sub '${X}'\n",
        );
        assert_eq!(
            parsed,
            Ok(json!({
                "a": {"Ref": "X"},
                "b": {"Fn::GetAtt": ["X", "Y.Z"]},
                "c": {"Fn::Join": [",", [{"Ref": "P"}, 1, true]]},
                "d": {"Fn::Sub": "${X}"},
            }))
        );
    }

    #[test]
    fn text_that_is_neither_yaml_nor_json_is_refused_with_its_place() {
        let message = |text: &str| parse(text).unwrap_err().message;
        assert_eq!(
            message("{\"a\": }"),
            "Template format error: JSON not well-formed. (line 1, column 7)"
        );
        assert!(message("a: [").starts_with("Template format error: YAML not well-formed. (line "));
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            let list = vec![before; 9].join(", ");
            bomb = [bomb, format!("a{level}: &a{level} [{list}]\n")].concat();
        }
        let refused = parse(&bomb).unwrap_err().message;
        assert!(refused.contains("aliases are not allowed"), "{refused}");
    }

    #[test]
    fn an_anchor_that_nothing_means_and_an_ampersand_in_text_do_no_harm() {
        let text = "a: &x one\nb: 'a && b'\nc: |\n  x & y *z\n";
        let parsed = parse(text).unwrap();
        assert_eq!(
            parsed,
            json!({"a": "one", "b": "a && b", "c": "x & y *z\n"})
        );
    }
}
