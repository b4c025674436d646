//! dumpe2fs -h: what a filesystem says of itself.

use std::fmt::Write as _;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{ext4, greet, no_filesystem, usage};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::storage::Superblock;

/// `dumpe2fs`
pub struct Dumpe2fs;

#[async_trait]
impl Program for Dumpe2fs {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let (options, operands): (Vec<&String>, Vec<&String>) =
            call.args.iter().partition(|arg| arg.starts_with('-'));
        if let Some(other) = options.iter().find(|option| option.as_str() != "-h") {
            return call.unknown_option(1, other).await;
        }
        greet(call, "dumpe2fs").await?;
        let [operand] = operands[..] else {
            return call.fail(1, "Usage: dumpe2fs [-h] device").await;
        };
        if options.is_empty() {
            let what = "dumpe2fs: a practice instance has no groups of blocks to show (use -h)";
            return call.fail(1, what).await;
        }
        match ext4(seat, call, operand) {
            Ok((device, superblock)) => {
                let (files, free) = usage(&seat.host, &device, &superblock);
                let mounted = !super::targets(&seat.host, &device.path()).is_empty();
                call.out(header(&superblock, files, free, mounted)).await?;
                Ok(0)
            }
            Err(why) => no_filesystem(call, "dumpe2fs", &why, 1).await,
        }
    }
}

/// The lines of dumpe2fs and tune2fs about the superblock.
pub fn header(superblock: &Superblock, files: u64, free: u64, mounted: bool) -> String {
    let date = |at: Timestamp| at.strftime("%a %b %e %H:%M:%S %Y").to_string();
    let (inodes, free_inodes) = superblock.inodes(files);
    let features = if mounted { " needs_recovery" } else { "" };
    let lines = [
        (
            "Filesystem volume name",
            if superblock.label.is_empty() {
                "<none>".to_owned()
            } else {
                superblock.label.clone()
            },
        ),
        (
            "Last mounted on",
            match &superblock.mounted {
                Some((_, target)) => target.clone(),
                None => "<not available>".to_owned(),
            },
        ),
        ("Filesystem UUID", superblock.uuid.clone()),
        ("Filesystem magic number", "0xEF53".to_owned()),
        ("Filesystem revision #", "1 (dynamic)".to_owned()),
        (
            "Filesystem features",
            format!(
                "has_journal ext_attr resize_inode dir_index filetype{features} extent 64bit flex_bg sparse_super large_file huge_file dir_nlink extra_isize metadata_csum"
            ),
        ),
        ("Filesystem flags", "signed_directory_hash ".to_owned()),
        ("Default mount options", "user_xattr acl".to_owned()),
        ("Filesystem state", "clean".to_owned()),
        ("Errors behavior", "Continue".to_owned()),
        ("Filesystem OS type", "Linux".to_owned()),
        ("Inode count", inodes.to_string()),
        ("Block count", superblock.blocks.to_string()),
        ("Reserved block count", superblock.reserved.to_string()),
        ("Overhead clusters", superblock.overhead().to_string()),
        ("Free blocks", free.to_string()),
        ("Free inodes", free_inodes.to_string()),
        ("First block", "0".to_owned()),
        ("Block size", "4096".to_owned()),
        ("Fragment size", "4096".to_owned()),
        ("Group descriptor size", "64".to_owned()),
        (
            "Reserved GDT blocks",
            superblock.descriptors().1.to_string(),
        ),
        ("Blocks per group", "32768".to_owned()),
        ("Fragments per group", "32768".to_owned()),
        ("Inodes per group", "8192".to_owned()),
        ("Inode blocks per group", "512".to_owned()),
        ("Flex block group size", "16".to_owned()),
        ("Filesystem created", date(superblock.made)),
        (
            "Last mount time",
            match &superblock.mounted {
                Some((at, _)) => date(*at),
                None => "n/a".to_owned(),
            },
        ),
        ("Last write time", date(superblock.written)),
        ("Mount count", superblock.mounts.to_string()),
        ("Maximum mount count", "-1".to_owned()),
        ("Last checked", date(superblock.checked)),
        ("Check interval", "0 (<none>)".to_owned()),
        ("Reserved blocks uid", "0 (user root)".to_owned()),
        ("Reserved blocks gid", "0 (group root)".to_owned()),
        ("First inode", "11".to_owned()),
        ("Inode size", "256".to_owned()),
        ("Journal inode", "8".to_owned()),
        ("Default directory hash", "half_md4".to_owned()),
        ("Checksum type", "crc32c".to_owned()),
    ];
    let mut text = String::new();
    for (name, value) in lines {
        let _ = writeln!(text, "{:<25} {value}", format!("{name}:"));
    }
    text
}
