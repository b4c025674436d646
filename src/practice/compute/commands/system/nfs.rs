//! Mounting a share over NFS, as mount.nfs4 does it: options, the connection, the errors. Who may call it stays outside.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::network;
use super::server::{PORT, Server, Temper};
use crate::practice::clock::Activity;
use crate::practice::compute::Reach;
use crate::practice::compute::host::Host;
use crate::practice::storage::{Errno, Identity};
use crate::practice::storage::{MountSpec, MountTable, View};

/// What an EFS filesystem says it can hold: 8 EiB less 1 MiB, as `df` shows for any of them.
pub const CAPACITY: u64 = (1 << 63) - (1 << 20);

/// How long mount.nfs tries in the foreground (nfs(5): `retry=2` minutes).
const TRIES: Duration = Duration::from_mins(2);
/// How long it waits between two tries (nfs-utils backs off up to this).
const BETWEEN: Duration = Duration::from_secs(10);

/// Options of a mount, as far as they matter to NFS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    read_only: bool,
    /// `nosuid`, `noexec`, `noatime` … in the kernel's order.
    generic: Vec<&'static str>,
    version: &'static str,
    read_size: u64,
    write_size: u64,
    hard: bool,
    /// `nocto`, `noac`, `nosharecache`, `noresvport`: in the kernel's order.
    flags: Vec<&'static str>,
    timeout: u64,
    retransmissions: u64,
    /// Minutes of trying.
    retry: Option<u64>,
}

/// Why options cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadOption {
    /// No option of NFS.
    #[error("an incorrect mount option was specified")]
    Incorrect,
    /// EFS serves 4.0 and 4.1, over TCP.
    #[error("Protocol not supported")]
    Protocol,
}

/// Generic options that /proc/mounts shows, in its order; each with what takes it back.
const GENERIC: [(&str, &str); 5] = [
    ("nosuid", "suid"),
    ("nodev", "dev"),
    ("noexec", "exec"),
    ("noatime", "atime"),
    ("nodiratime", "diratime"),
];
/// NFS flags that /proc/mounts shows, in its order; each with what takes it back.
const FLAGS: [(&str, &str); 5] = [
    ("nocto", "cto"),
    ("noac", "ac"),
    ("nordirplus", "rdirplus"),
    ("nosharecache", "sharecache"),
    ("noresvport", "resvport"),
];
/// Words for mount and systemd, not for the kernel.
const SILENT: [&str; 19] = [
    "defaults",
    "rw",
    "auto",
    "noauto",
    "_netdev",
    "nofail",
    "user",
    "nouser",
    "users",
    "owner",
    "async",
    "relatime",
    "strictatime",
    "fg",
    "bg",
    "lock",
    "nolock",
    "acl",
    "noacl",
];

