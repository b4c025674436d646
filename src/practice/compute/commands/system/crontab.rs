//! crontab: users' own tables, listed, edited, replaced and removed. Running them is crond's part.

use bashkit::{Builtin, BuiltinContext, ExecResult, ExecutionPlan, SubCommand};

use super::journal;
use super::program::absolute;
use crate::practice::compute::cron::table::{self, SPOOL, Wrong};
use crate::practice::compute::host::Seat;
use crate::practice::compute::users::Accounts;
use crate::practice::storage::{Errno, Outcome, Use};

const USAGE: &str = "crontab: usage error: unrecognized option\nusage: crontab [-u user] [file | -]\n\
    \x20      crontab [-u user] [-l | -e | -r]\n";

/// `crontab`. A part of the shell, as the editor is: it runs one.
pub struct Crontab {
    /// Who calls.
    pub seat: Seat,
}

enum Action {
    List,
    Edit,
    Remove,
    Replace(String),
}

struct Wanted {
    user: String,
    action: Action,
}

impl Crontab {
    /// `Err`: what it says.
    fn read(&self, args: &[String]) -> Result<Wanted, String> {
        let mut user = self.seat.user.name.clone();
        let mut action = None;
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-l" => action = Some(Action::List),
                "-e" => action = Some(Action::Edit),
                "-r" => action = Some(Action::Remove),
                "-i" => {}
                "-u" => {
                    let Some(name) = args.next() else {
                        return Err(USAGE.to_owned());
                    };
                    if !self.seat.user.identity.is_root() {
                        return Err("must be privileged to use -u\n".to_owned());
                    }
                    if Accounts::read(&self.seat.host.root()).user(name).is_none() {
                        return Err(format!("crontab:  user `{name}' unknown\n"));
                    }
                    name.clone_into(&mut user);
                }
                "-" => action = Some(Action::Replace("-".to_owned())),
                _ if arg.starts_with('-') => return Err(USAGE.to_owned()),
                _ => action = Some(Action::Replace(arg.clone())),
            }
        }
        // Without anything it reads its input.
        let action = action.unwrap_or_else(|| Action::Replace("-".to_owned()));
        Ok(Wanted { user, action })
    }

    fn log(&self, what: &str, user: &str) {
        let who = &self.seat.user.name;
        let tag = format!("crontab[{}]", self.seat.process.pid);
        journal::log(&self.seat.host, &tag, &format!("({who}) {what} ({user})"));
    }

    fn install(&self, user: &str, text: &str, shown: &str) -> ExecResult {
        match table::parse(text, Some(user)) {
            Ok(_) => {}
            Err(Wrong::NoNewline) => {
                return failed("new crontab file is missing newline before EOF, can't install.\n");
            }
            Err(why) => {
                return failed(&format!(
                    "\"{shown}\":{}: {why}\nerrors in crontab file, can't install.\n",
                    why.line()
                ));
            }
        }
        if let Err(why) = self.put(user, text) {
            return failed(&format!("{SPOOL}/{user}: {why}\n"));
        }
        self.log("REPLACE", user);
        ExecResult::default()
    }

    /// The spool is nobody's but root's; the program may write there whoever calls it.
    fn put(&self, user: &str, text: &str) -> Outcome<()> {
        let root = self.seat.host.root();
        root.make_dirs(SPOOL)?;
        let path = format!("{SPOOL}/{user}");
        root.write_with_mode(&path, text.as_bytes(), 0o600)?;
        let identity = Accounts::read(&root).user(user).map(|user| user.identity);
        let (uid, gid) = identity.map(|one| (one.uid, one.gid)).unzip();
        root.set_owner(&path, uid, gid, false)
    }

    fn table(&self, user: &str) -> Outcome<String> {
        self.seat.host.root().read_text(&format!("{SPOOL}/{user}"))
    }
}

#[bashkit::async_trait]
impl Builtin for Crontab {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let Wanted { user, action } = match self.read(ctx.args) {
            Ok(wanted) => wanted,
            Err(text) => return Ok(failed(&text)),
        };
        let none = || failed(&format!("no crontab for {user}\n"));
        Ok(match action {
            Action::List => match self.table(&user) {
                Ok(text) => {
                    self.log("LIST", &user);
                    said(&text)
                }
                Err(_) => none(),
            },
            Action::Remove => {
                let path = format!("{SPOOL}/{user}");
                match self.seat.host.root().remove_one(&path) {
                    Ok(()) => {
                        self.log("DELETE", &user);
                        ExecResult::default()
                    }
                    Err(Errno::NotFound) => none(),
                    Err(why) => failed(&format!("{path}: {why}\n")),
                }
            }
            // A plan does it.
            Action::Edit => ExecResult::default(),
            Action::Replace(file) if file == "-" => {
                let input = ctx.stdin.map(|input| input.text_lossy().into_owned());
                self.install(&user, &input.unwrap_or_default(), "-")
            }
            Action::Replace(file) => {
                let (view, path) = (self.seat.patient_view(), absolute(ctx.cwd, &file));
                view.pass(&path, Use::Look).await;
                match view.read_text(&path) {
                    Ok(text) => self.install(&user, &text, &file),
                    Err(why) => failed(&format!("{file}: {why}\n")),
                }
            }
        })
    }

    async fn execution_plan(
        &self,
        ctx: &BuiltinContext<'_>,
    ) -> bashkit::Result<Option<ExecutionPlan>> {
        let Ok(Wanted {
            user,
            action: Action::Edit,
        }) = self.read(ctx.args)
        else {
            return Ok(None);
        };
        let seat = &self.seat;
        let view = seat.host.view(&seat.user);
        let copy = format!("/tmp/crontab.{}", seat.process.pid);
        let text = self.table(&user).unwrap_or_default();
        if view.write_with_mode(&copy, text.as_bytes(), 0o600).is_err() {
            return Ok(None);
        }
        self.log("BEGIN EDIT", &user);
        let variable = |name: &str| ctx.variables.get(name).or_else(|| ctx.env.get(name));
        let editor = variable("VISUAL").or_else(|| variable("EDITOR"));
        let editor = editor.map_or("vi", String::as_str);
        let command = |name: &str, args: &[&str]| SubCommand {
            name: name.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            stdin: None,
            assignments: Vec::new(),
        };
        let install = if user == seat.user.name {
            command("crontab", &[&copy])
        } else {
            command("crontab", &["-u", &user, &copy])
        };
        Ok(Some(ExecutionPlan::Batch {
            commands: vec![
                command(editor, &[&copy]),
                install,
                command("rm", &["-f", &copy]),
            ],
        }))
    }
}

fn said(text: &str) -> ExecResult {
    ExecResult {
        stdout: text.to_owned().into(),
        ..ExecResult::default()
    }
}

fn failed(text: &str) -> ExecResult {
    ExecResult {
        stderr: text.to_owned().into(),
        exit_code: 1,
        ..ExecResult::default()
    }
}
