//! `tar`: archives of files with their owners, modes, times and links. The shell library's own keeps none of these.

mod archive;
mod create;
mod listing;
mod options;
mod unpack;

use std::time::Duration;

use bashkit::{Builtin, BuiltinContext, ExecResult, async_trait};

use self::options::{Action, Options};
use super::program::absolute;
use crate::practice::compute::host::Seat;
use crate::practice::compute::users::Accounts;
use crate::practice::storage::{Content, Use, View};

/// Status after any error.
const FAILURE: i32 = 2;

/// `tar`, for one shell.
pub(super) struct Tar {
    pub seat: Seat,
}

/// One call, and what it says.
struct Run<'a> {
    options: &'a Options,
    view: View,
    accounts: Accounts,
    cwd: String,
    umask: u32,
    out: Vec<u8>,
    err: String,
    failed: bool,
    listing: listing::Listing,
    /// Beginnings of names that were taken off, each told once.
    removed: Vec<&'static str>,
}

/// Why nothing more can be done; told already.
struct Fatal;

#[async_trait]
impl Builtin for Tar {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let options = match Options::read(ctx.args) {
            Ok(options) => options,
            Err(text) => return Ok(ExecResult::err(text, FAILURE)),
        };
        let umask = super::program::umask(ctx.variables);
        let view = self.seat.view();
        view.set_umask(umask);
        let mut run = Run {
            accounts: Accounts::read(&view),
            view,
            options: &options,
            cwd: absolute("/", &ctx.cwd.to_string_lossy()),
            umask,
            out: Vec::new(),
            err: String::new(),
            failed: false,
            listing: listing::Listing::default(),
            removed: Vec::new(),
        };
        // The work itself waits for nothing.
        let files = options.file.iter().map(String::as_str);
        let operands = options.operands.iter().map(|operand| operand.name.as_str());
        let directories = options.directories.iter().map(String::as_str);
        for name in files.chain(operands).chain(directories) {
            let path = absolute(&run.cwd, name);
            run.view.pass(&path, Use::Look).await;
            run.view.pass_below(&path).await;
        }
        run.view.pass(&run.cwd, Use::Change).await;
        let stdin = ctx.stdin_bytes().unwrap_or_default();
        let ended = match options.action {
            Action::Create => run.create(),
            Action::Append => run.append(),
            Action::List | Action::Extract => run.unpack(stdin),
        };
        if ended.is_err() {
            run.say("Error is not recoverable: exiting now");
        } else if run.failed {
            run.say("Exiting with failure status due to previous errors");
        }
        run.view.settle(Duration::ZERO).await;
        let failed = run.failed || ended.is_err();
        Ok(ExecResult {
            stdout: run.out.into(),
            stderr: run.err.into(),
            exit_code: if failed { FAILURE } else { 0 },
            ..ExecResult::default()
        })
    }
}

impl Run<'_> {
    fn say(&mut self, text: &str) {
        self.err.push_str("tar: ");
        self.err.push_str(text);
        self.err.push('\n');
    }

    /// A complaint after which the rest goes on.
    fn complain(&mut self, text: &str) {
        self.say(text);
        self.failed = true;
    }

    fn fatal(&mut self, text: &str) -> Fatal {
        self.say(text);
        Fatal
    }

    /// The archive's path; `None` when it is standard input or output.
    fn file(&self) -> Option<String> {
        let file = self.options.file.as_deref().filter(|file| *file != "-")?;
        Some(absolute(&self.cwd, file))
    }

    /// The archive's name as it was typed.
    fn typed(&self) -> &str {
        self.options.file.as_deref().unwrap_or("-")
    }

    /// A member's line, where `-v` shows it. In an archive on standard output it goes to standard error.
    fn show(&mut self, line: &str) {
        let taken = self.options.action == Action::Create && self.file().is_none()
            || self.options.to_stdout;
        if taken {
            self.err.push_str(line);
            self.err.push('\n');
        } else {
            self.out.extend_from_slice(line.as_bytes());
            self.out.push(b'\n');
        }
    }

    /// A name as a member has it: below wherever it is unpacked.
    fn member_name(&mut self, name: &str) -> String {
        if self.options.absolute_names {
            return name.to_owned();
        }
        let mut rest = name;
        for beginning in ["/", "../"] {
            let before = rest;
            rest = rest.trim_start_matches(beginning);
            if rest != before && !self.removed.contains(&beginning) {
                self.removed.push(beginning);
                self.say(&format!("Removing leading `{beginning}' from member names"));
            }
        }
        if rest.is_empty() {
            "./".to_owned()
        } else {
            rest.to_owned()
        }
    }

    /// Writes the archive where it was asked for.
    fn store(&mut self, content: &Content) -> Result<(), Fatal> {
        let Some(path) = self.file() else {
            self.out.extend_from_slice(&content.to_vec());
            return Ok(());
        };
        self.view
            .put(&path, content, 0o666)
            .map_err(|why| self.fatal(&format!("{}: Cannot open: {why}", self.typed())))
    }
}
