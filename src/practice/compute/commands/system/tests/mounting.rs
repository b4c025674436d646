//! mount, umount, findmnt, df.

use super::{Rig, SHARE, TARGET};
use crate::practice::clock::Pace;
use crate::practice::compute::commands::system::mount_all;

const OPTIONS: &str = "nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport";

fn fstab(more: &str) -> String {
    format!("echo '{SHARE}:/ /home nfs4 {OPTIONS},_netdev{more} 0 0' >>/etc/fstab")
}

#[tokio::test]
async fn a_share_is_mounted_from_fstab_and_shown_everywhere() {
    let rig = Rig::new();
    rig.root("dnf install -yq nfs-utils").await.ended(0);
    rig.root(&format!("{}; mount /home", fstab("")))
        .await
        .ended(0);
    let shown = format!(
        "{SHARE}:/ on /home type nfs4 (rw,relatime,vers=4.1,rsize=1048576,wsize=1048576,namlen=255,hard,noresvport,\
         proto=tcp,timeo=600,retrans=2,sec=sys,clientaddr=10.0.1.12,local_lock=none,addr={TARGET})\n"
    );
    assert_eq!(rig.root("mount -t nfs4").await.ended(0).out, shown);
    assert!(rig.root("mount").await.ended(0).out.ends_with(&shown));
    assert!(
        rig.root("cat /proc/mounts")
            .await
            .out
            .contains(&format!("{SHARE}:/ /home nfs4 rw,"))
    );
    assert_eq!(
        rig.user("df -hT /home").await.ended(0).out,
        format!(
            "Filesystem                         Type  Size  Used Avail Use% Mounted on\n{SHARE}:/ nfs4  8.0E     0  8.0E   0% /home\n"
        )
    );
    assert_eq!(
        rig.user("findmnt -n -o SOURCE -T /home/x")
            .await
            .ended(0)
            .out,
        format!("{SHARE}:/\n")
    );
    rig.user("findmnt -t nfs3").await.ended(1);
    let tree = rig.user("findmnt").await.ended(0).out;
    assert!(
        tree.lines()
            .nth(1)
            .is_some_and(|line| line.starts_with("/ ")),
        "{tree}"
    );
    assert!(tree.contains("└─/home"), "{tree}");
}

#[tokio::test]
async fn what_is_written_is_on_the_share_and_not_below_it() {
    let rig = Rig::new();
    rig.root(&format!(
        "dnf install -yq nfs-utils; {}; mount /home && echo hello >/home/x",
        fstab("")
    ))
    .await
    .ended(0);
    let mounted = rig.host.mounts.holding("/home");
    assert_eq!(mounted.fstype, "nfs4");
    rig.root("umount /home && ls /home/x").await.ended(2);
    assert_eq!(
        rig.root("mount /home && cat /home/x").await.ended(0).out,
        "hello\n"
    );
    assert_ne!(rig.host.root().used_bytes("/home").unwrap(), 0);
}

#[tokio::test]
async fn without_the_helper_the_type_is_a_bad_option() {
    let rig = Rig::new();
    let ran = rig
        .root(&format!("mount -t nfs4 {SHARE}:/ /mnt"))
        .await
        .ended(32);
    assert!(
        ran.err
            .starts_with("mount: /mnt: bad option; for several filesystems"),
        "{}",
        ran.err
    );
    let ran = rig.root("mount -t efs fs-1:/ /mnt").await.ended(32);
    assert_eq!(ran.err, "mount: /mnt: unknown filesystem type 'efs'.\n");
}

#[tokio::test]
async fn a_share_that_does_not_answer_is_tried_for_two_minutes() {
    let rig = Rig::before_the_share("2026-01-05T12:00:00Z".parse().unwrap());
    rig.root("dnf install -yq nfs-utils").await.ended(0);
    let (seconds, ran) = rig.seconds(&format!("mount -t nfs4 {SHARE}:/ /mnt")).await;
    assert_eq!(ran.ended(32).err, "mount.nfs4: Connection timed out\n");
    assert_eq!(seconds, 120);
    let ran = rig.root("mount -t nfs4 nowhere:/ /mnt").await.ended(32);
    assert_eq!(
        ran.err,
        "mount.nfs4: Failed to resolve server nowhere: Name or service not known\n"
    );
}

#[tokio::test]
async fn a_share_that_comes_up_meanwhile_is_mounted() {
    let start = "2026-01-05T12:00:00Z".parse().unwrap();
    let rig = Rig::before_the_share(start);
    rig.root("dnf install -yq nfs-utils").await.ended(0);
    *rig.around.serves.lock().unwrap() =
        Some(rig.clock.now() + jiff::SignedDuration::from_secs(45));
    let (seconds, ran) = rig.seconds(&format!("mount -t nfs4 {SHARE}:/ /mnt")).await;
    ran.ended(0);
    assert_eq!(seconds, 50);
    assert_eq!(rig.clock.pace(), Pace::Max);
}

