//! mkfs.ext4, mkfs and mke2fs: make an ext4 filesystem on a device. Other filesystems are not made here.

use std::fmt::Write as _;
use std::time::Duration;

use async_trait::async_trait;

use super::{Found, find, own, targets};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::disks::Device;
use crate::practice::compute::host::{Seat, Session};
use crate::practice::storage::Superblock;
use crate::practice::uuid::uuid;

/// Account time that it takes, beside some for each group (estimate: a volume of 5 GiB takes about a second).
const TAKES: Duration = Duration::from_millis(400);
const PER_GROUP: Duration = Duration::from_millis(15);

/// Numbers of blocks in a line.
const PER_LINE: usize = 9;

/// `mkfs.ext4`, `mkfs`, `mke2fs`
pub struct Mkfs;

#[derive(Default)]
struct Wanted {
    kind: Option<String>,
    label: String,
    uuid: Option<String>,
    reserved: Option<u64>,
    quiet: bool,
    force: bool,
    dry: bool,
    operands: Vec<String>,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let Some(letters) = arg.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                wanted.operands.push(arg.clone());
                continue;
            };
            for (at, letter) in letters.char_indices() {
                let mut value = || {
                    let rest = &letters[at + 1..];
                    let rest = (!rest.is_empty()).then(|| rest.to_owned());
                    rest.or_else(|| args.next().cloned())
                        .ok_or_else(|| format!("option requires an argument -- '{letter}'"))
                };
                match letter {
                    'q' => wanted.quiet = true,
                    'F' => wanted.force = true,
                    'n' => wanted.dry = true,
                    'j' | 'v' => {}
                    't' => wanted.kind = Some(value()?),
                    'L' => wanted.label = value()?,
                    'U' => wanted.uuid = Some(value()?),
                    'm' => {
                        let given = value()?;
                        let percent = given.parse().ok().filter(|percent| *percent <= 50);
                        let bad = || format!("invalid reserved blocks percent - {given}");
                        wanted.reserved = Some(percent.ok_or_else(bad)?);
                    }
                    'b' if value()? == "4096" => {}
                    'b' => return Err("a practice instance makes blocks of 4096 bytes".to_owned()),
                    'E' | 'O' | 'i' | 'I' | 'N' | 'T' => {
                        let given = value()?;
                        return Err(format!("a practice instance knows no -{letter} {given}"));
                    }
                    other => return Err(format!("invalid option -- '{other}'")),
                }
                if matches!(letter, 't' | 'L' | 'U' | 'm' | 'b') {
                    break;
                }
            }
        }
        Ok(wanted)
    }
}

#[async_trait]
impl Program for Mkfs {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(why) => return call.fail(1, format!("{}: {why}", call.name)).await,
        };
        if call.name == "mkfs" {
            let kind = wanted.kind.as_deref().unwrap_or("ext2");
            if kind != "ext4" {
                let what =
                    format!("mkfs: failed to execute mkfs.{kind}: No such file or directory");
                return call.fail(1, what).await;
            }
        } else if call.name == "mke2fs" && wanted.kind.as_deref() != Some("ext4")
            || wanted.kind.as_deref().is_some_and(|kind| kind != "ext4")
        {
            let what = format!(
                "{}: a practice instance makes ext4 only (-t ext4)",
                call.name
            );
            return call.fail(1, what).await;
        }
        if !wanted.quiet {
            super::greet(call, "mke2fs").await?;
        }
        let operand = match &wanted.operands[..] {
            [operand] => operand,
            [] => return call.fail(1, "Usage: mkfs.ext4 [-L volume-label] [-U UUID] [-m reserved-blocks-percentage] [-nqF] device").await,
            _ => {
                return call
                    .fail(1, "mke2fs: a practice instance makes filesystems of the size of their device")
                    .await;
            }
        };
        let host = &seat.host;
        let path = call.path(operand);
        if host.view(&seat.user).stat(&path).is_err() {
            let what = format!("The file {operand} does not exist and no size was specified.");
            return call.fail(1, what).await;
        }
        if !seat.user.identity.is_root() {
            let what = format!(
                "{}: Permission denied while trying to determine filesystem size",
                call.name
            );
            return call.fail(1, what).await;
        }
        let device = match find(host, &path) {
            Some(Found::Disk(device)) if device.partitions.is_empty() => device,
            Some(found) => {
                let used = if targets(host, &found.path()).is_empty() {
                    "apparently in use by the system"
                } else {
                    "mounted"
                };
                let what = format!("{operand} is {used}; will not make a filesystem here!");
                return call.fail(1, what).await;
            }
            None => {
                let what = format!(
                    "{}: a practice instance makes filesystems on block devices only, not on {operand}",
                    call.name
                );
                return call.fail(1, what).await;
            }
        };
        if !targets(host, &device.path()).is_empty() {
            let what = format!("{operand} is mounted; will not make a filesystem here!");
            return call.fail(1, what).await;
        }
        if !self.goes_on(seat, call, &device, operand, &wanted).await? {
            return Ok(1);
        }
        make(seat, call, &device, &wanted).await
    }
}

