//! Paths over several trees.

use std::sync::Arc;

use jiff::Timestamp;

use super::View;
use crate::practice::storage::{Errno, Identity, MountSpec, MountTable, Tree};

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn tree(id: &str) -> Arc<Tree> {
    Arc::new(Tree::volatile(id, 0o755, NOW))
}

fn spec(target: &str, tree: &Arc<Tree>) -> MountSpec {
    MountSpec {
        source: "dev".into(),
        target: target.into(),
        fstype: "xfs".into(),
        options: "rw".into(),
        tree: Arc::clone(tree),
        capacity: 8 << 30,
    }
}

fn host() -> View {
    let table = Arc::new(MountTable::new(spec("/", &tree("disk"))));
    let view = View::new(table, Identity::ROOT, Arc::new(|| NOW));
    view.make_dirs("/home/ec2-user").expect("a home");
    view
}

fn mount(view: &View, target: &str) {
    view.table()
        .mount(spec(target, &tree(target)))
        .expect("a mount");
}

fn names(view: &View, path: &str) -> Vec<String> {
    view.list(path)
        .expect("a listing")
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn a_mount_covers_a_directory_and_unmounting_uncovers_it() {
    let view = host();
    mount(&view, "/home");
    assert!(names(&view, "/home").is_empty());
    view.write("/home/i-was-here", b"").expect("a write");
    assert_eq!(view.remove_all("/home"), Err(Errno::Busy));
    assert_eq!(view.table().holding("/home/nobody/knows").target, "/home");
    assert_eq!(view.table().holding("/homestead").target, "/");
    view.table().unmount("/home").expect("an unmount");
    assert_eq!(names(&view, "/home"), ["ec2-user"]);
    assert_eq!(view.table().unmount("/home"), Err(Errno::Invalid));
    assert_eq!(view.table().unmount("/"), Err(Errno::Busy));
}

#[test]
fn two_hosts_see_one_share() {
    let (a, b) = (host(), host());
    let share = tree("fs-1");
    a.table().mount(spec("/home", &share)).expect("a mount");
    b.table().mount(spec("/home", &share)).expect("a mount");
    a.write("/home/i-was-here", b"A").expect("a write");
    assert_eq!(b.read_text("/home/i-was-here"), Ok("A".into()));
    assert_eq!(b.used_bytes("/home"), Ok(1));
}

#[test]
fn a_later_mount_hides_an_earlier_one() {
    let view = host();
    mount(&view, "/home");
    view.write("/home/first", b"").expect("a write");
    mount(&view, "/home");
    assert!(names(&view, "/home").is_empty());
    view.table().unmount("/home").expect("an unmount");
    assert_eq!(names(&view, "/home"), ["first"]);
}

#[test]
fn a_mount_with_another_in_it_is_busy() {
    let view = host();
    mount(&view, "/home");
    view.make_dirs("/home/deep").expect("a directory");
    mount(&view, "/home/deep");
    assert_eq!(view.table().unmount("/home"), Err(Errno::Busy));
    view.table().unmount("/home/deep").expect("an unmount");
    view.table().unmount("/home").expect("an unmount");
    view.write("/file", b"").expect("a write");
    assert_eq!(
        view.table().mount(spec("/file", &tree("x"))),
        Err(Errno::NotDirectory)
    );
    assert_eq!(
        view.table().mount(spec("/none", &tree("x"))),
        Err(Errno::NotFound)
    );
}

#[test]
fn links_are_followed_across_mounts_and_loops_end() {
    let view = host();
    mount(&view, "/home");
    view.make_symlink("../home", "/etc").expect("a link");
    view.write("/etc/f", b"x").expect("through the link");
    assert_eq!(view.read_text("/home/f"), Ok("x".into()));
    assert_eq!(view.read_text("/home/../etc/./f"), Ok("x".into()));
    view.make_symlink("loop", "/loop").expect("a link");
    assert_eq!(view.read("/loop").err(), Some(Errno::Loop));
    view.make_symlink("/home/new", "/dangling").expect("a link");
    assert_eq!(view.stat("/dangling").err(), Some(Errno::NotFound));
    assert_eq!(view.read("/home/f/x").err(), Some(Errno::NotDirectory));
}

#[test]
fn renaming_across_mounts_is_refused_and_moving_copies() {
    let view = host();
    mount(&view, "/home");
    view.make_dirs("/src/sub").expect("a directory");
    view.write("/src/sub/f", b"x").expect("a file");
    view.set_mode("/src/sub/f", 0o4711).expect("a mode");
    view.set_owner("/src/sub/f", Some(1000), Some(1001), true)
        .expect("an owner");
    view.set_modified("/src/sub/f", Timestamp::UNIX_EPOCH)
        .expect("a time");
    assert_eq!(
        view.rename_one("/src", "/home/src"),
        Err(Errno::CrossDevice)
    );
    view.move_across("/src", "/home/src").expect("a move");
    let after = view.stat("/home/src/sub/f").expect("attributes");
    assert_eq!((after.uid, after.gid, after.mode), (1000, 1001, 0o4711));
    assert_eq!(after.modified, Timestamp::UNIX_EPOCH);
    assert_eq!(view.stat("/src").err(), Some(Errno::NotFound));
}

#[test]
fn a_read_only_mount_refuses_writers() {
    let view = host();
    let mut ro = spec("/home", &tree("fs-1"));
    ro.options = "ro,relatime".into();
    view.table().mount(ro).expect("a mount");
    assert_eq!(view.write("/home/f", b""), Err(Errno::ReadOnly));
    assert_eq!(view.make_dir("/home/d"), Err(Errno::ReadOnly));
}

#[test]
fn a_directory_with_a_mount_in_it_is_not_removed() {
    let view = host();
    view.make_dirs("/mnt/a/b").expect("a directory");
    mount(&view, "/mnt/a/b");
    assert_eq!(view.remove_all("/mnt"), Err(Errno::Busy));
    assert!(view.stat("/mnt/a/b").is_ok());
    view.remove_all("/home").expect("another one goes");
}

#[test]
fn generated_files_are_made_at_each_read_and_devices_swallow() {
    let view = host();
    let table = Arc::clone(view.table());
    view.make_generated(
        "/mounts",
        Arc::new(move || table.proc_mounts().into_bytes()),
    )
    .expect("a file");
    assert_eq!(view.read_text("/mounts"), Ok("dev / xfs rw 0 0\n".into()));
    mount(&view, "/home");
    assert_eq!(
        view.read_text("/mounts").map(|text| text.lines().count()),
        Ok(2)
    );
    view.make_device("/null", Arc::new(Vec::new))
        .expect("a device");
    view.write("/null", b"swallowed").expect("a write");
    assert_eq!(view.read_text("/null"), Ok(String::new()));
}

/// What a shell sees of it: its own link-following layer is on top of the view.
#[tokio::test]
async fn a_shell_works_in_it_within_its_permissions() {
    let view = host();
    mount(&view, "/home");
    view.make_dirs("/home/ec2-user").expect("a home");
    view.set_owner("/home/ec2-user", Some(1000), Some(1000), true)
        .expect("an owner");
    let user = view.with_identity(Identity {
        uid: 1000,
        gid: 1000,
        groups: vec![],
    });
    let mut bash = bashkit::Bash::builder()
        .fs(Arc::new(user))
        .rootfs(false)
        .cwd("/home/ec2-user")
        .build();
    let run = bash
        .exec(
            "echo one > f; echo two >> f; ln -s f l; cat l; mkdir -p a/b; mv f a/b/; ls a/b; [ -L l ] && echo link
             cat f; echo no > /etc-file; echo $?; cd /; mv /home/ec2-user/a /home/ec2-user/c; ls /home/ec2-user",
        )
        .await
        .expect("a run");
    assert_eq!(run.stdout.to_string(), "one\ntwo\nf\nlink\n1\nc\nl\n");
    let complaints = run.stderr.to_string();
    assert!(
        complaints.contains("f: No such file or directory"),
        "{complaints}"
    );
    assert!(
        complaints.contains("/etc-file: Permission denied"),
        "{complaints}"
    );
    let attr = view.stat("/home/ec2-user/c/b/f").expect("attributes");
    assert_eq!((attr.uid, attr.gid, attr.mode), (1000, 1000, 0o644));
}
