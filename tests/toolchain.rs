//! What `tests/all.sh` does when Rust is not all there. Nothing is installed: every program it finds is made up.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use crate::support::outcome;

/// A `cargo` without formatter and linter.
const BARE: &str = "case $1 in fmt|clippy) exit 101;; esac; echo built >> \"$LOG\"";
/// One that gets what `rustup component add` has added.
const WITH_RUSTUP: &str = "exec grep -q \"component add .*$1\" \"$LOG\"";

/// Runs it where these are the only programs beside the shell's own; answers exit code, standard error, what was called.
fn all_sh(programs: &[(&str, &str)]) -> (i32, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let log = path.join("log");
    fs::write(&log, "").unwrap();
    for needed in ["bash", "dirname", "grep"] {
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|directory| directory.join(needed))
            .find(|file| file.exists())
            .unwrap();
        symlink(found, path.join(needed)).unwrap();
    }
    for (name, body) in programs {
        let file = path.join(name);
        fs::write(&file, format!("#!{}/bash\n{body}\n", path.display())).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all.sh");
    let mut bash = Command::new(path.join("bash"));
    bash.arg(script)
        .env_clear()
        .env("PATH", path)
        .env("LOG", &log);
    let (code, _, err) = outcome(&mut bash);
    (code, err, fs::read_to_string(log).unwrap())
}

#[test]
fn without_rust_it_says_where_to_get_it() {
    let (code, err, _) = all_sh(&[]);
    assert_eq!(code, 1);
    assert!(err.contains("cargo is missing: install Rust"), "{err}");
}

#[test]
fn without_formatter_and_linter_it_names_the_packages() {
    let (code, err, called) = all_sh(&[("cargo", BARE)]);
    assert_eq!(code, 1);
    assert!(err.contains("cargo has no rustfmt clippy"), "{err}");
    assert!(err.contains("rust-clippy"), "{err}");
    assert_eq!(called, "", "nothing is begun");
}

#[test]
fn a_minimal_toolchain_of_rustup_is_completed() {
    // Nothing else is there: it stops at the next thing that is missing.
    let rustup = ("rustup", "echo \"$@\" >> \"$LOG\"");
    let (code, err, called) = all_sh(&[("cargo", WITH_RUSTUP), rustup]);
    assert_ne!(code, 0);
    assert_eq!(called, "component add rustfmt clippy\n");
    assert!(!err.contains("cargo has no"), "{err}");
}

#[test]
fn a_rustup_that_cannot_add_them_is_not_the_end_of_the_story() {
    let (code, err, _) = all_sh(&[("cargo", BARE), ("rustup", "exit 1")]);
    assert_eq!(code, 1);
    assert!(err.contains("cargo has no rustfmt clippy"), "{err}");
}
