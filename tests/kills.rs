//! `kill -9` before and after a cloud call of a lab, any of them; then a cleanup in a fresh process, with the state directory
//! or without, or none at all and the guard. Counted by boto3, not by us.

#![allow(
    clippy::print_stdout,
    reason = "the matrix takes hours, and tells how far it is"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::between::{Fatal, Moment, Relay, Victim};
use crate::peers::tool;
use crate::support::{Home, Served, outcome};

/// A full lab: a guard, a stack, work on it, updates, a backup job and its snapshots, a restored volume, the cleanup.
const LESSONS: [&str; 3] = ["share-files", "backup", "restore"];
/// Beyond what a run takes on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(5);
/// Cleanups until it must have come through, where things go wrong.
const CLEANUPS: usize = 8;
/// Labs in an account before another one is taken: what was deleted stays on record, and is asked for.
const LABS: usize = 60;

/// What goes wrong, all the time.
const TROUBLE: &str = "seed: 11
faults:
- {fault: throttle, rate: 0.3}
- {fault: internal-error, rate: 0.05}
- {fault: reset, rate: 0.03}
- {fault: stuck-detach}
- {fault: slow-interface, delay: 10m}
";

/// And credentials that expire in the middle, until they are renewed.
const EXPIRY: &str = "- {fault: expired-token, after: 120, count: 5}\n";

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
enum Then {
    CleanUp,
    /// On a computer that knows nothing of the lab.
    CleanUpElsewhere,
    /// Nobody comes, and the lease passes.
    Nothing,
}

/// An account with neighbours, and the relay that leads to it.
struct Ground {
    served: Served,
    relay: Relay,
    counter: Counter,
    untouched: BTreeSet<String>,
    lessons: &'static [&'static str],
    labs: usize,
    _home: Home,
}

/// How a run ended.
struct Run {
    home: Home,
    killed: bool,
    told: String,
    calls: Vec<String>,
}

impl Run {
    fn lab(&self) -> Option<&str> {
        let (lab, _) = self.told.split_once(": ")?;
        lab.starts_with("lab-").then_some(lab)
    }
}

