//! Commands about the machine, its mounts, its network and its account: mount, df, nc, curl, cfn-signal, dnf, systemctl ….

mod absent;
mod apart;
mod aws;
mod block;
mod bytes;
mod cfn_signal;
mod cloud_init;
mod crontab;
mod curl;
mod date;
mod dd;
mod df;
mod dnf;
mod dns;
mod efs;
mod findmnt;
mod flock;
mod fstab;
mod getent;
mod hardware;
mod identity;
pub mod journal;
mod metadata;
mod mount;
mod mountpoint;
mod nc;
mod network;
mod nfs;
mod packages;
mod ping;
mod power;
mod processes;
mod program;
mod rpm;
mod rsync;
mod selinux;
mod server;
mod services;
mod streams;
mod systemctl;
mod sysv;
mod table;
mod time;
mod who;

use std::sync::Arc;

use bashkit::BashBuilder;

use self::program::{Deaf, Program, Seated, key};
use super::files::Screen;
use crate::practice::compute::edition::Edition;
use crate::practice::compute::host::Seat;
use crate::practice::compute::image::stand_in;
use crate::practice::compute::launch::APART;
use crate::practice::storage::{Outcome, View};

pub use self::aws::sdk;
pub use self::fstab::mount_all;
pub use self::services::{is_active, start_enabled};

/// Registers them.
#[must_use]
pub fn register(builder: BashBuilder, seat: &Seat, screen: &Screen) -> BashBuilder {
    let seated = |program| Seated {
        seat: seat.clone(),
        program,
        screen: screen.clone(),
    };
    let edition = seat.host.spec.edition;
    let builder = of_the_image(edition)
        .into_iter()
        .fold(builder, |builder, (_, name, program)| {
            if READERS.contains(&name) {
                builder.command(name, seated(program))
            } else {
                Deaf::register(builder, name, seated(program))
            }
        });
    let builder = of_packages()
        .into_iter()
        .fold(builder, |builder, (name, program)| {
            builder.command(key(name), seated(program))
        });
    let builder = block::programs()
        .into_iter()
        .fold(builder, |builder, (name, program)| {
            builder.command(key(name), seated(program))
        });
    let builder = builder.command(APART, seated(Arc::new(apart::Apart)));
    let builder = block::test::register(builder, seat);
    let crontab = crontab::Crontab { seat: seat.clone() };
    let builder = builder.builtin(key("crontab"), Box::new(crontab));
    absent::register(builder, seat.session, edition)
}

/// The files that stand for these commands on the disk of a new instance: path and content, to be made executable.
pub fn files(edition: Edition) -> impl Iterator<Item = (String, String)> {
    let devices = block::programs()
        .into_iter()
        .map(|(name, _)| (format!("/usr/sbin/{name}"), stand_in(&key(name))));
    let scripts = (!edition.has_systemd()).then(sysv::scripts);
    of_the_image(edition)
        .into_iter()
        .map(|(directory, name, _)| (format!("{directory}/{name}"), stand_in(name)))
        .chain(devices)
        .chain(scripts.into_iter().flatten())
}

/// A program and its place.
type Placed = (&'static str, &'static str, Arc<dyn Program>);

