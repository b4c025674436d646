//! What a script is made of, as bashkit parses it.

use bashkit::parser::{Command, CompoundCommand};

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
