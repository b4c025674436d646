//! What the engine wants done. Effects are data: the runtime carries them out, through the journal.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::lesson::schema::Side;
use crate::lesson::sight::Sight;
use crate::template::Stage;

/// Something to be done outside the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Find out account, zones, image, own address. Changes nothing.
    Prepare,
    /// Create the lab's stack.
    CreateStack(NewStack),
    /// Look at the stack again and again until its operation has ended.
    WatchStack {
        /// StackId, or the name while the id is unknown.
        stack: String,
    },
    /// Ask what bringing the stack to a later stage would change.
    ProposeUpdate(NewStage),
    /// Carry that out.
    CarryOut {
        /// StackId.
        stack: String,
        /// ARN of the change set.
        change_set: String,
    },
    /// Delete the stack.
    DeleteStack {
        /// StackId.
        stack: String,
    },
    /// Where are the instances now; writes known_hosts and ssh_config for them.
    FindMachines {
        /// StackId.
        stack: String,
        /// `HostKeys` output of the stack, JSON from side to public key.
        host_keys: String,
    },
    /// Open a terminal: SSH master, then a shell in a pty.
    OpenTerminal(Side),
    /// Close both terminals and their masters.
    CloseTerminals,
    /// Begin a new transcript of both terminals: the step with this number begins.
    MarkTerminals(u64),
    /// Type this into a terminal.
    Input {
        /// Whose.
        on: Side,
        /// Bytes.
        bytes: Vec<u8>,
    },
    /// Both terminals have this size.
    Resize {
        /// Rows.
        rows: u16,
        /// Columns.
        columns: u16,
    },
    /// Run a command of a check; it changes nothing.
    Probe {
        /// Where.
        on: Side,
        /// For `sh -c`.
        run: String,
    },
    /// Look at something of the account.
    Look(Look),
    /// Do this in the account.
    Do(Deed),
    /// Put the practice account's clock forward by so many minutes.
    Forward(u32),
    /// Write a file into the home directory of a machine, unless it is there.
    Bring {
        /// Where.
        on: Side,
        /// Below the home directory.
        name: String,
        /// Content.
        text: String,
    },
    /// Run a command on a machine and tell what it prints, line by line, while it runs. It ends by itself.
    Listen {
        /// Where.
        on: Side,
        /// By which its lines are known.
        id: u64,
        /// For `sh -c`.
        run: String,
    },
    /// Ask every resource type what is left.
    TakeInventory(Known),
    /// Ask only for what is stopped or removed one by one.
    LookAtRemains(Known),
    /// Terminate these instances.
    Terminate {
        /// `i-…`
        instances: Vec<String>,
    },
    /// Cancel the update of the stack that is under way.
    CancelUpdate {
        /// StackId.
        stack: String,
    },
    /// Remove one thing that no stack owns.
    Remove(Removal),
    /// Make, renew or take away the guard that removes the lab when its lease is over.
    Guard(GuardWish),
    /// Write down where the learner stands.
    SaveProgress(Progress),
    /// Write down ids by which untagged leftovers are found later.
    SaveKnown(Known),
    /// Write down the StackId of a stack whose create call was not answered.
    SaveFound {
        /// Name.
        name: String,
        /// StackId.
        id: String,
    },
    /// Write down that AWS says this stack is gone.
    SaveGone {
        /// StackId, or the name of one that never got an id.
        stack: String,
    },
    /// Write down a receipt (as JSON lines of the view).
    SaveReceipt(super::view::Receipt),
    /// Send `What::Woke` at this time.
    WakeAt(Timestamp),
}

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What.
    pub sight: Sight,
    /// StackId.
    pub stack: String,
    /// `fs-…`
    pub file_system: Option<String>,
    /// Names of the stack's alarms, by logical id.
    pub alarms: BTreeMap<String, String>,
}

/// A change in the account that is not the stack's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// Set an alarm's state, as a test.
    SetAlarm {
        /// Its name in CloudWatch.
        name: String,
        /// `ALARM`
        state: String,
    },
    /// Stop an instance.
    Stop {
        /// `i-…`
        instance: String,
    },
    /// Start it.
    Start {
        /// `i-…`
        instance: String,
    },
    /// Make a volume from a snapshot, unless that was done, and attach it.
    Restore {
        /// `snap-…`
        snapshot: String,
        /// `us-east-1a`
        zone: String,
        /// `i-…`
        instance: String,
    },
    /// Detach and delete every volume that was made so.
    Discard,
}

