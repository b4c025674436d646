//! What the practice account costs the computer it runs on: `cargo bench --bench practice` prints a table of the figures
//! in CONTRIBUTING. It drives the real program with OpenSSH's client; nothing is asserted.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a figure that cannot be had ends the measurement"
)]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

#[allow(dead_code, reason = "each benchmark takes of it what it needs")]
mod served;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_sdk_cloudformation::config::{BehaviorVersion, Region};
use aws_sdk_cloudformation::{Client, Config};
use served::{Running, Served, efslab, measuring};

/// How often something is done of which one is too quick to be measured.
const COMMANDS: u32 = 300;
const SHELLS: u32 = 30;

fn main() {
    if !measuring() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure());
}

async fn measure() {
    println!("| what | figure |\n|---|---|");
    let account = Account::serve();
    let idle = account.resident();
    row(
        "resident memory of an account without instances",
        &format!("{:.1} MB", megabytes(idle)),
    );
    let began = Instant::now();
    let first = account.create("one", 1).await;
    row(
        "a stack of network, filesystem and one instance, until one can log in",
        &milliseconds(began),
    );
    let one = account.resident();
    account.create("nine", 9).await;
    let ten = account.resident();
    row(
        "memory for the first instance, with the image",
        &format!("{:.1} MB", megabytes(one - idle)),
    );
    row(
        "memory for each of nine more",
        &format!("{:.2} MB", megabytes(ten - one) / 9.0),
    );

    let mut master = account.ssh(&first.0);
    master.args(["-M", "-N"]);
    master.stderr(Stdio::null()).stdin(Stdio::null());
    let mut master = Running::start(&mut master);
    while !account.socket().exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    over_ssh(&account, &first.0);
    on_disk(&account, &first.0, &first.1, ten);
    master.end();
}

/// Commands and shells.
fn over_ssh(account: &Account, address: &str) {
    let run = |line: &str| account.run(address, line);
    run("true");
    let began = Instant::now();
    for _ in 0..COMMANDS {
        run("true");
    }
    let each = began.elapsed() / COMMANDS;
    let rate = 1.0 / each.as_secs_f64();
    row(
        "commands over one multiplexed connection, one after the other",
        &format!("{rate:.0} a second"),
    );
    let began = Instant::now();
    for _ in 0..COMMANDS {
        let done = account.ssh(address).args(["-O", "check"]).output();
        assert!(done.expect("ssh").status.success());
    }
    let client = began.elapsed() / COMMANDS;
    let share_of_client = 100.0 * client.as_secs_f64() / each.as_secs_f64();
    row(
        "of that, the client's own start",
        &format!("{share_of_client:.0} %"),
    );
    let began = Instant::now();
    for _ in 0..SHELLS {
        account.shell(address);
    }
    row(
        "opening a shell with a terminal, and leaving it",
        &format!("{:.1} ms", (began.elapsed() / SHELLS).as_secs_f64() * 1e3),
    );
}

/// Bytes and files.
fn on_disk(account: &Account, address: &str, share: &str, before: u64) {
    let run = |line: &str| account.run(address, line);
    run(&format!(
        "sudo dnf install -yq nfs-utils && sudo mount -t nfs4 -o nfsvers=4.1 {share}.efs.us-east-1.amazonaws.com:/ /mnt && sudo chmod 777 /mnt"
    ));
    let began = Instant::now();
    let told = run("dd if=/dev/zero of=/mnt/x bs=1M count=1024 conv=fdatasync 2>&1 | tail -1");
    row(
        "`dd` of 1 GiB to the share in blocks of 1 MiB",
        &format!(
            "{} (it says {})",
            milliseconds(began),
            told.trim().rsplit_once(", ").map_or("", |(_, rate)| rate)
        ),
    );
    let began = Instant::now();
    run(
        "sudo sh -c 'echo 3 > /proc/sys/vm/drop_caches'; dd if=/mnt/x of=/dev/null bs=1M 2>&1 | tail -1",
    );
    row("reading it back", &milliseconds(began));
    let began = Instant::now();
    run("mkdir many; cd many; for ((i = 0; i < 100000; i++)); do : > f$i; done");
    row(
        "100,000 files made by a loop of the shell",
        &milliseconds(began),
    );
    let began = Instant::now();
    assert_eq!(run("ls many | wc -l").trim(), "100000");
    row("listing them", &milliseconds(began));
    row(
        "memory for them",
        &format!(
            "{:.1} MB",
            megabytes(account.resident().saturating_sub(before))
        ),
    );
}

fn row(what: &str, figure: &str) {
    println!("| {what} | {figure} |");
}

fn milliseconds(since: Instant) -> String {
    format!("{:.0} ms", since.elapsed().as_secs_f64() * 1e3)
}

#[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// An account of its own, served by the real program.
struct Account {
    directory: tempfile::TempDir,
    served: Served,
    client: Client,
    public_key: String,
}

