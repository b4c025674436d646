//! The launch image: what is on a root disk before its first boot, in the shape of Amazon Linux 2023. Nothing here is
//! particular to one host.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Edition, commands};
use crate::practice::storage::{Identity, MountSpec, MountTable, Outcome, Tree, View};

/// What `df` shows for the root disk: the 8 GiB that the image asks for.
pub const DISK_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// What a new system takes of it (estimate): `df -h` shows 1.6G.
const SYSTEM_BYTES: u64 = 1_600 * 1024 * 1024;

/// Day on which the image was made; its files carry it.
const BUILT: Timestamp = Timestamp::constant(1_759_276_800, 0);

/// Where the names of installed packages are, one a line.
pub const PACKAGES: &str = "/var/lib/rpm/packages";

/// Packages of the image that scripts ask for. nfs-utils, nmap-ncat, rsync, cronie and
/// aws-cfn-bootstrap are not among them.
const INSTALLED: &[&str] = &[
    "amazon-linux-release",
    "amazon-ssm-agent",
    "awscli-2",
    "bash",
    "chrony",
    "cloud-init",
    "coreutils",
    "curl-minimal",
    "dnf",
    "e2fsprogs",
    "ec2-utils",
    "filesystem",
    "findutils",
    "gawk",
    "glibc",
    "grep",
    "gzip",
    "iproute",
    "iputils",
    "less",
    "openssh-clients",
    "openssh-server",
    "procps-ng",
    "sed",
    "shadow-utils",
    "sudo",
    "system-release",
    "systemd",
    "tar",
    "util-linux",
    "vim-minimal",
    "which",
    "xfsprogs",
];

/// Programs that the image has in /usr/bin, beside those that say themselves where they are.
const PROGRAMS: &str = "\
    [ arch awk base32 base64 basename bash bzip2 cat cksum clear comm curl cut date dd df diff dirname \
    echo egrep env expand expr factor false fgrep fmt fold free gawk grep gunzip gzip \
    hexdump hostname join kill less logger logname mkfifo more nano nl nohup nproc numfmt od \
    paste pgrep pkill pr printenv printf ps pwd readlink rev sed seq sh \
    shuf sleep sort sum tac tar test timeout tr true \
    tsort tty uname unexpand uniq unzip uptime users vi view vim which xargs xxd yes zip";

/// Directories, with their modes.
const DIRECTORIES: &[(&str, u32)] = &[
    ("/boot", 0o555),
    ("/dev", 0o755),
    ("/etc", 0o755),
    ("/etc/cron.d", 0o755),
    ("/etc/profile.d", 0o755),
    ("/etc/skel", 0o755),
    ("/etc/ssh", 0o755),
    ("/etc/ssh/sshd_config.d", 0o700),
    ("/etc/sudoers.d", 0o750),
    ("/etc/systemd/system", 0o755),
    ("/home", 0o755),
    ("/home/ec2-user", 0o700),
    ("/media", 0o755),
    ("/mnt", 0o755),
    ("/opt", 0o755),
    ("/opt/aws", 0o755),
    ("/opt/aws/bin", 0o755),
    ("/proc", 0o555),
    ("/root", 0o550),
    ("/run", 0o755),
    ("/srv", 0o755),
    ("/sys", 0o555),
    ("/tmp", 0o1777),
    ("/usr/bin", 0o755),
    ("/usr/lib", 0o755),
    ("/usr/lib64", 0o755),
    ("/usr/libexec", 0o755),
    ("/usr/local/bin", 0o755),
    ("/usr/local/sbin", 0o755),
    ("/usr/sbin", 0o755),
    ("/usr/share", 0o755),
    ("/var/cache", 0o755),
    ("/var/lib", 0o755),
    ("/var/lib/cloud/instance/scripts", 0o755),
    ("/var/lib/rpm", 0o755),
    ("/var/log", 0o755),
    ("/var/spool/cron", 0o700),
    ("/var/tmp", 0o1777),
];

/// Links, as the merged /usr of the distribution has them.
const LINKS: &[(&str, &str)] = &[
    ("/bin", "usr/bin"),
    ("/etc/mtab", "../proc/self/mounts"),
    ("/lib", "usr/lib"),
    ("/lib64", "usr/lib64"),
    ("/sbin", "usr/sbin"),
    ("/etc/redhat-release", "system-release"),
    ("/var/run", "../run"),
];

