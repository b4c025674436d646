//! Links and mounts on the way to a file.

use std::sync::Arc;

use super::super::{Errno, View};
use super::{ALICE, host, names, spec, tree, user};

/// A host with an empty share on /home.
fn with_share() -> View {
    let view = host();
    view.make_dir("/home").unwrap();
    view.write("/home/below", b"hidden").unwrap();
    view.table().mount(spec("/home", &tree())).unwrap();
    view
}

#[test]
fn links_are_followed_where_they_should_be() {
    let view = host();
    view.make_dirs("/a/b").unwrap();
    view.write("/a/b/f", b"x").unwrap();
    view.make_symlink("a/b", "/l").unwrap();
    view.make_symlink("../b/./f", "/a/b/up").unwrap();
    view.make_symlink("/l/up", "/chain").unwrap();
    assert_eq!(view.read("/chain").unwrap(), b"x");
    assert_eq!(view.canonical("/chain").unwrap(), "/a/b/f");
    assert!(view.stat("/l").unwrap().is_dir());
    assert!(!view.lstat("/l").unwrap().is_dir());
    assert!(view.lstat("/l/").unwrap().is_dir());
    assert_eq!(view.lstat("/l").unwrap().size, 3);
    assert_eq!(view.link_target("/chain").unwrap(), "/l/up");
    assert_eq!(view.link_target("/a"), Err(Errno::Invalid));
    // Removing, renaming and linking take the link itself.
    view.link("/chain", "/same").unwrap();
    assert_eq!(view.link_target("/same").unwrap(), "/l/up");
    view.rename_one("/l", "/a/l").unwrap();
    assert_eq!(view.stat("/chain"), Err(Errno::NotFound));
    view.remove_one("/a/l").unwrap();
    assert_eq!(view.read("/a/b/f").unwrap(), b"x");
}

#[test]
fn writing_through_a_link_to_nothing_makes_what_it_names() {
    let view = host();
    view.make_dir("/d").unwrap();
    view.make_symlink("/d/new", "/l").unwrap();
    assert_eq!(view.read("/l"), Err(Errno::NotFound));
    assert_eq!(view.make_dir("/l"), Err(Errno::Exists));
    view.append("/l", b"made").unwrap();
    assert_eq!(view.read("/d/new").unwrap(), b"made");
    view.make_symlink("/no/where", "/m").unwrap();
    assert_eq!(view.write("/m", b""), Err(Errno::NotFound));
}

#[test]
fn a_loop_of_links_is_found_out() {
    let view = host();
    view.make_symlink("/b", "/a").unwrap();
    view.make_symlink("/a", "/b").unwrap();
    view.make_symlink("self/x", "/self").unwrap();
    assert_eq!(view.stat("/a"), Err(Errno::Loop));
    assert_eq!(view.write("/a", b""), Err(Errno::Loop));
    assert_eq!(view.stat("/self/y"), Err(Errno::Loop));
    assert!(view.lstat("/a").is_ok());
    // Forty links in a row are still no loop.
    view.write("/end0", b"x").unwrap();
    for n in 1..=41 {
        view.make_symlink(&format!("/end{}", n - 1), &format!("/end{n}"))
            .unwrap();
    }
    assert_eq!(view.read("/end40").unwrap(), b"x");
    assert_eq!(view.read("/end41"), Err(Errno::Loop));
}

#[test]
fn dots_lead_where_the_directory_really_is() {
    let view = host();
    view.make_dirs("/a/b").unwrap();
    view.make_dir("/x").unwrap();
    view.make_symlink("/a/b", "/x/l").unwrap();
    view.write("/a/f", b"a").unwrap();
    assert_eq!(view.read("/x/l/../f").unwrap(), b"a");
    assert_eq!(view.read("/../../a/./f").unwrap(), b"a");
    assert_eq!(view.stat("/none/.."), Err(Errno::NotFound));
    assert_eq!(view.stat("/a/f/.."), Err(Errno::NotDirectory));
    assert_eq!(view.remove_one("/a/."), Err(Errno::Busy));
    assert_eq!(view.make_dir("/a/."), Err(Errno::Exists));
}

