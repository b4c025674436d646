//! The practice account of a state directory: started inside this program, or joined when another program serves it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{IntoDiagnostic as _, WrapErr as _, miette};

use super::control::Endpoint;
use crate::practice::clock::Pace;
use crate::practice::faults::Faults;
use crate::practice::{self, Options, PracticeError, Running, StoreError};

/// A practice account that answers.
pub(super) struct Embedded {
    pub(super) endpoint: Endpoint,
    /// `None`: another program serves it.
    running: Option<Running>,
    file: PathBuf,
}

impl Embedded {
    /// Starts the account that keeps its state in `data`, or joins the program that serves it already.
    pub(super) async fn start(
        data: &Path,
        region: &str,
        pace: Pace,
        port: Option<u16>,
        faults: Option<&Path>,
    ) -> miette::Result<Self> {
        let file = endpoint_file(data);
        let faults_read = faults.map(Faults::read).transpose().into_diagnostic()?;
        let options = Options {
            data_dir: data.to_owned(),
            port,
            pace,
            region: Some(region.to_owned()),
            seed: None,
            faults: faults_read.map(Arc::new).unwrap_or_default(),
        };
        match practice::start(options).await {
            Ok(running) => {
                let endpoint = Endpoint {
                    url: running.endpoint_url.clone(),
                    region: running.region.clone(),
                    access_key_id: running.access_key_id.clone(),
                    secret_access_key: running.secret_access_key.clone(),
                    session_token: None,
                };
                leave_note(&file, &endpoint)
                    .into_diagnostic()
                    .wrap_err_with(|| format!("could not write {}", file.display()))?;
                Ok(Self {
                    endpoint,
                    running: Some(running),
                    file,
                })
            }
            Err(PracticeError::Store(StoreError::Locked(_))) if port.is_none() => {
                if faults.is_some() {
                    return Err(miette!(
                        help = "end that program, or leave the faults out",
                        "the practice account is served by another efslab already, without these faults"
                    ));
                }
                let endpoint = running_at(data).ok_or_else(|| {
                    miette!(
                        help = "wait a moment and try again, or use another --state-dir",
                        "another efslab is just starting or ending the practice account"
                    )
                })?;
                Ok(Self {
                    endpoint,
                    running: None,
                    file,
                })
            }
            Err(error) => Err(error)
                .into_diagnostic()
                .wrap_err("could not start the practice account"),
        }
    }

    /// Whether this program serves it.
    pub(super) fn is_ours(&self) -> bool {
        self.running.is_some()
    }

    /// Stops serving; everything is on disk then.
    pub(super) async fn stop(self) {
        if let Some(running) = self.running {
            // Before the account is free for the next program, which leaves a note of its own.
            let _ = fs::remove_file(&self.file);
            running.stop().await;
        }
    }
}

/// The account of this directory, if a program serves it now; one that was killed leaves its note behind.
pub(super) fn running_at(data: &Path) -> Option<Endpoint> {
    if !practice::is_served(data) {
        return None;
    }
    serde_json::from_str(&fs::read_to_string(endpoint_file(data)).ok()?).ok()
}

fn endpoint_file(data: &Path) -> PathBuf {
    data.join("endpoint.json")
}

fn leave_note(file: &Path, endpoint: &Endpoint) -> std::io::Result<()> {
    let fresh = file.with_extension("new");
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    out.write_all(&serde_json::to_vec(endpoint)?)?;
    fs::rename(fresh, file)
}
