//! efslab: a guided lab that shares one home directory between two machines with Amazon EFS.
//!
//! `commands` wires everything; the other modules and who may use whom are described in each one's own documentation.

pub mod cli;
pub mod cloud;
pub mod commands;
pub mod engine;
pub mod grid;
pub mod journal;
pub mod lesson;
pub mod plain;
pub mod practice;
pub mod runtime;
pub mod ssh;
pub mod template;
pub mod tui;
