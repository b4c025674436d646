//! Throughput modes over the wire: what UpdateFileSystem changes, what it refuses, and what instances feel of it.

use aws_sdk_efs::error::ProvideErrorMetadata as _;
use aws_sdk_efs::types::{LifeCycleState, ThroughputMode};

use super::machines::Machines;
use super::*;

async fn id(bench: &Bench) -> String {
    let found = bench.efs().describe_file_systems().send().await.unwrap();
    found.file_systems()[0].file_system_id().to_owned()
}

/// Until the filesystem may be changed again.
async fn available(bench: &Bench) {
    bench
        .running
        .clock()
        .advance(std::time::Duration::from_secs(5))
        .unwrap();
    loop {
        let found = bench.efs().describe_file_systems().send().await.unwrap();
        if found.file_systems()[0].life_cycle_state() == &LifeCycleState::Available {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filesystem_is_given_a_rate_of_its_own_and_keeps_it_for_a_day() {
    let machines = Machines::new().await;
    let (_, status) = machines.create(machines::SHARE_A).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let (bench, efs) = (&machines.bench, machines.bench.efs());
    let id = id(bench).await;
    let provisioned = efs
        .update_file_system()
        .file_system_id(&id)
        .throughput_mode(ThroughputMode::Provisioned)
        .provisioned_throughput_in_mibps(20.0)
        .send()
        .await
        .unwrap();
    assert_eq!(provisioned.life_cycle_state(), &LifeCycleState::Updating);
    assert_eq!(provisioned.provisioned_throughput_in_mibps(), Some(20.0));
    available(bench).await;
    // 20 MiB/s instead of 100.
    let line = "dd if=/dev/zero of=x bs=1M count=200 conv=fdatasync 2>&1 | tail -1";
    let told = machines.says("A", line).await;
    assert!(told.ends_with(" s, 21.0 MB/s\n"), "{told}");
    let early = efs
        .update_file_system()
        .file_system_id(&id)
        .throughput_mode(ThroughputMode::Elastic)
        .send()
        .await
        .unwrap_err();
    assert_eq!(early.code(), Some("TooManyRequests"));
    assert_eq!(early.raw_response().unwrap().status().as_u16(), 429);
    let day = std::time::Duration::from_hours(24);
    bench.running.clock().advance(day).unwrap();
    efs.update_file_system()
        .file_system_id(&id)
        .throughput_mode(ThroughputMode::Elastic)
        .send()
        .await
        .unwrap();
    available(bench).await;
    // As much as one client gets: 500 MiB/s.
    let told = machines.says("A", line).await;
    assert!(told.ends_with(" s, 521 MB/s\n"), "{told}");
}
