//! What was intended and what came of it, written down before and after: SQLite, one file per state directory.
//!
//! Only rusqlite lives here. An effect becomes executable by passing through [`Journal::admit`]; nothing else makes a
//! [`Journaled`].

mod driver;
mod schema;
#[cfg(test)]
mod tests;

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use crate::engine::effect::{Effect, Known, NewStack, Progress};
use crate::engine::view::Receipt;

use driver::Asked;
pub use driver::Driver;

/// Below the state directory: one directory per lab.
const LABS: &str = "labs";
/// A create call of this name that nobody has answered.
const OPEN_OF_NAME: &str =
    "lab = ?1 AND kind = 'create-stack' AND outcome IS NULL AND refused IS NULL
    AND json_extract(subject, '$.name') = ?2";
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

/// Where a lab runs, as written down when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// The practice account of this state directory.
    Embedded {
        /// Region.
        region: String,
    },
    /// A practice account that somebody serves.
    Endpoint {
        /// URL.
        url: String,
        /// Region.
        region: String,
    },
    /// AWS.
    Aws {
        /// Profile, if one was named.
        profile: Option<String>,
        /// Region.
        region: String,
    },
}

/// A lab as the journal knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lab {
    /// `lab-7f3k`
    pub id: String,
    /// Where.
    pub place: Place,
    /// When it was made, wall time.
    pub made: Timestamp,
    /// When it was last driven, wall time.
    pub driven: Timestamp,
    /// Where the learner stands.
    pub progress: Progress,
    /// Cleaned up and proved so.
    pub clean: bool,
}

/// A stack that was intended, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackRecord {
    /// What was asked for.
    pub wanted: NewStack,
    /// StackId, once AWS answered.
    pub id: Option<String>,
    /// AWS refused the call for good: nothing was made.
    pub refused: bool,
    /// It was seen to be gone.
    pub gone: bool,
    /// When it was asked for, wall time.
    pub asked: Timestamp,
}

/// An effect that may be executed: whatever changes the account has been written down.
#[derive(Debug)]
pub struct Journaled<T> {
    effect: T,
    intent: Option<i64>,
}

impl<T> Journaled<T> {
    /// The effect, and the token by which its outcome is written down.
    pub fn into_parts(self) -> (T, Option<Intent>) {
        (self.effect, self.intent.map(Intent))
    }
}

