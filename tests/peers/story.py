"""Every operation of the practice account, and every waiter, used by boto3 and by the `aws` command.

What is in scope the account says itself: every operation of the services' models is asked for, and those that it does not
refuse as unknown must all be used here. Answers are held against the models, and the two tools against each other.
"""

import base64
import datetime
import json
import sys

import boto3
import botocore.exceptions
from botocore import xform_name
from botocore.config import Config

from drivers import LOOKS, OTHER_PROTOCOLS, Boto, Cli, Refused, alike

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65tjkxFNOtwGcWB2gCgPhk story"
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


def trusted(*services):
    principal = {"Service": [service + ".amazonaws.com" for service in services]}
    return policy(Principal=principal, Action="sts:AssumeRole")


def policy(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


TRUST = trusted("ec2")
POLICY = policy(Action="ec2:CreateSnapshot", Resource="*")
# Looks at volumes, and waits.
MACHINE = {
    "StartAt": "Look",
    "States": {
        "Look": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:ec2:describeVolumes",
            "Next": "Wait",
        },
        "Wait": {"Type": "Wait", "Seconds": 5, "End": True},
    },
}
# What nothing in the account ever is: an interface of nobody, other kinds of alarms, a stack of imported resources.
NEVER = {
    ("ec2", "network_interface_available"),
    ("cloudwatch", "composite_alarm_exists"),
    ("cloudwatch", "log_alarm_exists"),
    ("cloudformation", "stack_import_complete"),
}


def template(**more):
    ref = lambda name: {"Ref": name}
    of = lambda kind, **properties: {"Type": "AWS::" + kind, "Properties": properties}
    group = lambda **more: of("EC2::SecurityGroup", GroupDescription="story", VpcId=ref("Vpc"), **more)
    resources = {
        "Vpc": of("EC2::VPC", CidrBlock="10.0.0.0/16", EnableDnsHostnames=True),
        "Gateway": of("EC2::InternetGateway"),
        "Attachment": of(
            "EC2::VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Gateway")
        ),
        "Routes": of("EC2::RouteTable", VpcId=ref("Vpc")),
        "Subnet": of(
            "EC2::Subnet",
            VpcId=ref("Vpc"),
            CidrBlock="10.0.1.0/24",
            AvailabilityZone="us-east-1a",
        ),
        "Group": group(Tags=[{"Key": "Größe", "Value": "völlig ☂"}]),
        "Share": of("EFS::FileSystem", Encrypted=True),
        "Target": of(
            "EFS::MountTarget",
            FileSystemId=ref("Share"),
            SubnetId=ref("Subnet"),
            SecurityGroups=[ref("Group")],
        ),
    }
    resources.update(more)
    return json.dumps(
        {
            "Description": "what the story needs",
            "Parameters": {"Image": {"Type": "AWS::EC2::Image::Id", "Default": "ami-0ef51ab2023000001"}},
            "Resources": resources,
            "Outputs": {"Share": {"Value": ref("Share")}},
        }
    )


INSTANCE = {
    "Type": "AWS::EC2::Instance",
    "Properties": {
        "ImageId": {"Ref": "Image"},
        "InstanceType": "t3.micro",
        "SubnetId": {"Ref": "Subnet"},
        "SecurityGroupIds": [{"Ref": "Group"}],
        "UserData": {"Fn::Base64": "#!/bin/bash\necho ready"},
    },
}
BUCKET = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
# It never hears of anything, and fails.
DEAF = {
    "Type": "AWS::CloudFormation::WaitCondition",
    "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "60"},
}


