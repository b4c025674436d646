//! e2fsck: checks a filesystem that is not mounted. There is never anything to repair.

use std::time::Duration;

use async_trait::async_trait;

use super::{ext4, greet, targets, usage};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::{Seat, Session};

/// Account time that a full check takes (estimate).
const TAKES: Duration = Duration::from_secs(1);
/// Exit status of an operational error.
const FAILED: i32 = 8;

/// `e2fsck`, `fsck.ext4`
pub struct E2fsck;

#[async_trait]
impl Program for E2fsck {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let (mut full, mut answers, mut preen) = (false, false, false);
        let mut operands = Vec::new();
        for arg in call.args {
            let Some(letters) = arg.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                operands.push(arg);
                continue;
            };
            for letter in letters.chars() {
                match letter {
                    'f' => full = true,
                    'p' | 'a' => (answers, preen) = (true, true),
                    'y' | 'n' => answers = true,
                    'v' | 't' => {}
                    _ => return call.unknown_option(16, arg).await,
                }
            }
        }
        if !preen {
            greet(call, "e2fsck").await?;
        }
        let [operand] = operands[..] else {
            return call.fail(16, "Usage: e2fsck [-panyfv] device").await;
        };
        if !answers && seat.session == Session::Batch {
            let what = "e2fsck: need terminal for interactive repairs";
            return call.fail(FAILED, what).await;
        }
        let host = &seat.host;
        let (device, mut superblock) = match ext4(seat, call, operand) {
            Ok(found) => found,
            Err(why) => {
                let text = format!("e2fsck: {}", why.text);
                return call.fail(FAILED, text).await;
            }
        };
        if !targets(host, &device.path()).is_empty() {
            call.out(format!("{operand} is mounted.\n")).await?;
            let what = "e2fsck: Cannot continue, aborting.\n\n";
            return call.fail(FAILED, what).await;
        }
        let (files, free) = usage(host, &device, &superblock);
        let (inodes, free_inodes) = superblock.inodes(files);
        let used = format!("{}/{inodes} files", inodes - free_inodes);
        let blocks = format!("{}/{} blocks", superblock.blocks - free, superblock.blocks);
        if !full {
            return call
                .done(format!("{operand}: clean, {used}, {blocks}"))
                .await;
        }
        seat.activity.sleep(TAKES).await;
        superblock.checked = host.clock.now();
        superblock.mounts = 0;
        if let Err(why) = host.files.set_superblock(&device.volume, &superblock) {
            return call.fail(FAILED, format!("e2fsck: {why}")).await;
        }
        if !preen {
            call.out(
                "Pass 1: Checking inodes, blocks, and sizes\nPass 2: Checking directory structure\n\
                 Pass 3: Checking directory connectivity\nPass 4: Checking reference counts\n\
                 Pass 5: Checking group summary information\n",
            )
            .await?;
        }
        call.done(format!("{operand}: {used} (0.0% non-contiguous), {blocks}"))
            .await
    }
}
