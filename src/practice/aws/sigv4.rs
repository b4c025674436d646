//! Signature Version 4, the server's side: who signed a request, for which service. What the request asks does not enter.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use axum::http::request::Parts;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use sha2::{Digest, Sha256};

use crate::practice::sessions::{self, Rejected, Session};
use crate::practice::store::Identity;

/// How far a request's time may be from ours (IAM user guide, "Elements of an AWS API request signature").
const SKEW: Duration = Duration::from_mins(5);

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// It is not signed.
    Unsigned,
    /// The signature lacks something.
    Incomplete(String),
    /// The access key is none of ours.
    UnknownKey,
    /// Signed with another secret, or changed on the way.
    Mismatch,
    /// Signed too long ago or too far ahead.
    Skewed(String),
    /// Signed for another region.
    OtherRegion(String),
    /// Signed with temporary credentials that were good once.
    Expired,
}

impl From<Rejected> for Denied {
    fn from(why: Rejected) -> Self {
        match why {
            Rejected::Unknown => Self::UnknownKey,
            Rejected::Expired => Self::Expired,
        }
    }
}

/// Who has this key and token: nobody but the account's owner, or a session; and the secret that goes with the key.
pub fn holder(
    identity: &Identity,
    access_key_id: &str,
    token: Option<&str>,
    now: SystemTime,
) -> Result<(Option<Session>, String), Denied> {
    match token {
        None if access_key_id == identity.access_key_id => {
            Ok((None, identity.secret_access_key.clone()))
        }
        None => Err(Denied::UnknownKey),
        Some(token) => {
            let (session, secret) =
                sessions::open(&identity.secret_access_key, access_key_id, token, now)?;
            Ok((Some(session), secret))
        }
    }
}

/// What an `Authorization` header says.
struct Authorization<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

/// The service that the request's credential scope names, if it is signed at all.
pub fn service(parts: &Parts) -> Option<&str> {
    authorization(parts).ok().map(|found| found.service)
}

fn authorization(parts: &Parts) -> Result<Authorization<'_>, Denied> {
    let value = parts
        .headers
        .get("authorization")
        .ok_or(Denied::Unsigned)?
        .to_str()
        .map_err(|_| Denied::Incomplete("the Authorization header is not plain text".into()))?;
    let incomplete = |what: &str| {
        Denied::Incomplete(format!(
            "Authorization header requires '{what}' parameter. Authorization={value}"
        ))
    };
    let rest = value.strip_prefix("AWS4-HMAC-SHA256").ok_or_else(|| {
        Denied::Incomplete(format!(
            "Unsupported signature algorithm. Authorization={value}"
        ))
    })?;
    let find = |name: &str| {
        rest.split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
            .ok_or_else(|| incomplete(name))
    };
    let scope: Vec<&str> = find("Credential")?.split('/').collect();
    let [access_key_id, date, region, service, "aws4_request"] = scope[..] else {
        return Err(incomplete("Credential"));
    };
    Ok(Authorization {
        access_key_id,
        date,
        region,
        service,
        signed_headers: find("SignedHeaders")?,
        signature: find("Signature")?,
    })
}

/// Checks that a key of the account's signed this request, now, for this region. Answers with the session that has the
/// key; the account's own key is no session's.
pub fn verify(
    parts: &Parts,
    body: &[u8],
    identity: &Identity,
    region: &str,
    now: SystemTime,
) -> Result<Option<Session>, Denied> {
    let found = authorization(parts)?;
    let token = header(parts, "x-amz-security-token");
    let (session, secret) = holder(identity, found.access_key_id, token.as_deref(), now)?;
    let stamp = header(parts, "x-amz-date").ok_or_else(|| {
        Denied::Incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
                .into(),
        )
    })?;
    let signed = instant(&stamp).ok_or_else(|| {
        Denied::Incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{stamp}'."
        ))
    })?;
    if !stamp.starts_with(found.date) {
        return Err(Denied::Mismatch);
    }
    if found.region != region {
        return Err(Denied::OtherRegion(found.region.to_owned()));
    }
    let payload = Sha256::digest(body);
    let payload = hex(&payload);
    let payload = match header(parts, "x-amz-content-sha256") {
        Some(unsigned) if unsigned == "UNSIGNED-PAYLOAD" => unsigned,
        Some(said) if said != payload => return Err(Denied::Mismatch),
        _ => payload,
    };
    let canonical = canonical_request(parts, found.signed_headers, &payload)?;
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{stamp}\n{}/{}/{}/aws4_request\n{}",
        found.date,
        found.region,
        found.service,
        hex(&Sha256::digest(canonical))
    );
    let key = generate_signing_key(&secret, signed, found.region, found.service);
    if calculate_signature(key, to_sign.as_bytes()) != found.signature {
        return Err(Denied::Mismatch);
    }
    skew(&stamp, signed, now)?;
    Ok(session)
}

