//! fsfreeze: holds up whoever writes to a filesystem, until it is told otherwise.

use async_trait::async_trait;

use super::{Found, find};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;

/// `fsfreeze`
pub struct Fsfreeze;

#[async_trait]
impl Program for Fsfreeze {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let usage = "Try 'fsfreeze --help' for more information.";
        let mut freeze = None;
        let mut operands = Vec::new();
        for arg in call.args {
            match arg.as_str() {
                "-f" | "--freeze" => freeze = Some(true),
                "-u" | "--unfreeze" => freeze = Some(false),
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    return call.unknown_option(1, arg).await;
                }
                _ => operands.push(arg),
            }
        }
        let Some(freeze) = freeze else {
            let what = "fsfreeze: neither --freeze or --unfreeze specified";
            return call.fail(1, what).await;
        };
        let [operand] = operands[..] else {
            let what = if operands.is_empty() {
                "no filename specified"
            } else {
                "unexpected number of arguments"
            };
            return call.fail(1, format!("fsfreeze: {what}\n{usage}")).await;
        };
        let host = &seat.host;
        let path = call.path(operand);
        match host.view(&seat.user).stat(&path) {
            Err(why) => {
                let what = format!("fsfreeze: cannot open {operand}: {why}");
                return call.fail(1, what).await;
            }
            Ok(attr) if !attr.is_dir() => {
                let what = format!("fsfreeze: {operand}: is not a directory");
                return call.fail(1, what).await;
            }
            Ok(_) => {}
        }
        let mount = host.mounts.holding(&path);
        let done = if seat.user.identity.is_root() {
            match find(host, &mount.source) {
                Some(Found::Disk(device)) if freeze => device.brake.freeze(),
                Some(Found::Disk(device)) => device.brake.thaw(),
                // A share and memory cannot be frozen; the root disk could be, and then nothing works any more.
                _ => return failed(call, operand, freeze, "Operation not supported").await,
            }
        } else {
            return failed(call, operand, freeze, "Operation not permitted").await;
        };
        match done {
            Ok(()) => Ok(0),
            Err(why) => failed(call, operand, freeze, &why.to_string()).await,
        }
    }
}

async fn failed(call: &Call<'_>, operand: &str, freeze: bool, why: &str) -> Ended {
    let what = if freeze { "freeze" } else { "unfreeze" };
    call.fail(1, format!("fsfreeze: {operand}: {what} failed: {why}"))
        .await
}
