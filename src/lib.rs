//! efslab: a guided lab that shares one home directory between two machines with Amazon EFS.

pub mod cloud;
pub mod engine;
pub mod journal;
pub mod lesson;
pub mod runtime;
pub mod ssh;
pub mod template;
