//! Shell patterns as `fnmatch` reads them: `*`, `?`, `[…]`, `\`.

/// Whether the whole of `text` fits `pattern`. A slash is a character like any other.
pub(super) fn fits(pattern: &str, text: &str, fold: bool) -> bool {
    let fold = |text: &str| -> Vec<char> {
        if fold {
            text.to_lowercase().chars().collect()
        } else {
            text.chars().collect()
        }
    };
    matches(&fold(pattern), &fold(text))
}

/// With one star to go back to: a later star makes an earlier one's choice final.
fn matches(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            star = Some((p + 1, t));
            p += 1;
            continue;
        }
        let step = match (text.get(t), one(&pattern[p.min(pattern.len())..])) {
            (None, None) => return true,
            (Some(c), Some((class, length))) if class.holds(*c) => Some(length),
            _ => None,
        };
        if let Some(length) = step {
            p += length;
            t += 1;
            continue;
        }
        match star {
            Some((after, from)) if from < text.len() => {
                star = Some((after, from + 1));
                p = after;
                t = from + 1;
            }
            _ => return false,
        }
    }
}

/// What one place of a pattern takes.
enum Class {
    Any,
    One(char),
    Set(bool, Vec<(char, char)>),
}

impl Class {
    fn holds(&self, c: char) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => *one == c,
            Self::Set(negated, ranges) => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated
            }
        }
    }
}

/// The first place of a pattern, and how many characters it is written with.
fn one(pattern: &[char]) -> Option<(Class, usize)> {
    match pattern {
        [] => None,
        ['?', ..] => Some((Class::Any, 1)),
        ['\\', c, ..] => Some((Class::One(*c), 2)),
        ['[', rest @ ..] => Some(set(rest).unwrap_or((Class::One('['), 1))),
        [c, ..] => Some((Class::One(*c), 1)),
    }
}

/// What follows `[`; `None` when it is not closed.
fn set(rest: &[char]) -> Option<(Class, usize)> {
    let negated = matches!(rest.first(), Some('!' | '^'));
    let mut at = usize::from(negated);
    let begin = at;
    let mut ranges = Vec::new();
    loop {
        let c = *rest.get(at)?;
        if c == ']' && at > begin {
            return Some((Class::Set(negated, ranges), at + 2));
        }
        if rest.get(at + 1) == Some(&'-') && rest.get(at + 2).is_some_and(|to| *to != ']') {
            ranges.push((c, *rest.get(at + 2)?));
            at += 3;
        } else {
            ranges.push((c, c));
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_fit_whole_names() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt.gz", false),
            ("a*b*c", "axxbyybc", true),
            ("a*b*c", "axxbyybd", false),
            ("?", "", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[", "[", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("*/x", "a/b/x", true),
        ] {
            assert_eq!(fits(pattern, text, false), expected, "{pattern} {text}");
        }
        assert!(fits("*.TXT", "a.txt", true));
    }
}
