//! lsblk: the block devices, as a tree or a list, with what is on them and where that is mounted.

use async_trait::async_trait;

use super::{Found, find, tags, targets};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::commands::system::table::{Align, aligned};
use crate::practice::compute::host::{Host, Seat};

/// `lsblk`
pub struct Lsblk;

/// Columns that it knows, with how they stand.
const COLUMNS: [(&str, Align); 21] = [
    ("NAME", Align::Left),
    ("KNAME", Align::Left),
    ("PATH", Align::Left),
    ("MAJ:MIN", Align::Left),
    ("RM", Align::Right),
    ("SIZE", Align::Right),
    ("RO", Align::Right),
    ("TYPE", Align::Left),
    ("MOUNTPOINT", Align::Left),
    ("MOUNTPOINTS", Align::Left),
    ("FSTYPE", Align::Left),
    ("FSVER", Align::Left),
    ("LABEL", Align::Left),
    ("UUID", Align::Left),
    ("FSAVAIL", Align::Right),
    ("FSUSE%", Align::Right),
    ("FSSIZE", Align::Right),
    ("FSUSED", Align::Right),
    ("SERIAL", Align::Left),
    ("MODEL", Align::Left),
    ("PKNAME", Align::Left),
];
const USUAL: &str = "NAME,MAJ:MIN,RM,SIZE,RO,TYPE,MOUNTPOINTS";
const FILESYSTEMS: &str = "NAME,FSTYPE,FSVER,LABEL,UUID,FSAVAIL,FSUSE%,MOUNTPOINTS";

#[derive(Default)]
struct Wanted {
    columns: Vec<String>,
    bytes: bool,
    list: bool,
    raw: bool,
    json: bool,
    paths: bool,
    no_headings: bool,
    no_partitions: bool,
    devices: Vec<String>,
}

impl Wanted {
    /// `Err`: what is printed, and the argument if it is no option.
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self::default();
        let mut columns = USUAL.to_owned();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if !arg.starts_with('-') || arg.len() < 2 {
                wanted.devices.push(arg.clone());
                continue;
            }
            let (long, inline) = match arg.split_once('=') {
                Some((name, value)) if arg.starts_with("--") => (name, Some(value.to_owned())),
                _ => (arg.as_str(), None),
            };
            let letters: Vec<char> = match long {
                "--all" => vec!['a'],
                "--bytes" => vec!['b'],
                "--nodeps" => vec!['d'],
                "--fs" => vec!['f'],
                "--json" => vec!['J'],
                "--list" => vec!['l'],
                "--noheadings" => vec!['n'],
                "--output" => vec!['o'],
                "--paths" => vec!['p'],
                "--raw" => vec!['r'],
                long if long.starts_with("--") => return Err(arg.clone()),
                _ => arg.chars().skip(1).collect(),
            };
            for (at, letter) in letters.iter().enumerate() {
                match letter {
                    'a' => {}
                    'b' => wanted.bytes = true,
                    'd' => wanted.no_partitions = true,
                    'f' => FILESYSTEMS.clone_into(&mut columns),
                    'J' => wanted.json = true,
                    'l' => wanted.list = true,
                    'n' => wanted.no_headings = true,
                    'p' => wanted.paths = true,
                    'r' => wanted.raw = true,
                    'o' => {
                        let rest: String = letters[at + 1..].iter().collect();
                        let given = inline
                            .clone()
                            .or_else(|| (!rest.is_empty()).then_some(rest))
                            .or_else(|| args.next().cloned());
                        let given = given.ok_or_else(|| arg.clone())?;
                        columns = match given.strip_prefix('+') {
                            Some(more) => format!("{columns},{more}"),
                            None => given,
                        };
                        break;
                    }
                    other => return Err(format!("-{other}")),
                }
            }
        }
        wanted.columns = columns
            .split(',')
            .map(|name| name.trim().to_ascii_uppercase())
            .collect();
        Ok(wanted)
    }

    fn unknown(&self) -> Option<&String> {
        let known = |name: &&String| !COLUMNS.iter().any(|(column, _)| column == name);
        self.columns.iter().find(known)
    }
}

