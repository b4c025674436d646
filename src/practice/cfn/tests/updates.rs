//! Updates of stacks: what is changed, replaced, made and deleted, in which order, and how that is taken back.

use super::*;
use crate::practice::cfn::update::{self, Asked};
use crate::practice::error::AwsError;
use crate::practice::world::instances::State;
use crate::practice::world::stacks::Whereabouts;

impl Bench {
    pub(super) fn update(&mut self, template: &str) -> Result<String, AwsError> {
        self.update_with(template, Asked::default(), false)
    }

    pub(super) fn update_with(
        &mut self,
        template: &str,
        asked: Asked,
        keep_failures: bool,
    ) -> Result<String, AwsError> {
        let asked = Asked {
            template: Some(template.to_owned()),
            ..asked
        };
        update::update(&mut self.world, "s", asked, keep_failures, None)
    }

    /// Created, and a while later.
    pub(super) fn created(&mut self, template: &str) -> String {
        let stack = self.create(template, &[]);
        self.pass(HOUR);
        assert_eq!(self.status(&stack), StackStatus::CreateComplete);
        stack
    }

    /// Events since the last update began, oldest first: resource, state, reason.
    pub(super) fn story(&self, stack: &str) -> Vec<String> {
        let events = self.world.events_of(stack);
        let begin = events
            .iter()
            .rposition(|(_, one)| one.logical_id == "s" && one.status == "UPDATE_IN_PROGRESS");
        events[begin.unwrap()..]
            .iter()
            .map(|(_, one)| {
                let reason = one.reason.clone().unwrap_or_default();
                format!("{} {} {reason}", one.logical_id, one.status)
                    .trim()
                    .to_owned()
            })
            .collect()
    }

    pub(super) fn physical(&self, stack: &str, logical_id: &str) -> String {
        let resource = self.world.resources.get(&resource_key(stack, logical_id));
        resource.unwrap().physical_id.clone().unwrap()
    }
}

/// A network with a group; `group` are more properties of it.
fn network(group: &str, more: &str) -> String {
    format!(
        "
Resources:
  Vpc: {{Type: 'AWS::EC2::VPC', Properties: {{CidrBlock: 10.0.0.0/16}}}}
  Group: {{Type: 'AWS::EC2::SecurityGroup', Properties: {{VpcId: !Ref Vpc, {group}}}}}
{more}
Outputs:
  Group: {{Value: !Ref Group}}
"
    )
}

const IN_22: &str =
    "SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}]";
const IN_22_AND_80: &str = "SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8, Description: d}, {IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 10.0.0.0/8}]";

#[test]
fn what_can_be_changed_in_place_stays_the_same_resource() {
    let mut bench = Bench::new();
    let stack = bench.created(&network(&format!("GroupDescription: a, {IN_22}"), ""));
    let group = bench.physical(&stack, "Group");
    let tags = "Tags: [{Key: k, Value: v}]";
    let changed = network(&format!("GroupDescription: a, {IN_22_AND_80}, {tags}"), "");
    assert_eq!(bench.update(&changed).unwrap(), stack);
    bench.pass(HOUR);
    assert_eq!(
        bench.story(&stack),
        [
            "s UPDATE_IN_PROGRESS User Initiated",
            "Group UPDATE_IN_PROGRESS",
            "Group UPDATE_COMPLETE",
            "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "s UPDATE_COMPLETE",
        ]
    );
    assert_eq!(bench.physical(&stack, "Group"), group);
    let found = bench.world.group(&group).unwrap();
    assert_eq!(found.rules.len(), 3);
    assert_eq!(found.tags["k"], "v");
    // Once more, and nothing is to be done.
    let again = bench.update(&changed).unwrap_err();
    assert_eq!(again.message, "No updates are to be performed.");
    // Back again: the tag and the second rule go.
    bench
        .update(&network(&format!("GroupDescription: a, {IN_22}"), ""))
        .unwrap();
    bench.pass(HOUR);
    let found = bench.world.group(&group).unwrap();
    assert_eq!(found.rules.len(), 2);
    assert!(!found.tags.contains_key("k"));
    assert_eq!(found.tags["aws:cloudformation:logical-id"], "Group");
}

