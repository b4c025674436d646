//! The HTTP front: who may speak to the account, and which service answers. One module per service.

mod access;
mod cloudformation;
mod cloudwatch;
mod control;
mod ec2;
mod efs;
mod faults;
mod iam;
mod json;
mod line;
mod paging;
mod params;
mod protocol;
mod scheduler;
mod sigv4;
mod sns;
mod ssm;
mod states;
mod sts;
mod xml;

use std::sync::Weak;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use futures::StreamExt as _;
use rand::RngExt as _;

use self::access::Caller;
use self::protocol::{Answer, Protocol, Unread};
use self::sigv4::Denied;
use super::account::Account;
use super::compute::ServiceRequest;
use super::error::AwsError;
use super::faults::Failure;
use super::sessions::Session;
use super::surroundings;
use super::world;
use super::world::place::Place;

pub use self::cloudwatch::watch as watch_alarms;
pub use self::line::{Cut, Lines};
pub use self::scheduler::watch as watch_schedules;

/// Bytes of a request body. A template (51,200 bytes) has room in it, every byte of it escaped.
const MAX_BODY: usize = 1024 * 1024;
/// Bytes after which whoever sends them is not listened to any more.
const MAX_LISTENED: usize = 64 * MAX_BODY;
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
    Iam,
    Scheduler,
    Sns,
    States,
    Control,
}

impl Service {
    #[cfg(test)]
    const ALL: [Self; 11] = [
        Self::CloudFormation,
        Self::CloudWatch,
        Self::Ec2,
        Self::Efs,
        Self::Sts,
        Self::Ssm,
        Self::Iam,
        Self::Scheduler,
        Self::Sns,
        Self::States,
        Self::Control,
    ];

    fn find(name: &str) -> Option<Self> {
        Some(match name {
            "cloudformation" => Self::CloudFormation,
            "monitoring" => Self::CloudWatch,
            "ec2" => Self::Ec2,
            "elasticfilesystem" => Self::Efs,
            "sts" => Self::Sts,
            "ssm" => Self::Ssm,
            "iam" => Self::Iam,
            "scheduler" => Self::Scheduler,
            "sns" => Self::Sns,
            "states" => Self::States,
            control::SERVICE => Self::Control,
            _ => return None,
        })
    }

    /// As IAM names it in actions.
    fn prefix(self) -> &'static str {
        match self {
            Self::CloudFormation => "cloudformation",
            Self::CloudWatch => "cloudwatch",
            Self::Ec2 => "ec2",
            Self::Efs => "elasticfilesystem",
            Self::Sts => "sts",
            Self::Ssm => "ssm",
            Self::Iam => "iam",
            Self::Scheduler => "scheduler",
            Self::Sns => "sns",
            Self::States => "states",
            Self::Control => control::SERVICE,
        }
    }

    fn protocol(self, parts: &Parts) -> Protocol {
        match self {
            Self::CloudWatch => match cloudwatch::wire(parts) {
                cloudwatch::Wire::Cbor => Protocol::Cbor,
                cloudwatch::Wire::Json => Protocol::Json10,
                cloudwatch::Wire::Query => Protocol::Query(cloudwatch::NAMESPACE),
            },
            Self::CloudFormation => Protocol::Query(cloudformation::NAMESPACE),
            Self::Sts => Protocol::Query(sts::NAMESPACE),
            Self::Iam => Protocol::Query(iam::NAMESPACE),
            Self::Sns => Protocol::Query(sns::NAMESPACE),
            Self::Ec2 => Protocol::Ec2,
            Self::Efs | Self::Scheduler | Self::Control => Protocol::RestJson,
            Self::Ssm | Self::States => Protocol::Json,
        }
    }

    /// The region that its requests are signed for.
    fn region(self, place: &Place) -> &str {
        match (self, place.partition()) {
            // IAM is in no region; each partition has one that stands for it.
            (Self::Iam, "aws-cn") => "cn-north-1",
            (Self::Iam, "aws-us-gov") => "us-gov-west-1",
            (Self::Iam, _) => "us-east-1",
            _ => &place.region,
        }
    }
}

