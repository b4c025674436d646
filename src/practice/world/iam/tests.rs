//! Roles, policies and instance profiles by their rules.

use super::NewRole;
use crate::practice::world::place::Place;
use crate::practice::world::{Tags, World};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

fn world() -> World {
    let place = Place {
        account_id: "123456789012".into(),
        region: "us-east-1".into(),
    };
    World::new(place, jiff::Timestamp::UNIX_EPOCH, Some(1))
}

fn role(world: &mut World, name: &str) {
    let new = NewRole {
        name: name.into(),
        trust: TRUST.into(),
        ..NewRole::default()
    };
    world.create_role(new).unwrap();
}

#[test]
fn a_role_goes_only_after_everything_that_hangs_on_it() {
    let mut world = world();
    role(&mut world, "r");
    assert!(world.role("r").unwrap().trusts_ec2(&world));
    let managed = "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess";
    world.put_role_policy("r", "p", ALL.into()).unwrap();
    world.attach_role_policy("r", managed).unwrap();
    world
        .create_instance_profile("ip", None, Tags::new())
        .unwrap();
    world.add_role_to_profile("ip", "r").unwrap();
    let second = world.add_role_to_profile("ip", "r").unwrap_err();
    assert_eq!(second.code, "LimitExceeded");
    let refused = |world: &mut World| {
        let error = world.delete_role("r").unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("DeleteConflict", 409));
        error.message
    };
    assert!(refused(&mut world).contains("remove roles from instance profile"));
    let profile = world.delete_instance_profile("ip").unwrap_err();
    assert_eq!(profile.code, "DeleteConflict");
    world.remove_role_from_profile("ip", "r").unwrap();
    assert!(refused(&mut world).contains("detach all policies"));
    world.detach_role_policy("r", managed).unwrap();
    assert!(refused(&mut world).contains("delete policies"));
    world.delete_role_policy("r", "p").unwrap();
    world.delete_role("r").unwrap();
    world.delete_instance_profile("ip").unwrap();
    assert_eq!(world.role("r").unwrap_err().code, "NoSuchEntity");
}

#[test]
fn names_documents_and_policies_that_make_no_sense_are_refused() {
    let mut world = world();
    role(&mut world, "r");
    let again = NewRole {
        name: "r".into(),
        trust: TRUST.into(),
        ..NewRole::default()
    };
    let code = |error: crate::practice::error::AwsError| error.code.into_owned();
    assert_eq!(
        code(world.create_role(again.clone()).unwrap_err()),
        "EntityAlreadyExists"
    );
    let spaced = NewRole {
        name: "a b".into(),
        ..again.clone()
    };
    assert_eq!(
        code(world.create_role(spaced).unwrap_err()),
        "ValidationError"
    );
    let untrusted = NewRole {
        name: "s".into(),
        trust: ALL.into(),
        ..again
    };
    assert_eq!(
        code(world.create_role(untrusted).unwrap_err()),
        "MalformedPolicyDocument"
    );
    let policy = world.put_role_policy("r", "p", "{}".into()).unwrap_err();
    assert_eq!(code(policy), "MalformedPolicyDocument");
    let managed = world.attach_role_policy("r", "arn:aws:iam::aws:policy/Nothing");
    assert_eq!(
        managed.unwrap_err().message,
        "Policy arn:aws:iam::aws:policy/Nothing does not exist or is not attachable."
    );
}

#[test]
fn a_policy_goes_only_when_no_role_has_it() {
    let mut world = world();
    let arn = world
        .create_policy("p", None, String::new(), ALL.into(), Tags::new())
        .unwrap();
    let bounded = NewRole {
        name: "r".into(),
        trust: TRUST.into(),
        boundary: Some(arn.clone()),
        ..NewRole::default()
    };
    world.create_role(bounded).unwrap();
    assert_eq!(world.policy_uses(&arn), (0, 1));
    assert_eq!(
        world.delete_policy(&arn).unwrap_err().code,
        "DeleteConflict"
    );
    world.delete_role("r").unwrap();
    world.delete_policy(&arn).unwrap();
}
