//! Scripts that are run by their path: `./backup.sh`. The shell library runs them without their `#!` line and without
//! what is done to other scripts; so the shell is asked to run them through the interpreter that the line names.

use bashkit::parser::{Command, Parser, Word, WordPart};

use super::host::Seat;
use super::syntax::each;

/// Runs a script in a process of its own; the name cannot be typed as one word without quotes.
pub const APART: &str = "script apart";

/// bash's own way to say that a program is meant.
const PREFIX: &str = "command ";

/// The script, in which what `is_meant` says to be a script is run through `command`, where its interpreter is found.
pub fn with_interpreters(script: String, is_meant: impl Fn(&str) -> bool) -> String {
    let mut places = Vec::new();
    each_path(&script, &mut |at, path| {
        if path.is_none_or(&is_meant) {
            places.push(at);
        }
    });
    if places.is_empty() {
        return script;
    }
    places.sort_unstable();
    let mut text = script.clone();
    for place in places.into_iter().rev() {
        text.insert_str(place, PREFIX);
    }
    if Parser::new(&text).parse().is_ok() {
        text
    } else {
        script
    }
}

/// Whether a script runs anything by its path.
pub fn runs_paths(script: &str) -> bool {
    let mut any = false;
    each_path(script, &mut |_, _| any = true);
    any
}

/// Where commands begin that are named by a path; with the path, if it is written out.
fn each_path(script: &str, visit: &mut impl FnMut(usize, Option<&str>)) {
    if !script.contains('/') {
        return;
    }
    let Ok(parsed) = Parser::new(script).parse() else {
        return;
    };
    each(&parsed.commands, &mut |command| {
        let Command::Simple(simple) = command else {
            return;
        };
        let at = simple.span.start.offset;
        let has_slash = (simple.name.parts.iter())
            .any(|part| matches!(part, WordPart::Literal(text) if text.contains('/')));
        let Some(rest) = script.get(at..).filter(|_| has_slash) else {
            return;
        };
        let name = written(&simple.name);
        if !simple.assignments.is_empty() {
            // Where the name is behind them, the parser does not tell.
            if let Some(name) = name
                && let Some(behind) = rest.find(&format!(" {name}"))
            {
                visit(at + behind + 1, Some(name));
            }
        } else if !rest.starts_with(['<', '>', '&']) && !digit_redirect(rest) {
            visit(at, name);
        }
    });
}

/// `2>&1 ./run`
fn digit_redirect(text: &str) -> bool {
    let rest = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    rest.len() < text.len() && rest.starts_with(['<', '>'])
}

fn written(name: &Word) -> Option<&str> {
    match name.parts.as_slice() {
        [WordPart::Literal(text)] if !text.starts_with('~') => Some(text),
        _ => None,
    }
}

/// What a script's first line says to run it with, as the kernel reads it: the program, and at most one argument.
#[derive(Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// Without its directories; behind `env`, what that is told to find.
    pub program: String,
    /// What stands before the script.
    pub arguments: Vec<String>,
}

impl Interpreter {
    /// Of a script with such a line.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let line = text.strip_prefix("#!")?.lines().next()?.trim();
        let (program, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let base = program.rsplit('/').next().unwrap_or_default();
        let mut arguments: Vec<String> = Vec::new();
        let program = if base == "env" {
            let mut words = rest.split_whitespace().filter(|word| *word != "-S");
            let program = words.next()?;
            arguments.extend(words.map(str::to_owned));
            program
        } else {
            arguments.extend(
                Some(rest.trim())
                    .filter(|rest| !rest.is_empty())
                    .map(str::to_owned),
            );
            base
        };
        (!program.is_empty()).then(|| Self {
            program: program.to_owned(),
            arguments,
        })
    }

    /// Whether the library would run the script as this says: with a shell that has no options.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.program.as_str(), "bash" | "sh") && self.arguments.is_empty()
    }
}

/// The text of a file that this user may run; `None`: the shell has to say why not, or knows the program itself.
pub fn script_at(seat: &Seat, path: &str) -> Option<String> {
    let view = seat.host.view(&seat.user);
    let attr = view.stat(path).ok()?;
    if attr.is_dir() || attr.mode & 0o111 == 0 {
        return None;
    }
    let text = view.read_text(path).ok()?;
    // A program of the image stands for itself.
    (text.starts_with("#!") && !text.contains("\n# bashkit builtin: ")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::{Interpreter, with_interpreters};

    #[test]
    fn what_is_named_by_a_path_is_run_through_its_interpreter() {
        for (script, expected) in [
            ("./a b", "command ./a b"),
            ("cd /tmp && ./a | sort", "cd /tmp && command ./a | sort"),
            ("\"$d/a\"", "command \"$d/a\""),
            (
                "for i in 1; do ~/a $i; done",
                "for i in 1; do command ~/a $i; done",
            ),
        ] {
            assert_eq!(with_interpreters(script.to_owned(), |_| true), expected);
        }
        assert_eq!(
            with_interpreters("A=1 B=./b ./a".to_owned(), |_| true),
            "A=1 B=./b command ./a"
        );
        for script in ["ls /tmp", "2>/dev/null ./a", "echo './a'"] {
            assert_eq!(with_interpreters(script.to_owned(), |_| true), script);
        }
        assert_eq!(
            with_interpreters("./a; ./b".to_owned(), |path| path == "./b"),
            "./a; command ./b"
        );
    }

    #[test]
    fn the_first_line_is_read_as_the_kernel_reads_it() {
        for (text, program, arguments) in [
            ("#!/bin/bash -eu\nls", "bash", vec!["-eu"]),
            ("#! /bin/sh\n", "sh", vec![]),
            ("#!/usr/bin/env bash\n", "bash", vec![]),
            ("#!/usr/bin/env -S bash -e -x\n", "bash", vec!["-e", "-x"]),
            ("#!/usr/bin/awk -f", "awk", vec!["-f"]),
        ] {
            let found = Interpreter::of(text).unwrap();
            assert_eq!(
                (found.program.as_str(), found.arguments),
                (program, arguments.into_iter().map(str::to_owned).collect())
            );
        }
        assert_eq!(Interpreter::of("echo"), None);
        assert_eq!(Interpreter::of("#!\n"), None);
    }
}
