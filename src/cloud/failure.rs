//! What an SDK error means for the lab: throttled, expired, denied, absent, refused.

use std::error::Error;
use std::iter;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
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
        SdkError::ConstructionFailure(_) => (unsent(error, FailureClass::Local), causes(error)),
        SdkError::DispatchFailure(_) => (unsent(error, FailureClass::Transient), causes(error)),
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
fn answered<E>(error: &E, answer: &HttpResponse) -> (FailureClass, String)
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = answer.status();
    let message = error.message();
    let passes = matches!(status.as_u16(), 408 | 429 | 500..);
    let Some(code) = error.code() else {
        // An answer that says *done* and cannot be read says nothing of what was done.
        let class = if passes || status.is_success() {
            FailureClass::Transient
        } else {
            FailureClass::Refused
        };
        let why = message.map_or_else(|| causes(error), str::to_owned);
        return (class, format!("HTTP status {status}: {why}"));
    };
    let class = match class_of(code, message.unwrap_or_default()) {
        FailureClass::Refused if passes => FailureClass::Transient,
        class => class,
    };
    let why = match message {
        Some(message) => format!("{code}: {message}"),
        None => code.to_owned(),
    };
    (class, why)
}

/// The class of a request that was not sent, `otherwise` unless it is for want of credentials. These are fetched from others
/// (SSO, STS, an instance's metadata), who may not be reached for a while.
fn unsent(error: &(dyn Error + 'static), otherwise: FailureClass) -> FailureClass {
    let causes = || iter::successors(Some(error), |&cause| cause.source());
    let missing = |cause: &(dyn Error + 'static)| {
        cause
            .downcast_ref::<CredentialsError>()
            .map(|missing| !matches!(missing, CredentialsError::ProviderTimedOut(_)))
    };
    match causes().find_map(missing) {
        None => otherwise,
        Some(false) => FailureClass::Transient,
        Some(true) => {
            let lost = causes().filter_map(|cause| cause.downcast_ref::<ConnectorError>());
            if lost.into_iter().any(|one| one.is_io() || one.is_timeout()) {
                FailureClass::Transient
            } else {
                FailureClass::Credentials
            }
        }
    }
}

/// What caused `error`, and what caused that, without the names that the SDK has for it all.
fn causes(error: &(dyn Error + 'static)) -> String {
    let wraps = |cause: &(dyn Error + 'static)| {
        let connector = cause.downcast_ref::<ConnectorError>();
        connector.is_some_and(ConnectorError::is_other)
    };
    let mut cause = error.source().unwrap_or(error);
    if let Some(within) = cause.source().filter(|_| wraps(cause)) {
        cause = within;
    }
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
    use std::time::Duration;

    use aws_sdk_ec2::operation::describe_regions::DescribeRegionsError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::metadata::ErrorMetadata;

    use super::*;

    type Regions = SdkError<DescribeRegionsError, HttpResponse>;

    #[test]
    fn an_answer_without_a_code_is_judged_by_its_status() {
        for (status, class) in [
            (503, FailureClass::Transient),
            (500, FailureClass::Transient),
            (429, FailureClass::Transient),
            (200, FailureClass::Transient),
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
    fn a_code_that_nobody_knows_is_judged_by_its_status_too() {
        for (status, class) in [(504, FailureClass::Transient), (400, FailureClass::Refused)] {
            let meta = ErrorMetadata::builder().code("DependencyTimeout").build();
            let answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
            let error = DescribeRegionsError::generic(meta);
            let failure = classify("ask", &Regions::service_error(error, answer));
            assert_eq!(failure.class, class, "{status}");
        }
    }

    #[test]
    fn whoever_is_not_reached_is_told_by_its_causes() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let lost: Regions = SdkError::dispatch_failure(ConnectorError::io(Box::new(refused)));
        let failure = classify("ask", &lost);
        assert_eq!(failure.class, FailureClass::Transient);
        assert_eq!(failure.why, "io error: connection refused");

        let other = |cause: CredentialsError| -> Regions {
            SdkError::dispatch_failure(ConnectorError::other(Box::new(cause), None))
        };
        let nobody = other(CredentialsError::not_loaded("no providers in chain"));
        assert_eq!(classify("ask", &nobody).class, FailureClass::Credentials);
        let expired = other(CredentialsError::provider_error(
            "the SSO session has expired",
        ));
        assert_eq!(classify("ask", &expired).class, FailureClass::Credentials);

        // Who lends them is not reached.
        let slow = other(CredentialsError::provider_timed_out(Duration::from_secs(5)));
        assert_eq!(classify("ask", &slow).class, FailureClass::Transient);
        let away = ConnectorError::io("connection refused".into());
        let away = other(CredentialsError::provider_error(away));
        assert_eq!(classify("ask", &away).class, FailureClass::Transient);
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
