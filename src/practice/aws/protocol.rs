//! Wire protocols: which one a service speaks, and how answers and errors look in it.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::cloudwatch;
use super::sigv4::Denied;
use super::xml::Element;
use crate::practice::clock::Activity;
use crate::practice::error::AwsError;

/// How a service and its clients talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Form in, XML out: CloudFormation, STS; the namespace of answers.
    Query(&'static str),
    /// Form in, XML out, as only EC2 does it.
    Ec2,
    /// Paths and JSON: EFS.
    RestJson,
    /// JSON with the operation in a header: SSM.
    Json,
    /// Smithy RPC v2 CBOR: CloudWatch.
    Cbor,
    /// JSON 1.0 of a service that has CBOR too.
    Json10,
}

/// An answer, not rendered yet.
#[derive(Debug)]
pub enum Answer {
    /// Of a query operation: its name and result.
    Query(&'static str, Element),
    /// Of an EC2 operation: the response element.
    Ec2(Element),
    /// JSON.
    Json(Value),
    /// JSON, of what is done after the answer.
    Accepted(Value),
    /// A document in the protocol's own bytes.
    Document(Vec<u8>),
    /// Nothing but a status.
    Empty(u16),
    /// Text, of the control plane.
    Text(String),
    /// JSON, of the control plane, at an instant that lasts until the client has heard enough.
    Held(Value, Activity),
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is larger than anything asked for.
    TooLarge,
    /// It does not come to an end.
    TooSlow,
    /// It broke off.
    Broken,
}
/// How long a client may hold time up: one that has stopped must not stop the account.
const HELD: Duration = Duration::from_secs(20);

impl Protocol {
    /// Renders an answer.
    pub fn render(self, answer: Answer, request_id: &str) -> Response<Body> {
        match answer {
            Answer::Query(operation, result) => {
                let mut root = Element::new(format!("{operation}Response"));
                if let Self::Query(namespace) = self {
                    root = root.namespace(namespace);
                }
                let root = root
                    .child(result)
                    .child(Element::new("ResponseMetadata").text("RequestId", request_id));
                respond(200, "text/xml", root.render(), request_id)
            }
            Answer::Ec2(response) => {
                respond(200, "text/xml;charset=UTF-8", response.render(), request_id)
            }
            Answer::Json(value) => respond(200, self.json(), value.to_string().into(), request_id),
            Answer::Document(bytes) => self.document(200, bytes, request_id),
            Answer::Accepted(value) => {
                respond(202, self.json(), value.to_string().into(), request_id)
            }
            Answer::Empty(status) => respond(status, self.json(), Vec::new(), request_id),
            Answer::Held(value, held) => {
                let text = Ok::<_, Infallible>(value.to_string());
                let end = async move {
                    tokio::time::sleep(HELD).await;
                    drop(held);
                    Ok(String::new())
                };
                let text = stream::iter([text]).chain(stream::once(end));
                let mut response = respond(200, self.json(), Vec::new(), request_id);
                *response.body_mut() = Body::from_stream(text);
                response
            }
            Answer::Text(text) => {
                respond(200, "text/plain; charset=utf-8", text.into(), request_id)
            }
        }
    }

    fn json(self) -> &'static str {
        match self {
            Self::Json => "application/x-amz-json-1.1",
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Cbor => "application/cbor",
            _ => "application/json",
        }
    }

    fn document(self, status: u16, bytes: Vec<u8>, request_id: &str) -> Response<Body> {
        let mut response = respond(status, self.json(), bytes, request_id);
        if self == Self::Cbor {
            let protocol = HeaderValue::from_static("rpc-v2-cbor");
            response.headers_mut().insert("smithy-protocol", protocol);
        }
        response
    }

