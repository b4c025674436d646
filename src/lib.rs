//! efslab: a guided lab that shares one home directory between two machines with Amazon EFS.

pub mod engine;
pub mod lesson;
pub mod practice;
pub mod template;
