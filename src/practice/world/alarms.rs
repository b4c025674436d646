//! CloudWatch alarms: what they are, and how their state follows from datapoints. Where datapoints come from does not enter
//! here.

mod evaluation;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::evaluation::{Datapoints, Verdict};
use super::{Tags, World};
use crate::practice::error::AwsError;

/// Items of its history that an alarm keeps (CloudWatch keeps those of two weeks).
const HISTORY: usize = 200;

/// A metric: namespace, name and dimensions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// `AWS/EFS`
    pub namespace: String,
    /// `BurstCreditBalance`
    pub name: String,
    /// `FileSystemId` and what else it has.
    pub dimensions: BTreeMap<String, String>,
}

/// What is made of the datapoints of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "CloudWatch's own names")]
pub enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
}

impl Statistic {
    /// All of them, as the API names them.
    pub const ALL: [(&'static str, Self); 5] = [
        ("SampleCount", Self::SampleCount),
        ("Average", Self::Average),
        ("Sum", Self::Sum),
        ("Minimum", Self::Minimum),
        ("Maximum", Self::Maximum),
    ];

    /// By its name.
    pub fn find(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, statistic)| *statistic)
    }

    /// As the API names it.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, known)| *known == self);
        found.map_or("", |(name, _)| name)
    }
}

/// How a datapoint is compared with the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    clippy::enum_variant_names,
    reason = "CloudWatch's own names"
)]
pub enum Comparison {
    GreaterThanOrEqualToThreshold,
    GreaterThanThreshold,
    LessThanThreshold,
    LessThanOrEqualToThreshold,
}

impl Comparison {
    const ALL: [(&'static str, Self, &'static str); 4] = [
        (
            "GreaterThanOrEqualToThreshold",
            Self::GreaterThanOrEqualToThreshold,
            "greater than or equal to",
        ),
        (
            "GreaterThanThreshold",
            Self::GreaterThanThreshold,
            "greater than",
        ),
        ("LessThanThreshold", Self::LessThanThreshold, "less than"),
        (
            "LessThanOrEqualToThreshold",
            Self::LessThanOrEqualToThreshold,
            "less than or equal to",
        ),
    ];

    /// By its name.
    pub fn find(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, ..)| *known == name);
        found.map(|(_, comparison, _)| *comparison)
    }

    /// As the API names it.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, known, _)| *known == self);
        found.map_or("", |(name, ..)| name)
    }

    fn words(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, known, _)| *known == self);
        found.map_or("", |(.., words)| words)
    }

    fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterThanOrEqualToThreshold => value >= threshold,
            Self::GreaterThanThreshold => value > threshold,
            Self::LessThanThreshold => value < threshold,
            Self::LessThanOrEqualToThreshold => value <= threshold,
        }
    }
}

/// What a period without data counts as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(
    missing_docs,
    clippy::enum_variant_names,
    reason = "CloudWatch's own names"
)]
pub enum Missing {
    Breaching,
    NotBreaching,
    Ignore,
    #[default]
    Missing,
}

impl Missing {
    const ALL: [(&'static str, Self); 4] = [
        ("breaching", Self::Breaching),
        ("notBreaching", Self::NotBreaching),
        ("ignore", Self::Ignore),
        ("missing", Self::Missing),
    ];

    /// By its name.
    pub fn find(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, missing)| *missing)
    }

    /// As the API names it.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, known)| *known == self);
        found.map_or("", |(name, _)| name)
    }
}

/// State of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlarmState {
    /// Not breaching.
    Ok,
    /// Breaching.
    Alarm,
    /// Nobody knows.
    InsufficientData,
}

impl AlarmState {
    const ALL: [(&'static str, Self); 3] = [
        ("OK", Self::Ok),
        ("ALARM", Self::Alarm),
        ("INSUFFICIENT_DATA", Self::InsufficientData),
    ];

    /// By its name.
    pub fn find(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, state)| *state)
    }

    /// As the API names it.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, known)| *known == self);
        found.map_or("", |(name, _)| name)
    }
}

