//! EBS volumes as the API knows them: how they are made, what states they go through, how they end. Their bytes are
//! elsewhere.

pub mod attachments;
pub mod modifications;
pub mod snapshots;

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::attachments::{Attachment, Link};
pub use self::modifications::Modification;
pub use self::snapshots::Snapshot;
use super::{Tags, World};
use crate::practice::error::AwsError;

/// How long things take (estimates: EBS documents no figures; a small volume shows `available` a few seconds after the
/// request, and is gone a few seconds after the deletion).
const CREATION: SignedDuration = SignedDuration::from_secs(5);
const DELETION: SignedDuration = SignedDuration::from_secs(5);

/// A volume.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Volume {
    /// `vol-…`
    pub id: String,
    /// Its zone.
    pub zone: String,
    /// GiB.
    pub size: u32,
    /// `gp3`.
    pub kind: String,
    /// Operations a second.
    pub iops: u32,
    /// MiB/s; gp3 only.
    pub throughput: Option<u32>,
    /// Made from.
    pub snapshot: String,
    /// Encrypted at rest.
    pub encrypted: bool,
    /// When.
    pub created: Timestamp,
    /// State, but for whether it is attached.
    #[serde(default)]
    pub state: VolumeState,
    /// Whether its content is still to be copied from its snapshot.
    #[serde(default)]
    pub empty: bool,
    /// Makes creation idempotent.
    #[serde(default)]
    pub token: Option<String>,
    /// Where it is attached.
    pub attachment: Option<Attachment>,
    /// Its modifications: the last one, and those of the last day.
    #[serde(default)]
    pub modifications: Vec<Modification>,
    /// Tags.
    pub tags: Tags,
}

/// State, and when the next one is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeState {
    /// Until then.
    Creating(Timestamp),
    /// There.
    #[default]
    Available,
    /// Until then.
    Deleting(Timestamp),
}

/// What a volume is asked to be.
#[derive(Debug, Clone, Default)]
pub struct NewVolume {
    /// `us-east-1a`.
    pub zone: String,
    /// GiB; `None`: as large as its snapshot.
    pub size: Option<u32>,
    /// `gp2`, `gp3`.
    pub kind: Option<String>,
    /// Operations a second; `None`: what its type gives.
    pub iops: Option<u32>,
    /// MiB/s; `None`: what its type gives.
    pub throughput: Option<u32>,
    /// `snap-…`
    pub snapshot: Option<String>,
    /// At rest; one from an encrypted snapshot is in any case.
    pub encrypted: bool,
    /// Makes it once however often it is asked for.
    pub token: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// Type, size and performance of a volume, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// `gp3`.
    pub kind: String,
    /// GiB.
    pub size: u32,
    /// Operations a second.
    pub iops: u32,
    /// MiB/s; gp3 only.
    pub throughput: Option<u32>,
}

impl Shape {
    /// What EBS gives who asks for this (API reference, "CreateVolume"; EBS user guide, "General Purpose SSD volumes").
    pub fn new(
        kind: &str,
        size: u32,
        iops: Option<u32>,
        throughput: Option<u32>,
    ) -> Result<Self, AwsError> {
        let (largest, gp3) = match kind {
            "gp2" => (16_384, false),
            "gp3" => (65_536, true),
            "io1" | "io2" | "st1" | "sc1" | "standard" => {
                return Err(AwsError::client(
                    "UnsupportedOperation",
                    format!("the practice account has volumes of type gp2 and gp3, not {kind}"),
                ));
            }
            other => {
                return Err(AwsError::client(
                    "UnknownVolumeType",
                    format!("Unsupported volume type '{other}' for volume creation."),
                ));
            }
        };
        if size == 0 {
            return Err(invalid(format!(
                "Volume of {size}GiB is too small; minimum is 1GiB."
            )));
        }
        if size > largest {
            return Err(invalid(format!(
                "Volume of {size}GiB is too large for volume type {kind}; maximum is {largest}GiB."
            )));
        }
        if !gp3 {
            for (name, given) in [("iops", iops), ("throughput", throughput)] {
                if given.is_some() {
                    return Err(AwsError::client(
                        "InvalidParameterCombination",
                        format!("The parameter {name} is not supported for {kind} volumes."),
                    ));
                }
            }
            // Three a GiB, at least 100, at most 16,000.
            let iops = (3 * size).clamp(100, 16_000);
            let kind = kind.to_owned();
            return Ok(Self {
                kind,
                size,
                iops,
                throughput: None,
            });
        }
        let iops = iops.unwrap_or(3000);
        if iops < 3000 {
            return Err(invalid(format!(
                "Volume iops of {iops} is too low; minimum is 3000."
            )));
        }
        if iops > 80_000 {
            return Err(invalid(format!(
                "Volume iops of {iops} is too high; maximum is 80000."
            )));
        }
        if iops > 3000 && iops > 500 * size {
            let ratio = f64::from(iops) / f64::from(size);
            return Err(AwsError::client(
                "InvalidParameterCombination",
                format!(
                    "Iops to volume size ratio of {ratio:.6} is too high; maximum is 500.000000."
                ),
            ));
        }
        let throughput = throughput.unwrap_or(125);
        if !(125..=2000).contains(&throughput) {
            let (word, most) = if throughput < 125 {
                ("low; minimum", 125)
            } else {
                ("high; maximum", 2000)
            };
            return Err(invalid(format!(
                "Throughput of {throughput} is too {word} is {most}."
            )));
        }
        if 4 * throughput > iops {
            let ratio = f64::from(throughput) / f64::from(iops);
            return Err(AwsError::client(
                "InvalidParameterCombination",
                format!(
                    "Throughput (MiBps) to iops ratio of {ratio:.6} is too high; maximum is 0.250000 MiBps per iops."
                ),
            ));
        }
        Ok(Self {
            kind: kind.to_owned(),
            size,
            iops,
            throughput: Some(throughput),
        })
    }
}

