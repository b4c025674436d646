//! The project's own stack: its later stages are updates that leave instances and filesystem as they are.

use serde_json::{Map, Value, json};

use super::*;
use crate::practice::cfn::document;
use crate::practice::cfn::update::Asked;
use crate::practice::world::stacks::change_sets::{Action, Replacement};

const FRAGMENTS: [&str; 4] = [
    include_str!("../../../../assets/stack/network.yaml"),
    include_str!("../../../../assets/stack/filesystem.yaml"),
    include_str!("../../../../assets/stack/mount-targets.yaml"),
    include_str!("../../../../assets/stack/instances.yaml"),
];

const ALARMS: &str = include_str!("../../../../assets/stack/alarms.yaml");

fn script(path: &str) -> &'static str {
    match path {
        "scripts/prepare.sh" => include_str!("../../../../assets/scripts/prepare.sh"),
        "scripts/share-a.sh" => include_str!("../../../../assets/scripts/share-a.sh"),
        "scripts/share-b.sh" => include_str!("../../../../assets/scripts/share-b.sh"),
        other => panic!("{other}"),
    }
}

fn include(value: &mut Value) {
    if let Some(path) = value.get("Fn::Include").and_then(Value::as_str) {
        *value = script(path).into();
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(include),
        Value::Object(members) => members.values_mut().for_each(include),
        _ => {}
    }
}

/// The fragments as one template, by section.
fn share() -> Map<String, Value> {
    merged(&FRAGMENTS)
}

fn merged(fragments: &[&str]) -> Map<String, Value> {
    let mut all = Map::new();
    for fragment in fragments {
        let Value::Object(sections) = document::parse(fragment).unwrap() else {
            panic!("a fragment is a mapping");
        };
        for (name, mut section) in sections {
            include(&mut section);
            match (all.get_mut(&name), section) {
                (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
                (_, section) => {
                    all.insert(name, section);
                }
            }
        }
    }
    all
}

fn text(template: &Map<String, Value>) -> String {
    serde_json::to_string(template).unwrap()
}

const PARAMETERS: [(&str, &str); 6] = [
    ("Lab", "lab-7f3k"),
    ("ZoneA", "us-east-1a"),
    ("ZoneB", "us-east-1b"),
    ("ImageId", "ami-0ef51ab2023000001"),
    ("SshCidr", "198.51.100.7/32"),
    (
        "PublicKey",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65tjkxFNOtwGcWB2gCgPhk test",
    ),
];

/// As the stack's own.
fn previous() -> Asked {
    let names = PARAMETERS.iter().map(|(name, _)| *name);
    let names = names.chain(["InstanceType"]);
    Asked {
        parameters: names.map(|name| (name.to_owned(), None)).collect(),
        ..Asked::default()
    }
}

/// The stack of the first stage, with all signals sent.
fn shared(bench: &mut Bench) -> String {
    let stack = bench.create(&text(&share()), &PARAMETERS);
    for side in ["A", "B"] {
        bench.pass(SignedDuration::from_mins(5));
        let logical_id = format!("EC2Instance{side}");
        let id = bench.physical(&stack, &logical_id);
        signals::signal(&mut bench.world, &stack, &logical_id, &id, true, "").unwrap();
        bench.put(&format!(
            r#"{{"Status":"SUCCESS","UniqueId":"{side}","Data":"key"}}"#
        ));
    }
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::CreateComplete);
    stack
}

