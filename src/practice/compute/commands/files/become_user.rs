//! Running something as another user: a shell of that user inside this one. Who may is decided by `sudo` and `su`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bashkit::{Bash, ExecOptions, ExecutionCapability, ExecutionExtensions};

use super::nested::{Frame, Nest};
use super::program::join;
use super::screen::OnScreen;
use crate::practice::compute::commands::inner::{Output, execute};
use crate::practice::compute::host::{Seat, Session};
use crate::practice::compute::keyboard::{AtKeyboard, Keyboard};
use crate::practice::compute::users::User;
use crate::practice::storage::{Access, View};

/// Files that a login shell reads first.
pub(super) const PROFILES: &str = "for file in /etc/profile ~/.bash_profile; do\n\
    if [ -r \"$file\" ]; then . \"$file\"; fi\ndone\nunset file";

/// Runs the arguments as a command, exactly as they are.
const ARGUMENTS: &str = "\"$@\"";
/// The same for what is named by a path: its interpreter is found (`launch`).
const PATH_ARGUMENTS: &str = "command \"$@\"";

/// Names that exist only inside a shell: as programs they are not found.
const SHELL_ONLY: &[&str] = &[
    ".",
    ":",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "continue",
    "declare",
    "dirs",
    "disown",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "pushd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "times",
    "trap",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// Shells inside each other, at most: a script that calls itself through `sudo` comes to an end.
const DEEPEST: usize = 40;

/// How many shells there are around a command.
#[derive(Clone, Copy, Default)]
pub(super) struct Depth(usize);

/// What a command is told of it.
pub(super) fn depth(told: Option<ExecutionCapability<Depth>>) -> Depth {
    told.and_then(|told| told.try_with(|depth| *depth).ok())
        .unwrap_or_default()
}

/// What the other user runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A program with its arguments.
    Program(Vec<String>),
    /// A line for his shell, with `$0`, `$1` ….
    Line(String, Vec<String>),
    /// A shell that reads commands.
    Shell,
}

/// How `sudo` or `su` was called: the parts that do not depend on which of them it was.
pub(super) struct Change<'a> {
    /// `sudo` or `su`, for messages.
    pub program: &'static str,
    /// Who calls.
    pub seat: &'a Seat,
    /// Who runs.
    pub user: User,
    /// Whether it is a login of his: his home, his profile.
    pub login: bool,
    /// Variables on top of his own.
    pub env: BTreeMap<String, String>,
    /// The caller's directory.
    pub cwd: String,
    /// Standard input.
    pub stdin: Vec<u8>,
    /// Whether the output of the caller is the terminal.
    pub on_screen: bool,
    /// The terminal's, if that is the input of the caller.
    pub keyboard: Option<Arc<Keyboard>>,
    /// How many shells are around this one.
    pub depth: Depth,
    /// Where a shell that stays can be left; `None` where nobody would type into it.
    pub nest: Option<Nest>,
}

