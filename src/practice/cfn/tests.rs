//! The stack engine alone, on a world whose time is set by hand.

mod project;
mod properties;
mod updates;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::start::{self, NewStack};
use super::{Engine, signals, types};
use crate::practice::world::instances::Power;
use crate::practice::world::place::Place;
use crate::practice::world::stacks::{OnFailure, ResourceStatus, StackStatus, resource_key};
use crate::practice::world::{Tags, World};

struct Bench {
    world: World,
    engine: Engine,
}

impl Bench {
    fn new() -> Self {
        let place = Place {
            account_id: "123456789012".into(),
            region: "us-east-1".into(),
        };
        Self {
            world: World::new(place, Timestamp::UNIX_EPOCH, Some(7)),
            engine: Engine::default(),
        }
    }

    fn new_stack(template: &str, parameters: &[(&str, &str)]) -> NewStack {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        NewStack {
            name: "s".into(),
            template: template.into(),
            parameters: parameters.iter().map(owned).collect(),
            tags: Tags::from([("team".into(), "x".into())]),
            capabilities: Vec::new(),
            on_failure: OnFailure::Rollback,
            timeout_minutes: None,
            protected: false,
            token: None,
        }
    }

    fn create(&mut self, template: &str, parameters: &[(&str, &str)]) -> String {
        start::create(&mut self.world, Self::new_stack(template, parameters)).unwrap()
    }

    /// Lets time pass until no stack gets on by itself, at most to `until`.
    fn pass(&mut self, until: SignedDuration) {
        let end = self.world.now + until;
        loop {
            let gone = self.world.file_systems_going();
            self.world.forget_file_systems(&gone);
            let modes = self.world.throughput_to_apply();
            self.world.throughput_applied(&modes);
            self.world.advance_efs();
            self.switch();
            let stacks = self.engine.advance(&mut self.world);
            let files = self
                .world
                .file_systems
                .values()
                .filter_map(|one| one.state.due());
            let targets = self.world.mount_targets.values();
            let files = files.chain(targets.filter_map(|one| one.state.due()));
            let powers = self.world.instances.values();
            let powers = powers.filter_map(|one| one.power.map(|(_, at)| at));
            let next = files
                .chain(powers)
                .chain(stacks)
                .filter(|at| *at > self.world.now)
                .min();
            match next {
                Some(next) if next <= end => self.world.now = next,
                _ => {
                    self.world.now = end;
                    return;
                }
            }
        }
    }

    /// Hosts do at once what they are to do.
    fn switch(&mut self) {
        let due: Vec<(String, Power)> = self
            .world
            .instances
            .values()
            .filter_map(|one| {
                let (power, at) = one.power?;
                (at <= self.world.now).then(|| (one.id.clone(), power))
            })
            .collect();
        for (id, power) in due {
            self.world.power_done(&id, power);
        }
    }

    fn status(&self, stack: &str) -> StackStatus {
        self.world.stacks.get(stack).unwrap().status
    }

    fn resource(&self, stack: &str, logical_id: &str) -> ResourceStatus {
        self.world
            .resources
            .get(&resource_key(stack, logical_id))
            .unwrap()
            .status
    }

    fn outputs(&self, stack: &str) -> BTreeMap<String, String> {
        let outputs = &self.world.stacks.get(stack).unwrap().outputs;
        let pair =
            |one: &crate::practice::world::stacks::Output| (one.key.clone(), one.value.clone());
        outputs.iter().map(pair).collect()
    }

    fn reason(&self, stack: &str, logical_id: &str, status: &str) -> String {
        let events = self.world.events_of(stack);
        let found = events
            .iter()
            .find(|(_, event)| event.logical_id == logical_id && event.status == status);
        found.unwrap().1.reason.clone().unwrap_or_default()
    }
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[test]
fn functions_and_pseudo_parameters_have_their_values() {
    let mut bench = Bench::new();
    let template = r#"
Parameters:
  Name: {Type: String, Default: lab}
  Many: {Type: CommaDelimitedList, Default: "a, b,c"}
  Count: {Type: Number, Default: 3, MinValue: 1}
Mappings:
  Images: {us-east-1: {ami: ami-1, list: [x, y]}}
Conditions:
  IsLab: !Equals [!Ref Name, lab]
  Both: !And [!Condition IsLab, !Not [!Equals [!Ref Count, 4]]]
  Neither: !Or [!Equals [a, b], !Not [!Condition Both]]
Resources:
  Gateway: {Type: "AWS::EC2::InternetGateway"}
  Vpc: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16}}
  Never: {Type: "AWS::EC2::InternetGateway", Condition: Neither}
