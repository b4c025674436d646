//! One multiplexed connection to a machine, and commands over it.

use std::path::{Path, PathBuf};

use std::time::Duration;

use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder, Stdio};

use super::keys::Files;
use super::{SshError, alias};
use crate::engine::event::Ran;
use crate::lesson::schema::Side;

/// A master that nobody uses any more ends by itself after this many seconds, should nobody find and end it.
const IDLE: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN.saturating_add(599);

/// How long connecting may take; an instance that has just booted answers within a few seconds.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a command of a check may take.
const COMMAND: Duration = Duration::from_secs(20);

/// A live connection to one machine.
#[derive(Debug)]
pub struct Link {
    session: Session,
    config: PathBuf,
    side: Side,
}

impl Link {
    /// Connects as ec2-user with the lab's key; an unknown or changed host key is refused.
    ///
    /// # Errors
    /// What ssh said.
    pub async fn open(files: &Files, sockets: &Path, side: Side) -> Result<Self, SshError> {
        let session = SessionBuilder::default()
            .config_file(files.config())
            .known_hosts_check(KnownHosts::Strict)
            .control_directory(sockets)
            .control_persist(ControlPersist::IdleFor(IDLE))
            .connect_timeout(CONNECT)
            .connect(alias(side))
            .await
            .map_err(|error| match error {
                openssh::Error::Connect(io) if io.kind() == std::io::ErrorKind::NotFound => {
                    SshError::NoClient("ssh")
                }
                other => SshError::Connect(said(&other)),
            })?;
        Ok(Self {
            session,
            config: files.config(),
            side,
        })
    }

    /// The arguments by which another `ssh` uses this very connection for a terminal.
    pub(super) fn terminal_arguments(&self) -> Vec<std::ffi::OsString> {
        let mut arguments: Vec<std::ffi::OsString> = vec!["-tt".into(), "-F".into()];
        arguments.push(self.config.clone().into());
        arguments.push("-S".into());
        arguments.push(self.session.control_socket().into());
        arguments.extend(["-o", "ControlMaster=no", alias(self.side)].map(Into::into));
        arguments
    }

    /// The master, for commands over it.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Whether the master still answers.
    pub async fn is_up(&self) -> bool {
        self.session.check().await.is_ok()
    }

    /// Runs `command` with `sh -c` and waits for its end.
    ///
    /// # Errors
    /// When it could not be run, or took too long.
    pub async fn run(&self, command: &str) -> Result<Ran, SshError> {
        let mut remote = self.session.shell(command);
        remote
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let outcome = tokio::time::timeout(COMMAND, remote.output())
            .await
            .map_err(|_| SshError::Command(format!("no answer within {} s", COMMAND.as_secs())))?
            .map_err(|error| SshError::Command(said(&error)))?;
        Ok(Ran {
            status: outcome.status.code(),
            stdout: String::from_utf8_lossy(&outcome.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&outcome.stderr).into_owned(),
        })
    }

    /// Ends the master; sessions over it end with it.
    pub async fn close(self) {
        // A master that is gone already is as good as closed.
        let _ = self.session.close().await;
    }
}

/// An error with its causes, in one line.
pub(super) fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
