//! `time`, bash's keyword, in account time. bashkit measures with the computer's own clock, so the commands that are
//! timed get one before them and one after them that ask the account's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bashkit::parser::{Command, CompoundCommand, Parser, TimeCommand};
use bashkit::{BashBuilder, Builtin, BuiltinContext, ExecResult, async_trait};
use jiff::Timestamp;

use super::syntax::each;
use crate::practice::clock::Clock;

/// The keyword.
const KEYWORD: &str = "time";
/// Names that nobody types.
const BEGIN: &str = "begin of a timed command";
const END: &str = "end of a timed command";

/// Registers what measures.
pub fn register(builder: BashBuilder, clock: &Clock) -> BashBuilder {
    let begun = Arc::default();
    let watch = |ends| {
        Box::new(Watch {
            clock: clock.clone(),
            begun: Arc::clone(&begun),
            ends,
        })
    };
    builder
        .builtin(BEGIN, watch(false))
        .builtin(END, watch(true))
}

/// When the timed commands of a shell began, by their place in the script.
type Begun = Arc<Mutex<BTreeMap<String, Timestamp>>>;

/// Before or after a timed command.
struct Watch {
    clock: Clock,
    begun: Begun,
    ends: bool,
}

#[async_trait]
impl Builtin for Watch {
    async fn execute(&self, ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        let now = self.clock.now();
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((place, rest)) = ctx.args.split_first() else {
            return Ok(ExecResult::default());
        };
        if !self.ends {
            begun.insert(place.clone(), now);
            return Ok(ExecResult::default());
        }
        let since = begun.remove(place).unwrap_or(now);
        let took = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        let status = rest.first().and_then(|status| status.parse().ok());
        let format = rest.get(1).map(String::as_str);
        Ok(ExecResult {
            stderr: report(took, format).into(),
            exit_code: status.unwrap_or(0),
            ..ExecResult::default()
        })
    }
}

/// What bash writes of so much time. The processors of a practice instance take none.
fn report(took: Duration, format: Option<&str>) -> String {
    match format {
        None => {
            let mut text = "\n".to_owned();
            for (name, time) in [
                ("real", took),
                ("user", Duration::ZERO),
                ("sys", Duration::ZERO),
            ] {
                let (minutes, millis) = (time.as_secs() / 60, time.as_millis() % 60_000);
                // Writing to a string does not fail.
                let _ = writeln!(
                    text,
                    "{name}\t{minutes}m{}.{:03}s",
                    millis / 1000,
                    millis % 1000
                );
            }
            text
        }
        // `-p`: as POSIX has it.
        Some(_) => {
            let hundredths = took.as_millis() / 10;
            format!(
                "real {}.{:02}\nuser 0.00\nsys 0.00\n",
                hundredths / 100,
                hundredths % 100
            )
        }
    }
}

/// The script, with what measures around each command that is timed.
pub fn timed(script: String) -> String {
    if !script.contains(KEYWORD) {
        return script;
    }
    let Ok(parsed) = Parser::new(&script).parse() else {
        return script;
    };
    let mut found = Vec::new();
    each(&parsed.commands, &mut |command| {
        if let Command::Compound(CompoundCommand::Time(time), _) = command {
            found.extend(Timed::of(&script, time));
        }
    });
    // The inner ones first, and those behind before those in front: places that are still to come stay right.
    found.sort_unstable_by_key(|one| std::cmp::Reverse(one.at));
    let mut text = script.clone();
    let mut ends: Vec<(usize, usize)> = Vec::new();
    for one in found {
        let grown: usize = ends
            .iter()
            .filter(|(at, _)| *at < one.end)
            .map(|(_, by)| by)
            .sum();
        let Some(old) = text.get(one.at..one.end + grown) else {
            return script;
        };
        let body = &old[one.keyword..];
        let place = one.at;
        let posix = if one.posix { " -p" } else { "" };
        let new = format!("{{ '{BEGIN}' {place}; {body}; '{END}' {place} $?{posix}; }}");
        ends.push((one.at, new.len() - old.len()));
        text.replace_range(one.at..one.end + grown, &new);
    }
    if Parser::new(&text).parse().is_ok() {
        text
    } else {
        script
    }
}

