//! Volumes on a host: names, filesystems, mounts, freezing, growing; compared with the real tools where they can be had.

use std::process::Command;
use std::sync::Arc;

use jiff::Timestamp;

use super::Rig;
use crate::practice::compute::Disk;
use crate::practice::compute::host::Session;
use crate::practice::compute::users::User;

const VOLUME: &str = "vol-0123456789abcdef0";
const UUID: &str = "11111111-2222-4333-8444-555555555555";

fn disk(device: &str, gib: u32) -> Disk {
    Disk {
        volume: VOLUME.to_owned(),
        device: device.to_owned(),
        gib,
        root: false,
    }
}

fn start() -> Timestamp {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

/// A Nitro host with a blank volume of 5 GiB, attached while it runs.
fn nitro() -> Rig {
    let rig = Rig::with(start(), "t3.micro", Vec::new());
    rig.host.attach(&disk("/dev/sdf", 5));
    rig
}

/// The same with a filesystem on it.
async fn formatted() -> Rig {
    let rig = nitro();
    rig.root(&format!(
        "mkfs.ext4 -q -U {UUID} /dev/sdf && mkdir /mnt/backup"
    ))
    .await
    .ended(0);
    rig
}

#[tokio::test]
async fn a_volume_comes_with_its_names_and_goes_with_them() {
    let rig = Rig::with(start(), "t3.micro", Vec::new());
    rig.user("test -b /dev/nvme1n1").await.ended(1);
    rig.host.attach(&disk("/dev/sdf", 5));
    let by_id = format!(
        "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{}",
        VOLUME.replace('-', "")
    );
    let ran = rig
        .user(&format!(
            "[ -b /dev/nvme1n1 ] && test ! -b /etc/passwd -a -b /dev/sdf && readlink /dev/sdf {by_id}; realpath {by_id}; ls -l /dev/nvme1n1"
        ))
        .await
        .ended(0);
    assert_eq!(
        ran.out,
        "nvme1n1\n../../nvme1n1\n/dev/nvme1n1\nbrw-rw---- 1 root disk 259,   4 Jan  5 12:00 /dev/nvme1n1\n"
    );
    assert_eq!(
        rig.user("lsblk").await.ended(0).out,
        "NAME          MAJ:MIN RM SIZE RO TYPE MOUNTPOINTS\n\
         nvme0n1       259:0    0   8G  0 disk \n\
         ├─nvme0n1p1   259:1    0   8G  0 part /\n\
         ├─nvme0n1p127 259:2    0   1M  0 part \n\
         └─nvme0n1p128 259:3    0  10M  0 part \n\
         nvme1n1       259:4    0   5G  0 disk \n"
    );
    assert_eq!(
        rig.user("lsblk -dno NAME,SERIAL /dev/sdf")
            .await
            .ended(0)
            .out,
        "nvme1n1 vol0123456789abcdef0\n"
    );
    assert_eq!(
        rig.root("ebsnvme-id /dev/nvme1n1").await.ended(0).out,
        format!("Volume ID: {VOLUME}\n/dev/sdf\n")
    );
    let parts = rig.user("tail -n 1 /proc/partitions").await.ended(0).out;
    assert_eq!(parts, " 259        4    5242880 nvme1n1\n");
    assert!(rig.host.release(VOLUME, false));
    rig.user("ls /dev/nvme1n1").await.ended(2);
    rig.user(&format!("test -L {by_id} || test -L /dev/sdf"))
        .await
        .ended(1);
    assert_eq!(
        rig.user("lsblk /dev/sdf").await.ended(32).err,
        "lsblk: /dev/sdf: not a block device\n"
    );
}

#[tokio::test]
async fn on_xen_the_volume_is_where_the_textbook_looks_for_it() {
    let rig = Rig::with(start(), "t2.micro", vec![disk("/dev/xvdf", 5)]);
    let script = r#"
        while ! [ "`fdisk -l | grep '/dev/xvdf' | wc -l`" -ge "1" ]; do sleep 10; done
        if [[ "`file -s /dev/xvdf`" != *"ext4"* ]]; then
          mkfs -t ext4 /dev/xvdf
        fi
        mkdir /mnt/backup
        echo "/dev/xvdf /mnt/backup ext4 defaults,nofail 0 2" >> /etc/fstab
        mount -a
        echo saved > /mnt/backup/x
        findmnt -no SOURCE,FSTYPE /mnt/backup
    "#;
    let ran = rig.root(script).await.ended(0);
    assert!(ran.out.ends_with("\n/dev/xvdf ext4\n"), "{}", ran.out);
    assert_eq!(
        rig.user("lsblk -l").await.ended(0).out,
        "NAME    MAJ:MIN RM SIZE RO TYPE MOUNTPOINTS\n\
         xvda    202:0    0   8G  0 disk \n\
         xvda1   202:1    0   8G  0 part /\n\
         xvda127 259:0    0   1M  0 part \n\
         xvda128 259:1    0  10M  0 part \n\
         xvdf    202:80   0   5G  0 disk /mnt/backup\n"
    );
    assert_eq!(rig.user("readlink /dev/sdf").await.ended(0).out, "xvdf\n");
    assert!(!rig.host.release(VOLUME, false));
}

#[tokio::test]
async fn a_filesystem_is_told_as_the_real_tools_tell_it() {
    let rig = nitro();
    let blank = rig
        .root("file -s /dev/nvme1n1; blkid /dev/nvme1n1")
        .await
        .ended(2);
    assert_eq!(blank.out, "/dev/nvme1n1: data\n");
    let ours = rig
        .root(&format!("mkfs.ext4 -U {UUID} -L backup /dev/nvme1n1"))
        .await
        .ended(0);
    assert_eq!(ours.err, "mke2fs 1.46.5 (30-Dec-2021)\n");
    let image = tempfile::NamedTempFile::new().unwrap();
    image.as_file().set_len(5 << 30).unwrap();
    let real = |program: &str, args: &[&str]| {
        let output = Command::new(program)
            .args(args)
            .arg(image.path())
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .ok()?;
        assert!(output.status.success(), "{output:?}");
        Some(String::from_utf8(output.stdout).unwrap())
    };
    let made = real(
        "mkfs.ext4",
        &[
            "-E",
            "nodiscard",
            "-O",
            "^orphan_file",
            "-U",
            UUID,
            "-L",
            "backup",
        ],
    );
    assert_eq!(ours.out, made.unwrap());
    if let Some(told) = real("file", &["-b", "-s"]) {
        assert_eq!(rig.root("file -bsL /dev/sdf").await.ended(0).out, told);
    }
    let told = real(
        "blkid",
        &[
            "-p",
            "-s",
            "LABEL",
            "-s",
            "UUID",
            "-s",
            "BLOCK_SIZE",
            "-s",
            "TYPE",
        ],
    );
    if let Some((_, told)) = told.as_deref().and_then(|line| line.split_once(':')) {
        assert_eq!(
            rig.root("blkid /dev/nvme1n1").await.ended(0).out,
            format!("/dev/nvme1n1:{told}")
        );
    }
    let told = real("dumpe2fs", &["-h"]).unwrap();
    let shown = rig.root("dumpe2fs -h /dev/nvme1n1").await.ended(0).out;
    // Dates, and what is made up at random or counted while it is written, are the real one's own.
    let own = [
        "created",
        "write",
        "check",
        "Lifetime",
        "Hash Seed",
        "Checksum:",
        "ournal",
        "Maximum",
        "extra isize",
        "transaction",
        "commit",
    ];
    let kept = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .filter(|line| !own.iter().any(|word| line.contains(word)))
            .map(|line| line.replace("Inode size:\t ", "Inode size:"))
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    };
    assert_eq!(kept(&shown), kept(&told));
    assert_eq!(
        rig.root("blkid -o value -s UUID /dev/sdf; blkid -L backup; e2label /dev/sdf")
            .await
            .ended(0)
            .out,
        format!("{UUID}\n/dev/nvme1n1\nbackup\n")
    );
    assert_eq!(
        rig.user(&format!(
            "readlink -f /dev/disk/by-uuid/{UUID} /dev/disk/by-label/backup"
        ))
        .await
        .ended(0)
        .out,
        "/dev/nvme1n1\n/dev/nvme1n1\n"
    );
}

