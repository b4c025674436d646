//! Lines typed at a prompt whose commands read the terminal: bashkit's commands know no other input than pipes, so the
//! keyboard is put in front of them as one. Which commands read is in `stdin`.

use std::collections::BTreeSet;
use std::sync::Arc;

use bashkit::hooks::HookAction;
use bashkit::parser::{Command as Parsed, Parser, RedirectKind, SimpleCommand, Word, WordPart};
use bashkit::{BashBuilder, Command, CommandContext, CommandStatus, async_trait};

use super::host::Seat;
use super::keyboard::{AtKeyboard, Keyboard};
use super::stdin::reads;

/// Writes what is typed; its name cannot be typed as one word without quotes.
const TYPED: &str = "lines that are typed";

/// Puts the keyboard in front of what reads it, for a shell at which somebody types.
pub fn register(builder: BashBuilder, seat: &Seat) -> BashBuilder {
    let keyboard = Arc::clone(&seat.process.keyboard);
    builder
        .before_exec(Box::new(move |mut input| {
            let (script, expected) = with_keyboard(input.script);
            keyboard.expect(expected);
            input.script = script;
            HookAction::Continue(input)
        }))
        .command(TYPED, Typed { seat: seat.clone() })
}

/// The keyboard that this shell's programs read.
pub fn keyboard(seat: &Seat, given: Option<&AtKeyboard>) -> Arc<Keyboard> {
    let own = || Arc::clone(&seat.process.keyboard);
    given.map_or_else(own, |given| Arc::clone(&given.keyboard))
}

/// The line with the keyboard in front of what reads it to its end, and the names of the others at the terminal.
fn with_keyboard(script: String) -> (String, BTreeSet<String>) {
    let Ok(parsed) = Parser::new(&script).parse() else {
        return (script, BTreeSet::new());
    };
    let mut direct = Vec::new();
    for command in &parsed.commands {
        collect(command, &mut direct);
    }
    let expected = direct
        .iter()
        .filter_map(|simple| literal(&simple.name))
        .map(str::to_owned)
        .collect();
    let mut text = script.clone();
    direct.sort_unstable_by_key(|simple| std::cmp::Reverse(simple.span.start.offset));
    for simple in direct {
        let at = simple.span.start.offset;
        if let Some(front) = front(simple)
            && script.get(at..).is_some_and(|rest| {
                literal(&simple.name).is_some_and(|name| rest.starts_with(name))
            })
        {
            text.insert_str(at, &front);
        }
    }
    if Parser::new(&text).parse().is_ok() {
        (text, expected)
    } else {
        (script, expected)
    }
}

/// The commands whose input is the terminal.
fn collect<'a>(command: &'a Parsed, direct: &mut Vec<&'a SimpleCommand>) {
    match command {
        Parsed::Simple(simple) => {
            let elsewhere = simple.redirects.iter().any(|redirect| {
                redirect.fd.unwrap_or(0) == 0
                    && !matches!(
                        redirect.kind,
                        RedirectKind::Output
                            | RedirectKind::Clobber
                            | RedirectKind::Append
                            | RedirectKind::DupOutput
                            | RedirectKind::OutputBoth
                    )
            });
            if !elsewhere {
                direct.push(simple);
            }
        }
        Parsed::Pipeline(pipeline) => {
            if let Some(first) = pipeline.commands.first() {
                collect(first, direct);
            }
        }
        Parsed::List(list) => {
            collect(&list.first, direct);
            for (_, command) in &list.rest {
                collect(command, direct);
            }
        }
        Parsed::Compound(..) | Parsed::Function(_) => {}
    }
}

/// What goes in front of a command that reads to the end of its input, or as many lines as it takes.
fn front(simple: &SimpleCommand) -> Option<String> {
    let name = literal(&simple.name)?;
    let args: Vec<&str> = simple
        .args
        .iter()
        .map(|arg| literal(arg).unwrap_or("x"))
        .collect();
    // The shell's own reading is at the keyboard already; a shell that reads commands becomes another one.
    let has_keyboard = matches!(name, "read" | "mapfile" | "readarray" | "bash" | "sh");
    let becomes = matches!(name, "sudo") && args.iter().any(|arg| matches!(*arg, "bash" | "sh"));
    if has_keyboard || becomes || !reads(name, &args) {
        return None;
    }
    let lines = (name == "head").then(|| head_lines(&args));
    let lines = lines.map_or_else(String::new, |lines| format!(" {lines}"));
    Some(format!("'{TYPED}'{lines} | "))
}

/// How many lines `head` takes.
fn head_lines(args: &[&str]) -> usize {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let value = match *arg {
            "-n" => args.next().copied(),
            _ => arg
                .strip_prefix("--lines=")
                .or_else(|| arg.strip_prefix("-n"))
                .or_else(|| arg.strip_prefix('-')),
        };
        if let Some(lines) = value.and_then(|value| value.parse().ok()) {
            return lines;
        }
    }
    10
}

fn literal(word: &Word) -> Option<&str> {
    match word.parts.as_slice() {
        [WordPart::Literal(text)] => Some(text),
        _ => None,
    }
}

/// Writes lines as they are typed, to the end of the input or so many.
struct Typed {
    seat: Seat,
}

#[async_trait]
impl Command for Typed {
    async fn execute(&self, ctx: CommandContext<'_>) -> bashkit::Result<CommandStatus> {
        let given = ctx
            .execution_extension::<AtKeyboard>()
            .and_then(|given| given.try_with(Clone::clone).ok());
        let keyboard = keyboard(&self.seat, given.as_ref());
        let most = ctx.args.first().and_then(|lines| lines.parse().ok());
        for _ in 0..most.unwrap_or(usize::MAX) {
            let Some(line) = self.seat.activity.idle(keyboard.line(false)).await else {
                break;
            };
            ctx.stdout.write_all(line.as_bytes()).await?;
        }
        Ok(CommandStatus::success())
    }
}

#[cfg(test)]
mod tests {
    use super::{TYPED, with_keyboard};

    #[test]
    fn the_keyboard_stands_before_what_reads_it_and_nothing_else() {
        for (line, expected) in [
            ("cat > f", "< | cat > f"),
            ("head -1", "< 1 | head -1"),
            ("ls; xargs echo", "ls; < | xargs echo"),
            ("sudo tee f | wc", "< | sudo tee f | wc"),
            ("wc -l && sort", "< | wc -l && < | sort"),
        ] {
            let (text, _) = with_keyboard(line.to_owned());
            assert_eq!(text.replace(&format!("'{TYPED}'"), "<"), expected);
        }
        for line in [
            "cat f",
            "ls | cat",
            "cat < f",
            "cat <<E\nx\nE",
            "read x",
            "bash",
            "dnf install x",
            "sudo bash",
            "for i in 1; do cat; done",
        ] {
            assert_eq!(with_keyboard(line.to_owned()).0, line);
        }
        assert!(with_keyboard("dnf install x".to_owned()).1.contains("dnf"));
    }
}
