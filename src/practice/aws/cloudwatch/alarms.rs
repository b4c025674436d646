//! Alarms over the wire: made, shown, set, tagged, deleted. When they are evaluated does not enter here.

use std::collections::BTreeMap;

use super::document::{Input, Output, invalid, missing};
use crate::practice::account::Account;
use crate::practice::aws::paging;
use crate::practice::error::AwsError;
use crate::practice::world::alarms::{
    Alarm, AlarmState, Comparison, Definition, HistoryItem, Missing, Statistic,
};
use crate::practice::world::{Tags, World};

/// Alarms of a page, and items of a history.
const PAGE: i64 = 50;
const HISTORY_PAGE: i64 = 100;

fn tags_of(input: &mut Input) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for mut tag in input.objects("Tags")? {
        tags.insert(tag.needed("Key")?, tag.needed("Value")?);
        tag.finish()?;
    }
    Ok(tags)
}

pub fn put(account: &Account, mut input: Input) -> Result<Output, AwsError> {
    let name = input.needed("AlarmName")?;
    let named = |found: Option<String>, name: &str| found.ok_or_else(|| missing(name));
    let statistic = named(input.text("Statistic")?, "Statistic")?;
    let comparison = named(input.text("ComparisonOperator")?, "ComparisonOperator")?;
    let treated = input.text("TreatMissingData")?;
    let count = |number: Option<i64>, name: &str| {
        let number = number.map(usize::try_from).transpose();
        number.map_err(|_| invalid(name))
    };
    let periods = count(input.integer("EvaluationPeriods")?, "EvaluationPeriods")?;
    let needed = count(input.integer("DatapointsToAlarm")?, "DatapointsToAlarm")?;
    let definition = Definition {
        description: input.text("AlarmDescription")?,
        actions_enabled: input.boolean("ActionsEnabled")?.unwrap_or(true),
        ok_actions: input.texts("OKActions")?,
        alarm_actions: input.texts("AlarmActions")?,
        insufficient_data_actions: input.texts("InsufficientDataActions")?,
        metric: super::metric(&mut input)?,
        statistic: Statistic::find(&statistic).ok_or_else(|| invalid("Statistic"))?,
        unit: input.text("Unit")?,
        period: input.integer("Period")?.ok_or_else(|| missing("Period"))?,
        evaluation_periods: periods.ok_or_else(|| missing("EvaluationPeriods"))?,
        datapoints_to_alarm: needed,
        threshold: input
            .number("Threshold")?
            .ok_or_else(|| missing("Threshold"))?,
        comparison: Comparison::find(&comparison).ok_or_else(|| invalid("ComparisonOperator"))?,
        missing: treated
            .map(|treated| Missing::find(&treated).ok_or_else(|| invalid("TreatMissingData")))
            .transpose()?,
    };
    let tags = tags_of(&mut input)?;
    input.finish()?;
    account.write(|world| world.put_alarm(&name, definition, tags))?;
    Ok(Output::new())
}

fn show(world: &World, alarm: &Alarm) -> Output {
    let definition = &alarm.definition;
    let texts = |list: &[String]| list.to_vec();
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let output = Output::new()
        .with("AlarmName", alarm.name.as_str())
        .with("AlarmArn", arn(world, &alarm.name))
        .with_some("AlarmDescription", definition.description.clone())
        .with_time("AlarmConfigurationUpdatedTimestamp", alarm.configured)
        .with("ActionsEnabled", definition.actions_enabled)
        .with_list("OKActions", texts(&definition.ok_actions))
        .with_list("AlarmActions", texts(&definition.alarm_actions))
        .with_list(
            "InsufficientDataActions",
            texts(&definition.insufficient_data_actions),
        )
        .with("StateValue", alarm.state.name())
        .with("StateReason", alarm.reason.as_str());
    let data = Some(alarm.reason_data.clone()).filter(|data| !data.is_empty());
    let output = output
        .with_some("StateReasonData", data)
        .with_time("StateUpdatedTimestamp", alarm.updated)
        .with_time("StateTransitionedTimestamp", alarm.transitioned);
    super::show(output, &definition.metric)
        .with("Statistic", definition.statistic.name())
        .with("Period", definition.period)
        .with_some("Unit", definition.unit.clone())
        .with("EvaluationPeriods", number(definition.evaluation_periods))
        .with_some(
            "DatapointsToAlarm",
            definition.datapoints_to_alarm.map(number),
        )
        .with("Threshold", definition.threshold)
        .with("ComparisonOperator", definition.comparison.name())
        .with_some("TreatMissingData", definition.missing.map(Missing::name))
}

