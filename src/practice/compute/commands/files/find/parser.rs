//! How the arguments of `find` are read. It looks at no file but those an option names.

use regex::Regex;

use super::expression::{Action, Bits, Count, Expression, Parsed, Stamp, Test, Which};
use super::right;
use crate::practice::compute::commands::files::modes::Mode;
use crate::practice::compute::commands::files::owner::{group, numeric};
use crate::practice::compute::commands::files::program::Call;
use crate::practice::compute::commands::files::times;
use crate::practice::compute::users::Accounts;
use crate::practice::storage::Attr;

/// Reads the arguments; `Err` is the complaint.
pub(super) fn parse(call: &Call, accounts: &Accounts) -> Result<Parsed, String> {
    let mut args = call.args.as_slice();
    let mut follow = Which::None;
    while let [first, rest @ ..] = args {
        follow = match first.as_str() {
            "-P" => Which::None,
            "-H" => Which::Operands,
            "-L" => Which::All,
            "--" => follow,
            _ => break,
        };
        args = rest;
    }
    let begins = |arg: &String| {
        (arg.starts_with('-') && arg.len() > 1) || matches!(arg.as_str(), "(" | "!" | ")" | ",")
    };
    let count = args.iter().position(begins).unwrap_or(args.len());
    let (operands, rest) = args.split_at(count);
    let mut parser = Parser {
        call,
        accounts,
        args: rest,
        at: 0,
        acts: false,
        place: 0,
        parsed: Parsed {
            operands: if operands.is_empty() {
                vec![".".to_owned()]
            } else {
                operands.to_vec()
            },
            follow,
            expression: Expression::Test(Test::Always(true)),
            depth_first: false,
            one_file_system: false,
            least: 0,
            most: usize::MAX,
        },
    };
    if !rest.is_empty() {
        parser.parsed.expression = parser.list()?;
        if let Some(left) = parser.peek() {
            return Err(format!(
                "invalid expression; I was expecting to find something before `{left}'"
            ));
        }
    }
    let mut parsed = parser.parsed;
    if !parser.acts {
        let print = Expression::Action(Action::Print('\n'));
        parsed.expression = Expression::And(Box::new(parsed.expression), Box::new(print));
    }
    Ok(parsed)
}

