//! Permission bits as `chmod` and `mkdir -m` are told them: octal or symbolic.

/// A change of permission bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    /// All bits, and which of setuid and setgid a directory loses although octal modes spare them.
    Octal {
        /// The bits.
        bits: u32,
        /// Whether the number had five digits or more, so that it sets setuid and setgid of a directory too.
        exact: bool,
    },
    /// Clauses applied one after the other.
    Symbolic(Vec<Clause>),
}

/// `go-w`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    /// Bits of the classes named; all of them when none is.
    who: u32,
    /// Whether no class is named: then the umask applies.
    unnamed: bool,
    operator: char,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// `rwxst`; `conditional`: `X`.
    Bits { bits: u32, conditional: bool },
    /// `u`, `g` or `o`: copied from there (the shift of that class).
    Copy(u32),
}

const USER: u32 = 0o4700;
const GROUP: u32 = 0o2070;
const OTHER: u32 = 0o1007;

impl Mode {
    /// Reads a mode; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        if !text.is_empty() && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
            let bits = u32::from_str_radix(text, 8)
                .ok()
                .filter(|bits| *bits <= 0o7777)?;
            return Some(Self::Octal {
                bits,
                exact: text.len() > 4,
            });
        }
        let mut clauses = Vec::new();
        for part in text.split(',') {
            parse_part(part, &mut clauses)?;
        }
        Some(Self::Symbolic(clauses))
    }

    /// The bits of something that has `old` now; clauses that name nobody spare the bits of the umask.
    pub fn apply(&self, old: u32, directory: bool, umask: u32) -> u32 {
        match self {
            Self::Octal { bits, exact } => {
                if directory && !exact {
                    bits | (old & 0o6000)
                } else {
                    *bits
                }
            }
            Self::Symbolic(clauses) => clauses
                .iter()
                .fold(old, |mode, clause| clause.apply(mode, directory, umask)),
        }
    }
}

impl Clause {
    fn apply(&self, mode: u32, directory: bool, umask: u32) -> u32 {
        let mut bits = match &self.what {
            What::Bits { bits, conditional } => {
                let search = *conditional && (directory || mode & 0o111 != 0);
                bits | if search { 0o111 } else { 0 }
            }
            What::Copy(shift) => {
                let class = (mode >> shift) & 7;
                class << 6 | class << 3 | class
            }
        };
        bits &= self.who;
        if self.unnamed {
            bits &= !umask;
        }
        match self.operator {
            '+' => mode | bits,
            '-' => mode & !bits,
            _ => {
                // Setuid and setgid of a directory stay unless they are named.
                let spared = if directory { 0o6000 & !bits } else { 0 };
                let cleared = if self.unnamed { 0o7777 } else { self.who };
                (mode & !(cleared & !spared)) | bits
            }
        }
    }
}

fn parse_part(part: &str, clauses: &mut Vec<Clause>) -> Option<()> {
    let mut chars = part.chars().peekable();
    let mut who = 0;
    while let Some(class) = chars.next_if(|c| "ugoa".contains(*c)) {
        who |= match class {
            'u' => USER,
            'g' => GROUP,
            'o' => OTHER,
            _ => 0o7777,
        };
    }
    let unnamed = who == 0;
    if unnamed {
        who = 0o7777;
    }
    chars.peek()?;
    while let Some(operator) = chars.next() {
        if !"+-=".contains(operator) {
            return None;
        }
        let copied = chars
            .next_if(|c| "ugo".contains(*c))
            .map(|class| match class {
                'u' => 6,
                'g' => 3,
                _ => 0,
            });
        let what = if let Some(shift) = copied {
            What::Copy(shift)
        } else {
            let (mut bits, mut conditional) = (0, false);
            while let Some(permission) = chars.next_if(|c| "rwxXst".contains(*c)) {
                match permission {
                    'r' => bits |= 0o444,
                    'w' => bits |= 0o222,
                    'x' => bits |= 0o111,
                    'X' => conditional = true,
                    's' => bits |= 0o6000,
                    _ => bits |= 0o1000,
                }
            }
            What::Bits { bits, conditional }
        };
        clauses.push(Clause {
            who,
            unnamed,
            operator,
            what,
        });
    }
    Some(())
}

/// The mask that `umask` sets: an octal number, or the permissions that it leaves of what is not masked `now`. `None` for
/// what is neither.
#[must_use]
pub fn masked(text: &str, now: u32) -> Option<u32> {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return u32::from_str_radix(text, 8)
            .ok()
            .filter(|mask| *mask <= 0o777);
    }
    let left = Mode::parse(text)?.apply(!now & 0o777, false, 0);
    Some(!left & 0o777)
}

#[cfg(test)]
mod tests {
    use super::Mode;

    fn apply(mode: &str, old: u32, directory: bool) -> Option<u32> {
        Mode::parse(mode).map(|mode| mode.apply(old, directory, 0o022))
    }

    #[test]
    fn octal_modes_spare_setgid_of_directories_only() {
        assert_eq!(apply("644", 0o4755, false), Some(0o644));
        assert_eq!(apply("755", 0o2700, true), Some(0o2755));
        assert_eq!(apply("00755", 0o2700, true), Some(0o755));
        assert_eq!(apply("1777", 0o755, true), Some(0o1777));
        assert_eq!(apply("8", 0, false), None);
        assert_eq!(apply("17777", 0, false), None);
    }

    #[test]
    fn symbolic_modes_change_the_classes_they_name() {
        assert_eq!(apply("u+x", 0o644, false), Some(0o744));
        assert_eq!(apply("go-rwx", 0o755, true), Some(0o700));
        assert_eq!(apply("a+rX", 0o600, false), Some(0o644));
        assert_eq!(apply("a+rX", 0o700, false), Some(0o755));
        assert_eq!(apply("u=rw,go=r", 0o777, false), Some(0o644));
        assert_eq!(apply("g=u", 0o640, false), Some(0o660));
        assert_eq!(apply("+t", 0o755, true), Some(0o1755));
        assert_eq!(apply("u+s", 0o755, false), Some(0o4755));
        assert_eq!(apply("g=rx", 0o2775, true), Some(0o2755));
        assert_eq!(apply("u-x+w", 0o755, false), Some(0o655));
    }

    #[test]
    fn a_clause_that_names_nobody_respects_the_umask() {
        assert_eq!(apply("+w", 0o444, false), Some(0o644));
        assert_eq!(apply("=rwx", 0o000, false), Some(0o755));
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for text in ["", "x", "u", "u+q", "u~x", "u+x,", "+rw-u5"] {
            assert_eq!(Mode::parse(text), None, "{text}");
        }
    }
}
