//! POSIX rules of one tree.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{ROOT, Tree, books};
use crate::practice::storage::inode::Ino;
use crate::practice::storage::{Errno, Identity, Kind};

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn tree() -> Tree {
    Tree::volatile("test", 0o755, NOW)
}

fn user(uid: u32) -> Identity {
    Identity {
        uid,
        gid: uid,
        groups: vec![],
    }
}

fn dir() -> Kind {
    Kind::Directory {
        parent: 0,
        entries: BTreeMap::new(),
    }
}

#[test]
fn a_home_is_private_to_its_user() {
    let tree = tree();
    let (root, alice, bob) = (Identity::ROOT, user(1000), user(1001));
    let home = tree
        .create(&root, NOW, ROOT, "alice", dir(), 0o700)
        .expect("a home");
    tree.set_owner(&root, NOW, home, Some(1000), Some(1000))
        .expect("an owner");
    let file = tree
        .create(
            &alice,
            NOW,
            home,
            "diary",
            Kind::File("secret".into()),
            0o644,
        )
        .expect("a file");
    assert_eq!(tree.list(&bob, home).err(), Some(Errno::Access));
    assert_eq!(tree.lookup(&bob, home, "diary").err(), Some(Errno::Access));
    assert_eq!(
        tree.create(&bob, NOW, home, "x", Kind::File("".into()), 0o644)
            .err(),
        Some(Errno::Access)
    );
    assert_eq!(
        tree.create(&bob, NOW, ROOT, "x", Kind::File("".into()), 0o644)
            .err(),
        Some(Errno::Access)
    );
    assert_eq!(
        tree.set_mode(&bob, NOW, file, 0o777).err(),
        Some(Errno::NotPermitted)
    );
    assert_eq!(
        tree.set_owner(&alice, NOW, file, Some(1001), None).err(),
        Some(Errno::NotPermitted)
    );
    assert_eq!(
        tree.remove(&bob, NOW, home, "diary", false).err(),
        Some(Errno::Access)
    );
    assert!(tree.read(&root, file).is_ok());
    tree.remove(&alice, NOW, home, "diary", false)
        .expect("her own file");
}

#[test]
fn in_a_sticky_directory_only_owners_remove() {
    let tree = tree();
    let root = Identity::ROOT;
    let tmp = tree
        .create(&root, NOW, ROOT, "tmp", dir(), 0o1777)
        .expect("tmp");
    tree.create(&user(1000), NOW, tmp, "mine", Kind::File("".into()), 0o666)
        .expect("a file");
    assert_eq!(
        tree.remove(&user(1001), NOW, tmp, "mine", false).err(),
        Some(Errno::NotPermitted)
    );
    assert_eq!(
        tree.rename(&user(1001), NOW, (tmp, "mine"), (tmp, "yours"))
            .err(),
        Some(Errno::NotPermitted)
    );
    tree.remove(&user(1000), NOW, tmp, "mine", false)
        .expect("an owner may");
}

#[test]
fn a_setgid_directory_gives_its_group() {
    let tree = tree();
    let root = Identity::ROOT;
    let shared = tree
        .create(&root, NOW, ROOT, "shared", dir(), 0o2777)
        .expect("a directory");
    tree.set_owner(&root, NOW, shared, None, Some(50))
        .expect("a group");
    tree.set_mode(&root, NOW, shared, 0o2777).expect("a mode");
    let file = tree
        .create(&user(1000), NOW, shared, "f", Kind::File("".into()), 0o644)
        .expect("a file");
    let sub = tree
        .create(&user(1000), NOW, shared, "d", dir(), 0o755)
        .expect("a directory");
    assert_eq!(tree.attr(file).expect("attributes").gid, 50);
    assert_eq!(tree.attr(sub).expect("attributes").mode, 0o2755);
}

