//! `umask` for what redirections make: the shell keeps the mask for itself, and the files that it opens are made by its
//! namespace. Programs get the mask with their call.

use std::sync::{Arc, Mutex, PoisonError};

use bashkit::BashBuilder;
use bashkit::hooks::{HookAction, ToolEvent};
use bashkit::parser::{Command, CommandList, Parser};

use super::commands::masked;
use crate::practice::storage::View;

/// Follows what `umask` does in a shell that opens its files in this view.
pub fn register(builder: BashBuilder, view: &View) -> BashBuilder {
    let lines = Arc::new(Mutex::new(Line {
        mask: view.umask(),
        changes: false,
    }));
    let (of_line, of_call) = (view.clone(), view.clone());
    builder
        .before_exec(Box::new(move |input| {
            let mut line = lines.lock().unwrap_or_else(PoisonError::into_inner);
            line.follow(&of_line, &input.script);
            HookAction::Continue(input)
        }))
        .before_tool(Box::new(move |event| {
            follow(&of_call, &event);
            HookAction::Continue(event)
        }))
}

/// The line that runs, or has run last.
struct Line {
    /// The mask of the shell before it.
    mask: u32,
    /// Whether it changes that, and not only that of a shell inside it.
    changes: bool,
}

impl Line {
    fn follow(&mut self, view: &View, script: &str) {
        if self.changes {
            self.mask = view.umask();
        } else {
            view.set_umask(self.mask);
        }
        self.changes = Parser::new(script)
            .parse()
            .is_ok_and(|parsed| parsed.commands.iter().any(changes));
    }
}

/// Whether a command calls `umask` in the shell itself.
fn changes(command: &Command) -> bool {
    match command {
        Command::Simple(simple) => simple.name.to_string() == "umask",
        Command::List(CommandList { first, rest, .. }) => {
            changes(first) || rest.iter().any(|(_, command)| changes(command))
        }
        _ => false,
    }
}

fn follow(view: &View, event: &ToolEvent) {
    let mask = event.args.iter().find(|arg| !arg.starts_with('-'));
    if event.name == "umask"
        && let Some(mask) = mask.and_then(|mask| masked(mask, view.umask()))
    {
        view.set_umask(mask);
    }
}

#[cfg(test)]
mod tests {
    use bashkit::parser::Parser;

    use super::changes;

    #[test]
    fn only_the_shell_itself_changes_its_mask() {
        let found = |script: &str| {
            let parsed = Parser::new(script).parse().unwrap();
            parsed.commands.iter().any(changes)
        };
        for script in ["umask 027", "cd /tmp && umask 077; ls", "umask u=rwx"] {
            assert!(found(script), "{script}");
        }
        for script in [
            "(umask 027)",
            "umask 077 | cat",
            "echo umask",
            "x=$(umask 0)",
        ] {
            assert!(!found(script), "{script}");
        }
    }
}
