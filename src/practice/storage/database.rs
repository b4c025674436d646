//! `files.db`: trees and notes as rows. When they are written does not enter here.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::changes::{Batch, Record};
use super::content::{CHUNK, Chunk, Content};
use super::inode::{Ino, NodeType, metered};
use super::performance::{MINUTES_KEPT, Minute, Throughput};
use super::store::Traffic;
use super::superblock::Superblock;
use crate::practice::private;

/// File name below the account's directory.
const FILE: &str = "files.db";

/// Said in `user_version`; another one is another layout.
const VERSION: i64 = 3;

/// `PRAGMA auto_vacuum` for a file that can be made smaller again.
const INCREMENTAL: i64 = 2;
/// What the log keeps of its size once it has been written into the database, in bytes.
const JOURNAL_MAX: i64 = 4 * 1024 * 1024;

const LAYOUT: &str = "
    CREATE TABLE trees (id INTEGER PRIMARY KEY, sort TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (sort, name));
    CREATE TABLE inodes (
        tree INTEGER NOT NULL, ino INTEGER NOT NULL, type TEXT NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL,
        mode INTEGER NOT NULL, target TEXT, accessed TEXT NOT NULL, modified TEXT NOT NULL, changed TEXT NOT NULL,
        PRIMARY KEY (tree, ino)) WITHOUT ROWID;
    CREATE TABLE names (
        tree INTEGER NOT NULL, dir INTEGER NOT NULL, name TEXT NOT NULL, ino INTEGER NOT NULL,
        PRIMARY KEY (tree, dir, name)) WITHOUT ROWID;
    CREATE TABLE chunks (
        tree INTEGER NOT NULL, ino INTEGER NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL,
        UNIQUE (tree, ino, number));
    CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// From version 1, whose chunks have no gaps, to this one: bytes of a file for which there is no chunk are zeros, and
/// what goes over a share is kept.
const SIZES: &str = "
    CREATE TABLE sizes (tree INTEGER NOT NULL, ino INTEGER NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (tree, ino)) WITHOUT ROWID;
    CREATE TABLE throughput (tree INTEGER PRIMARY KEY, state TEXT NOT NULL);
    CREATE TABLE minutes (tree INTEGER NOT NULL, minute INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (tree, minute)) WITHOUT ROWID;
    INSERT INTO sizes SELECT tree, ino, sum(length(bytes)) FROM chunks GROUP BY tree, ino;
";

/// From version 2, whose chunks hold their bytes themselves, to this one: bytes may be in several trees, and go with the
/// last chunk that is made of them.
const BLOBS: &str = "
    CREATE TABLE blobs (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    INSERT INTO blobs SELECT rowid, bytes FROM chunks;
    CREATE TABLE placed (
        tree INTEGER NOT NULL, ino INTEGER NOT NULL, number INTEGER NOT NULL, blob INTEGER NOT NULL,
        PRIMARY KEY (tree, ino, number)) WITHOUT ROWID;
    INSERT INTO placed SELECT tree, ino, number, rowid FROM chunks;
    DROP TABLE chunks;
    ALTER TABLE placed RENAME TO chunks;
    CREATE INDEX chunks_by_blob ON chunks (blob);
    CREATE TRIGGER last_chunk AFTER DELETE ON chunks
        WHEN NOT EXISTS (SELECT 1 FROM chunks WHERE blob = old.blob)
        BEGIN DELETE FROM blobs WHERE id = old.blob; END;
    CREATE TABLE superblocks (tree INTEGER PRIMARY KEY, record TEXT NOT NULL);
";

/// What a copy of a tree has of each table.
const COPIED: [(&str, &str); 5] = [
    (
        "inodes",
        "ino, type, uid, gid, mode, target, accessed, modified, changed",
    ),
    ("names", "dir, name, ino"),
    ("chunks", "ino, number, blob"),
    ("sizes", "ino, size"),
    ("superblocks", "record"),
];

/// Why the files could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// SQLite refused.
    #[error("files.db: {0}")]
    Database(#[from] rusqlite::Error),
    /// The file could not be made.
    #[error("files.db: {0}")]
    File(std::io::Error),
    /// What is there is not what this program wrote.
    #[error("files.db: {0}")]
    Corrupt(String),
    /// All trees together hold as much as they may.
    #[error("a new tree: {0}")]
    Full(super::errno::Errno),
    /// The flusher could not be started.
    #[error("the thread that writes files.db: {0}")]
    Thread(std::io::Error),
}

/// What a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// An EFS filesystem.
    Share,
    /// A root disk.
    Disk,
    /// A volume with a filesystem.
    Volume,
    /// What a volume was.
    Snapshot,
}

