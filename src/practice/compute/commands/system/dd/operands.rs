//! What dd is asked for. Copying does not enter here.

use crate::practice::storage::Manner;

/// What is reported at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nothing.
    None,
    /// Records, but not the transfer.
    NoTransfer,
    /// Records and the transfer.
    Default,
    /// The transfer every second too.
    Progress,
}

/// Operands of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operands {
    /// `if=`
    pub input: Option<String>,
    /// `of=`
    pub output: Option<String>,
    /// Bytes of a block.
    pub block: u64,
    /// Blocks to copy.
    pub count: Option<u64>,
    /// Blocks of the input to leave out.
    pub skip: u64,
    /// Blocks of the output to leave as they are.
    pub seek: u64,
    /// `conv=notrunc`
    pub keep: bool,
    /// `conv=fsync`, `conv=fdatasync`
    pub sync: bool,
    /// `iflag=`
    pub reads: Manner,
    /// `oflag=`
    pub writes: Manner,
    /// `status=`
    pub status: Status,
}

impl Operands {
    /// Reads them; the error is the text after `dd: `.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        let mut operands = Self {
            input: None,
            output: None,
            block: 512,
            count: None,
            skip: 0,
            seek: 0,
            keep: false,
            sync: false,
            reads: Manner::Stream,
            writes: Manner::Stream,
            status: Status::Default,
        };
        for arg in args {
            let Some((name, value)) = arg.split_once('=') else {
                return Err(format!("unrecognized operand ‘{arg}’"));
            };
            let number = || size(value).ok_or_else(|| format!("invalid number: ‘{value}’"));
            match name {
                "if" => operands.input = Some(value.to_owned()),
                "of" => operands.output = Some(value.to_owned()),
                "bs" | "ibs" | "obs" => {
                    operands.block = number()?;
                    if operands.block == 0 {
                        return Err(format!("invalid number: ‘{value}’"));
                    }
                }
                "count" => operands.count = Some(number()?),
                "skip" | "iseek" => operands.skip = number()?,
                "seek" | "oseek" => operands.seek = number()?,
                "status" => {
                    operands.status = match value {
                        "none" => Status::None,
                        "noxfer" => Status::NoTransfer,
                        "progress" => Status::Progress,
                        _ => return Err(format!("invalid status level: ‘{value}’")),
                    }
                }
                "conv" => operands.convert(value)?,
                "iflag" | "oflag" => operands.flag(name, value)?,
                _ => return Err(format!("unrecognized operand ‘{arg}’")),
            }
        }
        Ok(operands)
    }

    fn convert(&mut self, value: &str) -> Result<(), String> {
        for word in value.split(',') {
            match word {
                "fsync" | "fdatasync" => self.sync = true,
                "notrunc" => self.keep = true,
                // Nothing here fails to be read, and zeros are sparse as they are.
                "noerror" | "sparse" => {}
                _ => return Err(format!("invalid conversion: ‘{word}’")),
            }
        }
        Ok(())
    }

    fn flag(&mut self, name: &str, value: &str) -> Result<(), String> {
        for word in value.split(',') {
            let manner = match word {
                "direct" => Manner::Direct,
                "sync" | "dsync" => Manner::Stored,
                // How a block is filled: there are no short reads here.
                "fullblock" if name == "iflag" => continue,
                _ => {
                    let sort = if name == "iflag" { "input" } else { "output" };
                    return Err(format!("invalid {sort} flag: ‘{word}’"));
                }
            };
            match name {
                // Reading waits in any case; only the cache can be passed by.
                "iflag" if manner == Manner::Direct => self.reads = manner,
                "iflag" => {}
                _ if self.writes != Manner::Direct => self.writes = manner,
                _ => {}
            }
        }
        Ok(())
    }
}

/// A number with the suffixes of dd: `1M`, `512K`, `1GiB`, `1kB`, `2b`, `4w`, `2x512`.
fn size(text: &str) -> Option<u64> {
    text.split('x')
        .try_fold(1_u64, |product, factor| product.checked_mul(one(factor)?))
}

fn one(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, suffix) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let scale = match suffix {
        "" | "c" | "B" => 1,
        "w" => 2,
        "b" => 512,
        _ => {
            let (letter, rest) = suffix.split_at_checked(1)?;
            let power = match letter {
                "k" | "K" => 1,
                "M" => 2,
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
            base.checked_pow(power)?
        }
    };
    number.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::{Operands, size};

    #[test]
    fn numbers_have_the_suffixes_of_dd() {
        for (text, bytes) in [
            ("512", 512),
            ("1M", 1 << 20),
            ("1k", 1024),
            ("1kB", 1000),
            ("2MiB", 2 << 20),
            ("1GB", 1_000_000_000),
            ("3b", 1536),
            ("2x512", 1024),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "M", "1Q", "-1", "1MX", "99999999999E"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn what_dd_does_not_know_is_refused_in_its_words() {
        let refused = |arg: &str| Operands::parse(&[arg.to_owned()]).unwrap_err();
        assert_eq!(refused("--x"), "unrecognized operand ‘--x’");
        assert_eq!(refused("bs=0"), "invalid number: ‘0’");
        assert_eq!(refused("conv=ucase2"), "invalid conversion: ‘ucase2’");
        assert_eq!(refused("oflag=fast"), "invalid output flag: ‘fast’");
        assert_eq!(refused("status=all"), "invalid status level: ‘all’");
    }
}
