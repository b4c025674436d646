//! What the lab's throughput exercise promises, with its own command lines, against a calculation that shares nothing
//! with the model: dd's seconds and rate, what is metered, and the credits.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are compared with ones calculated in fractions"
)]

use super::Rig;
use super::throughput::{credits, home_on_the_share, metered, told};

const WRITE: &str = "dd if=/dev/zero of=/home/ec2-user/x bs=1M count=1024 conv=fdatasync,notrunc";
const DROP: &str = "sudo sh -c 'echo 3 > /proc/sys/vm/drop_caches'";
const READ: &str = "dd if=/home/ec2-user/x of=/dev/null bs=1M";

/// The rule as the documentation gives it, in MiB and seconds: 100 MiB/s while there are credits, of which each MiB that
/// is metered takes one and each stored GiB earns 50 KiB a second; then what is earned, 1 MiB/s at least. Seconds, and
/// credits left.
fn by_rule(credits: f64, metered: f64, stored_gib: f64) -> (f64, f64) {
    let earns = stored_gib * 50.0 / 1024.0;
    let seconds_of_credits = credits / (100.0 - earns);
    let at_burst = 100.0 * seconds_of_credits;
    if metered <= at_burst {
        let seconds = metered / 100.0;
        return (seconds, credits - metered + earns * seconds);
    }
    let rate = f64::max(1.0, earns);
    (seconds_of_credits + (metered - at_burst) / rate, 0.0)
}

fn within(percent: f64, measured: f64, calculated: f64) -> bool {
    (measured / calculated - 1.0).abs() <= percent / 100.0
}

/// A filesystem that has so many MiB of credits left.
async fn with_credits(mib: u64) -> Rig {
    let rig = home_on_the_share().await;
    let (share, now) = (rig.host.files.share("fs-1").unwrap(), rig.clock.now());
    let done = share.spend(now, credits(&rig) - (mib << 20));
    let wait = done.duration_since(now).try_into().unwrap();
    rig.clock.advance(wait).unwrap();
    rig
}

#[tokio::test]
async fn a_gibibyte_goes_to_a_fresh_filesystem_at_105_megabytes_a_second() {
    let rig = home_on_the_share().await;
    let (before, at) = (credits(&rig), metered(&rig));
    assert!(
        within(0.1, before as f64, 2.1 * 1024_f64.powi(4)),
        "{before}"
    );
    let wrote = rig.user(WRITE).await.ended(0);
    assert!(
        wrote.err.starts_with(
            "1024+0 records in\n1024+0 records out\n1073741824 bytes (1.1 GB, 1.0 GiB) copied, 10.2"
        ),
        "{}",
        wrote.err
    );
    assert!(wrote.err.ends_with(" s, 105 MB/s\n"), "{}", wrote.err);
    let (seconds, rate) = told(&wrote.err);
    let (calculated, _) = by_rule(2.1 * 1024.0 * 1024.0, 1024.0, 0.0);
    assert!(within(2.0, seconds, calculated), "{seconds} {calculated}");
    assert!(within(2.0, rate, 104.857_6e6), "{rate}");

    rig.user(DROP).await.ended(0);
    let read = rig.user(READ).await.ended(0);
    let (seconds, rate) = told(&read.err);
    let (calculated, _) = by_rule(2.1 * 1024.0 * 1024.0, 1024.0 / 3.0, 1.0);
    assert!(within(2.0, seconds, calculated), "{seconds} {calculated}");
    assert!(within(2.0, rate, 3.0 * 104.857_6e6), "{rate}");

    // Bytes are exact; what was asked of names and attributes is little, and metered too.
    let after = metered(&rig);
    assert_eq!(after.written - at.written, 1 << 30);
    assert_eq!(after.read - at.read, 1 << 30);
    assert_eq!(
        (after.writes - at.writes, after.reads - at.reads),
        (1024, 1024)
    );
    let metadata = after.metadata - at.metadata;
    assert!((3..60).contains(&(metadata / 4096)), "{metadata}");
    let spent = (before - credits(&rig)) as f64;
    let taken = (1_u64 << 30) as f64 * 4.0 / 3.0 + metadata as f64;
    // While a GiB is stored, 50 KiB a second are earned; the account's seconds are dd's, and a moment for the shells.
    let earned = taken - spent;
    assert!(
        (0.0..=20.0 * 50.0 * 1024.0).contains(&earned),
        "{spent} {taken}"
    );
}

#[tokio::test]
async fn after_the_credits_have_run_out_the_rate_is_that_of_the_baseline() {
    let rig = with_credits(512).await;
    let line = WRITE.replace("count=1024", "count=576");
    let wrote = rig.user(&line).await.ended(0);
    let (seconds, _) = told(&wrote.err);
    let (calculated, left) = by_rule(512.0, 576.0, 0.0);
    assert!(within(0.1, calculated, 5.12 + 64.0), "{calculated}");
    assert!(within(2.0, seconds, calculated), "{seconds} {calculated}");
    assert!(left < 1.0 && credits(&rig) < 1 << 20, "{}", credits(&rig));
    // From now on 1 MiB a second, and three when it reads.
    let line = WRITE.replace("count=1024", "count=64");
    let (seconds, _) = told(&rig.user(&line).await.ended(0).err);
    assert!(within(2.0, seconds, 64.0), "{seconds}");
    rig.user(DROP).await.ended(0);
    let line = format!("{READ} count=64");
    let (seconds, _) = told(&rig.user(&line).await.ended(0).err);
    assert!(within(2.0, seconds, 64.0 / 3.0), "{seconds}");
}

#[tokio::test]
async fn two_instances_at_once_share_what_the_filesystem_gives() {
    let rig = home_on_the_share().await;
    let other = rig.beside();
    other.root("dnf install -yq nfs-utils").await.ended(0);
    let mount = format!("mount -t nfs4 -o nfsvers=4.1 {}:/ /home", super::SHARE);
    other.root(&mount).await.ended(0);
    let line = WRITE.replace("/x", "/y");
    let (one, two) = tokio::join!(rig.user(WRITE), other.user(&line));
    let rates = [one, two].map(|ran| told(&ran.ended(0).err));
    let [(_, one), (_, two)] = rates;
    assert!(within(3.0, one, 52.4e6), "{rates:?}");
    assert!(within(3.0, two, 52.4e6), "{rates:?}");
    assert_eq!(metered(&rig).connections, 2);
}

#[tokio::test]
async fn the_root_disk_has_the_rate_of_gp3() {
    let rig = Rig::new();
    let line = WRITE.replace("/home/ec2-user/x", "/var/tmp/x");
    let (seconds, rate) = told(&rig.user(&line).await.ended(0).err);
    // 125 MiB/s, whatever was written before.
    assert!(within(2.0, seconds, 1024.0 / 125.0), "{seconds}");
    assert!(within(2.0, rate, 131.072e6), "{rate}");
    rig.user(DROP).await.ended(0);
    let line = READ.replace("/home/ec2-user/x", "/var/tmp/x");
    let (seconds, _) = told(&rig.user(&line).await.ended(0).err);
    assert!(within(2.0, seconds, 1024.0 / 125.0), "{seconds}");
}
