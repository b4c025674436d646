//! What is done to every script before a shell runs it, be it the shell of a session or one that a script calls. What
//! exactly is in `turns`, `timing`, `fed`, `descriptors` and `launch`.

use bashkit::hooks::{HookAction, ToolEvent};
use bashkit::parser::{Command, Parser, Word, WordPart};
use bashkit::{BashBuilder, Builtin, BuiltinContext, ExecResult, async_trait};

use super::descriptors::with_descriptors;
use super::fed::with_own_input;
use super::host::Seat;
use super::launch::{APART, Interpreter, runs_paths, script_at, with_interpreters};
use super::timing::timed;
use super::turns::with_turns;

/// Writes the script that is its input; its name cannot be typed as one word without quotes.
const INPUT: &str = "script on standard input";

/// Reads along for scripts.
#[must_use]
pub fn register(builder: BashBuilder, seat: &Seat) -> BashBuilder {
    let (reader, seat) = (seat.clone(), seat.clone());
    let input = Input { seat: seat.clone() };
    builder
        .before_exec(Box::new(move |mut input| {
            input.script = prepared(&reader, input.script);
            HookAction::Continue(input)
        }))
        .before_tool(Box::new(move |event| {
            HookAction::Continue(called(&seat, event))
        }))
        .builtin(INPUT, Box::new(input))
}

/// The script as it is run.
fn prepared(seat: &Seat, script: String) -> String {
    let directory = seat.process.directory();
    let script = with_interpreters(script, |path| {
        // What is not there yet may be a script by the time it is run.
        let path = absolute(&directory, path);
        seat.host.view(&seat.user).stat(&path).is_err()
            || script_at(seat, &path).is_some_and(|text| is_changed(&text))
    });
    changed(script)
}

/// The script with all that does not depend on who runs it.
fn changed(script: String) -> String {
    with_descriptors(with_turns(with_own_input(timed(script))))
}

/// Whether a script that is run by its path needs what the shell library does not do for it.
fn is_changed(text: &str) -> bool {
    Interpreter::of(text).is_some_and(|interpreter| !interpreter.is_plain())
        || runs_paths(text)
        || changed(text.to_owned()) != text
}

/// A call of a shell, its script prepared.
fn called(seat: &Seat, mut event: ToolEvent) -> ToolEvent {
    match event.name.as_str() {
        "bash" | "sh" => {}
        "command" => {
            launch(seat, &mut event.args);
            return event;
        }
        _ => return event,
    }
    let Some(call) = Call::of(&event.args) else {
        return event;
    };
    match call.script {
        Source::Line => {
            if let Some(line) = event.args.get_mut(call.operands) {
                *line = prepared(seat, std::mem::take(line));
            }
        }
        Source::File => {
            let Some(file) = event.args.get(call.operands) else {
                return event;
            };
            let path = absolute(&seat.process.directory(), file);
            let Ok(text) = seat.host.view(&seat.user).read_text(&path) else {
                return event;
            };
            let changed = prepared(seat, text.clone());
            if changed != text {
                let words = ["-c".to_owned(), changed];
                event.args.splice(call.operands..call.operands, words);
            }
        }
        Source::Input if event.args.len() > call.operands => {
            let words = [
                "-c".to_owned(),
                format!("eval \"$('{INPUT}')\""),
                event.name.clone(),
            ];
            event.args.splice(call.operands..call.operands, words);
        }
        Source::Input => {}
    }
    event
}

/// `command ./script a`: as the first line of the script says, `command bash -e ./script a`.
fn launch(seat: &Seat, args: &mut Vec<String>) {
    let Some(path) = args.first().filter(|path| path.contains('/')) else {
        return;
    };
    let path = absolute(&seat.process.directory(), path);
    let Some(text) = script_at(seat, &path) else {
        return;
    };
    if let Some(Interpreter { program, arguments }) = Interpreter::of(&text) {
        // What it locks is free when it has ended, and the shell does not tell when that is.
        let apart = text.contains("flock").then(|| APART.to_owned());
        let words = apart.into_iter().chain([program]).chain(arguments);
        args.splice(0..0, words);
    }
}

