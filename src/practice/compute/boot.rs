//! From power on to a login prompt: kernel, host identity, mounts, cloud-init with the user data. What user data does is
//! its own business.

use std::sync::Arc;
use std::time::Duration;

use bashkit::ExecOptions;
use jiff::tz::TimeZone;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, HashAlg, PrivateKey};

use super::host::{Host, Session};
use super::threads::on_its_own;
use super::users::{Accounts, User};
use super::{commands, exhausted, kernel, logins};
use crate::practice::clock::Activity;
use crate::practice::storage::Outcome;

/// The private host key; the public one is beside it.
pub const HOST_KEY: &str = "/etc/ssh/ssh_host_ed25519_key";
/// What cloud-init and user data print.
const OUTPUT_LOG: &str = "/var/log/cloud-init-output.log";
/// What cloud-init says about itself.
const CLOUD_INIT_LOG: &str = "/var/log/cloud-init.log";
/// Where cloud-init keeps user data that is a script.
const SCRIPT: &str = "/var/lib/cloud/instance/scripts/part-001";
/// The version of cloud-init that Amazon Linux 2023 has.
const CLOUD_INIT: &str = "Cloud-init v. 22.2.2";

// Account time; estimated for a t3.micro, of which nobody publishes a figure.
const FIRMWARE: Duration = Duration::from_millis(2500);
const KERNEL: Duration = Duration::from_millis(2200);
const INIT: Duration = Duration::from_millis(1800);
const CLOUD_INIT_FIRST: Duration = Duration::from_millis(3200);
const CLOUD_INIT_AGAIN: Duration = Duration::from_millis(900);

/// Status of a script that could not be run.
const FAILED: i32 = 2;
/// systemd gives a mount this long before it goes on without it (`DefaultTimeoutStartSec`).
const MOUNT_TIMEOUT: Duration = Duration::from_secs(90);

/// Firmware and kernel. Ends with the filesystems of the kernel mounted.
pub async fn kernel(host: &Arc<Host>, activity: &Activity) -> Outcome<()> {
    activity.sleep(FIRMWARE).await;
    kernel::mount(host)?;
    logins::booted(host);
    let root = host.disks.root_partition();
    let partition = root.trim_start_matches("/dev/");
    for line in [
        format!(
            "Linux version {} (practice instance)",
            host.spec.edition.kernel()
        ),
        format!("Command line: root={root} ro console=tty0 console=ttyS0,115200n8"),
    ] {
        host.console_line(&line);
    }
    for device in host.disks.all() {
        host.console_line(&match device.name.strip_suffix("n1") {
            Some(controller) => format!("nvme {controller}: 2/0/0 default/read/poll queues"),
            None => format!("blkfront: {}: barrier or flush: disabled", device.name),
        });
    }
    host.console_line(&match host.spec.edition.root() {
        ("xfs", _) => format!("XFS ({partition}): Mounting V5 Filesystem"),
        (kind, _) => format!("{kind}-fs ({partition}): mounted filesystem with ordered data mode"),
    });
    activity.sleep(KERNEL).await;
    let name = host.domain_name();
    if host.spec.edition.has_systemd() {
        host.console_line("systemd[1]: Detected virtualization amazon.");
        host.console_line(&format!("systemd[1]: Hostname set to <{name}>."));
    } else {
        host.console_line("INIT: Entering runlevel: 3");
        host.console_line(&format!("Setting hostname {name}:  [  OK  ]"));
    }
    activity.sleep(INIT).await;
    Ok(())
}

/// What cloud-init does before anybody can log in, at first boot: the name, the host key, the key of ec2-user.
pub async fn identify(
    host: &Arc<Host>,
    activity: &Activity,
    host_key: &str,
) -> Result<(), BootError> {
    announce(host, "init-local");
    activity.sleep(CLOUD_INIT_FIRST).await;
    announce(host, "init");
    let root = host.root();
    let name = host.domain_name();
    root.write("/etc/hostname", format!("{name}\n").as_bytes())?;
    root.write(
        "/etc/hosts",
        format!(
            "127.0.0.1   localhost localhost.localdomain localhost4 localhost4.localdomain4\n\
             ::1         localhost6 localhost6.localdomain6\n{} {name} {}\n",
            host.spec.private_address,
            host.hostname()
        )
        .as_bytes(),
    )?;
    // The resolver of every VPC.
    root.write("/etc/resolv.conf", b"nameserver 169.254.169.253\n")?;
    install_host_key(host, host_key)?;
    authorize(host)
}

/// A new host key in OpenSSH form.
pub fn new_host_key() -> Result<String, BootError> {
    let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519)?;
    Ok(key.to_openssh(LineEnding::LF)?.to_string())
}

