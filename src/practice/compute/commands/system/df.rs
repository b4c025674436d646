//! df: how full each filesystem is.

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use super::table::{Align, columns, human};
use crate::practice::compute::host::{Host, Seat};
use crate::practice::storage::Mount;

/// `df`
pub struct Df;

/// In which unit sizes are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Blocks(u64),
    /// With suffixes of this base.
    Human(u64),
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
struct Wanted {
    unit: Unit,
    types: bool,
    inodes: bool,
    all: bool,
    portable: bool,
    total: bool,
    local: bool,
    only: Vec<String>,
    not: Vec<String>,
    files: Vec<String>,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self {
            unit: Unit::Blocks(1024),
            types: false,
            inodes: false,
            all: false,
            portable: false,
            total: false,
            local: false,
            only: Vec::new(),
            not: Vec::new(),
            files: Vec::new(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--human-readable" => wanted.unit = Unit::Human(1024),
                "--si" => wanted.unit = Unit::Human(1000),
                "--print-type" => wanted.types = true,
                "--inodes" => wanted.inodes = true,
                "--all" => wanted.all = true,
                "--local" => wanted.local = true,
                "--portability" => wanted.portable = true,
                "--total" => wanted.total = true,
                "--sync" | "--no-sync" => {}
                _ if arg.starts_with("--type=") => wanted.only.push(arg[7..].to_owned()),
                _ if arg.starts_with("--exclude-type=") => wanted.not.push(arg[15..].to_owned()),
                _ if arg.len() > 1 && arg.starts_with('-') && !arg.starts_with("--") => {
                    for (at, letter) in arg[1..].char_indices() {
                        match letter {
                            'h' => wanted.unit = Unit::Human(1024),
                            'H' => wanted.unit = Unit::Human(1000),
                            'k' => wanted.unit = Unit::Blocks(1024),
                            'm' => wanted.unit = Unit::Blocks(1 << 20),
                            'T' => wanted.types = true,
                            'i' => wanted.inodes = true,
                            'a' => wanted.all = true,
                            'l' => wanted.local = true,
                            'P' => wanted.portable = true,
                            't' | 'x' => {
                                let rest = &arg[at + 2..];
                                let value = if rest.is_empty() {
                                    args.next().ok_or_else(|| format!("-{letter}"))?.clone()
                                } else {
                                    rest.to_owned()
                                };
                                if letter == 't' {
                                    wanted.only.push(value);
                                } else {
                                    wanted.not.push(value);
                                }
                                break;
                            }
                            _ => return Err(format!("-{letter}")),
                        }
                    }
                }
                _ if arg.starts_with("--") => return Err(arg.clone()),
                _ => wanted.files.push(arg.clone()),
            }
        }
        Ok(wanted)
    }

    fn shows(&self, mount: &Mount) -> bool {
        // Of several mounts of one filesystem df shows the named ones; `proc` and its like hold nothing.
        let holds = self.all || !self.files.is_empty() || mount.capacity > 0;
        let here = !self.local || !mount.fstype.starts_with("nfs");
        let wanted = self.only.is_empty() || self.only.contains(&mount.fstype);
        holds && here && wanted && !self.not.contains(&mount.fstype)
    }
}

/// What a filesystem holds: of bytes or of inodes.
#[derive(Clone, Copy, Default)]
struct Amount {
    size: u64,
    used: u64,
}

impl Amount {
    fn cells(self, show: impl Fn(u64) -> String) -> [String; 4] {
        let percent = if self.size == 0 {
            "-".to_owned()
        } else {
            let percent = (u128::from(self.used) * 100).div_ceil(u128::from(self.size));
            format!("{percent}%")
        };
        let free = self.size.saturating_sub(self.used);
        [show(self.size), show(self.used), show(free), percent]
    }
}

/// xfs may use a quarter of a small disk for inodes of 512 bytes (mkfs.xfs(8), `maxpct`).
fn inodes_of(capacity: u64) -> u64 {
    capacity / 4 / 512
}

