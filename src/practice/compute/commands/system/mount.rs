//! mount and umount. What NFS itself does is in `nfs`.

use std::sync::Arc;

use async_trait::async_trait;

use super::identity::size;
use super::program::{Call, Ended, Program};
use super::{block, bytes, efs, fstab, nfs};
use crate::practice::clock::Activity;
use crate::practice::compute::host::{Host, Seat};
use crate::practice::storage::{Errno, Limits, Mount, MountSpec, Use};

/// Exit statuses of mount(8) and umount(8).
pub const USAGE: i32 = 1;
pub const FAILED: i32 = 32;
const SOME_FAILED: i32 = 64;

/// Why nothing was mounted.
#[derive(Debug)]
pub struct Failure {
    /// As it is printed.
    pub message: String,
    /// Exit status.
    pub status: i32,
}

impl Failure {
    /// With this status.
    pub fn new(status: i32, message: String) -> Self {
        Self { message, status }
    }
}

/// Mounts one thing, by type. `target` is absolute and normalized.
pub async fn attach(
    host: &Arc<Host>,
    activity: &Activity,
    fstype: &str,
    options: &str,
    source: &str,
    target: &str,
) -> Result<(), Failure> {
    if options
        .split(',')
        .any(|one| matches!(one, "bind" | "rbind"))
    {
        return bind(host, source, target);
    }
    let fstype = if fstype == "auto" && source.contains(":/") {
        "nfs"
    } else {
        fstype
    };
    match fstype {
        "nfs" | "nfs4" => {
            let program = format!("mount.{fstype}");
            if !has_helper(host, &program) {
                return Err(Failure::new(
                    FAILED,
                    format!(
                        "mount: {target}: bad option; for several filesystems (e.g. nfs, cifs) you might need a \
                         /sbin/mount.<type> helper program."
                    ),
                ));
            }
            let request = nfs::Request {
                program: &program,
                source,
                shown: source,
                target,
                options,
            };
            nfs::mount(host, activity, &request)
                .await
                .map_err(|message| Failure::new(FAILED, message))
        }
        "efs" if has_helper(host, "mount.efs") => {
            efs::mount(host, activity, source, target, options)
                .await
                .map_err(|(status, message)| Failure::new(status, message))
        }
        "xfs" | "ext2" | "ext3" | "ext4" | "auto" => {
            block::mount::attach(host, fstype, options, source, target)
        }
        "tmpfs" => tmpfs(host, options, source, target),
        other => Err(Failure::new(
            FAILED,
            format!("mount: {target}: unknown filesystem type '{other}'."),
        )),
    }
}

/// Shows a directory in a second place.
fn bind(host: &Host, source: &str, target: &str) -> Result<(), Failure> {
    let fail = |what: String| Err(Failure::new(FAILED, format!("mount: {target}: {what}")));
    let is_directory = |path| host.root().stat(path).map(|attr| attr.is_dir());
    match (is_directory(source), is_directory(target)) {
        (Err(_), _) => fail(format!("special device {source} does not exist.")),
        (_, Err(_)) => fail("mount point does not exist.".to_owned()),
        (Ok(true), Ok(true)) => match host.mounts.bind(source, target) {
            Ok(()) => Ok(()),
            Err(error) => fail(format!("mount(2) system call failed: {error}.")),
        },
        (Ok(false), Ok(false)) => fail("a practice instance binds only directories.".to_owned()),
        (Ok(_), Ok(_)) => fail("mount(2) system call failed: Not a directory.".to_owned()),
    }
}