Outputs:
  Sub: {Value: !Sub "${Name}-${AWS::Region}-${Vpc.CidrBlock}-${!Literal}"}
  SubMap: {Value: !Sub ["${A}${Name}", {A: !Ref Count}]}
  Join: {Value: !Join ["+", !Ref Many]}
  Select: {Value: !Select [1, !Ref Many]}
  Split: {Value: !Select [2, !Split ["-", x-y-z]]}
  Map: {Value: !FindInMap [Images, !Ref "AWS::Region", ami]}
  MapList: {Value: !Join ["", !FindInMap [Images, us-east-1, list]]}
  Zone: {Value: !Select [0, !GetAZs ""]}
  If: {Value: !If [Both, yes, no]}
  NoValue: {Value: !Join ["", [a, !Ref "AWS::NoValue", !If [Neither, x, !Ref "AWS::NoValue"], b]]}
  Base64: {Value: {"Fn::Base64": hello}}
  Cidr: {Value: !Select [1, !Cidr [!GetAtt Vpc.CidrBlock, 2, 8]]}
  Account: {Value: !Ref "AWS::AccountId"}
  Arn: {Value: !Sub "arn:${AWS::Partition}:x.${AWS::URLSuffix}"}
  Stack: {Value: !Ref "AWS::StackName"}
  Hidden: {Value: x, Condition: Neither}
"#;
    let stack = bench.create(template, &[("Count", "3")]);
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::CreateComplete);
    let outputs = bench.outputs(&stack);
    let expected = [
        ("Account", "123456789012"),
        ("Arn", "arn:aws:x.amazonaws.com"),
        ("Base64", "aGVsbG8="),
        ("Cidr", "10.0.1.0/24"),
        ("If", "yes"),
        ("Join", "a+b+c"),
        ("Map", "ami-1"),
        ("MapList", "xy"),
        ("NoValue", "ab"),
        ("Select", "b"),
        ("Split", "z"),
        ("Stack", "s"),
        ("Sub", "lab-us-east-1-10.0.0.0/16-${Literal}"),
        ("SubMap", "3lab"),
        ("Zone", "us-east-1a"),
    ];
    let expected: BTreeMap<String, String> = expected
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    assert_eq!(outputs, expected);
    assert_eq!(bench.world.gateways.ids().len(), 1);
}

#[test]
fn a_parameter_can_be_the_name_of_what_systems_manager_has() {
    let mut bench = Bench::new();
    let template = "
Parameters:
  Image: {Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}
  Many: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64}
Resources: {G: {Type: 'AWS::EC2::InternetGateway'}}
Outputs:
  Image: {Value: !Ref Image}
  First: {Value: !Select [0, !Ref Many]}
";
    let stack = bench.create(template, &[]);
    bench.pass(HOUR);
    let outputs = bench.outputs(&stack);
    assert_eq!(outputs["Image"], "ami-0ef51ab2023000001");
    assert_eq!(outputs["First"], "ami-0ef51ab2023000002");
    let kept = &bench.world.stacks.get(&stack).unwrap().parameters[0];
    assert!(kept.value.ends_with("-x86_64"));
    assert_eq!(kept.resolved.as_deref(), Some("ami-0ef51ab2023000001"));
}

#[test]
fn resources_wear_the_stacks_tags_and_cloudformations_own() {
    let mut bench = Bench::new();
    let stack = bench.create(
        "Resources: {G: {Type: 'AWS::EC2::InternetGateway', Properties: {Tags: [{Key: Name, Value: !Ref 'AWS::StackName'}]}}}",
        &[],
    );
    bench.pass(HOUR);
    let gateway = bench.world.gateways.values().next().unwrap();
    let expected = [
        ("Name", "s"),
        ("aws:cloudformation:logical-id", "G"),
        ("aws:cloudformation:stack-id", &stack),
        ("aws:cloudformation:stack-name", "s"),
        ("team", "x"),
    ];
    let tags: Vec<(&str, &str)> = gateway
        .tags
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(tags, expected);
}

