//! ebsnvme-id: which volume an NVMe disk is, and as which it was attached (ec2-utils of Amazon Linux).

use async_trait::async_trait;

use super::{Found, find};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;

/// `ebsnvme-id`
pub struct EbsnvmeId;

#[async_trait]
impl Program for EbsnvmeId {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let (mut volume, mut block, mut udev) = (false, false, false);
        let mut operands = Vec::new();
        for arg in call.args {
            match arg.as_str() {
                "-v" | "--volume" => volume = true,
                "-b" | "--block-dev" => block = true,
                "-u" | "--udev" => udev = true,
                _ if arg.starts_with('-') => return call.unknown_option(2, arg).await,
                _ => operands.push(arg),
            }
        }
        let [operand] = operands[..] else {
            let usage = "usage: ebsnvme-id [-h] [-v | -b | -u] device";
            return call.fail(2, usage).await;
        };
        if !seat.user.identity.is_root() {
            let what = format!("[ERROR] [Errno 13] Permission denied: '{operand}'");
            return call.fail(1, what).await;
        }
        let device = match find(&seat.host, &call.path(operand)) {
            Some(Found::Disk(device)) if device.serial().is_some() => device,
            Some(_) => {
                return call
                    .fail(1, format!("[ERROR] Not an EBS device: '{operand}'"))
                    .await;
            }
            None => {
                let what = format!("[ERROR] [Errno 2] No such file or directory: '{operand}'");
                return call.fail(1, what).await;
            }
        };
        if udev {
            return call.done(device.asked.trim_start_matches("/dev/")).await;
        }
        if !block {
            call.out(format!("Volume ID: {}\n", device.volume)).await?;
        }
        if !volume {
            call.out(format!("{}\n", device.asked)).await?;
        }
        Ok(0)
    }
}
