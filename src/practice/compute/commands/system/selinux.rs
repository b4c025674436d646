//! SELinux as Amazon Linux 2023 ships it: permissive. Nothing is ever denied by it here.

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;

/// `getenforce`
pub struct Getenforce;

#[async_trait]
impl Program for Getenforce {
    async fn run(&self, _seat: &Seat, call: &Call<'_>) -> Ended {
        call.done("Permissive").await
    }
}

/// `setenforce`
pub struct Setenforce;

#[async_trait]
impl Program for Setenforce {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let usage = "usage:  setenforce [ Enforcing | Permissive | 1 | 0 ]";
        let [mode] = call.args else {
            return call.fail(1, usage).await;
        };
        let enforce = match mode.to_ascii_lowercase().as_str() {
            "1" | "enforcing" => true,
            "0" | "permissive" => false,
            _ => return call.fail(1, usage).await,
        };
        if !seat.user.identity.is_root() {
            let what = "setenforce:  security_setenforce() failed:  Permission denied";
            return call.fail(1, what).await;
        }
        if enforce {
            let what = "setenforce: SELinux cannot enforce anything on a practice instance";
            return call.fail(1, what).await;
        }
        Ok(0)
    }
}

/// `sestatus`
pub struct Sestatus;

#[async_trait]
impl Program for Sestatus {
    async fn run(&self, _seat: &Seat, call: &Call<'_>) -> Ended {
        call.done(
            "SELinux status:                 enabled\nSELinuxfs mount:                /sys/fs/selinux\n\
             Loaded policy name:             targeted\nCurrent mode:                   permissive\n\
             Mode from config file:          permissive",
        )
        .await
    }
}

/// Switches of the policy that concern files of the lab, all off in a new image.
const BOOLEANS: [&str; 4] = [
    "httpd_use_nfs",
    "nfs_export_all_rw",
    "samba_share_nfs",
    "use_nfs_home_dirs",
];
/// Where switches that were set for good are kept.
const KEPT: &str = "/var/lib/selinux/targeted/active/booleans.local";

/// `setsebool`
pub struct Setsebool;

#[async_trait]
impl Program for Setsebool {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let words: Vec<_> = call.args.iter().filter(|arg| *arg != "-P").collect();
        let (name, value) = match words[..] {
            [one] => one.split_once('=').unwrap_or((one, "")),
            [name, value] => (name.as_str(), value.as_str()),
            _ => ("", ""),
        };
        let on = match value {
            "1" | "on" | "true" => "on",
            "0" | "off" | "false" => "off",
            _ => {
                let usage =
                    "\nUsage:  setsebool [ -NPV ] boolean value | bool1=val1 bool2=val2...\n";
                return call.fail(1, usage).await;
            }
        };
        if !seat.user.identity.is_root() {
            let what = format!("Could not change boolean {name}: Permission denied");
            return call.fail(1, what).await;
        }
        if !BOOLEANS.contains(&name) {
            let what = format!("Boolean {name} is not defined");
            return call.fail(1, what).await;
        }
        let disk = seat.host.root();
        let mut lines = kept(&disk.read(KEPT).unwrap_or_default());
        lines.retain(|(one, _)| one != name);
        lines.push((name.to_owned(), on.to_owned()));
        let lines: Vec<_> = lines
            .iter()
            .map(|(name, on)| format!("{name}={on}\n"))
            .collect();
        let written = disk
            .make_dirs("/var/lib/selinux/targeted/active")
            .and_then(|()| disk.write(KEPT, lines.concat().as_bytes()));
        match written {
            Ok(()) => Ok(0),
            Err(error) => {
                call.fail(1, format!("Could not change policy booleans: {error}"))
                    .await
            }
        }
    }
}

/// `getsebool`
pub struct Getsebool;

#[async_trait]
impl Program for Getsebool {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let kept = kept(&seat.host.root().read(KEPT).unwrap_or_default());
        let names: Vec<&str> = match call.args {
            [all] if all == "-a" => BOOLEANS.to_vec(),
            [] => {
                return call
                    .fail(1, "usage:  getsebool -a or getsebool boolean...")
                    .await;
            }
            names => names.iter().map(String::as_str).collect(),
        };
        let mut status = 0;
        for name in names {
            if BOOLEANS.contains(&name) {
                let on = kept
                    .iter()
                    .find(|(one, _)| one == name)
                    .map_or("off", |(_, on)| on);
                call.done(format!("{name} --> {on}")).await?;
            } else {
                let what = format!("Error getting active value for {name}");
                status = call.fail(1, what).await?;
            }
        }
        Ok(status)
    }
}

fn kept(bytes: &[u8]) -> Vec<(String, String)> {
    String::from_utf8_lossy(bytes)
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, on)| (name.to_owned(), on.to_owned()))
        .collect()
}

/// `restorecon`: there are no labels, and so none to restore.
pub struct Restorecon;

#[async_trait]
impl Program for Restorecon {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let view = seat.host.view(&seat.user);
        let mut status = 0;
        for path in call.args.iter().filter(|arg| !arg.starts_with('-')) {
            if let Err(error) = view.lstat(&call.path(path)) {
                let what = format!("restorecon: lstat({path}) failed:  {error}");
                status = call.fail(255, what).await?;
            }
        }
        Ok(status)
    }
}
