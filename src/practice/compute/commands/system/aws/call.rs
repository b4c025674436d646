//! One call of an operation: who makes it, over which way, and what is said when it fails.

use std::time::Duration;

use super::model::{Operation, Protocol, Service};
use super::settings::Keys;
use super::value::Value;
use super::wire::{self, Refusal};
use crate::practice::compute::ServiceRequest;
use crate::practice::compute::host::Seat;

/// What the command ends with: its status and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Exit status.
    pub status: i32,
    /// Without the blank line before it.
    pub text: String,
    /// When a service has refused: how.
    pub refusal: Option<Refusal>,
}

/// Exit statuses ("Return codes" of the AWS CLI user guide).
pub const USAGE: i32 = 252;
/// Configuration or credentials.
pub const CONFIGURATION: i32 = 253;
/// A service answered with an error.
pub const REFUSED: i32 = 254;
/// Anything else.
pub const GENERAL: i32 = 255;

/// How often a request is made when the service has trouble, and how long is waited in between (AWS SDKs and tools
/// reference guide, "Retry behavior", standard mode).
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// For a connection that nobody answers: a minute each.
const NO_ANSWER: Duration = Duration::from_mins(3);

impl Failure {
    /// With this status and text.
    pub fn new(status: i32, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            refusal: None,
        }
    }
}

/// Whoever speaks to a service.
pub struct Client<'a> {
    /// On which instance.
    pub seat: &'a Seat,
    /// The service.
    pub service: &'static Service,
    /// In which region.
    pub region: String,
    /// With which keys, if there are any.
    pub keys: Option<Keys>,
    /// Another place where the service is said to be.
    pub endpoint: Option<String>,
}

impl Client<'_> {
    /// Calls an operation.
    pub async fn ask(
        &self,
        operation: &Operation,
        parameters: &[(&'static str, Value)],
    ) -> Result<Value, Failure> {
        let request = wire::request(self.service, operation, parameters);
        let keys = self.keys.as_ref().ok_or_else(|| {
            Failure::new(
                CONFIGURATION,
                "Unable to locate credentials. You can configure credentials by running \"aws configure\".",
            )
        })?;
        let request = ServiceRequest {
            service: self.service.name.to_owned(),
            region: self.signing_region().to_owned(),
            access_key_id: keys.access_key_id.clone(),
            secret_access_key: keys.secret_access_key.clone(),
            token: keys.token.clone(),
            method: request.method.to_owned(),
            target: request.target,
            headers: request.headers,
            body: request.body,
        };
        let mut attempt = 1;
        loop {
            let (status, body) = self.send(&request).await?;
            let refused = match wire::answer(self.service, operation, status, &body) {
                Ok(value) => return Ok(value),
                Err(refused) => refused,
            };
            let again = status >= 500 || is_throttled(&refused.code);
            if again && attempt < ATTEMPTS {
                self.seat.activity.sleep(PAUSE * attempt).await;
                attempt += 1;
                continue;
            }
            let retried = match attempt {
                1 => String::new(),
                _ => format!(" (reached max retries: {})", attempt - 1),
            };
            return Err(Failure {
                status: REFUSED,
                text: format!(
                    "An error occurred ({}) when calling the {} operation{retried}: {}",
                    refused.code, operation.name, refused.message
                ),
                refusal: Some(refused),
            });
        }
    }

    async fn send(&self, request: &ServiceRequest) -> Result<(u16, Vec<u8>), Failure> {
        let unreachable = |address: String| {
            let text = format!("Could not connect to the endpoint URL: \"{address}\"");
            Failure::new(GENERAL, text)
        };
        if let Some(endpoint) = &self.endpoint {
            let endpoint = endpoint.trim_end_matches('/');
            return Err(unreachable(format!("{endpoint}{}", request.target)));
        }
        let activity = &self.seat.activity;
        let host = &self.seat.host;
        let answer = host
            .surroundings
            .service(&host.spec.instance_id, request.clone());
        match activity.wait(answer).await {
            Ok(answer) => Ok(answer),
            Err(_) => {
                activity.sleep(NO_ANSWER).await;
                Err(unreachable(self.address(&request.target)))
            }
        }
    }

    /// IAM is in no region; its requests are signed for the one that stands for the partition.
    fn signing_region(&self) -> &str {
        match self.service.name {
            "iam" if self.region.starts_with("cn-") => "cn-north-1",
            "iam" if self.region.starts_with("us-gov-") => "us-gov-west-1",
            "iam" => "us-east-1",
            _ => &self.region,
        }
    }

    fn address(&self, target: &str) -> String {
        let name = self.service.name;
        let domain = if self.region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        let target = match self.service.protocol {
            Protocol::RestJson => target,
            _ => "/",
        };
        match name {
            "iam" => format!("https://iam.{domain}{target}"),
            name => format!("https://{name}.{}.{domain}{target}", self.region),
        }
    }
}

fn is_throttled(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "SlowDown"
    )
}
