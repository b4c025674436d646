//! dd on a share and on the root disk: its lines, its account time, what is metered.
//!
//! The account's clock runs on while a host computes, however busy the machine is, so that it gives lower bounds only;
//! dd's own seconds are the model's, and what is metered is exact.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "figures are compared with ones calculated in fractions"
)]

use std::time::Duration;

use super::{Rig, SHARE};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// A host with the share at /mnt.
async fn mounted() -> Rig {
    let rig = Rig::new();
    rig.root("dnf install -yq nfs-utils").await.ended(0);
    rig.root(&format!("mount -t nfs4 -o nfsvers=4.1 {SHARE}:/ /mnt"))
        .await
        .ended(0);
    rig
}

/// Seconds and bytes a second of dd's last line.
pub fn told(err: &str) -> (f64, f64) {
    let line = err.lines().last().unwrap();
    let seconds = line
        .split(", ")
        .find_map(|part| part.strip_suffix(" s"))
        .unwrap();
    let (number, unit) = line.rsplit_once(", ").unwrap().1.split_once(' ').unwrap();
    let scale = match unit {
        "kB/s" => 1e3,
        "MB/s" => 1e6,
        "GB/s" => 1e9,
        other => panic!("{other}"),
    };
    (
        seconds.parse().unwrap(),
        number.parse::<f64>().unwrap() * scale,
    )
}

/// A host whose /home is on the share, as the lab's instances have it.
pub async fn home_on_the_share() -> Rig {
    let rig = Rig::new();
    let script = format!(
        "dnf install -yq nfs-utils && cp -a /home/. /tmp/home && mount -t nfs4 -o nfsvers=4.1 {SHARE}:/ /home && cp -a /tmp/home/. /home"
    );
    rig.root(&script).await.ended(0);
    rig
}

/// What the share was asked for so far.
#[derive(Debug, Default)]
pub struct Metered {
    pub read: u64,
    pub reads: u64,
    pub written: u64,
    pub writes: u64,
    /// Bytes.
    pub metadata: u64,
    /// Most at a time.
    pub connections: u64,
}

pub fn metered(rig: &Rig) -> Metered {
    let share = rig.host.files.traffic("fs-1").unwrap().unwrap();
    let from = jiff::Timestamp::UNIX_EPOCH;
    let later = rig.clock.now() + jiff::SignedDuration::from_mins(1);
    let mut all = Metered::default();
    for (_, minute) in share.meter().between(from, later) {
        all.read += minute.reads.sum;
        all.reads += minute.reads.count;
        all.written += minute.writes.sum;
        all.writes += minute.writes.count;
        all.metadata += minute.metadata.sum;
        all.connections = all.connections.max(minute.connections);
    }
    all
}

pub fn credits(rig: &Rig) -> u64 {
    let share = rig.host.files.traffic("fs-1").unwrap().unwrap();
    let stored = rig.host.files.metered_bytes("fs-1");
    share.throughput().credits(rig.clock.now(), stored)
}

