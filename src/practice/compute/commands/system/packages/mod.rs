//! The packages a practice instance can have: what they are called, need and bring. How they are installed is in `dnf`.

mod catalog;

use std::sync::Arc;

use self::catalog::{IMAGE, REPOSITORY};
use super::program::key;
use crate::practice::compute::host::Host;
use crate::practice::compute::image::stand_in;
use crate::practice::storage::{Outcome, View};

/// A package of Amazon Linux 2023.
#[derive(Debug)]
pub struct Package {
    /// e.g. `nfs-utils`
    pub name: &'static str,
    /// 0 when it has none.
    pub epoch: u32,
    /// Version and release.
    pub version: &'static str,
    /// `x86_64` or `noarch`
    pub arch: &'static str,
    /// Size of the download in KiB: an estimate, for show.
    pub download: u64,
    /// Size on disk in KiB: an estimate, for show.
    pub size: u64,
    /// One line.
    pub summary: &'static str,
    /// Names of packages that it needs and the image does not have.
    pub requires: &'static [&'static str],
    /// What it puts on the disk, as far as it matters here.
    pub files: &'static [File],
}

/// Something a package puts on the disk.
#[derive(Debug)]
pub enum File {
    /// An executable at this path that runs the program of this name.
    Program(&'static str, &'static str),
    /// A symbolic link at this path to this target.
    Link(&'static str, &'static str),
    /// A text at this path.
    Text(&'static str, &'static str),
}

impl Package {
    /// `1:2.5.4-2.amzn2023`: with the epoch if it has one.
    pub fn full_version(&self) -> String {
        match self.epoch {
            0 => self.version.to_owned(),
            epoch => format!("{epoch}:{}", self.version),
        }
    }

    /// `nfs-utils-1:2.5.4-2.amzn2023.x86_64`, as dnf writes it.
    pub fn full_name(&self) -> String {
        format!("{}-{}.{}", self.name, self.full_version(), self.arch)
    }

    /// `nfs-utils-2.5.4-2.amzn2023.x86_64`, as rpm writes it.
    pub fn rpm_name(&self) -> String {
        format!("{}-{}.{}", self.name, self.version, self.arch)
    }

    /// Paths of its files.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.files.iter().map(File::path)
    }

    /// Names of the programs it brings.
    #[cfg(test)]
    pub fn programs(&self) -> impl Iterator<Item = &'static str> {
        self.files.iter().filter_map(|file| match file {
            File::Program(_, program) => Some(*program),
            File::Link(..) | File::Text(..) => None,
        })
    }

    /// Puts its files on the disk.
    pub fn unpack(&self, disk: &View) -> Outcome<()> {
        for file in self.files {
            let path = file.path();
            if let Some((directory, _)) = path.rsplit_once('/') {
                disk.make_dirs(directory)?;
            }
            match file {
                File::Program(path, program) => {
                    disk.write(path, stand_in(&key(program)).as_bytes())?;
                    disk.set_mode(path, 0o755)?;
                }
                File::Link(path, target) => {
                    if disk.lstat(path).is_err() {
                        disk.make_symlink(target, path)?;
                    }
                }
                File::Text(path, text) => {
                    // A file of configuration that is there already is the user's.
                    if disk.lstat(path).is_err() {
                        disk.write(path, text.as_bytes())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes its files from the disk; those already gone are no matter.
    pub fn erase(&self, host: &Arc<Host>) {
        let disk = host.root();
        for file in self.files {
            if let Err(error) = disk.remove_one(file.path()) {
                tracing::debug!(%error, path = file.path(), "a package's file was gone before it");
            }
        }
    }
}

impl File {
    fn path(&self) -> &'static str {
        match self {
            Self::Program(path, _) | Self::Link(path, _) | Self::Text(path, _) => path,
        }
    }
}

/// The package of this name, or of a file it brings (`dnf install /usr/bin/nc`).
pub fn find(wanted: &str) -> Option<&'static Package> {
    all().find(|package| {
        package.name == wanted
            || format!("{}.{}", package.name, package.arch) == wanted
            || wanted.starts_with('/') && package.files.iter().any(|file| file.path() == wanted)
    })
}

/// All of them: those of the image first.
pub fn all() -> impl Iterator<Item = &'static Package> {
    IMAGE.iter().chain(REPOSITORY)
}

/// Whether a package is on this host.
pub fn is_installed(host: &Host, package: &Package) -> bool {
    let lacks = host.spec.edition.lacks().contains(&package.name);
    is_protected(package) && !lacks || host.has_package(package.name)
}

/// Whether a package belongs to the image, so that it cannot be removed.
pub fn is_protected(package: &Package) -> bool {
    IMAGE.iter().any(|one| one.name == package.name)
}

/// `package` and everything it needs that is not there yet, needed ones first.
pub fn closure(package: &'static Package, has: &dyn Fn(&Package) -> bool) -> Vec<&'static Package> {
    fn visit(
        package: &'static Package,
        has: &dyn Fn(&Package) -> bool,
        found: &mut Vec<&'static Package>,
    ) {
        if has(package) || found.iter().any(|one| one.name == package.name) {
            return;
        }
        for needed in package.requires.iter().filter_map(|name| find(name)) {
            visit(needed, has, found);
        }
        found.push(package);
    }
    let mut found = Vec::new();
    visit(package, has, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::{all, closure, find};

    #[test]
    fn everything_a_package_needs_exists() {
        for package in all() {
            for needed in package.requires {
                assert!(find(needed).is_some(), "{} needs {needed}", package.name);
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = all().map(|package| package.name).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
    }

    #[test]
    fn what_a_package_needs_comes_before_it_and_only_once() {
        let names = |has: &dyn Fn(&super::Package) -> bool| -> Vec<_> {
            closure(find("nfs-utils").unwrap(), has)
                .iter()
                .map(|package| package.name)
                .collect()
        };
        assert_eq!(
            names(&|_| false),
            [
                "gssproxy",
                "libnfsidmap",
                "libtirpc",
                "libev",
                "libverto-libev",
                "rpcbind",
                "nfs-utils"
            ]
        );
        assert_eq!(names(&|package| package.name != "nfs-utils"), ["nfs-utils"]);
        assert!(names(&|_| true).is_empty());
    }

    #[test]
    fn a_package_is_found_by_its_file() {
        assert_eq!(
            find("/usr/bin/nc").map(|package| package.name),
            Some("nmap-ncat")
        );
        assert_eq!(
            find("nfs-utils").unwrap().full_name(),
            "nfs-utils-1:2.5.4-2.rc3.amzn2023.0.3.x86_64"
        );
    }
}
