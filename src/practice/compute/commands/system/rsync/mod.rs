//! `rsync`, between directories of one instance: what it copies, deletes and prints. Its traffic with other machines is
//! no part of a practice instance, which has no ssh client.

mod attributes;
mod copy;
mod delete;
mod figures;
mod filter;
mod list;
mod options;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use self::copy::{Said, Transfer};
use self::figures::Figures;
use self::filter::Filter;
use self::list::{List, Lister, complaint};
use self::options::Options;
use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::storage::{Attr, Errno, NodeType, Use, View};

/// The version of the catalog, and the places in its source that its last lines name.
const VERSION: &str = "3.4.0";
/// Exit status for a wrong use, for a target that cannot be used, for a connection, and for a copy with gaps.
const MISUSE: i32 = 1;
const NO_TARGET: i32 = 11;
const NO_CONNECTION: i32 = 14;
const PARTIAL: i32 = 23;
/// After so many entries others may run, and what was printed is shown.
const TURN: usize = 64;

/// `rsync`
pub struct Rsync;

#[async_trait]
impl Program for Rsync {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        if matches!(call.args, [only] if only == "--version" || only == "-V") {
            return call
                .done(format!("rsync  version {VERSION}  protocol version 32"))
                .await;
        }
        let options = match Options::read(call.args) {
            Ok(options) => options,
            Err(text) => {
                return call
                    .fail(MISUSE, format!("{text}\n{}", last_line(MISUSE)))
                    .await;
            }
        };
        let Some((to, sources)) = options
            .operands
            .split_last()
            .filter(|(_, from)| !from.is_empty())
        else {
            let usage = "Usage: rsync [OPTION]... SRC [SRC]... DEST";
            return call
                .fail(MISUSE, format!("{usage}\n{}", last_line(MISUSE)))
                .await;
        };
        if options.operands.iter().any(|operand| is_remote(operand)) {
            let why = "rsync: [sender] Failed to exec ssh: No such file or directory (2)";
            return call
                .fail(
                    NO_CONNECTION,
                    format!("{why}\n{}", last_line(NO_CONNECTION)),
                )
                .await;
        }
        let session = Session {
            seat,
            call,
            view: seat.view(),
            filter: match filter(seat, call, &options) {
                Ok(filter) => filter,
                Err(text) => {
                    return call
                        .fail(NO_TARGET, format!("{text}\n{}", last_line(NO_TARGET)))
                        .await;
                }
            },
            options: &options,
        };
        for operand in &options.operands {
            let path = call.path(operand);
            session.view.pass(&path, Use::Look).await;
            session.view.pass_below(&path).await;
        }
        session.run(sources, to).await
    }
}

/// `HOST:PATH` and `rsync://…`, but not a path with a colon further on.
fn is_remote(operand: &str) -> bool {
    operand
        .split('/')
        .next()
        .is_some_and(|first| first.contains(':'))
}

fn filter(seat: &Seat, call: &Call<'_>, options: &Options) -> Result<Filter, String> {
    let mut filter = Filter::default();
    for (exclude, text) in &options.rules {
        filter.add(*exclude, text);
    }
    for (exclude, file) in &options.rule_files {
        let text = seat
            .host
            .view(&seat.user)
            .read_text(&call.path(file))
            .map_err(|why| {
                complaint(
                    "client",
                    &format!("failed to open exclude file {file}"),
                    why,
                )
            })?;
        let patterns = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
        for pattern in patterns {
            filter.add(*exclude, pattern);
        }
    }
    Ok(filter)
}

fn last_line(status: i32) -> String {
    let (why, place) = match status {
        MISUSE => ("syntax or usage error", "main.c(1809) [client"),
        NO_TARGET => ("error in file IO", "main.c(791) [Receiver"),
        NO_CONNECTION => ("error in IPC code", "pipe.c(85) [sender"),
        _ => (
            "some files/attrs were not transferred (see previous errors)",
            "main.c(1338) [sender",
        ),
    };
    format!("rsync error: {why} (code {status}) at {place}={VERSION}]")
}

struct Session<'a> {
    seat: &'a Seat,
    call: &'a Call<'a>,
    view: View,
    filter: Filter,
    options: &'a Options,
}

/// Account time that may gather before it is waited for: it is long only for large files.
const GATHERED: Duration = Duration::from_millis(100);

/// Where the sources go.
enum Target {
    Directory(String),
    /// One file, under another name.
    File(String, String),
}

