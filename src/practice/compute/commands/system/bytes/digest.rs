//! md5sum, sha1sum, sha256sum and their kin: they sum up files, and compare them with what a list says.

use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use sha2::Digest;

use super::{Feed, PIECE, shown};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::storage::Errno;

/// All of them.
pub struct Digests;

impl Digests {
    /// Their names, and the programs.
    pub fn programs() -> [(&'static str, Arc<dyn Program>); 6] {
        fn program<D: Digest + Send + Sync + 'static>() -> Arc<dyn Program> {
            Arc::new(Sum::<D>(PhantomData))
        }
        [
            ("md5sum", program::<md5::Md5>()),
            ("sha1sum", program::<sha1::Sha1>()),
            ("sha224sum", program::<sha2::Sha224>()),
            ("sha256sum", program::<sha2::Sha256>()),
            ("sha384sum", program::<sha2::Sha384>()),
            ("sha512sum", program::<sha2::Sha512>()),
        ]
    }
}

struct Sum<D>(PhantomData<D>);

/// What is wanted.
#[derive(Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent options")]
struct Wanted {
    check: bool,
    binary: bool,
    tag: bool,
    quiet: bool,
    silent: bool,
    warn: bool,
    strict: bool,
    ignore_missing: bool,
    operands: Vec<String>,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--" => wanted.operands.extend(args.by_ref().cloned()),
                "--check" => wanted.check = true,
                "--binary" => wanted.binary = true,
                "--text" => wanted.binary = false,
                "--tag" => wanted.tag = true,
                "--quiet" => wanted.quiet = true,
                "--status" => wanted.silent = true,
                "--warn" => wanted.warn = true,
                "--strict" => wanted.strict = true,
                "--ignore-missing" => wanted.ignore_missing = true,
                _ if arg.starts_with("--") => return Err(arg.clone()),
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    for letter in arg[1..].chars() {
                        match letter {
                            'c' => wanted.check = true,
                            'b' => wanted.binary = true,
                            't' => wanted.binary = false,
                            'w' => wanted.warn = true,
                            _ => return Err(format!("-{letter}")),
                        }
                    }
                }
                _ => wanted.operands.push(arg.clone()),
            }
        }
        if wanted.operands.is_empty() {
            wanted.operands.push("-".to_owned());
        }
        Ok(wanted)
    }
}

#[async_trait]
impl<D: Digest + Send + Sync + 'static> Program for Sum<D> {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(option) => return call.unknown_option(1, &option).await,
        };
        let mut status = 0;
        for operand in &wanted.operands {
            if wanted.check {
                if !checked::<D>(seat, call, &wanted, operand).await? {
                    status = 1;
                }
                continue;
            }
            match sum::<D>(seat, call, operand).await? {
                Ok(digest) => {
                    let line = if wanted.tag {
                        format!("{} ({operand}) = {digest}", label(call.name))
                    } else {
                        let mark = if wanted.binary { '*' } else { ' ' };
                        format!("{digest} {mark}{operand}")
                    };
                    call.done(line).await?;
                }
                Err(why) => {
                    let line = format!("{}: {}: {why}", call.name, shown(operand));
                    status = call.fail(1, line).await?;
                }
            }
        }
        Ok(status)
    }
}

