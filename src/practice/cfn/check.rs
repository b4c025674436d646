//! Whether a template's parts agree with each other: everything that can be wrong is found before anything is created.

use std::collections::{BTreeMap, BTreeSet};

use super::foresee;
use super::parameters::{self, ParameterValue};
use super::references::{self, Reference};
use super::schema;
use super::scope::{NO_VALUE, PSEUDO, Scope};
use super::template::Template;
use super::types;
use crate::practice::error::AwsError;
use crate::practice::world::World;

/// A template that agrees with itself and with the values given.
#[derive(Debug)]
pub struct Checked {
    /// The template.
    pub template: Template,
    /// Values of all parameters.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Which conditions hold.
    pub conditions: BTreeMap<String, bool>,
    /// Logical ids to create, each with those that must be there first.
    pub dependencies: BTreeMap<String, BTreeSet<String>>,
}

fn wrong(message: impl Into<String>) -> AwsError {
    AwsError::validation(message)
}

/// Checks what does not depend on values.
pub fn template(template: &Template) -> Result<(), AwsError> {
    for (name, definition) in &template.parameters {
        parameters::check(name, definition)?;
    }
    let unknown: BTreeSet<&str> = template
        .resources
        .values()
        .map(|resource| resource.kind.as_str())
        .filter(|kind| types::find(kind).is_none())
        .collect();
    if !unknown.is_empty() {
        let unknown: Vec<&str> = unknown.into_iter().collect();
        return Err(wrong(format!(
            "Template format error: Unrecognized resource types: [{}]",
            unknown.join(", ")
        )));
    }
    for (name, resource) in &template.resources {
        let Some(kind) = types::find(&resource.kind) else {
            continue;
        };
        let problems = schema::problems(kind.properties, &resource.properties);
        if !problems.is_empty() {
            return Err(wrong(format!(
                "Properties validation failed for resource {name} with message:\n{}",
                problems.join("\n")
            )));
        }
        if let Some(condition) = &resource.condition {
            known_condition(template, condition)?;
        }
    }
    names(template, None)
}

/// Checks everything, with values.
pub fn all(
    parsed: Template,
    given: &BTreeMap<String, String>,
    stack: (&str, &str),
    world: &World,
) -> Result<Checked, AwsError> {
    template(&parsed)?;
    let parameters = parameters::resolve(&parsed, given, world)?;
    let conditions = conditions(&parsed, &parameters, stack, world)?;
    names(&parsed, Some(&conditions))?;
    let dependencies = dependencies(&parsed, &conditions)?;
    acyclic(&dependencies)?;
    foresee::functions(&parsed, &parameters, &conditions, stack, &world.place).map_err(wrong)?;
    Ok(Checked {
        template: parsed,
        parameters,
        conditions,
        dependencies,
    })
}

/// Decides all conditions.
pub fn conditions(
    template: &Template,
    parameters: &BTreeMap<String, ParameterValue>,
    stack: (&str, &str),
    world: &World,
) -> Result<BTreeMap<String, bool>, AwsError> {
    let mut decided: BTreeMap<String, bool> = BTreeMap::new();
    loop {
        let mut news = BTreeMap::new();
        for (name, expression) in &template.conditions {
            if decided.contains_key(name) {
                continue;
            }
            let waits = references::of(expression, None).map_err(wrong)?.iter().any(
                |one| matches!(one, Reference::Condition(other) if !decided.contains_key(other)),
            );
            if waits {
                continue;
            }
            let scope = Scope {
                template,
                parameters,
                conditions: &decided,
                place: &world.place,
                stack,
                resources: &|name, _| {
                    Err(format!(
                        "Template format error: Unresolved dependencies [{name}]. Cannot reference resources in the Conditions block of the template"
                    ))
                },
            };
            news.insert(name.clone(), scope.holds(expression).map_err(wrong)?);
        }
        if news.is_empty() {
            break;
        }
        decided.extend(news);
    }
    let circular: Vec<&str> = template
        .conditions
        .keys()
        .map(String::as_str)
        .filter(|name| !decided.contains_key(*name))
        .collect();
    if circular.is_empty() {
        Ok(decided)
    } else {
        Err(wrong(format!(
            "Template format error: Circular dependency between conditions: [{}]",
            circular.join(", ")
        )))
    }
}

/// Whether a resource or output with this condition counts.
pub fn included(condition: Option<&String>, conditions: &BTreeMap<String, bool>) -> bool {
    condition.is_none_or(|name| conditions.get(name).copied().unwrap_or(false))
}

fn known_condition(template: &Template, name: &str) -> Result<(), AwsError> {
    if template.conditions.contains_key(name) {
        return Ok(());
    }
    Err(wrong(format!(
        "Template format error: Unresolved condition dependency {name} in the template"
    )))
}