class Story:
    def __init__(self, driver, judge=None):
        self.driver, self.judge = driver, judge
        self.called, self.waited = set(), set()

    def call(self, service, operation, **parameters):
        self.called.add(f"{service}:{operation}")
        answer = self.driver.call(service, operation, **parameters)
        if self.judge and operation.startswith(LOOKS) and operation != "GetConsoleOutput":
            self.compare(service, operation, parameters)
        return answer

    def compare(self, service, operation, parameters):
        """Both tools look; what changes by itself in between has come to rest after a few tries."""
        for _ in range(50):
            both = [
                driver.call(service, operation, **parameters) for driver in (self.driver, self.judge)
            ]
            for one in both:
                for page in ("NextToken", "IsTruncated"):
                    one.pop(page, None)
            if alike(*both):
                return
        raise AssertionError(f"{service} {operation}:\n{both[0]}\n{both[1]}")

    def refused(self, code, service, operation, **parameters):
        self.called.add(f"{service}:{operation}")
        try:
            answer = self.driver.call(service, operation, **parameters)
        except Refused as refused:
            assert refused.code == code, f"{operation}: {refused}, not {code}"
            return
        raise AssertionError(f"{operation} was not refused with {code}: {answer}")

    def wait(self, service, waiter, **parameters):
        self.waited.add((service, waiter))
        self.driver.wait(service, waiter, **parameters)

    def commands(self):
        """What has been used, as the `aws` command names it."""
        for called in self.called:
            service, operation = called.split(":")
            yield f"{service} {xform_name(operation, '-')}"
        for service, waiter in self.waited:
            yield f"{service} wait {waiter.replace('_', '-')}"

    def tell(self):
        self.account()
        stack = self.stacks()
        self.network(stack)
        self.machines(stack)
        self.volumes(stack)
        self.share(stack)
        self.alarms(stack)
        self.alarms_in_other_words(stack)
        self.roles(stack)
        self.schedules(*self.machine())
        self.deployed()
        self.topics()
        self.by_hand()
        self.failures()
        self.end()

    def account(self):
        who = self.call("sts", "GetCallerIdentity")
        assert len(who["Account"]) == 12 and who["Arn"].startswith("arn:aws:iam::"), who
        image = self.call("ssm", "GetParameter", Name=IMAGE)["Parameter"]["Value"]
        many = self.call("ssm", "GetParameters", Names=[IMAGE, "/nope"])
        assert many["InvalidParameters"] == ["/nope"], many
        assert self.call("ec2", "DescribeImages", ImageIds=[image])["Images"][0]["State"] == "available"
        self.wait("ec2", "image_exists", ImageIds=[image])
        self.wait("ec2", "image_available", ImageIds=[image])
        zones = self.call("ec2", "DescribeAvailabilityZones")["AvailabilityZones"]
        assert zones[0]["ZoneName"] == "us-east-1a", zones
        below = IMAGE.rpartition("/")[0]
        found = self.call("ssm", "GetParametersByPath", Path=below)["Parameters"]
        assert IMAGE in [one["Name"] for one in found], found
        self.call("ec2", "DescribeRegions")
        self.call("ec2", "DescribeInstanceTypes", InstanceTypes=["t3.micro"])
        self.call("ec2", "DescribeInstanceTypeOfferings", LocationType="availability-zone")
        self.call("ec2", "DescribeAddresses")
        key = self.call("ec2", "ImportKeyPair", KeyName="story", PublicKeyMaterial=KEY)
        assert key["KeyPairId"].startswith("key-"), key
        self.wait("ec2", "key_pair_exists", KeyNames=["story"])
        pairs = self.call("ec2", "DescribeKeyPairs", KeyNames=["story"])["KeyPairs"]
        assert pairs[0]["KeyType"] == "ed25519", pairs
        self.refused("InvalidKeyPair.Duplicate", "ec2", "ImportKeyPair", KeyName="story", PublicKeyMaterial=KEY)
        assert self.call("ec2", "DeleteKeyPair", KeyName="story")["Return"] is True

    def stacks(self):
        body = template(Instance=INSTANCE)
        valid = self.call("cloudformation", "ValidateTemplate", TemplateBody=body)
        assert valid["Parameters"][0]["ParameterKey"] == "Image", valid
        self.call("cloudformation", "GetTemplateSummary", TemplateBody=body)
        made = self.call("cloudformation", "CreateStack", StackName="story", TemplateBody=body, Tags=[{"Key": "who", "Value": "story"}])
        stack = made["StackId"]
        self.wait("cloudformation", "stack_exists", StackName="story")
        self.wait("cloudformation", "stack_create_complete", StackName="story")
        told = self.call("cloudformation", "DescribeStacks", StackName=stack)["Stacks"][0]
        assert told["StackStatus"] == "CREATE_COMPLETE" and told["Outputs"][0]["OutputKey"] == "Share"
        events = self.call("cloudformation", "DescribeStackEvents", StackName=stack)["StackEvents"]
        assert events[-1]["ResourceStatusReason"] == "User Initiated", events[-1]
        self.call("cloudformation", "ListStacks", StackStatusFilter=["CREATE_COMPLETE"])
        assert "Instance" in json.dumps(self.call("cloudformation", "GetTemplate", StackName=stack))
        self.call("cloudformation", "GetStackPolicy", StackName=stack)
        self.refused("ValidationError", "cloudformation", "SignalResource", StackName=stack, LogicalResourceId="Instance", UniqueId="a", Status="SUCCESS")
        protect = {"StackName": stack, "EnableTerminationProtection": True}
        self.call("cloudformation", "UpdateTerminationProtection", **protect)
        self.refused("ValidationError", "cloudformation", "DeleteStack", StackName=stack)
        protect["EnableTerminationProtection"] = False
        self.call("cloudformation", "UpdateTerminationProtection", **protect)
        self.call("cloudformation", "DescribeStackResource", StackName=stack, LogicalResourceId="Vpc")
        self.call("cloudformation", "ListStackResources", StackName=stack)
        resources = self.call("cloudformation", "DescribeStackResources", StackName=stack)["StackResources"]
        there = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}

        more = template(Instance=INSTANCE, Handle=BUCKET)
        for name in ("first", "second"):
            self.call("cloudformation", "CreateChangeSet", StackName=stack, ChangeSetName=name, TemplateBody=more)
            self.wait("cloudformation", "change_set_create_complete", StackName=stack, ChangeSetName=name)
        change = self.call("cloudformation", "DescribeChangeSet", StackName=stack, ChangeSetName="first")
        assert change["Changes"][0]["ResourceChange"]["Action"] == "Add", change
        assert len(self.call("cloudformation", "ListChangeSets", StackName=stack)["Summaries"]) == 2
        self.call("cloudformation", "DeleteChangeSet", StackName=stack, ChangeSetName="second")
        self.call("cloudformation", "ExecuteChangeSet", StackName=stack, ChangeSetName="first")
        self.wait("cloudformation", "stack_update_complete", StackName=stack)
        self.refused("ValidationError", "cloudformation", "UpdateStack", StackName=stack, TemplateBody=more)
        self.refused("ValidationError", "cloudformation", "CancelUpdateStack", StackName=stack)
        self.refused("ValidationError", "cloudformation", "ContinueUpdateRollback", StackName=stack)
        there["stack"] = stack
        return there

    def network(self, stack):
        vpc, subnet, group = stack["Vpc"], stack["Subnet"], stack["Group"]
        self.wait("ec2", "vpc_exists", VpcIds=[vpc])
        self.wait("ec2", "vpc_available", VpcIds=[vpc])
        self.wait("ec2", "subnet_available", SubnetIds=[subnet])
        self.wait("ec2", "security_group_exists", GroupIds=[group])
        self.wait("ec2", "internet_gateway_exists", InternetGatewayIds=[stack["Gateway"]])
        by_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
        assert self.call("ec2", "DescribeVpcs", VpcIds=[vpc])["Vpcs"][0]["State"] == "available"
        assert self.call("ec2", "DescribeSubnets", Filters=by_vpc)["Subnets"][0]["SubnetId"] == subnet
        assert len(self.call("ec2", "DescribeRouteTables", Filters=by_vpc)["RouteTables"]) == 2
        told = self.call("ec2", "DescribeVpcAttribute", VpcId=vpc, Attribute="enableDnsHostnames")
        assert told["EnableDnsHostnames"] == {"Value": True}, told
        acls = self.call("ec2", "DescribeNetworkAcls", Filters=by_vpc)["NetworkAcls"]
        assert len(acls[0]["Entries"]) == 4 and acls[0]["IsDefault"], acls
        self.call("ec2", "DescribeInternetGateways", InternetGatewayIds=[stack["Gateway"]])
        interfaces = self.call("ec2", "DescribeNetworkInterfaces", Filters=by_vpc)["NetworkInterfaces"]
        assert len(interfaces) == 2
        tags = self.call("ec2", "DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"][0]["Tags"]
        assert {"Key": "Größe", "Value": "völlig ☂"} in tags, tags
        rule = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "198.51.100.7/32"}]}]
        added = self.call("ec2", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=rule)
        assert added["SecurityGroupRules"][0]["CidrIpv4"] == "198.51.100.7/32", added
        self.refused("InvalidPermission.Duplicate", "ec2", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=rule)
        rules = self.call("ec2", "DescribeSecurityGroupRules", Filters=[{"Name": "group-id", "Values": [group]}])
        assert len(rules["SecurityGroupRules"]) == 2, rules
        self.call("ec2", "RevokeSecurityGroupIngress", GroupId=group, IpPermissions=rule)
        self.call("ec2", "CreateTags", Resources=[vpc, subnet], Tags=[{"Key": "story", "Value": ""}])
        tags = self.call("ec2", "DescribeTags", Filters=[{"Name": "key", "Values": ["story"]}])["Tags"]
        assert {tag["ResourceType"] for tag in tags} == {"vpc", "subnet"}, tags
        self.call("ec2", "DeleteTags", Resources=[vpc, subnet], Tags=[{"Key": "story"}])
        self.refused("InvalidParameterValue", "ec2", "DeleteNetworkInterface", NetworkInterfaceId=next(one["NetworkInterfaceId"] for one in interfaces if one["InterfaceType"] == "interface" and "InstanceId" in one.get("Attachment", {})))

    def machines(self, stack):
        instance = stack["Instance"]
        ids = {"InstanceIds": [instance]}
        for waiter in ("instance_exists", "instance_running", "instance_status_ok", "system_status_ok"):
            self.wait("ec2", waiter, **ids)
        told = self.call("ec2", "DescribeInstances", **ids)["Reservations"][0]["Instances"][0]
        assert told["State"]["Name"] == "running" and told["Architecture"] == "x86_64"
        status = self.call("ec2", "DescribeInstanceStatus", **ids)["InstanceStatuses"][0]
        assert status["InstanceStatus"]["Status"] == "ok", status
        assert self.call("ec2", "GetConsoleOutput", InstanceId=instance)["InstanceId"] == instance
        one = {"InstanceId": instance}
        for name in ("instanceType", "rootDeviceName", "blockDeviceMapping", "groupSet", "disableApiTermination", "kernel"):
            self.call("ec2", "DescribeInstanceAttribute", Attribute=name, **one)
        told = self.call("ec2", "DescribeInstanceAttribute", Attribute="userData", **one)["UserData"]["Value"]
        assert base64.b64decode(told) == b"#!/bin/bash\necho ready", told
        self.refused("InvalidParameterValue", "ec2", "DescribeInstanceAttribute", Attribute="enclaveOptions", **one)
        told = self.call("ec2", "DescribeInstanceCreditSpecifications", **ids)["InstanceCreditSpecifications"]
        assert [one["InstanceId"] for one in told] == [instance], told
        self.call("ec2", "RebootInstances", **ids)
        self.call("ec2", "StopInstances", **ids)
        self.wait("ec2", "instance_stopped", **ids)
        self.call("ec2", "StartInstances", **ids)
        self.wait("ec2", "instance_running", **ids)

    def volumes(self, stack):
        tags = [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "backup"}]}]
        made = self.call("ec2", "CreateVolume", AvailabilityZone="us-east-1a", Size=1, VolumeType="gp3", TagSpecifications=tags)
        volume = made["VolumeId"]
        ids = {"VolumeIds": [volume]}
        self.wait("ec2", "volume_available", **ids)
        told = self.call("ec2", "DescribeVolumeStatus", **ids)["VolumeStatuses"][0]
        assert told["VolumeStatus"]["Status"] == "ok", told
        self.call("ec2", "AttachVolume", VolumeId=volume, InstanceId=stack["Instance"], Device="/dev/sdf")
        self.wait("ec2", "volume_in_use", **ids)
        self.refused("VolumeInUse", "ec2", "DeleteVolume", VolumeId=volume)
        snapshot = self.call("ec2", "CreateSnapshot", VolumeId=volume, Description="story")["SnapshotId"]
        self.wait("ec2", "snapshot_completed", SnapshotIds=[snapshot])
        told = self.call("ec2", "DescribeSnapshots", OwnerIds=["self"])["Snapshots"]
        assert told[0]["Progress"] == "100%" and told[0]["VolumeId"] == volume, told
        self.call("ec2", "ModifyVolume", VolumeId=volume, Size=2)
        change = self.call("ec2", "DescribeVolumesModifications", **ids)["VolumesModifications"][0]
        assert (change["OriginalSize"], change["TargetSize"]) == (1, 2), change
        while True:
            told = self.driver.call("ec2", "DescribeVolumes", **ids)["Volumes"][0]["Attachments"]
            if told and told[0]["State"] == "attached":
                break
        self.call("ec2", "DescribeVolumes", Filters=[{"Name": "tag:Name", "Values": ["back*"]}])
        self.call("ec2", "DetachVolume", VolumeId=volume)
        self.wait("ec2", "volume_available", **ids)
        self.call("ec2", "DeleteVolume", VolumeId=volume)
        self.wait("ec2", "volume_deleted", **ids)
        self.call("ec2", "DeleteSnapshot", SnapshotId=snapshot)
        self.refused("InvalidSnapshot.NotFound", "ec2", "DeleteSnapshot", SnapshotId=snapshot)

    def share(self, stack):
        share = {"FileSystemId": stack["Share"]}
        told = self.call("efs", "DescribeFileSystems", **share)["FileSystems"][0]
        assert told["LifeCycleState"] == "available" and told["Encrypted"], told
        target = self.call("efs", "DescribeMountTargets", **share)["MountTargets"][0]["MountTargetId"]
        groups = self.call("efs", "DescribeMountTargetSecurityGroups", MountTargetId=target)
        assert groups["SecurityGroups"] == [stack["Group"]], groups
        assert self.call("efs", "DescribeAccessPoints", **share)["AccessPoints"] == []
        self.refused("PolicyNotFound", "efs", "DescribeFileSystemPolicy", **share)
        self.refused("ReplicationNotFound", "efs", "DescribeReplicationConfigurations", **share)
        assert self.call("efs", "DescribeReplicationConfigurations")["Replications"] == []
        self.call("efs", "DescribeTags", **share)
        self.call("efs", "DescribeBackupPolicy", **share)
        self.call("efs", "DescribeLifecycleConfiguration", **share)
        self.call("efs", "ListTagsForResource", ResourceId=stack["Share"])
        changed = self.call("efs", "UpdateFileSystem", ThroughputMode="elastic", **share)
        assert changed["ThroughputMode"] == "elastic", changed
        self.refused("FileSystemInUse", "efs", "DeleteFileSystem", **share)

    def alarms(self, stack):
        dimensions = [{"Name": "FileSystemId", "Value": stack["Share"]}]
        metric = {"Namespace": "AWS/EFS", "MetricName": "BurstCreditBalance", "Dimensions": dimensions}
        self.call("cloudwatch", "PutMetricAlarm", AlarmName="credits", Statistic="Average", Period=600, EvaluationPeriods=1, Threshold=192416666667.0, ComparisonOperator="LessThanThreshold", **metric)
        self.wait("cloudwatch", "alarm_exists", AlarmNames=["credits"])
        alarm = self.call("cloudwatch", "DescribeAlarms", AlarmNames=["credits"])["MetricAlarms"][0]
        assert alarm["Threshold"] == 192416666667.0, alarm
        self.call("cloudwatch", "DescribeAlarmsForMetric", **metric)
        self.call("cloudwatch", "SetAlarmState", AlarmName="credits", StateValue="ALARM", StateReason="a drill ☂")
        assert self.call("cloudwatch", "DescribeAlarmHistory", AlarmName="credits")["AlarmHistoryItems"]
        self.call("cloudwatch", "DisableAlarmActions", AlarmNames=["credits"])
        self.call("cloudwatch", "EnableAlarmActions", AlarmNames=["credits"])
        arn = {"ResourceARN": alarm["AlarmArn"]}
        self.call("cloudwatch", "TagResource", Tags=[{"Key": "a", "Value": "b"}], **arn)
        assert self.call("cloudwatch", "ListTagsForResource", **arn)["Tags"] == [{"Key": "a", "Value": "b"}]
        self.call("cloudwatch", "UntagResource", TagKeys=["a"], **arn)
        self.call("cloudwatch", "ListMetrics", Namespace="AWS/EFS")
        now = alarm["AlarmConfigurationUpdatedTimestamp"]
        if isinstance(now, (int, float)):
            now = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
        hour = datetime.timedelta(hours=1)
        span = {"StartTime": now - hour, "EndTime": now + hour}
        points = self.call("cloudwatch", "GetMetricStatistics", Period=300, Statistics=["Average"], **metric, **span)
        assert points["Label"] == "BurstCreditBalance", points
        query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Average"}}
        data = self.call("cloudwatch", "GetMetricData", MetricDataQueries=[query], **span)
        assert data["MetricDataResults"][0]["StatusCode"] == "Complete", data
        self.call("cloudwatch", "DeleteAlarms", AlarmNames=["credits"])

    def alarms_in_other_words(self, stack):
        """CloudWatch's part again, in its other protocols; only one of the tools can choose."""
        usual = self.driver
        if hasattr(usual, "speaking"):
            for protocol in OTHER_PROTOCOLS["cloudwatch"]:
                self.driver = usual.speaking("cloudwatch", protocol)
                self.alarms(stack)
                code = "ResourceNotFound"
                self.refused(code, "cloudwatch", "DeleteAlarms", AlarmNames=["credits"])
        self.driver = usual

    def roles(self, stack):
        role, profile = {"RoleName": "backup"}, {"InstanceProfileName": "backup"}
        made = self.call("iam", "CreateRole", AssumeRolePolicyDocument=TRUST, **role)["Role"]
        assert made["RoleId"].startswith("AROA"), made
        self.wait("iam", "role_exists", **role)
        self.refused("EntityAlreadyExists", "iam", "CreateRole", AssumeRolePolicyDocument=TRUST, **role)
        self.call("iam", "GetRole", **role)
        self.call("iam", "ListRoles")
        self.call("iam", "PutRolePolicy", PolicyName="own", PolicyDocument=POLICY, **role)
        assert self.call("iam", "ListRolePolicies", **role)["PolicyNames"] == ["own"]
        told = self.call("iam", "GetRolePolicy", PolicyName="own", **role)["PolicyDocument"]
        assert told["Statement"][0]["Action"] == "ec2:CreateSnapshot", told
        self.call("iam", "TagRole", Tags=[{"Key": "a", "Value": "ä"}], **role)
        assert self.call("iam", "ListRoleTags", **role)["Tags"] == [{"Key": "a", "Value": "ä"}]
        self.call("iam", "UntagRole", TagKeys=["a"], **role)
        policy = self.call("iam", "CreatePolicy", PolicyName="shared", PolicyDocument=POLICY)["Policy"]
        arn = {"PolicyArn": policy["Arn"]}
        self.wait("iam", "policy_exists", **arn)
        self.call("iam", "GetPolicy", **arn)
        self.call("iam", "ListPolicies", Scope="Local")
        self.call("iam", "AttachRolePolicy", **role, **arn)
        self.refused("DeleteConflict", "iam", "DeletePolicy", **arn)
        attached = self.call("iam", "ListAttachedRolePolicies", **role)["AttachedPolicies"]
        assert attached[0]["PolicyName"] == "shared", attached
        self.call("iam", "CreateInstanceProfile", **profile)
        self.wait("iam", "instance_profile_exists", **profile)
        self.call("iam", "AddRoleToInstanceProfile", **profile, **role)
        self.call("iam", "GetInstanceProfile", **profile)
        self.call("iam", "ListInstanceProfiles")
        self.call("iam", "ListInstanceProfileTags", **profile)
        assert len(self.call("iam", "ListInstanceProfilesForRole", **role)["InstanceProfiles"]) == 1
        made = self.call("ec2", "AssociateIamInstanceProfile", IamInstanceProfile={"Name": "backup"}, InstanceId=stack["Instance"])
        association = made["IamInstanceProfileAssociation"]["AssociationId"]
        self.call("ec2", "DescribeIamInstanceProfileAssociations", AssociationIds=[association])
        self.call("ec2", "DisassociateIamInstanceProfile", AssociationId=association)
        self.call("iam", "RemoveRoleFromInstanceProfile", **profile, **role)
        self.call("iam", "DeleteInstanceProfile", **profile)
        self.refused("DeleteConflict", "iam", "DeleteRole", **role)
        self.call("iam", "DetachRolePolicy", **role, **arn)
        self.call("iam", "DeletePolicy", **arn)
        self.call("iam", "DeleteRolePolicy", PolicyName="own", **role)
        self.call("iam", "DeleteRole", **role)
        self.refused("NoSuchEntity", "iam", "GetRole", **role)

    def machine(self):
        """A state machine; its ARN, and that of a role."""
        role = {"RoleName": "guard"}
        trust = trusted("states", "scheduler")
        arn = self.call("iam", "CreateRole", AssumeRolePolicyDocument=trust, **role)["Role"]["Arn"]
        may = policy(Action=["ec2:DescribeVolumes", "states:StartExecution"], Resource="*")
        self.call("iam", "PutRolePolicy", PolicyName="own", PolicyDocument=may, **role)
        definition = {"definition": json.dumps(MACHINE), "roleArn": arn}
        self.refused("InvalidDefinition", "stepfunctions", "CreateStateMachine", name="guard", definition="{}", roleArn=arn)
        tags = [{"key": "who", "value": "völlig ☂"}]
        made = self.call("stepfunctions", "CreateStateMachine", name="guard", tags=tags, **definition)
        machine = {"stateMachineArn": made["stateMachineArn"]}
        told = self.call("stepfunctions", "DescribeStateMachine", **machine)
        assert (told["status"], told["type"], told["roleArn"]) == ("ACTIVE", "STANDARD", arn), told
        assert self.call("stepfunctions", "ListTagsForResource", resourceArn=made["stateMachineArn"])["tags"] == tags
        assert len(self.call("stepfunctions", "ListStateMachines")["stateMachines"]) == 1
        run = self.call("stepfunctions", "StartExecution", name="first", input='{"a": "ä"}', **machine)
        execution = {"executionArn": run["executionArn"]}
        while self.driver.call("stepfunctions", "DescribeExecution", **execution)["status"] == "RUNNING":
            pass
        ended = self.call("stepfunctions", "DescribeExecution", **execution)
        assert ended["status"] == "SUCCEEDED" and json.loads(ended["output"])["Volumes"], ended
        assert json.loads(self.call("stepfunctions", "DescribeStateMachineForExecution", **execution)["definition"]) == MACHINE
        events = self.call("stepfunctions", "GetExecutionHistory", **execution)["events"]
        assert [one["type"] for one in events][:2] == ["ExecutionStarted", "TaskStateEntered"], events
        assert events[-1]["type"] == "ExecutionSucceeded", events
        self.refused("ExecutionAlreadyExists", "stepfunctions", "StartExecution", name="first", **machine)
        wait = {"Type": "Wait", "Seconds": 5, "Next": "Look"}
        endless = {**MACHINE, "States": {**MACHINE["States"], "Wait": wait}}
        self.call("stepfunctions", "UpdateStateMachine", definition=json.dumps(endless), **machine)
        patient = self.call("stepfunctions", "StartExecution", **machine)["executionArn"]
        self.call("stepfunctions", "StopExecution", executionArn=patient, error="Enough", cause="of it ☂")
        told = self.call("stepfunctions", "DescribeExecution", executionArn=patient)
        assert (told["status"], told["error"], told["cause"]) == ("ABORTED", "Enough", "of it ☂"), told
        assert len(self.call("stepfunctions", "ListExecutions", **machine)["executions"]) == 2
        return machine["stateMachineArn"], arn

    def schedules(self, machine, role):
        name = {"Name": "guard"}
        given = {
            "ScheduleExpression": "rate(15 minutes)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": machine, "RoleArn": role, "Input": '{"a": "ä"}'},
            # Not before the story is over: it is a machine without patience that would be started.
            "StartDate": datetime.datetime(2090, 1, 1, tzinfo=datetime.timezone.utc),
        }
        made = self.call("scheduler", "CreateSchedule", Description="völlig ☂", **name, **given)
        self.refused("ConflictException", "scheduler", "CreateSchedule", **name, **given)
        told = self.call("scheduler", "GetSchedule", **name)
        assert (told["Arn"], told["State"], told["Description"]) == (made["ScheduleArn"], "ENABLED", "völlig ☂"), told
        assert told["Target"]["Input"] == '{"a": "ä"}', told
        # What an update does not say is what it would be by default.
        self.call("scheduler", "UpdateSchedule", State="DISABLED", **name, **given)
        told = self.call("scheduler", "GetSchedule", GroupName="default", **name)
        assert told["State"] == "DISABLED" and not told.get("Description"), told
        listed = self.call("scheduler", "ListSchedules", NamePrefix="gua", State="DISABLED")["Schedules"]
        assert [one["Name"] for one in listed] == ["guard"], listed
        assert self.call("scheduler", "GetScheduleGroup", Name="default")["State"] == "ACTIVE"
        groups = self.call("scheduler", "ListScheduleGroups")["ScheduleGroups"]
        assert [one["Name"] for one in groups] == ["default"], groups
        self.call("scheduler", "DeleteSchedule", **name)
        self.refused("ResourceNotFoundException", "scheduler", "GetSchedule", **name)
        self.call("stepfunctions", "DeleteStateMachine", stateMachineArn=machine)
        self.refused("StateMachineDoesNotExist", "stepfunctions", "DescribeStateMachine", stateMachineArn=machine)
        self.call("iam", "DeleteRolePolicy", RoleName="guard", PolicyName="own")
        self.call("iam", "DeleteRole", RoleName="guard")

    def deployed(self):
        """A stack that CloudFormation works on as a role, which may do no more than the stack needs."""
        role, name = {"RoleName": "deployer"}, {"StackName": "deployed"}
        arn = self.call("iam", "CreateRole", AssumeRolePolicyDocument=trusted("cloudformation"), **role)["Role"]["Arn"]
        body = json.dumps({"Resources": {"Gateway": {"Type": "AWS::EC2::InternetGateway"}}})
        may = policy(Action=["ec2:CreateInternetGateway", "ec2:CreateTags"], Resource="arn:aws:ec2:*:*:internet-gateway/*")
        self.call("iam", "PutRolePolicy", PolicyName="own", PolicyDocument=may, **role)
        self.refused("ValidationError", "cloudformation", "CreateStack", TemplateBody=body, RoleARN=arn + "s", **name)
        tags = [{"Key": "who", "Value": "story"}]
        self.call("cloudformation", "CreateStack", TemplateBody=body, RoleARN=arn, Tags=tags, **name)
        self.wait("cloudformation", "stack_create_complete", **name)
        assert self.call("cloudformation", "DescribeStacks", **name)["Stacks"][0]["RoleARN"] == arn
        self.call("cloudformation", "DeleteStack", **name)
        while (told := self.driver.call("cloudformation", "DescribeStacks", **name)["Stacks"][0])["StackStatus"] == "DELETE_IN_PROGRESS":
            pass
        assert told["StackStatus"] == "DELETE_FAILED", told
        may = policy(Action="ec2:DeleteInternetGateway", Resource="*", Condition={"StringEquals": {"aws:ResourceTag/who": "story"}})
        self.call("iam", "PutRolePolicy", PolicyName="own", PolicyDocument=may, **role)
        self.call("cloudformation", "DeleteStack", **name)
        self.wait("cloudformation", "stack_delete_complete", **name)
        self.call("iam", "DeleteRolePolicy", PolicyName="own", **role)
        self.call("iam", "DeleteRole", **role)
    def topics(self):
        made = self.call("sns", "CreateTopic", Name="told", Attributes={"DisplayName": "ä & b"}, Tags=[{"Key": "a", "Value": "1"}])
        arn = {"TopicArn": made["TopicArn"]}
        assert self.call("sns", "CreateTopic", Name="told")["TopicArn"] == made["TopicArn"]
        assert arn in self.call("sns", "ListTopics")["Topics"]
        told = self.call("sns", "Subscribe", Protocol="email", Endpoint="me@example.org", **arn)
        assert told["SubscriptionArn"] == "pending confirmation", told
        again = {"Protocol": "email", "Endpoint": "me@example.org", "ReturnSubscriptionArn": True, **arn}
        subscription = self.call("sns", "Subscribe", **again)["SubscriptionArn"]
        listed = self.call("sns", "ListSubscriptionsByTopic", **arn)["Subscriptions"]
        assert [one["Endpoint"] for one in listed] == ["me@example.org"], listed
        attributes = self.call("sns", "GetTopicAttributes", **arn)["Attributes"]
        assert attributes["DisplayName"] == "ä & b" and attributes["SubscriptionsPending"] == "1", attributes
        self.call("sns", "Publish", Message="hello", **arn)
        tagged = {"ResourceArn": made["TopicArn"]}
        self.call("sns", "TagResource", Tags=[{"Key": "b", "Value": "2"}], **tagged)
        self.call("sns", "UntagResource", TagKeys=["a"], **tagged)
        assert self.call("sns", "ListTagsForResource", **tagged)["Tags"] == [{"Key": "b", "Value": "2"}]
        self.call("sns", "Unsubscribe", SubscriptionArn=subscription)
        assert not self.call("sns", "ListSubscriptions").get("Subscriptions")
        self.call("sns", "DeleteTopic", **arn)
        self.call("sns", "DeleteTopic", **arn)
        self.refused("NotFound", "sns", "GetTopicAttributes", **arn)

    def by_hand(self):
        """A stack whose resources somebody deletes one by one, as a cleanup does when all else fails."""
        self.call("cloudformation", "CreateStack", StackName="loose", TemplateBody=template())
        self.wait("cloudformation", "stack_create_complete", StackName="loose")
        resources = self.call("cloudformation", "DescribeStackResources", StackName="loose")["StackResources"]
        loose = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}
        vpc = {"VpcId": loose["Vpc"]}
        gateway = {"InternetGatewayId": loose["Gateway"]}
        self.refused("DependencyViolation", "ec2", "DeleteVpc", **vpc)
        self.refused("DependencyViolation", "ec2", "DeleteSubnet", SubnetId=loose["Subnet"])
        self.call("efs", "DeleteMountTarget", MountTargetId=loose["Target"])
        share = {"FileSystemId": loose["Share"]}
        while self.driver.call("efs", "DescribeMountTargets", **share)["MountTargets"]:
            pass
        self.call("efs", "DeleteFileSystem", **share)
        self.call("ec2", "DeleteSecurityGroup", GroupId=loose["Group"])
        self.call("ec2", "DeleteSubnet", SubnetId=loose["Subnet"])
        self.call("ec2", "DeleteRouteTable", RouteTableId=loose["Routes"])
        self.refused("DependencyViolation", "ec2", "DeleteInternetGateway", **gateway)
        self.call("ec2", "DetachInternetGateway", **gateway, **vpc)
        self.call("ec2", "DeleteInternetGateway", **gateway)
        self.call("ec2", "DeleteVpc", **vpc)
        self.refused("InvalidVpcID.NotFound", "ec2", "DescribeVpcs", VpcIds=[loose["Vpc"]])
        self.call("cloudformation", "DeleteStack", StackName="loose")
        self.wait("cloudformation", "stack_delete_complete", StackName="loose")

    def failures(self):
        """Stacks that fail and go back."""
        only = lambda **resources: json.dumps({"Resources": resources})
        self.call("cloudformation", "CreateStack", StackName="deaf", TemplateBody=only(Handle=BUCKET, Deaf=DEAF), OnFailure="DO_NOTHING")
        try:
            self.driver.wait("cloudformation", "stack_create_complete", StackName="deaf")
        except (botocore.exceptions.WaiterError, AssertionError):
            pass
        told = self.call("cloudformation", "DescribeStacks", StackName="deaf")["Stacks"][0]
        assert told["StackStatus"] == "CREATE_FAILED", told
        self.call("cloudformation", "RollbackStack", StackName="deaf")
        while self.driver.call("cloudformation", "DescribeStacks", StackName="deaf")["Stacks"][0]["StackStatus"] != "ROLLBACK_COMPLETE":
            pass
        self.call("cloudformation", "DeleteStack", StackName="deaf")
        self.call("cloudformation", "CreateStack", StackName="back", TemplateBody=only(Handle=BUCKET))
        self.wait("cloudformation", "stack_create_complete", StackName="back")
        self.call("cloudformation", "UpdateStack", StackName="back", TemplateBody=only(Handle=BUCKET, Deaf=DEAF))
        self.wait("cloudformation", "stack_rollback_complete", StackName="back")
        self.call("cloudformation", "DeleteStack", StackName="back")

    def end(self):
        resources = self.driver.call("cloudformation", "DescribeStackResources", StackName="story")["StackResources"]
        instance = next(one["PhysicalResourceId"] for one in resources if one["LogicalResourceId"] == "Instance")
        self.call("ec2", "TerminateInstances", InstanceIds=[instance])
        self.wait("ec2", "instance_terminated", InstanceIds=[instance])
        self.call("cloudformation", "DeleteStack", StackName="story")
        self.wait("cloudformation", "stack_delete_complete", StackName="story")
        self.refused("ValidationError", "cloudformation", "DescribeStacks", StackName="story")


