//! What the handlers of each resource type call, as the types' schemas list it, without what only looks: data only.

/// What is called for a type.
pub struct Calls {
    /// On what.
    pub on: On,
    /// When one is made: the property that asks for the call (empty: every time), and the call.
    pub create: &'static [(&'static str, &'static str)],
    /// When one is changed in place: the property that differs (empty: any but tags), and the call.
    pub update: &'static [(&'static str, &'static str)],
    /// When it is deleted.
    pub delete: &'static [&'static str],
}

/// Which resource a call is about, as policies name it.
#[derive(Debug, Clone, Copy)]
pub enum On {
    /// Its own: service, and what comes before its id in the ARN.
    Own(&'static str, &'static str),
    /// Its own, whose name is that of the property or else begins with the stack's: service, what comes before the name.
    Named(&'static str, &'static str, &'static str),
    /// Of IAM: kind, and the property with its name.
    Iam(&'static str, &'static str),
    /// Another's, whose id or ARN the property has: service, and what comes before its id.
    Of(&'static str, &'static str, &'static str),
    /// None.
    Nothing,
}

/// The property that stands for tags, however the type calls it.
pub const TAGS: &str = "Tags";

const EC2_TAGS: (&str, &str) = (TAGS, "ec2:CreateTags");

/// Nothing: CloudFormation's own types.
const NONE: Calls = Calls {
    on: On::Nothing,
    create: &[],
    update: &[],
    delete: &[],
};

/// What is called for a type.
pub fn of(kind: &str) -> Calls {
    let (family, name) = kind
        .strip_prefix("AWS::")
        .and_then(|rest| rest.split_once("::"))
        .unwrap_or_default();
    match family {
        "EC2" => ec2(name),
        "EFS" => efs(name),
        "IAM" => iam(name),
        _ => others(kind),
    }
}

fn ec2(name: &str) -> Calls {
    let own = |before| On::Own("ec2", before);
    let of = |before, property| On::Of("ec2", before, property);
    match name {
        "Instance" => Calls {
            on: own("instance/"),
            create: &[("", "ec2:RunInstances"), EC2_TAGS],
            update: &[
                ("EbsOptimized", "ec2:ModifyInstanceAttribute"),
                ("IamInstanceProfile", "ec2:AssociateIamInstanceProfile"),
                ("InstanceType", "ec2:ModifyInstanceAttribute"),
                ("SecurityGroupIds", "ec2:ModifyInstanceAttribute"),
                ("UserData", "ec2:ModifyInstanceAttribute"),
                EC2_TAGS,
            ],
            delete: &["ec2:TerminateInstances"],
        },
        "KeyPair" => Calls {
            on: of("key-pair/", "KeyName"),
            create: &[("", "ec2:ImportKeyPair"), EC2_TAGS],
            update: &[EC2_TAGS],
            delete: &["ec2:DeleteKeyPair"],
        },
        "SecurityGroup" => Calls {
            on: own("security-group/"),
            create: &[
                ("", "ec2:CreateSecurityGroup"),
                ("SecurityGroupIngress", "ec2:AuthorizeSecurityGroupIngress"),
                ("SecurityGroupEgress", "ec2:RevokeSecurityGroupEgress"),
                ("SecurityGroupEgress", "ec2:AuthorizeSecurityGroupEgress"),
                EC2_TAGS,
            ],
            update: &[
                ("SecurityGroupIngress", "ec2:AuthorizeSecurityGroupIngress"),
                ("SecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"),
                ("SecurityGroupEgress", "ec2:AuthorizeSecurityGroupEgress"),
                ("SecurityGroupEgress", "ec2:RevokeSecurityGroupEgress"),
                EC2_TAGS,
            ],
            delete: &["ec2:DeleteSecurityGroup"],
        },
        "SecurityGroupEgress" => Calls {
            on: of("security-group/", "GroupId"),
            create: &[("", "ec2:AuthorizeSecurityGroupEgress")],
            update: &[("", "ec2:UpdateSecurityGroupRuleDescriptionsEgress")],
            delete: &["ec2:RevokeSecurityGroupEgress"],
        },
        "SecurityGroupIngress" => Calls {
            on: of("security-group/", "GroupId"),
            create: &[("", "ec2:AuthorizeSecurityGroupIngress")],
            update: &[("", "ec2:UpdateSecurityGroupRuleDescriptionsIngress")],
            delete: &["ec2:RevokeSecurityGroupIngress"],
        },
        "Volume" => Calls {
            on: own("volume/"),
            create: &[("", "ec2:CreateVolume"), EC2_TAGS],
            update: &[("", "ec2:ModifyVolume"), EC2_TAGS],
            delete: &["ec2:DeleteVolume"],
        },
        "VolumeAttachment" => Calls {
            on: of("volume/", "VolumeId"),
            create: &[("", "ec2:AttachVolume")],
            update: &[],
            delete: &["ec2:DetachVolume"],
        },
        _ => network(name),
    }
}

/// Of networks, which are EC2's as well.
fn network(name: &str) -> Calls {
    let own = |before| On::Own("ec2", before);
    let of = |before, property| On::Of("ec2", before, property);
    match name {
        "InternetGateway" => Calls {
            on: own("internet-gateway/"),
            create: &[("", "ec2:CreateInternetGateway"), EC2_TAGS],
            update: &[EC2_TAGS],
            delete: &["ec2:DeleteInternetGateway"],
        },
        "NetworkAcl" => Calls {
            on: own("network-acl/"),
            create: &[("", "ec2:CreateNetworkAcl"), EC2_TAGS],
            update: &[EC2_TAGS],
            delete: &["ec2:DeleteNetworkAcl"],
        },
        "NetworkAclEntry" => Calls {
            on: of("network-acl/", "NetworkAclId"),
            create: &[("", "ec2:CreateNetworkAclEntry")],
            update: &[("", "ec2:ReplaceNetworkAclEntry")],
            delete: &["ec2:DeleteNetworkAclEntry"],
        },
        "Route" => Calls {
            on: of("route-table/", "RouteTableId"),
            create: &[("", "ec2:CreateRoute")],
            update: &[("", "ec2:ReplaceRoute")],
            delete: &["ec2:DeleteRoute"],
        },
        "RouteTable" => Calls {
            on: own("route-table/"),
            create: &[("", "ec2:CreateRouteTable"), EC2_TAGS],
            update: &[EC2_TAGS],
            delete: &["ec2:DeleteRouteTable"],
        },
        "Subnet" => Calls {
            on: own("subnet/"),
            create: &[
                ("", "ec2:CreateSubnet"),
                ("MapPublicIpOnLaunch", "ec2:ModifySubnetAttribute"),
                EC2_TAGS,
            ],
            update: &[
                ("MapPublicIpOnLaunch", "ec2:ModifySubnetAttribute"),
                EC2_TAGS,
            ],
            delete: &["ec2:DeleteSubnet"],
        },
        // The subnet gets its network's own list again when it is deleted.
        "SubnetNetworkAclAssociation" => Calls {
            on: of("network-acl/", "NetworkAclId"),
            create: &[("", "ec2:ReplaceNetworkAclAssociation")],
            update: &[],
            delete: &["ec2:ReplaceNetworkAclAssociation"],
        },
        "SubnetRouteTableAssociation" => Calls {
            on: of("route-table/", "RouteTableId"),
            create: &[("", "ec2:AssociateRouteTable")],
            update: &[],
            delete: &["ec2:DisassociateRouteTable"],
        },
        "VPC" => Calls {
            on: own("vpc/"),
            create: &[
                ("", "ec2:CreateVpc"),
                ("EnableDnsHostnames", "ec2:ModifyVpcAttribute"),
                EC2_TAGS,
            ],
            update: &[
                ("EnableDnsHostnames", "ec2:ModifyVpcAttribute"),
                ("EnableDnsSupport", "ec2:ModifyVpcAttribute"),
                EC2_TAGS,
            ],
            delete: &["ec2:DeleteVpc"],
        },
        "VPCGatewayAttachment" => Calls {
            on: of("internet-gateway/", "InternetGatewayId"),
            create: &[("", "ec2:AttachInternetGateway")],
            update: &[
                ("", "ec2:DetachInternetGateway"),
                ("", "ec2:AttachInternetGateway"),
            ],
            delete: &["ec2:DetachInternetGateway"],
        },
        _ => NONE,
    }
}

fn efs(name: &str) -> Calls {
    const SERVICE: &str = "elasticfilesystem";
    match name {
        "FileSystem" => Calls {
            on: On::Own(SERVICE, "file-system/"),
            create: &[
                ("", "elasticfilesystem:CreateFileSystem"),
                ("BackupPolicy", "elasticfilesystem:PutBackupPolicy"),
                (
                    "LifecyclePolicies",
                    "elasticfilesystem:PutLifecycleConfiguration",
                ),
                (TAGS, "elasticfilesystem:TagResource"),
            ],
            update: &[
                ("BackupPolicy", "elasticfilesystem:PutBackupPolicy"),
                (
                    "LifecyclePolicies",
                    "elasticfilesystem:PutLifecycleConfiguration",
                ),
                (
                    "ProvisionedThroughputInMibps",
                    "elasticfilesystem:UpdateFileSystem",
                ),
                ("ThroughputMode", "elasticfilesystem:UpdateFileSystem"),
                (TAGS, "elasticfilesystem:TagResource"),
            ],
            delete: &["elasticfilesystem:DeleteFileSystem"],
        },
        "MountTarget" => Calls {
            on: On::Of(SERVICE, "file-system/", "FileSystemId"),
            // EFS makes and deletes the interface in the caller's name.
            create: &[
                ("", "elasticfilesystem:CreateMountTarget"),
                ("", "ec2:CreateNetworkInterface"),
            ],
            update: &[(
                "SecurityGroups",
                "elasticfilesystem:ModifyMountTargetSecurityGroups",
            )],
            delete: &[
                "elasticfilesystem:DeleteMountTarget",
                "ec2:DeleteNetworkInterface",
            ],
        },
        _ => NONE,
    }
}

fn iam(name: &str) -> Calls {
    match name {
        "InstanceProfile" => Calls {
            on: On::Iam("instance-profile", "InstanceProfileName"),
            create: &[
                ("", "iam:CreateInstanceProfile"),
                ("", "iam:AddRoleToInstanceProfile"),
            ],
            update: &[
                ("Roles", "iam:RemoveRoleFromInstanceProfile"),
                ("Roles", "iam:AddRoleToInstanceProfile"),
            ],
            delete: &[
                "iam:RemoveRoleFromInstanceProfile",
                "iam:DeleteInstanceProfile",
            ],
        },
        "ManagedPolicy" => Calls {
            on: On::Iam("policy", "ManagedPolicyName"),
            create: &[("", "iam:CreatePolicy"), ("Roles", "iam:AttachRolePolicy")],
            update: &[
                ("PolicyDocument", "iam:CreatePolicyVersion"),
                ("Roles", "iam:AttachRolePolicy"),
                ("Roles", "iam:DetachRolePolicy"),
            ],
            delete: &["iam:DetachRolePolicy", "iam:DeletePolicy"],
        },
        "Policy" => Calls {
            on: On::Of("iam", "role/", "Roles"),
            create: &[("", "iam:PutRolePolicy")],
            update: &[("", "iam:PutRolePolicy")],
            delete: &["iam:DeleteRolePolicy"],
        },
        "Role" => Calls {
            on: On::Iam("role", "RoleName"),
            create: &[
                ("", "iam:CreateRole"),
                ("ManagedPolicyArns", "iam:AttachRolePolicy"),
                ("Policies", "iam:PutRolePolicy"),
                (TAGS, "iam:TagRole"),
            ],
            update: &[
                ("AssumeRolePolicyDocument", "iam:UpdateAssumeRolePolicy"),
                ("Description", "iam:UpdateRole"),
                ("ManagedPolicyArns", "iam:AttachRolePolicy"),
                ("ManagedPolicyArns", "iam:DetachRolePolicy"),
                ("MaxSessionDuration", "iam:UpdateRole"),
                ("PermissionsBoundary", "iam:PutRolePermissionsBoundary"),
                ("Policies", "iam:PutRolePolicy"),
                (TAGS, "iam:TagRole"),
            ],
            delete: &[
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:DeleteRole",
            ],
        },
        _ => NONE,
    }
}

fn others(kind: &str) -> Calls {
    match kind {
        "AWS::CloudWatch::Alarm" => Calls {
            on: On::Named("cloudwatch", "alarm:", "AlarmName"),
            create: &[("", "cloudwatch:PutMetricAlarm")],
            update: &[
                ("", "cloudwatch:PutMetricAlarm"),
                (TAGS, "cloudwatch:TagResource"),
            ],
            delete: &["cloudwatch:DeleteAlarms"],
        },
        "AWS::SNS::Subscription" => Calls {
            on: On::Of("sns", "", "TopicArn"),
            create: &[("", "sns:Subscribe")],
            update: &[],
            delete: &["sns:Unsubscribe"],
        },
        "AWS::SNS::Topic" => Calls {
            on: On::Named("sns", "", "TopicName"),
            create: &[
                ("", "sns:CreateTopic"),
                ("Subscription", "sns:Subscribe"),
                (TAGS, "sns:TagResource"),
            ],
            update: &[
                ("DisplayName", "sns:SetTopicAttributes"),
                ("Subscription", "sns:Subscribe"),
                ("Subscription", "sns:Unsubscribe"),
                (TAGS, "sns:TagResource"),
            ],
            delete: &["sns:DeleteTopic"],
        },
        "AWS::Scheduler::Schedule" => Calls {
            on: On::Named("scheduler", "schedule/default/", "Name"),
            create: &[("", "scheduler:CreateSchedule")],
            update: &[("", "scheduler:UpdateSchedule")],
            delete: &["scheduler:DeleteSchedule"],
        },
        "AWS::StepFunctions::StateMachine" => Calls {
            on: On::Named("states", "stateMachine:", "StateMachineName"),
            create: &[
                ("", "states:CreateStateMachine"),
                (TAGS, "states:TagResource"),
            ],
            update: &[
                ("", "states:UpdateStateMachine"),
                (TAGS, "states:TagResource"),
            ],
            delete: &["states:DeleteStateMachine"],
        },
        // Wait conditions and their handles are CloudFormation's own.
        _ => NONE,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::types;
    use super::{On, of};

    #[test]
    fn whatever_is_made_or_deleted_but_cloudformations_own_needs_a_permission() {
        for name in types::names() {
            let own = name.starts_with("AWS::CloudFormation::");
            let calls = of(name);
            assert_eq!(calls.create.is_empty(), own, "{name}");
            assert_eq!(calls.delete.is_empty(), own, "{name}");
        }
    }

    #[test]
    fn properties_that_ask_for_a_call_are_those_of_the_type() {
        for name in types::names() {
            let calls = of(name);
            let kind = types::find(name).unwrap();
            let named = calls.create.iter().chain(calls.update);
            let mut named: Vec<&str> = named.map(|(property, _)| *property).collect();
            named.retain(|property| !property.is_empty() && *property != super::TAGS);
            match calls.on {
                On::Named(_, _, property) | On::Iam(_, property) | On::Of(_, _, property) => {
                    named.push(property);
                }
                On::Own(..) | On::Nothing => {}
            }
            for property in named {
                let there = kind.properties.iter().any(|one| one.name == property);
                assert!(there, "{name} {property}");
            }
        }
    }
}