impl Options {
    /// Reads the comma-separated text of `-o` or of fstab.
    pub fn parse(text: &str) -> Result<Self, BadOption> {
        let mut options = Self {
            read_only: false,
            generic: Vec::new(),
            version: "4.1",
            // What client and EFS agree on when nobody asks for less.
            read_size: 1_048_576,
            write_size: 1_048_576,
            hard: true,
            flags: Vec::new(),
            timeout: 600,
            retransmissions: 2,
            retry: None,
        };
        for option in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            options.take(option)?;
        }
        Ok(options)
    }

    fn take(&mut self, option: &str) -> Result<(), BadOption> {
        let (name, value) = option
            .split_once('=')
            .map_or((option, None), |(name, value)| (name, Some(value)));
        let number = || {
            value
                .and_then(|value| value.parse::<u64>().ok())
                .ok_or(BadOption::Incorrect)
        };
        match (name, value) {
            ("ro", None) => self.read_only = true,
            ("rw", None) => self.read_only = false,
            ("hard", None) => self.hard = true,
            ("soft" | "softerr", None) => self.hard = false,
            ("nfsvers" | "vers", Some(value)) => {
                self.version = match value {
                    "4" | "4.1" => "4.1",
                    "4.0" => "4.0",
                    _ => return Err(BadOption::Protocol),
                };
            }
            ("minorversion", Some(value)) => {
                self.version = match value {
                    "0" => "4.0",
                    "1" => "4.1",
                    _ => return Err(BadOption::Protocol),
                };
            }
            ("rsize", _) => self.read_size = block(number()?),
            ("wsize", _) => self.write_size = block(number()?),
            ("timeo", _) => self.timeout = number()?,
            ("retrans", _) => self.retransmissions = number()?,
            ("retry", _) => self.retry = Some(number()?),
            ("port", Some("2049"))
            | ("proto", Some("tcp"))
            | ("tcp", None)
            | ("sec", Some("sys"))
            | ("lookupcache" | "local_lock", Some(_)) => {}
            ("proto", Some(_)) | ("udp", None) => return Err(BadOption::Protocol),
            ("acregmin" | "acregmax" | "acdirmin" | "acdirmax" | "actimeo" | "nconnect", _) => {
                number()?;
            }
            (_, None) if SILENT.contains(&name) => {}
            _ if name.starts_with("x-") => {}
            (_, None) => {
                if !toggle(&mut self.generic, &GENERIC, name)
                    && !toggle(&mut self.flags, &FLAGS, name)
                {
                    return Err(BadOption::Incorrect);
                }
            }
            (_, Some(_)) => return Err(BadOption::Incorrect),
        }
        Ok(())
    }

    /// As /proc/mounts shows them.
    pub fn shown(&self, client: Ipv4Addr, server: Ipv4Addr) -> String {
        let mut words = vec![if self.read_only { "ro" } else { "rw" }.to_owned()];
        words.extend(self.generic.iter().map(|&flag| flag.to_owned()));
        if !self.generic.contains(&"noatime") {
            words.push("relatime".to_owned());
        }
        words.extend([
            format!("vers={}", self.version),
            format!("rsize={}", self.read_size),
            format!("wsize={}", self.write_size),
            "namlen=255".to_owned(),
            if self.hard { "hard" } else { "soft" }.to_owned(),
        ]);
        words.extend(self.flags.iter().map(|&flag| flag.to_owned()));
        words.extend([
            "proto=tcp".to_owned(),
            format!("timeo={}", self.timeout),
            format!("retrans={}", self.retransmissions),
            "sec=sys".to_owned(),
            format!("clientaddr={client}"),
            "local_lock=none".to_owned(),
            format!("addr={server}"),
        ]);
        words.join(",")
    }

    fn temper(&self) -> Temper {
        Temper {
            hard: self.hard,
            timeout: self.timeout,
            retransmissions: self.retransmissions,
        }
    }

    fn tries(&self) -> Duration {
        self.retry
            .map_or(TRIES, |minutes| Duration::from_secs(minutes * 60))
    }
}

/// The kernel takes whole multiples of 1024, at least that, and EFS at most 1 MiB.
fn block(bytes: u64) -> u64 {
    (bytes / 1024 * 1024).clamp(1024, 1_048_576)
}

/// Adds a flag in the order of `known`, or takes it back; `false` when it is none of them.
fn toggle(flags: &mut Vec<&'static str>, known: &[(&'static str, &str)], name: &str) -> bool {
    let place = |flag: &str| known.iter().position(|(on, _)| *on == flag);
    for (on, off) in known {
        if name == *on || name == *off {
            flags.retain(|flag| flag != on);
            if name == *on {
                flags.push(on);
                flags.sort_by_key(|flag| place(flag));
            }
            return true;
        }
    }
    false
}

/// What is to be mounted where.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The program that says what went wrong: `mount.nfs4`.
    pub program: &'a str,
    /// `NAME:/`
    pub source: &'a str,
    /// The source as the mount table shows it.
    pub shown: &'a str,
    /// Absolute, normalized.
    pub target: &'a str,
    /// As in fstab.
    pub options: &'a str,
}

