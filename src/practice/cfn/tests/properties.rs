//! Whatever templates follow each other: an update ends where a creation would, or where it began.

use proptest::prelude::*;
use regex::Regex;

use super::*;
use crate::practice::world::Row;

/// What exists in the account, without ids, times and other accidents.
pub(super) fn described(bench: &Bench) -> Vec<String> {
    let world = &bench.world;
    let mut names: Vec<(String, String)> = world
        .resources
        .values()
        .filter_map(|one| Some((one.physical_id.clone()?, one.logical_id.clone())))
        .collect();
    names.extend(
        world
            .stacks
            .ids()
            .into_iter()
            .map(|id| (id, "STACK".into())),
    );
    // Longest first: an association's name begins with another's.
    names.sort_by_key(|(physical, _)| std::cmp::Reverse(physical.len()));
    let accidents = [
        (r"\b[a-z-]+-0[0-9a-f]{16}\b", "ID"),
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
        (r"\b(10|203|198|192)(\.\d+){3}([^/\d])", "ADDRESS$3"),
        (r"(:[0-9a-f]{2}){5}", "MAC"),
        (r"s-([A-Za-z]+)-[A-Z0-9]{12}", "s-$1"),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).unwrap(), name));
    let mut rows: Vec<String> = rows(world)
        .into_iter()
        .filter(|(kind, ..)| !kind.starts_with("stack") && *kind != "change-set")
        .map(|(kind, id, json)| {
            let mut row: serde_json::Value = serde_json::from_str(&json.unwrap()).unwrap();
            if let Some(rules) = row.get_mut("rules").and_then(|rules| rules.as_array_mut()) {
                for rule in rules.iter_mut() {
                    rule["id"] = "rule".into();
                }
                rules.sort_by_key(ToString::to_string);
            }
            let mut text = format!("{kind} {id} {row}");
            for (physical, logical) in &names {
                text = text.replace(physical, logical);
            }
            for (accident, name) in &accidents {
                text = accident.replace_all(&text, *name).into_owned();
            }
            text
        })
        .collect();
    rows.sort();
    rows
}

/// All rows, as if they had just been made.
fn rows(world: &World) -> Vec<Row> {
    world.rows().unwrap()
}

/// A small template of many, valid or not.
#[derive(Debug, Clone)]
struct Shape {
    wide: bool,
    hostnames: bool,
    subnet: Option<bool>,
    group: u8,
    friends: bool,
    files: Option<(bool, bool)>,
    target: bool,
    gateway: Option<bool>,
    tag: u8,
}

impl Shape {
    fn template(&self) -> String {
        let mut lines = vec![format!(
            "Vpc: {{Type: 'AWS::EC2::VPC', Properties: {{CidrBlock: {}, EnableDnsHostnames: {}}}}}",
            if self.wide {
                "10.0.0.0/16"
            } else {
                "10.0.0.0/20"
            },
            self.hostnames
        )];
        let mut add = |text: String| lines.push(text);
        if let Some(public) = self.subnet {
            add(format!(
                "Subnet: {{Type: 'AWS::EC2::Subnet', Properties: {{VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, MapPublicIpOnLaunch: {public}}}}}"
            ));
        }
        // Its description replaces it, its rules do not.
        let rules: Vec<String> = (1..=self.group % 4)
            .map(|port| format!("{{IpProtocol: tcp, FromPort: {port}, ToPort: 99, CidrIp: 10.0.0.0/8, Description: of {}}}", self.group))
            .collect();
        add(format!(
            "Group: {{Type: 'AWS::EC2::SecurityGroup', Properties: {{VpcId: !Ref Vpc, GroupDescription: g{}, SecurityGroupIngress: [{}], Tags: [{{Key: t, Value: {}}}]}}}}",
            self.group / 4,
            rules.join(", "),
            self.tag
        ));
        if self.friends {
            add("Friends: {Type: 'AWS::EC2::SecurityGroup', Properties: {VpcId: !Ref Vpc, GroupDescription: f, SecurityGroupEgress: [{IpProtocol: '-1', DestinationSecurityGroupId: !Ref Group}]}}".into());
        }
        if let Some((encrypted, elastic)) = self.files {
            add(format!(
                "Files: {{Type: 'AWS::EFS::FileSystem', Properties: {{Encrypted: {encrypted}, ThroughputMode: {}, FileSystemTags: [{{Key: t, Value: {}}}]}}}}",
                if elastic { "elastic" } else { "bursting" },
                self.tag
            ));
            if self.target && self.subnet.is_some() {
                let group = if self.friends { "Friends" } else { "Group" };
                add(format!(
                    "Target: {{Type: 'AWS::EFS::MountTarget', Properties: {{FileSystemId: !Ref Files, SubnetId: !Ref Subnet, SecurityGroups: [!Ref {group}]}}}}"
                ));
            }
        }
        if let Some(route) = self.gateway {
            add("Gateway: {Type: 'AWS::EC2::InternetGateway'}".into());
            add("Door: {Type: 'AWS::EC2::VPCGatewayAttachment', Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}".into());
            add("Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc}}".into());
            if route {
                add("Route: {Type: 'AWS::EC2::Route', DependsOn: Door, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}}".into());
            }
            if self.tag > 1 {
                // Lies in the network's own range.
                add("Wrong: {Type: 'AWS::EC2::Route', DependsOn: [Door, Group], Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 10.0.1.0/24, GatewayId: !Ref Gateway}}".into());
            }
        }
        format!("Resources:\n  {}\n", lines.join("\n  "))
    }
}

