//! Names, links, renames, and what they do to counts and times.

use std::sync::Arc;

use super::super::tree::{Limits, ROOT};
use super::super::{Content, Errno, Identity, Kind, Tree};
use super::{at, host, host_on, later, names, tree};

#[test]
fn a_file_lives_as_long_as_it_has_a_name() {
    let disk = tree();
    let view = host_on(&disk);
    view.write("/a", b"12345").unwrap();
    view.link("/a", "/b").unwrap();
    assert_eq!(view.stat("/a").unwrap(), view.stat("/b").unwrap());
    assert_eq!(view.stat("/a").unwrap().links, 2);
    view.append("/b", b"6").unwrap();
    view.remove_one("/a").unwrap();
    assert_eq!(view.read("/b").unwrap(), b"123456");
    assert_eq!((view.stat("/b").unwrap().links, disk.used_bytes()), (1, 6));
    view.remove_one("/b").unwrap();
    assert_eq!(disk.used_bytes(), 0);
    assert_eq!(disk.usage().files, 0);
}

#[test]
fn directories_count_their_subdirectories() {
    let view = host();
    view.make_dirs("/d/one").unwrap();
    view.make_dirs("/d/two").unwrap();
    view.write("/d/f", b"").unwrap();
    assert_eq!(view.stat("/d").unwrap().links, 4);
    view.rename_one("/d/one", "/one").unwrap();
    assert_eq!(view.stat("/d").unwrap().links, 3);
    assert_eq!(view.stat("/").unwrap().links, 4);
    assert_eq!(view.remove_one("/d"), Err(Errno::NotEmpty));
    view.remove_one("/d/two").unwrap();
    view.remove_one("/d/f").unwrap();
    view.remove_one("/d").unwrap();
    assert_eq!(view.stat("/").unwrap().links, 3);
    assert_eq!(names(&view, "/"), ["one"]);
}

#[test]
fn directories_have_no_second_name() {
    let view = host();
    view.make_dir("/d").unwrap();
    assert_eq!(view.link("/d", "/e"), Err(Errno::NotPermitted));
}

#[test]
fn a_rename_replaces_only_what_is_of_the_same_sort_and_empty() {
    let view = host();
    view.write("/f", b"f").unwrap();
    view.write("/g", b"g").unwrap();
    view.make_dirs("/empty").unwrap();
    view.make_dirs("/full/d").unwrap();
    assert_eq!(view.rename_one("/f", "/empty"), Err(Errno::IsDirectory));
    assert_eq!(view.rename_one("/empty", "/f"), Err(Errno::NotDirectory));
    assert_eq!(view.rename_one("/empty", "/full"), Err(Errno::NotEmpty));
    assert_eq!(view.rename_one("/none", "/x"), Err(Errno::NotFound));
    assert_eq!(view.rename_one("/f", "/none/x"), Err(Errno::NotFound));
    assert_eq!(view.rename_one("/f", "/x/"), Err(Errno::NotDirectory));
    view.rename_one("/f", "/g").unwrap();
    view.rename_one("/full", "/empty").unwrap();
    view.rename_one("/empty", "/moved/").unwrap();
    assert_eq!(names(&view, "/"), ["g", "moved"]);
    assert_eq!(view.read("/g").unwrap(), b"f");
    assert_eq!(names(&view, "/moved"), ["d"]);
}

#[test]
fn a_directory_does_not_move_into_itself() {
    let view = host();
    view.make_dirs("/d/e/f").unwrap();
    assert_eq!(view.rename_one("/d", "/d/x"), Err(Errno::Invalid));
    assert_eq!(view.rename_one("/d", "/d/e/f/x"), Err(Errno::Invalid));
    assert_eq!(view.rename_one("/d/e", "/d"), Err(Errno::NotEmpty));
    view.rename_one("/d", "/d").unwrap();
    assert_eq!(view.rename_one("/", "/x"), Err(Errno::Busy));
    assert_eq!(view.remove_one("/"), Err(Errno::Busy));
}