/// A filesystem in memory, as large as `size=` says, or half of the memory.
fn tmpfs(host: &Host, options: &str, source: &str, target: &str) -> Result<(), Failure> {
    let fail = |what: String| Err(Failure::new(FAILED, format!("mount: {target}: {what}")));
    if !host.root().stat(target).is_ok_and(|attr| attr.is_dir()) {
        return fail("mount point does not exist.".to_owned());
    }
    let bad = "wrong fs type, bad option, bad superblock on tmpfs, missing codepage or helper program, or other error.";
    let half = size(&host.spec.instance_type).1 / 2 * 1024;
    let (mut kib, mut mode, mut read_only) = (half, 0o1777, false);
    for option in options.split(',') {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name {
            "size" => {
                let percent = value
                    .strip_suffix('%')
                    .and_then(|text| text.parse::<u64>().ok());
                let bytes = bytes::count(value).map(|bytes| bytes.div_ceil(1024));
                match percent.map(|percent| half * 2 * percent / 100).or(bytes) {
                    Some(given) => kib = given,
                    None => return fail(bad.to_owned()),
                }
            }
            "mode" => match u32::from_str_radix(value, 8) {
                Ok(given) => mode = given & 0o7777,
                Err(_) => return fail(bad.to_owned()),
            },
            "ro" => read_only = true,
            _ => {}
        }
    }
    let capacity = kib.saturating_mul(1024);
    let limits = Limits {
        bytes: capacity.min(Limits::default().bytes),
        ..Limits::default()
    };
    let word = if read_only { "ro" } else { "rw" };
    let mounted = host.files.volatile(target, mode, limits).and_then(|tree| {
        host.mounts.mount(MountSpec {
            source: source.to_owned(),
            target: target.to_owned(),
            fstype: "tmpfs".to_owned(),
            options: format!("{word},relatime,seclabel,size={kib}k,mode={mode:o}"),
            tree: Arc::new(tree),
            capacity,
            own: 0,
        })
    });
    mounted.or_else(|error| fail(format!("mount(2) system call failed: {error}.")))
}

/// Changes how something is mounted.
fn remount(host: &Host, target: &str, options: &str) -> Result<(), Failure> {
    let read_only = options
        .split(',')
        .rev()
        .find(|one| matches!(*one, "ro" | "rw"))
        .is_some_and(|word| word == "ro");
    host.mounts.remount(target, read_only).map_err(|_| {
        let what = format!("mount: {target}: mount point not mounted or bad option.");
        Failure::new(FAILED, what)
    })
}

fn has_helper(host: &Host, program: &str) -> bool {
    ["/sbin", "/usr/sbin"]
        .iter()
        .any(|directory| host.root().stat(&format!("{directory}/{program}")).is_ok())
}

/// `mount`
pub struct MountProgram;

#[derive(Default)]
struct Wanted {
    all: bool,
    fstype: Option<String>,
    options: Vec<String>,
    fake: bool,
    verbose: bool,
    operands: Vec<String>,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = |inline: Option<&str>| {
                inline
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned)
                    .or_else(|| args.next().cloned())
                    .ok_or_else(|| arg.clone())
            };
            match arg.as_str() {
                "-a" | "--all" => wanted.all = true,
                "-av" | "-va" => (wanted.all, wanted.verbose) = (true, true),
                "-B" | "--bind" => wanted.options.push("bind".to_owned()),
                "-R" | "--rbind" => wanted.options.push("rbind".to_owned()),
                "-f" | "--fake" => wanted.fake = true,
                "-v" | "--verbose" => wanted.verbose = true,
                "-r" | "--read-only" => wanted.options.push("ro".to_owned()),
                "-w" | "--rw" | "--read-write" => wanted.options.push("rw".to_owned()),
                "-n" | "-s" | "--no-mtab" => {}
                "--types" => wanted.fstype = Some(value(None)?),
                "--options" => wanted.options.push(value(None)?),
                "--source" | "--target" => wanted.operands.push(value(None)?),
                _ if arg.starts_with("-t") => wanted.fstype = Some(value(arg.get(2..))?),
                _ if arg.starts_with("-o") => wanted.options.push(value(arg.get(2..))?),
                _ if arg.len() > 1 && arg.starts_with('-') => return Err(arg.clone()),
                _ => wanted.operands.push(arg.clone()),
            }
        }
        Ok(wanted)
    }
}

