//! Looking at metrics: which there are, and what their datapoints say.

use jiff::Timestamp;

use super::document::{Input, Output, invalid, missing, time};
use super::metrics::{Subjects, unit};
use crate::practice::account::Account;
use crate::practice::aws::paging;
use crate::practice::error::AwsError;
use crate::practice::world::alarms::{Metric, Statistic};

/// Metrics of a page of ListMetrics, and datapoints of an answer of GetMetricData and of GetMetricStatistics
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/>).
const METRICS: usize = 500;
const DATAPOINTS: usize = 100_800;
const STATISTICS: i64 = 1440;
/// Queries of one GetMetricData.
const QUERIES: usize = 500;

/// From, to, and seconds of a period.
fn window(input: &mut Input) -> Result<(Timestamp, Timestamp), AwsError> {
    let (from, to) = (
        input.needed_time("StartTime")?,
        input.needed_time("EndTime")?,
    );
    if from >= to {
        return Err(AwsError::client(
            "InvalidParameterValue",
            "The parameter StartTime must be less than the parameter EndTime.",
        ));
    }
    Ok((from, to))
}

/// Seconds of a period.
pub fn period(input: &mut Input) -> Result<i64, AwsError> {
    let period = input.integer("Period")?.ok_or_else(|| missing("Period"))?;
    // EFS sends nothing more often than once a minute.
    if period < 60 || period % 60 != 0 {
        return Err(AwsError::client(
            "InvalidParameterValue",
            "The parameter Period must be a multiple of 60.",
        ));
    }
    Ok(period)
}

/// Whether data of a metric are in the unit that is asked for.
pub fn has_unit(metric: &Metric, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| unit(metric) == Some(wanted))
}

pub fn get_metric_data(account: &Account, mut input: Input) -> Result<Output, AwsError> {
    let (from, to) = window(&mut input)?;
    let ascending = match input.text("ScanBy")?.as_deref() {
        None | Some("TimestampDescending") => false,
        Some("TimestampAscending") => true,
        Some(_) => return Err(invalid("ScanBy")),
    };
    let most = match input.integer("MaxDatapoints")? {
        None => DATAPOINTS,
        Some(most) => usize::try_from(most)
            .ok()
            .filter(|most| (1..=DATAPOINTS).contains(most))
            .ok_or_else(|| invalid("MaxDatapoints"))?,
    };
    // A token says how many datapoints were told before.
    let told = match input.text("NextToken")? {
        None => 0,
        Some(token) => token
            .strip_prefix("after-")
            .and_then(|number| number.parse::<usize>().ok())
            .ok_or_else(|| AwsError::client("InvalidNextToken", "The next token is invalid."))?,
    };
    let queries = input.objects("MetricDataQueries")?;
    if let Some(mut options) = input.object("LabelOptions")? {
        options.text("Timezone")?;
        options.finish()?;
    }
    input.finish()?;
    if queries.is_empty() {
        return Err(missing("MetricDataQueries"));
    }
    if queries.len() > QUERIES {
        return Err(invalid("MetricDataQueries"));
    }
    let subjects = Subjects::of(account);
    let (mut results, mut passed) = (Vec::new(), 0);
    for query in queries {
        let Some((id, label, mut points)) = one(&subjects, query, from, to)? else {
            continue;
        };
        if !ascending {
            points.reverse();
        }
        let begin = told.saturating_sub(passed).min(points.len());
        let end = (told + most).saturating_sub(passed).min(points.len());
        passed += points.len();
        let status = if end < points.len() {
            "PartialData"
        } else {
            "Complete"
        };
        let page = points.get(begin..end).unwrap_or_default();
        results.push(
            Output::new()
                .with("Id", id)
                .with("Label", label)
                .with_list("Timestamps", page.iter().map(|(at, _)| time(*at)))
                .with_list("Values", page.iter().map(|(_, value)| *value))
                .with("StatusCode", status),
        );
    }
    let next = (told + most < passed).then(|| format!("after-{}", told + most));
    Ok(Output::new()
        .with_list("MetricDataResults", results)
        .with_some("NextToken", next)
        .with_list("Messages", Vec::<Output>::new()))
}

type Points = Vec<(Timestamp, f64)>;

