//! What account time promises, as tables and properties.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tokio::sync::{Notify, oneshot};

use super::{Clock, Pace};

const START: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn run<F: Future>(f: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(f)
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Account seconds since the start, whole ones: what passes at wall speed in a test is less than one.
fn shown(clock: &Clock) -> i64 {
    clock.now().duration_since(START).as_secs()
}

fn assert_empty(clock: &Clock) {
    let state = clock.inner.lock();
    assert_eq!(state.awake, 0);
    assert!(state.activities.is_empty() && state.pauses.is_empty() && state.deadlines.is_empty());
}

#[test]
fn at_max_nothing_passes_while_nobody_works() {
    let clock = Clock::new(Pace::Max, START);
    let before = clock.now();
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(clock.now(), before);
}

#[test]
fn at_max_a_sleeping_activity_makes_time_jump_to_its_deadline() {
    run(async {
        let clock = Clock::new(Pace::Max, START);
        let wall = Instant::now();
        let activity = clock.activity();
        activity.sleep(secs(3600)).await;
        assert_eq!(shown(&clock), 3600);
        assert!(wall.elapsed() < secs(60));
        drop(activity);
        assert_empty(&clock);
    });
}

#[test]
fn at_max_time_runs_at_wall_speed_while_somebody_computes() {
    run(async {
        let clock = Clock::new(Pace::Max, START);
        let working = clock.activity();
        let sleeper = clock.activity();
        let wall = Instant::now();
        sleeper.sleep(Duration::from_millis(30)).await;
        let passed = clock.now().duration_since(START);
        assert!(wall.elapsed() >= Duration::from_millis(30));
        assert!(
            passed >= SignedDuration::from_millis(30) && passed < SignedDuration::from_secs(30)
        );
        drop((working, sleeper));
        assert_empty(&clock);
    });
}

#[test]
fn an_idle_sleeper_alone_never_makes_time_jump() {
    run(async {
        let clock = Clock::new(Pace::Max, START);
        tokio::select! {
            () = clock.sleep_idle(secs(60)) => panic!("time jumped though nobody worked"),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
        assert_eq!(shown(&clock), 0);
        assert_empty(&clock);
    });
}

#[test]
fn an_idle_sleeper_is_woken_on_the_way_and_works_at_its_own_time() {
    run(async {
        let clock = Clock::new(Pace::Max, START);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let cron = tokio::spawn({
            let (clock, seen) = (clock.clone(), Arc::clone(&seen));
            async move {
                let mut work = clock.rest(secs(900)).await;
                for _ in 0..3 {
                    // Computes for a while before it looks at the clock.
                    tokio::task::yield_now().await;
                    seen.lock().expect("seen").push(shown(&clock));
                    work = work.rest(secs(900)).await;
                }
            }
        });
        tokio::task::yield_now().await;
        clock.activity().sleep(secs(3500)).await;
        assert_eq!(*seen.lock().expect("seen"), [900, 1800, 2700]);
        assert_eq!(shown(&clock), 3500);
        cron.abort();
        assert!(cron.await.is_err());
        assert_empty(&clock);
    });
}

#[test]
fn a_fired_sleeper_is_awake_before_it_is_polled() {
    run(async {
        let clock = Clock::new(Pace::Max, START);
        let (first, second) = (clock.activity(), clock.activity());
        let mut early = by_hand(first.sleep(secs(10)));
        let mut late = by_hand(second.sleep(secs(20)));
        assert!(early.poll().is_none());
        // The last one to fall asleep makes time jump to the first deadline and no further.
        assert!(late.poll().is_none());
        assert_eq!(shown(&clock), 10);
        assert!(late.poll().is_none());
        assert_eq!(shown(&clock), 10);
        assert!(early.poll().is_some());
        assert_eq!(shown(&clock), 10);
        drop(early);
        drop(first);
        assert_eq!(shown(&clock), 20);
        assert!(late.poll().is_some());
    });
}

#[test]
fn a_woken_wait_is_awake_before_it_is_polled() {
    run(async {
        let clock = Clock::new(Pace::Max, START);
        let (waiting, sleeping) = (clock.activity(), clock.activity());
        let signal = Notify::new();
        let mut wait = by_hand(waiting.wait(signal.notified()));
        assert!(wait.poll().is_none());
        signal.notify_one();
        let mut sleep = by_hand(sleeping.sleep(secs(100)));
        assert!(sleep.poll().is_none());
        assert_eq!(shown(&clock), 0, "time jumped over the woken one");
        assert!(wait.poll().is_some());
        drop(wait);
        drop(waiting);
        assert_eq!(shown(&clock), 100);
        assert!(sleep.poll().is_some());
    });
}

#[test]
fn waiting_lets_time_jump_and_a_limit_ends_it() {
    run(async {
        let clock = Clock::new(Pace::Max, START);
        let activity = clock.activity();
        let never = activity
            .wait_at_most(secs(600), std::future::pending::<()>())
            .await;
        assert_eq!(never, None);
        assert_eq!(shown(&clock), 600);
        assert_eq!(activity.wait_at_most(secs(600), async { 7 }).await, Some(7));
        assert_eq!(shown(&clock), 600);
    });
}

#[test]
fn what_is_sent_before_a_limit_arrives_though_time_jumps() {
    run(async {
        let clock = Clock::new(Pace::Max, START);
        let (sender, receiver) = oneshot::channel();
        let waiting = clock.activity();
        let other = clock.activity();
        let task = tokio::spawn(async move {
            other.sleep(secs(599)).await;
            sender.send(1).expect("a receiver");
            other.sleep(secs(1000)).await;
        });
        assert_eq!(waiting.wait_at_most(secs(600), receiver).await, Some(Ok(1)));
        assert_eq!(shown(&clock), 599);
        drop(waiting);
        task.await.expect("the task");
        assert_eq!(shown(&clock), 1599);
        assert_empty(&clock);
    });
}

#[test]
fn advancing_by_hand_fires_every_deadline_passed_in_order() {
    run(async {
        let clock = Clock::new(Pace::Max, START);
        let order = Arc::new(Mutex::new(Vec::new()));
        let sleepers: Vec<_> = [30_u64, 10, 20, 99]
            .map(|n| {
                let (clock, order) = (clock.clone(), Arc::clone(&order));
                tokio::spawn(async move {
                    clock.sleep_idle(secs(n)).await;
                    order.lock().expect("order").push(n);
                })
            })
            .into_iter()
            .collect();
        tokio::task::yield_now().await;
        clock.advance(secs(50)).unwrap();
        assert_eq!(shown(&clock), 50);
        while order.lock().expect("order").len() < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*order.lock().expect("order"), [10, 20, 30]);
        for sleeper in sleepers {
            sleeper.abort();
            // The three that woke ended; the fourth is gone by now.
            let _: Result<(), _> = sleeper.await;
        }
        assert_empty(&clock);
    });
}

#[test]
fn a_clock_in_a_hurry_lets_everybody_do_their_work_at_its_time() {
    run(async {
        let clock = Clock::new(Pace::Times(1.0), START);
        let done = Arc::new(Mutex::new(Vec::new()));
        let worker = {
            let (clock, done) = (clock.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let activity = clock.activity();
                loop {
                    activity.sleep(secs(100)).await;
                    done.lock().unwrap().push(shown(&clock));
                }
            })
        };
        let cron = {
            let (clock, done) = (clock.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let _awake = clock.rest(secs(250)).await;
                done.lock().unwrap().push(shown(&clock));
            })
        };
        while clock.inner.lock().deadlines.len() < 2 {
            tokio::task::yield_now().await;
        }
        let wall = Instant::now();
        clock.hurry(secs(450), secs(60)).await.unwrap();
        assert_eq!(*done.lock().unwrap(), [100, 200, 250, 300, 400]);
        assert_eq!(shown(&clock), 450);
        assert!(wall.elapsed() < secs(25));
        worker.abort();
        cron.await.unwrap();
        assert!(clock.hurry(Duration::MAX, secs(60)).await.is_err());
    });
}

