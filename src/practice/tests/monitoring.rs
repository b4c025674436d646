//! CloudWatch over the wire, with the SDK: metrics that are the meter's minutes exactly, and alarms that follow from them.

#![allow(clippy::float_cmp, reason = "whole numbers that are told as doubles")]

use std::collections::BTreeSet;

use aws_sdk_cloudwatch as cloudwatch;
use aws_sdk_cloudwatch::error::ProvideErrorMetadata as _;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, Metric, MetricAlarm, MetricDataQuery, MetricStat, ScanBy,
    StateValue, Statistic,
};

use super::machines::Machines;
use super::*;

impl Bench {
    fn cloudwatch(&self) -> cloudwatch::Client {
        cloudwatch::Client::from_conf(
            cloudwatch::Config::builder()
                .behavior_version(cloudwatch::config::BehaviorVersion::latest())
                .endpoint_url(&self.running.endpoint_url)
                .region(cloudwatch::config::Region::new(self.running.region.clone()))
                .credentials_provider(self.credentials())
                .build(),
        )
    }

    fn now(&self) -> DateTime {
        DateTime::from_secs(self.running.clock().now().as_second())
    }

    fn advance(&self, seconds: u64) {
        let by = std::time::Duration::from_secs(seconds);
        self.running.clock().advance(by).unwrap();
    }
}

fn of(id: &str) -> Dimension {
    Dimension::builder().name("FileSystemId").value(id).build()
}

async fn file_system(bench: &Bench) -> String {
    let found = bench.efs().describe_file_systems().send().await.unwrap();
    found.file_systems()[0].file_system_id().to_owned()
}

/// A query of one metric, minute by minute.
fn query(id: &str, name: &str, statistic: &str) -> MetricDataQuery {
    let metric = Metric::builder()
        .namespace("AWS/EFS")
        .metric_name(name)
        .dimensions(of(id))
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .period(60)
        .stat(statistic)
        .build();
    MetricDataQuery::builder()
        .id(name.to_lowercase())
        .metric_stat(stat)
        .build()
}

/// Values of a metric, minute by minute, oldest first.
async fn values(bench: &Bench, id: &str, name: &str, statistic: &str) -> Vec<f64> {
    let data = bench
        .cloudwatch()
        .get_metric_data()
        .start_time(DateTime::from_secs(bench.now().secs() - 86_400))
        .end_time(bench.now())
        .scan_by(ScanBy::TimestampAscending)
        .metric_data_queries(query(id, name, statistic))
        .send()
        .await
        .unwrap();
    let result = &data.metric_data_results()[0];
    let times: Vec<i64> = result.timestamps().iter().map(DateTime::secs).collect();
    assert!(times.is_sorted() && times.iter().all(|time| time % 60 == 0));
    result.values().to_vec()
}

async fn alarm(bench: &Bench, name: &str) -> MetricAlarm {
    let found = bench
        .cloudwatch()
        .describe_alarms()
        .alarm_names(name)
        .send()
        .await
        .unwrap();
    found.metric_alarms()[0].clone()
}

