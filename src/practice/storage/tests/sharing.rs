//! One share on two hosts, used at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use proptest::prelude::*;

use super::super::{Attr, Content, Errno, Kind, Tree, View};
use super::{host, spec, tree};

/// Two hosts with the same share on /home.
fn two_hosts() -> (View, View) {
    two_hosts_of(&tree())
}

fn two_hosts_of(share: &Arc<Tree>) -> (View, View) {
    let mounted = || {
        let view = host();
        view.make_dir("/home").unwrap();
        view.table().mount(spec("/home", share)).unwrap();
        view
    };
    (mounted(), mounted())
}

#[test]
fn what_one_host_does_the_other_sees_at_once() {
    let (a, b) = two_hosts();
    for n in 0..100 {
        let path = format!("/home/{n}");
        a.write(&path, b"from a").unwrap();
        assert_eq!(b.read(&path).unwrap(), b"from a");
        b.append(&path, b", then b").unwrap();
        assert_eq!(a.stat(&path).unwrap().size, 14);
        b.remove_one(&path).unwrap();
        assert_eq!(a.stat(&path), Err(Errno::NotFound));
    }
}

#[test]
fn of_many_who_make_one_directory_exactly_one_succeeds() {
    let (a, b) = two_hosts();
    for round in 0..50 {
        let start = Barrier::new(8);
        let made: usize = thread::scope(|scope| {
            let makers: Vec<_> = (0..8)
                .map(|n| {
                    let view = if n % 2 == 0 { a.clone() } else { b.clone() };
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        usize::from(view.make_dir(&format!("/home/{round}")).is_ok())
                    })
                })
                .collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).sum()
        });
        assert_eq!(made, 1);
    }
}

#[test]
fn appends_from_both_hosts_are_all_there_and_whole() {
    let (a, b) = two_hosts();
    thread::scope(|scope| {
        for (view, letter) in [(&a, 'a'), (&b, 'b'), (&a, 'c'), (&b, 'd')] {
            scope.spawn(move || {
                for n in 0..500 {
                    let line = format!("{letter}{n}\n");
                    view.append("/home/log", line.as_bytes()).unwrap();
                }
            });
        }
    });
    let log = String::from_utf8(a.read("/home/log").unwrap()).unwrap();
    assert_eq!(
        log,
        String::from_utf8(b.read("/home/log").unwrap()).unwrap()
    );
    for letter in ["a", "b", "c", "d"] {
        let lines: Vec<usize> = log
            .lines()
            .filter_map(|line| line.strip_prefix(letter)?.parse().ok())
            .collect();
        assert_eq!(lines, (0..500).collect::<Vec<_>>());
    }
}

#[test]
fn a_file_replaced_by_renames_is_never_missing_nor_torn() {
    let (a, b) = two_hosts();
    a.write("/home/config", &[0; 1000]).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=2000_u32 {
                a.write("/home/config.new", &[n.to_le_bytes()[0]; 1000])
                    .unwrap();
                a.rename_one("/home/config.new", "/home/config").unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
        while !done.load(Ordering::SeqCst) {
            let seen = b.read("/home/config").unwrap();
            assert_eq!(seen.len(), 1000);
            assert!(seen.iter().all(|byte| *byte == seen[0]));
        }
    });
}

#[test]
fn moving_a_file_to_and_fro_never_shows_it_twice_or_loses_it() {
    let (a, b) = two_hosts();
    a.make_dirs("/home/d").unwrap();
    a.write("/home/d/x", b"").unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..2000 {
                a.rename_one("/home/d/x", "/home/d/y").unwrap();
                a.rename_one("/home/d/y", "/home/d/x").unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
        while !done.load(Ordering::SeqCst) {
            assert_eq!(b.list("/home/d").unwrap().len(), 1);
        }
    });
}

/// What one of several does at a time, each to names out of the same few.
#[derive(Debug, Clone)]
enum Deed {
    Write(usize, u8),
    Append(usize, u8),
    MakeDir(usize),
    Remove(usize),
    Rename(usize, usize),
    Link(usize, usize),
    Exclusive(usize),
}

const NAMES: [&str; 6] = [
    "/home/a",
    "/home/b",
    "/home/c",
    "/home/d",
    "/home/d/a",
    "/home/d/b",
];

