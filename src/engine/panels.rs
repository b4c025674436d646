//! What was seen of the account, as tables and charts for a front end.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Engine;
use super::view::{Curve, Graph, PanelContent, PanelView, Table, Target};
use crate::lesson::sight::{Metrics, Minute, Panel, Seen, Sight, SnapshotSeen, VolumeSeen};

/// How far back charts look, from the last datapoint.
const HOURS: i64 = 8;
/// The backup job runs at these minutes (assets/scripts/backup.cron).
const QUARTER: i64 = 15;

impl Engine {
    /// The step's panels.
    pub(super) fn panels(&self) -> Vec<PanelView> {
        let panels = self.step_now().shows.iter();
        let seen = panels.map(|panel| PanelView {
            title: title(*panel).to_owned(),
            content: match self.looking.sights.get(&panel.sight()) {
                None => PanelContent::Waiting,
                Some(Err(why)) => PanelContent::CouldNotTell(why.clone()),
                Some(Ok(seen)) => self.content(*panel, seen),
            },
        });
        self.figures().into_iter().chain(seen).collect()
    }

    fn who_is_mailed(&self) -> String {
        match (self.alarm_email(), &self.setup.target) {
            (None, _) => {
                "Nobody is mailed: for that, begin or resume with --alarm-email ADDRESS before the stack is updated."
                    .to_owned()
            }
            (Some(address), Target::Practice { .. }) => {
                format!("On AWS {address} would be mailed. The practice account sends nothing.")
            }
            (Some(address), Target::Aws { .. }) => format!(
                "{address} is mailed, once you have followed the link in the first mail, from AWS Notifications."
            ),
        }
    }

    /// When the backup job takes its next snapshot, by the learner's clock, in a step that shows snapshots.
    pub(super) fn next_snapshot(&self) -> Option<Timestamp> {
        if !self.step_now().shows.contains(&Panel::Snapshots) {
            return None;
        }
        let (now, looked) = (self.looking.now?, self.looking.last(Sight::Snapshots)?);
        let left = SignedDuration::from_secs(until_next_run(now));
        let left = SignedDuration::try_from_secs_f64(left.as_secs_f64() / self.setup.faster?);
        looked.checked_add(left.ok()?).ok()
    }

    fn content(&self, panel: Panel, seen: &Seen) -> PanelContent {
        match (panel, seen) {
            (Panel::Credits, Seen::Metrics(metrics)) => PanelContent::Graphs(vec![
                graph(
                    metrics,
                    "TB of credits",
                    1e12,
                    &[("credits", |minute| minute.credits)],
                ),
                graph(
                    metrics,
                    "MiB/s",
                    1024.0 * 1024.0,
                    &[("permitted", |minute| minute.permitted)],
                ),
            ]),
            (Panel::Usage, Seen::Metrics(metrics)) => PanelContent::Graphs(vec![Graph {
                stacked: true,
                ..graph(
                    metrics,
                    "MB a minute",
                    1e6,
                    &[
                        ("written", |minute| minute.written),
                        ("read", |minute| minute.read),
                        ("metadata", |minute| minute.metadata),
                    ],
                )
            }]),
            (Panel::IoLimit, Seen::Metrics(metrics)) => PanelContent::Graphs(vec![graph(
                metrics,
                "% of the limit",
                1.0,
                &[("PercentIOLimit", |minute| minute.io_limit)],
            )]),
            (Panel::Alarms, Seen::Alarms(alarms)) => PanelContent::Table(Table {
                head: words(["alarm", "state", "why"]),
                rows: alarms
                    .iter()
                    .map(|one| {
                        vec![
                            one.logical_id.clone(),
                            one.state.clone(),
                            one.reason.clone(),
                        ]
                    })
                    .collect(),
                note: Some(self.who_is_mailed()),
            }),
            (Panel::Snapshots, Seen::Snapshots(snapshots)) => PanelContent::Table(Table {
                head: words([
                    "snapshot",
                    "asked for",
                    "state",
                    "disk",
                    "full size",
                    "tags",
                ]),
                rows: snapshots.iter().map(snapshot).collect(),
                note: self.looking.now.map(next_run),
            }),
            (Panel::Volumes, Seen::Volumes(volumes)) => PanelContent::Table(Table {
                head: words(["disk", "size", "state", "attached as", "what"]),
                rows: volumes.iter().map(volume).collect(),
                note: None,
            }),
            (Panel::Machines, Seen::Machines(machines)) => PanelContent::Table(Table {
                head: words(["machine", "state", "address"]),
                rows: machines
                    .iter()
                    .map(|(side, (state, address))| {
                        let address = address.clone().unwrap_or_else(|| "none".to_owned());
                        vec![side.to_string(), state.clone(), address]
                    })
                    .collect(),
                note: None,
            }),
            _ => PanelContent::Waiting,
        }
    }
}

