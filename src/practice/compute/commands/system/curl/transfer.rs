//! One HTTP request of curl's: who is asked, and what comes back.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::options::Options;
use crate::practice::clock::Activity;
use crate::practice::compute::Reach;
use crate::practice::compute::commands::system::{metadata, network};
use crate::practice::compute::host::Host;

/// How long Linux tries to open a connection that nobody answers (tcp(7): six retries of SYN, about 127 s).
const CONNECT: Duration = Duration::from_secs(127);

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// As asked for.
    pub url: String,
    /// Path and query.
    pub path: String,
    scheme: String,
    host: String,
    port: u16,
    method: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, if it had one.
    pub content_type: Option<&'static str>,
    /// Body.
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Not HTTP.
    #[error("curl: (1) Protocol \"{0}\" not supported or disabled in libcurl")]
    Protocol(String),
    /// Not an address at all.
    #[error("curl: (3) URL rejected: {0}")]
    Malformed(&'static str),
    /// Nobody knows the name.
    #[error("curl: (6) Could not resolve host: {0}")]
    Unresolved(String),
    /// The machine refuses.
    #[error("curl: (7) Failed to connect to {0} port {1} after 1 ms: Couldn't connect to server")]
    Refused(String, u16),
    /// Nobody answered in time.
    #[error("curl: (28) {0}")]
    TimedOut(String),
    /// Somebody listens and does not speak HTTP.
    #[error("curl: (52) Empty reply from server")]
    Empty,
}

impl Failure {
    /// curl's exit status.
    pub fn status(&self) -> i32 {
        match self {
            Self::Protocol(_) => 1,
            Self::Malformed(_) => 3,
            Self::Unresolved(_) => 6,
            Self::Refused(..) => 7,
            Self::TimedOut(_) => 28,
            Self::Empty => 52,
        }
    }

    /// Whether `--retry` tries again after it; `more`: after refusals too.
    pub fn transient(&self, more: bool) -> bool {
        match self {
            Self::TimedOut(_) => true,
            Self::Refused(..) | Self::Empty | Self::Unresolved(_) => more,
            Self::Protocol(_) | Self::Malformed(_) => false,
        }
    }
}

impl Request {
    /// What curl makes of its options.
    pub fn new(options: &Options, url: &str, body: Option<&[u8]>) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let scheme = scheme.to_ascii_lowercase();
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let mut path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        };
        let authority = authority.rsplit('@').next().unwrap_or(authority);
        let usual = if scheme == "https" { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().unwrap_or(0)),
            None => (authority, usual),
        };
        let mut body = body.map(<[u8]>::to_vec);
        if options.data_in_url
            && let Some(data) = body.take()
        {
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(&String::from_utf8_lossy(&data));
        }
        let mut headers = vec![
            ("user-agent".to_owned(), "curl/8.5.0".to_owned()),
            ("accept".to_owned(), "*/*".to_owned()),
        ];
        if body.is_some() && options.upload.is_none() {
            let form = "application/x-www-form-urlencoded".to_owned();
            headers.push(("content-type".to_owned(), form));
        }
        for header in &options.headers {
            let (name, value) = header.split_once(':').unwrap_or((header.as_str(), ""));
            // `Name;` sends it empty, `Name:` not at all.
            let empty = name.ends_with(';');
            let name = name.trim_end_matches(';').trim().to_ascii_lowercase();
            headers.retain(|(one, _)| *one != name);
            if !value.trim().is_empty() || empty {
                headers.push((name, value.trim().to_owned()));
            }
        }
        let method = match &options.method {
            Some(method) => method.clone(),
            None if options.head => "HEAD".to_owned(),
            None if options.upload.is_some() => "PUT".to_owned(),
            None if body.is_some() => "POST".to_owned(),
            None => "GET".to_owned(),
        };
        Self {
            url: url.to_owned(),
            path,
            scheme,
            host: host.to_owned(),
            port,
            method,
            headers,
            body: body.unwrap_or_default(),
        }
    }

    /// Sends it, and waits in account time where a real one would wait.
    pub async fn send(
        &self,
        host: &Arc<Host>,
        activity: &Activity,
        options: &Options,
    ) -> Result<Response, Failure> {
        if !matches!(self.scheme.as_str(), "http" | "https") {
            return Err(Failure::Protocol(self.scheme.clone()));
        }
        if self.host.is_empty() {
            return Err(Failure::Malformed("No host part in the URL"));
        }
        if self.port == 0 {
            return Err(Failure::Malformed(
                "Port number was not a decimal number between 0 and 65535",
            ));
        }
        if self.host.parse() == Ok(metadata::ADDRESS) && self.scheme == "http" && self.port == 80 {
            return Ok(self.ask_metadata(host));
        }
        if self.is_wait_handle() {
            return self.ask_account(host, activity, options).await;
        }
        let address = network::resolve(host, &self.host)
            .ok_or_else(|| Failure::Unresolved(self.host.clone()))?;
        match network::reach(host, address, self.port) {
            Reach::Nfs { .. } | Reach::Open => Err(Failure::Empty),
            Reach::Refused => Err(Failure::Refused(self.host.clone(), self.port)),
            Reach::Filtered => Err(self.time_out(activity, options).await),
        }
    }

    fn ask_metadata(&self, host: &Host) -> Response {
        let answer = metadata::Metadata::of(host).answer(&self.method, &self.path, &self.headers);
        Response {
            status: answer.status,
            content_type: Some(answer.content_type),
            body: answer.body,
        }
    }

    /// A handle's address is the account's own and names what it is for.
    fn is_wait_handle(&self) -> bool {
        let local = self
            .host
            .parse::<Ipv4Addr>()
            .map_or(self.host == "localhost", |address| address.is_loopback());
        local && self.path.starts_with("/cloudformation-waitcondition-")
    }

    async fn ask_account(
        &self,
        host: &Arc<Host>,
        activity: &Activity,
        options: &Options,
    ) -> Result<Response, Failure> {
        // The address is signed for an empty content type, and S3 compares.
        if self
            .header("content-type")
            .is_some_and(|one| !one.is_empty())
        {
            return Ok(Response {
                status: 403,
                content_type: Some("application/xml"),
                body: b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>The \
                        request signature we calculated does not match the signature you provided. Check your key and \
                        signing method.</Message></Error>"
                    .to_vec(),
            });
        }
        let answer = host.surroundings.http(
            &host.spec.instance_id,
            &self.method,
            &self.url,
            self.body.clone(),
        );
        match activity.wait(answer).await {
            Ok((status, body)) => Ok(Response {
                status,
                content_type: None,
                body,
            }),
            Err(reason) if reason.contains("resolve") => {
                Err(Failure::Unresolved(self.host.clone()))
            }
            Err(_) => Err(self.time_out(activity, options).await),
        }
    }

    async fn time_out(&self, activity: &Activity, options: &Options) -> Failure {
        let limit = [options.connect_timeout, options.max_time]
            .into_iter()
            .flatten()
            .min();
        activity.sleep(limit.unwrap_or(CONNECT).min(CONNECT)).await;
        Failure::TimedOut(match limit.filter(|limit| *limit < CONNECT) {
            Some(limit) => format!(
                "Connection timed out after {} milliseconds",
                limit.as_millis()
            ),
            None => format!(
                "Failed to connect to {} port {} after {} ms: Couldn't connect to server",
                self.host,
                self.port,
                CONNECT.as_millis()
            ),
        })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(one, _)| one == name)
            .map(|(_, value)| value.as_str())
    }

    /// What `-v` tells of it and of its response.
    pub fn told(&self, response: &Response) -> String {
        let mut text = format!(
            "* Connected to {} port {}\n> {} {} HTTP/1.1\n> Host: {}\n",
            self.host, self.port, self.method, self.path, self.host
        );
        for (name, value) in &self.headers {
            let _ = writeln!(text, "> {name}: {value}");
        }
        text.push_str(">\n");
        for line in response.head().lines() {
            let _ = writeln!(text, "< {line}");
        }
        text
    }
}

