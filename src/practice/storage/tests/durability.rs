//! What is still there after the account was closed, or killed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::content::CHUNK;
use super::super::database::{Database, Sort};
use super::super::{Content, Errno, Files, Kind, Limits, Manner, NodeType, Tree, View};
use super::{ALICE, at, host_on, later, names};

fn open(dir: &Path) -> Files {
    Files::open_at(dir, Arc::new(|| at(0))).unwrap()
}

fn on(tree: &Arc<Tree>) -> View {
    host_on(tree)
}

fn empty() -> Tree {
    Tree::volatile("image", 0o755, at(0))
}

/// Everything `find -ls` would show, with the content.
fn all(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(dir) = pending.pop() {
        for (name, attr) in view.list(&format!("{dir}/")).unwrap() {
            let path = format!("{dir}/{name}");
            let content = match attr.node_type {
                NodeType::Directory => {
                    pending.push(path.clone());
                    Vec::new()
                }
                NodeType::Symlink => view.link_target(&path).unwrap().into_bytes(),
                _ => view.read(&path).unwrap(),
            };
            found.push(format!("{path} {attr:?} {content:?}"));
        }
    }
    found.push(format!("{:?}", view.stat("/").unwrap()));
    found
}

#[test]
fn a_tree_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let share = files.share("fs-1").unwrap();
    let view = on(&share);
    view.make_dirs("/home/alice/.ssh").unwrap();
    view.set_owner("/home/alice", Some(ALICE), Some(ALICE), true)
        .unwrap();
    view.write("/home/alice/big", &vec![7; 2 * CHUNK + 5])
        .unwrap();
    view.write("/home/alice/empty", b"").unwrap();
    view.link("/home/alice/big", "/home/second").unwrap();
    view.make_symlink("../alice/big", "/home/alice/l").unwrap();
    view.make("/p", Kind::Fifo(Content::default()), 0o600)
        .unwrap();
    view.set_mode("/home/alice", 0o1750).unwrap();
    let precise = at(3) + jiff::SignedDuration::from_nanos(123_456_789);
    view.set_modified("/home/alice/empty", precise).unwrap();
    later(&view, 77).append("/home/second", b"tail").unwrap();
    let before = all(&view);
    drop(view);
    drop((share, files));
    let files = open(dir.path());
    // Root, home, alice, .ssh, the empty file, the link and the pipe; and the large file.
    let metered = 7 * 6144 + 2048 + (2 * CHUNK as u64 + 4096);
    assert_eq!(files.metered_bytes("fs-1"), metered);
    let share = files.share("fs-1").unwrap();
    assert_eq!(all(&on(&share)), before);
    assert_eq!(files.metered_bytes("fs-1"), metered);
    assert_eq!(share.used_bytes(), 2 * CHUNK as u64 + 9);
    // And it goes on from there.
    on(&share).write("/home/alice/new", b"n").unwrap();
    assert_eq!(share.usage().files, 5);
}

#[test]
fn a_kill_loses_at_most_what_was_not_flushed() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let view = on(&files.share("fs-1").unwrap());
    view.write("/kept", b"one").unwrap();
    view.write("/removed", b"x").unwrap();
    view.write("/grown", &vec![1; CHUNK - 1]).unwrap();
    files.flush().unwrap();
    let flushed = all(&view);
    view.write("/kept", b"two").unwrap();
    view.remove_one("/removed").unwrap();
    view.append("/grown", &[2; 10]).unwrap();
    view.write("/late", b"y").unwrap();
    let unflushed = all(&view);
    files.kill();
    let files = open(dir.path());
    let after = all(&on(&files.share("fs-1").unwrap()));
    // The flusher may have come just in time; nothing in between is possible.
    assert!(after == flushed || after == unflushed, "{after:?}");
}