fn title(panel: Panel) -> &'static str {
    match panel {
        Panel::Credits => "BurstCreditBalance and PermittedThroughput",
        Panel::Usage => "DataWriteIOBytes, DataReadIOBytes, MetadataIOBytes",
        Panel::IoLimit => "PercentIOLimit",
        Panel::Alarms => "Alarms",
        Panel::Snapshots => "Snapshots of the lab",
        Panel::Volumes => "Disks of the lab",
        Panel::Machines => "The two machines",
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// One series of a minute.
type Series = (&'static str, fn(&Minute) -> Option<f64>);

/// Some series of the last hours, in a unit of so many.
fn graph(metrics: &Metrics, unit: &str, per: f64, series: &[Series]) -> Graph {
    let last = metrics.keys().last().copied();
    let first = last.and_then(|last| {
        let first = last.checked_sub(SignedDuration::from_hours(HOURS));
        first.ok()
    });
    let recent = || metrics.range(first.unwrap_or(Timestamp::MIN)..);
    let ago = |at: &Timestamp| {
        let ago = last.map_or(SignedDuration::ZERO, |last| last.duration_since(*at));
        -ago.as_secs_f64() / 60.0
    };
    let curve = |(name, of): &Series| Curve {
        name: (*name).to_owned(),
        points: recent()
            .filter_map(|(at, minute)| Some((ago(at), of(minute)? / per)))
            .collect(),
    };
    Graph {
        unit: unit.to_owned(),
        curves: series.iter().map(curve).collect(),
        stacked: false,
    }
}

fn snapshot(one: &SnapshotSeen) -> Vec<String> {
    let state = if one.is_complete() {
        one.state.clone()
    } else {
        format!("{} {}", one.state, one.progress)
    };
    let full = one.full_bytes.map_or_else(|| "not told".to_owned(), bytes);
    let tags: Vec<String> = one
        .tags
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    vec![
        one.id.clone(),
        clock(one.started),
        state,
        format!("{} GiB", one.gib),
        full,
        tags.join(" "),
    ]
}

fn volume(one: &VolumeSeen) -> Vec<String> {
    let attached = one.attachment.as_ref();
    let what = if one.is_restored() {
        "from a snapshot"
    } else if one
        .tags
        .get("Name")
        .is_some_and(|name| name.ends_with("backup"))
    {
        "backup"
    } else {
        "root"
    };
    vec![
        one.id.clone(),
        format!("{} GiB", one.gib),
        one.state.clone(),
        attached.map_or_else(|| "-".to_owned(), |it| it.device.clone()),
        what.to_owned(),
    ]
}

fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string()
}

/// `512 KiB`, `1.5 MiB`.
fn bytes(count: i64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let count = count as f64;
    match count {
        count if count < 1024.0 * 1024.0 => format!("{:.0} KiB", count / 1024.0),
        count if count < 1024.0 * 1024.0 * 1024.0 => format!("{:.1} MiB", count / 1024.0 / 1024.0),
        count => format!("{:.1} GiB", count / 1024.0 / 1024.0 / 1024.0),
    }
}

/// Seconds until cron starts the job next.
fn until_next_run(now: Timestamp) -> i64 {
    QUARTER * 60 - now.as_second().rem_euclid(QUARTER * 60)
}

/// When cron starts the job next.
fn next_run(now: Timestamp) -> String {
    let left = until_next_run(now);
    let at = now
        .checked_add(SignedDuration::from_secs(left))
        .unwrap_or(now);
    format!(
        "It is {} there (UTC); cron runs at {}, in {} min {:02} s.",
        clock(now),
        clock(at),
        left / 60,
        left % 60
    )
}
