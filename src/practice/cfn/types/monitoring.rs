//! `AWS::CloudWatch::Alarm`, `AWS::SNS::Topic` and `AWS::SNS::Subscription`.

use std::collections::BTreeMap;

use super::security::generated_name;
use super::{ResourceType, at_once, gone_at_once, id, invalid, no_attribute};
use crate::practice::cfn::schema::{Kind, Properties, TAGS, optional, required};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::alarms::{
    Comparison, Definition, Metric, Missing, Statistic, Subscription, Topic,
};

const TEXTS: Kind = Kind::List(&Kind::Text);

pub static ALARM: ResourceType = ResourceType {
    name: "AWS::CloudWatch::Alarm",
    properties: &[
        optional("ActionsEnabled", Kind::Boolean),
        optional("AlarmActions", TEXTS),
        optional("AlarmDescription", Kind::Text),
        optional("AlarmName", Kind::Text),
        required("ComparisonOperator", Kind::Text),
        optional("DatapointsToAlarm", Kind::Integer),
        optional(
            "Dimensions",
            Kind::List(&Kind::Object(&[
                required("Name", Kind::Text),
                required("Value", Kind::Text),
            ])),
        ),
        optional("EvaluateLowSampleCountPercentile", Kind::Unsupported),
        required("EvaluationPeriods", Kind::Integer),
        optional("ExtendedStatistic", Kind::Unsupported),
        optional("InsufficientDataActions", TEXTS),
        optional("MetricName", Kind::Text),
        optional("Metrics", Kind::Unsupported),
        optional("Namespace", Kind::Text),
        optional("OKActions", TEXTS),
        optional("Period", Kind::Integer),
        optional("Statistic", Kind::Text),
        optional("Tags", TAGS),
        optional("Threshold", Kind::Text),
        optional("ThresholdMetricId", Kind::Unsupported),
        optional("TreatMissingData", Kind::Text),
        optional("Unit", Kind::Text),
    ],
    attributes: &["Arn"],
    create: |world, request| {
        let properties = request.properties;
        let name = properties.text("AlarmName");
        let name = name.unwrap_or_else(|| generated_name(world, request));
        if world.alarms.contains(&name) {
            return Err(already_exists(&name));
        }
        let definition = definition(properties)?;
        world.put_alarm(&name, definition, request.tags.clone())?;
        Ok(name)
    },
    settled: at_once,
    attribute: |world, resource, _| {
        let alarm = format!("alarm:{}", id(resource));
        Some(world.place.arn("cloudwatch", &alarm).into())
    },
    delete: |world, resource| {
        world.alarms.remove(id(resource));
        Ok(())
    },
    gone: gone_at_once,
};

fn already_exists(name: &str) -> AwsError {
    AwsError::client("AlreadyExists", format!("{name} already exists"))
}

fn definition(properties: Properties<'_>) -> Result<Definition, AwsError> {
    let missing = |name: &str| AwsError::validation(format!("The parameter {name} is required."));
    let needed = |name: &str| properties.text(name).ok_or_else(|| missing(name));
    let wrong = |name: &str| invalid(format!("the value of {name} is invalid"));
    let count = |name: &str| -> Result<Option<usize>, AwsError> {
        let number = properties.integer(name).map(usize::try_from).transpose();
        number.map_err(|_| wrong(name))
    };
    let statistic = needed("Statistic")?;
    let comparison = needed("ComparisonOperator")?;
    let treated = properties.text("TreatMissingData");
    let dimensions = properties.objects("Dimensions").into_iter();
    let dimensions: BTreeMap<String, String> = dimensions
        .map(|one| (one.needed("Name"), one.needed("Value")))
        .collect();
    Ok(Definition {
        description: properties.text("AlarmDescription"),
        actions_enabled: properties.boolean("ActionsEnabled").unwrap_or(true),
        ok_actions: properties.texts("OKActions"),
        alarm_actions: properties.texts("AlarmActions"),
        insufficient_data_actions: properties.texts("InsufficientDataActions"),
        metric: Metric {
            namespace: needed("Namespace")?,
            name: needed("MetricName")?,
            dimensions,
        },
        statistic: Statistic::find(&statistic).ok_or_else(|| wrong("Statistic"))?,
        unit: properties.text("Unit"),
        period: properties
            .integer("Period")
            .ok_or_else(|| missing("Period"))?,
        evaluation_periods: count("EvaluationPeriods")?.unwrap_or_default(),
        datapoints_to_alarm: count("DatapointsToAlarm")?,
        threshold: needed("Threshold")?
            .parse()
            .map_err(|_| wrong("Threshold"))?,
        comparison: Comparison::find(&comparison).ok_or_else(|| wrong("ComparisonOperator"))?,
        missing: treated
            .map(|treated| Missing::find(&treated).ok_or_else(|| wrong("TreatMissingData")))
            .transpose()?,
    })
}

