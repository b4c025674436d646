//! What whoever deletes a stack must be allowed: without a service role CloudFormation calls the services as the caller.
//! Only deletions are held against policies; only the account's owner creates and updates stacks here.

use crate::practice::error::AwsError;
use crate::practice::policy::{self, Context, Decision, Request};
use crate::practice::world::World;
use crate::practice::world::iam::policy_document;
use crate::practice::world::stacks::Resource;

/// What the deletion of each type calls (the `delete` handlers' permissions in the types' schemas, without those that
/// only look).
fn actions(kind: &str) -> &'static [&'static str] {
    match kind {
        "AWS::CloudWatch::Alarm" => &["cloudwatch:DeleteAlarms"],
        "AWS::EC2::Instance" => &["ec2:TerminateInstances"],
        "AWS::EC2::InternetGateway" => &["ec2:DeleteInternetGateway"],
        "AWS::EC2::KeyPair" => &["ec2:DeleteKeyPair"],
        "AWS::EC2::NetworkAcl" => &["ec2:DeleteNetworkAcl"],
        "AWS::EC2::NetworkAclEntry" => &["ec2:DeleteNetworkAclEntry"],
        "AWS::EC2::Route" => &["ec2:DeleteRoute"],
        "AWS::EC2::RouteTable" => &["ec2:DeleteRouteTable"],
        "AWS::EC2::SecurityGroup" => &["ec2:DeleteSecurityGroup"],
        "AWS::EC2::SecurityGroupEgress" => &["ec2:RevokeSecurityGroupEgress"],
        "AWS::EC2::SecurityGroupIngress" => &["ec2:RevokeSecurityGroupIngress"],
        "AWS::EC2::Subnet" => &["ec2:DeleteSubnet"],
        "AWS::EC2::SubnetNetworkAclAssociation" => &["ec2:ReplaceNetworkAclAssociation"],
        "AWS::EC2::SubnetRouteTableAssociation" => &["ec2:DisassociateRouteTable"],
        "AWS::EC2::VPC" => &["ec2:DeleteVpc"],
        "AWS::EC2::VPCGatewayAttachment" => &["ec2:DetachInternetGateway"],
        "AWS::EC2::Volume" => &["ec2:DeleteVolume"],
        "AWS::EC2::VolumeAttachment" => &["ec2:DetachVolume"],
        "AWS::EFS::FileSystem" => &["elasticfilesystem:DeleteFileSystem"],
        "AWS::EFS::MountTarget" => &[
            "elasticfilesystem:DeleteMountTarget",
            // EFS deletes the interface in the caller's name.
            "ec2:DeleteNetworkInterface",
        ],
        "AWS::IAM::InstanceProfile" => &[
            "iam:RemoveRoleFromInstanceProfile",
            "iam:DeleteInstanceProfile",
        ],
        "AWS::IAM::ManagedPolicy" => &["iam:DetachRolePolicy", "iam:DeletePolicy"],
        "AWS::IAM::Policy" => &["iam:DeleteRolePolicy"],
        "AWS::IAM::Role" => &[
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:DeleteRole",
        ],
        "AWS::SNS::Subscription" => &["sns:Unsubscribe"],
        "AWS::SNS::Topic" => &["sns:DeleteTopic"],
        "AWS::Scheduler::Schedule" => &["scheduler:DeleteSchedule"],
        "AWS::StepFunctions::StateMachine" => &["states:DeleteStateMachine"],
        // Wait conditions and their handles are CloudFormation's own.
        _ => &[],
    }
}

/// Refuses the deletion of a resource for which whoever deletes its stack has no right.
///
/// EC2's and EFS's are asked about by the tags that the stack has given them, the others by their ARNs.
pub fn may_delete(world: &World, resource: &Resource) -> Result<(), AwsError> {
    let stack = world.stacks.get(&resource.stack);
    let Some(role_id) = stack.and_then(|stack| stack.deleted_by.as_ref()) else {
        return Ok(());
    };
    let refuse = |action: &str| {
        Err(AwsError::with_status(
            403,
            "AccessDenied",
            format!("User is not authorized to perform: {action}"),
        ))
    };
    let actions = actions(&resource.kind);
    let Some(role) = world.role_by_id(role_id) else {
        return actions.first().map_or(Ok(()), |action| refuse(action));
    };
    let id = resource.physical_id.as_deref().unwrap_or_default();
    let own = resource.kind == "AWS::IAM::Role" && id == role.name;
    let arn = match resource.kind.as_str() {
        "AWS::IAM::Role" => world.roles.get(id).map(|role| role.arn(world)),
        "AWS::IAM::InstanceProfile" => Some(world.iam_arn("instance-profile", "/", id)),
        "AWS::Scheduler::Schedule" => world.schedules.get(id).map(|one| one.arn(world)),
        "AWS::CloudWatch::Alarm" => Some(world.place.arn("cloudwatch", &format!("alarm:{id}"))),
        "AWS::SNS::Subscription" | "AWS::SNS::Topic" | "AWS::StepFunctions::StateMachine" => {
            Some(id.to_owned())
        }
        _ => None,
    };
    let mut context = Context::default();
    for (key, value) in stack.iter().flat_map(|stack| &stack.tags) {
        context.set(&format!("aws:ResourceTag/{key}"), value);
    }
    let boundary = role
        .boundary
        .as_ref()
        .map(|arn| policy_document(world, arn).unwrap_or_default());
    for action in actions {
        let request = Request {
            action: (*action).to_owned(),
            resource: arn.clone(),
            context: context.clone(),
        };
        let decision = policy::decide(&role.documents(world), boundary, &request);
        // CloudFormation takes a role its policies first: then it has no right to delete itself any more.
        if decision != Decision::Allowed || (own && *action == "iam:DeleteRole") {
            return refuse(action);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::types;
    use super::actions;

    #[test]
    fn the_deletion_of_every_type_but_cloudformations_own_needs_a_permission() {
        for name in types::names() {
            let own = name.starts_with("AWS::CloudFormation::");
            assert_eq!(actions(name).is_empty(), own, "{name}");
        }
    }
}