#[tokio::test]
async fn fdisk_lists_disks_to_root_only() {
    let rig = nitro();
    let shown = rig.root("fdisk -l").await.ended(0).out;
    let expected = "\n\nDisk /dev/nvme1n1: 5 GiB, 5368709120 bytes, 10485760 sectors\n\
                    Disk model: Amazon Elastic Block Store              \n\
                    Units: sectors of 1 * 512 = 512 bytes\n\
                    Sector size (logical/physical): 512 bytes / 4096 bytes\n\
                    I/O size (minimum/optimal): 4096 bytes / 4096 bytes\n";
    assert!(shown.ends_with(expected), "{shown}");
    assert!(
        shown.contains("/dev/nvme0n1p1   24576 16777182 16752607   8G Linux filesystem\n"),
        "{shown}"
    );
    let ran = rig.user("fdisk -l").await;
    assert!(
        ran.out.is_empty()
            && ran
                .err
                .contains("cannot open /dev/nvme1n1: Permission denied")
    );
    rig.root("fdisk -l /dev/xvdz").await.ended(1);
}

#[tokio::test]
async fn what_fstab_names_is_mounted_by_any_of_its_names_and_only_once() {
    for name in [
        "UUID=11111111-2222-4333-8444-555555555555",
        "LABEL=backup",
        "/dev/sdf",
        "/dev/nvme1n1",
    ] {
        let rig = formatted().await;
        rig.root("tune2fs -L backup /dev/sdf").await.ended(0);
        rig.root(&format!(
            "echo '{name} /mnt/backup ext4 defaults,nofail 0 2' >> /etc/fstab; mount -a && mount -a && echo x > /mnt/backup/x"
        ))
        .await
        .ended(0);
        assert_eq!(
            rig.user("findmnt -n /mnt/backup; mount | grep -c nvme1n1")
                .await
                .ended(0)
                .out,
            "/mnt/backup /dev/nvme1n1 ext4 rw,relatime,seclabel\n1\n"
        );
        // Not while it is mounted.
        assert!(!rig.host.release(VOLUME, false));
        assert_eq!(
            rig.root("cd /mnt/backup && umount /mnt/backup")
                .await
                .ended(32)
                .err,
            "umount: /mnt/backup: target is busy.\n"
        );
        rig.root("umount /dev/sdf").await.ended(0);
        assert_eq!(*rig.around.unmounted.lock().unwrap(), 1);
        rig.user("ls /mnt/backup/x").await.ended(2);
        rig.root("mount /mnt/backup && cat /mnt/backup/x")
            .await
            .ended(0);
        rig.root("umount /mnt/backup").await.ended(0);
        assert!(rig.host.release(VOLUME, false));
        // Missing now, and may be.
        rig.root("mount -a").await.ended(0);
    }
}

