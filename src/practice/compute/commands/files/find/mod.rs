//! `find`: walks trees and does with what it meets what the expression says.

mod expression;
mod format;
mod parser;

use std::time::Duration;

use std::collections::HashMap;

use bashkit::{Bash, Command, CommandContext, CommandStatus, ExecOptions, async_trait};
use jiff::Timestamp;

use self::expression::{Action, Expression, Parsed, Test, Which};
use super::glob::fits;
use super::program::{Call, UMASK, absolute, base, join, parent};
use super::quote::typographic;
use crate::practice::compute::commands::inner::{Output, execute};
use crate::practice::compute::host::{Seat, Session};
use crate::practice::compute::users::Accounts;
use crate::practice::storage::{Access, Attr, Errno, NodeType, Use};

/// `find`, for one shell.
pub(super) struct Find {
    pub seat: Seat,
}

/// Something that was met.
struct Met<'a> {
    /// As it is shown: the operand and what is below it.
    shown: String,
    path: String,
    attr: Attr,
    /// Steps below the operand.
    depth: usize,
    /// The operand.
    root: &'a str,
}

#[async_trait]
impl Command for Find {
    async fn execute(&self, ctx: CommandContext<'_>) -> bashkit::Result<CommandStatus> {
        let host = &self.seat.host;
        let call = Call {
            program: "find",
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
        let output = Output::Live(&ctx.stdout, &ctx.stderr);
        let accounts = call.accounts();
        let parsed = match parser::parse(&call, &accounts) {
            Ok(parsed) => parsed,
            Err(why) => {
                let status = output.complain(&format!("find: {why}"), 1).await?;
                return Ok(CommandStatus::with_code(status));
            }
        };
        let mut search = Search {
            seat: &self.seat,
            call: &call,
            accounts: &accounts,
            parsed: &parsed,
            output: &output,
            shell: None,
            batches: HashMap::new(),
            status: 0,
            ended: false,
        };
        for operand in &parsed.operands {
            search.operand(operand).await?;
        }
        search.finish().await?;
        call.view.settle(Duration::ZERO).await;
        Ok(CommandStatus::with_code(search.status))
    }
}

struct Search<'a> {
    seat: &'a Seat,
    call: &'a Call,
    accounts: &'a Accounts,
    parsed: &'a Parsed,
    output: &'a Output<'a>,
    /// Runs what `-exec` names; made when it is first needed.
    shell: Option<Bash>,
    /// Names gathered for `-exec … +`, by the place of the action.
    batches: HashMap<usize, Vec<String>>,
    status: i32,
    /// `-quit` was met.
    ended: bool,
}

impl<'a> Search<'a> {
    async fn complain(&mut self, shown: &str, why: Errno) -> bashkit::Result<()> {
        self.status = 1;
        let line = format!("find: {}: {why}", typographic(shown));
        self.output.complain(&line, 1).await.map(|_| ())
    }

    async fn operand(&mut self, operand: &'a str) -> bashkit::Result<()> {
        let path = self.call.path(operand);
        let view = &self.call.view;
        view.pass(&path, Use::Look).await;
        let follows = self.parsed.follow != Which::None;
        let found = match view.lstat(&path) {
            Ok(attr)
                if attr.node_type == NodeType::Symlink && (follows || operand.ends_with('/')) =>
            {
                // What leads nowhere is itself.
                Ok(view.stat(&path).unwrap_or(attr))
            }
            found => found,
        };
        match found {
            Err(why) => self.complain(operand, why).await,
            Ok(attr) => {
                let mount = view.table().holding(&path).target;
                let top = Met {
                    shown: operand.to_owned(),
                    path,
                    attr,
                    depth: 0,
                    root: operand,
                };
                self.walk(top, &mount).await
            }
        }
    }

