//! `kill -9` before and after a cloud call of a lab, any of them; then a cleanup in a fresh process, with the state directory
//! or without, or none at all and the guard. Counted by boto3, not by us. A sample is drawn with a seed; `EFSLAB_KILLS=1` has
//! every call, as docs/CLEANUP.md says.

#![allow(
    clippy::print_stdout,
    reason = "the matrix takes long, and tells how far it is"
)]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::between::{Fatal, Moment};
use crate::ground::{Ground, Then};

/// Labs in an account before another one is taken: what was deleted stays on record, and is asked for.
const LABS: usize = 60;
/// Calls beyond those of the run that was counted, in percent: no two runs make the same number.
const MARGIN: usize = 25;
/// Labs at once for each processor, in a run of them all: they wait most of the time.
const AT_ONCE: usize = 4;
/// Where it hurts most: the stacks are asked for and nobody knows, an update is, the guard is about to go.
const WHERE_IT_HURTS: [(Fatal, Moment); 4] = [
    (Fatal::Operation("CreateStack", 1), Moment::After),
    (Fatal::Operation("CreateStack", 2), Moment::After),
    (Fatal::Operation("ExecuteChangeSet", 1), Moment::After),
    (Fatal::Operation("DeleteStack", 2), Moment::Before),
];

/// What goes wrong, all the time.
const TROUBLE: &str = "seed: 11
faults:
- {fault: throttle, rate: 0.3}
- {fault: internal-error, rate: 0.05}
- {fault: reset, rate: 0.03}
- {fault: stuck-detach}
- {fault: slow-interface, delay: 10m}
";

/// What happens to a lab, and what is done then.
#[derive(Debug, Clone, Copy)]
struct Accident {
    fatal: Fatal,
    moment: Moment,
    /// After so many calls five are refused, for the credentials have expired.
    expires: Option<usize>,
    then: Then,
}

/// Labs to which something happens.
struct Matrix<'a> {
    /// The account in which it does.
    ground: &'a (dyn Fn() -> Ground + Sync),
    then: &'a [Then],
    /// Nobody is killed, but the credentials expire.
    expiry: bool,
    seed: u64,
    /// How many of a sample are drawn.
    drawn: usize,
}

/// `EFSLAB_KILLS=n:m`: every nth call, beginning with the mth. Without it, a sample.
fn stride() -> Option<(usize, usize)> {
    let wanted = std::env::var("EFSLAB_KILLS").ok()?;
    let (stride, first) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    let number = |text: &str| text.parse().expect("EFSLAB_KILLS is a number, or two: n:m");
    Some((number(stride), number(first)))
}

