//! `tee`: copies its input to files and to its output, as it comes.

use std::time::Duration;

use bashkit::{Command, CommandContext, CommandStatus, async_trait};

use super::options::{Syntax, flag, letter};
use super::program::{Call, Report, UMASK, absolute};
use crate::practice::compute::host::Seat;
use crate::practice::storage::Use;

const SYNTAX: Syntax = Syntax {
    operands: "[FILE]...",
    about: "Copy standard input to each FILE, and also to standard output.",
    options: &[
        flag("a", "append"),
        flag("i", "ignore-interrupts"),
        letter("p", "output errors"),
    ],
    misuse: 1,
    strict: false,
};

/// `tee`, for one shell.
pub(super) struct Tee {
    pub seat: Seat,
}

#[async_trait]
impl Command for Tee {
    async fn execute(&self, ctx: CommandContext<'_>) -> bashkit::Result<CommandStatus> {
        let host = &self.seat.host;
        let call = Call {
            program: "tee",
            args: ctx.args.to_vec(),
            env: ctx.env.clone(),
            cwd: absolute("/", &ctx.cwd.to_string_lossy()),
            user: self.seat.user.name.clone(),
            view: self.seat.view(),
            now: host.clock.now(),
            to_screen: false,
            stdin: String::new(),
            umask: UMASK,
            questions: None,
        };
        let mut report = Report::default();
        let Some(given) = SYNTAX.read(&call, &mut report) else {
            ctx.stdout.write_all(report.out.as_bytes()).await?;
            ctx.stderr.write_all(report.err.as_bytes()).await?;
            return Ok(CommandStatus::with_code(report.code));
        };
        let mut files = Vec::new();
        let mut status = 0;
        for operand in &given.operands {
            let path = call.path(operand);
            call.view.pass(&path, Use::Change).await;
            let opened = if given.has("append") {
                call.view.append(&path, &[])
            } else {
                call.view.write(&path, &[])
            };
            match opened {
                Ok(()) => files.push((operand, path)),
                Err(why) => {
                    status = 1;
                    let line = format!("tee: {operand}: {why}\n");
                    ctx.stderr.write_all(line.as_bytes()).await?;
                }
            }
        }
        while let Some(chunk) = ctx.stdin.read_chunk().await? {
            for (operand, path) in &files {
                call.view.pass(path, Use::Change).await;
                if let Err(why) = call.view.append(path, &chunk) {
                    status = 1;
                    let line = format!("tee: {operand}: {why}\n");
                    ctx.stderr.write_all(line.as_bytes()).await?;
                }
            }
            ctx.stdout.write_all(&chunk).await?;
            call.view.settle(Duration::ZERO).await;
        }
        call.view.end_stream();
        call.view.settle(Duration::ZERO).await;
        Ok(CommandStatus::with_code(status))
    }
}