impl Change<'_> {
    /// Runs it; the exit status.
    pub async fn run(&self, what: What, output: &Output<'_>) -> bashkit::Result<i32> {
        let shell = matches!(what, What::Shell)
            || matches!(&what, What::Program(args) if matches!(args.as_slice(), [one] if is_shell(one)));
        if shell && self.stdin.is_empty() {
            return self.stay(output).await;
        }
        if self.depth.0 >= DEEPEST {
            let line = format!("{}: too many shells inside each other", self.program);
            return output.complain(&line, 1).await;
        }
        let mut bash = self.shell();
        if let What::Program(args) = &what
            && let Some(name) = args.first()
            && !self.finds(&bash, name)
        {
            let line = format!("{}: {name}: command not found", self.program);
            return output.complain(&line, 1).await;
        }
        if self.login {
            let options = ExecOptions::new();
            (bash, _) = execute(self.seat, bash, PROFILES.to_owned(), options, output).await?;
        }
        let script = match &what {
            What::Program(_) if shell => self.script(),
            What::Program(args) if args.first().is_some_and(|name| name.contains('/')) => {
                PATH_ARGUMENTS.to_owned()
            }
            What::Program(_) => ARGUMENTS.to_owned(),
            What::Line(line, _) => line.clone(),
            What::Shell => self.script(),
        };
        let options = match what {
            What::Program(args) if !shell => self.options(&args).positional(args),
            What::Line(_, mut args) => {
                let mut options = self.options(&[]);
                if !args.is_empty() {
                    options = options.arg0(args.remove(0));
                }
                options.positional(args)
            }
            What::Program(_) | What::Shell => self.options(&[]).stdin(Vec::new()),
        };
        let (_, status) = execute(self.seat, bash, script, options, output).await?;
        Ok(status)
    }

    /// A shell without a command and with input reads its commands from there.
    fn script(&self) -> String {
        String::from_utf8_lossy(&self.stdin).into_owned()
    }

    fn options(&self, args: &[String]) -> ExecOptions {
        let mut extensions = ExecutionExtensions::new().with(Depth(self.depth.0 + 1));
        // A shell in between would have pipes of its own, which could not be seen from here.
        if self.on_screen && args.first().is_some_and(|name| name.ends_with("ls")) {
            extensions = extensions.with(OnScreen);
        }
        // A shell in between may give its commands other input.
        if let Some(keyboard) = &self.keyboard
            && args.first().is_some_and(|name| !is_shell(name))
        {
            extensions = extensions.with(AtKeyboard {
                keyboard: Arc::clone(keyboard),
                alone: true,
            });
        }
        if let Some(nest) = self.nest.as_ref().filter(|_| !args.is_empty()) {
            extensions = extensions.with(nest.clone());
        }
        ExecOptions::new()
            .extensions(extensions)
            .stdin(self.stdin.clone())
    }

    /// Leaves a shell of the user for the lines that are typed from now on.
    async fn stay(&self, output: &Output<'_>) -> bashkit::Result<i32> {
        if let Some(nest) = &self.nest {
            nest.push(Frame::new(
                self.seat,
                self.user.clone(),
                self.login,
                self.env.clone(),
                self.directory(),
            ));
            return Ok(0);
        }
        if self.seat.session == Session::Batch {
            // Without a terminal such a shell reads to the end of its input, which is here.
            return Ok(0);
        }
        let line = format!(
            "{}: on a practice host a shell can only be opened by a line of its own; or give {} the command to run",
            self.program, self.program
        );
        output.complain(&line, 1).await
    }

    /// Where it runs: his home for a login, else where the caller is.
    fn directory(&self) -> String {
        let enters = |path: &str| {
            let view = self.seat.view_of(&self.user);
            view.stat(path).is_ok_and(|attr| attr.is_dir())
        };
        match (self.login, enters(&self.user.home)) {
            (true, true) => self.user.home.clone(),
            (true, false) => "/".to_owned(),
            (false, _) => self.cwd.clone(),
        }
    }

    fn shell(&self) -> Bash {
        let seat = self.seat;
        let mut builder = seat.host.shell_in(
            Some(&self.directory()),
            &self.user,
            seat.session,
            seat.activity.clone(),
        );
        for (name, value) in &self.env {
            builder = builder.env(name, value);
        }
        builder.build()
    }

    /// Whether there is a program of this name.
    fn finds(&self, bash: &Bash, name: &str) -> bool {
        let view = self.seat.view_of(&self.user);
        if name.contains('/') {
            let path = super::program::absolute(&self.directory(), name);
            return view.stat(&path).is_ok_and(|attr| !attr.is_dir());
        }
        let registered = bash.builtin_names().iter().any(|known| known == name);
        is_shell(name)
            || (registered && !SHELL_ONLY.contains(&name))
            || on_path(&view, bash.shell_state_view().env.get("PATH"), name)
    }
}

fn on_path(view: &View, path: Option<&String>, name: &str) -> bool {
    path.map(String::as_str)
        .unwrap_or_default()
        .split(':')
        .any(|directory| {
            let file = join(directory, name);
            view.stat(&file).is_ok_and(|attr| !attr.is_dir())
                && view.check(&file, Access::Execute).is_ok()
        })
}

fn is_shell(name: &str) -> bool {
    matches!(name.rsplit('/').next(), Some("bash" | "sh"))
}