#[test]
fn changes_reach_the_disk_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let view = on(&files.share("fs-1").unwrap());
    view.write("/f", b"x").unwrap();
    let began = Instant::now();
    // Another reader of the same database sees only what is committed.
    loop {
        let database = Database::open(dir.path()).unwrap();
        let id = database.find(Sort::Share, "fs-1").unwrap().unwrap();
        if database.load(id).unwrap().names.len() == 1 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "never written");
        std::thread::yield_now();
    }
}

#[test]
fn shrinking_replacing_and_removing_reach_the_disk_too() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let view = on(&files.share("fs-1").unwrap());
    view.write("/shrunk", &vec![1; 3 * CHUNK]).unwrap();
    view.write("/grown", b"short").unwrap();
    view.make_dirs("/d/e").unwrap();
    view.write("/d/e/f", &vec![1; CHUNK]).unwrap();
    view.write("/moved", b"m").unwrap();
    files.flush().unwrap();
    view.write("/shrunk", &vec![2; CHUNK + 1]).unwrap();
    for _ in 0..3 {
        view.append("/grown", &vec![3; CHUNK]).unwrap();
        files.flush().unwrap();
    }
    view.remove_all("/d").unwrap();
    view.rename_one("/moved", "/grown2").unwrap();
    files.flush().unwrap();
    let before = all(&view);
    files.kill();
    let files = open(dir.path());
    let expected = (CHUNK + 1) + (3 * CHUNK + 5) + 1;
    let metered = 2 * 6144 + (2048 + CHUNK + 4096) + (2048 + 3 * CHUNK + 4096);
    assert_eq!(files.metered_bytes("fs-1"), metered as u64);
    let share = files.share("fs-1").unwrap();
    assert_eq!(share.used_bytes(), expected as u64);
    assert_eq!(all(&on(&files.share("fs-1").unwrap())), before);
}

#[test]
fn generated_files_and_devices_are_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let view = on(&files.create_disk_from("i-1", &empty()).unwrap());
    view.make_generated("/uptime", Arc::new(Vec::new)).unwrap();
    view.make_device("/null", Arc::new(Content::default))
        .unwrap();
    view.write("/f", b"x").unwrap();
    files.flush().unwrap();
    // A name that stood for a kept file, and then for a generated one, is gone as well.
    view.write("/turned", b"x").unwrap();
    files.flush().unwrap();
    view.remove_one("/turned").unwrap();
    view.make_generated("/turned", Arc::new(Vec::new)).unwrap();
    drop(files);
    let files = open(dir.path());
    let disk = files.disk("i-1").unwrap().unwrap();
    assert_eq!(names(&on(&disk), "/"), ["f"]);
}

#[test]
fn a_deleted_filesystem_stays_deleted_whatever_is_still_written_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let view = on(&files.share("fs-1").unwrap());
    view.write("/f", b"x").unwrap();
    files.flush().unwrap();
    view.write("/g", b"unflushed").unwrap();
    files.delete_share("fs-1").unwrap();
    view.write("/h", b"mounted still").unwrap();
    files.flush().unwrap();
    assert_eq!(files.metered_bytes("fs-1"), 6144);
    files.kill();
    let files = open(dir.path());
    assert_eq!(files.metered_bytes("fs-1"), 6144);
    assert_eq!(names(&on(&files.share("fs-1").unwrap()), "/"), [""; 0]);
    files.delete_share("fs-never").unwrap();
}

#[test]
fn a_disk_is_there_once_it_was_created_and_anew_when_created_again() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    assert!(files.disk("i-1").unwrap().is_none());
    let first = files.create_disk_from("i-1", &empty()).unwrap();
    on(&first).write("/old", b"x").unwrap();
    let second = files.create_disk_from("i-1", &empty()).unwrap();
    assert!(Arc::ptr_eq(&files.disk("i-1").unwrap().unwrap(), &second));
    on(&first).write("/old", b"y").unwrap();
    files.flush().unwrap();
    files.kill();
    let files = open(dir.path());
    let disk = files.disk("i-1").unwrap().unwrap();
    assert_eq!(names(&on(&disk), "/"), [""; 0]);
    assert_eq!(on(&disk).stat("/").unwrap().permissions(), "drwxr-xr-x");
    // A disk and a share may have the same name without being the same.
    assert!(!Arc::ptr_eq(&files.share("i-1").unwrap(), &disk));
    files.delete_disk("i-1").unwrap();
    assert!(files.disk("i-1").unwrap().is_none());
}

