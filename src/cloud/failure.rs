//! What an SDK error means for the lab: throttled, expired, denied, absent, refused.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::engine::event::{Failure, FailureClass};

/// Codes by which the services say *slow down* (AWS, "Common errors" of each service and the EC2 error code list).
const THROTTLED: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
];
/// Codes by which they say that the credentials are no good (any more).
const CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "AuthFailure",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "IncompleteSignature",
];
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "OptInRequired",
    "Blocked",
];

/// Classifies `error`, which happened when the lab tried to `tried` (an infinitive: "create the stack").
pub fn classify<E, R>(tried: &str, error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let (class, why) = match error {
        SdkError::ServiceError(service) => {
            let meta = service.err().meta();
            let code = meta.code().unwrap_or("an error without a code");
            let message = meta.message().unwrap_or("no message");
            (class_of(code, message), format!("{code}: {message}"))
        }
        SdkError::ConstructionFailure(_) => {
            let text = DisplayErrorContext(error).to_string();
            let class = if text.contains("redentials") {
                FailureClass::Credentials
            } else {
                FailureClass::Local
            };
            (class, text)
        }
        SdkError::DispatchFailure(failure) => {
            let text = DisplayErrorContext(error).to_string();
            let class = if text.contains("redentials")
                || (failure.is_other() && text.contains("rovider"))
            {
                FailureClass::Credentials
            } else {
                FailureClass::Transient
            };
            (class, text)
        }
        _ => (
            FailureClass::Transient,
            DisplayErrorContext(error).to_string(),
        ),
    };
    Failure {
        tried: tried.to_owned(),
        why,
        class,
    }
}

/// The class of a service's error code.
fn class_of(code: &str, message: &str) -> FailureClass {
    let bare = code.strip_prefix("Client.").unwrap_or(code);
    if THROTTLED.contains(&bare) || message.contains("Rate exceeded") {
        FailureClass::Transient
    } else if CREDENTIALS.contains(&bare) {
        FailureClass::Credentials
    } else if DENIED.contains(&bare) {
        FailureClass::Denied
    } else if bare.contains("NotFound")
        || (bare == "ValidationError" && message.contains("does not exist"))
    {
        FailureClass::NotFound
    } else if bare == "ValidationError" && message.contains("is invalid or cannot be assumed") {
        FailureClass::Role
    } else if bare == "AlreadyExistsException"
        // It is being executed, or was: an answer was lost.
        || (bare.starts_with("InvalidChangeSetStatus") && message.contains("EXECUTE"))
    {
        FailureClass::Exists
    } else if bare.starts_with("Internal")
        || bare.contains("Unavailable")
        || bare == "RequestTimeout"
    {
        FailureClass::Transient
    } else {
        FailureClass::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_expiry_denial_and_absence_are_told_apart() {
        for (code, message, class) in [
            (
                "RequestLimitExceeded",
                "Request limit exceeded.",
                FailureClass::Transient,
            ),
            (
                "ValidationError",
                "Stack with id efslab does not exist",
                FailureClass::NotFound,
            ),
            (
                "ValidationError",
                "Template format error",
                FailureClass::Refused,
            ),
            (
                "ValidationError",
                "Role arn:aws:iam::123456789012:role/r is invalid or cannot be assumed",
                FailureClass::Role,
            ),
            ("FileSystemNotFound", "", FailureClass::NotFound),
            ("InvalidVpcID.NotFound", "", FailureClass::NotFound),
            ("ExpiredToken", "", FailureClass::Credentials),
            ("UnauthorizedOperation", "", FailureClass::Denied),
            ("InternalFailure", "", FailureClass::Transient),
            ("ServiceUnavailable", "", FailureClass::Transient),
            ("AlreadyExistsException", "", FailureClass::Exists),
            (
                "InvalidChangeSetStatus",
                "cannot be executed in its current status of [EXECUTE_COMPLETE]",
                FailureClass::Exists,
            ),
            (
                "InvalidChangeSetStatus",
                "cannot be executed in its current status of [OBSOLETE]",
                FailureClass::Refused,
            ),
        ] {
            assert_eq!(class_of(code, message), class, "{code}");
        }
    }
}
