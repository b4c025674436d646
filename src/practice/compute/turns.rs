//! Loops that give nobody else a turn: `for ((;;)); do x=$((x+1)); done`. The shell computes them without ever waiting
//! for anything, so nothing could interrupt them. They get a command that gives way. What a turn is, is in `patience`.

use bashkit::parser::{Command, Parser, Span};

use super::syntax::{as_loop, each, start};

/// What the shell does by itself, without files and without waiting.
const SILENT: &[&str] = &[
    "", "[", "break", "continue", "declare", "eval", "export", "let", "local", "printf",
    "readonly", "return", "set", "shift", "shopt", "test", "typeset", "unset",
];

/// The script, with a turn for others in every loop that has none.
pub fn with_turns(script: String) -> String {
    let Ok(parsed) = Parser::new(&script).parse() else {
        return script;
    };
    let mut search = Search {
        script: &script,
        functions: Vec::new(),
        places: Vec::new(),
    };
    search.functions_of(&parsed.commands);
    search.keep_silent_functions(&parsed.commands);
    search.loops_of(&parsed.commands);
    let mut places = search.places;
    if places.is_empty() {
        return script;
    }
    places.sort_unstable();
    let mut text = script.clone();
    for place in places.into_iter().rev() {
        text.insert_str(place, ": ; ");
    }
    if Parser::new(&text).parse().is_ok() {
        text
    } else {
        script
    }
}

struct Search<'a> {
    script: &'a str,
    /// Names that the script gives to commands of its own that give no turn.
    functions: Vec<String>,
    /// Where turns are missing.
    places: Vec<usize>,
}

impl Search<'_> {
    fn functions_of(&mut self, commands: &[Command]) {
        each(commands, &mut |command| {
            if let Command::Function(function) = command {
                self.functions.push(function.name.clone());
            }
        });
    }

    fn keep_silent_functions(&mut self, commands: &[Command]) {
        let mut giving = Vec::new();
        each(commands, &mut |command| {
            if let Command::Function(function) = command
                && self.gives_turns(std::slice::from_ref(&*function.body))
            {
                giving.push(function.name.clone());
            }
        });
        self.functions.retain(|name| !giving.contains(name));
    }

    fn loops_of(&mut self, commands: &[Command]) {
        let mut found = Vec::new();
        each(commands, &mut |command| {
            if let Command::Compound(compound, _) = command
                && let Some((condition, body, span)) = as_loop(compound)
                && !self.gives_turns(condition)
                && !self.gives_turns(body)
            {
                found.extend(self.place(body, span));
            }
        });
        self.places.extend(found);
    }

    /// Whether these commands, as far as they are no function's, have one that gives way.
    fn gives_turns(&self, commands: &[Command]) -> bool {
        let mut gives = false;
        each(commands, &mut |command| {
            if let Command::Simple(simple) = command {
                let name = simple.name.to_string();
                let silent = SILENT.contains(&name.as_str()) || self.functions.contains(&name);
                gives |= !silent || !simple.redirects.is_empty();
            }
        });
        gives
    }

    /// Before the first command of a body, or, if nobody knows where that is, before its end.
    fn place(&self, body: &[Command], span: Span) -> Option<usize> {
        let first = body.first().and_then(start);
        let end = || {
            let text = self.script.get(..span.end.offset)?;
            text.rfind("done").filter(|at| *at > span.start.offset)
        };
        first
            .filter(|at| self.script.is_char_boundary(*at))
            .or_else(end)
    }
}

#[cfg(test)]
mod tests {
    use super::with_turns;

    fn turned(script: &str) -> String {
        with_turns(script.to_owned())
    }

    #[test]
    fn a_loop_that_only_computes_gives_way_at_each_round() {
        for (script, expected) in [
            (
                "for ((;;)); do x=$((x+1)); done",
                "for ((;;)); do : ; x=$((x+1)); done",
            ),
            (
                "while [ $i -lt 9 ]; do ((i++)); done; ls",
                "while [ $i -lt 9 ]; do ((i++)); : ; done; ls",
            ),
            (
                "f() { y=1; }\nuntil [[ $x ]]\ndo\n  f\ndone",
                "f() { y=1; }\nuntil [[ $x ]]\ndo\n  : ; f\ndone",
            ),
            (
                "for a in é; do for b in 1 2; do z=$b; done; done",
                "for a in é; do : ; for b in 1 2; do : ; z=$b; done; done",
            ),
        ] {
            assert_eq!(turned(script), expected);
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for script in [
            "while :; do x=1; done",
            "for i in 1 2; do echo $i; done",
            "while read -r line; do n=$((n+1)); done < file",
            "until nc -z share 2049; do x=1; done",
            "for i in 1; do x=1 > file; done",
            "f() { sleep 1; }; while ! [ $x ]; do f; done",
            "echo 'for ((;;)); do x=1; done'",
            "cat <<'X'\nfor ((;;)); do x=1; done\nX\n",
            "for ((;;)); do",
        ] {
            assert_eq!(turned(script), script);
        }
    }
}
