//! States of stacks and their resources, as CloudFormation names them.

use serde::{Deserialize, Serialize};

/// State of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StackStatus {
    /// Being created.
    CreateInProgress,
    /// Not created, and left as it was.
    CreateFailed,
    /// Created.
    CreateComplete,
    /// What was created is being deleted again.
    RollbackInProgress,
    /// Could not be deleted again.
    RollbackFailed,
    /// Was deleted again.
    RollbackComplete,
    /// Being deleted.
    DeleteInProgress,
    /// Could not be deleted.
    DeleteFailed,
    /// Gone.
    DeleteComplete,
    /// Nothing is there yet but a change set that would create it.
    ReviewInProgress,
    /// Being changed.
    UpdateInProgress,
    /// Changed; what is not needed any more is being deleted.
    UpdateCompleteCleanupInProgress,
    /// Changed.
    UpdateComplete,
    /// Not changed, and left as it was.
    UpdateFailed,
    /// Being changed back.
    UpdateRollbackInProgress,
    /// Could not be changed back.
    UpdateRollbackFailed,
    /// Changed back; what was made meanwhile is being deleted.
    UpdateRollbackCompleteCleanupInProgress,
    /// Was changed back.
    UpdateRollbackComplete,
}

impl StackStatus {
    /// As CloudFormation names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::CreateFailed => "CREATE_FAILED",
            Self::CreateComplete => "CREATE_COMPLETE",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackFailed => "ROLLBACK_FAILED",
            Self::RollbackComplete => "ROLLBACK_COMPLETE",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
            Self::DeleteFailed => "DELETE_FAILED",
            Self::DeleteComplete => "DELETE_COMPLETE",
            Self::ReviewInProgress => "REVIEW_IN_PROGRESS",
            Self::UpdateInProgress => "UPDATE_IN_PROGRESS",
            Self::UpdateCompleteCleanupInProgress => "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            Self::UpdateComplete => "UPDATE_COMPLETE",
            Self::UpdateFailed => "UPDATE_FAILED",
            Self::UpdateRollbackInProgress => "UPDATE_ROLLBACK_IN_PROGRESS",
            Self::UpdateRollbackFailed => "UPDATE_ROLLBACK_FAILED",
            Self::UpdateRollbackCompleteCleanupInProgress => {
                "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
            }
            Self::UpdateRollbackComplete => "UPDATE_ROLLBACK_COMPLETE",
        }
    }

    /// Whether an operation runs.
    pub fn in_progress(self) -> bool {
        matches!(
            self,
            Self::CreateInProgress | Self::RollbackInProgress | Self::DeleteInProgress
        ) || self.updates()
    }

    /// Whether it is being changed, or changed back.
    pub fn updates(self) -> bool {
        matches!(
            self,
            Self::UpdateInProgress
                | Self::UpdateCompleteCleanupInProgress
                | Self::UpdateRollbackInProgress
                | Self::UpdateRollbackCompleteCleanupInProgress
        )
    }

    /// Whether an update may begin.
    pub fn may_be_updated(self) -> bool {
        matches!(
            self,
            Self::CreateComplete | Self::UpdateComplete | Self::UpdateRollbackComplete
        )
    }
}

/// State of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResourceStatus {
    /// Not begun; never shown.
    Waiting,
    /// Being created.
    CreateInProgress,
    /// Not created.
    CreateFailed,
    /// Created.
    CreateComplete,
    /// Being deleted.
    DeleteInProgress,
    /// Not deleted.
    DeleteFailed,
    /// Deleted.
    DeleteComplete,
    /// Kept by its deletion policy.
    DeleteSkipped,
    /// Being changed, or changed back.
    UpdateInProgress,
    /// Not changed.
    UpdateFailed,
    /// Changed.
    UpdateComplete,
}

impl ResourceStatus {
    /// As CloudFormation names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "",
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::CreateFailed => "CREATE_FAILED",
            Self::CreateComplete => "CREATE_COMPLETE",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
            Self::DeleteFailed => "DELETE_FAILED",
            Self::DeleteComplete => "DELETE_COMPLETE",
            Self::DeleteSkipped => "DELETE_SKIPPED",
            Self::UpdateInProgress => "UPDATE_IN_PROGRESS",
            Self::UpdateFailed => "UPDATE_FAILED",
            Self::UpdateComplete => "UPDATE_COMPLETE",
        }
    }

    /// Whether it could not be made, changed or deleted.
    pub fn is_failure(self) -> bool {
        matches!(
            self,
            Self::CreateFailed | Self::UpdateFailed | Self::DeleteFailed
        )
    }
}
