//! The lab as lines of text, for unattended runs and dumb terminals. Knows views and lessons, nothing of cloud or ssh.

pub mod causality;
pub mod figures;
pub mod progress;
pub mod receipt;
pub mod run;
pub mod tally;