/// Only asked once the signature is right: what a stranger's clock shows is nobody's business.
fn skew(stamp: &str, signed: SystemTime, now: SystemTime) -> Result<(), Denied> {
    let basic = |time: SystemTime| {
        Timestamp::try_from(time)
            .map(|time| time.strftime("%Y%m%dT%H%M%SZ").to_string())
            .unwrap_or_default()
    };
    if signed + SKEW < now {
        return Err(Denied::Skewed(format!(
            "Signature expired: {stamp} is now earlier than {} ({} - 5 min.)",
            basic(now - SKEW),
            basic(now)
        )));
    }
    if signed > now + SKEW {
        return Err(Denied::Skewed(format!(
            "Signature not yet current: {stamp} is still later than {} ({} + 5 min.)",
            basic(now + SKEW),
            basic(now)
        )));
    }
    Ok(())
}

/// All values of a header as they are signed: inner runs of blanks as one, values joined by commas.
fn header(parts: &Parts, name: &str) -> Option<String> {
    let values: Vec<String> = parts
        .headers
        .get_all(name)
        .iter()
        .map(|value| {
            String::from_utf8_lossy(value.as_bytes())
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn canonical_request(parts: &Parts, signed_headers: &str, payload: &str) -> Result<String, Denied> {
    let names: Vec<&str> = signed_headers.split(';').collect();
    if !names.contains(&"host") {
        return Err(Denied::Incomplete(
            "'Host' must be a 'SignedHeader' in the AWS Authorization.".into(),
        ));
    }
    let mut headers = String::new();
    for name in names {
        let value = header(parts, name).ok_or(Denied::Mismatch)?;
        headers.extend([name, ":", value.as_str(), "\n"]);
    }
    Ok(format!(
        "{}\n{}\n{}\n{headers}\n{signed_headers}\n{payload}",
        parts.method,
        canonical_path(parts.uri.path()),
        canonical_query(parts.uri.query().unwrap_or_default()),
    ))
}

/// The path as sent, dot segments taken out, encoded once more.
fn canonical_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let trailing = if path.ends_with('/') && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    let encoded: Vec<String> = segments
        .iter()
        .map(|segment| encode(segment.as_bytes()))
        .collect();
    format!("/{}{trailing}", encoded.join("/"))
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(&decode(name)), encode(&decode(value)))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = escaped {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    decoded
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub fn encode(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            encoded.push('%');
            encoded.extend(digits(*byte, b"0123456789ABCDEF"));
        }
    }
    encoded
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        hex.extend(digits(*byte, b"0123456789abcdef"));
        hex
    })
}

/// A byte as two digits of this alphabet.
fn digits(byte: u8, alphabet: &[u8; 16]) -> [char; 2] {
    [byte >> 4, byte & 15].map(|digit| char::from(alphabet[usize::from(digit)]))
}

