//! The HTTP front: who may speak to the account, and which service answers. One module per service.

mod cloudformation;
mod cloudwatch;
mod control;
mod ec2;
mod efs;
mod paging;
mod params;
mod protocol;
mod sigv4;
mod ssm;
mod sts;
mod xml;

use std::sync::Weak;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use rand::RngExt as _;

use self::protocol::{Answer, Protocol};
use super::account::Account;
use super::error::AwsError;
use super::surroundings;
use super::world;

pub use self::cloudwatch::watch as watch_alarms;

/// Bytes of a request body. A template (51,200 bytes) has room in it, every byte of it escaped.
const MAX_BODY: usize = 1024 * 1024;
/// For a body to arrive; loopback is quick.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// The front of this account. A connection that outlives the account does not keep it alive.
pub fn router(account: Weak<Account>) -> Router {
    Router::new().fallback(handle).with_state(account)
}

/// A service by its name in a credential scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    CloudFormation,
    CloudWatch,
    Ec2,
    Efs,
    Sts,
    Ssm,
    Control,
}

impl Service {
    fn find(name: &str) -> Option<Self> {
        Some(match name {
            "cloudformation" => Self::CloudFormation,
            "monitoring" => Self::CloudWatch,
            "ec2" => Self::Ec2,
            "elasticfilesystem" => Self::Efs,
            "sts" => Self::Sts,
            "ssm" => Self::Ssm,
            control::SERVICE => Self::Control,
            _ => return None,
        })
    }

    fn protocol(self, parts: &Parts) -> Protocol {
        match self {
            Self::CloudWatch if cloudwatch::is_cbor(parts) => Protocol::Cbor,
            Self::CloudWatch => Protocol::Json10,
            Self::CloudFormation => Protocol::Query(cloudformation::NAMESPACE),
            Self::Sts => Protocol::Query(sts::NAMESPACE),
            Self::Ec2 => Protocol::Ec2,
            Self::Efs | Self::Control => Protocol::RestJson,
            Self::Ssm => Protocol::Json,
        }
    }
}

async fn handle(State(account): State<Weak<Account>>, request: Request) -> Response<Body> {
    let Some(account) = account.upgrade() else {
        return plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "the practice account has stopped\n",
        );
    };
    let (parts, body) = request.into_parts();
    if !is_local(&parts) {
        return plain(
            StatusCode::FORBIDDEN,
            "the practice account answers only to the host names 127.0.0.1 and localhost\n",
        );
    }
    let body = match read(&parts, body).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    // Wait handles carry their secret in their address, as presigned ones do.
    let method = parts.method.as_str();
    if let Some((status, body)) = surroundings::wait_handle(&account, method, target, &body) {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return plain(status, body);
    }
    let request_id = world::uuid(rand::rng().random());
    let service = sigv4::service(&parts).map(Service::find);
    let protocol = match service {
        Some(Some(service)) => service.protocol(&parts),
        // Not signed, or for nobody here: most clients can read this.
        _ => unsigned_protocol(&parts),
    };
    let answer = match sigv4::verify(&parts, &body, &account.identity, SystemTime::now()) {
        Err(why) => Err(protocol.denied(&why)),
        Ok(()) => match service.flatten() {
            Some(service) => dispatch(&account, service, &parts, &body, &request_id).await,
            None => Err(AwsError::client(
                "InvalidAction",
                "the practice account does not have this service",
            )),
        },
    };
    match answer {
        Ok(answer) => protocol.render(answer, &request_id),
        Err(error) => {
            tracing::debug!(%error, %target, "refused");
            protocol.error(&error, &request_id)
        }
    }
}

async fn dispatch(
    account: &Account,
    service: Service,
    parts: &Parts,
    body: &[u8],
    request_id: &str,
) -> Result<Answer, AwsError> {
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    let form = || {
        if parts.method == "GET" {
            query.as_bytes()
        } else {
            body
        }
    };
    match service {
        Service::CloudFormation => cloudformation::answer(account, form()),
        Service::CloudWatch => cloudwatch::answer(account, parts, body),
        Service::Ec2 => ec2::answer(account, form(), request_id),
        Service::Sts => sts::answer(&account.identity, form()),
        Service::Efs => efs::answer(account, &parts.method, path, query, body),
        Service::Ssm => {
            let target = parts.headers.get("x-amz-target");
            let target = target.and_then(|target| target.to_str().ok());
            ssm::answer(account, target.unwrap_or_default(), body)
        }
        Service::Control => control::answer(account, &parts.method, path, query).await,
    }
}

/// A page that the learner looks at must not be able to reach the account by a name of its own.
fn is_local(parts: &Parts) -> bool {
    let mut hosts = parts.headers.get_all("host").iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let name = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
    hosts.next().is_none() && matches!(name, Some("127.0.0.1" | "localhost"))
}

fn unsigned_protocol(parts: &Parts) -> Protocol {
    if parts.headers.contains_key("smithy-protocol") {
        Protocol::Cbor
    } else if parts.headers.contains_key("x-amz-target") {
        Protocol::Json
    } else if parts.uri.path() != "/" {
        Protocol::RestJson
    } else {
        Protocol::Query(cloudformation::NAMESPACE)
    }
}

async fn read(parts: &Parts, body: Body) -> Result<Bytes, Response<Body>> {
    let too_large = || {
        plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body could not be read or is larger than 1 MiB\n",
        )
    };
    let announced = parts.headers.get("content-length");
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_BODY) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(plain(
            StatusCode::REQUEST_TIMEOUT,
            "the body took too long\n",
        )),
    }
}

fn plain(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
}
