//! The stack engine: a template, checked, becomes resources in the world, in dependency order and as time passes.
//!
//! `advance` brings every stack as far as it can get by now; nothing here waits, and no wire or host enters.

mod back;
mod behaviour;
pub mod capabilities;
pub mod changes;
pub mod check;
mod cleanup;
mod create;
mod delete;
mod diff;
pub mod document;
mod durations;
mod foresee;
mod forward;
mod live;
mod modify;
mod next;
mod parameters;
mod permissions;
mod plan;
mod references;
mod schema;
mod scope;
pub mod signals;
pub mod start;
pub mod template;
#[cfg(test)]
mod tests;
pub mod types;
pub mod update;
mod wanted;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use self::template::Template;
use super::error::AwsError;
use super::world::World;
use super::world::stacks::StackStatus;

/// The stack engine. What it remembers can be found again in the world.
#[derive(Default)]
pub struct Engine {
    /// Templates by the ARN of their stack, with the text that they were parsed from.
    templates: HashMap<String, (String, Arc<Template>)>,
}

impl Engine {
    /// Brings every stack and change set as far as it can get by now. Answers when the next thing is due.
    pub fn advance(&mut self, world: &mut World) -> Option<Timestamp> {
        let mut next = changes::advance(world);
        let running: Vec<String> = world
            .stacks
            .values()
            .filter(|stack| stack.status.in_progress())
            .map(|stack| stack.id.clone())
            .collect();
        self.templates.retain(|id, _| running.contains(id));
        for id in running {
            if let Some(due) = self.advance_stack(world, &id) {
                next.at(due);
            }
        }
        next.0
    }

    fn advance_stack(&mut self, world: &mut World, id: &str) -> Option<Timestamp> {
        loop {
            let status = world.stacks.get(id)?.status;
            if !status.in_progress() {
                return None;
            }
            let next = match (status, self.template(world, id)?) {
                (StackStatus::CreateInProgress, Ok(template)) => {
                    create::advance(world, id, &template)
                }
                (StackStatus::CreateInProgress, Err(why)) => {
                    create::fail(world, id, Some(&why));
                    None
                }
                (StackStatus::RollbackInProgress | StackStatus::DeleteInProgress, template) => {
                    match template {
                        Ok(template) => delete::advance(world, id, &template),
                        Err(why) => {
                            delete::fail(world, id, why);
                            None
                        }
                    }
                }
                (StackStatus::UpdateInProgress, Ok(template)) => {
                    forward::advance(world, id, &template)
                }
                (StackStatus::UpdateInProgress, Err(why)) => {
                    forward::fail(world, id, Some(why));
                    None
                }
                (StackStatus::UpdateRollbackInProgress, template) => {
                    back::advance(world, id, template.ok().as_deref())
                }
                _ => cleanup::advance(world, id),
            };
            // An operation that has come to its end may go over to the next at once.
            if world.stacks.get(id)?.status == status {
                return next;
            }
        }
    }

    /// The template of a stack, if there is one. It was parsed when the stack was created, perhaps by an older program
    /// that knew it: else the reason why it cannot be read any more.
    fn template(&mut self, world: &World, id: &str) -> Option<Result<Arc<Template>, String>> {
        let text = &world.stacks.get(id)?.template;
        if let Some((of, template)) = self.templates.get(id)
            && of == text
        {
            return Some(Ok(Arc::clone(template)));
        }
        Some(match parse(text) {
            Ok(template) => {
                let template = Arc::new(template);
                let known = (text.clone(), Arc::clone(&template));
                self.templates.insert(id.to_owned(), known);
                Ok(template)
            }
            Err(error) => Err(format!(
                "The template of this stack can no longer be read: {}",
                error.message
            )),
        })
    }
}

/// A stack of which nothing was ever there has none.
fn parse(text: &str) -> Result<Template, AwsError> {
    if text.is_empty() {
        return Ok(Template::default());
    }
    Template::parse(text)
}