#[test]
fn renaming_one_name_of_a_file_to_another_does_nothing() {
    let view = host();
    view.write("/a", b"x").unwrap();
    view.link("/a", "/b").unwrap();
    view.rename_one("/a", "/b").unwrap();
    assert_eq!(names(&view, "/"), ["a", "b"]);
}

#[test]
fn times_move_as_posix_says() {
    let view = host();
    later(&view, 10).make_dir("/d").unwrap();
    later(&view, 20).write("/d/f", b"x").unwrap();
    let dir = view.stat("/d").unwrap();
    assert_eq!(
        (dir.accessed, dir.modified, dir.changed),
        (at(10), at(20), at(20))
    );
    later(&view, 30).append("/d/f", b"y").unwrap();
    later(&view, 40).set_mode("/d/f", 0o600).unwrap();
    later(&view, 50).read("/d/f").unwrap();
    let file = view.stat("/d/f").unwrap();
    assert_eq!(
        (file.accessed, file.modified, file.changed),
        (at(20), at(30), at(40))
    );
    assert_eq!(view.stat("/d").unwrap().modified, at(20));
    later(&view, 60).link("/d/f", "/g").unwrap();
    assert_eq!(view.stat("/g").unwrap().changed, at(60));
    later(&view, 70).rename_one("/d/f", "/h").unwrap();
    assert_eq!(view.stat("/h").unwrap().changed, at(70));
    assert_eq!(view.stat("/h").unwrap().modified, at(30));
    assert_eq!(view.stat("/d").unwrap().modified, at(70));
    assert_eq!(view.stat("/").unwrap().modified, at(70));
}

#[test]
fn files_and_directories_are_not_taken_for_each_other() {
    let view = host();
    view.make_dir("/d").unwrap();
    view.write("/f", b"").unwrap();
    assert_eq!(view.read("/d"), Err(Errno::IsDirectory));
    assert_eq!(view.write("/d", b""), Err(Errno::IsDirectory));
    assert_eq!(view.append("/d", b""), Err(Errno::IsDirectory));
    assert_eq!(view.list("/f"), Err(Errno::NotDirectory));
    assert_eq!(view.stat("/f/x"), Err(Errno::NotDirectory));
    assert_eq!(view.stat("/f/"), Err(Errno::NotDirectory));
    assert_eq!(view.write("/f/x", b""), Err(Errno::NotDirectory));
    assert_eq!(view.write("/new/", b""), Err(Errno::IsDirectory));
    assert_eq!(view.make_dirs("/f"), Err(Errno::Exists));
    assert_eq!(view.make_dirs("/f/x"), Err(Errno::NotDirectory));
    assert_eq!(view.make_dir("/no/x"), Err(Errno::NotFound));
    assert_eq!(view.make_dir("/d"), Err(Errno::Exists));
    view.make_dirs("/d").unwrap();
    view.make_dir("/slash/").unwrap();
    assert_eq!(names(&view, "/"), ["d", "f", "slash"]);
}

#[test]
fn names_and_paths_have_a_longest_length() {
    let view = host();
    let longest = "n".repeat(255);
    view.write(&format!("/{longest}"), b"").unwrap();
    assert_eq!(
        view.write(&format!("/{longest}n"), b""),
        Err(Errno::NameTooLong)
    );
    assert_eq!(view.stat(&"/n".repeat(3000)), Err(Errno::NameTooLong));
    assert_eq!(
        view.make_symlink(&"t".repeat(4096), "/l"),
        Err(Errno::NameTooLong)
    );
    assert_eq!(view.make_symlink("", "/l"), Err(Errno::NotFound));
    assert_eq!(view.stat("relative"), Err(Errno::Invalid));
}

#[test]
fn a_whole_directory_goes_with_all_that_is_in_it() {
    let view = host();
    view.make_dirs("/d/a/b/c").unwrap();
    view.write("/d/a/f", b"x").unwrap();
    view.write("/kept", b"k").unwrap();
    view.make_symlink("/kept", "/d/a/b/l").unwrap();
    view.remove_all("/d/").unwrap();
    assert_eq!(names(&view, "/"), ["kept"]);
    assert_eq!(view.remove_all("/d"), Err(Errno::NotFound));
}