#[test]
fn a_mount_hides_what_is_below_it_until_it_is_unmounted() {
    let view = with_share();
    assert_eq!(names(&view, "/home"), [""; 0]);
    view.write("/home/f", b"on the share").unwrap();
    assert_eq!(view.table().holding("/home/f").target, "/home");
    assert_eq!(view.table().holding("/homes").target, "/");
    view.table().unmount("/home").unwrap();
    assert_eq!(names(&view, "/home"), ["below"]);
    assert_eq!(view.table().unmount("/home"), Err(Errno::Invalid));
    assert_eq!(view.table().unmount("/"), Err(Errno::Busy));
}

#[test]
fn links_and_dots_cross_mounts_both_ways() {
    let view = with_share();
    view.make_dir("/home/alice").unwrap();
    view.write("/etc-file", b"disk").unwrap();
    view.make_symlink("/etc-file", "/home/out").unwrap();
    view.make_symlink("../../etc-file", "/home/alice/up")
        .unwrap();
    view.make_symlink("home/alice", "/in").unwrap();
    assert_eq!(view.read("/home/out").unwrap(), b"disk");
    assert_eq!(view.read("/home/alice/up").unwrap(), b"disk");
    assert_eq!(view.read("/home/../etc-file").unwrap(), b"disk");
    view.write("/in/f", b"share").unwrap();
    assert_eq!(view.read("/home/alice/f").unwrap(), b"share");
    assert_eq!(view.canonical("/in/f").unwrap(), "/home/alice/f");
    assert_eq!(view.used_bytes("/home").unwrap(), 5);
}

#[test]
fn names_do_not_cross_mounts() {
    let view = with_share();
    view.write("/f", b"x").unwrap();
    assert_eq!(view.rename_one("/f", "/home/f"), Err(Errno::CrossDevice));
    assert_eq!(view.link("/f", "/home/f"), Err(Errno::CrossDevice));
    // The same tree mounted twice is still two mounts.
    let share = view.table().holding("/home").tree;
    view.make_dir("/mnt").unwrap();
    view.table().mount(spec("/mnt", &share)).unwrap();
    view.write("/home/g", b"g").unwrap();
    assert_eq!(
        view.rename_one("/home/g", "/mnt/h"),
        Err(Errno::CrossDevice)
    );
    assert_eq!(view.read("/mnt/g").unwrap(), b"g");
}

#[test]
fn a_mount_point_stays_where_it_is() {
    let view = with_share();
    view.make_dir("/empty").unwrap();
    assert_eq!(view.remove_one("/home"), Err(Errno::Busy));
    assert_eq!(view.rename_one("/home", "/h"), Err(Errno::Busy));
    assert_eq!(view.rename_one("/empty", "/home"), Err(Errno::Busy));
    assert!(view.remove_all("/home").is_err());
    assert_eq!(view.stat("/home").unwrap().ino, super::super::tree::ROOT);
}

#[test]
fn mounts_stack_and_are_busy_while_something_is_mounted_in_them() {
    let view = with_share();
    view.make_dir("/home/data").unwrap();
    let table = view.table();
    table.mount(spec("/home/data", &tree())).unwrap();
    view.write("/home/data/f", b"x").unwrap();
    assert_eq!(table.unmount("/home"), Err(Errno::Busy));
    // A later mount over /home hides the one in it as well.
    table.mount(spec("/home", &tree())).unwrap();
    assert_eq!(view.stat("/home/data"), Err(Errno::NotFound));
    assert_eq!(table.holding("/home/data/f").target, "/home");
    table.unmount("/home").unwrap();
    assert_eq!(view.read("/home/data/f").unwrap(), b"x");
    let listed = view.list("/home").unwrap();
    assert_eq!(listed[0].1.ino, super::super::tree::ROOT);
    table.unmount("/home/data").unwrap();
    table.unmount("/home").unwrap();
    let targets: Vec<_> = table
        .mounts()
        .into_iter()
        .map(|mount| mount.target)
        .collect();
    assert_eq!(targets, ["/"]);
}

#[test]
fn a_mount_point_must_be_a_directory_and_may_be_reached_by_a_link() {
    let view = host();
    view.write("/f", b"").unwrap();
    view.make_dir("/data").unwrap();
    view.make_symlink("/data", "/l").unwrap();
    let table = view.table();
    assert_eq!(table.mount(spec("/f", &tree())), Err(Errno::NotDirectory));
    assert_eq!(table.mount(spec("/none", &tree())), Err(Errno::NotFound));
    table.mount(spec("/l/", &tree())).unwrap();
    assert_eq!(table.mounts()[1].target, "/data");
    table.unmount("/l").unwrap();
}

