//! The lab's stack as the engine follows it: from events to one row per resource.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::event::{StackEvent, StackSeen};
use super::view::{ProposalView, ResourceRow, RowState, StackView};
use crate::template::ResourceInfo;

/// How long a stack of this shape takes on AWS: two mount targets of about a minute and a half and two instances one after
/// the other, each booting and installing packages for about a minute and a half (estimate).
const CREATE: SignedDuration = SignedDuration::from_secs(300);
/// Deleting: the instances, then the mount targets and their interfaces (estimate).
const DELETE: SignedDuration = SignedDuration::from_secs(180);

/// Updating to a later stage: alarms take seconds (estimate).
const UPDATE: SignedDuration = SignedDuration::from_secs(45);
/// Where it makes an instance profile: of that CloudFormation waits two minutes, for IAM to tell it everywhere (estimate).
const UPDATE_WITH_PROFILE: SignedDuration = SignedDuration::from_secs(180);
const PROFILE: &str = "AWS::IAM::InstanceProfile";

/// In place of a status until the first look.
pub(super) const ASKED: &str = "asked for";

/// The stack as far as it was seen.
#[derive(Debug, Clone)]
pub(super) struct Stack {
    name: String,
    pub(super) status: String,
    since: Timestamp,
    until: Option<Timestamp>,
    plan: Vec<ResourceInfo>,
    rows: BTreeMap<String, Row>,
    pub(super) cause: Option<String>,
    /// The cause is of an operation before the one that is seen now.
    outdated: bool,
    pub(super) outputs: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct Row {
    kind: String,
    status: String,
    reason: Option<String>,
    physical_id: Option<String>,
    since: Timestamp,
    until: Option<Timestamp>,
}

impl Stack {
    /// A stack of these resources that is about to be made.
    pub(super) fn new(name: &str, plan: Vec<ResourceInfo>, at: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            status: ASKED.to_owned(),
            since: at,
            until: None,
            plan,
            rows: BTreeMap::new(),
            cause: None,
            outdated: false,
            outputs: BTreeMap::new(),
        }
    }

    /// Takes in one look. Times in the view are those of the learner's clock, not the service's.
    pub(super) fn saw(&mut self, seen: StackSeen, at: Timestamp) {
        if self.status != seen.status {
            let begins =
                seen.status.ends_with("_IN_PROGRESS") && !self.status.ends_with("_IN_PROGRESS");
            if begins && self.status != ASKED {
                self.since = at;
                self.until = None;
            }
            if !seen.status.ends_with("_IN_PROGRESS") {
                self.until = Some(at);
            }
        }
        self.status = seen.status;
        self.outputs = seen.outputs;
        for event in seen.news {
            self.take(event, at);
        }
    }

    fn take(&mut self, event: StackEvent, at: Timestamp) {
        let failed = event.status.ends_with("_FAILED");
        let cancelled = event
            .reason
            .as_deref()
            .is_some_and(|why| why.contains("cancelled"));
        if failed && !cancelled && (self.cause.is_none() || self.outdated) {
            let why = event
                .reason
                .clone()
                .unwrap_or_else(|| "no reason given".to_owned());
            self.cause = Some(format!("{}: {why}", event.logical_id));
            self.outdated = false;
        }
        if event.kind == "AWS::CloudFormation::Stack" {
            // A rollback is no operation of its own: what failed before it is its cause.
            self.outdated |= matches!(
                event.status.as_str(),
                "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS"
            );
            return;
        }
        let ended = !event.status.ends_with("_IN_PROGRESS");
        let row = self.rows.entry(event.logical_id).or_insert_with(|| Row {
            kind: event.kind,
            status: String::new(),
            reason: None,
            physical_id: None,
            since: at,
            until: None,
        });
        if !ended && !row.status.ends_with("_IN_PROGRESS") {
            row.since = at;
        }
        row.until = ended.then_some(at);
        row.status = event.status;
        row.reason = event.reason;
        row.physical_id = event.physical_id.or(row.physical_id.take());
    }

