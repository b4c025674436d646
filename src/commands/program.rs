//! How the learner calls this program again: its name where the shell finds it, else the path by which it runs.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

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
    let found =
        path.is_some_and(|path| env::split_paths(path).any(|dir| is_program(&dir.join(usual))));
    let Some(executable) = executable.filter(|_| !found) else {
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

fn is_program(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
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
