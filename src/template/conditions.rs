//! Which conditions of a merged template hold for given parameters, so that nobody waits for a resource that is not made.
//! Nothing here changes a template.

use serde_yaml::Value;

/// How deep conditions may name one another; CloudFormation refuses those that name themselves.
const DEPTH: usize = 16;

/// Parameters that differ from their defaults, by name.
pub type Given<'a> = [(&'a str, &'a str)];

/// Whether a resource is made: it has no condition, or one that holds. What cannot be told here counts as made, for then
/// the stack's own events tell.
pub(super) fn is_made(template: &Value, resource: &Value, given: &Given) -> bool {
    let condition = resource.get("Condition").and_then(Value::as_str);
    condition.is_none_or(|name| holds(template, name, given, DEPTH).unwrap_or(true))
}

fn holds(template: &Value, condition: &str, given: &Given, depth: usize) -> Option<bool> {
    let depth = depth.checked_sub(1)?;
    let (function, argument) = function(template.get("Conditions")?.get(condition)?)?;
    decide(template, &function, argument, given, depth)
}

fn decide(
    template: &Value,
    name: &str,
    argument: &Value,
    given: &Given,
    depth: usize,
) -> Option<bool> {
    let inner = |value: &Value| {
        let (name, argument) = function(value)?;
        decide(template, &name, argument, given, depth)
    };
    match name {
        "Condition" => holds(template, argument.as_str()?, given, depth),
        "Not" => inner(argument.as_sequence()?.first()?).map(|holds| !holds),
        "And" => argument
            .as_sequence()?
            .iter()
            .try_fold(true, |all, one| Some(inner(one)? && all)),
        "Or" => argument
            .as_sequence()?
            .iter()
            .try_fold(false, |any, one| Some(inner(one)? || any)),
        "Equals" => match argument.as_sequence()?.as_slice() {
            [one, other] => Some(text(template, one, given)? == text(template, other, given)?),
            _ => None,
        },
        _ => None,
    }
}

/// A text, or a parameter's value.
fn text(template: &Value, value: &Value, given: &Given) -> Option<String> {
    if let Value::String(text) = value {
        return Some(text.clone());
    }
    let (name, argument) = function(value)?;
    let parameter = argument.as_str().filter(|_| name == "Ref")?;
    if let Some((_, value)) = given.iter().find(|(known, _)| *known == parameter) {
        return Some((*value).to_owned());
    }
    let default = template.get("Parameters")?.get(parameter)?.get("Default")?;
    default.as_str().map(str::to_owned)
}

/// The function and its argument, in short or in long form.
fn function(value: &Value) -> Option<(String, &Value)> {
    match value {
        Value::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            Some((tag.trim_start_matches('!').to_owned(), &tagged.value))
        }
        Value::Mapping(mapping) => {
            let (key, argument) = mapping.iter().next()?;
            let key = key.as_str()?;
            let name = key.strip_prefix("Fn::").unwrap_or(key);
            Some((name.to_owned(), argument))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(condition: &str, given: &Given) -> bool {
        let text = format!(
            "Parameters: {{P: {{Default: ''}}, Q: {{Type: String}}}}\n\
             Conditions: {{C: {condition}, Empty: !Equals [!Ref P, '']}}"
        );
        let template = serde_yaml::from_str(&text).unwrap();
        let resource = serde_yaml::from_str("Condition: C").unwrap();
        is_made(&template, &resource, given)
    }

    #[test]
    fn a_condition_holds_for_the_parameters_that_are_given_and_else_for_their_defaults() {
        for (condition, by_default, given) in [
            ("!Equals [!Ref P, '']", true, false),
            ("!Not [!Equals [!Ref P, '']]", false, true),
            ("{'Fn::Not': [{'Fn::Equals': [{Ref: P}, '']}]}", false, true),
            ("!Not [!Condition Empty]", false, true),
            ("!And [!Condition Empty, !Equals [a, a]]", true, false),
            ("!Or [!Condition Empty, !Equals [a, b]]", true, false),
        ] {
            assert_eq!(made(condition, &[]), by_default, "{condition}");
            assert_eq!(made(condition, &[("P", "x")]), given, "{condition}");
        }
    }

    #[test]
    fn what_cannot_be_told_counts_as_made() {
        for condition in ["!Equals [!Ref Q, '']", "!Not [!Condition C]", "!Split [a]"] {
            assert!(made(condition, &[]), "{condition}");
        }
        let nothing = Value::Null;
        assert!(is_made(&nothing, &nothing, &[]));
    }
}
