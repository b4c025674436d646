//! What the engine is told: the learner's commands and the outcomes of effects, each with the time it happened.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::command::Command;
use super::effect::{Deed, OrphanKind, Removal};
use super::view::Listing;
use crate::lesson::check::Transcript;
use crate::lesson::schema::{Action, Side};
use crate::lesson::sight::{Seen, Sight};
use crate::template::Stage;

/// One thing that happened, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When, by the learner's clock.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The dispatcher runs; the first event of every session.
    Began,
    /// The learner wishes something.
    Command(Command),
    /// The unattended run does something in the learner's place.
    Act(Vec<Action>),
    /// Account, zones, image and prices are known, or why not.
    Prepared(Result<Ground, Failure>),
    /// `CreateStack` was accepted, or refused.
    StackRequested(Result<String, Failure>),
    /// One look at a stack.
    StackSeen {
        /// What was asked for: a StackId, or the name while the id was unknown.
        stack: String,
        /// `Ok(None)`: AWS says that there is no such stack.
        outcome: Result<Option<StackSeen>, Failure>,
    },
    /// `DeleteStack` was accepted, or refused.
    DeletionRequested {
        /// StackId.
        stack: String,
        /// Outcome.
        outcome: Result<(), Failure>,
    },
    /// What an update to this stage would change.
    UpdateProposed {
        /// Stage.
        stage: Stage,
        /// Outcome.
        outcome: Result<ChangeSet, Failure>,
    },
    /// The execution of a change set was accepted, or refused.
    UpdateAccepted {
        /// StackId.
        stack: String,
        /// Outcome.
        outcome: Result<(), Failure>,
    },
    /// Where the instances are now.
    MachinesSeen(Result<BTreeMap<Side, Machine>, Failure>),
    /// The terminal's session.
    Terminal {
        /// Whose.
        on: Side,
        /// What about it.
        news: TerminalNews,
    },
    /// A remote command of a check has ended.
    Probed {
        /// Where.
        on: Side,
        /// What was run.
        run: String,
        /// Its outcome.
        outcome: Result<Ran, Failure>,
    },
    /// One look at something of the account.
    Looked {
        /// What.
        sight: Sight,
        /// The account's time then, if it told.
        now: Option<Timestamp>,
        /// Outcome.
        outcome: Result<Seen, Failure>,
    },
    /// A deed was done, or not.
    Done {
        /// Which.
        deed: Deed,
        /// Outcome.
        outcome: Result<(), Failure>,
    },
    /// The clock was put forward, or not.
    Forwarded(Result<(), Failure>),
    /// A file was brought, or not.
    Brought {
        /// Name.
        name: String,
        /// Outcome.
        outcome: Result<(), Failure>,
    },
    /// News of a command that is listened to.
    Heard {
        /// Where.
        on: Side,
        /// Of which `Effect::Listen`.
        id: u64,
        /// What about it.
        news: Heard,
    },
    /// One pass over everything that could be left.
    InventoryTaken(Inventory),
    /// What is to be stopped or removed one by one, as it is now.
    RemainsSeen(Result<Remains, Failure>),
    /// The termination of instances was accepted, or refused.
    Terminated {
        /// Which.
        instances: Vec<String>,
        /// Outcome.
        outcome: Result<(), Failure>,
    },
    /// The cancellation of an update was accepted, or refused.
    UpdateCancelled {
        /// StackId.
        stack: String,
        /// Outcome.
        outcome: Result<(), Failure>,
    },
    /// One thing was removed, or its removal accepted, or refused.
    Removed {
        /// What was wanted.
        removal: Removal,
        /// Outcome.
        outcome: Result<(), Failure>,
    },
    /// The guard is armed, or could not be made.
    Armed(Result<(), Failure>),
    /// The end of the lease was moved, or not.
    Renewed(Result<(), Failure>),
    /// Half of the lease is over by the account's clock, where that jumps; it does not until the lease is renewed.
    HalfTime,
    /// The guard was made anew, or not.
    PutBack(Result<(), Failure>),
    /// The guard is gone, or not.
    Disarmed(Result<(), Failure>),
    /// The awaited moment of an `Effect::WakeAt` has come.
    Woke,
}

