//! findmnt: the mount table, as a tree, a list, or one mount.

use async_trait::async_trait;

use super::block::short;
use super::df::room;
use super::program::{Call, Ended, Program};
use super::table::{Align, columns};
use crate::practice::compute::host::Seat;
use crate::practice::storage::Mount;

/// `findmnt`
pub struct Findmnt;

/// Columns that it knows, with how they stand.
const COLUMNS: [(&str, Align); 8] = [
    ("TARGET", Align::Left),
    ("SOURCE", Align::Left),
    ("FSTYPE", Align::Left),
    ("OPTIONS", Align::Left),
    ("SIZE", Align::Right),
    ("USED", Align::Right),
    ("AVAIL", Align::Right),
    ("USE%", Align::Right),
];

#[derive(Default)]
struct Wanted {
    list: bool,
    raw: bool,
    no_heading: bool,
    types: Option<String>,
    options: Option<String>,
    source: Option<String>,
    target: Option<String>,
    mountpoint: Option<String>,
    columns: Vec<String>,
    operands: Vec<String>,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = |inline: Option<&str>| {
                inline
                    .map(str::to_owned)
                    .or_else(|| args.next().cloned())
                    .ok_or_else(|| arg.clone())
            };
            let (name, inline) = match arg.split_once('=') {
                Some((name, inline)) if name.starts_with("--") => (name, Some(inline)),
                _ => (arg.as_str(), None),
            };
            match name {
                "-l" | "--list" => wanted.list = true,
                "-r" | "--raw" => (wanted.list, wanted.raw) = (true, true),
                "-D" | "--df" => {
                    wanted.list = true;
                    wanted.names("source,fstype,size,used,avail,use%,target")?;
                }
                "-n" | "--noheadings" => wanted.no_heading = true,
                "-rn" | "-nr" => {
                    (wanted.list, wanted.raw) = (true, true);
                    wanted.no_heading = true;
                }
                "-k" | "--kernel" | "-u" | "--notruncate" | "-f" | "--first-only" => {}
                "-t" | "--types" => wanted.types = Some(value(inline)?),
                "-O" | "--options" => wanted.options = Some(value(inline)?),
                "-S" | "--source" => wanted.source = Some(value(inline)?),
                "-T" | "--target" => wanted.target = Some(value(inline)?),
                "-M" | "--mountpoint" => wanted.mountpoint = Some(value(inline)?),
                "-o" | "--output" => wanted.names(&value(inline)?)?,
                "-no" => {
                    wanted.no_heading = true;
                    wanted.names(&value(inline)?)?;
                }
                _ if arg.len() > 1 && arg.starts_with('-') => return Err(arg.clone()),
                _ => wanted.operands.push(arg.clone()),
            }
        }
        Ok(wanted)
    }

    fn names(&mut self, list: &str) -> Result<(), String> {
        for name in list.split(',') {
            let name = name.to_ascii_uppercase();
            if !COLUMNS.iter().any(|(known, _)| *known == name) {
                return Err(format!("unknown column: {}", name.to_ascii_lowercase()));
            }
            self.columns.push(name);
        }
        Ok(())
    }

    /// Whether anything but the whole table is asked for; then the answer is no tree.
    fn filters(&self) -> bool {
        let asked = [
            &self.types,
            &self.options,
            &self.source,
            &self.target,
            &self.mountpoint,
        ];
        asked.iter().any(|one| one.is_some()) || !self.operands.is_empty()
    }

    fn shows(&self, call: &Call<'_>, seat: &Seat, mount: &Mount) -> bool {
        let typed = |types: &String| types.split(',').any(|one| one == mount.fstype);
        let with = |options: &String| {
            options
                .split(',')
                .all(|one| mount.options.split(',').any(|has| has == one))
        };
        let holds =
            |path: &String| seat.host.mounts.holding(&call.path(path)).target == mount.target;
        let named =
            |operand: &String| mount.source == *operand || mount.target == call.path(operand);
        self.types.as_ref().is_none_or(typed)
            && self.options.as_ref().is_none_or(with)
            && self.source.as_ref().is_none_or(|one| mount.source == *one)
            && self.target.as_ref().is_none_or(holds)
            && self
                .mountpoint
                .as_ref()
                .is_none_or(|path| mount.target == call.path(path))
            && match &self.operands[..] {
                [] => true,
                [one] => named(one),
                [source, target, ..] => {
                    mount.source == *source && mount.target == call.path(target)
                }
            }
    }
}