/// What an alarm watches, and what it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// For people.
    pub description: Option<String>,
    /// Whether actions are executed.
    pub actions_enabled: bool,
    /// ARNs, by the state that is entered.
    pub ok_actions: Vec<String>,
    /// When it begins to be in alarm.
    pub alarm_actions: Vec<String>,
    /// When there is no data any more.
    pub insufficient_data_actions: Vec<String>,
    /// What is watched.
    pub metric: Metric,
    /// Of a period.
    pub statistic: Statistic,
    /// Unit that was asked for.
    pub unit: Option<String>,
    /// Seconds.
    pub period: i64,
    /// Periods that are looked at.
    pub evaluation_periods: usize,
    /// Of those, how many must breach; all, if none is given.
    pub datapoints_to_alarm: Option<usize>,
    /// What a datapoint is compared with.
    pub threshold: f64,
    /// How.
    pub comparison: Comparison,
    /// What a period without data counts as.
    pub missing: Option<Missing>,
}

/// An alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Unlike any other's.
    pub name: String,
    /// What it watches.
    pub definition: Definition,
    /// When that was last changed.
    pub configured: Timestamp,
    /// State.
    pub state: AlarmState,
    /// Why, for people.
    pub reason: String,
    /// Why, as JSON; empty: for no reason that data give.
    pub reason_data: String,
    /// When state or reason last changed.
    pub updated: Timestamp,
    /// When the state last changed.
    pub transitioned: Timestamp,
    /// Tags.
    pub tags: Tags,
    /// What happened, oldest first.
    pub history: Vec<HistoryItem>,
}

/// Something that happened to an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryItem {
    /// When.
    pub at: Timestamp,
    /// `ConfigurationUpdate`, `StateUpdate` or `Action`.
    pub kind: String,
    /// For people.
    pub summary: String,
    /// As JSON.
    pub data: String,
}

impl Definition {
    /// Refuses what CloudWatch refuses.
    pub fn check(&self) -> Result<(), AwsError> {
        let refuse = |message: &str| Err(AwsError::client("ValidationError", message));
        if !matches!(self.period, 10 | 20 | 30) && (self.period < 60 || self.period % 60 != 0) {
            return refuse("Period must be 10, 20, 30 or a multiple of 60");
        }
        if self.evaluation_periods == 0 {
            return refuse("EvaluationPeriods must be at least 1");
        }
        let watched = i64::try_from(self.evaluation_periods).unwrap_or(i64::MAX);
        let longest = if self.period >= 3600 {
            7 * 86_400
        } else {
            86_400
        };
        if watched.saturating_mul(self.period) > longest {
            return refuse(
                "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).",
            );
        }
        let needed = self.datapoints_to_alarm.unwrap_or(self.evaluation_periods);
        if needed == 0 || needed > self.evaluation_periods {
            return refuse("DatapointsToAlarm must be between 1 and EvaluationPeriods");
        }
        if !self.threshold.is_finite() {
            return refuse("Threshold must be a number");
        }
        let actions = [
            &self.ok_actions,
            &self.alarm_actions,
            &self.insufficient_data_actions,
        ];
        for action in actions.into_iter().flatten() {
            if !action.starts_with("arn:") {
                return Err(AwsError::client(
                    "ValidationError",
                    format!("Invalid arn syntax: {action}"),
                ));
            }
        }
        Ok(())
    }

    fn actions(&self, state: AlarmState) -> &[String] {
        match state {
            AlarmState::Ok => &self.ok_actions,
            AlarmState::Alarm => &self.alarm_actions,
            AlarmState::InsufficientData => &self.insufficient_data_actions,
        }
    }
}

