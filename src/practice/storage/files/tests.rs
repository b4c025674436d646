//! What survives, and when.

use std::time::Duration;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Files;
use crate::practice::storage::tree::ROOT;
use crate::practice::storage::{Content, Identity, Kind};

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn open(dir: &tempfile::TempDir) -> Files {
    Files::open(dir.path()).expect("the files open")
}

#[tokio::test]
async fn a_share_comes_back_as_it_was() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = Identity::ROOT;
    {
        let files = open(&dir);
        let share = files.share("fs-1").expect("a share");
        let home = share
            .create(
                &root,
                NOW,
                ROOT,
                "alice",
                Kind::Directory {
                    parent: 0,
                    entries: BTreeMap::new(),
                },
                0o700,
            )
            .expect("a home");
        share
            .set_owner(&root, NOW, home, Some(1000), Some(1001))
            .expect("an owner");
        let file = share
            .create(
                &root,
                NOW,
                home,
                "i-was-here",
                Kind::File(Content::from("hello")),
                0o640,
            )
            .expect("a file");
        share
            .create(
                &root,
                NOW,
                home,
                "link",
                Kind::Symlink("i-was-here".into()),
                0o777,
            )
            .expect("a link");
        share
            .create(&root, NOW, home, "gone", Kind::File("x".into()), 0o600)
            .expect("a file");
        files.flush().expect("a flush");
        share.append(&root, NOW, file, b" again").expect("a write");
        share
            .remove(&root, NOW, home, "gone", false)
            .expect("a removal");
    }
    let files = open(&dir);
    let share = files.share("fs-1").expect("the share");
    let home = share.lookup(&root, ROOT, "alice").expect("the home");
    let attr = share.attr(home).expect("attributes");
    assert_eq!(
        (attr.uid, attr.gid, attr.mode, attr.links),
        (1000, 1001, 0o700, 2)
    );
    let names: Vec<String> = share
        .list(&root, home)
        .expect("a listing")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["i-was-here", "link"]);
    let file = share.lookup(&root, home, "i-was-here").expect("the file");
    assert_eq!(
        share.read(&root, file).expect("content"),
        Content::from("hello again")
    );
    assert_eq!(share.used_bytes(), 11);
    assert_eq!(
        (files.used_bytes("fs-1"), files.used_bytes("fs-2")),
        (11, 0)
    );
}

#[tokio::test]
async fn what_changed_is_written_down_without_being_asked() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = open(&dir);
    let share = files.share("fs-1").expect("a share");
    share
        .create(
            &Identity::ROOT,
            NOW,
            ROOT,
            "f",
            Kind::File("x".into()),
            0o644,
        )
        .expect("a file");
    let written = || {
        let database =
            rusqlite::Connection::open(dir.path().join("files.db")).expect("a second reader");
        database
            .query_row(
                "SELECT count(*) FROM inodes WHERE tree = 'fs-1' AND kind = 'file'",
                [],
                |row| row.get::<_, i64>(0),
            )
            .expect("a count")
    };
    tokio::time::timeout(Duration::from_secs(10), async {
        while written() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the flusher writes");
}

#[tokio::test]
async fn a_disk_starts_as_a_copy_of_its_image_and_goes_its_own_way() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = open(&dir);
    let root = Identity::ROOT;
    let image = super::Tree::volatile("image", 0o755, NOW);
    let motd = image
        .create(
            &root,
            NOW,
            ROOT,
            "motd",
            Kind::File("welcome".into()),
            0o644,
        )
        .expect("a file");
    let one = files.create_disk_from("i-1", &image).expect("a disk");
    let two = files.create_disk_from("i-2", &image).expect("a disk");
    one.write(&root, NOW, motd, b"changed").expect("a write");
    assert_eq!(
        two.read(&root, motd).expect("content"),
        Content::from("welcome")
    );
    files.delete_disk("i-1").expect("a deletion");
    drop((one, files));
    let files = open(&dir);
    assert!(files.disk("i-1").expect("a read").is_none());
    let two = files.disk("i-2").expect("a read").expect("the disk");
    assert_eq!(
        two.read(&root, motd).expect("content"),
        Content::from("welcome")
    );
}

#[tokio::test]
async fn notes_are_replaced_listed_and_forgotten() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = open(&dir);
    for (key, value) in [
        ("host/i_2", "{}"),
        ("host/i_1", "old"),
        ("host/i_1", "new"),
        ("port/i_1", "1"),
        ("hostXi", ""),
    ] {
        files.set_note(key, value).expect("a note");
    }
    drop(files);
    let files = open(&dir);
    let hosts = files.notes("host/").expect("notes");
    assert_eq!(
        hosts,
        [
            ("host/i_1".into(), "new".into()),
            ("host/i_2".into(), "{}".into())
        ]
    );
    files.delete_note("host/i_1").expect("a deletion");
    assert_eq!(files.note("host/i_1").expect("a read"), None);
    assert_eq!(
        files.note("port/i_1").expect("a read").as_deref(),
        Some("1")
    );
}

#[tokio::test]
async fn loading_and_flushing_at_once_neither_deadlock_nor_make_two_trees() {
    let dir = tempfile::tempdir().expect("a directory");
    for round in 0..20 {
        let files = open(&dir);
        let shares: Vec<_> = std::thread::scope(|scope| {
            let loaders: Vec<_> = (0..4)
                .map(|n| {
                    let files = &files;
                    scope.spawn(move || {
                        let share = files.share("fs-1").expect("a share");
                        let name = format!("{round}-{n}");
                        share
                            .create(
                                &Identity::ROOT,
                                NOW,
                                ROOT,
                                &name,
                                Kind::File("x".into()),
                                0o644,
                            )
                            .expect("a file");
                        files.flush().expect("a flush");
                        share
                    })
                })
                .collect();
            loaders
                .into_iter()
                .map(|loader| loader.join().expect("a thread"))
                .collect()
        });
        assert!(
            shares
                .iter()
                .all(|share| std::sync::Arc::ptr_eq(share, &shares[0]))
        );
        assert_eq!(files.used_bytes("fs-1"), 4 * (round + 1));
    }
}