struct Parser<'a> {
    call: &'a Call,
    accounts: &'a Accounts,
    args: &'a [String],
    at: usize,
    /// Whether an action was named: then nothing is printed by itself.
    acts: bool,
    place: usize,
    parsed: Parsed,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.args.get(self.at).map(String::as_str)
    }

    fn take(&mut self) -> Option<&'a str> {
        let arg = self.peek()?;
        self.at += 1;
        Some(arg)
    }

    fn value(&mut self, name: &str) -> Result<&'a str, String> {
        self.take()
            .ok_or_else(|| format!("missing argument to `{name}'"))
    }

    fn list(&mut self) -> Result<Expression, String> {
        let mut expression = self.either()?;
        while self.peek() == Some(",") {
            self.at += 1;
            expression = Expression::Then(Box::new(expression), Box::new(self.either()?));
        }
        Ok(expression)
    }

    fn either(&mut self) -> Result<Expression, String> {
        let mut expression = self.both()?;
        while matches!(self.peek(), Some("-o" | "-or")) {
            self.at += 1;
            expression = Expression::Or(Box::new(expression), Box::new(self.both()?));
        }
        Ok(expression)
    }

    fn both(&mut self) -> Result<Expression, String> {
        let mut expression = self.single()?;
        loop {
            match self.peek() {
                None | Some(")" | "," | "-o" | "-or") => return Ok(expression),
                Some("-a" | "-and") => self.at += 1,
                Some(_) => {}
            }
            expression = Expression::And(Box::new(expression), Box::new(self.single()?));
        }
    }

    fn single(&mut self) -> Result<Expression, String> {
        let Some(word) = self.take() else {
            return Err(
                "invalid expression; expected to find something after the last operator".to_owned(),
            );
        };
        match word {
            "!" | "-not" => Ok(Expression::Not(Box::new(self.single()?))),
            "(" => {
                let inner = self.list()?;
                if self.take() == Some(")") {
                    Ok(inner)
                } else {
                    Err("invalid expression; I was expecting to find a ')' somewhere but did not see one.".to_owned())
                }
            }
            ")" => Err("invalid expression; you have too many ')'".to_owned()),
            word if !word.starts_with('-') => {
                Err(format!("paths must precede expression: `{word}'"))
            }
            word => self.primary(word),
        }
    }

    fn primary(&mut self, word: &'a str) -> Result<Expression, String> {
        if let Some(action) = self.action(word)? {
            self.acts |= !matches!(action, Action::Prune | Action::Quit);
            return Ok(Expression::Action(action));
        }
        if self.option(word)? {
            return Ok(Expression::Test(Test::Always(true)));
        }
        match self.test(word)? {
            Some(test) => Ok(Expression::Test(test)),
            None => Err(format!("unknown predicate `{word}'")),
        }
    }

    /// Options that hold for the whole search, wherever they stand.
    fn option(&mut self, word: &str) -> Result<bool, String> {
        match word {
            "-depth" | "-d" => self.parsed.depth_first = true,
            "-xdev" | "-mount" => self.parsed.one_file_system = true,
            "-follow" => self.parsed.follow = Which::All,
            "-maxdepth" | "-mindepth" => {
                let text = self.value(word)?;
                let Some(depth) = text.parse().ok() else {
                    return Err(format!(
                        "Expected a positive decimal integer argument to {word}, but got {}",
                        self.call.quote(text)
                    ));
                };
                if word == "-maxdepth" {
                    self.parsed.most = depth;
                } else {
                    self.parsed.least = depth;
                }
            }
            "-noleaf" | "-nowarn" | "-warn" | "-ignore_readdir_race" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn action(&mut self, word: &str) -> Result<Option<Action>, String> {
        Ok(Some(match word {
            "-print" => Action::Print('\n'),
            "-print0" => Action::Print('\0'),
            "-printf" => Action::Format(self.value(word)?.to_owned()),
            "-ls" => Action::List,
            "-prune" => Action::Prune,
            "-quit" => Action::Quit,
            "-delete" => {
                self.parsed.depth_first = true;
                Action::Delete
            }
            "-exec" | "-execdir" => self.command(word)?,
            _ => return Ok(None),
        }))
    }

    fn command(&mut self, word: &str) -> Result<Action, String> {
        let mut words: Vec<String> = Vec::new();
        loop {
            let Some(next) = self.take() else {
                return Err(format!("missing argument to `{word}'"));
            };
            match next {
                ";" if !words.is_empty() => {
                    return Ok(Action::Run {
                        words,
                        here: word == "-execdir",
                    });
                }
                "+" if words.len() > 1 && words.last().is_some_and(|last| last == "{}") => {
                    words.pop();
                    self.place += 1;
                    return Ok(Action::Gather {
                        place: self.place,
                        words,
                    });
                }
                next => words.push(next.to_owned()),
            }
        }
    }

    fn count(&mut self, word: &str) -> Result<Count, String> {
        let text = self.value(word)?;
        Count::parse(text).ok_or_else(|| format!("invalid argument `{text}' to `{word}'"))
    }

    fn test(&mut self, word: &'a str) -> Result<Option<Test>, String> {
        if let Some(access) = right(word) {
            return Ok(Some(Test::May(access)));
        }
        if let Some(test) = self.timed(word)? {
            return Ok(Some(test));
        }
        Ok(Some(match word {
            "-true" => Test::Always(true),
            "-false" => Test::Always(false),
            "-empty" => Test::Empty,
            "-nouser" => Test::NoUser,
            "-nogroup" => Test::NoGroup,
            "-name" | "-iname" => Test::Name(self.value(word)?.to_owned(), word == "-iname"),
            "-path" | "-wholename" | "-ipath" | "-iwholename" => {
                Test::Path(self.value(word)?.to_owned(), word.starts_with("-i"))
            }
            "-lname" | "-ilname" => {
                Test::LinkTarget(self.value(word)?.to_owned(), word == "-ilname")
            }
            "-regex" | "-iregex" => {
                let text = self.value(word)?;
                let fold = if word == "-iregex" { "(?i)" } else { "" };
                let regex = Regex::new(&format!("{fold}{text}"));
                Test::Regex(
                    regex.map_err(|_| format!("failed to compile regular expression '{text}'"))?,
                )
            }
            "-type" => Test::Type(self.types(word)?),
            "-xtype" => Test::TargetType(self.types(word)?),
            "-uid" => Test::Uid(self.count(word)?),
            "-gid" => Test::Gid(self.count(word)?),
            "-user" => {
                let text = self.value(word)?;
                let uid = self.accounts.user(text).map(|user| user.identity.uid);
                let Some(uid) = uid.or_else(|| numeric(text)) else {
                    return Err(format!(
                        "{} is not the name of a known user",
                        self.call.quote(text)
                    ));
                };
                Test::Uid(Count::Exactly(uid.into()))
            }
            "-group" => {
                let text = self.value(word)?;
                let Some(gid) = group(text, self.accounts) else {
                    return Err(format!(
                        "{} is not the name of an existing group",
                        self.call.quote(text)
                    ));
                };
                Test::Gid(Count::Exactly(gid.into()))
            }
            "-perm" => self.permissions(word)?,
            "-size" => self.size(word)?,
            "-links" => Test::Links(self.count(word)?),
            "-inum" => Test::Inode(self.count(word)?),
            "-samefile" => {
                let (attr, mount) = self.reference(word)?;
                Test::Same(mount, attr.ino)
            }
            "-fstype" => Test::Filesystem(self.value(word)?.to_owned()),
            _ => return Ok(None),
        }))
    }

    /// Tests of times: `-mtime`, `-newer`, `-newermt` ….
    fn timed(&mut self, word: &str) -> Result<Option<Test>, String> {
        let stamp = |letter: Option<char>| match letter {
            Some('a') => Some(Stamp::Accessed),
            Some('c') => Some(Stamp::Changed),
            Some('m') => Some(Stamp::Modified),
            _ => None,
        };
        let name = &word[1..];
        Ok(Some(match name {
            "atime" | "ctime" | "mtime" => match stamp(name.chars().next()) {
                Some(stamp) => Test::Days(stamp, self.count(word)?),
                None => return Ok(None),
            },
            "amin" | "cmin" | "mmin" => match stamp(name.chars().next()) {
                Some(stamp) => Test::Minutes(stamp, self.count(word)?),
                None => return Ok(None),
            },
            "newer" => Test::Newer(Stamp::Modified, self.reference(word)?.0.modified),
            "anewer" => Test::Newer(Stamp::Accessed, self.reference(word)?.0.modified),
            "cnewer" => Test::Newer(Stamp::Changed, self.reference(word)?.0.modified),
            _ => {
                let Some(pair) = name.strip_prefix("newer").filter(|pair| pair.len() == 2) else {
                    return Ok(None);
                };
                let mut letters = pair.chars();
                let (Some(own), other) = (stamp(letters.next()), letters.next()) else {
                    return Ok(None);
                };
                let at = if other == Some('t') {
                    let text = self.value(word)?;
                    times::date(text, self.call.now).ok_or_else(|| {
                        format!(
                            "I cannot figure out how to interpret {} as a date or time",
                            self.call.quote(text)
                        )
                    })?
                } else {
                    let Some(theirs) = stamp(other) else {
                        return Ok(None);
                    };
                    theirs.of(&self.reference(word)?.0)
                };
                Test::Newer(own, at)
            }
        }))
    }

    /// The file that an option names, and its mount.
    fn reference(&mut self, word: &str) -> Result<(Attr, String), String> {
        let name = self.value(word)?;
        let path = self.call.path(name);
        match self.call.view.stat(&path) {
            Ok(attr) => Ok((attr, self.call.view.table().holding(&path).target)),
            Err(why) => Err(format!("{}: {why}", self.call.quote(name))),
        }
    }

    fn types(&mut self, word: &str) -> Result<Vec<char>, String> {
        let text = self.value(word)?;
        let mut types = Vec::new();
        for part in text.split(',') {
            match part {
                // As `ls -l` writes it, a file is a dash.
                "f" => types.push('-'),
                "d" | "l" | "p" | "c" | "b" | "s" => types.extend(part.chars()),
                other => return Err(format!("Unknown argument to {word}: {other}")),
            }
        }
        Ok(types)
    }

    fn permissions(&mut self, word: &str) -> Result<Test, String> {
        let text = self.value(word)?;
        let (bits, rest) = match text.as_bytes().first() {
            Some(b'-') => (Bits::All, &text[1..]),
            Some(b'/') => (Bits::Any, &text[1..]),
            _ => (Bits::Exactly, text),
        };
        match Mode::parse(rest) {
            Some(mode) => Ok(Test::Permissions(bits, mode.apply(0, false, 0))),
            None => Err(format!("invalid mode {}", self.call.quote(text))),
        }
    }

    fn size(&mut self, word: &str) -> Result<Test, String> {
        let text = self.value(word)?;
        let (digits, unit) = match text.chars().last() {
            Some('c') => (&text[..text.len() - 1], 1),
            Some('w') => (&text[..text.len() - 1], 2),
            Some('b') => (&text[..text.len() - 1], 512),
            Some('k') => (&text[..text.len() - 1], 1 << 10),
            Some('M') => (&text[..text.len() - 1], 1 << 20),
            Some('G') => (&text[..text.len() - 1], 1 << 30),
            _ => (text, 512),
        };
        match Count::parse(digits) {
            Some(count) => Ok(Test::Size(count, unit)),
            None => Err(format!("Invalid argument `{text}' to -size")),
        }
    }
}