impl Response {
    /// Status line and headers, with the blank line that ends them.
    pub fn head(&self) -> String {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            _ => "",
        };
        let mut text = format!("HTTP/1.1 {} {reason}", self.status)
            .trim_end()
            .to_owned();
        text.push_str("\r\n");
        if let Some(kind) = self.content_type {
            let _ = write!(text, "Content-Type: {kind}\r\n");
        }
        let _ = write!(text, "Content-Length: {}\r\n\r\n", self.body.len());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Request};

    fn request(words: &[&str], body: Option<&[u8]>) -> Request {
        let args: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let options = Options::read(&args).unwrap();
        Request::new(&options, &options.urls[0], body)
    }

    #[test]
    fn data_makes_a_post_of_a_form_unless_told_otherwise() {
        let post = request(&["-d", "x", "http://h/p"], Some(b"x"));
        assert_eq!(post.method, "POST");
        assert_eq!(
            post.header("content-type"),
            Some("application/x-www-form-urlencoded")
        );
        let put = request(
            &["-X", "PUT", "-H", "Content-Type:", "-d", "x", "http://h/p"],
            Some(b"x"),
        );
        assert_eq!(put.method, "PUT");
        assert_eq!(put.header("content-type"), None);
    }

    #[test]
    fn an_address_has_a_port_and_a_path() {
        let plain = request(&["169.254.169.254"], None);
        assert_eq!(
            (plain.host.as_str(), plain.port, plain.path.as_str()),
            ("169.254.169.254", 80, "/")
        );
        let full = request(&["https://name:8443/a?b"], None);
        assert_eq!((full.port, full.path.as_str()), (8443, "/a?b"));
        assert_eq!(request(&["https://name?b"], None).path, "/?b");
    }

    #[test]
    fn only_the_accounts_own_address_is_a_wait_handle() {
        let handle = "/cloudformation-waitcondition-us-east-1/s/H?X-Amz-Signature=1";
        assert!(request(&[&format!("http://127.0.0.1:9{handle}")], None).is_wait_handle());
        assert!(!request(&[&format!("http://example.com{handle}")], None).is_wait_handle());
        assert!(!request(&["http://127.0.0.1:9/"], None).is_wait_handle());
    }
}
