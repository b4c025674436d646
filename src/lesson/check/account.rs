//! Checks of what was seen in the account: alarms, metrics, snapshots, disks, machines.

use jiff::{SignedDuration, Timestamp};

use super::{Evidence, Verdict};
use crate::lesson::schema::Side;
use crate::lesson::sight::{
    AlarmSeen, Metric, Metrics, Minute, Seen, Sight, SnapshotSeen, VolumeSeen,
};

/// What the backup job says before the id of a snapshot that it has taken (`assets/scripts/backup.sh`).
const TAKEN: &str = " snapshot ";

/// What was seen, or the verdict that follows from not having seen it.
macro_rules! seen {
    ($evidence:expr, $sight:ident) => {
        match $evidence.sights.get(&Sight::$sight) {
            Some(Ok(Seen::$sight(seen))) => seen,
            Some(Err(why)) => return Verdict::CouldNotCheck(why.clone()),
            Some(Ok(_)) | None => {
                return Verdict::Converging("AWS has not answered yet".to_owned());
            }
        }
    };
}

pub(super) fn alarm(id: &str, state: &str, evidence: &Evidence) -> Verdict {
    let alarms: &Vec<AlarmSeen> = seen!(evidence, Alarms);
    let Some(alarm) = alarms.iter().find(|alarm| alarm.logical_id == id) else {
        return Verdict::NotYet(format!("there is no alarm {id}"));
    };
    if alarm.state == state {
        let reason = alarm.reason.trim_end_matches('.');
        Verdict::Passed(format!("{id} is in {state}: {reason}"))
    } else {
        Verdict::Converging(format!("{id} is in {}, not in {state}", alarm.state))
    }
}

pub(super) fn metric(metric: Metric, above: f64, evidence: &Evidence) -> Verdict {
    let metrics: &Metrics = seen!(evidence, Metrics);
    let bytes = |minute: &Minute| match metric {
        Metric::DataReadIOBytes => minute.read,
        Metric::DataWriteIOBytes => minute.written,
        Metric::MetadataIOBytes => minute.metadata,
    };
    let since = metrics.keys().last().and_then(|last| {
        let hour = last.checked_sub(SignedDuration::from_hours(1));
        hour.ok()
    });
    let recent = metrics.range(since.unwrap_or(Timestamp::MIN)..);
    let counted: f64 = recent.filter_map(|(_, minute)| bytes(minute)).sum();
    let megabytes = counted / 1e6;
    if counted > above {
        Verdict::Passed(format!(
            "CloudWatch has counted {megabytes:.0} MB of {metric:?} in the last hour"
        ))
    } else {
        Verdict::Converging(format!(
            "CloudWatch has counted {megabytes:.0} MB of {metric:?} in the last hour; a minute is told once it is over"
        ))
    }
}

pub(super) fn snapshots(at_least: usize, evidence: &Evidence) -> Verdict {
    let snapshots: &Vec<SnapshotSeen> = seen!(evidence, Snapshots);
    let complete: Vec<_> = snapshots.iter().filter(|one| one.is_complete()).collect();
    match (complete.len(), snapshots.len()) {
        (count, _) if count >= at_least => {
            let newest = complete.last().map_or("", |one| one.id.as_str());
            Verdict::Passed(format!("{count} complete, the newest is {newest}"))
        }
        (count, all) if all > count => {
            let pending = snapshots.iter().rfind(|one| !one.is_complete());
            let (id, progress) = pending.map_or(("", ""), |one| (&one.id, &one.progress));
            Verdict::Converging(format!("{id} is being taken: {progress}"))
        }
        (0, _) => Verdict::NotYet("there is no snapshot of the lab yet".to_owned()),
        (count, _) => Verdict::NotYet(format!("{count} of {at_least} snapshots are there")),
    }
}

