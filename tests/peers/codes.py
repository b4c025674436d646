"""Bad requests, and the codes and statuses that they are refused with, held against botocore's models.

Where the model of a service names the errors of an operation, the answer must be one of them, with the status that the
model gives it. What no model names (all of EC2, what a signature can be wrong with) is as AWS's documentation has it:
"Error codes for the Amazon EC2 API", "Common error types" of CloudFormation, EFS, CloudWatch, IAM, STS and Systems Manager.
"""

import contextlib
import datetime
import json
import os
import re
import sys
import urllib.error
import urllib.request

import boto3
import botocore.auth
from botocore.awsrequest import AWSRequest
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

# What a signature can be wrong with, by service: an unknown key, a wrong secret, a clock that is wrong.
SIGNATURES = [
    ("cloudformation", "ListStacks", "InvalidClientTokenId", "SignatureDoesNotMatch", "SignatureDoesNotMatch", 403),
    ("cloudwatch", "ListMetrics", "UnrecognizedClientException", "InvalidSignatureException", "InvalidSignatureException", 400),
    ("ec2", "DescribeVpcs", "AuthFailure", "AuthFailure", "RequestExpired", 401),
    ("efs", "DescribeFileSystems", "UnrecognizedClientException", "InvalidSignatureException", "InvalidSignatureException", 403),
    ("iam", "ListRoles", "InvalidClientTokenId", "SignatureDoesNotMatch", "SignatureDoesNotMatch", 403),
    ("scheduler", "ListSchedules", "UnrecognizedClientException", "InvalidSignatureException", "InvalidSignatureException", 403),
    ("sns", "ListTopics", "InvalidClientTokenId", "SignatureDoesNotMatch", "SignatureDoesNotMatch", 403),
    ("ssm", "GetParameters", "UnrecognizedClientException", "InvalidSignatureException", "InvalidSignatureException", 400),
    ("stepfunctions", "ListStateMachines", "UnrecognizedClientException", "InvalidSignatureException", "InvalidSignatureException", 400),
    ("sts", "GetCallerIdentity", "InvalidClientTokenId", "SignatureDoesNotMatch", "SignatureDoesNotMatch", 403),
]
# "Error codes for the Amazon EC2 API": it has expired for whoever's clock is slow.
STATUSES = {"RequestExpired": 400}

FORM = "application/x-www-form-urlencoded"
CBOR = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
OPERATION = "/service/GraniteServiceVersion20100801/operation/"
HUGE = b"a" * 3_000_000


def target(name):
    return {"x-amz-target": name}


# What no client sends, by the service it is signed for: method, path, headers and body; code and status.
# Unknown operations.
RAW = [
    ("cloudformation", "POST", "/", {}, b"Action=DescribeStack&Version=2010-05-15", "InvalidAction", 400),
    ("cloudformation", "POST", "/", {}, b"Action=DescribeStacks", "InvalidAction", 400),
    ("cloudformation", "POST", "/", {}, b"", "MissingAction", 400),
    ("ec2", "POST", "/", {}, b"Action=DescribeMoon&Version=2016-11-15", "InvalidAction", 400),
    ("ec2", "POST", "/", {}, b"Version=2016-11-15", "MissingAction", 400),
    ("iam", "POST", "/", {}, b"Action=ListMoons&Version=2010-05-08", "InvalidAction", 400),
    ("sts", "POST", "/", {}, b"Action=GetMoon&Version=2011-06-15", "InvalidAction", 400),
    ("monitoring", "POST", "/", {}, b"Action=ListMoons&Version=2010-08-01", "InvalidAction", 400),
    ("monitoring", "POST", "/", target("GraniteServiceVersion20100801.ListMoons"), b"{}", "UnknownOperationException", 400),
    ("monitoring", "POST", OPERATION + "ListMoons", CBOR, b"\xa0", "UnknownOperationException", 400),
    ("elasticfilesystem", "GET", "/2015-02-01/moons", {}, b"", "UnknownOperationException", 404),
    ("scheduler", "GET", "/moons", {}, b"", "UnknownOperationException", 404),
    ("ssm", "POST", "/", target("AmazonSSM.GetMoon"), b"{}", "UnknownOperationException", 400),
    ("states", "POST", "/", target("AWSStepFunctions.GetMoon"), b"{}", "UnknownOperationException", 400),
    # Bodies that cannot be read.
    ("cloudformation", "POST", "/", {}, b"Action=ListStacks&Version=2010-05-15&Version=x", "MalformedQueryString", 400),
    ("ec2", "POST", "/", {}, b"Action=DescribeVpcs&Version=2016-11-15&Filter.x=1", "UnknownParameter", 400),
    ("monitoring", "POST", "/", {}, b"Action=DescribeAlarms&Version=2010-08-01&AlarmNames=x", "InvalidParameterValue", 400),
    ("monitoring", "POST", "/", target("GraniteServiceVersion20100801.ListMetrics"), b"{", "SerializationException", 400),
    ("monitoring", "POST", OPERATION + "ListMetrics", CBOR, b"\xa1\x61", "SerializationException", 400),
    ("elasticfilesystem", "PUT", "/2015-02-01/file-systems/fs-0123456789abcdef0", {}, b"{", "BadRequest", 400),
    ("scheduler", "POST", "/schedules/moon", {}, b"{", "SerializationException", 400),
    ("ssm", "POST", "/", target("AmazonSSM.GetParameter"), b"[1", "SerializationException", 400),
    ("ssm", "POST", "/", target("AmazonSSM.GetParameter"), b'{"Name": 1}', "SerializationException", 400),
    ("states", "POST", "/", target("AWSStepFunctions.ListStateMachines"), b"\xff", "SerializationException", 400),
    # Bodies that are too large for anything.
    ("cloudformation", "POST", "/", {}, HUGE, "RequestEntityTooLarge", 413),
    ("ec2", "POST", "/", {}, HUGE, "RequestEntityTooLarge", 413),
    ("monitoring", "POST", OPERATION + "ListMetrics", CBOR, HUGE, "RequestEntityTooLargeException", 413),
    ("elasticfilesystem", "POST", "/2015-02-01/file-systems", {}, HUGE, "RequestEntityTooLargeException", 413),
    ("ssm", "POST", "/", target("AmazonSSM.GetParameter"), HUGE, "RequestEntityTooLargeException", 413),
]

