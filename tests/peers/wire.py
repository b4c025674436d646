"""Answers as they come over the wire, held against the models of botocore: whatever a model does not know is told."""

import datetime
import json
import xml.etree.ElementTree as ElementTree

from botocore.parsers import BaseCBORParser

CBOR = BaseCBORParser()


def strangers(operation, body, protocol):
    """Paths of members in an answer that the operation's output has not."""
    shape = operation.output_shape
    if shape is None or not body:
        return []
    if protocol in ("query", "ec2"):
        root = ElementTree.fromstring(body)
        wrapper = shape.serialization.get("resultWrapper")
        extra = {"requestId", "ResponseMetadata", "RequestId"}
        if wrapper:
            extra.add(wrapper)
        # EC2's has a slash at its end that its model does not tell.
        namespace = root.tag.partition("}")[0].strip("{").rstrip("/")
        if namespace != operation.metadata["xmlNamespace"].rstrip("/"):
            return [f"{operation.name}: the namespace of {root.tag}"]
        found = []
        for child in root:
            name = tag(child)
            if name == wrapper:
                found += of_xml(child, shape, operation.name)
            elif name not in extra and name not in members(shape):
                found.append(f"{operation.name}/{name}")
            elif name in members(shape):
                found += of_xml(child, members(shape)[name], f"{operation.name}/{name}")
        return found
    if protocol == "smithy-rpc-v2-cbor":
        stream = CBOR.get_peekable_stream_from_bytes(body)
        return of_json(CBOR.parse_data_item(stream), shape, operation.name)
    return of_json(json.loads(body), shape, operation.name)


def tag(element):
    return element.tag.rsplit("}", 1)[-1]


def members(shape):
    return {
        member.serialization.get("name", name): member for name, member in shape.members.items()
    }


def of_xml(element, shape, path):
    if shape.type_name == "structure":
        known = members(shape)
        found = []
        for child in element:
            member = known.get(tag(child))
            if member is None:
                found.append(f"{path}/{tag(child)}")
            else:
                found += of_xml(child, member, f"{path}/{tag(child)}")
        return found
    if shape.type_name == "list":
        if shape.serialization.get("flattened"):
            return of_xml(element, shape.member, path)
        name = shape.member.serialization.get("name", "member")
        found = [f"{path}/{tag(child)}" for child in element if tag(child) != name]
        return found + [
            one for child in element for one in of_xml(child, shape.member, f"{path}[]")
        ]
    if shape.type_name == "map":
        return []
    return [f"{path} has members"] if len(element) else of_scalar(element.text or "", shape, path)


def of_scalar(text, shape, path):
    good = {
        "boolean": lambda: text in ("true", "false"),
        "integer": lambda: int(text) is not None,
        "long": lambda: int(text) is not None,
        "timestamp": lambda: text.endswith("Z") and "T" in text,
    }.get(shape.type_name, lambda: True)
    try:
        fine = good()
    except ValueError:
        fine = False
    return [] if fine else [f"{path} is {text!r}, not {shape.type_name}"]


def of_json(value, shape, path):
    kind = shape.type_name
    if value is None:
        return [f"{path} is null"]
    if kind == "structure":
        known = members(shape)
        found = [f"{path}/{name}" for name in value if name not in known]
        for name in value:
            if name in known:
                found += of_json(value[name], known[name], f"{path}/{name}")
        return found
    if kind == "list":
        return [one for item in value for one in of_json(item, shape.member, f"{path}[]")]
    if kind == "map":
        return [
            one for key in value for one in of_json(value[key], shape.value, f"{path}/{key}")
        ]
    python = {
        "string": str,
        "boolean": bool,
        "integer": int,
        "long": int,
        "double": (int, float),
        "float": (int, float),
        "timestamp": (int, float, datetime.datetime),
    }.get(kind, object)
    return [] if isinstance(value, python) else [f"{path} is {value!r}, not {kind}"]
