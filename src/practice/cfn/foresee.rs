//! What can be known of a template's functions before anything is there: one that cannot have a value is refused at once,
//! and does not fail its stack later.

use std::collections::BTreeMap;

use serde_json::Value;

use super::check::included;
use super::parameters::ParameterValue;
use super::scope::{self, Scope};
use super::template::Template;
use crate::practice::world::place::Place;

/// Stands for the value of a resource that is not there yet. No message of a function is like it.
const LATER: &str = "\u{0}later";

/// Refuses functions in resources and outputs whose value cannot be, whatever the resources will be.
pub fn functions(
    template: &Template,
    parameters: &BTreeMap<String, ParameterValue>,
    conditions: &BTreeMap<String, bool>,
    stack: (&str, &str),
    place: &Place,
) -> Result<(), String> {
    let scope = Scope {
        template,
        parameters,
        conditions,
        place,
        stack,
        resources: &|_, _| Err(LATER.to_owned()),
    };
    let resources = template.resources.values();
    let resources = resources.filter(|one| included(one.condition.as_ref(), conditions));
    let outputs = template.outputs.values();
    let outputs = outputs.filter(|one| included(one.condition.as_ref(), conditions));
    for value in resources.map(|one| &one.properties) {
        look(&scope, value)?;
    }
    for value in outputs.map(|one| &one.value) {
        look(&scope, value)?;
    }
    Ok(())
}

/// Evaluates as much of a value as can be.
fn look(scope: &Scope, value: &Value) -> Result<(), String> {
    match scope.evaluate(value) {
        Ok(_) => return Ok(()),
        Err(why) if why != LATER => return Err(why),
        Err(_) => {}
    }
    // Some of it has no value yet; the rest is looked at by itself.
    if let Some(("Fn::If", argument)) = scope::function(value) {
        let [condition, yes, no] = scope::arguments(argument, "Fn::If")?;
        let holds = scope.condition(condition.as_str().unwrap_or_default())?;
        return look(scope, if holds { yes } else { no });
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| look(scope, item)),
        Value::Object(members) => members.values().try_for_each(|member| look(scope, member)),
        _ => Ok(()),
    }
}
