//! The ground on which a program dies again and again: an account with neighbours, the relay that leads to it, and boto3,
//! which counts what is there. What is died of, and how often, is said elsewhere.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use crate::between::{Fatal, Moment, Relay, Victim};
use crate::peers::tool;
use crate::support::{Home, Served, outcome};

/// A full lab: a guard, a stack, work on it, updates, a backup job and its snapshots, a restored volume, the cleanup.
const LESSONS: [&str; 3] = ["share-files", "backup", "restore"];
/// Beyond what a run takes on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(5);
/// Cleanups until it must have come through, where things go wrong.
const CLEANUPS: usize = 8;

/// Counts what an account holds with boto3.
struct Counter {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Counter {
    fn of(served: &Served) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/account.py");
        let mut command = tool("python3");
        command.arg(script);
        command.envs(served.variables.iter().map(|(name, value)| (name, value)));
        command
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            asks: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    #[track_caller]
    fn ask(&mut self, what: &str) -> BTreeSet<String> {
        writeln!(self.asks, "{what}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What follows a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    CleanUp,
    /// On a computer that knows nothing of the lab.
    CleanUpElsewhere,
    /// Nobody comes, and the lease passes.
    Nothing,
}

/// An account with neighbours, and the relay that leads to it.
pub struct Ground {
    served: Served,
    relay: Relay,
    counter: Counter,
    untouched: BTreeSet<String>,
    lessons: &'static [&'static str],
    pub labs: usize,
    _home: Home,
}

/// How a run ended.
pub struct Run {
    home: Home,
    pub killed: bool,
    told: String,
    pub calls: Vec<String>,
}

impl Run {
    fn lab(&self) -> Option<&str> {
        let (lab, _) = self.told.split_once(": ")?;
        lab.starts_with("lab-").then_some(lab)
    }
}

impl Ground {
    pub fn new() -> Self {
        let home = Home::new();
        let served = Served::start(&home);
        let mut counter = Counter::of(&served);
        let (_, template, _) = home.run(&["template", "--stage", "guard"]);
        let file = home.path("guard.yaml");
        fs::write(&file, template).unwrap();
        let untouched = counter.ask(&format!("neighbours {}", file.display()));
        assert!(untouched.len() > 12, "{untouched:?}");
        Self {
            relay: Relay::to(served.url()),
            served,
            counter,
            untouched,
            lessons: &LESSONS,
            labs: 0,
            _home: home,
        }
    }

    /// The same account once more, in which things go wrong from now on; its neighbours are there.
    pub fn troubled(self, faults: &str) -> Self {
        let Self {
            served,
            counter,
            untouched,
            labs,
            _home: home,
            ..
        } = self;
        drop((served, counter));
        fs::write(home.path("faults.yaml"), faults).unwrap();
        let served = Served::troubled(&home, &home.path("faults.yaml"));
        Self {
            relay: Relay::to(served.url()),
            counter: Counter::of(&served),
            served,
            untouched,
            // Each call takes several, so that there are fewer of them.
            lessons: &["backup"],
            labs,
            _home: home,
        }
    }

    /// A whole lab, unless it dies of this.
    pub fn run(&mut self, fatal: Fatal, moment: Moment) -> Run {
        self.labs += 1;
        let home = Home::new();
        let victim = Victim::default();
        self.relay.set(fatal, moment, &victim);
        let out = home.path("told");
        let mut arguments = vec!["run"];
        arguments.extend(self.lessons);
        arguments.extend(["--target", "practice", "--endpoint-url", self.relay.url()]);
        let mut run = self.served.efslab(&home, &arguments);
        let told = File::create(&out).unwrap();
        run.stderr(Stdio::from(told.try_clone().unwrap()))
            .stdout(told);
        {
            // Whoever kills it waits until it is there.
            let mut child = victim.lock().unwrap_or_else(PoisonError::into_inner);
            *child = Some(run.spawn().unwrap());
        }
        let began = Instant::now();
        let status = loop {
            let mut child = victim.lock().unwrap_or_else(PoisonError::into_inner);
            let child = child.as_mut().unwrap();
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if began.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("{fatal:?}: {}", fs::read_to_string(&out).unwrap());
            }
            thread::sleep(Duration::from_millis(5));
        };
        Run {
            killed: status.code().is_none(),
            told: fs::read_to_string(&out).unwrap(),
            calls: self.relay.calls(),
            home,
        }
    }

    fn clean_up(&self, run: &Run, elsewhere: bool) -> (i32, String) {
        let mut arguments = vec!["cleanup", "--yes", "--endpoint-url", self.served.url()];
        if elsewhere {
            fs::remove_dir_all(run.home.path("state")).unwrap();
            match run.lab() {
                Some(lab) => arguments.insert(1, lab),
                // It died before it had a name.
                None => return (0, String::new()),
            }
        }
        let (code, out, err) = outcome(&mut self.served.efslab(&run.home, &arguments));
        (code, out + &err)
    }

    /// What is there that was not, or the reverse.
    fn difference(&mut self) -> Vec<String> {
        let there = self.counter.ask("count");
        let sides = self.untouched.symmetric_difference(&there);
        sides.cloned().collect()
    }

    /// What is wrong after this death and what follows it; the account is as it was if nothing is.
    pub fn verdict(&mut self, run: &Run, then: Then) -> Result<(), String> {
        let fails = |what: &str, told: &str| {
            let last = run.calls.last().map_or("no call", String::as_str);
            let calls = run.calls.len();
            Err(format!(
                "{then:?} after call {calls}, {last}: {what}\n{told}"
            ))
        };
        if then == Then::Nothing {
            let mut left = Vec::new();
            // On a computer that is busy the clock overtakes machines that still boot; the guard has its next turn then.
            for by in ["6h", "1h", "1h"] {
                let advance = ["practice", "advance", by];
                let (code, out, err) = outcome(&mut self.served.efslab(&run.home, &advance));
                if code != 0 {
                    return fails("the clock does not move", &(out + &err));
                }
                // The guard cannot take its own role away, which costs nothing; its stack holds it.
                left = self.difference();
                let name = run.lab().unwrap_or("-").replace("lab-", "efslab-");
                left.retain(|one| !one.contains(&format!("{name}-guard")));
                if left.is_empty() {
                    break;
                }
            }
            if !left.is_empty() {
                return fails(&format!("{left:?}"), &run.told);
            }
        }
        let mut told = String::new();
        for _ in 0..CLEANUPS {
            let (code, text) = self.clean_up(run, then != Then::CleanUp && told.is_empty());
            told.push_str(&text);
            if code != 0 {
                continue;
            }
            let left = self.difference();
            return if left.is_empty() {
                Ok(())
            } else {
                fails(&format!("{left:?}"), &told)
            };
        }
        fails("it does not get clean", &told)
    }
}
