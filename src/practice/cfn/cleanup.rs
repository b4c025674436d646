//! How an update or its rollback ends: what is not needed any more is deleted, and what resists is left behind.

use jiff::Timestamp;

use super::delete;
use crate::practice::world::World;
use crate::practice::world::stacks::{Resource, StackStatus, Whereabouts};

/// Brings a cleanup as far as it can get by now. Answers when the next thing is due.
pub fn advance(world: &mut World, stack: &str) -> Option<Timestamp> {
    if let Some(next) = delete::advance_left_over(world, stack) {
        return next.0;
    }
    let left = Whereabouts::LeftOver.of(world, stack);
    let resources: Vec<&Resource> = left.iter().map(|(_, resource)| *resource).collect();
    let resisted = !delete::failed(&resources).is_empty();
    let keys: Vec<String> = left.into_iter().map(|(key, _)| key.clone()).collect();
    for key in keys {
        world.left_over.remove(&key);
    }
    let rolled_back =
        world.stacks.get(stack)?.status == StackStatus::UpdateRollbackCompleteCleanupInProgress;
    let (status, said) = if rolled_back {
        (StackStatus::UpdateRollbackComplete, "")
    } else {
        (StackStatus::UpdateComplete, "Update successful. ")
    };
    let reason = resisted.then(|| format!("{said}One or more resources could not be deleted."));
    world.stack_event(stack, status, reason);
    None
}
