//! The life of volumes as rules: what is refused in which state, and that no order of requests breaks them.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::attachments::{Detachment, letters};
use super::modifications::Wish;
use super::{Link, NewVolume, Shape, VolumeState};
use crate::practice::error::AwsError;
use crate::practice::world::instances::{
    Launch, MetadataOptions, Power, RootVolume, ShutdownBehavior,
};
use crate::practice::world::place::Place;
use crate::practice::world::power::Why;
use crate::practice::world::{Tags, World};

/// A world with instances that run, all in one zone.
fn world(instances: usize) -> (World, Vec<String>) {
    let place = Place {
        account_id: "123456789012".into(),
        region: "us-east-1".into(),
    };
    let mut world = World::new(place, "2026-01-05T12:00:00Z".parse().unwrap(), Some(7));
    let vpc = world
        .create_vpc("10.0.0.0/16".parse().unwrap(), Tags::new())
        .unwrap();
    let zone = Some("us-east-1a".to_owned());
    let subnet = world
        .create_subnet(&vpc, "10.0.1.0/24".parse().unwrap(), zone, Tags::new())
        .unwrap();
    let ids = (0..instances).map(|_| {
        let id = world
            .launch(Launch {
                profile: None,
                image: "ami-6057e21a".into(),
                kind: "t3.micro".into(),
                key_name: None,
                subnet: subnet.clone(),
                private_address: None,
                public: Some(false),
                groups: Vec::new(),
                user_data: Vec::new(),
                metadata: MetadataOptions {
                    tokens: "required".into(),
                    hop_limit: 2,
                    endpoint: "enabled".into(),
                    tags: "disabled".into(),
                },
                credits: None,
                on_shutdown: ShutdownBehavior::Stop,
                root: RootVolume::default(),
                tag_volume: false,
                tags: Tags::new(),
            })
            .unwrap();
        world.power_done(&id, Power::On);
        id
    });
    let ids = ids.collect();
    (world, ids)
}

fn gp3(zone: &str, size: u32) -> NewVolume {
    NewVolume {
        zone: zone.into(),
        size: Some(size),
        kind: Some("gp3".into()),
        ..NewVolume::default()
    }
}

/// Lets time pass as the driver does; hosts let go of what is not in use.
fn pass(world: &mut World, seconds: i64, in_use: &[String]) {
    world.now += SignedDuration::from_secs(seconds);
    for (volume, _, force) in world.volumes_to_release() {
        world.volume_released(&volume, force || !in_use.contains(&volume));
    }
    for (volume, _) in world.volumes_to_fill() {
        world.volume_filled(&volume);
    }
    for (snapshot, _) in world.snapshots_to_take() {
        world.snapshot_taken(&snapshot, 1 << 20);
    }
    world.advance_volumes();
}

fn made(world: &mut World, size: u32) -> String {
    let id = world.create_volume(gp3("us-east-1a", size)).unwrap();
    pass(world, 5, &[]);
    id
}

fn code<T: std::fmt::Debug>(result: Result<T, AwsError>) -> String {
    result.unwrap_err().code.into_owned()
}

