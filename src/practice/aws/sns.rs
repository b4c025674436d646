//! AWS SNS: topics, who is subscribed to them, and their tags. What is published goes nowhere.

use super::access::{Ask, Caller, Refusal};
use super::iam::{show_tags, tags};
use super::paging;
use super::params::{Dialect, Params};
use super::protocol::Answer;
use super::xml::Element;
use crate::practice::account::Account;
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::topics::Subscription;

/// Of answers.
pub const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";
const VERSION: &str = "2010-03-31";
/// SNS API reference, ListTopics and ListSubscriptions: "The list is limited to 100 per call".
const PAGE: usize = 100;

/// An operation: what it does with the world and its parameters, and the result.
type Operation = fn(&mut World, &mut Params, Element) -> Result<Element, AwsError>;

/// Name, the parameter that holds the ARN of what it is about, and what it does.
const OPERATIONS: &[(&str, Option<&str>, Operation)] = &[
    ("CreateTopic", None, create),
    ("DeleteTopic", Some("TopicArn"), delete),
    ("GetTopicAttributes", Some("TopicArn"), attributes),
    ("ListSubscriptions", None, list_subscriptions),
    (
        "ListSubscriptionsByTopic",
        Some("TopicArn"),
        list_subscriptions_to,
    ),
    ("ListTagsForResource", Some("ResourceArn"), list_tags),
    ("ListTopics", None, list),
    ("Publish", Some("TopicArn"), publish),
    ("Subscribe", Some("TopicArn"), subscribe),
    ("TagResource", Some("ResourceArn"), tag),
    ("Unsubscribe", Some("SubscriptionArn"), unsubscribe),
    ("UntagResource", Some("ResourceArn"), untag),
];

/// Answers an SNS request.
pub fn answer(account: &Account, caller: &Caller, form: &[u8]) -> Result<Answer, AwsError> {
    let mut params = Params::parse(form, Dialect::Query)?;
    let action = params.text("Action").unwrap_or_default();
    let version = params.text("Version").unwrap_or_default();
    let (name, about, operation) = OPERATIONS
        .iter()
        .find(|(name, _, _)| *name == action && version == VERSION)
        .ok_or_else(|| {
            AwsError::client(
                "InvalidAction",
                format!("The action {action} is not valid for this web service."),
            )
        })?;
    account.write(|world| {
        caller.may(world, Refusal::Query, |world| {
            let ask = Ask::new(format!("sns:{name}"));
            vec![match about.and_then(|about| named(form, about)) {
                Some(arn) => match world.topics.get(&arn) {
                    Some(topic) => ask.on(arn).tagged("sns", &topic.tags),
                    None => ask.on(arn),
                },
                None => ask,
            }]
        })?;
        let result = Element::new(format!("{name}Result"));
        let result = operation(world, &mut params, result)?;
        params.finish()?;
        Ok(Answer::Query(name, result))
    })
}

/// A parameter, before the operation takes it.
fn named(form: &[u8], name: &str) -> Option<String> {
    Params::parse(form, Dialect::Query).ok()?.text(name)
}

/// A page of a listing, with what says whether there is more.
fn page<T>(
    params: &mut Params,
    result: Element,
    name: &str,
    items: Vec<(String, T)>,
    fill: impl Fn(Element, T) -> Element,
) -> Result<Element, AwsError> {
    let token = params.text("NextToken");
    let (items, next) = paging::page(items, PAGE, token.as_deref())
        .ok_or_else(|| AwsError::client("InvalidParameter", "Invalid parameter: NextToken"))?;
    let result = result.list(name, "member", items, fill);
    Ok(result.maybe("NextToken", next))
}

/// The attributes that a request gives, of which only one is known here.
fn display_name(params: &mut Params) -> Result<Option<String>, AwsError> {
    let Some(mut attributes) = params.take("Attributes") else {
        return Ok(None);
    };
    let mut display_name = None;
    for mut entry in attributes.list("entry")? {
        let (key, value) = (entry.needed("key")?, entry.needed("value")?);
        if key != "DisplayName" {
            return Err(AwsError::validation(format!(
                "the practice account does not support the attribute {key}"
            )));
        }
        entry.finish()?;
        display_name = Some(value);
    }
    attributes.finish()?;
    Ok(display_name)
}

