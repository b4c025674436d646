//! Volumes and snapshots: what they share, what is left of them after a kill, and files of older programs.

use std::path::Path;

use jiff::Timestamp;

use super::spec;
use crate::practice::storage::{Errno, Files, Identity, MountTable, Superblock, View};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const VOLUME: &str = "vol-00000000000000001";
const OTHER: &str = "vol-00000000000000002";
const SNAPSHOT: &str = "snap-00000000000000001";

fn superblock(gib: u64) -> Superblock {
    Superblock::new(gib << 30, "1-2-3".into(), "backup".into(), NOW)
}

/// A volume with a filesystem, as the root of a namespace.
fn on(files: &Files, volume: &str) -> View {
    let tree = files.volume(volume).unwrap().unwrap();
    let table = MountTable::new(spec("/", &tree));
    View::new(table.into(), Identity::ROOT, std::sync::Arc::new(|| NOW))
}

fn size(directory: &Path) -> u64 {
    ["files.db", "files.db-wal"]
        .iter()
        .filter_map(|name| std::fs::metadata(directory.join(name)).ok())
        .map(|file| file.len())
        .sum()
}

#[test]
fn a_snapshot_keeps_what_was_and_outlives_a_kill_and_its_volume() {
    let directory = tempfile::tempdir().unwrap();
    let files = Files::open(directory.path()).unwrap();
    assert_eq!(files.superblock(VOLUME).unwrap(), None);
    assert_eq!(files.snapshot(VOLUME, "snap-00000000000000009").unwrap(), 0);
    files.format(VOLUME, &superblock(5)).unwrap();
    let view = on(&files, VOLUME);
    view.write("/kept", b"before").unwrap();
    view.write("/gone", b"x").unwrap();
    let bytes = files.snapshot(VOLUME, SNAPSHOT).unwrap();
    assert!(bytes > 7, "{bytes}");
    view.write("/kept", b"after").unwrap();
    view.remove_one("/gone").unwrap();
    drop(view);
    files.kill();
    let files = Files::open(directory.path()).unwrap();
    files.fill(OTHER, SNAPSHOT).unwrap();
    let restored = on(&files, OTHER);
    assert_eq!(restored.read("/kept").unwrap(), b"before");
    assert_eq!(restored.read("/gone").unwrap(), b"x");
    assert!(restored.stat("/lost+found").unwrap().is_dir());
    assert_eq!(files.superblock(OTHER).unwrap().unwrap(), superblock(5));
    // They go their own ways.
    restored.write("/kept", b"elsewhere").unwrap();
    files.forget_content(VOLUME).unwrap();
    assert!(files.volume(VOLUME).unwrap().is_none());
    files.fill(VOLUME, SNAPSHOT).unwrap();
    assert_eq!(on(&files, VOLUME).read("/kept").unwrap(), b"before");
    // What is blank makes blank.
    files.fill(VOLUME, "snap-00000000000000009").unwrap();
    assert!(files.volume(VOLUME).unwrap().is_none());
}

#[test]
fn snapshots_share_their_bytes_on_the_disk_and_give_them_back_with_the_last() {
    let directory = tempfile::tempdir().unwrap();
    let files = Files::open(directory.path()).unwrap();
    files.format(VOLUME, &superblock(5)).unwrap();
    let view = on(&files, VOLUME);
    let noise: Vec<u8> = (0..4_000_000_u32).flat_map(u32::to_le_bytes).collect();
    view.write("/big", &noise).unwrap();
    files.flush().unwrap();
    let ids: Vec<String> = (10..30)
        .map(|n| format!("snap-000000000000000{n}"))
        .collect();
    for id in &ids {
        files.snapshot(VOLUME, id).unwrap();
    }
    let much = size(directory.path());
    assert!(much < 3 * noise.len() as u64, "{much}");
    view.remove_one("/big").unwrap();
    files.flush().unwrap();
    for id in &ids[1..] {
        files.forget_content(id).unwrap();
    }
    assert!(size(directory.path()) > noise.len() as u64);
    files.fill(OTHER, &ids[0]).unwrap();
    assert!(on(&files, OTHER).read("/big").unwrap() == noise);
    files.forget_content(OTHER).unwrap();
    files.forget_content(&ids[0]).unwrap();
    let little = size(directory.path());
    assert!(little < 1024 * 1024, "{little}");
}

