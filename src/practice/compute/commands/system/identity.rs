//! What the machine is called and what it is: hostname, hostnamectl, uname, arch, nproc.

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;

const BUILD: &str = "#1 SMP PREEMPT_DYNAMIC";

/// `hostname`
pub struct Hostname;

#[async_trait]
impl Program for Hostname {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let host = &seat.host;
        let full = host.domain_name();
        match call.args {
            [] => call.done(full).await,
            [option] => match option.as_str() {
                "-f" | "--fqdn" | "--long" => call.done(full).await,
                "-s" | "--short" => call.done(full.split('.').next().unwrap_or_default()).await,
                "-d" | "--domain" => {
                    call.done(full.split_once('.').map_or("", |(_, domain)| domain))
                        .await
                }
                "-i" | "-I" | "--ip-address" | "--all-ip-addresses" => {
                    call.done(host.spec.private_address).await
                }
                _ if option.starts_with('-') => call.unknown_option(4, option).await,
                _ if !seat.user.identity.is_root() => {
                    call.fail(1, "hostname: you must be root to change the host name")
                        .await
                }
                _ => {
                    call.fail(1, "hostname: a practice instance keeps its name")
                        .await
                }
            },
            _ => call.fail(1, "hostname: too many arguments").await,
        }
    }
}

/// `hostnamectl`
pub struct Hostnamectl;

#[async_trait]
impl Program for Hostnamectl {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        match call.args.first().map(String::as_str) {
            None | Some("status") => {}
            Some("hostname") if call.args.len() == 1 => {
                return call.done(seat.host.domain_name()).await;
            }
            Some("hostname" | "set-hostname") => {
                return call
                    .fail(1, "hostnamectl: a practice instance keeps its name")
                    .await;
            }
            Some(other) => return call.fail(1, format!("Unknown command verb {other}.")).await,
        }
        call.done(format!(
            " Static hostname: {}\n       Icon name: computer-vm\n         Chassis: vm\n  Virtualization: amazon\n\
             Operating System: {}\n          Kernel: Linux {}\n    Architecture: x86-64\n \
             Hardware Vendor: Amazon EC2\n  Hardware Model: {}",
            seat.host.domain_name(),
            seat.host.spec.edition.name(),
            seat.host.spec.edition.kernel(),
            seat.host.spec.instance_type
        ))
        .await
    }
}

/// `uname`
pub struct Uname;

#[async_trait]
impl Program for Uname {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut wanted = String::new();
        for arg in call.args {
            match arg.as_str() {
                "--all" => wanted.push('a'),
                "--kernel-name" => wanted.push('s'),
                "--nodename" => wanted.push('n'),
                "--kernel-release" => wanted.push('r'),
                "--kernel-version" => wanted.push('v'),
                "--machine" => wanted.push('m'),
                "--operating-system" => wanted.push('o'),
                _ if arg.starts_with("--") => return call.unknown_option(1, arg).await,
                _ if arg.starts_with('-') => wanted.push_str(&arg[1..]),
                _ => {
                    let what = format!(
                        "uname: extra operand '{arg}'\nTry 'uname --help' for more information."
                    );
                    return call.fail(1, what).await;
                }
            }
        }
        if let Some(letter) = wanted.chars().find(|one| !"asnrvmpio".contains(*one)) {
            return call.unknown_option(1, &format!("-{letter}")).await;
        }
        let kernel = seat.host.spec.edition.kernel();
        call.done(uname(&wanted, &seat.host.domain_name(), kernel))
            .await
    }
}

fn uname(wanted: &str, node: &str, kernel: &str) -> String {
    let wanted = match wanted {
        "" => "s",
        _ if wanted.contains('a') => "snrvmpio",
        _ => wanted,
    };
    let parts = [
        ('s', "Linux"),
        ('n', node),
        ('r', kernel),
        ('v', BUILD),
        ('m', "x86_64"),
        ('p', "x86_64"),
        ('i', "x86_64"),
        ('o', "GNU/Linux"),
    ];
    let shown: Vec<_> = parts
        .iter()
        .filter(|(letter, _)| wanted.contains(*letter))
        .map(|(_, text)| *text)
        .collect();
    shown.join(" ")
}

/// `arch`
pub struct Arch;

#[async_trait]
impl Program for Arch {
    async fn run(&self, _seat: &Seat, call: &Call<'_>) -> Ended {
        call.done("x86_64").await
    }
}

/// `nproc`
pub struct Nproc;

#[async_trait]
impl Program for Nproc {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let cpus = size(&seat.host.spec.instance_type).0;
        call.done(cpus).await
    }
}

/// Processors and MiB of memory of an instance type (EC2, "General purpose instances": the T families).
pub fn size(instance_type: &str) -> (u32, u64) {
    let name = instance_type.rsplit('.').next().unwrap_or_default();
    let first = instance_type.starts_with("t2.");
    match name {
        "nano" => (if first { 1 } else { 2 }, 512),
        "micro" => (if first { 1 } else { 2 }, 1024),
        "small" => (if first { 1 } else { 2 }, 2048),
        "medium" => (2, 4096),
        "xlarge" => (4, 16_384),
        "2xlarge" => (8, 32_768),
        // Of types nobody here knows: what `large` has in most families.
        _ => (2, 8192),
    }
}

#[cfg(test)]
mod tests {
    use super::{size, uname};
    use crate::practice::compute::kernel::RELEASE as KERNEL;

    #[test]
    fn uname_shows_what_is_asked_in_its_own_order() {
        assert_eq!(uname("", "n", KERNEL), "Linux");
        assert_eq!(uname("ms", "n", KERNEL), "Linux x86_64");
        assert_eq!(uname("n", "node", KERNEL), "node");
        let all = uname("a", "node", KERNEL);
        assert!(
            all.starts_with("Linux node 6.1.") && all.ends_with("x86_64 x86_64 x86_64 GNU/Linux"),
            "{all}"
        );
    }

    #[test]
    fn small_types_differ_by_generation() {
        assert_eq!(size("t3.micro"), (2, 1024));
        assert_eq!(size("t2.micro"), (1, 1024));
    }
}