/// News of a command that is listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A line of standard output, without its end.
    Line(String),
    /// It ended; its lines came before.
    Ended(Result<Ran, Failure>),
}

/// News of a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalNews {
    /// Its shell runs.
    Opened,
    /// It could not be opened, or ended: why.
    Ended(String),
    /// All its lines since a step began, once output has settled.
    Text {
        /// Which step: the number of the last `Effect::MarkTerminals` that had been carried out.
        mark: u64,
        /// The lines.
        text: Transcript,
    },
}

/// What was found before anything is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// Twelve digits.
    pub account: String,
    /// Zones that offer the instance type, the first two.
    pub zones: [String; 2],
    /// `t3.micro`, whatever is free-tier-eligible and offered.
    pub instance_type: String,
    /// `ami-…`, resolved once.
    pub image: String,
    /// From where SSH is admitted, e.g. `198.51.100.7/32`.
    pub ssh_cidr: String,
}

/// What an update would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// Its ARN.
    pub id: String,
    /// In the order AWS tells them.
    pub changes: Vec<Change>,
}

/// One resource that an update changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `Add`, `Modify`, `Remove`.
    pub action: String,
    /// Logical id.
    pub logical_id: String,
    /// `AWS::EC2::Instance`.
    pub kind: String,
    /// It is, or may be, made anew.
    pub replaces: bool,
}

/// A stack as one look at it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSeen {
    /// StackId.
    pub id: String,
    /// `CREATE_IN_PROGRESS` …
    pub status: String,
    /// Why, as the service says.
    pub reason: Option<String>,
    /// Outputs.
    pub outputs: BTreeMap<String, String>,
    /// When the operation under way, or the last one, began.
    pub since: Timestamp,
    /// Events not seen before, oldest first.
    pub news: Vec<StackEvent>,
}

/// One event of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackEvent {
    /// Logical id; the stack's own name for events of the stack itself.
    pub logical_id: String,
    /// `AWS::EFS::MountTarget`.
    pub kind: String,
    /// Physical id, once known.
    pub physical_id: Option<String>,
    /// `CREATE_IN_PROGRESS` …
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// An instance of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// `i-…`
    pub instance_id: String,
    /// `us-east-1a`
    pub zone: String,
    /// Public address now.
    pub address: Option<String>,
    /// Its own idea of its name: `ip-10-0-1-12`.
    pub host_name: Option<String>,
    /// `running`, `stopped` …
    pub state: String,
}

/// A remote command's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// One pass over every resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// Account that answered, if it did.
    pub account: Option<String>,
    /// Region asked.
    pub region: String,
    /// Per resource type: plural name, the call, the answer.
    pub rows: Vec<InventoryRow>,
    /// StackIds that carry the lab's tag and are not deleted.
    pub stacks: Vec<String>,
    /// Of these stacks, those with an update under way, and their status: they cannot be deleted now.
    pub updating: Vec<(String, String)>,
    /// What others have put into the lab's network, so that it cannot go. Listed among the rows, too.
    pub foreign: Vec<String>,
    /// What is there of the lab's guard: StackId, schedule, state machine. Listed among the rows, too.
    pub guard: Vec<String>,
    /// What is stopped or removed one by one.
    pub remains: Remains,
}

impl Inventory {
    /// Whether nothing of any kind is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(|row| row.answer == Listing::Empty)
    }

    /// Whether the stack of the lab's guard is there.
    #[must_use]
    pub fn has_guard(&self) -> bool {
        self.guard.iter().any(|id| id.contains(":stack/"))
    }

    /// Whether nobody could say what there is of this kind.
    #[must_use]
    pub fn could_not_tell(&self, kind: &str) -> bool {
        let row = self.rows.iter().find(|row| row.kind == kind);
        row.is_some_and(|row| matches!(row.answer, Listing::CouldNotTell(_)))
    }
}

