//! The account with its real hosts: the lab's own user data, logins with OpenSSH's client, kills.

mod power;
mod volumes;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::practice::storage::Files;

const PREPARE: &str = include_str!("../../../assets/scripts/prepare.sh");
pub const SHARE_A: &str = include_str!("../../../assets/scripts/share-a.sh");
const SHARE_B: &str = include_str!("../../../assets/scripts/share-b.sh");

/// An account being served, and a key to its instances.
pub struct Machines {
    pub bench: Bench,
    key: PathBuf,
    public: String,
}

fn options(dir: &Path) -> Options {
    Options {
        data_dir: dir.to_owned(),
        port: None,
        pace: Pace::Max,
        region: None,
        seed: None,
        faults: Arc::default(),
    }
}

impl Machines {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("learner");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "learner", "-f"])
            .arg(&key)
            .status()
            .unwrap();
        assert!(made.success());
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(dir.path(), private).unwrap();
        let running = crate::practice::start(options(dir.path())).await.unwrap();
        let bench = Bench {
            running,
            dir,
            forgotten: Forgotten::default(),
        };
        let public = public.trim().to_owned();
        Self { bench, key, public }
    }

    async fn kill_and_restart(self) -> Self {
        let Self { bench, key, public } = self;
        let Bench {
            running,
            dir,
            forgotten,
        } = bench;
        kill(running, dir.path()).await;
        let running = crate::practice::start(options(dir.path())).await.unwrap();
        let bench = Bench {
            running,
            dir,
            forgotten,
        };
        Self { bench, key, public }
    }

    /// Creates the lab with this user data of A, and waits for its end.
    pub async fn create(&self, script_a: &str) -> (String, String) {
        let template = template(script_a);
        let mut parameters = lab_parameters("", "");
        for (name, value) in &mut parameters {
            match *name {
                "PublicKey" => *value = &self.public,
                "SshCidr" => *value = "127.0.0.1/32",
                "ScriptA" | "ScriptB" => *value = "unused",
                _ => {}
            }
        }
        let stack = self.bench.create("lab", &template, &parameters).await;
        let status = self.bench.settled(&stack).await;
        (stack, status)
    }

    async fn output(&self, key: &str) -> String {
        let client = self.bench.cloudformation();
        let described = client
            .describe_stacks()
            .stack_name("lab")
            .send()
            .await
            .unwrap();
        let outputs = described.stacks()[0].outputs();
        let found = outputs
            .iter()
            .find(|output| output.output_key() == Some(key));
        found.unwrap().output_value().unwrap().to_owned()
    }

    /// The instance of a resource, and the port of its SSH server.
    async fn reached(&self, resource: &str) -> (String, u16) {
        let client = self.bench.cloudformation();
        let described = client
            .describe_stack_resource()
            .stack_name("lab")
            .logical_resource_id(resource)
            .send()
            .await
            .unwrap();
        let id = described
            .stack_resource_detail()
            .unwrap()
            .physical_resource_id()
            .unwrap()
            .to_owned();
        let since = Instant::now();
        loop {
            let hosts = self.bench.running.account.hosts().unwrap();
            if let Some(port) = hosts.ssh_port(&id) {
                return (id, port);
            }
            assert!(
                since.elapsed() < Duration::from_secs(30),
                "{}",
                hosts.console_output(&id)
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn ssh(&self, side: &str, line: &str) -> Output {
        let (_, port) = self.reached(&format!("Instance{side}")).await;
        let keys: serde_json::Value = serde_json::from_str(&self.output("HostKeys").await).unwrap();
        let known = self.bench.dir.path().join("known");
        std::fs::write(&known, format!("host {}\n", keys[side].as_str().unwrap())).unwrap();
        let mut command = Command::new("ssh");
        command
            .args([
                "-F",
                "/dev/null",
                "-o",
                "BatchMode=yes",
                "-o",
                "StrictHostKeyChecking=yes",
            ])
            .args([
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "IdentityAgent=none",
                "-o",
                "HostKeyAlias=host",
            ])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", known.display()))
            .arg("-i")
            .arg(&self.key)
            .args(["-p", &port.to_string(), "-l", "ec2-user", "127.0.0.1", line])
            .stdin(Stdio::null());
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap()
    }

    pub async fn says(&self, side: &str, line: &str) -> String {
        let done = self.ssh(side, line).await;
        assert!(
            done.status.success(),
            "{side}: {line}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap()
    }
}

/// The template, with user data in the form in which the lab has it.
fn template(script_a: &str) -> String {
    let mut template = LAB.to_owned();
    for (side, script) in [("A", script_a), ("B", SHARE_B)] {
        let from = template
            .find(&format!(
                "        Fn::Base64: !Sub |\n          SCRIPT=${{Script{side}}}"
            ))
            .unwrap();
        let end = "URL=${Handle}\n";
        let to = from + template[from..].find(end).unwrap() + end.len();
        let scripts: Vec<String> = [PREPARE, script]
            .iter()
            .map(|text| serde_json::to_string(text).unwrap())
            .collect();
        let data = format!(
            "        Fn::Base64:\n          Fn::Join:\n            - ''\n            - - !Sub |\n\
             \x20               #!/bin/bash -ex\n\
             \x20               export REGION='${{AWS::Region}}' STACK='${{AWS::StackId}}' RESOURCE='Instance{side}' SIDE='{side}'\n\
             \x20               export SHARE='${{FileSystem}}.efs.${{AWS::Region}}.${{AWS::URLSuffix}}'\n\
             \x20               export HOST_KEY_URL='${{Handle}}'\n\
             \x20             - {}\n              - {}\n",
            scripts[0], scripts[1]
        );
        template.replace_range(from..to, &data);
    }
    template
}

#[tokio::test(flavor = "multi_thread")]
async fn the_labs_own_user_data_completes_the_stack_and_both_share_a_home() {
    let machines = Machines::new().await;
    let (stack, status) = machines.create(SHARE_A).await;
    let (id, _) = machines.reached("InstanceA").await;
    let console = machines
        .bench
        .running
        .account
        .hosts()
        .unwrap()
        .console_output(&id);
    assert_eq!(
        status,
        "CREATE_COMPLETE",
        "{:?}\n{console}",
        machines.bench.events(&stack).await
    );

    assert_eq!(machines.says("A", "pwd; ls").await, "/home/ec2-user\n");
    assert_eq!(machines.says("B", "ls; touch i-was-here").await, "");
    assert_eq!(machines.says("A", "ls").await, "i-was-here\n");
    let mounted = machines.says("A", "df -T /home | tail -n 1").await;
    assert!(mounted.contains(" nfs4 "), "{mounted}");

    // The file is there, the share is mounted and the keys are the same after a kill.
    machines.says("B", "sync").await;
    let machines = machines.kill_and_restart().await;
    assert_eq!(machines.says("B", "ls").await, "i-was-here\n");
    assert_eq!(
        machines.says("A", "ls; stat -c %U:%a .").await,
        "i-was-here\nec2-user:700\n"
    );

    let client = machines.bench.cloudformation();
    client
        .delete_stack()
        .stack_name("lab")
        .send()
        .await
        .unwrap();
    assert_eq!(machines.bench.settled(&stack).await, "DELETE_COMPLETE");
    let hosts = machines.bench.running.account.hosts().unwrap();
    assert_eq!(hosts.ssh_port(&id), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn user_data_that_breaks_fails_the_stack_with_its_reason() {
    let machines = Machines::new().await;
    let (stack, status) = machines.create("#!/bin/bash -ex\nmount /nowhere\n").await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let events = machines.bench.events(&stack).await;
    let reason = events
        .iter()
        .find(|(logical, status, _)| logical == "InstanceA" && status == "CREATE_FAILED")
        .map(|(_, _, reason)| reason.as_str());
    assert!(
        reason.is_some_and(|reason| reason.contains("FAILURE")),
        "{events:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_completes_however_often_the_account_is_killed() {
    let mut machines = Machines::new().await;
    let template = template(SHARE_A);
    let mut parameters = lab_parameters("unused", "unused");
    let public = machines.public.clone();
    for (name, value) in &mut parameters {
        match *name {
            "PublicKey" => *value = &public,
            "SshCidr" => *value = "127.0.0.1/32",
            _ => {}
        }
    }
    let stack = machines.bench.create("lab", &template, &parameters).await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        machines = machines.kill_and_restart().await;
    }
    assert_eq!(
        machines.bench.settled(&stack).await,
        "CREATE_COMPLETE",
        "{:?}",
        machines.bench.events(&stack).await
    );
    assert_eq!(machines.says("B", "hostname; pwd").await.lines().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_running_instance_is_told_with_its_port_at_once_after_a_kill() {
    let machines = Machines::new().await;
    let (_, status) = machines.create(SHARE_A).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let dir = machines.bench.dir;
    kill(machines.bench.running, dir.path()).await;
    // So slowly that nothing has booted when it is asked.
    let slow = Options {
        pace: Pace::Times(0.001),
        ..options(dir.path())
    };
    let running = crate::practice::start(slow).await.unwrap();
    let access = control::Access {
        endpoint_url: running.endpoint_url.clone(),
        access_key_id: running.access_key_id.clone(),
        secret_access_key: running.secret_access_key.clone(),
        region: running.region.clone(),
    };
    let told = control::json(&access, "GET", "/_efslab/instances").await;
    let told = told["Instances"].as_array().unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|one| one["Port"].as_u64().is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kill_has_left_of_hosts_and_filesystems_is_swept_away_at_the_next_start() {
    let machines = Machines::new().await;
    let (_, status) = machines.create(SHARE_A).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let (id, _) = machines.reached("InstanceA").await;
    let share = machines.output("FileSystemId").await;
    let dir = machines.bench.dir;
    kill(machines.bench.running, dir.path()).await;
    // The program died after the world had forgotten these, and before their files went.
    let files = Files::open(dir.path()).unwrap();
    files.share("fs-gone").unwrap();
    files.set_note("host/i-gone", "{}").unwrap();
    files.set_note("console/i-gone", "words").unwrap();
    drop(files);
    drop(crate::practice::start(options(dir.path())).await.unwrap());
    let files = Files::open(dir.path()).unwrap();
    let notes = files.notes("").unwrap();
    assert!(
        notes.iter().all(|(key, _)| !key.ends_with("i-gone")),
        "{notes:?}"
    );
    assert!(notes.iter().any(|(key, _)| *key == format!("host/{id}")));
    let trees = Mutex::new(Vec::new());
    files
        .retain(|name| {
            trees.lock().unwrap().push(name.to_owned());
            true
        })
        .unwrap();
    let trees = trees.into_inner().unwrap();
    assert!(!trees.contains(&"fs-gone".to_owned()), "{trees:?}");
    assert!(trees.contains(&share) && trees.contains(&id), "{trees:?}");
}
