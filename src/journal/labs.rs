//! Labs in the journal: where they run, where the learner stands, what is known of them, their receipts.

use std::fmt;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::{Journal, JournalError, json};
use crate::engine::effect::{Known, Progress};
use crate::engine::view::Receipt;

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

impl Place {
    /// Its region.
    #[must_use]
    pub fn region(&self) -> &str {
        let (Self::Embedded { region } | Self::Endpoint { region, .. } | Self::Aws { region, .. }) =
            self;
        region
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded { region } => write!(f, "practice, {region}"),
            Self::Endpoint { url, region } => write!(f, "practice at {url}, {region}"),
            Self::Aws { region, .. } => write!(f, "AWS, {region}"),
        }
    }
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

impl Journal {
    /// Writes down a new lab.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_lab(&self, id: &str, place: &Place, at: Timestamp) -> Result<(), JournalError> {
        self.insert(id, place, at, &Progress::default())
    }

    /// Writes down a lab that was made elsewhere and is taken down from here.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn adopt(&self, lab: &Lab) -> Result<(), JournalError> {
        self.insert(&lab.id, &lab.place, lab.made, &lab.progress)
    }

    fn insert(
        &self,
        id: &str,
        place: &Place,
        at: Timestamp,
        progress: &Progress,
    ) -> Result<(), JournalError> {
        self.update(
            "INSERT INTO lab (id, place, made, driven, progress) VALUES (?1, ?2, ?3, ?3, ?4)",
            params![id, json(place), at.to_string(), json(progress)],
        )
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
        self.together(|both| {
            both.execute(
                "INSERT INTO receipt (lab, at, receipt) VALUES (?1, ?2, ?3)",
                params![lab, at.to_string(), json(receipt)],
            )?;
            both.execute(
                "UPDATE lab SET clean = ?2 WHERE id = ?1",
                params![lab, receipt.is_clean()],
            )?;
            Ok(())
        })
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

    /// The last receipt of a lab, unless the account may have been changed since.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn present_receipt(&self, lab: &str) -> Result<Option<Receipt>, JournalError> {
        let last = |table: &str| {
            let query =
                format!("SELECT at FROM {table} WHERE lab = ?1 ORDER BY rowid DESC LIMIT 1");
            let at: Option<String> = self
                .database()
                .query_row(&query, [lab], |row| row.get(0))
                .optional()
                .map_err(|source| self.broken(source))?;
            at.map(|at| self.time(&at)).transpose()
        };
        if last("intent")? > last("receipt")? {
            return Ok(None);
        }
        self.receipt(lab)
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
}