#[test]
fn a_volume_is_created_attached_detached_and_deleted_each_in_its_time() {
    let (mut world, instances) = world(1);
    let id = world.create_volume(gp3("us-east-1a", 5)).unwrap();
    assert_eq!(world.volume(&id).unwrap().status(), "creating");
    let early = world
        .attach_volume(&id, &instances[0], "/dev/sdf")
        .unwrap_err();
    assert_eq!(
        early.to_string(),
        format!("IncorrectState: {id} is not 'available'.")
    );
    pass(&mut world, 5, &[]);
    assert_eq!(world.volume(&id).unwrap().status(), "available");
    world.attach_volume(&id, &instances[0], "/dev/sdf").unwrap();
    let link = |world: &World| {
        let attachment = world.volume(&id).unwrap().attachment.as_ref();
        attachment.map(|one| one.state.name())
    };
    assert_eq!(link(&world), Some("attaching"));
    pass(&mut world, 4, &[]);
    assert_eq!(link(&world), Some("attached"));
    assert_eq!(code(world.delete_volume(&id)), "VolumeInUse");
    assert_eq!(
        code(world.attach_volume(&id, &instances[0], "/dev/sdg")),
        "VolumeInUse"
    );
    world.detach_volume(&id, &Detachment::default()).unwrap();
    assert_eq!(link(&world), Some("detaching"));
    // It is mounted.
    pass(&mut world, 4, std::slice::from_ref(&id));
    assert_eq!(link(&world), Some("busy"));
    pass(&mut world, 3600, std::slice::from_ref(&id));
    assert_eq!(link(&world), Some("busy"));
    assert!(
        !world.releases_late(),
        "nothing is due until it is unmounted"
    );
    pass(&mut world, 1, &[]);
    assert_eq!(link(&world), None);
    let again = world
        .detach_volume(&id, &Detachment::default())
        .unwrap_err();
    assert_eq!(
        again.message,
        format!("Volume '{id}' is in the 'available' state.")
    );
    world.delete_volume(&id).unwrap();
    assert_eq!(world.volume(&id).unwrap().status(), "deleting");
    pass(&mut world, 5, &[]);
    assert_eq!(code(world.volume(&id).map(drop)), "InvalidVolume.NotFound");
    assert_eq!(world.take_discarded(), [id]);
}

#[test]
fn force_takes_a_volume_that_is_in_use() {
    let (mut world, instances) = world(1);
    let id = made(&mut world, 5);
    world.attach_volume(&id, &instances[0], "/dev/sdf").unwrap();
    pass(&mut world, 4, &[]);
    world.detach_volume(&id, &Detachment::default()).unwrap();
    pass(&mut world, 4, std::slice::from_ref(&id));
    let force = Detachment {
        force: true,
        ..Detachment::default()
    };
    world.detach_volume(&id, &force).unwrap();
    pass(&mut world, 0, std::slice::from_ref(&id));
    assert_eq!(world.volume(&id).unwrap().status(), "available");
}

#[test]
fn zones_device_names_and_states_of_instances_are_checked() {
    let (mut world, instances) = world(2);
    let (one, other) = (made(&mut world, 1), made(&mut world, 1));
    let elsewhere = world.create_volume(gp3("us-east-1b", 1)).unwrap();
    pass(&mut world, 5, &[]);
    let here = &instances[0];
    assert_eq!(
        code(world.attach_volume(&elsewhere, here, "/dev/sdf")),
        "InvalidVolume.ZoneMismatch"
    );
    assert_eq!(
        code(world.attach_volume(&one, here, "/dev/f")),
        "InvalidParameterValue"
    );
    world.attach_volume(&one, here, "/dev/sdf").unwrap();
    let taken = world.attach_volume(&other, here, "/dev/xvdf").unwrap_err();
    assert!(
        taken
            .message
            .ends_with("Attachment point /dev/xvdf is already in use"),
        "{taken}"
    );
    assert_eq!(
        code(world.attach_volume(&other, here, "/dev/xvda")),
        "InvalidParameterValue"
    );
    world
        .terminate_instance(&instances[1], Why::Request)
        .unwrap();
    assert_eq!(
        code(world.attach_volume(&other, &instances[1], "/dev/sdf")),
        "IncorrectState"
    );
    let root = world.instance(here).unwrap().root_volume.clone();
    assert_eq!(
        code(world.detach_volume(&root, &Detachment::default())),
        "OperationNotPermitted"
    );
    let wrong = Detachment {
        instance: Some(instances[1].clone()),
        ..Detachment::default()
    };
    assert_eq!(
        code(world.detach_volume(&one, &wrong)),
        "InvalidAttachment.NotFound"
    );
    assert_eq!(
        code(world.volume("vol-x").map(drop)),
        "InvalidParameterValue"
    );
}

