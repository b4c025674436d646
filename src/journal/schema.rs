//! The journal's tables, and how an older file becomes a newer one.

use rusqlite::Connection;

/// One entry per version; an entry is never changed once released, only followed by another.
const VERSIONS: &[&str] = &["
    CREATE TABLE lab (
        id       TEXT PRIMARY KEY,
        place    TEXT NOT NULL,
        account  TEXT,
        made     TEXT NOT NULL,
        driven   TEXT NOT NULL,
        progress TEXT NOT NULL,
        known    TEXT,
        clean    INTEGER NOT NULL DEFAULT FALSE
    );
    CREATE TABLE intent (
        id      INTEGER PRIMARY KEY AUTOINCREMENT,
        lab     TEXT NOT NULL REFERENCES lab (id),
        kind    TEXT NOT NULL,
        subject TEXT NOT NULL,
        at      TEXT NOT NULL,
        outcome TEXT,
        refused TEXT
    );
    CREATE TABLE gone (
        lab   TEXT NOT NULL REFERENCES lab (id),
        stack TEXT NOT NULL,
        PRIMARY KEY (lab, stack)
    );
    CREATE TABLE receipt (
        lab     TEXT NOT NULL REFERENCES lab (id),
        at      TEXT NOT NULL,
        receipt TEXT NOT NULL
    );
"];

/// Makes the connection durable and the tables current; `false` when a later version of the program has written it.
pub(super) fn prepare(database: &mut Connection) -> rusqlite::Result<bool> {
    database.busy_timeout(std::time::Duration::from_secs(5))?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "foreign_keys", true)?;
    let current = |database: &Connection| {
        database.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))
    };
    let now = current(database)? as usize;
    if now >= VERSIONS.len() {
        // Nothing is written, so that opening waits for no disk.
        return Ok(now == VERSIONS.len());
    }
    let change = database.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Again: another program may have been quicker.
    let version = current(&change)?;
    for step in VERSIONS.iter().skip(version as usize) {
        change.execute_batch(step)?;
    }
    change.pragma_update(
        None,
        "user_version",
        u32::try_from(VERSIONS.len()).unwrap_or(u32::MAX),
    )?;
    change.commit()?;
    Ok(true)
}
