//! truncate: makes files shorter, or longer with zeros.

use async_trait::async_trait;

use super::{count, quoted};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::storage::{Errno, NodeType, Use};

/// `truncate`
pub struct Truncate;

/// What a size is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Exactly(u64),
    More(u64),
    Less(u64),
    AtMost(u64),
    AtLeast(u64),
    RoundedDown(u64),
    RoundedUp(u64),
}

impl Size {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim_start();
        let rest = |by: fn(u64) -> Self| Some(by(count(&text[1..])?));
        match text.chars().next()? {
            '+' => rest(Self::More),
            '-' => rest(Self::Less),
            '<' => rest(Self::AtMost),
            '>' => rest(Self::AtLeast),
            '/' => rest(Self::RoundedDown),
            '%' => rest(Self::RoundedUp),
            _ => count(text).map(Self::Exactly),
        }
    }

    fn is_division_by_zero(self) -> bool {
        matches!(self, Self::RoundedDown(0) | Self::RoundedUp(0))
    }

    fn of(self, now: u64) -> u64 {
        match self {
            Self::Exactly(size) => size,
            Self::More(more) => now.saturating_add(more),
            Self::Less(less) => now.saturating_sub(less),
            Self::AtMost(most) => now.min(most),
            Self::AtLeast(least) => now.max(least),
            Self::RoundedDown(by) => now / by * by,
            Self::RoundedUp(by) => now.div_ceil(by).saturating_mul(by),
        }
    }
}

#[async_trait]
impl Program for Truncate {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let (mut size, mut reference, mut create) = (None, None, true);
        let mut files = Vec::new();
        let mut args = call.args.iter();
        while let Some(arg) = args.next() {
            let mut value = |inline: &str| match inline {
                "" => args.next().cloned().unwrap_or_default(),
                _ => inline.to_owned(),
            };
            match arg.as_str() {
                "-c" | "--no-create" => create = false,
                "--size" => size = Some(value("")),
                "--reference" => reference = Some(value("")),
                _ if arg.starts_with("--size=") => size = Some(arg[7..].to_owned()),
                _ if arg.starts_with("--reference=") => reference = Some(arg[12..].to_owned()),
                _ if arg.starts_with("-cs") => (create, size) = (false, Some(value(&arg[3..]))),
                _ if arg.starts_with("-s") => size = Some(value(&arg[2..])),
                _ if arg.starts_with("-r") => reference = Some(value(&arg[2..])),
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    return call.unknown_option(1, arg).await;
                }
                _ => files.push(arg.clone()),
            }
        }
        let help = "Try 'truncate --help' for more information.";
        if size.is_none() && reference.is_none() {
            let line = "truncate: you must specify either ‘--size’ or ‘--reference’";
            return call.fail(1, format!("{line}\n{help}")).await;
        }
        if files.is_empty() {
            return call
                .fail(1, format!("truncate: missing file operand\n{help}"))
                .await;
        }
        let parsed = match &size {
            Some(text) => match Size::read(text) {
                None => {
                    let line = format!("truncate: Invalid number: ‘{text}’");
                    return call.fail(1, line).await;
                }
                Some(size) if size.is_division_by_zero() => {
                    return call.fail(1, "truncate: division by zero").await;
                }
                parsed => parsed,
            },
            None => None,
        };
        let view = seat.view();
        let mut base = None;
        if let Some(reference) = reference {
            match view.stat(&call.path(&reference)) {
                Ok(attr) => base = Some(attr.size),
                Err(why) => {
                    let line = format!("truncate: cannot stat {}: {why}", quoted(&reference));
                    return call.fail(1, line).await;
                }
            }
        }
        let mut status = 0;
        for file in files {
            let path = call.path(&file);
            view.pass(&path, Use::Change).await;
            let open =
                |why: Errno| format!("truncate: cannot open {} for writing: {why}", quoted(&file));
            let now = match view.stat(&path) {
                Ok(attr) if attr.is_dir() => Err(open(Errno::IsDirectory)),
                Ok(attr) if attr.node_type != NodeType::File => Err(format!(
                    "truncate: failed to truncate {} at 0 bytes: Invalid argument",
                    quoted(&file)
                )),
                Ok(attr) => Ok(attr.size),
                Err(Errno::NotFound) if !create => continue,
                Err(Errno::NotFound) => view.touch(&path).map(|()| 0).map_err(open),
                Err(why) => Err(open(why)),
            };
            let done = now.and_then(|now| {
                let from = base.unwrap_or(now);
                let to = parsed.map_or(from, |size| size.of(from));
                view.resize(&path, to).map_err(|why| match why {
                    Errno::Access | Errno::ReadOnly => open(why),
                    _ => format!(
                        "truncate: failed to truncate {} at {to} bytes: {why}",
                        quoted(&file)
                    ),
                })
            });
            if let Err(line) = done {
                status = call.fail(1, line).await?;
            }
        }
        view.settle(std::time::Duration::ZERO).await;
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn sizes_are_absolute_or_relative() {
        let of = |text: &str, now| Size::read(text).map(|size| size.of(now));
        assert_eq!(of("1K", 5), Some(1024));
        assert_eq!(of("+10", 5), Some(15));
        assert_eq!(of("-10", 5), Some(0));
        assert_eq!(of("<3", 5), Some(3));
        assert_eq!(of(">9", 5), Some(9));
        assert_eq!(of("/4", 7), Some(4));
        assert_eq!(of("%4", 7), Some(8));
        assert_eq!(of("many", 7), None);
    }
}
