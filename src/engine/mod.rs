//! The lab as a state machine without IO: `handle(Event) -> Vec<Effect>`. Effects are data; time comes in with events.
//!
//! Neither tokio nor a clock, neither SDK nor terminal may enter.

pub mod command;
pub mod view;
pub mod effect;
pub mod event;
