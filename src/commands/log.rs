//! What is noted for whoever looks for a fault: the program's own warnings, in a private file of the state directory.
//! Nothing of the AWS SDK is noted, whatever the level: its requests carry credentials.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::site;
use crate::cli::Common;

/// Its name in the state directory.
const NAME: &str = "efslab.log";
/// `error`, `warn`, `info`, `debug` or `trace`.
const LEVEL: &str = "EFSLAB_LOG";

/// Begins to note. Without a state directory nothing is: the command will say what is wrong with that.
pub(super) fn begin(common: &Common) {
    let Ok(directory) = site::state_directory(common) else {
        return;
    };
    let level = std::env::var(LEVEL)
        .ok()
        .and_then(|level| level.parse::<tracing::Level>().ok())
        .unwrap_or(tracing::Level::WARN);
    let log = Log {
        path: directory.join(NAME),
        file: OnceLock::new(),
    };
    // Fails only if somebody notes already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("efslab={level}")))
        .with_ansi(false)
        .with_writer(log)
        .try_init();
}

/// Made when the first thing is noted: a run without trouble leaves none.
struct Log {
    path: PathBuf,
    file: OnceLock<Option<File>>,
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Box<dyn Write + 'a>;

    fn make_writer(&'a self) -> Self::Writer {
        let open = || {
            OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&self.path)
                .ok()
        };
        match self.file.get_or_init(open) {
            Some(file) => Box::new(file),
            None => Box::new(io::sink()),
        }
    }
}