#[test]
fn a_read_only_mount_is_read_and_not_written() {
    let view = host();
    view.make_dir("/mnt").unwrap();
    let share = tree();
    let mut read_only = spec("/mnt", &share);
    read_only.options = "ro,relatime".to_owned();
    super::host_on(&share).write("/f", b"x").unwrap();
    view.table().mount(read_only).unwrap();
    assert_eq!(view.read("/mnt/f").unwrap(), b"x");
    for refused in [
        view.write("/mnt/f", b""),
        view.append("/mnt/g", b""),
        view.make_dir("/mnt/d"),
        view.remove_one("/mnt/f"),
        view.rename_one("/mnt/f", "/mnt/g"),
        view.set_mode("/mnt/f", 0),
        view.touch("/mnt/f"),
    ] {
        assert_eq!(refused, Err(Errno::ReadOnly));
    }
    // `mkdir -p` of what is there needs nothing.
    view.make_dirs("/mnt").unwrap();
}

#[test]
fn permissions_are_checked_on_the_way_through_links() {
    let view = host();
    view.make_dir("/secret").unwrap();
    view.write("/secret/f", b"x").unwrap();
    view.set_mode("/secret", 0o700).unwrap();
    view.make_symlink("/secret/f", "/l").unwrap();
    let alice = view.with_identity(user(ALICE));
    assert_eq!(alice.read("/l"), Err(Errno::Access));
    assert!(alice.lstat("/l").is_ok());
    assert_eq!(alice.stat("/secret/.."), Err(Errno::Access));
}

#[test]
fn views_of_one_host_share_its_mounts() {
    let view = host();
    let other = view.with_identity(user(ALICE));
    view.make_dir("/mnt").unwrap();
    let share = tree();
    super::host_on(&share).write("/f", b"x").unwrap();
    view.table().mount(spec("/mnt", &share)).unwrap();
    assert!(Arc::ptr_eq(view.table(), other.table()));
    assert_eq!(other.read("/mnt/f").unwrap(), b"x");
}

#[test]
fn the_mount_that_holds_a_path_is_found_through_links_and_above_what_is_missing() {
    let view = with_share();
    view.make_symlink("/home", "/link").unwrap();
    let target = |path| view.table().holding(path).target;
    assert_eq!(target("/link/f"), "/home");
    assert_eq!(target("/home/no/such/file"), "/home");
    assert_eq!(target("/nowhere/file"), "/");
    assert_eq!(target("/"), "/");
}

#[test]
fn a_mount_point_removed_by_another_host_is_still_unmounted_by_its_name() {
    let share = tree();
    let (a, b) = (host(), host());
    for view in [&a, &b] {
        view.make_dir("/home").unwrap();
        view.table().mount(spec("/home", &share)).unwrap();
    }
    a.make_dir("/home/data").unwrap();
    a.table().mount(spec("/home/data", &tree())).unwrap();
    // Where it is no mount point, it is a directory like any other.
    b.rename_one("/home/data", "/home/moved").unwrap();
    assert_eq!(a.stat("/home/moved").unwrap().ino, super::super::tree::ROOT);
    b.remove_one("/home/moved").unwrap();
    assert_eq!(a.stat("/home/moved"), Err(Errno::NotFound));
    a.table().unmount("/home/data").unwrap();
    a.table().unmount("/home").unwrap();
}

#[test]
fn the_mount_table_reads_as_the_kernel_writes_it() {
    let view = host();
    view.make_dir("/with blank").unwrap();
    let mut share = spec("/with blank", &tree());
    share.source = "fs-1:/".to_owned();
    share.fstype = "nfs4".to_owned();
    share.options = "rw,vers=4.1".to_owned();
    let table = view.table();
    table.mount(share).unwrap();
    assert_eq!(
        table.proc_mounts(),
        "none / tmpfs rw 0 0\nfs-1:/ /with\\040blank nfs4 rw,vers=4.1 0 0\n"
    );
}
