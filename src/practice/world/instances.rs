//! Instances: how they come, stop, start and go. Which host runs behind one does not enter here, only that power is wanted.

use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::iam::Association;
use super::images::{ROOT_SIZE, images, launchable};
use super::interfaces::Owner;
use super::volumes::{Attachment, Link, Shape, Volume};
use super::{Tags, World};
use crate::practice::error::AwsError;

/// From the request to the power (an estimate: EC2 documents no figures; a t3 shows `running` about ten seconds
/// after the request, and takes about half a minute to stop or end).
pub(super) const TO_POWER_ON: SignedDuration = SignedDuration::from_secs(10);
/// Status checks take a few minutes (EC2 user guide); an estimate.
const TO_STATUS_OK: SignedDuration = SignedDuration::from_mins(2);

/// An instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Instance {
    /// `i-…`
    pub id: String,
    /// `r-…`
    pub reservation: String,
    /// `ami-…`
    pub image: String,
    /// `t3.micro`.
    pub kind: String,
    /// Name of its key pair at launch.
    pub key_name: Option<String>,
    /// Public keys at launch.
    pub authorized_keys: Vec<String>,
    /// Its subnet.
    pub subnet: String,
    /// The subnet's VPC.
    pub vpc: String,
    /// The subnet's zone.
    pub zone: String,
    /// Its first interface.
    pub interface: String,
    /// Its address, kept after the interface is gone.
    pub private_address: Ipv4Addr,
    /// Gets a public address whenever it starts.
    pub public: bool,
    /// Decoded.
    #[serde(with = "bytes")]
    pub user_data: Vec<u8>,
    /// Metadata service.
    pub metadata: MetadataOptions,
    /// `standard` or `unlimited`; none for types without credits.
    pub credits: Option<String>,
    /// `stop` or `terminate`: what `shutdown` on the instance does.
    pub on_shutdown: ShutdownBehavior,
    /// Last time it was started.
    pub launched: Timestamp,
    /// State.
    pub state: State,
    /// What its host is to do, and when.
    pub power: Option<(Power, Timestamp)>,
    /// Whether its host has been launched once.
    pub launched_once: bool,
    /// Code and message of why it is in its state.
    pub reason: Option<(String, String)>,
    /// `/dev/xvda`.
    pub root_device: String,
    /// `vol-…`
    pub root_volume: String,
    /// When the last end was reached; it is listed a while longer.
    pub ended: Option<Timestamp>,
    /// What its console had shown when its host ended.
    #[serde(default)]
    pub console: Option<String>,
    /// Its instance profile.
    #[serde(default)]
    pub profile: Option<Association>,
    /// Tags.
    pub tags: Tags,
}

/// State, as EC2 names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Will run.
    Pending,
    /// Runs.
    Running,
    /// Will be terminated.
    ShuttingDown,
    /// Gone for ever.
    Terminated,
    /// Will be stopped.
    Stopping,
    /// Can be started.
    Stopped,
}

impl State {
    /// Name and code.
    pub fn parts(self) -> (&'static str, u16) {
        match self {
            Self::Pending => ("pending", 0),
            Self::Running => ("running", 16),
            Self::ShuttingDown => ("shutting-down", 32),
            Self::Terminated => ("terminated", 48),
            Self::Stopping => ("stopping", 64),
            Self::Stopped => ("stopped", 80),
        }
    }
}

/// What a host is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Power {
    /// On: for the first time, or again.
    On,
    /// Off.
    Off,
    /// Off and on.
    Cycle,
    /// Off for ever.
    End,
}

/// What `shutdown` on the instance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShutdownBehavior {
    /// Stops it.
    Stop,
    /// Terminates it.
    Terminate,
}

/// Options of the instance metadata service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataOptions {
    /// `required`: version 2 only; or `optional`.
    pub tokens: String,
    /// Hops that an answer may travel.
    pub hop_limit: u8,
    /// `enabled` or `disabled`.
    pub endpoint: String,
    /// Tags in the metadata: `enabled` or `disabled`.
    pub tags: String,
}

/// The root volume that is asked for.
#[derive(Debug, Clone)]
pub struct RootVolume {
    /// GiB.
    pub size: u32,
    /// `gp3`.
    pub kind: String,
    /// Encrypted at rest.
    pub encrypted: bool,
    /// Goes with the instance.
    pub delete_on_termination: bool,
}

impl Default for RootVolume {
    fn default() -> Self {
        Self {
            size: ROOT_SIZE,
            kind: "gp3".into(),
            encrypted: false,
            delete_on_termination: true,
        }
    }
}

/// What an instance is launched with.
#[derive(Debug, Clone)]
pub struct Launch {
    /// `ami-…`
    pub image: String,
    /// `t3.micro`.
    pub kind: String,
    /// Key pair.
    pub key_name: Option<String>,
    /// Subnet.
    pub subnet: String,
    /// At this address.
    pub private_address: Option<Ipv4Addr>,
    /// Public address; `None`: as the subnet says.
    pub public: Option<bool>,
    /// Security groups.
    pub groups: Vec<String>,
    /// Decoded.
    pub user_data: Vec<u8>,
    /// Metadata service.
    pub metadata: MetadataOptions,
    /// Name or ARN of its instance profile.
    pub profile: Option<String>,
    /// CPU credits.
    pub credits: Option<String>,
    /// What `shutdown` does.
    pub on_shutdown: ShutdownBehavior,
    /// Root volume.
    pub root: RootVolume,
    /// Its volume has its tags too.
    pub tag_volume: bool,
    /// Tags.
    pub tags: Tags,
}

