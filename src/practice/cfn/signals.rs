//! Resource signals and messages to wait handles: who may send them, and when there are enough.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::document::scalar;
use super::types::Settled;
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::stacks::{Message, Resource, ResourceStatus, resource_key};

/// Count and seconds of a creation policy.
pub fn wanted(count: Option<String>, timeout: Option<String>) -> Result<(u32, i64), AwsError> {
    let count = count
        .and_then(|count| count.parse().ok())
        .ok_or_else(|| AwsError::validation("CreationPolicy Count must be a whole number"))?;
    let timeout: SignedDuration = timeout
        .and_then(|timeout| timeout.parse().ok())
        .ok_or_else(|| {
            AwsError::validation("CreationPolicy Timeout must be an ISO8601 duration, e.g. PT10M")
        })?;
    // The CloudFormation user guide allows at most twelve hours.
    if !(0..=43_200).contains(&timeout.as_secs()) {
        return Err(AwsError::validation(
            "CreationPolicy Timeout can be at most 12 hours",
        ));
    }
    Ok((count, timeout.as_secs()))
}

/// Whether a resource that is there has had the signals it waits for.
pub fn received(resource: &Resource, now: Timestamp) -> Settled {
    let Some((count, timeout)) = resource.signals_wanted else {
        return Settled::Yes;
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let failures = resource
        .signals
        .values()
        .filter(|(success, _)| !success)
        .count();
    if failures > 0 {
        return Settled::Failed(format!(
            "Received {failures} FAILURE signal(s) out of {count}. Unable to satisfy 100% MinSuccessfulInstancesPercent requirement"
        ));
    }
    let successes = resource.signals.len();
    if successes >= count {
        return Settled::Yes;
    }
    let until = resource.began + SignedDuration::from_secs(timeout);
    if now >= until {
        return Settled::Failed(format!(
            "Failed to receive {} resource signal(s) within the specified duration",
            count - successes
        ));
    }
    Settled::NotYet(Some(until))
}

/// Takes a signal for a resource of a stack.
pub fn signal(
    world: &mut World,
    stack: &str,
    logical_id: &str,
    unique_id: &str,
    success: bool,
    reason: &str,
) -> Result<(), AwsError> {
    let stack = world
        .find_stack(stack)
        .map(|stack| stack.id.clone())
        .ok_or_else(|| AwsError::validation(format!("Stack '{stack}' does not exist")))?;
    let key = resource_key(&stack, logical_id);
    let resource = world.resources.get_mut(&key).ok_or_else(|| {
        AwsError::validation(format!(
            "Resource {logical_id} does not exist for stack {stack}"
        ))
    })?;
    if resource.status != ResourceStatus::CreateInProgress || resource.physical_id.is_none() {
        return Err(AwsError::validation(format!(
            "Resource {logical_id} is in {} state and can not be signaled",
            resource.status.name()
        )));
    }
    resource
        .signals
        .insert(unique_id.to_owned(), (success, reason.to_owned()));
    let said = if success { "SUCCESS" } else { "FAILURE" };
    let mut event = format!("Received {said} signal with UniqueId {unique_id}");
    if !success && !reason.is_empty() {
        event = format!("{event}: {reason}");
    }
    world.resource_event(
        &stack,
        logical_id,
        ResourceStatus::CreateInProgress,
        Some(event),
    );
    Ok(())
}

/// Takes a message for a wait handle. Answers with HTTP status and body.
pub fn message(world: &mut World, token: &str, body: &[u8]) -> (u16, String) {
    let Some(handle) = world.handles.get_mut(token) else {
        return (
            403,
            "AccessDenied: the handle does not exist (any more)".into(),
        );
    };
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return (400, "the message must be a JSON object".into());
    };
    let text = |name: &str| members.get(name).and_then(scalar).unwrap_or_default();
    let success = match text("Status").as_str() {
        "SUCCESS" => true,
        "FAILURE" => false,
        _ => return (400, "Status must be SUCCESS or FAILURE".into()),
    };
    let unique_id = text("UniqueId");
    if unique_id.is_empty() || unique_id.len() > 1024 {
        return (400, "UniqueId must have 1 to 1024 characters".into());
    }
    handle.messages.insert(
        unique_id,
        Message {
            success,
            reason: text("Reason"),
            data: text("Data"),
        },
    );
    (200, String::new())
}