async fn sum<D: Digest + Send>(
    seat: &Seat,
    call: &Call<'_>,
    operand: &str,
) -> bashkit::Result<Result<String, Errno>> {
    let mut feed = match Feed::open(seat, call, operand).await {
        Ok(feed) => feed,
        Err(why) => return Ok(Err(why)),
    };
    let mut digest = D::new();
    loop {
        match feed.next(PIECE).await? {
            Ok(piece) if piece.is_empty() => break,
            Ok(piece) => piece.parts().for_each(|part| digest.update(part)),
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(hexadecimal(&digest.finalize())))
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `MD5`, `SHA256`
fn label(program: &str) -> String {
    program.trim_end_matches("sum").to_ascii_uppercase()
}

/// A line of a list: the sum and the name.
fn entry<'a>(line: &'a str, label: &str, digits: usize) -> Option<(String, &'a str)> {
    let is_sum =
        |text: &str| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (sum, name) = match line
        .strip_prefix(label)
        .and_then(|rest| rest.strip_prefix(" ("))
    {
        Some(rest) => {
            let (name, sum) = rest.rsplit_once(") = ")?;
            (sum, name)
        }
        None => {
            let (sum, name) = line.split_once(' ')?;
            (sum, name.strip_prefix([' ', '*'])?)
        }
    };
    is_sum(sum).then(|| (sum.to_ascii_lowercase(), name))
}

/// Compares what a list names with what it says; whether all is well.
async fn checked<D: Digest + Send>(
    seat: &Seat,
    call: &Call<'_>,
    wanted: &Wanted,
    list: &str,
) -> bashkit::Result<bool> {
    let name = call.name;
    let title = if list == "-" {
        "'standard input'".to_owned()
    } else {
        shown(list)
    };
    let text = match text(seat, call, list).await? {
        Ok(text) => text,
        Err(why) => {
            call.complain(format!("{name}: {title}: {why}")).await?;
            return Ok(false);
        }
    };
    let digits = <D as Digest>::output_size() * 2;
    let label = label(name);
    let (mut good, mut bad, mut unread, mut improper, mut verified) = (0, 0, 0, 0, 0);
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let Some((expected, file)) = entry(line, &label, digits) else {
            improper += 1;
            if wanted.warn {
                let number = number + 1;
                let what = format!(
                    "{name}: {title}: {number}: improperly formatted {label} checksum line"
                );
                call.complain(what).await?;
            }
            continue;
        };
        good += 1;
        match sum::<D>(seat, call, file).await? {
            Err(Errno::NotFound) if wanted.ignore_missing => {}
            Err(why) => {
                unread += 1;
                call.complain(format!("{name}: {}: {why}", shown(file)))
                    .await?;
                if !wanted.silent {
                    call.done(format!("{file}: FAILED open or read")).await?;
                }
            }
            Ok(digest) if digest == expected => {
                verified += 1;
                if !wanted.silent && !wanted.quiet {
                    call.done(format!("{file}: OK")).await?;
                }
            }
            Ok(_) => {
                bad += 1;
                if !wanted.silent {
                    call.done(format!("{file}: FAILED")).await?;
                }
            }
        }
    }
    if good == 0 {
        let what = format!("{name}: {title}: no properly formatted {label} checksum lines found");
        call.complain(what).await?;
        return Ok(false);
    }
    if !wanted.silent {
        let several = |number: u64, one: &str, many: &str| match number {
            0 => None,
            1 => Some(format!("{name}: WARNING: 1 {one}")),
            _ => Some(format!("{name}: WARNING: {number} {many}")),
        };
        let warnings = [
            several(
                improper,
                "line is improperly formatted",
                "lines are improperly formatted",
            ),
            several(
                unread,
                "listed file could not be read",
                "listed files could not be read",
            ),
            several(
                bad,
                "computed checksum did NOT match",
                "computed checksums did NOT match",
            ),
        ];
        for line in warnings.into_iter().flatten() {
            call.complain(line).await?;
        }
        if wanted.ignore_missing && verified + bad == 0 {
            call.complain(format!("{name}: {title}: no file was verified"))
                .await?;
        }
    }
    let nothing = wanted.ignore_missing && verified + bad == 0;
    Ok(bad == 0 && unread == 0 && !nothing && !(wanted.strict && improper > 0))
}

/// A list is read whole.
async fn text(seat: &Seat, call: &Call<'_>, list: &str) -> bashkit::Result<Result<String, Errno>> {
    let mut feed = match Feed::open(seat, call, list).await {
        Ok(feed) => feed,
        Err(why) => return Ok(Err(why)),
    };
    let mut bytes = Vec::new();
    loop {
        match feed.next(PIECE).await? {
            Ok(piece) if piece.is_empty() => break,
            Ok(piece) if bytes.len() as u64 + piece.len() > super::KEPT_MAX => {
                return Ok(Err(Errno::NoMemory));
            }
            Ok(piece) => bytes.extend(piece.to_vec()),
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::entry;

    #[test]
    fn lines_of_lists_have_two_forms() {
        let sum = "d41d8cd98f00b204e9800998ecf8427e";
        let expected = Some((sum.to_owned(), "a b"));
        assert_eq!(entry(&format!("{sum}  a b"), "MD5", 32), expected);
        assert_eq!(entry(&format!("{sum} *a b"), "MD5", 32), expected);
        assert_eq!(entry(&format!("MD5 (a b) = {sum}"), "MD5", 32), expected);
        assert_eq!(entry(&format!("{sum} a"), "MD5", 32), None);
        assert_eq!(entry("abc  a", "MD5", 32), None);
    }
}