/// Mounts a share. `Err` is the line that the program prints; its exit status is 32.
pub async fn mount(
    host: &Arc<Host>,
    activity: &Activity,
    request: &Request<'_>,
) -> Result<(), String> {
    let Request {
        program,
        source,
        shown,
        target,
        options,
    } = *request;
    let said = |what: &str| format!("{program}: {what}");
    match host.root().stat(target) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(said(&format!("mount point {target} is not a directory"))),
        Err(_) => return Err(said(&format!("mount point {target} does not exist"))),
    }
    let options = Options::parse(options).map_err(|error| said(&error.to_string()))?;
    let (server, path) = source
        .split_once(':')
        .filter(|(server, path)| !server.is_empty() && path.starts_with('/'))
        .ok_or_else(|| said(&format!("remote share not in 'host:dir' format: {source}")))?;
    let address = network::resolve(host, server).ok_or_else(|| {
        said(&format!(
            "Failed to resolve server {server}: Name or service not known"
        ))
    })?;
    let share = connect(host, activity, address, options.tries())
        .await
        .map_err(said)?;
    let tree = host.files.share(&share).map_err(|error| {
        tracing::error!(%error, share, "a share could not be read");
        said("Input/output error")
    })?;
    let mounted = host.mounts.mounts();
    if mounted
        .iter()
        .any(|one| one.target == target && Arc::ptr_eq(&one.tree, &tree))
    {
        return Err(said(&format!("{target} is busy or already mounted")));
    }
    let spec = MountSpec {
        source: shown.to_owned(),
        target: target.to_owned(),
        fstype: "nfs4".to_owned(),
        options: options.shown(host.spec.private_address, address),
        tree,
        capacity: CAPACITY,
        own: 0,
    };
    // A directory of the share may be mounted as well as its root.
    let clock = host.clock.clone();
    let inside = View::new(
        Arc::new(MountTable::new(MountSpec {
            target: "/".to_owned(),
            ..spec.clone()
        })),
        Identity::ROOT,
        Arc::new(move || clock.now()),
    );
    let found = match inside.stat(path) {
        Ok(found) if found.is_dir() => found,
        Ok(_) => return Err(said(&given_by_server(source, Errno::NotDirectory))),
        Err(error) => return Err(said(&given_by_server(source, error))),
    };
    let gate = Server::new(host, server, address, share, options.temper());
    host.mounts
        .mount_directory_behind(spec, found.ino, Arc::new(gate))
        .map_err(|error| said(&error.to_string()))
}

fn given_by_server(source: &str, error: Errno) -> String {
    format!("mounting {source} failed, reason given by server: {error}")
}

/// Finds the filesystem that is served at an address, trying for a while as mount.nfs does.
async fn connect(
    host: &Arc<Host>,
    activity: &Activity,
    address: Ipv4Addr,
    tries: Duration,
) -> Result<String, &'static str> {
    let mut waited = Duration::ZERO;
    loop {
        let failure = match network::reach(host, address, PORT) {
            Reach::Nfs { file_system_id } => return Ok(file_system_id),
            Reach::Open | Reach::Refused => "Connection refused",
            Reach::Filtered => "Connection timed out",
        };
        if waited >= tries {
            return Err(failure);
        }
        activity.sleep(BETWEEN).await;
        waited += BETWEEN;
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::{BadOption, Options};

    const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 12);
    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 30);

    fn shown(text: &str) -> String {
        Options::parse(text).unwrap().shown(CLIENT, SERVER)
    }

    #[test]
    fn the_options_of_the_lab_are_shown_as_the_kernel_shows_them() {
        assert_eq!(
            shown(
                "nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport,_netdev"
            ),
            "rw,relatime,vers=4.1,rsize=1048576,wsize=1048576,namlen=255,hard,noresvport,proto=tcp,timeo=600,\
             retrans=2,sec=sys,clientaddr=10.0.1.12,local_lock=none,addr=10.0.1.30"
        );
    }

    #[test]
    fn later_options_take_back_earlier_ones() {
        let text = shown("ro,soft,noresvport,rw,hard,resvport,noatime");
        assert!(text.starts_with("rw,noatime,vers=4.1,"), "{text}");
        assert!(text.contains(",hard,proto=tcp,"), "{text}");
    }

    #[test]
    fn block_sizes_are_kept_within_what_the_server_takes() {
        let text = shown("rsize=5000,wsize=9999999");
        assert!(text.contains("rsize=4096,wsize=1048576"), "{text}");
    }

    #[test]
    fn what_efs_does_not_serve_is_refused() {
        assert_eq!(Options::parse("nfsvers=3"), Err(BadOption::Protocol));
        assert_eq!(Options::parse("vers=4.2"), Err(BadOption::Protocol));
        assert_eq!(Options::parse("proto=udp"), Err(BadOption::Protocol));
        assert_eq!(Options::parse("hrad"), Err(BadOption::Incorrect));
        assert_eq!(Options::parse("timeo=soon"), Err(BadOption::Incorrect));
    }
}
