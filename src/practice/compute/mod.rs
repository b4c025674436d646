//! Instances as virtual Linux hosts: bash and its tools over a virtual filesystem, never the learner's machine.
//!
//! What an instance sees of its account it asks through [`Surroundings`]; nothing of the AWS wire enters here.

pub mod batch;
pub(in crate::practice::compute) mod boot;
pub mod commands;
pub mod cron;
mod descriptors;
mod detach;
pub mod disks;
mod edition;
pub mod exhausted;
mod fed;
mod fleet;
mod heredoc;
pub mod host;
mod image;
mod jobs;
mod kernel;
pub mod keyboard;
mod launch;
pub mod logins;
pub mod patience;
pub mod processes;
pub mod scripts;
mod shorthand;
pub mod signals;
mod spec;
pub mod stdin;
mod syntax;
pub mod threads;
mod timing;
mod turns;
mod typed;
mod umask;
pub mod users;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub(in crate::practice) use boot::HOST_KEY;
pub use edition::Edition;
pub use fleet::Fleet;

/// What an instance is launched with.
#[derive(Debug, Clone)]
pub struct HostSpec {
    /// `i-…`
    pub instance_id: String,
    /// Region, e.g. `us-east-1`.
    pub region: String,
    /// Availability zone, e.g. `us-east-1a`.
    pub zone: String,
    /// `t3.micro` …: decides the device names (Nitro or Xen).
    pub instance_type: String,
    /// `ami-…`
    pub image_id: String,
    /// What is on that image.
    pub edition: Edition,
    /// Its address in the VPC; the hostname is made of it (`ip-10-0-1-12`).
    pub private_address: Ipv4Addr,
    /// Public keys of the key pair, in OpenSSH form; cloud-init writes them to ec2-user's authorized_keys.
    pub authorized_keys: Vec<String>,
    /// User data, decoded; run as root at first boot only when it begins with `#!`.
    pub user_data: Vec<u8>,
    /// The instance's account id, e.g. `123456789012`.
    pub account_id: String,
    /// What its metadata service tells, and whom.
    pub metadata: MetadataService,
}

/// How an instance's metadata service is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataService {
    /// It answers.
    pub enabled: bool,
    /// Only to who has a token.
    pub tokens_required: bool,
    /// It tells the instance's tags too.
    pub tags: bool,
}

impl Default for MetadataService {
    /// As Amazon Linux 2023 images have it.
    fn default() -> Self {
        Self {
            enabled: true,
            tokens_required: true,
            tags: false,
        }
    }
}

/// What is on the other side of a TCP connection that an instance tries to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// A mount target of this filesystem listens there.
    Nfs {
        /// `fs-…`
        file_system_id: String,
    },
    /// Another instance's SSH port or similar: something listens.
    Open,
    /// The machine is there and refuses.
    Refused,
    /// A security group drops it, or nobody has this address: the caller times out.
    Filtered,
}

/// A volume as an instance has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// `vol-…`
    pub volume: String,
    /// As which it was attached: `/dev/sdf`.
    pub device: String,
    /// Its size.
    pub gib: u32,
    /// Whether it is the root volume.
    pub root: bool,
}

/// A resource signal, as `cfn-signal` sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSignal {
    /// Stack name or id.
    pub stack: String,
    /// Logical id of the resource that waits.
    pub resource: String,
    /// Distinguishes signals; the instance id by default.
    pub unique_id: String,
    /// Whether it signals success.
    pub success: bool,
    /// Shown in the stack event when it is a failure.
    pub reason: String,
}

/// The instance profile of an instance, as its metadata tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its ARN.
    pub arn: String,
    /// `AIPA…`
    pub id: String,
    /// Name of the role that it carries, if it carries one, and its credentials: none when EC2 may not assume the role.
    pub role: Option<(String, Option<RoleCredentials>)>,
}

/// Temporary credentials of a role. Times are wall time, as signatures are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleCredentials {
    /// `ASIA…`
    pub access_key_id: String,
    /// Forty characters.
    pub secret_access_key: String,
    /// Sent with every request.
    pub token: String,
    /// When they were made.
    pub updated: Timestamp,
    /// Until when they are good.
    pub expires: Timestamp,
}