#[async_trait]
impl Program for Lsblk {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(arg) => return call.unknown_option(1, &arg).await,
        };
        if let Some(column) = wanted.unknown() {
            let what = format!("lsblk: unknown column: {column}");
            return call.fail(1, what).await;
        }
        let host = &seat.host;
        let mut status = 0;
        let mut rows = Vec::new();
        let tree = !wanted.list && !wanted.raw && !wanted.json;
        let devices = host.disks.all();
        if wanted.devices.is_empty() {
            for device in devices {
                add(host, &wanted, &Found::Disk(device), tree, &mut rows);
            }
        }
        for operand in &wanted.devices {
            match find(host, &call.path(operand)) {
                Some(found) => add(host, &wanted, &found, tree, &mut rows),
                None => {
                    call.complain(format!("lsblk: {operand}: not a block device"))
                        .await?;
                    status = 32;
                }
            }
        }
        if rows.is_empty() {
            return Ok(status);
        }
        if wanted.json {
            call.out(json(&wanted, &rows)).await?;
            return Ok(status);
        }
        if !wanted.no_headings {
            rows.insert(0, wanted.columns.clone());
        }
        if wanted.raw {
            let lines: Vec<String> = rows.iter().map(|row| row.join(" ") + "\n").collect();
            call.out(lines.concat()).await?;
            return Ok(status);
        }
        let shape: Vec<_> = wanted
            .columns
            .iter()
            .map(|name| {
                let known = COLUMNS.iter().find(|(column, _)| column == name);
                // A device's numbers are padded to those of a disk with many.
                let least = if name == "MAJ:MIN" { 7 } else { 0 };
                (known.map_or(Align::Left, |(_, align)| *align), least)
            })
            .collect();
        call.out(aligned(&rows, &shape)).await?;
        Ok(status)
    }
}

/// The rows as lsblk writes them for programs: partitions are below their disk.
fn json(wanted: &Wanted, rows: &[Vec<String>]) -> String {
    let object = |row: &Vec<String>, indent: &str, more: &str| {
        let member = |(name, cell): (&String, &String)| {
            let cell = cell.trim();
            let text = |cell: &str| match cell {
                "" => "null".to_owned(),
                _ => serde_json::Value::from(cell).to_string(),
            };
            let value = match name.as_str() {
                "RM" | "RO" => (cell == "1").to_string(),
                "MOUNTPOINTS" => format!("[\n{indent}       {}\n{indent}   ]", text(cell)),
                "SIZE" | "FSSIZE" | "FSUSED" | "FSAVAIL" if wanted.bytes && !cell.is_empty() => {
                    cell.to_owned()
                }
                _ => text(cell),
            };
            format!("{indent}   \"{}\": {value}", name.to_ascii_lowercase())
        };
        let members: Vec<_> = wanted.columns.iter().zip(row).map(member).collect();
        format!("{indent}{{\n{}{more}\n{indent}}}", members.join(",\n"))
    };
    let is_part = |row: &Vec<String>| {
        let at = wanted.columns.iter().position(|name| name == "NAME");
        at.and_then(|at| row.get(at)).is_some_and(|name| {
            let name = name.trim_start_matches("/dev/");
            name.starts_with("nvme") && name.contains('p')
                || name.starts_with("xvd") && name.ends_with(|last: char| last.is_ascii_digit())
        })
    };
    let mut disks = Vec::new();
    let mut rest = rows;
    while let [disk, below @ ..] = rest {
        let parts = below
            .iter()
            .take_while(|row| is_part(row) && !wanted.list)
            .count();
        let (parts, others) = below.split_at(parts);
        let inner = " ".repeat(12);
        let parts: Vec<_> = parts.iter().map(|row| object(row, &inner, "")).collect();
        let more = if parts.is_empty() {
            String::new()
        } else {
            format!(
                ",\n         \"children\": [\n{}\n         ]",
                parts.join(",\n")
            )
        };
        disks.push(object(disk, "      ", &more));
        rest = others;
    }
    format!(
        "{{\n   \"blockdevices\": [\n{}\n   ]\n}}\n",
        disks.join(",\n")
    )
}

fn add(host: &Host, wanted: &Wanted, found: &Found, tree: bool, rows: &mut Vec<Vec<String>>) {
    rows.push(row(host, wanted, found, ""));
    if let (Found::Disk(device), false) = (found, wanted.no_partitions) {
        let last = device.partitions.len();
        for (at, partition) in device.partitions.iter().enumerate() {
            let branch = match (tree, at + 1 == last) {
                (false, _) => "",
                (true, true) => "└─",
                (true, false) => "├─",
            };
            let found = Found::Partition(device.clone(), partition.clone());
            rows.push(row(host, wanted, &found, branch));
        }
    }
}