impl World {
    /// The instance with this id, terminated ones included while they are listed.
    pub fn instance(&self, id: &str) -> Result<&Instance, AwsError> {
        let hex = id.strip_prefix("i-").unwrap_or_default();
        if !matches!(hex.len(), 8 | 17) || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(AwsError::client(
                "InvalidInstanceID.Malformed",
                format!("Invalid id: \"{id}\""),
            ));
        }
        self.instances.get(id).ok_or_else(|| {
            AwsError::client(
                "InvalidInstanceID.NotFound",
                format!("The instance ID '{id}' does not exist"),
            )
        })
    }

    /// Launches an instance: it is pending, its host will be powered on.
    pub fn launch(&mut self, launch: Launch) -> Result<String, AwsError> {
        let kind = launchable(&launch.image, &launch.kind)?;
        let subnet = self.subnet(&launch.subnet)?.clone();
        if !self.offered(kind, &subnet.zone) {
            let zones: Vec<String> = self
                .place
                .zones()
                .into_iter()
                .map(|zone| zone.name)
                .filter(|zone| self.offered(kind, zone))
                .collect();
            return Err(AwsError::client(
                "Unsupported",
                format!(
                    "Your requested instance type ({}) is not supported in your requested Availability Zone ({}). Please retry your request by not specifying an Availability Zone or choosing {}.",
                    kind.name,
                    subnet.zone,
                    zones.join(", ")
                ),
            ));
        }
        if launch.user_data.len() > 16_384 {
            return Err(AwsError::client(
                "InvalidParameterValue",
                "User data is limited to 16384 bytes",
            ));
        }
        let authorized_keys = match &launch.key_name {
            Some(name) => vec![self.key_pair(name)?.public_key.clone()],
            None => Vec::new(),
        };
        let profile = match &launch.profile {
            Some(profile) => Some(self.association(profile, true)?),
            None => None,
        };
        let id = self.id("i");
        let interface = self.create_interface(
            &subnet.id,
            launch.private_address,
            launch.groups,
            String::new(),
        )?;
        let private_address = self.interface(&interface)?.private_address;
        let public = launch.public.unwrap_or(subnet.map_public_ip);
        let attachment = self.id("eni-attach");
        let attached = self.now;
        if let Some(interface) = self.interfaces.get_mut(&interface) {
            interface.owner = Owner::Instance {
                id: id.clone(),
                attachment,
                attached,
            };
        }
        let volume_tags = if launch.tag_volume {
            launch.tags.clone()
        } else {
            Tags::new()
        };
        let root_volume = self.create_root_volume(&id, &subnet.zone, &launch.root, volume_tags);
        let reservation = self.id("r");
        self.instances.insert(
            &id,
            Instance {
                id: id.clone(),
                reservation,
                image: launch.image,
                kind: launch.kind,
                key_name: launch.key_name,
                authorized_keys,
                subnet: subnet.id,
                vpc: subnet.vpc,
                zone: subnet.zone,
                interface,
                private_address,
                public,
                user_data: launch.user_data,
                metadata: launch.metadata,
                credits: launch.credits,
                on_shutdown: launch.on_shutdown,
                launched: self.now,
                state: State::Pending,
                power: Some((Power::On, self.now + TO_POWER_ON)),
                launched_once: false,
                reason: None,
                root_device: "/dev/xvda".into(),
                root_volume,
                ended: None,
                console: None,
                profile,
                tags: launch.tags,
            },
        );
        self.map_public_address(&id)?;
        Ok(id)
    }

    fn create_root_volume(
        &mut self,
        instance: &str,
        zone: &str,
        root: &RootVolume,
        tags: Tags,
    ) -> String {
        let id = self.id("vol");
        let gp3 = root.kind == "gp3";
        let shape = Shape {
            kind: root.kind.clone(),
            size: root.size,
            // gp3: 3000 and 125 MiB/s; gp2: three a GiB, at least 100 (EBS user guide, "General Purpose SSD").
            iops: if gp3 { 3000 } else { (3 * root.size).max(100) },
            throughput: gp3.then_some(125),
        };
        let volume = Volume {
            snapshot: images()[0].snapshot.clone(),
            encrypted: root.encrypted,
            attachment: Some(Attachment {
                instance: instance.to_owned(),
                device: "/dev/xvda".into(),
                attached: self.now,
                delete_on_termination: root.delete_on_termination,
                state: Link::Attached,
            }),
            tags,
            ..Volume::new(&id, zone, shape, self.now)
        };
        self.volumes.insert(&id, volume);
        id
    }
}

impl Instance {
    /// When the status checks of its last start have passed.
    pub fn status_ok_at(&self) -> Timestamp {
        self.launched + TO_STATUS_OK
    }
}

/// Bytes as base64 in JSON.
mod bytes {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        BASE64_STANDARD
            .decode(String::deserialize(from)?)
            .map_err(D::Error::custom)
    }
}