def in_scope(boto):
    """Operations that the account does not refuse as unknown."""
    config = Config(
        parameter_validation=False, retries={"total_max_attempts": 1}, inject_host_prefix=False
    )
    found = set()
    for service, client in boto.clients.items():
        model = client.meta.service_model
        asked = boto3.client(service, config=config)
        for name in model.operation_names:
            operation = model.operation_model(name)
            if operation.auth_type == "none" or "smithy.api#noAuth" in (operation.auth or []):
                continue
            shape = operation.input_shape
            members = shape.members.items() if shape else ()
            where = {one: "fs-1" for one, member in members if member.serialization.get("location") == "uri"}
            if name == "CopySnapshot":
                # boto3 signs an address of its own into it.
                where = {"SourceRegion": "us-east-1"}
            try:
                asked._make_api_call(name, where)
            except botocore.exceptions.ClientError as error:
                if error.response["Error"]["Code"] in ("InvalidAction", "UnknownOperationException"):
                    continue
            found.add(f"{service}:{name}")
    return found


def main():
    boto, cli = Boto(), Cli()
    scope = in_scope(boto)
    waiters = {
        (service, name)
        for service, client in boto.clients.items()
        for name in client.waiter_names
        if f"{service}:{client._get_waiter_config()['waiters'][pascal(client, name)]['operation']}" in scope
    } - NEVER
    told = {}
    for driver, judge in ((boto, cli), (cli, None)):
        story = Story(driver, judge)
        story.tell()
        told[driver.name] = {
            "commands": sorted(story.commands()),
            "operations": len(story.called),
            "waiters": len(story.waited),
            "unused operations": sorted(scope - story.called),
            "unused waiters": sorted(map(":".join, waiters - story.waited)),
        }
    told["services"] = [client.meta.service_model.signing_name for client in boto.clients.values()]
    told["strangers"] = sorted(set(boto.strangers))
    json.dump(told, sys.stdout, indent=1)


def pascal(client, waiter):
    names = client._get_waiter_config()["waiters"]
    return next(name for name in names if name.lower() == waiter.replace("_", ""))


main()
