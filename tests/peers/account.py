"""What an account holds, as boto3 sees it: an independent count. Reads a word a line, answers a line of JSON.

neighbours TEMPLATE   makes what looks like a lab's and is none, a stack of that template among it
count                 everything that is there, `kind id` each
"""

import json
import pathlib
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, IncompleteReadError, ReadTimeoutError

OTHER = "lab-other"
TAGS = [{"Key": "efslab:lab", "Value": OTHER}]
NETWORK = {
    "Resources": {
        "Net": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.10.0.0/16", "Tags": TAGS}},
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": "efslab", "VpcId": {"Ref": "Net"}, "Tags": TAGS},
        },
        "Share": {"Type": "AWS::EFS::FileSystem", "Properties": {"FileSystemTags": TAGS}},
    }
}

# Of a request that is answered badly on purpose; so many in a row are not met.
ATTEMPTS = 60
PASSING = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
config = Config(retries={"total_max_attempts": 1})
clients = {}


def again(response, attempts, caught_exception, **_):
    """How many seconds to wait until the request is made once more; None: it is not."""
    if caught_exception is not None:
        passes = isinstance(caught_exception, (ConnectionClosedError, IncompleteReadError, ReadTimeoutError))
    else:
        http, parsed = response
        passes = http.status_code >= 500 or parsed.get("Error", {}).get("Code") in PASSING
    return 0 if passes and attempts < ATTEMPTS else None


def client(name):
    if name not in clients:
        clients[name] = boto3.client(name, config=config)
        clients[name].meta.events.register_first("needs-retry", again)
    return clients[name]


def pages(service, operation, key, **arguments):
    for page in client(service).get_paginator(operation).paginate(**arguments):
        yield from page[key]


def count():
    found = []

    def add(kind, ids):
        found.extend(f"{kind} {one}" for one in ids)

    for reservation in pages("ec2", "describe_instances", "Reservations"):
        there = (one for one in reservation["Instances"] if one["State"]["Name"] != "terminated")
        add("instance", (one["InstanceId"] for one in there))
    for operation, key, name in [
        ("describe_volumes", "Volumes", "VolumeId"),
        ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
        ("describe_security_groups", "SecurityGroups", "GroupId"),
        ("describe_vpcs", "Vpcs", "VpcId"),
        ("describe_subnets", "Subnets", "SubnetId"),
        ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        ("describe_route_tables", "RouteTables", "RouteTableId"),
    ]:
        add(name, (one[name] for one in pages("ec2", operation, key)))
    add("snapshot", (one["SnapshotId"] for one in pages("ec2", "describe_snapshots", "Snapshots", OwnerIds=["self"])))
    add("key pair", (one["KeyPairId"] for one in client("ec2").describe_key_pairs()["KeyPairs"]))
    for system in pages("efs", "describe_file_systems", "FileSystems"):
        add("filesystem", [system["FileSystemId"]])
        targets = client("efs").describe_mount_targets(FileSystemId=system["FileSystemId"])["MountTargets"]
        add("mount target", (one["MountTargetId"] for one in targets))
    add("alarm", (one["AlarmName"] for one in pages("cloudwatch", "describe_alarms", "MetricAlarms")))
    add("role", (one["RoleName"] for one in pages("iam", "list_roles", "Roles")))
    add("policy", (one["Arn"] for one in pages("iam", "list_policies", "Policies", Scope="Local")))
    profiles = pages("iam", "list_instance_profiles", "InstanceProfiles")
    add("profile", (one["InstanceProfileName"] for one in profiles))
    add("schedule", (one["Name"] for one in pages("scheduler", "list_schedules", "Schedules")))
    machines = pages("stepfunctions", "list_state_machines", "stateMachines")
    add("state machine", (one["name"] for one in machines))
    stacks = list(pages("cloudformation", "list_stacks", "StackSummaries"))
    add("stack", (one["StackId"] for one in stacks if one["StackStatus"] != "DELETE_COMPLETE"))
    add("topic", (one["TopicArn"] for one in pages("sns", "list_topics", "Topics")))
    return sorted(found)


def tags(kind, **pairs):
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in pairs.items()]}]


def neighbours(template):
    ec2, cloudformation = client("ec2"), client("cloudformation")
    other = {"efslab:lab": OTHER}
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=5, TagSpecifications=tags("volume", **other))["VolumeId"]
    plain = ec2.create_volume(
        AvailabilityZone="us-east-1a", Size=5, TagSpecifications=tags("volume", Name="efslab backup")
    )["VolumeId"]
    waiter = ec2.get_waiter("volume_available")
    waiter.wait(VolumeIds=[volume, plain], WaiterConfig={"Delay": 1})
    ec2.create_snapshot(VolumeId=volume, TagSpecifications=tags("snapshot", **other))
    ec2.create_snapshot(VolumeId=plain, TagSpecifications=tags("snapshot", **{"efslab:LAB": "lab", "efslab:keep": "yes"}))
    ec2.create_snapshot(VolumeId=plain)
    client("cloudwatch").put_metric_alarm(
        AlarmName="efslab-other-lab-CreditsAlarm",
        Namespace="AWS/EFS",
        MetricName="PercentIOLimit",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=95,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudformation.create_stack(StackName="efslab-lab", TemplateBody=json.dumps(NETWORK))
    # The guard of somebody else: a schedule, a state machine, two roles and a policy, for years.
    guard = {"Lab": OTHER, "Stack": "efslab-other-lab", "Until": "2060-01-01T00:00:00Z"}
    cloudformation.create_stack(
        StackName="efslab-other-guard",
        TemplateBody=pathlib.Path(template).read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in guard.items()],
        Capabilities=["CAPABILITY_IAM"],
        Tags=TAGS,
    )
    for name in ["efslab-lab", "efslab-other-guard"]:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    return count()


def main():
    for line in sys.stdin:
        word, _, argument = line.strip().partition(" ")
        answer = neighbours(argument) if word == "neighbours" else count()
        print(json.dumps(answer), flush=True)


main()
