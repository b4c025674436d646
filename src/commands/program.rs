//! This program and others as the learner's shell has them: its name, its terminal to ask on, the OpenSSH client.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead as _, IsTerminal as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use miette::IntoDiagnostic as _;

use crate::ssh::SshError;

/// What to type in place of `efslab`.
pub(super) fn name() -> String {
    named(
        env::current_exe().ok().as_deref(),
        env::var_os("PATH").as_deref(),
        env::current_dir().ok().as_deref(),
    )
}

fn named(executable: Option<&Path>, path: Option<&OsStr>, here: Option<&Path>) -> String {
    let usual = env!("CARGO_PKG_NAME");
    let Some(executable) = executable.filter(|_| !finds(path, usual)) else {
        return usual.to_owned();
    };
    let below = here.and_then(|here| executable.strip_prefix(here).ok());
    let shown = below.unwrap_or(executable).display().to_string();
    // A name without a slash would be looked for on PATH.
    let shown = if shown.contains('/') {
        shown
    } else {
        format!("./{shown}")
    };
    let plain = |c: char| c.is_alphanumeric() || "/._-+@:".contains(c);
    if shown.chars().all(plain) {
        shown
    } else {
        format!("'{}'", shown.replace('\'', r"'\''"))
    }
}

/// Whether somebody can be asked.
pub(super) fn asks() -> bool {
    std::io::stdin().is_terminal()
}

/// Asks on the terminal whether to go on; whatever is not a yes is a no.
pub(super) fn agrees(question: &str) -> miette::Result<bool> {
    super::complain(&format!("{question} [y/N] "));
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .into_diagnostic()?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// Makes sure that there is an OpenSSH client. Starts nothing, so that nobody waits for it.
pub(super) fn ssh_client() -> Result<(), SshError> {
    let path = env::var_os("PATH");
    match ["ssh", "ssh-keygen"]
        .into_iter()
        .find(|name| !finds(path.as_deref(), name))
    {
        Some(missing) => Err(SshError::NoClient(missing)),
        None => Ok(()),
    }
}

/// Whether a program of this name is found on `path`.
fn finds(path: Option<&OsStr>, name: &str) -> bool {
    let is_program = |file: &Path| {
        file.metadata()
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    path.is_some_and(|path| {
        env::split_paths(path).any(|directory| is_program(&directory.join(name)))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_program_that_the_shell_does_not_find_is_named_by_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let bin = directory.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let path = env::join_paths([Path::new("/nonexistent"), &bin]).unwrap();
        let called = |executable: &str, here: &str| {
            named(
                Some(Path::new(executable)),
                Some(&path),
                Some(Path::new(here)),
            )
        };
        let built = "/home/you/lab/target/release/efslab";
        assert_eq!(called(built, "/home/you/lab"), "target/release/efslab");
        assert_eq!(called(built, "/home/you/lab/target/release"), "./efslab");
        assert_eq!(called(built, "/home/you/lab/src"), built);
        assert_eq!(
            called("/home/you/my lab/efslab", "/tmp"),
            "'/home/you/my lab/efslab'"
        );

        let there = bin.join("efslab");
        fs::write(&there, "").unwrap();
        assert_eq!(called(built, "/tmp"), built, "a file that cannot be run");
        fs::set_permissions(&there, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(called(built, "/tmp"), "efslab");
        assert_eq!(named(None, None, None), "efslab");
    }
}