/// Another group that lets the members of the first one in.
const FRIENDS: &str = "
  Friends:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: friends
      VpcId: !Ref Vpc
      SecurityGroupIngress: [{IpProtocol: '-1', SourceSecurityGroupId: !Ref Group}]
  Rule:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !GetAtt Group.GroupId, IpProtocol: tcp, FromPort: 1, ToPort: 2, CidrIp: 10.0.0.0/8}
  Apart: {Type: 'AWS::EC2::SecurityGroup', Properties: {GroupDescription: apart, VpcId: !Ref Vpc}}
";

#[test]
fn what_is_replaced_takes_its_references_along_and_goes_last() {
    let mut bench = Bench::new();
    let stack = bench.created(&network("GroupDescription: a", FRIENDS));
    let [group, friends, rule] = ["Group", "Friends", "Rule"].map(|id| bench.physical(&stack, id));
    bench
        .update(&network("GroupDescription: b", FRIENDS))
        .unwrap();
    bench.pass(HOUR);
    let new =
        "Requested update requires the creation of a new physical resource; hence creating one.";
    assert_eq!(
        bench.story(&stack),
        [
            "s UPDATE_IN_PROGRESS User Initiated",
            &format!("Group UPDATE_IN_PROGRESS {new}"),
            "Group UPDATE_IN_PROGRESS Resource creation Initiated",
            "Group UPDATE_COMPLETE",
            &format!("Rule UPDATE_IN_PROGRESS {new}"),
            "Friends UPDATE_IN_PROGRESS",
            "Rule UPDATE_IN_PROGRESS Resource creation Initiated",
            "Rule UPDATE_COMPLETE",
            "Friends UPDATE_COMPLETE",
            "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "Rule DELETE_IN_PROGRESS",
            "Rule DELETE_COMPLETE",
            "Group DELETE_IN_PROGRESS",
            "Group DELETE_COMPLETE",
            "s UPDATE_COMPLETE",
        ]
    );
    assert_ne!(bench.physical(&stack, "Group"), group);
    assert_ne!(bench.physical(&stack, "Rule"), rule);
    assert_eq!(bench.physical(&stack, "Friends"), friends);
    assert!(!bench.world.groups.contains(&group));
    let now = bench.physical(&stack, "Group");
    assert_eq!(bench.outputs(&stack)["Group"], now);
    assert!(bench.world.delete_group(&now).is_err());
    start::delete(&mut bench.world, "s", None).unwrap();
    bench.pass(HOUR);
    assert!(bench.world.groups.ids().is_empty());
}

/// A subnet outside the network.
const BROKEN: &str = "
  Broken: {Type: 'AWS::EC2::Subnet', DependsOn: Rule, Properties: {VpcId: !Ref Vpc, CidrBlock: 192.168.0.0/24}}
  Extra: {Type: 'AWS::EC2::InternetGateway'}
";

#[test]
fn an_update_that_fails_is_taken_back_as_a_whole() {
    let mut bench = Bench::new();
    let before = network(&format!("GroupDescription: a, {IN_22}"), FRIENDS);
    let stack = bench.created(&before);
    let world = properties::described(&bench);
    let friends = FRIENDS.replace("Apart", "Other");
    let after = network(
        &format!("GroupDescription: b, {IN_22_AND_80}"),
        &format!("{friends}{BROKEN}"),
    );
    let tags = Some(Tags::from([("team".into(), "y".into())]));
    let asked = Asked {
        tags,
        ..Asked::default()
    };
    bench.update_with(&after, asked, false).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateRollbackComplete);
    assert_eq!(properties::described(&bench), world);
    let story = bench.story(&stack).join("\n");
    for said in [
        "Broken CREATE_FAILED The CIDR '192.168.0.0/24' is invalid. (Service: Ec2",
        "s UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Broken].",
        "s UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "Extra DELETE_COMPLETE",
        "Broken DELETE_COMPLETE",
    ] {
        assert!(story.contains(said), "{said}\n{story}");
    }
    assert!(!story.contains("Apart DELETE"), "{story}");
    let kept = bench.world.stacks.get(&stack).unwrap();
    assert_eq!(
        (kept.template.as_str(), kept.tags["team"].as_str()),
        (before.as_str(), "x")
    );
    assert!(Whereabouts::LeftOver.of(&bench.world, &stack).is_empty());
    // And it can be updated again.
    bench
        .update(&network("GroupDescription: c", FRIENDS))
        .unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateComplete);
}

