//! `cd`, which may enter only what the user may pass through.

use std::collections::HashMap;

use bashkit::{Builtin, BuiltinContext, ExecResult, async_trait};

use super::program::{absolute, join};
use crate::practice::compute::host::{Seat, Session};
use crate::practice::storage::{Access, Errno, Outcome, Use, View};

const USAGE: &str = "cd: usage: cd [-L|[-P [-e]] [-@]] [dir]\n";

/// `cd`, for one shell.
pub(super) struct Cd {
    pub seat: Seat,
}

#[async_trait]
impl Builtin for Cd {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let view = self.seat.patient_view();
        let here = ctx.cwd.to_string_lossy().into_owned();
        let variable = |name: &str| {
            let value = ctx.variables.get(name).or_else(|| ctx.env.get(name));
            value.cloned()
        };
        let operand = ctx.args.iter().find(|word| !word.starts_with('-'));
        let target = operand.or_else(|| ctx.env.get("HOME"));
        view.pass(
            &absolute(&here, target.map_or("", String::as_str)),
            Use::Look,
        )
        .await;
        let entered = match change(&view, &here, ctx.args, &variable) {
            Ok(entered) => entered,
            Err((text, status)) => {
                let shell = match self.seat.session {
                    Session::Interactive => "-bash",
                    Session::Batch => "bash",
                };
                return Ok(ExecResult::err(format!("{shell}: {text}"), status));
            }
        };
        let Some((path, told)) = entered else {
            return Ok(ExecResult::default());
        };
        set(ctx.variables, "OLDPWD", here);
        set(ctx.variables, "PWD", path.clone());
        *ctx.cwd = path.clone().into();
        self.seat.process.stand(&path);
        Ok(ExecResult::ok(if told {
            path + "\n"
        } else {
            String::new()
        }))
    }
}

fn set(variables: &mut HashMap<String, String>, name: &str, value: String) {
    variables.insert(name.to_owned(), value);
}

/// Where to go, and whether it is told; `None`: nowhere. `Err`: message and status.
fn change(
    view: &View,
    here: &str,
    args: &[String],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<(String, bool)>, (String, i32)> {
    let mut physical = false;
    let mut operands = args;
    while let [first, rest @ ..] = operands {
        if first == "--" {
            operands = rest;
            break;
        }
        let Some(letters) = first
            .strip_prefix('-')
            .filter(|letters| !letters.is_empty())
        else {
            break;
        };
        for letter in letters.chars() {
            match letter {
                'L' => physical = false,
                'P' => physical = true,
                'e' | '@' => {}
                other => return Err((format!("cd: -{other}: invalid option\n{USAGE}"), 2)),
            }
        }
        operands = rest;
    }
    let unset = |name: &str| (format!("cd: {name} not set\n"), 1);
    let (target, mut told) = match operands {
        [] => (variable("HOME").ok_or_else(|| unset("HOME"))?, false),
        [dash] if dash == "-" => (variable("OLDPWD").ok_or_else(|| unset("OLDPWD"))?, true),
        [target] => (target.clone(), false),
        _ => return Err(("cd: too many arguments\n".to_owned(), 1)),
    };
    if target.is_empty() {
        return Ok(None);
    }
    let relative =
        !target.starts_with('/') && !matches!(target.split('/').next(), Some("." | ".."));
    if relative && let Some(list) = variable("CDPATH") {
        for entry in list.split(':').filter(|entry| !entry.is_empty()) {
            let candidate = join(&absolute(here, entry), &target);
            if let Ok(path) = enter(view, &candidate, physical) {
                told = true;
                return Ok(Some((path, told)));
            }
        }
    }
    let path = if target.starts_with('/') {
        target.clone()
    } else {
        join(here, &target)
    };
    match enter(view, &path, physical) {
        Ok(path) => Ok(Some((path, told))),
        Err(why) => Err((format!("cd: {target}: {why}\n"), 1)),
    }
}

/// The directory's name without `.` and `..`, if the user may enter it. What a `..` leaves must be there.
fn enter(view: &View, path: &str, physical: bool) -> Outcome<String> {
    let mut logical = String::from("/");
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if !view.stat(&logical)?.is_dir() {
                    return Err(Errno::NotDirectory);
                }
                logical = absolute(&logical, "..");
            }
            name => logical = join(&logical, name),
        }
    }
    if !view.stat(&logical)?.is_dir() {
        return Err(Errno::NotDirectory);
    }
    view.check(&logical, Access::Execute)?;
    if physical {
        logical = super::realpath::resolve(view, &logical, super::realpath::Missing::None)?;
    }
    Ok(logical)
}
