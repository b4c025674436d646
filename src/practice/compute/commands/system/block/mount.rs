//! Mounting a filesystem of a block device. Who may do it, and NFS, stay outside.

use std::sync::Arc;

use super::{find, named, own, targets};
use crate::practice::compute::commands::system::mount::{FAILED, Failure, USAGE};
use crate::practice::compute::disks::Found;
use crate::practice::compute::host::Host;
use crate::practice::storage::{Gate, MountSpec};

/// Options that the kernel shows, in its order; each with what takes it back.
const SHOWN: [(&str, &str); 7] = [
    ("ro", "rw"),
    ("sync", "async"),
    ("nosuid", "suid"),
    ("nodev", "dev"),
    ("noexec", "exec"),
    ("noatime", "atime"),
    ("nodiratime", "diratime"),
];
/// Words for mount and systemd, or the kernel's own defaults.
const SILENT: [&str; 17] = [
    "defaults",
    "auto",
    "noauto",
    "_netdev",
    "nofail",
    "user",
    "nouser",
    "users",
    "owner",
    "relatime",
    "strictatime",
    "acl",
    "user_xattr",
    "barrier",
    "data=ordered",
    "errors=continue",
    "nodelalloc",
];

/// As /proc/mounts shows these options; `None`: one of them is unknown.
fn shown(options: &str) -> Option<String> {
    let mut set = [false; SHOWN.len()];
    let mut more = Vec::new();
    for option in options.split(',').filter(|option| !option.is_empty()) {
        if let Some(at) = SHOWN.iter().position(|(on, _)| *on == option) {
            set[at] = true;
        } else if let Some(at) = SHOWN.iter().position(|(_, off)| *off == option) {
            set[at] = false;
        } else if matches!(option, "discard" | "errors=remount-ro" | "lazytime") {
            more.push(option.to_owned());
        } else if let Some(seconds) = option.strip_prefix("commit=") {
            seconds.parse::<u32>().ok()?;
            more.push(option.to_owned());
        } else if !SILENT.contains(&option) && !option.starts_with("x-") {
            return None;
        }
    }
    let mut words = vec![if set[0] { "ro" } else { "rw" }.to_owned()];
    let rest = SHOWN.iter().zip(set).skip(1).filter(|(_, set)| *set);
    words.extend(rest.map(|((on, _), _)| (*on).to_owned()));
    if !words.iter().any(|word| word == "noatime") {
        words.push("relatime".to_owned());
    }
    words.push("seclabel".to_owned());
    words.extend(more);
    Some(words.join(","))
}

/// Mounts what is on a device.
pub fn attach(
    host: &Arc<Host>,
    fstype: &str,
    options: &str,
    source: &str,
    target: &str,
) -> Result<(), Failure> {
    let fail = |what: String| Err(Failure::new(FAILED, format!("mount: {target}: {what}")));
    let Some(path) = named(host, source) else {
        let what = format!("mount: {target}: can't find {source}.");
        return Err(Failure::new(USAGE, what));
    };
    match host.root().stat(target) {
        Ok(attr) if attr.is_dir() => {}
        Ok(_) => return fail("mount point is not a directory.".to_owned()),
        Err(_) => return fail("mount point does not exist.".to_owned()),
    }
    if host.root().stat(&path).is_err() {
        return fail(format!("special device {path} does not exist."));
    }
    let wrong = |path: &str| {
        fail(format!(
            "wrong fs type, bad option, bad superblock on {path}, missing codepage or helper program, or other error."
        ))
    };
    let device = match find(host, &path) {
        None => return fail(format!("{path} is not a block device.")),
        Some(found @ Found::Partition(..)) if targets(host, &found.path()).is_empty() => {
            return wrong(&found.path());
        }
        Some(Found::Partition(_, partition)) => {
            let path = format!("/dev/{}", partition.name);
            return fail(format!("{path} already mounted or mount point busy."));
        }
        Some(Found::Disk(device)) if !device.partitions.is_empty() => {
            return fail(format!(
                "{} already mounted or mount point busy.",
                device.path()
            ));
        }
        Some(Found::Disk(device)) => device,
    };
    let path = device.path();
    let typed = matches!(fstype, "ext4" | "auto");
    let (Some(mut superblock), true, Some(options)) = (own(host, &device), typed, shown(options))
    else {
        return wrong(&path);
    };
    if targets(host, &path).iter().any(|there| there == target) {
        return fail(format!("{path} already mounted on {target}."));
    }
    let tree = match host.files.volume(&device.volume) {
        Ok(Some(tree)) => tree,
        Ok(None) => return wrong(&path),
        Err(why) => {
            tracing::warn!(%why, volume = device.volume, "a volume could not be read");
            return fail("mount(2) system call failed: Cannot allocate memory.".to_owned());
        }
    };
    let spec = MountSpec {
        source: path.clone(),
        target: target.to_owned(),
        fstype: "ext4".to_owned(),
        options,
        tree: Arc::clone(&tree),
        capacity: superblock.capacity(),
        own: 0,
    };
    let gate = Arc::clone(&device.brake) as Arc<dyn Gate>;
    if let Err(why) = host.mounts.mount_behind(spec, gate) {
        return fail(format!("mount(2) system call failed: {why}."));
    }
    tree.set_room(&superblock);
    superblock.mounted = Some((host.clock.now(), target.to_owned()));
    superblock.mounts += 1;
    if let Err(why) = host.files.set_superblock(&device.volume, &superblock) {
        tracing::warn!(%why, volume = device.volume, "a mount was not noted");
    }
    host.console_line(&format!(
        "EXT4-fs ({}): mounted filesystem with ordered data mode. Quota mode: none.",
        device.name
    ));
    Ok(())
}

/// Something that was mounted from here is mounted no more.
pub fn detached(host: &Host, source: &str) {
    if let Some(name) = source.strip_prefix("/dev/") {
        host.console_line(&format!("EXT4-fs ({name}): unmounting filesystem."));
        host.surroundings.unmounted(&host.spec.instance_id);
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn options_are_shown_in_the_order_of_the_kernel_and_unknown_ones_refused() {
        let is = |options, expected: &str| assert_eq!(shown(options).as_deref(), Some(expected));
        is("defaults,nofail", "rw,relatime,seclabel");
        is("noatime,ro", "ro,noatime,seclabel");
        is(
            "ro,rw,nodev,commit=30",
            "rw,nodev,relatime,seclabel,commit=30",
        );
        assert_eq!(shown("defaults,nofial"), None);
    }
}
