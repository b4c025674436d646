//! Hosts as their users meet them: through OpenSSH's own client.

mod cron;
mod hammer;
mod limits;
mod model;
mod places;
mod power;
mod sessions;
mod shell;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::process::Command;

use super::super::{Fleet, HostSpec, MetadataService, Reach, ResourceSignal, Surroundings};
use crate::practice::clock::{Clock, Pace};
use crate::practice::compute::host::Host;
use crate::practice::storage::{Errno, Files, MountSpec};

/// An account in which there is nothing but hosts.
#[derive(Default)]
struct Nothing {
    signals: Mutex<Vec<ResourceSignal>>,
    /// Nobody gets in.
    shut: AtomicBool,
}

#[async_trait]
impl Surroundings for Nothing {
    fn resolve(&self, _: &str, _: &str) -> Option<Ipv4Addr> {
        None
    }
    fn reach(&self, _: &str, _: Ipv4Addr, _: u16) -> Reach {
        Reach::Filtered
    }
    fn admits(&self, _: &str, _: Ipv4Addr, _: u16) -> bool {
        !self.shut.load(Ordering::Relaxed)
    }
    fn reaches_internet(&self, _: &str) -> bool {
        true
    }
    fn public_address(&self, _: &str) -> Option<Ipv4Addr> {
        None
    }
    fn tags(&self, _: &str) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
    async fn signal(&self, _: &str, signal: ResourceSignal) -> Result<(), String> {
        self.signals.lock().unwrap().push(signal);
        Ok(())
    }
    async fn http(&self, _: &str, _: &str, _: &str, _: Vec<u8>) -> Result<(u16, Vec<u8>), String> {
        Err("nobody is there".into())
    }
    async fn powered_off(&self, _: &str) {}
    async fn rebooted(&self, _: &str) {}
}

/// A fleet, its directory, and a client with a key.
struct Bench {
    fleet: Fleet,
    files: Files,
    clock: Clock,
    around: Arc<Nothing>,
    dir: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self::at(Pace::Max).await
    }

    async fn at(pace: Pace) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["key", "other"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "learner", "-f"])
                .arg(dir.path().join(name))
                .status()
                .await
                .unwrap();
            assert!(made.success());
        }
        let clock = Clock::new(pace, Timestamp::constant(1_790_000_000, 0));
        let files = Files::open(dir.path()).unwrap();
        let around = Arc::new(Nothing::default());
        let seen = Arc::clone(&around) as Arc<dyn Surroundings>;
        let fleet = Fleet::new(clock.clone(), files.clone(), seen);
        Self {
            fleet,
            files,
            clock,
            around,
            dir,
        }
    }

    /// Ends the program as a kill does, and begins it again.
    fn kill(self) -> Self {
        let Self {
            fleet,
            files,
            clock,
            around: _,
            dir,
        } = self;
        fleet.cut_off();
        files.kill();
        drop(fleet);
        let files = Files::open(dir.path()).unwrap();
        let around = Arc::new(Nothing::default());
        let seen = Arc::clone(&around) as Arc<dyn Surroundings>;
        let fleet = Fleet::new(clock.clone(), files.clone(), seen);
        Self {
            fleet,
            files,
            clock,
            around,
            dir,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn spec(&self, number: u8, user_data: &str) -> HostSpec {
        HostSpec {
            instance_id: format!("i-{number}"),
            region: "us-east-1".into(),
            zone: "us-east-1a".into(),
            instance_type: "t3.micro".into(),
            image_id: "ami-1".into(),
            edition: crate::practice::compute::Edition::default(),
            private_address: Ipv4Addr::new(10, 0, 1, number),
            authorized_keys: vec![std::fs::read_to_string(self.path("key.pub")).unwrap()],
            user_data: user_data.as_bytes().to_vec(),
            account_id: "123456789012".into(),
            metadata: MetadataService::default(),
        }
    }

    async fn launch(&self, number: u8, user_data: &str) -> String {
        let spec = self.spec(number, user_data);
        let id = spec.instance_id.clone();
        self.fleet.launch(spec).await.unwrap();
        self.console(&id, "login: ").await;
        id
    }

    /// Waits until the console has shown this.
    async fn console(&self, id: &str, text: &str) -> String {
        let since = Instant::now();
        loop {
            let console = self.fleet.console_output(id);
            if console.contains(text) {
                return console;
            }
            assert!(
                since.elapsed() < Duration::from_mins(1),
                "{text:?} is not in:\n{console}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until so many boots have come to their end on this console.
    async fn booted(&self, id: &str, times: usize) {
        let ended = || self.fleet.console_output(id).matches(" login: ").count();
        within(async {
            while ended() < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    fn host(&self, id: &str) -> Arc<Host> {
        let running = self.fleet.shared().running();
        Arc::clone(&running.get(id).unwrap().host)
    }

    /// The client, told to reach this host and to trust only the key on its console.
    fn ssh(&self, id: &str, user: &str, key: &str) -> Command {
        let known = self.path(&format!("known-{id}"));
        let shown = host_key(&self.fleet.console_output(id));
        std::fs::write(&known, format!("{id} {shown}\n")).unwrap();
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
                "LogLevel=ERROR",
            ])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", known.display()))
            .arg("-o")
            .arg(format!("HostKeyAlias={id}"))
            .arg("-i")
            .arg(self.path(key))
            .args(["-p", &self.fleet.ssh_port(id).unwrap().to_string()])
            .args(["-l", user, "127.0.0.1"])
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, id: &str, line: &str) -> Output {
        let mut command = self.ssh(id, "ec2-user", "key");
        within(command.arg(line).output()).await.unwrap()
    }
}

/// The key that the console shows, the latest if it shows several.
fn host_key(console: &str) -> String {
    let lines: Vec<&str> = console.lines().collect();
    let begin = "-----BEGIN SSH HOST KEY KEYS-----";
    let at = lines.iter().rposition(|line| *line == begin).unwrap();
    lines[at + 1].to_owned()
}

async fn within<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(Duration::from_mins(1), work)
        .await
        .expect("it ends")
}

async fn typed(mut command: Command, text: &[u8]) -> Output {
    use tokio::io::AsyncWriteExt as _;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(text).await.unwrap();
    drop(input);
    within(child.wait_with_output()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
