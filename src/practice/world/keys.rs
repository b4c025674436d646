//! Key pairs: public keys that instances are launched with. A private key never enters.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Tags, World};
use crate::practice::error::AwsError;

/// A key pair of which the account has the public half.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyPair {
    /// `key-…`
    pub id: String,
    /// Unique.
    pub name: String,
    /// `ed25519` or `rsa`.
    pub kind: String,
    /// As EC2 shows it.
    pub fingerprint: String,
    /// One line in OpenSSH form.
    pub public_key: String,
    /// When it was imported.
    pub created: Timestamp,
    /// Tags.
    pub tags: Tags,
}

impl World {
    /// The key pair with this name.
    pub fn key_pair(&self, name: &str) -> Result<&KeyPair, AwsError> {
        self.key_pairs.get(name).ok_or_else(|| {
            AwsError::client(
                "InvalidKeyPair.NotFound",
                format!("The key pair '{name}' does not exist"),
            )
        })
    }

    /// Imports a public key in OpenSSH form.
    pub fn import_key_pair(
        &mut self,
        name: &str,
        public_key: &str,
        tags: Tags,
    ) -> Result<(), AwsError> {
        if self.key_pairs.contains(name) {
            return Err(AwsError::client(
                "InvalidKeyPair.Duplicate",
                format!("The keypair '{name}' already exists."),
            ));
        }
        let (kind, blob) = public_key_parts(public_key).ok_or_else(|| {
            AwsError::client(
                "InvalidKey.Format",
                "Key is not in valid OpenSSH public key format",
            )
        })?;
        let id = self.id("key");
        let created = self.now;
        self.key_pairs.insert(
            name,
            KeyPair {
                id,
                name: name.to_owned(),
                kind: kind.to_owned(),
                // EC2 shows MD5 of the DER form for imported RSA keys; the lab's are Ed25519, shown as here.
                fingerprint: BASE64_STANDARD.encode(Sha256::digest(blob)),
                public_key: public_key.trim().to_owned(),
                created,
                tags,
            },
        );
        Ok(())
    }
}

/// Kind and decoded blob of a public key line.
fn public_key_parts(line: &str) -> Option<(&'static str, Vec<u8>)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let kind = match name {
        "ssh-ed25519" => "ed25519",
        "ssh-rsa" => "rsa",
        _ => return None,
    };
    let blob = BASE64_STANDARD.decode(words.next()?).ok()?;
    let length = u32::try_from(name.len()).ok()?.to_be_bytes();
    let named = blob.strip_prefix(&length)?.starts_with(name.as_bytes());
    (named && !line.trim().contains('\n')).then_some((kind, blob))
}
