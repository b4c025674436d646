//! Stacks of labs made by hand, with the SDK: in any state, and with what others put into their networks.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use aws_sdk_cloudformation::types::{OnFailure, Stack, StackResource, Tag};
use efslab::engine::effect::{Effect, NewStack};
use efslab::engine::event::Ground;
use efslab::journal::{Journal, Place};
use efslab::template::Stage;
use jiff::Timestamp;

use crate::support::{Home, Served};
use crate::sweep::Account;

/// Fast, and yet so that what takes for hours is in progress: at `max` time jumps to its end.
pub const PACE: &str = "100";
/// Beyond what a stack takes here on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a lab is made of, as far as it matters for how it goes: an older version may have made no more of it.
pub const LAB: &str = "Resources:
  Network: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: 10.0.0.0/16 } }
  SubnetA: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: !Ref Network, CidrBlock: 10.0.1.0/24, AvailabilityZone: us-east-1a } }
  SubnetB: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: !Ref Network, CidrBlock: 10.0.2.0/24, AvailabilityZone: us-east-1b } }
  Share: { Type: 'AWS::EFS::FileSystem' }
  Group: { Type: 'AWS::EC2::SecurityGroup', Properties: { GroupDescription: a, VpcId: !Ref Network } }
  Disk: { Type: 'AWS::EC2::Volume', Properties: { AvailabilityZone: us-east-1a, Size: 1 } }
";
/// What takes a while to go.
pub const TARGET: &str = "  TargetA: { Type: 'AWS::EFS::MountTarget', Properties: { FileSystemId: !Ref Share, SubnetId: !Ref SubnetA, SecurityGroups: [!Ref Group] } }
";
/// What never comes, and what that waits for.
pub const WAITS: &str = "  Handle: { Type: 'AWS::CloudFormation::WaitConditionHandle' }
  Never: { Type: 'AWS::CloudFormation::WaitCondition', DependsOn: [Share, Group, SubnetA, Disk], Properties: { Handle: !Ref Handle, Timeout: 43200 } }
";
/// A subnet that is not in its network.
pub const BROKEN: &str = "  Broken: { Type: 'AWS::EC2::Subnet', DependsOn: [Share, Group, Disk], Properties: { VpcId: !Ref Network, CidrBlock: 192.168.0.0/24 } }
";

/// A lab's stack, made by hand.
pub struct Lab<'a> {
    pub account: &'a Account,
    pub id: String,
}

impl Lab<'_> {
    pub fn stack_name(&self) -> String {
        self.id.replacen("lab", "efslab", 1) + "-lab"
    }

    pub fn tag(&self) -> Tag {
        Tag::builder().key("efslab:lab").value(&self.id).build()
    }

    pub fn create(&self, more: &str, on_failure: OnFailure) {
        let create = self.account.cloudformation.create_stack();
        let create = create.stack_name(self.stack_name()).tags(self.tag());
        let create = create.template_body(format!("{LAB}{more}"));
        self.account
            .wait(create.on_failure(on_failure).send())
            .unwrap();
    }

    /// Whatever becomes of its stack, what that has made stays.
    pub fn kept(&self, more: &str) {
        let keeps = format!("{LAB}{more}").replace("{ Type: ", "{ DeletionPolicy: Retain, Type: ");
        let keeps = keeps.replace("    Type: ", "    DeletionPolicy: Retain\n    Type: ");
        let create = self.account.cloudformation.create_stack();
        let create = create.stack_name(self.stack_name()).tags(self.tag());
        self.account
            .wait(create.template_body(keeps).send())
            .unwrap();
        self.is("CREATE_COMPLETE");
    }

    pub fn created(&self, more: &str) {
        self.create(more, OnFailure::DoNothing);
        self.is("CREATE_COMPLETE");
    }

    pub fn update(&self, template: &str, keeps_failures: bool) {
        let update = self.account.cloudformation.update_stack();
        let update = update.stack_name(self.stack_name()).tags(self.tag());
        let update = update.template_body(template);
        let update = update.disable_rollback(keeps_failures);
        self.account.wait(update.send()).unwrap();
    }

    pub fn cancel(&self) {
        let cancel = self.account.cloudformation.cancel_update_stack();
        self.account
            .wait(cancel.stack_name(self.stack_name()).send())
            .unwrap();
    }

    pub fn delete(&self) {
        self.account.delete(&self.stack_name());
    }

    pub fn is(&self, status: &str) {
        self.account.stack_is(&self.stack_name(), status);
    }

    /// Waits until this resource is being made; answers what it is.
    pub fn begins(&self, resource: &str) -> String {
        let name = self.stack_name();
        until(
            || format!("{resource} in {name}"),
            || {
                let all = self.account.resources_of(&name);
                let found = |one: &&StackResource| one.logical_resource_id() == Some(resource);
                let id = all.iter().find(found)?.physical_resource_id()?;
                (!id.is_empty()).then(|| id.to_owned())
            },
        )
    }

    /// What it waits for will not come.
    pub fn fails(&self) {
        self.begins("Never");
        let url = self.begins("Handle");
        let path = url.strip_prefix("http://").unwrap();
        let (host, path) = path.split_once('/').unwrap();
        let body = r#"{"Status":"FAILURE","UniqueId":"1","Data":"","Reason":"by hand"}"#;
        let length = body.len();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "PUT /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Puts something of somebody else's into its network; answers the name of that stack, and what it is.
    pub fn obstructed(&self, resource: &str) -> (String, String) {
        let network = self.begins("Network");
        let name = format!("somebody-{}", self.id);
        let create = self.account.cloudformation.create_stack();
        let template = format!("Resources:\n  Obstacle: {resource}").replace("NETWORK", &network);
        let create = create.stack_name(&name).template_body(template);
        self.account.wait(create.send()).unwrap();
        self.account.stack_is(&name, "CREATE_COMPLETE");
        let made = self.account.resources_of(&name);
        let obstacle = made[0].physical_resource_id().unwrap().to_owned();
        (name, obstacle)
    }

    /// Somebody takes that out again.
    pub fn is_cleared(&self, obstacle: &str) {
        self.account.delete(obstacle);
        until(
            || format!("{obstacle} to go"),
            || self.account.status(obstacle).is_none().then_some(()),
        );
    }
}

