//! A place on this machine where real programs run as they would on an instance: a directory that is the root of its
//! own mount namespace, with the accounts of the image. What runs there sees nothing of the machine but its programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::practice::storage::View;

/// Files of the image that the real programs need too.
const OF_THE_IMAGE: &[&str] = &[
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/shells",
    "/etc/profile",
    "/etc/motd",
    "/etc/skel/.bash_logout",
    "/etc/skel/.bash_profile",
    "/etc/skel/.bashrc",
];

/// Configuration of programs as Amazon Linux 2023 has it, where Debian's differs.
const CONFIGURED: &[(&str, &str)] = &[
    (
        "/etc/login.defs",
        "UMASK 022\nHOME_MODE 0700\nCREATE_HOME yes\nUSERGROUPS_ENAB yes\nUID_MIN 1000\nUID_MAX 60000\n\
         GID_MIN 1000\nGID_MAX 60000\nMAIL_DIR /var/spool/mail\nENCRYPT_METHOD SHA512\n\
         ENV_PATH PATH=/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin\n\
         ENV_SUPATH PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\n",
    ),
    (
        "/etc/default/useradd",
        "GROUP=100\nHOME=/home\nINACTIVE=-1\nSHELL=/bin/bash\nSKEL=/etc/skel\nCREATE_MAIL_SPOOL=yes\n",
    ),
    ("/etc/gshadow", ""),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\n"),
    (
        "/etc/pam.d/su",
        "auth sufficient pam_rootok.so\nauth required pam_deny.so\naccount required pam_permit.so\nsession required pam_permit.so\n",
    ),
    (
        "/etc/pam.d/su-l",
        "auth sufficient pam_rootok.so\nauth required pam_deny.so\naccount required pam_permit.so\nsession required pam_permit.so\n",
    ),
    (
        "/etc/pam.d/runuser",
        "auth sufficient pam_rootok.so\nsession required pam_permit.so\n",
    ),
    (
        "/etc/pam.d/other",
        "auth required pam_permit.so\naccount required pam_permit.so\npassword required pam_permit.so\nsession required pam_permit.so\n",
    ),
];

const DIRECTORIES: &[&str] = &[
    "dev",
    "etc/alternatives",
    "etc/default",
    "etc/pam.d",
    "etc/skel",
    "home/ec2-user",
    "mnt",
    "opt",
    "proc",
    "root",
    "run",
    "srv",
    "tmp",
    "usr",
    "var/lib",
    "var/log",
    "var/mail",
    "var/spool/mail",
    "var/tmp",
];

/// Runs in a mount namespace of its own: `$1` is the place, `$2` the user's number, `$3` the directory, then the command.
const ENTER: &str = r#"set -e
place=$1 user=$2 home=$3
shift 3
mount --bind /usr "$place/usr"
mount -o remount,bind,ro "$place/usr"
mount -t proc proc "$place/proc"
for device in null zero urandom full; do
  : > "$place/dev/$device"
  mount --bind "/dev/$device" "$place/dev/$device"
done
exec chroot "$place" setpriv --reuid="$user" --regid="$user" --init-groups env -C "$home" "$@"
"#;

/// The place, before anything ran in it.
pub(super) struct Jail {
    template: tempfile::TempDir,
}

impl Jail {
    /// A place with the accounts of this image; or why this machine allows none.
    pub fn new(image: &View) -> Result<Self, String> {
        let template = tempfile::tempdir().map_err(|why| why.to_string())?;
        let jail = Self { template };
        let place = jail.template.path();
        let at = |path: &str| place.join(path.trim_start_matches('/'));
        for directory in DIRECTORIES {
            std::fs::create_dir_all(at(directory)).unwrap();
        }
        for name in ["bin", "sbin", "lib", "lib64"] {
            std::os::unix::fs::symlink(format!("usr/{name}"), at(name)).unwrap();
        }
        std::os::unix::fs::symlink("/proc/self/fd", at("dev/fd")).unwrap();
        for path in OF_THE_IMAGE {
            std::fs::write(at(path), image.read(path).unwrap()).unwrap();
        }
        for (path, text) in CONFIGURED {
            std::fs::write(at(path), text).unwrap();
        }
        let prepared = Command::new("bash")
            .args(["-c", "cp -a /etc/alternatives etc/ && chmod 1777 tmp var/tmp && chmod 755 . && chmod 0 etc/shadow etc/gshadow \
                && cp -a etc/skel/. home/ec2-user && chmod 700 root home/ec2-user && chown -R 1000:1000 home/ec2-user && [ $(stat -c %s mnt) = 4096 ]"])
            .current_dir(place)
            .output()
            .unwrap();
        if !prepared.status.success() {
            return Err(format!(
                "a place cannot be prepared by this user on this filesystem {}",
                text(&prepared.stderr)
            ));
        }
        let tried = Self::run_in(place, "ec2-user", "ls --version | head -1; id -u");
        match tried {
            (out, _, 0) if out.contains("GNU coreutils") && out.ends_with("1000\n") => Ok(jail),
            (out, err, _) => Err(format!(
                "GNU programs cannot be run in a mount namespace of their own: {out}{err}"
            )),
        }
    }

    /// Changes the place that all later lines find.
    pub fn prepare(&self, script: &str) {
        let (_, err, code) = Self::run_in(self.template.path(), "root", script);
        assert_eq!((err.as_str(), code), ("", 0), "the place could not be made");
    }

    /// Runs a line in a copy of the place.
    pub fn run(&self, user: &str, line: &str) -> (String, String, i32) {
        let above = tempfile::tempdir().unwrap();
        let place = self.copy(above.path());
        Self::run_in(&place, user, line)
    }

    /// A copy of the place.
    pub fn copy(&self, above: &Path) -> PathBuf {
        let place = above.join("place");
        let copied = Command::new("cp")
            .arg("-a")
            .args([self.template.path(), &place])
            .status();
        assert!(copied.unwrap().success());
        place
    }

    /// Runs a line in this place.
    pub fn run_in(place: &Path, user: &str, line: &str) -> (String, String, i32) {
        let (id, home, path) = match user {
            "root" => (
                "0",
                "/root",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
            ),
            _ => (
                "1000",
                "/home/ec2-user",
                "/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin",
            ),
        };
        let output = Command::new("timeout")
            .args(["60", "unshare", "--mount", "bash", "-c", ENTER, "enter"])
            .arg(place)
            .args([id, home, "env", "-i"])
            .args(["LANG=C.UTF-8", "SHELL=/bin/bash"])
            .args([
                format!("HOME={home}"),
                format!("USER={user}"),
                format!("LOGNAME={user}"),
                format!("PATH={path}"),
            ])
            .args(["bash", "-c", line])
            .stdin(Stdio::null())
            .output();
        match output {
            Ok(Output {
                status,
                stdout,
                stderr,
            }) => (text(&stdout), text(&stderr), status.code().unwrap_or(-1)),
            Err(why) => (String::new(), why.to_string(), -1),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
