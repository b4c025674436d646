//! dd: copies blocks, in the account time that the filesystems on both sides take.

mod operands;
mod report;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use self::operands::{Operands, Status};
use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::storage::{Access, Content, Errno, Kind, NodeType, Tree, Use, View};

/// Account time that may gather before it is waited for: less than any filesystem needs for one operation of a stream.
/// So whoever else uses it has a turn after each.
const GATHERED: Duration = Duration::from_millis(1);
/// What opening both sides takes, and with it the least that any transfer takes (estimate).
const OPENING: SignedDuration = SignedDuration::from_micros(50);
/// Blocks after which others may run.
const ROUNDS: u64 = 16;

/// `dd`
pub struct Dd;

#[async_trait]
impl Program for Dd {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let operands = match Operands::parse(call.args) {
            Ok(operands) => operands,
            Err(why) => {
                let line = format!("dd: {why}\nTry 'dd --help' for more information.");
                return call.fail(1, line).await;
            }
        };
        let view = seat.patient_view().timed_alone();
        let mut copy = Copy {
            seat,
            call,
            // Time goes on between two looks at the clock: what is measured begins where the view's own time does.
            began: view.due().unwrap_or_else(|| seat.host.clock.now()),
            view,
            shown: 0,
            done: Done::default(),
            over: false,
            operands,
        };
        copy.run().await
    }
}

/// Blocks that were copied: whole ones and others.
#[derive(Default)]
struct Done {
    read: (u64, u64),
    written: (u64, u64),
    bytes: u64,
}

/// Where blocks come from.
enum Source {
    /// A file, and how far it was read.
    File {
        path: String,
        content: Content,
        at: u64,
    },
    /// What makes new bytes at each read.
    Device { path: String, left: Content },
    /// A disk whose bytes are not modelled: so many of them, at its own speed.
    Volume {
        tree: Arc<Tree>,
        bytes: u64,
        at: u64,
    },
    /// Standard input.
    Input { content: Content, at: u64 },
}

/// Where blocks go.
enum Sink {
    /// A file, and where the next one goes.
    File { path: String, at: u64 },
    /// Standard output.
    Output,
}

struct Copy<'a, 'b> {
    seat: &'a Seat,
    call: &'a Call<'b>,
    operands: Operands,
    view: View,
    began: Timestamp,
    /// Seconds for which progress was shown.
    shown: i64,
    done: Done,
    /// Whether everything was said.
    over: bool,
}

/// Interrupted: dd tells how far it has got, as on SIGINT.
impl Drop for Copy<'_, '_> {
    fn drop(&mut self) {
        if !self.over && self.done.read != (0, 0) {
            self.view.end_stream();
            self.seat.process.leave(&self.figures());
        }
    }
}

impl Copy<'_, '_> {
    async fn run(&mut self) -> Ended {
        let call = self.call;
        let files = [
            (&self.operands.input, Use::Look),
            (&self.operands.output, Use::Look),
            (&self.operands.output, Use::Change),
        ];
        for (name, purpose) in files {
            if let Some(name) = name {
                self.view.pass(&call.path(name), purpose).await;
            }
        }
        let mut source = match self.source().await? {
            Ok(source) => source,
            Err(line) => return call.fail(1, line).await,
        };
        let mut sink = match self.sink() {
            Ok(sink) => sink,
            Err(line) => return call.fail(1, line).await,
        };
        let failed = self.blocks(&mut source, &mut sink).await?;
        if failed.is_none()
            && let Sink::File { path, .. } = &sink
        {
            self.close(path).await?;
        }
        self.view.end_stream();
        self.wait(Duration::ZERO).await?;
        if self.operands.status == Status::Progress && self.shown > 0 {
            call.err("\n").await?;
        }
        if let Some(line) = &failed {
            call.complain(line).await?;
        }
        self.over = true;
        call.err(self.figures()).await?;
        Ok(i32::from(failed.is_some()))
    }

