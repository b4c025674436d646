//! Which Amazon Linux is on an image, and what of the first one is other than on that of today. How a disk is made of it
//! is in `image`.

use serde::{Deserialize, Serialize};

/// Which Amazon Linux.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edition {
    /// Amazon Linux 2023.
    #[default]
    Of2023,
    /// The Amazon Linux AMI as it was in 2018, release 2017.09: what a textbook of that time launches.
    Of2018,
}

/// Packages that scripts of 2018 found on the image, and the one of 2023 did not bring; the catalog says what each needs.
const BROUGHT: &[&str] = &[
    "aws-cfn-bootstrap",
    "cronie",
    "nfs-utils",
    "nmap-ncat",
    "rsync",
];

/// Files that are other, with their modes.
const FILES: &[(&str, u32, &str)] = &[
    (
        "/etc/passwd",
        0o644,
        "root:x:0:0:root:/root:/bin/bash\n\
         bin:x:1:1:bin:/bin:/sbin/nologin\n\
         daemon:x:2:2:daemon:/sbin:/sbin/nologin\n\
         mail:x:8:12:mail:/var/spool/mail:/sbin/nologin\n\
         nobody:x:99:99:Nobody:/:/sbin/nologin\n\
         dbus:x:81:81:System message bus:/:/sbin/nologin\n\
         ntp:x:38:38::/etc/ntp:/sbin/nologin\n\
         sshd:x:74:74:Privilege-separated SSH:/var/empty/sshd:/sbin/nologin\n\
         rpc:x:32:32:Rpcbind Daemon:/var/lib/rpcbind:/sbin/nologin\n\
         ec2-user:x:500:500:EC2 Default User:/home/ec2-user:/bin/bash\n",
    ),
    (
        "/etc/group",
        0o644,
        "root:x:0:\nbin:x:1:\ndaemon:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nwheel:x:10:ec2-user\nmail:x:12:\nman:x:15:\n\
         rpc:x:32:\nntp:x:38:\nsshd:x:74:\ndbus:x:81:\nnobody:x:99:\nusers:x:100:\nec2-user:x:500:\n",
    ),
    (
        "/etc/os-release",
        0o644,
        "NAME=\"Amazon Linux AMI\"\nVERSION=\"2017.09\"\nID=\"amzn\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"2017.09\"\n\
         PRETTY_NAME=\"Amazon Linux AMI 2017.09\"\nANSI_COLOR=\"0;33\"\nCPE_NAME=\"cpe:/o:amazon:linux:2017.09:ga\"\n\
         HOME_URL=\"http://aws.amazon.com/amazon-linux-ami/\"\nVARIANT=\"efslab practice instance\"\nVARIANT_ID=\"practice\"\n",
    ),
    (
        "/etc/system-release",
        0o644,
        "Amazon Linux AMI release 2017.09\n",
    ),
    (
        "/etc/fstab",
        0o644,
        "#\nLABEL=/     /           ext4    defaults,noatime  1   1\n",
    ),
    (
        "/etc/motd",
        0o644,
        "A practice instance: a model of the Amazon Linux AMI of 2018 inside efslab, not a machine in AWS.\n",
    ),
];

impl Edition {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Of2023 => "Amazon Linux 2023",
            Self::Of2018 => "Amazon Linux AMI 2017.09",
        }
    }

    /// Whether systemd is its first process; before, that was init, with scripts for services.
    pub(super) fn has_systemd(self) -> bool {
        self == Self::Of2023
    }

    /// Packages that only the image of 2023 has, of those that both images are said to have.
    pub(super) fn lacks(self) -> &'static [&'static str] {
        match self {
            Self::Of2023 => &[],
            Self::Of2018 => &["amazon-ssm-agent", "chrony", "dnf", "systemd"],
        }
    }

    /// Version of the kernel, as `uname -r` shows it.
    pub(super) fn kernel(self) -> &'static str {
        match self {
            Self::Of2023 => super::kernel::RELEASE,
            Self::Of2018 => "4.9.76-3.78.amzn1.x86_64",
        }
    }

    /// Kind of the filesystem of the root disk, and how it is mounted.
    pub(super) fn root(self) -> (&'static str, &'static str) {
        match self {
            Self::Of2023 => (
                "xfs",
                "rw,noatime,attr2,inode64,logbufs=8,logbsize=32k,noquota",
            ),
            Self::Of2018 => ("ext4", "rw,noatime,data=ordered"),
        }
    }

    /// User and group id of ec2-user.
    pub(super) fn learner(self) -> u32 {
        match self {
            Self::Of2023 => 1000,
            Self::Of2018 => 500,
        }
    }

    /// Packages that its image has beside those that both have.
    pub(super) fn brought(self) -> &'static [&'static str] {
        match self {
            Self::Of2023 => &[],
            Self::Of2018 => BROUGHT,
        }
    }

    /// Files of its image that are other than those of 2023, with their modes.
    pub(super) fn files(self) -> &'static [(&'static str, u32, &'static str)] {
        match self {
            Self::Of2023 => &[],
            Self::Of2018 => FILES,
        }
    }
}
