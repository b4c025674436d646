//! `AWS::CloudFormation::` wait condition and its handle, an address with a secret that messages are PUT to.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::{ResourceType, Settled, at_once, gone_at_once, id, no_attribute};
use crate::practice::cfn::schema::{Kind, Properties, optional, required};
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::stacks::{Resource, WaitHandle};

pub static HANDLE: ResourceType = ResourceType {
    name: "AWS::CloudFormation::WaitConditionHandle",
    properties: &[],
    attributes: &[],
    create: |world, request| {
        let token = world.token();
        world.handles.insert(
            &token,
            WaitHandle {
                token: token.clone(),
                stack: request.stack.to_owned(),
                messages: BTreeMap::new(),
            },
        );
        let stack: String = form_urlencoded::byte_serialize(request.stack.as_bytes()).collect();
        Ok(format!(
            "{}/cloudformation-waitcondition-{}/{stack}/{}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={token}",
            world.endpoint, world.place.region, request.logical_id
        ))
    },
    settled: at_once,
    attribute: no_attribute,
    update: None,
    tags: None,
    delete: |world, resource| {
        if let Some(token) = token(id(resource)).map(str::to_owned) {
            world.handles.remove(&token);
        }
        Ok(())
    },
    gone: gone_at_once,
};

/// The secret in a handle's address.
pub fn token(url: &str) -> Option<&str> {
    let (_, token) = url.split_once("X-Amz-Signature=")?;
    Some(token.split('&').next().unwrap_or(token))
}

pub static CONDITION: ResourceType = ResourceType {
    name: "AWS::CloudFormation::WaitCondition",
    properties: &[
        optional("Count", Kind::Integer).fixed(),
        required("Handle", Kind::Text).fixed(),
        required("Timeout", Kind::Integer).fixed(),
    ],
    attributes: &["Data"],
    create: |world, request| {
        let timeout = request.properties.integer("Timeout");
        // The CloudFormation template reference allows at most twelve hours.
        if !timeout.is_some_and(|seconds| (0..=43_200).contains(&seconds)) {
            return Err(AwsError::validation(
                "Timeout must be a number of seconds of at most 43200",
            ));
        }
        if handle(world, request.properties).is_none() {
            return Err(AwsError::validation(
                "Invalid WaitCondition handle: it must be the reference of an AWS::CloudFormation::WaitConditionHandle",
            ));
        }
        Ok(format!("{}/{}", request.stack, request.logical_id))
    },
    settled,
    attribute: |world, resource, _| {
        let handle = handle(world, Properties::new(&resource.properties))?;
        let data: Map<String, Value> = handle
            .messages
            .iter()
            .map(|(id, message)| (id.clone(), message.data.clone().into()))
            .collect();
        Some(Value::Object(data).to_string().into())
    },
    update: None,
    tags: None,
    delete: |_, _| Ok(()),
    gone: gone_at_once,
};

fn handle<'a>(world: &'a World, properties: Properties<'_>) -> Option<&'a WaitHandle> {
    world.handles.get(token(&properties.needed("Handle"))?)
}

fn settled(world: &World, resource: &Resource) -> Settled {
    let properties = Properties::new(&resource.properties);
    let Some(handle) = handle(world, properties) else {
        return Settled::Failed("WaitConditionHandle does not exist".into());
    };
    let failed = handle.messages.iter().find(|(_, message)| !message.success);
    if let Some((id, message)) = failed {
        return Settled::Failed(format!(
            "WaitCondition received failed message: '{}' for uniqueId: {id}",
            message.reason
        ));
    }
    let wanted = properties.integer("Count").unwrap_or(1);
    let received = handle.messages.len();
    if i64::try_from(received).is_ok_and(|received| received >= wanted) {
        return Settled::Yes;
    }
    let timeout = properties.integer("Timeout").unwrap_or(0);
    let until = resource.began + SignedDuration::from_secs(timeout);
    if world.now >= until {
        return Settled::Failed(format!(
            "WaitCondition timed out. Received {received} conditions when expecting {wanted}"
        ));
    }
    Settled::NotYet(Some(until))
}