#[test]
fn what_is_attached_outlives_its_instance_unless_it_is_the_root() {
    let (mut world, instances) = world(1);
    let id = made(&mut world, 5);
    world.attach_volume(&id, &instances[0], "/dev/sdf").unwrap();
    pass(&mut world, 4, &[]);
    let root = world.instance(&instances[0]).unwrap().root_volume.clone();
    world
        .terminate_instance(&instances[0], Why::Request)
        .unwrap();
    world.power_done(&instances[0], Power::End);
    assert_eq!(world.volume(&id).unwrap().status(), "available");
    assert!(!world.volumes.contains(&root));
}

#[test]
fn shapes_are_those_that_ebs_has() {
    let shape = |kind: &str, size, iops, throughput| Shape::new(kind, size, iops, throughput);
    let gp3 = shape("gp3", 5, None, None).unwrap();
    assert_eq!((gp3.iops, gp3.throughput), (3000, Some(125)));
    assert_eq!(shape("gp2", 5, None, None).unwrap().iops, 100);
    assert_eq!(shape("gp2", 200, None, None).unwrap().iops, 600);
    assert!(shape("gp3", 65_536, Some(80_000), Some(2000)).is_ok());
    for (kind, size, iops, throughput, expected) in [
        ("gp3", 0, None, None, "InvalidParameterValue"),
        ("gp3", 65_537, None, None, "InvalidParameterValue"),
        ("gp2", 16_385, None, None, "InvalidParameterValue"),
        ("gp3", 5, Some(2999), None, "InvalidParameterValue"),
        ("gp3", 5, Some(4000), None, "InvalidParameterCombination"),
        (
            "gp3",
            100,
            Some(3000),
            Some(1000),
            "InvalidParameterCombination",
        ),
        ("gp2", 5, Some(3000), None, "InvalidParameterCombination"),
        ("io9", 5, None, None, "UnknownVolumeType"),
        ("io2", 5, Some(100), None, "UnsupportedOperation"),
    ] {
        assert_eq!(
            code(shape(kind, size, iops, throughput)),
            expected,
            "{kind} {size}"
        );
    }
}

#[test]
fn a_volume_grows_within_seconds_and_four_times_a_day() {
    let (mut world, _) = world(0);
    let id = made(&mut world, 5);
    let grow = |world: &mut World, size| {
        let wish = Wish {
            size: Some(size),
            ..Wish::default()
        };
        world.modify_volume(&id, &wish)
    };
    assert_eq!(code(grow(&mut world, 4)), "InvalidParameterValue");
    assert_eq!(
        code(world.modify_volume(&id, &Wish::default())),
        "MissingParameter"
    );
    for size in 6..10 {
        grow(&mut world, size).unwrap();
        assert_eq!(world.volume(&id).unwrap().size, size - 1);
        pass(&mut world, 8, &[]);
        assert_eq!(world.volume(&id).unwrap().size, size);
        let last = world
            .volume(&id)
            .unwrap()
            .modifications
            .last()
            .unwrap()
            .clone();
        assert_eq!(last.state(), "optimizing");
        assert_eq!(code(grow(&mut world, 20)), "IncorrectModificationState");
        pass(&mut world, 3600, &[]);
        let last = world
            .volume(&id)
            .unwrap()
            .modifications
            .last()
            .unwrap()
            .clone();
        assert_eq!((last.state(), last.progress(world.now)), ("completed", 100));
    }
    assert_eq!(code(grow(&mut world, 20)), "VolumeModificationRateExceeded");
    pass(&mut world, 24 * 3600, &[]);
    grow(&mut world, 20).unwrap();
}