#[test]
fn renaming_replaces_what_may_be_replaced() {
    let tree = tree();
    let root = Identity::ROOT;
    let a = tree.create(&root, NOW, ROOT, "a", dir(), 0o755).expect("a");
    let b = tree.create(&root, NOW, ROOT, "b", dir(), 0o755).expect("b");
    tree.create(&root, NOW, b, "f", Kind::File("1".into()), 0o644)
        .expect("f");
    tree.create(&root, NOW, ROOT, "g", Kind::File("22".into()), 0o644)
        .expect("g");
    assert_eq!(
        tree.rename(&root, NOW, (ROOT, "a"), (ROOT, "b")).err(),
        Some(Errno::NotEmpty)
    );
    assert_eq!(
        tree.rename(&root, NOW, (ROOT, "g"), (ROOT, "b")).err(),
        Some(Errno::IsDirectory)
    );
    assert_eq!(
        tree.rename(&root, NOW, (ROOT, "b"), (ROOT, "g")).err(),
        Some(Errno::NotDirectory)
    );
    assert_eq!(
        tree.rename(&root, NOW, (ROOT, "b"), (b, "inside")).err(),
        Some(Errno::Invalid)
    );
    tree.rename(&root, NOW, (ROOT, "g"), (b, "f"))
        .expect("a file over a file");
    assert_eq!(tree.used_bytes(), 2);
    tree.rename(&root, NOW, (ROOT, "b"), (a, "b"))
        .expect("a directory elsewhere");
    assert_eq!(tree.parent(b), Ok(a));
    assert_eq!(tree.attr(ROOT).expect("attributes").links, 3);
    assert_eq!(tree.attr(a).expect("attributes").links, 3);
}

#[test]
fn a_file_lives_until_its_last_name_goes() {
    let tree = tree();
    let root = Identity::ROOT;
    let file = tree
        .create(&root, NOW, ROOT, "a", Kind::File("data".into()), 0o644)
        .expect("a");
    tree.link(&root, NOW, file, ROOT, "b").expect("b");
    assert_eq!(tree.attr(file).expect("attributes").links, 2);
    tree.remove(&root, NOW, ROOT, "a", false)
        .expect("a removal");
    assert_eq!(tree.read(&root, file).expect("content").as_bytes(), b"data");
    tree.remove(&root, NOW, ROOT, "b", false)
        .expect("a removal");
    assert_eq!(tree.attr(file).err(), Some(Errno::NotFound));
    assert_eq!(tree.used_bytes(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// After any sequence of operations link counts, used bytes and reachability agree with the entries.
    #[test]
    fn the_books_balance(steps in prop::collection::vec((0_u8..7, 0_usize..8, 0_usize..8, 0_u8..5), 1..120)) {
        let tree = tree();
        let root = Identity::ROOT;
        let mut dirs: Vec<Ino> = vec![ROOT];
        for (what, x, y, name) in steps {
            let (from, to) = (dirs[x % dirs.len()], dirs[y % dirs.len()]);
            let name = format!("n{name}");
            let _: Result<(), Errno> = match what {
                0 => tree.create(&root, NOW, from, &name, dir(), 0o755).map(|ino| dirs.push(ino)),
                1 => tree.create(&root, NOW, from, &name, Kind::File(vec![0; y].into()), 0o644).map(drop),
                2 => tree.remove(&root, NOW, from, &name, false),
                3 => tree.remove(&root, NOW, from, &name, true),
                4 => tree.rename(&root, NOW, (from, &name), (to, &format!("n{}", x % 5))),
                5 => tree.lookup(&root, from, &name).and_then(|ino| tree.append(&root, NOW, ino, b"xy")),
                _ => tree.lookup(&root, from, &name).and_then(|ino| tree.link(&root, NOW, ino, to, "l")),
            };
        }
        let state = tree.lock();
        let mut names = std::collections::HashMap::new();
        let mut subdirs = std::collections::HashMap::new();
        let mut used = 0;
        for (ino, inode) in &state.inodes {
            used += books::file_bytes(&inode.kind);
            if let Kind::Directory { entries, parent } = &inode.kind {
                prop_assert!(state.inodes.contains_key(parent));
                for child in entries.values() {
                    *names.entry(*child).or_insert(0) += 1;
                    let kind = &state.inodes.get(child).expect("no dangling entry").kind;
                    if let Kind::Directory { parent, .. } = kind {
                        prop_assert_eq!(parent, ino);
                        *subdirs.entry(*ino).or_insert(0) += 1;
                    }
                }
            }
        }
        prop_assert_eq!(used, state.used);
        for (ino, inode) in &state.inodes {
            let expected = match inode.kind {
                Kind::Directory { .. } => 2 + subdirs.get(ino).copied().unwrap_or(0),
                _ => names.get(ino).copied().unwrap_or(0),
            };
            prop_assert_eq!(inode.links, expected);
            prop_assert!(*ino == ROOT || names.contains_key(ino), "unreachable inode {}", ino);
        }
    }
}