#[test]
fn a_later_stage_of_the_stack_touches_neither_instances_nor_filesystem() {
    let mut bench = Bench::new();
    let stack = shared(&mut bench);
    let instances: Vec<String> = bench
        .world
        .instances
        .values()
        .map(|one| serde_json::to_string(one).unwrap())
        .collect();
    let files: Vec<String> = bench
        .world
        .file_systems
        .values()
        .map(|one| serde_json::to_string(one).unwrap())
        .collect();
    assert_eq!((instances.len(), files.len()), (2, 1));
    let mut more = share();
    more["Resources"]["BackupSecurityGroup"] = json!({
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {
            "GroupDescription": "added later",
            "VpcId": {"Ref": "VPC"},
            "SecurityGroupIngress": [{
                "IpProtocol": "tcp", "FromPort": 873, "ToPort": 873,
                "SourceSecurityGroupId": {"Ref": "ClientSecurityGroup"},
            }],
        },
    });
    bench.update_with(&text(&more), previous(), false).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateComplete);
    let touched: Vec<String> = bench.story(&stack);
    assert!(
        touched
            .iter()
            .all(|one| one.starts_with("s ") || one.starts_with("BackupSecurityGroup ")),
        "{touched:?}"
    );
    let now: Vec<String> = bench
        .world
        .instances
        .values()
        .map(|one| serde_json::to_string(one).unwrap())
        .collect();
    assert_eq!(now, instances);
    let now: Vec<String> = bench
        .world
        .file_systems
        .values()
        .map(|one| serde_json::to_string(one).unwrap())
        .collect();
    assert_eq!(now, files);

    // And back to the first stage.
    bench
        .update_with(&text(&share()), previous(), false)
        .unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateComplete);
    let now: Vec<String> = bench
        .world
        .instances
        .values()
        .map(|one| serde_json::to_string(one).unwrap())
        .collect();
    assert_eq!(now, instances);
    start::delete(&mut bench.world, "s", None).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::DeleteComplete);
}

#[test]
fn the_alarms_come_and_change_while_everything_else_stays() {
    let mut bench = Bench::new();
    let stack = shared(&mut bench);
    let world = |bench: &Bench| -> Vec<String> {
        let rows = super::properties::described(bench).into_iter();
        rows.filter(|row| {
            !["alarm", "topic", "sub"]
                .iter()
                .any(|kind| row.starts_with(kind))
        })
        .collect()
    };
    let before = world(&bench);
    let alarms = text(&merged(&[&FRAGMENTS[..], &[ALARMS]].concat()));
    bench.update_with(&alarms, previous(), false).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateComplete);
    assert_eq!(world(&bench), before);
    assert_eq!(
        (
            bench.world.alarms.ids().len(),
            bench.world.topics.ids().len()
        ),
        (2, 0)
    );
    let names = bench.world.alarms.ids();

    // Somebody is mailed from now on: the alarms are the same ones.
    let mut asked = previous();
    asked
        .parameters
        .insert("AlarmEmail".into(), Some("a@example.com".into()));
    bench.update_with(&alarms, asked, false).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateComplete);
    assert_eq!(bench.world.alarms.ids(), names);
    let topic = bench.world.topics.ids().remove(0);
    for alarm in bench.world.alarms.values() {
        assert_eq!(alarm.definition.alarm_actions, std::slice::from_ref(&topic));
        assert_eq!(alarm.tags["efslab:lab"], "lab-7f3k");
    }
    assert_eq!(world(&bench), before);
    bench
        .update_with(&text(&share()), previous(), false)
        .unwrap();
    bench.pass(HOUR);
    assert!(bench.world.alarms.ids().is_empty() && bench.world.topics.ids().is_empty());
    assert_eq!(world(&bench), before);
}

#[test]
fn a_change_set_says_when_an_instance_would_be_replaced() {
    let mut bench = Bench::new();
    let stack = shared(&mut bench);
    let mut asked = previous();
    let image = Some("ami-0ef51ab2023000002".to_owned());
    asked.parameters.insert("ImageId".into(), image);
    asked.template = Some(text(&share()));
    let found = bench.world.stack(&stack).unwrap().clone();
    let (version, checked) =
        crate::practice::cfn::update::resolve(&bench.world, &found, asked).unwrap();
    let plan = crate::practice::cfn::plan::plan(&bench.world, &found, &version, &checked).unwrap();
    let replaced: Vec<(&str, Action)> = plan
        .changes
        .iter()
        .map(|one| (one.logical_id.as_str(), one.action))
        .collect();
    let wholly = Action::Modify(Replacement::True);
    assert_eq!(
        replaced,
        [("EC2InstanceA", wholly), ("EC2InstanceB", wholly)]
    );
}
