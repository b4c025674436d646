//! Evaluating alarms as the account's time passes: once a minute, as CloudWatch does. It never makes time pass by itself.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::data::has_unit;
use super::metrics::Subjects;
use crate::practice::account::Account;
use crate::practice::error::AwsError;
use crate::practice::world::alarms::{Alarm, Datapoints, Verdict};

/// When time was moved on by hand, each minute of so many is looked at: the data of more are not kept.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(15 * 24);

/// Watches all alarms until it is dropped.
pub async fn watch(account: Arc<Account>) {
    let mut done = minute(account.clock.now());
    loop {
        let now = account.clock.now();
        let next = minute(now) + 60;
        let wait = SignedDuration::from_secs(next) - now.duration_since(Timestamp::UNIX_EPOCH);
        let wait = Duration::try_from(wait).unwrap_or_default();
        let activity = account.clock.rest(wait).await;
        let now = account.clock.now();
        let from = done.max(minute(now) - LOOKED_BACK.as_secs());
        if let Err(error) = evaluate(&account, from, minute(now)) {
            tracing::warn!(%error, "what alarms were found to be could not be written down");
        }
        done = minute(now);
        drop(activity);
    }
}

/// Evaluates all alarms at the end of each minute after `from` until `to`, seconds since 1970.
fn evaluate(account: &Account, from: i64, to: i64) -> Result<(), AwsError> {
    let mut alarms = account.read(|world| world.alarms.values().cloned().collect::<Vec<Alarm>>());
    if alarms.is_empty() {
        return Ok(());
    }
    let subjects = Subjects::of(account);
    let mut found = Vec::new();
    for second in (from..=to).step_by(60).skip(1) {
        let Ok(at) = Timestamp::from_second(second) else {
            break;
        };
        for alarm in alarms.iter_mut().filter(|alarm| alarm.configured < at) {
            let points = points(&subjects, alarm, at);
            let verdict = alarm.definition.evaluate(at, &points);
            if let Some(verdict) = verdict.filter(|verdict| verdict.state != alarm.state) {
                alarm.state = verdict.state;
                found.push((alarm.name.clone(), at, verdict));
            }
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    account.write(|world| {
        for (name, at, verdict) in found {
            let verdict: Verdict = verdict;
            world.alarm_evaluated(&name, at, verdict);
        }
        Ok(())
    })
}

fn points(subjects: &Subjects, alarm: &Alarm, at: Timestamp) -> Datapoints {
    let definition = &alarm.definition;
    let periods = definition.periods(at);
    let unit = has_unit(&definition.metric, definition.unit.as_deref());
    let series = match periods.last().filter(|_| unit) {
        Some(oldest) => subjects.series(&definition.metric, *oldest, at, definition.period),
        None => Vec::new(),
    };
    let value = |begun: Timestamp| {
        let found = series.iter().find(|(at, _)| *at == begun);
        found.map(|(_, samples)| samples.statistic(definition.statistic))
    };
    periods
        .into_iter()
        .map(|begun| (begun, value(begun)))
        .collect()
}

/// When the minute began, in seconds since 1970.
fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60) * 60
}