impl Session<'_> {
    async fn run(&self, sources: &[String], to: &str) -> Ended {
        let options = self.options;
        let begun = self.seat.host.clock.now();
        let lister = Lister {
            view: &self.view,
            options,
            filter: &self.filter,
        };
        let target = self.target(sources, to);
        let mut list = List::default();
        for source in sources {
            let path = self.call.path(source);
            match &target {
                Target::Directory(directory) => {
                    lister.add(&mut list, source, &path, directory, None);
                }
                Target::File(directory, name) => {
                    lister.add(&mut list, source, &path, directory, Some(name));
                }
            }
        }
        list.sort();
        let tells = (options.verbose > 0 || options.progress) && !options.quiet;
        if tells && (!options.itemize || options.verbose > 0) && options.recursive {
            self.call.out("sending incremental file list\n").await?;
        }
        self.tell(&list.directories).await?;
        for error in &list.errors {
            self.call.complain(error).await?;
        }
        let (Target::Directory(directory) | Target::File(directory, _)) = &target;
        let mut made = None;
        if !list.entries.is_empty() || to.ends_with('/') && list.errors.is_empty() {
            match self.make_target(directory, to) {
                Ok(Some(line)) => {
                    made = Some(directory.clone());
                    if tells {
                        self.call.out(line + "\n").await?;
                    }
                }
                Ok(None) => {}
                Err(text) => {
                    return self
                        .call
                        .fail(NO_TARGET, format!("{text}\n{}", last_line(NO_TARGET)))
                        .await;
                }
            }
        }
        self.tell(&list.notes).await?;
        let (figures, status) = self.copy(&list, made).await?;
        let took = self.seat.host.clock.now().duration_since(begun);
        let took = Duration::try_from(took).unwrap_or_default();
        if !options.quiet {
            if options.stats {
                self.call
                    .out(figures.stats(options.human, options.dry_run))
                    .await?;
            }
            if options.verbose > 0 || options.stats || options.progress {
                let text = figures.summary(took, options.human, options.dry_run);
                self.call.out(text).await?;
            }
        }
        if status != 0 {
            self.call.complain(last_line(status)).await?;
        }
        Ok(status)
    }

    async fn tell(&self, lines: &[String]) -> bashkit::Result<()> {
        for line in lines.iter().filter(|_| !self.options.quiet) {
            self.call.out(format!("{line}\n")).await?;
        }
        Ok(())
    }

    /// A directory, or the new name of a single file.
    fn target(&self, sources: &[String], to: &str) -> Target {
        let path = self.call.path(to);
        let there: Vec<Attr> = sources
            .iter()
            .filter_map(|one| self.view.stat(&self.call.path(one)).ok())
            .collect();
        let single_file = matches!(there.as_slice(), [one] if !one.is_dir());
        let is_dir = self.view.stat(&path).is_ok_and(|attr| attr.is_dir());
        match path.rsplit_once('/') {
            Some((directory, name)) if single_file && !is_dir && !to.ends_with('/') => {
                let directory = if directory.is_empty() { "/" } else { directory };
                Target::File(directory.to_owned(), name.to_owned())
            }
            _ => Target::Directory(path),
        }
    }

    /// Makes the directory that everything goes to, which may be one level that is not there yet.
    fn make_target(&self, path: &str, typed: &str) -> Result<Option<String>, String> {
        match self.view.stat(path) {
            Ok(attr) if attr.is_dir() => Ok(None),
            Ok(_) => Err(complaint(
                "Receiver",
                &format!("ERROR: cannot stat destination \"{path}\""),
                Errno::NotDirectory,
            )),
            Err(_) => {
                if !self.options.dry_run
                    && let Err(why) = self.view.make_dir(path)
                {
                    return Err(complaint(
                        "Receiver",
                        &format!("mkdir \"{path}\" failed"),
                        why,
                    ));
                }
                let typed = typed.trim_end_matches('/');
                Ok(Some(format!("created directory {typed}")))
            }
        }
    }

    async fn copy(&self, list: &List, made: Option<String>) -> bashkit::Result<(Figures, i32)> {
        let mut copy = Transfer::new(&self.view, self.options, &self.filter, &list.entries);
        copy.partial = !list.errors.is_empty();
        copy.made = made.filter(|_| !self.options.dry_run);
        for (name, kind, size) in &list.skipped {
            copy.figures.list(name, *kind, *size);
        }
        for entry in &list.entries {
            copy.figures
                .list(&entry.name, entry.attr.node_type, entry.attr.size);
        }
        let mut said = Said::default();
        if self.options.delete && !list.gaps {
            self.delete(list, &mut copy, &mut said).await?;
        } else if self.options.delete {
            said.out
                .push("IO error encountered -- skipping file deletion".to_owned());
        }
        let mut ended = false;
        for (at, entry) in list.entries.iter().enumerate() {
            self.view.pass(&entry.source, Use::Look).await;
            self.view.pass(&entry.target, Use::Change).await;
            if copy.entry(entry, &mut said).is_err() {
                ended = true;
                break;
            }
            self.view.settle(GATHERED).await;
            if at % TURN == TURN - 1 {
                self.show(&mut said).await?;
                tokio::task::yield_now().await;
            }
        }
        if !ended {
            copy.finish(&mut said);
        }
        self.view.settle(Duration::ZERO).await;
        self.show(&mut said).await?;
        let status = match (ended, copy.partial) {
            (true, _) => NO_TARGET,
            (false, true) => PARTIAL,
            (false, false) => 0,
        };
        Ok((copy.figures, status))
    }

    async fn delete(
        &self,
        list: &List,
        copy: &mut Transfer<'_>,
        said: &mut Said,
    ) -> bashkit::Result<()> {
        let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for entry in &list.entries {
            let (directory, name) = entry.target.rsplit_once('/').unwrap_or_default();
            let directory = if directory.is_empty() { "/" } else { directory };
            names.entry(directory).or_default().push(name);
        }
        let directories = list
            .entries
            .iter()
            .filter(|entry| entry.attr.node_type == NodeType::Directory);
        for (at, directory) in directories.enumerate() {
            self.view.pass(&directory.target, Use::Change).await;
            let names = names.get(directory.target.as_str());
            copy.delete_in(
                directory,
                names.map(Vec::as_slice).unwrap_or_default(),
                said,
            );
            if at % TURN == TURN - 1 {
                self.show(said).await?;
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    async fn show(&self, said: &mut Said) -> bashkit::Result<()> {
        let lines = |lines: &mut Vec<String>| -> String {
            lines
                .drain(..)
                .flat_map(|line| [line, "\n".to_owned()])
                .collect()
        };
        let (out, err) = (lines(&mut said.out), lines(&mut said.err));
        if !out.is_empty() && !self.options.quiet {
            self.call.out(out).await?;
        }
        if !err.is_empty() {
            self.call.err(err).await?;
        }
        Ok(())
    }
}