# Of every operation, in the words of the service.
COMMON = {"ValidationError", "InvalidAction", "MissingParameter"}


@contextlib.contextmanager
def clock(minutes):
    """Requests are signed by a clock that is wrong."""
    right = botocore.auth.get_current_datetime
    wrong = datetime.timedelta(minutes=minutes)
    botocore.auth.get_current_datetime = lambda *given, **more: right(*given, **more) + wrong
    try:
        yield
    finally:
        botocore.auth.get_current_datetime = right


def raw(service, method, path, headers, body):
    """Code and status of the answer to a request that no client sends."""
    request = AWSRequest(method, os.environ["AWS_ENDPOINT_URL"] + path, headers={"content-type": FORM, **headers}, data=body)
    keys = boto3.Session().get_credentials()
    botocore.auth.SigV4Auth(keys, service, os.environ["AWS_DEFAULT_REGION"]).add_auth(request)
    signed = urllib.request.Request(request.url, body or None, dict(request.headers.items()), method=method)
    try:
        with urllib.request.urlopen(signed) as answer:
            return None, answer.status
    except urllib.error.HTTPError as answer:
        text = answer.read().decode(errors="replace")
        # In the body, but for services whose model has it in a header alone.
        found = re.search(r'<Code>(\w+)</Code>|"__type":"(?:[\w.]+#)?(\w+)"|"ErrorCode":"(\w+)"|#(\w+)gmessage', text)
        return next(filter(None, found.groups())) if found else text[:80], answer.code


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
    for service, operation, unknown, mismatch, skewed, status in SIGNATURES:
        keys = boto3.Session().get_credentials()
        for key, secret, minutes, code in (
            ("AKIAQQQQQQQQQQQQQQQQ", keys.secret_key, 0, unknown),
            (keys.access_key, "wrong" * 8, 0, mismatch),
            (keys.access_key, keys.secret_key, -20, skewed),
            (keys.access_key, keys.secret_key, 20, skewed),
        ):
            client = boto3.client(service, config=LOOSE, aws_access_key_id=key, aws_secret_access_key=secret)
            with clock(minutes):
                told = refusal(client, operation, {})
            if told != (code, STATUSES.get(code, status)):
                wrong.append(f"{service} signed by {key[:6]}, {minutes} min: {told}, not {(code, status)}")
    for *request, code, status in RAW:
        told = raw(*request)
        if told != (code, status):
            wrong.append(f"{request[0]} {request[2]} {request[3]} {request[4][:40]}: {told}, not {(code, status)}")
    json.dump({"requests": len(REQUESTS) + 4 * len(SIGNATURES) + len(RAW), "named": named, "wrong": wrong}, sys.stdout, indent=1)


main()
