//! tune2fs and e2label: look at and change what a filesystem says of itself.

use async_trait::async_trait;

use super::{dumpe2fs, ext4, greet, no_filesystem, usage};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::uuid::uuid;

/// Characters of a label.
const LABEL: usize = 16;

/// `tune2fs`
pub struct Tune2fs;

#[async_trait]
impl Program for Tune2fs {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        greet(call, "tune2fs").await?;
        let usage_line =
            "Usage: tune2fs [-l] [-L volume_label] [-U UUID] [-m reserved_percent] device";
        let mut list = false;
        let mut label = None;
        let mut id = None;
        let mut reserved = None;
        let mut operands = Vec::new();
        let mut args = call.args.iter();
        while let Some(arg) = args.next() {
            let mut value = |inline: &str| {
                let inline = (!inline.is_empty()).then(|| inline.to_owned());
                inline.or_else(|| args.next().cloned())
            };
            match (
                arg.get(..2).unwrap_or(arg),
                arg.get(2..).unwrap_or_default(),
            ) {
                ("-l", "") => list = true,
                ("-L", rest) => label = value(rest),
                ("-U", rest) => id = value(rest),
                ("-m", rest) => {
                    reserved = value(rest).and_then(|given| given.parse::<u64>().ok());
                    if reserved.is_none_or(|percent| percent > 50) {
                        let what = "tune2fs: invalid reserved block ratio";
                        return call.fail(1, what).await;
                    }
                }
                _ if arg.starts_with('-') => return call.unknown_option(1, arg).await,
                _ => operands.push(arg),
            }
        }
        let [operand] = operands[..] else {
            return call.fail(1, usage_line).await;
        };
        if !list && label.is_none() && id.is_none() && reserved.is_none() {
            return call.fail(1, usage_line).await;
        }
        let (device, mut superblock) = match ext4(seat, call, operand) {
            Ok(found) => found,
            Err(why) => return no_filesystem(call, "tune2fs", &why, 1).await,
        };
        let host = &seat.host;
        if let Some(percent) = reserved {
            superblock.reserved = superblock.blocks * percent / 100;
            let blocks = superblock.reserved;
            call.out(format!(
                "Setting reserved blocks percentage to {percent}% ({blocks} blocks)\n"
            ))
            .await?;
        }
        if let Some(label) = &label {
            superblock.label = label.chars().take(LABEL).collect();
        }
        if let Some(given) = &id {
            superblock.uuid = match given.as_str() {
                "random" | "time" => uuid(rand::random()),
                given => given.to_owned(),
            };
        }
        if list {
            let (files, free) = usage(host, &device, &superblock);
            let mounted = !super::targets(host, &device.path()).is_empty();
            call.out(dumpe2fs::header(&superblock, files, free, mounted))
                .await?;
        }
        if label.is_some() || id.is_some() || reserved.is_some() {
            superblock.written = host.clock.now();
            if let Err(why) = host.files.set_superblock(&device.volume, &superblock) {
                return call.fail(1, format!("tune2fs: {why}")).await;
            }
            if let Ok(Some(tree)) = host.files.volume(&device.volume) {
                tree.set_room(&superblock);
            }
            host.name_devices();
        }
        Ok(0)
    }
}

/// `e2label`
pub struct E2label;

#[async_trait]
impl Program for E2label {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let (operand, label) = match call.args {
            [operand] => (operand, None),
            [operand, label] => (operand, Some(label)),
            _ => return call.fail(1, "Usage: e2label device [newlabel]").await,
        };
        let (device, mut superblock) = match ext4(seat, call, operand) {
            Ok(found) => found,
            Err(why) => return no_filesystem(call, "e2label", &why, 1).await,
        };
        let Some(label) = label else {
            return call.done(superblock.label).await;
        };
        superblock.label = label.chars().take(LABEL).collect();
        if let Err(why) = seat.host.files.set_superblock(&device.volume, &superblock) {
            return call.fail(1, format!("e2label: {why}")).await;
        }
        seat.host.name_devices();
        Ok(0)
    }
}
