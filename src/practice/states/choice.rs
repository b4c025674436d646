//! Rules of Choice states: comparisons, and how they are combined. Operators that are not here are refused by name.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::path::{Data, Path};

/// A rule without where it leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// All of them.
    And(Vec<Rule>),
    /// Any of them.
    Or(Vec<Rule>),
    /// Not it.
    Not(Box<Rule>),
    /// A variable, and what it is compared with.
    Test(Path, Test),
}

/// What a variable is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `IsPresent`
    Present(bool),
    /// `StringEquals`
    Text(String),
    /// `StringMatches`: `*` is any text.
    Pattern(String),
    /// `NumericEquals`
    Number(f64),
    /// `TimestampGreaterThanPath`
    After(Path),
}

impl Rule {
    /// Reads a rule; `Next` and `Comment` have been taken from it.
    pub fn read(mut members: Map<String, Value>) -> Result<Self, String> {
        members.remove("Comment");
        let path = match members.remove("Variable") {
            None => None,
            Some(Value::String(path)) => Some(Path::read(&path)?),
            Some(_) => return Err("Variable must be a string".into()),
        };
        let mut members = members.into_iter();
        let (Some((name, value)), None) = (members.next(), members.next()) else {
            return Err("a choice rule must have exactly one comparison".into());
        };
        let rules = |value: Value| -> Result<Vec<Self>, String> {
            let Value::Array(items) = value else {
                return Err(format!("{name} must be a list"));
            };
            items.into_iter().map(Self::nested).collect()
        };
        let wrong = || format!("the value of {name} is not valid");
        let Some(path) = path else {
            return match name.as_str() {
                "And" => rules(value).map(Self::And),
                "Or" => rules(value).map(Self::Or),
                "Not" => Ok(Self::Not(Box::new(Self::nested(value)?))),
                _ => Err(format!("the choice rule {name} has no Variable")),
            };
        };
        let test = match (name.as_str(), value) {
            ("IsPresent", Value::Bool(truth)) => Test::Present(truth),
            ("StringEquals", Value::String(text)) => Test::Text(text),
            ("StringMatches", Value::String(text)) => Test::Pattern(text),
            ("NumericEquals", Value::Number(number)) => {
                Test::Number(number.as_f64().ok_or_else(wrong)?)
            }
            ("TimestampGreaterThanPath", Value::String(path)) => Test::After(Path::read(&path)?),
            (
                "IsPresent"
                | "StringEquals"
                | "StringMatches"
                | "NumericEquals"
                | "TimestampGreaterThanPath",
                _,
            ) => return Err(wrong()),
            _ => {
                return Err(format!(
                    "the practice account does not have the comparison {name}"
                ));
            }
        };
        Ok(Self::Test(path, test))
    }

    fn nested(value: Value) -> Result<Self, String> {
        match value {
            Value::Object(members) => Self::read(members),
            _ => Err("a choice rule must be an object".into()),
        }
    }

    /// Whether it holds. A variable that is not there is an error, except where that is what is asked.
    pub fn holds(&self, data: Data<'_>) -> Result<bool, String> {
        match self {
            Self::And(rules) => {
                for rule in rules {
                    if !rule.holds(data)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(rules) => {
                for rule in rules {
                    if rule.holds(data)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(rule) => Ok(!rule.holds(data)?),
            Self::Test(path, Test::Present(wanted)) => Ok(path.find(data).is_some() == *wanted),
            Self::Test(path, test) => {
                let value = path.value(data)?;
                Ok(match test {
                    Test::Text(text) => value == Value::String(text.clone()),
                    Test::Pattern(pattern) => {
                        value.as_str().is_some_and(|text| matches(pattern, text))
                    }
                    Test::Number(number) => value.as_f64() == Some(*number),
                    Test::After(other) => {
                        let instant = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
                        let other = other.value(data)?;
                        // What is no timestamp is not later than one.
                        instant(&value)
                            .zip(instant(&other))
                            .is_some_and(|(one, other)| one > other)
                    }
                    Test::Present(_) => false,
                })
            }
        }
    }
}

/// Whether a text is as the pattern says: `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    (0..=text.len())
        .filter_map(|at| text.get(at..))
        .any(|tail| matches(rest, tail))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(rule: Value, input: &Value) -> Result<bool, String> {
        let Value::Object(members) = rule else {
            panic!("no rule");
        };
        Rule::read(members)?.holds(Data {
            input,
            context: &Value::Null,
        })
    }

    #[test]
    fn rules_compare_and_combine() {
        let input = json!({"a": "in-use", "n": 1, "t": "2026-01-05T12:00:01Z", "u": "2026-01-05T13:00:00+01:00"});
        for (rule, expected) in [
            (json!({"Variable": "$.a", "StringEquals": "in-use"}), true),
            (json!({"Variable": "$.a", "StringMatches": "*-u*"}), true),
            (json!({"Variable": "$.a", "StringMatches": "use*"}), false),
            (json!({"Variable": "$.n", "NumericEquals": 1}), true),
            (json!({"Variable": "$.b", "IsPresent": false}), true),
            (
                json!({"Variable": "$.t", "TimestampGreaterThanPath": "$.u"}),
                true,
            ),
            (
                json!({"Variable": "$.u", "TimestampGreaterThanPath": "$.t"}),
                false,
            ),
            (
                json!({"And": [{"Variable": "$.b", "IsPresent": true}, {"Variable": "$.b", "StringEquals": ""}]}),
                false,
            ),
            (json!({"Not": {"Variable": "$.b", "IsPresent": true}}), true),
        ] {
            assert_eq!(holds(rule.clone(), &input), Ok(expected), "{rule}");
        }
    }

    #[test]
    fn a_variable_that_is_not_there_and_an_unknown_comparison_are_errors() {
        let missing = holds(json!({"Variable": "$.b", "StringEquals": ""}), &json!({}));
        assert!(missing.is_err());
        let unknown = holds(json!({"Variable": "$.b", "StringLessThan": ""}), &json!({}));
        assert!(unknown.unwrap_err().contains("StringLessThan"));
    }
}
