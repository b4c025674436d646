//! The learner's own public address, as AWS sees it: SSH is admitted from there and from nowhere else.

use std::net::Ipv4Addr;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::session::Cloud;

/// AWS's own service for this question; it answers with the address and a line feed.
const ASKED: &str = "https://checkip.amazonaws.com/";
const PATIENCE: Duration = Duration::from_secs(10);

impl Cloud {
    /// The public IPv4 address from which this computer reaches AWS.
    ///
    /// # Errors
    /// Why it could not be learned.
    pub async fn own_address(&self) -> Result<Ipv4Addr, String> {
        tokio::time::timeout(PATIENCE, ask())
            .await
            .map_err(|_| format!("{ASKED} did not answer within {} s", PATIENCE.as_secs()))?
            .map_err(|error| format!("{ASKED}: {error}"))
    }
}

async fn ask() -> Result<Ipv4Addr, Box<dyn std::error::Error + Send + Sync>> {
    let connector = HttpsConnectorBuilder::new()
        .with_native_roots()?
        .https_only()
        .enable_http1()
        .build();
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let answer = client.get(ASKED.parse()?).await?;
    let body = Limited::new(answer.into_body(), 1024)
        .collect()
        .await?
        .to_bytes();
    Ok(std::str::from_utf8(&body)?.trim().parse()?)
}
