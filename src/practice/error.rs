//! A refusal as AWS words it: code, message, HTTP status. How it is rendered on the wire is not decided here.

use std::borrow::Cow;

/// An error that a service answers with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    /// e.g. `DependencyViolation`.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub message: String,
    /// HTTP status.
    pub status: u16,
}

impl AwsError {
    /// The caller's fault, status 400.
    pub fn client(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::with_status(400, code, message)
    }

    /// Any status.
    pub fn with_status(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            status,
        }
    }

    /// CloudFormation's answer to nearly everything that is wrong with a request.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::client("ValidationError", message)
    }

    /// Our own fault, status 500.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::with_status(500, "InternalFailure", message)
    }
}