#[tokio::test]
async fn the_ways_to_mount_wrongly_are_told_apart() {
    let rig = Rig::new();
    rig.root("dnf install -yq nfs-utils").await.ended(0);
    for (command, status, said) in [
        (
            "mount /srv",
            1,
            "mount: /srv: can't find in /etc/fstab.\n".to_owned(),
        ),
        (
            &*format!("mount -t nfs4 {SHARE}:/ /nowhere"),
            32,
            "mount.nfs4: mount point /nowhere does not exist\n".to_owned(),
        ),
        (
            &*format!("mount -t nfs4 {SHARE}:/ /etc/fstab"),
            32,
            "mount.nfs4: mount point /etc/fstab is not a directory\n".to_owned(),
        ),
        (
            &*format!("mount -t nfs4 -o hrad {SHARE}:/ /mnt"),
            32,
            "mount.nfs4: an incorrect mount option was specified\n".to_owned(),
        ),
        (
            &*format!("mount -t nfs4 {SHARE}:/deep /mnt"),
            32,
            format!(
                "mount.nfs4: mounting {SHARE}:/deep failed, reason given by server: No such file or directory\n"
            ),
        ),
        (
            &*format!("mount -t nfs4 {SHARE}:/ /mnt && mount -t nfs4 {SHARE}:/ /mnt"),
            32,
            "mount.nfs4: /mnt is busy or already mounted\n".to_owned(),
        ),
    ] {
        let ran = rig.root(command).await.ended(status);
        assert_eq!(ran.err, said);
    }
    let ran = rig
        .user(&format!("mount -t nfs4 {SHARE}:/ /srv"))
        .await
        .ended(1);
    assert_eq!(ran.err, "mount: /srv: must be superuser to use mount.\n");
}

#[tokio::test]
async fn unmounting_needs_a_mount_a_superuser_and_nobody_inside() {
    let rig = Rig::new();
    rig.root(&format!(
        "dnf install -yq nfs-utils; mount -t nfs4 {SHARE}:/ /mnt"
    ))
    .await
    .ended(0);
    assert_eq!(
        rig.user("umount /mnt").await.ended(1).err,
        "umount: /mnt: must be superuser to unmount.\n"
    );
    assert_eq!(
        rig.root("cd /mnt && umount /mnt").await.ended(32).err,
        "umount: /mnt: target is busy.\n"
    );
    rig.root("umount /mnt").await.ended(0);
    assert_eq!(
        rig.root("umount /mnt").await.ended(32).err,
        "umount: /mnt: not mounted.\n"
    );
}

#[tokio::test]
async fn everything_in_fstab_is_mounted_at_power_on_and_only_once() {
    let rig = Rig::new();
    rig.root(&format!("dnf install -yq nfs-utils; {}", fstab("")))
        .await
        .ended(0);
    let activity = rig.clock.activity();
    assert_eq!(mount_all(&rig.host, &activity, Some("nfs,nfs4")).await, []);
    assert_eq!(
        rig.host.mounts.holding("/home").source,
        format!("{SHARE}:/")
    );
    let before = rig.host.mounts.mounts().len();
    drop(activity);
    rig.root("mount -a").await.ended(0);
    assert_eq!(rig.host.mounts.mounts().len(), before);
}

