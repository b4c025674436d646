"""The two ways in which a story is told: by boto3, and by the `aws` command, which runs inside this process because it
takes half a second to start."""

import contextlib
import copy
import io
import json
import re
import time

import boto3
import botocore.exceptions
import botocore.session
from awscli.clidriver import create_clidriver
from botocore import xform_name
from botocore.config import Config

import wire

# Waiters sleep as long as AWS takes; practice is quicker.
sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 0.02))

SERVICES = ["cloudformation", "cloudwatch", "ec2", "efs", "iam", "scheduler", "sns", "ssm", "stepfunctions", "sts"]
# CloudWatch speaks three. boto3 and the `aws` command choose JSON, as of autumn 2025; before, they had the form and XML; and
# the SDK for Rust takes CBOR.
OTHER_PROTOCOLS = {"cloudwatch": ["smithy-rpc-v2-cbor", "query"]}
# Methods that only look.
LOOKS = ("Describe", "Get", "List", "Validate")


class Refused(Exception):
    def __init__(self, code, message, status=None):
        super().__init__(f"{code}: {message}")
        self.code, self.status = code, status


class Boto:
    name = "boto"

    def __init__(self):
        # One try: what fails is to be seen; and names of hosts that are local.
        config = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False)
        self.clients = {name: boto3.client(name, config=config) for name in SERVICES}
        self.strangers = []
        for client in self.clients.values():
            client.meta.events.register("before-parse", self.look)

    def speaking(self, service, protocol):
        """Another one whose client of this service speaks this protocol."""
        session = botocore.session.get_session()
        model = session.get_component("data_loader").load_service_model(service, "service-2")
        model["metadata"]["protocols"] = [protocol]
        other = copy.copy(self)
        client = boto3.Session(botocore_session=session).client(service, config=self.clients[service].meta.config)
        client.meta.events.register("before-parse", other.look)
        assert client.meta.service_model.resolved_protocol == protocol
        other.clients = {**self.clients, service: client}
        return other

    def look(self, operation_model, response_dict, **_):
        if response_dict["status_code"] < 300:
            protocol = operation_model.service_model.resolved_protocol
            body = response_dict["body"]
            self.strangers += wire.strangers(operation_model, body, protocol)

    def call(self, service, operation, **parameters):
        try:
            answer = self.clients[service]._make_api_call(operation, parameters)
        except botocore.exceptions.ClientError as error:
            told = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise Refused(told["Code"], told.get("Message", ""), status) from None
        meta = answer.pop("ResponseMetadata")
        # In CBOR botocore looks for it only where there is an answer beside it.
        request = meta.get("RequestId") or meta["HTTPHeaders"]["x-amzn-requestid"]
        assert re.fullmatch(r"[0-9a-f-]{36}", request), meta
        return answer

    def wait(self, service, waiter, **parameters):
        self.clients[service].get_waiter(waiter).wait(**parameters)


class Cli:
    name = "aws"

    def __init__(self):
        self.driver = create_clidriver()

    def run(self, arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = self.driver.main(arguments)
            except SystemExit as end:
                code = end.code
        if code:
            text = err.getvalue()
            found = re.search(r"An error occurred \((.*?)\) when calling the \w+ operation.*?: (.*)", text, re.S)
            assert found, f"{arguments}: {code} {text}"
            raise Refused(found[1], found[2].strip())
        return out.getvalue()

    def call(self, service, operation, **parameters):
        given = json.dumps(parameters, default=lambda time: time.isoformat())
        command = xform_name(operation, "-")
        text = self.run([service, command, "--cli-input-json", given, "--output", "json"])
        return json.loads(text) if text.strip() else {}

    def wait(self, service, waiter, **parameters):
        options = []
        for name, value in parameters.items():
            values = value if isinstance(value, list) else [value]
            options += ["--" + xform_name(name, "-"), *values]
        self.run([service, "wait", xform_name(waiter, "-").replace("_", "-"), *options])


def alike(one, other):
    """Whether two tools say the same; how they write instants is their own matter."""
    if isinstance(one, dict) and isinstance(other, dict):
        known = {name for name in one if name in other or one[name] not in ("", None)}
        return all(name in other and alike(one[name], other[name]) for name in known)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == other or hasattr(one, "isoformat")
