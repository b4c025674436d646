//! What a learner of the chapter types, here and with the real programs: output, complaints and status must agree, line
//! by line, but for what the table of differences lists.

mod differences;

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use regex::Regex;
use tokio::task::JoinSet;

use self::differences::DIFFERENCES;
use super::jail::Jail;
use super::rig::Rig;
use crate::practice::compute::host::Session;

/// Makes the homes, before every line.
const HOME: &str = include_str!("home.sh");
/// The lines: one of ec2-user, or of root, after each empty line.
const LINES: &str = include_str!("lines.txt");

/// Lines that are tried at the same time.
const AT_ONCE: usize = 4;

/// What differs from one run to the next, or between releases, or must differ between the places.
static ALIKE: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        // What was changed just now.
        (
            r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 123]\d \d\d:\d\d\b",
            "NOW",
        ),
        (r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9} \+0000", "TIME"),
        (r"Device: \S+\s+Inode: \d+ +", "Device, Inode "),
        // At a prompt bash says no number.
        (r"(?m)^(\S*bash|\S+\.sh): (-c: )?line \d+: ", "$1: "),
        // coreutils 9 and 8.32.
        (r"cannot statx", "cannot stat"),
    ]
    .into_iter()
    .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
    .collect()
});

/// Output, complaints and status as lines that can be compared.
fn lines((out, err, code): (String, String, i32)) -> Vec<String> {
    let text = format!("{out}\n{err}\nstatus {code}");
    let alike = ALIKE.iter().fold(text, |text, (pattern, with)| {
        pattern.replace_all(&text, *with).into_owned()
    });
    alike.lines().map(str::to_owned).collect()
}

/// The lines that only one of the two has, by the longest sequence that both have.
pub(super) fn apart<'a>(one: &'a [String], other: &'a [String]) -> (Vec<&'a str>, Vec<&'a str>) {
    let mut common = vec![vec![0_usize; other.len() + 1]; one.len() + 1];
    for i in (0..one.len()).rev() {
        for j in (0..other.len()).rev() {
            common[i][j] = if one[i] == other[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let (mut only_one, mut only_other) = (Vec::new(), Vec::new());
    while i < one.len() || j < other.len() {
        if i < one.len() && j < other.len() && one[i] == other[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == other.len() || i < one.len() && common[i + 1][j] >= common[i][j + 1] {
            only_one.push(one[i].as_str());
            i += 1;
        } else {
            only_other.push(other[j].as_str());
            j += 1;
        }
    }
    (only_one, only_other)
}

/// What the table says of a line: lines of the real programs, and lines of these.
fn listed(line: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    let of_line = || DIFFERENCES.iter().filter(|known| line.contains(known.line));
    (
        of_line().flat_map(|known| known.real).copied().collect(),
        of_line().flat_map(|known| known.here).copied().collect(),
    )
}

/// Runs a line on a host with the homes; what the shell itself says of a line that it does not understand counts too.
async fn on_a_host(user: &str, line: &str) -> (String, String, i32) {
    let rig = Rig::at(&jiff::Timestamp::now().to_string());
    rig.good("root", HOME).await;
    let user = rig.user(user);
    let activity = Arc::new(rig.host.clock.activity());
    let mut shell = rig.host.shell(&user, Session::Batch, activity).build();
    match shell.exec(line).await {
        Ok(result) => (
            result.stdout.text_lossy().into_owned(),
            result.stderr.text_lossy().into_owned(),
            result.exit_code,
        ),
        // As the host's sshd tells it.
        Err(why) => (String::new(), format!("bash: {why}\n"), 2),
    }
}

fn sorted(mut lines: Vec<&str>) -> Vec<&str> {
    lines.sort_unstable();
    lines
}

/// What a line does here otherwise than there, beyond what the table says; `None` if nothing.
async fn difference(jail: Arc<Jail>, entry: &'static str) -> Option<String> {
    let (user, line) = match entry.strip_prefix("@root ") {
        Some(line) => ("root", line),
        None => ("ec2-user", entry),
    };
    let there = tokio::task::spawn_blocking(move || jail.run(user, line));
    let here = lines(on_a_host(user, line).await);
    let real = lines(there.await.unwrap());
    let (only_real, only_here) = apart(&real, &here);
    let (known_real, known_here) = listed(line);
    let known = sorted(only_real.clone()) == sorted(known_real)
        && sorted(only_here.clone()) == sorted(known_here);
    (!known).then(|| {
        format!(
            "{entry}\n  real: {}\n  here: {}",
            only_real.join("\n        "),
            only_here.join("\n        ")
        )
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_learners_lines_do_what_they_do_in_debians_own_bash() {
    let rig = Rig::new();
    let jail = match Jail::new(&rig.host.root()) {
        Ok(jail) => Arc::new(jail),
        Err(why) => return skipped("the learner's lines", &why),
    };
    jail.prepare(HOME);
    let entries: Vec<&str> = LINES.split("\n\n").map(str::trim_end).collect();
    let (mut running, mut differing) = (JoinSet::new(), Vec::new());
    for entry in &entries {
        if running.len() == AT_ONCE {
            differing.extend(running.join_next().await.unwrap().unwrap());
        }
        running.spawn(difference(Arc::clone(&jail), entry));
    }
    differing.extend(running.join_all().await.into_iter().flatten());
    assert!(
        differing.is_empty(),
        "{} of {} lines differ from what the table says:\n{}",
        differing.len(),
        entries.len(),
        differing.join("\n")
    );
}

/// Says that a comparison was not made. Not `eprintln!`, which a passing test keeps to itself.
pub(super) fn skipped(what: &str, why: &str) {
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED, nothing compared: {what}: {why}"
    );
}

#[test]
fn every_listed_difference_is_of_some_line() {
    for known in DIFFERENCES {
        assert!(LINES.contains(known.line), "{}", known.line);
        assert!(!known.why.is_empty(), "{}", known.line);
    }
}

#[test]
fn what_only_one_side_has_is_found() {
    let text = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
    let (one, other) = (text("a b c d"), text("a c x d"));
    assert_eq!(apart(&one, &other), (vec!["b"], vec!["x"]));
}