    async fn blocks(
        &mut self,
        source: &mut Source,
        sink: &mut Sink,
    ) -> bashkit::Result<Option<String>> {
        let mut rounds: u64 = 0;
        while self.operands.count.is_none_or(|count| rounds < count) {
            rounds += 1;
            if let Source::File { path, .. } = source {
                self.view.pass(path, Use::Look).await;
            }
            let block = match self.read(source) {
                Ok(block) if block.is_empty() => break,
                Ok(block) => block,
                Err(why) => {
                    let name = self.operands.input.as_deref().unwrap_or("standard input");
                    return Ok(Some(format!("dd: error reading '{name}': {why}")));
                }
            };
            let full = block.len() == self.operands.block;
            let count = |blocks: &mut (u64, u64)| {
                *(if full { &mut blocks.0 } else { &mut blocks.1 }) += 1;
            };
            count(&mut self.done.read);
            match sink {
                Sink::Output => {
                    self.view.copied(block.len());
                    for part in block.parts() {
                        self.call.out(part).await?;
                    }
                }
                Sink::File { path, at } => {
                    self.view.pass(path, Use::Change).await;
                    let manner = self.operands.writes;
                    if let Err(why) = self.view.overwrite(path, *at, &block, manner) {
                        if why == Errno::NoSpace {
                            self.fill(path, *at, &block);
                        }
                        let name = self.operands.output.as_deref().unwrap_or_default();
                        return Ok(Some(format!("dd: error writing '{name}': {why}")));
                    }
                    *at += block.len();
                }
            }
            count(&mut self.done.written);
            self.done.bytes += block.len();
            self.wait(GATHERED).await?;
            if rounds.is_multiple_of(ROUNDS) {
                tokio::task::yield_now().await;
            }
        }
        Ok(None)
    }

    /// Writes of a block what has room.
    fn fill(&mut self, path: &str, mut at: u64, block: &Content) {
        let (mut from, mut part) = (0, block.len());
        while part > 1 {
            part = part.div_ceil(2);
            let piece = block.slice(from, part);
            let written = self.view.overwrite(path, at, &piece, self.operands.writes);
            if written.is_ok() {
                from += piece.len();
                at += piece.len();
            }
        }
        self.done.bytes += from;
        self.done.written.1 += u64::from(from > 0);
    }

    async fn source(&self) -> bashkit::Result<Result<Source, String>> {
        let skipped = self.operands.skip.saturating_mul(self.operands.block);
        let Some(name) = &self.operands.input else {
            let content = self.call.input().await?.into();
            return Ok(Ok(Source::Input {
                content,
                at: skipped,
            }));
        };
        let path = self.call.path(name);
        let opened = self.view.stat(&path).and_then(|attr| {
            if attr.node_type == NodeType::Device {
                self.view.content(&path)?;
                let left = Content::default();
                return Ok(Source::Device {
                    path: path.clone(),
                    left,
                });
            }
            if attr.is_dir() {
                return Err(Errno::IsDirectory);
            }
            if attr.node_type == NodeType::Block
                && self.is_thrown_away()
                && let Some((tree, bytes)) = self.seat.host.bytes_of(&self.view.canonical(&path)?)
            {
                self.view.check(&path, Access::Read)?;
                return Ok(Source::Volume {
                    tree,
                    bytes,
                    at: skipped,
                });
            }
            let content = self.view.open(&path)?;
            Ok(Source::File {
                path: path.clone(),
                content,
                at: skipped,
            })
        });
        Ok(opened.map_err(|why| match why {
            Errno::IsDirectory => format!("dd: error reading '{name}': {why}"),
            _ => format!("dd: failed to open '{name}': {why}"),
        }))
    }

    /// Whether what is read goes where nobody sees it (`of=/dev/null`).
    fn is_thrown_away(&self) -> bool {
        let output = self.operands.output.as_ref();
        output.is_some_and(|output| {
            let found = self.view.stat(&self.call.path(output));
            found.is_ok_and(|attr| attr.node_type == NodeType::Device)
        })
    }

    fn sink(&self) -> Result<Sink, String> {
        let Some(name) = &self.operands.output else {
            return Ok(Sink::Output);
        };
        let path = self.call.path(name);
        let at = self.operands.seek.saturating_mul(self.operands.block);
        self.made(&path, at)
            .map_err(|why| format!("dd: failed to open '{name}': {why}"))?;
        Ok(Sink::File { path, at })
    }

