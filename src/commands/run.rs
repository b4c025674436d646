//! The lab unattended: every step must fail its check, be done wrongly and fail again, be solved and pass; then cleanup.

use std::sync::Arc;
use std::time::{Duration, Instant};

use miette::IntoDiagnostic as _;
use tokio::sync::watch;

use super::Outcome;
use super::farewell;
use super::lab::{self, Front};
use super::program;
use super::site::{self, Site};
use crate::cli::Common;
use crate::engine::command::Command;
use crate::engine::view::{Phase, Receipt, StepState, View};
use crate::lesson::schema::{Action, Lesson, Step};
use crate::plain;
use crate::runtime;

/// A step that has not come to a verdict after this long on AWS never will: a stack may take ten minutes, twice.
const PATIENCE: Duration = Duration::from_mins(30);
/// How long evidence may still be on its way when everything has been done.
const LATE: Duration = Duration::from_secs(20);

/// Runs these lessons, or all.
pub(super) fn run(
    common: &Common,
    wanted: &[String],
    keep: bool,
    yes: bool,
) -> miette::Result<Outcome> {
    let lessons = lab::lessons()?;
    for id in wanted {
        if !lessons.iter().any(|lesson| lesson.id == *id) {
            return Err(super::lessons::unknown(id, &lessons));
        }
    }
    program::ssh_client().into_diagnostic()?;
    let journal = Arc::new(site::open_journal(common)?);
    let place = site::chosen(common)?;
    if !site::may_stand_unguarded(common, &place, yes)? {
        return Ok(Outcome::Failed);
    }
    super::runtime()?.block_on(async {
        let began = Instant::now();
        let site = Site::open(common, &place).await?;
        let lab = lab::make(&journal, &site.place)?;
        let driven = lab::take(&journal, &lab, &site, Arc::clone(&lessons), None)?;
        let (wires, front) = lab::wires(&driven.engine);
        let chosen: Vec<&Lesson> = lessons
            .iter()
            .filter(|lesson| wanted.is_empty() || wanted.contains(&lesson.id))
            .collect();
        super::print(&plain::run::heading(&lab.id, &site.target, chosen.len()))?;
        let (ending, tally) = tokio::join!(
            runtime::drive(driven.engine, driven.parts, wires),
            unattended(front, &chosen, keep)
        );
        site.close().await;
        let still_there = |view: &View| super::complain(&farewell::unfinished(&lab, view));
        let (ending, tally) = match (ending.into_diagnostic(), tally) {
            (Ok(ending), Ok(tally)) => (ending, tally),
            (Ok(ending), Err(error)) => {
                still_there(&ending.view);
                return Err(error);
            }
            (Err(error), _) => return Err(error.wrap_err(farewell::unknown(&lab))),
        };
        if let Some(signal) = ending.signal {
            super::complain("interrupted: ");
            still_there(&ending.view);
            return Ok(Outcome::Interrupted(signal));
        }
        super::print(&plain::run::summary(
            tally.passed,
            tally.failed,
            began.elapsed(),
        ))?;
        let mut outcome = if tally.failed == 0 {
            Outcome::Done
        } else {
            Outcome::Failed
        };
        if let Some(receipt) = &tally.receipt {
            super::print(&plain::receipt::text(receipt))?;
            outcome = outcome.and(super::cleanup::judged(receipt));
            super::cleanup::forget(&journal, &lab.id, receipt)?;
        } else if !keep {
            outcome = outcome.and(Outcome::Unverified);
        }
        if !keep && !tally.receipt.as_ref().is_some_and(Receipt::is_clean) {
            still_there(&ending.view);
        }
        drop(driven.driver);
        Ok(outcome)
    })
}

/// What came of an unattended run.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    failed: usize,
    receipt: Option<Receipt>,
}

