//! A client of the account's control plane, for the commands that ask a running account something AWS has no call for.
//!
//! It knows the account only over HTTP, as every other client does.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Access;

/// The account is on this machine; one that is silent for so long will not answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the account could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody answers there.
    #[error("no practice account answers at {endpoint}: {source}")]
    Unreachable {
        /// Where it should be.
        endpoint: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The address is not one of a practice account.
    #[error("{0} is not the address of a practice account: it must be http://127.0.0.1:PORT")]
    NotLocal(String),
    /// It answered, but not as wanted.
    #[error("the practice account refused: {0}")]
    Refused(String),
    /// What answers is no practice account.
    #[error("what answers at {0} is not a practice account")]
    Stranger(String),
    /// The request could not be signed.
    #[error("the request could not be signed: {0}")]
    Signing(String),
}

/// An ssh_config with a `Host PUBLIC-ADDRESS INSTANCE-ID` block per running instance.
pub async fn ssh_config(access: &Access) -> Result<String, ControlError> {
    request(access, "GET", "/_efslab/ssh-config").await
}

/// Running instances: `{"Instances": [{"InstanceId", "PublicAddress", "PrivateAddress", "Port"}]}`.
pub async fn instances(access: &Access) -> Result<Value, ControlError> {
    json(access, &request(access, "GET", "/_efslab/instances").await?)
}

/// Account time and pace: `{"Now": RFC 3339, "Pace": number or "max"}`.
pub async fn clock(access: &Access) -> Result<Value, ControlError> {
    json(access, &request(access, "GET", "/_efslab/clock").await?)
}

/// Moves account time forward. Answers as [`clock`].
pub async fn advance(access: &Access, by: Duration) -> Result<Value, ControlError> {
    let path = format!("/_efslab/advance?seconds={}", by.as_secs_f64());
    json(access, &request(access, "POST", &path).await?)
}

/// Deletes everything in the account.
pub async fn reset(access: &Access) -> Result<(), ControlError> {
    request(access, "POST", "/_efslab/reset").await.map(drop)
}

fn json(access: &Access, text: &str) -> Result<Value, ControlError> {
    serde_json::from_str(text).map_err(|_| ControlError::Stranger(access.endpoint_url.clone()))
}

/// One signed request; the body of its answer.
async fn request(access: &Access, method: &str, path: &str) -> Result<String, ControlError> {
    let authority = access
        .endpoint_url
        .strip_prefix("http://")
        .map(|rest| rest.trim_end_matches('/'))
        .filter(|authority| {
            let host = authority.rsplit_once(':').map(|(host, _)| host);
            matches!(host, Some("127.0.0.1" | "localhost"))
        })
        .ok_or_else(|| ControlError::NotLocal(access.endpoint_url.clone()))?;
    let headers = signed(access, method, path, authority)?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {authority}\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n"
    );
    let unreachable = |source| ControlError::Unreachable {
        endpoint: access.endpoint_url.clone(),
        source,
    };
    let answer = tokio::time::timeout(PATIENCE, exchange(authority, &head))
        .await
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
        .map_err(unreachable)?;
    let answer = String::from_utf8_lossy(&answer);
    let stranger = || ControlError::Stranger(access.endpoint_url.clone());
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(stranger)?;
    let status = head.split(' ').nth(1).ok_or_else(stranger)?;
    if status == "200" {
        return Ok(body.to_owned());
    }
    let said = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|body| Some(body.get("Message")?.as_str()?.to_owned()))
        .ok_or_else(stranger)?;
    Err(ControlError::Refused(said))
}

async fn exchange(authority: &str, head: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(authority).await?;
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// The headers that sign the request, one a line.
fn signed(
    access: &Access,
    method: &str,
    path: &str,
    authority: &str,
) -> Result<String, ControlError> {
    let failed = |error: String| ControlError::Signing(error);
    let identity = Credentials::new(
        &access.access_key_id,
        &access.secret_access_key,
        None,
        None,
        "practice",
    )
    .into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&access.region)
        .name(super::aws::CONTROL_SERVICE)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| failed(error.to_string()))?
        .into();
    let url = format!("http://{authority}{path}");
    let headers = [("host", authority)].into_iter();
    let request = SignableRequest::new(method, url, headers, SignableBody::Bytes(&[]))
        .map_err(|error| failed(error.to_string()))?;
    let (instructions, _) = sign(request, &params)
        .map_err(|error| failed(error.to_string()))?
        .into_parts();
    Ok(instructions
        .headers()
        .fold(String::new(), |headers, (name, value)| {
            headers + name + ": " + value + "\r\n"
        }))
}
