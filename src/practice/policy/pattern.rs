//! Patterns of policies: `*`, `?`, and variables such as `${aws:PrincipalTag/team}`.

use super::Context;

/// A pattern whose variables have their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Any text.
    Any,
    /// Any character.
    One,
    /// This character.
    Literal(char),
}

impl Pattern {
    /// With the values of this context for variables; without one, `${` means itself. `None` when a variable has no value.
    pub fn new(text: &str, variables: Option<&Context>) -> Option<Self> {
        let wild = |c| match c {
            '*' => Part::Any,
            '?' => Part::One,
            c => Part::Literal(c),
        };
        let mut parts = Vec::new();
        for piece in pieces(text, variables.is_some()) {
            match piece {
                Piece::Text(text) => parts.extend(text.chars().map(wild)),
                Piece::Variable(name) => {
                    // What a variable holds means itself, stars included.
                    let value = value(name, variables?)?;
                    parts.extend(value.chars().map(Part::Literal));
                }
            }
        }
        Some(Self(parts))
    }

    /// Whether the whole text is meant.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut part) = (0, 0);
        // Where to go on when the text after the last star does not fit.
        let mut again: Option<(usize, usize)> = None;
        loop {
            match self.0.get(part) {
                Some(Part::Any) => {
                    again = Some((at, part));
                    part += 1;
                    continue;
                }
                Some(Part::One) if at < text.len() => {
                    (at, part) = (at + 1, part + 1);
                    continue;
                }
                Some(Part::Literal(c)) if text.get(at) == Some(c) => {
                    (at, part) = (at + 1, part + 1);
                    continue;
                }
                None if at == text.len() => return true,
                _ => {}
            }
            match again {
                Some((from, star)) if from < text.len() => {
                    again = Some((from + 1, star));
                    (at, part) = (from + 1, star + 1);
                }
                _ => return false,
            }
        }
    }
}

enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

fn pieces(text: &str, variables: bool) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${").filter(|_| variables) {
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        pieces.extend([Piece::Text(before), Piece::Variable(name)]);
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// A variable's one value, or the one that is named for its absence: `${key, 'default'}`. `${*}`, `${?}` and `${$}` are
/// those characters.
fn value(name: &str, context: &Context) -> Option<String> {
    if matches!(name, "*" | "?" | "$") {
        return Some(name.to_owned());
    }
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => (key, default.trim().strip_prefix('\'')),
        None => (name, None),
    };
    match context.get(key.trim()) {
        Some([one]) => Some(one.clone()),
        // Keys with several values cannot be variables.
        Some(_) => None,
        None => default?.strip_suffix('\'').map(str::to_owned),
    }
}

/// The text with the values of its variables, for comparisons that know no wildcards.
pub fn filled(text: &str, variables: Option<&Context>) -> Option<String> {
    let mut filled = String::new();
    for piece in pieces(text, variables.is_some()) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable(name) => filled.push_str(&value(name, variables?)?),
        }
    }
    Some(filled)
}
