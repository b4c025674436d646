//! EBS volumes and snapshots as the API knows them. Their bytes are elsewhere.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Tags, World};
use crate::practice::error::AwsError;

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
    /// Where it is attached.
    pub attachment: Option<Attachment>,
    /// Tags.
    pub tags: Tags,
}

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
}

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
    /// When it was asked for.
    pub started: Timestamp,
    /// Tags.
    pub tags: Tags,
}

impl World {
    /// The volume with this id.
    pub fn volume(&self, id: &str) -> Result<&Volume, AwsError> {
        self.volumes.get(id).ok_or_else(|| {
            AwsError::client(
                "InvalidVolume.NotFound",
                format!("The volume '{id}' does not exist."),
            )
        })
    }

    /// The snapshot with this id.
    pub fn snapshot(&self, id: &str) -> Result<&Snapshot, AwsError> {
        self.snapshots.get(id).ok_or_else(|| {
            AwsError::client(
                "InvalidSnapshot.NotFound",
                format!("The snapshot '{id}' does not exist."),
            )
        })
    }

    /// Deletes a volume that is not attached.
    pub fn delete_volume(&mut self, id: &str) -> Result<(), AwsError> {
        if let Some(attachment) = &self.volume(id)?.attachment {
            return Err(AwsError::client(
                "VolumeInUse",
                format!(
                    "Volume {id} is currently attached to {}",
                    attachment.instance
                ),
            ));
        }
        self.volumes.remove(id);
        Ok(())
    }

    /// Deletes a snapshot.
    pub fn delete_snapshot(&mut self, id: &str) -> Result<(), AwsError> {
        self.snapshot(id)?;
        self.snapshots.remove(id);
        Ok(())
    }
}