/// Id, label and datapoints of a query; `None`: its data are not asked for.
fn one(
    subjects: &Subjects,
    mut query: Input,
    from: Timestamp,
    to: Timestamp,
) -> Result<Option<(String, String, Points)>, AwsError> {
    let id = query.needed("Id")?;
    let mut letters = id.chars();
    if !letters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        || !letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    {
        return Err(AwsError::client(
            "ValidationError",
            format!(
                "The value {id} for parameter MetricDataQueries.member.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
            ),
        ));
    }
    if query.text("Expression")?.is_some() {
        return Err(AwsError::client(
            "ValidationError",
            "the practice account does not have metric math expressions",
        ));
    }
    let (label, shown) = (query.text("Label")?, query.boolean("ReturnData")?);
    let mut stat = query
        .object("MetricStat")?
        .ok_or_else(|| missing("MetricStat"))?;
    query.finish()?;
    let mut metric = stat.object("Metric")?.ok_or_else(|| missing("Metric"))?;
    let named = super::metric(&mut metric)?;
    metric.finish()?;
    let period = period(&mut stat)?;
    let name = stat.needed("Stat")?;
    let statistic = Statistic::find(&name).ok_or_else(|| {
        let why = format!("the practice account does not have the statistic {name}");
        AwsError::client("InvalidParameterValue", why)
    })?;
    let wanted = stat.text("Unit")?;
    stat.finish()?;
    if shown == Some(false) {
        return Ok(None);
    }
    let mut points = Points::new();
    if has_unit(&named, wanted.as_deref()) {
        let series = subjects.series(&named, from, to, period);
        points.extend(
            series
                .into_iter()
                .map(|(at, samples)| (at, samples.statistic(statistic))),
        );
    }
    let label = label.unwrap_or_else(|| named.name.clone());
    Ok(Some((id, label, points)))
}

pub fn get_metric_statistics(account: &Account, mut input: Input) -> Result<Output, AwsError> {
    let metric = super::metric(&mut input)?;
    let (from, to) = window(&mut input)?;
    let period = period(&mut input)?;
    let names = input.texts("Statistics")?;
    if !input.texts("ExtendedStatistics")?.is_empty() {
        return Err(AwsError::client(
            "InvalidParameterValue",
            "the practice account does not have percentiles",
        ));
    }
    let wanted = input.text("Unit")?;
    input.finish()?;
    if names.is_empty() {
        return Err(AwsError::client(
            "MissingParameter",
            "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
        ));
    }
    let statistics: Vec<Statistic> = names
        .iter()
        .map(|name| Statistic::find(name).ok_or_else(|| invalid("Statistics")))
        .collect::<Result<_, _>>()?;
    let asked = (to.as_second() - from.as_second()) / period;
    if asked > STATISTICS {
        return Err(AwsError::client(
            "InvalidParameterCombination",
            format!(
                "You have requested up to {asked} datapoints, which exceeds the limit of {STATISTICS}. You may reduce the datapoints requested by increasing Period, or decreasing the time range."
            ),
        ));
    }
    let mut datapoints = Vec::new();
    if has_unit(&metric, wanted.as_deref()) {
        for (at, samples) in Subjects::of(account).series(&metric, from, to, period) {
            let mut point = Output::new()
                .with_time("Timestamp", at)
                .with_some("Unit", unit(&metric));
            for statistic in &statistics {
                point = point.with(statistic.name(), samples.statistic(*statistic));
            }
            datapoints.push(point);
        }
    }
    Ok(Output::new()
        .with("Label", metric.name)
        .with_list("Datapoints", datapoints))
}

pub fn list_metrics(account: &Account, mut input: Input) -> Result<Output, AwsError> {
    let (namespace, name) = (input.text("Namespace")?, input.text("MetricName")?);
    let mut filters = Vec::new();
    for mut filter in input.objects("Dimensions")? {
        filters.push((filter.needed("Name")?, filter.text("Value")?));
        filter.finish()?;
    }
    let token = input.text("NextToken")?;
    // All data here are of the account itself, and as recent as that.
    input.text("RecentlyActive")?;
    input.boolean("IncludeLinkedAccounts")?;
    input.finish()?;
    let passes = |metric: &Metric| {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        is(&namespace, &metric.namespace)
            && is(&name, &metric.name)
            && filters.iter().all(|(name, value)| {
                let found = metric.dimensions.get(name);
                found.is_some_and(|found| is(value, found))
            })
    };
    let found = Subjects::of(account).metrics().into_iter().filter(passes);
    let keyed = found.map(|metric| {
        let dimensions: Vec<&str> = metric.dimensions.values().map(String::as_str).collect();
        (format!("{}/{}", dimensions.join("/"), metric.name), metric)
    });
    let mut keyed: Vec<(String, Metric)> = keyed.collect();
    keyed.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (page, next) = paging::page(keyed, METRICS, token.as_deref())
        .ok_or_else(|| AwsError::client("InvalidParameterValue", "The next token is invalid."))?;
    let metrics = page.iter().map(|metric| super::show(Output::new(), metric));
    Ok(Output::new()
        .with_list("Metrics", metrics)
        .with_some("NextToken", next))
}