    /// Goes through a tree, without recursion: a tree may be deeper than the stack.
    async fn walk(&mut self, top: Met<'a>, mount: &str) -> bashkit::Result<()> {
        enum Step<'a> {
            Meet(Met<'a>),
            /// What is below it is done (`-depth`).
            Leave(Met<'a>),
        }
        let mut steps = vec![Step::Meet(top)];
        while let Some(step) = steps.pop() {
            let (met, before) = match step {
                Step::Meet(met) => (met, true),
                Step::Leave(met) => (met, false),
            };
            let examined = met.depth >= self.parsed.least;
            let mut descends = met.attr.is_dir() && met.depth < self.parsed.most;
            if before != self.parsed.depth_first || !met.attr.is_dir() {
                let mut pruned = false;
                if examined {
                    self.examine(&met, &mut pruned).await?;
                }
                if self.ended {
                    return Ok(());
                }
                descends &= !pruned;
            }
            if !before || !descends {
                if before && self.parsed.depth_first && met.attr.is_dir() {
                    steps.push(Step::Leave(met));
                }
                continue;
            }
            let elsewhere = self.parsed.one_file_system
                && self.call.view.table().holding(&met.path).target != mount;
            self.call.view.pass(&met.path, Use::Look).await;
            let listed = if elsewhere {
                Ok(Vec::new())
            } else {
                self.call.view.list(&met.path)
            };
            let mut below = Vec::new();
            match listed {
                Ok(entries) => {
                    for (name, attr) in entries {
                        let path = join(&met.path, &name);
                        let followed = (self.parsed.follow == Which::All)
                            .then(|| self.call.view.stat(&path).ok())
                            .flatten();
                        below.push(Met {
                            shown: join(&met.shown, &name),
                            path,
                            attr: followed.unwrap_or(attr),
                            depth: met.depth + 1,
                            root: met.root,
                        });
                    }
                }
                Err(why) => self.complain(&met.shown, why).await?,
            }
            if self.parsed.depth_first {
                steps.push(Step::Leave(met));
            }
            steps.extend(below.into_iter().rev().map(Step::Meet));
        }
        Ok(())
    }

    async fn examine(&mut self, met: &Met<'_>, pruned: &mut bool) -> bashkit::Result<bool> {
        self.evaluate(&self.parsed.expression, met, pruned).await
    }

    /// Whether the expression holds of it; actions happen on the way.
    async fn evaluate(
        &mut self,
        expression: &'a Expression,
        met: &Met<'_>,
        pruned: &mut bool,
    ) -> bashkit::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        Ok(match expression {
            Expression::And(one, other) => {
                Box::pin(self.evaluate(one, met, pruned)).await?
                    && Box::pin(self.evaluate(other, met, pruned)).await?
            }
            Expression::Or(one, other) => {
                Box::pin(self.evaluate(one, met, pruned)).await?
                    || Box::pin(self.evaluate(other, met, pruned)).await?
            }
            Expression::Then(one, other) => {
                Box::pin(self.evaluate(one, met, pruned)).await?;
                Box::pin(self.evaluate(other, met, pruned)).await?
            }
            Expression::Not(one) => !Box::pin(self.evaluate(one, met, pruned)).await?,
            Expression::Test(test) => self.test(test, met),
            Expression::Action(action) => self.act(action, met, pruned).await?,
        })
    }

    fn test(&self, test: &Test, met: &Met<'_>) -> bool {
        let attr = &met.attr;
        let view = &self.call.view;
        let age = |at: Timestamp| self.call.now.duration_since(at).as_secs();
        match test {
            Test::Always(value) => *value,
            Test::Name(pattern, fold) => fits(pattern, base(&met.shown), *fold),
            Test::Path(pattern, fold) => fits(pattern, &met.shown, *fold),
            Test::LinkTarget(pattern, fold) => view
                .link_target(&met.path)
                .is_ok_and(|target| fits(pattern, &target, *fold)),
            Test::Regex(regex) => regex
                .find(&met.shown)
                .is_some_and(|found| found.len() == met.shown.len()),
            Test::Type(types) => types.contains(&attr.node_type.letter()),
            Test::TargetType(types) => {
                let target = view.stat(&met.path).unwrap_or(*attr);
                types.contains(&target.node_type.letter())
            }
            Test::Uid(count) => count.holds(attr.uid.into()),
            Test::Gid(count) => count.holds(attr.gid.into()),
            Test::NoUser => self.accounts.user_of(attr.uid).is_none(),
            Test::NoGroup => self.accounts.group_name(attr.gid) == attr.gid.to_string(),
            Test::Permissions(which, mode) => which.holds(*mode, attr.mode),
            Test::Size(count, unit) => count.holds(attr.size.div_ceil(*unit)),
            Test::Links(count) => count.holds(attr.links.into()),
            Test::Inode(count) => count.holds(attr.ino),
            Test::Same(mount, ino) => {
                attr.ino == *ino && view.table().holding(&met.path).target == *mount
            }
            Test::Newer(stamp, at) => stamp.of(attr) > *at,
            // Days and minutes that have passed: whole days, begun minutes.
            Test::Days(stamp, count) => count.holds_signed(age(stamp.of(attr)).div_euclid(86_400)),
            Test::Minutes(stamp, count) => {
                count.holds_signed((age(stamp.of(attr)) + 59).div_euclid(60))
            }
            Test::Empty => match attr.node_type {
                NodeType::File => attr.size == 0,
                NodeType::Directory => view.list(&met.path).is_ok_and(|list| list.is_empty()),
                _ => false,
            },
            Test::May(access) => view.check(&met.path, *access).is_ok(),
            Test::Filesystem(name) => view.table().holding(&met.path).fstype == *name,
        }
    }

