//! Step Functions' interpreter: what a definition means, how an execution gets on, and who does what it asks for. Only the
//! states and integrations that are here exist; others are refused when a machine is made.

mod choice;
pub mod definition;
mod drive;
mod path;
pub mod run;

pub use drive::{Who, call, drive};