/// A request to a service of AWS's, with the keys of whoever makes it instead of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRequest {
    /// As in a credential scope: `ec2`.
    pub service: String,
    /// Region it goes to.
    pub region: String,
    /// Access key.
    pub access_key_id: String,
    /// Secret.
    pub secret_access_key: String,
    /// Of temporary credentials.
    pub token: Option<String>,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// The account as one of its instances sees it.
#[async_trait]
pub trait Surroundings: Send + Sync + 'static {
    /// The address `name` resolves to from this instance (EFS names resolve to the mount target of its own zone).
    fn resolve(&self, instance_id: &str, name: &str) -> Option<Ipv4Addr>;
    /// What answers when the instance connects to `address:port`, after routes and security groups.
    fn reach(&self, instance_id: &str, address: Ipv4Addr, port: u16) -> Reach;
    /// Tells of every change of the account after which something else may answer. Whoever has no account is told of none.
    fn changes(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }
    /// Whether a connection that comes from this address over the internet gets to a port of the instance.
    fn admits(&self, instance_id: &str, from: Ipv4Addr, port: u16) -> bool;
    /// Whether the instance can open connections to the internet, where packages come from.
    fn reaches_internet(&self, instance_id: &str) -> bool;
    /// Whether a ping from the instance is answered.
    fn pings(&self, _instance_id: &str, _address: Ipv4Addr) -> bool {
        false
    }
    /// Its public address now, if it has one.
    fn public_address(&self, instance_id: &str) -> Option<Ipv4Addr>;
    /// What its metadata tell of its network: paths below `meta-data/` with what they hold.
    fn network(&self, instance_id: &str) -> Vec<(String, String)> {
        let _ = instance_id;
        Vec::new()
    }
    /// `aws:cloudformation:*` and other tags visible to the instance.
    fn tags(&self, instance_id: &str) -> BTreeMap<String, String>;
    /// The volumes that the instance has now.
    fn disks(&self, instance_id: &str) -> Vec<Disk> {
        let _ = instance_id;
        Vec::new()
    }
    /// The instance uses a volume no more, which may be awaited.
    fn unmounted(&self, instance_id: &str) {
        let _ = instance_id;
    }
    /// Delivers a resource signal. `Err` is the sentence that `cfn-signal` prints.
    async fn signal(&self, instance_id: &str, signal: ResourceSignal) -> Result<(), String>;
    /// An HTTP request from the instance to a presigned URL of the account (the wait handle).
    /// `Ok` is status and body; `Err` says that the host of the URL cannot be reached.
    async fn http(
        &self,
        instance_id: &str,
        method: &str,
        url: &str,
        body: Vec<u8>,
    ) -> Result<(u16, Vec<u8>), String>;
    /// Its instance profile, if it has one and its metadata know of it by now.
    fn profile(&self, _instance_id: &str) -> Option<Profile> {
        None
    }
    /// A request to a service in the account. `Ok` is status and body; `Err` says that the service cannot be reached.
    async fn service(
        &self,
        _instance_id: &str,
        _request: ServiceRequest,
    ) -> Result<(u16, Vec<u8>), String> {
        Err("there is no account around".into())
    }
    /// The instance has shut itself down (`shutdown`, `poweroff`).
    async fn powered_off(&self, instance_id: &str);
    /// The instance restarts itself (`reboot`, `shutdown -r`): power goes, and comes back.
    async fn rebooted(&self, instance_id: &str);
}

/// A machine for tests: powered on, its disk among these files, nothing booted.
#[cfg(test)]
pub(in crate::practice) fn machine(
    spec: HostSpec,
    clock: &crate::practice::clock::Clock,
    surroundings: std::sync::Arc<dyn Surroundings>,
    files: crate::practice::storage::Files,
) -> std::sync::Arc<host::Host> {
    let disk = files
        .create_disk_from(&spec.instance_id, &image::build(spec.edition).unwrap())
        .unwrap();
    let clock = clock.clone();
    let host = host::Host::new(spec, clock, surroundings, files, disk, String::new());
    let host = std::sync::Arc::new(host);
    kernel::mount(&host).unwrap();
    host
}