/// Does every step of these lessons, then cleans up.
async fn unattended(front: Front, lessons: &[&Lesson], keep: bool) -> miette::Result<Tally> {
    let Front {
        views,
        mut output,
        commands,
        acts,
    } = front;
    // Nobody looks at the terminals; what they show still reaches the checks.
    let drain = tokio::spawn(async move { while output.recv().await.is_some() {} });
    let mut driver = Unattended {
        views,
        commands,
        acts,
    };
    let mut tally = Tally::default();
    for lesson in lessons {
        for (number, step) in lesson.steps.iter().enumerate() {
            let cleans = step.solution.contains(&Action::CleanUp {});
            if keep && cleans {
                continue;
            }
            let began = Instant::now();
            let outcome = driver.step(lesson, number, step).await;
            let passed = outcome.is_ok();
            // A step that was interrupted has not failed.
            if !matches!(outcome, Err(Failing::Over)) {
                let took = began.elapsed();
                super::print(&plain::run::step(lesson, number, step, &outcome, took))?;
            }
            if passed {
                super::print(&driver.figures())?;
            }
            if passed {
                tally.passed += 1;
            } else {
                tally.failed += 1;
            }
            if matches!(outcome, Err(Failing::Over)) {
                return Ok(tally);
            }
        }
    }
    if !keep {
        tally.receipt = driver.clean_up().await;
    }
    let _ = driver.commands.send(Command::Leave).await;
    drain.abort();
    Ok(tally)
}

/// Why a step did not go as it must.
#[derive(Debug, thiserror::Error)]
pub enum Failing {
    /// The check cannot fail.
    #[error("the check passed before anything was done: {0}")]
    PassedUndone(String),
    /// The check accepts a mistake.
    #[error("a wrong answer passed: {0}")]
    PassedWrong(String),
    /// The check failed for another reason than the mistake.
    #[error("with a wrong answer the check could not be decided: {0}")]
    WrongUndecided(String),
    /// The solution is none.
    #[error("the solution did not pass: {0}")]
    NotSolved(String),
    /// Something went wrong that is not the step's fault.
    #[error("{0}")]
    Trouble(String),
    /// No verdict.
    #[error("no verdict after {0:?}; last seen: {1}")]
    NoVerdict(Duration, String),
    /// The lab ended meanwhile.
    #[error("the lab ended")]
    Over,
}

/// A learner who makes every mistake once.
struct Unattended {
    views: watch::Receiver<Arc<View>>,
    commands: tokio::sync::mpsc::Sender<Command>,
    acts: tokio::sync::mpsc::Sender<Vec<Action>>,
}

impl Unattended {
    /// Fails, fails again with a mistake, passes; answers the evidence.
    async fn step(
        &mut self,
        lesson: &Lesson,
        number: usize,
        step: &Step,
    ) -> Result<String, Failing> {
        self.say(Command::Goto {
            lesson: lesson.id.clone(),
            step: number,
        })
        .await?;
        let at = |view: &View| view.step.lesson == lesson.id && view.step.number == number + 1;
        self.until(PATIENCE, at).await?;
        match self.verdict_after(Command::Enter).await? {
            StepState::Passed(evidence) => return Err(Failing::PassedUndone(evidence)),
            StepState::NotYet(_) | StepState::CouldNotCheck(_) | StepState::Converging(_) => {}
            other => return Err(Failing::NotSolved(format!("{other:?}"))),
        }
        let before = self.verdicts();
        // Where building is billed, the stack is asked for and not merely needed; where it stands, this does nothing.
        let build = lesson.stage.map(|stage| Action::Build { stage });
        self.acts
            .send(build.into_iter().chain(step.wrong.clone()).collect())
            .await
            .map_err(|_| Failing::Over)?;
        match self.verdict(before).await? {
            StepState::Passed(evidence) => return Err(Failing::PassedWrong(evidence)),
            StepState::CouldNotCheck(why) => return Err(Failing::WrongUndecided(why)),
            _ => {}
        }
        let before = self.verdicts();
        self.say(Command::RunForMe).await?;
        match self.verdict(before).await? {
            StepState::Passed(evidence) => Ok(evidence),
            // Evidence may come a moment after the prompt.
            last => match self
                .until(LATE, |view| matches!(view.step.state, StepState::Passed(_)))
                .await
            {
                Ok(view) => match &view.step.state {
                    StepState::Passed(evidence) => Ok(evidence.clone()),
                    other => Err(Failing::NotSolved(words(other))),
                },
                Err(Failing::NoVerdict(..)) => Err(Failing::NotSolved(words(&last))),
                Err(other) => Err(other),
            },
        }
    }

