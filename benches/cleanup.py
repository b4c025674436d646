"""The script that one would write oneself: what carries the tag of a lab, listed and deleted one by one.

volumes LAB COUNT     makes so many volumes for the lab
snapshots LAB         takes a snapshot of each of them
delete LAB...         deletes it all
"""

import concurrent.futures
import sys

import boto3
from botocore.config import Config

# As it comes, but that it outlasts a throttled call.
ec2 = boto3.client("ec2", config=Config(retries={"mode": "standard", "max_attempts": 10}, max_pool_connections=16))


def tags(kind, lab):
    return [{"ResourceType": kind, "Tags": [{"Key": "efslab:lab", "Value": lab}]}]


def volumes(lab):
    ours = [{"Name": "tag:efslab:lab", "Values": [lab]}]
    pages = ec2.get_paginator("describe_volumes").paginate(Filters=ours)
    return [volume["VolumeId"] for page in pages for volume in page["Volumes"]]


def all_of(what, each):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(what, each))


def make_volumes(lab, count):
    def make(_):
        ec2.create_volume(AvailabilityZone="us-east-1a", Size=1, TagSpecifications=tags("volume", lab))

    all_of(make, range(count))
    ec2.get_waiter("volume_available").wait(VolumeIds=volumes(lab), WaiterConfig={"Delay": 1})


def make_snapshots(lab):
    def take(volume):
        ec2.create_snapshot(VolumeId=volume, TagSpecifications=tags("snapshot", lab))

    all_of(take, volumes(lab))


def delete(lab):
    ours = [{"Name": "tag:efslab:lab", "Values": [lab]}]
    for page in ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], Filters=ours):
        for snapshot in page["Snapshots"]:
            ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])
    for volume in volumes(lab):
        ec2.delete_volume(VolumeId=volume)


if sys.argv[1] == "volumes":
    make_volumes(sys.argv[2], int(sys.argv[3]))
elif sys.argv[1] == "snapshots":
    make_snapshots(sys.argv[2])
else:
    for one in sys.argv[2:]:
        delete(one)
