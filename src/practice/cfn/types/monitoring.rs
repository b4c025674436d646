//! `AWS::CloudWatch::Alarm`.

use std::collections::BTreeMap;

use super::security::generated_name;
use super::{Progress, ResourceType, already_exists, at_once, gone_at_once, id, invalid};
use crate::practice::cfn::schema::{Kind, Properties, TAGS, optional, required};
use crate::practice::error::AwsError;
use crate::practice::world::Tags;
use crate::practice::world::alarms::{Comparison, Definition, Metric, Missing, Statistic};

const TEXTS: Kind = Kind::List(&Kind::Text);

pub static ALARM: ResourceType = ResourceType {
    name: "AWS::CloudWatch::Alarm",
    properties: &[
        optional("ActionsEnabled", Kind::Boolean).uninterrupted(),
        optional("AlarmActions", TEXTS).uninterrupted(),
        optional("AlarmDescription", Kind::Text).uninterrupted(),
        optional("AlarmName", Kind::Text).replaces().naming(),
        required("ComparisonOperator", Kind::Text).uninterrupted(),
        optional("DatapointsToAlarm", Kind::Integer).uninterrupted(),
        optional(
            "Dimensions",
            Kind::List(&Kind::Object(&[
                required("Name", Kind::Text),
                required("Value", Kind::Text),
            ])),
        )
        .uninterrupted(),
        optional("EvaluateLowSampleCountPercentile", Kind::Unsupported),
        required("EvaluationPeriods", Kind::Integer).uninterrupted(),
        optional("ExtendedStatistic", Kind::Unsupported),
        optional("InsufficientDataActions", TEXTS).uninterrupted(),
        optional("MetricName", Kind::Text).uninterrupted(),
        optional("Metrics", Kind::Unsupported),
        optional("Namespace", Kind::Text).uninterrupted(),
        optional("OKActions", TEXTS).uninterrupted(),
        optional("Period", Kind::Integer).uninterrupted(),
        optional("Statistic", Kind::Text).uninterrupted(),
        optional("Tags", TAGS).uninterrupted(),
        optional("Threshold", Kind::Text).uninterrupted(),
        optional("ThresholdMetricId", Kind::Unsupported),
        optional("TreatMissingData", Kind::Text).uninterrupted(),
        optional("Unit", Kind::Text).uninterrupted(),
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
    update: Some(|world, change| {
        let name = id(change.resource);
        if !world.alarms.contains(name) {
            return Err(AwsError::with_status(
                404,
                "ResourceNotFound",
                "Alarm does not exist",
            ));
        }
        // Tags are no part of the definition, and not put again.
        world.put_alarm(name, definition(change.after)?, Tags::new())?;
        Ok(Progress::Done)
    }),
    tags: Some(|world, id| Some(&mut world.alarms.get_mut(id)?.tags)),
    delete: |world, resource| {
        world.alarms.remove(id(resource));
        Ok(())
    },
    gone: gone_at_once,
};

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