fn amount(host: &Host, mount: &Mount, inodes: bool) -> Amount {
    match (inodes, mount.fstype.starts_with("nfs")) {
        // EFS counts no inodes.
        (true, true) => Amount::default(),
        (true, false) => Amount {
            size: inodes_of(mount.capacity),
            used: if mount.capacity == 0 {
                0
            } else {
                count(host, mount)
            },
        },
        (false, _) => Amount {
            size: mount.capacity,
            used: host.root().used_bytes(&mount.target).unwrap_or(0),
        },
    }
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
        let host = &seat.host;
        let mut status = 0;
        let mut mounts = Vec::new();
        if wanted.files.is_empty() {
            let all = host.mounts.mounts();
            for (index, mount) in all.iter().enumerate() {
                // A mount on the same directory hides the earlier one.
                if wanted.all
                    || !all[index + 1..]
                        .iter()
                        .any(|later| later.target == mount.target)
                {
                    mounts.push(mount.clone());
                }
            }
        }
        for file in &wanted.files {
            let path = call.path(file);
            match host.view(&seat.user).stat(&path) {
                Ok(_) => mounts.push(host.mounts.holding(&path)),
                Err(error) => status = call.fail(1, format!("df: {file}: {error}")).await?,
            }
        }
        mounts.retain(|mount| wanted.shows(mount));
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

fn report(host: &Host, wanted: &Wanted, mounts: &[Mount]) -> String {
    let show = |value: u64| match (wanted.inodes, wanted.unit) {
        (_, Unit::Human(base)) => human(value, base),
        (true, Unit::Blocks(_)) => value.to_string(),
        (false, Unit::Blocks(size)) => value.div_ceil(size).to_string(),
    };
    let [size, used, free, percent] = match (wanted.inodes, wanted.unit, wanted.portable) {
        (true, ..) => ["Inodes", "IUsed", "IFree", "IUse%"],
        (_, Unit::Human(_), false) => ["Size", "Used", "Avail", "Use%"],
        (_, Unit::Human(_), true) => ["Size", "Used", "Available", "Capacity"],
        (_, Unit::Blocks(1024), false) => ["1K-blocks", "Used", "Available", "Use%"],
        (_, Unit::Blocks(1024), true) => ["1024-blocks", "Used", "Available", "Capacity"],
        (_, Unit::Blocks(_), _) => ["1M-blocks", "Used", "Available", "Use%"],
    };
    let mut shape = vec![(Align::Left, 14)];
    let mut header = vec!["Filesystem".to_owned()];
    if wanted.types {
        shape.push((Align::Left, 4));
        header.push("Type".to_owned());
    }
    header.extend([size, used, free, percent, "Mounted on"].map(str::to_owned));
    // GNU df keeps five places for each number.
    shape.extend([5, 5, 5, 4].map(|least| (Align::Right, least)));
    shape.push((Align::Left, 0));
    let mut rows = vec![header];
    let mut row = |source: &str, fstype: &str, amount: Amount, target: &str| {
        let mut cells = vec![source.to_owned()];
        if wanted.types {
            cells.push(fstype.to_owned());
        }
        cells.extend(amount.cells(show));
        cells.push(target.to_owned());
        rows.push(cells);
    };
    let mut total = Amount::default();
    for mount in mounts {
        let amount = amount(host, mount, wanted.inodes);
        total.size = total.size.saturating_add(amount.size);
        total.used = total.used.saturating_add(amount.used);
        row(&mount.source, &mount.fstype, amount, &mount.target);
    }
    if wanted.total {
        row("total", "-", total, "-");
    }
    columns(&rows, &shape)
}

#[cfg(test)]
mod tests {
    use super::{Amount, Unit, Wanted};
    use crate::practice::compute::commands::system::nfs::CAPACITY;
    use crate::practice::compute::commands::system::table::human;

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
        let share = Amount {
            size: CAPACITY,
            used: 0,
        };
        assert_eq!(
            share.cells(|value| human(value, 1024)),
            ["8.0E", "0", "8.0E", "0%"]
        );
        assert_eq!(
            share.cells(|value| value.div_ceil(1024).to_string())[0],
            "9007199254739968"
        );
    }

    #[test]
    fn a_filesystem_with_anything_in_it_is_not_at_zero() {
        let disk = Amount {
            size: 8 << 30,
            used: 1,
        };
        assert_eq!(disk.cells(|value| value.to_string())[3], "1%");
    }
}