#[test]
fn what_computes_without_end_is_overtaken() {
    run(async {
        let clock = Clock::new(Pace::Times(1.0), START);
        let _awake = clock.activity();
        clock
            .hurry(secs(3600), Duration::from_millis(20))
            .await
            .unwrap();
        assert_eq!(shown(&clock), 3600);
    });
}

#[test]
fn a_pace_multiplies_wall_time() {
    run(async {
        let clock = Clock::new(Pace::Times(1000.0), START);
        let wall = Instant::now();
        clock.activity().sleep(secs(50)).await;
        let (wall, account) = (wall.elapsed(), clock.now().duration_since(START));
        assert!(wall >= Duration::from_millis(50), "{wall:?}");
        assert!(account >= SignedDuration::from_secs(50));
        assert_empty(&clock);
    });
}

#[test]
fn a_sleeper_that_is_not_polled_does_not_hold_up_the_others() {
    run(async {
        let clock = Clock::new(Pace::Times(1000.0), START);
        let mut stuck = by_hand(clock.sleep_idle(secs(1)));
        assert!(stuck.poll().is_none());
        clock.sleep_idle(secs(10)).await;
        assert!(stuck.poll().is_some());
    });
}

#[test]
fn a_clock_outlives_the_runtime_that_drove_it() {
    let clock = Clock::new(Pace::Times(1000.0), START);
    run(async {
        let mut left = Box::pin(clock.sleep_idle(secs(100_000)));
        tokio::select! {
            () = &mut left => panic!("too early"),
            () = tokio::task::yield_now() => {}
        }
        std::mem::forget(left);
    });
    run(clock.sleep_idle(secs(5)));
    assert!(shown(&clock) >= 5);
}

