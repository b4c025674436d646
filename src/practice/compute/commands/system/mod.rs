//! Commands about the machine, its mounts, its network and its account: mount, df, nc, curl, cfn-signal, dnf, systemctl ….

mod cfn_signal;
mod curl;
mod date;
mod df;
mod dnf;
mod efs;
mod findmnt;
mod fstab;
mod identity;
mod metadata;
mod mount;
mod nc;
mod network;
mod nfs;
mod packages;
mod power;
mod program;
mod rpm;
mod selinux;
mod services;
mod systemctl;
mod table;
mod time;

use std::sync::Arc;

use bashkit::BashBuilder;

use self::program::{Program, Seated, key};
use crate::practice::compute::host::Seat;

pub use self::fstab::mount_all;
pub use self::network::private_name;
pub use self::program::executable;
pub use self::services::is_active;

/// Registers them.
pub fn register(builder: BashBuilder, seat: &Seat) -> BashBuilder {
    let seated = |program| Seated {
        seat: seat.clone(),
        program,
    };
    let builder = of_the_image()
        .into_iter()
        .fold(builder, |builder, (name, program)| {
            builder.command(name, seated(program))
        });
    of_packages()
        .into_iter()
        .fold(builder, |builder, (name, program)| {
            builder.command(key(name), seated(program))
        })
}

/// What every instance has from the start.
fn of_the_image() -> Vec<(&'static str, Arc<dyn Program>)> {
    vec![
        ("arch", Arc::new(identity::Arch)),
        ("curl", Arc::new(curl::Curl)),
        ("date", Arc::new(date::Date)),
        ("df", Arc::new(df::Df)),
        ("dnf", Arc::new(dnf::Dnf)),
        ("findmnt", Arc::new(findmnt::Findmnt)),
        ("getenforce", Arc::new(selinux::Getenforce)),
        ("getsebool", Arc::new(selinux::Getsebool)),
        ("halt", Arc::new(power::PowerOff)),
        ("hostname", Arc::new(identity::Hostname)),
        ("hostnamectl", Arc::new(identity::Hostnamectl)),
        ("mount", Arc::new(mount::MountProgram)),
        ("nproc", Arc::new(identity::Nproc)),
        ("poweroff", Arc::new(power::PowerOff)),
        ("reboot", Arc::new(power::PowerOff)),
        ("restorecon", Arc::new(selinux::Restorecon)),
        ("rpm", Arc::new(rpm::Rpm)),
        ("service", Arc::new(systemctl::ServiceProgram)),
        ("sestatus", Arc::new(selinux::Sestatus)),
        ("setenforce", Arc::new(selinux::Setenforce)),
        ("setsebool", Arc::new(selinux::Setsebool)),
        ("shutdown", Arc::new(power::Shutdown)),
        ("sleep", Arc::new(time::Sleep)),
        ("systemctl", Arc::new(systemctl::Systemctl)),
        ("timeout", Arc::new(time::Timeout)),
        ("umount", Arc::new(mount::Umount)),
        ("uname", Arc::new(identity::Uname)),
        ("yum", Arc::new(dnf::Dnf)),
    ]
}

/// What only packages bring: there when, and where, a file stands for it.
fn of_packages() -> Vec<(&'static str, Arc<dyn Program>)> {
    vec![
        ("cfn-signal", Arc::new(cfn_signal::CfnSignal)),
        ("mount.efs", Arc::new(mount::MountHelper)),
        ("mount.nfs", Arc::new(mount::MountHelper)),
        ("mount.nfs4", Arc::new(mount::MountHelper)),
        ("ncat", Arc::new(nc::Ncat)),
    ]
}

#[cfg(test)]
mod tests {
    use super::{of_packages, packages};

    #[test]
    fn every_program_a_package_brings_exists_and_every_such_program_comes_from_one() {
        let brought: Vec<_> = packages::all()
            .flat_map(packages::Package::programs)
            .collect();
        let known: Vec<_> = of_packages().into_iter().map(|(name, _)| name).collect();
        for name in &brought {
            assert!(known.contains(name), "{name} does not exist");
        }
        for name in &known {
            assert!(brought.contains(name), "{name} comes from no package");
        }
    }
}
