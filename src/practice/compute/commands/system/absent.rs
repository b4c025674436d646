//! What an instance does not have: commands that the shell library brings and the image lacks, and how a command that
//! is not there is reported.

use std::sync::Arc;

use async_trait::async_trait;
use bashkit::{BashBuilder, Builtin, BuiltinContext, CommandResolver, ExecResult};

use crate::practice::compute::edition::Edition;
use crate::practice::compute::host::Session;

/// Commands of the shell library that a new Amazon Linux 2023 does not have, or that only the library knows. In order.
const LACKING: [&str; 27] = [
    "assert", "busybox", "csv", "dotenv", "envsubst", "glob", "http", "json", "log", "make",
    "mawk", "nawk", "parallel", "patch", "retry", "rg", "scp", "semver", "sftp", "shasum", "ssh",
    "strings", "template", "tomlq", "tree", "verify", "wget",
];

/// What an Amazon Linux 2023 has and a practice instance does not: there it is no mistake to type them. In order.
const NOT_MODELLED: [&str; 66] = [
    "at",
    "bc",
    "blockdev",
    "bzip2recover",
    "chage",
    "chattr",
    "chpasswd",
    "chrt",
    "cpio",
    "dmidecode",
    "ed",
    "ethtool",
    "expect",
    "fuser",
    "gdisk",
    "getfacl",
    "git",
    "gpg",
    "growpart",
    "htop",
    "ionice",
    "iostat",
    "ip",
    "localectl",
    "loginctl",
    "losetup",
    "lsattr",
    "lscpu",
    "lsmod",
    "lsns",
    "lsof",
    "lspci",
    "man",
    "mknod",
    "modprobe",
    "namei",
    "nfsiostat",
    "nfsstat",
    "nsenter",
    "openssl",
    "parted",
    "perl",
    "pidstat",
    "python",
    "python3",
    "reset",
    "rpcinfo",
    "screen",
    "setfacl",
    "sfdisk",
    "showmount",
    "ss",
    "strace",
    "stty",
    "swapoff",
    "swapon",
    "sysctl",
    "systemd-run",
    "tcpdump",
    "timedatectl",
    "tput",
    "unshare",
    "visudo",
    "vmstat",
    "wipefs",
    "zcat",
];

/// Those that came with systemd. In order.
const OF_SYSTEMD: [&str; 4] = ["localectl", "loginctl", "systemd-run", "timedatectl"];

/// Takes away what an instance lacks, and reports it, and all else that is not there, as bash does.
pub fn register(builder: BashBuilder, session: Session, edition: Edition) -> BashBuilder {
    builder
        .builtin_filter(|name| LACKING.binary_search(&name).is_err())
        .command_resolver(Arc::new(NotFound(session, edition)))
}

/// Finds nothing, and says so: the library's own words are about sandboxes.
struct NotFound(Session, Edition);

impl CommandResolver for NotFound {
    fn resolve(&self, name: &str) -> Option<Arc<dyn Builtin>> {
        let shell = match self.0 {
            Session::Interactive => "-bash",
            Session::Batch => "bash",
        };
        let later = !self.1.has_systemd() && OF_SYSTEMD.contains(&name);
        let why = if NOT_MODELLED.binary_search(&name).is_ok() && !later {
            "not part of a practice instance"
        } else {
            "command not found"
        };
        Some(Arc::new(Missing(format!("{shell}: {name}: {why}\n"))))
    }
}

struct Missing(String);

#[async_trait]
impl Builtin for Missing {
    async fn execute(&self, _ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        Ok(ExecResult::err(self.0.clone(), 127))
    }
}

#[cfg(test)]
mod tests {
    use bashkit::Bash;

    use super::{Edition, LACKING, NOT_MODELLED, Session, register};

    #[test]
    fn the_list_is_in_order() {
        assert!(LACKING.is_sorted());
        assert!(NOT_MODELLED.is_sorted());
    }

    #[tokio::test]
    async fn what_is_not_there_is_reported_in_one_plain_line() {
        let mut shell = register(Bash::builder(), Session::Interactive, Edition::default()).build();
        for name in ["rsync", "tree", "sl"] {
            let result = shell.exec(name).await.unwrap();
            assert_eq!(result.exit_code, 127);
            assert_eq!(result.stderr, format!("-bash: {name}: command not found\n"));
        }
        let result = shell.exec("python3 -V").await.unwrap();
        assert_eq!(result.exit_code, 127);
        assert_eq!(
            result.stderr,
            "-bash: python3: not part of a practice instance\n"
        );
        let quiet = shell
            .exec("nc -z h 1 2>/dev/null || echo absent")
            .await
            .unwrap();
        assert_eq!(
            (
                quiet.stdout.text_lossy().as_ref(),
                quiet.stderr.text_lossy().as_ref()
            ),
            ("absent\n", "")
        );
        assert_eq!(shell.exec("echo hi | cat").await.unwrap().stdout, "hi\n");
    }
}