#[tokio::test]
async fn a_gibibyte_is_written_at_the_burst_rate_and_read_back_three_times_as_fast() {
    let rig = mounted().await;
    let (began, before) = (rig.clock.now(), credits(&rig));
    let wrote = rig
        .root("dd if=/dev/zero of=/mnt/f bs=1M count=1024 conv=fsync")
        .await
        .ended(0);
    let lines: Vec<&str> = wrote.err.lines().collect();
    assert_eq!(lines[..2], ["1024+0 records in", "1024+0 records out"]);
    assert!(
        lines[2].starts_with("1073741824 bytes (1.1 GB, 1.0 GiB) copied, 10.2"),
        "{}",
        wrote.err
    );
    let (seconds, rate) = told(&wrote.err);
    assert!((rate / 105e6 - 1.0).abs() < 0.02, "{}", wrote.err);
    let passed = rig.clock.now().duration_since(began).as_secs_f64();
    assert!(passed >= seconds - 0.001, "{passed} {seconds}");

    rig.root("echo 3 > /proc/sys/vm/drop_caches").await.ended(0);
    let read = rig.root("dd if=/mnt/f of=/dev/null bs=1M").await.ended(0);
    let (_, rate) = told(&read.err);
    assert!((rate / 314.6e6 - 1.0).abs() < 0.02, "{}", read.err);

    let share = rig.host.files.traffic("fs-1").unwrap().unwrap();
    let minutes: Vec<_> = share
        .meter()
        .between(began, rig.clock.now())
        .map(|(_, one)| one)
        .collect();
    let sum =
        |of: fn(&crate::practice::storage::Minute) -> u64| minutes.iter().map(of).sum::<u64>();
    assert_eq!(sum(|one| one.writes.sum), GIB);
    assert_eq!(sum(|one| one.reads.sum), GIB);
    assert_eq!(minutes.last().unwrap().connections, 1);
    let spent = before - credits(&rig);
    let metered = sum(|one| one.metadata.sum) + GIB + GIB / 3;
    // What was earned meanwhile: at most 50 KiB a second for the one GiB.
    assert!(
        spent <= metered && metered - spent <= 20 * 50 * 1024,
        "{spent} {metered}"
    );
}

#[tokio::test]
async fn what_is_in_the_cache_is_read_without_the_share_until_the_cache_is_dropped() {
    let rig = mounted().await;
    rig.root("dd if=/dev/zero of=/mnt/f bs=1M count=100 status=none")
        .await
        .ended(0);
    let read = || async {
        told(
            &rig.root("dd if=/mnt/f of=/dev/null bs=1M")
                .await
                .ended(0)
                .err,
        )
        .1
    };
    assert!(read().await > 1e9);
    rig.user("echo 3 > /proc/sys/vm/drop_caches").await.ended(1);
    assert!(read().await > 1e9);
    rig.root("echo 4 > /proc/sys/vm/drop_caches").await.ended(1);
    rig.root("sync; echo 3 > /proc/sys/vm/drop_caches")
        .await
        .ended(0);
    assert!(read().await < 320e6);
    assert!(read().await > 1e9);
    // More than memory holds is not all there when it is read from the beginning again.
    rig.root("dd if=/dev/zero of=/mnt/f bs=1M count=1024 status=none")
        .await
        .ended(0);
    assert!(read().await < 320e6);
}

#[tokio::test]
async fn without_credits_the_rate_is_that_of_the_baseline() {
    let rig = mounted().await;
    let share = rig.host.files.share("fs-1").unwrap();
    let now = rig.clock.now();
    let done = share.spend(now, 2200 * GIB);
    rig.clock
        .advance(Duration::try_from(done.duration_since(now)).unwrap())
        .unwrap();
    let (seconds, ran) = rig
        .seconds("dd if=/dev/zero of=/mnt/f bs=1M count=64 conv=fdatasync")
        .await;
    // Of one megabyte and a bit a second dd shows two digits; its seconds are exact.
    let (took, _) = told(&ran.ended(0).err);
    assert!((took / 64.0 - 1.0).abs() < 0.02, "{took}");
    assert!(seconds >= 63, "{seconds}");
    let (seconds, ran) = rig
        .seconds("echo 3 > /proc/sys/vm/drop_caches; dd if=/mnt/f of=/dev/null bs=1M")
        .await;
    let (took, _) = told(&ran.ended(0).err);
    assert!((took / (64.0 / 3.0) - 1.0).abs() < 0.02, "{took}");
    assert!(seconds >= 21, "{seconds}");
}

