//! Commands that a line leaves in the background: which they are, and the line that starts them as jobs which outlive
//! it. The shell's own jobs end with the line that starts them. How a job runs is in `jobs`.

use bashkit::parser::{Command, Parser, Redirect, RedirectKind, Script};

use super::syntax::each;

/// Longer scripts are not searched.
const LENGTH_MAX: usize = 16 * 1024;
/// Commands that ask the shell for its jobs: then these have to be its own.
const ASKING: &[&str] = &["bg", "coproc", "disown", "fg", "jobs", "wait"];
/// The variable that has the number of the last job; the shell's own `$!` knows only its own.
pub const LAST: &str = "_BACKGROUND";

/// What becomes a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All: there is a terminal that shows what they write.
    All,
    /// Those that write nothing to where the shell writes: who waits for that waits for the others.
    Redirected,
}

/// The script, which starts by `launcher` what it leaves in the background.
pub fn detached(script: String, which: Which, launcher: &str) -> String {
    if !script.contains('&') || script.len() > LENGTH_MAX || script.contains("<<") {
        return script;
    }
    let Some(parts) = parts(&script) else {
        return script;
    };
    if parts.iter().any(|part| asks(&part.parsed)) {
        return script;
    }
    let mut text = String::with_capacity(script.len());
    let mut some = false;
    for part in &parts {
        if part.end == Some('&') && part.can_leave(which) {
            some = true;
            let quoted = part.text.trim().replace('\'', r"'\''");
            text.push_str(&format!("'{launcher}' '{quoted}'; "));
        } else {
            text.push_str(part.text);
            text.extend(part.end);
        }
    }
    if some && Parser::new(&text).parse().is_ok() {
        with_last(&text)
    } else {
        script
    }
}

/// The script, in which `$!` is the last of these jobs.
pub fn with_last(script: &str) -> String {
    let mut text = String::with_capacity(script.len());
    let mut quoted = false;
    let mut letters = script.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => quoted = !quoted,
            '\\' if !quoted => {
                text.push(letter);
                text.extend(letters.next());
                continue;
            }
            '$' if !quoted && letters.next_if_eq(&'!').is_some() => {
                text.push_str(&format!("${{{LAST}}}"));
                continue;
            }
            _ => {}
        }
        text.push(letter);
    }
    text
}

/// What stands between two separators.
struct Part<'a> {
    text: &'a str,
    /// The separator after it.
    end: Option<char>,
    parsed: Script,
}

impl Part<'_> {
    fn can_leave(&self, which: Which) -> bool {
        let [command] = self.parsed.commands.as_slice() else {
            return false;
        };
        !depends_on_its_shell(self.text) && (which == Which::All || writes_elsewhere(command))
    }
}

/// The commands of a script with what separates them; `None` when that cannot be told.
fn parts(script: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut quote = None;
    let mut depth = 0_usize;
    let mut before = ' ';
    let mut letters = script.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let last = std::mem::replace(&mut before, letter);
        match (quote, letter) {
            (None | Some('"'), '\\') => {
                letters.next();
            }
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) => {
                if open == letter {
                    quote = None;
                }
            }
            (None, '#') if last.is_whitespace() || last == ';' => return None,
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, '&')
                if letters
                    .next_if(|(_, next)| matches!(next, '&' | '>'))
                    .is_some() => {}
            (None, '&') if matches!(last, '>' | '<' | '|') => {}
            (None, '&' | ';' | '\n') if depth == 0 => {
                // What cannot be parsed is the beginning of something that has separators inside.
                if let Ok(parsed) = Parser::new(&script[from..at]).parse() {
                    parts.push(Part {
                        text: &script[from..at],
                        end: Some(letter),
                        parsed,
                    });
                    from = at + 1;
                }
            }
            (None, _) => {}
        }
    }
    let text = &script[from..];
    let parsed = Parser::new(text).parse().ok()?;
    parts.push(Part {
        text,
        end: None,
        parsed,
    });
    Some(parts)
}