fn absolute(directory: &str, path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{directory}/{path}")
    }
}

/// Where a shell gets its script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// `-c`
    Line,
    /// The first operand.
    File,
    /// `-s`, or nothing else.
    Input,
}

/// How a shell is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Call {
    script: Source,
    /// Where the options end.
    operands: usize,
}

impl Call {
    /// Reads the arguments as bash does; `None` for options that are no script's business.
    fn of(args: &[String]) -> Option<Self> {
        let (mut line, mut input) = (false, false);
        let mut at = 0;
        while let Some(arg) = args.get(at) {
            at += 1;
            match arg.as_str() {
                "-" | "--" => break,
                "--rcfile" | "--init-file" => at += 1,
                long if long.starts_with("--") => {}
                short if short.len() > 1 && short.starts_with(['-', '+']) => {
                    for letter in short.chars().skip(1) {
                        match letter {
                            'c' => line = true,
                            's' => input = true,
                            'o' | 'O' => at += 1,
                            'n' => return None,
                            _ => {}
                        }
                    }
                }
                _ => {
                    at -= 1;
                    break;
                }
            }
        }
        let script = match (line, input || at >= args.len()) {
            (true, _) => Source::Line,
            (false, true) => Source::Input,
            (false, false) => Source::File,
        };
        Some(Self {
            script,
            operands: at,
        })
    }
}

/// The operands of a line that does nothing but run what is on standard input, without options: `bash -s -- a b`.
#[must_use]
pub fn of_input(line: &str) -> Option<Vec<String>> {
    let parsed = Parser::new(line).parse().ok()?;
    let [Command::Simple(simple)] = parsed.commands.as_slice() else {
        return None;
    };
    if !simple.redirects.is_empty() || !simple.assignments.is_empty() {
        return None;
    }
    let words = std::iter::once(&simple.name).chain(&simple.args);
    let mut words: Vec<String> = words.map(plain).collect::<Option<_>>()?;
    let name = words.remove(0);
    let call = Call::of(&words)?;
    let plainly = words.iter().take(call.operands);
    let plainly = plainly
        .into_iter()
        .all(|word| matches!(word.as_str(), "-s" | "--" | "-"));
    let is_shell = matches!(name.rsplit('/').next(), Some("bash" | "sh"));
    (is_shell && plainly && call.script == Source::Input).then(|| words.split_off(call.operands))
}

/// A word with nothing to be expanded.
fn plain(word: &Word) -> Option<String> {
    match word.parts.as_slice() {
        [WordPart::Literal(text)] if word.quoted || !text.contains(['*', '?', '[', '{', '~']) => {
            Some(text.clone())
        }
        _ => None,
    }
}

/// Writes the script that a shell reads, prepared.
struct Input {
    seat: Seat,
}

#[async_trait]
impl Builtin for Input {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let script = ctx.stdin_text_lossy().unwrap_or_default().into_owned();
        Ok(ExecResult::ok(prepared(&self.seat, script)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, Source, of_input};

    #[test]
    fn a_shell_is_called_as_bash_reads_its_arguments() {
        for (line, script, operands) in [
            ("-c x", Source::Line, 1),
            ("-ec x y", Source::Line, 1),
            ("-o pipefail -c x", Source::Line, 3),
            ("-x file a", Source::File, 1),
            ("-s a b", Source::Input, 1),
            ("-s -- a b", Source::Input, 2),
            ("-es", Source::Input, 1),
            ("", Source::Input, 0),
        ] {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(Call::of(&args), Some(Call { script, operands }), "{line}");
        }
    }

    #[test]
    fn a_line_that_runs_what_is_read_is_known_by_its_operands() {
        let operands = |line: &str| of_input(line).map(|operands| operands.join(" "));
        assert_eq!(operands("bash -s -- a 'b c'").as_deref(), Some("a b c"));
        assert_eq!(operands("sh").as_deref(), Some(""));
        for line in [
            "bash -es",
            "bash x",
            "bash -c x",
            "bash -s; ls",
            "bash -s $x",
            "ls",
        ] {
            assert_eq!(operands(line), None, "{line}");
        }
    }
}