/// Waits until an alarm is in this state.
async fn becomes(bench: &Bench, name: &str, state: &StateValue) -> MetricAlarm {
    let since = std::time::Instant::now();
    loop {
        let alarm = alarm(bench, name).await;
        if alarm.state_value() == Some(state) {
            return alarm;
        }
        assert!(since.elapsed().as_secs() < 30, "{alarm:?}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_what_was_written_and_what_that_cost() {
    let machines = Machines::new().await;
    let (_, status) = machines.create(machines::SHARE_A).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let bench = &machines.bench;
    let id = file_system(bench).await;
    bench.advance(120);
    let before = values(bench, &id, "BurstCreditBalance", "Average").await;
    let sum = |values: Vec<f64>| values.iter().sum::<f64>();
    let written = sum(values(bench, &id, "DataWriteIOBytes", "Sum").await);
    let metered = sum(values(bench, &id, "MeteredIOBytes", "Sum").await);
    machines
        .says(
            "A",
            "dd if=/dev/zero of=x bs=1M count=512 conv=fdatasync 2>&1",
        )
        .await;
    bench.advance(120);
    let wrote = sum(values(bench, &id, "DataWriteIOBytes", "Sum").await) - written;
    let cost = sum(values(bench, &id, "MeteredIOBytes", "Sum").await) - metered;
    // The shell's own history and the like are not on it: an SSH command keeps none.
    assert!((wrote - f64::from(512 << 20)).abs() < 0.5, "{wrote}");
    assert!(cost >= wrote && cost < wrote + 200.0 * 4096.0, "{cost}");
    let after = values(bench, &id, "BurstCreditBalance", "Average").await;
    let spent = before.last().unwrap() - after.last().unwrap();
    // What was stored meanwhile earned 50 KiB a second for each GiB.
    let earned = cost - spent;
    assert!((0.0..600.0 * 25.0 * 1024.0).contains(&earned), "{earned}");
    assert_eq!(
        *values(bench, &id, "PermittedThroughput", "Maximum")
            .await
            .last()
            .unwrap(),
        f64::from(100 << 20)
    );
    assert_eq!(
        *values(bench, &id, "ClientConnections", "Sum")
            .await
            .last()
            .unwrap(),
        2.0
    );
    let counted = sum(values(bench, &id, "DataWriteIOBytes", "SampleCount").await);
    let largest = values(bench, &id, "DataWriteIOBytes", "Maximum").await;
    assert!(
        counted >= 512.0 && largest.contains(&f64::from(1 << 20)),
        "{counted} {largest:?}"
    );
    let limit = values(bench, &id, "PercentIOLimit", "Average").await;
    assert!(
        limit.iter().any(|percent| *percent > 0.0) && limit.iter().all(|percent| *percent < 100.0)
    );

    let listed = bench
        .cloudwatch()
        .list_metrics()
        .namespace("AWS/EFS")
        .send()
        .await
        .unwrap();
    let names: BTreeSet<&str> = listed
        .metrics()
        .iter()
        .filter_map(Metric::metric_name)
        .filter(|name| *name != "DataReadIOBytes")
        .collect();
    let expected = BTreeSet::from([
        "BurstCreditBalance",
        "ClientConnections",
        "DataWriteIOBytes",
        "MetadataIOBytes",
        "MeteredIOBytes",
        "PercentIOLimit",
        "PermittedThroughput",
        "StorageBytes",
        "TotalIOBytes",
    ]);
    assert_eq!(names, expected);
    bench.advance(1800);
    let stored = bench
        .cloudwatch()
        .get_metric_statistics()
        .namespace("AWS/EFS")
        .metric_name("StorageBytes")
        .dimensions(of(&id))
        .dimensions(
            Dimension::builder()
                .name("StorageClass")
                .value("Total")
                .build(),
        )
        .start_time(DateTime::from_secs(bench.now().secs() - 1800))
        .end_time(bench.now())
        .period(900)
        .statistics(Statistic::Average)
        .send()
        .await
        .unwrap();
    let size = bench.efs().describe_file_systems().send().await.unwrap();
    let size = size.file_systems()[0].size_in_bytes().unwrap().value();
    let told = stored.datapoints()[0].average().unwrap();
    #[allow(clippy::cast_precision_loss, reason = "some hundred megabytes")]
    let size = size as f64;
    assert!((told - size).abs() < 0.5, "{told} {size}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_goes_off_when_the_credits_have_run_out_and_no_sooner() {
    let machines = Machines::new().await;
    let (_, status) = machines.create(machines::SHARE_A).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let bench = &machines.bench;
    let (client, id) = (bench.cloudwatch(), file_system(bench).await);
    // Ten minutes below what a new filesystem has less 8 GiB: as the lab's template has it, but sooner there.
    let threshold = 2_308_974_418_330.0 - f64::from(8 << 10) * f64::from(1 << 20);
    client
        .put_metric_alarm()
        .alarm_name("credits")
        .namespace("AWS/EFS")
        .metric_name("BurstCreditBalance")
        .dimensions(of(&id))
        .statistic(Statistic::Average)
        .period(600)
        .evaluation_periods(1)
        .comparison_operator(ComparisonOperator::LessThanThreshold)
        .threshold(threshold)
        .alarm_actions("arn:aws:sns:us-east-1:123456789012:told")
        .send()
        .await
        .unwrap();
    let fresh = alarm(bench, "credits").await;
    assert_eq!(fresh.state_value(), Some(&StateValue::InsufficientData));
    assert_eq!(
        fresh.state_reason(),
        Some("Unchecked: Initial alarm creation")
    );
    bench.advance(720);
    let ok = becomes(bench, "credits", &StateValue::Ok).await;
    assert!(
        ok.state_reason()
            .unwrap()
            .contains("was not less than the threshold"),
        "{ok:?}"
    );
    let line =
        "for i in {1..10}; do dd if=/dev/zero of=x bs=64M count=16 conv=notrunc status=none; done";
    machines.says("A", line).await;
    bench.advance(720);
    let off = becomes(bench, "credits", &StateValue::Alarm).await;
    assert!(
        off.state_reason()
            .unwrap()
            .starts_with("Threshold Crossed: 1 out of the last 1 datapoint ["),
        "{off:?}"
    );
    let history = client
        .describe_alarm_history()
        .alarm_name("credits")
        .scan_by(ScanBy::TimestampAscending)
        .send()
        .await
        .unwrap();
    let told: Vec<&str> = history
        .alarm_history_items()
        .iter()
        .filter_map(|item| item.history_summary())
        .collect();
    assert_eq!(
        told,
        [
            "Alarm \"credits\" created",
            "Alarm updated from INSUFFICIENT_DATA to OK",
            "Alarm updated from OK to ALARM",
            "Successfully executed action arn:aws:sns:us-east-1:123456789012:told",
        ]
    );
    // It went off when the average of ten minutes was below, however far time was moved on later.
    let balance = values(bench, &id, "BurstCreditBalance", "Average").await;
    assert!(*balance.last().unwrap() < threshold);
    let permitted = values(bench, &id, "PermittedThroughput", "Average").await;
    assert!(permitted.contains(&f64::from(100 << 20)));
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_are_set_tagged_listed_and_deleted() {
    let bench = Bench::new().await;
    let stack = bench.create("lab", LAB, &lab_parameters(GOOD, GOOD)).await;
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let (client, id) = (bench.cloudwatch(), file_system(&bench).await);
    let template = format!(
        "Resources:
  Topic: {{Type: 'AWS::SNS::Topic', Properties: {{DisplayName: lab, Subscription: [{{Protocol: email, Endpoint: me@example.org}}]}}}}
  More: {{Type: 'AWS::SNS::Subscription', Properties: {{TopicArn: !Ref Topic, Protocol: email, Endpoint: you@example.org}}}}
  Limit:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: limit
      Namespace: AWS/EFS
      MetricName: PercentIOLimit
      Dimensions: [{{Name: FileSystemId, Value: {id}}}]
      Statistic: Average
      Period: 900
      EvaluationPeriods: 4
      DatapointsToAlarm: 4
      Threshold: 95
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
      AlarmActions: [!Ref Topic]
      Tags: [{{Key: lab, Value: x}}]
Outputs:
  Arn: {{Value: !GetAtt Limit.Arn}}
  Name: {{Value: !Ref Limit}}
  Topic: {{Value: !GetAtt Topic.TopicName}}
"
    );
    let alarms = bench.create("alarms", &template, &[]).await;
    let status = bench.settled(&alarms).await;
    assert_eq!(
        status,
        "CREATE_COMPLETE",
        "{:?}",
        bench.events(&alarms).await
    );
    let made = alarm(&bench, "limit").await;
    assert_eq!(
        (made.threshold(), made.period(), made.datapoints_to_alarm()),
        (Some(95.0), Some(900), Some(4))
    );
    assert!(made.alarm_actions()[0].starts_with("arn:aws:sns:us-east-1:"));
    let arn = made.alarm_arn().unwrap().to_owned();
    let tags = client
        .list_tags_for_resource()
        .resource_arn(&arn)
        .send()
        .await
        .unwrap();
    assert!(
        tags.tags().iter().any(|tag| tag.key() == Some("lab")),
        "{tags:?}"
    );

    client
        .set_alarm_state()
        .alarm_name("limit")
        .state_value(StateValue::Alarm)
        .state_reason("a test")
        .send()
        .await
        .unwrap();
    let set = alarm(&bench, "limit").await;
    assert_eq!(
        (set.state_value(), set.state_reason()),
        (Some(&StateValue::Alarm), Some("a test"))
    );
    // Until it is evaluated again.
    bench.advance(61);
    becomes(&bench, "limit", &StateValue::Ok).await;
    let by_state = client
        .describe_alarms()
        .state_value(StateValue::Alarm)
        .send()
        .await
        .unwrap();
    assert!(by_state.metric_alarms().is_empty());

    let unknown = client
        .delete_alarms()
        .alarm_names("nobody")
        .send()
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Some("ResourceNotFound"));
    assert!(unknown.into_service_error().is_resource_not_found());
    let wrong = client
        .get_metric_statistics()
        .namespace("AWS/EFS")
        .metric_name("TotalIOBytes")
        .start_time(bench.now())
        .end_time(bench.now())
        .period(60)
        .statistics(Statistic::Sum)
        .send()
        .await
        .unwrap_err();
    assert_eq!(wrong.code(), Some("InvalidParameterValue"));
    assert!(
        wrong
            .into_service_error()
            .is_invalid_parameter_value_exception()
    );
    let math = MetricDataQuery::builder()
        .id("m")
        .expression("1 + 1")
        .build();
    let math = client
        .get_metric_data()
        .start_time(DateTime::from_secs(0))
        .end_time(bench.now())
        .metric_data_queries(math)
        .send()
        .await
        .unwrap_err();
    assert_eq!(math.code(), Some("ValidationError"));

    bench
        .cloudformation()
        .delete_stack()
        .stack_name("alarms")
        .send()
        .await
        .unwrap();
    assert_eq!(bench.settled(&alarms).await, "DELETE_COMPLETE");
    let left = client.describe_alarms().send().await.unwrap();
    assert!(left.metric_alarms().is_empty());
}