#[tokio::test]
async fn df_shows_what_ext4_leaves_and_a_full_device_says_so() {
    let rig = formatted().await;
    rig.root("mount /dev/sdf /mnt/backup").await.ended(0);
    // As df shows a new filesystem of 5 GiB.
    assert_eq!(
        rig.user("df -h /mnt/backup | tail -n 1; df --output=size,used,avail /mnt/backup | tail -n 1; df -i /mnt/backup | tail -n 1").await.ended(0).out,
        "/dev/nvme1n1    4.9G   24K  4.6G   1% /mnt/backup\n  5074592    24 4796040\n/dev/nvme1n1   327680    11 327669    1% /mnt/backup\n"
    );
    let ran = rig
        .root("dd if=/dev/zero of=/mnt/backup/fill bs=1M status=none")
        .await
        .ended(1);
    assert_eq!(
        ran.err,
        "dd: error writing '/mnt/backup/fill': No space left on device\n"
    );
    assert!(
        rig.user("df -h /mnt/backup")
            .await
            .out
            .contains("   0 100% /mnt/backup")
    );
    rig.root("echo more > /mnt/backup/more").await.ended(1);
    rig.root("rm /mnt/backup/fill; echo more > /mnt/backup/more")
        .await
        .ended(0);
}

#[tokio::test]
async fn the_ways_to_use_a_device_wrongly_are_told_apart() {
    let rig = formatted().await;
    rig.host.attach(&Disk {
        volume: "vol-0123456789abcdef1".to_owned(),
        ..disk("/dev/sdg", 1)
    });
    rig.root("mount /dev/sdf /mnt/backup").await.ended(0);
    let greeting = |name: &str| format!("{name} 1.46.5 (30-Dec-2021)\n");
    for (line, status, said) in [
        ("mount /dev/sdg /srv", 32, "mount: /srv: wrong fs type, bad option, bad superblock on /dev/nvme2n1, missing codepage or helper program, or other error.\n".to_owned()),
        ("mount -t xfs /dev/sdf /srv", 32, "mount: /srv: wrong fs type, bad option, bad superblock on /dev/nvme1n1, missing codepage or helper program, or other error.\n".to_owned()),
        ("mount /dev/sdh /srv", 32, "mount: /srv: special device /dev/sdh does not exist.\n".to_owned()),
        ("mount /dev/sdf /nowhere", 32, "mount: /nowhere: mount point does not exist.\n".to_owned()),
        ("mount /dev/sdf /mnt/backup", 32, "mount: /mnt/backup: /dev/nvme1n1 already mounted on /mnt/backup.\n".to_owned()),
        ("mount UUID=0-0 /srv", 1, "mount: /srv: can't find UUID=0-0.\n".to_owned()),
        ("mkfs.ext4 /dev/sdf", 1, greeting("mke2fs") + "/dev/sdf is mounted; will not make a filesystem here!\n"),
        ("mkfs.ext4 -q /dev/nvme0n1", 1, "/dev/nvme0n1 is apparently in use by the system; will not make a filesystem here!\n".to_owned()),
        ("mkfs -t xfs /dev/sdg", 1, "mkfs: failed to execute mkfs.xfs: No such file or directory\n".to_owned()),
        ("e2fsck -fy /dev/sdf", 8, greeting("e2fsck") + "e2fsck: Cannot continue, aborting.\n\n\n"),
        ("resize2fs /dev/sdg", 1, greeting("resize2fs") + "resize2fs: Bad magic number in super-block while trying to open /dev/sdg\n"),
        ("resize2fs /dev/sdf", 0, greeting("resize2fs") + "The filesystem is already 1310720 (4k) blocks long.  Nothing to do!\n\n"),
        ("fsfreeze -f /tmp", 1, "fsfreeze: /tmp: freeze failed: Operation not supported\n".to_owned()),
        ("fsfreeze -u /mnt/backup", 1, "fsfreeze: /mnt/backup: unfreeze failed: Invalid argument\n".to_owned()),
        ("fsfreeze /mnt/backup", 1, "fsfreeze: neither --freeze or --unfreeze specified\n".to_owned()),
        ("fsfreeze -f /nowhere", 1, "fsfreeze: cannot open /nowhere: No such file or directory\n".to_owned()),
        ("dd if=/dev/zero of=/dev/sdf bs=1M count=1 status=none", 1, "dd: error writing '/dev/sdf': Device or resource busy\n".to_owned()),
    ] {
        assert_eq!(rig.root(line).await.ended(status).err, said, "{line}");
    }
    for (line, status, said) in [
        (
            "fsfreeze -f /mnt/backup",
            1,
            "fsfreeze: /mnt/backup: freeze failed: Operation not permitted\n",
        ),
        (
            "mkfs.ext4 -q /dev/sdg",
            1,
            "mkfs.ext4: Permission denied while trying to determine filesystem size\n",
        ),
        ("cat /dev/sdg", 1, "cat: /dev/sdg: Permission denied\n"),
    ] {
        assert_eq!(rig.user(line).await.ended(status).err, said, "{line}");
    }
    assert_eq!(
        rig.user("file -s /dev/nvme1n1").await.ended(0).out,
        "/dev/nvme1n1: no read permission\n"
    );
}

