//! What the account's faults look like on the wire: which operation a request is for, and how each service words that it
//! fails. Which requests fail is not decided here.

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, header};

use super::protocol::Protocol;
use super::sigv4::Denied;
use super::{Service, efs, scheduler};
use crate::practice::error::AwsError;
use crate::practice::faults::Failure;

/// The operation that a request is for, `ec2:DescribeVpcs`; of an unknown one, only the service.
pub fn operation(service: Service, parts: &Parts, body: &[u8]) -> String {
    let path = parts.uri.path();
    let header = parts.headers.get("x-amz-target");
    let target = header.and_then(|target| target.to_str().ok());
    let named = match service {
        Service::Efs => efs::operation_name(&parts.method, path).map(str::to_owned),
        Service::Scheduler => scheduler::operation_name(&parts.method, path).map(str::to_owned),
        _ => target
            .and_then(|target| Some(target.rsplit_once('.')?.1))
            .or_else(|| Some(path.rsplit_once("/operation/")?.1))
            .map(str::to_owned)
            .or_else(|| {
                let query = parts.uri.query().unwrap_or_default().as_bytes();
                let form = if parts.method == "GET" { query } else { body };
                let mut members = form_urlencoded::parse(form);
                let action = members.find(|(name, _)| name == "Action");
                action.map(|(_, action)| action.into_owned())
            }),
    };
    format!("{}:{}", service.prefix(), named.unwrap_or_default())
}

impl Protocol {
    /// The error of a request that fails so; none where it is no error but a broken connection.
    pub fn failure(self, failure: Failure) -> Option<AwsError> {
        let error = |status, code, message: &str| AwsError::with_status(status, code, message);
        Some(match (self, failure) {
            (_, Failure::Reset | Failure::Truncated) => return None,
            (_, Failure::Expired) => self.denied(&Denied::Expired),
            // EC2's own ("Error codes for the Amazon EC2 API"); the others have those of "Common errors".
            (Self::Ec2, Failure::Throttled) => {
                error(503, "RequestLimitExceeded", "Request limit exceeded.")
            }
            (Self::Ec2, Failure::Internal) => {
                error(500, "InternalError", "An internal error has occurred")
            }
            (Self::Ec2, Failure::Unavailable) => error(
                503,
                "Unavailable",
                "The server is overloaded and can't handle the request.",
            ),
            (Self::RestJson | Self::Json, Failure::Throttled) => {
                AwsError::client("ThrottlingException", "Rate exceeded")
            }
            (_, Failure::Throttled) => AwsError::client("Throttling", "Rate exceeded"),
            (Self::RestJson | Self::Json, Failure::Internal) => error(
                500,
                "InternalServerError",
                "An error occurred on the server side.",
            ),
            (_, Failure::Internal) => error(
                500,
                "InternalFailure",
                "The request processing has failed because of an unknown error, exception or failure.",
            ),
            (_, Failure::Unavailable) => error(
                503,
                "ServiceUnavailable",
                "Service is currently unavailable.",
            ),
        })
    }
}

/// An answer that promises all of itself and breaks off in the middle.
pub async fn truncated(response: Response<Body>) -> Result<Response<Body>, axum::Error> {
    let (mut head, body) = response.into_parts();
    let all = axum::body::to_bytes(body, usize::MAX).await?;
    head.headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(all.len()));
    let half = all.slice(..all.len() / 2);
    let broken = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let pieces = futures::stream::iter([Ok::<Bytes, _>(half), Err(broken)]);
    Ok(Response::from_parts(head, Body::from_stream(pieces)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::faults::SERVICES;

    #[test]
    fn every_service_that_can_fail_is_there_and_the_other_way_round() {
        for service in Service::ALL {
            let named = SERVICES.contains(&service.prefix());
            assert_eq!(named, service != Service::Control, "{service:?}");
        }
    }
}
