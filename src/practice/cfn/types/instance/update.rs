//! How an instance is changed in place: at once, or, where that takes a stop, between a stop and a start.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::super::{Change, Progress, id, invalid};
use super::{credits, on_shutdown, root_volume};
use crate::practice::cfn::schema::Properties;
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::instances::State;
use crate::practice::world::power::Why;

/// Properties that only a stopped instance takes on ("Some interruptions" for instances whose root is on EBS).
const STOPPED_ONLY: [&str; 2] = ["EbsOptimized", "UserData"];

/// The only thing that can be changed of a device: whether it goes with the instance.
pub fn devices_replace(before: Option<&Value>, after: Option<&Value>) -> bool {
    fixed_parts(before) != fixed_parts(after)
}

/// Mappings of devices without what can be changed.
fn fixed_parts(mappings: Option<&Value>) -> Value {
    let mut mappings = mappings.cloned().unwrap_or_else(|| json!([]));
    for mapping in mappings.as_array_mut().into_iter().flatten() {
        if let Some(ebs) = mapping.get_mut("Ebs").and_then(Value::as_object_mut) {
            ebs.remove("DeleteOnTermination");
        }
    }
    mappings
}

/// Changes an instance.
pub fn update(world: &mut World, change: &Change) -> Result<Progress, AwsError> {
    let instance = id(change.resource);
    if change.first {
        at_once(world, instance, change)?;
    }
    if !change.touches(&STOPPED_ONLY) {
        return Ok(Progress::Done);
    }
    let user_data = user_data(change.after)?;
    let found = world.instance(instance)?;
    let up_to_date = found.user_data == user_data;
    match found.state {
        // Stopped for this change, or just changed and started again.
        State::Running if up_to_date && !change.first => Ok(Progress::Done),
        State::Running => {
            world.stop_instance(instance, Why::Request)?;
            Ok(Progress::Waiting)
        }
        State::Pending | State::Stopping => Ok(Progress::Waiting),
        State::Stopped => {
            if let Some(found) = world.instances.get_mut(instance) {
                found.user_data = user_data;
            }
            if change.first {
                // Whoever has stopped it wants it stopped.
                return Ok(Progress::Done);
            }
            world.start_instance(instance)?;
            Ok(Progress::Waiting)
        }
        State::ShuttingDown | State::Terminated => Err(AwsError::client(
            "IncorrectInstanceState",
            format!("The instance '{instance}' is not in a state from which it can be modified."),
        )),
    }
}

/// What a running instance takes on.
fn at_once(world: &mut World, instance: &str, change: &Change) -> Result<(), AwsError> {
    if change.touches(&["SecurityGroupIds"]) {
        let interface = world.instance(instance)?.interface.clone();
        world.set_groups(&interface, change.after.texts("SecurityGroupIds"))?;
    }
    if change.touches(&["BlockDeviceMappings"]) {
        let goes = root_volume(change.after)?.delete_on_termination;
        let volume = world.instance(instance)?.root_volume.clone();
        let volume = world.volumes.get_mut(&volume);
        if let Some(attachment) = volume.and_then(|volume| volume.attachment.as_mut()) {
            attachment.delete_on_termination = goes;
        }
    }
    if change.touches(&["IamInstanceProfile"]) {
        let association = match change.after.text("IamInstanceProfile") {
            Some(profile) => Some(world.association(&profile, false)?),
            None => None,
        };
        if let Some(found) = world.instances.get_mut(instance) {
            found.profile = association;
        }
    }
    if let Some(found) = world.instances.get_mut(instance) {
        found.on_shutdown = on_shutdown(change.after);
        found.credits = Some(credits(change.after, &found.kind));
    }
    Ok(())
}

/// The decoded user data.
pub fn user_data(properties: Properties<'_>) -> Result<Vec<u8>, AwsError> {
    BASE64_STANDARD
        .decode(properties.text("UserData").unwrap_or_default())
        .map_err(|_| invalid("Invalid BASE64 encoding of user data."))
}