    /// Opens what is written to, and cuts it off where writing begins.
    fn made(&self, path: &str, at: u64) -> Result<(), Errno> {
        match self.view.stat(path) {
            Ok(attr) if attr.is_dir() => Err(Errno::IsDirectory),
            Ok(attr) if attr.node_type != NodeType::File => self.view.check(path, Access::Write),
            Ok(_) if self.operands.keep => self.view.check(path, Access::Write),
            Ok(attr) => {
                let kept = if at == 0 {
                    Content::default()
                } else {
                    self.view.open(path)?.slice(0, at.min(attr.size))
                };
                self.view.put(path, &kept, 0o666)
            }
            Err(Errno::NotFound) => self.view.make(path, Kind::File(Content::default()), 0o666),
            Err(why) => Err(why),
        }
    }

    /// The next block; empty at the end.
    fn read(&self, source: &mut Source) -> Result<Content, Errno> {
        let block = self.operands.block;
        match source {
            Source::Input { content, at } => {
                let part = content.slice(*at, block);
                *at += part.len();
                Ok(part)
            }
            Source::File { path, content, at } => {
                let part = content.slice(*at, block);
                self.view
                    .read_part(path, *at, part.len(), self.operands.reads)?;
                *at += part.len();
                Ok(part)
            }
            Source::Volume { tree, bytes, at } => {
                let part = Content::zeros(block.min(bytes.saturating_sub(*at)));
                self.view.read_device(tree, *at, part.len());
                *at += part.len();
                Ok(part)
            }
            Source::Device { path, left } => {
                while left.len() < block {
                    // Faster than anything that is written to, and beside it.
                    let more = self.seat.host.view(&self.seat.user).content(path)?;
                    if more.is_empty() {
                        break;
                    }
                    if more.is_hole() {
                        // A device that gives zeros gives nothing else, and need not be asked for each piece.
                        left.append_zeros(block - left.len());
                    } else {
                        left.append_content(&more);
                    }
                }
                let part = left.slice(0, block);
                *left = left.slice(block, u64::MAX);
                Ok(part)
            }
        }
    }

    /// What is written is stored when a file of a share is closed; on a disk only when that is asked for.
    async fn close(&self, path: &str) -> bashkit::Result<()> {
        let shared = self
            .seat
            .host
            .mounts
            .holding(path)
            .fstype
            .starts_with("nfs");
        if (shared || self.operands.sync)
            && let Err(why) = self.view.flush(path)
        {
            tracing::debug!(%why, path, "removed while dd wrote to it");
        }
        if self.operands.sync {
            // Asked for is that it outlives a crash: of the program that keeps these machines, too.
            let files = self.seat.host.files.clone();
            let flushed = tokio::task::spawn_blocking(move || files.flush()).await;
            flushed
                .map_err(std::io::Error::other)?
                .map_err(std::io::Error::other)?;
        }
        Ok(())
    }

    /// Lets the time pass that has gathered, if it is more than this.
    async fn wait(&mut self, more_than: Duration) -> bashkit::Result<()> {
        if self.view.owed() > more_than {
            self.seat.activity.sleep(self.view.owed()).await;
        }
        let seconds = self.elapsed().as_secs();
        if self.operands.status == Status::Progress && seconds > self.shown {
            self.shown = seconds;
            let line = report::progress(self.done.bytes, self.elapsed());
            let line = format!("\r{line}");
            if self.seat.process.terminal.is_some() {
                self.seat.process.show(&line);
            } else {
                self.call.err(line).await?;
            }
        }
        Ok(())
    }

    fn elapsed(&self) -> SignedDuration {
        let due = self.view.due().unwrap_or(self.began);
        due.duration_since(self.began) + OPENING
    }

    /// The lines at the end.
    fn figures(&self) -> String {
        if self.operands.status == Status::None {
            return String::new();
        }
        let Done {
            read,
            written,
            bytes,
        } = &self.done;
        let mut text = format!(
            "{}+{} records in\n{}+{} records out\n",
            read.0, read.1, written.0, written.1
        );
        if self.operands.status != Status::NoTransfer {
            text += &report::copied(*bytes, self.elapsed());
            text.push('\n');
        }
        text
    }
}