    /// Renders an error.
    pub fn error(self, error: &AwsError, request_id: &str) -> Response<Body> {
        match self {
            Self::Query(namespace) => {
                let kind = if error.status < 500 {
                    "Sender"
                } else {
                    "Receiver"
                };
                let root = Element::new("ErrorResponse")
                    .namespace(namespace)
                    .child(
                        Element::new("Error")
                            .text("Type", kind)
                            .text("Code", &error.code)
                            .text("Message", &error.message),
                    )
                    .text("RequestId", request_id);
                respond(error.status, "text/xml", root.render(), request_id)
            }
            Self::Ec2 => {
                let root = Element::new("Response")
                    .child(
                        Element::new("Errors").child(
                            Element::new("Error")
                                .text("Code", &error.code)
                                .text("Message", &error.message),
                        ),
                    )
                    .text("RequestID", request_id);
                respond(
                    error.status,
                    "text/xml;charset=UTF-8",
                    root.render(),
                    request_id,
                )
            }
            Self::RestJson => {
                let body = json!({"ErrorCode": error.code, "Message": error.message});
                let mut response = respond(
                    error.status,
                    self.json(),
                    body.to_string().into(),
                    request_id,
                );
                if let Ok(code) = HeaderValue::from_str(&error.code) {
                    response.headers_mut().insert("x-amzn-errortype", code);
                }
                response
            }
            Self::Cbor | Self::Json10 => {
                let bytes = cloudwatch::error(error, self == Self::Cbor);
                let mut response = self.document(error.status, bytes, request_id);
                // What the code was before the service had these protocols, which clients go by.
                let side = if error.status < 500 {
                    "Sender"
                } else {
                    "Receiver"
                };
                if let Ok(code) = HeaderValue::from_str(&format!("{};{side}", error.code)) {
                    response.headers_mut().insert("x-amzn-query-error", code);
                }
                response
            }
            Self::Json => {
                let body = json!({"__type": error.code, "message": error.message});
                respond(
                    error.status,
                    self.json(),
                    body.to_string().into(),
                    request_id,
                )
            }
        }
    }

    /// Why a body could not be read, as far as services word it.
    pub fn unread(self, why: Unread) -> AwsError {
        let (status, code, message) = match why {
            Unread::TooLarge => (
                413,
                "RequestEntityTooLarge",
                "the body is larger than 1 MiB",
            ),
            Unread::TooSlow => (408, "RequestTimeout", "the body took too long"),
            Unread::Broken => (400, "IncompleteBody", "the body could not be read"),
        };
        let exception = if self.is_json() { "Exception" } else { "" };
        AwsError::with_status(status, format!("{code}{exception}"), message)
    }

    /// Whether its codes end in `Exception`.
    fn is_json(self) -> bool {
        matches!(
            self,
            Self::RestJson | Self::Json | Self::Cbor | Self::Json10
        )
    }

    /// Why a request was not let in, in the words of the service.
    pub fn denied(self, why: &Denied) -> AwsError {
        const INVALID: &str = "The security token included in the request is invalid.";
        const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
        const EC2: &str = "AWS was not able to validate the provided access credentials";
        let json = self.is_json();
        // JSON 1.1 services answer 400 where others answer 403.
        let status = if matches!(self, Self::Json | Self::Json10) {
            400
        } else {
            403
        };
        let say = |query: &'static str, js: &'static str, message: String| {
            AwsError::with_status(status, if json { js } else { query }, message)
        };
        match (self, why) {
            (Self::Ec2, Denied::UnknownKey | Denied::Mismatch | Denied::OtherRegion(_)) => {
                AwsError::with_status(401, "AuthFailure", EC2)
            }
            (Self::Ec2, Denied::Skewed(_) | Denied::Expired) => {
                AwsError::client("RequestExpired", "Request has expired.")
            }
            (Self::Ec2, Denied::Unsigned) => AwsError::client(
                "MissingParameter",
                "The request must contain the parameter AWSAccessKeyId",
            ),
            (_, Denied::Unsigned) => say(
                "MissingAuthenticationToken",
                "MissingAuthenticationTokenException",
                "Missing Authentication Token".into(),
            ),
            (_, Denied::Incomplete(why)) => AwsError::client(
                if json {
                    "IncompleteSignatureException"
                } else {
                    "IncompleteSignature"
                },
                why.clone(),
            ),
            (_, Denied::Expired) => say(
                "ExpiredToken",
                "ExpiredTokenException",
                "The security token included in the request is expired".into(),
            ),
            (_, Denied::UnknownKey) => say(
                "InvalidClientTokenId",
                "UnrecognizedClientException",
                INVALID.into(),
            ),
            (_, Denied::Mismatch) => say(
                "SignatureDoesNotMatch",
                "InvalidSignatureException",
                MISMATCH.into(),
            ),
            (_, Denied::Skewed(why)) => say(
                "SignatureDoesNotMatch",
                "InvalidSignatureException",
                why.clone(),
            ),
            (_, Denied::OtherRegion(region)) => say(
                "SignatureDoesNotMatch",
                "InvalidSignatureException",
                format!("Credential should be scoped to a valid region, not '{region}'. "),
            ),
        }
    }
}

fn respond(status: u16, kind: &'static str, body: Vec<u8>, request_id: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
