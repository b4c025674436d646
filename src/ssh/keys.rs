//! The lab's own ed25519 key: made once per lab, never leaves its directory.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::SshError;

/// Where a lab's ssh files are.
#[derive(Debug, Clone)]
pub struct Files {
    directory: PathBuf,
}

impl Files {
    /// Files below this directory, which exists and is private.
    #[must_use]
    pub fn below(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// The private key, mode 0600.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.directory.join("key")
    }

    /// Pinned host keys.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        self.directory.join("known_hosts")
    }

    /// The configuration that serves the lab, its terminals and the learner's own `ssh -F`.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.directory.join("ssh_config")
    }

    /// The public key in OpenSSH form; makes the pair when there is none yet.
    ///
    /// # Errors
    /// When ssh-keygen is missing or refuses.
    pub fn public_key(&self, lab: &str) -> Result<String, SshError> {
        let public = self.directory.join("key.pub");
        if !public.exists() {
            // A private key without its public half is a run that was killed in between: ssh-keygen would ask.
            let _ = fs::remove_file(self.key());
            let outcome = Command::new("ssh-keygen")
                .args([
                    "-q",
                    "-t",
                    "ed25519",
                    "-N",
                    "",
                    "-C",
                    &format!("efslab {lab}"),
                    "-f",
                ])
                .arg(self.key())
                .stdin(Stdio::null())
                .output()
                .map_err(|error| missing("ssh-keygen", &error))?;
            if !outcome.status.success() {
                return Err(SshError::Keygen(
                    String::from_utf8_lossy(&outcome.stderr).trim().to_owned(),
                ));
            }
        }
        let text = fs::read_to_string(&public).map_err(|source| SshError::File {
            path: public,
            source,
        })?;
        Ok(text.trim().to_owned())
    }
}

/// Which OpenSSH client there is.
///
/// # Errors
/// When `ssh` is not on PATH.
pub fn client_version() -> Result<String, SshError> {
    let outcome = Command::new("ssh")
        .arg("-V")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| missing("ssh", &error))?;
    Ok(String::from_utf8_lossy(&outcome.stderr).trim().to_owned())
}

/// Says which program is missing.
fn missing(program: &'static str, error: &std::io::Error) -> SshError {
    match error.kind() {
        ErrorKind::NotFound => SshError::NoClient(program),
        _ => SshError::Command(format!("{program}: {error}")),
    }
}
