//! What must hold for the template as a whole.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// The last stage, which has everything.
fn whole() -> Value {
    serde_yaml::from_str(&render(Stage::Backup).unwrap()).unwrap()
}

fn share() -> Value {
    serde_yaml::from_str(&render(Stage::Share).unwrap()).unwrap()
}

fn keys(section: &str) -> BTreeSet<String> {
    share()[section]
        .as_mapping()
        .unwrap()
        .keys()
        .map(|key| key.as_str().unwrap().to_owned())
        .collect()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn parameters_and_outputs_are_those_the_lab_relies_on() {
    assert_eq!(
        keys("Parameters"),
        set([
            "Lab",
            "ImageId",
            "InstanceType",
            "ZoneA",
            "ZoneB",
            "SshCidr",
            "PublicKey"
        ])
    );
    assert_eq!(
        keys("Outputs"),
        set([
            "EC2InstanceAIPAddress",
            "EC2InstanceBIPAddress",
            "FileSystemId",
            "HostKeys"
        ])
    );
}

#[test]
fn the_image_is_not_read_again_by_an_update() {
    assert_eq!(
        share()["Parameters"]["ImageId"]["Type"],
        "AWS::EC2::Image::Id"
    );
}

#[test]
fn rendering_twice_gives_the_same_bytes_within_the_limit() {
    let text = render(Stage::Share).unwrap();
    assert_eq!(text, render(Stage::Share).unwrap());
    assert!(text.len() <= TEMPLATE_LIMIT);
    assert!(!text.contains("!Include"));
}

#[test]
fn what_is_rendered_reads_back_as_what_was_merged() {
    assert_eq!(share(), merged(Stage::Share).unwrap());
}

#[test]
fn later_stages_add_to_the_first_and_change_only_what_they_must() {
    let resources_of = |stage| {
        let template: Value = serde_yaml::from_str(&render(stage).unwrap()).unwrap();
        template["Resources"].as_mapping().unwrap().clone()
    };
    let share = resources_of(Stage::Share);
    let alarms = resources_of(Stage::Alarms);
    let backup = resources_of(Stage::Backup);
    for (id, resource) in &share {
        assert_eq!(alarms.get(id), Some(resource));
        if id != "EC2InstanceA" {
            assert_eq!(backup.get(id), Some(resource));
        }
    }
    let added = |more: &serde_yaml::Mapping, less: &serde_yaml::Mapping| -> BTreeSet<String> {
        let ids = more.keys().filter(|id| !less.contains_key(*id));
        ids.map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        added(&alarms, &share),
        set([
            "AlarmTopic",
            "AlarmSubscription",
            "CreditsAlarm",
            "IoLimitAlarm"
        ])
    );
    assert_eq!(
        added(&backup, &alarms),
        set([
            "BackupVolume",
            "BackupVolumeAttachment",
            "BackupRole",
            "BackupProfile"
        ])
    );
}

#[test]
fn no_stage_changes_what_a_machine_was_started_with() {
    let machine = |stage, id: &str| {
        let template: Value = serde_yaml::from_str(&render(stage).unwrap()).unwrap();
        template["Resources"][id]["Properties"].clone()
    };
    for id in ["EC2InstanceA", "EC2InstanceB"] {
        let first = machine(Stage::Share, id);
        for stage in [Stage::Alarms, Stage::Backup] {
            let mut later = machine(stage, id);
            assert_eq!(later["UserData"], first["UserData"]);
            later.as_mapping_mut().unwrap().remove("IamInstanceProfile");
            assert_eq!(later, first, "{id} at {stage}");
        }
    }
}

#[test]
fn a_stage_is_known_by_its_outputs() {
    for stage in [Stage::Share, Stage::Alarms, Stage::Backup] {
        let template: Value = serde_yaml::from_str(&render(stage).unwrap()).unwrap();
        let outputs = template["Outputs"].as_mapping().unwrap();
        let names = outputs.keys().filter_map(Value::as_str);
        assert_eq!(Stage::of_outputs(names), stage);
    }
}

#[test]
fn every_file_in_assets_is_embedded_under_its_own_name() {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let files = |folder: &str| -> BTreeSet<String> {
        std::fs::read_dir(assets.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let mut stack: BTreeSet<_> = fragments()
        .iter()
        .map(|(name, _)| format!("{name}.yaml"))
        .collect();
    stack.insert("purposes.yaml".to_owned());
    assert_eq!(files("stack"), stack);
    let embedded: BTreeSet<_> = (scripts().iter().chain(super::files()))
        .map(|(path, _)| path.strip_prefix("scripts/").unwrap().to_owned())
        .collect();
    assert_eq!(files("scripts"), embedded);
    for (name, text) in fragments() {
        assert_eq!(
            std::fs::read_to_string(assets.join(format!("stack/{name}.yaml"))).unwrap(),
            *text
        );
    }
}

#[test]
fn every_script_is_in_the_template_unchanged() {
    fn texts(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => {
                into.insert(text.clone());
            }
            Value::Sequence(list) => list.iter().for_each(|value| texts(value, into)),
            Value::Mapping(mapping) => mapping.values().for_each(|value| texts(value, into)),
            Value::Tagged(tagged) => texts(&tagged.value, into),
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    texts(&share(), &mut all);
    for (path, script) in scripts() {
        assert!(all.contains(*script), "{path}");
    }
}

#[test]
fn user_data_begins_as_a_script_must() {
    for id in ["EC2InstanceA", "EC2InstanceB"] {
        let data = &share()["Resources"][id]["Properties"]["UserData"]["Fn::Base64"]["Fn::Join"][1];
        let Value::Tagged(header) = &data[0] else {
            panic!("{id} has no header");
        };
        assert!(
            header
                .value
                .as_str()
                .unwrap()
                .starts_with("#!/bin/bash -ex\n")
        );
        for part in data.as_sequence().unwrap() {
            let text = match part {
                Value::Tagged(tagged) => tagged.value.as_str(),
                other => other.as_str(),
            };
            assert!(text.unwrap().ends_with('\n'), "parts must not run together");
        }
    }
}

#[test]
fn whatever_can_carry_a_tag_carries_the_lab() {
    // These types have no tags of their own.
    let bare = set([
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::EC2::Route",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EFS::MountTarget",
        "AWS::CloudFormation::WaitConditionHandle",
        "AWS::CloudFormation::WaitCondition",
        "AWS::SNS::Subscription",
        "AWS::EC2::VolumeAttachment",
        "AWS::IAM::InstanceProfile",
    ]);
    let lab: Value = serde_yaml::from_str("{Key: 'efslab:lab', Value: !Ref Lab}").unwrap();
    for (id, resource) in whole()["Resources"].as_mapping().unwrap() {
        let properties = &resource["Properties"];
        let kind = resource["Type"].as_str().unwrap();
        // What the console lists by name.
        let is_named = kind.starts_with("AWS::EC2::") || kind.starts_with("AWS::EFS::");
        let tags = properties
            .get("Tags")
            .or_else(|| properties.get("FileSystemTags"))
            .and_then(Value::as_sequence);
        match tags {
            Some(tags) => {
                assert!(tags.contains(&lab), "{id:?}");
                let has_name = tags.iter().any(|tag| tag["Key"] == "Name");
                assert!(has_name || !is_named, "{id:?}");
            }
            None => assert!(bare.contains(kind), "{id:?}"),
        }
    }
}

#[test]
fn every_resource_has_a_purpose_and_every_purpose_a_resource() {
    let text = include_str!("../../assets/stack/purposes.yaml");
    let all: std::collections::BTreeMap<String, String> = serde_yaml::from_str(text).unwrap();
    let resources = resources(Stage::Backup, &[("AlarmEmail", "me@example.org")]).unwrap();
    assert_eq!(
        all.keys().cloned().collect::<BTreeSet<_>>(),
        resources.into_iter().map(|it| it.logical_id).collect()
    );
    for (id, words) in &all {
        assert_eq!(purpose(id), Some(words.as_str()));
        assert!(words.len() <= 32, "{words} does not fit its column");
    }
    assert_eq!(purpose("EC2Instance"), None);
}

#[test]
fn instances_wait_for_what_they_need() {
    let all = resources(Stage::Share, &[]).unwrap();
    let needs = |id: &str| -> BTreeSet<String> {
        let info = all.iter().find(|info| info.logical_id == id).unwrap();
        info.depends_on.iter().cloned().collect()
    };
    for id in [
        "MountTargetA",
        "GatewayAttachment",
        "RouteToInternet",
        "FileSystem",
    ] {
        assert!(needs("EC2InstanceA").contains(id), "{id}");
    }
    for id in ["EC2InstanceA", "MountTargetB", "GatewayAttachment"] {
        assert!(needs("EC2InstanceB").contains(id), "{id}");
    }
    assert_eq!(
        needs("HostKeysPublished"),
        set(["HostKeyHandle", "MountTargetA", "MountTargetB"])
    );
    for (at, info) in all.iter().enumerate() {
        for need in &info.depends_on {
            assert!(all[..at].iter().any(|earlier| earlier.logical_id == *need));
        }
    }
}

#[test]
fn an_include_of_nothing_is_an_error() {
    insta::assert_snapshot!(
        parse("instances", "UserData: [!Include scripts/gone.sh]").unwrap_err(),
        @"the fragment instances includes scripts/gone.sh, which is no script of assets/scripts"
    );
}

#[test]
fn user_data_is_refused_before_ec2_would() {
    let script = "x".repeat(USER_DATA_LIMIT - 600);
    let template = |names: &str| -> Value {
        serde_yaml::from_str(&format!(
            "Resources: {{I: {{Properties: {{UserData: {{'Fn::Join': ['', [!Sub '{names}', '{script}']]}}}}}}}}"
        ))
        .unwrap()
    };
    assert!(check_user_data(&template("${A}")).is_ok());
    insta::assert_snapshot!(
        check_user_data(&template("${A}${B}")).unwrap_err(),
        @"the user data of I may reach 16816 bytes, EC2 takes 16384"
    );
}

#[test]
fn the_guard_says_off_as_a_word_and_names_everything_that_it_is_told() {
    let text = guard().unwrap();
    assert!(text.contains("Mode: \"OFF\""), "{text}");
    assert!(!text.contains("!Include"));
    let template: Value = serde_yaml::from_str(&text).unwrap();
    let machine = &template["Resources"]["Machine"]["Properties"];
    let definition = machine["DefinitionString"].as_str().unwrap();
    let given = machine["DefinitionSubstitutions"].as_mapping().unwrap();
    let used: BTreeSet<String> = definition
        .split("${")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()))
        .collect();
    let given: BTreeSet<String> = given
        .keys()
        .map(|key| key.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(used, given);
}

#[test]
fn nobody_waits_for_a_topic_when_nobody_is_mailed() {
    let made = |given: &Given| -> Vec<_> {
        let all = resources(Stage::Alarms, given).unwrap();
        let alarm = all.iter().find(|it| it.logical_id == "CreditsAlarm");
        let needs = alarm.unwrap().depends_on.clone();
        let kinds = all.into_iter().map(|it| it.kind);
        kinds
            .filter(|kind| kind.starts_with("AWS::SNS::"))
            .chain(needs)
            .collect()
    };
    assert_eq!(made(&[]), ["FileSystem"]);
    let mailed = made(&[("AlarmEmail", "me@example.org")]);
    let expected = [
        "AWS::SNS::Topic",
        "AWS::SNS::Subscription",
        "FileSystem",
        "AlarmTopic",
    ];
    assert_eq!(mailed, expected);
}