async fn handle(
    State(account): State<Weak<Account>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response<Body> {
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
    let service = sigv4::service(&parts).and_then(Service::find);
    let body = match read(body).await {
        Ok(body) => body,
        Err(why) => {
            let protocol = service.map_or_else(
                || unsigned_protocol(&parts),
                |service| service.protocol(&parts),
            );
            return protocol.error(&protocol.unread(why), &request_id());
        }
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
    let identity = &account.identity;
    let region = service.map_or(identity.place.region.as_str(), |service| {
        service.region(&identity.place)
    });
    let caller = sigv4::verify(&parts, &body, identity, region, SystemTime::now());
    match answer(&account, service, caller, &parts, &body).await {
        Ok(response) => response,
        Err(broken) => {
            tracing::debug!(%broken, "a connection is cut");
            cut.now();
            Response::default()
        }
    }
}

/// Answers a request from within, an instance's, by the same way as one that comes over the wire: only the signature is
/// spared, as the keys themselves are shown. Status and body.
pub async fn inward(
    account: &Account,
    request: &ServiceRequest,
) -> Result<(u16, Vec<u8>), axum::Error> {
    let service = Service::find(&request.service).filter(|one| *one != Service::Control);
    let mut head = Request::builder()
        .method(request.method.as_str())
        .uri(&request.target);
    for (name, value) in &request.headers {
        head = head.header(name, value);
    }
    let (parts, ()) = head.body(()).map_err(axum::Error::new)?.into_parts();
    let identity = &account.identity;
    let (key, token) = (&request.access_key_id, request.token.as_deref());
    let caller = match sigv4::holder(identity, key, token, SystemTime::now()) {
        Err(why) => Err(why),
        Ok((_, secret)) if secret != request.secret_access_key => Err(Denied::Mismatch),
        Ok((session, _)) => match service.map(|service| service.region(&identity.place)) {
            Some(region) if region != request.region => {
                Err(Denied::OtherRegion(request.region.clone()))
            }
            _ => Ok(session),
        },
    };
    let response = answer(account, service, caller, &parts, &request.body).await?;
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await?;
    Ok((status, body.into()))
}

/// What comes of a request: an answer, or a connection that breaks before there is one.
async fn answer(
    account: &Account,
    service: Option<Service>,
    session: Result<Option<Session>, Denied>,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<Body>, axum::Error> {
    let struck = service.filter(|one| *one != Service::Control && session.is_ok());
    let failure = match struck {
        None => None,
        Some(service) => {
            let strike = account
                .faults
                .strike(&faults::operation(service, parts, body));
            // Even a sleep of no time takes as long as the timer's step.
            if !strike.delay.is_zero() {
                tokio::time::sleep(strike.delay).await;
            }
            strike.failure.map(|failure| (service, failure))
        }
    };
    let Some((service, failure)) = failure else {
        return Ok(respond(account, service, session, parts, body).await);
    };
    let protocol = service.protocol(parts);
    match (failure, protocol.failure(failure)) {
        (_, Some(error)) => Ok(protocol.error(&error, &request_id())),
        (Failure::Truncated, None) => {
            faults::truncated(respond(account, Some(service), session, parts, body).await).await
        }
        (_, None) => {
            let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            Err(axum::Error::new(reset))
        }
    }
}

fn request_id() -> String {
    world::uuid(rand::rng().random())
}

/// What a service says to somebody who was let in, or why nobody was.
async fn respond(
    account: &Account,
    service: Option<Service>,
    session: Result<Option<Session>, Denied>,
    parts: &Parts,
    body: &[u8],
) -> Response<Body> {
    let request_id = request_id();
    let protocol = match service {
        Some(service) => service.protocol(parts),
        // Not signed, or for nobody here: most clients can read this.
        None => unsigned_protocol(parts),
    };
    let caller = session.and_then(|session| {
        let known = account.read(|world| Caller::of(world, session));
        // The role of a session may have been deleted since.
        known.ok_or(Denied::UnknownKey)
    });
    let answer = match (caller, service) {
        (Err(why), _) => Err(protocol.denied(&why)),
        (Ok(caller), Some(service)) => {
            dispatch(account, &caller, service, parts, body, &request_id).await
        }
        (Ok(_), None) => Err(AwsError::client(
            "InvalidAction",
            "the practice account does not have this service",
        )),
    };
    match answer {
        Ok(answer) => protocol.render(answer, &request_id),
        Err(error) => {
            tracing::debug!(%error, path = parts.uri.path(), "refused");
            protocol.error(&error, &request_id)
        }
    }
}

async fn dispatch(
    account: &Account,
    caller: &Caller,
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
        Service::CloudFormation => cloudformation::answer(account, caller, form()),
        Service::CloudWatch => cloudwatch::answer(account, caller, parts, form()),
        Service::Ec2 => ec2::answer(account, caller, form(), request_id),
        Service::Sts => sts::answer(&account.identity, caller, form()),
        Service::Efs => efs::answer(account, caller, &parts.method, path, query, body),
        Service::Scheduler => scheduler::answer(account, caller, &parts.method, path, query, body),
        Service::Ssm => ssm::answer(account, caller, target(parts), body),
        Service::States => states::answer(account, caller, target(parts), body),
        Service::Iam => iam::answer(account, caller, form()),
        Service::Sns => sns::answer(account, caller, form()),
        Service::Control => {
            caller.must_own()?;
            control::answer(account, &parts.method, path, query).await
        }
    }
}

/// The operation of a service that has it in a header.
fn target(parts: &Parts) -> &str {
    let target = parts.headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    target.unwrap_or_default()
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

/// Reads a body. What is more than there may be is read too, and forgotten: who is answered while he still speaks does not
/// hear it.
async fn read(body: Body) -> Result<Bytes, Unread> {
    let whole = async {
        let (mut kept, mut size) = (Vec::new(), 0);
        let mut pieces = body.into_data_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| Unread::Broken)?;
            size += piece.len();
            if size <= MAX_BODY {
                kept.extend_from_slice(&piece);
            } else if size > MAX_LISTENED {
                break;
            }
        }
        if size > MAX_BODY {
            return Err(Unread::TooLarge);
        }
        Ok(kept.into())
    };
    let read = tokio::time::timeout(BODY_TIMEOUT, whole).await;
    read.unwrap_or(Err(Unread::TooSlow))
}

fn plain(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
}
