//! What a running kernel shows in files: /proc, /dev, /sys, and the filesystems it keeps in memory.

use std::sync::{Arc, Weak};

use super::host::Host;
use crate::practice::storage::{Content, Endless, Errno, Limits, MountSpec, Outcome, View};

/// Version of the kernel, as `uname -r` shows it.
pub const RELEASE: &str = "6.1.156-177.286.amzn2023.x86_64";

/// Bytes that one read of an endless device gives.
const ENDLESS_ZERO: u64 = 1024 * 1024;
const ENDLESS_RANDOM: usize = 8 * 1024;

/// 1 GiB, the memory of a t3.micro, in KiB, less what the kernel keeps.
const MEMORY_KIB: u64 = 944_140;

/// A filesystem in memory.
struct InMemory {
    source: &'static str,
    target: &'static str,
    fstype: &'static str,
    options: &'static str,
    mode: u32,
    capacity: u64,
}

const FILESYSTEMS: &[InMemory] = &[
    InMemory {
        source: "proc",
        target: "/proc",
        fstype: "proc",
        options: "rw,nosuid,nodev,noexec,relatime",
        mode: 0o555,
        capacity: 0,
    },
    InMemory {
        source: "sysfs",
        target: "/sys",
        fstype: "sysfs",
        options: "rw,seclabel,nosuid,nodev,noexec,relatime",
        mode: 0o555,
        capacity: 0,
    },
    InMemory {
        source: "devtmpfs",
        target: "/dev",
        fstype: "devtmpfs",
        options: "rw,seclabel,nosuid,size=4096k,mode=755",
        mode: 0o755,
        capacity: 4 * 1024 * 1024,
    },
    InMemory {
        source: "tmpfs",
        target: "/run",
        fstype: "tmpfs",
        options: "rw,seclabel,nosuid,nodev,mode=755",
        mode: 0o755,
        capacity: 184 * 1024 * 1024,
    },
    InMemory {
        source: "tmpfs",
        target: "/tmp",
        fstype: "tmpfs",
        options: "rw,seclabel,nosuid,nodev,size=472068k",
        mode: 0o1777,
        capacity: 461 * 1024 * 1024,
    },
];

/// Mounts what every Linux has, before anything of the disk runs.
pub fn mount(host: &Arc<Host>) -> Outcome<()> {
    for one in FILESYSTEMS {
        let limits = Limits {
            bytes: one.capacity,
            ..Limits::default()
        };
        let tree = host.files.volatile(one.target, one.mode, limits)?;
        host.mounts.mount(MountSpec {
            source: one.source.to_owned(),
            target: one.target.to_owned(),
            fstype: one.fstype.to_owned(),
            options: one.options.to_owned(),
            tree: Arc::new(tree),
            capacity: one.capacity,
            own: 0,
        })?;
    }
    let view = host.root();
    processes(&view, host)?;
    devices(&view)?;
    host.name_devices();
    view.make_dirs("/run/user")?;
    view.make_dirs("/run/lock")?;
    // What the kernel shows it shows, and nobody keeps anything there.
    for mount in host.mounts.mounts() {
        if matches!(mount.fstype.as_str(), "proc" | "sysfs") {
            mount.tree.seal();
        }
    }
    Ok(())
}

/// /proc
fn processes(view: &View, host: &Arc<Host>) -> Outcome<()> {
    let host = Arc::downgrade(host);
    let file = |path: &str, show: fn(&Host) -> String| {
        let host = Weak::clone(&host);
        // A shell that outlives its host reads empty files.
        let text = move || {
            host.upgrade()
                .map(|host| show(&host).into_bytes())
                .unwrap_or_default()
        };
        view.make_generated(path, Arc::new(text))
    };
    view.make_dirs("/proc/self")?;
    view.make_dirs("/proc/sys/kernel")?;
    view.make_dirs("/proc/1")?;
    file("/proc/mounts", |host| host.mounts.proc_mounts())?;
    file("/proc/self/mounts", |host| host.mounts.proc_mounts())?;
    file("/proc/1/comm", |host| {
        let first = if host.spec.edition.has_systemd() {
            "systemd"
        } else {
            "init"
        };
        format!("{first}\n")
    })?;
    file("/proc/uptime", |host| {
        let up = host.uptime().as_secs_f64();
        // Two processors, mostly idle.
        format!("{up:.2} {:.2}\n", up * 1.9)
    })?;
    file("/proc/loadavg", |_| {
        "0.00 0.00 0.00 1/112 1024\n".to_owned()
    })?;
    file("/proc/version", |host| {
        let release = host.spec.edition.kernel();
        format!("Linux version {release} (practice) #1 SMP PREEMPT_DYNAMIC\n")
    })?;
    file("/proc/cmdline", |host| {
        let root = host.disks.root_partition();
        format!("root={root} ro console=tty0 console=ttyS0,115200n8\n")
    })?;
    file("/proc/cpuinfo", |_| (0..2).map(processor).collect())?;
    file("/proc/meminfo", |_| {
        format!(
            "MemTotal:       {MEMORY_KIB:>8} kB\nMemFree:        {:>8} kB\nMemAvailable:   {:>8} kB\nBuffers:               0 kB\n\
             Cached:         {:>8} kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n",
            MEMORY_KIB / 2,
            MEMORY_KIB * 7 / 10,
            MEMORY_KIB / 4
        )
    })?;
    file("/proc/filesystems", |_| {
        "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\n\text4\n\txfs\nnodev\tnfs4\n"
            .to_owned()
    })?;
    file("/proc/partitions", super::host::Host::proc_partitions)?;
    file("/proc/sys/kernel/hostname", |host| host.hostname() + "\n")?;
    file("/proc/sys/kernel/osrelease", |host| {
        format!("{}\n", host.spec.edition.kernel())
    })?;
    file("/proc/sys/kernel/ostype", |_| "Linux\n".to_owned())?;
    view.make_dirs("/proc/sys/vm")?;
    // Writing 1, 2 or 3 here drops the page cache; it can only be written.
    let host = Weak::clone(&host);
    let drop_caches = move |text: &[u8]| {
        if !matches!(text.trim_ascii(), b"1" | b"2" | b"3") {
            return Err(Errno::Invalid);
        }
        // Names and attributes (2) are not kept apart from content.
        if let Some(host) = host.upgrade() {
            host.root().drop_caches();
        }
        Ok(())
    };
    view.make_control("/proc/sys/vm/drop_caches", Arc::new(drop_caches), 0o200)
}

fn processor(number: usize) -> String {
    format!(
        "processor\t: {number}\nvendor_id\t: GenuineIntel\nmodel name\t: practice instance (no processor of its own)\n\
         cpu cores\t: 1\nflags\t\t: fpu hypervisor\n\n"
    )
}

/// /dev
fn devices(view: &View) -> Outcome<()> {
    view.make_device("/dev/null", nothing())?;
    view.make_device("/dev/zero", Arc::new(|| Content::zeros(ENDLESS_ZERO)))?;
    for path in ["/dev/random", "/dev/urandom"] {
        view.make_device(path, Arc::new(|| noise().into()))?;
    }
    for path in ["/dev/tty", "/dev/console"] {
        view.make_device(path, nothing())?;
    }
    view.make_full_device("/dev/full", Arc::new(|| Content::zeros(ENDLESS_ZERO)))?;
    view.make_dirs("/dev/shm")
}

fn nothing() -> Endless {
    Arc::new(Content::default)
}

fn noise() -> Vec<u8> {
    use rand::Rng as _;
    let mut bytes = vec![0; ENDLESS_RANDOM];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
