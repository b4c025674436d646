//! Programs that read files and pipes of any size, piece by piece: head, tail, wc, md5sum, cmp. What they make of it is
//! theirs.

mod cmp;
mod digest;
mod fallocate;
mod follow;
mod head;
mod split;
mod tail;
mod truncate;
mod wc;

pub use self::cmp::Cmp;
pub use self::digest::Digests;
pub use self::fallocate::Fallocate;
pub use self::follow::pause;
pub use self::head::Head;
pub use self::split::Split;
pub use self::tail::Tail;
pub use self::truncate::Truncate;
pub use self::wc::Wc;

use std::time::Duration;

use super::program::Call;
use crate::practice::compute::host::Seat;
use crate::practice::compute::patience::give_way;
use crate::practice::storage::{Access, Content, Errno, Manner, NodeType, Use, View};

/// Bytes of a file that are read at once; what NFS asks for at once, too.
const PIECE: u64 = 1024 * 1024;
/// Account time that may gather before it is waited for.
const GATHERED: Duration = Duration::from_millis(1);
/// Most bytes that a program keeps in memory while it reads a pipe: a quarter of a t3.micro's.
const KEPT_MAX: u64 = 256 * 1024 * 1024;
/// What GNU's programs say when there is no more.
const EXHAUSTED: &str = "memory exhausted";

/// What a program reads, and how far it has got.
struct Feed<'a> {
    seat: &'a Seat,
    call: &'a Call<'a>,
    from: From,
}

enum From {
    /// Standard input.
    Input,
    /// A file: its content as it was opened.
    File {
        view: View,
        path: String,
        content: Content,
        at: u64,
    },
    /// What makes new bytes at each read.
    Device { view: View, path: String },
}

impl<'a> Feed<'a> {
    /// Opens an operand; `-` is standard input.
    async fn open(seat: &'a Seat, call: &'a Call<'a>, operand: &str) -> Result<Self, Errno> {
        let feed = |from| Self { seat, call, from };
        if operand == "-" {
            return Ok(feed(From::Input));
        }
        let (view, path) = (seat.view(), call.path(operand));
        view.pass(&path, Use::Look).await;
        let attr = view.stat(&path)?;
        if attr.is_dir() {
            return Err(Errno::IsDirectory);
        }
        if attr.node_type == NodeType::Device {
            view.check(&path, Access::Read)?;
            return Ok(feed(From::Device { view, path }));
        }
        let content = view.open(&path)?;
        Ok(feed(From::File {
            view,
            path,
            content,
            at: 0,
        }))
    }

    /// The content of what is no pipe and no device, as it was opened.
    fn content(&self) -> Option<&Content> {
        match &self.from {
            From::File { content, .. } => Some(content),
            From::Input | From::Device { .. } => None,
        }
    }

    /// Goes on reading a file from this byte.
    fn seek(&mut self, to: u64) {
        if let From::File { at, .. } = &mut self.from {
            *at = to;
        }
    }

    /// What comes next, at most so many bytes; empty at the end. The outer error is that of the script.
    async fn next(&mut self, most: u64) -> bashkit::Result<Result<Content, Errno>> {
        give_way(&self.seat.host.clock).await;
        match &mut self.from {
            From::Input => Ok(Ok(self.call.chunk().await?.unwrap_or_default().into())),
            From::Device { view, path } => {
                let made = view.content(path);
                tokio::task::yield_now().await;
                Ok(made.map(|made| made.slice(0, most.min(PIECE))))
            }
            From::File {
                view,
                path,
                content,
                at,
            } => {
                let piece = content.slice(*at, most.min(PIECE));
                if !piece.is_empty() {
                    view.pass(path, Use::Look).await;
                    // What comes first is waited for; the rest is read ahead.
                    let manner = if *at == 0 {
                        Manner::Whole
                    } else {
                        Manner::Stream
                    };
                    match view.read_part(path, *at, piece.len(), manner) {
                        // Removed meanwhile; who has it open reads on.
                        Ok(()) | Err(Errno::NotFound) => {}
                        Err(why) => return Ok(Err(why)),
                    }
                    *at += piece.len();
                    tokio::task::yield_now().await;
                }
                if *at == content.len() {
                    view.end_stream();
                    view.settle(Duration::ZERO).await;
                } else {
                    view.settle(GATHERED).await;
                }
                Ok(Ok(piece))
            }
        }
    }
}

/// A count with the suffixes of head and tail: `10`, `1k`, `2MiB`, `5KB`, `b` for 512. More than there can be is all.
pub fn count(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, suffix) = text.split_at(digits);
    if number.is_empty() {
        return None;
    }
    let number = number.parse::<u64>().unwrap_or(u64::MAX);
    let scale: u64 = match suffix {
        "" => 1,
        "b" => 512,
        _ => {
            let (letter, rest) = suffix.split_at_checked(1)?;
            let power = match letter {
                "k" | "K" => 1,
                "m" | "M" => 2,
                "G" => 3,
                "T" => 4,
                "P" => 5,
                "E" => 6,
                _ => return None,
            };
            let base: u64 = match rest {
                "" | "iB" => 1024,
                "B" => 1000,
                _ => return None,
            };
            base.pow(power)
        }
    };
    Some(number.saturating_mul(scale))
}

/// A name as it stands before a colon: in quotation marks only if it must be.
fn shown(operand: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "_-./+,%@:^=[]{}".contains(letter);
    if !operand.is_empty() && operand.chars().all(plain) {
        operand.to_owned()
    } else {
        quoted(operand)
    }
}

/// A name in the quotation marks of a shell.
fn quoted(operand: &str) -> String {
    if operand.contains('\'') && !operand.contains(['"', '$', '`', '\\']) {
        return format!("\"{operand}\"");
    }
    super::time::quoted(operand)
}

#[cfg(test)]
mod tests {
    use super::{count, quoted, shown};

    #[test]
    fn counts_have_the_suffixes_of_coreutils() {
        for (text, number) in [
            ("10", 10),
            ("1k", 1024),
            ("2MiB", 2 << 20),
            ("5KB", 5000),
            ("3b", 1536),
            ("99999999999999999999", u64::MAX),
            ("999E", u64::MAX),
        ] {
            assert_eq!(count(text), Some(number), "{text}");
        }
        for text in ["", "k", "1x", "1kb", "-1"] {
            assert_eq!(count(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_quoted_where_a_shell_would_need_it() {
        assert_eq!(shown("a/b.txt"), "a/b.txt");
        assert_eq!(shown("with space"), "'with space'");
        assert_eq!(quoted("it's"), "\"it's\"");
    }
}