#[test]
fn everybody_who_asks_for_a_share_has_the_same_tree() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let (one, other) = (
        files.share("fs-1").unwrap(),
        files.clone().share("fs-1").unwrap(),
    );
    assert!(Arc::ptr_eq(&one, &other));
    assert!(!Arc::ptr_eq(&one, &files.share("fs-2").unwrap()));
}

#[test]
fn notes_are_on_disk_when_the_call_returns() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    files.set_note("host/i-1", "one").unwrap();
    files.set_note("host/i-2", "two").unwrap();
    files.set_note("host%", "no wildcard").unwrap();
    files.set_note("port/i-1", "22").unwrap();
    files.set_note("host/i-1", "changed").unwrap();
    files.delete_note("port/i-1").unwrap();
    files.kill();
    let files = open(dir.path());
    assert_eq!(files.note("host/i-1").unwrap().as_deref(), Some("changed"));
    assert_eq!(files.note("port/i-1").unwrap(), None);
    let notes = files.notes("host/").unwrap();
    let keys: Vec<_> = notes.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["host/i-1", "host/i-2"]);
    assert_eq!(files.notes("").unwrap().len(), 3);
}

#[test]
fn changes_that_could_not_be_written_are_written_the_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let tree = files.share("fs-1").unwrap();
    let view = on(&tree);
    view.write("/f", b"one").unwrap();
    let batch = tree.take_changes();
    assert!(!batch.is_empty());
    view.append("/f", b"two").unwrap();
    tree.return_changes(batch);
    files.flush().unwrap();
    files.kill();
    let files = open(dir.path());
    let view = on(&files.share("fs-1").unwrap());
    assert_eq!(view.read("/f").unwrap(), b"onetwo");
}

#[test]
fn a_database_of_another_version_is_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let other = rusqlite::Connection::open(dir.path().join("files.db")).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    let refused = Files::open(dir.path()).err().unwrap();
    assert_eq!(
        refused.to_string(),
        "files.db: version 99; this program knows version 3"
    );
}

#[test]
fn an_error_of_a_tree_reaches_nobody_elses() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let view = on(&files.share("fs-1").unwrap());
    view.write("/f", b"x").unwrap();
    assert_eq!(view.write("/no/f", b"x"), Err(Errno::NotFound));
    files.share("fs-2").unwrap();
    files.flush().unwrap();
    files.kill();
    // A tree whose rows are torn says so; the others are as they were.
    let database = rusqlite::Connection::open(dir.path().join("files.db")).unwrap();
    database
        .execute("DELETE FROM inodes WHERE ino > 1", [])
        .unwrap();
    drop(database);
    let files = open(dir.path());
    let torn = files.share("fs-1").err().unwrap().to_string();
    assert_eq!(
        torn,
        "files.db: a tree with \"f\" naming inode 2, which is not there"
    );
    files.share("fs-2").unwrap();
}