impl Mkfs {
    /// At a prompt it asks before it overwrites a filesystem; a script is not asked, as with the real one.
    async fn goes_on(
        &self,
        seat: &Seat,
        call: &Call<'_>,
        device: &Device,
        operand: &str,
        wanted: &Wanted,
    ) -> bashkit::Result<bool> {
        let old = own(&seat.host, device);
        let asks = seat.session == Session::Interactive && !wanted.force && !wanted.dry;
        let Some(old) = old.filter(|_| asks) else {
            return Ok(true);
        };
        let label = match old.label.as_str() {
            "" => String::new(),
            label => format!(" labelled '{label}'"),
        };
        let (verb, at) = match &old.mounted {
            Some((at, target)) => (format!("last mounted on {target} on"), *at),
            None => ("created on".to_owned(), old.made),
        };
        call.out(format!(
            "{operand} contains a ext4 file system{label}\n\t{verb} {}\nProceed anyway? (y,N) ",
            at.strftime("%a %b %e %H:%M:%S %Y")
        ))
        .await?;
        let answer = call.answer(seat).await?;
        Ok(answer.starts_with(b"y") || answer.starts_with(b"Y"))
    }
}

async fn make(seat: &Seat, call: &Call<'_>, device: &Device, wanted: &Wanted) -> Ended {
    let host = &seat.host;
    let id = match wanted.uuid.as_deref() {
        None | Some("random" | "time") => uuid(rand::random()),
        Some(given) if is_uuid(given) => given.to_ascii_lowercase(),
        Some(_) => return call.fail(1, "mke2fs: Error: invalid UUID").await,
    };
    let label: String = wanted.label.chars().take(16).collect();
    let mut superblock = Superblock::new(device.bytes, id, label, host.clock.now());
    if let Some(percent) = wanted.reserved {
        superblock.reserved = superblock.blocks * percent / 100;
    }
    if !wanted.quiet {
        call.out(beginning(&superblock)).await?;
    }
    if wanted.dry {
        return Ok(0);
    }
    let groups = u32::try_from(superblock.groups()).unwrap_or(u32::MAX);
    seat.activity
        .sleep(TAKES + PER_GROUP.saturating_mul(groups))
        .await;
    if let Err(why) = host.files.format(&device.volume, &superblock) {
        let what = format!("mke2fs: {why} while writing superblock");
        return call.fail(1, what).await;
    }
    host.name_devices();
    if !wanted.quiet {
        call.out(end(&superblock)).await?;
    }
    Ok(0)
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn beginning(superblock: &Superblock) -> String {
    let mut text = format!(
        "Creating filesystem with {} 4k blocks and {} inodes\nFilesystem UUID: {}\nSuperblock backups stored on blocks: \n\t",
        superblock.blocks,
        superblock.inodes(0).0,
        superblock.uuid
    );
    let copies: Vec<String> = superblock.copies().iter().map(u64::to_string).collect();
    let lines: Vec<String> = copies
        .chunks(PER_LINE)
        .map(|line| line.join(", "))
        .collect();
    text.push_str(&lines.join(", \n\t"));
    text.push_str("\n\n");
    text
}

/// The steps, each counted up and wiped away when it is done.
fn end(superblock: &Superblock) -> String {
    let groups = superblock.groups().to_string();
    let count = format!("{:>width$}/{groups}", 0, width = groups.len());
    let (back, blank) = ("\u{8}".repeat(count.len()), " ".repeat(count.len()));
    let step = format!("{count}{back}{blank}{back}done");
    let mut text = String::new();
    for what in ["Allocating group tables", "Writing inode tables"] {
        let _ = writeln!(text, "{what}: {step}{}", " ".repeat(28));
    }
    let _ = writeln!(
        text,
        "Creating journal ({} blocks): done",
        superblock.journal()
    );
    let _ = writeln!(
        text,
        "Writing superblocks and filesystem accounting information: {step}\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use jiff::Timestamp;

    use super::{Superblock, Wanted, beginning, end};

    #[test]
    fn it_says_what_mke2fs_says() {
        for gib in [1_u64, 5, 64] {
            let image = tempfile::NamedTempFile::new().unwrap();
            image.as_file().set_len(gib << 30).unwrap();
            let id = "11111111-2222-4333-8444-555555555555";
            let real = Command::new("/usr/sbin/mkfs.ext4")
                .args(["-E", "nodiscard", "-O", "^orphan_file", "-U", id])
                .arg(image.path())
                .output()
                .unwrap();
            let superblock =
                Superblock::new(gib << 30, id.into(), String::new(), Timestamp::UNIX_EPOCH);
            let ours = beginning(&superblock) + &end(&superblock);
            assert_eq!(ours, String::from_utf8(real.stdout).unwrap(), "{gib} GiB");
        }
    }

    #[test]
    fn letters_may_stand_together_and_values_apart() {
        let args = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let wanted = Wanted::read(&args("-qF -L backup -m1 /dev/xvdf")).unwrap();
        assert!(wanted.quiet && wanted.force && wanted.label == "backup");
        assert_eq!((wanted.reserved, wanted.operands.len()), (Some(1), 1));
        assert!(Wanted::read(&args("-L")).is_err());
        assert!(Wanted::read(&args("-m 90 x")).is_err());
    }
}
