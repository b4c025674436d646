//! Resource signals and messages to wait handles: who may send them, and when there are enough.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::document::scalar;
use super::types::Settled;
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::stacks::updates::How;
use crate::practice::world::stacks::{Message, Resource, ResourceStatus, Step, resource_key};

/// Signals that one resource or handle keeps. No policy waits for more; whoever sends more has lost count.
const IDS_MAX: usize = 1000;
/// Bytes of what a message says, each in its data and its reason.
const TEXT_MAX: usize = 4096;

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
    let replaces = resource.status == ResourceStatus::UpdateInProgress
        && resource.change() == Some(How::Replaced)
        && resource.step == Step::Asked;
    let made = resource.status == ResourceStatus::CreateInProgress || replaces;
    if !made || resource.physical_id.is_none() {
        return Err(AwsError::validation(format!(
            "Resource {logical_id} is in {} state and can not be signaled",
            resource.status.name()
        )));
    }
    let known = resource.signals.contains_key(unique_id);
    if known && success {
        return Err(AwsError::validation(format!(
            "Signal with ID {unique_id} for resource {logical_id} already exists. Signals may only be updated with a FAILURE status."
        )));
    }
    if unique_id.is_empty() || unique_id.len() > 64 || reason.len() > TEXT_MAX {
        return Err(AwsError::validation(format!(
            "The UniqueId of a signal has 1 to 64 characters, its reason at most {TEXT_MAX}"
        )));
    }
    if !known && resource.signals.len() >= IDS_MAX {
        return Err(AwsError::validation(format!(
            "Resource {logical_id} has received {IDS_MAX} signals and takes no more"
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
    let status = resource.status;
    world.resource_event(&stack, logical_id, status, Some(event));
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
    let (reason, data) = (text("Reason"), text("Data"));
    if data.len() > TEXT_MAX || reason.len() > TEXT_MAX {
        return (
            400,
            format!("Data and Reason must have at most {TEXT_MAX} characters"),
        );
    }
    let known = handle.messages.contains_key(&unique_id);
    if known && success {
        // "CloudFormation will consider the signal a retransmission … and it will ignore the signal" (user guide,
        // "Create wait conditions").
        return (200, String::new());
    }
    if !known && handle.messages.len() >= IDS_MAX {
        return (
            400,
            format!("the handle has had {IDS_MAX} messages and takes no more"),
        );
    }
    let message = Message {
        success,
        reason,
        data,
    };
    handle.messages.insert(unique_id, message);
    (200, String::new())
}
