//! Amazon EC2: which operation is which. One file per family of resources.

mod access;
mod attributes;
mod catalog;
mod instances;
mod interfaces;
mod keys;
mod listing;
mod network;
mod power;
mod profiles;
mod security;
mod snapshots;
mod tags;
mod volumes;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use self::listing::{describe, time};
use super::access::{Caller, Refusal};
use super::params::{Dialect, Params};
use super::protocol::Answer;
use super::xml::Element;
use crate::practice::account::Account;
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::acls::NetworkAcl;
use crate::practice::world::interfaces::Interface;
use crate::practice::world::routes::RouteTable;
use crate::practice::world::security::SecurityGroup;
use crate::practice::world::vpc::{InternetGateway, Subnet, Vpc};

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
const VERSION: &str = "2016-11-15";

/// Answers an EC2 request.
pub fn answer(
    account: &Account,
    caller: &Caller,
    form: &[u8],
    request_id: &str,
) -> Result<Answer, AwsError> {
    let mut params = Params::parse(form, Dialect::Ec2)?;
    let action = params.text("Action").ok_or_else(|| {
        AwsError::client(
            "MissingAction",
            "The request is missing an action parameter.",
        )
    })?;
    let version = params.text("Version").unwrap_or_default();
    let unknown = || {
        AwsError::client(
            "InvalidAction",
            format!("The action {action} is not valid for this web service."),
        )
    };
    if version != VERSION {
        return Err(unknown());
    }
    let dry = params.boolean("DryRun")?.unwrap_or(false);
    let response = Element::new(format!("{action}Response"))
        .namespace(NAMESPACE)
        .text("requestId", request_id);
    // Rights come first: who has none is not told whether the rest makes sense.
    let asked = Params::parse(form, Dialect::Ec2)?;
    let may = |world: &mut World| {
        let mut wrong = None;
        caller.may(world, Refusal::Ec2, |world| {
            access::asks(world, &action, asked).unwrap_or_else(|why| {
                wrong = Some(why);
                Vec::new()
            })
        })?;
        wrong.map_or(Ok(()), Err)
    };
    if action == "CreateSnapshot" {
        account.write(may)?;
        return snapshots::create(account, params, response, dry).map(Answer::Ec2);
    }
    if action == "GetConsoleOutput" {
        account.write(may)?;
        let shown = console(account, params, response)?;
        return if dry {
            Err(would_have())
        } else {
            Ok(Answer::Ec2(shown))
        };
    }
    account
        .write(|world| {
            may(world)?;
            let response =
                call(world, &action, params, response).unwrap_or_else(|| Err(unknown()))?;
            if dry {
                // An error takes everything back that was done.
                return Err(would_have());
            }
            Ok(response)
        })
        .map(Answer::Ec2)
}

fn would_have() -> AwsError {
    AwsError::with_status(
        412,
        "DryRunOperation",
        "Request would have succeeded, but DryRun flag is set.",
    )
}

/// Does an operation; `None` when there is no such one.
fn call(
    world: &mut World,
    action: &str,
    params: Params,
    response: Element,
) -> Option<Result<Element, AwsError>> {
    Some(match action {
        "DescribeAddresses" => tags::addresses(world, params, response),
        "DescribeAvailabilityZones" => catalog::zones(world, params, response),
        "DescribeIamInstanceProfileAssociations" => profiles::describe(world, params, response),
        "DescribeImages" => catalog::describe_images(world, params, response),
        "DescribeInstanceAttribute" => attributes::of_instance(world, params, response),
        "DescribeInstanceCreditSpecifications" => attributes::credits(world, params, response),
        "DescribeInstanceStatus" => instances::describe_status(world, params, response),
        "DescribeInstanceTypeOfferings" => catalog::offerings(world, params, response),
        "DescribeInstanceTypes" => catalog::instance_types(world, params, response),
        "DescribeInstances" => instances::describe(world, params, response),
        "DescribeInternetGateways" => describe::<InternetGateway>(
            world,
            params,
            "InternetGatewayId",
            response,
            "internetGatewaySet",
        ),
        "DescribeKeyPairs" => keys::describe(world, params, response),
        "DescribeNetworkAcls" => {
            describe::<NetworkAcl>(world, params, "NetworkAclId", response, "networkAclSet")
        }
        "DescribeNetworkInterfaces" => describe::<Interface>(
            world,
            params,
            "NetworkInterfaceId",
            response,
            "networkInterfaceSet",
        ),
        "DescribeRegions" => catalog::regions(world, params, response),
        "DescribeRouteTables" => {
            describe::<RouteTable>(world, params, "RouteTableId", response, "routeTableSet")
        }
        "DescribeSecurityGroupRules" => describe::<security::GroupRule>(
            world,
            params,
            "SecurityGroupRuleId",
            response,
            "securityGroupRuleSet",
        ),
        "DescribeSecurityGroups" => {
            describe::<SecurityGroup>(world, params, "GroupId", response, "securityGroupInfo")
        }
        "DescribeSnapshots" => snapshots::describe(world, params, response),
        "DescribeSubnets" => describe::<Subnet>(world, params, "SubnetId", response, "subnetSet"),
        "DescribeTags" => tags::describe(world, params, response),
        "DescribeVolumeStatus" => attributes::health(world, params, response),
        "DescribeVolumes" => volumes::describe(world, params, response),
        "DescribeVolumesModifications" => volumes::modifications(world, params, response),
        "DescribeVpcAttribute" => attributes::of_vpc(world, params, response),
        "DescribeVpcs" => describe::<Vpc>(world, params, "VpcId", response, "vpcSet"),
        action => return change(world, action, params, response),
    })
}

