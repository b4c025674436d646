//! Commands about block devices and the filesystems on them: lsblk, fdisk, blkid, file, mkfs.ext4, resize2fs, fsfreeze ….
//! What the devices are is told by the host.

mod blkid;
mod dumpe2fs;
mod e2fsck;
mod ebsnvme;
mod fdisk;
mod file;
mod fsfreeze;
mod lsblk;
mod mkfs;
pub mod mount;
mod resize2fs;
pub mod test;
mod tune2fs;

pub use self::file::FileProgram;
pub use self::lsblk::{Lsblk, short};

use std::sync::Arc;

use super::program::{Call, Ended, Program};
use crate::practice::compute::disks::{Device, Found, ROOT_UUID};
use crate::practice::compute::host::{Host, Seat};
use crate::practice::storage::{NodeType, Superblock};

/// The programs of /usr/sbin, each there where its file is.
pub fn programs() -> Vec<(&'static str, Arc<dyn Program>)> {
    vec![
        ("blkid", Arc::new(blkid::Blkid)),
        ("dumpe2fs", Arc::new(dumpe2fs::Dumpe2fs)),
        ("e2fsck", Arc::new(e2fsck::E2fsck)),
        ("e2label", Arc::new(tune2fs::E2label)),
        ("ebsnvme-id", Arc::new(ebsnvme::EbsnvmeId)),
        ("fdisk", Arc::new(fdisk::Fdisk)),
        ("fsck.ext4", Arc::new(e2fsck::E2fsck)),
        ("fsfreeze", Arc::new(fsfreeze::Fsfreeze)),
        ("mke2fs", Arc::new(mkfs::Mkfs)),
        ("mkfs", Arc::new(mkfs::Mkfs)),
        ("mkfs.ext4", Arc::new(mkfs::Mkfs)),
        ("resize2fs", Arc::new(resize2fs::Resize2fs)),
        ("tune2fs", Arc::new(tune2fs::Tune2fs)),
    ]
}

/// What e2fsprogs of Amazon Linux 2023 says of itself.
const E2FSPROGS: &str = "1.46.5 (30-Dec-2021)";

/// What a filesystem's tags are, as blkid tells them.
struct Tags {
    kind: &'static str,
    version: &'static str,
    label: String,
    uuid: String,
}

/// Those of what is on a disk or a partition; `None`: nothing is known on it.
fn tags(host: &Host, found: &Found) -> Option<Tags> {
    match found {
        Found::Disk(device) => {
            let superblock = own(host, device)?;
            Some(Tags {
                kind: "ext4",
                version: "1.0",
                label: superblock.label,
                uuid: superblock.uuid,
            })
        }
        Found::Partition(device, partition) => {
            let first = device.partitions.first() == Some(partition);
            first.then(|| Tags {
                kind: host.spec.edition.root().0,
                version: "",
                label: "/".to_owned(),
                uuid: ROOT_UUID.to_owned(),
            })
        }
    }
}

/// The superblock of what is on a whole disk; one with partitions has none.
fn own(host: &Host, device: &Device) -> Option<Superblock> {
    if !device.partitions.is_empty() {
        return None;
    }
    host.superblock(device)
}

/// The device that an absolute path leads to, through links.
pub fn find(host: &Host, path: &str) -> Option<Found> {
    let path = host.root().canonical(path).ok()?;
    host.disks.at(&path)
}

/// All disks and partitions.
fn all(host: &Host) -> Vec<Found> {
    let devices = host.disks.all().into_iter();
    devices
        .flat_map(|device| {
            let partitions = device.partitions.clone().into_iter();
            let parts = partitions.map({
                let device = device.clone();
                move |partition| Found::Partition(device.clone(), partition)
            });
            let parts: Vec<_> = parts.collect();
            [Found::Disk(device)].into_iter().chain(parts)
        })
        .collect()
}

/// The path that `UUID=…`, `LABEL=…` or a path means; `None`: there is no such tag.
pub fn named(host: &Host, source: &str) -> Option<String> {
    let (name, value) = match source.split_once('=') {
        Some((name @ ("UUID" | "LABEL"), value)) => (name, value.trim_matches('"')),
        _ => return Some(source.to_owned()),
    };
    let found = all(host).into_iter().find(|found| {
        tags(host, found).is_some_and(|tags| match name {
            "UUID" => tags.uuid.eq_ignore_ascii_case(value),
            _ => tags.label == value,
        })
    })?;
    Some(found.path())
}

/// Where a device is mounted, oldest first.
fn targets(host: &Host, path: &str) -> Vec<String> {
    let mounts = host.mounts.mounts().into_iter();
    mounts
        .filter(|mount| mount.source == path)
        .map(|mount| mount.target)
        .collect()
}

/// Why a program of e2fsprogs does not get at a filesystem.
struct Unusable {
    text: String,
    /// Something was opened that has no filesystem.
    blank: bool,
}

/// The disk that a program of e2fsprogs is to work on, and what is on it.
fn ext4(seat: &Seat, call: &Call<'_>, operand: &str) -> Result<(Device, Superblock), Unusable> {
    let host = &seat.host;
    let path = call.path(operand);
    let unusable = |text: String, blank| Err(Unusable { text, blank });
    let refused = |why: &str| format!("{why} while trying to open {operand}");
    if let Err(why) = host.view(&seat.user).stat(&path) {
        return unusable(refused(&why.to_string()), false);
    }
    if !seat.user.identity.is_root() {
        return unusable(refused("Permission denied"), false);
    }
    match find(host, &path) {
        Some(Found::Disk(device)) => match own(host, &device) {
            Some(superblock) => Ok((device, superblock)),
            None => unusable(refused("Bad magic number in super-block"), true),
        },
        Some(Found::Partition(..)) => unusable(refused("Bad magic number in super-block"), true),
        None => {
            let attr = host.root().stat(&path);
            let what = match attr.map(|attr| attr.node_type) {
                Ok(NodeType::Directory) => "Is a directory",
                _ => "Attempt to read block from filesystem resulted in short read",
            };
            unusable(refused(what), false)
        }
    }
}

/// Says with which version a program of e2fsprogs begins.
async fn greet(call: &Call<'_>, name: &str) -> bashkit::Result<()> {
    call.complain(format!("{name} {E2FSPROGS}")).await
}

/// Ends as programs of e2fsprogs do that find no filesystem.
async fn no_filesystem(call: &Call<'_>, name: &str, why: &Unusable, status: i32) -> Ended {
    call.complain(format!("{name}: {}", why.text)).await?;
    if why.blank {
        call.out("Couldn't find valid filesystem superblock.\n")
            .await?;
    }
    Ok(status)
}

/// Files in a filesystem, and blocks that are free.
fn usage(host: &Host, device: &Device, superblock: &Superblock) -> (u64, u64) {
    let tree = host.files.volume(&device.volume).ok().flatten();
    let usage = tree.map(|tree| tree.usage()).unwrap_or_default();
    // The root and `lost+found` are among those that a new filesystem has.
    let files = (usage.files + usage.directories).saturating_sub(2);
    (files, superblock.free_blocks(usage.bytes))
}
