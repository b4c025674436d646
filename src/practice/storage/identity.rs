//! Who asks for a file operation, and what POSIX permissions let him do. No names here, only numbers.

/// User and groups of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// User id; 0 passes every check.
    pub uid: u32,
    /// Primary group id, given to what the caller creates.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

impl Identity {
    /// The superuser.
    pub const ROOT: Self = Self {
        uid: 0,
        gid: 0,
        groups: Vec::new(),
    };

    /// Whether the caller is the superuser.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// Whether the caller is in this group.
    #[must_use]
    pub fn in_group(&self, gid: u32) -> bool {
        self.gid == gid || self.groups.contains(&gid)
    }

    /// Whether a file of this owner, group and mode lets the caller do `access`.
    #[must_use]
    pub fn may(&self, access: Access, uid: u32, gid: u32, mode: u32, directory: bool) -> bool {
        if self.is_root() {
            // The superuser reads and writes all, but executes only what somebody may.
            return access != Access::Execute || directory || mode & 0o111 != 0;
        }
        let class = if self.uid == uid {
            mode >> 6
        } else if self.in_group(gid) {
            mode >> 3
        } else {
            mode
        };
        class & access.bit() != 0
    }
}

/// What a caller wants to do with a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read a file, list a directory.
    Read,
    /// Change a file, add and remove entries of a directory.
    Write,
    /// Run a file, pass through a directory.
    Execute,
}

impl Access {
    fn bit(self) -> u32 {
        match self {
            Self::Read => 4,
            Self::Write => 2,
            Self::Execute => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Identity};

    #[test]
    fn the_first_class_that_fits_decides() {
        let user = Identity {
            uid: 1000,
            gid: 1000,
            groups: vec![10],
        };
        // The owner is refused although everybody else is allowed.
        assert!(!user.may(Access::Read, 1000, 1000, 0o077, false));
        assert!(user.may(Access::Read, 0, 10, 0o040, false));
        assert!(!user.may(Access::Read, 0, 10, 0o707, false));
        assert!(user.may(Access::Write, 0, 0, 0o002, false));
        assert!(!user.may(Access::Write, 0, 0, 0o775, false));
    }

    #[test]
    fn the_superuser_executes_only_what_somebody_may() {
        assert!(Identity::ROOT.may(Access::Write, 1000, 1000, 0, false));
        assert!(!Identity::ROOT.may(Access::Execute, 1000, 1000, 0o644, false));
        assert!(Identity::ROOT.may(Access::Execute, 1000, 1000, 0o001, false));
        assert!(Identity::ROOT.may(Access::Execute, 1000, 1000, 0, true));
    }
}
