//! Keeps the trees in SQLite (`files.db`), and small notes beside them. What the notes mean is not its business.
//!
//! What changed is written at `flush`, at shutdown, and half a second after the first change by a task that sleeps while
//! nothing is dirty. One flush is one transaction over all trees: after a kill every tree is as it was at one instant.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use tokio::sync::Notify;

use super::inode::{Ino, Inode, Kind};
use super::tree::{Changes, Tree};

/// Wall time from the first change until it is written down; at most a second is promised.
const FLUSH_AFTER: Duration = Duration::from_millis(500);

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS trees (id TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS inodes (
        tree TEXT NOT NULL, ino INTEGER NOT NULL, kind TEXT NOT NULL,
        uid INTEGER NOT NULL, gid INTEGER NOT NULL, mode INTEGER NOT NULL, links INTEGER NOT NULL,
        accessed INTEGER NOT NULL, modified INTEGER NOT NULL, changed INTEGER NOT NULL, -- nanoseconds since 1970
        data BLOB NOT NULL, PRIMARY KEY (tree, ino)) STRICT;
    CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
";

/// Why files could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// SQLite refused.
    #[error("access the files of the practice account")]
    Database(#[from] rusqlite::Error),
    /// What is in the database makes no sense.
    #[error("read {what} from the files of the practice account: it is damaged")]
    Damaged {
        /// Which tree.
        what: String,
    },
}

/// All trees of the account. Clones share them.
#[derive(Clone)]
pub struct Files {
    shared: Arc<Shared>,
}

struct Shared {
    database: Mutex<Connection>,
    trees: Mutex<HashMap<String, Arc<Tree>>>,
    dirty: Arc<Notify>,
}

impl Files {
    /// Opens `files.db` below this directory, which must exist, or makes it; starts the flusher, so that dirty inodes
    /// reach the disk within a second. Must be called within a runtime.
    pub fn open(directory: &Path) -> Result<Self, FilesError> {
        let database = Connection::open(directory.join("files.db"))?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        database.execute_batch(SCHEMA)?;
        let dirty = Arc::new(Notify::new());
        let shared = Arc::new(Shared {
            database: Mutex::new(database),
            trees: Mutex::new(HashMap::new()),
            dirty: Arc::clone(&dirty),
        });
        tokio::spawn(flush_when_dirty(Arc::downgrade(&shared), dirty));
        Ok(Self { shared })
    }

    /// The filesystem of this id (`fs-…`); made empty (root owned by root, 0755, as EFS makes it) when there is none yet.
    pub fn share(&self, id: &str) -> Result<Arc<Tree>, FilesError> {
        match self.tree(id)? {
            Some(tree) => Ok(tree),
            None => self.adopt(self.empty(id)),
        }
    }

    /// Forgets a filesystem.
    pub fn delete_share(&self, id: &str) -> Result<(), FilesError> {
        self.delete(id)
    }

    /// Bytes stored in a filesystem; none if there is none of this id.
    #[must_use]
    pub fn used_bytes(&self, id: &str) -> u64 {
        self.tree(id)
            .ok()
            .flatten()
            .map_or(0, |tree| tree.used_bytes())
    }

    /// The root disk of this instance, if it has one.
    pub fn disk(&self, instance_id: &str) -> Result<Option<Arc<Tree>>, FilesError> {
        self.tree(instance_id)
    }

    /// A fresh, empty root disk for this instance; an older one is forgotten.
    pub fn create_disk(&self, instance_id: &str) -> Result<Arc<Tree>, FilesError> {
        self.delete(instance_id)?;
        self.adopt(self.empty(instance_id))
    }

    /// A root disk with the content of an image; an older one is forgotten. File bytes are shared until written.
    pub fn create_disk_from(
        &self,
        instance_id: &str,
        image: &Tree,
    ) -> Result<Arc<Tree>, FilesError> {
        self.delete(instance_id)?;
        self.adopt(image.fork(instance_id.to_owned(), Some(Arc::clone(&self.shared.dirty))))
    }

    /// Forgets a disk.
    pub fn delete_disk(&self, instance_id: &str) -> Result<(), FilesError> {
        self.delete(instance_id)
    }

    /// A small record kept beside the trees (host specs, ports), written at once.
    pub fn set_note(&self, key: &str, value: &str) -> Result<(), FilesError> {
        self.shared.database().execute(
            "INSERT INTO notes (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![key, value],
        )?;
        Ok(())
    }

    /// The record, if there is one.
    pub fn note(&self, key: &str) -> Result<Option<String>, FilesError> {
        let database = self.shared.database();
        let found = database.query_row("SELECT value FROM notes WHERE key = ?1", [key], |row| {
            row.get(0)
        });
        Ok(found.optional()?)
    }

    /// Forgets the record.
    pub fn delete_note(&self, key: &str) -> Result<(), FilesError> {
        self.shared
            .database()
            .execute("DELETE FROM notes WHERE key = ?1", [key])?;
        Ok(())
    }

    /// All records whose key begins so: key and value, sorted by key.
    pub fn notes(&self, prefix: &str) -> Result<Vec<(String, String)>, FilesError> {
        let database = self.shared.database();
        // Not LIKE: it has wildcards and ignores case.
        let mut statement = database.prepare(
            "SELECT key, value FROM notes WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key",
        )?;
        let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Writes everything that is not written yet; returns when it is on disk.
    pub fn flush(&self) -> Result<(), FilesError> {
        self.shared.flush()
    }

    fn empty(&self, id: &str) -> Tree {
        // The one stamp in wall time; account time begins there, and the first change in the root replaces it.
        Tree::durable(
            id.to_owned(),
            0o755,
            Timestamp::now(),
            Arc::clone(&self.shared.dirty),
        )
    }

    fn tree(&self, id: &str) -> Result<Option<Arc<Tree>>, FilesError> {
        let known = |shared: &Shared| shared.trees().get(id).map(Arc::clone);
        if let Some(tree) = known(&self.shared) {
            return Ok(Some(tree));
        }
        // The database before the trees, as in `flush`; whoever waited for it looks once more.
        let database = self.shared.database();
        if let Some(tree) = known(&self.shared) {
            return Ok(Some(tree));
        }
        let Some(tree) = self.shared.load(&database, id)? else {
            return Ok(None);
        };
        let tree = Arc::new(tree);
        self.shared.trees().insert(id.to_owned(), Arc::clone(&tree));
        Ok(Some(tree))
    }

    fn adopt(&self, tree: Tree) -> Result<Arc<Tree>, FilesError> {
        // Another caller may have been quicker: there is one tree of an id.
        let tree = {
            let mut trees = self.shared.trees();
            let id = tree.id().to_owned();
            Arc::clone(trees.entry(id).or_insert_with(|| Arc::new(tree)))
        };
        self.shared.flush()?;
        Ok(tree)
    }

    fn delete(&self, id: &str) -> Result<(), FilesError> {
        self.shared.trees().remove(id);
        let mut database = self.shared.database();
        let transaction = database.transaction()?;
        transaction.execute("DELETE FROM inodes WHERE tree = ?1", [id])?;
        transaction.execute("DELETE FROM trees WHERE id = ?1", [id])?;
        Ok(transaction.commit()?)
    }
}

async fn flush_when_dirty(shared: Weak<Shared>, dirty: Arc<Notify>) {
    loop {
        dirty.notified().await;
        tokio::time::sleep(FLUSH_AFTER).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let again = Arc::clone(&dirty);
        let flushed = tokio::task::spawn_blocking(move || shared.flush()).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!("practice files could not be written and stay in memory: {error}");
            again.notify_one();
        }
    }
}

impl Shared {
    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trees(&self) -> MutexGuard<'_, HashMap<String, Arc<Tree>>> {
        self.trees.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flush(&self) -> Result<(), FilesError> {
        // The database stays locked over taking and writing, so that a second flush cannot overtake this one.
        let mut database = self.database();
        let taken: Vec<(Arc<Tree>, Changes)> = self
            .trees()
            .values()
            .filter_map(|tree| Some((Arc::clone(tree), tree.take_changes()?)))
            .collect();
        if taken.is_empty() {
            return Ok(());
        }
        let written = database.transaction().and_then(|transaction| {
            for (tree, changes) in &taken {
                write_changes(&transaction, tree.id(), changes)?;
            }
            transaction.commit()
        });
        if written.is_err() {
            for (tree, changes) in &taken {
                tree.give_back(changes);
            }
        }
        Ok(written?)
    }

    fn load(&self, database: &Connection, id: &str) -> Result<Option<Tree>, FilesError> {
        let next: Option<i64> = database
            .query_row("SELECT next FROM trees WHERE id = ?1", [id], |row| {
                row.get(0)
            })
            .optional()?;
        let Some(next) = next else {
            return Ok(None);
        };
        let mut statement = database.prepare(
            "SELECT ino, kind, uid, gid, mode, links, accessed, modified, changed, data FROM inodes WHERE tree = ?1",
        )?;
        let mut rows = statement.query([id])?;
        let mut inodes = HashMap::new();
        while let Some(row) = rows.next()? {
            let (ino, inode) = read_inode(row)?.ok_or_else(|| FilesError::Damaged {
                what: id.to_owned(),
            })?;
            inodes.insert(ino, inode);
        }
        let next = Ino::try_from(next).unwrap_or(Ino::MAX);
        Ok(Some(Tree::restore(
            id.to_owned(),
            inodes,
            next,
            Some(Arc::clone(&self.dirty)),
        )))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            tracing::warn!("the last changes of practice files are lost: {error}");
        }
        // Lets the flusher find out that there is nothing left to flush.
        self.dirty.notify_one();
    }
}

