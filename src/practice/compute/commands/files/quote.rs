//! Quoting of names in messages and listings, as GNU programs do it.

use std::fmt::Write as _;

/// Whether a character makes the shell read a word differently; `at`: where in the word it stands.
fn special(c: char, at: usize) -> bool {
    match c {
        '#' | '~' => at == 0,
        ' ' | '!' | '"' | '$' | '&' | '\'' | '(' | ')' | '*' | ';' | '<' | '=' | '>' | '?'
        | '[' | '\\' | '^' | '`' | '|' => true,
        _ => c.is_control(),
    }
}

/// Whether a character keeps its meaning in double quotes as in single ones.
fn plain_in_double_quotes(c: char) -> bool {
    c.is_alphanumeric() || " #~%+,-./:]_{}@'".contains(c)
}

/// Always in quotes, so that a shell would read it back: `'a b'`, `"it's"`, `'a'$'\n''b'`.
pub(super) fn always(name: &str) -> String {
    if name.contains('\'') && name.chars().all(plain_in_double_quotes) {
        return format!("\"{name}\"");
    }
    let mut text = String::from("'");
    let mut escaping = false;
    for c in name.chars() {
        if c.is_control() {
            if !escaping {
                text.push_str("'$'");
                escaping = true;
            }
            text.push_str(&escape(c));
            continue;
        }
        if escaping {
            text.push_str("''");
            escaping = false;
        }
        if c == '\'' {
            text.push_str("'\\''");
        } else {
            text.push(c);
        }
    }
    text.push('\'');
    text
}

fn escape(c: char) -> String {
    match c {
        '\x07' => "\\a".to_owned(),
        '\x08' => "\\b".to_owned(),
        '\x0c' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\x0b' => "\\v".to_owned(),
        other => {
            let mut buffer = [0; 4];
            let mut text = String::new();
            for byte in other.encode_utf8(&mut buffer).bytes() {
                // Writing to a string does not fail.
                let _ = write!(text, "\\{byte:03o}");
            }
            text
        }
    }
}

/// In quotes only when a shell would not read it back otherwise, as `ls` shows names on a terminal.
pub(super) fn when_needed(name: &str) -> String {
    let needed = name.is_empty()
        || name == "{"
        || name == "}"
        || name.chars().enumerate().any(|(at, c)| special(c, at));
    if needed {
        always(name)
    } else {
        name.to_owned()
    }
}

/// In double quotes, escaped as in C.
pub(super) fn double(name: &str) -> String {
    let mut text = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => text.push_str(&escape(c)),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// In the quotation marks of a Unicode locale: ‘name’.
pub(super) fn typographic(name: &str) -> String {
    let mut text = String::from("‘");
    for c in name.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            c if c.is_control() => text.push_str(&escape(c)),
            c => text.push(c),
        }
    }
    text.push('’');
    text
}

#[cfg(test)]
mod tests {
    use super::{always, typographic, when_needed};

    // Expected values are what `ls --quoting-style=shell-escape-always` and its relatives print.
    #[test]
    fn names_are_quoted_so_that_a_shell_reads_them_back() {
        assert_eq!(always("a"), "'a'");
        assert_eq!(always("a b"), "'a b'");
        assert_eq!(always("it's"), "\"it's\"");
        assert_eq!(always("it's $5"), "'it'\\''s $5'");
        assert_eq!(always("a\nb"), "'a'$'\\n''b'");
        assert_eq!(always(""), "''");
    }

    #[test]
    fn quotes_are_left_out_where_they_would_change_nothing() {
        assert_eq!(when_needed("plain-name_1.txt"), "plain-name_1.txt");
        assert_eq!(when_needed("a#b~"), "a#b~");
        assert_eq!(when_needed("#a"), "'#a'");
        assert_eq!(when_needed("a b"), "'a b'");
        assert_eq!(when_needed("{"), "'{'");
        assert_eq!(when_needed("{a}"), "{a}");
        assert_eq!(typographic("a b"), "‘a b’");
    }
}
