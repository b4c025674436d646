//! A remote command whose lines are read while it runs.

use std::time::Duration;

use openssh::{Child, ChildStdout, Session, Stdio};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::SshError;
use super::link::{Link, said};
use crate::engine::event::Ran;

/// How long such a command may say nothing: longer than its own patience, so that it can say itself why it ends.
const SILENCE: Duration = Duration::from_mins(2);
/// A longer line comes in pieces; in bytes.
const LINE: u64 = 4096;
/// What is kept of its complaints, in bytes.
const COMPLAINTS: u64 = 64 * 1024;

/// A command that runs. It is cut off when this is dropped: at its next line it has nobody to tell.
pub struct Listening<'a> {
    child: Child<&'a Session>,
    stdout: BufReader<ChildStdout>,
}

impl Link {
    /// Begins to run `command` with `sh -c`.
    ///
    /// # Errors
    /// When it could not be begun.
    pub async fn listen(&self, command: &str) -> Result<Listening<'_>, SshError> {
        let mut remote = self.session().shell(command);
        remote
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = (remote.spawn().await).map_err(|error| SshError::Command(said(&error)))?;
        let stdout = child.stdout().take();
        let stdout = stdout.ok_or_else(|| SshError::Command("it has no output".to_owned()))?;
        Ok(Listening {
            child,
            stdout: BufReader::new(stdout),
        })
    }
}

impl Listening<'_> {
    /// The next line, without its end; `None`: that was all.
    ///
    /// # Errors
    /// When the connection broke, or nothing came for too long.
    pub async fn line(&mut self) -> Result<Option<String>, SshError> {
        let mut line = Vec::new();
        let mut some = (&mut self.stdout).take(LINE);
        let read = tokio::time::timeout(SILENCE, some.read_until(b'\n', &mut line))
            .await
            .map_err(|_| SshError::Command(format!("it said nothing for {} s", SILENCE.as_secs())))?
            .map_err(|error| SshError::Command(said(&error)))?;
        let text = String::from_utf8_lossy(&line);
        Ok((read > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// How it ended, once it has said all; `stdout` is empty, for its lines were told.
    ///
    /// # Errors
    /// When the connection broke, or it does not end.
    pub async fn end(mut self) -> Result<Ran, SshError> {
        let mut complaints = Vec::new();
        if let Some(stderr) = self.child.stderr().take() {
            let mut some = stderr.take(COMPLAINTS);
            let _ = tokio::time::timeout(SILENCE, some.read_to_end(&mut complaints)).await;
        }
        let status = tokio::time::timeout(SILENCE, self.child.wait())
            .await
            .map_err(|_| SshError::Command("it does not end".to_owned()))?
            .map_err(|error| SshError::Command(said(&error)))?;
        Ok(Ran {
            status: status.code(),
            stdout: String::new(),
            stderr: String::from_utf8_lossy(&complaints).into_owned(),
        })
    }
}