#[test]
fn an_update_is_cancelled_while_it_runs_and_only_then() {
    let mut bench = Bench::new();
    let stack = bench.created(&network("GroupDescription: a", FRIENDS));
    let world = properties::described(&bench);
    let refused = update::cancel(&mut bench.world, "s", None).unwrap_err();
    assert_eq!(
        refused.message,
        "CancelUpdateStack cannot be called from current stack status"
    );
    bench
        .update(&network("GroupDescription: b", FRIENDS))
        .unwrap();
    bench.pass(SignedDuration::from_secs(3));
    let refused = start::delete(&mut bench.world, "s", None).unwrap_err();
    assert_eq!(
        refused.message,
        "Stack [s] cannot be deleted while in status UPDATE_IN_PROGRESS"
    );
    let refused = bench
        .update(&network("GroupDescription: c", FRIENDS))
        .unwrap_err();
    assert_eq!(
        refused.message,
        format!("Stack:{stack} is in UPDATE_IN_PROGRESS state and can not be updated.")
    );
    update::cancel(&mut bench.world, "s", None).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateRollbackComplete);
    assert_eq!(properties::described(&bench), world);
    let story = bench.story(&stack).join("\n");
    assert!(
        story.contains("Group UPDATE_FAILED Resource update cancelled"),
        "{story}"
    );
}

#[test]
fn a_failed_update_that_is_to_be_kept_waits_to_be_rolled_back() {
    let mut bench = Bench::new();
    let stack = bench.created(&network("GroupDescription: a", FRIENDS));
    let world = properties::described(&bench);
    let after = network("GroupDescription: b", &format!("{FRIENDS}{BROKEN}"));
    bench.update_with(&after, Asked::default(), true).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateFailed);
    assert_eq!(
        bench.resource(&stack, "Broken"),
        ResourceStatus::CreateFailed
    );
    assert_eq!(bench.world.gateways.ids().len(), 1);
    update::roll_back(&mut bench.world, "s", None).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateRollbackComplete);
    assert_eq!(properties::described(&bench), world);

    bench.update_with(&after, Asked::default(), true).unwrap();
    bench.pass(HOUR);
    // Deleted from there, both the old ones and the new ones go.
    start::delete(&mut bench.world, "s", None).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::DeleteComplete);
    assert!(bench.world.groups.ids().is_empty());
    assert!(bench.world.gateways.ids().is_empty());
}

#[test]
fn a_rollback_that_fails_is_continued_once_its_obstacle_is_away() {
    let mut bench = Bench::new();
    let rule = "
  Rule: {Type: 'AWS::EC2::SecurityGroup', Properties: {GroupDescription: r, VpcId: !Ref Vpc}}
";
    let stack = bench.created(&network(&format!("GroupDescription: a, {IN_22}"), rule));
    let after = network(
        &format!("GroupDescription: a, {IN_22_AND_80}"),
        &format!("{rule}{BROKEN}"),
    );
    bench.update(&after).unwrap();
    bench.pass(SignedDuration::from_secs(1));
    assert_eq!(bench.status(&stack), StackStatus::UpdateRollbackInProgress);
    // Somebody takes the group away.
    let group = bench.physical(&stack, "Group");
    let lost = bench.world.groups.remove(&group).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateRollbackFailed);
    let refused = bench.update(&after).unwrap_err();
    assert!(
        refused
            .message
            .contains("is in UPDATE_ROLLBACK_FAILED state"),
        "{refused}"
    );
    bench.world.groups.insert(&group, lost);
    update::continue_rollback(&mut bench.world, "s", None).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateRollbackComplete);
    assert_eq!(bench.world.group(&group).unwrap().rules.len(), 2);
}

