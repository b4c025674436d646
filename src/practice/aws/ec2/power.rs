//! EC2: starting, stopping, rebooting, terminating instances; deleting what stands alone.

use super::instances::state;
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::instances::State;
use crate::practice::world::power::Why;

/// A change of an instance's state: states before and after.
type Change = fn(&mut World, &str) -> Result<(State, State), AwsError>;

/// StartInstances.
pub const START: Change = |world, id| world.start_instance(id);
/// StopInstances.
pub const STOP: Change = |world, id| world.stop_instance(id, Why::Request);
/// TerminateInstances.
pub const TERMINATE: Change = |world, id| world.terminate_instance(id, Why::Request);

/// Changes the state of all instances named, or of none.
pub fn change(
    world: &mut World,
    mut params: Params,
    response: Element,
    change: Change,
) -> Result<Element, AwsError> {
    let ids = instance_ids(world, &mut params)?;
    // Graceful or not makes no difference to these hosts.
    params.boolean("Force")?;
    params.boolean("SkipOsShutdown")?;
    params.finish()?;
    let mut changed = Vec::new();
    for id in ids {
        let (before, after) = change(world, &id)?;
        changed.push((id, before, after));
    }
    Ok(response.list(
        "instancesSet",
        "item",
        changed,
        |item, (id, before, after)| {
            item.text("instanceId", id)
                .child(state("currentState", after))
                .child(state("previousState", before))
        },
    ))
}

/// RebootInstances.
pub fn reboot(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let ids = instance_ids(world, &mut params)?;
    params.finish()?;
    for id in ids {
        world.reboot_instance(&id)?;
    }
    Ok(response.text("return", true))
}

fn instance_ids(world: &World, params: &mut Params) -> Result<Vec<String>, AwsError> {
    let ids = params.texts("InstanceId")?;
    if ids.is_empty() {
        return Err(params.missing("instancesSet"));
    }
    for id in &ids {
        world.instance(id)?;
    }
    Ok(ids)
}

/// The Delete calls that take nothing but an id, with the name of its parameter.
pub fn delete(
    world: &mut World,
    mut params: Params,
    response: Element,
    id: &str,
    delete: fn(&mut World, &str) -> Result<(), AwsError>,
) -> Result<Element, AwsError> {
    let id = params.needed(id)?;
    params.finish()?;
    delete(world, &id)?;
    Ok(response.text("return", true))
}

/// DeleteSecurityGroup.
pub fn delete_group(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let id = params.needed("GroupId")?;
    params.finish()?;
    world.delete_group(&id)?;
    Ok(response.text("return", true).text("groupId", id))
}

/// DetachInternetGateway.
pub fn detach_gateway(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let gateway = params.needed("InternetGatewayId")?;
    let vpc = params.needed("VpcId")?;
    params.finish()?;
    world.vpc(&vpc)?;
    world.detach_gateway(&gateway, &vpc)?;
    Ok(response.text("return", true))
}
