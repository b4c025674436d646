//! Everything that exists in the account, as typed records, and the rules by which it may change.
//!
//! The rules refuse with AWS's codes. Neither the wire, nor templates, nor SQLite, nor a host enters here.

pub mod acls;
pub mod addresses;
pub mod alarms;
pub mod cidr;
pub mod efs;
pub mod iam;
pub mod images;
pub mod instances;
pub mod interfaces;
pub mod keys;
pub mod place;
pub mod power;
pub mod reach;
pub mod routes;
pub mod schedules;
pub mod security;
pub mod stacks;
pub mod state_machines;
pub mod table;
pub mod tags;
pub mod throughput;
pub mod topics;
pub mod volumes;
pub mod vpc;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::faults::Faults;
pub use super::uuid::uuid;
use place::Place;
use table::Table;

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// A row as it is stored: kind, id, and JSON, or `None` when it is gone.
pub type Row = (&'static str, String, Option<String>);

macro_rules! world {
    ($($(#[$doc:meta])* $field:ident: $record:ty = $kind:literal,)*) => {
        /// The account's world. A change is made on it and then kept or taken back as a whole.
        pub struct World {
            /// Where the account is.
            pub place: Place,
            /// Account time of the change that is being made.
            pub now: Timestamp,
            /// Where the account is served: `http://127.0.0.1:PORT`.
            pub endpoint: String,
            /// Volumes and snapshots that went since somebody looked: their contents are to go, too. What a kill loses of
            /// it is found when the account starts.
            discarded: Vec<String>,
            /// What goes wrong by itself.
            pub faults: Arc<Faults>,
            random: StdRng,
            $($(#[$doc])* pub $field: Table<$record>,)*
        }

        impl World {
            /// An empty world.
            pub fn new(place: Place, now: Timestamp, seed: Option<u64>) -> Self {
                let random = seed.map_or_else(rand::make_rng, StdRng::seed_from_u64);
                let endpoint = String::new();
                let discarded = Vec::new();
                let faults = Arc::default();
                Self { place, now, endpoint, discarded, faults, random, $($field: Table::default(),)* }
            }

            /// Puts in a stored row.
            pub fn load(&mut self, kind: &str, id: String, json: &str) -> Result<(), String> {
                match kind {
                    $($kind => self.$field.load(id, parse(kind, json)?),)*
                    other => return Err(format!("unknown kind of record {other}")),
                }
                Ok(())
            }

            /// The rows that the change touched.
            pub fn touched(&self) -> Result<Vec<Row>, String> {
                let mut rows = Vec::new();
                $(for (id, row) in self.$field.touched() {
                    let json = row.map(render).transpose()?;
                    rows.push(($kind, id.to_owned(), json));
                })*
                Ok(rows)
            }

            /// All rows.
            #[cfg(test)]
            pub fn rows(&self) -> Result<Vec<Row>, String> {
                let mut rows = Vec::new();
                $(for id in self.$field.ids() {
                    let json = self.$field.get(&id).map(render).transpose()?;
                    rows.push(($kind, id, json));
                })*
                Ok(rows)
            }

            /// Whether the change touched anything.
            pub fn is_touched(&self) -> bool {
                $(self.$field.is_touched())||*
            }

            /// The change holds.
            pub fn keep(&mut self) {
                $(self.$field.keep();)*
            }

            /// The change is taken back.
            pub fn take_back(&mut self) {
                $(self.$field.take_back();)*
            }

            /// Does a part of the change as a whole or not at all.
            pub fn attempt<T, E>(
                &mut self,
                part: impl FnOnce(&mut Self) -> Result<T, E>,
            ) -> Result<T, E> {
                $(self.$field.attempt();)*
                let result = part(self);
                $(self.$field.end_attempt(result.is_ok());)*
                result
            }

            /// Takes every record out.
            pub fn clear(&mut self) {
                $(for id in self.$field.ids() {
                    self.$field.remove(&id);
                })*
            }
        }
    };
}

world! {
    /// VPCs.
    vpcs: vpc::Vpc = "vpc",
    /// Subnets.
    subnets: vpc::Subnet = "subnet",
    /// Internet gateways.
    gateways: vpc::InternetGateway = "internet-gateway",
    /// Route tables.
    route_tables: routes::RouteTable = "route-table",
    /// Network ACLs.
    network_acls: acls::NetworkAcl = "network-acl",
    /// Security groups.
    groups: security::SecurityGroup = "security-group",
    /// Key pairs, by name.
    key_pairs: keys::KeyPair = "key-pair",
    /// Network interfaces.
    interfaces: interfaces::Interface = "network-interface",
    /// Instances.
    instances: instances::Instance = "instance",
    /// Volumes.
    volumes: volumes::Volume = "volume",
    /// Snapshots.
    snapshots: volumes::Snapshot = "snapshot",
    /// EFS filesystems.
    file_systems: efs::FileSystem = "file-system",
    /// EFS mount targets.
    mount_targets: efs::MountTarget = "mount-target",
    /// CloudWatch alarms, by name.
    alarms: alarms::Alarm = "alarm",
    /// SNS topics, by ARN.
    topics: topics::Topic = "topic",
    /// Subscriptions to topics, by ARN.
    subscriptions: topics::Subscription = "subscription",
    /// Stacks, by ARN.
    stacks: stacks::Stack = "stack",
    /// Resources of stacks, by ARN of the stack, `/`, logical id.
    resources: stacks::Resource = "stack-resource",
    /// Resources that updates of stacks have left over, by ARN of the stack, `/`, logical id, `/`, physical id.
    left_over: stacks::Resource = "stack-left-over",
    /// Change sets, by ARN.
    change_sets: stacks::change_sets::ChangeSet = "change-set",
    /// Events of stacks, by ARN of the stack, `/`, number.
    events: stacks::Event = "stack-event",
    /// Wait condition handles, by their secret token.
    handles: stacks::WaitHandle = "wait-handle",
    /// Roles, by name.
    roles: iam::Role = "role",
    /// Instance profiles, by name.
    instance_profiles: iam::InstanceProfile = "instance-profile",
    /// Managed policies of the account's own, by ARN.
    managed_policies: iam::ManagedPolicy = "managed-policy",
    /// Schedules, by name.
    schedules: schedules::Schedule = "schedule",
    /// State machines, by ARN.
    state_machines: state_machines::StateMachine = "state-machine",
    /// Their executions, by ARN.
    executions: state_machines::Execution = "execution",
}

fn parse<T: DeserializeOwned>(kind: &str, json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| format!("stored {kind}: {error}"))
}

fn render<T: Serialize>(row: &T) -> Result<String, String> {
    serde_json::to_string(row).map_err(|error| error.to_string())
}

impl World {
    /// A fresh id as EC2 and EFS make them: prefix, `-`, seventeen hexadecimal digits.
    pub fn id(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.random.random::<u64>())
    }

    /// A fresh UUID, version 4.
    pub fn uuid(&mut self) -> String {
        uuid(self.random.random())
    }

    /// A fresh unguessable token of 64 hexadecimal digits.
    pub fn token(&mut self) -> String {
        format!(
            "{:032x}{:032x}",
            self.random.random::<u128>(),
            self.random.random::<u128>()
        )
    }

    /// A number below `bound` (which is at least 1).
    pub fn below(&mut self, bound: usize) -> usize {
        self.random.random_range(0..bound.max(1))
    }
}
