//! blkid: what is on block devices, as tags.

use async_trait::async_trait;

use super::{Found, all, find, tags};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::{Host, Seat};

/// `blkid`
pub struct Blkid;

/// Status when nothing was found.
const NOTHING: i32 = 2;

#[derive(Default)]
struct Wanted {
    format: Option<String>,
    tags: Vec<String>,
    label: Option<String>,
    uuid: Option<String>,
    matching: Vec<(String, String)>,
    devices: Vec<String>,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = |inline: &str| {
                (!inline.is_empty())
                    .then(|| inline.to_owned())
                    .or_else(|| args.next().cloned())
                    .ok_or_else(|| arg.clone())
            };
            match arg.get(..2).unwrap_or(arg) {
                "-o" => wanted.format = Some(value(&arg[2..])?),
                "-s" => wanted.tags.push(value(&arg[2..])?),
                "-L" => wanted.label = Some(value(&arg[2..])?),
                "-U" => wanted.uuid = Some(value(&arg[2..])?),
                "-c" => {
                    value(&arg[2..])?;
                }
                "-t" => {
                    let given = value(&arg[2..])?;
                    let (name, text) = given.split_once('=').ok_or_else(|| arg.clone())?;
                    let text = text.trim_matches('"').to_owned();
                    wanted.matching.push((name.to_owned(), text));
                }
                "-p" | "-g" | "-k" | "-d" | "-l" => {}
                _ if arg.len() > 1 && arg.starts_with('-') => return Err(arg.clone()),
                _ => wanted.devices.push(arg.clone()),
            }
        }
        Ok(wanted)
    }
}

/// Names and values, in blkid's order.
fn named(host: &Host, found: &Found) -> Vec<(&'static str, String)> {
    let mut named = Vec::new();
    if let Some(tags) = tags(host, found) {
        if !tags.label.is_empty() {
            named.push(("LABEL", tags.label));
        }
        named.push(("UUID", tags.uuid));
        named.push(("BLOCK_SIZE", "4096".to_owned()));
        named.push(("TYPE", tags.kind.to_owned()));
    }
    match found {
        Found::Disk(device) if !device.partitions.is_empty() => {
            named.push(("PTUUID", "55d1e01d-2d5a-4e6c-9d8b-3f0c6b7a1e42".to_owned()));
            named.push(("PTTYPE", "gpt".to_owned()));
        }
        Found::Partition(_, partition) => {
            let (label, last) = match partition.kind {
                "BIOS boot" => ("BIOS Boot Partition", 127),
                "EFI System" => ("EFI System Partition", 128),
                _ => ("Linux", 1),
            };
            named.push(("PARTLABEL", label.to_owned()));
            let id = format!("55d1e01d-2d5a-4e6c-9d8b-3f0c6b7a{last:04x}");
            named.push(("PARTUUID", id));
        }
        Found::Disk(_) => {}
    }
    named
}

#[async_trait]
impl Program for Blkid {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(arg) => return call.unknown_option(4, &arg).await,
        };
        let host = &seat.host;
        // Without a cache only who can read the devices finds anything on them.
        if !seat.user.identity.is_root() {
            return Ok(NOTHING);
        }
        let by = [("LABEL", &wanted.label), ("UUID", &wanted.uuid)];
        for (name, value) in by {
            if let Some(value) = value {
                return match super::named(host, &format!("{name}={value}")) {
                    Some(path) => call.done(path).await,
                    None => Ok(NOTHING),
                };
            }
        }
        let devices: Vec<Found> = if wanted.devices.is_empty() {
            // Whole disks with partitions are left out.
            let whole =
                |found: &Found| matches!(found, Found::Disk(disk) if !disk.partitions.is_empty());
            all(host)
                .into_iter()
                .filter(|found| !whole(found))
                .collect()
        } else {
            let paths = wanted.devices.iter().map(|operand| call.path(operand));
            paths.filter_map(|path| find(host, &path)).collect()
        };
        let mut lines = String::new();
        for found in devices {
            let tags = named(host, &found);
            let has = |(name, value): &(String, String)| {
                tags.iter().any(|(tag, text)| tag == name && text == value)
            };
            let tags: Vec<_> = tags
                .iter()
                .filter(|(name, _)| {
                    wanted.tags.is_empty() || wanted.tags.iter().any(|tag| tag == name)
                })
                .collect();
            if tags.is_empty() || !wanted.matching.iter().all(has) {
                continue;
            }
            lines.push_str(&line(&found.path(), &tags, wanted.format.as_deref()));
        }
        if lines.is_empty() {
            return Ok(NOTHING);
        }
        call.out(lines).await?;
        Ok(0)
    }
}

fn line(path: &str, tags: &[&(&'static str, String)], format: Option<&str>) -> String {
    match format {
        Some("value") => tags.iter().map(|(_, value)| format!("{value}\n")).collect(),
        Some("device") => format!("{path}\n"),
        Some("export" | "udev") => {
            let lines: String = tags
                .iter()
                .map(|(name, value)| format!("{name}={value}\n"))
                .collect();
            format!("DEVNAME={path}\n{lines}")
        }
        _ => {
            let pairs: String = tags
                .iter()
                .map(|(name, value)| format!(" {name}=\"{value}\""))
                .collect();
            format!("{path}:{pairs}\n")
        }
    }
}
