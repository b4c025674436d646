//! Stacks as textbooks of 2018 wrote them: they create, work over ssh, back themselves up and go away, with the stumbling
//! block that one of them has.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_cloudformation::types::Capability;
use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{SnapshotState, Volume};
use tokio::runtime::Runtime;

use crate::support::{Home, Served, outcome};

/// Until something happens that takes milliseconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// An account with the reader's key in it.
struct Reader {
    home: Home,
    served: Served,
    runtime: Runtime,
    cloudformation: aws_sdk_cloudformation::Client,
    ec2: aws_sdk_ec2::Client,
}

impl Reader {
    fn new() -> Self {
        let home = Home::new();
        let served = Served::start(&home);
        let runtime = Runtime::new().unwrap();
        let config = served.config();
        let path = home.path("mykey");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        let reader = Self {
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            ec2: aws_sdk_ec2::Client::new(&config),
            home,
            served,
            runtime,
        };
        let public = std::fs::read(reader.home.path("mykey.pub")).unwrap();
        let import = reader.ec2.import_key_pair().key_name("mykey");
        let imported = import.public_key_material(Blob::new(public)).send();
        reader.runtime.block_on(imported).unwrap();
        reader
    }

    /// Creates a stack; answers with its outputs, sorted by their names.
    fn create(&self, name: &str, template: &str) -> Vec<String> {
        let create = self.cloudformation.create_stack().stack_name(name);
        let create = create
            .template_body(template)
            .capabilities(Capability::CapabilityIam);
        self.runtime.block_on(create.send()).unwrap();
        assert_eq!(
            self.settled(name),
            "CREATE_COMPLETE",
            "{}",
            self.failures(name)
        );
        let described = self.cloudformation.describe_stacks().stack_name(name);
        let described = self.runtime.block_on(described.send()).unwrap();
        let outputs = described.stacks()[0].outputs().iter();
        let mut outputs: Vec<_> = outputs
            .map(|one| {
                (
                    one.output_key().unwrap(),
                    one.output_value().unwrap().to_owned(),
                )
            })
            .collect();
        outputs.sort_unstable();
        outputs.into_iter().map(|(_, value)| value).collect()
    }

    fn status(&self, name: &str) -> String {
        let described = self
            .cloudformation
            .describe_stacks()
            .stack_name(name)
            .send();
        match self.runtime.block_on(described) {
            Ok(described) => described.stacks()[0]
                .stack_status()
                .unwrap()
                .as_str()
                .to_owned(),
            // By its name a deleted stack is not found any more.
            Err(_) => "DELETE_COMPLETE".to_owned(),
        }
    }

    fn settled(&self, name: &str) -> String {
        let mut status = String::new();
        until("the stack comes to rest", || {
            status = self.status(name);
            !status.ends_with("IN_PROGRESS")
        });
        status
    }

    fn failures(&self, name: &str) -> String {
        let events = self.cloudformation.describe_stack_events().stack_name(name);
        let events = self.runtime.block_on(events.send()).unwrap();
        let reasons = events.stack_events().iter();
        let reasons = reasons.filter_map(|one| one.resource_status_reason());
        reasons.collect::<Vec<_>>().join("\n")
    }

    fn delete(&self, name: &str) {
        let delete = self.cloudformation.delete_stack().stack_name(name).send();
        self.runtime.block_on(delete).unwrap();
    }

    /// What a command on a machine prints, over OpenSSH's own client.
    fn ssh(&self, address: &str, command: &str) -> String {
        let asked = &mut self.served.efslab(&self.home, &["practice", "ssh-config"]);
        let (code, config, err) = outcome(asked);
        assert_eq!(code, 0, "{err}");
        let file = self.home.path("ssh_config");
        std::fs::write(&file, config).unwrap();
        let (code, out, err) = outcome(
            Command::new("ssh")
                .arg("-F")
                .arg(file)
                .arg("-i")
                .arg(self.home.path("mykey"))
                .args([
                    "-o",
                    "StrictHostKeyChecking=no",
                    "-o",
                    "UserKnownHostsFile=/dev/null",
                ])
                .args(["-o", "LogLevel=ERROR", "-o", "BatchMode=yes"])
                .arg(format!("ec2-user@{address}"))
                .arg(command)
                .stdin(Stdio::null()),
        );
        assert_eq!(code, 0, "{command}: {out}{err}");
        out
    }