fn row(host: &Host, wanted: &Wanted, found: &Found, branch: &str) -> Vec<String> {
    let path = found.path();
    let name = path.trim_start_matches("/dev/").to_owned();
    let (number, disk) = match found {
        Found::Disk(device) => (device.number, device),
        Found::Partition(device, partition) => (partition.number, device),
    };
    let whole = matches!(found, Found::Disk(_));
    let size = |bytes: u64| {
        if wanted.bytes {
            bytes.to_string()
        } else {
            short(bytes)
        }
    };
    // What is shown for people stands a little apart.
    let apart = if wanted.bytes || wanted.raw { "" } else { " " };
    let tags = tags(host, found);
    let tag = |of: fn(&super::Tags) -> &str| tags.as_ref().map(|tags| of(tags).to_owned());
    let targets = targets(host, &path);
    let room = || {
        let mount = host
            .mounts
            .mounts()
            .into_iter()
            .find(|one| one.source == path)?;
        let (size, used, free) = super::super::df::room(host, &mount);
        Some((size, used, free))
    };
    let cell = |column: &String| match column.as_str() {
        "NAME" if wanted.paths => format!("{branch}{path}"),
        "NAME" => format!("{branch}{name}"),
        "KNAME" if wanted.paths => path.clone(),
        "KNAME" => name.clone(),
        "PATH" => path.clone(),
        "MAJ:MIN" => format!("{:>3}:{}", number.0, number.1),
        "RM" | "RO" => "0".to_owned(),
        "SIZE" => format!("{apart}{}", size(found.bytes())),
        "TYPE" => if whole { "disk" } else { "part" }.to_owned(),
        "MOUNTPOINT" | "MOUNTPOINTS" => targets.last().cloned().unwrap_or_default(),
        "FSTYPE" => tag(|tags| tags.kind).unwrap_or_default(),
        "FSVER" => tag(|tags| tags.version).unwrap_or_default(),
        "LABEL" => tag(|tags| &tags.label).unwrap_or_default(),
        "UUID" => tag(|tags| &tags.uuid).unwrap_or_default(),
        "FSAVAIL" => room().map(|(_, _, free)| size(free)).unwrap_or_default(),
        "FSSIZE" => room().map(|(all, _, _)| size(all)).unwrap_or_default(),
        "FSUSED" => room().map(|(_, used, _)| size(used)).unwrap_or_default(),
        "FSUSE%" => room()
            .map(|(all, used, _)| format!("{}%", 100 * used / all.max(1)))
            .unwrap_or_default(),
        "SERIAL" => disk.serial().filter(|_| whole).unwrap_or_default(),
        "MODEL" if whole && disk.serial().is_some() => "Amazon Elastic Block Store".to_owned(),
        "PKNAME" if !whole => disk.name.clone(),
        _ => String::new(),
    };
    wanted.columns.iter().map(cell).collect()
}

/// Bytes as util-linux shows them: one decimal, if it is not zero.
pub fn short(bytes: u64) -> String {
    const LETTERS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    let mut exponent = 0;
    while exponent < LETTERS.len() && bytes >> (10 * (exponent + 1)) > 0 {
        exponent += 1;
    }
    let Some(letter) = exponent.checked_sub(1).map(|at| LETTERS[at]) else {
        return format!("{bytes}B");
    };
    let unit = 1_u64 << (10 * exponent);
    let (mut whole, rest) = (bytes / unit, u128::from(bytes % unit));
    let thousandths = rest * 1000 / u128::from(unit);
    let mut tenth = (thousandths + 50) / 100;
    if tenth == 10 {
        whole += 1;
        tenth = 0;
    }
    if tenth == 0 {
        format!("{whole}{letter}")
    } else {
        format!("{whole}.{tenth}{letter}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Wanted, short};

    #[test]
    fn sizes_have_a_decimal_where_it_is_not_zero() {
        for (bytes, shown) in [
            (5 << 30, "5G"),
            (8_577_334_272, "8G"),
            (64_080_000_000, "59.7G"),
            (1536 << 20, "1.5G"),
            (10 << 20, "10M"),
            (512, "512B"),
        ] {
            assert_eq!(short(bytes), shown);
        }
    }

    #[test]
    fn columns_are_chosen_or_added() {
        let args = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let wanted = Wanted::read(&args("-no name,SERIAL /dev/xvdf")).unwrap();
        assert!(wanted.no_headings && wanted.columns == ["NAME", "SERIAL"]);
        assert_eq!(wanted.devices, ["/dev/xvdf"]);
        let wanted = Wanted::read(&args("-o +SERIAL")).unwrap();
        assert_eq!(wanted.columns.len(), 8);
        assert!(
            Wanted::read(&args("-o colour"))
                .unwrap()
                .unknown()
                .is_some()
        );
        assert_eq!(Wanted::read(&args("-z")).err().as_deref(), Some("-z"));
    }
}