/// A written intent that awaits its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent(i64);

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

    /// Writes down a new lab.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_lab(&self, id: &str, place: &Place, at: Timestamp) -> Result<(), JournalError> {
        self.database()
            .execute(
                "INSERT INTO lab (id, place, made, driven, progress) VALUES (?1, ?2, ?3, ?3, ?4)",
                params![id, json(place), at.to_string(), json(&Progress::default())],
            )
            .map(drop)
            .map_err(|source| self.broken(source))
    }

    /// All labs, the last driven first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn labs(&self) -> Result<Vec<Lab>, JournalError> {
        let database = self.database();
        let mut statement = database
            .prepare("SELECT id, place, made, driven, progress, clean FROM lab ORDER BY driven DESC, rowid DESC")
            .map_err(|source| self.broken(source))?;
        let rows = statement
            .query_map([], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, String>(3)?,
                    row.get::<_, String>(4)?,
                    row.get::<_, bool>(5)?,
                ))
            })
            .map_err(|source| self.broken(source))?;
        let mut labs = Vec::new();
        for row in rows {
            let (id, place, made, driven, progress, clean) =
                row.map_err(|source| self.broken(source))?;
            labs.push(Lab {
                place: self.read(&place)?,
                made: self.time(&made)?,
                driven: self.time(&driven)?,
                progress: self.read(&progress)?,
                clean,
                id,
            });
        }
        Ok(labs)
    }

    /// One lab.
    ///
    /// # Errors
    /// When there is none of this id.
    pub fn lab(&self, id: &str) -> Result<Lab, JournalError> {
        self.labs()?
            .into_iter()
            .find(|lab| lab.id == id)
            .ok_or_else(|| JournalError::NoLab(id.to_owned()))
    }

    /// Notes that the lab is being driven now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn touch(&self, lab: &str, at: Timestamp) -> Result<(), JournalError> {
        self.update(
            "UPDATE lab SET driven = ?2 WHERE id = ?1",
            params![lab, at.to_string()],
        )
    }

    /// Writes down where the learner stands.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_progress(&self, lab: &str, progress: &Progress) -> Result<(), JournalError> {
        self.update(
            "UPDATE lab SET progress = ?2 WHERE id = ?1",
            params![lab, json(progress)],
        )
    }

    /// Writes down a receipt; a clean one closes the lab.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_receipt(
        &self,
        lab: &str,
        receipt: &Receipt,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        self.update(
            "INSERT INTO receipt (lab, at, receipt) VALUES (?1, ?2, ?3)",
            params![lab, at.to_string(), json(receipt)],
        )?;
        self.update(
            "UPDATE lab SET clean = ?2 WHERE id = ?1",
            params![lab, receipt.is_clean()],
        )
    }

    /// The last receipt of a lab.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn receipt(&self, lab: &str) -> Result<Option<Receipt>, JournalError> {
        let text: Option<String> = self
            .database()
            .query_row(
                "SELECT receipt FROM receipt WHERE lab = ?1 ORDER BY rowid DESC LIMIT 1",
                [lab],
                |row| row.get(0),
            )
            .optional()
            .map_err(|source| self.broken(source))?;
        text.map(|text| self.read(&text)).transpose()
    }

    /// Writes the intent down if the effect changes the account; only what this returns can be executed.
    ///
    /// # Errors
    /// When it cannot be written: then it must not be done either.
    pub fn admit(
        &self,
        lab: &str,
        effect: Effect,
        at: Timestamp,
    ) -> Result<Journaled<Effect>, JournalError> {
        let intent = match &effect {
            Effect::CreateStack(wanted) => Some(("create-stack", json(wanted))),
            Effect::DeleteStack { stack } => Some(("delete-stack", stack.clone())),
            _ => None,
        };
        debug_assert_eq!(intent.is_some(), effect.changes_the_account());
        let intent = match intent {
            None => None,
            Some((kind, subject)) => {
                // A lab with something in the account is not clean, whatever an older receipt said.
                self.update("UPDATE lab SET clean = FALSE WHERE id = ?1", [lab])?;
                let database = self.database();
                database
                    .execute(
                        "INSERT INTO intent (lab, kind, subject, at) VALUES (?1, ?2, ?3, ?4)",
                        params![lab, kind, subject, at.to_string()],
                    )
                    .map_err(|source| self.broken(source))?;
                Some(database.last_insert_rowid())
            }
        };
        Ok(Journaled { effect, intent })
    }

    /// The token by which AWS knows a repeated call of this intent, as the SDK makes it when an answer is lost.
    #[must_use]
    pub fn token(lab: &str, intent: Intent) -> String {
        format!("efslab-{lab}-{}", intent.0)
    }

    /// Writes down what came of an intent: the id that AWS answered, or that it refused for good.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn settle(
        &self,
        intent: Intent,
        outcome: &Result<String, String>,
    ) -> Result<(), JournalError> {
        let (id, refused) = match outcome {
            Ok(id) => (Some(id), None),
            Err(why) => (None, Some(why)),
        };
        self.update(
            "UPDATE intent SET outcome = ?2, refused = ?3 WHERE id = ?1",
            params![intent.0, id, refused],
        )
    }

    /// Notes the StackId of a stack whose create call was never answered.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_found(&self, lab: &str, name: &str, id: &str) -> Result<(), JournalError> {
        self.update(
            &format!("UPDATE intent SET outcome = ?3 WHERE {OPEN_OF_NAME}"),
            [lab, name, id],
        )
    }

    /// Notes that a stack was seen to be gone; by name, that what was asked for and never answered was not made.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_gone(&self, lab: &str, stack: &str) -> Result<(), JournalError> {
        self.update(
            "INSERT OR IGNORE INTO gone (lab, stack) VALUES (?1, ?2)",
            [lab, stack],
        )?;
        self.update(
            &format!("UPDATE intent SET refused = ?3 WHERE {OPEN_OF_NAME}"),
            [lab, stack, "there is no such stack"],
        )
    }

    /// Notes ids by which untagged leftovers are found later.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_known(&self, lab: &str, known: &Known) -> Result<(), JournalError> {
        self.update(
            "UPDATE lab SET known = ?2 WHERE id = ?1",
            params![lab, json(known)],
        )
    }

    /// The ids noted so far.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn known(&self, lab: &str) -> Result<Known, JournalError> {
        let text: Option<String> = self
            .database()
            .query_row("SELECT known FROM lab WHERE id = ?1", [lab], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|source| self.broken(source))?
            .flatten();
        text.map_or_else(|| Ok(Known::default()), |text| self.read(&text))
    }

    /// Every stack this lab ever intended, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn stacks(&self, lab: &str) -> Result<Vec<StackRecord>, JournalError> {
        let database = self.database();
        let mut statement = database
            .prepare(
                "SELECT subject, outcome, refused IS NOT NULL, at,
                        EXISTS (SELECT 1 FROM gone WHERE gone.lab = intent.lab AND gone.stack = intent.outcome)
                 FROM intent WHERE lab = ?1 AND kind = 'create-stack' ORDER BY id",
            )
            .map_err(|source| self.broken(source))?;
        let rows = statement
            .query_map([lab], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, Option<String>>(1)?,
                    row.get(2)?,
                    row.get::<_, String>(3)?,
                    row.get(4)?,
                ))
            })
            .map_err(|source| self.broken(source))?;
        let mut stacks = Vec::new();
        for row in rows {
            let (wanted, id, refused, asked, gone) = row.map_err(|source| self.broken(source))?;
            stacks.push(StackRecord {
                wanted: self.read(&wanted)?,
                id,
                refused,
                gone,
                asked: self.time(&asked)?,
            });
        }
        Ok(stacks)
    }

    fn update(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), JournalError> {
        self.database()
            .execute(sql, values)
            .map(drop)
            .map_err(|source| self.broken(source))
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
