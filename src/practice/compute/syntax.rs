//! What a script is made of, as bashkit parses it.

use bashkit::parser::{Command, CompoundCommand, Span};

/// Visits commands and all that are in them.
pub fn each<'a>(commands: &'a [Command], visit: &mut impl FnMut(&'a Command)) {
    let mut pending: Vec<&Command> = commands.iter().collect();
    while let Some(command) = pending.pop() {
        visit(command);
        match command {
            Command::Simple(_) => {}
            Command::Pipeline(pipeline) => pending.extend(&pipeline.commands),
            Command::List(list) => {
                pending.push(&list.first);
                pending.extend(list.rest.iter().map(|(_, command)| command));
            }
            Command::Function(function) => pending.push(&function.body),
            Command::Compound(compound, _) => inside(compound, &mut pending),
        }
    }
}

fn inside<'a>(compound: &'a CompoundCommand, pending: &mut Vec<&'a Command>) {
    match compound {
        CompoundCommand::If(one) => {
            pending.extend(one.condition.iter().chain(&one.then_branch));
            for (condition, branch) in &one.elif_branches {
                pending.extend(condition.iter().chain(branch));
            }
            pending.extend(one.else_branch.iter().flatten());
        }
        CompoundCommand::For(one) => pending.extend(&one.body),
        CompoundCommand::ArithmeticFor(one) => pending.extend(&one.body),
        CompoundCommand::While(one) => pending.extend(one.condition.iter().chain(&one.body)),
        CompoundCommand::Until(one) => pending.extend(one.condition.iter().chain(&one.body)),
        CompoundCommand::Case(one) => {
            pending.extend(one.cases.iter().flat_map(|case| &case.commands));
        }
        CompoundCommand::Select(one) => pending.extend(&one.body),
        CompoundCommand::Subshell(commands) | CompoundCommand::BraceGroup(commands) => {
            pending.extend(commands);
        }
        CompoundCommand::Time(one) => pending.extend(one.command.as_deref()),
        CompoundCommand::Coproc(one) => pending.push(&one.body),
        CompoundCommand::Arithmetic(_) | CompoundCommand::Conditional(_) => {}
    }
}

/// Condition, body and span of a loop.
pub fn as_loop(compound: &CompoundCommand) -> Option<(&[Command], &[Command], Span)> {
    match compound {
        CompoundCommand::For(one) => Some((&[], &one.body, one.span)),
        CompoundCommand::ArithmeticFor(one) => Some((&[], &one.body, one.span)),
        CompoundCommand::While(one) => Some((&one.condition, &one.body, one.span)),
        CompoundCommand::Until(one) => Some((&one.condition, &one.body, one.span)),
        _ => None,
    }
}

/// Where a command begins, if the parser notes it.
pub fn start(command: &Command) -> Option<usize> {
    match command {
        // Before the `!`, and nobody knows where that is.
        Command::Pipeline(pipeline) if pipeline.negated => None,
        Command::Pipeline(pipeline) => pipeline.commands.first().and_then(start),
        Command::List(list) => start(&list.first),
        _ => Some(span(command)?.start.offset),
    }
}

fn span(command: &Command) -> Option<Span> {
    match command {
        Command::Simple(simple) => Some(simple.span),
        Command::Function(function) => Some(function.span),
        Command::Compound(CompoundCommand::If(one), _) => Some(one.span),
        Command::Compound(CompoundCommand::Case(one), _) => Some(one.span),
        Command::Compound(other, _) => Some(as_loop(other)?.2),
        Command::Pipeline(_) | Command::List(_) => None,
    }
}
