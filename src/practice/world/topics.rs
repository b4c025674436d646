//! SNS topics and who is subscribed to them. Messages do not enter here: none is sent anywhere.

use serde::{Deserialize, Serialize};

use super::{Tags, World};
use crate::practice::error::AwsError;

/// How long a topic's name may be (SNS API reference, CreateTopic).
const LONGEST: usize = 256;
/// Whom a topic may tell, here; queues, functions and telephones there are none.
const PROTOCOLS: [&str; 5] = ["email", "email-json", "sms", "http", "https"];

/// An SNS topic. Nothing that is published to it is sent anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// For people.
    pub display_name: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// Who is told what is published to a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its ARN.
    pub arn: String,
    /// The topic's ARN.
    pub topic: String,
    /// `email`
    pub protocol: String,
    /// An address.
    pub endpoint: String,
}

impl World {
    /// The topic of this ARN.
    pub fn topic(&self, arn: &str) -> Result<&Topic, AwsError> {
        self.topics
            .get(arn)
            .ok_or_else(|| AwsError::with_status(404, "NotFound", "Topic does not exist"))
    }

    /// Makes a topic. Answers with its ARN.
    pub fn create_topic(
        &mut self,
        name: String,
        display_name: Option<String>,
        tags: Tags,
    ) -> Result<String, AwsError> {
        let allowed = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_');
        if name.is_empty() || name.len() > LONGEST || !name.chars().all(allowed) {
            return Err(invalid("Topic Name"));
        }
        let arn = self.place.arn("sns", &name);
        let topic = Topic {
            arn: arn.clone(),
            name,
            display_name,
            tags,
        };
        self.topics.insert(&arn, topic);
        Ok(arn)
    }

    /// Deletes a topic and the subscriptions to it; one that is not there is no mistake.
    pub fn delete_topic(&mut self, arn: &str) {
        let subscribed = self.subscriptions_to(arn);
        let subscribed: Vec<String> = subscribed.map(|one| one.arn.clone()).collect();
        for one in subscribed {
            self.subscriptions.remove(&one);
        }
        self.topics.remove(arn);
    }

    /// Who is subscribed to a topic.
    pub fn subscriptions_to<'a>(
        &'a self,
        topic: &'a str,
    ) -> impl Iterator<Item = &'a Subscription> {
        self.subscriptions
            .values()
            .filter(move |one| one.topic == topic)
    }

    /// Subscribes an address. Nobody is written to, so that nobody can confirm it. Answers with its ARN, which is an
    /// earlier one's if the same address has been subscribed.
    pub fn subscribe(
        &mut self,
        topic: &str,
        protocol: &str,
        endpoint: String,
    ) -> Result<String, AwsError> {
        self.topic(topic)?;
        if !PROTOCOLS.contains(&protocol) {
            return Err(invalid(&format!(
                "the practice account does not have the protocol {protocol}"
            )));
        }
        let is_mail = protocol.starts_with("email");
        if endpoint.is_empty() || (is_mail && !endpoint.contains('@')) {
            return Err(invalid("Endpoint"));
        }
        let same = self
            .subscriptions_to(topic)
            .find(|one| one.protocol == protocol && one.endpoint == endpoint);
        if let Some(same) = same {
            return Ok(same.arn.clone());
        }
        tracing::info!(
            topic,
            protocol,
            endpoint,
            "a subscription: the practice account sends no message"
        );
        let arn = format!("{topic}:{}", self.uuid());
        let subscription = Subscription {
            arn: arn.clone(),
            topic: topic.to_owned(),
            protocol: protocol.to_owned(),
            endpoint,
        };
        self.subscriptions.insert(&arn, subscription);
        Ok(arn)
    }
}

/// What SNS says of a parameter that makes no sense.
fn invalid(what: &str) -> AwsError {
    AwsError::client("InvalidParameter", format!("Invalid parameter: {what}"))
}