#[test]
fn a_full_tree_refuses_and_stays_as_it_was() {
    let limits = Limits {
        bytes: 10,
        inodes: 4,
    };
    let disk = Arc::new(Tree::limited("small", 0o755, at(0), limits));
    let view = host_on(&disk);
    view.write("/a", b"12345678").unwrap();
    assert_eq!(view.append("/a", b"901"), Err(Errno::NoSpace));
    assert_eq!(view.write("/b", b"901"), Err(Errno::NoSpace));
    assert_eq!(view.make_symlink("long", "/l"), Err(Errno::NoSpace));
    assert_eq!(view.read("/a").unwrap(), b"12345678");
    assert_eq!(names(&view, "/"), ["a"]);
    // Replacing counts only what is more.
    view.write("/a", b"0123456789").unwrap();
    assert_eq!(disk.used_bytes(), 10);
    view.write("/a", b"").unwrap();
    view.make_dir("/d").unwrap();
    view.write("/d/f", b"").unwrap();
    assert_eq!(view.write("/d/g", b""), Err(Errno::NoSpace));
    view.link("/a", "/d/a").unwrap();
    assert_eq!(view.link("/a", "/d/b"), Err(Errno::NoSpace));
    view.remove_all("/d").unwrap();
    view.write("/g", b"").unwrap();
}

#[test]
fn a_pipe_gives_each_byte_once() {
    let view = host();
    view.make("/p", Kind::Fifo(Content::default()), 0o666)
        .unwrap();
    view.write("/p", b"one").unwrap();
    view.append("/p", b"two").unwrap();
    assert_eq!(view.read("/p").unwrap(), b"onetwo");
    assert_eq!(view.read("/p").unwrap(), b"");
    assert_eq!(view.lstat("/p").unwrap().permissions(), "prw-r--r--");
}

#[test]
fn generated_files_are_made_at_each_read_and_refuse_to_be_written() {
    let view = host();
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = count.clone();
    let next = move || {
        let n = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        format!("{n}\n").into_bytes()
    };
    view.make_generated("/n", Arc::new(next)).unwrap();
    assert_eq!(view.read("/n").unwrap(), b"0\n");
    assert_eq!(view.read("/n").unwrap(), b"1\n");
    assert_eq!(view.stat("/n").unwrap().size, 0);
    assert_eq!(view.write("/n", b"x"), Err(Errno::Invalid));
    view.set_mode("/n", 0o644).unwrap();
    view.write("/n", b"x").unwrap();
    // Made again (a reboot), it takes the place of the older one; it never takes that of a real file.
    view.make_generated("/n", Arc::new(|| b"new".to_vec()))
        .unwrap();
    assert_eq!(view.read("/n").unwrap(), b"new");
    view.write("/f", b"real").unwrap();
    assert_eq!(
        view.make_generated("/f", Arc::new(Vec::new)),
        Err(Errno::Exists)
    );
}

#[test]
fn a_generator_may_look_at_the_tree_it_is_in() {
    let view = host();
    let inside = view.clone();
    let list = move || {
        let entries = inside.list("/").unwrap_or_default();
        entries.len().to_string().into_bytes()
    };
    view.make_generated("/count", Arc::new(list)).unwrap();
    assert_eq!(view.read("/count").unwrap(), b"1");
}

#[test]
fn a_device_swallows_what_is_written() {
    let view = host();
    view.make_device("/null", Arc::new(Content::default))
        .unwrap();
    view.write("/null", b"gone").unwrap();
    assert_eq!(view.read("/null").unwrap(), b"");
    assert_eq!(view.stat("/null").unwrap().permissions(), "crw-rw-rw-");
}

#[test]
fn an_inode_that_is_gone_is_told_apart_from_a_missing_name() {
    let tree = tree();
    let root = Identity::ROOT;
    let file = Kind::File(Content::default());
    let gone = tree.make(&root, ROOT, "f", file, 0o644, at(1)).unwrap().ino;
    tree.remove(&root, ROOT, "f", at(2)).unwrap();
    assert_eq!(tree.read(&root, gone), Err(Errno::Stale));
    assert_eq!(tree.lookup(&root, ROOT, "f"), Err(Errno::NotFound));
}
