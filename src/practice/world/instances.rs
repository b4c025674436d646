//! Instances: how they come, stop, start and go. Which host runs behind one does not enter here, only that power is wanted.

use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::images::ROOT_SIZE;
use super::interfaces::Owner;
use super::volumes::{Attachment, Volume};
use super::{Tags, World};
use crate::practice::error::AwsError;

/// From the request to the power, and from there to the state that follows (estimates: EC2 documents no figures;
/// a t3 shows `running` about ten seconds after the request, and takes about half a minute to stop or end).
const TO_POWER_ON: SignedDuration = SignedDuration::from_secs(10);
const TO_POWER_OFF: SignedDuration = SignedDuration::from_secs(20);
/// A terminated instance is listed for about an hour (EC2 user guide, "Terminate Amazon EC2 instances").
const LISTED_AFTER_END: SignedDuration = SignedDuration::from_hours(1);
/// Status checks take a few minutes (EC2 user guide); an estimate.
const TO_STATUS_OK: SignedDuration = SignedDuration::from_secs(120);

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
        let kind = self.launchable(&launch.image, &launch.kind)?;
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
        let snapshot = self.images()[0].snapshot.clone();
        self.volumes.insert(
            &id,
            Volume {
                id: id.clone(),
                zone: zone.to_owned(),
                size: root.size,
                kind: root.kind.clone(),
                // gp3: 3000 and 125 MiB/s; gp2: three a GiB, at least 100 (EBS user guide, "General Purpose SSD").
                iops: if gp3 { 3000 } else { (3 * root.size).max(100) },
                throughput: gp3.then_some(125),
                snapshot,
                encrypted: root.encrypted,
                created: self.now,
                attachment: Some(Attachment {
                    instance: instance.to_owned(),
                    device: "/dev/xvda".into(),
                    attached: self.now,
                    delete_on_termination: root.delete_on_termination,
                }),
                tags,
            },
        );
        id
    }

    fn map_public_address(&mut self, id: &str) -> Result<(), AwsError> {
        let Some(instance) = self.instances.get(id).filter(|instance| instance.public) else {
            return Ok(());
        };
        let interface = instance.interface.clone();
        let address = self.free_public_address()?;
        if let Some(interface) = self.interfaces.get_mut(&interface) {
            interface.public_address = Some(address);
        }
        Ok(())
    }

    fn unmap_public_address(&mut self, interface: &str) {
        if let Some(interface) = self.interfaces.get_mut(interface) {
            interface.public_address = None;
        }
    }

    /// Starts a stopped instance. Answers with the states before and after.
    pub fn start_instance(&mut self, id: &str) -> Result<(State, State), AwsError> {
        let before = self.instance(id)?.state;
        match before {
            State::Stopped => {
                self.map_public_address(id)?;
                let now = self.now;
                if let Some(instance) = self.instances.get_mut(id) {
                    instance.state = State::Pending;
                    instance.launched = now;
                    instance.reason = None;
                    instance.power = Some((Power::On, now + TO_POWER_ON));
                }
                Ok((before, State::Pending))
            }
            State::Pending | State::Running => Ok((before, before)),
            _ => Err(wrong_state(id, "from which it can be started")),
        }
    }

    /// Stops a running instance. Answers with the states before and after.
    pub fn stop_instance(&mut self, id: &str, why: Why) -> Result<(State, State), AwsError> {
        let before = self.instance(id)?.state;
        match before {
            State::Running => {
                self.power_off(id, State::Stopping, Power::Off, why);
                Ok((before, State::Stopping))
            }
            State::Stopping | State::Stopped => Ok((before, before)),
            _ => Err(wrong_state(id, "from which it can be stopped")),
        }
    }

    /// Terminates an instance. Answers with the states before and after.
    pub fn terminate_instance(&mut self, id: &str, why: Why) -> Result<(State, State), AwsError> {
        let before = self.instance(id)?.state;
        match before {
            State::ShuttingDown | State::Terminated => Ok((before, before)),
            _ => {
                self.power_off(id, State::ShuttingDown, Power::End, why);
                Ok((before, State::ShuttingDown))
            }
        }
    }

    /// Reboots a running instance.
    pub fn reboot_instance(&mut self, id: &str) -> Result<(), AwsError> {
        if self.instance(id)?.state != State::Running {
            return Err(wrong_state(id, "from which it can be rebooted"));
        }
        let now = self.now;
        if let Some(instance) = self.instances.get_mut(id) {
            instance.power = Some((Power::Cycle, now));
        }
        Ok(())
    }

    fn power_off(&mut self, id: &str, state: State, power: Power, why: Why) {
        let now = self.now;
        let (code, message) = why.parts();
        if let Some(instance) = self.instances.get_mut(id) {
            instance.state = state;
            instance.reason = Some((code.to_owned(), message.to_owned()));
            // One that has shut itself down has no power left to take away.
            let wait = if why == Why::Shutdown {
                SignedDuration::ZERO
            } else {
                TO_POWER_OFF
            };
            instance.power = Some((power, now + wait));
        }
    }

    /// The host has done what it was to do.
    pub fn power_done(&mut self, id: &str, power: Power) {
        let now = self.now;
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        if instance.power.is_none_or(|(wanted, _)| wanted != power) {
            // Something else was asked for meanwhile; that decides.
            if power == Power::On {
                instance.launched_once = true;
            }
            return;
        }
        instance.power = None;
        match power {
            Power::On => {
                instance.launched_once = true;
                instance.state = State::Running;
            }
            Power::Cycle => {}
            Power::Off => {
                instance.state = State::Stopped;
                let interface = instance.interface.clone();
                self.unmap_public_address(&interface);
            }
            Power::End => {
                instance.state = State::Terminated;
                instance.ended = Some(now);
                let interface = instance.interface.clone();
                self.interfaces.remove(&interface);
                self.release_volumes(id);
            }
        }
    }

    /// The host could not be powered on.
    pub fn power_failed(&mut self, id: &str, why: &str) {
        let now = self.now;
        if let Some(instance) = self.instances.get_mut(id) {
            instance.state = State::ShuttingDown;
            instance.reason = Some((
                "Server.InternalError".into(),
                format!("Server.InternalError: {why}"),
            ));
            instance.power = Some((Power::End, now));
        }
    }

    fn release_volumes(&mut self, instance: &str) {
        for id in self.volumes.ids() {
            let Some(attachment) = self.volumes.get(&id).and_then(|one| one.attachment.clone())
            else {
                continue;
            };
            if attachment.instance != instance {
                continue;
            }
            if attachment.delete_on_termination {
                self.volumes.remove(&id);
            } else if let Some(volume) = self.volumes.get_mut(&id) {
                volume.attachment = None;
            }
        }
    }

    /// No longer lists instances that ended long ago.
    pub fn forget_ended_instances(&mut self) {
        for id in self.instances.ids() {
            let over = self
                .instances
                .get(&id)
                .and_then(|instance| instance.ended)
                .is_some_and(|ended| self.now >= ended + LISTED_AFTER_END);
            if over {
                self.instances.remove(&id);
            }
        }
    }
}

impl Instance {
    /// Whether the status checks have had the time to pass.
    pub fn status_ok(&self, now: Timestamp) -> bool {
        now >= self.launched + TO_STATUS_OK
    }
}

/// Who wanted an instance to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// An API call.
    Request,
    /// The instance itself.
    Shutdown,
}

impl Why {
    fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => (
                "Client.UserInitiatedShutdown",
                "Client.UserInitiatedShutdown: User initiated shutdown",
            ),
            Self::Shutdown => (
                "Client.InstanceInitiatedShutdown",
                "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
            ),
        }
    }
}

fn wrong_state(id: &str, what: &str) -> AwsError {
    AwsError::client(
        "IncorrectInstanceState",
        format!("The instance '{id}' is not in a state {what}."),
    )
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