/// What every instance has from the start, and where.
fn of_the_image(edition: Edition) -> Vec<Placed> {
    const BIN: &str = "/usr/bin";
    const SBIN: &str = "/usr/sbin";
    let digests = bytes::Digests::programs();
    let digests = digests.map(|(name, program)| (BIN, name, program));
    let mut all: Vec<Placed> = vec![
        (BIN, "arch", Arc::new(identity::Arch)),
        (BIN, "aws", Arc::new(aws::Aws)),
        (BIN, "cat", Arc::new(streams::Cat)),
        (BIN, "cmp", Arc::new(bytes::Cmp)),
        (BIN, "cloud-init", Arc::new(cloud_init::CloudInit)),
        (BIN, "curl", Arc::new(curl::Curl)),
        (BIN, "date", Arc::new(date::Date)),
        (BIN, "dd", Arc::new(dd::Dd)),
        (BIN, "df", Arc::new(df::Df)),
        (BIN, "dmesg", Arc::new(hardware::Dmesg)),
        (BIN, "dnf", Arc::new(dnf::Dnf)),
        (BIN, "ec2-metadata", Arc::new(cloud_init::Ec2Metadata)),
        (BIN, "fallocate", Arc::new(bytes::Fallocate)),
        (BIN, "file", Arc::new(block::FileProgram)),
        (BIN, "findmnt", Arc::new(findmnt::Findmnt)),
        (BIN, "flock", Arc::new(flock::Flock)),
        (BIN, "free", Arc::new(hardware::Free)),
        (BIN, "getent", Arc::new(getent::Getent)),
        (BIN, "head", Arc::new(bytes::Head)),
        (BIN, "hostname", Arc::new(identity::Hostname)),
        (BIN, "hostnamectl", Arc::new(identity::Hostnamectl)),
        (BIN, "journalctl", Arc::new(journal::Journalctl)),
        (BIN, "last", Arc::new(who::Last)),
        (BIN, "logger", Arc::new(journal::Logger)),
        (BIN, "lsblk", Arc::new(block::Lsblk)),
        (BIN, "mount", Arc::new(mount::MountProgram)),
        (BIN, "mountpoint", Arc::new(mountpoint::Mountpoint)),
        (BIN, "nproc", Arc::new(identity::Nproc)),
        (BIN, "ping", Arc::new(ping::Ping)),
        (BIN, "ps", Arc::new(processes::Ps)),
        (BIN, "rpm", Arc::new(rpm::Rpm)),
        (BIN, "seq", Arc::new(streams::Seq)),
        (BIN, "sleep", Arc::new(time::Sleep)),
        (BIN, "split", Arc::new(bytes::Split)),
        (BIN, "systemctl", Arc::new(systemctl::Systemctl)),
        (BIN, "tail", Arc::new(bytes::Tail)),
        (BIN, "timeout", Arc::new(time::Timeout)),
        (BIN, "top", Arc::new(processes::Top)),
        (BIN, "truncate", Arc::new(bytes::Truncate)),
        (BIN, "umount", Arc::new(mount::Umount)),
        (BIN, "uname", Arc::new(identity::Uname)),
        (BIN, "uptime", Arc::new(hardware::Uptime)),
        (BIN, "w", Arc::new(who::W)),
        (BIN, "wc", Arc::new(bytes::Wc)),
        (BIN, "who", Arc::new(who::Who)),
        (BIN, "yes", Arc::new(streams::Yes)),
        (BIN, "yum", Arc::new(dnf::Dnf)),
        (SBIN, "getenforce", Arc::new(selinux::Getenforce)),
        (SBIN, "getsebool", Arc::new(selinux::Getsebool)),
        (SBIN, "halt", Arc::new(power::PowerOff)),
        (SBIN, "poweroff", Arc::new(power::PowerOff)),
        (SBIN, "reboot", Arc::new(power::PowerOff)),
        (SBIN, "restorecon", Arc::new(selinux::Restorecon)),
        (SBIN, "service", Arc::new(systemctl::ServiceProgram)),
        (SBIN, "sestatus", Arc::new(selinux::Sestatus)),
        (SBIN, "setenforce", Arc::new(selinux::Setenforce)),
        (SBIN, "setsebool", Arc::new(selinux::Setsebool)),
        (SBIN, "shutdown", Arc::new(power::Shutdown)),
    ];
    all.extend(digests);
    if !edition.has_systemd() {
        const LATER: [&str; 5] = ["dnf", "hostnamectl", "journalctl", "service", "systemctl"];
        all.retain(|(_, name, _)| !LATER.contains(name));
        all.push((SBIN, "chkconfig", Arc::new(sysv::Chkconfig)));
        all.push((SBIN, "runlevel", Arc::new(sysv::Runlevel)));
        all.push((SBIN, "service", Arc::new(sysv::SysvService)));
    }
    all
}

/// Those that read standard input, or write for as long as they are let.
const READERS: &[&str] = &[
    "cat",
    "cloud-init",
    "cmp",
    "curl",
    "dd",
    "dnf",
    "file",
    "flock",
    "head",
    "journalctl",
    "logger",
    "md5sum",
    "ping",
    "seq",
    "sha1sum",
    "sha224sum",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "split",
    "tail",
    "timeout",
    "top",
    "wc",
    "yes",
    "yum",
];

/// What only packages bring: there when, and where, a file stands for it.
fn of_packages() -> Vec<(&'static str, Arc<dyn Program>)> {
    vec![
        ("cfn-signal", Arc::new(cfn_signal::CfnSignal)),
        ("dig", Arc::new(dns::Dig)),
        ("host", Arc::new(dns::HostProgram)),
        ("mount.efs", Arc::new(mount::MountHelper)),
        ("mount.nfs", Arc::new(mount::MountHelper)),
        ("mount.nfs4", Arc::new(mount::MountHelper)),
        ("ncat", Arc::new(nc::Ncat)),
        ("nslookup", Arc::new(dns::Nslookup)),
        ("rsync", Arc::new(rsync::Rsync)),
    ]
}

/// Puts a package, and what it needs, on the disk of an image. Answers with their names.
pub(in crate::practice::compute) fn install_on_image(
    disk: &View,
    package: &str,
) -> Outcome<Vec<&'static str>> {
    let installed = disk.read_text(crate::practice::compute::image::PACKAGES)?;
    let has = |one: &packages::Package| {
        packages::is_protected(one) || installed.lines().any(|line| line == one.name)
    };
    let Some(package) = packages::find(package) else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for one in packages::closure(package, &has) {
        one.unpack(disk)?;
        names.push(one.name);
    }
    Ok(names)
}

/// Puts a package's files on a host's disk, as `dnf install` does.
#[cfg(test)]
pub(in crate::practice::compute) fn install(
    host: &Arc<crate::practice::compute::host::Host>,
    package: &str,
) {
    packages::find(package)
        .unwrap()
        .unpack(&host.root())
        .unwrap();
}

#[cfg(test)]
mod tests;
