//! The service role with which CloudFormation works on the lab's stack: the guard has it. Who wants a stack, and why, stays
//! outside.
//!
//! Without it an operation strands when the credentials of whoever asked for it expire. A stack keeps the role that it was
//! given last, and can do nothing when that is gone; another one can be named with each operation ("AWS CloudFormation
//! service role", CloudFormation user guide).

use std::time::Duration;

use aws_sdk_cloudformation::types::Stack;

use super::session::Cloud;
use super::stack::Creation;
use crate::engine::event::{Failure, FailureClass};
use crate::engine::guard_name;

/// How often a role is tried that was made just now: IAM tells everybody within seconds, seldom within a minute ("Troubleshoot
/// IAM: Changes that I make are not always immediately visible").
const TRIES: u32 = 30;

/// What the guard has for the lab's stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRole {
    /// ARN of the role.
    pub arn: String,
    /// ARN of the policy that must be the boundary of any role that it makes.
    pub boundary: String,
}

impl ServiceRole {
    /// As the outputs of the guard's stack have it; `None`: an older version of the program made that.
    pub(super) fn of(stack: &Stack) -> Option<Self> {
        let output = |name: &str| {
            let outputs = stack.outputs().iter();
            let mut named = outputs.filter(|output| output.output_key() == Some(name));
            Some(named.next()?.output_value()?.to_owned())
        };
        Some(Self {
            arn: output("Service")?,
            boundary: output("Boundary")?,
        })
    }
}

impl Cloud {
    /// The service role for the stack of a lab; `None`: it has no guard, or one without.
    ///
    /// # Errors
    /// When that cannot be told.
    pub async fn service_role(&self, lab: &str) -> Result<Option<ServiceRole>, Failure> {
        let seen = self.guard_stack(&guard_name(lab)).await?;
        Ok(seen.filter(|seen| seen.ours).and_then(|seen| seen.role))
    }

    /// Asks for the stack, as [`Cloud::create_stack`]; patiently while its role is not known everywhere. Looks every `every`.
    ///
    /// # Errors
    /// As [`Cloud::create_stack`].
    pub async fn create_with_role(
        &self,
        creation: Creation<'_>,
        every: Duration,
    ) -> Result<String, Failure> {
        patiently(every, || self.create_stack(creation.clone())).await
    }

    /// Asks for the deletion of a lab's stack. If the role that it was made with is gone, another guard of the lab may have
    /// one. Success means accepted, nothing more.
    ///
    /// # Errors
    /// Of the class *role* when there is none with which it can be deleted.
    pub async fn delete_lab(
        &self,
        lab: &str,
        stack: &str,
        token: String,
        every: Duration,
    ) -> Result<(), Failure> {
        let refusal = match self.delete_stack(stack, None, token.clone()).await {
            Err(failure) if failure.class == FailureClass::Role => failure,
            outcome => return outcome,
        };
        let role = self.service_role(lab).await?;
        // The one that was refused just now is not refused because it is too young: the stack was made with it.
        let Some(role) = role.filter(|role| !refusal.why.contains(&role.arn)) else {
            return Err(refusal);
        };
        let delete = || self.delete_stack(stack, Some(&role.arn), token.clone());
        patiently(every, delete).await
    }
}

/// Tries until the role is known, or will not be any more.
async fn patiently<T, F: Future<Output = Result<T, Failure>>>(
    every: Duration,
    attempt: impl Fn() -> F,
) -> Result<T, Failure> {
    for _ in 1..TRIES {
        match attempt().await {
            Err(failure) if failure.class == FailureClass::Role => {}
            outcome => return outcome,
        }
        tokio::time::sleep(every).await;
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn failure(class: FailureClass) -> Failure {
        Failure {
            tried: "create the stack".to_owned(),
            why: "because".to_owned(),
            class,
        }
    }

    #[test]
    fn the_guard_of_an_older_version_has_no_role_for_the_stack() {
        let output = |key: &str| {
            let output = aws_sdk_cloudformation::types::Output::builder();
            output.output_key(key).output_value(format!("arn:{key}"))
        };
        let old = Stack::builder().outputs(output("Schedule").build());
        assert_eq!(ServiceRole::of(&old.clone().build()), None);
        let half = old.outputs(output("Service").build());
        assert_eq!(ServiceRole::of(&half.clone().build()), None);
        let new = half.outputs(output("Boundary").build()).build();
        let role = ServiceRole {
            arn: "arn:Service".to_owned(),
            boundary: "arn:Boundary".to_owned(),
        };
        assert_eq!(ServiceRole::of(&new), Some(role));
    }

    #[tokio::test]
    async fn a_role_that_is_not_known_yet_is_tried_again_and_nothing_else_is() {
        let tries = Cell::new(0);
        let answers = async |known: u32, then: Result<(), Failure>| {
            tries.set(0);
            let attempt = || {
                tries.set(tries.get() + 1);
                let known = tries.get() >= known;
                let unknown = || Err(failure(FailureClass::Role));
                std::future::ready(if known { then.clone() } else { unknown() })
            };
            let outcome = patiently(Duration::ZERO, attempt).await;
            (tries.get(), outcome.map_err(|failure| failure.class))
        };
        assert_eq!(answers(4, Ok(())).await, (4, Ok(())));
        let denied = Err(failure(FailureClass::Denied));
        assert_eq!(answers(1, denied).await, (1, Err(FailureClass::Denied)));
        let never = answers(u32::MAX, Ok(())).await;
        assert_eq!(never, (TRIES, Err(FailureClass::Role)));
    }
}
