//! Crontabs: the files, their lines, and what is wrong with them. Running what they say does not enter here.

use super::schedule::{Bad, Schedule, first};
use crate::practice::compute::host::Host;
use crate::practice::storage::NodeType;

/// Where users' own crontabs are.
pub const SPOOL: &str = "/var/spool/cron";
/// Where packages and the administrator put theirs.
const DIRECTORY: &str = "/etc/cron.d";
/// The oldest of all.
const SYSTEM: &str = "/etc/crontab";

/// One job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// When.
    pub schedule: Schedule,
    /// As whom.
    pub user: String,
    /// With these variables, set above it in the file.
    pub environment: Vec<(String, String)>,
    /// What, as written.
    pub line: String,
}

impl Job {
    /// The command, and what it reads: `%` ends a line of input, the first one the command (crontab(5)).
    #[must_use]
    pub fn command(&self) -> (String, Option<String>) {
        let (mut command, mut input) = (String::new(), None);
        let mut letters = self.line.chars().peekable();
        while let Some(letter) = letters.next() {
            let letter = match letter {
                '\\' if letters.peek() == Some(&'%') => {
                    letters.next();
                    '%'
                }
                '%' if input.is_none() => {
                    input = Some(String::new());
                    continue;
                }
                '%' => '\n',
                other => other,
            };
            input.as_mut().unwrap_or(&mut command).push(letter);
        }
        if let Some(input) = &mut input {
            input.push('\n');
        }
        (command, input)
    }

    /// A variable set in the file.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let is = |(set, _): &&(String, String)| set == name;
        self.environment
            .iter()
            .rev()
            .find(is)
            .map(|(_, value)| value.as_str())
    }
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// A line, counted from 0 as cron does.
    #[error("{1}")]
    Schedule(usize, Bad),
    /// Nothing to run.
    #[error("bad command")]
    Command(usize),
    /// The last line does not end.
    #[error("Missing newline before EOF, this crontab file will be ignored.")]
    NoNewline,
}

impl Wrong {
    /// Its line.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            Self::Schedule(line, _) | Self::Command(line) => *line,
            Self::NoNewline => 0,
        }
    }
}

/// Reads a crontab: of this user, or (`None`) with a user in every line.
pub fn parse(text: &str, owner: Option<&str>) -> Result<Vec<Job>, Wrong> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(Wrong::NoNewline);
    }
    let mut environment = Vec::new();
    let mut jobs = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(set) = assignment(line) {
            environment.push(set);
            continue;
        }
        let (schedule, rest) = Schedule::read(line).map_err(|bad| Wrong::Schedule(number, bad))?;
        let (user, rest) = match owner {
            Some(owner) => (owner, rest),
            None => first(rest),
        };
        if rest.is_empty() {
            return Err(Wrong::Command(number));
        }
        jobs.push(Job {
            schedule,
            user: user.to_owned(),
            environment: environment.clone(),
            line: rest.to_owned(),
        });
    }
    Ok(jobs)
}

/// `NAME = value`, either of them perhaps in quotes.
fn assignment(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    let bare = |text: &str| {
        let text = text.trim();
        let quoted = ['"', '\''].into_iter().find_map(|quote| {
            text.strip_prefix(quote)
                .and_then(|text| text.strip_suffix(quote))
        });
        quoted.unwrap_or(text).to_owned()
    };
    let name = bare(name);
    let is_name = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    is_name.then(|| (name, bare(value)))
}

/// All jobs of a host, and sentences about files that are left out: whose, and what is wrong.
#[must_use]
pub fn load(host: &Host) -> (Vec<Job>, Vec<(String, String)>) {
    let disk = host.root();
    let (mut jobs, mut wrong) = (Vec::new(), Vec::new());
    let system = std::iter::once(SYSTEM.to_owned()).chain(
        disk.list(DIRECTORY)
            .unwrap_or_default()
            .into_iter()
            .filter(|(name, _)| is_table(name))
            .map(|(name, _)| format!("{DIRECTORY}/{name}")),
    );
    let own = disk
        .list(SPOOL)
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| is_table(name))
        .map(|(name, _)| (format!("{SPOOL}/{name}"), Some(name)));
    for (path, owner) in system.map(|path| (path, None)).chain(own) {
        let whose = owner.as_deref().unwrap_or("root").to_owned();
        let Ok(attr) = disk.stat(&path) else {
            continue;
        };
        if attr.node_type != NodeType::File {
            continue;
        }
        // What others may have written, or may run, is not trusted (cronie's database.c).
        if owner.is_none() && attr.uid != 0 {
            wrong.push((whose, format!("WRONG FILE OWNER ({path})")));
            continue;
        }
        if attr.mode & 0o7533 != 0o400 {
            wrong.push((whose, format!("BAD FILE MODE ({path})")));
            continue;
        }
        let text = disk.read_text(&path).unwrap_or_default();
        match parse(&text, owner.as_deref()) {
            Ok(found) => jobs.extend(found),
            Err(why @ Wrong::NoNewline) => wrong.push((whose, format!("ERROR ({why})"))),
            Err(why) => {
                wrong.push((
                    whose.clone(),
                    format!("ERROR ({path}:{}: {why})", why.line() + 1),
                ));
                wrong.push((whose, format!("FAILED (loading cron table) ({path})")));
            }
        }
    }
    (jobs, wrong)
}

/// Editors and packages leave files that are none.
fn is_table(name: &str) -> bool {
    !name.starts_with(['.', '#'])
        && !name.ends_with('~')
        && ![".rpmsave", ".rpmorig", ".rpmnew"]
            .iter()
            .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::super::schedule::Bad;
    use super::{Wrong, parse};

    #[test]
    fn variables_hold_from_where_they_are_set_and_percent_is_input() {
        let text =
            "# c\nMAILTO=\"\"\n0 5 * * * /opt/a.sh\nHOME = /tmp\n@daily cat > x%one%two\\%\n";
        let jobs = parse(text, Some("bob")).unwrap();
        assert_eq!(jobs.len(), 2);
        assert_eq!(jobs[0].variable("MAILTO"), Some(""));
        assert_eq!(jobs[0].variable("HOME"), None);
        assert_eq!(jobs[0].command(), ("/opt/a.sh".to_owned(), None));
        assert_eq!(jobs[1].variable("HOME"), Some("/tmp"));
        let input = Some("one\ntwo%\n".to_owned());
        assert_eq!(jobs[1].command(), ("cat > x".to_owned(), input));
    }

    #[test]
    fn system_tables_name_the_user() {
        let jobs = parse("* * * * *\tec2-user\ttouch a=b\n", None).unwrap();
        assert_eq!(jobs[0].user, "ec2-user");
        assert_eq!(jobs[0].line, "touch a=b");
    }

    #[test]
    fn a_file_with_a_mistake_is_none() {
        assert_eq!(
            parse("* * * * * x\n61 * * * * y\n", Some("bob")),
            Err(Wrong::Schedule(1, Bad::Minute))
        );
        assert_eq!(parse("* * * * * \n", Some("bob")), Err(Wrong::Command(0)));
        assert_eq!(parse("* * * * * bob\n", None), Err(Wrong::Command(0)));
        assert_eq!(parse("* * * * * x", Some("bob")), Err(Wrong::NoNewline));
    }
}