/// Does an operation that changes something; `None` when there is no such one.
fn change(
    world: &mut World,
    action: &str,
    params: Params,
    response: Element,
) -> Option<Result<Element, AwsError>> {
    let delete = |world: &mut World, params, response, id, how| {
        Some(power::delete(world, params, response, id, how))
    };
    match action {
        "AssociateIamInstanceProfile" => Some(profiles::associate(world, params, response)),
        "AttachVolume" => Some(volumes::attach(world, params, response)),
        "AuthorizeSecurityGroupIngress" => Some(security::authorize(world, params, response)),
        "CreateTags" => Some(tags::create(world, params, response)),
        "CreateVolume" => Some(volumes::create(world, params, response)),
        "DeleteInternetGateway" => delete(
            world,
            params,
            response,
            "InternetGatewayId",
            World::delete_gateway,
        ),
        "DeleteKeyPair" => Some(keys::delete(world, params, response)),
        "DeleteNetworkInterface" => delete(
            world,
            params,
            response,
            "NetworkInterfaceId",
            World::delete_interface,
        ),
        "DeleteRouteTable" => delete(
            world,
            params,
            response,
            "RouteTableId",
            World::delete_route_table,
        ),
        "DeleteSecurityGroup" => Some(power::delete_group(world, params, response)),
        "DeleteSnapshot" => delete(
            world,
            params,
            response,
            "SnapshotId",
            World::delete_snapshot,
        ),
        "DeleteSubnet" => delete(world, params, response, "SubnetId", World::delete_subnet),
        "DeleteTags" => Some(tags::delete(world, params, response)),
        "DeleteVolume" => delete(world, params, response, "VolumeId", World::delete_volume),
        "DeleteVpc" => delete(world, params, response, "VpcId", World::delete_vpc),
        "DetachInternetGateway" => Some(power::detach_gateway(world, params, response)),
        "DisassociateIamInstanceProfile" => Some(profiles::disassociate(world, params, response)),
        "DetachVolume" => Some(volumes::detach(world, params, response)),
        "ImportKeyPair" => Some(keys::import(world, params, response)),
        "ModifyVolume" => Some(volumes::modify(world, params, response)),
        "RebootInstances" => Some(power::reboot(world, params, response)),
        "RevokeSecurityGroupIngress" => Some(security::revoke(world, params, response)),
        "StartInstances" => Some(power::change(world, params, response, power::START)),
        "StopInstances" => Some(power::change(world, params, response, power::STOP)),
        "TerminateInstances" => Some(power::change(world, params, response, power::TERMINATE)),
        _ => None,
    }
}

/// GetConsoleOutput. Asks the hosts, so it must not hold the world.
fn console(account: &Account, mut params: Params, response: Element) -> Result<Element, AwsError> {
    let id = params.needed("InstanceId")?;
    params.boolean("Latest")?;
    params.finish()?;
    let look = |world: &World| {
        let instance = world.instance(&id)?;
        Ok((world.now, instance.console.clone()))
    };
    let (now, kept) = account.read(look)?;
    let shows = || Some(account.hosts()?.console_output(&id));
    let output = kept.or_else(shows).unwrap_or_default();
    // EC2 keeps the last 64 KiB (EC2 user guide, "Instance console output").
    let tail = output.len().saturating_sub(64 * 1024);
    let tail = output.as_bytes().get(tail..).unwrap_or_default();
    Ok(response
        .text("instanceId", id)
        .text("timestamp", time(now))
        .text("output", BASE64_STANDARD.encode(tail)))
}
