//! Who may do what.

use super::super::{Access, Errno, View};
use super::{ALICE, BOB, STAFF, at, host, later, user};

/// Root's view of a host with Alice's home, and Alice's and Bob's views.
fn homes() -> (View, View, View) {
    let root = host();
    for (name, uid) in [("alice", ALICE), ("bob", BOB)] {
        let home = format!("/home/{name}");
        root.make_dirs(&home).unwrap();
        root.set_owner(&home, Some(uid), Some(uid), true).unwrap();
        root.set_mode(&home, 0o700).unwrap();
    }
    root.make_dir("/tmp").unwrap();
    root.set_mode("/tmp", 0o1777).unwrap();
    let (alice, bob) = (
        root.with_identity(user(ALICE)),
        root.with_identity(user(BOB)),
    );
    (root, alice, bob)
}

#[test]
fn a_private_home_is_closed_to_others_and_open_to_root() {
    let (root, alice, bob) = homes();
    alice.write("/home/alice/f", b"mine").unwrap();
    assert_eq!(bob.read("/home/alice/f"), Err(Errno::Access));
    assert_eq!(bob.list("/home/alice"), Err(Errno::Access));
    assert_eq!(bob.stat("/home/alice/f"), Err(Errno::Access));
    assert_eq!(bob.stat("/home/alice/missing"), Err(Errno::Access));
    assert_eq!(bob.write("/home/alice/g", b""), Err(Errno::Access));
    assert!(bob.stat("/home/alice").is_ok());
    assert_eq!(root.read("/home/alice/f").unwrap(), b"mine");
}

#[test]
fn new_files_belong_to_their_maker_and_have_the_usual_modes() {
    let (_, alice, _) = homes();
    alice.write("/tmp/f", b"").unwrap();
    alice.make_dir("/tmp/d").unwrap();
    let (file, dir) = (alice.stat("/tmp/f").unwrap(), alice.stat("/tmp/d").unwrap());
    assert_eq!(
        (file.uid, file.gid, file.mode, file.links),
        (ALICE, ALICE, 0o644, 1)
    );
    assert_eq!(
        (dir.uid, dir.gid, dir.mode, dir.links),
        (ALICE, ALICE, 0o755, 2)
    );
}

#[test]
fn reading_and_writing_follow_the_mode_of_the_file() {
    let (_, alice, bob) = homes();
    alice.write("/tmp/f", b"one").unwrap();
    assert_eq!(bob.read("/tmp/f").unwrap(), b"one");
    assert_eq!(bob.write("/tmp/f", b"two"), Err(Errno::Access));
    assert_eq!(bob.append("/tmp/f", b"two"), Err(Errno::Access));
    assert_eq!(bob.touch("/tmp/f"), Err(Errno::Access));
    assert_eq!(bob.check("/tmp/f", Access::Write), Err(Errno::Access));
    bob.check("/tmp/f", Access::Read).unwrap();
    alice.set_owner("/tmp/f", None, Some(STAFF), true).unwrap();
    alice.set_mode("/tmp/f", 0o660).unwrap();
    bob.append("/tmp/f", b"two").unwrap();
    later(&bob, 9).touch("/tmp/f").unwrap();
    assert_eq!(alice.read("/tmp/f").unwrap(), b"onetwo");
    assert_eq!(alice.stat("/tmp/f").unwrap().modified, at(9));
    // Writing needs nothing of the directory; making and removing do.
    alice.set_mode("/tmp/f", 0o000).unwrap();
    assert_eq!(alice.read("/tmp/f"), Err(Errno::Access));
}

