//! Lessons as data: their schema, how they are loaded and validated, and how a check is decided from evidence.
//! Pure: no cloud, no clock, no terminal.

pub mod arithmetic;
pub mod calculator;
pub mod catalog;
pub mod check;
mod command_line;
pub mod delays;
pub mod diagram;
#[cfg(test)]
mod docs;
pub mod facts;
pub mod glossary;
pub mod load;
pub mod outline;
mod positions;
pub mod problem;
pub mod reading;
pub mod schema;
pub mod sight;
pub mod throughput;
pub mod transcript;
mod validate;
