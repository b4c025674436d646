//! Amazon CloudWatch: the metrics of EFS, and alarms on them.

mod alarms;
mod data;
mod document;
mod metrics;
mod watch;

use axum::http::request::Parts;

use self::document::{Input, Output};
use super::access::{Ask, Caller, Refusal};
use super::params::{Dialect, Params};
use super::protocol::Answer;
use crate::practice::account::Account;
use crate::practice::error::AwsError;
use crate::practice::world::alarms::Metric;

pub use self::document::Wire;
pub use self::watch::watch;

/// What the service is called in its paths and targets.
const NAME: &str = "GraniteServiceVersion20100801";

/// Of answers in XML.
pub const NAMESPACE: &str = "http://monitoring.amazonaws.com/doc/2010-08-01/";
const VERSION: &str = "2010-08-01";

/// An operation: what it does with what it is asked.
type Operation = fn(&Account, Input) -> Result<Output, AwsError>;

/// Name, and what it does.
const OPERATIONS: [(&str, Operation); 14] = [
    ("DeleteAlarms", alarms::delete),
    ("DescribeAlarmHistory", alarms::history),
    ("DescribeAlarms", alarms::describe),
    ("DescribeAlarmsForMetric", alarms::describe_for_metric),
    ("DisableAlarmActions", |account, input| {
        alarms::enable_actions(account, input, false)
    }),
    ("EnableAlarmActions", |account, input| {
        alarms::enable_actions(account, input, true)
    }),
    ("GetMetricData", data::get_metric_data),
    ("GetMetricStatistics", data::get_metric_statistics),
    ("ListMetrics", data::list_metrics),
    ("ListTagsForResource", alarms::tags),
    ("PutMetricAlarm", alarms::put),
    ("SetAlarmState", alarms::set_state),
    ("TagResource", alarms::tag),
    ("UntagResource", alarms::untag),
];

/// How a request is written.
pub fn wire(parts: &Parts) -> Wire {
    if parts.headers.contains_key("smithy-protocol") || parts.uri.path().starts_with("/service/") {
        Wire::Cbor
    } else if parts.headers.contains_key("x-amz-target") {
        Wire::Json
    } else {
        Wire::Query
    }
}

/// Answers a CloudWatch request; `form` is its body, or its query where it has none.
pub fn answer(
    account: &Account,
    caller: &Caller,
    parts: &Parts,
    form: &[u8],
) -> Result<Answer, AwsError> {
    let wire = wire(parts);
    let target = parts.headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    let asked = match wire {
        Wire::Cbor => {
            let path = parts.uri.path();
            let rest = path.strip_prefix(&format!("/service/{NAME}/operation/"));
            rest.unwrap_or(path).to_owned()
        }
        Wire::Json => {
            let target = target.unwrap_or_default();
            let rest = target.strip_prefix(&format!("{NAME}."));
            rest.unwrap_or(target).to_owned()
        }
        Wire::Query => {
            let mut form = Params::parse(form, Dialect::Query)?;
            let (action, version) = form.operation()?;
            if version != VERSION {
                return Err(unknown(wire, &format!("{action} for version {version}")));
            }
            action
        }
    };
    let found = OPERATIONS.iter().find(|(name, _)| *name == asked);
    let (name, operation) = found.ok_or_else(|| unknown(wire, &asked))?;
    account.write(|world| {
        let ask = Ask::new(format!("cloudwatch:{name}"));
        caller.may(world, Refusal::Query, |_| vec![ask])
    })?;
    let output = operation(account, document::read(form, wire)?)?;
    Ok(match wire {
        Wire::Cbor => Answer::Document(output.cbor()),
        Wire::Json => Answer::Document(output.json()),
        Wire::Query => Answer::Query(name, output.xml(format!("{name}Result"))),
    })
}

fn unknown(wire: Wire, what: &str) -> AwsError {
    let code = match wire {
        Wire::Query => "InvalidAction",
        Wire::Cbor | Wire::Json => "UnknownOperationException",
    };
    AwsError::client(
        code,
        format!("the practice account does not have the operation {what} of CloudWatch"),
    )
}

/// The body of an error.
pub fn error(error: &AwsError, cbor: bool) -> Vec<u8> {
    let output = Output::new()
        .with(
            "__type",
            format!("com.amazonaws.cloudwatch#{}", shape(&error.code)),
        )
        .with("message", error.message.as_str());
    if cbor { output.cbor() } else { output.json() }
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
