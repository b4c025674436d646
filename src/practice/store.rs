//! The account on disk: who it is (`account.json`), what exists in it (`account.db`), and the lock on both.
//!
//! What the records mean does not enter here.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rand::RngExt as _;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::private;
use super::world::place::Place;
use super::world::{Row, World};

/// Who the account is, and how it was reached last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// Number and region.
    pub place: Place,
    /// `AKIA…`
    pub access_key_id: String,
    /// Forty characters.
    pub secret_access_key: String,
    /// Port of the last endpoint; asked for again, so that addresses handed out stay right.
    pub port: Option<u16>,
}

/// Why the account's data could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another server has it.
    #[error("another practice account is being served from {0}")]
    Locked(PathBuf),
    /// Others may read the directory, and it holds more than an account.
    #[error(
        "{0} is not an account's and others may read it: name a directory of its own, or make it private (chmod 700)"
    )]
    Shared(PathBuf),
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// What was touched.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// SQLite refused.
    #[error("{path}: {source}")]
    Database {
        /// The database.
        path: PathBuf,
        /// Why it failed.
        source: rusqlite::Error,
    },
    /// What is there is not an account.
    #[error("{path} is not a practice account's: {why}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// The open account.
pub struct Store {
    db: Connection,
    dir: PathBuf,
    // Held, not read: the lock goes with it.
    _lock: File,
}

/// Whether a program serves the account in `dir` now. Looking is in nobody's way.
#[must_use]
pub fn is_served(dir: &Path) -> bool {
    File::open(dir.join("lock")).is_ok_and(|lock| held(&lock))
}

/// Whether somebody has the lock for herself; those who look share it.
fn held(lock: &File) -> bool {
    match lock.try_lock_shared() {
        Ok(()) => {
            // Said aloud, as a child that is just being started has a copy of the file for a moment.
            let _ = lock.unlock();
            false
        }
        Err(error) => matches!(error, TryLockError::WouldBlock),
    }
}

impl Store {
    /// Opens the account in `dir`, or makes one there. Nobody else can until it is dropped.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { path, source }
        };
        if private::directory(dir, is_ours).map_err(io(dir))? == private::Directory::Shared {
            return Err(StoreError::Shared(dir.to_owned()));
        }
        let lock_path = dir.join("lock");
        let lock = private::file(&lock_path).map_err(io(&lock_path))?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if held(&lock) => {
                    return Err(StoreError::Locked(dir.to_owned()));
                }
                // Only somebody who looks, as `is_served` does; that takes a moment.
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
                Err(TryLockError::Error(source)) => return Err(io(&lock_path)(source)),
            }
        }
        let path = dir.join("account.db");
        private::file(&path).map_err(io(&path))?;
        let db = connect(&path).map_err(|source| StoreError::Database {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            db,
            dir: dir.to_owned(),
            _lock: lock,
        })
    }

    /// Who the account is; `None` when it is new.
    pub fn identity(&self) -> Result<Option<Identity>, StoreError> {
        read_identity(&self.dir)
    }

    /// Writes down who the account is.
    pub fn keep_identity(&self, identity: &Identity) -> Result<(), StoreError> {
        let path = self.dir.join("account.json");
        let new = self.dir.join("account.json.new");
        let write = || {
            let mut file = private::file(&new)?;
            file.set_len(0)?;
            file.write_all(&serde_json::to_vec_pretty(identity)?)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().map_err(|source| StoreError::Io {
            path: path.clone(),
            source,
        })
    }

    /// Account time when it was last written down.
    pub fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        let time: Option<String> = self
            .db
            .query_row("SELECT value FROM meta WHERE name = 'time'", [], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|source| self.failed(source))?;
        time.map(|time| time.parse().map_err(|_| self.corrupt("its time")))
            .transpose()
    }

    /// Puts all records into the world.
    pub fn load(&self, world: &mut World) -> Result<(), StoreError> {
        let mut read = self
            .db
            .prepare("SELECT kind, id, body FROM record")
            .map_err(|source| self.failed(source))?;
        let rows = read
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .map_err(|source| self.failed(source))?;
        for row in rows {
            let (kind, id, body): (String, String, String) =
                row.map_err(|source| self.failed(source))?;
            world
                .load(&kind, id, &body)
                .map_err(|why| self.corrupt(&why))?;
        }
        Ok(())
    }

    /// Writes a change and the time of it; on return it survives a power cut.
    pub fn commit(&mut self, rows: &[Row], now: Timestamp) -> Result<(), rusqlite::Error> {
        let change = self.db.transaction()?;
        {
            let mut put = change.prepare(
                "INSERT INTO record (kind, id, body) VALUES (?1, ?2, ?3)
                 ON CONFLICT (kind, id) DO UPDATE SET body = ?3",
            )?;
            let mut drop = change.prepare("DELETE FROM record WHERE kind = ?1 AND id = ?2")?;
            for (kind, id, body) in rows {
                match body {
                    Some(body) => put.execute(params![kind, id, body])?,
                    None => drop.execute(params![kind, id])?,
                };
            }
            change
                .prepare(
                    "INSERT INTO meta (name, value) VALUES ('time', ?1)
                     ON CONFLICT (name) DO UPDATE SET value = ?1",
                )?
                .execute([now.to_string()])?;
        }
        change.commit()
    }

    fn failed(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Database {
            path: self.dir.join("account.db"),
            source,
        }
    }

    fn corrupt(&self, why: &str) -> StoreError {
        StoreError::Corrupt {
            path: self.dir.join("account.db"),
            why: why.to_owned(),
        }
    }
}

