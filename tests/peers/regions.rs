//! Labs in several regions of one account that is not ours: a moto server, which has every region that AWS has. Its
//! CloudWatch does not know the protocol of today's SDKs, so that nobody can tell of alarms: that is told, too.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_cloudformation::types::Tag;
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, Target};

use super::tool;
use crate::support::{Home, outcome};

const VPC: &str =
    "Resources: { Vpc: { Type: AWS::EC2::VPC, Properties: { CidrBlock: 10.0.0.0/16 } } }";
/// Somebody's account, of whom only this is known.
struct Moto {
    child: Child,
    url: String,
    runtime: tokio::runtime::Runtime,
}

impl Moto {
    fn start() -> Self {
        let mut child = tool("moto_server")
            .args(["--host", "127.0.0.1", "--port", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = said.find_map(|line| {
            let line = line.unwrap();
            let (_, url) = line.split_once("Running on ")?;
            Some(url.trim().to_owned())
        });
        // It writes a line for each request.
        std::thread::spawn(move || said.for_each(drop));
        Self {
            child,
            url: url.expect("moto_server says where it is"),
            runtime: tokio::runtime::Runtime::new().unwrap(),
        }
    }

    fn config(&self, region: &'static str) -> SdkConfig {
        let credentials = Credentials::new("test", "test", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .endpoint_url(&self.url)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    fn cloudformation(&self, region: &'static str) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.config(region))
    }

    fn make(&self, region: &'static str, name: &str, template: &str, lab: Option<&str>) {
        let tag = lab.map(|lab| Tag::builder().key("efslab:lab").value(lab).build());
        let stacks = self.cloudformation(region);
        let create = stacks.create_stack().stack_name(name);
        let create = create
            .template_body(template)
            .set_tags(tag.map(|tag| vec![tag]));
        self.runtime.block_on(create.send()).unwrap();
    }

    /// A lease that was over long ago. Moto's stacks make no schedules.
    fn lease_is_over(&self, region: &'static str, name: &str) {
        let scheduler = aws_sdk_scheduler::Client::new(&self.config(region));
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off);
        let target = Target::builder()
            .arn("arn:aws:states:eu-west-1:123456789012:stateMachine:guard")
            .role_arn("arn:aws:iam::123456789012:role/guard");
        let create = scheduler
            .create_schedule()
            .name(name)
            .schedule_expression("rate(5 minutes)")
            .start_date(DateTime::from_secs(0))
            .flexible_time_window(window.build().unwrap())
            .target(target.build().unwrap());
        self.runtime.block_on(create.send()).unwrap();
    }

    /// The names of the stacks in a region.
    fn stacks(&self, region: &'static str) -> Vec<String> {
        let asked = self.cloudformation(region).describe_stacks().send();
        let seen = self.runtime.block_on(asked).unwrap();
        let names = seen.stacks().iter();
        names
            .map(|one| one.stack_name().unwrap().to_owned())
            .collect()
    }

    /// The program, in the shell of whoever has this account.
    fn efslab(&self, home: &Home, arguments: &[&str]) -> Command {
        let mut command = home.efslab(arguments);
        command
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", "us-east-1");
        command
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs moto, which tests/all.sh installs"]
fn labs_in_any_region_are_found_and_go_and_what_cannot_be_told_is_remembered() {
    let home = Home::new();
    let account = Moto::start();
    account.make("ap-southeast-2", "efslab-used-lab", VPC, Some("lab-used"));
    account.make("eu-west-1", "efslab-late-lab", VPC, Some("lab-late"));
    account.lease_is_over("eu-west-1", "efslab-late-guard");
    account.make("eu-west-1", "efslab-of-somebody-lab", VPC, None);

    let all = ["cleanup", "--all", "--target", "aws", "--yes"];
    let (code, out, err) = outcome(&mut account.efslab(&home, &all));
    assert_eq!(code, 3, "{out}{err}");
    for part in [
        "places",
        "lab-used (AWS, ap-southeast-2) is left alone",
        "it has 1 VPC, 1 stack, and no lease",
        "cleanup lab-used --target aws --region ap-southeast-2 --yes` removes it",
    ] {
        assert!(err.contains(part), "{part}: {out}{err}");
    }
    assert_eq!(account.stacks("ap-southeast-2"), ["efslab-used-lab"]);
    assert_eq!(
        account.stacks("eu-west-1"),
        ["efslab-of-somebody-lab"],
        "{out}{err}"
    );
    assert!(out.contains("region eu-west-1"), "{out}{err}");

    // A name alone proves nothing.
    assert!(out.contains("1 LEFT: efslab-late-guard"), "{out}");
    let why = "efslab-late-guard: named as the guard of this lab, whose stack is gone";
    assert!(out.contains(why), "{out}");

    // Nobody could ask for alarms, and nothing else is unknown.
    let untold: Vec<_> = out
        .lines()
        .filter(|line| line.contains("could not tell"))
        .collect();
    assert_eq!(untold.len(), 1, "{out}");
    assert!(untold[0].contains("alarms"), "{out}");
    assert!(untold[0].contains("HTTP status 404"), "{out}");
    assert!(
        out.contains("Whether any alarms are left is not known"),
        "{out}"
    );
    let (_, out, _) = outcome(&mut account.efslab(&home, &["status"]));
    let remembered = "its last cleanup has left schedules, could not tell of alarms";
    assert!(out.contains(remembered), "{out}");
    assert!(!out.contains("lab-used"), "{out}");
    let (_, _, err) = outcome(&mut account.efslab(&home, &["lessons", "list"]));
    assert!(
        err.contains("lab-late may still cost money in AWS, eu-west-1: its last cleanup"),
        "{err}"
    );

    // In another region it is not seen, and not called gone.
    let named = ["cleanup", "lab-used", "--target", "aws", "--yes"];
    let mut wrong = account.efslab(&home, &named);
    let (code, out, err) = outcome(wrong.args(["--region", "eu-west-1"]));
    assert_eq!((code, out.as_str()), (4, ""), "{err}");
    let told = "lab-used was not seen in account 123456789012, eu-west-1";
    assert!(err.contains(told), "{err}");
    assert_eq!(account.stacks("ap-southeast-2"), ["efslab-used-lab"]);

    // Whoever does not know where it is need not say so.
    let (code, out, err) = outcome(&mut account.efslab(&home, &named));
    assert_eq!(code, 4, "{out}{err}");
    assert!(out.contains("region ap-southeast-2"), "{out}{err}");
    assert_eq!(account.stacks("ap-southeast-2"), Vec::<String>::new());
    assert!(out.contains("(1 deleted)"), "{out}");
}

#[test]
fn an_account_that_cannot_be_asked_is_not_taken_for_an_empty_one() {
    let home = Home::new();
    let mut cleanup = home.efslab(&["cleanup", "--all", "--target", "aws"]);
    // Where nobody ever serves.
    cleanup
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1");
    let (code, out, err) = outcome(&mut cleanup);
    assert_eq!(code, 4, "{out}{err}");
    assert!(
        out.contains("Whether there is a lab to clean up is not known"),
        "{out}"
    );
    assert!(err.contains("Connection refused"), "{err}");
    assert!(!err.contains("DispatchFailure"), "{err}");
}
