//! `cd` of every shell: as the shell's own, but through the permissions of its user, and so that the host knows where
//! its shells stand. Paths are resolved as the shell does it; what is on the disk decides.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use bashkit::{BashBuilder, Builtin, BuiltinContext, ExecResult};

use super::host::Seat;
use super::processes::Process;
use crate::practice::storage::{Access, Errno, View};

/// Registers it.
pub fn register(builder: BashBuilder, seat: &Seat) -> BashBuilder {
    let cd = Cd {
        view: seat.host.view(&seat.user),
        process: Arc::clone(&seat.process),
    };
    builder.builtin("cd", Box::new(cd))
}

struct Cd {
    view: View,
    process: Arc<Process>,
}

#[bashkit::async_trait]
impl Builtin for Cd {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let variable = |name: &str| {
            let found = ctx.variables.get(name).or_else(|| ctx.env.get(name));
            found.cloned()
        };
        let asked = match Asked::read(ctx.args, &variable) {
            Ok(asked) => asked,
            Err((status, line)) => return Ok(self.failed(status, &line)),
        };
        if asked.target.is_empty() {
            return Ok(ExecResult::default());
        }
        let found = self.find(&asked, ctx.cwd, &variable);
        let (path, by_search) = match found {
            Ok(found) => found,
            Err(errno) => return Ok(self.failed(1, &format!("{}: {errno}", asked.target))),
        };
        let before = ctx.cwd.to_string_lossy().into_owned();
        ctx.variables.insert("OLDPWD".to_owned(), before);
        ctx.variables.insert("PWD".to_owned(), path.clone());
        self.process.stand(&path);
        let said = if asked.told || by_search {
            format!("{path}\n")
        } else {
            String::new()
        };
        *ctx.cwd = PathBuf::from(path);
        Ok(ExecResult {
            stdout: said.into(),
            ..ExecResult::default()
        })
    }
}

impl Cd {
    /// Where to, and whether CDPATH has led there.
    fn find(
        &self,
        asked: &Asked,
        cwd: &Path,
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<(String, bool), Errno> {
        let target = Path::new(&asked.target);
        let anchored = matches!(
            target.components().next(),
            Some(Component::RootDir | Component::CurDir | Component::ParentDir)
        );
        let search = variable("CDPATH").filter(|_| !anchored);
        for entry in search.iter().flat_map(|entries| entries.split(':')) {
            if let Ok(path) = self.enter(&cwd.join(entry).join(target), asked.physical) {
                return Ok((path, !entry.is_empty()));
            }
        }
        self.enter(&cwd.join(target), asked.physical)
            .map(|path| (path, false))
    }

    /// The path of a directory that its user may stand in. What a `..` goes back from must be there.
    fn enter(&self, path: &Path, physical: bool) -> Result<String, Errno> {
        let mut logical = PathBuf::from("/");
        for part in path.components() {
            match part {
                Component::Normal(name) => logical.push(name),
                Component::ParentDir => {
                    self.directory(&logical)?;
                    logical.pop();
                }
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        let path = self.directory(&logical)?;
        self.view.check(&path, Access::Execute)?;
        if physical {
            return self.view.canonical(&path);
        }
        Ok(path)
    }

    /// As the shell says it. Which line of a script it reads the shell does not tell: one that has but one is on its
    /// first.
    fn failed(&self, status: i32, line: &str) -> ExecResult {
        let command = self.process.command();
        let at = match command.strip_prefix("bash -c ") {
            Some(script) if !script.contains('\n') => "line 1: ",
            _ => "",
        };
        ExecResult {
            stderr: format!("bash: {at}cd: {line}\n").into(),
            exit_code: status,
            ..ExecResult::default()
        }
    }

    fn directory(&self, path: &Path) -> Result<String, Errno> {
        let path = path.to_string_lossy().into_owned();
        if self.view.stat(&path)?.is_dir() {
            Ok(path)
        } else {
            Err(Errno::NotDirectory)
        }
    }
}

/// What a call asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    target: String,
    physical: bool,
    /// The new directory is to be printed.
    told: bool,
}

impl Asked {
    /// `Err`: the status, and what is wrong.
    fn read(
        args: &[String],
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, (i32, String)> {
        let mut physical = false;
        let mut operands = args;
        while let [first, rest @ ..] = operands {
            if first == "--" {
                operands = rest;
                break;
            }
            let Some(letters) = first.strip_prefix('-').filter(|one| !one.is_empty()) else {
                break;
            };
            for letter in letters.chars() {
                match letter {
                    'L' => physical = false,
                    'P' => physical = true,
                    'e' | '@' => {}
                    _ => {
                        let usage = "cd: usage: cd [-L|[-P [-e]] [-@]] [dir]";
                        return Err((2, format!("-{letter}: invalid option\n{usage}")));
                    }
                }
            }
            operands = rest;
        }
        let unset = |name: &str| (1, format!("{name} not set"));
        let (target, told) = match operands {
            [] => (variable("HOME").ok_or_else(|| unset("HOME"))?, false),
            [dash] if dash == "-" => (variable("OLDPWD").ok_or_else(|| unset("OLDPWD"))?, true),
            [one] => (one.clone(), false),
            _ => return Err((1, "too many arguments".to_owned())),
        };
        Ok(Self {
            target,
            physical,
            told,
        })
    }
}
