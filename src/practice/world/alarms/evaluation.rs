//! What the datapoints of the last periods make of an alarm, by the rules of "Evaluating an alarm" and "Configuring how
//! CloudWatch alarms treat missing data"
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html>).

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{AlarmState, Definition, Missing};

/// Periods that are looked back for data beyond those that are evaluated (of the documentation's example: five for
/// three).
const BEYOND: usize = 2;

/// Datapoints of an alarm's periods: when each period began, and its value, if there was any data. Newest first.
pub type Datapoints = Vec<(Timestamp, Option<f64>)>;

/// A state and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The state.
    pub state: AlarmState,
    /// For people.
    pub reason: String,
    /// As JSON.
    pub data: String,
}

impl Definition {
    /// The periods that are looked at for an evaluation at this time: the beginning of each, newest first.
    pub fn periods(&self, at: Timestamp) -> Vec<Timestamp> {
        let period = SignedDuration::from_secs(self.period);
        (1..=self.evaluation_periods + BEYOND)
            .filter_map(|back| {
                let back = i32::try_from(back).ok()?;
                at.checked_sub(period.checked_mul(back)?).ok()
            })
            .collect()
    }

    /// What these datapoints say; `None`: nothing that would change the state.
    pub fn evaluate(&self, now: Timestamp, points: &Datapoints) -> Option<Verdict> {
        let wanted = self.evaluation_periods;
        let needed = self.datapoints_to_alarm.unwrap_or(wanted);
        let known: Vec<(Timestamp, f64)> = points
            .iter()
            .filter_map(|(at, value)| Some((*at, (*value)?)))
            .take(wanted)
            .collect();
        let breaching = known
            .iter()
            .filter(|(_, value)| self.comparison.breaches(*value, self.threshold))
            .count();
        let lacking = wanted - known.len();
        let missing = self.missing.unwrap_or_default();
        let state = match missing {
            _ if lacking == 0 => alarm_if(breaching >= needed),
            Missing::Breaching => alarm_if(breaching + lacking >= needed),
            Missing::NotBreaching => alarm_if(breaching >= needed),
            Missing::Missing if known.is_empty() => AlarmState::InsufficientData,
            Missing::Missing => alarm_if(breaching >= needed || breaching == known.len()),
            Missing::Ignore if breaching >= needed => AlarmState::Alarm,
            Missing::Ignore if breaching < known.len() => AlarmState::Ok,
            Missing::Ignore => return None,
        };
        Some(Verdict {
            state,
            reason: self.reason(state, &known, breaching, lacking, needed),
            data: self.data(now, &known),
        })
    }

    fn reason(
        &self,
        state: AlarmState,
        known: &[(Timestamp, f64)],
        breaching: usize,
        lacking: usize,
        needed: usize,
    ) -> String {
        if known.is_empty() {
            let (many, treated) = match self.missing.unwrap_or_default() {
                Missing::Breaching => ("Threshold Crossed", " which were treated as [Breaching]"),
                Missing::NotBreaching => {
                    ("Threshold Crossed", " which were treated as [NonBreaching]")
                }
                Missing::Ignore | Missing::Missing => ("Insufficient Data", ""),
            };
            let noun = if lacking == 1 {
                "datapoint was"
            } else {
                "datapoints were"
            };
            let verb = if many == "Insufficient Data" {
                format!("{lacking} {noun} unknown.")
            } else {
                format!(
                    "no datapoints were received for {lacking} periods and {lacking} missing {noun}{}.",
                    treated.replacen(" which were", "", 1)
                )
            };
            return format!("{many}: {verb}");
        }
        let alarms = state == AlarmState::Alarm;
        let shown: Vec<String> = known
            .iter()
            .filter(|(_, value)| {
                self.comparison.breaches(*value, self.threshold) == alarms || lacking > 0
            })
            .map(|(at, value)| format!("{} ({})", number(*value), at.strftime("%d/%m/%y %H:%M:%S")))
            .collect();
        let count = if alarms {
            breaching
        } else {
            known.len() - breaching
        };
        let (noun, was) = if known.len() == 1 {
            ("datapoint", "was")
        } else {
            ("datapoints", "were")
        };
        let not = if alarms { "" } else { "not " };
        let way = if alarms { "OK -> ALARM" } else { "ALARM -> OK" };
        let least = if alarms {
            needed
        } else {
            self.evaluation_periods - needed + 1
        };
        let plural = if least == 1 { "" } else { "s" };
        format!(
            "Threshold Crossed: {count} out of the last {} {noun} [{}] {was} {not}{} the threshold ({}) (minimum {least} datapoint{plural} for {way} transition).",
            known.len(),
            shown.join(", "),
            self.comparison.words(),
            number(self.threshold),
        )
    }

    fn data(&self, now: Timestamp, known: &[(Timestamp, f64)]) -> String {
        let time = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string();
        let mut data = json!({
            "version": "1.0",
            "queryDate": time(now),
            "statistic": self.statistic.name(),
            "period": self.period,
            "recentDatapoints": known.iter().rev().map(|(_, value)| value).collect::<Vec<_>>(),
            "threshold": self.threshold,
            "evaluatedDatapoints": known.iter().map(|(at, value)| json!({"timestamp": time(*at), "value": value})).collect::<Vec<_>>(),
        });
        if let Some((oldest, _)) = known.last() {
            data["startDate"] = time(*oldest).into();
        }
        if let Some(unit) = &self.unit {
            data["unit"] = unit.as_str().into();
        }
        data.to_string()
    }
}

