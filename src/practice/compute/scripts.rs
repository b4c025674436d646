//! What is done to every script before a shell runs it, be it the shell of a session or one that a script calls. What
//! exactly is in `turns`, `timing` and `fed`.

use bashkit::hooks::{HookAction, ToolEvent};
use bashkit::parser::{Command, Parser, Word, WordPart};
use bashkit::{BashBuilder, Builtin, BuiltinContext, ExecResult, async_trait};

use super::fed::with_own_input;
use super::host::Seat;
use super::timing::timed;
use super::turns::with_turns;

/// Writes the script that is its input; its name cannot be typed as one word without quotes.
const INPUT: &str = "script on standard input";

/// Reads along for scripts.
#[must_use]
pub fn register(builder: BashBuilder, seat: &Seat) -> BashBuilder {
    let seat = seat.clone();
    builder
        .before_exec(Box::new(|mut input| {
            input.script = prepared(input.script);
            HookAction::Continue(input)
        }))
        .before_tool(Box::new(move |event| {
            HookAction::Continue(called(&seat, event))
        }))
        .builtin(INPUT, Box::new(Input))
}

/// The script as it is run.
#[must_use]
pub fn prepared(script: String) -> String {
    with_turns(with_own_input(timed(script)))
}

/// A call of a shell, its script prepared.
fn called(seat: &Seat, mut event: ToolEvent) -> ToolEvent {
    if !matches!(event.name.as_str(), "bash" | "sh") {
        return event;
    }
    let Some(call) = Call::of(&event.args) else {
        return event;
    };
    match call.script {
        Source::Line => {
            if let Some(line) = event.args.get_mut(call.operands) {
                *line = prepared(std::mem::take(line));
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
            let changed = prepared(text.clone());
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
struct Input;

#[async_trait]
impl Builtin for Input {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let script = ctx.stdin_text_lossy().unwrap_or_default().into_owned();
        Ok(ExecResult::ok(prepared(script)))
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
