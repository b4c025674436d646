//! Editors and pagers: `vi`, `nano`, `less`. They are bashkit's, and they have the keyboard only in the shell of the
//! terminal itself; for `sudo vi` and for shells inside it that shell shows them the files as the other user sees them.
//! What they do with the keys does not enter here.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bashkit::hooks::HookAction;
use bashkit::{
    BashBuilder, Builtin, BuiltinContext, DirEntry, ExecResult, ExecutionPlan, FileSystem,
    FileSystemExt, FsLimits, FsUsage, Metadata, Result, StreamData, SubCommand, async_trait,
};

use super::program::{absolute, base};
use crate::practice::compute::host::{Seat, Session};
use crate::practice::storage::View;

/// What reads keys, and which of bashkit's programs that is.
const EDITORS: &[(&str, &str)] = &[
    ("less", "less"),
    ("more", "more"),
    ("nano", "nano"),
    ("vi", "vi"),
    ("view", "vi"),
    ("vim", "vi"),
];

/// Ends what `Eyes::lend` began; its name cannot be typed as one word without quotes.
const RETURNED: &str = "files as before";

/// As whom the programs of a terminal's shell see the files: as its user, but for while an editor runs for another.
#[derive(Clone, Default)]
pub(super) struct Eyes {
    lent: Arc<Mutex<Option<View>>>,
}

impl Eyes {
    /// The eyes of this shell. Only a terminal has a keyboard; elsewhere editors say so.
    pub fn of(mut builder: BashBuilder, seat: &Seat, view: &View) -> (BashBuilder, Self) {
        let eyes = Self::default();
        if seat.session == Session::Batch {
            for name in ["nano", "vi", "view", "vim"] {
                builder = builder.builtin(name, Box::new(NoKeyboard(name)));
            }
            return (builder, eyes);
        }
        let seen = Seen {
            own: view.clone(),
            eyes: eyes.clone(),
        };
        let before = eyes.clone();
        let builder = builder
            .fs(Arc::new(seen))
            .before_exec(Box::new(move |input| {
                before.set(None);
                HookAction::Continue(input)
            }))
            .builtin(RETURNED, Box::new(Returned(eyes.clone())))
            .builtin("view", Box::new(Vim))
            .builtin("vim", Box::new(Vim));
        (builder, eyes)
    }

    fn set(&self, view: Option<View>) {
        *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = view;
    }

    /// How the terminal's shell runs these words for whom `view` belongs to, if they are an editor and its file.
    pub fn lend(
        &self,
        view: View,
        cwd: &str,
        words: &[String],
        stdin: Option<StreamData>,
    ) -> Option<ExecutionPlan> {
        let (name, operands) = words.split_first()?;
        let name = editor(name)?;
        let args = operands
            .iter()
            .map(|operand| match operand.as_bytes().first() {
                None | Some(b'-' | b'+') => operand.clone(),
                Some(_) => absolute(cwd, operand),
            });
        let command = |name: &str, args, stdin| SubCommand {
            name: name.to_owned(),
            args,
            stdin,
            assignments: Vec::new(),
        };
        let commands = vec![
            command(name, args.collect(), stdin),
            command(RETURNED, Vec::new(), None),
        ];
        self.set(Some(view));
        Some(ExecutionPlan::Batch { commands })
    }
}

/// bashkit's program for this name or path.
fn editor(name: &str) -> Option<&'static str> {
    let known = EDITORS.iter().find(|(known, _)| *known == base(name))?;
    Some(known.1)
}

/// Ends the loan.
struct Returned(Eyes);

#[async_trait]
impl Builtin for Returned {
    async fn execute(&self, _ctx: BuiltinContext<'_>) -> Result<ExecResult> {
        self.0.set(None);
        Ok(ExecResult::default())
    }
}

/// `vim` and `view`, which are `vi` here.
struct Vim;

#[async_trait]
impl Builtin for Vim {
    async fn execute(&self, _ctx: BuiltinContext<'_>) -> Result<ExecResult> {
        Ok(ExecResult::default())
    }

    async fn execution_plan(&self, ctx: &BuiltinContext<'_>) -> Result<Option<ExecutionPlan>> {
        let vi = SubCommand {
            name: "vi".to_owned(),
            args: ctx.args.to_vec(),
            stdin: None,
            assignments: Vec::new(),
        };
        Ok(Some(ExecutionPlan::Batch { commands: vec![vi] }))
    }
}

/// An editor where nobody types.
struct NoKeyboard(&'static str);

#[async_trait]
impl Builtin for NoKeyboard {
    async fn execute(&self, _ctx: BuiltinContext<'_>) -> Result<ExecResult> {
        let text = format!("{}: there is no terminal here (ssh -t gives one)\n", self.0);
        Ok(ExecResult::err(text, 1))
    }
}

/// The files as the terminal's shell shows them.
struct Seen {
    own: View,
    eyes: Eyes,
}

impl Seen {
    fn view(&self) -> View {
        let lent = self.eyes.lent.lock();
        let lent = lent.unwrap_or_else(PoisonError::into_inner);
        lent.as_ref().unwrap_or(&self.own).clone()
    }
}

#[async_trait]
impl FileSystemExt for Seen {
    fn usage(&self) -> FsUsage {
        self.view().usage()
    }

    async fn mkfifo(&self, path: &Path, mode: u32) -> Result<()> {
        self.view().mkfifo(path, mode).await
    }

    fn limits(&self) -> FsLimits {
        self.view().limits()
    }

    fn backend_kind(&self) -> &'static str {
        self.own.backend_kind()
    }
}

#[async_trait]
impl FileSystem for Seen {
    async fn read_file(&self, path: &Path) -> Result<Vec<u8>> {
        self.view().read_file(path).await
    }

    async fn write_file(&self, path: &Path, content: &[u8]) -> Result<()> {
        self.view().write_file(path, content).await
    }

    async fn append_file(&self, path: &Path, content: &[u8]) -> Result<()> {
        self.view().append_file(path, content).await
    }

    async fn mkdir(&self, path: &Path, recursive: bool) -> Result<()> {
        self.view().mkdir(path, recursive).await
    }

    async fn remove(&self, path: &Path, recursive: bool) -> Result<()> {
        FileSystem::remove(&self.view(), path, recursive).await
    }

    async fn stat(&self, path: &Path) -> Result<Metadata> {
        FileSystem::stat(&self.view(), path).await
    }

    async fn lstat(&self, path: &Path) -> Result<Metadata> {
        FileSystem::lstat(&self.view(), path).await
    }

    async fn read_dir(&self, path: &Path) -> Result<Vec<DirEntry>> {
        self.view().read_dir(path).await
    }

    async fn exists(&self, path: &Path) -> Result<bool> {
        self.view().exists(path).await
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.view().rename(from, to).await
    }

    async fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        self.view().copy(from, to).await
    }

    async fn symlink(&self, target: &Path, link: &Path) -> Result<()> {
        self.view().symlink(target, link).await
    }

    async fn read_link(&self, path: &Path) -> Result<PathBuf> {
        self.view().read_link(path).await
    }

    async fn chmod(&self, path: &Path, mode: u32) -> Result<()> {
        self.view().chmod(path, mode).await
    }

    async fn set_modified_time(&self, path: &Path, time: SystemTime) -> Result<()> {
        self.view().set_modified_time(path, time).await
    }
}
