//! `test -b`: the shell knows no block devices, so this operator is answered before the shell sees it.

use std::sync::Arc;

use bashkit::BashBuilder;
use bashkit::hooks::HookAction;

use super::find;
use crate::practice::compute::commands::system::program::absolute;
use crate::practice::compute::host::Seat;

/// Words before an operator.
const BEFORE: [&str; 4] = ["!", "(", "-a", "-o"];

/// Registers it.
pub fn register(builder: BashBuilder, seat: &Seat) -> BashBuilder {
    let host = Arc::clone(&seat.host);
    let process = Arc::clone(&seat.process);
    builder.before_tool(Box::new(move |mut event| {
        if matches!(event.name.as_str(), "test" | "[") {
            answer(&mut event.args, |path| {
                let path = absolute(process.directory().as_ref(), path);
                find(&host, &path).is_some()
            });
        }
        HookAction::Continue(event)
    }))
}

/// Puts `-n x` or `-n ''` in the place of each `-b PATH`.
fn answer(args: &mut [String], is_device: impl Fn(&str) -> bool) {
    for at in 1..args.len() {
        let begins = at == 1 || BEFORE.contains(&args[at - 2].as_str());
        // `test -b = -b` compares.
        let compares = args.get(at).is_some_and(|word| word == "=" || word == "!=");
        if begins && args[at - 1] == "-b" && !compares {
            let is = is_device(&args[at]);
            "-n".clone_into(&mut args[at - 1]);
            args[at] = if is { "x".to_owned() } else { String::new() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn an_operator_is_told_from_a_text() {
        for (given, expected) in [
            ("-b /dev/xvdf ]", "-n x ]"),
            ("! -b /etc/passwd", "! -n "),
            ("-e /a -a -b /dev/xvdf", "-e /a -a -n x"),
            ("-b = -b", "-b = -b"),
            ("a = -b ]", "a = -b ]"),
        ] {
            let mut args: Vec<String> = given.split(' ').map(str::to_owned).collect();
            answer(&mut args, |path| path.starts_with("/dev/"));
            assert_eq!(args.join(" "), expected);
        }
    }
}