    /// Whether no operation is under way.
    pub(super) fn is_settled(&self) -> bool {
        self.status != ASKED && !self.status.ends_with("_IN_PROGRESS")
    }

    /// Whether it is there as a whole, and can be used; what could not be updated is as it was.
    pub(super) fn is_standing(&self) -> bool {
        matches!(
            self.status.as_str(),
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE"
        )
    }

    /// Whether its last operation ended so that nothing of it can be used.
    pub(super) fn has_failed(&self) -> bool {
        self.is_settled() && !self.is_standing()
    }

    /// An update of the standing stack to these resources begins.
    pub(super) fn goes_on(&mut self, plan: Vec<ResourceInfo>, at: Timestamp) {
        self.plan = plan;
        self.since = at;
        self.until = None;
        self.cause = None;
    }

    /// The resources that it has are these.
    pub(super) fn consists_of(&mut self, plan: Vec<ResourceInfo>) {
        self.plan = plan;
    }

    /// How many resources it is known to have.
    pub(super) fn planned(&self) -> usize {
        self.plan.len()
    }

    /// Forgets the cause of an earlier failure: the operation is tried again.
    pub(super) fn try_again(&mut self) {
        self.cause = None;
    }

    /// As a front end shows it, with what it has beside what was planned: another program made it; `faster` is how much faster than AWS the target runs, `None` for as fast as can be.
    pub(super) fn view(&self, faster: Option<f64>, proposal: Option<ProposalView>) -> StackView {
        let usual = match self.status.split('_').next() {
            Some("DELETE") => DELETE,
            Some("UPDATE") if self.plan.iter().any(|info| info.kind == PROFILE) => {
                UPDATE_WITH_PROFILE
            }
            Some("UPDATE") => UPDATE,
            _ => CREATE,
        };
        let planned = |id: &String| self.plan.iter().any(|info| info.logical_id == *id);
        let others = self.rows.iter().filter(|(id, _)| !planned(id));
        let others = others.map(|(id, row)| ResourceInfo {
            logical_id: id.clone(),
            kind: row.kind.clone(),
            depends_on: Vec::new(),
            purpose: "",
        });
        let others: Vec<_> = others.collect();
        let rows = self.plan.iter().chain(&others);
        let rows = rows.map(|info| self.row(info)).collect();
        StackView {
            name: self.name.clone(),
            status: self.status.clone(),
            rows,
            since: self.since,
            until: self.until,
            usual: faster.map_or(SignedDuration::ZERO, |times| {
                SignedDuration::try_from_secs_f64(usual.as_secs_f64() / times).unwrap_or(usual)
            }),
            cause: self.cause.clone(),
            proposal,
        }
    }

    fn row(&self, info: &ResourceInfo) -> ResourceRow {
        let row = self.rows.get(&info.logical_id);
        let state = match row {
            None => RowState::Waiting(
                info.depends_on
                    .iter()
                    .filter(|id| !self.is_done(id))
                    .cloned()
                    .collect(),
            ),
            Some(row) if row.status == "DELETE_COMPLETE" => RowState::Deleted,
            Some(row) if row.status.ends_with("_COMPLETE") || row.status == "DELETE_SKIPPED" => {
                RowState::Done
            }
            Some(row) if row.status.ends_with("_FAILED") => {
                RowState::Failed(row.reason.clone().unwrap_or_else(|| row.status.clone()))
            }
            Some(_) => RowState::Working,
        };
        ResourceRow {
            logical_id: info.logical_id.clone(),
            kind: info.kind.clone(),
            purpose: info.purpose.to_owned(),
            state,
            since: row.map(|row| row.since),
            until: row.and_then(|row| row.until),
            physical_id: row.and_then(|row| row.physical_id.clone()),
        }
    }

    fn is_done(&self, logical_id: &str) -> bool {
        self.rows
            .get(logical_id)
            .is_some_and(|row| matches!(row.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE"))
    }
}