fn create(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let name = params.needed("Name")?;
    let (display_name, tags) = (display_name(params)?, tags(params)?);
    let known = world.topics.get(&world.place.arn("sns", &name));
    let arn = match known {
        // Whoever creates it again is told which it is, if he means the same.
        Some(topic)
            if tags
                .iter()
                .all(|tag| topic.tags.get_key_value(tag.0) == Some(tag)) =>
        {
            topic.arn.clone()
        }
        Some(_) => {
            return Err(AwsError::client(
                "InvalidParameter",
                "Invalid parameter: Tags Reason: Topic already exists with different tags",
            ));
        }
        None => world.create_topic(name, display_name, tags)?,
    };
    Ok(result.text("TopicArn", arn))
}

fn delete(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    world.delete_topic(&params.needed("TopicArn")?);
    Ok(result)
}

fn list(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let topics = world.topics.ids().into_iter();
    let topics = topics.map(|arn| (arn.clone(), arn)).collect();
    page(params, result, "Topics", topics, |item, arn| {
        item.text("TopicArn", arn)
    })
}

fn attributes(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let topic = world.topic(&params.needed("TopicArn")?)?;
    let pending = world.subscriptions_to(&topic.arn).count().to_string();
    let attributes = [
        ("TopicArn", topic.arn.as_str()),
        ("Owner", &world.place.account_id),
        ("DisplayName", topic.display_name.as_deref().unwrap_or("")),
        // Nobody is asked to confirm, so that nobody has.
        ("SubscriptionsPending", &pending),
        ("SubscriptionsConfirmed", "0"),
        ("SubscriptionsDeleted", "0"),
    ];
    Ok(
        result.list("Attributes", "entry", attributes, |item, (key, value)| {
            item.text("key", key).text("value", value)
        }),
    )
}

fn show(world: &World, item: Element, one: &Subscription) -> Element {
    item.text("TopicArn", &one.topic)
        .text("Protocol", &one.protocol)
        // What is not confirmed has no ARN that could be told.
        .text("SubscriptionArn", "PendingConfirmation")
        .text("Owner", &world.place.account_id)
        .text("Endpoint", &one.endpoint)
}

fn list_subscriptions(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let found = world.subscriptions.values();
    let found = found.map(|one| (one.arn.clone(), one)).collect();
    page(params, result, "Subscriptions", found, |item, one| {
        show(world, item, one)
    })
}

fn list_subscriptions_to(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let topic = params.needed("TopicArn")?;
    world.topic(&topic)?;
    let found = world.subscriptions_to(&topic);
    let found = found.map(|one| (one.arn.clone(), one)).collect();
    page(params, result, "Subscriptions", found, |item, one| {
        show(world, item, one)
    })
}

fn subscribe(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let (topic, protocol) = (params.needed("TopicArn")?, params.needed("Protocol")?);
    let endpoint = params.needed("Endpoint")?;
    let told = params.boolean("ReturnSubscriptionArn")?.unwrap_or_default();
    let arn = world.subscribe(&topic, &protocol, endpoint)?;
    let arn = if told {
        arn
    } else {
        "pending confirmation".to_owned()
    };
    Ok(result.text("SubscriptionArn", arn))
}

fn unsubscribe(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    world
        .subscriptions
        .remove(&params.needed("SubscriptionArn")?);
    Ok(result)
}

/// Whoever is subscribed has not confirmed it, and would get nothing from SNS either.
fn publish(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let topic = params.needed("TopicArn")?;
    world.topic(&topic)?;
    let (message, subject) = (params.needed("Message")?, params.text("Subject"));
    tracing::info!(
        topic,
        message,
        subject,
        "published: the practice account sends no message"
    );
    Ok(result.text("MessageId", world.uuid()))
}

fn list_tags(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let topic = taggable(world, params)?;
    let tags = world.topics.get(&topic).map(|topic| topic.tags.clone());
    Ok(show_tags(result, &tags.unwrap_or_default()))
}

fn tag(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let (topic, given) = (taggable(world, params)?, tags(params)?);
    if let Some(topic) = world.topics.get_mut(&topic) {
        topic.tags.extend(given);
    }
    Ok(result)
}

fn untag(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let (topic, keys) = (taggable(world, params)?, params.texts("TagKeys")?);
    if let Some(topic) = world.topics.get_mut(&topic) {
        topic.tags.retain(|key, _| !keys.contains(key));
    }
    Ok(result)
}

/// The topic that the request is about: nothing else of SNS has tags.
fn taggable(world: &World, params: &mut Params) -> Result<String, AwsError> {
    let arn = params.needed("ResourceArn")?;
    if world.topics.contains(&arn) {
        return Ok(arn);
    }
    Err(AwsError::with_status(
        404,
        "ResourceNotFound",
        "Resource does not exist",
    ))
}