impl Shape {
    /// Whether AWS refuses to go from here to there although there could be created: a new network is there before the
    /// old one has gone, but a gateway has one network, and a filesystem one mount target in a zone.
    fn is_in_the_way(&self, next: &Self) -> bool {
        let target = |shape: &Self| shape.target && shape.subnet.is_some() && shape.files.is_some();
        self.wide != next.wide
            && (self.gateway.and(next.gateway).is_some() || target(self) && target(next))
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let maybe = |chance: f64| proptest::option::weighted(chance, any::<bool>());
    (
        (
            prop::bool::weighted(0.8),
            any::<bool>(),
            maybe(0.7),
            0_u8..8,
        ),
        (
            any::<bool>(),
            proptest::option::weighted(0.6, any::<(bool, bool)>()),
        ),
        (any::<bool>(), maybe(0.4), 0_u8..3),
    )
        .prop_map(
            |((wide, hostnames, subnet, group), (friends, files), (target, gateway, tag))| Shape {
                wide,
                hostnames,
                subnet,
                group,
                friends,
                files,
                target,
                gateway,
                tag,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_update_ends_where_a_creation_would_or_where_it_began(
        shapes in proptest::collection::vec(shape(), 2..6),
        restarts in any::<bool>(),
    ) {
        let mut bench = Bench::new();
        let mut stack: Option<String> = None;
        let mut last: Option<Shape> = None;
        for shape in shapes {
            let template = shape.template();
            let mut fresh = Bench::new();
            let created = fresh.create(&template, &[]);
            fresh.pass(HOUR);
            let possible = fresh.status(&created) == StackStatus::CreateComplete;
            let Some(stack) = &stack else {
                if possible {
                    stack = Some(bench.created(&template));
                    last = Some(shape);
                }
                continue;
            };
            let before = described(&bench);
            if let Err(error) = bench.update(&template) {
                prop_assert_eq!(error.message, "No updates are to be performed.");
                prop_assert_eq!(before, described(&fresh));
                continue;
            }
            while bench.status(stack).in_progress() {
                if restarts {
                    bench.engine = Engine::default();
                }
                bench.pass(SignedDuration::from_secs(7));
            }
            let (status, now) = (bench.status(stack), described(&bench));
            match status {
                StackStatus::UpdateComplete => {
                    prop_assert!(possible);
                    prop_assert_eq!(bench.world.stacks.get(stack).unwrap().reason.clone(), None);
                    prop_assert_eq!(now, described(&fresh));
                    last = Some(shape);
                }
                StackStatus::UpdateRollbackComplete => {
                    prop_assert_eq!(now, before);
                    let last = last.as_ref().unwrap();
                    prop_assert!(!possible || last.is_in_the_way(&shape), "{:?}", bench.story(stack));
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
