//! What a step looks at in the account, beside the stack: metrics, alarms, snapshots, disks, machines. Pure data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::schema::Side;

/// Something that is asked of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// The filesystem's metrics.
    Metrics,
    /// The stack's alarms.
    Alarms,
    /// Snapshots that carry the lab's tag.
    Snapshots,
    /// Disks that carry the lab's tag.
    Volumes,
    /// The state of the two machines.
    Machines,
}

/// Something that is shown of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Panel {
    /// Burst credits, and the throughput they permit.
    Credits,
    /// Bytes read, written and of metadata, one on top of the other.
    Usage,
    /// How near the limit of operations is.
    IoLimit,
    /// Alarms and their states.
    Alarms,
    /// Snapshots.
    Snapshots,
    /// Disks.
    Volumes,
    /// The two machines.
    Machines,
}

impl Panel {
    /// What must be asked to show it.
    #[must_use]
    pub fn sight(self) -> Sight {
        match self {
            Self::Credits | Self::Usage | Self::IoLimit => Sight::Metrics,
            Self::Alarms => Sight::Alarms,
            Self::Snapshots => Sight::Snapshots,
            Self::Volumes => Sight::Volumes,
            Self::Machines => Sight::Machines,
        }
    }
}

/// A metric of AWS/EFS that a check may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Metric {
    /// Bytes that clients have read.
    DataReadIOBytes,
    /// Bytes that clients have written.
    DataWriteIOBytes,
    /// Bytes of metadata operations.
    MetadataIOBytes,
}

/// One minute of a filesystem's metrics; `None` where CloudWatch has no datapoint.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Minute {
    /// `BurstCreditBalance`, bytes.
    pub credits: Option<f64>,
    /// `PermittedThroughput`, bytes a second.
    pub permitted: Option<f64>,
    /// `DataReadIOBytes`, sum.
    pub read: Option<f64>,
    /// `DataWriteIOBytes`, sum.
    pub written: Option<f64>,
    /// `MetadataIOBytes`, sum.
    pub metadata: Option<f64>,
    /// `PercentIOLimit`, per cent.
    pub io_limit: Option<f64>,
}

/// A filesystem's metrics, by the beginning of the minute.
pub type Metrics = BTreeMap<Timestamp, Minute>;

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmSeen {
    /// Its name in the template: `CreditsAlarm`.
    pub logical_id: String,
    /// Its name in CloudWatch.
    pub name: String,
    /// `OK`, `ALARM`, `INSUFFICIENT_DATA`.
    pub state: String,
    /// Why, as CloudWatch says.
    pub reason: String,
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSeen {
    /// `snap-…`
    pub id: String,
    /// Of which disk.
    pub volume: String,
    /// `pending`, `completed`, `error`.
    pub state: String,
    /// `37%`
    pub progress: String,
    /// When it was asked for.
    pub started: Timestamp,
    /// Size of the disk, GiB.
    pub gib: i32,
    /// Bytes of all blocks in it, whether stored with it or with one before; `None`: not told yet.
    pub full_bytes: Option<i64>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// The tag by which the job keeps a snapshot for ever.
pub const KEEP: &str = "efslab:keep";
/// The tag of a disk that was made from a snapshot.
pub const RESTORED_FROM: &str = "efslab:restored-from";

impl SnapshotSeen {
    /// Whether it can be used.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == "completed"
    }

    /// Whether the job keeps it.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.tags.contains_key(KEEP)
    }
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeSeen {
    /// `vol-…`
    pub id: String,
    /// `available`, `in-use` …
    pub state: String,
    /// GiB.
    pub gib: i32,
    /// Where it is attached, and as what: `attached`, `attaching` …
    pub attachment: Option<Attachment>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A disk's connection to a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// `i-…`
    pub instance: String,
    /// `/dev/xvdf`
    pub device: String,
    /// `attaching`, `attached`, `detaching`
    pub state: String,
}

impl VolumeSeen {
    /// Whether it was made from a snapshot by the restore drill.
    #[must_use]
    pub fn is_restored(&self) -> bool {
        self.tags.contains_key(RESTORED_FROM)
    }

    /// Whether a machine can use it.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.attachment
            .as_ref()
            .is_some_and(|attachment| attachment.state == "attached")
    }
}

/// One answer of AWS.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// Metrics.
    Metrics(Metrics),
    /// Alarms.
    Alarms(Vec<AlarmSeen>),
    /// Snapshots, oldest first.
    Snapshots(Vec<SnapshotSeen>),
    /// Disks.
    Volumes(Vec<VolumeSeen>),
    /// `running`, `stopped` … of each machine, and its public address.
    Machines(BTreeMap<Side, (String, Option<String>)>),
}

/// All that was seen, or why not; what is missing was not asked yet.
pub type Sights = BTreeMap<Sight, Result<Seen, String>>;
