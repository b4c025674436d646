//! A whole host without an account around it, for programs that need more than files.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use bashkit::terminal::{Terminal, TerminalStatus};

use crate::practice::clock::{Clock, Pace};
use crate::practice::compute::host::{Host, Session};
use crate::practice::compute::processes::Process;
use crate::practice::compute::users::{Accounts, User};
use crate::practice::compute::{
    HostSpec, MetadataService, Reach, ResourceSignal, Surroundings, image, kernel,
};
use crate::practice::storage::Files;

/// No account is around: nothing here asks it for anything.
struct Nowhere;

#[async_trait]
impl Surroundings for Nowhere {
    fn resolve(&self, _instance_id: &str, _name: &str) -> Option<Ipv4Addr> {
        None
    }
    fn reach(&self, _instance_id: &str, _address: Ipv4Addr, _port: u16) -> Reach {
        Reach::Filtered
    }
    fn admits(&self, _instance_id: &str, _from: Ipv4Addr, _port: u16) -> bool {
        true
    }
    fn reaches_internet(&self, _instance_id: &str) -> bool {
        false
    }
    fn public_address(&self, _instance_id: &str) -> Option<Ipv4Addr> {
        None
    }
    fn tags(&self, _instance_id: &str) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
    async fn signal(&self, _instance_id: &str, _signal: ResourceSignal) -> Result<(), String> {
        Err("there is no account".to_owned())
    }
    async fn http(
        &self,
        _instance_id: &str,
        _method: &str,
        _url: &str,
        _body: Vec<u8>,
    ) -> Result<(u16, Vec<u8>), String> {
        Err("there is no account".to_owned())
    }
    async fn powered_off(&self, _instance_id: &str) {}
    async fn rebooted(&self, _instance_id: &str) {}
}

pub(super) struct Rig {
    pub host: Arc<Host>,
    _directory: tempfile::TempDir,
}

impl Rig {
    pub fn new() -> Self {
        Self::at("2026-03-01T12:00:00Z")
    }

    /// A host that is powered on at this time.
    pub fn at(now: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let spec = HostSpec {
            instance_id: "i-1".to_owned(),
            region: "us-east-1".to_owned(),
            zone: "us-east-1a".to_owned(),
            instance_type: "t3.micro".to_owned(),
            image_id: "ami-1".to_owned(),
            edition: crate::practice::compute::Edition::default(),
            private_address: Ipv4Addr::new(10, 0, 1, 12),
            authorized_keys: Vec::new(),
            user_data: Vec::new(),
            account_id: "123456789012".to_owned(),
            metadata: MetadataService::default(),
        };
        let host = Arc::new(Host::new(
            spec,
            Clock::new(Pace::Max, now.parse().unwrap()),
            Arc::new(Nowhere),
            Files::open(directory.path()).unwrap(),
            image::build(crate::practice::compute::Edition::default()).unwrap(),
            String::new(),
        ));
        kernel::mount(&host).unwrap();
        Self {
            host,
            _directory: directory,
        }
    }

    pub fn user(&self, name: &str) -> User {
        Accounts::read(&self.host.root()).user(name).unwrap()
    }

    /// Runs a line as `ssh host line` does.
    pub async fn run(&self, user: &str, line: &str) -> (String, String, i32) {
        let activity = Arc::new(self.host.clock.activity());
        let user = self.user(user);
        let mut shell = self.host.shell(&user, Session::Batch, activity).build();
        super::run(&mut shell, line).await
    }

    pub async fn good(&self, user: &str, line: &str) -> String {
        let (out, err, code) = self.run(user, line).await;
        assert_eq!((err.as_str(), code), ("", 0), "{line}");
        out
    }

    pub fn terminal(&self, user: &str) -> Terminal {
        let activity = Arc::new(self.host.clock.activity());
        let user = self.user(user);
        Terminal::new(self.host.shell(&user, Session::Interactive, activity))
    }

    pub fn desk(&self, user: &str) -> Desk {
        let activity = Arc::new(self.host.clock.activity());
        let user = self.user(user);
        let process = self.host.begin(&user, "-bash", Some(0));
        let shell = self
            .host
            .shell_of(&user, Session::Interactive, activity, Arc::clone(&process));
        Desk {
            terminal: Terminal::new(shell),
            process,
            shown: String::new(),
        }
    }
}

/// What `clear` writes.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Somebody at a terminal.
pub struct Desk {
    terminal: Terminal,
    process: Arc<Process>,
    shown: String,
}

impl Desk {
    /// Types a line and gives what is on the screen once the shell waits again.
    pub async fn type_in(&mut self, line: &str) -> &str {
        self.terminal.send(format!("{line}\r"));
        let status = std::future::poll_fn(|cx| {
            self.process.watch(cx.waker());
            let status = pin!(self.terminal.run_until_idle()).poll(cx);
            self.shown.push_str(&self.process.take_live());
            let output = self.terminal.take_output();
            self.shown.push_str(&String::from_utf8_lossy(&output));
            self.process.look();
            status
        })
        .await;
        assert_eq!(status, TerminalStatus::Idle);
        self.shown = self.shown.replace('\r', "");
        if let Some((_, rest)) = self.shown.rsplit_once(CLEAR) {
            self.shown = rest.to_owned();
        }
        self.shown.trim_end()
    }
}
