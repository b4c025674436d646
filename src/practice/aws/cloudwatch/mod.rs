//! Amazon CloudWatch: the metrics of EFS, and alarms on them.

mod alarms;
mod data;
mod document;
mod metrics;
mod watch;

use axum::http::request::Parts;

use self::document::{Input, Output};
use super::access::{Ask, Caller, Refusal};
use super::protocol::Answer;
use crate::practice::account::Account;
use crate::practice::error::AwsError;
use crate::practice::world::alarms::Metric;

pub use self::watch::watch;

/// What the service is called in its paths and targets.
const NAME: &str = "GraniteServiceVersion20100801";

/// Whether a request is in CBOR, and not in JSON.
pub fn is_cbor(parts: &Parts) -> bool {
    parts.headers.contains_key("smithy-protocol") || !parts.headers.contains_key("x-amz-target")
}

/// Answers a CloudWatch request.
pub fn answer(
    account: &Account,
    caller: &Caller,
    parts: &Parts,
    body: &[u8],
) -> Result<Answer, AwsError> {
    let cbor = is_cbor(parts);
    let path = parts.uri.path();
    let target = parts.headers.get("x-amz-target");
    let target = target
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let operation = if cbor {
        path.strip_prefix(&format!("/service/{NAME}/operation/"))
    } else {
        target.strip_prefix(&format!("{NAME}."))
    };
    let unknown = |what: &str| {
        AwsError::client(
            "UnknownOperationException",
            format!("the practice account does not have the operation {what} of CloudWatch"),
        )
    };
    let operation = operation.ok_or_else(|| unknown(path))?;
    account.write(|world| {
        let ask = Ask::new(format!("cloudwatch:{operation}"));
        caller.may(world, Refusal::Query, |_| vec![ask])
    })?;
    let input = document::read(body, cbor)?;
    let output = match operation {
        "GetMetricData" => data::get_metric_data(account, input),
        "GetMetricStatistics" => data::get_metric_statistics(account, input),
        "ListMetrics" => data::list_metrics(account, input),
        "PutMetricAlarm" => alarms::put(account, input),
        "DescribeAlarms" => alarms::describe(account, input),
        "DescribeAlarmsForMetric" => alarms::describe_for_metric(account, input),
        "DescribeAlarmHistory" => alarms::history(account, input),
        "DeleteAlarms" => alarms::delete(account, input),
        "SetAlarmState" => alarms::set_state(account, input),
        "EnableAlarmActions" => alarms::enable_actions(account, input, true),
        "DisableAlarmActions" => alarms::enable_actions(account, input, false),
        "TagResource" => alarms::tag(account, input),
        "UntagResource" => alarms::untag(account, input),
        "ListTagsForResource" => alarms::tags(account, input),
        other => Err(unknown(other)),
    }?;
    Ok(Answer::Document(output.render(cbor)))
}

/// The body of an error.
pub fn error(error: &AwsError, cbor: bool) -> Vec<u8> {
    Output::new()
        .with(
            "__type",
            format!("com.amazonaws.cloudwatch#{}", shape(&error.code)),
        )
        .with("message", error.message.as_str())
        .render(cbor)
}

/// The shape of an error with this code, as the service's model has it.
fn shape(code: &str) -> &str {
    match code {
        "InvalidParameterValue" => "InvalidParameterValueException",
        "InvalidParameterCombination" => "InvalidParameterCombinationException",
        "MissingParameter" => "MissingRequiredParameterException",
        "InvalidFormat" => "InvalidFormatFault",
        "InternalFailure" => "InternalServiceFault",
        other => other,
    }
}

/// Reads the members of a metric.
fn metric(input: &mut Input) -> Result<Metric, AwsError> {
    let mut dimensions = std::collections::BTreeMap::new();
    let metric = (input.needed("Namespace")?, input.needed("MetricName")?);
    for mut dimension in input.objects("Dimensions")? {
        dimensions.insert(dimension.needed("Name")?, dimension.needed("Value")?);
        dimension.finish()?;
    }
    let (namespace, name) = metric;
    Ok(Metric {
        namespace,
        name,
        dimensions,
    })
}

/// Writes the members of a metric.
fn show(output: Output, metric: &Metric) -> Output {
    let dimensions = metric.dimensions.iter().map(|(name, value)| {
        Output::new()
            .with("Name", name.as_str())
            .with("Value", value.as_str())
    });
    output
        .with("Namespace", metric.namespace.as_str())
        .with("MetricName", metric.name.as_str())
        .with_list("Dimensions", dimensions)
}
