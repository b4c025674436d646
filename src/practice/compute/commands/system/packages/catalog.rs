//! The catalog: every package of a practice instance's world. Versions are those of 2025; sizes are estimates.

use super::{File, Package};

const fn plain(
    name: &'static str,
    version: &'static str,
    arch: &'static str,
    download: u64,
    summary: &'static str,
) -> Package {
    Package {
        name,
        epoch: 0,
        version,
        arch,
        download,
        // What is not known better unpacks to about three times its size.
        size: download * 3,
        summary,
        requires: &[],
        files: &[],
    }
}

/// What the image brings, as far as one would ask for it. They cannot be removed.
pub(super) static IMAGE: &[Package] = &[
    plain(
        "amazon-linux-release",
        "2023.9.20251208-0.amzn2023",
        "noarch",
        24,
        "Amazon Linux release files",
    ),
    plain(
        "amazon-ssm-agent",
        "3.3.2299.0-1.amzn2023",
        "x86_64",
        26_000,
        "Manage EC2 Instances using SSM APIs",
    ),
    plain(
        "awscli-2",
        "2.30.4-1.amzn2023.0.1",
        "noarch",
        14_000,
        "Universal Command Line Environment for AWS, version 2",
    ),
    plain(
        "bash",
        "5.2.15-1.amzn2023.0.2",
        "x86_64",
        1830,
        "The GNU Bourne Again shell",
    ),
    plain(
        "chrony",
        "4.3-1.amzn2023.0.5",
        "x86_64",
        318,
        "An NTP client/server",
    ),
    plain(
        "cloud-init",
        "22.2.2-1.amzn2023.1.14",
        "noarch",
        1100,
        "Cloud instance init scripts",
    ),
    plain(
        "coreutils",
        "8.32-30.amzn2023.0.3",
        "x86_64",
        1200,
        "A set of basic GNU tools commonly used in shell scripts",
    ),
    plain(
        "curl-minimal",
        "8.5.0-1.amzn2023.0.4",
        "x86_64",
        160,
        "Conservatively configured build of curl for minimal installations",
    ),
    plain(
        "dnf",
        "4.14.0-1.amzn2023.0.5",
        "noarch",
        470,
        "Package manager",
    ),
    plain(
        "e2fsprogs",
        "1.46.5-2.amzn2023.0.2",
        "x86_64",
        1000,
        "Utilities for managing ext2, ext3, and ext4 file systems",
    ),
    plain(
        "ec2-utils",
        "2.2.0-1.amzn2023.0.2",
        "noarch",
        24,
        "A set of tools for running in EC2",
    ),
    plain(
        "findutils",
        "4.8.0-2.amzn2023.0.2",
        "x86_64",
        540,
        "The GNU versions of find utilities (find and xargs)",
    ),
    plain(
        "gawk",
        "5.1.0-3.amzn2023.0.3",
        "x86_64",
        990,
        "The GNU version of the AWK text processing utility",
    ),
    plain(
        "glibc",
        "2.34-52.amzn2023.0.11",
        "x86_64",
        2000,
        "The GNU libc libraries",
    ),
    plain(
        "grep",
        "3.8-1.amzn2023.0.4",
        "x86_64",
        290,
        "Pattern matching utilities",
    ),
    plain(
        "gzip",
        "1.12-1.amzn2023.0.1",
        "x86_64",
        160,
        "The GNU data compression program",
    ),
    plain(
        "iputils",
        "20210202-2.amzn2023.0.4",
        "x86_64",
        170,
        "Network monitoring tools including ping",
    ),
    plain(
        "less",
        "608-2.amzn2023.0.2",
        "x86_64",
        160,
        "A text file browser similar to more, but better",
    ),
    plain(
        "openssh-clients",
        "8.7p1-8.amzn2023.0.11",
        "x86_64",
        700,
        "An open source SSH client applications",
    ),
    plain(
        "openssh-server",
        "8.7p1-8.amzn2023.0.11",
        "x86_64",
        450,
        "An open source SSH server daemon",
    ),
    plain(
        "procps-ng",
        "3.3.17-1.amzn2023.0.2",
        "x86_64",
        340,
        "System and process monitoring utilities",
    ),
    plain(
        "sed",
        "4.8-7.amzn2023.0.2",
        "x86_64",
        300,
        "A GNU stream text editor",
    ),
    plain(
        "shadow-utils",
        "4.9-12.amzn2023.0.4",
        "x86_64",
        1100,
        "Utilities for managing accounts and shadow password files",
    ),
    plain(
        "sudo",
        "1.9.15-1.p5.amzn2023.0.1",
        "x86_64",
        1200,
        "Allows restricted root access for specified users",
    ),
    plain(
        "system-release",
        "2023.9.20251208-0.amzn2023",
        "noarch",
        30,
        "Amazon Linux release files",
    ),
    plain(
        "systemd",
        "252.23-2.amzn2023",
        "x86_64",
        4000,
        "System and Service Manager",
    ),
    plain(
        "tar",
        "1.34-1.amzn2023.0.4",
        "x86_64",
        880,
        "A GNU file archiving program",
    ),
    plain(
        "util-linux",
        "2.37.4-1.amzn2023.0.4",
        "x86_64",
        2200,
        "A collection of basic system utilities",
    ),
    plain(
        "vim-minimal",
        "9.1.1591-1.amzn2023.0.1",
        "x86_64",
        840,
        "A minimal version of the VIM editor",
    ),
    plain(
        "which",
        "2.21-26.amzn2023.0.2",
        "x86_64",
        43,
        "Displays where a particular program in your path is located",
    ),
    plain(
        "xfsprogs",
        "5.18.0-1.amzn2023.0.3",
        "x86_64",
        1100,
        "Utilities for managing the XFS filesystem",
    ),
];

