//! Whether a program's output goes straight to the terminal. A shell of bashkit does not tell its commands, so the line
//! that was typed is read: a command is on the screen if it stands there outside of pipes, redirections and substitutions.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use bashkit::hooks::HookAction;
use bashkit::parser::{Command, Parser, Redirect, RedirectKind, WordPart};
use bashkit::{BashBuilder, BuiltinContext, analysis};

use crate::practice::compute::host::Session;

/// Given to a shell inside a shell (`sudo ls`): the one command it runs has the terminal.
pub struct OnScreen;

/// What the line that runs now shows on the terminal.
#[derive(Clone, Default)]
pub struct Screen {
    shown: Arc<Mutex<BTreeSet<String>>>,
    /// Those whose errors are on the screen too.
    whole: Arc<Mutex<BTreeSet<String>>>,
}

impl Screen {
    /// A screen that reads along with this shell; without a terminal nothing is ever shown.
    #[must_use]
    pub fn of(builder: BashBuilder, session: Session) -> (BashBuilder, Self) {
        let screen = Self::default();
        if session != Session::Interactive {
            return (builder, screen);
        }
        let reader = screen.clone();
        let builder = builder.before_exec(Box::new(move |input| {
            *reader.shown.lock().unwrap_or_else(PoisonError::into_inner) =
                shown(&input.script, takes_output);
            *reader.whole.lock().unwrap_or_else(PoisonError::into_inner) =
                shown(&input.script, |_| true);
            HookAction::Continue(input)
        }));
        (builder, screen)
    }

    /// Whether `program`, called now, writes to the terminal.
    #[must_use]
    pub fn shows(&self, program: &str, ctx: &BuiltinContext<'_>) -> bool {
        ctx.execution_extension::<OnScreen>().is_some() || self.lists(program)
    }

    /// Whether the line that runs now has `program` on the screen with its output and its errors, and its input there.
    #[must_use]
    pub fn has_whole(&self, program: &str) -> bool {
        self.whole
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(program)
    }

    /// Whether the line that runs now has `program` on the screen.
    #[must_use]
    pub fn lists(&self, program: &str) -> bool {
        self.shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(program)
    }
}

/// Whether a script is one simple command, its output going nowhere else.
pub(super) fn alone(script: &str) -> bool {
    Parser::new(script).parse().is_ok_and(|parsed| {
        matches!(
            parsed.commands.as_slice(),
            [Command::Simple(simple)] if simple.redirects.is_empty()
        )
    })
}

/// The commands of a script all of whose uses write to its own standard output.
fn shown(script: &str, elsewhere: fn(&Redirect) -> bool) -> BTreeSet<String> {
    let (Ok(parsed), Ok(all)) = (Parser::new(script).parse(), analysis::analyze(script)) else {
        return BTreeSet::new();
    };
    let mut direct = Vec::new();
    for command in &parsed.commands {
        collect(command, elsewhere, &mut direct);
    }
    let uses = |name: &str| {
        all.commands
            .iter()
            .filter(|command| command.name.as_deref() == Some(name))
            .count()
    };
    direct
        .iter()
        .filter(|name| direct.iter().filter(|other| other == name).count() == uses(name))
        .cloned()
        .collect()
}

fn collect(command: &Command, elsewhere: fn(&Redirect) -> bool, direct: &mut Vec<String>) {
    match command {
        Command::Simple(simple) => {
            if let [WordPart::Literal(name)] = simple.name.parts.as_slice()
                && !simple.redirects.iter().any(elsewhere)
            {
                direct.push(name.clone());
            }
        }
        Command::Pipeline(pipeline) => {
            if let Some(last) = pipeline.commands.last() {
                collect(last, elsewhere, direct);
            }
        }
        Command::List(list) => {
            collect(&list.first, elsewhere, direct);
            for (_, command) in &list.rest {
                collect(command, elsewhere, direct);
            }
        }
        Command::Compound(..) | Command::Function(_) => {}
    }
}

fn takes_output(redirect: &Redirect) -> bool {
    match redirect.kind {
        RedirectKind::OutputBoth => true,
        RedirectKind::Output
        | RedirectKind::Clobber
        | RedirectKind::Append
        | RedirectKind::DupOutput => redirect.fd.unwrap_or(1) == 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{shown, takes_output};

    fn shows_ls(line: &str) -> bool {
        shown(line, takes_output).contains("ls")
    }

    #[test]
    fn only_what_is_neither_piped_nor_redirected_is_on_the_screen() {
        assert!(shows_ls("ls"));
        assert!(shows_ls("cd /tmp && ls -a; pwd"));
        assert!(shows_ls("ls /nowhere 2>/dev/null"));
        assert!(shows_ls("true | ls"));
        assert!(!shows_ls("ls | wc -l"));
        assert!(!shows_ls("ls > list"));
        assert!(!shows_ls("echo $(ls)"));
        assert!(!shows_ls("ls; ls | cat"));
        assert!(!shows_ls("for i in 1 2; do ls; done"));
        assert!(!shows_ls("echo ls"));
        assert!(!shows_ls("ls 'unfinished"));
    }
}
