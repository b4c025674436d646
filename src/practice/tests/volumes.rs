//! Volumes and snapshots, by themselves and in stacks, as the real SDK sees them.

use std::time::Duration;

use ec2::error::{ProvideErrorMetadata, SdkError};
use ec2::types::{Filter, ResourceType, Tag, TagSpecification, VolumeType};

use super::*;

/// An instance, and what a template adds to it.
fn template(more: &str, instance: &str) -> String {
    format!(
        "Resources:
  VPC: {{Type: 'AWS::EC2::VPC', Properties: {{CidrBlock: 10.0.0.0/16}}}}
  Subnet: {{Type: 'AWS::EC2::Subnet', Properties: {{VpcId: !Ref VPC, CidrBlock: 10.0.1.0/24, AvailabilityZone: us-east-1a}}}}
  Instance:
    Type: AWS::EC2::Instance
    Properties: {{ImageId: ami-6057e21a, InstanceType: t3.micro, SubnetId: !Ref Subnet, {instance}}}
{more}"
    )
}

const VOLUME: &str = "  Volume:
    Type: AWS::EC2::Volume
    DeletionPolicy: Snapshot
    Properties:
      AvailabilityZone: us-east-1a
      Size: 5
      VolumeType: gp3
      Tags: [{Key: Name, Value: backup}]
";
const ATTACHMENT: &str = "  Attachment:
    Type: AWS::EC2::VolumeAttachment
    Properties: {Device: /dev/xvdf, InstanceId: !Ref Instance, VolumeId: !Ref Volume}
";

fn code<
    T: std::fmt::Debug,
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
>(
    result: Result<T, SdkError<E, R>>,
) -> String {
    let error = result.err().unwrap();
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    code.unwrap_or_else(|| {
        panic!(
            "{error}: {}",
            aws_sdk_ec2::error::DisplayErrorContext(&error)
        )
    })
    .to_owned()
}

impl Bench {
    async fn volume(&self, id: &str) -> ec2::types::Volume {
        let found = self.ec2().describe_volumes().volume_ids(id).send().await;
        found.unwrap().volumes()[0].clone()
    }

