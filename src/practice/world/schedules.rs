//! EventBridge schedules: what they are, and when each is due. Who calls their targets does not enter here.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::World;
use crate::practice::error::AwsError;

/// The group that every account has; there is no other here.
pub const GROUP: &str = "default";

/// A schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Unlike any other's.
    pub name: String,
    /// What can be set.
    pub definition: Definition,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// When its target was last called.
    pub fired: Option<Timestamp>,
}

/// What can be set of a schedule. `UpdateSchedule` sets all of it: what it leaves out becomes the default again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// `rate(15 minutes)`, `at(2026-01-05T12:00:00)`
    pub expression: String,
    /// Of `at`; UTC when not given.
    pub timezone: String,
    /// Not before that.
    pub start: Option<Timestamp>,
    /// Not after that.
    pub end: Option<Timestamp>,
    /// Whether it calls its target.
    pub enabled: bool,
    /// For people.
    pub description: Option<String>,
    /// ARN of the state machine that is started.
    pub target: String,
    /// ARN of the role as which it is.
    pub role: String,
    /// JSON for the target.
    pub input: Option<String>,
    /// As given.
    pub retry_policy: Option<Value>,
    /// Whether it is deleted after its last call.
    pub delete_after: bool,
}

/// What an expression means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expression {
    /// Once.
    At(Timestamp),
    /// Again and again.
    Rate(SignedDuration),
}

impl Definition {
    /// Reads what a schedule is to be; whatever is not modelled is refused by name.
    pub fn read(members: Map<String, Value>) -> Result<Self, AwsError> {
        let mut definition = Self {
            expression: String::new(),
            timezone: "UTC".into(),
            start: None,
            end: None,
            enabled: true,
            description: None,
            target: String::new(),
            role: String::new(),
            input: None,
            retry_policy: None,
            delete_after: false,
        };
        let unsupported =
            |name: &str| validation(&format!("the practice account does not support {name}"));
        let mut windowed = false;
        for (name, value) in members {
            match (name.as_str(), value) {
                (_, Value::Null) | ("ClientToken" | "Name", _) => {}
                ("GroupName", Value::String(group)) if group == GROUP => {}
                ("ScheduleExpression", Value::String(text)) => definition.expression = text,
                ("ScheduleExpressionTimezone", Value::String(text)) => definition.timezone = text,
                ("Description", Value::String(text)) => definition.description = Some(text),
                ("StartDate", at) => definition.start = Some(instant(&at).ok_or_else(malformed)?),
                ("EndDate", at) => definition.end = Some(instant(&at).ok_or_else(malformed)?),
                ("State", Value::String(text)) if text == "ENABLED" => definition.enabled = true,
                ("State", Value::String(text)) if text == "DISABLED" => definition.enabled = false,
                ("ActionAfterCompletion", Value::String(text)) if text == "DELETE" => {
                    definition.delete_after = true;
                }
                ("ActionAfterCompletion", Value::String(text)) if text == "NONE" => {}
                ("FlexibleTimeWindow", window) => {
                    if window.get("Mode") != Some(&json!("OFF")) {
                        return Err(unsupported("flexible time windows"));
                    }
                    windowed = true;
                }
                ("Target", Value::Object(target)) => {
                    for (name, value) in target {
                        match (name.as_str(), value) {
                            (_, Value::Null) => {}
                            ("Arn", Value::String(arn)) => definition.target = arn,
                            ("RoleArn", Value::String(arn)) => definition.role = arn,
                            ("Input", Value::String(input)) => definition.input = Some(input),
                            ("RetryPolicy", policy) => definition.retry_policy = Some(policy),
                            (other, _) => return Err(unsupported(&format!("Target.{other}"))),
                        }
                    }
                }
                (other, _) => return Err(unsupported(other)),
            }
        }
        for (name, missing) in [
            ("scheduleExpression", definition.expression.is_empty()),
            ("flexibleTimeWindow", !windowed),
            ("target", definition.target.is_empty()),
            ("target.roleArn", definition.role.is_empty()),
        ] {
            if missing {
                return Err(validation(&format!(
                    "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
                )));
            }
        }
        Ok(definition)
    }

    /// Refuses what Scheduler refuses, and what is not modelled.
    pub fn check(&self) -> Result<(), AwsError> {
        self.parse()?;
        if let (Some(start), Some(end)) = (self.start, self.end)
            && end <= start
        {
            return Err(validation(
                "The EndDate you specify must come after the StartDate.",
            ));
        }
        Ok(())
    }