fn install_host_key(host: &Host, key: &str) -> Result<(), BootError> {
    let mut key = PrivateKey::from_openssh(key)?;
    key.set_comment(format!("root@{}", host.domain_name()));
    let public = key.public_key().to_openssh()?;
    let root = host.root();
    let secret = key.to_openssh(LineEnding::LF)?;
    root.write_with_mode(HOST_KEY, secret.as_bytes(), 0o600)?;
    root.write(&format!("{HOST_KEY}.pub"), format!("{public}\n").as_bytes())?;
    let fingerprint = key.fingerprint(HashAlg::Sha256);
    // cloud-init shows the keys when it is done, that is after the user data; here they are there for whoever looks
    // meanwhile.
    host.console(&format!(
        "<14>cloud-init: #############################################################\n\
         <14>cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----\n\
         <14>cloud-init: 256 {fingerprint} {} (ED25519)\n\
         <14>cloud-init: -----END SSH HOST KEY FINGERPRINTS-----\n\
         <14>cloud-init: #############################################################\n\
         -----BEGIN SSH HOST KEY KEYS-----\n{public}\n-----END SSH HOST KEY KEYS-----\n",
        key.comment().as_str_lossy()
    ));
    Ok(())
}

/// Lets the key pair of the launch in as ec2-user.
fn authorize(host: &Host) -> Result<(), BootError> {
    let root = host.root();
    let Some(user) = Accounts::read(&root).user("ec2-user") else {
        return Ok(());
    };
    let (uid, gid) = (Some(user.identity.uid), Some(user.identity.gid));
    let directory = format!("{}/.ssh", user.home);
    let file = format!("{directory}/authorized_keys");
    root.make_dirs(&directory)?;
    root.set_mode(&directory, 0o700)?;
    let keys: Vec<&str> = host
        .spec
        .authorized_keys
        .iter()
        .flat_map(|key| [key.trim_end(), "\n"])
        .collect();
    root.write_with_mode(&file, keys.concat().as_bytes(), 0o600)?;
    for path in [&directory, &file] {
        root.set_owner(path, uid, gid, false)?;
    }
    Ok(())
}

/// What cloud-init and systemd do at every boot but the first: the network, then what /etc/fstab says. A local filesystem
/// that cannot be mounted and has no `nofail` ends the boot.
pub async fn mount_all(host: &Arc<Host>, activity: &Activity) -> Result<(), BootError> {
    announce(host, "init");
    activity.sleep(CLOUD_INIT_AGAIN).await;
    let local = commands::system::mount_all(host, activity, Some("nonfs,nfs4,efs")).await;
    let needed = local
        .iter()
        .find(|(what, ignored)| !ignored && !what.contains("parse error"));
    if let Some((what, _)) = needed {
        // The device might still come.
        activity.sleep(MOUNT_TIMEOUT).await;
        host.console_line(what);
        host.console_line(if host.spec.edition.has_systemd() {
            "systemd[1]: Dependency failed for local-fs.target - Local File Systems."
        } else {
            "Mounting local filesystems:  [FAILED]"
        });
        return Err(BootError::Mount(what.clone()));
    }
    // A share that does not answer is tried for ever; systemd is not that patient.
    let remote = tokio::select! {
        failures = commands::system::mount_all(host, activity, Some("nfs,nfs4,efs")) => failures,
        () = host.clock.sleep_idle(MOUNT_TIMEOUT) => vec![("mount: timed out".to_owned(), false)],
    };
    for (what, _) in local.iter().chain(&remote) {
        host.console_line(what);
    }
    let failed = remote.iter().any(|(_, ignored)| !ignored);
    host.console_line(match (host.spec.edition.has_systemd(), failed) {
        (true, true) => "systemd[1]: Dependency failed for remote-fs.target - Remote File Systems.",
        (true, false) => "systemd[1]: Reached target remote-fs.target - Remote File Systems.",
        (false, true) => "Mounting other filesystems:  [FAILED]",
        (false, false) => "Mounting other filesystems:  [  OK  ]",
    });
    Ok(())
}

/// Runs the user data as cloud-init does at first boot, when it is a script.
pub async fn user_data(host: &Arc<Host>, activity: Arc<Activity>) -> Result<(), BootError> {
    announce(host, "modules:final");
    let root = host.root();
    let data = &host.spec.user_data;
    root.write_with_mode("/var/lib/cloud/instance/user-data.txt", data, 0o600)?;
    if data.starts_with(b"#!") {
        root.write_with_mode(SCRIPT, data, 0o700)?;
        let status = run_script(host, activity).await?;
        let line = if status == 0 {
            format!("util.py[DEBUG]: Running command ['{SCRIPT}'] ended with status 0\n")
        } else {
            let failure = format!("util.py[WARNING]: Failed running {SCRIPT} [{status}]\n");
            let module = "cc_scripts_user.py[WARNING]: Failed to run module scripts_user (scripts in \
                          /var/lib/cloud/instance/scripts)\n";
            log(
                host,
                format!("{now} - {failure}{now} - {module}", now = stamp(host)).as_bytes(),
            );
            failure
        };
        root.append(
            CLOUD_INIT_LOG,
            format!("{} - {line}", stamp(host)).as_bytes(),
        )?;
    } else if !data.is_empty() {
        let what = String::from_utf8_lossy(data.get(..data.len().min(32)).unwrap_or_default());
        log(
            host,
            format!(
                "{} - __init__.py[WARNING]: Unhandled non-multipart (text/x-not-multipart) userdata: '{}...'\n",
                stamp(host),
                what.lines().next().unwrap_or_default()
            )
            .as_bytes(),
        );
    }
    let finished = format!(
        "{CLOUD_INIT} finished at {}. Datasource DataSourceEc2.  Up {:.2} seconds\n",
        rfc_2822(host),
        host.uptime().as_secs_f64()
    );
    log(host, finished.as_bytes());
    Ok(())
}

