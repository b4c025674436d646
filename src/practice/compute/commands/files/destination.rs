//! Where `cp`, `mv`, `ln` and `install` put things: the last operand, or `-t DIRECTORY`.

use super::options::{Given, Opt, flag, value};
use super::program::{Call, Report, base, join};
use super::quote::always;

/// The options that say it.
pub(super) const OPTIONS: [Opt; 2] = [
    value("t", "target-directory"),
    flag("T", "no-target-directory"),
];

/// Where sources go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    /// Into this directory, each under its own name.
    Into(String),
    /// To this very name.
    As(String),
}

impl Destination {
    /// Sources and destination; complains and returns `None` where they make no sense.
    pub fn of(call: &Call, given: &Given, report: &mut Report) -> Option<(Vec<String>, Self)> {
        let mut operands = given.operands.clone();
        let directory = |name: &str| {
            call.view
                .stat(&call.path(name))
                .is_ok_and(|attr| attr.is_dir())
        };
        if operands.is_empty() {
            report.misuse(call, "missing file operand", 1);
            return None;
        }
        if let Some(target) = given.value("target-directory") {
            if !directory(target) {
                let text = format!("target {} is not a directory", always(target));
                report.complain(call, &text, 1);
                return None;
            }
            return Some((operands, Self::Into(target.to_owned())));
        }
        let last = operands.pop()?;
        if operands.is_empty() {
            let text = format!("missing destination file operand after {}", always(&last));
            report.misuse(call, &text, 1);
            return None;
        }
        if given.has("no-target-directory") {
            if operands.len() > 1 {
                let text = format!("extra operand {}", always(&last));
                report.misuse(call, &text, 1);
                return None;
            }
            return Some((operands, Self::As(last)));
        }
        if directory(&last) {
            return Some((operands, Self::Into(last)));
        }
        if operands.len() > 1 {
            let text = format!("target {} is not a directory", always(&last));
            report.complain(call, &text, 1);
            return None;
        }
        Some((operands, Self::As(last)))
    }

    /// The name that this source gets.
    pub fn name_for(&self, source: &str) -> String {
        match self {
            Self::As(name) => name.clone(),
            Self::Into(directory) => match base(source) {
                // `cp -R x/.. directory` copies into the directory, not beside it.
                ".." | "/" => directory.clone(),
                name => join(directory, name),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Destination;

    #[test]
    fn a_source_keeps_its_own_name_in_a_directory() {
        let into = Destination::Into("/oldhome".to_owned());
        assert_eq!(into.name_for("a/b/"), "/oldhome/b");
        assert_eq!(into.name_for("/home/."), "/oldhome/.");
        assert_eq!(into.name_for(".."), "/oldhome");
        assert_eq!(Destination::As("x".to_owned()).name_for("a/b"), "x");
    }
}
