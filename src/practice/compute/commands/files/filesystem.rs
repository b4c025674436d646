//! `stat -f`: what a filesystem tells of itself.

use super::program::{Call, Report};
use super::quote::always;
use crate::practice::storage::Mount;

/// Bytes of a block, as NFS (its largest transfer) and disks have it.
const NFS_BLOCK: u64 = 1024 * 1024;
const BLOCK: u64 = 4096;

/// Tells of the filesystem that holds each operand.
pub(super) fn run(call: &Call, operands: &[String], format: Option<&str>, report: &mut Report) {
    for name in operands {
        let path = call.path(name);
        if let Err(why) = call.view.stat(&path) {
            let what = format!(
                "cannot read file system information for {}: {why}",
                always(name)
            );
            report.complain(call, &what, 1);
            continue;
        }
        let mount = call.view.table().holding(&path);
        let text = format.map_or_else(
            || {
                filled(
                    "  File: \"%n\"\n    ID: %i Namelen: %l     Type: %T\n\
                     Block size: %s       Fundamental block size: %S\n\
                     Blocks: Total: %b Free: %f Available: %a\nInodes: Total: %c Free: %d",
                    name,
                    &mount,
                )
            },
            |format| filled(format, name, &mount),
        );
        report.line(&text);
    }
}

fn filled(format: &str, name: &str, mount: &Mount) -> String {
    let remote = mount.fstype.starts_with("nfs");
    let block = if remote { NFS_BLOCK } else { BLOCK };
    let used = mount.own + mount.tree.used_bytes();
    let free = mount.capacity.saturating_sub(used) / block;
    let usage = mount.tree.usage();
    // EFS counts no inodes.
    let inodes = if remote { 0 } else { mount.capacity / 4 / 512 };
    let (kind, magic) = match mount.fstype.as_str() {
        _ if remote => ("nfs", "6969"),
        "xfs" => ("xfs", "58465342"),
        "ext4" => ("ext2/ext3", "ef53"),
        "proc" => ("proc", "9fa0"),
        "sysfs" => ("sysfs", "62656572"),
        _ => ("tmpfs", "1021994"),
    };
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        text.push_str(&match letters.next() {
            Some('n') => name.to_owned(),
            Some('T') => kind.to_owned(),
            Some('t') => magic.to_owned(),
            Some('s' | 'S') => block.to_string(),
            Some('b') => (mount.capacity / block).to_string(),
            Some('f' | 'a') => free.to_string(),
            Some('c') => inodes.to_string(),
            Some('d') => inodes
                .saturating_sub(usage.files + usage.directories)
                .to_string(),
            Some('i') => "0".to_owned(),
            Some('l') => "255".to_owned(),
            Some('%') => "%".to_owned(),
            _ => "?".to_owned(),
        });
    }
    text
}
