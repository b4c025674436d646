//! SSH masters and their control sockets: where they live, and how those of a killed program are found and ended.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::SshError;

/// A socket's path must fit `sun_path`, and ssh appends 17 characters while it makes one (OpenSSH, mux.c).
const LONGEST: usize = 50;

/// The private directory for a lab's control sockets: short, because socket paths must be.
///
/// # Errors
/// When it cannot be made, or belongs to somebody else.
pub fn directory(lab: &str) -> Result<PathBuf, SshError> {
    let uid = rustix::process::getuid().as_raw();
    let base = std::env::var_os("XDG_RUNTIME_DIR")
        .map(|dir| PathBuf::from(dir).join("efslab"))
        .filter(|dir| {
            dir.is_absolute()
                && dir.as_os_str().len() + lab.len() < LONGEST
                && dir.parent().is_some_and(Path::is_dir)
        })
        .unwrap_or_else(|| PathBuf::from(format!("/tmp/efslab-{uid}")));
    let directory = base.join(lab);
    let failed = |source| SshError::File {
        path: directory.clone(),
        source,
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .map_err(failed)?;
    for path in [&base, &directory] {
        let metadata = fs::symlink_metadata(path).map_err(failed)?;
        if metadata.uid() != uid || !metadata.is_dir() || metadata.mode() & 0o077 != 0 {
            return Err(failed(std::io::Error::other(
                "it is not a private directory of yours: remove it",
            )));
        }
    }
    Ok(directory)
}

/// Ends every master whose socket is in `directory` and removes the sockets.
pub fn end_all(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let socket = entry.path().join("master");
        if socket.exists() {
            // A master that is gone already leaves only its socket.
            let _ = exit(&socket).status();
        }
        let _ = fs::remove_dir_all(entry.path());
    }
}

/// The request to end. Without the learner's own configuration: ssh reads that first, and a mistake in it would keep the
/// master alive.
fn exit(socket: &Path) -> Command {
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "/dev/null", "-S"])
        .arg(socket)
        .args(["-O", "exit", "none"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    ssh
}

/// Removes the lab's socket directory, and the common one when no lab is left in it.
pub fn forget(directory: &Path) {
    let _ = fs::remove_dir_all(directory);
    if let Some(base) = directory.parent() {
        let _ = fs::remove_dir(base);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ending_a_master_does_not_read_the_learners_configuration() {
        let ssh = exit(Path::new("/tmp/efslab-0/lab-7f3k/x/master"));
        let arguments: Vec<_> = ssh.get_args().filter_map(|a| a.to_str()).collect();
        assert_eq!(arguments[..2], ["-F", "/dev/null"]);
        // ssh itself reads nothing else with these arguments: `-G` prints what it would do.
        let printed = Command::new("ssh")
            .args(&arguments[..2])
            .args(["-v", "-G", "none"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&printed.stderr).into_owned();
        assert!(printed.status.success(), "{said}");
        assert!(!said.contains(".ssh/config"), "{said}");
    }
}