    fn parse(&self) -> Result<Expression, AwsError> {
        let invalid = || validation(&format!("Invalid Schedule Expression {}.", self.expression));
        let zone = TimeZone::get(&self.timezone).map_err(|_| {
            validation(&format!(
                "Provided ScheduleExpressionTimezone {} is not valid.",
                self.timezone
            ))
        })?;
        let inner = |name: &str| {
            let rest = self.expression.strip_prefix(name)?.strip_prefix('(')?;
            rest.strip_suffix(')')
        };
        if let Some(at) = inner("at") {
            let at: DateTime = at.parse().map_err(|_| invalid())?;
            let at = at.to_zoned(zone).map_err(|_| invalid())?;
            return Ok(Expression::At(at.timestamp()));
        }
        if let Some(rate) = inner("rate") {
            let (number, unit) = rate.trim().split_once(' ').ok_or_else(invalid)?;
            let number: i64 = number.parse().map_err(|_| invalid())?;
            let seconds = match unit.trim() {
                "minute" | "minutes" => 60,
                "hour" | "hours" => 3600,
                "day" | "days" => 86_400,
                _ => return Err(invalid()),
            };
            if !(1..=1_000_000).contains(&number) {
                return Err(invalid());
            }
            return Ok(Expression::Rate(SignedDuration::from_secs(
                number * seconds,
            )));
        }
        if inner("cron").is_some() {
            return Err(validation(
                "the practice account does not have cron expressions of schedules",
            ));
        }
        Err(invalid())
    }
}

impl Schedule {
    /// `arn:aws:scheduler:…:schedule/default/NAME`
    pub fn arn(&self, world: &World) -> String {
        world
            .place
            .arn("scheduler", &format!("schedule/{GROUP}/{}", self.name))
    }

    /// When its target is to be called next; `None`: never more, as it stands.
    pub fn due(&self) -> Option<Timestamp> {
        let definition = &self.definition;
        if !definition.enabled {
            return None;
        }
        let at = match definition.parse().ok()? {
            Expression::At(at) => {
                // A date that was past when it was set never comes.
                let comes = at >= self.modified && self.fired.is_none_or(|fired| fired < at);
                comes.then_some(at)?
            }
            Expression::Rate(every) => {
                // "If you do not specify a start date, your schedule starts invoking the target immediately."
                let first = definition.start.unwrap_or(self.created);
                let next = self.fired.max(
                    // Ticks that were missed before it was changed are not made up for.
                    (first < self.modified).then_some(self.modified),
                );
                match next {
                    Some(after) if after >= first => {
                        let every = every.as_secs().max(1);
                        let passed = after.duration_since(first).as_secs() / every + 1;
                        first
                            .checked_add(SignedDuration::from_secs(passed * every))
                            .ok()?
                    }
                    _ => first,
                }
            }
        };
        definition.end.is_none_or(|end| at <= end).then_some(at)
    }
}

/// Seconds since 1970, or ISO 8601, as templates have it.
fn instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "microseconds of our time fit"
        )]
        value => Timestamp::from_microsecond((value.as_f64()? * 1e6).round() as i64).ok(),
    }
}

/// Says that a request cannot be read.
pub fn malformed() -> AwsError {
    AwsError::client(
        "SerializationException",
        "the body is not as Scheduler has it",
    )
}

/// Scheduler's answer to nearly everything that is wrong with a request.
pub fn validation(message: &str) -> AwsError {
    AwsError::client("ValidationException", message)
}

impl World {
    /// The schedule with this name.
    pub fn schedule(&self, name: &str) -> Result<&Schedule, AwsError> {
        self.schedules.get(name).ok_or_else(|| no_such(name))
    }

    /// Makes a schedule.
    pub fn create_schedule(&mut self, name: &str, definition: Definition) -> Result<(), AwsError> {
        let letters = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(letters) {
            return Err(validation(
                "1 validation error detected: Value at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$",
            ));
        }
        if self.schedules.contains(name) {
            return Err(AwsError::with_status(
                409,
                "ConflictException",
                format!("Schedule {name} already exists."),
            ));
        }
        self.check_schedule(&definition)?;
        let schedule = Schedule {
            name: name.to_owned(),
            definition,
            created: self.now,
            modified: self.now,
            fired: None,
        };
        self.schedules.insert(name, schedule);
        Ok(())
    }