#[test]
fn what_is_to_be_retained_stays_and_is_said_to_be_skipped() {
    let mut bench = Bench::new();
    let stack = bench.create(
        "Resources: {Kept: {Type: 'AWS::EC2::InternetGateway', DeletionPolicy: Retain}, Gone: {Type: 'AWS::EC2::InternetGateway'}}",
        &[],
    );
    bench.pass(HOUR);
    start::delete(&mut bench.world, "s", None).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::DeleteComplete);
    assert_eq!(
        bench.resource(&stack, "Kept"),
        ResourceStatus::DeleteSkipped
    );
    assert_eq!(
        bench.resource(&stack, "Gone"),
        ResourceStatus::DeleteComplete
    );
    assert_eq!(bench.world.gateways.ids().len(), 1);
}

#[test]
fn a_stack_that_takes_too_long_is_rolled_back() {
    let mut bench = Bench::new();
    let mut new = Bench::new_stack(WAITING, &[]);
    new.timeout_minutes = Some(2);
    let stack = start::create(&mut bench.world, new).unwrap();
    bench.pass(SignedDuration::from_secs(119));
    assert_eq!(bench.status(&stack), StackStatus::CreateInProgress);
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::RollbackComplete);
    let reason = bench.reason(&stack, "s", "ROLLBACK_IN_PROGRESS");
    assert!(
        reason.starts_with("Stack creation time exceeded the specified timeout."),
        "{reason}"
    );
}

/// Waits for two messages, for ten minutes.
const WAITING: &str = "
Resources:
  Handle: {Type: 'AWS::CloudFormation::WaitConditionHandle'}
  Wait: {Type: 'AWS::CloudFormation::WaitCondition', Properties: {Handle: !Ref Handle, Count: 2, Timeout: 600}}
Outputs:
  Data: {Value: !GetAtt Wait.Data}
  Url: {Value: !Ref Handle}
";

impl Bench {
    /// Sends a message to the only handle there is.
    fn put(&mut self, body: &str) -> u16 {
        let token = self.world.handles.ids().remove(0);
        signals::message(&mut self.world, &token, body.as_bytes()).0
    }
}