#[test]
fn a_directory_needs_execute_to_pass_read_to_list_write_to_change() {
    let (root, alice, _) = homes();
    root.make_dir("/d").unwrap();
    root.write("/d/f", b"x").unwrap();
    root.set_mode("/d", 0o711).unwrap();
    assert_eq!(alice.read("/d/f").unwrap(), b"x");
    assert_eq!(alice.list("/d"), Err(Errno::Access));
    assert_eq!(alice.write("/d/g", b""), Err(Errno::Access));
    assert_eq!(alice.remove_one("/d/f"), Err(Errno::Access));
    assert_eq!(alice.rename_one("/d/f", "/d/g"), Err(Errno::Access));
    assert_eq!(alice.rename_one("/d/f", "/tmp/f"), Err(Errno::Access));
    // What is there is there, even where one may not make anything.
    assert_eq!(alice.make_dir("/d/f"), Err(Errno::Exists));
    root.set_mode("/d", 0o744).unwrap();
    assert_eq!(alice.read("/d/f"), Err(Errno::Access));
    assert_eq!(alice.list("/d"), Err(Errno::Access));
    root.set_mode("/d", 0o755).unwrap();
    assert_eq!(alice.list("/d").unwrap().len(), 1);
}

#[test]
fn in_a_sticky_directory_only_owners_remove_and_rename() {
    let (root, alice, bob) = homes();
    alice.write("/tmp/f", b"a").unwrap();
    bob.write("/tmp/g", b"b").unwrap();
    assert_eq!(bob.remove_one("/tmp/f"), Err(Errno::NotPermitted));
    assert_eq!(bob.rename_one("/tmp/f", "/tmp/h"), Err(Errno::NotPermitted));
    assert_eq!(bob.rename_one("/tmp/g", "/tmp/f"), Err(Errno::NotPermitted));
    // The owner of the directory may.
    root.set_owner("/tmp", Some(BOB), None, true).unwrap();
    bob.remove_one("/tmp/f").unwrap();
    root.set_mode("/tmp", 0o777).unwrap();
    alice.remove_one("/tmp/g").unwrap();
}

#[test]
fn only_root_gives_files_away_and_an_owner_chooses_among_his_groups() {
    let (root, alice, bob) = homes();
    alice.write("/tmp/f", b"").unwrap();
    assert_eq!(
        alice.set_owner("/tmp/f", Some(BOB), None, true),
        Err(Errno::NotPermitted)
    );
    assert_eq!(
        alice.set_owner("/tmp/f", None, Some(BOB), true),
        Err(Errno::NotPermitted)
    );
    assert_eq!(
        bob.set_owner("/tmp/f", None, Some(STAFF), true),
        Err(Errno::NotPermitted)
    );
    assert_eq!(bob.set_mode("/tmp/f", 0o777), Err(Errno::NotPermitted));
    assert_eq!(bob.set_modified("/tmp/f", at(5)), Err(Errno::NotPermitted));
    alice
        .set_owner("/tmp/f", Some(ALICE), Some(STAFF), true)
        .unwrap();
    alice.set_modified("/tmp/f", at(5)).unwrap();
    root.set_owner("/tmp/f", Some(BOB), None, true).unwrap();
    let attr = alice.stat("/tmp/f").unwrap();
    assert_eq!((attr.uid, attr.gid, attr.modified), (BOB, STAFF, at(5)));
}

#[test]
fn privileges_of_a_program_go_when_it_is_changed_or_given_away() {
    let (root, alice, _) = homes();
    alice.write("/tmp/f", b"").unwrap();
    alice.set_mode("/tmp/f", 0o6755).unwrap();
    assert_eq!(alice.stat("/tmp/f").unwrap().permissions(), "-rwsr-sr-x");
    alice.write("/tmp/f", b"other").unwrap();
    assert_eq!(alice.stat("/tmp/f").unwrap().mode, 0o755);
    root.set_mode("/tmp/f", 0o6755).unwrap();
    root.write("/tmp/f", b"root's").unwrap();
    assert_eq!(alice.stat("/tmp/f").unwrap().mode, 0o6755);
    root.set_owner("/tmp/f", Some(0), Some(0), true).unwrap();
    assert_eq!(alice.stat("/tmp/f").unwrap().mode, 0o755);
}