impl Alarm {
    fn note(&mut self, at: Timestamp, kind: &str, summary: String, data: &serde_json::Value) {
        self.history.push(HistoryItem {
            at,
            kind: kind.to_owned(),
            summary,
            data: data.to_string(),
        });
        let excess = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..excess);
    }

    /// Enters a state, or stays in it for another reason.
    fn enter(&mut self, at: Timestamp, verdict: Verdict) {
        let old = self.state;
        let Verdict {
            state,
            reason,
            data,
        } = verdict;
        let shown = |state: AlarmState, reason: &str| serde_json::json!({"stateValue": state.name(), "stateReason": reason});
        let change = serde_json::json!({
            "version": "1.0",
            "oldState": shown(old, &self.reason),
            "newState": shown(state, &reason),
        });
        (self.state, self.reason, self.reason_data) = (state, reason, data);
        self.updated = at;
        if state == old {
            return;
        }
        self.transitioned = at;
        let summary = format!("Alarm updated from {} to {}", old.name(), state.name());
        self.note(at, "StateUpdate", summary, &change);
        if !self.definition.actions_enabled {
            return;
        }
        for action in self.definition.actions(state).to_vec() {
            // Whoever waits for a message waits in vain.
            tracing::info!(
                alarm = self.name,
                action,
                state = state.name(),
                "an alarm's action: the practice account sends no message"
            );
            let data = serde_json::json!({
                "actionState": "Succeeded",
                "stateUpdateTimestamp": at.as_millisecond(),
                "notificationResource": action,
                "publishedMessage": null,
            });
            let summary = format!("Successfully executed action {action}");
            self.note(at, "Action", summary, &data);
        }
    }
}

impl World {
    /// The alarm of this name.
    pub fn alarm(&self, name: &str) -> Result<&Alarm, AwsError> {
        self.alarms.get(name).ok_or_else(|| {
            AwsError::with_status(404, "ResourceNotFound", format!("Unknown alarm {name}"))
        })
    }

    /// Makes an alarm, or gives it another definition.
    pub fn put_alarm(
        &mut self,
        name: &str,
        definition: Definition,
        tags: Tags,
    ) -> Result<(), AwsError> {
        definition.check()?;
        let now = self.now;
        let described = serde_json::to_value(&definition).unwrap_or_default();
        let data = |kind: &str| serde_json::json!({"version": "1.0", "type": kind, "updatedAlarm": described});
        if let Some(alarm) = self.alarms.get_mut(name) {
            alarm.definition = definition;
            alarm.configured = now;
            let summary = format!("Alarm \"{name}\" updated");
            alarm.note(now, "ConfigurationUpdate", summary, &data("Update"));
            return Ok(());
        }
        let mut alarm = Alarm {
            name: name.to_owned(),
            definition,
            configured: now,
            state: AlarmState::InsufficientData,
            reason: "Unchecked: Initial alarm creation".to_owned(),
            reason_data: String::new(),
            updated: now,
            transitioned: now,
            tags,
            history: Vec::new(),
        };
        let summary = format!("Alarm \"{name}\" created");
        alarm.note(now, "ConfigurationUpdate", summary, &data("Create"));
        self.alarms.insert(name, alarm);
        Ok(())
    }

    /// Puts an alarm into a state until it is evaluated again.
    pub fn set_alarm_state(
        &mut self,
        name: &str,
        state: AlarmState,
        reason: String,
        data: String,
    ) -> Result<(), AwsError> {
        self.alarm(name)?;
        let now = self.now;
        if let Some(alarm) = self.alarms.get_mut(name) {
            let verdict = Verdict {
                state,
                reason,
                data,
            };
            alarm.enter(now, verdict);
        }
        Ok(())
    }

    /// Takes over what an alarm was found to be at this time, unless it is in that state already.
    pub fn alarm_evaluated(&mut self, name: &str, at: Timestamp, verdict: Verdict) {
        let differs = self
            .alarms
            .get(name)
            .is_some_and(|alarm| alarm.state != verdict.state);
        if differs && let Some(alarm) = self.alarms.get_mut(name) {
            alarm.enter(at, verdict);
        }
    }
}