#[async_trait]
impl Program for Findmnt {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(what) if what.starts_with("unknown column") => {
                return call.fail(1, format!("findmnt: {what}")).await;
            }
            Err(argument) => return call.unknown_option(1, &argument).await,
        };
        if wanted.columns.is_empty() {
            wanted.columns = ["TARGET", "SOURCE", "FSTYPE", "OPTIONS"]
                .map(str::to_owned)
                .to_vec();
        }
        let all = seat.host.mounts.mounts();
        let shown: Vec<_> = all
            .iter()
            .filter(|mount| wanted.shows(call, seat, mount))
            // What is no storage has no size to show.
            .filter(|mount| !wanted.columns.iter().any(|one| one == "SIZE") || mount.capacity > 0)
            .collect();
        if shown.is_empty() {
            return Ok(1);
        }
        let lines = if wanted.list || wanted.filters() {
            shown.iter().map(|mount| (String::new(), *mount)).collect()
        } else {
            tree(&shown)
        };
        let mut rows = Vec::new();
        if !wanted.no_heading {
            rows.push(wanted.columns.clone());
        }
        rows.extend(lines.into_iter().map(|(branch, mount)| {
            let cell = |name: &String| match name.as_str() {
                "TARGET" => format!("{branch}{}", mount.target),
                "SOURCE" => mount.source.clone(),
                "FSTYPE" => mount.fstype.clone(),
                "OPTIONS" => mount.options.clone(),
                name => {
                    let (size, used, free) = room(&seat.host, mount);
                    match name {
                        "SIZE" => short(size),
                        "USED" => short(used),
                        "AVAIL" => short(free),
                        _ if size == 0 => "-".to_owned(),
                        _ => format!("{}%", u128::from(used) * 100 / u128::from(size)),
                    }
                }
            };
            wanted.columns.iter().map(cell).collect()
        }));
        if wanted.raw {
            let lines: Vec<String> = rows
                .iter()
                .map(|row: &Vec<String>| row.join(" ") + "\n")
                .collect();
            call.out(lines.concat()).await?;
            return Ok(0);
        }
        let align = |name: &String| {
            let known = COLUMNS.iter().find(|(known, _)| known == name);
            (known.map_or(Align::Left, |(_, align)| *align), 0)
        };
        let shape: Vec<_> = wanted.columns.iter().map(align).collect();
        call.out(columns(&rows, &shape)).await?;
        Ok(0)
    }
}

/// The mounts in the order of a tree, each with the branches drawn before it.
fn tree<'a>(mounts: &[&'a Mount]) -> Vec<(String, &'a Mount)> {
    let parent = |index: usize| {
        let target = mounts[index].target.as_str();
        mounts
            .iter()
            .enumerate()
            .filter(|(other, mount)| {
                *other != index
                    && mount.target != target
                    && (mount.target == "/" || target.starts_with(&format!("{}/", mount.target)))
            })
            .max_by_key(|(_, mount)| mount.target.len())
            .map(|(other, _)| other)
    };
    let parents: Vec<_> = (0..mounts.len()).map(parent).collect();
    let mut lines = Vec::new();
    for (index, above) in parents.iter().enumerate() {
        if above.is_none() {
            lines.push((String::new(), mounts[index]));
            draw(mounts, &parents, index, "", &mut lines);
        }
    }
    lines
}

fn draw<'a>(
    mounts: &[&'a Mount],
    parents: &[Option<usize>],
    above: usize,
    indent: &str,
    lines: &mut Vec<(String, &'a Mount)>,
) {
    let children: Vec<_> = (0..mounts.len())
        .filter(|index| parents[*index] == Some(above))
        .collect();
    for (place, child) in children.iter().enumerate() {
        let last = place + 1 == children.len();
        let (branch, below) = if last {
            ("└─", "  ")
        } else {
            ("├─", "│ ")
        };
        lines.push((format!("{indent}{branch}"), mounts[*child]));
        draw(mounts, parents, *child, &format!("{indent}{below}"), lines);
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn columns_are_named_in_any_case_and_unknown_ones_refused() {
        let args = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let wanted = Wanted::read(&args("-n -o source,FSTYPE /home")).unwrap();
        assert_eq!(wanted.columns, ["SOURCE", "FSTYPE"]);
        assert!(wanted.no_heading && wanted.filters());
        assert_eq!(
            Wanted::read(&args("-o colour")).err().as_deref(),
            Some("unknown column: colour")
        );
    }
}