fn deed() -> impl Strategy<Value = Deed> {
    let name = || 0..NAMES.len();
    prop_oneof![
        3 => (name(), any::<u8>()).prop_map(|(name, byte)| Deed::Write(name, byte)),
        3 => (name(), any::<u8>()).prop_map(|(name, byte)| Deed::Append(name, byte)),
        2 => name().prop_map(Deed::MakeDir),
        2 => name().prop_map(Deed::Remove),
        4 => (name(), name()).prop_map(|(from, to)| Deed::Rename(from, to)),
        2 => (name(), name()).prop_map(|(old, new)| Deed::Link(old, new)),
        2 => name().prop_map(Deed::Exclusive),
    ]
}

/// What a deed writes at a time: long enough that halves of it would be seen.
const PIECE: usize = 100;

fn perform(view: &View, deed: &Deed) {
    // Whether it could be done depends on the others.
    let _ = match deed {
        Deed::Write(name, byte) => view.write(NAMES[*name], &[*byte; PIECE]),
        Deed::Append(name, byte) => view.append(NAMES[*name], &[*byte; PIECE]),
        Deed::MakeDir(name) => view.make_dir(NAMES[*name]),
        Deed::Remove(name) => view.remove_one(NAMES[*name]),
        Deed::Rename(from, to) => view.rename_one(NAMES[*from], NAMES[*to]),
        Deed::Link(old, new) => view.link(NAMES[*old], NAMES[*new]),
        Deed::Exclusive(name) => view.make(NAMES[*name], Kind::File(Content::default()), 0o644),
    };
}

/// Everything there is, seen from one side.
fn everything(view: &View) -> BTreeMap<String, (Attr, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut pending = vec!["/home".to_owned()];
    while let Some(dir) = pending.pop() {
        for (name, attr) in view.list(&dir).unwrap() {
            let path = format!("{dir}/{name}");
            let content = if attr.is_dir() {
                pending.push(path.clone());
                Vec::new()
            } else {
                view.read(&path).unwrap()
            };
            found.insert(path, (attr, content));
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_both_hosts_do_at_once_they_agree_on_a_tree_that_is_whole(
        threads in proptest::collection::vec(proptest::collection::vec(deed(), 1..120), 2..5),
    ) {
        let share = tree();
        let (a, b) = two_hosts_of(&share);
        let start = Barrier::new(threads.len());
        thread::scope(|scope| {
            for (n, deeds) in threads.iter().enumerate() {
                let (view, start) = (if n % 2 == 0 { a.clone() } else { b.clone() }, &start);
                scope.spawn(move || {
                    start.wait();
                    for deed in deeds {
                        perform(&view, deed);
                    }
                });
            }
        });
        let found = everything(&a);
        prop_assert_eq!(&found, &everything(&b));
        let mut names_of: BTreeMap<u64, u32> = BTreeMap::new();
        let mut bytes = 0;
        for (attr, content) in found.values() {
            // Nothing is torn: a file is made of whole pieces.
            prop_assert!(content.chunks(PIECE).all(|piece| piece.len() == PIECE && piece.iter().all(|byte| *byte == piece[0])));
            prop_assert_eq!(attr.size, if attr.is_dir() { 4096 } else { content.len() as u64 });
            let names = names_of.entry(attr.ino).or_default();
            if *names == 0 {
                bytes += content.len() as u64;
            }
            *names += 1;
        }
        for (path, (attr, _)) in &found {
            let inside = |other: &&String| other.rsplit_once('/').is_some_and(|(dir, _)| dir == path);
            let expected = if attr.is_dir() {
                let directories = found.keys().filter(inside).filter(|other| found[*other].0.is_dir());
                2 + u32::try_from(directories.count()).unwrap()
            } else {
                names_of[&attr.ino]
            };
            prop_assert_eq!(attr.links, expected, "{}", path);
        }
        prop_assert_eq!(share.used_bytes(), bytes);
        let inodes = names_of.len() as u64 + 1;
        prop_assert_eq!(share.usage().files + share.usage().directories, inodes);
        let sizes = names_of.keys().map(|ino| found.values().find(|(attr, _)| attr.ino == *ino).unwrap());
        let metered: u64 = sizes.map(|(attr, content)| if attr.is_dir() { 6144 } else { 2048 + (content.len() as u64).div_ceil(4096).max(1) * 4096 }).sum();
        prop_assert_eq!(share.metered_bytes(), 6144 + metered);
    }
}
