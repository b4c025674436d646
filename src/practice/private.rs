//! Files and directories that are for their owner only: an account's keys and what learners keep in it. What is in them
//! does not enter here.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Opens a file for reading and writing, or makes it; nobody else may read it from now on.
pub fn file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    if is_open(&file.metadata()?.permissions()) {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// What stands where a private directory is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directory {
    /// It is for its owner only.
    Private,
    /// Others may look into it, and it holds things that are not ours to hide.
    Shared,
}

/// Sees to it that this directory is there and for its owner only. One that others may read is closed to them only if
/// all that is in it is named `ours`.
pub fn directory(path: &Path, ours: impl Fn(&str) -> bool) -> io::Result<Directory> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    if !is_open(&fs::metadata(path)?.permissions()) {
        return Ok(Directory::Private);
    }
    for entry in fs::read_dir(path)? {
        if !entry?.file_name().to_str().is_some_and(&ours) {
            return Ok(Directory::Shared);
        }
    }
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    Ok(Directory::Private)
}

/// Whether the group or others may do anything.
fn is_open(permissions: &Permissions) -> bool {
    permissions.mode() & 0o077 != 0
}