#[tokio::test]
async fn zeros_wipe_a_filesystem() {
    let rig = formatted().await;
    rig.root("dd if=/dev/zero of=/dev/nvme1n1 bs=1M count=1 status=none; file -s /dev/nvme1n1 | grep -q ': data'")
        .await
        .ended(0);
    rig.user(&format!("test -e /dev/disk/by-uuid/{UUID}"))
        .await
        .ended(1);
    let ran = rig.root("head -c 4 /dev/nvme1n1 | od -An -tx1; dd if=/dev/urandom of=/dev/nvme1n1 bs=4k count=1 status=none").await.ended(1);
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        (
            " 00 00 00 00\n",
            "dd: error writing '/dev/nvme1n1': Input/output error\n"
        )
    );
    assert!(
        rig.root("dmesg | tail -n 1")
            .await
            .out
            .contains("does not model")
    );
}

#[tokio::test]
async fn writers_of_a_frozen_filesystem_wait_in_account_time_and_readers_do_not() {
    let rig = formatted().await;
    rig.root("mount /dev/sdf /mnt/backup; echo old > /mnt/backup/a; chmod 777 /mnt/backup; fsfreeze -f /mnt/backup")
        .await
        .ended(0);
    assert_eq!(
        rig.root("fsfreeze -f /mnt/backup").await.ended(1).err,
        "fsfreeze: /mnt/backup: freeze failed: Device or resource busy\n"
    );
    let begun = rig.clock.now();
    let host = Arc::clone(&rig.host);
    let clock = rig.clock.clone();
    let mut writers: Vec<_> = [
        "echo new > /mnt/backup/a",
        "touch /mnt/backup/b",
        "cp /etc/passwd /mnt/backup/c",
        "mkdir /mnt/backup/d",
        "rm -r /mnt/backup/lost+found",
        "dd if=/dev/zero of=/mnt/backup/e bs=1k count=1 status=none",
        "echo x | tee /mnt/backup/f",
        "mv /tmp/g /mnt/backup/g",
    ]
    .into_iter()
    .map(|line| {
        let (host, clock) = (Arc::clone(&host), clock.clone());
        tokio::spawn(async move {
            let activity = Arc::new(clock.activity());
            let mut shell = host.shell(&User::root(), Session::Batch, activity).build();
            let ended = shell.exec(&format!("touch /tmp/g; {line}")).await.unwrap();
            (line, ended.exit_code, clock.now())
        })
    })
    .collect();
    // Who reads goes on; an hour passes.
    assert_eq!(
        rig.user("sleep 3600; cat /mnt/backup/a; ls /mnt/backup")
            .await
            .ended(0)
            .out,
        "old\na\nlost+found\n"
    );
    rig.root("umount /mnt/backup/nothing").await.ended(32);
    for writer in &mut writers {
        assert!(!writer.is_finished(), "{:?}", writer.await.unwrap());
    }
    rig.root("fsfreeze -u /mnt/backup").await.ended(0);
    for writer in writers {
        let (line, status, at) = writer.await.unwrap();
        assert_eq!(status, 0, "{line}");
        assert!(at.duration_since(begun).as_secs() >= 3600, "{line}");
    }
    assert_eq!(
        rig.user("cat /mnt/backup/a; ls /mnt/backup")
            .await
            .ended(0)
            .out,
        "new\na\nb\nc\nd\ne\nf\ng\n"
    );
}