#[test]
fn a_setgid_directory_gives_its_group_on() {
    let (root, alice, _) = homes();
    root.make_dir("/project").unwrap();
    root.set_owner("/project", None, Some(STAFF), true).unwrap();
    root.set_mode("/project", 0o2775).unwrap();
    alice.write("/project/f", b"").unwrap();
    alice.make_dir("/project/d").unwrap();
    assert_eq!(alice.stat("/project/f").unwrap().gid, STAFF);
    let dir = alice.stat("/project/d").unwrap();
    assert_eq!((dir.gid, dir.mode), (STAFF, 0o2755));
    // Not being in the group, one cannot keep setgid for it.
    let stranger = alice.with_identity(super::super::Identity {
        groups: Vec::new(),
        ..user(ALICE)
    });
    stranger.set_mode("/project/d", 0o2755).unwrap();
    assert_eq!(alice.stat("/project/d").unwrap().mode, 0o755);
}

#[test]
fn foreign_files_cannot_be_linked_unless_one_could_change_them() {
    let (root, alice, bob) = homes();
    alice.write("/tmp/f", b"").unwrap();
    assert_eq!(bob.link("/tmp/f", "/tmp/g"), Err(Errno::NotPermitted));
    alice.set_mode("/tmp/f", 0o666).unwrap();
    bob.link("/tmp/f", "/tmp/g").unwrap();
    root.set_mode("/tmp/f", 0o4666).unwrap();
    assert_eq!(bob.link("/tmp/f", "/tmp/h"), Err(Errno::NotPermitted));
    alice.link("/tmp/f", "/tmp/h").unwrap();
}

#[test]
fn moving_a_directory_elsewhere_needs_write_on_the_directory_itself() {
    let (root, alice, _) = homes();
    alice.make_dirs("/home/alice/a/d").unwrap();
    root.set_owner("/home/alice/a/d", Some(BOB), Some(BOB), true)
        .unwrap();
    assert_eq!(
        alice.rename_one("/home/alice/a/d", "/home/alice/d"),
        Err(Errno::Access)
    );
    alice
        .rename_one("/home/alice/a/d", "/home/alice/a/e")
        .unwrap();
}

#[test]
fn the_umask_is_of_the_session() {
    let (_, alice, _) = homes();
    let same = alice.clone();
    same.set_umask(0o077);
    alice.write("/tmp/f", b"").unwrap();
    alice.write_with_mode("/tmp/g", b"", 0o755).unwrap();
    alice.make_dir("/tmp/d").unwrap();
    let mode = |path| alice.stat(path).unwrap().mode;
    assert_eq!(
        (mode("/tmp/f"), mode("/tmp/g"), mode("/tmp/d")),
        (0o600, 0o700, 0o700)
    );
    let other = alice.with_identity(user(ALICE));
    other.write("/tmp/h", b"").unwrap();
    assert_eq!(mode("/tmp/h"), 0o644);
}

#[test]
fn attributes_are_copied_as_far_as_one_may() {
    let (root, alice, bob) = homes();
    alice.write("/tmp/f", b"").unwrap();
    alice.set_mode("/tmp/f", 0o4751).unwrap();
    alice.set_modified("/tmp/f", at(-99)).unwrap();
    let from = alice.stat("/tmp/f").unwrap();
    root.write("/tmp/roots", b"").unwrap();
    bob.write("/tmp/bobs", b"").unwrap();
    root.copy_attributes(&from, "/tmp/roots").unwrap();
    bob.copy_attributes(&from, "/tmp/bobs").unwrap();
    assert_eq!(
        alice.copy_attributes(&from, "/tmp/bobs"),
        Err(Errno::NotPermitted)
    );
    let shown = |path| {
        let attr = root.stat(path).unwrap();
        (attr.uid, attr.mode, attr.modified)
    };
    assert_eq!(shown("/tmp/roots"), (ALICE, 0o4751, at(-99)));
    assert_eq!(shown("/tmp/bobs"), (BOB, 0o751, at(-99)));
    // Of a link, not of what it names.
    root.make_symlink("/tmp/roots", "/tmp/l").unwrap();
    root.copy_attributes(&root.lstat("/tmp").unwrap(), "/tmp/l")
        .unwrap();
    assert_eq!(root.stat("/tmp/l").unwrap().uid, ALICE);
    assert_eq!(root.lstat("/tmp/l").unwrap().uid, 0);
}
