//! Commands run in real shells on a host without an account: the surroundings are made up here, and only here.

mod boot;
mod bytes;
mod contract;
mod disks;
mod jobs;
mod machine;
mod metering;
mod mounting;
mod network;
mod outage;
mod packages;
mod sysv;
mod throughput;
mod time;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

use super::files;
use crate::practice::clock::{Clock, Pace};
use crate::practice::compute::Edition;
use crate::practice::compute::host::{Host, Session};
use crate::practice::compute::users::{Accounts, User};
use crate::practice::compute::{
    Disk, HostSpec, MetadataService, Reach, ResourceSignal, Surroundings, machine,
};
use crate::practice::storage::Files;

const SHARE: &str = "fs-1.efs.us-east-1.amazonaws.com";
const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 30);
const HANDLE: &str =
    "http://127.0.0.1:4566/cloudformation-waitcondition-us-east-1/s/H?X-Amz-Signature=t";

/// What the host sees around it, and what it has done to it.
#[derive(Default)]
struct Around {
    /// Since when the share answers; `None`: never.
    serves: Mutex<Option<Timestamp>>,
    offline: Mutex<bool>,
    signals: Mutex<Vec<ResourceSignal>>,
    messages: Mutex<Vec<(String, String)>>,
    /// Answers of the wait handle, the last for ever.
    answers: Mutex<Vec<u16>>,
    off: Mutex<usize>,
    reboots: Mutex<usize>,
    clock: Mutex<Option<Clock>>,
    changes: watch::Sender<u64>,
    disks: Mutex<Vec<Disk>>,
    unmounted: Mutex<usize>,
}

impl Around {
    /// From now on the share answers, or not.
    fn serve(&self, since: Option<Timestamp>) {
        *self.serves.lock().unwrap() = since;
        self.changes.send_modify(|changes| *changes += 1);
    }
}

#[async_trait]
impl Surroundings for Around {
    fn resolve(&self, _instance_id: &str, name: &str) -> Option<Ipv4Addr> {
        (name == SHARE).then_some(TARGET)
    }

    fn reach(&self, _instance_id: &str, address: Ipv4Addr, port: u16) -> Reach {
        let now = self.clock.lock().unwrap().as_ref().map(Clock::now);
        let serves = self
            .serves
            .lock()
            .unwrap()
            .is_some_and(|since| now >= Some(since));
        match (address, port) {
            (TARGET, 2049) if serves => Reach::Nfs {
                file_system_id: "fs-1".to_owned(),
            },
            (_, 22) => Reach::Open,
            (_, 23) => Reach::Refused,
            _ => Reach::Filtered,
        }
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn admits(&self, _instance_id: &str, _from: Ipv4Addr, _port: u16) -> bool {
        true
    }

    fn reaches_internet(&self, _instance_id: &str) -> bool {
        !*self.offline.lock().unwrap()
    }

    fn public_address(&self, _instance_id: &str) -> Option<Ipv4Addr> {
        Some(Ipv4Addr::new(54, 1, 2, 3))
    }

    fn tags(&self, _instance_id: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("Name".to_owned(), "lab A".to_owned())])
    }

    fn disks(&self, _instance_id: &str) -> Vec<Disk> {
        self.disks.lock().unwrap().clone()
    }

    fn unmounted(&self, _instance_id: &str) {
        *self.unmounted.lock().unwrap() += 1;
    }

    async fn signal(&self, _instance_id: &str, signal: ResourceSignal) -> Result<(), String> {
        if signal.stack != "s" {
            return Err(format!(
                "ValidationError: Stack '{}' does not exist",
                signal.stack
            ));
        }
        self.signals.lock().unwrap().push(signal);
        Ok(())
    }

    async fn http(
        &self,
        _instance_id: &str,
        method: &str,
        _url: &str,
        body: Vec<u8>,
    ) -> Result<(u16, Vec<u8>), String> {
        let text = String::from_utf8(body).unwrap();
        self.messages
            .lock()
            .unwrap()
            .push((method.to_owned(), text));
        let mut answers = self.answers.lock().unwrap();
        let status = match answers.len() {
            0 => 200,
            1 => answers[0],
            _ => answers.remove(0),
        };
        Ok((status, b"body".to_vec()))
    }

    async fn powered_off(&self, _instance_id: &str) {
        *self.off.lock().unwrap() += 1;
    }

    async fn rebooted(&self, _instance_id: &str) {
        *self.reboots.lock().unwrap() += 1;
    }
}