/// Files, with their modes.
const FILES: &[(&str, u32, &str)] = &[
    (
        "/etc/passwd",
        0o644,
        "root:x:0:0:root:/root:/bin/bash\n\
         bin:x:1:1:bin:/bin:/sbin/nologin\n\
         daemon:x:2:2:daemon:/sbin:/sbin/nologin\n\
         mail:x:8:12:mail:/var/spool/mail:/sbin/nologin\n\
         nobody:x:65534:65534:Kernel Overflow User:/:/sbin/nologin\n\
         dbus:x:81:81:System message bus:/:/sbin/nologin\n\
         sshd:x:74:74:Privilege-separated SSH:/usr/share/empty.sshd:/sbin/nologin\n\
         rpc:x:32:32:Rpcbind Daemon:/var/lib/rpcbind:/sbin/nologin\n\
         chrony:x:993:990:chrony system user:/var/lib/chrony:/sbin/nologin\n\
         ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash\n",
    ),
    (
        "/etc/group",
        0o644,
        "root:x:0:\nbin:x:1:\ndaemon:x:2:\nsys:x:3:\nadm:x:4:ec2-user\ntty:x:5:\ndisk:x:6:\nwheel:x:10:ec2-user\n\
         mail:x:12:\nman:x:15:\nsystemd-journal:x:190:ec2-user\nrpc:x:32:\nusers:x:100:\nnobody:x:65534:\ndbus:x:81:\n\
         sshd:x:74:\nchrony:x:990:\nec2-user:x:1000:\n",
    ),
    (
        "/etc/shadow",
        0o000,
        "root:*LOCK*:14600::::::\nec2-user:!!:20000:0:99999:7:::\n",
    ),
    (
        "/etc/os-release",
        0o644,
        "NAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"2023\"\n\
         PLATFORM_ID=\"platform:al2023\"\nPRETTY_NAME=\"Amazon Linux 2023\"\nANSI_COLOR=\"0;33\"\n\
         CPE_NAME=\"cpe:2.3:o:amazon:amazon_linux:2023\"\nHOME_URL=\"https://aws.amazon.com/linux/amazon-linux-2023/\"\n\
         VARIANT=\"efslab practice instance\"\nVARIANT_ID=\"practice\"\n",
    ),
    (
        "/etc/system-release",
        0o644,
        "Amazon Linux release 2023 (Amazon Linux)\n",
    ),
    (
        "/etc/fstab",
        0o644,
        "#\nUUID=8f3d3a5e-6c0f-4b0e-9d4c-2a7f5d1b6e90     /           xfs    defaults,noatime  1   1\n",
    ),
    (
        "/etc/motd",
        0o644,
        "A practice instance: a model of Amazon Linux 2023 inside efslab, not a machine in AWS.\n",
    ),
    (
        "/etc/bashrc",
        0o644,
        "# System-wide functions and aliases\n",
    ),
    (
        "/etc/profile",
        0o644,
        "# System-wide environment and startup programs\nfor i in /etc/profile.d/*.sh; do\n  if [ -r \"$i\" ]; then\n    . \"$i\"\n  fi\ndone\nunset i\n",
    ),
    (
        "/etc/shells",
        0o644,
        "/bin/sh\n/bin/bash\n/usr/bin/sh\n/usr/bin/bash\n",
    ),
    (
        "/etc/nsswitch.conf",
        0o644,
        "passwd: files\ngroup: files\nhosts: files dns myhostname\n",
    ),
    ("/etc/locale.conf", 0o644, "LANG=C.UTF-8\n"),
    (
        "/etc/crontab",
        0o644,
        "SHELL=/bin/bash\nPATH=/sbin:/bin:/usr/sbin:/usr/bin\nMAILTO=root\n",
    ),
    (
        "/etc/sudoers",
        0o440,
        "root\tALL=(ALL) \tALL\n%wheel\tALL=(ALL)\tALL\n#includedir /etc/sudoers.d\n",
    ),
    (
        "/etc/sudoers.d/90-cloud-init-users",
        0o440,
        "# User rules for ec2-user\nec2-user ALL=(ALL) NOPASSWD:ALL\n",
    ),
    (
        "/etc/ssh/sshd_config",
        0o600,
        "# What is set first holds: files of this directory come before what follows.\n\
         Include /etc/ssh/sshd_config.d/*.conf\n\n\
         AuthorizedKeysFile .ssh/authorized_keys\n\
         PermitRootLogin prohibit-password\n\
         PasswordAuthentication no\n\
         Subsystem sftp /usr/libexec/openssh/sftp-server\n",
    ),
    ("/etc/skel/.bash_logout", 0o644, BASH_LOGOUT),
    ("/etc/skel/.bash_profile", 0o644, BASH_PROFILE),
    ("/etc/skel/.bashrc", 0o644, BASHRC),
    ("/root/.bash_logout", 0o644, BASH_LOGOUT),
    ("/root/.bash_profile", 0o644, BASH_PROFILE),
    ("/root/.bashrc", 0o644, BASHRC),
    ("/home/ec2-user/.bash_logout", 0o644, BASH_LOGOUT),
    ("/home/ec2-user/.bash_profile", 0o644, BASH_PROFILE),
    ("/home/ec2-user/.bashrc", 0o644, BASHRC),
    ("/var/log/messages", 0o600, ""),
    ("/var/log/lastlog", 0o664, ""),
    ("/var/log/wtmp", 0o664, ""),
];

