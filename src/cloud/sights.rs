//! Looking at what a lesson shows of the account: metrics, alarms, snapshots, volumes, machines.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};
use aws_sdk_ec2::types::Tag;
use aws_smithy_types::date_time::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::failure::classify;
use super::machines::filter;
use super::session::{Cloud, timestamp};
use super::stack::LAB_TAG;
use crate::engine::effect::Look;
use crate::engine::event::{Failure, FailureClass};
use crate::lesson::sight::{
    AlarmSeen, Attachment, Metrics, Minute, Seen, Sight, SnapshotSeen, VolumeSeen,
};

/// How far back metrics are asked for: what a chart shows, and some more.
const BACK: SignedDuration = SignedDuration::from_hours(10);
/// A minute that is not over yet has no datapoint.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// Seconds of a datapoint, the finest that EFS has ("Amazon CloudWatch metrics for Amazon EFS").
const PERIOD: i32 = 60;

/// Name of a metric, its statistic, and where it goes.
type Field = (&'static str, &'static str, fn(&mut Minute, f64));

const FIELDS: [Field; 6] = [
    ("BurstCreditBalance", "Average", |minute, value| {
        minute.credits = Some(value);
    }),
    ("PermittedThroughput", "Average", |minute, value| {
        minute.permitted = Some(value);
    }),
    ("DataReadIOBytes", "Sum", |minute, value| {
        minute.read = Some(value);
    }),
    ("DataWriteIOBytes", "Sum", |minute, value| {
        minute.written = Some(value);
    }),
    ("MetadataIOBytes", "Sum", |minute, value| {
        minute.metadata = Some(value);
    }),
    ("PercentIOLimit", "Average", |minute, value| {
        minute.io_limit = Some(value);
    }),
];

impl Cloud {
    /// Looks at one thing; `now` is the account's time.
    ///
    /// # Errors
    /// When AWS does not answer, or not so that it can be used.
    pub async fn look(&self, lab: &str, look: &Look, now: Timestamp) -> Result<Seen, Failure> {
        Ok(match look.sight {
            Sight::Metrics => match &look.file_system {
                Some(id) => Seen::Metrics(self.metrics(id, now).await?),
                None => {
                    return Err(Failure {
                        tried: "read the metrics".to_owned(),
                        why: "the filesystem is not known yet".to_owned(),
                        class: FailureClass::NotFound,
                    });
                }
            },
            Sight::Alarms => Seen::Alarms(self.alarms(&look.alarms).await?),
            Sight::Snapshots => Seen::Snapshots(self.snapshots(lab).await?),
            Sight::Volumes => Seen::Volumes(self.volumes(lab).await?),
            Sight::Machines => Seen::Machines(
                (self.machines(&look.stack).await?)
                    .into_iter()
                    .map(|(side, machine)| (side, (machine.state, machine.address)))
                    .collect(),
            ),
        })
    }

