//! mountpoint: whether something is mounted on a directory.

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::storage::Use;

/// `mountpoint`
pub struct Mountpoint;

/// Exit status for a directory that is none (util-linux since 2.36).
const NONE: i32 = 32;

#[async_trait]
impl Program for Mountpoint {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut quiet = false;
        let mut operands = Vec::new();
        for arg in call.args {
            match arg.as_str() {
                "-q" | "--quiet" => quiet = true,
                "--nofollow" => {}
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    return call.unknown_option(1, arg).await;
                }
                _ => operands.push(arg),
            }
        }
        let [operand] = operands[..] else {
            let usage = "mountpoint: bad usage\nTry 'mountpoint --help' for more information.";
            return call.fail(1, usage).await;
        };
        let view = seat.patient_view();
        let path = call.path(operand);
        view.pass(&path, Use::Look).await;
        let path = match view.canonical(&path) {
            Ok(path) => path,
            Err(_) if quiet => return Ok(1),
            Err(why) => return call.fail(1, format!("mountpoint: {operand}: {why}")).await,
        };
        let mounts = seat.host.mounts.mounts();
        let is_one = mounts.iter().any(|mount| mount.target == path);
        if !quiet {
            let word = if is_one { "is" } else { "is not" };
            call.done(format!("{operand} {word} a mountpoint")).await?;
        }
        Ok(if is_one { 0 } else { NONE })
    }
}