impl Volume {
    /// One that is there, not attached and without tags.
    pub fn new(id: &str, zone: &str, shape: Shape, created: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            zone: zone.to_owned(),
            size: shape.size,
            kind: shape.kind,
            iops: shape.iops,
            throughput: shape.throughput,
            snapshot: String::new(),
            encrypted: false,
            created,
            state: VolumeState::Available,
            empty: false,
            token: None,
            attachment: None,
            modifications: Vec::new(),
            tags: Tags::new(),
        }
    }

    /// State as EC2 names it.
    pub fn status(&self) -> &'static str {
        match (self.state, &self.attachment) {
            (VolumeState::Creating(_), _) => "creating",
            (VolumeState::Deleting(_), _) => "deleting",
            (VolumeState::Available, Some(_)) => "in-use",
            (VolumeState::Available, None) => "available",
        }
    }

    /// Type, size and performance.
    pub fn shape(&self) -> Shape {
        Shape {
            kind: self.kind.clone(),
            size: self.size,
            iops: self.iops,
            throughput: self.throughput,
        }
    }

    /// When it will change by itself.
    fn due(&self) -> Option<Timestamp> {
        let state = match self.state {
            VolumeState::Creating(at) | VolumeState::Deleting(at) => Some(at),
            VolumeState::Available => None,
        };
        let link = self.attachment.as_ref().and_then(|one| one.state.due());
        let modification = self.modifications.last().and_then(Modification::due);
        [state, link, modification].into_iter().flatten().min()
    }
}

/// Says that a value makes no sense.
fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidParameterValue", message)
}

/// Says that something is not in the state for that.
fn wrong_state(message: impl Into<String>) -> AwsError {
    AwsError::client("IncorrectState", message)
}

/// Whether a text has the form of an id.
fn is_id(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    matches!(digits.len(), 8 | 17) && digits.chars().all(|c| c.is_ascii_hexdigit())
}

impl World {
    /// The volume with this id.
    pub fn volume(&self, id: &str) -> Result<&Volume, AwsError> {
        if !is_id(id, "vol-") {
            return Err(invalid(format!(
                "Value ({id}) for parameter volumeId is invalid. Expected: 'vol-...'."
            )));
        }
        self.volumes.get(id).ok_or_else(|| {
            AwsError::client(
                "InvalidVolume.NotFound",
                format!("The volume '{id}' does not exist."),
            )
        })
    }

