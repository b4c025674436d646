//! OpenSSH, the learner's own client: the lab's key, pinned host keys, one master per machine, commands and terminals
//! over it. No SDK and no knowledge of where a machine comes from may enter.

pub mod config;
pub mod keys;
pub mod link;
pub mod listening;
pub mod masters;
pub mod terminal;

use crate::lesson::schema::Side;

/// What can go wrong on the way to a machine.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// No client.
    #[error(
        "there is no `{0}` on PATH: install the OpenSSH client (Debian: apt install openssh-client)"
    )]
    NoClient(&'static str),
    /// A file of the lab could not be written.
    #[error("could not write {path}: {source}")]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// ssh-keygen refused.
    #[error("ssh-keygen did not make a key: {0}")]
    Keygen(String),
    /// The client said no.
    #[error("ssh could not connect: {0}")]
    Connect(String),
    /// A command did not run to its end.
    #[error("the command did not run: {0}")]
    Command(String),
    /// The stack's output is not what user data publishes.
    #[error("the stack's output names no usable host key of machine {0}")]
    HostKey(&'static str),
}

/// The name of a machine in ssh_config: `efslab-a`.
#[must_use]
pub fn alias(side: Side) -> &'static str {
    match side {
        Side::A => "efslab-a",
        Side::B => "efslab-b",
    }
}