impl Sort {
    fn as_str(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Disk => "disk",
            Self::Volume => "volume",
            Self::Snapshot => "snapshot",
        }
    }
}

/// A stored tree.
#[derive(Default)]
pub(super) struct Stored {
    pub inodes: BTreeMap<Ino, (Record, Content)>,
    pub names: Vec<(Ino, String, Ino)>,
    /// Of a share.
    pub throughput: Option<Throughput>,
    pub minutes: Vec<(i64, Minute)>,
}

/// The open database.
pub(super) struct Database {
    connection: Connection,
}

impl Database {
    pub fn open(directory: &Path) -> Result<Self, FilesError> {
        let path = directory.join(FILE);
        // Before SQLite makes it, with the rights that the umask leaves; its log gets those of the database.
        private::file(&path).map_err(FilesError::File)?;
        let connection = Connection::open(&path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        // Before there is anything in it; an older file is built anew once.
        let shrinks: i64 = connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
        if shrinks != INCREMENTAL {
            connection.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
            connection.execute_batch("VACUUM")?;
        }
        connection.pragma_update(None, "journal_size_limit", JOURNAL_MAX)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A commit returns when it is on disk.
        connection.pragma_update(None, "synchronous", "FULL")?;
        let mut database = Self { connection };
        let version: i64 = database
            .connection
            .pragma_query_value(None, "user_version", |row| row.get(0))?;
        match version {
            0..VERSION => database.write(|transaction| {
                for (from, step) in [(0, LAYOUT), (1, SIZES), (2, BLOBS)] {
                    if version <= from {
                        transaction.execute_batch(step)?;
                    }
                }
                transaction.pragma_update(None, "user_version", VERSION)?;
                Ok(())
            })?,
            VERSION => {}
            other => {
                let why = format!("version {other}; this program knows version {VERSION}");
                return Err(FilesError::Corrupt(why));
            }
        }
        Ok(database)
    }

    /// Does all of it, durably, or nothing.
    pub fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, FilesError>,
    ) -> Result<T, FilesError> {
        let transaction = self.connection.transaction()?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Gives the room of what was removed back to the disk.
    pub fn shrink(&self) -> Result<(), FilesError> {
        // Each step gives back one page, and has no row to show for it.
        let mut vacuum = self.connection.prepare("PRAGMA incremental_vacuum")?;
        let mut steps = vacuum.query([])?;
        while steps.next()?.is_some() {}
        // The file ends where it ends once the log is in it.
        let mut checkpoint = self.connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)")?;
        let mut steps = checkpoint.query([])?;
        while steps.next()?.is_some() {}
        Ok(())
    }

    /// The number of a tree.
    pub fn find(&self, sort: Sort, name: &str) -> Result<Option<i64>, FilesError> {
        let mut query = self
            .connection
            .prepare("SELECT id FROM trees WHERE sort = ?1 AND name = ?2")?;
        Ok(query
            .query_row(params![sort.as_str(), name], |row| row.get(0))
            .optional()?)
    }

    /// All trees: what they are, and how they are named.
    pub fn trees(&self) -> Result<Vec<(Sort, String)>, FilesError> {
        let mut query = self.connection.prepare("SELECT sort, name FROM trees")?;
        let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        let sort = |text: &str| {
            [Sort::Share, Sort::Disk, Sort::Volume, Sort::Snapshot]
                .into_iter()
                .find(|sort| sort.as_str() == text)
                .ok_or_else(|| FilesError::Corrupt(format!("a tree that is a {text:?}")))
        };
        rows.map(|row| {
            let (text, name) = row?;
            Ok((sort(&text)?, name))
        })
        .collect()
    }

