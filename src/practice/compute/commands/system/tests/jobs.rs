//! Jobs, signals and locks of scripts.

use std::sync::Arc;

use super::{Rig, SHARE};

#[tokio::test]
async fn a_job_runs_beside_its_shell_and_is_ended_by_its_number() {
    let rig = Rig::new();
    let (seconds, ran) = rig
        .seconds("sleep 100 & sleep 50 & jobs | wc -l; kill %1; wait %1; echo $?; wait; echo $!")
        .await;
    let out = ran.ended(0).out;
    assert!(out.starts_with("2\n143\n"), "{out}");
    assert_eq!(seconds, 50);
    let (seconds, ran) = rig
        .seconds("(sleep 10; exit 3) & p=$!; sleep 4; wait $p; echo $?")
        .await;
    assert_eq!((ran.ended(0).out.as_str(), seconds), ("3\n", 10));
    let ran = rig.root("sleep 9 & kill -INT $!; wait $!; echo $?").await;
    assert_eq!(ran.out, "130\n");
    let (seconds, ran) = rig
        .seconds("nohup sleep 3; timeout 2 sleep 9; echo $?")
        .await;
    assert_eq!((ran.ended(0).out.as_str(), seconds), ("124\n", 5));
}

#[tokio::test]
async fn a_lock_holds_while_its_command_runs_and_on_the_share_for_every_host() {
    let (rig, other) = (Rig::new(), Rig::new());
    for one in [&rig, &other] {
        one.root(&format!(
            "dnf install -yq nfs-utils && mount -t nfs4 {SHARE}:/ /mnt"
        ))
        .await
        .ended(0);
    }
    let line = "flock /run/l sleep 60 & sleep 1; flock -n /run/l echo no; echo $?; flock -w 5 /run/l true; echo $?; \
                flock -s -n -E 7 /run/l true; echo $?; flock /run/l echo mine";
    let (seconds, ran) = rig.seconds(line).await;
    assert_eq!(ran.ended(0).out, "1\n1\n7\nmine\n");
    assert_eq!(seconds, 60);
    let ran = rig
        .root("flock -n /mnt/l -c 'echo a; exit 4'; echo $?; stat -c %s /mnt/l")
        .await;
    assert_eq!(ran.ended(0).out, "a\n4\n0\n");
    // Who is killed gives it back.
    let ran = rig
        .root("timeout 5 flock /mnt/l sleep 100; flock -n /mnt/l echo free")
        .await;
    assert_eq!(ran.ended(0).out, "free\n");
}

#[tokio::test]
async fn two_hosts_share_the_locks_of_a_share() {
    let rig = Arc::new(Rig::new());
    let tree = rig.host.files.share("fs-1").unwrap();
    let held = tree_lock(&rig, &tree).await;
    assert_eq!(
        rig.root("flock -n /mnt/l echo no; echo $?").await.out,
        "1\n"
    );
    drop(held);
    assert_eq!(rig.root("flock -n /mnt/l echo yes").await.out, "yes\n");
}

/// A lock as another host takes it.
async fn tree_lock(rig: &Rig, tree: &Arc<crate::practice::storage::Tree>) -> impl Sized {
    use crate::practice::storage::{Identity, MountSpec, MountTable, View};
    rig.root(&format!(
        "dnf install -yq nfs-utils && mount -t nfs4 {SHARE}:/ /mnt && touch /mnt/l"
    ))
    .await
    .ended(0);
    let table = MountTable::new(MountSpec {
        source: "share".to_owned(),
        target: "/".to_owned(),
        fstype: "nfs4".to_owned(),
        options: "rw".to_owned(),
        tree: Arc::clone(tree),
        capacity: 0,
        own: 0,
    });
    let now = rig.clock.now();
    let view = View::new(Arc::new(table), Identity::ROOT, Arc::new(move || now));
    let (locks, ino) = view.locks("/l").unwrap();
    locks.take(ino, true).unwrap()
}
