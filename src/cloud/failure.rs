//! What an SDK error means for the lab: throttled, expired, denied, absent, refused.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
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
pub fn classify<E>(tried: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (class, why) = match error {
        SdkError::ServiceError(service) => answered(service.err(), service.raw()),
        SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) => {
            let why = causes(error);
            let local = matches!(error, SdkError::ConstructionFailure(_));
            let class = if why.contains("redential") {
                FailureClass::Credentials
            } else if local {
                FailureClass::Local
            } else {
                FailureClass::Transient
            };
            (class, why)
        }
        _ => (FailureClass::Transient, causes(error)),
    };
    Failure {
        tried: tried.to_owned(),
        why,
        class,
    }
}

/// What an error that a service answered means. One without a code comes from something in front of it, or is none of AWS's:
/// then the status is all there is.
fn answered(error: &impl ProvideErrorMetadata, answer: &HttpResponse) -> (FailureClass, String) {
    let status = answer.status();
    let message = error.message();
    let Some(code) = error.code() else {
        let class = match status.as_u16() {
            429 | 500.. => FailureClass::Transient,
            _ => FailureClass::Refused,
        };
        let message = message.unwrap_or("without a reason");
        return (class, format!("HTTP status {status}: {message}"));
    };
    let class = class_of(code, message.unwrap_or_default());
    let why = match message {
        Some(message) => format!("{code}: {message}"),
        None => code.to_owned(),
    };
    (class, why)
}

/// What caused `error`, and what caused that, without the name that the SDK has for it all.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut cause = error.source().unwrap_or(error);
    let mut told = cause.to_string();
    while let Some(deeper) = cause.source() {
        told.push_str(&format!(": {deeper}"));
        cause = deeper;
    }
    told
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
    use aws_sdk_ec2::operation::describe_regions::DescribeRegionsError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    type Regions = SdkError<DescribeRegionsError, HttpResponse>;

    #[test]
    fn an_answer_without_a_code_is_judged_by_its_status() {
        for (status, class) in [
            (503, FailureClass::Transient),
            (500, FailureClass::Transient),
            (429, FailureClass::Transient),
            (404, FailureClass::Refused),
        ] {
            let answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from("<html>"));
            let error = DescribeRegionsError::unhandled("no such answer");
            let failure = classify("ask", &Regions::service_error(error, answer));
            assert_eq!(failure.class, class, "{status}");
            let said = format!("HTTP status {status}");
            assert!(failure.why.starts_with(&said), "{}", failure.why);
        }
    }

    #[test]
    fn whoever_is_not_reached_is_told_by_its_causes() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let lost: Regions = SdkError::dispatch_failure(ConnectorError::io(Box::new(refused)));
        let failure = classify("ask", &lost);
        assert_eq!(failure.class, FailureClass::Transient);
        assert_eq!(failure.why, "io error: connection refused");

        let nobody = "no providers in chain provided credentials";
        let nobody: Regions =
            SdkError::dispatch_failure(ConnectorError::other(nobody.into(), None));
        assert_eq!(classify("ask", &nobody).class, FailureClass::Credentials);
    }

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
