//! Signals that end the program in the middle: it says what is left behind and how to go on, leaves no process and no socket,
//! and whatever is run next knows.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::stacks::{PACE, slow};
use crate::support::{Home, Served, outcome};
use crate::sweep::Account;

/// Far beyond what anything takes here.
const PATIENCE: Duration = Duration::from_mins(3);
/// A signal as `kill` names it, and the exit code that shells know.
const SIGNALS: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("HUP", 129)];

/// A program at work in an account, which writes what it says to a file.
struct Running<'a> {
    home: &'a Home,
    child: Child,
}

impl<'a> Running<'a> {
    fn start(served: &Served, home: &'a Home, arguments: &[&str]) -> Self {
        let told = File::create(home.path("told")).unwrap();
        let mut command = served.efslab(home, arguments);
        command
            .args(["--endpoint-url", served.url()])
            .stdout(File::create(home.path("out")).unwrap())
            .stderr(Stdio::from(told));
        Self {
            home,
            child: command.spawn().unwrap(),
        }
    }

    /// Waits until something is so.
    #[track_caller]
    fn until(&mut self, what: &str, wanted: impl Fn(&Home) -> bool) {
        let began = Instant::now();
        while !wanted(self.home) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended before {what}: {}", self.told());
            assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    fn told(&self) -> String {
        fs::read_to_string(self.home.path("told")).unwrap()
    }

    /// Its exit code and what it said last.
    fn end(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        assert_eq!(self.home.processes_at_the_end(), Vec::<String>::new());
        assert!(self.home.files("run").is_empty());
        (status.code(), self.told())
    }
}

fn said(home: &Home) -> String {
    fs::read_to_string(home.path("out")).unwrap()
}

/// The status of the only lab's stack.
fn stack(account: &Account) -> Option<String> {
    let seen = account.wait(account.cloudformation.describe_stacks().send());
    let seen = seen.unwrap();
    let lab = seen
        .stacks()
        .iter()
        .find(|one| one.stack_name().is_some_and(|name| name.ends_with("-lab")))?;
    Some(lab.stack_status()?.as_str().to_owned())
}

fn lab_of(served: &Served, home: &Home) -> String {
    let (code, out, err) = outcome(&mut served.efslab(home, &["status", "--json"]));
    assert_eq!(code, 0, "{err}");
    let labs: serde_json::Value = serde_json::from_str(&out).unwrap();
    labs[0]["lab"].as_str().unwrap().to_owned()
}

/// Whatever is run next knows what is there.
fn the_next_knows(served: &Served, home: &Home) {
    let (code, out, err) = outcome(&mut served.efslab(home, &["status"]));
    assert_eq!(code, 0, "{err}");
    for part in [
        "in the account: stack ",
        "USD an hour",
        "`efslab cleanup` removes",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains("being driven now"), "{out}");
    let (code, out, err) = outcome(&mut served.efslab(home, &["doctor"]));
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn a_run_that_is_interrupted_says_what_stands_what_it_costs_and_how_to_go_on() {
    let elsewhere = Home::new();
    let served = Served::paced(&elsewhere, PACE);
    let account = Account::of(&served);
    let untouched = account.everything();
    for (number, (signal, code)) in SIGNALS.into_iter().enumerate() {
        let home = Home::new();
        let mut run = Running::start(&served, &home, &["run", "share-files"]);
        match number {
            0 => run.until("a filesystem", |_| {
                account.everything().iter().any(|id| id.starts_with("fs-"))
            }),
            // Terminals are open, and masters run.
            _ => run.until("terminals", |home| said(home).contains("share-files 3/9")),
        }
        run.signal(signal);
        let (ended, told) = run.end();
        assert_eq!(ended, Some(code), "{told}");
        let lab = lab_of(&served, &home);
        for part in [
            &format!("interrupted: {lab} still stands in the practice account at"),
            "1 filesystem",
            "It costs nothing; in AWS it would be about 0.0",
            "It removes itself at ",
            &format!("resume --lab {lab}   goes on with it"),
            &format!("cleanup {lab}   removes everything, with proof"),
        ] {
            assert!(
                told.contains(part),
                "{signal}: `{part}` is not said: {told}"
            );
        }
        assert!(!said(&home).contains("FAIL"), "{}", said(&home));
        the_next_knows(&served, &home);
        if number == 2 {
            let resume = ["resume", "--lab", &lab, "--endpoint-url", served.url()];
            let mut screen = home.screen_with(&served.variables, &resume, 24, 80);
            screen.until("a terminal", |text| text.contains("[ec2-user@ip-"));
            screen.kill();
        }
        let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup"]));
        assert_eq!(code, 0, "{out}{err}");
        assert_eq!(account.everything(), untouched);
        assert_eq!(home.processes_at_the_end(), Vec::<String>::new());
    }
}

#[test]
fn a_cleanup_that_is_interrupted_again_and_again_says_what_is_left_and_is_finished_by_the_next() {
    let (elsewhere, home) = (Home::new(), Home::new());
    // It is over once the clock is put forward, and not before.
    let served = slow(&elsewhere, "3h");
    let account = Account::of(&served);
    let untouched = account.everything();

    // The run itself is in the middle of it, and whoever sits there is impatient.
    let mut run = Running::start(&served, &home, &["run", "share-files", "--ttl", "1d"]);
    run.until("the deletion", |_| {
        stack(&account).as_deref() == Some("DELETE_IN_PROGRESS")
    });
    run.signal("INT");
    run.signal("INT");
    let (ended, told) = run.end();
    assert_eq!(ended, Some(130), "{told}");
    let lab = lab_of(&served, &home);
    assert!(told.contains(&format!("interrupted: {lab} ")), "{told}");
    assert!(
        told.contains(&format!("cleanup {lab}   removes everything")),
        "{told}"
    );
    assert!(!told.contains("resume --lab"), "{told}");
    the_next_knows(&served, &home);

    for (signal, code) in SIGNALS {
        let mut cleanup = Running::start(&served, &home, &["cleanup", "--json"]);
        let driven = |home: &Home| {
            let (_, out, _) = outcome(&mut served.efslab(home, &["status"]));
            out.contains("being driven now")
        };
        cleanup.until("it to drive", driven);
        cleanup.signal(signal);
        cleanup.signal(signal);
        let (ended, told) = cleanup.end();
        assert_eq!(ended, Some(code), "{told}");
        assert!(told.contains(&format!("interrupted: {lab} ")), "{told}");
        assert!(
            told.contains(&format!("cleanup {lab}   removes everything")),
            "{told}"
        );
        let rows: serde_json::Value =
            serde_json::from_str(&said(&home)).expect("JSON and nothing else");
        assert_eq!(rows[0]["lab"], lab.as_str());
        assert_eq!(rows[0]["clean"], false);
        assert_eq!(stack(&account).as_deref(), Some("DELETE_IN_PROGRESS"));
    }
    let advance = ["practice", "advance", "4h"];
    let (code, out, err) = outcome(&mut served.efslab(&elsewhere, &advance));
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup"]));
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(account.everything(), untouched);
    let (_, out, _) = outcome(&mut served.efslab(&home, &["status"]));
    assert!(out.contains("nothing is left"), "{out}");
}