#[async_trait]
impl Program for MountProgram {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(argument) => return call.unknown_option(USAGE, &argument).await,
        };
        let host = &seat.host;
        if !wanted.all && wanted.operands.is_empty() {
            let lines: String = host
                .mounts
                .mounts()
                .iter()
                .filter(|mount| {
                    let of_type = |types: &String| fstab::matches(types, &mount.fstype);
                    wanted.fstype.as_ref().is_none_or(of_type)
                })
                .map(line)
                .collect();
            call.out(lines).await?;
            return Ok(0);
        }
        if !seat.user.identity.is_root() {
            let what = match wanted.operands.last() {
                Some(target) => format!("mount: {target}: must be superuser to use mount."),
                None => "mount: must be superuser to use mount.".to_owned(),
            };
            return call.fail(USAGE, what).await;
        }
        if wanted.all {
            return mount_all(seat, call, &wanted).await;
        }
        let options = wanted.options.join(",");
        if options.split(',').any(|one| one == "remount")
            && let Some(target) = wanted.operands.last()
        {
            return match remount(host, &call.path(target), &options) {
                Ok(()) => Ok(0),
                Err(failure) => call.fail(failure.status, failure.message).await,
            };
        }
        let (fstype, options, source, target) = match &wanted.operands[..] {
            [one] => {
                let path = call.path(one);
                let (entries, _) = fstab::read(host);
                let entry = entries
                    .into_iter()
                    .find(|entry| entry.target == path || entry.source == *one);
                let Some(entry) = entry else {
                    let what = format!("mount: {one}: can't find in /etc/fstab.");
                    return call.fail(USAGE, what).await;
                };
                let options = [entry.options, options].join(",");
                let fstype = wanted.fstype.unwrap_or(entry.fstype);
                (fstype, options, entry.source, entry.target)
            }
            [source, target] => {
                let fstype = wanted.fstype.unwrap_or_else(|| "auto".to_owned());
                // A directory is named from where one stands.
                let binds = options
                    .split(',')
                    .any(|one| matches!(one, "bind" | "rbind"));
                let source = if binds {
                    call.path(source)
                } else {
                    source.clone()
                };
                (fstype, options, source, call.path(target))
            }
            _ => {
                return call
                    .fail(
                        USAGE,
                        "mount: bad usage\nTry 'mount --help' for more information.",
                    )
                    .await;
            }
        };
        if options.split(',').any(|one| one == "move") {
            let what =
                format!("mount: {target}: a practice instance knows no mount option 'move'.");
            return call.fail(FAILED, what).await;
        }
        if wanted.fake {
            return Ok(0);
        }
        match attach(host, &seat.activity, &fstype, &options, &source, &target).await {
            Ok(()) if wanted.verbose => {
                call.done(format!("mount: {source} mounted on {target}."))
                    .await
            }
            Ok(()) => Ok(0),
            Err(failure) => call.fail(failure.status, failure.message).await,
        }
    }
}

async fn mount_all(seat: &Seat, call: &Call<'_>, wanted: &Wanted) -> Ended {
    let types = wanted.fstype.as_deref();
    let mut outcomes = Vec::new();
    let failures = fstab::mount_telling(&seat.host, &seat.activity, types, &mut outcomes).await;
    let mut failed = false;
    for (message, ignored) in failures {
        failed |= !ignored;
        call.complain(message).await?;
    }
    if wanted.verbose {
        for (target, outcome) in outcomes {
            call.done(format!("{target:<25}: {outcome}")).await?;
        }
    }
    Ok(if failed { SOME_FAILED } else { 0 })
}

/// `mount.nfs`, `mount.nfs4`, `mount.efs`: what mount(8) calls, called by hand.
pub struct MountHelper;

#[async_trait]
impl Program for MountHelper {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let name = call.name;
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(argument) => return call.unknown_option(USAGE, &argument).await,
        };
        let [source, target] = &wanted.operands[..] else {
            let usage = format!("usage: {name} remotetarget dir [-rvVwfnsh] [-o nfsoptions]");
            return call.fail(USAGE, usage).await;
        };
        if !seat.user.identity.is_root() {
            return call
                .fail(USAGE, format!("{name}: only root can use this program"))
                .await;
        }
        let fstype = name.strip_prefix("mount.").unwrap_or("nfs");
        let options = wanted.options.join(",");
        let target = call.path(target);
        match attach(
            &seat.host,
            &seat.activity,
            fstype,
            &options,
            source,
            &target,
        )
        .await
        {
            Ok(()) => Ok(0),
            Err(failure) => call.fail(failure.status, failure.message).await,
        }
    }
}

/// One line of `mount`.
fn line(mount: &Mount) -> String {
    let Mount {
        source,
        target,
        fstype,
        options,
        ..
    } = mount;
    format!("{source} on {target} type {fstype} ({options})\n")
}