#[tokio::test]
async fn a_mount_that_may_fail_does_not_fail_the_rest() {
    let rig = Rig::new();
    rig.root("dnf install -yq nfs-utils").await.ended(0);
    rig.root("echo 'gone:/ /srv nfs4 nofail 0 0' >>/etc/fstab; mount -a")
        .await
        .ended(0);
    let ran = rig
        .root("echo 'gone:/ /media nfs4 rw 0 0' >>/etc/fstab; mount -a")
        .await
        .ended(64);
    assert_eq!(
        ran.err.matches("Failed to resolve server gone").count(),
        2,
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn the_efs_helper_knows_ids_and_hides_encryption() {
    let rig = Rig::new();
    rig.root("dnf install -yq amazon-efs-utils && mount -t efs fs-1:/ /mnt")
        .await
        .ended(0);
    assert_eq!(rig.host.mounts.holding("/mnt").source, format!("{SHARE}:/"));
    rig.root("umount /mnt && mount -t efs -o tls fs-1 /mnt")
        .await
        .ended(0);
    assert_eq!(rig.host.mounts.holding("/mnt").source, "127.0.0.1:/");
    let ran = rig.root("mount -t efs -o iam fs-1 /srv").await.ended(1);
    assert!(ran.err.contains("no option 'iam'"), "{}", ran.err);
}

#[tokio::test]
async fn df_counts_and_names_what_is_wrong() {
    let rig = Rig::new();
    let all = rig.user("df").await.ended(0).out;
    assert!(all.starts_with("Filesystem     1K-blocks "), "{all}");
    assert!(
        all.lines()
            .any(|line| line.starts_with("/dev/nvme0n1p1   8388608 ")),
        "{all}"
    );
    assert!(!all.contains("/proc"), "{all}");
    let types = rig.user("df -h --output=fstype,target / | tail -n 1").await;
    assert_eq!(types.ended(0).out, "xfs  /\n");
    rig.user("df -T --output=size").await.ended(1);
    let ran = rig.user("df -h / /nowhere").await.ended(1);
    assert_eq!(ran.err, "df: /nowhere: No such file or directory\n");
    assert_eq!(ran.out.lines().count(), 2);
    let before = inodes(&rig).await;
    rig.root("mkdir /srv/a && touch /srv/a/b").await.ended(0);
    assert_eq!(inodes(&rig).await, before + 2);
}

async fn inodes(rig: &Rig) -> u64 {
    let out = rig.root("df -i /").await.ended(0).out;
    out.lines()
        .nth(1)
        .unwrap()
        .split_whitespace()
        .nth(2)
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn what_a_whole_fstab_becomes_is_told_line_by_line() {
    let rig = Rig::new();
    rig.root("dnf install -yq nfs-utils").await.ended(0);
    rig.root(&fstab("")).await.ended(0);
    let first = rig.root("mount -av").await.ended(0).out;
    assert_eq!(
        first,
        "/                        : ignored\n/home                    : successfully mounted\n"
    );
    let again = rig.root("mount -a -v").await.ended(0).out;
    assert!(
        again.ends_with("/home                    : already mounted\n"),
        "{again}"
    );
    let raw = rig
        .user("findmnt -rn -o TARGET,FSTYPE /home")
        .await
        .ended(0)
        .out;
    assert_eq!(raw, "/home nfs4\n");
    let sizes = rig.user("findmnt -D /home").await.ended(0).out;
    assert!(
        sizes.lines().nth(1).is_some_and(|line| {
            line.split_whitespace()
                .skip(1)
                .eq(["nfs4", "8E", "0B", "8E", "0%", "/home"])
        }),
        "{sizes}"
    );
    assert_eq!(
        rig.user("stat -f -c %T /home; stat -fc '%T %s' /; mountpoint /home; mountpoint -q /srv || echo $?")
            .await
            .ended(0)
            .out,
        "nfs\nxfs 4096\n/home is a mountpoint\n32\n"
    );
    let unit = rig.user("systemctl status home.mount").await.ended(0).out;
    assert!(unit.contains("Active: active (mounted)"), "{unit}");
}

#[tokio::test]
async fn a_directory_of_a_share_is_mounted_as_a_root() {
    let rig = Rig::new();
    rig.root(&format!(
        "dnf install -yq nfs-utils; mkdir /a /b; mount -t nfs4 {SHARE}:/ /a; mkdir -p /a/sub/deep; echo x > /a/sub/f"
    ))
    .await
    .ended(0);
    let ran = rig
        .root(&format!(
            "mount -t nfs4 {SHARE}:/sub /b && ls /b && cd /b/deep && cd ../.. && pwd && echo y > /b/g && cat /a/sub/g && findmnt -no SOURCE /b && umount /b && ls /b"
        ))
        .await
        .ended(0);
    assert_eq!(ran.out, format!("deep\nf\n/\ny\n{SHARE}:/sub\n"));
    let ran = rig
        .root(&format!("mount -t nfs4 {SHARE}:/none /b"))
        .await
        .ended(32);
    assert!(
        ran.err
            .ends_with("failed, reason given by server: No such file or directory\n"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn mounts_are_made_read_only_bound_and_kept_in_memory() {
    let rig = Rig::new();
    rig.root(&format!(
        "dnf install -yq nfs-utils; mount -t nfs4 {SHARE}:/ /home"
    ))
    .await
    .ended(0);
    let ran = rig
        .root("mount -o remount,ro /home; echo x > /home/x; mount -o remount,rw /home && echo x > /home/x && cat /home/x; mount -o remount,ro /srv; echo $?")
        .await
        .ended(0);
    assert_eq!(ran.out, "x\n32\n");
    assert!(ran.err.contains("Read-only file system"), "{}", ran.err);
    let ran = rig
        .root("mkdir -p /srv/a /srv/b; echo one > /srv/a/f; cd /srv; mount --bind a b; cat b/f; echo two > b/g; cat a/g; cd /; umount /srv/b && ls /srv/b")
        .await
        .ended(0);
    assert_eq!(ran.out, "one\ntwo\n");
    let ran = rig
        .root("mount -t tmpfs -o size=10M,mode=700 tmpfs /srv/b && stat -c %a /srv/b; df -h --output=size,target /srv/b | tail -n 1; dd if=/dev/zero of=/srv/b/f bs=1M; umount /srv/b; ls /srv/b")
        .await
        .ended(0);
    assert_eq!(ran.out, "700\n  10M /srv/b\n");
    assert!(ran.err.contains("No space left on device"), "{}", ran.err);
}