#[test]
fn a_snapshot_is_pending_at_first_and_makes_volumes_that_are_not_smaller() {
    let (mut world, _) = world(0);
    let id = made(&mut world, 5);
    let snapshot = world.create_snapshot(&id, "nightly", Tags::new()).unwrap();
    assert_eq!(
        code(world.create_snapshot(&id, "", Tags::new())),
        "SnapshotCreationPerVolumeRateExceeded"
    );
    pass(&mut world, 15, &[]);
    let found = world.snapshot(&snapshot).unwrap();
    assert_eq!(
        (found.status(world.now), found.progress(world.now)),
        ("pending", 50)
    );
    let from = |size| NewVolume {
        zone: "us-east-1b".into(),
        size,
        snapshot: Some(snapshot.clone()),
        ..NewVolume::default()
    };
    assert_eq!(code(world.create_volume(from(None))), "IncorrectState");
    pass(&mut world, 60, &[]);
    assert_eq!(
        world.snapshot(&snapshot).unwrap().status(world.now),
        "completed"
    );
    assert_eq!(
        code(world.create_volume(from(Some(4)))),
        "InvalidParameterValue"
    );
    let restored = world.create_volume(from(None)).unwrap();
    // The snapshot may go at once; its content is kept until the volume has it.
    world.delete_snapshot(&snapshot).unwrap();
    assert!(world.take_discarded().is_empty());
    world.now += SignedDuration::from_secs(100);
    world.advance_volumes();
    assert_eq!(world.volume(&restored).unwrap().status(), "creating");
    pass(&mut world, 0, &[]);
    let restored = world.volume(&restored).unwrap();
    assert_eq!((restored.status(), restored.size), ("available", 5));
    assert_eq!(world.take_discarded(), [snapshot]);
}

#[test]
fn a_token_makes_one_volume_only() {
    let (mut world, _) = world(0);
    let wanted = NewVolume {
        token: Some("t".into()),
        ..gp3("us-east-1a", 1)
    };
    let one = world.create_volume(wanted.clone()).unwrap();
    assert_eq!(world.create_volume(wanted).unwrap(), one);
}

#[test]
fn tags_are_added_replaced_and_removed_but_not_those_of_aws() {
    let (mut world, _) = world(0);
    let id = made(&mut world, 1);
    let tags = |pairs: &[(&str, &str)]| -> Tags {
        pairs
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect()
    };
    world
        .add_tags(&id, &tags(&[("a", "1"), ("b", "2")]))
        .unwrap();
    world.add_tags(&id, &tags(&[("a", "3")])).unwrap();
    world
        .remove_tags(&id, &[("b".into(), Some("x".into()))])
        .unwrap();
    assert_eq!(
        world.volume(&id).unwrap().tags,
        tags(&[("a", "3"), ("b", "2")])
    );
    world.remove_tags(&id, &[("b".into(), None)]).unwrap();
    assert_eq!(
        code(world.add_tags(&id, &tags(&[("aws:x", "1")]))),
        "InvalidParameterValue"
    );
    let many: Tags = (0..50).map(|n| (n.to_string(), String::new())).collect();
    assert_eq!(code(world.add_tags(&id, &many)), "TagLimitExceeded");
    assert_eq!(
        code(world.add_tags("vol-00000000", &Tags::new())),
        "InvalidVolume.NotFound"
    );
    assert_eq!(world.volume(&id).unwrap().tags, tags(&[("a", "3")]));
}

#[test]
fn device_names_mean_the_same_in_both_spellings() {
    for (name, expected) in [
        ("/dev/sdf", Some("f")),
        ("/dev/xvdf", Some("f")),
        ("xvdba", Some("ba")),
        ("/dev/sda1", Some("a")),
        ("/dev/sdf1", None),
        ("/dev/nvme1n1", None),
        ("/dev/sd", None),
    ] {
        assert_eq!(letters(name), expected, "{name}");
    }
}

