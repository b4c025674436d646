//! The CloudFormation template, merged from one fragment per chapter listing. Pure: text in, text out.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much of the stack stands. Stages are cumulative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Network, filesystem, mount targets, instances.
    Share,
    /// And alarms.
    Alarms,
    /// And the backup volume, its role and attachment.
    Backup,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Share => "share",
            Self::Alarms => "alarms",
            Self::Backup => "backup",
        })
    }
}
