//! Changes of a volume's size, type and performance while it is used (EBS user guide, "Elastic Volumes").

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Shape, invalid, wrong_state};
use crate::practice::error::AwsError;
use crate::practice::world::World;

/// Until the new size can be used ("takes a few seconds to complete and take effect").
const MODIFYING: SignedDuration = SignedDuration::from_secs(8);
/// How long a GiB is optimized: a full volume of 1 TiB takes about six hours (EBS user guide, "Monitor the progress of
/// volume modifications").
const OPTIMIZING_SECONDS_PER_TIB: i64 = 6 * 3600;
/// A volume can be modified four times in 24 hours, and again once the last time is over (since January 2026,
/// <https://aws.amazon.com/about-aws/whats-new/2026/01/amazon-ebs-up-to-four-volume-modifications/>; before that there
/// were six hours between two).
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
const MOST: usize = 4;

/// A change under way, or over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Modification {
    /// What the volume was.
    pub original: Shape,
    /// What it becomes.
    pub target: Shape,
    /// When it was asked for.
    pub started: Timestamp,
    /// Whether the volume is what it was to become.
    pub effective: bool,
    /// When it was over.
    pub ended: Option<Timestamp>,
}

impl Modification {
    fn effective_at(&self) -> Timestamp {
        self.started + MODIFYING
    }

    fn ends_at(&self) -> Timestamp {
        let seconds = i64::from(self.target.size) * OPTIMIZING_SECONDS_PER_TIB / 1024;
        self.effective_at() + SignedDuration::from_secs(seconds)
    }

    /// State, as EC2 names it.
    pub fn state(&self) -> &'static str {
        match (self.effective, self.ended) {
            (_, Some(_)) => "completed",
            (true, None) => "optimizing",
            (false, None) => "modifying",
        }
    }

    /// How much of it is done, in percent.
    pub fn progress(&self, now: Timestamp) -> i64 {
        if self.ended.is_some() {
            return 100;
        }
        let whole = self.ends_at().duration_since(self.effective_at()).as_secs();
        let done = now.duration_since(self.effective_at()).as_secs();
        (100 * done / whole.max(1)).clamp(0, 99)
    }

    /// When it will change by itself.
    pub(super) fn due(&self) -> Option<Timestamp> {
        match (self.effective, self.ended) {
            (_, Some(_)) => None,
            (true, None) => Some(self.ends_at()),
            (false, None) => Some(self.effective_at()),
        }
    }
}

/// What a volume is to become; `None`: what it is.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// GiB.
    pub size: Option<u32>,
    /// `gp3`.
    pub kind: Option<String>,
    /// Operations a second.
    pub iops: Option<u32>,
    /// MiB/s.
    pub throughput: Option<u32>,
}

impl World {
    /// Begins to modify a volume. Answers with the modification.
    pub fn modify_volume(&mut self, id: &str, wish: &Wish) -> Result<Modification, AwsError> {
        let volume = self.volume(id)?;
        if !matches!(volume.status(), "available" | "in-use") {
            return Err(wrong_state(format!(
                "Cannot modify volume {id} in state {}",
                volume.status()
            )));
        }
        let is_root = self.instances.values().any(|one| one.root_volume == id);
        if is_root {
            return Err(AwsError::client(
                "UnsupportedOperation",
                "the practice account does not modify root volumes",
            ));
        }
        let nothing = wish.size.is_none()
            && wish.kind.is_none()
            && wish.iops.is_none()
            && wish.throughput.is_none();
        if nothing {
            return Err(AwsError::client(
                "MissingParameter",
                "The request must contain the parameter size, volumeType, iops or throughput",
            ));
        }
        let original = volume.shape();
        let size = wish.size.unwrap_or(original.size);
        if size < original.size {
            return Err(invalid("New size cannot be smaller than existing size"));
        }
        let kind = wish.kind.as_ref().unwrap_or(&original.kind);
        // What is not said stays as it is where the type stays, and is the type's own else.
        let keeps = *kind == original.kind && kind == "gp3";
        let target = Shape::new(
            kind,
            size,
            wish.iops.or(keeps.then_some(original.iops)),
            wish.throughput.or(original.throughput.filter(|_| keeps)),
        )?;
        if let Some(last) = volume
            .modifications
            .last()
            .filter(|last| last.ended.is_none())
        {
            return Err(AwsError::client(
                "IncorrectModificationState",
                format!(
                    "Cannot modify the volume {id}: its last modification is in state {}",
                    last.state()
                ),
            ));
        }
        let recent = volume
            .modifications
            .iter()
            .filter(|one| one.started > self.now - WINDOW);
        if recent.count() >= MOST {
            return Err(AwsError::client(
                "VolumeModificationRateExceeded",
                "You've reached the maximum modification rate per volume limit. A volume can be modified at most 4 times in 24 hours.",
            ));
        }
        let modification = Modification {
            original,
            target,
            started: self.now,
            effective: false,
            ended: None,
        };
        let since = self.now - WINDOW;
        if let Some(volume) = self.volumes.get_mut(id) {
            volume.modifications.retain(|one| one.started > since);
            volume.modifications.push(modification.clone());
        }
        Ok(modification)
    }

    pub(super) fn advance_modification(&mut self, id: &str) {
        let now = self.now;
        let last = self
            .volumes
            .get(id)
            .and_then(|volume| volume.modifications.last());
        let Some(due) = last.and_then(Modification::due).filter(|due| *due <= now) else {
            return;
        };
        let Some(volume) = self.volumes.get_mut(id) else {
            return;
        };
        let Some(last) = volume.modifications.last_mut() else {
            return;
        };
        if last.effective {
            last.ended = Some(due);
        } else {
            last.effective = true;
            let shape = last.target.clone();
            volume.kind = shape.kind;
            volume.size = shape.size;
            volume.iops = shape.iops;
            volume.throughput = shape.throughput;
            // Long ago, perhaps: then it is over, too.
            self.advance_modification(id);
        }
    }
}