/// The snapshot that the backup job named last on a terminal as the one it took (`snapshot snap-…`).
pub(super) fn named(on: Side, evidence: &Evidence) -> Option<&str> {
    let lines = evidence.transcript(on).lines().iter().rev();
    lines
        .filter_map(|line| line.rsplit_once(TAKEN))
        .find_map(|(_, rest)| {
            let id = rest.split(' ').next().unwrap_or_default();
            let digits = id.strip_prefix("snap-").unwrap_or_default();
            let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            whole.then_some(id)
        })
}

pub(super) fn taken(on: Side, evidence: &Evidence) -> Verdict {
    let snapshots: &Vec<SnapshotSeen> = seen!(evidence, Snapshots);
    let Some(named) = named(on, evidence) else {
        return Verdict::NotYet(format!("{on} has named no snapshot yet"));
    };
    match snapshots.iter().find(|one| one.id == named) {
        Some(one) if one.is_complete() => Verdict::Passed(format!("{named} is complete")),
        Some(one) => Verdict::Converging(format!("{named} is being taken: {}", one.progress)),
        None => Verdict::Converging(format!("AWS does not list {named} yet")),
    }
}

pub(super) fn pinned(evidence: &Evidence) -> Verdict {
    let snapshots: &Vec<SnapshotSeen> = seen!(evidence, Snapshots);
    let Some(wanted) = &evidence.facts.snapshot else {
        return Verdict::NotYet("there is no snapshot of the lab yet".to_owned());
    };
    match snapshots.iter().find(|one| one.id == *wanted) {
        Some(one) if one.is_pinned() => Verdict::Passed(format!("{wanted} is pinned")),
        Some(_) => Verdict::NotYet(format!("{wanted} does not carry the tag yet")),
        None => Verdict::NotYet(format!("{wanted} is gone: the job has pruned it")),
    }
}

pub(super) fn volume(gib: i32, evidence: &Evidence) -> Verdict {
    let volumes: &Vec<VolumeSeen> = seen!(evidence, Volumes);
    let Some(wanted) = &evidence.facts.volume else {
        return Verdict::CouldNotCheck("the stack does not tell its disk".to_owned());
    };
    match volumes.iter().find(|one| one.id == *wanted) {
        Some(one) if one.gib >= gib => Verdict::Passed(format!("{wanted} has {} GiB", one.gib)),
        Some(one) => Verdict::NotYet(format!("{wanted} has {} GiB", one.gib)),
        None => Verdict::CouldNotCheck(format!("{wanted} is not listed")),
    }
}

pub(super) fn restored(attached: bool, evidence: &Evidence) -> Verdict {
    let volumes: &Vec<VolumeSeen> = seen!(evidence, Volumes);
    let restored = volumes.iter().find(|one| one.is_restored());
    match (restored, attached) {
        (Some(one), true) if one.is_attached() => {
            let device = one.attachment.as_ref().map_or("", |it| it.device.as_str());
            Verdict::Passed(format!("{} is attached as {device}", one.id))
        }
        (Some(one), true) => Verdict::Converging(format!("{} is {}", one.id, one.state)),
        (None, true) => Verdict::NotYet("no disk was made from a snapshot yet".to_owned()),
        (Some(one), false) => Verdict::NotYet(format!("{} is still {}", one.id, one.state)),
        (None, false) => Verdict::Passed("no disk of the drill is left".to_owned()),
    }
}

pub(super) fn machine(on: Side, state: &str, evidence: &Evidence) -> Verdict {
    let machines = seen!(evidence, Machines);
    match machines.get(&on) {
        Some((now, _)) if now == state => Verdict::Passed(format!("{on} is {state}")),
        // On their way.
        Some((now, _)) if now == "stopping" || now == "pending" => {
            Verdict::Converging(format!("{on} is {now}"))
        }
        Some((now, _)) => Verdict::NotYet(format!("{on} is {now}")),
        None => Verdict::CouldNotCheck(format!("{on} is not listed")),
    }
}