#[test]
fn a_disk_made_of_an_image_goes_its_own_way() {
    let dir = tempfile::tempdir().unwrap();
    let image = super::tree();
    on(&image).write("/os", &vec![1; CHUNK + 1]).unwrap();
    on(&image).make_dirs("/etc/d").unwrap();
    let files = open(dir.path());
    let disk = files.create_disk_from("i-1", &image).unwrap();
    files.create_disk_from("i-2", &image).unwrap();
    on(&disk).append("/os", b"grown").unwrap();
    on(&disk).remove_one("/etc/d").unwrap();
    assert_eq!(image.used_bytes(), CHUNK as u64 + 1);
    assert_eq!(disk.id(), "i-1");
    files.flush().unwrap();
    files.kill();
    let files = open(dir.path());
    let (one, two) = (
        files.disk("i-1").unwrap().unwrap(),
        files.disk("i-2").unwrap().unwrap(),
    );
    assert_eq!(one.used_bytes(), CHUNK as u64 + 6);
    assert_eq!(names(&on(&one), "/etc"), [""; 0]);
    assert_eq!(all(&on(&two)), all(&on(&image)));
}

#[test]
fn what_learners_keep_is_for_the_owner_of_the_account_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    on(&files.share("fs-1").unwrap())
        .write("/key", b"k")
        .unwrap();
    files.flush().unwrap();
    for name in ["files.db", "files.db-wal"] {
        let kept = std::fs::metadata(dir.path().join(name)).unwrap();
        assert_eq!(kept.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn all_trees_together_hold_one_budget_and_give_back_what_they_held() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let tree = || {
        let limits = Limits {
            bytes: u64::MAX,
            inodes: 100,
        };
        Arc::new(files.volatile("t", 0o755, limits).unwrap())
    };
    let (one, other) = (tree(), tree());
    // Cheap to make: chunks are shared, and count each time.
    let half = Content::from(vec![1; 512 * 1024 * 1024]);
    let quarter = half.slice(0, half.len() / 2);
    let put = |tree: &Arc<Tree>, name: &str, content: &Content| {
        let kind = Kind::File(content.clone());
        on(tree).make(name, kind, 0o644)
    };
    put(&one, "/a", &half).unwrap();
    put(&one, "/b", &quarter).unwrap();
    // Who holds most of it has no more, and the others still have room.
    assert_eq!(on(&one).write("/c", b"x"), Err(Errno::NoSpace));
    put(&other, "/d", &quarter).unwrap();
    assert_eq!(on(&other).write("/e", b"x"), Err(Errno::NoSpace));
    on(&one).remove_one("/b").unwrap();
    put(&other, "/e", &quarter).unwrap();
    assert_eq!(on(&one).write("/f", b"x"), Err(Errno::NoSpace));
    drop(other);
    on(&one).write("/f", b"x").unwrap();
}

#[test]
fn what_is_deleted_gives_its_room_back() {
    let dir = tempfile::tempdir().unwrap();
    let size = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().len();
    let files = open(dir.path());
    on(&files.share("fs-1").unwrap())
        .write("/big", &vec![7; 8 * 1024 * 1024])
        .unwrap();
    files.flush().unwrap();
    drop(files);
    let files = open(dir.path());
    assert!(size("files.db") > 8 * 1024 * 1024);
    files.delete_share("fs-1").unwrap();
    assert!(size("files.db") < 1024 * 1024, "{}", size("files.db"));
    assert!(size("files.db-wal") <= 4 * 1024 * 1024);
}

#[test]
fn a_large_file_of_zeros_is_little_in_memory_and_on_disk_and_counts_whole() {
    const GIB: u64 = 1 << 30;
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let view = on(&files.share("fs-1").unwrap());
    view.put("/zeros", &Content::zeros(GIB), 0o644).unwrap();
    view.put("/mixed", &Content::zeros(3 * CHUNK as u64), 0o644)
        .unwrap();
    view.append("/mixed", b"end").unwrap();
    view.overwrite(
        "/mixed",
        CHUNK as u64 + 1,
        &b"middle"[..].into(),
        Manner::Whole,
    )
    .unwrap();
    files.flush().unwrap();
    let mixed = view.read("/mixed");
    drop(view);
    drop(files);
    let size = std::fs::metadata(dir.path().join("files.db"))
        .unwrap()
        .len();
    assert!(size < 1024 * 1024, "{size}");
    let files = open(dir.path());
    let expected = GIB + 3 * CHUNK as u64 + 3;
    // The root, and two files, the second a little over a whole number of increments.
    let metered = 6144 + (2048 + GIB) + (2048 + 3 * CHUNK as u64 + 4096);
    assert_eq!(files.metered_bytes("fs-1"), metered);
    let view = on(&files.share("fs-1").unwrap());
    assert_eq!(view.stat("/zeros").unwrap().size, GIB);
    assert_eq!(view.read("/zeros"), Err(Errno::NoMemory));
    assert_eq!(view.content("/zeros").unwrap(), Content::zeros(GIB));
    assert_eq!(view.read("/mixed"), mixed);
    assert_eq!(view.used_bytes("/").unwrap(), expected);
    assert_eq!(files.metered_bytes("fs-1"), metered);
    assert_eq!(files.metered_bytes("fs-2"), 6144);
}

#[test]
fn files_of_the_version_before_are_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    on(&files.share("fs-1").unwrap())
        .write("/f", &vec![7; CHUNK + 3])
        .unwrap();
    drop(files);
    let old = rusqlite::Connection::open(dir.path().join("files.db")).unwrap();
    old.execute_batch(
        "CREATE TABLE old (tree INTEGER NOT NULL, ino INTEGER NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL,
             UNIQUE (tree, ino, number));
         INSERT INTO old SELECT tree, ino, number, bytes FROM chunks JOIN blobs ON blobs.id = blob;
         DROP TABLE chunks; DROP TABLE blobs; DROP TABLE superblocks; ALTER TABLE old RENAME TO chunks;
         DROP TABLE sizes; DROP TABLE throughput; DROP TABLE minutes; PRAGMA user_version = 1",
    )
    .unwrap();
    drop(old);
    let files = open(dir.path());
    let metered = 6144 + 2048 + CHUNK as u64 + 4096;
    assert_eq!(files.metered_bytes("fs-1"), metered);
    assert_eq!(
        on(&files.share("fs-1").unwrap()).read("/f").unwrap(),
        vec![7; CHUNK + 3]
    );
}