type Boxed = std::pin::Pin<Box<dyn Future<Output = ()>>>;

/// Polls a future by hand, waking nobody.
struct ByHand<F: Future>(std::pin::Pin<Box<F>>);

fn by_hand<F: Future>(f: F) -> ByHand<F> {
    ByHand(Box::pin(f))
}

impl<F: Future> ByHand<F> {
    fn poll(&mut self) -> Option<F::Output> {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match self.0.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever many activities sleep, each wakes at its own deadline, in order, and the last one ends it all.
    #[test]
    fn every_sleeper_wakes_at_its_deadline(plans in prop::collection::vec(prop::collection::vec(1_u64..5000, 0..6), 1..8)) {
        run(async {
            let clock = Clock::new(Pace::Max, START);
            let log = Arc::new(Mutex::new(Vec::new()));
            let activities: Vec<_> = plans.iter().map(|_| clock.activity()).collect();
            let tasks: Vec<_> = plans.iter().cloned().zip(activities).map(|(plan, activity)| {
                let (clock, log) = (clock.clone(), Arc::clone(&log));
                tokio::spawn(async move {
                    let mut due = 0;
                    for n in plan {
                        activity.sleep(secs(n)).await;
                        due += i64::try_from(n).expect("small");
                        log.lock().expect("log").push((due, shown(&clock)));
                    }
                })
            }).collect();
            for task in tasks {
                task.await.expect("a task");
            }
            let log = log.lock().expect("log").clone();
            for (due, seen) in &log {
                prop_assert_eq!(due, seen);
            }
            prop_assert!(log.is_sorted_by_key(|(due, _)| *due));
            let longest = plans.iter().map(|plan| plan.iter().sum::<u64>()).max().unwrap_or(0);
            prop_assert_eq!(shown(&clock), i64::try_from(longest).expect("small"));
            assert_empty(&clock);
            Ok(())
        })?;
    }

    /// Dropping sleepers and waiters in any state and order leaves nothing behind and never moves time backwards.
    #[test]
    fn dropping_in_any_state_leaves_no_leak(steps in prop::collection::vec((0_u8..6, 0_usize..6, 1_u64..100), 1..60)) {
        run(async {
            let clock = Clock::new(Pace::Max, START);
            let signal = Arc::new(Notify::new());
            let mut futures: Vec<Option<ByHand<Boxed>>> = (0..6).map(|_| None).collect();
            let mut last = clock.now();
            for (kind, slot, n) in steps {
                let (c, s) = (clock.clone(), Arc::clone(&signal));
                match kind {
                    0 => futures[slot] = Some(by_hand(Box::pin(async move { c.activity().sleep(secs(n)).await; }))),
                    1 => futures[slot] = Some(by_hand(Box::pin(async move {
                        c.activity().wait_at_most(secs(n), s.notified()).await;
                    }))),
                    2 => futures[slot] = Some(by_hand(Box::pin(async move { c.sleep_idle(secs(n)).await; }))),
                    3 => futures[slot] = None,
                    4 => signal.notify_waiters(),
                    _ => clock.advance(secs(n)).unwrap(),
                }
                if let Some(future) = &mut futures[slot] && future.poll().is_some() {
                    futures[slot] = None;
                }
                let now = clock.now();
                prop_assert!(now >= last);
                last = now;
                let state = clock.inner.lock();
                prop_assert!(state.awake <= 6);
                prop_assert!(state.pauses.len() <= 6);
            }
            futures.clear();
            assert_empty(&clock);
            prop_assert!(clock.inner.lock().running.is_none());
            Ok(())
        })?;
    }
}

#[test]
fn a_wait_for_somebody_outside_neither_makes_time_jump_nor_holds_it_up() {
    run(async {
        let clock = Clock::new(Pace::Max, START);
        let prompt = clock.activity();
        let (key, typed) = oneshot::channel::<()>();
        let mut waiting = Box::pin(prompt.idle(typed));
        assert!(futures::poll!(&mut waiting).is_pending());
        // Recurring work sees no jump.
        let mut cron = Box::pin(clock.rest(secs(900)));
        assert!(futures::poll!(&mut cron).is_pending());
        assert_eq!(shown(&clock), 0);
        // Somebody else's sleep jumps past the prompt.
        clock.activity().sleep(secs(60)).await;
        assert_eq!(shown(&clock), 60);
        // The key is work since the instant it was pressed.
        key.send(()).expect("somebody listens");
        let mut sleeper = Box::pin(async { clock.activity().sleep(secs(60)).await });
        assert!(futures::poll!(&mut sleeper).is_pending());
        assert_eq!(shown(&clock), 60);
        waiting.await.expect("a key");
        drop(prompt);
        sleeper.await;
        assert_eq!(shown(&clock), 120);
        drop(cron);
        assert_empty(&clock);
    });
}

#[test]
fn a_job_left_in_the_background_of_an_idle_prompt_holds_nothing_up() {
    run(async {
        let clock = Clock::new(Pace::Max, START);
        let (prompt, other) = (clock.activity(), clock.activity());
        let mut job = Box::pin(prompt.sleep(secs(5)));
        assert!(futures::poll!(&mut job).is_pending());
        let (_key, typed) = oneshot::channel::<()>();
        let mut waiting = Box::pin(prompt.idle(typed));
        assert!(futures::poll!(&mut waiting).is_pending());
        // The job's deadline passes, nobody polls it, and time goes on.
        other.sleep(secs(3600)).await;
        drop(other);
        assert_eq!(shown(&clock), 3600);
        drop(waiting);
        job.await;
        drop(prompt);
        assert_empty(&clock);
    });
}

#[test]
fn time_never_passes_its_horizon() {
    run(async {
        let clock = Clock::new(Pace::Max, START);
        let refused = clock
            .advance(secs(9_999_999 * 86_400))
            .unwrap_err()
            .to_string();
        assert!(
            refused.starts_with("account time ends at 2073-"),
            "{refused}"
        );
        assert_eq!(shown(&clock), 0);
        clock.advance(secs(49 * 365 * 86_400)).unwrap();
        // A sleep past it has no end; what ends before it is not held up by it.
        let (far, near) = (clock.activity(), clock.activity());
        let mut endless = std::pin::pin!(far.sleep(Duration::MAX));
        tokio::select! {
            () = &mut endless => panic!("it ended"),
            () = near.sleep(secs(60)) => {}
        }
        assert_eq!(shown(&clock), 49 * 365 * 86_400 + 60);
    });
    let latest = Clock::new(Pace::Times(100_000.0), Timestamp::MAX);
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(latest.now(), Timestamp::MAX);
}