    /// Waits until a volume has this state, with this state of its attachment.
    async fn gets(&self, id: &str, status: &str, link: Option<&str>) {
        loop {
            let volume = self.volume(id).await;
            let attached = volume.attachments().first();
            let found = attached
                .and_then(|one| one.state())
                .map(|state| state.as_str().to_owned());
            if volume.state().unwrap().as_str() == status && found.as_deref() == link {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn tagged(kind: ResourceType, key: &str, value: &str) -> TagSpecification {
    let tag = Tag::builder().key(key).value(value).build();
    TagSpecification::builder()
        .resource_type(kind)
        .tags(tag)
        .build()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_lives_through_the_api_and_over_kills() {
    let bench = Bench::new().await;
    let stack = bench
        .create("s", &template("", "KeyName: !Ref 'AWS::NoValue'"), &[])
        .await;
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let instance = bench.physical(&stack, "Instance").await;
    let ec2 = bench.ec2();
    let create = || {
        ec2.create_volume()
            .availability_zone("us-east-1a")
            .size(5)
            .volume_type(VolumeType::Gp3)
            .client_token("once")
            .tag_specifications(tagged(ResourceType::Volume, "efslab:lab", "7f3k"))
    };
    let dry = create().dry_run(true).send().await;
    assert_eq!(code(dry), "DryRunOperation");
    let made = create().send().await.unwrap();
    assert_eq!(made.state().unwrap().as_str(), "creating");
    let id = made.volume_id().unwrap().to_owned();
    assert_eq!(
        create().send().await.unwrap().volume_id(),
        Some(id.as_str())
    );
    bench.gets(&id, "available", None).await;
    let attach = ec2.attach_volume().volume_id(&id).instance_id(&instance);
    let attached = attach.device("/dev/sdf").send().await.unwrap();
    assert_eq!(attached.state().unwrap().as_str(), "attaching");
    bench.gets(&id, "in-use", Some("attached")).await;
    let described = ec2
        .describe_instances()
        .instance_ids(&instance)
        .send()
        .await
        .unwrap();
    let mappings = described.reservations()[0].instances()[0].block_device_mappings();
    assert!(
        mappings
            .iter()
            .any(|one| one.device_name() == Some("/dev/sdf"))
    );
    let by = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let filtered = ec2
        .describe_volumes()
        .filters(by("attachment.status", "attached"))
        .filters(by("tag:efslab:lab", "7f3k"))
        .send()
        .await
        .unwrap();
    assert_eq!(filtered.volumes().len(), 1);

    let modify = ec2.modify_volume().volume_id(&id).size(8);
    let modified = modify.send().await.unwrap();
    assert_eq!(
        modified.volume_modification().unwrap().target_size(),
        Some(8)
    );
    loop {
        let all = ec2
            .describe_volumes_modifications()
            .volume_ids(&id)
            .send()
            .await
            .unwrap();
        let state = all.volumes_modifications()[0]
            .modification_state()
            .unwrap()
            .as_str()
            .to_owned();
        if state == "completed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(bench.volume(&id).await.size(), Some(8));

    let snapshot = ec2
        .create_snapshot()
        .volume_id(&id)
        .description("by hand")
        .tag_specifications(tagged(ResourceType::Snapshot, "efslab:lab", "7f3k"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (snapshot.state().unwrap().as_str(), snapshot.volume_size()),
        ("pending", Some(8))
    );
    let snapshot = snapshot.snapshot_id().unwrap().to_owned();
    let bench = bench.kill_and_restart().await;
    let ec2 = bench.ec2();
    bench.gets(&id, "in-use", Some("attached")).await;
    loop {
        let found = ec2
            .describe_snapshots()
            .owner_ids("self")
            .snapshot_ids(&snapshot)
            .send()
            .await
            .unwrap();
        let found = &found.snapshots()[0];
        if found.state().unwrap().as_str() == "completed" {
            assert_eq!(
                (found.progress(), found.full_snapshot_size_in_bytes()),
                (Some("100%"), Some(1 << 20))
            );
            assert_eq!(found.tags()[0].value(), Some("7f3k"));
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let restored = ec2
        .create_volume()
        .availability_zone("us-east-1b")
        .snapshot_id(&snapshot)
        .send()
        .await
        .unwrap();
    let restored = restored.volume_id().unwrap();
    bench.gets(restored, "available", None).await;
    let shown = bench.volume(restored).await;
    assert_eq!(
        (shown.snapshot_id(), shown.volume_type().unwrap().as_str()),
        (Some(snapshot.as_str()), "gp2")
    );

    ec2.create_tags()
        .resources(&id)
        .resources(&snapshot)
        .tags(Tag::builder().key("Name").value("kept").build())
        .send()
        .await
        .unwrap();
    ec2.delete_tags()
        .resources(&snapshot)
        .tags(Tag::builder().key("efslab:lab").build())
        .send()
        .await
        .unwrap();
    let tags = ec2
        .describe_tags()
        .filters(by("resource-id", &snapshot))
        .send()
        .await
        .unwrap();
    assert_eq!(tags.tags().len(), 1);

    ec2.detach_volume().volume_id(&id).send().await.unwrap();
    bench.gets(&id, "available", None).await;
    ec2.delete_snapshot()
        .snapshot_id(&snapshot)
        .send()
        .await
        .unwrap();
    for id in [&id, restored] {
        ec2.delete_volume().volume_id(id).send().await.unwrap();
    }
    while ec2.describe_volumes().send().await.unwrap().volumes().len() > 1 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(
        ec2.describe_snapshots()
            .owner_ids("self")
            .send()
            .await
            .unwrap()
            .snapshots()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_with_the_codes_of_ec2() {
    let bench = Bench::new().await;
    let ec2 = bench.ec2();
    let create = || ec2.create_volume().availability_zone("us-east-1a");
    assert_eq!(code(create().send().await), "MissingParameter");
    assert_eq!(code(create().size(0).send().await), "InvalidParameterValue");
    assert_eq!(
        code(create().size(5).iops(3000).send().await),
        "InvalidParameterCombination"
    );
    assert_eq!(
        code(create().snapshot_id("snap-00000000").send().await),
        "InvalidSnapshot.NotFound"
    );
    assert_eq!(
        code(create().size(1).volume_type(VolumeType::Io2).send().await),
        "UnsupportedOperation"
    );
    assert_eq!(
        code(create().size(1).kms_key_id("k").send().await),
        "UnknownParameter"
    );
    assert_eq!(
        code(
            create()
                .size(1)
                .tag_specifications(tagged(ResourceType::Snapshot, "a", "b"))
                .send()
                .await
        ),
        "InvalidParameterValue"
    );
    assert_eq!(
        code(
            create()
                .size(1)
                .tag_specifications(tagged(ResourceType::Volume, "aws:a", "b"))
                .send()
                .await
        ),
        "InvalidParameterValue"
    );
    assert_eq!(
        code(ec2.create_volume().size(1).send().await),
        "MissingParameter"
    );
    let elsewhere = ec2.create_volume().availability_zone("us-east-1z").size(1);
    assert_eq!(code(elsewhere.send().await), "InvalidZone.NotFound");
    let none = "vol-00000000000000000";
    assert_eq!(
        code(ec2.detach_volume().volume_id(none).send().await),
        "InvalidVolume.NotFound"
    );
    assert_eq!(
        code(ec2.create_snapshot().volume_id(none).send().await),
        "InvalidVolume.NotFound"
    );
    assert_eq!(
        code(ec2.modify_volume().volume_id(none).size(9).send().await),
        "InvalidVolume.NotFound"
    );
    let made = create().size(1).send().await.unwrap();
    let id = made.volume_id().unwrap();
    let attach = |instance: &str| {
        let device = ec2.attach_volume().device("/dev/sdf");
        device.volume_id(id).instance_id(instance).send()
    };
    assert_eq!(
        code(attach("i-00000000").await),
        "InvalidInstanceID.NotFound"
    );
    assert_eq!(code(attach("here").await), "InvalidInstanceID.Malformed");
    let modifications = ec2
        .describe_volumes_modifications()
        .volume_ids(id)
        .send()
        .await;
    assert_eq!(code(modifications), "InvalidVolumeModification.NotFound");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_with_a_mounted_volume_hangs_on_its_way_out_and_leaves_a_snapshot() {
    let bench = Bench::new().await;
    let body = template(
        &(VOLUME.to_owned() + ATTACHMENT + "Outputs: {Id: {Value: !GetAtt Volume.VolumeId}}\n"),
        "Tags: []",
    );
    let stack = bench.create("s", &body, &[]).await;
    assert_eq!(
        bench.settled(&stack).await,
        "CREATE_COMPLETE",
        "{:?}",
        bench.events(&stack).await
    );
    let volume = bench.physical(&stack, "Volume").await;
    bench.gets(&volume, "in-use", Some("attached")).await;
    let name = |tags: &[Tag]| {
        tags.iter()
            .find(|tag| tag.key() == Some("Name"))
            .unwrap()
            .value()
            .unwrap()
            .to_owned()
    };
    assert_eq!(name(bench.volume(&volume).await.tags()), "backup");
    let mounted = format!("mounted {volume}");
    bench.forgotten.lock().unwrap().push(mounted.clone());
    bench
        .cloudformation()
        .delete_stack()
        .stack_name("s")
        .send()
        .await
        .unwrap();
    bench.gets(&volume, "in-use", Some("busy")).await;
    // It hangs over a kill, too.
    let bench = bench.kill_and_restart().await;
    bench.gets(&volume, "in-use", Some("busy")).await;
    let events = bench.events(&stack).await;
    assert_eq!(
        events
            .last()
            .map(|(logical, status, _)| (logical.as_str(), status.as_str())),
        Some(("Attachment", "DELETE_IN_PROGRESS"))
    );
    bench
        .forgotten
        .lock()
        .unwrap()
        .retain(|one| *one != mounted);
    bench.running.account.look_again();
    assert_eq!(
        bench.settled(&stack).await,
        "DELETE_COMPLETE",
        "{:?}",
        bench.events(&stack).await
    );
    let ec2 = bench.ec2();
    assert!(
        ec2.describe_volumes()
            .send()
            .await
            .unwrap()
            .volumes()
            .is_empty()
    );
    let snapshots = ec2
        .describe_snapshots()
        .owner_ids("self")
        .send()
        .await
        .unwrap();
    let [kept] = snapshots.snapshots() else {
        panic!("{snapshots:?}");
    };
    assert_eq!(
        (kept.volume_id(), name(kept.tags()).as_str()),
        (Some(volume.as_str()), "backup")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_has_the_volumes_it_is_launched_with_before_it_says_that_it_is_there() {
    let bench = Bench::new().await;
    let instance = "Volumes: [{Device: /dev/xvdf, VolumeId: !Ref Volume}]";
    let stack = bench.create("s", &template(VOLUME, instance), &[]).await;
    assert_eq!(
        bench.settled(&stack).await,
        "CREATE_COMPLETE",
        "{:?}",
        bench.events(&stack).await
    );
    let volume = bench.physical(&stack, "Volume").await;
    bench.gets(&volume, "in-use", Some("attached")).await;
    bench
        .cloudformation()
        .delete_stack()
        .stack_name("s")
        .send()
        .await
        .unwrap();
    assert_eq!(bench.settled(&stack).await, "DELETE_COMPLETE");
    let refused = template(
        &VOLUME.replace("AWS::EC2::Volume", "AWS::EC2::InternetGateway"),
        "Tags: []",
    );
    let create = bench
        .cloudformation()
        .create_stack()
        .stack_name("t")
        .template_body(refused)
        .send()
        .await;
    let error = create.unwrap_err().into_service_error();
    assert!(
        error
            .message()
            .unwrap()
            .contains("does not support deletion policy Snapshot"),
        "{error:?}"
    );
    let mismatch = template(
        &(VOLUME.replace("us-east-1a", "us-east-1b") + ATTACHMENT),
        "Tags: []",
    );
    let stack = bench.create("u", &mismatch, &[]).await;
    assert_eq!(bench.settled(&stack).await, "ROLLBACK_COMPLETE");
    let events = bench.events(&stack).await;
    assert!(
        events
            .iter()
            .any(|(logical, status, reason)| logical == "Attachment"
                && status == "CREATE_FAILED"
                && reason.contains("Error Code: InvalidVolume.ZoneMismatch")),
        "{events:?}"
    );
}
