//! What `find` is asked: options, tests and actions. How they are written is in `parser`.

use jiff::Timestamp;
use regex::Regex;

use crate::practice::storage::{Access, Attr};

/// Which links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    None,
    Operands,
    All,
}

/// All that the arguments say.
pub(super) struct Parsed {
    pub operands: Vec<String>,
    pub follow: Which,
    pub expression: Expression,
    pub depth_first: bool,
    pub one_file_system: bool,
    pub least: usize,
    pub most: usize,
}

pub(super) enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    /// Both, and the second counts (`,`).
    Then(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Test(Test),
    Action(Action),
}

/// `+n`, `-n`, `n`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Above(u64),
    Below(u64),
    Exactly(u64),
}

impl Count {
    pub fn holds(self, number: u64) -> bool {
        match self {
            Self::Above(limit) => number > limit,
            Self::Below(limit) => number < limit,
            Self::Exactly(limit) => number == limit,
        }
    }

    /// What lies in the future is younger than anything.
    pub fn holds_signed(self, number: i64) -> bool {
        match u64::try_from(number) {
            Ok(number) => self.holds(number),
            Err(_) => matches!(self, Self::Below(_)),
        }
    }

    /// `None` when it is no count.
    pub fn parse(text: &str) -> Option<Self> {
        let (make, digits): (fn(u64) -> Self, &str) = match text.as_bytes().first()? {
            b'+' => (Self::Above, &text[1..]),
            b'-' => (Self::Below, &text[1..]),
            _ => (Self::Exactly, text),
        };
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok())?.map(make)
    }
}

/// How `-perm` compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bits {
    Exactly,
    All,
    Any,
}

impl Bits {
    pub fn holds(self, wanted: u32, mode: u32) -> bool {
        match self {
            Self::Exactly => mode == wanted,
            Self::All => mode & wanted == wanted,
            Self::Any => wanted == 0 || mode & wanted != 0,
        }
    }
}

/// Which time of a file is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    Accessed,
    Changed,
    Modified,
}

impl Stamp {
    pub fn of(self, attr: &Attr) -> Timestamp {
        match self {
            Self::Accessed => attr.accessed,
            Self::Changed => attr.changed,
            Self::Modified => attr.modified,
        }
    }
}

pub(super) enum Test {
    Always(bool),
    Name(String, bool),
    Path(String, bool),
    LinkTarget(String, bool),
    Regex(Regex),
    Type(Vec<char>),
    TargetType(Vec<char>),
    Uid(Count),
    Gid(Count),
    NoUser,
    NoGroup,
    Permissions(Bits, u32),
    /// In units of so many bytes, rounded up.
    Size(Count, u64),
    Links(Count),
    Inode(Count),
    /// Mount and inode.
    Same(String, u64),
    Newer(Stamp, Timestamp),
    Days(Stamp, Count),
    Minutes(Stamp, Count),
    Empty,
    May(Access),
    Filesystem(String),
}

pub(super) enum Action {
    /// With what ends the name.
    Print(char),
    Format(String),
    List,
    Prune,
    Quit,
    Delete,
    /// `-exec … ;`; `here`: in the directory of what was met.
    Run {
        words: Vec<String>,
        here: bool,
    },
    /// `-exec … {} +`; `place` tells such actions apart.
    Gather {
        place: usize,
        words: Vec<String>,
    },
}

impl Parsed {
    /// The commands of all `-exec … +`, by their place.
    pub fn gathered(&self) -> Vec<(usize, &[String])> {
        let mut found = Vec::new();
        gathered(&self.expression, &mut found);
        found
    }
}

fn gathered<'a>(expression: &'a Expression, found: &mut Vec<(usize, &'a [String])>) {
    match expression {
        Expression::And(one, other) | Expression::Or(one, other) | Expression::Then(one, other) => {
            gathered(one, found);
            gathered(other, found);
        }
        Expression::Not(one) => gathered(one, found),
        Expression::Action(Action::Gather { place, words }) => found.push((*place, words)),
        Expression::Test(_) | Expression::Action(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Bits, Count};

    #[test]
    fn counts_compare_from_above_and_below() {
        assert_eq!(Count::parse("+3"), Some(Count::Above(3)));
        assert_eq!(Count::parse("-3"), Some(Count::Below(3)));
        assert_eq!(Count::parse("3"), Some(Count::Exactly(3)));
        assert_eq!(Count::parse("+"), None);
        assert_eq!(Count::parse("+-3"), None);
        assert!(Count::Below(1).holds_signed(-5));
        assert!(!Count::Above(1).holds_signed(-5));
    }

    #[test]
    fn permissions_are_compared_whole_in_part_or_at_all() {
        assert!(Bits::Exactly.holds(0o644, 0o644));
        assert!(!Bits::Exactly.holds(0o644, 0o664));
        assert!(Bits::All.holds(0o022, 0o666));
        assert!(!Bits::All.holds(0o022, 0o646));
        assert!(Bits::Any.holds(0o022, 0o646));
    }
}