/// What of a lab is stopped or removed one by one. What could not be listed is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remains {
    /// Instances that are not terminated; `None`: that could not be told.
    pub instances: Option<Vec<Instance>>,
    /// Volumes with the lab's tag, those of its stacks among them.
    pub volumes: Vec<Volume>,
    /// Snapshots with the lab's tag.
    pub snapshots: Vec<String>,
    /// Everything else with the lab's tag, that of its stacks among it; `None`: that was not asked.
    pub others: Option<Vec<Orphan>>,
}

impl Remains {
    /// Brings everything into the order of its ids.
    pub fn sort(&mut self) {
        if let Some(instances) = &mut self.instances {
            instances.sort_by(|one, other| one.id.cmp(&other.id));
        }
        self.volumes.sort_by(|one, other| one.id.cmp(&other.id));
        self.snapshots.sort();
        if let Some(others) = &mut self.others {
            others.sort_by(|one, other| (one.kind, &one.id).cmp(&(other.kind, &other.id)));
        }
    }
}

/// Something else with the lab's tag, or of a filesystem that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// What it is.
    pub kind: OrphanKind,
    /// By which it is known.
    pub id: String,
    /// StackId of the stack that made it and is there: with that it goes.
    pub stack: Option<String>,
}

/// An instance that is not terminated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `i-…`
    pub id: String,
    /// Its termination has been asked for.
    pub ends: bool,
}

/// A volume with the lab's tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// `vol-…`
    pub id: String,
    /// StackId of the stack that made it, unless that is known to be gone.
    pub stack: Option<String>,
    /// State.
    pub state: VolumeState,
}

/// What can be done with a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeState {
    /// Nobody has it: it can be deleted.
    Free,
    /// This instance has it.
    Attached(String),
    /// This instance is asked to let go of it.
    Detaching(String),
    /// It is being made, attached or deleted.
    Changing,
}

/// One resource type of an inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryRow {
    /// `instances`
    pub kind: String,
    /// `ec2:DescribeInstances`
    pub asked: String,
    /// Answer.
    pub answer: Listing,
}

/// Why an effect did not do what it was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was tried, e.g. `create the stack`.
    pub tried: String,
    /// Why it failed, as far as known.
    pub why: String,
    /// What it means for what comes next.
    pub class: FailureClass,
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// Slow down and try again: throttled, 5xx, connection reset, time-out.
    Transient,
    /// Credentials expired or missing: the learner must renew them.
    Credentials,
    /// Not permitted.
    Denied,
    /// The service says that there is no such thing.
    NotFound,
    /// There is one of this name already: ours, if an answer was lost.
    Exists,
    /// The request itself is wrong, or a limit is reached: trying again does not help by itself.
    Refused,
    /// CloudFormation cannot assume the service role of the stack: it is not known everywhere yet, or gone.
    Role,
    /// Something on this computer: no ssh, a full disk.
    Local,
}

impl FailureClass {
    /// What to do next, one sentence.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Transient => "AWS or the network is slow or busy: it is tried again by itself.",
            Self::Credentials => {
                "Renew your credentials (for example `aws sso login`), then try again."
            }
            Self::Denied => {
                "Ask for the missing permission, or use another profile with --profile."
            }
            Self::NotFound => {
                "It may have been deleted elsewhere: `efslab status` shows what is there."
            }
            Self::Exists => "It was asked for before: it is looked at.",
            Self::Refused => "Read the reason above; when it is mended, try again.",
            Self::Role => {
                "The role belongs to the lab's guard, which was probably deleted first: clean up, that puts it back."
            }
            Self::Local => "Mend it on this computer, then try again.",
        }
    }
}
