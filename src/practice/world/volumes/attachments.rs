//! Volumes on instances: attached, detached, and in between. What a host sees of it does not enter here.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{VolumeState, invalid, wrong_state};
use crate::practice::error::AwsError;
use crate::practice::faults::Delay;
use crate::practice::world::World;
use crate::practice::world::instances::State;

/// How long an instance takes to get a volume, and to be asked to let go of one (estimates; EBS documents no figures).
const ATTACHING: SignedDuration = SignedDuration::from_secs(4);
const DETACHING: SignedDuration = SignedDuration::from_secs(4);

/// A volume on an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attachment {
    /// `i-…`
    pub instance: String,
    /// `/dev/xvda`.
    pub device: String,
    /// When.
    pub attached: Timestamp,
    /// Goes with the instance.
    pub delete_on_termination: bool,
    /// State.
    #[serde(default)]
    pub state: Link,
}

/// State of an attachment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// Until then.
    Attaching(Timestamp),
    /// There.
    #[default]
    Attached,
    /// The instance is asked to let go of it then.
    Detaching {
        /// When.
        at: Timestamp,
        /// Whether it is asked at all, or the volume taken from it.
        force: bool,
    },
    /// Held up by a fault: only force ends it, or the end of the instance.
    Stuck,
    /// The instance uses it still.
    Busy {
        /// It is taken from the instance, used or not.
        force: bool,
    },
}

impl Link {
    /// As EC2 names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attaching(_) => "attaching",
            Self::Attached => "attached",
            Self::Detaching { .. } | Self::Stuck => "detaching",
            Self::Busy { .. } => "busy",
        }
    }

    /// Whether the instance has the volume.
    pub fn is_there(self) -> bool {
        !matches!(self, Self::Attaching(_))
    }

    /// When it will change by itself.
    pub(super) fn due(self) -> Option<Timestamp> {
        match self {
            Self::Attaching(at) | Self::Detaching { at, .. } => Some(at),
            Self::Attached | Self::Stuck | Self::Busy { .. } => None,
        }
    }
}

/// What a volume is detached from.
#[derive(Debug, Clone, Default)]
pub struct Detachment {
    /// Which instance, if that is said.
    pub instance: Option<String>,
    /// Under which name, if that is said.
    pub device: Option<String>,
    /// Whether the instance may use it still.
    pub force: bool,
}

/// The letters of a device name as EC2 knows it: `f` of `/dev/sdf` and of `xvdf`; `None`: it is none.
pub fn letters(device: &str) -> Option<&str> {
    let name = device.strip_prefix("/dev/").unwrap_or(device);
    let letters = name
        .strip_prefix("sd")
        .or_else(|| name.strip_prefix("xvd"))?;
    let valid = match letters.as_bytes() {
        [one] => one.is_ascii_lowercase(),
        // EC2 user guide, "Device names": /dev/xvd[b-d][a-z], and /dev/sda1 for the root of old images.
        [first, second] => {
            name.starts_with('x') && (b'b'..=b'd').contains(first) && second.is_ascii_lowercase()
                || letters == "a1"
        }
        _ => false,
    };
    valid.then(|| letters.trim_end_matches('1'))
}

impl World {
    /// Begins to attach a volume to an instance that runs or is stopped.
    pub fn attach_volume(
        &mut self,
        id: &str,
        instance: &str,
        device: &str,
    ) -> Result<(), AwsError> {
        self.volume(id)?;
        let state = self.instance(instance)?.state;
        if !matches!(state, State::Running | State::Stopped) {
            return Err(wrong_state(format!(
                "Instance '{instance}' is not 'running'."
            )));
        }
        self.link(id, instance, device, self.now + ATTACHING)
    }

    /// Attaches a volume to an instance that is being launched: it is there when the power comes.
    pub fn attach_at_launch(
        &mut self,
        id: &str,
        instance: &str,
        device: &str,
    ) -> Result<(), AwsError> {
        self.volume(id)?;
        self.link(id, instance, device, self.now)
    }

    fn link(
        &mut self,
        id: &str,
        instance: &str,
        device: &str,
        at: Timestamp,
    ) -> Result<(), AwsError> {
        let Some(letters) = letters(device) else {
            return Err(invalid(format!(
                "Value ({device}) for parameter device is invalid. {device} is not a valid EBS device name."
            )));
        };
        let volume = self.volume(id)?;
        if volume.attachment.is_some() {
            return Err(AwsError::client(
                "VolumeInUse",
                format!("{id} is already attached to an instance"),
            ));
        }
        if volume.state != VolumeState::Available {
            return Err(wrong_state(format!("{id} is not 'available'.")));
        }
        if volume.zone != self.instance(instance)?.zone {
            return Err(AwsError::client(
                "InvalidVolume.ZoneMismatch",
                format!(
                    "The volume '{id}' is not in the same availability zone as instance '{instance}'"
                ),
            ));
        }
        let taken = self
            .volumes_of(instance)
            .any(|(_, other)| self::letters(&other.device) == Some(letters));
        if taken {
            return Err(invalid(format!(
                "Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
            )));
        }
        let attached = self.now;
        if let Some(volume) = self.volumes.get_mut(id) {
            volume.attachment = Some(Attachment {
                instance: instance.to_owned(),
                device: device.to_owned(),
                attached,
                // As AttachVolume has it; only mappings at launch say otherwise.
                delete_on_termination: false,
                state: Link::Attaching(at),
            });
        }
        Ok(())
    }