#[tokio::test]
async fn who_waits_for_a_frozen_filesystem_can_be_interrupted() {
    let rig = formatted().await;
    rig.root("mount /dev/sdf /mnt/backup; fsfreeze -f /mnt/backup")
        .await
        .ended(0);
    // `timeout` ends it as Ctrl-C does: by not going on with it.
    let (seconds, ran) = rig
        .seconds("timeout 30 bash -c 'echo x > /mnt/backup/x'")
        .await;
    ran.ended(124);
    assert_eq!(seconds, 30);
    rig.root("fsfreeze -u /mnt/backup; test -e /mnt/backup/x")
        .await
        .ended(1);
}

#[tokio::test]
async fn a_grown_volume_is_used_once_its_filesystem_has_grown() {
    let rig = formatted().await;
    rig.root("mount /dev/sdf /mnt/backup").await.ended(0);
    rig.host.attach(&disk("/dev/sdf", 8));
    assert_eq!(
        rig.user("lsblk -dno SIZE /dev/sdf; df -h --output=size /mnt/backup | tail -n 1")
            .await
            .ended(0)
            .out,
        " 8G\n 4.9G\n"
    );
    let ran = rig.root("resize2fs /dev/sdf").await.ended(0);
    assert_eq!(
        ran.out,
        "Filesystem at /dev/sdf is mounted on /mnt/backup; on-line resizing required\nold_desc_blocks = 1, new_desc_blocks = 1\n\
         The filesystem on /dev/sdf is now 2097152 (4k) blocks long.\n\n"
    );
    assert_eq!(
        rig.user("df -h --output=size,avail /mnt/backup | tail -n 1")
            .await
            .ended(0)
            .out,
        " 7.8G  7.4G\n"
    );
    rig.root("umount /mnt/backup").await.ended(0);
    rig.host.attach(&disk("/dev/sdf", 9));
    assert_eq!(
        rig.root("resize2fs /dev/nvme1n1").await.ended(1).err,
        "resize2fs 1.46.5 (30-Dec-2021)\nPlease run 'e2fsck -f /dev/nvme1n1' first.\n\n"
    );
    let ran = rig
        .root("e2fsck -fy /dev/nvme1n1 && resize2fs /dev/nvme1n1")
        .await
        .ended(0);
    assert!(
        ran.out.contains("11/524288 files (0.0% non-contiguous)"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .ends_with("The filesystem on /dev/nvme1n1 is now 2359296 (4k) blocks long.\n\n"),
        "{}",
        ran.out
    );
}

#[tokio::test]
async fn a_volume_that_is_taken_by_force_gives_errors_to_who_uses_it() {
    let rig = formatted().await;
    rig.root("mount /dev/sdf /mnt/backup; echo x > /mnt/backup/x")
        .await
        .ended(0);
    assert!(rig.host.release(VOLUME, true));
    let ran = rig
        .root("cat /mnt/backup/x; echo y > /mnt/backup/y")
        .await
        .ended(1);
    assert!(ran.err.contains("Input/output error"), "{}", ran.err);
    // What was written is there wherever it is attached next.
    rig.root("umount -l /mnt/backup").await.ended(0);
    rig.host.attach(&disk("/dev/sdg", 5));
    assert_eq!(
        rig.root("mount /dev/sdg /mnt/backup && cat /mnt/backup/x")
            .await
            .ended(0)
            .out,
        "x\n"
    );
}

#[tokio::test]
async fn a_formatted_volume_is_read_as_a_whole_at_its_own_speed() {
    let rig = formatted().await;
    let ran = rig
        .root("dd if=/dev/nvme1n1 of=/dev/null bs=1M")
        .await
        .ended(0);
    let (seconds, rate) = super::throughput::told(&ran.err);
    assert!(
        ran.err
            .starts_with("5120+0 records in\n5120+0 records out\n5368709120 bytes"),
        "{}",
        ran.err
    );
    assert!(
        (rate / 131e6 - 1.0).abs() < 0.02 && seconds > 40.0,
        "{}",
        ran.err
    );
    // Its bytes are nothing that could be kept.
    rig.root("dd if=/dev/nvme1n1 of=/tmp/copy bs=1M count=1")
        .await
        .ended(1);
    rig.user("dd if=/dev/nvme1n1 of=/dev/null bs=1M count=1")
        .await
        .ended(1);
    rig.root("dd if=/dev/zero of=/dev/nvme1n1 bs=1M seek=3 count=1")
        .await
        .ended(1);
}

#[tokio::test]
async fn programs_read_the_block_devices_as_json() {
    let rig = formatted().await;
    let ran = rig
        .user("lsblk -J -o NAME,SIZE,RO,FSTYPE,MOUNTPOINTS")
        .await
        .ended(0);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let disks = json["blockdevices"].as_array().unwrap();
    assert_eq!(disks.len(), 2);
    assert_eq!(disks[0]["children"][0]["mountpoints"][0], "/");
    assert_eq!(disks[1]["name"], "nvme1n1");
    assert_eq!(disks[1]["size"], "5G");
    assert_eq!(disks[1]["ro"], false);
    assert_eq!(disks[1]["mountpoints"][0], serde_json::Value::Null);
}