#[test]
fn a_full_disk_takes_no_more_not_even_zeros() {
    let disk = super::tree();
    let view = on(&disk);
    view.put("/a", &Content::zeros((8 << 30) - 1), 0o644)
        .unwrap();
    view.append("/a", b"x").unwrap();
    assert_eq!(view.append("/a", b"y"), Err(Errno::NoSpace));
    assert_eq!(view.write("/b", b"z"), Err(Errno::NoSpace));
    view.put("/a", &Content::zeros(10), 0o644).unwrap();
    view.write("/b", b"z").unwrap();
    assert_eq!(disk.used_bytes(), 11);
    assert_eq!(
        view.overwrite("/b", u64::MAX - 3, &b"zzzz"[..].into(), Manner::Whole),
        Err(Errno::TooLarge)
    );
}

#[test]
fn credits_and_what_was_metered_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let files = open(dir.path());
    let view = on(&files.share("fs-1").unwrap()).timed_alone();
    view.put("/f", &Content::zeros(1 << 30), 0o644).unwrap();
    let traffic = |files: &Files| files.traffic("fs-1").unwrap().unwrap();
    let before = traffic(&files);
    let minutes =
        |share: &super::super::Share| -> Vec<_> { share.meter().between(at(0), at(600)).collect() };
    let written: u64 = minutes(&before).iter().map(|(_, one)| one.writes.sum).sum();
    assert_eq!(written, 1 << 30);
    files.flush().unwrap();
    files.kill();
    let files = open(dir.path());
    let after = traffic(&files);
    assert_eq!(after.throughput(), before.throughput());
    assert_eq!(minutes(&after), minutes(&before));
    files.delete_share("fs-1").unwrap();
    assert!(files.traffic("fs-1").unwrap().is_none());
    files.share("fs-1").unwrap();
    assert_eq!(minutes(&traffic(&files)), []);
}