#[tokio::test]
async fn the_root_disk_has_the_rate_of_its_volume_once_it_must_store_what_was_written() {
    let rig = Rig::new();
    let stored = rig
        .root("dd if=/dev/zero of=/var/f bs=1M count=512 conv=fsync")
        .await
        .ended(0);
    assert!(
        (told(&stored.err).1 / 131e6 - 1.0).abs() < 0.02,
        "{}",
        stored.err
    );
    rig.root("sleep 10").await.ended(0);
    let cached = rig
        .root("dd if=/dev/zero of=/var/g bs=1M count=100")
        .await
        .ended(0);
    assert!(told(&cached.err).1 > 1e9, "{}", cached.err);
    let full = rig.root("dd if=/dev/zero of=/var/h bs=64M").await.ended(1);
    assert!(
        full.err
            .starts_with("dd: error writing '/var/h': No space left on device\n"),
        "{}",
        full.err
    );
}

#[tokio::test]
async fn waiting_for_each_block_costs_a_latency_each() {
    let rig = mounted().await;
    let behind = rig
        .root("dd if=/dev/zero of=/mnt/f bs=4k count=500")
        .await
        .ended(0);
    let direct = rig
        .root("dd if=/dev/zero of=/mnt/f bs=4k count=500 oflag=dsync")
        .await
        .ended(0);
    assert!(told(&direct.err).0 > 500.0 * 0.0027, "{}", direct.err);
    assert!(told(&behind.err).0 < 0.1, "{}", behind.err);
}

#[tokio::test]
async fn dd_copies_what_it_is_told_to() {
    let rig = mounted().await;
    let ran = rig
        .root(
            "cd /mnt; printf abcdefghij > a; dd if=a of=b bs=4 status=noxfer; cat b; echo
             printf XY | dd of=b bs=1 seek=2 conv=notrunc status=none; cat b; echo
             dd if=a bs=2 skip=1 count=2 status=none; echo
             dd if=/dev/urandom bs=1k count=3 status=none | wc -c
             dd if=/nowhere of=c",
        )
        .await
        .ended(1);
    assert_eq!(ran.out, "abcdefghij\nabXYefghij\ncdef\n3072\n");
    assert_eq!(
        ran.err,
        "2+1 records in\n2+1 records out\ndd: failed to open '/nowhere': No such file or directory\n"
    );
}

#[tokio::test]
async fn what_takes_next_to_no_time_takes_some() {
    let rig = Rig::new();
    for line in [
        "dd if=/dev/zero of=/tmp/zz bs=4k count=1",
        "dd if=/etc/passwd of=/dev/null",
        "dd if=/dev/zero bs=1k count=1 | cat > /dev/null",
        "dd if=/dev/zero bs=1M count=10 of=/dev/null",
    ] {
        for _ in 0..5 {
            let ran = rig.root(line).await.ended(0);
            let (seconds, rate) = told(&ran.err);
            assert!(seconds > 0.0 && seconds < 0.1, "{line}: {}", ran.err);
            assert!(rate > 0.0, "{line}: {}", ran.err);
        }
    }
}

#[tokio::test]
async fn other_commands_take_the_time_of_their_bytes_too() {
    let rig = mounted().await;
    rig.root("dd if=/dev/zero of=/tmp/f bs=1M count=100 status=none")
        .await
        .ended(0);
    let (seconds, ran) = rig.seconds("cat /tmp/f > /mnt/f").await;
    ran.ended(0);
    let share = rig.host.files.traffic("fs-1").unwrap().unwrap();
    let minutes = share.meter().between(
        rig.clock.now() - jiff::SignedDuration::from_mins(1),
        rig.clock.now(),
    );
    let written: u64 = minutes.map(|(_, one)| one.writes.sum).sum();
    assert_eq!(written, 100 * MIB);
    assert!(seconds >= 1, "{seconds}");
    // The copy is what is large: to hold it costs nothing.
    let (seconds, ran) = rig
        .seconds("cp /mnt/f /mnt/g; for i in 1 2 3; do touch /mnt/$i; done")
        .await;
    ran.ended(0);
    assert!(seconds >= 1, "{seconds}");
    let before = rig.clock.now();
    rig.root("touch /mnt/4").await.ended(0);
    let took = rig.clock.now().duration_since(before).as_secs_f64();
    assert!(took >= 0.0027, "{took}");
}