    /// Sets everything of a schedule anew.
    pub fn update_schedule(&mut self, name: &str, definition: Definition) -> Result<(), AwsError> {
        self.check_schedule(&definition)?;
        let now = self.now;
        let schedule = self.schedules.get_mut(name).ok_or_else(|| no_such(name))?;
        schedule.definition = definition;
        schedule.modified = now;
        Ok(())
    }

    fn check_schedule(&self, definition: &Definition) -> Result<(), AwsError> {
        definition.check()?;
        let recurs = matches!(definition.parse(), Ok(Expression::Rate(_)));
        let early = self.now - SignedDuration::from_mins(5);
        if recurs && definition.start.is_some_and(|start| start < early) {
            return Err(validation(
                "The StartDate you specify cannot be earlier than 5 minutes ago.",
            ));
        }
        if !self.lets_assume(&definition.role, "scheduler") {
            return Err(validation(
                "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
            ));
        }
        let kind = definition.target.split(':').nth(2);
        if kind != Some("states") {
            return Err(validation(&format!(
                "the practice account calls no target but a state machine: not {}",
                definition.target
            )));
        }
        Ok(())
    }

    /// Deletes a schedule.
    pub fn delete_schedule(&mut self, name: &str) -> Result<(), AwsError> {
        let removed = self.schedules.remove(name);
        removed.map(drop).ok_or_else(|| no_such(name))
    }

    /// Notes that the target of a schedule is being called; one that was the last may delete the schedule.
    pub fn schedule_fired(&mut self, name: &str, at: Timestamp) {
        let Some(schedule) = self.schedules.get_mut(name) else {
            return;
        };
        schedule.fired = Some(at);
        if schedule.definition.delete_after && schedule.due().is_none() {
            self.schedules.remove(name);
        }
    }
}

fn no_such(name: &str) -> AwsError {
    AwsError::with_status(
        404,
        "ResourceNotFoundException",
        format!("Schedule {name} does not exist."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(expression: &str) -> Schedule {
        let made = at("2026-01-05T12:00:00Z");
        Schedule {
            name: "s".into(),
            definition: Definition {
                expression: expression.into(),
                timezone: "UTC".into(),
                start: None,
                end: None,
                enabled: true,
                description: None,
                target: String::new(),
                role: String::new(),
                input: None,
                retry_policy: None,
                delete_after: false,
            },
            created: made,
            modified: made,
            fired: None,
        }
    }

    #[test]
    fn a_rate_is_counted_from_its_start() {
        let mut rate = schedule("rate(15 minutes)");
        rate.definition.start = Some(at("2026-01-05T16:00:00Z"));
        assert_eq!(rate.due(), Some(at("2026-01-05T16:00:00Z")));
        rate.fired = Some(at("2026-01-05T16:00:01Z"));
        assert_eq!(rate.due(), Some(at("2026-01-05T16:15:00Z")));
        // A later start is waited for, whatever was called before.
        rate.definition.start = Some(at("2026-01-05T20:00:00Z"));
        rate.modified = at("2026-01-05T16:05:00Z");
        assert_eq!(rate.due(), Some(at("2026-01-05T20:00:00Z")));
        // What was missed while it was disabled is not made up for.
        rate.modified = at("2026-01-05T20:40:00Z");
        assert_eq!(rate.due(), Some(at("2026-01-05T20:45:00Z")));
        rate.definition.end = Some(at("2026-01-05T20:44:00Z"));
        assert_eq!(rate.due(), None);
    }

    #[test]
    fn a_date_comes_once_in_its_own_zone() {
        let mut once = schedule("at(2026-01-05T14:00:00)");
        once.definition.timezone = "Europe/Berlin".into();
        assert_eq!(once.due(), Some(at("2026-01-05T13:00:00Z")));
        once.fired = Some(at("2026-01-05T13:00:00Z"));
        assert_eq!(once.due(), None);
        let mut off = schedule("at(2026-01-05T14:00:00)");
        off.definition.enabled = false;
        assert_eq!(off.due(), None);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for wrong in [
            "rate(0 minutes)",
            "rate(5 fortnights)",
            "at(tomorrow)",
            "cron(0 12 * * ? *)",
            "5 minutes",
        ] {
            assert!(schedule(wrong).definition.check().is_err(), "{wrong}");
        }
    }
}