/// `umount`
pub struct Umount;

#[async_trait]
impl Program for Umount {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let (mut lazy, mut force) = (false, false);
        let mut operands = Vec::new();
        for arg in call.args {
            match arg.as_str() {
                "-l" | "--lazy" => lazy = true,
                "-f" | "--force" => force = true,
                "-v" | "--verbose" | "-n" => {}
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    return call.unknown_option(USAGE, arg).await;
                }
                _ => operands.push(arg),
            }
        }
        if operands.is_empty() {
            let usage = "umount: bad usage\nTry 'umount --help' for more information.";
            return call.fail(USAGE, usage).await;
        }
        let mut status = 0;
        for operand in operands {
            if !lazy && !force {
                // It looks at what it unmounts.
                seat.patient_view()
                    .pass(&call.path(operand), Use::Look)
                    .await;
            }
            if force && let Some(gate) = seat.host.mounts.gate(&call.path(operand)) {
                gate.give_up();
            }
            if let Err(failure) = detach(seat, call, operand, lazy) {
                status = call.fail(failure.status, failure.message).await?;
            }
        }
        Ok(status)
    }
}

fn detach(seat: &Seat, call: &Call<'_>, operand: &str, lazy: bool) -> Result<(), Failure> {
    let host = &seat.host;
    let path = call.path(operand);
    let fail = |status, what: &str| Err(Failure::new(status, format!("umount: {operand}: {what}")));
    let mounts = host.mounts.mounts();
    // A link in /dev stands for the device.
    let source = match block::find(host, &path) {
        Some(device) => device.path(),
        None => operand.to_owned(),
    };
    let Some(mount) = mounts
        .iter()
        .rev()
        .find(|mount| mount.target == path || mount.source == source)
    else {
        return if host.root().stat(&path).is_err() {
            fail(FAILED, "no mount point specified.")
        } else {
            fail(FAILED, "not mounted.")
        };
    };
    if !seat.user.identity.is_root() {
        return fail(USAGE, "must be superuser to unmount.");
    }
    // A shell that stands in a directory keeps its filesystem busy.
    let inside = |path: &str| is_inside(path, &mount.target);
    let busy = host
        .processes
        .all()
        .iter()
        .any(|process| inside(&process.directory()));
    if mount.target == "/" || busy && !lazy {
        return fail(FAILED, "target is busy.");
    }
    if lazy {
        // umount(2), MNT_DETACH: with all that is mounted below.
        for below in mounts.iter().rev() {
            if below.target != mount.target && inside(&below.target) {
                let _ = host.mounts.unmount(&below.target);
            }
        }
    }
    match host.mounts.unmount(&mount.target) {
        Ok(()) => {
            block::mount::detached(host, &mount.source);
            Ok(())
        }
        Err(Errno::Busy) => fail(FAILED, "target is busy."),
        Err(Errno::Invalid) => fail(FAILED, "not mounted."),
        Err(error) => fail(FAILED, &format!("{error}.")),
    }
}

fn is_inside(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::{Wanted, is_inside};

    #[test]
    fn what_begins_with_the_same_letters_is_not_inside() {
        assert!(is_inside("/mnt/a", "/mnt/a") && is_inside("/mnt/a/b", "/mnt/a"));
        assert!(!is_inside("/mnt/ab", "/mnt/a") && !is_inside("/mnt", "/mnt/a"));
    }

    fn wanted(line: &str) -> Wanted {
        let args: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Wanted::read(&args).unwrap_or_else(|bad| panic!("{bad}"))
    }

    #[test]
    fn options_are_taken_joined_or_apart() {
        let one = wanted("-t nfs4 -o hard,ro share:/ /home");
        let other = wanted("-tnfs4 -ohard,ro share:/ /home");
        assert_eq!(one.fstype, other.fstype);
        assert_eq!(one.options, other.options);
        assert_eq!(one.operands, ["share:/", "/home"]);
    }

    #[test]
    fn an_option_without_its_value_is_refused() {
        assert!(Wanted::read(&["-t".to_owned()]).is_err());
        assert!(Wanted::read(&["--frobnicate".to_owned()]).is_err());
    }
}
