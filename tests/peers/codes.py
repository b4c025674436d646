"""Bad requests, and the codes and statuses that they are refused with, held against botocore's models.

Where the model of a service names the errors of an operation, the answer must be one of them, with the status that the
model gives it. What no model names (all of EC2, what a signature can be wrong with) is as AWS's documentation has it:
"Error codes for the Amazon EC2 API", "Common error types" of CloudFormation, EFS, CloudWatch, IAM, STS and Systems Manager.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

LOOSE = Config(parameter_validation=False, retries={"total_max_attempts": 1})
VPC = "vpc-0123456789abcdef0"
TEMPLATE = json.dumps({"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
ROLE = json.dumps({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}}}})

# Service, operation, parameters; code and status.
REQUESTS = [
    ("cloudformation", "CreateStack", {"StackName": "twice", "TemplateBody": TEMPLATE}, "AlreadyExistsException", 400),
    ("cloudformation", "CreateStack", {"StackName": "role", "TemplateBody": ROLE}, "InsufficientCapabilitiesException", 400),
    ("cloudformation", "CreateStack", {"StackName": "1-bad", "TemplateBody": TEMPLATE}, "ValidationError", 400),
    ("cloudformation", "CreateStack", {"StackName": "long", "TemplateBody": "#" * 51201}, "ValidationError", 400),
    ("cloudformation", "CreateStack", {"StackName": "deep", "TemplateBody": "{"}, "ValidationError", 400),
    ("cloudformation", "DescribeStacks", {"StackName": "nobody"}, "ValidationError", 400),
    ("cloudformation", "DescribeChangeSet", {"StackName": "twice", "ChangeSetName": "nope"}, "ChangeSetNotFound", 404),
    ("cloudformation", "UpdateStack", {"StackName": "twice", "TemplateBody": TEMPLATE}, "ValidationError", 400),
    ("ec2", "DescribeVpcs", {"VpcIds": [VPC]}, "InvalidVpcID.NotFound", 400),
    ("ec2", "DescribeSubnets", {"SubnetIds": ["subnet-0123456789abcdef0"]}, "InvalidSubnetID.NotFound", 400),
    ("ec2", "DescribeInstances", {"InstanceIds": ["i-0123456789abcdef0"]}, "InvalidInstanceID.NotFound", 400),
    ("ec2", "DescribeInstances", {"InstanceIds": ["nonsense"]}, "InvalidInstanceID.Malformed", 400),
    ("ec2", "DescribeVolumes", {"VolumeIds": ["vol-0123456789abcdef0"]}, "InvalidVolume.NotFound", 400),
    ("ec2", "DescribeSnapshots", {"SnapshotIds": ["snap-0123456789abcdef0"]}, "InvalidSnapshot.NotFound", 400),
    ("ec2", "DescribeSecurityGroups", {"GroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound", 400),
    ("ec2", "DescribeKeyPairs", {"KeyNames": ["nobody"]}, "InvalidKeyPair.NotFound", 400),
    ("ec2", "DescribeImages", {"ImageIds": ["ami-0123456789abcdef0"]}, "InvalidAMIID.NotFound", 400),
    ("ec2", "DescribeVpcs", {"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidParameterValue", 400),
    ("ec2", "CreateVolume", {"AvailabilityZone": "mars-1a", "Size": 1}, "InvalidZone.NotFound", 400),
    ("ec2", "CreateVolume", {"Size": 1}, "MissingParameter", 400),
    ("ec2", "DetachVolume", {"VolumeId": "vol-0123456789abcdef0"}, "InvalidVolume.NotFound", 400),
    ("ec2", "DescribeVpcs", {"DryRun": True}, "DryRunOperation", 412),
    ("ec2", "RunInstances", {"MinCount": 1, "MaxCount": 1}, "InvalidAction", 400),
    ("efs", "DescribeFileSystems", {"FileSystemId": "fs-0123456789abcdef0"}, "FileSystemNotFound", 404),
    ("efs", "DeleteMountTarget", {"MountTargetId": "fsmt-0123456789abcdef0"}, "MountTargetNotFound", 404),
    ("efs", "DescribeMountTargets", {}, "BadRequest", 400),
    ("cloudwatch", "DeleteAlarms", {"AlarmNames": ["nobody"]}, "ResourceNotFound", 404),
    ("cloudwatch", "SetAlarmState", {"AlarmName": "nobody", "StateValue": "OK", "StateReason": "x"}, "ResourceNotFound", 404),
    ("cloudwatch", "SetAlarmState", {"AlarmName": "nobody", "StateValue": "BLUE", "StateReason": "x"}, "ValidationError", 400),
    ("iam", "GetRole", {"RoleName": "nobody"}, "NoSuchEntity", 404),
    ("iam", "CreateRole", {"RoleName": "bad", "AssumeRolePolicyDocument": "{"}, "MalformedPolicyDocument", 400),
    ("sns", "ListSubscriptionsByTopic", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:nobody"}, "NotFound", 404),
    ("sns", "CreateTopic", {"Name": "no good"}, "InvalidParameter", 400),
    ("sns", "ListTagsForResource", {"ResourceArn": "arn:aws:sns:us-east-1:123456789012:nobody"}, "ResourceNotFound", 404),
    ("ssm", "GetParameter", {"Name": "/nobody"}, "ParameterNotFound", 400),
]

# What a signature can be wrong with, by service: an unknown key, a wrong secret.
SIGNATURES = [
    ("cloudformation", "ListStacks", "InvalidClientTokenId", "SignatureDoesNotMatch", 403),
    ("ec2", "DescribeVpcs", "AuthFailure", "AuthFailure", 401),
    ("efs", "DescribeFileSystems", "UnrecognizedClientException", "InvalidSignatureException", 403),
    ("iam", "ListRoles", "InvalidClientTokenId", "SignatureDoesNotMatch", 403),
    ("sns", "ListTopics", "InvalidClientTokenId", "SignatureDoesNotMatch", 403),
    ("ssm", "GetParameters", "UnrecognizedClientException", "InvalidSignatureException", 400),
    ("sts", "GetCallerIdentity", "InvalidClientTokenId", "SignatureDoesNotMatch", 403),
]

# Of every operation, in the words of the service.
COMMON = {"ValidationError", "InvalidAction", "MissingParameter"}


def refusal(client, operation, parameters):
    try:
        client._make_api_call(operation, parameters)
    except ClientError as error:
        meta = error.response["ResponseMetadata"]
        assert len(meta.get("RequestId", "")) == 36, error.response
        return error.response["Error"]["Code"], meta["HTTPStatusCode"]
    return None, 200


def modelled(client, operation):
    """Code and status of the errors that the model names for an operation."""
    found = {}
    for shape in client.meta.service_model.operation_model(operation).error_shapes:
        error = shape.metadata.get("error", {})
        found[error.get("code", shape.name)] = error.get("httpStatusCode")
        # By the name of the shape clients know it as well.
        found.setdefault(shape.name, error.get("httpStatusCode"))
    return found


def main():
    wrong, named = [], 0
    clients = {}
    for service, *_ in REQUESTS:
        clients.setdefault(service, boto3.client(service, config=LOOSE))
    clients["cloudformation"].create_stack(StackName="twice", TemplateBody=TEMPLATE)
    clients["cloudformation"].get_waiter("stack_create_complete").wait(
        StackName="twice", WaiterConfig={"Delay": 0}
    )
    for service, operation, parameters, code, status in REQUESTS:
        told = refusal(clients[service], operation, parameters)
        if told != (code, status):
            wrong.append(f"{service} {operation} {parameters}: {told}, not {(code, status)}"[:300])
        errors = modelled(clients[service], operation)
        if told[0] in errors:
            named += 1
            if errors[told[0]] not in (None, told[1]):
                wrong.append(f"{service} {operation}: {told[0]} has the status {errors[told[0]]}")
        elif errors and told[0] not in COMMON:
            wrong.append(f"{service} {operation}: {told[0]} is none of {sorted(errors)}")
    for service, operation, unknown, mismatch, status in SIGNATURES:
        keys = boto3.Session().get_credentials()
        for key, secret, code in (
            ("AKIAQQQQQQQQQQQQQQQQ", keys.secret_key, unknown),
            (keys.access_key, "wrong" * 8, mismatch),
        ):
            client = boto3.client(service, config=LOOSE, aws_access_key_id=key, aws_secret_access_key=secret)
            told = refusal(client, operation, {})
            if told != (code, status):
                wrong.append(f"{service} signed by {key[:6]}: {told}, not {(code, status)}")
    json.dump({"requests": len(REQUESTS) + 2 * len(SIGNATURES), "named": named, "wrong": wrong}, sys.stdout, indent=1)


main()
