"""The guard's state machine on a foreign engine: moto's Step Functions, against moto's EC2, CloudFormation and Scheduler.

Reads the definition from assets/guard/machine.json and runs it over the scenario of tests/guard.rs: a lab, its strays and
its neighbours. Waits are cut to a second; nothing else of the definition is touched. Ends with 0 when what is left is right.
"""

import datetime
import json
import os
import pathlib
import sys
import time

for name, value in {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}.items():
    os.environ[name] = value
os.environ.pop("AWS_PROFILE", None)

import boto3  # noqa: E402
from moto import mock_aws  # noqa: E402
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.implementations.is_operator import (  # noqa: E402
    IsTimestamp,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (  # noqa: E402
    state_task_service_aws_sdk as integrations,
)

ROOT = pathlib.Path(__file__).parents[2]
LAB, STACK, GUARD = "lab-7f3k", "efslab-7f3k-lab", "efslab-7f3k-guard"
ROLE = "arn:aws:iam::123456789012:role/guard"
SERVICE = "arn:aws:iam::123456789012:role/efslab-7f3k-guard-Service"
TEMPLATE = json.dumps(
    {
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
            "Topic": {"Type": "AWS::SNS::Topic"},
        }
    }
)


class AsJson(integrations.StateTaskServiceAwsSdk):
    """Step Functions has instants as ISO 8601 in its states; moto 5.2 leaves Python's own there."""

    evaluate = integrations.StateTaskServiceAwsSdk._eval_service_task

    def _eval_service_task(self, env, *arguments, **named):
        AsJson.evaluate(self, env, *arguments, **named)
        instant = lambda at: at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: E731
        env.stack.append(json.loads(json.dumps(env.stack.pop(), default=instant)))


def timestamp(text: str):
    """RFC 3339, as the language has it; moto 5.2 does not read fractions of seconds, not even its own."""
    try:
        at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=datetime.timezone.utc)


IsTimestamp.string_to_timestamp = staticmethod(timestamp)
integrations.StateTaskServiceAwsSdk._eval_service_task = AsJson._eval_service_task


def definition(guard: str) -> str:
    text = (ROOT / "assets/guard/machine.json").read_text()
    given = {"Lab": LAB, "Stack": STACK, "Schedule": GUARD, "Service": SERVICE, "Guard": guard}
    for name, value in given.items():
        text = text.replace("${" + name + "}", value)
    assert "${" not in text, text
    machine = json.loads(text)

    def hurry(states: dict) -> None:
        for state in states.values():
            if state["Type"] == "Wait":
                state["Seconds"] = 1
            if "ItemProcessor" in state:
                hurry(state["ItemProcessor"]["States"])

    hurry(machine["States"])
    return json.dumps(machine)


def strays(ec2, lab: str, snapshots: int) -> set:
    tags = [{"Key": "efslab:lab", "Value": lab}]
    image = ec2.describe_images()["Images"][0]["ImageId"]
    of = lambda kind: [{"ResourceType": kind, "Tags": tags}]  # noqa: E731
    made = ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2, TagSpecifications=of("instance"))
    ids = {one["InstanceId"] for one in made["Instances"]}
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=5, TagSpecifications=of("volume"))["VolumeId"]
    ids.add(volume)
    for _ in range(snapshots):
        ids.add(ec2.create_snapshot(VolumeId=volume, TagSpecifications=of("snapshot"))["SnapshotId"])
    return ids


def there(ec2, cloudformation) -> set:
    ids = {
        instance["InstanceId"]
        for reservation in ec2.describe_instances()["Reservations"]
        for instance in reservation["Instances"]
        if instance["State"]["Name"] != "terminated"
    }
    ids |= {one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]}
    ids |= {one["SnapshotId"] for one in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]}
    stacks = cloudformation.describe_stacks()["Stacks"]
    return ids | {one["StackName"] for one in stacks if one["StackStatus"] != "DELETE_COMPLETE"}


def run(states, arn: str, name: str) -> dict:
    execution = states.start_execution(stateMachineArn=arn, name=name)["executionArn"]
    for _ in range(900):
        seen = states.describe_execution(executionArn=execution)
        if seen["status"] != "RUNNING":
            return seen
        time.sleep(0.1)
    sys.exit("the execution does not end")


@mock_aws(config={"stepfunctions": {"execute_state_machine": True}})
def main() -> None:
    ec2, cloudformation = boto3.client("ec2"), boto3.client("cloudformation")
    scheduler, states = boto3.client("scheduler"), boto3.client("stepfunctions")
    ours = [{"Key": "efslab:lab", "Value": LAB}]
    guard = cloudformation.create_stack(StackName=GUARD, TemplateBody=TEMPLATE, Tags=ours)["StackId"]
    cloudformation.create_stack(StackName=STACK, TemplateBody=TEMPLATE, Tags=ours)
    cloudformation.create_stack(StackName="efslab-7f3k2-lab", TemplateBody=TEMPLATE)
    machine = states.create_state_machine(name=GUARD, definition=definition(guard), roleArn=ROLE)["stateMachineArn"]
    untouched = there(ec2, cloudformation) - {STACK, GUARD}
    mine = strays(ec2, LAB, 3)
    neighbours = strays(ec2, "lab-7f3k2", 2)
    lab = there(ec2, cloudformation)
    assert mine <= lab and {STACK, GUARD} <= lab

    def lease(until: datetime.timedelta, call) -> None:
        call(
            Name=GUARD,
            Description="removes the lab",
            ScheduleExpression="rate(15 minutes)",
            StartDate=datetime.datetime.now(datetime.timezone.utc) + until,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": machine, "RoleArn": ROLE},
        )

    # A lease that has been renewed is left alone.
    lease(datetime.timedelta(hours=1), scheduler.create_schedule)
    seen = run(states, machine, "renewed")
    assert seen["status"] == "SUCCEEDED", seen
    assert there(ec2, cloudformation) == lab

    lease(datetime.timedelta(seconds=-5), scheduler.update_schedule)
    seen = run(states, machine, "over")
    assert seen["status"] == "SUCCEEDED", seen
    left = there(ec2, cloudformation)
    # moto makes volumes for instances, and snapshots for images: those of neighbours stay, too.
    assert not left & mine and not left & {STACK, GUARD}, left & (mine | {STACK, GUARD})
    assert untouched <= left and neighbours <= left, (untouched | neighbours) - left
    print(f"{len(mine)} of the lab's are gone, {len(neighbours)} of its neighbours are there")


main()