    /// Makes a volume, blank or from a snapshot. The same token makes the same volume.
    pub fn create_volume(&mut self, wanted: NewVolume) -> Result<String, AwsError> {
        if let Some(token) = &wanted.token
            && let Some(made) = self
                .volumes
                .values()
                .find(|one| one.token.as_ref() == Some(token))
        {
            let other = wanted.zone != made.zone
                || wanted.size.is_some_and(|size| size != made.size)
                || wanted
                    .snapshot
                    .as_ref()
                    .is_some_and(|one| *one != made.snapshot)
                || wanted.kind.as_ref().is_some_and(|kind| *kind != made.kind);
            return if other {
                Err(AwsError::client(
                    "IdempotentParameterMismatch",
                    "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
                ))
            } else {
                Ok(made.id.clone())
            };
        }
        if self.place.zone(&wanted.zone).is_none() {
            return Err(AwsError::client(
                "InvalidZone.NotFound",
                format!("The zone '{}' does not exist.", wanted.zone),
            ));
        }
        let mut size = wanted.size;
        let mut encrypted = wanted.encrypted;
        if let Some(id) = &wanted.snapshot {
            let snapshot = self.snapshot(id)?;
            if !snapshot.is_completed(self.now) {
                return Err(wrong_state(format!(
                    "Snapshot is in invalid state - pending: {id}"
                )));
            }
            let least = snapshot.size;
            if let Some(size) = size.filter(|size| *size < least) {
                return Err(invalid(format!(
                    "Volume of size {size}GB is smaller than snapshot '{id}', expect size >= {least}GB"
                )));
            }
            size = size.or(Some(least));
            encrypted |= snapshot.encrypted;
        }
        let size = size.ok_or_else(|| {
            AwsError::client(
                "MissingParameter",
                "The request must contain the parameter size/snapshot",
            )
        })?;
        let kind = wanted.kind.as_deref().unwrap_or("gp2");
        let shape = Shape::new(kind, size, wanted.iops, wanted.throughput)?;
        let id = self.id("vol");
        let volume = Volume {
            state: VolumeState::Creating(self.now + CREATION),
            empty: wanted.snapshot.is_some(),
            snapshot: wanted.snapshot.unwrap_or_default(),
            encrypted,
            token: wanted.token,
            tags: wanted.tags,
            ..Volume::new(&id, &wanted.zone, shape, self.now)
        };
        self.volumes.insert(&id, volume);
        Ok(id)
    }

    /// Begins to delete a volume that is not attached.
    pub fn delete_volume(&mut self, id: &str) -> Result<(), AwsError> {
        let volume = self.volume(id)?;
        if let Some(attachment) = &volume.attachment {
            return Err(AwsError::client(
                "VolumeInUse",
                format!(
                    "Volume {id} is currently attached to {}",
                    attachment.instance
                ),
            ));
        }
        if volume.state != VolumeState::Available {
            return Err(wrong_state(format!(
                "The volume '{id}' is not in a state from which it can be deleted: '{}'.",
                volume.status()
            )));
        }
        let at = self.now + DELETION;
        if let Some(volume) = self.volumes.get_mut(id) {
            volume.state = VolumeState::Deleting(at);
        }
        Ok(())
    }

    /// The snapshots whose content goes into which volume now.
    pub fn volumes_to_fill(&self) -> Vec<(String, String)> {
        let empty = self.volumes.values().filter(|volume| volume.empty);
        empty
            .map(|volume| (volume.id.clone(), volume.snapshot.clone()))
            .collect()
    }

    /// The content of a snapshot is in its volume.
    pub fn volume_filled(&mut self, id: &str) {
        if let Some(volume) = self.volumes.get_mut(id) {
            volume.empty = false;
        }
    }

    /// Forgets a volume; its content has to go with it.
    pub(super) fn drop_volume(&mut self, id: &str) {
        if self.volumes.remove(id).is_some() {
            self.discarded.push(id.to_owned());
        }
    }

    /// Contents that nothing needs any more.
    pub fn take_discarded(&mut self) -> Vec<String> {
        let mut discarded = std::mem::take(&mut self.discarded);
        let filling = self.volumes_to_fill();
        // What a change noted that was taken back is still there; what is still to be copied waits.
        let (kept, gone): (Vec<_>, Vec<_>) = discarded
            .drain(..)
            .filter(|id| !self.volumes.contains(id) && !self.snapshots.contains(id))
            .partition(|id| filling.iter().any(|(_, snapshot)| snapshot == id));
        self.discarded = kept;
        gone
    }

    /// Brings volumes to the state they have reached by now. Those that are detached go when their hosts let go.
    pub fn advance_volumes(&mut self) {
        for id in self.volumes.ids() {
            let Some(volume) = self.volumes.get(&id) else {
                continue;
            };
            if volume.due().is_none_or(|due| due > self.now) {
                continue;
            }
            match volume.state {
                // One from a snapshot is there once its content is.
                VolumeState::Creating(at) if at <= self.now && !volume.empty => {
                    if let Some(volume) = self.volumes.get_mut(&id) {
                        volume.state = VolumeState::Available;
                    }
                }
                VolumeState::Deleting(at) if at <= self.now => {
                    self.drop_volume(&id);
                    continue;
                }
                _ => {}
            }
            self.advance_attachment(&id);
            self.advance_modification(&id);
        }
    }

    /// When the next volume or snapshot changes by itself.
    pub fn volumes_due(&self) -> Option<Timestamp> {
        let volumes = self.volumes.values().filter_map(Volume::due);
        let snapshots = self.snapshots.values().map(|snapshot| snapshot.completes);
        volumes.chain(snapshots).filter(|at| *at > self.now).min()
    }
}
