//! A client of the account's control plane that signs as the AWS crates do, and speaks HTTP by hand.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How an account is reached.
#[derive(Clone)]
#[allow(clippy::struct_field_names, reason = "as AWS names them")]
pub struct Access {
    pub endpoint_url: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub region: String,
}

/// The status and the body of the answer to one signed request.
pub async fn request(access: &Access, method: &str, path: &str) -> (String, String) {
    let authority = access.endpoint_url.trim_start_matches("http://");
    let headers = signed(access, method, path, authority);
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {authority}\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n"
    );
    let mut stream = TcpStream::connect(authority).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    (status.to_owned(), body.to_owned())
}

/// The same, of an answer that must be JSON and well.
pub async fn json(access: &Access, method: &str, path: &str) -> Value {
    let (status, body) = request(access, method, path).await;
    assert_eq!(status, "200", "{body}");
    serde_json::from_str(&body).unwrap()
}

/// The headers that sign the request, one a line.
fn signed(access: &Access, method: &str, path: &str, authority: &str) -> String {
    let (key, secret) = (&access.access_key_id, &access.secret_access_key);
    let identity = Credentials::new(key, secret, None, None, "practice").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&access.region)
        .name("efslab")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let url = format!("http://{authority}{path}");
    let headers = [("host", authority)].into_iter();
    let request = SignableRequest::new(method, url, headers, SignableBody::Bytes(&[])).unwrap();
    let (instructions, _) = sign(request, &params).unwrap().into_parts();
    let lines = instructions
        .headers()
        .map(|(name, value)| [name, ": ", value, "\r\n"].concat());
    lines.collect::<Vec<_>>().concat()
}