fn instant(stamp: &str) -> Option<SystemTime> {
    let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?;
    let time = Offset::UTC.to_timestamp(civil).ok()?;
    let seconds = u64::try_from(time.as_second()).ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(target: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = axum::http::Request::builder().method("GET").uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn identity() -> Identity {
        Identity {
            place: crate::practice::world::place::Place {
                account_id: "123456789012".into(),
                region: "us-east-1".into(),
            },
            // The keys of AWS's published Signature Version 4 test suite.
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            port: None,
        }
    }

    fn suite(target: &str, signature: &str) -> Parts {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature={signature}"
        );
        parts(
            target,
            &[
                ("host", "example.amazonaws.com"),
                ("x-amz-date", "20150830T123600Z"),
                ("authorization", &authorization),
            ],
        )
    }

    fn then() -> SystemTime {
        instant("20150830T123600Z").unwrap()
    }

    const REGION: &str = "us-east-1";
    /// `get-vanilla` and `get-vanilla-query-order-key-case` of the test suite.
    const VANILLA: &str = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    const QUERY: &str = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";

    #[test]
    fn requests_of_the_published_test_suite_are_let_in() {
        assert_eq!(
            verify(&suite("/", VANILLA), b"", &identity(), REGION, then()),
            Ok(None)
        );
        let query = suite("/?Param2=value2&Param1=value1", QUERY);
        assert_eq!(verify(&query, b"", &identity(), REGION, then()), Ok(None));
    }

    #[test]
    fn a_changed_request_is_not() {
        let body = verify(&suite("/", VANILLA), b"x", &identity(), REGION, then());
        assert_eq!(body, Err(Denied::Mismatch));
        let path = verify(&suite("/other", VANILLA), b"", &identity(), REGION, then());
        assert_eq!(path, Err(Denied::Mismatch));
        let mut stranger = identity();
        stranger.secret_access_key.push('x');
        let secret = verify(&suite("/", VANILLA), b"", &stranger, REGION, then());
        assert_eq!(secret, Err(Denied::Mismatch));
    }

    #[test]
    fn a_clock_that_is_off_by_more_than_five_minutes_is_named() {
        let request = suite("/", VANILLA);
        let late = verify(
            &request,
            b"",
            &identity(),
            REGION,
            then() + Duration::from_secs(301),
        );
        assert!(matches!(late, Err(Denied::Skewed(why)) if why.starts_with("Signature expired")));
        let early = verify(
            &request,
            b"",
            &identity(),
            REGION,
            then() - Duration::from_secs(301),
        );
        assert!(matches!(early, Err(Denied::Skewed(_))));
        let near = verify(
            &request,
            b"",
            &identity(),
            REGION,
            then() + Duration::from_secs(299),
        );
        assert_eq!(near, Ok(None));
    }

    #[test]
    fn an_unsigned_request_and_a_broken_signature_are_told_apart() {
        let unsigned = parts("/", &[("host", "h")]);
        assert_eq!(
            verify(&unsigned, b"", &identity(), REGION, then()),
            Err(Denied::Unsigned)
        );
        let broken = parts(
            "/",
            &[
                ("host", "h"),
                ("authorization", "AWS4-HMAC-SHA256 nonsense"),
            ],
        );
        assert!(matches!(
            verify(&broken, b"", &identity(), REGION, then()),
            Err(Denied::Incomplete(_))
        ));
        let mut other = identity();
        other.access_key_id = "AKIDOTHER".into();
        assert_eq!(
            verify(&suite("/", VANILLA), b"", &other, REGION, then()),
            Err(Denied::UnknownKey)
        );
        assert_eq!(
            verify(&suite("/", VANILLA), b"", &identity(), "eu-west-1", then()),
            Err(Denied::OtherRegion("us-east-1".into()))
        );
    }

    #[test]
    fn temporary_credentials_are_let_in_while_they_last_and_only_with_their_token() {
        let session = Session {
            role_id: "AROAX".into(),
            name: "i-1".into(),
        };
        let given = sessions::current(&identity().secret_access_key, &session, then());
        let sign = |token: &str| {
            let signed = suite("/", "");
            let canonical =
                canonical_request(&signed, "host;x-amz-date", &hex(&Sha256::digest(b"")));
            let to_sign = format!(
                "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n{}",
                hex(&Sha256::digest(canonical.unwrap()))
            );
            let key = generate_signing_key(&given.secret_access_key, then(), REGION, "service");
            let signature = calculate_signature(key, to_sign.as_bytes());
            let mut parts = suite("/", &signature);
            let value = parts.headers["authorization"].to_str().unwrap();
            let value = value.replace("AKIDEXAMPLE", &given.access_key_id);
            parts
                .headers
                .insert("authorization", value.parse().unwrap());
            parts
                .headers
                .insert("x-amz-security-token", token.parse().unwrap());
            parts
        };
        let good = sign(&given.token);
        assert_eq!(
            verify(&good, b"", &identity(), REGION, then()),
            Ok(Some(session))
        );
        let changed = sign("AAAA");
        assert_eq!(
            verify(&changed, b"", &identity(), REGION, then()),
            Err(Denied::UnknownKey)
        );
        let later = then() + Duration::from_hours(6);
        assert_eq!(
            verify(&good, b"", &identity(), REGION, later),
            Err(Denied::Expired)
        );
    }
}