fn alarm_if(breaching: bool) -> AlarmState {
    if breaching {
        AlarmState::Alarm
    } else {
        AlarmState::Ok
    }
}

/// As Java prints a double that is not very large; what is, as it is.
fn number(value: f64) -> String {
    if value.abs() >= 1e7 {
        format!("{value:E}")
    } else {
        format!("{value:?}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Comparison, Metric, Statistic};
    use super::*;

    fn definition(periods: usize, needed: usize, missing: Option<Missing>) -> Definition {
        Definition {
            description: None,
            actions_enabled: true,
            ok_actions: Vec::new(),
            alarm_actions: Vec::new(),
            insufficient_data_actions: Vec::new(),
            metric: Metric {
                namespace: "AWS/EFS".into(),
                name: "PercentIOLimit".into(),
                dimensions: BTreeMap::new(),
            },
            statistic: Statistic::Average,
            unit: None,
            period: 60,
            evaluation_periods: periods,
            datapoints_to_alarm: Some(needed),
            threshold: 5.0,
            comparison: Comparison::GreaterThanThreshold,
            missing,
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_040 + 60 * minute).unwrap()
    }

    /// `X` breaches, `0` does not, `-` is missing; oldest first, as the documentation writes it.
    fn points(text: &str) -> Datapoints {
        let value = |letter| match letter {
            'X' => Some(9.0),
            '0' => Some(1.0),
            _ => None,
        };
        let values: Vec<_> = text
            .chars()
            .filter(|letter| *letter != ' ')
            .map(value)
            .collect();
        let minutes = (0..).map(at);
        let mut points: Datapoints = minutes.zip(values).collect();
        points.reverse();
        points
    }

    #[test]
    fn missing_data_count_as_the_documentations_tables_say() {
        use AlarmState::{Alarm, InsufficientData, Ok};
        // Datapoints; then missing, ignore, breaching, not breaching.
        let three_of_three = [
            ("0 - X - X", [Some(Ok), Some(Ok), Some(Ok), Some(Ok)]),
            ("- - - - 0", [Some(Ok), Some(Ok), Some(Ok), Some(Ok)]),
            (
                "- - - - -",
                [Some(InsufficientData), None, Some(Alarm), Some(Ok)],
            ),
            (
                "0 X X - X",
                [Some(Alarm), Some(Alarm), Some(Alarm), Some(Alarm)],
            ),
            ("- - X - -", [Some(Alarm), None, Some(Alarm), Some(Ok)]),
        ];
        let two_of_three = [
            (
                "0 - X - X",
                [Some(Alarm), Some(Alarm), Some(Alarm), Some(Alarm)],
            ),
            (
                "0 0 X 0 X",
                [Some(Alarm), Some(Alarm), Some(Alarm), Some(Alarm)],
            ),
            ("0 - X - -", [Some(Ok), Some(Ok), Some(Alarm), Some(Ok)]),
            ("- - - - 0", [Some(Ok), Some(Ok), Some(Alarm), Some(Ok)]),
            ("- - - X -", [Some(Alarm), None, Some(Alarm), Some(Ok)]),
        ];
        let ways = [
            Missing::Missing,
            Missing::Ignore,
            Missing::Breaching,
            Missing::NotBreaching,
        ];
        for (needed, table) in [(3, three_of_three), (2, two_of_three)] {
            for (text, expected) in table {
                for (way, expected) in ways.iter().zip(expected) {
                    let found = definition(3, needed, Some(*way)).evaluate(at(9), &points(text));
                    assert_eq!(
                        found.map(|one| one.state),
                        expected,
                        "{text} {needed} {way:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_reason_names_the_datapoints_and_the_rule() {
        let found = definition(2, 2, None)
            .evaluate(at(9), &points("0 X X"))
            .unwrap();
        assert_eq!(
            found.reason,
            "Threshold Crossed: 2 out of the last 2 datapoints [9.0 (21/09/26 14:16:00), 9.0 (21/09/26 14:15:00)] were greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition)."
        );
        let data: serde_json::Value = serde_json::from_str(&found.data).unwrap();
        assert_eq!(data["recentDatapoints"], json!([9.0, 9.0]));
        let found = definition(1, 1, None)
            .evaluate(at(9), &points("- -"))
            .unwrap();
        assert_eq!(found.reason, "Insufficient Data: 1 datapoint was unknown.");
    }

    #[test]
    fn definitions_that_cloudwatch_refuses_are_refused() {
        let good = definition(3, 2, None);
        good.check().unwrap();
        let bad: [fn(&mut Definition); 6] = [
            |one| one.period = 45,
            |one| one.evaluation_periods = 0,
            |one| one.datapoints_to_alarm = Some(4),
            |one| one.evaluation_periods = 2000,
            |one| one.threshold = f64::NAN,
            |one| one.alarm_actions = vec!["mail me".into()],
        ];
        for change in bad {
            let mut definition = good.clone();
            change(&mut definition);
            assert_eq!(definition.check().unwrap_err().code, "ValidationError");
        }
    }
}
