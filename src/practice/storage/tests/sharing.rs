//! One share on two hosts, used at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use super::super::{Errno, View};
use super::{host, spec, tree};

/// Two hosts with the same share on /home.
fn two_hosts() -> (View, View) {
    let share = tree();
    let mounted = || {
        let view = host();
        view.make_dir("/home").unwrap();
        view.table().mount(spec("/home", &share)).unwrap();
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
