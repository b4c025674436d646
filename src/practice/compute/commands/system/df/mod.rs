//! df: how full each filesystem is.

mod options;

use async_trait::async_trait;

use self::options::{Field, Unit, Wanted};
use super::program::{Call, Ended, Program};
use super::table::{columns, human};
use crate::practice::compute::disks::Found;
use crate::practice::compute::host::{Host, Seat};
use crate::practice::storage::{Mount, Superblock, Use};

/// Bytes of a block of an NFS mount: its `wsize`.
const NFS_BLOCK: u64 = 1024 * 1024;

/// `df`
pub struct Df;

/// What a filesystem holds: of bytes or of inodes.
#[derive(Clone, Copy, Default)]
struct Amount {
    size: u64,
    used: u64,
    /// Of what is not used, what only root or the kernel may use.
    reserved: u64,
}

impl Amount {
    fn free(self) -> u64 {
        self.size.saturating_sub(self.used + self.reserved)
    }

    /// Rounded up; `-` of nothing.
    fn percent(self) -> String {
        if self.size == 0 {
            return "-".to_owned();
        }
        let there = (self.used + self.free()).max(1);
        let percent = (u128::from(self.used) * 100).div_ceil(u128::from(there));
        format!("{percent}%")
    }
}

/// xfs may use a quarter of a small disk for inodes of 512 bytes (mkfs.xfs(8), `maxpct`).
fn inodes_of(capacity: u64) -> u64 {
    capacity / 4 / 512
}

/// What is shown in one line.
struct Line {
    source: String,
    fstype: String,
    bytes: Amount,
    inodes: Amount,
    file: String,
    target: String,
}

impl Line {
    /// Of a mount; inodes are counted only where they are shown, as that takes a walk.
    fn of(host: &Host, mount: &Mount, file: &str, inodes: bool) -> Self {
        // EFS counts no inodes.
        let counted = inodes && mount.capacity > 0 && !mount.fstype.starts_with("nfs");
        Self {
            source: mount.source.clone(),
            fstype: mount.fstype.clone(),
            bytes: amount(host, mount),
            inodes: match superblock(host, mount) {
                _ if !counted => Amount::default(),
                Some(superblock) => {
                    // The root and `lost+found` are among those that a new filesystem has.
                    let files = count(host, mount).saturating_sub(2);
                    let (size, free) = superblock.inodes(files);
                    Amount {
                        size,
                        used: size - free,
                        reserved: 0,
                    }
                }
                None => Amount {
                    size: inodes_of(mount.capacity),
                    used: count(host, mount),
                    reserved: 0,
                },
            },
            file: file.to_owned(),
            target: mount.target.clone(),
        }
    }

    fn cell(&self, field: Field, unit: Unit) -> String {
        let number = |value: u64| match unit {
            Unit::Human(base) => human(value, base),
            Unit::Blocks(_) => value.to_string(),
        };
        let size = |value: u64| match unit {
            Unit::Human(base) => human(value, base),
            Unit::Blocks(block) => value.div_ceil(block).to_string(),
        };
        match field {
            Field::Source => self.source.clone(),
            Field::Type => self.fstype.clone(),
            Field::Inodes => number(self.inodes.size),
            Field::InodesUsed => number(self.inodes.used),
            Field::InodesFree => number(self.inodes.free()),
            Field::InodesPercent => self.inodes.percent(),
            Field::Size => size(self.bytes.size),
            Field::Used => size(self.bytes.used),
            Field::Free => size(self.bytes.free()),
            Field::Percent => self.bytes.percent(),
            Field::File => self.file.clone(),
            Field::Target => self.target.clone(),
        }
    }
}

/// What the filesystem of a volume says of itself, if that is what is mounted.
fn superblock(host: &Host, mount: &Mount) -> Option<Superblock> {
    match host.disks.at(&mount.source)? {
        Found::Disk(device) => host.superblock(&device),
        Found::Partition(..) => None,
    }
}

fn amount(host: &Host, mount: &Mount) -> Amount {
    let used = mount.tree.used_bytes();
    match superblock(host, mount) {
        Some(superblock) => Amount {
            size: mount.capacity,
            used: Superblock::used_at_first() + used,
            reserved: superblock.reserved_bytes() + superblock.kept_bytes(),
        },
        None => Amount {
            size: mount.capacity,
            used: if mount.fstype.starts_with("nfs") {
                // The client counts what is free in whole blocks.
                used / NFS_BLOCK * NFS_BLOCK
            } else {
                mount.own + used
            },
            reserved: 0,
        },
    }
}

/// Bytes of a mounted filesystem, those in use, and those that are free for everybody.
pub fn room(host: &Host, mount: &Mount) -> (u64, u64, u64) {
    let amount = amount(host, mount);
    (amount.size, amount.used, amount.free())
}

/// Files and directories below a mount, those of mounts inside it left out.
fn count(host: &Host, mount: &Mount) -> u64 {
    let view = host.root();
    let others: Vec<_> = host
        .mounts
        .mounts()
        .into_iter()
        .map(|one| one.target)
        .collect();
    let mut left = vec![mount.target.clone()];
    let mut counted = 1;
    while let Some(directory) = left.pop() {
        for (name, attr) in view.list(&directory).unwrap_or_default() {
            let path = format!("{}/{name}", directory.trim_end_matches('/'));
            counted += 1;
            if attr.is_dir() && !others.contains(&path) {
                left.push(path);
            }
        }
    }
    counted
}