/// A host, and what it is tested with.
struct Rig {
    host: Arc<Host>,
    around: Arc<Around>,
    clock: Clock,
    directory: Arc<tempfile::TempDir>,
}

/// What a script printed and how it ended.
struct Ran {
    out: String,
    err: String,
    status: i32,
}

impl Ran {
    /// Fails the test, with what was printed, unless the script ended so.
    #[track_caller]
    fn ended(self, status: i32) -> Self {
        assert_eq!(self.status, status, "out: {}\nerr: {}", self.out, self.err);
        self
    }
}

impl Rig {
    /// A host in front of a share that answers.
    fn new() -> Self {
        let start: Timestamp = "2026-01-05T12:00:00Z".parse().unwrap();
        let rig = Self::before_the_share(start);
        *rig.around.serves.lock().unwrap() = Some(start);
        rig
    }

    fn before_the_share(start: Timestamp) -> Self {
        Self::with(start, "t3.micro", Vec::new())
    }

    /// A host of this type with these volumes.
    fn with(start: Timestamp, instance_type: &str, disks: Vec<Disk>) -> Self {
        Self::of(Edition::default(), start, instance_type, disks)
    }

    /// One with the Amazon Linux of 2018.
    fn of_2018() -> Self {
        let start = "2026-01-05T12:00:00Z".parse().unwrap();
        Self::of(Edition::Of2018, start, "t2.micro", Vec::new())
    }

    fn of(edition: Edition, start: Timestamp, instance_type: &str, disks: Vec<Disk>) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let clock = Clock::new(Pace::Max, start);
        let around = Arc::new(Around::default());
        *around.clock.lock().unwrap() = Some(clock.clone());
        *around.disks.lock().unwrap() = disks;
        let files = Files::open(directory.path()).unwrap();
        Self::powered_on(
            ("i-1", instance_type, edition),
            &files,
            around,
            clock,
            directory,
        )
    }

    /// Another host beside this one, with the same share in front of it.
    fn beside(&self) -> Self {
        let (around, clock) = (Arc::clone(&self.around), self.clock.clone());
        let directory = Arc::clone(&self.directory);
        let files = &self.host.files;
        Self::powered_on(
            ("i-2", "t3.micro", Edition::default()),
            files,
            around,
            clock,
            directory,
        )
    }

    fn powered_on(
        (id, instance_type, edition): (&str, &str, Edition),
        files: &Files,
        around: Arc<Around>,
        clock: Clock,
        directory: Arc<tempfile::TempDir>,
    ) -> Self {
        let spec = HostSpec {
            instance_id: id.to_owned(),
            region: "us-east-1".to_owned(),
            zone: "us-east-1a".to_owned(),
            instance_type: instance_type.to_owned(),
            image_id: "ami-1".to_owned(),
            edition,
            private_address: Ipv4Addr::new(10, 0, 1, 12),
            authorized_keys: vec!["ssh-ed25519 AAAA lab".to_owned()],
            user_data: b"#!/bin/bash\n".to_vec(),
            account_id: "123456789012".to_owned(),
            metadata: MetadataService {
                tags: true,
                ..MetadataService::default()
            },
        };
        let surroundings = Arc::clone(&around) as Arc<dyn Surroundings>;
        let host = machine(spec, &clock, surroundings, files.clone());
        Self {
            host,
            around,
            clock,
            directory,
        }
    }

    /// Runs a script as root, in account time.
    async fn root(&self, script: &str) -> Ran {
        self.run(&User::root(), script).await
    }

    /// Runs a script as ec2-user.
    async fn user(&self, script: &str) -> Ran {
        let user = Accounts::read(&self.host.root()).user("ec2-user").unwrap();
        self.run(&user, script).await
    }

    async fn run(&self, user: &User, script: &str) -> Ran {
        let activity = Arc::new(self.clock.activity());
        let mut shell = self
            .host
            .shell(user, Session::Batch, Arc::clone(&activity))
            .build();
        let result = activity.compute(shell.exec(script)).await.unwrap();
        Ran {
            out: result.stdout.text_lossy().into_owned(),
            err: result.stderr.text_lossy().into_owned(),
            status: result.exit_code,
        }
    }

    /// Whole seconds of account time that the script takes as root.
    async fn seconds(&self, script: &str) -> (i64, Ran) {
        let before = self.clock.now();
        let ran = self.root(script).await;
        (self.clock.now().duration_since(before).as_secs(), ran)
    }
}