impl Account {
    fn serve() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("efs")
            .tempdir_in("/tmp")
            .expect("a directory");
        let key = directory.path().join("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f"])
            .arg(&key)
            .status();
        assert!(made.expect("ssh-keygen").success());
        let served = Served::start(directory.path(), &[]);
        let [url, id, secret, region] = [
            "AWS_ENDPOINT_URL",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_DEFAULT_REGION",
        ]
        .map(|name| served.variable(name).to_owned());
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(url)
            .region(Region::new(region))
            .credentials_provider(Credentials::new(id, secret, None, None, "bench"))
            .build();
        Self {
            public_key: std::fs::read_to_string(key.with_extension("pub")).expect("the key"),
            client: Client::from_conf(config),
            served,
            directory,
        }
    }

    /// Bytes of memory that the program has resident.
    fn resident(&self) -> u64 {
        self.served.running.resident()
    }

    /// A stack with so many instances, all of which can be logged in to: the address of the last, and the filesystem.
    async fn create(&self, name: &str, instances: usize) -> (String, String) {
        let template = template(instances);
        let created = self
            .client
            .create_stack()
            .stack_name(name)
            .template_body(template);
        let key = aws_sdk_cloudformation::types::Parameter::builder()
            .parameter_key("PublicKey")
            .parameter_value(self.public_key.trim())
            .build();
        created.parameters(key).send().await.expect("a stack");
        let outputs = loop {
            let described = self.client.describe_stacks().stack_name(name).send().await;
            let stack = described.expect("the stack").stacks()[0].clone();
            match stack
                .stack_status()
                .map(aws_sdk_cloudformation::types::StackStatus::as_str)
            {
                Some("CREATE_COMPLETE") => break stack.outputs().to_vec(),
                Some("CREATE_IN_PROGRESS") => tokio::time::sleep(Duration::from_millis(5)).await,
                other => panic!("{other:?}"),
            }
        };
        let value = |key: &str| {
            let output = outputs
                .iter()
                .find(|output| output.output_key() == Some(key));
            output
                .and_then(|output| output.output_value())
                .expect("an output")
                .to_owned()
        };
        let config = efslab(self.directory.path())
            .args(["practice", "ssh-config"])
            .output()
            .expect("the program");
        std::fs::write(self.directory.path().join("config"), config.stdout).expect("a file");
        for number in 0..instances {
            let address = value(&format!("Address{number}"));
            while !self
                .ssh(&address)
                .arg("true")
                .output()
                .expect("ssh")
                .status
                .success()
            {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        (value(&format!("Address{}", instances - 1)), value("Share"))
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("s")
    }

    fn ssh(&self, address: &str) -> Command {
        let mut command = Command::new("ssh");
        command.arg("-F").arg(self.directory.path().join("config"));
        command.arg("-i").arg(self.directory.path().join("key"));
        for option in [
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
        ] {
            command.args(["-o", option]);
        }
        command
            .arg("-S")
            .arg(self.socket())
            .arg(format!("ec2-user@{address}"));
        command
    }

    fn run(&self, address: &str, line: &str) -> String {
        let done = self
            .ssh(address)
            .arg(line)
            .stdin(Stdio::null())
            .output()
            .expect("ssh");
        assert!(
            done.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    fn shell(&self, address: &str) {
        let mut shell = self.ssh(address);
        // Options come before the host.
        let mut child = shell
            .args(["-tt"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("ssh");
        child
            .stdin
            .take()
            .expect("its input")
            .write_all(b"exit\r")
            .expect("a key");
        assert!(child.wait().expect("ssh").success());
    }
}

/// A network, a filesystem with its mount target, and instances.
fn template(instances: usize) -> String {
    let mut text = String::from(
        "AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  PublicKey: {Type: String}
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16, EnableDnsHostnames: true}}
  Gateway: {Type: 'AWS::EC2::InternetGateway'}
  Attachment: {Type: 'AWS::EC2::VPCGatewayAttachment', Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Subnet: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, MapPublicIpOnLaunch: true}}
  Routes: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc}}
  Route: {Type: 'AWS::EC2::Route', DependsOn: Attachment, Properties: {RouteTableId: !Ref Routes, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}}
  Association: {Type: 'AWS::EC2::SubnetRouteTableAssociation', Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Routes}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: everything
      VpcId: !Ref Vpc
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}
        - {IpProtocol: tcp, FromPort: 2049, ToPort: 2049, CidrIp: 10.0.0.0/16}
  Key: {Type: 'AWS::EC2::KeyPair', Properties: {KeyName: !Ref 'AWS::StackName', PublicKeyMaterial: !Ref PublicKey}}
  FileSystem: {Type: 'AWS::EFS::FileSystem'}
  Target: {Type: 'AWS::EFS::MountTarget', Properties: {FileSystemId: !Ref FileSystem, SubnetId: !Ref Subnet, SecurityGroups: [!Ref Group]}}
",
    );
    let mut outputs = String::from("Outputs:\n  Share: {Value: !Ref FileSystem}\n");
    for number in 0..instances {
        text += &format!(
            "  Instance{number}: {{Type: 'AWS::EC2::Instance', DependsOn: [Route, Target], Properties: {{ImageId: ami-0ef51ab2023000001, InstanceType: t3.micro, KeyName: !Ref Key, SubnetId: !Ref Subnet, SecurityGroupIds: [!Ref Group]}}}}\n"
        );
        outputs += &format!("  Address{number}: {{Value: !GetAtt Instance{number}.PublicIp}}\n");
    }
    text + &outputs
}