const BASH_LOGOUT: &str = "# Run when a login shell ends\n";
const BASH_PROFILE: &str =
    "# Run when a login shell begins\nif [ -f ~/.bashrc ]; then\n  . ~/.bashrc\nfi\n";
const BASHRC: &str =
    "# Run by every interactive shell\nif [ -f /etc/bashrc ]; then\n  . /etc/bashrc\nfi\n";

/// The image as a tree, to be forked for every new disk.
pub fn build(edition: Edition) -> Outcome<Arc<Tree>> {
    let tree = Arc::new(Tree::volatile("image", 0o755, BUILT));
    let table = MountTable::new(root_mount(edition, Arc::clone(&tree)));
    let view = View::new(Arc::new(table), Identity::ROOT, Arc::new(|| BUILT));
    for (path, mode) in DIRECTORIES {
        view.make_dirs(path)?;
        view.set_mode(path, *mode)?;
    }
    for (link, target) in LINKS {
        view.make_symlink(target, link)?;
    }
    for (path, mode, content) in FILES.iter().chain(edition.files()) {
        view.write(path, content.as_bytes())?;
        view.set_mode(path, *mode)?;
    }
    let installed = INSTALLED
        .iter()
        .filter(|one| !edition.lacks().contains(one));
    let installed: String = installed.map(|one| format!("{one}\n")).collect();
    view.write(PACKAGES, installed.as_bytes())?;
    let brought = PROGRAMS
        .split_whitespace()
        .map(|name| (format!("/usr/bin/{name}"), stand_in(name)));
    let ours = commands::files::files().chain(commands::system::files(edition));
    for (path, content) in brought.chain(ours) {
        if let Some((directory, _)) = path.rsplit_once('/') {
            view.make_dirs(directory)?;
        }
        view.write_with_mode(&path, content.as_bytes(), 0o755)?;
        view.set_mode(&path, 0o755)?;
    }
    for package in edition.brought() {
        for name in commands::system::install_on_image(&view, package)? {
            view.append(PACKAGES, format!("{name}\n").as_bytes())?;
        }
    }
    if !edition.has_systemd() {
        for directory in ["/etc/systemd", "/usr/lib/systemd"] {
            view.remove_all(directory)?;
        }
        view.make_symlink("rc.d/init.d", "/etc/init.d")?;
    }
    let home = "/home/ec2-user";
    let learner = Some(edition.learner());
    view.set_owner(home, learner, learner, false)?;
    for (name, _) in view.list(home)? {
        view.set_owner(&format!("{home}/{name}"), learner, learner, false)?;
    }
    Ok(tree)
}

/// How a root disk of the usual size is mounted.
pub fn root_mount(edition: Edition, tree: Arc<Tree>) -> MountSpec {
    root_mount_of(edition, tree, "/dev/nvme0n1p1", DISK_BYTES)
}

/// How a root disk is mounted that is called so and has so many bytes.
pub fn root_mount_of(edition: Edition, tree: Arc<Tree>, source: &str, capacity: u64) -> MountSpec {
    let (fstype, options) = edition.root();
    MountSpec {
        source: source.to_owned(),
        target: "/".to_owned(),
        fstype: fstype.to_owned(),
        options: options.to_owned(),
        tree,
        capacity,
        own: SYSTEM_BYTES,
    }
}

/// The content of a program's file: the form in which the shell knows that a file stands for a command of its own.
pub(super) fn stand_in(name: &str) -> String {
    format!("#!/bin/sh\n# bashkit builtin: {name}\nexec {name} \"$@\"\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Edition, build, root_mount};
    use crate::practice::compute::users::Accounts;
    use crate::practice::storage::{Errno, Identity, MountTable, View};

    #[test]
    fn a_home_is_private_and_holds_the_files_of_the_skeleton() {
        let edition = Edition::default();
        let tree = build(edition).unwrap();
        let table = Arc::new(MountTable::new(root_mount(edition, tree)));
        let root = View::new(table, Identity::ROOT, Arc::new(jiff::Timestamp::now));
        let user = Accounts::read(&root).user("ec2-user").unwrap();
        let own = root.with_identity(user.identity.clone());
        let names: Vec<String> = own
            .list(&user.home)
            .unwrap()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, [".bash_logout", ".bash_profile", ".bashrc"]);
        own.write("/home/ec2-user/mine", b"x").unwrap();
        let stranger = root.with_identity(Identity {
            uid: 1001,
            gid: 1001,
            groups: vec![],
        });
        assert_eq!(stranger.list(&user.home).unwrap_err(), Errno::Access);
        assert_eq!(own.read("/etc/shadow").unwrap_err(), Errno::Access);
        assert_eq!(root.stat("/bin/ls").unwrap().mode, 0o755);
    }
}