    /// What a tree is metered at, in bytes.
    pub fn metered_bytes(&self, tree: i64) -> Result<u64, FilesError> {
        // An inode whose file has no size counts as an empty one.
        let mut query = self.connection.prepare(
            "SELECT coalesce(size, 0) FROM inodes LEFT JOIN sizes USING (tree, ino) WHERE tree = ?1",
        )?;
        let mut rows = query.query([tree])?;
        let mut sum = 0;
        while let Some(row) = rows.next()? {
            sum += metered(number(row.get(0)?)?);
        }
        Ok(sum)
    }

    /// What a filesystem says of itself.
    pub fn superblock(&self, tree: i64) -> Result<Option<Superblock>, FilesError> {
        let mut query = self
            .connection
            .prepare("SELECT record FROM superblocks WHERE tree = ?1")?;
        let record: Option<String> = query.query_row([tree], |row| row.get(0)).optional()?;
        let read = |record: String| serde_json::from_str(&record).map_err(corrupt);
        record.map(read).transpose()
    }

    /// Bytes that a tree takes when it is read.
    pub fn held_bytes(&self, tree: i64) -> Result<u64, FilesError> {
        number(self.connection.query_row(
            "SELECT coalesce(sum(length(bytes)), 0) FROM chunks JOIN blobs ON blobs.id = blob WHERE tree = ?1",
            [tree],
            |row| row.get(0),
        )?)
    }

    /// Bytes of the file, without the room in it that is free.
    pub fn size(&self) -> Result<u64, FilesError> {
        let pragma = |name| -> Result<u64, FilesError> {
            number(
                self.connection
                    .pragma_query_value(None, name, |row| row.get(0))?,
            )
        };
        let pages = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
        Ok(pages * pragma("page_size")?)
    }

    /// Reads a tree.
    pub fn load(&self, tree: i64) -> Result<Stored, FilesError> {
        let mut stored = Stored::default();
        let mut query = self.connection.prepare(
            "SELECT ino, type, uid, gid, mode, target, accessed, modified, changed FROM inodes WHERE tree = ?1",
        )?;
        let mut rows = query.query([tree])?;
        while let Some(row) = rows.next()? {
            let node_type: String = row.get(1)?;
            let record = Record {
                node_type: type_of(&node_type)?,
                uid: row.get(2)?,
                gid: row.get(3)?,
                mode: row.get(4)?,
                target: row.get(5)?,
                accessed: time(&row.get::<_, String>(6)?)?,
                modified: time(&row.get::<_, String>(7)?)?,
                changed: time(&row.get::<_, String>(8)?)?,
            };
            stored
                .inodes
                .insert(number(row.get(0)?)?, (record, Content::default()));
        }
        let mut query = self.connection.prepare(
            "SELECT ino, number, bytes FROM chunks JOIN blobs ON blobs.id = blob WHERE tree = ?1 ORDER BY ino, number",
        )?;
        let mut rows = query.query([tree])?;
        while let Some(row) = rows.next()? {
            let ino = number(row.get(0)?)?;
            let start = number(row.get(1)?)?.saturating_mul(CHUNK as u64);
            let bytes = row.get_ref(2)?.as_blob().map_err(corrupt)?;
            if let Some((_, content)) = stored.inodes.get_mut(&ino) {
                content.append_zeros(start.saturating_sub(content.len()));
                content.append(bytes);
            }
        }
        let mut query = self
            .connection
            .prepare("SELECT ino, size FROM sizes WHERE tree = ?1")?;
        let mut rows = query.query([tree])?;
        while let Some(row) = rows.next()? {
            let (ino, size) = (number(row.get(0)?)?, number(row.get(1)?)?);
            if let Some((_, content)) = stored.inodes.get_mut(&ino) {
                content.append_zeros(size.saturating_sub(content.len()));
            }
        }
        let mut query = self
            .connection
            .prepare("SELECT dir, name, ino FROM names WHERE tree = ?1")?;
        let mut rows = query.query([tree])?;
        while let Some(row) = rows.next()? {
            let (dir, ino) = (number(row.get(0)?)?, number(row.get(2)?)?);
            stored.names.push((dir, row.get(1)?, ino));
        }
        let mut query = self
            .connection
            .prepare("SELECT state FROM throughput WHERE tree = ?1")?;
        let state: Option<String> = query.query_row([tree], |row| row.get(0)).optional()?;
        stored.throughput = state
            .map(|state| serde_json::from_str(&state).map_err(corrupt))
            .transpose()?;
        let mut query = self
            .connection
            .prepare("SELECT minute, record FROM minutes WHERE tree = ?1")?;
        let mut rows = query.query([tree])?;
        while let Some(row) = rows.next()? {
            let record: String = row.get(1)?;
            let record = serde_json::from_str(&record).map_err(corrupt)?;
            stored.minutes.push((row.get(0)?, record));
        }
        Ok(stored)
    }

