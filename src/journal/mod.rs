//! What was intended and what came of it, written down before and after: SQLite, one file per state directory.
//!
//! Only rusqlite lives here. An effect becomes executable by passing through [`Journal::admit`]; nothing else makes a
//! [`Journaled`].

mod driver;
mod intents;
mod labs;
mod schema;
#[cfg(test)]
mod tests;

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction};
use serde::{Deserialize, Serialize};

use driver::Asked;
pub use driver::Driver;
pub use intents::{Intent, Journaled, StackRecord};
pub use labs::{Lab, Place};

/// Below the state directory: one directory per lab.
const LABS: &str = "labs";
/// In a lab's directory: the lock of whoever drives it.
const DRIVER: &str = "driver";

/// Why the journal cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The directory.
    #[error("the state directory {path} cannot be used: {source}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database.
    #[error("the journal {path} cannot be used: {source}")]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A row that this program did not write, or a later version did.
    #[error("the journal {path} holds something this version cannot read: {what}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What.
        what: String,
    },
    /// Another program has the lab.
    #[error("{lab} is being driven by another efslab (process {pid})")]
    Driven {
        /// Lab.
        lab: String,
        /// Its process id, as it wrote it down.
        pid: String,
    },
    /// No such lab.
    #[error("there is no lab {0} in this state directory")]
    NoLab(String),
}

/// The journal of one state directory.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    file: PathBuf,
    database: Mutex<Connection>,
}

impl Journal {
    /// Opens the journal below `directory`, which is made (mode 0700) when it is missing.
    ///
    /// # Errors
    /// When the directory or the file cannot be used.
    pub fn open(directory: &Path) -> Result<Self, JournalError> {
        let unusable = |source| JournalError::Directory {
            path: directory.to_owned(),
            source,
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(unusable)?;
        let file = directory.join("journal.db");
        // SQLite would make it with the umask's mode.
        fs::OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&file)
            .map_err(unusable)?;
        let broken = |source| JournalError::Database {
            path: file.clone(),
            source,
        };
        let mut database = Connection::open(&file).map_err(broken)?;
        if !schema::prepare(&mut database).map_err(broken)? {
            return Err(JournalError::Unreadable {
                path: file,
                what: "it was written by a later version of efslab; use that one".to_owned(),
            });
        }
        Ok(Self {
            directory: directory.to_owned(),
            file,
            database: Mutex::new(database),
        })
    }

    /// The lab's private directory: key, known_hosts, ssh_config.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn lab_directory(&self, lab: &str) -> Result<PathBuf, JournalError> {
        let path = self.directory.join(LABS).join(lab);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|source| JournalError::Directory {
                path: path.clone(),
                source,
            })?;
        Ok(path)
    }

    /// Takes the right to drive `lab`.
    ///
    /// # Errors
    /// When another program has it.
    pub fn drive(&self, lab: &str) -> Result<Driver, JournalError> {
        let path = self.lab_directory(lab)?.join(DRIVER);
        match Driver::ask(&path) {
            Ok(Asked::Given(driver)) => Ok(driver),
            Ok(Asked::Taken(pid)) => Err(JournalError::Driven {
                lab: lab.to_owned(),
                pid,
            }),
            Err(source) => Err(JournalError::Directory { path, source }),
        }
    }

    /// The process that drives `lab`, if one does; asking is in nobody's way.
    #[must_use]
    pub fn driven_by(&self, lab: &str) -> Option<String> {
        Driver::seen(&self.directory.join(LABS).join(lab).join(DRIVER))
    }

    fn update(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), JournalError> {
        self.database()
            .execute(sql, values)
            .map(drop)
            .map_err(|source| self.broken(source))
    }

    /// Writes everything that `write` does, or nothing of it.
    fn together<T>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        let mut database = self.database();
        let written = || {
            let all = database.transaction()?;
            let done = write(&all)?;
            all.commit().map(|()| done)
        };
        written().map_err(|source| self.broken(source))
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broken(&self, source: rusqlite::Error) -> JournalError {
        JournalError::Database {
            path: self.file.clone(),
            source,
        }
    }

    fn read<T: for<'a> Deserialize<'a>>(&self, text: &str) -> Result<T, JournalError> {
        serde_json::from_str(text).map_err(|error| JournalError::Unreadable {
            path: self.file.clone(),
            what: error.to_string(),
        })
    }

    fn time(&self, text: &str) -> Result<Timestamp, JournalError> {
        text.parse()
            .map_err(|error: jiff::Error| JournalError::Unreadable {
                path: self.file.clone(),
                what: error.to_string(),
            })
    }
}

/// The journal's form of a value. The types written here have string keys only, so that this cannot fail.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
