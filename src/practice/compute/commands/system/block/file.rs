//! file: what is in a file, or with `-s` on a device. It knows the few kinds that a practice instance has.

use async_trait::async_trait;

use super::{Found, find, own};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::{Host, Seat};
use crate::practice::storage::{Access, Attr, NodeType, View};

/// `file`
pub struct FileProgram;

/// Bytes of a file that are looked at.
const LOOKED_AT: u64 = 1024 * 1024;

#[derive(Default)]
struct Wanted {
    devices: bool,
    brief: bool,
    follow: bool,
    mime: bool,
    operands: Vec<String>,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self::default();
        for arg in args {
            match arg.as_str() {
                "--special-files" => wanted.devices = true,
                "--brief" => wanted.brief = true,
                "--dereference" => wanted.follow = true,
                "--mime-type" => wanted.mime = true,
                _ if arg.starts_with("--") => return Err(arg.clone()),
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    for letter in arg.chars().skip(1) {
                        match letter {
                            's' => wanted.devices = true,
                            'b' => wanted.brief = true,
                            'L' => wanted.follow = true,
                            'h' => wanted.follow = false,
                            _ => return Err(format!("-{letter}")),
                        }
                    }
                }
                _ => wanted.operands.push(arg.clone()),
            }
        }
        Ok(wanted)
    }
}

#[async_trait]
impl Program for FileProgram {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(argument) => return call.unknown_option(1, &argument).await,
        };
        if wanted.operands.is_empty() {
            let what = "Usage: file [-bhLs] [--mime-type] <file> ...";
            return call.fail(1, what).await;
        }
        let view = seat.patient_view();
        let widest = wanted.operands.iter().map(|one| one.chars().count()).max();
        let width = widest.unwrap_or(0) + 1;
        for operand in &wanted.operands {
            let path = call.path(operand);
            view.pass(&path, crate::practice::storage::Use::Look).await;
            let what = describe(&seat.host, &view, &wanted, operand, &path);
            if wanted.brief {
                call.out(format!("{what}\n")).await?;
            } else {
                let name = format!("{operand}:");
                call.out(format!("{name:<width$} {what}\n")).await?;
            }
        }
        Ok(0)
    }
}

fn describe(host: &Host, view: &View, wanted: &Wanted, operand: &str, path: &str) -> String {
    let found = if wanted.follow {
        view.stat(path)
    } else {
        view.lstat(path)
    };
    let attr = match found {
        Ok(attr) => attr,
        Err(why) => return format!("cannot open `{operand}' ({why})"),
    };
    match attr.node_type {
        NodeType::Directory if wanted.mime => "inode/directory".to_owned(),
        NodeType::Directory if attr.mode & 0o1000 != 0 => "sticky, directory".to_owned(),
        NodeType::Directory => "directory".to_owned(),
        NodeType::Symlink => {
            let target = view.link_target(path).unwrap_or_default();
            let broken = if view.stat(path).is_ok() {
                ""
            } else {
                "broken "
            };
            format!("{broken}symbolic link to {target}")
        }
        NodeType::Fifo => "fifo (named pipe)".to_owned(),
        NodeType::Device => "character special".to_owned(),
        NodeType::Block if !wanted.devices => {
            let (major, minor) = attr.device.unwrap_or_default();
            format!("block special ({major}/{minor})")
        }
        NodeType::Block if view.check(path, Access::Read).is_err() => {
            "no read permission".to_owned()
        }
        NodeType::Block => on_device(host, path),
        NodeType::File => content(view, &attr, path, wanted.mime),
    }
}

/// What is on a device, as `file -s` tells it.
fn on_device(host: &Host, path: &str) -> String {
    match find(host, path) {
        Some(Found::Disk(device)) if device.partitions.is_empty() => match own(host, &device) {
            Some(superblock) => {
                let label = match superblock.label.as_str() {
                    "" => String::new(),
                    label => format!(", volume name \"{label}\""),
                };
                let mounted = host
                    .mounts
                    .mounts()
                    .iter()
                    .any(|one| one.source == device.path());
                let recovery = if mounted {
                    " (needs journal recovery)"
                } else {
                    ""
                };
                format!(
                    "Linux rev 1.0 ext4 filesystem data, UUID={}{label}{recovery} (extents) (64bit) (large files) (huge files)",
                    superblock.uuid
                )
            }
            None => "data".to_owned(),
        },
        Some(Found::Disk(_)) => "DOS/MBR boot sector, extended partition table (last)".to_owned(),
        Some(Found::Partition(device, partition)) => {
            if device.partitions.first() == Some(&partition) {
                "SGI XFS filesystem data (blksz 4096, inosz 512, v2 dirs)".to_owned()
            } else {
                "data".to_owned()
            }
        }
        None => "data".to_owned(),
    }
}

/// What is in a regular file.
fn content(view: &View, attr: &Attr, path: &str, mime: bool) -> String {
    let say = |text: &str, kind: &str| if mime { kind } else { text }.to_owned();
    let Ok(content) = view.content(path) else {
        return say(
            "regular file, no read permission",
            "application/octet-stream",
        );
    };
    let bytes = content.slice(0, LOOKED_AT).to_vec();
    if bytes.is_empty() && attr.size == 0 {
        return say("empty", "inode/x-empty");
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return say("gzip compressed data", "application/gzip");
    }
    if bytes.starts_with(b"\x7fELF") {
        return say(
            "ELF 64-bit LSB executable, x86-64",
            "application/x-executable",
        );
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return say("POSIX tar archive (GNU)", "application/x-tar");
    }
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return say("data", "application/octet-stream");
    };
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' | '\u{1b}'))
    {
        return say("data", "application/octet-stream");
    }
    let letters = if text.is_ascii() {
        "ASCII"
    } else {
        "UTF-8 Unicode"
    };
    let lines = if text.contains("\r\n") {
        ", with CRLF line terminators"
    } else if !text.contains('\n') {
        ", with no line terminators"
    } else {
        ""
    };
    let first = text.lines().next().unwrap_or_default();
    let interpreter = first.strip_prefix("#!").map(str::trim);
    let script = interpreter.and_then(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = words.iter().rfind(|word| !word.starts_with('-'))?;
        match name.rsplit('/').next()? {
            "bash" => Some("Bourne-Again shell script"),
            "sh" => Some("POSIX shell script"),
            "python3" | "python" => Some("Python script"),
            _ => Some("a script"),
        }
    });
    match script {
        Some(script) => say(
            &format!("{script}, {letters} text executable{lines}"),
            "text/x-shellscript",
        ),
        None => say(&format!("{letters} text{lines}"), "text/plain"),
    }
}