async fn run_script(host: &Arc<Host>, activity: Arc<Activity>) -> Result<i32, BootError> {
    let text = host.root().read_text(SCRIPT)?;
    let call = call(&text);
    let mut shell = host
        .shell(&User::root(), Session::Batch, Arc::clone(&activity))
        .cwd("/")
        .build();
    let sink = console(host);
    let work = async move {
        let execution = shell
            .execute(&call)
            .options(ExecOptions::new().arg0("/bin/sh"))
            .stdout_fn(sink.clone())
            .stderr_fn(sink);
        activity.compute(execution.into_future()).await
    };
    match on_its_own("user data", work).await {
        Some(Ok(done)) => Ok(done.exit_code),
        Some(Err(error)) => {
            let (line, status) = exhausted::told(&error);
            log(host, format!("{SCRIPT}: {line}\n").as_bytes());
            Ok(status)
        }
        None => Ok(FAILED),
    }
}

/// How the kernel would run the script: its interpreter with at most one argument.
fn call(script: &str) -> String {
    let line = script
        .lines()
        .next()
        .unwrap_or_default()
        .trim_start_matches("#!")
        .trim();
    let (interpreter, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let shell = match interpreter.rsplit('/').next().unwrap_or_default() {
        "sh" | "bash" => interpreter,
        // `#!/usr/bin/env bash`
        "env" if matches!(argument.trim(), "bash" | "sh") => {
            return format!("{} {SCRIPT}", argument.trim());
        }
        _ => "",
    };
    if shell.is_empty() {
        // It has no other interpreters; execve(2) says so, and cloud-init passes it on.
        return format!("echo '{SCRIPT}: cannot execute: required file not found' >&2; exit 127");
    }
    let argument = argument.trim();
    if argument.is_empty() {
        format!("bash {SCRIPT}")
    } else {
        format!("bash '{}' {SCRIPT}", argument.replace('\'', r"'\''"))
    }
}

/// Output goes to the log and to the console, as it comes.
fn console(
    host: &Arc<Host>,
) -> impl FnMut(Vec<u8>) -> std::future::Ready<bashkit::Result<()>> + Clone + Send + 'static {
    let host = Arc::clone(host);
    move |bytes: Vec<u8>| {
        log(&host, &bytes);
        std::future::ready(Ok(()))
    }
}

fn log(host: &Host, bytes: &[u8]) {
    host.console(&String::from_utf8_lossy(bytes));
    // A disk that is full loses its log, not its boot.
    if let Err(why) = host.root().append(OUTPUT_LOG, bytes) {
        tracing::debug!(%why, host = host.spec.instance_id, "output of the boot was lost");
    }
}

fn announce(host: &Host, stage: &str) {
    let up = host.uptime().as_secs_f64();
    log(
        host,
        format!(
            "{CLOUD_INIT} running '{stage}' at {}. Up {up:.2} seconds.\n",
            rfc_2822(host)
        )
        .as_bytes(),
    );
}

fn rfc_2822(host: &Host) -> String {
    let now = host.clock.now().to_zoned(TimeZone::UTC);
    now.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn stamp(host: &Host) -> String {
    let now = host.clock.now().to_zoned(TimeZone::UTC);
    now.strftime("%Y-%m-%d %H:%M:%S,000").to_string()
}

/// Why a boot came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// Its disk refused.
    #[error("the root disk: {0}")]
    Disk(#[from] crate::practice::storage::Errno),
    /// Something that fstab needs is not there.
    #[error("{0}")]
    Mount(String),
    /// No host key could be made.
    #[error("the host key: {0}")]
    Key(#[from] russh::keys::ssh_key::Error),
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT, call};

    #[test]
    fn a_script_is_run_by_the_interpreter_it_names() {
        assert_eq!(
            call("#!/bin/bash -ex\necho"),
            format!("bash '-ex' {SCRIPT}")
        );
        assert_eq!(call("#! /bin/sh"), format!("bash {SCRIPT}"));
        assert_eq!(call("#!/usr/bin/env bash\n"), format!("bash {SCRIPT}"));
        assert!(call("#!/usr/bin/python3\n").ends_with("exit 127"));
    }
}
