//! resize2fs: makes a filesystem as large as its device.

use std::time::Duration;

use async_trait::async_trait;

use super::{Found, ext4, find, no_filesystem, targets};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;

/// Account time that it takes (estimate).
const TAKES: Duration = Duration::from_millis(600);
/// Bytes of a block.
const BLOCK: u64 = 4096;

/// `resize2fs`
pub struct Resize2fs;

/// What is asked for.
struct Wanted<'a> {
    operand: &'a str,
    size: Option<&'a str>,
    force: bool,
}

impl<'a> Wanted<'a> {
    fn read(args: &'a [String]) -> Result<Self, String> {
        let mut force = false;
        let mut operands = Vec::new();
        for arg in args {
            match arg.as_str() {
                "-f" => force = true,
                "-p" | "-F" => {}
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    let letter = arg.chars().nth(1).unwrap_or('-');
                    return Err(format!("resize2fs: invalid option -- '{letter}'"));
                }
                _ => operands.push(arg.as_str()),
            }
        }
        let (operand, size) = match operands[..] {
            [operand] => (operand, None),
            [operand, size] => (operand, Some(size)),
            _ => return Err("Usage: resize2fs [-f] [-F] [-p] device [new_size]".to_owned()),
        };
        Ok(Self {
            operand,
            size,
            force,
        })
    }
}

#[async_trait]
impl Program for Resize2fs {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        super::greet(call, "resize2fs").await?;
        let Wanted {
            operand,
            size,
            force,
        } = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(what) => return call.fail(1, what).await,
        };
        let host = &seat.host;
        // A mount point stands for what is mounted there.
        let path = call.path(operand);
        let mounted = host.mounts.mounts().into_iter().rev();
        let mut mounted = mounted.filter(|mount| mount.target == path);
        let operand = mounted
            .next()
            .map_or(operand.to_owned(), |mount| mount.source);
        let (device, mut superblock) = match ext4(seat, call, &operand) {
            Ok(found) => found,
            Err(why) if !why.blank && why.text.starts_with("No such file") => {
                let text = why
                    .text
                    .replace(" while trying to open ", " while opening ");
                return call.fail(1, format!("open: {text}")).await;
            }
            Err(why) => return no_filesystem(call, "resize2fs", &why, 1).await,
        };
        let bytes = match size.map(parse) {
            None => device.bytes,
            Some(Some(bytes)) => bytes,
            Some(None) => {
                let what = format!(
                    "resize2fs: Invalid new size: {}\n",
                    size.unwrap_or_default()
                );
                return call.fail(1, what).await;
            }
        };
        if bytes > device.bytes {
            let what = format!(
                "The containing partition (or device) is only {} (4k) blocks.\nYou requested a new size of {} blocks.\n",
                device.bytes / BLOCK,
                bytes / BLOCK
            );
            return call.fail(1, what).await;
        }
        let blocks = bytes / BLOCK;
        if blocks == superblock.blocks {
            let what =
                format!("The filesystem is already {blocks} (4k) blocks long.  Nothing to do!\n");
            return call.fail(0, what).await;
        }
        let target = targets(host, &device.path()).pop();
        let old = superblock.descriptors().0;
        if blocks < superblock.blocks {
            let what = if target.is_some() {
                "resize2fs: On-line shrinking not supported"
            } else {
                "resize2fs: a practice instance does not shrink filesystems"
            };
            return call.fail(1, what).await;
        }
        let stale = superblock
            .mounted
            .as_ref()
            .is_some_and(|(at, _)| *at > superblock.checked);
        if target.is_none() && stale && !force {
            let what = format!("Please run 'e2fsck -f {operand}' first.\n");
            return call.fail(1, what).await;
        }
        seat.activity.sleep(TAKES).await;
        // It may have been detached meanwhile.
        if !matches!(find(host, &device.path()), Some(Found::Disk(_))) {
            return call.fail(1, "resize2fs: Input/output error").await;
        }
        superblock.grow(bytes, host.clock.now());
        if let Err(why) = host.files.set_superblock(&device.volume, &superblock) {
            return call.fail(1, format!("resize2fs: {why}")).await;
        }
        let told = match target {
            Some(target) => {
                host.mounts.resize(&device.path(), superblock.capacity());
                if let Ok(Some(tree)) = host.files.volume(&device.volume) {
                    tree.set_room(&superblock);
                }
                host.console_line(&format!(
                    "EXT4-fs ({}): resized filesystem to {blocks}",
                    device.name
                ));
                let new = superblock.descriptors().0;
                format!(
                    "Filesystem at {operand} is mounted on {target}; on-line resizing required\n\
                     old_desc_blocks = {old}, new_desc_blocks = {new}\n"
                )
            }
            None => format!("Resizing the filesystem on {operand} to {blocks} (4k) blocks.\n"),
        };
        call.done(format!(
            "{told}The filesystem on {operand} is now {blocks} (4k) blocks long.\n"
        ))
        .await
    }
}

/// Bytes of a size: blocks, or with a unit (`7G`).
fn parse(size: &str) -> Option<u64> {
    let (number, unit) = match size.char_indices().last()? {
        (at, letter) if letter.is_ascii_alphabetic() => (&size[..at], letter.to_ascii_uppercase()),
        _ => (size, 'B'),
    };
    let unit = match unit {
        'B' => BLOCK,
        'S' => 512,
        'K' => 1 << 10,
        'M' => 1 << 20,
        'G' => 1 << 30,
        'T' => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}