/// A timed command, where it is in the script.
struct Timed {
    at: usize,
    end: usize,
    /// Bytes of the keyword and its options.
    keyword: usize,
    posix: bool,
}

impl Timed {
    /// `None`: a manner that bash does not have, nothing to measure, or a here-document, which ends somewhere else.
    fn of(script: &str, time: &TimeCommand) -> Option<Self> {
        let foreign = time.format.is_some() || time.output.is_some() || time.option_error.is_some();
        if foreign || time.append || time.verbose || time.command.is_none() {
            return None;
        }
        let at = time.span.start.offset;
        // It reaches to the end of what comes next.
        let reach = script.get(at..time.span.end.offset.min(script.len()))?;
        if reach.contains("<<") {
            return None;
        }
        let whole = (0..=reach.len())
            .rev()
            .filter_map(|len| reach.get(..len))
            .map(|text| text.trim_end_matches([';', '&', '|', '\n', ' ']))
            .find(|text| is_timed(text))?;
        let mut keyword = KEYWORD.len();
        let mut posix = false;
        loop {
            let rest = &whole[keyword..];
            let blank = rest.len() - rest.trim_start().len();
            let word = rest.trim_start();
            keyword += blank;
            if let Some(after) = word.strip_prefix("-p")
                && after.starts_with([' ', '\t'])
            {
                posix = true;
                keyword += 2;
            } else if word.starts_with("-- ") {
                keyword += 2;
            } else {
                break;
            }
        }
        Some(Self {
            at,
            end: at + whole.len(),
            keyword,
            posix,
        })
    }
}

/// Whether this is one timed command and nothing else.
fn is_timed(text: &str) -> bool {
    let Ok(parsed) = Parser::new(text).parse() else {
        return false;
    };
    matches!(
        &parsed.commands[..],
        [Command::Compound(CompoundCommand::Time(_), redirects)] if redirects.is_empty()
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BEGIN, END, report, timed};

    fn shown(script: &str) -> String {
        timed(script.to_owned())
            .replace(&format!("'{BEGIN}' "), "<")
            .replace(&format!("'{END}' "), ">")
    }

    #[test]
    fn timed_commands_get_a_beginning_and_an_end() {
        for (script, expected) in [
            ("time ls", "{ <0; ls; >0 $?; }"),
            ("time -p ls -l | wc", "{ <0; ls -l | wc; >0 $? -p; }"),
            ("x=1; time (ls) && pwd", "x=1; { <5; (ls); >5 $?; } && pwd"),
            ("(time (ls))", "({ <1; (ls); >1 $?; })"),
            (
                "time for i in 1 2; do ls; done\npwd",
                "{ <0; for i in 1 2; do ls; done; >0 $?; }\npwd",
            ),
            (
                "time { time a; time b; }",
                "{ <0; { { <7; a; >7 $?; }; { <15; b; >15 $?; }; }; >0 $?; }",
            ),
            (
                "if time ls; then pwd; fi",
                "if { <3; ls; >3 $?; }; then pwd; fi",
            ),
            ("time é &", "{ <0; é; >0 $?; } &"),
        ] {
            assert_eq!(shown(script), expected, "{script}");
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for script in [
            "echo time",
            "time -v ls",
            "ls time",
            "'time' ls",
            "time",
            "time (",
        ] {
            assert_eq!(timed(script.to_owned()), script);
        }
    }

    #[test]
    fn a_report_looks_like_bashs() {
        let took = Duration::from_millis(83_042);
        assert_eq!(
            report(took, None),
            "\nreal\t1m23.042s\nuser\t0m0.000s\nsys\t0m0.000s\n"
        );
        assert_eq!(
            report(took, Some("-p")),
            "real 83.04\nuser 0.00\nsys 0.00\n"
        );
    }
}