pub static TOPIC: ResourceType = ResourceType {
    name: "AWS::SNS::Topic",
    properties: &[
        optional("ArchivePolicy", Kind::Unsupported),
        optional("ContentBasedDeduplication", Kind::Unsupported),
        optional("DataProtectionPolicy", Kind::Unsupported),
        optional("DeliveryStatusLogging", Kind::Unsupported),
        optional("DisplayName", Kind::Text),
        optional("FifoThroughputScope", Kind::Unsupported),
        optional("FifoTopic", Kind::Unsupported),
        optional("KmsMasterKeyId", Kind::Unsupported),
        optional("SignatureVersion", Kind::Unsupported),
        optional(
            "Subscription",
            Kind::List(&Kind::Object(&[
                required("Endpoint", Kind::Text),
                required("Protocol", Kind::Text),
            ])),
        ),
        optional("Tags", TAGS),
        optional("TopicName", Kind::Text),
        optional("TracingConfig", Kind::Unsupported),
    ],
    attributes: &["TopicArn", "TopicName"],
    create: |world, request| {
        let properties = request.properties;
        let name = properties.text("TopicName");
        let name = name.unwrap_or_else(|| generated_name(world, request));
        let arn = world.place.arn("sns", &name);
        if world.topics.contains(&arn) {
            return Err(already_exists(&name));
        }
        let topic = Topic {
            arn: arn.clone(),
            name,
            display_name: properties.text("DisplayName"),
            tags: request.tags.clone(),
        };
        world.topics.insert(&arn, topic);
        for one in properties.objects("Subscription") {
            subscribe(world, &arn, &one.needed("Protocol"), one.needed("Endpoint"))?;
        }
        Ok(arn)
    },
    settled: at_once,
    attribute: |world, resource, name| {
        let topic = world.topics.get(id(resource))?;
        Some(match name {
            "TopicArn" => topic.arn.clone().into(),
            "TopicName" => topic.name.clone().into(),
            _ => return None,
        })
    },
    delete: |world, resource| {
        let topic = id(resource);
        let subscribed = world
            .subscriptions
            .values()
            .filter(|one| one.topic == topic);
        let subscribed: Vec<String> = subscribed.map(|one| one.arn.clone()).collect();
        for arn in subscribed {
            world.subscriptions.remove(&arn);
        }
        world.topics.remove(topic);
        Ok(())
    },
    gone: gone_at_once,
};

pub static SUBSCRIPTION: ResourceType = ResourceType {
    name: "AWS::SNS::Subscription",
    properties: &[
        optional("DeliveryPolicy", Kind::Unsupported),
        optional("Endpoint", Kind::Text),
        optional("FilterPolicy", Kind::Unsupported),
        optional("FilterPolicyScope", Kind::Unsupported),
        required("Protocol", Kind::Text),
        optional("RawMessageDelivery", Kind::Unsupported),
        optional("RedrivePolicy", Kind::Unsupported),
        optional("Region", Kind::Unsupported),
        optional("ReplayPolicy", Kind::Unsupported),
        optional("SubscriptionRoleArn", Kind::Unsupported),
        required("TopicArn", Kind::Text),
    ],
    attributes: &[],
    create: |world, request| {
        let properties = request.properties;
        let topic = properties.needed("TopicArn");
        if !world.topics.contains(&topic) {
            return Err(AwsError::with_status(
                404,
                "NotFound",
                "Topic does not exist",
            ));
        }
        subscribe(
            world,
            &topic,
            &properties.needed("Protocol"),
            properties.needed("Endpoint"),
        )
    },
    settled: at_once,
    attribute: no_attribute,
    delete: |world, resource| {
        world.subscriptions.remove(id(resource));
        Ok(())
    },
    gone: gone_at_once,
};

/// Subscribes an address. Nobody is written to, so that nobody can confirm it; nothing is published either.
fn subscribe(
    world: &mut World,
    topic: &str,
    protocol: &str,
    endpoint: String,
) -> Result<String, AwsError> {
    if !matches!(protocol, "email" | "email-json" | "sms" | "http" | "https") {
        return Err(AwsError::client(
            "InvalidParameter",
            format!(
                "Invalid parameter: the practice account does not have the protocol {protocol}"
            ),
        ));
    }
    if endpoint.is_empty() {
        return Err(AwsError::client(
            "InvalidParameter",
            "Invalid parameter: Endpoint",
        ));
    }
    tracing::info!(
        topic,
        protocol,
        endpoint,
        "a subscription: the practice account sends no message"
    );
    let arn = format!("{topic}:{}", world.uuid());
    let subscription = Subscription {
        arn: arn.clone(),
        topic: topic.to_owned(),
        protocol: protocol.to_owned(),
        endpoint,
    };
    world.subscriptions.insert(&arn, subscription);
    Ok(arn)
}