/// Every name that is referred to must exist; with `conditions`, in this very stack.
fn names(template: &Template, conditions: Option<&BTreeMap<String, bool>>) -> Result<(), AwsError> {
    let counts = |condition: Option<&String>| {
        conditions.is_none_or(|conditions| included(condition, conditions))
    };
    let mut unresolved = BTreeSet::new();
    for (name, resource) in &template.resources {
        if !counts(resource.condition.as_ref()) {
            continue;
        }
        for other in &resource.depends_on {
            if !template.resources.contains_key(other) || other == name {
                unresolved.insert(other.clone());
            }
        }
        let mut parts = vec![&resource.properties];
        if let Some((count, timeout)) = &resource.signals {
            parts.extend([count, timeout]);
        }
        for part in parts {
            unresolved.extend(unknown(template, part, conditions)?);
        }
    }
    refuse_unresolved(unresolved, "Resources block of the template")?;
    let mut unresolved = BTreeSet::new();
    for output in template.outputs.values() {
        if let Some(condition) = &output.condition {
            known_condition(template, condition)?;
        }
        if counts(output.condition.as_ref()) {
            unresolved.extend(unknown(template, &output.value, conditions)?);
        }
    }
    refuse_unresolved(unresolved, "Outputs block of the template")?;
    for expression in template.conditions.values() {
        unknown(template, expression, None)?;
    }
    Ok(())
}

fn refuse_unresolved(names: BTreeSet<String>, place: &str) -> Result<(), AwsError> {
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = names.into_iter().collect();
    Err(wrong(format!(
        "Template format error: Unresolved resource dependencies [{}] in the {place}",
        names.join(", ")
    )))
}

/// Names of resources and parameters that do not exist; other unknown names are refused at once.
fn unknown(
    template: &Template,
    part: &serde_json::Value,
    conditions: Option<&BTreeMap<String, bool>>,
) -> Result<Vec<String>, AwsError> {
    let resource = |name: &str| {
        template.resources.get(name).filter(|resource| {
            conditions.is_none_or(|conditions| included(resource.condition.as_ref(), conditions))
        })
    };
    let mut unknown = Vec::new();
    for reference in references::of(part, conditions).map_err(wrong)? {
        match reference {
            Reference::Name(name) => {
                let known = resource(&name).is_some()
                    || template.parameters.contains_key(&name)
                    || PSEUDO.contains(&name.as_str())
                    || name == NO_VALUE;
                if !known {
                    unknown.push(name);
                }
            }
            Reference::Attribute(name, attribute) => match resource(&name) {
                None => unknown.push(name),
                Some(found) => {
                    let has = |attribute: &str| {
                        types::find(&found.kind)
                            .is_some_and(|kind| kind.attributes.contains(&attribute))
                    };
                    if let Some(attribute) = attribute.filter(|attribute| !has(attribute)) {
                        return Err(wrong(format!(
                            "Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
                        )));
                    }
                }
            },
            Reference::Condition(name) => known_condition(template, &name)?,
            Reference::Mapping(name) => {
                if !template.mappings.contains_key(&name) {
                    return Err(wrong(format!(
                        "Template error: Mapping named '{name}' is not present in the 'Mappings' section of template."
                    )));
                }
            }
        }
    }
    Ok(unknown)
}

fn dependencies(
    template: &Template,
    conditions: &BTreeMap<String, bool>,
) -> Result<BTreeMap<String, BTreeSet<String>>, AwsError> {
    let is_made = |name: &String| {
        template
            .resources
            .get(name)
            .is_some_and(|resource| included(resource.condition.as_ref(), conditions))
    };
    let mut all = BTreeMap::new();
    for (name, resource) in &template.resources {
        if !is_made(name) {
            continue;
        }
        let mut first: BTreeSet<String> = resource.depends_on.iter().cloned().collect();
        for reference in references::of(&resource.properties, Some(conditions)).map_err(wrong)? {
            if let Reference::Name(other) | Reference::Attribute(other, _) = reference {
                first.insert(other);
            }
        }
        first.retain(is_made);
        all.insert(name.clone(), first);
    }
    Ok(all)
}

/// Takes away what waits for nothing, then what nothing waits for; what remains goes round in circles.
fn acyclic(dependencies: &BTreeMap<String, BTreeSet<String>>) -> Result<(), AwsError> {
    let mut left: BTreeSet<&String> = dependencies.keys().collect();
    let waits = |name: &String, left: &BTreeSet<&String>| {
        dependencies[name].iter().any(|first| left.contains(first))
    };
    let awaited = |name: &String, left: &BTreeSet<&String>| {
        left.iter().any(|other| dependencies[*other].contains(name))
    };
    loop {
        let before = left.len();
        let now = left.clone();
        left.retain(|name| waits(name, &now));
        let now = left.clone();
        left.retain(|name| awaited(name, &now));
        if left.is_empty() {
            return Ok(());
        }
        if left.len() == before {
            let names: Vec<&str> = left.iter().map(|name| name.as_str()).collect();
            return Err(wrong(format!(
                "Circular dependency between resources: [{}]",
                names.join(", ")
            )));
        }
    }
}