impl Ground {
    fn new() -> Self {
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
    fn troubled(self, faults: &str) -> Self {
        let Self {
            served,
            counter,
            untouched,
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
            labs: 0,
            _home: home,
        }
    }

    /// A whole lab, unless it dies of this.
    fn run(&mut self, fatal: Fatal, moment: Moment) -> Run {
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
    fn verdict(&mut self, run: &Run, then: Then) -> Result<(), String> {
        let fails = |what: &str, told: &str| {
            let last = run.calls.last().map_or("no call", String::as_str);
            let calls = run.calls.len();
            Err(format!(
                "{then:?} after call {calls}, {last}: {what}\n{told}"
            ))
        };
        if then == Then::Nothing {
            let advance = ["practice", "advance", "6h"];
            let (code, out, err) = outcome(&mut self.served.efslab(&run.home, &advance));
            if code != 0 {
                return fails("the clock does not move", &(out + &err));
            }
            // The guard cannot take its own role away, which costs nothing; its stack holds it.
            let mut left = self.difference();
            let name = run.lab().unwrap_or("-").replace("lab-", "efslab-");
            left.retain(|one| !one.contains(&format!("{name}-guard")));
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

/// A handful of deaths, drawn with a seed over the calls of a run that nobody kills, and where it hurts most.
fn sample(ground: &mut Ground, seed: u64, drawn: usize) -> Vec<(Fatal, Moment)> {
    let whole = ground.run(Fatal::Call(usize::MAX), Moment::Before);
    assert!(
        !whole.killed && whole.told.contains("Nothing is left."),
        "{}",
        whole.told
    );
    assert_eq!(ground.difference(), Vec::<String>::new(), "{}", whole.told);
    let mut random = StdRng::seed_from_u64(seed);
    let calls = whole.calls.len();
    println!("a whole lab makes {calls} calls");
    let mut deaths: Vec<_> = (0..drawn)
        .map(|_| {
            let moment = [Moment::Before, Moment::After][random.random_range(0..2)];
            (Fatal::Call(random.random_range(1..calls)), moment)
        })
        .collect();
    deaths.extend([
        (Fatal::Operation("CreateStack", 1), Moment::After),
        (Fatal::Operation("CreateStack", 2), Moment::After),
        (Fatal::Operation("ExecuteChangeSet", 1), Moment::After),
        (Fatal::Operation("DeleteStack", 2), Moment::Before),
    ]);
    deaths
}

#[track_caller]
fn all_is_well(ground: &mut Ground, deaths: &[(Fatal, Moment)], then: &[Then]) {
    let mut wrong = Vec::new();
    for (number, (fatal, moment)) in deaths.iter().enumerate() {
        let run = ground.run(*fatal, *moment);
        let then = then[number % then.len()];
        if let Err(why) = ground.verdict(&run, then) {
            wrong.push(format!("{moment:?} {fatal:?}: {why}"));
            break;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
#[ignore = "needs boto3, which tests/all.sh installs"]
fn whoever_is_killed_at_any_call_is_cleaned_up_with_the_state_directory_and_without() {
    let mut ground = Ground::new();
    let deaths = sample(&mut ground, 1, 4);
    all_is_well(
        &mut ground,
        &deaths,
        &[Then::CleanUp, Then::CleanUpElsewhere],
    );
}

#[test]
#[ignore = "needs boto3, which tests/all.sh installs"]
fn whoever_is_killed_at_any_call_and_never_comes_back_is_cleaned_up_by_the_guard() {
    let mut ground = Ground::new();
    let deaths = sample(&mut ground, 2, 2);
    all_is_well(&mut ground, &deaths, &[Then::Nothing]);
}

#[test]
#[ignore = "needs boto3, which tests/all.sh installs"]
fn whoever_is_killed_in_an_account_where_everything_goes_wrong_is_cleaned_up_all_the_same() {
    let mut ground = Ground::new().troubled(TROUBLE);
    let deaths = [
        (Fatal::Operation("CreateStack", 2), Moment::After),
        (Fatal::Operation("ExecuteChangeSet", 1), Moment::Before),
        (Fatal::Call(usize::MAX), Moment::Before),
    ];
    let then = [Then::CleanUpElsewhere, Then::CleanUp];
    all_is_well(&mut ground, &deaths[..2], &then);
    let mut ground = ground.troubled(&format!("{TROUBLE}{EXPIRY}"));
    all_is_well(&mut ground, &deaths[2..], &[Then::CleanUp]);
}

/// Every call, or every nth: `EFSLAB_KILLS=n`, beginning with another than the first: `EFSLAB_KILLS=n:m`. With what it takes
/// (docs/CLEANUP.md) this is no part of `tests/all.sh`.
#[test]
#[ignore = "takes long: EFSLAB_KILLS=1 cargo test --locked --test efslab -- --ignored --nocapture every_call"]
fn every_call() {
    let Ok(wanted) = std::env::var("EFSLAB_KILLS") else {
        return;
    };
    let (stride, first) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    let stride: usize = stride.parse().expect("EFSLAB_KILLS is a number");
    let next = AtomicUsize::new(first.parse().expect("EFSLAB_KILLS is two numbers"));
    let tally: Mutex<BTreeMap<String, [usize; 2]>> = Mutex::default();
    let wrong: Mutex<Vec<String>> = Mutex::default();
    let began = Instant::now();
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..workers {
            scope.spawn(|| {
                let mut ground = Ground::new();
                loop {
                    let call = next.fetch_add(stride, Ordering::Relaxed);
                    let mut died = false;
                    for moment in [Moment::Before, Moment::After] {
                        for then in [Then::CleanUp, Then::CleanUpElsewhere] {
                            if ground.labs >= LABS {
                                ground = Ground::new();
                            }
                            let run = ground.run(Fatal::Call(call), moment);
                            let verdict = ground.verdict(&run, then);
                            died |= run.killed;
                            let mut tally = tally.lock().unwrap();
                            if run.killed {
                                let row = tally.entry(format!("{moment:?}, {then:?}"));
                                row.or_default()[usize::from(verdict.is_err())] += 1;
                            }
                            drop(tally);
                            if let Err(why) = verdict {
                                println!("WRONG {moment:?} call {call}: {why}");
                                wrong.lock().unwrap().push(why);
                                ground = Ground::new();
                            }
                        }
                    }
                    println!("call {call} at {:.0?}", began.elapsed());
                    if !died {
                        return;
                    }
                }
            });
        }
    });
    println!("calls up to {}", next.load(Ordering::Relaxed));
    println!("| killed | then | well | something left |\n|---|---|---|---|");
    for (row, [well, ill]) in tally.into_inner().unwrap() {
        println!("| {} | {well} | {ill} |", row.replace(", ", " | "));
    }
    assert_eq!(wrong.into_inner().unwrap(), Vec::<String>::new());
}