#[derive(Debug, Clone)]
enum Step {
    Attach(usize, usize, char),
    Detach(usize, bool),
    Use(usize, bool),
    Pass(i64),
    Delete(usize),
    Terminate(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_usize, 0..2_usize, prop::char::range('f', 'h')).prop_map(|(v, i, d)| Step::Attach(v, i, d)),
        3 => (0..4_usize, any::<bool>()).prop_map(|(v, f)| Step::Detach(v, f)),
        2 => (0..4_usize, any::<bool>()).prop_map(|(v, u)| Step::Use(v, u)),
        4 => (0..12_i64).prop_map(Step::Pass),
        1 => (0..4_usize).prop_map(Step::Delete),
        1 => (0..2_usize).prop_map(Step::Terminate),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_order_of_requests_leaves_a_volume_in_two_places_or_a_name_taken_twice(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let (mut world, instances) = world(2);
        let volumes: Vec<String> = (0..4).map(|_| made(&mut world, 1)).collect();
        let mut in_use: Vec<String> = Vec::new();
        for step in steps {
            let before = world.volumes.values().map(|one| (one.id.clone(), one.status())).collect::<Vec<_>>();
            // What is refused changes nothing; every refusal has a code of AWS.
            let refused = match &step {
                Step::Attach(volume, instance, letter) => world
                    .attach_volume(&volumes[*volume], &instances[*instance], &format!("/dev/sd{letter}"))
                    .err(),
                Step::Detach(volume, force) => {
                    let wanted = Detachment { force: *force, ..Detachment::default() };
                    world.detach_volume(&volumes[*volume], &wanted).err()
                }
                Step::Delete(volume) => world.delete_volume(&volumes[*volume]).err(),
                Step::Terminate(instance) => {
                    let _ = world.terminate_instance(&instances[*instance], Why::Request);
                    world.power_done(&instances[*instance], Power::End);
                    None
                }
                Step::Use(volume, uses) => {
                    let id = &volumes[*volume];
                    in_use.retain(|one| one != id);
                    let attached = world.volumes.get(id).and_then(|one| one.attachment.as_ref());
                    if *uses && attached.is_some_and(|one| one.state.is_there()) {
                        in_use.push(id.clone());
                    }
                    None
                }
                Step::Pass(seconds) => {
                    pass(&mut world, *seconds, &in_use);
                    None
                }
            };
            if let Some(refused) = refused {
                prop_assert_eq!(refused.status, 400);
                let after: Vec<_> = world.volumes.values().map(|one| (one.id.clone(), one.status())).collect();
                prop_assert_eq!(before, after);
            }
            in_use.retain(|id| world.volumes.get(id).is_some_and(|one| one.attachment.is_some()));
            for instance in &instances {
                let mut names: Vec<_> = world.volumes_of(instance).map(|(_, one)| letters(&one.device).unwrap().to_owned()).collect();
                let count = names.len();
                names.sort();
                names.dedup();
                prop_assert_eq!(names.len(), count);
            }
            for volume in world.volumes.values() {
                if let Some(attachment) = &volume.attachment {
                    prop_assert_eq!(volume.state, VolumeState::Available);
                    let holder = world.instance(&attachment.instance).unwrap();
                    prop_assert!(holder.ended.is_none());
                    prop_assert_eq!(&holder.zone, &volume.zone);
                    if let Link::Busy { force } = attachment.state {
                        // Only what is in use keeps it, and force does not wait.
                        prop_assert!(!force || world.volumes_to_release().iter().any(|(id, ..)| *id == volume.id));
                    }
                }
            }
        }
        // Left alone and not used, every detachment comes to its end.
        pass(&mut world, 60, &[]);
        pass(&mut world, 60, &[]);
        for volume in world.volumes.values() {
            let link = volume.attachment.as_ref().map(|one| one.state);
            prop_assert!(matches!(link, None | Some(Link::Attached)), "{:?}", link);
        }
        prop_assert!(world.volumes_due().is_none_or(|due| due > Timestamp::UNIX_EPOCH));
    }
}
