//! Why a file operation failed, in the kernel's terms. Nothing here knows which operation it was.

use std::io::{Error, ErrorKind};

/// An error number with the text `strerror` gives for it on Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Errno {
    /// `ENOENT`
    #[error("No such file or directory")]
    NotFound,
    /// `EACCES`
    #[error("Permission denied")]
    Access,
    /// `EPERM`
    #[error("Operation not permitted")]
    NotPermitted,
    /// `EEXIST`
    #[error("File exists")]
    Exists,
    /// `ENOTDIR`
    #[error("Not a directory")]
    NotDirectory,
    /// `EISDIR`
    #[error("Is a directory")]
    IsDirectory,
    /// `ENOTEMPTY`
    #[error("Directory not empty")]
    NotEmpty,
    /// `ELOOP`
    #[error("Too many levels of symbolic links")]
    Loop,
    /// `EXDEV`
    #[error("Invalid cross-device link")]
    CrossDevice,
    /// `EBUSY`
    #[error("Device or resource busy")]
    Busy,
    /// `EINVAL`
    #[error("Invalid argument")]
    Invalid,
    /// `EROFS`
    #[error("Read-only file system")]
    ReadOnly,
    /// `ENAMETOOLONG`
    #[error("File name too long")]
    NameTooLong,
    /// `ENOSPC`
    #[error("No space left on device")]
    NoSpace,
    /// `EFBIG`
    #[error("File too large")]
    TooLarge,
    /// `ENOMEM`
    #[error("Cannot allocate memory")]
    NoMemory,
    /// `EIO`
    #[error("Input/output error")]
    Io,
    /// `EMLINK`
    #[error("Too many links")]
    TooManyLinks,
    /// `ESTALE`: the inode went away between finding and using it; a [`View`](super::View) looks again.
    #[error("Stale file handle")]
    Stale,
}

/// What a file operation returns.
pub type Outcome<T> = Result<T, Errno>;

impl Errno {
    /// The kind under which the standard library files this error.
    #[must_use]
    pub fn kind(self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Access | Self::NotPermitted => ErrorKind::PermissionDenied,
            Self::Exists => ErrorKind::AlreadyExists,
            Self::NotDirectory => ErrorKind::NotADirectory,
            Self::IsDirectory => ErrorKind::IsADirectory,
            Self::NotEmpty => ErrorKind::DirectoryNotEmpty,
            Self::CrossDevice => ErrorKind::CrossesDevices,
            Self::Busy => ErrorKind::ResourceBusy,
            Self::Invalid => ErrorKind::InvalidInput,
            Self::ReadOnly => ErrorKind::ReadOnlyFilesystem,
            Self::NameTooLong => ErrorKind::InvalidFilename,
            Self::NoSpace => ErrorKind::StorageFull,
            Self::TooLarge => ErrorKind::FileTooLarge,
            Self::NoMemory => ErrorKind::OutOfMemory,
            Self::TooManyLinks => ErrorKind::TooManyLinks,
            Self::Stale => ErrorKind::StaleNetworkFileHandle,
            Self::Loop | Self::Io => ErrorKind::Other,
        }
    }
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Self::new(errno.kind(), errno)
    }
}
