//! Labs that another version of the program has made, and what has lost its stack: what the journal says of them is read, what
//! the account has of them goes.

use std::fs;

use efslab::engine::effect::Known;
use efslab::journal::Journal;
use rusqlite::Connection;

use crate::stacks::{Lab, PACE, journal_of, until};
use crate::support::{Home, Served, outcome};
use crate::sweep::Account;

/// What the first journals held of a lab: no more than these fields.
const PLACE: &str = r#"{"Endpoint":{"url":"URL","region":"us-east-1"}}"#;
const PROGRESS: &str = r#"{"lesson":"share-files","step":1,"steps":[{"lesson":"why-efs","step":"three-ways","passed":"yes","hints":0,"answer":null}]}"#;
const WANTED: &str = r#"{"name":"efslab-01-lab","stage":"share","ground":{"account":"123456789012","zones":["us-east-1a","us-east-1b"],"instance_type":"t3.micro","image":"ami-1","ssh_cidr":"198.51.100.7/32"}}"#;
const KNOWN: &str = r#"{"account":null,"stacks":[],"vpcs":[],"file_systems":[]}"#;

/// A guard that did its work in another way: it has no schedule of this name, and a machine that does nothing.
const GUARD: &str = "Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{ Effect: Allow, Principal: { Service: states.amazonaws.com }, Action: 'sts:AssumeRole' }]
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: !Ref AWS::StackName
      RoleArn: !GetAtt Role.Arn
      DefinitionString: '{\"StartAt\":\"Nothing\",\"States\":{\"Nothing\":{\"Type\":\"Succeed\"}}}'
";

#[test]
fn a_lab_of_an_older_version_is_read_shown_and_cleaned_up_with_a_guard_of_its_time() {
    let home = Home::new();
    let served = Served::paced(&home, PACE);
    let account = Account::of(&served);
    let untouched = account.everything();
    let lab = Lab {
        account: &account,
        id: "lab-01".to_owned(),
    };
    lab.created("");
    let guard = account.cloudformation.create_stack();
    let guard = guard.stack_name("efslab-01-guard").template_body(GUARD);
    let guard = guard.capabilities(aws_sdk_cloudformation::types::Capability::CapabilityIam);
    account.wait(guard.tags(lab.tag()).send()).unwrap();
    account.stack_is("efslab-01-guard", "CREATE_COMPLETE");

    drop(Journal::open(&home.path("state")).unwrap());
    let journal = Connection::open(home.path("state/journal.db")).unwrap();
    let place = PLACE.replace("URL", served.url());
    let at = "2025-01-01T00:00:00Z";
    journal
        .execute(
            "INSERT INTO lab (id, place, made, driven, progress, known) VALUES ('lab-01', ?1, ?2, ?2, ?3, ?4)",
            [&place, at, PROGRESS, KNOWN],
        )
        .unwrap();
    journal
        .execute(
            "INSERT INTO intent (lab, kind, subject, at) VALUES ('lab-01', 'create-stack', ?1, ?2)",
            [WANTED, at],
        )
        .unwrap();
    drop(journal);

    let (code, out, err) = outcome(&mut served.efslab(&home, &["status"]));
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("share-files, step 2: in the account: stack efslab-01-lab"),
        "{out}"
    );
    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("taking away the guard"), "{out}");
    assert_eq!(account.everything(), untouched);
}