    fn snapshots(&self) -> Vec<String> {
        let described = self.ec2.describe_snapshots().owner_ids("self").send();
        let described = self.runtime.block_on(described).unwrap();
        let complete = described.snapshots().iter().filter(|one| {
            one.state() == Some(&SnapshotState::Completed)
                && one.description() == Some("backup of the share")
        });
        complete
            .map(|one| one.snapshot_id().unwrap().to_owned())
            .collect()
    }
}

#[track_caller]
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_textbooks_share_creates_works_over_ssh_and_deletes() {
    let reader = Reader::new();
    let outputs = reader.create("efs", include_str!("textbook/share.yaml"));
    let [a, b] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    // The machines are those of the time.
    let told = reader.ssh(
        a,
        "cat /etc/system-release; uname -r; df -T / | tail -1; id -u",
    );
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(told[0], "Amazon Linux AMI release 2017.09");
    assert!(told[1].ends_with("amzn1.x86_64"), "{told:?}");
    assert!(
        told[2].starts_with("/dev/xvda1") && told[2].contains("ext4"),
        "{told:?}"
    );
    assert_eq!(told[3], "500");
    for program in ["nc", "rsync", "aws", "crontab"] {
        reader.ssh(a, &format!("command -v {program}"));
    }
    reader.ssh(a, "test -x /opt/aws/bin/cfn-signal && service crond status");
    // Version 1 of the metadata service still answers them.
    let id = reader.ssh(
        a,
        "curl -s http://169.254.169.254/latest/meta-data/instance-id",
    );
    assert!(id.starts_with("i-"), "{id}");

    assert_eq!(reader.ssh(a, "pwd; ls"), "/home/ec2-user\n");
    reader.ssh(a, "touch i-was-here");
    assert_eq!(reader.ssh(b, "ls"), "i-was-here\n");
    assert!(
        reader
            .ssh(b, "df /home | tail -1")
            .contains(".efs.us-east-1.amazonaws.com:/")
    );
    reader.delete("efs");
    assert_eq!(reader.settled("efs"), "DELETE_COMPLETE");
}

#[test]
fn a_textbooks_backup_makes_a_snapshot_and_hangs_at_its_end_until_the_volume_is_unmounted() {
    let reader = Reader::new();
    let outputs = reader.create("efs-with-backup", include_str!("textbook/backup.yaml"));
    let a = &outputs[0];
    // The machine goes on after its signal: the volume comes only then.
    until("the backup is set up", || {
        reader
            .ssh(a, "cat /etc/cron.d/backup 2>/dev/null; true")
            .contains("*/15")
    });
    assert!(reader.ssh(a, "sudo file -s /dev/xvdf").contains("ext4"));
    reader.ssh(a, "echo thesis > thesis.txt");
    // A quarter of an hour may have begun since the volume was there.
    let before = reader.snapshots().len();

    let advance = &mut reader
        .served
        .efslab(&reader.home, &["practice", "advance", "16m"]);
    let (code, _, err) = outcome(advance);
    assert_eq!(code, 0, "{err}");
    until("there is a snapshot", || reader.snapshots().len() > before);
    until("the thesis is on the volume", || {
        let copy = "cat /mnt/backup/ec2-user/thesis.txt 2>/dev/null; true";
        reader.ssh(a, copy) == "thesis\n"
    });

    reader.delete("efs-with-backup");
    until("the volume is asked for", || {
        let volumes = reader.ec2.describe_volumes().send();
        let volumes = reader.runtime.block_on(volumes).unwrap();
        let mut attachments = volumes.volumes().iter().flat_map(Volume::attachments);
        attachments.any(|one| one.state().unwrap().as_str() == "busy")
    });
    // An hour changes nothing: it is mounted.
    let advance = &mut reader
        .served
        .efslab(&reader.home, &["practice", "advance", "1h"]);
    assert_eq!(outcome(advance).0, 0);
    assert_eq!(reader.status("efs-with-backup"), "DELETE_IN_PROGRESS");
    reader.ssh(a, "sudo umount /mnt/backup");
    assert_eq!(reader.settled("efs-with-backup"), "DELETE_COMPLETE");
    // What the job made is not the stack's.
    assert!(!reader.snapshots().is_empty());
}
