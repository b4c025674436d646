//! A stack's names while it is being worked on: parameters and conditions again, resources as they are in the world.

use std::collections::BTreeMap;

use serde_json::Value;

use super::check;
use super::parameters::{self, ParameterValue};
use super::scope::{Lookup, Scope};
use super::template::Template;
use super::types;
use crate::practice::world::World;
use crate::practice::world::stacks::{Stack, resource_key};

/// What the names of one stack mean now.
pub struct Live<'a> {
    world: &'a World,
    stack: &'a Stack,
    template: &'a Template,
    parameters: BTreeMap<String, ParameterValue>,
    conditions: BTreeMap<String, bool>,
}

impl<'a> Live<'a> {
    /// The names of this stack.
    pub fn new(world: &'a World, stack: &'a Stack, template: &'a Template) -> Result<Self, String> {
        let parameters = stack
            .parameters
            .iter()
            .filter_map(|parameter| {
                let definition = template.parameters.get(&parameter.key)?;
                let value =
                    parameters::known(definition, &parameter.value, parameter.resolved.clone());
                Some((parameter.key.clone(), value))
            })
            .collect();
        let names = (stack.name.as_str(), stack.id.as_str());
        let conditions = check::conditions(template, &parameters, names, world)
            .map_err(|error| error.message)?;
        Ok(Self {
            world,
            stack,
            template,
            parameters,
            conditions,
        })
    }

    /// The value with every function evaluated.
    pub fn evaluate(&self, value: &Value) -> Result<Option<Value>, String> {
        self.evaluate_with(value, &|name, attribute| self.lookup(name, attribute))
    }

    /// The same, where resources are looked up otherwise.
    pub fn evaluate_with(
        &self,
        value: &Value,
        resources: &Lookup<'_>,
    ) -> Result<Option<Value>, String> {
        Scope {
            template: self.template,
            parameters: &self.parameters,
            conditions: &self.conditions,
            place: &self.world.place,
            stack: (&self.stack.name, &self.stack.id),
            resources,
        }
        .evaluate(value)
    }

    /// Whether a resource or output with this condition counts.
    pub fn included(&self, condition: Option<&String>) -> bool {
        check::included(condition, &self.conditions)
    }

    /// A resource's physical id, or an attribute of it.
    pub fn lookup(&self, name: &str, attribute: Option<&str>) -> Result<Value, String> {
        let resource = self
            .world
            .resources
            .get(&resource_key(&self.stack.id, name))
            .ok_or_else(|| format!("Unresolved resource dependency {name}"))?;
        let value = match attribute {
            None => resource.physical_id.clone().map(Value::from),
            Some(attribute) => types::find(&resource.kind)
                .and_then(|kind| (kind.attribute)(self.world, resource, attribute)),
        };
        value.ok_or_else(|| {
            format!(
                "Unable to retrieve {} attribute for {}",
                attribute.unwrap_or("Ref"),
                resource.kind
            )
        })
    }
}
