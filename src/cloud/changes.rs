//! Updates of the lab's stack by change sets: what would change, and carrying it out.

use std::time::Duration;

use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::types::{
    Capability, ChangeAction, ChangeSetStatus, ChangeSetType, Parameter, Replacement, Tag,
};

use super::failure::classify;
use super::session::Cloud;
use super::stack::LAB_TAG;
use crate::engine::event::{Change, ChangeSet, Failure, FailureClass};

/// Everything that `CreateChangeSet` is told.
#[derive(Debug, Clone)]
pub struct Proposal<'a> {
    /// StackId.
    pub stack: &'a str,
    /// Template body.
    pub template: String,
    /// Parameters that are not to stay as they are.
    pub differing: Vec<(&'a str, String)>,
    /// The template makes roles, and that is wanted.
    pub makes_roles: bool,
    /// Lab id, for the `efslab:lab` tag.
    pub lab: &'a str,
    /// ARN of the service role with which CloudFormation works on the stack from then on; `None`: with the one it has.
    pub role: Option<String>,
    /// Names the change set, so that asking again finds the same one.
    pub token: String,
}

const TRIED: &str = "ask for the change set";

impl Cloud {
    /// Asks what an update to this template would change, all other parameters as they are, and waits for the answer;
    /// looks every `every`.
    pub async fn propose_update(
        &self,
        proposal: Proposal<'_>,
        every: Duration,
    ) -> Result<ChangeSet, Failure> {
        let mut parameters = self.parameters_as_they_are(proposal.stack).await?;
        for (key, value) in proposal.differing {
            parameters.retain(|parameter| parameter.parameter_key() != Some(key));
            let parameter = Parameter::builder().parameter_key(key);
            parameters.push(parameter.parameter_value(value).build());
        }
        let asked = self
            .cloudformation
            .create_change_set()
            .stack_name(proposal.stack)
            .change_set_name(&proposal.token)
            .change_set_type(ChangeSetType::Update)
            .template_body(proposal.template)
            .set_parameters(Some(parameters))
            .set_capabilities(
                proposal
                    .makes_roles
                    .then(|| vec![Capability::CapabilityIam]),
            )
            .set_role_arn(proposal.role)
            .tags(Tag::builder().key(LAB_TAG).value(proposal.lab).build())
            .client_token(&proposal.token)
            .send()
            .await
            .map_err(|error| classify(TRIED, &error));
        match asked {
            Ok(_) => {}
            // The answer of an earlier attempt was lost.
            Err(failure) if failure.class == FailureClass::Exists => {}
            Err(failure) => return Err(failure),
        }
        loop {
            let (described, changes) = self.change_set(proposal.stack, &proposal.token).await?;
            match described.status() {
                Some(ChangeSetStatus::CreateComplete) => {
                    return Ok(ChangeSet {
                        id: described.change_set_id().unwrap_or_default().to_owned(),
                        changes,
                    });
                }
                Some(ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress) => {
                    tokio::time::sleep(every).await;
                }
                status => {
                    let status = status.map_or("no status", ChangeSetStatus::as_str);
                    let why = described.status_reason().unwrap_or("no reason given");
                    return Err(Failure {
                        tried: TRIED.to_owned(),
                        why: format!("{status}: {why}"),
                        class: FailureClass::Refused,
                    });
                }
            }
        }
    }

    /// Each parameter that the stack has, to be left as it is.
    async fn parameters_as_they_are(&self, stack: &str) -> Result<Vec<Parameter>, Failure> {
        let described = self
            .cloudformation
            .describe_stacks()
            .stack_name(stack)
            .send()
            .await
            .map_err(|error| classify(TRIED, &error))?;
        let parameters = described
            .stacks()
            .iter()
            .flat_map(aws_sdk_cloudformation::types::Stack::parameters);
        Ok(parameters
            .filter_map(|parameter| parameter.parameter_key())
            .map(|key| {
                Parameter::builder()
                    .parameter_key(key)
                    .use_previous_value(true)
                    .build()
            })
            .collect())
    }

    /// The change set with the changes of all its pages.
    async fn change_set(
        &self,
        stack: &str,
        name: &str,
    ) -> Result<(DescribeChangeSetOutput, Vec<Change>), Failure> {
        let mut changes = Vec::new();
        let mut token = None;
        loop {
            let page = self
                .cloudformation
                .describe_change_set()
                .stack_name(stack)
                .change_set_name(name)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| classify(TRIED, &error))?;
            let resources = page.changes().iter().filter_map(|it| it.resource_change());
            changes.extend(resources.map(|change| {
                Change {
                    action: change
                        .action()
                        .map_or("Modify", ChangeAction::as_str)
                        .to_owned(),
                    logical_id: change.logical_resource_id().unwrap_or_default().to_owned(),
                    kind: change.resource_type().unwrap_or_default().to_owned(),
                    // What AWS cannot rule out counts.
                    replaces: change
                        .replacement()
                        .is_some_and(|replacement| *replacement != Replacement::False),
                }
            }));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok((page, changes));
            }
        }
    }

    /// Asks for the update under way to be cancelled: the stack goes back to what it was. Success means accepted.
    pub async fn cancel_update(&self, stack: &str, token: String) -> Result<(), Failure> {
        self.cloudformation
            .cancel_update_stack()
            .stack_name(stack)
            .client_request_token(token)
            .send()
            .await
            .map(drop)
            .map_err(|error| classify("cancel the update of the stack", &error))
    }

    /// Asks for the change set to be carried out. Success means accepted, nothing more.
    pub async fn carry_out(&self, change_set: &str, token: String) -> Result<(), Failure> {
        self.cloudformation
            .execute_change_set()
            .change_set_name(change_set)
            .client_request_token(token)
            .send()
            .await
            .map(drop)
            .map_err(|error| classify("carry the change set out", &error))
    }
}