pub fn describe(account: &Account, mut input: Input) -> Result<Output, AwsError> {
    let names = input.texts("AlarmNames")?;
    let prefix = input.text("AlarmNamePrefix")?;
    if prefix.is_some() && !names.is_empty() {
        return Err(AwsError::client(
            "ValidationError",
            "AlarmNames and AlarmNamePrefix cannot be specified together",
        ));
    }
    let types = input.texts("AlarmTypes")?;
    let metric = types.is_empty() || types.iter().any(|kind| kind == "MetricAlarm");
    let state = input.text("StateValue")?;
    let state = state
        .map(|state| AlarmState::find(&state).ok_or_else(|| invalid("StateValue")))
        .transpose()?;
    let action = input.text("ActionPrefix")?;
    let limit = limit(&mut input, PAGE)?;
    let token = input.text("NextToken")?;
    input.finish()?;
    account.read(|world| {
        let passes = |alarm: &&Alarm| {
            let definition = &alarm.definition;
            let actions = [
                &definition.ok_actions,
                &definition.alarm_actions,
                &definition.insufficient_data_actions,
            ];
            metric
                && (names.is_empty() || names.contains(&alarm.name))
                && prefix
                    .as_ref()
                    .is_none_or(|prefix| alarm.name.starts_with(prefix))
                && state.is_none_or(|state| alarm.state == state)
                && action.as_ref().is_none_or(|prefix| {
                    actions
                        .into_iter()
                        .flatten()
                        .any(|one| one.starts_with(prefix))
                })
        };
        let found = world.alarms.values().filter(passes);
        let keyed = found.map(|alarm| (alarm.name.clone(), alarm)).collect();
        let (page, next) =
            paging::page(keyed, limit, token.as_deref()).ok_or_else(no_such_token)?;
        Ok(Output::new()
            .with_list(
                "MetricAlarms",
                page.into_iter().map(|alarm| show(world, alarm)),
            )
            .with_list("CompositeAlarms", Vec::<Output>::new())
            .with_some("NextToken", next))
    })
}

pub fn describe_for_metric(account: &Account, mut input: Input) -> Result<Output, AwsError> {
    let metric = super::metric(&mut input)?;
    let (statistic, period) = (input.text("Statistic")?, input.integer("Period")?);
    let unit = input.text("Unit")?;
    input.finish()?;
    account.read(|world| {
        let passes = |alarm: &&Alarm| {
            let definition = &alarm.definition;
            definition.metric == metric
                && statistic
                    .as_ref()
                    .is_none_or(|one| one == definition.statistic.name())
                && period.is_none_or(|period| period == definition.period)
                && unit
                    .as_ref()
                    .is_none_or(|unit| Some(unit) == definition.unit.as_ref())
        };
        let found = world.alarms.values().filter(passes);
        Ok(Output::new().with_list("MetricAlarms", found.map(|alarm| show(world, alarm))))
    })
}

pub fn history(account: &Account, mut input: Input) -> Result<Output, AwsError> {
    let (name, kind) = (input.text("AlarmName")?, input.text("HistoryItemType")?);
    let (from, to) = (input.time("StartDate")?, input.time("EndDate")?);
    let types = input.texts("AlarmTypes")?;
    let metric = types.is_empty() || types.iter().any(|kind| kind == "MetricAlarm");
    let ascending = input.text("ScanBy")?.as_deref() == Some("TimestampAscending");
    let limit = limit(&mut input, HISTORY_PAGE)?;
    let token = input.text("NextToken")?;
    input.finish()?;
    account.read(|world| {
        let passes = |item: &HistoryItem| {
            metric
                && kind.as_ref().is_none_or(|kind| *kind == item.kind)
                && from.is_none_or(|from| item.at >= from)
                && to.is_none_or(|to| item.at <= to)
        };
        let alarms = world.alarms.values();
        let mut items: Vec<(&str, &HistoryItem)> = alarms
            .filter(|alarm| name.as_ref().is_none_or(|name| *name == alarm.name))
            .flat_map(|alarm| alarm.history.iter().map(|item| (alarm.name.as_str(), item)))
            .filter(|(_, item)| passes(item))
            .collect();
        items.sort_by_key(|(_, item)| item.at);
        if !ascending {
            items.reverse();
        }
        let keyed = items.into_iter().enumerate();
        let keyed = keyed
            .map(|(number, item)| (format!("{number:08}"), item))
            .collect();
        let (page, next) =
            paging::page(keyed, limit, token.as_deref()).ok_or_else(no_such_token)?;
        let shown = page.into_iter().map(|(alarm, item)| {
            Output::new()
                .with("AlarmName", alarm)
                .with("AlarmType", "MetricAlarm")
                .with_time("Timestamp", item.at)
                .with("HistoryItemType", item.kind.as_str())
                .with("HistorySummary", item.summary.as_str())
                .with("HistoryData", item.data.as_str())
        });
        Ok(Output::new()
            .with_list("AlarmHistoryItems", shown)
            .with_some("NextToken", next))
    })
}