/// What can be installed.
pub(super) static REPOSITORY: &[Package] = &[
    Package {
        requires: &["nfs-utils", "stunnel"],
        files: &[File::Program("/usr/sbin/mount.efs", "mount.efs")],
        ..plain(
            "amazon-efs-utils",
            "2.1.0-1.amzn2023",
            "noarch",
            57,
            "Utilities for EFS file systems",
        )
    },
    Package {
        requires: &["python3-daemon", "python3-pystache"],
        files: &[File::Program("/opt/aws/bin/cfn-signal", "cfn-signal")],
        ..plain(
            "aws-cfn-bootstrap",
            "2.0-32.amzn2023",
            "noarch",
            640,
            "Client helper scripts for AWS CloudFormation",
        )
    },
    Package {
        requires: &["bind-libs", "bind-license"],
        files: &[
            File::Program("/usr/bin/dig", "dig"),
            File::Program("/usr/bin/host", "host"),
            File::Program("/usr/bin/nslookup", "nslookup"),
        ],
        ..plain(
            "bind-utils",
            "9.18.33-1.amzn2023.0.2",
            "x86_64",
            210,
            "Utilities for querying DNS name servers",
        )
    },
    plain(
        "bind-libs",
        "9.18.33-1.amzn2023.0.2",
        "x86_64",
        1200,
        "Libraries used by the BIND DNS packages",
    ),
    plain(
        "bind-license",
        "9.18.33-1.amzn2023.0.2",
        "noarch",
        16,
        "License of the BIND DNS suite",
    ),
    Package {
        requires: &["cronie-anacron", "crontabs"],
        files: &[
            File::Program("/usr/bin/crontab", "crontab"),
            File::Text(
                "/usr/lib/systemd/system/crond.service",
                "[Unit]\nDescription=Command Scheduler\nAfter=auditd.service nss-user-lookup.target systemd-user-sessions.service\n\n\
                 [Service]\nExecStart=/usr/sbin/crond -n $CRONDARGS\nRestart=on-failure\n\n[Install]\nWantedBy=multi-user.target\n",
            ),
        ],
        ..plain(
            "cronie",
            "1.5.7-1.amzn2023.0.2",
            "x86_64",
            115,
            "Cron daemon for executing programs at set times",
        )
    },
    plain(
        "cronie-anacron",
        "1.5.7-1.amzn2023.0.2",
        "x86_64",
        32,
        "Utility for running regular jobs",
    ),
    plain(
        "crontabs",
        "1.11-24.20190603git.amzn2023.0.2",
        "noarch",
        19,
        "Root crontab files used to schedule the execution of programs",
    ),
    plain(
        "gssproxy",
        "0.8.4-3.amzn2023.0.2",
        "x86_64",
        115,
        "GSSAPI Proxy",
    ),
    plain(
        "libev",
        "4.33-3.amzn2023.0.2",
        "x86_64",
        52,
        "High-performance event loop/event model with lots of features",
    ),
    Package {
        epoch: 1,
        ..plain(
            "libnfsidmap",
            "2.5.4-2.rc3.amzn2023.0.3",
            "x86_64",
            62,
            "NFSv4 User and Group ID Mapping Library",
        )
    },
    Package {
        epoch: 14,
        ..plain(
            "libpcap",
            "1.10.1-1.amzn2023.0.2",
            "x86_64",
            172,
            "A system-independent interface for user-level packet capture",
        )
    },
    plain(
        "libtirpc",
        "1.3.3-0.amzn2023",
        "x86_64",
        94,
        "Transport Independent RPC Library",
    ),
    Package {
        requires: &["libev"],
        ..plain(
            "libverto-libev",
            "0.3.2-1.amzn2023.0.2",
            "x86_64",
            13,
            "libev module for libverto",
        )
    },
    Package {
        epoch: 1,
        requires: &[
            "gssproxy",
            "libnfsidmap",
            "libtirpc",
            "libverto-libev",
            "rpcbind",
        ],
        files: &[
            File::Program("/usr/sbin/mount.nfs", "mount.nfs"),
            File::Program("/usr/sbin/mount.nfs4", "mount.nfs4"),
            File::Text(
                "/etc/nfs.conf",
                "# General configuration of NFS; every value is a default.\n",
            ),
        ],
        ..plain(
            "nfs-utils",
            "2.5.4-2.rc3.amzn2023.0.3",
            "x86_64",
            424,
            "NFS utilities and supporting clients and daemons for the kernel NFS server",
        )
    },
    Package {
        epoch: 3,
        requires: &["libpcap"],
        files: &[
            File::Program("/usr/bin/ncat", "ncat"),
            File::Link("/usr/bin/nc", "ncat"),
        ],
        ..plain(
            "nmap-ncat",
            "7.93-4.amzn2023",
            "x86_64",
            223,
            "Nmap's Netcat replacement",
        )
    },
    Package {
        epoch: 2,
        files: &[File::Text(
            "/usr/sbin/sendmail",
            "# What hands mail over; here only cron does, and to mailboxes of this machine.\n",
        )],
        ..plain(
            "postfix",
            "3.7.2-4.amzn2023.0.4",
            "x86_64",
            1400,
            "Postfix Mail Transport Agent",
        )
    },
    plain(
        "python3-daemon",
        "2.3.0-1.amzn2023.0.2",
        "noarch",
        46,
        "Library to implement a well-behaved Unix daemon process",
    ),
    plain(
        "python3-pystache",
        "0.5.4-19.amzn2023.0.2",
        "noarch",
        84,
        "Mustache for Python 3",
    ),
    Package {
        requires: &["libtirpc"],
        ..plain(
            "rpcbind",
            "1.2.6-0.amzn2023.0.2",
            "x86_64",
            58,
            "Universal Addresses to RPC Program Number Mapper",
        )
    },
    Package {
        files: &[File::Program("/usr/bin/rsync", "rsync")],
        ..plain(
            "rsync",
            "3.4.0-1.amzn2023.0.3",
            "x86_64",
            430,
            "A program for synchronizing files over a network",
        )
    },
    plain(
        "stunnel",
        "5.58-1.amzn2023.0.2",
        "x86_64",
        157,
        "A TLS-encrypting socket wrapper",
    ),
];
