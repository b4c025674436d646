//! The instance metadata service as the host sees it at 169.254.169.254. No HTTP client here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::practice::compute::host::Host;
use crate::practice::compute::{MetadataService, RoleCredentials};

/// Where it answers.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// A token lives at most six hours (EC2 user guide, "Use the Instance Metadata Service").
const LONGEST: i64 = 21_600;
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aws-ec2-metadata-token";

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`
    pub content_type: &'static str,
    /// Body.
    pub body: Vec<u8>,
}

/// What an instance is, as its metadata tell it.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// `i-…`
    pub instance_id: String,
    /// Paths below `/latest/` with what they hold.
    pub entries: Vec<(String, Vec<u8>)>,
    /// Now, for tokens.
    pub now: Timestamp,
    /// Whom it tells.
    pub service: MetadataService,
}

impl Metadata {
    /// Of a host, as it is at this moment.
    pub fn of(host: &Host) -> Self {
        let spec = &host.spec;
        let name = host.domain_name();
        let mut entries = Vec::new();
        let mut add = |path: &str, value: &str| {
            entries.push((format!("meta-data/{path}"), value.as_bytes().to_vec()));
        };
        add("ami-id", &spec.image_id);
        for (number, device) in host.disks.all().iter().enumerate() {
            let asked = device.asked.trim_start_matches("/dev/");
            match number {
                0 => add("block-device-mapping/ami", &device.asked),
                _ => add(&format!("block-device-mapping/ebs{number}"), asked),
            }
        }
        if let Some(root) = host.disks.all().first() {
            add("block-device-mapping/root", &root.asked);
        }
        add("hostname", &name);
        for (path, document) in iam(host) {
            add(&path, &document);
        }
        add("instance-id", &spec.instance_id);
        add("instance-life-cycle", "on-demand");
        add("instance-type", &spec.instance_type);
        add("local-hostname", &name);
        add("local-ipv4", &spec.private_address.to_string());
        let network = host.surroundings.network(&spec.instance_id);
        let (first, last): (Vec<_>, Vec<_>) = network
            .into_iter()
            .partition(|(path, _)| path != "security-groups");
        for (path, value) in &first {
            add(path, value);
        }
        add("placement/availability-zone", &spec.zone);
        add("placement/region", &spec.region);
        if let Some(public) = host.surroundings.public_address(&spec.instance_id) {
            add("public-ipv4", &public.to_string());
        }
        for (index, key) in spec.authorized_keys.iter().enumerate() {
            add(
                &format!("public-keys/{index}/openssh-key"),
                &format!("{}\n", key.trim_end()),
            );
        }
        for (path, value) in &last {
            add(path, value);
        }
        let (partition, domain) = if spec.region.starts_with("cn-") {
            ("aws-cn", "amazonaws.com.cn")
        } else {
            ("aws", "amazonaws.com")
        };
        add("services/domain", domain);
        add("services/partition", partition);
        let tags = if spec.metadata.tags {
            host.surroundings.tags(&spec.instance_id)
        } else {
            BTreeMap::new()
        };
        for (key, value) in tags {
            // EC2 offers only tags whose keys can be a path; its own are never among them.
            if !key.contains(['/', ' ']) && !key.starts_with("aws:") {
                add(&format!("tags/instance/{key}"), &value);
            }
        }
        entries.push((
            "dynamic/instance-identity/document".to_owned(),
            identity(host).into_bytes(),
        ));
        if !spec.user_data.is_empty() {
            entries.push(("user-data".to_owned(), spec.user_data.clone()));
        }
        Self {
            instance_id: spec.instance_id.clone(),
            entries,
            now: host.clock.now(),
            service: spec.metadata,
        }
    }

    /// Answers a request. Header names are lower case.
    pub fn answer(&self, method: &str, path: &str, headers: &[(String, String)]) -> Answer {
        if !self.service.enabled {
            // "The IMDS is turned off" (EC2 user guide, "Access instance metadata", HTTP error codes).
            return refused(403, "Forbidden");
        }
        let path = path.split('?').next().unwrap_or(path);
        let header = |name: &str| {
            headers
                .iter()
                .find(|(one, _)| one == name)
                .map(|(_, value)| value.as_str())
        };
        if path == "/latest/api/token" {
            if method != "PUT" {
                return refused(405, "Method Not Allowed");
            }
            // A request that came through a proxy gets no token.
            if header("x-forwarded-for").is_some() {
                return refused(403, "Forbidden");
            }
            return match header(TTL).and_then(|ttl| ttl.trim().parse().ok()) {
                Some(ttl) if (1..=LONGEST).contains(&ttl) => {
                    text(self.token(self.now.as_second().saturating_add(ttl)))
                }
                _ => refused(400, "Bad Request"),
            };
        }
        if !matches!(method, "GET" | "HEAD") {
            return refused(405, "Method Not Allowed");
        }
        let admitted = match header(TOKEN) {
            Some(token) => self.admits(token),
            // Version 1.
            None => !self.service.tokens_required,
        };
        if !admitted {
            return refused(401, "Unauthorized");
        }
        let below = path.trim_start_matches('/');
        if below.is_empty() {
            return text("latest");
        }
        let below = match below.split_once('/') {
            Some(("latest", rest)) => rest,
            None if below == "latest" => "",
            _ => return refused(404, "Not Found"),
        };
        self.find(below.trim_end_matches('/'), below.ends_with('/'))
    }

    fn find(&self, path: &str, directory: bool) -> Answer {
        if let Some((_, value)) = self.entries.iter().find(|(one, _)| one == path)
            && !directory
        {
            return if path == "user-data" {
                Answer {
                    content_type: "application/octet-stream",
                    ..text(value)
                }
            } else {
                text(value)
            };
        }
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let mut names: Vec<String> = Vec::new();
        for (entry, value) in &self.entries {
            let Some(rest) = entry.strip_prefix(&prefix) else {
                continue;
            };
            let name = match rest.split_once('/') {
                // Keys are listed as number and name; the name is the last word of the key.
                Some((index, _)) if path == "meta-data/public-keys" => {
                    let key = String::from_utf8_lossy(value);
                    let name = key.split_whitespace().nth(2).unwrap_or("key");
                    format!("{index}={name}")
                }
                Some((name, _)) if path.is_empty() => name.to_owned(),
                Some((name, _)) => format!("{name}/"),
                None => rest.to_owned(),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            return refused(404, "Not Found");
        }
        text(names.join("\n"))
    }

    /// A token that is good until this second: the second, and a digest that binds it to the instance.
    fn token(&self, until: i64) -> String {
        let mut digest = Sha256::new();
        digest.update(self.instance_id.as_bytes());
        digest.update(until.to_be_bytes());
        let mut bytes = until.to_be_bytes().to_vec();
        bytes.extend_from_slice(&digest.finalize());
        STANDARD.encode(bytes)
    }

    fn admits(&self, token: &str) -> bool {
        let Ok(bytes) = STANDARD.decode(token.trim()) else {
            return false;
        };
        let Some((until, _)) = bytes.split_first_chunk::<8>() else {
            return false;
        };
        let until = i64::from_be_bytes(*until);
        self.now.as_second() < until && token.trim() == self.token(until)
    }
}

/// What is told of the instance's profile, and the credentials of its role.
fn iam(host: &Host) -> Vec<(String, String)> {
    let Some(profile) = host.surroundings.profile(&host.spec.instance_id) else {
        return Vec::new();
    };
    let updated = |role: &Option<(String, Option<RoleCredentials>)>| {
        let given = role.as_ref().and_then(|(_, given)| given.as_ref());
        given.map_or(host.clock.now(), |given| given.updated)
    };
    let info = document(&[
        ("Code", "Success"),
        ("LastUpdated", &seconds(updated(&profile.role))),
        ("InstanceProfileArn", &profile.arn),
        ("InstanceProfileId", &profile.id),
    ]);
    let mut entries = vec![("iam/info".to_owned(), info)];
    if let Some((role, given)) = profile.role {
        let credentials = match given {
            Some(given) => document(&[
                ("Code", "Success"),
                ("LastUpdated", &seconds(given.updated)),
                ("Type", "AWS-HMAC"),
                ("AccessKeyId", &given.access_key_id),
                ("SecretAccessKey", &given.secret_access_key),
                ("Token", &given.token),
                ("Expiration", &seconds(given.expires)),
            ]),
            None => document(&[
                ("Code", "AssumeRoleUnauthorizedAccess"),
                (
                    "Message",
                    &format!(
                        "EC2 cannot assume the role {role}. Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc."
                    ),
                ),
                ("LastUpdated", &seconds(host.clock.now())),
            ]),
        };
        entries.push((format!("iam/security-credentials/{role}"), credentials));
    }
    entries
}

fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Texts as the service writes them; none of them needs escaping.
fn document(members: &[(&str, &str)]) -> String {
    let members = members.iter();
    let members = members.map(|(name, value)| format!("  \"{name}\" : \"{value}\""));
    format!("{{\n{}\n}}", members.collect::<Vec<_>>().join(",\n"))
}

fn identity(host: &Host) -> String {
    let spec = &host.spec;
    let document = serde_json::json!({
        "accountId": spec.account_id,
        "architecture": "x86_64",
        "availabilityZone": spec.zone,
        "billingProducts": null,
        "devpayProductCodes": null,
        "imageId": spec.image_id,
        "instanceId": spec.instance_id,
        "instanceType": spec.instance_type,
        "kernelId": null,
        "privateIp": spec.private_address.to_string(),
        "ramdiskId": null,
        "region": spec.region,
        "version": "2017-09-30",
    });
    format!("{document:#}")
}

fn text(body: impl AsRef<[u8]>) -> Answer {
    Answer {
        status: 200,
        content_type: "text/plain",
        body: body.as_ref().to_vec(),
    }
}

fn refused(status: u16, title: &str) -> Answer {
    let mut body = String::from("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n");
    // Writing to a string cannot fail.
    let _ = write!(
        body,
        "<html>\n <head>\n  <title>{status} - {title}</title>\n </head>\n <body>\n  <h1>{status} - {title}</h1>\n </body>\n</html>\n"
    );
    Answer {
        status,
        content_type: "text/html",
        body: body.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Metadata, MetadataService, TOKEN, TTL};

    fn metadata() -> Metadata {
        let entries = [
            ("meta-data/ami-id", "ami-1"),
            ("meta-data/placement/availability-zone", "us-east-1a"),
            ("meta-data/placement/region", "us-east-1"),
            (
                "meta-data/public-keys/0/openssh-key",
                "ssh-ed25519 AAAA efslab\n",
            ),
            ("user-data", "#!/bin/bash\n"),
        ];
        Metadata {
            instance_id: "i-1".to_owned(),
            entries: entries
                .map(|(path, value)| (path.to_owned(), value.into()))
                .into(),
            now: Timestamp::UNIX_EPOCH,
            service: MetadataService::default(),
        }
    }

    fn token(metadata: &Metadata, seconds: &str) -> String {
        let headers = [(TTL.to_owned(), seconds.to_owned())];
        let answer = metadata.answer("PUT", "/latest/api/token", &headers);
        assert_eq!(answer.status, 200);
        String::from_utf8(answer.body).unwrap()
    }

    fn get(metadata: &Metadata, token: &str, path: &str) -> (u16, String) {
        let headers = [(TOKEN.to_owned(), token.to_owned())];
        let answer = metadata.answer("GET", path, &headers);
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    #[test]
    fn nothing_is_told_without_a_token() {
        let answer = metadata().answer("GET", "/latest/meta-data/ami-id", &[]);
        assert_eq!(answer.status, 401);
        assert_eq!(get(&metadata(), "AAAA", "/latest/meta-data/ami-id").0, 401);
    }

    #[test]
    fn version_1_is_told_only_where_tokens_are_optional_and_nobody_where_it_is_turned_off() {
        let mut metadata = metadata();
        metadata.service.tokens_required = false;
        let path = "/latest/meta-data/ami-id";
        assert_eq!(metadata.answer("GET", path, &[]).status, 200);
        assert_eq!(get(&metadata, "AAAA", path).0, 401);
        metadata.service.enabled = false;
        assert_eq!(metadata.answer("GET", path, &[]).status, 403);
        let headers = [(TTL.to_owned(), "60".to_owned())];
        let answer = metadata.answer("PUT", "/latest/api/token", &headers);
        assert_eq!(answer.status, 403);
    }

    #[test]
    fn a_token_opens_values_and_listings() {
        let metadata = metadata();
        let token = token(&metadata, "60");
        let get = |path: &str| get(&metadata, &token, path);
        assert_eq!(get("/latest/meta-data/ami-id"), (200, "ami-1".to_owned()));
        assert_eq!(
            get("/latest/meta-data/").1,
            "ami-id\nplacement/\npublic-keys/"
        );
        assert_eq!(
            get("/latest/meta-data/placement/").1,
            "availability-zone\nregion"
        );
        assert_eq!(get("/latest/meta-data/public-keys/").1, "0=efslab");
        assert_eq!(get("/latest/user-data").1, "#!/bin/bash\n");
        assert_eq!(get("/latest/meta-data/iam/").0, 404);
        assert_eq!(get("/latest/meta-data/ami-id/x").0, 404);
    }

    #[test]
    fn a_token_ends_and_belongs_to_one_instance() {
        let mut metadata = metadata();
        let token = token(&metadata, "60");
        let other = Metadata {
            instance_id: "i-2".to_owned(),
            ..metadata.clone()
        };
        assert_eq!(get(&other, &token, "/latest/user-data").0, 401);
        metadata.now += SignedDuration::from_secs(60);
        assert_eq!(get(&metadata, &token, "/latest/user-data").0, 401);
    }

    #[test]
    fn a_lifetime_must_be_named_and_at_most_six_hours() {
        for seconds in ["", "0", "21601", "long"] {
            let headers = [(TTL.to_owned(), seconds.to_owned())];
            let answer = metadata().answer("PUT", "/latest/api/token", &headers);
            assert_eq!(answer.status, 400, "{seconds}");
        }
        assert_eq!(
            metadata().answer("PUT", "/latest/api/token", &[]).status,
            400
        );
    }
}
