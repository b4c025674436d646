//! The generated ssh_config and known_hosts: host keys are pinned by alias, so that a machine's new address changes nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::keys::Files;
use super::{SshError, alias};
use crate::lesson::schema::Side;

/// Where a machine's sshd is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Writes ssh_config and known_hosts for these machines.
///
/// `host_keys` is the stack's `HostKeys` output: a JSON object from `A` and `B` to an OpenSSH public key.
///
/// # Errors
/// When a machine's host key is missing or malformed, or a file cannot be written.
pub fn write(
    files: &Files,
    lab: &str,
    doors: &BTreeMap<Side, Door>,
    host_keys: &str,
) -> Result<(), SshError> {
    let keys: BTreeMap<String, String> =
        serde_json::from_str(host_keys).map_err(|_| SshError::HostKey("A"))?;
    let mut known_hosts = String::new();
    let mut config = format!(
        "# Written by efslab for {lab}. Use it with: ssh -F {} {}\n",
        files.config().display(),
        alias(Side::A)
    );
    for (side, door) in doors {
        let name = match side {
            Side::A => "A",
            Side::B => "B",
        };
        let key = keys
            .get(name)
            .and_then(|key| public_key(key))
            .ok_or(SshError::HostKey(name))?;
        let pinned = format!("{lab}-{}", name.to_lowercase());
        let _ = writeln!(known_hosts, "{pinned} {key}");
        let _ = write!(
            config,
            "\nHost {alias} {short}\n  HostName {host}\n  Port {port}\n  User ec2-user\n  HostKeyAlias {pinned}\n  \
             IdentityFile {identity}\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile {known}\n  \
             GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  UpdateHostKeys no\n  \
             PasswordAuthentication no\n  KbdInteractiveAuthentication no\n  ForwardAgent no\n  ForwardX11 no\n  \
             PermitLocalCommand no\n  EscapeChar none\n  ServerAliveInterval 5\n  ServerAliveCountMax 3\n  \
             LogLevel ERROR\n",
            alias = alias(*side),
            short = name.to_lowercase(),
            host = door.host,
            port = door.port,
            identity = quoted(&files.key()),
            known = quoted(&files.known_hosts()),
        );
    }
    store(&files.known_hosts(), &known_hosts)?;
    store(&files.config(), &config)
}

/// The key type and the key of a line as `ssh-keygen` writes it; anything else is not a host key. What a machine publishes
/// comes from outside, so nothing but these two words reaches known_hosts.
fn public_key(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (kind, key) = (words.next()?, words.next()?);
    let plain = |word: &str| {
        word.chars()
            .all(|c| c.is_ascii_alphanumeric() || "+/=-@.".contains(c))
    };
    (matches!(kind, "ssh-ed25519" | "ecdsa-sha2-nistp256" | "ssh-rsa") && plain(key))
        .then(|| format!("{kind} {key}"))
}

/// A path as ssh_config wants it: quoted, with percent signs doubled.
fn quoted(path: &Path) -> String {
    format!(
        "\"{}\"",
        path.display()
            .to_string()
            .replace('%', "%%")
            .replace('"', "\\\"")
    )
}

/// Writes a private file so that a reader sees either the old or the new one.
fn store(path: &Path, text: &str) -> Result<(), SshError> {
    let failed = |source| SshError::File {
        path: path.to_owned(),
        source,
    };
    let fresh = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(failed)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    fs::rename(&fresh, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(host_keys: &str) -> Result<(String, String), SshError> {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::below(directory.path());
        let doors = [Side::A, Side::B]
            .map(|side| {
                (
                    side,
                    Door {
                        host: "203.0.113.10".to_owned(),
                        port: 22,
                    },
                )
            })
            .into();
        write(&files, "lab-7f3k", &doors, host_keys)?;
        let read = |path| fs::read_to_string(path).unwrap();
        Ok((read(files.known_hosts()), read(files.config())))
    }

    #[test]
    fn host_keys_are_pinned_by_alias_and_comments_are_dropped() {
        let (known, config) = written(
            r#"{"A": "ssh-ed25519 AAAAC3Nza root@ip-10-0-1-12", "B": "ssh-ed25519 AAAAC3Nzb"}"#,
        )
        .unwrap();
        assert_eq!(
            known,
            "lab-7f3k-a ssh-ed25519 AAAAC3Nza\nlab-7f3k-b ssh-ed25519 AAAAC3Nzb\n"
        );
        assert!(config.contains("HostKeyAlias lab-7f3k-a"), "{config}");
    }

    #[test]
    fn a_published_key_cannot_smuggle_a_second_line_or_another_host() {
        for bad in [
            r#"{"A": "ssh-ed25519 AAAA\n* ssh-ed25519 BBBB"}"#,
            r#"{"A": "@cert-authority * ssh-rsa AAAA"}"#,
            "[]",
        ] {
            let outcome = written(bad);
            assert!(
                matches!(outcome, Err(SshError::HostKey(_))),
                "{bad}: {outcome:?}"
            );
        }
    }
}