    /// Cleans up, unless that has been done; answers the receipt.
    async fn clean_up(&mut self) -> Option<Receipt> {
        let before = match &self.views.borrow().phase {
            Phase::CleanedUp(receipt) => Some(receipt.clone()),
            _ => None,
        };
        if before.as_ref().is_some_and(Receipt::is_clean) {
            return before;
        }
        self.say(Command::CleanUp).await.ok()?;
        // Whatever went wrong before does not matter any more: a cleanup always ends with a receipt.
        let cleaned = |view: &Arc<View>| matches!(&view.phase, Phase::CleanedUp(receipt) if before.as_ref() != Some(receipt));
        let view = tokio::time::timeout(PATIENCE, self.views.wait_for(cleaned))
            .await
            .ok()?
            .ok()?;
        match &view.phase {
            Phase::CleanedUp(receipt) => Some(receipt.clone()),
            _ => None,
        }
    }

    async fn say(&mut self, command: Command) -> Result<(), Failing> {
        self.commands.send(command).await.map_err(|_| Failing::Over)
    }

    /// What was measured in the step and seen of the account, as lines.
    fn figures(&self) -> String {
        let view = self.views.borrow();
        let causality = view.step.causality.as_ref();
        let causality = causality.map_or_else(String::new, plain::causality::text);
        causality + &plain::figures::text(&view.step)
    }

    fn verdicts(&self) -> u32 {
        self.views.borrow().step.verdicts
    }

    async fn verdict_after(&mut self, command: Command) -> Result<StepState, Failing> {
        let before = self.verdicts();
        self.say(command).await?;
        self.verdict(before).await
    }

    /// The verdict after `before` verdicts.
    async fn verdict(&mut self, before: u32) -> Result<StepState, Failing> {
        let settled = |view: &View| {
            view.step.verdicts > before && !matches!(view.step.state, StepState::Working { .. })
        };
        Ok(self.until(PATIENCE, settled).await?.step.state.clone())
    }

    /// The first view for which `holds`.
    async fn until(
        &mut self,
        patience: Duration,
        holds: impl Fn(&View) -> bool,
    ) -> Result<Arc<View>, Failing> {
        let stuck = |view: &View| {
            view.trouble
                .as_ref()
                .is_some_and(|trouble| trouble.retry.is_some())
        };
        let found = tokio::time::timeout(
            patience,
            self.views.wait_for(|view| holds(view) || stuck(view)),
        )
        .await
        .map(|found| found.map(|view| Arc::clone(&view)));
        match found {
            Ok(Ok(view)) if holds(&view) => Ok(view),
            Ok(Ok(view)) => {
                let trouble = view.trouble.as_ref();
                Err(Failing::Trouble(trouble.map_or_else(String::new, |it| {
                    format!("{}: {}", it.what, it.why)
                })))
            }
            Ok(Err(_)) => Err(Failing::Over),
            Err(_) => Err(Failing::NoVerdict(
                patience,
                words(&self.views.borrow().step.state),
            )),
        }
    }
}

/// A step's state in words.
fn words(state: &StepState) -> String {
    match state {
        StepState::Open => "not checked".to_owned(),
        StepState::Working { what, .. } => what.clone(),
        StepState::NotYet(why) => format!("not done yet: {why}"),
        StepState::Converging(what) => format!("still converging: {what}"),
        StepState::CouldNotCheck(why) => format!("could not check: {why}"),
        StepState::Passed(evidence) => evidence.clone(),
    }
}