    async fn metrics(&self, file_system: &str, now: Timestamp) -> Result<Metrics, Failure> {
        let tried = "read the metrics";
        let time =
            |at: Result<Timestamp, jiff::Error>| DateTime::from_secs(at.unwrap_or(now).as_second());
        let dimension = Dimension::builder()
            .name("FileSystemId")
            .value(file_system)
            .build();
        let queries = FIELDS.iter().enumerate().map(|(at, (name, statistic, _))| {
            let metric = Metric::builder()
                .namespace("AWS/EFS")
                .metric_name(*name)
                .dimensions(dimension.clone())
                .build();
            let stat = MetricStat::builder()
                .metric(metric)
                .period(PERIOD)
                .stat(*statistic)
                .build();
            MetricDataQuery::builder()
                .id(format!("m{at}"))
                .metric_stat(stat)
                .build()
        });
        let mut pages = self
            .cloudwatch
            .get_metric_data()
            .set_metric_data_queries(Some(queries.collect()))
            .start_time(time(now.checked_sub(BACK)))
            .end_time(time(now.checked_add(AHEAD)))
            .scan_by(ScanBy::TimestampAscending)
            .into_paginator()
            .send();
        let mut metrics = Metrics::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify(tried, &error))?;
            for result in page.metric_data_results() {
                let at = result
                    .id()
                    .and_then(|id| id.strip_prefix('m')?.parse().ok());
                let Some((_, _, set)) = at.and_then(|at: usize| FIELDS.get(at)) else {
                    continue;
                };
                for (at, value) in result.timestamps().iter().zip(result.values()) {
                    set(metrics.entry(timestamp(at)).or_default(), *value);
                }
            }
        }
        Ok(metrics)
    }

    async fn alarms(&self, names: &BTreeMap<String, String>) -> Result<Vec<AlarmSeen>, Failure> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self
            .cloudwatch
            .describe_alarms()
            .set_alarm_names(Some(names.values().cloned().collect()))
            .send()
            .await
            .map_err(|error| classify("look at the alarms", &error))?;
        let logical = |name: &str| {
            let mut known = names.iter();
            known.find(|(_, known)| *known == name).map(|(id, _)| id)
        };
        let alarms = answer.metric_alarms().iter().filter_map(|alarm| {
            let name = alarm.alarm_name()?;
            Some(AlarmSeen {
                logical_id: logical(name)?.clone(),
                name: name.to_owned(),
                state: alarm
                    .state_value()
                    .map_or("", |state| state.as_str())
                    .to_owned(),
                reason: alarm.state_reason().unwrap_or_default().to_owned(),
            })
        });
        Ok(alarms.collect())
    }

    async fn snapshots(&self, lab: &str) -> Result<Vec<SnapshotSeen>, Failure> {
        let tried = "list the snapshots";
        let mut pages = self
            .ec2
            .describe_snapshots()
            .owner_ids("self")
            .filters(filter(&format!("tag:{LAB_TAG}"), lab))
            .into_paginator()
            .items()
            .send();
        let mut snapshots = Vec::new();
        while let Some(snapshot) = pages.next().await {
            let one = snapshot.map_err(|error| classify(tried, &error))?;
            let state = one.state().map_or("", |state| state.as_str());
            snapshots.push(SnapshotSeen {
                id: one.snapshot_id().unwrap_or_default().to_owned(),
                volume: one.volume_id().unwrap_or_default().to_owned(),
                state: state.to_owned(),
                progress: one.progress().unwrap_or_default().to_owned(),
                started: one.start_time().map_or(Timestamp::UNIX_EPOCH, timestamp),
                gib: one.volume_size().unwrap_or_default(),
                full_bytes: one.full_snapshot_size_in_bytes(),
                tags: tags(one.tags()),
            });
        }
        snapshots.sort_by_key(|one| one.started);
        Ok(snapshots)
    }

    pub(super) async fn volumes(&self, lab: &str) -> Result<Vec<VolumeSeen>, Failure> {
        let tried = "list the volumes";
        let mut pages = self
            .ec2
            .describe_volumes()
            .filters(filter(&format!("tag:{LAB_TAG}"), lab))
            .into_paginator()
            .items()
            .send();
        let mut volumes = Vec::new();
        while let Some(volume) = pages.next().await {
            let one = volume.map_err(|error| classify(tried, &error))?;
            let state = one.state().map_or("", |state| state.as_str());
            let attachment = one.attachments().first().map(|attachment| Attachment {
                instance: attachment.instance_id().unwrap_or_default().to_owned(),
                device: attachment.device().unwrap_or_default().to_owned(),
                state: attachment
                    .state()
                    .map_or("", |state| state.as_str())
                    .to_owned(),
            });
            volumes.push(VolumeSeen {
                id: one.volume_id().unwrap_or_default().to_owned(),
                state: state.to_owned(),
                gib: one.size().unwrap_or_default(),
                attachment,
                tags: tags(one.tags()),
            });
        }
        Ok(volumes)
    }
}

fn tags(tags: &[Tag]) -> BTreeMap<String, String> {
    let pair = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()));
    tags.iter().filter_map(pair).collect()
}
