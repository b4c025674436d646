//! `AWS::SNS::Topic` and `AWS::SNS::Subscription`.

use super::security::generated_name;
use super::{
    Change, Progress, ResourceType, already_exists, at_once, gone_at_once, id, no_attribute,
};
use crate::practice::cfn::schema::{Kind, Properties, TAGS, optional, required};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::topics::Subscription;

pub static TOPIC: ResourceType = ResourceType {
    name: "AWS::SNS::Topic",
    properties: &[
        optional("ArchivePolicy", Kind::Unsupported),
        optional("ContentBasedDeduplication", Kind::Unsupported),
        optional("DataProtectionPolicy", Kind::Unsupported),
        optional("DeliveryStatusLogging", Kind::Unsupported),
        optional("DisplayName", Kind::Text).uninterrupted(),
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
        )
        .uninterrupted(),
        optional("Tags", TAGS).uninterrupted(),
        optional("TopicName", Kind::Text).replaces().naming(),
        optional("TracingConfig", Kind::Unsupported),
    ],
    attributes: &["TopicArn", "TopicName"],
    create: |world, request| {
        let properties = request.properties;
        let name = properties.text("TopicName");
        let name = name.unwrap_or_else(|| generated_name(world, request));
        if world.topics.contains(&world.place.arn("sns", &name)) {
            return Err(already_exists(&name));
        }
        let display_name = properties.text("DisplayName");
        let arn = world.create_topic(name, display_name, request.tags.clone())?;
        for one in properties.objects("Subscription") {
            world.subscribe(&arn, &one.needed("Protocol"), one.needed("Endpoint"))?;
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
    update: Some(update_topic),
    tags: Some(|world, id| Some(&mut world.topics.get_mut(id)?.tags)),
    delete: |world, resource| {
        world.delete_topic(id(resource));
        Ok(())
    },
    gone: gone_at_once,
};

/// Subscriptions that others have made stay.
fn update_topic(world: &mut World, change: &Change) -> Result<Progress, AwsError> {
    let topic = id(change.resource).to_owned();
    if let Some(found) = world.topics.get_mut(&topic) {
        found.display_name = change.after.text("DisplayName");
    }
    let inline = |properties: Properties<'_>| -> Vec<(String, String)> {
        let subscriptions = properties.objects("Subscription").into_iter();
        subscriptions
            .map(|one| (one.needed("Protocol"), one.needed("Endpoint")))
            .collect()
    };
    let (before, after) = (inline(change.before), inline(change.after));
    for (protocol, endpoint) in before.iter().filter(|one| !after.contains(one)) {
        let same = |one: &&Subscription| one.protocol == *protocol && one.endpoint == *endpoint;
        let gone = world.subscriptions_to(&topic).find(same);
        if let Some(gone) = gone.map(|one| one.arn.clone()) {
            world.subscriptions.remove(&gone);
        }
    }
    for (protocol, endpoint) in after.into_iter().filter(|one| !before.contains(one)) {
        world.subscribe(&topic, &protocol, endpoint)?;
    }
    Ok(Progress::Done)
}

pub static SUBSCRIPTION: ResourceType = ResourceType {
    name: "AWS::SNS::Subscription",
    properties: &[
        optional("DeliveryPolicy", Kind::Unsupported),
        optional("Endpoint", Kind::Text).replaces(),
        optional("FilterPolicy", Kind::Unsupported),
        optional("FilterPolicyScope", Kind::Unsupported),
        required("Protocol", Kind::Text).replaces(),
        optional("RawMessageDelivery", Kind::Unsupported),
        optional("RedrivePolicy", Kind::Unsupported),
        optional("Region", Kind::Unsupported),
        optional("ReplayPolicy", Kind::Unsupported),
        optional("SubscriptionRoleArn", Kind::Unsupported),
        required("TopicArn", Kind::Text).replaces(),
    ],
    attributes: &[],
    create: |world, request| {
        let properties = request.properties;
        world.subscribe(
            &properties.needed("TopicArn"),
            &properties.needed("Protocol"),
            properties.needed("Endpoint"),
        )
    },
    settled: at_once,
    attribute: no_attribute,
    update: None,
    tags: None,
    delete: |world, resource| {
        world.subscriptions.remove(id(resource));
        Ok(())
    },
    gone: gone_at_once,
};