/// What somebody may have made there.
pub const GROUP: &str =
    "{ Type: 'AWS::EC2::SecurityGroup', Properties: { GroupDescription: mine, VpcId: NETWORK } }";

impl Account {
    pub fn delete(&self, stack: &str) {
        let delete = self.cloudformation.delete_stack().stack_name(stack);
        self.wait(delete.send()).unwrap();
    }

    pub fn status(&self, stack: &str) -> Option<String> {
        let seen = self.cloudformation.describe_stacks().stack_name(stack);
        let seen = self.wait(seen.send()).ok()?;
        let status = seen.stacks().first().and_then(Stack::stack_status);
        status.map(|status| status.as_str().to_owned())
    }

    #[track_caller]
    pub fn stack_is(&self, stack: &str, status: &str) {
        let what = || format!("{stack} to be {status}: it is {:?}", self.status(stack));
        until(what, || (self.status(stack)? == status).then_some(()));
    }

    pub fn resources_of(&self, stack: &str) -> Vec<StackResource> {
        let seen = self.cloudformation.describe_stack_resources();
        let seen = self.wait(seen.stack_name(stack).send()).unwrap();
        seen.stack_resources().to_vec()
    }
}

/// Waits until something is so.
#[track_caller]
pub fn until<T>(what: impl Fn() -> String, wanted: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = wanted() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {}", what());
        thread::sleep(Duration::from_millis(10));
    }
}

/// An account in which the deletion of a mount target takes so much longer, and is met in progress.
pub fn slow(home: &Home, delay: &str) -> Served {
    let faults = format!("faults: [{{fault: slow-interface, delay: {delay}}}]");
    fs::write(home.path("faults.yaml"), faults).unwrap();
    Served::paced_and_troubled(home, PACE, &home.path("faults.yaml"))
}

/// A journal that knows these labs, as one that was killed once it had asked for their stacks.
pub fn journal_of(home: &Home, served: &Served, labs: &[String]) -> Journal {
    let journal = Journal::open(&home.path("state")).unwrap();
    let place = Place::Endpoint {
        url: served.url().to_owned(),
        region: "us-east-1".to_owned(),
    };
    for lab in labs {
        let now = Timestamp::now();
        journal.add_lab(lab, &place, now).unwrap();
        let wanted = NewStack {
            alarm_email: None,
            name: lab.replacen("lab", "efslab", 1) + "-lab",
            stage: Stage::Share,
            ground: Ground {
                account: "123456789012".to_owned(),
                zones: ["us-east-1a".to_owned(), "us-east-1b".to_owned()],
                instance_type: "t3.micro".to_owned(),
                image: "ami-1".to_owned(),
                ssh_cidr: "198.51.100.7/32".to_owned(),
            },
        };
        journal
            .admit(lab, Effect::CreateStack(wanted), now)
            .unwrap();
    }
    journal
}