    async fn act(
        &mut self,
        action: &'a Action,
        met: &Met<'_>,
        pruned: &mut bool,
    ) -> bashkit::Result<bool> {
        match action {
            Action::Print(end) => {
                let line = format!("{}{end}", met.shown);
                self.output.out(line.as_bytes()).await?;
            }
            Action::Format(format) => {
                let text = format::fill(format, met, self.call, self.accounts);
                self.output.out(text.as_bytes()).await?;
            }
            Action::List => {
                let line = format::list(met, self.call, self.accounts);
                self.output.out(line.as_bytes()).await?;
            }
            Action::Prune => *pruned = true,
            Action::Quit => self.ended = true,
            Action::Delete => {
                // The directory one started from cannot be named away.
                if met.shown != "."
                    && let Err(why) = self.call.view.remove_one(&met.path)
                {
                    self.status = 1;
                    let name = typographic(&met.shown);
                    let line = format!("find: cannot delete {name}: {why}");
                    self.output.complain(&line, 1).await?;
                    return Ok(false);
                }
            }
            Action::Run { words, here } => {
                let (name, directory) = if *here {
                    (format!("./{}", base(&met.path)), Some(parent(&met.path)))
                } else {
                    (met.shown.clone(), None)
                };
                let words = words.iter().map(|word| word.replace("{}", &name)).collect();
                return Ok(self.run(words, directory).await? == 0);
            }
            Action::Gather { place, .. } => {
                self.batches
                    .entry(*place)
                    .or_default()
                    .push(met.shown.clone());
            }
        }
        Ok(true)
    }

    /// Runs what was gathered for `-exec … +`.
    async fn finish(&mut self) -> bashkit::Result<()> {
        for (place, words) in self.parsed.gathered() {
            let Some(names) = self.batches.remove(&place) else {
                continue;
            };
            let words = words.iter().cloned().chain(names).collect();
            if self.run(words, None).await? != 0 {
                self.status = 1;
            }
        }
        Ok(())
    }

    /// Runs a command in a shell of the same user; its status.
    async fn run(&mut self, words: Vec<String>, directory: Option<&str>) -> bashkit::Result<i32> {
        let shell = match self.shell.take() {
            Some(shell) => shell,
            None => {
                let seat = self.seat;
                let mut builder = seat.host.shell_in(
                    Some(&self.call.cwd),
                    &seat.user,
                    Session::Batch,
                    seat.activity.clone(),
                );
                for (name, value) in &self.call.env {
                    builder = builder.env(name, value);
                }
                builder.build()
            }
        };
        let script = match directory {
            Some(_) => "cd -- \"$0\" && command \"$@\"",
            None => "command \"$@\"",
        };
        let mut options = ExecOptions::new().positional(words);
        if let Some(directory) = directory {
            options = options.arg0(directory);
        }
        let (shell, status) =
            execute(self.seat, shell, script.to_owned(), options, self.output).await?;
        self.shell = Some(shell);
        Ok(status)
    }
}

/// Which right `-readable` and its relatives ask for.
fn right(name: &str) -> Option<Access> {
    match name {
        "-readable" => Some(Access::Read),
        "-writable" => Some(Access::Write),
        "-executable" => Some(Access::Execute),
        _ => None,
    }
}