pub fn delete(account: &Account, mut input: Input) -> Result<Output, AwsError> {
    let names = input.needed_texts("AlarmNames")?;
    input.finish()?;
    account.write(|world| {
        // All of them or none, as CloudWatch does it.
        for name in &names {
            world.alarm(name)?;
        }
        for name in &names {
            world.alarms.remove(name);
        }
        Ok(Output::new())
    })
}

pub fn set_state(account: &Account, mut input: Input) -> Result<Output, AwsError> {
    let (name, state) = (input.needed("AlarmName")?, input.needed("StateValue")?);
    let state = AlarmState::find(&state).ok_or_else(|| {
        AwsError::validation(format!(
            "1 validation error detected: Value '{state}' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]"
        ))
    })?;
    let reason = input.needed("StateReason")?;
    let data = input.text("StateReasonData")?.unwrap_or_default();
    input.finish()?;
    if !data.is_empty() && serde_json::from_str::<serde_json::Value>(&data).is_err() {
        return Err(AwsError::client(
            "InvalidFormat",
            "StateReasonData is not valid JSON",
        ));
    }
    account.write(|world| world.set_alarm_state(&name, state, reason, data))?;
    Ok(Output::new())
}

pub fn enable_actions(
    account: &Account,
    mut input: Input,
    enabled: bool,
) -> Result<Output, AwsError> {
    let names = input.needed_texts("AlarmNames")?;
    input.finish()?;
    account.write(|world| {
        for name in &names {
            world.alarm(name)?;
            if let Some(alarm) = world.alarms.get_mut(name) {
                alarm.definition.actions_enabled = enabled;
            }
        }
        Ok(Output::new())
    })
}

pub fn tag(account: &Account, mut input: Input) -> Result<Output, AwsError> {
    let resource = input.needed("ResourceARN")?;
    let tags = tags_of(&mut input)?;
    input.finish()?;
    account.write(|world| {
        let name = tagged(world, &resource)?;
        if let Some(alarm) = world.alarms.get_mut(&name) {
            alarm.tags.extend(tags);
        }
        Ok(Output::new())
    })
}

pub fn untag(account: &Account, mut input: Input) -> Result<Output, AwsError> {
    let resource = input.needed("ResourceARN")?;
    let keys = input.texts("TagKeys")?;
    input.finish()?;
    account.write(|world| {
        let name = tagged(world, &resource)?;
        if let Some(alarm) = world.alarms.get_mut(&name) {
            alarm.tags.retain(|key, _| !keys.contains(key));
        }
        Ok(Output::new())
    })
}

pub fn tags(account: &Account, mut input: Input) -> Result<Output, AwsError> {
    let resource = input.needed("ResourceARN")?;
    input.finish()?;
    account.read(|world| {
        let name = tagged(world, &resource)?;
        let tags: BTreeMap<String, String> = world.alarm(&name)?.tags.clone();
        let shown = tags.iter().map(|(key, value)| {
            Output::new()
                .with("Key", key.as_str())
                .with("Value", value.as_str())
        });
        Ok(Output::new().with_list("Tags", shown))
    })
}

/// `arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME`
fn arn(world: &World, name: &str) -> String {
    world.place.arn("cloudwatch", &format!("alarm:{name}"))
}

/// The name of the alarm that an ARN is of.
fn tagged(world: &World, resource: &str) -> Result<String, AwsError> {
    let name = resource.strip_prefix(&arn(world, ""));
    let name = name.filter(|name| world.alarms.contains(name));
    name.map(str::to_owned).ok_or_else(|| {
        AwsError::with_status(
            404,
            "ResourceNotFoundException",
            format!("{resource} does not exist"),
        )
    })
}

fn limit(input: &mut Input, usual: i64) -> Result<usize, AwsError> {
    let limit = input.integer("MaxRecords")?.unwrap_or(usual);
    let limit = Some(limit).filter(|limit| (1..=100).contains(limit));
    limit
        .and_then(|limit| usize::try_from(limit).ok())
        .ok_or_else(|| invalid("MaxRecords"))
}

fn no_such_token() -> AwsError {
    AwsError::client("InvalidNextToken", "The next token is invalid.")
}