impl Matrix<'_> {
    /// How many calls a run makes that nobody kills.
    fn calls(&self) -> usize {
        let mut ground = (self.ground)();
        let whole = ground.run(Fatal::Never, Moment::Before);
        if let Err(why) = ground.verdict(&whole, Then::CleanUp) {
            panic!("a lab to which nothing happens: {why}");
        }
        println!("a whole lab makes {} calls", whole.calls.len());
        whole.calls.len()
    }

    fn accident(&self, call: usize, moment: Moment, then: Then) -> Accident {
        let fatal = if self.expiry {
            Fatal::Never
        } else {
            Fatal::Call(call)
        };
        Accident {
            fatal,
            moment,
            expires: self.expiry.then_some(call),
            then,
        }
    }

    fn sample(&self, calls: usize) -> Vec<Accident> {
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut then = self.then.iter().copied().cycle();
        let mut then = || then.next().unwrap();
        let mut sample: Vec<_> = (0..self.drawn)
            .map(|_| {
                let moment = [Moment::Before, Moment::After][random.random_range(0..2)];
                self.accident(random.random_range(1..calls), moment, then())
            })
            .collect();
        if !self.expiry {
            sample.extend(WHERE_IT_HURTS.map(|(fatal, moment)| Accident {
                fatal,
                moment,
                expires: None,
                then: then(),
            }));
        }
        sample
    }

    fn all(&self, calls: usize, stride: usize, first: usize) -> Vec<Accident> {
        let calls = (first..=calls + calls * MARGIN / 100).step_by(stride);
        let moments: &[Moment] = if self.expiry {
            &[Moment::Before]
        } else {
            &[Moment::Before, Moment::After]
        };
        calls
            .flat_map(|call| moments.iter().map(move |moment| (call, *moment)))
            .flat_map(|(call, moment)| self.then.iter().map(move |then| (call, moment, *then)))
            .map(|(call, moment, then)| self.accident(call, moment, then))
            .collect()
    }

    /// Has all of them happen, and nothing may be left of any.
    #[track_caller]
    fn leaves_nothing(&self) {
        let calls = self.calls();
        let (accidents, workers) = match stride() {
            Some((stride, first)) => {
                let workers = thread::available_parallelism().map_or(1, usize::from);
                (self.all(calls, stride, first), workers * AT_ONCE)
            }
            None => (self.sample(calls), 1),
        };
        let next = AtomicUsize::new(0);
        let tally: Mutex<BTreeMap<String, [usize; 2]>> = Mutex::default();
        let wrong: Mutex<Vec<String>> = Mutex::default();
        let began = Instant::now();
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    let mut ground = (self.ground)();
                    while let Some(accident) = accidents.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if ground.labs >= LABS {
                            ground = (self.ground)();
                        }
                        if let Some(after) = accident.expires {
                            let expiry =
                                format!("- {{fault: expired-token, after: {after}, count: 5}}\n");
                            ground = ground.troubled(&format!("{TROUBLE}{expiry}"));
                        }
                        let run = ground.run(accident.fatal, accident.moment);
                        let verdict = ground.verdict(&run, accident.then);
                        if run.killed || accident.expires.is_some() {
                            let row = match accident.expires {
                                Some(_) => format!("credentials expire | {:?}", accident.then),
                                None => {
                                    format!("killed {:?} | {:?}", accident.moment, accident.then)
                                }
                            };
                            let mut tally = tally.lock().unwrap();
                            tally.entry(row).or_default()[usize::from(verdict.is_err())] += 1;
                        }
                        println!("{:.0?} {accident:?}", began.elapsed());
                        if let Err(why) = verdict {
                            println!("WRONG {why}");
                            wrong.lock().unwrap().push(format!("{accident:?}: {why}"));
                            ground = (self.ground)();
                        }
                    }
                });
            }
        });
        println!("| what happens | then | well | something left |\n|---|---|---|---|");
        for (row, [well, ill]) in tally.into_inner().unwrap() {
            println!("| {row} | {well} | {ill} |");
        }
        let wrong = wrong.into_inner().unwrap();
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    }
}

#[test]
#[ignore = "needs boto3, which tests/all.sh installs"]
fn whoever_is_killed_at_any_call_is_cleaned_up_with_the_state_directory_and_without() {
    Matrix {
        ground: &Ground::new,
        then: &[Then::CleanUp, Then::CleanUpElsewhere],
        expiry: false,
        seed: 1,
        drawn: 4,
    }
    .leaves_nothing();
}

#[test]
#[ignore = "needs boto3, which tests/all.sh installs"]
fn whoever_is_killed_at_any_call_and_never_comes_back_is_cleaned_up_by_the_guard() {
    Matrix {
        ground: &Ground::new,
        then: &[Then::Nothing],
        expiry: false,
        seed: 2,
        drawn: 2,
    }
    .leaves_nothing();
}

#[test]
#[ignore = "needs boto3, which tests/all.sh installs"]
fn whoever_is_killed_in_an_account_where_everything_goes_wrong_is_cleaned_up_all_the_same() {
    Matrix {
        ground: &|| Ground::new().troubled(TROUBLE),
        then: &[Then::CleanUpElsewhere, Then::CleanUp],
        expiry: false,
        seed: 3,
        drawn: 1,
    }
    .leaves_nothing();
}

#[test]
#[ignore = "needs boto3, which tests/all.sh installs"]
fn whoever_loses_the_right_to_ask_in_the_middle_is_cleaned_up_once_it_is_back() {
    Matrix {
        ground: &|| Ground::new().troubled(TROUBLE),
        then: &[Then::CleanUp],
        expiry: true,
        seed: 4,
        drawn: 2,
    }
    .leaves_nothing();
}