    /// The volumes of an instance, in the order in which they were attached.
    pub fn volumes_of<'a>(
        &'a self,
        instance: &'a str,
    ) -> impl Iterator<Item = (&'a super::Volume, &'a Attachment)> {
        let mut attached: Vec<_> = self
            .volumes
            .values()
            .filter_map(|volume| Some((volume, volume.attachment.as_ref()?)))
            .filter(|(_, attachment)| attachment.instance == instance)
            .collect();
        attached.sort_by_key(|(_, attachment)| attachment.attached);
        attached.into_iter()
    }

    /// Begins to detach a volume. Answers with what it is detached from.
    pub fn detach_volume(&mut self, id: &str, wanted: &Detachment) -> Result<Attachment, AwsError> {
        let volume = self.volume(id)?;
        let instance = wanted.instance.as_deref();
        if let Some(instance) = instance {
            self.instance(instance)?;
        }
        let Some(attachment) = volume.attachment.clone() else {
            return Err(wrong_state(format!(
                "Volume '{id}' is in the '{}' state.",
                volume.status()
            )));
        };
        let elsewhere = instance.is_some_and(|instance| instance != attachment.instance)
            || wanted
                .device
                .as_ref()
                .is_some_and(|device| *device != attachment.device);
        if elsewhere {
            return Err(AwsError::client(
                "InvalidAttachment.NotFound",
                format!(
                    "The volume '{id}' is not attached to instance '{}' as device '{}'",
                    instance.unwrap_or(&attachment.instance),
                    wanted.device.as_ref().unwrap_or(&attachment.device)
                ),
            ));
        }
        let holder = self.instances.get(&attachment.instance);
        if let Some(holder) = holder.filter(|holder| holder.root_volume == id) {
            if holder.state != State::Stopped {
                return Err(AwsError::client(
                    "OperationNotPermitted",
                    format!(
                        "Unable to detach root volume '{id}' from instance '{}'",
                        holder.id
                    ),
                ));
            }
            return Err(AwsError::client(
                "UnsupportedOperation",
                "the practice account does not detach root volumes",
            ));
        }
        let force = wanted.force;
        let at = self.now + DETACHING;
        let state = match attachment.state {
            Link::Attaching(_) => {
                return Err(wrong_state(format!(
                    "Volume '{id}' is in the 'attaching' state."
                )));
            }
            Link::Attached => match self.faults.detachment().filter(|_| !force) {
                Some(Delay::Endless) => Link::Stuck,
                Some(Delay::For(later)) => Link::Detaching {
                    at: at + later,
                    force,
                },
                None => Link::Detaching { at, force },
            },
            Link::Stuck if force => Link::Detaching { at, force },
            Link::Stuck => Link::Stuck,
            // Asked again: it is taken by force now, if that is said.
            Link::Detaching {
                at: due,
                force: was,
            } => Link::Detaching {
                at: if force { due.min(at) } else { due },
                force: was || force,
            },
            Link::Busy { .. } => Link::Busy { force },
        };
        let attachment = Attachment {
            state,
            ..attachment
        };
        if let Some(volume) = self.volumes.get_mut(id) {
            volume.attachment = Some(attachment.clone());
        }
        Ok(attachment)
    }

    pub(super) fn advance_attachment(&mut self, id: &str) {
        let now = self.now;
        let due = self.volumes.get(id).is_some_and(|volume| {
            matches!(&volume.attachment, Some(Attachment { state: Link::Attaching(at), .. }) if *at <= now)
        });
        if due
            && let Some(attachment) = self
                .volumes
                .get_mut(id)
                .and_then(|volume| volume.attachment.as_mut())
        {
            attachment.state = Link::Attached;
        }
    }

    /// Volumes whose instances are to let go of them now: volume, instance, and whether by force.
    pub fn volumes_to_release(&self) -> Vec<(String, String, bool)> {
        let wanted = self.volumes.values().filter_map(|volume| {
            let attachment = volume.attachment.as_ref()?;
            let force = match attachment.state {
                Link::Detaching { at, force } if at <= self.now => force,
                Link::Busy { force } => force,
                _ => return None,
            };
            Some((volume.id.clone(), attachment.instance.clone(), force))
        });
        wanted.collect()
    }

    /// Whether an instance is to be asked for one that it was not asked for yet.
    pub fn releases_late(&self) -> bool {
        self.volumes.values().any(|volume| {
            let link = volume.attachment.as_ref().map(|one| one.state);
            matches!(link, Some(Link::Detaching { at, .. }) if at <= self.now)
        })
    }

    /// What came of it: the instance has let go of the volume, or uses it still.
    pub fn volume_released(&mut self, id: &str, gone: bool) {
        let Some(attachment) = self
            .volumes
            .get(id)
            .and_then(|volume| volume.attachment.as_ref())
        else {
            return;
        };
        let state = match (attachment.state, gone) {
            (Link::Detaching { .. } | Link::Busy { .. }, true) => None,
            (Link::Detaching { force, .. }, false) => Some(Link::Busy { force }),
            _ => return,
        };
        if let Some(volume) = self.volumes.get_mut(id) {
            match (state, &mut volume.attachment) {
                (Some(state), Some(attachment)) => attachment.state = state,
                _ => volume.attachment = None,
            }
        }
    }
}
