//! A host's launch specification as a note beside its disk, so that it can be started again without being asked for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{Edition, HostSpec, MetadataService};

/// What is written down of a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    instance_id: String,
    region: String,
    zone: String,
    instance_type: String,
    image_id: String,
    // Notes of older programs do not have it.
    #[serde(default)]
    edition: Edition,
    private_address: std::net::Ipv4Addr,
    authorized_keys: Vec<String>,
    user_data: String,
    account_id: String,
    // Notes of older programs do not have it.
    #[serde(default)]
    metadata: MetadataService,
    /// The private host key in OpenSSH form. A boot that begins again must not change it: the account may have
    /// published it already.
    pub host_key: String,
    /// Whether its first boot got to its end, or was ended on purpose: then its disk is worth keeping.
    pub settled: bool,
}

impl Record {
    /// Of a host that has not booted yet.
    pub fn new(spec: &HostSpec, host_key: String) -> Self {
        Self {
            instance_id: spec.instance_id.clone(),
            region: spec.region.clone(),
            zone: spec.zone.clone(),
            instance_type: spec.instance_type.clone(),
            image_id: spec.image_id.clone(),
            edition: spec.edition,
            private_address: spec.private_address,
            authorized_keys: spec.authorized_keys.clone(),
            user_data: STANDARD.encode(&spec.user_data),
            account_id: spec.account_id.clone(),
            metadata: spec.metadata,
            host_key,
            settled: false,
        }
    }

    /// The specification; `None` when the note is damaged.
    pub fn spec(&self) -> Option<HostSpec> {
        Some(HostSpec {
            instance_id: self.instance_id.clone(),
            region: self.region.clone(),
            zone: self.zone.clone(),
            instance_type: self.instance_type.clone(),
            image_id: self.image_id.clone(),
            edition: self.edition,
            private_address: self.private_address,
            authorized_keys: self.authorized_keys.clone(),
            user_data: STANDARD.decode(&self.user_data).ok()?,
            account_id: self.account_id.clone(),
            metadata: self.metadata,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Edition, HostSpec, MetadataService, Record};

    #[test]
    fn a_specification_comes_back_as_it_was_written() {
        let spec = HostSpec {
            instance_id: "i-1".into(),
            region: "us-east-1".into(),
            zone: "us-east-1a".into(),
            instance_type: "t3.micro".into(),
            image_id: "ami-1".into(),
            edition: Edition::Of2018,
            private_address: std::net::Ipv4Addr::new(10, 0, 1, 12),
            authorized_keys: vec!["ssh-ed25519 AAAA test".into()],
            user_data: vec![b'#', b'!', 0xff],
            account_id: "123456789012".into(),
            metadata: MetadataService {
                enabled: false,
                tokens_required: false,
                tags: true,
            },
        };
        let text = serde_json::to_string(&Record::new(&spec, "key".into())).unwrap();
        let again: Record = serde_json::from_str(&text).unwrap();
        assert!(!again.settled && again.host_key == "key");
        assert_eq!(format!("{:?}", again.spec().unwrap()), format!("{spec:?}"));
    }
}