#[test]
fn resources_come_and_go_by_their_conditions_and_stay_by_their_policies() {
    let mut bench = Bench::new();
    let template = |more: bool, policy: &str| {
        format!(
            "
Conditions: {{More: !Equals [a, {}]}}
Resources:
  Always: {{Type: 'AWS::EC2::InternetGateway'}}
  Gone: {{Type: 'AWS::EC2::InternetGateway', Condition: More}}
  Kept: {{Type: 'AWS::EC2::InternetGateway', Condition: More, DeletionPolicy: Retain}}
  Files: {{Type: 'AWS::EFS::FileSystem', UpdateReplacePolicy: {policy}, Properties: {{Encrypted: {more}}}}}
",
            if more { "a" } else { "b" }
        )
    };
    let stack = bench.created(&template(true, "Retain"));
    let files = bench.physical(&stack, "Files");
    bench.update(&template(false, "Retain")).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateComplete);
    let story = bench.story(&stack);
    let cleanup = story
        .iter()
        .position(|one| one.contains("CLEANUP"))
        .unwrap();
    let mut last: Vec<&str> = story[cleanup + 1..].iter().map(String::as_str).collect();
    last.sort_unstable();
    assert_eq!(
        last,
        [
            "Files DELETE_SKIPPED",
            "Gone DELETE_COMPLETE",
            "Gone DELETE_IN_PROGRESS",
            "Kept DELETE_SKIPPED",
            "s UPDATE_COMPLETE",
        ]
    );
    assert_eq!(bench.world.gateways.ids().len(), 2);
    assert_ne!(bench.physical(&stack, "Files"), files);
    assert!(bench.world.file_systems.contains(&files));
    bench.update(&template(true, "Delete")).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.world.gateways.ids().len(), 4);
    // The retained one and the newest.
    assert_eq!(bench.world.file_systems.ids().len(), 2);
}

#[test]
fn a_wait_condition_is_waited_for_when_it_is_added_and_cannot_be_changed() {
    let mut bench = Bench::new();
    let gateway = "Resources: {G: {Type: 'AWS::EC2::InternetGateway'}}";
    let stack = bench.created(gateway);
    bench.update(WAITING).unwrap();
    bench.pass(SignedDuration::from_secs(60));
    assert_eq!(bench.status(&stack), StackStatus::UpdateInProgress);
    for id in ["A", "B"] {
        bench.put(&format!(
            r#"{{"Status":"SUCCESS","UniqueId":"{id}","Data":"d {id}"}}"#
        ));
    }
    bench.pass(SignedDuration::from_secs(60));
    assert_eq!(bench.status(&stack), StackStatus::UpdateComplete);
    assert_eq!(bench.outputs(&stack)["Data"], r#"{"A":"d A","B":"d B"}"#);
    assert!(bench.world.gateways.ids().is_empty());
    bench
        .update(&WAITING.replace("Count: 2", "Count: 3"))
        .unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateRollbackComplete);
    assert_eq!(
        bench.reason(&stack, "Wait", "UPDATE_FAILED"),
        "Update to resource type AWS::CloudFormation::WaitCondition is not supported."
    );
    bench.update(gateway).unwrap();
    bench.pass(HOUR);
    // One that never gets its message fails the update, and everything is as before.
    bench.update(WAITING).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateRollbackComplete);
    assert!(bench.world.handles.ids().is_empty());
    assert_eq!(bench.world.gateways.ids().len(), 1);
}

