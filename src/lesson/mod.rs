//! Lessons as data: their schema, how they are loaded and validated, and how a check is decided from evidence.
//! Pure: no cloud, no clock, no terminal.

pub mod schema;