#[test]
fn a_journal_of_a_later_version_is_refused_in_words_and_stays_as_it_is() {
    let home = Home::new();
    let (code, out, err) = home.run(&["run", "why-efs", "--keep", "--pace", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    let file = home.path("state/journal.db");
    let journal = Connection::open(&file).unwrap();
    journal.pragma_update(None, "user_version", 99).unwrap();
    let empty = journal.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    empty.unwrap();
    drop(journal);
    let before = fs::read(&file).unwrap();
    for arguments in [
        &["status"][..],
        &["cleanup"],
        &["cleanup", "--all"],
        &["run", "why-efs"],
        &["resume"],
        &["ssh", "a"],
    ] {
        let (code, out, err) = home.run(arguments);
        assert_eq!(code, 1, "{arguments:?}: {out}{err}");
        for part in ["later version of efslab", "nothing was changed"] {
            assert!(err.contains(part), "{arguments:?}: {err}");
        }
    }
    let (code, out, _) = home.run(&["doctor"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("problem  state directory"), "{out}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

/// What keeps its resources when it is deleted; among them what needs another one to be gone first.
const MORE: &str = "  TargetA: { Type: 'AWS::EFS::MountTarget', Properties: { FileSystemId: !Ref Share, SubnetId: !Ref SubnetA, SecurityGroups: [!Ref Group] } }
  Gateway: { Type: 'AWS::EC2::InternetGateway' }
  Attached: { Type: 'AWS::EC2::VPCGatewayAttachment', Properties: { VpcId: !Ref Network, InternetGatewayId: !Ref Gateway } }
  Routes: { Type: 'AWS::EC2::RouteTable', Properties: { VpcId: !Ref Network } }
  RoutesOfA: { Type: 'AWS::EC2::SubnetRouteTableAssociation', Properties: { SubnetId: !Ref SubnetA, RouteTableId: !Ref Routes } }
  Second: { Type: 'AWS::EC2::SecurityGroup', Properties: { GroupDescription: b, VpcId: !Ref Network, SecurityGroupIngress: [{ IpProtocol: tcp, FromPort: 2049, ToPort: 2049, SourceSecurityGroupId: !Ref Group }] } }
  Key: { Type: 'AWS::EC2::KeyPair', Properties: { KeyName: orphan, PublicKeyMaterial: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIES4FQ0zITInEUonOzar54frcIgb0WrfwQodqiIQbjz+ } }
  Low:
    Type: AWS::CloudWatch::Alarm
    Properties: { Namespace: AWS/EFS, MetricName: BurstCreditBalance, Statistic: Average, Period: 600, EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: LessThanThreshold }
";

#[test]
fn what_was_kept_when_its_stack_was_deleted_goes_by_its_tag_with_the_state_directory_and_without() {
    let (home, elsewhere) = (Home::new(), Home::new());
    let served = Served::paced(&home, PACE);
    let account = Account::of(&served);
    let untouched = account.everything();
    for knows in [true, false] {
        let lab = Lab {
            account: &account,
            id: "lab-01".to_owned(),
        };
        lab.kept(MORE);
        if knows {
            drop(journal_of(&home, &served, &["lab-01".to_owned()]));
        }
        lab.delete();
        until(
            || "the stack to go".to_owned(),
            || account.status(&lab.stack_name()).is_none().then_some(()),
        );
        let left = account.everything();
        for kind in [
            "vpc-", "subnet-", "fs-", "sg-", "vol-", "igw-", "rtb-", "key-",
        ] {
            let count = |ids: &std::collections::BTreeSet<String>| {
                ids.iter().filter(|id| id.starts_with(kind)).count()
            };
            assert!(count(&left) > count(&untouched), "{kind}: {left:?}");
        }
        let (computer, all) = if knows {
            (&home, vec!["cleanup"])
        } else {
            (
                &elsewhere,
                vec!["cleanup", "--all", "--yes", "--endpoint-url", served.url()],
            )
        };
        let (code, out, err) = outcome(&mut served.efslab(computer, &all));
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.contains("Nothing is left."), "{out}");
        assert_eq!(account.everything(), untouched);
    }
}

#[test]
fn a_cleanup_that_could_not_be_verified_says_so_to_machines_too() {
    let home = Home::new();
    let expires = "faults: [{fault: expired-token, operation: 'ec2:DescribeKeyPairs'}]";
    fs::write(home.path("faults.yaml"), expires).unwrap();
    let served = Served::troubled(&home, &home.path("faults.yaml"));
    let cleanup = |lab: &str| {
        let arguments = [
            "cleanup",
            lab,
            "--json",
            "--yes",
            "--endpoint-url",
            served.url(),
        ];
        let (code, out, err) = outcome(&mut served.efslab(&home, &arguments));
        let rows: serde_json::Value = serde_json::from_str(&out).expect("JSON and nothing else");
        assert_eq!(code, 4, "{out}{err}");
        assert_eq!(rows[0]["lab"], lab);
        assert_eq!(rows[0]["clean"], false);
        rows[0].clone()
    };
    // Nobody here knows of it, and nothing of it is seen there.
    let row = cleanup("lab-00");
    let why = row["error"].as_str().unwrap();
    assert!(why.contains("lab-00 was not seen in account"), "{why}");

    drop(journal_of(&home, &served, &["lab-01".to_owned()]));
    let row = cleanup("lab-01");
    let rows = row["receipt"]["rows"].as_array().unwrap();
    let keys = rows.iter().find(|row| row["kind"] == "key pairs").unwrap();
    let why = keys["answer"]["CouldNotTell"].as_str().unwrap();
    assert!(why.contains("Expired"), "{why}");
    let empty = rows.iter().filter(|row| row["answer"] == "Empty").count();
    assert!(empty > 10, "what was told is told: {rows:?}");

    // A lab of another account: that one has not answered, and nothing is claimed of it.
    let journal = journal_of(&home, &served, &["lab-02".to_owned()]);
    let known = Known {
        account: Some("999999999999".to_owned()),
        ..Known::default()
    };
    journal.note_known("lab-02", &known).unwrap();
    drop(journal);
    let row = cleanup("lab-02");
    let why = row["error"].as_str().unwrap();
    assert!(why.contains("lab-02 is in account 999999999999"), "{why}");
    let (_, out, _) = outcome(&mut served.efslab(&home, &["status"]));
    let mut lines = out.lines();
    let line = lines.find(|line| line.starts_with("lab-02")).unwrap();
    assert!(line.contains("in the account: stack"), "{line}");
}