#[test]
fn a_wait_condition_is_there_once_it_has_its_messages_each_counted_once() {
    let mut bench = Bench::new();
    let stack = bench.create(WAITING, &[]);
    bench.pass(SignedDuration::from_secs(30));
    let message = |id: &str| format!(r#"{{"Status":"SUCCESS","UniqueId":"{id}","Data":"d {id}"}}"#);
    assert_eq!(bench.put(&message("A")), 200);
    assert_eq!(bench.put(&message("A")), 200);
    bench.pass(SignedDuration::from_secs(30));
    assert_eq!(bench.status(&stack), StackStatus::CreateInProgress);
    assert_eq!(bench.put("not json"), 400);
    assert_eq!(bench.put(r#"{"Status":"MAYBE","UniqueId":"B"}"#), 400);
    assert_eq!(bench.put(&message("B")), 200);
    bench.pass(SignedDuration::from_secs(30));
    assert_eq!(bench.status(&stack), StackStatus::CreateComplete);
    let outputs = bench.outputs(&stack);
    assert_eq!(outputs["Data"], r#"{"A":"d A","B":"d B"}"#);
    let token = types::handle_token(&outputs["Url"]).unwrap().to_owned();
    assert!(bench.world.handles.contains(&token));
    start::delete(&mut bench.world, "s", None).unwrap();
    bench.pass(HOUR);
    assert_eq!(
        signals::message(&mut bench.world, &token, message("C").as_bytes()).0,
        403
    );
}

#[test]
fn a_success_does_not_wipe_a_failure_and_a_handle_keeps_only_so_much() {
    let mut bench = Bench::new();
    let stack = bench.create(WAITING, &[]);
    bench.pass(SignedDuration::from_secs(30));
    let long = "x".repeat(4097);
    let body = |status: &str, id: &str, data: &str| {
        format!(r#"{{"Status":"{status}","UniqueId":"{id}","Data":"{data}"}}"#)
    };
    assert_eq!(bench.put(&body("SUCCESS", "A", &long)), 400);
    assert_eq!(bench.put(&body("SUCCESS", "A", &long[1..])), 200);
    assert_eq!(bench.put(&body("FAILURE", "A", "")), 200);
    assert_eq!(bench.put(&body("SUCCESS", "A", "")), 200);
    assert_eq!(bench.put(&body("SUCCESS", "B", "")), 200);
    for number in 2..1000 {
        assert_eq!(bench.put(&body("SUCCESS", &number.to_string(), "")), 200);
    }
    assert_eq!(bench.put(&body("SUCCESS", "more", "")), 400);
    bench.pass(SignedDuration::from_secs(30));
    assert_eq!(bench.status(&stack), StackStatus::RollbackComplete);
}

#[test]
fn a_resource_takes_one_success_from_each_and_then_only_its_failure() {
    let mut bench = Bench::new();
    let stack = bench.create("Resources: {G: {Type: 'AWS::EC2::InternetGateway'}}", &[]);
    bench.engine.advance(&mut bench.world);
    let key = resource_key(&stack, "G");
    bench.world.resources.get_mut(&key).unwrap().physical_id = Some("igw-1".into());
    let mut send = |id: &str, success| {
        signals::signal(&mut bench.world, &stack, "G", id, success, "r")
            .map_err(|error| error.message)
    };
    send("i-1", true).unwrap();
    let twice = send("i-1", true).unwrap_err();
    assert!(
        twice.starts_with("Signal with ID i-1 for resource G already exists."),
        "{twice}"
    );
    send("i-1", false).unwrap();
    send("i-1", true).unwrap_err();
    send(&"i".repeat(65), true).unwrap_err();
    let kept = &bench.world.resources.get(&key).unwrap().signals;
    assert_eq!(kept.len(), 1);
    assert!(!kept["i-1"].0);
}

#[test]
fn a_wait_condition_fails_by_a_message_or_by_silence() {
    let mut bench = Bench::new();
    let stack = bench.create(WAITING, &[]);
    bench.pass(SignedDuration::from_secs(30));
    bench.put(r#"{"Status":"FAILURE","UniqueId":"A","Reason":"no disk"}"#);
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::RollbackComplete);
    assert_eq!(
        bench.reason(&stack, "Wait", "CREATE_FAILED"),
        "WaitCondition received failed message: 'no disk' for uniqueId: A"
    );
    start::delete(&mut bench.world, "s", None).unwrap();
    bench.pass(HOUR);

    let silent = bench.create(WAITING, &[]);
    bench.pass(SignedDuration::from_secs(602));
    assert_eq!(bench.status(&silent), StackStatus::CreateInProgress);
    bench.pass(HOUR);
    assert_eq!(
        bench.reason(&silent, "Wait", "CREATE_FAILED"),
        "WaitCondition timed out. Received 0 conditions when expecting 2"
    );
}

#[test]
fn a_refusal_leaves_nothing_of_the_resource_that_was_refused() {
    let mut bench = Bench::new();
    let template = "
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: g
      VpcId: !Ref Vpc
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 1, ToPort: 2, CidrIp: 10.0.0.0/8}
        - {IpProtocol: tcp, FromPort: 1, ToPort: 2, CidrIp: nonsense}
";
    let mut new = Bench::new_stack(template, &[]);
    new.on_failure = OnFailure::DoNothing;
    let stack = start::create(&mut bench.world, new).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::CreateFailed);
    let reason = bench.reason(&stack, "Group", "CREATE_FAILED");
    assert!(
        reason.starts_with("CIDR block nonsense is malformed (Service: Ec2"),
        "{reason}"
    );
    // Only the group that came with the network.
    assert_eq!(bench.world.groups.ids().len(), 1);
}

#[test]
fn deleting_a_stack_that_is_being_created_takes_back_what_is_there() {
    let mut bench = Bench::new();
    let stack = bench.create(WAITING, &[]);
    bench.pass(SignedDuration::from_secs(30));
    start::delete(&mut bench.world, &stack, Some("t".into())).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::DeleteComplete);
    assert!(bench.world.handles.ids().is_empty());
    let reason = bench.reason(&stack, "Wait", "CREATE_FAILED");
    assert_eq!(reason, "Resource creation cancelled");
}

#[test]
fn hostile_templates_are_refused_without_harm() {
    let deep_json = format!("{}{}", "{\"a\":".repeat(10_000), "1");
    let deep_yaml = format!("a: {}", "[".repeat(10_000));
    let long_name = format!(
        "Resources: {{{}: {{Type: 'AWS::EC2::VPC'}}}}",
        "A".repeat(10_000)
    );
    let many: Vec<String> = (0..501)
        .map(|n| format!("G{n}: {{Type: 'AWS::EC2::InternetGateway'}}"))
        .collect();
    let many = format!("Resources: {{{}}}", many.join(", "));
    let pattern = "Parameters: {P: {Type: String, Default: a, AllowedPattern: '((a{1000}){1000}){1000}'}}\nResources: {G: {Type: 'AWS::EC2::InternetGateway'}}";
    for template in [
        &deep_json, &deep_yaml, &long_name, &many, pattern, "", "- a", "42", "!Ref x",
    ] {
        let mut bench = Bench::new();
        let new = Bench::new_stack(template, &[]);
        let refused = start::create(&mut bench.world, new).unwrap_err();
        assert_eq!(refused.code, "ValidationError");
        assert!(bench.world.stacks.ids().is_empty());
    }
}

#[test]
fn a_stack_whose_template_cannot_be_read_any_more_fails_with_the_reason() {
    let mut bench = Bench::new();
    let stack = bench.create(WAITING, &[]);
    bench.pass(SignedDuration::from_secs(30));
    bench.world.stacks.get_mut(&stack).unwrap().template = "Resources: 7".into();
    // As after a restart: nothing is remembered.
    bench.engine = Engine::default();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::RollbackFailed);
    for status in ["ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED"] {
        let reason = bench.reason(&stack, "s", status);
        assert!(reason.contains("can no longer be read: "), "{reason}");
    }
    start::delete(&mut bench.world, "s", None).unwrap();
    bench.pass(HOUR);
    assert_eq!(bench.status(&stack), StackStatus::DeleteFailed);
}

#[test]
fn functions_that_cannot_have_a_value_are_refused_before_anything_is_made() {
    let mut bench = Bench::new();
    let vpc = |cidr: &str| {
        format!(
            "Mappings: {{M: {{here: {{a: 10.0.0.0/16}}}}}}\nConditions: {{No: !Equals [a, b]}}\nResources:\n  G: {{Type: 'AWS::EC2::InternetGateway'}}\n  V: {{Type: 'AWS::EC2::VPC', Properties: {{CidrBlock: {cidr}}}}}"
        )
    };
    for (cidr, why) in [
        (
            "!FindInMap [M, here, b]",
            "Unable to get mapping for M::here::b",
        ),
        (
            "!Select [4, [a, b]]",
            "Fn::Select cannot select nonexistent value at index 4",
        ),
        (
            "!Select [9, !Cidr [10.0.0.0/16, 2]]",
            "nonexistent value at index 9",
        ),
        (
            "!Join ['', [!Ref G, !FindInMap [M, there, a]]]",
            "Unable to get mapping for M::there::a",
        ),
        ("!If [No, x, !Select [7, [!GetAZs '']]]", "Fn::Select"),
        (
            "!Sub '${no pe}'",
            "variable names in Fn::Sub syntax must contain only",
        ),
    ] {
        let stack = Bench::new_stack(&vpc(cidr), &[]);
        let error = start::create(&mut bench.world, stack).unwrap_err();
        assert_eq!(error.code, "ValidationError");
        assert!(error.message.contains(why), "{cidr}: {}", error.message);
    }
    assert!(bench.world.stacks.values().next().is_none());
    // What is not taken may be as it likes, and what is not there yet may be anything.
    for cidr in [
        "!If [No, !FindInMap [M, here, b], 10.0.0.0/16]",
        "!FindInMap [M, here, a]",
        "!Select [0, !Cidr [10.0.0.0/8, 2, 16]]",
        "!Join ['', ['10.0.0.0/16', !If [No, !Ref G, '']]]",
    ] {
        let mut stack = Bench::new_stack(&vpc(cidr), &[]);
        stack.name = format!("s{}", bench.world.stacks.values().count());
        start::create(&mut bench.world, stack).unwrap();
    }
}

#[test]
fn a_token_stands_for_one_operation() {
    let mut bench = Bench::new();
    let template = "Resources: {G: {Type: 'AWS::EC2::InternetGateway'}}";
    let stack = || {
        let mut stack = Bench::new_stack(template, &[]);
        stack.token = Some("one".into());
        stack
    };
    let id = start::create(&mut bench.world, stack()).unwrap();
    assert_eq!(start::create(&mut bench.world, stack()).unwrap(), id);
    bench.pass(SignedDuration::from_mins(5));
    let refused = start::delete(&mut bench.world, "s", Some("one".into())).unwrap_err();
    assert_eq!(refused.code, "TokenAlreadyExistsException");
    start::delete(&mut bench.world, "s", Some("two".into())).unwrap();
    start::delete(&mut bench.world, "s", Some("two".into())).unwrap();
}