fn machine(more: &str) -> String {
    format!(
        "
Resources:
  Vpc: {{Type: 'AWS::EC2::VPC', Properties: {{CidrBlock: 10.0.0.0/16}}}}
  Subnet: {{Type: 'AWS::EC2::Subnet', Properties: {{VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}}}}
  One: {{Type: 'AWS::EC2::SecurityGroup', Properties: {{VpcId: !Ref Vpc, GroupDescription: one}}}}
  Two: {{Type: 'AWS::EC2::SecurityGroup', Properties: {{VpcId: !Ref Vpc, GroupDescription: two}}}}
  Machine:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: ami-0ef51ab2023000001
      SubnetId: !Ref Subnet
      {more}
Outputs:
  Address: {{Value: !GetAtt Machine.PrivateIp}}
"
    )
}

#[test]
fn an_instance_is_changed_as_it_runs_or_between_a_stop_and_a_start() {
    let mut bench = Bench::new();
    let stack = bench.created(&machine("InstanceType: t3.micro"));
    let machine_id = bench.physical(&stack, "Machine");
    bench
        .update(&machine("InstanceType: t3.micro\n      SecurityGroupIds: [!Ref One, !Ref Two]\n      InstanceInitiatedShutdownBehavior: terminate\n      Tags: [{Key: Name, Value: n}]"))
        .unwrap();
    bench.pass(HOUR);
    let one = bench.world.instance(&machine_id).unwrap();
    assert_eq!(one.state, State::Running);
    assert_eq!(one.tags["Name"], "n");
    let launched = one.launched;
    let groups = &bench.world.interface_of(&machine_id).unwrap().groups;
    assert_eq!(
        *groups,
        [bench.physical(&stack, "One"), bench.physical(&stack, "Two")]
    );

    let user_data = "InstanceType: t3.micro\n      UserData: {Fn::Base64: new}";
    bench.update(&machine(user_data)).unwrap();
    bench.pass(SignedDuration::from_secs(10));
    assert_eq!(
        bench.world.instance(&machine_id).unwrap().state,
        State::Stopping
    );
    // Nothing of the change is in the program's memory only.
    bench.engine = Engine::default();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateComplete);
    let one = bench.world.instance(&machine_id).unwrap();
    assert_eq!(
        (one.state, one.user_data.as_slice()),
        (State::Running, &b"new"[..])
    );
    assert!(one.launched > launched);
    assert_eq!(bench.physical(&stack, "Machine"), machine_id);

    // One that somebody has stopped stays so.
    bench
        .world
        .stop_instance(&machine_id, crate::practice::world::power::Why::Request)
        .unwrap();
    bench.pass(HOUR);
    bench.update(&machine("InstanceType: t3.micro")).unwrap();
    bench.pass(HOUR);
    let one = bench.world.instance(&machine_id).unwrap();
    assert_eq!((one.state, one.user_data.len()), (State::Stopped, 0));
}

#[test]
fn what_cannot_be_done_yet_is_refused_by_name_before_anything_changes() {
    let mut bench = Bench::new();
    let stack = bench.created(&machine("InstanceType: t3.micro"));
    let refused = bench
        .update(&machine(
            "InstanceType: t3.small\n      Tags: [{Key: a, Value: b}]",
        ))
        .unwrap_err();
    assert_eq!(
        refused.message,
        "Machine: the practice account cannot change InstanceType of AWS::EC2::Instance in place yet"
    );
    assert_eq!(bench.status(&stack), StackStatus::CreateComplete);
    let other = machine("InstanceType: t3.micro").replace(
        "'AWS::EC2::SecurityGroup', Properties: {VpcId: !Ref Vpc, GroupDescription: two}",
        "'AWS::EC2::InternetGateway'",
    );
    let refused = bench.update(&other).unwrap_err();
    assert_eq!(
        refused.message,
        "Update of resource type is not permitted. The new template modifies resource type of the following resources: [Two]"
    );
}

