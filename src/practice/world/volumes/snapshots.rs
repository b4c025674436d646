//! Snapshots of volumes as the API knows them. Their bytes are elsewhere.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{is_id, wrong_state};
use crate::practice::error::AwsError;
use crate::practice::world::{Tags, World};

/// From the request to `completed`: so long at least, and longer by so much for each byte (estimates: EBS documents
/// that it depends on what has changed; a small one takes half a minute to a minute).
const LEAST: SignedDuration = SignedDuration::from_secs(30);
const BYTES_PER_SECOND: u64 = 50 * 1024 * 1024;
/// Between two snapshots of a volume of which the first is not completed (EC2 API reference, error codes,
/// `SnapshotCreationPerVolumeRateExceeded`).
const BETWEEN: SignedDuration = SignedDuration::from_secs(15);
/// Snapshots of a gp2 or gp3 volume that may be pending at once (EBS user guide, "Create snapshots").
const PENDING: usize = 5;
/// A snapshot stores blocks of 512 KiB (EBS direct APIs).
const BLOCK: u64 = 512 * 1024;

/// A snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// `snap-…`
    pub id: String,
    /// Of which volume.
    pub volume: String,
    /// GiB of that volume.
    pub size: u32,
    /// Free text.
    pub description: String,
    /// Encrypted at rest.
    pub encrypted: bool,
    /// When it was asked for: its content is that of this moment.
    pub started: Timestamp,
    /// When it can be used.
    #[serde(default)]
    pub completes: Timestamp,
    /// Bytes of all blocks that hold something.
    #[serde(default)]
    pub bytes: u64,
    /// Whether its content is kept; until then it is that of its volume.
    #[serde(default = "yes")]
    pub taken: bool,
    /// Tags.
    pub tags: Tags,
}

fn yes() -> bool {
    true
}

impl Snapshot {
    /// Whether it can be used.
    pub fn is_completed(&self, now: Timestamp) -> bool {
        self.taken && self.completes <= now
    }

    /// State as EC2 names it.
    pub fn status(&self, now: Timestamp) -> &'static str {
        if self.is_completed(now) {
            "completed"
        } else {
            "pending"
        }
    }

    /// How much of it is done, in percent.
    pub fn progress(&self, now: Timestamp) -> i64 {
        if self.is_completed(now) {
            return 100;
        }
        let whole = self.completes.duration_since(self.started).as_secs();
        let done = now.duration_since(self.started).as_secs();
        (100 * done / whole.max(1)).clamp(0, 99)
    }
}

impl World {
    /// The snapshot with this id.
    pub fn snapshot(&self, id: &str) -> Result<&Snapshot, AwsError> {
        if !is_id(id, "snap-") {
            return Err(AwsError::client(
                "InvalidParameterValue",
                format!("Value ({id}) for parameter snapshotId is invalid. Expected: 'snap-...'."),
            ));
        }
        self.snapshots.get(id).ok_or_else(|| {
            AwsError::client(
                "InvalidSnapshot.NotFound",
                format!("The snapshot '{id}' does not exist."),
            )
        })
    }

    /// Begins a snapshot of a volume. Its content is still to be taken.
    pub fn create_snapshot(
        &mut self,
        volume: &str,
        description: &str,
        tags: Tags,
    ) -> Result<String, AwsError> {
        let found = self.volume(volume)?;
        if !matches!(found.status(), "available" | "in-use") {
            return Err(wrong_state(format!(
                "Volume '{volume}' is in the '{}' state.",
                found.status()
            )));
        }
        if self.instances.values().any(|one| one.root_volume == volume) {
            return Err(AwsError::client(
                "UnsupportedOperation",
                "the practice account makes no snapshots of root volumes",
            ));
        }
        let pending: Vec<&Snapshot> = self
            .snapshots
            .values()
            .filter(|one| one.volume == volume && !one.is_completed(self.now))
            .collect();
        if pending.len() >= PENDING {
            return Err(AwsError::client(
                "ConcurrentSnapshotLimitExceeded",
                format!(
                    "Maximum allowed in-progress snapshots for a single volume exceeded: {PENDING}"
                ),
            ));
        }
        if pending.iter().any(|one| self.now < one.started + BETWEEN) {
            return Err(AwsError::client(
                "SnapshotCreationPerVolumeRateExceeded",
                "The rate limit for creating concurrent snapshots of an EBS volume has been exceeded. Wait at least 15 seconds between concurrent volume snapshots.",
            ));
        }
        let (size, encrypted) = (found.size, found.encrypted);
        let id = self.id("snap");
        self.snapshots.insert(
            &id,
            Snapshot {
                id: id.clone(),
                volume: volume.to_owned(),
                size,
                description: description.to_owned(),
                encrypted,
                started: self.now,
                completes: self.now + LEAST,
                bytes: 0,
                taken: false,
                tags,
            },
        );
        Ok(id)
    }

    /// The content of a snapshot is kept: so many bytes.
    pub fn snapshot_taken(&mut self, id: &str, bytes: u64) {
        if let Some(snapshot) = self.snapshots.get_mut(id) {
            let seconds = i64::try_from(bytes / BYTES_PER_SECOND).unwrap_or(i64::MAX / 2);
            snapshot.bytes = bytes.div_ceil(BLOCK) * BLOCK;
            snapshot.completes = snapshot.started + LEAST + SignedDuration::from_secs(seconds);
            snapshot.taken = true;
        }
    }

    /// Snapshots whose content is still to be taken: snapshot and volume.
    pub fn snapshots_to_take(&self) -> Vec<(String, String)> {
        let untaken = self.snapshots.values().filter(|one| !one.taken);
        untaken
            .map(|one| (one.id.clone(), one.volume.clone()))
            .collect()
    }

    /// Deletes a snapshot, whatever was made from it.
    pub fn delete_snapshot(&mut self, id: &str) -> Result<(), AwsError> {
        self.snapshot(id)?;
        self.snapshots.remove(id);
        self.discarded.push(id.to_owned());
        Ok(())
    }
}