fn write_changes(
    transaction: &Transaction<'_>,
    tree: &str,
    changes: &Changes,
) -> rusqlite::Result<()> {
    transaction
        .prepare(
            "INSERT INTO trees (id, next) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET next = excluded.next",
        )?
        .execute(params![tree, i64::try_from(changes.next).unwrap_or(i64::MAX)])?;
    let mut put = transaction.prepare(
        "INSERT OR REPLACE INTO inodes (tree, ino, kind, uid, gid, mode, links, accessed, modified, changed, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for (ino, inode) in &changes.touched {
        let (kind, data) = encode(&inode.kind);
        put.execute(params![
            tree,
            i64::try_from(*ino).unwrap_or(i64::MAX),
            kind,
            inode.uid,
            inode.gid,
            inode.mode,
            inode.links,
            nanoseconds(inode.accessed),
            nanoseconds(inode.modified),
            nanoseconds(inode.changed),
            data,
        ])?;
    }
    let mut delete = transaction.prepare("DELETE FROM inodes WHERE tree = ?1 AND ino = ?2")?;
    for ino in &changes.gone {
        delete.execute(params![tree, i64::try_from(*ino).unwrap_or(i64::MAX)])?;
    }
    Ok(())
}

fn encode(kind: &Kind) -> (&'static str, Vec<u8>) {
    match kind {
        Kind::File(content) => ("file", content.to_vec()),
        Kind::Fifo(content) => ("fifo", content.to_vec()),
        Kind::Symlink(target) => ("symlink", target.clone().into_bytes()),
        Kind::Directory { parent, entries } => (
            "directory",
            serde_json::to_vec(&(parent, entries)).unwrap_or_default(),
        ),
        // Only trees that live in memory have these.
        Kind::Generated(_) | Kind::Device(_) => ("file", Vec::new()),
    }
}

