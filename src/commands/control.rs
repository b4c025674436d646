//! The control plane of a practice account, over HTTP and signed like any AWS call: how its instances are reached, its
//! clock, its reset.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use serde::{Deserialize, Serialize};

/// How long an answer may take; everything it does is on this computer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same where the account first lets everything happen that falls into the time between: what computes without end
/// is overtaken there after ten times 20 s at most.
const ADVANCING: Duration = Duration::from_mins(5);

/// How a practice account is reached: what `practice serve` prints, and what a running account leaves for others.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) region: String,
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
    #[serde(default)]
    pub(super) session_token: Option<String>,
}

/// Where an instance's sshd is reached.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InstanceDoor {
    pub(super) instance_id: String,
    pub(super) port: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Instances {
    instances: Vec<InstanceDoor>,
}

/// Time that stands still as long as this is there.
pub(super) struct Held {
    _answer: hyper::Response<Incoming>,
}

/// The account's time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AccountClock {
    /// RFC 3339.
    pub(super) now: String,
    /// A number, or `"max"`.
    pub(super) pace: serde_json::Value,
}

impl Endpoint {
    /// The credentials that the environment holds, for `--endpoint-url`.
    pub(super) fn of_environment(url: &str, region: Option<&str>) -> miette::Result<Self> {
        let variable = |name: &str| {
            std::env::var(name).map_err(|_| {
                miette!(
                    help = "`efslab practice serve` prints `export` lines: run them in this shell first",
                    "--endpoint-url needs the account's credentials, and {name} is not set"
                )
            })
        };
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            region: region
                .map(str::to_owned)
                .or_else(|| std::env::var("AWS_DEFAULT_REGION").ok())
                .unwrap_or_else(|| "us-east-1".to_owned()),
            access_key_id: variable("AWS_ACCESS_KEY_ID")?,
            secret_access_key: variable("AWS_SECRET_ACCESS_KEY")?,
            session_token: std::env::var("AWS_SESSION_TOKEN")
                .ok()
                .filter(|token| !token.is_empty()),
        })
    }

    /// The SSH doors of all running instances.
    pub(super) async fn instances(&self) -> miette::Result<Vec<InstanceDoor>> {
        let text = self.call("GET", "/_efslab/instances").await?;
        let answer: Instances = serde_json::from_str(&text)
            .into_diagnostic()
            .wrap_err("the practice account's answer cannot be read")?;
        Ok(answer.instances)
    }

    /// Its time and pace.
    pub(super) async fn clock(&self) -> miette::Result<AccountClock> {
        let text = self.call("GET", "/_efslab/clock").await?;
        serde_json::from_str(&text)
            .into_diagnostic()
            .wrap_err("the practice account's answer cannot be read")
    }

    /// Its time once it has come to `until`; time there does not jump on before what is answered is dropped.
    pub(super) async fn clock_at(&self, until: Timestamp) -> miette::Result<Held> {
        let path = format!("/_efslab/clock?until={until}");
        let mut answer = self.ask("GET", &path).await?;
        // Its first bytes say that it is time; the end is not waited for.
        let _ = answer.body_mut().frame().await;
        Ok(Held { _answer: answer })
    }

    /// An ssh_config for every running instance.
    pub(super) async fn ssh_config(&self) -> miette::Result<String> {
        self.call("GET", "/_efslab/ssh-config").await
    }

    /// Moves its clock forward.
    pub(super) async fn advance(&self, seconds: u64) -> miette::Result<AccountClock> {
        let path = format!("/_efslab/advance?seconds={seconds}");
        let text = self.call_within("POST", &path, ADVANCING).await?;
        serde_json::from_str(&text)
            .into_diagnostic()
            .wrap_err("the practice account's answer cannot be read")
    }

    /// Deletes everything in it.
    pub(super) async fn reset(&self) -> miette::Result<String> {
        self.call("POST", "/_efslab/reset").await
    }

    async fn call(&self, method: &'static str, path: &str) -> miette::Result<String> {
        self.call_within(method, path, PATIENCE).await
    }

    async fn call_within(
        &self,
        method: &'static str,
        path: &str,
        patience: Duration,
    ) -> miette::Result<String> {
        let exchange = async { text_of(self.ask(method, path).await?).await };
        tokio::time::timeout(patience, exchange)
            .await
            .map_err(|_| {
                miette!(
                    "the practice account at {} did not answer within {patience:?}",
                    self.url
                )
            })?
    }

    /// The answer, when it is a good one.
    async fn ask(
        &self,
        method: &'static str,
        path: &str,
    ) -> miette::Result<hyper::Response<Incoming>> {
        let request = self.signed(method, path)?;
        let client: Client<HttpConnector, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).build_http();
        let answer = client
            .request(request)
            .await
            .into_diagnostic()
            .wrap_err_with(|| {
                format!(
                    "no practice account answers at {}: is `efslab practice serve` running?",
                    self.url
                )
            })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = text_of(answer).await?;
        Err(miette!(
            "the practice account at {} said {status}: {}",
            self.url,
            text.trim()
        ))
    }

    fn signed(
        &self,
        method: &'static str,
        path: &str,
    ) -> miette::Result<hyper::Request<Full<Bytes>>> {
        let uri = format!("{}{path}", self.url);
        let identity: Identity = Credentials::new(
            &self.access_key_id,
            &self.secret_access_key,
            self.session_token.clone(),
            None,
            "efslab",
        )
        .into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("efslab")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .into_diagnostic()?
            .into();
        let mut request = hyper::Request::builder()
            .method(method)
            .uri(&uri)
            .body(Full::new(Bytes::new()))
            .into_diagnostic()?;
        let host = request
            .uri()
            .authority()
            .map(ToString::to_string)
            .unwrap_or_default();
        request
            .headers_mut()
            .insert("host", host.parse().into_diagnostic()?);
        let signable = SignableRequest::new(
            method,
            &uri,
            [("host", host.as_str())].into_iter(),
            SignableBody::Bytes(&[]),
        )
        .into_diagnostic()?;
        let (instructions, _) = sign(signable, &parameters).into_diagnostic()?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

async fn text_of(answer: hyper::Response<Incoming>) -> miette::Result<String> {
    let body = answer.into_body().collect().await.into_diagnostic()?;
    Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
}
