//! Faults as the SDK meets them: what it retries, what it reports, and what is done all the same.

use std::error::Error as _;

use aws_sdk_cloudformation::config::retry::RetryConfig;
use aws_sdk_ec2::error::{DisplayErrorContext, ProvideErrorMetadata as _};

use super::*;
use crate::practice::clock::Pace;
use crate::practice::faults::Faults;

/// An account with these faults.
async fn faulty(text: &str) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let forgotten = Forgotten::default();
    let options = Options {
        data_dir: dir.path().to_owned(),
        port: None,
        pace: Pace::Max,
        region: None,
        seed: Some(1),
        faults: Arc::new(Faults::parse(text).unwrap()),
    };
    let running = serve(options, |clock, _, view| {
        let forgotten = Arc::clone(&forgotten);
        Ok(Box::new(hosts::Scripted::new(clock, view, forgotten)))
    })
    .await
    .unwrap();
    Bench {
        running,
        dir,
        forgotten,
    }
}

impl Bench {
    fn once(&self) -> ec2::Client {
        let client = self.ec2();
        let config = client.config().to_builder();
        ec2::Client::from_conf(config.retry_config(RetryConfig::disabled()).build())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_service_answers_with_its_own_codes() {
    let bench = faulty(
        "faults:
- {fault: throttle, operation: 'ec2:DescribeVpcs', count: 1}
- {fault: internal-error, operation: 'ec2:DescribeVpcs', count: 1}
- {fault: unavailable, operation: 'ec2:DescribeVpcs', count: 1}
- {fault: expired-token, operation: 'ec2:DescribeVpcs', count: 1}
- {fault: throttle, operation: 'cloudformation:*'}
- {fault: throttle, operation: 'elasticfilesystem:DescribeFileSystems'}
- {fault: internal-error, operation: 'elasticfilesystem:DescribeMountTargets'}",
    )
    .await;
    let mut met = Vec::new();
    for _ in 0..4 {
        let failed = bench.once().describe_vpcs().send().await.unwrap_err();
        let status = failed.raw_response().unwrap().status().as_u16();
        met.push((status, failed.code().unwrap().to_owned()));
    }
    let met: Vec<_> = met
        .iter()
        .map(|(status, code)| (*status, code.as_str()))
        .collect();
    let expected = [
        (503, "RequestLimitExceeded"),
        (500, "InternalError"),
        (503, "Unavailable"),
        (400, "RequestExpired"),
    ];
    assert_eq!(met, expected);
    assert!(bench.once().describe_vpcs().send().await.is_ok());

    let cloudformation = bench.cloudformation();
    let config = cloudformation.config().to_builder();
    let config = config.retry_config(RetryConfig::disabled()).build();
    let throttled = cloudformation::Client::from_conf(config);
    let throttled = throttled.list_stacks().send().await.unwrap_err();
    assert_eq!(throttled.code(), Some("Throttling"));
    let config = bench.efs().config().to_builder();
    let config = config.retry_config(RetryConfig::disabled()).build();
    let efs = efs::Client::from_conf(config);
    let throttled = efs.describe_file_systems().send().await.unwrap_err();
    assert_eq!(throttled.code(), Some("ThrottlingException"));
    let failed = efs.describe_mount_targets().send().await.unwrap_err();
    assert!(failed.into_service_error().is_internal_server_error());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_gets_over_what_passes() {
    let bench = faulty(
        "faults:
- {fault: throttle, operation: 'ec2:DescribeVpcs', count: 1}
- {fault: reset, operation: 'ec2:DescribeSubnets', count: 1}
- {fault: truncate, operation: 'ec2:DescribeRegions', count: 1}",
    )
    .await;
    let ec2 = bench.ec2();
    assert!(ec2.describe_vpcs().send().await.is_ok());
    assert!(ec2.describe_subnets().send().await.is_ok());
    let regions = ec2.describe_regions().send().await;
    assert_eq!(regions.unwrap().regions().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_does_nothing_and_a_broken_answer_is_of_something_done() {
    let bench = faulty(
        "faults:
- {fault: reset, operation: 'ec2:CreateVolume', count: 1}
- {fault: truncate, operation: 'ec2:CreateVolume', count: 1}",
    )
    .await;
    let volumes = async || {
        let described = bench.ec2().describe_volumes().send().await.unwrap();
        described.volumes().len()
    };
    let create = || {
        bench
            .once()
            .create_volume()
            .availability_zone("us-east-1a")
            .size(1)
    };
    let reset = create().send().await.unwrap_err();
    let told = DisplayErrorContext(&reset).to_string();
    assert!(told.to_lowercase().contains("connection"), "{told}");
    assert_eq!(volumes().await, 0);
    let broken = create().send().await.unwrap_err();
    assert!(
        broken.source().is_some() && broken.code().is_none(),
        "{broken:?}"
    );
    assert_eq!(volumes().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_comes_after_its_delay() {
    let bench = faulty("faults: [{fault: latency, operation: 'sts:*', delay: 1h}, {fault: latency, operation: 'ec2:*', delay: 80ms}]").await;
    let began = std::time::Instant::now();
    bench.ec2().describe_vpcs().send().await.unwrap();
    assert!(began.elapsed() >= std::time::Duration::from_millis(80));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_volume_stays_until_it_is_taken_by_force_and_the_stack_waits_for_it() {
    let bench = faulty(
        "faults: [{fault: stuck-detach, count: 1}, {fault: slow-interface, delay: 20m, count: 1}]",
    )
    .await;
    let stack = bench.create("lab", LAB, &lab_parameters(GOOD, GOOD)).await;
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let ec2 = bench.ec2();
    let described = ec2.describe_instances().send().await.unwrap();
    let instance = &described.reservations()[0].instances()[0];
    let zone = instance.placement().unwrap().availability_zone().unwrap();
    let made = ec2
        .create_volume()
        .availability_zone(zone)
        .size(1)
        .send()
        .await;
    let volume = made.unwrap().volume_id.unwrap();
    let until = async |wanted: &str| loop {
        let described = ec2
            .describe_volumes()
            .volume_ids(&volume)
            .send()
            .await
            .unwrap();
        let volume = &described.volumes()[0];
        let attachment = volume.attachments().first();
        let state = attachment.map_or(volume.state().unwrap().as_str(), |one| {
            one.state().unwrap().as_str()
        });
        if state == wanted {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    };
    until("available").await;
    ec2.attach_volume()
        .volume_id(&volume)
        .instance_id(instance.instance_id().unwrap())
        .device("/dev/sdf")
        .send()
        .await
        .unwrap();
    until("attached").await;
    ec2.detach_volume().volume_id(&volume).send().await.unwrap();
    // Whatever time passes, and however often it is asked.
    bench
        .running
        .clock()
        .advance(std::time::Duration::from_hours(5))
        .unwrap();
    let asked = ec2.detach_volume().volume_id(&volume).send().await.unwrap();
    assert_eq!(asked.state().unwrap().as_str(), "detaching");
    until("detaching").await;
    ec2.detach_volume()
        .volume_id(&volume)
        .force(true)
        .send()
        .await
        .unwrap();
    until("available").await;

    let before = bench.running.clock().now();
    bench
        .cloudformation()
        .delete_stack()
        .stack_name("lab")
        .send()
        .await
        .unwrap();
    assert_eq!(bench.settled(&stack).await, "DELETE_COMPLETE");
    let took = bench.running.clock().now().duration_since(before);
    assert!(took >= jiff::SignedDuration::from_mins(20), "{took}");
}