#[test]
fn a_filesystem_is_full_when_it_is_and_root_has_more_room() {
    let directory = tempfile::tempdir().unwrap();
    let files = Files::open(directory.path()).unwrap();
    let superblock = superblock(1);
    files.format(VOLUME, &superblock).unwrap();
    let root = on(&files, VOLUME);
    let tree = files.volume(VOLUME).unwrap().unwrap();
    tree.set_room(&superblock);
    root.set_mode("/", 0o777).unwrap();
    let user = root.with_identity(Identity {
        uid: 1000,
        gid: 1000,
        groups: vec![],
    });
    let zeros = |bytes: u64| crate::practice::storage::Content::zeros(bytes);
    let room = superblock.capacity() - Superblock::used_at_first() - superblock.kept_bytes();
    let open = room - superblock.reserved_bytes();
    user.put("/a", &zeros(open), 0o666).unwrap();
    assert_eq!(user.append("/a", b"x"), Err(Errno::NoSpace));
    root.append_content("/a", &zeros(room - open)).unwrap();
    assert_eq!(root.append("/a", b"x"), Err(Errno::NoSpace));
    assert_eq!(tree.used_bytes(), room);
    // It grows with its device.
    let mut grown = superblock.clone();
    grown.grow(2 << 30, NOW);
    tree.set_room(&grown);
    user.append("/a", b"x").unwrap();
}

#[test]
fn files_of_the_version_before_are_read_and_share_from_then_on() {
    let directory = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(directory.path().join("files.db")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE trees (id INTEGER PRIMARY KEY, sort TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (sort, name));
             CREATE TABLE inodes (tree INTEGER NOT NULL, ino INTEGER NOT NULL, type TEXT NOT NULL, uid INTEGER NOT NULL,
                gid INTEGER NOT NULL, mode INTEGER NOT NULL, target TEXT, accessed TEXT NOT NULL, modified TEXT NOT NULL,
                changed TEXT NOT NULL, PRIMARY KEY (tree, ino)) WITHOUT ROWID;
             CREATE TABLE names (tree INTEGER NOT NULL, dir INTEGER NOT NULL, name TEXT NOT NULL, ino INTEGER NOT NULL,
                PRIMARY KEY (tree, dir, name)) WITHOUT ROWID;
             CREATE TABLE chunks (tree INTEGER NOT NULL, ino INTEGER NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL,
                UNIQUE (tree, ino, number));
             CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE sizes (tree INTEGER NOT NULL, ino INTEGER NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (tree, ino)) WITHOUT ROWID;
             CREATE TABLE throughput (tree INTEGER PRIMARY KEY, state TEXT NOT NULL);
             CREATE TABLE minutes (tree INTEGER NOT NULL, minute INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (tree, minute)) WITHOUT ROWID;
             INSERT INTO trees VALUES (1, 'share', 'fs-1');
             INSERT INTO inodes VALUES (1, 1, 'd', 0, 0, 493, NULL, '1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z');
             INSERT INTO inodes VALUES (1, 2, '-', 0, 0, 420, NULL, '1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z');
             INSERT INTO names VALUES (1, 1, 'a', 2);
             INSERT INTO chunks VALUES (1, 2, 0, x'68656c6c6f');
             INSERT INTO sizes VALUES (1, 2, 5);
             PRAGMA user_version = 2;",
        )
        .unwrap();
    drop(database);
    for _ in 0..2 {
        let files = Files::open(directory.path()).unwrap();
        let tree = files.share("fs-1").unwrap();
        let table = MountTable::new(spec("/", &tree));
        let view = View::new(table.into(), Identity::ROOT, std::sync::Arc::new(|| NOW));
        assert_eq!(view.read("/a").unwrap(), b"hello");
    }
}
