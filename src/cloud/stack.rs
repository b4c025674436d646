//! The lab's stack: create it, look at it, delete it. Following it is the runtime's work.

use std::collections::{BTreeMap, HashSet};

use aws_sdk_cloudformation::types::{Capability, OnFailure, Parameter, Stack, StackStatus, Tag};

use super::failure::classify;
use super::session::{Cloud, timestamp};
use crate::engine::event::{Failure, FailureClass, StackEvent, StackSeen};

/// Everything that `CreateStack` is told.
#[derive(Debug, Clone)]
pub struct Creation<'a> {
    /// Name.
    pub name: &'a str,
    /// Template body.
    pub template: String,
    /// Parameters.
    pub parameters: Vec<(&'a str, String)>,
    /// Lab id, for the `efslab:lab` tag that CloudFormation passes on to every resource.
    pub lab: &'a str,
    /// The template makes roles, and that is wanted.
    pub makes_roles: bool,
    /// ARN of the service role with which CloudFormation works on it; `None`: with the caller's own rights.
    pub role: Option<String>,
    /// Makes a second identical call harmless.
    pub token: String,
}

/// Key of the tag that every resource of a lab carries.
pub const LAB_TAG: &str = "efslab:lab";

/// The lab that a stack says it belongs to.
pub(super) fn lab_of(stack: &Stack) -> Option<&str> {
    let tag = stack.tags().iter().find(|tag| tag.key() == Some(LAB_TAG));
    tag.and_then(Tag::value)
}

impl Cloud {
    /// Asks for the stack; answers its StackId. Asking again with the same token is the same request.
    pub async fn create_stack(&self, creation: Creation<'_>) -> Result<String, Failure> {
        let tried = "create the stack";
        let parameters = creation
            .parameters
            .iter()
            .map(|(key, value)| {
                Parameter::builder()
                    .parameter_key(*key)
                    .parameter_value(value)
                    .build()
            })
            .collect();
        let outcome = self
            .cloudformation
            .create_stack()
            .stack_name(creation.name)
            .template_body(creation.template)
            .set_parameters(Some(parameters))
            .set_capabilities(
                creation
                    .makes_roles
                    .then(|| vec![Capability::CapabilityIam]),
            )
            .set_role_arn(creation.role)
            .tags(Tag::builder().key(LAB_TAG).value(creation.lab).build())
            // Rolling back would leave a broken stack that must be deleted anyway; stopping keeps the evidence, and the
            // lab deletes the stack itself once the learner has seen why.
            .on_failure(OnFailure::DoNothing)
            .client_request_token(creation.token)
            .send()
            .await
            .map_err(|error| classify(tried, &error))?;
        outcome.stack_id.ok_or_else(|| Failure {
            tried: tried.to_owned(),
            why: "the answer names no stack".to_owned(),
            class: FailureClass::Transient,
        })
    }

    /// Looks at the stack once. `Ok(None)`: there is no such stack (any more). Events whose ids are in `seen` are left
    /// out; new ids are added to it.
    pub async fn look_at_stack(
        &self,
        stack: &str,
        seen: &mut HashSet<String>,
    ) -> Result<Option<StackSeen>, Failure> {
        let tried = "look at the stack";
        let described = match self
            .cloudformation
            .describe_stacks()
            .stack_name(stack)
            .send()
            .await
        {
            Ok(described) => described,
            Err(error) => {
                let failure = classify(tried, &error);
                return if failure.class == FailureClass::NotFound {
                    Ok(None)
                } else {
                    Err(failure)
                };
            }
        };
        let Some(found) = described.stacks().first() else {
            return Ok(None);
        };
        let id = found.stack_id().unwrap_or(stack).to_owned();
        let news = self.new_stack_events(&id, seen).await?;
        let outputs = found
            .outputs()
            .iter()
            .filter_map(|output| {
                Some((
                    output.output_key()?.to_owned(),
                    output.output_value()?.to_owned(),
                ))
            })
            .collect::<BTreeMap<_, _>>();
        let since = found
            .deletion_time()
            .or(found.last_updated_time())
            .or(found.creation_time())
            .map(timestamp)
            .unwrap_or_default();
        Ok(Some(StackSeen {
            id,
            status: found
                .stack_status()
                .map(|status| status.as_str().to_owned())
                .unwrap_or_default(),
            reason: found.stack_status_reason().map(str::to_owned),
            outputs,
            since,
            news,
        }))
    }

    /// Events not seen before, oldest first. Reads back only as far as the first page that brings nothing new.
    async fn new_stack_events(
        &self,
        id: &str,
        seen: &mut HashSet<String>,
    ) -> Result<Vec<StackEvent>, Failure> {
        let mut fresh = Vec::new();
        let mut ids = HashSet::new();
        let mut pages = self
            .cloudformation
            .describe_stack_events()
            .stack_name(id)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify("read the stack's events", &error))?;
            let before = fresh.len();
            for event in page.stack_events() {
                let Some(event_id) = event.event_id() else {
                    continue;
                };
                if seen.contains(event_id) || !ids.insert(event_id.to_owned()) {
                    continue;
                }
                fresh.push(StackEvent {
                    logical_id: event.logical_resource_id().unwrap_or_default().to_owned(),
                    kind: event.resource_type().unwrap_or_default().to_owned(),
                    physical_id: event
                        .physical_resource_id()
                        .filter(|id| !id.is_empty())
                        .map(str::to_owned),
                    status: event
                        .resource_status()
                        .map(|status| status.as_str().to_owned())
                        .unwrap_or_default(),
                    reason: event.resource_status_reason().map(str::to_owned),
                    at: event.timestamp().map(timestamp).unwrap_or_default(),
                });
            }
            if fresh.len() == before {
                break;
            }
        }
        // Only now: what came before a page that failed is read again.
        seen.extend(ids);
        fresh.reverse();
        Ok(fresh)
    }

    /// Every stack of the account and region that is not deleted.
    pub(super) async fn stacks(&self) -> Result<Vec<Stack>, Failure> {
        let mut found = Vec::new();
        let mut pages = self
            .cloudformation
            .describe_stacks()
            .into_paginator()
            .items()
            .send();
        while let Some(stack) = pages.next().await {
            found.push(stack.map_err(|error| classify("list stacks", &error))?);
        }
        found.retain(|stack| stack.stack_status() != Some(&StackStatus::DeleteComplete));
        Ok(found)
    }

    /// Asks for the stack's deletion, with this service role instead of its own. Success means accepted, nothing more.
    pub(super) async fn delete_stack(
        &self,
        stack_id: &str,
        role: Option<&str>,
        token: String,
    ) -> Result<(), Failure> {
        self.cloudformation
            .delete_stack()
            .stack_name(stack_id)
            .set_role_arn(role.map(str::to_owned))
            .client_request_token(token)
            .send()
            .await
            .map(drop)
            .map_err(|error| classify("delete the stack", &error))
    }
}