/// Who the account in `dir` is, without opening it.
pub fn read_identity(dir: &Path) -> Result<Option<Identity>, StoreError> {
    let path = dir.join("account.json");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StoreError::Io { path, source }),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|error| StoreError::Corrupt {
            path,
            why: error.to_string(),
        })
}

/// Whether a file of this name is the account's.
fn is_ours(name: &str) -> bool {
    name == "lock" || name.starts_with("account.") || name.starts_with("files.db")
}

fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let db = Connection::open(path)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS record (
             kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
         ) WITHOUT ROWID;",
    )?;
    Ok(db)
}

impl Identity {
    /// A new account in a region: number and keys are random.
    pub fn random(region: String) -> Self {
        let mut random = rand::rng();
        let mut draw = |alphabet: &[u8], count: usize| -> String {
            (0..count)
                .map(|_| char::from(alphabet[random.random_range(0..alphabet.len())]))
                .collect()
        };
        let account_id = format!("{}{}", draw(b"123456789", 1), draw(b"0123456789", 11));
        // The alphabets that AWS's keys are made of.
        let access_key_id = format!("AKIA{}", draw(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16));
        let secret_access_key = draw(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
            40,
        );
        Self {
            place: Place { account_id, region },
            access_key_id,
            secret_access_key,
            port: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_second_server_on_the_same_data_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let first = Store::open(dir.path()).unwrap();
        assert!(matches!(
            Store::open(dir.path()),
            Err(StoreError::Locked(_))
        ));
        drop(first);
        assert!(Store::open(dir.path()).is_ok());
    }

    #[test]
    fn what_is_written_is_for_its_owner_only_and_is_read_again() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("account");
        // One that is there already, as `mkdir` and an older program leave it.
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("files.db"), "").unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        let store = Store::open(&dir).unwrap();
        assert!(store.identity().unwrap().is_none());
        let identity = Identity::random("eu-west-1".into());
        store.keep_identity(&identity).unwrap();
        assert_eq!(
            store.identity().unwrap().unwrap().secret_access_key,
            identity.secret_access_key
        );
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(mode(&dir.join("account.json")), 0o600);
        assert_eq!(mode(&dir.join("account.db")), 0o600);
    }

    #[test]
    fn a_directory_of_others_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.txt"), "").unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let error = Store::open(dir.path()).err().unwrap().to_string();
        assert!(error.contains("others may read it"), "{error}");
        let mode = fs::metadata(dir.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }

    #[test]
    fn a_database_that_is_none_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join("account.db"),
            "not a database at all, but long enough",
        )
        .unwrap();
        let error = Store::open(dir.path()).err().unwrap().to_string();
        assert!(error.contains("account.db"), "{error}");
    }
}
