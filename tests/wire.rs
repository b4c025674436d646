//! What nobody should send, sent all the same: every request is answered, soon, by a refusal that is not the account's own
//! failure, and costs it no memory.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{Home, Served};

/// Longer than any answer takes, be the computer ever so busy; an answer that never comes takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a request may cost beside its own few kilobytes, and those of an account that does something for the first time.
const ROOM: u64 = 64 << 20;
/// Requests of each kind.
const CASES: u32 = 300;

/// A request that is signed as it should be.
#[derive(Debug, Clone)]
struct Request {
    service: &'static str,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Request {
    fn post(service: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            service,
            method: "POST",
            path: "/".into(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    fn head(&self, served: &Served) -> String {
        let authority = served.url().trim_start_matches("http://");
        let (key, secret) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
        let (key, secret) = (served.variable(key), served.variable(secret));
        let identity = Credentials::new(key, secret, None, None, "wire").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name(self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let url = format!("{}{}", served.url(), self.path);
        let headers = [("host", authority)].into_iter();
        let body = SignableBody::Bytes(&self.body);
        let request = SignableRequest::new(self.method, url, headers, body).unwrap();
        let (signed, _) = sign(request, &parameters).unwrap().into_parts();
        let given = self.headers.iter();
        let given = given.map(|(name, value)| format!("{name}: {value}\r\n"));
        let signed = signed
            .headers()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let headers: String = given.chain(signed).collect();
        format!(
            "{} {} HTTP/1.1\r\nhost: {authority}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
            self.method,
            self.path,
            self.body.len(),
        )
    }

    /// Status and body of the answer.
    fn send(&self, served: &Served) -> (u16, String) {
        let answer = raw(
            served,
            &[self.head(served).as_bytes(), &self.body].concat(),
            false,
        );
        let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no answer but {answer:?} to {self:?}"));
        (status, answer)
    }
}

/// Whatever comes back for these bytes.
fn raw(served: &Served, bytes: &[u8], ends: bool) -> String {
    let authority = served.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // Who is refused early may be hung up on while he still speaks.
    let _ = stream.write_all(bytes);
    if ends {
        // Else more might come; whoever has asked already must not, or he is taken for gone.
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
    let mut answer = Vec::new();
    if let Err(why) = stream.read_to_end(&mut answer) {
        let waited = matches!(
            why.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        );
        assert!(!waited, "no answer to {:?}", String::from_utf8_lossy(bytes));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// An account that has seen one request of each service, so that what comes next is compared with that.
fn warm() -> (Home, Served, u64) {
    let home = Home::new();
    let served = Served::start(&home);
    assert_eq!(create(&served, "good", GOOD, false).0, 200);
    for service in [
        "ec2",
        "iam",
        "ssm",
        "elasticfilesystem",
        "monitoring",
        "scheduler",
        "states",
    ] {
        Request::post(service, "Action=Nonsense").send(&served);
    }
    let peak = served.peak();
    (home, served, peak)
}

fn still_well(served: &Served, before: u64) {
    let asked = Request::post("sts", "Action=GetCallerIdentity&Version=2011-06-15");
    let (status, answer) = asked.send(served);
    assert_eq!(status, 200, "{answer}");
    let grown = served.peak() - before;
    assert!(grown < ROOM, "{} MiB more", grown >> 20);
}

const GOOD: &str = "Resources: {Handle: {Type: 'AWS::CloudFormation::WaitConditionHandle'}}";

/// CreateStack; with the value of a parameter that most of the hostile ones have.
fn create(served: &Served, name: &str, template: &str, given: bool) -> (u16, String) {
    let mut form = form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", "CreateStack")
        .append_pair("Version", "2010-05-15")
        .append_pair("StackName", name)
        .append_pair("TemplateBody", template)
        .finish();
    if given {
        form += "&Parameters.member.1.ParameterKey=P&Parameters.member.1.ParameterValue=";
        form += &",".repeat(4096);
    }
    Request::post("cloudformation", form).send(served)
}

fn many(count: usize, one: impl Fn(usize) -> (String, Value)) -> Value {
    Value::Object((0..count).map(one).collect())
}

/// Name, template, and what the refusal speaks of.
fn hostile() -> Vec<(&'static str, String, &'static str)> {
    let handle = json!({"Type": "AWS::CloudFormation::WaitConditionHandle"});
    let gateway = |on: Value| json!({"Type": "AWS::EC2::InternetGateway", "DependsOn": on});
    let text = "x".repeat(30_000);
    let hundred = |name: &str| [name; 100].join(",");
    let levels = format!(
        "a: &a {text}\nb: &b [{}]\nc: &c [{}]\nd: [{}]",
        hundred("*a"),
        hundred("*b"),
        hundred("*c")
    );
    // What is wrong with it is found last, when all conditions are decided.
    let deciding = |conditions: Value| {
        json!({
            "Parameters": {"P": {"Type": "String"}},
            "Conditions": conditions,
            "Resources": {"A": gateway("B".into()), "B": gateway("A".into())},
        })
        .to_string()
    };
    let equals = |value: Value| json!({"Fn::Equals": [value, "no"]});
    let split = json!({"Fn::Join": ["", {"Fn::Split": [",", {"Ref": "P"}]}]});
    let mut nested = json!({"Ref": "P"});
    for _ in 0..20 {
        nested = json!({"Fn::Join": ["", [nested]]});
    }
    vec![
        ("aliases", levels, "aliases are not allowed"),
        ("lists in lists", "[".repeat(50_000), "not well-formed"),
        ("objects in objects", "{\"a\":".repeat(10_000), "not well-formed"),
        ("tags in tags", format!("a: {}", "!Sub [".repeat(8_000)), "not well-formed"),
        (
            "blocks in blocks",
            (0..300).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
            "not well-formed",
        ),
        (
            "a cycle",
            json!({"Resources": many(400, |one| {
                (format!("R{one}"), gateway(format!("R{}", (one + 1) % 400).into()))
            })})
            .to_string(),
            "Circular dependency",
        ),
        (
            "a huge name",
            json!({"Resources": {"A".repeat(50_000): handle.clone()}}).to_string(),
            "Template",
        ),
        (
            "huge numbers of resources",
            json!({"Resources": many(600, |one| (format!("R{one}"), handle.clone()))}).to_string(),
            "Number of resources, 600",
        ),
        (
            "conditions in a ring",
            deciding(many(600, |one| {
                let next = format!("C{}", (one + 1) % 600);
                (format!("C{one}"), json!({"Fn::Not": [{"Condition": next}]}))
            })),
            "Circular dependency between conditions",
        ),
        (
            "texts that grow",
            deciding(json!({
                "Long": equals(json!({"Fn::Sub": "${P}".repeat(10_000)})),
                "Deep": equals(nested),
            })),
            "no text of more than 1 MiB",
        ),
        (
            "lists that grow",
            deciding(many(400, |one| (format!("C{one}"), equals(split.clone())))),
            "Circular dependency between resources",
        ),
        (
            "patterns that grow",
            json!({
                "Parameters": many(150, |one| {
                    (format!("P{one}"), json!({"Type": "String", "Default": "a", "AllowedPattern": "(.{300}){30}"}))
                }),
                "Resources": {"Handle": handle.clone()},
            })
            .to_string(),
            "AllowedPattern",
        ),
        ("no text", "\0".repeat(20_000), "not well-formed"),
        ("nothing", " ".into(), "Template"),
    ]
}

#[test]
fn hostile_templates_are_refused_at_once_and_cost_no_memory() {
    let (_home, served, before) = warm();
    for (name, template, told) in hostile() {
        assert!(template.len() <= 51_200, "{name} is refused for its length");
        let began = Instant::now();
        let given = template.contains("\"P\":");
        let (status, answer) = create(&served, "hostile", &template, given);
        let took = began.elapsed();
        assert_eq!(status, 400, "{name}: {answer}");
        assert!(
            answer.contains("<Code>ValidationError</Code>"),
            "{name}: {answer}"
        );
        assert!(answer.contains(told), "{name}: {answer}");
        let grown = served.peak() - before;
        assert!(grown < ROOM, "{name}: {} MiB in {took:?}", grown >> 20);
        assert!(took < Duration::from_secs(10), "{name} took {took:?}");
    }
    still_well(&served, before);
}

/// Any JSON.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((word(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Names that requests have, and any other text.
fn word() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "StackName",
        "TemplateBody",
        "Parameters",
        "member",
        "Tags",
        "Tag",
        "Key",
        "Value",
        "Filter",
        "Name",
        "VpcId",
        "InstanceId",
        "Size",
        "MaxResults",
        "NextToken",
        "Resources",
        "Type",
        "Properties",
        "Ref",
        "Fn::Sub",
        "Fn::If",
        "AlarmName",
        "AlarmNames",
        "MetricDataQueries",
        "StartTime",
        "Period",
        "Names",
        "RoleName",
        "name",
        "definition",
        "roleArn",
        "StartAt",
        "States",
        "ScheduleExpression",
        "Target",
        "PolicyDocument",
        "Statement",
        "AWS::EC2::VPC",
        "AWS::NoValue",
        "DryRun",
        "true",
        "-1",
        "1",
        "2",
        "99999999999999999999",
        "2026-01-01T00:00:00Z",
        "arn:aws:x",
        "${",
        "${!",
        "*",
    ];
    prop_oneof![
        3 => select(KNOWN).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[a-z0-9.:/-]{0,40}",
    ]
}

fn action() -> impl Strategy<Value = (&'static str, &'static str, &'static str)> {
    const CLOUDFORMATION: &str = "2010-05-15";
    const EC2: &str = "2016-11-15";
    const IAM: &str = "2010-05-08";
    const CLOUDWATCH: &str = "2010-08-01";
    select(vec![
        ("cloudformation", CLOUDFORMATION, "CreateStack"),
        ("cloudformation", CLOUDFORMATION, "CreateChangeSet"),
        ("cloudformation", CLOUDFORMATION, "ValidateTemplate"),
        ("cloudformation", CLOUDFORMATION, "DescribeStacks"),
        ("cloudformation", CLOUDFORMATION, "DescribeStackEvents"),
        ("cloudformation", CLOUDFORMATION, "UpdateStack"),
        ("ec2", EC2, "DescribeInstances"),
        ("ec2", EC2, "DescribeVpcs"),
        ("ec2", EC2, "DescribeVolumes"),
        ("ec2", EC2, "CreateVolume"),
        ("ec2", EC2, "CreateTags"),
        ("ec2", EC2, "AuthorizeSecurityGroupIngress"),
        ("ec2", EC2, "ImportKeyPair"),
        ("ec2", EC2, "DescribeSnapshots"),
        ("iam", IAM, "CreateRole"),
        ("iam", IAM, "PutRolePolicy"),
        ("iam", IAM, "ListRoles"),
        ("sts", "2011-06-15", "GetCallerIdentity"),
        ("monitoring", CLOUDWATCH, "GetMetricData"),
        ("monitoring", CLOUDWATCH, "PutMetricAlarm"),
        ("monitoring", CLOUDWATCH, "DescribeAlarms"),
        ("cloudformation", CLOUDFORMATION, "SignalResource"),
        ("ec2", EC2, "DescribeInstanceAttribute"),
    ])
}

/// A form in which names nest, repeat and lead nowhere.
fn query() -> impl Strategy<Value = Request> {
    let name = vec(word(), 1..5).prop_map(|parts| parts.join("."));
    let value = prop_oneof![word(), document().prop_map(|value| value.to_string())];
    (action(), vec((name, value), 0..8)).prop_map(|((service, version, action), pairs)| {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", version)
            .extend_pairs(pairs)
            .finish();
        Request::post(service, form)
    })
}

fn rest() -> impl Strategy<Value = Request> {
    let methods = select(vec!["GET", "PUT", "POST", "DELETE", "PATCH"]);
    let segments = prop_oneof![
        select(vec![
            "file-systems",
            "mount-targets",
            "resource-tags",
            "fs-1",
            "..",
            "%00",
            "%ff",
            "%",
            "+",
            "",
            "backup-policy"
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9-]{0,300}",
    ];
    (
        methods,
        vec(segments, 0..5),
        "[a-zA-Z0-9&=%+.-]{0,60}",
        document(),
    )
        .prop_map(|(method, segments, query, body)| Request {
            method,
            path: format!("/2015-02-01/{}?{query}", segments.join("/")),
            ..Request::post("elasticfilesystem", body.to_string())
        })
}

fn schedules() -> impl Strategy<Value = Request> {
    let methods = select(vec!["GET", "PUT", "POST", "DELETE"]);
    let paths = select(vec![
        "/schedules",
        "/schedules/a",
        "/schedule-groups",
        "/schedules/%",
    ]);
    (methods, paths, "[a-zA-Z0-9&=%+.-]{0,60}", document()).prop_map(
        |(method, path, query, body)| Request {
            method,
            path: format!("{path}?{query}"),
            ..Request::post("scheduler", body.to_string())
        },
    )
}

fn targeted() -> impl Strategy<Value = Request> {
    let targets = select(vec![
        ("ssm", "AmazonSSM.GetParameter"),
        ("ssm", "AmazonSSM.GetParameters"),
        ("monitoring", "GraniteServiceVersion20100801.PutMetricAlarm"),
        ("monitoring", "GraniteServiceVersion20100801.GetMetricData"),
        ("monitoring", "GraniteServiceVersion20100801.DescribeAlarms"),
        ("monitoring", "GraniteServiceVersion20100801."),
        ("ssm", "AmazonSSM.GetParametersByPath"),
        ("states", "AWSStepFunctions.CreateStateMachine"),
        ("states", "AWSStepFunctions.ListStateMachines"),
        ("states", "AWSStepFunctions.StartExecution"),
    ]);
    (targets, document()).prop_map(|((service, target), body)| Request {
        headers: vec![("x-amz-target", target.to_owned())],
        ..Request::post(service, body.to_string())
    })
}

fn cbor() -> impl Strategy<Value = Request> {
    let operations = select(vec![
        "GetMetricData",
        "PutMetricAlarm",
        "DescribeAlarms",
        "SetAlarmState",
        "TagResource",
    ]);
    let bodies = prop_oneof![
        document().prop_map(|document| {
            let mut bytes = Vec::new();
            ciborium::into_writer(&document, &mut bytes).unwrap();
            bytes
        }),
        // Nested arrays without end, lengths that nothing follows, any bytes.
        (0_usize..60_000).prop_map(|depth| vec![0x81; depth]),
        select(vec![0x5b_u8, 0x7b, 0x9b, 0xbb])
            .prop_map(|kind| [vec![kind], vec![0xff; 8]].concat()),
        vec(any::<u8>(), 0..200),
    ];
    (operations, bodies).prop_map(|(operation, body)| Request {
        path: format!("/service/GraniteServiceVersion20100801/operation/{operation}"),
        headers: vec![("smithy-protocol", "rpc-v2-cbor".to_owned())],
        ..Request::post("monitoring", body)
    })
}

/// A request with some of its bytes changed, dropped or put in; it is signed as it is then.
fn damaged(requests: impl Strategy<Value = Request>) -> impl Strategy<Value = Request> {
    let damage = vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 0..4);
    (requests, damage).prop_map(|(mut request, damage)| {
        for (at, byte, kind) in damage {
            let at = at.index(request.body.len() + 1);
            match (kind, request.body.get_mut(at)) {
                (0, Some(there)) => *there = byte,
                (1, Some(_)) => request.body.truncate(at),
                _ => request.body.insert(at, byte),
            }
        }
        request
    })
}

fn for_all<T: Strategy>(strategy: &T, check: impl Fn(T::Value)) {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let checked = TestRunner::new(config).run(strategy, |value| {
        check(value);
        Ok(())
    });
    if let Err(why) = checked {
        panic!("{why}");
    }
}

#[test]
fn whatever_is_signed_is_answered_and_never_by_a_failure_of_the_account() {
    let (_home, served, before) = warm();
    let strategy = prop_oneof![
        2 => damaged(query()),
        1 => damaged(rest()),
        1 => damaged(schedules()),
        1 => damaged(targeted()),
        1 => damaged(cbor()),
    ];
    for _ in 0..4 {
        for_all(&strategy, |request| {
            let (status, answer) = request.send(&served);
            assert!((200..500).contains(&status), "{request:?}: {answer}");
        });
    }
    still_well(&served, before);
}

#[test]
fn bytes_that_are_no_request_and_headers_that_say_nothing_do_no_harm() {
    let (_home, served, before) = warm();
    for_all(&vec(any::<u8>(), 0..400), |bytes| {
        raw(&served, &bytes, true);
    });
    let header = select(vec![
        "authorization",
        "x-amz-date",
        "host",
        "x-amz-target",
        "x-amz-security-token",
    ]);
    let value = prop_oneof![
        "[ -~]{0,200}",
        "AWS4-HMAC-SHA256 Credential=[A-Z0-9/]{0,80}, SignedHeaders=[a-z;-]{0,40}, Signature=[0-9a-f]{0,70}",
        Just("AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0".to_owned()),
    ];
    for_all(&vec((header, value), 0..5), |headers| {
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let answer = raw(
            &served,
            format!("POST / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n{lines}\r\n")
                .as_bytes(),
            false,
        );
        assert!(answer.starts_with("HTTP/1.1 4"), "{headers:?}: {answer}");
    });
    // One header as long as there may be, and longer.
    for length in [10_000, 10_000_000] {
        let long = format!(
            "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: {}\r\n\r\n",
            "a".repeat(length)
        );
        let answer = raw(&served, long.as_bytes(), true);
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    still_well(&served, before);
}
