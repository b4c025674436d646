//! One virtual host: its namespace, packages, services and sessions.

use std::sync::Arc;

use bashkit::BashBuilder;

use super::users::User;
use super::{HostSpec, Surroundings};
use crate::practice::clock::{Activity, Clock};
use crate::practice::storage::{Files, MountTable, View};

/// One virtual host while it is powered on. Commands reach everything through it.
pub struct Host {
    /// What it was launched with.
    pub spec: HostSpec,
    /// Account time.
    pub clock: Clock,
    /// The account around it.
    pub surroundings: Arc<dyn Surroundings>,
    /// All trees (for mounting shares).
    pub files: Files,
    /// Its mounts.
    pub mounts: Arc<MountTable>,
}

/// What a shell is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// A login with a terminal.
    Interactive,
    /// `ssh host command`, cron, user data.
    Batch,
}

/// Who runs a command of ours, and where: given to every command when a shell is made.
#[derive(Clone)]
pub struct Seat {
    /// The host.
    pub host: Arc<Host>,
    /// The user.
    pub user: User,
    /// What the shell is for.
    pub session: Session,
    /// The work of this shell: awake while it computes; commands sleep and wait through it.
    pub activity: Arc<Activity>,
}

impl Host {
    /// Its name: `ip-10-0-1-12`.
    pub fn hostname(&self) -> String {
        todo!()
    }
    /// The namespace as this user sees it.
    pub fn view(&self, _user: &User) -> View {
        todo!()
    }
    /// The namespace as root sees it.
    pub fn root(&self) -> View {
        todo!()
    }
    /// A configured shell of this user: filesystem, environment, all commands, limits. Used for logins, exec, sudo, cron.
    pub fn shell(
        self: &Arc<Self>,
        _user: &User,
        _session: Session,
        _activity: Arc<Activity>,
    ) -> BashBuilder {
        todo!()
    }
    /// Whether a package is installed (`nfs-utils`).
    pub fn has_package(&self, _name: &str) -> bool {
        todo!()
    }
    /// Notes that a package is installed (kept on its disk).
    pub fn add_package(&self, _name: &str) {
        todo!()
    }
    /// Notes that a package is not installed any more.
    pub fn remove_package(&self, _name: &str) {
        todo!()
    }
    /// Shown on the serial console and kept.
    pub fn console(&self, _text: &str) {
        todo!()
    }
    /// Seconds since power on, in account time.
    pub fn uptime(&self) -> std::time::Duration {
        todo!()
    }
}