    /// A record's value.
    pub fn note(&self, key: &str) -> Result<Option<String>, FilesError> {
        let mut query = self
            .connection
            .prepare("SELECT value FROM notes WHERE key = ?1")?;
        Ok(query.query_row([key], |row| row.get(0)).optional()?)
    }

    /// All records whose key begins so, sorted by key.
    pub fn notes(&self, prefix: &str) -> Result<Vec<(String, String)>, FilesError> {
        let mut query = self.connection.prepare(
            "SELECT key, value FROM notes WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key",
        )?;
        let rows = query.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Adds a tree, empty of everything, and gives its number.
pub(super) fn add_tree(to: &Transaction<'_>, sort: Sort, name: &str) -> Result<i64, FilesError> {
    to.execute(
        "INSERT INTO trees (sort, name) VALUES (?1, ?2)",
        params![sort.as_str(), name],
    )?;
    Ok(to.last_insert_rowid())
}

/// Removes a tree with all that is in it.
pub(super) fn remove_tree(from: &Transaction<'_>, tree: i64) -> Result<(), FilesError> {
    for table in [
        "chunks",
        "sizes",
        "names",
        "inodes",
        "throughput",
        "minutes",
        "superblocks",
    ] {
        from.execute(&format!("DELETE FROM {table} WHERE tree = ?1"), [tree])?;
    }
    from.execute("DELETE FROM trees WHERE id = ?1", [tree])?;
    Ok(())
}

/// Gives a tree that is empty of everything what another one has. Bytes are not copied.
pub(super) fn copy_tree(to: &Transaction<'_>, from: i64, into: i64) -> Result<(), FilesError> {
    for (table, columns) in COPIED {
        to.execute(
            &format!(
                "INSERT INTO {table} (tree, {columns}) SELECT ?1, {columns} FROM {table} WHERE tree = ?2"
            ),
            [into, from],
        )?;
    }
    Ok(())
}

/// Writes what a filesystem says of itself.
pub(super) fn set_superblock(
    to: &Transaction<'_>,
    tree: i64,
    superblock: &Superblock,
) -> Result<(), FilesError> {
    let record = serde_json::to_string(superblock).map_err(corrupt)?;
    to.execute(
        "INSERT OR REPLACE INTO superblocks (tree, record) VALUES (?1, ?2)",
        params![tree, record],
    )?;
    Ok(())
}

/// Writes the changes of a tree.
pub(super) fn store(to: &Transaction<'_>, tree: i64, batch: &Batch) -> Result<(), FilesError> {
    store_inodes(to, tree, batch)?;
    if let Some(traffic) = &batch.traffic {
        store_traffic(to, tree, traffic)?;
    }
    let mut put =
        to.prepare("INSERT OR REPLACE INTO names (tree, dir, name, ino) VALUES (?1, ?2, ?3, ?4)")?;
    let mut remove = to.prepare("DELETE FROM names WHERE tree = ?1 AND dir = ?2 AND name = ?3")?;
    for (dir, name, ino) in &batch.names {
        let dir = row_number(*dir)?;
        match ino {
            Some(ino) => put.execute(params![tree, dir, name, row_number(*ino)?])?,
            None => remove.execute(params![tree, dir, name])?,
        };
    }
    Ok(())
}

fn store_traffic(to: &Transaction<'_>, tree: i64, traffic: &Traffic) -> Result<(), FilesError> {
    let (throughput, minutes) = traffic;
    to.execute(
        "INSERT OR REPLACE INTO throughput (tree, state) VALUES (?1, ?2)",
        params![tree, serde_json::to_string(throughput).map_err(corrupt)?],
    )?;
    let mut put =
        to.prepare("INSERT OR REPLACE INTO minutes (tree, minute, record) VALUES (?1, ?2, ?3)")?;
    for (minute, record) in minutes {
        let record = serde_json::to_string(record).map_err(corrupt)?;
        put.execute(params![tree, minute, record])?;
    }
    if let Some((last, _)) = minutes.last() {
        to.execute(
            "DELETE FROM minutes WHERE tree = ?1 AND minute < ?2",
            params![tree, last - MINUTES_KEPT],
        )?;
    }
    Ok(())
}

fn store_inodes(to: &Transaction<'_>, tree: i64, batch: &Batch) -> Result<(), FilesError> {
    let mut put = to.prepare(
        "INSERT OR REPLACE INTO inodes (tree, ino, type, uid, gid, mode, target, accessed, modified, changed) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut remove = to.prepare("DELETE FROM inodes WHERE tree = ?1 AND ino = ?2")?;
    let mut keep = to.prepare("INSERT INTO blobs (bytes) VALUES (?1)")?;
    let mut add =
        to.prepare("INSERT INTO chunks (tree, ino, number, blob) VALUES (?1, ?2, ?3, ?4)")?;
    let mut cut = to.prepare("DELETE FROM chunks WHERE tree = ?1 AND ino = ?2 AND number >= ?3")?;
    let mut size =
        to.prepare("INSERT OR REPLACE INTO sizes (tree, ino, size) VALUES (?1, ?2, ?3)")?;
    let mut forget = to.prepare("DELETE FROM sizes WHERE tree = ?1 AND ino = ?2")?;
    for (ino, state) in &batch.inodes {
        let ino = row_number(*ino)?;
        let Some((record, bytes)) = state else {
            remove.execute(params![tree, ino])?;
            cut.execute(params![tree, ino, 0])?;
            forget.execute(params![tree, ino])?;
            continue;
        };
        put.execute(params![
            tree,
            ino,
            record.node_type.letter().to_string(),
            record.uid,
            record.gid,
            record.mode,
            record.target,
            record.accessed.to_string(),
            record.modified.to_string(),
            record.changed.to_string(),
        ])?;
        if let Some(bytes) = bytes {
            let first = bytes.first as u64;
            cut.execute(params![tree, ino, row_number(first)?])?;
            size.execute(params![tree, ino, row_number(bytes.size)?])?;
            for (number, chunk) in (first..).zip(&bytes.chunks) {
                if let Chunk::Data(bytes) = chunk {
                    let blob = keep.insert([bytes.as_ref()])?;
                    add.execute(params![tree, ino, row_number(number)?, blob])?;
                }
            }
        }
    }
    Ok(())
}

/// Writes a record.
pub(super) fn set_note(to: &Transaction<'_>, key: &str, value: &str) -> Result<(), FilesError> {
    to.execute(
        "INSERT OR REPLACE INTO notes (key, value) VALUES (?1, ?2)",
        params![key, value],
    )?;
    Ok(())
}

/// Removes a record.
pub(super) fn delete_note(from: &Transaction<'_>, key: &str) -> Result<(), FilesError> {
    from.execute("DELETE FROM notes WHERE key = ?1", [key])?;
    Ok(())
}

fn row_number(number: u64) -> Result<i64, FilesError> {
    i64::try_from(number).map_err(corrupt)
}

fn number(row: i64) -> Result<u64, FilesError> {
    u64::try_from(row).map_err(corrupt)
}

fn time(text: &str) -> Result<Timestamp, FilesError> {
    text.parse().map_err(corrupt)
}

fn type_of(letter: &str) -> Result<NodeType, FilesError> {
    [
        NodeType::File,
        NodeType::Directory,
        NodeType::Symlink,
        NodeType::Fifo,
    ]
    .into_iter()
    .find(|node_type| letter.starts_with(node_type.letter()))
    .ok_or_else(|| FilesError::Corrupt(format!("an inode of type {letter:?}")))
}

fn corrupt(why: impl std::fmt::Display) -> FilesError {
    FilesError::Corrupt(why.to_string())
}
