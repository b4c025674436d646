//! Users and groups, read from the guest's own /etc/passwd and /etc/group at each use.

use crate::practice::storage::{Identity, View};

/// A user as /etc/passwd has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Ids.
    pub identity: Identity,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

/// Names and numbers of a host's users and groups, as they are at this moment.
pub struct Accounts {}

impl Accounts {
    /// Reads /etc/passwd and /etc/group through this view.
    pub fn read(_view: &View) -> Self {
        todo!()
    }
    /// By name.
    pub fn user(&self, _name: &str) -> Option<User> {
        todo!()
    }
    /// By number.
    pub fn user_of(&self, _uid: u32) -> Option<User> {
        todo!()
    }
    /// A group's number.
    pub fn group(&self, _name: &str) -> Option<u32> {
        todo!()
    }
    /// A user's name, or the number as text.
    pub fn user_name(&self, _uid: u32) -> String {
        todo!()
    }
    /// A group's name, or the number as text.
    pub fn group_name(&self, _gid: u32) -> String {
        todo!()
    }
}