/// A stack to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewStack {
    /// `efslab-7f3k-lab`
    pub name: String,
    /// Stage.
    pub stage: Stage,
    /// What was found before.
    pub ground: super::event::Ground,
    /// Who is mailed when an alarm goes off.
    #[serde(default)]
    pub alarm_email: Option<String>,
}

/// A later stage to bring a stack to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStage {
    /// StackId.
    pub stack: String,
    /// Stage.
    pub stage: Stage,
    /// Who is to be mailed when an alarm goes off; `None`: as the stack has it.
    pub alarm_email: Option<String>,
}

/// What is wanted of the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GuardWish {
    /// That it is there, with a lease of so much time of the account's, and armed.
    Arm(SignedDuration),
    /// That the lease ends in so much time of the account's.
    Renew(SignedDuration),
    /// That it is made anew, because the lab's stack cannot be deleted without a service role, and the one it had is gone.
    PutBack,
    /// That it goes.
    Disarm,
}

/// The removal of one thing that no stack owns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Removal {
    /// Take the volume from the instance that has it.
    Detachment(String),
    /// Delete the volume.
    Volume(String),
    /// Delete the snapshot.
    Snapshot(String),
    /// Delete something else, of this kind.
    Orphan(OrphanKind, String),
}

/// What else of a lab can be there without its stack, in the order in which it can be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OrphanKind {
    /// `name`
    Alarm,
    /// `key-…`
    KeyPair,
    /// `fsmt-…`
    MountTarget,
    /// `fs-…`
    FileSystem,
    /// `eni-…`
    Interface,
    /// `sg-…`
    SecurityGroup,
    /// `subnet-…`
    Subnet,
    /// `igw-…`
    Gateway,
    /// `rtb-…`
    RouteTable,
    /// `vpc-…`
    Network,
}

impl Removal {
    /// `vol-…`, `snap-…`
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Detachment(id) | Self::Volume(id) | Self::Snapshot(id) | Self::Orphan(_, id) => {
                id
            }
        }
    }
}

/// Ids the lab has seen, by which things are found that carry no tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The account they are in, twelve digits.
    pub account: Option<String>,
    /// StackIds.
    pub stacks: Vec<String>,
    /// VPC ids.
    pub vpcs: Vec<String>,
    /// Filesystem ids.
    pub file_systems: Vec<String>,
    /// Volume ids: snapshots of them outlive them, and may carry no tag.
    #[serde(default)]
    pub volumes: Vec<String>,
}

/// Where the learner stands, as the journal keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Lesson id.
    pub lesson: String,
    /// From 0.
    pub step: usize,
    /// The learner has chosen to take the lab down, and that is not proved yet.
    #[serde(default)]
    pub leaving: bool,
    /// Who is mailed when an alarm goes off, once there are alarms; `None`: nobody.
    #[serde(default)]
    pub alarm_email: Option<String>,
    /// One entry per step that was touched.
    pub steps: Vec<StepProgress>,
}

/// One step's progress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepProgress {
    /// Lesson id.
    pub lesson: String,
    /// Step id.
    pub step: String,
    /// Evidence, when passed.
    pub passed: Option<String>,
    /// The learner went on without it.
    #[serde(default)]
    pub skipped: bool,
    /// Hints revealed.
    pub hints: usize,
    /// Last answer.
    pub answer: Option<String>,
    /// What was measured, by the id of the measure, once the step was passed.
    #[serde(default)]
    pub measured: BTreeMap<String, f64>,
    /// When it was passed, by the learner's clock.
    #[serde(default)]
    pub passed_at: Option<Timestamp>,
    /// The snapshot that the step was about, to be kept in mind.
    #[serde(default)]
    pub snapshot: Option<String>,
}

impl Effect {
    /// Whether it changes something in the account, so that the intent must be written down first.
    #[must_use]
    pub fn changes_the_account(&self) -> bool {
        matches!(
            self,
            Self::CreateStack(_)
                | Self::DeleteStack { .. }
                | Self::ProposeUpdate(_)
                | Self::CarryOut { .. }
                | Self::Do(_)
                | Self::CancelUpdate { .. }
                | Self::Terminate { .. }
                | Self::Remove(_)
                | Self::Guard(_)
        )
    }
}