#[test]
fn a_resource_with_a_name_of_its_own_cannot_be_replaced_under_that_name() {
    let mut bench = Bench::new();
    let named = |name: &str, description: &str| {
        network(
            &format!("GroupDescription: {description}, GroupName: {name}"),
            "",
        )
    };
    let stack = bench.created(&named("mine", "a"));
    bench.update(&named("mine", "b")).unwrap();
    bench.pass(HOUR);
    assert_eq!(
        bench.reason(&stack, "Group", "UPDATE_FAILED"),
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename mine and update the stack again."
    );
    bench.update(&named("yours", "b")).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateComplete);
}

#[test]
fn what_an_update_leaves_over_and_cannot_delete_stays_behind() {
    let mut bench = Bench::new();
    let stack = bench.created(&network("GroupDescription: a", ""));
    let group = bench.physical(&stack, "Group");
    // Somebody else's group names it.
    let vpc = bench.physical(&stack, "Vpc");
    let other = bench
        .world
        .create_group(&vpc, "o", "o", Tags::new())
        .unwrap();
    let peer = crate::practice::world::security::Peer::Group(group.clone());
    let admits = crate::practice::world::security::Permission::everything(peer);
    let way = crate::practice::world::security::Way::In;
    bench
        .world
        .allow(&other, way, admits, None, Tags::new())
        .unwrap();
    bench.update(&network("GroupDescription: b", "")).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateComplete);
    let reason = bench.world.stacks.get(&stack).unwrap().reason.clone();
    assert_eq!(
        reason.as_deref(),
        Some("Update successful. One or more resources could not be deleted.")
    );
    assert!(bench.world.groups.contains(&group));
}

#[test]
fn stack_tags_and_outputs_alone_are_updates_too() {
    let mut bench = Bench::new();
    let template = "Resources: {G: {Type: 'AWS::EC2::InternetGateway'}}";
    let stack = bench.created(template);
    let gateway = bench.physical(&stack, "G");
    let tags = Some(Tags::from([
        ("team".into(), "y".into()),
        ("more".into(), "z".into()),
    ]));
    bench
        .update_with(
            template,
            Asked {
                tags,
                ..Asked::default()
            },
            false,
        )
        .unwrap();
    bench.pass(HOUR);
    let worn = &bench.world.gateway(&gateway).unwrap().tags;
    assert_eq!((worn["team"].as_str(), worn["more"].as_str()), ("y", "z"));
    bench
        .update(&format!("{template}\nOutputs: {{Id: {{Value: !Ref G}}}}"))
        .unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.outputs(&stack)["Id"], gateway);
    // The tags were not said again, and stayed.
    assert_eq!(bench.world.gateway(&gateway).unwrap().tags["more"], "z");
}

#[test]
fn a_filesystem_takes_on_another_throughput_mode_and_keeps_its_files() {
    let mut bench = Bench::new();
    let template = |more: &str| {
        format!(
            "Resources: {{F: {{Type: 'AWS::EFS::FileSystem', Properties: {{Encrypted: true{more}}}}}}}"
        )
    };
    let stack = bench.created(&template(""));
    let files = bench.physical(&stack, "F");
    let faster = ", ThroughputMode: provisioned, ProvisionedThroughputInMibps: 20, BackupPolicy: {Status: ENABLED}";
    bench.update(&template(faster)).unwrap();
    bench.pass(HOUR);
    let settings = &bench.world.file_system(&files).unwrap().settings;
    assert_eq!(settings.throughput_mode.mibps(), Some(20.0));
    assert_eq!(settings.backup_policy, "ENABLED");
    // Not back again on the same day.
    bench.update(&template("")).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateRollbackComplete);
    let reason = bench.reason(&stack, "F", "UPDATE_FAILED");
    assert!(
        reason.starts_with("You must wait at least 24 hours"),
        "{reason}"
    );
    bench.pass(HOUR * 24);
    bench.update(&template("")).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::UpdateComplete);
    assert_eq!(bench.physical(&stack, "F"), files);
}