#[async_trait]
impl Program for Df {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(argument) => return call.unknown_option(1, &argument).await,
        };
        if wanted.output.is_some() && (wanted.types || wanted.inodes) {
            let option = if wanted.types { "-T" } else { "-i" };
            let what = format!(
                "df: options {option} and --output are mutually exclusive\nTry 'df --help' for more information."
            );
            return call.fail(1, what).await;
        }
        let host = &seat.host;
        let view = seat.patient_view();
        let mut status = 0;
        let mut mounts = Vec::new();
        if wanted.files.is_empty() {
            // Each is asked how full it is.
            view.pass_below("/").await;
            let all = host.mounts.mounts();
            for (index, mount) in all.iter().enumerate() {
                // A mount on the same directory hides the earlier one.
                if wanted.all
                    || !all[index + 1..]
                        .iter()
                        .any(|later| later.target == mount.target)
                {
                    mounts.push((mount.clone(), "-"));
                }
            }
        }
        for file in &wanted.files {
            let path = call.path(file);
            view.pass(&path, Use::Look).await;
            match view.stat(&path) {
                Ok(_) => mounts.push((host.mounts.holding(&path), file.as_str())),
                Err(error) => status = call.fail(1, format!("df: {file}: {error}")).await?,
            }
        }
        mounts.retain(|(mount, _)| wanted.shows(mount));
        if mounts.is_empty() {
            return if status == 0 {
                call.fail(1, "df: no file systems processed").await
            } else {
                Ok(status)
            };
        }
        call.out(report(host, &wanted, &mounts)).await?;
        Ok(status)
    }
}

fn report(host: &Host, wanted: &Wanted, mounts: &[(Mount, &str)]) -> String {
    let fields = wanted.fields();
    let inodes = fields.contains(&Field::Inodes) || fields.contains(&Field::InodesUsed);
    let mut lines: Vec<_> = mounts
        .iter()
        .map(|(mount, file)| Line::of(host, mount, file, inodes))
        .collect();
    if wanted.total {
        let sum = |of: fn(&Line) -> Amount| {
            lines
                .iter()
                .map(of)
                .fold(Amount::default(), |sum, one| Amount {
                    size: sum.size.saturating_add(one.size),
                    used: sum.used.saturating_add(one.used),
                    reserved: sum.reserved.saturating_add(one.reserved),
                })
        };
        lines.push(Line {
            source: "total".to_owned(),
            fstype: "-".to_owned(),
            bytes: sum(|line| line.bytes),
            inodes: sum(|line| line.inodes),
            file: "-".to_owned(),
            target: "-".to_owned(),
        });
    }
    let shape: Vec<_> = fields.iter().map(|field| field.shape()).collect();
    let header = fields.iter().map(|field| field.title(wanted).to_owned());
    let mut rows = vec![header.collect::<Vec<_>>()];
    rows.extend(lines.iter().map(|line| {
        let cells = fields.iter().map(|field| line.cell(*field, wanted.unit));
        cells.collect()
    }));
    columns(&rows, &shape)
}

#[cfg(test)]
mod tests {
    use super::{Amount, Field, Line, Unit, Wanted};
    use crate::practice::compute::commands::system::nfs::CAPACITY;

    fn wanted(line: &str) -> Result<Wanted, String> {
        let args: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Wanted::read(&args)
    }

    #[test]
    fn letters_may_stand_together() {
        let wanted = wanted("-hT -t nfs4 /home").unwrap();
        assert!(wanted.unit == Unit::Human(1024) && wanted.types);
        assert_eq!(wanted.only, ["nfs4"]);
        assert_eq!(wanted.files, ["/home"]);
    }

    #[test]
    fn unknown_letters_are_refused_by_name() {
        assert_eq!(wanted("-hz").err().as_deref(), Some("-z"));
        assert_eq!(wanted("--frob").err().as_deref(), Some("--frob"));
    }

    #[test]
    fn a_share_shows_eight_exbibytes() {
        let share = Line {
            source: "share:/".to_owned(),
            fstype: "nfs4".to_owned(),
            bytes: Amount {
                size: CAPACITY,
                used: 0,
                reserved: 0,
            },
            inodes: Amount::default(),
            file: "-".to_owned(),
            target: "/home".to_owned(),
        };
        assert_eq!(share.cell(Field::Size, Unit::Human(1024)), "8.0E");
        assert_eq!(
            share.cell(Field::Size, Unit::Blocks(1024)),
            "9007199254739968"
        );
        assert_eq!(share.cell(Field::Percent, Unit::Human(1024)), "0%");
        assert_eq!(share.cell(Field::InodesPercent, Unit::Human(1024)), "-");
    }

    #[test]
    fn a_filesystem_with_anything_in_it_is_not_at_zero() {
        let disk = Amount {
            size: 8 << 30,
            used: 1,
            reserved: 0,
        };
        assert_eq!(disk.percent(), "1%");
    }

    #[test]
    fn columns_can_be_chosen() {
        let chosen = wanted("--output=target,fstype").unwrap();
        assert_eq!(chosen.fields(), [Field::Target, Field::Type]);
        assert_eq!(wanted("--output").unwrap().fields().len(), 12);
        assert!(wanted("--output=colour").is_err());
    }
}
