//! What the commands of a learner cost on a share: bytes and operations are metered exactly, and take their time.

use super::Rig;
use super::throughput::{Metered, home_on_the_share, metered, told};

const MIB: u64 = 1 << 20;

/// What a script as ec2-user, in its home on the share, has the share metered, and the seconds that it takes.
async fn cost(rig: &Rig, script: &str) -> (Metered, f64) {
    let (before, began) = (metered(rig), rig.clock.now());
    rig.user(script).await.ended(0);
    let (after, took) = (metered(rig), rig.clock.now().duration_since(began));
    let cost = Metered {
        read: after.read - before.read,
        reads: after.reads - before.reads,
        written: after.written - before.written,
        writes: after.writes - before.writes,
        metadata: after.metadata - before.metadata,
        connections: after.connections,
    };
    (cost, took.as_secs_f64())
}

/// A share with a file of 20 MiB outside it and in it, which no cache has.
async fn with_files() -> Rig {
    let rig = home_on_the_share().await;
    rig.user("dd if=/dev/urandom of=/var/tmp/big bs=1M count=20 status=none; cp /var/tmp/big big")
        .await
        .ended(0);
    rig.root("echo 3 > /proc/sys/vm/drop_caches").await.ended(0);
    rig
}

#[tokio::test]
async fn every_way_to_write_a_file_is_metered_and_takes_the_time_of_its_bytes() {
    let rig = with_files().await;
    rig.root("dnf install -yq rsync").await.ended(0);
    for (n, script) in [
        "dd if=/var/tmp/big of=OUT bs=1M",
        "dd if=/var/tmp/big of=OUT bs=4k",
        "dd if=/var/tmp/big of=OUT bs=333",
        "cp /var/tmp/big OUT",
        "cat /var/tmp/big > OUT",
        "cat < /var/tmp/big | cat > OUT",
        "cat /var/tmp/big | tee OUT > /dev/null",
        "rsync -a /var/tmp/big OUT",
        "mv /var/tmp/moved OUT",
        "install /var/tmp/big OUT",
    ]
    .into_iter()
    .enumerate()
    {
        rig.user("cp /var/tmp/big /var/tmp/moved").await.ended(0);
        let script = script.replace("OUT", &format!("out{n}"));
        let (cost, seconds) = cost(&rig, &script).await;
        assert_eq!(cost.written, 20 * MIB, "{script}");
        assert_eq!(cost.read, 0, "{script}");
        // As large as the mount allows, but for what begins or ends in the middle.
        assert!((20..=22).contains(&cost.writes), "{script} {cost:?}");
        assert!(seconds >= 0.2, "{script} {seconds}");
        assert!(
            (1..=30).contains(&(cost.metadata / 4096)),
            "{script} {cost:?}"
        );
        let checked = format!("cmp /var/tmp/big out{n}");
        rig.user(&checked).await.ended(0);
    }
}

#[tokio::test]
async fn every_way_to_read_a_file_is_metered_once_and_then_it_is_in_memory() {
    let rig = with_files().await;
    rig.root("dnf install -yq rsync").await.ended(0);
    for script in [
        "dd if=big of=/dev/null bs=1M",
        "dd if=big of=/dev/null bs=512",
        "cat big > /dev/null",
        "cp big /var/tmp/copy",
        "wc -c < big",
        "md5sum big",
        "tar cf /var/tmp/a.tar big",
        "rsync -a big /var/tmp/new/",
    ] {
        rig.root("echo 3 > /proc/sys/vm/drop_caches; rm -rf /var/tmp/new")
            .await
            .ended(0);
        let (first, seconds) = cost(&rig, script).await;
        assert_eq!((first.read, first.written), (20 * MIB, 0), "{script}");
        assert!((20..=21).contains(&first.reads), "{script} {first:?}");
        assert!(seconds >= 0.066, "{script} {seconds}");
        let again = script.replace("/var/tmp/new/", "/var/tmp/newer/");
        let (again, _) = cost(&rig, &again).await;
        assert_eq!(again.read, 0, "{script}");
    }
}

#[tokio::test]
async fn many_small_files_cost_a_latency_each_and_four_kibibytes() {
    let rig = home_on_the_share().await;
    let (cost, seconds) = cost(&rig, "for i in {1..100}; do echo $i > f$i; done").await;
    assert_eq!(cost.writes, 100);
    assert_eq!(cost.written, 9 * 2 + 90 * 3 + 4);
    // One to make the file, one to write it: 2.7 milliseconds each.
    assert!(seconds >= 100.0 * 2.0 * 0.0027, "{seconds}");
    assert!(cost.metadata >= 100 * 4096, "{cost:?}");
    let (appended, seconds) =
        super::metering::cost(&rig, "for i in {1..50}; do echo $i >> log; done").await;
    assert_eq!(appended.writes, 50, "{appended:?}");
    assert!(seconds >= 50.0 * 0.0027, "{seconds}");
}

#[tokio::test]
async fn names_and_attributes_are_asked_for_and_then_believed_for_a_while() {
    let rig = home_on_the_share().await;
    rig.user("for i in {1..20}; do : > f$i; done; sleep 60")
        .await
        .ended(0);
    let (first, seconds) = cost(&rig, "ls -l").await;
    let asked = first.metadata / 4096;
    assert!(asked >= 1, "{first:?}");
    assert!(seconds >= 0.000_25, "{seconds}");
    assert_eq!((first.read, first.written), (0, 0));
    let (stat, _) = cost(&rig, "sleep 60; stat f1 f2 > /dev/null").await;
    assert!((2..=8).contains(&(stat.metadata / 4096)), "{stat:?}");
    let (twice, _) = cost(
        &rig,
        "sleep 60; stat f1 f2 > /dev/null; stat f1 f2 > /dev/null",
    )
    .await;
    assert_eq!(twice.metadata, stat.metadata);
    let (changes, seconds) = cost(
        &rig,
        "chmod 600 f1; mv f1 g1; ln g1 h1; mkdir d; rm h1; touch g1",
    )
    .await;
    assert!(changes.metadata >= 6 * 4096, "{changes:?}");
    assert!(seconds >= 6.0 * 0.0027, "{seconds}");
}

#[tokio::test]
async fn small_blocks_that_are_waited_for_are_slow_and_others_are_gathered() {
    let rig = home_on_the_share().await;
    let run = async |line: &str| told(&rig.user(line).await.ended(0).err).0;
    let waited = run("dd if=/dev/zero of=x bs=4k count=500 oflag=dsync").await;
    assert!((1.35..1.5).contains(&waited), "{waited}");
    let gathered = run("dd if=/dev/zero of=x bs=4k count=500").await;
    assert!(gathered < 0.1, "{gathered}");
}