fn decode(kind: &str, data: Vec<u8>) -> Option<Kind> {
    Some(match kind {
        "file" => Kind::File(data.into()),
        "fifo" => Kind::Fifo(data.into()),
        "symlink" => Kind::Symlink(String::from_utf8(data).ok()?),
        "directory" => {
            let (parent, entries): (Ino, BTreeMap<String, Ino>) =
                serde_json::from_slice(&data).ok()?;
            Kind::Directory { parent, entries }
        }
        _ => return None,
    })
}

fn read_inode(row: &Row<'_>) -> rusqlite::Result<Option<(Ino, Inode)>> {
    let kind: String = row.get(1)?;
    let Some(kind) = decode(&kind, row.get(9)?) else {
        return Ok(None);
    };
    let time = |index: usize| -> rusqlite::Result<Timestamp> {
        let nanoseconds: i64 = row.get(index)?;
        Ok(Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or(Timestamp::UNIX_EPOCH))
    };
    let ino = Ino::try_from(row.get::<_, i64>(0)?).unwrap_or_default();
    let inode = Inode {
        kind,
        uid: row.get(2)?,
        gid: row.get(3)?,
        mode: row.get(4)?,
        links: row.get(5)?,
        accessed: time(6)?,
        modified: time(7)?,
        changed: time(8)?,
    };
    Ok(Some((ino, inode)))
}

/// Until the year 2262.
fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