/// Whether a command of the script asks for jobs, or is one of the script's own making, which no other shell knows.
fn asks(script: &Script) -> bool {
    let mut asks = false;
    each(&script.commands, &mut |command| match command {
        Command::Simple(simple) => asks |= ASKING.contains(&simple.name.to_string().as_str()),
        Command::Function(_) => asks = true,
        _ => {}
    });
    asks
}

/// Whether a text has something that another shell does not have: arguments, the status before, arrays.
fn depends_on_its_shell(text: &str) -> bool {
    let dollars = text.match_indices('$');
    text.contains("${") && text.contains('[')
        || dollars
            .filter_map(|(at, _)| text[at + 1..].trim_start_matches('{').chars().next())
            .any(|next| next.is_ascii_digit() || "@*#?$!-".contains(next))
}

/// Whether a command writes both its output and its errors elsewhere.
fn writes_elsewhere(command: &Command) -> bool {
    let redirects: &[Redirect] = match command {
        Command::Simple(simple) => &simple.redirects,
        Command::Compound(_, redirects) => redirects,
        _ => &[],
    };
    let (mut out, mut err) = (false, false);
    for redirect in redirects {
        match (&redirect.kind, redirect.fd) {
            (RedirectKind::OutputBoth, _) => (out, err) = (true, true),
            (
                RedirectKind::Output | RedirectKind::Append | RedirectKind::Clobber,
                None | Some(1),
            ) => {
                out = true;
            }
            (RedirectKind::Output | RedirectKind::Append | RedirectKind::Clobber, Some(2)) => {
                err = true;
            }
            (RedirectKind::DupOutput, Some(2)) => err = out,
            (RedirectKind::DupOutput, None | Some(1)) => out = err,
            _ => {}
        }
    }
    out && err
}

#[cfg(test)]
mod tests {
    use super::{LAST, Which, detached, with_last};

    fn left(script: &str, which: Which) -> String {
        detached(script.to_owned(), which, "job")
    }

    #[test]
    fn what_a_line_leaves_in_the_background_becomes_a_job() {
        for (script, expected) in [
            ("sleep 5 &", "'job' 'sleep 5'; "),
            ("a & b", "'job' 'a';  b"),
            (
                "a 'x & y' | b && c & d; e &",
                "'job' 'a '\\''x & y'\\'' | b && c';  d;'job' 'e'; ",
            ),
            (
                "for i in 1 2; do sleep $i; done & ls",
                "'job' 'for i in 1 2; do sleep $i; done';  ls",
            ),
            ("(a; b) &", "'job' '(a; b)'; "),
            ("a & echo $!", &format!("'job' 'a';  echo ${{{LAST}}}")),
        ] {
            assert_eq!(left(script, Which::All), expected);
        }
        for script in [
            "nohup a >/dev/null 2>&1 &",
            "a &>x &",
            "a >x 2>y &",
            "(a; b) >>x 2>&1 &",
        ] {
            assert!(
                left(script, Which::Redirected).starts_with("'job'"),
                "{script}"
            );
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for script in [
            "a && b",
            "a 2>&1",
            "a &> x",
            "a & wait",
            "a & jobs",
            "f() { a; }; f &",
            "echo $1 &",
            "while a; do b & done",
            "echo 'a &'",
            "cat <<X &\nX",
            "a & if",
            "a |& b",
        ] {
            assert_eq!(left(script, Which::All), script);
        }
        for script in ["a &", "a >x &", "a 2>&1 >x &"] {
            assert_eq!(left(script, Which::Redirected), script);
        }
    }

    #[test]
    fn the_number_of_the_last_job_is_found_where_the_shell_would_expand_it() {
        assert_eq!(
            with_last(r#"kill $! '$!' "$!" \$!"#),
            format!(r#"kill ${{{LAST}}} '$!' "${{{LAST}}}" \$!"#)
        );
    }
}
