//! Intents in the journal, and what came of them. Only what has been written down can be carried out.

use jiff::Timestamp;
use rusqlite::params;

use super::{Journal, JournalError, json};
use crate::engine::effect::{Effect, NewStack};

/// A create call of this name that nobody has answered.
const OPEN_OF_NAME: &str =
    "lab = ?1 AND kind = 'create-stack' AND outcome IS NULL AND refused IS NULL
    AND json_extract(subject, '$.name') = ?2";

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

impl Journal {
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
            Effect::ProposeUpdate(asked) => Some(("propose-update", asked.stage.to_string())),
            Effect::Do(deed) => Some(("do", json(deed))),
            Effect::CarryOut { change_set, .. } => Some(("carry-out", change_set.clone())),
            Effect::CancelUpdate { stack } => Some(("cancel-update", stack.clone())),
            Effect::Terminate { instances } => Some(("terminate", json(instances))),
            Effect::Remove(removal) => Some(("remove", json(removal))),
            Effect::Guard(wish) => Some(("guard", json(wish))),
            _ => None,
        };
        debug_assert_eq!(intent.is_some(), effect.changes_the_account());
        let intent = match intent {
            None => None,
            Some((kind, subject)) => {
                let written = self.together(|both| {
                    // A lab with something in the account is not clean, whatever an older receipt said.
                    both.execute("UPDATE lab SET clean = FALSE WHERE id = ?1", [lab])?;
                    both.execute(
                        "INSERT INTO intent (lab, kind, subject, at) VALUES (?1, ?2, ?3, ?4)",
                        params![lab, kind, subject, at.to_string()],
                    )?;
                    Ok(both.last_insert_rowid())
                });
                Some(written?)
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

    /// Whether this lab ever asked for a guard, which may be there even if nothing else is.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn asked_for_guard(&self, lab: &str) -> Result<bool, JournalError> {
        self.database()
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM intent WHERE lab = ?1 AND kind = 'guard')",
                [lab],
                |row| row.get(0),
            )
            .map_err(|source| self.broken(source))
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
}
