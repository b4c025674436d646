//! Temporary credentials of roles. They are made from the account's own secret, so that nothing has to be remembered of
//! them: whoever holds one proves it by the token. Who may have them is decided elsewhere.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sigv4::sign::v4::calculate_signature;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};

/// Credentials of an instance are good for about six hours (EC2 user guide, "Retrieve security credentials from
/// instance metadata").
const LIFETIME: Duration = Duration::from_hours(6);
/// How often new ones are made; the guide promises them at least five minutes before the old ones expire.
const ROTATION: u64 = 3600;
/// What the tokens of AWS begin with once they are decoded.
const MARK: &[u8] = b"!\n\torigin_ec";
/// Bytes of HMAC-SHA-256.
const MAC: usize = 32;

/// Temporary credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Temporary {
    /// `ASIA…`
    pub access_key_id: String,
    /// Forty characters.
    pub secret_access_key: String,
    /// Sent with every request.
    pub token: String,
    /// When they were made, in wall time.
    pub issued: SystemTime,
    /// Until when they are good, in wall time.
    pub expires: SystemTime,
}

/// Whose credentials they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// `AROA…`
    pub role_id: String,
    /// Of an instance's credentials, the instance's id.
    pub name: String,
}

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejected {
    /// It was never ours, or it belongs to another key.
    Unknown,
    /// It was good once.
    Expired,
}

/// What a token says.
#[derive(Serialize, Deserialize)]
struct Claim {
    session: Session,
    expires: u64,
}

/// The credentials that a session has now: the same for a while, then new ones.
pub fn current(account_secret: &str, session: &Session, now: SystemTime) -> Temporary {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let issued = UNIX_EPOCH + Duration::from_secs(seconds - seconds % ROTATION);
    let expires = issued + LIFETIME;
    let claim = Claim {
        session: session.clone(),
        expires: expires
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs(),
    };
    // Two strings and a number always become JSON.
    let claim = serde_json::to_vec(&claim).unwrap_or_default();
    let mut token = MARK.to_vec();
    token.extend(mac(account_secret, b"token", &claim));
    token.extend(claim);
    let token = BASE64_STANDARD.encode(token);
    let (access_key_id, secret_access_key) = keys(account_secret, &token);
    Temporary {
        access_key_id,
        secret_access_key,
        token,
        issued,
        expires,
    }
}

/// Whose a token is, and the secret that goes with its key.
pub fn open(
    account_secret: &str,
    access_key_id: &str,
    token: &str,
    now: SystemTime,
) -> Result<(Session, String), Rejected> {
    let bytes = BASE64_STANDARD.decode(token).unwrap_or_default();
    let claimed = bytes.strip_prefix(MARK).and_then(|rest| {
        let (found, claim) = rest.split_at_checked(MAC)?;
        // Compared by their own digests, which tell nothing by the time it takes.
        let same = |bytes: &[u8]| mac(account_secret, b"compare", bytes);
        let right = same(found) == same(&mac(account_secret, b"token", claim));
        right.then(|| serde_json::from_slice::<Claim>(claim).ok())?
    });
    let claim = claimed.ok_or(Rejected::Unknown)?;
    let (key, secret) = keys(account_secret, token);
    if key != access_key_id {
        return Err(Rejected::Unknown);
    }
    if now >= UNIX_EPOCH + Duration::from_secs(claim.expires) {
        return Err(Rejected::Expired);
    }
    Ok((claim.session, secret))
}

fn keys(account_secret: &str, token: &str) -> (String, String) {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let key = mac(account_secret, b"key", token.as_bytes());
    let tail: String = key
        .iter()
        .take(16)
        .map(|byte| char::from(LETTERS[usize::from(byte & 31)]))
        .collect();
    let secret = mac(account_secret, b"secret", token.as_bytes());
    let secret = BASE64_STANDARD.encode(secret.get(..30).unwrap_or_default());
    (format!("ASIA{tail}"), secret)
}

/// HMAC-SHA-256, for one purpose.
fn mac(account_secret: &str, purpose: &[u8], message: &[u8]) -> Vec<u8> {
    let hex = calculate_signature(account_secret, &[purpose, b"\0", message].concat());
    let digits = hex.as_bytes().chunks(2);
    digits
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session {
            role_id: "AROAX".into(),
            name: "i-1".into(),
        }
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn credentials_open_until_they_expire_and_change_every_hour() {
        let given = current("secret", &session(), at(7_300));
        assert!(given.access_key_id.starts_with("ASIA") && given.access_key_id.len() == 20);
        assert_eq!(given.secret_access_key.len(), 40);
        assert_eq!(given.expires, at(7_200 + 6 * 3600));
        assert_eq!(current("secret", &session(), at(10_799)), given);
        assert_ne!(current("secret", &session(), at(10_800)).token, given.token);
        let open = |seconds| open("secret", &given.access_key_id, &given.token, at(seconds));
        assert_eq!(
            open(7_300),
            Ok((session(), given.secret_access_key.clone()))
        );
        assert_eq!(open(28_799).map(|(session, _)| session), Ok(session()));
        assert_eq!(open(28_800), Err(Rejected::Expired));
    }

    #[test]
    fn what_was_changed_or_belongs_to_another_does_not_open() {
        let given = current("secret", &session(), at(0));
        let mut bytes = BASE64_STANDARD.decode(&given.token).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        let changed = BASE64_STANDARD.encode(bytes);
        for (secret, key, token) in [
            ("other", given.access_key_id.as_str(), given.token.as_str()),
            ("secret", "ASIAOTHER", given.token.as_str()),
            ("secret", given.access_key_id.as_str(), changed.as_str()),
            ("secret", given.access_key_id.as_str(), ""),
            ("secret", given.access_key_id.as_str(), "!!"),
        ] {
            assert_eq!(open(secret, key, token, at(0)), Err(Rejected::Unknown));
        }
    }
}
