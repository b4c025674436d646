//! fallocate: gives a file room before anything is written.

use async_trait::async_trait;

use super::count;
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::storage::{Errno, Use};

/// `fallocate`
pub struct Fallocate;

#[async_trait]
impl Program for Fallocate {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let (mut length, mut offset, mut keeps) = (None, 0, false);
        let mut operands = Vec::new();
        let mut args = call.args.iter();
        while let Some(arg) = args.next() {
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ if arg.starts_with("-l") || arg.starts_with("-o") => {
                    let rest = &arg[2..];
                    (&arg[..2], (!rest.is_empty()).then(|| rest.to_owned()))
                }
                _ => (arg.as_str(), None),
            };
            match name {
                "-l" | "--length" | "-o" | "--offset" => {
                    let value = inline.or_else(|| args.next().cloned()).unwrap_or_default();
                    let Some(bytes) = count(&value) else {
                        let what = if name.ends_with(['l', 'h']) {
                            "length"
                        } else {
                            "offset"
                        };
                        let line = format!("fallocate: invalid {what} value specified");
                        return call.fail(1, line).await;
                    };
                    if name.ends_with(['l', 'h']) {
                        length = Some(bytes);
                    } else {
                        offset = bytes;
                    }
                }
                "-n" | "--keep-size" => keeps = true,
                "-x" | "--posix" | "-v" | "--verbose" => {}
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    return call.unknown_option(1, arg).await;
                }
                _ => operands.push(arg),
            }
        }
        let Some(length) = length else {
            return call
                .fail(1, "fallocate: no length argument specified")
                .await;
        };
        let [operand] = operands[..] else {
            return call.fail(1, "fallocate: no filename specified").await;
        };
        let view = seat.view();
        let path = call.path(operand);
        view.pass(&path, Use::Change).await;
        if view.stat(&path) == Err(Errno::NotFound)
            && let Err(why) = view.touch(&path)
        {
            let line = format!("fallocate: cannot open {operand}: {why}");
            return call.fail(1, line).await;
        }
        // NFS 4.1 knows no such operation.
        if seat.host.mounts.holding(&path).fstype.starts_with("nfs") {
            return call
                .fail(1, "fallocate: fallocate failed: Operation not supported")
                .await;
        }
        let end = offset.saturating_add(length);
        let grown = view.stat(&path).and_then(|attr| {
            if keeps || attr.size >= end {
                return Ok(());
            }
            view.resize(&path, end)
        });
        match grown {
            Ok(()) => Ok(0),
            Err(why) => {
                call.fail(1, format!("fallocate: fallocate failed: {why}"))
                    .await
            }
        }
    }
}
