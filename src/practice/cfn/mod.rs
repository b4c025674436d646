//! The stack engine: a template, checked, becomes resources in the world, in dependency order and as time passes.
//!
//! `advance` brings every stack as far as it can get by now; nothing here waits, and no wire or host enters.

mod behaviour;
pub mod check;
mod create;
mod delete;
pub mod document;
mod durations;
mod live;
mod parameters;
mod references;
mod schema;
mod scope;
pub mod signals;
pub mod start;
pub mod template;
#[cfg(test)]
mod tests;
pub mod types;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use self::template::Template;
use super::world::World;
use super::world::stacks::StackStatus;

/// The stack engine. What it remembers can be found again in the world.
#[derive(Default)]
pub struct Engine {
    templates: HashMap<String, Arc<Template>>,
}

impl Engine {
    /// Brings every stack as far as it can get by now. Answers when the next thing is due.
    pub fn advance(&mut self, world: &mut World) -> Option<Timestamp> {
        let running: Vec<(String, StackStatus)> = world
            .stacks
            .values()
            .filter(|stack| stack.status.in_progress())
            .map(|stack| (stack.id.clone(), stack.status))
            .collect();
        self.templates
            .retain(|id, _| running.iter().any(|(running, _)| running == id));
        let mut next: Option<Timestamp> = None;
        for (id, _) in running {
            if let Some(due) = self.advance_stack(world, &id) {
                next = Some(next.map_or(due, |next| next.min(due)));
            }
        }
        next
    }

    fn advance_stack(&mut self, world: &mut World, id: &str) -> Option<Timestamp> {
        loop {
            let status = world.stacks.get(id)?.status;
            let next = match status {
                StackStatus::CreateInProgress => match self.template(world, id)? {
                    Ok(template) => create::advance(world, id, &template),
                    Err(why) => {
                        create::fail(world, id, Some(&why));
                        None
                    }
                },
                StackStatus::RollbackInProgress | StackStatus::DeleteInProgress => {
                    match self.template(world, id)? {
                        Ok(template) => delete::advance(world, id, &template),
                        Err(why) => {
                            delete::fail(world, id, why);
                            None
                        }
                    }
                }
                _ => return None,
            };
            // A creation that has failed goes over to its rollback at once.
            if world.stacks.get(id)?.status == status {
                return next;
            }
        }
    }

    /// The template of a stack, if there is one. It was parsed when the stack was created, perhaps by an older program
    /// that knew it: else the reason why it cannot be read any more.
    fn template(&mut self, world: &World, id: &str) -> Option<Result<Arc<Template>, String>> {
        if let Some(template) = self.templates.get(id) {
            return Some(Ok(Arc::clone(template)));
        }
        Some(match Template::parse(&world.stacks.get(id)?.template) {
            Ok(template) => {
                let template = Arc::new(template);
                self.templates.insert(id.to_owned(), Arc::clone(&template));
                Ok(template)
            }
            Err(error) => Err(format!(
                "The template of this stack can no longer be read: {}",
                error.message
            )),
        })
    }
}
