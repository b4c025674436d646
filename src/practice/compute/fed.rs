//! Loops that a pipe feeds: `producer | while read -r line; do sudo mount "$line"; done`. The shell gives a command all
//! that is left of the pipe, whether it reads or not, so those that do not read get nothing to take. Who reads what is
//! in `stdin`.

use bashkit::parser::{
    AssignmentValue, Command, Parser, RedirectKind, SimpleCommand, Word, WordPart,
};

use super::stdin::ignores;
use super::syntax::each;

/// What a command gets that has nothing to read.
const NOTHING: &str = " </dev/null";

/// The script, in which nothing takes from a pipe what it does not read.
pub fn with_own_input(script: String) -> String {
    if !script.contains('|') {
        return script;
    }
    let Ok(parsed) = Parser::new(&script).parse() else {
        return script;
    };
    let mut places = Vec::new();
    let mut feeds = false;
    let mut substituted = Vec::new();
    each(&parsed.commands, &mut |command| match command {
        Command::Pipeline(pipeline) => {
            feeds |= pipeline.commands.iter().skip(1).any(|stage| match stage {
                Command::Simple(simple) => !is_program(simple),
                _ => true,
            });
        }
        Command::Simple(simple) => {
            places.extend(place(&script, simple));
            substitutions(simple, &mut substituted);
        }
        _ => {}
    });
    if feeds {
        places.extend(substituted_places(&script, &substituted));
    }
    if !feeds || places.is_empty() {
        return script;
    }
    places.sort_unstable();
    places.dedup();
    let mut text = script.clone();
    for place in places.into_iter().rev() {
        text.insert_str(place, NOTHING);
    }
    if Parser::new(&text).parse().is_ok() {
        text
    } else {
        script
    }
}

/// The commands that substitutions in the words of a command begin with.
fn substitutions<'a>(simple: &'a SimpleCommand, found: &mut Vec<&'a SimpleCommand>) {
    let values = simple
        .assignments
        .iter()
        .filter_map(|one| match &one.value {
            AssignmentValue::Scalar(word) => Some(word),
            AssignmentValue::Array(_) => None,
        });
    for part in simple
        .args
        .iter()
        .chain(values)
        .flat_map(|word| &word.parts)
    {
        if let WordPart::CommandSubstitution(commands) = part {
            each(commands, &mut |command| {
                if let Command::Simple(simple) = command {
                    found.push(simple);
                }
            });
        }
    }
}

/// Behind the names with which substitutions begin, if whatever is called so in a substitution reads nothing: where
/// exactly a command stands in one, the parser does not tell.
fn substituted_places(script: &str, commands: &[&SimpleCommand]) -> Vec<usize> {
    // What stands in a document may be meant for a file.
    if script.contains("<<") {
        return Vec::new();
    }
    let mut places = Vec::new();
    for at in substitution_starts(script) {
        let text = &script[at..];
        let name = text
            .split([' ', '\t', '\n', ')', ';', '|', '&'])
            .next()
            .unwrap_or_default();
        let mut called = commands
            .iter()
            .filter(|command| literal(&command.name) == Some(name))
            .peekable();
        if called.peek().is_some() && called.all(|command| ignores_input(command)) {
            places.push(at + name.len());
        }
    }
    places
}

/// Where the commands of `$(…)` begin that are neither quoted nor in a comment.
fn substitution_starts(script: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut quote = None;
    let mut before = ' ';
    let mut letters = script.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (None | Some('"'), '\\') => {
                letters.next();
            }
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, '#') if before.is_whitespace() => {
                letters.find(|(_, letter)| *letter == '\n');
            }
            (None | Some('"'), '$') => {
                let rest = &script[at..];
                if rest.starts_with("$(") && !rest.starts_with("$((") {
                    let inside = rest[2..].trim_start();
                    starts.push(script.len() - inside.len());
                }
            }
            _ => {}
        }
        before = letter;
    }
    starts
}

/// Behind the name of a command that reads nothing.
fn place(script: &str, simple: &SimpleCommand) -> Option<usize> {
    let name = literal(&simple.name)?;
    let at = simple.span.start.offset;
    let found = ignores_input(simple) && script.get(at..)?.starts_with(name);
    found.then(|| at + name.len())
}

/// Whether a command reads nothing, though there may be something.
fn ignores_input(simple: &SimpleCommand) -> bool {
    let has_input = simple.redirects.iter().any(|redirect| {
        redirect.fd.unwrap_or(0) == 0
            && matches!(
                redirect.kind,
                RedirectKind::Input
                    | RedirectKind::HereDoc
                    | RedirectKind::HereDocStrip
                    | RedirectKind::HereString
                    | RedirectKind::DupInput
                    | RedirectKind::ReadWrite
            )
    });
    let args: Vec<&str> = simple
        .args
        .iter()
        .map(|arg| literal(arg).unwrap_or("x"))
        .collect();
    !has_input && literal(&simple.name).is_some_and(|name| ignores(name, &args))
}

/// Whether nothing but a program can be meant: what the shell would not find among its functions is left to it.
fn is_program(simple: &SimpleCommand) -> bool {
    literal(&simple.name).is_some_and(|name| {
        !matches!(name, "eval" | "source" | "." | "bash" | "sh") && super::stdin::is_command(name)
    })
}

fn literal(word: &Word) -> Option<&str> {
    match word.parts.as_slice() {
        [WordPart::Literal(text)] => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::with_own_input;

    #[test]
    fn what_reads_nothing_takes_nothing_from_the_pipe_of_its_loop() {
        for (script, expected) in [
            (
                "ls | while read -r l; do sudo mount $l; done",
                "ls | while read -r l; do sudo </dev/null mount $l; done",
            ),
            (
                "f() { cat /etc/hosts; }; ls | while read l; do f; done",
                "f() { cat </dev/null /etc/hosts; }; ls | while read l; do f; done",
            ),
            (
                "ls | { x=$(cat /etc/hosts); cat; }",
                "ls | { x=$(cat </dev/null /etc/hosts); cat; }",
            ),
        ] {
            assert_eq!(with_own_input(script.to_owned()), expected);
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for script in [
            "ls | grep x",
            "cat /etc/hosts | grep x /etc/passwd",
            "ls | while read l; do cat; sudo tee $l; done",
            "ls | while read l; do sudo cat < $l; done",
            "while read l; do sudo mount $l; done < list",
            "echo 'ls | while read l; do sudo mount $l; done'",
            "ls | while read l; do echo '$(cat f)'; done # $(cat f)",
            "ls | while read l; do x=$(cat); y=$(cat f); done",
        ] {
            assert_eq!(with_own_input(script.to_owned()), script);
        }
    }
}
